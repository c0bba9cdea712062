/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "tap.h"
#include "genai_catalog.h"

#include <pthread.h>
#include <time.h>


#define NTHREADS  4


typedef struct {
    genai_arena_t     arena;
    genai_catalog_t  *c;
} catalog_t;


static void
begin(catalog_t *k)
{
    genai_arena_init(&k->arena, (size_t) 1 << 28);
    k->c = genai_catalog_create(&k->arena);

    if (k->c == NULL) {
        abort();
    }
}


/* the text is gone at once */

static int
add(catalog_t *k, const char *file, const char *text)
{
    int          rc;
    char        *name;
    genai_str_t  s;

    s.len = strlen(text);
    s.data = malloc(s.len + 1);
    memcpy(s.data, text, s.len);
    name = strdup(file);

    rc = genai_catalog_add(k->c, name, &s);

    memset(s.data, 'x', s.len);
    memset(name, 'x', strlen(name));
    free(s.data);
    free(name);

    return rc;
}


static const genai_catalog_model_t *
find(const catalog_t *k, const char *name)
{
    const genai_catalog_model_t  *m;
    genai_str_t                   s;

    /* not terminated, so that what is read behind it is found */

    s.len = strlen(name);
    s.data = malloc(s.len ? s.len : 1);
    memcpy(s.data, name, s.len);

    m = genai_catalog_find(k->c, &s);

    free(s.data);

    return m;
}


static void
is_entry(const catalog_t *k, const char *name, const char *want)
{
    char                          got[300];
    const genai_catalog_model_t  *m;

    m = find(k, name);

    snprintf(got, sizeof(got), "%.*s%s", m ? (int) m->name.len : 4,
             m ? (char *) m->name.data : "none", m && m->pattern ? "*" : "");

    is_str(got, want, "\"%s\" is %s", name, want);
}


static void
names(void)
{
    catalog_t  k;

    begin(&k);

    is_int(add(&k, "a.json",
               "{\"schema\":1,\"prefixes\":[\"us.\",\"vendor.\",\"us.x.\"],"
               "\"models\":{\"gpt\":{},\"gpt-4*\":{},\"gpt-4o*\":{},"
               "\"gpt-4o\":{},\"gpt-4o-mini*\":{},\"GPT-4O-Mini-Old\":{},"
               "\"org/special\":{},\"claude-*\":{},\"z*\":{},\"zz\":{},"
               "\"x-ignored\":5,\"#\":[]}}"), 0, "a document");
    is_int(genai_catalog_done(k.c), 0, "done");
    ok(genai_catalog_findings(k.c) == NULL, "nothing to complain of");

    is_entry(&k, "gpt", "gpt");
    is_entry(&k, "gpt-3", "none");
    is_entry(&k, "gp", "none");
    is_entry(&k, "", "none");
    is_entry(&k, "gpt-4", "gpt-4*");
    is_entry(&k, "gpt-4-turbo", "gpt-4*");
    is_entry(&k, "gpt-4o", "gpt-4o");
    is_entry(&k, "gpt-4o-2024-05-13", "gpt-4o*");
    is_entry(&k, "gpt-4o-mini", "gpt-4o-mini*");
    is_entry(&k, "gpt-4o-mini-2024", "gpt-4o-mini*");
    is_entry(&k, "GPT-4o-MINI-old", "gpt-4o-mini-old");
    is_entry(&k, "gpt-4o-mini-olde", "gpt-4o-mini*");
    is_entry(&k, "gpt-4o-minh", "gpt-4o*");
    is_entry(&k, "gpt-4o-minj", "gpt-4o*");
    is_entry(&k, "gpt-4p", "gpt-4*");
    is_entry(&k, "z", "z*");
    is_entry(&k, "zz", "zz");
    is_entry(&k, "zzz", "z*");
    is_entry(&k, "~", "none");
    is_entry(&k, "openai/gpt-4o", "gpt-4o");
    is_entry(&k, "a/b/c/gpt-4o-x", "gpt-4o*");
    is_entry(&k, "org/special", "org/special");
    is_entry(&k, "other/special", "none");
    is_entry(&k, "us.vendor.claude-3-v1:0", "claude-*");
    is_entry(&k, "us.x.claude-3", "claude-*");
    is_entry(&k, "a/us.vendor.claude-3", "claude-*");
    is_entry(&k, "us.us.us.us.us.us.us.us.us.gpt", "none");
    is_entry(&k, "us.", "none");
    is_entry(&k, "gpt/", "none");
    is_entry(&k, "x-ignored", "none");

    genai_arena_destroy(&k.arena);
}


static void
fields(void)
{
    size_t                        n;
    catalog_t                     k;
    const genai_catalog_model_t  *m;

    begin(&k);

    is_int(add(&k, "a.json",
               "{\"schema\":1,\"revision\":\"r1\",\"models\":{"
               "\"a*\":{\"vendor\":\"V\",\"tokenizer\":\"o200k\",\"framing\":"
               "\"openai\",\"context\":1000,\"input\":900,\"output\":100,"
               "\"modalities\":[\"text\",\"image\"],\"image\":{\"tiles\":"
               "[85,170]}},"
               "\"b\":{\"like\":\"a*\",\"output\":50},"
               "\"c\":{\"like\":\"b\",\"tokenizer\":\"other\",\"factor\":"
               "[1.1,1.5]},"
               "\"d\":{\"like\":\"c\",\"kind\":\"embedding\"},"
               "\"e\":{\"like\":\"c\",\"factor\":[2,3]},"
               "\"f\":{\"tokenizer\":\"gemma\",\"fallback\":[\"o200k\",1.03,"
               "1.6]},"
               "\"g\":{\"like\":\"f\"},\"h\":{\"like\":\"any\"},"
               "\"gone\":{\"context\":5},\"any*\":{\"context\":7}}}"), 0,
           "a document");
    is_int(add(&k, "b.json",
               "{\"schema\":1,\"revision\":\"r2\",\"models\":{"
               "\"A*\":{\"context\":2000},\"gone\":null,"
               "\"f\":{\"tokenizer\":\"own\"}}}"), 0, "another one over it");
    is_int(genai_catalog_done(k.c), 0, "done");
    ok(genai_catalog_findings(k.c) == NULL, "nothing to complain of");
    is_text(*genai_catalog_revision(k.c), "r2", "the later revision");

    m = find(&k, "a1");
    is_text(m->vendor, "V", "vendor");
    is_text(m->tokenizer, "o200k", "tokenizer");
    ok(m->exact && m->factor == 1 && m->factor_max == 1, "exact");
    is_int(m->framing, GENAI_FRAMING_OPENAI, "framing");
    is_int(m->context, 2000, "context of the overlay");
    is_int(m->input, 900, "input");
    is_int(m->output, 100, "output");
    is_int(m->modalities, GENAI_MODALITY_TEXT|GENAI_MODALITY_IMAGE,
           "modalities");
    ok(m->image == GENAI_IMAGE_TILES && m->image_a == 85
       && m->image_b == 170, "image");
    is_str(m->file, "b.json", "where it was said last");
    is_int(m->line, 1, "and its line");

    m = find(&k, "b");
    ok(m->output == 50 && m->context == 2000 && m->exact
       && m->image_b == 170, "like another");

    m = find(&k, "c");
    ok(!m->exact && m->factor == 1.1 && m->factor_max == 1.5
       && m->output == 50, "like one that is like another");
    is_text(m->tokenizer, "other", "with its own tokenizer");

    m = find(&k, "d");
    ok(m->embedding && !m->exact && m->factor == 1.1, "a factor is taken");
    is_text(m->tokenizer, "other", "with its tokenizer");

    m = find(&k, "e");
    ok(!m->exact && m->factor == 2 && m->factor_max == 3, "a factor alone");

    m = find(&k, "f");
    is_text(m->tokenizer, "own", "a tokenizer of the overlay");
    is_int(m->fallback.len, 0, "for which no fallback is known");

    ok(find(&k, "gone") == NULL, "removed");
    is_int(find(&k, "h")->context, 7, "like what a name would find");

    (void) genai_catalog_vocabs(k.c, &n);
    is_int(n, 3, "vocabularies");
    ok(find(&k, "a")->vocab == find(&k, "b")->vocab
       && find(&k, "a")->vocab != find(&k, "c")->vocab, "by number");
    is_int(find(&k, "h")->vocab, GENAI_CATALOG_NO_VOCAB, "or none");

    (void) genai_catalog_models(k.c, &n);
    is_int(n, 9, "entries");

    genai_arena_destroy(&k.arena);
}


/* one finding, as "LINE LEVEL OBJECT: TEXT" */

static void
complains(const char *text, int rc, const char *want)
{
    char                            got[1024];
    catalog_t                       k;
    const genai_catalog_finding_t  *f;

    begin(&k);

    is_int(add(&k, "f.json", text), rc, "%s", text);
    is_int(genai_catalog_done(k.c), 0, "done");

    f = genai_catalog_findings(k.c);

    if (f == NULL) {
        fail("a finding: %s", want);
        goto done;
    }

    snprintf(got, sizeof(got), "%u %s %s: %s", f->line,
             genai_catalog_level(f->level), f->object, f->text);

    is_str(got, want, "its finding");
    ok(f->next == NULL, "the only one");
    is_str(f->file, "f.json", "of the file");

done:

    genai_arena_destroy(&k.arena);
}


#define ENTRY(fields)  "{\"schema\":1,\n\"models\":{\n\"a\":" fields "}}"

#define SAYS(fields, text)                                                    \
    complains(ENTRY(fields), 0, "3 left out models.a: " text)


static void
findings(void)
{
    int        i;
    char      *text, *p;
    catalog_t  k;

    complains("", 1, "1 broken : the text is empty");
    complains("[]", 1, "1 broken : it is no object");
    complains("{\n\"schema\":2}", 1, "2 broken : 2: \"schema\" must be 1");
    complains("{}", 1, "1 broken : \"schema\" must be 1");
    complains("{\"schema\":1,\"Schema\":1}", 1,
              "1 broken : \"Schema\": it stands twice, or in another case");
    complains("{\"schema\":1,\"modells\":{}}", 1,
              "1 broken : \"modells\": it is no field of a catalogue");
    complains("{\"schema\":1,\"models\":[]}", 1,
              "1 broken : []: \"models\" must be an object");
    complains("{\"schema\":1,\"prefixes\":{}}", 1,
              "1 broken : {}: \"prefixes\" must be an array");
    complains("{\"schema\":1,\"prefixes\":[1]}", 1,
              "1 broken : 1: an array of texts");
    complains("{\"schema\":1,\n\n\"models\":{\"a\":{},\"A\":{}}}", 1,
              "3 broken : \"A\": it stands twice, or in another case");
    complains("{\"schema\":1,\"models\":{\"\":{}}}", 0,
              "1 left out models: \"\": a name has 1 to 256 bytes, none of"
              " them a zero");
    complains("{\"schema\":1,\"models\":{\"a\":null}}", 0,
              "1 warning models.a: there is nothing of that name to remove");
    complains("{\"schema\":1,\"models\":{\"a\":{\"like\":\"b\"}}}", 0,
              "1 warning a: it is like \"b\", which there is not");
    complains("{\"schema\":1,\"models\":{\"a\":{\"like\":\"b\"},"
              "\"b\":{\"like\":\"a\"}}}", 0,
              "1 warning b: it is like \"a\", which is like it, or like too"
              " many others");
    complains("{\"schema\":1,\"models\":{\"a\":{\"context\":5,\"output\":9}}}",
              0, "1 warning a: its output, 9, is more than its context, 5,"
              " which holds");
    complains("{\"schema\":1,\"models\":{\"a\":{\"context\":5,\"input\":9}}}",
              0, "1 warning a: its input, 9, is more than its context, 5,"
              " which holds");

    SAYS("5", "5: it is neither an object nor null");
    SAYS("{\"contxt\":5}", "\"contxt\": it is no field of a model");
    SAYS("{\"context\":-5}", "-5: \"context\" must be a number of tokens");
    SAYS("{\"context\":1.5}", "1.5: \"context\" must be a number of tokens");
    SAYS("{\"context\":\"5\"}",
         "\"5\": \"context\" must be a number of tokens");
    SAYS("{\"context\":99999999999999999999}", "99999999999999999999:"
         " \"context\" must be a number of tokens");
    SAYS("{\"tokenizer\":\"a b\"}", "\"a b\": \"tokenizer\" must be the name"
         " of a vocabulary");
    SAYS("{\"tokenizer\":7}", "7: \"tokenizer\" must be the name of a"
         " vocabulary");
    SAYS("{\"framing\":\"x\"}", "\"x\": \"framing\" must be one that is"
         " known, see docs/CATALOG.md");
    SAYS("{\"factor\":[2,1]}", "[2,1]: \"factor\" must be two numbers of 0.05"
         " to 20, [likely, at most]");
    SAYS("{\"factor\":[1,2,3]}", "[1,2,3]: \"factor\" must be two numbers of"
         " 0.05 to 20, [likely, at most]");
    SAYS("{\"fallback\":[\"a\",1]}", "[\"a\",1]: \"fallback\" must be"
         " [vocabulary, likely, at most], with numbers of 0.05 to 20");
    SAYS("{\"modalities\":[\"smell\"]}", "[\"smell\"]: \"modalities\" must be"
         " an array of text, image, audio, video, file");
    SAYS("{\"image\":{\"tiles\":[1]}}", "{\"tiles\":[1]}: \"image\" must be a"
         " rule that is known, see docs/CATALOG.md");
    SAYS("{\"kind\":\"x\"}", "\"x\": \"kind\" must be \"chat\" or"
         " \"embedding\"");
    SAYS("{\"a\\nb\xc2\x85\":5}", "\"a\\nb?""?\": it is no field of a model");

    /* more than are kept */

    begin(&k);

    text = malloc(65536);
    p = text + sprintf(text, "{\"schema\":1,\"models\":{");

    for (i = 0; i < 1100; i++) {
        p += sprintf(p, "%s\"m%d\":{\"x\":1}", i ? "," : "", i);
    }

    sprintf(p, "}}");

    is_int(add(&k, "f", text), 0, "many are wrong");
    is_int(genai_catalog_findings_lost(k.c), 100, "some are not kept");
    is_int(genai_catalog_done(k.c), 0, "done");

    free(text);
    genai_arena_destroy(&k.arena);
}


static void
memory(void)
{
    int               rc;
    size_t            limit;
    genai_str_t       s;
    genai_arena_t     arena;
    genai_catalog_t  *c;

    static const char  text[] =
        "{\"schema\":1,\"prefixes\":[\"a.\"],\"models\":{\"a*\":{\"like\":"
        "\"b\",\"vendor\":\"v\"},\"b\":{\"tokenizer\":\"t\",\"fallback\":"
        "[\"u\",1,2]},\"c\":5}}";

    s.data = (unsigned char *) text;
    s.len = sizeof(text) - 1;

    for (limit = 0; limit < 65536; limit += 512) {

        genai_arena_init(&arena, limit);

        c = genai_catalog_create(&arena);
        rc = c ? genai_catalog_add(c, "f", &s) : -1;

        if (rc == 0) {
            rc = genai_catalog_done(c);
        }

        quiet_ok(rc == 0 || rc == -1, "%lu bytes", (unsigned long) limit);
        genai_arena_destroy(&arena);
    }

    ok(rc == 0, "with enough memory it is made");
}


static void *
asker(void *data)
{
    int               i;
    genai_str_t       s;
    const catalog_t  *k;

    k = data;

    for (i = 0; i < 100000; i++) {
        s.data = (unsigned char *) "us.vendor.m1234-x";
        s.len = 17;

        if (genai_catalog_find(k->c, &s) == NULL) {
            return data;
        }
    }

    return NULL;
}


static void
many(void)
{
    int               i, bad;
    char             *text, *p, name[64];
    void             *rc;
    double            ns;
    size_t            n;
    catalog_t         k;
    pthread_t         threads[NTHREADS];
    struct timespec   t0, t1;

    begin(&k);

    text = malloc(1 << 20);
    p = text + sprintf(text, "{\"schema\":1,\"prefixes\":[\"us.\","
                             "\"vendor.\"],\"models\":{");

    for (i = 0; i < 10000; i++) {
        p += sprintf(p, "%s\"m%d%s\":{\"context\":%d}", i ? "," : "", i,
                     i % 3 ? "*" : "", i);
    }

    sprintf(p, "}}");

    is_int(add(&k, "f", text), 0, "10,000 models");
    is_int(genai_catalog_done(k.c), 0, "done");
    free(text);

    (void) genai_catalog_models(k.c, &n);
    is_int(n, 10000, "are all there");

    bad = 0;

    for (i = 0; i < 10000; i++) {
        sprintf(name, "m%d", i);
        bad += (find(&k, name) == NULL
                || find(&k, name)->context != (uint64_t) i);
    }

    is_int(bad, 0, "and found");

    for (i = 0; i < NTHREADS; i++) {
        if (pthread_create(&threads[i], NULL, asker, &k) != 0) {
            abort();
        }
    }

    for (i = 0; i < NTHREADS; i++) {
        pthread_join(threads[i], &rc);
        ok(rc == NULL, "asked from a thread");
    }

    clock_gettime(CLOCK_MONOTONIC, &t0);
    (void) asker(&k);
    clock_gettime(CLOCK_MONOTONIC, &t1);

    ns = ((t1.tv_sec - t0.tv_sec) * 1e9 + (t1.tv_nsec - t0.tv_nsec)) / 1e5;
    diag("%.0f ns a name", ns);

    genai_arena_destroy(&k.arena);
}


static void
framings(void)
{
    int          i;
    genai_str_t  s;

    for (i = 0; i < GENAI_FRAMING_LAST; i++) {
        s.data = (unsigned char *) genai_framing_name(i);
        s.len = strlen((char *) s.data);
        quiet_ok(s.len && genai_framing_by_name(&s) == (genai_framing_e) i,
                 "framing %d has a name", i);
    }

    is_str(genai_framing_name(GENAI_FRAMING_CLS), "cls", "the last one");
    is_str(genai_framing_name(GENAI_FRAMING_LAST), "", "none behind it");
}


int
main(void)
{
    names();
    fields();
    findings();
    memory();
    many();
    framings();

    return done_testing();
}
