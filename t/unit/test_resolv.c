/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Every text is copied to memory of exactly its size, so that a sanitizer
 * sees a read past its end.
 */


#include "tap.h"
#include "genai_resolv.h"


static genai_resolv_conf_t  conf;


static unsigned char *
exact(const char *text, size_t len)
{
    unsigned char  *p;

    p = malloc(len ? len : 1);
    if (p == NULL) {
        exit(2);
    }

    memcpy(p, text, len);

    return p;
}


static void
parse_len(const char *text, size_t len)
{
    unsigned char  *p;

    p = exact(text, len);
    genai_resolv_parse(&conf, p, len);
    free(p);
}


static void
parse(const char *text)
{
    parse_len(text, strlen(text));
}


/* all candidates of a name, with a blank between them */

static const char *
candidates(const char *name)
{
    size_t               len;
    unsigned             n;
    genai_str_t          str;
    unsigned char       *dst;

    static char  text[4096];

    text[0] = '\0';

    str.len = strlen(name);
    str.data = exact(name, str.len);

    dst = malloc(GENAI_RESOLV_NAME + 1);
    if (dst == NULL) {
        exit(2);
    }

    for (n = 0; n < 20; n++) {

        len = genai_resolv_candidate(&conf, &str, n, dst);
        if (len == 0) {
            break;
        }

        quiet_ok(strlen((char *) dst) == len, "length of a candidate");

        if (n) {
            strcat(text, " ");
        }

        strcat(text, (char *) dst);
    }

    free(dst);
    free(str.data);

    return text;
}


/* the addresses of a name, as hexadecimal digits with blanks between them */

static const char *
hosts(const char *file, const char *name, size_t max)
{
    char                 *p;
    size_t                i, j, n;
    genai_str_t           str;
    unsigned char        *data;
    genai_resolv_addr_t  *addrs;

    static char  text[4096];

    data = exact(file, strlen(file));
    str.len = strlen(name);
    str.data = exact(name, str.len);

    addrs = malloc(max * sizeof(genai_resolv_addr_t));
    if (addrs == NULL) {
        exit(2);
    }

    n = genai_resolv_hosts(data, strlen(file), &str, addrs, max);

    p = text;
    *p = '\0';

    for (i = 0; i < n; i++) {

        if (i) {
            *p++ = ' ';
        }

        for (j = 0; j < (addrs[i].ipv6 ? 16 : 4); j++) {
            p += sprintf(p, "%02x", addrs[i].bytes[j]);
        }
    }

    free(addrs);
    free(str.data);
    free(data);

    return text;
}


static void
test_defaults(void)
{
    genai_resolv_parse(&conf, NULL, 0);

    is_int(conf.nservers, 0, "nothing: no server");
    is_int(conf.ndomains, 0, "nothing: no domain");
    is_int(conf.ndots, 1, "nothing: ndots");
    is_int(conf.timeout, 5, "nothing: timeout");
    is_int(conf.attempts, 2, "nothing: attempts");
}


static void
test_servers(void)
{
    parse("# generated\n"
          "nameserver 10.96.0.10\n"
          "nameserver\t \t2001:db8::53  \r\n"
          "nameserver fe80::1%eth0 # link\n"
          "nameserver 9.9.9.9\n");

    is_int(conf.nservers, 3, "three servers, the fourth is too many");
    is_str(conf.servers[0].text, "10.96.0.10", "IPv4");
    is_int(conf.servers[0].len, 10, "its length");
    ok(!conf.servers[0].ipv6 && !conf.servers[0].scoped, "its kind");
    is_str(conf.servers[1].text, "2001:db8::53", "IPv6 after tabs, CRLF");
    ok(conf.servers[1].ipv6 && !conf.servers[1].scoped, "its kind");
    is_str(conf.servers[2].text, "fe80::1%eth0", "scope stays");
    ok(conf.servers[2].ipv6 && conf.servers[2].scoped, "its kind");

    parse("nameserver 127.0.0.53");
    is_str(conf.servers[0].text, "127.0.0.53", "no final line feed");

    parse("nameserver 192.0.2.1;x\nnameserver 192.0.2.2#x\n");
    is_str(conf.servers[0].text, "192.0.2.1", "comment without a blank, ;");
    is_str(conf.servers[1].text, "192.0.2.2", "comment without a blank, #");

    parse("nameserver\n"
          "nameserver \n"
          "nameserver dns.example.com\n"
          "nameserver 1.2.3\n"
          "nameserver 1.2.3.4.5\n"
          "nameserver 256.1.1.1\n"
          "nameserver :::1\n"
          "nameserver 1.2.3.4%eth0\n"
          "nameserver fe80::1%\n"
          "nameserver %eth0\n"
          "nameserver [::1]\n"
          "nameserver 0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000"
                      ":0000:0000\n"
          "nameserver fe80::1%an-interface-with-a-name-that-is-longer-than-"
                      "any-of-them-can-be\n"
          "nameservers 1.2.3.4\n"
          "NAMESERVER 1.2.3.4\n"
          " nameserver 1.2.3.4\n"
          "\tnameserver 1.2.3.4\n"
          "#nameserver 1.2.3.4\n"
          ";nameserver 1.2.3.4\n"
          "xnameserver 1.2.3.4\n");

    is_int(conf.nservers, 0, "what is no server");
}


static void
test_domains(void)
{
    char      text[8192];
    unsigned  i;

    parse("search a.example b.example. c.example\n");
    is_int(conf.ndomains, 3, "search list");
    is_str(conf.domains[1].text, "b.example", "without its trailing dot");
    is_int(conf.domains[1].len, 9, "its length");

    parse("search a b c d e f g h\n");
    is_int(conf.ndomains, 6, "at most six");
    is_str(conf.domains[5].text, "f", "the first six");

    parse("search a b c\ndomain d\n");
    is_int(conf.ndomains, 1, "a later domain holds");
    is_str(conf.domains[0].text, "d", "it");

    parse("domain d\nsearch a b c\n");
    is_int(conf.ndomains, 3, "a later search holds");

    parse("domain a b\n");
    is_int(conf.ndomains, 1, "one domain a line");

    parse("search a b\nsearch\nsearch # none\n");
    is_int(conf.ndomains, 2, "an empty line changes nothing");

    parse("search .\n");
    is_int(conf.ndomains, 0, "the root is no domain");

    parse("search a\nsearch .\n");
    is_int(conf.ndomains, 0, "but it ends the list before");

    parse("search a..b .c ok\n");
    is_int(conf.ndomains, 1, "bad names are passed over");
    is_str(conf.domains[0].text, "ok", "others count");

    strcpy(text, "search ");
    for (i = 0; i < 64; i++) {
        strcat(text, "x");
    }
    strcat(text, " ok\n");

    parse(text);
    is_int(conf.ndomains, 1, "a label of 64 bytes is too long");

    strcpy(text, "search ");
    for (i = 0; i < 127; i++) {
        strcat(text, "x.");
    }
    parse(text);
    is_int(conf.ndomains, 1, "a name of 253 bytes");
    is_int(conf.domains[0].len, 253, "its length");

    strcat(text, "y");
    parse(text);
    is_int(conf.ndomains, 0, "one of 255 is too long");

    strcpy(text, "search ");
    memset(text + 7, 'x', 8000);
    strcpy(text + 8007, "\nnameserver 1.2.3.4");
    parse(text);
    is_int(conf.ndomains, 0, "a line of 8000 bytes");
    is_int(conf.nservers, 1, "the line after it");
}


static void
test_options(void)
{
    parse("options ndots:5 timeout:3 attempts:4 rotate edns0\n");
    is_int(conf.ndots, 5, "ndots");
    is_int(conf.timeout, 3, "timeout");
    is_int(conf.attempts, 4, "attempts");

    parse("options ndots:2\noptions timeout:1\noptions ndots:3\n");
    is_int(conf.ndots, 3, "the last value holds");
    is_int(conf.timeout, 1, "lines add up");

    parse("options ndots:99 timeout:0 attempts:99999999999999999999999\n");
    is_int(conf.ndots, 15, "ndots is cut");
    is_int(conf.timeout, 1, "timeout is raised");
    is_int(conf.attempts, 5, "attempts are cut");

    parse("options ndots: timeout:x attempts:-1 ndots:1x NDOTS:3 xndots:4\n");
    is_int(conf.ndots, 1, "no ndots");
    is_int(conf.timeout, 5, "no timeout");
    is_int(conf.attempts, 2, "no attempts");

    parse("options ndots:0");
    is_int(conf.ndots, 0, "ndots may be 0");
}


static void
test_rubbish(void)
{
    size_t       i, n;
    char         text[512];
    unsigned     seed;

    static const char  file[] =
        "nameserver 1.2.3.4\nsearch a.b c\noptions ndots:3\n";

    for (n = 0; n < sizeof(file); n++) {
        parse_len(file, n);
        quiet_ok(conf.nservers <= 1 && conf.ndomains <= 2, "cut at %lu",
                 (unsigned long) n);
    }

    parse_len("nameserver 1.2.3.4\0\nsearch\0a\n", 30);
    is_int(conf.nservers, 1, "NUL counts as a blank");
    is_str(conf.domains[0].text, "a", "also between words");

    parse_len("\n\n\r\n#\n;", 7);
    is_int(conf.nservers, 0, "empty lines and comments");

    seed = 1;

    for (n = 0; n < 20000; n++) {

        memcpy(text, file, sizeof(file));

        for (i = 0; i < 4; i++) {
            seed = seed * 1103515245 + 12345;
            text[(seed >> 16) % (sizeof(file) - 1)] = (char) (seed >> 8);
        }

        parse_len(text, sizeof(file) - 1);

        quiet_ok(conf.nservers <= 3 && conf.ndomains <= 6
                 && conf.ndots <= 15, "random bytes");

        (void) candidates("a.b");

        text[sizeof(file) - 1] = '\0';
        (void) hosts(text, "a", 2);
    }
}


static void
test_candidates(void)
{
    char      name[512];
    unsigned  i;

    parse("");
    is_str(candidates("api.openai.com"), "api.openai.com", "no search list");
    is_str(candidates("llm"), "llm", "one label, no search list");

    parse("search ns.svc.cluster.local svc.cluster.local cluster.local\n"
          "options ndots:5\n");

    is_str(candidates("api.openai.com"),
           "api.openai.com.ns.svc.cluster.local "
           "api.openai.com.svc.cluster.local "
           "api.openai.com.cluster.local api.openai.com",
           "fewer dots than ndots: itself last");

    is_str(candidates("api.openai.com."), "api.openai.com",
           "a trailing dot: itself only");

    is_str(candidates("llm."), "llm", "one label with a trailing dot");

    is_str(candidates("a.b.c.d.e.f"),
           "a.b.c.d.e.f a.b.c.d.e.f.ns.svc.cluster.local "
           "a.b.c.d.e.f.svc.cluster.local a.b.c.d.e.f.cluster.local",
           "ndots dots: itself first");

    parse("search x\noptions ndots:0\n");
    is_str(candidates("llm"), "llm llm.x", "ndots 0");

    parse("search x\n");
    is_str(candidates("llm"), "llm.x llm", "ndots 1, no dot");
    is_str(candidates("l.m"), "l.m l.m.x", "ndots 1, one dot");

    is_str(candidates(""), "", "an empty name");
    is_str(candidates("."), "", "the root");
    is_str(candidates("a..b"), "", "an empty label");
    is_str(candidates(".a"), "", "an empty first label");
    is_str(candidates("a.."), "", "two trailing dots");
    is_str(candidates("a b"), "", "a blank");

    name[0] = '\0';
    for (i = 0; i < 125; i++) {
        strcat(name, "x.");
    }
    strcat(name, "y");

    parse("search zz z\n");

    is_int(strlen(candidates(name)), 251 + 1 + 253,
           "what would be too long is passed over");

    strcat(name, "yyy");
    is_str(candidates(name), "", "a name that is too long itself");
}


static void
test_hosts(void)
{
    static const char  file[] =
        "127.0.0.1\tlocalhost\n"
        "::1 localhost ip6-localhost\n"
        "# 10.9.9.9 llm.internal\n"
        "10.0.0.5   llm.Internal llm   # llm2\n"
        "  10.0.0.6  gpu LLM.internal.\r\n"
        "10.0.0.5 llm.internal\n"
        "fe80::1%eth0 llm.internal\n"
        "nonsense llm.internal\n"
        "2001:db8::5 llm.internal\n"
        "10.0.0.7\n"
        "10.0.0.8 last";

    is_str(hosts(file, "localhost", 16),
           "7f000001 00000000000000000000000000000001", "both families");
    is_str(hosts(file, "llm.internal", 16),
           "0a000005 0a000006 20010db8000000000000000000000005",
           "several lines, each address once, any case");
    is_str(hosts(file, "LLM.INTERNAL.", 16),
           "0a000005 0a000006 20010db8000000000000000000000005",
           "a trailing dot in the name");
    is_str(hosts(file, "llm.internal", 2), "0a000005 0a000006", "at most max");
    is_str(hosts(file, "llm", 16), "0a000005", "the second name of a line");
    is_str(hosts(file, "gpu", 16), "0a000006", "an indented line");
    is_str(hosts(file, "last", 16), "0a000008", "no final line feed");
    is_str(hosts(file, "llm2", 16), "", "comments do not count");
    is_str(hosts(file, "10.0.0.7", 16), "", "addresses are no names");
    is_str(hosts(file, "nonsense", 16), "", "neither is the first word");
    is_str(hosts(file, "llm.interna", 16), "", "no prefix");
    is_str(hosts(file, "llm.internall", 16), "", "no longer one");
    is_str(hosts(file, "", 16), "", "an empty name");
    is_str(hosts(file, ".", 16), "", "the root");
    is_str(hosts("", "localhost", 16), "", "an empty file");
    is_str(hosts("1.1.1.1 .\n2.2.2.2 x@y", "x@y", 16), "02020202",
           "a line with a dot alone");
    is_str(hosts("1.1.1.1 x@y\n", "x`y", 16), "", "@ and ` are different");
}


int
main(void)
{
    test_defaults();
    test_servers();
    test_domains();
    test_options();
    test_candidates();
    test_hosts();
    test_rubbish();

    return done_testing();
}
