# SPDX-License-Identifier: Apache-2.0

# The harness itself, with plain nginx: what it reports it must have seen,
# and what is wrong it must report.

use strict;
use warnings;

use lib 't/lib';

use Time::HiRes qw(time);

use GenAI::Test;
use GenAI::Cert;
use GenAI::Upstream;

my @modules = (modules => []);

my $HEAD = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
    . "Transfer-Encoding: chunked\r\n\r\n";

my $u = GenAI::Upstream->new(route => sub {
    my ($r) = @_;

    return [ [ json => 200, { got => $r->{body} }, 'X-Nth' => $r->{nth} ] ]
        if $r->{uri} eq '/json';
    return [ [ send => $HEAD ], [ chunk => "data: 1\n", "\nda" ],
             [ mark => 'one' ], [ wait => 'go' ],
             [ chunk => "ta: 2\ndata: 3\n\n: ping\r\n\r\n" ], 'chunk_end' ]
        if $r->{uri} eq '/stream';
    return [ [ send => "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc" ],
             'close' ]
        if $r->{uri} eq '/short';
    return [ [ send => $HEAD ], [ chunk => 'abc' ], [ mark => 'hang' ],
             'wait_close' ]
        if $r->{uri} eq '/hang';
    return [ 'reset' ] if $r->{uri} eq '/reset';
    return [ [ bytewise => "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" ] ]
        if $r->{uri} eq '/bytes';
    return [ [ sse => { a => 1 }, '[DONE]' ] ];
});

my $t = GenAI::Test->new(@modules, workers => 2)->conf(<<'EOF', UP => $u->port);
http {
    upstream u { server 127.0.0.1:%%UP%%; keepalive 4; }

    server {
        listen 127.0.0.1:%%PORT_0%%;
        listen 127.0.0.1:%%PORT_1%% %%LISTEN_H2%%;
        %%HTTP2_ON%%
        client_body_buffer_size 1m;

        location / {
            proxy_pass http://u;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_buffering off;
        }

        location = /echo { return 200 "$request_method $http_x_a"; }
        location = /none { return 204; }
    }
}
EOF
$t->run;

# requests and answers

my $r = $t->get('/echo', headers => [ 'X-A' => 'b' ]);

is($r->status, 200, 'status');
is($r->body, 'GET b', 'body');
is($r->header('content-length'), 5, 'header');
ok($r->complete, 'complete');
is($r->{ending}, 'eof', 'closed behind the answer');

$r = $t->post('/json', { a => [ 1 ] });
is($r->json->{got}, '{"a":[1]}', 'a body went and came');
is($u->request(0)->{h}{'content-type'}, 'application/json', 'recorded');
is($u->request(0)->{framing}, 'length', 'with a length');

$r = $t->post('/json', undef, chunked => [ 'a', 'bc', 'd' x 5000 ]);
is(length $r->json->{got}, 5003, 'chunked request');

is($t->get('/none')->body, '', '204 has no body');
is($t->http('HEAD', '/echo')->body, '', 'HEAD has no body');

# a connection that is kept, pipelining, slow writing

my $c = $t->connect;

$c->write("GET /echo HTTP/1.1\r\nHost: a\r\n\r\n" x 3);
is($c->response->status, 200, "pipelined, answer $_") for 1 .. 3;
ok($c->reusable, 'the connection is still open');

$c->request('POST', '/json', body => 'abc', step => 1);
is($c->response->json->{got}, 'abc', 'written byte by byte');
$c->close;

is(scalar(my @r = $t->raw("GET /echo HTTP/1.1\r\nHost: a\r\n\r\n" x 2,
                          n => 2)), 2, 'raw');

# a stream, event by event, each when it comes

$c = $t->stream('/stream', {});
is($c->{response}->status, 200, 'the head came alone');
is($c->next_event->{data}, '1', 'first event');
ok($u->wait_mark('one'), 'mark');
is($c->next_event(timeout => 0.05), undef, 'the second is not there');
is($c->ended, 'timeout', 'that was the deadline');
$u->signal('go');
is($c->next_event->{data}, "2\n3", 'second event');
is($c->next_event->{comment}, 'ping', 'comment');
is($c->next_event, undef, 'the end');
is($c->ended, 'complete', 'it was complete');
is(scalar($c->{response}->events), 3, 'events of a whole answer');

$r = $t->post('/sse', {});
is(join('|', map { $_->{data} } $r->events), '{"a":1}|[DONE]', 'sse');
ok(@{$r->chunks} && $r->chunks->[0]{t} <= time, 'chunks with their times');

# answers that are cut, delayed, refused

$r = $t->get('/short');
is($r->body, 'abc', 'what came of a cut answer');
ok(!$r->complete, 'a cut answer is not complete');
is($r->error, 'eof', 'and why');
is($t->get('/reset')->status, 502, 'reset');
is($t->get('/bytes')->body, 'ok', 'byte by byte');

$c = $t->stream('/hang', {});
ok($u->wait_mark('hang'), 'it hangs');
my ($conn) = map { $_->{conn} } grep { $_->{uri} eq '/hang' } $u->requests;
$c->close;
like($u->closed($conn), qr/^(?:eof|reset)$/, 'the client left, nginx too');

# outage

my $before = $u->count;

$u->down;
is($t->get('/json')->status, 502, 'down');
$u->up;

# the only server of an upstream{} is never set aside
is($t->get('/json')->status, 200, 'up again, on the same port');
is($u->count, $before + 1, 'counted');

# HTTP/2

SKIP: {
    skip 'no curl with HTTP/2', 3 unless GenAI::Test->can_h2;

    $r = $t->h2('POST', '/json', port => $t->port(1), body => 'x' x 100,
                headers => [ 'X-A' => 'b' ]);
    is($r->version, '2', 'HTTP/2');
    is($r->status, 200, 'its status');
    is(length $r->json->{got}, 100, 'its body');
}

# processes

my @before = $t->worker_pids;

is(@before, 2, 'two workers');
ok($t->rss > 500, 'memory');
ok($t->fds > 3, 'descriptors');
ok(defined $t->cpu, 'CPU time');

$c = $t->connect;
$c->request('GET', '/echo');
is($c->response->status, 200, 'a connection before the reload');

ok($t->reload(gone => 1), 'reload');
my %old = map { $_ => 1 } @before;
is(scalar(grep { $old{$_} } $t->worker_pids), 0, 'all workers are new');
is($c->closed, 'eof', 'the idle connection was closed');

$t->conf('http { nonsense; }');
is($t->reload(may_fail => 1), 0, 'a bad configuration is refused');
$t->allow(qr/unknown directive "nonsense"/);
is($t->get('/echo')->status, 200, 'and nothing has changed');

ok($t->kill_worker, 'a killed worker is replaced');
ok($t->wait_log(qr/exited on signal 9/), 'and it is in the log');

# configurations

my ($rc, $out) = $t->nginx_t('http { nonsense; }');
is($rc, 1, 'nginx -t refuses');
like($out, qr/unknown directive "nonsense" in \S+:\d+/, 'and says why');
($rc, $out) = GenAI::Test->new(@modules)->nginx_t('http { }');
is($rc, 0, 'nginx -t accepts') or diag($out);

# commands

is_deeply([ run_cmd([qw(sh -c), 'cat; echo e >&2; exit 3'], stdin => 'in',
                    split => 1) ], [ 3, 'in', "e\n" ], 'run_cmd');
is((run_cmd([qw(sleep 100)], timeout => 0.05))[0], 124, 'with a deadline');

# TLS

SKIP: {
    skip 'no IO::Socket::SSL', 6 unless eval { require IO::Socket::SSL };

    my $cert = GenAI::Cert->new;
    my %u = map { $_ => GenAI::Upstream->new(tls => $_, cert => $cert,
                                             name => "$_ upstream") }
        qw(valid expired wrong_name self_signed);
    my ($file, $key) = $cert->pair('valid');

    my $s = GenAI::Test->new(@modules, name => 'TLS')->conf(<<'EOF',
http {
    proxy_ssl_trusted_certificate %%CA%%;
    proxy_ssl_verify on;
    proxy_ssl_server_name on;
    proxy_ssl_name a.genai.test;

    server {
        listen 127.0.0.1:%%PORT_0%% ssl;
        ssl_certificate %%CERT%%;
        ssl_certificate_key %%KEY%%;

        location /valid { proxy_pass https://127.0.0.1:%%valid%%; }
        location /expired { proxy_pass https://127.0.0.1:%%expired%%; }
        location /wrong_name { proxy_pass https://127.0.0.1:%%wrong_name%%; }
        location /self_signed { proxy_pass https://127.0.0.1:%%self_signed%%; }
    }
}
EOF
        CA => $cert->ca, CERT => $file, KEY => $key,
        map { $_ => $u{$_}->port } keys %u)->run;

    my %tls = (tls => { SSL_ca_file => $cert->ca, SSL_verify_mode => 1,
                        SSL_verifycn_name => 'localhost',
                        SSL_verifycn_scheme => 'http' });

    is($s->get('/valid', %tls)->status, 200, 'valid');
    is(($u{valid}->events('tls'))[0]{sni}, 'a.genai.test', 'server name');
    is($s->get("/$_", %tls)->status, 502, $_)
        for qw(expired wrong_name self_signed);
    is($s->error_log =~ /certificate has expired/, 1, 'the log says why');
}

# what is wrong is reported: files that must fail, by a prove of their own

my %bad = (
    'a failing check' => [ 'ok(0); done_testing;', qr/Failed test/ ],
    'an alert' => [ <<'EOF', qr/Failed test 'nginx ended clean'/ ],
my $t = start();
open my $f, '>>', $t->dir . '/error.log';
print $f "2026/01/01 00:00:00 [alert] 1#1: it hurts\n";
close $f;
done_testing;
EOF
    'a sanitizer' => [ <<'EOF', qr/Failed test 'nginx ended clean'/ ],
my $t = start();
$t->write_file('asan.77', "==77==ERROR: AddressSanitizer: x\n");
done_testing;
EOF
    'a crashed worker' => [ <<'EOF', qr/exited on signal 11|SEGV/ ],
my $t = start();
my ($pid) = $t->worker_pids;
kill 'SEGV', $pid;
wait_for(sub { !grep { $_ == $pid } $t->worker_pids });
done_testing;
EOF
    'nginx that does not exit' => [ <<'EOF', qr/does not exit on QUIT/ ],
my $t = start();
$t->{clean_timeout} = 0.2;
my $c = $t->connect;
$c->request('POST', '/', headers => [ 'Content-Length' => 5 ], body => 'a');
wait_for(sub { $t->error_log =~ /http client request body preread/ });
done_testing;
EOF
    'no done_testing' => [ 'start(); ok(1);', qr/without done_testing/ ],
    'a file that dies' => [ 'start(); ok(1); die "oops";', qr/oops/ ],
    'a file that takes too long' => [ 'alarm 1; sleep 60;',
                                      qr/this file takes more than/ ],
    'nginx that does not start' => [ 'start("nonsense;"); done_testing;',
                                     qr/unknown directive "nonsense"/ ],
    'an upstream script that fails' => [ <<'EOF', qr/no such step: dance/ ],
my $u = GenAI::Upstream->new(requests => [ [ 'dance' ] ]);
GenAI::Client->new(port => $u->port)->request('GET', '/');
wait_for(sub { $u->errors });
done_testing;
EOF
);

my $dir = File::Temp->newdir;

for my $name (sort keys %bad) {
    my ($code, $re) = @{$bad{$name}};

    spew("$dir/bad.t", <<"EOF");
use strict; use warnings; use lib '$GenAI::Test::ROOT/t/lib';
use GenAI::Test; use GenAI::Upstream;
sub start {
    my \$more = \$_[0] // '';
    GenAI::Test->new(modules => [])->conf("http { \$more server {
        listen 127.0.0.1:%%PORT_0%%;
        location / { proxy_pass http://127.0.0.1:%%PORT_9%%; } } }")->run;
}
$code
EOF

    my ($rc, $out) = run_cmd([ $^X, "$dir/bad.t" ], env => { TMPDIR => $dir });

    isnt($rc, 0, "$name: the file fails");
    like($out, $re, "$name: and it says why");
}

# and their servers are gone

ok(wait_for(sub {
    !grep { (eval { slurp($_) } // '') =~ m{\Q$dir/} } glob '/proc/*/cmdline';
}), 'nothing is left running');

done_testing;
