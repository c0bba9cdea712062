# SPDX-License-Identifier: Apache-2.0

# What providers keep for callers: previous_response_id and item_reference of
# the Responses API go to the provider that has it, for the team that it was
# kept for, and are 404 for all others; over reloads, restarts and SIGKILL.

use strict;
use warnings;

use lib 't/lib';

use Digest::SHA qw(sha256_hex);
use JSON::PP ();

use GenAI::Test;
use GenAI::Upstream;

my $json = JSON::PP->new->canonical->utf8;

sub event { return "event: $_[0]{type}\ndata: " . $json->encode($_[0])
                   . "\n\n" }

sub answer {
    my ($id, $status, @text) = @_;

    return { id => $id, object => 'response', model => 'gpt',
        status => $status, output => [ map { {
            type => 'message', id => "msg_$id", role => 'assistant',
            status => 'completed', content => [ { type => 'output_text',
                text => $_, annotations => [] } ] } } @text ] };
}

my $SSE = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
    . "Transfer-Encoding: chunked\r\n\r\n";
my %up;

for my $name (qw(alpha beta)) {
    $up{$name} = GenAI::Upstream->new(lossy => 1, route => sub {
        my ($r) = @_;

        my $body = $json->decode($r->{body});
        my $do = $body->{user} // '';
        my $id = $body->{metadata}{id} // 'resp_none';

        return [ [ json => 400, { error => { message => 'no' } } ] ]
            if $do eq 'bad';
        return [ [ json => 200, { object => 'response.input_tokens',
                                  input_tokens => 31 } ] ]
            if $r->{uri} =~ /input_tokens/;
        return [ [ json => 200, answer($id, $body->{background} ? 'queued'
                                            : 'completed', 'hi') ] ]
            if !$body->{stream};

        my @begin = ({ type => 'response.created',
                       response => answer($id, 'in_progress') },
            { type => 'response.output_item.added', output_index => 0,
              item => { type => 'message', id => "msg_$id",
                        role => 'assistant', content => [] } },
            { type => 'response.output_text.delta', output_index => 0,
              item_id => "msg_$id", content_index => 0, delta => 'hi' });

        return [ [ send => $SSE ], [ chunk => map { event($_) } @begin ],
                 'close' ] if $do eq 'cut';

        my $status = $do eq 'fail' ? 'failed'
            : $do eq 'short' ? 'incomplete' : 'completed';

        return [ [ send => $SSE ], [ chunk => map { event($_) } @begin,
            { type => 'response.output_item.done', output_index => 0,
              item => answer($id, 'completed', 'hi')->{output}[0] },
            { type => "response.$status",
              response => answer($id, $status, 'hi') } ], 'chunk_end' ];
    });
}

$up{claude} = GenAI::Upstream->new(lossy => 1, route => sub {
    return [ [ json => 200, { id => 'msg_1', type => 'message',
        role => 'assistant', model => 'c', stop_reason => 'end_turn',
        content => [ { type => 'text', text => 'hi' } ],
        usage => { input_tokens => 1, output_tokens => 1 } } ] ];
});

sub secret { return 'sk-test-' . sha256_hex($_[0]) }

my %key = (red => 'red', red2 => 'red', blue => 'blue', none => undef,
           none2 => undef);

my $t = GenAI::Test->new(workers => 2);

$t->allow(qr/genai (?:target|provider) /, 'what fails is said');
$t->write_file('policy.json', json_text({ schema => 1,
    teams => { red => {}, blue => {} },
    keys => { map { ($_ => { sha256 => [ sha256_hex(secret($_)) ],
        $key{$_} ? (team => $key{$_}) : () }) } keys %key } }));

$t->conf(<<'EOF', map({ uc($_) => $up{$_}->port } keys %up))->run;
http {
    genai_policy policy.json;
    genai_books books;
    genai_provider alpha { dialect openai responses;
                           pass http://127.0.0.1:%%ALPHA%%/v1; }
    genai_provider beta { dialect responses;
                          pass http://127.0.0.1:%%BETA%%/v1; }
    genai_provider claude { dialect anthropic;
                            pass http://127.0.0.1:%%CLAUDE%%; }
    genai_model a { target alpha; }
    genai_model b { target beta; }
    genai_model two { target alpha; target beta priority=2; }
    genai_model mixed { target claude; target alpha priority=2; }
    genai_model c { target claude; }
    genai_model unkept { target alpha; set alpha store false; }
    genai_model kept { target alpha; set alpha store true; }
    server {
        listen 127.0.0.1:%%PORT_0%%;
        location /v1/ { genai_pass; }
        location /in/ {
            genai on;
            proxy_http_version 1.1;
            proxy_pass http://127.0.0.1:%%ALPHA%%/;
        }
    }
}
EOF

my $n = 0;

# makes one; returns its id

sub make {
    my ($key, $model, %o) = @_;

    my $id = 'resp_' . ++$n . 'x' x 48;
    my $path = delete $o{path} // '/v1';
    my $r = $t->post("$path/responses", $json->encode({ model => $model,
        input => 'hi', metadata => { id => $id }, %o }),
        headers => [ Authorization => 'Bearer ' . secret($key) ]);

    is($r->status, 200, "$id of $key at $model") or diag($r->body);

    return $id;
}

# goes on with it

sub go_on {
    my ($key, $model, %o) = @_;

    my $path = delete $o{path} // '/v1';
    my $what = delete $o{what} // 'responses';

    return $t->post("$path/$what", $json->encode({ model => $model,
        input => 'and?', %o }),
        headers => [ Authorization => 'Bearer ' . secret($key) ]);
}

sub is_known {
    my ($key, $model, $id, $name, %o) = @_;

    is(go_on($key, $model, previous_response_id => $id, %o)->status, 200,
       $name);
}

sub is_unknown {
    my ($key, $model, $id, $name, %o) = @_;

    my $sum = 0;
    $sum += $_->count for values %up;

    my $r = go_on($key, $model, previous_response_id => $id, %o);

    is($r->status, 404, $name);
    is($r->json->{error}{code}, 'previous_response_not_found', 'and says so');
    $sum -= $_->count for values %up;
    is($sum, 0, 'nobody was asked');
}

my ($TRUE, $FALSE) = (JSON::PP::true, JSON::PP::false);

# ---- one's own

my $id = make('red', 'a');

my $body = qq({ "model" : "a", "previous_response_id":"$id" , "input":"x"});
my $r = $t->post('/v1/responses', $body,
                 headers => [ Authorization => 'Bearer ' . secret('red') ]);
is($r->status, 200, 'one\'s own');
is(($up{alpha}->requests)[-1]{body}, $body, 'goes as it is');

is_known('red', 'a', make('red', 'a', stream => $TRUE), 'of a stream');
is_known('red', 'a', make('red', 'a', stream => $TRUE, user => 'short'),
         'of one that was incomplete');
is_known('red', 'a', make('red', 'a', store => $TRUE), 'that was to be kept');
is_known('red', 'a', make('red', 'a', store => undef), 'or that is not told');
is_known('red', 'a', make('red', 'a', background => $TRUE),
         'that is still to be made');
is_known('red2', 'a', $id, 'of another key of the team');
is_known('red', 'a', $id, 'how many tokens it is',
         what => 'responses/input_tokens');
$r = $t->post('/v1/responses', qq({"model":"a","previous_response_id":)
              . qq("\\u0072) . substr($id, 1) . qq(","input":"x"}),
              headers => [ Authorization => 'Bearer ' . secret('red') ]);
is($r->status, 200, 'however it is written');

# ---- others'

is_unknown('blue', 'a', $id, 'another team');
is_unknown('none', 'a', $id, 'a key without a team');
is_unknown('red', 'a', 'resp_nobody', 'one that never was');
is_unknown('red', 'a', '', 'no id');
is_unknown('red', 'a', 'r' x 100000, 'a very long one');
is_unknown('blue', 'a', $id, 'not how many tokens either',
           what => 'responses/input_tokens');

$r = go_on('blue', 'a', previous_response_id => $id);
is($r->header('x-genai-error'), 'caller_bad_request', 'the word for it');
is($r->json->{error}{message}, "previous response with id '$id' not found: "
   . 'send the whole input instead', 'and what to do');
is($r->json->{error}{type}, 'invalid_request_error', 'as OpenAI has it');

my $own = make('none', 'a');
is_known('none', 'a', $own, 'without a team it is the key\'s');
is_unknown('none2', 'a', $own, 'and nobody else\'s');
is_unknown('red', 'a', $own, 'not a team\'s either');

$r = go_on('red', 'a', previous_response_id => 7);
is($r->status, 400, 'what is no id');
$r = go_on('red', 'a', previous_response_id => undef);
is($r->status, 200, 'null is none');

# ---- what is not kept

is_unknown('red', 'a', make('red', 'a', store => $FALSE), 'not to be kept');
is_unknown('red', 'a', make('red', 'unkept'), 'by the operator\'s word');
is_known('red', 'a', make('red', 'kept', store => $FALSE), 'or to be kept');
is_unknown('red', 'a', make('red', 'a', stream => $TRUE, user => 'cut'),
           'one that broke off');
is_unknown('red', 'a', make('red', 'a', stream => $TRUE, user => 'fail'),
           'one that failed');
make('red', 'c');
is_unknown('red', 'a', 'msg_1', 'what was translated');

# ---- where it is

my $beta = make('red', 'b');

is_unknown('red', 'a', $beta, 'another provider does not have it');
is_known('red', 'two', $beta, 'of two');
is(scalar($up{beta}->requests), 2, 'the second one is asked, as it has it');
is_known('red', 'two', $id, 'and the first one');
is(scalar($up{beta}->requests), 2, 'for what that has');

my $claude = $up{claude}->count;
is_known('red', 'mixed', $id, 'a provider of another dialect');
is($up{claude}->count, $claude, 'is not asked');
is_unknown('red', 'mixed', $beta, 'also where nobody else has it');

$r = go_on('red', 'c', previous_response_id => $id);
is($r->status, 400, 'it cannot be translated');

$r = go_on('red', 'two', previous_response_id => $beta, user => 'bad');
is($r->status, 400, 'what that says');
is($r->json->{error}{message}, 'no', 'is the answer');

# ---- items

sub refer {
    my ($key, $model, @ref) = @_;

    return go_on($key, $model, input => [ @ref,
        { role => 'user', content => 'and?' } ]);
}

sub item { return { type => 'item_reference', id => $_[0] } }

my $item = 'msg_' . make('red', 'a', stream => $TRUE);

is(refer('red', 'a', item($item))->status, 200, 'an item of a stream');
is(refer('red', 'a', item("msg_$id"))->status, 200, 'and of a JSON answer');
is(refer('red', 'a', { id => $item })->status, 200, 'without a type');
is(refer('red', 'a', map { item($item) } 1 .. 40)->status, 200, 'many');
is(refer('red', 'a', { type => 'message', role => 'assistant', id => 'msg_0',
         content => [ { type => 'output_text', text => 'a' } ] })->status, 200,
   'what is whole has any id');

for ([ blue => item($item) ], [ red => item('msg_nobody') ],
     [ red => item($item), item('msg_nobody') ], [ blue => { id => $item } ])
{
    $r = refer($_->[0], 'a', @$_[1 .. $#$_]);
    is($r->status, 404, 'an item of others');
    is($r->json->{error}{code}, 'item_not_found', 'is not there');
}

is(refer('red', 'a', map { item($item) } 1 .. 513)->status, 400, 'too many');
is(refer('red', 'two', item("msg_$beta"))->status, 200, 'items, too');
is(scalar($up{beta}->requests), 4, 'go where they are');
is(refer('red', 'two', item("msg_$beta"), item($item))->status, 404,
   'all of them at one place');

# ---- conversations are made where we do not see it

for my $c ('conv_1', { id => 'conv_1' }) {
    $r = go_on('red', 'a', conversation => $c);
    is($r->status, 404, 'a conversation');
    is($r->json->{error}{code}, 'conversation_not_found', 'is not there');
}

is(go_on('red', 'a', conversation => undef)->status, 200, 'null is none');

# ---- inline

$own = make('red', 'x', path => '/in');
is_known('red', 'x', $own, 'inline', path => '/in');
is_unknown('blue', 'x', $own, 'another team', path => '/in');

# ---- it stays

ok($t->reload, 'a reload');
is_known('red', 'a', $id, 'it is known after that');

ok($t->kill_worker, 'a worker is killed');
is_known('red', 'a', $id, 'and after that') for 1 .. 4;

$t->stop;
$t->run;
is_known('red', 'two', $beta, 'and after a restart');
is_unknown('blue', 'two', $beta, 'to the same callers');

my @pids = ($t->pid, $t->child_pids);
kill 'KILL', @pids;
$t->stop;
$t->run;
is_known('red', 'two', $id, 'and when all were killed');
is(refer('red', 'a', item($item))->status, 200, 'items, too');

# ---- without genai_books it is in memory

my $m = GenAI::Test->new;

$m->write_file('policy.json', $t->read_file('policy.json'));
$m->conf(<<'EOF', ALPHA => $up{alpha}->port)->run;
http {
    genai_policy policy.json;
    genai_provider alpha { dialect responses;
                           pass http://127.0.0.1:%%ALPHA%%/v1; }
    genai_model a { target alpha; }
    server { listen 127.0.0.1:%%PORT_0%%; location /v1/ { genai_pass; } }
}
EOF

$t->stop;
$t = $m;

$id = make('red', 'a');
is_known('red', 'a', $id, 'in memory');
ok($t->reload, 'a reload');
is_known('red', 'a', $id, 'keeps that');
$t->stop;
$t->run;
is_unknown('red', 'a', $id, 'and a restart does not');

$t->done_testing;
