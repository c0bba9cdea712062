/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Options that are values only, as OpenAI's two APIs have them.
 */


#include <stdlib.h>
#include <string.h>

#include "genai_chat.h"


/* bytes that OpenAI takes as the name of a user */
#define GENAI_CHAT_USER_MAX  64


static unsigned genai_chat_param_samples(genai_param_e param);
static unsigned genai_chat_param_asks(genai_param_e param,
    const genai_str_t *text);


int
genai_chat_param_use(genai_chat_t *chat, const genai_chat_target_t *to,
    genai_param_e param)
{
    unsigned     user;
    genai_str_t  text;

    user = (param == GENAI_PARAM_USER || param == GENAI_PARAM_SAFETY_ID);

    if (!user && (!to->fixed || !genai_chat_param_samples(param)
                  || chat->effort == GENAI_EFFORT_NONE
                  || (chat->effort == GENAI_EFFORT_UNSET
                      && chat->thinking == 0)))
    {
        return GENAI_CHAT_KEPT;
    }

    if (genai_value_decode(chat, &chat->param[param], &text) != 0) {
        return -1;
    }

    if (user) {
        return (text.len > GENAI_CHAT_USER_MAX) ? GENAI_CHAT_LEFT_OUT
                                                : GENAI_CHAT_KEPT;
    }

    return genai_chat_param_asks(param, &text) ? GENAI_CHAT_LEFT_OUT
                                               : GENAI_CHAT_NEEDLESS;
}


/* those that a model that thinks refuses */

static unsigned
genai_chat_param_samples(genai_param_e param)
{
    switch (param) {

    case GENAI_PARAM_TEMPERATURE:
    case GENAI_PARAM_TOP_P:
    case GENAI_PARAM_FREQUENCY_PENALTY:
    case GENAI_PARAM_PRESENCE_PENALTY:
    case GENAI_PARAM_LOGIT_BIAS:
    case GENAI_PARAM_LOGPROBS:
    case GENAI_PARAM_TOP_LOGPROBS:
        return 1;

    default:
        return 0;
    }
}


/* of them; false and 0 ask for nothing, and of the first two 1 does */

static unsigned
genai_chat_param_asks(genai_param_e param, const genai_str_t *text)
{
    char    number[32];
    char   *end;
    double  value;

    if (genai_str_is(text, "false")) {
        return 0;
    }

    if (text->len == 0 || text->len >= sizeof(number)) {
        return 1;
    }

    memcpy(number, text->data, text->len);
    number[text->len] = '\0';

    value = strtod(number, &end);

    if (*end != '\0') {
        return 1;
    }

    return value != ((param == GENAI_PARAM_TEMPERATURE
                      || param == GENAI_PARAM_TOP_P) ? 1.0 : 0.0);
}
