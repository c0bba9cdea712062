/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Where servers that speak OpenAI's chat completions differ from OpenAI's:
 * a table, an entry for each of them, with where it is known from.
 *
 * It says what a server refuses or reads as something else, and no more: what
 * it reads as OpenAI does, or steps over without harm, is sent as it is.  The
 * writer of conversations (genai_openai_write_chat) is told of an entry in
 * genai_chat_target_t; a request in this dialect is changed by edits, here.
 *
 * All functions are pure, but for the edits, and thread-safe.
 */


#ifndef _GENAI_QUIRKS_H_INCLUDED_
#define _GENAI_QUIRKS_H_INCLUDED_


#include "genai_edit.h"
#include "genai_request.h"


/* which of max_tokens and max_completion_tokens an answer is capped by */

typedef enum {
    GENAI_CAP_BOTH = 0,             /* either */
    GENAI_CAP_OLD,                  /* max_tokens alone */
    GENAI_CAP_NEWER                 /* max_completion_tokens alone with newer
                                       models, either with others */
} genai_cap_e;


/* a member of messages, of those roles: a set of 1 << genai_role_e; 0: all */

typedef struct {
    genai_str_t           name;     /* .len 0 ends a list */
    unsigned              roles;
} genai_quirks_member_t;


typedef struct genai_quirks_s {
    genai_str_t           name;     /* what it is configured by */
    genai_str_t           hosts[2]; /* names that are it, or end with a dot
                                       and it; .len 0: none */

    genai_cap_e           cap;
    genai_str_t           seed;     /* the name of "seed" where it is another */
    genai_str_t           thoughts; /* the member in which an assistant's
                                       message has what was thought, for who
                                       reads it again; .len 0: nobody does */
    unsigned              call_id;  /* letters and digits that the id of a
                                       call must be; 0: whatever */
    unsigned              stops;    /* stop sequences, at most; 0: 4 */

    unsigned              untold:1; /* refuses stream_options, and tells its
                                       usage without it */
    unsigned              system:1; /* has no role developer */
    unsigned              any:1;    /* tool_choice required is "any" */
    unsigned              one:1;    /* gives one answer, whatever n is */
    unsigned              schemaless:1; /* has no response_format json_schema */
    unsigned              unnamed:1;    /* no tool_choice of one function */
    unsigned              top_k:1;  /* takes it */
    unsigned              top_p:1;  /* refuses a top_p of 1, which asks for
                                       nothing */
    unsigned              high:1;   /* an effort is none or high */

    /* members that it refuses, of chat and of embeddings: ended by .len 0 */
    const genai_str_t            *refused;
    const genai_str_t            *refused_embeddings;
    const genai_quirks_member_t  *refused_message;
} genai_quirks_t;


/* names that are told as dropped */
#define GENAI_QUIRKS_DROPPED_MAX  16

/* returned by genai_quirks_edit(): told->error says why */
#define GENAI_QUIRKS_REFUSED      -3

/*
 * Messages that are looked at, where the entry says anything of messages, and
 * edits of them: about half a millisecond each.
 */
#define GENAI_QUIRKS_MESSAGES_MAX  8192
#define GENAI_QUIRKS_EDITS_MAX     1024

/* bytes of the id of a call, at most */
#define GENAI_QUIRKS_ID_MAX       16


typedef struct {
    genai_str_t           dropped[GENAI_QUIRKS_DROPPED_MAX];
    unsigned              ndropped;
    const char           *error;    /* a static sentence for the sender */
} genai_quirks_told_t;


/* The entry of that name, or NULL; that of that number, NULL behind the last.*/
const genai_quirks_t *genai_quirks_by_name(const genai_str_t *name);
const genai_quirks_t *genai_quirks_at(unsigned i);

/* The entry of a host's name, in any case, or NULL. */
const genai_quirks_t *genai_quirks_by_host(const genai_str_t *host);

/*
 * Whether it refuses that member of a chat request; and of a message of that
 * role.  q may be NULL: nothing is refused.
 */
int genai_quirks_refuses(const genai_quirks_t *q, const char *name);
int genai_quirks_refuses_of(const genai_quirks_t *q, genai_role_e role,
    const char *name);

/*
 * The id of a call as the server takes it: of another one, always the same
 * that is made of it.  dst has room for GENAI_QUIRKS_ID_MAX bytes, id is
 * decoded.  Returns the bytes written, or 0 where id is right as it is.
 */
size_t genai_quirks_call_id(const genai_quirks_t *q, const genai_str_t *id,
    unsigned char *dst);

/*
 * Adds the edits after which the server understands a request of OpenAI's
 * dialect, read before; of other endpoints than chat, completions and
 * embeddings there are none.  newer: of the model, as in genai_chat_target_t.
 * It looks at the members of the request and of each message once, and at no
 * text; more messages or edits than above are refused.
 *
 * Returns GENAI_EDIT_OK with *told, whose names are static; GENAI_EDIT_NO_
 * MEMORY; or GENAI_QUIRKS_REFUSED where the server would do something else
 * than was asked for.
 */
int genai_quirks_edit(const genai_quirks_t *q, const genai_request_t *req,
    unsigned newer, genai_edits_t *edits, genai_quirks_told_t *told);

/*
 * Takes back that a stream is asked for its usage, which was added to the
 * layer below (genai_openai_ask_usage).  Returns GENAI_EDIT_OK, or
 * GENAI_EDIT_NO_MEMORY.
 */
int genai_quirks_unask(const genai_request_t *req, genai_edits_t *edits);


#endif /* _GENAI_QUIRKS_H_INCLUDED_ */
