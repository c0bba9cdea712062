/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * A tiny TAP writer for the C unit tests.  A test is one program, one file
 * t/unit/test_*.c:
 *
 *     #include "tap.h"
 *
 *     int
 *     main(void)
 *     {
 *         ok(1 + 1 == 2, "sum of %d and %d", 1, 1);
 *         is_int(genai_count(x), 3, "three of them");
 *         is_str(name, "chat", "name");
 *         is_mem(out.data, out.len, "abc", 3, "bytes");
 *         return done_testing();
 *     }
 *
 * Every check returns whether it passed, so that what depends on it can be
 * left out.  A check in a loop over thousands of cases should not print
 * thousands of lines: quiet_ok() prints failures only.
 */


#ifndef _GENAI_TAP_H_INCLUDED_
#define _GENAI_TAP_H_INCLUDED_


#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


#define TAP_UNUSED           __attribute__((unused))
#define TAP_PRINTF(f, a)     __attribute__((unused, format(printf, f, a)))


static unsigned  tap_run;
static unsigned  tap_failed;
static unsigned  tap_quiet;


#define ok(cond, ...)                                                         \
    tap_ok(__FILE__, __LINE__, (cond) ? 1 : 0, __VA_ARGS__)

#define pass(...)  tap_ok(__FILE__, __LINE__, 1, __VA_ARGS__)
#define fail(...)  tap_ok(__FILE__, __LINE__, 0, __VA_ARGS__)

/* counts silently when it holds; done_testing() tells how many did */
#define quiet_ok(cond, ...)                                                   \
    ((cond) ? tap_quiet_pass()                                                \
            : tap_ok(__FILE__, __LINE__, 0, __VA_ARGS__))

#define is_int(got, want, ...)                                                \
    tap_is_int(__FILE__, __LINE__, (long long) (got), (long long) (want),     \
               __VA_ARGS__)

#define is_str(got, want, ...)                                                \
    tap_is_str(__FILE__, __LINE__, got, want, __VA_ARGS__)

#define is_mem(got, got_len, want, want_len, ...)                             \
    tap_is_mem(__FILE__, __LINE__, got, got_len, want, want_len, __VA_ARGS__)

/* anything with the members .len and .data, against a C string */
#define is_text(s, want, ...)                                                 \
    tap_is_mem(__FILE__, __LINE__, (s).data, (s).len, want, strlen(want),     \
               __VA_ARGS__)


TAP_PRINTF(1, 2) static void
diag(const char *fmt, ...)
{
    va_list  args;

    printf("# ");
    va_start(args, fmt);
    vprintf(fmt, args);
    va_end(args);
    printf("\n");
    fflush(stdout);
}


TAP_UNUSED static int
tap_quiet_pass(void)
{
    tap_quiet++;
    return 1;
}


/* "#" would start a directive, a line feed would end the line */

TAP_UNUSED static void
tap_print_name(const char *fmt, va_list args)
{
    char         name[512];
    const char  *p;

    vsnprintf(name, sizeof(name), fmt, args);

    for (p = name; *p; p++) {
        if (*p == '\n' || *p == '\r') {
            putchar(' ');

        } else if (*p == '#' || *p == '\\') {
            putchar('\\');
            putchar(*p);

        } else {
            putchar(*p);
        }
    }
}


TAP_UNUSED static int
tap_vok(const char *file, int line, int cond, const char *fmt, va_list args)
{
    tap_run++;

    printf("%sok %u - ", cond ? "" : "not ", tap_run);
    tap_print_name(fmt, args);
    printf("\n");

    if (!cond) {
        tap_failed++;
        printf("#   failed at %s line %d\n", file, line);
    }

    /* an abort of a sanitizer must not swallow what was already said */
    fflush(stdout);

    return cond;
}


TAP_PRINTF(4, 5) static int
tap_ok(const char *file, int line, int cond, const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    cond = tap_vok(file, line, cond, fmt, args);
    va_end(args);

    return cond;
}


TAP_PRINTF(5, 6) static int
tap_is_int(const char *file, int line, long long got, long long want,
    const char *fmt, ...)
{
    int      cond;
    va_list  args;

    va_start(args, fmt);
    cond = tap_vok(file, line, got == want, fmt, args);
    va_end(args);

    if (!cond) {
        diag("       got: %lld", got);
        diag("      want: %lld", want);
    }

    return cond;
}


TAP_UNUSED static void
tap_dump(const char *what, const void *mem, size_t len)
{
    size_t                i, n;
    const unsigned char  *p = mem;

    if (mem == NULL) {
        diag("%s: NULL", what);
        return;
    }

    n = (len > 400) ? 400 : len;

    printf("# %s: (%lu) \"", what, (unsigned long) len);

    for (i = 0; i < n; i++) {
        if (p[i] < 0x20 || p[i] >= 0x7f || p[i] == '"' || p[i] == '\\') {
            printf("\\x%02x", p[i]);

        } else {
            putchar(p[i]);
        }
    }

    printf("\"%s\n", (n < len) ? "..." : "");
    fflush(stdout);
}


TAP_UNUSED static int
tap_vis_mem(const char *file, int line, const void *got, size_t got_len,
    const void *want, size_t want_len, const char *fmt, va_list args)
{
    int                   cond;
    size_t                i;
    const unsigned char  *g, *w;

    cond = (got_len == want_len
            && ((got == NULL) == (want == NULL) || want_len == 0)
            && (want_len == 0 || memcmp(got, want, want_len) == 0));

    tap_vok(file, line, cond, fmt, args);

    if (cond) {
        return 1;
    }

    tap_dump("      got", got, got_len);
    tap_dump("     want", want, want_len);

    if (got != NULL && want != NULL) {
        g = got;
        w = want;

        for (i = 0; i < got_len && i < want_len && g[i] == w[i]; i++) {
            /* void */
        }

        diag("     they differ from byte %lu on", (unsigned long) i);
    }

    return 0;
}


TAP_PRINTF(7, 8) static int
tap_is_mem(const char *file, int line, const void *got, size_t got_len,
    const void *want, size_t want_len, const char *fmt, ...)
{
    int      cond;
    va_list  args;

    va_start(args, fmt);
    cond = tap_vis_mem(file, line, got, got_len, want, want_len, fmt, args);
    va_end(args);

    return cond;
}


TAP_PRINTF(5, 6) static int
tap_is_str(const char *file, int line, const char *got, const char *want,
    const char *fmt, ...)
{
    int      cond;
    va_list  args;

    va_start(args, fmt);

    if (got == NULL || want == NULL) {
        cond = tap_vok(file, line, got == want, fmt, args);

        if (!cond) {
            diag("       got: %s", got ? got : "NULL");
            diag("      want: %s", want ? want : "NULL");
        }

    } else {
        cond = tap_vis_mem(file, line, got, strlen(got), want, strlen(want),
                           fmt, args);
    }

    va_end(args);

    return cond;
}


/* n checks that cannot be made here */

TAP_PRINTF(2, 3) static void
skip(unsigned n, const char *fmt, ...)
{
    va_list  args;

    while (n--) {
        printf("ok %u # skip ", ++tap_run);
        va_start(args, fmt);
        vprintf(fmt, args);
        va_end(args);
        printf("\n");
    }

    fflush(stdout);
}


/* the exit code of the program */

TAP_UNUSED static int
done_testing(void)
{
    if (tap_quiet) {
        printf("ok %u - %u checks in loops held\n", ++tap_run, tap_quiet);
    }

    printf("1..%u\n", tap_run);

    if (tap_failed) {
        diag("failed %u of %u", tap_failed, tap_run);
    }

    fflush(stdout);

    return (tap_failed || tap_run == 0) ? 1 : 0;
}


#endif /* _GENAI_TAP_H_INCLUDED_ */
