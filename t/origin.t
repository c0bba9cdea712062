# SPDX-License-Identifier: Apache-2.0

# Peers of "pass http://HOST:PORT": names that are looked up while nginx runs,
# several addresses, idle connections.  The name server is a scripted one.

use strict;
use warnings;

use lib 't/lib';

use GenAI::Cert;
use GenAI::Test;
use GenAI::Upstream;

use Time::HiRes qw(sleep time);


# What the tests' names have is in a zone file that is read for every query:
# { name => { a => [...], aaaa => [...], ttl => n, rcode => n, silent => 1 } }

{
    package Dns;

    use IO::Socket::INET;
    use JSON::PP ();
    use Socket qw(AF_INET AF_INET6 inet_pton);

    use GenAI::Util qw(:DEFAULT die_with_parent);

    sub new {
        my ($class, %zone) = @_;

        my $self = bless { dir => File::Temp->newdir }, $class;

        $self->zone(%zone);

        my $s = IO::Socket::INET->new(Proto => 'udp',
            LocalAddr => '127.0.0.1', LocalPort => 0) or die "udp: $!";

        $self->{port} = $s->sockport;
        $self->{pid} = fork // die "fork: $!";

        if (!$self->{pid}) {
            $SIG{ALRM} = 'DEFAULT';
            die_with_parent(9);
            $self->serve($s);
        }

        GenAI::Test->register($self);

        return $self;
    }

    sub port { return $_[0]{port} }

    sub zone {
        my ($self, %zone) = @_;
        spew("$self->{dir}/zone", json_text(\%zone));
    }

    # the names that were asked for, "a api.test", in order
    sub queries {
        my ($self) = @_;
        return split /\n/, eval { slurp("$self->{dir}/log") } // '';
    }

    sub count {
        my ($self, $query) = @_;
        return scalar grep { $_ eq $query } $self->queries;
    }

    sub stop {
        my ($self) = @_;
        my $pid = delete $self->{pid} or return;
        kill 'KILL', $pid;
        waitpid $pid, 0;
    }

    sub finish { $_[0]->stop }

    sub serve {
        my ($self, $s) = @_;

        while (defined(my $peer = $s->recv(my $packet, 1500))) {

            my $at = 12;
            my @labels;

            while (my $len = ord substr($packet, $at, 1)) {
                push @labels, substr($packet, $at + 1, $len);
                $at += 1 + $len;
            }

            my $name = lc join('.', @labels);
            my $type = unpack('n', substr($packet, $at + 1, 2));
            my $kind = { 1 => 'a', 28 => 'aaaa' }->{$type} // $type;

            open my $log, '>>', "$self->{dir}/log" or die;
            syswrite $log, "$kind $name\n";
            close $log;

            my $zone = JSON::PP::decode_json(slurp("$self->{dir}/zone"));
            my $e = $zone->{$name} || { rcode => 3 };

            next if $e->{silent};

            my @rr = map {
                my $data = inet_pton($kind eq 'a' ? AF_INET : AF_INET6, $_);
                pack('nnnNn', 0xc00c, $type, 1, $e->{ttl} // 60, length $data)
                    . $data;
            } @{$e->{$kind} || []};

            $s->send(substr($packet, 0, 2)
                     . pack('nnnnn', 0x8180 | ($e->{rcode} || 0), 1,
                            scalar @rr, 0, 0)
                     . substr($packet, 12, $at + 5 - 12)
                     . join('', @rr), 0, $peer);
        }

        POSIX::_exit(0);
    }
}


# An nginx whose one provider leads to a host.  dns: the name server that it is
# told of; ca: the provider speaks TLS.

sub gateway {
    my ($host, $port, %o) = @_;

    my $resolver = $o{dns} ? 'resolver 127.0.0.1:' . $o{dns}->port . ';' : '';
    my $scheme = $o{ca} ? 'https' : 'http';
    my $trusted = $o{ca} ? "ssl_trusted_certificate $o{ca};" : '';

    return GenAI::Test->new(%o)->conf(<<"EOC", HOST => $host, UP => $port);
http {
    resolver_timeout @{[ $o{timeout} || '1s' ]};
    log_format peers '\$status \$upstream_addr';
    access_log %%TESTDIR%%/peers.log peers;

    genai_provider up {
        dialect openai;
        pass $scheme://%%HOST%%:%%UP%%/v1;
        $resolver $trusted
        connect_timeout 1s;
    }
    genai_model m { target up; next_target_tries 20; }

    server {
        listen 127.0.0.1:%%PORT_0%%;
        location /v1/ { genai_pass; genai_auth off; }
    }
}
EOC
}


my $body = json_text({ model => 'm',
                       messages => [ { role => 'user', content => 'hi' } ] });


sub ask {
    my ($t) = @_;

    return $t->post('/v1/chat/completions', $body)->status // 0;
}


# a request whose answer is read later
sub begin {
    my ($t) = @_;

    my $c = $t->connect;

    $c->request('POST', '/v1/chat/completions', close => 1, body => $body,
                headers => [ 'Content-Type', 'application/json' ]);

    return $c;
}


# the last line of the log of peers, waited for
sub last_peers {
    my ($t, $n) = @_;

    my @lines;

    wait_for(sub {
        @lines = split /\n/, eval { $t->read_file('peers.log') } // '';
        @lines >= $n;
    });

    return $lines[$n - 1] // '';
}


sub logged {
    my ($t, $re) = @_;

    my @all = grep { /$re/ }
        $t->error_log =~ /^(\S+ \S+ \[(?:warn|error|notice)\].*)$/mg;

    return scalar @all;
}


# ---- a name with one address, and what becomes of it

{
    my $up = GenAI::Upstream->new(name => 'upstream of names');
    my $port = $up->port;
    my $dns = Dns->new('api.test' => { a => ['127.0.0.1'], ttl => 1 });
    my $t = gateway('api.test', $port, dns => $dns, name => 'names');

    $t->run;

    ok(wait_for(sub { $dns->count('a api.test') }),
       'asked for when the worker starts');
    is(ask($t), 200, 'a name is resolved');
    is(last_peers($t, 1), "200 127.0.0.1:$port", 'its address is logged');

    is(ask($t), 200, 'and again') for 1 .. 3;
    is($up->connections, 1, 'on the same connection');
    is($dns->count('a api.test'), 1, 'without another query');
    is($dns->count('aaaa api.test'), 1, 'and of the other kind of address');

    # nobody listens on 127.0.0.2

    # nginx's resolver counts in whole seconds

    $dns->zone('api.test' => { a => ['127.0.0.2'], ttl => 1 });
    sleep 2.1;
    is(ask($t), 200, 'what has expired serves until the answer is here');
    ok(wait_for(sub { $up->closed(0, 1) }),
       'idle connections to the old address are closed');
    is(ask($t), 502, 'the new address is used');
    like(last_peers($t, 6), qr/^502 127.0.0.2:$port/, 'it is logged');

    $dns->zone('api.test' => { a => ['127.0.0.1'], ttl => 300 });
    sleep 2.1;
    ask($t);
    ok(wait_for(sub { ask($t) == 200 }), 'and the one after it');

    $dns->zone('api.test' => { rcode => 3 });
    $t->reload;
    is(ask($t), 502, 'a name that is no more');
    is(logged($t, 'the provider cannot be used'), 1, 'the log says so');
}


# ---- the name is not there when nginx starts

{
    my $up = GenAI::Upstream->new(name => 'upstream of late');
    my $dns = Dns->new;
    my $t = gateway('late.test', $up->port, dns => $dns, name => 'late');

    $t->run;

    ok(wait_for(sub { $dns->count('a late.test') }), 'asked for at start');

    is(ask($t), 502, 'no such name') for 1 .. 5;
    cmp_ok($dns->count('a late.test'), '<=', 2, 'asked for once a second');
    is(logged($t, 'late.test.*could not be resolved'), 1, 'logged once');
    like($t->error_log, qr/3: Host not found/, 'with its reason');

    $dns->zone('late.test' => { a => ['127.0.0.1'] });
    sleep 1.1;
    is(ask($t), 200, 'there later: the request waits for the answer');
    is(logged($t, 'resolved again'), 1, 'logged');

    my $n = $dns->queries;
    is(ask($t), 200, 'again');
    is(scalar(my @q = $dns->queries), $n, 'without a query');
}


# ---- the name server is silent

{
    my $up = GenAI::Upstream->new(name => 'upstream of silence');
    my $dns = Dns->new('mute.test' => { silent => 1 });
    my $t = gateway('mute.test', $up->port, dns => $dns, name => 'silence');

    my $began = time;

    $t->run;

    my @c = map { begin($t) } 1 .. 3;

    is($_->response->status, 502, 'not answered: 502') for @c;
    cmp_ok(time - $began, '<', 3 * $GenAI::Test::SCALE,
           'when the time for the query is over');
    like($t->error_log, qr/Operation timed out/, 'logged');

    $began = time;
    sleep 1.1;
    is(ask($t), 502, 'then 502') for 1 .. 3;
    cmp_ok(time - $began, '<', 2 * $GenAI::Test::SCALE, 'at once');

    $dns->zone('mute.test' => { a => ['127.0.0.1'] });
    ok(wait_for(sub { ask($t) == 200 }, 10), 'until the server answers');
}


# ---- known addresses outlive their name server

{
    my $up = GenAI::Upstream->new(name => 'upstream of stale');
    my $dns = Dns->new('api.test' => { a => ['127.0.0.1'], ttl => 0 });
    my $t = gateway('api.test', $up->port, dns => $dns, name => 'stale');

    $t->run;
    is(ask($t), 200, 'resolved, TTL 0');
    is(ask($t), 200, 'again') for 1 .. 3;
    cmp_ok($dns->count('a api.test'), '<=', 2, 'not a query a request');

    $dns->zone('api.test' => { rcode => 2 });

    for (1 .. 4) {
        sleep 0.6;
        is(ask($t), 200, 'the name server fails, the address serves');
    }

    ok(wait_for(sub { logged($t, 'known before stay in use') }), 'logged');
    is(logged($t, 'known before stay in use'), 1, 'once');

    $dns->zone('api.test' => { a => ['127.0.0.1'], ttl => 60 });
    sleep 1.1;
    is(ask($t), 200, 'the name server is back');
    ok(wait_for(sub { logged($t, 'resolved again') }), 'logged');
}


# ---- several addresses

{
    my $up = GenAI::Upstream->new(name => 'upstream of addresses',
                                  requests => [ [ [ json => 200, {} ],
                                                  'close' ] ]);
    my $port = $up->port;
    my $dns = Dns->new('two.test' => { a => ['127.0.0.2', '127.0.0.1'],
                                       ttl => 300 });
    my $t = gateway('two.test', $port, dns => $dns, name => 'addresses');

    $t->run;

    is(ask($t), 200, "one of two addresses refuses, request $_") for 1 .. 6;

    last_peers($t, 6);

    my @dead = $t->read_file('peers.log') =~ /127\.0\.0\.2:/g;
    is(@dead, 1, 'it is tried once, then it is the last');

    my ($line) = $t->read_file('peers.log') =~ /^(.*127\.0\.0\.2.*)$/m;
    is($line, "200 127.0.0.2:$port, 127.0.0.1:$port", 'the two attempts');

    # both refuse

    $up->down;
    is(ask($t), 502, 'all addresses refuse');
    is(last_peers($t, 7), "502 127.0.0.1:$port, 127.0.0.2:$port",
       'the one that had failed was tried last');

    $up->up;
    is(ask($t), 200, 'addresses that failed are used where there is no other');
}


# ---- IPv6

{
    my $up = GenAI::Upstream->new(name => 'upstream of ipv6');
    my $port = $up->port;
    my $dns = Dns->new('six.test' => { aaaa => ['::1'] },
                       'both.test' => { aaaa => ['::1'],
                                        a => ['127.0.0.1'] });

    # nobody listens on ::1

    my $t = gateway('six.test', $port, dns => $dns, name => 'ipv6');
    $t->run;
    is(ask($t), 502, 'an IPv6 address');
    is(last_peers($t, 1), "502 [::1]:$port", 'was connected to');

    $t = gateway('both.test', $port, dns => $dns, name => 'both families');
    $t->run;
    is(ask($t), 200, 'an address of each family') for 1 .. 3;
}


# ---- more addresses than there is room for

{
    my $up = GenAI::Upstream->new(name => 'upstream of many');
    my $dns = Dns->new('many.test' => { ttl => 300,
                       a => [ map { "127.0.1.$_" } 1 .. 40 ] });
    my $t = gateway('many.test', $up->port, dns => $dns, name => 'many');

    $t->run;
    is(ask($t), 502, 'forty addresses, none of them works');

    my @tried = last_peers($t, 1) =~ /(127\.0\.1\.\d+)/g;
    my %distinct = map { $_ => 1 } @tried;
    is(@tried, 16, 'sixteen are tried');
    is(keys %distinct, 16, 'each once');
}


# ---- idle connections

{
    my $up = GenAI::Upstream->new(name => 'upstream of idle', lossy => 1,
        requests => [
            [ [ json => 200, {} ] ],
            [ [ json => 200, {} ] ],
            [ 'close' ],                # the request came, the end goes back
            [ [ json => 200, {} ] ],
            [ [ json => 200, {} ], [ delay => 0.3 ], 'close' ],
            [ [ json => 200, {} ] ],
            [ [ json => 200, {}, 'Connection' => 'close' ] ],
            [ [ json => 200, {} ] ],
            [ [ json => 429, { error => {} } ] ],
            [ [ json => 200, {} ] ],
        ]);
    my $port = $up->port;
    my $t = gateway('127.0.0.1', $port, name => 'idle');

    $t->run;

    is(ask($t), 200, 'an address without a name');
    is(ask($t), 200, 'a second request');
    is($up->connections, 1, 'on the same connection');

    is(ask($t), 200, 'the server closed just then: answered all the same');
    is($up->connections, 2, 'on a new connection');
    is(last_peers($t, 3), "200 127.0.0.1:$port, 127.0.0.1:$port",
       'the address was tried again, it has not failed');

    is(ask($t), 200, 'the server closes when it is idle');
    ok(wait_for(sub { $up->connections == 2
                      && $t->error_log =~ /genai origin idle connection/ }),
       'noticed');
    sleep 0.5;
    is(ask($t), 200, 'the next request');
    is($up->connections, 3, 'has a connection of its own');
    is(last_peers($t, 5), "200 127.0.0.1:$port", 'and one attempt');

    is(ask($t), 200, 'an answer that says Connection: close');
    is(ask($t), 200, 'the one after it');
    is($up->connections, 4, 'has a new connection');

    is(ask($t), 429, 'a refused request');
    is(ask($t), 200, 'the one after it');
    is($up->connections, 4, 'uses its connection');
}


# ---- the pool is bounded

{
    my $up = GenAI::Upstream->new(name => 'upstream of pool',
        requests => [ [ [ wait => 'go' ], [ json => 200, {} ] ] ]);
    my $t = gateway('127.0.0.1', $up->port, name => 'pool');

    $t->run;

    my @c = map { begin($t) } 1 .. 40;

    ok(wait_for(sub { $up->count == 40 }), 'forty requests');
    $up->signal('go');
    is(scalar(grep { $_->response->status == 200 } @c), 40, 'all answered');

    $_->close for @c;

    ok(wait_for(sub { $up->events('closed') == 8 }),
       'eight connections of forty are closed');

    # QUIT with 32 idle connections

    my $began = time;
    ok($t->stop, 'nginx ends');
    cmp_ok(time - $began, '<', 2 * $GenAI::Test::SCALE, 'promptly');
    ok(wait_for(sub { $up->events('closed') == 40 }), 'all are closed');
}


# ---- reload: the old worker goes, with idle connections and a lookup

{
    my $up = GenAI::Upstream->new(name => 'upstream of reload');
    my $dns = Dns->new('api.test' => { a => ['127.0.0.1'], ttl => 300 });
    my $t = gateway('api.test', $up->port, dns => $dns, name => 'reload',
                    timeout => '20s');

    $t->run;
    is(ask($t), 200, 'before');

    $dns->zone('api.test' => { silent => 1 });

    my $began = time;
    $t->reload(gone => 1);
    cmp_ok(time - $began, '<', 3 * $GenAI::Test::SCALE,
           'idle connections do not keep a worker');
    ok($up->closed(0, 2), 'they are closed');

    ok(wait_for(sub { $dns->count('a api.test') == 2 }), 'a lookup is begun');

    $began = time;
    $t->reload(gone => 1);
    cmp_ok(time - $began, '<', 3 * $GenAI::Test::SCALE,
           'neither does a lookup that nobody waits for');

    # somebody waits

    my $c = begin($t);
    sleep 0.3;

    $dns->zone('api.test' => { a => ['127.0.0.1'], ttl => 300 });
    $t->reload;

    # the name server has not answered: the resolver asks again in 5 s
    is($c->response(timeout => 15 * $GenAI::Test::SCALE)->status, 200,
       'a request that waits is answered by the old worker');

    # a client that waits and goes away

    $dns->zone('api.test' => { silent => 1 });
    $t->reload(gone => 1);

    $c = begin($t);
    sleep 0.3;
    $c->close;
    sleep 0.2;

    $began = time;
    ok($t->stop, 'nginx ends after a waiting client went away');
    cmp_ok(time - $began, '<', 3 * $GenAI::Test::SCALE, 'promptly');
}


# ---- TLS

{
    my $up = GenAI::Upstream->new(name => 'upstream of tls', tls => 'valid');
    my $dns = Dns->new('tls.genai.test' => { a => ['127.0.0.1'] });
    my $t = gateway('tls.genai.test', $up->port, dns => $dns, name => 'tls',
                    ca => $up->ca);

    $t->run;

    is(ask($t), 200, 'TLS') for 1 .. 3;
    is($up->connections, 1, 'connections are kept');
    is(($up->events('tls'))[0]{sni}, 'tls.genai.test', 'SNI is the name');
}

{
    my $cert = GenAI::Cert->new;
    my ($crt, $key) = $cert->pair('valid');

    my $up = GenAI::Test->new(name => 'tls server', modules => [])
        ->conf(<<"EOC");
http {
    keepalive_requests 1;
    server {
        listen 127.0.0.1:%%PORT_0%% ssl;
        ssl_certificate $crt;
        ssl_certificate_key $key;
        ssl_session_cache shared:s:1m;
        default_type application/json;
        location / { return 200 '{}'; }
    }
}
EOC
    $up->run;

    my $dns = Dns->new('tls.genai.test' => { a => ['127.0.0.1'], ttl => 0 });
    my $t = gateway('tls.genai.test', $up->port(0), dns => $dns,
                    name => 'sessions', ca => $cert->ca);

    $t->run;

    is(ask($t), 200, 'TLS, a connection a request') for 1 .. 3;
    is(() = $t->error_log =~ /SSL reused session/g, 2,
       'sessions are used again');

    # the session's address goes, comes back, and the worker ends

    $dns->zone('tls.genai.test' => { a => ['127.0.0.2'], ttl => 0 });
    ok(wait_for(sub { ask($t) == 502 }), 'another address');
    $dns->zone('tls.genai.test' => { a => ['127.0.0.1', '127.0.0.2'],
                                     ttl => 0 });
    ok(wait_for(sub { ask($t) == 200 }), 'and both');
    is(ask($t), 200, 'again');
}


# ---- /etc/hosts and /etc/resolv.conf: a library gives nginx other ones, and
# takes its queries for port 53 elsewhere

my $shim = <<'EOC';
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static char  *dir;
static int    port;

/* a worker has no environment */

__attribute__((constructor)) static void
init(void)
{
    dir = getenv("TEST_ETC");
    port = atoi(getenv("TEST_DNS"));
}

static const char *
other(const char *path, char *buf, size_t size)
{
    if (dir == NULL || strncmp(path, "/etc/", 5) != 0
        || (strcmp(path + 5, "hosts") != 0
            && strcmp(path + 5, "resolv.conf") != 0))
    {
        return path;
    }

    snprintf(buf, size, "%s/%s", dir, path + 5);
    return buf;
}

#define OPEN(name)                                                            \
int                                                                           \
name(const char *path, int flags, ...)                                        \
{                                                                             \
    int      mode;                                                            \
    char     buf[4096];                                                       \
    va_list  args;                                                            \
    int    (*next)(const char *, int, ...);                                   \
                                                                              \
    va_start(args, flags);                                                    \
    mode = va_arg(args, int);                                                 \
    va_end(args);                                                             \
    next = (int (*)(const char *, int, ...)) dlsym(RTLD_NEXT, #name);         \
    return next(other(path, buf, sizeof(buf)), flags, mode);                  \
}

OPEN(open)
OPEN(open64)

int
connect(int fd, const struct sockaddr *sa, socklen_t len)
{
    int                 (*next)(int, const struct sockaddr *, socklen_t);
    struct sockaddr_in    sin;

    next = (int (*)(int, const struct sockaddr *, socklen_t))
               dlsym(RTLD_NEXT, "connect");

    if (sa->sa_family == AF_INET) {

        memcpy(&sin, sa, sizeof(sin));

        if (sin.sin_port == htons(53)
            && ntohl(sin.sin_addr.s_addr) == 0x7f000035)
        {
            sin.sin_addr.s_addr = htonl(0x7f000001);
            sin.sin_port = htons(port);
            return next(fd, (struct sockaddr *) &sin, sizeof(sin));
        }
    }

    return next(fd, sa, len);
}
EOC

SKIP: {
    my $dir = File::Temp->newdir;

    chmod 0755, "$dir";
    spew("$dir/shim.c", $shim);

    my ($rc, $out) = run_cmd([ $ENV{CC} || 'cc', '-shared', '-fPIC', '-o',
                               "$dir/shim.so", "$dir/shim.c", '-ldl' ]);
    skip 'no C compiler', 1 if $rc;

    my $up = GenAI::Upstream->new(name => 'upstream of etc');
    my $dns = Dns->new('llm.b.test' => { a => ['127.0.0.1'], ttl => 300 },
                       'x.llm' => { a => ['127.0.0.1'], ttl => 300 });

    my $etc = sub {
        my ($host, $name, $hosts, $conf) = @_;

        my $t = gateway($host, $up->port, name => $name, env => {
            LD_PRELOAD => "$dir/shim.so",
            TEST_ETC => "$dir/$name",
            TEST_DNS => $dns->port,
        });

        spew("$dir/$name/hosts", $hosts) if defined $hosts;
        spew("$dir/$name/resolv.conf", $conf) if defined $conf;

        return $t->run;
    };

    my $t = $etc->('llm.internal', 'hosts',
                   "127.0.0.1 other # no\n127.0.0.1 LLM.internal\n", '');

    is(ask($t), 200, 'a name of /etc/hosts');
    is(scalar(my @q = $dns->queries), 0, 'no query');
    unlike($t->error_log, qr/cannot be resolved/, 'no warning');

    spew("$dir/hosts/hosts", "127.0.0.2 llm.internal\n");
    $t->reload;
    is(ask($t), 502, 'the file is read again by a reload');

    spew("$dir/hosts/hosts", "");
    $t->reload;
    is(ask($t), 502, 'a name that is nowhere');
    like($t->error_log, qr/neither a "resolver" nor a usable name server/,
         'a warning');

    $t = $etc->('llm', 'search', '127.0.0.1 localhost',
                "nameserver fe80::1%eth0\nnameserver 127.0.0.53\n"
                . "search a.test b.test\noptions ndots:1 timeout:1\n");

    is(ask($t), 200, 'name server and search list of /etc/resolv.conf');
    is_deeply([ grep { /^a / } $dns->queries ],
              [ 'a llm.a.test', 'a llm.b.test' ], 'what was asked for');
    like($t->error_log, qr/"fe80::1%eth0" of \S+ is left out/,
         'a server that nginx cannot ask');

    $t = $etc->('x.llm', 'ndots', undef, "nameserver 127.0.0.53\n"
                . "search a.test b.test\noptions ndots:2\n");

    is(ask($t), 200, 'a name with fewer dots than ndots');
    is_deeply([ (grep { /^a x/ } $dns->queries) ],
              [ 'a x.llm.a.test', 'a x.llm.b.test', 'a x.llm' ],
              'is asked for last');

    $t = $etc->('x.llm.', 'absolute', undef, "nameserver 127.0.0.53\n"
                . "search a.test b.test\noptions ndots:2\n");

    is(ask($t), 200, 'a name with a trailing dot');
    is(($dns->queries)[-1] =~ s/^\S+ //r, 'x.llm', 'has no search list');

    $t = $etc->('nx', 'nx', undef, "nameserver 127.0.0.53\n"
                . "search a.test b.test\n");

    is(ask($t), 502, 'a name that no domain has');
    is_deeply([ (grep { /^a nx/ } $dns->queries)[0 .. 2] ],
              [ 'a nx.a.test', 'a nx.b.test', 'a nx' ], 'all were asked for');
}


# ---- configurations

{
    my $dns = Dns->new;

    for my $host ('nx.test', '[::1]', '127.0.0.1', 'localhost', 'a..b') {
        my $t = gateway($host, 9, dns => $dns);
        my ($rc, $out) = $t->nginx_t($t->{conf});

        is($rc, 0, "$host: the configuration is good") or diag($out);

        like($out, qr/is no host name/, "$host: a warning")
            if $host eq 'a..b';
    }
}


done_testing;
