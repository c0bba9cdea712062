# SPDX-License-Identifier: Apache-2.0

# The commit window: a 200 whose body is no answer is followed by the next
# target, and the client sees no byte of it; what is an answer is passed on at
# once, whole, and never asked for twice.

use strict;
use warnings;

use lib 't/lib';

use Compress::Raw::Zlib ();
use JSON::PP ();

use GenAI::Prometheus;
use GenAI::Test;
use GenAI::Upstream;

my $SCALE = $GenAI::Test::SCALE;

sub event { return 'data: ' . (ref $_[0] ? json_text($_[0]) : $_[0]) . "\n\n" }

# a chunk of a stream, with that delta
sub delta {
    my ($delta, %more) = @_;

    return event({ id => 'x', object => 'chat.completion.chunk',
                   choices => [ { index => 0, delta => $delta, %more } ] });
}

sub whole {
    my ($text) = @_;

    return json_text({ id => 'x', object => 'chat.completion', choices => [
        { index => 0, message => { role => 'assistant', content => $text },
          finish_reason => 'stop' } ] });
}

sub failure {
    my (%more) = @_;

    return { error => { message => 'it went wrong', type => 'unknown',
                        %more } };
}

my $ROLE = delta({ role => 'assistant', content => '' });
my $DONE = event('[DONE]');
my $ERROR = event(failure());
my $LIMIT = event(failure(type => 'rate_limit_error'));
my $BUSY = event(failure(message => 'The engine is Overloaded'));

# what the second target answers
my $STREAM = delta({ role => 'assistant' }) . delta({ content => 'of b' })
    . delta({}, finish_reason => 'stop') . $DONE;
my $WHOLE = whole('of b');
my $LIST = json_text({ object => 'list', data => [ { embedding => [ 1 ] } ] });


# The steps of a 200 with these pieces as its body, framed in one way.

sub answer {
    my ($how, $type, @pieces) = @_;

    my $length = length join '', @pieces;

    return [ send => "HTTP/1.1 200 OK\r\nContent-Type: "
             . ($type eq 'json' ? 'application/json' : 'text/event-stream')
             . "\r\n" . { chunked => "Transfer-Encoding: chunked\r\n",
                          length => "Content-Length: $length\r\n",
                          close => "Connection: close\r\n" }->{$how}
             . "\r\n" ],
        map({ [ ($how eq 'chunked' ? 'chunk' : 'send') => $_ ] } @pieces),
        $how eq 'chunked' ? 'chunk_end' : $how eq 'close' ? 'close' : ();
}

# the same as bytes

sub bytes {
    my ($how, $type, @pieces) = @_;

    return join '', map {
        my ($name, @data) = ref $_ ? @$_ : $_;

        $name eq 'send' ? @data
            : $name eq 'chunk' ? GenAI::Upstream::Connection::chunk(@data)
            : $name eq 'chunk_end' ? "0\r\n\r\n" : '';
    } answer($how, $type, @pieces);
}


# Bodies that are no answer: [ type, pieces ].

my %bad = (
    'an error' => [ sse => $ERROR ],
    'a comment, an error' => [ sse => ": ping\n\n", $ERROR ],
    'a role, an error' => [ sse => $ROLE, $ERROR ],
    'an error by its name' => [ sse => "event: error\ndata: {\"a\":1}\n\n" ],
    'an error, then words' => [ sse => $ERROR, delta({ content => 'no' }) ],
    'nothing' => [ 'sse' ],
    '[DONE]' => [ sse => $DONE ],
    'a role, [DONE]' => [ sse => $ROLE, $DONE ],
    'empty words' => [ sse => $ROLE, delta({ content => '' }),
                       delta({ content => undef, tool_calls => [] }), $DONE ],
    'usage' => [ sse => event({ choices => [], usage => {
        prompt_tokens => 1, completion_tokens => 0, total_tokens => 1 } }),
        $DONE ],
    'comments' => [ sse => ": a\n\n", ": b\n\n" ],
    'given up' => [ sse => $ROLE, delta({}, finish_reason => 'error'), $DONE ],
    'no events' => [ sse => "<html>\n", "data: <p>\n\n" ],
    'an error in JSON' => [ json => json_text(failure()) ],
    'an error in JSON for a stream' => [ sse => json_text(failure()) ],
    'a flat error in JSON' => [ json => '{"object":"error","message":"m"}' ],
    'an empty object' => [ json => '{}' ],
    'no object' => [ json => '[]' ],
    'nothing, as JSON' => [ 'json' ],
    'half of a JSON answer, its words' => [ json => $WHOLE =~ /^(.*)}$/ ],
    'half of a JSON answer' => [ json => substr($WHOLE, 0, 60) ],
    'a JSON answer without words' => [ json => '{"choices":[]}' ],
    'bad JSON' => [ json => $WHOLE =~ s/:/;/r ],
);

# Connections that end too early, or say what is no framing.

my $CHUNKED = (answer('chunked', 'sse'))[0];
my $LENGTH = [ send => "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
               . "Content-Length: 1000\r\n\r\n" ];

my %dead = (
    'a head, closed' => [ $CHUNKED, 'close' ],
    'a head, reset' => [ $CHUNKED, [ delay => 0.02 ], 'reset' ],
    'a role, closed' => [ $CHUNKED, [ chunk => $ROLE ], 'close' ],
    'a role, reset' => [ $CHUNKED, [ chunk => $ROLE ], [ delay => 0.02 ],
                         'reset' ],
    'half a chunk, closed' => [ $CHUNKED, [ send => "20\r\ndata" ], 'close' ],
    'a length, half of it' => [ $LENGTH, [ send => $WHOLE =~ s/}$//r ],
                                'close' ],
    'a length, nothing' => [ $LENGTH, 'close' ],
    'chunks without the last' => [ (answer('chunked', 'json'))[0],
                                   [ chunk => '{"choices":' ], 'close' ],
);

my %torn = (
    'a bad size' => [ $CHUNKED, [ chunk => $ROLE ], [ send => "zz\r\n" ],
                      'wait_close' ],
    'a bad end of a chunk' => [ $CHUNKED, [ send => "1\r\n:zz" ],
                                'wait_close' ],
    'a bad size at once' => [ $CHUNKED, [ send => "\r\n\r\n" ],
                              'wait_close' ],
);

# Deltas that say something.

my %good = (
    content => [ { content => 'a' } ],
    reasoning => [ { reasoning => 'a' } ],
    reasoning_content => [ { reasoning_content => 'a' } ],
    refusal => [ { refusal => 'a' } ],
    'a tool call' => [ { tool_calls => [ { index => 0, id => 'c', function =>
                         { name => 'f', arguments => '' } } ] } ],
    'a function call' => [ { function_call => { name => 'f',
                                                arguments => '' } } ],
    audio => [ { audio => { id => 'a', data => 'AAAA' } } ],
    'a finish_reason' => [ {}, finish_reason => 'content_filter' ],
);

my %script;

for my $name (keys %bad) {
    $script{"$_ $name"} = [ answer($_, @{$bad{$name}}) ]
        for qw(chunked length close);
}

$script{"chunked $_"} = $dead{$_} || $torn{$_} for keys %dead, keys %torn;

for my $name (keys %good) {
    $script{"good $name"} = [ $CHUNKED, [ chunk => $ROLE ],
        [ chunk => delta(@{$good{$name}}) ], [ wait => "go $name" ],
        [ chunk => $DONE ], 'chunk_end' ];
}

# what is held in the first window, and what not
my $COMMENTS = ':' . 'c' x 1022 . "\n";

$script{'cap'} = [ $CHUNKED, map({ [ chunk => $COMMENTS x 10 ] } 1 .. 30),
                   [ wait => 'cap' ], [ chunk => "\n$ERROR" ], 'chunk_end' ];
$script{'below the cap'} = [ $CHUNKED,
    map({ [ chunk => $COMMENTS x 10 ] } 1 .. 20), [ chunk => "\n$ERROR" ],
    'chunk_end' ];

# far more than fits into the sockets' buffers
my @MUCH = map { delta({ content => $_ . 'x' x 20_000 }) } 1 .. 400;

$script{'much'} = [ $CHUNKED, map({ [ chunk => $COMMENTS x 10 ] } 1 .. 20),
    [ chunk => "\n" . delta({ content => 'a' }) ], [ mark => 'much' ],
    map({ [ chunk => $_ ] } @MUCH), [ chunk => $DONE ], 'chunk_end' ];
$script{'whole 200000'} = [ answer('chunked', 'json', whole('a' x 200_000)) ];
$script{'whole 400000'} = [ answer('length', 'json', whole('a' x 400_000)) ];

for my $how (qw(chunked length close)) {
    $script{"$how stream"} = [ answer($how, 'sse', $ROLE,
        delta({ content => 'of a' }), $DONE) ];
    $script{"$how whole"} = [ answer($how, 'json', whole('of a')) ];
}

$script{'chunked whole, later its end'} = [ (answer('chunked', 'json'))[0],
    [ chunk => whole('of a') ],
    [ wait => 'chunked whole, later its end' ], 'chunk_end' ];
$script{'close whole, open'} = [ (answer('close', 'json'))[0],
    [ send => whole('of a') ], [ wait => 'close whole, open' ], 'close' ];
$script{'close stream, open'} = [ (answer('close', 'sse'))[0],
    [ send => $ROLE . delta({}, finish_reason => 'stop') . $DONE ],
    [ wait => 'close stream, open' ], 'close' ];
$script{'more than announced'} = [ [ send => bytes('length', 'json',
    whole('of a')) . 'HTTP/1.1 200 OK' ], 'wait_close' ];
$script{'behind the last chunk'} = [ [ send => bytes('chunked', 'json',
    whole('of a')) . 'HTTP/1.1 200 OK' ], 'wait_close' ];
$script{'bad behind words'} = [ [ send => bytes('chunked', 'sse',
    delta({ content => 'of a' })) =~ s/0\r\n\r\n\z/zz\r\n/r ], 'wait_close' ];
$script{'silent'} = [ $CHUNKED, [ chunk => $ROLE ], [ mark => 'silent' ],
                      'wait_close' ];
$script{'never idle'} = [ $CHUNKED, [ chunk => $ROLE ],
    map({ ([ delay => 0.1 * $SCALE ], [ chunk => ": $_\n\n" ]) } 1 .. 16),
    [ chunk => delta({ content => 'at last' }) ], [ chunk => $DONE ],
    'chunk_end' ];
$script{'left'} = [ $CHUNKED, [ chunk => $ROLE ], [ mark => 'left' ],
                    'wait_close' ];
$script{'error 429'} = [ answer('chunked', 'sse', $LIMIT) ];
$script{'error code 429'} = [ answer('chunked', 'sse',
                                     event(failure(code => 429))) ];
$script{'error 503'} = [ answer('chunked', 'sse', $ROLE, $BUSY) ];
$script{'error'} = [ answer('chunked', 'sse', $ERROR) ];
$script{'interim'} = [ [ send => "HTTP/1.1 103 Early Hints\r\n\r\n" ],
                       answer('chunked', 'sse', $ERROR) ];

# A usage, and answers that tell it: [ a failed one, and a good one ].

sub usage {
    my ($prompt, $cached, $completion) = @_;

    return (usage => { prompt_tokens => $prompt,
                       completion_tokens => $completion,
                       total_tokens => $prompt + $completion,
                       prompt_tokens_details => { cached_tokens => $cached } });
}

my $SPENT = event({ choices => [], usage(100, 30, 7) });

$script{'spent, an error'} = [ answer('chunked', 'sse', $ROLE, $SPENT,
                                      $ERROR) ];
$script{'spent, an end'} = [ answer('length', 'sse', $SPENT, $DONE) ];
$script{'spent, half'} = [ answer('close', 'sse', $ROLE, $SPENT) ];
$script{'spent, silent'} = [ $CHUNKED, [ chunk => $SPENT ], 'wait_close' ];
$script{'spent, JSON'} = [ answer('length', 'json', json_text({
    choices => [], usage(100, 30, 7) })) ];
$script{'told sse'} = [ answer('chunked', 'sse', delta({ content => 'of b' }),
    event({ choices => [], usage(5, 2, 3) }), $DONE) ];
$script{'told json'} = [ answer('length', 'json',
    $WHOLE =~ s/}\z/',' . substr(json_text({ usage(5, 2, 3) }), 1)/er) ];

# The body is the request's, so that every request chooses its own answer: a
# name of the table, or { bytes, at } to be cut there.

sub route {
    my ($r, $name) = @_;

    my $do = JSON::PP::decode_json($r->{body});
    my $what = $do->{$name};

    return [ [ split => $what->{bytes}, @{$what->{at}} ],
             $what->{close} ? 'close' : () ] if ref $what;

    return $script{$what} || die "$name: what is $what?" if defined $what;

    return [ answer('chunked', $r->{uri} =~ /embed/ ? (json => $LIST)
                    : $do->{stream} ? (sse => $STREAM) : (json => $WHOLE)) ];
}

my %up = map {
    my $name = $_;

    $name => GenAI::Upstream->new(name => $name, lossy => 1,
                                  route => sub { route($_[0], $name) });
} qw(a b keep);

my $t = GenAI::Test->new(log_level => 'info')->conf(<<'EOF',
http {
    client_max_body_size 10m;

    log_format l '$status $genai_target $genai_attempts "$genai_error" '
                 '"$upstream_status"';
    access_log %%TESTDIR%%/l.log l;
    log_format tokens '$genai_prompt_tokens $genai_cached_tokens '
                      '$genai_completion_tokens $genai_count_source';
    access_log %%TESTDIR%%/tokens.log tokens;
    log_format sizes '$upstream_response_length $upstream_bytes_received';
    access_log %%TESTDIR%%/sizes.log sizes;

    genai_provider a { dialect openai; pass http://127.0.0.1:%%A%%/v1;
                       idle_timeout %%IDLE%%ms; }
    genai_provider b { dialect openai; pass http://127.0.0.1:%%B%%/v1; }
    genai_provider keep { dialect openai; pass http://127.0.0.1:%%KEEP%%/v1; }

    genai_model ab   { target a model=model-a; target b model=model-b; }
    genai_model a    { target a; }
    genai_model aab  { target a; target a; target b; }
    genai_model off  { target a; target b; next_target off; }
    genai_model e    { target a; target b; next_target error; }
    genai_model t    { target a; target b; next_target timeout; }
    genai_model h429 { target a; target b; next_target http_429; }
    genai_model h5xx { target a; target b; next_target http_5xx; }
    genai_model keep { target keep; target b; }

    server {
        listen 127.0.0.1:%%PORT_0%%;
        listen 127.0.0.1:%%PORT_1%% sndbuf=8k;
        genai_auth off;
        location /v1/   { genai_pass; }
        location = /usage   { genai_usage; access_log off; }
        location = /metrics { genai_metrics; access_log off; }
        location /file/ { genai_pass; client_body_buffer_size 1k; }
        location /gz/   { genai_pass; gzip on; gzip_types *;
                          gzip_min_length 1; gzip_proxied any; }
    }
}
EOF
    A => $up{a}->port, B => $up{b}->port, KEEP => $up{keep}->port,
    IDLE => 1000 * $SCALE)->run;

my ($lines, %seen) = (0);

# The requests that came since the last call.

sub fresh {
    my ($name) = @_;

    my $log = eval { slurp("$up{$name}{dir}/log") } // '';
    my $from = $seen{$name} || 0;

    $seen{$name} = length $log;

    return map { JSON::PP->new->latin1->decode($_) }
        grep { /"type":"request"/ } split /\n/, substr $log, $from;
}

# The next line of the log.

sub logged {
    my $line;

    wait_for(sub {
        defined($line = ($t->access_log('l.log') =~ /^(.*)\n/mg)[$lines]);
    });
    $lines++;

    return $line // '';
}

# Asks, and returns the answer, the log's line, whom it was asked of, and the
# requests that they got.

sub ask {
    my ($model, $do, %o) = @_;

    my $r = $t->post(($o{path} || '/v1') . '/' . ($o{endpoint}
                                                  || 'chat/completions'),
                     { model => $model, %$do }, %o);
    my $line = logged();
    my @asked = map { my $who = $_; map { { %$_, who => $who } } fresh($who) }
        qw(a b keep);

    return ($r, $line, join('', map { $_->{who} } @asked), @asked);
}

# What a request has where its answer is of that type.

sub stream { return $_[0] eq 'json' ? () : (stream => JSON::PP::true) }

my @stream = stream('sse');


# ---- no answer: the second target's, byte for byte

for my $name (sort keys %bad) {
    my ($type) = @{$bad{$name}};
    my $expected = $type eq 'json' ? $WHOLE : $STREAM;

    for my $how (qw(chunked length close)) {
        my ($r, $line, $asked) = ask('ab', { a => "$how $name",
                                             stream($type) });

        # a body that ends with its connection is nginx's to find broken
        my $status = $how eq 'close'
            && $name =~ /^(?:nothing|comments|no events|half)/
            ? 502 : 200;

        is($r->body, $expected, "$name, $how: the answer of b");
        ok($r->complete, "$name, $how: whole");
        is("$asked $line", qq(ab 200 b 2 "" "$status, 200"),
           "$name, $how: asked and logged");
    }
}

for (map({ [ $_, 502 ] } sort keys %dead), map({ [ $_, 200 ] } sort keys %torn))
{
    my ($name, $status) = @$_;
    my ($r, $line, $asked) = ask('ab', { a => "chunked $name", @stream });

    is($r->body, $STREAM, "$name: the answer of b");
    is("$asked $line", qq(ab 200 b 2 "" "$status, 200"),
       "$name: asked and logged");
}

{
    my ($r, $line, $asked) = ask('ab', { a => 'chunked an error in JSON',
                                         input => 'x' },
                                 endpoint => 'embeddings');

    is($r->body, $LIST, 'embeddings: the answer of b');
    is($asked, 'ab', 'embeddings: both were asked');

    ($r, $line, $asked) = ask('aab', { a => 'error', @stream });
    is("$asked $line", 'aab 200 b 3 "" "200, 200, 200"', 'twice no answer');
    is($r->body, $STREAM, 'and then one');

    ($r, $line, $asked) = ask('ab', { a => 'interim', @stream });
    is("$asked " . $r->body, "ab $STREAM", 'behind an interim answer');
}


# ---- what failed attempts have used, as far as it was told

{
    my @SUMS = qw(exchanges estimated attempts prompt_tokens cached_tokens
                  completion_tokens);
    my $sums = sub { @{$t->get('/usage')->json->{totals}}{@SUMS} };
    my $tokens = sub {
        my $m = GenAI::Prometheus->new($t->get('/metrics')->body);

        return map { $m->sum('genai_tokens_total', target => $_,
                             kind => 'input', source => 'provider') }
            qw(a b);
    };

    for my $case ([ 'spent, an error', 'sse' ], [ 'spent, an end', 'sse' ],
                  [ 'spent, half', 'sse' ], [ 'spent, silent', 'sse' ],
                  [ 'spent, JSON', 'json' ],
                  [ 'spent, an error', 'sse', 2 ])
    {
        my ($name, $type, $twice) = @$case;
        my @before = ($sums->(), $tokens->());
        my $n = $twice || 1;

        my ($r, $line, $asked) = ask($twice ? 'aab' : 'ab', { a => $name,
                                     b => "told $type", stream($type) });

        is($asked, 'a' x $n . 'b', "$name: asked");
        my @after = ($sums->(), $tokens->());

        is(($t->access_log('tokens.log') =~ /^(.*)\n/mg)[-1],
           '5 2 3 provider', "$name: the variables are those of b");
        is(join(' ', map { $after[$_] - $before[$_] } 0 .. $#after),
           join(' ', 1, 0, $n + 1, 100 * $n + 5, 30 * $n + 2, 7 * $n + 3,
                100 * $n, 5), "$name: the totals are those of all");
    }

    # no other one is left to be asked

    my @before = ($sums->(), $tokens->());
    my ($r, $line) = ask('ab', { a => 'spent, an error',
                                 b => 'spent, an error', @stream });
    my @after = ($sums->(), $tokens->());

    like($line, qr/^200 b 2/, 'both spent: the last one passes');
    is(join(' ', map { $after[$_] - $before[$_] } 0 .. $#after),
       '1 0 2 200 60 14 100 100', 'both spent: each once');
}


# ---- what is an error depends on next_target

for (
    [ 'e', 'error 429', 'ab' ], [ 'e', 'error', 'ab' ],
    [ 'h429', 'error 429', 'ab' ], [ 'h429', 'error code 429', 'ab' ],
    [ 'h429', 'error 503', 'a' ], [ 'h429', 'error', 'a' ],
    [ 'h5xx', 'error 503', 'ab' ], [ 'h5xx', 'error 429', 'a' ],
    [ 't', 'error', 'a' ], [ 'off', 'error', 'a' ], [ 'a', 'error', 'a' ],
) {
    my ($model, $do, $expected) = @$_;
    my ($r, $line, $asked) = ask($model, { a => $do, @stream });

    is($asked, $expected, "next_target, $model, $do: asked");
    is($r->body, $asked eq 'ab' ? $STREAM
           : { 'error' => $ERROR, 'error 503' => "$ROLE$BUSY",
               'error 429' => $LIMIT }->{$do},
       "next_target, $model, $do: the bytes");
}

# the last target passes as it is

for (map { ([ 'a', $_ ], [ 'off', $_ ]) } 'an error', 'a role, an error',
     'an error in JSON', 'a role, [DONE]', 'an empty object')
{
    my ($model, $name) = @$_;
    my ($type, @pieces) = @{$bad{$name}};

    for my $how (qw(chunked length close)) {
        my ($r, $line, $asked) = ask($model, { a => "$how $name",
                                               stream($type) });

        is($r->status . $r->body, '200' . join('', @pieces),
           "no other target, $model, $how, $name: as it was sent");
        is($asked, 'a', "no other target, $model, $how, $name: asked once");
    }
}


# ---- what an answer is, the client has while the provider goes on

for my $name (sort keys %good) {
    my $c = $t->stream('/v1/chat/completions', {
        model => 'ab', a => "good $name", @stream });

    is(join('', map { ($c->next_event // {})->{raw} // '-' } 1, 2),
       $ROLE . delta(@{$good{$name}}), "$name: passes at once");
    $up{a}->signal("go $name");
    is(($c->next_event // {})->{raw}, $DONE, "$name: and the rest");
    is($c->next_event, undef, "$name: ended");
    is($c->ended, 'complete', "$name: complete");
    is(logged(), '200 a 1 "" "200"', "$name: one attempt");
}

{
    my $text = event({ choices => [ { index => 0, text => 'a' } ] }) . $DONE;
    my ($r) = ask('ab', { prompt => 'x', @stream, a => {
        bytes => bytes('chunked', 'sse', $text), at => [] } },
                  endpoint => 'completions');

    is($r->body, $text, 'completions');
}

for my $what ('chunked whole, later its end', 'close whole, open',
              'close stream, open')
{
    my ($type) = $what =~ /stream/ ? 'sse' : 'json';
    my $body = $type eq 'json' ? whole('of a')
        : $ROLE . delta({}, finish_reason => 'stop') . $DONE;
    my $c = $t->stream('/v1/chat/completions', {
        model => 'ab', a => $what, stream($type) });
    my $got = '';

    while (length $got < length $body) {
        $got .= $c->piece(timeout => 10 * $SCALE) // last;
    }

    is($got, $body, "$what: it is complete before its connection is");
    $up{a}->signal($what);
    is($c->piece(timeout => 10 * $SCALE), undef, "$what: nothing more");
    is($c->ended, 'complete', "$what: complete");
    is(logged(), '200 a 1 "" "200"', "$what: one attempt");
}


# ---- a complete answer is never asked for again, and is counted as it would
# be without a window

fresh($_) for qw(a b);

for my $what (map { ("$_ whole", "$_ stream") } qw(chunked length close)) {
    my @do = (a => $what, stream($what =~ /whole/ ? 'json' : 'sse'));
    my ($r, $line, $asked) = ask('ab', { @do });

    is($r->body, $what =~ /whole/ ? whole('of a')
           : $ROLE . delta({ content => 'of a' }) . $DONE, "$what: of a");
    ok($r->complete, "$what: whole");
    is("$asked $line", 'a 200 a 1 "" "200"', "$what: asked once");

    ask('a', { @do });

    my @sizes = $t->access_log('sizes.log') =~ /^(.*)$/mg;

    is($sizes[-2], $sizes[-1], "$what: as many bytes are logged");
}


# ---- the cap

{
    my $c = $t->stream('/v1/chat/completions', { model => 'ab', a => 'cap',
                                                 @stream });

    is($c->{response}->status, 200, 'more than is held: it passes');
    $up{a}->signal('cap');
    ok($c->body->body eq $COMMENTS x 300 . "\n$ERROR", 'every byte of it');
    like(logged(), qr/^200 a 1 "\w*" "200"/, 'one attempt');
    fresh('a');

    my ($r, $line, $asked) = ask('ab', { a => 'below the cap', @stream });

    is("$asked " . $r->body, "ab $STREAM", 'less: it is held');
}

# a client that does not read at first: what is held waits for it

{
    my $c = $t->connect(port => $t->port(1), rcvbuf => 4096);

    $c->request('POST', '/v1/chat/completions', body => json_text({
        model => 'ab', a => 'much', @stream }));
    ok($up{a}->wait_mark('much'), 'a slow client');

    # others are served meanwhile
    ask('a', { a => 'chunked whole' }) for 1 .. 5;

    my $r = $c->response;

    ok($r->body eq join('', $COMMENTS x 200, "\n", delta({ content => 'a' }),
                        @MUCH, $DONE),
       'it gets all that was held, and the rest');
    ok($r->complete, 'to a good end');
    logged();
    fresh('a');
}

for my $n (200_000, 400_000) {
    for my $path (qw(/v1 /gz)) {
        for my $encoding ('identity', 'gzip') {
            my ($r, $line, $asked) = ask('ab', { a => "whole $n" },
                path => $path, headers => [ 'Accept-Encoding', $encoding ]);
            my $what = "an answer of $n bytes, $path, $encoding";
            my $body = $r->body;

            if ($r->header('content-encoding')) {
                my $z = Compress::Raw::Zlib::Inflate->new(
                    -WindowBits => Compress::Raw::Zlib::WANT_GZIP());
                my $in = $body;

                $body = '';
                $z->inflate($in, $body);
            }

            ok($body eq whole('a' x $n), $what);
            ok($r->complete, "$what: complete");
            is($asked, 'a', "$what: asked once");
        }
    }
}


# ---- cut at any byte

for my $how (qw(chunked length close)) {
    for (
        [ sse => $ROLE, delta({ content => 'of a' }), $DONE ],
        [ sse => $ROLE, $ERROR ],
        [ json => whole('of a') ],
        [ json => json_text(failure()) ],
    ) {
        my ($type, @pieces) = @$_;
        my $bytes = bytes($how, $type, @pieces);
        my $body = join '', @pieces;
        my $fails = $body =~ /"error"/;
        my $expected = !$fails ? $body : $type eq 'json' ? $WHOLE : $STREAM;
        my @at = index($bytes, "\r\n\r\n") + 1 .. length($bytes) - 1;
        my %do = (stream($type));
        my @wrong;

        for my $at (@at) {
            my $r = $t->post('/v1/chat/completions', {
                model => 'ab', %do, a => {
                    bytes => $bytes, at => [ $at ], close => $how eq 'close' },
            });

            $lines++;
            push @wrong, $at if $r->body ne $expected || !$r->complete;
        }

        is("@wrong", '', "$how, $type, " . ($fails ? 'an error' : 'an answer')
           . ': cut in two at each byte');

        my ($r) = ask('ab', { %do, a => { bytes => $bytes, at => \@at,
                                          close => $how eq 'close' } });

        is($r->body, $expected, 'and cut at all of them');
    }
}


# ---- the second target is sent its own request, whole

for my $path (qw(/v1 /file)) {
    my $text = join '', map { sprintf '%06d ', $_ } 1 .. 20_000;
    my ($r, $line, $asked, @asked) = ask('ab', {
        a => 'error', text => $text, @stream }, path => $path);

    is($r->body, $STREAM, "140 KB, $path: answered");
    is($asked, 'ab', "140 KB, $path: asked");
    like($asked[1]{body}, qr/"model":"model-b"/, "140 KB, $path: the model");
    ok($asked[0]{body} =~ s/model-a/model-b/r eq $asked[1]{body}
       && $asked[1]{body} =~ /"\Q$text\E"/, "140 KB, $path: the body");
}


# ---- connections that are kept

for ([ 'length whole', 1 ], [ 'chunked whole', 1 ], [ 'chunked stream', 1 ],
     [ 'length stream', 1 ], [ 'chunked an error', 0 ], [ 'error 429', 0 ],
     [ 'more than announced', 0 ], [ 'behind the last chunk', 0 ])
{
    my ($what, $kept) = @$_;

    # the first leaves a connection for the second, and that one or none
    ask('keep', { keep => 'length whole' });
    ask('keep', { keep => $what, stream($what =~ /stream|err/ ? 1 : 'json') });

    my $before = $up{keep}->connections;
    my ($r) = ask('keep', { keep => 'length whole' });

    is($r->body, whole('of a'), "behind $what: an answer");
    is($up{keep}->connections - $before, $kept ? 0 : 1,
       "behind $what: the connection is " . ($kept ? 'used' : 'not used'));
}

like($t->error_log, qr/sent more data than it announced/, 'that is logged');


# ---- broken behind its first word: no other target, and no end

{
    my ($r, $line, $asked) = ask('ab', { a => 'bad behind words', @stream });

    is(index($r->body, delta({ content => 'of a' })), 0,
       'broken behind a word: that word');
    is($asked, 'a', 'broken behind a word: one attempt');
    like($line, qr/^200 a 1 "provider_bad_answer"/,
         'broken behind a word: an error');
}


# ---- idle time is about silence

{
    my ($r, $line, $asked) = ask('ab', { a => 'never idle', @stream });

    is("$asked $line", 'a 200 a 1 "" "200"', 'longer than idle_timeout');
    like($r->body, qr/: 16\n\n.*at last/s, 'all of it');

    ($r, $line, $asked) = ask('ab', { a => 'silent', @stream });
    is("$asked $line", 'ab 200 b 2 "" "504, 200"', 'silent for that long');
    is($r->body, $STREAM, 'silent: the answer of b');
}


# ---- a client that goes ends it all

{
    my $c = $t->connect;

    $c->request('POST', '/v1/chat/completions', body => json_text({
        model => 'keep', keep => 'left', @stream }));
    ok($up{keep}->wait_mark('left'), 'the window is open');
    ok($c->is_idle, 'the client sees nothing of it');
    $c->close;
    like(logged(), qr/^499 keep \d "caller_gone"/, 'the client has left');
    ok(wait_for(sub { ($up{keep}->events('closed'))[-1] }),
       'the connection to the provider is closed');
    is(scalar(my @b = fresh('b')), 0, 'b is not asked');
}


done_testing;
