/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The walk over a request's tape: a dialect describes its requests by a tree
 * of nodes, one for each place that a value may stand at, and is called for
 * every value that stands at one.
 *
 * The walk keeps a stack of at most GENAI_WALK_PATH levels, steps over
 * anything else in one step, and can stop after any step and go on later.
 * What is refused is told with its place, as "messages.0.role".
 */


#ifndef _GENAI_REQUEST_WALK_H_INCLUDED_
#define _GENAI_REQUEST_WALK_H_INCLUDED_


#include "genai_request.h"


/* levels that are walked into; those of a tree of nodes are fewer */
#define GENAI_WALK_PATH     16

/* members of a table */
#define GENAI_WALK_MEMBERS  64

/* what every reader of numbers has as it is written */
#define GENAI_WALK_INT_MAX  (INT64_C(9007199254740991))

/* bytes of an integer */
#define GENAI_WALK_DIGITS   64


/* what a handler returns */

#define GENAI_WALK_GO      0
#define GENAI_WALK_OVER    1        /* do not walk into the value */
#define GENAI_WALK_MORE    2        /* call me again, see below */
#define GENAI_WALK_ERROR  -1


typedef struct genai_request_node_s  genai_request_node_t;


typedef struct {
    const char                   *name;     /* ASCII, as it must be spelled */
    size_t                        len;
    const genai_request_node_t   *node;     /* of the member's value; NULL:
                                               only the name matters */
} genai_request_member_t;

#define genai_request_member(name, node)  { name, sizeof(name) - 1, node }

/* other members are stepped over, or their values stand at a node as well */
#define genai_request_members_end         { NULL, 0, NULL }
#define genai_request_members_other(node) { NULL, 0, node }


/* a value that stands at a place */

typedef struct {
    const genai_request_node_t   *node;
    void                         *state;    /* the dialect's */
    uint32_t                      index;    /* of the tape */
    uint32_t                      number;   /* of an element in its array */
    unsigned                      leave:1;
} genai_request_place_t;


/* types that may stand at a place: a bit (1 << genai_tape_type_e) each */

#define genai_walk_bit(type)  (1u << (type))

#define GENAI_WALK_NULL    genai_walk_bit(GENAI_TAPE_NULL)
#define GENAI_WALK_BOOL                                                       \
    (genai_walk_bit(GENAI_TAPE_FALSE) | genai_walk_bit(GENAI_TAPE_TRUE))
#define GENAI_WALK_NUMBER  genai_walk_bit(GENAI_TAPE_NUMBER)
#define GENAI_WALK_STRING  genai_walk_bit(GENAI_TAPE_STRING)
#define GENAI_WALK_ARRAY   genai_walk_bit(GENAI_TAPE_ARRAY)
#define GENAI_WALK_OBJECT  genai_walk_bit(GENAI_TAPE_OBJECT)
#define GENAI_WALK_ANY     0x7f


struct genai_request_node_s {
    uint8_t                       types;    /* that may stand here; another
                                               is refused */
    uint8_t                       enter;    /* of them those that are walked
                                               into: arrays and objects */
    uint8_t                       kind;     /* a genai_segment_e, for the
                                               handler */

    /*
     * Called for a value at this place, before it is walked into, and with
     * leave set behind it, where it was.  NULL: nothing to do.
     */
    int                         (*handler)(genai_request_t *req,
                                           const genai_request_place_t *at);

    const genai_request_node_t   *element;  /* of an array; NULL: none is
                                               looked at */
    const genai_request_member_t *members;  /* of an object, no more than
                                               GENAI_WALK_MEMBERS; the end
                                               tells what others are */
};


/*
 * Begins to walk the scanned request from its root; state is handed to the
 * handlers.  Memory comes from the request's arena.  Returns 0, or -1 when
 * there is none, with the error set.
 */
int genai_request_walk_init(genai_request_t *req,
    const genai_request_node_t *root, void *state);

/* Goes on for about budget steps.  Returns as genai_request_read(). */
int genai_request_walk(genai_request_t *req, size_t budget);

/*
 * For handlers: what stands behind decides about what stands here.  Looks for
 * the member of that name, plain ASCII, of the object at i.  A handler may
 * look for one, before it does anything else.
 *
 * Returns GENAI_WALK_MORE where the object is so large that the handler is
 * to return that, and will be called for the same value again;
 * GENAI_WALK_GO with *value set, to 0 where there is no such member or i is
 * no object.
 */
int genai_request_find(genai_request_t *req, uint32_t i, const char *name,
    size_t len, uint32_t *value);

/*
 * For handlers of members that no table names: whether it is of no meaning for
 * a model, being a number, true, false, null or empty, or a member that the
 * node's own list names.
 */
int genai_request_is_plain(const genai_request_t *req,
    const genai_request_place_t *at);

/*
 * For handlers: adds a segment, behind all others of the text.  Returns
 * GENAI_WALK_GO, or GENAI_WALK_ERROR with the error set.
 */
int genai_request_segment(genai_request_t *req, genai_segment_e kind,
    genai_role_e role, uint32_t value, uint32_t message, uint32_t part);

/*
 * For handlers: refuses the value that the handler is called for.  The
 * format, printf's, is what is to be said of it: "must be ...".  Returns
 * GENAI_WALK_ERROR.
 */
int genai_request_refuse(genai_request_t *req, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* For handlers: there is no memory.  Returns GENAI_WALK_ERROR. */
int genai_request_no_memory(genai_request_t *req);

/*
 * For handlers: the number at i as an integer, however it is written: 100,
 * 100.0 and 1e2 are the same.  Returns GENAI_WALK_GO with *n set, or
 * GENAI_WALK_ERROR where it is none, not from min to max, or written in more
 * than GENAI_WALK_DIGITS bytes, with the error set; it does not tell the
 * range where max is GENAI_WALK_INT_MAX.
 */
int genai_request_int(genai_request_t *req, uint32_t i, int64_t min,
    int64_t max, int64_t *n);


#endif /* _GENAI_REQUEST_WALK_H_INCLUDED_ */
