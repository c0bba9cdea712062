
/*
 * SPDX-License-Identifier: Apache-2.0
 */


#define _GNU_SOURCE

#include "genai_user.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <unistd.h>


#define GENAI_USER_GROUPS  1024


int
genai_user_become(genai_user_t *saved, const char *name, uid_t uid, gid_t gid)
{
    int    err, n;
    gid_t  groups[GENAI_USER_GROUPS];

    saved->changed = 0;
    saved->groups = NULL;

    if (geteuid() != 0 || uid == 0) {
        return 0;
    }

    saved->uid = geteuid();
    saved->gid = getegid();

    saved->ngroups = getgroups(0, NULL);

    if (saved->ngroups < 0) {
        return errno;
    }

    saved->groups = malloc((saved->ngroups + 1) * sizeof(gid_t));

    if (saved->groups == NULL) {
        return ENOMEM;
    }

    saved->ngroups = getgroups(saved->ngroups, saved->groups);

    n = sizeof(groups) / sizeof(gid_t);

    if (saved->ngroups < 0 || name == NULL
        || getgrouplist(name, gid, groups, &n) < 0)
    {
        n = 1;
        groups[0] = gid;
    }

    if (saved->ngroups >= 0
        && setgroups(n, groups) == 0)
    {
        if (setegid(gid) == 0) {

            if (seteuid(uid) == 0) {
                saved->changed = 1;
                return 0;
            }
        }

        err = errno;
        saved->changed = 1;
        genai_user_return(saved);
        return err;
    }

    err = errno;
    free(saved->groups);
    saved->groups = NULL;

    return err;
}


void
genai_user_return(genai_user_t *saved)
{
    if (!saved->changed) {
        return;
    }

    saved->changed = 0;

    /* to go on as somebody else would be worse than not to go on */

    if (seteuid(saved->uid) != 0
        || setegid(saved->gid) != 0
        || setgroups(saved->ngroups, saved->groups) != 0)
    {
        abort();
    }

    free(saved->groups);
    saved->groups = NULL;
}
