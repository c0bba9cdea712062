# SPDX-License-Identifier: Apache-2.0

# Clients: their connection is kept after every refusal, their requests may be
# pipelined, come byte by byte or never, and they may leave at any time: then
# the provider is left too.

use strict;
use warnings;

use lib 't/lib';

use JSON::PP ();
use Time::HiRes qw(time);

use GenAI::Test;
use GenAI::Upstream;
use GenAI::Util qw(allot_port);

my $SSE = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
    . "Transfer-Encoding: chunked\r\n\r\n";

my $up = GenAI::Upstream->new(lossy => 1, route => sub {
    my ($r) = @_;
    my $do = JSON::PP::decode_json($r->{body})->{do} // '';

    return [ [ mark => "$do" ], 'wait_close' ] if $do =~ /^wait/;
    return [ [ send => $SSE ], [ chunk => "data: 1\n\n" ], 'wait_close' ]
        if $do =~ /^begin/;
    return [ [ send => $SSE ], sub {
        my ($c) = @_;
        my $data = ('x' x 8000) . "\n\n";
        1 while $c->send(GenAI::Upstream::Connection::chunk("data: $data"));
    } ] if $do =~ /^pour/;
    return [ [ sse => { n => 1 }, '[DONE]' ] ] if $do eq 'stream';
    return [ [ json => 200, { body => $r->{body} } ] ];
});

my $t = GenAI::Test->new(log_level => 'info')->conf(<<'EOF', UP => $up->port,
http {
    log_format l '$status "$genai_error" $request_length $request_method';
    access_log %%TESTDIR%%/l.log l;
    client_max_body_size 10m;
    client_body_buffer_size 4k;

    genai_provider p      { dialect openai; pass http://127.0.0.1:%%UP%%/v1; }
    genai_provider hasty  { dialect openai; pass http://127.0.0.1:%%UP%%/v1;
                            idle_timeout 50ms; }
    genai_provider dead   { dialect openai; pass http://127.0.0.1:%%DEAD%%; }
    genai_provider nokey  { dialect openai; pass http://127.0.0.1:%%UP%%/v1;
                            credential file:none; }
    genai_model m     { target p; }
    genai_model hasty { target hasty; }
    genai_model dead  { target dead; }
    genai_model nokey { target nokey; }

    server {
        listen 127.0.0.1:%%PORT_0%%;
        genai_auth off;
        location /v1/   { genai_pass; }
        location /auth/ { genai_pass; genai_auth on; }
        location /deny/ { genai_pass; deny all; }
        location /fast/ { genai_pass; client_body_timeout 200ms; }
    }
    server {
        listen 127.0.0.1:%%PORT_1%%;
        client_header_timeout 200ms;
        location / { genai_pass; genai_auth off; }
    }
}
EOF
                                                   DEAD => allot_port())->run;

my $PATH = '/v1/chat/completions';
my $n = 0;

sub good {
    my ($c, $what) = @_;

    $n++;
    $c->request('POST', $PATH, body => qq({"model":"m","n":$n}));

    my $r = $c->response;

    is($r->status == 200 ? $r->json->{body} : $r->status . $r->error,
       qq({"model":"m","n":$n}), $what);
}


# ---- the connection after a refusal

my $big = 'x' x 20_000;

for my $kind (
    [ '401', '/auth/chat/completions', '{"model":"m"}' ],
    [ '403', '/deny/chat/completions', '{"model":"m"}' ],
    [ '404', '/v1/nothing', '{"model":"m"}' ],
    [ '404', $PATH, '{"model":"nope"}' ],
    [ '400', $PATH, '{"model":' ],
    [ '400', $PATH, '{"messages":[]}' ],
    [ '400', $PATH, '' ],
    [ '415', $PATH, '{"model":"m"}', 'Content-Encoding', 'br' ],
    [ '400', $PATH, '{"model":"m"}', 'Content-Encoding', 'gzip' ],
    [ '426', $PATH, '{"model":"m"}', 'Upgrade', 'websocket' ],
    [ '502', $PATH, '{"model":"dead"}' ],
    [ '503', $PATH, '{"model":"nokey"}' ],
    [ '504', $PATH, '{"model":"hasty","do":"wait"}' ],
    [ '405', '/v1/models', '{"model":"m"}' ],
) {
    my ($status, $path, $body, @headers) = @$kind;
    my $c = $t->connect;

    for my $how ('plain', 'chunked', 'large', 'large, chunked', 'twice') {
        my $text = $how =~ /large/ && $body ne ''
            ? $body =~ s/^\{/{"a":"$big",/r : $body;

        $c->request('POST', $path, headers => [ @headers ],
                    $how =~ /chunked/ ? (chunked => [ $text ])
                                      : (body => $text))
            for 1 .. ($how eq 'twice' ? 2 : 1);

        for (1 .. ($how eq 'twice' ? 2 : 1)) {
            my $r = $c->response;

            is($r->status, $status, "$path, $how: $status") or diag($r->error);
            is($r->header('connection'), 'keep-alive', "$status, $how: kept");
        }

        good($c, "$status, $how: the next request on it");
    }

    $c->close;
}

my $c = $t->connect;

$c->request('GET', $PATH);
is($c->response->status, 405, 'a GET');
good($c, '405: the next request on it');


# ---- pipelining: the answers come in order

sub text { return $c->request_text(@_) }

$c = $t->connect;
$c->write(join '', my @texts = (
    text('POST', $PATH, body => '{"model":"m","n":1}'),
    text('POST', '/v1/nothing', body => 'abc'),
    text('GET', '/v1/models'),
    text('POST', $PATH, body => '{"model":"m","do":"stream"}'),
    text('POST', $PATH, body => '{"model":"nope"}'),
    text('HEAD', '/v1/models'),
    text('GET', $PATH),
    text('POST', $PATH, chunked => [ '{"model":', '"m","n":2}' ]),
    text('POST', '/auth/chat/completions', chunked => [ 'x' x 10000 ]),
    text('POST', $PATH, body => '{"model":"dead"}'),
    text('POST', $PATH, body => '{"model":"m","n":3}')));

my @methods = map { /^(\S+)/ } @texts;

$c->{methods} = [ @methods ];

is(join(' ', map { $c->response->status } @texts),
   '200 404 200 200 404 200 405 200 401 502 200', 'eleven requests at once');
ok($c->is_idle, 'and nothing more');
$c->close;

$c = $t->connect;
$c->{methods} = [ @methods ];
$c->slow_write(join('', @texts), step => 97, delay => 0.0002);
is(join(' ', map { $c->response->status } @texts),
   '200 404 200 200 404 200 405 200 401 502 200', 'in pieces of 97 bytes');
$c->close;


# ---- one byte at a time

$c = $t->connect;
$c->request('POST', $PATH, body => '{"model":"m","text":"' . 'y' x 300 . '"}',
            headers => [ 'X-A' => 'b' ], step => 1);
is($c->response->status, 200, 'one byte at a time');
$c->request('POST', $PATH, step => 1,
            chunked => [ '{"model":"m"', ',"text":"abc"}' ]);
is($c->response->status, 200, 'chunked, one byte at a time');
$c->close;


# ---- Expect: 100-continue

$c = $t->connect;
$c->write("POST $PATH HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
          . "Content-Length: 13\r\n\r\n");
is($c->read_until(qr/\r\n\r\n/), "HTTP/1.1 100 Continue\r\n\r\n",
   'a body that is wanted is asked for');
$c->write('{"model":"m"}');
is($c->response->status, 200, 'and answered');
$c->close;

for ([ 401, '/auth/chat/completions' ], [ 404, '/v1/nothing' ],
     [ 405, '/v1/models' ], [ 415, $PATH, "Content-Encoding: br\r\n" ],
     [ 426, $PATH, "Upgrade: websocket\r\n" ], [ 403, '/deny/completions' ],
     [ 413, $PATH, '', 20_000_000 ])
{
    my ($status, $path, $headers, $length) = @$_;

    $c = $t->connect;
    $c->write("POST $path HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
              . 'Content-Length: ' . ($length || 1_000_000) . "\r\n"
              . ($headers // '') . "\r\n");
    my $r = $c->response;
    is($r->status, $status, "$status before the body");
    is(scalar(@{$r->{informational}}), 0, "$status: it is not asked for");
    $c->close;
}


# ---- bodies that are not what was announced

sub asked {
    my ($bytes, %o) = @_;

    my $before = $up->count;
    my $c = $t->connect(%o);

    $c->write($bytes);
    $c->half_close if $o{half};
    my $r = $c->response;
    my $how = $c->closed(timeout => 3);
    $c->close;

    return join ' ', $r->status, $how, $up->count - $before;
}

my $head = "POST $PATH HTTP/1.1\r\nHost: a\r\n";

is(asked("${head}Content-Length: 50\r\n\r\n{\"model\":\"m\"}", half => 1),
   '0 eof 0', 'a body that ends too early is not sent on');
is(asked("${head}Content-Length: 10\r\n\r\n{\"model\":\"m\"}"),
   '400  0', 'nor the part of a longer one; its rest is another bad request');

for ([ 'two lengths', "Content-Length: 13\r\nContent-Length: 13\r\n",
       '{"model":"m"}' ],
     [ 'a length and a coding', "Content-Length: 13\r\n"
       . "Transfer-Encoding: chunked\r\n", '{"model":"m"}' ],
     [ 'a length that is none', "Content-Length: x\r\n", '{"model":"m"}' ],
     [ 'an unknown coding', "Transfer-Encoding: gzip\r\n", '{"model":"m"}' ],
     [ 'a bad chunk', "Transfer-Encoding: chunked\r\n", "zz\r\n" ],
     [ 'a chunk that is too long', "Transfer-Encoding: chunked\r\n",
       "d\r\n{\"model\":\"m\"}xx\r\n0\r\n\r\n" ])
{
    my ($what, $headers, $body) = @$_;

    like(asked("$head$headers\r\n$body"), qr/^(?:400|501) eof 0/, $what);
}

$c = $t->connect;
$c->write("${head}Transfer-Encoding: chunked\r\n\r\nzz\r\n");
my $r = $c->response;
is($r->status, 400, 'a bad chunk');
is(($r->json // {})->{error}{code}, 'caller_bad_request', 'as JSON')
    or diag($r->body);
$c->close;

# where the end of a body is not known no other request can begin

for my $begin ('', 'x', "d\r\n{\"model\":\"m\"}", "d\r\n{\"model\":\"m\"}x") {
    $c = $t->connect;
    $c->write("${head}Transfer-Encoding: chunked\r\n\r\n${begin}"
              . "GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n");
    is($c->response->status, 400, "a bad chunk and a request, '$begin'");
    is($c->response(timeout => 2)->status, 0, 'which is none');
    $c->close;
}


# ---- clients that do not go on

for ([ 'a head', 1, "POST / HTTP/1.1\r\nHost:" ],
     [ 'a body', 0, "POST /fast/chat/completions HTTP/1.1\r\nHost: a\r\n"
       . "Content-Length: 100\r\n\r\n{\"model\":" ],
     [ 'a large body', 0, "POST /fast/chat/completions HTTP/1.1\r\nHost: a"
       . "\r\nContent-Length: 100000\r\n\r\n{\"a\":\"" . 'x' x 50000 ],
     [ 'a chunk', 0, "POST /fast/chat/completions HTTP/1.1\r\nHost: a\r\n"
       . "Transfer-Encoding: chunked\r\n\r\n10\r\n{\"mo" ])
{
    my ($what, $port, $bytes) = @$_;
    my $before = $up->count;

    $c = $t->connect(port => $t->port($port));
    $c->write($bytes);
    my $r = $c->response(timeout => 5);
    like($r->status, qr/^(?:0|408)$/, "$what that stops: its time ends");
    is($c->closed(timeout => 3), 'eof', "$what: closed");
    is($up->count, $before, "$what: nothing went up");
    $c->close;
}


# ---- clients that leave

sub lines { return scalar(() = $t->access_log('l.log') =~ /\n/g) }

my %text = (
    'in the head' => "POST $PATH HTTP/1.1\r\nHost: a\r\nX-A",
    'behind the head' => "${head}Content-Length: 100\r\n\r\n",
    'in the body' => "${head}Content-Length: 100\r\n\r\n{\"model\":\"m\"",
    'in a body in a file' => "${head}Content-Length: 100000\r\n\r\n{\"a\":\""
        . 'x' x 50000,
    'in a chunk' => "${head}Transfer-Encoding: chunked\r\n\r\n10\r\n{\"mo",
);

for my $end (qw(close reset)) {
    for my $what (sort keys %text) {
        my $before = $up->count;
        my $lines = lines();

        $c = $t->connect;
        $c->write($text{$what});
        $c->$end;

        ok(wait_for(sub { lines() > $lines }), "$end $what: logged");

        my ($line) = (split /\n/, $t->access_log('l.log'))[$lines];

        like($line, qr/^(?:400|499) /, "$end $what: status");
        like($line, qr/"caller_gone"/, "$end $what: the word")
            if $what ne 'in the head';
        is($up->count, $before, "$end $what: nothing went up");
    }

    # the provider has the request and says nothing; has begun; pours

    for my $do ("wait $end", "begin $end", "pour $end") {
        my $conn = $up->connections;
        my $lines = lines();

        $c = $t->connect($do =~ /pour/ ? (rcvbuf => 4096) : ());
        $c->request('POST', $PATH, body => qq({"model":"m","do":"$do"}));

        if ($do =~ /wait/) {
            ok($up->wait_mark($do), "$do: it has the request");
        } else {
            is($c->head->status, 200, "$do: it has begun");
            $c->piece;
        }

        # its connection is the one that has this request
        my ($request) = grep { $_->{body} =~ /"$do"/ } $up->requests;

        $c->$end;

        my $how = wait_for(sub {
            my ($e) = grep { $_->{conn} == $request->{conn} }
                $up->events('closed'), $up->events('lost');
            $e;
        });

        ok($how, "$do: the provider is left");
        ok(wait_for(sub { lines() > $lines }), "$do: logged");
        like((split /\n/, $t->access_log('l.log'))[$lines],
             $do =~ /wait/ ? qr/^499 "caller_gone"/ : qr/^200 "caller_gone"/,
             "$do: how it ended");
    }
}

$c = $t->connect;
good($c, 'nginx lives on');
is(scalar(my @w = $t->worker_pids), 1, 'with its worker');
unlike($t->error_log, qr/exited on signal/, 'the first one');


done_testing;
