/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzing of the scanner: any bytes are a text.  All editions, whole and in
 * turns of random sizes, must come to the same tape or the same error; the
 * tape must be what genai_tape.h says; and the walking reader must agree
 * about what is good.
 *
 *     clang -g -O1 -fsanitize=fuzzer,address,undefined \
 *         -I ngx_http_genai_module/core t/fuzz/fuzz_scan.c \
 *         ngx_http_genai_module/core/genai_{arena,json,scan*,tape}.c
 *
 * Without clang, t/fuzz/replay.c takes the place of -fsanitize=fuzzer and
 * runs files.
 */


#include "genai_scan.h"
#include "genai_sim_json.h"

#include <stdio.h>
#include <stdlib.h>


#define FUZZ_ENTRIES  100000

#define fuzz_check(cond)                                                      \
    do {                                                                      \
        if (!(cond)) {                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond);        \
            abort();                                                          \
        }                                                                     \
    } while (0)


typedef struct {
    int            rc;
    genai_scan_t   s;
    genai_arena_t  arena;
} fuzz_result_t;


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static int
fuzz_scan(fuzz_result_t *r, genai_scan_edition_e edition, const uint8_t *data,
    size_t size, uint32_t *turns)
{
    size_t  turn;

    genai_arena_init(&r->arena, 64 << 20);
    genai_scan_init(&r->s, &r->arena, data, size, FUZZ_ENTRIES);

    if (genai_scan_use(&r->s, edition) != 0) {
        return 0;
    }

    do {
        turn = SIZE_MAX;

        if (turns) {
            *turns = *turns * 1664525 + 1013904223;
            turn = *turns >> 24;
        }

        r->rc = genai_scan(&r->s, turn);
    } while (r->rc == GENAI_SCAN_AGAIN);

    return 1;
}


/* the value at i ends before end and where it says */

static void
fuzz_value(const genai_tape_t *t, uint32_t i, size_t begin, size_t end)
{
    size_t       at, last;
    uint32_t     k, inside;
    genai_str_t  s;

    fuzz_check(i < t->n);
    fuzz_check(t->entries[i].next > i && t->entries[i].next <= t->n);

    s = genai_tape_whole(t, i);
    at = s.data - t->text;
    last = at + s.len;

    fuzz_check(s.len > 0 && at >= begin && last <= end);

    switch (genai_tape_type(t, i)) {

    case GENAI_TAPE_NULL:
        fuzz_check(genai_str_is(&s, "null"));
        break;

    case GENAI_TAPE_FALSE:
        fuzz_check(genai_str_is(&s, "false"));
        break;

    case GENAI_TAPE_TRUE:
        fuzz_check(genai_str_is(&s, "true"));
        break;

    case GENAI_TAPE_NUMBER:
        fuzz_check(s.data[0] == '-'
                   || (s.data[0] >= '0' && s.data[0] <= '9'));
        fuzz_check(s.data[s.len - 1] >= '0' && s.data[s.len - 1] <= '9');
        break;

    case GENAI_TAPE_STRING:
        fuzz_check(s.len >= 2);
        fuzz_check(s.data[0] == '"' && s.data[s.len - 1] == '"');
        fuzz_check((memchr(s.data, '\\', s.len) != NULL)
                   == genai_tape_escaped(t, i));
        fuzz_check(genai_tape_escaped(t, i)
                   || memchr(s.data + 1, '"', s.len - 1)
                      == s.data + s.len - 1);
        break;

    case GENAI_TAPE_ARRAY:
    case GENAI_TAPE_OBJECT:
        inside = i + 1;
        at++;

        fuzz_check(s.data[0]
                   == (genai_tape_type(t, i) == GENAI_TAPE_ARRAY ? '[' : '{'));
        fuzz_check(s.data[s.len - 1] == s.data[0] + 2);

        for (k = genai_tape_first(t, i); k; k = genai_tape_next(t, i, k)) {
            fuzz_check(k == inside);

            if (genai_tape_type(t, i) == GENAI_TAPE_OBJECT) {
                fuzz_check(t->entries[k].type & GENAI_TAPE_KEY);
                fuzz_value(t, k, at, last - 1);

                s = genai_tape_whole(t, k);
                at = s.data + s.len - t->text;
                inside = genai_tape_value(t, k);

                fuzz_check(inside == t->entries[k].next);
            }

            fuzz_check(!(t->entries[inside].type & GENAI_TAPE_KEY));
            fuzz_value(t, inside, at, last - 1);

            s = genai_tape_whole(t, inside);
            at = s.data + s.len - t->text;
            inside = t->entries[inside].next;
        }

        fuzz_check(inside == t->entries[i].next);
        return;

    default:
        fuzz_check(0);
    }

    fuzz_check(t->entries[i].next == i + 1);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int                   k, rc;
    size_t                i;
    uint32_t              seed, *turns;
    genai_sim_json_t          j;
    fuzz_result_t         r, o;
    genai_sim_json_member_t   m;

    static const genai_scan_edition_e  editions[] = {
        GENAI_SCAN_PORTABLE, GENAI_SCAN_SSE2, GENAI_SCAN_AVX2
    };

    fuzz_scan(&r, GENAI_SCAN_PORTABLE, data, size, NULL);

    for (seed = 1, i = 0; i < size; i++) {
        seed = seed * 31 + data[i];
    }

    for (k = 0; k < 6; k++) {

        turns = (k < 3) ? NULL : &seed;

        if (fuzz_scan(&o, editions[k % 3], data, size, turns)) {

            fuzz_check(o.rc == r.rc);

            if (r.rc == GENAI_SCAN_ERROR) {
                fuzz_check(strcmp(o.s.error, r.s.error) == 0);
                fuzz_check(o.s.error_offset == r.s.error_offset);
                fuzz_check(o.s.cause == r.s.cause);

            } else {
                fuzz_check(o.s.tape.n == r.s.tape.n);
                fuzz_check(memcmp(o.s.tape.entries, r.s.tape.entries,
                                  r.s.tape.n * sizeof(genai_entry_t)) == 0);
            }
        }

        genai_arena_destroy(&o.arena);
    }

    if (r.rc == GENAI_SCAN_DONE) {
        fuzz_check(r.s.tape.entries[0].next == r.s.tape.n);
        fuzz_value(&r.s.tape, 0, 0, size);

    } else {
        fuzz_check(r.s.error_offset <= size);
    }

    rc = genai_sim_json_begin(&j, data, size);

    if (rc == 0) {
        while ((rc = genai_sim_json_next(&j, &m)) == 1) { /* void */ }

        if (r.s.cause != GENAI_SCAN_TOO_LARGE) {
            fuzz_check((rc == 0) == (r.rc == GENAI_SCAN_DONE));
        }

    } else if (r.rc == GENAI_SCAN_DONE) {

        /* that reader wants an object or an array */

        fuzz_check(genai_tape_type(&r.s.tape, 0) <= GENAI_TAPE_STRING);
    }

    genai_arena_destroy(&r.arena);

    return 0;
}
