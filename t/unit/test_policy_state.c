/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The state directory: whose it must be, and what goes when a run is over.
 */


#include "policy_files.h"
#include "genai_books_file.h"
#include "genai_policy_files.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/wait.h>


static void
test_owner(void)
{
    int        rc;
    policy_t   p;

    policy_one(&p, "{\"schema\":1}");

    make(at("open"));

    if (chmod(at("open"), 0770) == -1) {
        abort();
    }

    is_int(genai_policy_files_publish(at("open"), 1, p.data, p.size), EPERM,
           "a directory that a group may write into");
    ok(!exists(at("open/snapshot.1")), "gets nothing");

    if (chmod(at("open"), 0755) == -1) {
        abort();
    }

    is_int(genai_policy_files_publish(at("open"), 1, p.data, p.size), 0,
           "one that others may read is used");

    make(at("there"));

    if (symlink(at("there"), at("link")) == -1) {
        abort();
    }

    rc = genai_policy_files_publish(at("link"), 1, p.data, p.size);
    ok(rc == ENOTDIR || rc == ELOOP, "a link to one is not");
    ok(!exists(at("there/snapshot.1")), "and is not followed");

    if (geteuid() == 0) {
        make(at("other"));

        if (chown(at("other"), 65534, 65534) == -1) {
            abort();
        }

        is_int(genai_policy_files_publish(at("other"), 1, p.data, p.size),
               EPERM, "one of somebody else, even for root");

    } else {
        skip(1, "not root");
    }

    policy_free(&p);
}


static void
test_map(void)
{
    int        rc;
    void      *addr;
    size_t     size;
    policy_t   p;

    policy_one(&p, "{\"schema\":1}");

    is_int(genai_policy_files_publish(at("map"), 1, p.data, p.size), 0,
           "published");
    is_int(genai_policy_files_map(at("map"), 1, &addr, &size), 0, "mapped");
    munmap(addr, size);

    if (symlink(at("map/snapshot.1"), at("map/snapshot.2")) == -1) {
        abort();
    }

    rc = genai_policy_files_map(at("map"), 2, &addr, &size);
    is_int(rc, ELOOP, "a link is not");

    if (link(at("map/snapshot.1"), at("map/snapshot.3")) == -1) {
        abort();
    }

    is_int(genai_policy_files_map(at("map"), 3, &addr, &size), EPERM,
           "nor what has another name");
    is_int(genai_policy_files_map(at("map"), 1, &addr, &size), EPERM,
           "which is so for both");
    unlink(at("map/snapshot.3"));

    if (geteuid() == 0) {

        if (chown(at("map/snapshot.1"), 65534, 65534) == -1) {
            abort();
        }

        is_int(genai_policy_files_map(at("map"), 1, &addr, &size), EPERM,
               "nor what is of somebody else");

    } else {
        skip(1, "not root");
    }

    policy_free(&p);
}


/* a state directory as a run leaves it */

static void
leave(const char *name)
{
    make(at("%s", name));
    make(at("%s/good", name));
    put(at("%s/good/a.json", name), "");
    put(at("%s/revoked", name), "");
    put(at("%s/snapshot.7", name), "");
}


static void
test_clear(void)
{
    leave("clear");
    genai_policy_files_clear(at("clear"));
    ok(!exists(at("clear")), "all of it goes");

    leave("clear");
    put(at("clear/notes"), "");
    genai_policy_files_clear(at("clear"));
    ok(exists(at("clear/notes")), "but for what is of others");
    ok(!exists(at("clear/snapshot.7")) && !exists(at("clear/good")),
       "beside it");

    leave("far");

    if (symlink(at("far"), at("near")) == -1) {
        abort();
    }

    genai_policy_files_clear(at("near"));
    ok(exists(at("far/snapshot.7")) && exists(at("far/good/a.json")),
       "no link is followed");

    genai_policy_files_clear(at("nothing"));
}


static void
test_sweep(void)
{
    int                  status;
    char                 dead[64], live[64], again[64];
    pid_t                pid;
    genai_process_id_t   self;

    make(at("run"));
    genai_process_self(&self);

    pid = fork();

    if (pid == 0) {
        _exit(0);
    }

    if (pid == -1 || waitpid(pid, &status, 0) != pid) {
        abort();
    }

    snprintf(dead, sizeof(dead), "run/genai-%d-%llu", (int) pid,
             (unsigned long long) self.start);
    snprintf(live, sizeof(live), "run/genai-%u-%llu", self.pid,
             (unsigned long long) self.start);

    /* our pid, of another process that has had it */

    snprintf(again, sizeof(again), "run/genai-%u-%llu", self.pid,
             (unsigned long long) self.start - 1);

    leave(dead);
    leave(live);
    leave(again);
    leave("run/genai-1x-2");
    leave("run/genai-999999999-01");
    leave("run/genai-999999999-1.d");
    leave("run/genai-999999999");
    put(at("run/genai-999999999-5"), "");
    leave("target");

    if (symlink(at("target"), at("run/genai-999999999-6")) == -1) {
        abort();
    }

    leave("run/genai-999999999-7");

    if (chmod(at("run/genai-999999999-7"), 0777) == -1) {
        abort();
    }

    genai_policy_files_sweep(at("run"));

    ok(!exists(at("%s", dead)), "of a process that is dead");
    ok(exists(at("%s/snapshot.7", live)), "not of one that lives");
    ok(!exists(at("%s", again)), "a pid that is used again");
    ok(exists(at("run/genai-1x-2/revoked"))
       && exists(at("run/genai-999999999-01/revoked"))
       && exists(at("run/genai-999999999-1.d/revoked"))
       && exists(at("run/genai-999999999/revoked")), "not other names");
    ok(exists(at("run/genai-999999999-5")), "no file");
    ok(exists(at("target/revoked")), "no link is followed");
    ok(exists(at("run/genai-999999999-7/revoked")),
       "nor what others may write into");

    if (geteuid() == 0) {
        leave("run/genai-999999999-8");

        if (chown(at("run/genai-999999999-8"), 65534, 65534) == -1) {
            abort();
        }

        genai_policy_files_sweep(at("run"));
        ok(exists(at("run/genai-999999999-8/revoked")), "nor of others");

    } else {
        skip(1, "not root");
    }

    genai_policy_files_sweep(at("nothing"));
}


int
main(void)
{
    umask(022);

    if (mkdtemp(root) == NULL) {
        perror(root);
        return 1;
    }

    test_owner();
    test_map();
    test_clear();
    test_sweep();

    remove_all(root);

    return done_testing();
}
