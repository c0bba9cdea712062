/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The families in numbers.  Those of open models are what their public chat
 * templates write around messages; those of hosted ones were found from
 * recorded usage.  docs/TOKENS.md says which are which.
 */


#include "genai_framing_int.h"


/* tokens of an image of which nothing is known, and patches where it is big */
#define GENAI_FRAMING_IMAGE     1000
#define GENAI_FRAMING_PATCHES   1024

/* seen in recordings */
#define GENAI_KNOWN_TEXT   GENAI_FRAMING_FAMILY
#define GENAI_KNOWN_TURNS  (GENAI_FRAMING_FAMILY|GENAI_FRAMING_TURNS          \
                            |GENAI_FRAMING_EDGES)


static const genai_framing_family_t  genai_framing_families[] = {

    /* GENAI_FRAMING_NONE */
    { .known = GENAI_KNOWN_TEXT },

    /* GENAI_FRAMING_OPENAI: <|im_start|>user<|im_sep|>...<|im_end|> */
    { .end = 3, .system = 4, .user = 4, .assistant = 4, .tool = 4, .name = 1,
      .answer_call = 7, .answer_more = 7,
      .tools = GENAI_TOOLS_TYPES, .calls = GENAI_CALLS_OPENAI,
      .tools_fixed = 9,
      .known = GENAI_KNOWN_TURNS|GENAI_FRAMING_TOOLS|GENAI_FRAMING_CALLS
               |GENAI_FRAMING_FORMAT,
      .items = GENAI_KNOWN_TURNS|GENAI_FRAMING_TOOLS|GENAI_FRAMING_CALLS },

    /* GENAI_FRAMING_OPENAI5: an answer has a channel */
    { .hides = 1,
      .end = 2, .system = 4, .user = 4, .assistant = 6, .tool = 9, .name = 1,
      .answer_call = 9,
      .tools = GENAI_TOOLS_TYPES, .calls = GENAI_CALLS_OPENAI,
      .tools_fixed = 9,
      .known = GENAI_KNOWN_TURNS,
      .items = GENAI_KNOWN_TURNS|GENAI_FRAMING_TOOLS|GENAI_FRAMING_CALLS
               |GENAI_FRAMING_FORMAT },

    /* GENAI_FRAMING_GPT_OSS: an assistant's 6 come with its text */
    { .marks = GENAI_MARKS_PIPE, .thinks = 1,
      .end = 2, .system = 4, .user = 4, .tool = 4,
      .answer_end = 4, .answer_reasoning = 6, .answer_call = 7,
      .tools = GENAI_TOOLS_HARMONY, .calls = GENAI_CALLS_HARMONY,
      .always = 1, .joins = 1,
      .answers = GENAI_FRAMING_FAMILY|GENAI_FRAMING_REASONING,
      .known = GENAI_KNOWN_TURNS|GENAI_FRAMING_TOOLS|GENAI_FRAMING_CALLS
               |GENAI_FRAMING_REASONING,
      .items = GENAI_KNOWN_TEXT,
      .preamble = "You are ChatGPT, a large language model trained by OpenAI."
                  "\nKnowledge cutoff: 2024-06\nCurrent date: 2025-10-01\n\n"
                  "Reasoning: medium\n\n# Valid channels: analysis,"
                  " commentary, final. Channel must be included for every"
                  " message." },

    /* GENAI_FRAMING_CHATML: <|im_start|>user\n...<|im_end|>\n */
    { .marks = GENAI_MARKS_PIPE, .thinks = 1,
      .end = 3, .system = 5, .user = 5, .assistant = 5, .tool = 5,
      .answer_end = 1, .answer_call = 12, .tools = GENAI_TOOLS_WHOLE,
      .tools_fixed = 77, .joins = 1 },

    /* GENAI_FRAMING_QWEN25 */
    { .marks = GENAI_MARKS_PIPE, .thinks = 1,
      .end = 3, .system = 5, .user = 5, .assistant = 5, .tool = 5,
      .answer_end = 1, .answer_call = 12, .tools = GENAI_TOOLS_WHOLE,
      .tools_fixed = 77, .calls = GENAI_CALLS_QWEN, .joins = 1,
      .preamble = "You are Qwen, created by Alibaba Cloud. You are a helpful"
                  " assistant." },

    /* GENAI_FRAMING_QWEN3 */
    { .marks = GENAI_MARKS_PIPE, .thinks = 1,
      .end = 3, .system = 5, .user = 5, .assistant = 5, .tool = 5,
      .answer_end = 1, .answer_reasoning = 2, .answer_call = 12,
      .tools = GENAI_TOOLS_WHOLE, .tools_fixed = 77,
      .calls = GENAI_CALLS_QWEN, .joins = 1, .trims = 1,
      .known = GENAI_FRAMING_FAMILY|GENAI_FRAMING_TURNS
               |GENAI_FRAMING_REASONING },

    /* GENAI_FRAMING_LLAMA2: <s>[INST] ... [/INST], as text */
    { .marks = GENAI_MARKS_BRACKET,
      .begin = 1, .system = 12, .user = 8, .assistant = 1, .tool = 8,
      .answer_end = 1, .answer_call = 12, .tools_fixed = 40, .merges = 1,
      .trims = 1 },

    /*
     * GENAI_FRAMING_LLAMA3: <|start_header_id|>user<|end_header_id|>\n\n...
     * <|eot_id|>
     */
    { .marks = GENAI_MARKS_PIPE,
      .begin = 1, .end = 4, .system = 5, .user = 5, .assistant = 5, .tool = 5,
      .answer_end = 1, .answer_call = 12, .tools_fixed = 60, .trims = 1,
      .joins = 1, .answers = GENAI_FRAMING_FAMILY,
      .known = GENAI_KNOWN_TEXT },

    /* GENAI_FRAMING_LLAMA31 */
    { .marks = GENAI_MARKS_PIPE,
      .begin = 1, .end = 4, .system = 5, .user = 5, .assistant = 5, .tool = 5,
      .answer_end = 1, .answer_call = 12, .tools_fixed = 80, .trims = 1,
      .joins = 1, .always = 1, .answers = GENAI_FRAMING_FAMILY,
      .known = GENAI_KNOWN_TEXT,
      .preamble = "Cutting Knowledge Date: December 2023\nToday Date: 26 Jul"
                  " 2024\n\n" },

    /* GENAI_FRAMING_LLAMA4 */
    { .marks = GENAI_MARKS_PIPE,
      .begin = 1, .end = 4, .system = 5, .user = 5, .assistant = 5, .tool = 5,
      .answer_end = 1, .answer_call = 12, .tools_fixed = 60, .trims = 1,
      .joins = 1 },

    /* GENAI_FRAMING_DEEPSEEK3: <|User|>...<|Assistant|>...<|eos|> */
    { .marks = GENAI_MARKS_WIDE, .thinks = 1,
      .begin = 1, .end = 1, .user = 1, .assistant = 2, .tool = 4,
      .answer_reasoning = 1, .answer_call = 24, .tools_fixed = 100,
      .known = GENAI_KNOWN_TEXT },

    /* GENAI_FRAMING_DEEPSEEK31: <|Assistant|></think>... */
    { .marks = GENAI_MARKS_WIDE, .thinks = 1,
      .begin = 1, .end = 2, .user = 1, .assistant = 3, .tool = 16,
      .answer_reasoning = 1, .answer_call = 24,
      .tools = GENAI_TOOLS_LINES, .tools_fixed = 221,
      .answers = GENAI_FRAMING_FAMILY|GENAI_FRAMING_REASONING,
      .known = GENAI_KNOWN_TURNS|GENAI_FRAMING_REASONING },

    /* GENAI_FRAMING_MISTRAL1 */
    { .marks = GENAI_MARKS_BRACKET,
      .begin = 1, .system = 2, .user = 8, .assistant = 1, .tool = 8,
      .answer_end = 1, .answer_call = 12, .tools_fixed = 40, .merges = 1,
      .known = GENAI_KNOWN_TEXT },

    /* GENAI_FRAMING_MISTRAL3: [INST]...[/INST]...</s> */
    { .marks = GENAI_MARKS_BRACKET,
      .begin = 1, .system = 2, .user = 2, .assistant = 1, .tool = 2,
      .answer_end = 1, .answer_call = 2, .tools_fixed = 2, .merges = 1,
      .tools = GENAI_TOOLS_ARRAY, .calls = GENAI_CALLS_MISTRAL,
      .answers = GENAI_FRAMING_FAMILY,
      .known = GENAI_KNOWN_TEXT|GENAI_FRAMING_IMAGES },

    /* GENAI_FRAMING_MISTRAL7: [SYSTEM_PROMPT]...[/SYSTEM_PROMPT] */
    { .marks = GENAI_MARKS_BRACKET,
      .begin = 1, .system = 2, .user = 2, .assistant = 1, .tool = 2,
      .answer_end = 1, .answer_call = 2, .tools_fixed = 2,
      .tools = GENAI_TOOLS_ARRAY, .calls = GENAI_CALLS_MISTRAL },

    /* GENAI_FRAMING_MISTRAL15: [MODEL_SETTINGS]...[/MODEL_SETTINGS] */
    { .marks = GENAI_MARKS_BRACKET,
      .begin = 13, .system = 2, .user = 2, .assistant = 1, .tool = 2,
      .answer_end = 1, .answer_call = 2, .tools_fixed = 2,
      .tools = GENAI_TOOLS_ARRAY, .calls = GENAI_CALLS_MISTRAL,
      .known = GENAI_KNOWN_TURNS|GENAI_FRAMING_TOOLS|GENAI_FRAMING_CALLS
               |GENAI_FRAMING_IMAGES|GENAI_FRAMING_FORMAT },

    /* GENAI_FRAMING_PHI3: <|user|>\n...<|end|>\n */
    { .marks = GENAI_MARKS_PIPE,
      .end = 2, .system = 4, .user = 4, .assistant = 4, .tool = 4,
      .answer_end = 1, .answer_call = 12, .tools_fixed = 40 },

    /* GENAI_FRAMING_PHI4: <|im_start|>user<|im_sep|>...<|im_end|> */
    { .marks = GENAI_MARKS_PIPE,
      .end = 3, .system = 4, .user = 4, .assistant = 4, .tool = 4,
      .answer_end = 1, .answer_call = 12, .tools_fixed = 40 },

    /* GENAI_FRAMING_GEMMA: <start_of_turn>user\n...<end_of_turn>\n */
    { .begin = 1, .end = 3, .system = 1, .user = 5, .assistant = 5, .tool = 5,
      .answer_end = 1, .answer_call = 12, .tools_fixed = 40, .merges = 1,
      .trims = 1 },

    /* GENAI_FRAMING_GEMINI */
    { .hides = 1, .begin = 1, .answer_call = 1, .tools_fixed = 0 },

    /* GENAI_FRAMING_CLAUDE */
    { .hides = 1,
      .end = 3, .system = 1, .user = 4, .assistant = 3, .tool = 20,
      .answer_end = 3, .answer_call = 35, .tools_fixed = 436 },

    /* GENAI_FRAMING_COHERE */
    { .hides = 1,
      .begin = 1, .end = 4, .system = 5, .user = 5, .assistant = 5, .tool = 20,
      .answer_call = 20, .tools_fixed = 600 },

    /* GENAI_FRAMING_GROK */
    { .hides = 1,
      .user = 0, .assistant = 2, .system = 0, .tool = 4,
      .answer_call = 12, .tools_fixed = 150 },

    /* GENAI_FRAMING_NOVA */
    { .hides = 1,
      .begin = 1, .end = 2, .system = 4, .user = 4, .assistant = 4, .tool = 20,
      .answer_call = 30, .tools_fixed = 350 },

    /* GENAI_FRAMING_SONAR */
    { .hides = 1,
      .begin = 1, .answers = GENAI_FRAMING_FAMILY,
      .known = GENAI_KNOWN_TEXT },

    /* GENAI_FRAMING_CLS: [CLS]...[SEP], <s>...</s> */
    { .begin = 2, .known = GENAI_KNOWN_TEXT }
};


static uint64_t genai_framing_ceil(double x);


const genai_framing_family_t *
genai_framing_family(genai_framing_e framing)
{
    return &genai_framing_families[framing < GENAI_FRAMING_LAST
                                   ? framing : GENAI_FRAMING_NONE];
}


int
genai_framing_preamble(genai_framing_t *f, int own)
{
    genai_str_t  s;

    if (own && !f->family->always) {
        return 0;
    }

    /* a message of its own; gpt-oss has the other one beside it */

    if (!own || f->model->framing == GENAI_FRAMING_GPT_OSS) {
        f->fixed += f->family->system;
    }

    s.data = (unsigned char *) f->family->preamble;
    s.len = strlen(f->family->preamble);

    return genai_framing_made(f, &s, 1);
}


/*
 * Audio is ten tokens for a second, which is 24,000 samples of two bytes, in
 * base64.  A file is mostly a PDF, a page of some 25 KB for 250 tokens.
 */

uint64_t
genai_framing_bytes(uint8_t kind, size_t len)
{
    return (kind == GENAI_SEGMENT_AUDIO) ? len / 6400 + 5 : len / 100 + 250;
}


uint64_t
genai_framing_image(const genai_catalog_model_t *model, uint32_t width,
    uint32_t height, int low, int *exact)
{
    double    w, h, scale, patches, a, b;
    uint64_t  n, max, columns, rows;

    w = width;
    h = height;

    if (model == NULL || model->image == GENAI_IMAGE_UNKNOWN) {
        *exact = 0;
        return GENAI_FRAMING_IMAGE;
    }

    a = model->image_a;
    b = model->image_b;

    if (model->image == GENAI_IMAGE_FIXED) {
        *exact = 0;                     /* larger ones are cut into several */
        return model->image_a;
    }

    if (model->image == GENAI_IMAGE_TILES && low) {
        return model->image_a;
    }

    if (width == 0 || height == 0) {
        *exact = 0;

        switch (model->image) {

        case GENAI_IMAGE_TILES:
            return model->image_a + 4 * (uint64_t) model->image_b;

        case GENAI_IMAGE_PATCHES:
            return (uint64_t) (GENAI_FRAMING_PATCHES * a / 1000);

        default:
            return GENAI_FRAMING_IMAGE;
        }
    }

    switch (model->image) {

    case GENAI_IMAGE_TILES:

        /* into a square of 2048, then the shorter side to 768 */

        scale = 2048 / ((w > h) ? w : h);

        if (scale < 1) {
            w *= scale;
            h *= scale;
        }

        scale = 768 / ((w < h) ? w : h);

        if (scale < 1) {
            w *= scale;
            h *= scale;
        }

        columns = genai_framing_ceil(w / 512);
        rows = genai_framing_ceil(h / 512);

        return model->image_a + columns * rows * model->image_b;

    case GENAI_IMAGE_PATCHES:

        /* many are scaled so that whole ones fit */

        patches = (double) genai_framing_ceil(w / 32)
                  * genai_framing_ceil(h / 32);

        if (b > 0 && patches > b) {
            *exact = 0;
            patches = b;
        }

        return genai_framing_ceil(patches * a / 1000);

    case GENAI_IMAGE_GRID:

        /* squares, and a token behind each row; a side is at most so long */

        scale = b / ((w > h) ? w : h);

        if (b > 0 && scale < 1) {
            w *= scale;
            h *= scale;
            *exact = 0;
        }

        columns = genai_framing_ceil(w / a);
        rows = genai_framing_ceil(h / a);

        return rows * (columns + 1);

    default:                                        /* GENAI_IMAGE_AREA */
        *exact = 0;
        n = (uint64_t) (w * h / a) + 1;
        max = model->image_b;

        return (max && n > max) ? max : n;
    }
}


/* rounded up, but for what a division leaves behind */

static uint64_t
genai_framing_ceil(double x)
{
    uint64_t  n;

    n = (uint64_t) (x + 1 - 1e-9);

    return n ? n : 1;
}


uint64_t
genai_framing_answer_end(const genai_catalog_model_t *model)
{
    return genai_framing_family(model->framing)->answer_end;
}


int
genai_framing_hides(const genai_catalog_model_t *model)
{
    return genai_framing_family(model->framing)->hides;
}


uint64_t
genai_framing_answer(const genai_catalog_model_t *model,
    const genai_framing_answer_t *answer, uint32_t *estimated)
{
    uint64_t                       n;
    const genai_framing_family_t  *family;

    family = genai_framing_family(model ? model->framing
                                        : GENAI_FRAMING_NONE);

    /*
     * What a model writes need not be what its vocabulary would make of the
     * text; with most it is.
     */

    *estimated = GENAI_FRAMING_FAMILY;

    n = answer->text + answer->reasoning + answer->names + answer->arguments;

    if (!answer->cut) {
        n += (uint64_t) family->answer_end * answer->choices;
    }

    if (answer->reasoning) {
        n += family->answer_reasoning;
        *estimated |= GENAI_FRAMING_REASONING;
    }

    if (answer->ncalls) {
        n += (uint64_t) family->answer_call * answer->ncalls;
        *estimated |= GENAI_FRAMING_CALLS;
    }

    if (answer->ncalls > 1) {
        n += (uint64_t) family->answer_more * answer->ncalls;
    }

    /* of one that was cut, nobody knows where it would have ended */

    if (!answer->cut) {
        *estimated &= ~family->answers;
    }

    if (model == NULL || !model->exact) {
        *estimated |= GENAI_FRAMING_FAMILY;
    }

    *estimated |= answer->estimated;

    return n;
}
