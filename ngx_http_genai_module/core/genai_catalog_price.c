/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What a catalogue says of prices: "price" of an entry, and "prices" of the
 * document, where they are from.
 */


#include "genai_catalog_int.h"


/* of a number that is looked at */
#define GENAI_CATALOG_PRICE_DIGITS  40


static int genai_catalog_price_tiers(genai_catalog_reader_t *r, uint32_t i);
static int genai_catalog_price_tier(genai_catalog_reader_t *r, uint32_t i);
static int genai_catalog_price_rate(genai_catalog_reader_t *r, uint32_t key,
    genai_price_tier_t *tier);
static int genai_catalog_dollars(genai_catalog_reader_t *r, uint32_t i,
    uint64_t *nano);
static int genai_catalog_source(genai_catalog_reader_t *r, uint32_t key);
static int genai_catalog_date(const genai_str_t *s);


/* null is a price that nobody knows, whatever was said before */

int
genai_catalog_price(genai_catalog_reader_t *r, uint32_t i)
{
    int                  rc;
    uint32_t             key, value;
    genai_price_t       *price;
    const genai_tape_t  *t;

    t = &r->tape;
    price = &r->model.price;

    r->model.price_file = r->file;

    if (genai_tape_type(t, i) == GENAI_TAPE_NULL) {
        r->model.no_price = 1;
        return 0;
    }

    if (genai_tape_type(t, i) != GENAI_TAPE_OBJECT) {
        genai_catalog_wrong(r, i, "\"price\" must be an object, or null");
        return 1;
    }

    rc = genai_catalog_twice(r, i);

    if (rc != 0) {
        return rc;
    }

    price->ntiers = 1;

    for (key = genai_tape_first(t, i); key; key = genai_tape_next(t, i, key)) {

        value = genai_tape_value(t, key);

        if (genai_tape_named(t, key, "tiers", 5)) {
            rc = genai_catalog_price_tiers(r, value);

        } else if (genai_tape_named(t, key, "request", 7)) {
            rc = genai_catalog_dollars(r, value, &price->request);
            price->request_said = 1;

        } else {
            rc = genai_catalog_price_rate(r, key, &price->tiers[0]);
        }

        if (rc != 0) {
            return rc;
        }
    }

    return 0;
}


static int
genai_catalog_price_tiers(genai_catalog_reader_t *r, uint32_t i)
{
    int                  rc;
    uint32_t             k;
    const genai_tape_t  *t;

    t = &r->tape;

    if (genai_tape_type(t, i) != GENAI_TAPE_ARRAY) {
        genai_catalog_wrong(r, i, "\"tiers\" must be an array");
        return 1;
    }

    r->model.price.tiers_said = 1;

    for (k = genai_tape_first(t, i); k; k = genai_tape_next(t, i, k)) {

        rc = genai_catalog_price_tier(r, k);

        if (rc != 0) {
            return rc;
        }
    }

    return 0;
}


static int
genai_catalog_price_tier(genai_catalog_reader_t *r, uint32_t i)
{
    int                  rc;
    uint32_t             key;
    genai_price_t       *price;
    const genai_tape_t  *t;
    genai_price_tier_t  *tier;

    t = &r->tape;
    price = &r->model.price;

    if (price->ntiers == GENAI_PRICE_TIERS) {
        genai_catalog_wrong(r, i, "there are at most 3 \"tiers\"");
        return 1;
    }

    if (genai_tape_type(t, i) != GENAI_TAPE_OBJECT) {
        genai_catalog_wrong(r, i, "a tier must be an object");
        return 1;
    }

    rc = genai_catalog_twice(r, i);

    if (rc != 0) {
        return rc;
    }

    tier = &price->tiers[price->ntiers++];

    for (key = genai_tape_first(t, i); key; key = genai_tape_next(t, i, key)) {

        if (!genai_tape_named(t, key, "above", 5)) {
            rc = genai_catalog_price_rate(r, key, tier);

            if (rc != 0) {
                return rc;
            }

            continue;
        }

        if (genai_catalog_int(r, genai_tape_value(t, key),
                              GENAI_CATALOG_TOKENS_MAX, &tier->above)
            == -1)
        {
            tier->above = 0;
            break;
        }
    }

    if (tier->above <= tier[-1].above) {
        genai_catalog_wrong(r, i, "a tier must have \"above\", a number of"
                                  " tokens, and more than the one before it");
        return 1;
    }

    return 0;
}


static int
genai_catalog_price_rate(genai_catalog_reader_t *r, uint32_t key,
    genai_price_tier_t *tier)
{
    int                  k;
    const char          *name;
    const genai_tape_t  *t;

    t = &r->tape;

    for (k = 0; k < GENAI_PRICE_RATES; k++) {

        name = genai_price_name((genai_price_rate_e) k);

        if (genai_tape_named(t, key, name, strlen(name))) {
            tier->said |= genai_price_bit(k);

            return genai_catalog_dollars(r, genai_tape_value(t, key),
                                         &tier->rates[k]);
        }
    }

    if (genai_catalog_ignored(r, key)) {
        return 0;
    }

    genai_catalog_wrong(r, key, "it is no field of a price");

    return 1;
}


/* a number is read as it is written, never as a binary fraction */

static int
genai_catalog_dollars(genai_catalog_reader_t *r, uint32_t i, uint64_t *nano)
{
    genai_str_t        s;
    genai_tape_type_e  type;

    type = genai_tape_type(&r->tape, i);

    if (type == GENAI_TAPE_NUMBER) {
        s = genai_tape_view(&r->tape, i);

    } else if (type == GENAI_TAPE_STRING) {

        if (genai_catalog_decode(r, i, &s) == -1) {
            return -1;
        }

    } else {
        s.len = 0;
    }

    if (s.len > GENAI_CATALOG_PRICE_DIGITS
        || genai_price_parse(&s, nano) == -1)
    {
        genai_catalog_wrong(r, i, "a price is 0 to 10000 dollars, with at most"
                                  " nine digits behind the point");
        return 1;
    }

    return 0;
}


/* "prices": { VENDOR: { "dated": DAY, "source": URL } } */

int
genai_catalog_prices(genai_catalog_reader_t *r, uint32_t i)
{
    int                  rc;
    uint32_t             key;
    const genai_tape_t  *t;

    t = &r->tape;

    if (genai_tape_type(t, i) != GENAI_TAPE_OBJECT) {
        genai_catalog_wrong(r, i, "\"prices\" must be an object");
        return 1;
    }

    rc = genai_catalog_twice(r, i);

    if (rc != 0) {
        return rc;
    }

    for (key = genai_tape_first(t, i); key; key = genai_tape_next(t, i, key)) {

        if (genai_catalog_ignored(r, key)) {
            continue;
        }

        rc = genai_catalog_source(r, key);

        if (rc != 0) {
            return rc;
        }
    }

    return 0;
}


static int
genai_catalog_source(genai_catalog_reader_t *r, uint32_t key)
{
    int                      rc;
    uint32_t                 i, k, value;
    const genai_tape_t      *t;
    genai_catalog_source_t  *s;

    t = &r->tape;
    i = genai_tape_value(t, key);

    s = genai_arena_alloc(r->c->arena, sizeof(genai_catalog_source_t));
    if (s == NULL) {
        return -1;
    }

    memset(s, 0, sizeof(genai_catalog_source_t));

    s->file = r->file;

    rc = genai_catalog_text(r, key, &s->vendor, "the name of a vendor", 0);

    if (rc != 0) {
        return rc;
    }

    if (genai_tape_type(t, i) != GENAI_TAPE_OBJECT) {
        goto wrong;
    }

    rc = genai_catalog_twice(r, i);

    if (rc != 0) {
        return rc;
    }

    for (k = genai_tape_first(t, i); k; k = genai_tape_next(t, i, k)) {

        value = genai_tape_value(t, k);

        if (genai_tape_named(t, k, "dated", 5)) {
            rc = genai_catalog_text(r, value, &s->dated, "\"dated\" must be a"
                                    " day, YYYY-MM-DD", 1);

            if (rc == 0 && !genai_catalog_date(&s->dated)) {
                goto wrong;
            }

        } else if (genai_tape_named(t, k, "source", 6)) {
            rc = genai_catalog_text(r, value, &s->url, "\"source\" must be an"
                                    " address", 1);

        } else if (!genai_catalog_ignored(r, k)) {
            goto wrong;
        }

        if (rc != 0) {
            return rc;
        }
    }

    if (s->dated.len == 0 || s->url.len == 0) {
        goto wrong;
    }

    s->next = r->c->sources;
    r->c->sources = s;

    return 0;

wrong:

    genai_catalog_wrong(r, key, "it must have \"dated\", a day as YYYY-MM-DD,"
                                " and \"source\", an address");
    return 1;
}


static int
genai_catalog_date(const genai_str_t *s)
{
    size_t  i;

    for (i = 0; i < s->len; i++) {

        if ((i == 4 || i == 7) ? s->data[i] != '-'
                               : s->data[i] < '0' || s->data[i] > '9')
        {
            return 0;
        }
    }

    return s->len == 10;
}


const genai_catalog_source_t *
genai_catalog_price_source(const genai_catalog_t *c,
    const genai_catalog_model_t *m)
{
    const genai_catalog_source_t  *s;

    for (s = c->sources; s; s = s->next) {

        /* of that very document: nobody else's date is told for a price */

        if (s->file == m->price_file && m->vendor.len
            && s->vendor.len == m->vendor.len
            && memcmp(s->vendor.data, m->vendor.data, s->vendor.len) == 0)
        {
            return s;
        }
    }

    return NULL;
}
