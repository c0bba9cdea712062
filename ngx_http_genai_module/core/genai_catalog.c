/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The catalogue in use: entries sorted by their names.  The greatest that is
 * not behind a name begins with every pattern that the name begins with, so
 * that the longest of them is found by one binary search and the links from
 * each entry to the longest pattern it begins with.
 */


#include "genai_catalog_int.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>


/* bytes of a finding */
#define GENAI_CATALOG_FINDING   512

/* entries that are each like the next one */
#define GENAI_CATALOG_LIKE      64


static const char  *genai_framing_names[] = {
    "none", "openai", "openai5", "gpt-oss", "chatml", "qwen2.5", "qwen3",
    "llama2", "llama3", "llama3.1", "llama4", "deepseek3", "deepseek3.1",
    "mistral1", "mistral3", "mistral7", "mistral15", "phi3", "phi4", "gemma",
    "gemini", "claude", "cohere", "grok", "nova", "sonar",
    "cls"
};


static uint32_t genai_catalog_hash(const genai_str_t *name, int pattern);
static int genai_catalog_rehash(genai_catalog_t *c);
static void genai_catalog_link(genai_catalog_t *c);
static int genai_catalog_order(const void *one, const void *two);
static void genai_catalog_inherit(genai_catalog_t *c,
    genai_catalog_model_t *m, int depth);
static const genai_catalog_model_t *genai_catalog_like(genai_catalog_t *c,
    const genai_catalog_model_t *m);
static void genai_catalog_check(genai_catalog_t *c, genai_catalog_model_t *m);
static int genai_catalog_number(genai_catalog_t *c);
static uint32_t genai_catalog_vocab(genai_catalog_t *c,
    const genai_str_t *name);


genai_catalog_t *
genai_catalog_create(genai_arena_t *arena)
{
    genai_catalog_t  *c;

    c = genai_arena_alloc(arena, sizeof(genai_catalog_t));
    if (c == NULL) {
        return NULL;
    }

    memset(c, 0, sizeof(genai_catalog_t));

    c->arena = arena;
    c->last = &c->findings;
    c->revision.data = (unsigned char *) "";

    return genai_catalog_rehash(c) == 0 ? c : NULL;
}


genai_catalog_model_t *
genai_catalog_entry(genai_catalog_t *c, const genai_str_t *name, int pattern,
    int make)
{
    uint32_t                i;
    genai_catalog_model_t  *m;

    i = genai_catalog_hash(name, pattern) & (c->nbuckets - 1);

    for (m = c->buckets[i]; m; m = m->next) {

        if (m->pattern == (unsigned) pattern && m->name.len == name->len
            && memcmp(m->name.data, name->data, name->len) == 0)
        {
            return m;
        }
    }

    if (!make) {
        return NULL;
    }

    if (c->nentries == c->nbuckets) {

        if (genai_catalog_rehash(c) == -1) {
            return NULL;
        }

        i = genai_catalog_hash(name, pattern) & (c->nbuckets - 1);
    }

    m = genai_arena_alloc(c->arena, sizeof(genai_catalog_model_t));

    if (m == NULL) {
        return NULL;
    }

    memset(m, 0, sizeof(genai_catalog_model_t));

    if (genai_catalog_copy(c, &m->name, name, 0) == -1) {
        return NULL;
    }

    m->pattern = pattern;
    genai_catalog_clear(m);

    m->next = c->buckets[i];
    c->buckets[i] = m;
    c->nentries++;

    return m;
}


void
genai_catalog_clear(genai_catalog_model_t *m)
{
    unsigned                pattern;
    genai_str_t             name;
    genai_catalog_model_t  *next;

    name = m->name;
    next = m->next;
    pattern = m->pattern;

    memset(m, 0, sizeof(genai_catalog_model_t));

    m->name = name;
    m->next = next;
    m->pattern = pattern;
    m->vendor.data = (unsigned char *) "";
    m->tokenizer.data = (unsigned char *) "";
    m->like.data = (unsigned char *) "";
    m->fallback.data = (unsigned char *) "";
    m->vocab = GENAI_CATALOG_NO_VOCAB;
    m->fallback_vocab = GENAI_CATALOG_NO_VOCAB;
    m->factor = 1;
    m->factor_max = 1;
    m->fallback_factor = 1;
    m->fallback_max = 1;
    m->modalities = GENAI_MODALITY_TEXT;
}


static uint32_t
genai_catalog_hash(const genai_str_t *name, int pattern)
{
    size_t    i;
    uint32_t  h;

    /* FNV-1a: names come from the operator's own documents */

    h = 2166136261u;

    for (i = 0; i < name->len; i++) {
        h = (h ^ name->data[i]) * 16777619;
    }

    return (h ^ (h >> 15)) + pattern;
}


static int
genai_catalog_rehash(genai_catalog_t *c)
{
    uint32_t                 i, k, n;
    genai_catalog_model_t   *m, *next, **buckets;

    n = c->nbuckets ? c->nbuckets * 4 : 256;

    buckets = genai_arena_alloc(c->arena, n * sizeof(genai_catalog_model_t *));
    if (buckets == NULL) {
        return -1;
    }

    memset(buckets, 0, n * sizeof(genai_catalog_model_t *));

    for (i = 0; i < c->nbuckets; i++) {

        for (m = c->buckets[i]; m; m = next) {
            next = m->next;
            k = genai_catalog_hash(&m->name, m->pattern) & (n - 1);
            m->next = buckets[k];
            buckets[k] = m;
        }
    }

    c->buckets = buckets;
    c->nbuckets = n;

    return 0;
}


int
genai_catalog_copy(genai_catalog_t *c, genai_str_t *dst,
    const genai_str_t *src, int fold)
{
    size_t          i;
    unsigned char  *p, ch;

    p = genai_arena_alloc(c->arena, src->len + 1);
    if (p == NULL) {
        return -1;
    }

    for (i = 0; i < src->len; i++) {
        ch = src->data[i];
        p[i] = (fold && ch >= 'A' && ch <= 'Z') ? (ch | 0x20) : ch;
    }

    p[src->len] = '\0';

    dst->data = p;
    dst->len = src->len;

    return 0;
}


void
genai_catalog_finding(genai_catalog_t *c, genai_catalog_level_e level,
    const char *file, unsigned line, const char *object, const char *fmt, ...)
{
    int                       n;
    char                      text[GENAI_CATALOG_FINDING], *p;
    size_t                    len, file_len, object_len;
    va_list                   args;
    genai_catalog_finding_t  *f;

    if (c->nfindings == GENAI_CATALOG_FINDINGS) {
        c->lost++;
        return;
    }

    va_start(args, fmt);
    n = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);

    len = (n < 0) ? 0 : (size_t) n;

    if (len >= sizeof(text)) {
        len = sizeof(text) - 1;
    }

    file_len = strlen(file);
    object_len = strlen(object);

    f = genai_arena_alloc(c->arena, sizeof(genai_catalog_finding_t)
                                    + file_len + object_len + len + 3);
    if (f == NULL) {
        c->lost++;
        return;
    }

    p = (char *) (f + 1);

    f->level = level;
    f->line = line;
    f->next = NULL;

    f->text = memcpy(p, text, len);
    p[len] = '\0';
    p += len + 1;

    f->file = memcpy(p, file, file_len + 1);
    p += file_len + 1;

    f->object = memcpy(p, object, object_len + 1);

    /* what was quoted from a document must not break a log's line */

    for (p = (char *) (f + 1); p < (char *) f->object + object_len; p++) {
        if ((unsigned char) *p < 0x20 && *p != '\0') {
            *p = '?';

        } else if ((unsigned char) *p >= 0x7f) {
            *p = '?';
        }
    }

    *c->last = f;
    c->last = &f->next;
    c->nfindings++;
}


int
genai_catalog_done(genai_catalog_t *c)
{
    uint32_t                i, n;
    genai_catalog_model_t  *m, **all;

    all = genai_arena_alloc(c->arena,
                            (c->nentries + 1)
                            * sizeof(genai_catalog_model_t *));
    if (all == NULL) {
        return -1;
    }

    n = 0;

    for (i = 0; i < c->nbuckets; i++) {
        for (m = c->buckets[i]; m; m = m->next) {
            if (!m->removed) {
                all[n++] = m;
            }
        }
    }

    qsort(all, n, sizeof(genai_catalog_model_t *), genai_catalog_order);

    c->models = (const genai_catalog_model_t **) all;
    c->nmodels = n;

    genai_catalog_link(c);

    for (i = 0; i < n; i++) {
        genai_catalog_inherit(c, all[i], 0);
    }

    /* some may have been left out */

    c->nmodels = 0;

    for (i = 0; i < n; i++) {
        if (!all[i]->removed) {
            all[c->nmodels++] = all[i];
        }
    }

    if (c->nmodels != n) {
        genai_catalog_link(c);
    }

    for (i = 0; i < c->nmodels; i++) {
        genai_catalog_check(c, all[i]);
    }

    return genai_catalog_number(c);
}


/* each to the longest pattern that it begins with */

static void
genai_catalog_link(genai_catalog_t *c)
{
    uint32_t                      i;
    genai_catalog_model_t        *m;
    const genai_catalog_model_t  *last, *shorter;

    last = NULL;

    for (i = 0; i < c->nmodels; i++) {

        m = (genai_catalog_model_t *) c->models[i];

        shorter = (last == NULL || last->pattern) ? last : last->shorter;

        while (shorter && !genai_catalog_begins(&m->name, &shorter->name)) {
            shorter = shorter->shorter;
        }

        m->shorter = shorter;
        last = m;
    }
}


static int
genai_catalog_order(const void *one, const void *two)
{
    int                           rc;
    const genai_catalog_model_t  *a, *b;

    a = *(const genai_catalog_model_t *const *) one;
    b = *(const genai_catalog_model_t *const *) two;

    rc = genai_catalog_compare(&a->name, &b->name);

    return rc ? rc : (int) a->pattern - (int) b->pattern;
}


int
genai_catalog_compare(const genai_str_t *a, const genai_str_t *b)
{
    int     rc;
    size_t  n;

    n = (a->len < b->len) ? a->len : b->len;
    rc = memcmp(a->data, b->data, n);

    return rc ? rc : (a->len > b->len) - (a->len < b->len);
}


int
genai_catalog_begins(const genai_str_t *name, const genai_str_t *with)
{
    return name->len >= with->len
           && memcmp(name->data, with->data, with->len) == 0;
}


/* what an entry does not say itself, from the one that it is like */

static void
genai_catalog_inherit(genai_catalog_t *c, genai_catalog_model_t *m, int depth)
{
    genai_catalog_model_t  *from;

    if (m->state) {
        return;
    }

    if (!(m->said & GENAI_CATALOG_SAYS_LIKE)) {
        m->state = 2;
        return;
    }

    m->state = 1;

    from = (genai_catalog_model_t *) genai_catalog_like(c, m);

    if (from == NULL || from == m) {
        genai_catalog_finding(c, GENAI_CATALOG_WARN, m->file, m->line,
                              (char *) m->name.data,
                              "it is like \"%s\", which there is not",
                              m->like.data);
        m->state = 2;
        return;
    }

    if (depth < GENAI_CATALOG_LIKE) {
        genai_catalog_inherit(c, from, depth + 1);
    }

    if (from->state != 2 || from->removed) {
        genai_catalog_finding(c, GENAI_CATALOG_LEFT_OUT, m->file, m->line,
                              (char *) m->name.data,
                              from->removed
                              ? "it is like \"%s\", which is left out"
                              : "it is like \"%s\", which is like it, or"
                                " like too many others", m->like.data);
        m->state = 2;
        m->removed = 1;
        return;
    }

#define genai_catalog_take(bit, member)                                       \
    if (!(m->said & bit)) {                                                   \
        m->member = from->member;                                             \
    }

    genai_catalog_take(GENAI_CATALOG_SAYS_VENDOR, vendor)
    genai_catalog_take(GENAI_CATALOG_SAYS_FRAMING, framing)
    genai_catalog_take(GENAI_CATALOG_SAYS_CONTEXT, context)
    genai_catalog_take(GENAI_CATALOG_SAYS_INPUT, input)
    genai_catalog_take(GENAI_CATALOG_SAYS_OUTPUT, output)
    genai_catalog_take(GENAI_CATALOG_SAYS_MODALITIES, modalities)
    genai_catalog_take(GENAI_CATALOG_SAYS_KIND, embedding)
    genai_catalog_take(GENAI_CATALOG_SAYS_THINKING, thinking)
    genai_catalog_take(GENAI_CATALOG_SAYS_IMAGE, image)
    genai_catalog_take(GENAI_CATALOG_SAYS_IMAGE, image_a)
    genai_catalog_take(GENAI_CATALOG_SAYS_IMAGE, image_b)

    /* a factor is one of a vocabulary */

    if (!(m->said & (GENAI_CATALOG_SAYS_TOKENIZER
                     |GENAI_CATALOG_SAYS_FACTOR)))
    {
        m->factor = from->factor;
        m->factor_max = from->factor_max;
        m->exact = from->exact;
    }

    if (!(m->said & (GENAI_CATALOG_SAYS_TOKENIZER
                     |GENAI_CATALOG_SAYS_FALLBACK)))
    {
        m->fallback = from->fallback;
        m->fallback_factor = from->fallback_factor;
        m->fallback_max = from->fallback_max;
    }

    genai_catalog_take(GENAI_CATALOG_SAYS_TOKENIZER, tokenizer)

    /* a price is taken whole: with half of another's it would be nobody's */

    genai_catalog_take(GENAI_CATALOG_SAYS_PRICE, price)
    genai_catalog_take(GENAI_CATALOG_SAYS_PRICE, price_file)

    m->state = 2;
}


/* one that was left out is found, one that a document has removed is not */

static const genai_catalog_model_t *
genai_catalog_like(genai_catalog_t *c, const genai_catalog_model_t *m)
{
    genai_str_t             name;
    genai_catalog_model_t  *from;

    name = m->like;

    if (name.len && name.data[name.len - 1] == '*') {
        name.len--;
        from = genai_catalog_entry(c, &name, 1, 0);

        return (from && (!from->removed || from->state)) ? from : NULL;
    }

    from = genai_catalog_entry(c, &name, 0, 0);

    return (from && (!from->removed || from->state))
           ? from : genai_catalog_find(c, &name);
}


/* a smaller context holds for what was taken from another entry, too */

static void
genai_catalog_check(genai_catalog_t *c, genai_catalog_model_t *m)
{
    if (m->context && m->output > m->context) {

        if (m->said & GENAI_CATALOG_SAYS_OUTPUT) {
            genai_catalog_finding(c, GENAI_CATALOG_WARN, m->file, m->line,
                                  (char *) m->name.data,
                                  "its output, %llu, is more than its"
                                  " context, %llu, which holds",
                                  (unsigned long long) m->output,
                                  (unsigned long long) m->context);
        }

        m->output = m->context;
    }

    if (m->context && m->input > m->context) {

        if (m->said & GENAI_CATALOG_SAYS_INPUT) {
            genai_catalog_finding(c, GENAI_CATALOG_WARN, m->file, m->line,
                                  (char *) m->name.data,
                                  "its input, %llu, is more than its context,"
                                  " %llu, which holds",
                                  (unsigned long long) m->input,
                                  (unsigned long long) m->context);
        }

        m->input = 0;
    }

    if (m->tokenizer.len == 0) {
        m->exact = 0;
    }

    genai_price_finish(&m->price, m->embedding);

    if ((m->said & GENAI_CATALOG_SAYS_PRICE) && !m->no_price
        && !m->price.priced)
    {
        genai_catalog_finding(c, GENAI_CATALOG_WARN, m->file, m->line,
                              (char *) m->name.data,
                              "its price has no \"input\"%s, and is not"
                              " known",
                              m->embedding ? "" : " or no \"output\"");
    }
}


static int
genai_catalog_number(genai_catalog_t *c)
{
    uint32_t                i;
    genai_catalog_model_t  *m;

    c->vocabs = genai_arena_alloc(c->arena,
                                  (2 * c->nmodels + 1) * sizeof(genai_str_t));
    if (c->vocabs == NULL) {
        return -1;
    }

    for (i = 0; i < c->nmodels; i++) {
        m = (genai_catalog_model_t *) c->models[i];

        m->vocab = genai_catalog_vocab(c, &m->tokenizer);
        m->fallback_vocab = genai_catalog_vocab(c, &m->fallback);
    }

    return 0;
}


/* there are a few dozen */

static uint32_t
genai_catalog_vocab(genai_catalog_t *c, const genai_str_t *name)
{
    uint32_t  i;

    if (name->len == 0) {
        return GENAI_CATALOG_NO_VOCAB;
    }

    for (i = 0; i < c->nvocabs; i++) {
        if (genai_catalog_compare(&c->vocabs[i], name) == 0) {
            return i;
        }
    }

    c->vocabs[c->nvocabs] = *name;

    return c->nvocabs++;
}


const genai_catalog_model_t *const *
genai_catalog_models(const genai_catalog_t *c, size_t *n)
{
    *n = c->nmodels;
    return c->models;
}


const genai_str_t *
genai_catalog_vocabs(const genai_catalog_t *c, size_t *n)
{
    *n = c->nvocabs;
    return c->vocabs;
}


const genai_str_t *
genai_catalog_revision(const genai_catalog_t *c)
{
    return &c->revision;
}


const genai_catalog_finding_t *
genai_catalog_findings(const genai_catalog_t *c)
{
    return c->findings;
}


size_t
genai_catalog_findings_lost(const genai_catalog_t *c)
{
    return c->lost;
}


const char *
genai_catalog_level(genai_catalog_level_e level)
{
    static const char  *words[] = { "warning", "left out", "broken" };

    return words[level];
}


const char *
genai_framing_name(genai_framing_e framing)
{
    return (framing < GENAI_FRAMING_LAST) ? genai_framing_names[framing] : "";
}


genai_framing_e
genai_framing_by_name(const genai_str_t *name)
{
    int  i;

    for (i = 0; i < GENAI_FRAMING_LAST; i++) {

        if (strlen(genai_framing_names[i]) == name->len
            && memcmp(genai_framing_names[i], name->data, name->len) == 0)
        {
            break;
        }
    }

    return (genai_framing_e) i;
}
