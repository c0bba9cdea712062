# SPDX-License-Identifier: Apache-2.0

# The endpoint "other": paths that the gateway knows nothing of go to one
# target with what stands below the location, unread and unbuffered.

use strict;
use warnings;

use lib 't/lib';

use GenAI::Test;
use GenAI::Upstream;
use GenAI::Util qw(allot_port);

my $up = GenAI::Upstream->new(lossy => 1, route => sub {
    my ($r) = @_;

    return [ [ answer => 200, "\0\xff" . $r->{body}, 'Content-Type',
               'application/octet-stream', 'Content-Encoding', 'gzip' ] ]
        if $r->{uri} =~ /binary/;
    return [ [ answer => 200, '<html>', 'Content-Type', 'text/html',
               'Set-Cookie', 'a=b' ] ] if $r->{uri} =~ /html/;
    return [ [ send => "HTTP/1.1 204 No Content\r\n\r\n" ] ]
        if $r->{uri} =~ /204/;
    return [ [ send => "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" ] ]
        if $r->{method} eq 'HEAD';
    return [ [ answer => 302, '', 'Location', '/x' ] ] if $r->{uri} =~ /302/;
    return [ [ answer => 404, 'no file', 'Content-Type', 'text/plain' ] ]
        if $r->{uri} =~ /404/;
    return [ [ answer => 429, 'slow', 'Content-Type', 'text/plain' ] ]
        if $r->{uri} =~ /429/;
    return [ [ json => 401, {} ] ] if $r->{uri} =~ /401/;
    return [ 'close' ] if $r->{uri} =~ /close/;
    return [ [ json => 200, { choices => [ { message => { content => 'a' } } ],
                              map { $_ => $r->{$_} }
                              qw(method uri body framing) } ] ];
});

# says when it has the head, and when the first part of the body
my $slow = GenAI::Upstream->new(name => 'slow', lossy => 1, requests => [ [
    'noread', 'head', [ mark => 'head' ], [ read => 5 ], [ mark => 'part' ],
    [ read => 5 ], [ json => 200, { got => 10 } ], 'wait_close' ] ]);
my $early = GenAI::Upstream->new(name => 'early', lossy => 1, requests => [ [
    'noread', 'head', [ read => 5 ], [ json => 413, { early => 1 } ],
    'wait_close' ] ]);
my $cut = GenAI::Upstream->new(name => 'cut', lossy => 1, requests => [ [
    'noread', 'head', [ mark => 'head' ], 'wait_close' ] ]);

my $t = GenAI::Test->new(log_level => 'info')->conf(<<'EOF',
http {
    client_body_buffer_size 1k;
    client_max_body_size 1m;
    log_format l '$status "$genai_error" $genai_endpoint $genai_attempts '
                 '$genai_model';
    access_log %%TESTDIR%%/l.log l;

    genai_provider p     { dialect openai; pass http://127.0.0.1:%%UP%%/v1; }
    genai_provider slow  { dialect openai; pass http://127.0.0.1:%%SLOW%%; }
    genai_provider early { dialect openai; pass http://127.0.0.1:%%EARLY%%; }
    genai_provider cut   { dialect openai; pass http://127.0.0.1:%%CUT%%; }
    genai_provider dead  { dialect openai; pass http://127.0.0.1:%%DEAD%%; }
    genai_model m     { target p model=renamed; target dead; }
    genai_model slow  { target slow; }
    genai_model early { target early; target p; }
    genai_model cut   { target cut; target p; }
    genai_model dead  { target dead; target p; }

    server {
        listen 127.0.0.1:%%PORT_0%%;
        listen 127.0.0.1:%%PORT_1%% %%LISTEN_H2%%;
        %%HTTP2_ON%%
        genai_auth off;

        location /v1/    { genai_pass model=m; genai_endpoints chat other; }
        location /bare   { genai_pass model=m; genai_endpoints other; }
        location /slow/  { genai_pass model=slow; genai_endpoints other; }
        location /early/ { genai_pass model=early; genai_endpoints other; }
        location /cut/   { genai_pass model=cut; genai_endpoints other; }
        location /dead/  { genai_pass model=dead; genai_endpoints other; }
        location /none/  { genai_pass; genai_endpoints other; }
        location /not/   { genai_pass model=m; }
        location /auth/  { genai_pass model=m; genai_endpoints other;
                           genai_auth on; }
        location /api/   { genai_pass model=m; genai_endpoints other;
                           genai_api other; }
    }
}
EOF
    UP => $up->port, SLOW => $slow->port, EARLY => $early->port,
    CUT => $cut->port, DEAD => allot_port())->run;

sub seen { return join ' ', @{$_[0]->json // {}}{qw(method uri)} }


# ---- paths, methods, queries

for ([ 'GET', '/v1/files', '/v1/files' ],
     [ 'GET', '/v1/files?limit=2&after=%41%20b',
       '/v1/files?limit=2&after=%41%20b' ],
     [ 'GET', '/v1/files/a%20b%2fc', '/v1/files/a%20b/c' ],
     [ 'GET', '/v1/files/../x/./y//z', '/v1/x/y/z' ],
     [ 'GET', '/v1/', '/v1/' ],
     [ 'GET', '/v1/%e2%82%ac', '/v1/%E2%82%AC' ],
     [ 'GET', '/v1/a?', '/v1/a' ],
     [ 'GET', '/v1/%3fx%23y%25', '/v1/%3Fx%23y%25' ],
     [ 'DELETE', '/v1/files/1', '/v1/files/1' ],
     [ 'PUT', '/v1/files/1', '/v1/files/1', 'abc' ],
     [ 'PATCH', '/v1/files/1', '/v1/files/1', 'abc' ],
     [ 'OPTIONS', '/v1/files', '/v1/files' ],
     [ 'POST', '/v1/files', '/v1/files', '' ],
     [ 'GET', '/bare', '/v1/' ],
     [ 'GET', '/bare/x', '/v1/x' ],
     [ 'GET', '/barefoot', '/v1/foot' ],
     [ 'POST', '/api/chat/completions', '/v1/chat/completions', 'no JSON' ])
{
    my ($method, $uri, $want, $body) = @$_;
    my $r = $t->http($method, $uri, defined $body ? (body => $body) : ());

    is(seen($r), "$method $want", "$method $uri") or diag($r->body);
    is($r->json->{body}, $body // '', "$method $uri: body");
}

is($t->http('HEAD', '/v1/files')->header('content-length'), 5, 'HEAD');
is($t->post('/v1/chat/completions', { model => 'x', messages => [] })
   ->json->{body}, '{"messages":[],"model":"renamed"}',
   'what is known is no opaque body');

for ([ '/not/files', '404 caller_forbidden_endpoint' ],
     [ '/v1/models', '404 caller_forbidden_endpoint' ],
     [ '/none/files', '400 caller_bad_request' ],
     [ '/auth/files', '401 caller_unauthenticated' ])
{
    my $r = $t->get($_->[0]);
    is($r->status . ' ' . $r->header('x-genai-error'), $_->[1], $_->[0]);
    ok($r->json->{error}, "$_->[0]: JSON");
}

like($t->post('/none/files', 'x')->json->{error}{message}, qr/model=NAME/,
     'the remedy');


# ---- bodies are bytes

my $binary = join '', map { chr } 0 .. 255;

my $r = $t->post('/v1/binary', $binary, headers => [ 'Content-Type' =>
                 'multipart/form-data; boundary=x',
                 'Content-Encoding' => 'br' ]);

is($r->body, "\0\xff$binary", 'bytes up and down');
is($r->header('content-encoding'), 'gzip', 'a coded answer');

my ($seen) = (reverse $up->requests)[0];
is($seen->{h}{'content-type'}, 'multipart/form-data; boundary=x', 'its type');
is($seen->{framing}, 'length', 'with a length');

for ([ 10, 'in the head\'s packet' ], [ 900, 'below the buffer' ],
     [ 5000, 'above the buffer' ], [ 60_000, 'larger' ])
{
    my ($n, $what) = @$_;
    my $body = 'z' x $n;

    for my $how ('at once', 'chunked', 'in pieces') {
        my $r = $t->post('/v1/x', $body, $how eq 'chunked'
            ? (chunked => [ $body =~ /(.{1,777})/g ])
            : $how eq 'in pieces' ? (step => 1000) : ());

        is($r->status, 200, "$what, $how");
        ok(($r->json // {})->{body} eq $body, "$what, $how: all of it");
        is($r->json->{framing}, 'length', "$what, $how: with a length");
    }
}

is($t->post('/v1/x', 'x' x 2_000_000)->status, 413, 'too large');

# on one connection, one after the other, pipelined

my $c = $t->connect;

$c->write(join '', map { $c->request_text('POST', '/v1/x', $_ % 2
    ? (body => "n$_") : (chunked => [ 'n', $_ ])) } 1 .. 6);
$c->{methods} = [ ('POST') x 6 ];
is(join(' ', map { $c->response->json->{body} } 1 .. 6), 'n1 n2 n3 n4 n5 n6',
   'six, pipelined');
$c->close;


# ---- answers: any type passes, the usual headers do not

$r = $t->get('/v1/html');
is($r->status . $r->body . $r->header('content-type'), '200<html>text/html',
   'HTML is an answer here');
is($r->header('set-cookie'), undef, 'without a cookie');
is($t->get('/v1/204')->status, 204, 'no content');
is($t->get('/v1/302')->status, 502, 'a redirect is none');
$r = $t->get('/v1/404');
is($r->status . ' ' . $r->header('x-genai-error') . ' ' . $r->body,
   '404 caller_bad_request no file', 'an error of the provider');
$r = $t->get('/v1/429');
is($r->status . ' ' . $r->header('x-genai-error') . ' ' . $r->body,
   '429 provider_rate_limited slow', 'a limit of the provider');
$r = $t->get('/v1/401');
is($r->status . ' ' . $r->header('x-genai-error'), '502 provider_refused',
   'our credential');


# ---- one target, one try

my $n = $up->count;

$r = $t->post('/dead/x', 'abc');
is($r->status . ' ' . $r->header('x-genai-error'), '502 provider_unreachable',
   'a dead target');
is($r->json->{error}{code}, 'provider_unreachable', 'as JSON');
is($up->count, $n, 'no second one');
ok($t->wait_access(qr/^502 "provider_unreachable" other 1 dead$/m, 5, 'l.log'),
   'logged');

for (1 .. 3) {
    is($t->get('/v1/x')->status, 200, 'a connection is idle');
    $r = $t->post('/v1/close', 'x' x 3000);
    is($r->status, 502, 'it is closed: an upload cannot be sent again');
}


# ---- unbuffered: the first part is there before the rest was sent

{
    $c = $t->connect;
    $c->write("POST /slow/x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n");
    ok($slow->wait_mark('head'), 'the head goes up before any of the body');
    $c->write('12345');
    ok($slow->wait_mark('part'), 'the first part before the rest');
    $c->write('67890');
    is($c->response->json->{got}, 10, 'and the answer');
    $c->close;
}

$c = $t->connect;
$c->write("POST /v1/x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
          . "Content-Length: 3\r\n\r\n");
is($c->read_until(qr/\r\n\r\n/), "HTTP/1.1 100 Continue\r\n\r\n",
   'an upload is asked for');
$c->write('abc');
$c->{methods} = [ 'POST' ];
is($c->response->json->{body}, 'abc', 'and goes up');
$c->close;

# an answer that comes before the upload has ended

$c = $t->connect;
$c->write("POST /early/x HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n"
          . 'x' x 5);
$r = $c->response;
is($r->status . $r->body, '413{"early":1}', 'an answer that comes early');
$c->close;

# the client leaves in the middle of an upload

$c = $t->connect;
$c->write("POST /cut/x HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n"
          . 'x' x 500);
ok($cut->wait_mark('head'), 'an upload');
$n = $up->count;
$c->close;
ok($cut->closed(0), 'that the client leaves is left');
is($up->count, $n, 'and not tried again');

SKIP: {
    skip 'curl has no HTTP/2', 3 if !$t->can_h2;

    my $r = $t->h2('POST', '/v1/x', port => $t->port(1), body => 'y' x 50000,
                   headers => [ 'Content-Type' => 'text/plain' ]);
    is($r->status, 200, 'HTTP/2');
    ok($r->json->{body} eq 'y' x 50000, 'HTTP/2: the body');

    $r = $t->h2('POST', '/v1/x', port => $t->port(1), body => 'y' x 5000,
                headers => [ 'Content-Length' => '' ]);
    is(length(($r->json // {})->{body} // ''), 5000,
       'HTTP/2 without a length');
}


done_testing;
