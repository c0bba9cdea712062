# SPDX-License-Identifier: Apache-2.0

# The simulated provider: its endpoints, its pace, its faults, its record.

use strict;
use warnings;

use lib 't/lib';

use Compress::Zlib ();
use MIME::Base64 qw(decode_base64 encode_base64);
use Time::HiRes qw(time sleep);

use GenAI::Test;

my $CHAT = '/v1/chat/completions';
my @hi = (model => 'gpt-4o', messages => [ { role => 'user',
                                             content => 'hi' } ]);
my %hi = @hi;

my $t = GenAI::Test->new(modules => ['genai_sim'], workers => 2)
    ->conf(<<'EOC');
http {
    server {
        listen 127.0.0.1:%%PORT_0%%;
        listen 127.0.0.1:%%PORT_1%% %%LISTEN_H2%%;
        %%HTTP2_ON%%
        client_max_body_size 64m;
        location / { genai_sim; }
        location /few/ { genai_sim tokens=3 usage=off; }
        location /file/ { genai_sim "ledger=%%TESTDIR%%/ledger"
                                    ledger_rows=8; }
        location /off/ { genai_sim last=off; }
        location /spill/ { client_body_buffer_size 1k; genai_sim; }
        location /down/ { genai_sim status=503 retry_after=9
                                    "body={\"down\": true}"; }
        location /zip/ { gzip on; gzip_types text/event-stream; genai_sim; }
        location /x/ { genai_sim header=X-A:1 header=X-B:2; }
    }
}
EOC
$t->run;


# one request with parameters in its header

sub ask {
    my ($line, $body, %o) = @_;

    my @more = @{delete $o{headers} || []};

    return $t->post(delete $o{uri} || $CHAT, $body || { %hi }, %o,
                    headers => [ $line ? ('x-genai-sim' => $line) : (),
                                 @more ]);
}

sub stream {
    my ($line, $body, %o) = @_;

    return ask($line, { %hi, stream => JSON::PP::true(), %{$body || {}} }, %o);
}

sub data {
    my ($r) = @_;

    return map { $_->{data} eq '[DONE]' ? 'DONE'
                 : JSON::PP->new->utf8->decode($_->{data}) } $r->events;
}

sub row {
    my ($id, $uri) = @_;

    my $rows = $t->get(($uri || '') . "/ledger?request_id=$id")->json;

    return $rows->[-1] || {};
}

# the answer is there before the row says how it ended

sub row_end {
    my ($id, $end) = @_;

    wait_for(sub { (row($id)->{end} // '') eq $end });

    return row($id);
}


# chat, at once

my $r = ask();
my $j = $r->json;

is($r->status, 200, 'chat');
is($r->header('content-type'), 'application/json', 'type');
is($r->header('content-length'), length $r->body, 'length');
like($r->header('x-request-id'), qr/^req_[0-9a-f]{16}$/, 'request id');
is($j->{object}, 'chat.completion', 'object');
like($j->{id}, qr/^chatcmpl-/, 'id');
is($j->{model}, 'gpt-4o', 'model');
ok(abs($j->{created} - time) < 10, 'created');
is($j->{choices}[0]{message}{role}, 'assistant', 'role');
is($j->{choices}[0]{finish_reason}, 'stop', 'finish');
ok(exists $j->{choices}[0]{logprobs}, 'logprobs');

my $text = $j->{choices}[0]{message}{content};

is(scalar(split / /, $text), 16, 'sixteen words');
is($j->{usage}{prompt_tokens}, int(length(json_text(\%hi)) / 4), 'prompt');
is($j->{usage}{completion_tokens}, 16, 'completion');
is($j->{usage}{total_tokens}, 16 + $j->{usage}{prompt_tokens}, 'total');
is($j->{usage}{prompt_tokens_details}{cached_tokens}, 0, 'cached');

is(ask()->json->{choices}[0]{message}{content}, $text, 'same request');
isnt(ask()->json->{id}, $j->{id}, 'an id of its own');
isnt(ask('', { %hi, messages => [ { role => 'user', content => 'ho' } ] })
     ->json->{choices}[0]{message}{content}, $text, 'another request');

$j = ask('tokens=100', { %hi, n => 3, max_tokens => 5 })->json;

is(@{$j->{choices}}, 3, 'three choices');
is($j->{choices}[2]{index}, 2, 'index');
is($j->{choices}[1]{finish_reason}, 'length', 'cut');
is($j->{usage}{completion_tokens}, 15, 'usage of all');
isnt($j->{choices}[0]{message}{content}, $j->{choices}[1]{message}{content},
     'choices differ');

$j = ask('', { @hi, max_completion_tokens => 4 })->json;
is($j->{usage}{completion_tokens}, 4, 'max_completion_tokens');

ok(!exists ask('usage=off')->json->{usage}, 'no usage');

# chat, as a stream

$r = stream();

is($r->status, 200, 'stream');
is($r->header('content-type'), 'text/event-stream', 'type');
ok($r->complete, 'complete');

my @e = data($r);

is(@e, 1 + 16 + 1 + 1, 'events');
is($e[0]{object}, 'chat.completion.chunk', 'object');
is_deeply($e[0]{choices}[0]{delta},
          { role => 'assistant', content => '', refusal => undef }, 'role');
is(join('', map { $_->{choices}[0]{delta}{content} } @e[1 .. 16]), $text,
   'the same text');
is($e[16]{choices}[0]{finish_reason}, undef, 'not finished');
is($e[17]{choices}[0]{finish_reason}, 'stop', 'finished');
is($e[18], 'DONE', 'done');
ok(!grep({ ref && exists $_->{usage} } @e), 'no usage');
is_deeply([ keys %{{ map { $_->{id} => 1 } @e[0 .. 17] }} ], [ $e[0]{id} ],
          'one id');

@e = data(stream('tokens=2', { n => 2, stream_options =>
                               { include_usage => JSON::PP::true() } }));
is(join(' ', map { ref ? map({ $_->{index} } @{$_->{choices}}) : () } @e),
   '0 1 0 1 0 1 0 1', 'choices take turns');
ok(exists $e[0]{usage} && !defined $e[0]{usage}, 'usage is null');
is_deeply($e[-2]{choices}, [], 'no choice');
is($e[-2]{usage}{completion_tokens}, 4, 'usage');

@e = data(stream('tokens=2 usage=off',
                 { stream_options => { include_usage => JSON::PP::true() } }));
ok(!grep({ ref && exists $_->{usage} } @e), 'usage=off');

@e = data(stream('tokens=0'));
is(@e, 3, 'an empty answer');

is(data(stream('', undef, uri => "/few$CHAT")), 6, 'parameter of a location');
is(data(stream('tokens=4', undef, uri => "/few$CHAT")), 7, 'overridden');

# a text that is given

$r = ask('piece=3', undef, headers => [ 'x-genai-sim-text' =>
                                        "a\"b caf\xc3\xa9 \xf0\x9f\x99\x82!" ]);
$j = $r->json;
is($j->{choices}[0]{message}{content}, "a\"b caf\x{e9} \x{1f642}!", 'text');
is($j->{usage}{completion_tokens}, 5, 'pieces');

@e = data(stream('piece=3', undef, headers => [ 'x-genai-sim-text' =>
                  "a\"b caf\xc3\xa9 \xf0\x9f\x99\x82!" ]));
is(join('|', map { $_->{choices}[0]{delta}{content} } @e[1 .. 5]),
   "a\"b| ca|f\x{e9}| \x{1f642}|!", 'no character is halved');

# completions

$j = ask('', { model => 'm', prompt => 'x' }, uri => '/v1/completions')->json;
is($j->{object}, 'text_completion', 'completion');
is(scalar(split / /, $j->{choices}[0]{text}), 16, 'text');
$j = ask('', { model => 'm', prompt => [ 'x', 'y' ], n => 2 },
         uri => '/v1/completions')->json;
is(@{$j->{choices}}, 4, 'two of two prompts');
@e = data(ask('tokens=3', { model => 'm', prompt => 'x',
                            stream => JSON::PP::true() },
              uri => '/v1/completions'));
is(@e, 5, 'stream');
like($e[2]{choices}[0]{text}, qr/^ \S+$/, 'token');
is($e[3]{choices}[0]{finish_reason}, 'stop', 'finish');

# embeddings

sub norm { my $n = 0; $n += $_ * $_ for @_; return $n }

$j = ask('', { model => 'e', input => [ 'a', 'b', 'a' ] },
         uri => '/v1/embeddings')->json;
is($j->{object}, 'list', 'embeddings');
is(@{$j->{data}}, 3, 'three');
is($j->{data}[2]{index}, 2, 'index');
is(@{$j->{data}[0]{embedding}}, 8, 'eight dimensions');
ok(abs(norm(@{$j->{data}[0]{embedding}}) - 1) < 1e-6, 'unit length');
is_deeply($j->{data}[0]{embedding}, $j->{data}[2]{embedding}, 'same text');
isnt($j->{data}[0]{embedding}[0], $j->{data}[1]{embedding}[0], 'other text');
ok($j->{usage}{prompt_tokens} > 0, 'usage');

for my $n (1, 2, 3, 1536) {
    my %q = (model => 'e', input => 'a', dimensions => $n);
    my @f = @{ask('', \%q, uri => '/v1/embeddings')->json
              ->{data}[0]{embedding}};
    my @b = unpack 'f<*', decode_base64(ask('', { %q,
        encoding_format => 'base64' }, uri => '/v1/embeddings')
        ->json->{data}[0]{embedding});

    is(@f, $n, "$n dimensions");
    is(@b, $n, 'base64');
    ok(!grep({ abs($f[$_] - $b[$_]) > 1e-6 } 0 .. $n - 1), 'the same');
}

is(@{ask('', { model => 'e', input => [ 1, 2, 3 ] }, uri => '/v1/embeddings')
     ->json->{data}}, 1, 'tokens');
is(@{ask('', { model => 'e', input => [ [ 1, 2 ], [ 3 ] ] },
         uri => '/v1/embeddings')->json->{data}}, 2, 'arrays of tokens');

# models

is($t->get('/v1/models')->json->{object}, 'list', 'models');
is($t->get('/v1/models/meta/llama')->json->{id}, 'meta/llama', 'one model');
is($t->http('HEAD', '/v1/models')->status, 200, 'HEAD');

# tools

my $tool = { type => 'function', function => { name => 'get_weather',
    parameters => { type => 'object', required => [ 'city', 'unit', 'n' ],
        properties => { city => { type => 'string', minLength => 2 },
                        unit => { enum => [ 'C', 'F' ] },
                        n => { '$ref' => '#/$defs/n' },
                        more => { type => 'string' } },
        '$defs' => { n => { type => 'integer', minimum => 3 } } } } };
my $other = { type => 'function', function => { name => 'other' } };
my $args = { city => 'aa', unit => 'C', n => 3 };

$j = ask('', { @hi, tools => [ $tool, $other ] })->json;
my $call = $j->{choices}[0]{message}{tool_calls}[0];
is($j->{choices}[0]{finish_reason}, 'tool_calls', 'call');
is($j->{choices}[0]{message}{content}, undef, 'no content');
is($call->{type}, 'function', 'type');
is($call->{function}{name}, 'get_weather', 'name');
like($call->{id}, qr/^call_/, 'id');
is_deeply(JSON::PP::decode_json($call->{function}{arguments}), $args,
          'arguments');

@e = data(stream('', { tools => [ $tool ] }));
my $d = $e[0]{choices}[0]{delta};
is($d->{tool_calls}[0]{function}{name}, 'get_weather', 'streamed name');
is($d->{tool_calls}[0]{function}{arguments}, '', 'no arguments yet');
is_deeply(JSON::PP::decode_json(join '', map {
              $_->{choices}[0]{delta}{tool_calls}[0]{function}{arguments}
          } @e[1 .. $#e - 2]), $args, 'pieces');
is($e[-2]{choices}[0]{finish_reason}, 'tool_calls', 'finish');

$j = ask('', { @hi, tools => [ $tool, $other ], tool_choice =>
               { type => 'function', function => { name => 'other' } } })
     ->json;
$call = $j->{choices}[0]{message}{tool_calls}[0];
is($call->{function}{name}, 'other', 'forced');
is($call->{function}{arguments}, '{}', 'no parameters');

$j = ask('', { @hi, tools => [ $tool ], tool_choice => 'none' })->json;
ok(defined $j->{choices}[0]{message}{content}, 'tool_choice none');
$j = ask('', { @hi, tools => [ $tool ], messages => [ { role => 'tool',
               tool_call_id => 'x', content => 'sunny' } ] })->json;
is($j->{choices}[0]{finish_reason}, 'stop', 'a tool is answered in words');
is(ask('', { @hi, tools => [ {} ] })->status, 400, 'a bad tool');

# schemas

$j = ask('', { @hi, response_format => { type => 'json_schema', json_schema =>
    { name => 's', schema => $tool->{function}{parameters} } } })->json;
is_deeply(JSON::PP::decode_json($j->{choices}[0]{message}{content}), $args,
          'json_schema');
is(ask('', { @hi, response_format => { type => 'json_object' } })->json
   ->{choices}[0]{message}{content}, '{}', 'json_object');
is(scalar(split / /, ask('', { @hi, response_format => { type => 'text' } })
   ->json->{choices}[0]{message}{content}), 16, 'text');

# bad requests

for ([ 'POST', '/v1/foo', '{}', 404, 'no such path' ],
     [ 'GET', '/', undef, 404, 'root' ],
     [ 'GET', $CHAT, undef, 405, 'method' ],
     [ 'POST', '/v1/models', '{}', 405, 'method of models' ],
     [ 'POST', $CHAT, '{"model":"m","messages":[{}]', 400, 'not closed' ],
     [ 'POST', $CHAT, '', 400, 'no body' ],
     [ 'POST', $CHAT, '[]', 400, 'an array' ],
     [ 'POST', $CHAT, '{"messages":[{}]}', 400, 'no model', 'model' ],
     [ 'POST', $CHAT, '{"model":1,"messages":[{}]}', 400, 'model', 'model' ],
     [ 'POST', $CHAT, '{"model":"m"}', 400, 'no messages', 'messages' ],
     [ 'POST', $CHAT, '{"model":"m","messages":[]}', 400, 'none',
       'messages' ],
     [ 'POST', $CHAT, '{"model":"m","messages":[{}],"n":9}', 400, 'n', 'n' ],
     [ 'POST', '/v1/embeddings', '{"model":"m"}', 400, 'input', 'input' ],
     [ 'POST', '/v1/embeddings', '{"model":"m","input":[]}', 400, 'none',
       'input' ])
{
    my ($method, $uri, $body, $status, $name, $param) = @$_;

    $r = $t->http($method, $uri, body => $body);
    $j = $r->json;

    is($r->status, $status, $name);
    is_deeply([ sort keys %{$j->{error} || {}} ],
              [ qw(code message param type) ], 'shape');
    is($j->{error}{param}, $param, 'param');
}

$r = ask('tokens=3 speed=9');
is($r->status, 400, 'no such parameter');
like($r->json->{error}{message}, qr/"speed=9": no such parameter/, 'message');
is(ask('tokens=x')->status, 400, 'no number');
is(ask('', undef, headers => [ 'x-genai-sim-body-base64' => '!' ])->status,
   400, 'no base64');

# pace

my $start = time;

is(ask('ttft=150')->status, 200, 'ttft');
ok(time - $start >= 0.15, 'waited');

$start = time;
ask('ttft=100 rate=100 tokens=10');
ok(time - $start >= 0.2, 'all tokens take their time');

my $c = $t->stream($CHAT, { %hi, stream => JSON::PP::true() }, headers =>
                   [ 'x-genai-sim' => 'delay=100 ttft=100 rate=20 tokens=5' ]);

my $head = $c->{response}{t_head} - $c->{opened};
ok($head >= 0.1, 'delay');

my @t;
while (my $e = $c->next_event) { push @t, $e->{t} - $c->{opened} }

ok($t[1] >= 0.2, 'first token');
ok($t[5] >= 0.39, 'rate');
is($c->ended, 'complete', 'complete');

# faults that HTTP allows

$r = ask('status=429 retry_after=7');
is($r->status, 429, 'status');
is($r->header('retry-after'), 7, 'retry-after');
is($r->json->{error}{code}, 'rate_limit_exceeded', 'code');
is(ask('status=418')->json->{error}{type}, 'server_error', 'any status');
is(ask('status=201')->json->{object}, 'chat.completion', 'a good status');

$r = ask('', undef, uri => '/down/v1/chat/completions');
is($r->status, 503, 'status of a location');
is_deeply($r->json, { down => JSON::PP::true() }, 'body');
is($r->header('retry-after'), 9, 'retry-after');

$r = ask('status=500 type=text/plain', undef, headers => [
         'x-genai-sim-body' => 'so what' ]);
is($r->status, 500, 'status with a body');
is($r->body, 'so what', 'body');
is($r->header('content-type'), 'text/plain', 'type');

$r = ask('type=text/event-stream rate=20', undef, headers => [
         'x-genai-sim-body-base64' =>
         encode_base64("data: a\r\n\ndata: b\n\n: c\n\nrest", '') ]);
is($r->body, "data: a\r\n\ndata: b\n\n: c\n\nrest", 'events by hand');
cmp_ok(scalar @{$r->chunks}, '>', 1, 'one by one');

$r = ask('html status=502');
is($r->status, 502, 'html');
is($r->header('content-type'), 'text/html', 'type');
like($r->body, qr/^<html>/, 'page');
is(ask('html')->status, 200, 'html with 200');
is(ask('', undef, headers => [ 'x-genai-sim-body' => '' ])->body, '',
   'an empty body');
is(ask('status=204')->status, 204, 'no content');
is(ask('status=403', undef, uri => '/v1/foo')->status, 403, 'any path');
is($t->get('/v1/models', headers => [ 'x-genai-sim' => 'status=401' ])
   ->json->{error}{code}, 'invalid_api_key', 'models too');

$r = stream('error_after=3');
@e = data($r);
is(@e, 4, 'error event');
is($e[3]{error}{type}, 'server_error', 'error');
ok($r->complete, 'a proper end');
is((data(stream('error_after=0')))[0]{error}{type}, 'server_error',
   'at once');

$r = stream('cut=700', undef, headers => [ 'x-request-id' => 'cut' ]);
is(length $r->body, 700, 'cut');
is($r->error, 'eof', 'closed');
is(row('cut')->{end}, 'fault', 'row');
is(row('cut')->{tokens_written}, 2, 'tokens');

$r = ask('cut=100');
is(length $r->body, 100, 'cut of JSON');
ok($r->header('content-length') > 500, 'announced');

$r = ask('gzip');
is($r->header('content-encoding'), 'gzip', 'gzip');
is(JSON::PP::decode_json(Compress::Zlib::memGunzip($r->body))->{object},
   'chat.completion', 'JSON in it');
$r = stream('gzip tokens=1000');
like(Compress::Zlib::memGunzip($r->body), qr/^data: .*data: \[DONE\]\n\n$/s,
     'stream in it');

for my $line ('tokens=20000', 'cut=100000 tokens=20000',
              'rate=1000 tokens=30')
{
    my @zip = (headers => [ 'Accept-Encoding' => 'gzip' ]);
    my $plain = stream($line)->body;
    my ($z) = Compress::Zlib::inflateInit(-WindowBits => 31);

    $r = stream($line, undef, uri => "/zip$CHAT", @zip);
    is(length($z->inflate(\(my $in = $r->body)) // ''), length $plain,
       "through nginx's gzip filter: $line");
}

$r = ask('big_header=30000');
is(length $r->header('x-genai-sim-big'), 30000, 'big header');

$r = ask('header=X-C:3', undef, uri => "/x$CHAT");
is(join('', map { $r->header($_) } qw(x-a x-b x-c)), '123', 'headers');

# silence

$c = $t->stream($CHAT, { %hi, stream => JSON::PP::true() }, headers =>
                [ 'x-genai-sim' => 'silence=2', 'x-request-id' => 'silent' ]);
ok($c->next_event && $c->next_event, 'two events');
ok(!$c->next_event(timeout => 0.4), 'no third');
is($c->ended, 'timeout', 'still open');
is(row('silent')->{end}, 'fault', 'row');
is(row('silent')->{tokens_written}, 1, 'tokens');
$c->close;

$c = $t->connect;
$c->request('POST', $CHAT, body => json_text(\%hi),
            headers => [ 'x-genai-sim' => 'silence=header' ]);
is($c->read_some(timeout => 0.4), undef, 'not even a header');
$c->close;

# faults that HTTP does not know

sub wild {
    my ($line, $body, %o) = @_;

    my $c = $t->connect;

    $c->request('POST', $CHAT, body => json_text({ %hi, %{$body || {}} }), %o,
                headers => [ 'x-genai-sim' => $line, 'x-request-id' => 'w' ]);

    return $c;
}

sub all {
    my ($c) = @_;

    my $all = '';

    while (length(my $d = $c->read_some(timeout => 0.5) // '')) { $all .= $d }

    return $all;
}

my %stream = (stream => JSON::PP::true());

$c = wild('garbage');
my $garbage = all($c);
unlike($garbage, qr/^HTTP/, 'garbage');
is($c->closed, 'eof', 'closed');

$start = time;
$r = wild('slow_header=300')->response;
ok(time - $start >= 0.29, 'slow header');
is($r->json->{object}, 'chat.completion', 'and a good answer');

for my $body ({}, \%stream) {
    $r = wild('close tokens=2', $body)->response;
    is($r->{framing}, 'eof', 'close');
    ok($r->complete, 'complete');
    is($r->header('connection'), 'close', 'Connection');

    $c = wild('bytewise=1ms tokens=2 cut=60', $body);
    $c->head;
    $c->body;
    is(length $c->{response}->body, 60, 'bytewise');
}

$c = wild('write=7 gap=1 tokens=2', \%stream);
$r = $c->response;
is(data($r), 5, 'writes of seven bytes');
ok($c->is_idle, 'keep-alive');
$c->request('GET', '/v1/models');
is($c->response->status, 200, 'once more');

$c = wild('length=10');
$r = $c->response;
is($r->error, 'eof', 'too short');
$c = wild('length=-10');
$r = $c->response;
is(length all($c), 10, 'too long');
$c = wild('smuggle', {});
is($c->response->json->{object}, 'chat.completion', 'first answer');
push @{$c->{methods}}, 'GET';
is($c->response->body, '{"smuggled":"answer"}', 'second answer');
$c = wild('smuggle', \%stream);
is((data($c->response))[-1], 'DONE', 'first answer, a stream');
push @{$c->{methods}}, 'GET';
is($c->response->body, '{"smuggled":"answer"}', 'second answer');

$c = wild('early');
$r = $c->response;
is(join(' ', map { $_->{status} } @{$r->{informational}}), '100 103', 'early');
is($r->json->{object}, 'chat.completion', 'answer');
$c->request('GET', '/v1/models');
is($c->response->status, 200, 'keep-alive');

$c = wild('reset=accept');
is($c->closed, 'reset', 'reset at once');
is(row('w')->{end}, 'fault', 'row');
$c = wild('reset=header');
my $some = $c->read_some;
like($some, qr/^HTTP\/1\.1 200 /, 'half a header');
unlike($some, qr/\r\n\r\n/, 'not all of it');
is($c->closed, 'reset', 'reset');
$c = wild('reset=body', \%stream);
$c->head;
is(length $c->piece, 64, 'some of the body');
is($c->closed, 'reset', 'reset');
$c = wild('reset=body cut=10');
$c->head;
$c->body;
is(length $c->{response}->body, 10, 'reset with cut');

is($t->connect->request('POST', $CHAT) ? 1 : 0, 1, 'no body at all');
$r = $t->raw("POST $CHAT HTTP/1.0\r\nx-genai-sim: early\r\n"
             . 'Content-Length: ' . length(json_text(\%hi)) . "\r\n\r\n"
             . json_text(\%hi));
is($r->header('connection'), 'close', 'HTTP/1.0');

# keep-alive and pipelining

my $req = GenAI::Client->request_text('POST', $CHAT, body => json_text(\%hi));
my @r = $t->raw($req x 3, n => 3);
is(join(' ', map { $_->status } @r), '200 200 200', 'pipelined');
@r = $t->raw($req =~ s/\r\n\r\n/\r\nx-genai-sim: early\r\n\r\n/r . $req,
             n => 2);
is(join(' ', map { $_->status } @r), '200 200', 'pipelined behind a fault');

# HTTP/2

SKIP: {
    skip 'no HTTP/2', 5 unless $t->has('http_v2_module') && GenAI::Test->can_h2;

    my %h2 = (port => $t->port(1), body => json_text(\%hi));

    is($t->h2('POST', $CHAT, %h2)->json->{object}, 'chat.completion',
       'HTTP/2');
    $r = $t->h2('POST', $CHAT, %h2, body => json_text({ %hi, %stream }));
    is($r->events, 19, 'stream');
    $r = $t->h2('POST', $CHAT, %h2, headers => [ 'x-genai-sim' => 'garbage' ]);
    is($r->status, 400, 'a fault of HTTP/1');
    $r = $t->h2('POST', $CHAT, %h2, headers => [ 'x-genai-sim' => 'cut=50' ]);
    ok(!$r->complete, 'cut');
    is(length $t->h2('POST', $CHAT, %h2, body => json_text({ %hi, %stream }),
                     headers => [ 'x-genai-sim' => 'tokens=20000' ])->body,
       length stream('tokens=20000')->body, 'a long stream');
}

# what was received

$t->post($CHAT, '{"model": "m",  "messages" : [{}]}', headers =>
         [ 'X-Odd' => 'a  b', 'x-odd' => 'c' ]);
is($t->get('/last')->body,
   "POST $CHAT HTTP/1.1\r\nHost: localhost\r\nContent-Length: 34\r\n"
   . "Connection: close\r\nX-Odd: a  b\r\nx-odd: c\r\n"
   . "Content-Type: application/json\r\n\r\n"
   . '{"model": "m",  "messages" : [{}]}', 'last');
is($t->get('/last?part=body')->body, '{"model": "m",  "messages" : [{}]}',
   'body');
like($t->get('/last?part=head')->body, qr/^POST .*\r\n\r\n$/s, 'head');

ask('', undef, uri => "/off$CHAT");
is($t->get('/last?part=body')->body, '{"model": "m",  "messages" : [{}]}',
   'last=off');

my $big = json_text({ %hi, x => 'x' x 300000 });

for my $uri ('/spill', '') {
    $t->post("$uri$CHAT", $big);
    is($t->get('/last?part=body')->body, $big, 'a large body');
    is($t->post("$uri$CHAT", '', chunked => [ unpack '(a7000)*', $big ])
       ->status, 200, 'chunked');
    is($t->get('/last?part=body')->body, $big, 'in chunks');
}

$t->post($CHAT, '{"model":"m","messages":[{}],"x":"' . 'y' x 17e6 . '"}');
$r = $t->get('/last');
is($r->header('x-genai-sim-truncated'), 1, 'truncated');
is(length $r->body, 16 * 1024 * 1024, 'cut');

# the record

ask('', undef, headers => [ 'x-request-id' => 'r1' ]);
my $row = row('r1');
is_deeply({ %$row, number => 0, started => 0 },
          { number => 0, started => 0, request_id => 'r1', model => 'gpt-4o',
            endpoint => 'chat', stream => JSON::PP::false(),
            prompt_tokens => int(length(json_text(\%hi)) / 4),
            completion_tokens_reported => 16, tokens_written => 16,
            status => 200, end => 'done' }, 'row');
ok(abs($row->{started} / 1000 - time) < 60, 'started');

stream('tokens=5', undef, headers => [ 'x-request-id' => 'r2' ]);
$row = row('r2');
is($row->{tokens_written}, 5, 'tokens of a stream');
is($row->{completion_tokens_reported}, 0, 'no usage was sent');

stream('tokens=5', { stream_options => { include_usage => JSON::PP::true() } },
       headers => [ 'x-request-id' => 'r3', 'x-genai-request-id' => 'g3' ]);
is(row('g3')->{completion_tokens_reported}, 5, 'usage was sent');

ask('status=429', undef, headers => [ 'x-request-id' => 'r4' ]);
is(row('r4')->{status}, 429, 'status');
is(row('r4')->{end}, 'done', 'an error is an answer');

# a client that leaves

$c = $t->stream($CHAT, { %hi, %stream }, headers =>
                [ 'x-genai-sim' => 'rate=50 tokens=1000',
                  'x-request-id' => 'r5' ]);
$c->next_event for 1 .. 6;
is(row('r5')->{end}, 'open', 'under way');
ok(row('r5')->{tokens_written} >= 5, 'tokens so far');
$c->close;
$row = row_end('r5', 'gone');
is($row->{end}, 'gone', 'the client left');
ok($row->{tokens_written} >= 5 && $row->{tokens_written} < 100, 'tokens');

$c = $t->connect;
$c->request('POST', $CHAT, body => json_text(\%hi), headers =>
            [ 'x-genai-sim' => 'ttft=60s', 'x-request-id' => 'r6' ]);
sleep 0.2;
$c->close;
$row = row_end('r6', 'gone');
is($row->{end}, 'gone', 'left before the answer');
is($row->{tokens_written}, 0, 'nothing was written');

# a slow client of a long answer

my $rss = $t->rss;

$c = $t->stream($CHAT, { %hi, %stream }, rcvbuf => 4096, headers =>
                [ 'x-genai-sim' => 'tokens=1000000', 'x-request-id' => 'r7' ]);
$c->next_event for 1 .. 10;
sleep 0.3;
$row = row('r7');
is($row->{end}, 'open', 'waits for the client');
ok($row->{tokens_written} < 100000, 'and produces no more');
$c->close;
$row = row_end('r7', 'gone');
is($row->{end}, 'gone', 'left');
ok($row->{tokens_written} >= 9 && $row->{tokens_written} < 100000, 'tokens');

$c = $t->connect;
$c->request('POST', $CHAT, body => json_text({ %hi, %stream }), headers =>
            [ 'x-genai-sim' => 'tokens=100000', 'x-request-id' => 'r8' ]);

my ($bytes, $tail) = (0, '');

while ($tail !~ /\r\n0\r\n\r\n$/) {
    my $more = $c->read_some // last;
    last if $more eq '';
    $bytes += length $more;
    $tail = substr($tail . $more, -64);
}

ok($bytes > 15e6, 'a long answer');
like($tail, qr/\[DONE\]/, 'to its end');
is(row('r8')->{tokens_written}, 100000, 'all tokens');
ok($t->rss - $rss < 24000, 'in little memory');

# the record in a file

$t->http('DELETE', '/ledger');
is_deeply($t->get('/ledger')->json, [], 'cleared');
ask();
is(@{$t->get('/ledger')->json}, 1, 'begins anew');

my @f = (uri => "/file$CHAT");

is_deeply($t->get('/file/ledger')->json, [], 'a file of its own');
ask('', undef, @f, headers => [ 'x-request-id' => "f$_" ]) for 1 .. 10;

my $rows = $t->get('/file/ledger')->json;
is(join(' ', map { $_->{request_id} } @$rows),
   join(' ', map { "f$_" } 3 .. 10), 'the oldest are overwritten');
is($t->get('/file/ledger')->header('x-genai-sim-count'), 10, 'count');
is(@{$t->get('/ledger')->json}, 1, 'not in the other');

$t->reload;
is(@{$t->get('/file/ledger')->json}, 8, 'survives a reload');
is(@{$t->get('/ledger')->json}, 1, 'both do');

$c = $t->stream("/file$CHAT", { %hi, %stream }, headers =>
                [ 'x-genai-sim' => 'rate=100 tokens=1000',
                  'x-request-id' => 'killed' ]);
$c->next_event for 1 .. 5;
$t->allow(qr/worker process \d+ exited on signal 9/);
kill 'KILL', $t->worker_pids;
$c->close;
ok(wait_for(sub { eval { $t->get('/file/ledger')->status == 200 } }),
   'killed and back');
$row = row('killed', '/file');
is($row->{end}, 'open', 'the row is there');
ok($row->{tokens_written} >= 4, 'with its tokens');

# Azure's paths, which say the model

my $azure = '/openai/deployments/a%22b/';

for (qw(plain tool)) {
    $r = $t->post("${azure}chat/completions?api-version=2024-10-21",
        { messages => $hi{messages} }, $_ eq 'plain' ? () : (headers =>
            [ 'x-genai-sim' => 'reasoning=2' ]));
    is($r->status, 200, "Azure's chat");
    is($r->json->{model}, 'a"b', 'of the model of the path');
}

$r = $t->post("${azure}embeddings?api-version=2024-10-21", { input => 'a' });
is($r->json->{model}, 'a"b', 'embeddings');

my ($rc, $out) = $t->nginx_t('http { server { location / {
                              genai_sim a=1; } } }');
isnt($rc, 0, 'a bad parameter');
like($out, qr/invalid parameter "a=1": no such parameter/, 'message');
($rc, $out) = $t->nginx_t('http { server { location / {
                           genai_sim tokens=1; genai_sim; } } }');
like($out, qr/"genai_sim" directive is duplicate/, 'duplicate');
($rc, $out) = $t->nginx_t('http { server { location / {
    genai_sim ledger=%%TESTDIR%%/no/dir/ledger; } } }');
is($rc, 0, 'nginx -t does not touch the ledger');

done_testing;
