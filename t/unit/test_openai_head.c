/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The heads of chunks, which the decoder reads only once: whether a stream
 * has them or not, and wherever it is cut, the events are the same as where
 * no chunk is ever here whole.
 */


#include "tap.h"
#include "answer.h"


#define HEAD_EVENTS  40

#define HEAD(index)  "{\"id\":\"c\",\"object\":\"chat.completion.chunk\","    \
    "\"model\":\"m\",\"choices\":[{" index "\"delta\":{"


static answer_told_t  whole, cut;


/* as it is, at random, and byte by byte, which never gives a head back */

static void
same(const char *body, size_t len, unsigned choices, const char *what)
{
    int                         rc, rc2;
    unsigned                    i;
    genai_answer_opts_t  opts = { .stream = 1, .choices = 1 };

    static const unsigned  means[] = { 1, 20, 100, 400 };

    opts.choices = choices;

    answer_reset(&whole);
    rc = answer_decode(&whole, (unsigned char *) body, len, &opts, 0);
    quiet_ok(!whole.bad, "%s: line %u", what, whole.bad);

    for (i = 0; i < 4; i++) {
        answer_reset(&cut);
        rc2 = answer_decode(&cut, (unsigned char *) body, len, &opts,
                            means[i]);

        if (rc != rc2 || cut.bad || whole.log.len != cut.log.len
            || memcmp(whole.log.data, cut.log.data, cut.log.len) != 0)
        {
            is_mem(whole.log.data, whole.log.len, cut.log.data, cut.log.len,
                   "%s: pieces of about %u", what, means[i]);
        }
    }

    quiet_ok(1, "%s", what);
}


/* heads that follow each other, and what may stand behind each */

static const char  *heads[] = {
    HEAD("\"index\":0,"),
    HEAD("\"index\":1,"),
    HEAD(""),
    HEAD("\"index\":0,\"finish_reason\":null,"),
    HEAD("\"index\":0,\"finish_reason\":\"stop\","),
    HEAD("\"index\":0,\"finish_reason\":\"\",\"text\":\"\","),
    HEAD("\"index\":0,\"text\":\"t\","),
    HEAD("\"index\":99999,"),
    HEAD("\"index\":0,\"error\":\"e\","),
    HEAD("\"index\":0,\"message\":{\"content\":\"a\"},"),
    HEAD("\"index\":0,\"message\":{\"content\":null},"),
    HEAD("\"usage\":{\"prompt_tokens\":3},"),
    HEAD("\"error\":{\"message\":\"e\"},"),
    HEAD("\"error\":null,"),
    HEAD("\"index\":0,\"delta\":{\"tool_calls\":[{}]},"),
    HEAD("\"delta\":{\"content\":\"a\"}},{\"index\":1,"),
    HEAD("\"delta\":{\"tool_calls\":[{\"id\":\"i\",\"function\":"
         "{\"name\":\"f\"}}]}},{"),
    HEAD("\"finish_reason\":\"error\"}],\"choices\":[{"),
    " { \"choices\" : [ { \"index\" : 0 , \"delta\" : { ",
    "{\"object\":\"error\",\"message\":\"m\",\"choices\":[{\"delta\":{",
    "{\"type\":\"t\",\"code\":1,\"detail\":\"d\",\"choices\":[{\"delta\":{",
    "{\"usage\":{\"prompt_tokens\":1},\"choices\":[{\"delta\":{",
    "{\"x\":{\"y\":[[{}]]},\"choices\":[{\"delta\":{",
    "{\"id\":{},\"choices\":[null,{\"delta\":{",
    "{\"choices\":[{\"index\":0,\"delta\":{",
    "{\"choices\":[{\"index\":1,\"delta\":{",
    "{\"choices\":[{\"message\":{",
    "{\"choices\":[{\"usage\":{",
    "{\"choices\":[{\"error\":{",
    "{\"error\":{\"message\":\"e\"},\"choices\":[{\"delta\":{",
    "{\"ch\\u006fices\":[{\"delta\":{",
    "{\"choices\":[{\"delta\":[{",
    "{\"choices\":[{\"delta\"{"
};

static const char  *behind[] = {
    "\"content\":\"a\"}}]}\n\n",
    "\"content\":\"a\"}}]}\n\n",
    "\"prompt_tokens\":4,\"message\":\"m\"}}]}\n\n",
    "\"content\":\"a\\n\\n\"},\"finish_reason\":null}]}\n\n",
    "\"content\":\"a\"},\"index\":1,\"finish_reason\":\"length\"}]}\n\n",
    "\"content\":\"a\"}},{\"index\":2,\"delta\":{\"content\":\"b\"}}]}\n\n",
    "\"tool_calls\":[{\"index\":3,\"id\":\"x\",\"function\":"
    "{\"name\":\"f\",\"arguments\":\"{}\"}}]}}]}\n\n",
    "\"tool_calls\":[{\"function\":{\"arguments\":\"{}\"}}]}}]}\n\n",
    "}}],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}\n\n",
    "}}],\"error\":{\"message\":\"no\"}}\n\n",
    "}}],\"object\":\"error\"}\n\n",
    "\n\n",
    "\ndata:}}]}\n\n",
    "]}\n\n",
    "}}]}}\n\n",
    "}}]}\nevent: error\n\n"
};


static void
test_pairs(void)
{
    char    body[4096];
    int     n;
    size_t  i, j;

    /* a head thrice, so that it is found, learned and given back */

    for (i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        for (j = 0; j < sizeof(behind) / sizeof(behind[0]); j++) {
            n = snprintf(body, sizeof(body), "data: %s%sdata: %s%sdata: %s%s"
                         "data: %s%sdata: %s%s", heads[2], behind[0],
                         heads[i], behind[0], heads[i], behind[j], heads[i],
                         behind[j], heads[i], behind[0]);

            same(body, n, 1, heads[i]);
            same(body, n, 3, heads[i]);
        }
    }

    ok(1, "each head with all that may stand behind it");
}


static void
test_random(void)
{
    char      body[HEAD_EVENTS * 512];
    size_t    n, i, k;
    unsigned  round, head;

    for (round = 0; round < 2000; round++) {

        for (i = 0, n = 0, head = 0; i < HEAD_EVENTS; i++) {

            if (rand() % 4 == 0) {
                head = rand() % (sizeof(heads) / sizeof(heads[0]));
            }

            k = (rand() % 3) ? 0 : rand() % (sizeof(behind)
                                             / sizeof(behind[0]));
            n += snprintf(body + n, sizeof(body) - n, "data: %s%s",
                          heads[head], behind[k]);
        }

        same(body, n, 1 + round % 2, "random heads");
    }

    ok(1, "random heads");
}


static int
no_event(void *ctx, genai_event_t *e)
{
    return 0;
}


/* a head is given back, and forgotten for another one */

static void
test_known(void)
{
    int                         i;
    char                        text[1024], id[512];
    genai_openai_answer_t       a;
    genai_answer_opts_t  opts = { .stream = 1, .choices = 1 };

    static const struct {
        const char  *id;
        unsigned     n;
        unsigned     known;
    } chunks[] = {
        { "a", 0, 0 },          /* until the answer has begun */
        { "a", 41, 0 },
        { "a", 41, 1 },
        { "a", 41, 1 },
        { "bc", 42, 0 },
        { "bc", 42, 1 },
        { "bd", 42, 0 },
        { "a", 41, 0 }
    };

    memset(&a, 0xa5, sizeof(a));
    genai_openai_answer_init(&a, &opts, no_event, NULL);

    for (i = 0; i < (int) (sizeof(chunks) / sizeof(chunks[0])); i++) {
        snprintf(text, sizeof(text), "data: {\"id\":\"%s\",\"choices\":[{"
                 "\"index\":0,\"delta\":{\"content\":\"x\"}}]}\n\n",
                 chunks[i].id);
        (void) genai_answer_feed(&a.base, (unsigned char *) text,
                                        strlen(text));

        if (chunks[i].n == 0) {
            ok(!a.heads, "no head in front of START");
            continue;
        }

        is_int(a.seen_head.n, chunks[i].n, "the head of chunk %d", i);
        is_int(a.seen_head.known, chunks[i].known, "known or not");
    }

    /* one that is too long is read each time */

    memset(id, 'i', sizeof(id));

    for (i = 150; i < 400; i++) {
        id[i] = '\0';
        snprintf(text, sizeof(text), "data: {\"id\":\"%s\",\"choices\":[{"
                 "\"index\":0,\"delta\":{\"content\":\"x\"}}]}\n\n", id);
        id[i] = 'i';
        genai_openai_answer_init(&a, &opts, no_event, NULL);
        (void) genai_answer_feed(&a.base, (unsigned char *) text,
                                        strlen(text));
        (void) genai_answer_feed(&a.base, (unsigned char *) text,
                                        strlen(text));

        quiet_ok(a.seen_head.n == (i + 40 <= GENAI_OPENAI_HEAD_MAX
                                   ? i + 40 : 0),
                 "a head of %d bytes: %u", i + 40, a.seen_head.n);
    }

    ok(1, "heads of any length");
}


int
main(void)
{
    srand(1);

    test_known();
    test_pairs();
    test_random();

    answer_free(&whole);
    answer_free(&cut);

    return done_testing();
}
