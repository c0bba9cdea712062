/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The meter.
 *
 * Providers tell usage with their last chunk, with every chunk, or not at
 * all; some tell only a part of it.  What they have told is believed, and
 * what is missing is made of the bytes that were seen: so much is known at
 * any time, whatever ends the answer.
 */


#include "genai_meter.h"


/* bytes of a token, where nobody has counted */
#define GENAI_METER_BYTES  4

/*
 * What no usage can be: more than any model's context, and many times more
 * than the bytes that were seen.
 */
#define GENAI_METER_MOST   ((uint64_t) 1 << 24)
#define GENAI_METER_TIMES  100


static void genai_meter_usage(genai_meter_t *m, const genai_usage_t *usage);
static void genai_meter_part(int64_t *to, int64_t told, int64_t most);
static int64_t genai_meter_most(uint64_t bytes);
static int64_t genai_meter_told(int64_t n);
static int64_t genai_meter_estimate(uint64_t bytes);
static int64_t genai_meter_rest(const genai_meter_t *m);
static int64_t genai_meter_add(int64_t a, int64_t b);


static const genai_str_t  genai_count_names[] = {
    genai_str("none"),
    genai_str("provider"),
    genai_str("exact"),
    genai_str("estimated")
};


void
genai_meter_init(genai_meter_t *m, uint64_t prompt)
{
    memset(m, 0, sizeof(genai_meter_t));

    m->prompt = prompt;
    m->prompt_tokens = -1;
    m->answer_tokens = -1;
    m->told_tokens = -1;
    genai_usage_clear(&m->usage);
}


void
genai_meter_attempt(genai_meter_t *m)
{
    int       exact, silent;
    int64_t   tokens;

    tokens = m->prompt_tokens;
    exact = m->prompt_exact;
    silent = m->silent;

    genai_meter_init(m, m->prompt);
    genai_meter_prompt(m, tokens, exact);
    m->silent = silent & 1;
}


void
genai_meter_prompt(genai_meter_t *m, int64_t tokens, int exact)
{
    m->prompt_tokens = tokens;
    m->prompt_exact = (exact != 0);
}


void
genai_meter_said(genai_meter_t *m, uint64_t tokens, uint64_t reasoning,
    int exact)
{
    m->answer_tokens = (tokens < INT64_MAX) ? (int64_t) tokens : INT64_MAX;
    m->reasoning_tokens = (reasoning < tokens) ? (int64_t) reasoning
                                               : m->answer_tokens;
    m->answer_exact = (exact != 0);
    m->said = m->answer;
}


void
genai_meter_event(genai_meter_t *m, const genai_event_t *e)
{
    switch (e->type) {

    case GENAI_EVENT_TEXT:
    case GENAI_EVENT_REASONING:
    case GENAI_EVENT_REFUSAL:
    case GENAI_EVENT_ARGUMENTS:
        m->begun = 1;
        m->answer += e->copy ? 0 : e->text.len;
        break;

    case GENAI_EVENT_TOOL:
        m->begun = 1;
        m->answer += e->copy ? 0 : e->name.len;
        break;

    case GENAI_EVENT_FINISH:
        m->begun = 1;

        if (e->finish != GENAI_FINISH_NONE) {
            m->finished = 1;
            m->finish = e->finish;
        }

        break;

    case GENAI_EVENT_USAGE:
        m->begun = 1;

        if (e->usage->prompt >= 0 || e->usage->completion >= 0
            || e->usage->total >= 0)
        {
            genai_meter_usage(m, e->usage);
        }

        break;

    case GENAI_EVENT_START:
    case GENAI_EVENT_SIGNATURE:
    case GENAI_EVENT_ITEM:
    case GENAI_EVENT_MEDIA:
    case GENAI_EVENT_BROKEN:
        m->begun = 1;
        break;

    case GENAI_EVENT_ERROR:
        m->error = 1;
        break;

    case GENAI_EVENT_END:
        m->ended = 1;
        m->end = e->end_how;
        break;

    case GENAI_EVENT_CHUNK:
        break;
    }
}


/* what it does not tell, or nobody can believe, is as it was */

static void
genai_meter_usage(genai_meter_t *m, const genai_usage_t *usage)
{
    int64_t  in, out;

    m->usage_known = 1;

    in = genai_meter_most(m->prompt);
    out = genai_meter_most(m->answer);

    if ((usage->completion >= 0 && usage->completion <= out)
        || m->usage.completion < 0)
    {
        m->told = m->answer;
        m->told_tokens = (m->said == m->answer) ? m->answer_tokens : -1;
    }

    genai_meter_part(&m->usage.prompt, usage->prompt, in);
    genai_meter_part(&m->usage.completion, usage->completion, out);
    genai_meter_part(&m->usage.total, usage->total, in + out);
    genai_meter_part(&m->usage.cached, usage->cached, in);
    genai_meter_part(&m->usage.reasoning, usage->reasoning, out);
    genai_meter_part(&m->usage.written_5m, usage->written_5m, in);
    genai_meter_part(&m->usage.written_1h, usage->written_1h, in);
    genai_meter_part(&m->usage.image, usage->image, in);
    genai_meter_part(&m->usage.audio, usage->audio, in);
    genai_meter_part(&m->usage.cached_audio, usage->cached_audio, in);
    genai_meter_part(&m->usage.audio_output, usage->audio_output, out);
}


static void
genai_meter_part(int64_t *to, int64_t told, int64_t most)
{
    if (told >= 0 && told <= most) {
        *to = told;
    }
}


static int64_t
genai_meter_most(uint64_t bytes)
{
    if (bytes > (uint64_t) INT64_MAX / (2 * GENAI_METER_TIMES)
                - GENAI_METER_MOST)
    {
        return INT64_MAX / 2;
    }

    return (int64_t) (GENAI_METER_MOST + bytes * GENAI_METER_TIMES);
}


void
genai_meter_tokens(const genai_meter_t *m, genai_tokens_t *tokens)
{
    int                   exact, ours;
    const genai_usage_t  *u;

    memset(tokens, 0, sizeof(genai_tokens_t));

    if (!m->begun
        && (!m->sent || m->refused || m->error || m->prompt == 0))
    {
        return;
    }

    u = &m->usage;

    ours = !m->usage_known;
    exact = 1;

    tokens->prompt = u->prompt;
    tokens->completion = u->completion;
    tokens->cached = genai_meter_told(u->cached);
    tokens->reasoning = genai_meter_told(u->reasoning);
    tokens->written_5m = genai_meter_told(u->written_5m);
    tokens->written_1h = genai_meter_told(u->written_1h);
    tokens->image = genai_meter_told(u->image);
    tokens->audio = genai_meter_told(u->audio);
    tokens->cached_audio = genai_meter_told(u->cached_audio);
    tokens->audio_output = genai_meter_told(u->audio_output);

    /* embeddings tell the prompt and the total: of an answer there is none */

    if (u->prompt < 0 && u->completion >= 0 && u->total >= u->completion) {
        tokens->prompt = u->total - u->completion;
    }

    if (u->completion < 0 && u->prompt >= 0 && u->total >= u->prompt) {
        tokens->completion = u->total - u->prompt;
    }

    if (tokens->prompt < 0) {
        ours = 1;
        exact = m->prompt_exact;
        tokens->prompt = (m->prompt_tokens >= 0)
                         ? m->prompt_tokens : genai_meter_estimate(m->prompt);
    }

    if (tokens->completion >= 0) {

        if (m->answer > m->told) {
            ours = 1;
            exact = 0;
            tokens->completion = genai_meter_add(tokens->completion,
                                                 genai_meter_rest(m));
        }

    } else if (m->answer == 0) {
        exact &= m->silent;
        tokens->completion = 0;

    } else if (m->answer_tokens >= 0) {
        ours = 1;
        exact &= m->answer_exact;
        tokens->completion = m->answer_tokens;
        tokens->reasoning = m->reasoning_tokens;

    } else {
        ours = 1;
        exact = 0;
        tokens->completion = genai_meter_estimate(m->answer);
    }

    tokens->source = !ours ? GENAI_COUNT_PROVIDER
                           : exact ? GENAI_COUNT_EXACT : GENAI_COUNT_ESTIMATED;
}


const genai_str_t *
genai_count_name(genai_count_e source)
{
    return &genai_count_names[source];
}


static int64_t
genai_meter_told(int64_t n)
{
    return (n > 0) ? n : 0;
}


static int64_t
genai_meter_estimate(uint64_t bytes)
{
    return bytes / GENAI_METER_BYTES + (bytes % GENAI_METER_BYTES != 0);
}


/*
 * What was said since usage was told: the tokens that we have counted since,
 * or as many of all of them as its bytes are.
 */

static int64_t
genai_meter_rest(const genai_meter_t *m)
{
    uint64_t  bytes;

    bytes = m->answer - m->told;

    if (m->answer_tokens < 0 || m->said < m->answer) {
        return genai_meter_estimate(bytes);
    }

    if (m->told_tokens >= 0) {
        return (m->answer_tokens > m->told_tokens)
               ? m->answer_tokens - m->told_tokens : 0;
    }

    return (int64_t) ((double) m->answer_tokens * (double) bytes
                      / (double) m->answer + 0.5);
}


/* a provider may tell any number */

static int64_t
genai_meter_add(int64_t a, int64_t b)
{
    return (a > INT64_MAX - b) ? INT64_MAX : a + b;
}
