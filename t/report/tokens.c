/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Counts recorded requests, and answers in OpenAI's shape, and compares with
 * the usage that their providers reported: tables for docs/TOKENS.md.
 *
 *     tokens-report FIXTURES VOCABULARIES CATALOGUE [--list|--all]
 *
 * --list prints a line for each recording whose prompt we count differently,
 * --all one for each.
 * The exit code is 1 where a count that is called exact was not.
 */


#include "genai_catalog.h"
#include "genai_counter.h"
#include "genai_framing.h"
#include "genai_openai_request.h"
#include "genai_prompt.h"
#include "genai_vocab_file.h"

#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


#define REPORT_VOCABS  64
#define REPORT_ROWS    512
#define REPORT_NAMES   100000
#define REPORT_CASES   4096


typedef struct {
    char                     key[256];
    unsigned                 n;
    unsigned                 equal;
    unsigned                 claimed;   /* as exact */
    unsigned                 wrong;     /* though claimed */
    double                   error;     /* sum of relative ones */
    double                   worst;
} report_row_t;


typedef struct {
    const char              *fixtures;
    const char              *vocabs;
    int                      list;

    genai_arena_t            arena;
    genai_catalog_t         *catalog;

    genai_vocab_file_t       files[REPORT_VOCABS];
    uint8_t                  state[REPORT_VOCABS];  /* 1: open, 2: cannot be */

    uint64_t                 seen[REPORT_CASES];
    unsigned                 nseen;

    report_row_t             prompts[REPORT_ROWS];
    unsigned                 nprompts;
    report_row_t             answers[REPORT_ROWS];
    unsigned                 nanswers;

    unsigned                 skipped;
    unsigned                 unknown;
    unsigned                 above;     /* more than our bound */
} report_t;


/* folders are PROVIDER.ENDPOINT; the rest of them has another shape */

static const struct {
    const char             *folder;
    const genai_dialect_t  *dialect;
    genai_endpoint_e        endpoint;
} report_endpoints[] = {
    { "chat", &genai_openai, GENAI_ENDPOINT_CHAT },
    { "completions", &genai_openai, GENAI_ENDPOINT_COMPLETIONS },
    { "embeddings", &genai_openai, GENAI_ENDPOINT_EMBEDDINGS },
    { "responses", &genai_responses, GENAI_ENDPOINT_RESPONSES },
    { "messages", &genai_anthropic, GENAI_ENDPOINT_MESSAGES },
    { "count_tokens", &genai_anthropic, GENAI_ENDPOINT_COUNT_TOKENS },
    { "generateContent", &genai_gemini, GENAI_ENDPOINT_GENERATE },
    { "streamGenerateContent", &genai_gemini, GENAI_ENDPOINT_GENERATE },
    { "countTokens", &genai_gemini, GENAI_ENDPOINT_COUNT_TOKENS },
    { NULL, NULL, GENAI_ENDPOINT_NONE }
};


/*
 * Recordings that are not what a provider said: answers that somebody made
 * up, or of another model than the one that was asked.
 */

static const char  *report_made_up[] = {
    "test_tools_streaming", "other.", NULL
};


/*
 * Names behind which there was another model, up to a month: what is in the
 * catalogue is what they mean now.
 */

static const struct {
    const char  *name;
    int          until;                 /* year * 100 + month, not included */
    const char  *was;
} report_aliases[] = {
    { "deepseek-chat", 202508, "deepseek-v3" },
    { NULL, 0, NULL }
};


static const char *
report_alias(const char *name, json_t *meta)
{
    int          i, k, month, year;
    char         word[8];
    const char  *date;

    static const char  months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

    date = json_string_value(json_object_get(
                                 json_object_get(meta, "response_headers"),
                                 "date"));

    if (date == NULL || sscanf(date, "%*s %*d %3s %d", word, &year) != 2) {
        return name;
    }

    for (month = 1; month <= 12; month++) {
        if (strncmp(months + 3 * (month - 1), word, 3) == 0) {
            break;
        }
    }

    k = year * 100 + month;

    for (i = 0; report_aliases[i].name; i++) {
        if (k < report_aliases[i].until
            && strcmp(report_aliases[i].name, name) == 0)
        {
            return report_aliases[i].was;
        }
    }

    return name;
}


static void
report_die(const char *what, const char *name)
{
    fprintf(stderr, "tokens-report: %s: %s\n", what, name);
    exit(2);
}


static int
report_read(const char *path, genai_str_t *text)
{
    long   n;
    FILE  *f;

    f = fopen(path, "rb");
    if (f == NULL) {
        return -1;
    }

    if (fseek(f, 0, SEEK_END) == -1 || (n = ftell(f)) == -1
        || fseek(f, 0, SEEK_SET) == -1)
    {
        fclose(f);
        return -1;
    }

    text->data = malloc(n + 1);
    text->len = text->data ? fread(text->data, 1, n, f) : 0;

    fclose(f);

    return text->data ? 0 : -1;
}


static int64_t
report_count(const genai_vocab_t *v, const genai_str_t *text)
{
    int64_t          n;
    genai_counter_t  c;

    genai_counter_init(&c, v, NULL);

    n = (genai_counter_text(&c, text, GENAI_COUNTER_ALL)
         == GENAI_COUNTER_DONE) ? (int64_t) c.tokens : -1;

    genai_counter_done(&c);

    return n;
}


static int64_t
report_count_c(const genai_vocab_t *v, const char *text)
{
    genai_str_t  s;

    s.data = (unsigned char *) text;
    s.len = strlen(text);

    return report_count(v, &s);
}


/* the vocabulary of that number, or NULL */

static const genai_vocab_t *
report_vocab(report_t *r, uint32_t n)
{
    size_t              all;
    char                path[1024], problem[GENAI_VOCAB_FILE_PROBLEM];
    const genai_str_t  *names;

    names = genai_catalog_vocabs(r->catalog, &all);

    if (n >= all || n >= REPORT_VOCABS) {
        return NULL;
    }

    if (r->state[n] == 0) {

        snprintf(path, sizeof(path), "%s/%s.vocab", r->vocabs,
                 (char *) names[n].data);

        r->state[n] = (genai_vocab_file_open(&r->files[n], path, &names[n],
                                             GENAI_SPLIT_LAST, problem)
                       == 0) ? 1 : 2;

        if (r->state[n] == 2) {
            fprintf(stderr, "tokens-report: %s\n", problem);
        }
    }

    return (r->state[n] == 1) ? &r->files[n].vocab : NULL;
}


static void
report_row(report_row_t *rows, unsigned *n, const char *key, double ours,
    double theirs, int claimed)
{
    double    e;
    unsigned  i;

    for (i = 0; i < *n; i++) {
        if (strcmp(rows[i].key, key) == 0) {
            break;
        }
    }

    if (i == *n) {

        if (*n == REPORT_ROWS) {
            return;
        }

        memset(&rows[i], 0, sizeof(report_row_t));
        snprintf(rows[i].key, sizeof(rows[i].key), "%s", key);
        (*n)++;
    }

    e = (ours > theirs ? ours - theirs : theirs - ours)
        / (theirs > 0 ? theirs : 1);

    rows[i].n++;
    rows[i].equal += (ours == theirs);
    rows[i].claimed += claimed;
    rows[i].wrong += (claimed && ours != theirs);
    rows[i].error += e;

    if (e > rows[i].worst) {
        rows[i].worst = e;
    }
}


/* what a request has, beside a text of a user's */

static void
report_features(char *dst, size_t size, const genai_request_t *req,
    const genai_framing_t *f)
{
    int                     tools, calls, system, turns, media;
    uint32_t                i;
    const genai_segment_t  *s;

    tools = calls = system = turns = media = 0;

    for (i = 0; i < req->nsegments; i++) {

        s = &req->segments[i];

        tools |= (s->kind == GENAI_SEGMENT_TOOL_NAME);
        calls |= (s->kind == GENAI_SEGMENT_CALL_NAME
                  || s->role == GENAI_ROLE_TOOL);
        system |= (s->role == GENAI_ROLE_SYSTEM
                   || s->role == GENAI_ROLE_DEVELOPER);
        turns |= (s->role == GENAI_ROLE_ASSISTANT);
        media |= (s->kind >= GENAI_SEGMENT_IMAGE);
    }

    snprintf(dst, size, "%s%s%s%s%s%s", system ? ", system" : "",
             turns ? ", turns" : "", tools ? ", tools" : "",
             calls ? ", calls" : "", media ? ", media" : "",
             f->format || f->json ? ", format" : "");

    if (dst[0] == '\0') {
        snprintf(dst, size, ", text");
    }
}


/* whether our count of the prompt is in *p */

static int
report_prompt(genai_request_t *req, genai_arena_t *arena,
    const genai_catalog_model_t *m, const genai_vocab_t *v,
    genai_prompt_t *p)
{
    int  rc;

    genai_prompt_init(p, req, m, v, 0, NULL, arena);

    do {
        rc = genai_prompt_run(p, NULL, SIZE_MAX / 4);
    } while (rc == GENAI_PROMPT_AGAIN);

    genai_prompt_stop(p);

    return rc == GENAI_PROMPT_DONE;
}


static void
report_answer(report_t *r, const genai_catalog_model_t *m,
    const genai_vocab_t *v, const char *provider, uint32_t doubt,
    json_t *expected, json_t *usage)
{
    char                     key[256], *dump;
    size_t                   i;
    json_t                  *calls, *call, *args;
    double                   n;
    uint32_t                 why;
    const char              *s;
    genai_framing_answer_t   a;

    memset(&a, 0, sizeof(a));

    s = json_string_value(json_object_get(expected, "text"));
    a.text = s ? report_count_c(v, s) : 0;

    /* thoughts that are not shown cannot be counted */

    s = json_string_value(json_object_get(expected, "reasoning"));

    if (s) {
        a.reasoning = report_count_c(v, s);

    } else if (json_integer_value(json_object_get(usage, "reasoning"))) {
        return;
    }

    calls = json_object_get(expected, "tool_calls");

    json_array_foreach(calls, i, call) {

        a.ncalls++;

        s = json_string_value(json_object_get(call, "name"));
        a.names += s ? report_count_c(v, s) : 0;

        args = json_object_get(call, "args");
        s = json_string_value(args);
        dump = s ? NULL : json_dumps(args, JSON_COMPACT|JSON_ENCODE_ANY);
        a.arguments += report_count_c(v, s ? s : dump ? dump : "");
        free(dump);
    }

    /* a refusal, or a call in the older way, which nobody wrote down */

    if (a.text == 0 && a.ncalls == 0) {
        return;
    }

    s = json_string_value(json_object_get(expected, "finish"));

    a.cut = (s && strcmp(s, "length") == 0);
    a.choices = 1;
    a.estimated = doubt;

    n = genai_framing_answer(m, &a, &why) * m->factor;

    snprintf(key, sizeof(key), "%s | %s | %s%s", provider,
             genai_framing_name(m->framing), a.ncalls ? "calls" : "text",
             a.reasoning ? ", reasoning" : "");

    report_row(r->answers, &r->nanswers, key, (double) (uint64_t) (n + 0.5),
               (double) json_integer_value(json_object_get(usage, "output")),
               why == 0 && m->exact);
}


static int
report_twice(report_t *r, const genai_str_t *body, long long usage)
{
    size_t    i;
    uint64_t  h;
    unsigned  k;

    h = 14695981039346656037ull ^ (uint64_t) usage;

    for (i = 0; i < body->len; i++) {
        h = (h ^ body->data[i]) * 1099511628211ull;
    }

    for (k = 0; k < r->nseen; k++) {
        if (r->seen[k] == h) {
            return 1;
        }
    }

    if (r->nseen < REPORT_CASES) {
        r->seen[r->nseen++] = h;
    }

    return 0;
}


static void
report_one(report_t *r, const char *folder, const char *name, int kind)
{
    int                           exact;
    char                          path[1024], feature[128], key[256];
    char                          provider[64], model_name[256];
    long long                     input;
    json_t                       *meta, *expected, *usage, *model;
    genai_str_t                   body, s;
    const genai_str_t            *word;
    genai_arena_t                 arena;
    genai_prompt_t                p;
    genai_request_t               req;
    const genai_vocab_t          *v;
    const genai_catalog_model_t  *m;

    snprintf(path, sizeof(path), "%s/%s/%s.meta.json", r->fixtures, folder,
             name);
    meta = json_load_file(path, 0, NULL);

    snprintf(path, sizeof(path), "%s/%s/%s.request.json", r->fixtures, folder,
             name);

    if (meta == NULL || report_read(path, &body) == -1) {
        json_decref(meta);
        return;
    }

    expected = json_object_get(meta, "expected");
    usage = json_object_get(expected, "usage");
    input = json_integer_value(json_object_get(usage, "input"));

    if (input == 0) {
        input = json_integer_value(json_object_get(expected, "count"));
    }

    if (report_endpoints[kind].dialect == &genai_anthropic) {

        /* there they are not in it */

        input += json_integer_value(json_object_get(usage, "cached_input"))
                 + json_integer_value(json_object_get(usage, "cache_write"));
    }

    if (json_integer_value(json_object_get(meta, "status")) != 200
        || input == 0 || report_twice(r, &body, input))
    {
        free(body.data);
        json_decref(meta);
        return;
    }

    snprintf(provider, sizeof(provider), "%.*s",
             (int) strcspn(folder, "."), folder);

    genai_arena_init(&arena, (size_t) 1 << 30);
    genai_request_init(&req, report_endpoints[kind].dialect,
                       report_endpoints[kind].endpoint, &body, &arena);

    if (genai_request_read(&req, SIZE_MAX) != GENAI_REQUEST_DONE) {
        r->skipped++;
        goto done;
    }

    model = json_object_get(meta, "model");

    if (req.model) {
        s = genai_tape_view(&req.tape, req.model);
        snprintf(model_name, sizeof(model_name), "%.*s", (int) s.len, s.data);

    } else {
        snprintf(model_name, sizeof(model_name), "%s",
                 json_string_value(model) ? json_string_value(model) : "");
    }

    s.data = (unsigned char *) report_alias(model_name, meta);
    s.len = strlen((char *) s.data);

    m = genai_catalog_find(r->catalog, &s);
    exact = 1;
    v = m ? report_vocab(r, m->vocab) : NULL;

    if (v == NULL) {
        r->unknown++;
        goto done;
    }

    if (!report_prompt(&req, &arena, m, v, &p)) {
        r->skipped++;
        goto done;
    }

    exact = p.exact;
    r->above += ((long long) p.bound < input);

    report_features(feature, sizeof(feature), &req, &p.framing);

    word = genai_endpoint_name(req.endpoint);

    snprintf(key, sizeof(key), "%s | %s | %.*s%s", provider,
             genai_framing_name(m->framing),
             (int) (req.endpoint == GENAI_ENDPOINT_CHAT ? 0 : word->len),
             word->data,
             req.endpoint == GENAI_ENDPOINT_CHAT ? feature + 2
             : genai_endpoint_talks(req.endpoint) ? feature : "");

    report_row(r->prompts, &r->nprompts, key, (double) p.tokens,
               (double) input, exact);

    if (r->list && (r->list > 1 || p.tokens != input)) {
        printf("%+6lld %6lld %s %s%s%s %s\n", (long long) p.tokens - input,
               input, key, model_name, exact ? " EXACT" : " ",
               genai_framing_why(p.estimated), name);
        printf("    bound %lld%s\n", (long long) p.bound,
               p.bound < input ? " ABOVE" : "");
    }

    if (req.endpoint == GENAI_ENDPOINT_CHAT && req.choices == 1
        && json_integer_value(json_object_get(usage, "output")))
    {
        report_answer(r, m, v, provider, p.answer, expected, usage);
    }

done:

    genai_arena_destroy(&arena);
    free(body.data);
    json_decref(meta);
}


static int
report_is_meta(const struct dirent *e)
{
    size_t  n;

    n = strlen(e->d_name);

    return n > 10 && strcmp(e->d_name + n - 10, ".meta.json") == 0;
}


static void
report_folder(report_t *r, const char *folder)
{
    int              i, k, n, kind;
    char             path[1024];
    struct dirent  **names;

    for (i = 0; report_endpoints[i].folder; i++) {
        if (strchr(folder, '.')
            && strcmp(strchr(folder, '.') + 1, report_endpoints[i].folder)
               == 0)
        {
            break;
        }
    }

    kind = i;

    if (report_endpoints[kind].folder == NULL) {
        return;
    }

    snprintf(path, sizeof(path), "%s/%s", r->fixtures, folder);
    n = scandir(path, &names, report_is_meta, alphasort);

    for (i = 0; i < n; i++) {

        names[i]->d_name[strlen(names[i]->d_name) - 10] = '\0';

        for (k = 0; report_made_up[k]; k++) {
            if (strstr(names[i]->d_name, report_made_up[k])
                || strncmp(folder, report_made_up[k],
                           strlen(report_made_up[k])) == 0)
            {
                break;
            }
        }

        if (report_made_up[k] == NULL) {
            report_one(r, folder, names[i]->d_name, kind);
        }

        free(names[i]);
    }

    if (n >= 0) {
        free(names);
    }
}


static int
report_order(const void *one, const void *two)
{
    return strcmp(((const report_row_t *) one)->key,
                  ((const report_row_t *) two)->key);
}


static unsigned
report_table(report_row_t *rows, unsigned n)
{
    unsigned             i, all, equal, claimed, wrong;
    const report_row_t  *row;

    qsort(rows, n, sizeof(report_row_t), report_order);

    all = equal = claimed = wrong = 0;

    printf("| provider | framing | with | recordings | equal | called exact |"
           " mean error | worst |\n|---|---|---|--:|--:|--:|--:|--:|\n");

    for (i = 0; i < n; i++) {
        row = &rows[i];

        printf("| %s | %u | %u | %u | %.1f %% | %.1f %% |\n", row->key,
               row->n, row->equal, row->claimed, 100 * row->error / row->n,
               100 * row->worst);

        all += row->n;
        equal += row->equal;
        claimed += row->claimed;
        wrong += row->wrong;
    }

    printf("\n%u recordings, %u equal; %u are called exact, %u of them are"
           " not.\n", all, equal, claimed, wrong);

    return wrong;
}


int
main(int argc, char **argv)
{
    int              i, n;
    unsigned         wrong;
    genai_str_t      text;
    struct dirent  **names;

    static report_t  r;

    if (argc < 4) {
        report_die("usage", "FIXTURES VOCABULARIES CATALOGUE [--list|--all]");
    }

    r.fixtures = argv[1];
    r.vocabs = argv[2];
    r.list = (argc > 4 && strcmp(argv[4], "--list") == 0)
             + 2 * (argc > 4 && strcmp(argv[4], "--all") == 0);

    genai_arena_init(&r.arena, (size_t) 1 << 30);
    r.catalog = genai_catalog_create(&r.arena);

    if (report_read(argv[3], &text) == -1) {
        report_die("cannot read", argv[3]);
    }

    if (r.catalog == NULL || genai_catalog_add(r.catalog, argv[3], &text) != 0
        || genai_catalog_done(r.catalog) != 0)
    {
        report_die("bad catalogue", argv[3]);
    }

    free(text.data);

    n = scandir(r.fixtures, &names, NULL, alphasort);

    if (n < 0) {
        report_die("cannot read", r.fixtures);
    }

    for (i = 0; i < n; i++) {

        if (names[i]->d_name[0] != '.') {
            report_folder(&r, names[i]->d_name);
        }

        free(names[i]);
    }

    free(names);

    printf("### Prompts\n\n");
    wrong = report_table(r.prompts, r.nprompts);
    printf("%u were more than our bound.\n", r.above);

    printf("\n### Answers\n\n");
    wrong += report_table(r.answers, r.nanswers);

    if (r.unknown || r.skipped) {
        printf("\n%u recordings of models or vocabularies that are not there,"
               " %u requests that the gateway refuses.\n", r.unknown,
               r.skipped);
    }

    for (i = 0; i < REPORT_VOCABS; i++) {
        if (r.state[i] == 1) {
            genai_vocab_file_close(&r.files[i]);
        }
    }

    genai_arena_destroy(&r.arena);

    return wrong ? 1 : 0;
}
