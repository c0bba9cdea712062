/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What holds for the pieces of any text, for unit tests and fuzzing: both
 * editions agree, the pieces are all of the text, and they are the same when
 * the text comes in two parts and in batches of any size.
 */


#ifndef _GENAI_TEST_SPLIT_H_INCLUDED_
#define _GENAI_TEST_SPLIT_H_INCLUDED_


#include "genai_split_int.h"
#include "genai_split_pattern.h"

#include <stdio.h>
#include <stdlib.h>


#define SPLIT_UNUSED  __attribute__((unused))

typedef size_t (*split_pt)(genai_split_e split, const genai_str_t *text,
    int last, uint32_t *ends, size_t max);


SPLIT_UNUSED static size_t
split_best(genai_split_e split, const genai_str_t *text, int last,
    uint32_t *ends, size_t max)
{
    return genai_split(split, NULL, text, last, ends, max);
}


/* the editions that there are here */

SPLIT_UNUSED static const split_pt  split_editions[] = {
    genai_split_portable,
#if defined(__x86_64__)
    genai_split_avx2,
#endif
    split_best
};

#define SPLIT_EDITIONS  (sizeof(split_editions) / sizeof(split_editions[0]))


SPLIT_UNUSED static int
split_has(size_t edition)
{
#if defined(__x86_64__)
    return edition != 1 || __builtin_cpu_supports("avx2");
#else
    return 1;
#endif
}


/*
 * Cuts text from base on, which is known to end at cut, in batches of max.
 * The ends must be those of want from n on.
 *
 * Returns how many of want are found now, or -1 with *what set.
 */

SPLIT_UNUSED static long
split_part(split_pt edition, genai_split_e split, const genai_str_t *text,
    size_t cut, int last, const uint32_t *want, size_t nwant, size_t n,
    size_t max, const char **what)
{
    size_t       i, got, base;
    uint32_t     ends[256];
    genai_str_t  part;

    base = n ? want[n - 1] : 0;

    for ( ;; ) {
        part.data = text->data + base;
        part.len = cut - base;

        got = edition(split, &part, last, ends, max);

        if (got == 0) {
            break;
        }

        if (got > max) {
            *what = "more ends than asked for";
            return -1;
        }

        for (i = 0; i < got; i++, n++) {
            if (n >= nwant || want[n] != base + ends[i]) {
                *what = last ? "another piece in batches"
                             : "a piece that more text changes";
                return -1;
            }
        }

        base += ends[got - 1];
    }

    if (last && base != cut) {
        *what = "text that is in no piece";
        return -1;
    }

    return (long) n;
}


/*
 * Checks all that must hold; *n ends are in *ends, which the caller frees.
 * seed makes the places of the cut and the sizes of batches.
 *
 * Returns NULL, or what is wrong.
 */

SPLIT_UNUSED static const char *
split_check(genai_split_e split, const genai_str_t *text, uint32_t seed,
    uint32_t **ends, size_t *n)
{
    long         now;
    size_t       i, k, m, cut, max;
    uint32_t    *other;
    const char  *what;

    *ends = malloc((text->len + 1) * sizeof(uint32_t));
    other = malloc((text->len + 1) * sizeof(uint32_t));
    what = NULL;

    if (*ends == NULL || other == NULL) {
        abort();
    }

    *n = genai_split_portable(split, text, 1, *ends, text->len + 1);

    for (i = 0; i < *n; i++) {
        if ((*ends)[i] <= (i ? (*ends)[i - 1] : 0)) {
            what = "ends that do not ascend";
            goto done;
        }
    }

    if (text->len && (*n == 0 || (*ends)[*n - 1] != text->len)) {
        what = "a text that is not all cut";
        goto done;
    }

    for (k = 0; k < SPLIT_EDITIONS; k++) {

        if (!split_has(k)) {
            continue;
        }

        m = split_editions[k](split, text, 1, other, text->len + 1);

        if (m != *n || memcmp(*ends, other, m * sizeof(uint32_t)) != 0) {
            what = "editions that differ";
            goto done;
        }

        seed = seed * 1664525 + 1013904223;
        cut = (seed >> 8) % (text->len + 1);

        while (cut < text->len && (text->data[cut] & 0xc0) == 0x80) {
            cut++;
        }

        max = 1 + (seed >> 4) % 256;

        now = split_part(split_editions[k], split, text, cut, 0, *ends, *n,
                         0, max, &what);
        if (now != -1) {
            (void) split_part(split_editions[k], split, text, text->len, 1,
                              *ends, *n, now, max, &what);
        }

        if (what) {
            break;
        }
    }

done:

    free(other);

    return what;
}


#endif /* _GENAI_TEST_SPLIT_H_INCLUDED_ */
