/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the tests share that kill processes at a store to the books.
 */


#ifndef _GENAI_TEST_BOOKS_KILL_H_INCLUDED_
#define _GENAI_TEST_BOOKS_KILL_H_INCLUDED_


#include "books.h"
#include "genai_books_int.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>


static genai_books_file_t   region;
static unsigned             steps, kill_at, stop_at;


/* a store: set as genai_books_step */

static void
step(void)
{
    steps++;

    if (steps == kill_at) {
        raise(SIGKILL);
    }

    if (steps == stop_at) {
        raise(SIGSTOP);
    }
}


static genai_books_t *
join(void)
{
    genai_process_id_t  self;

    genai_process_self(&self);

    return genai_books_join(region.addr, region.mapped, region.max, &self,
                            &region.os, 0);
}


/* the calling process joins, to be killed at a store */

TAP_UNUSED static genai_books_t *
join_to_die(void)
{
    genai_books_t  *b;

    genai_books_step = step;

    b = join();
    if (b == NULL) {
        _exit(3);
    }

    return b;
}


TAP_UNUSED static void *
shared(size_t size)
{
    void  *p;

    p = mmap(NULL, size, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_ANONYMOUS, -1,
             0);

    if (p == MAP_FAILED) {
        fail("no shared memory");
        exit(1);
    }

    return p;
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


/*
 * Runs what a process does, which ends it, and kills it at that store, 0 for
 * none; returns whether it was killed.
 */

static int
run_to_die(void (*life)(const void *data), const void *data, unsigned at)
{
    int    status;
    pid_t  pid;

    pid = fork();

    if (pid == 0) {
        kill_at = at;
        steps = 0;

        life(data);
        _exit(0);
    }

    must_wait(pid, &status);

    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) {
        return 1;
    }

    quiet_ok(WIFEXITED(status) && WEXITSTATUS(status) == 0,
             "ends by itself: %x", status);

    return 0;
}


#endif /* _GENAI_TEST_BOOKS_KILL_H_INCLUDED_ */
