/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Shows, checks and exports the books of a gateway, also while it works in
 * them: they are mapped to be read only; see docs/TOOLS.md.
 */


#include "genai_books_file.h"
#include "genai_books_print.h"
#include "genai_journal_file.h"
#include "genai_timezone.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

/* exit codes */
#define GENAI_BOOKS_FINE    0
#define GENAI_BOOKS_WRONG   1
#define GENAI_BOOKS_FAILED  2

#define GENAI_BOOKS_DATE    16

/* ms: of --every */
#define GENAI_BOOKS_EVERY_MAX  3600000


typedef enum {
    GENAI_BOOKS_SHOW = 0,
    GENAI_BOOKS_LIMITS,
    GENAI_BOOKS_VERIFY,
    GENAI_BOOKS_EXPORT
} genai_books_command_e;


typedef struct {
    genai_books_command_e    command;
    const char              *dir;
    int32_t                  from;
    int32_t                  to;
    unsigned                 every;         /* ms, 0 is once */
    genai_owner_e            owner;         /* GENAI_OWNERS is all */
    unsigned                 leases:1;
    unsigned                 json:1;
    unsigned                 csv:1;
} genai_books_options_t;


typedef struct {
    genai_account_t          account;
    genai_totals_t           totals;
} genai_books_line_t;


static int genai_books_options(genai_books_options_t *o, int argc,
    char **argv);
static int genai_books_options_limits(genai_books_options_t *o, char **argv,
    int left);
static int genai_books_day(const char *s, int32_t *day);
static int genai_books_usage(FILE *f);
static int genai_books_show(const genai_books_t *b,
    const genai_books_options_t *o);
static void genai_books_show_leases(const genai_books_t *b);
static int genai_books_limits(genai_books_t **b, genai_books_file_t *f,
    const genai_books_options_t *o);
static int genai_books_limits_read(const genai_books_t *b,
    const genai_books_options_t *o, genai_limit_state_t **counters, size_t *n,
    size_t *room);
static void genai_books_limits_show(const genai_limit_state_t *c);
static int genai_books_limits_wait(genai_books_t **b, genai_books_file_t *f,
    const genai_books_options_t *o);
static int genai_books_limits_compare(const void *one, const void *two);
static int genai_books_export(const genai_books_t *b,
    const genai_books_options_t *o);
static int genai_books_read(const genai_books_t *b,
    const genai_books_options_t *o, genai_books_line_t **lines, size_t *n);
static int genai_books_compare(const void *one, const void *two);
static void genai_books_say(void *data, const char *text);
static void genai_books_date(int32_t day, char text[GENAI_BOOKS_DATE]);
static void genai_books_show_text(const genai_str_t *s, int width);


int
main(int argc, char **argv)
{
    int                    rc;
    char                   problem[GENAI_BOOKS_PROBLEM];
    char                   text[GENAI_JOURNAL_PROBLEM];
    unsigned               n;
    genai_books_t         *b;
    genai_books_file_t     f;
    genai_books_options_t  o;

    rc = genai_books_options(&o, argc, argv);
    if (rc != -1) {
        return rc;
    }

    rc = genai_books_file_view(&f, o.dir, problem);
    if (rc != 0) {
        fprintf(stderr, "genai-books: %s\n", problem);
        return (rc == EBADMSG && o.command == GENAI_BOOKS_VERIFY)
               ? GENAI_BOOKS_WRONG : GENAI_BOOKS_FAILED;
    }

    b = genai_books_view(f.addr, f.mapped);
    if (b == NULL) {
        fprintf(stderr, "genai-books: out of memory\n");
        genai_books_file_close(&f);
        return GENAI_BOOKS_FAILED;
    }

    switch (o.command) {

    case GENAI_BOOKS_SHOW:
        rc = genai_books_show(b, &o);

        if (rc == GENAI_BOOKS_FINE && !o.leases) {
            (void) genai_journal_verify(o.dir, NULL, NULL, text);
            printf("journal:    %s\n", text);
        }

        break;

    case GENAI_BOOKS_LIMITS:
        rc = genai_books_limits(&b, &f, &o);
        break;

    case GENAI_BOOKS_VERIFY:
        n = genai_books_verify(b, genai_books_say, NULL)
            + genai_journal_verify(o.dir, genai_books_say, NULL, text);

        if (n) {
            fprintf(stderr, "genai-books: %u faults\n", n);
        }

        rc = n ? GENAI_BOOKS_WRONG : GENAI_BOOKS_FINE;
        break;

    case GENAI_BOOKS_EXPORT:
        rc = genai_books_export(b, &o);
        break;
    }

    if (b) {
        genai_books_leave(b);
        genai_books_file_close(&f);
    }

    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "genai-books: cannot write: %s\n", strerror(errno));
        return GENAI_BOOKS_FAILED;
    }

    return rc;
}


/* returns -1, or the exit code */

static int
genai_books_options(genai_books_options_t *o, int argc, char **argv)
{
    int  i, n;

    memset(o, 0, sizeof(genai_books_options_t));

    o->from = INT32_MIN;
    o->to = INT32_MAX;
    o->owner = GENAI_OWNERS;

    if (argc > 1
        && (strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "--help") == 0))
    {
        (void) genai_books_usage(stdout);
        return GENAI_BOOKS_FINE;
    }

    if (argc < 3) {
        return genai_books_usage(stderr);
    }

    if (strcmp(argv[1], "show") == 0) {
        o->command = GENAI_BOOKS_SHOW;

    } else if (strcmp(argv[1], "limits") == 0) {
        o->command = GENAI_BOOKS_LIMITS;

    } else if (strcmp(argv[1], "verify") == 0) {
        o->command = GENAI_BOOKS_VERIFY;

    } else if (strcmp(argv[1], "export") == 0) {
        o->command = GENAI_BOOKS_EXPORT;

    } else {
        return genai_books_usage(stderr);
    }

    for (i = 2; i < argc; i++) {

        if (o->command == GENAI_BOOKS_SHOW
            && strcmp(argv[i], "--leases") == 0)
        {
            o->leases = 1;
            continue;
        }

        if (o->command == GENAI_BOOKS_EXPORT
            || o->command == GENAI_BOOKS_LIMITS)
        {
            if (strcmp(argv[i], "--json") == 0) {
                o->json = 1;
                continue;
            }

            if (strcmp(argv[i], "--csv") == 0) {
                o->csv = 1;
                continue;
            }
        }

        if (o->command == GENAI_BOOKS_LIMITS) {
            n = genai_books_options_limits(o, &argv[i], argc - i);

            if (n < 0) {
                return GENAI_BOOKS_FAILED;
            }

            if (n) {
                i += n - 1;
                continue;
            }
        }

        if (o->command == GENAI_BOOKS_EXPORT) {

            if ((strcmp(argv[i], "--from") == 0
                 || strcmp(argv[i], "--to") == 0)
                && i + 1 < argc)
            {
                if (genai_books_day(argv[i + 1],
                                    argv[i][2] == 'f' ? &o->from : &o->to)
                    != 0)
                {
                    fprintf(stderr, "genai-books: \"%s\" is not a day, such as"
                            " 2026-11-22\n", argv[i + 1]);
                    return GENAI_BOOKS_FAILED;
                }

                i++;
                continue;
            }
        }

        if (argv[i][0] == '-' || o->dir) {
            return genai_books_usage(stderr);
        }

        o->dir = argv[i];
    }

    if (o->dir == NULL
        || (o->command == GENAI_BOOKS_EXPORT && o->json == o->csv)
        || (o->json && o->csv))
    {
        return genai_books_usage(stderr);
    }

    return -1;
}


/* returns how many arguments it was, 0 where it is none of these, or -1 */

static int
genai_books_options_limits(genai_books_options_t *o, char **argv, int left)
{
    char           *end;
    unsigned long   ms;

    if (strcmp(argv[0], "--owner") == 0 && left > 1) {

        for (o->owner = 0; o->owner < GENAI_OWNERS; o->owner++) {
            if (strcmp(argv[1], genai_books_print_owner(o->owner)) == 0) {
                return 2;
            }
        }

        fprintf(stderr, "genai-books: \"%s\" has no limits: it is key, user,"
                " team, plan, model or directive\n", argv[1]);
        return -1;
    }

    if (strcmp(argv[0], "--every") == 0 && left > 1) {

        ms = strtoul(argv[1], &end, 10);

        if (argv[1][0] < '1' || argv[1][0] > '9' || *end
            || ms > GENAI_BOOKS_EVERY_MAX)
        {
            fprintf(stderr, "genai-books: \"%s\" is not a number of"
                    " milliseconds, 1 to %u\n", argv[1],
                    (unsigned) GENAI_BOOKS_EVERY_MAX);
            return -1;
        }

        o->every = (unsigned) ms;
        return 2;
    }

    return 0;
}


static int
genai_books_day(const char *s, int32_t *day)
{
    int       y, m, d, i;
    int       yy, mm, dd;

    if (strlen(s) != 10 || s[4] != '-' || s[7] != '-') {
        return -1;
    }

    for (i = 0; i < 10; i++) {
        if (i != 4 && i != 7 && (s[i] < '0' || s[i] > '9')) {
            return -1;
        }
    }

    y = atoi(s);
    m = atoi(s + 5);
    d = atoi(s + 8);

    if (m < 1 || m > 12 || d < 1 || d > 31) {
        return -1;
    }

    *day = genai_timezone_days(y, m, d);

    genai_timezone_date(*day, &yy, &mm, &dd);

    return (y == yy && m == mm && d == dd) ? 0 : -1;
}


static int
genai_books_usage(FILE *f)
{
    fprintf(f, "usage: genai-books show [--leases] DIR\n"
               "       genai-books limits [--json|--csv] [--owner KIND]"
               " [--every MS] DIR\n"
               "       genai-books verify DIR\n"
               "       genai-books export --json|--csv [--from DAY]"
               " [--to DAY] DIR\n");

    return GENAI_BOOKS_FAILED;
}


static int
genai_books_show(const genai_books_t *b, const genai_books_options_t *o)
{
    char                  date[GENAI_BOOKS_DATE];
    size_t                i, n;
    genai_books_line_t   *lines;
    genai_books_stats_t   s;
    const genai_totals_t *t;

    if (o->leases) {
        genai_books_show_leases(b);
        return GENAI_BOOKS_FINE;
    }

    if (genai_books_read(b, o, &lines, &n) != 0) {
        return GENAI_BOOKS_FAILED;
    }

    printf("%-10s %-16s %-16s %-20s %-20s %10s %8s %8s %12s %12s %14s\n",
           "day", "team", "user", "key", "model", "exchanges", "failed",
           "orphans", "prompt", "completion", "cost");

    for (i = 0; i < n; i++) {
        t = &lines[i].totals;

        genai_books_date(lines[i].account.day, date);
        printf("%-10s ", date[0] ? date : "-");
        genai_books_show_text(&lines[i].account.team, 16);
        genai_books_show_text(&lines[i].account.user, 16);
        genai_books_show_text(&lines[i].account.key, 20);
        genai_books_show_text(&lines[i].account.model, 20);

        printf("%10" PRIu64 " %8" PRIu64 " %8" PRIu64 " %12" PRIu64
               " %12" PRIu64 " %4" PRIu64 ".%09" PRIu64 "\n",
               t->exchanges, t->failed, t->orphans, t->prompt, t->completion,
               t->cost / 1000000000, t->cost % 1000000000);
    }

    free(lines);

    genai_books_stats(b, &s);

    printf("\nin flight:  %" PRIu64 " exchanges, in %" PRIu64 " processes\n",
           s.leases, s.processes);
    printf("rows:       %" PRIu64 "; ids: %" PRIu64 "; counters: %" PRIu64
           "\n", s.rows, s.texts, s.counters);
    printf("stored:     %" PRIu64 " of what providers keep; lost: %" PRIu64
           "\n", s.stored, s.stored_lost);
    printf("bytes:      %" PRIu64 " in use of %" PRIu64 "\n", s.used, s.size);
    printf("orphans:    %" PRIu64 "; to \"other\": %" PRIu64
           "; taken over: %" PRIu64 "; damage met: %" PRIu64 "\n",
           s.orphans, s.other, s.takeovers, s.faults);

    return GENAI_BOOKS_FINE;
}


static void
genai_books_show_leases(const genai_books_t *b)
{
    int                  rc;
    char                 text[32];
    time_t               sec;
    int64_t              started;
    uint64_t             cursor;
    unsigned             i;
    unsigned char        id[GENAI_BOOKS_ID_LEN];
    struct tm            tm;
    genai_totals_t       t;
    genai_account_t      a;
    genai_process_id_t   owner;

    printf("%-32s %-20s %7s %-16s %-20s %-20s %10s %10s\n", "request",
           "since (UTC)", "pid", "team", "key", "model", "prompt",
           "completion");

    cursor = 0;

    while ((rc = genai_books_lease_row(b, &cursor, &a, &t, id, &started,
                                       &owner))
           != 0)
    {
        if (rc == -1) {
            continue;
        }

        sec = (time_t) (started / 1000);

        if (gmtime_r(&sec, &tm) == NULL
            || strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm) == 0)
        {
            strcpy(text, "-");
        }

        for (i = 0; i < GENAI_BOOKS_ID_LEN; i++) {
            putchar(id[i] > 0x20 && id[i] < 0x7f ? id[i] : '?');
        }

        printf(" %-20s %7u ", text, (unsigned) owner.pid);
        genai_books_show_text(&a.team, 16);
        genai_books_show_text(&a.key, 20);
        genai_books_show_text(&a.model, 20);
        printf("%10" PRIu64 " %10" PRIu64 "\n", t.prompt, t.completion);
    }
}


/* *b is NULL when the file, which grows, could not be mapped again */

static int
genai_books_limits(genai_books_t **b, genai_books_file_t *f,
    const genai_books_options_t *o)
{
    int                   rc;
    size_t                i, n, room;
    unsigned char         text[GENAI_BOOKS_LIMIT_LINE], *end;
    genai_limit_state_t  *counters;

    counters = NULL;
    room = 0;

    if (o->csv) {
        printf("%s\r\n", GENAI_BOOKS_LIMIT_CSV_HEAD);
    }

    for ( ;; ) {

        if (genai_books_limits_read(*b, o, &counters, &n, &room) != 0) {
            rc = GENAI_BOOKS_FAILED;
            break;
        }

        if (!o->json && !o->csv) {
            printf("%-9s %-20s %-20s %-28s %-20s %-20s %16s %16s %9s %16s"
                   " %16s %8s\n", "owner", "name", "key", "limit", "from (UTC)",
                   "to", "settled", "leased", "exchanges", "debt", "overrun",
                   "refused");
        }

        for (i = 0; i < n; i++) {

            if (!o->json && !o->csv) {
                genai_books_limits_show(&counters[i]);
                continue;
            }

            end = o->csv ? genai_books_print_limit_csv(text, &counters[i])
                         : genai_books_print_limit_json(text, &counters[i]);

            printf("%.*s%s", (int) (end - text), (char *) text,
                   o->csv ? "\r\n" : "\n");
        }

        if (o->every == 0) {
            rc = GENAI_BOOKS_FINE;
            break;
        }

        printf(o->csv ? "\r\n" : "\n");

        rc = genai_books_limits_wait(b, f, o);

        if (rc != GENAI_BOOKS_FINE) {
            break;
        }
    }

    free(counters);

    return rc;
}


/* those that are asked for, sorted; *counters is the caller's to free */

static int
genai_books_limits_read(const genai_books_t *b,
    const genai_books_options_t *o, genai_limit_state_t **counters, size_t *n,
    size_t *room)
{
    int                   rc;
    uint64_t              cursor;
    genai_limit_state_t  *p, c;

    *n = 0;
    cursor = 0;

    while ((rc = genai_books_counter(b, &cursor, &c)) != 0) {

        if (rc == -1 || (o->owner != GENAI_OWNERS && c.owner != o->owner)) {
            continue;
        }

        if (*n == *room) {
            *room = *room ? 2 * *room : 1024;
            p = realloc(*counters, *room * sizeof(genai_limit_state_t));

            if (p == NULL) {
                fprintf(stderr, "genai-books: out of memory\n");
                return -1;
            }

            *counters = p;
        }

        (*counters)[(*n)++] = c;
    }

    if (*n) {
        qsort(*counters, *n, sizeof(genai_limit_state_t),
              genai_books_limits_compare);
    }

    return 0;
}


static void
genai_books_limits_show(const genai_limit_state_t *c)
{
    unsigned              i;
    uint64_t              values[4];
    genai_str_t           limit;
    unsigned char         text[GENAI_LIMIT_TEXT + GENAI_BOOKS_TEXT_MAX], *end;
    genai_limit_unit_e    unit;

    printf("%-9s ", genai_books_print_owner(c->owner));
    genai_books_show_text(&c->name, 20);
    genai_books_show_text(&c->key, 20);

    limit.data = text;
    limit.len = (size_t) (genai_limit_write(text, &c->limit) - text);
    genai_books_show_text(&limit, 28);

    for (i = 0; i < 2; i++) {
        end = genai_books_print_time(text, i ? c->end : c->start);
        printf("%-20.*s ", end == text ? 1 : (int) (end - text),
               end == text ? "-" : (char *) text);
    }

    unit = c->limit.unit;

    values[0] = c->settled;
    values[1] = c->leased;
    values[2] = c->debt;
    values[3] = c->overrun;

    for (i = 0; i < 4; i++) {
        end = genai_books_print_value(text, unit, values[i]);
        printf("%16.*s ", (int) (end - text), (char *) text);

        if (i == 1) {
            printf("%9" PRIu64 " ", c->exchanges);
        }
    }

    printf("%8" PRIu64 "%s\n", c->refused, c->ended ? " ended" : "");
}


/* returns GENAI_BOOKS_FINE when it is time to look again, else the exit code */

static int
genai_books_limits_wait(genai_books_t **b, genai_books_file_t *f,
    const genai_books_options_t *o)
{
    char             problem[GENAI_BOOKS_PROBLEM];
    struct stat      st;
    struct timespec  ts;

    if (fflush(stdout) != 0) {
        fprintf(stderr, "genai-books: cannot write: %s\n", strerror(errno));
        return GENAI_BOOKS_FAILED;
    }

    ts.tv_sec = o->every / 1000;
    ts.tv_nsec = (long) (o->every % 1000) * 1000000;

    while (nanosleep(&ts, &ts) == -1 && errno == EINTR) { /* void */ }

    if (fstat(f->fd, &st) == -1 || (uint64_t) st.st_size == f->mapped) {
        return GENAI_BOOKS_FINE;
    }

    genai_books_leave(*b);
    genai_books_file_close(f);
    *b = NULL;

    if (genai_books_file_view(f, o->dir, problem) != 0) {
        fprintf(stderr, "genai-books: %s\n", problem);
        return GENAI_BOOKS_FAILED;
    }

    *b = genai_books_view(f->addr, f->mapped);

    if (*b == NULL) {
        fprintf(stderr, "genai-books: out of memory\n");
        genai_books_file_close(f);
        return GENAI_BOOKS_FAILED;
    }

    return GENAI_BOOKS_FINE;
}


static int
genai_books_export(const genai_books_t *b, const genai_books_options_t *o)
{
    size_t                i, n;
    unsigned char         text[GENAI_BOOKS_LINE], *end;
    genai_books_line_t   *lines;

    if (genai_books_read(b, o, &lines, &n) != 0) {
        return GENAI_BOOKS_FAILED;
    }

    if (o->csv) {
        printf("%s\r\n", GENAI_BOOKS_CSV_HEAD);
    }

    for (i = 0; i < n; i++) {

        end = o->csv ? genai_books_print_csv(text, &lines[i].account,
                                             &lines[i].totals)
                     : genai_books_print_json(text, &lines[i].account,
                                              &lines[i].totals);

        printf("%.*s%s", (int) (end - text), (char *) text,
               o->csv ? "\r\n" : "\n");
    }

    free(lines);

    return GENAI_BOOKS_FINE;
}


/* the rows of those days, sorted; *lines is the caller's to free */

static int
genai_books_read(const genai_books_t *b, const genai_books_options_t *o,
    genai_books_line_t **lines, size_t *n)
{
    int                  rc;
    size_t               room;
    uint64_t             cursor;
    genai_books_line_t  *p, line;

    *lines = NULL;
    *n = 0;
    room = 0;
    cursor = 0;

    while ((rc = genai_books_row(b, &cursor, &line.account, &line.totals))
           != 0)
    {
        /* the row of no day is among those of all days only */

        if (rc == -1
            || line.account.day > o->to
            || line.account.day < o->from)
        {
            continue;
        }

        if (*n == room) {
            room = room ? 2 * room : 1024;
            p = realloc(*lines, room * sizeof(genai_books_line_t));

            if (p == NULL) {
                fprintf(stderr, "genai-books: out of memory\n");
                free(*lines);
                return -1;
            }

            *lines = p;
        }

        (*lines)[(*n)++] = line;
    }

    if (*n) {
        qsort(*lines, *n, sizeof(genai_books_line_t), genai_books_compare);
    }

    return 0;
}


static int
genai_books_compare_text(const genai_str_t *a, const genai_str_t *b)
{
    int     rc;
    size_t  n;

    n = a->len < b->len ? a->len : b->len;
    rc = memcmp(a->data, b->data, n);

    return rc ? rc : (a->len > b->len) - (a->len < b->len);
}


static int
genai_books_compare(const void *one, const void *two)
{
    int                     rc;
    const genai_account_t  *a, *b;

    a = &((const genai_books_line_t *) one)->account;
    b = &((const genai_books_line_t *) two)->account;

    rc = (a->day > b->day) - (a->day < b->day);

    if (rc == 0) {
        rc = genai_books_compare_text(&a->team, &b->team);
    }

    if (rc == 0) {
        rc = genai_books_compare_text(&a->user, &b->user);
    }

    if (rc == 0) {
        rc = genai_books_compare_text(&a->key, &b->key);
    }

    return rc ? rc : genai_books_compare_text(&a->model, &b->model);
}


static int
genai_books_limits_compare(const void *one, const void *two)
{
    int                         rc;
    const genai_limit_state_t  *a = one;
    const genai_limit_state_t  *b = two;

    rc = (a->owner > b->owner) - (a->owner < b->owner);

    if (rc == 0) {
        rc = genai_books_compare_text(&a->name, &b->name);
    }

    if (rc == 0) {
        rc = genai_books_compare_text(&a->key, &b->key);
    }

    if (rc == 0) {
        rc = (a->limit.unit > b->limit.unit) - (a->limit.unit < b->limit.unit);
    }

    if (rc == 0) {
        rc = genai_books_compare_text(&a->limit.pattern, &b->limit.pattern);
    }

    if (rc == 0) {
        rc = (a->limit.window_unit > b->limit.window_unit)
             - (a->limit.window_unit < b->limit.window_unit);
    }

    if (rc == 0) {
        rc = (a->limit.window > b->limit.window)
             - (a->limit.window < b->limit.window);
    }

    return rc ? rc : (a->start > b->start) - (a->start < b->start);
}


static void
genai_books_say(void *data, const char *text)
{
    fprintf(stderr, "genai-books: %s\n", text);
}


/* empty of the row that has none */

static void
genai_books_date(int32_t day, char text[GENAI_BOOKS_DATE])
{
    int  y, m, d;

    text[0] = '\0';

    if (day == GENAI_BOOKS_NO_DAY) {
        return;
    }

    genai_timezone_date(day, &y, &m, &d);

    /* a damaged row may be of any day */

    if (y >= 0 && y <= 9999) {
        snprintf(text, GENAI_BOOKS_DATE, "%04u-%02u-%02u", (unsigned) y % 10000,
                 (unsigned) m % 100, (unsigned) d % 100);
    }
}


/* of a terminal's control characters nothing is left */

static void
genai_books_show_text(const genai_str_t *s, int width)
{
    size_t  i;

    if (s->len == 0) {
        putchar('-');
        width--;
    }

    for (i = 0; i < s->len; i++) {
        putchar(s->data[i] < 0x20 || s->data[i] == 0x7f ? '?' : s->data[i]);
        width -= (s->data[i] & 0xc0) != 0x80;
    }

    do {
        putchar(' ');
    } while (width-- > 0);
}
