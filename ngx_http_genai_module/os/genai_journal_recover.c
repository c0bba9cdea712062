/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Making the books anew of their journal.  The order is such that the system
 * can die again at any moment: the new books are made beside the old ones;
 * then a new file of the journal is made of them, and is on the disk before
 * the old one goes; then they take the old ones' place.
 */


#include "genai_books_file_int.h"
#include "genai_journal_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>


/* what the books are that there are */
typedef enum {
    GENAI_RECOVER_FINE = 0,         /* they are used, or left, as they are */
    GENAI_RECOVER_BOOTED,
    GENAI_RECOVER_MISSING,
    GENAI_RECOVER_DAMAGED
} genai_recover_e;


static genai_recover_e genai_journal_needed(int fd);
static int genai_journal_remake(genai_books_file_t *f, const char *dir,
    int dirfd, int fd, const genai_journal_view_t *v, uid_t owner,
    gid_t group, genai_journal_replayed_t *replayed, char *problem);
static int genai_journal_refill(genai_books_file_t *f, const char *dir,
    const genai_journal_view_t *v, uid_t owner, gid_t group,
    genai_journal_replayed_t *replayed, char *problem);
static void genai_journal_tell(genai_books_file_t *f, const char *dir,
    genai_recover_e why, const genai_journal_view_t *v,
    const genai_journal_replayed_t *replayed, const char *aside);


int
genai_journal_recover(genai_books_file_t *f, const char *dir, int dirfd,
    int fd, uint64_t max, uid_t owner, gid_t group,
    char problem[GENAI_BOOKS_PROBLEM])
{
    int                        err, new;
    char                       aside[64], damaged[64];
    genai_recover_e            why;
    genai_books_file_t         made;
    genai_journal_view_t       v;
    genai_journal_replayed_t   replayed;

    why = genai_journal_needed(fd);

    if (why == GENAI_RECOVER_FINE) {
        return 0;
    }

    err = genai_journal_view(&v, dirfd, 1);

    if (err) {

        if (v.broken || v.unfinished) {
            f->recovered = 2;
            snprintf(f->told, sizeof(f->told), "the journal in %s cannot be"
                     " used: of its files %u were not finished, and %u are"
                     " damaged, and kept as *.damaged", dir, v.unfinished,
                     v.broken);
        }

        return 0;
    }

    err = genai_books_file_new(dir, dirfd, owner, group, v.scan.head.books,
                               &new, problem);
    if (err) {
        genai_journal_unmap(&v);
        return -err;
    }

    memset(&made, 0, sizeof(made));

    made.lock = -1;
    made.max = max;

    /* before its place is taken by a new file */

    damaged[0] = '\0';

    if (v.scan.holes) {
        snprintf(damaged, sizeof(damaged), "%s.damaged", v.name);
        (void) linkat(dirfd, v.name, dirfd, damaged, 0);
    }

    err = genai_journal_remake(&made, dir, dirfd, new, &v, owner, group,
                               &replayed, problem);
    if (err) {
        (void) unlinkat(dirfd, "books.new", 0);
        genai_journal_unmap(&v);
        return -err;
    }

    aside[0] = '\0';

    if (why == GENAI_RECOVER_DAMAGED) {
        snprintf(aside, sizeof(aside), "books.damaged.%llu",
                 (unsigned long long) time(NULL));

        if (renameat(dirfd, "books", dirfd, aside) == -1) {
            err = errno;
        }
    }

    if (err == 0
        && (renameat(dirfd, "books.new", dirfd, "books") == -1
            || fsync(dirfd) == -1))
    {
        err = errno;
    }

    if (err) {
        (void) unlinkat(dirfd, "books.new", 0);
        genai_journal_unmap(&v);
        return -genai_books_file_problem(problem, err,
                   "%s/books cannot be replaced by what the journal says: %s",
                   dir, strerror(err));
    }

    genai_journal_tell(f, dir, why, &v, &replayed, aside);
    genai_journal_unmap(&v);

    return 1;
}


static genai_recover_e
genai_journal_needed(int fd)
{
    void                 *p;
    uint32_t              layout;
    uint64_t              boot[2];
    struct stat           st;
    genai_recover_e       why;
    genai_books_state_e   state;

    if (fd == -1) {
        return GENAI_RECOVER_MISSING;
    }

    if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)
        || (off_t) (size_t) st.st_size != st.st_size)
    {
        return GENAI_RECOVER_FINE;
    }

    if (st.st_size == 0) {
        return GENAI_RECOVER_MISSING;
    }

    p = mmap(NULL, (size_t) st.st_size, PROT_READ, MAP_SHARED, fd, 0);

    if (p == MAP_FAILED) {
        return GENAI_RECOVER_FINE;
    }

    state = genai_books_look(p, (uint64_t) st.st_size, &layout);

    switch (state) {

    case GENAI_BOOKS_OK:
        why = (genai_books_file_boot_id(boot) && genai_books_booted(p, boot))
              ? GENAI_RECOVER_BOOTED : GENAI_RECOVER_FINE;
        break;

    case GENAI_BOOKS_NEW:
    case GENAI_BOOKS_FOREIGN:
    case GENAI_BOOKS_TRUNCATED:
    case GENAI_BOOKS_DAMAGED:
        why = GENAI_RECOVER_DAMAGED;
        break;

    default:
        why = GENAI_RECOVER_FINE;
        break;
    }

    munmap(p, (size_t) st.st_size);

    return why;
}


/* fills the books of a descriptor, which it closes, and begins their journal */

static int
genai_journal_remake(genai_books_file_t *f, const char *dir, int dirfd,
    int fd, const genai_journal_view_t *v, uid_t owner, gid_t group,
    genai_journal_replayed_t *replayed, char *problem)
{
    int       err;
    uint64_t  boot[2];

    f->fd = fd;
    f->mapped = f->max;
    f->fresh = 1;
    f->os.grow = genai_books_file_grow;
    f->os.alive = genai_books_file_alive;
    f->os.data = (void *) (intptr_t) fd;

    f->addr = ((size_t) f->mapped == f->mapped)
              ? mmap(NULL, (size_t) f->mapped, PROT_READ|PROT_WRITE,
                     MAP_SHARED, fd, 0)
              : MAP_FAILED;

    if (f->addr == MAP_FAILED) {
        f->addr = NULL;
        err = genai_books_file_problem(problem, ENOMEM,
                  "%s/books.new cannot be mapped", dir);
        close(fd);
        return err;
    }

    if (genai_books_file_boot_id(boot)) {
        genai_books_boot(f->addr, boot);
    }

    err = genai_journal_refill(f, dir, v, owner, group, replayed, problem);

    if (err == 0 && fsync(fd) == -1) {
        err = genai_books_file_problem(problem, errno,
                  "%s/books.new cannot be written: %s", dir, strerror(errno));
    }

    munmap(f->addr, (size_t) f->mapped);
    close(fd);

    return err;
}


static int
genai_journal_refill(genai_books_file_t *f, const char *dir,
    const genai_journal_view_t *v, uid_t owner, gid_t group,
    genai_journal_replayed_t *replayed, char *problem)
{
    int                  err;
    char                 text[GENAI_JOURNAL_PROBLEM];
    genai_books_t       *b;
    genai_process_id_t   self;

    genai_process_self(&self);

    b = genai_books_join(f->addr, f->mapped, f->max, &self, &f->os, 1);

    if (b == NULL
        || genai_journal_replay(b, v->data, v->size, &v->scan, replayed) != 0)
    {
        if (b) {
            genai_books_leave(b);
        }

        return genai_books_file_problem(problem, ENOMEM, "out of memory");
    }

    genai_books_leave(b);

    err = genai_journal_finish(f, dir, owner, group, text);

    return err ? genai_books_file_problem(problem, err, "%s", text) : 0;
}


static void
genai_journal_tell(genai_books_file_t *f, const char *dir,
    genai_recover_e why, const genai_journal_view_t *v,
    const genai_journal_replayed_t *replayed, const char *aside)
{
    int          n;
    char         when[32];
    time_t       sec;
    struct tm    tm;

    static const char  *reasons[] = {
        "", "the system was started again since they were opened",
        "they were missing", "they were damaged"
    };

    sec = (time_t) (v->scan.last / 1000);

    if (gmtime_r(&sec, &tm) == NULL
        || strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
    {
        strcpy(when, "an unknown time");
    }

    n = snprintf(f->told, sizeof(f->told),
                 "the books in %s were made anew of %s, as %s: %llu rows and"
                 " %llu limits out of %llu records, as of %s; %llu bytes of a"
                 " torn end were cut", dir, v->name, reasons[why],
                 (unsigned long long) replayed->rows,
                 (unsigned long long) replayed->counters,
                 (unsigned long long) v->scan.records, when,
                 (unsigned long long) v->scan.cut);

    f->recovered = 1;

    if (aside[0] && n > 0 && (size_t) n < sizeof(f->told)) {
        f->recovered = 2;
        n += snprintf(f->told + n, sizeof(f->told) - (size_t) n,
                      "; what there was is kept as %s", aside);
    }

    if (v->scan.holes && n > 0 && (size_t) n < sizeof(f->told)) {
        f->recovered = 2;
        n += snprintf(f->told + n, sizeof(f->told) - (size_t) n,
                      "; %llu bytes of the journal in %u places were damaged,"
                      " it is kept as %s.damaged",
                      (unsigned long long) v->scan.lost, v->scan.holes,
                      v->name);
    }

    if (replayed->no_room && n > 0 && (size_t) n < sizeof(f->told)) {
        f->recovered = 2;
        snprintf(f->told + n, sizeof(f->told) - (size_t) n,
                 "; there was no room for %llu limits, raise max=",
                 (unsigned long long) replayed->no_room);
    }

}


int
genai_books_file_boot_id(uint64_t boot[2])
{
    int       fd;
    char      text[37], hex[33];
    ssize_t   n;
    unsigned  i, to;

    boot[0] = 0;
    boot[1] = 0;

    fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

    if (fd == -1) {
        return 0;
    }

    n = read(fd, text, sizeof(text) - 1);

    close(fd);

    to = 0;

    for (i = 0; n > 0 && i < (unsigned) n && to < 32; i++) {
        if (text[i] != '-') {
            hex[to++] = text[i];
        }
    }

    hex[to] = '\0';

    if (to < 32) {
        return 0;
    }

    boot[1] = strtoull(hex + 16, NULL, 16);
    hex[16] = '\0';
    boot[0] = strtoull(hex, NULL, 16);

    return 1;
}
