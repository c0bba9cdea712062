/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "genai_names.h"


/* nodes that a stack begins with */
#define GENAI_NAMES_ROOM   64

/* any number but 0, in which a name of zero bytes would be lost */
#define GENAI_NAMES_SEED   UINT64_C(0x67656e61692d6f6e)

/* bytes of a name that are one step */
#define GENAI_NAMES_BYTES  8

/* levels of a tree that are in the processor's cache; each one further down
   is as slow as several steps */
#define GENAI_NAMES_NEAR   8
#define GENAI_NAMES_FAR    6


static int genai_names_insert(genai_names_t *s, uint32_t set, uint64_t hash,
    size_t *budget);


static inline void
genai_names_spend(size_t *budget, size_t n)
{
    *budget = (*budget > n) ? *budget - n : 0;
}


void
genai_names_init(genai_names_t *s, genai_arena_t *arena)
{
    memset(s, 0, sizeof(genai_names_t));

    s->arena = arena;
}


uint32_t
genai_names_open(genai_names_t *s)
{
    return s->n;
}


void
genai_names_close(genai_names_t *s, uint32_t set)
{
    s->n = set;
}


void
genai_names_begin(genai_names_t *s, const genai_tape_t *t, uint32_t i)
{
    genai_str_t  name;

    name = genai_tape_view(t, i);

    s->pos = name.data;
    s->end = name.data + name.len;
    s->hash = GENAI_NAMES_SEED;
}


int
genai_names_add(genai_names_t *s, uint32_t set, size_t *budget)
{
    size_t                turn;
    uint32_t              c;
    uint64_t              h;
    const unsigned char  *p, *last;

    p = s->pos;
    h = s->hash;

    turn = (*budget > SIZE_MAX / GENAI_NAMES_BYTES)
           ? SIZE_MAX : *budget * GENAI_NAMES_BYTES;

    last = ((size_t) (s->end - p) > turn) ? p + turn : s->end;

    while (p < last) {

        if (*p < 0x80 && *p != '\\') {
            c = *p++;
            c |= (uint32_t) (c - 'A' < 26) << 5;

        } else {
            c = genai_tape_char(&p);

            if (c == 0) {
                return GENAI_NAMES_ZERO;
            }

            c = genai_tape_fold(c);
        }

        /* a product's high bits depend on all of the factor's */

        h = (h ^ c) * UINT64_C(0x9e3779b97f4a7c15);
        h ^= h >> 29;
    }

    genai_names_spend(budget, (size_t) (p - s->pos) / GENAI_NAMES_BYTES);

    s->pos = p;
    s->hash = h;

    if (p < s->end) {
        return GENAI_NAMES_AGAIN;
    }

    /* the tree begins with the low bits: let all characters into them */

    h = (h ^ h >> 32) * UINT64_C(0xd6e8feb86659fd93);
    h ^= h >> 32;

    return genai_names_insert(s, set, h, budget);
}


static int
genai_names_insert(genai_names_t *s, uint32_t set, uint64_t hash,
    size_t *budget)
{
    void                *p;
    uint32_t             i, *link, room;
    uint64_t             bits;
    size_t               level;
    genai_names_node_t  *node;

    if (s->n == s->room) {
        room = s->room ? 2 * s->room : GENAI_NAMES_ROOM;

        p = genai_arena_grow(s->arena, s->nodes,
                             s->room * sizeof(genai_names_node_t),
                             room * sizeof(genai_names_node_t));
        if (p == NULL) {
            return GENAI_NAMES_NO_MEMORY;
        }

        s->nodes = p;
        s->room = room;
    }

    link = NULL;
    bits = hash;
    level = 0;

    for (i = set; set < s->n; i = *link) {
        node = &s->nodes[i];

        if (node->hash == hash) {
            return GENAI_NAMES_TWICE;
        }

        link = &node->next[bits & 3];
        bits >>= 2;
        level++;

        if (*link == 0) {
            break;
        }
    }

    genai_names_spend(budget, 1 + level);

    if (level > GENAI_NAMES_NEAR) {
        genai_names_spend(budget,
                          (level - GENAI_NAMES_NEAR) * GENAI_NAMES_FAR);
    }

    node = &s->nodes[s->n];

    memset(node, 0, sizeof(genai_names_node_t));

    node->hash = hash;

    if (link) {
        *link = s->n;
    }

    s->n++;

    return GENAI_NAMES_NEW;
}
