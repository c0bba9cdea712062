/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The table of what providers keep; see genai_books_stored.h.
 */


#include "genai_books_int.h"
#include "genai_books_stored.h"
#include "genai_siphash.h"


/* ms after which a claim is that of a dead one */
#define GENAI_STORED_CLAIM     60000

/* tries to claim a place, of which others take theirs */
#define GENAI_STORED_TRIES     8


static void genai_books_stored_hash(const genai_books_t *b,
    const genai_stored_t *object, uint64_t hash[2]);
static genai_stored_bucket_t *genai_books_stored_bucket(
    const genai_books_t *b, unsigned place, const uint64_t hash[2]);
static unsigned genai_books_stored_find(const genai_stored_bucket_t *bucket,
    const uint64_t hash[2], int64_t now, uint64_t *when);
static int genai_books_stored_extend(genai_books_t *b, unsigned place);


void
genai_books_stored_note(genai_books_t *b, const genai_stored_t *object,
    int64_t now)
{
    int64_t                 age, most;
    uint64_t                when, old, claim, hash[2];
    unsigned                i, k, n, place, free;
    genai_stored_bucket_t  *bucket, *to;

    genai_books_stored_hash(b, object, hash);

    for (k = 0; k < GENAI_STORED_TRIES; k++) {

        to = NULL;
        n = 0;
        old = 0;
        free = 0;
        most = -1;

        for (place = 0; place < GENAI_STORED_EXTENTS;
             place = genai_stored_next(place, hash))
        {
            bucket = genai_books_stored_bucket(b, place, hash);

            if (bucket == NULL) {
                break;
            }

            i = genai_books_stored_find(bucket, hash, now, &when);

            if (i < GENAI_STORED_BUCKET) {

                /* it is there, and is so from now on */

                if (when >= (uint64_t) now
                    || genai_books_swap(&bucket->when[i], when,
                                        (uint64_t) now))
                {
                    return;
                }

                goto again;
            }

            for (i = 0; i < GENAI_STORED_BUCKET && !free; i++) {

                when = genai_books_get(&bucket->when[i]);

                if (genai_books_stored_free(when, now)) {
                    free = 1;

                } else if (when & GENAI_STORED_CLAIMED) {
                    continue;

                } else {
                    age = now - (int64_t) when;

                    if (age <= most) {
                        continue;
                    }

                    most = age;
                }

                to = bucket;
                n = i;
                old = when;
            }
        }

        if (!free && place < GENAI_STORED_EXTENTS
            && genai_books_stored_extend(b, place) == 0)
        {
            continue;
        }

        if (to == NULL) {

            /* there is no table, or others claim all of it at this moment */

            break;
        }

        claim = (uint64_t) now | GENAI_STORED_CLAIMED;

        if (!genai_books_swap(&to->when[n], old, claim)) {
            continue;
        }

        genai_books_fill(&to->hash[n][0], hash[0]);
        genai_books_fill(&to->hash[n][1], hash[1]);

        if (!genai_books_swap(&to->when[n], claim, (uint64_t) now)) {
            continue;
        }

        if (old == 0) {
            (void) genai_books_add(&genai_books_extent(b,
                                     (genai_books_offset(b, to)
                                      - GENAI_BOOKS_BASE)
                                     / GENAI_BOOKS_EXTENT)->fill, 1);
        }

        if (free) {
            return;
        }

        break;

again:

        continue;
    }

    (void) genai_books_add(&b->head->stored_lost, 1);
}


int
genai_books_stored_known(const genai_books_t *b, const genai_stored_t *object,
    int64_t now)
{
    uint64_t                when, hash[2];
    unsigned                place;
    genai_stored_bucket_t  *bucket;

    genai_books_stored_hash(b, object, hash);

    for (place = 0; place < GENAI_STORED_EXTENTS;
         place = genai_stored_next(place, hash))
    {
        bucket = genai_books_stored_bucket(b, place, hash);

        if (bucket == NULL) {
            return 0;
        }

        if (genai_books_stored_find(bucket, hash, now, &when)
            < GENAI_STORED_BUCKET)
        {
            return 1;
        }
    }

    return 0;
}


static void
genai_books_stored_hash(const genai_books_t *b, const genai_stored_t *object,
    uint64_t hash[2])
{
    unsigned            i;
    genai_siphash_t     h;
    const genai_str_t  *owner;

    owner = object->team.len ? &object->team : &object->key;

    for (i = 0; i < 2; i++) {
        genai_siphash_begin(&h, b->head->seed);

        /* where other hashes of this seed have a length or a day */

        genai_siphash_word(&h, UINT64_MAX - 2 - i);
        genai_siphash_word(&h, object->team.len != 0);
        genai_siphash_word(&h, owner->len);
        genai_siphash_bytes(&h, owner->data, owner->len);
        genai_siphash_word(&h, object->provider.len);
        genai_siphash_bytes(&h, object->provider.data, object->provider.len);
        genai_siphash_word(&h, object->id.len);
        genai_siphash_bytes(&h, object->id.data, object->id.len);

        hash[i] = genai_siphash_end(&h);
    }
}


int
genai_books_stored_free(uint64_t when, int64_t now)
{
    int64_t  age;

    age = now - (int64_t) (when & ~GENAI_STORED_CLAIMED);

    if (when & GENAI_STORED_CLAIMED) {
        return age > GENAI_STORED_CLAIM || age < -GENAI_STORED_CLAIM;
    }

    /* what is of so late a time was never noted */

    return age > GENAI_STORED_MS || age < -GENAI_STORED_MS;
}


static genai_stored_bucket_t *
genai_books_stored_bucket(const genai_books_t *b, unsigned place,
    const uint64_t hash[2])
{
    uint64_t  i;

    i = genai_books_get(genai_books_stored_place(b, place));

    if (i == 0 || i > genai_books_extents(b)
        || genai_books_entry_kind(genai_books_get(genai_books_directory(b)
                                                  + i - 1))
           != GENAI_EXTENT_STORED)
    {
        return NULL;
    }

    return genai_books_extent_bucket(b, i - 1,
                                     genai_stored_bucket_of(hash));
}


/* its number in the bucket, or more than there are */

static unsigned
genai_books_stored_find(const genai_stored_bucket_t *bucket,
    const uint64_t hash[2], int64_t now, uint64_t *when)
{
    unsigned  i;

    for (i = 0; i < GENAI_STORED_BUCKET; i++) {

        if (__atomic_load_n(&bucket->hash[i][0], __ATOMIC_RELAXED) != hash[0]
            || __atomic_load_n(&bucket->hash[i][1], __ATOMIC_RELAXED)
               != hash[1])
        {
            continue;
        }

        *when = genai_books_get(&bucket->when[i]);

        if (!(*when & GENAI_STORED_CLAIMED)
            && !genai_books_stored_free(*when, now))
        {
            break;
        }
    }

    return i;
}


/* one more extent; returns 0, also where another process was faster, or -1 */

static int
genai_books_stored_extend(genai_books_t *b, unsigned place)
{
    int                  rc;
    uint64_t             i;
    genai_books_head_t  *head = b->head;

    if ((genai_books_get(&head->stored_extents) + 1) * 4
        > (b->max - GENAI_BOOKS_BASE) / GENAI_BOOKS_EXTENT)
    {
        return -1;
    }

    genai_books_lock(b, &head->lock);

    i = place;
    rc = genai_books_get(genai_books_stored_place(b, place))
         ? 0 : genai_books_extent_make(b, GENAI_EXTENT_STORED, &i);

    genai_books_unlock(b);

    return rc;
}
