# SPDX-License-Identifier: Apache-2.0

# genai_usage: totals by day, team, user, key and model, as JSON and CSV; what
# is asked for and what cannot be; all of it at its reader's pace.

use strict;
use warnings;

use lib 't/lib';

use Digest::SHA qw(sha256_hex);
use JSON::PP ();
use POSIX qw(strftime);

use GenAI::Test;
use GenAI::Upstream;

my $up = GenAI::Upstream->new(lossy => 1, route => sub {
    my ($r) = @_;
    my $do = JSON::PP::decode_json($r->{body})->{user} // '';

    return [ [ json => 500, { error => { message => 'no' } } ] ]
        if $do eq 'fail';
    return [ [ json => 200, { choices => [ { finish_reason => 'stop' } ],
                              usage => {
        prompt_tokens => 7, completion_tokens => 3, total_tokens => 10,
        prompt_tokens_details => { cached_tokens => 4 },
        completion_tokens_details => { reasoning_tokens => 2 } } } ] ];
});

my @COLUMNS = qw(day team user key model exchanges failed orphans estimated
                 attempts prompt_tokens cached_tokens completion_tokens
                 reasoning_tokens cost);
my @SUMS = @COLUMNS[5 .. $#COLUMNS];

# key => [ team, user ]
my %key = (
    plain  => [ 'search', 'alice' ],
    odd    => [ "a+b \"c\", d;\x{e4}", 'bob' ],
    nouser => [ 'search', undef ],
    noteam => [ undef, undef ],
    '=1+1' => [ 'search', 'alice' ],
);

sub secret { return 'sk-test-' . sha256_hex($_[0]) }

my %teams = map { ($_->[0] => {}) } grep { defined $_->[0] } values %key;

my $t = GenAI::Test->new(workers => 2);

$t->write_file('policy.json', json_text({
    schema => 1, teams => \%teams,
    users => { map { ($_->[1] => {}) } grep { defined $_->[1] } values %key },
    keys => { map { ($_ => {
        sha256 => [ sha256_hex(secret($_)) ],
        (defined $key{$_}[0] ? (team => $key{$_}[0]) : ()),
        (defined $key{$_}[1] ? (user => $key{$_}[1]) : ()) }) } keys %key },
}));

$t->conf(<<"EOF", UP => $up->port)->run;
http {
    genai_policy policy.json;
    genai_books books;
    genai_provider p { dialect openai; pass http://127.0.0.1:%%UP%%/v1; }
    genai_model m { target p; }
    genai_model "x,\\"y\\"*" { target p; }
    server {
        listen 127.0.0.1:%%PORT_0%%;
        listen 127.0.0.1:%%PORT_1%% %%LISTEN_H2%%;
        %%HTTP2_ON%%
        keepalive_requests 100000;
        location /v1/     { genai_pass; }
        location = /usage { genai_usage; }
    }
}
EOF

sub usage {
    my ($query, @more) = @_;

    return $t->get('/usage' . ($query ? "?$query" : ''), @more);
}

sub rows { return @{usage(@_)->json->{rows}} }

sub escape {
    my ($text) = @_;

    utf8::encode($text);
    return $text =~ s/([^A-Za-z0-9])/sprintf '%%%02x', ord $1/ger;
}


# ---- nothing yet

my $r = usage();

is($r->status, 200, 'empty: an answer');
is($r->header('Content-Type'), 'application/json', 'empty: JSON');
is($r->header('Cache-Control'), 'no-store', 'empty: not to be stored');
is_deeply($r->json, { rows => [], limits => [],
                       totals => { map { $_ => 0 } @SUMS } },
          'empty: no row');


# ---- totals

my (%want, $n);
my $c = $t->connect;

for my $i (1 .. 60) {
    my $key = (sort keys %key)[$i % keys %key];
    my $model = $i % 3 ? 'm' : 'x,"y"*';
    my $fail = $i % 7 == 0;

    $c = $t->connect unless $c->reusable;
    $c->request('POST', '/v1/chat/completions', body => json_text({
        model => $model eq 'm' ? 'm' : 'x,"y"123', user => $fail ? 'fail' : '',
        messages => [ { role => 'user', content => 'hi' } ] }),
        headers => [ 'Content-Type' => 'application/json',
                     Authorization => 'Bearer ' . secret($key) ]);
    is($c->response->status, $fail ? 500 : 200, "asked: $key, $model");
    $n++;

    my $w = $want{join "\0", map({ $_ // '' } @{$key{$key}}), $key, $model}
        //= { map { $_ => 0 } @SUMS };

    $w->{exchanges}++;
    $w->{attempts}++;

    if ($fail) {
        $w->{failed}++;

    } else {
        $w->{prompt_tokens} += 7;
        $w->{cached_tokens} += 4;
        $w->{completion_tokens} += 3;
        $w->{reasoning_tokens} += 2;
    }
}

# the books are written when an exchange is over, which its client may see
# before

ok(wait_for(sub { usage()->json->{totals}{exchanges} >= $n }),
   'all are in the books');

my $today = strftime('%Y-%m-%d', gmtime);
my $j = usage()->json;
my %got;

for my $row (@{$j->{rows}}) {
    my %row = %$row;
    my ($day, @id) = delete @row{qw(day team user key model)};

    is($day, $today, 'the day');
    ok(!$got{join "\0", @id}, 'a row once');
    $got{join "\0", @id} = \%row;
}

is_deeply(\%got, \%want, 'JSON: each total');

for my $name (@SUMS) {
    my $sum = 0;

    $sum += $_->{$name} for values %want;
    is($j->{totals}{$name}, $sum, "JSON: the sum of $name");
}

like(usage()->body, qr/"cost":0\.0{9}\b/, 'JSON: a cost is a number');


# ---- CSV

sub csv {
    my ($text) = @_;

    my @rows;

    utf8::decode($text);

    while (length $text) {
        my @row;

        while ($text =~ s/\A(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)//) {
            my ($cell, $end) = ($1 // $2, $3);

            push @row, $cell =~ s/""/"/gr;
            last if $end ne ',';
        }

        return [ 'broken', $text ] unless @row;
        push @rows, \@row;
    }

    return @rows;
}

for my $case ([ 'format=csv' ], [ '', headers => [ Accept => 'text/csv' ] ],
              [ 'format=csv', headers => [ Accept => 'application/json' ] ])
{
    $r = usage(@$case);

    my ($head, @rows) = csv($r->body);

    is($r->header('Content-Type'),
       'text/csv; charset=utf-8; header=present', 'CSV: its type');
    is_deeply($head, \@COLUMNS, 'CSV: a head');

    my %csv = map {
        my %row;
        @row{@COLUMNS} = @$_;
        my @id = map { s/^'(?=[-=+\@])//r }
            delete @row{qw(team user key model)};
        delete $row{day};
        $row{$_} += 0 for keys %row;
        (join("\0", @id) => \%row);
    } @rows;

    is_deeply(\%csv, \%want, 'CSV: each total');
}

is(usage('format=json', headers => [ Accept => 'text/csv' ])
       ->header('Content-Type'), 'application/json', 'what is written counts');


# ---- what is asked for

for my $case (
    [ 'team=search', sub { $_[0]{team} eq 'search' } ],
    [ 'team=' . escape($key{odd}[0]), sub { $_[0]{user} eq 'bob' } ],
    [ 'team=a%2Bb+%22c%22,+d;%c3%a4', sub { $_[0]{user} eq 'bob' } ],
    [ 'user=alice', sub { $_[0]{user} eq 'alice' } ],
    [ 'user=', sub { $_[0]{user} eq '' } ],
    [ 'key=%3d1%2b1', sub { $_[0]{key} eq '=1+1' } ],
    [ 'model=m', sub { $_[0]{model} eq 'm' } ],
    [ 'model=x%2C%22y%22*&team=search',
      sub { $_[0]{model} ne 'm' && $_[0]{team} eq 'search' } ],
    [ "from=$today&to=$today", sub { 1 } ],
    [ 'from=2999-01-01', sub { 0 } ],
    [ 'to=2020-02-29', sub { 0 } ],
    [ 'team=nobody', sub { 0 } ],
    [ '&&team=search&', sub { $_[0]{team} eq 'search' } ],
) {
    my ($query, $wanted) = @$case;
    my @wanted = grep { $wanted->($_) } @{$j->{rows}};
    my $answer = usage($query)->json;
    my $sum = 0;

    $sum += $_->{exchanges} for @wanted;

    is(scalar @{$answer->{rows}}, scalar @wanted, "$query: rows");
    is(scalar(grep { !$wanted->($_) } @{$answer->{rows}}), 0,
       "$query: and no others");
    is($answer->{totals}{exchanges}, $sum, "$query: their sum");
}

for my $query ('x=1', 'Team=a', 'team', 'from=', 'from=2026-02-30',
               'from=2025-02-29', 'to=2026-13-01', 'to=2026-1-1',
               'from=2026-11-22x', 'from=yesterday', 'format=xml', 'format=',
               'from=2026-02-02&to=2026-02-01', 'team=a&team=b',
               'from=0000-01-01', '=', '%74eam=a', 'group=team')
{
    $r = usage($query);
    is($r->status, 400, "$query: 400");
    is($r->json->{error}{code}, 'caller_bad_request', "$query: as JSON");
    is($r->header('Cache-Control'), 'no-store', "$query: not stored");
}


# ---- how

$c = $t->connect;

for my $method (qw(HEAD GET POST HEAD GET)) {
    $c->request($method, '/usage', $method eq 'POST' ? (body => 'x') : ());
    $r = $c->response;
    is($r->status, $method eq 'POST' ? 405 : 200, $method);
    is(length $r->body, 0, "$method: no body") if $method eq 'HEAD';
}

ok($c->reusable, 'on one connection');

is($t->h2('GET', '/usage', port => $t->port(1))->json->{totals}{exchanges},
   $n, 'over HTTP/2') if $t->can_h2;

$t->reload;
is(usage()->json->{totals}{exchanges}, $n, 'after a reload');

kill 'KILL', $t->worker_pids;
$t->allow(qr/exited on signal 9/);
ok(wait_for(sub { (eval { usage()->json->{totals}{exchanges} } // 0) == $n }),
   'after the death of all workers');

$t->stop;
$t->run;
is(usage()->json->{totals}{exchanges}, $n, 'after a restart');


# ---- many rows and a slow reader

{
    my $keys = 60;
    my $models = 60;
    my $t = GenAI::Test->new(name => 'many', log_level => 'info');

    $t->write_file('policy.json', json_text({ schema => 1,
        keys => { map { ("key-$_-" . 'k' x 90 =>
            { sha256 => [ sha256_hex(secret($_)) ] }) } 1 .. $keys } }));

    my $list = join "\n", map {
        "genai_model model-" . 'm' x 90 . "-$_ { target p; }" } 1 .. $models;

    my $conf = <<"EOF";
http {
    access_log off;
    genai_policy policy.json;
    genai_provider p { dialect openai; pass http://127.0.0.1:%%UP%%/v1; }
    $list
    server {
        listen 127.0.0.1:%%PORT_0%% sndbuf=64k;
        keepalive_requests 100000;
        location /v1/       { genai_pass; }
        location = /usage   { genai_usage; }
        location = /metrics { genai_metrics; }
    }
}
EOF
    $t->conf($conf, UP => $up->port)->run;

    my @c = map { $t->connect } 1 .. 8;

    for my $k (1 .. $keys) {
        for my $m (1 .. $models) {
            my $c = $c[$m % @c];

            $c->response if $c->{waits}++;
            $c->request('POST', '/v1/chat/completions',
                body => json_text({ model => 'model-' . 'm' x 90 . "-$m",
                                    messages => [] }),
                headers => [ 'Content-Type' => 'application/json',
                             Authorization => 'Bearer ' . secret($k) ]);
        }
    }

    $_->response for @c;

    my $n = $keys * $models;

    ok(wait_for(sub { $t->get('/usage')->json->{totals}{exchanges} == $n }),
       'many: all are there');

    my $whole = $t->get('/usage')->body;

    is(scalar @{JSON::PP::decode_json($whole)->{rows}}, $n, 'many: rows');

    my $slow = $t->connect(rcvbuf => 16384);
    my $gone = $t->connect(rcvbuf => 16384);

    for ($slow, $gone) {
        $_->request('GET', '/usage');
        $_->head;
    }

    is($t->get('/usage?key=nobody')->json->{totals}{exchanges}, 0,
       'many: others are answered');

    $gone->reset;

    my ($worker) = $t->worker_pids;

    $t->conf($conf)->reload;

    is(length $slow->body->body, length $whole,
       'many: the slow one gets all of it');
    ok(wait_for(sub { !kill 0, $worker }), 'many: the old worker ends');

    my $text = $t->get('/metrics')->body;
    my ($steps) = $text =~ /^genai_report_step_seconds_count (\d+)$/m;
    my $le = $GenAI::Test::SCALE > 1 ? '0.01' : '0.001';
    my ($short) = $text =~ /^genai_report_step_seconds_bucket\{le="\Q$le\E"\}
                            [ ](\d+)$/mx;

    cmp_ok($steps, '>', 100, 'many: there were many steps');
    is($short, $steps, 'many: none took long');
}


# ---- without books

{
    my $t = GenAI::Test->new(name => 'no books');

    $t->write_file('books', 'a file');
    $t->conf(<<'EOF')->run;
http {
    genai_books books;
    server {
        listen 127.0.0.1:%%PORT_0%%;
        location = /usage { genai_usage; }
    }
}
EOF
    my $r = $t->get('/usage');

    is($r->status, 503, 'no books: 503');
    is($r->json->{error}{code}, 'gateway_config', 'no books: why');
}

done_testing;
