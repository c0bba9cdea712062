# SPDX-License-Identifier: Apache-2.0

# A provider that speaks before it is asked, as an overloaded balancer or a
# server of another protocol does: what it says is the answer to nothing, and
# nothing of it gets into what the next target says.

use strict;
use warnings;

use lib 't/lib';

use IO::Socket::INET;
use JSON::PP ();

use GenAI::Test;
use GenAI::Upstream;
use GenAI::Util qw(die_with_parent);

my $SAID = 'data: {"choices":[{"index":0,"delta":{"content":"of b"}}]}';

my $up = GenAI::Upstream->new(lossy => 1, route => sub {
    return [ [ send => "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                     . "Transfer-Encoding: chunked\r\n\r\n" ],
             [ chunk => "$SAID\n\n" ], [ chunk => "data: [DONE]\n\n" ],
             'chunk_end' ] });

# one port for each thing to say at once

my $error = '{"error":{"message":"of a","type":"server_error"}}';

my %says = (
    ERROR => "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        . 'Content-Length: ' . length($error) . "\r\n\r\n$error",
    HELD => "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
        . qq(data: {"choices":[{"index":0,"delta":{"role":"of a"}}]}\n\n),
    STATUS => "HTTP/1.1 503 Busy\r\nContent-Type: application/json\r\n"
        . "Content-Length: 2\r\n\r\n{}",
    BANNER => "SSH-2.0-OpenSSH_9.2\r\n",
    HALF => 'HTTP/1.',
);

my (%port, @children);

for my $what (sort keys %says) {
    my $l = IO::Socket::INET->new(Listen => 512, LocalAddr => '127.0.0.1')
        or die "listen: $!";

    $port{$what} = $l->sockport;

    defined(my $pid = fork) or die "fork: $!";

    if ($pid == 0) {
        die_with_parent(9);

        while (my $s = $l->accept) {
            syswrite $s, $says{$what};
            shutdown $s, 1 if $what =~ /HELD|HALF/;
            push @children, $s;
            shift @children if @children > 300;
        }
        exit 0;
    }

    push @children, $pid;
}

my $t = GenAI::Test->new(log_level => 'info')->conf(
    join('', "http {\n",
        map({ "genai_provider $_ { dialect openai; "
            . "pass http://127.0.0.1:%%$_%%/v1; }\n"
            . "genai_model $_ { target $_; target b; }\n"
            . "genai_model only_$_ { target $_; }\n" } sort keys %says),
        <<'EOF'), UP => $up->port, %port)->run;
    genai_provider b { dialect openai; pass http://127.0.0.1:%%UP%%/v1; }
    server {
        listen 127.0.0.1:%%PORT_0%%;
        location / { genai_pass; genai_auth off; }
    }
}
EOF

my @pids = $t->worker_pids;

for my $what (sort keys %says) {
    my %got;

    for (1 .. 4) {
        my @c = map { $t->connect } 1 .. 30;

        $_->request('POST', '/v1/chat/completions', body => json_text({
            model => $what, stream => JSON::PP::true })) for @c;

        for my $c (@c) {
            my $r = $c->response;
            $got{$r->status . ' ' . ($r->body // '')}++;
        }
    }

    is_deeply(\%got, { "200 $SAID\n\ndata: [DONE]\n\n" => 120 },
              "$what: all from the next target");

    # without one the gateway says what it was, or passes what came in time

    my $r = $t->post('/v1/chat/completions', { model => "only_$what" });
    like($r->status, $what =~ /ERROR|HELD/ ? qr/^(?:200|502)$/
                     : $what eq 'STATUS' ? qr/^50[23]$/ : qr/^502$/,
         "only_$what: an answer");
}

is_deeply([ $t->worker_pids ], \@pids, 'the worker is the same');

kill KILL => @children;

done_testing;
