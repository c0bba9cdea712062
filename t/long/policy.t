# SPDX-License-Identifier: Apache-2.0

# A policy of 100,000 keys that is swapped under load, again and again: every
# answer is right, no step of the event loop is long, memory stays what it is,
# and a snapshot is small and there once.  Reloads amidst a load of it, and a
# binary upgrade that is taken back.

use strict;
use warnings;

use lib 't/lib';

use Digest::SHA qw(sha256_hex);
use Time::HiRes qw(time);

use GenAI::Load;
use GenAI::Test;

use constant { KEYS => 100_000, TEAMS => 200, USERS => 12, WORKERS => 2 };

# swaps; a key's share of a snapshot, bytes; a step, seconds; private memory
# that a worker may have more after many swaps, KiB: allocators are not exact
use constant { SWAPS => 6, SHARE => 1024, STEP => 0.001, SLACK => 2048 };

my $ROUNDS = $ENV{GENAI_ROUNDS} || 2;
my $SCALE = $GenAI::Test::SCALE;
my $SEED = $ENV{GENAI_SEED} || time ^ $$;

diag("GENAI_SEED=$SEED");
srand $SEED;

# sanitizers keep what was freed, and take their time
my $SANITIZED = GenAI::Test->has('fsanitize=address');

# only builds for tests measure each step, and by the CPU's time
my $DEBUG = system('grep', '-q', 'genai_test_park',
                   "$GenAI::Test::MODULES/ngx_http_genai_module.so") == 0;

my $t = GenAI::Test->new(workers => WORKERS, log_level => 'notice',
                         clean_timeout => 20);
my %DAEMONS;
my $state = $t->dir . '/books/policy';

sub secret { return "sk-long-$_[0]-0123456789abcdef" }

my @lines = map {
    sprintf '"key-%06d":{"sha256":["%s"],"team":"team-%d"}', $_,
            sha256_hex(secret($_)), $_ % TEAMS
} 1 .. KEYS;

# the last one is another one in every swap

sub put {
    my ($swap) = @_;

    $lines[-1] = sprintf '"last":{"sha256":["%s"],"team":"team-1"}',
        sha256_hex(secret("last-$swap"));
    $t->write_file('policy.d/20-keys.json', '{"schema":1,"keys":{'
                   . join(",\n", @lines) . '}}');

    return time;
}


$t->write_file('policy.d/10-teams.json', json_text({ schema => 1, teams => {
    map { ("team-$_" => { models => [ 'm*' ], $_ % 2
                          ? (parent => 'team-' . int($_ / 20) * 2) : () }) }
    0 .. TEAMS - 1 } }));
$t->write_file('revoked', join '', map { "key-" . sprintf("%06d\n", 100 * $_) }
                                   1 .. 100);
put(0);

my $CONF = <<'EOC';
events { worker_connections 512; }
http {
    genai_policy  policy.d;
    genai_revoked revoked;
    genai_books   books;
    genai_provider p { dialect openai; pass http://127.0.0.1:1/v1; }
    genai_model m  { target p; }
    log_format l '$genai_step $status $pid $msec';
    server {
        access_log steps.log l;
        listen 127.0.0.1:%%PORT_0%% reuseport;
        keepalive_requests 1000;
        location /v1/ { genai_pass; add_header x-pid $pid always; }
    }
}
EOC

$t->conf($CONF)->run;

my ($load, @bad, %count, $swap);

# what to ask: good keys, revoked ones, strangers, and the last key of before

sub question {
    my $kind = rand;
    my $n = 1 + int rand(KEYS - 1);
    my ($key, $want) =
        $kind < 0.7 ? (secret($n), $n % 100 || $n > 10_000 ? 200 : 401)
        : $kind < 0.8 ? (secret(100 * (1 + int rand 100)), 401)
        : (secret("nobody-$n"), 401);

    return { want => $want, text => "GET /v1/models HTTP/1.1\r\nHost: a\r\n"
                 . "Authorization: Bearer $key\r\n\r\n" };
}


sub users {
    $load = GenAI::Load->new(port => $t->port);
    $load->user(
        next => \&question,
        done => sub {
            my ($q, $a) = @_;

            # a reload closes idle connections
            return $count{stale}++ if $a->{stale};

            my $got = $a->complete ? $a->status : $a->error;

            $count{$got}++;
            push @bad, "$got for $q->{text}" if $got ne $q->{want};
        }) for 1 .. USERS;
}


# Runs the load until every worker knows the last key of this swap, and none
# that of the swap before; returns when.

sub wait_swap {
    my ($n) = @_;
    my (%new, %old, @pids);

    for my $case ([ $n, 200, \%new ], [ $n - 1, 401, \%old ]) {
        my ($which, $want, $seen) = @$case;
        my $key = secret("last-$which");

        $load->user(
            next => sub {
                return undef if $seen->{stop};
                return { close => 1, text => "GET /v1/models HTTP/1.1\r\n"
                             . "Host: a\r\nAuthorization: Bearer $key\r\n"
                             . "Connection: close\r\n\r\n" };
            },
            done => sub {
                my ($q, $a) = @_;
                my $pid = $a->header('x-pid') or return;

                # it may not be taken back
                push @bad, "swap $n: $pid forgets" if $seen->{$pid}
                    && $a->status != $want;
                $seen->{$pid} = 1 if $a->status == $want;
            });
    }

    my $done = $load->run(20 * $SCALE, sub {
        @pids = $t->worker_pids;
        @pids == WORKERS && !grep { !$new{$_} || !$old{$_} } @pids;
    });
    my $now = time;

    # for a while it must stay so
    $load->run(0.3);
    $new{stop} = $old{stop} = 1;

    return $done ? $now : 0;
}


# Of a worker, KiB: its own memory, and its share of what is mapped.

sub memory {
    my ($pid) = @_;

    my $text = slurp("/proc/$pid/smaps_rollup");
    my %m = $text =~ /^(\w+):\s+(\d+) kB/mg;

    return { private => $m{Private_Dirty}, pss => $m{Pss}, rss => $m{Rss} };
}


sub snapshots { my @s = glob "$state/snapshot.*"; return @s }

my (@took, %private, $size, @pss);

$swap = 0;

for my $round (1 .. $ROUNDS) {
    @bad = ();
    users();

    for (1 .. SWAPS) {
        my $begun = put(++$swap);
        my $end = wait_swap($swap);

        ok($end, "swap $swap") or last;
        push @took, $end - $begun;

        # the one before it stays for who is about to map it

        ok(wait_for(sub { snapshots() <= 2 }), 'older snapshots are removed');
        ($size) = sort { $b <=> $a } map { -s } snapshots();

        for my $pid ($t->worker_pids) {
            my $m = memory($pid);

            push @{$private{$pid}}, $m->{private};
            push @pss, $m->{pss};
        }
    }

    ok($load->drain, "round $round: every request came to an end");
    $load->close;
    ok(!@bad, "round $round: every answer is right")
        or diag(map { "    $_\n" } @bad > 5 ? @bad[0 .. 4] : @bad);
    ok(!$load->{refused} && !$load->{strange},
       "round $round: every connection");
}

cmp_ok($size / KEYS, '<=', SHARE, sprintf 'a key takes %.0f bytes once',
       $size / KEYS);

SKIP: {
    skip 'memory tells nothing under sanitizers', 1 if $SANITIZED;
    skip 'too few swaps', 1 if $ROUNDS * SWAPS < 5;

    # the keeper's heap is that of a load, which comes and goes

    my ($worst) = sort { $b <=> $a } map {
        my @m = @$_;
        my @half = sort { $a <=> $b } @m[3 .. $#m / 2 + 2];
        $m[-1] - $half[-1];
    } values %private;

    cmp_ok($worst, '<', SLACK, 'workers do not grow with swaps')
        or diag(map { "    $_: @{$private{$_}}\n" } sort keys %private);
}

my ($steps, $long, $worst) = steps();

sub steps {
    my ($n, $long, $worst) = (0, 0, 0);

    open my $f, '<', $t->dir . '/steps.log' or die;

    while (<$f>) {
        my $step = (split ' ')[0];

        $n++;
        $long++ if $step > STEP;
        $worst = $step if $step > $worst;
    }

    return ($n, $long, $worst);
}


SKIP: {
    skip 'this build does not measure every step', 1 if !$DEBUG || $SANITIZED;

    # on a machine with other work one may be hit by what is not ours

    cmp_ok($long, '<=', $steps / 100_000,
           "of $steps steps none is longer than 1 ms: $worst s");
}

# ---- reloads that come amidst a load

@bad = ();
users();

my @reloads;

for my $i (1 .. 4) {
    my %old = map { $_ => 1 } $t->worker_pids;
    my $begun = put(++$swap);

    # the keeper looks twice, and then reads
    $load->run(0.2 * $i);
    $t->signal('HUP');
    ok($load->run(20 * $SCALE, sub {
        my @now = $t->worker_pids;
        @now == WORKERS && !grep { $old{$_} } @now;
    }), "reload $i");

    my $end = wait_swap($swap);

    ok($end, "swap $swap beside a reload");
    push @reloads, $end - $begun;
}

$load->drain;
$load->close;
ok(!@bad, 'every answer is right')
    or diag(map { "    $_\n" } @bad > 5 ? @bad[0 .. 4] : @bad);

# ---- a binary upgrade that is taken back: the old workers keep on

upgrade();

sub upgrade {
    my $u = GenAI::Test->new(name => 'upgraded', workers => WORKERS);
    my $dir = $u->dir;
    my %master;

    # one that stays with its parent does not upgrade

    my $conf = $u->write_file('nginx.conf', $u->expand($CONF
        =~ s/\A/%%GLOBALS%% /r =~ s/http \{/http { %%GLOBALS_HTTP%%/r)
        =~ s/daemon off;//r);

    $u->write_file('policy.d/1.json', json_text({ schema => 1,
        keys => { one => { sha256 => [ sha256_hex(secret('one')) ] } } }));

    my $pid = sub { my $p = eval { slurp("$dir/nginx.pid") } // 0; $p + 0 };
    my $workers = sub {
        my ($of) = @_;
        return grep { (eval { slurp("/proc/$_/cmdline") } // '') =~ /worker/ }
            split ' ', eval { slurp("/proc/$of/task/$of/children") } // '';
    };
    my ($rc, $out) = run_cmd([ $GenAI::Test::NGINX, '-p', "$dir/", '-c',
                               $conf, '-e', "$dir/error.log" ],
                             env => { $u->environment($dir) });

    is($rc, 0, 'an nginx of its own') or return diag($out);

    my $old = wait_for($pid);
    my $new;

    $DAEMONS{$old} = 1;

    ok(wait_for(sub { $workers->($old) == WORKERS }), 'it has workers');
    kill 'USR2', $old;
    $new = wait_for(sub { my $p = $pid->(); $p && $p != $old ? $p : 0 }, 10);
    ok($new, 'a new binary') or return;
    $DAEMONS{$new} = 1;
    ok(wait_for(sub { $workers->($new) == WORKERS }, 10), 'with workers');

    # the keeper is one of the new binary's by now

    my $text = "$dir/policy.d/1.json";
    my $change = sub {
        my ($key) = @_;
        $u->write_file($text, json_text({ schema => 1,
            keys => { $key => { sha256 => [ sha256_hex(secret($key)) ] } } }));
        return wait_for(sub {
            $u->get('/v1/models', headers =>
                [ Authorization => 'Bearer ' . secret($key) ])->status == 200;
        }, 10);
    };

    ok($change->('two'), 'two binaries: the policy changes');
    kill 'QUIT', $new;
    ok(wait_for(sub { !-e "/proc/$new" && delete $DAEMONS{$new} }, 20),
       'the new one is taken back');
    ok($change->('three'), 'the old one: the policy changes');
    ok($change->('four'), 'again');

    my @status = map {
        $u->get('/v1/models', headers =>
                [ Authorization => 'Bearer ' . secret('four') ])->status
    } 1 .. 20;

    is(join(' ', grep { $_ != 200 } @status), '', 'in every worker');

    kill 'QUIT', $old;
    ok(wait_for(sub { !-e "/proc/$old" && delete $DAEMONS{$old} }, 20),
       'its end');
}


END {
    kill 'TERM', grep { -e "/proc/$_" } keys %DAEMONS;
}


@took = sort { $a <=> $b } @took;
@reloads = sort { $a <=> $b } @reloads;
@pss = sort { $a <=> $b } @pss;

note(sprintf '%d swaps of %d keys: in effect in all workers after %.2f s'
     . ' (median), %.2f s (the longest); beside a reload %.2f s',
     scalar @took, KEYS, $took[@took / 2], $took[-1], $reloads[-1]);
note("requests: ", join ', ', map { "$_ $count{$_}" } sort keys %count);
note(sprintf 'a snapshot: %.1f MB, %.0f bytes a key; share of a worker'
     . ' (PSS): %.1f MB (median)', $size / 1e6, $size / KEYS,
     $pss[@pss / 2] / 1000);
note("private memory of workers, KiB, after each swap: @$_")
    for values %private;
note("longest step: $worst s; $long of $steps above 1 ms");

# the longest is at the mercy of what else the machine has to do

ok($took[@took / 2] < 2 * $SCALE, 'within two seconds') if !$SANITIZED;

done_testing;
