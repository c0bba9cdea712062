/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * A policy that is watched: revocations by themselves, beside a load and
 * where there can be none; what fails is tried again.
 */


#include "policy_files.h"
#include "genai_policy_watch.h"

#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <time.h>


#define KEYS  "{\"schema\":1,\"keys\":{\"a\":{\"sha256\":\"@a@\"}," \
              "\"b\":{\"sha256\":\"@b@\"},\"c\":{\"sha256\":\"@c@\"}}}"

/* keys of a fragment that takes its time */
#define MANY  500000

/* seconds that something may take */
#define PATIENCE  60


/* what the thread has said, and what is current */

typedef struct {
    pthread_mutex_t          mutex;
    pthread_cond_t           said;
    uint64_t                 last;
    uint64_t                 current;
    uint64_t                 publishes;
    uint64_t                 overtaken;     /* as many that are to fail */
    uint64_t                 order[8];      /* the first of them */
    uint64_t                 looks;
    int64_t                  failed;
    genai_policy_files_t    *files;
    genai_policy_watch_t    *watch;
} fixture_t;


/* a new file in the place of the one before, if there is one */

static void
replace(const char *path, const char *text)
{
    char  temp[600];

    snprintf(temp, sizeof(temp), "%s.new", path);
    put(temp, text);

    if (rename(temp, path) == -1) {
        perror(path);
        abort();
    }
}


static void
clean(void)
{
    remove_all(root);
    make(root);
}


static uint64_t
current(void *data)
{
    uint64_t   n;
    fixture_t *x = data;

    pthread_mutex_lock(&x->mutex);
    n = x->current;
    pthread_mutex_unlock(&x->mutex);

    return n;
}


static uint64_t
next(void *data)
{
    uint64_t   n;
    fixture_t *x = data;

    pthread_mutex_lock(&x->mutex);
    n = ++x->last;
    pthread_cond_broadcast(&x->said);
    pthread_mutex_unlock(&x->mutex);

    return n;
}


static int
publish(void *data, uint64_t before, uint64_t generation, int64_t stale_since)
{
    fixture_t *x = data;

    pthread_mutex_lock(&x->mutex);

    if (x->overtaken || x->current != before) {
        x->overtaken -= (x->overtaken != 0);
        pthread_mutex_unlock(&x->mutex);
        return 0;
    }

    x->current = generation;

    if (x->publishes < 8) {
        x->order[x->publishes] = generation;
    }

    x->publishes++;
    pthread_cond_broadcast(&x->said);
    pthread_mutex_unlock(&x->mutex);

    return 1;
}


static void
checked(void *data, int64_t now)
{
    fixture_t *x = data;

    pthread_mutex_lock(&x->mutex);
    x->looks++;
    pthread_cond_broadcast(&x->said);
    pthread_mutex_unlock(&x->mutex);
}


static void
failed(void *data, int64_t since)
{
    fixture_t *x = data;

    pthread_mutex_lock(&x->mutex);
    x->failed = since;
    pthread_cond_broadcast(&x->said);
    pthread_mutex_unlock(&x->mutex);
}


static void
begin(fixture_t *x)
{
    genai_policy_watch_calls_t  calls;

    memset(x, 0, sizeof(fixture_t));
    pthread_mutex_init(&x->mutex, NULL);
    pthread_cond_init(&x->said, NULL);

    calls.current = current;
    calls.next = next;
    calls.publish = publish;
    calls.checked = checked;
    calls.failed = failed;
    calls.data = x;

    x->files = genai_policy_files_create(at("policy.json"), at("revoked"),
                                         at("state"));
    x->watch = genai_policy_watch_start(x->files, at("state"), &calls);

    if (x->files == NULL || x->watch == NULL) {
        abort();
    }
}


static void
end(fixture_t *x)
{
    genai_policy_watch_stop(x->watch);
    genai_policy_files_destroy(x->files);
    pthread_cond_destroy(&x->said);
    pthread_mutex_destroy(&x->mutex);
}


/* waits until a number is at least n; returns it */

static uint64_t
await(fixture_t *x, uint64_t *number, uint64_t n)
{
    uint64_t         value;
    struct timespec  until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE;

    pthread_mutex_lock(&x->mutex);

    while (*number < n
           && pthread_cond_timedwait(&x->said, &x->mutex, &until) == 0)
    {
        /* void */
    }

    value = *number;

    pthread_mutex_unlock(&x->mutex);

    return value;
}


/* until it fails, or does no more */

static int
await_failed(fixture_t *x, int want)
{
    int              is;
    struct timespec  until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE;

    pthread_mutex_lock(&x->mutex);

    while ((x->failed != 0) != want
           && pthread_cond_timedwait(&x->said, &x->mutex, &until) == 0)
    {
        /* void */
    }

    is = (x->failed != 0);

    pthread_mutex_unlock(&x->mutex);

    return is;
}


/* why a, b and c are refused under what is current, a word each */

static const char *
why(fixture_t *x)
{
    static char  words[64];

    void      *addr;
    policy_t   p;

    memset(&p, 0, sizeof(policy_t));

    if (genai_policy_files_map(at("state"), current(x), &addr, &p.size) != 0) {
        return "not mapped";
    }

    if (genai_policy_open(addr, p.size, &p.p) != NULL) {
        return "no snapshot";
    }

    snprintf(words, sizeof(words), "%s %s %s", policy_why(&p, "a", 0),
             policy_why(&p, "b", 0), policy_why(&p, "c", 0));

    munmap(addr, p.size);

    return words;
}


/* until these are the words */

static const char *
await_why(fixture_t *x, const char *want)
{
    unsigned     i;
    const char  *words;

    for (i = 1, words = why(x); strcmp(words, want) != 0 && i < PATIENCE;
         i++)
    {
        (void) await(x, &x->looks, x->looks + 1);
        words = why(x);
    }

    return words;
}


/* one change of the list: it alone, then the load */

static void
test_alone(void)
{
    uint64_t   n;
    fixture_t  x;

    clean();
    replace(at("policy.json"), KEYS);
    replace(at("revoked"), "");

    begin(&x);
    is_int(await(&x, &x.publishes, 1), 1, "loaded");
    is_str(why(&x), "ok ok ok", "all pass");

    replace(at("revoked"), "a\n@b@\n");
    n = await(&x, &x.publishes, 3);
    is_int(n, 3, "the list alone, then all of it");
    is_str(why(&x), "revoked revoked ok", "two are revoked");

    replace(at("revoked"), "@b@\n");
    is_str(await_why(&x, "ok revoked ok"), "ok revoked ok", "one is no more");

    /* neither the list alone nor the load behind it can be published */

    pthread_mutex_lock(&x.mutex);
    x.overtaken = 2;
    pthread_mutex_unlock(&x.mutex);

    replace(at("revoked"), "@b@\nc\n");
    is_str(await_why(&x, "ok revoked revoked"), "ok revoked revoked",
           "tried again where another process has published");
    is_int(x.overtaken, 0, "after both");

    replace(at("revoked"), "@b@\n");
    is_str(await_why(&x, "ok revoked ok"), "ok revoked ok", "one again");

    /* whoever has removed it */

    n = current(&x);
    genai_policy_files_prune(at("state"), n + 1);
    ok(await(&x, &x.current, n + 1) > n, "a snapshot that is gone is replaced");
    is_str(why(&x), "ok revoked ok", "by the same");

    /* a list that is gone */

    n = current(&x);
    unlink(at("revoked"));
    ok(await(&x, &x.current, n + 1) > n, "the list is gone");
    is_str(why(&x), "ok revoked ok", "its lines stay");
    is_int(await_failed(&x, 0), 0, "nothing has failed");

    end(&x);
}


/* a load that takes long does not hold it up */

static void
test_beside(void)
{
    int              fd;
    char             line[1];
    FILE            *file;
    fixture_t        x;
    unsigned         i;
    unsigned char    digest[GENAI_DIGEST_LEN], hex[GENAI_DIGEST_HEX + 1];

    clean();
    replace(at("policy.json"), KEYS);
    replace(at("revoked"), "");

    begin(&x);
    is_int(await(&x, &x.publishes, 1), 1, "loaded");

    fd = open(at("policy.json.new"), O_WRONLY|O_CREAT|O_TRUNC, 0644);
    file = (fd == -1) ? NULL : fdopen(fd, "w");

    if (file == NULL) {
        abort();
    }

    fprintf(file, "{\"schema\":1,\"keys\":{");

    for (i = 0; i < MANY; i++) {
        fprintf(file, "\"k%u\":{\"labels\":{\"n\":\"%u\"}},", i, i);
    }

    for (i = 0; i < 3; i++) {
        line[0] = 'a' + i;
        genai_digest(line, 1, digest);
        *genai_digest_write(hex, digest) = '\0';
        fprintf(file, "\"%c\":{\"sha256\":\"%s\"}%s", 'a' + i, hex,
                i < 2 ? "," : "}}");
    }

    if (fclose(file) != 0
        || rename(at("policy.json.new"), at("policy.json")) == -1)
    {
        abort();
    }

    /* the number is given when the load begins */

    is_int(await(&x, &x.last, 2), 2, "it has begun to load");
    replace(at("revoked"), "a\n");

    (void) await(&x, &x.publishes, 2);
    is_int(x.order[1], 3, "the list, first");
    is_str(why(&x), "revoked ok ok", "is published");

    (void) await(&x, &x.publishes, 3);
    is_int(x.order[2], 4, "then the load, as a newer one");
    is_str(why(&x), "revoked ok ok", "with the list");

    replace(at("revoked"), "");
    is_str(await_why(&x, "ok ok ok"), "ok ok ok", "an empty one");

    end(&x);
}


/* a state directory of a few pages */

static void
test_full(void)
{
    int         fd;
    char        page[4096];
    fixture_t   x;

    clean();

    if (mkdir(at("state"), 0700) == -1) {
        abort();
    }

    if (geteuid() != 0
        || mount("tmpfs", at("state"), "tmpfs", 0, "size=256k,mode=0700") != 0)
    {
        skip(8, "no file system to fill");
        return;
    }

    replace(at("policy.json"), KEYS);
    replace(at("revoked"), "");

    begin(&x);
    is_int(await(&x, &x.publishes, 1), 1, "loaded");
    ok(access(at("state/revoked.spare"), F_OK) == 0, "room is kept");

    fd = open(at("state/other"), O_WRONLY|O_CREAT|O_TRUNC, 0600);
    memset(page, 'x', sizeof(page));

    while (write(fd, page, sizeof(page)) > 0) { /* void */ }

    close(fd);

    replace(at("revoked"), "a\n");
    is_str(await_why(&x, "revoked ok ok"), "revoked ok ok",
           "revoked on a full disk");

    replace(at("revoked"), "a\nb\n");
    is_str(await_why(&x, "revoked revoked ok"), "revoked revoked ok",
           "and again");

    /* the load that follows finds room, too */

    (void) await(&x, &x.looks, x.looks + 4);
    is_int(await_failed(&x, 0), 0, "nothing fails");

    /* nothing at all is left, not even what was kept */

    genai_policy_files_prune(at("state"), current(&x));
    unlink(at("state/revoked.spare"));
    fd = open(at("state/other"), O_WRONLY|O_APPEND);

    while (write(fd, page, sizeof(page)) > 0) { /* void */ }

    close(fd);

    replace(at("revoked"), "a\nb\nc\n");
    is_int(await_failed(&x, 1), 1, "it cannot be published");

    unlink(at("state/other"));
    is_int(await_failed(&x, 0), 0, "until there is room");
    is_str(why(&x), "revoked revoked revoked", "all of it");

    end(&x);

    if (umount(at("state")) != 0) {
        diag("%s stays mounted", at("state"));
    }
}


int
main(void)
{
    if (mkdtemp(root) == NULL) {
        perror(root);
        return 1;
    }

    test_alone();
    test_beside();
    test_full();

    remove_all(root);

    return done_testing();
}
