/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the builder has to say: findings, with their lines and with texts that
 * cannot break a log.
 */


#include "genai_policy_build_int.h"
#include "genai_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>


#define GENAI_FINDING_NAME  256
#define GENAI_FINDING_TEXT  1024


static unsigned genai_policy_count(const char *p, const char *end);
static size_t genai_policy_clean_char(char *dst, const unsigned char *p,
    const unsigned char *end, size_t *len);
static int genai_policy_room(genai_policy_builder_t *b,
    genai_finding_e level);
static void genai_policy_vfinding(genai_policy_builder_t *b,
    genai_finding_e level, const char *fragment, unsigned line,
    const char *object, const char *fmt, va_list args)
    __attribute__((format(printf, 6, 0)));


unsigned
genai_policy_line(genai_policy_lines_t *lines, size_t offset)
{
    const char  *text;

    text = lines->text;

    if (offset >= lines->offset) {
        lines->line += genai_policy_count(text + lines->offset,
                                          text + offset);

    } else {
        lines->line -= genai_policy_count(text + offset,
                                          text + lines->offset);
    }

    lines->offset = offset;

    return lines->line;
}


static unsigned
genai_policy_count(const char *p, const char *end)
{
    unsigned  n;

    for (n = 0; (p = memchr(p, '\n', end - p)) != NULL; n++) {
        p++;
    }

    return n;
}


void
genai_policy_clean(char *dst, size_t size, const char *src, size_t len)
{
    char                  piece[8];
    size_t                n, used;
    genai_str_t           key;
    const unsigned char  *p, *end;

    /* in quotes or without them */

    n = (len > 2 && src[0] == '"' && src[len - 1] == '"');

    key.data = (unsigned char *) src + n;
    key.len = len - 2 * n;

    if (genai_key_check(&key) == 1) {
        (void) snprintf(dst, size, GENAI_KEY_PREFIX "...");
        return;
    }

    p = (const unsigned char *) src;
    end = p + len;

    while (p < end) {
        n = genai_policy_clean_char(piece, p, end, &used);

        /* room for what is left behind, or for what says that there was more */

        if (n + (p + used < end ? 3 : 0) >= size) {
            n = (size > 3) ? 3 : size - 1;
            memcpy(dst, "...", n);
            dst += n;
            break;
        }

        memcpy(dst, piece, n);

        dst += n;
        size -= n;
        p += used;
    }

    *dst = '\0';
}


/*
 * One character: what is written for it, and in *len how many bytes it had.
 * Not only control characters are none: a line may also end at U+2028 and
 * U+2029, and U+202A to U+202E and U+2066 to U+2069 turn it around.
 */

static size_t
genai_policy_clean_char(char *dst, const unsigned char *p,
    const unsigned char *end, size_t *len)
{
    static const char     hex[] = "0123456789abcdef";

    const unsigned char  *next;

    next = genai_text_utf8(p, end);

    if (next && *p >= 0x20 && *p != 0x7f
        && !(*p == 0xc2 && p[1] < 0xa0)
        && !(*p == 0xe2 && ((p[1] == 0x80 && p[2] >= 0xa8 && p[2] <= 0xae)
                            || (p[1] == 0x81 && p[2] >= 0xa6
                                && p[2] <= 0xa9))))
    {
        *len = next - p;
        memcpy(dst, p, *len);

        return *len;
    }

    *len = 1;

    dst[0] = '\\';
    dst[1] = 'x';
    dst[2] = hex[*p >> 4];
    dst[3] = hex[*p & 0x0f];

    return 4;
}


const char *
genai_policy_text_wrong(const genai_str_t *s, size_t max)
{
    char                  piece[8];
    size_t                n, len;
    const unsigned char  *p, *end;

    if (s->data == NULL) {
        return "it is no string";
    }

    if (s->len == 0) {
        return "it is empty";
    }

    if (s->len > max) {
        return (max == GENAI_POLICY_ID_MAX) ? "it has more than 128 bytes"
                                            : "it has more than 256 bytes";
    }

    p = s->data;
    end = p + s->len;

    if (*p == ' ' || end[-1] == ' ') {
        return "it begins or ends with a blank";
    }

    while (p < end) {

        if (*p >= 0x20 && *p < 0x7f) {
            p++;
            continue;
        }

        n = genai_policy_clean_char(piece, p, end, &len);

        if (n != len) {
            return "it has a control character";
        }

        p += len;
    }

    return NULL;
}


void
genai_policy_finding(genai_policy_builder_t *b, genai_finding_e level,
    const char *fragment, unsigned line, const char *object,
    const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    genai_policy_vfinding(b, level, fragment, line, object, fmt, args);
    va_end(args);
}


void
genai_policy_complain(genai_policy_builder_t *b, genai_finding_e level,
    const genai_policy_def_t *def, unsigned line, const char *fmt, ...)
{
    char         object[GENAI_FINDING_NAME];
    va_list      args;
    genai_str_t  id;

    if (!genai_policy_room(b, level)) {
        return;
    }

    id = genai_policy_symbol_text(b, def->symbol);

    (void) snprintf(object, sizeof(object), "%ss.%.*s",
                    genai_policy_kind(def->kind), (int) id.len, id.data);

    va_start(args, fmt);
    genai_policy_vfinding(b, level,
                          genai_policy_fragment(b, def->fragment)->name, line,
                          object, fmt, args);
    va_end(args);
}


/*
 * Whether a finding of that level would be kept.  Where all places are taken,
 * the last one of a lower level gives way: thousands of notes do not hide
 * what is broken.
 */

static int
genai_policy_room(genai_policy_builder_t *b, genai_finding_e level)
{
    int  i;

    if (b->nfindings < GENAI_POLICY_FINDINGS_MAX) {
        return 1;
    }

    for (i = 0; i < (int) level; i++) {
        if (b->levels[i]) {
            return 1;
        }
    }

    b->lost++;

    return 0;
}


static void
genai_policy_vfinding(genai_policy_builder_t *b, genai_finding_e level,
    const char *fragment, unsigned line, const char *object, const char *fmt,
    va_list args)
{
    char              raw[GENAI_FINDING_TEXT], text[GENAI_FINDING_TEXT];
    char              name[GENAI_FINDING_NAME], path[GENAI_FINDING_NAME];
    size_t            n, m, k;
    genai_finding_e   lowest;
    genai_finding_t  *f, **pf, **out;

    if (!genai_policy_room(b, level)) {
        return;
    }

    if (b->nfindings == GENAI_POLICY_FINDINGS_MAX) {

        for (lowest = 0; b->levels[lowest] == 0; lowest++) { /* void */ }

        out = NULL;

        for (pf = &b->findings; *pf; pf = &(*pf)->next) {
            if ((*pf)->level == lowest) {
                out = pf;
            }
        }

        f = *out;
        *out = f->next;

        if (b->last == &f->next) {
            b->last = out;
        }

        free(f);

        b->levels[lowest]--;
        b->nfindings--;
        b->lost++;
    }

    fragment = fragment ? fragment : "";
    object = object ? object : "";

    (void) vsnprintf(raw, sizeof(raw), fmt, args);

    genai_policy_clean(text, sizeof(text), raw, strlen(raw));
    genai_policy_clean(name, sizeof(name), fragment, strlen(fragment));
    genai_policy_clean(path, sizeof(path), object, strlen(object));

    n = strlen(name) + 1;
    m = strlen(path) + 1;
    k = strlen(text) + 1;

    f = malloc(sizeof(genai_finding_t) + n + m + k);

    if (f == NULL) {
        b->lost++;
        return;
    }

    f->level = level;
    f->line = line;
    f->next = NULL;
    f->fragment = (char *) f + sizeof(genai_finding_t);
    f->object = f->fragment + n;
    f->text = f->object + m;

    memcpy(f->fragment, name, n);
    memcpy(f->object, path, m);
    memcpy(f->text, text, k);

    *b->last = f;
    b->last = &f->next;

    b->nfindings++;
    b->levels[level]++;
}


const genai_finding_t *
genai_policy_findings(const genai_policy_builder_t *b)
{
    return b->findings;
}


size_t
genai_policy_findings_lost(const genai_policy_builder_t *b)
{
    return b->lost;
}


const char *
genai_finding_level(genai_finding_e level)
{
    static const char  *words[] = { "note", "warning", "closed", "broken" };

    return words[level];
}
