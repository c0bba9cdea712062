# SPDX-License-Identifier: Apache-2.0

# Backpressure: a client that does not read holds its provider, and nothing in
# between grows; when it reads on it gets every byte.

use strict;
use warnings;

use lib 't/lib';

use Digest::MD5 ();
use File::Temp ();
use JSON::PP ();
use Time::HiRes qw(time);

use GenAI::Test;
use GenAI::Upstream;

my $MB = 1 << 20;
my $dir = File::Temp->newdir;

# Writes as much as it can, and into a file how much that was; every piece is
# another one.

sub pour {
    my ($c, $name, $total, $size, $chunked) = @_;

    my $md5 = Digest::MD5->new;
    my $sent = 0;
    my $told = 0;

    for (my $i = 0; $sent < $total; $i++) {
        my $piece = sprintf('data: %012d ', $i);

        $piece .= 'x' x ($size - length($piece) - 2) . "\n\n";
        $md5->add($piece);
        $c->send($chunked ? GenAI::Upstream::Connection::chunk($piece)
                          : $piece) or return;
        $sent += length $piece;

        if ($sent - $told > 65536) {
            open my $f, '>', "$dir/sent.$name" or die;
            print $f $sent;
            close $f;
            $told = $sent;
        }
    }

    spew("$dir/sent.$name", $sent);
    spew("$dir/md5.$name", $md5->hexdigest);
}

my $up = GenAI::Upstream->new(lossy => 1, route => sub {
    my ($r) = @_;
    my $do = $r->{uri} =~ /files/ ? { } : JSON::PP::decode_json($r->{body});
    my $head = "HTTP/1.1 200 OK\r\nContent-Type: "
        . ($do->{type} || 'text/event-stream') . "\r\n";

    return [ [ send => "${head}Content-Length: $do->{total}\r\n\r\n" ],
             sub { pour($_[0], $do->{name}, $do->{total}, $do->{size}) } ]
        if $do->{how} eq 'length';

    return [ [ send => "${head}Transfer-Encoding: chunked\r\n\r\n" ],
             sub { pour($_[0], $do->{name}, $do->{total}, $do->{size}, 1) },
             'chunk_end' ];
});

# reads when it is told to
my $slow = GenAI::Upstream->new(name => 'slow', lossy => 1, requests => [ [
    'noread', 'head', [ mark => 'head' ], [ wait => 'read' ],
    sub {
        my ($c) = @_;
        my $left = $c->{request}{h}{'content-length'};
        my $md5 = Digest::MD5->new;

        while ($left) {
            my $n = $left > 65536 ? 65536 : $left;
            $md5->add($c->read_bytes($n) // return);
            $left -= $n;
        }

        $c->answer(200, $md5->hexdigest, 'Content-Type' => 'text/plain');
    } ] ]);

my $t = GenAI::Test->new(log_level => 'notice')->conf(<<'EOF',
http {
    access_log off;
    client_max_body_size 0;

    genai_provider p { dialect openai; pass http://127.0.0.1:%%UP%%/v1; }
    genai_provider slow { dialect openai; pass http://127.0.0.1:%%SLOW%%; }
    genai_model m { target p; }
    genai_model slow { target slow; }

    server {
        listen 127.0.0.1:%%PORT_0%%;
        genai_auth off;
        location /v1/ { genai_pass; }
        location /up/ { genai_pass model=slow; genai_endpoints other; }
    }
}
EOF
                          UP => $up->port, SLOW => $slow->port)->run;


sub begin {
    my ($name, %do) = @_;

    my $c = $t->connect(rcvbuf => 65536);

    $c->request('POST', '/v1/chat/completions', body => json_text({
        model => 'm', name => $name, %do }));

    return $c;
}

sub sent { return eval { slurp("$dir/sent.$_[0]") } || 0 }

# How much the provider could write before it stood still.

sub stalled {
    my ($name) = @_;

    my ($last, $since) = (-1, time);

    return wait_for(sub {
        my $now = sent($name);

        ($last, $since) = ($now, time) if $now != $last;
        return $now if $now && time - $since > 0.4;
    }, 15);
}

sub finish {
    my ($c, $name, $total) = @_;

    my $md5 = Digest::MD5->new;
    my $n = 0;

    $c->head if $c->{state} ne 'body';

    while (defined(my $piece = $c->piece(timeout => 10))) {
        $md5->add($piece);
        $n += length $piece;

        # the client library keeps what it has read
        $c->{response}{chunks} = [];
        $c->{response}{body} = '';
    }

    is($c->ended, 'complete', "$name: to a good end");
    is($n, $total, "$name: all of it");
    ok(wait_for(sub { -e "$dir/md5.$name" }), "$name: the provider is through");
    is($md5->hexdigest, slurp("$dir/md5.$name"), "$name: byte for byte");
    $c->close;
}

# what it has before anything, warm

finish(begin('warm', how => 'chunked', total => $MB, size => 1024), 'warm',
       $MB);

my $base = $t->rss;

# Whether the worker has grown by less than so many KiB; what a sanitizer keeps
# of freed memory says nothing.

sub grown_less {
    my ($kib, $what) = @_;

    SKIP: {
        skip 'memory of a sanitized nginx', 1 if $ENV{GENAI_STATIC};
        cmp_ok($t->rss - $base, '<', $kib, $what);
    }
}


# ---- 100 MB, to a client that stops reading

for ([ 'length', 100 * $MB, 65536 ], [ 'json', 100 * $MB, 65536 ],
     [ 'chunked', 100 * $MB, 16384 ], [ 'large', 100 * $MB, 262144 ])
{
    my ($how, $total, $size) = @$_;
    my $name = $how;
    my $c = begin($name, how => $how =~ s/json|large/length/r, total => $total,
                  size => $size, $how eq 'json' ? (type => 'application/json')
                                                : ());
    my $held = stalled($name);

    ok($held, "$name: the provider stands still");
    cmp_ok($held, '<', 40 * $MB, "$name: before 40 MB of 100 were sent");
    grown_less(2048, "$name: the worker has not grown");

    # it reads a little: as much as that goes on

    $c->head;

    my $read = 0;

    while ($read < 20 * $MB) {
        my $piece = $c->piece // last;
        $read += length $piece;
        $c->{response}{chunks} = [];
    }

    $c->{response}{body} = '';
    is(stalled($name) > $held, 1, "$name: it goes on as the client reads");
    cmp_ok(sent($name), '<', 60 * $MB, "$name: and no further");
    grown_less(2048, "$name: the worker has not grown");

    while (defined(my $piece = $c->piece(timeout => 10))) {
        $read += length $piece;
        $c->{response}{chunks} = [];
        $c->{response}{body} = '';
    }

    is($c->ended, 'complete', "$name: to a good end");
    is($read, $total, "$name: all of it");
    grown_less(2048, "$name: the worker has not grown");

    $c->request('GET', '/v1/models');
    is($c->response->status, 200, "$name: and the connection is free again");
    $c->close;
}


# ---- every byte, in pieces of many sizes

for ([ 24, 2 * $MB ], [ 1000, 10 * $MB ], [ 8192, 10 * $MB ],
     [ 100_000, 30_000_000 ])
{
    my ($size, $total) = @$_;

    $total -= $total % $size;

    for my $how (qw(chunked length)) {
        next if $how eq 'length' && $size == 24;

        my $name = "$how of $size";

        finish(begin($name, how => $how, total => $total, size => $size),
               $name, $total);
    }
}

grown_less(2048, 'a long stream of small chunks is no load');


# ---- many clients that do not read

my @c = map { begin("many$_", how => 'chunked', total => 100 * $MB,
                    size => 1000) } 1 .. 20;

stalled("many$_") for 1, 20;
grown_less(20 * 100 + 2048,
       'twenty of them take less than 100 KB each');
$_->close for @c;
ok(wait_for(sub { $up->events('lost') + $up->events('closed') >= 20 }, 10),
   'and when they leave their providers are left');


# ---- the other direction: an upload that the provider does not read

{
    my $total = 60 * $MB;
    my $data = join '', map { sprintf '%08d', $_ } 1 .. $MB / 8;
    my $c = $t->connect;

    $c->write("POST /up/files HTTP/1.1\r\nHost: a\r\nContent-Length: $total"
              . "\r\n\r\n");
    ok($slow->wait_mark('head'), 'an upload');

    my $n = 0;

    while ($n < $total) {
        my $w = $c->write(substr($data, $n % $MB, 65536), timeout => 0.5);

        $n += $w;
        last if $w < 65536;
    }

    cmp_ok($n, '<', 40 * $MB, 'stands still too');
    grown_less(20 * 100 + 2048, 'without growth');
    is(scalar(my @f = glob $t->dir . '/tmp_client_body/*'), 0, 'nor files');

    $slow->signal('read');

    while ($n < $total) {
        my $end = ($n % $MB) + 65536 < $MB ? 65536 : $MB - $n % $MB;
        $end = $total - $n if $end > $total - $n;
        my $w = $c->write(substr($data, $n % $MB, $end)) or last;
        $n += $w;
    }

    is($n, $total, 'it goes on as the provider reads');
    $c->{methods} = [ 'POST' ];
    is($c->response->body, Digest::MD5::md5_hex($data x 60),
       'and comes byte for byte');
    $c->close;
}


done_testing;
