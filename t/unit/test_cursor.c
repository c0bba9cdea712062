/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "tap.h"
#include "edit_random.h"


static model_t  m;


static void
check_text(const genai_cursor_t *c, const char *want, const char *name)
{
    int          rc;
    genai_str_t  s;

    rc = genai_cursor_text(c, &m.arena, &s);

    if (is_int(rc, GENAI_EDIT_OK, "%s: a text", name)) {
        is_text(s, want, "%s", name);
    }
}


static void
test_walk(void)
{
    genai_str_t          s;
    genai_arena_t        none;
    genai_cursor_t       c, v;
    genai_document_t     d;
    genai_cursor_iter_t  it;

    static const char  text[] =
        "{\"a\":\"x\\ny\",\"b\":[1,\"two\",3.0],\"c\":null,\"d\":{}}";

    genai_str_t  name = genai_str("e\"");
    genai_str_t  json = genai_str(" {\"f\" : \"\\u0041\"} ");
    genai_str_t  mask = genai_str("[\n]");
    genai_str_t  gone = genai_str("c");
    genai_str_t  seven = genai_str("7");

    if (model_open(&m, text, sizeof(text) - 1) != 0) {
        fail("the text");
        return;
    }

    genai_edit_part(&m.layers[0], 2, 1, 3, &mask);
    genai_edit_part(&m.layers[0], 6, 0, 2, &mask);
    genai_edit_value(&m.layers[1], 5, &seven);
    genai_edit_remove(&m.layers[1], 0, &gone);
    genai_edit_set(&m.layers[1], 0, &name, &json);

    if (!ok(genai_document_init(&d, &m.text, &m.tape, &m.layers[0],
                                &m.layers[1], &m.arena) == GENAI_EDIT_OK,
            "a document"))
    {
        return;
    }

    c = genai_cursor_root(&d);

    is_int(genai_cursor_type(&c), GENAI_TAPE_OBJECT, "its root");
    ok(genai_cursor_find(&c, "c", 1, &v) == 0, "a member that is gone");
    ok(genai_cursor_find(&c, "x", 1, &v) == 0, "one that never was");

    if (ok(genai_cursor_find(&c, "a", 1, &v) == 1, "one that is there")) {
        check_text(&v, "x[\n]y", "a mask instead of an escape");
        ok(genai_cursor_find(&v, "a", 1, &v) == 0, "a string has none");
        genai_cursor_iter(&it, &v);
        ok(genai_cursor_next(&it) == 0, "nor elements");

        genai_arena_init(&none, 0);
        is_int(genai_cursor_text(&v, &none, &s), GENAI_EDIT_NO_MEMORY,
               "no memory for it");
    }

    if (ok(genai_cursor_find(&c, "b", 1, &v) == 1, "an array")) {
        is_int(genai_cursor_text(&v, &m.arena, &s), GENAI_EDIT_BAD,
               "is no text");

        genai_cursor_iter(&it, &v);
        ok(genai_cursor_next(&it) == 1, "its first element");
        s = genai_cursor_view(&it.value);
        is_text(s, "7", "was replaced");
        ok(it.name.len == 0, "and has no name");
        ok(genai_cursor_next(&it) == 1, "its second");
        check_text(&it.value, "[\n]o", "was masked");
        ok(genai_cursor_next(&it) == 1, "its third");
        s = genai_cursor_view(&it.value);
        is_text(s, "3.0", "is what it was");
        ok(genai_cursor_next(&it) == 0, "there are no more");
    }

    if (ok(genai_cursor_find(&c, "e\"", 2, &v) == 1, "one that was added")) {
        ok(genai_cursor_find(&v, "f", 1, &v) == 1, "has a member");
        check_text(&v, "A", "which can be read");
    }

    ok(genai_cursor_at(&d, 6, &v) == 1, "by index");
    check_text(&v, "[\n]o", "as edited");
    ok(genai_cursor_at(&d, 5, &v) == 1 && v.tape != &m.tape, "or replaced");
    ok(genai_cursor_at(&d, 9, &v) == 0, "not where its member is gone");
    ok(genai_cursor_at(&d, 1, &v) == 0, "a name is no value");
    ok(genai_cursor_at(&d, m.tape.n, &v) == 0, "nothing behind the tape");

    model_close(&m);
}


/* whether every value of the tape is at hand, or gone with what is around */

static void
check_at(const genai_document_t *d, unsigned long seed)
{
    uint32_t        i, k;
    unsigned        gone;
    genai_cursor_t  c;

    for (i = 0; i < d->tape->n; i++) {

        gone = (d->tape->entries[i].type & GENAI_TAPE_KEY) != 0;

        for (k = 0; k < d->nchanges; k++) {
            if (d->changes[k].kind == GENAI_EDIT_VALUE
                && i > d->changes[k].index
                && i < d->tape->entries[d->changes[k].index].next)
            {
                gone = 1;
            }

            if (d->changes[k].kind == GENAI_EDIT_REMOVE
                && i > d->changes[k].index
                && i < d->tape->entries[d->changes[k].index + 1].next)
            {
                gone = 1;
            }
        }

        quiet_ok(genai_cursor_at(d, i, &c) == !gone, "seed %lu: value %u",
                 seed, i);
    }
}


/* what the cursor reads is what the splicer writes */

static void
test_random(void)
{
    int               rc;
    uint64_t          seed;
    unsigned          n, edits, k;
    model_op_t        op;
    model_buf_t       text, got, scratch;
    genai_scan_t      s;
    genai_cursor_t    c;
    genai_document_t  d;

    memset(&text, 0, sizeof(model_buf_t));
    memset(&got, 0, sizeof(model_buf_t));
    memset(&scratch, 0, sizeof(model_buf_t));

    for (n = 0; n < 6000; n++) {

        seed = 500000 + n;
        text.len = 0;
        got.len = 0;

        model_random_json(&seed, &text, 4);

        if (model_open(&m, text.data, text.len) != 0) {
            fail("seed %u: no JSON", 500000 + n);
            continue;
        }

        edits = model_rnd(&seed, (n % 8) ? 8 : MODEL_OPS);

        for (k = 0; k < edits; k++) {
            model_random_edit(&seed, &m, &op, &scratch);
            (void) model_edit(&m, &op);
        }

        rc = genai_document_init(&d, &m.text, &m.tape, &m.layers[0],
                                 &m.layers[1], &m.arena);

        quiet_ok(rc == GENAI_EDIT_OK && model_splice(&d, &got) == 0,
                 "seed %u: slices", 500000 + n);

        genai_scan_init(&s, &m.arena, got.data, got.len, MODEL_ENTRIES);

        if (quiet_ok(genai_scan(&s, SIZE_MAX) == GENAI_SCAN_DONE,
                     "seed %u: well-formed", 500000 + n))
        {
            c = genai_cursor_root(&d);
            rc = model_cursor(&c, &s.tape, 0, &m.arena);

            if (!quiet_ok(rc == 0, "seed %u: the cursor reads what was "
                          "written; edit.h:%d", 500000 + n, rc))
            {
                tap_dump(" original", text.data, text.len);
                tap_dump("   edited", got.data, got.len);
            }
        }

        check_at(&d, 500000 + n);

        model_close(&m);
    }

    free(text.data);
    free(got.data);
    free(scratch.data);
}


int
main(void)
{
    test_walk();
    test_random();

    return done_testing();
}
