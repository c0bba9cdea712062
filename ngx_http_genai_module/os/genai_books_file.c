/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The lock is flock's: it is of the open file, so that who inherits the
 * descriptor has it, too, and it goes when the last copy is closed.  New books
 * are made under another name and renamed, so that nobody ever finds half of
 * them.
 *
 * All 4 GiB are mapped where there are addresses for it, whatever the bound:
 * a process then sees what another one, with a larger bound, adds.  Nothing
 * behind the size in the header is ever touched.
 */


#include "genai_books_file_int.h"
#include "genai_journal_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>


#ifndef MAP_NORESERVE
#define MAP_NORESERVE  0
#endif

/* descriptors that are looked at where /proc does not list them */
#define GENAI_BOOKS_FDS  4096


static int genai_books_file_lock(genai_books_file_t *f, const char *dir,
    int dirfd, uid_t owner, gid_t group, char *problem);
static int genai_books_file_inherited(const struct stat *want, int not);
static void genai_books_file_holder(int fd, char *text, size_t size);
static int genai_books_file_make(const char *dir, int dirfd, uid_t owner,
    gid_t group, char *problem);
static int genai_books_file_check(const char *dir, const void *addr,
    uint64_t size, char *problem);
static int genai_books_file_head(const genai_books_file_t *f,
    uint64_t head[GENAI_BOOKS_HEAD / sizeof(uint64_t)]);
static void genai_books_file_boot(genai_books_file_t *f, uint64_t size);
static int genai_books_file_seed(uint64_t seed[2]);
static int genai_books_file_no_grow(void *data, uint64_t size);


/* locks that this process, or who forked it, has opened */
static int  genai_books_file_mine;


int
genai_books_file_open(genai_books_file_t *f, const char *dir, uint64_t max,
    uid_t owner, gid_t group, char problem[GENAI_BOOKS_PROBLEM])
{
    int          err, dirfd;
    size_t       size;
    struct stat  st;

    memset(f, 0, sizeof(genai_books_file_t));

    f->fd = -1;
    f->lock = -1;
    dirfd = -1;

    if (max < GENAI_BOOKS_SIZE_MIN || max > GENAI_BOOKS_SIZE_MAX) {
        return genai_books_file_problem(problem, EINVAL,
                                 "%s: the size must be from 8m to 4g", dir);
    }

    if (mkdir(dir, 0700) == 0) {

        if (owner != (uid_t) -1 && chown(dir, owner, group) == -1) {
            return genai_books_file_problem(problem, errno,
                       "%s cannot be given to user %u: %s", dir,
                       (unsigned) owner, strerror(errno));
        }

    } else if (errno != EEXIST) {
        return genai_books_file_problem(problem, errno,
                   "%s cannot be made: %s", dir, strerror(errno));
    }

    dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (dirfd == -1) {
        return genai_books_file_problem(problem, errno,
                   "%s cannot be opened as a directory: %s", dir,
                   strerror(errno));
    }

    err = genai_books_file_lock(f, dir, dirfd, owner, group, problem);
    if (err) {
        goto failed;
    }

    f->fd = openat(dirfd, "books", O_RDWR | O_NOFOLLOW | O_CLOEXEC);

    if (f->fresh && (f->fd != -1 || errno == ENOENT)) {

        err = genai_journal_recover(f, dir, dirfd, f->fd, max, owner, group,
                                    problem);
        if (err < 0) {
            err = -err;
            goto failed;
        }

        if (f->fd != -1) {
            close(f->fd);
        }

        f->fd = openat(dirfd, "books", O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    }

    if (f->fd == -1 && errno == ENOENT) {
        err = genai_books_file_make(dir, dirfd, owner, group, problem);
        if (err) {
            goto failed;
        }

        f->fd = openat(dirfd, "books", O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    }

    if (f->fd == -1 || fstat(f->fd, &st) == -1) {
        err = genai_books_file_problem(problem, errno,
                  "%s/books cannot be opened: %s", dir, strerror(errno));
        goto failed;
    }

    if (!S_ISREG(st.st_mode)) {
        err = genai_books_file_problem(problem, EINVAL,
                  "%s/books is not a regular file", dir);
        goto failed;
    }

    if (st.st_size == 0 && f->fresh) {
        err = genai_books_file_make(dir, dirfd, owner, group, problem);
        if (err) {
            goto failed;
        }

        close(f->fd);
        f->fd = openat(dirfd, "books", O_RDWR | O_NOFOLLOW | O_CLOEXEC);

        if (f->fd == -1 || fstat(f->fd, &st) == -1) {
            err = genai_books_file_problem(problem, errno,
                      "%s/books cannot be opened: %s", dir, strerror(errno));
            goto failed;
        }
    }

    f->mapped = GENAI_BOOKS_SIZE_MAX;
    size = (size_t) f->mapped;

    f->addr = (size == f->mapped)
              ? mmap(NULL, size, PROT_READ|PROT_WRITE, MAP_SHARED, f->fd, 0)
              : MAP_FAILED;

    if (f->addr == MAP_FAILED) {

        /* addresses are scarce or limited */

        f->mapped = max > (uint64_t) st.st_size ? max
                                                : (uint64_t) st.st_size;
        size = (size_t) f->mapped;

        f->addr = (size == f->mapped)
                  ? mmap(NULL, size, PROT_READ|PROT_WRITE, MAP_SHARED, f->fd,
                         0)
                  : MAP_FAILED;
    }

    if (f->addr == MAP_FAILED) {
        f->addr = NULL;
        err = genai_books_file_problem(problem, ENOMEM,
                  "%s/books cannot be mapped: %s", dir, strerror(errno));
        goto failed;
    }

    err = genai_books_file_check(dir, f->addr, (uint64_t) st.st_size, problem);
    if (err) {
        goto failed;
    }

    if (!genai_books_file_intact(f)) {
        err = genai_books_file_problem(problem, EBADMSG,
                  "%s/books: somebody truncates it, or it cannot be read",
                  dir);
        goto failed;
    }

    /* a copy may have come here with holes; nobody else writes now */

    if (f->fresh) {
        err = genai_books_file_extend(f->fd, 0, (uint64_t) st.st_size);

        if (err) {
            genai_books_file_problem(problem, err,
                "%s/books: no room on the disk for its %llu bytes: %s", dir,
                (unsigned long long) st.st_size, strerror(err));
            goto failed;
        }

        genai_books_file_boot(f, (uint64_t) st.st_size);
    }

    close(dirfd);

    f->max = max;
    f->os.grow = genai_books_file_grow;
    f->os.alive = genai_books_file_alive;
    f->os.data = (void *) (intptr_t) f->fd;

    return 0;

failed:

    close(dirfd);
    genai_books_file_close(f);

    return err;
}


int
genai_books_file_problem(char *problem, int err, const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    vsnprintf(problem, GENAI_BOOKS_PROBLEM, fmt, args);
    va_end(args);

    return err;
}


static int
genai_books_file_lock(genai_books_file_t *f, const char *dir, int dirfd,
    uid_t owner, gid_t group, char *problem)
{
    int          fd, has, n;
    char         text[64];
    struct stat  st;

    fd = openat(dirfd, "lock", O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);

    if (fd != -1) {
        if (owner != (uid_t) -1 && fchown(fd, owner, group) == -1) {
            n = errno;
            close(fd);
            return genai_books_file_problem(problem, n,
                       "%s/lock cannot be given to user %u: %s", dir,
                       (unsigned) owner, strerror(n));
        }

    } else if (errno == EEXIST) {
        fd = openat(dirfd, "lock", O_RDWR | O_NOFOLLOW | O_NONBLOCK);
    }

    if (fd == -1 || fstat(fd, &st) == -1) {
        n = errno;

        if (fd != -1) {
            close(fd);
        }

        return genai_books_file_problem(problem, n,
                   "%s/lock cannot be opened: %s", dir, strerror(n));
    }

    if (!S_ISREG(st.st_mode) || st.st_nlink != 1) {
        close(fd);
        return genai_books_file_problem(problem, EINVAL,
                   "%s/lock is not a file of its own", dir);
    }

    /* whoever started us may have left it to us */

    has = genai_books_file_inherited(&st, fd);

    if (has != -1) {
        close(fd);
        f->lock = has;

    } else {

        if (flock(fd, LOCK_EX | LOCK_NB) == -1) {
            n = errno;
            genai_books_file_holder(fd, text, sizeof(text));
            close(fd);

            if (n != EWOULDBLOCK) {
                return genai_books_file_problem(problem, n,
                           "%s/lock cannot be locked: %s", dir, strerror(n));
            }

            return genai_books_file_problem(problem, n,
                       "%s is in use by %s: stop it, or give this nginx a"
                       " directory of its own", dir, text);
        }

        f->lock = fd;
        f->fresh = 1;
    }

    genai_books_file_mine++;
    genai_books_file_sign(f, (uint32_t) getpid());

    return 0;
}


void
genai_books_file_sign(const genai_books_file_t *f, uint32_t pid)
{
    int   n;
    char  text[16];

    if (f->lock == -1) {
        return;
    }

    n = snprintf(text, sizeof(text), "%u\n", pid);

    if (ftruncate(f->lock, 0) == -1
        || pwrite(f->lock, text, (size_t) n, 0) != n)
    {
        /* it is there to be read by people only */
    }
}


/* another descriptor of that file that has the lock, as one of our own */

static int
genai_books_file_inherited(const struct stat *want, int not)
{
    int             fd, found;
    DIR            *d;
    struct stat     st;
    struct dirent  *e;

    d = opendir("/proc/self/fd");
    found = -1;
    fd = -1;

    for ( ;; ) {

        if (d) {
            e = readdir(d);

            if (e == NULL) {
                break;
            }

            if (e->d_name[0] < '0' || e->d_name[0] > '9') {
                continue;
            }

            fd = atoi(e->d_name);

        } else if (++fd == GENAI_BOOKS_FDS) {
            break;
        }

        if (fd == not
            || fstat(fd, &st) == -1
            || st.st_dev != want->st_dev
            || st.st_ino != want->st_ino)
        {
            continue;
        }

        /* succeeds where this open file has the lock already */

        if (flock(fd, LOCK_EX | LOCK_NB) == 0) {

            /* what this process has opened itself is closed where it was */

            found = genai_books_file_mine ? dup(fd) : fd;
            break;
        }
    }

    if (d) {
        closedir(d);
    }

    return found;
}


static void
genai_books_file_holder(int fd, char *text, size_t size)
{
    char                buf[32];
    ssize_t             n;
    genai_process_id_t  id;

    memset(&id, 0, sizeof(id));

    n = pread(fd, buf, sizeof(buf) - 1, 0);

    if (n > 0) {
        buf[n] = '\0';
        id.pid = (uint32_t) strtoul(buf, NULL, 10);
    }

    if (id.pid && genai_process_alive(&id)) {
        snprintf(text, size, "process %u", (unsigned) id.pid);

    } else {
        snprintf(text, size, "another process");
    }
}


static int
genai_books_file_make(const char *dir, int dirfd, uid_t owner, gid_t group,
    char *problem)
{
    int  fd, err;

    err = genai_books_file_new(dir, dirfd, owner, group, NULL, &fd, problem);
    if (err) {
        return err;
    }

    close(fd);

    if (renameat(dirfd, "books.new", dirfd, "books") == -1) {
        err = errno;
        (void) unlinkat(dirfd, "books.new", 0);

        return genai_books_file_problem(problem, err,
                   "%s/books cannot be made: %s", dir, strerror(err));
    }

    return 0;
}


int
genai_books_file_new(const char *dir, int dirfd, uid_t owner, gid_t group,
    const uint64_t *want, int *to, char *problem)
{
    int        fd, err;
    void      *addr;
    uint64_t   seed[2];

    if (unlinkat(dirfd, "books.new", 0) == -1 && errno != ENOENT) {
        return genai_books_file_problem(problem, errno,
                   "%s/books.new cannot be removed: %s", dir,
                   strerror(errno));
    }

    fd = openat(dirfd, "books.new",
                O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd == -1) {
        return genai_books_file_problem(problem, errno,
                   "%s/books cannot be made: %s", dir, strerror(errno));
    }

    if (owner != (uid_t) -1 && fchown(fd, owner, group) == -1) {
        err = errno;
        goto failed;
    }

    if (want) {
        seed[0] = want[0];
        seed[1] = want[1];

    } else {
        err = genai_books_file_seed(seed);
        if (err) {
            goto failed;
        }
    }

    err = genai_books_file_extend(fd, 0, GENAI_BOOKS_SIZE_MIN);
    if (err) {
        goto failed;
    }

    addr = mmap(NULL, GENAI_BOOKS_SIZE_MIN, PROT_READ|PROT_WRITE, MAP_SHARED,
                fd, 0);

    if (addr == MAP_FAILED) {
        err = errno;
        goto failed;
    }

    genai_books_format(addr, GENAI_BOOKS_SIZE_MIN, seed);

    munmap(addr, GENAI_BOOKS_SIZE_MIN);

    *to = fd;

    return 0;

failed:

    close(fd);
    (void) unlinkat(dirfd, "books.new", 0);

    return genai_books_file_problem(problem, err,
               "%s/books cannot be made, of %llu bytes at first: %s", dir,
               (unsigned long long) GENAI_BOOKS_SIZE_MIN, strerror(err));
}


/* room from there to size, or an errno value and no signal */

int
genai_books_file_extend(int fd, uint64_t from, uint64_t size)
{
    int            err, n;
    struct rlimit  rl;

    /* who writes behind this limit gets a signal that kills */

    if (getrlimit(RLIMIT_FSIZE, &rl) == 0
        && rl.rlim_cur != RLIM_INFINITY && size > rl.rlim_cur)
    {
        return EFBIG;
    }

    for (n = 0; n < 64; n++) {
        err = posix_fallocate(fd, (off_t) from, (off_t) (size - from));

        if (err != EINTR) {
            return err;
        }
    }

    return EINTR;
}


static int
genai_books_file_check(const char *dir, const void *addr, uint64_t size,
    char *problem)
{
    uint32_t             layout;
    genai_books_state_e  state;

    state = genai_books_look(addr, size, &layout);

    switch (state) {

    case GENAI_BOOKS_OK:
        return 0;

    case GENAI_BOOKS_OTHER_LAYOUT:
        return genai_books_file_problem(problem, EPROTO,
                   "%s/books: %s, layout %u instead of %u; run the version"
                   " that made them, or move the file away to begin new ones",
                   dir, genai_books_state_text(state), (unsigned) layout,
                   (unsigned) GENAI_BOOKS_LAYOUT);

    default:
        return genai_books_file_problem(problem,
                   (state == GENAI_BOOKS_TRUNCATED
                    || state == GENAI_BOOKS_DAMAGED) ? EBADMSG : EPROTO,
                   "%s/books: %s; it was not touched; restore it, or move it"
                   " away to begin new ones", dir,
                   genai_books_state_text(state));
    }
}


int
genai_books_file_intact(const genai_books_file_t *f)
{
    uint64_t     size, head[GENAI_BOOKS_HEAD / sizeof(uint64_t)];
    struct stat  st;

    if (f->fd == -1) {
        return 1;
    }

    /* in this order: it only grows, and says so when it has grown */

    if (genai_books_file_head(f, head) != 0) {
        return 0;
    }

    size = genai_books_size(head);

    return size
           && !genai_books_spoilt(head)
           && fstat(f->fd, &st) == 0
           && (uint64_t) st.st_size >= size;
}


/* reads the header, with zeroes behind the end; returns 0, or -1 */

static int
genai_books_file_head(const genai_books_file_t *f,
    uint64_t head[GENAI_BOOKS_HEAD / sizeof(uint64_t)])
{
    memset(head, 0, GENAI_BOOKS_HEAD);

    return pread(f->fd, head, GENAI_BOOKS_HEAD, 0) == -1 ? -1 : 0;
}


int
genai_books_file_heal(const genai_books_file_t *f)
{
    int          err;
    uint64_t     size, head[GENAI_BOOKS_HEAD / sizeof(uint64_t)];
    struct stat  st;

    if (f->fd == -1) {
        return 0;
    }

    if (genai_books_file_head(f, head) != 0) {
        return errno;
    }

    size = genai_books_size(head);

    /*
     * Nothing tells any more how long it was: then as long as it may have
     * been, but with holes, as that can be all of the disk.
     */

    err = genai_books_file_extend(f->fd, 0,
                                  size ? size : GENAI_BOOKS_SIZE_MIN);
    if (err) {
        return err;
    }

    if (size == 0) {
        if (fstat(f->fd, &st) == -1
            || ((uint64_t) st.st_size < f->max
                && ftruncate(f->fd, (off_t) f->max) == -1))
        {
            return errno;
        }
    }

    /* there is a page for it by now */

    genai_books_spoil(f->addr);

    return 0;
}


/* nobody else is here */

static void
genai_books_file_boot(genai_books_file_t *f, uint64_t size)
{
    uint64_t        boot[2];
    genai_books_t  *b;

    if (!genai_books_file_boot_id(boot)) {
        return;
    }

    if (genai_books_booted(f->addr, boot)) {
        f->rebooted = 1;

        b = genai_books_view(f->addr, size);

        if (b) {
            f->faults = genai_books_verify(b, NULL, NULL);
            genai_books_leave(b);
        }
    }

    genai_books_boot(f->addr, boot);
}


static int
genai_books_file_seed(uint64_t seed[2])
{
    ssize_t  n;

    do {
        n = getrandom(seed, 2 * sizeof(uint64_t), 0);
    } while (n == -1 && errno == EINTR);

    return (n == 2 * sizeof(uint64_t)) ? 0 : (n == -1) ? errno : EIO;
}


int
genai_books_file_grow(void *data, uint64_t size)
{
    int          fd = (int) (intptr_t) data;
    struct stat  st;

    if (fstat(fd, &st) == -1) {
        return errno;
    }

    /* who was killed here before has left it longer */

    if ((uint64_t) st.st_size >= size) {
        return 0;
    }

    return genai_books_file_extend(fd, (uint64_t) st.st_size, size);
}


static int
genai_books_file_no_grow(void *data, uint64_t size)
{
    return 0;
}


int
genai_books_file_alive(void *data, const genai_process_id_t *id)
{
    return genai_process_alive(id);
}


int
genai_books_file_anonymous(genai_books_file_t *f, uint64_t max)
{
    int       err;
    size_t    size;
    uint64_t  seed[2];

    memset(f, 0, sizeof(genai_books_file_t));

    f->fd = -1;
    f->lock = -1;

    size = (size_t) max;

    if (size != max || max < GENAI_BOOKS_SIZE_MIN
        || max > GENAI_BOOKS_SIZE_MAX)
    {
        return EINVAL;
    }

    err = genai_books_file_seed(seed);
    if (err) {
        return err;
    }

    f->addr = mmap(NULL, size, PROT_READ|PROT_WRITE,
                   MAP_SHARED|MAP_ANONYMOUS|MAP_NORESERVE, -1, 0);

    if (f->addr == MAP_FAILED) {
        f->addr = NULL;
        return errno;
    }

    genai_books_format(f->addr, GENAI_BOOKS_SIZE_MIN, seed);

    f->mapped = max;
    f->max = max;
    f->fresh = 1;
    f->os.grow = genai_books_file_no_grow;
    f->os.alive = genai_books_file_alive;

    return 0;
}


void
genai_books_file_close(genai_books_file_t *f)
{
    if (f->addr) {
        munmap(f->addr, (size_t) f->mapped);
    }

    if (f->fd != -1) {
        close(f->fd);
    }

    if (f->lock != -1) {
        close(f->lock);
        genai_books_file_mine--;
    }

    memset(f, 0, sizeof(genai_books_file_t));

    f->fd = -1;
    f->lock = -1;
}


int
genai_books_file_view(genai_books_file_t *f, const char *dir,
    char problem[GENAI_BOOKS_PROBLEM])
{
    int          err;
    char        *path;
    size_t       len;
    struct stat  st;

    memset(f, 0, sizeof(genai_books_file_t));

    f->fd = -1;
    f->lock = -1;

    len = strlen(dir) + sizeof("/books");

    path = malloc(len);
    if (path == NULL) {
        return genai_books_file_problem(problem, ENOMEM, "out of memory");
    }

    snprintf(path, len, "%s/books", dir);

    f->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    free(path);

    if (f->fd == -1 || fstat(f->fd, &st) == -1) {
        err = genai_books_file_problem(problem, errno,
                  "%s/books cannot be opened: %s", dir, strerror(errno));
        goto failed;
    }

    if (!S_ISREG(st.st_mode)) {
        err = genai_books_file_problem(problem, EINVAL,
                  "%s/books is not a regular file", dir);
        goto failed;
    }

    if (st.st_size == 0) {
        err = genai_books_file_problem(problem, EPROTO, "%s/books: %s", dir,
                  genai_books_state_text(GENAI_BOOKS_NEW));
        goto failed;
    }

    f->mapped = (uint64_t) st.st_size;

    f->addr = ((size_t) f->mapped == f->mapped)
              ? mmap(NULL, (size_t) f->mapped, PROT_READ, MAP_SHARED, f->fd,
                     0)
              : MAP_FAILED;

    if (f->addr == MAP_FAILED) {
        f->addr = NULL;
        err = genai_books_file_problem(problem, ENOMEM,
                  "%s/books cannot be mapped: %s", dir, strerror(errno));
        goto failed;
    }

    err = genai_books_file_check(dir, f->addr, f->mapped, problem);
    if (err) {
        goto failed;
    }

    return 0;

failed:

    genai_books_file_close(f);

    return err;
}
