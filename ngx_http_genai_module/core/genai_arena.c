/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The size of a piece tells where it lives: above GENAI_ARENA_BIG in a chunk
 * of its own, right behind the header, else in a shared one.  A piece that
 * grows over the border moves, and so the rule always holds and no piece
 * needs a header.
 *
 * Under the address sanitizer the bytes that belong to no piece are poisoned,
 * so that a write past a piece is found although malloc() would not mind.
 */


#ifndef _GNU_SOURCE
#define _GNU_SOURCE             /* mremap() */
#endif

#include "genai_arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>


#if defined(__SANITIZE_ADDRESS__)
#define GENAI_ARENA_ASAN  1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define GENAI_ARENA_ASAN  1
#endif
#endif

#if (GENAI_ARENA_ASAN)
#include <sanitizer/asan_interface.h>
#define genai_arena_hide(p, n)  ASAN_POISON_MEMORY_REGION(p, n)
#define genai_arena_show(p, n)  ASAN_UNPOISON_MEMORY_REGION(p, n)
#else
#define genai_arena_hide(p, n)
#define genai_arena_show(p, n)
#endif


#define GENAI_ARENA_FIRST  8192
#define GENAI_ARENA_MOST   65536

/*
 * Chunks from here on are mapped, so that one that grows moves pages and not
 * bytes: realloc() does that too, but only until a large chunk was freed.
 * The sanitizer knows what malloc() gives and nothing else.
 */
#if (GENAI_ARENA_ASAN || !defined(MREMAP_MAYMOVE))
#define GENAI_ARENA_MAPPED  SIZE_MAX
#else
#define GENAI_ARENA_MAPPED  (2 * GENAI_ARENA_MOST)
#endif


struct genai_chunk_s {
    genai_chunk_t  *prev;
    genai_chunk_t  *next;
    size_t          size;           /* the header's bytes counted */
    size_t          drained;        /* bytes, from its end */
};


#define GENAI_ARENA_HEADER                                                    \
    ((sizeof(genai_chunk_t) + GENAI_ARENA_ALIGN - 1)                          \
     & ~(size_t) (GENAI_ARENA_ALIGN - 1))

#define genai_arena_data(c)   ((unsigned char *) (c) + GENAI_ARENA_HEADER)
#define genai_arena_chunk(p)                                                  \
    ((genai_chunk_t *) (void *) ((unsigned char *) (p) - GENAI_ARENA_HEADER))


/* what a piece takes, a multiple of the alignment; 0 where that overflows */

static inline size_t
genai_arena_round(size_t size)
{
    return (size > SIZE_MAX / 2) ? 0
           : ((size ? size : 1) + GENAI_ARENA_ALIGN - 1)
             & ~(size_t) (GENAI_ARENA_ALIGN - 1);
}


static void *
genai_arena_map(size_t n)
{
    void  *p;

    if (n < GENAI_ARENA_MAPPED) {
        return malloc(n);
    }

    p = mmap(NULL, n, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0);

    return (p == MAP_FAILED) ? NULL : p;
}


static void
genai_arena_unmap(void *p, size_t n)
{
    if (n < GENAI_ARENA_MAPPED) {
        free(p);

    } else {
        (void) munmap(p, n);
    }
}


/* makes old bytes at p more, n of them */

static void *
genai_arena_remap(void *p, size_t old, size_t n)
{
    void  *q;

    if (n < GENAI_ARENA_MAPPED) {
        return realloc(p, n);
    }

#ifdef MREMAP_MAYMOVE

    if (old >= GENAI_ARENA_MAPPED) {
        q = mremap(p, old, n, MREMAP_MAYMOVE);

        return (q == MAP_FAILED) ? NULL : q;
    }

#endif

    q = genai_arena_map(n);

    if (q) {
        memcpy(q, p, old);
        free(p);
    }

    return q;
}


/* a chunk of n bytes behind the header, linked nowhere yet */

static genai_chunk_t *
genai_arena_take(genai_arena_t *a, size_t n)
{
    genai_chunk_t  *c;

    n += GENAI_ARENA_HEADER;

    if (n > a->limit - a->used) {
        return NULL;
    }

    c = genai_arena_map(n);
    if (c == NULL) {
        return NULL;
    }

    c->prev = NULL;
    c->next = NULL;
    c->size = n;
    c->drained = 0;
    a->used += n;

    return c;
}


/* begins a new chunk to cut from, with room for n bytes at least */

static int
genai_arena_more(genai_arena_t *a, size_t n)
{
    size_t          size, left;
    genai_chunk_t  *c;

    size = a->next - GENAI_ARENA_HEADER;
    left = a->limit - a->used;

    /* the last chunk before the limit is as small as it must be */

    if (left < a->next) {
        size = (left < GENAI_ARENA_HEADER) ? 0 : left - GENAI_ARENA_HEADER;
    }

    c = genai_arena_take(a, (size < n) ? n : size);
    if (c == NULL) {
        return -1;
    }

    c->next = a->chunks;

    if (a->chunks) {
        a->chunks->prev = c;
    }

    a->chunks = c;
    a->pos = genai_arena_data(c);
    a->end = (unsigned char *) c + c->size;
    a->last = NULL;

    genai_arena_hide(a->pos, a->end - a->pos);

    if (a->next < GENAI_ARENA_MOST) {
        a->next *= 2;
    }

    return 0;
}


/* a piece of n bytes as a chunk of its own, linked behind the first */

static void *
genai_arena_big(genai_arena_t *a, size_t n)
{
    genai_chunk_t  *c;

    if (a->chunks == NULL && genai_arena_more(a, 0) != 0) {
        return NULL;
    }

    c = genai_arena_take(a, n);
    if (c == NULL) {
        return NULL;
    }

    c->prev = a->chunks;
    c->next = a->chunks->next;

    if (c->next) {
        c->next->prev = c;
    }

    a->chunks->next = c;

    return genai_arena_data(c);
}


void
genai_arena_init(genai_arena_t *a, size_t limit)
{
    a->chunks = NULL;
    a->pos = NULL;
    a->end = NULL;
    a->last = NULL;
    a->next = GENAI_ARENA_FIRST;
    a->limit = limit;
    a->used = 0;
}


void *
genai_arena_alloc(genai_arena_t *a, size_t size)
{
    void    *p;
    size_t   n;

    n = genai_arena_round(size);

    if (n == 0) {
        return NULL;
    }

    if (n > GENAI_ARENA_BIG) {
        p = genai_arena_big(a, n);

        if (p) {
            genai_arena_hide((unsigned char *) p + size, n - size);
        }

        return p;
    }

    if (n > (size_t) (a->end - a->pos) && genai_arena_more(a, n) != 0) {
        return NULL;
    }

    p = a->pos;
    a->last = a->pos;
    a->pos += n;

    genai_arena_show(p, size);

    return p;
}


/* the piece and its new size are both big: its chunk is what grows */

static void *
genai_arena_stretch(genai_arena_t *a, void *p, size_t n)
{
    size_t          more;
    genai_chunk_t  *c;

    c = genai_arena_chunk(p);
    n += GENAI_ARENA_HEADER;
    more = n - c->size;

    if (more > a->limit - a->used) {
        return NULL;
    }

    c = genai_arena_remap(c, c->size, n);
    if (c == NULL) {
        return NULL;
    }

    c->size = n;
    a->used += more;

    /* it may have moved; there is always a chunk before it */

    c->prev->next = c;

    if (c->next) {
        c->next->prev = c;
    }

    return genai_arena_data(c);
}


void *
genai_arena_grow(genai_arena_t *a, void *p, size_t old, size_t size)
{
    void    *q;
    size_t   m, n;

    if (p == NULL) {
        return genai_arena_alloc(a, size);
    }

    m = genai_arena_round(old);
    n = genai_arena_round(size);

    if (n == 0) {
        return NULL;
    }

    if (n == m) {
        genai_arena_show(p, size);
        return p;
    }

    if (m > GENAI_ARENA_BIG) {
        genai_arena_show((unsigned char *) p + old, m - old);

        q = genai_arena_stretch(a, p, n);

        if (q) {
            genai_arena_hide((unsigned char *) q + size, n - size);
        }

        return q;
    }

    if (p == a->last && n <= GENAI_ARENA_BIG
        && n <= (size_t) (a->end - a->last))
    {
        a->pos = a->last + n;
        genai_arena_show(p, size);

        return p;
    }

    q = genai_arena_alloc(a, size);

    if (q == NULL) {
        return NULL;
    }

    memcpy(q, p, old);

    if (p == a->last) {

        /* it went to a chunk of its own: the next piece may have its place */

        a->pos = a->last;
        a->last = NULL;

        genai_arena_hide(a->pos, a->end - a->pos);
    }

    return q;
}


static void
genai_arena_free(genai_arena_t *a, genai_chunk_t *c)
{
    genai_chunk_t  *next;

    while (c) {
        next = c->next;
        a->used -= c->size;
        genai_arena_unmap(c, c->size);
        c = next;
    }
}


void
genai_arena_reset(genai_arena_t *a)
{
    genai_chunk_t  *c;

    c = a->chunks;

    if (c == NULL) {
        return;
    }

    genai_arena_free(a, c->next);

    c->next = NULL;
    a->pos = genai_arena_data(c);
    a->last = NULL;

    genai_arena_hide(a->pos, a->end - a->pos);
}


void
genai_arena_destroy(genai_arena_t *a)
{
    genai_arena_free(a, a->chunks);
    genai_arena_init(a, a->limit);
}


int
genai_arena_drain(genai_arena_t *a, size_t budget)
{
    size_t          n, page, room;
    uintptr_t       start, end;
    genai_chunk_t  *c;

    page = sysconf(_SC_PAGESIZE);
    budget = budget ? budget : 1;

    while (a->chunks) {

        c = a->chunks;

        /* the whole pages behind the header, the last ones first */

        start = ((uintptr_t) genai_arena_data(c) + page - 1) & ~(page - 1);
        end = ((uintptr_t) c + c->size) & ~(page - 1);

        room = (end > start) ? end - start : 0;

        if (c->drained < room && c->size > GENAI_ARENA_MOST) {

            if (budget == 0) {
                return 1;
            }

            n = room - c->drained;
            n = (n < budget) ? n : (budget + page - 1) & ~(page - 1);

            (void) madvise((void *) (end - c->drained - n), n, MADV_DONTNEED);

            c->drained += n;
            budget -= (n < budget) ? n : budget;

            continue;
        }

        /* what is left of a large one is next to nothing */

        n = c->drained ? GENAI_ARENA_HEADER : c->size;

        if (budget == 0) {
            return 1;
        }

        a->chunks = c->next;
        budget -= (n < budget) ? n : budget;

        genai_arena_unmap(c, c->size);
    }

    genai_arena_init(a, a->limit);

    return 0;
}
