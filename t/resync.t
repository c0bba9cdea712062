# SPDX-License-Identifier: Apache-2.0

# Connections to a provider whose state is not what it seems: bytes behind the
# last chunk, and idle ones that die with or without a part of an answer.

use strict;
use warnings;

use lib 't/lib';

use JSON::PP ();
use Time::HiRes qw(sleep);

use GenAI::Test;
use GenAI::Upstream;

my $SSE = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
    . "Transfer-Encoding: chunked\r\n\r\n";
my $JSON = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
my $event = 'data: ' . 'y' x 1000 . "\n\n";
my $SCALE = $GenAI::Test::SCALE;


# ---- bytes behind the last chunk

# How much the kernel takes for a client that does not read is not known: some
# of these sizes leave nginx with a full client and room to read.

my @sizes = map { $_ * 2 } 1 .. 16;

my $up = GenAI::Upstream->new(name => 'talks on', lossy => 1, route => sub {
    my ($r) = @_;
    my $n = JSON::PP::decode_json($r->{body})->{nr};

    return [ [ json => 200, { ok => 1 } ] ] if !$n;

    return [ [ send => $SSE ], ([ chunk => $event ]) x $n, [ mark => "in $n" ],
             [ wait => 'last' ],
             [ send => "c\r\ndata: LAST\n\n\r\n0\r\n\r\n" ],
             [ mark => "last $n" ], [ wait => 'evil' ],
             [ send => "c\r\ndata: EVIL\n\n\r\n0\r\n\r\n" ],
             [ mark => "evil $n" ] ];
});

my $t = GenAI::Test->new(log_level => 'info')->conf(<<'EOF', UP => $up->port);
http {
    genai_provider p { dialect openai; pass http://127.0.0.1:%%UP%%/v1; }
    genai_model m { target p; }
    server {
        listen 127.0.0.1:%%PORT_0%% sndbuf=4k;
        location /v1/ { genai_pass; genai_auth off; }
    }
}
EOF

$t->run;

my @slow = map {
    my $c = $t->connect(rcvbuf => 2048);

    $c->request('POST', '/v1/chat/completions', body => json_text(
        { model => 'm', stream => JSON::PP::true, nr => $_ }),
        headers => [ 'Content-Type' => 'application/json' ]);
    $c;
} @sizes;

# nginx needs a moment to read what has been sent

for my $step (qw(in last evil)) {
    ok(!grep({ !$up->wait_mark("$step $_") } @sizes), "all have sent: $step");
    sleep 0.3 * $SCALE;
    $up->signal({ in => 'last', last => 'evil' }->{$step} // 'done');
}

my (@wrong, @foreign);

for my $i (0 .. $#slow) {
    my $r = $slow[$i]->response;

    push @wrong, $sizes[$i]
        if !$r->complete || $r->body ne $event x $sizes[$i] . "data: LAST\n\n";
    push @foreign, $sizes[$i]
        if $r->body =~ /EVIL/ || !$slow[$i]->is_idle;
}

is("@foreign", '', 'nothing behind the last chunk is in an answer');
is("@wrong", '', 'the answers are whole');
is(scalar(grep { !$up->closed($_, 2) } 0 .. $#sizes), 0,
   'no such connection is kept');
is($t->post('/v1/chat/completions', { model => 'm' })->status, 200,
   'the next request');
is(($up->requests)[-1]{nth}, 0, 'goes over a new one');


# ---- idle connections that die

# a connection's first request is answered, its second is met by these steps

my %end = (
    head => [ [ send => "${JSON}X-Be" ], 'close' ],
    line => [ [ send => 'HTTP/1.1 2' ], 'close' ],
    byte => [ [ send => 'H' ], 'close' ],
    lines => [ [ send => $JSON ], [ delay => 0.02 ], 'reset' ],
    none => [ 'close' ],
    rst => [ 'reset' ],
);

my %dies = map {
    my $steps = $end{$_};

    $_ => GenAI::Upstream->new(name => $_, lossy => 1, connections => [
        [ [ [ json => 200, { a => 1 } ] ], $steps ],
        [ [ [ json => 200, { a => 2 } ] ] ] ]);
} sort keys %end;

my $t2 = GenAI::Test->new(log_level => 'info', name => 'stale');

$t2->conf('http { ' . join('', map {
    my $port = $dies{$_}->port;

    "genai_provider own_$_ { dialect openai; "
    . "pass http://127.0.0.1:$port/v1; }\n"
    . "genai_model $_ { target own_$_; next_target off; }\n"
} sort keys %end) . <<'EOF');
    server {
        listen 127.0.0.1:%%PORT_0%%;
        location /v1/ { genai_pass; genai_auth off; }
    }
}
EOF

$t2->run;

for my $how (sort keys %end) {

    my @r = map {
        $t2->post('/v1/chat/completions', { model => $how, nr => $_ });
    } 1, 2;
    my @sent = map { JSON::PP::decode_json($_->{body})->{nr} }
        $dies{$how}->requests;

    is($r[0]->status, 200, "$how: a first answer");

    if ($how eq 'none' || $how eq 'rst') {
        is("@sent", '1 2 2', "$how: no byte came, it is sent again");
        is($r[1]->status, 200, "$how: and answered");

    } else {
        is("@sent", '1 2', "$how: a part came, it is not sent again");
        is($r[1]->status . ' ' . ($r[1]->header('x-genai-error') // '-'),
           '502 provider_bad_answer', "$how: that is said");
    }
}

done_testing;
