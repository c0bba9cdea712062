/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The table, and what is looked up in it.  An entry says in front of it where
 * it is known from: an address, and the day of what stands there.
 *
 * Of answers there is nothing here, as the decoder reads all of them at any
 * time: usage in x_groq (Groq), in the last chunk with choices (Mistral,
 * DeepSeek, Together); finish reasons "eos" (Together, TGI), "model_length"
 * (Mistral); thoughts as "reasoning" (vLLM, Ollama, OpenRouter, Groq), as
 * "reasoning_content" (DeepSeek, SGLang, llama.cpp), as content of type
 * "thinking" (Mistral); calls without ids; errors that are a text (xAI), have
 * a "detail" (Mistral, FastAPI), or a number as their code (OpenRouter).
 */


#include "genai_quirks.h"


#define genai_quirks_role(role)  (1u << GENAI_ROLE_##role)
#define genai_quirks_end         { 0, NULL }


/*
 * Mistral's La Plateforme refuses every member that it does not know, with 422
 * and "extra_forbidden".
 *
 *   max_completion_tokens  github.com/editor-code-assistant/eca/issues/231,
 *                          2025-12-12
 *   stream_options         github.com/avante-corp/avante.nvim/issues/2347,
 *                          2025-06-27
 *   metadata               github.com/OpenHands/OpenHands-CLI/issues/83,
 *                          2025-11-10
 *   user's name            github.com/Gage-Technologies/mistral-go/pull/2,
 *                          2024-04-18
 *   reasoning_content      github.com/charmbracelet/crush/issues/1590,
 *                          2025-12-10
 *   ids of calls           github.com/anomalyco/opencode/issues/1680,
 *                          2025-08-07
 *   others, "any", random_seed, one usage in the last chunk: not in, or as in,
 *   https://docs.mistral.ai/api/#tag/chat, as of the SDK of 2025-11
 */

static const genai_str_t  genai_quirks_mistral[] = {
    genai_str("metadata"),
    genai_str("store"),
    genai_str("user"),
    genai_str("safety_identifier"),
    genai_str("service_tier"),
    genai_str("logit_bias"),
    genai_str("logprobs"),
    genai_str("top_logprobs"),
    genai_str("verbosity"),
    genai_str("modalities"),
    genai_str("audio"),
    genai_str("web_search_options"),
    genai_quirks_end
};

static const genai_quirks_member_t  genai_quirks_mistral_message[] = {
    { genai_str("name"), genai_quirks_role(SYSTEM)
      | genai_quirks_role(DEVELOPER) | genai_quirks_role(USER)
      | genai_quirks_role(ASSISTANT) },
    { genai_str("reasoning_content"), 0 },
    { genai_str("reasoning"), 0 },
    { genai_str("reasoning_details"), 0 },
    { genai_str("refusal"), 0 },
    { genai_str("annotations"), 0 },
    { genai_str("audio"), 0 },
    { genai_str("function_call"), 0 },
    { genai_quirks_end, 0 }
};


/*
 *   logprobs, logit_bias, top_logprobs, messages[].name, n:
 *   https://console.groq.com/docs/openai, 2026-11
 *   reasoning_content: "property 'reasoning_content' is unsupported",
 *   github.com/janhq/jan/issues/8136, 2026-05-13
 */

static const genai_str_t  genai_quirks_groq[] = {
    genai_str("logprobs"),
    genai_str("top_logprobs"),
    genai_str("logit_bias"),
    genai_quirks_end
};

static const genai_quirks_member_t  genai_quirks_groq_message[] = {
    { genai_str("name"), 0 },
    { genai_str("reasoning_content"), 0 },
    { genai_str("reasoning_details"), 0 },
    { genai_quirks_end, 0 }
};


/*
 *   members, efforts, the cap: "Unsupported parameters" and "Supported
 *   parameters" of https://docs.cohere.com/docs/compatibility-api, 2025-11-08
 */

static const genai_str_t  genai_quirks_cohere[] = {
    genai_str("store"),
    genai_str("metadata"),
    genai_str("logit_bias"),
    genai_str("top_logprobs"),
    genai_str("modalities"),
    genai_str("prediction"),
    genai_str("audio"),
    genai_str("service_tier"),
    genai_str("parallel_tool_calls"),
    genai_quirks_end
};

static const genai_str_t  genai_quirks_cohere_embeddings[] = {
    genai_str("dimensions"),
    genai_str("user"),
    genai_quirks_end
};


/*
 *   "logit bias is not currently supported", one choice:
 *   github.com/triton-inference-server/server,
 *   python/openai/openai_frontend/engine/triton_engine.py at 03c20933
 */

static const genai_str_t  genai_quirks_triton[] = {
    genai_str("logit_bias"),
    genai_quirks_end
};


static const genai_quirks_t  genai_quirks[] = {

    /*
     * newer models: "Unsupported parameter: 'max_tokens' is not supported with
     * this model. Use 'max_completion_tokens' instead.",
     * github.com/koosoli/ESPHomeDesigner/issues/379, 2026-04-10
     */
    {
        .name = genai_str("openai"),
        .hosts = { genai_str("api.openai.com") },
        .cap = GENAI_CAP_NEWER
    },

    /*
     * top_k, both caps: https://docs.vllm.ai/en/latest/serving/
     * openai_compatible_server.html; thoughts are "reasoning" since 0.12
     */
    {
        .name = genai_str("vllm"),
        .thoughts = genai_str("reasoning"),
        .stops = 256,
        .top_k = 1
    },

    /* https://docs.sglang.ai/basic_usage/openai_api_completions.html */
    {
        .name = genai_str("sglang"),
        .thoughts = genai_str("reasoning_content"),
        .stops = 256,
        .top_k = 1
    },

    {
        .name = genai_str("triton"),
        .one = 1,
        .refused = genai_quirks_triton
    },

    /*
     * max_completion_tokens is not known and stepped over:
     * github.com/huggingface/text-generation-inference/issues/2844,
     * 2024-12-15; n is "UNUSED", top_p must be below 1: its router/src/lib.rs
     * and validation.rs; stops: --max-stop-sequences
     */
    {
        .name = genai_str("tgi"),
        .cap = GENAI_CAP_OLD,
        .one = 1,
        .top_p = 1
    },

    /*
     * max_completion_tokens is stepped over: github.com/ollama/ollama/pull/
     * 14464, 2026-02-26, open; messages of a developer are left out:
     * github.com/earendil-works/pi/pull/140, 2025-12-07; n is not among the
     * fields of https://docs.ollama.com/api/openai-compatibility, 2026-11
     */
    {
        .name = genai_str("ollama"),
        .hosts = { genai_str("ollama.com") },
        .cap = GENAI_CAP_OLD,
        .thoughts = genai_str("reasoning"),
        .stops = 256,
        .system = 1,
        .one = 1
    },

    /*
     * max_completion_tokens is stepped over: github.com/ggml-org/llama.cpp/
     * issues/13700, 2025-05-22, open; a function as tool_choice is taken for
     * auto: pull/28806, 2026-09-12; a developer is the system: pull/20215,
     * 2026-03-07
     */
    {
        .name = genai_str("llamacpp"),
        .cap = GENAI_CAP_OLD,
        .thoughts = genai_str("reasoning_content"),
        .stops = 256,
        .unnamed = 1,
        .top_k = 1
    },

    {
        .name = genai_str("mistral"),
        .hosts = { genai_str("api.mistral.ai") },
        .cap = GENAI_CAP_OLD,
        .seed = genai_str("random_seed"),
        .call_id = 9,
        .stops = 256,
        .untold = 1,
        .system = 1,
        .any = 1,
        .refused = genai_quirks_mistral,
        .refused_message = genai_quirks_mistral_message
    },

    {
        .name = genai_str("groq"),
        .hosts = { genai_str("api.groq.com") },
        .one = 1,
        .refused = genai_quirks_groq,
        .refused_message = genai_quirks_groq_message
    },

    /* https://docs.together.ai/reference/chat-completions-1, 2025 */
    {
        .name = genai_str("together"),
        .hosts = { genai_str("api.together.xyz"),
                   genai_str("api.together.ai") },
        .cap = GENAI_CAP_OLD,
        .stops = 256,
        .top_k = 1
    },

    /*
     * developer: "unknown variant", github.com/earendil-works/pi/issues/1048,
     * 2026-01-28; json_schema: "This response_format type is unavailable now",
     * github.com/llm-exe/llm-exe/issues/662, 2026-07-11; max_tokens, stops,
     * and no n: https://api-docs.deepseek.com/api/create-chat-completion;
     * thoughts beside calls must come back:
     * https://api-docs.deepseek.com/guides/thinking_mode
     */
    {
        .name = genai_str("deepseek"),
        .hosts = { genai_str("api.deepseek.com") },
        .cap = GENAI_CAP_OLD,
        .thoughts = genai_str("reasoning_content"),
        .stops = 16,
        .system = 1,
        .one = 1,
        .schemaless = 1
    },

    /*
     * Both caps are read: https://docs.x.ai/docs/api-reference.  That models
     * which think refuse stop and penalties is of a model: "drop".
     */
    {
        .name = genai_str("xai"),
        .hosts = { genai_str("api.x.ai") }
    },

    /*
     * https://openrouter.ai/docs/api-reference/overview and
     * .../use-cases/reasoning-tokens, "Preserving reasoning"
     */
    {
        .name = genai_str("openrouter"),
        .hosts = { genai_str("openrouter.ai") },
        .thoughts = genai_str("reasoning"),
        .top_k = 1
    },

    /*
     * The router passes on to many providers, what all of them have is in
     * https://huggingface.co/docs/inference-providers/tasks/chat-completion
     */
    {
        .name = genai_str("huggingface"),
        .hosts = { genai_str("router.huggingface.co") },
        .cap = GENAI_CAP_OLD
    },

    {
        .name = genai_str("cohere"),
        .hosts = { genai_str("api.cohere.ai"), genai_str("api.cohere.com") },
        .cap = GENAI_CAP_OLD,
        .stops = 5,
        .one = 1,
        .high = 1,
        .refused = genai_quirks_cohere,
        .refused_embeddings = genai_quirks_cohere_embeddings
    }
};


const genai_quirks_t *
genai_quirks_at(unsigned i)
{
    return (i < sizeof(genai_quirks) / sizeof(genai_quirks[0]))
           ? &genai_quirks[i] : NULL;
}


const genai_quirks_t *
genai_quirks_by_name(const genai_str_t *name)
{
    unsigned               i;
    const genai_quirks_t  *q;

    for (i = 0; (q = genai_quirks_at(i)) != NULL; i++) {
        if (q->name.len == name->len
            && memcmp(q->name.data, name->data, name->len) == 0)
        {
            return q;
        }
    }

    return NULL;
}


const genai_quirks_t *
genai_quirks_by_host(const genai_str_t *host)
{
    size_t                 n;
    unsigned               i, k, c;
    const genai_str_t     *own;
    const unsigned char   *p;
    const genai_quirks_t  *q;

    for (i = 0; (q = genai_quirks_at(i)) != NULL; i++) {
        for (k = 0; k < 2 && q->hosts[k].len; k++) {

            own = &q->hosts[k];

            if (host->len < own->len
                || (host->len > own->len
                    && host->data[host->len - own->len - 1] != '.'))
            {
                continue;
            }

            p = host->data + host->len - own->len;

            for (n = 0; n < own->len; n++) {

                c = p[n];

                if (c >= 'A' && c <= 'Z') {
                    c |= 0x20;
                }

                if (c != own->data[n]) {
                    break;
                }
            }

            if (n == own->len) {
                return q;
            }
        }
    }

    return NULL;
}


int
genai_quirks_refuses(const genai_quirks_t *q, const char *name)
{
    size_t              len;
    const genai_str_t  *r;

    len = strlen(name);

    for (r = q ? q->refused : NULL; r && r->len; r++) {
        if (r->len == len && memcmp(r->data, name, len) == 0) {
            return 1;
        }
    }

    return 0;
}


int
genai_quirks_refuses_of(const genai_quirks_t *q, genai_role_e role,
    const char *name)
{
    size_t                        len;
    const genai_quirks_member_t  *r;

    len = strlen(name);

    for (r = q ? q->refused_message : NULL; r && r->name.len; r++) {
        if (r->name.len == len && memcmp(r->name.data, name, len) == 0
            && (r->roles == 0 || (r->roles & (1u << role))))
        {
            return 1;
        }
    }

    return 0;
}


/* FNV-1a with 64 bits, as for ids of calls that have none */

size_t
genai_quirks_call_id(const genai_quirks_t *q, const genai_str_t *id,
    unsigned char *dst)
{
    size_t         i;
    uint64_t       hash;
    unsigned char  c;

    static const char  digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "abcdefghijklmnopqrstuvwxyz";

    if (q->call_id == 0) {
        return 0;
    }

    hash = 14695981039346656037u;

    for (i = 0; i < id->len; i++) {

        c = id->data[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
              || (c >= '0' && c <= '9')))
        {
            break;
        }
    }

    if (i == id->len && i == q->call_id) {
        return 0;
    }

    for (i = 0; i < id->len; i++) {
        hash = (hash ^ id->data[i]) * 1099511628211u;
    }

    for (i = 0; i < q->call_id; i++) {
        dst[i] = digits[hash % 62];
        hash /= 62;
    }

    return i;
}
