/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Against libc, which reads the same files and rules.  Every content is in
 * memory of exactly its size.
 */


#define _GNU_SOURCE

#include "tap.h"
#include "genai_timezone.h"

#include <ftw.h>
#include <time.h>


#define FOLDER  "/usr/share/zoneinfo/"

#define DAY     86400
#define YEARS   8               /* that a list is made for */


typedef struct {
    size_t                    len;
    unsigned char            *data;
} content_t;


typedef struct {
    int                       n;
    genai_timezone_change_t   changes[GENAI_TIMEZONE_CHANGES];
} list_t;


static const char  *const  zones[] = {
    "Europe/Berlin", "America/New_York", "Asia/Kolkata",
    "Australia/Lord_Howe", "America/Sao_Paulo", "Africa/Casablanca",
    "Africa/El_Aaiun", "Asia/Gaza", "Pacific/Apia", "UTC", "Europe/Dublin",
    "America/Nuuk", "Asia/Tehran", "Africa/Cairo", "America/St_Johns",
    "Antarctica/Troll", "Antarctica/Casey", "America/Havana",
    "Asia/Kathmandu", "Pacific/Kwajalein", "Pacific/Kiritimati",
    "America/Caracas", "Africa/Monrovia", "Asia/Pyongyang", "Europe/Moscow",
    "Europe/Istanbul", "America/Argentina/San_Luis", "Asia/Amman", "EST5EDT",
    "Etc/GMT+12", "Etc/GMT-14", "Europe/Lisbon", "Africa/Juba"
};


static int64_t
utc(int year, int month, int mday, int64_t seconds)
{
    return (int64_t) genai_timezone_days(year, month, mday) * DAY + seconds;
}


static int
load(const char *name, content_t *c)
{
    FILE  *f;
    long   n;
    char   path[512];

    snprintf(path, sizeof(path), "%s%s", name[0] == '/' ? "" : FOLDER, name);

    f = fopen(path, "rb");
    if (f == NULL) {
        return -1;
    }

    fseek(f, 0, SEEK_END);
    n = ftell(f);
    rewind(f);

    c->len = n;
    c->data = malloc(n ? n : 1);

    if (c->data == NULL || fread(c->data, 1, n, f) != (size_t) n) {
        exit(2);
    }

    fclose(f);

    return 0;
}


/* a file of a footer, and of transitions where there are some */

static void
put_int(content_t *c, int64_t value, unsigned n)
{
    while (n--) {
        c->data[c->len++] = (unsigned char) ((uint64_t) value >> (8 * n));
    }
}


static void
put_header(content_t *c, char version, int n, int types)
{
    memcpy(c->data + c->len, "TZif", 4);
    c->len += 4;
    put_int(c, version, 1);
    memset(c->data + c->len, 0, 15);
    c->len += 15;
    put_int(c, 0, 4);
    put_int(c, 0, 4);
    put_int(c, 0, 4);
    put_int(c, n, 4);
    put_int(c, types, 4);
    put_int(c, 4, 4);
}


static void
put_block(content_t *c, unsigned wide, const int64_t *times,
    const int *offsets, int n)
{
    int  i;

    for (i = 0; i < n; i++) {
        put_int(c, times[i], wide);
    }

    for (i = 0; i < n; i++) {
        put_int(c, i + 1, 1);
    }

    for (i = 0; i <= n; i++) {
        put_int(c, offsets[i], 4);
        put_int(c, 0, 2);
    }

    memcpy(c->data + c->len, "ABC", 4);
    c->len += 4;
}


static content_t
make(char version, const int64_t *times, const int *offsets, int n,
    const char *footer)
{
    content_t  c;

    static const int  zero;

    c.len = 0;
    c.data = malloc(400 + 2 * (n + 1) * 15 + (footer ? strlen(footer) : 0));
    if (c.data == NULL) {
        exit(2);
    }

    if (version == 0) {
        put_header(&c, version, n, n + 1);
        put_block(&c, 4, times, offsets, n);

    } else {
        put_header(&c, version, 0, 1);
        put_block(&c, 4, NULL, &zero, 0);
        put_header(&c, version, n, n + 1);
        put_block(&c, 8, times, offsets, n);

        c.data[c.len++] = '\n';
        memcpy(c.data + c.len, footer, strlen(footer));
        c.len += strlen(footer);
        c.data[c.len++] = '\n';
    }

    c.data = realloc(c.data, c.len);

    return c;
}


static int
read_list(const content_t *c, int64_t from, int64_t to, list_t *l)
{
    l->n = genai_timezone_read(c->data, c->len, from, to, l->changes);

    return l->n;
}


static void
set_zone(const char *name)
{
    setenv("TZ", name, 1);
    tzset();
}


/* one time: the offset, and the day, which may be ahead of the calendar's */

static int
check_time(const list_t *l, int64_t t)
{
    int32_t    day, own;
    int64_t    start;
    time_t     clock;
    struct tm  tm;

    clock = t;

    if (localtime_r(&clock, &tm) == NULL) {
        return 0;
    }

    if (genai_timezone_offset(l->changes, l->n, t) != tm.tm_gmtoff) {
        diag("%lld: offset %d, want %ld", (long long) t,
             genai_timezone_offset(l->changes, l->n, t), tm.tm_gmtoff);
        return 0;
    }

    day = genai_timezone_days(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
    own = genai_timezone_day(l->changes, l->n, t);

    if (own != day) {

        /* only where the clock had shown that day before */

        clock = genai_timezone_day_start(l->changes, l->n, own);

        if (own != day + 1 || clock > t || t - clock > 4 * 3600) {
            diag("%lld: day %d, want %d", (long long) t, own, day);
            return 0;
        }

        localtime_r(&clock, &tm);

        if (genai_timezone_days(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday)
            != own)
        {
            return 0;
        }
    }

    start = genai_timezone_day_start(l->changes, l->n, own);

    if (start > t || genai_timezone_day(l->changes, l->n, start) != own
        || genai_timezone_day(l->changes, l->n, start - 1) >= own)
    {
        diag("%lld: day %d begins at %lld", (long long) t, own,
             (long long) start);
        return 0;
    }

    /* the day that follows begins behind it, with a day left out or none */

    start = genai_timezone_day_start(l->changes, l->n, own + 1);

    if (start <= t || genai_timezone_day(l->changes, l->n, start) <= own
        || genai_timezone_day(l->changes, l->n, start - 1) != own)
    {
        diag("%lld: day %d ends at %lld", (long long) t, own,
             (long long) start);
        return 0;
    }

    return 1;
}


/* a zone that TZ names, in lists of some years, at every step */

static int
check_zone(const content_t *c, int first, int last, int64_t step)
{
    int      i, year, bad;
    list_t   l;
    int64_t  t, from, to;

    bad = 0;

    for (year = first; year < last; year += YEARS) {
        from = utc(year, 1, 1, 0);
        to = utc(year + YEARS, 1, 1, 0);

        if (read_list(c, from, to, &l) < 1 || l.changes[0].from != from) {
            diag("%d cannot be read: %d", year, l.n);
            return 1;
        }

        for (i = 0; i < l.n; i++) {

            if (i && (l.changes[i].from <= l.changes[i - 1].from
                      || l.changes[i].offset == l.changes[i - 1].offset
                      || l.changes[i].from >= to))
            {
                diag("%d: change %d is out of order", year, i);
                bad++;
            }

            if (i) {
                bad += !check_time(&l, l.changes[i].from - 1);
            }

            bad += !check_time(&l, l.changes[i].from);
            bad += !check_time(&l, l.changes[i].from + 1);
        }

        for (t = from + DAY; t < to - DAY && bad <= 10; t += step) {
            bad += !check_time(&l, t);
        }

        bad += !check_time(&l, to - 1);

        if (bad > 10) {
            break;
        }
    }

    return bad;
}


static void
test_zones(void)
{
    size_t     i;
    content_t  c;

    for (i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {

        if (load(zones[i], &c) != 0) {
            skip(1, "no %s", zones[i]);
            continue;
        }

        set_zone(zones[i]);

        is_int(check_zone(&c, 1970, 2050, 7203), 0, "%s", zones[i]);

        free(c.data);
    }
}


/* every file there is, from before their first changes to the footer's */

static unsigned  all_files, all_bad;


static int
one_file(const char *path, const struct stat *sb, int type, struct FTW *ftw)
{
    content_t    c;
    const char  *name;

    name = path + sizeof(FOLDER) - 1;

    if (type != FTW_F || strncmp(name, "right/", 6) == 0
        || strncmp(name, "posix/", 6) == 0 || load(path, &c) != 0)
    {
        return 0;
    }

    if (c.len > 4 && memcmp(c.data, "TZif", 4) == 0) {
        set_zone(name);
        all_files++;

        if (check_zone(&c, 1900, 2150, 1234567)) {
            diag("in %s", name);
            all_bad++;
        }
    }

    free(c.data);

    return 0;
}


static void
test_all(void)
{
    if (nftw(FOLDER, one_file, 16, FTW_PHYS) != 0 || all_files == 0) {
        skip(1, "no zones in %s", FOLDER);
        return;
    }

    is_int(all_bad, 0, "all %u zones of 250 years", all_files);
}


/* footers, which libc takes as they are */

static void
test_rules(void)
{
    int        rc;
    size_t     i;
    content_t  c;

    static const char  *const  rules[] = {
        "UTC0", "<+03>-3", "<-00>0", "<+0545>-5:45", "ABC+4:56:02", "ABC-14",
        "EST5EDT,M3.2.0,M11.1.0", "CET-1CEST,M3.5.0,M10.5.0/3",
        "NZST-12NZDT,M9.5.0,M4.1.0/3", "IST-1GMT0,M10.5.0,M3.5.0/1",
        "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
        "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "IST-2IDT,M3.4.4/26,M10.5.0",
        "EET-2EEST,M3.4.4/50,M10.4.4/50", "EET-2EEST,M4.5.5/0,M10.5.4/24",
        "<+00>0<+02>-2,M3.5.0/1,M10.5.0/3",
        "ABC3DEF,J60/0,J300", "ABC3DEF,J59,J61", "ABC3DEF,59,300/12:34:56",
        "ABC3DEF,5/0,360", "ABC-3DEF-4:30,J9/-167,J100/167",
        "ABC3DEF2:15,M1.2.1/-167,M6.5.6/167", "ABC-9DEF,M2.5.3,M7.1.2",
        "ABC3DEF1,M11.2.4/2:30:15,M2.4.1/1:00:01"
    };

    /* of summer times beyond a year's end libc knows less */

    static const char  *const  all_year[] = {
        "ABC5DEF,0/0,J365/25", "XXX3EDT4,0/0,J365/23", "ABC5DEF,J2,J2/3"
    };

    static const char  *const  bad[] = {
        "A0", "AB0", "ABC", "<AB>0", "<ABC0", "<A_C>0", "0", "ABC25", "ABC-25",
        "ABC0:60", "ABC0:0:60", "ABC1:", "ABC++1", "ABC0 ", "ABC0DEF",
        "ABC0DEF-1", "ABC0DE,J1,J2", "ABC0DEF,J1", "ABC0DEF,J1,J2,J3",
        "ABC0DEF,J0,J2", "ABC0DEF,J366,J2", "ABC0DEF,366,J2",
        "ABC0DEF,J1/168,J2", "ABC0DEF,J1/-168,J2", "ABC0DEF,M0.1.0,J2",
        "ABC0DEF,M13.1.0,J2", "ABC0DEF,M1.0.0,J2", "ABC0DEF,M1.6.0,J2",
        "ABC0DEF,M1.1.7,J2", "ABC0DEF,M1.1,J2", "ABC0DEF,,J2", "ABC0DEF,J1,",
        "ABC0DEF,J1/,J2", "ABC0DEF,J99999999999,J2", ":UTC0",
        "ABC0DEF99999999999,J1,J2", "Europe/Berlin"
    };

    list_t  l;

    for (i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        c = make('3', NULL, (const int[]) { 0 }, 0, rules[i]);

        set_zone(rules[i]);

        is_int(check_zone(&c, 1986, 2026, 3602), 0, "%s", rules[i]);

        free(c.data);
    }

    for (i = 0; i < sizeof(all_year) / sizeof(all_year[0]); i++) {
        c = make('3', NULL, (const int[]) { 0 }, 0, all_year[i]);

        rc = read_list(&c, utc(2000, 6, 1, 0), utc(2040, 1, 1, 0), &l);

        is_int(rc, 1, "%s: no change", all_year[i]);
        is_int(l.changes[0].offset, -4 * 3600, "but summer time");

        free(c.data);
    }

    c = make('3', NULL, (const int[]) { 0 }, 0, "ABC0DEF,J1/-24,J365/48");

    is_int(read_list(&c, utc(2000, 1, 3, 0), utc(2001, 6, 1, 0), &l), 1,
           "an end behind the next beginning is none");
    is_int(l.changes[0].offset, 3600, "it is summer");

    free(c.data);

    c = make('3', NULL, (const int[]) { 0 }, 0, "ABC0DEF,J1/-24,J365/-24");

    is_int(read_list(&c, utc(2000, 6, 1, 0), utc(2001, 6, 1, 0), &l), 3,
           "a beginning in the year before");
    ok(l.changes[1].from == utc(2000, 12, 29, 23 * 3600)
       && l.changes[1].offset == 0
       && l.changes[2].from == utc(2000, 12, 31, 0)
       && l.changes[2].offset == 3600, "after some hours of winter");

    free(c.data);

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        c = make('2', NULL, (const int[]) { 0 }, 0, bad[i]);

        is_int(read_list(&c, 0, 1, &l), -1, "no rule: %s", bad[i]);

        free(c.data);
    }

    /* a rule that changes nothing has no end */

    c = make('2', NULL, (const int[]) { 0 }, 0, "ABC0DEF0,J1,J2");

    is_int(read_list(&c, 0, utc(2100, 1, 1, 0), &l), 1, "nothing changes");
    is_int(read_list(&c, 0, GENAI_TIMEZONE_MAX, &l), -1, "but not for ever");

    free(c.data);
}


static void
test_versions(void)
{
    size_t       i, n;
    list_t       l;
    content_t    c;
    const char  *version;

    static const int      offsets[] = { 3600, 7200, -3600 };
    static const int64_t  times[] = { 1000, 2000 };

    for (version = "234"; *version; version++) {
        c = make(*version, times, offsets, 2, "");
        is_int(read_list(&c, 0, 3000, &l), 3, "version %c", *version);
        ok(l.changes[0].from == 0 && l.changes[0].offset == 3600
           && l.changes[1].from == 1000 && l.changes[1].offset == 7200
           && l.changes[2].from == 2000 && l.changes[2].offset == -3600,
           "all that there is");
        free(c.data);
    }

    c = make(0, times, offsets, 2, NULL);
    is_int(read_list(&c, 0, 3000, &l), 3, "version 1");
    is_int(read_list(&c, 0, 2001, &l), 3, "up to the last");
    is_int(read_list(&c, 0, 2000, &l), 2, "without it");
    is_int(read_list(&c, 0, 1000, &l), 1, "without any");
    is_int(l.changes[0].offset, 3600, "is the first type");
    is_int(read_list(&c, 1000, 1000, &l), 1, "no time at all");
    is_int(l.changes[0].offset, 7200, "has an offset");
    is_int(read_list(&c, 999, 2000, &l), 2, "from before one");
    is_int(read_list(&c, 1001, 2001, &l), 2, "from behind one");
    ok(l.changes[0].from == 1001 && l.changes[0].offset == 7200,
       "which holds");
    is_int(read_list(&c, 5000, 6000, &l), 1, "behind all");
    is_int(l.changes[0].offset, -3600, "the last one holds");

    is_int(read_list(&c, 1, 0, &l), -1, "to before from");
    is_int(read_list(&c, GENAI_TIMEZONE_MIN - 1, 0, &l), -1, "too early");
    is_int(read_list(&c, 0, GENAI_TIMEZONE_MAX + 1, &l), -1, "too late");
    is_int(read_list(&c, GENAI_TIMEZONE_MIN, GENAI_TIMEZONE_MAX, &l), 3,
           "all the time");
    free(c.data);

    c = make('2', times, offsets, 2, "ABC5");
    is_int(read_list(&c, 0, 3000, &l), 3, "the footer's is another");
    ok(l.changes[2].from == 2000 && l.changes[2].offset == -5 * 3600,
       "it holds from the last change on");
    is_int(read_list(&c, 0, 1500, &l), 2, "not before");

    /* cut anywhere it is none */

    for (i = 0; i < c.len; i++) {
        n = genai_timezone_read(c.data, i, 0, 3000, l.changes);
        quiet_ok(n == (size_t) -1, "cut to %zu", i);
    }

    free(c.data);
}


static void
refuse(const char *what, char version, size_t at, const char *bytes, size_t n)
{
    list_t     l;
    content_t  c;

    static const int      offsets[] = { 3600, 7200, -3600 };
    static const int64_t  times[] = { 1000, 2000 };

    c = make(version, times, offsets, 2, "ABC5");

    memcpy(c.data + at, bytes, n);

    is_int(read_list(&c, 0, 3000, &l), -1, "%s", what);

    free(c.data);
}


/* header: 20 isut, 24 isstd, 28 leap, 32 time, 36 type, 40 char; then at 44
   two times, two types from 52 on, three times six bytes from 54 on */

static void
test_broken(void)
{
    int        i;
    list_t     l;
    int64_t    times[200];
    int        offsets[201];
    content_t  c;

    refuse("no magic", 0, 0, "tzif", 4);
    refuse("version 1 is written as 0", 0, 4, "1", 1);
    refuse("an odd version", 0, 4, "\x80", 1);
    refuse("too many times", 0, 32, "\xff\xff\xff\xff", 4);
    refuse("too many types", 0, 36, "\xff\xff\xff\xff", 4);
    refuse("too much text", 0, 40, "\xff\xff\xff\xff", 4);
    refuse("too many leap seconds", 0, 28, "\xff\xff\xff\xff", 4);
    refuse("too many indicators", 0, 24, "\xff\xff\xff\xff", 4);
    refuse("too many of the others", 0, 20, "\xff\xff\xff\xff", 4);
    refuse("no types", 0, 36, "\0\0\0\0", 4);
    refuse("one time is twice there", 0, 48, "\0\0\x03\xe8", 4);
    refuse("times go back", 0, 48, "\0\0\x03\xe7", 4);
    refuse("no such type", 0, 53, "\x03", 1);
    refuse("26 hours", 0, 54, "\0\x01\x6d\xa0", 4);
    refuse("-25 hours", 0, 54, "\xff\xfe\xa0\x70", 4);
    refuse("a large offset", 0, 54, "\x80\0\0\0", 4);
    refuse("a large one of the others", 0, 66, "\x7f\xff\xff\xff", 4);

    /* the second block is at 54, and its types at 116 */

    refuse("no second magic", '2', 54, "tzif", 4);
    refuse("no second version", '2', 58, "\0", 1);
    refuse("too many times", '2', 54 + 32, "\xff\xff\xff\xff", 4);
    refuse("leap seconds", '2', 54 + 28, "\0\0\0\x01", 4);

    /* leap seconds that are all there */

    c = make(0, NULL, (const int[]) { 0 }, 0, NULL);
    c.data[31] = 1;
    c.data = realloc(c.data, c.len + 8);
    memset(c.data + c.len, 0, 8);
    c.len += 8;
    is_int(read_list(&c, 0, 3000, &l), -1, "a clock of leap seconds");
    c.data[31] = 0;
    is_int(read_list(&c, 0, 3000, &l), 1, "or not");
    free(c.data);

    /* as many as there may be, and one more */

    for (i = 0; i < 200; i++) {
        times[i] = 1000 * (i + 1);
        offsets[i] = i % 2;
    }

    offsets[200] = 0;

    c = make('2', times, offsets, 200, "");
    is_int(read_list(&c, 0, 1000 * GENAI_TIMEZONE_CHANGES, &l),
           GENAI_TIMEZONE_CHANGES, "a full list");
    is_int(read_list(&c, 0, 1000 * GENAI_TIMEZONE_CHANGES + 1, &l), -1,
           "one too many");
    is_int(read_list(&c, 72500, 300000, &l), -1, "again");
    is_int(read_list(&c, 73000, 300000, &l), GENAI_TIMEZONE_CHANGES,
           "the last ones");
    free(c.data);

    is_int(genai_timezone_read(NULL, 0, 0, 1, l.changes), -1, "no content");
}


static void
is_day(const list_t *l, int year, int month, int mday, int64_t start,
    int hours, const char *name)
{
    int32_t  day;

    day = genai_timezone_days(year, month, mday);

    is_int(genai_timezone_day_start(l->changes, l->n, day), start,
           "%s: %d-%02d-%02d begins", name, year, month, mday);
    is_int((genai_timezone_day_start(l->changes, l->n, day + 1) - start)
           / 3600, hours, "and has %d hours", hours);
    is_int(genai_timezone_day(l->changes, l->n, start), hours ? day : day + 1,
           "it is its day");
}


static int
load_list(const char *name, int year, list_t *l)
{
    content_t  c;

    if (load(name, &c) != 0) {
        skip(1, "no %s", name);
        return 0;
    }

    (void) read_list(&c, utc(year, 1, 1, 0), utc(year + 2, 1, 1, 0), l);
    free(c.data);

    return ok(l->n > 0, "%s of %d", name, year);
}


/* days that are of another length; of moments that are known */

static void
test_days(void)
{
    list_t  l;

    if (load_list("Europe/Berlin", 2024, &l)) {
        is_day(&l, 2024, 3, 30, utc(2024, 3, 29, 23 * 3600), 24, "Berlin");
        is_day(&l, 2024, 3, 31, utc(2024, 3, 30, 23 * 3600), 23, "Berlin");
        is_day(&l, 2024, 10, 27, utc(2024, 10, 26, 22 * 3600), 25, "Berlin");
    }

    if (load_list("Australia/Lord_Howe", 2024, &l)) {
        is_day(&l, 2024, 10, 6, utc(2024, 10, 5, 48600), 23, "Lord Howe");
        is_int(genai_timezone_day_start(l.changes, l.n,
                                        genai_timezone_days(2024, 10, 7))
               - utc(2024, 10, 5, 48600), 84600, "and a half");
    }

    /* midnight was not there: 23:59:59 and 01:00:00 */

    if (load_list("America/Sao_Paulo", 2018, &l)) {
        is_day(&l, 2018, 11, 4, utc(2018, 11, 4, 3 * 3600), 23, "Sao Paulo");
        is_day(&l, 2018, 2, 17, utc(2018, 2, 17, 2 * 3600), 25, "Sao Paulo");
    }

    if (load_list("Asia/Gaza", 2023, &l)) {
        is_day(&l, 2023, 4, 29, utc(2023, 4, 28, 22 * 3600), 23, "Gaza");
    }

    /* a day that was not there */

    if (load_list("Pacific/Apia", 2011, &l)) {
        is_day(&l, 2011, 12, 29, utc(2011, 12, 29, 10 * 3600), 24, "Apia");
        is_day(&l, 2011, 12, 30, utc(2011, 12, 30, 10 * 3600), 0, "Apia");
        is_day(&l, 2011, 12, 31, utc(2011, 12, 30, 10 * 3600), 24, "Apia");
    }

    /* 00:01 became 23:01 of the day before, which had ended */

    if (load_list("America/St_Johns", 2010, &l)) {
        is_day(&l, 2010, 11, 7, utc(2010, 11, 7, 9000), 25, "St. John's");
        is_int(genai_timezone_day(l.changes, l.n, utc(2010, 11, 7, 9060)),
               genai_timezone_days(2010, 11, 7), "it goes on");
        is_int(genai_timezone_offset(l.changes, l.n, utc(2010, 11, 7, 9060)),
               -12600, "with the clock back");
    }

    /* UTC, without a list */

    l.n = 0;
    is_day(&l, 2024, 2, 29, utc(2024, 2, 29, 0), 24, "UTC");
    is_int(genai_timezone_day(NULL, 0, -1), -1, "the day before the epoch");
    is_int(genai_timezone_offset(NULL, 0, 5), 0, "no offset");
}


static void
test_dates(void)
{
    int      year, month, mday, y, m, d, last;
    int32_t  day;

    static const int  days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
                                 31 };

    is_int(genai_timezone_days(1970, 1, 1), 0, "the epoch");
    is_int(genai_timezone_days(2000, 2, 29), 11016, "a leap day");
    is_int(genai_timezone_days(1, 1, 1) * (int64_t) DAY, GENAI_TIMEZONE_MIN,
           "the first year");
    is_int(genai_timezone_days(10000, 1, 1) * (int64_t) DAY,
           GENAI_TIMEZONE_MAX, "behind the last year");

    day = genai_timezone_days(-800, 1, 1);

    for (year = -800; year < 2800; year++) {
        for (month = 1; month <= 12; month++) {

            last = days[month - 1];

            if (month == 2 && year % 4 == 0
                && (year % 100 != 0 || year % 400 == 0))
            {
                last++;
            }

            for (mday = 1; mday <= last; mday++, day++) {
                genai_timezone_date(day, &y, &m, &d);

                quiet_ok(y == year && m == month && d == mday
                         && genai_timezone_days(y, m, d) == day,
                         "%d-%d-%d: %d-%d-%d", year, month, mday, y, m, d);
            }
        }
    }

    is_int(genai_timezone_days(2023, 13, 1), genai_timezone_days(2024, 1, 1),
           "month 13");
    is_int(genai_timezone_days(2023, 0, 1), genai_timezone_days(2022, 12, 1),
           "month 0");
    is_int(genai_timezone_days(2023, -11, 1), genai_timezone_days(2022, 1, 1),
           "month -11");
    is_int(genai_timezone_days(2024, 3, 0), genai_timezone_days(2024, 2, 29),
           "day 0");

    is_int(genai_timezone_days(INT32_MAX, 12, 31), INT32_MAX, "no such year");
    is_int(genai_timezone_days(INT32_MIN, INT32_MIN, INT32_MIN), INT32_MIN,
           "nor this");

    for (day = INT32_MIN, m = 0; m < 2; m++, day = INT32_MAX) {
        genai_timezone_date(day, &year, &month, &mday);
        is_int(genai_timezone_days(year, month, mday), day, "year %d", year);
    }
}


/* times and lists that nobody has: no sanitizer may say anything */

static void
test_extremes(void)
{
    unsigned                 i, k;
    genai_timezone_change_t  changes[3];

    static const int64_t  times[] = {
        INT64_MIN, INT64_MIN + 1, -1, 0, INT64_MAX - 1, INT64_MAX
    };

    changes[0].from = INT64_MAX;
    changes[0].offset = INT32_MAX;
    changes[1].from = INT64_MIN;
    changes[1].offset = INT32_MIN;
    changes[2].from = 0;
    changes[2].offset = INT32_MAX;

    for (i = 0; i < 6; i++) {
        for (k = 0; k <= 3; k++) {
            (void) genai_timezone_offset(changes, k, times[i]);
            (void) genai_timezone_day(changes, k, times[i]);
            (void) genai_timezone_day_start(changes, k, (int32_t) times[i]);
        }
    }

    (void) genai_timezone_day_start(changes, 3, INT32_MAX);
    (void) genai_timezone_day_start(changes, 3, INT32_MIN);

    pass("they are survived");

    ok(genai_timezone_day(NULL, 0, INT64_MAX) > 2000000000
       && genai_timezone_day(NULL, 0, INT64_MIN) < -2000000000,
       "far days are far");
}


static void
test_names(void)
{
    size_t       i;
    char         name[130];
    genai_str_t  s;

    static const char  *const  good[] = {
        "UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires",
        "America/Port-au-Prince", "Etc/GMT+12", "Etc/GMT-14", "GMT0",
        "posix/Asia/Gaza", "a.b"
    };

    static const char  *const  bad[] = {
        "", "/", "/etc/passwd", "../etc/passwd", "Europe/../../etc/passwd",
        "Europe/..", "..", ".", "./UTC", "Europe/./Berlin", "Europe//Berlin",
        "Europe/", ".hidden", "Europe/.hidden", "-x", "Europe/-x",
        "Europe\\Berlin", "Europe Berlin", "Europe/Berlin\n", "a:b", "a%b",
        "Z\xc3\xbcrich", "a\x7f"
    };

    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        s.data = (unsigned char *) good[i];
        s.len = strlen(good[i]);
        is_int(genai_timezone_name_valid(&s), 1, "a name: %s", good[i]);
    }

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        s.data = (unsigned char *) bad[i];
        s.len = strlen(bad[i]);
        is_int(genai_timezone_name_valid(&s), 0, "no name: %s", bad[i]);
    }

    s.data = (unsigned char *) "UTC\0x";
    s.len = 5;
    is_int(genai_timezone_name_valid(&s), 0, "a zero byte");

    memset(name, 'a', sizeof(name));
    s.data = (unsigned char *) name;
    s.len = 128;
    is_int(genai_timezone_name_valid(&s), 1, "a long name");
    s.len = 129;
    is_int(genai_timezone_name_valid(&s), 0, "one that is too long");
}


int
main(void)
{
    test_dates();
    test_names();
    test_versions();
    test_broken();
    test_rules();
    test_days();
    test_extremes();
    test_zones();
    test_all();

    return done_testing();
}
