
/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "genai_books_print.h"
#include "genai_timezone.h"
#include "genai_writer.h"

#include <inttypes.h>
#include <stdio.h>


#define GENAI_DOLLAR  1000000000


static unsigned char *genai_books_print_id(unsigned char *p, const char *name,
    const genai_str_t *id);
static unsigned char *genai_books_print_field(unsigned char *p,
    const genai_str_t *id);
static int genai_books_print_formula(const genai_str_t *id);


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
