/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Nothing is lost on the way of an answer: random ones, written by one
 * dialect, read from random pieces, written by another and read again, say the
 * same: thoughts, texts, calls with their ids, names and the bytes of their
 * arguments, why they ended, and what was used.
 */


#include "genai_answer.h"
#include "genai_dialect.h"
#include "tap.h"


#define ROUNDS  60


static const genai_dialect_t  *dialects[] = {
    &genai_openai, &genai_anthropic, &genai_responses, &genai_gemini
};

#define DIALECTS  (sizeof(dialects) / sizeof(dialects[0]))


typedef struct {
    size_t         len;
    unsigned char  data[1 << 20];
} bytes_t;


/* what an answer says */

typedef struct {
    bytes_t        thought;
    bytes_t        text;
    bytes_t        calls;       /* of each "[id name arguments]" */
    bytes_t        order;       /* of all these, a letter for each */
    genai_finish_e finish;
    genai_usage_t  usage;
    unsigned       ends;
    unsigned       wrong;
} said_t;


/* what takes events and makes bytes of them */

typedef struct {
    const genai_dialect_t  *dialect;
    unsigned                stream;
    genai_answer_head_t     head;
    genai_whole_t           whole;
    void                   *encoder;
    bytes_t                 out;
} maker_t;


static unsigned
any(unsigned n)
{
    return (unsigned) rand() % n;
}


static void
put(bytes_t *b, const void *p, size_t n)
{
    if (n > sizeof(b->data) - b->len) {
        fail("an answer fits");
        exit(done_testing());
    }

    memcpy(b->data + b->len, p, n);
    b->len += n;
}


static int
take(void *ctx, const unsigned char *p, size_t n)
{
    put(ctx, p, n);

    return 0;
}


static void *
keep(void *ctx, void *p, size_t old, size_t size)
{
    (void) ctx;
    (void) old;

    if (size == 0) {
        free(p);
        return NULL;
    }

    return realloc(p, size);
}


/* ---- reading */

static void
heard_of(said_t *s, char letter, unsigned first)
{
    if (first || s->order.len == 0
        || s->order.data[s->order.len - 1] != letter)
    {
        put(&s->order, &letter, 1);
    }
}


static int
hear(void *ctx, genai_event_t *e)
{
    said_t  *s = ctx;

    if (e->copy) {
        return 0;
    }

    switch (e->type) {

    case GENAI_EVENT_REASONING:
        heard_of(s, 'r', 0);
        put(&s->thought, e->text.data, e->text.len);
        break;

    case GENAI_EVENT_TEXT:
        heard_of(s, 't', 0);
        put(&s->text, e->text.data, e->text.len);
        break;

    case GENAI_EVENT_TOOL:

        if (e->first) {
            heard_of(s, 'c', 1);
            put(&s->calls, "[", 1);
            put(&s->calls, e->id.data, e->id.len);
            put(&s->calls, " ", 1);
            put(&s->calls, e->name.data, e->name.len);
            put(&s->calls, " ", 1);
        }

        break;

    case GENAI_EVENT_ARGUMENTS:
        put(&s->calls, e->text.data, e->text.len);
        break;

    case GENAI_EVENT_FINISH:
        s->finish = e->finish;
        break;

    case GENAI_EVENT_USAGE:
        s->usage = *e->usage;
        break;

    case GENAI_EVENT_ERROR:
    case GENAI_EVENT_BROKEN:
        s->wrong++;
        break;

    case GENAI_EVENT_END:
        s->ends += (e->end_how == GENAI_END_DONE
                    || e->end_how == GENAI_END_CLEAN);
        break;

    default:
        break;
    }

    return 0;
}


static int
make(void *ctx, genai_event_t *e)
{
    maker_t  *m = ctx;

    return m->stream ? m->dialect->encoder_event(m->encoder, e)
                     : genai_whole_event(&m->whole, e);
}


static void
read_bytes(const genai_dialect_t *dialect, unsigned stream,
    const bytes_t *bytes, genai_event_pt handler, void *ctx)
{
    size_t               at, n;
    genai_answer_t      *a;
    genai_answer_opts_t  opts;

    memset(&opts, 0, sizeof(opts));
    opts.stream = stream;

    a = malloc(dialect->answer_size);
    dialect->answer_init(a, &opts, handler, ctx);

    for (at = 0; at < bytes->len; at += n) {
        n = 1 + any(any(2) ? 3 : 2000);
        n = (n < bytes->len - at) ? n : bytes->len - at;

        if (genai_answer_feed(a, bytes->data + at, n) != 0) {
            break;
        }
    }

    (void) genai_answer_end(a);
    free(a);
}


/* ---- writing */

static void
maker_begin(maker_t *m, const genai_dialect_t *dialect, unsigned stream)
{
    static const genai_str_t  id = genai_str("id_1");
    static const genai_str_t  model = genai_str("m");

    m->dialect = dialect;
    m->stream = stream;
    m->out.len = 0;
    m->head.id = id;
    m->head.model = model;
    m->head.created = 1700000000;
    m->head.usage = 1;
    m->head.prompt = -1;

    if (!stream) {
        genai_whole_init(&m->whole, &m->head, 1 << 20, keep, NULL);
        return;
    }

    m->encoder = malloc(dialect->encoder_size);
    dialect->encoder_init(m->encoder, &m->head, take, &m->out);

    if (dialect->encoder_keep) {
        dialect->encoder_keep(m->encoder, 1 << 20, keep, NULL);
    }
}


static void
maker_end(maker_t *m)
{
    if (!m->stream) {
        (void) m->dialect->whole_write(&m->whole, take, &m->out);
        genai_whole_free(&m->whole);
        return;
    }

    if (m->dialect->encoder_free) {
        m->dialect->encoder_free(m->encoder);
    }

    free(m->encoder);
}


/* ---- random answers: told to a maker, and noted */

static void
tell(maker_t *m, said_t *s, genai_event_t *e)
{
    (void) hear(s, e);

    if (make(m, e) != 0) {
        s->wrong++;
    }
}


static void
tell_type(maker_t *m, said_t *s, genai_event_e type, unsigned chunk)
{
    genai_event_t  e;

    memset(&e, 0, sizeof(e));
    e.type = type;
    e.chunk = chunk;
    e.end_how = GENAI_END_DONE;
    tell(m, s, &e);
}


static void
tell_text(maker_t *m, said_t *s, genai_event_e type, unsigned block,
    const bytes_t *text)
{
    size_t         at, n;
    genai_event_t  e;

    for (at = 0; at < text->len; at += n) {

        n = 1 + any(40);
        n = (n < text->len - at) ? n : text->len - at;

        while (at + n < text->len && (text->data[at + n] & 0xc0) == 0x80) {
            n++;
        }

        memset(&e, 0, sizeof(e));
        e.type = type;
        e.field = GENAI_FIELD_CONTENT;
        e.block = block;
        e.first = 1;
        e.last = 1;
        e.text.data = (unsigned char *) text->data + at;
        e.text.len = n;
        tell(m, s, &e);

        if (any(2)) {
            tell_type(m, s, GENAI_EVENT_CHUNK,
                      GENAI_CHUNK_DATA|GENAI_CHUNK_CHOICES);
        }
    }
}


static void
random_text(bytes_t *b)
{
    unsigned     i;
    const char  *p;

    static const char *const  pieces[] = {
        "word ", "\n", "\"", "\\", "\xc3\xa9", "\xf0\x9f\x98\x80", "\t", "{",
        "]", "data: ", "\n\n", "event: x", "[DONE]", "</s>", "\x01", "0"
    };

    b->len = 0;
    put(b, "x", 1);

    for (i = any(60); i; i--) {
        p = pieces[any(sizeof(pieces) / sizeof(pieces[0]))];
        put(b, p, strlen(p));
    }
}


static void
tell_calls(maker_t *m, said_t *s)
{
    char           id[32], name[32];
    bytes_t        arguments;
    unsigned       i, n;
    const char    *p;
    genai_event_t  e;

    static const char *const  texts[] = {
        "{}", "{ \"a\" : 1.0 }", "{\"b\":[1e5,{\"c\":null}],\"a\":"
        "\"\\u00e9\\n\xc3\xa9\"}", "{\"n\":12345678901234567890}"
    };

    n = any(4);

    for (i = 0; i < n; i++) {

        sprintf(id, "call_%u%u", i, any(1000));
        sprintf(name, "tool_%u", any(5));

        memset(&e, 0, sizeof(e));
        e.type = GENAI_EVENT_TOOL;
        e.block = i;
        e.first = 1;
        e.id.data = (unsigned char *) id;
        e.id.len = strlen(id);
        e.name.data = (unsigned char *) name;
        e.name.len = strlen(name);
        tell(m, s, &e);

        p = texts[any(4)];
        arguments.len = 0;
        put(&arguments, p, strlen(p));
        tell_text(m, s, GENAI_EVENT_ARGUMENTS, i, &arguments);

        if (any(3) == 0) {
            random_text(&arguments);
            tell_text(m, s, GENAI_EVENT_REASONING, i + 1, &arguments);
        }

        if (any(3) == 0) {
            random_text(&arguments);
            tell_text(m, s, GENAI_EVENT_TEXT, 0, &arguments);
        }
    }

    s->finish = n ? GENAI_FINISH_TOOL : GENAI_FINISH_STOP;
}


static void
tell_answer(maker_t *m, said_t *s)
{
    bytes_t        text;
    genai_usage_t  usage;
    genai_event_t  e;

    memset(s, 0, sizeof(said_t));

    memset(&e, 0, sizeof(e));
    e.type = GENAI_EVENT_START;
    e.id = m->head.id;
    e.name = m->head.model;
    tell(m, s, &e);

    if (any(2)) {
        random_text(&text);
        tell_text(m, s, GENAI_EVENT_REASONING, 0, &text);
    }

    if (any(4)) {
        random_text(&text);
        tell_text(m, s, GENAI_EVENT_TEXT, 0, &text);
    }

    tell_calls(m, s);

    memset(&e, 0, sizeof(e));
    e.type = GENAI_EVENT_FINISH;
    e.finish = s->finish;

    if (any(4) == 0) {
        e.finish = GENAI_FINISH_LENGTH;
    }

    tell(m, s, &e);

    genai_usage_clear(&usage);
    usage.prompt = 100 + any(1000);
    usage.cached = any(100);
    usage.completion = any(1000);
    usage.total = usage.prompt + usage.completion;

    memset(&e, 0, sizeof(e));
    e.type = GENAI_EVENT_USAGE;
    e.usage = &usage;
    tell(m, s, &e);

    tell_type(m, s, GENAI_EVENT_CHUNK, GENAI_CHUNK_DATA|GENAI_CHUNK_CHOICES
                                       |GENAI_CHUNK_USAGE);
    tell_type(m, s, GENAI_EVENT_END, 0);
}


static int
same_bytes(const bytes_t *a, const bytes_t *b)
{
    return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}


static int
same(const said_t *a, const said_t *b)
{
    return same_bytes(&a->thought, &b->thought)
           && same_bytes(&a->text, &b->text)
           && same_bytes(&a->calls, &b->calls)
           && same_bytes(&a->order, &b->order)
           && a->finish == b->finish
           && a->usage.prompt == b->usage.prompt
           && a->usage.cached == b->usage.cached
           && a->usage.completion == b->usage.completion
           && !a->wrong && !b->wrong && b->ends == 1;
}


static void
show(const said_t *s)
{
    printf("# thought %.*s\n# text %.*s\n# calls %.*s\n# finish %u, "
           "usage %d %d %d, %u ends, %u wrong\n# order %.*s\n",
           (int) s->thought.len, s->thought.data,
           (int) s->text.len, s->text.data,
           (int) s->calls.len, s->calls.data, s->finish,
           (int) s->usage.prompt, (int) s->usage.cached,
           (int) s->usage.completion, s->ends, s->wrong,
           (int) s->order.len, s->order.data);
}


/* as many calls as an answer may have, and one more, which can be told */

static void
test_bounds(unsigned stream)
{
    int             rc;
    unsigned        i;
    genai_event_t   e;

    static maker_t  m;

    maker_begin(&m, &genai_responses, stream);

    for (i = 0; i <= GENAI_WHOLE_ITEMS; i++) {

        memset(&e, 0, sizeof(e));
        e.type = GENAI_EVENT_TOOL;
        e.block = i;
        e.first = 1;
        e.id = (genai_str_t) genai_str("c");
        e.name = (genai_str_t) genai_str("f");

        rc = make(&m, &e);

        if (rc != 0) {
            break;
        }
    }

    is_int(i, GENAI_WHOLE_ITEMS, "as many calls as may be");
    is_int(rc, -1, "and one more");

    memset(&e, 0, sizeof(e));
    e.type = GENAI_EVENT_ERROR;

    is_int(make(&m, &e), stream ? 0 : -1, "which a stream can tell");

    /* its bytes are more than are kept here */

    m.out.len = 0;
    maker_end(&m);
}


/* a signature that Bedrock's frames cannot take in pieces */

static void
test_signature(void)
{
    genai_event_t         e;

    static maker_t        m;
    static unsigned char  large[2 << 20];

    memset(large, 'x', sizeof(large));
    maker_begin(&m, &genai_bedrock, 1);

    memset(&e, 0, sizeof(e));
    e.type = GENAI_EVENT_SIGNATURE;
    e.field = GENAI_FIELD_OF_THOUGHT;
    e.first = 1;
    e.last = 1;
    e.text.data = large;
    e.text.len = sizeof(large);

    is_int(make(&m, &e), -1, "a signature that is too long");

    memset(&e, 0, sizeof(e));
    e.type = GENAI_EVENT_ERROR;
    m.out.len = 0;

    is_int(make(&m, &e), 0, "can be told");
    ok(m.out.len > 0 && m.out.len < 1000, "and is forgotten");
    maker_end(&m);
}


int
main(void)
{
    unsigned        a, b, i, first, second, good;
    const char     *kind[] = { "JSON", "stream" };

    static said_t   said, heard;
    static maker_t  one, two;

    srand(1);

    for (i = 0; i < 4 * DIALECTS * DIALECTS; i++) {

        a = i / 4 / DIALECTS;
        b = i / 4 % DIALECTS;
        first = i & 1;
        second = i >> 1 & 1;

        for (good = 0; good < ROUNDS; good++) {

            maker_begin(&one, dialects[a], first);
            tell_answer(&one, &said);
            maker_end(&one);

            maker_begin(&two, dialects[b], second);
            read_bytes(dialects[a], first, &one.out, make, &two);
            maker_end(&two);

            memset(&heard, 0, sizeof(heard));
            read_bytes(dialects[b], second, &two.out, hear, &heard);

            /* one of them has no place for it */

            if (dialects[a] == &genai_openai || dialects[b] == &genai_openai) {
                heard.order = said.order;
            }

            if (!same(&said, &heard)) {
                show(&said);
                show(&heard);
                printf("# %.*s\n# %.*s\n", (int) one.out.len, one.out.data,
                       (int) two.out.len, two.out.data);
                break;
            }
        }

        is_int(good, ROUNDS, "%.*s %s to %.*s %s",
               (int) dialects[a]->name.len, dialects[a]->name.data,
               kind[first],
               (int) dialects[b]->name.len, dialects[b]->name.data,
               kind[second]);
    }

    test_bounds(0);
    test_bounds(1);
    test_signature();

    return done_testing();
}
