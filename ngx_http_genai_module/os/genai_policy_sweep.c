/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What is removed from state directories, and which of them as a whole.
 */


#include "genai_policy_files_int.h"
#include "genai_books_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>


static int genai_policy_state_snapshot(const char *name, uint64_t generation);
static void genai_policy_clear(int fd);
static int genai_policy_state_owner(const char *name, genai_process_id_t *id);


void
genai_policy_files_prune(const char *state, uint64_t generation)
{
    DIR            *dir;
    struct dirent  *entry;

    dir = opendir(state);

    if (dir == NULL) {
        return;
    }

    while ((entry = readdir(dir)) != NULL) {
        if (genai_policy_state_snapshot(entry->d_name, generation)) {
            (void) unlinkat(dirfd(dir), entry->d_name, 0);
        }
    }

    (void) closedir(dir);
}


/* whether it is one that is older than generation, or a part of one */

static int
genai_policy_state_snapshot(const char *name, uint64_t generation)
{
    char  *end;

    if (strncmp(name, GENAI_STATE_SNAPSHOT, sizeof(GENAI_STATE_SNAPSHOT) - 1)
        != 0)
    {
        return 0;
    }

    name += sizeof(GENAI_STATE_SNAPSHOT) - 1;

    return *name >= '0' && *name <= '9'
           && strtoull(name, &end, 10) < generation
           && (*end == '\0' || *end == '.');
}


void
genai_policy_files_clear(const char *state)
{
    int  fd;

    fd = open(state, O_RDONLY|O_DIRECTORY|O_NOFOLLOW|O_CLOEXEC);

    if (fd != -1) {
        genai_policy_clear(fd);
        (void) rmdir(state);
    }
}


/* closes fd */

static void
genai_policy_clear(int fd)
{
    int             good;
    DIR            *dir;
    struct dirent  *entry;

    good = openat(fd, GENAI_STATE_GOOD,
                  O_RDONLY|O_DIRECTORY|O_NOFOLLOW|O_CLOEXEC);

    dir = (good == -1) ? NULL : fdopendir(good);

    if (dir) {

        while ((entry = readdir(dir)) != NULL) {
            if (strcmp(entry->d_name, ".") != 0
                && strcmp(entry->d_name, "..") != 0)
            {
                (void) unlinkat(good, entry->d_name, 0);
            }
        }

        (void) closedir(dir);
        (void) unlinkat(fd, GENAI_STATE_GOOD, AT_REMOVEDIR);

    } else if (good != -1) {
        (void) close(good);
    }

    dir = fdopendir(fd);

    if (dir == NULL) {
        (void) close(fd);
        return;
    }

    while ((entry = readdir(dir)) != NULL) {

        if (genai_policy_state_snapshot(entry->d_name, UINT64_MAX)
            || strncmp(entry->d_name, GENAI_STATE_REVOKED,
                       sizeof(GENAI_STATE_REVOKED) - 1) == 0)
        {
            (void) unlinkat(fd, entry->d_name, 0);
        }
    }

    (void) closedir(dir);
}


void
genai_policy_files_sweep(const char *parent)
{
    int                  fd;
    DIR                 *dir;
    struct dirent       *entry;
    genai_process_id_t   id;

    dir = opendir(parent);

    if (dir == NULL) {
        return;
    }

    while ((entry = readdir(dir)) != NULL) {

        if (genai_policy_state_owner(entry->d_name, &id) != 0
            || genai_process_alive(&id))
        {
            continue;
        }

        fd = genai_policy_state_open(dirfd(dir), entry->d_name);

        if (fd != -1) {
            genai_policy_clear(fd);
            (void) unlinkat(dirfd(dir), entry->d_name, AT_REMOVEDIR);
        }
    }

    (void) closedir(dir);
}


/* whose run "genai-PID-START" was of; -1 where it is another name */

static int
genai_policy_state_owner(const char *name, genai_process_id_t *id)
{
    char                same[64];
    unsigned            pid;
    unsigned long long  start;

    if (sscanf(name, "genai-%u-%llu", &pid, &start) != 2 || start == 0) {
        return -1;
    }

    (void) snprintf(same, sizeof(same), "genai-%u-%llu", pid, start);

    if (strcmp(name, same) != 0) {
        return -1;
    }

    id->pid = pid;
    id->unused = 0;
    id->start = start;

    return 0;
}
