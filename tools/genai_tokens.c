/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Counts the tokens of texts; see docs/TOOLS.md.
 */


#include "genai_tokens_int.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>


/* rounds of --bench */
#define GENAI_TOKENS_ROUNDS  9


static int genai_tokens_options(genai_tokens_t *t, int argc, char **argv);
static int genai_tokens_count(genai_tokens_t *t, const genai_str_t *text,
    uint64_t *tokens);
static int genai_tokens_stream(genai_tokens_t *t, genai_counter_t *c,
    const genai_str_t *text);
static void genai_tokens_sink(void *data, uint32_t id);
static int genai_tokens_files(genai_tokens_t *t);
static void genai_tokens_print(const genai_tokens_t *t, uint64_t tokens,
    const char *name);
static int genai_tokens_batch(genai_tokens_t *t);
static int genai_tokens_bench(genai_tokens_t *t);
static int genai_tokens_compare(const void *a, const void *b);
static uint64_t genai_tokens_now(void);
static uint64_t genai_tokens_random(uint64_t *state);


int
main(int argc, char **argv)
{
    int             rc;
    genai_tokens_t  t;

    rc = genai_tokens_options(&t, argc, argv);

    if (rc != 0) {
        return (rc == 1) ? GENAI_TOKENS_FINE : GENAI_TOKENS_FAILED;
    }

    t.cache = calloc(1, sizeof(genai_bpe_cache_t));

    if (t.cache == NULL) {
        fputs("genai-tokens: no memory\n", stderr);
        return GENAI_TOKENS_FAILED;
    }

    genai_arena_init(&t.arena, GENAI_TOKENS_ARENA);

    if (((t.name || t.json) && genai_tokens_models(&t) == -1)
        || (t.name && genai_tokens_model(&t) == -1)
        || (t.encoding && genai_tokens_open(&t, t.encoding) == -1))
    {
        return GENAI_TOKENS_FAILED;
    }

    if (t.batch) {
        rc = genai_tokens_batch(&t);

    } else if (t.bench) {
        rc = genai_tokens_bench(&t);

    } else if (t.json) {
        rc = genai_tokens_requests(&t);

    } else {
        rc = genai_tokens_files(&t);
    }

    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "genai-tokens: cannot write: %s\n", strerror(errno));
        rc = GENAI_TOKENS_FAILED;
    }

    genai_vocab_file_close(&t.file);
    genai_arena_destroy(&t.arena);
    free(t.found);
    free(t.cache);

    return rc;
}


/* returns 0; 1 where there is nothing more to do; -1 for a wrong usage */

static int
genai_tokens_options(genai_tokens_t *t, int argc, char **argv)
{
    int           i;
    char         *end;
    const char   *arg;
    const char  **value;

    memset(t, 0, sizeof(genai_tokens_t));
    t->rounds = GENAI_TOKENS_ROUNDS;

    for (i = 1; i < argc; i++) {
        arg = argv[i];
        value = NULL;

        if (arg[0] != '-' || arg[1] == '\0') {
            break;
        }

        if (strcmp(arg, "--") == 0) {
            i++;
            break;
        }

        if (strcmp(arg, "--help") == 0) {
            (void) genai_tokens_usage(stdout);
            return 1;
        }

        if (strcmp(arg, "--ids") == 0) {
            t->ids = 1;

        } else if (strcmp(arg, "--batch") == 0) {
            t->batch = 1;

        } else if (strcmp(arg, "--times") == 0) {
            t->times = 1;

        } else if (strcmp(arg, "--bench") == 0) {
            t->bench = 1;

        } else if (strcmp(arg, "--json") == 0) {
            t->json = 1;

        } else if (strcmp(arg, "-e") == 0) {
            value = &t->encoding;

        } else if (strcmp(arg, "-m") == 0) {
            value = &t->name;

        } else if (strcmp(arg, "--catalog") == 0) {
            value = &t->catalog;

        } else if (strcmp(arg, "--endpoint") == 0) {
            value = &t->endpoint;

        } else if (strcmp(arg, "--split") == 0) {
            value = &t->split;

        } else if (strcmp(arg, "--pieces") == 0 && i + 1 < argc) {
            t->pieces = strtoull(argv[++i], &end, 10);

            if (t->pieces == 0 || *end) {
                return genai_tokens_usage(stderr);
            }

        } else {
            return genai_tokens_usage(stderr);
        }

        if (value) {

            if (i + 1 == argc) {
                return genai_tokens_usage(stderr);
            }

            *value = argv[++i];
        }
    }

    t->nfiles = argc - i;
    t->files = argv + i;

    if ((t->encoding == NULL && t->name == NULL && !t->json)
        || t->batch + t->bench + t->json > 1
        || (t->batch && t->nfiles)
        || (t->bench && (t->ids || t->nfiles == 0))
        || (t->times && (!t->batch || t->ids))
        || (t->json && (t->ids || t->pieces))
        || (t->endpoint && !t->json))
    {
        return genai_tokens_usage(stderr);
    }

    return 0;
}


int
genai_tokens_usage(FILE *f)
{
    fputs("usage: genai-tokens VOCABULARY [--ids] [--pieces SEED] [FILE...]\n"
          "       genai-tokens --json [VOCABULARY]"
          " [--endpoint chat|completions|embeddings] [FILE...]\n"
          "       genai-tokens --bench VOCABULARY FILE...\n"
          "       genai-tokens --batch VOCABULARY [--ids | --times]"
          " [--pieces SEED]\n"
          "VOCABULARY: -e NAME|FILE [--split FAMILY],"
          " or -m MODEL [--catalog FILE]\n", f);

    return -1;
}


static int
genai_tokens_count(genai_tokens_t *t, const genai_str_t *text,
    uint64_t *tokens)
{
    int              rc;
    genai_counter_t  c;

    t->nfound = 0;

    genai_counter_init(&c, &t->file.vocab, t->cache);

    if (t->ids) {
        genai_counter_ids(&c, genai_tokens_sink, t);
    }

    if (t->pieces) {
        rc = genai_tokens_stream(t, &c, text);

    } else {
        do {
            rc = genai_counter_text(&c, text, GENAI_COUNTER_ALL);
        } while (rc == GENAI_COUNTER_AGAIN);
    }

    *tokens = c.tokens;

    if (c.inexact && !t->batch) {
        fputs("genai-tokens: not exact: too much of a stream could not be"
              " cut\n", stderr);
    }

    genai_counter_done(&c);

    if (rc != 0 || t->failed) {
        fputs("genai-tokens: no memory\n", stderr);
        return -1;
    }

    return 0;
}


/* as a stream would bring it, in pieces of 1 to 16 bytes, some of up to 999 */

static int
genai_tokens_stream(genai_tokens_t *t, genai_counter_t *c,
    const genai_str_t *text)
{
    size_t       n, pos;
    uint64_t     r;
    genai_str_t  piece;

    for (pos = 0; pos < text->len; pos += n) {
        r = genai_tokens_random(&t->pieces);
        n = 1 + ((r & 7) ? (r >> 8) % 16 : (r >> 8) % 999);

        if (n > text->len - pos) {
            n = text->len - pos;
        }

        piece.data = text->data + pos;
        piece.len = n;

        if (genai_counter_feed(c, &piece) == -1) {
            return -1;
        }
    }

    return genai_counter_end(c);
}


static void
genai_tokens_sink(void *data, uint32_t id)
{
    genai_tokens_t *t = data;

    size_t     size;
    uint32_t  *p;

    if (t->nfound == t->size) {
        size = t->size ? t->size * 2 : 4096;
        p = realloc(t->found, size * sizeof(uint32_t));

        if (p == NULL) {
            t->failed = 1;
            return;
        }

        t->found = p;
        t->size = size;
    }

    t->found[t->nfound++] = id;
}


static int
genai_tokens_files(genai_tokens_t *t)
{
    int          i, rc, estimated;
    uint64_t     tokens, total;
    genai_str_t  text;

    rc = GENAI_TOKENS_FINE;
    total = 0;
    estimated = 0;

    for (i = 0; i < t->nfiles || i == 0; i++) {

        if (genai_tokens_read(t->nfiles ? t->files[i] : "-", &text) == -1) {
            rc = GENAI_TOKENS_FAILED;
            continue;
        }

        if (genai_tokens_count(t, &text, &tokens) == -1) {
            free(text.data);
            return GENAI_TOKENS_FAILED;
        }

        free(text.data);

        if (t->model && !t->encoding && !t->model->exact && !t->ids) {
            tokens = (uint64_t) ((double) tokens * t->model->factor + 0.5);
            estimated = 1;
        }

        genai_tokens_print(t, tokens, t->nfiles > 1 ? t->files[i] : NULL);
        total += tokens;
    }

    if (t->nfiles > 1 && !t->ids) {
        genai_tokens_print(t, total, "total");
    }

    if (estimated) {
        fprintf(stderr, "genai-tokens: estimated: %s times %.3g\n", t->opened,
                t->model->factor);
    }

    return rc;
}


static void
genai_tokens_print(const genai_tokens_t *t, uint64_t tokens, const char *name)
{
    size_t  i;

    if (t->ids) {

        for (i = 0; i < t->nfound; i++) {
            printf("%s%u", i ? " " : "", (unsigned) t->found[i]);
        }

        putchar('\n');
        return;
    }

    printf("%llu", (unsigned long long) tokens);
    printf(name ? " %s\n" : "\n", name);
}


/*
 * Texts come with their length before them, four bytes, the lowest first; all
 * ones are no text, but ask for the answers so far.  The answer to each is the
 * number of tokens, four bytes, then with --ids the ids; with --times it is a
 * line, "TOKENS NANOSECONDS", at once.
 */

static int
genai_tokens_batch(genai_tokens_t *t)
{
    size_t          size;
    uint32_t        len, n;
    uint64_t        tokens, begin;
    genai_str_t     text;
    unsigned char  *p;

    size = 0;
    text.data = NULL;

    while (fread(&len, sizeof(len), 1, stdin) == 1) {

        if (len == UINT32_MAX) {
            (void) fflush(stdout);
            continue;
        }

        if (len > size || text.data == NULL) {
            size = (size_t) len + len / 2 + 1;
            p = realloc(text.data, size);

            if (p == NULL) {
                fputs("genai-tokens: no memory\n", stderr);
                break;
            }

            text.data = p;
        }

        text.len = len;

        if (fread(text.data, 1, len, stdin) != len) {
            fputs("genai-tokens: the last text is cut\n", stderr);
            free(text.data);
            return GENAI_TOKENS_FAILED;
        }

        begin = genai_tokens_now();

        if (genai_tokens_count(t, &text, &tokens) == -1) {
            break;
        }

        if (t->times) {
            printf("%llu %llu\n", (unsigned long long) tokens,
                   (unsigned long long) (genai_tokens_now() - begin));
            (void) fflush(stdout);
            continue;
        }

        n = (uint32_t) tokens;
        (void) fwrite(&n, sizeof(n), 1, stdout);

        if (t->ids) {
            (void) fwrite(t->found, sizeof(uint32_t), t->nfound, stdout);
        }
    }

    free(text.data);

    return feof(stdin) && !ferror(stdout) ? GENAI_TOKENS_FINE
                                          : GENAI_TOKENS_FAILED;
}


static int
genai_tokens_bench(genai_tokens_t *t)
{
    int          i;
    double       best, middle;
    unsigned     n;
    uint64_t     tokens, begin, times[GENAI_TOKENS_ROUNDS];
    genai_str_t  text;

    for (i = 0; i < t->nfiles; i++) {

        if (genai_tokens_read(t->files[i], &text) == -1) {
            return GENAI_TOKENS_FAILED;
        }

        for (n = 0; n < t->rounds; n++) {
            begin = genai_tokens_now();

            if (genai_tokens_count(t, &text, &tokens) == -1) {
                free(text.data);
                return GENAI_TOKENS_FAILED;
            }

            times[n] = genai_tokens_now() - begin + 1;
        }

        qsort(times, n, sizeof(uint64_t), genai_tokens_compare);

        best = text.len * 1e3 / times[0];
        middle = text.len * 1e3 / times[n / 2];

        printf("%s: %llu bytes, %llu tokens, %.1f MB/s, median %.1f\n",
               t->files[i], (unsigned long long) text.len,
               (unsigned long long) tokens, best, middle);

        free(text.data);
    }

    return GENAI_TOKENS_FINE;
}


static int
genai_tokens_compare(const void *a, const void *b)
{
    uint64_t  x, y;

    x = *(const uint64_t *) a;
    y = *(const uint64_t *) b;

    return (x > y) - (x < y);
}


/* nanoseconds of processor time */

static uint64_t
genai_tokens_now(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);

    return (uint64_t) ts.tv_sec * 1000000000 + ts.tv_nsec;
}


/* splitmix64 */

static uint64_t
genai_tokens_random(uint64_t *state)
{
    uint64_t  z;

    *state += UINT64_C(0x9e3779b97f4a7c15);

    z = *state;
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);

    return z ^ z >> 31;
}
