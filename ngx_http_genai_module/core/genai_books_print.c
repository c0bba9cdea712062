
/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "genai_books_print.h"
#include "genai_timezone.h"
#include "genai_writer.h"

#include <inttypes.h>
#include <stdio.h>


#define GENAI_DOLLAR  1000000000

/* seconds: of 0000-01-01 and of 10000-01-01 */
#define GENAI_YEAR_0      (-(int64_t) 62167219200)
#define GENAI_YEAR_10000  ((int64_t) 253402300800)

/* numbers of a counter, in the order of the columns */
#define GENAI_PRINT_VALUES  8


static unsigned char *genai_books_print_id(unsigned char *p, const char *name,
    const genai_str_t *id);
static unsigned char *genai_books_print_field(unsigned char *p,
    const genai_str_t *id);
static int genai_books_print_formula(const genai_str_t *id);
static void genai_books_print_values(const genai_limit_state_t *c,
    uint64_t values[GENAI_PRINT_VALUES]);


static const char  *const genai_books_owners[GENAI_OWNERS] = {
    "key", "user", "team", "plan", "model", "directive"
};


static const struct {
    const char              *name;
    unsigned                 counted:1;     /* in the limit's unit */
} genai_books_values[GENAI_PRINT_VALUES] = {
    { "amount", 1 },
    { "settled", 1 },
    { "leased", 1 },
    { "exchanges", 0 },
    { "debt", 1 },
    { "overrun", 1 },
    { "overruns", 1 },
    { "refused", 0 }
};


unsigned char *
genai_books_print_json(unsigned char *p, const genai_account_t *account,
    const genai_totals_t *totals)
{
    if (account->day == GENAI_BOOKS_NO_DAY) {
        p += sprintf((char *) p, "{\"day\":null");

    } else {
        p += sprintf((char *) p, "{\"day\":\"");
        p = genai_books_print_day(p, account->day);
        *p++ = '"';
    }

    p = genai_books_print_id(p, "team", &account->team);
    p = genai_books_print_id(p, "user", &account->user);
    p = genai_books_print_id(p, "key", &account->key);
    p = genai_books_print_id(p, "model", &account->model);

    *p++ = ',';

    p = genai_books_print_totals(p, totals);

    *p++ = '}';

    return p;
}


unsigned char *
genai_books_print_totals(unsigned char *p, const genai_totals_t *t)
{
    return p + sprintf((char *) p,
                       "\"exchanges\":%" PRIu64 ",\"failed\":%" PRIu64
                       ",\"orphans\":%" PRIu64 ",\"estimated\":%" PRIu64
                       ",\"attempts\":%" PRIu64 ",\"prompt_tokens\":%" PRIu64
                       ",\"cached_tokens\":%" PRIu64
                       ",\"completion_tokens\":%" PRIu64
                       ",\"reasoning_tokens\":%" PRIu64
                       ",\"cost\":%" PRIu64 ".%09" PRIu64,
                       t->exchanges, t->failed, t->orphans, t->estimated,
                       t->attempts, t->prompt, t->cached, t->completion,
                       t->reasoning, t->cost / GENAI_DOLLAR,
                       t->cost % GENAI_DOLLAR);
}


static unsigned char *
genai_books_print_id(unsigned char *p, const char *name,
    const genai_str_t *id)
{
    p += sprintf((char *) p, ",\"%s\":\"", name);
    p = genai_write_escaped(p, id->data, id->len);
    *p++ = '"';

    return p;
}


unsigned char *
genai_books_print_csv(unsigned char *p, const genai_account_t *account,
    const genai_totals_t *t)
{
    p = genai_books_print_day(p, account->day);
    p = genai_books_print_field(p, &account->team);
    p = genai_books_print_field(p, &account->user);
    p = genai_books_print_field(p, &account->key);
    p = genai_books_print_field(p, &account->model);

    return p + sprintf((char *) p, ",%" PRIu64 ",%" PRIu64 ",%" PRIu64
                       ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64
                       ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ".%09" PRIu64,
                       t->exchanges, t->failed, t->orphans, t->estimated,
                       t->attempts, t->prompt, t->cached, t->completion,
                       t->reasoning, t->cost / GENAI_DOLLAR,
                       t->cost % GENAI_DOLLAR);
}


static unsigned char *
genai_books_print_field(unsigned char *p, const genai_str_t *id)
{
    size_t  i;
    int     quoted, formula;

    *p++ = ',';

    formula = genai_books_print_formula(id);
    quoted = 0;

    for (i = 0; i < id->len; i++) {
        if (id->data[i] == '"' || id->data[i] == ',' || id->data[i] < ' ') {
            quoted = 1;
            break;
        }
    }

    if (quoted) {
        *p++ = '"';
    }

    if (formula) {
        *p++ = '\'';
    }

    for (i = 0; i < id->len; i++) {

        if (id->data[i] == '"') {
            *p++ = '"';
        }

        /* no id has one, unless the books are damaged */

        *p++ = (id->data[i] < ' ' || id->data[i] == 0x7f) ? '?' : id->data[i];
    }

    if (quoted) {
        *p++ = '"';
    }

    return p;
}


static int
genai_books_print_formula(const genai_str_t *id)
{
    return id->len && memchr("=+-@", id->data[0], 4) != NULL;
}


unsigned char *
genai_books_print_day(unsigned char *p, int32_t day)
{
    int  year, month, mday;

    if (day == GENAI_BOOKS_NO_DAY) {
        return p;
    }

    genai_timezone_date(day, &year, &month, &mday);

    return p + snprintf((char *) p, 16, "%04d-%02d-%02d", year, month, mday);
}


unsigned char *
genai_books_print_limit_json(unsigned char *p, const genai_limit_state_t *c)
{
    uint64_t        values[GENAI_PRINT_VALUES];
    unsigned        i;
    genai_str_t     limit;
    unsigned char   text[GENAI_LIMIT_TEXT + GENAI_BOOKS_TEXT_MAX], *end;

    p += sprintf((char *) p, "{\"owner\":\"%s\"",
                 genai_books_print_owner(c->owner));

    p = genai_books_print_id(p, "name", &c->name);
    p = genai_books_print_id(p, "key", &c->key);

    limit.data = text;
    limit.len = (size_t) (genai_limit_write(text, &c->limit) - text);
    p = genai_books_print_id(p, "limit", &limit);

    for (i = 0; i < 2; i++) {
        p += sprintf((char *) p, ",\"%s\":", i ? "end" : "start");
        end = genai_books_print_time(text, i ? c->end : c->start);

        p += (end == text) ? sprintf((char *) p, "null")
                           : sprintf((char *) p, "\"%.*s\"",
                                     (int) (end - text), (char *) text);
    }

    genai_books_print_values(c, values);

    for (i = 0; i < GENAI_PRINT_VALUES; i++) {
        p += sprintf((char *) p, ",\"%s\":", genai_books_values[i].name);
        p = genai_books_print_value(p, genai_books_values[i].counted
                                       ? c->limit.unit : GENAI_LIMIT_REQUESTS,
                                    values[i]);
    }

    return p + sprintf((char *) p, ",\"ended\":%s}",
                       c->ended ? "true" : "false");
}


unsigned char *
genai_books_print_limit_csv(unsigned char *p, const genai_limit_state_t *c)
{
    uint64_t        values[GENAI_PRINT_VALUES];
    unsigned        i;
    genai_str_t     limit;
    unsigned char   text[GENAI_LIMIT_TEXT + GENAI_BOOKS_TEXT_MAX];

    p += sprintf((char *) p, "%s", genai_books_print_owner(c->owner));

    p = genai_books_print_field(p, &c->name);
    p = genai_books_print_field(p, &c->key);

    limit.data = text;
    limit.len = (size_t) (genai_limit_write(text, &c->limit) - text);
    p = genai_books_print_field(p, &limit);

    *p++ = ',';
    p = genai_books_print_time(p, c->start);
    *p++ = ',';
    p = genai_books_print_time(p, c->end);

    genai_books_print_values(c, values);

    for (i = 0; i < GENAI_PRINT_VALUES; i++) {
        *p++ = ',';
        p = genai_books_print_value(p, genai_books_values[i].counted
                                       ? c->limit.unit : GENAI_LIMIT_REQUESTS,
                                    values[i]);
    }

    *p++ = ',';
    *p++ = c->ended ? '1' : '0';

    return p;
}


static void
genai_books_print_values(const genai_limit_state_t *c,
    uint64_t values[GENAI_PRINT_VALUES])
{
    values[0] = c->limit.amount;
    values[1] = c->settled;
    values[2] = c->leased;
    values[3] = c->exchanges;
    values[4] = c->debt;
    values[5] = c->overrun;
    values[6] = c->overruns;
    values[7] = c->refused;
}


const char *
genai_books_print_owner(genai_owner_e owner)
{
    return ((unsigned) owner < GENAI_OWNERS) ? genai_books_owners[owner] : "-";
}


unsigned char *
genai_books_print_value(unsigned char *p, genai_limit_unit_e unit,
    uint64_t value)
{
    if (unit == GENAI_LIMIT_COST) {
        return p + sprintf((char *) p, "%" PRIu64 ".%09" PRIu64,
                           value / GENAI_DOLLAR, value % GENAI_DOLLAR);
    }

    return p + sprintf((char *) p, "%" PRIu64, value);
}


unsigned char *
genai_books_print_time(unsigned char *p, int64_t time)
{
    int       year, month, mday;
    unsigned  second;

    if (time < GENAI_YEAR_0 || time >= GENAI_YEAR_10000) {
        return p;
    }

    /* from the year 0 on, so that days are rounded down */

    second = (unsigned) ((time - GENAI_YEAR_0) % 86400);

    genai_timezone_date((int32_t) ((time - second) / 86400), &year, &month,
                        &mday);

    return p + snprintf((char *) p, 32, "%04u-%02u-%02uT%02u:%02u:%02uZ",
                        (unsigned) year % 10000, (unsigned) month % 100,
                        (unsigned) mday % 100, second / 3600,
                        second / 60 % 60, second % 60);
}
