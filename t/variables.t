# SPDX-License-Identifier: Apache-2.0

# Variables: an access log in JSON is JSON for whatever an exchange came to,
# its numbers are numbers, and they are right.

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

    return [ [ sse => { n => 1 }, '[DONE]' ] ] if $do eq 'stream';
    return [ [ send => $SSE ], [ delay => 0.15 ], [ chunk => "data: 1\n\n" ],
             [ delay => 0.2 ], 'chunk_end' ] if $do eq 'late';
    return [ [ delay => 0.1 ], [ json => 200, {} ] ] if $do eq 'slow';
    return [ [ send => $SSE ], [ chunk => "data: 1\n\n" ], 'close' ]
        if $do eq 'die';
    return [ 'wait_close' ] if $do eq 'wait';
    return [ 'close' ] if $do eq 'close';
    return [ [ json => $do, {} ] ] if $do =~ /^\d+$/;
    return [ [ json => 200, {} ] ];
});

my $t = GenAI::Test->new(log_level => 'info')->conf(<<'EOF',
http {
    log_format j escape=json '{"id":"$genai_request_id",'
        '"endpoint":"$genai_endpoint","model":"$genai_model",'
        '"provider":"$genai_provider","target":"$genai_target",'
        '"stream":$genai_stream,"attempts":$genai_attempts,'
        '"ttft":$genai_ttft,"overhead":$genai_overhead,'
        '"step":$genai_step,"prompt":$genai_prompt_tokens,'
        '"cached":$genai_cached_tokens,'
        '"completion":$genai_completion_tokens,'
        '"reasoning":$genai_reasoning_tokens,'
        '"source":"$genai_count_source","finish":"$genai_finish",'
        '"error":"$genai_error","status":$status,"time":$request_time,'
        '"tag":"$http_x_tag","upstream":"$upstream_status"}';
    access_log %%TESTDIR%%/j.log j;
    client_max_body_size 1k;
    large_client_header_buffers 2 1k;
    limit_req_zone one zone=req:32k rate=1r/m;

    map $genai_target $by_target { default none; p was-p; }

    genai_provider p    { dialect openai; pass http://127.0.0.1:%%UP%%/v1; }
    genai_provider q    { dialect openai; pass http://127.0.0.1:%%UP%%/v1;
                          idle_timeout 100ms; }
    genai_provider dead { dialect openai; pass http://127.0.0.1:%%DEAD%%; }
    genai_provider none { dialect openai; pass http://127.0.0.1:%%UP%%;
                          credential file:none; }
    genai_model m    { target p; }
    genai_model "~^[^a-z]" { target p; }
    genai_model q    { target q; next_target off; }
    genai_model pq   { target dead; target p; }
    genai_model ppq  { target p; target dead; target q; }
    genai_model dead { target dead; }
    genai_model none { target none; }
    genai_model long { target p; }

    server {
        listen 127.0.0.1:%%PORT_0%%;
        listen 127.0.0.1:%%PORT_1%% %%LISTEN_H2%%;
        %%HTTP2_ON%%
        genai_auth off;
        location /v1/   { genai_pass;
                          add_header X-Id $genai_request_id always;
                          add_header X-Model $genai_model always;
                          add_header X-By $by_target always; }
        location /auth/ { genai_pass; genai_auth on; }
        location /fix/  { genai_pass model=m; genai_endpoints chat other; }
        location /deny/ { genai_pass; deny all; }
        location /req/  { genai_pass; limit_req zone=req; }
        location /fall/ { genai_pass; error_page 502 = @fall; }
        location @fall  { genai_pass model=m; }
        location /ret/  { genai_pass; return 503; }
        location /early/ { genai_pass; if ($genai_model) { return 500; }
                           set $x "$genai_ttft $genai_target"; }
        location /body/ { genai_pass; client_body_timeout 100ms; }
        location /plain/ {
            set $numbers "$genai_stream|$genai_ttft|$genai_attempts";
            return 200 "$numbers|$genai_error|$genai_request_id";
        }
    }
}
EOF
                         UP => $up->port, DEAD => allot_port())->run;

my $n = 0;

# Does something that has one line in the log; returns the answer and the line
# as a structure.

sub line {
    my ($what, $sub) = @_;

    my $r = $sub->();
    my $text;

    wait_for(sub {
        defined($text = ($t->access_log('j.log') =~ /^(.*)\n/mg)[$n]);
    });

    $n++;

    my $j = eval { JSON::PP->new->utf8->decode($text // '') };

    ok($j, "$what: the line is JSON") or diag($text);

    my $number = '(?:0|[1-9]\d*)';

    like($text, qr/"stream":[01],"attempts":$number,"ttft":$number\.\d{6},
                   "overhead":$number\.\d{6},"step":$number\.\d{6},
                   "prompt":$number,"cached":$number,
                   "completion":$number,"reasoning":$number,
                   "source"/x, "$what: numbers");
    cmp_ok($j->{overhead}, '<', $j->{time} + 0.01, "$what: overhead")
        if $j && $j->{time} > 0.05;
    cmp_ok($j->{ttft}, '<', $j->{time} + 0.01, "$what: time to first token")
        if $j;

    return ($r, $j || {});
}

sub ask {
    my ($what, $body, %want) = @_;

    my $path = delete $want{path} // '/v1/chat/completions';
    my ($r, $j) = line($what, sub { $t->post($path, $body,
                                             %{delete $want{o} || {}}) });

    for (sort keys %want) {
        is($j->{$_}, $want{$_}, "$what: $_");
    }

    is($j->{id}, $r->header('x-genai-request-id'), "$what: request id")
        if $r->status;
    is($j->{status}, $r->status, "$what: status as the client saw it")
        if $r->status;
    is($j->{error}, $r->header('x-genai-error') // '', "$what: error too")
        if $r->status && !($r->body =~ /^data/);

    return ($r, $j);
}

my @ok = (endpoint => 'chat', model => 'm', provider => 'p', target => 'p',
          attempts => 1, error => '', status => 200);
my @none = (provider => '', target => '', attempts => 0);


# ---- every outcome

my ($r, $j) = ask('an answer', { model => 'm' }, @ok, stream => 0);

is($r->header('x-id'), $r->header('x-genai-request-id'), 'in add_header');
is($r->header('x-model'), 'm', 'the model as well');
is($r->header('x-by'), 'was-p', 'in a map');
cmp_ok($j->{overhead}, '>', 0, 'overhead is more than nothing');
cmp_ok($j->{overhead}, '<', 0.05 * $GenAI::Test::SCALE, 'but not much');
cmp_ok($j->{ttft}, '>', 0, 'so is the time to the first token');

ask('a stream', { model => 'm', do => 'stream', stream => \1 }, @ok,
    stream => 1);
ask('stream false', { model => 'm', stream => \0 }, @ok, stream => 0);

($r, $j) = ask('late tokens', { model => 'm', do => 'late', stream => \1 },
               @ok, stream => 1, error => 'provider_bad_answer');
cmp_ok($j->{ttft}, '>', 0.14,
       'ttft of events without a token is that of the first byte');
cmp_ok($j->{time}, '>', 0.34, 'the whole takes longer');
cmp_ok($j->{ttft}, '<', $j->{time} - 0.1, 'by the time of the rest');
cmp_ok($j->{overhead}, '<', 0.1, 'waiting is no overhead');

ask('embeddings', { model => 'm' }, @ok, endpoint => 'embeddings',
    path => '/v1/embeddings');
ask('completions', { model => 'm' }, @ok, endpoint => 'completions',
    path => '/v1/completions');
ask('a model by the location', { model => 'x' }, @ok, model => 'x',
    path => '/fix/chat/completions');
ask('a failover', { model => 'pq' }, @ok, model => 'pq', attempts => 2,
    upstream => '502, 200');
ask('a fallback', { model => 'dead' }, path => '/fall/chat/completions',
    endpoint => 'chat', target => 'p', error => '', status => 200,
    upstream => '502 : 200');

ask('no caller', { model => 'm' }, @none, endpoint => '', model => '',
    error => 'caller_unauthenticated', path => '/auth/chat/completions');
ask('no endpoint', { model => 'm' }, @none, endpoint => '', model => '',
    error => 'caller_forbidden_endpoint', path => '/v1/nothing');
ask('no JSON', '{', @none, endpoint => 'chat', model => '',
    error => 'caller_bad_request');
ask('no model', '{}', @none, endpoint => 'chat', model => '',
    error => 'caller_bad_request');
ask('an unknown model', { model => 'what' }, @none, endpoint => 'chat',
    model => 'what', error => 'caller_forbidden_model', status => 404);
ask('too large', { model => 'm', a => 'x' x 2000 }, @none,
    error => 'caller_too_large', status => 413);
ask('too large, chunked', undef, @none, error => 'caller_too_large',
    status => 413, o => { chunked => [ '{"model":"m","a":"', 'x' x 2000 ] });
ask('refused by nginx', {}, @none, error => 'caller_forbidden_endpoint',
    status => 403, path => '/deny/chat/completions');
ask('not limited', { model => 'm' }, @ok, path => '/req/chat/completions');
ask('limited', { model => 'm' }, @none, error => 'gateway_full',
    status => 503, path => '/req/chat/completions');
ask('return', {}, @none, error => 'gateway_full', status => 503,
    path => '/ret/chat/completions');
ask('variables before they are known', { model => 'm' }, @ok,
    path => '/early/chat/completions');
ask('unreachable', { model => 'dead' }, endpoint => 'chat', target => 'dead',
    attempts => 1, error => 'provider_unreachable', status => 502,
    ttft => 0);
ask('no credential', { model => 'none' }, @none, error => 'gateway_config',
    status => 503);
ask('a timeout', { model => 'q', do => 'wait' }, target => 'q',
    attempts => 1, error => 'provider_timeout', status => 504, ttft => 0);
ask('429', { model => 'm', do => 429 }, target => 'p', attempts => 1,
    error => 'provider_rate_limited', status => 429);
ask('three attempts', { model => 'ppq', do => 500 }, target => 'q',
    attempts => 3, error => 'provider_bad_answer', status => 500,
    upstream => '500, 502, 500');
ask('401 of the provider', { model => 'm', do => 401 }, target => 'p',
    attempts => 1, error => 'provider_refused', status => 502);
ask('a stream that breaks off', { model => 'm', do => 'die', stream => \1 },
    @ok, stream => 1, error => 'provider_bad_answer', status => 200);

($r, $j) = line('models', sub { $t->get('/v1/models') });
is($j->{endpoint} . $j->{status}, 'models200', 'models');
($r, $j) = line('one model', sub { $t->get('/v1/models/m') });
is($j->{endpoint} . $j->{status}, 'models200', 'one model');
($r, $j) = line('a method', sub { $t->get('/v1/chat/completions') });
is($j->{error} . $j->{status}, 'caller_bad_request405', 'a method');
($r, $j) = line('HTTP/1.0', sub { $t->post('/v1/chat/completions',
                { model => 'm' }, version => '1.0') });
is($j->{target} . $j->{status}, 'p200', 'HTTP/1.0');

# not ours, or no request at all

($r, $j) = line('elsewhere', sub { $t->get('/plain/') });
is($r->body, '0|0.000000|0||', 'where nothing is ours they are there too');
is($j->{id} . $j->{model} . $j->{error}, '', 'in the log as well');
($r, $j) = line('not found', sub { $t->get('/nowhere') });
is($j->{status}, 404, 'not found');
($r, $j) = line('a bad request line', sub { $t->raw("G\r\n\r\n") });
is($j->{status}, 400, 'a bad request line');
($r, $j) = line('a large head', sub { $t->get('/v1/models',
                headers => [ 'X-A' => 'x' x 3000 ]) });
is($j->{status}, 400, 'a large head');

# clients that leave or stop

($r, $j) = line('a client that leaves', sub {
    my $c = $t->connect;

    $c->request('POST', '/v1/chat/completions',
                body => '{"model":"m","do":"wait"}');
    wait_for(sub { ($up->requests)[-1]{body} =~ /wait/ });
    $c->close;
});
is("$j->{error} $j->{status} $j->{target} $j->{attempts}",
   'caller_gone 499 p 1', 'a client that leaves');

($r, $j) = line('a body that stops', sub {
    $t->raw("POST /body/chat/completions HTTP/1.1\r\nHost: a\r\n"
            . "Content-Length: 9\r\n\r\n{");
});
is($j->{status}, 408, 'a body that stops');

($r, $j) = line('a client that leaves a stream', sub {
    my $c = $t->stream('/v1/chat/completions', { model => 'm',
                       do => 'late', stream => \1 });
    $c->close;
});
is("$j->{error} $j->{stream}", 'caller_gone 1',
   'a client that leaves a stream');


# ---- odd values

for my $model ('"', '\\', "\xe2\x82\xac", '{"a":1}', '</script>',
               "\xf0\x9f\x98\x80",
               '$x', '%s%n', "\x{e2}\x{80}\x{a8}")
{
    (undef, $j) = ask("model " . JSON::PP->new->latin1->ascii->allow_nonref
                      ->encode($model),
                      '{"model":' . JSON::PP->new->latin1->allow_nonref
                      ->encode($model) . '}', status => 200);

    my $got = $j->{model};

    utf8::encode($got);
    is($got, $model, 'comes into the log as it is');
}

for my $bad ("{\"model\":\"\xff\"}", '{"model":"\ud800"}',
             '{"model":"a\u0000"}',
             '{"model":"' . 'x' x 300 . '"}', '{"model":1}')
{
    (undef, $j) = ask('a bad model', $bad, status => 400,
                      error => 'caller_bad_request');
    is($j->{model}, '', 'a name that is refused is no value');
}

# a name that is none must not come into a header by add_header

$r = $t->post('/v1/chat/completions', '{"model":"a\r\nX-Evil: 1"}');
$n++;
is($r->status, 400, 'a name with an end of line');
is($r->header('x-evil'), undef, 'is not split into headers');
unlike($r->header('x-model') // '', qr/a/, 'nor shown');


# ---- HTTP/2

SKIP: {
    skip 'curl has no HTTP/2', 1 if !$t->can_h2;

    (undef, $j) = line('HTTP/2', sub {
        $t->h2('POST', '/v1/chat/completions', port => $t->port(1),
               body => '{"model":"m","do":"stream","stream":true}');
    });
    is("$j->{target} $j->{stream} $j->{status}", 'p 1 200', 'HTTP/2');
}

my @ids = map { JSON::PP::decode_json($_)->{id} } split /\n/,
    $t->access_log('j.log');
my %ids = map { $_ => 1 } grep { length } @ids;

is(keys %ids, scalar(grep { length } @ids), 'no two request ids are the same');
is(scalar(@ids), $n, 'and there is one line an exchange');


done_testing;
