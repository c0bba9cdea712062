/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "genai_answer_frame.h"


static int genai_answer_stream(genai_answer_t *a, const unsigned char *p,
    size_t n);


int
genai_answer_feed(genai_answer_t *a, const unsigned char *p, size_t n)
{
    int                   rc;
    const unsigned char  *end;

    if (a->failed) {
        return -1;
    }

    end = p + n;

    if (a->mode == GENAI_ANSWER_SNIFF) {

        while (p < end && genai_answer_space(*p)) {
            p++;
            a->offset++;
        }

        if (p == end) {
            return 0;
        }

        /*
         * no line of a stream starts so, and no JSON text as a field does, or
         * as the length of a frame
         */

        a->mode = (*p == '[' && a->frame->array) ? GENAI_ANSWER_ARRAY
                  : (*p == '{') ? GENAI_ANSWER_WHOLE
                  : a->frames ? ((a->stream || *p < ' ') ? GENAI_ANSWER_FRAMES
                                                         : GENAI_ANSWER_WHOLE)
                  : (a->stream || *p == ':' || *p == 'd' || *p == 'e')
                    ? GENAI_ANSWER_STREAM : GENAI_ANSWER_WHOLE;

        a->stream = (a->mode != GENAI_ANSWER_WHOLE);

        if (a->frames) {
            a->frames->offset = a->offset;

        } else {
            a->sse->offset = a->offset;
        }
    }

    if (a->mode == GENAI_ANSWER_ARRAY) {
        return a->frame->array(a, p, end - p);
    }

    if (a->mode == GENAI_ANSWER_WHOLE) {

        if (!a->closed) {
            rc = a->frame->text(a, p, end - p, a->offset);

            if (!a->closed) {
                a->offset += end - p;
                return rc;
            }

            p += a->push->offset - a->offset;
            a->offset = a->push->offset;

            if (rc != 0) {
                return rc;
            }
        }

        return genai_answer_behind(a, p, end - p);
    }

    return genai_answer_stream(a, p, end - p);
}


static int
genai_answer_stream(genai_answer_t *a, const unsigned char *p, size_t n)
{
    int          rc;
    const char  *error;

    if (a->mode == GENAI_ANSWER_FRAMES) {
        rc = genai_eventstream_feed(a->frames, p, n);
        error = a->frames->error;
        a->offset = a->frames->offset;

    } else {
        rc = genai_sse_feed(a->sse, p, n);
        error = a->sse->error;
        a->offset = a->sse->offset;
    }

    if (rc < 0 && error) {
        (void) genai_answer_broken(a, error, a->offset);
        a->failed = 1;
    }

    return rc;
}


int
genai_answer_end(genai_answer_t *a)
{
    genai_event_t  e;

    if (a->failed) {
        return -1;
    }

    if (a->mode == GENAI_ANSWER_ARRAY) {
        return a->frame->array_end(a);
    }

    if (a->mode == GENAI_ANSWER_STREAM || a->mode == GENAI_ANSWER_FRAMES) {

        if ((a->sse ? genai_sse_end(a->sse) : genai_eventstream_end(a->frames))
            != 0)
        {
            return -1;
        }

        return a->ended ? 0 : a->frame->stream_end(a);
    }

    if (a->closed) {

        if (a->offset == a->push->offset) {
            return 0;
        }

        genai_answer_event(&e, GENAI_EVENT_CHUNK);

        e.start = a->push->offset;
        e.end = a->offset;
        e.chunk = a->broken ? GENAI_CHUNK_DATA|GENAI_CHUNK_BROKEN
                            : GENAI_CHUNK_TAIL;

        return (a->frame->tell(a, &e) < 0) ? -1 : 0;
    }

    if (!a->broken) {
        a->cut = 1;
        (void) genai_push_end(a->push, a->offset);

        if (genai_answer_broken(a, a->push->error, a->offset) != 0) {
            return -1;
        }
    }

    return (a->frame->whole_end(a, a->offset) < 0) ? -1 : 0;
}


int
genai_answer_behind(genai_answer_t *a, const unsigned char *p, size_t n)
{
    size_t  i;

    for (i = 0; i < n && !a->broken; i++) {

        if (!genai_answer_space(p[i])
            && genai_answer_broken(a, "there are bytes after the value",
                                   a->offset + i)
               != 0)
        {
            return -1;
        }
    }

    a->offset += n;

    return 0;
}


int
genai_answer_broken(genai_answer_t *a, const char *error, uint64_t offset)
{
    unsigned       again;
    genai_event_t  e;

    again = a->broken;

    a->broken = 1;
    a->chunk |= GENAI_CHUNK_BROKEN;

    if (!again && a->frame->stop && a->frame->stop(a, offset) != 0) {
        return -1;
    }

    genai_answer_event(&e, GENAI_EVENT_BROKEN);

    e.text.data = (unsigned char *) error;
    e.text.len = strlen(error);
    e.start = offset;
    e.end = offset;

    return (a->frame->tell(a, &e) < 0) ? -1 : 0;
}


int
genai_answer_whole_end(genai_answer_t *a, uint64_t end)
{
    int            rc;
    unsigned       wrong;
    genai_event_t  e;

    if (!(a->chunk & (GENAI_CHUNK_CHOICES|GENAI_CHUNK_ERROR
                      |GENAI_CHUNK_BROKEN))
        && genai_answer_broken(a, a->frame->empty, end) != 0)
    {
        return -1;
    }

    wrong = a->chunk & (GENAI_CHUNK_BROKEN|GENAI_CHUNK_ERROR);

    genai_answer_event(&e, GENAI_EVENT_CHUNK);

    e.end = end;
    e.chunk = a->chunk | GENAI_CHUNK_DATA
              | (a->cut ? GENAI_CHUNK_INCOMPLETE : 0);

    rc = a->frame->tell(a, &e);

    if (rc < 0) {
        return -1;
    }

    a->broken = 0;

    if (genai_answer_end_tell(a, end, end, wrong ? GENAI_END_CUT
                                                 : GENAI_END_DONE)
        != 0)
    {
        return -1;
    }

    return rc > 0;
}


int
genai_answer_end_tell(genai_answer_t *a, uint64_t start, uint64_t end,
    genai_end_e how)
{
    genai_event_t  e;

    genai_answer_event(&e, GENAI_EVENT_END);

    e.start = start;
    e.end = end;
    e.end_how = how;

    a->ended = 1;

    return (a->frame->tell(a, &e) < 0) ? -1 : 0;
}
