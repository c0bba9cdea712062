# SPDX-License-Identifier: Apache-2.0

# Everything that a provider may do wrong, at random, under load and reloads.
# Each model has one to three targets, each with a fault of its own or none;
# some requests bring another fault for all of them.  Where the outcome is
# certain it must be that one.  Every request has a text of its own, which
# must be what comes back.

use strict;
use warnings;

use lib 't/lib';

use Time::HiRes qw(time);

use GenAI::Load qw(judge content descriptors);
use GenAI::Test;

use constant { USERS => 32, MODELS => 30, SECONDS => 4 };

my $ROUNDS = $ENV{GENAI_ROUNDS} || 2;
my $SCALE = $GenAI::Test::SCALE;
my $SEED = $ENV{GENAI_SEED} || time ^ $$;

diag("GENAI_SEED=$SEED");
srand $SEED;

# What a provider does, and what that means:
#
#     right   the answer is whole and right
#     next    no answer, the next target is asked
#     stop    an error that is the last word
#     cut     it begins to answer well and does not end well
#     lie     it ends as if it were whole
#     odd     a second answer behind the first: where it comes after the
#             connection was taken again, nobody can tell that it is not the
#             one to the next request; no other provider's may be hit by it

my %kind = (
    ok        => [ right => 'tokens=8' ],
    slow      => [ right => 'delay=30 rate=200' ],
    trickle   => [ right => 'slow_header=60 write=50 gap=1' ],
    bytewise  => [ right => 'bytewise' ],
    pieces    => [ right => 'write=7' ],
    early     => [ right => 'early' ],
    close     => [ right => 'close' ],
    smuggle   => [ odd => 'smuggle' ],
    gzip      => [ right => 'gzip' ],
    header    => [ right => 'big_header=3000' ],
    s500      => [ next => 'status=500' ],
    s503      => [ next => 'status=503 retry_after=1' ],
    s529      => [ next => 'status=529' ],
    s429      => [ next => 'status=429' ],
    s302      => [ next => 'status=302 header=Location:http://127.0.0.1/' ],
    html      => [ next => 'html' ],
    garbage   => [ next => 'garbage' ],
    accept    => [ next => 'reset=accept' ],
    silent    => [ next => 'silence=header', 'idle_timeout 500ms;' ],
    refused   => [ next => '' ],
    huge      => [ next => 'big_header=20000' ],
    s400      => [ stop => 'status=400' ],
    s401      => [ stop => 'status=401' ],
    s418      => [ stop => 'status=418' ],
    s413      => [ stop => 'status=413' ],
    cut       => [ cut => 'cut=150' ],
    cut2      => [ cut => 'cut=330 write=20' ],
    reset     => [ cut => 'reset=body' ],
    headreset => [ cut => 'reset=header' ],
    length    => [ cut => 'length=20' ],
    quiet     => [ cut => 'silence=3', 'idle_timeout 500ms;' ],
    event     => [ cut => 'error_after=3' ],
    short     => [ lie => 'length=-20' ],
    closecut  => [ lie => 'close cut=200' ],
);

# what a request may ask for, whoever is asked
my @asked = grep { !$kind{$_}[2] && !/^(?:refused|smuggle)$/ }
            sort keys %kind;

my @sims = map {
    GenAI::Test->sim(tokens => 8, -workers => 2, -server => join '', map {
        qq(location /$_/ { genai_sim )
            . join(' ', map { qq("$_") } split / /, $kind{$_}[1]) . '; } '
    } sort keys %kind)
} 1 .. 3;

my $t = GenAI::Test->new(workers => 2, log_level => 'info');
my $nowhere = $t->port(9);
my (%model, $generation);


# ---- configurations

sub providers {
    my $text = '';

    for my $kind (sort keys %kind) {
        for my $i (0 .. 2) {
            my $port = $kind eq 'refused' ? $nowhere : $sims[$i]->port;
            my $idle = $kind{$kind}[2] || 'idle_timeout '
                . ($kind{$kind}[0] =~ /cut|lie/ ? 1 : 20 * $SCALE) . 's;';

            # some with the peers of a block, the others with their own
            my $up = $i == 2 ? "upstream u_$kind;" : '';

            $text .= "upstream u_$kind { zone u_$kind 64k;"
                . " server 127.0.0.1:$port max_fails=0; keepalive 4; }\n"
                if $up;
            $text .= "genai_provider $kind$i { dialect openai; pass "
                . "http://127.0.0.1:$port/$kind/v1; $idle $up"
                . " header x-genai-sim; header x-genai-sim-text; }\n";
        }
    }

    return $text;
}


sub new_models {
    my ($g) = @_;

    my @kinds = sort keys %kind;

    for my $m (0 .. MODELS - 1) {
        my @t = map { rand() < 0.3 ? 'ok' : $kinds[rand @kinds] }
                1 .. 1 + rand 3;

        $model{"g$g-$m"} = [ map { [ $_, int rand 3 ] } @t ];
    }
}


# The models of the last generation stay, for requests under way.

sub configuration {
    my ($g) = @_;

    delete $model{$_} for grep { !/^g(?:$g|@{[ $g - 1 ]})-/ } keys %model;

    my $models = join '', map {
        my $targets = join ' ', map { "target $_->[0]$_->[1];" }
                                    @{$model{$_}};
        "genai_model $_ { $targets next_target_tries 0;"
            . " next_target_timeout 0; }\n"
    } sort keys %model;

    return <<"EOC";
events { worker_connections 1024; }
http {
    ${\providers()}
    $models
    server {
        listen 127.0.0.1:%%PORT_0%%;
        keepalive_requests 50;
        client_body_buffer_size 4k;
        location / { genai_pass; genai_auth off; }
    }
}
EOC
}


# What must come of a request: a class, or '' where it is not certain.

sub expected {
    my ($model, $fault) = @_;

    my @left = @{$model{$model}};

    return 'odd' if grep { $kind{$_->[0]}[0] eq 'odd' } @left;

    while (my $t = shift @left) {
        my $class = $kind{$t->[0]}[0];

        # the two together do what they do
        if ($fault && $t->[0] ne 'refused') {
            return '' if $t->[0] ne 'ok';
            $class = $kind{$fault}[0];
        }

        return 'right' if $class eq 'right';
        return 'error' if $class eq 'stop';

        # it may break off before there is an answer
        return '' if $class eq 'cut'
            && grep { $kind{$_->[0]}[0] eq 'lie' } @left;
        return $class unless $class eq 'next';
    }

    return 'error';
}


# ---- clients

my ($load, %count, @bad, $n, %seen);

$n = 0;

sub request {
    my $model = "g$generation-" . int rand MODELS;
    my $fault = rand() < 0.25 ? $asked[rand @asked] : '';
    my $stream = rand() < 0.6;
    my $chat = rand() < 0.8;
    my $text = sprintf 'marker %07d of %s %s.', ++$n, $model,
                       join ' ', map { int rand 1e6 } 1 .. 3 + rand 20;
    my %q = (
        model => $model, fault => $fault, stream => $stream, want => $text,
        expected => expected($model, $fault), n => $n,
        targets => join ' ', map { $_->[0] } @{$model{$model}});
    my $body = json_text({
        model => $model, stream => $stream ? \1 : \0,
        $chat ? (messages => [ { role => 'user', content => "n $n" } ])
              : (prompt => "n $n"),
        rand() < 0.1 ? (user => 'x' x rand 30000) : () });
    my $head = 'POST /v1/' . ($chat ? 'chat/' : '') . 'completions HTTP/1.1'
        . "\r\nHost: a\r\nContent-Type: application/json\r\n"
        . "x-genai-sim-text: $text\r\n"
        . ($fault ? "x-genai-sim: $kind{$fault}[1]\r\n" : '');

    $q{text} = rand() < 0.1
        ? sprintf("%sTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n"
                  . "%x\r\n%s\r\n0\r\n\r\n", $head, 10, substr($body, 0, 10),
                  length($body) - 10, substr $body, 10)
        : "${head}Content-Length: " . length($body) . "\r\n\r\n$body";

    # some leave, and some wait
    $q{abort} = int rand 1500 if rand() < 0.05;
    $q{pause} = rand 0.1 if rand() < 0.1;
    $q{close} = 1 if rand() < 0.05;

    return \%q;
}


# Only a stream that the gateway reads can end with an error event: a request
# for one may have moved on to a target that answers with something else.

sub tellable {
    my ($a) = @_;

    return ($a->header('content-type') // '') =~ /event-stream/
        && !length($a->header('content-encoding') // '');
}


sub answered {
    my ($q, $a) = @_;

    my ($what, $why) = judge($a, $q->{stream});
    my $got = content($a);
    my $lies = $q->{expected} =~ /^(?:lie|odd|)$/;

    # a reload closes idle connections: any client asks again
    if ($what eq 'none' && $a->{stale}) {
        $count{stale}++;
        return;
    }

    # an error's body may lie about its length as well
    $what = 'ended' if $what eq 'bad' && $why =~ /^no error object/ && $lies;

    # what there is of an answer is this request's own, always
    if ($q->{expected} eq 'odd') {
        # it need not be

    } elsif ($what =~ /^(?:whole|broken|late|cut|ended)$/
             && ($a->header('content-encoding') // '') ne 'gzip'
             && $a->body !~ /\A\{"error"/ && index($q->{want}, $got) != 0)
    {
        ($what, $why) = ('wrong', $got);

    } elsif ($what =~ /^(?:whole|late)$/ && $got ne $q->{want}) {
        ($what, $why) = ('wrong', $got);
    }

    $count{$what}++;
    $q->{close} = 1 if $what =~ /^(?:broken|late)$/;
    $seen{"$q->{expected} $what"}++;

    my $fine = $q->{expected} eq 'right' ? $what eq 'whole'
        : $q->{expected} eq 'error' ? $what eq 'error'
        : $q->{expected} eq 'odd' ? $what !~ /^(?:bad|timeout|none)$/
        : $what eq 'ended' ? $lies
        : $what eq 'cut' ? !$q->{stream} || $lies || !tellable($a)
        : $what =~ /^(?:whole|error|broken|late)$/;

    push @bad, { %$q, what => $what, why => $why, answer => $a } unless $fine;
}


sub show {
    my %kinds;

    $kinds{"$_->{targets}, $_->{fault}, "
           . ($_->{stream} ? 'stream' : 'JSON') . ", $_->{expected}:"
           . " $_->{what} " . substr $_->{why}, 0, 60}++ for @bad;
    diag("    $kinds{$_} times $_") for sort keys %kinds;

    for my $b (@bad > 4 ? @bad[0 .. 3] : @bad) {
        diag("    request $b->{n} ($b->{targets}"
             . ($b->{fault} ? ", asked for $b->{fault}" : '')
             . ($b->{stream} ? ', stream' : '') . "): $b->{what} $b->{why},"
             . " not $b->{expected}; after "
             . sprintf('%.3f s', $b->{answer}{took}) . "\n"
             . substr(($b->{answer}{raw_head} // '')
                      . "\n" . $b->{answer}->body, 0, 2000));
    }
}


# ---- rounds

$generation = 1;
new_models(1);
$t->conf(configuration(1))->run;

my $base = descriptors($t->pid, $t->worker_pids);

for my $round (1 .. $ROUNDS) {
    my $R = "round $round";
    my $end = time + SECONDS;
    my $reloads = 0;

    $load = GenAI::Load->new(port => $t->port);
    $load->user(next => \&request, done => \&answered) for 1 .. USERS;
    @bad = ();

    my $had = $n;

    while (time < $end) {
        $load->run(0.5 + rand 1);

        # the next configuration knows the models of this one too
        new_models($generation + 1);
        $t->conf(configuration($generation + 1));

        my %old = map { $_ => 1 } $t->worker_pids;

        $t->signal('HUP');
        $load->run(20 * $SCALE, sub {
            my @now = $t->worker_pids;
            return @now == 2 && !grep { $old{$_} } @now;
        }) or last;

        $generation++;
        $reloads++;
    }

    cmp_ok($reloads, '>', 1, "$R: reloads");
    ok($load->drain, "$R: every request came to an end");
    cmp_ok($n - $had, '>', 200, "$R: there were some");
    ok(!@bad, "$R: every one as it must") or show();
    ok(!$load->{strange}, "$R: nothing came that was not asked for");
    ok(!$load->{refused}, "$R: every connection was accepted");
    $load->close;
    ok(wait_for(sub { !$t->worker_pids(exiting => 1) }, 10),
       "$R: the old workers are gone");
}

# new workers have no idle connections yet
$t->reload(gone => 1);
is(descriptors($t->pid, $t->worker_pids), $base,
   'as many descriptors as at first');

cmp_ok($count{$_} // 0, '>', 0, "some were $_") for qw(whole error broken cut);

diag(join ', ', "requests $n", map { "$_ $count{$_}" } sort keys %count);
diag(join ', ', map { "$_: $seen{$_}" } sort keys %seen);

done_testing;
