/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the parts of a policy's files share: reading and looking at them
 * (genai_policy_files.c), and the state directory (genai_policy_state.c).
 */


#ifndef _GENAI_POLICY_FILES_INT_H_INCLUDED_
#define _GENAI_POLICY_FILES_INT_H_INCLUDED_


#include "genai_file.h"
#include "genai_policy_files.h"

#include <sys/stat.h>


typedef struct {
    char                *name;
    genai_file_stamp_t   stamp;
} genai_policy_name_t;


typedef struct {
    int                   known;    /* it has been filled */
    int                   error;    /* errno of what stands at the path */
    int                   directory;
    genai_file_stamp_t    revoked;
    genai_policy_name_t  *items;    /* by the bytes of their names */
    size_t                n;
} genai_policy_look_t;


/* a fragment's last good version */

typedef struct {
    char            *name;
    char            *text;          /* NULL: it is in the state directory, or
                                       there is none */
    size_t           len;
    int              saved;         /* the state directory has it */
    int64_t          since;         /* when a newer one was found broken, ms */
} genai_policy_good_t;


/* what was last put on a snapshot of the list of what is revoked */

typedef enum {
    GENAI_POLICY_LIST_UNKNOWN = 0,
    GENAI_POLICY_LIST_SEEN,             /* the file was, once */
    GENAI_POLICY_LIST_KNOWN             /* list_known is its stamp */
} genai_policy_list_state_e;


struct genai_policy_files_s {
    char                    *path;
    char                    *revoked;
    char                    *state;     /* or NULL */

    char                   **known[2];  /* secrets, providers */
    size_t                   nknown[2];
    int                      has_known;

    genai_policy_look_t      seen;
    genai_policy_look_t      loaded;

    genai_policy_good_t     *goods;     /* by the bytes of their names */
    size_t                   ngoods;
    int                      gone;      /* the policy was, at the last load */

    genai_policy_good_t      list;      /* what is revoked */

    /* of who watches the list, beside whoever loads */
    genai_policy_list_state_e  list_state;
    genai_file_stamp_t         list_seen;
    genai_file_stamp_t         list_known;

    genai_policy_builder_t  *builder;   /* of the last load: its findings */
};


/* genai_policy_files.c: malloc'd; dir may be NULL */
char *genai_policy_join(const char *dir, const char *name);


/* genai_policy_look.c: returns 0, or -1 when there is no memory */
int genai_policy_look(const genai_policy_files_t *f,
    genai_policy_look_t *look);
void genai_policy_look_free(genai_policy_look_t *look);


/* in the state directory; room for the name of a file there */
#define GENAI_STATE_GOOD      "good"
#define GENAI_STATE_REVOKED   "revoked"
#define GENAI_STATE_SNAPSHOT  "snapshot."

#define GENAI_POLICY_STATE_NAME  256

/*
 * Opens a directory of ours: of the effective user, with nobody else who may
 * write into it, and no link.  at as in openat().  Returns -1 with errno,
 * EPERM where it is another's.
 */
int genai_policy_state_open(int at, const char *path);


/*
 * genai_policy_state.c.  A fragment's name, which may be anything, as that of
 * a file: it cannot leave its directory nor hide in it.
 */
void genai_policy_state_name(char dst[GENAI_POLICY_STATE_NAME],
    const char *name);

/* Its path, malloc'd; sub may be NULL. */
char *genai_policy_state_path(const char *state, const char *sub,
    const char *name);

/* The last good version of a fragment: 0 or an errno value. */
int genai_policy_state_read(const char *state, const char *name, size_t max,
    char **text, size_t *len);

/*
 * The names of all fragments that have one, malloc'd each, as is the list;
 * what has no name that can be read back has that of its file.
 */
int genai_policy_state_list(const char *state, char ***names, size_t *n);

/*
 * Writes a file of a directory whole or not at all, over one that is there;
 * nothing is written where it has that content already.  Returns 0 or an
 * errno value.
 */
int genai_policy_state_write(const char *path, const void *data, size_t len);

/*
 * genai_policy_spare.c.  Keeps room for a snapshot of size bytes, as far as
 * there is some; and writes one into it, as genai_policy_state_write() does,
 * ENOENT where there is no such room.
 */
void genai_policy_spare_keep(const char *state, size_t size);
int genai_policy_spare_use(const char *state, const char *path,
    const void *data, size_t size);


#endif /* _GENAI_POLICY_FILES_INT_H_INCLUDED_ */
