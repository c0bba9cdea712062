/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The words of the books' region: how they are loaded and stored.  Of no use
 * to anybody but the books; genai_books_int.h says which order matters where.
 */


#ifndef _GENAI_BOOKS_WORD_H_INCLUDED_
#define _GENAI_BOOKS_WORD_H_INCLUDED_


#include <stdint.h>


/*
 * Where a test says so, every store is a step at which it can kill the
 * process.
 */
#if (GENAI_BOOKS_STEPS)
extern void  (*genai_books_step)(void);
#define genai_books_step()                                                    \
    do { if (genai_books_step) { (*genai_books_step)(); } } while (0)
#else
#define genai_books_step()
#endif


/* the stores, and the loads of what others store */

static inline uint64_t
genai_books_get(const uint64_t *word)
{
    return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}


static inline void
genai_books_put(uint64_t *word, uint64_t value)
{
    genai_books_step();
    __atomic_store_n(word, value, __ATOMIC_RELEASE);
}


/* where a later put() says that it counts */

static inline void
genai_books_fill(uint64_t *word, uint64_t value)
{
    genai_books_step();
    __atomic_store_n(word, value, __ATOMIC_RELAXED);
}


static inline void
genai_books_name(uint32_t *word, uint32_t value)
{
    genai_books_step();
    __atomic_store_n(word, value, __ATOMIC_RELAXED);
}


static inline int
genai_books_swap(uint64_t *word, uint64_t old, uint64_t value)
{
    genai_books_step();
    return __atomic_compare_exchange_n(word, &old, value, 0, __ATOMIC_ACQ_REL,
                                       __ATOMIC_RELAXED);
}


static inline uint64_t
genai_books_exchange(uint64_t *word, uint64_t value)
{
    genai_books_step();
    return __atomic_exchange_n(word, value, __ATOMIC_SEQ_CST);
}


/* keeps the compiler from moving stores up or down past here */
#define genai_books_barrier()  __atomic_signal_fence(__ATOMIC_SEQ_CST)


static inline uint64_t
genai_books_add(uint64_t *word, uint64_t value)
{
    genai_books_step();
    return __atomic_add_fetch(word, value, __ATOMIC_RELAXED);
}


#endif /* _GENAI_BOOKS_WORD_H_INCLUDED_ */
