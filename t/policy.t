# SPDX-License-Identifier: Apache-2.0

# The policy as it changes under a running nginx: what takes effect, when, and
# in which workers; files that are broken, half there or gone; revocation
# whatever else happens; credentials that are re-read.

use strict;
use warnings;

use lib 't/lib';

use Digest::SHA qw(sha256_hex);
use JSON::PP ();
use Time::HiRes qw(sleep time);

use GenAI::Test;
use GenAI::Upstream;

# from the write until the last worker goes by it, seconds
my $LIMIT = 2 * $GenAI::Test::SCALE;

my $SSE = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
    . "Transfer-Encoding: chunked\r\n\r\n";

my $up = GenAI::Upstream->new(lossy => 1, route => sub {
    my ($r) = @_;
    my $do = JSON::PP::decode_json($r->{body})->{do} // '';

    return [ [ send => $SSE ],
             [ chunk => 'data: {"choices":[{"index":0,"delta":{"content":"'
                        . "$r->{h}{authorization}\"}}]}\n\n" ],
             [ mark => $do ], [ wait => "go $do" ],
             [ chunk => "data: [DONE]\n\n" ], 'chunk_end' ] if $do;
    return [ [ json => 200, { authorization => $r->{h}{authorization},
                              choices => [ { finish_reason => 'stop' } ],
                              usage => { prompt_tokens => 1,
                                         completion_tokens => 1,
                                         total_tokens => 2 } } ] ];
});

my @effects;

sub secret { return "sk-test-$_[0]-0123456789" }
sub hash { return sha256_hex(secret($_[0])) }
sub key { return { sha256 => [ map { hash($_) } @_ ] } }
sub auth { return (Authorization => 'Bearer ' . secret($_[0])) }

sub policy { return json_text({ schema => 1, @_ }) }

sub ask {
    my ($t, $key, %o) = @_;

    return $t->get('/v1/models', headers => [ auth($key) ], %o);
}

sub status { return ask(@_)->status }


# What the workers say: asks until every one of them has said something.  The
# sub returns the pid of who answered, and what.

sub everywhere {
    my ($t, $sub) = @_;
    my (%said, %by, $all);

    my $end = time + 5 * $GenAI::Test::SCALE;

    do {
        my ($pid, $what) = $sub->();

        $said{$what} = $by{$pid} = 1;
        $all = !grep { !$by{$_} } $t->worker_pids;
    } until ($all || time > $end);

    return join ' ', sort keys %said, $all ? () : 'not all';
}


sub says {
    my ($t, $key) = @_;

    return sub {
        my $r = ask($t, $key);
        return ($r->header('x-pid') // 0, $r->status // 'closed');
    };
}


# Makes a change and waits until every worker says what is wanted.

sub effect {
    my ($t, $change, $sub, $want, $name) = @_;
    my %said;

    $change->();

    my $begun = time;
    my $done = wait_for(sub {
        for (1 .. 40) {
            my ($pid, $what) = $sub->();

            if ($what ne $want) {
                delete $said{$pid};
                last;
            }

            $said{$pid} = 1;
            return 1 if !grep { !$said{$_} } $t->worker_pids;
        }
        return 0;
    }, 5);
    my $took = time - $begun;

    ok($done && $took < $LIMIT,
       sprintf '%s: %s after %.2f s in each of %d workers', $name, $want,
               $took, scalar keys %said);
    push @effects, $took if $done;

    return $took;
}


# The thread that watches makes the keeper known.

sub keeper {
    my ($t) = @_;

    return wait_for(sub {
        my %threads = map { $_ => scalar(() = glob "/proc/$_/task/*") }
            $t->worker_pids;
        my ($least) = sort { $a <=> $b } values %threads;
        my @more = grep { $threads{$_} > $least } keys %threads;

        return @more == 1 && keys %threads == $t->{workers} ? $more[0] : 0;
    });
}


# All files below a directory, with what a change of them would change.

sub tree {
    my ($dir, $except) = @_;
    my ($rc, $out) = run_cmd([ 'find', $dir, '-printf',
                               '%P %y %s %i %T@ %U:%G %m\n' ]);

    return join "\n", sort grep { !$except || !/$except/ } split /\n/, $out;
}


# nginx -t with the very configuration and folder that nginx runs with

sub check_live {
    my ($t) = @_;

    my %env = $t->environment($t->dir);

    # a process that only checks does not tidy up
    $env{ASAN_OPTIONS} .= ':detect_leaks=0';

    return run_cmd([ $GenAI::Test::NGINX, '-t', '-p', $t->dir . '/', '-c',
                     $t->dir . '/nginx.conf' ], env => \%env);
}


# ---- four workers, a directory, books

my %org = (teams => { search => {}, shop => { parent => 'search' } });
my %a = (keys => { 'a-1' => { %{key('a1')}, team => 'search' },
                   'a-2' => { %{key('a2')}, team => 'shop' },
                   'rot' => key('rot-1') });
my %b = (keys => { 'b-1' => key('b1'), 'b-2' => key('b2') });

my $HTTP = <<'EOF';
http {
    %%STATE%%
    genai_policy  %%POLICY%%;
    genai_revoked revoked;
    genai_secret  ours file:ours;
    genai_provider p { dialect openai; pass http://127.0.0.1:%%UP%%/v1;
                       credential file:base; }
    genai_model m { target p; }
    log_format l escape=none "$status [$genai_key_id] [$genai_team] $pid";
    access_log access.log l;
    server {
        listen 127.0.0.1:%%PORT_0%% reuseport;
        listen 127.0.0.1:%%PORT_1%% %%LISTEN_H2%%;
        %%HTTP2_ON%%
        add_header x-pid $pid always;
        location /v1/ { genai_pass; }
        location /opt/ { genai_pass; genai_auth optional; }
        location = /health { genai_health; }
    }
}
EOF

my $t = GenAI::Test->new(workers => 4, log_level => 'info', name => 'four');
my $dir = $t->dir . '/policy.d';
my $books = $t->dir . '/books';

sub put { return $t->write_file("policy.d/$_[0]", $_[1]) }

put('10-org.json', policy(%org));
put('20-a.json', policy(%a));
put('30-b.json', policy(%b));
$t->write_file($_, "key-$_\n") for qw(base ours);

$t->conf($HTTP, UP => $up->port, POLICY => 'policy.d',
         STATE => 'genai_books books;')->run;

is(everywhere($t, says($t, 'a1')), 200, 'a key of the first load');
is(everywhere($t, says($t, 'new')), 401, 'one that is not there yet');

effect($t, sub { $a{keys}{new} = key('new'); put('20-a.json', policy(%a)) },
       says($t, 'new'), 200, 'a new key');

# rotation

effect($t, sub {
    $a{keys}{rot} = key('rot-1', 'rot-2');
    put('20-a.json', policy(%a));
}, says($t, 'rot-2'), 200, 'the second secret of a key');
is(everywhere($t, says($t, 'rot-1')), 200, 'with the first one');
effect($t, sub { $a{keys}{rot} = key('rot-2'); put('20-a.json', policy(%a)) },
       says($t, 'rot-1'), 401, 'the first secret goes');
is(everywhere($t, says($t, 'rot-2')), 200, 'without the second one');

# revocation, by id and by hash

effect($t, sub {
    $t->write_file('revoked', "# stolen\n\n  b-1 \r\n" . uc(hash('new'))
                   . "\nnobody\n\x00\xff{\n");
}, says($t, 'b1'), 401, 'revoked by its id');
is(everywhere($t, says($t, 'new')), 401, 'revoked by its hash');
is(everywhere($t, says($t, 'b2')), 200, 'another one is not');

# a list that is gone is no order to let them in again: an empty one is

unlink $t->dir . '/revoked';
ok(wait_for(sub { $t->error_log =~ /it is gone, its last lines stay/ }),
   'a list that is gone is told');
is(everywhere($t, says($t, 'b1')), 401, 'it stays as it was');
effect($t, sub { $t->write_file('revoked', '') }, says($t, 'b1'), 200,
       'an empty list');
is(everywhere($t, says($t, 'new')), 200, 'the other one too');

# revoke, with a typo in the same write

effect($t, sub {
    put('20-a.json', policy(%a) =~ s/"a-1"/"a-1/r);
    $t->write_file('revoked', 'a-1');
}, says($t, 'a1'), 401, 'revoked beside a typo');
is(everywhere($t, says($t, $_)), 200, "as before: $_")
    for qw(a2 rot-2 new b1);
ok($t->wait_log(qr/\[error\].*policy 20-a\.json:1: /), 'the log names it');
is($t->get('/health')->json->{fragments_stale}, 1, 'and the health page');

# the typo stays: its last good version, while others change

effect($t, sub { $b{keys}{'b-3'} = key('b3'); put('30-b.json', policy(%b)) },
       says($t, 'b3'), 200, 'another fragment beside a broken one');
is(everywhere($t, says($t, 'a2')), 200, 'which keeps its last good version');

# ... over a restart

$t->stop;

my $before = tree($books);
my ($rc, $out) = check_live($t);

is($rc, 0, 'nginx -t of a broken fragment') or diag($out);
is(tree($books), $before, 'it leaves the books alone');

$t->run;

is(everywhere($t, says($t, $_)), 200, "after a restart: $_")
    for qw(a2 rot-2 b3);
is(everywhere($t, says($t, 'a1')), 401, 'and the revoked one is');

# the mapped file gets its times when the kernel likes, the journal its records

my $live = qr/^(?:books|journal\.\d+) /;

$before = tree($books, $live);
is((check_live($t))[0], 0, 'nginx -t while it runs');
is(tree($books, $live), $before, 'it leaves them alone, too');

# a file that is written in place, piece by piece: as long as it changes, it
# is not looked into

my $text = policy(keys => { %{$a{keys}}, half => key('half') });
my $part = int(length($text) / 12) + 1;
my $mark = length $t->error_log;

sub later { return substr $t->error_log, $mark }

open my $f, '>', "$dir/20-a.json" or die;
$f->autoflush;

my ($slow, $last) = (0, time);

for (my $at = 0; $at < length $text; $at += $part) {
    print $f substr($text, $at, $part);
    is(status($t, 'a2'), 200, 'while it is written') if $at;
    sleep 0.05;

    # on a machine that is busy it may have stood still
    $slow = 1 if time - $last > 0.2;
    $last = time;
}

close $f;
effect($t, sub { }, says($t, 'half'), 200, 'it is whole');
unlike(later(), qr/20-a\.json/, 'no half of it was read') if !$slow;

effect($t, sub {
    open my $f, '>', "$dir/20-a.json" or die;
    print $f substr($text, 0, 200);
    close $f;
    $b{keys}{'b-4'} = key('b4');
    put('30-b.json', policy(%b));
}, says($t, 'b4'), 200, 'half a file beside a good one');
is(everywhere($t, says($t, 'half')), 200, 'it keeps its last good version');

# hostile ones: each is a fragment of its own, and the rest stays

for my $case (
    [ 'a name twice', '{"schema":1,"keys":{"x":{},"x":{}}}' ],
    [ 'not JSON', "\x00\x01\x02" ], [ 'no object', '[]' ], [ 'nothing', '' ],
    [ 'too deep', '{"schema":1,"keys":' . '[' x 5000 ],
    [ 'another schema', '{"schema":9,"keys":{}}' ],
    [ 'not UTF-8', "{\"schema\":1,\"keys\":{\"\xff\xfe\":{}}}" ],
) {
    put('40-' . ($case->[0] =~ s/ /-/gr) . '.json', $case->[1]);
}

my $long = 'l' x 200;

effect($t, sub {
    put("45-\x1b[31m\x07evil\n.json", '{');
    put('50-objects.json', json_text({ schema => 1,
        teams => { ring => { parent => 'gnir' }, gnir => { parent => 'ring' },
                   self => { parent => 'self' } },
        users => { "ev\x{1b}[31mil\n2026/01/01 [alert] x" => {} },
        keys => { ring => { %{key('ring')}, team => 'ring' },
                  self => { %{key('self')}, team => 'self' },
                  units => { %{key('units')},
                             limits => [ "5 par\x{1b}secs/1m" ] },
                  huge => { %{key('huge')},
                            limits => [ '1e9999 tokens/1m' ] },
                  $long => key('long'),
                  typo => { %{key('typo')}, "nota_fter\n" => '2020' },
                  "c\x{1}t\x{7f}l\r\n[alert] fake" => key('ctl'),
                  'fine' => key('fine') } }));
}, says($t, 'fine'), 200, 'a good key among bad ones');

is(everywhere($t, says($t, $_)), 401, "closed: $_")
    for qw(ring self units huge long typo ctl);
is(everywhere($t, says($t, $_)), 200, "as before: $_") for qw(a2 b4 half);
ok($t->wait_log(qr/policy 40-a-name-twice\.json:1: /), 'a finding');
ok($t->wait_log(qr/50-objects\.json:\d+: keys\.typo: .*nota_fter/),
   'of an object');
like($t->error_log, qr/50-objects\.json:\d+: keys\.units: .*secs/,
     'of a unit');
like($t->error_log, qr/teams\.(?:ring|gnir): /, 'of a ring');
like($t->error_log, qr/policy 45-\S*evil/, 'of a name');
unlike($t->error_log . $t->access_log, qr/[^\n\x20-\x7e]/,
       'control characters are in no log');
unlike($t->error_log, qr/^(?!\d{4}.\d\d.\d\d \d\d:\d\d:\d\d \[\w+\] )/m,
       'nor lines of others');

# what is deleted is gone

effect($t, sub { unlink glob "$dir/4* $dir/50*" }, says($t, 'fine'), 401,
       'a fragment that is gone');
effect($t, sub { unlink "$dir/30-b.json" }, says($t, 'b2'), 401, 'another');
is(everywhere($t, says($t, 'a2')), 200, 'the rest stays');

# the whole directory is gone: that is no order

rename $dir, "$dir.away" or die;
ok($t->wait_log(qr/policy \Q$dir\E: it cannot be read/), 'a directory lost');
is(everywhere($t, says($t, 'a2')), 200, 'what was last good stays');
effect($t, sub { $t->write_file('revoked', 'a-2') }, says($t, 'a2'), 401,
       'what is revoked then');
ok($t->reload, 'a reload');
is(everywhere($t, says($t, 'a2')), 401, 'it stays revoked');
is(everywhere($t, says($t, 'half')), 200, 'and the rest good');
$t->write_file('revoked', '');
put('20-a.json', policy(%a));
effect($t, sub { rename "$dir.away/10-org.json", "$dir/10-org.json" },
       says($t, 'a2'), 200, 'it is back');
is(everywhere($t, says($t, 'half')), 401, 'as another one');

# a killed worker comes back with all of it, the keeper too

my $keeper = keeper($t);
my ($other) = grep { $_ != $keeper } $t->worker_pids;

ok($keeper, 'there is a keeper');
effect($t, sub { $t->write_file('revoked', 'a-1') }, says($t, 'a1'), 401,
       'revoked');

ok($t->kill_worker($other), 'a worker is killed');
is(everywhere($t, says($t, 'a1')), 401, 'the new one knows');
ok($t->kill_worker($keeper), 'the keeper is killed');
effect($t, sub { $t->write_file('revoked', "a-1\na-2") }, says($t, 'a2'), 401,
       'revoked with the keeper dead');
is(everywhere($t, says($t, 'a1')), 401, 'as before');
isnt(keeper($t), $keeper, 'another one keeps');

{
    my %old = map { $_ => 1 } $t->worker_pids;

    $t->allow(qr/worker process $_ exited on signal 9/) for keys %old;
    kill 'KILL', keys %old;
    ok(wait_for(sub { 4 == grep { !$old{$_} } $t->worker_pids }, 10),
       'all workers are killed');
}

is(everywhere($t, says($t, 'a2')), 401, 'they come back knowing');
effect($t, sub { $t->write_file('revoked', 'a-1') }, says($t, 'a2'), 200,
       'changes are seen by who came');

# ---- old workers of a reload: their open connections

sub h2_frame {
    my ($type, $flags, $stream, $data) = @_;

    return substr(pack('N', length $data), 1)
        . pack('CCN', $type, $flags, $stream) . $data;
}


sub h2_ask {
    my ($c, $id, $key, $body, %o) = @_;

    my $fields = join '', map { pack 'x C/a* C/a*', @$_ }
        [ ':method', defined $body ? 'POST' : 'GET' ], [ ':scheme', 'http' ],
        [ ':path', defined $body ? '/v1/chat/completions' : '/v1/models' ],
        [ ':authority', 'a' ], [ authorization => 'Bearer ' . secret($key) ];

    $c->write(h2_frame(1, defined $body ? 4 : 5, $id, $fields)
              . (defined $body ? h2_frame(0, !$o{begin}, $id, $body) : ''));
}


# Reads frames until a stream has its status, or is done; returns that.

sub h2_wait {
    my ($c, $id, $what) = @_;

    my $end = time + 10 * $GenAI::Test::SCALE;

    until ($c->{$what}{$id} || time > $end) {

        while (length $c->{h2} >= 9) {
            my ($len, $type, $flags, $at) = unpack 'NCCN', "\0$c->{h2}";

            last if length $c->{h2} < 9 + $len;

            my $data = substr $c->{h2}, 9, $len;
            substr($c->{h2}, 0, 9 + $len) = '';

            if ($type == 1) {
                $data =~ s/^[\x20-\x3f]+//;
                $c->{status}{$at} = $data =~ /^\x88/ ? 200
                    : $data =~ /^[\x48\x08]\x03(\d\d\d)/ ? $1 : 'unreadable';
            }

            $c->{body}{$at} .= $data if $type == 0;
            $c->{done}{$at} = 'end' if $type <= 1 && $flags & 1;
            $c->{done}{$at} = $c->{status}{$at} = 'reset' if $type == 3;
            $c->{goaway} = 1 if $type == 7;
            $c->write(h2_frame(4, 1, 0, '')) if $type == 4 && !$flags;
        }

        last if $c->{$what}{$id};

        # a server that goes away does not say so of each stream

        my $more = $c->read_some(timeout => $c->{goaway} ? 0.3 : 1) // '';

        last if $more eq '' && $c->{goaway} && $id > 5;
        $c->{h2} .= $more;
    }

    return $c->{$what}{$id} // ($c->{goaway} ? 'goaway' : 'nothing');
}


my $begun = $t->connect;
my $busy = $t->connect(port => $t->port(1));
my $stream = $t->stream('/v1/chat/completions', { model => 'm', do => 'h1' },
                        headers => [ auth('rot-2') ]);

like($stream->next_event->{data}, qr/Bearer key-base/, 'a stream is open');

$busy->{h2} = '';
$busy->write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" . h2_frame(4, 0, 0, ''));
h2_ask($busy, 1, 'rot-2', json_text({ model => 'm', do => 'h2' }));
is(h2_wait($busy, 1, 'status'), 200, 'and one over HTTP/2');
h2_ask($busy, 3, 'rot-2');
is(h2_wait($busy, 3, 'status'), 200, 'with another request beside it');

# requests that have begun must be with the worker before it is told to go

h2_ask($busy, 5, 'rot-2', '{', begin => 1);
$begun->write("GET /v1/models HTTP/1.1\r\nHost: a\r\n"
              . 'Authorization: Bearer ');
sleep 0.1;

ok($t->reload, 'a reload');
cmp_ok(scalar(my @old = $t->worker_pids(exiting => 1)), '>', 0,
       'old workers have connections');
is(everywhere($t, says($t, 'rot-2')), 200, 'the new ones know the key');

effect($t, sub { $t->write_file('revoked', "a-1\nrot") },
       says($t, 'rot-2'), 401, 'revoked just after a reload');

$busy->write(h2_frame(0, 1, 5, '"model":"m"}'));
is(h2_wait($busy, 5, 'status'), 401, 'an old worker over HTTP/2');
h2_ask($busy, 7, 'rot-2');

my $said = h2_wait($busy, 7, 'status');

like($said, qr/^(?:401|reset|goaway)$/, "one that begins now: $said");
$begun->write(secret('rot-2') . "\r\n\r\n");
$said = $begun->response;
is($said->status, 401, 'an old worker, a request that had begun');
ok(scalar(grep { $_ == ($said->header('x-pid') // 0) } @old), 'it was one');

$up->signal("go h$_") for 1, 2;
is($stream->next_event->{data}, '[DONE]', 'the open stream goes on');
$stream->body;
is($stream->ended, 'complete', 'to its end');
is(h2_wait($busy, 1, 'done'), 'end', 'the one over HTTP/2 too');
like($busy->{body}{1}, qr/\[DONE\]/, 'whole');
$_->close for $busy, $begun, $stream;

# ---- many reloads while the policy changes

$t->write_file('revoked', 'a-1');
effect($t, sub { put('20-a.json', policy(%a)) }, says($t, 'rot-2'), 200,
       'before many reloads');

my %saw;

for my $i (1 .. 5) {
    my %old = map { $_ => 1 } $t->worker_pids;

    $a{keys}{"r-$i"} = key("r$i");
    delete $a{keys}{'r-' . ($i - 1)};
    put('20-a.json', policy(%a)) if $i % 2;
    $t->signal('HUP');
    put('20-a.json', policy(%a)) if $i % 2 == 0;

    wait_for(sub {
        $saw{"$_ " . (status($t, $_) // 'closed')}++ for qw(a1 a2);
        my @now = $t->worker_pids;
        @now == 4 && !grep { $old{$_} } @now;
    }, 10);
}

delete @saw{'a1 401', 'a2 200'};
is(join(', ', sort keys %saw), '', 'what is good and what is not stays so');

effect($t, sub { }, says($t, 'r5'), 200, 'the last change');
is(everywhere($t, says($t, 'r4')), 401, 'and no other');
ok(wait_for(sub { !$t->worker_pids(exiting => 1) }), 'old workers end');

# written while a reload has read it, before the new workers are there

effect($t, sub {
    $t->signal('HUP');
    sleep 0.02;
    $t->write_file('revoked', "a-1\nr-5");
}, says($t, 'r5'), 401, 'revoked amidst a reload');

# ---- credentials

sub credential {
    my ($key) = @_;

    return sub {
        my $r = $t->post('/v1/chat/completions', { model => 'm' },
                         headers => [ auth($key) ]);
        return ($r->header('x-pid') // 0,
                $r->status == 200 ? $r->json->{authorization} : $r->status);
    };
}


wait_for(sub { !$t->worker_pids(exiting => 1) });

$stream = $t->stream('/v1/chat/completions', { model => 'm', do => 'c1' },
                     headers => [ auth('rot-2') ]);
like($stream->next_event->{data}, qr/Bearer key-base/, 'a stream');
my $its = $stream->{response}->header('x-pid');

effect($t, sub { $t->write_file('base', "key-2\n") }, credential('rot-2'),
       'Bearer key-2', 'a credential that changes');

$mark = length $t->error_log;
unlink $t->dir . '/base';
ok(wait_for(sub { 4 == (() = later() =~ /\[error\].*base.*cannot be read/g) }),
   'every worker says that it is gone');
is(everywhere($t, credential('rot-2')), 'Bearer key-2',
   'its last value stays');

$mark = length $t->error_log;
$t->write_file('base', "two\nlines\n");
ok(wait_for(sub { 4 == (() = later() =~ /\[error\].*base.*no key has/g) }),
   'or that it is bad');
is(everywhere($t, credential('rot-2')), 'Bearer key-2',
   'its last value stays');
effect($t, sub { $t->write_file('base', 'key-3') }, credential('rot-2'),
       'Bearer key-3', 'it is good again');

# a worker that comes has the newest one from its first request on

ok($t->kill_worker((grep { $_ != $its } $t->worker_pids)[1]),
   'a worker is killed');
is(everywhere($t, credential('rot-2')), 'Bearer key-3',
   'the new one has it at once');

$up->signal('go c1');
is($stream->next_event->{data}, '[DONE]', 'the stream that was open ends');
$stream->body;
is($stream->ended, 'complete', 'whole');

effect($t, sub {
    $org{teams}{search}{credentials} = { p => 'ours' };
    put('10-org.json', policy(%org));
}, credential('a2'), 'Bearer key-ours', 'a credential of a team above');
effect($t, sub { $t->write_file('ours', 'ours-2') }, credential('a2'),
       'Bearer ours-2', 'it changes');
is(everywhere($t, credential('rot-2')), 'Bearer key-3', 'others have theirs');
effect($t, sub {
    $org{teams}{search}{credentials} = { p => 'nowhere' };
    put('10-org.json', policy(%org));
}, credential('a2'), 401, 'a credential that nobody knows');

# ---- Kubernetes, no books, and nothing there at first

my $k = GenAI::Test->new(workers => 2, log_level => 'info', name => 'links');
my $kd = $k->dir;

sub swap {
    my ($n, %files) = @_;

    $k->write_file("mount/..$n/$_", $files{$_}) for keys %files;
    symlink "..$n", "$kd/mount/..data_tmp" or die;
    rename "$kd/mount/..data_tmp", "$kd/mount/..data" or die;
}


$k->write_file($_, "key-$_") for qw(base ours);
$k->conf($HTTP, UP => $up->port, POLICY => 'mount', STATE => '')->run;
like($k->error_log, qr{\[error\].*policy \Q$kd\E/mount: it cannot be read},
     'no policy: the log says so');

my $r = ask($k, 'one');
is($r->status . ' ' . $r->header('x-genai-error'), '503 gateway_config',
   'nobody can be told whether he is known');
is($k->get('/v1/models')->status, 401, 'who sends no key needs none');
is($k->get('/opt/models')->status, 503, 'nor is it known who is anonymous');
is($k->get('/health')->status, 503, 'it is not ready');
is((() = glob "$kd/tmp_client_body/genai-*"), 1, 'a directory of its own');

effect($k, sub {
    swap(1, 'p.json' => policy(keys => { one => key('one') }));
    symlink '..data/p.json', "$kd/mount/p.json" or die;
}, says($k, 'one'), 200, 'it comes');
effect($k, sub { swap(2, 'p.json' => policy(keys => { two => key('two') })) },
       says($k, 'two'), 200, 'a swap');
is(everywhere($k, says($k, 'one')), 401, 'the old one is gone');
effect($k, sub {
    swap(3, 'p.json' => '{', 'q.json' => policy(keys => { 3 => key('3') }));
    symlink '..data/q.json', "$kd/mount/q.json" or die;
}, says($k, '3'), 200, 'a swap with a broken fragment');
is(everywhere($k, says($k, 'two')), 200, 'which keeps its last good version');
ok($k->reload(gone => 1), 'a reload');
is(everywhere($k, says($k, $_)), 200, "then: $_") for qw(two 3);
ok($k->kill_worker(keeper($k)), 'the keeper is killed');
effect($k, sub { swap(4, 'p.json' => policy(keys => { 4 => key('4') }),
                      'q.json' => policy(keys => { 3 => key('3') })) },
       says($k, '4'), 200, 'a swap with the keeper dead');
effect($k, sub { unlink "$kd/mount/q.json" }, says($k, '3'), 401,
       'a link that is gone');
ok($k->stop, 'the end');
is((() = glob "$kd/tmp_client_body/genai-*"), 0,
   'its directory is removed');

# ---- users who may not read it

SKIP: {
    skip('only root has other users', 6) if $> != 0;

    my $group = getgrgid((getpwnam 'nobody')[3]);
    my $u = GenAI::Test->new(user => "nobody $group", log_level => 'info',
                             name => 'nobody');

    $u->write_file('p.json', policy(keys => { one => key('one') }));
    $u->write_file($_, "key-$_") for qw(base ours);
    chmod 0600, $u->dir . "/$_" for qw(p.json base ours);

    $u->conf($HTTP, UP => $up->port, POLICY => 'p.json',
             STATE => 'genai_books books;')->run;
    like($u->error_log,
         qr/\[error\].*policy p\.json: it cannot be read \(Permission denied\)/,
         'an unreadable policy: the log names it at the start');
    is(status($u, 'one'), 503, 'gateway_config');
    effect($u, sub { chmod 0644, $u->dir . '/p.json' }, says($u, 'one'), 200,
           'it may be read');

    # what only the master may read is good until the next reload
    is($u->post('/v1/chat/completions', { model => 'm' },
                headers => [ auth('one') ])->json->{authorization},
       'Bearer key-base', 'a credential that the master has read');

    chmod 0600, $u->dir . '/p.json';

    my ($rc, $out) = $u->nginx_t(<<'EOF', POLICY => $u->dir . '/p.json');
http { genai_strict on; genai_policy %%POLICY%%; }
EOF

    isnt($rc, 0, 'strict: nginx -t fails');
    like($out, qr/p\.json: it cannot be read \(Permission denied\); the user/,
         'and says who must be able to');
}

# ---- nginx -t

my $CHECK = <<'EOF';
http {
    %%MORE%%
    genai_provider p { dialect openai; pass http://127.0.0.1:1/v1; }
    genai_model m { target p; }
    server { listen 127.0.0.1:%%PORT_0%%; location /v1/ { genai_pass; } }
}
EOF

my $c = GenAI::Test->new;
my $good = $c->write_file('good.json', policy(keys => { one => key('one') }));
my $bad = $c->write_file('bad.json', '{"schema":1,}');
my $closed = $c->write_file('closed.json',
    policy(keys => { one => { %{key('one')}, team => 'nobody' } }));

sub check {
    my ($more, $ok, $re, $name) = @_;

    my ($rc, $out) = $c->nginx_t($CHECK, MORE => $more);

    is($rc ? 'fails' : 'passes', $ok ? 'passes' : 'fails', $name);
    like($out, $re, 'says so') or diag($out);
}


check("genai_policy $good; genai_policy $good;", 0,
      qr/"genai_policy" directive is duplicate: an nginx has one policy, and /,
      'a second policy');
check("genai_revoked $bad;", 0,
      qr/\[emerg\].*"genai_revoked" has no "genai_policy" beside it/,
      'a list without a policy');
check("genai_strict on; genai_policy $good;", 1, qr/is successful/,
      'strict, a good one');
check("genai_strict on; genai_policy $bad;", 0,
      qr/\[emerg\].*policy bad\.json:1: /, 'strict, a broken one');
check("genai_strict on; genai_policy $closed;", 0,
      qr/\[emerg\].*closed\.json:1: keys\.one: .*nobody/,
      'strict, a broken object');
check('genai_strict on; genai_policy /nonexistent/policy;', 0,
      qr/\[emerg\].*nonexistent.policy: it cannot be read/, 'strict, none');
check("genai_policy $bad;", 1, qr/\[error\].*policy bad\.json:1: /,
      'not strict');
check("genai_policy $closed; genai_books " . $c->dir . '/b;', 1,
      qr/\[error\].*keys\.one: /, 'not strict, with books');
ok(!-e $c->dir . '/b', 'which are not made');

unlike(slurp($_ . '/error.log') . slurp($_ . '/access.log'),
       qr/sk-test-|key-\w|ours-2/, 'no log has a key') for $t->dir, $kd;

@effects = sort { $a <=> $b } @effects;
note(sprintf '%d changes, seen by all workers after %.2f s (median), %.2f s'
     . ' (the longest)', scalar @effects, $effects[@effects / 2],
     $effects[-1]);

done_testing;
