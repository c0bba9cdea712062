/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Gemini's answers, encoded: as a stream and as a whole, of events as
 * other dialects tell them; and what is encoded, decoded again.
 */


#define ANSWER_GEMINI  1

#include "tap.h"
#include "answer.h"


typedef struct {
    encode_stream_t  stream;
    encode_stream_t  array;
    genai_whole_t    whole;
    answer_buf_t     bytes;
    answer_buf_t     elements;      /* of the array, */
    int              closed;        /* which has an end */
    answer_buf_t     json;
} encoded_t;


static encoded_t            enc;
static genai_answer_head_t  head = {
    genai_str("r"), genai_str("m"), 1700000000, 0, 1, 25
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
    enc.closed = 0;
    enc.bytes.len = 0;
    enc.elements.len = 0;
    enc.json.len = 0;

    encode_init(&enc.stream, &head, put, &enc.bytes);
    encode_init(&enc.array, &head, put, &enc.elements);
    genai_gemini_stream_array(&enc.array);
    genai_whole_init(&enc.whole, &head, 1 << 20, take, NULL);
}


static void
tell(genai_event_t *e)
{
    quiet_ok(encode_one(&enc.stream, e) == 0
             && encode_one(&enc.array, e) == 0
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
    enc.closed |= (how != GENAI_END_CUT);
    tell(&e);

    answer_put(&enc.bytes, "", 0);
    answer_put(&enc.json, "", 0);
}


/* the same events are an array's elements; half a call is the last of them */

static void
array_is(const char *what)
{
    char  *p, *next, *want, *w;

    answer_put(&enc.bytes, "", 0);
    answer_put(&enc.elements, "", 0);

    want = w = malloc(enc.bytes.len + 3);
    p = (char *) enc.bytes.data;

    for (w = want; *p; p = next + 2) {

        next = strstr(p, "\n\n");
        w += sprintf(w, "%s%.*s", (w == want) ? "[" : ",\n",
                     (int) (next - p - 6), p + 6);

        if (next[-1] != '}') {
            break;
        }
    }

    if (*p == '\0' && enc.closed) {
        strcpy(w, "]");
    }

    is_str((char *) enc.elements.data, want, "%s: as an array", what);
    free(want);
}


/* the stream's bytes, and what is kept when they are decoded */

static void
stream_is(const char *bytes, const char *kept, const char *what)
{
    answer_told_t         t;
    genai_answer_opts_t   opts = { .stream = 1, .choices = 1 };

    if (bytes) {
        is_str(enc.bytes.data, bytes, "%s: the bytes", what);
    }

    array_is(what);

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


#define TAIL  "\"modelVersion\":\"m\",\"responseId\":\"r\"}"
#define PART(part)  "data: {\"candidates\":[{\"content\":{\"parts\":[{" part   \
    "}],\"role\":\"model\"},\"index\":0}]," TAIL "\n\n"
#define ENDS(why, usage)  "data: {\"candidates\":[{\"content\":{\"parts\":[{"  \
    "\"text\":\"\"}],\"role\":\"model\"},\"finishReason\":\"" why "\","        \
    "\"index\":0}]," usage TAIL "\n\n"
#define USAGE(u)  "\"usageMetadata\":{" u "},"
#define WHOLE(parts, why, usage)  "{\"candidates\":[{\"content\":{\"parts\":[" \
    parts "],\"role\":\"model\"},\"finishReason\":\"" why "\",\"index\":0}],"  \
    usage TAIL


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

    /* 38: cached tokens are a part of the prompt */

    stream_is(PART("\"text\":\"Hel\"") PART("\"text\":\"lo \\\"\\n\"")
              ENDS("STOP", USAGE("\"promptTokenCount\":100,"
                   "\"cachedContentTokenCount\":60,"
                   "\"candidatesTokenCount\":5,\"totalTokenCount\":105")),
              "\ntext 0 0 Hello \"\n\nfinish 0 0 1\nusage 0 0 100 60 5 -1 105"
              "\nend 0 0 ", "a text");
    whole_is(WHOLE("{\"text\":\"Hello \\\"\\n\"}", "STOP",
                   USAGE("\"promptTokenCount\":100,"
                   "\"cachedContentTokenCount\":60,"
                   "\"candidatesTokenCount\":5,\"totalTokenCount\":105")),
             "a text");

    begin();
    say(GENAI_EVENT_TEXT, 0, "a");
    end(GENAI_END_CUT);
    stream_is(PART("\"text\":\"a\""), "\ntext 0 0 a\nend 0 0 ", "cut");

    begin();
    say(GENAI_EVENT_REFUSAL, 0, "no");
    finish(GENAI_FINISH_STOP, "stop");
    end(GENAI_END_CLEAN);
    stream_is(PART("\"text\":\"no\"") ENDS("SAFETY", ""),
              "\ntext 0 0 no\nfinish 0 0 4\nend 0 0 ", "a refusal");

    begin();
    used(10, -1, 0);
    finish(GENAI_FINISH_LENGTH, "max_tokens");
    end(GENAI_END_DONE);
    stream_is(ENDS("MAX_TOKENS", USAGE("\"promptTokenCount\":10,"
                   "\"candidatesTokenCount\":0,\"totalTokenCount\":10")),
              "\nfinish 0 0 2\nusage 0 0 10 -1 0 -1 10\nend 0 0 ",
              "MAX_TOKENS with no content");
}


static void
test_finish(void)
{
    size_t        i;
    char          want[64];

    static const struct {
        genai_finish_e   why;
        const char      *word;
        const char      *reason;
    } ends[] = {
        { GENAI_FINISH_STOP, "end_turn", "STOP" },
        { GENAI_FINISH_TOOL, "tool_calls", "STOP" },
        { GENAI_FINISH_LENGTH, "length", "MAX_TOKENS" },
        { GENAI_FINISH_FILTER, "content_filter", "SAFETY" },
        { GENAI_FINISH_FILTER, "RECITATION", "RECITATION" },
        { GENAI_FINISH_ERROR, "MALFORMED_FUNCTION_CALL",
          "MALFORMED_FUNCTION_CALL" },
        { GENAI_FINISH_ERROR, "error", "OTHER" },
        { GENAI_FINISH_OTHER, "pause_turn", "OTHER" }
    };

    for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        begin();
        finish(ends[i].why, ends[i].word);
        end(GENAI_END_DONE);

        (void) encode_whole(&enc.whole, put, &enc.json);
        answer_put(&enc.json, "", 0);
        snprintf(want, sizeof(want), "\"finishReason\":\"%s\"",
                 ends[i].reason);
        ok(strstr(enc.bytes.data, want) && strstr(enc.json.data, want),
           "%s is %s", ends[i].word, ends[i].reason);
    }
}


static void
test_tools(void)
{
    char  *args, *want;

    /* 52: arguments in pieces become whole */

    begin();
    call(0, "i", "f", 1);
    say(GENAI_EVENT_ARGUMENTS, 0, "{\"x\":\r\n ");
    say(GENAI_EVENT_ARGUMENTS, 0, "[1, 2]}\n");
    call(1, "", "g", 1);
    call(1, "j", "", 0);
    sign(1, GENAI_FIELD_OF_CALL, "gemini", "", "no arguments yet");
    call(2, "k", "h", 1);
    say(GENAI_EVENT_ARGUMENTS, 2, "{}");
    sign(2, GENAI_FIELD_OF_CALL, "gemini", "", "c2ln");
    call(3, "", "", 1);
    say(GENAI_EVENT_ARGUMENTS, 3, "{\"x\":\"tr");
    finish(GENAI_FINISH_TOOL, "tool_calls");
    end(GENAI_END_DONE);

    stream_is(PART("\"functionCall\":{\"id\":\"i\",\"name\":\"f\",\"args\":"
                   "{\"x\":   [1, 2]} }")
              PART("\"functionCall\":{\"id\":\"j\",\"name\":\"g\",\"args\":"
                   "{}}")
              PART("\"text\":\"\",\"thoughtSignature\":\"no arguments yet\"")
              PART("\"functionCall\":{\"id\":\"k\",\"name\":\"h\",\"args\":"
                   "{}},\"thoughtSignature\":\"c2ln\"")
              PART("\"functionCall\":{\"name\":\"\",\"args\":{}}")
              ENDS("STOP", ""),
              "\ntool 0 0 <i><f>1\narguments 0 0 {\"x\":   [1, 2]}"
              "\ntool 0 1 <j><g>1\narguments 0 1 {}"
              "\nsignature 0 0 9 no arguments yet"
              "\ntool 0 2 <k><h>1\narguments 0 2 {}\nsignature 0 2 8 c2ln"
              "\ntool 0 3 <call_d7202d0393803931><>1\narguments 0 3 {}"
              "\nfinish 0 0 3\nend 0 0 ", "calls");
    whole_is(WHOLE("{\"functionCall\":{\"id\":\"i\",\"name\":\"f\",\"args\":"
                   "{\"x\":\r\n [1, 2]}\n}},"
                   "{\"functionCall\":{\"id\":\"j\",\"name\":\"g\",\"args\":"
                   "{}},\"thoughtSignature\":\"no arguments yet\"},"
                   "{\"functionCall\":{\"id\":\"k\",\"name\":\"h\",\"args\":"
                   "{}},\"thoughtSignature\":\"c2ln\"},"
                   "{\"functionCall\":{\"name\":\"\",\"args\":{}}}", "STOP",
                   ""), "calls");

    /* longer than what is gathered */

    args = malloc(40000);
    want = malloc(41000);

    memset(args, 'a', 39000);
    memcpy(args, "{\"x\":\"", 6);
    strcpy(args + 39000, "\"\n}");

    begin();
    call(0, "i", "f", 1);
    say(GENAI_EVENT_ARGUMENTS, 0, "{");
    say(GENAI_EVENT_ARGUMENTS, 0, args + 1);
    sign(0, GENAI_FIELD_OF_CALL, "gemini", "", "c2ln");
    finish(GENAI_FINISH_TOOL, "tool_calls");
    end(GENAI_END_DONE);

    args[39001] = ' ';
    sprintf(want, "\ntool 0 0 <i><f>1\narguments 0 0 %s\nsignature 0 0 8 c2ln"
            "\nfinish 0 0 3\nend 0 0 ", args);
    stream_is(NULL, want, "long arguments");

    begin();
    call(0, "i", "f", 1);
    args[39000] = '\n';
    say(GENAI_EVENT_ARGUMENTS, 0, args);
    finish(GENAI_FINISH_TOOL, "tool_calls");
    end(GENAI_END_DONE);
    ok(strstr(enc.bytes.data, "\n\ndata: {\"error\":{\"code\":500,") != NULL,
       "long arguments that are no JSON are an error");

    begin();
    call(0, "i", "f", 1);
    args[39000] = 'a';
    say(GENAI_EVENT_ARGUMENTS, 0, args);
    end(GENAI_END_CUT);
    ok(strstr(enc.bytes.data, "\n\ndata: {\"error\":{\"code\":500,") != NULL,
       "so are those that were cut");

    begin();
    call(0, "i", "f", 1);
    call(1, "j", "g", 1);
    say(GENAI_EVENT_ARGUMENTS, 0, "{}");
    end(GENAI_END_DONE);
    ok(strstr(enc.bytes.data, "by turns") != NULL, "two calls by turns");

    free(args);
    free(want);
}


static void
test_thoughts(void)
{
    begin();
    say(GENAI_EVENT_REASONING, 0, "hm");
    sign(0, GENAI_FIELD_OF_THOUGHT, "gemini", "", "c2ln");
    sign(1, GENAI_FIELD_SEALED, "anthropic", "", "data");
    say(GENAI_EVENT_TEXT, 0, "a");
    sign(0, GENAI_FIELD_OF_TEXT, "gemini", "", "eA==");
    finish(GENAI_FINISH_STOP, "STOP");
    end(GENAI_END_DONE);

    stream_is(PART("\"thought\":true,\"text\":\"hm\"")
              PART("\"text\":\"\",\"thought\":true,\"thoughtSignature\":"
                   "\"c2ln\"")
              PART("\"text\":\"\",\"thought\":true,\"thoughtSignature\":"
                   "\"Z2VuYWk6YW50aHJvcGljOnNlYWxlZDowOmRhdGE=\"")
              PART("\"text\":\"a\"")
              PART("\"text\":\"\",\"thoughtSignature\":\"eA==\"")
              ENDS("STOP", ""),
              "\nreasoning 0 0 hm\nsignature 0 0 10 c2ln"
              "\nsignature 0 1 10 Z2VuYWk6YW50aHJvcGljOnNlYWxlZDowOmRhdGE="
              "\ntext 0 0 a\nsignature 0 0 9 eA==\nfinish 0 0 1\nend 0 0 ",
              "thoughts and signatures");
    whole_is(WHOLE("{\"text\":\"hm\",\"thought\":true,\"thoughtSignature\":"
                   "\"c2ln\"},{\"text\":\"\",\"thought\":true,"
                   "\"thoughtSignature\":"
                   "\"Z2VuYWk6YW50aHJvcGljOnNlYWxlZDowOmRhdGE=\"},"
                   "{\"text\":\"a\",\"thoughtSignature\":\"eA==\"}", "STOP",
                   ""), "thoughts and signatures");
}


static void
failure(const char *message, const char *type, const char *code)
{
    genai_event_t  e;

    memset(&e, 0, sizeof(e));

    e.type = GENAI_EVENT_ERROR;
    e.text.data = (unsigned char *) message;
    e.text.len = strlen(message);
    e.name.data = (unsigned char *) type;
    e.name.len = strlen(type);
    e.id.data = (unsigned char *) code;
    e.id.len = strlen(code);

    enc.closed = 1;
    tell(&e);
}


static void
test_errors(void)
{
    begin();
    say(GENAI_EVENT_TEXT, 0, "a");
    failure("slow down", "rate_limit_error", "");
    say(GENAI_EVENT_TEXT, 0, "b");
    end(GENAI_END_CUT);

    stream_is(PART("\"text\":\"a\"")
              "data: {\"error\":{\"code\":429,\"message\":\"slow down\","
              "\"status\":\"RESOURCE_EXHAUSTED\"}}\n\n",
              "\ntext 0 0 a\nerror 0 0 slow down<429><RESOURCE_EXHAUSTED>0"
              "\nend 0 0 ", "an error");
    whole_is("{\"error\":{\"code\":429,\"message\":\"slow down\",\"status\":"
             "\"RESOURCE_EXHAUSTED\"}}", "an error");

    begin();
    failure("no", "", "503");
    end(GENAI_END_CUT);
    whole_is("{\"error\":{\"code\":503,\"message\":\"no\",\"status\":"
             "\"UNAVAILABLE\"}}", "an error's number");
}


int
main(void)
{
    memset(&enc, 0, sizeof(enc));

    test_text();
    test_finish();
    test_tools();
    test_thoughts();
    test_errors();

    begin();
    end(GENAI_END_CLEAN);
    answer_put(&enc.elements, "", 0);
    is_str((char *) enc.elements.data, "[]", "an array of nothing");

    genai_whole_free(&enc.whole);
    free(enc.bytes.data);
    free(enc.elements.data);
    free(enc.json.data);

    return done_testing();
}
