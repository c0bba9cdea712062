# SPDX-License-Identifier: Apache-2.0

package GenAI::Storm;

=head1 NAME

GenAI::Storm - what t/limits_hold.t and t/long/limits.t have in common

=head1 SYNOPSIS

    storm(workers => 8, users => 40, clients => 2000, seconds => 10,
          rounds => 4, sim => { rate => 8 }, flying => 1000);
    kills(workers => 8, users => 40, clients => 120, rounds => 50);

Both make tests.  storm() has clients ask, some leave, the provider fail, nginx
reload and workers die, while build/books-watch looks at the books.  kills()
kills all of nginx in each round and starts it again.

=cut

use strict;
use warnings;

use Exporter 'import';
use Time::HiRes qw(time);

use GenAI::Budget;
use GenAI::Held qw(kill_all verified show);
use GenAI::Load qw(judge);
use GenAI::Test;

our @EXPORT_OK = qw(storm kills);

my $SCALE = $GenAI::Test::SCALE;
my $SEED = $ENV{GENAI_SEED} || time ^ $$;

diag("GENAI_SEED=$SEED");
srand $SEED;


sub none {
    my ($name, @bad) = @_;

    ok(!@bad, $name) or show(@bad);
}


# Both begin the same.

sub begin {
    my ($name, %o) = @_;

    my $sim = GenAI::Budget->sim(-connections => 4096, -log_level => 'info',
                                 %{$o{sim} || {}});
    my $t = GenAI::Test->new(name => $name, workers => $o{workers},
                             log_level => 'info', clean_timeout => 20);
    my $b = GenAI::Budget->new(t => $t, sim => $sim, %o{qw(users clients)},
                               $o{never} ? (never => $o{never}) : ());

    $t->conf($b->conf)->run;

    return ($t, $sim, $b);
}


sub quiet {
    my ($b) = @_;

    return wait_for(sub {
        !grep { $_->{end} eq 'open' } map { @$_ } values %{$b->record};
    }, 20);
}


sub watched {
    my ($watch, $name) = @_;

    my $w = $watch->end;

    none("$name: no look at the books found a limit that did not hold",
         @{$w->{bad}});
    is($w->{exit}, 0, "$name: the watch has seen the end");
    cmp_ok($w->{looks}, '>', 100, "$name: it has looked");
    cmp_ok($w->{full}, '>', 0, "$name: limits were reached");

    return $w;
}


# ---- workers die

sub storm {
    my (%o) = @_;

    my ($t, $sim, $b) = begin('storm', %o);
    my $watch = GenAI::Budget::Watch->new("$t->{dir}/books");
    my %sum;

    for my $round (1 .. $o{rounds}) {
        my $R = "storm, round $round";
        my $load = GenAI::Load->new(port => $t->port);
        my $end = time + $o{seconds};

        $b->forget;

        my $before = $b->rows;

        $b->add_users($load);
        $load->run(1);

        while (time < $end) {
            if ($sum{killed} && rand() < 0.4) {
                ok($load->run(20 * $SCALE, reloaded($t)), "$R: a reload");
                $sum{reloads}++;

            } else {
                ok($load->run(20 * $SCALE, killed($t)), "$R: a worker died");
                $sum{killed}++;
            }

            $load->run(0.3 + rand 0.7);
        }

        ok($load->drain(30 * $SCALE), "$R: every request came to an end");
        $load->close;
        ok(quiet($b), "$R: the provider has let go of all");
        ok(wait_for(sub { !$t->worker_pids(exiting => 1) }, 20),
           "$R: the old workers are gone");

        # orphans are looked after within a second
        my @held;

        wait_for(sub { !(@held = $b->held) }, 10);
        none("$R: nothing is held", @held);

        my $after = $b->rows;
        my $lines = $b->lines;
        my ($orphans, @bad) = $b->bad_orphans($before, $after);

        none("$R: each line is what its kind and the record say",
             $b->bad_lines(lost => 1));
        none("$R: the books are the record, and orphans lie between their"
             . ' checkpoint and what was sent', @bad);
        none("$R: limits were granted what the books say was used",
             $b->bad_grants);
        none("$R: nobody has passed a limit but those whose provider lies",
             $b->bad_overruns);
        $b->bill;

        my ($spent, @wrong) = $b->bad_budgets;

        none("$R: budgets that last have paid what was billed", @wrong);
        none("$R: clients were answered well", bad_answers($b, \%sum));
        verified("$t->{dir}/books", "$R: genai-books verify");

        $sum{orphans} += $orphans;
        $sum{exchanges} += grep { !GenAI::Books::refused($_) } values %$lines;
        $sum{refused} += grep { GenAI::Books::refused($_) } values %$lines;
        $sum{limited} += grep { $_->{finish} eq 'limit' } values %$lines;
    }

    my $w = watched($watch, 'storm');

    cmp_ok($w->{held}, '>=', $o{flying}, "storm: $o{flying} at a time");
    cmp_ok($sum{refused}, '>', 0, 'storm: some were refused');
    cmp_ok($sum{orphans}, '>', 0, 'storm: some died with their worker');
    cmp_ok($sum{limited}, '>', 0, 'storm: streams ended at their limits')
        if $b->{counted} && $o{seconds} >= 10;
    cmp_ok($w->{over}, '>', 0, 'storm: and some used more than there was');
    diag('storm: ' . join ', ',
         map({ "$_ $sum{$_}" } sort keys %sum),
         map({ "$_ $w->{$_}" } qw(looks reads full over windows most held
                                  gap)));

    $t->finish;
    $sim->finish;
}


# each does something once, and returns what tells that it is done

sub reloaded {
    my ($t) = @_;

    my %old = map { $_ => 1 } $t->worker_pids;

    $t->signal('HUP');

    return sub {
        my @now = $t->worker_pids;
        return @now == $t->{workers} && !grep { $old{$_} } @now;
    };
}


sub killed {
    my ($t) = @_;

    my @pids = ($t->worker_pids, $t->worker_pids(exiting => 1));
    my $pid = $pids[rand @pids];

    $t->allow(qr/worker process $pid exited on signal 9/);
    kill 'KILL', $pid;

    return sub {
        my @now = $t->worker_pids;
        return @now >= $t->{workers} && !grep { $_ == $pid } @now;
    };
}


# What clients got that cannot be: whole or an error that is one, else less.

sub bad_answers {
    my ($b, $sum) = @_;

    my @bad;

    for my $q (values %{$b->{asked}}) {
        my $a = $q->{answer} or next;

        # these are somebody else's, or not ours
        next if $q->{kind}{own} || $q->{kind}{lies} || $q->{kind}{name} eq 'off'
                || $a->{stale};

        my ($what, $why) = judge($a, $q->{stream});

        $sum->{$what}++;
        push @bad, "$q->{id}: $what $why" if $what =~ /^(?:bad|timeout|ended)$/
            || ($a->header('x-genai-error') // '')
               =~ /^gateway_(?:full|internal|config)$/;
    }

    return @bad;
}


# ---- all of nginx dies

sub kills {
    my (%o) = @_;

    # as much as a key gets through in half of the rounds, about
    my ($t, $sim, $b) = begin('killed', never => 600 * $o{rounds}, %o);
    my $watch = GenAI::Budget::Watch->new("$t->{dir}/books");
    my %sum;

    for my $round (1 .. $o{rounds}) {
        my $R = "killed, round $round";
        my $load = GenAI::Load->new(port => $t->port);

        $b->forget;

        my $before = $b->rows;

        $b->add_users($load);
        $load->run(0.3 + rand 0.5);

        # in the middle of a reload
        if ($round % 3 == 0) {
            $t->signal('HUP');
            $load->run(rand 0.15);
        }

        kill_all($t);

        # what the clients have not read yet is theirs
        $load->drain(5);
        $load->close;
        ok(quiet($b), "$R: the provider has let go of all");

        # before there is anybody who could take more
        my $held = $b->held;

        $sum{'counters held'} += $held;
        $t->run;

        none("$R: nothing is held", $b->held);

        my $after = $b->rows;
        my ($orphans, @bad) = $b->bad_orphans($before, $after);

        none("$R: each line is what its kind and the record say",
             $b->bad_lines(lost => 1));
        none("$R: the books are the record, and orphans lie between their"
             . ' checkpoint and what was sent', @bad);
        none("$R: limits were granted what the books say was used",
             $b->bad_grants);

        $b->bill;

        my ($spent, @wrong) = $b->bad_budgets;

        none("$R: no budget is granted twice", @wrong);
        none("$R: nobody has passed a limit but those whose provider lies",
             $b->bad_overruns);

        my $lines = $b->lines;

        $sum{orphans} += $orphans;
        $sum{exchanges} += grep { !GenAI::Books::refused($_) } values %$lines;
        $sum{refused} += grep { GenAI::Books::refused($_) } values %$lines;
        $sum{limited} += grep { $_->{finish} eq 'limit' } values %$lines;
        $sum{spent} = $spent;
    }

    verified("$t->{dir}/books", 'killed: genai-books verify');

    my $w = watched($watch, 'killed');

    cmp_ok($sum{orphans}, '>', $o{rounds}, 'killed: there were orphans');
    cmp_ok($sum{'counters held'}, '>', $o{rounds}, 'killed: which held much');
    cmp_ok($sum{spent}, '>', 0, 'killed: budgets were spent');
    diag('killed: ' . join ', ', map({ "$_ $sum{$_}" } sort keys %sum),
         map({ "$_ $w->{$_}" } qw(looks reads full over windows most held
                                  gap)));

    $t->finish;
    $sim->finish;
}


1;
