/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Who a process is, and whether it lives: a pid is used again, a pid with its
 * start time is not.  A zombie is dead: it stores nothing any more.
 */


#include "genai_books_file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>


static int genai_process_stat(const char *path, char *state, uint64_t *start);


void
genai_process_self(genai_process_id_t *id)
{
    char  state;

    id->pid = (uint32_t) getpid();
    id->unused = 0;

    if (genai_process_stat("/proc/self/stat", &state, &id->start) != 0) {
        id->start = 0;
    }
}


int
genai_process_alive(const genai_process_id_t *id)
{
    char      state, path[64];
    uint64_t  start;

    if (id->pid == 0 || id->pid > INT32_MAX) {
        return 0;
    }

    if (kill((pid_t) id->pid, 0) == -1 && errno == ESRCH) {
        return 0;
    }

    snprintf(path, sizeof(path), "/proc/%u/stat", (unsigned) id->pid);

    if (genai_process_stat(path, &state, &start) != 0) {

        /* it has just died, or /proc shows nothing to us */

        return !(kill((pid_t) id->pid, 0) == -1 && errno == ESRCH);
    }

    if (state == 'Z' || state == 'X' || state == 'x') {
        return 0;
    }

    return id->start == 0 || start == 0 || start == id->start;
}


/* a name in parentheses may have anything in it; the start time is number 22 */

static int
genai_process_stat(const char *path, char *state, uint64_t *start)
{
    int       fd;
    char      buf[1024], *p;
    ssize_t   n;
    unsigned  i;

    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd == -1) {
        return -1;
    }

    n = read(fd, buf, sizeof(buf) - 1);

    close(fd);

    if (n <= 0) {
        return -1;
    }

    buf[n] = '\0';

    p = strrchr(buf, ')');

    if (p == NULL || p[1] != ' ' || p[2] == '\0') {
        return -1;
    }

    p += 2;
    *state = *p;

    for (i = 3; i < 22; i++) {
        p = strchr(p, ' ');

        if (p == NULL) {
            return -1;
        }

        p++;
    }

    *start = strtoull(p, NULL, 10);

    return 0;
}
