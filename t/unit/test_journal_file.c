/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The journal in files: books that lost power are made anew of it, whatever
 * became of their own file; the one who writes it can be killed at any store
 * and any call that changes a file.
 */


#include "journal.h"
#include "genai_books_file_int.h"
#include "genai_journal_thread.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>


#define MAX  ((uint64_t) 64 << 20)
#define DAY  20000


static char                 dir[256], top[128];

/* the file that was synced last, and how long it was */
static ino_t                synced_ino;
static off_t                synced_size;


/* in place of libc's, for all of this program */

int
fdatasync(int fd)
{
    struct stat  st;

    if (fstat(fd, &st) == 0) {
        synced_ino = st.st_ino;
        synced_size = st.st_size;
    }

    return (int) syscall(SYS_fdatasync, fd);
}


static void
place(const char *name)
{
    snprintf(dir, sizeof(dir), "%s/%s", top, name);
}


static const char *
path(const char *name)
{
    static char  text[512];

    snprintf(text, sizeof(text), "%s/%s", dir, name);

    return text;
}


static void
open_books(genai_books_file_t *f)
{
    char  problem[GENAI_BOOKS_PROBLEM];

    if (genai_books_file_open(f, dir, MAX, (uid_t) -1, (gid_t) -1, problem)
        != 0)
    {
        fail("%s", problem);
        exit(1);
    }
}


static genai_books_t *
join_file(genai_books_file_t *f, int fresh)
{
    genai_process_id_t  self;

    genai_process_self(&self);

    return genai_books_join(f->addr, f->mapped, f->max, &self, &f->os, fresh);
}


/* n exchanges, some of them under a limit */

static void
work(genai_books_t *b, unsigned from, unsigned n)
{
    char             key[32], name[32];
    unsigned         i;
    genai_hold_t     h;
    genai_lease_t   *x;
    unsigned char    id[GENAI_BOOKS_ID_LEN];
    genai_totals_t   t;
    genai_account_t  a;

    memset(id, 'x', sizeof(id));

    for (i = from; i < from + n; i++) {
        snprintf(key, sizeof(key), "key-%u", i % 97);
        a = books_account(DAY, "team", "user", key, "model");
        x = genai_books_lease(b, &a, id, 1);
        h = journal_hold(i % 7, name, "100M tokens/never", JOURNAL_NOW, 500);

        if (x == NULL
            || genai_books_hold(b, x, &h, 1, JOURNAL_NOW) != GENAI_HOLD_OK)
        {
            fail("no lease");
            exit(1);
        }

        t = books_used(i % 50);
        genai_books_settle(b, x, &t, NULL);
    }
}


static int
finish(genai_books_file_t *f)
{
    int   err;
    char  problem[GENAI_JOURNAL_PROBLEM];

    *problem = '\0';
    err = genai_journal_finish(f, dir, (uid_t) -1, (gid_t) -1, problem);

    if (err) {
        diag("%s", problem);
    }

    return err;
}


/* books in memory of what the journal says in a copy of it, without locks */

static genai_books_t *
journal_now(genai_journal_view_t *v, genai_books_file_t *f)
{
    int                     fd;
    genai_books_t          *b;
    genai_journal_scan_t    scan;

    fd = open(dir, O_RDONLY | O_DIRECTORY);
    b = NULL;

    if (genai_journal_view(v, fd, 0) == 0) {
        b = journal_replay(v->data, v->size, f, &scan);
    }

    close(fd);

    return b;
}


/* as if the power had been lost: another boot, and pages of some moment */

static void
lose_power(genai_books_file_t *f, unsigned pages)
{
    int        fd;
    uint64_t   other[2] = { 12, 34 };
    unsigned   i;
    struct stat  st;
    unsigned char  zeroes[4096];

    genai_books_boot(f->addr, other);
    genai_books_file_close(f);

    fd = open(path("books"), O_RDWR);
    memset(zeroes, 0, sizeof(zeroes));

    if (fstat(fd, &st) == 0) {
        for (i = 0; i < pages; i++) {
            if (pwrite(fd, zeroes, sizeof(zeroes),
                       (1 + (i * 7919u) % (st.st_size / 4096 - 1)) * 4096)
                != sizeof(zeroes))
            {
                fail("pwrite");
            }
        }
    }

    close(fd);
}


static unsigned
files(const char *begin)
{
    DIR            *d;
    unsigned        n;
    struct dirent  *e;

    d = opendir(dir);
    n = 0;

    while (d && (e = readdir(d)) != NULL) {
        n += strncmp(e->d_name, begin, strlen(begin)) == 0;
    }

    closedir(d);

    return n;
}


static void
rename_damaged(void)
{
    DIR            *d;
    char            to[512];
    struct dirent  *e;

    snprintf(to, sizeof(to), "%s", path("books.damaged.x"));
    d = opendir(dir);

    while (d && (e = readdir(d)) != NULL) {
        if (strncmp(e->d_name, "books.damaged.", 14) == 0) {
            (void) rename(path(e->d_name), to);
        }
    }

    closedir(d);
}


static void
test_recover(void)
{
    int                   fd, i;
    char                  c, text[GENAI_JOURNAL_PROBLEM];
    struct stat           st;
    uint64_t              id[2], same[2], limit[2] = { 5, 6 };
    genai_str_t           value = genai_str("192.0.2.1");
    genai_books_t        *b, *was;
    genai_books_file_t    f, g;
    genai_journal_view_t  v;

    place("recover");
    open_books(&f);
    b = join_file(&f, 1);
    genai_books_counter_id(b, limit, &value, id);
    work(b, 0, 500);

    is_int(finish(&f), 0, "a first journal");
    is_int(access(path("journal.1"), F_OK), 0, "in a file");
    (void) stat(path("journal.1"), &st);
    is_int(st.st_mode & 07777, 0600, "of the owner");

    work(b, 0, 100);
    is_int(finish(&f), 0, "more is added");
    is_int(files("journal."), 1, "to the same file");

    /* what is settled from here on is not promised */

    was = journal_now(&v, &g);
    is_int(journal_rows_differ(b, was) + journal_counters_differ(b, was), 0,
           "all is in it");
    work(b, 0, 50);

    genai_books_leave(b);
    lose_power(&f, 300);

    open_books(&f);
    is_int(f.recovered, 1, "are made anew: %s", f.told);
    ok(strstr(f.told, "journal.1,") && strstr(f.told, "97 rows")
       && strstr(f.told, "7 limits"), "it is told");
    is_int(f.faults, 0, "are not called damaged");

    b = join_file(&f, 1);
    is_int(journal_rows_differ(was, b) + journal_rows_differ(b, was), 0,
           "the rows are as of the journal");
    is_int(journal_counters_differ(was, b) + journal_counters_differ(b, was),
           0, "and the counters");
    is_int(genai_books_verify(b, books_say, NULL), 0, "they are whole");
    genai_books_counter_id(b, limit, &value, same);
    ok(memcmp(id, same, sizeof(id)) == 0, "counters are named as before");
    is_int(files("journal."), 1, "one file of the journal");
    is_int(access(path("journal.2"), F_OK), 0, "is a new one");

    /* it goes on */

    work(b, 0, 10);
    is_int(finish(&f), 0, "it goes on");
    is_int(access(path("journal.2"), F_OK), 0, "in the same file");
    journal_done(was, &g);
    genai_journal_unmap(&v);
    was = journal_now(&v, &g);

    for (i = 0; i < 4; i++) {

        genai_books_leave(b);
        genai_books_file_close(&f);

        switch (i) {

        case 0:
            (void) unlink(path("books"));
            break;

        case 1:
            (void) truncate(path("books"), 1 << 20);
            break;

        case 2:
            (void) truncate(path("books"), 0);
            break;

        case 3:
            fd = open(path("books"), O_RDWR);
            c = 'x';
            (void) pwrite(fd, &c, 1, 3);
            close(fd);
            break;
        }

        open_books(&f);
        is_int(f.recovered, i % 2 ? 2 : 1, "damaged, %d: %s", i, f.told);

        b = join_file(&f, 1);
        is_int(journal_rows_differ(was, b) + journal_rows_differ(b, was)
               + journal_counters_differ(was, b), 0, "all is there");
        is_int(files("books.damaged."), (i + 1) / 2, "what was is kept");

        /* it is named by the second */

        if (i == 1) {
            rename_damaged();
        }
    }

    journal_done(was, &g);
    genai_journal_unmap(&v);
    genai_books_leave(b);
    genai_books_file_close(&f);

    /* another boot, and a journal that is damaged in its middle */

    open_books(&f);
    ok(!f.recovered, "nothing to be done");
    b = join_file(&f, 1);

    for (i = 0; i < 3; i++) {
        work(b, 0, 10);
        is_int(finish(&f), 0, "another turn");
    }

    genai_books_leave(b);
    lose_power(&f, 0);

    fd = open(dir, O_RDONLY | O_DIRECTORY);
    is_int(genai_journal_view(&v, fd, 0), 0, "the journal");
    close(fd);

    (void) truncate(path(v.name), (off_t) v.size - 3);
    fd = open(path(v.name), O_RDWR);
    (void) pwrite(fd, "damage", 6, 1000);
    close(fd);

    is_int(genai_journal_verify(dir, books_say, NULL, text), 1,
           "is found: %s", text);

    open_books(&f);
    is_int(f.recovered, 2, "damaged: %s", f.told);
    ok(strstr(f.told, "in 1 places were damaged"), "it is told");
    ok(strstr(f.told, " 45 bytes of a torn end were cut") != NULL,
       "and that the end was cut");
    is_int(files("journal."), 2, "it is kept");
    genai_journal_unmap(&v);

    /* and one whose head is */

    lose_power(&f, 0);

    fd = open(dir, O_RDONLY | O_DIRECTORY);
    (void) genai_journal_view(&v, fd, 0);
    close(fd);
    fd = open(path(v.name), O_RDWR);
    (void) pwrite(fd, "damage", 6, 20);
    close(fd);
    genai_journal_unmap(&v);

    open_books(&f);
    is_int(f.recovered, 2, "no head: %s", f.told);
    is_int(f.rebooted, 1, "they are used as they are");
    is_int(files("journal."), 2, "it is kept as well");
    is_int(finish(&f), 0, "another one begins");
    is_int(files("journal."), 3, "beside these");

    is_int(genai_journal_verify(dir, books_say, NULL, text), 0, "is fine: %s",
           text);

    is_int(genai_journal_remove(&f, dir), 1, "none is wanted any more");
    is_int(genai_journal_verify(dir, books_say, NULL, text), 0, "none");
    is_str(text, "none", "is said");
    genai_books_file_close(&f);
}


/* a disk that is full, and one that has room again */

static void
test_full(void)
{
    char                  problem[GENAI_JOURNAL_PROBLEM];
    genai_books_t        *b, *was;
    struct rlimit         rl, saved;
    genai_journal_t      *j;
    genai_books_file_t    f, g;
    genai_journal_view_t  v;

    place("full");
    open_books(&f);
    b = join_file(&f, 1);
    work(b, 0, 500);

    j = genai_journal_open(&f, dir, (uid_t) -1, (gid_t) -1, problem);
    is_int(genai_journal_turn(j, 1, problem), 0, "a turn");
    work(b, 0, 100);

    (void) getrlimit(RLIMIT_FSIZE, &saved);
    rl = saved;
    rl.rlim_cur = 10000;
    (void) setrlimit(RLIMIT_FSIZE, &rl);

    is_int(genai_journal_turn(j, 1, problem), EFBIG, "no room: %s", problem);
    work(b, 0, 100);
    is_int(genai_journal_turn(j, 1, problem), EFBIG, "again: %s", problem);
    is_int(files("journal."), 1, "the old one is still there");

    (void) setrlimit(RLIMIT_FSIZE, &saved);

    is_int(genai_journal_turn(j, 1, problem), 0, "room again");
    is_int(files("journal."), 1, "a new one");

    was = journal_now(&v, &g);
    is_int(journal_rows_differ(b, was) + journal_rows_differ(was, b)
           + journal_counters_differ(b, was), 0, "that has all");
    journal_done(was, &g);
    genai_journal_unmap(&v);
    genai_journal_close(j);
    genai_books_leave(b);
    genai_books_file_close(&f);
}


/* who writes is killed at a step, and the power is lost, or not */

static void
writer(const void *data)
{
    char              problem[GENAI_JOURNAL_PROBLEM];
    genai_journal_t  *j;

    genai_books_step = step;

    j = genai_journal_open(data, dir, (uid_t) -1, (gid_t) -1, problem);

    if (j == NULL || genai_journal_turn(j, 1, problem) != 0) {
        _exit(3);
    }

    genai_journal_close(j);
}


static void
test_killed(void)
{
    int                   killed;
    unsigned              n, late, deaths;
    genai_books_t        *b, *was;
    genai_books_file_t    f, g;
    genai_journal_view_t  v;
    genai_totals_t        promised, t;

    place("killed");
    open_books(&f);
    b = join_file(&f, 1);
    work(b, 0, 200);
    is_int(finish(&f), 0, "a first one");

    deaths = 0;
    late = 0;

    for (n = 1; n < 150; n++) {

        books_sum(b, &promised);
        work(b, n, 30);

        killed = run_to_die(writer, &f, n % 24 + 1);
        deaths += (unsigned) killed;

        /* whoever comes next makes it good: nothing is forgotten */

        if (n % 2) {
            quiet_ok(finish(&f) == 0, "killed at %u: the next one", n);
            was = journal_now(&v, &g);
            quiet_ok(journal_rows_differ(b, was)
                     + journal_counters_differ(b, was) == 0,
                     "killed at %u: all is in the journal", n);
            journal_done(was, &g);
            genai_journal_unmap(&v);
            continue;
        }

        /* or the power is lost right then */

        genai_books_leave(b);
        lose_power(&f, 50);
        open_books(&f);
        b = join_file(&f, 1);
        books_sum(b, &t);

        quiet_ok(f.recovered == 1, "killed at %u: recovered: %s", n, f.told);
        quiet_ok(t.exchanges >= promised.exchanges
                 && t.cost >= promised.cost,
                 "killed at %u: what was on the disk before is there", n);
        late += (t.exchanges > promised.exchanges);
        quiet_ok(files("journal.") == 1, "one file");
    }

    ok(deaths > 70 && late > 5, "%u killed, %u times with all", deaths,
       late);

    genai_books_leave(b);
    genai_books_file_close(&f);
}


/* what a turn says is synced was, and a turn that is to sync leaves nothing */

static void
test_synced(void)
{
    int                  i, said, fd;
    char                 problem[GENAI_JOURNAL_PROBLEM];
    size_t               at, n;
    uint32_t             head[2];
    uint64_t             turn[2];
    struct stat          st;
    genai_books_t       *b;
    genai_journal_t     *j;
    genai_books_file_t   f;

    static unsigned char  buf[1 << 20];

    place("synced");
    open_books(&f);
    b = join_file(&f, 1);
    j = genai_journal_open(&f, dir, (uid_t) -1, (gid_t) -1, problem);
    said = 0;

    for (i = 0; i < 20; i++) {
        work(b, 0, 1 + 5 * (unsigned) i);
        quiet_ok(genai_journal_turn(j, 1, problem) == 0, "turn %d", i);

        fd = open(path("journal.1"), O_RDONLY);
        quiet_ok(fd != -1 && fstat(fd, &st) == 0 && st.st_ino == synced_ino
                 && st.st_size == synced_size, "turn %d: all is synced", i);

        n = (size_t) read(fd, buf, sizeof(buf));
        close(fd);

        quiet_ok(n == (size_t) st.st_size, "it is read");

        for (at = GENAI_JOURNAL_HEAD; at + 40 <= n; at += head[0]) {
            memcpy(head, buf + at, sizeof(head));
            memcpy(turn, buf + at + 24, sizeof(turn));

            if (head[0] < 24) {
                fail("a record of %u bytes", head[0]);
                break;
            }

            if (head[1] >= GENAI_JOURNAL_PASS) {
                said += (turn[1] != 0);
                quiet_ok(turn[1] <= at && turn[1] <= (uint64_t) synced_size,
                         "turn %d: what it says was synced", i);
            }
        }
    }

    ok(said > 20, "turns say what is synced");

    genai_journal_close(j);
    genai_books_leave(b);
    genai_books_file_close(&f);
}


static void
test_thread(void)
{
    int                      i;
    char                     problem[GENAI_JOURNAL_PROBLEM], gone[256];
    uint64_t                 from, at;
    genai_books_t           *b, *was;
    struct timespec          ts;
    genai_books_file_t       f, g;
    genai_journal_view_t     v;
    genai_journal_thread_t  *t;

    place("thread");
    open_books(&f);
    b = join_file(&f, 1);

    t = genai_journal_thread_start(&f, dir, 10, 1);
    ok(t != NULL, "a thread");

    for (i = 0; i < 20; i++) {
        work(b, 0, 50);

        clock_gettime(CLOCK_REALTIME, &ts);
        from = (uint64_t) ts.tv_sec * 1000 + (uint64_t) ts.tv_nsec / 1000000;

        do {
            at = genai_books_word(b, GENAI_WORD_JOURNAL);
            ts.tv_sec = 0;
            ts.tv_nsec = 1000000;
            nanosleep(&ts, NULL);
        } while (at <= from);

        was = journal_now(&v, &g);
        quiet_ok(journal_rows_differ(b, was) + journal_counters_differ(b, was)
                 == 0, "turn %d: all is there", i);
        journal_done(was, &g);
        genai_journal_unmap(&v);
    }

    work(b, 0, 50);
    genai_journal_thread_stop(t);

    was = journal_now(&v, &g);
    is_int(journal_rows_differ(b, was), 0, "the last turn has all");
    journal_done(was, &g);
    genai_journal_unmap(&v);

    /* no directory to write to */

    snprintf(gone, sizeof(gone), "%s/gone", top);
    (void) rename(dir, gone);
    t = genai_journal_thread_start(&f, dir, 10, 1);

    do {
        ts.tv_sec = 0;
        ts.tv_nsec = 1000000;
        nanosleep(&ts, NULL);
        i = genai_journal_thread_report(t, problem);
    } while (i == 0);

    is_int(i, 1, "a problem: %s", problem);
    ok(genai_books_word(b, GENAI_WORD_JOURNAL_FAILED) != 0, "all know");
    (void) rename(gone, dir);

    do {
        ts.tv_sec = 0;
        ts.tv_nsec = 1000000;
        nanosleep(&ts, NULL);
        i = genai_journal_thread_report(t, problem);
    } while (i == 0);

    is_int(i, 2, "none any more");
    ok(genai_books_word(b, GENAI_WORD_JOURNAL_FAILED) == 0, "all know");
    genai_journal_thread_stop(t);

    genai_books_leave(b);
    genai_books_file_close(&f);
}


int
main(void)
{
    char  command[300];

    snprintf(top, sizeof(top), "/tmp/genai-journal-XXXXXX");

    if (mkdtemp(top) == NULL) {
        fail("mkdtemp");
        return 1;
    }

    test_recover();
    test_full();
    test_killed();
    test_synced();
    test_thread();

    snprintf(command, sizeof(command), "rm -rf %s", top);

    if (system(command) != 0) {
        diag("%s stays", top);
    }

    return done_testing();
}
