# SPDX-License-Identifier: Apache-2.0

# Hundreds of open streams, requests all the time, a reload every second: not
# one answer is lost.  Memory and descriptors are the same after every round,
# old workers go when their streams are over, the error log stays empty.

use strict;
use warnings;

use lib 't/lib';

use Time::HiRes qw(time);

use GenAI::Load qw(judge normal descriptors);
use GenAI::Test;

use constant { STREAMS => 240, USERS => 8, RELOADS => 4, STEADY => 500 };

# what may be more after many rounds, KiB: the allocator is not exact
use constant { SLACK => 192, MASTER_SLACK => 192 };

my $ROUNDS = $ENV{GENAI_ROUNDS} || 2;
my $SCALE = $GenAI::Test::SCALE;
my $SEED = $ENV{GENAI_SEED} || time ^ $$;

diag("GENAI_SEED=$SEED");
srand $SEED;

# sanitizers keep what was freed
my $MEMORY = !GenAI::Test->has('fsanitize=address');

my @LENGTHS = (3, 6, 9, 12);
my $sim = GenAI::Test->sim(tokens => 16, last => 'off',
    -workers => 2, -http => 'access_log off;',
    -server => 'location /paced/ { genai_sim rate=4 last=off; }');
my $t = GenAI::Test->new(workers => 2, log_level => 'info',
                         clean_timeout => 20);

$t->conf(<<'EOC', SIM => $sim->port)->run;
worker_rlimit_nofile 4096;
events { worker_connections 2048; }
http {
    access_log off;
    upstream u { zone u 64k; server 127.0.0.1:%%SIM%%; keepalive 8; }
    genai_provider o { dialect openai; pass http://127.0.0.1:%%SIM%%/v1; }
    genai_provider u { dialect openai; pass http://u.test/v1; upstream u; }
    genai_provider p { dialect openai;
                       pass http://127.0.0.1:%%SIM%%/paced/v1; }
    genai_provider q { dialect openai; pass http://u.test/paced/v1;
                       upstream u; }
    genai_model o { target o; }
    genai_model u { target u model=else; }
    genai_model p { target p; }
    genai_model q { target q; target p; }
    server {
        listen 127.0.0.1:%%PORT_0%% backlog=1024;
        keepalive_requests 200;
        location / { genai_pass; genai_auth off; }
    }
}
EOC

# what is asked, and the right answers

my (@paced, @quick);

for my $i (0 .. 39) {
    my %m = (messages => [ { role => 'user', content => "soak $i "
                             . 'and on ' x rand 100 } ]);
    my $paced = json_text({ %m, model => (qw(p q))[$i % 2], stream => \1,
                            max_tokens => $LENGTHS[$i % @LENGTHS] });
    my $quick = json_text({ %m, model => (qw(o u))[$i % 2],
                            stream => $i % 3 ? \0 : \1 });

    push @paced, question($paced, 1);
    push @quick, question($quick, $i % 3 == 0);
}


sub question {
    my ($body, $stream) = @_;

    # what the target renames is asked by that name
    my $direct = $body =~ s/"model":"u"/"model":"else"/r;

    return { stream => $stream, body => $body,
             right => normal($sim->post('/v1/chat/completions', $direct)),
             text => "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\n"
                 . "Content-Type: application/json\r\nContent-Length: "
                 . length($body) . "\r\n\r\n$body" };
}


my ($load, @bad, %count);

sub user {
    my (%o) = @_;

    my $n = int rand 1000;

    $load->user(
        next => sub {
            return undef if $o{limit} && $o{limit}->();
            return { %{$o{ask}[$n++ % @{$o{ask}}]}, %{$o{with} || {}} };
        },
        done => sub {
            my ($q, $a) = @_;
            my ($what, $why) = judge($a, $q->{stream});

            # a reload closes idle connections: any client asks again
            return $count{stale}++ if $a->{stale};

            ($what, $why) = ('wrong', $a->body)
                if $what eq 'whole' && normal($a) ne $q->{right};

            $count{$q->{stream} ? 'streams' : 'answers'}++;
            push @bad, "$what $why after $a->{took} s: $q->{body}"
                if $what ne 'whole';
        });
}


sub hup {
    my %old = map { $_ => 1 } $t->worker_pids;

    $t->signal('HUP');
    return $load->run(20 * $SCALE, sub {
        my @now = $t->worker_pids;
        return @now == 2 && !grep { $old{$_} } @now;
    });
}


# Some requests, always the same ones; then the memory of the workers, or
# what they have open.

sub steady {
    my ($requests) = @_;

    my $left = $requests;

    $load = GenAI::Load->new(port => $t->port);
    user(ask => \@quick, limit => sub { $left-- <= 0 }, with => { close => 1 })
        for 1 .. USERS;
    $load->run(30 * $SCALE, sub { $left <= 0 && !$load->open });
    $load->close;
}


sub memory {
    my ($max) = sort { $b <=> $a } map { $t->rss($_) } $t->worker_pids;

    return $max;
}


my (@rss, @grown, @master, $base);

for my $round (1 .. $ROUNDS) {
    my $R = "round $round";

    @bad = ();
    $load = GenAI::Load->new(port => $t->port);

    # every stream has a connection of its own, as an SDK's mostly has
    user(ask => \@paced, with => { close => 1 }) for 1 .. STREAMS;
    user(ask => \@quick) for 1 .. USERS;

    $load->run(0.7);
    cmp_ok($load->open, '>=', STREAMS, "$R: streams are open");

    for my $n (1 .. RELOADS) {
        my $begun = time;

        ok(hup(), "$R: reload $n") or last;

        my $left = 1 - (time - $begun);

        $load->run($left) if $left > 0;
    }

    cmp_ok(scalar($t->worker_pids(exiting => 1)), '>', 0,
           "$R: old workers have streams");
    ok($load->drain, "$R: every request came to an end");
    $load->close;
    ok(!@bad, "$R: every answer is whole and right")
        or diag(map { "    $_\n" } map { substr $_, 0, 400 }
                @bad > 5 ? @bad[0 .. 4] : @bad);
    ok(!$load->{strange}, "$R: nothing came that was not asked for");
    ok(!$load->{refused}, "$R: every connection was accepted");
    ok(wait_for(sub { !$t->worker_pids(exiting => 1) }, 10),
       "$R: the old workers are gone");

    # workers of the same age that have done the same

    $t->reload(gone => 1);

    my $open = descriptors($t->pid, $t->worker_pids);

    $base //= $open;
    is($open, $base, "$R: as many descriptors as at first");

    @bad = ();
    steady(STEADY);
    push @rss, memory();
    push @master, $t->rss($t->pid);
    steady(STEADY) for 1 .. 2;
    push @grown, memory() - $rss[-1];
    ok(!@bad, "$R: what was asked then is right");
}

SKIP: {
    skip 'memory tells nothing under sanitizers', 3 unless $MEMORY;

    # the first round is the measure, the rest may vary but not rise
    cmp_ok(last_of(@rss) - $rss[0], '<', SLACK, 'workers do not grow from'
           . ' one generation to the next');
    cmp_ok(last_of(@master) - $master[0], '<', MASTER_SLACK,
           'the master does not grow with its reloads');
    cmp_ok((sort { $a <=> $b } @grown)[@grown / 2], '<', SLACK,
           'nor a worker with its requests');
}


# what it comes to at the end, where there are enough of them without a peak

sub last_of {
    my (@all) = @_;

    @all = @all > 5 ? @all[-3 .. -1] : $all[-1];

    return (sort { $a <=> $b } @all)[0];
}


my @said = grep { /\[(?:warn|error|crit|alert|emerg)\]/ }
           split /\n/, $t->error_log;

ok(!@said, 'the error log is clean')
    or diag(map { "    $_\n" } @said > 10 ? @said[0 .. 9] : @said);

cmp_ok($count{streams}, '>', 200, 'streams');
cmp_ok($count{answers}, '>', 200, 'answers');

diag(join ', ', map { "$_ $count{$_}" } sort keys %count);
diag("KiB: workers @rss, more after requests @grown, master @master");

done_testing;
