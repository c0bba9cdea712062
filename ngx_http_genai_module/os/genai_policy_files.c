/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "genai_policy_files_int.h"

#include <errno.h>
#include <stdlib.h>


#define GENAI_ZONEINFO      "/usr/share/zoneinfo/"
#define GENAI_ZONEINFO_MAX  65536

/* how often a file is read that changes under our hands */
#define GENAI_POLICY_TRIES  3


static char **genai_policy_copy(const char *const *names, size_t n);
static void genai_policy_free_names(char **names, size_t n);

static int genai_policy_load(genai_policy_files_t *f,
    genai_policy_look_t *look, int64_t now, const volatile int *stop);
static int genai_policy_load_all(genai_policy_files_t *f,
    const genai_policy_look_t *look, int64_t now);
static int genai_policy_load_gone(genai_policy_files_t *f, int error,
    int64_t now);
static int genai_policy_load_one(genai_policy_files_t *f,
    const genai_policy_look_t *look, genai_policy_good_t *good,
    const genai_file_stamp_t *stamp, int64_t now);
static int genai_policy_load_good(genai_policy_files_t *f,
    genai_policy_good_t *good, int64_t since);
static int genai_policy_load_revoked(genai_policy_files_t *f,
    const genai_policy_look_t *look);
static void genai_policy_load_zone(genai_policy_files_t *f, int64_t now);
static int genai_policy_read_file(const char *dir, const char *name,
    const genai_file_stamp_t *stamp, size_t max, char **text, size_t *len);
static const char *genai_policy_remedy(int error);
static int genai_policy_goods(genai_policy_files_t *f, char **names,
    size_t n);
static void genai_policy_good_free(genai_policy_good_t *good);


genai_policy_files_t *
genai_policy_files_create(const char *path, const char *revoked,
    const char *state)
{
    genai_policy_files_t  *f;

    f = calloc(1, sizeof(genai_policy_files_t));
    if (f == NULL) {
        return NULL;
    }

    f->path = strdup(path);
    f->revoked = revoked ? strdup(revoked) : NULL;
    f->state = state ? strdup(state) : NULL;

    if (f->path == NULL || (revoked && f->revoked == NULL)
        || (state && f->state == NULL))
    {
        genai_policy_files_destroy(f);
        return NULL;
    }

    return f;
}


void
genai_policy_files_destroy(genai_policy_files_t *f)
{
    size_t  i;

    if (f == NULL) {
        return;
    }

    for (i = 0; i < f->ngoods; i++) {
        genai_policy_good_free(&f->goods[i]);
    }

    genai_policy_good_free(&f->list);
    genai_policy_look_free(&f->seen);
    genai_policy_look_free(&f->loaded);
    genai_policy_free_names(f->known[0], f->nknown[0]);
    genai_policy_free_names(f->known[1], f->nknown[1]);
    genai_policy_builder_destroy(f->builder);

    free(f->goods);
    free(f->path);
    free(f->revoked);
    free(f->state);
    free(f);
}


int
genai_policy_files_known(genai_policy_files_t *f, const char *const *secrets,
    size_t nsecrets, const char *const *providers, size_t nproviders)
{
    char  **copy[2];

    copy[0] = genai_policy_copy(secrets, nsecrets);
    copy[1] = genai_policy_copy(providers, nproviders);

    if (copy[0] == NULL || copy[1] == NULL) {
        genai_policy_free_names(copy[0], nsecrets);
        genai_policy_free_names(copy[1], nproviders);
        return GENAI_POLICY_BUILD_MEMORY;
    }

    genai_policy_free_names(f->known[0], f->nknown[0]);
    genai_policy_free_names(f->known[1], f->nknown[1]);

    f->known[0] = copy[0];
    f->known[1] = copy[1];
    f->nknown[0] = nsecrets;
    f->nknown[1] = nproviders;
    f->has_known = 1;

    return GENAI_POLICY_BUILD_OK;
}


static char **
genai_policy_copy(const char *const *names, size_t n)
{
    char    **copy;
    size_t    i;

    copy = calloc(n + 1, sizeof(char *));

    for (i = 0; copy && i < n; i++) {

        copy[i] = strdup(names[i]);

        if (copy[i] == NULL) {
            genai_policy_free_names(copy, i);
            return NULL;
        }
    }

    return copy;
}


static void
genai_policy_free_names(char **names, size_t n)
{
    size_t  i;

    for (i = 0; names && i < n; i++) {
        free(names[i]);
    }

    free(names);
}


int
genai_policy_files_load(genai_policy_files_t *f, uint64_t generation,
    int64_t now, const volatile int *stop, void **data, size_t *size)
{
    int                  rc;
    genai_policy_look_t  look;

    *data = NULL;
    *size = 0;

    if (genai_policy_look(f, &look) != 0) {
        return GENAI_POLICY_BUILD_MEMORY;
    }

    rc = genai_policy_load(f, &look, now, stop);

    if (rc == GENAI_POLICY_BUILD_OK) {
        rc = genai_policy_build(f->builder, generation, now, data, size);
    }

    if (rc == GENAI_POLICY_BUILD_OK || rc == GENAI_POLICY_BUILD_LARGE) {
        genai_policy_look_free(&f->loaded);
        f->loaded = look;

    } else {
        genai_policy_look_free(&look);
    }

    return rc;
}


static int
genai_policy_load(genai_policy_files_t *f, genai_policy_look_t *look,
    int64_t now, const volatile int *stop)
{
    int  rc;

    genai_policy_builder_destroy(f->builder);

    f->builder = genai_policy_builder_create(stop);

    if (f->builder == NULL) {
        return GENAI_POLICY_BUILD_MEMORY;
    }

    if (f->has_known) {
        rc = genai_policy_known(f->builder,
                                (const char *const *) f->known[0],
                                f->nknown[0],
                                (const char *const *) f->known[1],
                                f->nknown[1]);
        if (rc != GENAI_POLICY_BUILD_OK) {
            return rc;
        }
    }

    rc = genai_policy_load_revoked(f, look);

    if (rc != GENAI_POLICY_BUILD_OK) {
        return rc;
    }

    f->gone = (look->error != 0);

    rc = f->gone ? genai_policy_load_gone(f, look->error, now)
                 : genai_policy_load_all(f, look, now);

    if (rc == GENAI_POLICY_BUILD_OK) {
        genai_policy_load_zone(f, now);
    }

    return rc;
}


static int
genai_policy_load_all(genai_policy_files_t *f, const genai_policy_look_t *look,
    int64_t now)
{
    int      rc;
    char   **names;
    size_t   i;

    if (look->n == 0) {
        genai_policy_finding(f->builder, GENAI_FINDING_WARN, f->path, 0, "",
                             "there is no \"*.json\" in it, so that there are"
                             " no callers");
    }

    names = calloc(look->n + 1, sizeof(char *));
    if (names == NULL) {
        return GENAI_POLICY_BUILD_MEMORY;
    }

    for (i = 0; i < look->n; i++) {
        names[i] = look->items[i].name;
    }

    rc = genai_policy_goods(f, names, look->n);

    free(names);

    for (i = 0; rc == GENAI_POLICY_BUILD_OK && i < look->n; i++) {
        rc = genai_policy_load_one(f, look, &f->goods[i],
                                   &look->items[i].stamp, now);
    }

    return rc;
}


/* neither a file nor a directory, or one that cannot be listed */

static int
genai_policy_load_gone(genai_policy_files_t *f, int error, int64_t now)
{
    int      rc;
    char   **names;
    size_t   i, n;

    names = NULL;
    n = 0;

    genai_policy_finding(f->builder, GENAI_FINDING_BROKEN, f->path, 0, "",
                         "it cannot be read (%s)%s; what was last good stays",
                         strerror(error), genai_policy_remedy(error));

    if (f->ngoods == 0 && f->state) {

        (void) genai_policy_state_list(f->state, &names, &n);

        rc = genai_policy_goods(f, names, n);

        genai_policy_free_names(names, n);

    } else {
        rc = GENAI_POLICY_BUILD_OK;
    }

    for (i = 0; rc == GENAI_POLICY_BUILD_OK && i < f->ngoods; i++) {
        rc = genai_policy_load_good(f, &f->goods[i], now);
    }

    return rc;
}


static int
genai_policy_load_one(genai_policy_files_t *f, const genai_policy_look_t *look,
    genai_policy_good_t *good, const genai_file_stamp_t *stamp, int64_t now)
{
    int      rc, error;
    char    *text;
    size_t   len;
    int64_t  since;

    text = NULL;
    len = 0;

    error = genai_policy_read_file(look->directory ? f->path : NULL,
                                   look->directory ? good->name : f->path,
                                   stamp, GENAI_POLICY_FRAGMENT_MAX, &text,
                                   &len);

    if (error == ENOMEM) {
        return GENAI_POLICY_BUILD_MEMORY;
    }

    if (error == 0) {
        rc = genai_policy_add(f->builder, good->name, text, len, 0);

        if (rc == GENAI_POLICY_BUILD_OK) {

            if (good->text == NULL || good->len != len
                || memcmp(good->text, text, len) != 0)
            {
                good->saved = 0;
            }

            free(good->text);

            good->text = text;
            good->len = len;
            good->since = 0;

            return GENAI_POLICY_BUILD_OK;
        }

        free(text);

        if (rc != GENAI_POLICY_BUILD_BROKEN) {
            return rc;
        }

    } else if (error == EFBIG) {
        genai_policy_finding(f->builder, GENAI_FINDING_BROKEN, good->name, 0,
                             "", "it is left out: it has more than %lu MiB",
                             (unsigned long) (GENAI_POLICY_FRAGMENT_MAX
                                              >> 20));

    } else {
        genai_policy_finding(f->builder, GENAI_FINDING_BROKEN, good->name, 0,
                             "", "it cannot be read (%s)%s", strerror(error),
                             genai_policy_remedy(error));
    }

    /* broken since it was written, as far as can be known after a restart */

    since = stamp->mtime / 1000000;

    return genai_policy_load_good(f, good,
                                  (since > 0 && since < now) ? since : now);
}


static int
genai_policy_load_good(genai_policy_files_t *f, genai_policy_good_t *good,
    int64_t since)
{
    int      rc;
    char    *text;
    size_t   len;

    if (good->since == 0) {
        good->since = since ? since : 1;
    }

    text = good->text;
    len = good->len;

    if (text == NULL
        && (f->state == NULL
            || genai_policy_state_read(f->state, good->name,
                                       GENAI_POLICY_FRAGMENT_MAX, &text, &len)
               != 0))
    {
        genai_policy_finding(f->builder, GENAI_FINDING_BROKEN, good->name, 0,
                             "", "there is no last good version of it: what"
                             " it defines does not exist");

        return GENAI_POLICY_BUILD_OK;
    }

    genai_policy_finding(f->builder, GENAI_FINDING_WARN, good->name, 0, "",
                         "its last good version is used; mend the file, and"
                         " it is read at once");

    rc = genai_policy_add(f->builder, good->name, text, len, good->since);

    if (text != good->text) {
        free(text);
    }

    return (rc == GENAI_POLICY_BUILD_BROKEN) ? GENAI_POLICY_BUILD_OK : rc;
}


static int
genai_policy_load_revoked(genai_policy_files_t *f,
    const genai_policy_look_t *look)
{
    int      error;
    char    *text;
    size_t   len;

    if (f->revoked == NULL) {
        return GENAI_POLICY_BUILD_OK;
    }

    text = NULL;
    len = 0;

    error = genai_policy_read_file(NULL, f->revoked, &look->revoked,
                                   GENAI_POLICY_REVOKED_MAX, &text, &len);

    if (error == ENOMEM) {
        return GENAI_POLICY_BUILD_MEMORY;
    }

    if (error == 0) {

        free(f->list.text);

        f->list.text = text;
        f->list.len = len;
        f->list.saved = 0;

        return genai_policy_revoke(f->builder, text, len);
    }

    if (f->list.text == NULL && f->state) {

        text = genai_policy_state_path(f->state, NULL, "revoked");

        if (text == NULL) {
            return GENAI_POLICY_BUILD_MEMORY;
        }

        (void) genai_file_read(text, GENAI_POLICY_REVOKED_MAX, &f->list.text,
                               &f->list.len);
        f->list.saved = 1;

        free(text);
    }

    if (error != ENOENT) {
        genai_policy_finding(f->builder, GENAI_FINDING_BROKEN, f->revoked, 0,
                             "", "what is revoked cannot be read (%s)%s; the"
                             " list stays as it was", strerror(error),
                             genai_policy_remedy(error));

    } else if (genai_policy_revokes(f->list.text, f->list.len)) {

        /* a lost mount is no order to let all of them in again */

        genai_policy_finding(f->builder, GENAI_FINDING_BROKEN, f->revoked, 0,
                             "", "it is gone, its last lines stay: write an"
                             " empty file to revoke nothing");

    } else {
        genai_policy_finding(f->builder, GENAI_FINDING_WARN, f->revoked, 0,
                             "", "it does not exist, nothing is revoked:"
                             " write an empty file where that is meant");
    }

    return genai_policy_revoke(f->builder, f->list.text, f->list.len);
}


int
genai_policy_files_revoked(const genai_policy_files_t *f, char **text,
    size_t *len)
{
    int                 error;
    genai_file_stamp_t  stamp;

    genai_file_stamp(f->revoked, &stamp);

    error = genai_policy_read_file(NULL, f->revoked, &stamp,
                                   GENAI_POLICY_REVOKED_MAX, text, len);
    if (error) {
        *text = NULL;
        *len = 0;
    }

    return error;
}


static void
genai_policy_load_zone(genai_policy_files_t *f, int64_t now)
{
    char        *path, *data;
    size_t       len;
    const char  *zone;

    zone = genai_policy_zone(f->builder);

    if (zone == NULL) {
        return;
    }

    path = genai_policy_join(GENAI_ZONEINFO, zone);

    /* that there is none is told by the builder */

    if (path && genai_file_read(path, GENAI_ZONEINFO_MAX, &data, &len) == 0) {
        genai_policy_zone_data(f->builder, data, len, now);
        free(data);
    }

    free(path);
}


/*
 * Reads a file, again where it is another one afterwards: half of an old and
 * half of a new one could be taken for good.
 */

static int
genai_policy_read_file(const char *dir, const char *name,
    const genai_file_stamp_t *stamp, size_t max, char **text, size_t *len)
{
    int                 error, tries;
    char               *path;
    genai_file_stamp_t  before, after;

    path = genai_policy_join(dir, name);
    if (path == NULL) {
        return ENOMEM;
    }

    before = *stamp;

    for (tries = 1; ; tries++) {

        /* of a FIFO or a device nothing is waited for */

        if (before.error) {
            error = before.error;

        } else if (!S_ISREG(before.mode)) {
            error = S_ISDIR(before.mode) ? EISDIR : EINVAL;

        } else {
            error = genai_file_read(path, max, text, len);
        }

        if (error) {
            break;
        }

        genai_file_stamp(path, &after);

        if (!genai_file_stamp_differs(&before, &after)) {
            break;
        }

        free(*text);

        if (tries == GENAI_POLICY_TRIES) {
            error = EAGAIN;
            break;
        }

        before = after;
    }

    free(path);

    return error;
}


static const char *
genai_policy_remedy(int error)
{
    switch (error) {

    case EACCES:
    case EPERM:
        return "; the user that nginx's workers run as must be able to read"
               " it, and to enter its directories";

    case EINVAL:
    case EISDIR:
        return "; it must be a file, or a link to one";

    case ENOENT:
        return "; it does not exist, or is a link to what does not";

    case ELOOP:
        return "; it is a link to itself";

    case EAGAIN:
        return "; it changes all the time, write a new file and rename it";

    default:
        return "";
    }
}


/* makes the list of what is good that of these names, which are sorted */

static int
genai_policy_goods(genai_policy_files_t *f, char **names, size_t n)
{
    int                   rc;
    size_t                i, k;
    genai_policy_good_t  *goods;

    goods = calloc(n + 1, sizeof(genai_policy_good_t));
    if (goods == NULL) {
        return GENAI_POLICY_BUILD_MEMORY;
    }

    for (i = 0; i < n; i++) {

        goods[i].name = strdup(names[i]);

        if (goods[i].name == NULL) {

            while (i--) {
                free(goods[i].name);
            }

            free(goods);

            return GENAI_POLICY_BUILD_MEMORY;
        }
    }

    for (i = 0, k = 0; i < n && k < f->ngoods; /* void */ ) {

        rc = strcmp(goods[i].name, f->goods[k].name);

        if (rc == 0) {
            free(goods[i].name);
            goods[i++] = f->goods[k];
            memset(&f->goods[k++], 0, sizeof(genai_policy_good_t));

        } else if (rc < 0) {
            i++;

        } else {
            k++;
        }
    }

    for (k = 0; k < f->ngoods; k++) {
        genai_policy_good_free(&f->goods[k]);
    }

    free(f->goods);

    f->goods = goods;
    f->ngoods = n;

    return GENAI_POLICY_BUILD_OK;
}


static void
genai_policy_good_free(genai_policy_good_t *good)
{
    free(good->name);
    free(good->text);
}


char *
genai_policy_join(const char *dir, const char *name)
{
    char    *path;
    size_t   n, m;

    n = dir ? strlen(dir) + 1 : 0;
    m = strlen(name) + 1;

    path = malloc(n + m);

    if (path && dir) {
        memcpy(path, dir, n - 1);
        path[n - 1] = '/';
    }

    if (path) {
        memcpy(path + n, name, m);
    }

    return path;
}


const genai_finding_t *
genai_policy_files_findings(const genai_policy_files_t *f)
{
    return f->builder ? genai_policy_findings(f->builder) : NULL;
}


size_t
genai_policy_files_findings_lost(const genai_policy_files_t *f)
{
    return f->builder ? genai_policy_findings_lost(f->builder) : 0;
}
