/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Anthropic's answers, encoded: as a stream and as a whole, of events as
 * other dialects tell them; and what is encoded, decoded again.
 */


#define ANSWER_ANTHROPIC  1

#include "tap.h"
#include "answer.h"


typedef struct {
    encode_stream_t  stream;
    genai_whole_t    whole;
    answer_buf_t     bytes;
    answer_buf_t     json;
} encoded_t;


static encoded_t            enc;
static genai_answer_head_t  head = {
    genai_str("msg_1"), genai_str("m"), 1700000000, 0, 1, 25
};


static int
put(void *ctx, const unsigned char *p, size_t n)
{
    answer_put(ctx, p, n);

    return 0;
}


static void *
take(void *ctx, void *p, size_t old, size_t size)
{
    if (size == 0) {
        free(p);
        return NULL;
    }

    return realloc(p, size);
}


static void
begin(void)
{
    genai_whole_free(&enc.whole);
    enc.bytes.len = 0;
    enc.json.len = 0;

    encode_init(&enc.stream, &head, put, &enc.bytes);
    genai_whole_init(&enc.whole, &head, 1 << 20, take, NULL);
}


static void
tell(genai_event_t *e)
{
    quiet_ok(encode_one(&enc.stream, e) == 0
             && genai_whole_event(&enc.whole, e) == 0, "it is told");
}


/* a string as one piece */

static void
say(genai_event_e type, unsigned block, const char *text)
{
    genai_event_t  e;

    memset(&e, 0, sizeof(e));

    e.type = type;
    e.block = block;
    e.text.data = (unsigned char *) text;
    e.text.len = strlen(text);
    e.first = 1;
    e.last = 1;
    e.json = 1;

    tell(&e);
}


static void
start(void)
{
    genai_event_t  e;

    memset(&e, 0, sizeof(e));
    e.type = GENAI_EVENT_START;
    tell(&e);
}


static void
call(unsigned block, const char *id, const char *name, unsigned first)
{
    genai_event_t  e;

    memset(&e, 0, sizeof(e));

    e.type = GENAI_EVENT_TOOL;
    e.block = block;
    e.first = first;
    e.id.data = (unsigned char *) id;
    e.id.len = strlen(id);
    e.name.data = (unsigned char *) name;
    e.name.len = strlen(name);

    tell(&e);
}


static void
sign(unsigned block, genai_field_e field, const char *who, const char *id,
    const char *text)
{
    genai_event_t  e;

    memset(&e, 0, sizeof(e));

    e.type = GENAI_EVENT_SIGNATURE;
    e.block = block;
    e.field = field;
    e.name.data = (unsigned char *) who;
    e.name.len = strlen(who);
    e.id.data = (unsigned char *) id;
    e.id.len = strlen(id);
    e.text.data = (unsigned char *) text;
    e.text.len = strlen(text);
    e.first = 1;
    e.last = 1;

    tell(&e);
}


static void
finish(genai_finish_e why, const char *word)
{
    genai_event_t  e;

    memset(&e, 0, sizeof(e));

    e.type = GENAI_EVENT_FINISH;
    e.finish = why;
    e.text.data = (unsigned char *) word;
    e.text.len = strlen(word);
    tell(&e);
}


static void
used(int64_t prompt, int64_t cached, int64_t completion)
{
    genai_event_t  e;
    genai_usage_t  usage;

    genai_usage_clear(&usage);
    usage.prompt = prompt;
    usage.cached = cached;
    usage.completion = completion;

    memset(&e, 0, sizeof(e));
    e.type = GENAI_EVENT_USAGE;
    e.usage = &usage;
    tell(&e);
}


static void
end(genai_end_e how)
{
    genai_event_t  e;

    memset(&e, 0, sizeof(e));

    e.type = GENAI_EVENT_END;
    e.end_how = how;
    tell(&e);

    answer_put(&enc.bytes, "", 0);
    answer_put(&enc.json, "", 0);
}


/* blocks never overlap, their numbers grow, there is one start and stop */

static const char *
order(const char *p)
{
    int          at, n, open, started, stopped, ended;
    const char  *index;

    n = 0;
    open = 0;
    started = 0;
    stopped = 0;
    ended = 0;

    for (p = strstr(p, "event: "); p; p = strstr(p + 1, "\nevent: ")) {
        p += (*p == '\n');

        index = strstr(p, "\"index\":");
        at = index ? atoi(index + 8) : -1;

        if (stopped || (started != 1 && strncmp(p, "event: message_start",
                                                20) != 0
                        && strncmp(p, "event: error", 12) != 0))
        {
            return "it is not between its ends";
        }

        if (strncmp(p, "event: message_start\n", 21) == 0) {
            started++;

        } else if (strncmp(p, "event: content_block_start\n", 27) == 0) {
            if (open++ || at != n || ended) {
                return "a block within another";
            }

        } else if (strncmp(p, "event: content_block_delta\n", 27) == 0) {
            if (!open || at != n) {
                return "a delta of no block";
            }

        } else if (strncmp(p, "event: content_block_stop\n", 26) == 0) {
            if (!open-- || at != n++) {
                return "a block that is not open";
            }

        } else if (strncmp(p, "event: message_delta\n", 21) == 0) {
            if (open || ended++) {
                return "a block is open";
            }

        } else if (strncmp(p, "event: message_stop\n", 20) == 0) {
            if (!ended) {
                return "it has not ended";
            }

            stopped++;

        } else if (strncmp(p, "event: error\n", 13) == 0) {
            if (open) {
                return "a block is open at an error";
            }

            stopped++;
        }
    }

    return NULL;
}


/* the stream's bytes, and what is kept when they are decoded */

static void
stream_is(const char *bytes, const char *kept, const char *what)
{
    const char           *wrong;
    answer_told_t         t;
    genai_answer_opts_t   opts = { .stream = 1, .choices = 1 };

    wrong = order(enc.bytes.data);
    ok(wrong == NULL, "%s: %s", what, wrong ? wrong : "in order");

    if (bytes) {
        is_str(enc.bytes.data, bytes, "%s: the bytes", what);
    }

    memset(&t, 0, sizeof(t));
    answer_reset(&t);
    (void) answer_decode(&t, (unsigned char *) enc.bytes.data, enc.bytes.len,
                         &opts, 0);
    is_str(t.short_log.data, kept, "%s: what is said", what);
    answer_free(&t);
}


static void
whole_is(const char *json, const char *what)
{
    ok(encode_whole(&enc.whole, put, &enc.json) == 0, "%s: written", what);
    answer_put(&enc.json, "", 0);
    is_str(enc.json.data, json, "%s: as a whole", what);
}


#define HEAD  "{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\"," \
              "\"model\":\"m\",\"content\":["
#define ENDS(reason, usage)  "],\"stop_reason\":\"" reason "\","              \
              "\"stop_sequence\":null,\"usage\":{" usage "}}"


static void
test_text(void)
{
    begin();
    start();
    say(GENAI_EVENT_TEXT, 0, "Hel");
    say(GENAI_EVENT_TEXT, 0, "lo \"\n");
    finish(GENAI_FINISH_STOP, "stop");
    used(100, 60, 5);
    end(GENAI_END_DONE);

    stream_is("event: message_start\ndata: {\"type\":\"message_start\","
              "\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":"
              "\"assistant\",\"model\":\"m\",\"content\":[],\"stop_reason\":"
              "null,\"stop_sequence\":null,\"usage\":{\"input_tokens\":25,"
              "\"output_tokens\":0}}}\n\n"
              "event: content_block_start\ndata: {\"type\":"
              "\"content_block_start\",\"index\":0,\"content_block\":{\"type\":"
              "\"text\",\"text\":\"\"}}\n\n"
              "event: content_block_delta\ndata: {\"type\":"
              "\"content_block_delta\",\"index\":0,\"delta\":{\"type\":"
              "\"text_delta\",\"text\":\"Hel\"}}\n\n"
              "event: content_block_delta\ndata: {\"type\":"
              "\"content_block_delta\",\"index\":0,\"delta\":{\"type\":"
              "\"text_delta\",\"text\":\"lo \\\"\\n\"}}\n\n"
              "event: content_block_stop\ndata: {\"type\":"
              "\"content_block_stop\",\"index\":0}\n\n"
              "event: message_delta\ndata: {\"type\":\"message_delta\","
              "\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},"
              "\"usage\":{\"input_tokens\":40,\"cache_read_input_tokens\":60,"
              "\"output_tokens\":5}}\n\n"
              "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
              "\ntext 0 0 Hello \"\n\nfinish 0 0 1\nusage 0 0 100 60 5 -1 105"
              "\nend 0 0 ", "a chat");
    whole_is(HEAD "{\"type\":\"text\",\"text\":\"Hello \\\"\\n\"}"
             ENDS("end_turn", "\"input_tokens\":40,"
                  "\"cache_read_input_tokens\":60,\"output_tokens\":5"),
             "a chat");

    /* nobody tells usage; no text at all */

    begin();
    start();
    finish(GENAI_FINISH_LENGTH, "length");
    end(GENAI_END_CLEAN);
    stream_is(NULL, "\nfinish 0 0 2\nusage 0 0 25 -1 0 -1 25\nend 0 0 ",
              "no usage");
    whole_is(HEAD ENDS("max_tokens", "\"input_tokens\":25,"
                       "\"output_tokens\":0"), "no usage");
}


static void
test_blocks(void)
{
    begin();
    say(GENAI_EVENT_REASONING, 0, "hm");
    sign(0, GENAI_FIELD_OF_THOUGHT, "anthropic", "", "c2ln");
    sign(1, GENAI_FIELD_SEALED, "anthropic", "", "ZGF0");
    sign(2, GENAI_FIELD_OF_THOUGHT, "anthropic", "", "eA==");
    say(GENAI_EVENT_REASONING, 3, "so");
    say(GENAI_EVENT_TEXT, 0, "a");
    call(0, "t", "f", 1);
    say(GENAI_EVENT_ARGUMENTS, 0, "{\"x\"");
    say(GENAI_EVENT_ARGUMENTS, 0, ":1}");
    call(1, "u", "g", 1);
    call(2, "v", "h", 1);
    say(GENAI_EVENT_ARGUMENTS, 2, "{}");
    finish(GENAI_FINISH_TOOL, "tool_calls");
    used(10, -1, 5);
    end(GENAI_END_DONE);

    stream_is(NULL,
              "\nreasoning 0 0 hm\nsignature 0 0 10 c2ln"
              "\nsignature 0 1 11 ZGF0\nsignature 0 2 10 eA=="
              "\nreasoning 0 3 so\ntext 0 0 a\ntool 0 0 <t><f>1"
              "\narguments 0 0 {\"x\":1}\ntool 0 1 <u><g>1"
              "\narguments 0 1 {}\ntool 0 2 <v><h>1\narguments 0 2 {}"
              "\nfinish 0 0 3\nusage 0 0 10 -1 5 -1 15\nend 0 0 ",
              "all kinds of blocks");
    whole_is(HEAD "{\"type\":\"thinking\",\"thinking\":\"hm\",\"signature\":"
             "\"c2ln\"},{\"type\":\"redacted_thinking\",\"data\":\"ZGF0\"},"
             "{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":"
             "\"eA==\"},{\"type\":\"thinking\",\"thinking\":\"so\","
             "\"signature\":\"\"},{\"type\":\"text\",\"text\":\"a\"},"
             "{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\",\"input\":"
             "{\"x\":1}},{\"type\":\"tool_use\",\"id\":\"u\",\"name\":\"g\","
             "\"input\":{}},{\"type\":\"tool_use\",\"id\":\"v\",\"name\":"
             "\"h\",\"input\":{}}"
             ENDS("tool_use", "\"input_tokens\":10,\"output_tokens\":5"),
             "all kinds of blocks");

    begin();
    say(GENAI_EVENT_TEXT, 0, "a");
    say(GENAI_EVENT_REASONING, 0, "b");
    say(GENAI_EVENT_TEXT, 0, "c");
    say(GENAI_EVENT_REFUSAL, 0, "d");
    finish(GENAI_FINISH_STOP, "stop");
    end(GENAI_END_DONE);
    stream_is(NULL, "\ntext 0 0 a\nreasoning 0 0 b\ntext 0 0 cd"
              "\nfinish 0 0 4\nusage 0 0 25 -1 0 -1 25\nend 0 0 ",
              "a refusal, and a thought between texts");
    whole_is(HEAD "{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"thinking\","
             "\"thinking\":\"b\",\"signature\":\"\"},{\"type\":\"text\","
             "\"text\":\"c\"},{\"type\":\"text\",\"text\":\"d\"}"
             ENDS("refusal", "\"input_tokens\":25,\"output_tokens\":0"),
             "a refusal");
}


static void
test_calls(void)
{
    begin();
    call(0, "t", "", 1);
    call(0, "", "f", 0);
    call(0, "t", "f", 0);
    say(GENAI_EVENT_ARGUMENTS, 0, "{\"half");
    call(1, "u", "", 1);
    say(GENAI_EVENT_ARGUMENTS, 1, "[1]");
    call(2, "v", "", 1);
    finish(GENAI_FINISH_STOP, "stop");
    used(10, -1, 5);
    end(GENAI_END_DONE);

    stream_is(NULL, "\ntool 0 0 <t><f>1\narguments 0 0 {\"half"
              "\ntool 0 1 <u><>1\narguments 0 1 [1]\ntool 0 2 <v><>1"
              "\narguments 0 2 {}\nfinish 0 0 3\nusage 0 0 10 -1 5 -1 15"
              "\nend 0 0 ", "names told late or never, and a plain stop");
    whole_is(HEAD "{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\","
             "\"input\":{}},{\"type\":\"tool_use\",\"id\":\"u\",\"name\":\"\","
             "\"input\":{}},{\"type\":\"tool_use\",\"id\":\"v\",\"name\":\"\","
             "\"input\":{}}"
             ENDS("tool_use", "\"input_tokens\":10,\"output_tokens\":5"),
             "arguments that are no object");

    begin();
    call(0, "", "f", 1);
    call(1, "", "g", 1);
    finish(GENAI_FINISH_TOOL, "function_call");
    used(10, -1, 5);
    end(GENAI_END_DONE);

    stream_is(NULL, "\ntool 0 0 <toolu_1_0><f>1\narguments 0 0 {}"
              "\ntool 0 1 <toolu_1_1><g>1\narguments 0 1 {}"
              "\nfinish 0 0 3\nusage 0 0 10 -1 5 -1 15\nend 0 0 ",
              "calls without ids get some");
    whole_is(HEAD "{\"type\":\"tool_use\",\"id\":\"toolu_1_0\",\"name\":"
             "\"f\",\"input\":{}},{\"type\":\"tool_use\",\"id\":"
             "\"toolu_1_1\",\"name\":\"g\",\"input\":{}}"
             ENDS("tool_use", "\"input_tokens\":10,\"output_tokens\":5"),
             "the same ones in a whole answer");

    begin();
    genai_anthropic_stream_keep(&enc.stream, 64, take, NULL);
    call(0, "", "", 1);
    say(GENAI_EVENT_ARGUMENTS, 0, "{\"half\":");
    say(GENAI_EVENT_ARGUMENTS, 0, "1}");
    call(0, "t", "f", 0);
    call(1, "u", "", 1);
    say(GENAI_EVENT_ARGUMENTS, 1, "[1]");
    call(2, "v", "", 1);
    call(2, "", "h", 0);
    finish(GENAI_FINISH_TOOL, "tool_calls");
    used(10, -1, 5);
    end(GENAI_END_DONE);

    stream_is(NULL, "\ntool 0 0 <t><f>1\narguments 0 0 {\"half\":1}"
              "\ntool 0 1 <u><>1\narguments 0 1 [1]\ntool 0 2 <v><h>1"
              "\narguments 0 2 {}\nfinish 0 0 3\nusage 0 0 10 -1 5 -1 15"
              "\nend 0 0 ", "names told behind arguments, or never");
    genai_anthropic_stream_free(&enc.stream);

    begin();
    genai_anthropic_stream_keep(&enc.stream, 64, take, NULL);
    call(0, "t", "", 1);
    say(GENAI_EVENT_ARGUMENTS, 0, "0123456789012345678901234567890123456789");
    say(GENAI_EVENT_ARGUMENTS, 0, "012345678901234567890123");
    say(GENAI_EVENT_ARGUMENTS, 0, "4");
    call(0, "t", "f", 0);
    end(GENAI_END_DONE);

    stream_is(NULL, "\nerror 0 0 The provider tells a tool call's name too "
              "late<><api_error>0\nend 0 0 ", "more than can be kept");
    genai_anthropic_stream_free(&enc.stream);

    begin();
    call(0, "t", "f", 1);
    say(GENAI_EVENT_ARGUMENTS, 0, "{");
    call(1, "u", "g", 1);
    say(GENAI_EVENT_ARGUMENTS, 1, "{");
    say(GENAI_EVENT_ARGUMENTS, 0, "}");
    say(GENAI_EVENT_ARGUMENTS, 1, "}");
    finish(GENAI_FINISH_TOOL, "tool_calls");
    end(GENAI_END_DONE);

    stream_is(NULL, "\ntool 0 0 <t><f>1\narguments 0 0 {\ntool 0 1 <u><g>1"
              "\narguments 0 1 {\nerror 0 0 The provider tells two tool calls"
              " by turns<><api_error>0\nend 0 0 ", "calls by turns");
}


static void
test_signatures(void)
{
    begin();
    say(GENAI_EVENT_REASONING, 0, "hm");
    sign(0, GENAI_FIELD_OF_THOUGHT, "gemini", "", "AB==");
    call(0, "t", "f", 1);
    say(GENAI_EVENT_ARGUMENTS, 0, "{}");
    sign(0, GENAI_FIELD_OF_CALL, "gemini", "", "CD==");
    say(GENAI_EVENT_TEXT, 0, "a");
    sign(0, GENAI_FIELD_OF_TEXT, "gemini", "", "EF==");
    sign(1, GENAI_FIELD_SEALED, "responses", "rs_1", "GH==");
    finish(GENAI_FINISH_TOOL, "tool_calls");
    used(10, -1, 5);
    end(GENAI_END_DONE);

    stream_is(NULL, "\nreasoning 0 0 hm\nsignature 0 0 10 "
              "genai:gemini:thought:0:AB==\ntool 0 0 <t><f>1"
              "\narguments 0 0 {}\nsignature 0 1 11 genai:gemini:call:1:tCD=="
              "\ntext 0 0 a\nsignature 0 2 11 genai:gemini:text:0:EF=="
              "\nsignature 0 3 11 genai:responses:sealed:4:rs_1GH=="
              "\nfinish 0 0 3\nusage 0 0 10 -1 5 -1 15\nend 0 0 ",
              "signatures of others");
    whole_is(HEAD "{\"type\":\"thinking\",\"thinking\":\"hm\",\"signature\":"
             "\"genai:gemini:thought:0:AB==\"},{\"type\":\"tool_use\","
             "\"id\":\"t\",\"name\":\"f\",\"input\":{}},{\"type\":"
             "\"redacted_thinking\",\"data\":\"genai:gemini:call:1:tCD==\"},"
             "{\"type\":\"text\",\"text\":\"a\"},{\"type\":"
             "\"redacted_thinking\",\"data\":\"genai:gemini:text:0:EF==\"},"
             "{\"type\":\"redacted_thinking\",\"data\":"
             "\"genai:responses:sealed:4:rs_1GH==\"}"
             ENDS("tool_use", "\"input_tokens\":10,\"output_tokens\":5"),
             "signatures of others");
}


static void
test_ends(void)
{
    /* usage before the finish, twice; a second finish; text behind it all */

    begin();
    start();
    used(10, -1, 1);
    say(GENAI_EVENT_TEXT, 0, "a");
    used(10, -1, 2);
    finish(GENAI_FINISH_STOP, "stop_sequence");
    finish(GENAI_FINISH_LENGTH, "length");
    used(10, -1, 3);
    say(GENAI_EVENT_TEXT, 0, "b");
    used(10, -1, 4);
    end(GENAI_END_DONE);
    stream_is(NULL, "\ntext 0 0 a\nfinish 0 0 1\nusage 0 0 10 -1 3 -1 13"
              "\nend 0 0 ", "usage all the time");
    ok(strstr(enc.bytes.data, "\"stop_reason\":\"stop_sequence\"") != NULL,
       "its own words stay");

    begin();
    say(GENAI_EVENT_TEXT, 0, "a");
    end(GENAI_END_CUT);
    stream_is(NULL, "\ntext 0 0 a\nend 0 0 ", "cut");
    ok(strstr(enc.bytes.data, "content_block_stop") != NULL
       && strstr(enc.bytes.data, "message_stop") == NULL,
       "the block is closed, the message is not");

    begin();
    say(GENAI_EVENT_TEXT, 0, "a");
    say(GENAI_EVENT_ERROR, 0, "no");
    end(GENAI_END_DONE);
    stream_is(NULL, "\ntext 0 0 a\nerror 0 0 no<><api_error>0\nend 0 0 ",
              "an error");
    whole_is("{\"type\":\"error\",\"error\":{\"type\":\"api_error\","
             "\"message\":\"no\"}}", "an error");

    begin();
    say(GENAI_EVENT_ERROR, 0, "no");
    end(GENAI_END_CUT);
    stream_is("event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":"
              "\"api_error\",\"message\":\"no\"}}\n\n",
              "\nerror 0 0 no<><api_error>0\nend 0 0 ", "an error first");

    begin();
    say(GENAI_EVENT_TEXT, 0, "a");
    finish(GENAI_FINISH_ERROR, "error");
    used(1, -1, 1);
    end(GENAI_END_DONE);
    stream_is(NULL, "\ntext 0 0 a\nerror 0 0 The provider gave up its answer"
              "<><api_error>0\nend 0 0 ", "a finish that is none");

    begin();
    say(GENAI_EVENT_TEXT, 0, "a");
    finish(GENAI_FINISH_OTHER, "pause_turn");
    end(GENAI_END_DONE);
    stream_is(NULL, "\ntext 0 0 a\nfinish 0 0 pause_turn"
              "\nusage 0 0 25 -1 0 -1 25\nend 0 0 ", "a word of its own");

    begin();
    end(GENAI_END_DONE);
    stream_is("", "\nend 0 0 ", "nothing");
}


static void
test_pieces(void)
{
    unsigned        i;
    const char     *p;
    genai_event_t   e;
    char            text[300], large[2502];

    memset(text, 'x', sizeof(text));
    memset(&e, 0, sizeof(e));

    e.type = GENAI_EVENT_TEXT;
    e.text.data = (unsigned char *) text;
    e.text.len = sizeof(text);
    e.first = 1;

    begin();

    for (i = 0; i < 10; i++) {
        tell(&e);
        e.first = 0;
    }

    e.text.len = 0;
    e.last = 1;
    tell(&e);

    e.type = GENAI_EVENT_SIGNATURE;
    e.field = GENAI_FIELD_OF_THOUGHT;
    e.name = (genai_str_t) genai_str("anthropic");
    e.text.len = sizeof(text);
    e.first = 1;
    e.last = 0;

    for (i = 0; i < 10; i++) {
        tell(&e);
        e.first = 0;
    }

    finish(GENAI_FINISH_STOP, "stop");
    end(GENAI_END_DONE);

    ok(order(enc.bytes.data) == NULL, "pieces: in order");

    for (i = 0, p = enc.bytes.data; (p = strstr(p, "text_delta")); p++) {
        i++;
    }

    ok(i == 3, "text in %u deltas", i);

    for (i = 0, p = enc.bytes.data; (p = strstr(p, "signature_delta")); p++) {
        i++;
    }

    ok(i == 1, "a signature in %u", i);

    /* of what was kept, at the ends of characters */

    large[0] = '{';

    for (i = 1; i < 2500; i += 2) {
        memcpy(large + i, "\xc3\xa4", 2);
    }

    large[i] = '\0';

    begin();
    genai_anthropic_stream_keep(&enc.stream, 2501, take, NULL);
    call(0, "t", "", 1);
    say(GENAI_EVENT_ARGUMENTS, 0, large);
    call(0, "t", "f", 0);
    end(GENAI_END_DONE);

    for (i = 0, p = enc.bytes.data; (p = strstr(p, "input_json_delta")); p++) {
        i++;
    }

    ok(i == 3 && strstr(enc.bytes.data, "\xef\xbf\xbd") == NULL,
       "arguments in %u", i);
    genai_anthropic_stream_free(&enc.stream);
}


int
main(void)
{
    test_text();
    test_blocks();
    test_calls();
    test_signatures();
    test_ends();
    test_pieces();

    ok(sizeof(encode_stream_t) < 512, "an encoder has %lu bytes",
       (unsigned long) sizeof(encode_stream_t));

    genai_whole_free(&enc.whole);
    free(enc.bytes.data);
    free(enc.json.data);

    return done_testing();
}
