/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The speed of core/ on one core, without nginx:
 *
 *     build/core-bench [build/bench-core.json]
 *
 * prints one row a measurement and writes them all as a JSON array of
 * {"name", "unit", "value"}.  Every text is generated, the same in each run;
 * every value is the median of many runs, for the machine is shared.
 */


#include "genai_openai_answer.h"
#include "genai_scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>


#define BENCH_RUNS  301
#define BENCH_ROWS  64

/* texts of a kind, taken in turn: one alone would be learned by heart */
#define BENCH_TEXTS 16

/* events of a stream, and how often it is decoded */
#define BENCH_EVENTS   10000
#define BENCH_DECODED  51


typedef struct {
    unsigned char  *data;
    size_t          len;
    size_t          size;
} bench_text_t;


typedef struct {
    char         name[96];
    const char  *unit;
    double       value;
} bench_row_t;


static bench_row_t  rows[BENCH_ROWS];
static unsigned     nrows;
static uint64_t     seed;


static unsigned
bench_random(unsigned below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);

    return (unsigned) (seed >> 33) % below;
}


/* of the processor's steady clock, or 0 where it has none to read */

static uint64_t
bench_cycles(void)
{
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#else
    return 0;
#endif
}


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


static void
bench_row(const char *unit, double value, const char *what, const char *how)
{
    bench_row_t  *row;

    if (nrows == BENCH_ROWS) {
        return;
    }

    row = &rows[nrows++];

    snprintf(row->name, sizeof(row->name), "%s%s%s", what, how ? ", " : "",
             how ? how : "");
    row->unit = unit;
    row->value = value;

    printf("%-52s %10.3f %s\n", row->name, value, unit);
    fflush(stdout);
}


static void
add(bench_text_t *t, const char *s)
{
    size_t  n = strlen(s);

    while (t->size - t->len < n) {
        t->size = t->size ? 2 * t->size : 65536;
        t->data = realloc(t->data, t->size);

        if (t->data == NULL) {
            abort();
        }
    }

    memcpy(t->data + t->len, s, n);
    t->len += n;
}


static void
add_words(bench_text_t *t, unsigned n)
{
    static const char  *words[] = {
        "the", "a", "function", "returns", "list", "of", "files", "that",
        "match", "pattern", "and", "path", "is", "relative", "to", "current",
        "directory", "must", "not", "be", "empty", "when", "value", "given"
    };

    while (n--) {
        add(t, words[bench_random(sizeof(words) / sizeof(words[0]))]);
        add(t, n ? " " : ".");
    }
}


/* eight long texts, as of a retrieval request */

static void
make_long(bench_text_t *t)
{
    int  i;

    add(t, "{\"model\":\"gpt-4o\",\"messages\":[");

    for (i = 0; i < 8; i++) {
        add(t, i ? ",{\"role\":\"user\",\"content\":\""
                 : "{\"role\":\"system\",\"content\":\"");
        add_words(t, 12000);
        add(t, "\"}");
    }

    add(t, "]}");
}


/* an agent's turn: many tools with schemas, many calls and short results */

static void
make_dense(bench_text_t *t)
{
    int       i, j;
    char      line[512];
    unsigned  calls;

    static const char  *types[] = { "string", "integer", "boolean", "number" };

    add(t, "{\"model\":\"gpt-4o\",\"temperature\":0.2,\"max_tokens\":4096,"
           "\"stream\":true,\"stream_options\":{\"include_usage\":true},"
           "\"tools\":[");

    for (i = 0; i < 60; i++) {
        snprintf(line, sizeof(line), "%s{\"type\":\"function\",\"function\":"
                 "{\"name\":\"tool_%d\",\"description\":\"", i ? "," : "", i);
        add(t, line);
        add_words(t, 4 + bench_random(12));
        add(t, "\",\"strict\":true,\"parameters\":{\"type\":\"object\","
               "\"properties\":{");

        for (j = 0; j < 8; j++) {
            snprintf(line, sizeof(line), "%s\"arg_%d\":{\"type\":\"%s\","
                     "\"description\":\"", j ? "," : "", j,
                     types[bench_random(4)]);
            add(t, line);
            add_words(t, 2 + bench_random(6));
            snprintf(line, sizeof(line), "\",\"minimum\":%u,\"maximum\":%u.%u,"
                     "\"enum\":[\"%x\",\"%x\",null,%u]}", bench_random(10),
                     bench_random(100000), bench_random(100),
                     bench_random(4096), bench_random(1 << 20),
                     bench_random(100));
            add(t, line);
        }

        add(t, "},\"required\":[\"arg_0\",\"arg_1\"],"
               "\"additionalProperties\":false}}}");
    }

    add(t, "],\"messages\":[{\"role\":\"system\",\"content\":\"You help.\"}");

    for (calls = 0; t->len < 200000; calls++) {
        snprintf(line, sizeof(line), ",{\"role\":\"assistant\",\"content\":"
                 "null,\"tool_calls\":[{\"id\":\"call_%u\",\"type\":"
                 "\"function\",\"function\":{\"name\":\"tool_%u\","
                 "\"arguments\":\"{\\\"arg_0\\\":%u}\"}}]}"
                 ",{\"role\":\"tool\",\"tool_call_id\":\"call_%u\","
                 "\"content\":\"", calls, bench_random(60),
                 bench_random(100000), calls);
        add(t, line);
        add_words(t, 1 + bench_random(20));
        add(t, "\"}");
    }

    add(t, "]}");
}


static void
make_cjk(bench_text_t *t)
{
    int       i, j;
    char      c[8];
    unsigned  code;

    add(t, "{\"model\":\"gpt-4o\",\"messages\":[");

    for (i = 0; i < 16; i++) {
        add(t, i ? ",{\"role\":\"user\",\"content\":\""
                 : "{\"role\":\"user\",\"content\":\"");

        for (j = 0; j < 8000; j++) {

            if (bench_random(40) == 0) {
                add(t, "\xf0\x9f\x98\x80");         /* an emoji */
                continue;
            }

            if (bench_random(20) == 0) {
                add(t, " ");
                continue;
            }

            code = 0x4e00 + bench_random(0x5000);

            c[0] = (char) (0xe0 | code >> 12);
            c[1] = (char) (0x80 | (code >> 6 & 0x3f));
            c[2] = (char) (0x80 | (code & 0x3f));
            c[3] = 0;

            add(t, c);
        }

        add(t, "\"}");
    }

    add(t, "]}");
}


/* source text and JSON within strings: an escape for about ten bytes */

static void
make_escapes(bench_text_t *t)
{
    int   i;
    char  line[128];

    add(t, "{\"model\":\"gpt-4o\",\"messages\":[{\"role\":\"user\","
           "\"content\":\"");

    for (i = 0; i < 8000; i++) {
        snprintf(line, sizeof(line), "{\\\"key_%u\\\": \\\"%u\\\", \\\"path"
                 "\\\": \\\"a\\\\b\\/c\\\"},\\n\\t// \\u00e9 \\ud83d\\ude00 ",
                 bench_random(1000), bench_random(100000));
        add(t, line);
        add_words(t, bench_random(6));
    }

    add(t, "\"}]}");
}


static double
scan_once(genai_arena_t *arena, const bench_text_t *t,
    genai_scan_edition_e edition, size_t turn)
{
    int           rc;
    double        start;
    genai_scan_t  s;

    genai_arena_reset(arena);

    start = bench_now();

    genai_scan_init(&s, arena, t->data, t->len, 1 << 20);

    if (genai_scan_use(&s, edition) != 0) {
        return 0;
    }

    do {
        rc = genai_scan(&s, turn);
    } while (rc == GENAI_SCAN_AGAIN);

    if (rc != GENAI_SCAN_DONE) {
        fprintf(stderr, "%s at %lu\n", s.error, (unsigned long) s.error_offset);
        exit(1);
    }

    return bench_now() - start;
}


static void
bench_scan(const char *what, void (*make)(bench_text_t *t))
{
    int            i, j, k;
    char           name[64];
    double         took[BENCH_RUNS];
    size_t         bytes;
    bench_text_t   t[BENCH_TEXTS];
    genai_arena_t  arena;

    static const struct {
        genai_scan_edition_e   edition;
        const char            *name;
    } editions[] = {
        { GENAI_SCAN_AVX2, "avx2" },
        { GENAI_SCAN_SSE2, "sse2" },
        { GENAI_SCAN_PORTABLE, "portable" }
    };

    memset(t, 0, sizeof(t));
    bytes = 0;

    for (i = 0; i < BENCH_TEXTS; i++) {
        seed = i + 1;
        make(&t[i]);
        bytes += t[i].len;
    }

    bytes /= BENCH_TEXTS;

    snprintf(name, sizeof(name), "scan %s (%lu KB)", what,
             (unsigned long) (bytes / 1000));

    genai_arena_init(&arena, 256 << 20);

    for (k = 0; k < 3; k++) {

        for (i = 0; i < BENCH_RUNS; i++) {
            j = i % BENCH_TEXTS;
            took[i] = scan_once(&arena, &t[j], editions[k].edition,
                                GENAI_SCAN_TURN) / t[j].len;
        }

        qsort(took, BENCH_RUNS, sizeof(double), bench_compare);

        if (took[BENCH_RUNS / 2] > 0) {
            bench_row("GB/s", 1 / took[BENCH_RUNS / 2] / 1e9, name,
                      editions[k].name);
        }
    }

    genai_arena_destroy(&arena);

    for (i = 0; i < BENCH_TEXTS; i++) {
        free(t[i].data);
    }
}


/* what OpenAI sends: a few bytes of text in about 250 of a chunk */

static void
make_stream(bench_text_t *t)
{
    int   i;
    char  line[256];

    static const char  *more[] = {
        "{\"content\":\" the\"}", "{\"content\":\" directory\"}",
        "{\"content\":\".\\n\\n\"}", "{\"content\":\" caf\xc3\xa9\"}",
        "{\"content\":\" \\\"a\\\"\"}", "{\"content\":\" of\"}",
        "{\"content\":\" function\"}", "{\"content\":\",\"}"
    };

    for (i = 0; i < BENCH_EVENTS - 2; i++) {
        add(t, "data: {\"id\":\"chatcmpl-9AGW3t9akkLW9f5f93B7mOhiqhNMC\","
               "\"object\":\"chat.completion.chunk\",\"created\":"
               "1712233795,\"model\":\"gpt-4o-mini-2024-07-18\","
               "\"system_fingerprint\":\"fp_b28b39ffa8\",\"choices\":[{"
               "\"index\":0,\"delta\":");
        add(t, i ? more[bench_random(sizeof(more) / sizeof(more[0]))]
                 : "{\"role\":\"assistant\",\"content\":\"\"}");
        snprintf(line, sizeof(line), ",\"logprobs\":null,\"finish_reason\":"
                 "%s}]}\n\n", i < BENCH_EVENTS - 3 ? "null" : "\"stop\"");
        add(t, line);
    }

    add(t, "data: {\"id\":\"chatcmpl-9AGW3t9akkLW9f5f93B7mOhiqhNMC\","
           "\"choices\":[],\"usage\":{\"prompt_tokens\":19,"
           "\"completion_tokens\":9998,\"total_tokens\":10017,"
           "\"prompt_tokens_details\":{\"cached_tokens\":0}}}\n\n"
           "data: [DONE]\n\n");
}


/* a whole answer that is one long text: read, and passed over */

static void
make_answer(bench_text_t *t)
{
    add(t, "{\"id\":\"chatcmpl-1\",\"choices\":[{\"index\":0,\"message\":"
           "{\"role\":\"assistant\",\"content\":\"");
    add_words(t, 50000);
    add(t, "\"},\"finish_reason\":\"stop\"}]}");
}


static void
make_skipped(bench_text_t *t)
{
    add(t, "{\"id\":\"chatcmpl-1\",\"unlisted\":[{\"text\":\"");
    add_words(t, 50000);
    add(t, "\"}],\"choices\":[{\"text\":\"a\"}]}");
}


static void
make_answer_cjk(bench_text_t *t)
{
    int   i;
    char  c[4];

    add(t, "{\"id\":\"chatcmpl-1\",\"choices\":[{\"index\":0,\"message\":"
           "{\"role\":\"assistant\",\"content\":\"");

    for (i = 0; i < 100000; i++) {
        c[0] = (char) (0xe4 + bench_random(5));
        c[1] = (char) (0x80 + bench_random(64));
        c[2] = (char) (0x80 + bench_random(64));
        c[3] = 0;

        add(t, bench_random(20) ? c : " ");
    }

    add(t, "\"},\"finish_reason\":\"stop\"}]}");
}


static void
make_answer_code(bench_text_t *t)
{
    int  i;

    add(t, "{\"id\":\"chatcmpl-1\",\"choices\":[{\"index\":0,\"message\":"
           "{\"role\":\"assistant\",\"content\":\"");

    for (i = 0; i < 10000; i++) {
        add_words(t, 1 + bench_random(8));
        add(t, bench_random(2) ? "\\n    " : "\\\"x\\\"");
    }

    add(t, "\"},\"finish_reason\":\"stop\"}]}");
}


static void
make_vectors(bench_text_t *t)
{
    int   i, j;
    char  line[64];

    add(t, "{\"object\":\"list\",\"data\":[");

    for (i = 0; i < 20; i++) {
        add(t, i ? ",{\"object\":\"embedding\",\"embedding\":["
                 : "{\"object\":\"embedding\",\"embedding\":[");

        for (j = 0; j < 1536; j++) {
            snprintf(line, sizeof(line), "%s%s0.0%u%04u", j ? "," : "",
                     bench_random(2) ? "-" : "", bench_random(100000),
                     bench_random(10000));
            add(t, line);
        }

        add(t, "]}");
    }

    add(t, "],\"usage\":{\"prompt_tokens\":8,\"total_tokens\":8}}");
}


static void
make_vectors_base64(bench_text_t *t)
{
    int   i, j;
    char  c[2];

    add(t, "{\"object\":\"list\",\"data\":[");

    for (i = 0; i < 20; i++) {
        add(t, i ? ",{\"embedding\":\"" : "{\"embedding\":\"");

        for (j = 0; j < 8192; j++) {
            c[0] = "ABCDEFGHabcdefgh0123+/"[bench_random(22)];
            c[1] = 0;
            add(t, c);
        }

        add(t, "\"}");
    }

    add(t, "],\"usage\":{\"prompt_tokens\":8,\"total_tokens\":8}}");
}


static int
decode_event(void *ctx, genai_event_t *e)
{
    *(size_t *) ctx += e->text.len;

    return 0;
}


/* in reads of that size, as they come off a connection */

static void
decode_once(const bench_text_t *t, unsigned stream, size_t size)
{
    int                            rc;
    size_t                         at, n, bytes;
    genai_answer_opts_t     opts = { .stream = 0, .choices = 1 };
    static genai_openai_answer_t   a;

    opts.stream = stream;
    bytes = 0;

    genai_openai_answer_init(&a, &opts, decode_event, &bytes);

    for (at = 0, rc = 0; at < t->len && rc == 0; at += n) {
        n = (size < t->len - at) ? size : t->len - at;
        rc = genai_answer_feed(&a.base, t->data + at, n);
    }

    if (rc != 0 || genai_answer_end(&a.base) != 0) {
        fprintf(stderr, "an answer is not decoded\n");
        exit(1);
    }
}


static void
bench_decode(const char *what, void (*make)(bench_text_t *t), unsigned stream)
{
    int           i, k;
    char          how[32];
    double        took[BENCH_DECODED], cycles[BENCH_DECODED], start;
    uint64_t      from;
    bench_text_t  t;

    static const size_t  sizes[] = { 200, 4096, 16384 };

    memset(&t, 0, sizeof(t));
    seed = 1;
    make(&t);

    for (k = stream ? 0 : 2; k < 3; k++) {

        for (i = 0; i < BENCH_DECODED; i++) {
            start = bench_now();
            from = bench_cycles();
            decode_once(&t, stream, sizes[k]);
            cycles[i] = (double) (bench_cycles() - from);
            took[i] = bench_now() - start;
        }

        qsort(took, BENCH_DECODED, sizeof(double), bench_compare);
        qsort(cycles, BENCH_DECODED, sizeof(double), bench_compare);

        snprintf(how, sizeof(how), "reads of %lu", (unsigned long) sizes[k]);

        if (!stream) {
            bench_row("GB/s", t.len / took[BENCH_DECODED / 2] / 1e9, what,
                      how);
            continue;
        }

        bench_row("ns/event", took[BENCH_DECODED / 2] / BENCH_EVENTS * 1e9,
                  what, how);

        if (cycles[BENCH_DECODED / 2] > 0) {
            bench_row("cycles/event",
                      cycles[BENCH_DECODED / 2] / BENCH_EVENTS, what, how);
        }
    }

    free(t.data);
}


static int
bench_write(const char *path)
{
    FILE      *f;
    unsigned   i;

    f = fopen(path, "w");
    if (f == NULL) {
        perror(path);
        return 1;
    }

    fprintf(f, "[\n");

    for (i = 0; i < nrows; i++) {
        fprintf(f, "  {\"name\": \"%s\", \"unit\": \"%s\", "
                "\"value\": %.3f}%s\n", rows[i].name, rows[i].unit,
                rows[i].value, (i + 1 < nrows) ? "," : "");
    }

    fprintf(f, "]\n");

    return fclose(f) ? 1 : 0;
}


int
main(int argc, char **argv)
{
    bench_scan("long strings", make_long);
    bench_scan("dense agent request", make_dense);
    bench_scan("CJK and emoji", make_cjk);
    bench_scan("many escapes", make_escapes);

    bench_decode("decode a stream", make_stream, 1);
    bench_decode("decode a long text", make_answer, 0);
    bench_decode("decode a text in Chinese", make_answer_cjk, 0);
    bench_decode("decode a text with escapes", make_answer_code, 0);
    bench_decode("skip a long text", make_skipped, 0);
    bench_decode("skip vectors of numbers", make_vectors, 0);
    bench_decode("skip vectors in base64", make_vectors_base64, 0);

    return bench_write(argc > 1 ? argv[1] : "build/bench-core.json");
}
