/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "genai_resolv.h"

#include <arpa/inet.h>
#include <sys/socket.h>


#define GENAI_RESOLV_NDOTS         1
#define GENAI_RESOLV_NDOTS_MAX     15
#define GENAI_RESOLV_TIMEOUT       5
#define GENAI_RESOLV_TIMEOUT_MAX   30
#define GENAI_RESOLV_ATTEMPTS      2
#define GENAI_RESOLV_ATTEMPTS_MAX  5


/* what is still to be read of a text, or of a line of it */
typedef struct {
    const unsigned char  *pos;
    const unsigned char  *end;
} genai_resolv_span_t;


static int genai_resolv_line(genai_resolv_span_t *text,
    genai_resolv_span_t *line);
static int genai_resolv_word(genai_resolv_span_t *line,
    genai_resolv_span_t *word);
static int genai_resolv_word_is(const genai_resolv_span_t *word,
    const char *name);
static void genai_resolv_server(genai_resolv_conf_t *conf,
    genai_resolv_span_t *line);
static void genai_resolv_domains(genai_resolv_conf_t *conf,
    genai_resolv_span_t *line, unsigned max);
static void genai_resolv_option(genai_resolv_conf_t *conf,
    const genai_resolv_span_t *word);
static int genai_resolv_number(const genai_resolv_span_t *word,
    const char *name, unsigned min, unsigned max, unsigned *value);
static int genai_resolv_address(const genai_resolv_span_t *word,
    genai_resolv_addr_t *addr);
static int genai_resolv_same(const unsigned char *s1, const unsigned char *s2,
    size_t len);
static size_t genai_resolv_name(const unsigned char *text, size_t len);


void
genai_resolv_parse(genai_resolv_conf_t *conf, const unsigned char *text,
    size_t len)
{
    genai_resolv_span_t  file, line, word;

    memset(conf, 0, sizeof(genai_resolv_conf_t));

    conf->ndots = GENAI_RESOLV_NDOTS;
    conf->timeout = GENAI_RESOLV_TIMEOUT;
    conf->attempts = GENAI_RESOLV_ATTEMPTS;

    if (len == 0) {
        return;
    }

    file.pos = text;
    file.end = text + len;

    while (genai_resolv_line(&file, &line)) {

        if (line.pos == line.end || *line.pos == ' ' || *line.pos == '\t') {
            continue;
        }

        if (!genai_resolv_word(&line, &word)) {
            continue;
        }

        if (genai_resolv_word_is(&word, "nameserver")) {
            genai_resolv_server(conf, &line);

        } else if (genai_resolv_word_is(&word, "search")) {
            genai_resolv_domains(conf, &line, GENAI_RESOLV_DOMAINS);

        } else if (genai_resolv_word_is(&word, "domain")) {
            genai_resolv_domains(conf, &line, 1);

        } else if (genai_resolv_word_is(&word, "options")) {

            while (genai_resolv_word(&line, &word)) {
                genai_resolv_option(conf, &word);
            }
        }
    }
}


size_t
genai_resolv_hosts(const unsigned char *text, size_t len,
    const genai_str_t *name, genai_resolv_addr_t *addrs, size_t max)
{
    size_t               i, n, nlen, wlen;
    genai_resolv_span_t  file, line, address, word;
    genai_resolv_addr_t  addr;

    n = 0;
    nlen = genai_resolv_name(name->data, name->len);

    if (nlen == 0 || len == 0) {
        return 0;
    }

    file.pos = text;
    file.end = text + len;

    while (n < max && genai_resolv_line(&file, &line)) {

        if (!genai_resolv_word(&line, &address)) {
            continue;
        }

        while (genai_resolv_word(&line, &word)) {

            wlen = word.end - word.pos;

            if (word.pos[wlen - 1] == '.') {
                wlen--;
            }

            if (wlen != nlen
                || !genai_resolv_same(word.pos, name->data, nlen))
            {
                continue;
            }

            if (!genai_resolv_address(&address, &addr)) {
                break;
            }

            for (i = 0; i < n; i++) {
                if (addrs[i].ipv6 == addr.ipv6
                    && memcmp(addrs[i].bytes, addr.bytes, 16) == 0)
                {
                    break;
                }
            }

            if (i == n) {
                addrs[n++] = addr;
            }

            break;
        }
    }

    return n;
}


size_t
genai_resolv_candidate(const genai_resolv_conf_t *conf,
    const genai_str_t *name, unsigned n, unsigned char *dst)
{
    size_t                        i, len, dots;
    unsigned                      d, last;
    const genai_resolv_domain_t  *domain;

    len = genai_resolv_name(name->data, name->len);

    if (len == 0) {
        return 0;
    }

    dots = 0;

    for (i = 0; i < len; i++) {
        if (name->data[i] == '.') {
            dots++;
        }
    }

    /* a trailing dot, which len does not count, says that it is absolute */

    last = (len < name->len) ? 0 : conf->ndomains;

    if (last == 0 || dots >= conf->ndots) {

        if (n == 0) {
            goto itself;
        }

        n--;
    }

    for (d = 0; d < last; d++) {

        domain = &conf->domains[d];

        if (len + 1 + domain->len > GENAI_RESOLV_NAME) {
            continue;
        }

        if (n == 0) {
            memcpy(dst, name->data, len);
            dst[len] = '.';
            memcpy(dst + len + 1, domain->text, domain->len);

            len += 1 + domain->len;
            dst[len] = '\0';

            return len;
        }

        n--;
    }

    if (n == 0 && last && dots < conf->ndots) {
        goto itself;
    }

    return 0;

itself:

    memcpy(dst, name->data, len);
    dst[len] = '\0';

    return len;
}


/* takes the next line, without its end, off a text */

static int
genai_resolv_line(genai_resolv_span_t *text, genai_resolv_span_t *line)
{
    const unsigned char  *p;

    if (text->pos == text->end) {
        return 0;
    }

    line->pos = text->pos;

    p = memchr(text->pos, '\n', text->end - text->pos);

    if (p == NULL) {
        line->end = text->end;
        text->pos = text->end;

    } else {
        line->end = p;
        text->pos = p + 1;
    }

    return 1;
}


/* takes the next word off a line; a word that starts a comment ends it */

static int
genai_resolv_word(genai_resolv_span_t *line, genai_resolv_span_t *word)
{
    const unsigned char  *p;

    /* control characters, CR and NUL among them, count as blanks */

    for (p = line->pos; p < line->end && *p <= ' '; p++) { /* void */ }

    if (p == line->end || *p == '#' || *p == ';') {
        line->pos = line->end;
        return 0;
    }

    word->pos = p;

    while (p < line->end && *p > ' ' && *p != '#' && *p != ';') {
        p++;
    }

    word->end = p;
    line->pos = p;

    return 1;
}


static int
genai_resolv_word_is(const genai_resolv_span_t *word, const char *name)
{
    size_t  len;

    len = strlen(name);

    return (size_t) (word->end - word->pos) == len
           && memcmp(word->pos, name, len) == 0;
}


static void
genai_resolv_server(genai_resolv_conf_t *conf, genai_resolv_span_t *line)
{
    size_t                  len;
    genai_resolv_span_t     word, scope;
    genai_resolv_addr_t     addr;
    genai_resolv_server_t  *server;

    if (conf->nservers == GENAI_RESOLV_SERVERS
        || !genai_resolv_word(line, &word))
    {
        return;
    }

    len = word.end - word.pos;

    if (len > GENAI_RESOLV_ADDRESS) {
        return;
    }

    scope.end = word.end;
    scope.pos = memchr(word.pos, '%', len);

    if (scope.pos != NULL) {
        word.end = scope.pos;
    }

    if (!genai_resolv_address(&word, &addr)) {
        return;
    }

    if (scope.pos != NULL && (!addr.ipv6 || scope.end - scope.pos == 1)) {
        return;
    }

    server = &conf->servers[conf->nservers++];

    memcpy(server->text, word.pos, len);
    server->len = len;
    server->ipv6 = addr.ipv6;
    server->scoped = (scope.pos != NULL);
}


static void
genai_resolv_domains(genai_resolv_conf_t *conf, genai_resolv_span_t *line,
    unsigned max)
{
    size_t                  len;
    genai_resolv_span_t     word;
    genai_resolv_domain_t  *domain;

    if (!genai_resolv_word(line, &word)) {
        return;
    }

    conf->ndomains = 0;

    do {
        len = genai_resolv_name(word.pos, word.end - word.pos);

        if (len == 0) {
            continue;
        }

        domain = &conf->domains[conf->ndomains++];

        memcpy(domain->text, word.pos, len);
        domain->text[len] = '\0';
        domain->len = len;

    } while (conf->ndomains < max && genai_resolv_word(line, &word));
}


static void
genai_resolv_option(genai_resolv_conf_t *conf, const genai_resolv_span_t *word)
{
    if (genai_resolv_number(word, "ndots:", 0, GENAI_RESOLV_NDOTS_MAX,
                            &conf->ndots))
    {
        return;
    }

    if (genai_resolv_number(word, "timeout:", 1, GENAI_RESOLV_TIMEOUT_MAX,
                            &conf->timeout))
    {
        return;
    }

    (void) genai_resolv_number(word, "attempts:", 1,
                               GENAI_RESOLV_ATTEMPTS_MAX, &conf->attempts);
}


static int
genai_resolv_number(const genai_resolv_span_t *word, const char *name,
    unsigned min, unsigned max, unsigned *value)
{
    size_t                len;
    unsigned              n;
    const unsigned char  *p;

    len = strlen(name);

    if ((size_t) (word->end - word->pos) <= len
        || memcmp(word->pos, name, len) != 0)
    {
        return 0;
    }

    n = 0;

    for (p = word->pos + len; p < word->end; p++) {

        if (*p < '0' || *p > '9') {
            return 0;
        }

        n = n * 10 + (*p - '0');

        /* enough to be cut, and it cannot overflow */

        if (n > max) {
            n = max;
        }
    }

    *value = (n < min) ? min : n;

    return 1;
}


static int
genai_resolv_address(const genai_resolv_span_t *word,
    genai_resolv_addr_t *addr)
{
    char    text[INET6_ADDRSTRLEN];
    size_t  len;

    len = word->end - word->pos;

    if (len == 0 || len >= sizeof(text)) {
        return 0;
    }

    memcpy(text, word->pos, len);
    text[len] = '\0';

    memset(addr, 0, sizeof(genai_resolv_addr_t));

    if (inet_pton(AF_INET, text, addr->bytes) == 1) {
        return 1;
    }

    if (inet_pton(AF_INET6, text, addr->bytes) == 1) {
        addr->ipv6 = 1;
        return 1;
    }

    return 0;
}


/* whether two texts are equal but for the case of ASCII letters */

static int
genai_resolv_same(const unsigned char *s1, const unsigned char *s2, size_t len)
{
    size_t         i;
    unsigned char  c1, c2;

    for (i = 0; i < len; i++) {

        c1 = s1[i];
        c2 = s2[i];

        if (c1 >= 'A' && c1 <= 'Z') {
            c1 |= 0x20;
        }

        if (c2 >= 'A' && c2 <= 'Z') {
            c2 |= 0x20;
        }

        if (c1 != c2) {
            return 0;
        }
    }

    return 1;
}


/*
 * The length without the trailing dot of what can be asked of a name server,
 * or 0.  Which characters a host name has is for the server to say; but a
 * name has no blanks, and labels of 1 to 63 bytes.
 */

static size_t
genai_resolv_name(const unsigned char *text, size_t len)
{
    size_t  i, label;

    if (len && text[len - 1] == '.') {
        len--;
    }

    if (len == 0 || len > GENAI_RESOLV_NAME) {
        return 0;
    }

    label = 0;

    for (i = 0; i < len; i++) {

        if (text[i] == '.') {

            if (label == 0) {
                return 0;
            }

            label = 0;
            continue;
        }

        if (text[i] <= ' ' || text[i] == 0x7f || ++label > GENAI_RESOLV_LABEL)
        {
            return 0;
        }
    }

    return label ? len : 0;
}
