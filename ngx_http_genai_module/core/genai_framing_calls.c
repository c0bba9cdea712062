/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Calls and their results, as each family shows them to its models.
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


static int genai_framing_list(genai_framing_t *f, genai_framing_call_t *calls,
    uint32_t *n);
static int genai_framing_arguments(genai_framing_t *f,
    const genai_framing_call_t *call, int blanks, genai_str_t *text);
static int genai_framing_openai_calls(genai_framing_t *f,
    const genai_framing_call_t *calls, uint32_t n);
static int genai_framing_each_call(genai_framing_t *f,
    const genai_framing_call_t *call);


int
genai_framing_calls(genai_framing_t *f)
{
    int                    rc;
    uint32_t               i, n;
    genai_framing_call_t   calls[GENAI_FRAMING_CALLS_MAX];

    n = 0;
    rc = genai_framing_list(f, calls, &n);

    if (rc == -1) {
        return -1;
    }

    if (n == 0 || f->work > GENAI_FRAMING_LARGE) {

        f->estimated |= GENAI_FRAMING_CALLS;
        f->fixed += 8 * (int64_t) f->ncalls;

        return 1;
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

    /* few calls may have much beside what is told of them */

    if (t->entries[list].len > GENAI_FRAMING_LARGE) {
        f->called = 0;
        return 0;
    }

    f->called = list;
    f->spent += t->entries[list].len;

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
    int                   odd;
    genai_scan_t          scan;
    genai_writer_arena_t  w;

    if (genai_framing_decode(f, call->arguments, text) == -1) {
        return -1;
    }

    w.arena = f->arena;
    w.text.len = 0;
    w.text.data = NULL;
    w.room = 0;
    odd = 0;

    if (call->arguments
        && genai_tape_type(&f->req->tape, call->arguments)
           == GENAI_TAPE_OBJECT)
    {
        /* some clients send it as an object */

        f->estimated |= GENAI_FRAMING_CALLS;

        if (genai_framing_json(&w, &f->req->tape, call->arguments, blanks, 0,
                               &odd)
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

    if (genai_framing_json(&w, &scan.tape, 0, blanks, 0, &odd) == -1) {
        return -1;
    }

    if (odd) {
        f->estimated |= GENAI_FRAMING_CALLS;
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
            || genai_framing_arguments(f, call, 0, &s) == -1
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
        f->spent += t->entries[f->called].next - f->called;

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


/* items: a call is one by itself, and is told behind its message's frame */

int
genai_framing_item_call(genai_framing_t *f)
{
    uint32_t              i, name;
    genai_str_t           s;
    const genai_tape_t   *t;
    genai_framing_call_t  call;

    t = &f->req->tape;

    genai_framing_doubt(f, GENAI_FRAMING_CALLS);

    f->called_bytes += t->entries[f->place].len;
    f->ncalled++;

    name = genai_tape_find(t, f->place, "name", 4);
    call.arguments = genai_tape_find(t, f->place, "arguments", 9);

    /* several at a time have not been recorded */

    if (f->before == GENAI_ITEM_CALL) {
        f->estimated |= GENAI_FRAMING_CALLS;
    }

    if (call.arguments == 0
        || t->entries[f->place].len > GENAI_FRAMING_LARGE
        || (f->family->calls != GENAI_CALLS_OPENAI
            && f->family->calls != GENAI_CALLS_HARMONY))
    {
        f->estimated |= GENAI_FRAMING_CALLS;
        f->fixed += 8;

        for (i = f->first; i < f->segment; i++) {

            if ((f->req->segments[i].kind == GENAI_SEGMENT_CALL_NAME
                 || f->req->segments[i].kind == GENAI_SEGMENT_ARGUMENTS)
                && genai_framing_segment(f, i, 1) == -1)
            {
                return -1;
            }
        }

        return 0;
    }

    if (genai_framing_decode(f, name, &call.name) == -1) {
        return -1;
    }

    if (f->family->calls == GENAI_CALLS_HARMONY) {
        return genai_framing_each_call(f, &call);
    }

    /* in turns that are over it has no channel, as far as that was seen */

    if (f->model->framing == GENAI_FRAMING_OPENAI5
        && (f->message <= f->turn
            || genai_tape_view(t, call.arguments).len <= 2))
    {
        f->estimated |= GENAI_FRAMING_CALLS;
    }

    f->fixed += (f->model->framing == GENAI_FRAMING_OPENAI) ? 6
                : (f->message > f->turn) ? 5 : 2;

    if (genai_framing_made(f, &call.name, 1) == -1
        || genai_framing_arguments(f, &call, 0, &s) == -1)
    {
        return -1;
    }

    return genai_framing_made(f, &s, 1);
}


int
genai_framing_item_result(genai_framing_t *f)
{
    uint32_t              i, n, id, asked;
    genai_str_t           s, name;
    const genai_tape_t   *t;
    genai_writer_arena_t  w;

    t = &f->req->tape;

    genai_framing_doubt(f, GENAI_FRAMING_CALLS);
    f->ncalled++;

    if (f->family->calls != GENAI_CALLS_OPENAI
        && f->family->calls != GENAI_CALLS_HARMONY)
    {
        return 0;
    }

    name.len = 0;
    name.data = (unsigned char *) "";

    id = genai_tape_find(t, f->place, "call_id", 7);
    n = (f->nasked < 16) ? f->nasked : 16;

    for (i = 0; id && i < n; i++) {

        asked = f->asked[(f->nasked - 1 - i) % 16];

        if (genai_tape_type(t, id) != GENAI_TAPE_STRING
            || genai_tape_type(t, genai_tape_find(t, asked, "call_id", 7))
               != GENAI_TAPE_STRING)
        {
            continue;
        }

        s = genai_tape_view(t, genai_tape_find(t, asked, "call_id", 7));

        if (s.len == genai_tape_view(t, id).len
            && memcmp(s.data, genai_tape_view(t, id).data, s.len) == 0)
        {
            if (genai_framing_decode(f, genai_tape_find(t, asked, "name", 4),
                                     &name)
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
