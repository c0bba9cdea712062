/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "genai_journal_file.h"
#include "genai_books_file_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>


#define GENAI_JOURNAL_BUF   ((size_t) 256 << 10)

/* what of a new file is written in one turn */
#define GENAI_JOURNAL_PART  ((uint64_t) 4 << 20)

/* a file is made anew when it is twice as long as at first, and that more */
#define GENAI_JOURNAL_MORE  ((uint64_t) 16 << 20)


typedef struct {
    int                    fd;      /* or -1 */
    genai_journal_head_t   head;
    uint64_t               len;
    uint64_t               synced;  /* bytes that are on the disk */
    uint64_t               whole;   /* its length when it was begun */
} genai_journal_file_t;


struct genai_journal_s {
    const genai_books_file_t  *f;
    genai_books_t             *b;
    int                        dirfd;
    uid_t                      owner;
    gid_t                      group;
    char                      *dir;

    genai_journal_file_t       cur;
    genai_journal_file_t       next;    /* that is being made */
    genai_journal_walk_t       walk;    /* over all, for it */
    unsigned                   known:1; /* what there was was looked at */

    unsigned char              buf[GENAI_JOURNAL_BUF]
                                   __attribute__((aligned(8)));
};


static int genai_journal_problem(const genai_journal_t *j, char *problem,
    int err, const char *what);
static void genai_journal_adopt(genai_journal_t *j);
static int genai_journal_pass(genai_journal_t *j, int sync, int64_t now,
    char *problem);
static int genai_journal_add(genai_journal_t *j, size_t len, char *problem);
static int genai_journal_begin(genai_journal_t *j, int64_t now,
    char *problem);
static int genai_journal_part(genai_journal_t *j, uint64_t part, int64_t now,
    char *problem);
static int genai_journal_turned(genai_journal_t *j, int64_t now,
    char *problem);
static int genai_journal_write(genai_journal_t *j, genai_journal_file_t *to,
    size_t len);
static int genai_journal_sync(genai_journal_file_t *to);
static void genai_journal_drop(genai_journal_t *j);
static int64_t genai_journal_now(void);


genai_journal_t *
genai_journal_open(const genai_books_file_t *f, const char *dir, uid_t owner,
    gid_t group, char problem[GENAI_JOURNAL_PROBLEM])
{
    genai_journal_t  *j;

    j = calloc(1, sizeof(genai_journal_t));
    if (j == NULL) {
        goto memory;
    }

    j->f = f;
    j->owner = owner;
    j->group = group;
    j->dirfd = -1;
    j->cur.fd = -1;
    j->next.fd = -1;

    j->dir = strdup(dir);
    if (j->dir == NULL) {
        goto memory;
    }

    if (!genai_books_file_intact(f)) {
        snprintf(problem, GENAI_JOURNAL_PROBLEM, "%s/books: somebody has"
                 " truncated it", dir);
        goto failed;
    }

    j->b = genai_books_view(f->addr, f->mapped);
    if (j->b == NULL) {
        goto memory;
    }

    j->dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (j->dirfd == -1) {
        (void) genai_journal_problem(j, problem, errno, "cannot be opened");
        goto failed;
    }

    return j;

memory:

    snprintf(problem, GENAI_JOURNAL_PROBLEM, "out of memory");

failed:

    if (j) {
        genai_journal_close(j);
    }

    return NULL;
}


static int
genai_journal_problem(const genai_journal_t *j, char *problem, int err,
    const char *what)
{
    snprintf(problem, GENAI_JOURNAL_PROBLEM, "%s/journal %s: %s", j->dir, what,
             strerror(err));

    return err ? err : EIO;
}


void
genai_journal_close(genai_journal_t *j)
{
    genai_journal_drop(j);

    if (j->cur.fd != -1) {
        close(j->cur.fd);
    }

    if (j->dirfd != -1) {
        close(j->dirfd);
    }

    if (j->b) {
        genai_books_leave(j->b);
    }

    free(j->dir);
    free(j);
}


int
genai_journal_turn(genai_journal_t *j, int sync,
    char problem[GENAI_JOURNAL_PROBLEM])
{
    int      err;
    int64_t  now;

    if (!genai_books_file_intact(j->f)) {
        snprintf(problem, GENAI_JOURNAL_PROBLEM, "%s/books: somebody has"
                 " truncated it", j->dir);
        return EBADMSG;
    }

    now = genai_journal_now();

    if (!j->known) {
        genai_journal_adopt(j);
        j->known = 1;
    }

    if (j->next.fd == -1
        && (j->cur.fd == -1
            || j->cur.len > 2 * j->cur.whole + GENAI_JOURNAL_MORE))
    {
        err = genai_journal_begin(j, now, problem);
        if (err) {
            return err;
        }
    }

    if (j->cur.fd == -1) {

        /* nothing is safe before it is whole: all of it at once */

        err = genai_journal_part(j, UINT64_MAX, now, problem);
        if (err) {
            return err;
        }
    }

    err = genai_journal_pass(j, sync, now, problem);

    if (err || j->next.fd == -1) {
        return err;
    }

    err = genai_journal_part(j, GENAI_JOURNAL_PART, now, problem);

    return err ? err : (j->next.fd == -1) ? 0 : EAGAIN;
}


/* the file that another writer has left, if it is what he said */

static void
genai_journal_adopt(genai_journal_t *j)
{
    int            fd;
    char           name[32];
    uint64_t       number, len, whole;
    struct stat    st;

    number = genai_journal_current(j->b, &len, &whole);

    if (number == 0) {
        return;
    }

    snprintf(name, sizeof(name), "journal.%llu", (unsigned long long) number);

    fd = openat(j->dirfd, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);

    if (fd == -1) {
        return;
    }

    if (fstat(fd, &st) == -1
        || !S_ISREG(st.st_mode)
        || (uint64_t) st.st_size != len
        || pread(fd, j->buf, GENAI_JOURNAL_HEAD, 0) != GENAI_JOURNAL_HEAD
        || genai_journal_head_read(j->buf, GENAI_JOURNAL_HEAD, &j->cur.head)
           != 0
        || j->cur.head.number != number)
    {
        close(fd);
        return;
    }

    j->cur.fd = fd;
    j->cur.len = len;
    j->cur.synced = 0;
    j->cur.whole = whole;
}


/* writes what is marked: to the file that counts, and to the next one */

static int
genai_journal_pass(genai_journal_t *j, int sync, int64_t now, char *problem)
{
    int                    err;
    size_t                 n;
    uint64_t               before, policy;
    genai_journal_walk_t   walk;

    memset(&walk, 0, sizeof(walk));

    before = j->cur.len;

    /* whoever comes after us, should we die, knows that marks are lost */

    genai_journal_current_set(j->b, 0, 0, 0);

    while ((n = genai_journal_take(j->b, &walk, j->buf, GENAI_JOURNAL_BUF))
           != 0)
    {
        err = genai_journal_add(j, n, problem);
        if (err) {
            return err;
        }
    }

    if (j->cur.fd == -1) {
        return 0;
    }

    if (j->cur.len != before || j->cur.synced != j->cur.len) {

        policy = genai_books_word(j->b, GENAI_WORD_POLICY_LAST);

        n = genai_journal_say(j->buf, GENAI_JOURNAL_PASS, now, j->cur.synced,
                              policy);
        err = genai_journal_write(j, &j->cur, n);

        if (err) {
            goto failed;
        }
    }

    genai_journal_current_set(j->b, j->cur.head.number, j->cur.len,
                              j->cur.whole);

    if (sync && j->cur.synced != j->cur.len) {
        err = genai_journal_sync(&j->cur);

        if (err) {
            goto failed;
        }
    }

    genai_books_word_set(j->b, GENAI_WORD_JOURNAL, (uint64_t) now);

    return 0;

failed:

    genai_journal_current_set(j->b, 0, 0, 0);
    close(j->cur.fd);
    j->cur.fd = -1;

    return genai_journal_problem(j, problem, err, "cannot be written");
}


/* what is in the buffer, to both */

static int
genai_journal_add(genai_journal_t *j, size_t len, char *problem)
{
    int  err, failed;

    failed = 0;

    if (j->cur.fd != -1) {
        err = genai_journal_write(j, &j->cur, len);

        if (err) {
            close(j->cur.fd);
            j->cur.fd = -1;
            failed = err;
        }
    }

    if (j->next.fd != -1) {
        err = genai_journal_write(j, &j->next, len);

        if (err) {
            genai_journal_drop(j);

            /* the marks of this turn are nowhere else, or in both */

            failed = err;
        }
    }

    if (failed == 0) {
        return 0;
    }

    /* what was taken and is in no file any more needs a new one */

    if (j->cur.fd != -1) {
        close(j->cur.fd);
        j->cur.fd = -1;
    }

    return genai_journal_problem(j, problem, failed, "cannot be written");
}


static int
genai_journal_begin(genai_journal_t *j, int64_t now, char *problem)
{
    int                     n;
    char                    name[32];
    genai_journal_file_t   *to = &j->next;

    memset(to, 0, sizeof(genai_journal_file_t));

    to->head.number = genai_journal_highest(j->dirfd, UINT64_MAX) + 1;
    to->head.made = now;
    genai_journal_of(j->b, &to->head);

    do {
        n = (int) getrandom(to->head.seed, sizeof(to->head.seed), 0);
    } while (n == -1 && errno == EINTR);

    snprintf(name, sizeof(name), "journal.%llu",
             (unsigned long long) to->head.number);

    genai_journal_step();

    to->fd = (n == (int) sizeof(to->head.seed))
             ? openat(j->dirfd, name,
                      O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)
             : -1;

    if (to->fd == -1) {
        return genai_journal_problem(j, problem, errno, "cannot be made");
    }

    if (j->owner != (uid_t) -1
        && fchown(to->fd, j->owner, j->group) == -1)
    {
        n = errno;
        genai_journal_drop(j);
        return genai_journal_problem(j, problem, n,
                                     "cannot be given to the workers' user");
    }

    genai_journal_head(j->buf, &to->head);

    genai_journal_step();

    if (pwrite(to->fd, j->buf, GENAI_JOURNAL_HEAD, 0) != GENAI_JOURNAL_HEAD) {
        n = errno;
        genai_journal_drop(j);
        return genai_journal_problem(j, problem, n, "cannot be written");
    }

    to->len = GENAI_JOURNAL_HEAD;

    memset(&j->walk, 0, sizeof(genai_journal_walk_t));
    j->walk.all = 1;

    /* what is marked is in no other file that counts */

    if (j->cur.fd == -1) {
        j->walk.clear = 1;
        genai_journal_current_set(j->b, 0, 0, 0);
    }

    return 0;
}


/* some of all slots, to the next file; at its end that takes the place */

static int
genai_journal_part(genai_journal_t *j, uint64_t part, int64_t now,
    char *problem)
{
    int       err;
    size_t    n;
    uint64_t  until;

    until = (part > UINT64_MAX - j->next.len) ? UINT64_MAX
                                              : j->next.len + part;

    do {
        n = genai_journal_take(j->b, &j->walk, j->buf, GENAI_JOURNAL_BUF);

        if (n == 0) {
            return genai_journal_turned(j, now, problem);
        }

        err = genai_journal_write(j, &j->next, n);

        if (err) {
            genai_journal_drop(j);
            return genai_journal_problem(j, problem, err,
                                         "cannot be written");
        }

    } while (j->next.len < until);

    return 0;
}


static int
genai_journal_turned(genai_journal_t *j, int64_t now, char *problem)
{
    int                    fd, err;
    size_t                 n;
    uint64_t               policy;
    genai_journal_file_t  *to = &j->next;

    /* it says that it is whole when all of it is on the disk */

    err = genai_journal_sync(to);

    if (err == 0) {
        policy = genai_books_word(j->b, GENAI_WORD_POLICY_LAST);

        n = genai_journal_say(j->buf, GENAI_JOURNAL_WHOLE, now, to->synced,
                              policy);
        err = genai_journal_write(j, to, n);
    }

    if (err == 0) {
        err = genai_journal_sync(to);
    }

    /* rows that went to the archive are in the old file only, until then */

    if (err == 0) {
        fd = openat(j->dirfd, "archive", O_RDONLY | O_NOFOLLOW | O_CLOEXEC
                                         | O_NONBLOCK);

        if (fd != -1) {
            (void) fsync(fd);
            close(fd);
        }

        genai_journal_step();

        if (fsync(j->dirfd) == -1) {
            err = errno;
        }
    }

    if (err) {
        genai_journal_drop(j);
        return genai_journal_problem(j, problem, err, "cannot be written");
    }

    if (j->cur.fd != -1) {
        close(j->cur.fd);
    }

    j->cur = *to;
    j->cur.whole = to->len;
    to->fd = -1;

    genai_journal_current_set(j->b, j->cur.head.number, j->cur.len,
                              j->cur.whole);
    genai_books_word_set(j->b, GENAI_WORD_JOURNAL, (uint64_t) now);

    (void) genai_journal_sweep(j->dirfd, j->cur.head.number);

    return 0;
}


/* the buffer, at the end of a file; returns 0, or an errno value */

static int
genai_journal_write(genai_journal_t *j, genai_journal_file_t *to, size_t len)
{
    size_t         at;
    ssize_t        n;
    struct rlimit  rl;

    /* who writes behind this limit gets a signal that kills */

    if (getrlimit(RLIMIT_FSIZE, &rl) == 0
        && rl.rlim_cur != RLIM_INFINITY && to->len + len > rl.rlim_cur)
    {
        return EFBIG;
    }

    genai_journal_seal(&to->head, j->buf, len, to->len);

    for (at = 0; at < len; at += (size_t) n) {

        genai_journal_step();

        n = pwrite(to->fd, j->buf + at, len - at, (off_t) (to->len + at));

        if (n == -1 && errno == EINTR) {
            n = 0;
            continue;
        }

        if (n <= 0) {
            return n ? errno : EIO;
        }
    }

    to->len += len;

    return 0;
}


static int
genai_journal_sync(genai_journal_file_t *to)
{
    genai_journal_step();

    if (fdatasync(to->fd) == -1) {
        return errno ? errno : EIO;
    }

    to->synced = to->len;

    return 0;
}


/* a next file that has come to nothing */

static void
genai_journal_drop(genai_journal_t *j)
{
    char  name[32];

    if (j->next.fd == -1) {
        return;
    }

    snprintf(name, sizeof(name), "journal.%llu",
             (unsigned long long) j->next.head.number);

    (void) unlinkat(j->dirfd, name, 0);

    close(j->next.fd);
    j->next.fd = -1;
}


int
genai_journal_finish(const genai_books_file_t *f, const char *dir,
    uid_t owner, gid_t group, char problem[GENAI_JOURNAL_PROBLEM])
{
    int               err;
    genai_journal_t  *j;

    j = genai_journal_open(f, dir, owner, group, problem);
    if (j == NULL) {
        return ENOMEM;
    }

    do {
        err = genai_journal_turn(j, 1, problem);
    } while (err == EAGAIN);

    genai_journal_close(j);

    return err;
}


static int64_t
genai_journal_now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_REALTIME, &ts);

    return (int64_t) ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}
