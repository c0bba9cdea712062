/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Tools' names that a provider would refuse, and what stands for them.
 *
 * Each dialect's writer has a rule of the names that its providers take.  A
 * name that is none of these is written as another one, wherever it stands in
 * the request (tools, the choice among them, calls and results), and the
 * answer's calls get the client's name back:
 *
 *    "weather: today?"  ->  "weather_today__91fd3d60"
 *
 * Every run of bytes that are not allowed becomes one _, the rest is cut to
 * what the rule has room for, and behind it is the beginning of the name's
 * SHA-256: the same name is the same in every turn and process, which
 * providers' prompt caches and the model depend on.  Where that is the name of
 * another tool of this request, the next digest is taken, of the digest
 * and a number.  So names of one request are never the same, and which
 * one gets which depends on nothing but the request.
 *
 * A rule's names are not changed.  What a model calls and nobody has named
 * passes as it is.
 */


#ifndef _GENAI_TOOL_NAME_H_INCLUDED_
#define _GENAI_TOOL_NAME_H_INCLUDED_


#include "genai_chat.h"


/*
 * Names of one request that may be changed, and bytes of such a name, which
 * all encoders have room for; and names that stay in a request of which some
 * are changed.  Above that it is refused.
 */
#define GENAI_TOOL_NAMES_CHANGED  1024
#define GENAI_TOOL_NAME_CLIENT    256
#define GENAI_TOOL_NAMES_MAX      4096

/* no rule allows more bytes */
#define GENAI_TOOL_NAME_MAX       128


/* which names a provider takes; letters, digits and _ are always allowed */
struct genai_tool_rule_s {
    unsigned                 max;       /* bytes, at least 16 */
    const char              *more;      /* bytes that are allowed as well */
    unsigned                 letter:1;  /* it begins with a letter or _ */
};


typedef struct {
    genai_str_t              client;    /* decoded, any bytes */
    genai_str_t              provider;
} genai_tool_name_t;


/* all of it is the chat's arena's */
struct genai_tool_names_s {
    genai_tool_name_t       *name;      /* that were changed, */
    unsigned                 n;
    size_t                   bytes;     /* of these, of the client's */

    const genai_tool_rule_t *rule;
    void                    *table;     /* every name of the request */
    unsigned                 size;
    unsigned                 used;
};


/* Whether the rule allows the name. */
unsigned genai_tool_name_fits(const genai_tool_rule_t *rule,
    const genai_str_t *name);

/*
 * Finds what stands for the names of a chat that the rule does not allow:
 * chat->names is set, or NULL where there are none, or there is no rule.
 * genai_chat_write() calls it.  Returns what genai_chat.h says.
 */
int genai_tool_names(genai_chat_t *chat, const genai_tool_rule_t *rule);

/*
 * Writes a tool's name, or what stands for it, where a value is expected; as
 * a member "name".  Errors are the writer's.
 */
void genai_tool_name_write(genai_chat_t *chat, const genai_value_t *name,
    genai_writer_t *w);
void genai_tool_name_member(genai_chat_t *chat, const genai_value_t *name,
    genai_writer_t *w);

/*
 * The client's name for one that the provider has said: *said is set to it
 * where it is one of the n, and stays where it is not.  Thread-safe.
 */
void genai_tool_name_back(const genai_tool_name_t *names, unsigned n,
    genai_str_t *said);


#endif /* _GENAI_TOOL_NAME_H_INCLUDED_ */
