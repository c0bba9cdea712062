/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The encoders of the Responses API: the life cycle of a stream is checked,
 * event by event, by a reader that believes nothing; what is decoded again
 * must say the same; and a JSON answer, too.
 */


#include "tap.h"
#include "genai_responses_answer.h"
#include "genai_responses_encode.h"

#define ANSWER_T     genai_responses_answer_t
#define ANSWER_INIT  genai_responses_answer_init

#include "answer.h"

#include <glob.h>
#include <jansson.h>


static answer_told_t             one, two;
static size_t                    memory;
static genai_responses_stream_t  stream;
static genai_whole_t             whole;
static answer_buf_t              bytes, json;
static genai_answer_head_t       head = {
    genai_str("resp_1"), genai_str("m\"1"), 1700000000, 0, 1, -1
};


static int
put(void *ctx, const unsigned char *p, size_t n)
{
    answer_put(ctx, p, n);

    return 0;
}


static void *
get(void *ctx, void *p, size_t old, size_t size)
{
    memory += size - old;

    if (size == 0) {
        free(p);
        return NULL;
    }

    return realloc(p, size);
}


static void
begin(void)
{
    bytes.len = 0;
    json.len = 0;
    answer_put(&bytes, "", 0);
    answer_put(&json, "", 0);

    genai_responses_stream_init(&stream, &head, put, &bytes);
    genai_responses_stream_keep(&stream, 1 << 20, get, NULL);
    genai_whole_init(&whole, &head, 1 << 20, get, NULL);
}


static void
finish(void)
{
    genai_responses_stream_free(&stream);
    genai_whole_free(&whole);
}


static int
encode(void *ctx, genai_event_t *e)
{
    (void) genai_whole_event(&whole, e);

    return genai_responses_stream_event(&stream, e);
}


static int
say(genai_event_e type, unsigned block, const char *text, const char *id,
    const char *name)
{
    genai_event_t  e;

    memset(&e, 0, sizeof(e));
    e.type = type;
    e.block = block;
    e.text.data = (unsigned char *) text;
    e.text.len = strlen(text);
    e.id.data = (unsigned char *) id;
    e.id.len = strlen(id);
    e.name.data = (unsigned char *) name;
    e.name.len = strlen(name);
    e.first = 1;
    e.last = 1;
    e.end_how = GENAI_END_DONE;
    e.finish = GENAI_FINISH_STOP;

    return encode(NULL, &e);
}


static int
sign(genai_field_e field, unsigned block, const char *maker,
    const char *text)
{
    genai_event_t  e;

    memset(&e, 0, sizeof(e));
    e.type = GENAI_EVENT_SIGNATURE;
    e.field = field;
    e.block = block;
    e.text.data = (unsigned char *) text;
    e.text.len = strlen(text);
    e.name.data = (unsigned char *) maker;
    e.name.len = strlen(maker);
    e.first = 1;
    e.last = 1;

    return encode(NULL, &e);
}


/* reads a stream as a client would that takes every rule for granted */

typedef struct {
    json_t  *items;         /* as they were when they were done */
    json_t  *open;          /* objects: added, text, part, parts */
    int      sequence;
    int      state;         /* 0, created, in progress, ended */
} life_t;


static const char *
string(const json_t *o, const char *name)
{
    const char  *s;

    s = json_string_value(json_object_get(o, name));

    return s ? s : "(none)";
}


static int
integer(const json_t *o, const char *name)
{
    json_t  *n;

    n = json_object_get(o, name);

    return json_is_integer(n) ? (int) json_integer_value(n) : -1;
}


static int
ends(const char *s, const char *with)
{
    return strlen(s) >= strlen(with)
           && strcmp(s + strlen(s) - strlen(with), with) == 0;
}


static void
append(json_t *o, const char *name, const char *text)
{
    char        *s;
    const char  *old;

    old = json_string_value(json_object_get(o, name));
    old = old ? old : "";
    s = malloc(strlen(old) + strlen(text) + 1);
    strcpy(s, old);
    strcat(s, text);
    json_object_set_new(o, name, json_string(s));
    free(s);
}


/* what is wrong with an event, or NULL */

static const char *
life_event(life_t *l, const char *name, json_t *e)
{
    size_t       i;
    json_t      *o, *item, *response, *part, *all;
    const char  *type, *kind, *text;

    type = string(e, "type");

    if (strcmp(name, type) != 0) {
        return "the event's name is not its type";
    }

    if (integer(e, "sequence_number") != l->sequence++) {
        return "sequence_number";
    }

    response = json_object_get(e, "response");

    if (l->state < 2) {

        if (strcmp(type, l->state ? "response.in_progress"
                                  : "response.created") != 0
            || strcmp(string(response, "status"), "in_progress") != 0
            || strcmp(string(response, "id"), "resp_1") != 0
            || strcmp(string(response, "model"), "m\"1") != 0
            || json_array_size(json_object_get(response, "output")) != 0
            || !json_is_array(json_object_get(response, "tools")))
        {
            return "the beginning";
        }

        l->state++;
        return NULL;
    }

    if (l->state > 2) {
        return "an event behind the last";
    }

    if (response) {
        l->state = 3;
        kind = string(response, "status");

        if (strncmp(type, "response.", 9) != 0
            || strcmp(type + 9, kind) != 0
            || strcmp(string(response, "id"), "resp_1") != 0)
        {
            return "the last event";
        }

        if (json_object_size(l->open) != 0) {
            return "items are open at the end";
        }

        if ((strcmp(kind, "incomplete") == 0)
            != json_is_object(json_object_get(response, "incomplete_details"))
            || (strcmp(kind, "failed") == 0)
            != json_is_object(json_object_get(response, "error")))
        {
            return "why it has ended";
        }

        all = json_object_get(response, "output");

        for (i = 0; i < json_array_size(all); i++) {
            o = json_array_get(l->items, i);

            if (o == NULL || !json_equal(o, json_array_get(all, i))) {
                return "the output is not what was said";
            }
        }

        return (json_array_size(all) == json_array_size(l->items))
               ? NULL : "the output is not all that was said";
    }

    {
        char  index[16];

        snprintf(index, sizeof(index), "%d", integer(e, "output_index"));
        o = json_object_get(l->open, index);

        if (strcmp(type, "response.output_item.added") == 0) {
            item = json_object_get(e, "item");

            if (o || json_array_get(l->items, integer(e, "output_index"))
                     != json_null() || integer(e, "output_index") < 0)
            {
                /* not told before, and those before it have been told */

                if (o || integer(e, "output_index")
                         != (int) json_array_size(l->items))
                {
                    return "output_index";
                }
            }

            kind = string(item, "type");

            if (strcmp(kind, "message") == 0
                && (json_array_size(json_object_get(item, "content")) != 0
                    || strcmp(string(item, "role"), "assistant") != 0))
            {
                return "a message";
            }

            if (strstr(kind, "_call")
                && (strcmp(string(item, "name"), "(none)") == 0
                    || strlen(string(item, "call_id")) == 0
                    || (strcmp(string(item, "arguments"), "") != 0
                        && strcmp(string(item, "input"), "") != 0)))
            {
                return "a call";
            }

            json_array_append_new(l->items, json_null());
            json_object_set_new(l->open, index,
                                json_pack("{s:O,s:s,s:i}", "added", item,
                                          "text", "", "parts", 0));
            return NULL;
        }

        if (o == NULL) {
            return "an item that is not open";
        }

        item = json_object_get(o, "added");

        if (strcmp(type, "response.output_item.done") == 0) {
            all = json_object_get(e, "item");

            if (strcmp(string(all, "id"), string(item, "id")) != 0
                || strcmp(string(all, "type"), string(item, "type")) != 0)
            {
                return "an id that changes";
            }

            if (json_object_get(o, "part")) {
                return "a part is open";
            }

            kind = string(all, "type");
            part = json_object_get(all, strcmp(kind, "message") == 0
                                        ? "content" : "summary");

            if (json_is_array(part)
                && (int) json_array_size(part) != integer(o, "parts"))
            {
                return "the parts are not what was said";
            }

            if (strstr(kind, "_call")
                && strcmp(string(all, strcmp(kind, "function_call") == 0
                                      ? "arguments" : "input"),
                          string(o, "text")) != 0)
            {
                return "the arguments are not what was said";
            }

            json_array_set(l->items, integer(e, "output_index"), all);
            json_object_del(l->open, index);

            return NULL;
        }

        if (strcmp(string(e, "item_id"), string(item, "id")) != 0) {
            return "item_id";
        }

        kind = string(item, "type");

        if (ends(type, "_part.added")) {

            if (json_object_get(o, "part")) {
                return "two parts at once";
            }

            if ((strcmp(type, "response.content_part.added") == 0
                 ? integer(e, "content_index") : integer(e, "summary_index"))
                != integer(o, "parts"))
            {
                return "the index of a part";
            }

            json_object_set(o, "part", json_object_get(e, "part"));
            json_object_set_new(o, "text", json_string(""));
            json_object_set_new(o, "parts",
                                json_integer(integer(o, "parts") + 1));
            return NULL;
        }

        if (strcmp(kind, "message") == 0 || strcmp(kind, "reasoning") == 0) {
            part = json_object_get(o, "part");

            if (part == NULL) {
                return "no part is open";
            }

            kind = string(part, "type");
            kind = (strcmp(kind, "output_text") == 0) ? "response.output_text"
                   : (strcmp(kind, "refusal") == 0) ? "response.refusal"
                   : "response.reasoning_summary_text";

        } else {
            kind = (strcmp(kind, "function_call") == 0)
                   ? "response.function_call_arguments"
                   : "response.custom_tool_call_input";
        }

        if (ends(type, "_part.done")) {
            part = json_object_get(e, "part");
            text = json_object_get(part, "refusal") ? string(part, "refusal")
                                                    : string(part, "text");

            if (strcmp(text, string(o, "text")) != 0
                || !json_object_get(o, "said"))
            {
                return "a part is not what was said";
            }

            json_object_del(o, "part");
            json_object_del(o, "said");

            return NULL;
        }

        if (strncmp(type, kind, strlen(kind)) != 0) {
            return "a delta of another kind";
        }

        if (ends(type, ".delta")) {
            append(o, "text", string(e, "delta"));
            return NULL;
        }

        if (ends(type, ".done")) {
            text = json_object_get(e, "text") ? string(e, "text")
                   : json_object_get(e, "refusal") ? string(e, "refusal")
                   : json_object_get(e, "arguments") ? string(e, "arguments")
                   : string(e, "input");
            json_object_set_new(o, "said", json_true());

            return (strcmp(text, string(o, "text")) == 0)
                   ? NULL : "a text is not what was said";
        }
    }

    return "an event that is not known";
}


/* what is wrong with a stream, or NULL; ended: it must have */

static const char *
life(const char *p, unsigned ended)
{
    char          name[128];
    life_t        l;
    json_t       *e;
    const char   *data, *end, *wrong;

    memset(&l, 0, sizeof(l));
    l.items = json_array();
    l.open = json_object();
    wrong = NULL;

    while (*p && wrong == NULL) {

        data = strchr(p, '\n');
        end = strstr(p, "\n\n");

        if (strncmp(p, "event: ", 7) != 0 || data == NULL || end == NULL
            || strncmp(data + 1, "data: ", 6) != 0)
        {
            wrong = "the framing";
            break;
        }

        snprintf(name, sizeof(name), "%.*s", (int) (data - p - 7), p + 7);
        e = json_loadb(data + 7, end - data - 7, JSON_REJECT_DUPLICATES,
                       NULL);

        wrong = e ? life_event(&l, name, e) : "an event is no JSON";
        json_decref(e);

        if (wrong) {
            diag("%.*s", (int) (end - p), p);
        }

        p = end + 2;
    }

    if (wrong == NULL && ended && l.state != 3) {
        wrong = "it has not ended";
    }

    json_decref(l.items);
    json_decref(l.open);

    return wrong;
}


/* what is kept of what was encoded, up to how it ended */

static const char *
again(unsigned is_stream)
{
    answer_buf_t        *b;
    genai_answer_opts_t  opts = { .stream = is_stream, .choices = 1 };

    b = is_stream ? &bytes : &json;

    answer_reset(&two);
    (void) answer_decode(&two, (unsigned char *) b->data, b->len, &opts, 0);

    return strstr(two.log.data, "\nbroken") ? "broken" : two.short_log.data;
}


static void
good(unsigned ended, const char *want, const char *what)
{
    const char  *wrong;

    wrong = life(bytes.data, ended);
    is_str(wrong ? wrong : "", "", "%s: its life cycle", what);
    is_str(again(1), want, "%s: decoded again", what);

    if (genai_whole_error(&whole) == NULL) {
        is_int(genai_responses_whole_write(&whole, put, &json), 0,
               "%s: as a whole", what);
        quiet_ok(strcmp(again(0), "broken") != 0, "%s: whole is broken: %s",
                 what, json.data);
    }

    finish();
}


static void
test_lives(void)
{
    begin();
    (void) say(GENAI_EVENT_START, 0, "", "x", "y");
    (void) say(GENAI_EVENT_TEXT, 0, "Hel", "", "");
    (void) say(GENAI_EVENT_TEXT, 0, "lo\n\"", "", "");
    (void) say(GENAI_EVENT_FINISH, 0, "stop", "", "");
    (void) say(GENAI_EVENT_END, 0, "", "", "");
    good(1, "\ntext 0 0 Hello\n\"\nfinish 0 0 1\nend 0 0 ", "a text");
    is_str(again(0), "\ntext 0 0 Hello\n\"\nfinish 0 0 1\nend 0 0 ",
           "and as a whole");
    ok(strstr(bytes.data, "\"item_id\":\"msg_1_0\"") != NULL,
       "ids are made of that of the response");

    begin();
    (void) say(GENAI_EVENT_REASONING, 0, "hm", "", "");
    (void) sign(GENAI_FIELD_SEALED, 0, "responses", "c2Vh");
    (void) say(GENAI_EVENT_TEXT, 0, "I do", "", "");
    (void) say(GENAI_EVENT_TOOL, 0, "", "c0", "f");
    (void) say(GENAI_EVENT_ARGUMENTS, 0, "{}", "", "");
    (void) say(GENAI_EVENT_TOOL, 1, "", "c1", "g");
    (void) say(GENAI_EVENT_FINISH, 0, "stop", "", "");
    (void) say(GENAI_EVENT_END, 0, "", "", "");
    good(1, "\nreasoning 0 0 hm\nsignature 0 0 11 c2Vh\ntext 0 0 I do"
         "\ntool 0 0 <c0><f>1\narguments 0 0 {}\ntool 0 1 <c1><g>1"
         "\nfinish 0 0 3\nend 0 0 ", "a thought, a text and two calls");
    is_str(again(0), "\nreasoning 0 0 hm\nsignature 0 0 11 c2Vh\ntext 0 0 I do"
           "\ntool 0 0 <c0><f>1\narguments 0 0 {}\ntool 0 1 <c1><g>1"
           "\nfinish 0 0 3\nend 0 0 ", "and as a whole");

    begin();
    (void) say(GENAI_EVENT_TOOL, 0, "", "a", "f");
    (void) say(GENAI_EVENT_TOOL, 1, "", "b", "g");
    (void) say(GENAI_EVENT_ARGUMENTS, 1, "{1", "", "");
    (void) say(GENAI_EVENT_ARGUMENTS, 0, "{0", "", "");
    (void) say(GENAI_EVENT_ARGUMENTS, 1, "}", "", "");
    (void) say(GENAI_EVENT_ARGUMENTS, 0, "}", "", "");
    (void) say(GENAI_EVENT_END, 0, "", "", "");
    good(1, "\ntool 0 0 <a><f>1\ntool 0 1 <b><g>1\narguments 0 1 {1"
         "\narguments 0 0 {0\narguments 0 1 }\narguments 0 0 }"
         "\nfinish 0 0 3\nend 0 0 ", "calls that are interleaved");

    begin();
    (void) say(GENAI_EVENT_TOOL, 0, "", "", "");
    (void) say(GENAI_EVENT_ARGUMENTS, 0, "{\"a\":", "", "");
    (void) say(GENAI_EVENT_TOOL, 0, "", "late", "f");
    (void) say(GENAI_EVENT_ARGUMENTS, 0, "1}", "", "");
    (void) say(GENAI_EVENT_TOOL, 1, "", "", "noid");
    (void) say(GENAI_EVENT_END, 0, "", "", "");
    good(1, "\ntool 0 0 <late><f>1\narguments 0 0 {\"a\":1}"
         "\ntool 0 1 <call_1_1><noid>1\nfinish 0 0 3\nend 0 0 ",
         "a name that comes late, and an id that never does");

    begin();
    (void) say(GENAI_EVENT_TEXT, 0, "I can", "", "");
    (void) say(GENAI_EVENT_REFUSAL, 0, "not", "", "");
    (void) say(GENAI_EVENT_TEXT, 0, "yet", "", "");
    (void) say(GENAI_EVENT_REASONING, 0, "a", "", "");
    (void) say(GENAI_EVENT_REASONING, 1, "b", "", "");
    (void) say(GENAI_EVENT_END, 0, "", "", "");
    good(1, "\ntext 0 0 I can\nrefusal 0 0 not\ntext 0 0 yet\nreasoning 0 0 a"
         "\nreasoning 0 1 b\nfinish 0 0 1\nend 0 0 ",
         "a text, a refusal, a text and two thoughts");
}


static void
test_signatures(void)
{
    begin();
    (void) say(GENAI_EVENT_REASONING, 0, "hm", "", "");
    (void) sign(GENAI_FIELD_OF_THOUGHT, 0, "anthropic", "sig");
    (void) sign(GENAI_FIELD_SEALED, 1, "anthropic", "red");
    (void) say(GENAI_EVENT_TOOL, 0, "", "c:0", "f");
    (void) say(GENAI_EVENT_TOOL, 1, "", "", "g");
    (void) sign(GENAI_FIELD_OF_CALL, 0, "gemini", "g0");
    (void) sign(GENAI_FIELD_OF_CALL, 1, "gemini", "g1");
    (void) say(GENAI_EVENT_TEXT, 0, "t", "", "");
    (void) sign(GENAI_FIELD_OF_TEXT, 0, "gemini", "gt");
    (void) say(GENAI_EVENT_END, 0, "", "", "");
    good(1, "\nreasoning 0 0 hm\nsignature 0 0 11 genai.anthropic.thought:sig"
         "\nsignature 0 1 11 genai.anthropic.sealed:red\ntool 0 0 <c:0><f>1"
         "\ntool 0 1 <call_1_3><g>1"
         "\nsignature 0 2 11 genai.gemini.call:c:0:g0"
         "\nsignature 0 3 11 genai.gemini.call:call_1_3:g1"
         "\ntext 0 0 t\nsignature 0 4 11 genai.gemini.text:gt"
         "\nfinish 0 0 3\nend 0 0 ", "foreign signatures");
    is_str(again(0), "\nreasoning 0 0 hm"
           "\nsignature 0 0 11 genai.anthropic.thought:sig"
           "\nsignature 0 1 11 genai.anthropic.sealed:red\ntool 0 0 <c:0><f>1"
           "\nsignature 0 2 11 genai.gemini.call:c:0:g0"
           "\ntool 0 1 <call_1_4><g>1"
           "\nsignature 0 3 11 genai.gemini.call:call_1_4:g1"
           "\ntext 0 0 t\nsignature 0 4 11 genai.gemini.text:gt"
           "\nfinish 0 0 3\nend 0 0 ", "and as a whole");
}


static void
test_ends(void)
{
    genai_event_t  e;

    memset(&e, 0, sizeof(e));
    e.type = GENAI_EVENT_FINISH;
    e.finish = GENAI_FINISH_LENGTH;

    begin();
    (void) say(GENAI_EVENT_TEXT, 0, "cut", "", "");
    (void) encode(NULL, &e);
    (void) say(GENAI_EVENT_END, 0, "", "", "");
    good(1, "\ntext 0 0 cut\nfinish 0 0 2\nend 0 0 ", "a length");
    ok(strstr(bytes.data, "\"reason\":\"max_output_tokens\"")
       && strstr(bytes.data, "\"status\":\"incomplete\",\"role\""),
       "says that it is incomplete");

    e.finish = GENAI_FINISH_FILTER;
    begin();
    (void) encode(NULL, &e);
    (void) say(GENAI_EVENT_END, 0, "", "", "");
    good(1, "\nfinish 0 0 4\nend 0 0 ", "a filter");

    e.finish = GENAI_FINISH_ERROR;
    begin();
    (void) encode(NULL, &e);
    (void) say(GENAI_EVENT_END, 0, "", "", "");
    good(1, "\nerror 0 0 the provider gave up its answer<server_error><>0"
         "\nend 0 0 ", "given up");

    begin();
    (void) say(GENAI_EVENT_TEXT, 0, "half", "", "");
    (void) say(GENAI_EVENT_TOOL, 0, "", "c", "f");
    (void) say(GENAI_EVENT_ERROR, 0, "boom", "overloaded", "kind");
    (void) say(GENAI_EVENT_END, 0, "", "", "");
    good(1, "\ntext 0 0 half\ntool 0 0 <c><f>1\nerror 0 0 boom<overloaded><>0"
         "\nend 0 0 ", "an error after output (55)");
    is_int(genai_responses_whole_write(&whole, put, &json), 0, "a whole one");

    begin();
    (void) say(GENAI_EVENT_ERROR, 0, "boom", "code", "kind");
    (void) genai_responses_whole_write(&whole, put, &json);
    is_str(again(0), "\nerror 0 0 boom<code><kind>0\nend 0 0 ",
           "an error is the body of one");
    finish();

    memset(&e, 0, sizeof(e));
    e.type = GENAI_EVENT_END;
    begin();
    (void) say(GENAI_EVENT_TEXT, 0, "half", "", "");
    (void) encode(NULL, &e);
    good(0, "\ntext 0 0 half\nend 0 0 ", "a stream that was cut (57)");

    begin();
    genai_responses_stream_keep(&stream, 100 + 8 * (sizeof(genai_whole_slot_t)
                                + sizeof(genai_responses_output_t)), get, NULL);
    is_int(say(GENAI_EVENT_TEXT, 0, "1234567890123456789012345678901234567890",
               "", ""), 0, "as much as may be kept");
    is_int(say(GENAI_EVENT_TEXT, 0, "1234567890123456789012345678901234567890"
               "123456789012345678901234567890", "", ""), -1,
           "more than may be kept fails");
    is_int(say(GENAI_EVENT_END, 0, "", "", ""), -1, "for good");
    is_int(say(GENAI_EVENT_ERROR, 0, "big", "", ""), 0, "and can be told");
    good(0, "\ntext 0 0 1234567890123456789012345678901234567890"
         "\nerror 0 0 big<server_error><>0\nend 0 0 ", "behind it");

    begin();
    genai_responses_stream_init(&stream, &head, put, &bytes);
    is_int(say(GENAI_EVENT_TEXT, 0, "x", "", ""), -1,
           "nothing is kept without memory");
    finish();

    begin();
    (void) say(GENAI_EVENT_TOOL, 0, "", "c", "f");
    (void) say(GENAI_EVENT_TEXT, 0, "x", "", "");
    is_int(say(GENAI_EVENT_ARGUMENTS, 0, "{}", "", ""), -1,
           "a call that is done does not go on");
    finish();

    is_int(memory, 0, "all memory was given back");
}


static void
test_random(void)
{
    unsigned       i, n, k, ended, dead[8];
    const char    *wrong;
    genai_event_t  e;

    static char  *texts[] = { "", "a", "\xc3\xbc", "\"\\\n", "{\"k\":1}",
                              "genai.x", "\xf0\x9f\x98\x80" };

    for (i = 0; i < 4000; i++) {
        begin();
        memset(dead, 0, sizeof(dead));

        for (n = rand() % 40; n; n--) {
            memset(&e, 0, sizeof(e));
            e.type = GENAI_EVENT_TEXT + rand() % 6;
            e.block = rand() % 4;
            e.text.data = (unsigned char *) texts[rand() % 7];
            e.text.len = strlen((char *) e.text.data);
            e.first = rand() % 2;
            e.last = rand() % 2;
            e.copy = (rand() % 9 == 0);

            if (e.type == GENAI_EVENT_TOOL || e.type == GENAI_EVENT_ARGUMENTS)
            {
                e.field = (e.block == 3) ? GENAI_FIELD_CUSTOM : 0;

                if (e.type == GENAI_EVENT_TOOL && rand() % 3) {
                    e.id = e.text;
                    e.name = e.text;
                }

                e.text.len *= (e.type == GENAI_EVENT_ARGUMENTS);
                dead[e.block] |= 1;

                if (dead[e.block] == 3 && !e.copy) {
                    continue;
                }

            } else if (!e.copy && e.text.len) {
                for (k = 0; k < 4; k++) {
                    dead[k] |= (dead[k] & 1) ? 2 : 0;
                }
            }

            if (e.type == GENAI_EVENT_SIGNATURE) {
                e.field = GENAI_FIELD_OF_CALL + rand() % 4;
                e.name.data = (unsigned char *) "gemini";
                e.name.len = 6;
            }

            if (e.type == GENAI_EVENT_SIGNATURE
                && e.field == GENAI_FIELD_OF_CALL && (dead[e.block] & 2))
            {
                continue;
            }

            if (encode(NULL, &e) != 0) {
                break;
            }
        }

        ended = rand() % 4;

        if (ended) {
            (void) say(ended == 1 ? GENAI_EVENT_ERROR : GENAI_EVENT_FINISH, 0,
                       "x", "", "");
            (void) say(GENAI_EVENT_END, 0, "", "", "");

        } else {
            e.type = GENAI_EVENT_END;
            e.copy = 0;
            e.end_how = GENAI_END_CUT;
            (void) encode(NULL, &e);
        }

        if (stream.rc != 0) {
            finish();
            continue;
        }

        wrong = life(bytes.data, ended);
        quiet_ok(wrong == NULL, "random answer %u: %s", i, wrong);

        if (wrong) {
            finish();
            return;
        }

        finish();
    }

    pass("4,000 random answers");
}


/* recorded answers, encoded and decoded again */

static void
test_recorded(void)
{
    FILE                 *f;
    char                  path[4096];
    size_t                i, len;
    glob_t                found;
    unsigned              bad;
    const char           *dir, *wrong, *end;
    static unsigned char  body[4 << 20];
    genai_answer_opts_t   opts = { .stream = 0, .choices = 1 };

    static genai_responses_answer_t  a;

    dir = getenv("GENAI_FIXTURES");
    snprintf(path, sizeof(path), "%s/*.responses/*.response.*",
             dir ? dir : "/work/shared/data/fixtures");

    if (glob(path, 0, NULL, &found) != 0) {
        pass("skipped: there are no recorded answers at %s", path);
        return;
    }

    for (i = 0, bad = 0; i < found.gl_pathc; i++) {
        f = fopen(found.gl_pathv[i], "rb");
        len = fread(body, 1, sizeof(body), f);
        fclose(f);

        opts.stream = ends(found.gl_pathv[i], ".sse");

        answer_reset(&one);
        (void) answer_decode(&one, body, len, &opts, 0);

        begin();
        genai_responses_answer_init(&a, &opts, encode, NULL);
        (void) genai_answer_feed(&a.base, body, len);
        (void) genai_answer_end(&a.base);

        wrong = life(bytes.data, 1);
        end = strstr(one.short_log.data, "\nerror");
        end = end ? end : strstr(one.short_log.data, "\nend");
        (void) again(1);

        if (wrong == NULL
            && strncmp(one.short_log.data, two.short_log.data,
                       end - one.short_log.data) != 0)
        {
            wrong = two.short_log.data;
        }

        if (wrong) {
            bad++;
            diag("%s: %s", found.gl_pathv[i], wrong);
            diag("%s", one.short_log.data);
        }

        finish();
    }

    is_int(bad, 0, "%lu recorded answers, encoded again",
           (unsigned long) found.gl_pathc);

    globfree(&found);
}


int
main(void)
{
    srand(1);

    test_lives();
    test_signatures();
    test_ends();
    test_random();
    test_recorded();

    answer_free(&one);
    answer_free(&two);
    free(bytes.data);
    free(json.data);

    diag("a decoder has %lu bytes, an encoder %lu",
         (unsigned long) sizeof(genai_responses_answer_t),
         (unsigned long) sizeof(genai_responses_stream_t));

    return done_testing();
}
