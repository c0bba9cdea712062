# SPDX-License-Identifier: Apache-2.0

# sse_ping: what a client gets while its stream's provider is silent, in each
# dialect, passed and translated, beside proxy_pass; never within an event,
# never where it would be no event stream; and nothing outlives the stream.

use strict;
use warnings;

use lib 't/lib';

use JSON::PP ();

use GenAI::Test;
use GenAI::Upstream;

my $COMMENT = ": ping\n\n";
my $EVENT = "event: ping\ndata: {\"type\": \"ping\"}\n\n";

sub sse { return join '', map { 'data: ' . (ref ? json_text($_) : $_) . "\n\n" }
              @_ }
sub typed { return join '', map { "event: $_->{type}\ndata: "
                                  . json_text($_) . "\n\n" } @_ }

sub chunk {
    my ($delta, %more) = @_;

    return { id => 'c', object => 'chat.completion.chunk', model => 'm',
             choices => [ { index => 0, delta => $delta, %more } ] };
}

my $STOP = chunk({}, finish_reason => 'stop');

sub google {
    my ($text, %more) = @_;

    return { candidates => [ { content => { role => 'model', parts => [
        { text => $text } ] }, index => 0, %more } ], responseId => 'r' };
}

# what comes before the silence, and behind it; its type, if it is no stream

my %SAY = (
    openai => [ sse(chunk({ content => 'one' })),
                sse(chunk({ content => 'two' }), $STOP, '[DONE]') ],
    half => [ sse(chunk({ content => 'one' })) . 'data: {"id":"c","ch',
              'oices":[{"index":0,"delta":{"content":"two"}}]}' . "\n\n"
              . sse($STOP, '[DONE]') ],
    call => [ sse('{"id":"c","choices":[{"index":0,"delta":{"tool_calls":'
                  . '[{"index":0,"id":"call_1","type":"function","function":'
                  . '{"name":"f","arguments":"{\\"a\\":\\"'
                  . 'x' x 9000 . '"}}]}}]}'),
              sse(chunk({ tool_calls => [ { index => 0, function => {
                  arguments => 'y"}' } } ] }),
                  chunk({}, finish_reason => 'tool_calls'), '[DONE]') ],
    claude => [ typed({ type => 'message_start', message => { id => 'msg_1',
                    type => 'message', role => 'assistant', model => 'c',
                    content => [], usage => { input_tokens => 3 } } },
                  { type => 'content_block_start', index => 0,
                    content_block => { type => 'text', text => '' } },
                  { type => 'content_block_delta', index => 0,
                    delta => { type => 'text_delta', text => 'one' } }),
                typed({ type => 'content_block_delta', index => 0,
                    delta => { type => 'text_delta', text => 'two' } },
                  { type => 'content_block_stop', index => 0 },
                  { type => 'message_delta', delta => {
                    stop_reason => 'end_turn' }, usage => {
                    output_tokens => 2 } }, { type => 'message_stop' }) ],
    responses => [ typed({ type => 'response.created', response => {
                     id => 'resp_1', status => 'in_progress',
                     output => [] } }),
                   typed({ type => 'response.completed', response => {
                     id => 'resp_1', status => 'completed', output => [] } })
                 ],
    gemini => [ sse(google('one')),
                sse(google('two', finishReason => 'STOP')) ],
    array => [ '[' . json_text(google('one')),
               ",\r\n" . json_text(google('two', finishReason => 'STOP'))
               . ']', 'application/json' ],
    whole => [ '{"id":"c","object":"chat.completion","choices":[',
               '{"index":0,"finish_reason":"stop","message":{"role":'
               . '"assistant","content":"a"}}]}', 'application/json' ],
);

# each exchange waits for signals of its own

my $n = 0;

my $up = GenAI::Upstream->new(lossy => 1, route => sub {
    my ($r, $number) = @_;
    my $what = $r->{uri} =~ m{/models/(\w+):} ? $1
        : JSON::PP::decode_json($r->{body})->{model};
    my ($first, $rest, $type) = @{ $SAY{$what} };

    return [ [ send => "HTTP/1.1 200 OK\r\nContent-Type: "
               . ($type || 'text/event-stream')
               . "\r\nTransfer-Encoding: chunked\r\n\r\n" ],
             [ wait => "$number first" ], [ chunk => $first ],
             [ mark => "$number said" ],
             [ wait => "$number rest" ], [ chunk => $rest ], 'chunk_end' ];
});

my $t = GenAI::Test->new->conf(<<'EOF', UP => $up->port)->run;
http {
    genai_provider o { dialect openai;    pass http://127.0.0.1:%%UP%%/v1; }
    genai_provider r { dialect responses; pass http://127.0.0.1:%%UP%%/v1; }
    genai_provider a { dialect anthropic; pass http://127.0.0.1:%%UP%%; }
    genai_provider g { dialect gemini;    pass http://127.0.0.1:%%UP%%; }

    genai_model openai    { target o; sse_ping 100ms; }
    genai_model half      { target o; sse_ping 100ms; }
    genai_model call      { target o; sse_ping 100ms; }
    genai_model whole     { target o; sse_ping 100ms; }
    genai_model responses { target r; sse_ping 100ms; }
    genai_model claude    { target a; sse_ping 100ms; }
    genai_model gemini    { target g; sse_ping 100ms; }
    genai_model array     { target g; sse_ping 100ms; }
    genai_model off       { target o model=openai; sse_ping 0; }

    gzip on;
    gzip_types text/event-stream;
    gzip_min_length 1;

    server {
        listen 127.0.0.1:%%PORT_0%%;
        listen 127.0.0.1:%%PORT_1%% %%LISTEN_H2%%; %%HTTP2_ON%%
        genai_auth off;
        location /v1/      { genai_pass; }
        location /v1beta/  { genai_pass; }
        location /metrics  { genai_metrics; }
        location /inline/  { genai on; proxy_pass http://127.0.0.1:%%UP%%; }
    }
}
EOF

my %PATH = (o => '/v1/chat/completions', r => '/v1/responses',
            a => '/v1/messages', i => '/inline/chat/completions');

# a stream, whose first words are not said yet

sub ask {
    my ($dialect, $model, %o) = @_;
    my $c = $t->stream($PATH{$dialect}
        || "/v1beta/models/$model:streamGenerateContent"
           . ($dialect eq 'g' ? '?alt=sse' : ''),
        { model => $model, stream => JSON::PP::true, max_tokens => 9,
          $dialect eq 'r' ? (input => 'x')
          : $dialect =~ /^[gj]/ ? (contents => [ { role => 'user',
                parts => [ { text => 'x' } ] } ])
          : (messages => [ { role => 'user', content => 'x' } ]) }, %o);

    $n = $up->count - 1;

    return ($c, $n);
}

# the events up to and with one that is a ping

sub until_ping {
    my ($c) = @_;
    my (@events, $e);

    while ($e = $c->next_event) {
        return (\@events, $e->{raw}) if $e->{raw} =~ /ping/;
        push @events, $e;
    }

    return (\@events, '');
}

# as long as it takes to send that many

sub pings {
    my ($count) = @_;
    my ($c, $number) = ask('o', 'openai');

    until_ping($c) for 1 .. $count;
    $up->signal("$number first");
    $up->signal("$number rest");
    1 while $c->next_event;
}

sub rest {
    my ($c) = @_;
    my ($text, $e) = ('');

    $text .= $e->{raw} while $e = $c->next_event;

    return $text;
}

for my $case (
    [ 'openai', o => 'openai', $COMMENT, 1 ],
    [ 'responses', r => 'responses', $COMMENT, 1 ],
    [ 'anthropic', a => 'claude', $EVENT, 1 ],
    [ 'gemini', g => 'gemini', $COMMENT, 1 ],
    [ 'openai, of anthropic', o => 'claude', $COMMENT ],
    [ 'anthropic, of openai', a => 'openai', $EVENT ],
    [ 'responses, of openai', r => 'openai', $COMMENT ],
    [ 'gemini, of openai', g => 'openai', $COMMENT ],
    [ 'inline', i => 'openai', $COMMENT, 1 ],
) {
    my ($name, $dialect, $model, $ping, $same) = @$case;
    my ($c, $number) = ask($dialect, $model);

    my ($before, $got) = until_ping($c);
    is(@$before, 0, "$name: nothing is said");
    is($got, $ping, 'but for a ping');
    is((until_ping($c))[1], $ping, 'and another one');

    $up->signal("$number first");

    my ($first) = until_ping($c);
    my $text = join '', map { $_->{raw} } @$first;
    is($text, $SAY{$model}[0], 'what is said passes as it is') if $same;
    like($text, qr/one|created/, 'what is said is said');
    is((until_ping($c))[1], $ping, 'a ping between events');

    $up->signal("$number rest");

    $text = join '', grep { !/ping/ } split /(?<=\n\n)/, rest($c);
    is($text, $SAY{$model}[1], 'the rest passes as it is') if $same;
    like($text, qr/two|completed/, 'the rest is there');
    is($c->ended, 'complete', 'the stream ends as it is to');
}

# ---- not within an event

my ($c, $number) = ask('o', 'half');
until_ping($c);
$up->signal("$number first");
$up->wait_mark("$number said");
$c->next_event;
pings(5);
$up->signal("$number rest");
my $text = rest($c);
like($text, qr/\A(?:: ping\n\n)?data: \{"id":"c","choices/,
     'half an event is not disturbed');
is(() = $text =~ /ping/g, $text =~ /\A: ping/ ? 1 : 0, 'by any ping');

($c, $number) = ask('g', 'call');
until_ping($c);
$up->signal("$number first");
ok(my $piece = $c->piece, 'the beginning of a long call');
$up->wait_mark("$number said");
pings(5);
$up->signal("$number rest");
$text = ($c->{sse} // '') . $piece;
while (defined(my $p = $c->piece)) { $text .= $p }
my @e = grep { !/ping/ } split /\n\n/, $text;
ok($text =~ /x{100}y"\}/, 'is not disturbed, either');
is(JSON::PP::decode_json($e[0] =~ s/^data: //r)
   ->{candidates}[0]{content}{parts}[0]{functionCall}{name}, 'f',
   'and is a call');

# ---- not where it is no event stream, nor where nobody wants it

for my $case ([ 'an array', j => 'array' ], [ 'JSON', o => 'whole' ],
              [ 'off', o => 'off' ])
{
    my ($name, $dialect, $model) = @$case;
    my ($d, $k) = ask($dialect, $model);

    $up->signal("$k first");
    $up->wait_mark("$k said");
    pings(5);
    $up->signal("$k rest");

    my $body = '';
    while (defined(my $p = $d->piece)) { $body .= $p }

    is($body, join('', @{ $SAY{ $model eq 'off' ? 'openai' : $model } }[0, 1]),
       "$name: no ping");
}

# ---- a client that goes, or takes nothing

($c, $number) = ask('o', 'openai');
until_ping($c);
$c->close;
ok(wait_for(sub { $t->get('/metrics')->body
                  =~ /^genai_open_streams 0$/m }), 'a client goes');
pings(2);

# ---- with gzip, which flushes them

($c, $number) = ask('o', 'openai', headers => [ 'Accept-Encoding' => 'gzip' ]);
ok(defined $c->piece, 'something of a stream that gzip has');
ok(defined $c->piece, 'and more of it');
$up->signal("$number first");
$up->signal("$number rest");
1 while defined $c->piece;
is($c->ended, 'complete', 'and its end');

# ---- HTTP/2

SKIP: {
    skip 'curl with HTTP/2 is missing', 2 unless GenAI::Test->can_h2;

    $number = $up->count;

    open my $curl, '-|', 'curl', qw(-sS -N --http2-prior-knowledge --max-time
        30 -H), 'Content-Type: application/json', '-d', json_text({
            model => 'openai', stream => JSON::PP::true, messages => [
                { role => 'user', content => 'x' } ] }),
        'http://127.0.0.1:' . $t->port(1) . '/v1/chat/completions'
        or die "curl: $!";

    my $line = <$curl>;
    is($line, ": ping\n", 'a ping by HTTP/2');
    $up->signal("$number first");
    $up->signal("$number rest");
    local $/;
    is(<$curl> =~ s/^: ping\n\n//mgr, "\n" . join('', @{ $SAY{openai} }),
       'and the rest');
    close $curl;
}

# ---- the worker of a reload goes with its last stream

($c, $number) = ask('o', 'openai');
until_ping($c);
$t->reload;
is((until_ping($c))[1], $COMMENT, 'a worker that is to end still sends them');
$up->signal("$number first");
$up->signal("$number rest");
rest($c);
is($c->ended, 'complete', 'until the stream ends');
$c->close;
ok(wait_for(sub { !$t->worker_pids(exiting => 1) }), 'and is gone with it');

my ($rc, $out) = $t->nginx_t(<<'EOF');
http {
    genai_provider o { dialect openai; pass http://127.0.0.1:1/v1; }
    genai_model m { target o; sse_ping soon; }
    server { listen 127.0.0.1:%%PORT_1%%; }
}
EOF
isnt($rc, 0, 'what is no time');
like($out, qr/"sse_ping" directive invalid value/, 'is told');

done_testing;
