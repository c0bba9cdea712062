/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * A policy's files: what is read, what stays as it was, and what is kept.
 */


#include "policy_files.h"
#include "genai_policy_files.h"

#include <dirent.h>
#include <errno.h>
#include <sys/mman.h>
#include <sys/wait.h>


static void
fresh(void)
{
    remove_all(root);

    make(root);
    make(at("policy.d"));
}


static genai_policy_files_t *
open_files(int state)
{
    return genai_policy_files_create(at("policy.d"), at("revoked"),
                                     state ? at("state") : NULL);
}


/* loads, and returns why these secrets are refused, a word each */

static const char *
load(genai_policy_files_t *f, int keep, const char *a, const char *b)
{
    static char  words[64];

    policy_t  p;

    memset(&p, 0, sizeof(policy_t));

    p.rc = genai_policy_files_load(f, 7, POLICY_NOW * 1000, NULL, &p.data,
                                   &p.size);

    if (p.rc != 0 || genai_policy_open(p.data, p.size, &p.p) != NULL) {
        snprintf(words, sizeof(words), "rc %d", p.rc);

    } else {
        snprintf(words, sizeof(words), "%s %s%s", policy_why(&p, a, 0),
                 policy_why(&p, b, 0), p.p->stale ? " stale" : "");
    }

    if (keep && genai_policy_files_keep(f) != 0) {
        snprintf(words, sizeof(words), "not kept");
    }

    free(p.data);

    return words;
}


/* whether a finding holds these two texts */

static int
found(const genai_policy_files_t *f, const char *fragment, const char *text)
{
    const genai_finding_t  *finding;

    for (finding = genai_policy_files_findings(f);
         finding;
         finding = finding->next)
    {
        if (strstr(finding->fragment, fragment) && strstr(finding->text, text))
        {
            return 1;
        }
    }

    return 0;
}


#define KEY(id)  "{\"schema\":1,\"keys\":{\"" id "\":{\"sha256\":\"@" id      \
                 "@\"}}}"


static void
test_good(int state)
{
    genai_policy_files_t  *f;

    fresh();

    put(at("policy.d/a.json"), KEY("a"));
    put(at("policy.d/b.json"), KEY("b"));
    put(at("policy.d/.c.json"), "broken");
    put(at("policy.d/README"), "broken");
    put(at("revoked"), "");

    f = open_files(state);

    is_str(load(f, 1, "a", "b"), "ok ok", "two fragments");
    ok(genai_policy_files_findings(f) == NULL, "nothing is said");

    put(at("policy.d/b.json"), "{\"schema\":1,");
    is_str(load(f, 1, "a", "b"), "ok ok stale", "what was good stays");
    ok(found(f, "b.json", "it is not JSON"), "why it is broken");
    ok(found(f, "b.json", "last good version"), "what is used");

    put(at("policy.d/a.json"), KEY("a2"));
    is_str(load(f, 1, "a2", "b"), "ok ok stale", "the rest is new");
    is_str(load(f, 1, "a", "b"), "unknown ok stale", "all of it");

    if (state) {
        genai_policy_files_destroy(f);
        f = open_files(state);

        is_str(load(f, 1, "a2", "b"), "ok ok stale", "after a restart, too");
    }

    remove_all(at("policy.d/b.json"));
    if (mkdir(at("policy.d/b.json"), 0700) == -1) {
        abort();
    }
    is_str(load(f, 1, "a2", "b"), "ok ok stale", "a directory is no fragment");
    ok(found(f, "b.json", "it must be a file"), "it says so");

    remove_all(at("policy.d/b.json"));
    if (mkfifo(at("policy.d/b.json"), 0600) == -1) {
        abort();
    }
    is_str(load(f, 1, "a2", "b"), "ok ok stale", "a FIFO is not waited for");

    remove_all(at("policy.d/b.json"));
    if (symlink("b.json", at("policy.d/b.json")) == -1) {
        abort();
    }
    is_str(load(f, 1, "a2", "b"), "ok ok stale", "nor a link to itself");
    ok(found(f, "b.json", "a link to itself"), "it says so");

    remove_all(at("policy.d/b.json"));
    put(at("policy.d/b.json"), "");
    is_str(load(f, 1, "a2", "b"), "ok ok stale", "an empty file");

    remove_all(at("policy.d/b.json"));
    is_str(load(f, 1, "a2", "b"), "ok unknown", "what is gone is gone");

    put(at("policy.d/b.json"), "{");
    is_str(load(f, 1, "a2", "b"), "ok unknown", "and does not come back");
    ok(found(f, "b.json", "no last good version"), "it says so");

    if (rename(at("policy.d"), at("away")) == -1) {
        abort();
    }
    is_str(load(f, 1, "a2", "b"), "ok unknown stale", "all of it is gone");
    ok(found(f, "policy.d", "what was last good stays"), "it says so");

    if (state) {
        genai_policy_files_destroy(f);
        f = open_files(state);

        is_str(load(f, 1, "a2", "b"), "ok unknown stale",
               "also after a restart");
    }

    if (rename(at("away"), at("policy.d")) == -1) {
        abort();
    }
    remove_all(at("policy.d/b.json"));
    is_str(load(f, 1, "a2", "b"), "ok unknown", "it is back");

    genai_policy_files_destroy(f);
}


static void
test_revoked(void)
{
    genai_policy_files_t  *f;

    fresh();

    put(at("policy.d/a.json"), KEY("a"));
    put(at("policy.d/b.json"), KEY("b"));

    f = open_files(1);
    is_str(load(f, 1, "a", "b"), "ok ok", "no list");
    ok(found(f, "revoked", "it does not exist, nothing is revoked"),
       "it says so");

    put(at("revoked"), "a\n");
    is_str(load(f, 1, "a", "b"), "revoked ok", "a list");

    remove_all(at("revoked"));
    if (mkdir(at("revoked"), 0700) == -1) {
        abort();
    }
    is_str(load(f, 1, "a", "b"), "revoked ok", "none that can be read");
    ok(found(f, "revoked", "the list stays as it was"), "it says so");

    genai_policy_files_destroy(f);
    f = open_files(1);
    is_str(load(f, 1, "a", "b"), "revoked ok", "also after a restart");

    remove_all(at("revoked"));
    is_str(load(f, 1, "a", "b"), "revoked ok", "it is gone");
    ok(found(f, "revoked", "its last lines stay"), "it says so");

    genai_policy_files_destroy(f);
    f = open_files(1);
    is_str(load(f, 1, "a", "b"), "revoked ok", "also after a restart");
    ok(found(f, "revoked", "its last lines stay"), "it says so");

    put(at("revoked"), "# nobody\n");
    is_str(load(f, 1, "a", "b"), "ok ok", "no line");

    remove_all(at("revoked"));
    is_str(load(f, 1, "a", "b"), "ok ok", "is no loss");
    ok(found(f, "revoked", "it does not exist"), "it says so");

    genai_policy_files_destroy(f);
}


/* one that others cannot read, as somebody else */

static void
test_denied(void)
{
    int                    status;
    pid_t                  pid;
    genai_policy_files_t  *f;

    fresh();

    put(at("policy.d/a.json"), KEY("a"));
    put(at("policy.d/b.json"), KEY("b"));

    if (chmod(at("policy.d/b.json"), 0) == -1) {
        abort();
    }

    if (geteuid() == 0
        && (chmod(root, 0755) == -1 || chmod(at("policy.d"), 0755) == -1))
    {
        abort();
    }

    fflush(stdout);
    pid = fork();

    if (pid == 0) {

        if (geteuid() == 0 && setuid(65534) == -1) {
            _exit(2);
        }

        f = open_files(0);
        status = strcmp(load(f, 0, "a", "b"), "ok unknown") == 0
                 && found(f, "b.json", "Permission denied")
                 && found(f, "b.json", "the user that nginx's workers run as");
        genai_policy_files_destroy(f);

        _exit(status ? 0 : 1);
    }

    ok(waitpid(pid, &status, 0) == pid && status == 0,
       "who may not read a file is told what to do");
}


static void
test_changed(void)
{
    genai_policy_files_t  *f;

    fresh();
    put(at("policy.d/a.json"), KEY("a"));

    f = open_files(0);

    is_int(genai_policy_files_changed(f), 0, "one look is not enough");
    is_int(genai_policy_files_changed(f), 1, "two are");
    is_str(load(f, 0, "a", "b"), "ok unknown", "it is loaded");
    is_int(genai_policy_files_changed(f), 0, "nothing has changed");
    is_int(genai_policy_files_changed(f), 0, "nothing at all");

    put(at("policy.d/b.json"), KEY("b"));
    is_int(genai_policy_files_changed(f), 0, "a new one");
    put(at("policy.d/b.json"), KEY("b") "   ");
    is_int(genai_policy_files_changed(f), 0, "is still being written");
    is_int(genai_policy_files_changed(f), 1, "is complete");
    is_int(genai_policy_files_changed(f), 1, "until it is loaded");
    is_str(load(f, 0, "a", "b"), "ok ok", "it is loaded");
    is_int(genai_policy_files_changed(f), 0, "nothing has changed");

    genai_policy_files_forget(f);
    is_int(genai_policy_files_changed(f), 0, "forgotten");
    is_int(genai_policy_files_changed(f), 1, "all is to be loaded");
    is_str(load(f, 0, "a", "b"), "ok ok", "it is");
    is_int(genai_policy_files_changed(f), 0, "nothing has changed");

    is_int(genai_policy_files_revoked_changed(f), 0, "nor has the list");
    is_int(genai_policy_files_revoked_changed(f), 0, "as it was loaded");
    put(at("revoked"), "a");
    (void) genai_policy_files_changed(f);
    is_int(genai_policy_files_changed(f), 1, "the list");
    is_int(genai_policy_files_revoked_changed(f), 0, "it may be written");
    is_int(genai_policy_files_revoked_changed(f), 1, "it alone");
    is_int(genai_policy_files_revoked_changed(f), 0, "is told once");
    is_str(load(f, 0, "a", "b"), "revoked ok", "it is loaded");

    /* as Kubernetes does it: links to files in a directory that is swapped */

    if (mkdir(at("one"), 0700) == -1 || mkdir(at("two"), 0700) == -1
        || symlink("one", at("data")) == -1
        || unlink(at("policy.d/b.json")) == -1
        || symlink("../data/b.json", at("policy.d/b.json")) == -1)
    {
        abort();
    }

    put(at("one/b.json"), KEY("c"));
    put(at("two/b.json"), KEY("d"));

    is_str(load(f, 0, "c", "d"), "ok unknown", "behind a link");

    if (symlink("two", at("new")) == -1
        || rename(at("new"), at("data")) == -1)
    {
        abort();
    }

    is_int(genai_policy_files_changed(f), 0, "links are swapped");
    is_int(genai_policy_files_changed(f), 1, "which is seen");
    is_str(load(f, 0, "c", "d"), "unknown ok", "behind another one");

    if (unlink(at("policy.d/a.json")) == -1) {
        abort();
    }

    (void) genai_policy_files_changed(f);
    is_int(genai_policy_files_changed(f), 1, "one is gone");

    genai_policy_files_destroy(f);

    f = genai_policy_files_create(at("two/b.json"), NULL, NULL);
    is_str(load(f, 0, "c", "d"), "unknown ok", "one file");
    is_int(genai_policy_files_changed(f), 0, "which did not change");
    put(at("two/b.json"), KEY("c"));
    (void) genai_policy_files_changed(f);
    is_int(genai_policy_files_changed(f), 1, "and does");
    put(at("two/b.json"), "");
    is_str(load(f, 0, "c", "d"), "unknown ok stale", "its last good version");
    genai_policy_files_destroy(f);
}


/* names of fragments cannot leave the state directory */

static void
test_names(void)
{
    DIR                   *dir;
    char                   longest[256];
    unsigned               i, n;
    struct dirent         *entry;
    genai_policy_files_t  *f;

    static const char *const  names[] = {
        "%2e%2e.json", "a b.json", "\n.json", "..%2fx.json", "\xff.json",
        "-rf.json", "=.json", "~.json"
    };

    fresh();

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        put(at("policy.d/%s", names[i]), "{\"schema\":1}");
    }

    memset(longest, '%', 250);
    strcpy(longest + 250, ".json");
    put(at("policy.d/%s", longest), KEY("a"));
    put(at("policy.d/b.json"), KEY("b"));

    f = open_files(1);
    is_str(load(f, 1, "a", "b"), "ok ok", "odd names");
    genai_policy_files_destroy(f);

    n = 0;
    dir = opendir(at("state/good"));

    while (dir && (entry = readdir(dir)) != NULL) {

        if (entry->d_name[0] == '.') {
            continue;
        }

        n++;

        quiet_ok(strspn(entry->d_name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKL"
                        "MNOPQRSTUVWXYZ0123456789%=._-")
                 == strlen(entry->d_name), "%s", entry->d_name);
    }

    if (dir) {
        closedir(dir);
    }

    is_int(n, i + 1, "all are kept but what begins with a dot");

    remove_all(at("policy.d"));

    f = open_files(1);
    is_str(load(f, 1, "a", "b"), "ok ok stale", "and are read back");
    genai_policy_files_destroy(f);

    is_int(mkdir(at("policy.d"), 0700), 0, "an empty directory");
    f = open_files(1);
    is_str(load(f, 1, "a", "b"), "unknown unknown", "is an empty policy");
    ok(found(f, "policy.d", "there is no \"*.json\""), "it says so");
    ok(!exists(at("state/good/b.json")), "and forgets");
    genai_policy_files_destroy(f);
}


static void
test_zone(void)
{
    void                  *data;
    size_t                 size;
    genai_policy_files_t  *f;
    const genai_policy_t  *p;

    fresh();
    put(at("policy.d/a.json"), "{\"schema\":1,\"timezone\":\"Asia/Tokyo\"}");

    f = open_files(0);

    if (access("/usr/share/zoneinfo/Asia/Tokyo", R_OK) == 0) {
        is_int(genai_policy_files_load(f, 1, POLICY_NOW * 1000, NULL, &data,
                                       &size), 0, "a time zone");
        ok(genai_policy_open(data, size, &p) == NULL, "opens");
        is_text(genai_policy_text(p, p->timezone), "Asia/Tokyo", "its name");
        is_int(genai_policy_day(p, POLICY_NOW),
               genai_timezone_days(2026, 11, 22), "at noon");
        is_int(genai_policy_day(p, POLICY_NOW + 3 * 3600),
               genai_timezone_days(2026, 11, 23), "days begin elsewhere");
        free(data);

    } else {
        skip(5, "no tzdata");
    }

    put(at("policy.d/a.json"), "{\"schema\":1,\"timezone\":\"No/Such\"}");
    is_int(genai_policy_files_load(f, 1, POLICY_NOW * 1000, NULL, &data,
                                   &size), 0, "no time zone");
    ok(genai_policy_open(data, size, &p) == NULL, "opens");
    is_text(genai_policy_text(p, p->timezone), "UTC", "it is UTC");
    ok(found(f, "a.json", "install tzdata"), "it says so");
    free(data);

    genai_policy_files_destroy(f);
}


static void
test_snapshots(void)
{
    void                  *addr;
    size_t                 size;
    policy_t               p;
    struct stat            st;
    const genai_policy_t  *q;

    fresh();

    policy_one(&p, KEY("a"));

    is_int(genai_policy_files_publish(at("state"), 9, p.data, p.size), 0,
           "published");
    is_int(genai_policy_files_publish(at("state"), 10, p.data, p.size), 0,
           "and again");
    ok(stat(at("state"), &st) == 0 && (st.st_mode & 0777) == 0700,
       "the directory is ours");
    ok(stat(at("state/snapshot.9"), &st) == 0 && (st.st_mode & 0777) == 0600,
       "as is the file");

    is_int(genai_policy_files_map(at("state"), 9, &addr, &size), 0, "mapped");
    ok(size == p.size && memcmp(addr, p.data, size) == 0, "the same");

    put(at("state/snapshot.8.new"), "x");
    put(at("state/snapshot.x"), "x");
    put(at("state/snapshot.3x"), "x");
    genai_policy_files_prune(at("state"), 10);
    ok(!exists(at("state/snapshot.9")), "an old one is removed");
    ok(!exists(at("state/snapshot.8.new")), "half of one, too");
    ok(exists(at("state/snapshot.10")), "the new one is not");
    ok(exists(at("state/snapshot.x")) && exists(at("state/snapshot.3x")),
       "nor what is none");
    ok(genai_policy_open(addr, size, &q) == NULL, "what is mapped stays");
    munmap(addr, size);

    is_int(genai_policy_files_map(at("state"), 9, &addr, &size), ENOENT,
           "not there");
    is_int(truncate(at("state/snapshot.10"), p.size - 8), 0, "cut");
    is_int(genai_policy_files_map(at("state"), 10, &addr, &size), EINVAL,
           "it is not mapped");
    put(at("state/snapshot.11"), "");
    is_int(genai_policy_files_map(at("state"), 11, &addr, &size), EINVAL,
           "nor an empty one");

    put(at("file"), "");
    is_int(genai_policy_files_publish(at("file/state"), 1, p.data, p.size),
           ENOTDIR, "no directory");

    if (access("/dev/full", W_OK) == 0
        && symlink("/dev/full", at("state/snapshot.12.new")) == 0)
    {
        is_int(genai_policy_files_publish(at("state"), 12, p.data, p.size), 0,
               "a link in its way is not followed");
        ok(exists(at("state/snapshot.12")), "it is written");

    } else {
        skip(2, "no /dev/full");
    }

    policy_free(&p);
}


/* a disk that is full: what could not be kept is kept later */

static void
test_keep(void)
{
    genai_policy_files_t  *f;

    fresh();
    put(at("policy.d/a.json"), KEY("a"));
    put(at("state"), "in its way");

    f = open_files(1);
    is_str(load(f, 0, "a", "b"), "ok unknown", "loaded");
    is_int(genai_policy_files_keep(f), ENOTDIR, "cannot be kept");

    put(at("policy.d/a.json"), "{");
    is_str(load(f, 0, "a", "b"), "ok unknown stale", "but is known");

    remove_all(at("state"));
    is_int(genai_policy_files_keep(f), 0, "can be kept");
    ok(exists(at("state/good/a.json")), "is kept");

    genai_policy_files_destroy(f);

    f = open_files(1);
    is_str(load(f, 0, "a", "b"), "ok unknown stale", "is read back");

    put(at("revoked"), "x");
    put(at("policy.d/a.json"), KEY("a"));
    is_str(load(f, 1, "a", "b"), "ok unknown", "mended");
    is_int(genai_policy_files_publish(at("state"), 3, "x", 1), 0, "a file");
    ok(exists(at("state/good/a.json")) && exists(at("state/revoked"))
       && exists(at("state/snapshot.3")), "all that there can be");
    genai_policy_files_clear(at("state"));
    ok(!exists(at("state")), "nothing of it is left");
    genai_policy_files_clear(at("state"));
    genai_policy_files_destroy(f);
}


static void
test_many(void)
{
    char                   text[128];
    unsigned               i;
    genai_policy_files_t  *f;

    fresh();

    for (i = 0; i < 2000; i++) {
        snprintf(text, sizeof(text), "{\"schema\":1,\"keys\":{\"k%u\":"
                 "{\"sha256\":\"@k%u@\"}}}", i, i);
        put(at("policy.d/%u.json", i), text);
    }

    f = open_files(0);
    is_str(load(f, 0, "k0", "k1999"), "ok ok", "many fragments");
    genai_policy_files_destroy(f);
}


int
main(void)
{
    if (mkdtemp(root) == NULL) {
        perror(root);
        return 1;
    }

    test_good(1);
    test_good(0);
    test_revoked();
    test_denied();
    test_changed();
    test_names();
    test_zone();
    test_snapshots();
    test_keep();
    test_many();

    remove_all(root);

    return done_testing();
}
