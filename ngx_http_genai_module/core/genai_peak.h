/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The largest value of the last one to two minutes, which any thread of any
 * process adds to without a lock: two words, of the even and of the odd
 * minutes.  A word has the minute above the value, so that what is of an
 * older minute is replaced by the next value.
 *
 * Zeroed memory is a peak without values.  minute is of a clock that all have
 * in common and that goes forwards only; one who is two minutes late may hide
 * a value, no more.
 */


#ifndef _GENAI_PEAK_H_INCLUDED_
#define _GENAI_PEAK_H_INCLUDED_


#include <stdint.h>


/* larger values count as this one: 18 minutes in ns */
#define GENAI_PEAK_BITS  40
#define GENAI_PEAK_MAX   ((UINT64_C(1) << GENAI_PEAK_BITS) - 1)


typedef struct {
    uint64_t   words[2];
} genai_peak_t;


static inline void
genai_peak_add(genai_peak_t *p, uint64_t minute, uint64_t value)
{
    uint64_t  old, new, *word;

    word = &p->words[minute & 1];

    if (value > GENAI_PEAK_MAX) {
        value = GENAI_PEAK_MAX;
    }

    new = minute << GENAI_PEAK_BITS | value;
    old = __atomic_load_n(word, __ATOMIC_RELAXED);

    while ((old >> GENAI_PEAK_BITS != new >> GENAI_PEAK_BITS || old < new)
           && !__atomic_compare_exchange_n(word, &old, new, 0,
                                           __ATOMIC_RELAXED, __ATOMIC_RELAXED))
    {
        /* void */
    }
}


/* of this minute and the one before it; others may be a minute ahead */

static inline uint64_t
genai_peak_get(const genai_peak_t *p, uint64_t minute)
{
    unsigned  i;
    uint64_t  word, max;

    max = 0;

    for (i = 0; i < 2; i++) {

        word = __atomic_load_n(&p->words[i], __ATOMIC_RELAXED);

        if ((word >> GENAI_PEAK_BITS) + 1 - minute <= 2
            && (word & GENAI_PEAK_MAX) > max)
        {
            max = word & GENAI_PEAK_MAX;
        }
    }

    return max;
}


#endif /* _GENAI_PEAK_H_INCLUDED_ */
