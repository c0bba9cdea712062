/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of requests share: a text is read at once and in turns of
 * any size, with the same result.
 */


#ifndef _GENAI_TEST_REQUEST_H_INCLUDED_
#define _GENAI_TEST_REQUEST_H_INCLUDED_


#include "tap.h"
#include "genai_request_walk.h"


typedef struct {
    unsigned char    *text;
    genai_arena_t     arena;
    genai_request_t   req;
    int               rc;
} request_t;


TAP_UNUSED static unsigned
rnd(void)
{
    static uint64_t  x = 42;

    x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);

    return (unsigned) (x >> 33);
}


/* the text is malloc'd to its size: a byte read behind it is found */

TAP_UNUSED static void
request_open(request_t *r, const genai_dialect_t *dialect,
    genai_endpoint_e endpoint, const void *text, size_t len)
{
    genai_str_t  s;

    r->text = malloc(len ? len : 1);

    if (r->text == NULL) {
        abort();
    }

    memcpy(r->text, text, len);

    s.data = r->text;
    s.len = len;

    genai_arena_init(&r->arena, (size_t) 1 << 30);
    genai_request_init(&r->req, dialect, endpoint, &s, &r->arena);
}


TAP_UNUSED static void
request_close(request_t *r)
{
    genai_arena_destroy(&r->arena);
    free(r->text);
}


TAP_UNUSED static int
request_same(const genai_request_t *a, const genai_request_t *b)
{
    return a->nsegments == b->nsegments
           && (a->nsegments == 0
               || memcmp(a->segments, b->segments,
                         a->nsegments * sizeof(genai_segment_t)) == 0)
           && a->bytes == b->bytes && a->messages == b->messages
           && a->model == b->model && a->stream == b->stream
           && a->stream_options == b->stream_options
           && a->include_usage == b->include_usage && a->n == b->n
           && a->max_tokens == b->max_tokens
           && a->max_completion_tokens == b->max_completion_tokens
           && a->choices == b->choices && a->output_max == b->output_max
           && a->stream_asked == b->stream_asked
           && a->usage_asked == b->usage_asked && a->cause == b->cause
           && a->previous == b->previous && a->unkept == b->unkept
           && a->conversation == b->conversation
           && a->nreferences == b->nreferences
           && (a->nreferences == 0
               || memcmp(a->references, b->references,
                         a->nreferences * sizeof(uint32_t)) == 0)
           && strcmp(a->error, b->error) == 0;
}


/* reads it whole, and in turns that must come to the same */

TAP_UNUSED static void
request_read(request_t *r, const genai_dialect_t *dialect,
    genai_endpoint_e endpoint, const void *text, size_t len)
{
    size_t     i, turns, turn;
    request_t  o;

    static const size_t  sizes[] = { 0, 1, 17, 100, 1000, 65536, SIZE_MAX };

    request_open(r, dialect, endpoint, text, len);
    r->rc = genai_request_read(&r->req, SIZE_MAX);

    for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        request_open(&o, dialect, endpoint, text, len);

        turns = 0;

        do {
            turn = sizes[i] == SIZE_MAX ? rnd() % 400 : sizes[i];
            o.rc = genai_request_read(&o.req, turn);
            turns++;
        } while (o.rc == GENAI_REQUEST_AGAIN);

        quiet_ok(o.rc == r->rc && request_same(&o.req, &r->req),
                 "turns of %lu: the same result (%d \"%s\", not %d \"%s\")",
                 (unsigned long) sizes[i], o.rc, o.req.error, r->rc,
                 r->req.error);
        quiet_ok(genai_request_read(&o.req, 100) == r->rc,
                 "and it stays so");

        request_close(&o);
    }
}


/* the segments, a line each: kind role message.part text */

TAP_UNUSED static const char *
request_told(const request_t *r)
{
    size_t                  n;
    uint32_t                i;
    genai_str_t             s;
    const genai_segment_t  *seg;

    static char  text[65536];

    n = 0;
    text[0] = '\0';

    for (i = 0; i < r->req.nsegments && n < sizeof(text) - 512; i++) {
        seg = &r->req.segments[i];
        s = genai_tape_view(&r->req.tape, seg->value);

        n += snprintf(text + n, sizeof(text) - n, "%s %s %u.%u %.*s%s\n",
                      genai_segment_name(seg->kind),
                      genai_role_name(seg->role), seg->message, seg->part,
                      (int) (s.len > 200 ? 200 : s.len), (char *) s.data,
                      seg->json && genai_segment_is_text(seg->kind)
                      ? " JSON" : "");
    }

    return text;
}


#endif /* _GENAI_TEST_REQUEST_H_INCLUDED_ */
