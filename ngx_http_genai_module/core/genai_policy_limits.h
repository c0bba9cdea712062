/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The limits of a policy that apply to an exchange.
 *
 * Each limit has a name of 128 bits, by which its counter is found in the
 * books: the first half of the SHA-256 (FIPS 180-4) of whose it is, its unit,
 * its window and its pattern.  The amount is not in it, nor what else is said
 * of it, so that a limit that is raised goes on where it was.  A plan's limit
 * is counted for each key that names the plan.
 *
 * All functions are thread-safe, but the first.
 */


#ifndef _GENAI_POLICY_LIMITS_H_INCLUDED_
#define _GENAI_POLICY_LIMITS_H_INCLUDED_


#include "genai_books_counter.h"
#include "genai_policy.h"


/*
 * Names the limits of all objects of that kind from number first on, n of
 * them at most, in a snapshot that is being written and is otherwise complete;
 * and notes what models have any.
 */
void genai_policy_limits_name(genai_policy_t *p, genai_policy_kind_e kind,
    uint32_t first, uint32_t n);

/*
 * The limits that apply to a key, NULL is none, and to a model by its public
 * name, at now, seconds since the epoch: those of the key, its plan, its user,
 * its team and all teams above, whose pattern matches; and those of every
 * entry of models that does.  Of each hold everything is set but what is to be
 * taken; texts lie in the snapshot.
 *
 * Returns how many there are, or GENAI_HOLDS_MAX + 1 where there are more.
 */
unsigned genai_policy_holds(const genai_policy_t *p,
    const genai_policy_object_t *key, const genai_str_t *model, int64_t now,
    genai_hold_t holds[GENAI_HOLDS_MAX]);

/*
 * The window of a limit that is not of a policy, at now: in the policy's time
 * zone, or in UTC where p is NULL.
 */
void genai_policy_window(const genai_policy_t *p, const genai_limit_t *limit,
    int64_t now, genai_window_t *window);

/*
 * How many limits apply to a key at most, whatever the model; without those of
 * models.
 */
unsigned genai_policy_holds_most(const genai_policy_t *p,
    const genai_policy_object_t *key);


#endif /* _GENAI_POLICY_LIMITS_H_INCLUDED_ */
