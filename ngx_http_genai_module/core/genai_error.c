/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "genai_error.h"

#include <string.h>
#include <strings.h>


typedef struct {
    genai_str_t  word;
    unsigned     status;
} genai_error_entry_t;


/* in the order of genai_error_e */

static const genai_error_entry_t  genai_errors[GENAI_ERROR_LAST] = {
    { genai_str(""), 200 },

    { genai_str("caller_bad_request"), 400 },
    { genai_str("caller_unauthenticated"), 401 },
    { genai_str("caller_forbidden_model"), 404 },
    { genai_str("caller_forbidden_endpoint"), 404 },
    { genai_str("caller_too_large"), 413 },
    { genai_str("caller_gone"), 499 },

    { genai_str("policy_rate"), 429 },
    { genai_str("policy_quota"), 429 },
    { genai_str("policy_guard"), 400 },
    { genai_str("policy_region"), 403 },

    { genai_str("provider_rate_limited"), 429 },
    { genai_str("provider_overloaded"), 503 },
    { genai_str("provider_timeout"), 504 },
    { genai_str("provider_refused"), 502 },
    { genai_str("provider_bad_answer"), 502 },
    { genai_str("provider_unreachable"), 502 },

    { genai_str("gateway_internal"), 500 },
    { genai_str("gateway_config"), 503 },
    { genai_str("gateway_full"), 503 }
};


const genai_str_t *
genai_error_word(genai_error_e error)
{
    return &genai_errors[error < GENAI_ERROR_LAST ? error : GENAI_OK].word;
}


unsigned
genai_error_status(genai_error_e error)
{
    return genai_errors[error < GENAI_ERROR_LAST ? error : GENAI_OK].status;
}


genai_error_e
genai_error_of_provider(unsigned status)
{
    switch (status) {

    case 401:
    case 403:
    case 407:
        return GENAI_PROVIDER_REFUSED;

    case 408:
    case 504:
        return GENAI_PROVIDER_TIMEOUT;

    case 413:
        return GENAI_CALLER_TOO_LARGE;

    case 429:
        return GENAI_PROVIDER_RATE_LIMITED;

    case 503:
    case 529:
        return GENAI_PROVIDER_OVERLOADED;
    }

    if (status < 400) {
        return GENAI_OK;
    }

    return (status < 500) ? GENAI_CALLER_BAD_REQUEST
                          : GENAI_PROVIDER_BAD_ANSWER;
}


genai_error_e
genai_error_of_words(const genai_str_t *type, const genai_str_t *code)
{
    size_t              i, n;
    unsigned            which;
    const genai_str_t  *s;

    /* parts of them, of all dialects */

    static const struct {
        const char      *word;
        genai_error_e    error;
    } words[] = {
        { "rate_limit", GENAI_PROVIDER_RATE_LIMITED },
        { "resource_exhausted", GENAI_PROVIDER_RATE_LIMITED },
        { "throttling", GENAI_PROVIDER_RATE_LIMITED },
        { "429", GENAI_PROVIDER_RATE_LIMITED },
        { "overloaded", GENAI_PROVIDER_OVERLOADED },
        { "unavailable", GENAI_PROVIDER_OVERLOADED },
        { "503", GENAI_PROVIDER_OVERLOADED },
        { "529", GENAI_PROVIDER_OVERLOADED },
        { "timeout", GENAI_PROVIDER_TIMEOUT },
        { "deadline", GENAI_PROVIDER_TIMEOUT },
        { "504", GENAI_PROVIDER_TIMEOUT },
        { "invalid_request", GENAI_CALLER_BAD_REQUEST },
        { "invalid_argument", GENAI_CALLER_BAD_REQUEST },
        { "validation", GENAI_CALLER_BAD_REQUEST },
        { "authentication", GENAI_PROVIDER_REFUSED },
        { "permission", GENAI_PROVIDER_REFUSED },
        { "accessdenied", GENAI_PROVIDER_REFUSED }
    };

    for (which = 0; which < 2; which++) {

        s = which ? code : type;

        for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {

            for (n = 0; n + strlen(words[i].word) <= s->len; n++) {

                if (strncasecmp((const char *) s->data + n, words[i].word,
                                strlen(words[i].word))
                    == 0)
                {
                    return words[i].error;
                }
            }
        }
    }

    return GENAI_PROVIDER_BAD_ANSWER;
}


genai_error_e
genai_error_of_nginx(unsigned status)
{
    switch (status) {

    case 401:
        return GENAI_CALLER_UNAUTHENTICATED;

    case 403:
    case 404:
        return GENAI_CALLER_FORBIDDEN_ENDPOINT;

    case 413:
        return GENAI_CALLER_TOO_LARGE;

    case 429:
        return GENAI_POLICY_RATE;

    case 499:
        return GENAI_CALLER_GONE;

    case 502:
        return GENAI_PROVIDER_UNREACHABLE;

    case 503:
        return GENAI_GATEWAY_FULL;

    case 504:
        return GENAI_PROVIDER_TIMEOUT;
    }

    if (status < 400) {
        return GENAI_OK;
    }

    return (status < 500) ? GENAI_CALLER_BAD_REQUEST : GENAI_GATEWAY_INTERNAL;
}
