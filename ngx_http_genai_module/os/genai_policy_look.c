/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Looks at a policy's files: which there are, and what tells them from those
 * that were read.
 */


#include "genai_policy_files_int.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>


static int genai_policy_look_dir(const char *path, genai_policy_look_t *look);
static int genai_policy_is_fragment(const char *name);
static int genai_policy_look_differs(const genai_policy_look_t *a,
    const genai_policy_look_t *b);
static int genai_policy_by_name(const void *a, const void *b);


int
genai_policy_files_changed(genai_policy_files_t *f)
{
    int                  same;
    genai_policy_look_t  look;

    if (genai_policy_look(f, &look) != 0) {
        return 0;
    }

    same = f->seen.known && !genai_policy_look_differs(&look, &f->seen);

    genai_policy_look_free(&f->seen);
    f->seen = look;

    return same && (!f->loaded.known
                    || genai_policy_look_differs(&look, &f->loaded));
}


void
genai_policy_files_forget(genai_policy_files_t *f)
{
    genai_policy_look_free(&f->seen);
    genai_policy_look_free(&f->loaded);

    f->list_state = GENAI_POLICY_LIST_UNKNOWN;
}


int
genai_policy_files_revoked_changed(genai_policy_files_t *f)
{
    int                 same;
    genai_file_stamp_t  stamp;

    if (f->revoked == NULL) {
        return 0;
    }

    genai_file_stamp(f->revoked, &stamp);

    same = f->list_state != GENAI_POLICY_LIST_UNKNOWN
           && !genai_file_stamp_differs(&stamp, &f->list_seen);

    if (f->list_state == GENAI_POLICY_LIST_UNKNOWN && f->loaded.known) {
        f->list_state = GENAI_POLICY_LIST_KNOWN;
        f->list_known = f->loaded.revoked;

    } else if (f->list_state == GENAI_POLICY_LIST_UNKNOWN) {
        f->list_state = GENAI_POLICY_LIST_SEEN;
    }

    f->list_seen = stamp;

    if (!same || (f->list_state == GENAI_POLICY_LIST_KNOWN
                  && !genai_file_stamp_differs(&stamp, &f->list_known)))
    {
        return 0;
    }

    f->list_state = GENAI_POLICY_LIST_KNOWN;
    f->list_known = stamp;

    return 1;
}


int
genai_policy_look(const genai_policy_files_t *f, genai_policy_look_t *look)
{
    int          rc;
    const char  *base;
    struct stat  st;

    memset(look, 0, sizeof(genai_policy_look_t));

    if (f->revoked) {
        genai_file_stamp(f->revoked, &look->revoked);
    }

    if (stat(f->path, &st) == -1) {
        look->error = errno;

    } else if (S_ISDIR(st.st_mode)) {
        look->directory = 1;

        rc = genai_policy_look_dir(f->path, look);

        if (rc == ENOMEM) {
            goto failed;
        }

        look->error = rc;

    } else {
        look->items = calloc(1, sizeof(genai_policy_name_t));
        if (look->items == NULL) {
            goto failed;
        }

        base = strrchr(f->path, '/');

        look->n = 1;
        look->items[0].name = strdup(base ? base + 1 : f->path);

        if (look->items[0].name == NULL) {
            goto failed;
        }

        genai_file_stamp(f->path, &look->items[0].stamp);
    }

    look->known = 1;

    return 0;

failed:

    genai_policy_look_free(look);

    return -1;
}


static int
genai_policy_look_dir(const char *path, genai_policy_look_t *look)
{
    DIR                  *dir;
    int                   rc;
    char                 *name;
    void                 *p;
    size_t                i, room;
    struct dirent        *entry;
    genai_policy_name_t  *item;

    dir = opendir(path);
    if (dir == NULL) {
        return errno;
    }

    rc = 0;
    room = 0;

    for ( ;; ) {

        errno = 0;
        entry = readdir(dir);

        if (entry == NULL) {
            rc = errno;
            break;
        }

        if (!genai_policy_is_fragment(entry->d_name)) {
            continue;
        }

        if (look->n == room) {
            room = room ? 2 * room : 16;

            p = realloc(look->items, room * sizeof(genai_policy_name_t));
            if (p == NULL) {
                rc = ENOMEM;
                break;
            }

            look->items = p;
        }

        item = &look->items[look->n];

        memset(item, 0, sizeof(genai_policy_name_t));
        item->name = strdup(entry->d_name);

        if (item->name == NULL) {
            rc = ENOMEM;
            break;
        }

        look->n++;
    }

    (void) closedir(dir);

    if (look->n) {
        qsort(look->items, look->n, sizeof(genai_policy_name_t),
              genai_policy_by_name);
    }

    for (i = 0; rc == 0 && i < look->n; i++) {

        item = &look->items[i];
        name = genai_policy_join(path, item->name);

        if (name == NULL) {
            rc = ENOMEM;
            break;
        }

        genai_file_stamp(name, &item->stamp);
        free(name);
    }

    return rc;
}


static int
genai_policy_is_fragment(const char *name)
{
    size_t  len;

    len = strlen(name);

    return name[0] != '.' && len > 5 && strcmp(name + len - 5, ".json") == 0;
}


static int
genai_policy_look_differs(const genai_policy_look_t *a,
    const genai_policy_look_t *b)
{
    size_t  i;

    if (a->error != b->error || a->directory != b->directory || a->n != b->n
        || genai_file_stamp_differs(&a->revoked, &b->revoked))
    {
        return 1;
    }

    for (i = 0; i < a->n; i++) {
        if (strcmp(a->items[i].name, b->items[i].name) != 0
            || genai_file_stamp_differs(&a->items[i].stamp,
                                        &b->items[i].stamp))
        {
            return 1;
        }
    }

    return 0;
}


void
genai_policy_look_free(genai_policy_look_t *look)
{
    size_t  i;

    for (i = 0; i < look->n; i++) {
        free(look->items[i].name);
    }

    free(look->items);
    memset(look, 0, sizeof(genai_policy_look_t));
}


static int
genai_policy_by_name(const void *a, const void *b)
{
    const genai_policy_name_t  *x = a, *y = b;

    return strcmp(x->name, y->name);
}
