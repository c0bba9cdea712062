/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "genai_file.h"
#include "genai_split_pattern.h"
#include "genai_vocab_build.h"
#include "genai_vocab_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>


/* memory that a reader may take, above that of the file */
#define GENAI_VOCAB_FILE_ARENA  ((size_t) 2 << 30)


static int genai_vocab_file_fail(char *problem, const char *path,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static int genai_vocab_file_map(genai_vocab_file_t *f, const char *path,
    int *other, char *problem);
static int genai_vocab_file_map_fd(genai_vocab_file_t *f, int fd,
    const char *path, int *other, char *problem);
static int genai_vocab_file_share(genai_vocab_file_t *f,
    const genai_str_t *image, const char *path, char *problem);
static int genai_vocab_file_view(genai_vocab_file_t *f, const char *path,
    char *problem);
static int genai_vocab_file_write_fd(int fd, const genai_str_t *image);


int
genai_vocab_file_open(genai_vocab_file_t *f, const char *path,
    const genai_str_t *name, genai_split_e split,
    char problem[GENAI_VOCAB_FILE_PROBLEM])
{
    int          rc, other;
    genai_str_t  image;

    memset(f, 0, sizeof(genai_vocab_file_t));

    rc = genai_vocab_file_map(f, path, &other, problem);

    if (rc == 0 && other) {

        rc = genai_vocab_file_compile(&image, path, name, split, problem);

        if (rc == 0) {
            rc = genai_vocab_file_share(f, &image, path, problem);
            free(image.data);
        }
    }

    if (rc == 0) {
        rc = genai_vocab_file_view(f, path, problem);
    }

    if (rc != 0) {
        genai_vocab_file_close(f);
    }

    return rc;
}


/* *other tells that the file is not compiled; f->addr is then NULL */

static int
genai_vocab_file_map(genai_vocab_file_t *f, const char *path, int *other,
    char *problem)
{
    int  fd, rc;

    *other = 0;

    fd = open(path, O_RDONLY|O_NONBLOCK|O_CLOEXEC);

    if (fd == -1) {
        return genai_vocab_file_fail(problem, path, "%s", strerror(errno));
    }

    rc = genai_vocab_file_map_fd(f, fd, path, other, problem);

    (void) close(fd);

    return rc;
}


static int
genai_vocab_file_map_fd(genai_vocab_file_t *f, int fd, const char *path,
    int *other, char *problem)
{
    char         magic[sizeof(GENAI_VOCAB_MAGIC) - 1];
    void        *p;
    ssize_t      n;
    struct stat  st;

    if (fstat(fd, &st) != 0) {
        return genai_vocab_file_fail(problem, path, "%s", strerror(errno));
    }

    if (S_ISDIR(st.st_mode)) {
        return genai_vocab_file_fail(problem, path, "%s", strerror(EISDIR));
    }

    /* what is no file of its own is read, but not mapped */

    n = S_ISREG(st.st_mode) ? pread(fd, magic, sizeof(magic), 0) : 0;

    if (n == -1) {
        return genai_vocab_file_fail(problem, path, "%s", strerror(errno));
    }

    if (n != sizeof(magic)
        || memcmp(magic, GENAI_VOCAB_MAGIC, sizeof(magic)) != 0)
    {
        *other = 1;
        return 0;
    }

    if ((uint64_t) st.st_size > SIZE_MAX / 2) {
        return genai_vocab_file_fail(problem, path, "%s", strerror(EFBIG));
    }

    p = mmap(NULL, st.st_size, PROT_READ, MAP_SHARED, fd, 0);

    if (p == MAP_FAILED) {
        return genai_vocab_file_fail(problem, path, "it cannot be mapped: %s",
                                     strerror(errno));
    }

    f->addr = p;
    f->size = st.st_size;
    f->compiled = 1;

    return 0;
}


/* memory that children have, too, and that nobody can write to any more */

static int
genai_vocab_file_share(genai_vocab_file_t *f, const genai_str_t *image,
    const char *path, char *problem)
{
    void  *p;

    p = mmap(NULL, image->len, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_ANONYMOUS,
             -1, 0);

    if (p == MAP_FAILED) {
        return genai_vocab_file_fail(problem, path, "there is no memory for"
                                     " it: %s", strerror(errno));
    }

    memcpy(p, image->data, image->len);

    (void) mprotect(p, image->len, PROT_READ);

    f->addr = p;
    f->size = image->len;

    return 0;
}


static int
genai_vocab_file_view(genai_vocab_file_t *f, const char *path, char *problem)
{
    char  error[GENAI_VOCAB_ERROR_MAX];

    if (genai_vocab_open(&f->vocab, f->addr, f->size, error) != 0) {
        return genai_vocab_file_fail(problem, path, "%s", error);
    }

    if (f->vocab.split == GENAI_SPLIT_PATTERN) {

        f->pattern = genai_split_pattern_compile(&f->vocab.pattern, error,
                                                 sizeof(error));
        if (f->pattern == NULL) {
            return genai_vocab_file_fail(problem, path, "its expression is not"
                                         " known: %s", error);
        }

        f->vocab.split_pattern = f->pattern;
    }

    return 0;
}


void
genai_vocab_file_close(genai_vocab_file_t *f)
{
    genai_split_pattern_free(f->pattern);

    if (f->addr) {
        (void) munmap(f->addr, f->size);
    }

    memset(f, 0, sizeof(genai_vocab_file_t));
}


int
genai_vocab_file_compile(genai_str_t *image, const char *path,
    const genai_str_t *name, genai_split_e split,
    char problem[GENAI_VOCAB_FILE_PROBLEM])
{
    int                    rc;
    char                   error[GENAI_VOCAB_ERROR_MAX], *text;
    size_t                 len;
    genai_str_t            data;
    genai_arena_t          arena;
    genai_vocab_source_t   source;

    rc = genai_file_read(path, GENAI_VOCAB_FILE_MAX, &text, &len);

    if (rc != 0) {
        return genai_vocab_file_fail(problem, path, "%s", strerror(rc));
    }

    data.data = (unsigned char *) text;
    data.len = len;

    genai_arena_init(&arena, GENAI_VOCAB_FILE_ARENA);

    rc = genai_vocab_read(&source, &arena, name, split, &data, error);

    if (rc == 0) {
        rc = genai_vocab_build(&source, image, error);
    }

    genai_arena_destroy(&arena);
    free(text);

    return rc ? genai_vocab_file_fail(problem, path, "%s", error) : 0;
}


int
genai_vocab_file_write(const char *path, const genai_str_t *image,
    char problem[GENAI_VOCAB_FILE_PROBLEM])
{
    int     fd, err;
    char   *temp;
    size_t  size;

    size = strlen(path) + sizeof(".4294967295.tmp");

    temp = malloc(size);
    if (temp == NULL) {
        return genai_vocab_file_fail(problem, path, "%s", strerror(ENOMEM));
    }

    (void) snprintf(temp, size, "%s.%u.tmp", path, (unsigned) getpid());

    fd = open(temp, O_WRONLY|O_CREAT|O_TRUNC|O_CLOEXEC|O_NOFOLLOW, 0644);

    if (fd == -1) {
        err = errno;

    } else {
        err = genai_vocab_file_write_fd(fd, image);

        if (close(fd) != 0 && err == 0) {
            err = errno;
        }

        if (err == 0 && rename(temp, path) != 0) {
            err = errno;
        }

        if (err) {
            (void) unlink(temp);
        }
    }

    free(temp);

    return err ? genai_vocab_file_fail(problem, path, "it cannot be written:"
                                       " %s", strerror(err))
               : 0;
}


static int
genai_vocab_file_write_fd(int fd, const genai_str_t *image)
{
    size_t   done;
    ssize_t  n;

    for (done = 0; done < image->len; done += n) {

        n = write(fd, image->data + done, image->len - done);

        if (n == -1) {

            if (errno != EINTR) {
                return errno;
            }

            n = 0;
        }
    }

    return 0;
}


genai_split_e
genai_vocab_file_split(const genai_str_t *name)
{
    unsigned     split;
    const char  *known;

    for (split = GENAI_SPLIT_R50K; split < GENAI_SPLIT_SPACE; split++) {

        known = genai_split_name(split);

        if (strlen(known) == name->len
            && memcmp(known, name->data, name->len) == 0)
        {
            return split;
        }
    }

    return GENAI_SPLIT_LAST;
}


static int
genai_vocab_file_fail(char *problem, const char *path, const char *fmt, ...)
{
    int      n;
    va_list  args;

    n = snprintf(problem, GENAI_VOCAB_FILE_PROBLEM, "\"%.700s\": ", path);

    va_start(args, fmt);
    (void) vsnprintf(problem + n, GENAI_VOCAB_FILE_PROBLEM - n, fmt, args);
    va_end(args);

    return -1;
}
