/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The reader of multipart bodies.  A delimiter begins behind a line feed, and
 * has none in it: in what is passed over only line feeds are looked for, and
 * where a delimiter turns out to be none, nothing before that byte can begin
 * another one.
 */


#include "genai_multipart.h"
#include "genai_text.h"


enum {
    GENAI_MULTIPART_BEGIN = 0,      /* a CRLF, or the delimiter */
    GENAI_MULTIPART_BEGIN_LF,
    GENAI_MULTIPART_FIRST,          /* the delimiter, and nothing else */
    GENAI_MULTIPART_BEHIND,         /* it: CRLF, or "--" */
    GENAI_MULTIPART_BEHIND_LF,
    GENAI_MULTIPART_BEHIND_DASH,
    GENAI_MULTIPART_HEAD,
    GENAI_MULTIPART_HEAD_LF,
    GENAI_MULTIPART_SKIP,           /* a part's content */
    GENAI_MULTIPART_MATCH,          /* perhaps a delimiter */
    GENAI_MULTIPART_VALUE,          /* content that is read */
    GENAI_MULTIPART_VALUE_LF,
    GENAI_MULTIPART_OVER,
    GENAI_MULTIPART_FAILED
};


#define GENAI_MULTIPART_NONE    0
#define GENAI_MULTIPART_MODEL   1
#define GENAI_MULTIPART_STREAM  2


typedef struct {
    const unsigned char  *p;
    const unsigned char  *end;
    genai_str_t           name;
    genai_str_t           value;
    unsigned              quoted:1;
} genai_multipart_param_t;


static int genai_multipart_fail(genai_multipart_t *m, const char *error);
static int genai_multipart_byte(genai_multipart_t *m, unsigned char c);
static int genai_multipart_line(genai_multipart_t *m);
static int genai_multipart_disposition(genai_multipart_t *m,
    const genai_str_t *value);
static int genai_multipart_name(genai_multipart_t *m,
    const genai_str_t *name);
static int genai_multipart_text(const genai_str_t *value);
static int genai_multipart_begin(genai_multipart_t *m);
static int genai_multipart_value(genai_multipart_t *m);
static const char *genai_multipart_params(const genai_str_t *value,
    const char *word, genai_multipart_param_t *param);
static const char *genai_multipart_param(genai_multipart_param_t *param);
static int genai_multipart_token(unsigned char c);
static int genai_multipart_bchar(unsigned char c);
static int genai_multipart_same(const genai_str_t *s, const char *word);


int
genai_multipart_init(genai_multipart_t *m, const genai_str_t *type)
{
    size_t                    i;
    const char               *error;
    genai_multipart_param_t   param;

    memset(m, 0, offsetof(genai_multipart_t, line));

    error = genai_multipart_params(type, "multipart/form-data", &param);

    if (error) {
        return genai_multipart_fail(m, "the content-type must be "
                                       "multipart/form-data");
    }

    for ( ;; ) {

        error = genai_multipart_param(&param);

        if (error) {
            return genai_multipart_fail(m, error);
        }

        if (param.name.len == 0) {
            break;
        }

        if (genai_multipart_same(&param.name, "boundary*")) {
            return genai_multipart_fail(m, "the content-type's boundary is "
                                           "coded");
        }

        if (!genai_multipart_same(&param.name, "boundary")) {
            continue;
        }

        if (m->ndelimiter) {
            return genai_multipart_fail(m, "the content-type has two "
                                           "boundaries");
        }

        if (param.value.len == 0
            || param.value.len > GENAI_MULTIPART_BOUNDARY_MAX)
        {
            return genai_multipart_fail(m, "the content-type's boundary must "
                                           "have 1 to 70 bytes");
        }

        for (i = 0; i < param.value.len; i++) {

            if (!genai_multipart_bchar(param.value.data[i])
                && (param.value.data[i] != ' ' || i + 1 == param.value.len))
            {
                return genai_multipart_fail(m, "the content-type's boundary "
                                               "has a byte that none may "
                                               "have");
            }
        }

        m->delimiter[0] = '-';
        m->delimiter[1] = '-';
        memcpy(m->delimiter + 2, param.value.data, param.value.len);
        m->ndelimiter = 2 + param.value.len;
    }

    if (m->ndelimiter == 0) {
        return genai_multipart_fail(m, "the content-type has no boundary");
    }

    return 0;
}


int
genai_multipart_feed(genai_multipart_t *m, const unsigned char *p, size_t n)
{
    const unsigned char  *q, *start, *end;

    if (m->state == GENAI_MULTIPART_FAILED) {
        return -1;
    }

    end = p + n;

    while (p < end) {

        if (m->state != GENAI_MULTIPART_SKIP) {

            if (genai_multipart_byte(m, *p) != 0) {
                return -1;
            }

            m->offset++;
            p++;
            continue;
        }

        start = p;
        q = memchr(p, '\n', end - p);

        if (q == NULL) {
            m->cr = (end[-1] == '\r');
            m->offset += end - p;
            break;
        }

        m->bare = !(q == start ? m->cr : q[-1] == '\r');
        m->cr = 0;
        m->matched = 0;
        m->state = GENAI_MULTIPART_MATCH;
        m->offset += q + 1 - p;
        p = q + 1;
    }

    return 0;
}


int
genai_multipart_end(genai_multipart_t *m)
{
    if (m->state == GENAI_MULTIPART_FAILED) {
        return -1;
    }

    return (m->state == GENAI_MULTIPART_OVER)
           ? 0 : genai_multipart_fail(m, "it ends before its last delimiter");
}


static int
genai_multipart_fail(genai_multipart_t *m, const char *error)
{
    m->error = error;
    m->state = GENAI_MULTIPART_FAILED;

    return -1;
}


static int
genai_multipart_byte(genai_multipart_t *m, unsigned char c)
{
    switch (m->state) {

    case GENAI_MULTIPART_BEGIN:

        if (c == '\r') {
            m->state = GENAI_MULTIPART_BEGIN_LF;
            return 0;
        }

        m->first = m->offset;
        m->state = GENAI_MULTIPART_FIRST;

        /* fall through */

    case GENAI_MULTIPART_FIRST:

        if (c != m->delimiter[m->matched]) {
            return genai_multipart_fail(m, "it does not begin with the "
                                           "boundary of its content-type");
        }

        if (++m->matched == m->ndelimiter) {
            m->state = GENAI_MULTIPART_BEHIND;
        }

        return 0;

    case GENAI_MULTIPART_BEGIN_LF:

        if (c != '\n') {
            return genai_multipart_fail(m, "it does not begin with the "
                                           "boundary of its content-type");
        }

        m->first = m->offset + 1;
        m->state = GENAI_MULTIPART_FIRST;

        return 0;

    case GENAI_MULTIPART_BEHIND:

        if (c == '\r') {
            m->state = GENAI_MULTIPART_BEHIND_LF;
            return 0;
        }

        if (c == '-') {
            m->state = GENAI_MULTIPART_BEHIND_DASH;
            return 0;
        }

        return genai_multipart_fail(m, "a delimiter has something behind it");

    case GENAI_MULTIPART_BEHIND_LF:

        if (c != '\n') {
            return genai_multipart_fail(m, "a delimiter has something behind "
                                           "it");
        }

        if (m->nparts++ == GENAI_MULTIPART_PARTS) {
            return genai_multipart_fail(m, "it has too many parts");
        }

        m->state = GENAI_MULTIPART_HEAD;
        m->nline = 0;
        m->nhead = 0;
        m->reads = GENAI_MULTIPART_NONE;
        m->disposed = 0;
        m->typed = 0;
        m->text = 1;
        m->coded = 0;
        m->file = 0;

        return 0;

    case GENAI_MULTIPART_BEHIND_DASH:

        if (c != '-') {
            return genai_multipart_fail(m, "a delimiter has something behind "
                                           "it");
        }

        m->state = GENAI_MULTIPART_OVER;

        return 0;

    case GENAI_MULTIPART_HEAD:

        if (c == '\r') {
            m->state = GENAI_MULTIPART_HEAD_LF;
            return 0;
        }

        if ((c < ' ' && c != '\t') || c == 0x7f) {
            return genai_multipart_fail(m, "a part's header has a control "
                                           "character");
        }

        if (m->nline == GENAI_MULTIPART_LINE_MAX
            || m->nhead == GENAI_MULTIPART_HEAD_MAX)
        {
            return genai_multipart_fail(m, "a part's header is too long");
        }

        m->line[m->nline++] = c;
        m->nhead++;

        return 0;

    case GENAI_MULTIPART_HEAD_LF:

        if (c != '\n') {
            return genai_multipart_fail(m, "a part's header has a control "
                                           "character");
        }

        m->state = GENAI_MULTIPART_HEAD;

        return m->nline ? genai_multipart_line(m) : genai_multipart_begin(m);

    case GENAI_MULTIPART_MATCH:

        if (c != m->delimiter[m->matched]) {

            if (m->reads) {
                return genai_multipart_fail(m, "a part that is read has a "
                                               "control character");
            }

            m->state = GENAI_MULTIPART_SKIP;

            if (c == '\n') {
                m->bare = !m->cr;
                m->matched = 0;
                m->state = GENAI_MULTIPART_MATCH;
            }

            m->cr = (c == '\r');

            return 0;
        }

        m->cr = 0;

        if (++m->matched < m->ndelimiter) {
            return 0;
        }

        if (m->bare) {
            return genai_multipart_fail(m, "a delimiter must stand behind a "
                                           "line's CRLF");
        }

        m->state = GENAI_MULTIPART_BEHIND;

        return m->reads ? genai_multipart_value(m) : 0;

    case GENAI_MULTIPART_VALUE:

        if (c == '\r') {

            if (m->reads == GENAI_MULTIPART_MODEL) {
                m->end = m->offset;
            }

            m->state = GENAI_MULTIPART_VALUE_LF;

            return 0;
        }

        if (c < ' ' || c == 0x7f) {
            return genai_multipart_fail(m, "a part that is read has a control "
                                           "character");
        }

        if (m->nvalue == GENAI_MULTIPART_VALUE_MAX) {
            return genai_multipart_fail(m, "a part that is read is too long");
        }

        m->line[m->nvalue++] = c;

        return 0;

    case GENAI_MULTIPART_VALUE_LF:

        if (c != '\n') {
            return genai_multipart_fail(m, "a part that is read has a control "
                                           "character");
        }

        m->bare = 0;
        m->cr = 0;
        m->matched = 0;
        m->state = GENAI_MULTIPART_MATCH;

        return 0;

    case GENAI_MULTIPART_OVER:

        if (c != '\r' && c != '\n' && c != ' ' && c != '\t') {
            return genai_multipart_fail(m, "there are bytes behind its last "
                                           "delimiter");
        }

        return 0;

    default:
        return -1;
    }
}


/* a line of a part's header */

static int
genai_multipart_line(genai_multipart_t *m)
{
    size_t       n;
    genai_str_t  name, value;

    if (m->nline >= m->ndelimiter
        && memcmp(m->line, m->delimiter, m->ndelimiter) == 0)
    {
        return genai_multipart_fail(m, "a delimiter stands in a part's "
                                       "header");
    }

    for (n = 0; n < m->nline && genai_multipart_token(m->line[n]); n++) {
        /* void */
    }

    if (n == 0 || n == m->nline || m->line[n] != ':') {

        /* one that is folded begins with a blank */

        return genai_multipart_fail(m, "a part's header has a line that is "
                                       "none");
    }

    name.data = m->line;
    name.len = n;

    for (n++; n < m->nline && (m->line[n] == ' ' || m->line[n] == '\t'); n++) {
        /* void */
    }

    value.data = m->line + n;
    value.len = m->nline - n;

    while (value.len && (value.data[value.len - 1] == ' '
                         || value.data[value.len - 1] == '\t'))
    {
        value.len--;
    }

    m->nline = 0;

    if (genai_multipart_same(&name, "content-disposition")) {

        if (m->disposed) {
            return genai_multipart_fail(m, "a part has two dispositions");
        }

        m->disposed = 1;

        return genai_multipart_disposition(m, &value);
    }

    if (genai_multipart_same(&name, "content-type")) {

        if (m->typed) {
            return genai_multipart_fail(m, "a part has two types");
        }

        m->typed = 1;
        m->text = genai_multipart_text(&value);

        return 0;
    }

    if (genai_multipart_same(&name, "content-transfer-encoding")
        && !genai_multipart_same(&value, "7bit")
        && !genai_multipart_same(&value, "8bit")
        && !genai_multipart_same(&value, "binary"))
    {
        m->coded = 1;
    }

    return 0;
}


static int
genai_multipart_disposition(genai_multipart_t *m, const genai_str_t *value)
{
    unsigned                  named, filed;
    const char               *error;
    genai_multipart_param_t   param;

    error = genai_multipart_params(value, "form-data", &param);

    if (error) {
        return genai_multipart_fail(m, "a part's disposition is not "
                                       "form-data");
    }

    named = 0;
    filed = 0;

    for ( ;; ) {

        error = genai_multipart_param(&param);

        if (error) {
            return genai_multipart_fail(m, error);
        }

        if (param.name.len == 0) {
            break;
        }

        if (genai_multipart_same(&param.name, "name*")) {
            return genai_multipart_fail(m, "a part's name is coded");
        }

        if (genai_multipart_same(&param.name, "filename*")) {
            m->file = 1;
            continue;
        }

        if (genai_multipart_same(&param.name, "filename")) {

            if (filed) {
                return genai_multipart_fail(m, "a part has two file names");
            }

            filed = 1;
            m->file = 1;
            continue;
        }

        if (!genai_multipart_same(&param.name, "name")) {
            continue;
        }

        if (named) {
            return genai_multipart_fail(m, "a part has two names");
        }

        named = 1;

        if (genai_multipart_name(m, &param.value) != 0) {
            return -1;
        }
    }

    return named ? 0 : genai_multipart_fail(m, "a part has no name");
}


/* which part it is; blanks and capitals make no other name to everybody */

static int
genai_multipart_name(genai_multipart_t *m, const genai_str_t *name)
{
    genai_str_t  s;

    s = *name;

    if (memchr(s.data, '\\', s.len)) {
        return genai_multipart_fail(m, "a part's name has a backslash");
    }

    while (s.len && (s.data[0] == ' ' || s.data[0] == '\t')) {
        s.data++;
        s.len--;
    }

    while (s.len && (s.data[s.len - 1] == ' ' || s.data[s.len - 1] == '\t')) {
        s.len--;
    }

    if (genai_multipart_same(&s, "model")) {

        if (name->len != 5 || memcmp(name->data, "model", 5) != 0) {
            return genai_multipart_fail(m, "its part \"model\" must be spelled "
                                           "so");
        }

        m->reads = GENAI_MULTIPART_MODEL;

    } else if (name->len == 6 && memcmp(name->data, "stream", 6) == 0) {
        m->reads = GENAI_MULTIPART_STREAM;
    }

    return 0;
}


/* whether a type is that of a text in UTF-8 */

static int
genai_multipart_text(const genai_str_t *value)
{
    genai_multipart_param_t  param;

    if (genai_multipart_params(value, "text/plain", &param)) {
        return 0;
    }

    for ( ;; ) {

        if (genai_multipart_param(&param)) {
            return 0;
        }

        if (param.name.len == 0) {
            return 1;
        }

        if (genai_multipart_same(&param.name, "charset")
            && !genai_multipart_same(&param.value, "utf-8")
            && !genai_multipart_same(&param.value, "utf8")
            && !genai_multipart_same(&param.value, "us-ascii"))
        {
            return 0;
        }
    }
}


/* a part's header has ended */

static int
genai_multipart_begin(genai_multipart_t *m)
{
    if (!m->disposed) {
        return genai_multipart_fail(m, "a part has no disposition");
    }

    m->cr = 0;
    m->matched = 0;

    if (m->reads == GENAI_MULTIPART_NONE) {

        /* to some the empty line is the one that a delimiter is behind */

        m->bare = 1;
        m->state = GENAI_MULTIPART_MATCH;

        return 0;
    }

    if (m->file || m->coded || !m->text) {

        if (m->reads == GENAI_MULTIPART_MODEL) {
            return genai_multipart_fail(m, "its part \"model\" must be a text "
                                           "in UTF-8, and no file");
        }

        m->reads = GENAI_MULTIPART_NONE;
        m->bare = 1;
        m->state = GENAI_MULTIPART_MATCH;

        return 0;
    }

    if (m->reads == GENAI_MULTIPART_MODEL) {

        if (m->nmodel) {
            return genai_multipart_fail(m, "its part \"model\" stands twice");
        }

        m->start = m->offset + 1;

    } else if (m->streams) {
        return genai_multipart_fail(m, "its part \"stream\" stands twice");
    }

    m->nvalue = 0;
    m->state = GENAI_MULTIPART_VALUE;

    return 0;
}


static int
genai_multipart_value(genai_multipart_t *m)
{
    genai_str_t  s;

    s.data = m->line;
    s.len = m->nvalue;

    if (s.len >= m->ndelimiter
        && memcmp(s.data, m->delimiter, m->ndelimiter) == 0)
    {
        return genai_multipart_fail(m, "a delimiter must stand behind a "
                                       "line's CRLF");
    }

    if (m->reads == GENAI_MULTIPART_STREAM) {
        m->streams = 1;
        m->stream = (m->nvalue == 4 && memcmp(m->line, "true", 4) == 0);

        return 0;
    }

    if (s.len == 0 || !genai_text_is_utf8(&s)) {
        return genai_multipart_fail(m, "its part \"model\" must have 1 to 256 "
                                       "bytes of UTF-8");
    }

    memcpy(m->model, m->line, m->nvalue);
    m->nmodel = m->nvalue;

    return 0;
}


/*
 * Begins to read the parameters behind a word.  Returns NULL, or what is
 * wrong.
 */

static const char *
genai_multipart_params(const genai_str_t *value, const char *word,
    genai_multipart_param_t *param)
{
    genai_str_t  s;

    s.data = value->data;
    s.len = strlen(word);

    if (value->len < s.len || !genai_multipart_same(&s, word)
        || (value->len > s.len && value->data[s.len] != ';'
            && value->data[s.len] != ' ' && value->data[s.len] != '\t'))
    {
        return "it is another word";
    }

    param->p = value->data + s.len;
    param->end = value->data + value->len;

    return NULL;
}


/*
 * The next parameter; none is left where its name is empty.  Returns NULL, or
 * what is wrong.
 */

static const char *
genai_multipart_param(genai_multipart_param_t *param)
{
    const unsigned char  *p, *end;

    p = param->p;
    end = param->end;
    param->name.len = 0;

    while (p < end && (*p == ' ' || *p == '\t' || *p == ';')) {
        p++;
    }

    if (p == end) {
        return NULL;
    }

    /* behind blanks alone nothing begins */

    if (p == param->p || memchr(param->p, ';', p - param->p) == NULL) {
        return "a parameter of a header must stand behind a semicolon";
    }

    param->name.data = (unsigned char *) p;

    while (p < end && genai_multipart_token(*p)) {
        p++;
    }

    if (p == param->name.data || p == end || *p != '=') {
        return "a parameter of a header has no value";
    }

    param->name.len = p - param->name.data;
    p++;

    if (p == end || *p != '"') {

        param->value.data = (unsigned char *) p;

        while (p < end && genai_multipart_token(*p)) {
            p++;
        }

        param->value.len = p - param->value.data;
        param->p = p;

        return (param->value.len == 0
                || (p < end && *p != ';' && *p != ' ' && *p != '\t'))
               ? "a parameter of a header must be a word or quoted" : NULL;
    }

    param->value.data = (unsigned char *) ++p;

    p = (p < end) ? memchr(p, '"', end - p) : NULL;

    if (p == NULL) {
        return "a parameter of a header has but one quote";
    }

    if (p[-1] == '\\') {
        return "a quote of a header has a backslash in front: write %22";
    }

    param->value.len = p - param->value.data;
    param->p = p + 1;

    if (param->p < end && *param->p != ';' && *param->p != ' '
        && *param->p != '\t')
    {
        return "a parameter of a header has something behind it";
    }

    return NULL;
}


/* RFC 9110, 5.6.2 */

static int
genai_multipart_token(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
           || (c >= '0' && c <= '9')
           || (c && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}


/* RFC 2046, 5.1.1 */

static int
genai_multipart_bchar(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
           || (c >= '0' && c <= '9')
           || (c && strchr("'()+_,-./:=?", c) != NULL);
}


/* whatever its case; word is in small letters */

static int
genai_multipart_same(const genai_str_t *s, const char *word)
{
    size_t         i;
    unsigned char  c;

    if (s->len != strlen(word)) {
        return 0;
    }

    for (i = 0; i < s->len; i++) {

        c = s->data[i];
        c = (c >= 'A' && c <= 'Z') ? c | 0x20 : c;

        if (c != (unsigned char) word[i]) {
            return 0;
        }
    }

    return 1;
}
