/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "genai_sim_talk.h"
#include "genai_sim_words.h"


typedef enum {
    GENAI_SIM_OPEN = 0,
    GENAI_SIM_ROLE,                 /* the first event of a choice */
    GENAI_SIM_CHOICE,               /* what opens a choice in JSON */
    GENAI_SIM_TOKEN,
    GENAI_SIM_FINISH,               /* what closes a choice */
    GENAI_SIM_USAGE,
    GENAI_SIM_DONE,
    GENAI_SIM_END
} genai_sim_state_e;


static void genai_sim_answer_head(genai_sim_answer_t *a);
static unsigned char *genai_sim_event_unit(genai_sim_answer_t *a,
    unsigned char *p, unsigned char *end);
static unsigned char *genai_sim_event_delta(genai_sim_answer_t *a,
    unsigned char *p);
static unsigned char *genai_sim_json_unit(genai_sim_answer_t *a,
    unsigned char *p, unsigned char *end);
static unsigned char *genai_sim_json_choice(genai_sim_answer_t *a,
    unsigned char *p);
static unsigned char *genai_sim_json_finish(genai_sim_answer_t *a,
    unsigned char *p);
static unsigned char *genai_sim_text_unit(genai_sim_answer_t *a,
    unsigned char *p, unsigned char *end);
static unsigned char *genai_sim_answer_token(genai_sim_answer_t *a,
    unsigned char *p);
static unsigned char *genai_sim_answer_usage(genai_sim_answer_t *a,
    unsigned char *p);
static unsigned char *genai_sim_answer_call_id(genai_sim_answer_t *a,
    unsigned char *p);
static unsigned char *genai_sim_put_cstr(unsigned char *p, const char *s);


void
genai_sim_answer_init(genai_sim_answer_t *a, genai_sim_request_t *req,
    const genai_sim_opts_t *o, uint64_t id, int64_t created, size_t len)
{
    memset(a, 0, offsetof(genai_sim_answer_t, head));

    a->seed = req->seed;
    a->id = id;
    a->created = created;
    a->model = req->model;
    a->prompt_tokens = genai_sim_prompt_tokens(len);

    if (req->endpoint == GENAI_ENDPOINT_EMBEDDINGS) {
        a->unit = genai_sim_embed_unit;
        a->usage = (o->usage != 0);
        a->choices = req->inputs;
        a->base64 = req->base64;
        a->one_input = req->one_input;
        a->dimensions = req->dimensions;

        if (a->one_input) {
            a->vector = req->seed;

        } else {
            (void) genai_sim_json_enter(&a->inputs, &req->input);
        }

        return;
    }

    a->chat = (req->endpoint == GENAI_ENDPOINT_CHAT);
    a->stream = req->stream;
    a->choices = req->n * req->inputs;
    a->steps = o->tokens;
    a->max_tokens = UINT64_MAX;
    a->finish = "stop";

    if (req->text) {
        a->text.data = (unsigned char *) req->text;
        a->text.len = strlen(req->text);
        a->piece = 8;

        if (req->call) {
            a->function = req->function;
            a->finish = "tool_calls";
        }

    } else if (o->text.data) {
        a->text = o->text;
        a->piece = o->piece;
    }

    if (a->text.data) {
        a->steps = genai_sim_answer_pieces(a);
    }

    if (req->max_tokens >= 0) {
        a->max_tokens = req->max_tokens;
    }

    if (a->max_tokens < a->steps) {
        a->steps = a->max_tokens;
        a->finish = "length";
    }

    if (a->stream) {
        a->unit = genai_sim_event_unit;
        a->usage = o->usage && req->include_usage;
        a->state = a->chat ? GENAI_SIM_ROLE
                   : a->steps ? GENAI_SIM_TOKEN : GENAI_SIM_FINISH;
        genai_sim_answer_head(a);

    } else {
        a->unit = genai_sim_json_unit;
        a->usage = (o->usage != 0);
        a->state = GENAI_SIM_OPEN;
    }
}


void
genai_sim_answer_text(genai_sim_answer_t *a, const genai_str_t *text,
    unsigned stream)
{
    memset(a, 0, offsetof(genai_sim_answer_t, head));

    a->unit = genai_sim_text_unit;
    a->text = *text;
    a->stream = stream;
}


uint64_t
genai_sim_answer_due(const genai_sim_answer_t *a)
{
    if (a->unit == genai_sim_text_unit) {
        return a->events;
    }

    if (a->talk) {
        return genai_sim_talk_due(a->talk, a);
    }

    if (a->unit == genai_sim_embed_unit || a->state != GENAI_SIM_TOKEN) {
        return 0;
    }

    return a->tokens;
}


uint64_t
genai_sim_answer_rest(const genai_sim_answer_t *a)
{
    uint64_t             n;
    unsigned char       *end, buf[GENAI_SIM_UNIT];
    genai_sim_answer_t   copy;

    if (a->unit == genai_sim_text_unit) {
        return a->text.len - a->offset;
    }

    if (a->talk) {
        return genai_sim_talk_rest(a->talk);
    }

    copy = *a;

    for (n = 0; /* void */ ; n += end - buf) {

        end = genai_sim_answer_next(&copy, buf, buf + GENAI_SIM_UNIT);

        if (end == buf) {
            return n;
        }
    }
}


/* all events of a stream are alike up to their choice */

static void
genai_sim_answer_head(genai_sim_answer_t *a)
{
    unsigned char  *p;

    p = a->head;

    if (a->chat) {
        p = genai_sim_put(p, "data: {\"id\":\"chatcmpl-");
        p = genai_sim_put_hex(p, a->id);
        p = genai_sim_put(p, "\",\"object\":\"chat.completion.chunk\","
                             "\"created\":");

    } else {
        p = genai_sim_put(p, "data: {\"id\":\"cmpl-");
        p = genai_sim_put_hex(p, a->id);
        p = genai_sim_put(p, "\",\"object\":\"text_completion\","
                             "\"created\":");
    }

    p = genai_sim_put_uint(p, a->created);
    p = genai_sim_put(p, ",\"model\":\"");
    p = genai_sim_put_str(p, &a->model);
    p = genai_sim_put(p, "\",\"system_fingerprint\":\"fp_sim\",\"choices\":[");

    a->head_len = p - a->head;
}


static unsigned char *
genai_sim_event_unit(genai_sim_answer_t *a, unsigned char *p,
    unsigned char *end)
{
    if (a->state >= GENAI_SIM_DONE) {

        if (a->state == GENAI_SIM_DONE) {
            a->state = GENAI_SIM_END;
            a->events++;
            p = genai_sim_put(p, "data: [DONE]\n\n");
        }

        return p;
    }

    a->events++;

    p = (unsigned char *) memcpy(p, a->head, a->head_len) + a->head_len;

    if (a->state == GENAI_SIM_USAGE) {
        a->state = GENAI_SIM_DONE;

        p = genai_sim_put(p, "],");
        p = genai_sim_answer_usage(a, p);

        return genai_sim_put(p, "}\n\n");
    }

    p = genai_sim_put(p, "{\"index\":");
    p = genai_sim_put_uint(p, a->choice);
    p = genai_sim_event_delta(a, p);

    if (a->state == GENAI_SIM_FINISH) {
        p = genai_sim_put(p, "\"logprobs\":null,\"finish_reason\":\"");
        p = genai_sim_put_cstr(p, a->finish);
        p = genai_sim_put(p, "\"}]");

    } else {
        p = genai_sim_put(p, "\"logprobs\":null,\"finish_reason\":null}]");
    }

    p = a->usage ? genai_sim_put(p, ",\"usage\":null}\n\n")
                 : genai_sim_put(p, "}\n\n");

    /* the choices take turns */

    if (++a->choice < a->choices) {
        return p;
    }

    a->choice = 0;

    switch (a->state) {

    case GENAI_SIM_ROLE:
        a->state = a->steps ? GENAI_SIM_TOKEN : GENAI_SIM_FINISH;
        break;

    case GENAI_SIM_TOKEN:
        a->offset = genai_sim_answer_piece(a, a->offset);

        if (++a->step == a->steps) {
            a->state = GENAI_SIM_FINISH;
        }

        break;

    default:
        a->state = a->usage ? GENAI_SIM_USAGE : GENAI_SIM_DONE;
    }

    return p;
}


static unsigned char *
genai_sim_event_delta(genai_sim_answer_t *a, unsigned char *p)
{
    if (!a->chat) {
        p = genai_sim_put(p, ",\"text\":\"");

        if (a->state == GENAI_SIM_TOKEN) {
            p = genai_sim_answer_token(a, p);
        }

        return genai_sim_put(p, "\",");
    }

    switch (a->state) {

    case GENAI_SIM_ROLE:

        if (a->function == NULL) {
            return genai_sim_put(p, ",\"delta\":{\"role\":\"assistant\","
                                 "\"content\":\"\",\"refusal\":null},");
        }

        p = genai_sim_put(p, ",\"delta\":{\"role\":\"assistant\","
                          "\"content\":null,\"tool_calls\":[{\"index\":0,"
                          "\"id\":\"");
        p = genai_sim_answer_call_id(a, p);
        p = genai_sim_put(p, "\",\"type\":\"function\",\"function\":"
                          "{\"name\":\"");
        p = genai_sim_put_cstr(p, a->function);

        return genai_sim_put(p, "\",\"arguments\":\"\"}}],"
                             "\"refusal\":null},");

    case GENAI_SIM_TOKEN:

        if (a->function == NULL) {
            p = genai_sim_put(p, ",\"delta\":{\"content\":\"");
            p = genai_sim_answer_token(a, p);
            return genai_sim_put(p, "\"},");
        }

        p = genai_sim_put(p, ",\"delta\":{\"tool_calls\":[{\"index\":0,"
                          "\"function\":{\"arguments\":\"");
        p = genai_sim_answer_token(a, p);
        return genai_sim_put(p, "\"}}]},");

    default:
        return genai_sim_put(p, ",\"delta\":{},");
    }
}


static unsigned char *
genai_sim_json_unit(genai_sim_answer_t *a, unsigned char *p,
    unsigned char *end)
{
    switch (a->state) {

    case GENAI_SIM_OPEN:

        if (a->chat) {
            p = genai_sim_put(p, "{\"id\":\"chatcmpl-");
            p = genai_sim_put_hex(p, a->id);
            p = genai_sim_put(p, "\",\"object\":\"chat.completion\","
                              "\"created\":");

        } else {
            p = genai_sim_put(p, "{\"id\":\"cmpl-");
            p = genai_sim_put_hex(p, a->id);
            p = genai_sim_put(p, "\",\"object\":\"text_completion\","
                              "\"created\":");
        }

        p = genai_sim_put_uint(p, a->created);
        p = genai_sim_put(p, ",\"model\":\"");
        p = genai_sim_put_str(p, &a->model);
        p = genai_sim_put(p, "\",\"choices\":[");

        a->state = GENAI_SIM_CHOICE;

        return p;

    case GENAI_SIM_CHOICE:

        p = genai_sim_json_choice(a, p);

        a->state = a->steps ? GENAI_SIM_TOKEN : GENAI_SIM_FINISH;

        return p;

    case GENAI_SIM_TOKEN:

        p = genai_sim_answer_token(a, p);

        a->offset = genai_sim_answer_piece(a, a->offset);

        if (++a->step == a->steps) {
            a->state = GENAI_SIM_FINISH;
        }

        return p;

    case GENAI_SIM_FINISH:

        p = genai_sim_json_finish(a, p);

        a->step = 0;
        a->offset = 0;
        a->state = (++a->choice < a->choices) ? GENAI_SIM_CHOICE
                                              : GENAI_SIM_USAGE;
        return p;

    case GENAI_SIM_USAGE:

        p = genai_sim_put(p, "],");

        if (a->usage) {
            p = genai_sim_answer_usage(a, p);
            *p++ = ',';
        }

        a->state = GENAI_SIM_END;

        return genai_sim_put(p, "\"service_tier\":\"default\","
                             "\"system_fingerprint\":\"fp_sim\"}\n");

    default:
        return p;
    }
}


static unsigned char *
genai_sim_json_choice(genai_sim_answer_t *a, unsigned char *p)
{
    if (a->choice) {
        *p++ = ',';
    }

    p = genai_sim_put(p, "{\"index\":");
    p = genai_sim_put_uint(p, a->choice);

    if (!a->chat) {
        return genai_sim_put(p, ",\"text\":\"");
    }

    if (a->function == NULL) {
        return genai_sim_put(p, ",\"message\":{\"role\":\"assistant\","
                             "\"content\":\"");
    }

    p = genai_sim_put(p, ",\"message\":{\"role\":\"assistant\","
                      "\"content\":null,\"tool_calls\":[{\"id\":\"");
    p = genai_sim_answer_call_id(a, p);
    p = genai_sim_put(p, "\",\"type\":\"function\",\"function\":"
                      "{\"name\":\"");
    p = genai_sim_put_cstr(p, a->function);

    return genai_sim_put(p, "\",\"arguments\":\"");
}


static unsigned char *
genai_sim_json_finish(genai_sim_answer_t *a, unsigned char *p)
{
    if (!a->chat) {
        p = genai_sim_put(p, "\",\"logprobs\":null,\"finish_reason\":\"");

    } else if (a->function == NULL) {
        p = genai_sim_put(p, "\",\"refusal\":null,\"annotations\":[]},"
                          "\"logprobs\":null,\"finish_reason\":\"");

    } else {
        p = genai_sim_put(p, "\"}}],\"refusal\":null,\"annotations\":[]},"
                          "\"logprobs\":null,\"finish_reason\":\"");
    }

    p = genai_sim_put_cstr(p, a->finish);

    return genai_sim_put(p, "\"}");
}


static unsigned char *
genai_sim_text_unit(genai_sim_answer_t *a, unsigned char *p,
    unsigned char *end)
{
    size_t          len;
    unsigned char  *from, *lf, *last;

    from = a->text.data + a->offset;
    len = a->text.len - a->offset;

    if (a->stream) {

        last = from + len;

        for (lf = from; lf < last; lf++) {

            lf = memchr(lf, '\n', last - lf);

            if (lf == NULL) {
                break;
            }

            if (lf + 1 < last && lf[1] == '\n') {
                len = lf + 2 - from;
                break;
            }
        }
    }

    if (len > (size_t) (end - p)) {
        len = end - p;

    } else if (a->stream && len) {
        a->events++;
    }

    memcpy(p, from, len);
    a->offset += len;

    return p + len;
}


/* the current token of the current choice */

static unsigned char *
genai_sim_answer_token(genai_sim_answer_t *a, unsigned char *p)
{
    genai_str_t  word;

    a->tokens++;

    if (a->text.data) {
        word.data = a->text.data + a->offset;
        word.len = genai_sim_answer_piece(a, a->offset) - a->offset;
        return genai_sim_json_escape(p, word.data, word.len);
    }

    genai_sim_word(a->seed + ((uint64_t) a->choice << 32), a->step, &word);

    /* one that has its blank has all its bytes */

    if (a->step) {
        memcpy(p, word.data, GENAI_SIM_WORD);
        return p + word.len;
    }

    return genai_sim_put_str(p, &word);
}


void
genai_sim_word(uint64_t seed, uint64_t n, genai_str_t *word)
{
    uint64_t  i;

    i = genai_sim_mix(seed + n) % GENAI_SIM_WORDS;

    word->data = (unsigned char *) genai_sim_words[i].text + (n == 0);
    word->len = genai_sim_words[i].len - (n == 0);
}


static unsigned char *
genai_sim_answer_usage(genai_sim_answer_t *a, unsigned char *p)
{
    uint64_t  n;

    n = a->steps * a->choices;
    a->reported = n;

    p = genai_sim_put(p, "\"usage\":{\"prompt_tokens\":");
    p = genai_sim_put_uint(p, a->prompt_tokens);
    p = genai_sim_put(p, ",\"completion_tokens\":");
    p = genai_sim_put_uint(p, n);
    p = genai_sim_put(p, ",\"total_tokens\":");
    p = genai_sim_put_uint(p, a->prompt_tokens + n);

    return genai_sim_put(p, ",\"prompt_tokens_details\":"
                         "{\"cached_tokens\":0,\"audio_tokens\":0},"
                         "\"completion_tokens_details\":"
                         "{\"reasoning_tokens\":0,\"audio_tokens\":0,"
                         "\"accepted_prediction_tokens\":0,"
                         "\"rejected_prediction_tokens\":0}}");
}


static unsigned char *
genai_sim_answer_call_id(genai_sim_answer_t *a, unsigned char *p)
{
    p = genai_sim_put(p, "call_");

    return genai_sim_put_hex(p, genai_sim_mix(a->id + a->choice));
}


uint64_t
genai_sim_answer_pieces(const genai_sim_answer_t *a)
{
    size_t    offset;
    uint64_t  n;

    offset = 0;

    for (n = 0; offset < a->text.len; n++) {
        offset = genai_sim_answer_piece(a, offset);
    }

    return n;
}


size_t
genai_sim_answer_piece(const genai_sim_answer_t *a, size_t from)
{
    size_t  i;

    if (a->text.data == NULL || a->text.len - from <= a->piece) {
        return a->text.len;
    }

    i = from + a->piece;

    while (i < a->text.len && (a->text.data[i] & 0xc0) == 0x80
           && i < from + a->piece + 3)
    {
        i++;
    }

    return i;
}


unsigned char *
genai_sim_answer_error(unsigned char *p)
{
    return genai_sim_put(p, "data: {\"error\":{\"message\":\"the provider had "
                         "an error while it was answering\",\"type\":"
                         "\"server_error\",\"param\":null,\"code\":null}}"
                         "\n\n");
}


unsigned char *
genai_sim_put_uint(unsigned char *p, uint64_t n)
{
    size_t         len;
    unsigned char  buf[20], *q;

    q = buf + sizeof(buf);

    do {
        *--q = '0' + n % 10;
        n /= 10;
    } while (n);

    len = buf + sizeof(buf) - q;

    return (unsigned char *) memcpy(p, q, len) + len;
}


unsigned char *
genai_sim_put_hex(unsigned char *p, uint64_t n)
{
    int  i;

    for (i = 60; i >= 0; i -= 4) {
        *p++ = "0123456789abcdef"[n >> i & 0xf];
    }

    return p;
}


static unsigned char *
genai_sim_put_cstr(unsigned char *p, const char *s)
{
    size_t  len;

    len = strlen(s);

    return (unsigned char *) memcpy(p, s, len) + len;
}
