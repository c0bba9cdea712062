/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The region of the books as it lies in memory, and what changes it.
 *
 * Who stores.  Fields below say in their comments who may store to them:
 *
 *   lock    the holder of the lock in brackets, by a redo record
 *   owner   the process whose lease slot or place it is
 *   atomic  anybody, by one atomic operation
 *   once    genai_books_format(), or before anything leads there
 *
 * Order.  SIGKILL comes between two instructions: all stores before it are
 * made, none behind it, and the kernel has made them visible before anybody
 * can learn of the death.  So the order of the instructions has to be right,
 * which is the compiler's word: every store that another one depends upon is
 * a store with release, and fences of the compiler stand where a plain store
 * must not move up.  For readers on other processors while all are alive,
 * locks are taken with acquire and freed with release, and what leads to new
 * memory (the head of a chain) is stored with release, after what it leads to.
 *
 * A lock is 64 bits: its holder below, above a number that every unlock
 * increments.  A reader without the lock reads the word, what is locked, and
 * the word again: free and the same both times, and it saw one moment.
 *
 * Locks are taken in the order of their addresses, so that nobody waits for
 * anybody who waits for him; the process lists a lock in its redo record
 * before it takes it, for who takes over must find it.
 *
 * Trust.  Bits may have been flipped, on disk or by a wild store.  No
 * reference is followed before it was found to be within what is mapped and
 * usable; no chain for more steps than it can have.  What cannot be read is
 * not there, and the leases in question go to a row "other".
 */


#ifndef _GENAI_BOOKS_INT_H_INCLUDED_
#define _GENAI_BOOKS_INT_H_INCLUDED_


#include "genai_books_counter.h"
#include "genai_books_stored.h"
#include "genai_books_word.h"


/* the benchmark is told when the first lock is held and the last is free */
#if (GENAI_BOOKS_BENCH)
void genai_bench_locked(void);
void genai_bench_unlocked(void);
#else
#define genai_bench_locked()
#define genai_bench_unlocked()
#endif


#define GENAI_BOOKS_ORDER         0x01020304

#define GENAI_BOOKS_ROW_BUCKETS   65536
#define GENAI_BOOKS_TEXT_BUCKETS  65536
#define GENAI_COUNTER_BUCKETS     65536

/* what a redo record has room for: to settle all limits of an exchange */
#define GENAI_BOOKS_LOCKS         40
#define GENAI_BOOKS_VALUES        192

/* steps of a chain, after which it must be a circle */
#define GENAI_BOOKS_CHAIN         65536

/* free rows that only rows "other" may have; and those of teams not these */
#define GENAI_BOOKS_RESERVE       128
#define GENAI_BOOKS_RESERVE_DAY   16

/* the region grows by that at a time */
#define GENAI_BOOKS_GROWTH        ((uint64_t) 1 << 20)

/* ms after which somebody looks for room again */
#define GENAI_BOOKS_RETRY         1000

/* where texts are aligned, and what a reference counts */
#define GENAI_BOOKS_UNIT          16


/* what an extent is for */
typedef enum {
    GENAI_EXTENT_NONE = 0,
    GENAI_EXTENT_LEASES,
    GENAI_EXTENT_ROWS,
    GENAI_EXTENT_TEXTS,
    GENAI_EXTENT_COUNTERS,
    GENAI_EXTENT_STORED,
    GENAI_EXTENTS
} genai_extent_e;


/* what a place in the process table is */
typedef enum {
    GENAI_PLACE_FREE = 0,
    GENAI_PLACE_JOINING,        /* has a pid, no start time yet */
    GENAI_PLACE_LIVE,
    GENAI_PLACE_GONE,           /* dead, whoever has that pid now */
    GENAI_PLACES
} genai_place_e;


typedef struct {
    uint64_t            offset;
    uint64_t            value;
} genai_books_value_t;


/*
 * A place in the process table.  A process is named by its holder word: the
 * number of its place and one in the lower bits, above how many have had it.
 */
typedef struct {
    uint64_t             state;     /* atomic: kind, generation, pid */
    uint64_t             start;     /* owner */
    uint64_t             recoverer; /* atomic: the holder word of who repairs */

    /* the redo record, owner; when he is dead, the recoverer */
    uint64_t             commit;    /* so many values count */
    uint64_t             nlocks;
    uint64_t             unused[3];
    uint64_t             locks[GENAI_BOOKS_LOCKS];      /* offsets */
    genai_books_value_t  values[GENAI_BOOKS_VALUES];
    uint64_t             pad[80];
} genai_books_process_t;


/* a row's tag: in use or not, and the day, which is compared at once */
#define genai_books_tag(day)  ((uint64_t) (uint32_t) (day) << 32 | 0x574f52)
#define GENAI_BOOKS_TAG_FREE  ((uint64_t) 0)

#define GENAI_BOOKS_TOTALS    (sizeof(genai_totals_t) / sizeof(uint64_t))


typedef enum {
    GENAI_NAME_TEAM = 0,
    GENAI_NAME_USER,
    GENAI_NAME_KEY,
    GENAI_NAME_MODEL,
    GENAI_NAMES
} genai_name_e;


/* lock: [its own] but for next and name, [structure] */
typedef struct {
    uint64_t   lock;
    uint64_t   next;                /* in its chain, or of the free ones */
    uint64_t   hash;                /* 32 bits; above, the check of totals */
    uint64_t   tag;                 /* both locks */
    uint32_t   name[GENAI_NAMES];   /* texts */
    uint64_t   totals[GENAI_BOOKS_TOTALS];
} genai_books_row_t;


/* once: texts do not change and do not go */
typedef struct {
    uint64_t   next;
    uint32_t   hash;
    uint32_t   len;
} genai_books_text_t;

#define genai_books_text_data(t)  ((unsigned char *) (t) + 16)


/* what a counter is */
typedef enum {
    GENAI_COUNTED_FREE = 0,
    GENAI_COUNTED_CURRENT,          /* one at most of an id */
    GENAI_COUNTED_ENDED             /* its window is over, and it is held, or
                                       has debt to hand over */
} genai_counted_e;

/*
 * lock: [its own] but for next, and kind of one that is made or freed:
 * [structure]
 */
typedef struct {
    uint64_t   lock;
    uint64_t   next;                /* in its chain, or of the free ones */
    uint64_t   id[2];               /* once, while it is in use */
    uint64_t   kind;                /* genai_counted_kind() */
    uint64_t   index;               /* of its window, an int64_t, and so are */
    uint64_t   start;               /* these */
    uint64_t   end;
    uint64_t   amount;              /* as the last one who took said */
    uint64_t   settled;
    uint64_t   leased;
    uint64_t   held;                /* exchanges that hold of it */
    uint64_t   debt;
    uint64_t   over;                /* overrun in this window */
    uint64_t   overrun;             /* in all windows */
    uint64_t   charged;             /* of an ended one: debt handed over */
    uint64_t   before;              /* used in another window, at most: the
                                       one before, or a later one where the
                                       clock has stepped back from that */
    uint64_t   before_index;
    uint64_t   refused;             /* atomic */
    uint64_t   weights[2];          /* prompt and cached; completion and
                                       reasoning above */
    uint64_t   name;                /* texts: of the owner, and the key's */
    uint64_t   pattern;             /* a text */
    uint64_t   told;                /* of its window: GENAI_TOLD_* */
} genai_books_counter_t;

/* the state, and what stays: owner, unit, window */
#define genai_counted_kind(state, rest)  ((rest) | (state))
#define genai_counted_rest(owner, unit, window_unit, window)                  \
    ((uint64_t) (window) << 32 | (uint64_t) (window_unit) << 24               \
     | (uint64_t) (unit) << 16 | (uint64_t) (owner) << 8)
#define genai_counted_state(kind)        ((unsigned) ((kind) & 0xff))
#define genai_counted_owner(kind)        ((unsigned) ((kind) >> 8 & 0xff))
#define genai_counted_unit(kind)         ((unsigned) ((kind) >> 16 & 0xff))
#define genai_counted_window_unit(kind)  ((unsigned) ((kind) >> 24 & 0xff))
#define genai_counted_window(kind)       ((uint32_t) ((kind) >> 32))

#define genai_counted_weights(low, high)                                      \
    ((uint64_t) (high) << 32 | (uint32_t) (low))


/* what a lease holds of a counter: its offset, of which the last bit says
   that the limit is a shadow; 0 is none */
typedef struct {
    uint64_t   counter;
    uint64_t   amount;
} genai_books_held_t;

#define GENAI_HELD_SHADOW  1


/* what a checkpoint says, in the order of genai_totals_t without two */
#define GENAI_BOOKS_SAID  8

/* owner; when he is dead, the recoverer */
struct genai_lease_s {
    uint64_t       state;           /* 1 in use, above a serial number */
    uint64_t       row;
    uint64_t       tag;             /* the row's, and so are these: */
    uint64_t       hash;
    uint32_t       name[GENAI_NAMES];
    int64_t        started;
    uint64_t       turn;            /* which of the two is said: its last bit */
    unsigned char  id[GENAI_BOOKS_ID_LEN];
    uint64_t       said[2][GENAI_BOOKS_SAID];
    uint64_t       nheld;           /* the first ones of held count */
    uint64_t       unused[3];
    genai_books_held_t  held[GENAI_HOLDS_MAX];
};

#define GENAI_LEASE_USED  1


/*
 * An extent's head, of the size of one of what is in it.  fill is how many
 * rows, or bytes of texts with the head, were ever given out, lock [structure];
 * or how many leases are in use, owner.  dirty, atomic: of rows and counters, a
 * bit of each that is to be written to the journal (genai_journal.h), at the
 * number of where it begins in rows.
 */
#define GENAI_BOOKS_DIRTY                                                     \
    (GENAI_BOOKS_EXTENT / sizeof(genai_books_row_t) / 64)

typedef struct {
    uint64_t   fill;
    uint64_t   dirty[GENAI_BOOKS_DIRTY];
} genai_books_extent_t;

#define GENAI_BOOKS_ROWS    (GENAI_BOOKS_EXTENT / sizeof(genai_books_row_t))
#define GENAI_BOOKS_LEASES  (GENAI_BOOKS_EXTENT / sizeof(genai_lease_t))
#define GENAI_BOOKS_COUNTERS                                                  \
    (GENAI_BOOKS_EXTENT / sizeof(genai_books_counter_t))


/*
 * What providers keep, genai_books_stored.h: a bucket, atomic, each entry by
 * who has claimed it in its time, which is 0 where it never was in use.
 */
#define GENAI_STORED_BUCKET   8
#define GENAI_STORED_CLAIMED  ((uint64_t) 1 << 63)

typedef struct {
    uint64_t   when[GENAI_STORED_BUCKET];           /* ms */
    uint64_t   hash[GENAI_STORED_BUCKET][2];
} genai_stored_bucket_t;

/* behind the head of the extent, whose fill is how many were ever in use */
#define GENAI_STORED_AT       128
#define GENAI_STORED_BUCKETS                                                  \
    ((GENAI_BOOKS_EXTENT - GENAI_STORED_AT) / sizeof(genai_stored_bucket_t))

/*
 * The way of a hash down the tree: extents have places in it, the root's is 0,
 * its sons' are 1 and 2, and so on.  At the level of 2^k extents they go by
 * k bits; the bucket goes by others.
 */
#define genai_stored_next(place, hash)                                        \
    (2 * (place) + 1                                                          \
     + (unsigned) ((hash)[1] >> __builtin_clz((place) + 1) & 1))
#define genai_stored_bucket_of(hash)                                          \
    ((unsigned) ((hash)[0] % GENAI_STORED_BUCKETS))


#define GENAI_BOOKS_ROLE_ROOM  8
#define GENAI_BOOKS_WORD_ROOM  16

typedef struct {
    /* once; the magic is stored last */
    unsigned char      magic[8];
    uint32_t           layout;
    uint32_t           order;       /* of bytes */
    uint32_t           extent;      /* sizes, as they were compiled in */
    uint32_t           process;
    uint32_t           processes;
    uint32_t           row;
    uint32_t           row_buckets;
    uint32_t           text_buckets;
    uint32_t           lease;
    uint32_t           reserve;
    uint32_t           counter;
    uint32_t           counter_buckets;
    uint32_t           stored;
    uint32_t           stored_places;
    uint64_t           base;        /* offset of the first extent */
    uint64_t           seed[2];     /* of hashes */
    uint64_t           seed_check;

    uint64_t           lock;        /* [structure], which is about: */

    uint64_t           size;        /* usable bytes */
    uint64_t           extents;     /* in use */
    uint64_t           tables;      /* of them, of rows and texts */
    uint64_t           row_extent;  /* of which rows are cut, plus one */
    uint64_t           text_extent;
    uint64_t           rows;
    uint64_t           texts;
    uint64_t           free_rows;
    uint64_t           free_row;    /* the first of them, an offset */
    uint64_t           free_leases; /* extents that nobody owns */
    uint64_t           counter_extent;
    uint64_t           counters;
    uint64_t           free_counters;
    uint64_t           free_counter;    /* the first of them, an offset */
    uint64_t           stored_extents;

    /* atomic */
    uint64_t           stored_lost; /* before their time */
    uint64_t           places;      /* that were ever taken */
    uint64_t           orphans;
    uint64_t           other;
    uint64_t           takeovers;
    uint64_t           faults;      /* seen while at work */
    uint64_t           spoilt;      /* a part was lost: damaged for good */
    uint64_t           dirty;       /* of the row "other" of all */

    uint64_t           journal;     /* the keeper: the file that has all that */
    uint64_t           journal_len; /* is not dirty, its length, and what */
    uint64_t           journal_whole;   /* that was when it was begun */

    uint64_t           boot[2];     /* of the system; who is alone here */

    uint64_t           roles[GENAI_BOOKS_ROLE_ROOM];
    uint64_t           words[GENAI_BOOKS_WORD_ROOM];

    uint64_t           pad[63];

    /* these two are there even where there is room for nothing */
    genai_books_row_t  last;        /* the row "other" of all */
    genai_books_text_t text;        /* "other" */
    unsigned char      other_text[16];
} genai_books_head_t;

#define GENAI_BOOKS_OTHER  "other"

/* what stands where */
#define GENAI_BOOKS_AT_PROCESSES    4096
#define GENAI_BOOKS_AT_DIRECTORY                                              \
    (GENAI_BOOKS_AT_PROCESSES                                                 \
     + GENAI_BOOKS_PROCESSES * sizeof(genai_books_process_t))
#define GENAI_BOOKS_AT_ROWS                                                   \
    (GENAI_BOOKS_AT_DIRECTORY                                                 \
     + GENAI_BOOKS_SIZE_MAX / GENAI_BOOKS_EXTENT * sizeof(uint64_t))
#define GENAI_BOOKS_AT_TEXTS                                                  \
    (GENAI_BOOKS_AT_ROWS + GENAI_BOOKS_ROW_BUCKETS * sizeof(uint64_t))
#define GENAI_BOOKS_AT_COUNTERS                                               \
    (GENAI_BOOKS_AT_TEXTS + GENAI_BOOKS_TEXT_BUCKETS * sizeof(uint64_t))
#define GENAI_BOOKS_AT_STORED                                                 \
    (GENAI_BOOKS_AT_COUNTERS + GENAI_COUNTER_BUCKETS * sizeof(uint64_t))
#define GENAI_BOOKS_BASE_RAW                                                  \
    (GENAI_BOOKS_AT_STORED                                                    \
     + (GENAI_STORED_EXTENTS + 1) * sizeof(uint64_t))
#define GENAI_BOOKS_BASE                                                      \
    ((GENAI_BOOKS_BASE_RAW + GENAI_BOOKS_EXTENT - 1)                          \
     & ~(uint64_t) (GENAI_BOOKS_EXTENT - 1))

#define GENAI_BOOKS_LAST        offsetof(genai_books_head_t, last)
#define GENAI_BOOKS_OTHER_NAME                                                \
    (offsetof(genai_books_head_t, text) / GENAI_BOOKS_UNIT)

/* of what the directory says: kind, and the holder word of a lease's owner */
#define genai_books_entry(kind, owner)  ((uint64_t) (owner) << 32 | (kind))
#define genai_books_entry_kind(e)       ((unsigned) ((e) & 0xff))
#define genai_books_entry_owner(e)      ((uint32_t) ((e) >> 32))

#define genai_books_state(kind, gen, pid)                                     \
    ((uint64_t) (pid) << 32 | (uint64_t) (gen) << 8 | (kind))
#define genai_books_state_kind(s)       ((unsigned) ((s) & 0xff))
#define genai_books_state_gen(s)        ((uint32_t) ((s) >> 8) & 0x1fffff)
#define genai_books_state_pid(s)        ((uint32_t) ((s) >> 32))

#define genai_books_holder(place, gen)                                        \
    ((uint32_t) (gen) << 11 | (uint32_t) ((place) + 1))
#define genai_books_holder_place(h)     (((h) & 0x7ff) - 1)
#define genai_books_holder_gen(h)       ((uint32_t) (h) >> 11)


/* what a process remembers of where an account's row was */
#define GENAI_BOOKS_CACHE  4096

typedef struct {
    uint64_t            hash;
    uint64_t            row;        /* offset, or 0 */
    uint64_t            tag;
    uint64_t            row_hash;   /* another one where the row is "other" */
} genai_books_cached_t;


struct genai_books_s {
    unsigned char           *base;
    genai_books_head_t      *head;
    uint64_t                 mapped;
    uint64_t                 max;

    genai_books_process_t   *self;  /* NULL of a view */
    uint32_t                 holder;
    unsigned                 nlocks;
    unsigned                 nvalues;

    genai_books_os_t         os;

    genai_lease_t          **free;  /* slots of ours, nfree of room */
    unsigned                 nfree;
    unsigned                 room;
    uint64_t                 serial;

    uint64_t                 retry; /* ms: until then nobody tries to grow */
    uint64_t                 full;  /* ms: until then "other" stays so */
    unsigned                 swept; /* place that the sweep is at */
    uint64_t                 retired;   /* row that retiring is at */
    uint64_t                 tidied;    /* counter that tidying is at */

    genai_books_cached_t     cache[GENAI_BOOKS_CACHE];

    /* and where counters were: offsets */
    uint64_t                 counters[GENAI_BOOKS_CACHE];
};


#define genai_books_offset(b, p)                                              \
    ((uint64_t) ((unsigned char *) (p) - (b)->base))

/* bytes that are both usable and mapped here; no books have less than these */

static inline uint64_t
genai_books_limit(const genai_books_t *b)
{
    uint64_t  size = genai_books_get(&b->head->size);

    if (size < GENAI_BOOKS_SIZE_MIN) {
        size = GENAI_BOOKS_SIZE_MIN;
    }

    return size < b->mapped ? size : b->mapped;
}


static inline uint64_t *
genai_books_directory(const genai_books_t *b)
{
    return (uint64_t *) (void *) (b->base + GENAI_BOOKS_AT_DIRECTORY);
}


static inline genai_books_process_t *
genai_books_place(const genai_books_t *b, unsigned i)
{
    return (genai_books_process_t *) (void *)
           (b->base + GENAI_BOOKS_AT_PROCESSES) + i;
}


static inline genai_books_extent_t *
genai_books_extent(const genai_books_t *b, uint64_t i)
{
    return (genai_books_extent_t *) (void *)
           (b->base + GENAI_BOOKS_BASE + i * GENAI_BOOKS_EXTENT);
}


/* a row's and a lease's place in its extent, from 1 */

static inline genai_books_row_t *
genai_books_extent_row(const genai_books_t *b, uint64_t i, unsigned n)
{
    return (genai_books_row_t *) (void *) genai_books_extent(b, i) + n;
}


static inline genai_books_counter_t *
genai_books_extent_counter(const genai_books_t *b, uint64_t i, unsigned n)
{
    return (genai_books_counter_t *) (void *) genai_books_extent(b, i) + n;
}


static inline genai_lease_t *
genai_books_extent_lease(const genai_books_t *b, uint64_t i, unsigned n)
{
    return (genai_lease_t *) (void *) genai_books_extent(b, i) + n;
}


/*
 * Says that what begins at that offset, if it is a row or a counter, is to be
 * written to the journal; its lock is held, or of a counter that is made the
 * one on the structure.  The lock is seen to be held before the bit is looked
 * at: genai_journal.h.
 */
static inline void
genai_books_dirty(const genai_books_t *b, uint64_t offset)
{
    uint64_t  *word, bit;

    if (offset >= GENAI_BOOKS_BASE) {
        bit = offset % GENAI_BOOKS_EXTENT / sizeof(genai_books_row_t);
        word = genai_books_extent(b, (offset - GENAI_BOOKS_BASE)
                                     / GENAI_BOOKS_EXTENT)->dirty + bit / 64;
        bit = (uint64_t) 1 << (bit % 64);

    } else if (offset == GENAI_BOOKS_LAST) {
        word = &b->head->dirty;
        bit = 1;

    } else {
        return;
    }

    if (!(__atomic_load_n(word, __ATOMIC_RELAXED) & bit)) {
        genai_books_step();
        __atomic_fetch_or(word, bit, __ATOMIC_SEQ_CST);
    }
}

/* a lock that was taken is seen before what is loaded from here on */
#if defined(__x86_64__) || defined(__i386__)
#define genai_books_locked()  genai_books_barrier()
#else
#define genai_books_locked()  __atomic_thread_fence(__ATOMIC_SEQ_CST)
#endif


/* the extent at a place of the tree, plus one; lock [structure] */

static inline uint64_t *
genai_books_stored_place(const genai_books_t *b, unsigned place)
{
    return (uint64_t *) (void *) (b->base + GENAI_BOOKS_AT_STORED) + place;
}


static inline genai_stored_bucket_t *
genai_books_extent_bucket(const genai_books_t *b, uint64_t i, unsigned n)
{
    return (genai_stored_bucket_t *) (void *)
           ((unsigned char *) genai_books_extent(b, i) + GENAI_STORED_AT) + n;
}


/* genai_books.c */

/* The extents in use that can be reached from here. */
uint64_t genai_books_extents(const genai_books_t *b);

/* what one call that goes over a table looks at: entries of the directory */
#define GENAI_BOOKS_LOOKS  4096

/*
 * The next one of what lies in extents of that kind, each of size bytes, in
 * use or free; *cursor begins with 0.  NULL: there is none left, and *looks
 * is not 0; or that many were looked at.
 */
void *genai_books_next(const genai_books_t *b, genai_extent_e kind,
    size_t size, uint64_t *cursor, unsigned *looks);

/* Counts something that cannot be, found while at work. */
void genai_books_fault(const genai_books_t *b);


/* genai_books_redo.c */

/*
 * Takes a lock, a word of the region, and waits for it as long as its holder
 * lives.  All locks of a process are taken in the order of their addresses,
 * at most GENAI_BOOKS_LOCKS, and freed together.
 */
void genai_books_lock(genai_books_t *b, uint64_t *word);

/*
 * Notes a new value of a word that a held lock is about, or that is the
 * caller's own; at most GENAI_BOOKS_VALUES until the commit, each word once.
 */
void genai_books_set(genai_books_t *b, uint64_t *word, uint64_t value);

/*
 * Makes all that was noted come true, at once for everybody who looks after
 * such words under their locks, and for who repairs.  The locks stay.
 */
void genai_books_commit(genai_books_t *b);

/* Frees all locks. */
void genai_books_unlock(genai_books_t *b);

/*
 * Whether the process of a holder word is dead: 1; or 2 where there is nothing
 * left to repair, as its place was given up; or 0, also when in doubt.
 */
int genai_books_dead(const genai_books_t *b, uint32_t holder);

/*
 * Gets the right to repair a dead process, which one has at a time, and
 * repairs what it was about: its record and its locks.  Returns 1 with the
 * right, which is to be given back with genai_books_release(); 2 where we had
 * it already; or 0 where another living one has it, or where there is nothing
 * dead any more.
 */
int genai_books_recover(genai_books_t *b, uint32_t holder);
void genai_books_release(genai_books_t *b, uint32_t holder);

/*
 * Only that repair, where nobody else is here.  Returns 0; or -1 where it is
 * about what is not mapped here, and left to others.
 */
int genai_books_repair(genai_books_t *b, genai_books_process_t *p,
    uint32_t holder);

/* milliseconds of a clock that is cheap to read and never goes back */
uint64_t genai_books_clock(void);


/* genai_books_text.c */

/* Cuts an id that is too long, into room. */
void genai_books_text_cut(const genai_books_t *b, genai_str_t *s,
    unsigned char room[GENAI_BOOKS_TEXT_MAX]);

/*
 * SipHash-1-3 (Aumasson and Bernstein) under the seed of the books: names can
 * come from callers, who must not be able to choose such that collide.
 */
uint64_t genai_books_account_hash(const genai_books_t *b,
    const genai_account_t *account);
uint64_t genai_books_text_hash(const genai_books_t *b, const genai_str_t *s);

/* The name of the account, in the order of genai_name_e. */
static inline const genai_str_t *
genai_books_account_name(const genai_account_t *account, unsigned i)
{
    switch (i) {
    case GENAI_NAME_TEAM:
        return &account->team;
    case GENAI_NAME_USER:
        return &account->user;
    case GENAI_NAME_KEY:
        return &account->key;
    default:
        return &account->model;
    }
}

/* The text of a reference, or NULL. */
const genai_books_text_t *genai_books_text(const genai_books_t *b,
    uint64_t name);

/* The text as a string; returns 0 with an empty one where it is unreadable. */
int genai_books_text_str(const genai_books_t *b, uint32_t name,
    genai_str_t *s);

/* Whether the text of that reference is s. */
int genai_books_text_is(const genai_books_t *b, uint32_t name,
    const genai_str_t *s);

/*
 * Finds or makes a text, with the lock on the structure held.  Returns 0, or
 * -1 where there is no room; *name is 0 of an empty text.
 */
int genai_books_text_make(genai_books_t *b, const genai_str_t *s,
    uint32_t *name);

/*
 * Gets another extent, with that lock held: *i is its number.  Of what
 * providers keep *i is its place in the tree before.  Returns 0, or -1 where
 * there is no room.
 */
int genai_books_extent_make(genai_books_t *b, unsigned kind, uint64_t *i);


/* genai_books_row.c */

/* The row at an offset, or NULL where there can be none. */
genai_books_row_t *genai_books_row_at(const genai_books_t *b, uint64_t offset);

/* The row of an account, whose hash that is; made where there is none. */
genai_books_row_t *genai_books_row_get(genai_books_t *b,
    const genai_account_t *account, uint64_t hash);

/*
 * What the total of that number adds to the check of its row: a change of one
 * bit changes it, as does a total that stands in another's place.  The check
 * is their sum, so that it is changed by what changes: a wrong one stays so.
 */
static inline uint32_t
genai_books_check(unsigned i, uint64_t total)
{
    return (uint32_t) ((total * (UINT64_C(0x9e3779b97f4a7c15)
                                 + i * UINT64_C(0x3c6ef372fe94f82a)))
                       >> 32);
}

static inline uint32_t
genai_books_row_hash(const genai_books_row_t *row)
{
    return (uint32_t) genai_books_get(&row->hash);
}

/*
 * Copies a row as it was at one moment.  Returns 1; 2 where its check says
 * that its totals are damaged; or 0 where it is in use no more.
 */
int genai_books_row_read(const genai_books_t *b,
    const genai_books_row_t *row, genai_books_row_t *copy);

/* The names of a row or of a lease; 0 where one is unreadable. */
int genai_books_names(const genai_books_t *b, const uint32_t *name,
    genai_account_t *account);

/* The bucket of a hash. */
static inline uint64_t *
genai_books_row_bucket(const genai_books_t *b, uint64_t hash)
{
    return (uint64_t *) (void *) (b->base + GENAI_BOOKS_AT_ROWS)
           + (hash & (GENAI_BOOKS_ROW_BUCKETS - 1));
}

static inline uint64_t *
genai_books_text_bucket(const genai_books_t *b, uint64_t hash)
{
    return (uint64_t *) (void *) (b->base + GENAI_BOOKS_AT_TEXTS)
           + (hash & (GENAI_BOOKS_TEXT_BUCKETS - 1));
}


/* genai_books_counter.c */

/* The counter at an offset, or NULL where there can be none. */
genai_books_counter_t *genai_books_counter_at(const genai_books_t *b,
    uint64_t offset);

/*
 * The current counter of an id: 1; 0 where there is none; or -1 where that
 * cannot be said.
 */
int genai_books_counter_find(const genai_books_t *b, const uint64_t *id,
    genai_books_counter_t **found);

/*
 * The current counter of a hold's id, in the hold's window or in one that is
 * barely ahead of now; made or turned where it is not.  NULL: there is no
 * room.  Without a lock: by the time there is one it may have changed.
 */
genai_books_counter_t *genai_books_counter_get(genai_books_t *b,
    const genai_hold_t *hold, int64_t now);

/* Whether it is still that, with its lock held or not. */
int genai_books_counter_is(const genai_books_counter_t *counter,
    const genai_hold_t *hold, int64_t now);

/*
 * Where an ended counter has debt that is not handed over yet, or is held no
 * more: hands it over, and frees it.
 */
void genai_books_counter_end(genai_books_t *b, uint64_t offset);

/*
 * What the next window is charged with, so far: what is above the amount, but
 * not for an amount that was lowered.
 */
static inline uint64_t
genai_books_counter_excess(const genai_books_counter_t *c)
{
    uint64_t  used = c->settled + c->debt, over = c->over + c->debt;

    if (used <= c->amount) {
        return 0;
    }

    return (used - c->amount < over) ? used - c->amount : over;
}

/*
 * Makes the current counter of a hold, under the lock on the structure.  old
 * is the one that is current so far, locked: it is held, and becomes an ended
 * one; or NULL.  Returns NULL where there is no room.
 */
genai_books_counter_t *genai_books_counter_new(genai_books_t *b,
    const genai_hold_t *hold, genai_books_counter_t *old);

/*
 * What is left of an excess after so many windows, 1 at least: the first one
 * takes it over, each further one that passed has paid.
 */
uint64_t genai_books_counter_debt(uint64_t excess, uint64_t amount,
    uint64_t windows);

/*
 * A counter as it was at one moment; what its holder has made true and not
 * yet put in place holds.  Returns 0 where it is in use no more.
 */
int genai_books_counter_read(const genai_books_t *b,
    const genai_books_counter_t *c, genai_books_counter_t *copy);

/* The limit that a counter is of. */
void genai_books_counter_limit(const genai_books_counter_t *c,
    genai_limit_t *limit);

static inline uint64_t *
genai_books_counter_bucket(const genai_books_t *b, const uint64_t *id)
{
    return (uint64_t *) (void *) (b->base + GENAI_BOOKS_AT_COUNTERS)
           + (((id[0] ^ b->head->seed[0]) * UINT64_C(0x9e3779b97f4a7c15)
               + id[1]) >> 48);
}


/* genai_books_hold.c */

/* Sets tight by the rest of what was said; returns it. */
unsigned genai_hold_tight(genai_hold_t *hold, uint64_t amount, uint64_t take);

/*
 * What a lease's end changes of the counters that it holds, whose locks are
 * held: used is what it used, NULL for nothing at all.  Fills the record.
 * keep is a bit for each that it goes on to hold; 0, and it holds none.
 * ended gets the offsets of those that genai_books_counter_end() is to look
 * at afterwards, and has room for all.  Returns how many these are.
 */
unsigned genai_books_hold_close(genai_books_t *b, const genai_lease_t *lease,
    const genai_use_t *used, uint32_t keep, uint64_t ended[GENAI_HOLDS_MAX],
    genai_overrun_t *overrun);

/*
 * The locks of the counters that a lease holds: into words, which has room
 * for all of them.  Returns how many.
 */
unsigned genai_books_hold_locks(const genai_books_t *b,
    const genai_lease_t *lease, uint64_t *words[GENAI_HOLDS_MAX]);

/* Takes locks in the order of their addresses; each stands there once. */
void genai_books_lock_all(genai_books_t *b, uint64_t **words, unsigned n);


/* genai_books_stored.c */

/* Whether an entry of that time is one that anybody may claim. */
int genai_books_stored_free(uint64_t when, int64_t now);


/* genai_books_lease.c */

/* What a lease's checkpoint says. */
void genai_books_said(const genai_lease_t *lease, genai_totals_t *so_far);


#endif /* _GENAI_BOOKS_INT_H_INCLUDED_ */
