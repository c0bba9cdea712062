/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "genai_jwt_thread.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>


struct genai_jwt_thread_s {
    pthread_t       thread;
    int             done;

    int64_t         now;
    const char     *problem;
    genai_str_t     token;
    genai_str_t     file;       /* behind this */
};


static void *genai_jwt_thread_run(void *data);
static void genai_jwt_thread_free(genai_jwt_thread_t *t);


genai_jwt_thread_t *
genai_jwt_thread_start(const genai_str_t *file, int64_t now)
{
    int                  rc;
    sigset_t             all, saved;
    genai_jwt_thread_t  *t;

    t = calloc(1, sizeof(genai_jwt_thread_t) + file->len);
    if (t == NULL) {
        return NULL;
    }

    t->now = now;
    t->file.len = file->len;
    t->file.data = (unsigned char *) (t + 1);
    memcpy(t->file.data, file->data, file->len);

    /* signals are for the thread that runs the event loop */

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &saved);

    rc = pthread_create(&t->thread, NULL, genai_jwt_thread_run, t);

    pthread_sigmask(SIG_SETMASK, &saved, NULL);

    if (rc != 0) {
        genai_jwt_thread_free(t);
        return NULL;
    }

    return t;
}


static void *
genai_jwt_thread_run(void *data)
{
    genai_jwt_thread_t *t = data;

    t->problem = genai_jwt_make(&t->file, t->now, &t->token);

    __atomic_store_n(&t->done, 1, __ATOMIC_RELEASE);

    return NULL;
}


int
genai_jwt_thread_done(genai_jwt_thread_t *t, const char **problem,
    genai_str_t *token)
{
    if (!__atomic_load_n(&t->done, __ATOMIC_ACQUIRE)) {
        return 0;
    }

    pthread_join(t->thread, NULL);

    *problem = t->problem;
    *token = t->token;

    genai_jwt_thread_free(t);

    return 1;
}


void
genai_jwt_thread_stop(genai_jwt_thread_t *t)
{
    pthread_join(t->thread, NULL);

    if (t->problem == NULL) {
        OPENSSL_cleanse(t->token.data, t->token.len);
        free(t->token.data);
    }

    genai_jwt_thread_free(t);
}


static void
genai_jwt_thread_free(genai_jwt_thread_t *t)
{
    OPENSSL_cleanse(t->file.data, t->file.len);
    free(t);
}
