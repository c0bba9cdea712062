# SPDX-License-Identifier: Apache-2.0

# Limits are seen: in genai_usage and genai-books, in metrics, in the headers
# and the log lines of "warn"; and counters that nobody needs any more go.

use strict;
use warnings;

use lib 't/lib';

use Digest::SHA qw(sha256_hex);
use JSON::PP ();

use GenAI::Prometheus;
use GenAI::Test;
use GenAI::Upstream;

my $TOOL = 'build/genai-books';
my $MAKE = 'build/unit/test_books_file';

plan(skip_all => "$TOOL is not built: make tools") unless -x $TOOL;
plan(skip_all => "$MAKE is not built: make unit") unless -x $MAKE;

# answers with the usage that the request asks for in "user": "P C", and waits
# where it has a word behind it

my $up = GenAI::Upstream->new(lossy => 1, route => sub {
    my ($r) = @_;

    my ($prompt, $completion, $wait)
        = split / /, JSON::PP::decode_json($r->{body})->{user} // '1 1';

    return [ $wait ? ([ mark => "at$wait" ], [ wait => $wait ]) : (),
             [ json => 200, { choices => [ { index => 0,
                 message => { role => 'assistant', content => 'x' },
                 finish_reason => 'stop' } ],
               usage => { prompt_tokens => 0 + $prompt,
                          completion_tokens => 0 + $completion,
                          total_tokens => $prompt + $completion } } ] ];
});

sub key { return { sha256 => [ sha256_hex("sk-seen-$_[0]-0123456789") ],
                   @_[1 .. $#_] } }

my ($true, $false) = (JSON::PP::true, JSON::PP::false);

sub warned { return { limit => $_[0], warn => 0.5, @_[1 .. $#_] } }

my $policy = {
    schema => 1,
    plans => { gold => { limits => [ '5 requests/999h' ] } },
    teams => { search => { limits => [ '10k tokens/999h' ] } },
    users => { alice => { limits => [ '6 concurrent' ] } },
    keys => {
        a       => key('a', team => 'search', user => 'alice', plan => 'gold',
                       limits => [ '$5/999h on gpt-4*' ]),
        b       => key('b', plan => 'gold'),
        debt    => key('debt', limits => [ '100 tokens/2s' ]),
        brief   => key('brief', limits => [ '9 requests/3s',
                                            '9 concurrent' ]),
        warned  => key('warned', limits => [ warned('4 requests/999h'),
                                             warned('$1/999h'),
                                             '7 requests/999h on "*' ]),
        quoted  => key('quoted', limits => [
                       warned("2 requests/999h on \"\\\x{e4}*") ]),
        shadow  => key('shadow', limits => [
                       warned('1 requests/999h', shadow => $true) ]),
        clip    => key('clip', limits => [ { limit => '5k tokens/999h',
                                             on_short => 'clip' } ]),
        cost    => key('cost', limits => [ '$1/999h' ]),
    },
    models => { one => { limits => [ '1 requests/999h' ] } },
};

my %model = (context => 128000, output => 4096, tokenizer => 'none');
my %price = (price => { input => '2.5', output => '10' });

my $catalog = { schema => 1, models => {
    'gpt-4o' => { %model, %price },
    'one'    => { %model, %price },
    'free'   => { %model },
} };

my $t = GenAI::Test->new(log_level => 'info');
my $json = JSON::PP->new->canonical->utf8;

$t->write_file('policy.json', $json->encode($policy));
$t->write_file('models.json', $json->encode($catalog));

# with counters of another year, some of them of directives

run_cmd([ $MAKE, 'make', $t->dir . '/books' ], split => 1);

$t->conf(<<'EOT', UP => $up->port)->run;
http {
    genai_books books;
    genai_policy policy.json;
    genai_catalog models.json;
    genai_provider p { dialect openai; pass http://127.0.0.1:%%UP%%/v1; }
    genai_model gpt-4o { target p; }
    genai_model one    { target p; }
    genai_model free   { target p; }
    genai_model "\"\\*"  { target p model=gpt-4o; }
    server {
        listen 127.0.0.1:%%PORT_0%%;
        location /v1/       { genai_pass; }
        location /inl/      { genai on; proxy_pass http://127.0.0.1:%%UP%%; }
        location = /usage   { genai_usage; }
        location = /metrics { genai_metrics; }
    }
}
EOT

sub ask {
    my ($key, %o) = @_;

    my $model = delete $o{model} // 'gpt-4o';
    my $place = delete $o{place} // 'v1';

    return $t->http('POST', "/$place/chat/completions",
        headers => [ 'Content-Type' => 'application/json',
                     'x-api-key' => "sk-seen-$key-0123456789" ],
        body => $json->encode({ model => $model, user => '1 1',
            messages => [ { role => 'user', content => 'hi' } ], %o }));
}

sub usage { return $t->get('/usage' . ($_[0] ? "?$_[0]" : '')) }

# What is shown of limits, by owner and name.

sub limits {
    my ($query) = @_;

    return sort { "$a->{owner} $a->{name} $a->{key} $a->{limit}"
                  cmp "$b->{owner} $b->{name} $b->{key} $b->{limit}" }
        @{usage('show=limits' . ($query ? "&$query" : ''))->json->{limits}};
}

sub whose { return map { "$_->{owner} $_->{name}"
                         . (length $_->{key} ? "/$_->{key}" : '') } @_ }

# In books and in metrics it is a moment after the answer.

sub eventually {
    my ($what, $sub) = @_;

    ok(wait_for($sub, 20), $what);
}


# ---- genai_usage

my $r = usage();
is_deeply([ sort keys %{$r->json} ], [ qw(limits rows totals) ],
          'genai_usage: limits beside rows');

eventually('counters of another year go', sub {
    return !grep { $_->{start} && $_->{start} =~ /^2023/ } limits();
});

is(ask($_)->status, 200, "$_: one") for qw(a a b);
is(ask('b', model => 'one')->status, 200, 'a model');
is(ask('b', model => 'one')->status, 429, 'once');
is(ask('a', user => '100 200')->status, 200, 'a: another one');

my $c = $t->connect;

$c->request('POST', '/v1/chat/completions',
    headers => [ 'Content-Type' => 'application/json',
                 'x-api-key' => 'sk-seen-a-0123456789' ],
    body => $json->encode({ model => 'gpt-4o', user => '1 1 go',
        max_tokens => 1000,
        messages => [ { role => 'user', content => 'hi' } ] }));
$up->wait_mark('atgo');

eventually('a: one is in flight, the others are settled', sub {
    my ($u) = limits('user=alice');
    return $u && $u->{leased} == 1;
});

my @all = limits('key=a&team=search&user=alice&model=one');

is_deeply([ whose(@all) ], [ 'key a', 'model one', 'plan gold/a',
                             'team search', 'user alice' ],
          'those of any id that is asked for');

my ($key, $model, $plan, $team, $user) = @all;

is($key->{limit}, '$5/999h on gpt-4*', 'the text');
is($key->{settled}, 0.002275, 'dollars');
cmp_ok($key->{leased}, '>=', 0.01, 'that are held');
is($key->{amount}, 5, 'of so many');

is_deeply([ @$team{qw(amount settled exchanges debt overrun overruns refused
                      ended)} ], [ 10000, 304, 1, 0, 0, 0, 0, $false ],
          'tokens');
cmp_ok($team->{leased}, '>=', 1001, 'that are held');
cmp_ok($team->{leased}, '<', 1200, 'by one');
is($team->{start} =~ s/T\d\d:00:00Z$//r, $team->{start} =~ s/T.*//r,
   'a window that begins with an hour');
is_deeply([ @$plan{qw(settled leased exchanges)} ], [ 3, 1, 1 ],
          'requests of a plan');
is_deeply([ @$user{qw(start end amount settled leased)} ],
          [ undef, undef, 6, 0, 1 ], 'concurrent: without a window');
is_deeply([ @$model{qw(amount settled refused)} ], [ 1, 1, 1 ], 'a model');

is_deeply([ whose(limits('key=b')) ], [ 'plan gold/b' ], "a plan's, by key");
is_deeply([ whose(limits('owner=plan')) ], [ 'plan gold/a', 'plan gold/b' ],
          'by owner');
is_deeply([ whose(limits('owner=team&team=other')) ], [], 'none');
is_deeply([ grep { /directive/ } whose(limits()) ], [],
          'not those of directives');
is_deeply([ whose(limits('owner=directive')) ], [ 'directive remote_addr' ],
          'unless they are asked for');
is_deeply([ sort keys %{usage('show=rows')->json} ], [ qw(rows totals) ],
          'rows alone');
is_deeply([ sort keys %{usage('show=limits')->json} ], [ qw(limits) ],
          'limits alone');
is(scalar @{usage('key=b')->json->{limits}}, 1, 'both of a key');
like(usage('format=csv')->body, qr/^day,team/, 'CSV of rows');
like(usage('format=csv&show=limits&key=b')->body,
     qr/^owner,name,key,limit,start,end,amount,settled,leased,exchanges,debt,
        overrun,overruns,refused,ended\r\nplan,gold,b,5\ requests\/999h,
        [^,]+,[^,]+,5,2,0,0,0,0,0,0,0\r\n\z/x, 'CSV of limits');

for my $bad (qw(show=all show= owner=nobody owner= show=rows&show=limits)) {
    $r = usage($bad);
    is($r->status, 400, "$bad: no");
    is($r->json->{error}{code}, 'caller_bad_request', 'says the code');
}

# the tool sees the same

my ($rc, $out) = run_cmd([ $TOOL, 'limits', '--json', $t->dir . '/books' ],
                         split => 1);

is($rc, 0, 'genai-books limits');
is_deeply([ sort grep { !/"owner":"directive"/ } split /\n/, $out ],
          [ sort map { s/,\z//r } grep { /^\{"owner"/ }
            split /\n/, usage('show=limits')->body ], 'shows the same');

$up->signal('go');
is($c->response->status, 200, 'it ends');
eventually('and nothing is held', sub {
    return !grep { $_->{leased} || $_->{exchanges} } limits();
});

# ---- overrun and debt

sub metrics { return GenAI::Prometheus->new($t->get('/metrics')->body) }

my $m = metrics();

is_deeply([ $m->problems ], [], 'metrics');
is($m->value('genai_overrun_tokens_total'), 0, 'no overrun yet');

is(ask('debt', user => '10 430', max_tokens => 5)->status, 200,
   'more than there was');
eventually('overrun in metrics',
           sub { metrics()->value('genai_overruns_total') == 1 });

my $over = metrics()->value('genai_overrun_tokens_total');

cmp_ok($over, '>=', 340, 'tokens: what the limit had not');
cmp_ok($over, '<=', 425, 'and not more than came beyond');
cmp_ok(metrics()->value('genai_overrun_cost_dollars_total'), '==', 0,
       'no money');

eventually('debt of the next window', sub {
    my ($l) = grep { !$_->{ended} } limits('key=debt');
    ask('debt', max_tokens => 5);
    ($l) = grep { !$_->{ended} } limits('key=debt');
    return $l && $l->{debt} > 0 && $l->{overruns} == $over;
});

# ---- a part that is reached

$r = ask('warned');
is($r->header('x-genai-limit-warning'), undef, 'warn: not yet');
$r = ask('warned');
is($r->header('x-genai-limit-warning'),
   '"4 requests/999h"; owner=key; used=1; held=1; of=4', 'the half of it');

my $logged = qr/of the limit "4 requests\/999h" of "warned" 2 are/;

ok(wait_for(sub { $t->error_log =~ $logged }), 'is logged');
$r = ask('warned', place => 'inl');
is($r->header('x-genai-limit-warning'),
   '"4 requests/999h"; owner=key; used=2; held=1; of=4', 'more, inline');

$r = ask('warned', max_tokens => 50000, n => 2, user => '100000 55000');
is_deeply([ map { s/(?:used|held)=[\d.]+/X/gr }
            $r->header_all('x-genai-limit-warning') ],
          [ '"4 requests/999h"; owner=key; X; X; of=4' ], 'of one of two');
$r = ask('warned');
is($r->status, 429, 'warned: all');
is($r->header('x-genai-limit-warning'), undef, 'is told in another way');
is(scalar(() = $t->error_log =~ /"4 requests\/999h" of "warned" \d/g), 1,
   'and logged once');

$r = ask('quoted', model => "\"\\\x{e4}");
is($r->status, 200, 'a pattern of odd characters');
is($r->header('x-genai-limit-warning'),
   '"2 requests/999h on \"\\\\??*"; owner=key; used=0; held=1; of=2',
   'is told in ASCII, with escapes');

is(ask('shadow')->header('x-genai-limit-warning'), undef,
   'shadow: nothing is told') for 1 .. 3;

is(ask('clip', user => '10 4000')->status, 200, 'clip');
ok(ask('clip')->header('x-genai-output-cap'), 'is clipped');
is(ask('cost', model => 'free')->status, 429, 'no price');

# ---- metrics

sub counted {
    my ($name, %labels) = @_;

    return metrics()->value("genai_limit_${name}_total", %labels) // 0;
}

eventually('shadow: two of three',
    sub { counted('shadow_exceeded', owner => 'key', unit => 'requests')
          == 2 });
is(counted('warned', owner => 'key', unit => 'requests'), 3 + 1 + 3,
   'warned: each exchange that found it so');
is(counted('clipped', owner => 'key', unit => 'tokens'), 1, 'clipped');
is(counted('refused', owner => 'key', unit => 'cost', reason => 'unpriced'),
   1, 'refused: without a price');
is(counted('refused', owner => 'key', unit => 'requests', reason => 'short'),
   1, 'refused: by a key');
is(counted('refused', owner => 'model', unit => 'requests',
           reason => 'short'), 1, 'by a model');
cmp_ok(metrics()->value('genai_books_counters'), '>=', 8, 'counters');
is_deeply([ metrics()->problems ], [], 'metrics are well formed');

$t->reload;
is(counted('clipped', owner => 'key', unit => 'tokens'), 1,
   'a reload keeps them');

# ---- counters that nobody needs

ask('brief');
is(scalar(grep { $_->{settled} == 1 } limits('key=brief')), 1,
   'a counter of a short window');
eventually('goes when that is over', sub { !(() = limits('key=brief')) });
is(ask('brief')->status, 200, 'and come again');
is(scalar(() = limits('owner=directive')), 1, 'what is for good stays');

done_testing;
