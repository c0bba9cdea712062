# SPDX-License-Identifier: Apache-2.0

# The way of an answer's bytes: they reach the client as the provider sent
# them, however they were cut, but for the usage that nobody but us has asked
# for; large events, odd ends, old clients, recorded streams.

use strict;
use warnings;

use lib 't/lib';

use JSON::PP ();

use GenAI::Test;
use GenAI::Upstream;

my $DATA = $ENV{GENAI_FIXTURES}
    || "$GenAI::Test::ROOT/../shared/data/fixtures";

my $head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n";


# A chunk of a stream, and the one that is nothing but usage.

sub delta {
    my ($delta, $reason) = @_;

    return '{"id":"c","object":"chat.completion.chunk","created":1,'
        . "\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{$delta},"
        . '"finish_reason":' . ($reason ? "\"$reason\"" : 'null')
        . '}],"usage":null}';
}

my $usage = '{"id":"c","object":"chat.completion.chunk","created":1,'
    . '"model":"m","choices":[],"usage":{"prompt_tokens":7,'
    . '"completion_tokens":3,"total_tokens":10}}';

my @events = map { "data: $_" }
    delta('"role":"assistant","content":""'),
    delta("\"content\":\"h\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\""),
    delta('', 'stop'), $usage, '[DONE]';

# [ all bytes, those that a client gets who has not asked for usage ]

sub both {
    my ($eol, @e) = @_;

    my $text = sub { join '', map { "$_$eol$eol" } @_ };

    return [ $text->(@e), $text->(grep { !/"choices":\[\],"usage":\{/ } @e) ];
}

my %streams = (
    LF => both("\n", @events),
    CRLF => both("\r\n", @events),
    CR => both("\r", @events),
    comments => both("\n", ': open', @events[0 .. 2], ': ping', $events[3],
                     ': pong', $events[4]),
    'a name' => both("\n", @events[0 .. 2], "event: chunk\n$events[3]",
                     $events[4]),
    'no last word' => both("\n", @events[0 .. 3]),
    'usage twice' => both("\r\n", @events[0, 3, 1, 2, 3, 4]),
    'usage often' => both("\n", (@events[1, 3]) x 20, $events[4]),
    'usage alone' => both("\n", $events[3]),

    # its usage stands where a choice ends: that stays
    'usage in a choice' => both("\n", @events[0, 1],
        'data: ' . delta('', 'stop') =~ s/null\}$/{"prompt_tokens":1}}/r,
        $events[4]),
    'usage null' => both("\n", 'data: {"choices":[],"usage":null}',
                         $events[4]),
    'usage beside an error' => both("\n", 'data: {"error":{"message":"x"},'
        . '"usage":{"prompt_tokens":1}}'),
    'filter results' => both("\n", 'data: {"choices":[],'
        . '"prompt_filter_results":[{"prompt_index":0}]}', @events),
);

# the event's end is missing, its text is not
$streams{'usage without an end'} = [ $streams{LF}[0] =~ s/\n\ndata: \[.*//sr,
                                     $streams{LF}[1] =~ s/data: \[.*//sr ];

# how many bytes each way of sending takes a time
my %size = (bytes => 1, seven => 7, odd => 1361, page => 4096, large => 70001);

my $up = GenAI::Upstream->new(lossy => 1, route => sub {
    my ($r) = @_;
    my $do = JSON::PP->new->latin1->decode($r->{body});
    my $body = $do->{name} ? $streams{$do->{name}}[0]
        : $do->{file} ? slurp($do->{file})
        : $do->{large} ? large($do->{large})
        : $do->{text};

    return [ [ send => "${head}Content-Length: " . length($body) . "\r\n\r\n"
                       . substr($body, 0, $do->{at}) ],
             [ delay => 0.002 ], [ send => substr($body, $do->{at}) ] ]
        if $do->{at};

    my $size = $size{$do->{cut} || 'page'};
    my @pieces = map { substr $body, $_ * $size, $size }
        0 .. (length($body) - 1) / $size;

    return [ [ send => "$head\r\n", @pieces ], 'close' ]
        if ($do->{how} || '') eq 'close';

    return [ [ send => "${head}Transfer-Encoding: chunked\r\n\r\n" ],
             $do->{slow} ? map({ ([ chunk => $_ ], [ delay => 0.0002 ]) }
                               @pieces)
                         : [ chunk => @pieces ],
             'chunk_end' ];
});

sub large {
    return "data: 0\n\ndata: " . 'x' x $_[0]
        . "\n\ndata: 1\n\ndata: [DONE]\n\n";
}

my $t = GenAI::Test->new(log_level => 'info')->conf(<<'EOF', UP => $up->port)
http {
    access_log off;

    genai_provider p { dialect openai; pass http://127.0.0.1:%%UP%%/v1; }
    genai_model m { target p; }

    server {
        listen 127.0.0.1:%%PORT_0%%;
        genai_auth off;
        keepalive_requests 100000;
        location /v1/ { genai_pass; }
        location /other/ { genai_pass model=m; genai_endpoints other; }
    }
}
EOF
    ->run;

my $c = $t->connect;

sub ask {
    my ($asked, $do, %o) = @_;

    $c = $t->connect if $c->{eof};
    $c->request('POST', $o{path} || '/v1/chat/completions', %o,
                body => JSON::PP->new->ascii->encode({ model => 'm',
                    messages => [], stream => \1, %$do, $asked
                    ? (stream_options => { include_usage => \1 }) : () }));

    return $c->response;
}

# What is wrong with an answer, or ''.

sub wrong {
    my ($r, $want) = @_;

    return $r->error || 'not complete' if !$r->complete;
    return '' if $r->body eq $want;
    return 'got ' . length($r->body) . ' bytes, not ' . length($want) . ': '
        . substr($r->body, 0, 2000);
}


# ---- what was asked for by us alone does not come, however it was cut

for my $name (sort keys %streams) {
    for my $asked (0, 1) {
        my $want = $streams{$name}[$asked ? 0 : 1];
        my @bad;

        for ([ 'bytes', 0 ], [ 'bytes', 1, qr/LF|end$/ ], [ 'seven', 0 ],
             [ 'seven', 1, qr/often/ ], [ 'page', 0 ])
        {
            my ($cut, $slow, $only) = @$_;

            next if $only && $name !~ $only;

            my $why = wrong(ask($asked, { name => $name, cut => $cut,
                                          slow => $slow }), $want);

            push @bad, "$cut $slow: $why" if $why;
        }

        is(join("\n", @bad), '',
           "$name: " . ($asked ? 'asked for usage' : 'not asked'));
    }
}

isnt($streams{LF}[0], $streams{LF}[1], 'there is something to leave out');

for my $name (qw(LF CRLF)) {
    my @bad;

    for my $at (1 .. length($streams{$name}[0]) - 1) {
        my $why = wrong(ask(0, { name => $name, at => $at }),
                        $streams{$name}[1]);

        push @bad, "at $at: $why" if $why;
    }

    is(join("\n", splice @bad, 0, 3), '',
       "$name, cut in two at every byte");
}

# nginx keeps one for 1000 requests
cmp_ok($up->connections, '<', 5, 'all of it on few connections');

# its length was known: it would be another one now

my $r = ask(0, { name => 'LF', at => 1 });

is($r->header('content-length'), undef, 'a stream has no length');

# a request that is no stream is not asked for its usage

$r = ask(0, { stream => \0, name => 'LF' });
is(wrong($r, $streams{LF}[0]), '', 'a stream that nobody asked for');


# ---- other endpoints, where the same bytes mean nothing

is(wrong(ask(0, { name => 'LF' }, path => '/other/images'),
         $streams{LF}[0]), '', 'an opaque stream passes as it is');


# ---- events that are larger than all buffers

for my $size (57_000, 61_400, 61_500, 65_400, 65_600, 200_000, 10_000_000) {
    my $rss = $t->rss;

    for my $cut (qw(odd page large)) {
        is(wrong(ask(0, { large => $size, cut => $cut }), large($size)), '',
           "an event of $size, $cut");
    }

    SKIP: {
        skip 'memory of a sanitized nginx', 1 if $ENV{GENAI_STATIC};
        cmp_ok($t->rss - $rss, '<', 512, "an event of $size: memory");
    }
}

is(wrong(ask(0, { text => 'data: {"choices":[],"usage":{"prompt_tokens":1},'
                          . '"x":"' . 'x' x 50_000 . "\"}\n\n" }), ''), '',
   'a large event that is left out');


# ---- how a stream may end where the end of the connection is its end

for ([ 'a line without an end', 'data: {"choices":[{"delta":{"conte', 1 ],
     [ 'whole JSON without an end', 'data: ' . delta('"content":"x"'), 1 ],
     [ 'half a character', "data: {\"choices\":[{\"delta\":{\"content\":\""
                           . "\xe2\x82", 1 ],
     [ 'a field without a value', "event: x\nevent", 1 ],
     [ 'a comment', ': ping', 1 ],
     [ 'a whole line', 'data: ' . delta('"content":"x"') . "\n", 1 ],
     [ 'the last word', 'data: [DONE]', 0 ],
     [ 'the reason', 'data: ' . delta('', 'stop'), 0 ])
{
    my ($what, $end, $torn) = @$_;

    my $first = 'data: ' . delta('"content":"a"') . "\n\n";
    my $r = ask(1, { how => 'close', text => $first . $end });
    my $body = $r->body;

    ok($r->complete, "$what: ended");

    if ($torn) {
        ok($body =~ s/^\Q$first\E//, "$what: what was whole");
        like($body, qr/\Adata: \{"error":.*"provider_bad_answer"\}\}\n\n\z/,
             "$what: and an error event in the place of the rest");

    } else {
        is($body, $first . $end, "$what: is passed on");
    }
}


# ---- a client of HTTP/1.0, and one that asks again

$c = $t->connect;
$r = ask(0, { name => 'LF' }, version => '1.0');
is(wrong($r, $streams{LF}[1]), '', 'HTTP/1.0');
is($r->{framing}, 'eof', 'is ended by its end');
$c = $t->connect;

for (1 .. 3) {
    is(wrong(ask(0, { name => 'CRLF' }), $streams{CRLF}[1]), '',
       "again on the same connection, $_");
}

ok(!$c->{eof}, 'which is kept');


# ---- recorded streams of many providers

SKIP: {
    skip "no recorded answers at $DATA", 1 if !-d $DATA;

    my @files = map { glob "$DATA/$_.chat/*.sse $DATA/$_.completions/*.sse" }
        qw(openai azure-openai azure-foundry deepseek gpustack groq mistral
           ollama openrouter perplexity together vllm other bedrock-mantle
           writer);
    my (%bad, $left_out);

    cmp_ok(scalar(@files), '>', 50, 'recorded streams: ' . @files);

    for my $file (@files) {
        my $all = slurp($file);

        # blocks of usage alone, found in another way than the module does
        my $less = join '', grep {
            my $data = join "\n", /^data: ?([^\r\n]*)/mg;
            my $j = eval { JSON::PP->new->latin1->decode($data) };

            !(ref $j eq 'HASH' && ref $j->{usage} eq 'HASH'
              && !$j->{error} && !@{$j->{choices} || []});
        } $all =~ /\G((?:(?!\r?\n).+?\r?\n)*\r?\n|.+\z)/sg;

        $left_out += $less ne $all;

        for my $cut (length $all < 20_000 ? 'seven' : (), qw(odd large)) {
            for my $asked (0, 1) {
                my $why = wrong(ask($asked, { file => $file, cut => $cut }),
                                $asked ? $all : $less);

                push @{$bad{$asked}}, "$file, $cut: $why" if $why;
            }
        }
    }

    is(join("\n", splice @{$bad{1} || []}, 0, 3), '',
       'asked for usage: byte for byte');
    is(join("\n", splice @{$bad{0} || []}, 0, 3), '',
       'not asked: all but usage');
    cmp_ok($left_out, '>', 5, "which $left_out of them have");
}


done_testing;
