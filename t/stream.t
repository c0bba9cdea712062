# SPDX-License-Identifier: Apache-2.0

# Streams: every event reaches the client when the provider has sent the whole
# of it, not when more comes; and what a client sees of a stream whose provider
# dies: no half event, but an error event in its place.
#
# That an event came "at once" is not measured with a clock: the provider
# sends the next one only after the client has read this one.

use strict;
use warnings;

use lib 't/lib';

use Compress::Raw::Zlib ();
use JSON::PP ();

use GenAI::Test;
use GenAI::Upstream;

my %head = (
    chunked => "Transfer-Encoding: chunked\r\n",
    close => '',
    length => "Content-Length: 64\r\n",
    http10 => '',
);

sub head {
    my ($how, $type) = @_;

    return 'HTTP/1.' . ($how eq 'http10' ? 0 : 1) . " 200 OK\r\n"
        . 'Content-Type: ' . ($type || 'text/event-stream')
        . "\r\n$head{$how}\r\n";
}

# 64 bytes together
my @parts = ("data: {\"n\":1}\n\n", ": ping\n\n", "data: \xe2", "\x82\xac\n",
             "\n", "data: [DONE]\n", "\n" . "\n" x 16);

# how many of these bytes are whole events when a part has come
my @due = (14, 22, 22, 22, 34, 34, 64);

my %death = (
    close => [ [ chunk => "data: 1\n\n" ], 'close' ],
    reset => [ [ chunk => "data: 1\n\n" ], [ wait => 'reset' ], 'reset' ],
    'in an event' => [ [ chunk => "data: 1\n\n", "data: {\"x" ], 'close' ],
    'behind a line' => [ [ chunk => "data: 1\n" ], 'close' ],
    'CRLF' => [ [ chunk => "data: 1\r\n\r\n" ], 'close' ],
    'behind a CRLF line' => [ [ chunk => "data: 1\r\n" ], 'close' ],
    'CR' => [ [ chunk => "data: 1\r\r" ], 'close' ],
    'in a chunk' => [ [ send => "20\r\ndata: 1\n\ndata" ], 'close' ],
    'in a size' => [ [ chunk => "data: 1\n\n" ], [ send => "1" ], 'close' ],
    'no last chunk' => [ [ chunk => "data: 1\n\ndata: [DONE]\n\n" ],
                         'close' ],
    'a bad size' => [ [ chunk => "data: 1\n\n" ], [ wait => 'bad' ],
                      [ send => "zz\r\n" ], 'wait_close' ],
    'a bad size, at once' => [ [ send => "9\r\ndata: 1\n\n\r\nzz\r\n" ],
                               'wait_close' ],
    'a chunk that is too long' => [ [ send => "9\r\ndata: 1\n\nxx" ],
                                    'wait_close' ],
    'a size of 2**64' => [ [ chunk => "data: 1\n\n" ], [ wait => 'huge' ],
                           [ send => "10000000000000000\r\n" ],
                           'wait_close' ],
    'between two lines' => [ [ chunk => "data: 1\n\nevent: x\r\n",
                                        "data: 2\r\n" ], 'close' ],
    'between CR and LF' => [ [ chunk => "data: 1\r\n\r\ndata: 2\r\n\r" ],
                             'close' ],
    'in a comment' => [ [ chunk => "data: 1\n\n: pi" ], 'close' ],
    'in a long event' => [ [ chunk => "data: 1\n\ndata: " . 'x' x 100_000 ],
                           'close' ],
    'behind a long event' => [ [ chunk => "data: " . 'x' x 100_000 . "\n\n",
                                          "data: 2" ], 'close' ],
    silence => [ [ chunk => "data: 1\n\n" ], 'wait_close' ],
);

my $up = GenAI::Upstream->new(lossy => 1, route => sub {
    my ($r) = @_;
    my $do = JSON::PP::decode_json($r->{body})->{do};

    if ($do =~ /^parts (\w+)/) {
        my $how = $1;
        my @send = map { $how eq 'chunked' ? [ chunk => $_ ] : [ send => $_ ] }
            @parts;

        return [ [ send => head($how) ],
                 map({ ($send[$_], [ wait => "$do $_" ]) } 0 .. $#send),
                 $how eq 'chunked' ? 'chunk_end' : (),
                 $how =~ /close|http10/ ? 'close' : () ];
    }

    return [ [ send => head('chunked') ], @{$death{$1}} ]
        if $do =~ /^die (.*)/;

    return [ [ send => head('chunked') ], 'close' ] if $do eq 'only a head';

    return [ [ send => head('length') ], [ send => "data: 1\n\n" ], 'close' ]
        if $do eq 'length';

    return [ [ send => head('close') ], [ send => "data: 1\n\n" ],
             [ wait => 'reset' ], 'reset' ]
        if $do eq 'close, reset';

    return [ [ send => head('chunked', 'application/json') ],
             [ chunk => '{"a":' ], 'close' ]
        if $do eq 'json chunked';

    return [ [ send => head('length', 'application/json') ],
             [ send => '{"a":' ], 'close' ]
        if $do eq 'json length';

    return [ [ send => head('close', 'application/json') ],
             [ send => '{"a":' ], 'close' ]
        if $do eq 'json close';

    return [ [ send => head('chunked', "TEXT/Event-Stream;charset=utf-8") ],
             [ chunk => "data: 1\n\n" ], 'close' ]
        if $do eq 'upper case';

    return [ [ send => "HTTP/1.1 429 Slow\r\nContent-Type: text/event-stream"
               . "\r\nTransfer-Encoding: chunked\r\n\r\n" ],
             [ chunk => "data: {\"error\":{}}\n\n" ], 'chunk_end' ]
        if $do eq '429';

    return [ [ sse => { ok => 1 }, '[DONE]' ] ];
});

my $t = GenAI::Test->new->conf(<<'EOF', UP => $up->port)->run;
http {
    log_format ends '$status "$genai_error" $genai_stream $genai_ttft';
    access_log %%TESTDIR%%/ends.log ends;

    genai_provider p { dialect openai; pass http://127.0.0.1:%%UP%%/v1; }
    genai_provider hasty { dialect openai; pass http://127.0.0.1:%%UP%%/v1;
                           idle_timeout 300ms; }
    genai_model m { target p; }
    genai_model hasty { target hasty; }

    server {
        listen 127.0.0.1:%%PORT_0%%;
        genai_auth off;
        location /v1/ { genai_pass; }
        location /gz/ { genai_pass; gzip on; gzip_types *; gzip_min_length 1;
                        gzip_proxied any; }
        location /bits/ { genai_pass; postpone_output 100000;
                          tcp_nopush on; sendfile on; }
        location /ssi/  { genai_pass; ssi on; ssi_types *; }
    }
}
EOF

sub ask {
    my ($do, %o) = @_;

    return $t->stream(($o{path} || '/v1') . '/chat/completions',
        { model => $o{model} || 'm', do => $do, stream => \1 }, %o);
}


# ---- one part after the other, each of them before the next is sent

for ([ 'parts chunked' ],
     [ 'parts close' ],
     [ 'parts length' ],
     [ 'parts http10' ],
     [ 'parts chunked 1.0', version => '1.0' ],
     [ 'parts chunked slow client', rcvbuf => 2304 ],
     [ 'parts chunked gzip not asked for', path => '/gz' ],
     [ 'parts close postponed', path => '/bits' ],
     [ 'parts chunked postponed', path => '/bits' ])
{
    my ($do, @how) = @$_;

    my $c = ask($do, @how);
    my ($got, $late) = ('', 0);

    is($c->{response}->status, 200, "$do: the head came alone");

    for my $i (0 .. $#parts) {
        while (length $got < $due[$i]) {
            my $piece = $c->piece(timeout => 5);

            if (!defined $piece) {
                $late++;
                diag("$do: waits for part $i");
                last;
            }

            $got .= $piece;
        }

        last if $late;
        $up->signal("$do $i");
    }

    ok(!$late, "$do: each event came before more was sent");
    is($got, join('', @parts), "$do: the bytes") if !$late;
    $c->body;
    is($c->ended, 'complete', "$do: a good end") if !$late;
    is($c->{response}->header('content-type'), 'text/event-stream',
       "$do: its type");
    $c->close;
}


# ---- compressed on their way: still each at once, and the error event too

{
    my $c = ask('parts chunked zipped', path => '/gz',
                headers => [ 'Accept-Encoding' => 'gzip' ]);
    my $z = Compress::Raw::Zlib::Inflate->new(
        -WindowBits => Compress::Raw::Zlib::WANT_GZIP());
    my $got = '';
    my $late = 0;

    is($c->{response}->header('content-encoding'), 'gzip', 'gzip');

    for my $i (0 .. $#parts) {
        while (length $got < $due[$i]) {
            my $piece = $c->piece(timeout => 5);

            if (!defined $piece) {
                $late = 1;
                last;
            }

            $z->inflate($piece, my $text);
            $got .= $text;
        }

        last if $late;
        $up->signal("parts chunked zipped $i");
    }

    ok(!$late, 'gzip: each event came before more was sent');
    is($got, join('', @parts), 'gzip: the bytes');
    $c->close;

    my $r = ask('die close', path => '/gz',
                headers => [ 'Accept-Encoding' => 'gzip' ])->body;

    ok($r->complete, 'gzip: a stream that dies is ended');
    $z = Compress::Raw::Zlib::Inflate->new(
        -WindowBits => Compress::Raw::Zlib::WANT_GZIP());
    $z->inflate($r->{body}, my $text);
    like($text, qr/^data: 1\n\ndata: \{"error".*"provider_bad_answer"/,
         'gzip: with its error event');
}


# ---- events side by side: none waits for another stream

{
    my @c = map { ask("parts chunked side $_") } 1 .. 20;

    is(scalar(grep { ($_->next_event(timeout => 5) // {})->{data}
                     eq '{"n":1}' } @c), 20, 'twenty streams at a time');
    $_->close for @c;
}


# ---- a provider that dies

my $line = 0;

sub last_line {
    $line++;
    wait_for(sub { (() = $t->access_log('ends.log') =~ /\n/g) >= $line });
    return (split /\n/, $t->access_log('ends.log'))[$line - 1];
}

wait_for(sub { (() = $t->access_log('ends.log') =~ /\n/g) >= 31 });
$line = () = $t->access_log('ends.log') =~ /\n/g;

sub dies {
    my ($what, $do, $word, $data, %o) = @_;

    my $c = ask($do, %o);

    if ($o{after}) {
        $c->piece;
        $up->signal($o{after});
    }

    my $r = $c->body;
    my @events = $r->events;
    my $last = pop @events;
    my $error = eval { JSON::PP::decode_json($last->{data})->{error} };

    is($c->ended, 'complete', "$what: the stream is ended, not cut");
    is(ref $error && $error->{code}, $word, "$what: an error event")
        or diag($r->body);
    like(ref $error && $error->{message}, qr/\w \w/, "$what: its message");
    is(join('|', map { $_->{data} // '' } @events), $data,
       "$what: and what came before");
    is($r->events_rest, '', "$what: nothing behind it");
    is($c->closed(timeout => 5), 'eof', "$what: the connection is closed");
    $c->close;

    like(last_line(), qr/^200 "$word" 1 \d+\.\d{6}$/, "$what: logged");
}

dies('closed', 'die close', 'provider_bad_answer', '1');
dies('reset', 'die reset', 'provider_bad_answer', '1', after => 'reset');
dies('closed in an event', 'die in an event', 'provider_bad_answer',
     '1');
dies('closed behind a line', 'die behind a line', 'provider_bad_answer', '');
dies('closed behind CRLF', 'die CRLF', 'provider_bad_answer', '1');
dies('closed behind a CRLF line', 'die behind a CRLF line',
     'provider_bad_answer', '');
dies('closed behind CR', 'die CR', 'provider_bad_answer', '1');
dies('closed in a chunk', 'die in a chunk', 'provider_bad_answer', '1');
dies('closed in a size', 'die in a size', 'provider_bad_answer', '1');
dies('a bad chunk size', 'die a bad size', 'provider_bad_answer', '1',
     after => 'bad');
dies('a bad chunk size with its event', 'die a bad size, at once',
     'provider_bad_answer', '1');
dies('a chunk that is too long', 'die a chunk that is too long',
     'provider_bad_answer', '1');
dies('a size of 2**64', 'die a size of 2**64', 'provider_bad_answer', '1',
     after => 'huge');

# what lacks is the framing's end alone: the stream has said that it is done

{
    my $c = ask('die no last chunk');
    my $r = $c->body;

    is($c->ended, 'complete', 'no last chunk: the stream is ended');
    is(join('|', map { $_->{data} // '' } $r->events), '1|[DONE]',
       'no last chunk: nothing stands behind [DONE]');
    $c->close;

    like(last_line(), qr/^200 "" 1 \d+\.\d{6}$/, 'no last chunk: logged');
}

dies('closed behind the head', 'only a head', 'provider_bad_answer', '');
dies('less than its length', 'length', 'provider_bad_answer', '1');
dies('reset where the end would be the end', 'close, reset',
     'provider_bad_answer', '1', after => 'reset');
dies('silence', 'die silence', 'provider_timeout', '1', model => 'hasty');
dies('between two lines', 'die between two lines', 'provider_bad_answer', '1');
# a CR ends a line, whatever comes behind it
dies('between CR and LF', 'die between CR and LF', 'provider_bad_answer',
     '1|2');
dies('in a comment', 'die in a comment', 'provider_bad_answer', '1');
dies('behind a long event', 'die behind a long event', 'provider_bad_answer',
     'x' x 100_000);
dies('the type in another spelling', 'upper case', 'provider_bad_answer',
     '1');
dies('closed, HTTP/1.0', 'die close', 'provider_bad_answer', '1',
     version => '1.0');


# an event that is too long to be held is left without its end

{
    my $r = $t->post('/v1/chat/completions', { model => 'm',
                     do => 'die in a long event', stream => \1 });

    ok(!$r->complete, 'in a long event: the client sees that it is not whole');
    like($r->body, qr/^data: 1\n\ndata: x{30000}/, 'what there was');
    like(last_line(), qr/"provider_bad_answer"/, 'logged');
}


# ---- JSON that breaks off is no answer: the client must see that

for my $do ('json chunked', 'json length', 'json close') {
    my $r = $t->post('/v1/chat/completions', { model => 'm', do => $do });

    is($r->status, 200, "$do: begun");
    ok(!$r->complete, "$do: the client sees that it is not whole");
    is($r->body, '{"a":', "$do: what there was, and no word of ours");
    like(last_line(), qr/"provider_bad_answer"/, "$do: logged");
}


# ---- an error that is an event stream passes as it is

my $r = $t->post('/v1/chat/completions', { model => 'm', do => '429' });

is($r->status, 429, '429 as a stream');
is($r->body, "data: {\"error\":{}}\n\n", 'its bytes');
is($r->header('x-genai-error'), 'provider_rate_limited', 'its word');

is($t->post('/v1/chat/completions', { model => 'm', do => '' })->status, 200,
   'and nginx lives on');


done_testing;
