/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "genai_timezone.h"


#define GENAI_TIMEZONE_DAY        86400

/* offsets are within these, in seconds (RFC 9636, section 3.2) */
#define GENAI_TIMEZONE_EAST       93599
#define GENAI_TIMEZONE_WEST       (-89999)

/* hours of an offset and of a time of a rule */
#define GENAI_TIMEZONE_HOURS      24
#define GENAI_TIMEZONE_RULE_HOURS 167

/* changes of a rule that are looked at, those to the same offset, too */
#define GENAI_TIMEZONE_STEPS      (4 * GENAI_TIMEZONE_CHANGES)

#define GENAI_TIMEZONE_HEADER     44
#define GENAI_TIMEZONE_TYPE       6

/* from 0000-03-01 to 1970-01-01, and what 400 years have */
#define GENAI_TIMEZONE_EPOCH      719468
#define GENAI_TIMEZONE_ERA        146097

#define GENAI_TIMEZONE_NAME_MAX   128


typedef struct {
    const unsigned char  *pos;
    const unsigned char  *end;
} genai_timezone_reader_t;


/* a block of a file: its header, and where its arrays are */

typedef struct {
    unsigned              wide;         /* bytes of a time: 4 or 8 */
    unsigned char         version;
    uint32_t              n;
    uint32_t              types;
    uint32_t              leaps;
    const unsigned char  *times;
    const unsigned char  *indexes;
    const unsigned char  *type;
} genai_timezone_block_t;


typedef struct {
    char                  kind;         /* 'J', 'M', or 0: days from 0 */
    int                   month;
    int                   week;
    int                   day;
    int32_t               time;         /* seconds from midnight */
} genai_timezone_rule_t;


/* the footer */

typedef struct {
    int32_t                offset[2];   /* standard, and summer time */
    unsigned               summer;      /* there is one */
    genai_timezone_rule_t  rule[2];     /* its end, its beginning */
} genai_timezone_posix_t;


typedef struct {
    genai_timezone_change_t  *changes;
    int                       n;
} genai_timezone_list_t;


static int genai_timezone_block(genai_timezone_reader_t *r,
    genai_timezone_block_t *b, unsigned wide);
static int genai_timezone_check(const genai_timezone_block_t *b);
static int64_t genai_timezone_int(const unsigned char *p, unsigned n);
static int32_t genai_timezone_type_offset(const genai_timezone_block_t *b,
    uint32_t type);
static int genai_timezone_footer(genai_timezone_reader_t *r,
    genai_timezone_posix_t *posix);
static int genai_timezone_posix(genai_timezone_reader_t *r,
    genai_timezone_posix_t *posix);
static int genai_timezone_word(genai_timezone_reader_t *r);
static int genai_timezone_hours(genai_timezone_reader_t *r, int max,
    int32_t *seconds);
static int genai_timezone_rule(genai_timezone_reader_t *r,
    genai_timezone_rule_t *rule);
static int genai_timezone_number(genai_timezone_reader_t *r, int min, int max,
    int *value);
static int genai_timezone_byte(genai_timezone_reader_t *r, char c);
static int genai_timezone_put(genai_timezone_list_t *list, int64_t from,
    int32_t offset);
static int genai_timezone_put_posix(genai_timezone_list_t *list,
    const genai_timezone_posix_t *posix, int64_t from, int64_t to);
static int64_t genai_timezone_event(const genai_timezone_posix_t *posix,
    int year, unsigned summer);
static int64_t genai_timezone_floor(int64_t a, int64_t b);
static int64_t genai_timezone_clamp(int64_t time);
static unsigned genai_timezone_find(const genai_timezone_change_t *changes,
    unsigned n, int64_t time);


int
genai_timezone_read(const void *data, size_t len, int64_t from, int64_t to,
    genai_timezone_change_t changes[GENAI_TIMEZONE_CHANGES])
{
    int                      footer;
    int64_t                  time;
    int32_t                  offset;
    uint32_t                 i;
    genai_timezone_list_t    list;
    genai_timezone_block_t   b;
    genai_timezone_posix_t   posix;
    genai_timezone_reader_t  r;

    if (from < GENAI_TIMEZONE_MIN || to > GENAI_TIMEZONE_MAX || from > to) {
        return -1;
    }

    r.pos = data;
    r.end = r.pos + len;

    footer = 0;

    if (genai_timezone_block(&r, &b, 4) != 0) {
        return -1;
    }

    if (b.version) {
        if (genai_timezone_block(&r, &b, 8) != 0 || !b.version) {
            return -1;
        }

        footer = genai_timezone_footer(&r, &posix);
    }

    /* a clock that counts leap seconds is not the epoch's */

    if (footer < 0 || b.leaps || genai_timezone_check(&b) != 0) {
        return -1;
    }

    list.changes = changes;
    list.n = 0;

    offset = genai_timezone_type_offset(&b, 0);

    for (i = 0; i < b.n; i++) {
        time = genai_timezone_int(b.times + (size_t) i * b.wide, b.wide);

        if (time > from && time >= to) {
            break;
        }

        if (time > from && genai_timezone_put(&list, from, offset) != 0) {
            return -1;
        }

        offset = genai_timezone_type_offset(&b, b.indexes[i]);

        if (time > from && genai_timezone_put(&list, time, offset) != 0) {
            return -1;
        }
    }

    /* the footer holds behind the last one, and where there is none */

    if (i == b.n && footer) {
        time = from;

        if (b.n) {
            time = genai_timezone_int(b.times + (size_t) (i - 1) * b.wide,
                                      b.wide);
            if (time < from) {
                time = from;
            }
        }

        if (genai_timezone_put_posix(&list, &posix, time, to) != 0) {
            return -1;
        }

    } else if (list.n == 0 && genai_timezone_put(&list, from, offset) != 0) {
        return -1;
    }

    return list.n;
}


/* reads a header, steps over its block */

static int
genai_timezone_block(genai_timezone_reader_t *r, genai_timezone_block_t *b,
    unsigned wide)
{
    uint32_t              n[6];
    uint64_t              size;
    unsigned              i;
    const unsigned char  *p;

    enum { ut = 0, std, leap, time, type, text };

    p = r->pos;

    if (r->end - p < GENAI_TIMEZONE_HEADER || memcmp(p, "TZif", 4) != 0) {
        return -1;
    }

    /* later versions only add to what there is in front of the footer */

    b->version = p[4];

    if (b->version && (b->version < '2' || b->version > '9')) {
        return -1;
    }

    for (i = 0; i < 6; i++) {
        n[i] = (uint32_t) genai_timezone_int(p + 20 + 4 * i, 4);
    }

    p += GENAI_TIMEZONE_HEADER;

    size = (uint64_t) n[time] * (wide + 1)
           + (uint64_t) n[type] * GENAI_TIMEZONE_TYPE
           + n[text]
           + (uint64_t) n[leap] * (wide + 4)
           + n[std]
           + n[ut];

    if (size > (uint64_t) (r->end - p)) {
        return -1;
    }

    b->wide = wide;
    b->n = n[time];
    b->types = n[type];
    b->leaps = n[leap];

    b->times = p;
    b->indexes = b->times + (size_t) b->n * wide;
    b->type = b->indexes + b->n;

    r->pos = p + size;

    return 0;
}


static int
genai_timezone_check(const genai_timezone_block_t *b)
{
    int64_t   time, last;
    uint32_t  i;

    if (b->types == 0 || b->types > 256) {
        return -1;
    }

    for (i = 0; i < b->types; i++) {
        time = genai_timezone_type_offset(b, i);

        if (time < GENAI_TIMEZONE_WEST || time > GENAI_TIMEZONE_EAST) {
            return -1;
        }
    }

    last = 0;

    for (i = 0; i < b->n; i++) {
        time = genai_timezone_int(b->times + (size_t) i * b->wide, b->wide);

        if ((i && time <= last) || b->indexes[i] >= b->types) {
            return -1;
        }

        last = time;
    }

    return 0;
}


/* a signed number of 4 or 8 bytes, the highest first */

static int64_t
genai_timezone_int(const unsigned char *p, unsigned n)
{
    uint64_t  value;

    value = (*p & 0x80) ? UINT64_MAX : 0;

    while (n--) {
        value = (value << 8) | *p++;
    }

    return (int64_t) value;
}


static int32_t
genai_timezone_type_offset(const genai_timezone_block_t *b, uint32_t type)
{
    return (int32_t) genai_timezone_int(b->type
                                        + type * GENAI_TIMEZONE_TYPE, 4);
}


/* returns 1, 0 when it is empty, -1 when it is broken */

static int
genai_timezone_footer(genai_timezone_reader_t *r,
    genai_timezone_posix_t *posix)
{
    const unsigned char      *p;
    genai_timezone_reader_t   line;

    if (!genai_timezone_byte(r, '\n')) {
        return -1;
    }

    p = (r->pos < r->end) ? memchr(r->pos, '\n', r->end - r->pos) : NULL;

    if (p == NULL) {
        return -1;
    }

    if (p == r->pos) {
        return 0;
    }

    line.pos = r->pos;
    line.end = p;

    return genai_timezone_posix(&line, posix) == 0 ? 1 : -1;
}


/* STD OFFSET [DST [OFFSET] , START [/TIME] , END [/TIME]] */

static int
genai_timezone_posix(genai_timezone_reader_t *r, genai_timezone_posix_t *posix)
{
    int32_t  west;

    memset(posix, 0, sizeof(genai_timezone_posix_t));

    if (genai_timezone_word(r) != 0
        || genai_timezone_hours(r, GENAI_TIMEZONE_HOURS, &west) != 0)
    {
        return -1;
    }

    posix->offset[0] = -west;

    if (r->pos == r->end) {
        return 0;
    }

    posix->summer = 1;
    posix->offset[1] = posix->offset[0] + 3600;

    if (genai_timezone_word(r) != 0 || r->pos == r->end) {
        return -1;
    }

    if (*r->pos != ',') {
        if (genai_timezone_hours(r, GENAI_TIMEZONE_HOURS, &west) != 0) {
            return -1;
        }

        posix->offset[1] = -west;
    }

    if (!genai_timezone_byte(r, ',')
        || genai_timezone_rule(r, &posix->rule[1]) != 0
        || !genai_timezone_byte(r, ',')
        || genai_timezone_rule(r, &posix->rule[0]) != 0
        || r->pos != r->end)
    {
        return -1;
    }

    return 0;
}


/* a designation: letters, or letters, digits and signs in <> */

static int
genai_timezone_word(genai_timezone_reader_t *r)
{
    int            quoted;
    size_t         n;
    unsigned char  c;

    quoted = genai_timezone_byte(r, '<');

    for (n = 0; r->pos < r->end; n++, r->pos++) {
        c = *r->pos | 0x20;

        if (c >= 'a' && c <= 'z') {
            continue;
        }

        c = *r->pos;

        if (!quoted || ((c < '0' || c > '9') && c != '+' && c != '-')) {
            break;
        }
    }

    if (n < 3 || (quoted && !genai_timezone_byte(r, '>'))) {
        return -1;
    }

    return 0;
}


/* [+-]HOURS[:MINUTES[:SECONDS]] */

static int
genai_timezone_hours(genai_timezone_reader_t *r, int max, int32_t *seconds)
{
    int  minus, hours, minutes, rest;

    minus = genai_timezone_byte(r, '-');

    if (!minus) {
        (void) genai_timezone_byte(r, '+');
    }

    minutes = 0;
    rest = 0;

    if (genai_timezone_number(r, 0, max, &hours) != 0) {
        return -1;
    }

    if (genai_timezone_byte(r, ':')) {

        if (genai_timezone_number(r, 0, 59, &minutes) != 0) {
            return -1;
        }

        if (genai_timezone_byte(r, ':')
            && genai_timezone_number(r, 0, 59, &rest) != 0)
        {
            return -1;
        }
    }

    *seconds = hours * 3600 + minutes * 60 + rest;

    if (minus) {
        *seconds = -*seconds;
    }

    return 0;
}


/* Jn, n or Mm.w.d, and the time, which is 02:00 where it is not told */

static int
genai_timezone_rule(genai_timezone_reader_t *r, genai_timezone_rule_t *rule)
{
    int  rc;

    if (genai_timezone_byte(r, 'M')) {
        rule->kind = 'M';

        rc = genai_timezone_number(r, 1, 12, &rule->month) == 0
             && genai_timezone_byte(r, '.')
             && genai_timezone_number(r, 1, 5, &rule->week) == 0
             && genai_timezone_byte(r, '.')
             && genai_timezone_number(r, 0, 6, &rule->day) == 0;

    } else if (genai_timezone_byte(r, 'J')) {
        rule->kind = 'J';
        rc = genai_timezone_number(r, 1, 365, &rule->day) == 0;

    } else {
        rule->kind = 0;
        rc = genai_timezone_number(r, 0, 365, &rule->day) == 0;
    }

    if (!rc) {
        return -1;
    }

    rule->time = 2 * 3600;

    if (genai_timezone_byte(r, '/')) {
        return genai_timezone_hours(r, GENAI_TIMEZONE_RULE_HOURS, &rule->time);
    }

    return 0;
}


static int
genai_timezone_number(genai_timezone_reader_t *r, int min, int max, int *value)
{
    int  n;

    if (r->pos == r->end || *r->pos < '0' || *r->pos > '9') {
        return -1;
    }

    for (n = 0; r->pos < r->end && *r->pos >= '0' && *r->pos <= '9'; r->pos++) {
        n = 10 * n + (*r->pos - '0');

        if (n > max) {
            return -1;
        }
    }

    *value = n;

    return (n >= min) ? 0 : -1;
}


static int
genai_timezone_byte(genai_timezone_reader_t *r, char c)
{
    if (r->pos == r->end || *r->pos != (unsigned char) c) {
        return 0;
    }

    r->pos++;

    return 1;
}


/* what changes nothing is left out; of two at one time the second holds */

static int
genai_timezone_put(genai_timezone_list_t *list, int64_t from, int32_t offset)
{
    genai_timezone_change_t  *change;

    if (list->n && list->changes[list->n - 1].from == from) {
        list->n--;
    }

    if (list->n && list->changes[list->n - 1].offset == offset) {
        return 0;
    }

    if (list->n == GENAI_TIMEZONE_CHANGES) {
        return -1;
    }

    change = &list->changes[list->n++];

    change->from = from;
    change->offset = offset;
    change->unused = 0;

    return 0;
}


/*
 * What the rule says of [from, to).  A year's summer begins in it and ends in
 * it or in the next; both can be some days off, hence the years around it.
 * Where one summer ends as the next begins or later there is no winter (RFC
 * 9636, section 3.3.2).
 */

static int
genai_timezone_put_posix(genai_timezone_list_t *list,
    const genai_timezone_posix_t *posix, int64_t from, int64_t to)
{
    int       y, year, month, mday;
    int64_t   time, next, start, end;
    unsigned  summer, step;

    time = from;

    if (!posix->summer) {
        return genai_timezone_put(list, time, posix->offset[0]);
    }

    for (step = 0; step < GENAI_TIMEZONE_STEPS; step++) {

        genai_timezone_date(genai_timezone_floor(time, GENAI_TIMEZONE_DAY),
                            &year, &month, &mday);

        summer = 0;
        next = INT64_MAX;

        for (y = year - 2; y <= year + 2; y++) {
            start = genai_timezone_event(posix, y, 1);
            end = genai_timezone_event(posix, y, 0);

            if (end <= start) {
                end = genai_timezone_event(posix, y + 1, 0);
            }

            if (start <= time && time < end) {
                summer = 1;
            }

            if (start > time && start < next) {
                next = start;
            }

            if (end > time && end < next) {
                next = end;
            }
        }

        if (genai_timezone_put(list, time, posix->offset[summer]) != 0) {
            return -1;
        }

        if (next >= to) {
            return 0;
        }

        time = next;
    }

    return -1;
}


/* when a year's summer time begins, or ends */

static int64_t
genai_timezone_event(const genai_timezone_posix_t *posix, int year,
    unsigned summer)
{
    int                           leap;
    int32_t                       day, first, end;
    const genai_timezone_rule_t  *rule;

    rule = &posix->rule[summer];

    if (rule->kind == 'M') {

        /* 1970-01-01 was a Thursday, which is 4 */

        first = genai_timezone_days(year, rule->month, 1);
        end = genai_timezone_days(year, rule->month + 1, 1);

        day = first + (rule->day - (int) ((first % 7 + 11) % 7) + 7) % 7
              + 7 * (rule->week - 1);

        if (day >= end) {
            day -= 7;
        }

    } else {
        first = genai_timezone_days(year, 1, 1);
        leap = genai_timezone_days(year + 1, 1, 1) - first == 366;

        day = first + rule->day;

        /* J60 is March 1 in every year */

        if (rule->kind == 'J' && !(leap && rule->day >= 60)) {
            day--;
        }
    }

    return (int64_t) day * GENAI_TIMEZONE_DAY + rule->time
           - posix->offset[!summer];
}


int
genai_timezone_name_valid(const genai_str_t *name)
{
    size_t         i;
    unsigned char  c, last;

    if (name->len == 0 || name->len > GENAI_TIMEZONE_NAME_MAX) {
        return 0;
    }

    last = '/';

    for (i = 0; i < name->len; i++) {
        c = name->data[i];

        if (last == '/' && (c == '/' || c == '.' || c == '-')) {
            return 0;
        }

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
              || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '+'
              || c == '.' || c == '/'))
        {
            return 0;
        }

        last = c;
    }

    return last != '/';
}


int32_t
genai_timezone_offset(const genai_timezone_change_t *changes, unsigned n,
    int64_t time)
{
    if (n == 0) {
        return 0;
    }

    return changes[genai_timezone_find(changes, n, time)].offset;
}


int32_t
genai_timezone_day(const genai_timezone_change_t *changes, unsigned n,
    int64_t time)
{
    int64_t   day, from, before;
    unsigned  i;

    time = genai_timezone_clamp(time);

    if (n == 0) {
        return genai_timezone_floor(time, GENAI_TIMEZONE_DAY);
    }

    i = genai_timezone_find(changes, n, time);

    day = genai_timezone_floor(time + changes[i].offset, GENAI_TIMEZONE_DAY);

    /* clocks may have been put back over midnight since it showed more */

    for ( ; i; i--) {
        from = genai_timezone_clamp(changes[i].from);

        if (time - from >= GENAI_TIMEZONE_EAST - GENAI_TIMEZONE_WEST) {
            break;
        }

        before = genai_timezone_floor(from - 1 + changes[i - 1].offset,
                                      GENAI_TIMEZONE_DAY);
        if (before > day) {
            day = before;
        }
    }

    return day;
}


int64_t
genai_timezone_day_start(const genai_timezone_change_t *changes, unsigned n,
    int32_t day)
{
    int64_t   midnight, time;
    unsigned  i;

    midnight = (int64_t) day * GENAI_TIMEZONE_DAY;

    if (n == 0) {
        return midnight;
    }

    /* the first moment at which a clock shows midnight or more */

    i = genai_timezone_find(changes, n, midnight - GENAI_TIMEZONE_EAST);

    for ( ;; ) {
        time = midnight - changes[i].offset;

        if (i && time < changes[i].from) {
            time = changes[i].from;
        }

        if (i + 1 == n || time < changes[i + 1].from) {
            return time;
        }

        i++;
    }
}


/*
 * Years begin in March here, so that the day that is not always there is the
 * last one; then the months' lengths follow 153 days in five months.
 */

void
genai_timezone_date(int32_t day, int *year, int *month, int *mday)
{
    int64_t  n, era, y;

    n = (int64_t) day + GENAI_TIMEZONE_EPOCH;

    era = genai_timezone_floor(n, GENAI_TIMEZONE_ERA);
    n -= era * GENAI_TIMEZONE_ERA;

    /* without the leap days of 4, 100 and 400 years before it */

    y = (n - n / 1460 + n / 36524 - n / (GENAI_TIMEZONE_ERA - 1)) / 365;
    n -= 365 * y + y / 4 - y / 100;

    *month = (5 * n + 2) / 153;
    *mday = n - (153 * *month + 2) / 5 + 1;

    *year = era * 400 + y;

    *month += 3;

    if (*month > 12) {
        *month -= 12;
        *year += 1;
    }
}


int32_t
genai_timezone_days(int year, int month, int mday)
{
    int64_t  m, y, era, days;

    m = (int64_t) month - 3;
    y = year + genai_timezone_floor(m, 12);
    m -= genai_timezone_floor(m, 12) * 12;

    era = genai_timezone_floor(y, 400);
    y -= era * 400;

    days = era * GENAI_TIMEZONE_ERA + 365 * y + y / 4 - y / 100
           + (153 * m + 2) / 5 + mday - 1 - GENAI_TIMEZONE_EPOCH;

    if (days > INT32_MAX) {
        return INT32_MAX;
    }

    if (days < INT32_MIN) {
        return INT32_MIN;
    }

    return days;
}


/* b > 0 */

static int64_t
genai_timezone_floor(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}


/* to what has a day in 32 bits in every zone */

static int64_t
genai_timezone_clamp(int64_t time)
{
    static const int64_t  bound = ((int64_t) INT32_MAX - 30000)
                                  * GENAI_TIMEZONE_DAY;

    return (time > bound) ? bound : (time < -bound) ? -bound : time;
}


/* the last change that is not behind the time, or the first one */

static unsigned
genai_timezone_find(const genai_timezone_change_t *changes, unsigned n,
    int64_t time)
{
    unsigned  low, high, middle;

    low = 0;
    high = n;

    while (high - low > 1) {
        middle = low + (high - low) / 2;

        if (changes[middle].from <= time) {
            low = middle;

        } else {
            high = middle;
        }
    }

    return low;
}
