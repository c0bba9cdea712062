/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * To do something as another user for a moment: a master that runs as root
 * reads as its workers will, so that what they cannot read is found at the
 * start and not at the first change.
 */


#ifndef _GENAI_USER_H_INCLUDED_
#define _GENAI_USER_H_INCLUDED_


#include <sys/types.h>


/* what to come back to */
typedef struct {
    int      changed;
    uid_t    uid;
    gid_t    gid;
    int      ngroups;
    gid_t   *groups;            /* malloc'd */
} genai_user_t;


/*
 * Becomes that user, with the groups that the system gives to name.  Does
 * nothing where the process is not root, or the user is.  The process must
 * have no other thread.
 *
 * Returns 0; or an errno value, when nothing has changed.
 */
int genai_user_become(genai_user_t *saved, const char *name, uid_t uid,
    gid_t gid);

/* Comes back.  Ends the process where that is refused. */
void genai_user_return(genai_user_t *saved);


#endif /* _GENAI_USER_H_INCLUDED_ */
