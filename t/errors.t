# SPDX-License-Identifier: Apache-2.0

# What becomes of a provider's bad answers: errors of its own, which pass byte
# for byte; errors that concern the gateway, which do not; answers that are
# none; framing that two readers could read in two ways.

use strict;
use warnings;

use lib 't/lib';

use JSON::PP ();

use GenAI::Test;
use GenAI::Upstream;

my $OK = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
my $smuggled = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    . "Content-Length: 14\r\n\r\n{\"evil\":\"yes\"}";

# name => steps behind a request; statuses are made below
my %script = (
    'before any byte' => [ 'close' ],
    'a reset before any byte' => [ 'reset' ],
    'in the status line' => [ [ send => 'HTTP/1.1 20' ], 'close' ],
    'behind the status line' => [ [ send => "HTTP/1.1 200 OK\r\n" ], 'close' ],
    'in the head' => [ [ send => "${OK}Content-Le" ], 'close' ],
    'before the empty line' => [ [ send => "${OK}Content-Length: 2\r\n" ],
                                 'close' ],
    'a reset in the head' => [ [ send => $OK ], [ delay => 0.02 ], 'reset' ],
    'behind an interim answer' => [ [ send => "HTTP/1.1 100 C\r\n\r\n" ],
                                    'close' ],
    'garbage' => [ [ send => "\x16\x03\x01\x02\0\x01garbage\r\n\r\n" ] ],
    'HTTP/0.9' => [ [ send => "{\"ok\":1}\n" ], 'close' ],
    'another protocol' => [ [ send => "220 smtp.example ESMTP\r\n" ] ],
    'ICY' => [ [ send => "ICY 200 OK\r\n\r\n{}" ], 'close' ],
    'a status of two digits' => [ [ send => "HTTP/1.1 20 OK\r\n\r\n{}" ] ],
    'status 99' => [ [ send => "HTTP/1.1 099 OK\r\n\r\n{}" ] ],
    'status 600' => [ [ send => "HTTP/1.1 600 OK\r\nContent-Length: 2\r\n"
                        . "Content-Type: application/json\r\n\r\n{}" ] ],
    'status 999' => [ [ send => "HTTP/1.1 999 OK\r\nContent-Length: 2\r\n"
                        . "Content-Type: application/json\r\n\r\n{}" ] ],
    'NUL in the head' => [ [ send => "${OK}X-A: a\0b\r\nContent-Length: 2"
                             . "\r\n\r\n{}" ] ],
    'a blank before the colon' => [ [ send => "${OK}Content-Length : 2\r\n"
                                      . "\r\n{}" ] ],
    'a folded line' => [ [ send => "${OK}X-A: a\r\n b\r\nContent-Length: 2"
                           . "\r\n\r\n{}" ] ],
    'a folded coding' => [ [ send => "${OK}Transfer-Encoding:\r\n chunked\r\n"
                             . "\r\n2\r\n{}\r\n0\r\n\r\n" ] ],
    'a head of 9 KB' => [ [ send => "${OK}X-A: " . 'a' x 9000
                            . "\r\nContent-Length: 2\r\n\r\n{}" ] ],
    'a head of 200 KB' => [ [ send => "$OK" . join('', map {
                            "X-$_: " . 'a' x 1000 . "\r\n" } 1 .. 200)
                            . "Content-Length: 2\r\n\r\n{}" ] ],
    'a head without an end' => [ [ send => $OK ], map({
                                 [ send => 'X-A: ' . 'a' x 500 . "\r\n" ] }
                                 1 .. 40) ],

    'two lengths' => [ [ send => "${OK}Content-Length: 2\r\n"
                         . "Content-Length: 3\r\n\r\n{} " ] ],
    'the same length twice' => [ [ send => "${OK}Content-Length: 2\r\n"
                                   . "Content-Length: 2\r\n\r\n{}" ] ],
    'a list of lengths' => [
        [ send => "${OK}Content-Length: 2, 2\r\n\r\n{}" ] ],
    'a length below 0' => [ [ send => "${OK}Content-Length: -2\r\n\r\n{}" ] ],
    'a length with a sign' => [
        [ send => "${OK}Content-Length: +2\r\n\r\n{}" ] ],
    'a length in hex' => [ [ send => "${OK}Content-Length: 0x2\r\n\r\n{}" ] ],
    'no length at all' => [ [ send => "${OK}Content-Length: \r\n\r\n{}" ] ],
    'a length of 2**64' => [ [ send => "${OK}Content-Length: "
                               . "18446744073709551618\r\n\r\n{}" ] ],
    'a length and a coding' => [ [ send => "${OK}Content-Length: 2\r\n"
        . "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n" ] ],
    'a coding and a length' => [ [ send => "${OK}Transfer-Encoding: chunked"
        . "\r\nContent-Length: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\n" ] ],
    'an unknown coding' => [ [ send => "${OK}Transfer-Encoding: gzip\r\n\r\n"
                               . '{}' ], 'close' ],
    'identity' => [ [ send => "${OK}Transfer-Encoding: identity\r\n\r\n{}" ],
                    'close' ],
    'two codings' => [ [ send => "${OK}Transfer-Encoding: gzip, chunked\r\n"
                         . "\r\n2\r\n{}\r\n0\r\n\r\n" ] ],
    'chunked twice' => [ [ send => "${OK}Transfer-Encoding: chunked, chunked"
                           . "\r\n\r\n2\r\n{}\r\n0\r\n\r\n" ] ],
    'chunked in two lines' => [ [ send => "${OK}Transfer-Encoding: chunked"
        . "\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n" ] ],
    'a coding with a tab' => [ [ send => "${OK}Transfer-Encoding: \x0bchunked"
                                 . "\r\n\r\n2\r\n{}\r\n0\r\n\r\n" ] ],

    'HTML with 200' => [ [ answer => 200, '<html>', 'Content-Type',
                           'text/html' ] ],
    'HTML with 404' => [ [ answer => 404, '<html>', 'Content-Type',
                           'text/html' ] ],
    'HTML with 502' => [ [ answer => 502, '<html>', 'Content-Type',
                           'text/html' ] ],
    'no type with 200' => [ [ answer => 200, '{}' ] ],
    'text with 200' => [ [ answer => 200, '{}', 'Content-Type',
                           'text/plain' ] ],
    'a 204' => [ [ send => "HTTP/1.1 204 No Content\r\n\r\n" ] ],
    'a 304' => [
        [ send => "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n" ] ],
    'a 301' => [ [ answer => 301, '<html>', 'Content-Type', 'text/html',
                 'Location', 'https://other.example/' ] ],
    '307 with JSON' => [ [ json => 307, {}, 'Location' => '/v2/' ] ],
    'HTML with 429' => [ [ answer => 429, '<html>', 'Content-Type',
                           'text/html', 'Retry-After', 17 ] ],
    'HTML with 503' => [ [ answer => 503, '<html>', 'Content-Type',
                           'text/html', 'Retry-After', 18 ] ],
    'HTML with 504' => [ [ answer => 504, '<html>', 'Content-Type',
                           'text/html' ] ],
    'HTML with 529' => [ [ answer => 529, '<html>', 'Content-Type',
                           'text/html' ] ],
    'HTML with 413' => [ [ answer => 413, '<html>', 'Content-Type',
                           'text/html' ] ],

    # these are answers; what is behind them must not be one
    'more than its length' => [ [ send => "${OK}Content-Length: 2\r\n\r\n{}"
                                  . $smuggled ] ],
    'more than its length, later' => [ [ send => "${OK}Content-Length: 2\r\n"
                                         . "\r\n{}", $smuggled ],
                                       [ mark => 'smuggled' ] ],
    'more than its chunks' => [ [ send => "${OK}Transfer-Encoding: chunked\r\n"
                               . "\r\n2\r\n{}\r\n0\r\n\r\n$smuggled" ] ],
    'more than nothing' => [ [ send => "${OK}Content-Length: 0\r\n\r\n"
                               . $smuggled ] ],
    'more than a 429' => [ [ send => "HTTP/1.1 429 X\r\nContent-Type: "
        . "application/json\r\nContent-Length: 2\r\n\r\n{}$smuggled" ] ],
    'behind a 204' => [ [ send => "HTTP/1.1 204 X\r\n\r\n$smuggled" ] ],
    'behind HTTP/1.0' => [ [ send => ($OK =~ s/1\.1/1.0/r)
                             . "Content-Length: 2\r\n\r\n{}$smuggled" ] ],
    'behind Connection: close' => [ [ send => "${OK}Connection: close\r\n"
                                . "Content-Length: 2\r\n\r\n{}$smuggled" ] ],
    'trailers' => [ [ send => "${OK}Transfer-Encoding: chunked\r\n\r\n2\r\n{}"
                      . "\r\n0\r\nContent-Length: 50\r\nX-A: b\r\n\r\n" ] ],
);

my @passing = (
    400, 402, 404, 405, 406, 408, 409, 410, 413, 415, 418, 422, 424, 425, 429,
    431, 451, 498, 499, 500, 501, 502, 503, 504, 507, 520, 524, 529, 599,
);
my $odd = "{ \"error\" :\t{"
    . "\"message\":\"caf\\u00e9 \xc3\xa9\",\"n\":1e400}}\r\n";

$script{"status $_"} = [ [ json => $_, $odd, 'Retry-After' => '3.5',
                           'x-ratelimit-remaining-requests' => '0',
                           'x-request-id' => 'r' ] ] for @passing, 401, 403,
                                                         407;
$script{'no body'} = [ [ json => 400, '' ] ];
$script{'problem'} = [ [ answer => 400, '{}', 'Content-Type',
                         'application/problem+json; charset=utf-8' ] ];
$script{'untyped error'} = [ [ answer => 400, '{"a":1}', 'Content-Type',
                               'application/octet-stream' ] ];
$script{'untyped'} = [ [ answer => 200, '{"a":1}', 'Content-Type',
                         'application/octet-stream' ] ];
$script{'chunked error'} = [ [ send => "HTTP/1.1 500 X\r\nContent-Type: "
    . "application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    . "1\r\n{\r\n1\r\n}\r\n0\r\n\r\n" ] ];
$script{'close-delimited error'} = [ [ send => "HTTP/1.1 400 X\r\n"
    . "Content-Type: application/json\r\n\r\n{}" ], 'close' ];

my $up = GenAI::Upstream->new(lossy => 1, route => sub {
    my ($r) = @_;
    my $do = JSON::PP::decode_json($r->{body})->{do};

    return $script{$do} || [ [ json => 200, { body => $r->{body} } ] ];
});

my $t = GenAI::Test->new(log_level => 'info')->conf(<<'EOF', UP => $up->port);
http {
    log_format ends escape=json '$status "$genai_error" $upstream_status';
    access_log %%TESTDIR%%/ends.log ends;

    genai_provider p    { dialect openai; pass http://127.0.0.1:%%UP%%/v1; }
    genai_provider fast { dialect openai; pass http://127.0.0.1:%%UP%%/v1;
                          idle_timeout 200ms; }
    genai_model m { target p; }
    genai_model fast { target fast; }

    server {
        listen 127.0.0.1:%%PORT_0%%;
        genai_auth off;
        location / { genai_pass; }
    }
}
EOF
$t->run;

my $c;
my $line = 0;

# The client's connection is kept as long as nginx keeps it.

sub ask {
    my ($do, $model) = @_;

    $c = $t->connect if !$c || $c->{eof};
    $c->request('POST', '/v1/chat/completions', headers => [
                'Content-Type' => 'application/json' ],
                body => json_text({ model => $model || 'm', do => $do }));

    my $r = $c->response;

    $line++;
    $c->closed(timeout => 1) if ($r->header('connection') // '') eq 'close'
        || !$r->complete;

    return $r;
}

sub last_line {
    wait_for(sub { (() = $t->access_log('ends.log') =~ /\n/g) >= $line });
    return (split /\n/, $t->access_log('ends.log'))[$line - 1];
}


# ---- errors of the provider's own pass byte for byte

my %word = (408 => 'provider_timeout', 504 => 'provider_timeout',
            413 => 'caller_too_large', 429 => 'provider_rate_limited',
            503 => 'provider_overloaded', 529 => 'provider_overloaded');

for my $status (@passing) {
    my $r = ask("status $status");
    my $word = $word{$status} || ($status < 500 ? 'caller_bad_request'
                                                : 'provider_bad_answer');

    is(join(' ', $r->status, $r->header('x-genai-error') // '-', $r->body,
            $r->header('retry-after') // '-', $r->header('x-request-id'),
            $r->header('x-genai-provider-ratelimit-remaining-requests'),
            $r->header('connection')),
       "$status $word $odd 3.5 r 0 keep-alive", "status $status");
    is(last_line(), "$status \"$word\" $status", "status $status: logged");
}

is($up->connections, 1, 'the connection to the provider is kept all the time');

for ([ 'no body', 400, '' ], [ 'problem', 400, '{}' ],
     [ 'untyped error', 400, '{"a":1}' ],
     [ 'chunked error', 500, '{}' ], [ 'close-delimited error', 400, '{}' ])
{
    my ($do, $status, $body) = @$_;
    my $r = ask($do);

    is($r->status . ' ' . $r->body, "$status $body", $do);
    ok($r->complete, "$do: whole");
}


# ---- the rest is ours to say, in the client's dialect

sub ours {
    my ($do, $status, $word, %o) = @_;

    my $r = ask($do, $o{model});
    my $error = ($r->json // {})->{error};

    $error = {} if ref $error ne 'HASH';

    is(join(' ', $r->status, $r->header('x-genai-error') // '-',
            $r->header('content-type') // '-', $error->{code} // '-'),
       "$status $word application/json $word", $do)
        or diag($r->body // $r->error);
    like($error->{message}, qr/\w \w/, "$do: a message");
    is($r->header('connection'), 'keep-alive', "$do: the client's connection");
    like(last_line(), qr/^$status "$word"/, "$do: logged");

    return $r;
}

ours("status $_", 502, 'provider_refused') for 401, 403;
is(ask('status 401')->header('www-authenticate'), undef,
   'the client is not asked for a key');
unlike(ask('status 403')->body, qr/caf/, 'nor told what the provider said');
like($t->error_log, qr/provider "p" refused its credential with 401/,
     'the log says it');

# proxy authentication is between the provider and us as well
ours('status 407', 502, 'provider_refused');

ours($_, 502, 'provider_bad_answer')
    for 'before any byte', 'a reset before any byte', 'in the status line',
        'behind the status line', 'in the head', 'before the empty line',
        'a reset in the head', 'behind an interim answer', 'garbage',
        'HTTP/0.9', 'another protocol', 'ICY', 'a status of two digits',
        'status 99', 'status 600', 'status 999', 'NUL in the head',
        'a blank before the colon', 'a folded line', 'a folded coding',
        'a head of 9 KB', 'a head of 200 KB', 'a head without an end',
        'two lengths', 'the same length twice', 'a list of lengths',
        'a length below 0', 'a length with a sign', 'a length in hex',
        'no length at all', 'a length of 2**64', 'a length and a coding',
        'a coding and a length', 'an unknown coding', 'identity',
        'two codings', 'chunked twice', 'chunked in two lines',
        'a coding with a tab', 'HTML with 200', 'HTML with 502',
        'no type with 200', 'text with 200', 'untyped', 'a 204', 'a 304',
        'a 301', '307 with JSON';

is(ours('a 301', 502, 'provider_bad_answer')->header('location'), undef,
   'a redirect is not shown');
is(ours('HTML with 429', 429, 'provider_rate_limited')->header('retry-after'),
   '17', 'Retry-After stays when the body is made anew');
is(ours('HTML with 503', 503, 'provider_overloaded')->header('retry-after'),
   '18', 'of a 503 as well');
ours('HTML with 504', 504, 'provider_timeout');
ours('HTML with 404', 404, 'caller_bad_request');
ours('HTML with 529', 503, 'provider_overloaded');
ours('HTML with 413', 413, 'caller_too_large');


# ---- what stands behind an answer is no answer

for my $do ('more than its length', 'more than its length, later',
            'more than its chunks', 'more than nothing', 'more than a 429',
            'behind a 204', 'behind HTTP/1.0', 'behind Connection: close',
            'trailers')
{
    my $r = ask($do);

    $up->wait_mark('smuggled') if $do =~ /later/;

    if ($do eq 'behind a 204') {
        is($r->status, 502, "$do: no answer to this endpoint");

    } else {
        is($r->body, $do eq 'more than nothing' ? '' : '{}', "$do: its body");
        ok($r->complete, "$do: whole");
    }

    for my $next (1, 2) {
        my $r = ask("next $next of $do");

        like($r->body, qr/"next $next of $do\W/, "$do: $next requests later")
            or diag($r->status . $r->body);
    }
}


# ---- silence

my $silent = GenAI::Upstream->new(name => 'silent', requests => [ [
                                  'wait_close' ] ]);
my $half = GenAI::Upstream->new(name => 'half', requests => [ [
                [ send => "HTTP/1.1 200 OK\r\n" ], 'wait_close' ] ]);
my $deaf = GenAI::Upstream->new(name => 'deaf', requests => [ [ 'noread',
                [ wait => 'end' ] ] ]);

my $s = GenAI::Test->new(log_level => 'info', name => 'nginx of silence')
    ->conf(<<'EOF', A => $silent->port, B => $half->port, C => $deaf->port);
http {
    client_max_body_size 100m;
    client_body_buffer_size 30m;
    log_format ends '$status "$genai_error" $upstream_status';
    access_log %%TESTDIR%%/ends.log ends;

    genai_provider silent { dialect openai; pass http://127.0.0.1:%%A%%/;
                            idle_timeout 200ms; }
    genai_provider half   { dialect openai; pass http://127.0.0.1:%%B%%/;
                            idle_timeout 200ms; }
    genai_provider deaf   { dialect openai; pass http://127.0.0.1:%%C%%/;
                            send_timeout 200ms; }
    genai_model silent { target silent; }
    genai_model half   { target half; }
    genai_model deaf   { target deaf; }

    server {
        listen 127.0.0.1:%%PORT_0%%;
        genai_auth off;
        location / { genai_pass; }
    }
}
EOF
$s->run;

for my $model (qw(silent half deaf)) {
    my $r = $s->post('/v1/chat/completions', { model => $model,
            a => $model eq 'deaf' ? 'x' x 20_000_000 : '' });

    is($r->status . ' ' . $r->header('x-genai-error'),
       '504 provider_timeout', "$model: a timeout");
    is($r->json->{error}{code}, 'provider_timeout', "$model: as JSON");
    ok($s->wait_access(qr/^504 "provider_timeout" 504$/m, 5, 'ends.log'),
       "$model: logged");
    $s->write_file('ends.log', '');
    $s->signal('USR1');
}

is($silent->closed(0), 'eof', 'the provider is left');


done_testing;
