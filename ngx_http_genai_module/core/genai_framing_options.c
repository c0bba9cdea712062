/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What a request asks for beside its texts.  Providers know members that put
 * more into a prompt, leave something out or make an answer something else,
 * and there are new ones every month: so those are listed that do not, and
 * any other one is a doubt.
 */


#include "genai_framing_int.h"


/* members whose bytes are told one by one */
#define GENAI_FRAMING_OTHERS  16

/* what a member leaves as it is */
#define GENAI_FRAMING_BOTH    0
#define GENAI_FRAMING_PROMPT  1
#define GENAI_FRAMING_ANSWER  2


typedef struct {
    const char  *name;
    uint8_t      len;
    uint8_t      leaves;
} genai_framing_known_t;

#define known(name)         { name, sizeof(name) - 1, GENAI_FRAMING_BOTH }
#define known_prompt(name)  { name, sizeof(name) - 1, GENAI_FRAMING_PROMPT }
#define known_answer(name)  { name, sizeof(name) - 1, GENAI_FRAMING_ANSWER }


static const genai_framing_known_t *genai_framing_known(
    const genai_tape_t *t, uint32_t key, const genai_framing_known_t *list);
static void genai_framing_item_options(genai_framing_t *f);
static void genai_framing_choice(genai_framing_t *f, uint32_t i);
static void genai_framing_root(genai_framing_t *f);
static void genai_framing_other(genai_framing_t *f, uint32_t key);


/*
 * Those that are counted elsewhere; how answers are drawn, cut and sent; who
 * asks, and under which name it is kept.
 */

static const genai_framing_known_t  genai_framing_roots[] = {
    known("messages"), known("model"), known("stream"),
    known("stream_options"), known("max_tokens"),
    known("max_completion_tokens"), known("temperature"), known("top_p"),
    known("top_k"), known("min_p"), known("seed"), known("random_seed"),
    known("frequency_penalty"), known("presence_penalty"),
    known("repetition_penalty"), known("logprobs"), known("top_logprobs"),
    known("n"), known("user"), known("metadata"), known("store"),
    known("service_tier"), known("safety_identifier"),
    known("prompt_cache_key"), known("tools"), known("tool_choice"),
    known("functions"), known("function_call"), known("response_format"),
    known("parallel_tool_calls"), known("reasoning_effort"),
    known("prompt"), known("suffix"), known("input"),
    known("encoding_format"), known("dimensions"),
    known_prompt("stop"), known_prompt("stop_token_ids"),
    known_prompt("include_stop_str_in_output"), known_prompt("best_of"),
    known_prompt("echo"), known_prompt("logit_bias"),
    known_prompt("ignore_eos"), known_prompt("min_tokens"),
    known_answer("thinking"),
    { NULL, 0, 0 }
};

static const genai_framing_known_t  genai_framing_message_names[] = {
    known("role"), known("content"), known("name"), known("tool_calls"),
    known("tool_call_id"), known("reasoning"), known("reasoning_content"),
    known("reasoning_details"), known("refusal"), known("annotations"),
    known("function_call"),
    { NULL, 0, 0 }
};

/* the Responses API: members of the request, and of its items */

static const genai_framing_known_t  genai_framing_item_roots[] = {
    known("input"), known("instructions"), known("model"), known("stream"),
    known("stream_options"), known("max_output_tokens"), known("temperature"),
    known("top_p"), known("top_logprobs"), known("user"), known("metadata"),
    known("store"), known("service_tier"), known("safety_identifier"),
    known("prompt_cache_key"), known("tools"), known("tool_choice"),
    known("include"), known("reasoning"), known("text"),
    { NULL, 0, 0 }
};

static const genai_framing_known_t  genai_framing_item_names[] = {
    known("type"), known("role"), known("content"), known("id"),
    known("status"), known("name"), known("arguments"), known("call_id"),
    known("output"), known("input"), known("summary"),
    known("encrypted_content"),
    { NULL, 0, 0 }
};

static const genai_framing_known_t  genai_framing_part_names[] = {
    known("type"), known("image_url"), known("url"), known("detail"),
    { NULL, 0, 0 }
};


void
genai_framing_options(genai_framing_t *f)
{
    uint32_t             i, schema;
    const genai_tape_t  *t;

    t = &f->req->tape;

    genai_framing_root(f);

    if (f->by_item) {
        genai_framing_item_options(f);
        return;
    }

    /* what they say nobody has recorded; some choices may be cut */

    if (f->req->endpoint != GENAI_ENDPOINT_CHAT || f->req->choices > 1) {
        f->answer |= GENAI_FRAMING_OPTIONS;
    }

    if (f->req->endpoint != GENAI_ENDPOINT_CHAT) {
        return;
    }

    f->tools = genai_tape_find(t, 0, "tools", 5);
    i = genai_tape_find(t, 0, "tool_choice", 11);

    if (f->tools == 0 || genai_tape_type(t, f->tools) != GENAI_TAPE_ARRAY) {
        f->tools = genai_tape_find(t, 0, "functions", 9);
        i = genai_tape_find(t, 0, "function_call", 13);
        f->functions = 1;
    }

    if (f->tools && genai_tape_type(t, f->tools) == GENAI_TAPE_ARRAY) {
        f->tool = genai_tape_first(t, f->tools);
    }

    genai_framing_choice(f, i);

    i = genai_tape_find(t, 0, "response_format", 15);

    if (i && genai_tape_type(t, i) == GENAI_TAPE_OBJECT) {

        schema = genai_tape_find(t, i, "json_schema", 11);

        if (schema && genai_tape_type(t, schema) == GENAI_TAPE_OBJECT) {
            f->format = schema;

        } else {
            i = genai_tape_find(t, i, "type", 4);
            f->json = (i && genai_tape_type(t, i) == GENAI_TAPE_STRING
                       && genai_tape_named(t, i, "json_object", 11));
        }
    }
}


/* i is the tape index of what is asked for, or 0 */

static void
genai_framing_choice(genai_framing_t *f, uint32_t i)
{
    const genai_tape_t  *t;

    t = &f->req->tape;

    if (i == 0 || f->tool == 0) {
        return;
    }

    if (genai_tape_type(t, i) == GENAI_TAPE_OBJECT) {
        f->choice = GENAI_FRAMING_NAMED;
        f->chosen = i;

    } else if (genai_tape_type(t, i) == GENAI_TAPE_STRING) {

        f->choice = genai_tape_named(t, i, "none", 4)
                    ? GENAI_FRAMING_NO_TOOL
                    : genai_tape_named(t, i, "auto", 4)
                    ? GENAI_FRAMING_AUTO : GENAI_FRAMING_REQUIRED;
    }
}


static void
genai_framing_item_options(genai_framing_t *f)
{
    uint32_t             i, k, key;
    const genai_tape_t  *t;

    t = &f->req->tape;
    f->answer |= GENAI_FRAMING_OPTIONS;

    f->tools = genai_tape_find(t, 0, "tools", 5);

    if (f->tools && genai_tape_type(t, f->tools) == GENAI_TAPE_ARRAY) {
        f->tool = genai_tape_first(t, f->tools);
    }

    genai_framing_choice(f, genai_tape_find(t, 0, "tool_choice", 11));

    /* how long it is to be, and the like */

    i = genai_tape_find(t, 0, "text", 4);

    if (i == 0 || genai_tape_type(t, i) != GENAI_TAPE_OBJECT) {
        return;
    }

    for (key = genai_tape_first(t, i); key; key = genai_tape_next(t, i, key)) {

        if (!genai_tape_named(t, key, "format", 6)
            && genai_tape_type(t, genai_tape_value(t, key))
               != GENAI_TAPE_NULL)
        {
            genai_framing_other(f, key);
            break;
        }
    }

    i = genai_tape_find(t, i, "format", 6);
    k = i ? genai_tape_find(t, i, "type", 4) : 0;

    if (k == 0 || genai_tape_type(t, k) != GENAI_TAPE_STRING) {
        return;
    }

    if (genai_tape_named(t, k, "json_schema", 11)) {
        f->format = i;

    } else {
        f->json = genai_tape_named(t, k, "json_object", 11);
    }
}


static void
genai_framing_root(genai_framing_t *f)
{
    uint32_t                      key, n;
    const genai_tape_t           *t;
    const genai_framing_known_t  *known;

    t = &f->req->tape;
    n = 0;

    for (key = genai_tape_first(t, 0); key; key = genai_tape_next(t, 0, key)) {

        /* of many the request is the bound */

        if (n == GENAI_FRAMING_OTHERS) {
            f->option_bytes = f->req->text.len;
            f->answer |= GENAI_FRAMING_OPTIONS;
            break;
        }

        if (genai_tape_type(t, genai_tape_value(t, key)) == GENAI_TAPE_NULL) {
            continue;
        }

        known = genai_framing_known(t, key,
                                    f->by_item ? genai_framing_item_roots
                                             : genai_framing_roots);

        if (known == NULL || known->leaves == GENAI_FRAMING_ANSWER) {
            n++;
            f->nothers++;
            genai_framing_other(f, key);
        }

        if (known == NULL || known->leaves == GENAI_FRAMING_PROMPT) {
            f->answer |= GENAI_FRAMING_OPTIONS;
        }
    }

    /* it stands in gpt-oss's system prompt */

    key = f->by_item ? 0 : genai_tape_find(t, 0, "reasoning_effort", 16);

    if (key && f->model && f->model->framing == GENAI_FRAMING_GPT_OSS
        && (genai_tape_type(t, key) != GENAI_TAPE_STRING
            || !genai_tape_named(t, key, "medium", 6)))
    {
        f->estimated |= GENAI_FRAMING_OPTIONS;
    }
}


void
genai_framing_members(genai_framing_t *f)
{
    uint32_t             key;
    const genai_tape_t  *t;

    t = &f->req->tape;

    for (key = genai_tape_first(t, f->place);
         key;
         key = genai_tape_next(t, f->place, key))
    {
        if (genai_tape_type(t, genai_tape_value(t, key)) != GENAI_TAPE_NULL
            && genai_framing_known(t, key,
                                   f->by_item ? genai_framing_item_names
                                            : genai_framing_message_names)
               == NULL)
        {
            f->option_bytes += t->entries[f->place].len;
            genai_framing_other(f, key);
            break;
        }
    }
}


void
genai_framing_part_members(genai_framing_t *f, uint32_t i)
{
    uint32_t             key, k;
    const genai_tape_t  *t;

    t = &f->req->tape;

    if (genai_tape_type(t, i) != GENAI_TAPE_OBJECT) {
        return;
    }

    for (key = genai_tape_first(t, i); key; key = genai_tape_next(t, i, key)) {

        k = genai_tape_value(t, key);

        if (genai_framing_known(t, key, genai_framing_part_names) == NULL) {
            genai_framing_other(f, key);
            return;
        }

        if (genai_tape_type(t, k) == GENAI_TAPE_OBJECT) {

            for (key = genai_tape_first(t, k);
                 key;
                 key = genai_tape_next(t, k, key))
            {
                if (genai_framing_known(t, key, genai_framing_part_names)
                    == NULL)
                {
                    genai_framing_other(f, key);
                    return;
                }
            }

            key = k - 1;
        }
    }
}


static const genai_framing_known_t *
genai_framing_known(const genai_tape_t *t, uint32_t key,
    const genai_framing_known_t *list)
{
    for ( /* void */ ; list->name; list++) {
        if (genai_tape_named(t, key, list->name, list->len)) {
            return list;
        }
    }

    return NULL;
}


static void
genai_framing_other(genai_framing_t *f, uint32_t key)
{
    f->estimated |= GENAI_FRAMING_OPTIONS;
    f->option_bytes += f->req->tape.entries[genai_tape_value(&f->req->tape,
                                                             key)].len;
}
