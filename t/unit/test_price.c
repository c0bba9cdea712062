/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "tap.h"
#include "genai_catalog.h"
#include "genai_meter.h"
#include "genai_openai_answer.h"

#include "price_cases.h"


#define NCASES   (sizeof(price_cases) / sizeof(price_cases[0]))
#define NRANDOM  200000


static uint64_t  seed = 88172645463325252ull;


static uint64_t
any(uint64_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;

    return seed % below;
}


/* of any magnitude */

static uint64_t
size(unsigned bits)
{
    return any((uint64_t) 1 << (any(bits) + 1));
}


static void
parsing(void)
{
    int          rc;
    size_t       i, len;
    char         buf[GENAI_PRICE_DIGITS];
    uint64_t     n;
    genai_str_t  s;

    static const struct {
        const char  *text;
        long long    nano;      /* -1: it is none */
        const char  *again;
    } texts[] = {
        { "0", 0, "0" },
        { "0.0", 0, "0" },
        { "0.000000001", 1, "0.000000001" },
        { "0.000000010", 10, "0.00000001" },
        { "0.1", 100000000, "0.1" },
        { "0.3", 300000000, "0.3" },
        { "2.50", 2500000000, "2.5" },
        { "10", 10000000000, "10" },
        { "9999.999999999", 9999999999999, "9999.999999999" },
        { "10000", 10000000000000, "10000" },
        { "10000.000000000", 10000000000000, "10000" },
        { "10000.000000001", -1, NULL },
        { "10001", -1, NULL },
        { "99999999999999999999999999", -1, NULL },
        { "0.0000000001", -1, NULL },
        { "0.1000000000", -1, NULL },
        { "", -1, NULL },
        { ".", -1, NULL },
        { ".5", -1, NULL },
        { "1.", -1, NULL },
        { "1.2.3", -1, NULL },
        { "01", -1, NULL },
        { "00", -1, NULL },
        { "-1", -1, NULL },
        { "-0", -1, NULL },
        { "+1", -1, NULL },
        { "1e2", -1, NULL },
        { "1e400", -1, NULL },
        { "1.5e0", -1, NULL },
        { " 1", -1, NULL },
        { "1 ", -1, NULL },
        { "$1", -1, NULL },
        { "1,5", -1, NULL },
        { "0x1", -1, NULL },
        { "NaN", -1, NULL },
        { "inf", -1, NULL }
    };

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {

        /* not terminated, so that what is read behind it is found */

        s.len = strlen(texts[i].text);
        s.data = malloc(s.len ? s.len : 1);
        memcpy(s.data, texts[i].text, s.len);

        n = 12345;
        rc = genai_price_parse(&s, &n);

        free(s.data);

        if (texts[i].nano == -1) {
            ok(rc == -1 && n == 12345, "\"%s\" is no price", texts[i].text);
            continue;
        }

        ok(rc == 0, "\"%s\" is a price", texts[i].text);
        is_int(n, texts[i].nano, "in nano-dollars");

        len = genai_price_write(buf, n);
        is_str(buf, texts[i].again, "written again");
        is_int(len, strlen(buf), "with its length");
    }

    s.len = 3;
    s.data = (unsigned char *) "1\0002";
    is_int(genai_price_parse(&s, &n), -1, "a zero in it");

    len = genai_price_write(buf, UINT64_MAX);
    is_str(buf, "18446744073.709551615", "the largest number");

    for (i = 0; i < 10000; i++) {
        n = size(43) % (GENAI_PRICE_MAX + 1);
        s.data = (unsigned char *) buf;
        s.len = genai_price_write(buf, n);

        rc = genai_price_parse(&s, &seed) == 0 && seed == n;

        if (!quiet_ok(rc, "%s is read as it was written", buf)) {
            break;
        }

        seed = (n + i) * 2862933555777941757ull + 3037000493ull;
    }
}


static const genai_price_t *
price_of(const genai_catalog_t *c, int i)
{
    char         name[16];
    genai_str_t  s;

    s.len = (size_t) snprintf(name, sizeof(name), "p%d", i);
    s.data = (unsigned char *) name;

    return &genai_catalog_find(c, &s)->price;
}


static genai_catalog_t *
cases(genai_arena_t *arena)
{
    int               rc;
    size_t            i, capped;
    uint64_t          nano, bound;
    genai_str_t       text;
    genai_catalog_t  *c;

    c = genai_catalog_create(arena);

    text.data = (unsigned char *) price_catalog;
    text.len = sizeof(price_catalog) - 1;

    is_int(genai_catalog_add(c, "cases", &text), 0, "the prices are read");
    is_int(genai_catalog_done(c), 0, "done");
    ok(genai_catalog_findings(c) == NULL, "nothing to complain of");

    ok(NCASES >= 300, "there are 300 cases");

    capped = 0;

    for (i = 0; i < NCASES; i++) {

        rc = genai_price_cost(price_of(c, price_cases[i].price),
                              &price_cases[i].tokens, &nano);

        ok(rc == 0 && nano == price_cases[i].nano,
           "case %lu, price %d: %llu is %llu", (unsigned long) i,
           price_cases[i].price, (unsigned long long) nano,
           (unsigned long long) price_cases[i].nano);

        capped += (nano == GENAI_PRICE_COST_MAX);

        rc = genai_price_bound(price_of(c, price_cases[i].price), INT64_MAX,
                               INT64_MAX, 1, &bound);

        quiet_ok(rc == 0 && bound >= nano, "what is the most holds for it");
    }

    ok(capped < NCASES / 4, "most are below the most that anything costs");

    return c;
}


static uint64_t
most(uint64_t a, uint64_t b)
{
    return (a > b) ? a : b;
}


static uint64_t
told(int64_t n)
{
    return (n < 0) ? 0
           : (n > (int64_t) GENAI_PRICE_TOKENS) ? GENAI_PRICE_TOKENS
           : (uint64_t) n;
}


/* what the price takes for the whole */

static uint64_t
prompt_of(const genai_tokens_t *t)
{
    return most(most(told(t->prompt), told(t->cached) + told(t->written_5m)
                                      + told(t->written_1h)),
                told(t->image) + told(t->audio));
}


static uint64_t
completion_of(const genai_tokens_t *t)
{
    return most(told(t->completion),
                told(t->reasoning) + told(t->audio_output));
}


static void
any_price(genai_price_t *p, int sane)
{
    int                  i, k;
    genai_price_tier_t  *t;

    memset(p, 0, sizeof(genai_price_t));

    p->ntiers = (uint8_t) (1 + any(GENAI_PRICE_TIERS));
    p->tiers_said = (p->ntiers > 1);

    for (i = 0; i < p->ntiers; i++) {

        t = &p->tiers[i];
        t->above = i ? p->tiers[i - 1].above + 1 + size(18) : 0;

        for (k = 0; k < GENAI_PRICE_RATES; k++) {
            if (k == GENAI_PRICE_INPUT || k == GENAI_PRICE_OUTPUT
                || (sane ? i == 0 : any(2)))
            {
                t->said |= genai_price_bit(k);
                t->rates[k] = size(43) % (GENAI_PRICE_MAX + 1);
            }
        }
    }

    if (sane) {

        /* one tier, in which nothing is made dearer by being cached */

        t = &p->tiers[0];
        p->ntiers = 1;

        t->rates[GENAI_PRICE_CACHED] = t->rates[GENAI_PRICE_INPUT] / 10;
        t->rates[GENAI_PRICE_IMAGE] = t->rates[GENAI_PRICE_INPUT];
        t->rates[GENAI_PRICE_AUDIO] = t->rates[GENAI_PRICE_INPUT]
                                      + size(20);
        t->rates[GENAI_PRICE_CACHED_AUDIO] = t->rates[GENAI_PRICE_CACHED];
    }

    if (any(2)) {
        p->request = size(43) % (GENAI_PRICE_MAX + 1);
        p->request_said = 1;
    }

    genai_price_finish(p, 0);
}


static void
any_tokens(genai_tokens_t *t)
{
    unsigned  bits;
    size_t    i;

    int64_t *const  all[] = {
        &t->prompt, &t->cached, &t->completion, &t->reasoning,
        &t->written_5m, &t->written_1h, &t->image, &t->audio,
        &t->cached_audio, &t->audio_output
    };

    bits = (unsigned) (2 + any(61));

    for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        *all[i] = any(3) ? (int64_t) size(bits) : 0;
    }

    t->source = GENAI_COUNT_PROVIDER;
}


static void
properties(void)
{
    int             i, k, n;
    uint64_t        nano, more, bound, sum, prompt, completion;
    genai_price_t   p, again;
    genai_tokens_t  t;

    for (i = 0; i < NRANDOM; i++) {

        any_price(&p, 0);
        any_tokens(&t);

        again = p;
        genai_price_finish(&again, 0);

        quiet_ok(memcmp(&again, &p, sizeof(p)) == 0, "finished is finished");

        quiet_ok(genai_price_cost(&p, &t, &nano) == 0
                 && nano >= p.request && nano <= GENAI_PRICE_COST_MAX,
                 "in bounds, and with the fee");

        /* the very bound, and any that is wider */

        prompt = prompt_of(&t);
        completion = completion_of(&t);

        quiet_ok(genai_price_bound(&p, prompt, completion, 1, &bound) == 0
                 && bound >= nano, "a bound holds: %llu, %llu",
                 (unsigned long long) bound, (unsigned long long) nano);

        quiet_ok(genai_price_bound(&p, prompt + size(62),
                                   completion + size(62), 1 + any(3), &more)
                 == 0 && more >= bound, "a wider bound is no lower");

        /* without the kinds that are not there, it still holds */

        quiet_ok(genai_price_bound_of(&p, GENAI_PRICE_TEXT, prompt,
                                      completion, 1, &more) == 0
                 && more <= bound, "with fewer kinds it is no higher");

        t.written_5m = t.written_1h = t.image = t.audio = 0;
        t.audio_output = 0;

        prompt = prompt_of(&t);
        completion = completion_of(&t);

        quiet_ok(genai_price_cost(&p, &t, &nano) == 0
                 && genai_price_bound_of(&p, GENAI_PRICE_TEXT, prompt,
                                         completion, 1, &bound) == 0
                 && bound >= nano, "a bound of text holds for text");

        /* several together, each of which is rounded up */

        sum = prompt = completion = 0;
        n = (int) (1 + any(6));

        for (k = 0; k < n; k++) {
            any_tokens(&t);

            t.prompt &= 0xffff;
            t.completion &= 0xffff;
            t.cached &= 0xff;
            t.reasoning &= 0xff;
            t.written_5m = t.written_1h = t.image = t.audio = 0;
            t.audio_output = 0;

            prompt += prompt_of(&t);
            completion += completion_of(&t);

            (void) genai_price_cost(&p, &t, &nano);
            sum += nano;
        }

        quiet_ok(genai_price_bound(&p, prompt, completion, (uint64_t) n,
                                   &bound) == 0 && bound >= sum,
                 "a bound of %d holds", n);
    }

    for (i = 0; i < NRANDOM; i++) {

        any_price(&p, 1);
        any_tokens(&t);

        (void) genai_price_cost(&p, &t, &nano);

        switch (any(4)) {

        case 0:
            t.prompt = (int64_t) most((uint64_t) t.prompt, size(62));
            break;

        case 1:
            t.completion = (int64_t) most((uint64_t) t.completion, size(62));
            break;

        case 2:
            k = (int) any(GENAI_PRICE_RATES);
            p.tiers[0].rates[k] += size(30);
            break;

        default:
            p.request += size(30);
            break;
        }

        (void) genai_price_cost(&p, &t, &more);

        if (!quiet_ok(more >= nano, "more costs no less")) {
            break;
        }
    }
}


static void
bounds(void)
{
    uint64_t        n;
    genai_price_t   p;
    genai_tokens_t  t;

    memset(&p, 0, sizeof(p));
    memset(&t, 0, sizeof(t));

    t.prompt = 1000;
    t.source = GENAI_COUNT_EXACT;

    n = 5;
    ok(genai_price_cost(&p, &t, &n) == -1 && n == 0, "no price, no cost");
    n = 5;
    ok(genai_price_bound(&p, 1, 1, 1, &n) == -1 && n == 0, "and no bound");

    p.request = 5;
    p.request_said = 1;
    p.ntiers = 1;
    p.tiers[0].said = genai_price_bit(GENAI_PRICE_INPUT);
    genai_price_finish(&p, 0);
    ok(!p.priced, "without a price of the output there is none");

    genai_price_finish(&p, 1);
    ok(p.priced, "but of what has no output");

    p.tiers[0].said = 0;
    genai_price_finish(&p, 1);
    ok(!p.priced, "without one of the input there is none");

    /* $3 and $15; above 200,000 $6 and $22.5; an hour in the cache is $6 */

    memset(&p, 0, sizeof(p));

    p.ntiers = 2;
    p.tiers[0].said = genai_price_bit(GENAI_PRICE_INPUT)
                      |genai_price_bit(GENAI_PRICE_OUTPUT)
                      |genai_price_bit(GENAI_PRICE_WRITE_1H);
    p.tiers[0].rates[GENAI_PRICE_INPUT] = 3000000000;
    p.tiers[0].rates[GENAI_PRICE_OUTPUT] = 15000000000;
    p.tiers[0].rates[GENAI_PRICE_WRITE_1H] = 6000000000;
    p.tiers[1].above = 200000;
    p.tiers[1].said = genai_price_bit(GENAI_PRICE_INPUT)
                      |genai_price_bit(GENAI_PRICE_OUTPUT);
    p.tiers[1].rates[GENAI_PRICE_INPUT] = 6000000000;
    p.tiers[1].rates[GENAI_PRICE_OUTPUT] = 22500000000;

    genai_price_finish(&p, 0);

    ok(p.tiers[0].rates[GENAI_PRICE_WRITE_5M] == 3000000000
       && p.tiers[0].rates[GENAI_PRICE_AUDIO_OUTPUT] == 15000000000
       && p.tiers[1].rates[GENAI_PRICE_CACHED_AUDIO] == 6000000000
       && p.tiers[1].rates[GENAI_PRICE_WRITE_1H] == 6000000000,
       "rates that are derived");

    (void) genai_price_bound_of(&p, GENAI_PRICE_TEXT, 1000, 100, 1, &n);
    is_int(n, 1000 * 3000 + 100 * 15000, "text");

    (void) genai_price_bound(&p, 1000, 100, 1, &n);
    is_int(n, 1000 * 6000 + 100 * 15000, "that may be written for an hour");

    (void) genai_price_bound_of(&p, GENAI_PRICE_TEXT, 200000, 100, 1, &n);
    is_int(n, 200000ll * 3000 + 100 * 15000, "up to the next tier");

    (void) genai_price_bound_of(&p, GENAI_PRICE_TEXT, 200001, 100, 1, &n);
    is_int(n, 200001ll * 6000 + 100 * 22500, "in the next tier");

    t.prompt = 200001;
    t.completion = 100;
    (void) genai_price_cost(&p, &t, &n);
    is_int(n, 200001ll * 6000 + 100 * 22500, "all of it");

    t.source = GENAI_COUNT_NONE;
    p.request = 77;
    ok(genai_price_cost(&p, &t, &n) == 0 && n == 0, "nothing was used");

    t.source = GENAI_COUNT_ESTIMATED;
    t.prompt = t.completion = 0;
    (void) genai_price_cost(&p, &t, &n);
    is_int(n, 77, "a request that has no tokens");

    (void) genai_price_bound(&p, 0, 0, 3, &n);
    is_int(n, 3 * 77 + 2, "three requests");

    (void) genai_price_bound(&p, 0, 0, 0, &n);
    is_int(n, 0, "none");

    (void) genai_price_bound(&p, UINT64_MAX, UINT64_MAX, UINT64_MAX, &n);
    ok(n == GENAI_PRICE_COST_MAX, "more than can be paid");

    is_str(genai_price_name(GENAI_PRICE_WRITE_5M), "write_5m", "a name");
    is_str(genai_price_name(GENAI_PRICE_RATES), "", "no name");
}


static int
meter(void *ctx, genai_event_t *e)
{
    genai_meter_event(ctx, e);

    return 0;
}


/* from an answer's bytes to what it costs */

static void
answer(const genai_catalog_t *c)
{
    uint64_t                    nano;
    genai_meter_t               m;
    genai_tokens_t              t;
    genai_openai_answer_t      *a;
    genai_answer_opts_t  opts;

    static const unsigned char  body[] =
        "{\"choices\":[],\"usage\":{\"prompt_tokens\":90,"
        "\"completion_tokens\":50,\"prompt_tokens_details\":{"
        "\"text_tokens\":1,\"audio_tokens\":20,\"image_tokens\":30,"
        "\"cached_tokens\":4,\"cache_write_tokens\":6},"
        "\"completion_tokens_details\":{\"reasoning_tokens\":2,"
        "\"audio_tokens\":7,\"accepted_prediction_tokens\":0}}}";

    a = malloc(sizeof(genai_openai_answer_t));
    memset(&opts, 0, sizeof(opts));

    genai_meter_init(&m, 400);
    genai_openai_answer_init(a, &opts, meter, &m);

    is_int(genai_answer_feed(&a->base, body, sizeof(body) - 1), 0, "an answer");
    is_int(genai_answer_end(&a->base), 0, "and its end");
    free(a);

    genai_meter_tokens(&m, &t);

    ok(t.prompt == 90 && t.completion == 50 && t.cached == 4
       && t.reasoning == 2 && t.audio == 20 && t.image == 30
       && t.written_5m == 6 && t.written_1h == 0 && t.cached_audio == 0
       && t.audio_output == 7, "what it used");

    /* 30 of text at 0.6, 4 at 0.06, 6 at 0.6, images at 0.8, audio at 10 */

    (void) genai_price_cost(price_of(c, 3), &t, &nano);

    is_int(nano, 30 * 600 + 4 * 60 + 6 * 600 + 30 * 800 + 20 * 10000
                 + 41 * 2400 + 2 * 2400 + 7 * 20000, "what it costs");
}


int
main(void)
{
    genai_arena_t  arena;

    parsing();
    bounds();

    genai_arena_init(&arena, (size_t) 1 << 26);
    answer(cases(&arena));
    genai_arena_destroy(&arena);

    properties();

    return done_testing();
}
