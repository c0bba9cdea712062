/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Checks the catalogue of models as the gateway would load it, and shows what
 * is known of a model; see docs/TOOLS.md.
 */


#include "genai_catalog.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>


/* exit codes */
#define GENAI_CATALOG_FINE     0
#define GENAI_CATALOG_FOUND    1    /* warnings, entries left out; no model */
#define GENAI_CATALOG_INVALID  2    /* a document is broken */
#define GENAI_CATALOG_USAGE    3    /* also what cannot be done at all */

#define GENAI_CATALOG_FILES    64


typedef struct {
    const char       *files[GENAI_CATALOG_FILES];
    int               nfiles;
    char            **names;
    int               nnames;
    int               json;

    genai_arena_t     arena;
    genai_catalog_t  *catalog;
} genai_catalog_tool_t;


static int genai_catalog_usage(FILE *f);
static int genai_catalog_options(genai_catalog_tool_t *o, int argc,
    char **argv);
static int genai_catalog_load(genai_catalog_tool_t *o);
static int genai_catalog_read(const char *path, genai_str_t *text);
static int genai_catalog_check(const genai_catalog_tool_t *o);
static void genai_catalog_json_text(const char *s);
static int genai_catalog_stats(const genai_catalog_tool_t *o);
static void genai_catalog_stats_prices(const genai_catalog_tool_t *o);
static int genai_catalog_show(const genai_catalog_tool_t *o);
static void genai_catalog_show_model(const genai_catalog_tool_t *o,
    const genai_catalog_model_t *m, const char *asked);
static void genai_catalog_show_tokens(const char *name, uint64_t n);
static void genai_catalog_show_price(const genai_catalog_tool_t *o,
    const genai_catalog_model_t *m);
static void genai_catalog_show_rates(const genai_price_tier_t *tier);


int
main(int argc, char **argv)
{
    int                   rc;
    genai_catalog_tool_t  o;

    rc = genai_catalog_options(&o, argc, argv);
    if (rc != 0) {
        return (rc == 1) ? GENAI_CATALOG_FINE : GENAI_CATALOG_USAGE;
    }

    genai_arena_init(&o.arena, (size_t) 1 << 30);

    rc = genai_catalog_load(&o);

    if (rc == 0) {
        rc = (argv[1][0] == 'c') ? genai_catalog_check(&o)
             : (argv[1][1] == 't') ? genai_catalog_stats(&o)
             : genai_catalog_show(&o);
    }

    genai_arena_destroy(&o.arena);

    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "genai-catalog: cannot write: %s\n", strerror(errno));
        rc = GENAI_CATALOG_USAGE;
    }

    return rc;
}


/* returns 0; 1 where there is nothing more to do; -1 for a wrong usage */

static int
genai_catalog_options(genai_catalog_tool_t *o, int argc, char **argv)
{
    int  i, show;

    static const char  *places[] = {
        "data/models.json", "/usr/share/nginx-genai/models.json"
    };

    memset(o, 0, sizeof(genai_catalog_tool_t));

    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        (void) genai_catalog_usage(stdout);
        return 1;
    }

    if (argc < 2
        || (strcmp(argv[1], "check") != 0 && strcmp(argv[1], "stats") != 0
            && strcmp(argv[1], "show") != 0))
    {
        return genai_catalog_usage(stderr);
    }

    show = (strcmp(argv[1], "show") == 0);
    o->names = argv + 2;

    for (i = 2; i < argc; i++) {

        if (strcmp(argv[i], "--json") == 0 && argv[1][0] == 'c') {
            o->json = 1;
            continue;
        }

        if (strcmp(argv[i], "-f") == 0 && show) {

            if (++i == argc) {
                return genai_catalog_usage(stderr);
            }

        } else if (argv[i][0] == '-' && argv[i][1] != '\0') {
            return genai_catalog_usage(stderr);

        } else if (show) {
            o->names[o->nnames++] = argv[i];
            continue;
        }

        if (o->nfiles == GENAI_CATALOG_FILES) {
            return genai_catalog_usage(stderr);
        }

        o->files[o->nfiles++] = argv[i];
    }

    if (show && o->nnames == 0) {
        return genai_catalog_usage(stderr);
    }

    if (o->nfiles == 0) {
        i = (access(places[0], R_OK) == 0) ? 0 : 1;
        o->files[o->nfiles++] = places[i];
    }

    return 0;
}


static int
genai_catalog_usage(FILE *f)
{
    fputs("usage: genai-catalog check [--json] [FILE...]\n"
          "       genai-catalog stats [FILE...]\n"
          "       genai-catalog show [-f FILE]... MODEL...\n", f);

    return -1;
}


static int
genai_catalog_load(genai_catalog_tool_t *o)
{
    int          i, rc;
    genai_str_t  text;

    o->catalog = genai_catalog_create(&o->arena);

    rc = (o->catalog == NULL) ? -1 : 0;

    for (i = 0; i < o->nfiles && rc != -1; i++) {

        if (genai_catalog_read(o->files[i], &text) == -1) {
            fprintf(stderr, "genai-catalog: cannot read %s: %s\n",
                    o->files[i], strerror(errno));
            return GENAI_CATALOG_USAGE;
        }

        rc = genai_catalog_add(o->catalog, o->files[i], &text);
        free(text.data);
    }

    if (rc == -1 || genai_catalog_done(o->catalog) == -1) {
        fprintf(stderr, "genai-catalog: no memory\n");
        return GENAI_CATALOG_USAGE;
    }

    return 0;
}


/* "-" is standard input */

static int
genai_catalog_read(const char *path, genai_str_t *text)
{
    FILE           *f;
    size_t          n, room;
    unsigned char  *p;

    f = (strcmp(path, "-") == 0) ? stdin : fopen(path, "rb");
    if (f == NULL) {
        return -1;
    }

    room = 65536;
    text->len = 0;
    text->data = malloc(room);

    while (text->data) {

        n = fread(text->data + text->len, 1, room - text->len, f);
        text->len += n;

        if (n == 0) {
            break;
        }

        if (text->len == room) {
            room *= 2;
            p = realloc(text->data, room);

            if (p == NULL) {
                free(text->data);
            }

            text->data = p;
        }
    }

    if (text->data && ferror(f)) {
        n = errno;
        free(text->data);
        text->data = NULL;
        errno = (int) n;
    }

    if (f != stdin) {
        n = errno;
        (void) fclose(f);
        errno = (int) n;
    }

    return text->data ? 0 : -1;
}


static int
genai_catalog_check(const genai_catalog_tool_t *o)
{
    int                             rc;
    size_t                          lost;
    const genai_catalog_finding_t  *f;

    rc = GENAI_CATALOG_FINE;

    if (o->json) {
        printf("[");
    }

    for (f = genai_catalog_findings(o->catalog); f; f = f->next) {

        if (f->level == GENAI_CATALOG_BROKEN) {
            rc = GENAI_CATALOG_INVALID;

        } else if (rc == GENAI_CATALOG_FINE) {
            rc = GENAI_CATALOG_FOUND;
        }

        if (o->json) {
            printf("\n  {\"file\": ");
            genai_catalog_json_text(f->file);
            printf(", \"line\": %u, \"level\": \"%s\", \"object\": ", f->line,
                   genai_catalog_level(f->level));
            genai_catalog_json_text(f->object);
            printf(", \"text\": ");
            genai_catalog_json_text(f->text);
            printf(f->next ? "}," : "}\n");

            continue;
        }

        printf("%s:%u: %s: %s%s%s\n", f->file, f->line,
               genai_catalog_level(f->level), f->object,
               f->object[0] ? ": " : "", f->text);
    }

    if (o->json) {
        printf("]\n");
    }

    lost = genai_catalog_findings_lost(o->catalog);

    if (lost) {
        fprintf(stderr, "genai-catalog: %lu more are not shown\n",
                (unsigned long) lost);
    }

    return rc;
}


/* findings have no control characters */

static void
genai_catalog_json_text(const char *s)
{
    putchar('"');

    for ( /* void */ ; *s; s++) {

        if (*s == '"' || *s == '\\') {
            putchar('\\');
        }

        putchar(*s);
    }

    putchar('"');
}


static int
genai_catalog_stats(const genai_catalog_tool_t *o)
{
    int                                  k;
    size_t                               i, n, nvocabs, exact, patterns;
    size_t                               priced, used;
    size_t                               framed[GENAI_FRAMING_LAST];
    const genai_str_t                   *vocabs, *revision;
    const genai_catalog_model_t *const  *models;

    models = genai_catalog_models(o->catalog, &n);
    vocabs = genai_catalog_vocabs(o->catalog, &nvocabs);
    revision = genai_catalog_revision(o->catalog);

    exact = patterns = priced = 0;
    memset(framed, 0, sizeof(framed));

    for (i = 0; i < n; i++) {
        exact += models[i]->exact;
        patterns += models[i]->pattern;
        priced += models[i]->price.priced;
        framed[models[i]->framing]++;
    }

    printf("revision    %.*s\n", (int) revision->len, revision->data);
    printf("entries     %lu, of which %lu are patterns\n", (unsigned long) n,
           (unsigned long) patterns);
    printf("exact       %lu\n", (unsigned long) exact);
    printf("estimated   %lu\n", (unsigned long) (n - exact));
    printf("priced      %lu\n", (unsigned long) priced);
    printf("bytes       %lu\n",
           (unsigned long) genai_arena_used(&o->arena));

    for (k = 0; k < (int) nvocabs; k++) {

        used = 0;

        for (i = 0; i < n; i++) {
            used += (models[i]->vocab == (uint32_t) k);
        }

        printf("tokenizer   %-16.*s %lu\n", (int) vocabs[k].len,
               vocabs[k].data, (unsigned long) used);
    }

    for (k = 0; k < GENAI_FRAMING_LAST; k++) {
        if (framed[k]) {
            printf("framing     %-16s %lu\n", genai_framing_name(k),
                   (unsigned long) framed[k]);
        }
    }

    genai_catalog_stats_prices(o);

    return GENAI_CATALOG_FINE;
}


/* a line for each vendor that has a price, in the order of their entries */

static void
genai_catalog_stats_prices(const genai_catalog_tool_t *o)
{
    size_t                               i, k, n, all, priced;
    const genai_str_t                   *vendor;
    const genai_catalog_source_t        *source, *s;
    const genai_catalog_model_t *const  *models;

    models = genai_catalog_models(o->catalog, &n);

    for (i = 0; i < n; i++) {

        if (!models[i]->price.priced) {
            continue;
        }

        vendor = &models[i]->vendor;
        all = priced = 0;
        source = NULL;

        for (k = 0; k < n; k++) {

            if (models[k]->vendor.len != vendor->len
                || memcmp(models[k]->vendor.data, vendor->data, vendor->len)
                   != 0)
            {
                continue;
            }

            if (k < i && models[k]->price.priced) {
                break;
            }

            all++;

            if (models[k]->price.priced) {
                priced++;
                s = genai_catalog_price_source(o->catalog, models[k]);
                source = s ? s : source;
            }
        }

        /* a vendor is told of at its first entry that has a price */

        if (k < n) {
            continue;
        }

        printf("price       %-16s %lu of %lu%s%s\n",
               vendor->len ? (char *) vendor->data : "-",
               (unsigned long) priced, (unsigned long) all,
               source ? ", of " : "", source ? (char *) source->dated.data
                                             : "");
    }
}


static int
genai_catalog_show(const genai_catalog_tool_t *o)
{
    int                           i, rc;
    genai_str_t                   name;
    const genai_catalog_model_t  *m;

    rc = GENAI_CATALOG_FINE;

    for (i = 0; i < o->nnames; i++) {

        name.data = (unsigned char *) o->names[i];
        name.len = strlen(o->names[i]);

        m = genai_catalog_find(o->catalog, &name);

        if (m == NULL) {
            fprintf(stderr, "genai-catalog: nothing is known of \"%s\"\n",
                    o->names[i]);
            rc = GENAI_CATALOG_FOUND;
            continue;
        }

        genai_catalog_show_model(o, m, o->names[i]);
    }

    return rc;
}


static void
genai_catalog_show_model(const genai_catalog_tool_t *o,
    const genai_catalog_model_t *m, const char *asked)
{
    int          i;
    const char  *comma;

    static const char  *modalities[] = {
        "text", "image", "audio", "video", "file"
    };

    printf("%s\n", asked);
    printf("  entry       %.*s%s, %s:%u\n", (int) m->name.len, m->name.data,
           m->pattern ? "*" : "", m->file, m->line);

    if (m->vendor.len) {
        printf("  vendor      %s\n", m->vendor.data);
    }

    if (m->embedding) {
        printf("  kind        embedding\n");
    }

    if (m->thinking != GENAI_THINKING_NONE) {
        printf("  thinking    %s\n", m->thinking == GENAI_THINKING_EFFORT
                                     ? "effort" : "budget");
    }

    if (m->tokenizer.len == 0) {
        printf("  tokenizer   unknown\n");

    } else if (m->exact) {
        printf("  tokenizer   %s, exact\n", m->tokenizer.data);

    } else {
        printf("  tokenizer   %s, estimated: times %.4g, at most %.4g\n",
               m->tokenizer.data, m->factor, m->factor_max);
    }

    if (m->fallback.len) {
        printf("  without it  %s, estimated: times %.4g, at most %.4g\n",
               m->fallback.data, m->fallback_factor, m->fallback_max);
    }

    printf("  framing     %s\n", genai_framing_name(m->framing));

    genai_catalog_show_tokens("context", m->context);
    genai_catalog_show_tokens("input", m->input);
    genai_catalog_show_tokens("output", m->output);

    printf("  reads       ");
    comma = "";

    for (i = 0; i < 5; i++) {
        if (m->modalities & (1 << i)) {
            printf("%s%s", comma, modalities[i]);
            comma = ", ";
        }
    }

    printf("\n");

    switch (m->image) {

    case GENAI_IMAGE_TILES:
        printf("  image       %u tokens and %u for each tile of 512 pixels"
               " squared\n", m->image_a, m->image_b);
        break;

    case GENAI_IMAGE_PATCHES:
        printf("  image       %.4g tokens for each patch of 32 pixels"
               " squared, at most %u patches\n", m->image_a / 1000.0,
               m->image_b);
        break;

    case GENAI_IMAGE_AREA:
        printf("  image       a token for each %u pixels, at most %u\n",
               m->image_a, m->image_b);
        break;

    case GENAI_IMAGE_GRID:
        printf("  image       a token for each %u pixels squared and for each"
               " row of them, of %u pixels at most\n", m->image_a,
               m->image_b);
        break;

    case GENAI_IMAGE_FIXED:
        printf("  image       %u tokens\n", m->image_a);
        break;

    default:
        break;
    }

    genai_catalog_show_price(o, m);
}


static void
genai_catalog_show_price(const genai_catalog_tool_t *o,
    const genai_catalog_model_t *m)
{
    int                            i;
    char                           dollars[GENAI_PRICE_DIGITS];
    const genai_price_t           *price;
    const genai_catalog_source_t  *source;

    price = &m->price;

    if (!price->priced) {
        printf("  price       unknown\n");
        return;
    }

    source = genai_catalog_price_source(o->catalog, m);

    if (source) {
        printf("  price       of %s, %s\n", source->dated.data,
               source->url.data);

    } else {
        printf("  price       of %s\n", m->price_file);
    }

    for (i = 0; i < price->ntiers; i++) {

        if (i) {
            printf("  above       %llu tokens of prompt\n",
                   (unsigned long long) price->tiers[i].above);
        }

        genai_catalog_show_rates(&price->tiers[i]);

        if (i == 0 && price->request_said) {
            (void) genai_price_write(dollars, price->request);
            printf("    $%-9s for each request\n", dollars);
        }
    }
}


/* what was said: the others follow from it */

static void
genai_catalog_show_rates(const genai_price_tier_t *tier)
{
    int   k;
    char  dollars[GENAI_PRICE_DIGITS];

    for (k = 0; k < GENAI_PRICE_RATES; k++) {

        if (tier->said & genai_price_bit(k)) {
            (void) genai_price_write(dollars, tier->rates[k]);
            printf("    $%-9s for a million of %s\n", dollars,
                   genai_price_name((genai_price_rate_e) k));
        }
    }
}


static void
genai_catalog_show_tokens(const char *name, uint64_t n)
{
    if (n) {
        printf("  %-11s %llu\n", name, (unsigned long long) n);
    }
}
