# SPDX-License-Identifier: Apache-2.0

# Limits: what they take and give back, whom they refuse and what is said
# then, how long an answer may therefore be, and what a provider is told.

use strict;
use warnings;

use lib 't/lib';

use Digest::SHA qw(sha256_hex);
use JSON::PP ();

use GenAI::Test;
use GenAI::Upstream;

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

my @keys = qw(requests tokens completion never three shared-a shared-b
              plan-a plan-b shadow clip free zero many model cost day);

sub key { return { sha256 => [ sha256_hex("sk-limits-$_[0]-0123456789") ],
                   @_[1 .. $#_] } }

my $policy = {
    schema => 1,
    plans => { gold => { limits => [ '2 requests/1h' ] } },
    teams => { both => { limits => [ '3 requests/1h' ] } },
    keys => {
        requests   => key('requests', limits => [ '2 requests/1h' ]),
        tokens     => key('tokens', limits => [ '10k tokens/1h' ]),
        completion => key('completion',
                          limits => [ '1000 completion_tokens/1h' ]),
        never      => key('never', limits => [ '1 requests/never' ]),
        day        => key('day', limits => [ '1 requests/1d' ]),
        three      => key('three', limits => [ '3 concurrent' ]),
        'shared-a' => key('shared-a', team => 'both'),
        'shared-b' => key('shared-b', team => 'both'),
        'plan-a'   => key('plan-a', plan => 'gold'),
        'plan-b'   => key('plan-b', plan => 'gold'),
        shadow     => key('shadow', limits => [ {
                          limit => '1 requests/1h',
                          shadow => JSON::PP::true } ]),
        clip       => key('clip', limits => [ {
                          limit => '10k tokens/1h', on_short => 'clip',
                          warn => 0.5 } ]),
        free       => key('free'),
        zero       => key('zero', limits => [ '0 requests/1h' ]),
        many       => key('many', limits => [ '4 requests/1h',
                          '3 requests/1h on gpt-4*', '1000k tokens/1h' ]),
        model      => key('model'),
        cost       => key('cost', limits => [ '$0.05/1h' ]),
    },
    models => { 'limited' => { limits => [ '1 requests/1h' ] } },
};

my $catalog = { schema => 1, models => {
    'gpt-4o' => { context => 128000, output => 4096, tokenizer => 'none',
                  price => { input => '2.5', output => '10' } },
    'gpt-3.5' => { context => 128000, output => 4096, tokenizer => 'none' },
    'limited' => { context => 128000, output => 4096, tokenizer => 'none' },
} };

my $t = GenAI::Test->new(log_level => 'info');
my $json = JSON::PP->new->canonical;

$t->write_file('policy.json', $json->encode($policy));
$t->write_file('models.json', $json->encode($catalog));

$t->conf(<<'EOF', UP => $up->port)->run;
http {
    genai_books books;
    genai_policy policy.json;
    genai_catalog models.json;
    genai_provider p { dialect openai; pass http://127.0.0.1:%%UP%%/v1; }
    genai_model gpt-4o  { target p; }
    genai_model gpt-3.5 { target p; }
    genai_model set     { target p model=gpt-4o; set p max_tokens 50; }
    genai_model high    { target p model=gpt-4o; set p max_tokens 90000; }
    genai_model limited { target p; }
    log_format l "$genai_key_id $status [$genai_error] $genai_cost";
    access_log access.log l;
    server {
        listen 127.0.0.1:%%PORT_0%%;
        location /v1/  { genai_pass; }
        location /off/ { genai_pass; genai_auth off; }
        location /inl/ { genai on; proxy_pass http://127.0.0.1:%%UP%%; }
    }
}
EOF

sub ask {
    my ($key, %o) = @_;

    my $model = delete $o{model} // 'gpt-4o';
    my $place = delete $o{place} // 'v1';

    return $t->http('POST', "/$place/chat/completions",
        headers => [ 'Content-Type' => 'application/json',
                     $key ? ('x-api-key' => "sk-limits-$key-0123456789")
                          : () ],
        body => $json->encode({ model => $model, user => '1 1',
            messages => [ { role => 'user', content => 'hi' } ], %o }));
}

sub logged {
    my ($re) = @_;

    ok(wait_for(sub { $t->error_log =~ $re }), "logged: $re");
}

sub got { return $json->decode($up->request(-1)->{body}) }

# ---- requests

my $r = ask('requests');

is($r->status, 200, 'requests: one');
is($r->header('x-ratelimit-limit-requests'), 2, 'the limit');
is($r->header('x-ratelimit-remaining-requests'), 1, 'what is left');
like($r->header('x-ratelimit-reset-requests'), qr/^\d+s$/, 'until when');
ok(!exists got()->{max_tokens} && !exists got()->{max_completion_tokens},
   'nothing is written where no limit depends on it');

is(ask('requests')->status, 200, 'requests: two');

my $n = $up->count;

$r = ask('requests');
is($r->status, 429, 'requests: three');
is($r->header('x-genai-error'), 'policy_rate', 'the word');
is($r->header('x-ratelimit-remaining-requests'), 0, 'nothing is left');
like($r->header('retry-after'), qr/^\d+$/, 'when to come again');
cmp_ok($r->header('retry-after'), '<=', 3600, 'within the hour');
like($r->json->{error}{message},
     qr/"2 requests\/1h" is reached.*ends in \d+ seconds, 2 is used, 0 is held/,
     'what is said');
ok(!defined $r->header('x-should-retry'), 'it may come again');
is($up->count, $n, 'the provider is not asked');

is(ask('free')->status, 200, 'who has no limit goes on');
is(ask('zero')->status, 429, 'nothing is nothing');

$r = ask('day');
is($r->status, 200, 'a day: one');
$r = ask('day');
is($r->header('x-genai-error'), 'policy_quota', 'a day is a quota');
is($r->header('x-should-retry'), 'false', 'no retry helps');

ask('never');
$r = ask('never');
is($r->header('x-genai-error'), 'policy_quota', 'for good');
ok(!defined $r->header('retry-after'), 'there is no later');

# ---- shared, and not

is(ask($_)->status, 200, "$_: of the team's three")
    for qw(shared-a shared-b shared-a);
is(ask($_)->status, 429, "$_: they are used") for qw(shared-a shared-b);

is(ask($_)->status, 200, "$_: a plan's two") for qw(plan-a plan-a);
is(ask('plan-a')->status, 429, 'plan-a: used');
is(ask('plan-b')->status, 200, 'plan-b: has its own');

# ---- all or nothing, and patterns

is(ask('many')->status, 200, "many: $_") for 1 .. 3;
is(ask('many')->status, 429, 'many: of this model three');
is(ask('many', model => 'gpt-3.5')->status, 200, 'many: a fourth of another');
is(ask('many', model => 'gpt-3.5')->status, 429, 'many: four of all');

# ---- models, for whoever asks

is(ask('model', model => 'limited')->status, 200, 'a model: one');
is(ask('free', model => 'limited')->status, 429, 'of all callers');
is(ask('', model => 'limited', place => 'off')->status, 429, 'also of nobody');

# ---- tokens, and how long an answer may be

$r = ask('tokens', user => '100 200');
is($r->status, 200, 'tokens');
is(got()->{max_tokens}, 4096, "as many as the model's");
is($r->header('x-ratelimit-limit-tokens'), 10000, 'the limit');
cmp_ok($r->header('x-ratelimit-remaining-tokens'), '<=', 10000 - 4096,
       'less what it holds');

$r = ask('tokens', max_tokens => 100, user => '100 50');
is(got()->{max_tokens}, 100, "the client's own");
is($json->encode(got()), $json->encode({ model => 'gpt-4o',
    user => '100 50', max_tokens => 100,
    messages => [ { role => 'user', content => 'hi' } ] }),
   'is not touched');

ask('tokens', max_completion_tokens => 9000, user => '1 1');
is(got()->{max_completion_tokens}, 4096, 'in the field that it uses');

ask('tokens', model => 'set');
is(got()->{max_tokens}, 50, '"set" may lower it');
ask('tokens', model => 'high');
is(got()->{max_tokens}, 4096, 'and not raise it');

$r = ask('tokens', n => 3, max_tokens => 4000);
is($r->status, 429, 'for each answer that is asked for');
like($r->json->{error}{message}, qr/which can come to 120\d\d/,
     'which is said');
$r = ask('tokens', n => 2, max_tokens => 3000);
is($r->status, 200, 'a shorter one passes');

$r = ask('tokens', max_tokens => 5000, user => '5000 30000');
is($r->status, 200, 'an absurd usage');
logged(qr/tokens.*more than its limits had left/);
$r = ask('tokens', max_tokens => 1);
is($r->status, 429, 'closes the window');

$r = ask('completion', max_tokens => 600, user => '9999 600');
is($r->status, 200, 'completion tokens');
is(ask('completion', max_tokens => 600)->status, 429, 'do not count prompts');
is(ask('completion', max_tokens => 400)->status, 200, 'what is left');

# ---- clip, shadow, warn

$r = ask('clip', user => '100 4000');
is($r->header('x-genai-output-cap'), undef, 'clip: nothing to clip');
$r = ask('clip', user => '100 4000');
$r = ask('clip', user => '1 1');
is($r->status, 200, 'clip: what is left');
cmp_ok(got()->{max_tokens}, '<', 4096, 'is what the answer may be');
is($r->header('x-genai-output-cap'), got()->{max_tokens}, 'and is said');
logged(qr{of the limit "10k tokens/1h" of "clip"});

is(ask('shadow')->status, 200, 'shadow') for 1 .. 3;
logged(qr/"1 requests\/1h" of "shadow", which is watched only/);

# ---- money

$r = ask('cost', user => '1000 1000');
is($r->status, 200, 'cost: within');
is(ask('cost', user => '0 3000')->status, 429,
   'cost: not enough for the longest answer') for 1;
$r = ask('cost', max_tokens => 100);
is($r->status, 200, 'cost: enough for a short one');
$r = ask('cost', model => 'gpt-3.5');
is($r->header('x-genai-error'), 'policy_quota', 'cost: no price, no answer');
like($r->json->{error}{message}, qr/price of its model is not known/,
     'which is said');
wait_for(sub { $t->access_log =~ /^cost 200 \[\] 0.012500000$/m });
like($t->access_log, qr/^cost 200 \[\] 0.012500000$/m, '$genai_cost');

# ---- at the same time

my @held = map {
    my $c = $t->connect;

    $c->request('POST', '/v1/chat/completions',
        headers => [ 'Content-Type' => 'application/json',
                     'x-api-key' => 'sk-limits-three-0123456789' ],
        body => $json->encode({ model => 'gpt-4o', user => "1 1 go$_",
            messages => [ { role => 'user', content => 'hi' } ] }));
    $up->wait_mark("atgo$_");
    $c;
} 1 .. 3;

$r = ask('three');
is($r->status, 429, 'concurrent: three, and no fourth');
is($r->header('retry-after'), 1, 'soon');
like($r->json->{error}{message}, qr/3 requests are in flight/, 'is said');

$up->signal('go1');
is((shift @held)->response->status, 200, 'one ends');
is(ask('three')->status, 200, 'another one begins');
$held[0]->close;
ok(wait_for(sub { ask('three')->status == 200 }), 'who leaves gives back');
$up->signal($_) for qw(go2 go3);

# ---- what stays

$t->reload;
is(ask('requests')->status, 429, 'a reload keeps what was used');
is(ask('shared-b')->status, 429, 'of teams too');

$t->stop;
$t->run;
is(ask('requests')->status, 429, 'as does a restart');
is(ask('tokens', max_tokens => 1)->status, 429, 'and of tokens');

done_testing;
