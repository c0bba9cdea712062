# SPDX-License-Identifier: Apache-2.0

# Losses of power: nginx works under limits; at random instants all of it is
# stopped and what a disk could have of its books is copied: of the journal
# what had been synced, of what was written behind it a random part, and of the
# books random pages of now, of the beginning, or none.  Another nginx is
# started from the copy, as after a boot.  It must say what it has made and
# cut, and have all that was settled when the journal was synced last: no row
# says less than was seen before then, and no limit.
#
# GENAI_INSTANTS is how many; t/long/power.t has 200.

use strict;
use warnings;

use lib 't/lib';

use File::Path qw(remove_tree);
use JSON::PP ();
use POSIX ();
use Time::HiRes qw(sleep time);

use GenAI::Books;
use GenAI::Load;
use GenAI::Test;

use constant { USERS => 8, PAGE => 4096, HEAD => 80 };

my $INSTANTS = $ENV{GENAI_INSTANTS} || 10;
my $SCALE = $GenAI::Test::SCALE;
my $SEED = $ENV{GENAI_SEED} || time ^ $$;
my $TOOL = "$GenAI::Test::ROOT/build/genai-books";

diag("GENAI_SEED=$SEED");
srand $SEED;

my $boot = slurp('/proc/sys/kernel/random/boot_id') =~ s/[-\n]//gr;

plan(skip_all => 'the boot of this system is not known')
    unless length $boot == 32;

my %sum = map { $_ => 0 } qw(cut aside records rows tested unsynced);

# two words, each as the machine stores it
my @boot = map { scalar reverse pack 'H*', $_ } $boot =~ /^(.{16})(.{16})$/;
my $LIMIT = 1_000_000;

my $sim = GenAI::Books->sim;
my $t = GenAI::Test->new(name => 'loses power', workers => 2);
my $books = GenAI::Books->new(t => $t, sim => $sim, users => USERS,
                              kinds => [ qw(json stream text second abort
                                            untold status) ]);

limited($t);
$t->conf($books->conf(BOOKS => 'genai_books books sync=20ms;'))->run;

my $r = GenAI::Test->new(name => 'starts again', workers => 1);

# it is told of what was damaged
$r->allow(qr/genai_books: the books in \S+ were made anew/);
limited($r, "$t->{dir}/policy.json");

my $rb = bless { %$books, t => $r }, 'GenAI::Books';

$r->conf($rb->conf(BOOKS => 'genai_books books sync=off;'));

my $old = slurp("$t->{dir}/books/books");
my $load = GenAI::Load->new(port => $t->port);

$books->add_users($load);

# a moment after the start there is a journal; nothing is promised before
ok($load->run(10 * $SCALE, sub {
    my %disk = disk("$t->{dir}/books", 1);

    return grep { $_->{turn} } values %{$disk{journal}};
}), 'a journal');

# every poll is a promise: what it says was settled before its time
my @polls;
for my $instant (1 .. $INSTANTS) {
    my $until = time + 0.05 + rand 0.15;

    while (time < $until) {
        $load->run(rand 0.03);
        push @polls, [ $books->rows, time ];
    }

    my %disk = at_once($t, sub { disk("$t->{dir}/books") });

    push @polls, [ $books->rows, time ];
    check($instant, \%disk);

    splice @polls, 0, @polls - 50 if @polls > 50;
}

ok($load->drain, 'every request came to an end');
$load->close;

ok($sum{tested} > $INSTANTS / 2, 'there were promises to be kept');
ok($sum{cut} > 0, 'torn ends were cut');
diag(join ', ', "$INSTANTS instants", map { "$_ $sum{$_}" } sort keys %sum);

# an end that is none: all is there after the next boot

$t->stop;

my %disk = disk("$t->{dir}/books", 1);
my $last = $polls[-1];

$disk{books} = booted($old);
start('a clean end', \%disk);
keeps('a clean end', $last->[0], $rb->rows);
$r->stop;

done_testing();


# a lifetime limit at each key, that nobody reaches

sub limited {
    my ($n, $file) = @_;

    my $policy = JSON::PP::decode_json(
                     slurp($file // "$n->{dir}/policy.json"));

    $_->{limits} = [ "$LIMIT requests/never" ] for values %{$policy->{keys}};
    $n->write_file('policy.json', json_text($policy));
}


# books as if the system had been started again since

sub booted {
    my ($bytes) = @_;

    my $id = join '', @boot;
    my $at = index substr($bytes, 0, PAGE), $id;

    substr $bytes, $at, 16, join '', map { chr rand 256 } 1 .. 16
        if $at >= 0;

    return $bytes;
}


sub at_once {
    my ($n, $do) = @_;

    my @pids = ($n->worker_pids);

    kill 'STOP', @pids;
    wait_for(sub {
        !grep { slurp("/proc/$_/stat") !~ /\) T / } @pids;
    }) or die 'they do not stop';

    my %all = $do->();

    kill 'CONT', @pids;
    return %all;
}


# What is there: the books, and each file of the journal as it may be found,
# with the time of the last turn that must be in it.

sub disk {
    my ($dir, $whole) = @_;

    my %disk = (books => slurp("$dir/books"), journal => {});

    for my $path (glob "$dir/journal.*") {
        my ($number) = $path =~ /journal\.(\d+)$/ or die $path;
        my $bytes = slurp($path);
        my $at = HEAD;
        my ($synced, $usable, @turns) = (0, 0);

        while (length($bytes) >= $at + 24) {
            my ($len, $kind) = unpack 'L<L<', substr $bytes, $at, 8;

            last if $len < 24 || $at + $len > length $bytes;

            if ($kind >= 4) {
                my ($now, $s) = unpack 'q<Q<', substr $bytes, $at + 24, 16;

                $synced = $s if $s > $synced;
                push @turns, [ $at + $len, $now ];
            }

            $at += $len;
        }

        my $keep = $whole ? length $bytes
                          : $synced + int rand 1 + length($bytes) - $synced;
        my $torn = substr $bytes, 0, $keep;

        # of what was not synced any sector may be missing
        for (my $i = $synced; !$whole && $i < $keep; $i += 512) {
            next if rand() < 0.7;

            my $n = $keep - $i < 512 ? $keep - $i : 512;

            substr $torn, $i, $n, "\0" x $n;
        }

        my ($turn) = map { $_->[1] } grep { $_->[0] <= $synced } reverse @turns;

        $sum{unsynced} += $keep - $synced;
        $disk{journal}{$number} = { bytes => $torn, turn => $turn };
    }

    return %disk;
}


# Starts from a disk.

sub start {
    my ($name, $disk) = @_;

    my $dir = "$r->{dir}/books";

    remove_tree($dir);
    mkdir $dir;
    $r->write_file('books/books', $disk->{books});
    $r->write_file("books/journal.$_", $disk->{journal}{$_}{bytes})
        for keys %{$disk->{journal}};

    # as the workers' user has it
    chown((getpwnam 'nobody')[2, 3], $dir, glob "$dir/*") if $> == 0;

    my $from = length($r->error_log // '');

    $r->run;

    my $log = substr $r->error_log, $from;

    like($log, qr/genai_books:\ the\ books\ in\ \S+\ were\ made\ anew\ of
                  \ journal\.\d+,\ .*\ \d+\ rows\ and\ \d+\ limits\ out\ of
                  \ \d+\ records,\ as\ of\ \d{4}-.*\ \d+\ bytes\ of\ a\ torn
                  \ end\ were\ cut/x,
         "$name: starts, and says what was made and cut");

    $sum{cut}++ if $log =~ / [1-9]\d* bytes of a torn end were cut/;
    $sum{aside}++ if $log =~ /what there was is kept as/;
    $sum{records} += $1 if $log =~ /out of (\d+) records/;
    $sum{rows} += $1 if $log =~ / (\d+) rows and/;
    unlike($log, qr/of the journal in \d+ places were damaged/,
           "$name: nothing that was synced is called damaged");

    SKIP: {
        skip("no $TOOL: make tools", 1) unless -x $TOOL;

        my ($rc, $out) = run_cmd([ $TOOL, 'verify', $dir ]);

        is($rc, 0, "$name: genai-books verify") or diag($out);
    }
}


sub check {
    my ($instant, $disk) = @_;

    my $name = "instant $instant";
    my @pages = map { substr $disk->{books}, PAGE * $_, PAGE }
                0 .. length($disk->{books}) / PAGE - 1;

    # the pages of the books are of any moment
    for my $i (0 .. $#pages) {
        my $of = rand;

        $pages[$i] = $of < 0.1 ? "\0" x PAGE
                     : $of < 0.3 && PAGE * $i < length $old
                     ? substr $old, PAGE * $i, PAGE : $pages[$i];
    }

    $disk->{books} = booted(join '', @pages);

    # or it is not there at all, or not whole
    substr $disk->{books}, PAGE * int(rand @pages), -1, '' if rand() < 0.1;

    # a file that was not finished yet promises nothing
    my ($turn) = reverse sort { $a <=> $b } map { $_->{turn} // 0 }
                 values %{$disk->{journal}};
    my ($seen) = grep { $_->[1] * 1000 < $turn } reverse @polls;

    start($name, $disk);

    my $rows = $rb->rows;

    if ($seen && %{$seen->[0]}) {
        $sum{tested}++;
        keeps($name, $seen->[0], $rows);
    }

    # nor is anything made up
    my $after = $polls[-1][0];

    is_deeply([ grep { my $row = $_;
                       grep { $rows->{$row}{$_} > ($after->{$row}{$_} // -1) }
                       keys %{$rows->{$row}} } sort keys %$rows ], [],
              "$name: there is no more than there was");

    # the limit of a key says the same
    my %key;

    GenAI::Books::add($key{(split /\|/)[3]} //= {}, $seen->[0]{$_})
        for $seen ? keys %{$seen->[0]} : ();

    my ($key) = sort { $key{$b}{exchanges} <=> $key{$a}{exchanges} }
                grep { /key/ } keys %key;

    if ($key) {
        my ($user) = $key =~ /(\d+)/;
        my $q = $rb->request($user, 'json');
        my $answer = $r->http($q->{method}, "/$q->{kind}{path}",
                                 headers => $q->{headers}, body => $q->{body});
        my $left = $answer->header('x-ratelimit-remaining-requests');

        ok(defined $left && $LIMIT - 1 - $left >= $key{$key}{exchanges},
           "$name: $key: $key{$key}{exchanges} exchanges, and "
           . ($LIMIT - 1 - ($left // 0)) . ' of its limit');
    }

    $r->stop;
}


# that no row says less than was promised

sub keeps {
    my ($name, $promised, $rows) = @_;

    my @less;

    for my $row (sort keys %$promised) {
        for my $what (sort keys %{$promised->{$row}}) {
            my $has = $rows->{$row}{$what} // 0;

            push @less, "$row: $what is $has, and was "
                        . $promised->{$row}{$what}
                if $has < $promised->{$row}{$what};
        }
    }

    is_deeply(\@less, [], "$name: nothing that was promised is forgotten");
}
