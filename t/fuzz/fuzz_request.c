/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzing of requests: any bytes are one, of every endpoint.  Turns of any
 * size must come to the same result; segments must be in order and their
 * bytes add up; where a request is taken, no object that was walked into has
 * a name twice, by another way of comparing; and after the dialect's edits it
 * is taken again and asks for what was edited in.
 *
 *     clang -g -O1 -fsanitize=fuzzer,address,undefined \
 *         -I ngx_http_genai_module/core t/fuzz/fuzz_request.c \
 *         ngx_http_genai_module/core/genai_*.c
 */


#include "genai_request.h"
#include "genai_text.h"

#include <stdio.h>
#include <stdlib.h>


#define fuzz_check(cond)                                                      \
    do {                                                                      \
        if (!(cond)) {                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond);        \
            abort();                                                          \
        }                                                                     \
    } while (0)


/* names that are compared with each other, one by one */
#define FUZZ_NAMES  200


typedef struct {
    int              rc;
    genai_request_t  req;
    genai_arena_t    arena;
} fuzz_request_t;


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static void
fuzz_read(fuzz_request_t *r, genai_endpoint_e endpoint, const uint8_t *data,
    size_t size, uint32_t *turns)
{
    size_t       turn;
    genai_str_t  text;

    text.data = (unsigned char *) data;
    text.len = size;

    genai_arena_init(&r->arena, 64 << 20);
    genai_request_init(&r->req, &genai_openai, endpoint, &text, &r->arena);

    do {
        turn = SIZE_MAX;

        if (turns) {
            *turns = *turns * 1664525 + 1013904223;
            turn = *turns >> 22;
        }

        r->rc = genai_request_read(&r->req, turn);
    } while (r->rc == GENAI_REQUEST_AGAIN);
}


static void
fuzz_same(const genai_request_t *a, const genai_request_t *b)
{
    fuzz_check(a->cause == b->cause && strcmp(a->error, b->error) == 0);
    fuzz_check(a->nsegments == b->nsegments);
    fuzz_check(a->nsegments == 0
               || memcmp(a->segments, b->segments,
                         a->nsegments * sizeof(genai_segment_t)) == 0);
    fuzz_check(a->bytes == b->bytes && a->messages == b->messages);
    fuzz_check(a->model == b->model && a->stream == b->stream);
    fuzz_check(a->stream_options == b->stream_options
               && a->include_usage == b->include_usage);
    fuzz_check(a->n == b->n && a->max_tokens == b->max_tokens
               && a->max_completion_tokens == b->max_completion_tokens);
    fuzz_check(a->choices == b->choices && a->output_max == b->output_max);
    fuzz_check(a->stream_asked == b->stream_asked
               && a->usage_asked == b->usage_asked);
}


/* a name, decoded and folded in place, as bytes; at most len of them */

static size_t
fuzz_fold(const genai_tape_t *t, uint32_t key, unsigned char *dst)
{
    size_t       i, k, n;
    genai_str_t  raw;

    raw = genai_tape_view(t, key);
    n = genai_text_decode(dst, &raw);

    for (i = 0, k = 0; i < n; i++, k++) {

        if (n - i >= 2 && memcmp(dst + i, "\xc5\xbf", 2) == 0) {
            dst[k] = 's';
            i += 1;

        } else if (n - i >= 3 && memcmp(dst + i, "\xe2\x84\xaa", 3) == 0) {
            dst[k] = 'k';
            i += 2;

        } else if (dst[i] >= 'A' && dst[i] <= 'Z') {
            dst[k] = dst[i] - 'A' + 'a';

        } else {
            dst[k] = dst[i];
        }
    }

    return k;
}


static void
fuzz_names(const genai_tape_t *t, uint32_t i)
{
    size_t          n, m;
    uint32_t        a, b, na, nb;
    unsigned char  *p, *q;

    if (genai_tape_type(t, i) != GENAI_TAPE_OBJECT) {
        return;
    }

    p = malloc(t->entries[i].len + 1);
    q = malloc(t->entries[i].len + 1);
    na = 0;

    for (a = genai_tape_first(t, i); a && na < FUZZ_NAMES;
         a = genai_tape_next(t, i, a))
    {
        n = fuzz_fold(t, a, p);
        nb = 0;

        for (b = genai_tape_first(t, i); b != a && nb < FUZZ_NAMES;
             b = genai_tape_next(t, i, b))
        {
            m = fuzz_fold(t, b, q);
            fuzz_check(n != m || memcmp(p, q, n) != 0);
            nb++;
        }

        na++;
    }

    free(p);
    free(q);
}


/* messages and parts */

static void
fuzz_messages(const genai_tape_t *t)
{
    uint32_t  list, m, content, part;

    list = genai_tape_find(t, 0, "messages", 8);

    if (list == 0) {
        return;
    }

    for (m = genai_tape_first(t, list); m; m = genai_tape_next(t, list, m)) {

        fuzz_check(genai_tape_type(t, m) == GENAI_TAPE_OBJECT);
        fuzz_names(t, m);

        content = genai_tape_find(t, m, "content", 7);

        if (content && genai_tape_type(t, content) == GENAI_TAPE_ARRAY) {
            for (part = genai_tape_first(t, content); part;
                 part = genai_tape_next(t, content, part))
            {
                fuzz_names(t, part);
            }
        }
    }
}


/* a refusal for names has a reason: two in some object, or one that is odd */

static void
fuzz_reason(const genai_tape_t *t)
{
    uint32_t     i, a, b;
    genai_str_t  name;

    static unsigned char  p[4096], q[4096];

    for (i = 0; i < t->n; i++) {

        if (!(t->entries[i].type & GENAI_TAPE_KEY)) {
            continue;
        }

        name = genai_tape_view(t, i);

        if (name.len >= sizeof(p)) {
            return;
        }

        for (a = 0; a < name.len; a++) {
            if (name.data[a] == '\\' || name.data[a] >= 0x80
                || (name.data[a] >= 'A' && name.data[a] <= 'Z'))
            {
                return;
            }
        }

        a = fuzz_fold(t, i, p);

        for (b = 0; b < i; b++) {
            if ((t->entries[b].type & GENAI_TAPE_KEY)
                && t->entries[b].len < sizeof(q)
                && fuzz_fold(t, b, q) == a && memcmp(p, q, a) == 0)
            {
                return;
            }
        }
    }

    fuzz_check(0);
}


static void
fuzz_segments(const genai_request_t *req)
{
    uint32_t                i;
    uint64_t                bytes;
    const genai_segment_t  *s;

    bytes = 0;

    for (i = 0; i < req->nsegments; i++) {
        s = &req->segments[i];

        fuzz_check(s->value > 0 && s->value < req->tape.n);
        fuzz_check(i == 0 || s->value > s[-1].value);
        fuzz_check(!(req->tape.entries[s->value].type & GENAI_TAPE_KEY));
        fuzz_check(s->kind <= GENAI_SEGMENT_UNCOVERED
                   && s->role <= GENAI_ROLE_OTHER);
        fuzz_check(s->json == (genai_tape_type(&req->tape, s->value)
                               != GENAI_TAPE_STRING));

        (void) genai_segment_name((genai_segment_e) s->kind);
        (void) genai_role_name((genai_role_e) s->role);

        if (genai_segment_is_text(s->kind)) {
            bytes += genai_tape_view(&req->tape, s->value).len;
        }

        /* no two texts share bytes */

        fuzz_check(i == 0 || !genai_segment_is_text(s->kind)
                   || !genai_segment_is_text(s[-1].kind)
                   || s->value >= req->tape.entries[s[-1].value].next);
    }

    fuzz_check(bytes == req->bytes);
    fuzz_check(req->choices >= 1 && req->output_max >= -1);
}


/* asks for usage and another model, and reads what comes of it */

static void
fuzz_edits(fuzz_request_t *r)
{
    int                  rc;
    size_t               n;
    genai_str_t          slice;
    unsigned char       *text;
    genai_edits_t        edits;
    fuzz_request_t       o;
    genai_splicer_t      s;
    genai_document_t     d;

    static const genai_str_t  name = genai_str("a\"\\\xc3\xa9");

    genai_edits_init(&edits, &r->req.tape, &r->arena);

    rc = genai_openai.ask_usage(&r->req, &edits);
    fuzz_check(rc == 0 || rc == 1);
    fuzz_check(genai_openai.set_model(&r->req, &edits, &name) == 0);
    fuzz_check(genai_document_init(&d, &r->req.text, &r->req.tape, &edits,
                                   NULL, &r->arena) == 0);

    genai_splicer_init(&s, &d);

    text = malloc(d.len + 1);
    n = 0;

    while (genai_splicer_next(&s, &slice)) {
        memcpy(text + n, slice.data, slice.len);
        n += slice.len;
    }

    fuzz_check(n == d.len);

    fuzz_read(&o, r->req.endpoint, text, n, NULL);

    fuzz_check(o.rc == GENAI_REQUEST_DONE);
    fuzz_check(o.req.model
               && genai_tape_key_is(&o.req.tape, o.req.model,
                                    (char *) name.data, 3) == 0);

    slice = genai_tape_view(&o.req.tape, o.req.model);
    fuzz_check(genai_str_is(&slice, "a\\\"\\\\\xc3\xa9"));

    fuzz_check(o.req.stream_asked == r->req.stream_asked);
    fuzz_check(o.req.usage_asked == (rc == 1 || r->req.usage_asked));
    fuzz_check(o.req.nsegments == r->req.nsegments
               && o.req.bytes == r->req.bytes
               && o.req.messages == r->req.messages);

    genai_arena_destroy(&o.arena);
    free(text);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t          i;
    uint32_t        seed;
    fuzz_request_t  r, o;

    static const genai_endpoint_e  endpoints[] = {
        GENAI_ENDPOINT_CHAT, GENAI_ENDPOINT_COMPLETIONS,
        GENAI_ENDPOINT_EMBEDDINGS, GENAI_ENDPOINT_MODERATIONS,
        GENAI_ENDPOINT_RERANK, GENAI_ENDPOINT_IMAGES, GENAI_ENDPOINT_AUDIO
    };

    for (seed = 1, i = 0; i < size; i++) {
        seed = seed * 31 + data[i];
    }

    for (i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++) {

        fuzz_read(&r, endpoints[i], data, size, NULL);
        fuzz_read(&o, endpoints[i], data, size, &seed);

        fuzz_check(r.rc == o.rc);
        fuzz_same(&r.req, &o.req);

        genai_arena_destroy(&o.arena);

        if (r.rc == GENAI_REQUEST_DONE) {
            fuzz_segments(&r.req);

            fuzz_names(&r.req.tape, 0);

            if (endpoints[i] == GENAI_ENDPOINT_CHAT
                || endpoints[i] == GENAI_ENDPOINT_COMPLETIONS)
            {
                fuzz_names(&r.req.tape, genai_tape_find(&r.req.tape, 0,
                                                        "stream_options", 14));
            }

            if (endpoints[i] == GENAI_ENDPOINT_CHAT
                || endpoints[i] == GENAI_ENDPOINT_EMBEDDINGS)
            {
                fuzz_messages(&r.req.tape);
            }

            fuzz_edits(&r);

        } else {
            fuzz_check(r.req.error[0] != '\0'
                       && memchr(r.req.error, '\0', sizeof(r.req.error)));

            if (strstr(r.req.error, "stands twice")) {
                fuzz_reason(&r.req.tape);
            }
        }

        genai_arena_destroy(&r.arena);
    }

    return 0;
}
