# SPDX-License-Identifier: Apache-2.0

# Headers: what goes up (a list, never what identifies the client), what comes
# back (a list, nothing that drives nginx or the client), and the provider's
# credential from every source.

use strict;
use warnings;

use lib 't/lib';

use JSON::PP ();

use GenAI::Test;
use GenAI::Upstream;

my $up = GenAI::Upstream->new(lossy => 1, route => sub {
    my ($r) = @_;
    my $do = JSON::PP::decode_json($r->{body} || '{}');

    return [ [ send => map { ref $_ ? join('', @$_) : $_ }
               @{$do->{send}} ] ] if $do->{send};

    return [ [ json => $do->{status} || 200, { ok => 1,
                   choices => [ { message => { content => 'a' } } ] },
               @{$do->{headers} || []} ] ];
});

my $t = GenAI::Test->new(log_level => 'info', env => {
    GENAI_TEST_KEY => 'key-of-env', GENAI_TEST_BLANK => " key-with-blank \n",
});

$t->write_file('key', "key-of-file\n");
$t->write_file('crlf', "key-of-crlf\r\n");
$t->write_file('secret', 'key-of-secret');
$t->write_file('bad', "two\nlines\n");
$t->write_file('nul', "nul\0nul\n");
$t->write_file('empty', "\n");
$t->write_file('long', 'x' x 16384);
$t->write_file('longer', 'x' x 16385);

my %providers = (
    plain => '',
    env => 'credential env:GENAI_TEST_KEY;',
    file => 'credential file:%%TESTDIR%%/key;',
    relative => 'credential file:key;',
    crlf => 'credential file:%%TESTDIR%%/crlf;',
    secret => 'credential secret:named;',
    same => 'credential secret:named;',
    long => 'credential file:%%TESTDIR%%/long;',
    bad => 'credential file:%%TESTDIR%%/bad;',
    nul => 'credential file:%%TESTDIR%%/nul;',
    empty => 'credential file:%%TESTDIR%%/empty;',
    longer => 'credential file:%%TESTDIR%%/longer;',
    missing => 'credential file:%%TESTDIR%%/none;',
    folder => 'credential file:%%TESTDIR%%;',
    unset => 'credential env:GENAI_TEST_UNSET;',
    listed => 'header X-Trace; header x-mixed-CASE; header user-agent;',
    own => 'header X-Own "a $arg_x b"; header X-Empty ""; header X-Two 1;'
        . ' header X-Two 2; header OpenAI-Organization org-1;'
        . ' header X-Model $genai_model;',
    replace => 'header User-Agent gateway/1; header accept text/plain;'
        . ' header Content-Type application/x-json;',
    both => 'header X-Trace; header X-Trace ours;',
);

my $providers = join '', map { "genai_provider $_ { dialect openai; pass "
    . "http://127.0.0.1:%%UP%%/v1; $providers{$_} }\n"
    . "genai_model $_ { target $_; }\n" } sort keys %providers;

$t->conf(<<"EOF", UP => $up->port)->run;
http {
    genai_secret named file:%%TESTDIR%%/secret;
    $providers
    genai_model down-first { target missing; target env; }
    server {
        listen 127.0.0.1:%%PORT_0%%;
        genai_auth off;
        underscores_in_headers on;
        location /v1/ { genai_pass; }
        location /all/ { genai_pass; genai_expose target overhead; }
    }
}
EOF

my $n = 0;

# The answer and what came up for it.

sub ask {
    my ($model, %o) = @_;

    my $r = $t->post(($o{path} || '/v1/chat/completions'),
                     { model => $model, %{$o{body} || {}} }, %o);
    my $seen = $r->{status} == 503 ? undef : $up->request($n++);

    return ($r, $seen);
}

sub names { return join ' ', map { lc $_->[0] } @{$_[0]{headers}} }


# ---- what goes up

my ($r, $seen) = ask('plain');

is($seen->{method} . ' ' . $seen->{uri} . ' ' . $seen->{version},
   'POST /v1/chat/completions 1.1', 'request line');
is(names($seen), 'host accept-encoding content-length content-type',
   'no header but these');
is($seen->{h}{host}, '127.0.0.1:' . $up->port, 'Host is that of pass');
is($seen->{h}{'accept-encoding'}, 'identity', 'no coded answer is asked for');
is($seen->{h}{'content-type'}, 'application/json', 'Content-Type');

my @secret = (
    'Authorization' => 'Bearer client-1', 'Cookie' => 'client=2',
    'x-api-key' => 'client-3', 'api-key' => 'client-4',
    'x-goog-api-key' => 'client-5', 'OpenAI-Organization' => 'client-6',
    'OpenAI-Project' => 'client-7', 'X-Forwarded-For' => 'client-8',
    'Forwarded' => 'for=client-9', 'X-Real-IP' => 'client-10',
    'Proxy-Authorization' => 'Basic client-11', 'Origin' => 'client-12',
    'Referer' => 'client-13', 'Accept-Language' => 'client-14',
    'X-Stainless-Lang' => 'client-15', 'X-Trace' => 'client-16',
    'Connection' => 'close, x-trace', 'Keep-Alive' => 'client=17',
    'Range' => 'bytes=1-18', 'If-None-Match' => '"client-19"',
    'If-Modified-Since' => 'client-20', 'X-HTTP-Method-Override' => 'PUT',
    'Accept-Encoding' => 'gzip, br', 'x_api_key' => 'client-22',
    'X-Goog-User-Project' => 'client-23', 'Max-Forwards' => '24',
    'TE' => 'trailers', 'X-Accel-Redirect' => 'client-25',
    'anthropic-dangerous-direct-browser-access' => 'client-26',
);
my @listed = (
    'Accept' => 'text/event-stream', 'User-Agent' => 'OpenAI/Python 1.2',
    'traceparent' => '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    'tracestate' => 'a=b', 'Idempotency-Key' => 'idem-1',
    'OpenAI-Beta' => 'assistants=v2', 'anthropic-version' => '2023-06-01',
    'anthropic-beta' => 'x', 'Content-Type' => 'application/json; a=b',
);

($r, $seen) = ask('plain', headers => [ @secret, @listed ]);

unlike($seen->{raw}, qr/client/, 'nothing that identifies the client');
is(names($seen), join(' ', 'host accept-encoding content-length',
   map { lc $listed[2 * $_] } 0 .. $#listed / 2), 'the list goes up');
is($seen->{h}{lc $listed[2 * $_]}, $listed[2 * $_ + 1],
   "as it is: $listed[2 * $_]") for 0 .. $#listed / 2;
is($seen->{h}{'accept-encoding'}, 'identity', 'still no coded answer');

($r, $seen) = ask('listed', headers => [ @secret, 'X-MIXED-case' => 'y',
                                         'x-other' => 'client',
                                         'User-Agent' => 'u' ]);

is(names($seen), 'host accept-encoding content-length x-trace x-mixed-case '
   . 'user-agent content-type', '"header NAME;" lets one through');
is($seen->{h}{'x-trace'}, 'client-16', 'with its value');

($r, $seen) = ask('own', headers => [ @secret, 'X-Own' => 'client',
                                      'X-Two' => 'client' ],
                  path => '/v1/chat/completions?x=1%0d%0aX-Bad:%202&y=3');

is($seen->{h}{'x-own'}, 'a 1%0d%0aX-Bad:%202 b',
   '"header NAME VALUE;" with a variable');
is($seen->{h}{'x-two'}, '1, 2', 'twice where it is written twice');
is($seen->{h}{'openai-organization'}, 'org-1', 'the operator may set it');
is($seen->{h}{'x-model'}, 'own', 'a variable of ours');
ok(!exists $seen->{h}{'x-empty'}, 'an empty value is no header');
is($seen->{uri}, '/v1/chat/completions', 'the query stays here');

($r, $seen) = ask('replace', headers => [ 'User-Agent' => 'client',
                                          'Accept' => 'client' ]);

is($seen->{h}{'user-agent'}, 'gateway/1',
   'a value takes the place of the client\'s header');
is($seen->{h}{accept}, 'text/plain', 'of every listed one');
is($seen->{h}{'content-type'}, 'application/x-json', 'Content-Type as well');

($r, $seen) = ask('both', headers => [ 'X-Trace' => 'client' ]);
is($seen->{h}{'x-trace'}, 'ours', 'and of one that was let through');

# the client's idea of a host, of a length, of a version

$t->raw("POST http://evil.example/v1/chat/completions HTTP/1.1\r\n"
        . "Host: evil.example\r\nContent-Length: 17\r\n"
        . "Connection: close\r\n\r\n{\"model\":\"plain\"}");
$seen = $up->request($n++);
is($seen->{h}{host}, '127.0.0.1:' . $up->port, 'an absolute request line');
is($seen->{uri}, '/v1/chat/completions', 'its path');

$t->post('/v1/chat/completions', { model => 'plain' }, version => '1.0');
is($up->request($n++)->{version}, '1.1', 'HTTP/1.0 below, 1.1 above');


# ---- credentials

my %keys = (env => 'key-of-env', file => 'key-of-file',
            relative => 'key-of-file', crlf => 'key-of-crlf',
            secret => 'key-of-secret', same => 'key-of-secret',
            long => 'x' x 16384);

for my $model (sort keys %keys) {
    ($r, $seen) = ask($model, headers => [ Authorization => 'Bearer client',
                                           'x-api-key' => 'client' ]);
    is($seen->{h}{authorization}, "Bearer $keys{$model}",
       "credential: $model");
    is(() = $seen->{raw} =~ /authorization/gi, 1, "$model: once");
}

for my $model (qw(bad nul empty longer missing folder unset)) {
    ($r) = ask($model);
    is($r->status . ' ' . $r->header('x-genai-error'), '503 gateway_config',
       "no credential: $model");
    unlike($r->body, qr/TESTDIR|genai-|GENAI_TEST|two/, "$model: no detail");
}

is($up->count, $n, 'none of them went up');
like($t->error_log, qr/provider "missing" has no credential: cannot read/,
     'the log says why');
unlike($t->error_log, qr/key-of|client-\d/, 'and no log has a key');

($r, $seen) = ask('down-first');
is($r->status, 200, 'another target has one');
is($seen->{h}{authorization}, 'Bearer key-of-env', 'its own');


# ---- what comes back

my @hidden = (
    'X-Accel-Redirect' => '/secret', 'X-Accel-Expires' => '1',
    'X-Accel-Limit-Rate' => '1', 'X-Accel-Buffering' => 'yes',
    'X-Accel-Charset' => 'koi8-r', 'Set-Cookie' => 'a=b; Path=/',
    'Set-Cookie2' => 'a', 'Alt-Svc' => 'h3=":443"', 'Server' => 'cloudflare',
    'Server-Timing' => 'a', 'Date' => 'Thu, 01 Jan 1970 00:00:00 GMT',
    'Keep-Alive' => 'timeout=5', 'Upgrade' => 'h2c', 'Trailer' => 'X-T',
    'Strict-Transport-Security' => 'max-age=1', 'Location' => '/x',
    'Refresh' => '0; url=/x', 'ETag' => '"x"', 'Content-Range' => 'bytes 0-1/2',
    'Last-Modified' => 'Thu, 01 Jan 1970 00:00:00 GMT',
    'Accept-Ranges' => 'bytes', 'WWW-Authenticate' => 'Bearer',
    'Proxy-Authenticate' => 'Basic', 'x-genai-error' => 'gateway_internal',
    'x-genai-request-id' => 'theirs', 'x-genai-target' => 'theirs',
    'X-Genai-Provider-Ratelimit-Limit-Requests' => 'theirs',
);
my @other = (
    'openai-processing-ms' => '12', 'openai-organization' => 'org-of-ours',
    'CF-RAY' => 'x', 'Access-Control-Allow-Origin' => '*',
    'Expires' => 'Thu, 01 Jan 1970 00:00:00 GMT', 'Vary' => 'Origin',
    'Cache-Control' => 'no-store', 'X-Weird_Name' => 'a', 'Link' => '<x>',
);
my @shown = (
    'Content-Type' => 'application/json; charset=utf-8',
    'X-Request-Id' => 'req-1', 'request-id' => 'req-2',
    'Content-Encoding' => 'br', 'Retry-After' => '7',
);
my @limits = (
    'x-ratelimit-limit-requests' => '60', 'X-RateLimit-Remaining-Tokens' => '9',
    'x-ratelimit-reset-tokens' => '6m0s',
    'anthropic-ratelimit-input-tokens-remaining' => '5',
);

sub head {
    my $head = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n";

    while (my ($k, $v) = splice @_, 0, 2) {
        $head .= "$k: $v\r\n";
    }

    return [ "$head\r\n", '{}' ];
}

sub shows {
    my ($r) = @_;

    return join ' ', sort map { lc $_->[0] } grep {
        $_->[0] !~ /^(?:server|date|connection|content-length
                       |x-genai-request-id)$/xi
    } @{$r->{headers}};
}

my @all = (@hidden, @other, @shown, @limits, 'Connection' => 'keep-alive');

($r) = ask('plain', body => { send => [ head(@all) ] });
is($r->status, 200, 'an answer with many headers');
is($r->body, '{}', 'not a word of them obeyed');
is(shows($r), 'content-encoding content-type request-id retry-after '
   . 'x-genai-provider-ratelimit-input-tokens-remaining '
   . 'x-genai-provider-ratelimit-limit-requests '
   . 'x-genai-provider-ratelimit-remaining-tokens '
   . 'x-genai-provider-ratelimit-reset-tokens x-request-id', 'what comes back');
is($r->header($shown[2 * $_]), $shown[2 * $_ + 1], "as it is: $shown[2 * $_]")
    for 0 .. $#shown / 2;
is($r->header('x-genai-provider-ratelimit-remaining-tokens'), '9',
   'a limit of the provider under its own name');
is(scalar(my @id = $r->header_all('x-genai-request-id')), 1, 'one request id');
like($r->header('x-genai-request-id'), qr/^[0-9a-f]{32}$/, 'of ours');
is($r->header('server'), 'nginx/' . join('.',
   map { $_ + 0 } GenAI::Test::nginx_version() =~ /^(\d)(\d{3})(\d{3})/),
   'Server is nginx');

($r) = ask('plain', path => '/all/chat/completions',
           body => { send => [ head(@all) ] });
is(shows($r), join(' ', sort
   qw(content-encoding content-type request-id retry-after x-request-id
      x-genai-provider-ratelimit-input-tokens-remaining
      x-genai-provider-ratelimit-limit-requests
      x-genai-provider-ratelimit-remaining-tokens
      x-genai-provider-ratelimit-reset-tokens x-genai-overhead x-genai-target),
   map { lc $other[2 * $_] } 0 .. $#other / 2),
   'genai_expose target shows the others, and not the hidden ones');
is($r->header('x-genai-target'), 'plain', 'the target');
like($r->header('x-genai-overhead'), qr/^0\.\d{6}$/, 'the overhead');

# the request id is another one each time

my %id;

for (1 .. 5) {
    ($r) = ask('plain');
    $id{$r->header('x-genai-request-id')} = 1;
}

is(keys %id, 5, 'request ids differ');


# ---- interim answers are skipped

for ([ 'a 100', "HTTP/1.1 100 Continue\r\n\r\n" ],
     [ 'a 102', "HTTP/1.1 102 Processing\r\nX-A: b\r\n\r\n" ],
     [ 'a 103', "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\nSet-Cookie: a\r\n"
              . "X-Request-Id: of-103\r\n\r\n" ],
     [ 'a 199', "HTTP/1.1 199 x\r\nContent-Length: 5\r\n\r\n" ],
     [ 'ten of them', "HTTP/1.1 102 x\r\nRetry-After: 99\r\n\r\n" x 10 ],
     [ '100, 102, 103', "HTTP/1.1 100 C\r\n\r\nHTTP/1.1 102 P\r\n\r\n"
       . "HTTP/1.1 103 E\r\nContent-Type: text/html\r\n"
       . "Transfer-Encoding: chunked\r\n\r\n" ])
{
    my ($what, $interim) = @$_;
    my @h = head('Content-Type' => 'application/json', 'X-Request-Id' => 1);

    for my $how ([ 'together', [ $interim, @{$h[0]} ] ],
                 [ 'apart', $interim, @{$h[0]} ],
                 [ 'byte by byte', split //, join '', $interim, @{$h[0]} ])
    {
        my ($name, @send) = @$how;

        ($r) = ask('plain', body => { send => \@send });

        is(join(' ', $r->status, $r->body, shows($r),
                $r->header('x-request-id') // '-'),
           '200 {} content-type x-request-id 1', "$what, $name");
    }
}

($r) = ask('plain', body => { send => [ "HTTP/1.1 100 C\r\n\r\n" x 40,
                                        @{head()} ] });
is($r->status . ' ' . $r->header('x-genai-error'), '502 provider_bad_answer',
   'forty of them');
($r) = ask('plain', body => { send => [
           "HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n", @{head()} ] });
is($r->status . ' ' . $r->header('x-genai-error'), '502 provider_bad_answer',
   'a protocol that was switched');


done_testing;
