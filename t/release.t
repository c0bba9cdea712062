# SPDX-License-Identifier: Apache-2.0

# The memory of a request: it goes when the answer is accepted, but not from
# under a mirror that still sends it, and as fast as requests come; and bodies
# in many chunks are put together without a long step.

use strict;
use warnings;

use lib 't/lib';

use Digest::SHA qw(sha256_hex);
use File::Temp qw(tempdir);
use IO::Socket::INET;
use JSON::PP ();
use POSIX ();
use Socket qw(SOL_SOCKET SO_RCVBUF);
use Time::HiRes qw(time);

use GenAI::Test;
use GenAI::Util qw(die_with_parent);

# A server that answers with the digest of the body.  With a file to wait for
# it reads no more than the head until that is there.

sub server {
    my ($go) = @_;
    my $l = IO::Socket::INET->new(Listen => 64, LocalAddr => '127.0.0.1')
        or die "listen: $!";

    setsockopt $l, SOL_SOCKET, SO_RCVBUF, pack 'i', 4096 if $go;

    defined(my $pid = fork) or die "fork: $!";
    return ($l->sockport, $pid) if $pid;

    die_with_parent(9);

    while (my $s = $l->accept) {
        my $got = '';

        while ($got !~ /\r\n\r\n/) {
            sysread $s, $got, 1, length $got or last;
        }

        my ($left) = $got =~ /^content-length: *(\d+)/mi;
        my $sha = Digest::SHA->new(256);

        while ($go && !-e $go) {
            select undef, undef, undef, 0.01;
        }

        while ($left) {
            my $n = sysread $s, my $data, $left > 65536 ? 65536 : $left;
            last if !$n;
            $sha->add($data);
            $left -= $n;
        }

        my $answer = json_text({ sha => $sha->hexdigest, left => $left,
            choices => [ { finish_reason => 'stop' } ] });

        if ($go) {
            open my $f, '>', "$go.new" or die "$go: $!";
            print {$f} $answer;
            close $f;
            rename "$go.new", "$go.done";
        }

        syswrite $s, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            . 'Content-Length: ' . length($answer) . "\r\n"
            . "Connection: close\r\n\r\n$answer";
    }

    POSIX::_exit(0);
}

my $dir = tempdir(CLEANUP => 1);
my ($up, @children) = server();
my %mirror;

for my $place (qw(memory file)) {
    ($mirror{$place}, $children[@children]) = server("$dir/$place");
}

my $t = GenAI::Test->new(log_level => 'info')->conf(<<'EOF',
http {
    log_format l '$request_uri $status $genai_step';
    access_log %%TESTDIR%%/l.log l;
    client_max_body_size 80m;

    genai_provider p { dialect openai; pass http://127.0.0.1:%%UP%%/v1; }
    genai_model m { target p; }
    server {
        listen 127.0.0.1:%%PORT_0%%;
        genai_auth off;
        location /memory/ { genai_pass; mirror /to_memory;
                            client_body_buffer_size 40m; }
        location /file/   { genai_pass; mirror /to_file;
                            client_body_buffer_size 16k; }
        location /to_memory { internal;
                              proxy_pass http://127.0.0.1:%%MEMORY%%; }
        location /to_file { internal; proxy_pass http://127.0.0.1:%%FILE%%; }
        location /chunks/ { genai_pass; client_body_buffer_size 40m; }
        location /v1/     { genai_pass; client_body_buffer_size 8m; }
    }
}
EOF
    UP => $up, MEMORY => $mirror{memory}, FILE => $mirror{file})->run;

my ($worker) = $t->worker_pids;

sub memory {
    open my $f, '<', "/proc/$worker/statm" or die "statm: $!";

    return (split ' ', <$f>)[1] * POSIX::sysconf(&POSIX::_SC_PAGESIZE);
}

my $letters = join '', 'a' .. 'z';
my $text = '{"model":"m","a":"' . $letters x 8e4 . '"}';


# ---- a mirror that is slower than the answer

my $large = '{"model":"m","a":"' . $letters x 1e6 . '"}';

for my $place (qw(memory file)) {
    my $r = $t->post("/$place/chat/completions", $large);

    is($r->json->{sha}, sha256_hex($large), "$place: the provider's body");

    open my $go, '>', "$dir/$place" or die "$place: $!";
    close $go;

    ok(wait_for(sub { -e "$dir/$place.done" }), "$place: and the mirror's");
    is(JSON::PP::decode_json(slurp("$dir/$place.done"))->{sha},
       sha256_hex($large), "$place: is the same");
}


# ---- many chunks

for my $size (1000, 20_000) {
    my $c = $t->connect;

    $c->write("POST /chunks/chat/completions HTTP/1.1\r\nHost: a\r\n"
        . "Transfer-Encoding: chunked\r\n\r\n");

    for (my $at = 0; $at < length $text; $at += $size) {
        my $piece = substr $text, $at, $size;
        $c->write(sprintf("%x\r\n%s\r\n", length $piece, $piece));
    }

    $c->write("0\r\n\r\n");

    is($c->response->json->{sha}, sha256_hex($text), "chunks of $size");
}

# the CPU's time where the build measures it, else all that happened meanwhile

my $long = $ENV{GENAI_STATIC} ? 0.2 : 0.02;

wait_for(sub { (() = $t->access_log('l.log') =~ m{^/chunks/}mg) == 2 });

my @steps = $t->access_log('l.log') =~ m{^/chunks/\S+ 200 (\S+)$}mg;

is(scalar(grep { $_ > $long } @steps), 0, 'without a long step')
    or diag("@steps");


# ---- requests that leave much memory, faster than it goes

{
    my $before = memory();
    my $body = '{"model":"nope","a":[' . join(',', ('[]') x 300_000) . ']}';
    my $end = time + 3;
    my $most = 0;

    my @clients = map {
        defined(my $pid = fork) or die "fork: $!";

        if ($pid == 0) {
            while (time < $end) {
                my $c = $t->connect;
                $c->request('POST', '/v1/chat/completions', body => $body);
                $c->response;
            }

            POSIX::_exit(0);
        }

        $pid;
    } 1 .. 8;

    while (time < $end) {
        my $now = memory();
        $most = $now if $now > $most;
        select undef, undef, undef, 0.02;
    }

    waitpid $_, 0 for @clients;

    cmp_ok(($most - $before) / 1048576, '<', $ENV{GENAI_STATIC} ? 4096 : 700,
           'eight clients at once: memory has a bound');
}

kill KILL => @children;

done_testing;
