/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What a large policy costs, on one core, without nginx:
 *
 *     build/policy-bench [build/bench-policy.json]
 *
 * prints one row a measurement and writes them all as a JSON array of
 * {"name", "unit", "value"}.  The policies are generated, the same in each
 * run; a value is the median of some runs, and time is that of the processor,
 * for the machine is shared.
 */


#include "genai_policy_build.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>


#define BENCH_RUNS     11
#define BENCH_LOOKUPS  1000000

/* 2026-11-22T12:00:00Z */
#define BENCH_NOW      INT64_C(1795348800)


static FILE      *json;
static unsigned   nrows;


static double
bench_now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);

    return ts.tv_sec + ts.tv_nsec / 1e9;
}


static int
bench_compare(const void *a, const void *b)
{
    double  x = *(const double *) a, y = *(const double *) b;

    return (x > y) - (x < y);
}


static void
bench_row(unsigned keys, const char *what, double value, const char *unit)
{
    char  name[96];

    snprintf(name, sizeof(name), "policy of %u keys, %s", keys, what);

    printf("%-52s %10.3f %s\n", name, value, unit);
    fflush(stdout);

    if (json) {
        fprintf(json, "%s\n  {\"name\": \"%s\", \"unit\": \"%s\", \"value\":"
                " %.6g}", nrows ? "," : "[", name, unit, value);
    }

    nrows++;
}


/* all that a key can have; a team for 100 of them, a user for 10 */

static char *
bench_policy(unsigned keys, size_t *len)
{
    char           *text, *p, hex[GENAI_DIGEST_HEX + 1], secret[16];
    unsigned        i;
    unsigned char   digest[GENAI_DIGEST_LEN];

    text = malloc((size_t) keys * 512 + 4096);

    if (text == NULL) {
        abort();
    }

    p = text + sprintf(text, "{\n \"schema\": 1,\n \"plans\": {\n  \"gold\": {"
                       "\"limits\": [\"60 requests/1m\", \"8 concurrent\"]}\n"
                       " },\n \"teams\": {");

    for (i = 0; i < keys / 100 + 1; i++) {
        p += sprintf(p, i < 10 ? "%s\n  \"t%u\": {}" : "%s\n  \"t%u\":"
                     " {\"parent\": \"t%u\"}", i ? "," : "", i, i / 10);
    }

    p += sprintf(p, "\n },\n \"users\": {");

    for (i = 0; i < keys / 10 + 1; i++) {
        p += sprintf(p, "%s\n  \"u%u\": {\"team\": \"t%u\"}", i ? "," : "", i,
                     i / 10);
    }

    p += sprintf(p, "\n },\n \"keys\": {");

    for (i = 0; i < keys; i++) {

        genai_digest(secret, sprintf(secret, "k%u", i), digest);
        *genai_digest_write((unsigned char *) hex, digest) = '\0';

        p += sprintf(p, "%s\n  \"key-%07u\": {\n   \"sha256\": [\"%s\"],\n"
                     "   \"team\": \"t%u\", \"user\": \"u%u\","
                     " \"plan\": \"gold\",\n   \"endpoints\": [\"chat\","
                     " \"embeddings\"], \"priority\": \"high\",\n"
                     "   \"not_before\": \"2026-01-01T00:00:00Z\",\n"
                     "   \"not_after\": \"2027-01-01T00:00:00Z\",\n"
                     "   \"labels\": {\"cost_center\": \"%u\"}\n  }",
                     i ? "," : "", i, hex, i / 100, i / 10, i % 100);
    }

    p += sprintf(p, "\n }\n}\n");

    *len = p - text;

    return text;
}


static void
bench_lookups(unsigned keys, const genai_policy_t *policy)
{
    char                          secret[16];
    double                        t, times[BENCH_RUNS];
    unsigned                      i, k, found;
    uint64_t                      seed;
    unsigned char               (*digests)[GENAI_DIGEST_LEN];
    const genai_policy_object_t  *key;

    digests = malloc((size_t) BENCH_LOOKUPS * GENAI_DIGEST_LEN);

    if (digests == NULL) {
        abort();
    }

    seed = 1;

    for (i = 0; i < BENCH_LOOKUPS; i++) {
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
        genai_digest(secret, sprintf(secret, "k%u",
                                     (unsigned) (seed >> 33) % keys),
                     digests[i]);
    }

    found = 0;

    for (k = 0; k < BENCH_RUNS; k++) {

        t = bench_now();

        for (i = 0; i < BENCH_LOOKUPS; i++) {
            found += (genai_policy_lookup(policy, digests[i], BENCH_NOW, &key)
                      == GENAI_POLICY_OK);
        }

        times[k] = bench_now() - t;
    }

    if (found != BENCH_RUNS * BENCH_LOOKUPS) {
        fprintf(stderr, "only %u are found\n", found);
        exit(1);
    }

    qsort(times, BENCH_RUNS, sizeof(double), bench_compare);

    bench_row(keys, "lookup of a digest", times[BENCH_RUNS / 2]
              / BENCH_LOOKUPS * 1e9, "ns");

    free(digests);
}


static void
bench_build(unsigned keys, unsigned runs)
{
    char                    *text;
    void                    *data;
    double                   t, times[BENCH_RUNS];
    size_t                   len, size;
    unsigned                 i;
    struct rusage            before, after;
    const genai_policy_t    *policy;
    genai_policy_builder_t  *b;

    text = bench_policy(keys, &len);

    getrusage(RUSAGE_SELF, &before);

    for (i = 0; i < runs; i++) {

        t = bench_now();

        b = genai_policy_builder_create(NULL);

        if (b == NULL || genai_policy_add(b, "a.json", text, len, 0) != 0
            || genai_policy_build(b, 1, BENCH_NOW * 1000, &data, &size) != 0)
        {
            fprintf(stderr, "cannot build\n");
            exit(1);
        }

        genai_policy_builder_destroy(b);

        times[i] = bench_now() - t;

        if (i + 1 < runs) {
            free(data);
        }
    }

    getrusage(RUSAGE_SELF, &after);

    qsort(times, runs, sizeof(double), bench_compare);

    bench_row(keys, "text", (double) len / keys, "bytes a key");
    bench_row(keys, "from text to snapshot", times[runs / 2] * 1e3, "ms");
    bench_row(keys, "memory meanwhile",
              (after.ru_maxrss - before.ru_maxrss) / 1024.0, "MiB");
    bench_row(keys, "snapshot", (double) size / keys, "bytes a key");

    if (genai_policy_open(data, size, &policy) != NULL) {
        abort();
    }

    bench_lookups(keys, policy);

    free(text);
    free(data);
}


int
main(int argc, char **argv)
{
    if (argc > 1) {
        json = fopen(argv[1], "w");

        if (json == NULL) {
            perror(argv[1]);
            return 1;
        }
    }

    bench_build(1000, BENCH_RUNS);
    bench_build(100000, BENCH_RUNS);
    bench_build(1000000, 1);

    if (json) {
        fprintf(json, "\n]\n");
        fclose(json);
    }

    return 0;
}
