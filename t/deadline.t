# SPDX-License-Identifier: Apache-2.0

# The deadlines of a model: each ends an attempt, or all, in whatever state it
# is; a provider that only keeps the connection warm does not escape them.
#
# A deadline is a time, so here are some; but what is expected is never that
# something came in less than one, only what came instead.

use strict;
use warnings;

use lib 't/lib';

use IO::Socket::INET;
use JSON::PP ();
use Time::HiRes qw(time sleep);

use GenAI::Test;
use GenAI::Upstream;

my $SCALE = $GenAI::Test::SCALE;

sub event { return 'data: ' . (ref $_[0] ? json_text($_[0]) : $_[0]) . "\n\n" }

sub delta {
    my ($delta, %more) = @_;

    return event({ choices => [ { index => 0, delta => $delta, %more } ] });
}

my $ROLE = delta({ role => 'assistant' });
my $WORD = delta({ content => 'word' });
my $DONE = event('[DONE]');
my $WHOLE = json_text({ choices => [ { index => 0, finish_reason => 'stop',
    message => { role => 'assistant', content => 'whole' } } ] });
my $LONG = $WHOLE =~ s/whole/'x' x 240_000/er;
my $LONGER = $WHOLE =~ s/whole/'x' x 6_000_000/er;

my $SSE = [ send => "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
            . "Transfer-Encoding: chunked\r\n\r\n" ];
my $JSON = [ send => "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
             . "Transfer-Encoding: chunked\r\n\r\n" ];

# bytes for ever, none of them a word
my @drip = (sub {
    my ($c) = @_;

    $c->{over} = 1;

    for ( ;; ) {
        $c->send(GenAI::Upstream::Connection::chunk(": drip\n\n")) or return;
        sleep 0.02 * $SCALE;
    }
});
my @blanks = (sub {
    my ($c) = @_;

    $c->{over} = 1;

    for ( ;; ) {
        $c->send(GenAI::Upstream::Connection::chunk(' ')) or return;
        sleep 0.02 * $SCALE;
    }
});

my %script = (
    silent => [ 'wait_close' ],
    'a head' => [ $SSE, 'wait_close' ],
    'half a head' => [ [ send => "HTTP/1.1 200 OK\r\n" ], 'wait_close' ],
    'a role' => [ $SSE, [ chunk => $ROLE ], 'wait_close' ],
    comments => [ $SSE, @drip ],
    'a role, comments' => [ $SSE, [ chunk => $ROLE ], @drip ],
    'a word, comments' => [ $SSE, [ chunk => $WORD ], @drip ],
    'a word, later the end' => [ $SSE, [ chunk => $WORD ],
        [ delay => 0.9 * $SCALE ], [ chunk => $DONE ], 'chunk_end' ],
    'json, drip' => [ $JSON, [ chunk => '{"choices":' ], @blanks ],
    'json, later the end' => [ $JSON, [ chunk => $WHOLE =~ /^(.*who)/ ],
        [ delay => 0.9 * $SCALE ], [ chunk => $WHOLE =~ /who(.*)/ ],
        'chunk_end' ],
    long => [ $JSON, [ chunk => $LONG ], 'chunk_end' ],
    longer => [ $JSON, [ chunk => $LONGER ], 'chunk_end' ],
    'longer, drip' => [ $JSON, [ chunk => substr $LONGER, 0, 5_000_000 ],
        @blanks ],
    pour => [ $SSE, sub {
        my ($c) = @_;

        $c->{over} = 1;
        1 while $c->send(GenAI::Upstream::Connection::chunk($WORD x 100));
        $c->record(type => 'poured');
    } ],
);

my %up = map {
    my $name = $_;

    $name => GenAI::Upstream->new(name => $name, lossy => 1, route => sub {
        my ($r) = @_;
        my $head = substr $r->{body}, 0, 200;

        return $script{$1} || die "$name: what is $1?"
            if $head =~ /"$name":"([^"]*)"/;

        return $head =~ /"stream":true/
            ? [ $SSE, [ chunk => $ROLE, $WORD, $DONE ], 'chunk_end' ]
            : [ $JSON, [ chunk => $WHOLE ], 'chunk_end' ];
    });
} qw(a b c);

# takes a large request without writing it down
my $sink = GenAI::Upstream->new(name => 'sink', lossy => 1, requests => [ [
    'noread', 'head', sub {
        my ($c) = @_;
        my $left = $c->{request}{h}{'content-length'};

        while ($left > 0) {
            my $data = $c->read_bytes($left > 65536 ? 65536 : $left) // return;
            $left -= length $data;
        }
    }, $SSE, [ chunk => $ROLE, $WORD, $DONE ], 'chunk_end' ] ]);

# takes no byte: neither a request nor a handshake
my $deaf = GenAI::Upstream->new(name => 'deaf', lossy => 1, requests => [ [
    'noread', [ wait => 'never' ] ] ]);

# takes no connection: its queue is full
my $full = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1')
    or die "listen: $!";
my @queue = map { IO::Socket::INET->new(PeerAddr => '127.0.0.1',
    PeerPort => $full->sockport, Blocking => 0) } 1 .. 8;

my $t = GenAI::Test->new(log_level => 'info')->conf(<<'EOF',
http {
    client_max_body_size 0;

    log_format l '$status $genai_target $genai_attempts "$genai_error" '
                 '"$upstream_status"';
    access_log %%TESTDIR%%/l.log l;

    genai_provider a { dialect openai; pass http://127.0.0.1:%%A%%/v1; }
    genai_provider b { dialect openai; pass http://127.0.0.1:%%B%%/v1; }
    genai_provider c { dialect openai; pass http://127.0.0.1:%%C%%/v1; }
    genai_provider full { dialect openai; pass http://127.0.0.1:%%FULL%%; }
    genai_provider deaf { dialect openai; pass http://127.0.0.1:%%DEAF%%; }
    genai_provider sink { dialect openai; pass http://127.0.0.1:%%SINK%%; }
    genai_provider tls { dialect openai; pass https://127.0.0.1:%%DEAF%%;
                         ssl_verify off; }

    # two addresses of one provider
    upstream two { server 127.0.0.1:%%A%%; server 127.0.0.1:%%C%%; }
    genai_provider two { dialect openai; pass http://two; upstream two; }

    genai_model first   { target a; target b;
                          first_token_timeout %%SHORT%%ms; }
    genai_model first_a { target a; first_token_timeout %%SHORT%%ms; }
    genai_model first_h { target a; target b; next_target error http_429;
                          first_token_timeout %%SHORT%%ms; }
    genai_model full    { target full; target b;
                          first_token_timeout %%SHORT%%ms; }
    genai_model tls     { target tls; target b;
                          first_token_timeout %%SHORT%%ms; }
    genai_model deaf    { target deaf; target sink;
                          first_token_timeout %%LONG%%ms; }
    genai_model deaf_total { target deaf; target b;
                             total_timeout %%SHORT%%ms; }
    genai_model two     { target two; target b;
                          first_token_timeout %%SHORT%%ms; }
    genai_model answer  { target a; target b; answer_timeout %%SHORT%%ms; }
    genai_model answer_a { target a; answer_timeout %%SHORT%%ms; }
    genai_model total   { target a; target b; target c;
                          first_token_timeout %%SHORT%%ms;
                          answer_timeout %%SHORT%%ms;
                          total_timeout %%TOTAL%%ms; }
    genai_model total_a { target a; total_timeout %%TOTAL%%ms; }
    genai_model total_b { target b; total_timeout %%TOTAL%%ms; }
    genai_model off     { target a; first_token_timeout 0; answer_timeout 0;
                          total_timeout 0; }

    server {
        listen 127.0.0.1:%%PORT_0%%;
        listen 127.0.0.1:%%PORT_1%% sndbuf=8k;
        genai_auth off;
        lingering_close off;
        location /v1/ { genai_pass; }
        location /fall/ { genai_pass; error_page 504 = @again; }
        location @again { genai_pass model=total_b; }
    }
}
EOF
    map({ uc $_ => $up{$_}->port } keys %up), DEAF => $deaf->port,
    FULL => $full->sockport, SINK => $sink->port, SHORT => 500 * $SCALE,
    LONG => 1500 * $SCALE, TOTAL => 800 * $SCALE)->run;

my ($lines, %seen) = (0);

sub logged {
    my $line;

    wait_for(sub {
        defined($line = ($t->access_log('l.log') =~ /^(.*)\n/mg)[$lines]);
    });
    $lines++;

    return $line // '';
}

# Asks, and returns the answer and the log's line.

sub ask {
    my ($model, $stream, $do, %o) = @_;

    my $path = delete $o{path} || '/v1/chat/completions';
    my $r = $t->post($path, { model => $model, %$do,
        $stream ? (stream => JSON::PP::true) : () }, %o);

    return ($r, logged());
}

# Whom that was asked of since the last call; who is abandoned may write it
# down late.

sub asked {
    my ($expected) = @_;

    my $asked;

    wait_for(sub {
        $asked = join '', map { $_ x ($up{$_}->count - ($seen{$_} || 0)) }
            sort keys %up;
        $asked eq $expected;
    });
    $seen{$_} += () = $asked =~ /$_/g for keys %up;

    return $asked;
}

my $STREAM = "$ROLE$WORD$DONE";


# ---- first_token_timeout

for my $what ('silent', 'half a head', 'a head', 'a role', 'comments',
              'a role, comments')
{
    my ($r, $line) = ask('first', 1, { a => $what });

    is($r->body, $STREAM, "first token, $what: the second target");
    is($line, '200 b 2 "" "504, 200"', "first token, $what: logged");
    is(asked('ab'), 'ab', "first token, $what: both were asked");

    ($r, $line) = ask('first_h', 1, { a => $what });
    is($r->status, 504, "first token, $what, no next target: 504");
    is($r->header('x-genai-error'), 'provider_timeout', 'its word');
    is(asked('a'), 'a', 'asked once');
}

for my $what ('silent', 'half a head') {
    my ($r, $line) = ask('first_a', 1, { a => $what });

    is($r->status, 504, "first token, $what, the last target: 504");
    is($r->json->{error}{code}, 'provider_timeout', 'in JSON');
    is($line, '504 a 1 "provider_timeout" "504"', 'logged');
}

for my $what ('a head', 'a role', 'a role, comments') {
    my ($r, $line) = ask('first_a', 1, { a => $what });
    my @e = $r->events;

    like($e[-1]{data} // '', qr/provider_timeout/,
         "first token, $what, the last target: an error event");
    is($line, '200 a 1 "provider_timeout" "200"', 'logged');
}

{
    my ($r, $line) = ask('first', 1, { a => 'a word, later the end' });

    is($r->body, "$WORD$DONE", 'the first token is there: no deadline');
    is($line, '200 a 1 "" "200"', 'logged');

    ($r, $line) = ask('first_a', 1, { a => 'a word, later the end' });
    is($r->body, "$WORD$DONE", 'and on the last target');
    is($line, '200 a 1 "" "200"', 'logged');

    ($r, $line) = ask('first', 0, { a => 'json, later the end' });
    is($r->body, $WHOLE, 'not for an answer that is no stream');
    is($line, '200 a 1 "" "200"', 'logged');

    ($r, $line) = ask('first', 1, { a => 'json, later the end' });
    is($r->body, $WHOLE, 'but a word of such an answer is one too');
    is($line, '200 a 1 "" "200"', 'logged');
}

# wherever the attempt stands

my $big = { text => 'x' x 16_000_000 };

for ([ 'full', {}, 'connecting', 'b' ], [ 'tls', {}, 'shaking hands', 'b' ],
     [ 'deaf', $big, 'sending', 'sink' ])
{
    my ($model, $do, $what, $last) = @$_;
    my ($r, $line) = ask($model, 1, $do);

    is($r->body, $STREAM, "$what: the second target");
    is($line, qq(200 $last 2 "" "504, 200"), "$what: logged");
}

{
    my ($r, $line) = ask('deaf_total', 1, $big);

    is($r->status, 504, 'sending, all of the time is over: 504');
    is($line, '504 deaf 1 "provider_timeout" "504"', 'logged');

    asked('bb');

    ($r, $line) = ask('two', 1, { a => 'comments', c => 'a role' });
    is($r->body, $STREAM, 'an upstream of two peers');
    is($line, '200 b 3 "" "504, 504, 200"', 'each has its time');
    is(asked('abc'), 'abc', 'all were asked');
}


# ---- answer_timeout

for my $what ('silent', 'half a head', 'json, drip') {
    my ($r, $line) = ask('answer', 0, { a => $what });

    is($r->body, $WHOLE, "answer, $what: the second target");
    is($line, '200 b 2 "" "504, 200"', "answer, $what: logged");
}

{
    my ($r, $line) = ask('answer_a', 0, { a => 'silent' });

    is($r->status, 504, 'answer, silent, the last target: 504');
    is($line, '504 a 1 "provider_timeout" "504"', 'logged');

    ($r, $line) = ask('answer_a', 0, { a => 'json, drip' });
    ok(!$r->complete, 'answer, its begin was passed on: it is cut');
    is($line, '200 a 1 "provider_timeout" "200"', 'logged');

    ($r, $line) = ask('answer', 1, { a => 'a word, later the end' });
    is($r->body, "$WORD$DONE", 'not for a stream');
    is($line, '200 a 1 "" "200"', 'logged');
}

# the provider is through, only its client is not

{
    my $c = $t->connect(port => $t->port(1), rcvbuf => 4096);

    $c->request('POST', '/v1/chat/completions', body => json_text({
        model => 'answer', a => 'long' }));
    sleep 0.9 * $SCALE;
    is($c->response->body, $LONG, 'a slow client gets all of a whole answer');
    is(logged(), '200 a 1 "" "200"', 'logged');
}


# the provider would go on, only its client does not read

for (longer => 'longer, drip') {
    my $c = $t->connect(port => $t->port(1), rcvbuf => 4096);

    $c->request('POST', '/v1/chat/completions', body => json_text({
        model => 'answer_a', a => $_ }));
    sleep 0.9 * $SCALE;

    my $r = $c->response;

    if ($_ eq 'longer') {
        is(length $r->body, length $LONGER, 'a slow client gets a long one');
        is(logged(), '200 a 1 "" "200"', 'logged');

    } else {
        ok(!$r->complete, 'but what comes too late then is cut');
        cmp_ok(length $r->body, '>=', 5_000_000, 'when it has read the rest');
        is(logged(), '200 a 1 "provider_timeout" "200"', 'logged');
    }
}


# ---- total_timeout

{
    ask('off', 1, {});
    wait_for(sub { $up{a}->count > $seen{a} });
    $seen{$_} = $up{$_}->count for keys %up;

    my $start = time;
    my ($r, $line) = ask('total', 1, { a => 'silent', b => 'comments',
                                               c => 'silent' });

    is($r->status, 504, 'total, in the second attempt: 504');
    is($line, '504 b 2 "provider_timeout" "504, 504"', 'logged');
    is(asked('ab'), 'ab', 'no third attempt');
    cmp_ok(time - $start, '>=', 0.79 * $SCALE, 'after both');

    ($r, $line) = ask('total', 0, { a => 'silent', b => 'json, drip' });
    is($line, '504 b 2 "provider_timeout" "504, 504"',
       'of an answer that is no stream');
    is(asked('ab'), 'ab', 'no third attempt');

    ($r, $line) = ask('total_a', 1, { a => 'a word, comments' });
    is(index($r->body, "$WORD: drip\n\n"), 0, 'in a stream: what came');
    like((map { $_->{data} } $r->events)[-1] // '', qr/provider_timeout/,
         'and an error event');
    is($line, '200 a 1 "provider_timeout" "200"', 'logged');

    ($r, $line) = ask('total_a', 0, { a => 'json, drip' });
    ok(!$r->complete, 'in an answer: it is cut');
    is($line, '200 a 1 "provider_timeout" "200"', 'logged');
}

# a redirect begins no other exchange

{
    $seen{$_} = $up{$_}->count for keys %up;

    my ($r, $line) = ask('total_a', 1, { a => 'silent' },
                         path => '/fall/chat/completions');

    is($r->status, 504, 'total, behind a redirect: 504');
    like($line, qr/^504 \S+ 0 "provider_timeout" /, 'logged');
    is($up{b}->count, $seen{b}, 'no attempt');
    $seen{$_} = $up{$_}->count for keys %up;
}

# a client that does not read

{
    my $c = $t->connect(port => $t->port(1), rcvbuf => 4096);

    $c->request('POST', '/v1/chat/completions', body => json_text({
        model => 'total_a', a => 'pour', stream => JSON::PP::true }));
    ok(wait_for(sub { $up{a}->events('poured') }, 10 * $SCALE),
       'a blocked client: the provider is let go');

    my $cpu = $t->cpu;

    sleep 0.5;
    cmp_ok($t->cpu - $cpu, '<', 0.2, 'nothing spins');

    my $r = $c->response;

    is(index($r->body, $WORD x 100), 0, 'it gets what came');
    is(logged(), '200 a 1 "provider_timeout" "200"', 'logged');
}

like($t->error_log, qr/genai target "a": first_token_timeout has passed/,
     'the error log has its name');
like($t->error_log, qr/genai target "a": answer_timeout has passed/, 'and its');
like($t->error_log, qr/genai target "b": total_timeout has passed/, 'and its');


done_testing;
