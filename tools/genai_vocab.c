/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Compiles vocabularies to the files that the gateway maps, and shows what is
 * in one; see docs/TOOLS.md.
 */


#include "genai_key.h"
#include "genai_split_pattern.h"
#include "genai_vocab_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>


/* exit codes */
#define GENAI_VOCAB_FINE    0
#define GENAI_VOCAB_BROKEN  1       /* the file is not what it should be */
#define GENAI_VOCAB_FAILED  2


typedef struct {
    int            show;
    const char    *path;
    const char    *out;
    const char    *name;
    genai_split_e  split;
} genai_vocab_tool_t;


static int genai_vocab_options(genai_vocab_tool_t *o, int argc, char **argv);
static int genai_vocab_usage(FILE *f);
static genai_str_t genai_vocab_name(const genai_vocab_tool_t *o);
static int genai_vocab_command_compile(const genai_vocab_tool_t *o);
static int genai_vocab_command_show(const genai_vocab_tool_t *o);
static int genai_vocab_check(const void *image, size_t len);
static void genai_vocab_print(const genai_vocab_t *v, int compiled);


int
main(int argc, char **argv)
{
    int                 rc;
    genai_vocab_tool_t  o;

    rc = genai_vocab_options(&o, argc, argv);

    if (rc != 0) {
        return (rc == 1) ? GENAI_VOCAB_FINE : GENAI_VOCAB_FAILED;
    }

    rc = o.show ? genai_vocab_command_show(&o)
                : genai_vocab_command_compile(&o);

    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "genai-vocab: cannot write: %s\n", strerror(errno));
        rc = GENAI_VOCAB_FAILED;
    }

    return rc;
}


/* returns 0; 1 where there is nothing more to do; -1 for a wrong usage */

static int
genai_vocab_options(genai_vocab_tool_t *o, int argc, char **argv)
{
    int           i;
    const char   *arg, **value, *split;
    genai_str_t   s;

    memset(o, 0, sizeof(genai_vocab_tool_t));

    o->split = GENAI_SPLIT_LAST;
    split = NULL;

    if (argc > 1
        && (strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "--help") == 0))
    {
        (void) genai_vocab_usage(stdout);
        return 1;
    }

    if (argc < 3) {
        return genai_vocab_usage(stderr);
    }

    o->show = (strcmp(argv[1], "show") == 0);

    if (!o->show && strcmp(argv[1], "compile") != 0) {
        return genai_vocab_usage(stderr);
    }

    for (i = 2; i < argc; i++) {

        arg = argv[i];

        value = (strcmp(arg, "-o") == 0 && !o->show) ? &o->out
                : (strcmp(arg, "--name") == 0) ? &o->name
                : (strcmp(arg, "--split") == 0) ? &split
                : (arg[0] != '-') ? &o->path
                : NULL;

        if (value == NULL || *value) {
            return genai_vocab_usage(stderr);
        }

        *value = (value == &o->path) ? arg : argv[++i];

        if (*value == NULL) {
            return genai_vocab_usage(stderr);
        }
    }

    if (o->path == NULL || (!o->show && o->out == NULL)) {
        return genai_vocab_usage(stderr);
    }

    if (split) {
        s.data = (unsigned char *) split;
        s.len = strlen(split);

        o->split = genai_vocab_file_split(&s);

        if (o->split == GENAI_SPLIT_LAST) {
            fprintf(stderr, "genai-vocab: there is no family \"%s\"; there"
                            " are", split);

            for (i = GENAI_SPLIT_R50K; i < GENAI_SPLIT_SPACE; i++) {
                fprintf(stderr, " %s", genai_split_name(i));
            }

            fprintf(stderr, "\n");

            return -1;
        }
    }

    return 0;
}


static int
genai_vocab_usage(FILE *f)
{
    fputs("usage: genai-vocab compile FILE -o OUT [--name NAME]"
          " [--split FAMILY]\n"
          "       genai-vocab show FILE [--name NAME] [--split FAMILY]\n", f);

    return -1;
}


/* what it is told, else the file's name without what is behind its last dot */

static genai_str_t
genai_vocab_name(const genai_vocab_tool_t *o)
{
    const char   *base, *dot;
    genai_str_t   name;

    base = strrchr(o->path, '/');
    base = base ? base + 1 : o->path;
    dot = strrchr(base, '.');

    name.data = (unsigned char *) (o->name ? o->name : base);
    name.len = strlen((char *) name.data);

    if (o->name == NULL && dot && dot != base) {
        name.len = dot - base;
    }

    return name;
}


static int
genai_vocab_command_compile(const genai_vocab_tool_t *o)
{
    int          rc;
    char         problem[GENAI_VOCAB_FILE_PROBLEM];
    genai_str_t  name, image;

    name = genai_vocab_name(o);

    if (genai_vocab_file_compile(&image, o->path, &name, o->split, problem)
        != 0)
    {
        fprintf(stderr, "genai-vocab: %s\n", problem);
        return GENAI_VOCAB_BROKEN;
    }

    rc = genai_vocab_check(image.data, image.len);

    if (rc == GENAI_VOCAB_FINE
        && genai_vocab_file_write(o->out, &image, problem) != 0)
    {
        fprintf(stderr, "genai-vocab: %s\n", problem);
        rc = GENAI_VOCAB_FAILED;
    }

    free(image.data);

    return rc;
}


/* whether the gateway would open it, its expression among it */

static int
genai_vocab_check(const void *image, size_t len)
{
    char                    error[GENAI_VOCAB_ERROR_MAX];
    genai_vocab_t           v;
    genai_split_pattern_t  *pattern;

    if (genai_vocab_open(&v, image, len, error) != 0) {
        fprintf(stderr, "genai-vocab: what was compiled cannot be opened: %s\n",
                error);
        return GENAI_VOCAB_FAILED;
    }

    if (v.split == GENAI_SPLIT_PATTERN) {

        pattern = genai_split_pattern_compile(&v.pattern, error,
                                              sizeof(error));
        if (pattern == NULL) {
            fprintf(stderr, "genai-vocab: its expression is not known: %s\n",
                    error);
            return GENAI_VOCAB_BROKEN;
        }

        genai_split_pattern_free(pattern);
    }

    return GENAI_VOCAB_FINE;
}


static int
genai_vocab_command_show(const genai_vocab_tool_t *o)
{
    char                problem[GENAI_VOCAB_FILE_PROBLEM],
                        error[GENAI_VOCAB_ERROR_MAX];
    genai_str_t         name;
    genai_vocab_file_t  f;

    name = genai_vocab_name(o);

    if (genai_vocab_file_open(&f, o->path, &name, o->split, problem) != 0) {
        fprintf(stderr, "genai-vocab: %s\n", problem);
        return GENAI_VOCAB_BROKEN;
    }

    if (genai_vocab_verify(&f.vocab, error) != 0) {
        fprintf(stderr, "genai-vocab: \"%s\": %s\n", o->path, error);
        genai_vocab_file_close(&f);
        return GENAI_VOCAB_BROKEN;
    }

    genai_vocab_print(&f.vocab, f.compiled);

    genai_vocab_file_close(&f);

    return GENAI_VOCAB_FINE;
}


static void
genai_vocab_print(const genai_vocab_t *v, int compiled)
{
    unsigned       i;
    unsigned char  hex[GENAI_DIGEST_HEX];

    static const char *const  sections[GENAI_VOCAB_SECTIONS] = {
        [GENAI_VOCAB_WORDS] = "words",
        [GENAI_VOCAB_WORD_IDS] = "ids of words",
        [GENAI_VOCAB_LONGS] = "long tokens",
        [GENAI_VOCAB_STRINGS] = "strings",
        [GENAI_VOCAB_PAIRS] = "pairs",
        [GENAI_VOCAB_BYTE_PAIRS] = "byte pairs",
        [GENAI_VOCAB_BLOCKS] = "blocks",
        [GENAI_VOCAB_CHARS] = "characters",
        [GENAI_VOCAB_BYTES] = "bytes",
        [GENAI_VOCAB_JOINTS] = "joints",
        [GENAI_VOCAB_ADDED] = "added tokens",
        [GENAI_VOCAB_IDS] = "ids",
        [GENAI_VOCAB_PATTERN] = "pattern"
    };

    (void) genai_digest_write(hex, v->header->origin);

    printf("name       %.*s\n", (int) v->name.len, v->name.data);
    printf("compiled   %s, version %u\n", compiled ? "yes" : "no, only here",
           v->header->version);
    printf("tokens     %u\n", v->ntokens);
    printf("family     %s%s%s%s%s\n",
           v->joints ? "joints" : genai_split_name(v->split),
           v->chars ? ", of characters" : "",
           v->nfc ? ", NFC" : "", v->prefix ? ", a space before a text" : "",
           v->added ? ", with added tokens" : "");

    if (v->pattern.len) {
        printf("pattern    %.*s\n", (int) v->pattern.len, v->pattern.data);
    }

    printf("origin     sha256:%.*s\n", GENAI_DIGEST_HEX, (char *) hex);
    printf("size       %llu\n", (unsigned long long) v->header->len);

    for (i = 0; i < GENAI_VOCAB_SECTIONS; i++) {

        if (v->header->sections[i].len) {
            printf("  %-16s %llu\n", sections[i] ? sections[i] : "other",
                   (unsigned long long) v->header->sections[i].len);
        }
    }
}
