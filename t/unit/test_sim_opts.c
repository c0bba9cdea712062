/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "tap.h"

#include "genai_sim_opts.h"


static genai_sim_opts_t  o;
static const char       *error;


static int
set(const char *text)
{
    genai_str_t  kv;

    kv.data = (unsigned char *) text;
    kv.len = strlen(text);
    error = NULL;

    return genai_sim_opts_set(&o, &kv, &error);
}


static void
test_defaults(void)
{
    genai_sim_opts_init(&o);

    is_int(o.tokens, 16, "tokens");
    is_int(o.usage, 1, "usage");
    is_int(o.rate, 0, "rate");
    is_int(o.piece, 4, "piece");
    is_int(o.status, GENAI_SIM_OFF, "status");
    is_int(o.cut, GENAI_SIM_OFF, "cut");
    is_int(o.silence, GENAI_SIM_OFF, "silence");
    is_int(o.reset, GENAI_SIM_OFF, "reset");
    ok(o.body.data == NULL, "body");
    ok(!genai_sim_opts_raw(&o), "not raw");
}


static void
test_values(void)
{
    genai_sim_opts_init(&o);

    ok(set("ttft=50") == 0 && o.ttft == 50, "ms");
    ok(set("ttft=50ms") == 0 && o.ttft == 50, "ms, said so");
    ok(set("ttft=2s") == 0 && o.ttft == 2000, "s");
    ok(set("ttft=1m") == 0 && o.ttft == 60000, "m");
    ok(set("ttft=off") == 0 && o.ttft == 0, "off");
    ok(set("tokens=0") == 0 && o.tokens == 0, "zero");
    ok(set("tokens=off") == 0 && o.tokens == 16, "the default");
    ok(set("length=-10") == 0 && o.length == -10, "negative");
    ok(set("length=+10") == 0 && o.length == 10, "positive");
    ok(set("usage=off") == 0 && o.usage == 0, "usage=off");
    ok(set("usage=on") == 0 && o.usage == 1, "usage=on");
    ok(set("gzip") == 0 && o.gzip == 1, "a flag");
    ok(set("gzip=off") == 0 && o.gzip == 0, "a flag off");
    ok(set("silence=3") == 0 && o.silence == 3, "silence");
    ok(set("silence=header") == 0 && o.silence == GENAI_SIM_SILENCE_ALL,
       "silence=header");
    ok(set("silence=off") == 0 && o.silence == GENAI_SIM_OFF, "no silence");
    ok(set("reset=body") == 0 && o.reset == GENAI_SIM_RESET_BODY, "reset");
    ok(set("bytewise") == 0 && o.write == 1 && o.gap == 0, "bytewise");
    ok(set("bytewise=2") == 0 && o.write == 1 && o.gap == 2, "with a gap");
    ok(set("bytewise=off") == 0 && o.write == 0 && o.gap == 0, "off");
    ok(set("body=a=b c") == 0, "body");
    is_text(o.body, "a=b c", "all of it");
    ok(set("body=") == 0 && o.body.data != NULL && o.body.len == 0,
       "an empty body is one");
    ok(set("body=off") == 0 && o.body.data == NULL, "no body");
    ok(set("header=A:b") == 0 && set("header=C:") == 0 && o.nheaders == 2,
       "headers");
    is_text(o.headers[0], "A:b", "header");
    ok(set("header=off") == 0 && o.nheaders == 0, "no headers");
}


static void
test_errors(void)
{
    int          i;
    const char  *bad[] = {
        "", "=", "foo", "foo=1", "ttft", "ttft=", "ttft=x", "ttft=1h",
        "ttft=-1", "ttft=1.5", "ttft=9999999999", "ttft=1441m", "tokens=1x",
        "tokens=-1", "tokens=100000001", "tokens=99999999999999999999",
        "status=99", "status=600", "status=200.0", "usage=yes", "gzip=1",
        "silence=x", "silence=-1", "reset", "reset=soon", "header=x",
        "header=:x", "write=0", "rate=1000001", "body", "bytewise=x", NULL
    };

    for (i = 0; bad[i]; i++) {
        genai_sim_opts_init(&o);
        ok(set(bad[i]) == -1 && error != NULL, "refused: \"%s\"", bad[i]);
    }

    for (i = 0; i < GENAI_SIM_HEADERS; i++) {
        quiet_ok(set("header=A:b") == 0, "header %d", i);
    }

    ok(set("header=A:b") == -1, "too many headers");
}


static void
test_line(void)
{
    genai_str_t  line, bad;

#define parse(text)                                                           \
    (genai_sim_opts_init(&o), line.data = (unsigned char *) text,             \
     line.len = sizeof(text) - 1,                                             \
     genai_sim_opts_parse(&o, &line, &bad, &error))

    ok(parse("") == 0, "nothing");
    ok(parse("  \t ") == 0, "blanks");
    ok(parse(" ttft=5  rate=7\tgarbage ") == 0, "three");
    ok(o.ttft == 5 && o.rate == 7 && o.garbage == 1, "set");
    ok(parse("ttft=5 x=1 rate=7") == -1, "a wrong one");
    is_text(bad, "x=1", "which");
    ok(parse("cut=3 cut=off") == 0 && o.cut == GENAI_SIM_OFF,
       "the last one wins");
}


static void
test_raw(void)
{
    int          i;
    const char  *raw[] = {
        "garbage", "close", "smuggle", "early", "slow_header=5", "length=1",
        "length=-1", "write=3", "gap=1", "bytewise", "reset=header",
        "reset=body", "silence=header", NULL
    };
    const char  *tame[] = {
        "gzip", "html", "status=500", "cut=1", "silence=1", "error_after=1",
        "big_header=9", "reset=accept", "delay=1", "ttft=1", NULL
    };

    for (i = 0; raw[i]; i++) {
        genai_sim_opts_init(&o);
        ok(set(raw[i]) == 0 && genai_sim_opts_raw(&o), "raw: %s", raw[i]);
    }

    for (i = 0; tame[i]; i++) {
        genai_sim_opts_init(&o);
        ok(set(tame[i]) == 0 && !genai_sim_opts_raw(&o), "tame: %s", tame[i]);
    }
}


int
main(void)
{
    test_defaults();
    test_values();
    test_errors();
    test_line();
    test_raw();

    return done_testing();
}
