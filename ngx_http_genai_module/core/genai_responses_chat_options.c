/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Writes the options of OpenAI's Responses API that are values only.
 */


#include "genai_responses_chat_int.h"


/* those that it does not have are NULL, and dropped by the other name */

static const struct {
    const char  *name;
    const char  *dropped;
} genai_rp_params[GENAI_PARAM_LAST] = {
    [GENAI_PARAM_TEMPERATURE] = { "temperature", NULL },
    [GENAI_PARAM_TOP_P] = { "top_p", NULL },
    [GENAI_PARAM_TOP_K] = { NULL, "top_k" },
    [GENAI_PARAM_SEED] = { NULL, "seed" },
    [GENAI_PARAM_FREQUENCY_PENALTY] = { NULL, "frequency_penalty" },
    [GENAI_PARAM_PRESENCE_PENALTY] = { NULL, "presence_penalty" },
    [GENAI_PARAM_LOGIT_BIAS] = { NULL, "logit_bias" },
    [GENAI_PARAM_LOGPROBS] = { NULL, "logprobs" },
    [GENAI_PARAM_TOP_LOGPROBS] = { NULL, "top_logprobs" },
    [GENAI_PARAM_USER] = { "user", NULL },
    [GENAI_PARAM_METADATA] = { "metadata", NULL },
    [GENAI_PARAM_SERVICE_TIER] = { NULL, "service_tier" },
    [GENAI_PARAM_STORE] = { NULL, NULL },
    [GENAI_PARAM_VERBOSITY] = { NULL, NULL },       /* in text */
    [GENAI_PARAM_CACHE_KEY] = { "prompt_cache_key", NULL },
    [GENAI_PARAM_SAFETY_ID] = { "safety_identifier", NULL }
};


int
genai_responses_write_options(genai_chat_t *chat,
    const genai_chat_target_t *to, genai_writer_t *w)
{
    int          use;
    int64_t      cap;
    unsigned     i;
    const char  *name;

    if (chat->nstop) {
        return genai_chat_refuse(chat, "this model's provider takes no stop "
                                 "sequences");
    }

    if (chat->n > 1) {
        return genai_chat_refuse(chat, "this model's provider gives one "
                                 "answer, not n");
    }

    cap = chat->max_output;

    if (to->max_output >= 0 && (cap < 0 || to->max_output < cap)) {
        cap = to->max_output;
    }

    if (cap >= 0) {
        genai_writer_name(w, "max_output_tokens");
        genai_writer_int(w, cap);
    }

    for (i = GENAI_PARAM_NONE + 1; i < GENAI_PARAM_LAST; i++) {

        if (chat->param[i].kind == GENAI_VALUE_NONE) {
            continue;
        }

        name = genai_rp_params[i].name ? genai_rp_params[i].name
                                       : genai_rp_params[i].dropped;
        use = genai_rp_params[i].name ? genai_chat_param_use(chat, to, i)
                                      : GENAI_CHAT_LEFT_OUT;

        if (use < 0) {
            return GENAI_CHAT_NO_MEMORY;
        }

        if (use == GENAI_CHAT_KEPT) {
            genai_value_member(&chat->param[i], w, name);

        } else if (use == GENAI_CHAT_LEFT_OUT && name) {
            genai_chat_drop(chat, name, strlen(name));
        }
    }

    genai_writer_name(w, "store");
    genai_writer_literal(w, "false");

    if (to->stream) {
        genai_writer_name(w, "stream");
        genai_writer_literal(w, "true");
    }

    return GENAI_CHAT_OK;
}
