/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The meter: what the provider tells, what is estimated where it does not,
 * and mixtures.
 */


#include "tap.h"
#include "genai_meter.h"


static genai_meter_t  m;


static void
said(genai_event_e type, size_t n, unsigned copy)
{
    genai_event_t  e;

    static unsigned char  text[1000];

    memset(&e, 0, sizeof(e));

    e.type = type;
    e.copy = copy;
    e.text.data = text;
    e.text.len = (type == GENAI_EVENT_TOOL) ? 0 : n;
    e.name.data = text;
    e.name.len = (type == GENAI_EVENT_TOOL) ? n : 0;

    genai_meter_event(&m, &e);
}


static void
told(int64_t prompt, int64_t completion, int64_t total, int64_t cached,
    int64_t reasoning)
{
    genai_event_t  e;
    genai_usage_t  usage;

    genai_usage_clear(&usage);

    usage.prompt = prompt;
    usage.completion = completion;
    usage.total = total;
    usage.cached = cached;
    usage.reasoning = reasoning;

    memset(&e, 0, sizeof(e));

    e.type = GENAI_EVENT_USAGE;
    e.usage = &usage;

    genai_meter_event(&m, &e);
}


static void
tokens(const char *want, const char *what)
{
    char            text[200];
    genai_tokens_t  t;

    genai_meter_tokens(&m, &t);

    snprintf(text, sizeof(text), "%lld %lld %lld %lld %.*s",
             (long long) t.prompt, (long long) t.cached,
             (long long) t.completion, (long long) t.reasoning,
             (int) genai_count_name(t.source)->len,
             (char *) genai_count_name(t.source)->data);

    is_str(text, want, "%s", what);
}


static void
test_estimated(void)
{
    genai_meter_init(&m, 401);
    tokens("0 0 0 0 none", "nothing yet");

    genai_meter_attempt(&m);
    ok(!m.sent && !m.begun, "an attempt");
    tokens("0 0 0 0 none", "a request that is not sent");

    m.sent = 1;
    tokens("101 0 0 0 estimated", "one that is sent");

    m.refused = 1;
    tokens("0 0 0 0 none", "and refused");
    m.refused = 0;

    said(GENAI_EVENT_ERROR, 10, 0);
    tokens("0 0 0 0 none", "an error is no answer");
    ok(m.error, "and is known");

    said(GENAI_EVENT_START, 0, 0);
    tokens("101 0 0 0 estimated", "an answer has begun");

    said(GENAI_EVENT_TEXT, 1, 0);
    tokens("101 0 1 0 estimated", "one byte is one token");

    said(GENAI_EVENT_TEXT, 3, 0);
    tokens("101 0 1 0 estimated", "as are four");

    said(GENAI_EVENT_REASONING, 4, 0);
    said(GENAI_EVENT_REFUSAL, 4, 0);
    said(GENAI_EVENT_ARGUMENTS, 4, 0);
    said(GENAI_EVENT_TOOL, 4, 0);
    tokens("101 0 5 0 estimated", "all that is said counts");

    said(GENAI_EVENT_TEXT, 400, 1);
    said(GENAI_EVENT_TOOL, 400, 1);
    tokens("101 0 5 0 estimated", "but not what is said again");

    m.sent = 1;
    genai_meter_attempt(&m);
    tokens("0 0 0 0 none", "another attempt begins anew");
    ok(m.prompt == 401 && !m.error, "with the same prompt");

    said(GENAI_EVENT_BROKEN, 0, 0);
    tokens("101 0 0 0 estimated", "an answer that cannot be read is one");

    genai_meter_init(&m, UINT64_MAX);
    said(GENAI_EVENT_START, 0, 0);
    tokens("4611686018427387904 0 0 0 estimated", "a large one");
}


static void
test_told(void)
{
    genai_meter_init(&m, 400);
    said(GENAI_EVENT_TEXT, 100, 0);
    told(10, 20, 30, 4, 5);
    tokens("10 4 20 5 provider", "what the provider tells counts");

    said(GENAI_EVENT_TEXT, 9, 0);
    tokens("10 4 23 5 estimated", "what it says then is added");

    told(10, 22, 32, -1, -1);
    tokens("10 4 22 5 provider", "until it tells more");

    told(-1, -1, -1, -1, -1);
    tokens("10 4 22 5 provider", "usage without a number is none");

    told(-1, -1, 33, -1, -1);
    tokens("10 4 22 5 provider", "a part of it leaves the others");

    said(GENAI_EVENT_TEXT, 4, 0);
    told(11, -1, -1, -1, 6);
    tokens("11 4 23 6 estimated", "and counts for no more than it tells");

    genai_meter_init(&m, 0);
    m.sent = 1;
    tokens("0 0 0 0 none", "a request that was not read");

    genai_meter_init(&m, 400);
    told(8, -1, 8, -1, -1);
    tokens("8 0 0 0 provider", "embeddings");

    genai_meter_init(&m, 400);
    told(8, -1, -1, -1, -1);
    tokens("8 0 0 0 provider", "and without a total");

    genai_meter_init(&m, 400);
    said(GENAI_EVENT_TEXT, 8, 0);
    told(8, -1, -1, -1, -1);
    tokens("8 0 2 0 estimated", "an answer that is not counted is estimated");

    genai_meter_init(&m, 400);
    said(GENAI_EVENT_TEXT, 8, 0);
    told(-1, 7, -1, -1, -1);
    tokens("100 0 7 0 estimated", "as a prompt is");

    genai_meter_init(&m, 400);
    said(GENAI_EVENT_TEXT, 8, 0);
    told(-1, 7, 9, -1, -1);
    tokens("2 0 7 0 provider", "but for where the total tells it");

    genai_meter_init(&m, 400);
    told(-1, 7, 3, -1, -1);
    tokens("100 0 7 0 estimated", "a total that is none");

    genai_meter_init(&m, 400);
    said(GENAI_EVENT_TEXT, 8, 0);
    told(INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX);
    tokens("100 0 2 0 estimated", "absurd numbers were not told");

    told(UINT32_MAX, 3, -1, UINT32_MAX, -1);
    tokens("100 0 3 0 estimated", "nor those of them that are");

    told(50, INT32_MAX, -1, -1, -1);
    tokens("50 0 3 0 provider", "what was told before holds");

    genai_meter_init(&m, 400);
    told((1 << 24) + 40000, (1 << 24) + 1, -1, -1, -1);
    tokens("16817216 0 0 0 provider", "the most that can be, and more");

    genai_meter_init(&m, UINT64_MAX);
    told(INT64_MAX / 2, 7, -1, -1, -1);
    tokens("4611686018427387903 0 7 0 provider", "of a text without end");
}


static void
test_parts(void)
{
    genai_event_t   e;
    genai_usage_t   usage;
    genai_tokens_t  t;

    memset(&e, 0, sizeof(e));

    e.type = GENAI_EVENT_USAGE;
    e.usage = &usage;

    genai_usage_clear(&usage);

    usage.prompt = 100;
    usage.written_5m = 1;
    usage.written_1h = 2;
    usage.image = 3;
    usage.audio = 4;
    usage.cached_audio = 5;
    usage.audio_output = 6;

    genai_meter_init(&m, 400);
    genai_meter_tokens(&m, &t);
    ok(t.written_5m == 0 && t.audio_output == 0, "no parts");

    genai_meter_event(&m, &e);
    genai_usage_clear(&usage);
    usage.completion = 10;
    usage.image = 30;
    genai_meter_event(&m, &e);

    genai_meter_tokens(&m, &t);
    ok(t.written_5m == 1 && t.written_1h == 2 && t.image == 30
       && t.audio == 4 && t.cached_audio == 5 && t.audio_output == 6,
       "parts, each as it was told last");

    genai_meter_attempt(&m);
    m.begun = 1;
    genai_meter_tokens(&m, &t);
    ok(t.written_5m == 0 && t.written_1h == 0 && t.image == 0
       && t.audio == 0 && t.cached_audio == 0 && t.audio_output == 0,
       "and not of another attempt");
}


static void
test_ours(void)
{
    /* a part of what a reasoning model has spent was seen by nobody */

    genai_meter_init(&m, 400);
    genai_meter_prompt(&m, 8, 1);
    m.sent = 1;
    said(GENAI_EVENT_START, 0, 0);
    tokens("8 0 0 0 estimated", "a stream that has said nothing");

    m.finished = 1;
    m.finish = GENAI_FINISH_LENGTH;
    tokens("8 0 0 0 estimated", "nor has when it ended");

    m.silent = 1;
    tokens("8 0 0 0 exact", "vectors");
    genai_meter_attempt(&m);
    said(GENAI_EVENT_START, 0, 0);
    tokens("8 0 0 0 exact", "of another attempt");

    genai_meter_init(&m, 400);
    genai_meter_prompt(&m, 8, 1);
    said(GENAI_EVENT_TEXT, 40, 0);
    genai_meter_said(&m, 30, 0, 1);
    tokens("8 0 30 0 exact", "our count");

    /* behind a running usage ours is what is added to it */

    told(8, 31, 39, -1, -1);
    tokens("8 0 31 0 provider", "until the provider tells");
    said(GENAI_EVENT_TEXT, 40, 0);
    tokens("8 0 41 0 estimated", "bytes, where nobody has counted");
    genai_meter_said(&m, 62, 0, 1);
    tokens("8 0 63 0 estimated", "tokens, where somebody has");

    genai_meter_init(&m, 400);
    said(GENAI_EVENT_TEXT, 40, 0);
    told(8, 31, 39, -1, -1);
    said(GENAI_EVENT_TEXT, 120, 0);
    genai_meter_said(&m, 100, 0, 1);
    tokens("8 0 106 0 estimated", "as many as of its bytes, where late");
}


static void
test_end(void)
{
    genai_event_t  e;

    genai_meter_init(&m, 0);
    memset(&e, 0, sizeof(e));

    e.type = GENAI_EVENT_FINISH;
    genai_meter_event(&m, &e);
    ok(!m.finished && m.begun, "an end without a reason");

    e.finish = GENAI_FINISH_LENGTH;
    genai_meter_event(&m, &e);
    e.finish = GENAI_FINISH_TOOL;
    genai_meter_event(&m, &e);
    ok(m.finished, "and with one");
    is_int(m.finish, GENAI_FINISH_TOOL, "the last one counts");

    e.finish = GENAI_FINISH_NONE;
    e.type = GENAI_EVENT_CHUNK;
    genai_meter_event(&m, &e);
    ok(!m.ended, "a chunk is no end");

    e.type = GENAI_EVENT_END;
    e.end_how = GENAI_END_CLEAN;
    genai_meter_event(&m, &e);
    ok(m.ended, "the end is");
    is_int(m.end, GENAI_END_CLEAN, "how it was");

    genai_meter_attempt(&m);
    ok(!m.ended && !m.finished, "another attempt");

    is_text(*genai_count_name(GENAI_COUNT_EXACT), "exact", "a name");
}


int
main(void)
{
    test_estimated();
    test_told();
    test_parts();
    test_ours();
    test_end();

    return done_testing();
}
