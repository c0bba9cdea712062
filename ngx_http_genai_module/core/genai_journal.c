/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Writing records of the journal.
 */


#include "genai_journal_int.h"
#include "genai_siphash.h"


/* words of marks in the head of an extent */
#define GENAI_JOURNAL_WORDS  GENAI_BOOKS_DIRTY


typedef struct {
    unsigned char   magic[8];
    uint32_t        version;
    uint32_t        order;
    uint64_t        number;
    int64_t         made;
    uint64_t        seed[2];
    uint64_t        books[2];
    uint64_t        unused;
    uint64_t        check;
} genai_journal_raw_t;

typedef char  genai_journal_assert_head[
                  sizeof(genai_journal_raw_t) == GENAI_JOURNAL_HEAD ? 1 : -1];
typedef char  genai_journal_assert_record[
                  sizeof(genai_record_row_t)
                  + GENAI_NAMES * GENAI_BOOKS_TEXT_MAX + 8
                  <= GENAI_JOURNAL_RECORD ? 1 : -1];


static uint64_t genai_journal_raw_check(const genai_journal_raw_t *raw);
static uint64_t genai_journal_check(const genai_journal_head_t *head,
    const genai_record_t *record, uint64_t offset);
static uint64_t *genai_journal_marks(const genai_books_t *b,
    const genai_journal_walk_t *walk, unsigned *kind);
static uint64_t genai_journal_in_use(const genai_books_t *b, unsigned kind,
    uint64_t extent, unsigned word);
static size_t genai_journal_slot(const genai_books_t *b,
    const genai_journal_walk_t *walk, unsigned kind, unsigned unit,
    unsigned char *buf);
static size_t genai_journal_row(const genai_books_t *b,
    const genai_journal_walk_t *walk, genai_books_row_t *row,
    unsigned char *buf);
static size_t genai_journal_counter(const genai_books_t *b,
    const genai_journal_walk_t *walk, genai_books_counter_t *counter,
    unsigned char *buf);
static size_t genai_journal_free(uint64_t slot, unsigned char *buf);
static size_t genai_journal_texts(unsigned char *buf, size_t at,
    const genai_str_t *texts, uint8_t *len, unsigned n);
static int genai_journal_record_valid(const genai_journal_iter_t *it,
    const genai_record_t *record);


void
genai_journal_of(const genai_books_t *b, genai_journal_head_t *head)
{
    head->books[0] = b->head->seed[0];
    head->books[1] = b->head->seed[1];
}


void
genai_journal_head(unsigned char *p, const genai_journal_head_t *head)
{
    genai_journal_raw_t  raw;

    memset(&raw, 0, sizeof(raw));
    memcpy(raw.magic, GENAI_JOURNAL_MAGIC, sizeof(raw.magic));

    raw.version = GENAI_JOURNAL_VERSION;
    raw.order = GENAI_BOOKS_ORDER;
    raw.number = head->number;
    raw.made = head->made;
    raw.seed[0] = head->seed[0];
    raw.seed[1] = head->seed[1];
    raw.books[0] = head->books[0];
    raw.books[1] = head->books[1];
    raw.check = genai_journal_raw_check(&raw);

    memcpy(p, &raw, sizeof(raw));
}


int
genai_journal_head_read(const unsigned char *p, uint64_t size,
    genai_journal_head_t *head)
{
    genai_journal_raw_t  raw;

    if (size < sizeof(raw)) {
        return -1;
    }

    memcpy(&raw, p, sizeof(raw));

    if (memcmp(raw.magic, GENAI_JOURNAL_MAGIC, sizeof(raw.magic)) != 0
        || raw.version != GENAI_JOURNAL_VERSION
        || raw.order != GENAI_BOOKS_ORDER
        || raw.check != genai_journal_raw_check(&raw))
    {
        return -1;
    }

    head->number = raw.number;
    head->made = raw.made;
    head->seed[0] = raw.seed[0];
    head->seed[1] = raw.seed[1];
    head->books[0] = raw.books[0];
    head->books[1] = raw.books[1];

    return 0;
}


static uint64_t
genai_journal_raw_check(const genai_journal_raw_t *raw)
{
    genai_siphash_t  hash;

    genai_siphash_begin(&hash, raw->seed);
    genai_siphash_bytes(&hash, raw, offsetof(genai_journal_raw_t, check));

    return genai_siphash_end(&hash);
}


static uint64_t
genai_journal_check(const genai_journal_head_t *head,
    const genai_record_t *record, uint64_t offset)
{
    genai_siphash_t  hash;

    genai_siphash_begin(&hash, head->seed);
    genai_siphash_word(&hash, head->number);
    genai_siphash_word(&hash, offset);
    genai_siphash_bytes(&hash, record, offsetof(genai_record_t, check));
    genai_siphash_bytes(&hash, &record->slot,
                        record->len - offsetof(genai_record_t, slot));

    return genai_siphash_end(&hash);
}


void
genai_journal_seal(const genai_journal_head_t *head, unsigned char *buf,
    size_t len, uint64_t offset)
{
    size_t           at;
    genai_record_t  *record;

    for (at = 0; at < len; at += record->len) {
        record = (genai_record_t *) (void *) (buf + at);
        record->check = genai_journal_check(head, record, offset + at);
    }
}


size_t
genai_journal_say(unsigned char *buf, genai_journal_said_e what, int64_t now,
    uint64_t synced, uint64_t policy_last)
{
    genai_record_said_t *said = (genai_record_said_t *) (void *) buf;

    memset(said, 0, sizeof(genai_record_said_t));

    said->record.len = sizeof(genai_record_said_t);
    said->record.kind = what;
    said->now = now;
    said->synced = synced;
    said->policy_last = policy_last;

    return sizeof(genai_record_said_t);
}


uint64_t
genai_journal_current(const genai_books_t *b, uint64_t *len, uint64_t *whole)
{
    uint64_t  number;

    number = genai_books_get(&b->head->journal);
    *len = genai_books_get(&b->head->journal_len);
    *whole = genai_books_get(&b->head->journal_whole);

    return number;
}


void
genai_journal_current_set(const genai_books_t *b, uint64_t number,
    uint64_t len, uint64_t whole)
{
    genai_books_put(&b->head->journal, 0);
    genai_books_put(&b->head->journal_len, len);
    genai_books_put(&b->head->journal_whole, whole);
    genai_books_put(&b->head->journal, number);

    /* marks are cleared behind it only */

    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}


size_t
genai_journal_take(const genai_books_t *b, genai_journal_walk_t *walk,
    unsigned char *buf, size_t size)
{
    size_t     len;
    uint64_t   extents, *marks;
    unsigned   kind, unit;

    len = 0;

    if (!walk->last) {
        walk->last = 1;

        if (((!walk->all || walk->clear)
             && genai_books_get(&b->head->dirty)
             && genai_books_exchange(&b->head->dirty, 0))
            || walk->all)
        {
            len += genai_journal_row(b, walk, &b->head->last, buf);
        }
    }

    extents = genai_books_extents(b);

    while (walk->extent < extents) {

        marks = genai_journal_marks(b, walk, &kind);

        if (marks == NULL) {
            walk->extent++;
            walk->word = 0;
            walk->bits = 0;
            continue;
        }

        while (walk->bits) {

            if (size - len < GENAI_JOURNAL_RECORD) {
                return len;
            }

            unit = (unsigned) __builtin_ctzll(walk->bits);
            walk->bits &= walk->bits - 1;

            len += genai_journal_slot(b, walk, kind,
                                      (walk->word - 1) * 64 + unit, buf + len);
        }

        if (walk->word == GENAI_JOURNAL_WORDS) {
            walk->extent++;
            walk->word = 0;
            continue;
        }

        if ((!walk->all || walk->clear)
            && genai_books_get(&marks[walk->word]))
        {
            walk->bits = genai_books_exchange(&marks[walk->word], 0);
        }

        if (walk->all) {
            walk->bits = genai_journal_in_use(b, kind, walk->extent,
                                              walk->word);
        }

        walk->word++;
    }

    return len;
}


/* the marks of the extent that the walk is at, or NULL where it has none */

static uint64_t *
genai_journal_marks(const genai_books_t *b, const genai_journal_walk_t *walk,
    unsigned *kind)
{
    *kind = genai_books_entry_kind(
                        genai_books_get(&genai_books_directory(b)
                                        [walk->extent]));

    return (*kind == GENAI_EXTENT_ROWS || *kind == GENAI_EXTENT_COUNTERS)
           ? genai_books_extent(b, walk->extent)->dirty : NULL;
}


/* all slots that were ever given out, as if they were marked */

static uint64_t
genai_journal_in_use(const genai_books_t *b, unsigned kind, uint64_t extent,
    unsigned word)
{
    size_t     size;
    uint64_t   bits, n, fill, most;

    size = (kind == GENAI_EXTENT_ROWS) ? sizeof(genai_books_row_t)
                                       : sizeof(genai_books_counter_t);
    most = GENAI_BOOKS_EXTENT / size - 1;
    fill = genai_books_get(&genai_books_extent(b, extent)->fill);
    fill = fill < most ? fill : most;

    bits = 0;

    for (n = 1; n <= fill; n++) {
        if (n * size / GENAI_JOURNAL_UNIT / 64 == word) {
            bits |= (uint64_t) 1 << (n * size / GENAI_JOURNAL_UNIT % 64);
        }
    }

    return bits;
}


static size_t
genai_journal_slot(const genai_books_t *b, const genai_journal_walk_t *walk,
    unsigned kind, unsigned unit, unsigned char *buf)
{
    unsigned  n;

    if (kind == GENAI_EXTENT_ROWS) {
        return unit ? genai_journal_row(b, walk,
                          genai_books_extent_row(b, walk->extent, unit), buf)
                    : 0;
    }

    /* the one that begins there, if any */

    n = (unsigned) ((unit * GENAI_JOURNAL_UNIT
                     + sizeof(genai_books_counter_t) - 1)
                    / sizeof(genai_books_counter_t));

    if (n == 0 || n >= GENAI_BOOKS_COUNTERS
        || n * sizeof(genai_books_counter_t) / GENAI_JOURNAL_UNIT != unit)
    {
        return 0;
    }

    return genai_journal_counter(b, walk,
                         genai_books_extent_counter(b, walk->extent, n), buf);
}


static size_t
genai_journal_row(const genai_books_t *b, const genai_journal_walk_t *walk,
    genai_books_row_t *row, unsigned char *buf)
{
    int                  rc;
    size_t               len;
    genai_str_t          names[GENAI_NAMES];
    genai_account_t      account;
    genai_books_row_t    copy;
    genai_record_row_t  *r = (genai_record_row_t *) (void *) buf;

    static const genai_totals_t  none;

    __atomic_thread_fence(__ATOMIC_SEQ_CST);

    rc = genai_books_row_read(b, row, &copy);

    if ((!walk->all || walk->clear)
        && ((uint32_t) copy.lock || genai_books_get(&row->lock) != copy.lock))
    {
        /* it changes, maybe behind what was read */

        genai_books_dirty(b, genai_books_offset(b, row));
    }

    if (rc == 0) {
        return walk->all ? 0
               : genai_journal_free(genai_books_offset(b, row), buf);
    }

    /* behind what stood there before it says that this is another one */

    if (walk->all
        && memcmp(copy.totals, &none, sizeof(genai_totals_t)) == 0)
    {
        return 0;
    }

    (void) genai_books_names(b, copy.name, &account);

    names[GENAI_NAME_TEAM] = account.team;
    names[GENAI_NAME_USER] = account.user;
    names[GENAI_NAME_KEY] = account.key;
    names[GENAI_NAME_MODEL] = account.model;

    memset(r, 0, sizeof(genai_record_row_t));

    r->day = (int32_t) (copy.tag >> 32);
    memcpy(r->totals, copy.totals, sizeof(r->totals));

    len = genai_journal_texts(buf, sizeof(genai_record_row_t), names, r->len,
                              GENAI_NAMES);

    r->record.len = (uint32_t) len;
    r->record.kind = GENAI_RECORD_ROW;
    r->record.slot = genai_books_offset(b, row);

    return len;
}


static size_t
genai_journal_counter(const genai_books_t *b,
    const genai_journal_walk_t *walk, genai_books_counter_t *counter,
    unsigned char *buf)
{
    int                      rc;
    size_t                   len;
    uint64_t                 w;
    genai_str_t              texts[GENAI_RECORD_TEXTS];
    genai_books_counter_t    copy;
    genai_record_counter_t  *r = (genai_record_counter_t *) (void *) buf;

    __atomic_thread_fence(__ATOMIC_SEQ_CST);

    w = genai_books_get(&b->head->lock);

    rc = genai_books_counter_read(b, counter, &copy);

    /* one that is made is nobody's to lock: that on the structure is held */

    if ((!walk->all || walk->clear)
        && ((uint32_t) copy.lock
            || genai_books_get(&counter->lock) != copy.lock
            || (rc == 0 && ((uint32_t) w
                            || genai_books_get(&b->head->lock) != w))))
    {
        genai_books_dirty(b, genai_books_offset(b, counter));
    }

    if (rc == 0) {
        return walk->all ? 0
               : genai_journal_free(genai_books_offset(b, counter), buf);
    }

    (void) genai_books_text_str(b, (uint32_t) copy.name, &texts[0]);
    (void) genai_books_text_str(b, (uint32_t) (copy.name >> 32), &texts[1]);
    (void) genai_books_text_str(b, (uint32_t) copy.pattern, &texts[2]);

    memset(r, 0, sizeof(genai_record_counter_t));

    r->id[0] = copy.id[0];
    r->id[1] = copy.id[1];
    r->kind = copy.kind;
    r->index = copy.index;
    r->start = copy.start;
    r->end = copy.end;
    r->amount = copy.amount;
    r->settled = copy.settled;
    r->debt = copy.debt;
    r->over = copy.over;
    r->overrun = copy.overrun;
    r->charged = copy.charged;
    r->before = copy.before;
    r->before_index = copy.before_index;
    r->refused = copy.refused;
    r->weights[0] = copy.weights[0];
    r->weights[1] = copy.weights[1];

    len = genai_journal_texts(buf, sizeof(genai_record_counter_t), texts,
                              r->len, GENAI_RECORD_TEXTS);

    r->record.len = (uint32_t) len;
    r->record.kind = GENAI_RECORD_COUNTER;
    r->record.slot = genai_books_offset(b, counter);

    return len;
}


static size_t
genai_journal_free(uint64_t slot, unsigned char *buf)
{
    genai_record_t *r = (genai_record_t *) (void *) buf;

    memset(r, 0, sizeof(genai_record_t));

    r->len = sizeof(genai_record_t);
    r->kind = GENAI_RECORD_FREE;
    r->slot = slot;

    return sizeof(genai_record_t);
}


/* returns the length up to their end, which is filled up to a multiple of 8 */

static size_t
genai_journal_texts(unsigned char *buf, size_t at, const genai_str_t *texts,
    uint8_t *len, unsigned n)
{
    size_t    size;
    unsigned  i;

    for (i = 0; i < n; i++) {
        size = texts[i].len;
        size = size < GENAI_BOOKS_TEXT_MAX ? size : GENAI_BOOKS_TEXT_MAX;

        len[i] = (uint8_t) size;

        if (size) {
            memcpy(buf + at, texts[i].data, size);
            at += size;
        }
    }

    while (at % 8) {
        buf[at++] = '\0';
    }

    return at;
}


const genai_record_t *
genai_journal_next(genai_journal_iter_t *it)
{
    const genai_record_t  *record;

    it->gap = 0;

    while (it->size - it->at >= sizeof(genai_record_t)) {

        record = (const genai_record_t *) (const void *) (it->data + it->at);

        if (genai_journal_record_valid(it, record)) {
            it->at += record->len;
            return record;
        }

        it->at += 8;
        it->gap += 8;
    }

    it->gap += it->size - it->at;
    it->at = it->size;

    return NULL;
}


static int
genai_journal_record_valid(const genai_journal_iter_t *it,
    const genai_record_t *record)
{
    size_t                         want, texts;
    unsigned                       i, n;
    const uint8_t                 *len;
    const genai_record_row_t      *row;
    const genai_record_counter_t  *counter;

    if (record->len % 8 || record->len < sizeof(genai_record_t)
        || record->len > GENAI_JOURNAL_RECORD
        || record->len > it->size - it->at)
    {
        return 0;
    }

    len = NULL;
    n = 0;

    switch (record->kind) {

    case GENAI_RECORD_ROW:
        row = (const genai_record_row_t *) (const void *) record;
        want = sizeof(genai_record_row_t);
        len = row->len;
        n = GENAI_NAMES;
        break;

    case GENAI_RECORD_COUNTER:
        counter = (const genai_record_counter_t *) (const void *) record;
        want = sizeof(genai_record_counter_t);
        len = counter->len;
        n = GENAI_RECORD_TEXTS;
        break;

    case GENAI_RECORD_FREE:
        want = sizeof(genai_record_t);
        break;

    case GENAI_JOURNAL_PASS:
    case GENAI_JOURNAL_WHOLE:
        want = sizeof(genai_record_said_t);
        break;

    default:
        return 0;
    }

    if (record->len < want) {
        return 0;
    }

    texts = 0;

    for (i = 0; i < n; i++) {
        if (len[i] > GENAI_BOOKS_TEXT_MAX) {
            return 0;
        }

        texts += len[i];
    }

    return record->len == ((want + texts + 7) & ~(size_t) 7)
           && record->slot < GENAI_BOOKS_SIZE_MAX
           && record->check == genai_journal_check(it->head, record, it->at);
}


int
genai_journal_scan(const unsigned char *data, uint64_t size,
    genai_journal_scan_t *scan)
{
    uint64_t                    at;
    const genai_record_t       *record;
    genai_journal_iter_t        it;
    const genai_record_said_t  *said;

    memset(scan, 0, sizeof(genai_journal_scan_t));

    if (genai_journal_head_read(data, size, &scan->head) != 0) {
        return -1;
    }

    it.data = data;
    it.size = size;
    it.at = GENAI_JOURNAL_HEAD;
    it.head = &scan->head;

    scan->end = GENAI_JOURNAL_HEAD;

    while ((record = genai_journal_next(&it)) != NULL) {

        scan->records++;
        scan->end = it.at;

        if (record->slot / GENAI_JOURNAL_UNIT >= scan->slots) {
            scan->slots = record->slot / GENAI_JOURNAL_UNIT + 1;
        }

        if (record->kind != GENAI_JOURNAL_PASS
            && record->kind != GENAI_JOURNAL_WHOLE)
        {
            continue;
        }

        said = (const genai_record_said_t *) (const void *) record;

        scan->last = said->now;
        scan->policy_last = said->policy_last;

        if (said->synced > scan->synced) {
            scan->synced = said->synced;
        }

        if (record->kind == GENAI_JOURNAL_WHOLE) {
            scan->whole = it.at;
        }
    }

    /* by now it is known what had been on the disk */

    it.at = GENAI_JOURNAL_HEAD;

    do {
        at = it.at;
        record = genai_journal_next(&it);

        if (it.gap == 0) {
            continue;
        }

        if (at < scan->synced) {
            scan->lost += it.gap;
            scan->holes++;

        } else {
            scan->cut += it.gap;
        }

    } while (record);

    return 0;
}
