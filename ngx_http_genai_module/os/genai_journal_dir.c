/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The files of the journal in their directory: which there are, reading the
 * one that counts, removing them.
 */


#include "genai_books_file_int.h"
#include "genai_journal_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>


static uint64_t genai_journal_number(const char *name);
static DIR *genai_journal_list(int dirfd);
static int genai_journal_map(genai_journal_view_t *v, int dirfd,
    uint64_t number);


/* of a file's name, or 0 */

static uint64_t
genai_journal_number(const char *name)
{
    uint64_t     n;
    const char  *p;

    if (strncmp(name, "journal.", 8) != 0) {
        return 0;
    }

    n = 0;

    for (p = name + 8; *p >= '0' && *p <= '9' && p < name + 8 + 18; p++) {
        n = n * 10 + (uint64_t) (*p - '0');
    }

    return *p ? 0 : n;
}


static DIR *
genai_journal_list(int dirfd)
{
    int   fd;
    DIR  *d;

    fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd == -1) {
        return NULL;
    }

    d = fdopendir(fd);

    if (d == NULL) {
        close(fd);
    }

    return d;
}


unsigned
genai_journal_sweep(int dirfd, uint64_t below)
{
    DIR            *d;
    uint64_t        number;
    unsigned        n;
    struct dirent  *e;

    d = genai_journal_list(dirfd);
    if (d == NULL) {
        return 0;
    }

    n = 0;

    while ((e = readdir(d)) != NULL) {
        number = genai_journal_number(e->d_name);

        if (number && number < below) {
            genai_journal_step();
            n += (unlinkat(dirfd, e->d_name, 0) == 0);
        }
    }

    closedir(d);

    return n;
}


unsigned
genai_journal_remove(const genai_books_file_t *f, const char *dir)
{
    int             fd;
    unsigned        n;
    genai_books_t  *b;

    b = genai_books_view(f->addr, f->mapped);

    if (b) {
        genai_journal_current_set(b, 0, 0, 0);
        genai_books_word_set(b, GENAI_WORD_JOURNAL, 0);
        genai_books_leave(b);
    }

    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd == -1) {
        return 0;
    }

    n = genai_journal_sweep(fd, UINT64_MAX);

    close(fd);

    return n;
}


int
genai_journal_view(genai_journal_view_t *v, int dirfd, int aside)
{
    int       err;
    char      name[64];
    uint64_t  number;

    memset(v, 0, sizeof(genai_journal_view_t));

    /* from the highest one down, until one can be used */

    number = UINT64_MAX;

    for ( ;; ) {
        number = genai_journal_highest(dirfd, number);

        if (number == 0) {
            return ENOENT;
        }

        err = genai_journal_map(v, dirfd, number);

        if (err == 0 && v->data && v->scan.head.number != number) {
            genai_journal_unmap(v);
            err = EBADMSG;
        }

        if (err) {
            v->broken++;

            if (aside) {
                snprintf(name, sizeof(name), "%s.damaged", v->name);
                (void) renameat(dirfd, v->name, dirfd, name);
            }

            continue;
        }

        if (v->data == NULL) {
            v->unfinished++;
            continue;
        }

        if (genai_journal_usable(&v->scan)) {
            return 0;
        }

        v->unfinished++;
        genai_journal_unmap(v);
    }
}


uint64_t
genai_journal_highest(int dirfd, uint64_t below)
{
    DIR            *d;
    uint64_t        number, best;
    struct dirent  *e;

    d = genai_journal_list(dirfd);
    if (d == NULL) {
        return 0;
    }

    best = 0;

    while ((e = readdir(d)) != NULL) {
        number = genai_journal_number(e->d_name);

        if (number < below && number > best) {
            best = number;
        }
    }

    closedir(d);

    return best;
}


/* returns 0, without data where it is too short; or an errno value */

static int
genai_journal_map(genai_journal_view_t *v, int dirfd, uint64_t number)
{
    int          fd, err;
    void        *p;
    struct stat  st;

    snprintf(v->name, sizeof(v->name), "journal.%llu",
             (unsigned long long) number);

    fd = openat(dirfd, v->name,
                O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);

    if (fd == -1) {
        return errno;
    }

    err = 0;

    if (fstat(fd, &st) == -1) {
        err = errno;

    } else if (!S_ISREG(st.st_mode)
               || (off_t) (size_t) st.st_size != st.st_size)
    {
        err = EINVAL;

    } else if (st.st_size >= GENAI_JOURNAL_HEAD) {

        p = mmap(NULL, (size_t) st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);

        if (p == MAP_FAILED) {
            err = errno;

        } else {
            v->data = p;
            v->size = (uint64_t) st.st_size;

            if (genai_journal_scan(p, v->size, &v->scan) != 0) {
                genai_journal_unmap(v);
                err = EBADMSG;
            }
        }
    }

    close(fd);

    return err;
}


void
genai_journal_unmap(genai_journal_view_t *v)
{
    if (v->data) {
        munmap((void *) (uintptr_t) v->data, (size_t) v->size);
        v->data = NULL;
    }
}


unsigned
genai_journal_verify(const char *dir,
    void (*say)(void *data, const char *text), void *data,
    char text[GENAI_JOURNAL_PROBLEM])
{
    int                   fd, none;
    char                  when[32], told[GENAI_JOURNAL_PROBLEM];
    time_t                sec;
    unsigned              faults;
    struct tm             tm;
    genai_journal_view_t  v;

    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd == -1) {
        snprintf(text, GENAI_JOURNAL_PROBLEM, "none");
        return 0;
    }

    none = (genai_journal_view(&v, fd, 0) != 0);

    close(fd);

    faults = v.broken;

    if (v.broken && say) {
        snprintf(told, sizeof(told), "journal: %u files cannot be used",
                 v.broken);
        say(data, told);
    }

    if (none) {
        snprintf(text, GENAI_JOURNAL_PROBLEM, "none");
        return faults;
    }

    faults += v.scan.holes;

    if (v.scan.holes && say) {
        snprintf(told, sizeof(told), "%s: %llu bytes in %u places are damaged",
                 v.name, (unsigned long long) v.scan.lost, v.scan.holes);
        say(data, told);
    }

    sec = (time_t) (v.scan.last / 1000);

    if (gmtime_r(&sec, &tm) == NULL
        || strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
    {
        strcpy(when, "-");
    }

    snprintf(text, GENAI_JOURNAL_PROBLEM, "%s: %llu records in %llu bytes, as"
             " of %s", v.name, (unsigned long long) v.scan.records,
             (unsigned long long) v.size, when);

    genai_journal_unmap(&v);

    return faults;
}
