/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Shows a request as the gateway reads it, checks it, or edits it byte by
 * byte; see docs/TOOLS.md.
 */


#include "genai_request.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>


/* exit codes */
#define GENAI_JSON_FINE     0
#define GENAI_JSON_REFUSED  1
#define GENAI_JSON_FAILED   2

/* characters of a text that are shown */
#define GENAI_JSON_WIDTH    60

/* bytes that a request and its tape may take, as in the gateway */
#define GENAI_JSON_MEMORY   ((size_t) 1 << 30)


typedef struct {
    const char                *path;
    const char                *json;    /* NULL: the member is removed */
    size_t                     len;     /* of the path */
} genai_json_edit_t;


typedef struct {
    genai_endpoint_e           endpoint;
    const char                *file;
    genai_json_edit_t         *edits;
    size_t                     nedits;
    unsigned                   check:1;
    unsigned                   full:1;
} genai_json_options_t;


static int genai_json_options(genai_json_options_t *o, int argc, char **argv);
static int genai_json_usage(FILE *f);
static int genai_json_read(const char *name, genai_str_t *text);
static void genai_json_show(const genai_request_t *req, int full);
static void genai_json_text(const genai_str_t *s, int full);
static int genai_json_edit(const genai_request_t *req,
    const genai_json_options_t *o, genai_arena_t *arena);
static int genai_json_one(const genai_request_t *req, genai_edits_t *edits,
    const genai_json_edit_t *edit);
static int genai_json_step(const genai_tape_t *t, uint32_t i,
    const genai_str_t *name, uint32_t *value);


int
main(int argc, char **argv)
{
    int                   rc;
    genai_str_t           text;
    genai_arena_t         arena;
    genai_request_t       req;
    genai_json_options_t  o;

    rc = genai_json_options(&o, argc, argv);
    if (rc != 0) {
        return (rc == 1) ? GENAI_JSON_FINE : GENAI_JSON_FAILED;
    }

    if (genai_json_read(o.file, &text) != 0) {
        return GENAI_JSON_FAILED;
    }

    genai_arena_init(&arena, GENAI_JSON_MEMORY);
    genai_request_init(&req, &genai_openai, o.endpoint, &text, &arena);

    if (genai_request_read(&req, SIZE_MAX) != GENAI_REQUEST_DONE) {
        fprintf(stderr, "%s\n", req.error);

        rc = (req.cause == GENAI_SCAN_BAD_TEXT) ? GENAI_JSON_REFUSED
                                                : GENAI_JSON_FAILED;

    } else if (o.nedits) {
        rc = genai_json_edit(&req, &o, &arena);

    } else if (!o.check) {
        genai_json_show(&req, o.full);
    }

    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "genai-json: cannot write: %s\n", strerror(errno));
        rc = GENAI_JSON_FAILED;
    }

    genai_arena_destroy(&arena);
    free(text.data);
    free(o.edits);

    return rc;
}


/* returns 0; 1 where there is nothing more to do; -1 for a wrong usage */

static int
genai_json_options(genai_json_options_t *o, int argc, char **argv)
{
    int                 i;
    const char         *arg, *value;
    genai_str_t         name;
    genai_json_edit_t  *edit;

    memset(o, 0, sizeof(genai_json_options_t));

    o->endpoint = GENAI_ENDPOINT_CHAT;
    o->edits = calloc(argc, sizeof(genai_json_edit_t));

    if (o->edits == NULL) {
        return -1;
    }

    for (i = 1; i < argc; i++) {
        arg = argv[i];

        if (strcmp(arg, "--check") == 0) {
            o->check = 1;
            continue;
        }

        if (strcmp(arg, "--full") == 0) {
            o->full = 1;
            continue;
        }

        if (strcmp(arg, "--help") == 0) {
            (void) genai_json_usage(stdout);
            return 1;
        }

        if (arg[0] != '-' || arg[1] == '\0') {

            if (o->file) {
                return genai_json_usage(stderr);
            }

            o->file = arg;
            continue;
        }

        value = argv[++i];

        if (value == NULL) {
            return genai_json_usage(stderr);
        }

        if (strcmp(arg, "--endpoint") == 0) {
            name.data = (unsigned char *) value;
            name.len = strlen(value);

            o->endpoint = genai_endpoint_by_name(&name);

            if (o->endpoint != GENAI_ENDPOINT_CHAT
                && o->endpoint != GENAI_ENDPOINT_COMPLETIONS
                && o->endpoint != GENAI_ENDPOINT_EMBEDDINGS)
            {
                return genai_json_usage(stderr);
            }

            continue;
        }

        edit = &o->edits[o->nedits++];

        edit->path = value;
        edit->len = strlen(value);

        if (strcmp(arg, "--remove") == 0) {
            continue;
        }

        edit->json = strchr(value, '=');

        if (strcmp(arg, "--edit") != 0 || edit->json == NULL) {
            return genai_json_usage(stderr);
        }

        edit->len = edit->json - value;
        edit->json++;
    }

    if ((o->nedits != 0) + o->check + o->full > 1) {
        return genai_json_usage(stderr);
    }

    return 0;
}


static int
genai_json_usage(FILE *f)
{
    fputs("usage: genai-json [--endpoint chat|completions|embeddings]\n"
          "                  [--check | --full |\n"
          "                   {--edit PATH=JSON | --remove PATH}...] [FILE]\n",
          f);

    return -1;
}


static int
genai_json_read(const char *name, genai_str_t *text)
{
    FILE    *f;
    void    *p;
    size_t   n, size;

    f = stdin;

    if (name && strcmp(name, "-") != 0) {
        f = fopen(name, "rb");

    } else {
        name = "standard input";
    }

    text->data = NULL;
    text->len = 0;
    size = 0;

    if (f == NULL) {
        goto failed;
    }

    do {
        if (text->len == size) {
            size = size ? 2 * size : 65536;

            p = realloc(text->data, size);
            if (p == NULL) {
                goto failed;
            }

            text->data = p;
        }

        n = fread(text->data + text->len, 1, size - text->len, f);
        text->len += n;
    } while (n);

    if (ferror(f)) {
        goto failed;
    }

    if (f != stdin) {
        (void) fclose(f);
    }

    return 0;

failed:

    fprintf(stderr, "genai-json: cannot read %s: %s\n", name, strerror(errno));

    if (f && f != stdin) {
        (void) fclose(f);
    }

    free(text->data);

    return -1;
}


static void
genai_json_show(const genai_request_t *req, int full)
{
    char                    place[32];
    uint32_t                i;
    genai_str_t             s;
    const genai_segment_t  *seg;

    for (i = 0; i < req->nsegments; i++) {
        seg = &req->segments[i];
        s = genai_tape_view(&req->tape, seg->value);

        snprintf(place, sizeof(place), "%u.%u", (unsigned) seg->message,
                 (unsigned) seg->part);

        printf("%-16s  %-9s  %-5s  ",
               genai_segment_name((genai_segment_e) seg->kind),
               genai_role_name((genai_role_e) seg->role), place);

        snprintf(place, sizeof(place), "%zu-%zu",
                 (size_t) (s.data - req->text.data),
                 (size_t) (s.data - req->text.data) + s.len);

        printf("%-11s  ", place);

        s = genai_tape_whole(&req->tape, seg->value);
        genai_json_text(&s, full);
        putchar('\n');
    }
}


/*
 * A value as it is written, on one line and without what a terminal takes for
 * a command: of these the scanner leaves white space between values, DEL, and
 * U+0080 to U+009F.
 */

static void
genai_json_text(const genai_str_t *s, int full)
{
    size_t                i, n;
    const unsigned char  *p;

    for (i = 0, n = 0; i < s->len; i++) {

        p = &s->data[i];

        if ((*p & 0xc0) != 0x80 && n++ == GENAI_JSON_WIDTH && !full) {
            fputs("...", stdout);
            return;
        }

        if (*p < ' ') {
            putchar(' ');

        } else if (*p == 0x7f) {
            fputs("\\u007f", stdout);

        } else if (*p == 0xc2 && p[1] < 0xa0) {
            printf("\\u00%02x", p[1]);
            i++;

        } else {
            putchar(*p);
        }
    }
}


static int
genai_json_edit(const genai_request_t *req, const genai_json_options_t *o,
    genai_arena_t *arena)
{
    size_t            i;
    genai_str_t       slice;
    genai_edits_t     edits;
    genai_splicer_t   s;
    genai_document_t  d;

    genai_edits_init(&edits, &req->tape, arena);

    for (i = 0; i < o->nedits; i++) {
        if (genai_json_one(req, &edits, &o->edits[i]) != 0) {
            return GENAI_JSON_FAILED;
        }
    }

    if (genai_document_init(&d, &req->text, &req->tape, &edits, NULL, arena)
        != 0)
    {
        fprintf(stderr, "genai-json: no memory\n");
        return GENAI_JSON_FAILED;
    }

    genai_splicer_init(&s, &d);

    while (genai_splicer_next(&s, &slice)) {
        (void) fwrite(slice.data, 1, slice.len, stdout);
    }

    return GENAI_JSON_FINE;
}


static int
genai_json_one(const genai_request_t *req, genai_edits_t *edits,
    const genai_json_edit_t *edit)
{
    int          rc;
    uint32_t     i, value;
    genai_str_t  name, json;
    const char  *p, *end, *dot;

    end = edit->path + edit->len;
    p = edit->path;
    i = 0;

    json.data = (unsigned char *) edit->json;
    json.len = edit->json ? strlen(edit->json) : 0;

    if (p == end) {
        rc = edit->json ? genai_edit_value(edits, 0, &json) : GENAI_EDIT_BAD;
        goto done;
    }

    /* up to the last name, which need not be there */

    for ( ;; ) {
        dot = memchr(p, '.', end - p);

        name.data = (unsigned char *) p;
        name.len = (dot ? dot : end) - p;

        if (dot == NULL) {
            break;
        }

        if (genai_json_step(&req->tape, i, &name, &i) != 0) {
            goto nothing;
        }

        p = dot + 1;
    }

    if (genai_tape_type(&req->tape, i) == GENAI_TAPE_OBJECT) {
        rc = edit->json ? genai_edit_set(edits, i, &name, &json)
                        : genai_edit_remove(edits, i, &name);

    } else if (genai_json_step(&req->tape, i, &name, &value) != 0) {
        goto nothing;

    } else if (edit->json == NULL) {
        fprintf(stderr, "genai-json: \"%s\" is an element of an array, which"
                        " cannot be removed\n", edit->path);
        return -1;

    } else {
        rc = genai_edit_value(edits, value, &json);
    }

done:

    if (rc == GENAI_EDIT_OK) {
        return 0;
    }

    fprintf(stderr, "genai-json: cannot edit \"%.*s\": %s\n", (int) edit->len,
            edit->path, rc == GENAI_EDIT_NO_MEMORY ? "no memory"
                        : edit->json ? "this is no JSON"
                        : "it is the request itself");

    return -1;

nothing:

    fprintf(stderr, "genai-json: there is no \"%.*s\"\n", (int) edit->len,
            edit->path);

    return -1;
}


/* from the value at i to the one that is called so in it */

static int
genai_json_step(const genai_tape_t *t, uint32_t i, const genai_str_t *name,
    uint32_t *value)
{
    size_t    k;
    uint32_t  n, child;

    if (genai_tape_type(t, i) == GENAI_TAPE_OBJECT) {
        *value = genai_tape_find(t, i, (char *) name->data, name->len);

        return *value ? 0 : -1;
    }

    if (genai_tape_type(t, i) != GENAI_TAPE_ARRAY
        || name->len == 0 || name->len > 9)
    {
        return -1;
    }

    for (k = 0, n = 0; k < name->len; k++) {

        if (name->data[k] < '0' || name->data[k] > '9') {
            return -1;
        }

        n = 10 * n + (name->data[k] - '0');
    }

    child = genai_tape_first(t, i);

    while (child && n--) {
        child = genai_tape_next(t, i, child);
    }

    *value = child;

    return child ? 0 : -1;
}
