/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The clients of the benchmark, and what the kernel says that the server's
 * worker spends on them.
 *
 *     load -w PID -r FILE -p PORT -n N[,N...] [-o MS] [-s MS] [-t MS]
 *
 * holds streams open.  For each N: streams are opened, evenly within MS (-o,
 * 500), until N are open and had two events each; then nothing is measured
 * for MS (-s, 300), then the events and the worker's CPU are for MS (-t, 0).
 *
 *     load -w PID -r FILE -p PORT,PORT... -c N -k N [-t MS]
 *
 * sends requests on N (-c) connections to each port, the next one when the
 * answer to the last is whole; the ports take turns of MS (-t), N (-k) times.
 *
 * PID is the worker's.  FILE has a request, head and body, as it goes over the
 * wire, or several of them, which are sent in turn.  "########" in a body is
 * replaced by the number of the request, in digits, each time it is sent, so
 * that it is another one.  A line for each N or for each port says what became
 * of it:
 *
 *     streams N events COUNT ns WALL cpu NS rss KIB pss KIB
 *     port PORT requests COUNT ns WALL cpu NS
 *
 * An answer other than 200, a connection that is closed, and a stream that
 * ends, end the program with 1.
 */


#define _GNU_SOURCE

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>


#define HEAD_MAX   2048
#define FILE_MAX   (64 << 20)
#define EVENTS     512
#define STEPS      8
#define PORTS      8

/* what is replaced by a number */
#define MARK       "########"
#define MARK_LEN   8

/* streams that are not yet open, so that no accept queue overflows */
#define OPENING    128

/* what an open stream must have had */
#define FIRST      2

/* all must be over by then, seconds */
#define DEADLINE   60


typedef enum {
    IN_HEAD = 0,
    IN_SIZE,
    IN_EXTENSION,
    IN_CHUNK,
    IN_CHUNK_END,
    IN_LAST,
    IN_PLAIN
} state_e;


typedef struct {
    int        port;
    size_t     busy;                /* requests without an answer yet */
    uint64_t   requests;            /* that were answered */
    uint64_t   wall;
    uint64_t   cpu;
} port_t;


typedef struct {
    char      *data;
    size_t     len;
    size_t     first;               /* of marks[] */
    size_t     nmarks;
} request_t;


typedef struct {
    int        fd;
    port_t    *port;
    request_t *request;
    state_e    state;
    size_t     sent;
    size_t     head;                /* bytes of it */
    uint64_t   size;                /* of the chunk or body: what is left */
    uint64_t   events;
    int        digits;
    int        lf;                  /* the last byte was a line feed */
    char      *text;                /* the head, as far as it came */
} stream_t;


static int         ep;
static port_t      ports[PORTS];
static int         nports;
static port_t     *sending;         /* whose turn it is */
static pid_t       worker;
static clockid_t   worker_clock;
static request_t  *requests;
static size_t      nrequests, next_request;
static char      **marks;
static size_t      nmarks;
static uint64_t    number;
static stream_t   *streams;
static size_t      nopened, nopen;
static uint64_t    nevents;


static void send_request(stream_t *s);


static void
fail(const char *fmt, ...)
{
    va_list  args;

    fputs("load: ", stderr);

    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);

    fputc('\n', stderr);
    exit(1);
}


static uint64_t
clock_ns(clockid_t clock)
{
    struct timespec  ts;

    if (clock_gettime(clock, &ts) == -1) {
        fail("the clock of the worker: %s", strerror(errno));
    }

    return (uint64_t) ts.tv_sec * 1000000000 + ts.tv_nsec;
}


/* a request of a file, of which p is left; returns where the next one is */

static char *
add_request(char *p, char *end)
{
    char       *body, *last;
    request_t  *r;

    requests = realloc(requests, (nrequests + 1) * sizeof(request_t));
    body = strstr(p, "\r\n\r\n");
    last = strcasestr(p, "\r\nContent-Length:");

    if (requests == NULL || body == NULL || last == NULL || last > body) {
        fail("a request has no head, or no length");
    }

    body += 4;
    last = body + strtoull(last + sizeof("\r\nContent-Length:") - 1, NULL, 10);

    if (last > end) {
        fail("a request is cut");
    }

    r = &requests[nrequests++];
    r->data = p;
    r->len = last - p;
    r->first = nmarks;

    while ((body = memmem(body, last - body, MARK, MARK_LEN)) != NULL) {

        marks = realloc(marks, (nmarks + 1) * sizeof(char *));
        if (marks == NULL) {
            fail("no memory");
        }

        marks[nmarks++] = body;
        body += MARK_LEN;
    }

    r->nmarks = nmarks - r->first;

    return last;
}


static void
read_requests(const char *path)
{
    FILE    *f;
    char    *p, *end;

    p = malloc(FILE_MAX + 1);
    f = fopen(path, "rb");

    if (p == NULL || f == NULL) {
        fail("%s: %s", path, strerror(errno));
    }

    end = p + fread(p, 1, FILE_MAX, f);
    *end = '\0';
    fclose(f);

    while (p < end) {
        p = add_request(p, end);
    }
}


/* the request that is to be sent next, which nobody is sending */

static void
choose_request(stream_t *s)
{
    char        digits[32];
    size_t      i;
    request_t  *r;

    r = &requests[next_request];
    next_request = (next_request + 1) % nrequests;

    if (r->nmarks) {
        snprintf(digits, sizeof(digits), "%08lu",
                 (unsigned long) (number++ % 100000000));

        for (i = 0; i < r->nmarks; i++) {
            memcpy(marks[r->first + i], digits, MARK_LEN);
        }
    }

    s->request = r;
    s->sent = 0;
}


/* KiB of the worker's memory */

static void
read_memory(long *rss, long *pss)
{
    FILE  *f;
    char   path[64], line[256];

    *rss = *pss = -1;

    snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int) worker);

    f = fopen(path, "r");
    if (f == NULL) {
        fail("%s: %s", path, strerror(errno));
    }

    while (fgets(line, sizeof(line), f)) {
        sscanf(line, "Rss: %ld", rss);
        sscanf(line, "Pss: %ld", pss);
    }

    fclose(f);
}


static stream_t *
open_stream(port_t *port)
{
    int                  on;
    stream_t            *s;
    struct sockaddr_in   sin;
    struct epoll_event   ee;

    s = &streams[nopened++];

    s->port = port;
    s->fd = socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK|SOCK_CLOEXEC, 0);
    s->text = malloc(HEAD_MAX);

    if (s->fd == -1 || s->text == NULL) {
        fail("socket: %s", strerror(errno));
    }

    on = 1;
    setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));

    memset(&sin, 0, sizeof(sin));
    sin.sin_family = AF_INET;
    sin.sin_port = htons(port->port);
    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);

    if (connect(s->fd, (struct sockaddr *) &sin, sizeof(sin)) == -1
        && errno != EINPROGRESS)
    {
        fail("connect: %s", strerror(errno));
    }

    ee.events = EPOLLIN|EPOLLOUT|EPOLLET;
    ee.data.ptr = s;

    if (epoll_ctl(ep, EPOLL_CTL_ADD, s->fd, &ee) == -1) {
        fail("epoll_ctl: %s", strerror(errno));
    }

    return s;
}


/* the answer is whole */

static void
end_answer(stream_t *s)
{
    if (sending == NULL && s->port->busy == 0) {
        fail("a stream ended after %lu events", (unsigned long) s->events);
    }

    s->state = IN_HEAD;
    s->head = 0;
    s->port->busy--;
    s->port->requests++;

    if (sending == s->port) {
        choose_request(s);
        s->port->busy++;
        send_request(s);
    }
}


static void
send_request(stream_t *s)
{
    ssize_t  n;

    while (s->sent < s->request->len) {

        n = send(s->fd, s->request->data + s->sent, s->request->len - s->sent,
                 MSG_NOSIGNAL);

        if (n == -1) {

            if (errno == EAGAIN || errno == ENOTCONN) {
                return;
            }

            fail("send: %s", strerror(errno));
        }

        s->sent += n;
    }
}


/* collects the head, returns where the body begins, or NULL */

static char *
parse_head(stream_t *s, char *p, char *end)
{
    size_t   had, len;
    char    *last;

    had = s->head;
    len = end - p;

    if (len > HEAD_MAX - 1 - had) {
        len = HEAD_MAX - 1 - had;
    }

    memcpy(s->text + had, p, len);
    s->head += len;
    s->text[s->head] = '\0';

    last = strstr(s->text, "\r\n\r\n");

    if (last == NULL) {

        if (s->head == HEAD_MAX - 1) {
            fail("the head of the answer is too long");
        }

        return NULL;
    }

    last += 4;
    p += last - s->text - had;
    *last = '\0';

    if (strncmp(s->text, "HTTP/1.1 200 ", 13) != 0) {
        fail("the answer is\n%s", s->text);
    }

    s->size = 0;
    s->digits = 0;

    if (strcasestr(s->text, "\r\ntransfer-encoding: chunked")) {
        s->state = IN_SIZE;
        return p;
    }

    last = strcasestr(s->text, "\r\ncontent-length:");

    if (last == NULL) {
        fail("the answer has no length");
    }

    s->size = strtoull(last + sizeof("\r\ncontent-length:") - 1, NULL, 10);
    s->state = IN_PLAIN;

    if (s->size == 0) {
        fail("the answer is empty");
    }

    return p;
}


static void
count_events(stream_t *s, const char *p, const char *end)
{
    const char  *lf;

    /* an event ends with an empty line */

    while (p < end) {

        if (s->lf && *p == '\n') {

            s->lf = 0;
            s->events++;
            nevents++;

            if (s->events == FIRST) {
                nopen++;
            }

            p++;
            continue;
        }

        lf = memchr(p, '\n', end - p);

        if (lf == NULL) {
            s->lf = 0;
            return;
        }

        s->lf = 1;
        p = lf + 1;
    }
}


static void
parse_body(stream_t *s, char *p, char *end)
{
    int       c, digit;
    uint64_t  n;

    while (p < end) {

        switch (s->state) {

        case IN_SIZE:

            c = *p++ | 0x20;
            digit = (c >= '0' && c <= '9') ? c - '0'
                    : (c >= 'a' && c <= 'f') ? c - 'a' + 10 : -1;

            if (digit != -1) {
                s->size = s->size * 16 + digit;
                s->digits++;
                break;
            }

            s->state = IN_EXTENSION;
            p--;

            /* fall through */

        case IN_EXTENSION:

            if (*p++ != '\n') {
                break;
            }

            if (s->digits == 0) {
                fail("a chunk has no size");
            }

            if (s->size == 0) {
                s->state = IN_LAST;
                break;
            }

            s->digits = 0;
            s->state = IN_CHUNK;
            break;

        case IN_CHUNK:

            n = (uint64_t) (end - p) < s->size ? (uint64_t) (end - p)
                                               : s->size;

            count_events(s, p, p + n);

            p += n;
            s->size -= n;

            if (s->size == 0) {
                s->state = IN_CHUNK_END;
            }

            break;

        case IN_CHUNK_END:

            if (*p++ == '\n') {
                s->state = IN_SIZE;
            }

            break;

        case IN_LAST:

            if (*p++ == '\n') {
                end_answer(s);
            }

            break;

        case IN_PLAIN:

            if ((uint64_t) (end - p) > s->size) {
                fail("the answer is longer than it says");
            }

            s->size -= end - p;
            p = end;

            if (s->size == 0) {
                end_answer(s);
            }

            break;

        default: /* IN_HEAD */

            fail("there is more than the answer");
        }
    }
}


static void
read_stream(stream_t *s)
{
    char     *p;
    ssize_t   n;

    static char  buf[65536];

    for ( ;; ) {

        n = recv(s->fd, buf, sizeof(buf), 0);

        if (n == -1) {

            if (errno == EAGAIN || errno == ENOTCONN) {
                return;
            }

            fail("recv: %s", strerror(errno));
        }

        if (n == 0) {
            fail("a connection was closed after %lu events",
                 (unsigned long) s->events);
        }

        p = buf;

        if (s->state == IN_HEAD) {
            p = parse_head(s, buf, buf + n);
        }

        if (p) {
            parse_body(s, p, buf + n);
        }

        if ((size_t) n < sizeof(buf)) {
            return;
        }
    }
}


static void
turn(int timeout)
{
    int                  i, n;
    stream_t            *s;
    struct epoll_event   events[EVENTS];

    n = epoll_wait(ep, events, EVENTS, timeout);

    for (i = 0; i < n; i++) {
        s = events[i].data.ptr;

        if (s->request && s->sent < s->request->len
            && (events[i].events & EPOLLOUT))
        {
            send_request(s);
        }

        if (events[i].events & (EPOLLIN|EPOLLERR|EPOLLHUP)) {
            read_stream(s);
        }
    }
}


static void
turn_for(uint64_t ms)
{
    uint64_t  now, end;

    end = clock_ns(CLOCK_MONOTONIC) + ms * 1000000;

    while ((now = clock_ns(CLOCK_MONOTONIC)) < end) {
        turn((int) ((end - now + 999999) / 1000000));
    }
}


static void
open_streams(size_t n, uint64_t ms)
{
    size_t    had, due;
    uint64_t  begin, now;

    had = nopened;
    begin = clock_ns(CLOCK_MONOTONIC);

    while (nopen < n) {

        now = clock_ns(CLOCK_MONOTONIC) - begin;
        due = n;

        if (now < ms * 1000000) {
            due = had + (n - had) * (now / 1000) / (ms * 1000);
        }

        while (nopened < due && nopened - nopen < OPENING) {
            choose_request(open_stream(&ports[0]));
        }

        turn(1);
    }
}


static void
measure_streams(size_t n, uint64_t ms)
{
    long      rss, pss;
    uint64_t  events, cpu, wall;

    events = nevents;
    cpu = clock_ns(worker_clock);
    wall = clock_ns(CLOCK_MONOTONIC);

    turn_for(ms);

    cpu = clock_ns(worker_clock) - cpu;
    wall = clock_ns(CLOCK_MONOTONIC) - wall;
    events = nevents - events;

    read_memory(&rss, &pss);

    printf("streams %lu events %lu ns %lu cpu %lu rss %ld pss %ld\n",
           (unsigned long) n, (unsigned long) events, (unsigned long) wall,
           (unsigned long) cpu, rss, pss);
    fflush(stdout);
}


/* a turn begins and ends with nothing on its way */

static void
take_turn(port_t *port, uint64_t ms)
{
    size_t    i;
    uint64_t  cpu, wall;

    cpu = clock_ns(worker_clock);
    wall = clock_ns(CLOCK_MONOTONIC);

    sending = port;

    for (i = 0; i < nopened; i++) {
        if (streams[i].port == port) {
            choose_request(&streams[i]);
            port->busy++;
            send_request(&streams[i]);
        }
    }

    while (clock_ns(CLOCK_MONOTONIC) < wall + ms * 1000000) {
        turn(10);
    }

    sending = NULL;

    while (port->busy) {
        turn(10);
    }

    port->wall += clock_ns(CLOCK_MONOTONIC) - wall;

    /* the worker has its log to write yet */

    usleep(1000);

    port->cpu += clock_ns(worker_clock) - cpu;
}


static void
measure_requests(size_t conns, int turns, uint64_t ms)
{
    int     i, k;
    size_t  n;

    for (i = 0; i < nports; i++) {
        for (n = 0; n < conns; n++) {
            open_stream(&ports[i]);
        }
    }

    /* they are connected, and what is allocated once is */

    turn_for(20);

    for (i = 0; i < nports; i++) {
        take_turn(&ports[i], ms);

        ports[i].requests = ports[i].wall = ports[i].cpu = 0;
    }

    for (k = 0; k < turns; k++) {
        for (i = 0; i < nports; i++) {
            take_turn(&ports[i], ms);
        }
    }

    for (i = 0; i < nports; i++) {
        printf("port %d requests %lu ns %lu cpu %lu\n", ports[i].port,
               (unsigned long) ports[i].requests,
               (unsigned long) ports[i].wall,
               (unsigned long) ports[i].cpu);
    }
}


int
main(int argc, char **argv)
{
    int             c, i, nsteps, conns, turns;
    char           *p;
    size_t          steps[STEPS];
    uint64_t        ramp, settle, window;
    struct rlimit   limit;

    nsteps = conns = turns = 0;
    ramp = 500;
    settle = 300;
    window = 0;

    while ((c = getopt(argc, argv, "c:k:p:r:w:n:o:s:t:")) != -1) {

        switch (c) {

        case 'c':
            conns = atoi(optarg);
            break;

        case 'k':
            turns = atoi(optarg);
            break;

        case 'p':
            for (p = strtok(optarg, ","); p && nports < PORTS;
                 p = strtok(NULL, ","))
            {
                ports[nports++].port = atoi(p);
            }

            break;

        case 'r':
            read_requests(optarg);
            break;

        case 'w':
            worker = atoi(optarg);
            break;

        case 'n':
            for (p = strtok(optarg, ","); p && nsteps < STEPS;
                 p = strtok(NULL, ","))
            {
                steps[nsteps++] = strtoul(p, NULL, 10);
            }

            break;

        case 'o':
            ramp = strtoul(optarg, NULL, 10);
            break;

        case 's':
            settle = strtoul(optarg, NULL, 10);
            break;

        case 't':
            window = strtoul(optarg, NULL, 10);
            break;

        default:
            return 2;
        }
    }

    if (nports == 0 || worker == 0 || nrequests == 0 || ramp == 0
        || (nsteps == 0 && (conns == 0 || window == 0)))
    {
        fail("-w, -r, -p and -n, or -c and -t, are needed");
    }

    if (clock_getcpuclockid(worker, &worker_clock) != 0) {
        fail("there is no process %d", (int) worker);
    }

    /* nothing is left behind, whoever dies */

    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    alarm(DEADLINE);

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }

    if (nmarks && nrequests <= (nsteps ? steps[nsteps - 1]
                                       : (size_t) conns * nports))
    {
        fail("there must be more requests than streams, as each is changed");
    }

    streams = calloc(nsteps ? steps[nsteps - 1] : (size_t) conns * nports,
                     sizeof(stream_t));
    ep = epoll_create1(EPOLL_CLOEXEC);

    if (streams == NULL || ep == -1) {
        fail("epoll_create: %s", strerror(errno));
    }

    if (nsteps == 0) {
        measure_requests(conns, turns, window);
    }

    for (i = 0; i < nsteps; i++) {
        open_streams(steps[i], ramp);
        turn_for(settle);
        measure_streams(steps[i], window);
    }

    return 0;
}
