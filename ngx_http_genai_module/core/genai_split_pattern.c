/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Expressions of loaded files, by PCRE2.
 */


#include "genai_split_pattern_int.h"


#define GENAI_PATTERN_HEAP  (32 * 1024)     /* KiB of one search, no JIT */


struct genai_split_pattern_s {
    pcre2_code           *code;
    pcre2_match_context  *limits;
};


genai_split_pattern_t *
genai_split_pattern_compile(const genai_str_t *expression, char *error,
    size_t size)
{
    int                     number;
    uint32_t                empty;
    PCRE2_UCHAR             text[128];
    PCRE2_SIZE              where;
    genai_pattern_t         s;
    genai_split_pattern_t  *p;

    memset(&s, 0, sizeof(genai_pattern_t));

    s.p = expression->data;
    s.end = s.p + expression->len;
    s.error = error;
    s.error_size = size;

    if (expression->len > GENAI_SPLIT_PATTERN_LEN) {
        (void) genai_pattern_fail(&s, "too much in it");
        return NULL;
    }

    p = calloc(1, sizeof(genai_split_pattern_t));

    if (p == NULL) {
        (void) genai_pattern_fail(&s, "no memory to be read in");
        return NULL;
    }

    if (genai_pattern_alternatives(&s) != 0) {
        goto failed;
    }

    p->limits = pcre2_match_context_create(NULL);
    p->code = pcre2_compile(s.out ? s.out : (PCRE2_SPTR) "", s.len,
                            PCRE2_UTF|PCRE2_UCP, &number, &where, NULL);

    if (p->code == NULL) {
        pcre2_get_error_message(number, text, sizeof(text));
        snprintf(error, size, "the expression: %s", text);
        goto failed;
    }

    if (p->limits == NULL) {
        (void) genai_pattern_fail(&s, "no memory to be used with");
        goto failed;
    }

    if (pcre2_pattern_info(p->code, PCRE2_INFO_MATCHEMPTY, &empty) != 0
        || empty)
    {
        (void) genai_pattern_fail(&s, "a match of nothing");
        goto failed;
    }

    (void) pcre2_set_match_limit(p->limits, GENAI_SPLIT_PATTERN_TRIES);
    (void) pcre2_set_heap_limit(p->limits, GENAI_PATTERN_HEAP);

    /* without it all is the same, slower */

    (void) pcre2_jit_compile(p->code,
                             PCRE2_JIT_COMPLETE|PCRE2_JIT_PARTIAL_HARD);

    free(s.out);

    return p;

failed:

    free(s.out);
    genai_split_pattern_free(p);

    return NULL;
}


void
genai_split_pattern_free(genai_split_pattern_t *p)
{
    if (p == NULL) {
        return;
    }

    pcre2_match_context_free(p->limits);
    pcre2_code_free(p->code);
    free(p);
}


size_t
genai_split_pattern_exec(const genai_split_pattern_t *p,
    const genai_str_t *text, int last, uint32_t *ends, size_t max)
{
    int                rc;
    size_t             n, at, *found;
    uint32_t           options;
    pcre2_match_data  *data;

    if (text->len == 0 || max == 0) {
        return 0;
    }

    data = pcre2_match_data_create(1, NULL);

    if (data == NULL) {
        return GENAI_SPLIT_ERROR;
    }

    found = pcre2_get_ovector_pointer(data);
    n = 0;

    for (at = 0; n < max && at < text->len; at = found[1]) {

        options = PCRE2_NO_UTF_CHECK | (last ? 0 : PCRE2_PARTIAL_HARD);

        rc = pcre2_match(p->code, text->data, text->len, at, options, data,
                         p->limits);

        if (rc == PCRE2_ERROR_JIT_STACKLIMIT) {

            /* the other matcher is slower, but has room */

            rc = pcre2_match(p->code, text->data, text->len, at,
                             options | PCRE2_NO_JIT, data, p->limits);
        }

        if (rc == PCRE2_ERROR_PARTIAL
            || (rc == PCRE2_ERROR_NOMATCH && !last))
        {
            break;
        }

        if (rc == PCRE2_ERROR_NOMATCH) {
            ends[n++] = (uint32_t) text->len;
            break;
        }

        if (rc < 0) {

            /* what was found is right; then the same happens again */

            n = n ? n : GENAI_SPLIT_ERROR;
            break;
        }

        if (found[0] > at) {
            ends[n++] = (uint32_t) found[0];

            if (n == max) {
                break;
            }
        }

        ends[n++] = (uint32_t) found[1];
    }

    pcre2_match_data_free(data);

    return n;
}
