/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Where the books live: who may have them, and what becomes of a disk that
 * is full.
 */


#include "books.h"
#include "genai_books_int.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>


#define MAX  ((uint64_t) 64 << 20)
#define DAY  20000


static char           dir[256], top[128];
static unsigned char  id[GENAI_BOOKS_ID_LEN];


static genai_books_t *
join(genai_books_file_t *f, int fresh)
{
    genai_process_id_t  self;

    genai_process_self(&self);

    return genai_books_join(f->addr, f->mapped, f->max, &self, &f->os, fresh);
}


static int
open_books(genai_books_file_t *f, char *problem)
{
    *problem = '\0';

    return genai_books_file_open(f, dir, MAX, (uid_t) -1, (gid_t) -1, problem);
}


static void
must_wait(pid_t pid, int *status)
{
    while (waitpid(pid, status, 0) == -1) {
        if (errno != EINTR) {
            fail("waitpid: %s", strerror(errno));
            exit(1);
        }
    }
}


static void
place(const char *name)
{
    snprintf(dir, sizeof(dir), "%s/%s", top, name);
}


static void
test_open(void)
{
    char                problem[GENAI_BOOKS_PROBLEM], path[512];
    genai_books_t      *b;
    genai_books_file_t  f, g, v;
    struct stat         st;
    genai_totals_t      t;
    genai_account_t     a;
    genai_lease_t      *x;

    place("open");

    is_int(genai_books_file_view(&v, dir, problem), ENOENT, "nothing there");
    is_int(open_books(&f, problem), 0, "books are made: %s", problem);
    ok(f.fresh, "nobody else is here");

    is_int(stat(dir, &st), 0, "a directory");
    is_int(st.st_mode & 07777, 0700, "of the owner");

    snprintf(path, sizeof(path), "%s/books", dir);
    is_int(stat(path, &st), 0, "a file");
    is_int(st.st_mode & 07777, 0600, "of the owner");
    is_int(st.st_size, GENAI_BOOKS_SIZE_MIN, "small at first");
    is_int(st.st_blocks * 512 >= st.st_size, 1, "without holes");

    b = join(&f, f.fresh);
    a = books_account(DAY, "team", "", "", "");
    x = genai_books_lease(b, &a, id, 1);
    t = books_used(3);
    genai_books_settle(b, x, &t, NULL);

    is_int(open_books(&g, problem), 0, "the same process has it again");
    ok(!g.fresh, "and is not alone");
    genai_books_file_close(&g);

    is_int(genai_books_file_view(&v, dir, problem), 0, "a view: %s", problem);
    genai_books_leave(b);

    b = genai_books_view(v.addr, v.mapped);
    is_int(books_row(b, &a, &t), 1, "sees a row");
    genai_books_leave(b);
    genai_books_file_close(&v);
    genai_books_file_close(&f);

    is_int(open_books(&f, problem), 0, "again: %s", problem);
    ok(f.fresh, "nobody is here");
    b = join(&f, 1);
    is_int(books_row(b, &a, &t), 1, "the row is still there");
    genai_books_leave(b);
    genai_books_file_close(&f);

    is_int(genai_books_file_open(&f, dir, 1000, (uid_t) -1, (gid_t) -1,
                                 problem),
           EINVAL, "too small a bound: %s", problem);
}


/* what a child of the one that has the lock sees, through fork and exec */

static int
inherited(void)
{
    char                problem[GENAI_BOOKS_PROBLEM];
    genai_books_file_t  f;

    snprintf(dir, sizeof(dir), "%s", getenv("BOOKS_DIR"));

    if (open_books(&f, problem) != 0) {
        return errno == EWOULDBLOCK ? 3 : 2;
    }

    return f.fresh ? 4 : 0;
}


static void
test_lock(const char *self)
{
    int                 status, fds[2];
    char                problem[GENAI_BOOKS_PROBLEM], want[64], c;
    pid_t               pid;
    genai_books_t      *b;
    genai_lease_t      *x;
    genai_totals_t      t;
    genai_account_t     a;
    genai_books_file_t  f, g;

    place("lock");
    a = books_account(DAY, "team", "", "", "");

    if (pipe(fds) == -1) {
        fail("pipe");
        return;
    }

    pid = fork();

    if (pid == 0) {
        close(fds[0]);

        if (open_books(&f, problem) != 0) {
            _exit(1);
        }

        b = join(&f, f.fresh);
        x = genai_books_lease(b, &a, id, 1);
        t = books_used(4);
        genai_books_checkpoint(x, &t);

        if (write(fds[1], "x", 1) != 1) {
            _exit(1);
        }

        pause();
        _exit(0);
    }

    close(fds[1]);
    is_int(read(fds[0], &c, 1), 1, "another process has the books");
    close(fds[0]);

    is_int(open_books(&f, problem), EWOULDBLOCK, "we are refused: %s",
           problem);
    snprintf(want, sizeof(want), "in use by process %d", (int) pid);
    ok(strstr(problem, want) != NULL, "it is named");

    kill(pid, SIGKILL);
    must_wait(pid, &status);

    is_int(open_books(&f, problem), 0, "it is dead, they are ours: %s",
           problem);
    ok(f.fresh, "nobody else is here");

    b = join(&f, f.fresh);
    is_int(genai_books_sweep(b, 10), 1, "its lease is settled");
    is_int(books_row(b, &a, &t), 1, "a row");
    is_int(t.orphans, 1, "with an orphan");
    is_int(t.prompt, 4, "at its checkpoint");

    setenv("BOOKS_DIR", dir, 1);
    pid = fork();

    if (pid == 0) {
        execl(self, self, "inherited", (char *) NULL);
        _exit(9);
    }

    must_wait(pid, &status);
    is_int(status, 0, "what we execute joins");

    is_int(open_books(&g, problem), 0, "and has not taken the lock away");
    genai_books_file_close(&g);

    /* a process that did not inherit it */

    pid = fork();

    if (pid == 0) {
        close(f.lock);
        close(f.fd);
        _exit(open_books(&g, problem) == EWOULDBLOCK ? 0 : 1);
    }

    must_wait(pid, &status);
    is_int(status, 0, "who closed it is refused");

    genai_books_leave(b);
    genai_books_file_close(&f);
}


static void
test_refused(void)
{
    int                 fd, status;
    char                problem[GENAI_BOOKS_PROBLEM], path[512];
    pid_t               pid;
    unsigned char       c;
    struct stat         st;
    genai_books_file_t  f;

    place("refused");
    snprintf(path, sizeof(path), "%s/books", dir);

    is_int(open_books(&f, problem), 0, "books");
    genai_books_file_close(&f);

    /* another layout */

    fd = open(path, O_RDWR);
    c = 9;
    is_int(pwrite(fd, &c, 1, 8), 1, "of another layout");
    is_int(open_books(&f, problem), EPROTO, "are refused: %s", problem);
    ok(strstr(problem, "layout 9") != NULL, "which one is said");
    is_int(pread(fd, &c, 1, 8), 1, "and not");
    is_int(c, 9, "touched");
    c = GENAI_BOOKS_LAYOUT;
    is_int(pwrite(fd, &c, 1, 8), 1, "the right one again");

    is_int(ftruncate(fd, 5000000), 0, "cut");
    is_int(open_books(&f, problem), EBADMSG, "refused: %s", problem);
    fstat(fd, &st);
    is_int(st.st_size, 5000000, "not touched");

    is_int(ftruncate(fd, 0), 0, "empty");
    is_int(open_books(&f, problem), 0, "made anew: %s", problem);
    genai_books_file_close(&f);
    close(fd);

    /* a link of somebody who wants a file to be overwritten */

    unlink(path);
    is_int(symlink("/etc/passwd", path), 0, "a symlink");
    ok(open_books(&f, problem) != 0, "is not followed: %s", problem);
    unlink(path);

    if (geteuid() != 0) {
        diag("skipped: owners, as only root can give files away");
        return;
    }

    place("owner");
    is_int(genai_books_file_open(&f, dir, MAX, 65534, 65534, problem), 0,
           "for a worker's user: %s", problem);
    genai_books_file_close(&f);

    is_int(stat(dir, &st), 0, "a directory");
    is_int(st.st_uid, 65534, "which is his");
    snprintf(path, sizeof(path), "%s/books", dir);
    is_int(stat(path, &st), 0, "a file");
    is_int(st.st_uid, 65534, "which is his");
    is_int(st.st_mode & 07777, 0600, "alone");

    place("no");
    mkdir(dir, 0555);
    pid = fork();

    if (pid == 0) {
        if (setgid(65534) != 0 || setuid(65534) != 0) {
            _exit(1);
        }

        status = open_books(&f, problem);
        _exit(status == EACCES && strstr(problem, dir) ? 0 : 1);
    }

    must_wait(pid, &status);
    is_int(status, 0, "a directory that may not be written");
}


/* counts until nothing grows any more; returns how many went to "other" */

static uint64_t
fill(genai_books_file_t *f, unsigned n)
{
    char                  key[32];
    unsigned              i;
    genai_books_t        *b;
    genai_lease_t        *x;
    genai_totals_t        t, sum;
    genai_account_t       a;
    genai_books_stats_t   s;

    b = join(f, f->fresh);
    t = books_used(1);

    for (i = 0; i < n; i++) {
        snprintf(key, sizeof(key), "key-%u", i);
        a = books_account(DAY, "team", "", key, "model");
        x = genai_books_lease(b, &a, id, 1);

        if (x == NULL) {
            break;
        }

        genai_books_settle(b, x, &t, NULL);
    }

    (void) books_sum(b, &sum);
    is_int(sum.exchanges, n, "nothing is lost");
    is_int(genai_books_verify(b, books_say, NULL), 0, "nothing is wrong");

    genai_books_stats(b, &s);
    diag("%llu bytes, %llu rows, %llu other", (unsigned long long) s.size,
         (unsigned long long) s.rows, (unsigned long long) s.other);
    genai_books_leave(b);

    return s.other;
}


static void
test_full(void)
{
    char                 problem[GENAI_BOOKS_PROBLEM];
    genai_books_file_t   f;
    struct rlimit        rl;

    /* a limit of the process is no signal either */

    place("limit");
    is_int(open_books(&f, problem), 0, "books");
    getrlimit(RLIMIT_FSIZE, &rl);
    rl.rlim_cur = 10000000;
    setrlimit(RLIMIT_FSIZE, &rl);
    ok(fill(&f, 50000) > 0, "at the limit of files' sizes");
    genai_books_file_close(&f);
    rl.rlim_cur = rl.rlim_max;
    setrlimit(RLIMIT_FSIZE, &rl);

    place("full");
    mkdir(dir, 0700);

    if (geteuid() != 0
        || mount("tmpfs", dir, "tmpfs", 0, "size=12m") == -1)
    {
        diag("skipped: a full disk, as only root can mount one: %s",
             strerror(errno));
        return;
    }

    is_int(open_books(&f, problem), 0, "books on a small disk: %s", problem);
    ok(fill(&f, 80000) > 0, "on a full disk");
    genai_books_file_close(&f);
    umount(dir);

    if (mount("tmpfs", dir, "tmpfs", 0, "size=1m") == 0) {
        is_int(open_books(&f, problem), ENOSPC, "too small a disk: %s",
               problem);
        umount(dir);
    }

    if (mount("tmpfs", dir, "tmpfs", MS_RDONLY, "size=1m") == 0) {
        is_int(open_books(&f, problem), EROFS, "a disk to be read only: %s",
               problem);
        umount(dir);
    }
}


static void
test_process(void)
{
    int                 status;
    pid_t               pid;
    genai_process_id_t  p, q;

    genai_process_self(&p);
    is_int(p.pid, getpid(), "who we are");
    ok(p.start > 0, "since when");
    ok(genai_process_alive(&p), "we live");

    q = p;
    q.start++;
    ok(!genai_process_alive(&q), "who had our pid before does not");
    q.start = 0;
    ok(genai_process_alive(&q), "when in doubt, he does");

    pid = fork();

    if (pid == 0) {
        pause();
        _exit(0);
    }

    q.pid = (uint32_t) pid;
    ok(genai_process_alive(&q), "a child lives");
    kill(pid, SIGKILL);

    {
        siginfo_t  info;

        waitid(P_PID, (id_t) pid, &info, WEXITED | WNOWAIT);
    }

    ok(!genai_process_alive(&q), "as a zombie it does not");
    must_wait(pid, &status);
    ok(!genai_process_alive(&q), "nor later");

    q.pid = 0;
    ok(!genai_process_alive(&q), "nobody has pid 0");
}


/* a limit and what is taken of it, in the window of such a time */

static genai_hold_t
limited(genai_owner_e owner, const char *name, const char *key,
    const char *text, uint64_t take)
{
    size_t        where;
    genai_str_t   s;
    genai_hold_t  h;

    memset(&h, 0, sizeof(h));

    s = books_str(text);

    if (genai_limit_parse(&s, &h.limit, &where) != NULL) {
        fail("%s", text);
    }

    h.id[0] = (uint64_t) owner + 1;
    h.id[1] = take;
    h.take = take;
    h.owner = owner;
    h.name = books_str(name);
    h.key = books_str(key);

    genai_window_at(&h.limit, NULL, 0, 1700000000, &h.window);

    return h;
}


/* books for t/tool_books.t, with a lease that its owner left by dying */

static int
make_books(const char *name)
{
    char                problem[GENAI_BOOKS_PROBLEM];
    unsigned            i;
    genai_books_t      *b;
    genai_lease_t      *x;
    genai_totals_t      t;
    genai_hold_t        holds[5];
    genai_account_t     a;
    genai_overrun_t     over;
    genai_books_file_t  f;

    static const char  *keys[] = { "=1+2", "a,b", "say \"hi\"", "plain",
                                   "two\nlines" };

    snprintf(dir, sizeof(dir), "%s", name);

    if (open_books(&f, problem) != 0) {
        return 1;
    }

    memset(id, 'r', sizeof(id));
    b = join(&f, f.fresh);

    /* the last one uses more than there is of tokens */

    holds[0] = limited(GENAI_OWNER_TEAM, "team", "",
                       "40 tokens/1h on gpt-4*", 30);
    holds[1] = limited(GENAI_OWNER_PLAN, "=gold", "a,b", "$5/1mo", 20000);
    holds[2] = limited(GENAI_OWNER_KEY, "say \"hi\"", "", "8 concurrent", 1);
    holds[3] = limited(GENAI_OWNER_USER, "user", "", "3 requests/never", 1);
    holds[4] = limited(GENAI_OWNER_DIRECTIVE, "remote_addr", "",
                       "2 requests/never", 1);

    for (i = 0; i < 5; i++) {
        a = books_account(DAY + (int32_t) i, "team", i ? "user" : "", keys[i],
                          "model");
        x = genai_books_lease(b, &a, id, 1700000000000);

        if (i == 4 && genai_books_hold(b, x, holds, 5, 1700000000)
                      != GENAI_HOLD_OK)
        {
            fail("holds");
        }

        t = books_used(10 + i);
        genai_books_settle(b, x, &t, &over);
    }

    x = genai_books_lease(b, &a, id, 1700000000000);

    if (genai_books_hold(b, x, holds, 4, 1700000000) != GENAI_HOLD_SHORT) {
        fail("holds");
    }

    genai_books_refuse(b, holds, 4);

    if (genai_books_hold(b, x, &holds[1], 3, 1700000000) != GENAI_HOLD_OK) {
        fail("holds");
    }

    t = books_used(7);
    genai_books_checkpoint(x, &t);

    fflush(stdout);
    raise(SIGKILL);

    return 1;
}


static void
clean(void)
{
    char            path[1024], sub[512];
    DIR            *d, *e;
    struct dirent  *n, *m;

    d = opendir(top);

    while (d && (n = readdir(d)) != NULL) {
        if (n->d_name[0] == '.') {
            continue;
        }

        snprintf(sub, sizeof(sub), "%s/%s", top, n->d_name);
        e = opendir(sub);

        while (e && (m = readdir(e)) != NULL) {
            snprintf(path, sizeof(path), "%s/%s", sub, m->d_name);
            unlink(path);
        }

        if (e) {
            closedir(e);
        }

        rmdir(sub);
    }

    if (d) {
        closedir(d);
    }

    rmdir(top);
}


/* somebody truncates the file while it is mapped */

static void
test_truncated(void)
{
    int                 err;
    char                problem[GENAI_BOOKS_PROBLEM], path[512], key[32];
    off_t               cut;
    unsigned            i, n;
    struct stat         st;
    genai_books_t      *b;
    genai_books_file_t  f, g;
    genai_totals_t      t;
    genai_account_t     a;
    genai_lease_t      *x, *y;

    is_int(genai_books_file_anonymous(&f, MAX), 0, "anonymous memory");
    is_int(genai_books_file_intact(&f), 1, "is always intact");
    is_int(genai_books_file_heal(&f), 0, "and never healed");
    genai_books_file_close(&f);

    for (n = 0; n < 4; n++) {

        snprintf(path, sizeof(path), "cut-%u", n);
        place(path);
        snprintf(path, sizeof(path), "%s/books", dir);

        is_int(open_books(&f, problem), 0, "books: %s", problem);
        b = join(&f, f.fresh);
        t = books_used(3);

        for (i = 0; i < 40000; i++) {
            snprintf(key, sizeof(key), "key-%u", i);
            a = books_account(DAY, "team", "user", key, "model");
            x = genai_books_lease(b, &a, id, 1);
            genai_books_settle(b, x, &t, NULL);
        }

        x = genai_books_lease(b, &a, id, 1);
        y = genai_books_lease(b, &a, id, 1);

        is_int(stat(path, &st), 0, "a file");
        ok(st.st_size > (off_t) GENAI_BOOKS_SIZE_MIN, "that has grown");
        is_int(genai_books_file_intact(&f), 1, "it is intact");

        cut = (n == 0) ? st.st_size - 1 : (n == 1) ? 5 << 20
              : (n == 2) ? 100 : 0;

        is_int(truncate(path, cut), 0, "truncated to %ld", (long) cut);
        is_int(genai_books_file_intact(&f), 0, "is noticed");

        err = open_books(&g, problem);
        ok(err == EBADMSG || err == EPROTO, "is not opened: %s", problem);

        is_int(genai_books_file_heal(&f), 0, "made long again");
        is_int(genai_books_file_intact(&f), 0, "but not intact");

        /* nobody dies of them */

        genai_books_checkpoint(x, &t);
        genai_books_settle(b, x, &t, NULL);

        for (i = 0; i < 2000; i++) {
            snprintf(key, sizeof(key), "key-%u", i * 50);
            a = books_account(DAY, "team", "user", key, "model");
            x = genai_books_lease(b, &a, id, 1);

            if (x) {
                genai_books_settle(b, x, &t, NULL);
            }
        }

        genai_books_settle(b, y, &t, NULL);
        (void) books_sum(b, &t);
        (void) genai_books_sweep(b, 100);
        genai_books_leave(b);
        genai_books_file_close(&f);

        err = open_books(&f, problem);
        ok(err == EBADMSG || err == EPROTO, "nor by the next start: %s",
           problem);

        unlink(path);
    }
}


/* power was lost, for all that is known */

static void
test_boot(void)
{
    char                problem[GENAI_BOOKS_PROBLEM];
    uint64_t            other[2] = { 1, 2 };
    genai_books_t      *b;
    genai_books_file_t  f;
    genai_totals_t      t;
    genai_account_t     a;
    genai_lease_t      *x;

    place("boot");

    if (access("/proc/sys/kernel/random/boot_id", R_OK) == -1) {
        pass("no boot id # SKIP");
        return;
    }

    is_int(open_books(&f, problem), 0, "new books: %s", problem);
    is_int(f.rebooted, 0, "are of this boot");

    b = join(&f, f.fresh);
    a = books_account(DAY, "team", "", "", "");
    x = genai_books_lease(b, &a, id, 1);
    t = books_used(3);
    genai_books_settle(b, x, &t, NULL);
    genai_books_leave(b);

    genai_books_boot(f.addr, other);
    genai_books_file_close(&f);

    is_int(open_books(&f, problem), 0, "books of another: %s", problem);
    is_int(f.rebooted, 1, "are told so");
    is_int(f.faults, 0, "nothing is wrong");
    b = join(&f, f.fresh);
    is_int(books_row(b, &a, &t), 1, "what they say is there");
    genai_books_leave(b);
    genai_books_file_close(&f);

    is_int(open_books(&f, problem), 0, "once more: %s", problem);
    is_int(f.rebooted, 0, "they are of this one by now");

    b = join(&f, f.fresh);
    genai_books_row_get(b, &a, genai_books_account_hash(b, &a))->totals[5] ^= 4;
    genai_books_leave(b);

    genai_books_boot(f.addr, other);
    genai_books_file_close(&f);

    is_int(open_books(&f, problem), 0, "damaged ones: %s", problem);
    is_int(f.faults, 1, "are checked");
    genai_books_file_close(&f);
}


int
main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "inherited") == 0) {
        return inherited();
    }

    if (argc > 2 && strcmp(argv[1], "make") == 0) {
        return make_books(argv[2]);
    }

    snprintf(top, sizeof(top), "/tmp/genai-books-XXXXXX");

    if (mkdtemp(top) == NULL || chmod(top, 0755) != 0) {
        fail("a directory");
        return done_testing();
    }

    test_open();
    test_truncated();
    test_boot();
    test_lock(argv[0]);
    test_refused();
    test_full();
    test_process();

    clean();

    return done_testing();
}
