/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the framing share; nobody else includes it.
 */


#ifndef _GENAI_FRAMING_INT_H_INCLUDED_
#define _GENAI_FRAMING_INT_H_INCLUDED_


#include "genai_framing.h"
#include "genai_writer.h"


/* how a family shows tools to its models */

typedef enum {
    GENAI_TOOLS_UNKNOWN = 0,        /* estimated as JSON */
    GENAI_TOOLS_TYPES,              /* TypeScript, as OpenAI's hosted models */
    GENAI_TOOLS_HARMONY,            /* as gpt-oss */
    GENAI_TOOLS_ARRAY,              /* the array as JSON, with blanks */
    GENAI_TOOLS_LINES,              /* a function a line, such JSON */
    GENAI_TOOLS_WHOLE               /* a tool a line */
} genai_tools_e;


/* how it shows calls */

typedef enum {
    GENAI_CALLS_UNKNOWN = 0,
    GENAI_CALLS_OPENAI,
    GENAI_CALLS_HARMONY,
    GENAI_CALLS_MISTRAL,
    GENAI_CALLS_QWEN
} genai_calls_e;


/* what its control tokens look like in a text */

typedef enum {
    GENAI_MARKS_NONE = 0,
    GENAI_MARKS_PIPE,               /* <|...|> */
    GENAI_MARKS_WIDE,               /* the same, of fullwidth bars */
    GENAI_MARKS_BRACKET             /* [INST], </s> */
} genai_marks_e;


typedef struct genai_framing_family_s  genai_framing_family_t;

/* numbers are tokens */

struct genai_framing_family_s {
    uint8_t        begin;           /* before all messages */
    uint8_t        end;             /* behind them, where the answer begins */
    uint8_t        system;          /* around a message of each role */
    uint8_t        user;
    uint8_t        assistant;
    uint8_t        tool;
    uint8_t        name;            /* beside a name's own; 0: it is not
                                       shown */

    uint8_t        answer_end;      /* of an answer: where it ends by itself, */
    uint8_t        answer_reasoning;        /* where it has reasoned, */
    uint8_t        answer_call;             /* for each call, */
    uint8_t        answer_more;             /* where it has several */

    uint8_t        tools;           /* a genai_tools_e */
    uint8_t        calls;           /* a genai_calls_e */
    uint16_t       tools_fixed;     /* around all tools */

    unsigned       merges:1;        /* the system prompt is put into a user's
                                       message */
    unsigned       joins:1;         /* a line feed stands between parts */
    unsigned       trims:1;         /* white space around texts goes */
    unsigned       always:1;        /* preamble stands before any system
                                       prompt, else in place of one */
    unsigned       thinks:1;        /* an answer's text may be cut at its
                                       thoughts */
    unsigned       hides:1;         /* an answer may be billed for thoughts
                                       that it does not show */
    uint8_t        marks;           /* a genai_marks_e */

    uint32_t       known;           /* bits that recordings have shown to be
                                       exact, of GENAI_FRAMING_* */
    uint32_t       items;           /* the same of the Responses API */
    uint32_t       answers;         /* the same of answers: FAMILY is their
                                       text */
    const char    *preamble;        /* a system prompt of its own, or NULL */
};


/* The family's numbers. */
const genai_framing_family_t *genai_framing_family(genai_framing_e framing);

/* Estimated, unless the family is known to be exact with it. */
static inline void
genai_framing_doubt(genai_framing_t *f, uint32_t bit)
{
    f->estimated |= bit & ~f->known;
}


static inline int
genai_framing_letter(unsigned char c)
{
    return (unsigned char) ((c | 0x20) - 'a') < 26;
}


/* what tool_choice asks for */

#define GENAI_FRAMING_AUTO      0
#define GENAI_FRAMING_NO_TOOL   1
#define GENAI_FRAMING_REQUIRED  2
#define GENAI_FRAMING_NAMED     3


/* All return 0, or -1 when there is no memory. */

int genai_framing_segment(genai_framing_t *f, uint32_t segment,
    int32_t times);
int genai_framing_made(genai_framing_t *f, const genai_str_t *text,
    int32_t times);

/* Adds a text of the message that the walk is in. */
int genai_framing_text(genai_framing_t *f, uint32_t segment);

/*
 * Adds what text, a static one, adds behind a segment: where both are one
 * text the last token may be another one.
 */
int genai_framing_behind(genai_framing_t *f, uint32_t segment,
    const char *text);

/* The same of two segments that are one text, with another one between. */
int genai_framing_join(genai_framing_t *f, uint32_t one, uint32_t two,
    const char *text);

/* The raw string at a tape index, decoded; "" for what is none. */
int genai_framing_decode(genai_framing_t *f, uint32_t index,
    genai_str_t *text);

/*
 * Looks at the members of the request, and of the message at f->place: what is
 * asked for, and what nobody has recorded.
 */
void genai_framing_options(genai_framing_t *f);
void genai_framing_members(genai_framing_t *f);

/* Any member of an image's part that nobody has recorded. */
void genai_framing_part_members(genai_framing_t *f, uint32_t i);

/* Tokens that an image may have at most. */
uint64_t genai_framing_image_most(const genai_catalog_model_t *model);

/* The same of so many bytes of audio or of a file. */
uint64_t genai_framing_bytes_most(uint8_t kind, size_t len);

/* Computes f->slack, once all has been walked. */
void genai_framing_bound(genai_framing_t *f);

/* The request's next tool; f->tool goes on. */
int genai_framing_tool(genai_framing_t *f);

/* What is around all tools, once they have been. */
int genai_framing_tools_end(genai_framing_t *f);

/*
 * genai_framing_items.c: requests of the Responses API.  The walk begins;
 * the next item; its segments have been walked.
 */
void genai_framing_items_begin(genai_framing_t *f);
int genai_framing_item(genai_framing_t *f);
int genai_framing_item_end(genai_framing_t *f);

/* what an item is */

#define GENAI_ITEM_OTHER      0
#define GENAI_ITEM_MESSAGE    1
#define GENAI_ITEM_CALL       2
#define GENAI_ITEM_RESULT     3
#define GENAI_ITEM_REASONING  4

/* The call that the item at f->place is, and whose result. */
int genai_framing_item_call(genai_framing_t *f);
int genai_framing_item_result(genai_framing_t *f);

/* The tool that is to be called, of a request with items. */
int genai_framing_item_choice(genai_framing_t *f);

/* Calls of a message.  Returns 1 where they are to be told as they stand. */
int genai_framing_calls(genai_framing_t *f);

/* What a tool's message says besides its text: whom it answers. */
int genai_framing_result(genai_framing_t *f);

/* The template's own system prompt; own: the request has one as well. */
int genai_framing_preamble(genai_framing_t *f, int own);

/* Tokens that so many bytes of audio or of a file are estimated at. */
uint64_t genai_framing_bytes(uint8_t kind, size_t len);

/* A schema that the answer is to follow. */
int genai_framing_schema(genai_framing_t *f);

/*
 * Writes the value at i again: with blanks behind colons and commas or
 * without any.  drop: without "required", "description" and
 * "additionalProperties" of the value itself.  *odd is set where another
 * reader might write it in another way.
 */
int genai_framing_json(genai_writer_arena_t *w, const genai_tape_t *t,
    uint32_t i, int blanks, int drop, int *odd);

/* A string's text; of any other value the JSON. */
int genai_framing_plain(genai_writer_arena_t *w, const genai_tape_t *t,
    uint32_t i, int *odd);

/* Whether the object at i has a name twice: then *odd is set. */
int genai_framing_twice(genai_arena_t *arena, const genai_tape_t *t,
    uint32_t i, int *odd);

/*
 * Writes a tool's parameters, at i, as a type; how: see below.  *spent grows
 * by the work that it was, in bytes of the budget.  Returns 1 where it would
 * be too much: then nothing is written.
 */
int genai_framing_type(genai_writer_arena_t *w, const genai_tape_t *t,
    uint32_t i, int how, int *odd, size_t *spent);

#define GENAI_TYPE_CHAT     0
#define GENAI_TYPE_HARMONY  1
#define GENAI_TYPE_ITEMS    2       /* titles are lines of their own */

/* Adds a text that was written. */
int genai_framing_put(genai_framing_t *f, genai_writer_arena_t *w,
    int32_t times);


#define genai_framing_write(w, text)                                          \
    genai_writer_arena(w, (const unsigned char *) text, sizeof(text) - 1)


#endif /* _GENAI_FRAMING_INT_H_INCLUDED_ */
