# SPDX-License-Identifier: Apache-2.0

# Where the books are: files that are no books are left as they are, disks may
# be full, read-only or somebody else's, "nginx -t" touches nothing, and a day
# is the policy's.

use strict;
use warnings;

use lib 't/lib';

use Digest::SHA qw(sha256_hex);
use POSIX ();
use Time::HiRes qw(sleep);

use GenAI::Held;
use GenAI::Test;
use GenAI::Util qw(allot_port);


# ---- what is no books is left as it is

{
    my $t = nginx('made')->run;

    asked($t) for 1 .. 3;
    says($t, '3 0 0 30 3', 'damaged: there are books');
    $t->stop;

    my $good = slurp("$t->{dir}/books/books");
    my $odd = sub {
        my ($at, $bytes) = @_;
        my $x = $good;
        substr($x, $at, length $bytes) = $bytes;
        return $x;
    };
    my $flip = sub {
        my ($at, $bit) = @_;
        return $odd->($at, chr(ord(substr $good, $at, 1) ^ 1 << $bit));
    };

    my $layout = unpack 'L', substr $good, 8, 4;

    $t->finish;

    for my $case (
        [ 'cut in the middle', substr($good, 0, length($good) / 2),
          'shorter than they say' ],
        [ 'cut by a byte', substr($good, 0, -1) ],
        [ 'of 100 bytes', substr($good, 0, 100) ],
        [ 'another magic', $flip->(3, 5) ],
        [ 'another layout', $odd->(8, pack 'L', $layout + 1),
          'layout ' . ($layout + 1) . " instead of $layout" ],
        [ 'a flipped size of rows', $flip->(28, 3) ],
        [ 'a flipped base', $flip->(57, 1) ],
        [ 'a flipped size', $flip->(64 + 5, 2) ],
        [ 'a foreign file', "no books at all\n" x 1000 ],
        [ 'of zeroes, then something', "\0" x 9_000_000 . 'x' ],
    ) {
        my ($name, $bytes, $say) = @$case;

        my $t = nginx($name);

        mkdir "$t->{dir}/books";
        $t->write_file('books/books', $bytes);
        chown((getpwnam 'nobody')[2, 3], glob "$t->{dir}/books{,/books}")
            if $> == 0;
        $t->run;

        my $r = asked($t);

        is($r->status . ' ' . ($r->header('x-genai-error') // '-'),
           '503 gateway_config', "$name: refused");
        is($t->get('/plain/')->body, 'plain', "$name: other locations serve");
        like($t->error_log, qr/\[error\] .*genai_books: .*\/books\/books/,
             "$name: the log says where");
        like($t->error_log, qr/$say/, "$name: and what") if $say;
        $t->stop;
        is(sha256_hex(slurp("$t->{dir}/books/books")), sha256_hex($bytes),
           "$name: not touched");
        is($t->{exit}, 0, "$name: ends clean");
        $t->finish;
    }

    # no file of its own
    for my $case (
        [ 'a directory', sub { mkdir $_[0] } ],
        [ 'a symbolic link', sub { symlink '/etc/passwd', $_[0] } ],
        [ 'a pipe', sub { POSIX::mkfifo($_[0], 0600) } ],
    ) {
        my ($name, $make) = @$case;
        my $t = nginx("books is $name");

        mkdir "$t->{dir}/books";
        $make->("$t->{dir}/books/books");
        $t->run;
        is(asked($t)->status, 503, "$name: refused");
        is($t->get('/plain/')->body, 'plain', "$name: the rest serves");
        $t->finish;
    }
}


# ---- nginx -t touches nothing; what the directive takes

{
    my $t = GenAI::Test->new(name => 'tried');
    my $dir = "$t->{dir}/new";

    is((nginx_t($dir))[0], 0, 'nginx -t');
    ok(!-e $dir, 'it makes no books');

    for my $case (
        [ 'books max=7m', qr/takes "max=SIZE" from 8m to 4g/ ],
        [ 'books max=5g', qr/takes "max=SIZE" from 8m to 4g/ ],
        [ 'books max=lots', qr/takes "max=SIZE" from 8m to 4g/ ],
        [ 'books max=', qr/invalid parameter "max=".*"max=SIZE"/ ],
        [ 'books retain=1d', qr/takes "retain=TIME" of two days or more/ ],
        [ 'books retain=x', qr/takes "retain=TIME" of two days or more/ ],
        [ 'books size=8m', qr/invalid parameter "size=8m".*"max=SIZE", / ],
        [ 'books; genai_books other', qr/an nginx has one set of books/ ],
        [ '""', qr/needs a directory/ ],
        [ '', qr/invalid number of arguments/ ],
    ) {
        my ($rc, $out) = nginx_t($case->[0]);

        is($rc, 1, "nginx -t: genai_books $case->[0]");
        like($out, qr/\[emerg\].*$case->[1].* in \S+nginx.conf:\d+/,
             'with file, line and remedy');
    }

    is((nginx_t("$dir max=8m retain=2d"))[0], 0, 'nginx -t: both');
    is((nginx_t("$dir/ max=4g"))[0], 0, 'nginx -t: 4g');
}


# ---- the policy's days

{
    # one of them has another day than UTC, whenever it is
    for my $zone ('Pacific/Kiritimati', 'Pacific/Pago_Pago') {
        SKIP: {
            skip("no $zone here", 2) unless -e "/usr/share/zoneinfo/$zone";

            my $t = nginx($zone, policy => { timezone => $zone })->run;
            my $now = sub {
                local $ENV{TZ} = $zone;
                POSIX::tzset();
                my $day = POSIX::strftime('%Y-%m-%d', localtime);
                return $day;
            };
            my $day = $now->();

            asked($t, $_) for qw(v1 off in);
            says($t, '3 0 0 30 3', "$zone: asked");

            my %days = map { $_->{day} => 1 }
                @{$t->get('/usage')->json->{rows}};

            $day = $now->() unless $days{$day};
            POSIX::tzset();
            is(join(' ', keys %days), $day, "$zone: it is $day there");
            $t->finish;
        }
    }
}


# ---- disks: full, not to be written to, of somebody else

sub mounted {
    my ($t, $options) = @_;

    mkdir "$t->{dir}/disk";
    return 0 unless $> == 0;
    return (run_cmd([ qw(mount -t tmpfs -o), $options, 'tmpfs',
                      "$t->{dir}/disk" ]))[0] == 0;
}

my @mounted;
my $owner = $$;

END {
    if ($owner == $$) {
        system 'umount', '-l', $_ for @mounted;
    }
}

SKIP: {
    my $t = nginx('full', workers => 2, books => 'disk/books');

    skip('a full disk: only root can mount a tmpfs', 1)
        unless mounted($t, 'size=8320k,mode=0755');

    push @mounted, "$t->{dir}/disk";
    $t->allow(qr/genai_books: .*journal cannot be written: No space left/);
    $t->{conf} =~ s/listen/keepalive_requests 1000000; access_log off; $&/;
    $t->conf($t->{conf} =~ s/(location \/in\/).*?\}/$1 { genai on;
        genai_auth on; proxy_pass http:\/\/127.0.0.1:%%SINK%%; }/sr,
        SINK => allot_port());
    $t->{conf} =~ s/server \{/server { listen 127.0.0.1:%%SINK%%;
        location \/ { default_type application\/json;
            return 200 '{"choices":[{"finish_reason":"stop"}],"usage":{
            "prompt_tokens":2,"completion_tokens":1,"total_tokens":3}}'; } }
        server {/;

    # each model that is configured is a row of its own
    my $pad = 'x' x 100;

    $t->write_file('models.conf', join "\n",
        'genai_provider none { dialect openai; pass http://127.0.0.1:1/v1; }',
        map { sprintf "genai_model %06d$pad { target none; }", $_ }
        1 .. 40_000);
    $t->{conf} =~ s/server \{/include models.conf; server {/;
    $t->run;

    my @held = map { held($t) } 1 .. 4;
    my $n = 0;
    my $c = $t->connect;
    my %status;
    my $send = sub {
        my ($count) = @_;
        my $text = '';

        for (1 .. $count) {
            my $body = sprintf '{"model":"%06d%s","messages":[]}', ++$n, $pad;

            $text .= "POST /in/chat/completions HTTP/1.1\r\nHost: a\r\n"
                . "Authorization: Bearer sk-k\r\nContent-Type: "
                . "application/json\r\nContent-Length: " . length($body)
                . "\r\n\r\n$body";
            push @{$c->{methods}}, 'POST';
        }

        $c->write($text);
        $status{$c->response->status}++ for 1 .. $count;
    };
    my $other = sub {
        my %r = map { $_->{model} => $_ } @{$t->get(
            '/usage?team=a&model=other')->json->{rows}};
        return $r{other};
    };

    for (1 .. 60) {
        $send->(500);
        last if $other->();
    }

    ok($other->(), "full: after $n models a new one goes to \"other\"");

    my $had = $other->()->{exchanges};

    $send->(200);
    ok(wait_for(sub { $other->()->{exchanges} == $had + 200 }),
       'full: and all others do');
    is(json_text(\%status), json_text({ 200 => $n }),
       'full: every request was served');
    is(join(' ', @{$other->()}{qw(team user key)}), 'a other other',
       'full: of the team');
    ok(wait_for(sub { totals($t)->{exchanges} == $n }),
       'full: the sum is right');
    is(totals($t)->{prompt_tokens}, 2 * $n, 'full: of tokens, too');
    $c->close;

    my @some = map { asked($t)->status } 1 .. 10;

    is("@some", join(' ', (200) x 10), 'full: the gateway serves');

    # new workers need leases of their own while the old ones have theirs
    $t->reload;
    @some = map { asked($t)->status } 1 .. 10;
    is("@some", join(' ', (200) x 10), 'full: and after a reload');
    is(let_go(@held), @held, 'full: with streams in old workers');
    verified("$t->{dir}/disk/books", 'full: genai-books verify');
    $t->stop;
    is($t->{exit}, 0, 'full: no signal has ended anything');
    $t->run;
    ok($other->(), 'full: a restart on the full disk');
    is(asked($t)->status, 200, 'full: which serves');

    # there is room again
    run_cmd([ 'mount', '-o', 'remount,size=64m',
                "$t->{dir}/disk" ]);
    sleep 1.1;
    $c = $t->connect;
    $had = $other->()->{exchanges};
    $send->(50);
    is($other->()->{exchanges}, $had,
       'full: with more room new ones have rows');
    $c->close;
    $t->finish;
    system 'umount', '-l', pop @mounted;
}

SKIP: {
    my $t = nginx('read-only', books => 'disk/books');

    skip('a disk that is read only: only root can mount one', 1)
        unless mounted($t, 'size=32m,mode=0755');

    push @mounted, "$t->{dir}/disk";

    # without books, then with those that were made
    for my $with (0, 1) {
        if ($with) {
            run_cmd([ 'mount', '-o', 'remount,rw', "$t->{dir}/disk" ]);
            $t->run;
            is(asked($t)->status, 200, 'read-only: not yet');
            $t->stop;
        }

        run_cmd([ 'mount', '-o', 'remount,ro', "$t->{dir}/disk" ]);
        $t->run;

        my $r = asked($t);

        is($r->status . ' ' . ($r->header('x-genai-error') // '-'),
           '503 gateway_config', 'read-only: refused');
        like($t->error_log, qr/\[error\].*genai_books: .*Read-only/,
             'read-only: the log says why');
        is($t->get('/plain/')->body, 'plain', 'read-only: the rest serves');
        $t->stop;
    }

    $t->finish;
    system 'umount', '-l', pop @mounted;
}

SKIP: {
    skip('a directory of another user: needs root', 1) unless $> == 0;

    # as packages may make it: root's, closed to the workers
    my $t = nginx('of root');

    mkdir "$t->{dir}/books", 0700;
    $t->allow(qr/genai_policy: cannot write the snapshot/);
    $t->run;

    my $r = asked($t);
    my $what = $r->status . ' ' . ($r->header('x-genai-error') // '-');

    ok($what eq '200 -' || $what eq '503 gateway_config',
       "of root: all or nothing, $what");
    like($t->error_log,
         qr/\[(?:error|alert)\].*\/books\b.*(?:Permission|owner)/,
         'of root: the log says why') if $what ne '200 -';
    is(asked($t, 'off')->status, 200, 'of root: the books can be used');
    is($t->get('/plain/')->body, 'plain', 'of root: the rest serves');
    $t->finish;
}


done_testing;

