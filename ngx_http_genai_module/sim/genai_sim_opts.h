/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The parameters of the simulated provider: how fast and how long it answers
 * and what it does wrong.  They are written alike, as NAME=VALUE, in the
 * directive "genai_sim" and, for one request, in the header "x-genai-sim".
 */


#ifndef _GENAI_SIM_OPTS_H_INCLUDED_
#define _GENAI_SIM_OPTS_H_INCLUDED_


#include "genai_str.h"

#include <stdint.h>


#define GENAI_SIM_OFF           (-1)

#define GENAI_SIM_HEADERS       8

/* of the parameter "silence": nothing is ever answered, not even a header */
#define GENAI_SIM_SILENCE_ALL   (-2)

#define GENAI_SIM_RESET_ACCEPT  0
#define GENAI_SIM_RESET_HEADER  1
#define GENAI_SIM_RESET_BODY    2


/* every number is an int64_t, so that one table can tell them all */

typedef struct {
    int64_t       delay;            /* ms before the header */
    int64_t       ttft;             /* ms from there to the first token */
    int64_t       rate;             /* tokens a second, 0: at once */
    int64_t       tokens;           /* a choice */
    int64_t       usage;
    int64_t       piece;            /* bytes a token of a given text */

    int64_t       reasoning;        /* tokens of a choice's thoughts */
    int64_t       calls;            /* where a tool is called */
    int64_t       cached;           /* tokens of the prompt */
    int64_t       refusal;
    int64_t       filter;
    int64_t       echo;

    int64_t       status;
    int64_t       retry_after;
    int64_t       error_after;      /* events */
    int64_t       silence;          /* events, or GENAI_SIM_SILENCE_ALL */
    int64_t       cut;              /* bytes of the body */
    int64_t       gzip;
    int64_t       html;
    int64_t       big_header;       /* bytes */

    int64_t       reset;
    int64_t       garbage;
    int64_t       close;
    int64_t       smuggle;
    int64_t       early;
    int64_t       slow_header;      /* ms */
    int64_t       length;           /* what Content-Length is wrong by */
    int64_t       write;            /* bytes a write */
    int64_t       gap;              /* ms between two writes */

    genai_str_t   type;
    genai_str_t   body;
    genai_str_t   text;

    unsigned      nheaders;
    genai_str_t   headers[GENAI_SIM_HEADERS];   /* Name:value */
} genai_sim_opts_t;


void genai_sim_opts_init(genai_sim_opts_t *o);

/*
 * Sets one parameter, written NAME, NAME=VALUE or NAME=off.  Texts are not
 * copied: o points into kv.
 *
 * Returns 0, or -1 with *error set to what is wrong, a static text.
 */
int genai_sim_opts_set(genai_sim_opts_t *o, const genai_str_t *kv,
    const char **error);

/*
 * Sets all parameters of a line, which blanks separate.
 *
 * Returns 0, or -1 with *bad set to the parameter that is wrong.
 */
int genai_sim_opts_parse(genai_sim_opts_t *o, const genai_str_t *line,
    genai_str_t *bad, const char **error);

/* Whether the faults are beyond what an HTTP server would ever do. */
int genai_sim_opts_raw(const genai_sim_opts_t *o);


#endif /* _GENAI_SIM_OPTS_H_INCLUDED_ */
