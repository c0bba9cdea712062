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


static uint64_t
rate(const catalog_t *k, const char *name, int tier, genai_price_rate_e kind)
{
    return find(k, name)->price.tiers[tier].rates[kind];
}


static void
prices(void)
{
    catalog_t                      k;
    const genai_price_t           *p;
    const genai_catalog_source_t  *s;

    begin(&k);

    is_int(add(&k, "a.json",
               "{\"schema\":1,\"prices\":{\"#\":1,\"V\":{\"dated\":"
               "\"2026-11-05\",\"source\":\"https://v.example/\","
               "\"x-seen\":1}},\"models\":{"
               "\"a\":{\"vendor\":\"V\",\"price\":{\"input\":2.5,"
               "\"cached\":\"0.25\",\"output\":10,\"request\":0.01,"
               "\"#\":\"a comment\",\"tiers\":[{\"above\":1000,"
               "\"input\":5},{\"x-a\":1,\"output\":30,\"above\":2000}]}},"
               "\"b\":{\"like\":\"a\"},"
               "\"c\":{\"like\":\"a\",\"price\":{\"input\":1,"
               "\"output\":2}},"
               "\"d\":{\"like\":\"b\",\"price\":null},"
               "\"e\":{\"like\":\"d\"},"
               "\"f\":{\"vendor\":\"W\",\"price\":{\"input\":0,"
               "\"output\":0}},"
               "\"g\":{\"kind\":\"embedding\",\"price\":{\"input\":"
               "0.02}},\"h\":{\"price\":{\"input\":4,\"output\":8,"
               "\"tiers\":[{\"above\":7,\"input\":9}]}},"
               "\"i\":{\"price\":null},\"j\":{\"like\":\"a\"},"
               "\"n\":{}}}"), 0,
           "prices");
    is_int(add(&k, "b.json",
               "{\"schema\":1,\"models\":{\"h\":{\"price\":{\"output\":"
               "9.5}},\"i\":{\"price\":{\"input\":1,\"output\":1}},"
               "\"j\":{\"price\":{\"input\":1,\"output\":3}},"
               "\"f\":{\"price\":null}}}"), 0, "another document");
    is_int(add(&k, "c.json",
               "{\"schema\":1,\"models\":{\"h\":{\"price\":{\"tiers\":[]"
               ",\"cached\":0.5}}}}"), 0, "and one more");
    is_int(genai_catalog_done(k.c), 0, "done");
    ok(genai_catalog_findings(k.c) == NULL, "nothing to complain of");

    p = &find(&k, "a")->price;

    ok(p->priced && p->ntiers == 3 && p->request == 10000000, "a price");
    ok(p->tiers[1].above == 1000 && p->tiers[2].above == 2000, "its tiers");
    is_int(rate(&k, "a", 0, GENAI_PRICE_INPUT), 2500000000, "a number");
    is_int(rate(&k, "a", 0, GENAI_PRICE_CACHED), 250000000, "a text");
    is_int(rate(&k, "a", 0, GENAI_PRICE_REASONING), 10000000000, "derived");
    is_int(rate(&k, "a", 1, GENAI_PRICE_INPUT), 5000000000, "in a tier");
    is_int(rate(&k, "a", 1, GENAI_PRICE_OUTPUT), 10000000000, "from below");
    is_int(rate(&k, "a", 2, GENAI_PRICE_WRITE_1H), 5000000000, "of both");
    is_int(rate(&k, "a", 2, GENAI_PRICE_REASONING), 30000000000, "of this");

    s = genai_catalog_price_source(k.c, find(&k, "a"));

    if (ok(s != NULL, "where it is from")) {
        is_text(s->dated, "2026-11-05", "the day");
        is_text(s->url, "https://v.example/", "the page");
    }

    p = &find(&k, "b")->price;

    ok(p->priced && p->ntiers == 3 && p->request_said, "like another");
    ok(genai_catalog_price_source(k.c, find(&k, "b")) == s, "from there");

    p = &find(&k, "c")->price;

    ok(p->ntiers == 1 && !p->request_said
       && p->tiers[0].rates[GENAI_PRICE_CACHED] == 1000000000,
       "its own, and nothing of another's");

    ok(!find(&k, "d")->price.priced, "none, as it says");
    ok(!find(&k, "e")->price.priced, "nor what is like it");
    ok(!find(&k, "n")->price.priced, "nor what says nothing");
    ok(!find(&k, "f")->price.priced, "none any more");
    ok(find(&k, "g")->price.priced, "of embeddings");
    ok(find(&k, "i")->price.priced, "one that an overlay knows");

    is_int(rate(&k, "h", 0, GENAI_PRICE_INPUT), 4000000000, "kept");
    is_int(rate(&k, "h", 0, GENAI_PRICE_OUTPUT), 9500000000, "overlaid");
    is_int(rate(&k, "h", 0, GENAI_PRICE_CACHED), 500000000, "and twice");
    is_int(find(&k, "h")->price.ntiers, 1, "without tiers");
    is_str(find(&k, "h")->price_file, "c.json", "where it was said last");

    is_int(rate(&k, "j", 0, GENAI_PRICE_CACHED), 1000000000,
           "an overlay of what was like another");
    ok(genai_catalog_price_source(k.c, find(&k, "j")) == NULL,
       "which is nobody's list price");

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


/* none of a circle knows anything, nor who is like one of them */

static void
circles(void)
{
    int                             n;
    catalog_t                       k;
    const genai_catalog_finding_t  *f;

    begin(&k);

    is_int(add(&k, "f.json", "{\"schema\":1,\"models\":{"
               "\"a\":{\"like\":\"b\"},\"b\":{\"like\":\"c*\"},"
               "\"c*\":{\"like\":\"a\"},\"cd\":{\"like\":\"a\"},"
               "\"ce\":{\"like\":\"e\"},\"e\":{\"context\":7}}}"), 0,
           "a circle");
    is_int(genai_catalog_done(k.c), 0, "done");

    n = 0;

    for (f = genai_catalog_findings(k.c); f; f = f->next) {
        ok(f->level == GENAI_CATALOG_LEFT_OUT, "%s: %s", f->object, f->text);
        n++;
    }

    is_int(n, 4, "four are left out");
    ok(find(&k, "a") == NULL && find(&k, "b") == NULL
       && find(&k, "cx") == NULL && find(&k, "cd") == NULL,
       "and are not there");
    is_int(find(&k, "ce")->context, 7, "the others are");

    genai_arena_destroy(&k.arena);
}


static void
versions(void)
{
    size_t                        i;
    catalog_t                     k;
    genai_str_t                   s, rest;
    const genai_catalog_model_t  *m;

    static const struct {
        const char  *name;
        const char  *rest;
        int          version;
    } cases[] = {
        { "gpt-4", "", 1 },
        { "gpt-4-0613", "-0613", 1 },
        { "GPT-4-2024-08-06", "-2024-08-06", 1 },
        { "openai/gpt-4-preview-05-06", "-preview-05-06", 1 },
        { "us.gpt-4-20250929-v1:0", "-20250929-v1:0", 1 },
        { "gpt-4@001", "@001", 1 },
        { "gpt-4-Latest", "-Latest", 1 },
        { "gpt-4-exp-1206", "-exp-1206", 1 },
        { "gpt-4-my-own", "-my-own", 0 },
        { "gpt-4-32k", "-32k", 0 },
        { "gpt-4-latestx", "-latestx", 0 },
        { "gpt-4-7", "-7", 0 },
        { "gpt-4.5", ".5", 0 },
        { "gpt-4o", "o", 0 },
        { "gpt-4-", "-", 0 },
        { "gpt-4-v", "-v", 0 },
        { "gpt-4--0613", "--0613", 0 },
        { "exact", "", 1 }
    };

    begin(&k);

    is_int(add(&k, "f.json", "{\"schema\":1,\"prefixes\":[\"us.\"],"
               "\"models\":{\"gpt-4*\":{},\"exact\":{}}}"), 0, "names");
    is_int(genai_catalog_done(k.c), 0, "done");

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {

        s.data = (unsigned char *) cases[i].name;
        s.len = strlen(cases[i].name);

        m = genai_catalog_match(k.c, &s, &rest);

        ok(m && rest.len == strlen(cases[i].rest)
           && memcmp(rest.data, cases[i].rest, rest.len) == 0
           && rest.data + rest.len == s.data + s.len,
           "%s has \"%s\" behind", cases[i].name, cases[i].rest);
        is_int(genai_catalog_version(&rest), cases[i].version,
               "and that is %sa version", cases[i].version ? "" : "not ");
    }

    genai_arena_destroy(&k.arena);
}


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
    complains("{\"schema\":1,\"models\":{\"a\":{\"like\":\"a\"}}}", 0,
              "1 warning a: it is like \"a\", which there is not");
    complains("{\"schema\":1,\"models\":{\"x*y\":{}}}", 0,
              "1 warning models.x*y: a \"*\" stands for anything at the end of"
              " a name alone: this one is no pattern");
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
    SAYS("{\"thinking\":1}", "1: \"thinking\" must be \"effort\","
         " \"budget\" or \"none\"");
    SAYS("{\"kind\":\"x\"}", "\"x\": \"kind\" must be \"chat\" or"
         " \"embedding\"");
    SAYS("{\"a\\nb\xc2\x85\":5}", "\"a\\nb?""?\": it is no field of a model");

#define DOLLARS  "a price is 0 to 10000 dollars, with at most nine digits"    \
                 " behind the point"
#define TIER     "a tier must have \"above\", a number of tokens, and more"   \
                 " than the one before it"

    SAYS("{\"price\":1}", "1: \"price\" must be an object, or null");
    SAYS("{\"price\":{\"in\":1}}", "\"in\": it is no field of a price");
    SAYS("{\"price\":{\"above\":1}}",
         "\"above\": it is no field of a price");
    SAYS("{\"price\":{\"input\":1,\"Input\":1}}",
         "\"Input\": it stands twice, or in another case");
    SAYS("{\"price\":{\"input\":-1}}", "-1: " DOLLARS);
    SAYS("{\"price\":{\"input\":1e400}}", "1e400: " DOLLARS);
    SAYS("{\"price\":{\"input\":1e0}}", "1e0: " DOLLARS);
    SAYS("{\"price\":{\"input\":10000.1}}", "10000.1: " DOLLARS);
    SAYS("{\"price\":{\"input\":0.0000000001}}", "0.0000000001: " DOLLARS);
    SAYS("{\"price\":{\"input\":99999999999999999999999999999999999999999"
         "9}}", "999999999999999999999999999999999999999999: " DOLLARS);
    SAYS("{\"price\":{\"output\":\"free\"}}", "\"free\": " DOLLARS);
    SAYS("{\"price\":{\"output\":\"-1\"}}", "\"-1\": " DOLLARS);
    SAYS("{\"price\":{\"output\":\"$1\"}}", "\"$1\": " DOLLARS);
    SAYS("{\"price\":{\"output\":\"\"}}", "\"\": " DOLLARS);
    SAYS("{\"price\":{\"output\":true}}", "true: " DOLLARS);
    SAYS("{\"price\":{\"output\":null}}", "null: " DOLLARS);
    SAYS("{\"price\":{\"request\":[]}}", "[]: " DOLLARS);
    SAYS("{\"price\":{\"tiers\":{}}}", "{}: \"tiers\" must be an array");
    SAYS("{\"price\":{\"tiers\":[1]}}", "1: a tier must be an object");
    SAYS("{\"price\":{\"tiers\":[{\"input\":1}]}}",
         "{\"input\":1}: " TIER);
    SAYS("{\"price\":{\"tiers\":[{\"above\":0}]}}", "{\"above\":0}: " TIER);
    SAYS("{\"price\":{\"tiers\":[{\"above\":1.5}]}}",
         "{\"above\":1.5}: " TIER);
    SAYS("{\"price\":{\"tiers\":[{\"above\":5},{\"above\":5}]}}",
         "{\"above\":5}: " TIER);
    SAYS("{\"price\":{\"tiers\":[{\"above\":5,\"above\":6}]}}",
         "\"above\": it stands twice, or in another case");
    SAYS("{\"price\":{\"tiers\":[{\"above\":5,\"request\":1}]}}",
         "\"request\": it is no field of a price");
    SAYS("{\"price\":{\"tiers\":[{\"above\":1},{\"above\":2},"
         "{\"above\":3},{\"above\":4}]}}",
         "{\"above\":4}: there are at most 3 \"tiers\"");

    complains(ENTRY("{\"price\":{\"input\":1}}"), 0, "3 warning a: its price"
              " has no \"input\" or no \"output\", and is not known");
    complains(ENTRY("{\"kind\":\"embedding\",\"price\":{\"output\":1}}"),
              0, "3 warning a: its price has no \"input\", and is not known");

#define SOURCE  "it must have \"dated\", a day as YYYY-MM-DD, and"            \
                " \"source\", an address"

    complains("{\"schema\":1,\"prices\":[]}", 1,
              "1 broken : []: \"prices\" must be an object");
    complains("{\"schema\":1,\"prices\":{\"v\":1}}", 1,
              "1 broken : \"v\": " SOURCE);
    complains("{\"schema\":1,\"prices\":{\"v\":{\"dated\":"
              "\"2026-11-05\"}}}", 1, "1 broken : \"v\": " SOURCE);
    complains("{\"schema\":1,\"prices\":{\"v\":{\"source\":\"a\","
              "\"dated\":\"5.11.2026\"}}}", 1, "1 broken : \"v\": " SOURCE);
    complains("{\"schema\":1,\"prices\":{\"v\":{\"source\":\"a\","
              "\"dated\":\"2026-11-05\",\"by\":1}}}", 1,
              "1 broken : \"v\": " SOURCE);
    complains("{\"schema\":1,\"prices\":{\"v\":{},\"V\":{}}}", 1,
              "1 broken : \"V\": it stands twice, or in another case");

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
        "[\"u\",1,2],\"price\":{\"input\":\"1\",\"output\":2}},"
        "\"c\":5},\"prices\":{\"v\":{\"dated\":\"2026-01-01\","
        "\"source\":\"s\"}}}";

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
    prices();
    findings();
    circles();
    versions();
    memory();
    many();
    framings();

    return done_testing();
}
