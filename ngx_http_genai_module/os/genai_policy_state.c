/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The state directory: what was last good, and snapshots.
 */


#include "genai_policy_files_int.h"
#include "genai_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>


#define GENAI_STATE_NEW       ".new"


static int genai_policy_state_unname(char dst[GENAI_POLICY_STATE_NAME],
    const char *name);
static int genai_policy_state_same(const char *path, const void *data,
    size_t len);
static int genai_policy_state_dir(const char *path);
static int genai_policy_state_sync(const char *path);
static int genai_policy_keep_goods(genai_policy_files_t *f);
static int genai_policy_keep_good(const char *state,
    genai_policy_good_t *good);
static int genai_policy_keep_revoked(genai_policy_files_t *f);
static int genai_policy_forget(genai_policy_files_t *f);
static int genai_policy_compare_names(const void *a, const void *b);


void
genai_policy_state_name(char dst[GENAI_POLICY_STATE_NAME], const char *name)
{
    char                 *end, *p;
    genai_str_t           s;
    const unsigned char  *q;
    unsigned char         digest[GENAI_DIGEST_LEN];

    static const char  hex[] = "0123456789abcdef";

    s.data = (unsigned char *) name + 1;
    s.len = GENAI_DIGEST_HEX;

    if (name[0] == '=' && strlen(name) == GENAI_DIGEST_HEX + 1
        && genai_digest_read(&s, digest) == 0)
    {
        /* of a name that could not be read back */

        strcpy(dst, name);
        return;
    }

    p = dst;
    end = dst + GENAI_POLICY_STATE_NAME - 16;

    for (q = (const unsigned char *) name; *q && p < end; q++) {

        if ((*q >= 'a' && *q <= 'z') || (*q >= 'A' && *q <= 'Z')
            || (*q >= '0' && *q <= '9') || *q == '_' || *q == '-'
            || (*q == '.' && p != dst))
        {
            *p++ = *q;
            continue;
        }

        *p++ = '%';
        *p++ = hex[*q >> 4];
        *p++ = hex[*q & 0x0f];
    }

    if (*q || p == dst) {

        /* too long for a file's name as soon as anything is escaped */

        genai_digest(name, strlen(name), digest);

        *dst = '=';
        p = (char *) genai_digest_write((unsigned char *) dst + 1, digest);
    }

    *p = '\0';
}


/* Returns 0, or -1 where it is not what a name of ours looks like. */

static int
genai_policy_state_unname(char dst[GENAI_POLICY_STATE_NAME], const char *name)
{
    size_t    len;
    unsigned  c;

    len = strlen(name);

    if (len >= GENAI_POLICY_STATE_NAME || name[0] == '.'
        || (len >= sizeof(GENAI_STATE_NEW) - 1
            && strcmp(name + len - (sizeof(GENAI_STATE_NEW) - 1),
                      GENAI_STATE_NEW) == 0))
    {
        return -1;
    }

    for ( /* void */ ; *name; name++) {

        if (*name != '%') {
            *dst++ = *name;
            continue;
        }

        if (sscanf(name + 1, "%2x", &c) != 1 || c == 0) {
            return -1;
        }

        *dst++ = c;
        name += 2;
    }

    *dst = '\0';

    return 0;
}


char *
genai_policy_state_path(const char *state, const char *sub, const char *name)
{
    char  *dir, *path;

    if (sub == NULL) {
        return genai_policy_join(state, name);
    }

    dir = genai_policy_join(state, sub);
    if (dir == NULL) {
        return NULL;
    }

    path = genai_policy_join(dir, name);

    free(dir);

    return path;
}


int
genai_policy_state_read(const char *state, const char *name, size_t max,
    char **text, size_t *len)
{
    int    rc;
    char  *path, file[GENAI_POLICY_STATE_NAME];

    genai_policy_state_name(file, name);

    path = genai_policy_state_path(state, GENAI_STATE_GOOD, file);
    if (path == NULL) {
        return ENOMEM;
    }

    rc = genai_file_read(path, max, text, len);

    free(path);

    return rc;
}


int
genai_policy_state_list(const char *state, char ***names, size_t *n)
{
    DIR            *dir;
    char           *path, *copy, name[GENAI_POLICY_STATE_NAME];
    void           *p;
    size_t          room;
    struct dirent  *entry;

    *names = NULL;
    *n = 0;

    path = genai_policy_join(state, GENAI_STATE_GOOD);
    if (path == NULL) {
        return ENOMEM;
    }

    dir = opendir(path);

    free(path);

    if (dir == NULL) {
        return errno;
    }

    room = 0;

    while ((entry = readdir(dir)) != NULL) {

        if (genai_policy_state_unname(name, entry->d_name) != 0) {
            continue;
        }

        if (*n == room) {
            room = room ? 2 * room : 16;

            p = realloc(*names, room * sizeof(char *));
            if (p == NULL) {
                break;
            }

            *names = p;
        }

        copy = strdup(name);
        if (copy == NULL) {
            break;
        }

        (*names)[(*n)++] = copy;
    }

    (void) closedir(dir);

    if (*n) {
        qsort(*names, *n, sizeof(char *), genai_policy_compare_names);
    }

    return entry ? ENOMEM : 0;
}


static int
genai_policy_compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *) a, *(char *const *) b);
}


int
genai_policy_state_write(const char *path, const void *data, size_t len)
{
    int      fd, rc;
    char    *temp;
    size_t   done;
    ssize_t  n;

    if (genai_policy_state_same(path, data, len)) {
        return 0;
    }

    done = strlen(path) + sizeof(".4294967295" GENAI_STATE_NEW);

    temp = malloc(done);
    if (temp == NULL) {
        return ENOMEM;
    }

    /* a master may write while a keeper does */

    (void) snprintf(temp, done, "%s.%u" GENAI_STATE_NEW, path,
                    (unsigned) getpid());

    /* one that is left of a crash goes, and no link is followed */

    (void) unlink(temp);

    fd = open(temp, O_WRONLY|O_CREAT|O_EXCL|O_NOFOLLOW|O_CLOEXEC, 0600);

    if (fd == -1) {
        rc = errno;
        free(temp);
        return rc;
    }

    rc = 0;

    for (done = 0; done < len; done += n) {

        n = write(fd, (const char *) data + done, len - done);

        if (n == -1) {

            if (errno == EINTR) {
                n = 0;
                continue;
            }

            rc = errno;
            break;
        }
    }

    /* a power loss must not leave a name without its content */

    if (rc == 0 && fdatasync(fd) == -1) {
        rc = errno;
    }

    if (close(fd) == -1 && rc == 0) {
        rc = errno;
    }

    if (rc == 0 && rename(temp, path) == -1) {
        rc = errno;
    }

    if (rc) {
        (void) unlink(temp);
    }

    free(temp);

    return rc;
}


static int
genai_policy_state_same(const char *path, const void *data, size_t len)
{
    int          fd, same;
    void        *p;
    struct stat  st;

    fd = open(path, O_RDONLY|O_NONBLOCK|O_NOFOLLOW|O_CLOEXEC);
    if (fd == -1) {
        return 0;
    }

    same = 0;

    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)
        && (uint64_t) st.st_size == len)
    {
        if (len == 0) {
            same = 1;

        } else {
            p = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);

            if (p != MAP_FAILED) {
                same = (memcmp(p, data, len) == 0);
                (void) munmap(p, len);
            }
        }
    }

    (void) close(fd);

    return same;
}


/*
 * Whoever can write into it makes policies: what is there must be ours alone,
 * and no link.
 */

static int
genai_policy_state_dir(const char *path)
{
    int  fd;

    if (mkdir(path, 0700) == -1 && errno != EEXIST) {
        return errno;
    }

    fd = genai_policy_state_open(AT_FDCWD, path);
    if (fd == -1) {
        return errno;
    }

    (void) close(fd);

    return 0;
}


int
genai_policy_state_open(int at, const char *path)
{
    int          fd;
    struct stat  st;

    fd = openat(at, path, O_RDONLY|O_DIRECTORY|O_NOFOLLOW|O_CLOEXEC);

    if (fd == -1) {
        return -1;
    }

    if (fstat(fd, &st) == -1 || st.st_uid != geteuid()
        || (st.st_mode & (S_IWGRP|S_IWOTH)))
    {
        (void) close(fd);
        errno = EPERM;
        return -1;
    }

    return fd;
}


static int
genai_policy_state_sync(const char *path)
{
    int  fd, rc;

    fd = open(path, O_RDONLY|O_DIRECTORY|O_CLOEXEC);
    if (fd == -1) {
        return errno;
    }

    /* some file systems cannot, and need not */

    rc = (fsync(fd) == -1 && errno != EINVAL) ? errno : 0;

    (void) close(fd);

    return rc;
}


int
genai_policy_files_keep(genai_policy_files_t *f)
{
    int    rc, err;
    char  *good;

    if (f->state == NULL) {
        return 0;
    }

    good = genai_policy_join(f->state, GENAI_STATE_GOOD);
    if (good == NULL) {
        return ENOMEM;
    }

    rc = genai_policy_state_dir(f->state);

    if (rc == 0) {
        rc = genai_policy_state_dir(good);
    }

    if (rc == 0) {
        rc = genai_policy_keep_goods(f);

        err = genai_policy_keep_revoked(f);
        rc = rc ? rc : err;

        if (!f->gone && f->builder) {
            err = genai_policy_forget(f);
            rc = rc ? rc : err;
        }

        err = genai_policy_state_sync(good);
        rc = rc ? rc : err;
    }

    free(good);

    return rc;
}


static int
genai_policy_keep_goods(genai_policy_files_t *f)
{
    int                   rc, err;
    size_t                i;
    genai_policy_good_t  *good;

    rc = 0;

    for (i = 0; i < f->ngoods; i++) {

        good = &f->goods[i];

        if (good->text == NULL) {
            continue;
        }

        err = good->saved ? 0 : genai_policy_keep_good(f->state, good);

        if (err == 0) {
            good->saved = 1;

            /* it is read from there when it is needed */

            free(good->text);
            good->text = NULL;
        }

        rc = rc ? rc : err;
    }

    return rc;
}


static int
genai_policy_keep_good(const char *state, genai_policy_good_t *good)
{
    int    rc;
    char  *path, name[GENAI_POLICY_STATE_NAME];

    genai_policy_state_name(name, good->name);

    path = genai_policy_state_path(state, GENAI_STATE_GOOD, name);
    if (path == NULL) {
        return ENOMEM;
    }

    rc = genai_policy_state_write(path, good->text, good->len);

    free(path);

    return rc;
}


static int
genai_policy_keep_revoked(genai_policy_files_t *f)
{
    int    rc;
    char  *path;

    if (f->revoked == NULL || f->list.saved || f->builder == NULL) {
        return 0;
    }

    path = genai_policy_join(f->state, GENAI_STATE_REVOKED);
    if (path == NULL) {
        return ENOMEM;
    }

    if (f->list.text) {
        rc = genai_policy_state_write(path, f->list.text, f->list.len);

    } else {
        rc = (unlink(path) == -1 && errno != ENOENT) ? errno : 0;
    }

    f->list.saved = (rc == 0);

    free(path);

    return rc;
}


/* removes what is of fragments that are gone */

static int
genai_policy_forget(genai_policy_files_t *f)
{
    DIR            *dir;
    int             rc;
    char           *path, *file, **names, (*known)[GENAI_POLICY_STATE_NAME];
    size_t          i;
    struct dirent  *entry;

    rc = ENOMEM;
    known = malloc((f->ngoods + 1) * sizeof(known[0]));
    names = malloc((f->ngoods + 1) * sizeof(char *));
    path = genai_policy_join(f->state, GENAI_STATE_GOOD);

    if (known == NULL || names == NULL || path == NULL) {
        goto done;
    }

    for (i = 0; i < f->ngoods; i++) {
        genai_policy_state_name(known[i], f->goods[i].name);
        names[i] = known[i];
    }

    qsort(names, f->ngoods, sizeof(char *), genai_policy_compare_names);

    dir = opendir(path);

    if (dir == NULL) {
        rc = errno;
        goto done;
    }

    rc = 0;

    while ((entry = readdir(dir)) != NULL) {

        file = entry->d_name;

        if (strcmp(file, ".") == 0 || strcmp(file, "..") == 0
            || bsearch(&file, names, f->ngoods, sizeof(char *),
                       genai_policy_compare_names))
        {
            continue;
        }

        if (unlinkat(dirfd(dir), file, 0) == -1 && errno != ENOENT
            && errno != EISDIR)
        {
            rc = errno;
        }
    }

    (void) closedir(dir);

done:

    free(known);
    free(names);
    free(path);

    return rc;
}


int
genai_policy_files_publish(const char *state, uint64_t generation,
    const void *data, size_t size)
{
    int    rc, err;
    char  *path, name[64];

    (void) snprintf(name, sizeof(name), GENAI_STATE_SNAPSHOT "%llu",
                    (unsigned long long) generation);

    path = genai_policy_join(state, name);
    if (path == NULL) {
        return ENOMEM;
    }

    rc = genai_policy_state_dir(state);

    if (rc == 0) {
        rc = genai_policy_state_write(path, data, size);

        if (rc == ENOSPC || rc == EDQUOT) {
            err = genai_policy_spare_use(state, path, data, size);
            rc = err ? rc : 0;
        }
    }

    if (rc == 0) {
        genai_policy_spare_keep(state, size);
    }

    free(path);

    return rc;
}


int
genai_policy_files_map(const char *state, uint64_t generation, void **addr,
    size_t *size)
{
    int                    fd, rc;
    char                  *path, name[64];
    void                  *p;
    struct stat            st;
    const genai_policy_t  *policy;

    (void) snprintf(name, sizeof(name), GENAI_STATE_SNAPSHOT "%llu",
                    (unsigned long long) generation);

    path = genai_policy_join(state, name);
    if (path == NULL) {
        return ENOMEM;
    }

    fd = open(path, O_RDONLY|O_NONBLOCK|O_NOFOLLOW|O_CLOEXEC);
    rc = (fd == -1) ? errno : 0;

    free(path);

    if (rc) {
        return rc;
    }

    if (fstat(fd, &st) == -1) {
        rc = errno;

    } else if (S_ISREG(st.st_mode)
               && (st.st_uid != geteuid() || st.st_nlink > 1))
    {
        /* others could change it, or cut it under those who have it mapped */

        rc = EPERM;

    } else if (!S_ISREG(st.st_mode)
               || st.st_size < (off_t) sizeof(genai_policy_t))
    {
        rc = EINVAL;

    } else {
        p = mmap(NULL, st.st_size, PROT_READ, MAP_SHARED, fd, 0);

        if (p == MAP_FAILED) {
            rc = errno;

        } else if (genai_policy_open(p, st.st_size, &policy) != NULL) {
            (void) munmap(p, st.st_size);
            rc = EINVAL;

        } else {
            *addr = p;
            *size = st.st_size;
        }
    }

    (void) close(fd);

    return rc;
}
