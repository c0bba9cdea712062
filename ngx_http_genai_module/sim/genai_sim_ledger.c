/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "genai_sim_ledger.h"


#define GENAI_SIM_LEDGER_MAGIC  UINT64_C(0x3272656764654c53)  /* SLedger2 */


static unsigned char *genai_sim_ledger_unit(genai_sim_answer_t *a,
    unsigned char *p, unsigned char *end);
static unsigned char genai_sim_ledger_cut(uint8_t *dst,
    const genai_str_t *text);


size_t
genai_sim_ledger_size(uint64_t rows)
{
    return sizeof(genai_sim_ledger_t) + rows * sizeof(genai_sim_ledger_row_t);
}


void
genai_sim_ledger_init(genai_sim_ledger_t *l, uint64_t rows)
{
    if (l->magic == GENAI_SIM_LEDGER_MAGIC && l->rows == rows) {
        return;
    }

    memset(l, 0, genai_sim_ledger_size(rows));

    l->rows = rows;
    l->magic = GENAI_SIM_LEDGER_MAGIC;
}


uint64_t
genai_sim_ledger_begin(genai_sim_ledger_t *l, int64_t now, unsigned endpoint,
    unsigned stream, const genai_str_t *request_id, const genai_str_t *model,
    uint64_t prompt_tokens)
{
    uint64_t                 n;
    genai_sim_ledger_row_t  *row;

    n = __atomic_add_fetch(&l->count, 1, __ATOMIC_RELAXED);
    row = &l->row[(n - 1) % l->rows];

    /* a reader passes over a row without a number */

    __atomic_store_n(&row->number, 0, __ATOMIC_RELEASE);

    row->started = now;
    row->prompt_tokens = prompt_tokens;
    row->reported = 0;
    row->written = 0;
    row->status = 0;
    row->endpoint = endpoint;
    row->stream = stream;
    row->end = GENAI_SIM_LEDGER_OPEN;
    row->request_id_len = genai_sim_ledger_cut(row->request_id, request_id);
    row->model_len = genai_sim_ledger_cut(row->model, model);

    __atomic_store_n(&row->number, n, __ATOMIC_RELEASE);

    return n;
}


genai_sim_ledger_row_t *
genai_sim_ledger_row(genai_sim_ledger_t *l, uint64_t number)
{
    genai_sim_ledger_row_t  *row;

    if (number == 0) {
        return NULL;
    }

    row = &l->row[(number - 1) % l->rows];

    if (__atomic_load_n(&row->number, __ATOMIC_ACQUIRE) != number
        || number <= l->first)
    {
        return NULL;
    }

    return row;
}


void
genai_sim_ledger_clear(genai_sim_ledger_t *l)
{
    __atomic_store_n(&l->first, __atomic_load_n(&l->count, __ATOMIC_RELAXED),
                     __ATOMIC_RELAXED);
}


uint64_t
genai_sim_ledger_first(const genai_sim_ledger_t *l)
{
    uint64_t  first;

    first = l->first + 1;

    if (l->count > l->rows && l->count - l->rows + 1 > first) {
        return l->count - l->rows + 1;
    }

    return first;
}


unsigned char *
genai_sim_ledger_json(const genai_sim_ledger_row_t *row, unsigned char *p)
{
    genai_str_t  text;

    static const genai_str_t  ends[] = {
        genai_str("open"), genai_str("done"), genai_str("gone"),
        genai_str("fault")
    };

    p = genai_sim_put(p, "{\"number\":");
    p = genai_sim_put_uint(p, row->number);
    p = genai_sim_put(p, ",\"started\":");
    p = genai_sim_put_uint(p, row->started);
    p = genai_sim_put(p, ",\"request_id\":\"");
    p = genai_sim_json_escape(p, row->request_id, row->request_id_len);
    p = genai_sim_put(p, "\",\"model\":\"");

    text.data = (unsigned char *) row->model;
    text.len = row->model_len;
    p = genai_sim_put_str(p, &text);

    p = genai_sim_put(p, "\",\"endpoint\":\"");
    p = genai_sim_put_str(p, genai_endpoint_name(row->endpoint));
    p = row->stream ? genai_sim_put(p, "\",\"stream\":true")
                    : genai_sim_put(p, "\",\"stream\":false");
    p = genai_sim_put(p, ",\"prompt_tokens\":");
    p = genai_sim_put_uint(p, row->prompt_tokens);
    p = genai_sim_put(p, ",\"completion_tokens_reported\":");
    p = genai_sim_put_uint(p, row->reported);
    p = genai_sim_put(p, ",\"tokens_written\":");
    p = genai_sim_put_uint(p, row->written);
    p = genai_sim_put(p, ",\"status\":");
    p = genai_sim_put_uint(p, row->status);
    p = genai_sim_put(p, ",\"end\":\"");
    p = genai_sim_put_str(p, &ends[row->end % 4]);

    return genai_sim_put(p, "\"}");
}


void
genai_sim_ledger_answer(const genai_sim_ledger_t *l, genai_sim_answer_t *a,
    const genai_str_t *request_id)
{
    memset(a, 0, offsetof(genai_sim_answer_t, head));

    a->unit = genai_sim_ledger_unit;
    a->ledger = l;
    a->text = *request_id;
    a->step = genai_sim_ledger_first(l);
    a->steps = l->count + 1;
}


static unsigned char *
genai_sim_ledger_unit(genai_sim_answer_t *a, unsigned char *p,
    unsigned char *end)
{
    uint64_t                   n;
    genai_sim_ledger_row_t     row;
    const genai_sim_ledger_t  *l;

    l = a->ledger;

    if (a->state == 2) {
        return p;
    }

    while (a->step < a->steps) {

        n = a->step++;
        row = l->row[(n - 1) % l->rows];

        /* it may have been taken while it was copied */

        if (row.number != n
            || __atomic_load_n(&l->row[(n - 1) % l->rows].number,
                               __ATOMIC_ACQUIRE) != n)
        {
            continue;
        }

        if (a->text.len
            && (a->text.len != row.request_id_len
                || memcmp(a->text.data, row.request_id, a->text.len) != 0))
        {
            continue;
        }

        p = a->state ? genai_sim_put(p, ",\n") : genai_sim_put(p, "[\n");
        a->state = 1;

        return genai_sim_ledger_json(&row, p);
    }

    p = a->state ? genai_sim_put(p, "\n]\n") : genai_sim_put(p, "[]\n");
    a->state = 2;

    return p;
}


/*
 * A text that is too long is cut where neither a character nor an escape is
 * halved (the model's name goes into JSON as it came): at 80 bytes or before
 * its first escape.
 */

static unsigned char
genai_sim_ledger_cut(uint8_t *dst, const genai_str_t *text)
{
    size_t          len;
    unsigned char  *p;

    len = text->len;

    if (len > GENAI_SIM_LEDGER_TEXT) {

        len = GENAI_SIM_LEDGER_TEXT;

        while (len && (text->data[len] & 0xc0) == 0x80) { len--; }

        p = memchr(text->data, '\\', len);

        if (p) {
            len = p - text->data;
        }
    }

    if (len) {
        memcpy(dst, text->data, len);
    }

    return len;
}
