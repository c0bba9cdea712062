# SPDX-License-Identifier: Apache-2.0

# kill -9 under load.  Of the gateway's workers: only what is on the killed
# one's connections fails, all else is answered and right.  Of the provider's:
# clients are told, and all is well as soon as it is back.  The provider's
# record knows every answer that a client saw whole.

use strict;
use warnings;

use lib 't/lib';

use Time::HiRes qw(sleep time);

use GenAI::Load qw(judge normal);
use GenAI::Test;

use constant { JSON_USERS => 16, STREAM_USERS => 24, BODIES => 120 };

my $ROUNDS = $ENV{GENAI_ROUNDS} || 2;
my $SCALE = $GenAI::Test::SCALE;
my $SEED = $ENV{GENAI_SEED} || time ^ $$;

diag("GENAI_SEED=$SEED");
srand $SEED;

my %sim = (tokens => 24, rate => 120, delay => 3);

# the one that is killed keeps its record in a file; the other one says what
# is right
my $dir = File::Temp->newdir('genai-XXXXXXXX', TMPDIR => 1);
my $sim = GenAI::Test->sim(%sim, ledger => "$dir/ledger");
my $other = GenAI::Test->sim(tokens => 24);

my $t = GenAI::Test->new(workers => 2, log_level => 'info');

$t->conf(<<'EOC', SIM => $sim->port)->run;
events { worker_connections 512; }
http {
    upstream u { zone u 64k; server 127.0.0.1:%%SIM%% max_fails=0;
                 keepalive 8; }
    genai_provider o { dialect openai; pass http://127.0.0.1:%%SIM%%/v1;
                       header x-request-id; idle_timeout 30s; }
    genai_provider u { dialect openai; pass http://u.test/v1; upstream u;
                       header x-request-id; idle_timeout 30s; }
    genai_model o  { target o; }
    genai_model u  { target u; }
    genai_model ou { target o; target u; }
    server {
        listen 127.0.0.1:%%PORT_0%%;
        keepalive_requests 12;
        location / {
            genai_pass;
            genai_auth off;
            add_header x-pid $pid always;
        }
    }
}
EOC

# what may be asked, and the right answers

my @ask = map {
    my $i = $_;
    map {
        { stream => $_, i => $i, body => json_text({
            model => (qw(o u ou))[$i % 3], stream => $_ ? \1 : \0,
            messages => [ { role => 'user', content => "question $i "
                . join ' ', map { int rand 1000 } 1 .. rand 40 } ] }) }
    } 0, 1
} 1 .. BODIES;

for my $q (@ask) {
    my $r = $other->post('/v1/chat/completions', $q->{body});

    $q->{right} = normal($r);
    is((judge_direct($r, $q->{stream}))[0], 'whole', 'asked the provider')
        if $q->{i} == 1;
}

sub judge_direct {
    my ($r, $stream) = @_;

    push @{$r->{headers}}, [ 'x-genai-request-id', '-' ];
    $r->{extra} = '';
    return judge($r, $stream);
}


my ($load, @over, $n);

$n = 0;

sub users {
    my ($stream, $users) = @_;

    my @mine = grep { $_->{stream} == $stream } @ask;

    $load->user(
        next => sub {
            my $q = $mine[$n++ % @mine];
            my $id = "k$$-$n";

            return { %$q, id => $id, text => "POST /v1/chat/completions "
                . "HTTP/1.1\r\nHost: a\r\nx-request-id: $id\r\n"
                . "Content-Type: application/json\r\nContent-Length: "
                . length($q->{body}) . "\r\n\r\n$q->{body}" };
        },
        done => sub {
            my ($q, $a, $c) = @_;

            my ($what, $why) = judge($a, $stream);

            if ($what eq 'whole' && normal($a) ne $q->{right}
                || $what eq 'late' && index normal($a), $q->{right})
            {
                ($what, $why) = ('wrong', $a->body);
            }

            # nginx closes the connection when it could not end a stream well
            $q->{close} = 1 if $what =~ /^(?:broken|late)$/;

            push @over, { %$q, what => $what, why => $why, answer => $a,
                          victim => $c->{victim} };
        },
    ) for 1 .. $users;
}


# Stops a process, so that what it holds is what dies with it.

sub freeze {
    my ($pid) = @_;

    kill 'STOP', $pid;
    wait_for(sub { slurp("/proc/$pid/stat") =~ /\) T / })
        or die 'it does not stop';
}


# Marks the clients' connections that a worker has.

sub mark {
    my ($pid) = @_;

    my %inode = map { (readlink($_) // '') =~ /^socket:\[(\d+)\]/
                      ? ($1 => 1) : () } glob "/proc/$pid/fd/*";
    my $port = sprintf ':%04X', $t->port;
    my %client;

    for (split /\n/, slurp("/proc/$pid/net/tcp")) {
        my @f = split;

        next unless @f > 9 && $f[1] =~ /$port$/ && $inode{$f[9]};
        $client{hex +(split /:/, $f[2])[1]} = 1;
    }

    my $marked = 0;

    for my $c ($load->connections) {
        $marked += $c->{victim} = 1 if $client{$c->{local_port}};
    }

    return $marked;
}


# The provider's record: id => [ how each request of that id ended ].

sub record {
    my %end;

    my $r = $sim->get('/ledger');
    my $text = $r->complete ? $r->body : '';

    push @{$end{$1}}, $2
        while $text =~ /"request_id":"([^"]*)".*"end":"(\w+)"\}/g;

    return \%end;
}


sub clear { $sim->http('DELETE', '/ledger') }


sub respawned {
    my ($who, $dead) = @_;

    return sub {
        my @now = $who->worker_pids;
        return @now >= $who->{workers} && !grep { $_ == $dead } @now;
    };
}


sub show {
    my (@bad) = @_;

    diag("    $_->{id} $_->{body}: $_->{what} $_->{why}, after "
         . sprintf('%.3f s', $_->{answer}{took}))
        for @bad > 5 ? @bad[0 .. 4] : @bad;
    return 0;
}


sub none_of {
    my ($name, @bad) = @_;

    ok(!@bad, $name) or show(@bad);
}


my %sum;

for my $round (1 .. $ROUNDS) {
    my $R = "round $round";

    $load = GenAI::Load->new(port => $t->port);
    users(0, JSON_USERS);
    users(1, STREAM_USERS);
    @over = ();
    clear();

    # ---- a worker of the gateway

    $load->run(0.3 + rand 0.6);

    my @pids = $t->worker_pids;
    my $pid = $pids[rand 2];

    freeze($pid);

    my $marked = mark($pid);

    # one may have taken all the connections
    if (!$marked) {
        kill 'CONT', $pid;
        ($pid) = grep { $_ != $pid } @pids;
        freeze($pid);
        $marked = mark($pid);
    }

    $t->allow(qr/worker process $pid exited on signal 9/);
    kill 'KILL', $pid;
    ok($load->run(10 * $SCALE, respawned($t, $pid)),
       "$R: the master has put another in its place");

    my $back = time;
    my ($new) = grep { my $p = $_; !grep { $_ == $p } @pids } $t->worker_pids;

    $load->run(0.6);
    ok($load->run(10 * $SCALE, sub {
        grep { ($_->{answer}->header('x-pid') // '') eq $new } @over;
    }), "$R: which serves");
    ok($load->drain, "$R: every request came to an end");

    my @mine = grep { $_->{victim} } @over;
    my @rest = grep { !$_->{victim} } @over;
    my @lost = grep { $_->{what} ne 'whole' } @mine;

    $sum{lost} += @lost;
    $sum{marked} += $marked;
    $sum{$_->{stream} ? 'stream' : 'json'}++
        for grep { $_->{what} eq 'whole' } @over;

    none_of("$R: what was elsewhere is whole and right",
            grep { $_->{what} ne 'whole' } @rest);
    none_of("$R: what was on its connections is right or not whole",
            grep { $_->{what} !~ /^(?:cut|none)$/
                   || $_->{answer}->body =~ /\[DONE\]/
                      && index(normal($_->{answer}), $_->{right}) }
            @lost);
    cmp_ok(scalar(grep { $_->{begun} > $back } @over), '>', 20,
           "$R: later ones were answered");

    # the provider was never in trouble, so nothing was sent twice

    my $record;

    ok(wait_for(sub {
        $record = record();
        return !grep { $_ eq 'open' } map { @$_ } values %$record;
    }, 10), "$R: the provider has let go of all");
    none_of("$R: its record has each of them once and done",
            grep { $_->{what} eq 'whole'
                   && "@{$record->{$_->{id}} || []}" ne 'done' } @over);
    none_of("$R: and no request twice",
            grep { @{$record->{$_->{id}} || []} > 1 } @over);

    # ---- the provider's worker

    clear();
    @over = ();
    $load->run(0.3 + rand 0.6);

    $pid = ($sim->worker_pids)[0];
    $sim->allow(qr/worker process $pid exited on signal 9/);
    kill 'KILL', $pid;
    ok($load->run(10 * $SCALE, respawned($sim, $pid)),
       "$R: the provider is back");

    # what the gateway still has of the old one has come to an end by now
    $load->run(0.1);
    $back = time;
    $load->run(0.6);
    ok($load->drain, "$R: every request came to an end again");

    my @failed = grep { $_->{what} ne 'whole' } @over;

    $sum{failed} += @failed;
    $sum{$_->{what}}++ for @failed;

    none_of("$R: clients were told",
            grep { !($_->{what} eq 'error' && $_->{why} =~ /^provider_/
                     || $_->{what} eq 'cut' && !$_->{stream}
                     || $_->{what} =~ /^(?:broken|late)$/) }
            @failed);
    none_of("$R: later ones are whole and right",
            grep { $_->{begun} > $back } @failed);
    cmp_ok(scalar(grep { $_->{begun} > $back } @over), '>', 20,
           "$R: there were some");

    # It may die between its last byte and its record, with one answer.

    my @missing;

    wait_for(sub {
        $record = record();
        @missing = grep { $_->{what} eq 'whole'
                          && !grep { $_ eq 'done' }
                              @{$record->{$_->{id}} || []} } @over;
        return @missing <= 1;
    });
    ok(@missing <= 1, "$R: the record knows what was whole")
        or show(@missing);

    $load->close;
    ok(!$load->{strange}, "$R: nothing came that was not asked for");
}

cmp_ok($sum{marked}, '>', 0, 'the killed workers had connections');
cmp_ok($sum{lost}, '>', 0, 'and requests');
cmp_ok($sum{failed}, '>', 0, 'the killed providers had requests');

diag(join ', ', map { "$_ $sum{$_}" } sort keys %sum);

done_testing;
