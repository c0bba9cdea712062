/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * genai-tokens --json: what a provider counts for a request.
 */


#include "genai_tokens_int.h"
#include "genai_openai_request.h"
#include "genai_prompt.h"

#include <stdlib.h>
#include <string.h>


static int genai_tokens_request(genai_tokens_t *t, const genai_str_t *text);
static void genai_tokens_print_request(const genai_tokens_t *t,
    const genai_prompt_t *p, const genai_catalog_model_t *model);


int
genai_tokens_requests(genai_tokens_t *t)
{
    int          i, n, rc;
    genai_str_t  text;

    rc = GENAI_TOKENS_FINE;

    for (i = 0; i < t->nfiles || i == 0; i++) {

        if (genai_tokens_read(t->nfiles ? t->files[i] : "-", &text) == -1) {
            rc = GENAI_TOKENS_FAILED;
            continue;
        }

        n = genai_tokens_request(t, &text);
        rc = (n > rc) ? n : rc;

        free(text.data);
    }

    return rc;
}


static int
genai_tokens_request(genai_tokens_t *t, const genai_str_t *text)
{
    int                           rc, standin;
    genai_str_t                   name;
    genai_arena_t                 arena;
    genai_prompt_t                p;
    genai_request_t               req;
    genai_endpoint_e              endpoint;
    const genai_catalog_model_t  *model;

    endpoint = GENAI_ENDPOINT_CHAT;

    if (t->endpoint) {
        name.data = (unsigned char *) t->endpoint;
        name.len = strlen(t->endpoint);
        endpoint = genai_endpoint_by_name(&name);

        if (endpoint != GENAI_ENDPOINT_CHAT
            && endpoint != GENAI_ENDPOINT_COMPLETIONS
            && endpoint != GENAI_ENDPOINT_EMBEDDINGS)
        {
            (void) genai_tokens_usage(stderr);
            return GENAI_TOKENS_FAILED;
        }
    }

    genai_arena_init(&arena, GENAI_TOKENS_ARENA);
    genai_request_init(&req, &genai_openai, endpoint, text, &arena);

    rc = GENAI_TOKENS_FAILED;

    if (genai_request_read(&req, SIZE_MAX) != GENAI_REQUEST_DONE) {
        fprintf(stderr, "genai-tokens: %s\n", req.error);

        if (req.cause == GENAI_SCAN_BAD_TEXT) {
            rc = GENAI_TOKENS_BAD;
        }

        goto done;
    }

    model = t->model;

    if (model == NULL) {
        name.len = 0;

        if (req.model) {
            name = genai_tape_view(&req.tape, req.model);
            model = genai_catalog_find(t->models, &name);
        }

        if (model == NULL && t->encoding == NULL) {
            fprintf(stderr, "genai-tokens: the model \"%.*s\" is not in the"
                    " catalogue: -e tells a vocabulary\n", (int) name.len,
                    name.data);
            goto done;
        }

        if (t->encoding == NULL && genai_tokens_reopen(t, model) == -1) {
            goto done;
        }
    }

    standin = (model && t->encoding
               && (model->tokenizer.len != t->file.vocab.name.len
                   || memcmp(model->tokenizer.data, t->file.vocab.name.data,
                             model->tokenizer.len) != 0));

    genai_prompt_init(&p, &req, model, &t->file.vocab, standin, NULL, &arena);

    do {
        rc = genai_prompt_run(&p, t->cache, SIZE_MAX / 4);
    } while (rc == GENAI_PROMPT_AGAIN);

    if (rc == GENAI_PROMPT_DONE) {
        genai_tokens_print_request(t, &p, model);
        rc = GENAI_TOKENS_FINE;

    } else {
        fputs("genai-tokens: no memory\n", stderr);
        rc = GENAI_TOKENS_FAILED;
    }

    genai_prompt_stop(&p);

done:

    genai_arena_destroy(&arena);

    return rc;
}


/* names of the catalogue and of vocabularies need no escapes */

static void
genai_tokens_print_request(const genai_tokens_t *t, const genai_prompt_t *p,
    const genai_catalog_model_t *model)
{
    uint32_t     bits, bit;
    const char  *comma;

    printf("{\"prompt_tokens\":%lld,\"exact\":%s,\"tokenizer\":\"%.*s\"",
           (long long) p->tokens, p->exact ? "true" : "false",
           (int) t->file.vocab.name.len, t->file.vocab.name.data);

    if (model) {
        printf(",\"framing\":\"%s\",\"context\":%llu,\"output\":%llu",
               genai_framing_name(model->framing),
               (unsigned long long) model->context,
               (unsigned long long) model->output);
    }

    if (p->estimated) {
        fputs(",\"estimated\":[", stdout);
        comma = "";

        for (bits = p->estimated; bits; bits &= bits - 1) {
            bit = bits & (0 - bits);
            printf("%s\"%s\"", comma, genai_framing_why(bit));
            comma = ",";
        }

        putchar(']');
    }

    fputs("}\n", stdout);
}
