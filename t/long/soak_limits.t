# SPDX-License-Identifier: Apache-2.0

# Thousands of open streams, each under limits and counted, for minutes, with
# reloads: every answer is whole, no limit is ever passed, and at the end
# nothing is held, no descriptor is left open and memory is what it was.
# "make soak" is ten minutes of 5,000.
#
# For two thirds of the time nginx reloads, then the last workers go on: what
# a stream leaves behind would show in them.  Their memory is compared when no
# older ones are left.
#
#     SOAK_TIME      seconds (60)
#     SOAK_STREAMS   how many (400); less where there are too few descriptors
#     SOAK_TRACE     tells every ten seconds how it is
#     SOAK_RELOAD    seconds from one reload to the next (a tenth, at
#                    least as long as a stream and ten more)

use strict;
use warnings;

use lib 't/lib';

use Digest::SHA qw(sha256_hex);
use POSIX ();
use Time::HiRes qw(time);

use GenAI::Budget;
use GenAI::Load qw(judge content descriptors);
use GenAI::Test;

use constant { WORKERS => 2, USERS => 8, KEYS => 20, TEAMS => 4 };

# tokens of a stream, of four bytes, and how many a second
use constant { SHORT => 8, LONG => 24 };

# what may be more at the end than after a fifth of the time, of all there is;
# what a stream may leave behind, bytes; and KiB that are no measure of either
use constant { GROWTH => 0.04, LEFT => 64, SLACK => 3072 };

my $SCALE = $GenAI::Test::SCALE;
my $SEED = $ENV{GENAI_SEED} || time ^ $$;
my $TIME = $ENV{SOAK_TIME} || 60;
my $RATE = $TIME < 300 ? 2 : 1;
my $STREAMS = $ENV{SOAK_STREAMS} || 400;
my $PERIOD = $ENV{SOAK_RELOAD} || $TIME / 10;
my $DATA = "$GenAI::Test::ROOT/build/data";

# a stream of the workers before a reload is over by then
my $OVER = LONG / $RATE + 6;

$PERIOD = $OVER + 10 if $PERIOD < $OVER + 10;

# sanitizers keep what was freed
my $MEMORY = !GenAI::Test->has('fsanitize=address');

diag("GENAI_SEED=$SEED");
srand $SEED;

# a stream has two descriptors in a worker, and one may have most of them
my $files = POSIX::sysconf(POSIX::_SC_OPEN_MAX());

if ($STREAMS > ($files - 500) / 2) {
    $STREAMS = int(($files - 500) / 2);
    diag("$STREAMS streams, as there are $files descriptors: \"ulimit -n\"");
}

alarm(($TIME * 2 + 120) * $SCALE);

my $connections = int($STREAMS * 2.2) + 400;

$connections = $files if $connections > $files;

my $sim = GenAI::Test->sim(piece => 4, rate => $RATE, last => 'off',
    -workers => 2, -connections => $connections, -log_level => 'info',
    -http => 'access_log off;');
my $t = GenAI::Test->new(workers => WORKERS, log_level => 'info',
                         clean_timeout => 20);
my $b = bless { t => $t }, 'GenAI::Budget';


# ---- limits: all hold, and streams have room

my $f = $STREAMS / 100;
my @lasting = map { "900G $_/never" }
              qw(requests tokens completion_tokens prompt_tokens);

sub k { return int($_[0] * $f) + 1 . "k tokens/$_[1]" }

$t->write_file('policy.json', json_text({
    schema => 1,
    plans => { p => { limits => [ '900G requests/1d',
                                  '$900000/1mo' ] } },
    teams => { all => { limits => [ k(200, '5s'), @lasting ] },
               map { ("team$_" => { parent => 'all', limits => [
                   k(200, '1m'), int(50 * $f) + 20 . ' concurrent' ] }) }
               0 .. TEAMS - 1 },
    models => { '*' => { limits => [ k(500, '1m') ] } },
    keys => { map({ ("key$_" => {
        sha256 => [ sha256_hex("sk-soak-$_-0123456789") ], plan => 'p',
        team => 'team' . $_ % TEAMS, limits => [ k(100, '1m'), '900G tokens/2s',
            int(20 * $f) + 20 . ' concurrent', '900G requests/never' ] }) }
        0 .. KEYS - 1),
        tight => { sha256 => [ sha256_hex('sk-soak-tight-0123456789') ],
                   limits => [ '40 requests/2s', '20k tokens/5s',
                               '3 concurrent' ] } },
}));

my $counted = -e "$DATA/o200k_base.vocab" && -e "$DATA/models.json";

$t->write_file('models.json', json_text({ schema => 1, models => {
    'gpt-4o' => { context => 128000, output => 4096, tokenizer => 'none',
                  price => { input => '2.5', output => '10' } } } }));

my $catalog = $counted ? "$DATA/models.json" : 'models.json';

$t->conf(<<'EOC', SIM => $sim->port, N => $connections, CATALOG => $catalog);
events { worker_connections %%N%%; }
http {
    access_log off;
    genai_zone    zone=genai:32m;
    genai_books   books;
    genai_policy  policy.json;
    genai_catalog %%CATALOG%%;
    genai_provider p { dialect openai; pass http://127.0.0.1:%%SIM%%/v1;
                       header x-genai-sim; header x-genai-sim-text; }
    genai_model gpt-4o { target p; }
    server {
        listen 127.0.0.1:%%PORT_0%% backlog=4096;
        keepalive_requests 200;
        location /v1/     { genai_pass; }
        location = /usage { genai_usage; access_log off; }
    }
}
EOC
$t->run;


# ---- clients

my ($load, @bad, %count);

sub ask {
    my ($key, $stream, $text, @headers) = @_;

    my $body = json_text({ model => 'gpt-4o', stream => $stream ? \1 : \0,
        max_tokens => 64, messages => [ { role => 'user',
            content => 'Say it again: ' . 'word ' x rand 60 } ] });

    return { stream => $stream, want => $text,
             text => join "\r\n", 'POST /v1/chat/completions HTTP/1.1',
                 'Host: a', "x-api-key: sk-soak-$key-0123456789",
                 "x-genai-sim-text: $text", @headers,
                 'Content-Type: application/json',
                 'Content-Length: ' . length $body, '', $body };
}


sub words { return join '', map { sprintf 'w%02d,', rand 100 } 1 .. $_[0] }


sub done {
    my ($q, $a, $c) = @_;

    my ($what, $why) = judge($a, $q->{stream});

    # a reload closes idle connections: any client asks again
    return $count{stale}++ if $a->{stale};

    if ($what eq 'error' && $why eq 'policy_rate' && $q->{tight}) {
        $count{refused}++;
        $c->{user}{rest} = time + rand 0.5;
        return;
    }

    my $got = content($a);

    if ($what eq 'whole' && $got ne $q->{want}) {

        # its limits may have ended it
        $what = $a->body =~ /"finish_reason":"length"/
                && index($q->{want}, $got) == 0 ? 'limited' : 'wrong';
    }

    $count{$what eq 'limited' ? 'limited'
           : $q->{tight} ? 'tight' : 'streams'}++;
    push @bad, "$what $why: $got, not $q->{want}"
        unless $what =~ /^(?:whole|limited)$/;
}


sub clients {
    my ($streams) = @_;

    # every stream has a connection of its own, as an SDK's mostly has; they
    # begin little by little
    for my $n (1 .. $streams) {
        $load->user(rest => time + rand(LONG / $RATE), done => \&done,
            next => sub { return { close => 1, %{ask($n % KEYS, 1,
                words(SHORT + rand(LONG - SHORT)))} } });
    }

    $load->user(done => \&done, next => sub {
        return { tight => 1, %{ask('tight', rand() < 0.3, words(4),
                                   'x-genai-sim: rate=200')} };
    }) for 1 .. USERS;
}


# ---- memory

# KiB of all workers that are theirs, and what they share, which has its bounds
# (genai_zone, genai_books); and how many there are

sub memory {
    my ($own, $shared, @pids) = (0, 0, $t->child_pids);

    for my $pid (@pids) {
        my $text = eval { slurp("/proc/$pid/smaps_rollup") } // '';

        $own += $1 if $text =~ /^Pss_Anon:\s+(\d+)/m;
        $shared += $1 while $text =~ /^Pss_(?:File|Shmem):\s+(\d+)/mg;
    }

    return ($own, $shared, scalar @pids);
}


sub reload {
    my %old = map { $_ => 1 } $t->worker_pids;

    $t->signal('HUP');
    return $load->run(30 * $SCALE, sub {
        my @now = $t->worker_pids;
        return @now == WORKERS && !grep { $old{$_} } @now;
    });
}


# of [ x, y ]: the slope of the line that is nearest

sub slope {
    my (@p) = @_;

    return 0 if @p < 2;

    my ($mx, $my, $xy, $xx) = (0, 0, 0, 0);

    $mx += $_->[0] / @p, $my += $_->[1] / @p for @p;
    $xy += ($_->[0] - $mx) * ($_->[1] - $my),
        $xx += ($_->[0] - $mx) ** 2 for @p;

    return $xx ? $xy / $xx : 0;
}


sub at_rest {
    $t->reload(gone => 1, timeout => 60);
    return descriptors($t->pid, $t->worker_pids);
}


# ---- minutes of it

my $base = at_rest();
my $master = $t->rss($t->pid);
my $watch = GenAI::Budget::Watch->new("$t->{dir}/books", 1000);
my ($begun, $reloads, $least) = (time, 0, $STREAMS);
my ($next, $look, $young, @samples) = ($begun + $PERIOD, $begun, $begun);
my $turn = $begun + 2 * $TIME / 3;

$load = GenAI::Load->new(port => $t->port, timeout => 60 * $SCALE);
clients($STREAMS);

while ((my $now = time) < $begun + $TIME) {
    $load->run(0.5);

    if ($now > $look) {
        $look = $now + 1;
        push @samples, [ $now - $begun, $load->open, $count{streams} // 0,
                         $reloads, memory(), $now - $young ];
        diag(sprintf '%4d s: %d open, %d over, %d reloads, %d KiB and'
             . ' %d shared, of %d',
             @{$samples[-1]}[0 .. 6]) if $ENV{SOAK_TRACE} && @samples % 10 == 1;
        $least = $load->open if $now > $begun + $OVER
                                && $load->open < $least;
    }

    if ($now > $next && $now < $turn) {
        ok(reload(), 'a reload') or last;
        $reloads++;
        $young = time;
        $next = $young + $PERIOD;
    }
}

ok($load->drain(($OVER + 30) * $SCALE), 'every request came to an end');
$load->close;

ok(!@bad, 'every answer is whole and right')
    or diag(map { "    $_\n" } map { substr $_, 0, 400 }
            @bad > 5 ? (@bad[0 .. 4], @bad . ' in all') : @bad);
ok(!$load->{strange}, 'nothing came that was not asked for');
ok(!$load->{refused}, 'every connection was accepted');
cmp_ok($least, '>', 0.97 * $STREAMS, 'all streams were open, all the time');
cmp_ok($count{refused} // 0, '>', 0, 'who has no more is refused');

# what is held goes with the last exchange, in a moment

my @held;

wait_for(sub { !(@held = $b->held) }, 10);
ok(!@held, 'nothing is held') or diag(map { "    $_\n" } @held);

my $w = $watch->end;

is_deeply($w->{bad}, [],
          "no look at the books found a limit that did not hold");
cmp_ok($w->{looks}, '>', 20 * $TIME, 'it has looked');

my ($all) = map { $_->{settled} } grep { $_->{name} eq 'all'
    && $_->{limit} eq '900G requests/never' } $b->counters;

is($all, ($count{streams} // 0) + ($count{limited} // 0),
   'each stream was counted once');

is(at_rest(), $base, 'as many descriptors as at first');

# Of workers that are alone, and as old as others were when the next reload
# came; and of the last ones, when their streams have come and gone a few times:
# until then they have less than they need.

my @alone = grep { $_->[6] == WORKERS && $_->[0] > $OVER } @samples;
my @flat = grep { $_->[0] >= $TIME / 5 && $_->[7] > $PERIOD - 8
                  && $_->[7] <= $PERIOD } @alone;
my @last = grep { $_->[3] == $reloads && $_->[7] > 3 * LONG / $RATE } @alone;
my ($mean, $streams) = (0, 0);

$mean += $_->[4] / @flat for @flat;
$streams = $last[-1][2] - $last[0][2] if @last > 1;

my $minute = 60 * slope(map { [ @$_[0, 4] ] } @flat);
my $growth = $minute / 60 * ($TIME * 4 / 5);
my $left = 1024 * slope(map { [ @$_[2, 4] ] } @last);

SKIP: {
    skip 'memory tells nothing under sanitizers', 3 unless $MEMORY;

    cmp_ok(abs $growth, '<', GROWTH * $mean + SLACK,
           'memory is flat from the first fifth to the end');
    cmp_ok($left * $streams, '<',
           LEFT * $streams + 1024 * (SLACK + GROWTH * $mean),
           'a stream leaves nothing behind');
    cmp_ok($t->rss($t->pid) - $master, '<', SLACK,
           'the master does not grow with its reloads');
}

# what a start says of vocabularies that are not ours to ship is as it should be

my @said = grep { /\[(?:warn|error|crit|alert|emerg)\]/
                  && !/genai refused, policy_rate/
                  && !/genai: no vocabulary in / }
           split /\n/, $t->error_log;

ok(!@said, 'the error log is clean')
    or diag(map { "    $_\n" } @said > 10 ? (@said[0 .. 9], scalar @said)
                                          : @said);

diag(join ', ', map { "$_ $count{$_}" } sort keys %count);
diag(sprintf '%d streams for %d s, %d reloads, %s: %.1f MiB and'
     . ' %.1f shared, %+.0f KiB a'
     . ' minute (%d samples), %+.0f bytes a stream (%d of the last workers),'
     . ' master %+d KiB', $STREAMS, $TIME, $reloads,
     $counted ? 'counted' : 'estimated', $mean / 1024,
     $alone[-1][5] / 1024, $minute,
     scalar @flat, $left, $streams,
     $t->rss($t->pid) - $master);
diag(join ', ', map { "$_ $w->{$_}" } qw(looks reads full windows most held
                                         gap));

done_testing;
