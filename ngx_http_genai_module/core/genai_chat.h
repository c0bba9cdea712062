/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * A chat request in the middle of a translation: what all dialects that carry
 * a conversation mean, in the words of none of them.  A dialect reads its
 * requests into it and writes its requests from it, so that n dialects need n
 * readers and n writers.
 *
 * It is small: texts stay where they are.  A value is a place in the client's
 * document as it has been edited (so that masks are in it), a text, or a piece
 * of JSON; what a writer copies keeps its escapes, its key order and its
 * numbers.  Lists are in the order of the request, and nothing depends on
 * anything but the request: the same gives the same bytes.
 *
 * What a reader finds and cannot say in these words it drops by name
 * (genai_chat_drop) where a provider that never got it would answer the same
 * question, and refuses (genai_chat_refuse) where it would answer another one.
 * So do writers.  docs/DIALECTS.md has the table.
 *
 * All memory is the arena's; the document stays as long as values of it are in
 * use.  It belongs to one thread at a time, with the arena.
 */


#ifndef _GENAI_CHAT_H_INCLUDED_
#define _GENAI_CHAT_H_INCLUDED_


#include "genai_arena.h"
#include "genai_cursor.h"
#include "genai_request.h"
#include "genai_writer.h"


/* what readers and writers return */

#define GENAI_CHAT_OK          0
#define GENAI_CHAT_NO_MEMORY  -1
#define GENAI_CHAT_REFUSED    -2    /* chat->error is a sentence for the
                                       sender */


/* bytes of an error; and names that are told as dropped */
#define GENAI_CHAT_ERROR_MAX    256
#define GENAI_CHAT_DROPPED_MAX  16


typedef enum {
    GENAI_VALUE_NONE = 0,
    GENAI_VALUE_AT,                 /* what stands there: a string, or any
                                       other JSON value */
    GENAI_VALUE_TEXT,               /* text is a decoded string */
    GENAI_VALUE_JSON                /* text is a JSON value */
} genai_value_e;


typedef struct {
    genai_value_e            kind;
    genai_cursor_t           at;
    genai_str_t              text;
} genai_value_t;


/* where a provider is told that what stands before may be cached */

typedef enum {
    GENAI_CACHE_NONE = 0,
    GENAI_CACHE_5M,                 /* or as long as the provider likes */
    GENAI_CACHE_1H
} genai_cache_e;


typedef enum {
    GENAI_PART_TEXT = 0,
    GENAI_PART_REASONING,           /* text, if any; signature, if any */
    GENAI_PART_REFUSAL,
    GENAI_PART_IMAGE,
    GENAI_PART_AUDIO,
    GENAI_PART_VIDEO,
    GENAI_PART_FILE,                /* a document */
    GENAI_PART_CALL,                /* id, name, text: the arguments */
    GENAI_PART_RESULT,              /* id of the call, parts; name where told */
    GENAI_PART_OTHER                /* what only the source's dialect knows:
                                       text is the whole part, as JSON */
} genai_part_e;


/* what the text of an image, a sound or a document is */

typedef enum {
    GENAI_SOURCE_DATA = 0,          /* base64; type is its media type */
    GENAI_SOURCE_URL,               /* not "data:": readers take that apart */
    GENAI_SOURCE_ID,                /* of a file that the provider keeps */
    GENAI_SOURCE_TEXT               /* a document's plain text */
} genai_source_e;


typedef struct genai_part_s     genai_part_t;
typedef struct genai_message_s  genai_message_t;
typedef struct genai_tool_s     genai_tool_t;

/* see genai_tool_name.h */

typedef struct genai_tool_rule_s   genai_tool_rule_t;
typedef struct genai_tool_names_s  genai_tool_names_t;

/* see genai_chat_calls.h */

typedef struct genai_chat_calls_s  genai_chat_calls_t;


struct genai_part_s {
    genai_part_t            *next;
    genai_part_t            *prev;      /* of those of a message */
    unsigned                 number;    /* of all messages' parts, from 1 */
    genai_part_e             kind;
    genai_source_e           source;
    genai_cache_e            cache;

    genai_value_t            text;      /* see genai_part_e; for a CALL the
                                           arguments: a string with a JSON
                                           text (openai) or that JSON itself;
                                           NONE: there are none */
    genai_value_t            id;
    genai_value_t            name;      /* of a tool, or a file's */
    genai_value_t            type;      /* media type: "image/png" */
    genai_value_t            detail;    /* of an image: low, high, auto */

    /*
     * What the model's provider signed a thought, a call or a text with; it
     * goes to nobody but a provider of that dialect.
     */
    genai_value_t            signature;
    const genai_dialect_t   *signer;

    genai_part_t            *parts;     /* RESULT: what it is */
    genai_part_t            *last;      /* of these */

    unsigned                 error:1;   /* RESULT: the call has failed */
    unsigned                 custom:1;  /* CALL: its text is no JSON */
    unsigned                 sealed:1;  /* REASONING: the signature is the
                                           thought, encrypted */
};


struct genai_message_s {
    genai_message_t         *next;
    genai_role_e             role;      /* SYSTEM, DEVELOPER, USER, ASSISTANT;
                                           a TOOL's results are parts of a
                                           USER's, in a message of their own
                                           where the source has it so */
    genai_value_t            name;      /* of who speaks */
    genai_part_t            *parts;
    genai_part_t            *last;      /* of these */
    genai_part_t            *text;      /* genai_chat_sign()'s: the last TEXT
                                           up to */
    genai_part_t            *looked;
};


typedef enum {
    GENAI_TOOL_FUNCTION = 0,
    GENAI_TOOL_CUSTOM,              /* its input is free text */
    GENAI_TOOL_SERVER               /* that the provider runs itself: whole is
                                       the definition, for its own dialect */
} genai_tool_e;


struct genai_tool_s {
    genai_tool_t            *next;
    genai_tool_e             kind;
    genai_cache_e            cache;
    genai_value_t            name;
    genai_value_t            description;
    genai_value_t            schema;    /* JSON; NONE: it takes nothing */
    genai_value_t            format;    /* CUSTOM: a grammar, JSON */
    genai_value_t            whole;
    signed char              strict;    /* -1: not told */
};


typedef enum {
    GENAI_CHOICE_UNSET = 0,
    GENAI_CHOICE_NONE,
    GENAI_CHOICE_AUTO,
    GENAI_CHOICE_ANY,               /* one of them, which is the model's */
    GENAI_CHOICE_NAMED
} genai_choice_e;


typedef enum {
    GENAI_FORMAT_UNSET = 0,
    GENAI_FORMAT_TEXT,
    GENAI_FORMAT_JSON,              /* any object */
    GENAI_FORMAT_SCHEMA
} genai_format_e;


typedef enum {
    GENAI_EFFORT_UNSET = 0,
    GENAI_EFFORT_NONE,
    GENAI_EFFORT_MINIMAL,
    GENAI_EFFORT_LOW,
    GENAI_EFFORT_MEDIUM,
    GENAI_EFFORT_HIGH,
    GENAI_EFFORT_XHIGH,
    GENAI_EFFORT_MAX,
    GENAI_EFFORT_DYNAMIC            /* as the model thinks fit */
} genai_effort_e;


/* what is one value and means the same everywhere, or nothing */

typedef enum {
    GENAI_PARAM_NONE = 0,
    GENAI_PARAM_TEMPERATURE,
    GENAI_PARAM_TOP_P,
    GENAI_PARAM_TOP_K,
    GENAI_PARAM_SEED,
    GENAI_PARAM_FREQUENCY_PENALTY,
    GENAI_PARAM_PRESENCE_PENALTY,
    GENAI_PARAM_LOGIT_BIAS,
    GENAI_PARAM_LOGPROBS,           /* true or false */
    GENAI_PARAM_TOP_LOGPROBS,
    GENAI_PARAM_USER,               /* who it is for, a string */
    GENAI_PARAM_METADATA,           /* an object of strings */
    GENAI_PARAM_SERVICE_TIER,
    GENAI_PARAM_STORE,
    GENAI_PARAM_VERBOSITY,
    GENAI_PARAM_CACHE_KEY,          /* prompt_cache_key */
    GENAI_PARAM_SAFETY_ID,          /* safety_identifier */
    GENAI_PARAM_LAST
} genai_param_e;


typedef struct genai_chat_s {
    const genai_dialect_t   *dialect;   /* of the client */
    genai_arena_t           *arena;

    genai_message_t         *messages;  /* instructions are the first, with
                                           the role SYSTEM */
    genai_message_t         *last_message;
    genai_tool_t            *tools;
    genai_tool_t            *last_tool;

    unsigned                 nparts;    /* of all messages, */
    unsigned                 ncalls;    /* and calls among them */
    genai_chat_calls_t      *calls;     /* by id; NULL: nobody has asked */

    genai_choice_e           choice;
    genai_value_t            choice_name;
    signed char              parallel;  /* calls; -1: not told */

    genai_format_e           format;
    genai_value_t            format_name;
    genai_value_t            format_description;
    genai_value_t            format_schema;
    signed char              format_strict;     /* -1: not told */

    genai_effort_e           effort;
    int64_t                  thinking;  /* tokens; -1: not told */
    signed char              show_thoughts;     /* -1: not told */

    genai_value_t            stop[8];
    unsigned                 nstop;

    genai_value_t            param[GENAI_PARAM_LAST];

    int64_t                  max_output;        /* tokens; -1: not told */
    int64_t                  n;                 /* answers, 1 where not told */
    unsigned                 stream:1;
    unsigned                 usage:1;   /* a stream is to tell its usage */

    /* tools' names in what was written last; NULL: they are the client's */
    genai_tool_names_t      *names;

    genai_str_t              dropped[GENAI_CHAT_DROPPED_MAX];
    unsigned                 ndropped;

    /* of whom it is written for; OpenAI's writer's own */
    const struct genai_quirks_s
                            *quirks;

    char                     error[GENAI_CHAT_ERROR_MAX];
} genai_chat_t;


/* for whom a request is written */

typedef struct genai_chat_target_s {
    genai_str_t              model;     /* decoded */
    int64_t                  max_output;        /* tokens that the answer may
                                                   have; -1: the client's */
    int64_t                  max_default;       /* for dialects that must tell
                                                   it, where nobody did */
    int64_t                  max_model;         /* more than that the model
                                                   refuses; 0: not known */
    unsigned                 stream:1;
    unsigned                 newer:1;   /* openai: the model's cap is
                                           "max_completion_tokens"; others:
                                           it is told an effort and no budget
                                           of tokens */
    unsigned                 thinks:1;  /* it is told either */
    unsigned                 fixed:1;   /* openai, responses: it has no
                                           temperature while it thinks */
    unsigned                 vertex:1;  /* Vertex AI serves it */
    unsigned                 untold:1;  /* openai: a stream is not asked for
                                           its usage */
    const struct genai_quirks_s
                            *quirks;    /* openai: of its server; or NULL */
} genai_chat_target_t;


/* Prepares an empty one. */
void genai_chat_init(genai_chat_t *chat, const genai_dialect_t *dialect,
    genai_arena_t *arena);

/*
 * Adds behind the others: a message, a part of it, a part of a result, a tool.
 * Zeroed, but for what is -1 where it is not told.  Return NULL when there is
 * no memory.
 */
genai_message_t *genai_chat_message(genai_chat_t *chat, genai_role_e role);
genai_part_t *genai_chat_part(genai_chat_t *chat, genai_message_t *m,
    genai_part_e kind);
genai_part_t *genai_chat_subpart(genai_chat_t *chat, genai_part_t *result,
    genai_part_e kind);
genai_tool_t *genai_chat_tool(genai_chat_t *chat, genai_tool_e kind);

/* what becomes of an option that the request has */

#define GENAI_CHAT_KEPT      0
#define GENAI_CHAT_NEEDLESS  1      /* it asks for nothing, and need not be
                                       told as dropped */
#define GENAI_CHAT_LEFT_OUT  2

/*
 * Whether a model of OpenAI's takes an option: temperature and its kin are not
 * for one that thinks, nor is the name of a user of more than 64 bytes for
 * any.  Returns one of the above, or -1 when there is no memory.
 */
int genai_chat_param_use(genai_chat_t *chat,
    const struct genai_chat_target_s *to, genai_param_e param);

/*
 * Signs a part of the message that is being read, the last one that has calls:
 * the last call of that id, decoded; where that is NULL the last text.  What
 * signs no part, or comes of nobody, is dropped as "signature".  Returns
 * GENAI_CHAT_OK or GENAI_CHAT_NO_MEMORY.
 */
int genai_chat_sign(genai_chat_t *chat, genai_message_t *m,
    const genai_dialect_t *signer, const genai_str_t *id,
    const genai_str_t *signature);

/*
 * Notes that something does not reach the provider, once; name, a static or
 * the arena's text, is what the client called it.  Those above
 * GENAI_CHAT_DROPPED_MAX are told as "...".
 */
void genai_chat_drop(genai_chat_t *chat, const char *name, size_t len);
#define genai_chat_dropped(chat, name)                                        \
    genai_chat_drop(chat, name, sizeof(name) - 1)

/* a member that a reader knows */

typedef struct {
    const char              *name;      /* ASCII */
    size_t                   len;

    /*
     * What it is: a parameter, which is noted; or for a handler.  Neither: it
     * has no meaning in a translation, or is read elsewhere.
     */
    genai_param_e            param;
    int                    (*handler)(genai_chat_t *chat,
                                      const genai_cursor_t *value, void *data);
} genai_chat_field_t;

#define genai_chat_field(name, handler)                                       \
    { name, sizeof(name) - 1, GENAI_PARAM_NONE, handler }
#define genai_chat_param(name, param)                                         \
    { name, sizeof(name) - 1, param, NULL }
#define genai_chat_fields_end                                                 \
    { NULL, 0, GENAI_PARAM_NONE, NULL }

/*
 * Hands each member of an object that is not null to its handler, in the order
 * of the request; others are dropped by name.  Returns GENAI_CHAT_OK, or what
 * a handler returned instead; names with escapes are refused.
 */
int genai_chat_fields(genai_chat_t *chat, const genai_cursor_t *object,
    const genai_chat_field_t *fields, void *data);

/* Refuses the request: printf's format.  Returns GENAI_CHAT_REFUSED. */
int genai_chat_refuse(genai_chat_t *chat, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));


/*
 * Writes a chat in a dialect: its write_chat, with names of tools that its
 * providers take.  Returns what that returns.
 */
int genai_chat_write(genai_chat_t *chat, const genai_dialect_t *dialect,
    const genai_chat_target_t *to, genai_writer_t *w);


/* A value where it stands, of a text that lives as long, of JSON. */
genai_value_t genai_value_at(const genai_cursor_t *at);
genai_value_t genai_value_text(const genai_str_t *text);
genai_value_t genai_value_json(const genai_str_t *json);

/*
 * The member of that name of an object where it is there and not null: 1 with
 * *value set, else 0.
 */
int genai_chat_member(const genai_cursor_t *object, const char *name,
    size_t len, genai_cursor_t *value);
#define genai_chat_find(object, name, value)                                  \
    genai_chat_member(object, "" name, sizeof(name) - 1, value)

/* Whether it is a string, decoded; and is that word, plain ASCII. */
int genai_value_is_string(const genai_value_t *v);
int genai_value_is(genai_chat_t *chat, const genai_value_t *v,
    const char *word);

/* Whether a JSON value is true: 1; false: 0; anything else: -1. */
int genai_chat_bool(const genai_cursor_t *at);

/* The whole number from 0 on that stands there; -1 where it is none. */
int64_t genai_chat_int(const genai_cursor_t *at);

/*
 * The text of a string, decoded; of any other value its JSON.  Returns 0, or
 * -1 when there is no memory.
 */
int genai_value_decode(genai_chat_t *chat, const genai_value_t *v,
    genai_str_t *text);

/*
 * Writes a value where the writer expects one:
 *
 * _write as it is, a string or any JSON;
 * _write_string as a string: of what is none, its JSON text;
 * _write_object as a JSON object: of a string the object that is its text.
 * Where that is none, and of nothing, it is an empty one, as providers take
 * no other, and models do write such arguments (half of one, when they were
 * cut).
 *
 * Errors are the writer's.
 */
void genai_value_write(const genai_value_t *v, genai_writer_t *w);
void genai_value_write_string(const genai_value_t *v, genai_writer_t *w);
void genai_value_write_object(genai_chat_t *chat, const genai_value_t *v,
    genai_writer_t *w);

/* The same as a member; nothing where there is no value. */
void genai_value_member(const genai_value_t *v, genai_writer_t *w,
    const char *name);

/* Within a string that was begun: more of it, of what is none its JSON. */
void genai_value_piece(const genai_value_t *v, genai_writer_t *w);


/*
 * Takes a "data:" URL of base64 apart, RFC 2397.  Returns 1 with *type and
 * *data set, which may be views; 0 where it is another URL; GENAI_CHAT_REFUSED
 * where it is one and is damaged or not base64; or GENAI_CHAT_NO_MEMORY.
 */
int genai_chat_data_url(genai_chat_t *chat, const genai_value_t *url,
    genai_value_t *type, genai_value_t *data);


/*
 * Whether it is a URL that a provider may be asked to fetch, of https, http or
 * gs.  Returns what readers return.
 */
int genai_chat_url(genai_chat_t *chat, const genai_value_t *url);

/*
 * The media type that the name at the end of a URL's path tells, by the
 * registry of IANA; NULL where it tells none.  url is decoded.
 */
const char *genai_chat_url_type(const genai_str_t *url);

/* What a part with that media type is: an image, a sound, ..., a document. */
genai_part_e genai_chat_type_part(const genai_str_t *type);


/*
 * The dialect that signs with that name: its own, or one of those that
 * OpenRouter calls formats.  NULL: nobody that this build knows.
 */
const genai_dialect_t *genai_chat_signer(const genai_str_t *name);

/*
 * Takes a text apart that may begin with a mark, see genai_mark.h: with one it
 * sets signature, signer and id of part, all views, and *what to its WHAT.
 * Without one nothing is changed.
 *
 * Returns 0, or -1 where the mark is damaged.
 */
int genai_chat_unmark(genai_part_t *part, const genai_str_t *text,
    genai_str_t *what);

/*
 * The same of a text that is base64, whose bytes are then the arena's.
 *
 * Returns GENAI_CHAT_OK, GENAI_CHAT_NO_MEMORY, or GENAI_CHAT_REFUSED where
 * the mark is damaged, without an error set.
 */
int genai_chat_unmark_base64(genai_chat_t *chat, genai_part_t *part,
    const genai_str_t *text, genai_str_t *what);

/*
 * Signs the calls of a message when all of it was read, as some clients put
 * them behind what signs them: parts of marks have a call's id, its signature
 * and who signed it.  Returns what genai_chat_sign() does.
 */
int genai_chat_sign_calls(genai_chat_t *chat, genai_message_t *m,
    const genai_part_t *marks);


/* The effort of that name, or GENAI_EFFORT_UNSET; and its name. */
genai_effort_e genai_effort_by_name(const genai_str_t *name);
const char *genai_effort_name(genai_effort_e effort);

/*
 * How many tokens of thinking an effort is where a dialect wants a number, and
 * which effort a number is: low to 1,024, medium to 8,192, high to 24,576,
 * above that xhigh.
 */
int64_t genai_effort_tokens(genai_effort_e effort);
genai_effort_e genai_effort_of_tokens(int64_t tokens);


#endif /* _GENAI_CHAT_H_INCLUDED_ */
