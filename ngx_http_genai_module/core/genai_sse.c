/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The reader is a machine with one state for each place in a line where the
 * input may be cut.  Values are stepped over sixteen bytes at a time up to
 * the next CR or LF; both are looked for in one pass, or a stream of CRs
 * would be searched for an LF once for every CR.
 */


#include "genai_sse.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif


typedef enum {
    GENAI_SSE_BOM = 0,
    GENAI_SSE_LINE,             /* before a line's first byte */
    GENAI_SSE_FIELD,            /* in a field's name */
    GENAI_SSE_SPACE,            /* behind the colon, where a space may be */
    GENAI_SSE_VALUE             /* in a value, or in what nobody reads */
} genai_sse_state_e;


/* in every byte of a word */
#define GENAI_SSE_ONES      UINT64_C(0x0101010101010101)

/* what the field is whose value is being read */

#define GENAI_SSE_OTHER     0
#define GENAI_SSE_DATA      1
#define GENAI_SSE_EVENT     2


/* how a block ended */

#define GENAI_SSE_WHOLE     0
#define GENAI_SSE_TAIL      1
#define GENAI_SSE_CUT       2


static int genai_sse_name(genai_sse_t *s);
static int genai_sse_data(genai_sse_t *s);
static int genai_sse_value(genai_sse_t *s, const unsigned char *p, size_t n);
static int genai_sse_block(genai_sse_t *s, unsigned how);


/* the first CR or LF of p[0 .. end), or end */

static inline const unsigned char *
genai_sse_eol(const unsigned char *p, const unsigned char *end)
{
#if defined(__SSE2__)
    int      mask;
    __m128i  v, w, x, y, cr, lf;

    cr = _mm_set1_epi8('\r');
    lf = _mm_set1_epi8('\n');

    /* lines are long: by four at a time up to where there is one */

    while (end - p >= 64) {
        v = _mm_loadu_si128((const __m128i *) p);
        w = _mm_loadu_si128((const __m128i *) (p + 16));
        x = _mm_loadu_si128((const __m128i *) (p + 32));
        y = _mm_loadu_si128((const __m128i *) (p + 48));

        v = _mm_or_si128(_mm_cmpeq_epi8(v, cr), _mm_cmpeq_epi8(v, lf));
        w = _mm_or_si128(_mm_cmpeq_epi8(w, cr), _mm_cmpeq_epi8(w, lf));
        x = _mm_or_si128(_mm_cmpeq_epi8(x, cr), _mm_cmpeq_epi8(x, lf));
        y = _mm_or_si128(_mm_cmpeq_epi8(y, cr), _mm_cmpeq_epi8(y, lf));

        if (_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(v, w),
                                           _mm_or_si128(x, y))))
        {
            break;
        }

        p += 64;
    }

    while (end - p >= 16) {
        v = _mm_loadu_si128((const __m128i *) p);
        mask = _mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(v, cr),
                                              _mm_cmpeq_epi8(v, lf)));
        if (mask) {
            return p + __builtin_ctz(mask);
        }

        p += 16;
    }

#else
    uint64_t  v, cr, lf;

    while (end - p >= 8) {
        memcpy(&v, p, 8);

        cr = v ^ (GENAI_SSE_ONES * '\r');
        lf = v ^ (GENAI_SSE_ONES * '\n');

        if ((((cr - GENAI_SSE_ONES) & ~cr) | ((lf - GENAI_SSE_ONES) & ~lf))
            & (GENAI_SSE_ONES * 0x80))
        {
            break;
        }

        p += 8;
    }
#endif

    while (p < end && *p != '\r' && *p != '\n') {
        p++;
    }

    return p;
}


void
genai_sse_init(genai_sse_t *s, const genai_sse_handler_t *handler, void *ctx,
    uint64_t limit)
{
    memset(s, 0, sizeof(genai_sse_t));

    s->handler = handler;
    s->ctx = ctx;
    s->limit = limit;
    s->state = GENAI_SSE_BOM;
}


int
genai_sse_feed(genai_sse_t *s, const unsigned char *p, size_t n)
{
    int                   rc;
    uint64_t              left;
    unsigned char         c;
    const unsigned char  *q, *end, *stop;

    static const unsigned char  bom[] = { 0xef, 0xbb, 0xbf };

    end = p + n;
    stop = p;

    for ( ;; ) {

        if (p == stop) {

            if (p == end) {
                return 0;
            }

            /* up to the block's last byte that is allowed */

            stop = end;

            if (s->limit) {
                left = s->start + s->limit - s->offset;

                if (left == 0) {
                    s->error = "an event is too large";
                    return -1;
                }

                if ((uint64_t) (end - p) > left) {
                    stop = p + left;
                }
            }
        }

        switch (s->state) {

        case GENAI_SSE_BOM:

            if (*p == bom[s->bom]) {
                p++;
                s->offset++;

                if (++s->bom == 3) {
                    s->state = GENAI_SSE_LINE;
                }

                continue;
            }

            /* a part of one is the beginning of a name that is no field's */

            s->nfield = sizeof(s->field);
            s->state = s->bom ? GENAI_SSE_FIELD : GENAI_SSE_LINE;
            continue;

        case GENAI_SSE_LINE:

            c = *p;

            if (s->cr) {
                s->cr = 0;

                if (c == '\n') {
                    p++;

                    if (s->offset++ != s->start) {
                        continue;
                    }

                    rc = genai_sse_block(s, GENAI_SSE_TAIL);

                    if (rc) {
                        return (rc > 0) ? 1 : -1;
                    }

                    stop = p;
                    continue;
                }
            }

            if (c == '\n' || c == '\r') {
                s->cr = (c == '\r');
                p++;
                s->offset++;

                rc = genai_sse_block(s, GENAI_SSE_WHOLE);

                if (rc) {
                    return (rc > 0) ? 1 : -1;
                }

                stop = p;
                continue;
            }

            /* nearly every line is this one */

            if (stop - p > 6 && memcmp(p, "data: ", 6) == 0) {
                p += 6;
                s->offset += 6;
                s->state = GENAI_SSE_VALUE;

                if (genai_sse_data(s) != 0) {
                    return -1;
                }

                goto value;
            }

            s->nfield = 0;
            s->state = GENAI_SSE_FIELD;

            /* fall through */

        case GENAI_SSE_FIELD:

            q = p;

            while (p < stop && *p != ':' && *p != '\n' && *p != '\r') {

                if (s->nfield < sizeof(s->field)) {
                    s->field[s->nfield++] = *p;
                }

                p++;
            }

            s->offset += p - q;

            if (p == stop) {
                continue;
            }

            if (*p == ':') {
                p++;
                s->offset++;
                s->state = GENAI_SSE_SPACE;
                continue;
            }

            if (genai_sse_name(s) != 0) {
                return -1;
            }

            s->cr = (*p++ == '\r');
            s->offset++;
            s->state = GENAI_SSE_LINE;
            continue;

        case GENAI_SSE_SPACE:

            if (*p == ' ') {
                p++;
                s->offset++;
            }

            s->state = GENAI_SSE_VALUE;

            if (genai_sse_name(s) != 0) {
                return -1;
            }

            continue;

        default: /* GENAI_SSE_VALUE */
        value:

            q = genai_sse_eol(p, stop);

            if (q > p) {
                if (s->nfield != GENAI_SSE_OTHER
                    && genai_sse_value(s, p, q - p) != 0)
                {
                    return -1;
                }

                s->offset += q - p;
                p = q;
            }

            if (p == stop) {
                continue;
            }

            s->cr = (*p++ == '\r');
            s->offset++;
            s->state = GENAI_SSE_LINE;
            continue;
        }
    }
}


/* a data field's value begins */

static int
genai_sse_data(genai_sse_t *s)
{
    static const unsigned char  lf = '\n';

    s->nfield = GENAI_SSE_DATA;

    if (s->data) {
        return s->handler->data(s->ctx, &lf, 1, s->offset);
    }

    s->data = 1;

    return s->handler->begin(s->ctx, s->offset);
}


/* a field's name is known; from here on nfield tells which field it is */

static int
genai_sse_name(genai_sse_t *s)
{
    if (s->nfield == 4 && memcmp(s->field, "data", 4) == 0) {
        return genai_sse_data(s);
    }

    if (s->nfield == 5 && memcmp(s->field, "event", 5) == 0) {
        s->nfield = GENAI_SSE_EVENT;
        s->nname = 0;
        return 0;
    }

    s->nfield = GENAI_SSE_OTHER;

    return 0;
}


static int
genai_sse_value(genai_sse_t *s, const unsigned char *p, size_t n)
{
    if (s->nfield == GENAI_SSE_DATA) {
        return s->handler->data(s->ctx, p, n, s->offset);
    }

    if (n > (size_t) GENAI_SSE_NAME_MAX - s->nname) {
        n = GENAI_SSE_NAME_MAX - s->nname;
    }

    memcpy(s->name + s->nname, p, n);
    s->nname += n;

    return 0;
}


static int
genai_sse_block(genai_sse_t *s, unsigned how)
{
    genai_sse_event_t  event;

    event.name.data = s->name;
    event.name.len = s->nname;
    event.start = s->start;
    event.end = s->offset;
    event.data = s->data;
    event.tail = (how == GENAI_SSE_TAIL);
    event.incomplete = (how == GENAI_SSE_CUT);

    s->start = s->offset;
    s->data = 0;
    s->nname = 0;

    return s->handler->end(s->ctx, &event);
}


int
genai_sse_end(genai_sse_t *s)
{
    /* a name without colon and line end is a field too */

    if (s->state == GENAI_SSE_FIELD || s->state == GENAI_SSE_SPACE) {
        s->state = GENAI_SSE_LINE;

        if (genai_sse_name(s) != 0) {
            return -1;
        }
    }

    if (s->start == s->offset) {
        return 0;
    }

    return (genai_sse_block(s, GENAI_SSE_CUT) < 0) ? -1 : 0;
}


size_t
genai_sse_write(unsigned char *dst, size_t size, const genai_str_t *name,
    const genai_str_t *data)
{
    size_t                n;
    unsigned              write;
    const unsigned char  *p, *q, *end;

    /* once to measure, once to write */

    for (write = 0; ; write = 1) {

        n = 0;

        if (name != NULL && name->len) {

            if (write) {
                memcpy(dst, "event: ", 7);
                memcpy(dst + 7, name->data, name->len);
                dst[7 + name->len] = '\n';
            }

            n += 7 + name->len + 1;
        }

        p = data->data;
        end = p + data->len;

        for ( ;; ) {
            q = genai_sse_eol(p, end);

            if (write) {
                memcpy(dst + n, "data: ", 6);

                if (q > p) {
                    memcpy(dst + n + 6, p, q - p);
                }

                dst[n + 6 + (q - p)] = '\n';
            }

            n += 6 + (q - p) + 1;

            if (q == end) {
                break;
            }

            p = q + 1;

            if (*q == '\r' && p < end && *p == '\n') {
                p++;
            }
        }

        if (write) {
            dst[n] = '\n';
        }

        n++;

        if (write || n > size) {
            return n;
        }
    }
}
