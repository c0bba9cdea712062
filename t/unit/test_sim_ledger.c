/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "tap.h"

#include "genai_sim_ledger.h"

#include <jansson.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>


#define ROWS  8


static genai_sim_ledger_t  *l;


static uint64_t
begin(const char *id, const char *model)
{
    genai_str_t  i, m;

    i.data = (unsigned char *) id;
    i.len = strlen(id);
    m.data = (unsigned char *) model;
    m.len = strlen(model);

    return genai_sim_ledger_begin(l, 1700000000123, GENAI_ENDPOINT_CHAT, 1, &i,
                                  &m, 42);
}


static json_t *
rows(const char *id)
{
    size_t               len;
    json_t              *json;
    genai_str_t          filter;
    unsigned char       *buf, *p, *end;
    genai_sim_answer_t   a;

    filter.data = (unsigned char *) id;
    filter.len = strlen(id);

    genai_sim_ledger_answer(l, &a, &filter);

    buf = malloc(1048576);
    p = buf;

    while ((end = genai_sim_answer_next(&a, p, p + GENAI_SIM_UNIT)) != p) {
        p = end;
    }

    len = p - buf;
    json = json_loadb((char *) buf, len, JSON_REJECT_DUPLICATES, NULL);
    free(buf);

    ok(json_is_array(json), "an array");

    return json;
}


static void
test_rows(void)
{
    json_t                  *j;
    unsigned                 i;
    uint64_t                 n;
    genai_sim_ledger_row_t  *row;

    memset(l, 0xa5, genai_sim_ledger_size(ROWS));
    genai_sim_ledger_init(l, ROWS);

    j = rows("");
    is_int(json_array_size(j), 0, "empty");
    json_decref(j);

    n = begin("id \"1\"", "m\\u00e9\\n");
    is_int(n, 1, "the first");

    row = genai_sim_ledger_row(l, n);
    row->status = 200;
    row->written = 7;
    row->reported = 9;
    row->end = GENAI_SIM_LEDGER_GONE;

    j = rows("");
    is_int(json_array_size(j), 1, "one row");
    is_str(json_string_value(json_object_get(json_array_get(j, 0),
           "request_id")), "id \"1\"", "request id");
    is_str(json_string_value(json_object_get(json_array_get(j, 0), "model")),
           "m\xc3\xa9\n", "model");
    is_str(json_string_value(json_object_get(json_array_get(j, 0), "end")),
           "gone", "end");
    is_int(json_integer_value(json_object_get(json_array_get(j, 0),
           "tokens_written")), 7, "tokens");
    json_decref(j);

    genai_sim_ledger_init(l, ROWS);
    is_int(l->count, 1, "goes on");

    for (i = 0; i < ROWS; i++) {
        (void) begin((i % 2) ? "odd" : "even", "m");
    }

    ok(genai_sim_ledger_row(l, 1) == NULL, "the first row was taken");
    ok(genai_sim_ledger_row(l, 2) != NULL, "not the second");
    ok(genai_sim_ledger_row(l, 0) == NULL, "there is no row 0");
    is_int(genai_sim_ledger_first(l), 2, "the oldest");

    j = rows("");
    is_int(json_array_size(j), ROWS, "all rows");
    json_decref(j);
    j = rows("odd");
    is_int(json_array_size(j), ROWS / 2, "some rows");
    json_decref(j);

    genai_sim_ledger_clear(l);
    ok(genai_sim_ledger_row(l, 9) == NULL, "cleared");
    j = rows("");
    is_int(json_array_size(j), 0, "empty");
    json_decref(j);

    (void) begin("x", "m");
    j = rows("");
    is_int(json_array_size(j), 1, "begins anew");
    json_decref(j);

    genai_sim_ledger_init(l, ROWS - 1);
    is_int(l->count, 0, "another size, another ledger");
    genai_sim_ledger_init(l, ROWS);
}


/* names that are too long must not spoil the JSON, wherever they are cut */

static void
test_cut(void)
{
    char                     name[256];
    json_t                  *j;
    unsigned                 i, k;

    static const char  *parts[] = {
        "\\u00e9", "\\\\", "\\ud83d\\ude42", "\xc3\xa9", "\xf0\x9f\x99\x82"
    };

    for (i = 0; i < 5; i++) {
        for (k = 0; k < 24; k++) {
            memset(name, 'a', sizeof(name));
            name[k] = '\0';

            while (strlen(name) < 200) {
                strcat(name, parts[i]);
            }

            genai_sim_ledger_clear(l);
            (void) begin("x", name);
            j = rows("");
            quiet_ok(json_array_size(j) == 1, "part %u after %u", i, k);
            json_decref(j);
        }
    }
}


static void
test_processes(void)
{
    pid_t     pid[4];
    unsigned  i, k;
    uint64_t  n, last;

    genai_sim_ledger_clear(l);
    last = l->count;

    for (i = 0; i < 4; i++) {
        pid[i] = fork();

        if (pid[i] == 0) {
            for (k = 0; k < 10000; k++) {
                n = begin("x", "m");
                (void) genai_sim_ledger_row(l, n);
            }

            _exit(0);
        }
    }

    for (i = 0; i < 4; i++) {
        waitpid(pid[i], NULL, 0);
    }

    is_int(l->count - last, 40000, "every exchange has a number of its own");
}


int
main(void)
{
    l = mmap(NULL, genai_sim_ledger_size(ROWS), PROT_READ|PROT_WRITE,
             MAP_SHARED|MAP_ANONYMOUS, -1, 0);

    if (l == MAP_FAILED) {
        return 1;
    }

    test_rows();
    test_cut();
    test_processes();

    return done_testing();
}
