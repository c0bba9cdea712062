/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The closed set of words for what went wrong: $genai_error, x-genai-error,
 * and the label of metrics.  caller_* is the client's to mend, policy_* is
 * what the operator forbids, provider_* is the provider's, gateway_* is ours.
 */


#ifndef _GENAI_ERROR_H_INCLUDED_
#define _GENAI_ERROR_H_INCLUDED_


#include "genai_str.h"


typedef enum {
    GENAI_OK = 0,

    GENAI_CALLER_BAD_REQUEST,
    GENAI_CALLER_UNAUTHENTICATED,
    GENAI_CALLER_FORBIDDEN_MODEL,
    GENAI_CALLER_FORBIDDEN_ENDPOINT,
    GENAI_CALLER_TOO_LARGE,
    GENAI_CALLER_GONE,

    GENAI_POLICY_RATE,
    GENAI_POLICY_QUOTA,
    GENAI_POLICY_GUARD,
    GENAI_POLICY_REGION,

    GENAI_PROVIDER_RATE_LIMITED,
    GENAI_PROVIDER_OVERLOADED,
    GENAI_PROVIDER_TIMEOUT,
    GENAI_PROVIDER_REFUSED,
    GENAI_PROVIDER_BAD_ANSWER,
    GENAI_PROVIDER_UNREACHABLE,

    GENAI_GATEWAY_INTERNAL,
    GENAI_GATEWAY_CONFIG,
    GENAI_GATEWAY_FULL,

    GENAI_ERROR_LAST
} genai_error_e;


/*
 * The word itself, a static text; "" for GENAI_OK.
 */
const genai_str_t *genai_error_word(genai_error_e error);

/*
 * The HTTP status that the word stands for where no closer one is known; 200
 * for GENAI_OK, 499 for GENAI_CALLER_GONE, which only logs see.
 */
unsigned genai_error_status(genai_error_e error);

/*
 * What a provider's status means for an exchange that ends with it.  Returns
 * GENAI_OK below 400.
 */
genai_error_e genai_error_of_provider(unsigned status);

/*
 * What a provider's error means that comes behind a status of 200, by its
 * type and its code, either of which may be empty.  What is not known is
 * GENAI_PROVIDER_BAD_ANSWER.
 */
genai_error_e genai_error_of_words(const genai_str_t *type,
    const genai_str_t *code);

/*
 * What an error of nginx's own means (limit_req, deny, client_max_body_size,
 * a timeout...) in a location of ours.  Returns GENAI_OK below 400.
 */
genai_error_e genai_error_of_nginx(unsigned status);


#endif /* _GENAI_ERROR_H_INCLUDED_ */
