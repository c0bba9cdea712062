/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Random texts and edits: the same seed gives the same.
 */


#ifndef _GENAI_T_EDIT_RANDOM_H_INCLUDED_
#define _GENAI_T_EDIT_RANDOM_H_INCLUDED_


#include "edit.h"


MODEL_UNUSED static unsigned
model_rnd(uint64_t *seed, unsigned n)
{
    *seed = *seed * UINT64_C(6364136223846793005)
            + UINT64_C(1442695040888963407);

    return (unsigned) (*seed >> 33) % n;
}


/* few names, so that they meet, and many ways to write one of them */

static const char  *const  model_names[] = {
    "a", "b", "c", "\\u0061", "", "\\u00e9", "\xc3\xa9", "a\\n",
    "\\ud83d\\ude00", "\xf0\x9f\x98\x80", "\\u0000", "A", "\\u0041", "sk",
    "Sk", "\xc5\xbfk", "\\u017fK", "s\\u212a", "s\xe2\x84\xaa"
};

static const char  *const  model_pieces[] = {
    "x", "\\n", "\\\\", "\\\"", "\\u0041", "\\ud83d\\ude00", "\xc3\xa9",
    "\xe2\x82\xac", "\xf0\x9f\x98\x80", "plain", "\\/", "\\\\\\\\", "\\u00e9",
    "\\u20ac", " ", "\\u0000"
};

static const char  *const  model_scalars[] = {
    "null", "true", "false", "0", "-1.5e+30", "12345678901234567890"
};

static const char  *const  model_blanks[] = {
    "", "", "", "", " ", "\n  ", "\t", "\r\n", "     "
};

#define model_pick(seed, list)                                                \
    list[model_rnd(seed, sizeof(list) / sizeof(list[0]))]


MODEL_UNUSED static void
model_put_text(model_buf_t *b, const char *text)
{
    model_put(b, text, strlen(text));
}


MODEL_UNUSED static void
model_random_json(uint64_t *seed, model_buf_t *b, unsigned depth)
{
    unsigned  kind, n, k;

    kind = model_rnd(seed, depth ? 10 : 5);

    if (kind < 2) {
        model_put_text(b, model_pick(seed, model_scalars));
        return;
    }

    if (kind < 5) {
        model_put_text(b, "\"");

        for (n = model_rnd(seed, 6); n; n--) {
            model_put_text(b, model_pick(seed, model_pieces));
        }

        model_put_text(b, "\"");
        return;
    }

    model_put_text(b, (kind < 7) ? "[" : "{");
    model_put_text(b, model_pick(seed, model_blanks));

    n = model_rnd(seed, 5);

    for (k = 0; k < n; k++) {

        if (k) {
            model_put_text(b, ",");
            model_put_text(b, model_pick(seed, model_blanks));
        }

        if (kind >= 7) {
            model_put_text(b, "\"");
            model_put_text(b, model_pick(seed, model_names));
            model_put_text(b, "\"");
            model_put_text(b, model_pick(seed, model_blanks));
            model_put_text(b, ":");
            model_put_text(b, model_pick(seed, model_blanks));
        }

        model_random_json(seed, b, depth - 1);
        model_put_text(b, model_pick(seed, model_blanks));
    }

    model_put_text(b, (kind < 7) ? "]" : "}");
}


/* an edit that mostly makes sense; b and a static buffer hold its texts */

MODEL_UNUSED static void
model_random_edit(uint64_t *seed, model_t *m, model_op_t *op, model_buf_t *b)
{
    unsigned           n;
    genai_str_t        raw;
    genai_tape_type_e  type;

    static unsigned char  name[16];

    memset(op, 0, sizeof(model_op_t));

    op->layer = model_rnd(seed, 2);
    op->index = model_rnd(seed, m->tape.n + 1);
    op->kind = GENAI_EDIT_VALUE;

    if (op->index < m->tape.n && model_rnd(seed, 8)) {
        type = genai_tape_type(&m->tape, op->index);

        if (type == GENAI_TAPE_STRING) {
            op->kind = model_rnd(seed, 4) ? GENAI_EDIT_PART : GENAI_EDIT_VALUE;

        } else if (type == GENAI_TAPE_OBJECT) {
            op->kind = model_rnd(seed, 3) ? GENAI_EDIT_SET : GENAI_EDIT_REMOVE;
        }

        if (op->kind == GENAI_EDIT_SET && model_rnd(seed, 2)) {
            op->kind = GENAI_EDIT_REMOVE;
        }

    } else {
        op->kind = (genai_edit_e) model_rnd(seed, 5);
        op->kind = (op->kind == GENAI_EDIT_MEMBERS) ? GENAI_EDIT_VALUE
                                                    : op->kind;
    }

    raw.data = (unsigned char *) model_pick(seed, model_names);
    raw.len = strlen((char *) raw.data);

    op->name.data = name;
    op->name.len = genai_text_decode(name, &raw);

    b->len = 0;

    if (op->kind == GENAI_EDIT_PART) {
        for (n = model_rnd(seed, 3); n; n--) {
            model_put_text(b, model_pick(seed, model_pieces));
        }

    } else {
        model_put_text(b, model_pick(seed, model_blanks));

        if (model_rnd(seed, 40)) {
            model_random_json(seed, b, model_rnd(seed, 3));
        }

        model_put_text(b, model_pick(seed, model_blanks));
    }

    op->text.data = b->data;
    op->text.len = b->len;

    if (op->kind == GENAI_EDIT_PART && op->index < m->tape.n) {
        raw = genai_tape_view(&m->tape, op->index);

        op->start = model_rnd(seed, (unsigned) raw.len + 1);
        op->end = op->start
                  + model_rnd(seed, (unsigned) (raw.len - op->start) + 2);

        /* mostly where it may be cut */

        if (model_rnd(seed, 8)
            && genai_tape_type(&m->tape, op->index) == GENAI_TAPE_STRING)
        {
            while (op->start > 0 && !model_boundary(&raw, op->start)) {
                op->start--;
            }

            while (op->end > op->start && !model_boundary(&raw, op->end)) {
                op->end--;
            }
        }
    }
}


#endif /* _GENAI_T_EDIT_RANDOM_H_INCLUDED_ */
