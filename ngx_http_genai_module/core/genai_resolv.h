/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The two files by which a host finds addresses, /etc/resolv.conf and
 * /etc/hosts, read the way that resolv.conf(5), hosts(5) and resolver(3) of
 * the Linux man-pages describe, so that a name means here what it means to
 * every other program of the host.  Asking a name server is somebody else's.
 *
 * All functions work on bytes that the caller has read, which need not be
 * terminated, may be anything at all and are not changed.  Nothing is
 * allocated; results are bounded and belong to the caller.  There is no
 * state: all functions are thread-safe.
 */


#ifndef _GENAI_RESOLV_H_INCLUDED_
#define _GENAI_RESOLV_H_INCLUDED_


#include "genai_str.h"


/* name servers and search domains that are used, of resolv.conf(5) */
#define GENAI_RESOLV_SERVERS  3
#define GENAI_RESOLV_DOMAINS  6

/* a domain name as text, without a trailing dot, and its labels: RFC 1035 */
#define GENAI_RESOLV_NAME     253
#define GENAI_RESOLV_LABEL    63

/* the text of an IPv6 address with its scope, "fe80::1%interface" */
#define GENAI_RESOLV_ADDRESS  63


typedef struct {
    char            text[GENAI_RESOLV_ADDRESS + 1];
    unsigned char   len;
    unsigned        ipv6:1;
    unsigned        scoped:1;       /* text has "%SCOPE" */
} genai_resolv_server_t;


typedef struct {
    char            text[GENAI_RESOLV_NAME + 1];
    unsigned char   len;
} genai_resolv_domain_t;


typedef struct {
    unsigned                ndots;          /* 0 .. 15, 1 if not set */
    unsigned                timeout;        /* seconds, 1 .. 30, 5 */
    unsigned                attempts;       /* 1 .. 5, 2 */

    unsigned                nservers;
    unsigned                ndomains;

    genai_resolv_server_t   servers[GENAI_RESOLV_SERVERS];
    genai_resolv_domain_t   domains[GENAI_RESOLV_DOMAINS];
} genai_resolv_conf_t;


typedef struct {
    unsigned char   bytes[16];      /* in network order; IPv4 has 4 */
    unsigned        ipv6:1;
} genai_resolv_addr_t;


/*
 * Reads the text of /etc/resolv.conf.  With len == 0 conf gets the values of
 * an empty file: no name server, no domain, the defaults above.
 *
 * A keyword starts its line; what is unknown, malformed or above the bounds
 * is left out, the rest of the file counts.  Of several "search" and "domain"
 * lines the last one holds, of options the last value, cut to its range.
 * The texts in conf are terminated; domains have no trailing dot, and the
 * root, "search .", is no domain.
 */
void genai_resolv_parse(genai_resolv_conf_t *conf, const unsigned char *text,
    size_t len);

/*
 * Finds the addresses of a name in the text of /etc/hosts, without regard to
 * case and to a trailing dot of the name, in the order of the file and each
 * once, at most max of them.  Scoped addresses are left out.
 *
 * Returns their number, 0 where the name is not in the file.
 */
size_t genai_resolv_hosts(const unsigned char *text, size_t len,
    const genai_str_t *name, genai_resolv_addr_t *addrs, size_t max);

/*
 * The n-th name, from 0, that is to be asked for in place of name, until one
 * has addresses: a name with a trailing dot is itself only; one with at least
 * ndots dots is itself first and then has each search domain appended; any
 * other is itself last.  Names that would be too long are passed over.
 *
 * Returns the length of what was written to dst, which has room for
 * GENAI_RESOLV_NAME + 1 bytes: a terminated name without a trailing dot; or 0
 * where there is no n-th, which also a name that is no domain name gets.
 */
size_t genai_resolv_candidate(const genai_resolv_conf_t *conf,
    const genai_str_t *name, unsigned n, unsigned char *dst);


#endif /* _GENAI_RESOLV_H_INCLUDED_ */
