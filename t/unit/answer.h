/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * For tests of decoders: decodes a body cut anywhere and tells its events as
 * text, with the pieces of a string joined, so that two ways to cut a body
 * can be compared.
 */


#ifndef _GENAI_T_ANSWER_H_INCLUDED_
#define _GENAI_T_ANSWER_H_INCLUDED_


#include <stdio.h>
#include <stdlib.h>
#include <stdarg.h>
#include "genai_openai_answer.h"
#include "genai_anthropic_answer.h"
#include "genai_gemini_answer.h"
#include "genai_bedrock_answer.h"

/* whose answers they are: OpenAI's where nobody says anything else */

#ifdef ANSWER_ANTHROPIC
#define answer_dialect_t  genai_anthropic_answer_t
#define answer_init       genai_anthropic_answer_init
#define encode_stream_t   genai_anthropic_stream_t
#define encode_init       genai_anthropic_stream_init
#define encode_one        genai_anthropic_stream_event
#define encode_whole      genai_anthropic_whole_write
#elif defined ANSWER_T

/* that of another header, which is included before this one */

#define answer_dialect_t  ANSWER_T
#define answer_init       ANSWER_INIT
#elif defined(ANSWER_BEDROCK)
#define answer_dialect_t  genai_bedrock_answer_t
#define answer_init       genai_bedrock_answer_init
#define encode_stream_t   genai_bedrock_stream_t
#define encode_init       answer_bedrock_init
#define encode_one        genai_bedrock_stream_event
#define encode_whole      genai_bedrock_whole_write
#elif defined(ANSWER_GEMINI)
#define answer_dialect_t  genai_gemini_answer_t
#define answer_init       genai_gemini_answer_init
#define encode_stream_t   genai_gemini_stream_t
#define encode_init       genai_gemini_stream_init
#define encode_one        genai_gemini_stream_event
#define encode_whole      genai_gemini_whole_write
#else
#define answer_dialect_t  genai_openai_answer_t
#define answer_init       genai_openai_answer_init
#define encode_stream_t   genai_openai_stream_t
#define encode_init       genai_openai_stream_init
#define encode_one        genai_openai_stream_event
#define encode_whole      genai_openai_whole_write
#endif

#define ANSWER_UNUSED  __attribute__((unused))


#ifdef ANSWER_BEDROCK

/* signatures of it have memory of their own, which nobody gives back here */

ANSWER_UNUSED static void *
answer_bedrock_alloc(void *ctx, void *p, size_t old, size_t size)
{
    static unsigned char  room[1 << 20];

    return (size && size <= sizeof(room)) ? room : NULL;
}


ANSWER_UNUSED static void
answer_bedrock_init(genai_bedrock_stream_t *s,
    const genai_answer_head_t *head, genai_write_pt write, void *ctx)
{
    genai_bedrock_stream_init(s, head, write, ctx);
    genai_bedrock_stream_keep(s, 1 << 20, answer_bedrock_alloc, NULL);
}

#endif


typedef struct {
    char    *data;
    size_t   len;
    size_t   size;
} answer_buf_t;


typedef struct {
    answer_buf_t   log;         /* everything */
    answer_buf_t   short_log;   /* what an encoder keeps */
    int            open;        /* within a string of several pieces */
    uint64_t       next;        /* where its next piece, or the next chunk */
    uint64_t       chunks;      /* must begin */
    unsigned       bad;         /* a line that says what must not be */
    unsigned       ends;
    unsigned       stop;        /* stops at the nth event */
    unsigned       quiet;
    uint64_t       bytes;
    genai_event_t  last;        /* the kind of the last that was kept */
} answer_told_t;


static const char  *answer_types[] = {
    "start", "text", "reasoning", "refusal", "tool", "arguments",
    "signature", "item", "media", "finish", "usage", "error", "broken", "chunk",
    "end"
};


ANSWER_UNUSED static void
answer_put(answer_buf_t *b, const void *p, size_t n)
{
    if (b->len + n + 1 > b->size) {
        b->size = 2 * (b->len + n) + 256;
        b->data = realloc(b->data, b->size);
    }

    if (n) {
        memcpy(b->data + b->len, p, n);
    }

    b->len += n;
    b->data[b->len] = '\0';
}


__attribute__((unused, format(printf, 2, 3))) static void
answer_print(answer_buf_t *b, const char *fmt, ...)
{
    int      n;
    char     buf[512];
    va_list  args;

    va_start(args, fmt);
    n = vsnprintf(buf, sizeof(buf), fmt, args);
    va_end(args);

    answer_put(b, buf, n);
}


static void
answer_close(answer_told_t *t)
{
    if (t->open) {
        answer_print(&t->log, "\"@%lu\n", (unsigned long) t->next);
        t->open = 0;
    }
}


/* what survives being encoded and decoded again */

static void
answer_keep(answer_told_t *t, const genai_event_t *e)
{
    int             join;
    answer_buf_t   *b = &t->short_log;

    if (e->copy || e->type == GENAI_EVENT_CHUNK
        || e->type == GENAI_EVENT_START || e->type == GENAI_EVENT_BROKEN
        || e->type == GENAI_EVENT_MEDIA || e->type == GENAI_EVENT_ITEM)
    {
        return;
    }

    join = (e->type >= GENAI_EVENT_TEXT && e->type <= GENAI_EVENT_SIGNATURE
            && e->type != GENAI_EVENT_TOOL);

    if (join && e->text.len == 0) {
        return;
    }

    if (!join || t->last.type != e->type || t->last.choice != e->choice
        || t->last.block != e->block || b->len == 0)
    {
        answer_print(b, "\n%s %u %u ", answer_types[e->type], e->choice,
                     e->block);

        if (e->type == GENAI_EVENT_SIGNATURE) {
            answer_print(b, "%d ", e->field);
        }
    }

    t->last = *e;

    if (e->type == GENAI_EVENT_FINISH && e->finish != GENAI_FINISH_OTHER) {
        answer_print(b, "%d", e->finish);
        return;
    }

    answer_put(b, e->text.data, e->text.len);

#ifdef ANSWER_GEMINI
    if (e->type == GENAI_EVENT_ARGUMENTS) {
        size_t  i;

        /* where an event of a stream must be one line they are blanks */

        for (i = b->len - e->text.len; i < b->len; i++) {
            if (b->data[i] == '\n' || b->data[i] == '\r') {
                b->data[i] = ' ';
            }
        }
    }
#endif

#ifdef ANSWER_BEDROCK
    if (e->type == GENAI_EVENT_ERROR) {

        /* it has a type where a frame is one */

        return;
    }
#endif

    if (e->type == GENAI_EVENT_TOOL || e->type == GENAI_EVENT_ERROR) {
        answer_print(b, "<");
        answer_put(b, e->id.data, e->id.len);
        answer_print(b, "><");
        answer_put(b, e->name.data, e->name.len);
        answer_print(b, ">%u", e->first);
    }

    if (e->usage) {
        int64_t  total = e->usage->total;

        /* what an encoder adds */

        if (total < 0 && e->usage->prompt >= 0 && e->usage->completion >= 0
            && e->usage->prompt <= INT64_MAX - e->usage->completion)
        {
            total = e->usage->prompt + e->usage->completion;
        }

        answer_print(b, "%ld %ld %ld %ld %ld", (long) e->usage->prompt,
                     (long) e->usage->cached, (long) e->usage->completion,
                     (long) e->usage->reasoning, (long) total);

#if defined(ANSWER_ANTHROPIC) || defined(ANSWER_BEDROCK)
        if (e->usage->written_5m >= 0 || e->usage->written_1h >= 0) {
            answer_print(b, " w%ld,%ld", (long) e->usage->written_5m,
                         (long) e->usage->written_1h);
        }
#endif
    }
}


ANSWER_UNUSED static int
answer_event(void *ctx, genai_event_t *e)
{
    int             piece;
    answer_told_t  *t = ctx;

    t->bytes += e->text.len;

    if (e->type == GENAI_EVENT_END) {
        t->ends++;
    }

    if (e->end < e->start) {
        t->bad = __LINE__;
    }

    if (e->type == GENAI_EVENT_CHUNK) {
        if (e->start != t->chunks) {
            t->bad = __LINE__;
        }

        t->chunks = e->end;
    }

    if (t->quiet) {
        return 0;
    }

    answer_keep(t, e);

    piece = (e->type == GENAI_EVENT_TEXT || e->type == GENAI_EVENT_REASONING
             || e->type == GENAI_EVENT_REFUSAL
             || e->type == GENAI_EVENT_ARGUMENTS
             || e->type == GENAI_EVENT_SIGNATURE);

    if (piece && !e->first) {
        if (!t->open || t->next != e->start) {
            t->bad = __LINE__;
        }

    } else {
        answer_close(t);

        answer_print(&t->log, "%s %u.%u f%d c%d j%d @%lu",
                     answer_types[e->type], e->choice, e->block, e->field,
                     e->copy, e->json, (unsigned long) e->start);

        if (e->type == GENAI_EVENT_TOOL) {
            answer_print(&t->log, " first=%u", e->first);
        }

        if (e->type == GENAI_EVENT_SIGNATURE) {
            answer_print(&t->log, " by=<");
            answer_put(&t->log, e->name.data, e->name.len);
            answer_print(&t->log, ">");
        }

        if (!piece) {
            answer_print(&t->log, "-%lu id=<", (unsigned long) e->end);
            answer_put(&t->log, e->id.data, e->id.len);
            answer_print(&t->log, "> name=<");
            answer_put(&t->log, e->name.data, e->name.len);
            answer_print(&t->log, "> finish=%d end=%d chunk=%x",
                         e->finish, e->end_how, e->chunk);

            if (e->usage) {
                answer_print(&t->log, " usage=%ld,%ld,%ld,%ld,%ld",
                             (long) e->usage->prompt, (long) e->usage->cached,
                             (long) e->usage->completion,
                             (long) e->usage->reasoning,
                             (long) e->usage->total);
            }
        }

        answer_print(&t->log, " \"");
        t->open = 1;
    }

    answer_put(&t->log, e->text.data, e->text.len);
    t->next = e->end;

    if (!piece || e->last) {
        answer_close(t);
    }

    return (t->stop && --t->stop == 0) ? -1 : 0;
}


ANSWER_UNUSED static void
answer_reset(answer_told_t *t)
{
    answer_buf_t  log = t->log, short_log = t->short_log;

    memset(t, 0, sizeof(answer_told_t));

    log.len = 0;
    short_log.len = 0;
    t->log = log;
    t->short_log = short_log;

    answer_put(&t->log, "", 0);
    answer_put(&t->short_log, "", 0);
}


ANSWER_UNUSED static void
answer_free(answer_told_t *t)
{
    free(t->log.data);
    free(t->short_log.data);
    memset(t, 0, sizeof(answer_told_t));
}


/*
 * Decodes a body; each piece has memory of its own.  mean is 0 to cut it only
 * at cut (0: not at all), 1 to cut it behind every byte, else about the size
 * of a piece.
 */

ANSWER_UNUSED static int
answer_decode_cut(answer_told_t *t, const unsigned char *p, size_t len,
    const genai_answer_opts_t *opts, unsigned mean, size_t cut)
{
    int                     rc;
    size_t                  n, at;
    unsigned char          *piece;
    answer_dialect_t       *a;

    /* what is not set before it is read shows */

    a = malloc(sizeof(answer_dialect_t));
    memset(a, 0xa5, sizeof(answer_dialect_t));

    answer_init(a, opts, answer_event, t);

    for (at = 0, rc = 0; at < len && rc == 0; at += n) {
        n = (mean == 0) ? (at < cut ? cut : len)
                        : (mean == 1) ? 1 : 1 + rand() % (2 * mean);

        if (n > len - at) {
            n = len - at;
        }

        piece = malloc(n);
        memcpy(piece, p + at, n);
        rc = genai_answer_feed(&a->base, piece, n);
        free(piece);
    }

    if (rc == 0 && a->base.offset != len) {
        t->bad = __LINE__;
    }

    if (rc == 0) {
        rc = genai_answer_end(&a->base);
        answer_close(t);

        if (rc == 0 && (t->ends != 1 || t->chunks != len)) {
            t->bad = __LINE__;
        }
    }

    answer_print(&t->log, "= %d\n", rc);
    free(a);

    return rc;
}


ANSWER_UNUSED static int
answer_decode(answer_told_t *t, const unsigned char *p, size_t len,
    const genai_answer_opts_t *opts, unsigned mean)
{
    return answer_decode_cut(t, p, len, opts, mean, 0);
}


#endif /* _GENAI_T_ANSWER_H_INCLUDED_ */
