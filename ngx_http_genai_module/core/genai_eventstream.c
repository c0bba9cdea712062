/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "genai_eventstream.h"
#include "genai_crc32.h"


enum {
    GENAI_ES_PRELUDE = 0,
    GENAI_ES_HEADERS,
    GENAI_ES_PAYLOAD,
    GENAI_ES_CHECKSUM,
    GENAI_ES_WRONG              /* nothing more can be read */
};

enum {
    GENAI_ES_NAME_LENGTH = 0,
    GENAI_ES_NAME,
    GENAI_ES_TYPE,
    GENAI_ES_LENGTH_HIGH,
    GENAI_ES_LENGTH_LOW,
    GENAI_ES_VALUE
};

/* headers that are kept */

enum {
    GENAI_ES_OTHER = 0,
    GENAI_ES_KIND_OF,
    GENAI_ES_TYPE_OF,
    GENAI_ES_MESSAGE
};


/* types of a header's value */
#define GENAI_ES_BYTES   6
#define GENAI_ES_STRING  7
#define GENAI_ES_UUID    9


static int genai_es_gather(genai_eventstream_t *s, const unsigned char **p,
    const unsigned char *end, size_t size);
static int genai_es_prelude(genai_eventstream_t *s);
static const char *genai_es_headers(genai_eventstream_t *s,
    const unsigned char **pp, const unsigned char *end);
static const char *genai_es_header(genai_eventstream_t *s, unsigned char c);
static void genai_es_name(genai_eventstream_t *s);
static void genai_es_keep(genai_eventstream_t *s, const unsigned char *p,
    size_t n);
static int genai_es_begin(genai_eventstream_t *s);
static int genai_es_checksum(genai_eventstream_t *s);
static int genai_es_wrong(genai_eventstream_t *s, const char *error);
static void genai_es_frame(const genai_eventstream_t *s, genai_frame_t *f);
static void genai_es_next(genai_eventstream_t *s);
static uint32_t genai_es_number(const unsigned char *p);
static void genai_es_put_number(unsigned char *p, uint32_t n);
static unsigned char *genai_es_put_header(unsigned char *p, const char *name,
    const char *value);


void
genai_eventstream_init(genai_eventstream_t *s,
    const genai_eventstream_handler_t *handler, void *ctx, uint64_t limit)
{
    s->handler = handler;
    s->ctx = ctx;
    s->error = NULL;
    s->offset = 0;
    s->limit = limit;

    genai_es_next(s);
}


int
genai_eventstream_feed(genai_eventstream_t *s, const unsigned char *p,
    size_t n)
{
    int                   rc;
    size_t                k;
    const char           *error;
    const unsigned char  *end, *start;

    end = p + n;

    while (p < end) {

        start = p;
        rc = 0;

        switch (s->state) {

        case GENAI_ES_PRELUDE:

            if (genai_es_gather(s, &p, end, GENAI_EVENTSTREAM_PRELUDE)) {
                rc = genai_es_prelude(s);
            }

            break;

        case GENAI_ES_HEADERS:
            k = end - p;
            error = genai_es_headers(s, &p, k < s->left ? end : p + s->left);

            s->crc = genai_crc32(s->crc, start, p - start);
            s->offset += p - start;
            s->left -= p - start;

            rc = error ? genai_es_wrong(s, error)
                 : s->left ? 0
                 : s->header != GENAI_ES_NAME_LENGTH
                   ? genai_es_wrong(s, "a frame's headers are cut")
                 : genai_es_begin(s);
            break;

        case GENAI_ES_PAYLOAD:
            k = (size_t) (end - p) < s->left ? (size_t) (end - p) : s->left;

            s->crc = genai_crc32(s->crc, p, k);

            if (s->handler->data(s->ctx, p, k, s->offset) != 0) {
                return -1;
            }

            p += k;
            s->offset += k;
            s->left -= k;

            if (s->left == 0) {
                s->state = GENAI_ES_CHECKSUM;
            }

            break;

        case GENAI_ES_CHECKSUM:

            if (genai_es_gather(s, &p, end, 4)) {
                rc = genai_es_checksum(s);
            }

            break;

        default:    /* GENAI_ES_WRONG */
            s->offset += end - p;
            p = end;
        }

        if (rc != 0) {
            return (rc > 0) ? 1 : -1;
        }
    }

    return 0;
}


int
genai_eventstream_end(genai_eventstream_t *s)
{
    genai_frame_t  f;

    if (s->offset == s->start) {
        return 0;
    }

    genai_es_frame(s, &f);

    f.incomplete = 1;

    if (s->state == GENAI_ES_WRONG) {
        f.error = "the frame before is wrong";
    }

    return (s->handler->end(s->ctx, &f) < 0) ? -1 : 0;
}


/* a number of bytes that must be there together; returns 1 when they are */

static int
genai_es_gather(genai_eventstream_t *s, const unsigned char **p,
    const unsigned char *end, size_t size)
{
    size_t  k;

    k = size - s->nbuf;

    if (k > (size_t) (end - *p)) {
        k = end - *p;
    }

    memcpy(s->buf + s->nbuf, *p, k);

    *p += k;
    s->nbuf += k;
    s->offset += k;

    if (s->nbuf < size) {
        return 0;
    }

    s->nbuf = 0;

    return 1;
}


static int
genai_es_prelude(genai_eventstream_t *s)
{
    uint32_t  total, headers;

    total = genai_es_number(s->buf);
    headers = genai_es_number(s->buf + 4);

    if (genai_crc32(0, s->buf, 8) != genai_es_number(s->buf + 8)) {
        return genai_es_wrong(s, "the checksum of a frame's lengths is "
                                 "wrong");
    }

    if (total > GENAI_EVENTSTREAM_FRAME_MAX
        || headers > GENAI_EVENTSTREAM_HEADERS_MAX
        || total < GENAI_EVENTSTREAM_AROUND + headers)
    {
        return genai_es_wrong(s, "a frame's lengths are wrong");
    }

    if (s->limit && total > s->limit) {
        s->error = "an event is larger than allowed";
        return -1;
    }

    s->crc = genai_crc32(0, s->buf, GENAI_EVENTSTREAM_PRELUDE);
    s->left = headers;
    s->payload = total - GENAI_EVENTSTREAM_AROUND - headers;
    s->state = GENAI_ES_HEADERS;

    return headers ? 0 : genai_es_begin(s);
}


/* bytes of headers, up to behind the one that is wrong */

static const char *
genai_es_headers(genai_eventstream_t *s, const unsigned char **pp,
    const unsigned char *end)
{
    size_t                k;
    const char           *error;
    const unsigned char  *p;

    p = *pp;
    error = NULL;

    while (p < end && error == NULL) {

        if (s->header == GENAI_ES_VALUE) {

            k = (size_t) (end - p) < s->value ? (size_t) (end - p) : s->value;

            genai_es_keep(s, p, k);

            p += k;
            s->value -= k;

            if (s->value == 0) {
                s->header = GENAI_ES_NAME_LENGTH;
            }

            continue;
        }

        error = genai_es_header(s, *p++);
    }

    *pp = p;

    return error;
}


/* a byte of what stands in front of a value */

static const char *
genai_es_header(genai_eventstream_t *s, unsigned char c)
{
    static const unsigned char  sizes[] = { 0, 0, 1, 2, 4, 8, 0, 0, 8, 16 };

    switch (s->header) {

    case GENAI_ES_NAME_LENGTH:

        if (c == 0) {
            return "a header of a frame has no name";
        }

        s->name_left = c;
        s->nname = 0;
        s->header = GENAI_ES_NAME;
        break;

    case GENAI_ES_NAME:

        /* a longer one is none that is known */

        if (s->nname < sizeof(s->name)) {
            s->name[s->nname] = c;
        }

        s->nname += (s->nname <= sizeof(s->name));

        if (--s->name_left == 0) {
            s->header = GENAI_ES_TYPE;
        }

        break;

    case GENAI_ES_TYPE:

        if (c > GENAI_ES_UUID) {
            return "a header of a frame has no known type";
        }

        genai_es_name(s);

        if (c == GENAI_ES_STRING || c == GENAI_ES_BYTES) {
            s->header = GENAI_ES_LENGTH_HIGH;
            break;
        }

        s->which = GENAI_ES_OTHER;
        s->value = sizes[c];
        s->header = s->value ? GENAI_ES_VALUE : GENAI_ES_NAME_LENGTH;
        break;

    case GENAI_ES_LENGTH_HIGH:
        s->value = c << 8;
        s->header = GENAI_ES_LENGTH_LOW;
        break;

    default:    /* GENAI_ES_LENGTH_LOW */
        s->value |= c;
        s->header = s->value ? GENAI_ES_VALUE : GENAI_ES_NAME_LENGTH;
        break;
    }

    return NULL;
}


static void
genai_es_name(genai_eventstream_t *s)
{
    genai_str_t  name;

    name.data = s->name;
    name.len = s->nname;

    s->which = genai_str_is(&name, ":message-type") ? GENAI_ES_KIND_OF
               : (genai_str_is(&name, ":event-type")
                  || genai_str_is(&name, ":exception-type")
                  || genai_str_is(&name, ":error-code"))
                 ? GENAI_ES_TYPE_OF
               : genai_str_is(&name, ":error-message") ? GENAI_ES_MESSAGE
               : GENAI_ES_OTHER;
}


static void
genai_es_keep(genai_eventstream_t *s, const unsigned char *p, size_t n)
{
    size_t          room, used;
    unsigned char  *dst;

    switch (s->which) {

    case GENAI_ES_KIND_OF:
        dst = s->kind;
        used = s->nkind;
        room = sizeof(s->kind) - used;
        break;

    case GENAI_ES_TYPE_OF:
        dst = s->type;
        used = s->ntype;
        room = sizeof(s->type) - used;
        break;

    case GENAI_ES_MESSAGE:
        dst = s->message;
        used = s->nmessage;
        room = sizeof(s->message) - used;
        break;

    default:
        return;
    }

    n = (n < room) ? n : room;

    memcpy(dst + used, p, n);

    if (s->which == GENAI_ES_KIND_OF) {
        s->nkind += n;

    } else if (s->which == GENAI_ES_TYPE_OF) {
        s->ntype += n;

    } else {
        s->nmessage += n;
    }
}


static int
genai_es_begin(genai_eventstream_t *s)
{
    genai_frame_t  f;

    genai_es_frame(s, &f);

    s->left = s->payload;
    s->state = s->left ? GENAI_ES_PAYLOAD : GENAI_ES_CHECKSUM;

    return (s->handler->begin(s->ctx, &f, s->offset) != 0) ? -1 : 0;
}


static int
genai_es_checksum(genai_eventstream_t *s)
{
    int            rc;
    genai_frame_t  f;

    if (s->crc != genai_es_number(s->buf)) {
        return genai_es_wrong(s, "a frame's checksum is wrong");
    }

    genai_es_frame(s, &f);
    rc = s->handler->end(s->ctx, &f);
    genai_es_next(s);

    return rc;
}


static int
genai_es_wrong(genai_eventstream_t *s, const char *error)
{
    int            rc;
    genai_frame_t  f;

    genai_es_frame(s, &f);
    f.error = error;

    rc = s->handler->end(s->ctx, &f);

    genai_es_next(s);
    s->state = GENAI_ES_WRONG;

    return rc;
}


static void
genai_es_frame(const genai_eventstream_t *s, genai_frame_t *f)
{
    f->kind.data = (unsigned char *) s->kind;
    f->kind.len = s->nkind;
    f->type.data = (unsigned char *) s->type;
    f->type.len = s->ntype;
    f->message.data = (unsigned char *) s->message;
    f->message.len = s->nmessage;
    f->start = s->start;
    f->end = s->offset;
    f->error = NULL;
    f->incomplete = 0;
}


static void
genai_es_next(genai_eventstream_t *s)
{
    s->start = s->offset;
    s->state = GENAI_ES_PRELUDE;
    s->header = GENAI_ES_NAME_LENGTH;
    s->nbuf = 0;
    s->nkind = 0;
    s->ntype = 0;
    s->nmessage = 0;
}


static uint32_t
genai_es_number(const unsigned char *p)
{
    return (uint32_t) p[0] << 24 | (uint32_t) p[1] << 16
           | (uint32_t) p[2] << 8 | p[3];
}


size_t
genai_eventstream_head(unsigned char *dst, const char *kind,
    const char *type, size_t payload)
{
    unsigned char  *p;

    p = dst + GENAI_EVENTSTREAM_PRELUDE;

    p = genai_es_put_header(p, strcmp(kind, "exception") == 0
                               ? ":exception-type" : ":event-type", type);
    p = genai_es_put_header(p, ":content-type", "application/json");
    p = genai_es_put_header(p, ":message-type", kind);

    genai_es_put_number(dst, p - dst + payload + 4);
    genai_es_put_number(dst + 4, p - dst - GENAI_EVENTSTREAM_PRELUDE);
    genai_es_put_number(dst + 8, genai_crc32(0, dst, 8));

    return p - dst;
}


void
genai_eventstream_tail(unsigned char *dst, uint32_t crc)
{
    genai_es_put_number(dst, crc);
}


static void
genai_es_put_number(unsigned char *p, uint32_t n)
{
    p[0] = n >> 24;
    p[1] = n >> 16 & 0xff;
    p[2] = n >> 8 & 0xff;
    p[3] = n & 0xff;
}


static unsigned char *
genai_es_put_header(unsigned char *p, const char *name, const char *value)
{
    size_t  n;

    n = strlen(name);
    *p++ = n;
    memcpy(p, name, n);
    p += n;

    *p++ = GENAI_ES_STRING;

    n = strlen(value);
    *p++ = n >> 8;
    *p++ = n & 0xff;
    memcpy(p, value, n);

    return p + n;
}
