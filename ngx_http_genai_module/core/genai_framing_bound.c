/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What an estimate may be exceeded by.  A text of n bytes is n tokens at most
 * to any vocabulary; what is written around texts is a bound that no recording
 * has exceeded, with room.  docs/TOKENS.md lists them.
 */


#include "genai_framing_int.h"


/* tokens */
#define GENAI_BOUND_MESSAGE    16       /* around one of an unknown family */
#define GENAI_BOUND_SYSTEM     64       /* a system prompt that nobody sent */
#define GENAI_BOUND_TOOLS      1024     /* around tools */
#define GENAI_BOUND_FOREIGN    65536    /* what a provider's own tool finds */
#define GENAI_BOUND_CALL       64       /* around a call or a result */
#define GENAI_BOUND_FORMAT     512
#define GENAI_BOUND_CHOICE     256      /* a tool_choice and the like */
#define GENAI_BOUND_OPTIONS    4096     /* what an unknown member stands for */
#define GENAI_BOUND_SEAM       32
#define GENAI_BOUND_IMAGE      16384    /* nothing is known of the model */
#define GENAI_BOUND_ELSEWHERE  ((uint64_t) 1 << 20)     /* a file by name */

/* bytes of a reference, and not of data */
#define GENAI_BOUND_NAME       2048


void
genai_framing_bound(genai_framing_t *f)
{
    uint32_t             why;
    uint64_t             n, messages;
    const genai_tape_t  *t;

    t = &f->req->tape;
    why = f->estimated;
    messages = f->req->messages;
    n = 0;

    if (why & (GENAI_FRAMING_FAMILY|GENAI_FRAMING_TURNS|GENAI_FRAMING_EDGES
               |GENAI_FRAMING_NAMES|GENAI_FRAMING_MARKS))
    {
        n += GENAI_BOUND_SYSTEM + GENAI_BOUND_MESSAGE * messages;
    }

    if (f->tools && (why & (GENAI_FRAMING_FAMILY|GENAI_FRAMING_TOOLS))) {
        n += GENAI_BOUND_TOOLS + t->entries[f->tools].len / 2
             + GENAI_BOUND_FOREIGN * (uint64_t) f->nforeign;
    }

    if (why & GENAI_FRAMING_CALLS) {
        n += GENAI_BOUND_CALL * (uint64_t) f->ncalled + f->called_bytes / 2;
    }

    if (why & GENAI_FRAMING_FORMAT) {
        n += GENAI_BOUND_FORMAT + (f->format ? t->entries[f->format].len : 0);
    }

    if (why & (GENAI_FRAMING_IMAGES|GENAI_FRAMING_MEDIA
               |GENAI_FRAMING_UNCOVERED))
    {
        n += (f->images_most > f->media) ? f->images_most - f->media : 0;
    }

    if (why & GENAI_FRAMING_REASONING) {
        n += f->thought_bytes + GENAI_BOUND_MESSAGE * messages;
    }

    if (why & GENAI_FRAMING_UNCOVERED) {
        n += f->other_bytes + GENAI_BOUND_CALL;
    }

    if (why & GENAI_FRAMING_OPTIONS) {
        n += f->option_bytes + GENAI_BOUND_CHOICE;
        n += f->nothers ? GENAI_BOUND_OPTIONS : 0;
    }

    if (why & GENAI_FRAMING_SEAMS) {
        n += GENAI_BOUND_SEAM * (uint64_t) f->nseams;
    }

    f->slack = n;
}


/*
 * A model whose rule is known may still scale another way, but not beyond what
 * its largest image is.
 */

uint64_t
genai_framing_image_most(const genai_catalog_model_t *model)
{
    uint64_t  a, b, n;

    if (model == NULL) {
        return GENAI_BOUND_IMAGE;
    }

    a = model->image_a;
    b = model->image_b;

    switch (model->image) {

    case GENAI_IMAGE_TILES:
        return a + 8 * b;               /* 768 by 2048 */

    case GENAI_IMAGE_PATCHES:
        return b ? (a * b + 999) / 1000 : GENAI_BOUND_IMAGE;

    case GENAI_IMAGE_AREA:
        return b ? 3 * b : GENAI_BOUND_IMAGE;

    case GENAI_IMAGE_GRID:

        if (a == 0 || b == 0) {
            return GENAI_BOUND_IMAGE;
        }

        n = b / a + 1;

        return n * (n + 1);

    default:
        return GENAI_BOUND_IMAGE;
    }
}


/*
 * Audio of 16 kbit/s at 32 tokens a second is a token for 80 bytes of base64.
 * A file that is packed has as much text as it has bytes, and more.
 */

uint64_t
genai_framing_bytes_most(uint8_t kind, size_t len)
{
    if (len < GENAI_BOUND_NAME) {
        return GENAI_BOUND_ELSEWHERE;
    }

    return (kind == GENAI_SEGMENT_AUDIO) ? len / 64 + 64 : 2 * len + 4096;
}
