# SPDX-License-Identifier: Apache-2.0

# The books and kill -9.  Part one, in rounds: all of nginx, master and
# workers, is killed under load and started again; what had ended is in the
# books as the provider's own record has it, what was in flight is there once,
# as an orphan, with no more than the provider has sent.  Every client has a
# key of its own, so that each row has one exchange in flight at most.  Part
# two: eight workers, reloads all the time, and the totals equal the record.

use strict;
use warnings;

use lib 't/lib';

use Time::HiRes qw(sleep time);

use GenAI::Books;
use GenAI::Held qw(kill_all);
use GenAI::Load;
use GenAI::Test;

use constant { USERS => 48, WORKERS => 4, RELOADS => 4 };

my $ROUNDS = $ENV{GENAI_ROUNDS} || 2;
my $SCALE = $GenAI::Test::SCALE;
my $SEED = $ENV{GENAI_SEED} || time ^ $$;
my $TOOL = "$GenAI::Test::ROOT/build/genai-books";

diag("GENAI_SEED=$SEED");
srand $SEED;

my $sim = GenAI::Books->sim;

sub show {
    my ($name, @bad) = @_;

    ok(!@bad, $name) or do {
        diag("    $_") for @bad > 5 ? (@bad[0 .. 4], @bad . ' in all') : @bad;
    };
}

sub verified {
    my ($t, $name) = @_;

    SKIP: {
        skip("no $TOOL: make tools", 1) unless -x $TOOL;

        my ($rc, $out) = run_cmd([ $TOOL, 'verify', "$t->{dir}/books" ]);

        is($rc, 0, "$name: genai-books verify") or diag($out);
    }
}

# by key, as that of an exchange in flight may not have its model yet

sub by_key {
    my ($rows) = @_;

    my %key;

    GenAI::Books::add($key{(split /\|/, $_, -1)[3]} //= {}, $rows->{$_})
        for keys %$rows;

    return \%key;
}

sub total {
    my ($rows, $what) = @_;

    my $sum = 0;

    $sum += $_->{$what} for values %$rows;
    return $sum;
}


# ---- part one

my %sum;

{
    my $t = GenAI::Test->new(name => 'killed', workers => WORKERS,
                             log_level => 'info');
    my $b = GenAI::Books->new(t => $t, sim => $sim, users => USERS);

    $t->conf($b->conf(BOOKS => 'genai_books books;'))->run;

    for my $round (1 .. $ROUNDS) {
        my $R = "round $round";
        my $load = GenAI::Load->new(port => $t->port);

        $b->forget;

        my $before = $b->rows;

        $b->add_users($load);
        $load->run(0.3 + rand 0.5);

        if ($round % 3 == 0) {

            # in the middle of a reload
            $t->signal('HUP');
            $load->run(rand 0.15);
        }

        my $orphans = total($before, 'orphans');
        my $logged = length $t->error_log;

        kill_all($t);

        # what the clients have not read yet is theirs
        $load->drain(5);
        $load->close;

        ok(wait_for(sub {
            !grep { $_->{end} eq 'open' } map { @$_ } values %{$b->record};
        }, 10), "$R: the provider has let go of all");

        # nobody writes any more: each line is an exchange that had ended
        my $lines = $b->lines;
        my $record = $b->record;

        show("$R: each line is what its kind and the record say",
             $b->bad_lines(lost => 1));

        my $want = $b->expected($before);

        $t->run;

        my $after = $b->rows;
        my (@bad, $k, %flight);

        # in flight: asked, with no line
        for my $q (values %{$b->{asked}}) {
            push @{$flight{"key$q->{user}"}}, $q
                unless $lines->{$q->{id}} || $q->{kind}{free};
        }

        my ($have, $ended) = (by_key($after), by_key($want));
        my ($late, $found, $unsent) = (0, 0, 0);

        for my $key (sort keys %{{ %$have, %$ended }}) {
            my %d = map {
                $_ => ($have->{$key}{$_} // 0) - ($ended->{$key}{$_} // 0)
            } @GenAI::Books::SUMS;
            my @q = $key eq 'key' ? () : @{$flight{$key} || []};

            # those without a key share a row
            @q = grep { $_->{kind}{anyone} } map { @$_ } values %flight
                if $key eq '';

            my $o = $d{orphans};
            my $n = $d{exchanges};
            my ($prompt, $said) = (0, 0);

            # who dies cannot tell whether it was sent: the prompt counts
            for my $q (@q) {
                my $r = ($record->{$q->{id}} || [])->[-1];

                $unsent++ if !$r && $d{prompt_tokens} && @q == 1;
                $prompt += $r ? $r->{prompt_tokens}
                              : int(($q->{asks} + 3) / 4);
                $said += $r ? $r->{tokens_written} : 0;
            }

            $found += $o;

            # the line of one that ends is written before it is settled
            $late += $o - $n;

            push @bad, "$key: " . json_text(\%d) . " with "
                . json_text([ map { [ $_->{id}, $record->{$_->{id}} ] } @q ])
                if $n < 0 || $n > @q || $o < $n
                   || $d{prompt_tokens} < 0 || $d{prompt_tokens} > $prompt
                   || $d{completion_tokens} < 0
                   || $d{completion_tokens} > $said
                   || ($n == 0 && $o == 0
                       && grep { $d{$_} } @GenAI::Books::SUMS)
                   || $d{estimated} > $n + ($o - $n);
        }

        my @flying = map { @$_ } values %flight;

        show("$R: the books are the record, and what was in flight is there"
             . ' once, at its checkpoint', @bad);
        cmp_ok($late, '<=', 2 * WORKERS,
               "$R: only what was being settled was logged before");
        is(total($after, 'orphans') - $orphans, $found,
           "$R: and marked as an orphan");
        cmp_ok($found, '<=', @flying + $late, "$R: no more than there were");

        # the last worker to die may have settled what others had
        my ($said) = substr($t->error_log, $logged)
            =~ /genai_books: (\d+) exchanges were in/;

        cmp_ok($said // 0, '<=', $found, "$R: the log tells how many");
        $sum{logged} += $said // 0;
        verified($t, $R);

        $sum{orphans} += $found;
        $sum{late} += $late;
        $sum{'not sent'} += $unsent;
        $sum{'in flight'} += @flying;
        $sum{ended} += keys %$lines;

        # marked, and not settled again by whoever looks after the dead
        sleep 0.6;
        is_deeply($b->rows, $after, "$R: and stays as it is");
    }

    cmp_ok($sum{orphans}, '>', $ROUNDS, 'there were orphans');
    cmp_ok($sum{logged}, '>', $sum{orphans} / 2, 'most were logged');
    cmp_ok($sum{ended}, '>', 50 * $ROUNDS, 'and exchanges that ended');
    diag(join ', ', "$ROUNDS rounds", map { "$_ $sum{$_}" } sort keys %sum);
    $t->finish;
}


# ---- part two

{
    my $t = GenAI::Test->new(name => 'eight workers', workers => 8,
                             log_level => 'info', clean_timeout => 20);
    my $b = GenAI::Books->new(t => $t, sim => $sim, users => USERS);
    my ($n, $reloads) = (0, 0);

    $t->conf($b->conf(BOOKS => 'genai_books books;'))->run;

    for my $round (1 .. $ROUNDS) {
        my $R = "eight workers, round $round";
        my $load = GenAI::Load->new(port => $t->port);

        $b->forget;

        my $before = $b->rows;

        $b->add_users($load);

        for (1 .. RELOADS) {
            $load->run(0.1 + rand 0.3);

            my %old = map { $_ => 1 } $t->worker_pids;

            $t->signal('HUP');
            ok($load->run(20 * $SCALE, sub {
                my @now = $t->worker_pids;
                return @now == 8 && !grep { $old{$_} } @now;
            }), "$R: a reload");
            $reloads++;
        }

        ok($load->drain, "$R: every request came to an end");
        $load->close;
        ok($b->wait_ended, "$R: and has its line");
        show("$R: each line is what its kind and the record say",
             $b->bad_lines);

        my $want = $b->expected($before);
        my $got = $b->settled($want);

        show("$R: the books are the sum of the lines",
             map { "$_: " . json_text($got->{$_}) . ', not '
                   . json_text($want->{$_}) }
             grep { json_text($got->{$_}) ne json_text($want->{$_}) }
             sort keys %{{ %$got, %$want }});
        is(total($got, 'orphans'), 0, "$R: there are no orphans");
        verified($t, $R);
        $n += keys %{$b->{asked}};
    }

    cmp_ok($n, '>', 100 * $ROUNDS, 'eight workers: there were some');
    diag("eight workers: $n requests, $reloads reloads");
}

done_testing;
