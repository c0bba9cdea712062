/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The dialect of Azure OpenAI's deployments: OpenAI's bodies at paths of
 * Azure's own, https://learn.microsoft.com/azure/ai-services/openai/reference.
 *
 *     /openai/deployments/NAME/chat/completions?api-version=2024-10-21
 *
 * A body may name a model as well, which Azure does not read.  What Azure adds
 * to answers (prompt_filter_results, content_filter_results) are members that
 * a reader of OpenAI's answers steps over.
 */


#include "genai_dialect.h"
#include "genai_path.h"


#define GENAI_AZURE_DEPLOYMENTS  "/openai/deployments/"


static int genai_azure_path_read(const genai_str_t *path, genai_str_t *model,
    unsigned *stream);
static size_t genai_azure_path_write(unsigned char *dst, size_t size,
    genai_endpoint_e endpoint, const genai_str_t *model, unsigned stream);


static const genai_endpoint_t  genai_azure_endpoints[] = {
    { GENAI_ENDPOINT_CHAT, genai_str("/chat/completions"), GENAI_BODY_JSON },
    { GENAI_ENDPOINT_COMPLETIONS, genai_str("/completions"), GENAI_BODY_JSON },
    { GENAI_ENDPOINT_EMBEDDINGS, genai_str("/embeddings"), GENAI_BODY_JSON },
    { GENAI_ENDPOINT_NONE, genai_str(""), GENAI_BODY_NONE }
};


const genai_dialect_t  genai_azure = {
    .name = genai_str("azure"),
    .bodies = &genai_openai,
    .credential_header = genai_str("api-key"),
    .credential_prefix = genai_str(""),
    .bearer = 1,
    .endpoints = genai_azure_endpoints,
    .version_param = genai_str("api-version"),
    .version = genai_str("2024-10-21"),
    .path_read = genai_azure_path_read,
    .path_write = genai_azure_path_write
};


static int
genai_azure_path_read(const genai_str_t *path, genai_str_t *model,
    unsigned *stream)
{
    size_t                   n;
    unsigned char           *p, *end;
    const genai_endpoint_t  *e;

    (void) stream;

    end = path->data + path->len;

    for (e = genai_azure_endpoints; e->endpoint; e++) {

        n = e->suffix.len;

        if (path->len > n && memcmp(end - n, e->suffix.data, n) == 0) {
            end -= n;
            break;
        }
    }

    if (e->endpoint == GENAI_ENDPOINT_NONE) {
        return 0;
    }

    n = sizeof(GENAI_AZURE_DEPLOYMENTS) - 1;

    /* the first counts: a name may have slashes */

    for (p = path->data; p + n < end; p++) {

        if (memcmp(p, GENAI_AZURE_DEPLOYMENTS, n) == 0) {
            model->data = p + n;
            model->len = end - model->data;

            return 1;
        }
    }

    return 0;
}


static size_t
genai_azure_path_write(unsigned char *dst, size_t size,
    genai_endpoint_e endpoint, const genai_str_t *model, unsigned stream)
{
    const genai_endpoint_t  *e;

    (void) stream;

    e = genai_endpoint_find(&genai_azure, endpoint);

    return e ? genai_path_write(dst, size, GENAI_AZURE_DEPLOYMENTS, model, "",
                                (char *) e->suffix.data)
             : 0;
}
