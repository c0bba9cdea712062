# SPDX-License-Identifier: Apache-2.0

# build/genai-key: the keys it makes, and what it says of keys; docs/TOOLS.md
# says so.

use strict;
use warnings;

use lib 't/lib';

use Digest::SHA qw(sha256_hex);
use Fcntl qw(O_RDWR O_NOCTTY);
use File::Temp ();
use JSON::PP ();
use POSIX ();
use Test::More;

use GenAI::Util;

my $TOOL = 'build/genai-key';

plan skip_all => "$TOOL is not built: make tools" unless -x $TOOL;

my $KEY = 'sk-genai-4pwFBwMxSEmDPX4pqpXCbCfLZAcvYRzjfUKjSiDxWMa3KqRzc';
my $HEX = sha256_hex($KEY);
my $FORM = qr/sk-genai-[0-9A-Za-z]{49}/;


# Exit code, output, errors of the tool with a text on standard input.

sub tool {
    my ($text, @args) = @_;

    return run_cmd([ $TOOL, @args ], stdin => $text, split => 1);
}


sub says {
    my ($text, $rc, $want, $name, @args) = @_;

    is_deeply([ tool($text, @args) ], [ $rc, $want, '' ], $name);
}


sub failed {
    my ($text, $want, $why, $name, @args) = @_;

    my ($rc, $out, $err) = tool($text, @args);

    ok($rc == $want && $out eq '' && $err =~ $why, $name)
        or diag "$rc, '$out', '$err'";
}


# The key and its policy, of "new".

sub made {
    my ($name, @args) = @_;

    my ($rc, $out, $err) = tool('', 'new', @args);
    my ($key, $line) = $out =~ /\A($FORM)\n(.*)\n\z/;

    ok($rc == 0 && $err eq '' && defined $line, "$name: two lines")
        or diag "$rc, '$out', '$err'";

    my $keys = eval { JSON::PP->new->utf8->decode("{$line}") } // {};

    is(keys %$keys, 1, "$name: a member");

    my ($id) = keys %$keys;

    is_deeply($keys->{$id}{sha256}, [ sha256_hex($key) ],
              "$name: the key's digest");
    delete $keys->{$id}{sha256};

    return ($key, $id, $keys->{$id});
}


# ---- new keys

my ($key, $id, $policy) = made('alone', ());

like($id, qr/\Akey-[0-9a-hjkmnp-tv-z]{4}\z/, 'an id');
is_deeply($policy, {}, 'of nobody');

my ($other, $other_id) = made('another');

isnt($other, $key, 'another key');
isnt($other_id, $id, 'another id');

(undef, $id, $policy) = made('of a user', '--user', 'alice@a.example');

like($id, qr/\Aalice\@a\.example-\w{4}\z/, 'an id of the user');
is_deeply($policy, { user => 'alice@a.example' }, 'and the user');

(undef, $id, $policy) = made('of a team', qw(--plan gold --user alice --team
                                             search));

like($id, qr/\Asearch-\w{4}\z/, 'an id of the team');
is_deeply($policy, { team => 'search', user => 'alice', plan => 'gold' },
          'and all');

(undef, $id, $policy) = made('to be escaped', '--id', qq(a"b\\c\xc3\xa9),
                             '--team', '"');

is($id, qq(a"b\\c\x{e9}), 'an id that is escaped');
is_deeply($policy, { team => '"' }, 'and a team');

(undef, $id) = made('a long id', '--id', 'i' x 128);
is($id, 'i' x 128, 'as it is');

(undef, $id) = made('nothing but quotes', '--id', '"' x 128);
is($id, '"' x 128, 'as it is');

(undef, $id) = made('a long team', '--team', 't' x 123);
is(length $id, 128, 'and its id');

my ($rc, $out) = tool('', qw(new --json --team a"b --id i"d));
my $made = eval { JSON::PP->new->utf8->decode($out) } // {};

is($rc, 0, '--json');
like($made->{key}, qr/\A$FORM\z/, 'has the key');
is_deeply($made, {
        key => $made->{key}, id => 'i"d', sha256 => sha256_hex($made->{key}),
        policy => { schema => 1, keys => {
            'i"d' => { sha256 => [ sha256_hex($made->{key}) ],
                       team => 'a"b' } } },
    }, 'and the rest');
is(($out =~ tr/\n//), 1, 'in one line');

my %seen;

for (1 .. 50) {
    my ($new) = (tool('', 'new'))[1] =~ /\A(.*)\n/;

    $seen{$new} = 1;
    $rc = (tool($new, 'verify'))[0] and last;
}

ok($rc == 0 && keys %seen == 50, 'fifty keys that verify');


# ---- digests

says("$KEY\n", 0, "$HEX\n", 'a line', 'hash');
says($KEY, 0, "$HEX\n", 'without its end', 'hash');
says("$KEY\r\n", 0, "$HEX\n", 'with another end', 'hash');
says("sk-proj-x\n", 0, sha256_hex('sk-proj-x') . "\n", "somebody else's",
     'hash');
says('k' x 512 . "\n", 0, sha256_hex('k' x 512) . "\n", 'a long one', 'hash');

failed($KEY =~ s/.\z//r, 1, qr/checksum is wrong/, 'one that is cut', 'hash');
failed('', 2, qr/no key/, 'nothing', 'hash');
failed("\n", 2, qr/no key/, 'an empty line', 'hash');
failed(" $KEY\n", 1, qr/no key/, 'a blank before it', 'hash');
failed("$KEY \n", 1, qr/no key/, 'a blank behind it', 'hash');
failed("$KEY\n$KEY\n", 1, qr/no key/, 'two lines', 'hash');
failed("$KEY\n\n", 1, qr/no key/, 'an empty line behind it', 'hash');
failed('k' x 513, 1, qr/no key/, 'too long', 'hash');
failed('k' x 100000, 1, qr/no key/, 'much too long', 'hash');
failed("k\xc3\xa9y", 1, qr/no key/, 'no ASCII', 'hash');
failed("k\0y", 1, qr/no key/, 'a zero byte', 'hash');

($rc, $out) = run_cmd([ 'sh', '-c', "$TOOL hash <&-" ]);
is($rc, 2, 'no standard input');


# ---- checking

says("$KEY\n", 0, "checksum: right\n", 'a key', 'verify');
says("$KEY\n", 0, "checksum: right\nsha256: the same\n", 'and its digest',
     'verify', '--sha256', $HEX);
says("$KEY\n", 0, "checksum: right\nsha256: the same\n", 'in upper case',
     'verify', '--sha256', uc $HEX);
says("$KEY\n", 1, "checksum: right\nsha256: another\n", "another's digest",
     'verify', '--sha256', sha256_hex('x'));
says($KEY =~ s/4pw/4pW/r, 1,
     "checksum: wrong, the key is mistyped or cut\n", 'mistyped', 'verify');
says('sk-genai-old', 1, "checksum: wrong, the key is mistyped or cut\n"
     . "sha256: the same\n", 'which a digest does not make right', 'verify',
     '--sha256', sha256_hex('sk-genai-old'));

my $none = "checksum: none, this is not a key that genai-key made\n";

says("abc\n", 1, $none, "somebody else's", 'verify');
says("abc\n", 0, "${none}sha256: the same\n", 'with its digest', 'verify',
     '--sha256', sha256_hex('abc'));
says("abc\n", 1, "${none}sha256: another\n", 'with another', 'verify',
     '--sha256', $HEX);

failed("a b\n", 1, qr/no key/, 'no key', 'verify');
failed("$KEY\n", 2, qr/64 hex digits/, 'no digest', 'verify', '--sha256',
       'abc');


# ---- never as an argument

for my $args ([ 'hash', $KEY ], [ 'verify', $KEY ],
              [ 'verify', '--sha256', $HEX, $KEY ])
{
    my ($rc, $out, $err) = tool("$KEY\n", @$args);

    ok($rc == 2 && $out eq '' && $err =~ /not taken as an argument.*history/,
       "not as an argument: $args->[0]");
    unlike($err, qr/4pwFB/, 'and not shown again');
}


# ---- wrong usage

for my $args ([], [ 'old' ], [ $KEY ], [ '--json' ], [ 'new', 'x' ],
              [ 'new', '--team' ], [ 'new', '--sha256', $HEX ],
              [ 'new', '--team', 'a', '--team', 'b' ], [ 'hash', '--json' ],
              [ 'hash', '--sha256', $HEX ], [ 'verify', '--team', 'a' ],
              [ 'verify', '--sha256' ], [ 'hash', '--key', $KEY ])
{
    my @shown = map { $_ eq $KEY ? 'KEY' : $_ } @$args;

    failed("$KEY\n", 2, qr/^usage: /, "usage: @shown", @$args);
}

failed('', 2, qr/--team is given must be 1 to/, 'no team', qw(new --team), '');
failed('', 2, qr/--id is given must be 1 to/, 'a long id', qw(new --id),
       'i' x 129);
failed('', 2, qr/must be 1 to \d+ bytes of UTF-8/, 'no UTF-8', qw(new --user),
       "\xe9");
failed('', 2, qr/no control/, 'a line feed', qw(new --plan), "a\nb");
failed('', 2, qr/no control/, 'a command for a terminal', qw(new --plan),
       "a\xc2\x9b1m");
failed('', 2, qr/for a comment/, 'a comment', qw(new --id), '#1');
failed('', 2, qr/for a comment/, 'another', qw(new --id), 'x-1');
failed('', 2, qr/choose one with --id/, 'a team without room', qw(new --team),
       't' x 124);

like((run_cmd([ $TOOL, '--help' ]))[1], qr/^usage: /, '--help');
is((run_cmd([ $TOOL, 'new', '--help' ]))[0], 0, 'is fine');

SKIP: {
    skip 'no /dev/full', 1 unless -c '/dev/full';

    ($rc) = run_cmd([ 'sh', '-c', "$TOOL new > /dev/full" ]);
    is($rc, 2, 'a full disk is told');
}


# ---- a terminal

# A pseudo terminal: its master, and the other side's name; (Linux's ioctls).

sub terminal {
    my $n = pack 'i', 0;

    sysopen my $master, '/dev/ptmx', O_RDWR | O_NOCTTY or return;

    ioctl $master, 0x40045431, $n or return;        # TIOCSPTLCK
    ioctl $master, 0x80045430, $n or return;        # TIOCGPTN

    return ($master, '/dev/pts/' . unpack 'i', $n);
}


# Starts the tool on it; returns its pid, its output is in the file.

sub start {
    my ($name, $file, @args) = @_;

    my $pid = fork // die "fork: $!";

    if (!$pid) {
        GenAI::Util::die_with_parent(9);
        POSIX::setsid();
        open STDIN, '+<', $name or POSIX::_exit(127);
        open STDOUT, '>', $file or POSIX::_exit(127);
        open STDERR, '>&', \*STDIN or POSIX::_exit(127);
        { no warnings; exec $TOOL, @args; }
        POSIX::_exit(127);
    }

    return $pid;
}


# What the terminal shows up to what is waited for.

sub shown {
    my ($master, $want) = @_;

    my $text = '';

    wait_for(sub {
        my $in = '';

        vec($in, fileno $master, 1) = 1;
        sysread $master, $text, 1000, length $text
            if select $in, undef, undef, 0.01;

        return $text =~ $want;
    });

    return $text;
}


sub echoes {
    my ($slave) = @_;

    my $t = POSIX::Termios->new;

    $t->getattr(fileno $slave);

    return $t->getlflag & POSIX::ECHO() ? 1 : 0;
}


SKIP: {
    my ($master, $name) = terminal();

    skip 'no pseudo terminals', 1 unless $master;

    # held open, or it would forget all between two programs
    open my $slave, '+<', $name or skip "$name: $!", 1;

    my $dir = File::Temp->newdir;

    for my $signal ('', qw(INT TERM HUP QUIT)) {
        my $pid = start($name, "$dir/out", 'hash');

        like(shown($master, qr/key: /), qr/key: \z/, 'it asks');
        ok(wait_for(sub { !echoes($slave) }), 'and does not show');

        if ($signal) {
            kill $signal, $pid;
            waitpid $pid, 0;
            ok($? & 127, "SIG$signal ends it");
            ok(echoes($slave), 'the terminal shows again');
            next;
        }

        syswrite $master, "$KEY\n";

        is(shown($master, qr/\n/), "\r\n", 'nothing is shown');

        waitpid $pid, 0;
        is($?, 0, 'it ends');
        is(slurp("$dir/out"), "$HEX\n", 'with the digest');
        ok(echoes($slave), 'the terminal shows again');
    }
}


# ---- the document: its examples, its expressions, its options

my $page = slurp('docs/TOOLS.md');
my ($part) = $page =~ /^## genai-key\n(.*?)(?:^## |\z)/ms;
my $n = 0;

while ($part =~ /^\$ (echo .*?[^\\])\n(.*?)^```/msg) {
    my ($command, $want) = ($1, $2);

    ($rc, $out) = run_cmd([ 'sh', '-c', $command ]);
    is($out, $want, 'docs/TOOLS.md: ' . $command =~ s/$KEY/KEY/r);
    $n++;
}

is($n, 2, 'it has examples');

my @found = $part =~ /(\\bsk-genai-[^'\n]+)/g;

is(@found, 2, 'and expressions');

for my $found (@found) {
    ok("x $KEY," =~ /$found/ && "$key\n" =~ /$found/, "a key: $found");
    ok("${KEY}0" !~ /$found/ && substr($KEY, 0, -1) !~ /$found/
       && "x$KEY" !~ /$found/, 'and nothing else');
}

my ($usage) = (run_cmd([ $TOOL, '--help' ]))[1];
my @missing = grep { $part !~ /`$_`|\Q$_\E / } $usage =~ /(--\w+)/g;

is("@missing", '', 'all options are there');

done_testing;
