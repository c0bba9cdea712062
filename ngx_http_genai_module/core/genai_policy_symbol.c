/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Arrays that grow, and the symbols of a builder: a hash table with linear
 * probing, at most half full.
 */


#include "genai_policy_build_int.h"

#include <stdlib.h>


static uint32_t genai_policy_find_symbol(const genai_policy_builder_t *b,
    const genai_str_t *s, uint32_t hash);
static int genai_policy_grow_places(genai_policy_builder_t *b);


void *
genai_policy_push(genai_policy_builder_t *b, genai_policy_array_t *a,
    size_t size, uint32_t n)
{
    void      *p;
    uint64_t   room;

    if (n > a->room - a->n || a->items == NULL) {

        /* one less than GENAI_POLICY_NONE, and less than 4 GiB of texts */

        room = a->room ? 2 * (uint64_t) a->room : 64;

        while (room < (uint64_t) a->n + n) {
            room *= 2;
        }

        if (room > GENAI_POLICY_NONE - 1) {
            room = GENAI_POLICY_NONE - 1;
        }

        if (room < (uint64_t) a->n + n) {
            b->failed = GENAI_POLICY_BUILD_LARGE;
            return NULL;
        }

        p = realloc(a->items, room * size);
        if (p == NULL) {
            b->failed = GENAI_POLICY_BUILD_MEMORY;
            return NULL;
        }

        a->items = p;
        a->room = room;
    }

    p = (char *) a->items + (size_t) a->n * size;
    memset(p, 0, n * size);

    a->n += n;

    return p;
}


uint32_t
genai_policy_hash(uint32_t seed, const genai_str_t *s)
{
    size_t    i, n;
    uint64_t  h, w;

    h = seed ^ (s->len * UINT64_C(0x9e3779b97f4a7c15));

    for (i = 0; i < s->len; i += sizeof(uint64_t)) {

        n = s->len - i;
        w = 0;
        memcpy(&w, s->data + i, n < sizeof(uint64_t) ? n : sizeof(uint64_t));

        h = (h ^ w) * UINT64_C(0xd6e8feb86659fd93);
        h ^= h >> 32;
    }

    h *= UINT64_C(0xd6e8feb86659fd93);

    return (uint32_t) (h >> 32);
}


uint32_t
genai_policy_intern(genai_policy_builder_t *b, const genai_str_t *s)
{
    char                   *text;
    unsigned                i;
    uint32_t                n, at, hash;
    genai_policy_text_t     place;
    genai_policy_symbol_t  *symbol;

    hash = genai_policy_hash(b->seed, s);

    n = genai_policy_find_symbol(b, s, hash);

    if (n != GENAI_POLICY_NONE) {
        return n;
    }

    if (2 * (uint64_t) b->symbols.n >= b->nplaces
        && genai_policy_grow_places(b) != 0)
    {
        return GENAI_POLICY_NONE;
    }

    place.offset = b->texts.n;
    place.len = s->len;

    text = genai_policy_push(b, &b->texts, 1, s->len);
    if (text == NULL) {
        return GENAI_POLICY_NONE;
    }

    memcpy(text, s->data, s->len);

    n = b->symbols.n;

    symbol = genai_policy_push(b, &b->symbols, sizeof(genai_policy_symbol_t),
                               1);
    if (symbol == NULL) {
        return GENAI_POLICY_NONE;
    }

    symbol->hash = hash;
    symbol->text = place;

    for (i = 0; i < GENAI_POLICY_KINDS; i++) {
        symbol->defs[i] = GENAI_POLICY_NONE;
    }

    at = symbol->hash & (b->nplaces - 1);

    while (b->places[at]) {
        at = (at + 1) & (b->nplaces - 1);
    }

    b->places[at] = n + 1;

    return n;
}


uint32_t
genai_policy_interned(const genai_policy_builder_t *b, const genai_str_t *s)
{
    return genai_policy_find_symbol(b, s, genai_policy_hash(b->seed, s));
}


static uint32_t
genai_policy_find_symbol(const genai_policy_builder_t *b,
    const genai_str_t *s, uint32_t hash)
{
    char                         *texts;
    uint32_t                      at;
    const genai_policy_symbol_t  *symbol;

    if (b->nplaces == 0) {
        return GENAI_POLICY_NONE;
    }

    texts = b->texts.items;

    for (at = hash & (b->nplaces - 1);
         b->places[at];
         at = (at + 1) & (b->nplaces - 1))
    {
        symbol = genai_policy_symbol(b, b->places[at] - 1);

        if (symbol->hash == hash && symbol->text.len == s->len
            && memcmp(texts + symbol->text.offset, s->data, s->len) == 0)
        {
            return b->places[at] - 1;
        }
    }

    return GENAI_POLICY_NONE;
}


/*
 * With linear probing the one that came last can be taken out as if it had
 * never been there; a table that was made anew has them in the same order.
 */

void
genai_policy_forget_symbols(genai_policy_builder_t *b, uint32_t n)
{
    uint32_t  i, at;

    for (i = b->symbols.n; i > n; i--) {

        at = genai_policy_symbol(b, i - 1)->hash & (b->nplaces - 1);

        while (b->places[at] != i) {
            at = (at + 1) & (b->nplaces - 1);
        }

        b->places[at] = 0;
    }

    b->symbols.n = n;
}


static int
genai_policy_grow_places(genai_policy_builder_t *b)
{
    uint32_t   i, n, at, *places;

    n = b->nplaces ? 2 * b->nplaces : 1024;

    places = (n > 0x40000000) ? NULL : calloc(n, sizeof(uint32_t));
    if (places == NULL) {
        b->failed = GENAI_POLICY_BUILD_MEMORY;
        return -1;
    }

    for (i = 0; i < b->symbols.n; i++) {

        at = genai_policy_symbol(b, i)->hash & (n - 1);

        while (places[at]) {
            at = (at + 1) & (n - 1);
        }

        places[at] = i + 1;
    }

    free(b->places);

    b->places = places;
    b->nplaces = n;

    return 0;
}


genai_str_t
genai_policy_symbol_text(const genai_policy_builder_t *b, uint32_t symbol)
{
    genai_str_t          s;
    genai_policy_text_t  text;

    text = genai_policy_symbol(b, symbol)->text;

    s.data = (unsigned char *) b->texts.items + text.offset;
    s.len = text.len;

    return s;
}
