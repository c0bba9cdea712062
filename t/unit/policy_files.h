/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Files of policies below a directory of the test's own, for unit tests.
 */


#ifndef _GENAI_T_POLICY_FILES_H_INCLUDED_
#define _GENAI_T_POLICY_FILES_H_INCLUDED_


#include "tap.h"
#include "policy.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>


TAP_UNUSED static char  root[] = "/tmp/genai-policy-XXXXXX";


/* a path below root; eight can be used at once */

TAP_UNUSED static const char *
at(const char *fmt, ...)
{
    static char      paths[8][512];
    static unsigned  next;

    char     name[400], *path;
    va_list  args;

    va_start(args, fmt);
    vsnprintf(name, sizeof(name), fmt, args);
    va_end(args);

    path = paths[next++ % 8];
    snprintf(path, sizeof(paths[0]), "%s/%s", root, name);

    return path;
}


/* writes a policy's text into a file, over what is there */

TAP_UNUSED static void
put(const char *path, const char *text)
{
    int    fd;
    char  *t;

    t = policy_text(text);

    fd = open(path, O_WRONLY|O_CREAT|O_TRUNC, 0644);

    if (fd == -1 || write(fd, t, strlen(t)) != (ssize_t) strlen(t)
        || close(fd) == -1)
    {
        perror(path);
        abort();
    }

    free(t);
}


TAP_UNUSED static int
exists(const char *path)
{
    struct stat  st;

    return lstat(path, &st) == 0;
}


TAP_UNUSED static void
make(const char *path)
{
    if (mkdir(path, 0700) == -1) {
        perror(path);
        abort();
    }
}


/* a directory and all in it, whatever their modes are */

TAP_UNUSED static void
remove_all(const char *path)
{
    char  command[1200];

    snprintf(command, sizeof(command), "chmod -R u+rwx '%s' 2>/dev/null;"
             " rm -rf '%s'", path, path);

    if (system(command) != 0) {
        diag("cannot remove %s", path);
    }
}


#endif /* _GENAI_T_POLICY_FILES_H_INCLUDED_ */
