/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * A dialect is a wire protocol between a client and a model, one vtable in
 * one file.  It knows which path means which endpoint, how a credential
 * travels, what an error looks like, and how conversations and answers are
 * read and written.
 *
 * All functions are pure, safe in any thread, and allocate nothing but from an
 * arena that they are handed.
 */


#ifndef _GENAI_DIALECT_H_INCLUDED_
#define _GENAI_DIALECT_H_INCLUDED_


#include "genai_answer.h"
#include "genai_edit.h"
#include "genai_error.h"
#include "genai_str.h"


/* what is asked for; the order is that of genai_endpoint_name() */

typedef enum {
    GENAI_ENDPOINT_NONE = 0,
    GENAI_ENDPOINT_CHAT,
    GENAI_ENDPOINT_COMPLETIONS,
    GENAI_ENDPOINT_EMBEDDINGS,
    GENAI_ENDPOINT_RESPONSES,
    GENAI_ENDPOINT_MESSAGES,
    GENAI_ENDPOINT_GENERATE,
    GENAI_ENDPOINT_CONVERSE,
    GENAI_ENDPOINT_COUNT_TOKENS,
    GENAI_ENDPOINT_MODELS,
    GENAI_ENDPOINT_OTHER,
    GENAI_ENDPOINT_MODERATIONS,     /* policies' snapshots have the numbers */
    GENAI_ENDPOINT_RERANK,
    GENAI_ENDPOINT_IMAGES,
    GENAI_ENDPOINT_AUDIO,
    GENAI_ENDPOINT_LAST
} genai_endpoint_e;


/* a set of endpoints is the sum of these bits */
#define genai_endpoint_bit(e)  (1u << (e))

#define GENAI_ENDPOINTS_DEFAULT                                               \
    (genai_endpoint_bit(GENAI_ENDPOINT_CHAT)                                  \
     | genai_endpoint_bit(GENAI_ENDPOINT_COMPLETIONS)                         \
     | genai_endpoint_bit(GENAI_ENDPOINT_EMBEDDINGS)                          \
     | genai_endpoint_bit(GENAI_ENDPOINT_RESPONSES)                           \
     | genai_endpoint_bit(GENAI_ENDPOINT_MESSAGES)                            \
     | genai_endpoint_bit(GENAI_ENDPOINT_GENERATE)                            \
     | genai_endpoint_bit(GENAI_ENDPOINT_CONVERSE)                            \
     | genai_endpoint_bit(GENAI_ENDPOINT_COUNT_TOKENS)                        \
     | genai_endpoint_bit(GENAI_ENDPOINT_MODELS))


/* endpoints whose prompt is a conversation */
#define GENAI_ENDPOINTS_TALK                                                  \
    (genai_endpoint_bit(GENAI_ENDPOINT_CHAT)                                  \
     | genai_endpoint_bit(GENAI_ENDPOINT_RESPONSES)                           \
     | genai_endpoint_bit(GENAI_ENDPOINT_MESSAGES)                            \
     | genai_endpoint_bit(GENAI_ENDPOINT_GENERATE)                            \
     | genai_endpoint_bit(GENAI_ENDPOINT_CONVERSE)                            \
     | genai_endpoint_bit(GENAI_ENDPOINT_COUNT_TOKENS))

#define genai_endpoint_talks(e)                                               \
    ((genai_endpoint_bit(e) & GENAI_ENDPOINTS_TALK) != 0)


/* endpoints whose answers are decoded by genai_results.h */
#define GENAI_ENDPOINTS_RESULTS                                               \
    (genai_endpoint_bit(GENAI_ENDPOINT_MODERATIONS)                           \
     | genai_endpoint_bit(GENAI_ENDPOINT_RERANK)                              \
     | genai_endpoint_bit(GENAI_ENDPOINT_IMAGES)                              \
     | genai_endpoint_bit(GENAI_ENDPOINT_AUDIO))

#define genai_endpoint_results(e)                                             \
    ((genai_endpoint_bit(e) & GENAI_ENDPOINTS_RESULTS) != 0)


/* endpoints that no text of a model is answered to, which would be counted */
#define GENAI_ENDPOINTS_SILENT                                                \
    (GENAI_ENDPOINTS_RESULTS                                                  \
     | genai_endpoint_bit(GENAI_ENDPOINT_EMBEDDINGS)                          \
     | genai_endpoint_bit(GENAI_ENDPOINT_COUNT_TOKENS))

#define genai_endpoint_silent(e)                                              \
    ((genai_endpoint_bit(e) & GENAI_ENDPOINTS_SILENT) != 0)


typedef enum {
    GENAI_BODY_NONE = 0,            /* GET: a body is ignored */
    GENAI_BODY_JSON,                /* an object, read and held */
    GENAI_BODY_MULTIPART,           /* held; its part "model" is read */
    GENAI_BODY_OPAQUE               /* passed on unread, one try only */
} genai_body_e;


typedef struct {
    genai_endpoint_e   endpoint;
    genai_str_t        suffix;      /* of a path, and what follows pass */
    genai_body_e       body;
} genai_endpoint_t;


/* see genai_request.h, genai_request_walk.h, genai_edit.h, genai_chat.h,
   genai_tool_name.h */

struct genai_request_s;
struct genai_request_node_s;
struct genai_edits_s;
struct genai_chat_s;
struct genai_chat_target_s;
struct genai_tool_rule_s;


typedef struct genai_dialect_s  genai_dialect_t;

struct genai_dialect_s {
    genai_str_t              name;

    /*
     * Another dialect, where this one has its bodies (requests, answers,
     * errors) and nothing of its own but paths and credentials: then only
     * the members that say so are set.  Else NULL.
     */
    const genai_dialect_t   *bodies;

    /*
     * The header that carries a credential, and what stands before it; these
     * and the endpoints below are the path's.  bearer: one that is a JWT goes
     * as OpenAI's.
     */
    genai_str_t              credential_header;
    genai_str_t              credential_prefix;
    unsigned                 bearer:1;

    /* ended by an entry with GENAI_ENDPOINT_NONE */
    const genai_endpoint_t  *endpoints;

    /*
     * Writes an error answer's body: the error's kind by status, the
     * message, and code, which may be empty, as the dialect's JSON.  dst has
     * room for GENAI_DIALECT_ERROR_MAX bytes; a longer message is cut.
     * Returns the number of bytes written.
     */
    size_t                 (*error_body)(unsigned char *dst, unsigned status,
                                         const genai_str_t *message,
                                         const genai_str_t *code);

    /*
     * The same as an event of a stream that has begun, with its framing.
     */
    size_t                 (*error_event)(unsigned char *dst, unsigned status,
                                          const genai_str_t *message,
                                          const genai_str_t *code);

    /*
     * The table that a request of an endpoint is walked by, and the size of
     * the zeroed state that its handlers get.  NULL: no such endpoint.
     */
    const struct genai_request_node_s *
                           (*request_nodes)(genai_endpoint_e endpoint,
                                            size_t *state);

    /*
     * Adds the edits after which a stream tells its usage, where the client
     * did not ask for it.  Returns 1 where there are any, so that the answer
     * is to lose what nobody asked for; 0 where there are none; -1 when there
     * is no memory.
     */
    int                    (*ask_usage)(const struct genai_request_s *req,
                                        struct genai_edits_s *edits);

    /*
     * Adds the edit after which the request asks for that model.  name is
     * decoded.  Returns 0, or -1 when there is no memory.
     */
    int                    (*set_model)(const struct genai_request_s *req,
                                        struct genai_edits_s *edits,
                                        const genai_str_t *name);

    /* the endpoint that carries conversations, which can be translated */
    genai_endpoint_e         chat;

    /*
     * Reads such a request from its document, with what is edited, into an
     * empty chat.  Writes one: a whole request body.  Both return what
     * genai_chat.h says.
     */
    int                    (*read_chat)(struct genai_chat_s *chat,
                                        const genai_document_t *document);
    int                    (*write_chat)(struct genai_chat_s *chat,
                                         const struct genai_chat_target_s *to,
                                         genai_writer_t *w);

    /* which names of tools its providers take; NULL: any */
    const struct genai_tool_rule_s
                            *tool_rule;

    /*
     * The decoder of its answers, in memory of answer_size bytes that begins
     * with a genai_answer_t: genai_answer_feed() feeds it.
     */
    size_t                   answer_size;
    void                   (*answer_init)(void *answer,
                                          const genai_answer_opts_t *opts,
                                          genai_event_pt handler, void *ctx);

    /*
     * The encoder of its streams, in memory of encoder_size bytes, and of its
     * JSON answers; see genai_openai_stream_init(), _event(),
     * genai_openai_whole_write().  Ids that we make begin with id_prefix.
     */
    genai_str_t              id_prefix;
    size_t                   encoder_size;
    void                   (*encoder_init)(void *encoder,
                                           const genai_answer_head_t *head,
                                           genai_write_pt write, void *ctx);
    int                    (*encoder_event)(void *encoder,
                                            const genai_event_t *event);
    int                    (*whole_write)(const genai_whole_t *whole,
                                          genai_write_pt write, void *ctx);

    /*
     * What every request has: a header, where the client has not sent it, or
     * a parameter of its path; which version it is where nobody says another.
     * Of the path.
     */
    genai_str_t              version_header;
    genai_str_t              version_param;
    genai_str_t              version;

    /*
     * The member that caps an answer, and in which of the root's it is, which
     * may have another spelling; empty: the root's own.  A dialect without
     * cap_name has max_tokens, or max_completion_tokens as the model takes it.
     */
    genai_str_t              cap_name;
    genai_str_t              cap_in;
    genai_str_t              cap_in_other;

    /* what stands around the number, where tokens are asked for */
    genai_str_t              count_begin;
    genai_str_t              count_end;

    /*
     * An encoder that must say again what was said keeps it in memory that it
     * is given right after encoder_init(), no more than limit bytes; who does
     * not give it any cannot use it.  encoder_free() gives that back.  NULL
     * where nothing is kept.
     */
    void                   (*encoder_keep)(void *encoder, size_t limit,
                                           genai_alloc_pt alloc, void *ctx);
    void                   (*encoder_free)(void *encoder);

    /*
     * Where the model stands in the paths, and perhaps whether the answer is
     * to be streamed; else NULL.  path_read takes them out of a decoded path
     * (no query), *model is a view: 1, or 0 where there is no model in it;
     * *stream stays where the path does not say.
     *
     * path_write writes the path of an endpoint, encoded and with its query
     * but for version_param; model is decoded, dst has size bytes.  It returns
     * the number of bytes that the path takes, of which no more than size have
     * been written.
     */
    int                    (*path_read)(const genai_str_t *path,
                                        genai_str_t *model, unsigned *stream);
    size_t                 (*path_write)(unsigned char *dst, size_t size,
                                         genai_endpoint_e endpoint,
                                         const genai_str_t *model,
                                         unsigned stream);

    /* what stands before that where the base URL has no version yet */
    genai_str_t              path_version;

    /*
     * Where Vertex AI serves it otherwise: path_write of its paths, and the
     * member that a request has there, its name and its value, a JSON text;
     * those whose path has the model have no model.  Else NULL, and empty.
     */
    size_t                 (*vertex_path)(unsigned char *dst, size_t size,
                                          genai_endpoint_e endpoint,
                                          const genai_str_t *model,
                                          unsigned stream);
    genai_str_t              vertex_name;
    genai_str_t              vertex_value;

    /*
     * Called right after encoder_init(), makes the stream one JSON array,
     * which clients get who have not asked for events.  NULL: none do.
     */
    void                   (*encoder_array)(void *encoder);

    /* what may stand between two events of a stream, and means nothing */
    genai_str_t              ping;

    /* the type of its streams; empty: text/event-stream */
    genai_str_t              stream_type;

    /*
     * A header that says what kind of error an answer is, and the kinds by
     * status, static texts; or empty and NULL.
     */
    genai_str_t              error_header;
    const genai_str_t     *(*error_type)(unsigned status);

    /* a credential may be one that requests are signed with, genai_sigv4.h */
    unsigned                 signed_v4:1;
};


/* whose bodies it has: its own, or another one's */
#define genai_dialect_bodies(d)  ((d)->bodies ? (d)->bodies : (d))


/* bytes of a message that are shown, and what an error can grow to */
#define GENAI_DIALECT_MESSAGE_MAX  1024
#define GENAI_DIALECT_ERROR_MAX                                               \
    (512 + 6 * GENAI_DIALECT_MESSAGE_MAX + 6 * 64)


extern const genai_dialect_t  genai_openai;
extern const genai_dialect_t  genai_azure;
extern const genai_dialect_t  genai_anthropic;
extern const genai_dialect_t  genai_responses;
extern const genai_dialect_t  genai_gemini;
extern const genai_dialect_t  genai_bedrock;


/* The dialect of that name, or NULL where this build has none. */
const genai_dialect_t *genai_dialect_by_name(const genai_str_t *name);

/* The dialect of that number, from 0 on; NULL behind the last. */
const genai_dialect_t *genai_dialect_at(unsigned i);

/* The type of a dialect's streams. */
const genai_str_t *genai_dialect_stream_type(const genai_dialect_t *dialect);

/* The endpoint of that name, or GENAI_ENDPOINT_NONE where no dialect has it. */
genai_endpoint_e genai_endpoint_by_name(const genai_str_t *name);

/* The name of an endpoint, a static text; "" for GENAI_ENDPOINT_NONE. */
const genai_str_t *genai_endpoint_name(genai_endpoint_e endpoint);

/*
 * The dialect's entry of an endpoint, the first where it has several paths; or
 * NULL where it has none.
 */
const genai_endpoint_t *genai_endpoint_find(const genai_dialect_t *dialect,
    genai_endpoint_e endpoint);

/*
 * Recognises the endpoint that a decoded path (no query) ends with.  For
 * models *id is set to what follows ".../models/", which may have slashes,
 * or to an empty string.  A path is of a dialect with another one's bodies
 * only where there is a model in it.
 *
 * Returns the entry, or NULL.
 */
const genai_endpoint_t *genai_endpoint_of_path(const genai_dialect_t *dialect,
    const genai_str_t *path, genai_str_t *id);

/*
 * Whether a credential is a JWT in its compact form (RFC 7515, 7.1: three
 * parts of base64url, the first being that of an object): 1 or 0.
 */
int genai_credential_is_jwt(const genai_str_t *credential);


/*
 * What a multipart endpoint's path takes as JSON: the entry behind it, where
 * that is of the same path; else NULL.
 */
const genai_endpoint_t *genai_endpoint_json(const genai_endpoint_t *endpoint);


#endif /* _GENAI_DIALECT_H_INCLUDED_ */
