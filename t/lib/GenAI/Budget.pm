# SPDX-License-Identifier: Apache-2.0

package GenAI::Budget;

=head1 NAME

GenAI::Budget - exchanges of every kind under limits, and whether these hold

=head1 SYNOPSIS

    my $b = GenAI::Budget->new(t => $t, sim => GenAI::Budget->sim,
                               users => 40, clients => 1400);

    $t->conf($b->conf)->run;

    my $watch = GenAI::Budget::Watch->new("$t->{dir}/books");
    my $load = GenAI::Load->new(port => $t->port);

    $b->add_users($load);
    $load->run(5);
    ...
    my %w = $watch->end;               # { faults => [ ... ], looks => ... }
    my @c = $b->counters;              # as the books have them now
    show(bad_counters($b, ...));

It is GenAI::Books with limits of every unit at keys, plans, users, teams and
models.  Beside those that are reached, each owner has one of each unit that
never ends and is never reached: what it says at the end is what was granted.

=cut

use strict;
use warnings;

use parent 'GenAI::Books';

use JSON::PP ();
use POSIX qw(WNOHANG);

use GenAI::Test;
use GenAI::Util qw(:DEFAULT die_with_parent);

my $WATCH = "$GenAI::Test::ROOT/build/books-watch";
my $VOCAB = "$GenAI::Test::ROOT/build/data/o200k_base.vocab";
my $TRUE = JSON::PP::true();

# most of an answer, tokens, and of a long one; and the kinds that have one
my $MAX = 40;
my $LONG = 1000;
my %ANSWERS = (messages => 1, prompt => 1);

# of an owner, by unit, what the books have
my @UNITS = qw(requests tokens prompt_tokens completion_tokens $);

my @KINDS = qw(json stream told text embed family second seconds third fails
                gone status event cut untold off inline inlines inbad abort
                silent hushed reset slow badjson nomodel);


# users, clients; never => N: what keys have for good, in tokens, about

sub new {
    my ($class, %o) = @_;

    # streams take slices where their tokens can be counted
    my $counted = -e $VOCAB;

    # a prompt is long enough for what the provider counts beside its text
    my $self = $class->SUPER::new(limits => 1, words => 20, never => 3000,
        counted => $counted,
        kinds => [ @KINDS, $counted ? ('long') x 4 : () ], %o);
    my %model = (context => 128000, output => 4096, tokenizer => 'none',
                 price => { input => '2.5', output => '10' });

    $self->{t}->write_file('models.json', json_text({ schema => 1, models => {
        'gpt-4o' => { %model, $counted ? (tokenizer => 'o200k_base',
                                          framing => 'openai') : () },
        map { $_ => \%model } qw(m fam-9 two three fails gone hush lie
                                 own-name) } }));
    symlink $VOCAB, "$self->{t}{dir}/o200k_base.vocab" if $counted;

    return $self;
}


sub available { return -x $WATCH }


sub conf {
    my ($self, %vars) = @_;

    return $self->SUPER::conf(CONNECTIONS => 4096, %vars,
        BOOKS => 'genai_books books; genai_catalog models.json;');
}


# ---- the policy

# The last one in ten belongs to keys whose provider tells lies, so that what
# the others do can be told apart.

sub liar { return $_[1] % 10 == 9 }

sub who {
    my ($self, $n) = @_;

    return ('liars', '') if $self->liar($n);
    return ('team' . $n % 3, $n % 10 == 6 ? 'shadow'
                             : $n % 4 ? 'user' . $n % 5 : '');
}


sub policy {
    my ($self) = @_;

    my $p = $self->SUPER::policy;
    my $never = $self->{never};

    # what is shared has room for most of them, at most times
    my $f = ($self->{clients} || $self->{users}) / 200;
    my $of = sub { int($_[0] * ($f > 1 ? $f : 1)) . $_[1] };

    # of a key, by its number
    my @limits = (
        [ '20 requests/2s', '1200 completion_tokens/5s' ],
        [ '2k tokens/2s', int($never / 2) . ' tokens/never' ],
        [ '600 completion_tokens/5s', '1500 prompt_tokens/5s' ],
        [ '$0.02/5s', sprintf '$%.6f/never', $never * 5e-6 ],
        [ $of->(15, ' concurrent'), $of->(20, 'k tokens/5s') ],
        [ { limit => '1500 tokens/2s', on_short => 'clip' },
          "$never tokens/never" ],
        [],
        [],
        [ int($never / 60) . ' requests/never',
          int($never / 4) . ' completion_tokens/500d' ],
        [ '4k tokens/2s', '40k tokens/never' ],
    );

    for my $n (0 .. $self->{users} - 1) {
        my $key = $p->{keys}{"key$n"};

        $key->{limits} = [ accounts(@{$limits[$n % 10]}) ];
        $key->{plan} = $n % 20 == 7 ? 'gold' : 'silver' if $n % 10 == 7;
    }

    $p->{plans} = {
        gold => { limits => [ '30 requests/5s', '12 concurrent',
                              '3k tokens/5s' ] },
        silver => { limits => [ { limit => '500 tokens/2s on m',
                                  weights => { completion => 2,
                                               cached => 0.1 } },
                                '200 requests/1m on fam-*' ] },
    };

    $p->{users} = { map { ("user$_" => { limits => [ accounts(
                        $of->(100, ' requests/5s'),
                        $of->(20, 'k tokens/5s')) ] }) } 0 .. 4 };

    # what is watched only
    $p->{users}{shadow} = { limits => [ accounts(
        map({ { limit => $_, shadow => $TRUE } }
            '5 requests/2s', '300 tokens/5s', '2 concurrent')) ] };

    $p->{teams} = {
        all => { limits => [ accounts($of->(60, 'k tokens/5s')) ] },
        liars => { limits => [ accounts('5k tokens/5s') ] },
        map({ ("team$_" => { parent => 'all', limits => [ accounts(
                $of->(60, ' concurrent'),
                $of->(20 * $_ + 40, ' requests/2s')) ] }) } 0 .. 2),
    };

    $p->{models} = {
        'm' => { limits => [ $of->(8, 'k completion_tokens/2s') ] },
        'two' => { limits => [ '60 requests/2s' ] },
        'fam-*' => { limits => [ '$0.05/5s', '100 concurrent' ] },
    };

    return $p;
}


# those of an owner, and of each unit one that never ends

sub accounts {
    my (@limits) = @_;

    my %have = map { m{^\$?[\d.]+k? ?(\w*)/never$} ? ($1 || '$' => 1) : () }
               grep { !ref } @limits;

    return (@limits, map { $_ eq '$' ? '$900000/never' : "900G $_/never" }
                     grep { !$have{$_} } @UNITS);
}


# ---- requests

# Fifteen clients a key, and what are more have one that has room for them.

sub user_of {
    my ($self, $client) = @_;

    my $users = $self->{users};

    return $client % $users if $client < 15 * $users;

    return $client % ($users / 10) * 10 + ($client % 2 ? 4 : 6);
}


sub extra {
    my ($self, $k) = @_;

    return () unless $ANSWERS{$k->{what} // 'messages'};
    return (max_tokens => $LONG) if $k->{words};

    # some end as long as they may be, and some do not say how long that is
    my $r = rand;

    return $r < 0.1 ? (max_tokens => 4 + int rand 10)
         : $r < 0.2 ? (max_completion_tokens => $MAX)
         : (max_tokens => $MAX);
}


sub request {
    my ($self, $user, $kind) = @_;

    $kind //= 'liar' if $self->liar($user) && rand() < 0.2;

    return $self->SUPER::request($user, $kind);
}


# What a request may be billed, in tokens: prompt, of which there are no more
# than its texts have bytes, and what goes round them; and answer.

sub bounds {
    my ($self, $q) = @_;

    return ($q->{asks} + 64, $q->{kind}{words} ? $LONG : $MAX);
}


# ---- counters

# All that there are, as hashes.

sub counters {
    my ($self) = @_;

    my ($rc, $out) = run_cmd([ $WATCH, '-1', "$self->{t}{dir}/books" ]);

    die "$WATCH: $out" if $rc;

    return map {
        my %c;

        @c{qw(owner name key limit start end settled leased exchanges debt
              overrun overruns refused ended amount)} = split /\t/, $_, -1;
        \%c;
    } split /\n/, $out;
}


# Whatever of them is held, as texts.

sub held {
    my ($self) = @_;

    return map { "$_->{limit} of $_->{owner} $_->{name}: $_->{leased} held by"
                 . " $_->{exchanges}" }
           grep { $_->{leased} || $_->{exchanges} } $self->counters;
}


# What an owner's counters that never end say, by unit.

sub granted {
    my (@counters) = @_;

    my %granted;

    for my $c (@counters) {
        my ($unit) = $c->{limit} =~ m{^(?:\$|\S+ )?(\w*).*/never$} or next;

        $unit = '$' if $c->{limit} =~ /^\$/;
        $granted{"$c->{owner} $c->{name}"}{$unit} = $c
            unless $c->{owner} eq 'plan';
    }

    return \%granted;
}


# The books' rows, summed up as those counters do.

sub rows_by_owner {
    my ($self) = @_;

    my %sum;

    for my $r (@{$self->{t}->get('/usage')->json->{rows}}) {
        my @owner = ($r->{key} ? "key $r->{key}" : (),
                     $r->{user} ? "user $r->{user}" : (),
                     $r->{team} ? "team $r->{team}" : (),
                     ($r->{team} // '') =~ /^team\d/ ? 'team all' : ());

        for my $owner (@owner) {
            my $s = $sum{$owner} //= { map { $_ => 0 } @UNITS };

            $s->{requests} += $r->{exchanges};
            $s->{prompt_tokens} += $r->{prompt_tokens};
            $s->{completion_tokens} += $r->{completion_tokens};
            $s->{tokens} += $r->{prompt_tokens} + $r->{completion_tokens};
            $s->{'$'} += nano($r->{cost});
        }
    }

    return \%sum;
}


sub nano { return int(($_[0] // 0) * 1e9 + 0.5) }


# Where counters that never end do not say what the books' rows do: both are
# changed in one step, so that there is no moment at which they differ.

sub bad_grants {
    my ($self) = @_;

    my $granted = granted($self->counters);
    my $rows = $self->rows_by_owner;
    my @bad;

    for my $owner (sort keys %{{ %$granted, %$rows }}) {
        for my $unit (@UNITS) {
            my $have = $granted->{$owner}{$unit}{settled} // 0;
            my $want = $rows->{$owner}{$unit} // 0;

            push @bad, "$owner: $have $unit, not $want" if $have != $want;
        }
    }

    return @bad;
}


# Overruns of those whose provider bills no more than what they were held for.

sub bad_overruns {
    my ($self) = @_;

    return map { "$_->{limit} of $_->{owner} $_->{name}: $_->{overruns}" }
           grep { $_->{overruns} > 0
                  && $_->{name} !~ /^key\d*9$|^liars$|^lie$/ }
           $self->counters;
}


# ---- what was in flight

# By key, as that of an exchange in flight may not have its model yet.

sub by_key {
    my ($rows) = @_;

    my %key;

    GenAI::Books::add($key{(split /\|/, $_, -1)[3]} //= {}, $rows->{$_})
        for keys %$rows;

    return \%key;
}


# Those that have no line, by key: they died with their worker, or never came
# to one.

sub flying {
    my ($self, $lines) = @_;

    my %flying;

    for my $q (values %{$self->{asked}}) {
        next if $lines->{$q->{id}} || $q->{kind}{free};
        push @{$flying{$q->{kind}{anyone} ? '' : "key$q->{user}"}}, $q;
    }

    return \%flying;
}


# Since before, what ended is in the books as its lines say.  What had no line
# is there once at most, as an orphan: with no more than the provider has sent,
# and, of streams, no less than what clients have got.  Returns what is not
# so, and how many orphans there are.

sub bad_orphans {
    my ($self, $before, $after) = @_;

    my $lines = $self->lines;
    my $record = $self->record;
    my $flying = $self->flying($lines);
    my $ended = by_key($self->expected($before));
    my $have = by_key($after);
    my ($orphans, @bad) = (0);

    for my $key (sort keys %{{ %$have, %$ended }}) {
        my %d = map {
            $_ => ($have->{$key}{$_} // 0) - ($ended->{$key}{$_} // 0)
        } @GenAI::Books::SUMS;
        my @q = @{$flying->{$key} || []};

        # the line of one that ends is written before it is settled
        my $late = $d{orphans} - $d{exchanges};
        my ($prompt, $said, $got) = (0, 0, 0);

        for my $q (@q) {
            my $r = ($record->{$q->{id}} || [])->[-1];
            my $a = $q->{answer};

            # an estimate may be a little above what the provider counts
            $prompt += $r ? int(1.25 * $r->{prompt_tokens})
                          : ($self->bounds($q))[0];
            $said += $r ? $r->{tokens_written} : 0;
            $got += length(GenAI::Load::content($a)) >> 2
                if $a && $q->{stream} && $a->status == 200;
        }

        $orphans += $d{orphans};
        $self->{late}{$key} += $late;

        push @bad, "$key: " . json_text(\%d) . ", late $late, at most $prompt"
            . " and $said, at least $got, with "
            . json_text([ map { [ $_->{id}, $record->{$_->{id}} ] } @q ])
            if $d{exchanges} < 0 || $d{exchanges} > @q || $late < 0
               || $d{prompt_tokens} > $prompt
               || $d{completion_tokens} > $said
               || $d{completion_tokens} < ($late ? -$LONG * $late : $got)
               || $d{prompt_tokens} < ($late ? -$prompt : 0);
    }

    return ($orphans, @bad);
}


# ---- budgets

# What was billed so far to keys, by unit: of exchanges with a line what that
# says, of others what the provider's record says, and the most that they held.

sub bill {
    my ($self) = @_;

    my $lines = $self->lines;
    my $record = $self->record;
    my $flying = $self->flying($lines);
    my $bill = $self->{bill} //= {};

    for my $l (values %$lines) {
        next if $l->{kind}{free} || GenAI::Books::refused($l) || !$l->{key};
        charge($bill->{$l->{key}}{lined} //= {}, $l->{prompt_tokens},
               $l->{completion_tokens});
    }

    for my $key (grep { length } keys %$flying) {
        for my $q (@{$flying->{$key}}) {
            my $r = ($record->{$q->{id}} || [])->[-1];
            my ($most, $answer) = $self->bounds($q);

            charge($bill->{$key}{held} //= {}, $most, $answer);

            next unless $r && $r->{status} == 200;

            my ($prompt, $completion) = ($r->{prompt_tokens},
                $r->{tokens_written} > $r->{completion_tokens_reported}
                ? $r->{tokens_written} : $r->{completion_tokens_reported});

            charge($bill->{$key}{lost} //= {}, $prompt, $completion);

            die "$q->{id}: $prompt + $completion, not at most $most + $answer"
                if $prompt > $most || $completion > $answer;
        }
    }

    return $bill;
}


sub charge {
    my ($to, $prompt, $completion) = @_;

    $to->{requests}++;
    $to->{prompt_tokens} += $prompt;
    $to->{completion_tokens} += $completion;
    $to->{tokens} += $prompt + $completion;
    $to->{'$'} += $prompt * 2500 + $completion * 10000;
}


# Of the keys' budgets that last: that they say what was billed, and that what
# was billed is no more than they were, but for what those can hold that were
# killed.  Returns how many are nearly spent, and what is not so.

sub bad_budgets {
    my ($self) = @_;

    my $bill = $self->{bill};
    my ($spent, @bad) = (0);

    for my $c ($self->counters) {
        next if $c->{owner} ne 'key' || $c->{amount} > 1e14
                || $c->{limit} !~ m{/(?:never|500d)$} || $c->{limit} =~ /^900G/;

        my $unit = $c->{limit} =~ /^\$/ ? '$'
                 : ($c->{limit} =~ m{ (\w+)/})[0];
        my $b = $bill->{$c->{name}} or next;
        my ($lined, $lost, $held) = map { $b->{$_}{$unit} // 0 }
                                        qw(lined lost held);
        my $one = { requests => 1, '$' => 1e7 }->{$unit} // 1200;
        my $slack = $self->{late}{$c->{name}} * $one;

        $spent++ if $c->{refused} && $c->{settled} > 0.7 * $c->{amount};

        push @bad, "$c->{limit} of $c->{name}: settled $c->{settled},"
            . " overrun $c->{overrun}, lines $lined, lost $lost, held $held"
            if $c->{settled} < $lined - $slack
               || $c->{settled} > $lined + $held
               || $c->{settled} > $c->{amount} + $c->{overrun}
               || $lined + $lost > $c->{amount} + $c->{overrun} + $held;
    }

    return ($spent, @bad);
}


package GenAI::Budget::Watch;

# build/books-watch, looking at the books of a directory until end().

use strict;
use warnings;

use GenAI::Util qw(:DEFAULT die_with_parent);


# us: the pause between two looks

sub new {
    my ($class, $dir, $us) = @_;

    pipe my $in, my $to or die "pipe: $!";
    pipe my $from, my $out or die "pipe: $!";

    my $pid = fork // die "fork: $!";

    if (!$pid) {
        die_with_parent(9);
        $SIG{$_} = 'DEFAULT' for qw(ALRM INT TERM HUP PIPE);
        open STDIN, '<&', $in or POSIX::_exit(127);
        open STDOUT, '>&', $out or POSIX::_exit(127);
        close $to;
        close $from;
        { no warnings; exec $WATCH, '-s', 'shadow', '-u', $us || 100, $dir; }
        POSIX::_exit(127);
    }

    close $in;
    close $out;

    return bless { pid => $pid, to => $to, from => $from }, $class;
}


# How often it has looked, and so on; bad => [ what it has seen ].

sub end {
    my ($self) = @_;

    close $self->{to};

    my @lines = readline $self->{from};

    waitpid $self->{pid}, 0;
    chomp @lines;

    my ($last) = grep { /^looks / } @lines;

    return { looks => 0, (split / /, $last // ''), exit => $? >> 8,
             bad => [ grep { !/^looks / } @lines ] };
}


1;
