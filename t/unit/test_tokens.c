/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Tokens against what the reference implementations made of the same texts,
 * see t/tokens/README.md: for every vocabulary that is there, the ids of each
 * text; then, of most, the count alone, in small steps and as a stream cut
 * anywhere.
 *
 *     test_tokens [NAME...]
 *
 * GENAI_VOCAB_DIR is where the compiled vocabularies are, build/data without.
 * One that is not there is skipped, unless GENAI_VOCAB_ALL is set.
 */


#include "tap.h"
#include "genai_counter.h"
#include "genai_file.h"
#include "genai_vocab.h"

#include <openssl/evp.h>
#include <stdint.h>


#define TEXTS       "t/tokens/texts.txt"
#define GOLDEN      "t/tokens/golden"
#define FILE_MAX    (64 << 20)
#define TEXT_MAX    (1 << 20)
#define CHUNKS      1024
#define IDS         (1 << 20)

/* units of work of a step */
#ifndef BUDGET
#define BUDGET      50
#endif


typedef struct {
    uint32_t          first;        /* a range, where last is not 0 */
    uint32_t          last;
    genai_str_t       text;
} chunk_t;


typedef struct {
    genai_vocab_t     vocab;
    const char       *name;
    EVP_MD_CTX       *hash;
    uint64_t          tokens;
    unsigned          small:1;      /* count it again in other ways */
    unsigned          differs:1;
} check_t;


static const char  *const  names[] = {
    "o200k_base", "cl100k_base", "p50k_base", "r50k_base", "qwen2_5", "qwen3",
    "deepseek_v3", "llama3_1", "gemma2", "gemma3", "mistral_v1", "mistral_v3",
    "mistral_v7", "tekken", "tekken_240718", NULL
};

static unsigned char      text_buf[TEXT_MAX];
static uint32_t           ids[IDS];
static size_t             nids;
static chunk_t            chunk_list[CHUNKS];
static genai_bpe_cache_t  cache;


static uint64_t
splitmix(uint64_t *state)
{
    uint64_t  z;

    *state += UINT64_C(0x9e3779b97f4a7c15);

    z = *state;
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);

    return z ^ z >> 31;
}


static size_t
put_utf8(unsigned char *p, uint32_t c)
{
    if (c < 0x80) {
        p[0] = c;
        return 1;
    }

    if (c < 0x800) {
        p[0] = 0xc0 | c >> 6;
        p[1] = 0x80 | (c & 63);
        return 2;
    }

    if (c < 0x10000) {
        p[0] = 0xe0 | c >> 12;
        p[1] = 0x80 | (c >> 6 & 63);
        p[2] = 0x80 | (c & 63);
        return 3;
    }

    p[0] = 0xf0 | c >> 18;
    p[1] = 0x80 | (c >> 12 & 63);
    p[2] = 0x80 | (c >> 6 & 63);
    p[3] = 0x80 | (c & 63);

    return 4;
}


static void
sink(void *data, uint32_t id)
{
    if (nids < IDS - 1) {
        ids[nids++] = id;
    }
}


/* the same text in steps, and as a stream */

static void
check_again(check_t *k, const genai_str_t *text, uint64_t tokens)
{
    int              rc;
    size_t           n, pos;
    uint64_t         state;
    genai_str_t      piece;
    genai_counter_t  c;

    genai_counter_init(&c, &k->vocab, &cache);

    do {
        rc = genai_counter_text(&c, text, BUDGET);
    } while (rc == GENAI_COUNTER_AGAIN);

    if (rc != GENAI_COUNTER_DONE || c.tokens != tokens) {
        k->differs = 1;
        diag("in steps %lu tokens, not %lu", (unsigned long) c.tokens,
             (unsigned long) tokens);
        tap_dump("text", text->data, text->len);
    }

    genai_counter_done(&c);

    genai_counter_init(&c, &k->vocab, &cache);
    state = text->len + tokens;
    rc = 0;

    for (pos = 0; pos < text->len && rc == 0; pos += n) {
        n = splitmix(&state);
        n = 1 + ((n & 7) ? (n >> 8) % 8 : (n >> 8) % 200);

        if (n > text->len - pos) {
            n = text->len - pos;
        }

        piece.data = text->data + pos;
        piece.len = n;

        rc = genai_counter_feed(&c, &piece);
    }

    if (rc == 0) {
        rc = genai_counter_end(&c);
    }

    if (rc != 0 || (c.tokens != tokens && !c.inexact)) {
        k->differs = 1;
        diag("as a stream %lu tokens, not %lu", (unsigned long) c.tokens,
             (unsigned long) tokens);
        tap_dump("text", text->data, text->len);
    }

    genai_counter_done(&c);
}


static void
check_text(check_t *k, size_t len)
{
    int              rc;
    genai_str_t      text;
    genai_counter_t  c;

    /* at its very end what is read behind it is seen */

    text.len = len;
    text.data = malloc(len + 1);

    if (text.data == NULL) {
        k->differs = 1;
        return;
    }

    text.data++;
    memcpy(text.data, text_buf, len);

    nids = 0;

    genai_counter_init(&c, &k->vocab, &cache);
    genai_counter_ids(&c, sink, NULL);

    do {
        rc = genai_counter_text(&c, &text, GENAI_COUNTER_ALL);
    } while (rc == GENAI_COUNTER_AGAIN);

    if (rc != GENAI_COUNTER_DONE || c.tokens != nids) {
        k->differs = 1;
        diag("%lu tokens, but %lu ids", (unsigned long) c.tokens,
             (unsigned long) nids);
    }

    k->tokens += nids;
    ids[nids++] = 0xffffffff;
    EVP_DigestUpdate(k->hash, ids, nids * sizeof(uint32_t));

    genai_counter_done(&c);

    if (k->small) {
        check_again(k, &text, nids - 1);
    }

    free(text.data - 1);
}


/* escaped text up to end, see t/tokens/texts.py; returns bytes written */

static size_t
unescape(unsigned char *dst, const char *p, const char *end)
{
    unsigned        byte;
    unsigned char  *begin = dst;

    while (p < end) {

        if (p[0] == '\\' && end - p >= 4 && p[1] == 'x'
            && sscanf(p + 2, "%2x", &byte) == 1)
        {
            *dst++ = byte;
            p += 4;

        } else if (p[0] == '\\' && end - p >= 2) {
            *dst++ = p[1];
            p += 2;

        } else {
            *dst++ = *p++;
        }
    }

    return dst - begin;
}


/* the bytes of chunks are put where the file has them: they get no longer */

static size_t
chunks(char *p, char *end)
{
    char      *next;
    size_t     n;
    chunk_t   *c;

    for (n = 0; n < CHUNKS; n++, p = next + 1) {
        next = memchr(p, ' ', end - p);
        next = next ? next : end;

        c = &chunk_list[n];
        c->last = 0;

        if (*p == '{' && next[-1] == '}'
            && sscanf(p, "{%x-%x}", &c->first, &c->last) == 2)
        {
            c->text.len = 0;

        } else {
            c->text.data = (unsigned char *) p;
            c->text.len = unescape((unsigned char *) p, p, next);
        }

        if (next == end) {
            return n + 1;
        }
    }

    return 0;
}


static size_t
put_chunk(size_t len, const chunk_t *c, uint64_t *state)
{
    if (len + c->text.len + 4 > TEXT_MAX) {
        return len;
    }

    if (c->last) {
        return len + put_utf8(text_buf + len, c->first + splitmix(state)
                                              % (c->last - c->first + 1));
    }

    memcpy(text_buf + len, c->text.data, c->text.len);

    return len + c->text.len;
}


static void
random_texts(check_t *k, uint64_t state, unsigned count, unsigned most,
    size_t n)
{
    size_t           len;
    uint64_t         r;
    unsigned         draws, times;
    const chunk_t   *c;

    while (count--) {
        len = 0;

        for (draws = 1 + splitmix(&state) % most; draws; draws--) {
            r = splitmix(&state);
            c = &chunk_list[(r >> 32) % n];
            times = (r % 8 == 0) ? 1 + (r >> 8) % 6 : 1;

            while (times--) {
                len = put_chunk(len, c, &state);
            }
        }

        check_text(k, len);
    }
}


static void
every_text(check_t *k, unsigned length, size_t n)
{
    size_t    i, len, at[16];

    memset(at, 0, sizeof(at));

    for ( ;; ) {
        len = 0;

        for (i = 0; i < length; i++) {
            len = put_chunk(len, &chunk_list[at[i]], NULL);
        }

        check_text(k, len);

        for (i = length; i > 0; i--) {

            if (++at[i - 1] < n) {
                break;
            }

            at[i - 1] = 0;
        }

        if (i == 0) {
            return;
        }
    }
}


static size_t
code_points(uint32_t first, uint32_t last, const char *p, const char *end)
{
    size_t    len;
    uint32_t  c;

    len = 0;

    for (c = first; c <= last && len + 64 < TEXT_MAX; c++) {

        if (c >= 0xd800 && c <= 0xdfff) {
            continue;
        }

        len += put_utf8(text_buf + len, c);
        len += unescape(text_buf + len, p, end);
    }

    return len;
}


/* an entry's fields begin behind its name; returns 0 for an unknown one */

static int
check_entry(check_t *k, char *line, char *end)
{
    char                *p, *fields[3];
    size_t               len, one;
    unsigned             n, count, most, first, last;
    unsigned long long   seed;

    n = 0;

    for (p = line; n < 3 && p; n++) {
        p = memchr(p, '\t', end - p);
        fields[n] = p ? ++p : end;
    }

    k->small = 0;

    switch (fields[0][0]) {

    case 't':
        len = unescape(text_buf, fields[1], end);
        k->small = (len < 4096);
        check_text(k, len);
        return 1;

    case 'r':
        n = strtoul(fields[1], NULL, 10);
        one = unescape(text_buf, fields[2], end);

        for (len = one; --n && len + one < TEXT_MAX; len += one) {
            memcpy(text_buf + len, text_buf, one);
        }

        k->small = 1;
        check_text(k, len);
        return 1;

    case 'u':

        if (sscanf(fields[1], "%x %x", &first, &last) != 2) {
            return 0;
        }

        k->small = (*fields[2] == 'a');
        check_text(k, code_points(first, last, fields[2], end));
        return 1;

    case 'x':
        n = strtoul(fields[1], NULL, 10);
        k->small = (n < 5);
        every_text(k, n, chunks(fields[2], end));
        return 1;

    case 'z':

        if (sscanf(fields[1], "%llu %u %u", &seed, &count, &most) != 3) {
            return 0;
        }

        k->small = 1;
        random_texts(k, seed, count, most, chunks(fields[2], end));
        return 1;
    }

    return 0;
}


static char *
line_end(char *p)
{
    char  *end;

    end = strchr(p, '\n');

    return end ? end : p + strlen(p);
}


/* returns 1 when the entry is as the golden line says */

static int
compare_entry(check_t *k, char *line, char *end, const char *golden)
{
    char                 hex[17];
    unsigned             i, len;
    unsigned char        digest[EVP_MAX_MD_SIZE];
    unsigned long long   tokens;
    char                 want[17];

    EVP_DigestInit_ex(k->hash, EVP_sha256(), NULL);
    k->tokens = 0;
    k->differs = 0;

    if (!check_entry(k, line, end)) {
        diag("an entry is not understood");
        return 0;
    }

    EVP_DigestFinal_ex(k->hash, digest, &len);

    for (i = 0; i < 8; i++) {
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    }

    if (sscanf(golden, "%llu %16s", &tokens, want) != 2) {
        diag("the golden line is not understood");
        return 0;
    }

    if (tokens != k->tokens || strcmp(hex, want) != 0) {
        diag("%lu tokens with hash %s, want %lu with %s",
             (unsigned long) k->tokens, hex, (unsigned long) tokens, want);

        if (strncmp(line, "ids/", 4) == 0) {
            printf("#   got:");

            for (i = 0; i + 1 < nids; i++) {
                printf(" %u", (unsigned) ids[i]);
            }

            printf("\n#  want:%.*s\n",
                   (int) (strcspn(golden, "\n") - strcspn(golden, " ")),
                   golden + strcspn(golden, " "));
        }

        return 0;
    }

    return !k->differs;
}


static void
check_all(check_t *k, const char *source, size_t size, char *golden)
{
    char      *texts, *p, *end, *g, kind[64];
    unsigned   n, bad, nbad;

    texts = malloc(size + 1);

    if (texts == NULL) {
        fail("memory");
        return;
    }

    memcpy(texts, source, size + 1);

    g = golden;
    kind[0] = '\0';
    n = 0;
    bad = 0;
    nbad = 0;

    for (p = texts; *p; p = *end ? end + 1 : end) {
        end = line_end(p);

        if (*p == '#' || end == p) {
            continue;
        }

        if (strncmp(p, kind, strlen(kind)) != 0 || kind[0] == '\0') {

            if (n) {
                ok(bad == 0, "%s: %s %u, %u differ", k->name, kind, n, bad);
            }

            snprintf(kind, sizeof(kind), "%.*s",
                     (int) strcspn(p, "/") + 1, p);
            n = 0;
            bad = 0;
        }

        while (*g == '#') {
            g = line_end(g) + 1;
        }

        n++;

        if (!compare_entry(k, p, end, g)) {
            bad++;

            if (nbad++ < 20) {
                diag("%s: %.*s", k->name, (int) strcspn(p, "\t"), p);
            }
        }

        g = line_end(g);
        g = *g ? g + 1 : g;
    }

    ok(bad == 0, "%s: %s %u, %u differ", k->name, kind, n, bad);
    ok(*g == '\0' && p > texts, "%s: all golden lines", k->name);

    free(texts);
}


/* a golden file says of which texts it is */

static int
same_texts(const char *texts, size_t size, const char *golden)
{
    char            hex[65];
    unsigned        i, len;
    unsigned char   digest[EVP_MAX_MD_SIZE];
    const char     *p;

    EVP_Digest(texts, size, digest, &len, EVP_sha256(), NULL);

    for (i = 0; i < 32; i++) {
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    }

    p = strstr(golden, "texts.txt ");

    return p && strncmp(p + 10, hex, 64) == 0;
}


static void
check_vocab(const char *name, const char *texts, size_t size)
{
    char         path[512], error[GENAI_VOCAB_ERROR_MAX];
    char        *image, *golden;
    void        *aligned;
    size_t       len, n;
    check_t      k;
    const char  *dir;

    dir = getenv("GENAI_VOCAB_DIR");
    dir = dir ? dir : "build/data";

    snprintf(path, sizeof(path), "%s/%s.vocab", dir, name);

    if (genai_file_read(path, FILE_MAX, &image, &len) != 0) {

        if (getenv("GENAI_VOCAB_ALL")) {
            fail("%s can be read", path);

        } else {
            skip(1, "%s: there is no %s, see make data", name, path);
        }

        return;
    }

    snprintf(path, sizeof(path), GOLDEN "/%s.txt", name);

    if (genai_file_read(path, FILE_MAX, &golden, &n) != 0) {
        fail("%s can be read", path);
        free(image);
        return;
    }

    memset(&k, 0, sizeof(check_t));
    k.name = name;
    k.hash = EVP_MD_CTX_new();

    aligned = aligned_alloc(GENAI_VOCAB_ALIGN,
                            (len + GENAI_VOCAB_ALIGN - 1)
                            & ~(size_t) (GENAI_VOCAB_ALIGN - 1));

    if (k.hash && aligned) {
        memcpy(aligned, image, len);

        if (ok(genai_vocab_open(&k.vocab, aligned, len, error) == 0,
               "%s opens", name)
            && ok(same_texts(texts, size, golden),
                  "%s: the goldens are of these texts", name))
        {
            check_all(&k, texts, size, golden);
        }

    } else {
        fail("memory");
    }

    EVP_MD_CTX_free(k.hash);
    free(aligned);
    free(image);
    free(golden);
}


int
main(int argc, char **argv)
{
    int      i;
    char    *texts;
    size_t   size;

    if (genai_file_read(TEXTS, FILE_MAX, &texts, &size) != 0) {
        fail(TEXTS " can be read");
        return done_testing();
    }

    for (i = 1; i < argc; i++) {
        check_vocab(argv[i], texts, size);
    }

    for (i = 0; argc < 2 && names[i]; i++) {
        check_vocab(names[i], texts, size);
    }

    free(texts);

    return done_testing();
}
