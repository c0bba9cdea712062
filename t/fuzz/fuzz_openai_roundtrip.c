/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzing of OpenAI's encoders: the input is a program that tells events.
 * They are encoded as a stream and as a whole, and what is decoded of both
 * must say the same: texts, tool calls, why choices have ended, usage, or the
 * error.
 *
 *     clang -g -O1 -fsanitize=fuzzer,address,undefined \
 *         -I ngx_http_genai_module/core -I t/unit \
 *         t/fuzz/fuzz_openai_roundtrip.c ngx_http_genai_module/core/genai_*.c
 */


#include "answer.h"


#define FUZZ_CHOICES  8
#define FUZZ_CALLERS  4     /* choices that may have tool calls */
#define FUZZ_BLOCKS   4

#define fuzz_check(cond)                                                      \
    do {                                                                      \
        if (!(cond)) {                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond);        \
            abort();                                                          \
        }                                                                     \
    } while (0)


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


/* what was said by the time of the end */

typedef struct {
    answer_buf_t    text[FUZZ_CHOICES][GENAI_EVENT_REFUSAL + 1];
    answer_buf_t    id[FUZZ_CALLERS][FUZZ_BLOCKS];
    answer_buf_t    name[FUZZ_CALLERS][FUZZ_BLOCKS];
    answer_buf_t    args[FUZZ_CALLERS][FUZZ_BLOCKS];
    unsigned char   called[FUZZ_CALLERS][FUZZ_BLOCKS];
    answer_buf_t    word[FUZZ_CHOICES];
    genai_finish_e  finish[FUZZ_CHOICES];
    genai_usage_t   usage;
    answer_buf_t    error;
    unsigned        usages;
    unsigned        errors;
    unsigned        broken;
    unsigned        ends;
    genai_end_e     end_how;
} fuzz_said_t;


typedef struct {
    const uint8_t          *p;
    const uint8_t          *end;
    unsigned                completions;
    fuzz_said_t            *said;
    genai_openai_stream_t   stream;
    genai_whole_t    whole;
    answer_buf_t            bytes;
} fuzz_program_t;


static const unsigned  fuzz_choices[FUZZ_CHOICES] = {
    0, 1, 2, 7, 63, 64, 128, GENAI_OPENAI_INDEX_MAX
};


static unsigned
fuzz_next(fuzz_program_t *f)
{
    return (f->p < f->end) ? *f->p++ : 0;
}


static unsigned
fuzz_choice(unsigned choice)
{
    unsigned  i;

    for (i = 0; i < FUZZ_CHOICES && fuzz_choices[i] != choice; i++) {
        /* void */
    }

    fuzz_check(i < FUZZ_CHOICES);

    return i;
}


static void
fuzz_add(answer_buf_t *b, const genai_str_t *s)
{
    answer_put(b, s->data, s->len);
}


static int
fuzz_same(const answer_buf_t *a, const answer_buf_t *b)
{
    return a->len == b->len
           && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}


/* gathers what an event says; a genai_event_pt */

static int
fuzz_hear(void *ctx, genai_event_t *e)
{
    unsigned      i;
    fuzz_said_t  *t = ctx;

    if (e->copy) {
        return 0;
    }

    switch (e->type) {

    case GENAI_EVENT_TEXT:
    case GENAI_EVENT_REASONING:
    case GENAI_EVENT_REFUSAL:
        fuzz_add(&t->text[fuzz_choice(e->choice)][e->type], &e->text);
        break;

    case GENAI_EVENT_TOOL:
        i = fuzz_choice(e->choice);
        fuzz_check(i < FUZZ_CALLERS && e->block < FUZZ_BLOCKS);
        fuzz_check(e->first == !t->called[i][e->block]);

        t->called[i][e->block] = 1 + e->field;
        fuzz_add(&t->id[i][e->block], &e->id);
        fuzz_add(&t->name[i][e->block], &e->name);
        break;

    case GENAI_EVENT_ARGUMENTS:
        i = fuzz_choice(e->choice);
        fuzz_check(i < FUZZ_CALLERS && e->block < FUZZ_BLOCKS
                   && t->called[i][e->block] == 1u + e->field);

        fuzz_add(&t->args[i][e->block], &e->text);
        break;

    case GENAI_EVENT_FINISH:
        i = fuzz_choice(e->choice);
        fuzz_check(t->finish[i] == GENAI_FINISH_NONE);

        t->finish[i] = e->finish;

        if (e->finish == GENAI_FINISH_OTHER) {
            fuzz_add(&t->word[i], &e->text);
        }

        break;

    case GENAI_EVENT_USAGE:
        t->usage = *e->usage;
        t->usages++;

        /* what an encoder adds */

        if (t->usage.total < 0 && t->usage.prompt >= 0
            && t->usage.completion >= 0
            && t->usage.prompt <= INT64_MAX - t->usage.completion)
        {
            t->usage.total = t->usage.prompt + t->usage.completion;
        }

        break;

    case GENAI_EVENT_ERROR:
        t->errors++;
        fuzz_add(&t->error, &e->text);
        answer_put(&t->error, "<", 1);
        fuzz_add(&t->error, &e->name);
        answer_put(&t->error, "<", 1);
        fuzz_add(&t->error, &e->id);
        break;

    case GENAI_EVENT_BROKEN:
        t->broken++;
        break;

    case GENAI_EVENT_END:
        t->ends++;
        t->end_how = e->end_how;
        break;

    default:
        break;
    }

    return 0;
}


/* hands an event to both encoders */

static void
fuzz_tell(fuzz_program_t *f, genai_event_t *e)
{
    if (!f->completions || e->type == GENAI_EVENT_TEXT
        || e->type > GENAI_EVENT_MEDIA)
    {
        (void) fuzz_hear(f->said, e);
    }

    fuzz_check(genai_openai_stream_event(&f->stream, e) == 0);
    (void) genai_whole_event(&f->whole, e);
}


static void
fuzz_event(genai_event_t *e, genai_event_e type, unsigned choice,
    unsigned block)
{
    memset(e, 0, sizeof(genai_event_t));

    e->type = type;
    e->choice = fuzz_choices[choice];
    e->block = block;
}


/* some characters, of all lengths, and those that must be escaped */

static void
fuzz_text(fuzz_program_t *f, answer_buf_t *b, unsigned max)
{
    unsigned  n, c;

    static const char  *others[] = {
        "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xef\xbf\xbf",
        "\xe2\x80\xa8", "\xc2\x80", "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf"
    };

    b->len = 0;

    for (n = max ? fuzz_next(f) % max : 0; n; n--) {
        c = fuzz_next(f);

        if (c < 0x80) {
            answer_put(b, (char *) &(unsigned char) { c }, 1);

        } else {
            answer_put(b, others[c % 8], strlen(others[c % 8]));
        }
    }

    answer_put(b, "", 0);
}


/* the pieces of one string; some are long, and some strings have no end */

static void
fuzz_string(fuzz_program_t *f, genai_event_t *e)
{
    unsigned      how, n, i;
    genai_str_t   empty = { 0, (unsigned char *) "" };
    answer_buf_t  piece = { NULL, 0, 0 }, text = { NULL, 0, 0 };

    how = fuzz_next(f);
    e->json = 1;
    e->copy = (how & 0x1f) == 0x1f;

    for (n = 1 + how % 3; n; n--) {
        fuzz_text(f, &text, 24);
        piece.len = 0;

        for (i = (how & 0x20) ? 64 : 1; i; i--) {
            answer_put(&piece, text.data, text.len);
        }

        e->text.data = (unsigned char *) piece.data;
        e->text.len = piece.len;
        e->first = (n == 1 + how % 3);
        e->last = (n == 1 && (how & 0xc0) == 0x40);

        if (piece.len || e->last) {
            fuzz_tell(f, e);
        }
    }

    if ((how & 0xc0) == 0x80) {
        e->text = empty;
        e->first = 0;
        e->last = 1;
        fuzz_tell(f, e);
    }

    free(piece.data);
    free(text.data);
}


/* who calls, at once or in two events, and some of the arguments */

static void
fuzz_call(fuzz_program_t *f, unsigned choice)
{
    unsigned       how, block, called;
    answer_buf_t   id = { NULL, 0, 0 }, name = { NULL, 0, 0 };
    genai_event_t  e;

    how = fuzz_next(f);
    choice %= FUZZ_CALLERS;
    block = (choice == 3) ? 0 : how % FUZZ_BLOCKS;
    called = f->said->called[choice][block];

    fuzz_event(&e, GENAI_EVENT_TOOL, choice, block);

    e.field = (choice == 3) ? GENAI_FIELD_FUNCTION_CALL
              : (block == 2) ? GENAI_FIELD_CUSTOM : GENAI_FIELD_CONTENT;
    e.first = (called == 0);

    /* a call before tools were has no id */

    if (f->said->id[choice][block].len == 0 && choice != 3
        && (called || (how & 0x10)))
    {
        fuzz_text(f, &id, 24);
    }

    if (f->said->name[choice][block].len == 0) {
        fuzz_text(f, &name, 24);
    }

    if (e.first && id.len == 0 && name.len == 0) {
        answer_put(&name, "f", 1);
    }

    e.id.data = (unsigned char *) id.data;
    e.id.len = id.len;
    e.name.data = (unsigned char *) name.data;
    e.name.len = name.len;

    if (!f->completions && (id.len || name.len)) {
        fuzz_tell(f, &e);
    }

    if (!f->completions && (how & 0x20)) {
        fuzz_event(&e, GENAI_EVENT_ARGUMENTS, choice, block);
        e.field = f->said->called[choice][block] - 1;
        fuzz_string(f, &e);
    }

    free(id.data);
    free(name.data);
}


static void
fuzz_finish(fuzz_program_t *f, unsigned choice)
{
    const char     *word;
    genai_event_t   e;

    static const char  *words[] = {
        "stop", "length", "tool_calls", "function_call", "content_filter",
        "error", "eos", "max_tokens", "odd", "\"\\\n\xc3\xa9"
    };

    if (f->said->finish[choice] != GENAI_FINISH_NONE) {
        return;
    }

    fuzz_event(&e, GENAI_EVENT_FINISH, choice, 0);

    word = words[fuzz_next(f) % (sizeof(words) / sizeof(words[0]))];
    e.text.data = (unsigned char *) word;
    e.text.len = strlen(word);
    e.finish = genai_openai_finish(&e.text);

    fuzz_tell(f, &e);
}


static void
fuzz_usage(fuzz_program_t *f)
{
    unsigned       i, how;
    int64_t        n[5];
    genai_event_t  e;
    genai_usage_t  usage;

    how = fuzz_next(f);

    for (i = 0; i < 5; i++) {
        n[i] = (int64_t) fuzz_next(f) << (how & 0x20 ? 54 : 0);

        if (i && (how & 1 << i)) {
            n[i] = -1;
        }
    }

    genai_usage_clear(&usage);

    usage.prompt = n[0];
    usage.cached = n[1];
    usage.completion = n[2];
    usage.reasoning = n[3];
    usage.total = n[4];

    fuzz_event(&e, GENAI_EVENT_USAGE, 0, 0);
    e.usage = &usage;
    fuzz_tell(f, &e);
}


static void
fuzz_error(fuzz_program_t *f)
{
    answer_buf_t   text = { NULL, 0, 0 }, id = text, name = text;
    genai_event_t  e;

    fuzz_text(f, &text, 200);
    fuzz_text(f, &id, 24);
    fuzz_text(f, &name, 24);

    fuzz_event(&e, GENAI_EVENT_ERROR, 0, 0);
    e.text.data = (unsigned char *) text.data;
    e.text.len = text.len;
    e.id.data = (unsigned char *) id.data;
    e.id.len = id.len;
    e.name.data = (unsigned char *) name.data;
    e.name.len = name.len;
    fuzz_tell(f, &e);

    free(text.data);
    free(id.data);
    free(name.data);
}


static void
fuzz_run(fuzz_program_t *f)
{
    unsigned       op, choice;
    genai_event_t  e;

    while (f->p < f->end && !f->said->errors) {
        op = fuzz_next(f);
        choice = op >> 4 & 7;

        switch (op & 15) {

        case 0:
        case 1:
        case 2:
        case 3:
        case 4:
        case 5:
            fuzz_event(&e, GENAI_EVENT_TEXT + op % 3, choice, 0);
            fuzz_string(f, &e);
            break;

        case 6:
            fuzz_finish(f, choice);
            break;

        case 7:
            fuzz_usage(f);
            break;

        case 8:
            fuzz_event(&e, GENAI_EVENT_CHUNK, 0, 0);
            fuzz_tell(f, &e);
            break;

        case 9:
            fuzz_event(&e, GENAI_EVENT_MEDIA, choice, 0);
            fuzz_tell(f, &e);
            break;

        case 10:
            if (op & 0x80) {
                fuzz_error(f);
            }

            break;

        default:
            fuzz_call(f, choice);
        }
    }

    fuzz_event(&e, GENAI_EVENT_END, 0, 0);
    e.end_how = GENAI_END_DONE;
    fuzz_tell(f, &e);
}


static int
fuzz_write(void *ctx, const unsigned char *p, size_t n)
{
    answer_put(ctx, p, n);

    return 0;
}


static void *
fuzz_alloc(void *ctx, void *p, size_t old, size_t size)
{
    if (size == 0) {
        free(p);
        return NULL;
    }

    return realloc(p, size);
}


static void
fuzz_decode(fuzz_said_t *t, const answer_buf_t *b, unsigned stream)
{
    genai_openai_answer_t       a;
    genai_answer_opts_t  opts = { .stream = 0, .choices = 1 };

    opts.stream = stream;

    genai_openai_answer_init(&a, &opts, fuzz_hear, t);
    fuzz_check(genai_answer_feed(&a.base, (unsigned char *) b->data, b->len)
               == 0);
    fuzz_check(genai_answer_end(&a.base) == 0 && t->ends == 1);
}


/* whole: calls are numbered by their places */

static void
fuzz_compare(const fuzz_said_t *a, const fuzz_said_t *b, unsigned whole)
{
    unsigned  i, k, n;

    fuzz_check(a->errors == b->errors && fuzz_same(&a->error, &b->error));

    if (a->errors && whole) {
        return;
    }

    fuzz_check(!b->broken && b->end_how == GENAI_END_DONE);
    fuzz_check((a->usages != 0) == (b->usages != 0));
    fuzz_check(memcmp(&a->usage, &b->usage, sizeof(a->usage)) == 0);

    for (i = 0; i < FUZZ_CHOICES; i++) {

        for (k = GENAI_EVENT_TEXT; k <= GENAI_EVENT_REFUSAL; k++) {
            fuzz_check(fuzz_same(&a->text[i][k], &b->text[i][k]));
        }

        fuzz_check(a->finish[i] == b->finish[i]
                   && fuzz_same(&a->word[i], &b->word[i]));
    }

    for (i = 0; i < FUZZ_CALLERS; i++) {

        for (k = 0, n = 0; k < FUZZ_BLOCKS; k++) {

            if (!a->called[i][k]) {
                fuzz_check(whole || !b->called[i][k]);
                continue;
            }

            n = whole ? n : k;

            fuzz_check(a->called[i][k] == b->called[i][n]
                       && fuzz_same(&a->id[i][k], &b->id[i][n])
                       && fuzz_same(&a->name[i][k], &b->name[i][n])
                       && fuzz_same(&a->args[i][k], &b->args[i][n]));
            n++;
        }

        fuzz_check(!whole || n == FUZZ_BLOCKS || !b->called[i][n]);
    }
}


static void
fuzz_forget(fuzz_said_t *t)
{
    unsigned       i, n;
    answer_buf_t  *all[] = {
        t->text[0], t->id[0], t->name[0], t->args[0], t->word, &t->error
    };

    static const unsigned  sizes[] = {
        FUZZ_CHOICES * (GENAI_EVENT_REFUSAL + 1), FUZZ_CALLERS * FUZZ_BLOCKS,
        FUZZ_CALLERS * FUZZ_BLOCKS, FUZZ_CALLERS * FUZZ_BLOCKS, FUZZ_CHOICES, 1
    };

    for (i = 0; i < 6; i++) {
        for (n = 0; n < sizes[i]; n++) {
            free(all[i][n].data);
        }
    }

    memset(t, 0, sizeof(fuzz_said_t));
    genai_usage_clear(&t->usage);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    answer_buf_t          json = { NULL, 0, 0 };
    fuzz_program_t        f;
    genai_answer_head_t   head = {
        genai_str("i\"d"), genai_str("m"), 1, 0, 1, -1 };
    static fuzz_said_t    said, heard;

    if (size == 0 || size > 65536) {
        return 0;
    }

    fuzz_forget(&said);
    fuzz_forget(&heard);

    memset(&f, 0, sizeof(f));

    f.p = data + 1;
    f.end = data + size;
    f.completions = data[0] & 1;
    f.said = &said;
    head.text = f.completions;

    genai_openai_stream_init(&f.stream, &head, fuzz_write, &f.bytes);
    genai_whole_init(&f.whole, &head, 4 << 20, fuzz_alloc, NULL);

    fuzz_run(&f);

    fuzz_decode(&heard, &f.bytes, 1);
    fuzz_compare(&said, &heard, 0);

    /* without a choice it is no answer */

    if (f.whole.rc == 0 && f.whole.n) {
        fuzz_check(genai_openai_whole_write(&f.whole, fuzz_write, &json) == 0);

        fuzz_forget(&heard);
        fuzz_decode(&heard, &json, 0);
        fuzz_compare(&said, &heard, 1);
    }

    genai_whole_free(&f.whole);
    free(f.bytes.data);
    free(json.data);

    return 0;
}
