# SPDX-License-Identifier: Apache-2.0

# The books: totals by day, team, user, key and model are what the provider's
# own record says, request by request, whatever the exchanges were and whoever
# died; the books outlive reloads, restarts and binary upgrades, and are one
# nginx's own.

use strict;
use warnings;

use lib 't/lib';

use POSIX qw(WNOHANG);
use Time::HiRes qw(sleep time);

use GenAI::Books;
use GenAI::Held;
use GenAI::Load;
use GenAI::Test;

my $SCALE = $GenAI::Test::SCALE;
my $sim = GenAI::Books->sim;

# workers whose master is dead, and which nobody else would end
my @left;
my $owner = $$;

END { kill 'KILL', @left if $owner == $$ }

sub same_rows {
    my ($got, $want, $name) = @_;

    my @bad = grep { json_text($got->{$_}) ne json_text($want->{$_}) }
        sort keys %{{ %$got, %$want }};

    ok(!@bad, $name)
        or show(map { "$_: " . json_text($got->{$_}) . ', not '
                      . json_text($want->{$_}) } @bad);
}


# ---- every kind of exchange, four workers, reloads

my ($t, $all);

for my $kept (1, 0) {
    my $N = $kept ? 'on disk' : 'anonymous';
    my $books = $kept ? 'genai_books books;' : '';

    $t = GenAI::Test->new(name => $N, workers => 4, user => $USER,
                          log_level => 'info', clean_timeout => 20);
    $all = GenAI::Books->new(t => $t, sim => $sim, users => 24);
    $all->forget;
    $t->conf($all->conf(BOOKS => $books))->run;

    my $load = GenAI::Load->new(port => $t->port);

    $all->add_users($load);

    for (1 .. ($kept ? 3 : 1)) {
        $load->run(0.5);

        my %old = map { $_ => 1 } $t->worker_pids;

        $t->signal('HUP');
        ok($load->run(20 * $SCALE, sub {
            my @now = $t->worker_pids;
            return @now == 4 && !grep { $old{$_} } @now;
        }), "$N: a reload under load");
    }

    $load->run(0.3);
    ok($load->drain, "$N: every request came to an end");
    $load->close;

    # a few over HTTP/2
    if ($kept && $t->can_h2) {
        for my $kind (qw(json stream fails nokey off inline)) {
            my $q = $all->request(3, $kind);

            $all->{asked}{$q->{id}} = $q;
            $q->{answer} = $t->h2($q->{method}, "/$q->{kind}{path}",
                port => $t->port(1), body => $q->{body},
                headers => [ @{$q->{headers}},
                             'content-type' => 'application/json' ]);
        }
    }

    ok($all->wait_ended, "$N: and has its line in the log");

    my %kinds;
    $kinds{$_->{kind}{name}}++ for values %{$all->{asked}};

    cmp_ok(scalar(keys %kinds), '>=', $kept ? 27 : 12,
           "$N: exchanges of all kinds");
    diag("$N: " . join ', ', scalar(keys %{$all->{asked}}) . ' requests',
         map { "$_ $kinds{$_}" } sort keys %kinds);

    my @bad = $all->bad_lines;

    ok(!@bad, "$N: each line is what its kind and the provider's record say")
        or show(@bad);

    my $want = $all->expected;
    my $got = $all->settled($want);

    same_rows($got, $want, "$N: the books are the sum of the lines");
    cmp_ok(scalar(keys %$got), '>=', 24, "$N: in many rows");

    # not twice: nothing comes of the ends of connections or of the sweep
    sleep 0.6;
    same_rows($all->rows, $want, "$N: nothing is settled twice");

    $t->reload(gone => 1);
    same_rows($all->rows, $want, "$N: a reload changes nothing");

    $t->stop;
    $all->{from} = -s "$t->{dir}/books.log";
    $t->run;
    same_rows($all->rows, $kept ? $want : {}, $kept
              ? "$N: nor does a restart" : "$N: a restart begins anew");
    verified("$t->{dir}/books", "$N: genai-books verify") if $kept;

    next if $kept;

    $t->finish;
}


# ---- a worker is killed: its exchanges are settled at their checkpoint

{
    my $t = nginx('killed', workers => 3)->run;
    my @c = map { held($t) } 1 .. 12;
    my %of;

    push @{$of{worker_of($t, $_)}}, $_ for @c;
    ok(!$of{0}, 'killed: every stream has its worker');

    my ($pid) = sort { @{$of{$b}} <=> @{$of{$a}} } keys %of;
    my $lost = @{$of{$pid}};
    my @rest = map { @{$of{$_}} } grep { $_ != $pid } keys %of;

    is(sums($t), '0 0 0 0 0', 'killed: nothing is settled before');

    my $began = time;

    $t->kill_worker($pid);

    # 8 bytes are asked and 12 said, of 4 a token
    says($t, join(' ', $lost, $lost, $lost, 2 * $lost, 3 * $lost),
         "killed: $lost exchanges are settled at their checkpoint", 5);
    cmp_ok(time - $began, '<', 2.5 * $SCALE, 'killed: within two seconds');
    is(let_go(@rest), @rest, 'killed: the others end well');

    my $n = @rest;

    says($t, join(' ', $lost + $n, $lost, $lost, 2 * $lost + 10 * $n,
                  3 * $lost + 7 * $n), 'killed: and are exact');
    asked($t) for 1 .. 3;
    says($t, join(' ', $lost + $n + 3, $lost, $lost,
                  2 * $lost + 10 * $n + 30, 3 * $lost + 7 * $n + 3),
         'killed: it goes on');

    # all of them at once
    @c = map { held($t) } 1 .. 5;

    my @pids = $t->worker_pids;

    $t->allow(map { qr/worker process $_ exited on signal 9/ } @pids);
    kill 'KILL', @pids;
    ok(wait_for(sub {
        my @now = $t->worker_pids;
        return @now == 3 && !grep { my $p = $_; grep { $_ == $p } @pids } @now;
    }), 'killed: all workers at once');
    $lost += 5;
    says($t, join(' ', $lost + $n + 3, $lost, $lost,
                  2 * $lost + 10 * $n + 30, 3 * $lost + 7 * $n + 3),
         'killed: these, too');
    $_->close for @c;
    verified("$t->{dir}/books", 'killed: genai-books verify');

    # TERM ends what is open: nobody has died, no exchange is an orphan
    @c = map { held($t) } 1 .. 3;
    ok($t->stop(signal => 'TERM'), 'TERM: nginx ends');
    delete $t->{exit};
    $t->run;
    says($t, join(' ', $lost + 3 + $n + 3, $lost, $lost + 3,
                  2 * ($lost + 3) + 10 * $n + 30,
                  3 * ($lost + 3) + 7 * $n + 3),
         'TERM: what it cut is settled by itself');
    $_->close for @c;
    $t->finish;
}


# ---- a client that leaves counts what was said

{
    my $t = nginx('left')->run;

    held($t)->close;
    says($t, '1 0 1 2 3', 'left: what was said');
    held($t)->reset;
    says($t, '2 0 2 4 6', 'left: with a reset');
    $t->finish;
}


# ---- an answer of nginx's own cache has asked no provider

{
    my $t = nginx('cached');

    $t->{conf} =~ s/(http \{)/$1 proxy_cache_path c keys_zone=c:1m;/;
    $t->{conf} =~ s/(location \/in\/ +\{)/$1 proxy_cache c;
        proxy_cache_methods POST; proxy_cache_key 1; proxy_cache_valid 1h;/;
    $t->run;
    asked($t, 'in') for 1 .. 3;
    says($t, '3 0 0 10 1', 'cached: three exchanges have used one answer');
    $t->finish;
}


# ---- an old worker that still has a stream does not keep others from it

{
    my $t = nginx('old', workers => 1);

    # without a policy there is nothing else to be kept
    $t->{conf} =~ s/genai_policy policy.json;//;
    $t->{conf} =~ s/(location \/v1\/ +\{)/$1 genai_auth off;/;
    $t->run;

    my $old = held($t);

    sleep 0.7;
    $t->reload;

    my $new = held($t);

    $t->kill_worker((worker_of($t, $new)));
    says($t, '1 1 1 2 3', 'old: the orphan of a new worker is settled');
    is(let_go($old), 1, 'old: the old one ends well');
    says($t, '2 1 1 12 10', 'old: and is exact');
    $new->close;
    $t->finish;
}


# ---- reloads that change the books

{
    my $t = nginx('moved')->run;
    my $old = held($t);

    asked($t);
    $t->conf($t->{conf}, BOOKS => 'books max=16m');
    ok($t->reload, 'moved: another max');
    asked($t);
    is(let_go($old), 1, 'moved: an old worker ends its stream');
    says($t, '3 0 0 30 9', 'moved: they are the same books');

    $old = held($t);
    $t->conf($t->{conf}, BOOKS => 'other');
    ok($t->reload, 'moved: another directory');
    is(sums($t), '0 0 0 0 0', 'moved: with books of its own');
    asked($t);
    says($t, '1 0 0 10 1', 'moved: which are written');

    # an old worker has the former ones still, and so has its master
    $t->conf($t->{conf}, BOOKS => 'books max=16m');
    ok($t->reload, 'moved: back, while they are used');
    is(let_go($old), 1, 'moved: a stream in the former ones');
    ok(wait_for(sub { !$t->worker_pids(exiting => 1) }), 'moved: has ended');
    says($t, '4 0 0 40 16', 'moved: with all that was in them');
    verified("$t->{dir}/$_", "moved: genai-books verify $_")
        for qw(books other);
    $t->finish;
}


# ---- a binary upgrade

SKIP: {
    skip('no prctl here', 1) unless $REAPS;

    my $t = as_daemon(nginx('upgrade', workers => 2));
    my $first = $t->pid;
    my $old = held($t);

    asked($t);
    says($t, '1 0 0 10 1', 'upgrade: before');

    my $new = upgrade($t);

    ok($new, 'upgrade: there are two masters') or die $t->log_tail;

    my @both = map { held($t) } 1 .. 6;

    asked($t) for 1 .. 4;
    says($t, '5 0 0 50 5', 'upgrade: both write the same books');

    # back: the new one goes, the old one keeps its books and looks after them
    kill 'QUIT', $new;
    is(let_go(@both), 6, 'upgrade: streams of both end well');
    ok(wait_for(sub { !kill 0, $new }, 10), 'upgrade: the new master goes');
    says($t, '11 0 0 110 47', 'upgrade: all of them are exact');

    is(let_go($old), 1, 'upgrade: so does the first one');
    says($t, '12 0 0 120 54', 'upgrade: and is exact, too');

    my $c = held($t);

    $t->kill_worker((worker_of($t, $c)));
    says($t, '13 1 1 122 57',
         'upgrade: the old one settles orphans again', 8);
    $c->close;

    # and on: the old one goes
    $old = held($t);
    $new = upgrade($t);
    ok($new, 'upgrade: again') or die $t->log_tail;
    @both = map { held($t) } 1 .. 4;
    kill 'QUIT', $first;

    is(let_go($old, @both), 5, 'upgrade: streams of both end well again');
    ok(wait_for(sub { waitpid($first, WNOHANG) == $first }, 10),
       'upgrade: the old master goes');
    $t->{pid} = $new;
    says($t, '18 1 1 172 92', 'upgrade: all of them are exact');
    asked($t) for 1 .. 3;
    says($t, '21 1 1 202 95', 'upgrade: the new master has the books');
    $t->reload(gone => 1);
    is(sums($t), '21 1 1 202 95', 'upgrade: it reloads');

    my $second = nginx('beside', books => "$t->{dir}/books")->run;

    ok($second->wait_log(qr/in use by process $new\b/),
       'upgrade: another nginx is told who has them');
    $second->finish;

    $c = held($t);
    $t->kill_worker((worker_of($t, $c)));
    says($t, '22 2 2 204 98', 'upgrade: it settles orphans');
    $c->close;
    $t->finish;
}


# Starts the new binary, of the same configuration; returns its master when
# its workers are there.

sub upgrade {
    my ($t) = @_;

    my $old = $t->pid;
    my $file = "$t->{dir}/nginx.pid";
    my $new;

    unlink "$file.oldbin" unless -s "$file.oldbin";
    kill 'USR2', $old;

    return wait_for(sub {
        my $pid = eval { slurp($file) } // '';

        return 0 unless $pid =~ /^(\d+)/ && $1 != $old && -e "$file.oldbin";
        $new = $1;

        local $t->{pid} = $new;
        return $t->worker_pids == $t->{workers} && $new;
    }, 10);
}


# ---- one nginx, one set of books

{
    my $t = nginx('first')->run;
    my $dir = "$t->{dir}/books";
    my $pid = $t->pid;

    asked($t);
    says($t, '1 0 0 10 1', 'locked: the first one has them');

    my $t2 = nginx('second', books => $dir)->run;

    like($t2->error_log, qr/\[error\].*\Q$dir\E is in use by process $pid\b/,
         'locked: the second one is told who has them');
    for my $where (qw(v1 off in)) {
        my $r = asked($t2, $where);

        is($r->status . ' ' . ($r->header('x-genai-error') // '-'),
           '503 gateway_config', "locked: refused, $where");
        ok($r->json->{error}{message}, 'locked: with a reason');
    }
    is($t2->get('/usage')->status, 503, 'locked: no usage');
    is($t2->get('/plain/')->body, 'plain', 'locked: other locations serve');

    # it is an ingress: a reload may change what has nothing to do with it
    $t2->conf($t2->{conf} =~ s/"plain"/"other"/r);
    ok($t2->reload, 'locked: it can be reloaded');
    is($t2->get('/plain/')->body, 'other', 'locked: with effect');
    is(asked($t2)->status, 503, 'locked: refused as before');

    my $strict = nginx('strict', books => $dir, strict => 1);

    ok(!eval { $strict->run; 1 },
       'locked: with genai_strict it does not start');
    like($strict->error_log, qr/\[emerg\].*in use by process $pid\b/,
         'locked: and says why');

    my $t3 = nginx('third')->run;

    asked($t3);
    $t3->allow(qr/in use by process $pid/);
    $t3->conf($t3->{conf}, BOOKS => $dir);
    is($t3->reload(may_fail => 1), 0, 'locked: a reload into them fails');
    is(asked($t3)->status, 200, 'locked: the old configuration goes on');
    says($t3, '2 0 0 20 2', 'locked: with its own books');
    $t3->conf($t3->{conf}, BOOKS => 'books');
    ok($t3->reload, 'locked: and can be reloaded again');
    is(sums($t3), '2 0 0 20 2', 'locked: and has them still');

    is((nginx_t($dir))[0], 0, 'locked: nginx -t does not mind');
    says($t, '1 0 0 10 1', 'locked: nobody has written in those of the first');
    $t->stop;
    ok($t2->reload, 'locked: the first one has gone');
    is(asked($t2)->status, 200, 'locked: the second one may have them');
    says($t2, '2 0 0 20 2', 'locked: with all that was in them');

    $_->finish for $t, $t2, $t3;
}

SKIP: {
    skip('no prctl here', 1) unless $REAPS;

    # a master that is killed leaves workers behind, which go on
    my $t = nginx('left alone', workers => 2)->run;
    my $dir = "$t->{dir}/books";
    my @pids = @left = $t->worker_pids;
    my $c = held($t);

    kill 'KILL', $t->pid;
    ok(wait_for(sub { waitpid($t->pid, WNOHANG) == $t->pid }),
       'left alone: the master is killed');
    delete $t->{pid};
    $t->{checked} = 1;
    asked($t);

    my $t2 = nginx('next', books => $dir)->run;

    like($t2->error_log, qr/\Q$dir\E is in use by another process/,
         'left alone: its workers have the books');
    is(asked($t2)->status, 503, 'left alone: another nginx has not');
    kill 'KILL', @pids;
    ok(wait_for(sub { waitpid $_, WNOHANG for @pids; !kill 0, @pids }),
       'left alone: they die, too');
    $t2->reload;
    says($t2, '2 1 1 12 4', 'left alone: all of it is in the books');
    is(asked($t2)->status, 200, 'left alone: which another nginx has now');
    @left = ();
    $c->close;
    $t2->finish;
}

SKIP: {
    skip('no prctl here', 1) unless $REAPS;

    # who opens the books of a daemon is gone when it serves
    my $t = as_daemon(nginx('daemon'));
    my $pid = $t->pid;
    my $t2 = nginx('beside', books => "$t->{dir}/books")->run;

    like($t2->error_log, qr/is in use by process $pid\b/,
         'daemon: its master is named');
    $_->finish for $t2, $t;
}

done_testing;
