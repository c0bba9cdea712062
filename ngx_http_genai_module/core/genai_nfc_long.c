/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Canonical composition in steps.
 */


#include "genai_nfc_long.h"


static void genai_nfc_long_order(genai_nfc_long_t *l);


void
genai_nfc_long_begin(genai_nfc_long_t *l, unsigned char *dst,
    const genai_str_t *s)
{
    memset(l, 0, sizeof(genai_nfc_long_t));

    l->r.p = s->data;
    l->r.end = s->data + s->len;
    l->dst = dst;
    l->p = dst;
    l->c = genai_nfc_next(&l->r);

    /* marks at the text's begin follow nothing */

    l->starter = GENAI_NFC_NONE;
    l->phase = GENAI_NFC_FOLLOWED;
}


int
genai_nfc_long(genai_nfc_long_t *l, int64_t *budget, size_t *len)
{
    uint32_t        both;
    unsigned        ccc;
    unsigned char  *p;

    while (l->phase != GENAI_NFC_END) {

        if (*budget <= 0) {
            return 0;
        }

        (*budget)--;

        ccc = (l->c == GENAI_NFC_NONE) ? 0 : genai_nfc_class(l->c)->ccc;

        switch (l->phase) {

        case GENAI_NFC_STARTER:

            l->starter = l->c;

            if (l->c == GENAI_NFC_NONE) {
                l->phase = GENAI_NFC_END;
                break;
            }

            l->c = genai_nfc_next(&l->r);
            l->phase = GENAI_NFC_FOLLOWED;
            break;

        case GENAI_NFC_FOLLOWED:

            if (ccc) {
                memset(l->at, 0, sizeof(l->at));
                memset(l->nfirst, 0, sizeof(l->nfirst));
                memset(l->taken, 0, sizeof(l->taken));

                l->look = l->r;
                l->mark = l->c;
                l->phase = GENAI_NFC_COUNT;
                break;
            }

            both = (l->starter == GENAI_NFC_NONE || l->c == GENAI_NFC_NONE)
                   ? GENAI_NFC_NONE : genai_nfc_compose(l->starter, l->c);

            if (both != GENAI_NFC_NONE) {
                l->starter = both;
                l->c = genai_nfc_next(&l->r);
                break;
            }

            if (l->starter != GENAI_NFC_NONE) {
                l->p = genai_nfc_put(l->p, l->starter);
            }

            l->phase = GENAI_NFC_STARTER;
            break;

        case GENAI_NFC_COUNT:

            ccc = (l->mark == GENAI_NFC_NONE) ? 0
                                          : genai_nfc_class(l->mark)->ccc;

            if (ccc == 0) {
                genai_nfc_long_order(l);
                break;
            }

            if (l->nfirst[ccc] < GENAI_NFC_TAKEN) {
                l->first[ccc][l->nfirst[ccc]++] = l->mark;
            }

            l->at[ccc] += genai_nfc_size(l->mark);
            l->mark = genai_nfc_next(&l->look);
            break;

        default: /* GENAI_NFC_PLACE */

            if (ccc == 0) {
                l->phase = GENAI_NFC_STARTER;
                break;
            }

            if (l->taken[ccc]) {
                l->taken[ccc]--;

            } else {
                p = genai_nfc_put(l->dst + l->at[ccc], l->c);
                l->at[ccc] = p - l->dst;
            }

            l->c = genai_nfc_next(&l->r);
            break;
        }
    }

    *len = l->p - l->dst;

    return 1;
}


/*
 * The marks are counted.  Of each class the starter takes in the first ones,
 * up to one that does not compose with it: that one is in the way of all
 * others of its class, and of none of another.
 */

static void
genai_nfc_long_order(genai_nfc_long_t *l)
{
    size_t    n, sum;
    uint32_t  both;
    unsigned  i;

    sum = 0;

    for (i = 1; i < 256; i++) {

        while (l->taken[i] < l->nfirst[i] && l->starter != GENAI_NFC_NONE) {

            both = genai_nfc_compose(l->starter, l->first[i][l->taken[i]]);

            if (both == GENAI_NFC_NONE) {
                break;
            }

            l->starter = both;
            l->at[i] -= genai_nfc_size(l->first[i][l->taken[i]]);
            l->taken[i]++;
        }

        sum += l->at[i];
    }

    if (sum == 0) {

        /* what follows may compose with it, too */

        l->r = l->look;
        l->c = l->mark;
        l->phase = GENAI_NFC_FOLLOWED;

        return;
    }

    if (l->starter != GENAI_NFC_NONE) {
        l->p = genai_nfc_put(l->p, l->starter);
    }

    sum = l->p - l->dst;

    for (i = 1; i < 256; i++) {
        n = l->at[i];
        l->at[i] = sum;
        sum += n;
    }

    l->p = l->dst + sum;
    l->phase = GENAI_NFC_PLACE;
}
