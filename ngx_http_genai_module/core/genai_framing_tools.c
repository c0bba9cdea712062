/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Tools, calls, results and schemas, as each family shows them to its models.
 */


#include "genai_framing_int.h"
#include "genai_scan.h"
#include "genai_text.h"


/* calls of a message that are told one by one; bytes of an id that is */
#define GENAI_FRAMING_CALLS_MAX  64
#define GENAI_FRAMING_ID_MAX     256


typedef struct {
    genai_str_t            name;        /* decoded */
    uint32_t               arguments;   /* tape index, or 0 */
} genai_framing_call_t;


static int genai_framing_types(genai_framing_t *f, genai_writer_arena_t *w,
    uint32_t function);
static uint32_t genai_framing_function(const genai_framing_t *f, uint32_t i);
static int genai_framing_list(genai_framing_t *f, genai_framing_call_t *calls,
    uint32_t *n);
static int genai_framing_arguments(genai_framing_t *f,
    const genai_framing_call_t *call, int blanks, genai_str_t *text);
static int genai_framing_openai_calls(genai_framing_t *f,
    const genai_framing_call_t *calls, uint32_t n);
static int genai_framing_each_call(genai_framing_t *f,
    const genai_framing_call_t *call);
static int genai_framing_put(genai_framing_t *f, genai_writer_arena_t *w,
    int32_t times);


/*
 * All tools are one text, which is the same from turn to turn: it grows in
 * f->rendered.
 */

int
genai_framing_tool(genai_framing_t *f)
{
    int                    rc;
    uint32_t               i, function;
    genai_str_t            s;
    genai_writer_arena_t   w;
    const genai_tape_t    *t;

    t = &f->req->tape;
    i = f->tool;
    f->tool = genai_tape_next(t, f->tools, i);

    /* who asks for no call need not show what could be called */

    if (f->choice == GENAI_FRAMING_NO_TOOL
        && (f->family->tools == GENAI_TOOLS_ARRAY
            || f->family->tools == GENAI_TOOLS_LINES))
    {
        return 0;
    }

    function = genai_framing_function(f, i);

    w.arena = f->arena;
    w.text = f->rendered;
    w.room = f->rendered_room;

    f->ntools++;
    rc = 0;

    if (function == 0 || t->entries[i].len > GENAI_FRAMING_LARGE) {

        f->estimated |= GENAI_FRAMING_TOOLS;
        s = genai_tape_view(t, i);
        rc = genai_writer_arena(&w, s.data, s.len);

    } else {

        genai_framing_doubt(f, GENAI_FRAMING_TOOLS);

        switch (f->family->tools) {

        case GENAI_TOOLS_TYPES:
        case GENAI_TOOLS_HARMONY:

            rc = (f->ntools == 1)
                 ? genai_framing_write(&w, "namespace functions {\n\n") : 0;

            if (rc == 0) {
                rc = genai_framing_types(f, &w, function);
            }

            break;

        case GENAI_TOOLS_ARRAY:

            rc = (f->ntools == 1) ? genai_framing_write(&w, "[")
                                  : genai_framing_write(&w, ", ");
            if (rc == 0) {
                rc = genai_framing_json(&w, t, i, 1, 0);
            }

            break;

        default:
            rc = genai_framing_json(&w, t,
                                    f->family->tools == GENAI_TOOLS_WHOLE
                                    ? i : function,
                                    f->family->tools != GENAI_TOOLS_UNKNOWN,
                                    0);

            if (rc == 0 && f->tool) {
                rc = genai_framing_write(&w, "\n");
            }

            break;
        }
    }

    f->rendered = w.text;
    f->rendered_room = w.room;

    return rc;
}


static uint32_t
genai_framing_function(const genai_framing_t *f, uint32_t i)
{
    uint32_t             k;
    const genai_tape_t  *t;

    t = &f->req->tape;

    if (f->functions) {
        k = i;

    } else {
        k = genai_tape_find(t, i, "function", 8);
    }

    return (k && genai_tape_type(t, k) == GENAI_TAPE_OBJECT
            && genai_tape_find(t, k, "name", 4)) ? k : 0;
}


/* // what it does, type name = (_: {...}) => any; and an empty line */

static int
genai_framing_types(genai_framing_t *f, genai_writer_arena_t *w,
    uint32_t function)
{
    int                  odd;
    uint32_t             k, properties;
    genai_str_t          s;
    const genai_tape_t  *t;

    t = &f->req->tape;

    if (genai_framing_decode(f, genai_tape_find(t, function, "description",
                                                11), &s)
        == -1)
    {
        return -1;
    }

    if (s.len
        && (genai_framing_write(w, "// ") == -1
            || genai_writer_arena(w, s.data, s.len) == -1
            || genai_framing_write(w, "\n") == -1))
    {
        return -1;
    }

    if (genai_framing_decode(f, genai_tape_find(t, function, "name", 4), &s)
        == -1
        || genai_framing_write(w, "type ") == -1
        || (s.len && genai_writer_arena(w, s.data, s.len) == -1))
    {
        return -1;
    }

    k = genai_tape_find(t, function, "parameters", 10);
    properties = k ? genai_tape_find(t, k, "properties", 10) : 0;

    if (properties == 0
        || genai_tape_type(t, properties) != GENAI_TAPE_OBJECT
        || genai_tape_first(t, properties) == 0)
    {
        return genai_framing_write(w, " = () => any;\n\n");
    }

    odd = 0;

    if (genai_framing_write(w, " = (_: ") == -1
        || genai_framing_type(w, t, k,
                              f->family->tools == GENAI_TOOLS_HARMONY, &odd)
           == -1
        || genai_framing_write(w, ") => any;\n\n") == -1)
    {
        return -1;
    }

    if (odd) {
        f->estimated |= GENAI_FRAMING_TOOLS;
    }

    return 0;
}


int
genai_framing_tools_end(genai_framing_t *f)
{
    int                    rc;
    uint32_t               k;
    genai_str_t            s;
    genai_writer_arena_t   w;
    const genai_tape_t    *t;

    t = &f->req->tape;

    w.arena = f->arena;
    w.text = f->rendered;
    w.room = f->rendered_room;

    f->fixed += f->family->tools_fixed;
    rc = 0;

    switch (f->family->tools) {

    case GENAI_TOOLS_TYPES:

        /* they stand in the first system prompt, where there is one */

        if (f->systems && f->model->framing == GENAI_FRAMING_OPENAI) {
            f->fixed -= 4;

            if (f->system) {
                rc = genai_framing_behind(f, f->system - 1, "\n");
            }
        }

        if (rc == 0) {
            rc = genai_framing_write(&w, "} // namespace functions");
        }

        if (f->choice == GENAI_FRAMING_NO_TOOL && f->functions) {
            f->fixed += 1;

        } else if (f->choice == GENAI_FRAMING_NO_TOOL) {
            f->estimated |= GENAI_FRAMING_OPTIONS;

        } else if (f->choice == GENAI_FRAMING_NAMED) {

            f->estimated |= GENAI_FRAMING_OPTIONS;

            if (f->functions) {
                k = genai_tape_find(t, f->chosen, "name", 4);

                if (genai_framing_decode(f, k, &s) == -1
                    || genai_framing_made(f, &s, 1) == -1)
                {
                    return -1;
                }

                f->fixed += 4;
            }
        }

        break;

    case GENAI_TOOLS_HARMONY:

        /* the developer's message, and a line of the system's */

        f->fixed += (f->systems ? 0 : 4) + 6 + 14;
        rc = genai_framing_write(&w, "} // namespace functions");
        break;

    case GENAI_TOOLS_ARRAY:
        rc = genai_framing_write(&w, "]");

        if (f->choice == GENAI_FRAMING_NAMED) {
            f->fixed += 3;

        } else if (f->choice == GENAI_FRAMING_REQUIRED) {
            f->fixed += 3;
            f->estimated |= GENAI_FRAMING_OPTIONS;
        }

        break;

    case GENAI_TOOLS_LINES:

        if (f->choice == GENAI_FRAMING_NAMED
            || f->choice == GENAI_FRAMING_REQUIRED)
        {
            f->fixed += 7;
        }

        break;

    default:

        /* a system prompt of their own, unless there is one */

        if (f->family->tools == GENAI_TOOLS_WHOLE) {
            f->fixed += (f->systems || f->family->preamble)
                        ? 1 : f->family->system;
        }

        if (f->choice != GENAI_FRAMING_AUTO) {
            f->estimated |= GENAI_FRAMING_OPTIONS;
        }

        break;
    }

    return (rc == 0) ? genai_framing_put(f, &w, 1) : -1;
}


static int
genai_framing_put(genai_framing_t *f, genai_writer_arena_t *w, int32_t times)
{
    return genai_framing_made(f, &w->text, times);
}


int
genai_framing_calls(genai_framing_t *f, uint32_t from, uint32_t to)
{
    int                    rc;
    uint32_t               i, n;
    const genai_segment_t *s;
    genai_framing_call_t   calls[GENAI_FRAMING_CALLS_MAX];

    n = 0;
    rc = genai_framing_list(f, calls, &n);

    if (rc == -1) {
        return -1;
    }

    if (n == 0 || f->work > GENAI_FRAMING_LARGE) {

        /* as they stand */

        f->estimated |= GENAI_FRAMING_CALLS;
        f->fixed += 8 * (int64_t) f->ncalls;

        for (i = from; i < to && rc == 0; i++) {

            s = &f->req->segments[i];

            if (s->kind == GENAI_SEGMENT_CALL_NAME
                || s->kind == GENAI_SEGMENT_ARGUMENTS)
            {
                rc = genai_framing_segment(f, i, 1);
            }
        }

        return rc;
    }

    if (f->family->calls == GENAI_CALLS_OPENAI) {
        return genai_framing_openai_calls(f, calls, n);
    }

    for (i = 0; i < n && rc == 0; i++) {
        rc = genai_framing_each_call(f, &calls[i]);
    }

    return rc;
}


/* the calls of the message at f->place; none where they cannot be told */

static int
genai_framing_list(genai_framing_t *f, genai_framing_call_t *calls,
    uint32_t *n)
{
    uint32_t             k, list, function;
    const genai_tape_t  *t;

    t = &f->req->tape;

    if (f->place == 0) {
        return 0;
    }

    list = genai_tape_find(t, f->place, "tool_calls", 10);

    if (list == 0 || genai_tape_type(t, list) != GENAI_TAPE_ARRAY) {

        function = genai_tape_find(t, f->place, "function_call", 13);

        if (function == 0) {
            return 0;
        }

        f->estimated |= GENAI_FRAMING_CALLS;
        calls[0].arguments = genai_tape_find(t, function, "arguments", 9);
        *n = 1;

        return genai_framing_decode(f, genai_tape_find(t, function, "name",
                                                       4),
                                    &calls[0].name);
    }

    f->called = list;

    for (k = genai_tape_first(t, list); k; k = genai_tape_next(t, list, k)) {

        function = genai_tape_find(t, k, "function", 8);

        if (function == 0 || *n == GENAI_FRAMING_CALLS_MAX) {
            *n = 0;
            return 0;
        }

        calls[*n].arguments = genai_tape_find(t, function, "arguments", 9);

        if (genai_framing_decode(f, genai_tape_find(t, function, "name", 4),
                                 &calls[*n].name)
            == -1)
        {
            return -1;
        }

        (*n)++;
    }

    return 0;
}


/* the JSON of a call's arguments, which is a text itself, written again */

static int
genai_framing_arguments(genai_framing_t *f, const genai_framing_call_t *call,
    int blanks, genai_str_t *text)
{
    genai_scan_t          scan;
    genai_writer_arena_t  w;

    if (genai_framing_decode(f, call->arguments, text) == -1) {
        return -1;
    }

    w.arena = f->arena;
    w.text.len = 0;
    w.text.data = NULL;
    w.room = 0;

    if (call->arguments
        && genai_tape_type(&f->req->tape, call->arguments)
           == GENAI_TAPE_OBJECT)
    {
        /* some clients send it as an object */

        f->estimated |= GENAI_FRAMING_CALLS;

        if (genai_framing_json(&w, &f->req->tape, call->arguments, blanks, 0)
            == -1)
        {
            return -1;
        }

        *text = w.text;

        return 0;
    }

    genai_scan_init(&scan, f->arena, text->data, text->len,
                    GENAI_FRAMING_LARGE);

    if (genai_scan(&scan, SIZE_MAX) != GENAI_SCAN_DONE) {

        if (scan.cause == GENAI_SCAN_NO_MEMORY) {
            return -1;
        }

        f->estimated |= GENAI_FRAMING_CALLS;

        return 0;
    }

    if (genai_framing_json(&w, &scan.tape, 0, blanks, 0) == -1) {
        return -1;
    }

    *text = w.text;

    return 0;
}


/*
 * assistant to=functions.NAME, and the arguments; several are one call of
 * multi_tool_use.parallel.
 */

static int
genai_framing_openai_calls(genai_framing_t *f,
    const genai_framing_call_t *calls, uint32_t n)
{
    uint32_t              i;
    genai_str_t           s;
    genai_writer_arena_t  w;

    if (n == 1) {
        f->fixed += 5;

        if (genai_framing_made(f, &calls[0].name, 1) == -1
            || genai_framing_arguments(f, &calls[0], 0, &s) == -1)
        {
            return -1;
        }

        return genai_framing_made(f, &s, 1);
    }

    w.arena = f->arena;
    w.text.len = 0;
    w.text.data = NULL;
    w.room = 0;

    if (genai_framing_write(&w, "{\"tool_uses\":[") == -1) {
        return -1;
    }

    for (i = 0; i < n; i++) {

        if (genai_framing_arguments(f, &calls[i], 0, &s) == -1
            || (i && genai_framing_write(&w, ",") == -1)
            || genai_framing_write(&w, "{\"recipient_name\":\"functions.")
               == -1
            || (calls[i].name.len
                && genai_writer_arena(&w, calls[i].name.data,
                                      calls[i].name.len) == -1)
            || genai_framing_write(&w, "\",\"parameters\":") == -1
            || (s.len && genai_writer_arena(&w, s.data, s.len) == -1)
            || genai_framing_write(&w, "}") == -1)
        {
            return -1;
        }
    }

    if (genai_framing_write(&w, "]}") == -1) {
        return -1;
    }

    f->fixed += 6;

    if (n > 2) {
        f->estimated |= GENAI_FRAMING_CALLS;
    }

    return genai_framing_put(f, &w, 1);
}


static int
genai_framing_each_call(genai_framing_t *f, const genai_framing_call_t *call)
{
    genai_str_t           s;
    genai_writer_arena_t  w;

    w.arena = f->arena;
    w.text.len = 0;
    w.text.data = NULL;
    w.room = 0;

    switch (f->family->calls) {

    case GENAI_CALLS_HARMONY:

        /*
         * <|start|>assistant<|channel|>commentary to=functions.NAME
         * <|constrain|>json<|message|>...<|call|>
         */

        f->fixed += 7;

        if (genai_framing_write(&w, "commentary to=functions.") == -1
            || (call->name.len
                && genai_writer_arena(&w, call->name.data, call->name.len)
                   == -1)
            || genai_framing_write(&w, " ") == -1
            || genai_framing_put(f, &w, 1) == -1
            || genai_framing_decode(f, call->arguments, &s) == -1)
        {
            return -1;
        }

        return genai_framing_made(f, &s, 1);

    case GENAI_CALLS_MISTRAL:

        /* [TOOL_CALLS]name[ARGS]{...} */

        f->fixed += 2;

        if (genai_framing_made(f, &call->name, 1) == -1
            || genai_framing_arguments(f, call, 1, &s) == -1)
        {
            return -1;
        }

        return genai_framing_made(f, &s, 1);

    case GENAI_CALLS_QWEN:

        if (genai_framing_write(&w, "<tool_call>\n{\"name\": \"") == -1
            || (call->name.len
                && genai_writer_arena(&w, call->name.data, call->name.len)
                   == -1)
            || genai_framing_write(&w, "\", \"arguments\": ") == -1
            || genai_framing_arguments(f, call, 1, &s) == -1
            || (s.len && genai_writer_arena(&w, s.data, s.len) == -1)
            || genai_framing_write(&w, "}\n</tool_call>") == -1)
        {
            return -1;
        }

        return genai_framing_put(f, &w, 1);

    default:
        f->fixed += f->family->answer_call;

        if (genai_framing_made(f, &call->name, 1) == -1
            || genai_framing_decode(f, call->arguments, &s) == -1)
        {
            return -1;
        }

        return genai_framing_made(f, &s, 1);
    }
}


int
genai_framing_result(genai_framing_t *f)
{
    uint32_t              i, k, id, function;
    genai_str_t           s, asked, name;
    const genai_tape_t   *t;
    genai_writer_arena_t  w;

    t = &f->req->tape;

    if (f->family->calls == GENAI_CALLS_QWEN) {

        /* results in a row are one message of the user's */

        f->fixed += 4;

        if (f->last == GENAI_ROLE_TOOL) {
            f->fixed -= 4;
        }

        return 0;
    }

    if (f->family->calls != GENAI_CALLS_OPENAI
        && f->family->calls != GENAI_CALLS_HARMONY)
    {
        return 0;
    }

    name.len = 0;
    name.data = (unsigned char *) "";

    id = f->place ? genai_tape_find(t, f->place, "tool_call_id", 12) : 0;

    if (id && f->called && genai_tape_type(t, id) == GENAI_TAPE_STRING
        && genai_tape_view(t, id).len <= GENAI_FRAMING_ID_MAX)
    {
        asked = genai_tape_view(t, id);
        i = 0;

        for (k = genai_tape_first(t, f->called);
             k && i < GENAI_FRAMING_CALLS_MAX;
             k = genai_tape_next(t, f->called, k), i++)
        {
            id = genai_tape_find(t, k, "id", 2);

            if (id == 0) {
                continue;
            }

            s = genai_tape_view(t, id);

            if (s.len != asked.len || memcmp(s.data, asked.data, s.len) != 0)
            {
                continue;
            }

            function = genai_tape_find(t, k, "function", 8);

            if (function
                && genai_framing_decode(f, genai_tape_find(t, function,
                                                           "name", 4), &name)
                   == -1)
            {
                return -1;
            }

            break;
        }
    }

    if (name.len == 0) {
        f->estimated |= GENAI_FRAMING_CALLS;
    }

    if (f->family->calls == GENAI_CALLS_OPENAI) {
        return genai_framing_made(f, &name, 1);
    }

    /* <|start|>functions.NAME<|channel|>commentary<|message|>...<|end|> */

    w.arena = f->arena;
    w.text.len = 0;
    w.text.data = NULL;
    w.room = 0;

    if (genai_framing_write(&w, "functions.") == -1
        || (name.len && genai_writer_arena(&w, name.data, name.len) == -1)
        || genai_framing_put(f, &w, 1) == -1)
    {
        return -1;
    }

    s.data = (unsigned char *) "commentary";
    s.len = 10;

    return genai_framing_made(f, &s, 1);
}


int
genai_framing_schema(genai_framing_t *f)
{
    uint32_t              k, schema;
    genai_str_t           s;
    genai_framing_e       framing;
    const genai_tape_t   *t;
    genai_writer_arena_t  w;

    t = &f->req->tape;
    framing = f->model ? f->model->framing : GENAI_FRAMING_NONE;

    if (f->json) {

        /* what some put there to ask for it */

        if (framing == GENAI_FRAMING_MISTRAL15) {
            f->fixed -= 12;                         /* its settings */
            return 0;
        }

        f->estimated |= GENAI_FRAMING_FORMAT;
        f->fixed += (framing == GENAI_FRAMING_DEEPSEEK31
                     || framing == GENAI_FRAMING_DEEPSEEK3) ? 20 : 0;

        return 0;
    }

    if (f->format == 0) {
        return 0;
    }

    genai_framing_doubt(f, GENAI_FRAMING_FORMAT);

    if (framing == GENAI_FRAMING_MISTRAL15) {
        f->fixed -= 12;
        return 0;
    }

    if (framing != GENAI_FRAMING_OPENAI && framing != GENAI_FRAMING_OPENAI5) {
        f->fixed += (framing == GENAI_FRAMING_CLAUDE) ? 140
                    : (framing == GENAI_FRAMING_GROK) ? 70 : 0;
        return 0;
    }

    schema = genai_tape_find(t, f->format, "schema", 6);

    if (schema == 0 || genai_tape_type(t, schema) != GENAI_TAPE_OBJECT
        || f->tools || t->entries[schema].len > GENAI_FRAMING_LARGE)
    {
        f->estimated |= GENAI_FRAMING_FORMAT;
    }

    w.arena = f->arena;
    w.text.len = 0;
    w.text.data = NULL;
    w.room = 0;

    if (genai_framing_decode(f, genai_tape_find(t, f->format, "name", 4), &s)
        == -1
        || genai_framing_write(&w, "# Response Formats\n\n## ") == -1
        || (s.len && genai_writer_arena(&w, s.data, s.len) == -1)
        || genai_framing_write(&w, "\n\n") == -1)
    {
        return -1;
    }

    k = genai_tape_find(t, f->format, "description", 11);

    if (schema && genai_tape_find(t, schema, "description", 11)) {

        if (k) {
            f->estimated |= GENAI_FRAMING_FORMAT;

        } else {
            k = genai_tape_find(t, schema, "description", 11);
        }
    }

    if (genai_framing_decode(f, k, &s) == -1
        || (s.len
            && (genai_framing_write(&w, "// ") == -1
                || genai_writer_arena(&w, s.data, s.len) == -1
                || genai_framing_write(&w, "\n") == -1)))
    {
        return -1;
    }

    if (schema) {

        if (t->entries[schema].len > GENAI_FRAMING_LARGE) {
            s = genai_tape_view(t, schema);

            if (genai_writer_arena(&w, s.data, s.len) == -1) {
                return -1;
            }

        } else if (genai_framing_json(&w, t, schema, 0, 1) == -1) {
            return -1;
        }
    }

    /* a message of its own, or a part of the system's */

    if (framing == GENAI_FRAMING_OPENAI) {
        f->fixed += f->systems ? 4 : 8;
    }

    return genai_framing_put(f, &w, 1);
}
