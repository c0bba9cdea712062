/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The catalogue's models by their names: as they are, without what stands
 * before the last slash, without prefixes; and what is behind the beginning
 * of a pattern.
 */


#include "genai_catalog_int.h"

#include <strings.h>


/* how many prefixes a name may have */
#define GENAI_CATALOG_STRIPPED  8


static const genai_catalog_model_t *genai_catalog_search(
    const genai_catalog_t *c, const genai_str_t *name);
static size_t genai_catalog_prefix(const genai_catalog_t *c,
    const genai_str_t *name);


const genai_catalog_model_t *
genai_catalog_find(const genai_catalog_t *c, const genai_str_t *name)
{
    genai_str_t  rest;

    return genai_catalog_match(c, name, &rest);
}


const genai_catalog_model_t *
genai_catalog_match(const genai_catalog_t *c, const genai_str_t *name,
    genai_str_t *rest)
{
    size_t                        i, n;
    genai_str_t                   s;
    unsigned char                 buf[GENAI_CATALOG_NAME_MAX], ch;
    const genai_catalog_model_t  *m;

    if (name->len > sizeof(buf)) {
        return NULL;
    }

    n = 0;

    for (i = 0; i < name->len; i++) {
        ch = name->data[i];
        buf[i] = (ch >= 'A' && ch <= 'Z') ? (ch | 0x20) : ch;

        if (ch == '/') {
            n = i + 1;
        }
    }

    s.data = buf;
    s.len = name->len;

    m = genai_catalog_search(c, &s);

    if (m == NULL && n) {
        s.data += n;
        s.len -= n;
        m = genai_catalog_search(c, &s);
    }

    for (i = 0; m == NULL && i < GENAI_CATALOG_STRIPPED; i++) {

        n = genai_catalog_prefix(c, &s);

        if (n == 0) {
            break;
        }

        s.data += n;
        s.len -= n;
        m = genai_catalog_search(c, &s);
    }

    if (m) {
        rest->len = s.len - m->name.len;
        rest->data = name->data + name->len - rest->len;
    }

    return m;
}


/* a separator, and digits or a word that says no more than when or how ripe */

int
genai_catalog_version(const genai_str_t *rest)
{
    size_t                i, n, v;
    const unsigned char  *p, *last;

    static const genai_str_t  words[] = {
        genai_str("latest"), genai_str("preview"), genai_str("exp"),
        genai_str("experimental"), genai_str("beta"), genai_str("stable")
    };

    p = rest->data;
    last = p + rest->len;

    while (p < last) {

        if (memchr("-_@:", *p, 4) == NULL) {
            return 0;
        }

        /* one digit alone is another model's number, as in "gpt-4-5" */

        v = (*p++ == ':');

        if (p < last && (*p | 0x20) == 'v') {
            v = 1;
            p++;
        }

        for (n = 0; p < last && *p >= '0' && *p <= '9'; n++) {
            p++;
        }

        if (n + v >= 2) {
            continue;
        }

        if (n || v) {
            return 0;
        }

        for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
            if ((size_t) (last - p) >= words[i].len
                && strncasecmp((const char *) p,
                               (const char *) words[i].data, words[i].len)
                   == 0
                && (p + words[i].len == last
                    || memchr("-_@:", p[words[i].len], 4)))
            {
                break;
            }
        }

        if (i == sizeof(words) / sizeof(words[0])) {
            return 0;
        }

        p += words[i].len;
    }

    return 1;
}


static const genai_catalog_model_t *
genai_catalog_search(const genai_catalog_t *c, const genai_str_t *name)
{
    uint32_t                      lo, hi, mid;
    const genai_catalog_model_t  *m;

    lo = 0;
    hi = c->nmodels;

    while (lo < hi) {
        mid = lo + (hi - lo) / 2;

        if (genai_catalog_compare(&c->models[mid]->name, name) <= 0) {
            lo = mid + 1;

        } else {
            hi = mid;
        }
    }

    /* lo - 1 is the last that is not behind the name */

    if (lo == 0) {
        return NULL;
    }

    m = c->models[lo - 1];

    if (m->pattern && m->name.len == name->len && lo > 1
        && genai_catalog_compare(&c->models[lo - 2]->name, name) == 0)
    {
        m = c->models[lo - 2];
    }

    if (!m->pattern) {

        if (m->name.len == name->len
            && memcmp(m->name.data, name->data, name->len) == 0)
        {
            return m;
        }

        m = m->shorter;
    }

    while (m && !genai_catalog_begins(name, &m->name)) {
        m = m->shorter;
    }

    return m;
}


/* the length of the longest listed prefix that something is left behind */

static size_t
genai_catalog_prefix(const genai_catalog_t *c, const genai_str_t *name)
{
    size_t              n;
    uint32_t            i;
    const genai_str_t  *p;

    n = 0;

    if (name->len == 0 || !c->first[name->data[0]]) {
        return 0;
    }

    for (i = 0; i < c->nprefixes; i++) {

        p = &c->prefixes[i].text;

        if (p->len > n && p->len < name->len
            && genai_catalog_begins(name, p))
        {
            n = p->len;
        }
    }

    return n;
}
