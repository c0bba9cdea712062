/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "genai_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>


#define GENAI_FILE_STEP  4096


int
genai_file_read(const char *path, size_t max, char **data, size_t *len)
{
    int          fd, err;
    char        *buf, *p;
    size_t       size, room;
    ssize_t      n;
    struct stat  st;

    fd = open(path, O_RDONLY|O_NONBLOCK|O_CLOEXEC);
    if (fd == -1) {
        return errno;
    }

    if (fstat(fd, &st) == -1) {
        err = errno;
        close(fd);
        return err;
    }

    if (S_ISDIR(st.st_mode)) {
        close(fd);
        return EISDIR;
    }

    /* st_size is a hint only: it is 0 for pipes and for /proc */

    room = (st.st_size > 0 && (size_t) st.st_size <= max)
               ? (size_t) st.st_size + 1 : GENAI_FILE_STEP;
    size = 0;

    buf = malloc(room + 1);
    if (buf == NULL) {
        close(fd);
        return ENOMEM;
    }

    for ( ;; ) {

        n = read(fd, buf + size, room - size);

        if (n == -1 && errno == EINTR) {
            continue;
        }

        if (n <= 0) {
            break;
        }

        size += n;

        if (size > max) {
            errno = EFBIG;
            n = -1;
            break;
        }

        if (size == room) {
            room *= 2;

            p = realloc(buf, room + 1);
            if (p == NULL) {
                errno = ENOMEM;
                n = -1;
                break;
            }

            buf = p;
        }
    }

    err = (n == -1) ? errno : 0;

    close(fd);

    if (err) {
        free(buf);
        return err;
    }

    buf[size] = '\0';

    *data = buf;
    *len = size;

    return 0;
}


int
genai_file_map_shared(const char *path, size_t size, void **addr)
{
    int          fd, err;
    void        *p;
    struct stat  st;

    fd = open(path, O_RDWR|O_CREAT|O_CLOEXEC, 0600);
    if (fd == -1) {
        return errno;
    }

    err = 0;

    if (fstat(fd, &st) == -1
        || (st.st_size < (off_t) size && ftruncate(fd, size) == -1))
    {
        err = errno;

    } else {
        p = mmap(NULL, size, PROT_READ|PROT_WRITE, MAP_SHARED, fd, 0);

        if (p == MAP_FAILED) {
            err = errno;

        } else {
            *addr = p;
        }
    }

    close(fd);

    return err;
}


void
genai_file_stamp(const char *path, genai_file_stamp_t *stamp)
{
    struct stat  st;

    memset(stamp, 0, sizeof(genai_file_stamp_t));

    if (stat(path, &st) != 0) {
        stamp->error = errno;
        return;
    }

    stamp->device = st.st_dev;
    stamp->inode = st.st_ino;
    stamp->mode = st.st_mode;
    stamp->size = st.st_size;
    stamp->mtime = (int64_t) st.st_mtim.tv_sec * 1000000000
                   + st.st_mtim.tv_nsec;
    stamp->ctime = (int64_t) st.st_ctim.tv_sec * 1000000000
                   + st.st_ctim.tv_nsec;
}


int
genai_file_stamp_differs(const genai_file_stamp_t *a,
    const genai_file_stamp_t *b)
{
    /* it has no padding */

    return memcmp(a, b, sizeof(genai_file_stamp_t)) != 0;
}
