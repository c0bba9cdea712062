/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzing of pre-tokenization and normalization.  The first byte is a seed,
 * the rest a text, in which what is not UTF-8 is replaced for all but one
 * round, that only must not read beyond it.
 */


#include "split.h"
#include "genai_unicode.h"


#define fuzz_check(cond, what)                                                \
    do {                                                                      \
        if (!(cond)) {                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, what);         \
            abort();                                                          \
        }                                                                     \
    } while (0)


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


/* the text with "?" for each byte of what is not UTF-8 */

static void
fuzz_repair(unsigned char *p, size_t len)
{
    size_t         i, n, k;
    unsigned char  low, high;

    for (i = 0; i < len; i += n) {
        n = (p[i] < 0x80) ? 1 : (p[i] < 0xc2) ? 0 : (p[i] < 0xe0) ? 2
            : (p[i] < 0xf0) ? 3 : (p[i] < 0xf5) ? 4 : 0;

        low = (p[i] == 0xe0) ? 0xa0 : (p[i] == 0xf0) ? 0x90 : 0x80;
        high = (p[i] == 0xed) ? 0x9f : (p[i] == 0xf4) ? 0x8f : 0xbf;

        for (k = 1; k < n && i + k < len; k++) {
            if (p[i + k] < low || p[i + k] > high) {
                break;
            }

            low = 0x80;
            high = 0xbf;
        }

        if (n == 0 || k < n) {
            p[i] = '?';
            n = 1;
        }
    }
}


static unsigned char *
fuzz_nfc(const genai_str_t *s, size_t *len)
{
    unsigned char  *dst;

    dst = malloc(genai_nfc_bound(s->len) + 1);
    *len = genai_nfc_write(dst, s);

    fuzz_check(*len <= genai_nfc_bound(s->len), "more than the bound");

    return dst;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t          n, len, again, cut, head, tail;
    uint32_t       *ends, seed;
    const char     *what;
    genai_str_t     text, part;
    genai_split_e   split;
    unsigned char  *p, *one, *two;

    if (size == 0) {
        return 0;
    }

    seed = data[0] * 2654435761u;
    text.len = size - 1;
    text.data = malloc(text.len + 1);

    /* with nothing behind it */

    p = realloc(text.data, text.len ? text.len : 1);
    text.data = p;
    memcpy(p, data + 1, text.len);

    ends = malloc((text.len + 1) * sizeof(uint32_t));

    for (split = GENAI_SPLIT_R50K; split <= GENAI_SPLIT_SPACE; split++) {
        (void) genai_split(split, NULL, &text, 0, ends, text.len + 1);
        n = genai_split(split, NULL, &text, 1, ends, text.len + 1);

        fuzz_check(n == 0 ? text.len == 0 : ends[n - 1] == text.len,
                   "a broken text that is not all cut");
    }

    free(ends);
    free(fuzz_nfc(&text, &len));

    fuzz_repair(p, text.len);

    for (split = GENAI_SPLIT_R50K; split <= GENAI_SPLIT_SPACE; split++) {
        what = split_check(split, &text, seed, &ends, &n);
        fuzz_check(what == NULL, what);
        free(ends);
    }

    /* NFC is the same of the same, and of the parts of a cut */

    one = fuzz_nfc(&text, &len);

    n = genai_nfc_check(&text);
    fuzz_check(n <= len && memcmp(one, text.data, n) == 0,
               "a part that is said to be normal");

    part.data = one;
    part.len = len;
    two = fuzz_nfc(&part, &again);
    fuzz_check(again == len && memcmp(one, two, len) == 0,
               "what is normal changes");
    free(two);

    cut = genai_nfc_cut(&text);
    fuzz_check(cut <= text.len, "a cut behind the end");

    part.data = text.data;
    part.len = cut;
    two = fuzz_nfc(&part, &head);
    fuzz_check(head <= len && memcmp(one, two, head) == 0,
               "the part before a cut");
    free(two);

    part.data = text.data + cut;
    part.len = text.len - cut;
    two = fuzz_nfc(&part, &tail);
    fuzz_check(head + tail == len && memcmp(one + head, two, tail) == 0,
               "the part behind a cut");
    free(two);

    free(one);
    free(p);

    return 0;
}
