/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Room that is kept beside a snapshot, so that the next one can be published
 * on a disk that is full: what is revoked then is revoked all the same.
 */


#include "genai_policy_files_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>


/* genai_policy_files_clear() removes all that begins with "revoked" */
#define GENAI_POLICY_SPARE  "revoked.spare"


int
genai_policy_files_there(const char *state, uint64_t generation)
{
    int          gone;
    char        *path, name[64];
    struct stat  st;

    (void) snprintf(name, sizeof(name), "snapshot.%llu",
                    (unsigned long long) generation);

    path = genai_policy_join(state, name);
    if (path == NULL) {
        return 1;
    }

    gone = (stat(path, &st) == -1 && errno == ENOENT);

    free(path);

    return !gone;
}


void
genai_policy_spare_keep(const char *state, size_t size)
{
    int          fd;
    char        *path;
    struct stat  st;

    path = genai_policy_join(state, GENAI_POLICY_SPARE);
    if (path == NULL) {
        return;
    }

    fd = open(path, O_WRONLY|O_CREAT|O_NOFOLLOW|O_NONBLOCK|O_CLOEXEC, 0600);

    if (fd != -1) {

        if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {

            /* what of it is a hole is filled, what is too much given back */

            if (st.st_size > (off_t) size) {
                (void) !ftruncate(fd, size);
            }

            (void) posix_fallocate(fd, 0, size);
        }

        (void) close(fd);
    }

    free(path);
}


int
genai_policy_spare_use(const char *state, const char *path, const void *data,
    size_t size)
{
    int      fd, rc;
    char    *spare, *temp;
    size_t   done, len;
    ssize_t  n;

    len = strlen(path) + sizeof(".4294967295.new");

    spare = genai_policy_join(state, GENAI_POLICY_SPARE);
    temp = malloc(len);

    if (spare == NULL || temp == NULL) {
        free(spare);
        free(temp);
        return ENOMEM;
    }

    (void) snprintf(temp, len, "%s.%u.new", path, (unsigned) getpid());

    /* who has renamed it has it alone */

    if (rename(spare, temp) == -1) {
        rc = errno;
        goto done;
    }

    fd = open(temp, O_WRONLY|O_NOFOLLOW|O_NONBLOCK|O_CLOEXEC);

    if (fd == -1) {
        rc = errno;
        goto done;
    }

    rc = 0;

    for (done = 0; done < size; done += n) {

        n = pwrite(fd, (const char *) data + done, size - done, done);

        if (n == -1) {

            if (errno == EINTR) {
                n = 0;
                continue;
            }

            rc = errno;
            break;
        }
    }

    if (rc == 0 && (ftruncate(fd, size) == -1 || fdatasync(fd) == -1)) {
        rc = errno;
    }

    if (close(fd) == -1 && rc == 0) {
        rc = errno;
    }

    if (rc == 0 && rename(temp, path) == -1) {
        rc = errno;
    }

    if (rc) {
        (void) rename(temp, spare);
    }

done:

    free(spare);
    free(temp);

    return rc;
}
