/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The program behind t/fixtures.t: decodes recorded answers and tells what a
 * client ends with.
 *
 *     fixtures < list
 *
 * With ANSWER_ANTHROPIC defined it is for answers in that dialect.
 *
 * A line of the list is "stream PATH" or "json PATH".  Of every file one line
 * of JSON is printed: of choice 0 text, reasoning, refusal, tool_calls and
 * finish, then usage, error, end, broken; "same" is whether the body gave the
 * same events whole, byte by byte and at twenty random splits; "again",
 * whether what was encoded of them decodes to the same, as a stream and,
 * where there is no error, as a whole answer.
 */


#include <inttypes.h>
#include "answer.h"
#include "genai_writer.h"


#define TOOLS  64


typedef struct {
    answer_buf_t   text, reasoning, refusal, finish, broken;
    answer_buf_t   error, kind, code;
    answer_buf_t   id[TOOLS], name[TOOLS], args[TOOLS];
    unsigned       tools;
    genai_finish_e why;
    unsigned       failed;
    unsigned       legacy;
    unsigned       chunks;
    genai_usage_t  usage;
    unsigned       has_usage;
    genai_end_e    end;
} client_t;


static void
set(answer_buf_t *b, const genai_str_t *s)
{
    if (b->len == 0) {
        answer_put(b, s->data, s->len);
    }
}


static int
client_event(void *ctx, genai_event_t *e)
{
    client_t  *c = ctx;

    if (e->copy || (e->choice != 0 && e->type < GENAI_EVENT_USAGE)) {
        return 0;
    }

    switch (e->type) {

    case GENAI_EVENT_TEXT:
        answer_put(&c->text, e->text.data, e->text.len);
        break;

    case GENAI_EVENT_REASONING:
        answer_put(&c->reasoning, e->text.data, e->text.len);
        break;

    case GENAI_EVENT_REFUSAL:
        answer_put(&c->refusal, e->text.data, e->text.len);
        break;

    case GENAI_EVENT_TOOL:
    case GENAI_EVENT_ARGUMENTS:

        if (e->block >= TOOLS) {
            return -1;
        }

        if (c->tools <= e->block) {
            c->tools = e->block + 1;
        }

        c->legacy |= (e->field == GENAI_FIELD_FUNCTION_CALL);
        set(&c->id[e->block], &e->id);
        set(&c->name[e->block], &e->name);
        answer_put(&c->args[e->block], e->text.data, e->text.len);
        break;

    case GENAI_EVENT_FINISH:
        set(&c->finish, &e->text);
        c->why = e->finish;
        break;

    case GENAI_EVENT_USAGE:
        c->usage = *e->usage;
        c->has_usage = 1;
        break;

    case GENAI_EVENT_ERROR:
        c->failed = 1;
        set(&c->error, &e->text);
        set(&c->kind, &e->name);
        set(&c->code, &e->id);
        break;

    case GENAI_EVENT_BROKEN:
        set(&c->broken, &e->text);
        break;

    case GENAI_EVENT_CHUNK:
        c->chunks += (e->chunk & GENAI_CHUNK_DATA) ? 1 : 0;
        break;

    case GENAI_EVENT_END:
        c->end = e->end_how;
        break;

    default:
        break;
    }

    return 0;
}


static void
client_free(client_t *c)
{
    unsigned  i;

    for (i = 0; i < TOOLS; i++) {
        free(c->id[i].data);
        free(c->name[i].data);
        free(c->args[i].data);
    }

    free(c->text.data);
    free(c->reasoning.data);
    free(c->refusal.data);
    free(c->finish.data);
    free(c->broken.data);
    free(c->error.data);
    free(c->kind.data);
    free(c->code.data);
}


static void
print_string(const char *name, const answer_buf_t *b)
{
    size_t          n;
    unsigned char  *p;

    p = malloc(6 * b->len + 1);
    n = genai_write_escaped(p, (unsigned char *) b->data, b->len) - p;

    printf(",\"%s\":\"%.*s\"", name, (int) n, p);
    free(p);
}


/* encodes what is decoded */

typedef struct {
    encode_stream_t  stream;
    genai_whole_t   whole;
    answer_buf_t           bytes;
} encode_t;


static int
encode_write(void *ctx, const unsigned char *p, size_t n)
{
    answer_put(ctx, p, n);

    return 0;
}


static void *
encode_alloc(void *ctx, void *p, size_t old, size_t size)
{
    if (size == 0) {
        free(p);
        return NULL;
    }

    return realloc(p, size);
}


static int
encode_event(void *ctx, genai_event_t *e)
{
    encode_t  *c = ctx;

    return encode_one(&c->stream, e)
           || genai_whole_event(&c->whole, e) ? -1 : 0;
}


/* what is kept of a body that was encoded as a stream and as a whole */

static unsigned
encode_again(const unsigned char *p, size_t len,
    const genai_answer_opts_t *opts, const answer_told_t *told,
    unsigned failed)
{
    unsigned                    rc;
    encode_t                    c;
    const char                 *end;
    answer_buf_t                json = { NULL, 0, 0 };
    answer_told_t               t;
    genai_answer_head_t         head = {
        genai_str("chatcmpl-1"), genai_str("model"), 1700000000, 0, 1, -1 };
    answer_dialect_t       a;
    genai_answer_opts_t  stream = { .stream = 1, .choices = 1 };
    genai_answer_opts_t  whole = { .choices = 1 };

    memset(&c, 0, sizeof(c));
    memset(&t, 0, sizeof(t));

    encode_init(&c.stream, &head, encode_write, &c.bytes);
    genai_whole_init(&c.whole, &head, 1 << 24, encode_alloc, NULL);
    answer_init(&a, opts, encode_event, &c);

    rc = (genai_answer_feed(&a.base, p, len) == 0
          && genai_answer_end(&a.base) == 0);

    answer_put(&c.bytes, "", 0);
    answer_reset(&t);

    rc = rc && answer_decode(&t, (unsigned char *) c.bytes.data, c.bytes.len,
                             &stream, 0) == 0;

    /* how it ended is told otherwise */

    end = strstr(told->short_log.data, "\nend");
    rc = rc && end && strstr(t.short_log.data, "\nend")
         && strstr(t.short_log.data, "\nend") - t.short_log.data
            == end - told->short_log.data
         && memcmp(t.short_log.data, told->short_log.data,
                   end - told->short_log.data) == 0;

    if (!rc) {
        fprintf(stderr, "--- %s\n+++ %s\n", told->short_log.data,
                t.short_log.data);
    }

    if (rc && !failed) {
        client_t  one, two;

        /* an answer as a whole has another order, but says the same */

        memset(&one, 0, sizeof(one));
        memset(&two, 0, sizeof(two));

        rc = (encode_whole(&c.whole, encode_write, &json) == 0);

        answer_init(&a, opts, client_event, &one);
        (void) genai_answer_feed(&a.base, p, len);
        (void) genai_answer_end(&a.base);

        answer_init(&a, &whole, client_event, &two);
        (void) genai_answer_feed(&a.base, (unsigned char *) json.data,
                                        json.len);
        (void) genai_answer_end(&a.base);

#define same(member)                                                          \
    (one.member.len == two.member.len                                         \
     && memcmp(one.member.len ? one.member.data : "",                         \
               two.member.len ? two.member.data : "", one.member.len) == 0)

        rc = rc && same(text) && same(reasoning) && same(refusal)
             && one.why == two.why
             && same(id[0]) && same(name[0]) && same(args[0])
             && one.tools == two.tools && two.end == GENAI_END_DONE
             && one.usage.prompt == two.usage.prompt
             && one.usage.reasoning == two.usage.reasoning
             && two.broken.len == 0;

        if (!rc) {
            fprintf(stderr, "whole: %s\n", json.data);
        }

        client_free(&one);
        client_free(&two);
    }

    genai_whole_free(&c.whole);
    free(c.bytes.data);
    free(json.data);
    answer_free(&t);

    return rc;
}


int
main(void)
{
    FILE                       *f;
    char                        line[4096], *path;
    size_t                      len;
    unsigned                    i, same, again;
    client_t                    c;
    static unsigned char        body[16 << 20];
    answer_told_t               one, two;
    answer_dialect_t            a;
    genai_answer_opts_t         opts;

    memset(&one, 0, sizeof(one));
    memset(&two, 0, sizeof(two));
    srand(1);

    while (fgets(line, sizeof(line), stdin)) {

        line[strcspn(line, "\n")] = '\0';
        path = strchr(line, ' ');
        *path++ = '\0';

        f = fopen(path, "rb");

        if (f == NULL) {
            fprintf(stderr, "%s: cannot be read\n", path);
            return 1;
        }

        len = fread(body, 1, sizeof(body), f);
        fclose(f);

        memset(&opts, 0, sizeof(opts));
        opts.stream = (strcmp(line, "stream") == 0);
        opts.choices = 4;

        memset(&c, 0, sizeof(c));
        answer_init(&a, &opts, client_event, &c);
        (void) genai_answer_feed(&a.base, body, len);
        (void) genai_answer_end(&a.base);

        same = 1;
        answer_reset(&one);
        (void) answer_decode(&one, body, len, &opts, 0);

        for (i = 0; i < 21; i++) {
            answer_reset(&two);
            (void) answer_decode(&two, body, len, &opts,
                                 i ? 1 + i * i : 1);

            if (one.bad || two.bad || one.log.len != two.log.len
                || memcmp(one.log.data, two.log.data, one.log.len) != 0)
            {
                same = 0;
            }
        }

        again = encode_again(body, len, &opts, &one, c.failed);

        printf("{\"path\":\"%s\",\"same\":%u,\"again\":%u,\"end\":%u,"
               "\"bad\":%u,\"chunks\":%u,\"legacy\":%u",
               path, same, again, c.end, one.bad, c.chunks, c.legacy);

        print_string("text", &c.text);
        print_string("reasoning", &c.reasoning);
        print_string("refusal", &c.refusal);
        print_string("finish", &c.finish);
        print_string("broken", &c.broken);

        if (c.failed) {
            print_string("message", &c.error);
            print_string("type", &c.kind);
            print_string("code", &c.code);
        }

        if (c.has_usage) {
            printf(",\"usage\":{\"input\":%" PRId64 ",\"output\":%" PRId64
                   ",\"total\":%" PRId64 ",\"cached_input\":%" PRId64
                   ",\"reasoning\":%" PRId64 ",\"cache_write\":%" PRId64
                   "}",
                   c.usage.prompt, c.usage.completion, c.usage.total,
                   c.usage.cached, c.usage.reasoning,
                   (c.usage.written_5m > 0 ? c.usage.written_5m : 0)
                   + (c.usage.written_1h > 0 ? c.usage.written_1h : 0));
        }

        printf(",\"tool_calls\":[");

        for (i = 0; i < c.tools; i++) {
            printf("%s{\"n\":%u", i ? "," : "", i);
            print_string("id", &c.id[i]);
            print_string("name", &c.name[i]);
            print_string("args", &c.args[i]);
            printf("}");
        }

        printf("]}\n");

        client_free(&c);
    }

    answer_free(&one);
    answer_free(&two);

    return 0;
}
