/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Tools and schemas, as each family shows them to its models.
 */


#include "genai_framing_int.h"


/* bytes of rendered tools that are one text */
#define GENAI_FRAMING_RENDERED  ((size_t) 1 << 20)


static int genai_framing_strict(const genai_framing_t *f, uint32_t key);
static int genai_framing_types(genai_framing_t *f, genai_writer_arena_t *w,
    uint32_t function);
static uint32_t genai_framing_function(const genai_framing_t *f, uint32_t i);
static void genai_framing_strip(genai_str_t *s);
static int genai_framing_stops(const genai_framing_t *f);
static int genai_framing_unrecorded(const genai_framing_t *f, uint32_t i,
    uint32_t function);


/*
 * All tools are one text, which is the same from turn to turn: it grows in
 * f->rendered.
 */

int
genai_framing_tool(genai_framing_t *f)
{
    int                    rc, odd;
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
    f->nforeign += (function == 0);
    rc = 0;
    odd = 0;

    /* what is large is not copied */

    if (t->entries[i].len > GENAI_FRAMING_LARGE) {

        f->estimated |= GENAI_FRAMING_TOOLS;
        f->spent += GENAI_FRAMING_LARGE / 8;
        s = genai_tape_view(t, i);

        return genai_framing_made(f, &s, 1);
    }

    f->spent += t->entries[i].len;

    if (w.text.len > GENAI_FRAMING_RENDERED) {

        f->estimated |= GENAI_FRAMING_TOOLS;

        if (genai_framing_put(f, &w, 1) == -1) {
            return -1;
        }

        memset(&w.text, 0, sizeof(genai_str_t));
        w.room = 0;
    }

    if (function == 0) {

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
                rc = genai_framing_json(&w, t, i, 1, 0, &odd);
            }

            break;

        default:
            rc = genai_framing_json(&w, t,
                                    f->family->tools == GENAI_TOOLS_WHOLE
                                    ? i : function,
                                    f->family->tools != GENAI_TOOLS_UNKNOWN,
                                    0, &odd);

            if (rc == 0 && f->tool) {
                rc = genai_framing_write(&w, "\n");
            }

            break;
        }
    }

    if (odd || genai_framing_unrecorded(f, i, function)) {
        f->estimated |= GENAI_FRAMING_TOOLS;
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

    } else if (f->by_item) {
        k = genai_tape_find(t, i, "type", 4);
        k = (k && genai_tape_type(t, k) == GENAI_TAPE_STRING
             && genai_tape_named(t, k, "function", 8)) ? i : 0;

    } else {
        k = genai_tape_find(t, i, "function", 8);
    }

    return (k && genai_tape_type(t, k) == GENAI_TAPE_OBJECT
            && genai_tape_find(t, k, "name", 4)) ? k : 0;
}


/* whether a tool has members that are in no recording */

static int
genai_framing_unrecorded(const genai_framing_t *f, uint32_t i,
    uint32_t function)
{
    uint32_t             key;
    const genai_tape_t  *t;

    t = &f->req->tape;

    if (function == 0) {
        return 1;
    }

    for (key = genai_tape_first(t, function);
         key;
         key = genai_tape_next(t, function, key))
    {
        if (!genai_tape_named(t, key, "name", 4)
            && !genai_tape_named(t, key, "description", 11)
            && !genai_tape_named(t, key, "parameters", 10)
            && (!f->by_item
                || (!genai_tape_named(t, key, "type", 4)
                    && !genai_framing_strict(f, key))))
        {
            return 1;
        }
    }

    /* the older functions are such an object themselves */

    for (key = (i == function) ? 0 : genai_tape_first(t, i);
         key;
         key = genai_tape_next(t, i, key))
    {
        if (!genai_tape_named(t, key, "type", 4)
            && !genai_tape_named(t, key, "function", 8))
        {
            return 1;
        }
    }

    return 0;
}


/* of a request with items: whether a tool's member is "strict", as recorded */

static int
genai_framing_strict(const genai_framing_t *f, uint32_t key)
{
    const genai_tape_t  *t;

    t = &f->req->tape;

    return genai_tape_named(t, key, "strict", 6)
           && ((f->model && f->model->framing == GENAI_FRAMING_OPENAI)
               || genai_tape_type(t, genai_tape_value(t, key))
                  != GENAI_TAPE_TRUE);
}


/* // what it does, type name = (_: {...}) => any; and an empty line */

static int
genai_framing_types(genai_framing_t *f, genai_writer_arena_t *w,
    uint32_t function)
{
    int                  rc, odd, how;
    size_t               start, len;
    uint32_t             k, properties;
    genai_str_t          s;
    const genai_tape_t  *t;

    t = &f->req->tape;
    start = w->text.len;

    if (genai_framing_decode(f, genai_tape_find(t, function, "description",
                                                11), &s)
        == -1)
    {
        return -1;
    }

    how = (f->family->tools == GENAI_TOOLS_HARMONY)
          ? GENAI_TYPE_HARMONY : GENAI_TYPE_CHAT;

    if (f->by_item) {
        len = s.len;
        genai_framing_strip(&s);

        if (f->model->framing == GENAI_FRAMING_OPENAI) {
            how = GENAI_TYPE_ITEMS;

        } else if (s.len != len) {
            f->estimated |= GENAI_FRAMING_TOOLS;
        }
    }

    /* what a line feed in it becomes nobody has recorded */

    if (s.len && memchr(s.data, '\n', s.len)
        && f->family->tools == GENAI_TOOLS_HARMONY)
    {
        f->estimated |= GENAI_FRAMING_TOOLS;
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

    if (genai_framing_write(w, " = (_: ") == -1) {
        return -1;
    }

    rc = genai_framing_type(w, t, k, how, &odd, &f->spent);

    if (rc == 1) {
        f->estimated |= GENAI_FRAMING_TOOLS;
        s = genai_tape_view(t, function);
        w->text.len = start;

        return genai_writer_arena(w, s.data, s.len);
    }

    if (rc == -1 || genai_framing_write(w, ") => any;\n\n") == -1) {
        return -1;
    }

    if (odd) {
        f->estimated |= GENAI_FRAMING_TOOLS;
    }

    return 0;
}


/* without the white space around it */

static void
genai_framing_strip(genai_str_t *s)
{
    while (s->len && (s->data[0] == ' ' || s->data[0] == '\n'
                      || s->data[0] == '\t' || s->data[0] == '\r'))
    {
        s->data++;
        s->len--;
    }

    while (s->len && (s->data[s->len - 1] == ' ' || s->data[s->len - 1] == '\n'
                      || s->data[s->len - 1] == '\t'
                      || s->data[s->len - 1] == '\r'))
    {
        s->len--;
    }
}


/*
 * Whether the first system prompt ends with a full stop: what else becomes of
 * what stands behind it has not been recorded.
 */

static int
genai_framing_stops(const genai_framing_t *f)
{
    genai_str_t  raw;

    if (f->system == 0) {
        return 0;
    }

    raw = genai_tape_view(&f->req->tape,
                          f->req->segments[f->system - 1].value);

    return raw.len && raw.data[raw.len - 1] == '.';
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

        if (f->by_item && f->model->framing == GENAI_FRAMING_OPENAI) {
            f->fixed -= f->systems ? 6 : 7;

            if (!genai_framing_stops(f)) {
                f->estimated |= GENAI_FRAMING_TOOLS;
            }

        } else if (f->systems && f->model->framing == GENAI_FRAMING_OPENAI) {
            f->fixed -= 4;

            if (f->system) {
                rc = genai_framing_behind(f, f->system - 1, "\n");
            }
        }

        if (rc == 0) {
            rc = genai_framing_write(&w, "} // namespace functions");
        }

        if (f->by_item && f->choice != GENAI_FRAMING_AUTO) {

            f->estimated |= GENAI_FRAMING_OPTIONS;

            if (rc == 0) {
                rc = genai_framing_item_choice(f);
            }

        } else if (f->choice == GENAI_FRAMING_NO_TOOL && f->functions) {
            f->fixed += 1;

        } else if (f->choice == GENAI_FRAMING_NO_TOOL) {
            f->estimated |= GENAI_FRAMING_OPTIONS;

        } else if (f->choice == GENAI_FRAMING_NAMED) {

            f->estimated |= GENAI_FRAMING_OPTIONS;

            if (f->functions) {
                k = genai_tape_find(t, f->chosen, "name", 4);

                if (k && t->entries[k].len > GENAI_FRAMING_LARGE) {
                    k = 0;
                }

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


int
genai_framing_put(genai_framing_t *f, genai_writer_arena_t *w, int32_t times)
{
    return genai_framing_made(f, &w->text, times);
}


int
genai_framing_schema(genai_framing_t *f)
{
    int                   odd;
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
        || f->tools)
    {
        f->estimated |= GENAI_FRAMING_FORMAT;
    }

    /* what is large is not copied */

    if (t->entries[f->format].len > GENAI_FRAMING_LARGE) {
        f->estimated |= GENAI_FRAMING_FORMAT;
        s = genai_tape_view(t, f->format);

        return genai_framing_made(f, &s, 1);
    }

    w.arena = f->arena;
    w.text.len = 0;
    w.text.data = NULL;
    w.room = 0;
    odd = 0;

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

    f->spent += t->entries[f->format].len;

    if (schema && genai_framing_json(&w, t, schema, 0, 1, &odd) == -1) {
        return -1;
    }

    if (odd) {
        f->estimated |= GENAI_FRAMING_FORMAT;
    }

    /* a message of its own, or a part of the system's */

    if (framing == GENAI_FRAMING_OPENAI) {
        f->fixed += f->systems ? 4 : 8;
    }

    return genai_framing_put(f, &w, 1);
}
