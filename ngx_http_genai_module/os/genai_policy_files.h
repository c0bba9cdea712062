/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * A policy's files: reads them, keeps the last good version of each, and
 * makes a snapshot of them.  Shared by the module and by genai-policy.
 *
 *    path       one file, or a directory: its "*.json" that do not begin with
 *               a dot, in the order of their names' bytes, links followed
 *    revoked    one file, which need not exist before it has a line
 *    state      a directory of our own, or none: "good/NAME" is what was last
 *               good of the fragment NAME, escaped, "revoked" the list as
 *               it was last read, "snapshot.N" a snapshot
 *
 * A fragment that is gone from its directory is gone; a policy that is gone
 * as a whole (the file, the directory) is a broken one, and what was last
 * good stays.  The revoked list that cannot be read, or that is gone when it
 * had a line, stays as it was, too.
 *
 * A genai_policy_files_t belongs to one thread at a time, but where it is
 * written otherwise.
 */


#ifndef _GENAI_POLICY_FILES_H_INCLUDED_
#define _GENAI_POLICY_FILES_H_INCLUDED_


#include "genai_policy_build.h"


typedef struct genai_policy_files_s  genai_policy_files_t;


/*
 * All strings are copied.  revoked and state may be NULL.  Returns NULL when
 * out of memory.  Nothing is read yet, and nothing is written ever before
 * genai_policy_files_keep().
 */
genai_policy_files_t *genai_policy_files_create(const char *path,
    const char *revoked, const char *state);
void genai_policy_files_destroy(genai_policy_files_t *f);

/* See genai_policy_known(); the names are copied. */
int genai_policy_files_known(genai_policy_files_t *f,
    const char *const *secrets, size_t nsecrets,
    const char *const *providers, size_t nproviders);

/*
 * Looks whether anything has changed since the last load: (device, inode,
 * size, mtime, ctime) of every file, and which there are.  A change counts
 * when two calls in turn have seen the same, so that a file that is being
 * written is left alone; links are followed, which covers Kubernetes' swaps.
 *
 * Returns 1 when it is time to load, else 0.
 */
int genai_policy_files_changed(genai_policy_files_t *f);

/*
 * Forgets what was loaded: the second call of genai_policy_files_changed()
 * from now on returns 1, whatever the files are, or a later one where they
 * are being written.
 */
void genai_policy_files_forget(genai_policy_files_t *f);

/*
 * As genai_policy_files_changed(), of the list of what is revoked alone; each
 * change is told once, and at least what was not loaded yet is one.  This and
 * genai_policy_files_revoked() may be called while another thread is in
 * genai_policy_files_load().
 */
int genai_policy_files_revoked_changed(genai_policy_files_t *f);

/*
 * Reads the list of what is revoked: 0, with *text malloc'd and the caller's,
 * or an errno value.
 */
int genai_policy_files_revoked(const genai_policy_files_t *f, char **text,
    size_t *len);

/*
 * Reads all files and makes a snapshot.  *data is malloc'd and the caller's.
 * Returns as genai_policy_build(); what was found stays until the next load.
 * stop as in genai_policy_builder_create().
 *
 * Files that change while they are read are read again by a later load: the
 * stamps are taken before.
 */
int genai_policy_files_load(genai_policy_files_t *f, uint64_t generation,
    int64_t now, const volatile int *stop, void **data, size_t *size);

/* The findings of the last load, and how many were not kept. */
const genai_finding_t *genai_policy_files_findings(
    const genai_policy_files_t *f);
size_t genai_policy_files_findings_lost(const genai_policy_files_t *f);

/*
 * Writes what the last load has found good into the state directory, each
 * file whole or not at all (a new file, renamed), and forgets fragments that
 * are gone.  Returns 0, or an errno value: what was not written is tried
 * again at the next call.
 */
int genai_policy_files_keep(genai_policy_files_t *f);

/*
 * Writes a snapshot as state/snapshot.N, N its generation; the mode is 0600.
 * Room for another one of this size is then kept beside it, as far as there
 * is some: where a disk has become full it is used, and the next snapshot can
 * be published all the same.  Returns 0 or an errno value.
 */
int genai_policy_files_publish(const char *state, uint64_t generation,
    const void *data, size_t size);

/*
 * Maps snapshot.N read-only.  Returns 0 with *addr and *size, the caller
 * unmaps; or an errno value, EINVAL for a file that is no snapshot, EPERM for
 * one that is not the effective user's or has another name.
 */
int genai_policy_files_map(const char *state, uint64_t generation,
    void **addr, size_t *size);

/* Whether snapshot.N is there: 0 when it is certain that it is not. */
int genai_policy_files_there(const char *state, uint64_t generation);

/* Removes all snapshots older than generation; those mapped stay mapped. */
void genai_policy_files_prune(const char *state, uint64_t generation);

/*
 * Removes all that is ours in a state directory that was made for one run:
 * snapshots, what was last good, the revoked list; and the directory, unless
 * others have put something into it.  No link is followed.
 */
void genai_policy_files_clear(const char *state);

/*
 * Clears, in the same way, what runs have left that were killed: below parent
 * each directory "genai-PID-START", of the effective user and writable by
 * nobody else, whose process lives no more (genai_process_alive()).  parent
 * must not be shared between PID namespaces.
 */
void genai_policy_files_sweep(const char *parent);


#endif /* _GENAI_POLICY_FILES_H_INCLUDED_ */
