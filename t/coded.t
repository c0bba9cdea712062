# SPDX-License-Identifier: Apache-2.0

# Event streams that cannot be read or have no length: coded ones pass byte for
# byte and at once, and where the end of the connection is the end of the
# answer, a stream that ends within a line is told from one that is done.

use strict;
use warnings;

use lib 't/lib';

use Compress::Raw::Zlib;
use JSON::PP ();

use GenAI::Test;
use GenAI::Upstream;

my $HEAD = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n";
my $CHUNKED = "Transfer-Encoding: chunked\r\n\r\n";
my @event = map { "data: {\"n\":$_}\n\n" } 1 .. 3;


# the events as a server that flushes each would send them, and the end

sub coded {
    my ($bits) = @_;

    my ($d) = Compress::Raw::Zlib::Deflate->new(-WindowBits => $bits,
                                                -AppendOutput => 1);
    my @z = map {
        my $out = '';
        $d->deflate($_, $out);
        $d->flush($out, Z_SYNC_FLUSH);
        $out;
    } @event;

    my $out = '';
    $d->flush($out);

    return (@z, $out);
}


my %z = (gzip => [ coded(WANT_GZIP) ], deflate => [ coded(MAX_WBITS) ]);

# what a close ends: name => [ bytes, whether it is an end ]

my %plain = (
    done => [ "data: 1\n\ndata: [DONE]\n\n", 1 ],
    'no empty line' => [ "data: 1\n\ndata: [DONE]\n", 1 ],
    'no line end' => [ "data: 1\n\ndata: [DONE]", 1 ],
    'no done' => [ "data: 1\n\n", 0 ],
    'a comment' => [ "data: 1\n\n: pin", 0 ],
    'crlf' => [ "data: 1\r\n\r\ndata: [DONE]\r\n\r\n", 1 ],
    nothing => [ '', 1 ],
    cut => [ "data: 1\n\ndata: {\"a\":", 0 ],
    'cut crlf' => [ "data: 1\r\n\r\ndata: {\"a\":", 0 ],
    'cut second line' => [ "data: 1\n\nevent: x\ndata: {\"a\"", 0 ],
    'cut first' => [ 'data: {"a":1}', 0 ],
);

my $up = GenAI::Upstream->new(lossy => 1, route => sub {
    my ($r) = @_;
    my $do = JSON::PP::decode_json($r->{body});

    if (my $plain = $plain{$do->{plain} // ''}) {
        return [ [ send => $HEAD . "Connection: close\r\n\r\n" ],
                 [ send => $plain->[0] ], 'close' ];
    }

    my $how = $do->{how};
    my ($coding) = $how =~ /(gzip|deflate)/;
    my @z = @{$z{$coding}};
    my $head = "${HEAD}Content-Encoding: $coding\r\n";

    return [ [ send => $head . $CHUNKED ], [ chunk => @z[0, 1] ], 'close' ]
        if $how =~ /^cut/;
    return [ [ send => $head . $CHUNKED ], [ chunk => @z[0, 1] ], 'reset' ]
        if $how =~ /^reset/;
    return [ [ send => $head . "\r\n" ], [ send => @z[0, 1] ], 'close' ]
        if $how =~ /^closed/;

    return [ [ send => $head . $CHUNKED ],
             map({ ([ chunk => $z[$_] ], [ wait => "$how $_" ]) } 0 .. 2),
             [ chunk => $z[3] ], 'chunk_end' ];
});

my $t = GenAI::Test->new(log_level => 'info')->conf(<<'EOF', UP => $up->port);
http {
    log_format l '$status "$genai_error"';
    access_log %%TESTDIR%%/l.log l;

    genai_provider p { dialect openai; pass http://127.0.0.1:%%UP%%/v1; }
    genai_model m { target p; }
    server {
        listen 127.0.0.1:%%PORT_0%%;
        location /v1/ { genai_pass; genai_auth off; }
    }
}
EOF

$t->run;


# The line of the access log that the next answer writes.

my $lines = 0;

sub logged {
    my $log;

    wait_for(sub { $log = [ split /\n/, $t->access_log('l.log') ];
                   @$log > $lines }, 3);

    return $log->[$lines++] // 'no line';
}


# ---- coded ones

for my $coding (sort keys %z) {

    my $c = $t->stream('/v1/chat/completions',
                       { model => 'm', how => $coding });
    my ($i) = Compress::Raw::Zlib::Inflate->new(
        -WindowBits => WANT_GZIP_OR_ZLIB, -AppendOutput => 1);
    my $text = '';

    is($c->{response}->header('content-encoding'), $coding,
       "$coding: the coding is told");

    for my $n (0 .. 2) {
        my $want = join '', @event[0 .. $n];

        while ($text ne $want) {
            my $data = $c->piece(timeout => 2) // last;

            $i->inflate($data, $text);
        }

        is($text, $want, "$coding: event $n is there before the next is sent");
        $up->signal("$coding $n");
    }

    my $r = $c->body;

    ok($r->complete, "$coding: it ends");
    ok($r->body eq join('', @{$z{$coding}}), "$coding: byte for byte");
    is(logged(), '200 ""', "$coding: no error");
}

for my $coding (sort keys %z) {

    for my $how (qw(cut reset)) {
        my $r = $t->post('/v1/chat/completions', { model => 'm',
                                                   how => "$how $coding" });

        is($r->status, 200, "$coding, $how: begun");
        ok(!$r->complete, "$coding, $how: it ends unfinished");
        ok($r->body !~ /error|data:/, "$coding, $how: no text in it");
        ok($r->body eq join('', @{$z{$coding}}[0, 1]),
           "$coding, $how: what came") if $how eq 'cut';
        like(logged(), qr/"provider_\w+"/, "$coding, $how: the log has a word");
    }

    my $r = $t->post('/v1/chat/completions', { model => 'm',
                                               how => "closed $coding" });

    ok($r->body eq join('', @{$z{$coding}}[0, 1]),
       "$coding, closed: nothing stands behind it");
    logged();
}


# ---- the end of the connection is the end of the answer

for my $name (sort keys %plain) {
    my ($bytes, $good) = @{$plain{$name}};
    my $r = $t->post('/v1/chat/completions', { model => 'm', plain => $name });

    ok($r->complete, "$name: ends");

    if ($good) {
        is($r->body, $bytes, "$name: untouched");
        is(logged(), $bytes eq '' ? '200 "provider_bad_answer"' : '200 ""',
           "$name: logged");
        next;
    }

    my @events = $r->events;
    my $last = @events && eval { JSON::PP::decode_json($events[-1]{data}) };

    unlike($r->body, qr/"a"/, "$name: no half of an event");
    is($r->events_rest, '', "$name: ends with an event");
    ok(ref $last && $last->{error}, "$name: which is an error");
    is(logged(), '200 "provider_bad_answer"', "$name: the log has its word");
}

done_testing;
