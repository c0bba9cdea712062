/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * How long the first event of a stream takes to come.
 *
 *     first -r FILE -p PORT,PORT... -c N -q RATE -k N
 *
 * sends RATE requests a second (-q), evenly and to each port in turn, N (-k)
 * of them to each, on whichever of its N connections (-c) waits for nothing.
 * FILE is that of load.c; all of a request is sent before the next one is
 * due.  What is measured is the time from the first byte of a request to the
 * first one of an event.  A line for each port:
 *
 *     port PORT requests COUNT p50 NS p90 NS p99 NS max NS late NS
 *
 * where late is by how much the last of all requests was late: the clients
 * themselves were too slow where it is much.  Anything but streams that end
 * well ends the program with 1.
 */


#define _GNU_SOURCE

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>


#define FILE_MAX   (64 << 20)
#define HEAD_MAX   4096
#define PORTS      4
#define EVENTS     64

#define MARK       "########"
#define MARK_LEN   8

#define EVENT      "data: "
#define LAST       "\r\n0\r\n\r\n"
#define LAST_LEN   7

/* room for a request that nobody reads yet, and the end of all, s */
#define SEND_BUFFER  (512 << 10)
#define DEADLINE     120


typedef struct {
    int        port;
    uint64_t  *took;
    size_t     n;
} port_t;


typedef struct {
    int        fd;
    int        busy;
    port_t    *port;
    uint64_t   begun;
    int        came;                /* the first event has */
    size_t     len;                 /* of head */
    char       head[HEAD_MAX + 1];
    char       last[LAST_LEN];
} conn_t;


typedef struct {
    char      *data;
    size_t     len;
} request_t;


static int         ep;
static port_t      ports[PORTS];
static int         nports;
static conn_t     *conns;
static size_t      nconns;
static request_t  *requests;
static size_t      nrequests;
static uint64_t    number;
static size_t      open_requests;


static void
fail(const char *fmt, ...)
{
    va_list  args;

    fputs("first: ", stderr);

    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);

    fputc('\n', stderr);
    exit(1);
}


static uint64_t
now_ns(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000000000 + ts.tv_nsec;
}


static void
read_requests(const char *path)
{
    FILE  *f;
    char  *p, *end, *body, *length;

    p = malloc(FILE_MAX + 1);
    f = fopen(path, "rb");

    if (p == NULL || f == NULL) {
        fail("%s: %s", path, strerror(errno));
    }

    end = p + fread(p, 1, FILE_MAX, f);
    *end = '\0';
    fclose(f);

    while (p < end) {
        requests = realloc(requests, (nrequests + 1) * sizeof(request_t));
        body = strstr(p, "\r\n\r\n");
        length = strcasestr(p, "\r\nContent-Length:");

        if (requests == NULL || body == NULL || length == NULL
            || length > body)
        {
            fail("a request has no head, or no length");
        }

        requests[nrequests].data = p;

        p = body + 4 + strtoull(length + 17, NULL, 10);

        requests[nrequests].len = p - requests[nrequests].data;
        nrequests++;
    }
}


static void
connect_all(size_t each)
{
    int                  on, size;
    size_t               i;
    conn_t              *c;
    struct sockaddr_in   sin;
    struct epoll_event   ee;

    nconns = each * nports;
    conns = calloc(nconns, sizeof(conn_t));
    ep = epoll_create1(EPOLL_CLOEXEC);

    if (conns == NULL || ep == -1) {
        fail("no memory");
    }

    for (i = 0; i < nconns; i++) {
        c = &conns[i];
        c->port = &ports[i % nports];
        c->fd = socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, 0);

        on = 1;
        size = SEND_BUFFER;
        setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        setsockopt(c->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));

        memset(&sin, 0, sizeof(sin));
        sin.sin_family = AF_INET;
        sin.sin_port = htons(c->port->port);
        sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);

        ee.events = EPOLLIN;
        ee.data.ptr = c;

        if (connect(c->fd, (struct sockaddr *) &sin, sizeof(sin)) == -1
            || epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &ee) == -1)
        {
            fail("connect: %s", strerror(errno));
        }
    }
}


static void
send_request(port_t *port)
{
    char       *p, digits[32];
    size_t      i;
    conn_t     *c;
    request_t  *r;

    for (i = 0; i < nconns; i++) {
        if (conns[i].port == port && !conns[i].busy) {
            break;
        }
    }

    if (i == nconns) {
        fail("all connections are busy");
    }

    c = &conns[i];
    r = &requests[number % nrequests];

    /* each one is another text */

    snprintf(digits, sizeof(digits), "%08lu",
             (unsigned long) (number++ % 100000000));

    for (p = r->data;
         (p = memmem(p, r->data + r->len - p, MARK, MARK_LEN)) != NULL; )
    {
        memcpy(p, digits, MARK_LEN);
    }

    c->busy = 1;
    c->came = 0;
    c->len = 0;
    c->begun = now_ns();
    open_requests++;

    if (send(c->fd, r->data, r->len, MSG_NOSIGNAL|MSG_DONTWAIT)
        != (ssize_t) r->len)
    {
        fail("send: %s", strerror(errno));
    }
}


static void
receive(conn_t *c)
{
    size_t    n;
    ssize_t   got;

    static char  buf[65536];

    got = recv(c->fd, buf, sizeof(buf), MSG_DONTWAIT);

    if (got == -1 && errno == EAGAIN) {
        return;
    }

    if (got <= 0) {
        fail("a connection was closed");
    }

    if (!c->busy) {
        fail("there is more than the answer");
    }

    if (!c->came) {
        n = (size_t) got < HEAD_MAX - c->len ? (size_t) got
                                             : HEAD_MAX - c->len;
        memcpy(c->head + c->len, buf, n);
        c->len += n;
        c->head[c->len] = '\0';

        if (strncmp(c->head, "HTTP/1.1 200 ", c->len < 13 ? c->len : 13)
            != 0)
        {
            fail("the answer is\n%s", c->head);
        }

        if (strstr(c->head, EVENT)) {
            c->came = 1;
            c->port->took[c->port->n++] = now_ns() - c->begun;

        } else if (c->len == HEAD_MAX) {
            fail("the answer is no stream:\n%s", c->head);
        }
    }

    if (got < LAST_LEN) {
        memmove(c->last, c->last + got, LAST_LEN - got);
        memcpy(c->last + LAST_LEN - got, buf, got);

    } else {
        memcpy(c->last, buf + got - LAST_LEN, LAST_LEN);
    }

    if (memcmp(c->last, LAST, LAST_LEN) == 0) {

        if (!c->came) {
            fail("a stream has no event");
        }

        memset(c->last, 0, LAST_LEN);
        c->busy = 0;
        open_requests--;
    }
}


static void
turn_until(uint64_t when)
{
    int                 i, n;
    uint64_t            now;
    struct pollfd       in;
    struct timespec     ts;
    struct epoll_event  events[EVENTS];

    in.fd = ep;
    in.events = POLLIN;

    do {
        now = now_ns();
        ts.tv_sec = 0;
        ts.tv_nsec = (when > now) ? when - now : 0;

        if (ts.tv_nsec > 10000000) {
            ts.tv_nsec = 10000000;
        }

        /* epoll_wait() knows nothing shorter than a millisecond */

        (void) ppoll(&in, 1, &ts, NULL);

        n = epoll_wait(ep, events, EVENTS, 0);

        for (i = 0; i < n; i++) {
            receive(events[i].data.ptr);
        }

    } while (now_ns() < when);
}


static int
compare(const void *one, const void *two)
{
    const uint64_t  *a = one, *b = two;

    return (*a > *b) - (*a < *b);
}


int
main(int argc, char **argv)
{
    int       c, i;
    char     *p;
    size_t    each, count, k;
    double    rate;
    uint64_t  begin, due, late;
    port_t   *port;

    each = count = 0;
    rate = 0;

    while ((c = getopt(argc, argv, "c:k:p:q:r:")) != -1) {

        switch (c) {

        case 'c':
            each = strtoul(optarg, NULL, 10);
            break;

        case 'k':
            count = strtoul(optarg, NULL, 10);
            break;

        case 'p':
            for (p = strtok(optarg, ","); p && nports < PORTS;
                 p = strtok(NULL, ","))
            {
                ports[nports++].port = atoi(p);
            }

            break;

        case 'q':
            rate = atof(optarg);
            break;

        case 'r':
            read_requests(optarg);
            break;

        default:
            return 2;
        }
    }

    if (nports == 0 || nrequests == 0 || each == 0 || count == 0
        || rate <= 0)
    {
        fail("-r, -p, -c, -q and -k are needed");
    }

    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    alarm(DEADLINE);

    for (i = 0; i < nports; i++) {
        ports[i].took = calloc(count, sizeof(uint64_t));
        if (ports[i].took == NULL) {
            fail("no memory");
        }
    }

    connect_all(each);
    turn_until(now_ns() + 50000000);

    begin = now_ns();
    late = 0;

    for (k = 0; k < count * nports; k++) {
        due = begin + (uint64_t) (k * 1e9 / rate);

        turn_until(due);
        send_request(&ports[k % nports]);

        late = now_ns() - due;
    }

    while (open_requests) {
        turn_until(now_ns() + 1000000);
    }

    for (i = 0; i < nports; i++) {
        port = &ports[i];
        qsort(port->took, port->n, sizeof(uint64_t), compare);

        printf("port %d requests %lu p50 %lu p90 %lu p99 %lu max %lu"
               " late %lu\n", port->port, (unsigned long) port->n,
               (unsigned long) port->took[port->n / 2],
               (unsigned long) port->took[port->n * 9 / 10],
               (unsigned long) port->took[port->n * 99 / 100],
               (unsigned long) port->took[port->n - 1],
               (unsigned long) late);
    }

    return 0;
}
