/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The books: what must not be lost.  One region of memory that all processes
 * of all binaries share, a file mapped MAP_SHARED or anonymous memory: leases
 * of exchanges in flight, and totals of what was used, by day, team, user,
 * key and model.  There is no pointer in it, no allocator, and no lock of the
 * system.
 *
 *    header      version, sizes, words that processes agree by
 *    processes   who is here: pid, start time; the redo record of each
 *    extents     a directory of what follows, 64 KiB each:
 *      leases    slots of one owner, a process
 *      rows      totals; found through a hash table
 *      texts     ids, each once; found through another one
 *      counters  of limits, genai_books_counter.h; likewise
 *      stored    what providers keep for callers, genai_books_stored.h
 *
 * A process can be killed between any two instructions.  What it has stored
 * stays, in the order in which it was stored, so that three rules suffice:
 *
 *  - A lock is a word that names its holder.  Who waits for a dead one takes
 *    over: he repairs what the holder was about, then frees the holder's
 *    locks.
 *  - What belongs together is changed by a redo record: the new values, all
 *    absolute, are written beside the process first; then one store says that
 *    they count; then they are put in place, and one store says that they
 *    are.  To repair is to put them in place again, before any lock is freed.
 *    A settled lease is freed in the same record that adds to its row: it
 *    counts once, wherever the process dies.
 *  - A lease says all the time what it has used so far (its checkpoint: plain
 *    stores).  Where its owner died, it is settled at that, and marked.
 *
 * The books grow by extents up to their bound; then new combinations of a day
 * go to the row "other" of their team, and when there is not even room for
 * that, to the one row "other" of all.
 *
 * A genai_books_t is what one process knows of the region.  It belongs to one
 * thread, but for genai_books_word_*().  The region must not be mapped at two
 * places in one process and used through both.
 */


#ifndef _GENAI_BOOKS_H_INCLUDED_
#define _GENAI_BOOKS_H_INCLUDED_


#include "genai_str.h"

#include <stdint.h>


#define GENAI_BOOKS_MAGIC      "GENAIBKS"
#define GENAI_BOOKS_LAYOUT     4

#define GENAI_BOOKS_EXTENT     65536
#define GENAI_BOOKS_SIZE_MIN   ((uint64_t) 8 << 20)
#define GENAI_BOOKS_SIZE_MAX   ((uint64_t) 4 << 30)

#define GENAI_BOOKS_PROCESSES  1024

/* bytes of an id; a longer one is cut, with a hash of the whole at its end */
#define GENAI_BOOKS_TEXT_MAX   128

#define GENAI_BOOKS_ID_LEN     32


/* what a process is, as long as it lives: a pid alone may come again */
typedef struct {
    uint32_t   pid;
    uint32_t   unused;
    uint64_t   start;               /* of /proc/PID/stat, or 0 */
} genai_process_id_t;


/* what the region's owner brings */
typedef struct {
    /*
     * Makes the first size bytes of the region usable, with zeroes where
     * there was nothing.  Returns 0, or an errno value: ENOSPC.  It may take
     * a system call, and is called with a lock held: it must not wait.
     */
    int      (*grow)(void *data, uint64_t size);

    /* Whether that process lives; when in doubt it does. */
    int      (*alive)(void *data, const genai_process_id_t *id);

    void      *data;
} genai_books_os_t;


/* the day of the one row "other" that is of all days, and is never retired */
#define GENAI_BOOKS_NO_DAY  INT32_MIN

/* of whom: ids, empty where there is none; not needed after the call */
typedef struct {
    int32_t       day;              /* see genai_timezone.h */
    genai_str_t   team;
    genai_str_t   user;
    genai_str_t   key;
    genai_str_t   model;
} genai_account_t;


/* sums, or what one exchange adds to them */
typedef struct {
    uint64_t   exchanges;           /* that were leased */
    uint64_t   failed;              /* ended with an error word */
    uint64_t   orphans;             /* settled at their checkpoint */
    uint64_t   estimated;           /* whose tokens are */
    uint64_t   attempts;
    uint64_t   prompt;              /* tokens, with cached ones */
    uint64_t   cached;
    uint64_t   completion;          /* with reasoning */
    uint64_t   reasoning;
    uint64_t   cost;                /* nano-dollars */
} genai_totals_t;


/* an exchange in flight: in the region, written by its owner alone */
typedef struct genai_lease_s  genai_lease_t;

typedef struct genai_books_s  genai_books_t;


typedef enum {
    GENAI_BOOKS_OK = 0,
    GENAI_BOOKS_NEW,                /* all zero: to be formatted */
    GENAI_BOOKS_FOREIGN,            /* no books at all */
    GENAI_BOOKS_OTHER_LAYOUT,
    GENAI_BOOKS_TRUNCATED,          /* shorter than it says */
    GENAI_BOOKS_DAMAGED             /* what it says cannot be */
} genai_books_state_e;


/*
 * What a region of size bytes is: looks at its header only, and at the
 * directory of its extents.  *layout is the version that it says.
 */
genai_books_state_e genai_books_look(const void *addr, uint64_t size,
    uint32_t *layout);

/* A sentence for each state, a static text. */
const char *genai_books_state_text(genai_books_state_e state);

/*
 * Makes new books of a region whose first size bytes are usable and zero.
 * seed is random: what names hash to can then not be known outside.
 */
void genai_books_format(void *addr, uint64_t size, const uint64_t seed[2]);

/* bytes at the beginning of a region that are its header */
#define GENAI_BOOKS_HEAD  4096

/*
 * The size that a header says, also a copy of it (aligned to 8), or 0 where
 * that is no header of books.
 */
uint64_t genai_books_size(const void *addr);

/*
 * Marks a region of which a part was lost: from now on, genai_books_look()
 * never says that these are books.  addr is of the region's first
 * GENAI_BOOKS_HEAD bytes, whatever they are.  spoilt() reads the mark, also in
 * a copy of them.
 */
void genai_books_spoil(void *addr);
int genai_books_spoilt(const void *addr);

/*
 * Who is alone in books that are OK compares the boot of the system, any 128
 * bits, with the one that they were last opened in: where both are known and
 * differ, booted() returns 1.  The pages of a file reach a disk in any order,
 * so that after a loss of power what they say may be of several moments.
 *
 * boot() notes the new one, after redo records of another were made to count
 * for nothing: they may be older than what they would be put over.
 */
int genai_books_booted(const void *addr, const uint64_t boot[2]);
void genai_books_boot(void *addr, const uint64_t boot[2]);

/* bytes of formatted books that are in use at present */
uint64_t genai_books_used(const void *addr);


/*
 * Joins: the calling process gets a place in the process table.  mapped is
 * how many bytes are addressable, of which those up to the size in the header
 * are usable; max is up to where to grow, at most mapped.
 *
 * fresh says that no other process can be here, as after a restart: all the
 * others are then dead, whatever alive() says of their pids.  So only the
 * first one may say it, before others join.
 *
 * b is of the process that joined: a child that it forks joins by itself.
 *
 * Returns NULL when out of memory, or when the process table is full.
 */
genai_books_t *genai_books_join(void *addr, uint64_t mapped, uint64_t max,
    const genai_process_id_t *self, const genai_books_os_t *os, int fresh);

/*
 * Leaves: the place is free again.  Leases that are still out are settled as
 * orphans by the next sweep of another process.  b is freed.
 */
void genai_books_leave(genai_books_t *b);


/*
 * Takes a lease: an exchange of this account begins.  now is in ms since the
 * epoch.  Returns NULL when there is no slot: the books are full.
 */
genai_lease_t *genai_books_lease(genai_books_t *b,
    const genai_account_t *account, const unsigned char id[GENAI_BOOKS_ID_LEN],
    int64_t now);

/*
 * Stores what the exchange has used so far, should we die: tokens, and
 * whether they are estimated.  Plain stores, no lock.
 */
void genai_books_checkpoint(genai_lease_t *lease, const genai_totals_t *so_far);

/*
 * Books a lease to another account from now on: nothing changes of what it
 * holds.  The day should be the same.  Never fails.
 */
void genai_books_rebook(genai_books_t *b, genai_lease_t *lease,
    const genai_account_t *account);

/* what was used beyond every bound: of an exchange, the largest of any limit */
typedef struct {
    uint64_t   tokens;
    uint64_t   cost;                /* nano-dollars */
} genai_overrun_t;

/*
 * Ends a lease: what the exchange used goes to its row and to the counters of
 * limits that it holds, and the slot is free.  It counts as one exchange and
 * no orphan, whatever *used says of these two.  *overrun, unless it is NULL,
 * is raised to what found no room.  The caller forgets the pointer.  Never
 * fails.
 */
void genai_books_settle(genai_books_t *b, genai_lease_t *lease,
    const genai_totals_t *used, genai_overrun_t *overrun);

/*
 * Ends a lease of an exchange that has come to nothing, as it was refused:
 * what it holds is free again, and it counts nowhere.  Never fails.
 */
void genai_books_drop(genai_books_t *b, genai_lease_t *lease);

/*
 * Looks after the dead: repairs what they were about, settles their leases
 * as orphans.  Stops after about budget leases, or when it has asked alive()
 * 32 times, some 10 us each; the next call goes on from there, round and
 * round.  Who has left with leases out is looked after without asking.
 *
 * Returns how many were settled; 0 does not say that there are none left.
 */
unsigned genai_books_sweep(genai_books_t *b, unsigned budget);


/*
 * Roles: work that one process does for all.  Returns 1 where the caller has
 * it, now or already; 0 where another living one has.
 */
typedef enum {
    GENAI_BOOKS_KEEPER = 0,          /* sweeps, watches the policy, writes
                                        the journal */
    GENAI_BOOKS_ROLES
} genai_books_role_e;

int genai_books_role_take(genai_books_t *b, genai_books_role_e role);
void genai_books_role_leave(genai_books_t *b, genai_books_role_e role);


/*
 * Words that all processes see at once, zero at first; atomic, any thread.
 */
typedef enum {
    GENAI_WORD_POLICY = 0,          /* generation of the current snapshot */
    GENAI_WORD_POLICY_LAST,         /* the last generation given out */
    GENAI_WORD_POLICY_CHECKED,      /* ms: its files were looked at */
    GENAI_WORD_POLICY_STALE,        /* ms: since when a fragment is broken */
    GENAI_WORD_CONFIG,              /* a number of every configuration */
    GENAI_WORD_POLICY_FAILED,       /* ms: since when no load or publish of
                                       it succeeds; 0 is fine */
    GENAI_WORD_JOURNAL,             /* ms: what was settled before then is
                                       in the journal; 0: there is none */
    GENAI_WORD_JOURNAL_FAILED,      /* ms: since when it cannot be written;
                                       0 is fine */
    GENAI_WORDS
} genai_word_e;

uint64_t genai_books_word(const genai_books_t *b, genai_word_e word);
void genai_books_word_set(genai_books_t *b, genai_word_e word,
    uint64_t value);
uint64_t genai_books_word_add(genai_books_t *b, genai_word_e word,
    uint64_t value);            /* returns the sum */

/* Sets it where it is old; returns 1, or 0 where it is not. */
int genai_books_word_swap(genai_books_t *b, genai_word_e word, uint64_t old,
    uint64_t value);


/* how the books are; counted by looking at every extent's header */
typedef struct {
    uint64_t   size;                /* bytes, usable */
    uint64_t   max;
    uint64_t   used;
    uint64_t   leases;              /* in flight */
    uint64_t   lease_slots;
    uint64_t   rows;
    uint64_t   texts;
    uint64_t   counters;            /* of limits, in use */
    uint64_t   stored;              /* entries, about; also of those whose
                                       time is over */
    uint64_t   stored_lost;         /* that gave way before their time */
    uint64_t   processes;
    uint64_t   orphans;             /* settled since the books began */
    uint64_t   other;               /* leases that went to a row "other" */
    uint64_t   takeovers;           /* locks taken over from the dead */
    uint64_t   faults;              /* damage that was met while at work */
} genai_books_stats_t;

void genai_books_stats(const genai_books_t *b, genai_books_stats_t *stats);


/*
 * Reads rows, in no order; *cursor begins with 0.  The texts of *account lie
 * in the region.  Each row is read whole, as it was at one moment; those that
 * nothing was booked to are left out.
 *
 * Returns 1 with a row; 0 when there is none left; -1 after budget extents'
 * worth of work, when it is to be called again.
 */
int genai_books_row(const genai_books_t *b, uint64_t *cursor,
    genai_account_t *account, genai_totals_t *totals);

/*
 * Reads leases in flight, likewise.  One that went to a row "other" tells that
 * row's names.  owner may be NULL.
 */
int genai_books_lease_row(const genai_books_t *b, uint64_t *cursor,
    genai_account_t *account, genai_totals_t *so_far,
    unsigned char id[GENAI_BOOKS_ID_LEN], int64_t *started,
    genai_process_id_t *owner);


/*
 * Removes the rows of days before day, which nothing in flight should have
 * any more, one at a time after it was handed to keep(): 0 says that it may
 * go.  Rows that nothing was booked to go without it.  keep() is called
 * without a lock, and may write to a disk.  Should the process die behind
 * keep(), or the row change, it is handed over again some time with sums that
 * hold all of the former ones.
 *
 * Their place is used again.  Stops after budget such rows, or when it has
 * looked at 32 times as many; the next call goes on from there, round and
 * round, so that 0 does not say that there are none left.
 *
 * Returns how many were removed, or -1 when keep() refused.
 */
int genai_books_retire(genai_books_t *b, int32_t day, unsigned budget,
    int (*keep)(void *data, const genai_account_t *account,
                const genai_totals_t *totals), void *data);


/*
 * Opens a region for reading only, without joining: for tools, and for what
 * may be damaged.  Never writes.  Free it with genai_books_leave().
 *
 * Returns NULL when out of memory, or where genai_books_look() does not say
 * GENAI_BOOKS_OK.
 */
genai_books_t *genai_books_view(const void *addr, uint64_t size);

/*
 * Checks everything there is to check: every offset, chain, text, owner, and
 * that each is there once.  say() is called with a sentence for each fault.
 *
 * Returns how many faults there are.
 */
unsigned genai_books_verify(const genai_books_t *b,
    void (*say)(void *data, const char *text), void *data);


#endif /* _GENAI_BOOKS_H_INCLUDED_ */
