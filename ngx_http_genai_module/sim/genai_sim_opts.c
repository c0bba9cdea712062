/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "genai_sim_opts.h"


typedef enum {
    GENAI_SIM_OPT_NUMBER = 0,
    GENAI_SIM_OPT_TIME,
    GENAI_SIM_OPT_FLAG,
    GENAI_SIM_OPT_SIGNED,
    GENAI_SIM_OPT_SILENCE,
    GENAI_SIM_OPT_RESET,
    GENAI_SIM_OPT_BYTEWISE,
    GENAI_SIM_OPT_TEXT,
    GENAI_SIM_OPT_HEADER
} genai_sim_opt_e;


typedef struct {
    const char        *name;
    genai_sim_opt_e    type;
    size_t             offset;
    int64_t            min;
    int64_t            max;
    int64_t            off;         /* by default, and with NAME=off */
} genai_sim_opt_t;


static int genai_sim_opt_number(const genai_str_t *value, int64_t *n);
static int genai_sim_opt_time(const genai_str_t *value, int64_t *ms);


#define genai_sim_opt(name, type, min, max, off)                              \
    { #name, GENAI_SIM_OPT_##type, offsetof(genai_sim_opts_t, name),          \
      min, max, off }

#define GENAI_SIM_DAY  86400000

static const genai_sim_opt_t  genai_sim_opt_table[] = {
    genai_sim_opt(delay, TIME, 0, GENAI_SIM_DAY, 0),
    genai_sim_opt(ttft, TIME, 0, GENAI_SIM_DAY, 0),
    genai_sim_opt(rate, NUMBER, 0, 1000000, 0),
    genai_sim_opt(tokens, NUMBER, 0, 100000000, 16),
    genai_sim_opt(usage, FLAG, 0, 1, 0),
    genai_sim_opt(piece, NUMBER, 1, 256, 4),

    genai_sim_opt(reasoning, NUMBER, 0, 1000000, 0),
    genai_sim_opt(calls, NUMBER, 1, 16, 1),
    genai_sim_opt(cached, NUMBER, 0, INT32_MAX, 0),
    genai_sim_opt(refusal, FLAG, 0, 1, 0),
    genai_sim_opt(filter, FLAG, 0, 1, 0),
    genai_sim_opt(echo, FLAG, 0, 1, 0),

    genai_sim_opt(status, NUMBER, 200, 599, GENAI_SIM_OFF),
    genai_sim_opt(retry_after, NUMBER, 0, GENAI_SIM_DAY, GENAI_SIM_OFF),
    genai_sim_opt(error_after, NUMBER, 0, INT32_MAX, GENAI_SIM_OFF),
    genai_sim_opt(silence, SILENCE, 0, INT32_MAX, GENAI_SIM_OFF),
    genai_sim_opt(cut, NUMBER, 0, INT64_MAX, GENAI_SIM_OFF),
    genai_sim_opt(gzip, FLAG, 0, 1, 0),
    genai_sim_opt(html, FLAG, 0, 1, 0),
    genai_sim_opt(big_header, NUMBER, 0, 16777216, 0),

    genai_sim_opt(reset, RESET, 0, 0, GENAI_SIM_OFF),
    genai_sim_opt(garbage, FLAG, 0, 1, 0),
    genai_sim_opt(close, FLAG, 0, 1, 0),
    genai_sim_opt(smuggle, FLAG, 0, 1, 0),
    genai_sim_opt(early, FLAG, 0, 1, 0),
    genai_sim_opt(slow_header, TIME, 0, GENAI_SIM_DAY, 0),
    genai_sim_opt(length, SIGNED, -INT32_MAX, INT32_MAX, 0),
    genai_sim_opt(write, NUMBER, 1, INT32_MAX, 0),
    genai_sim_opt(gap, TIME, 0, GENAI_SIM_DAY, 0),

    genai_sim_opt(type, TEXT, 0, 0, 0),
    genai_sim_opt(body, TEXT, 0, 0, 0),
    genai_sim_opt(text, TEXT, 0, 0, 0),

    { "header", GENAI_SIM_OPT_HEADER, 0, 0, 0, 0 },
    { "bytewise", GENAI_SIM_OPT_BYTEWISE, 0, 0, GENAI_SIM_DAY, 0 },
    { NULL, 0, 0, 0, 0, 0 }
};


#define genai_sim_opt_field(o, opt)                                           \
    ((void *) ((unsigned char *) (o) + (opt)->offset))


void
genai_sim_opts_init(genai_sim_opts_t *o)
{
    const genai_sim_opt_t  *opt;

    memset(o, 0, sizeof(genai_sim_opts_t));

    for (opt = genai_sim_opt_table; opt->name; opt++) {
        if (opt->type < GENAI_SIM_OPT_BYTEWISE) {
            *(int64_t *) genai_sim_opt_field(o, opt) = opt->off;
        }
    }

    o->usage = 1;
}


int
genai_sim_opts_set(genai_sim_opts_t *o, const genai_str_t *kv,
    const char **error)
{
    int                     off;
    size_t                  len;
    int64_t                 n;
    genai_str_t             value;
    unsigned char          *p;
    const genai_sim_opt_t  *opt;

    p = memchr(kv->data, '=', kv->len);
    len = p ? (size_t) (p - kv->data) : kv->len;

    value.data = p ? p + 1 : NULL;
    value.len = p ? kv->len - len - 1 : 0;

    for (opt = genai_sim_opt_table; opt->name; opt++) {
        if (strlen(opt->name) == len
            && memcmp(opt->name, kv->data, len) == 0)
        {
            break;
        }
    }

    if (opt->name == NULL) {
        *error = "no such parameter";
        return -1;
    }

    if (value.data == NULL && opt->type != GENAI_SIM_OPT_FLAG
        && opt->type != GENAI_SIM_OPT_BYTEWISE)
    {
        *error = "the parameter needs a value";
        return -1;
    }

    off = value.data && genai_str_is(&value, "off");
    n = opt->off;

    switch (opt->type) {

    case GENAI_SIM_OPT_FLAG:

        if (value.data && !off && !genai_str_is(&value, "on")) {
            *error = "the value must be \"on\" or \"off\"";
            return -1;
        }

        n = !off;
        break;

    case GENAI_SIM_OPT_NUMBER:
    case GENAI_SIM_OPT_SIGNED:

        if (off) {
            break;
        }

        if (genai_sim_opt_number(&value, &n) == -1
            || (value.data[0] == '-' && opt->type != GENAI_SIM_OPT_SIGNED)
            || n < opt->min || n > opt->max)
        {
            *error = "the value must be a number in the parameter's range";
            return -1;
        }

        break;

    case GENAI_SIM_OPT_TIME:
    case GENAI_SIM_OPT_BYTEWISE:

        if (off || value.data == NULL) {
            break;
        }

        if (genai_sim_opt_time(&value, &n) == -1 || n > opt->max) {
            *error = "the value must be a time, such as 50, 50ms or 2s";
            return -1;
        }

        break;

    case GENAI_SIM_OPT_SILENCE:

        if (off) {
            break;
        }

        if (genai_str_is(&value, "header")) {
            n = GENAI_SIM_SILENCE_ALL;
            break;
        }

        if (genai_sim_opt_number(&value, &n) == -1 || n < 0 || n > opt->max) {
            *error = "the value must be \"header\" or a number of events";
            return -1;
        }

        break;

    case GENAI_SIM_OPT_RESET:

        if (off) {
            break;
        }

        if (genai_str_is(&value, "accept")) {
            n = GENAI_SIM_RESET_ACCEPT;

        } else if (genai_str_is(&value, "header")) {
            n = GENAI_SIM_RESET_HEADER;

        } else if (genai_str_is(&value, "body")) {
            n = GENAI_SIM_RESET_BODY;

        } else {
            *error = "the value must be \"accept\", \"header\" or \"body\"";
            return -1;
        }

        break;

    case GENAI_SIM_OPT_TEXT:

        if (off) {
            value.len = 0;
            value.data = NULL;
        }

        *(genai_str_t *) genai_sim_opt_field(o, opt) = value;

        return 0;

    case GENAI_SIM_OPT_HEADER:

        if (off) {
            o->nheaders = 0;
            return 0;
        }

        p = memchr(value.data, ':', value.len);

        if (p == NULL || p == value.data) {
            *error = "the value must be a header line, Name:value";
            return -1;
        }

        if (o->nheaders == GENAI_SIM_HEADERS) {
            *error = "there are too many header lines";
            return -1;
        }

        o->headers[o->nheaders++] = value;

        return 0;
    }

    if (opt->type == GENAI_SIM_OPT_BYTEWISE) {
        o->write = !off;
        o->gap = n;
        return 0;
    }

    *(int64_t *) genai_sim_opt_field(o, opt) = n;

    return 0;
}


int
genai_sim_opts_parse(genai_sim_opts_t *o, const genai_str_t *line,
    genai_str_t *bad, const char **error)
{
    genai_str_t     kv;
    unsigned char  *p, *end;

    p = line->data;
    end = p + line->len;

    for ( ;; ) {

        while (p < end && (*p == ' ' || *p == '\t')) { p++; }

        if (p == end) {
            return 0;
        }

        kv.data = p;

        while (p < end && *p != ' ' && *p != '\t') { p++; }

        kv.len = p - kv.data;

        if (genai_sim_opts_set(o, &kv, error) == -1) {
            *bad = kv;
            return -1;
        }
    }
}


int
genai_sim_opts_raw(const genai_sim_opts_t *o)
{
    return o->garbage || o->close || o->smuggle || o->early || o->slow_header
           || o->length || o->write || o->gap
           || o->reset > GENAI_SIM_RESET_ACCEPT
           || o->silence == GENAI_SIM_SILENCE_ALL;
}


static int
genai_sim_opt_number(const genai_str_t *value, int64_t *n)
{
    int             minus;
    uint64_t        v;
    unsigned char  *p, *end;

    p = value->data;
    end = p + value->len;
    minus = 0;

    if (p < end && (*p == '-' || *p == '+')) {
        minus = (*p++ == '-');
    }

    if (p == end || end - p > 18) {
        return -1;
    }

    for (v = 0; p < end; p++) {
        if (*p < '0' || *p > '9') {
            return -1;
        }

        v = v * 10 + (*p - '0');
    }

    *n = minus ? -(int64_t) v : (int64_t) v;

    return 0;
}


static int
genai_sim_opt_time(const genai_str_t *value, int64_t *ms)
{
    int64_t         n, unit;
    genai_str_t     digits, suffix;

    digits = *value;
    digits.len = 0;

    while (digits.len < value->len && digits.data[digits.len] >= '0'
           && digits.data[digits.len] <= '9')
    {
        digits.len++;
    }

    suffix.data = value->data + digits.len;
    suffix.len = value->len - digits.len;

    if (suffix.len == 0 || genai_str_is(&suffix, "ms")) {
        unit = 1;

    } else if (genai_str_is(&suffix, "s")) {
        unit = 1000;

    } else if (genai_str_is(&suffix, "m")) {
        unit = 60000;

    } else {
        return -1;
    }

    if (digits.len > 9 || genai_sim_opt_number(&digits, &n) == -1) {
        return -1;
    }

    *ms = n * unit;

    return 0;
}
