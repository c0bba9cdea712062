/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Where genai-tokens finds vocabularies, models and texts.
 */


#include "genai_tokens_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>


static int genai_tokens_path(const char *name, char *path);
static int genai_tokens_data(char *path, const char *name,
    const char *suffix);
static int genai_tokens_join(char *path, const char *dir, const char *slash,
    const char *name, const char *suffix);


int
genai_tokens_models(genai_tokens_t *t)
{
    int                             rc;
    char                            path[GENAI_TOKENS_PATH];
    genai_str_t                     text;
    const char                     *file;
    const genai_catalog_finding_t  *f;

    file = t->catalog;

    if (file == NULL) {
        file = (genai_tokens_data(path, "models", ".json") == 0)
               ? path : "data/models.json";
    }

    if (genai_tokens_read(file, &text) == -1) {
        return -1;
    }

    t->models = genai_catalog_create(&t->arena);

    rc = t->models ? genai_catalog_add(t->models, file, &text) : -1;
    free(text.data);

    if (rc == -1 || genai_catalog_done(t->models) == -1) {
        fputs("genai-tokens: no memory\n", stderr);
        return -1;
    }

    for (f = genai_catalog_findings(t->models); f; f = f->next) {
        fprintf(stderr, "genai-tokens: %s:%u: %s: %s\n", f->file, f->line,
                genai_catalog_level(f->level), f->text);
    }

    return (rc == 0) ? 0 : -1;
}


/* the model of -m, and its vocabulary where -e tells no other */

int
genai_tokens_model(genai_tokens_t *t)
{
    genai_str_t  name;

    name.data = (unsigned char *) t->name;
    name.len = strlen(t->name);

    t->model = genai_catalog_find(t->models, &name);

    if (t->model == NULL) {
        fprintf(stderr, "genai-tokens: the model \"%s\" is not in the"
                " catalogue: -e tells a vocabulary\n", t->name);
        return -1;
    }

    if (t->encoding) {
        return 0;
    }

    if (t->model->tokenizer.len == 0) {
        fprintf(stderr, "genai-tokens: of \"%s\" no vocabulary is known:"
                " -e tells one\n", t->name);
        return -1;
    }

    snprintf(t->opened, sizeof(t->opened), "%.*s",
             (int) t->model->tokenizer.len, t->model->tokenizer.data);

    return genai_tokens_open(t, t->opened);
}


/* each request may have a model of its own */

int
genai_tokens_reopen(genai_tokens_t *t, const genai_catalog_model_t *model)
{
    const genai_str_t  *name;

    name = &model->tokenizer;

    if (t->opened[0] && strlen(t->opened) == name->len
        && memcmp(t->opened, name->data, name->len) == 0)
    {
        return 0;
    }

    genai_vocab_file_close(&t->file);

    snprintf(t->opened, sizeof(t->opened), "%.*s", (int) name->len,
             name->data);

    if (name->len && genai_tokens_open(t, t->opened) == 0) {
        return 0;
    }

    if (name->len == 0) {
        fprintf(stderr, "genai-tokens: of this model no vocabulary is known:"
                " -e tells one\n");
    }

    t->opened[0] = '\0';

    return -1;
}


/* a file by its path, else the compiled one of that name */

int
genai_tokens_open(genai_tokens_t *t, const char *encoding)
{
    char           path[GENAI_TOKENS_PATH];
    char           problem[GENAI_VOCAB_FILE_PROBLEM];
    const char    *base;
    genai_str_t    name, split;
    genai_split_e  family;

    if (genai_tokens_path(encoding, path) == -1) {
        fprintf(stderr, "genai-tokens: there is no vocabulary \"%s\"\n",
                encoding);
        return -1;
    }

    family = GENAI_SPLIT_LAST;

    if (t->split) {
        split.data = (unsigned char *) t->split;
        split.len = strlen(t->split);
        family = genai_vocab_file_split(&split);

        if (family == GENAI_SPLIT_LAST) {
            fprintf(stderr, "genai-tokens: there is no --split %s\n",
                    t->split);
            return -1;
        }
    }

    base = strrchr(path, '/');
    base = base ? base + 1 : path;

    name.data = (unsigned char *) base;
    name.len = strcspn(base, ".");

    if (genai_vocab_file_open(&t->file, path, &name, family, problem) == -1) {
        fprintf(stderr, "genai-tokens: %s\n", problem);
        return -1;
    }

    return 0;
}


static int
genai_tokens_path(const char *name, char *path)
{
    if (strchr(name, '/') || access(name, F_OK) == 0) {
        return genai_tokens_join(path, name, "", "", "");
    }

    return genai_tokens_data(path, name, ".vocab");
}


/* what "make data" has made or "make install-data" has put there */

static int
genai_tokens_data(char *path, const char *name, const char *suffix)
{
    char        *slash, self[GENAI_TOKENS_PATH];
    ssize_t      len;
    const char  *dir;

    dir = getenv("GENAI_VOCAB_DIR");

    if (dir) {
        return genai_tokens_join(path, dir, "/", name, suffix);
    }

    len = readlink("/proc/self/exe", self, sizeof(self) - 1);
    len = (len == -1) ? 0 : len;
    self[len] = '\0';
    slash = strrchr(self, '/');

    if (slash) {
        *slash = '\0';

        if (genai_tokens_join(path, self, "/data/", name, suffix) == 0) {
            return 0;
        }
    }

    return genai_tokens_join(path, GENAI_TOKENS_DATA, "/", name, suffix);
}


/* returns 0 where that is a file */

static int
genai_tokens_join(char *path, const char *dir, const char *slash,
    const char *name, const char *suffix)
{
    int  n;

    n = snprintf(path, GENAI_TOKENS_PATH, "%s%s%s%s", dir, slash, name,
                 suffix);

    return (n < GENAI_TOKENS_PATH && access(path, F_OK) == 0) ? 0 : -1;
}


int
genai_tokens_read(const char *path, genai_str_t *text)
{
    int             fd;
    size_t          size;
    ssize_t         n;
    unsigned char  *p;

    fd = (strcmp(path, "-") == 0) ? STDIN_FILENO : open(path, O_RDONLY);

    if (fd == -1) {
        fprintf(stderr, "genai-tokens: %s: %s\n", path, strerror(errno));
        return -1;
    }

    size = 65536;
    text->len = 0;
    text->data = malloc(size);

    for ( ;; ) {

        if (text->data && text->len == size) {
            p = realloc(text->data, size * 2);

            if (p == NULL) {
                free(text->data);
            }

            text->data = p;
            size *= 2;
        }

        if (text->data == NULL) {
            fputs("genai-tokens: no memory\n", stderr);
            n = -1;
            break;
        }

        n = read(fd, text->data + text->len, size - text->len);

        if (n == -1 && errno == EINTR) {
            continue;
        }

        if (n == -1) {
            fprintf(stderr, "genai-tokens: %s: %s\n", path, strerror(errno));
            free(text->data);
        }

        if (n <= 0) {
            break;
        }

        text->len += n;
    }

    if (fd != STDIN_FILENO) {
        (void) close(fd);
    }

    return (int) n;
}
