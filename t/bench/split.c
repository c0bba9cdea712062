/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The speed of pre-tokenization and of NFC alone, on one core:
 *
 *     build/split-bench FILE...
 *
 * takes the files together as one text and prints, for each family, MB/s of
 * the best edition and of the portable one, and how long pieces are.  Each
 * value is the median of many runs, for the machine is shared.
 */


#include "genai_split_int.h"
#include "genai_unicode.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>


#define BENCH_RUNS  15
#define BENCH_ENDS  256


static double
bench_now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return ts.tv_sec + ts.tv_nsec / 1e9;
}


static int
bench_compare(const void *a, const void *b)
{
    double  x = *(const double *) a, y = *(const double *) b;

    return (x > y) - (x < y);
}


static double
bench_median(double *times)
{
    qsort(times, BENCH_RUNS, sizeof(double), bench_compare);

    return times[BENCH_RUNS / 2];
}


static void
bench_read(genai_str_t *text, const char *name)
{
    FILE  *f;
    long   n;

    f = fopen(name, "rb");

    if (f == NULL || fseek(f, 0, SEEK_END) != 0 || (n = ftell(f)) < 0) {
        perror(name);
        exit(1);
    }

    rewind(f);

    text->data = realloc(text->data, text->len + n + 1);

    if (text->data == NULL
        || fread(text->data + text->len, 1, n, f) != (size_t) n)
    {
        perror(name);
        exit(1);
    }

    fclose(f);
    text->len += n;
}


/* seconds; *pieces are counted */

static double
bench_split(genai_split_e split, int best, const genai_str_t *text,
    size_t *pieces)
{
    int          run;
    size_t       n;
    double       begin, times[BENCH_RUNS];
    uint32_t     ends[BENCH_ENDS];
    genai_str_t  rest;

    for (run = 0; run < BENCH_RUNS; run++) {
        begin = bench_now();
        rest = *text;
        *pieces = 0;

        while (rest.len) {
            n = best ? genai_split(split, NULL, &rest, 1, ends, BENCH_ENDS)
                : genai_split_portable(split, &rest, 1, ends, BENCH_ENDS);

            *pieces += n;
            rest.data += ends[n - 1];
            rest.len -= ends[n - 1];
        }

        times[run] = bench_now() - begin;
    }

    return bench_median(times);
}


static void
bench_nfc(const genai_str_t *text)
{
    int             run;
    size_t          n;
    double          begin, check[BENCH_RUNS], whole[BENCH_RUNS];
    unsigned char  *dst;

    n = 0;
    dst = malloc(genai_nfc_bound(text->len) + 1);

    if (dst == NULL) {
        abort();
    }

    for (run = 0; run < BENCH_RUNS; run++) {
        begin = bench_now();
        n += genai_nfc_check(text);
        check[run] = bench_now() - begin;

        begin = bench_now();
        n += genai_nfc_write(dst, text);
        whole[run] = bench_now() - begin;
    }

    free(dst);

    printf("  NFC: checked %.0f MB/s, written %.0f MB/s%s\n",
           genai_nfc_check(text) / bench_median(check) / 1e6,
           text->len / bench_median(whole) / 1e6, n ? "" : ", nothing");
}


int
main(int argc, char **argv)
{
    int            i;
    size_t         pieces;
    double         best, portable;
    genai_str_t    text;
    genai_split_e  split;

    text.data = NULL;
    text.len = 0;

    for (i = 1; i < argc; i++) {
        bench_read(&text, argv[i]);
    }

    if (text.len == 0) {
        fprintf(stderr, "usage: %s FILE...\n", argv[0]);
        return 1;
    }

    printf("%s%s: %.2f MB\n", argv[1], (argc > 2) ? " and others" : "",
           text.len / 1e6);

    for (split = GENAI_SPLIT_R50K; split <= GENAI_SPLIT_SPACE; split++) {
        best = bench_split(split, 1, &text, &pieces);
        portable = bench_split(split, 0, &text, &pieces);

        printf("  %-10s %8.0f MB/s, portable %6.0f MB/s, %5.2f bytes a "
               "piece\n", genai_split_name(split), text.len / best / 1e6,
               text.len / portable / 1e6, (double) text.len / pieces);
    }

    bench_nfc(&text);
    free(text.data);

    return 0;
}
