# SPDX-License-Identifier: Apache-2.0

# genai_limit: what it counts and by what key, where it holds, without a
# policy and beside one; what nginx -t says of mistakes; and that keys which
# clients make up fill no more than the books may have.

use strict;
use warnings;

use lib 't/lib';

use Digest::SHA qw(sha256_hex);
use JSON::PP ();
use Time::HiRes qw(time);

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

my $json = JSON::PP->new->canonical;

my $catalog = $json->encode({ schema => 1, models => {
    'gpt-4o' => { context => 128000, output => 4096, tokenizer => 'none',
                  price => { input => '2.5', output => '10' } },
    'gpt-3.5' => { context => 128000, output => 4096, tokenizer => 'none' },
} });

my $HTTP = <<'EOC';
    genai_books books;
    genai_catalog models.json;
    genai_provider p { dialect openai; pass http://127.0.0.1:%%UP%%/v1; }
    genai_model gpt-4o  { target p; }
    genai_model gpt-3.5 { target p; }
EOC

sub body {
    my (%o) = @_;

    return $json->encode({ model => 'gpt-4o', user => '1 1',
        messages => [ { role => 'user', content => 'hi' } ], %o });
}

# asks a location as somebody, "" is nobody

sub ask {
    my ($t, $place, $k, %o) = @_;

    my $key = delete $o{key};

    return $t->http('POST', "/$place/chat/completions",
        headers => [ 'Content-Type' => 'application/json',
                     $k eq '' ? () : ('X-K' => $k),
                     $key ? ('x-api-key' => "sk-directive-$key-0123456789")
                          : () ],
        body => body(%o));
}

# the status of each of some requests that are alike

sub each_of {
    my ($t, $n, @o) = @_;

    return join ' ', map { ask($t, @o)->status } 1 .. $n;
}

sub got { return $json->decode($up->request(-1)->{body}) }

sub logged {
    my ($t, $re) = @_;

    ok(wait_for(sub { $t->error_log =~ $re }), "logged: $re");
}


# ---- without a policy, and without keys

my $t = GenAI::Test->new(log_level => 'info');

$t->write_file('models.json', $catalog);

$t->conf(<<"EOC", UP => $up->port)->run;
http {
$HTTP
    genai_auth off;
    genai_limit key=\$http_x_k "3 requests/1000m";
    map \$genai_model \$tier { default rest; gpt-4o four; }
    log_format l "\$status [\$genai_error] \$tier";
    access_log access.log l;
    server {
        listen 127.0.0.1:%%PORT_0%%;
        location /inherited/ { genai_pass; }
        location /own/   { genai_pass;
                           genai_limit key=\$http_x_k "2 requests/1d"; }
        location /same/  { genai_pass;
                           genai_limit key=\$http_x_k "5 requests/1d"; }
        location /other/ { genai_pass;
                           genai_limit key=x\$http_x_k "2 requests/1d"; }
        location /one/   { genai_pass;
                           genai_limit key=all "2 requests/1000m"; }
        location /two/   { genai_pass;
                           genai_limit key=two:\$http_x_k "4 requests/1000m";
                           genai_limit key=\$host "3 requests/999m"; }
        location /on/    { genai_pass;
                           genai_limit key=on "1 requests/1000m on gpt-4*"; }
        location /model/ { genai_pass;
                           genai_limit key=\$genai_model "1 requests/998m"; }
        location /tier/  { genai_pass;
                           genai_limit key=\$tier "1 requests/998m"; }
        location /tokens/ { genai_pass;
                           genai_limit key=\$http_x_k "10k tokens/1000m"; }
        location /weight/ { genai_pass;
                           genai_limit key=w\$http_x_k "1k tokens/1000m"
                                       weight_prompt=0.5 weight_cached=0.5
                                       weight_completion=0 weight_reasoning=0; }
        location /cost/  { genai_pass;
                           genai_limit key=\$http_x_k "\$0.05/1000m"; }
        location /free/  { genai_pass;
                           genai_limit key=f\$http_x_k "\$0.05/1000m"
                                       unpriced=allow; }
        location /at/    { genai_pass;
                           genai_limit key=\$http_x_k "2 concurrent"; }
        location /shadow/ { genai_pass;
                           genai_limit key=s\$http_x_k "1 requests/1000m"
                                       shadow; }
        location /clip/  { genai_pass;
                           genai_limit key=c\$http_x_k "10k tokens/1000m"
                                       on_short=clip warn=0.5; }
        location /zero/  { genai_pass; genai_limit key=0 "0 requests/1000m"; }
        location /inl/   { genai on; proxy_pass http://127.0.0.1:%%UP%%;
                           genai_limit key=i\$http_x_k "2 requests/1000m";
                           genai_limit key=t\$http_x_k "10k tokens/1000m"; }
        location /falls/ { genai on; proxy_pass http://127.0.0.1:1;
                           genai_limit key=a\$http_x_k "1 requests/1000m";
                           error_page 502 = \@falls; }
        location \@falls  { genai_pass;
                           genai_limit key=b\$http_x_k "2 requests/1000m"; }
    }
}
EOC

my $r = ask($t, 'inherited', 'i');

is($r->status, 200, 'of http');
is($r->header('x-ratelimit-limit-requests'), 3, 'the limit');
is($r->header('x-ratelimit-remaining-requests'), 2, 'what is left');
is(each_of($t, 3, 'inherited', 'i'), '200 200 429', 'three');

my $n = $up->count;

$r = ask($t, 'inherited', 'i');
is($r->header('x-genai-error'), 'policy_rate', 'the word');
like($r->header('retry-after'), qr/^\d+$/, 'when to come again');
like($r->json->{error}{message},
     qr/"3 requests\/1000m" is reached.*ends in \d+ seconds, 3 is used, 0/,
     'what is said');
is($up->count, $n, 'the provider is not asked');

is(ask($t, 'inherited', 'j')->status, 200, 'of another key');

$r = ask($t, 'inherited', '');
ok(!defined $r->header('x-ratelimit-limit-requests'), 'an empty key');
is(each_of($t, 5, 'inherited', ''), '200 200 200 200 200', 'is not counted');

is(each_of($t, 3, 'own', 'i'), '200 200 429', 'one of its own instead');
is(ask($t, 'own', 'i')->header('x-genai-error'), 'policy_quota',
   'a day is a quota');
is(each_of($t, 4, 'same', 'i'), '200 200 200 429',
   'the same one, of another amount, goes on');
is(each_of($t, 3, 'other', 'i'), '200 200 429', 'another key, another one');

is(ask($t, 'one', $_)->status, 200, "one for all: $_") for qw(a b);
is(ask($t, 'one', 'c')->status, 429, 'is used up by all');

is(each_of($t, 3, 'two', 'a'), '200 200 200', 'two: both have room');
$r = ask($t, 'two', 'a');
is($r->status, 429, 'two: one has none');
like($r->json->{error}{message}, qr{"3 requests/999m"}, 'it is said which');
is(ask($t, 'two', 'b')->status, 429, 'it is that of all');

is(each_of($t, 2, 'on', ''), '200 429', 'on a pattern');
is(each_of($t, 2, 'on', '', model => 'gpt-3.5'), '200 200', 'and no other');

is(each_of($t, 2, 'model', ''), '200 429', 'by model');
is(each_of($t, 2, 'model', '', model => 'gpt-3.5'), '200 429', 'each');

# before the body is read a map has another value, which must not stay
is(each_of($t, 2, 'tier', ''), '200 429', 'by a map of the model');
is(each_of($t, 2, 'tier', '', model => 'gpt-3.5'), '200 429', 'each');
wait_for(sub { $t->access_log =~ /^429 \[\w+\] rest$/m });
like($t->access_log, qr/^200 \[\] four$/m, 'which is what it is later');

is(ask($t, 'zero', 'a')->status, 429, 'nothing is nothing');

# ---- tokens, money

$r = ask($t, 'tokens', 'a', user => '100 200');
is($r->status, 200, 'tokens');
is(got()->{max_tokens}, 4096, 'how long an answer may be');
is($r->header('x-ratelimit-limit-tokens'), 10000, 'the limit');
is(ask($t, 'tokens', 'a', user => '5000 4000', max_tokens => 4000)->status,
   200, 'tokens: nearly all');
$r = ask($t, 'tokens', 'a');
is($r->status, 429, 'tokens: not enough');
like($r->json->{error}{message}, qr/9300 is used/, 'of what was settled');
is(ask($t, 'tokens', 'b')->status, 200, 'tokens: of another key');

ask($t, 'weight', 'a', user => '1000 4000');
$r = ask($t, 'weight', 'a', user => '1 1');
like($r->header('x-ratelimit-remaining-tokens') // '', qr/^4\d\d$/, 'weights')
    or diag($r->body);

is(ask($t, 'cost', 'a', user => '1000 1000')->status, 200, 'cost: within');
$r = ask($t, 'cost', 'a');
is($r->status, 429, 'cost: not enough');
is($r->header('x-genai-error'), 'policy_quota', 'cost is a quota');
is(ask($t, 'cost', 'b', model => 'gpt-3.5')->status, 429, 'cost: no price');
is(ask($t, 'free', 'b', model => 'gpt-3.5')->status, 200, 'unpriced=allow');

# ---- at the same time

my @held = map {
    my $c = $t->connect;

    $c->request('POST', '/at/chat/completions',
                headers => [ 'Content-Type' => 'application/json',
                             'X-K' => 'a' ], body => body(user => "1 1 go$_"));
    $up->wait_mark("atgo$_");
    $c;
} 1, 2;

is(ask($t, 'at', 'a')->status, 429, 'concurrent: two, and no third');
is(ask($t, 'at', 'b')->status, 200, 'concurrent: of another key');
$up->signal($_) for qw(go1 go2);
is($_->response->status, 200, 'one ends') for @held;
is(ask($t, 'at', 'a')->status, 200, 'another one begins');

# ---- shadow, clip, warn

is(each_of($t, 3, 'shadow', 'a'), '200 200 200', 'shadow');
logged($t, qr/"1 requests\/1000m" of "s\$http_x_k", which is watched only/);

ask($t, 'clip', 'a', user => '100 4000') for 1 .. 2;
$r = ask($t, 'clip', 'a');
is($r->status, 200, 'clip: what is left');
cmp_ok(got()->{max_tokens}, '<', 4096, 'is what the answer may be');
is($r->header('x-genai-output-cap'), got()->{max_tokens}, 'and is said');
logged($t, qr{of the limit "10k tokens/1000m" of "c\$http_x_k"});

# ---- inline, redirects

is(each_of($t, 3, 'inl', 'a'), '200 200 429', 'inline');
ask($t, 'inl', 'b');
is(got()->{max_tokens}, 4096, 'inline: how long an answer may be');

is(each_of($t, 3, 'falls', 'a'), '200 200 429',
   'a redirect: what holds where it leads');

# ---- who is refused is so before he has sent his body

my $c = $t->connect;

$c->write("POST /own/chat/completions HTTP/1.1\r\nHost: a\r\nX-K: i\r\n"
          . "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n");
is($c->response->status, 429, 'headers alone');
$c->close;

# ---- what stays

$t->reload;
is(ask($t, 'own', 'i')->status, 429, 'a reload keeps what was used');
is(ask($t, 'tokens', 'a')->status, 429, 'of tokens, too');

$t->stop;
$t->run;
is(ask($t, 'own', 'i')->status, 429, 'as does a restart');
is(ask($t, 'own', 'new')->status, 200, 'new ones are new');

# the least window that there is, in UTC

is(day_left(0, ask($t, 'own', 'z')), 1, 'a day is of UTC');

sub day_left {
    my ($east, $r) = @_;

    my $is = $r->header('x-ratelimit-reset-requests') =~ s/s$//r;
    my $want = 86400 - (time + $east) % 86400;

    # midnight may have been in between
    return abs($is - $want) < 60 || abs(abs($is - $want) - 86400) < 60
           ? 1 : "$is, not $want";
}


# ---- beside a policy

my $p = GenAI::Test->new(name => 'policy', log_level => 'info');

$p->write_file('models.json', $catalog);
$p->write_file('policy.json', $json->encode({
    schema => 1, timezone => 'Pacific/Kiritimati',
    models => { 'gpt-3.5' => { limits => [ '2 requests/1000m' ] } },
    keys => {
        three => { sha256 => sha256_hex('sk-directive-three-0123456789'),
                   limits => [ '3 requests/1000m' ] },
        many => { sha256 => sha256_hex('sk-directive-many-0123456789'),
                  limits => [ map { "9 requests/${_}h" } 1 .. 32 ] } } }));

$p->conf(<<"EOC", UP => $up->port)->run;
http {
$HTTP
    genai_policy policy.json;
    server {
        listen 127.0.0.1:%%PORT_0%%;
        location /key/  { genai_pass;
                          genai_limit key=\$genai_key_id "2 requests/1000m"; }
        location /head/ { genai_pass;
                          genai_limit key=\$http_x_k "9 requests/1d"; }
        location /off/  { genai_pass; genai_auth off;
                          genai_limit key=\$http_x_k "9 requests/1d"; }
    }
}
EOC

is(each_of($p, 3, 'key', '', key => 'three'), '200 200 429',
   'by the id of a key');
is(each_of($p, 2, 'head', 'a', key => 'three'), '200 429',
   'the policy holds as well, and refused ones are not counted');
is(each_of($p, 2, 'head', '', key => 'many'), '200 200', '32 of a policy');
$r = ask($p, 'head', 'a', key => 'many');
is($r->header('x-genai-error'), 'gateway_config', 'and one more');
is(each_of($p, 3, 'off', 'o', model => 'gpt-3.5'), '200 200 429',
   "a model's hold for nobody, too");
is(day_left(14 * 3600, ask($p, 'off', 'z')), 1, "a day of the policy's zone");


# ---- mistakes

sub said {
    my ($directive, $re, %o) = @_;

    my ($rc, $out) = $t->nginx_t("http {\nserver {\nlisten 127.0.0.1:"
                                 . "%%PORT_0%%;\n$directive\n}\n}\n");

    return is($rc, 0, "good: $directive") || diag($out) if !$re;

    isnt($rc, 0, "refused: $directive");
    like($out, qr/$re.* in \S+nginx\.conf:\d+$/m, "which is told");
}

my $needs_key = qr/"genai_limit" directive needs a key,.*write "key=\$binary/;
my $limit = 'cannot read the limit "[^"]*" of genai_limit, at character';

said('genai_limit key=$binary_remote_addr "20k tokens/1m";');
said('genai_limit "20k tokens/1m" key=a$host:$uri;');
said('genai_limit key=a "20k tokens/1m on a=b";');
said('genai_limit key=a "1 tokens/1m" shadow warn=1 on_short=refuse '
     . 'weight_prompt=0 weight_cached=0.1 weight_completion=2.5 '
     . 'weight_reasoning=1000;');
said('genai_limit key=a "$1/1m" unpriced=refuse on_short=clip;');
said('genai_limit key=a "1 tokens/1m"; genai_limit key=a "1 tokens/60s"; '
     . 'genai_limit key=b "1 tokens/1m"; genai_limit key=a "1 tokens/1m on a";'
     . 'genai_limit key=a "1 prompt_tokens/1m"; location / { genai on; '
     . 'proxy_pass http://127.0.0.1:1; genai_limit key=a "1 tokens/1m"; }');
said('location / { genai_limit key=a "1 tokens/1m"; location /a/ { } }');
said('genai_limit "20k tokens/1m";', $needs_key);
said('genai_limit key "20k tokens/1m";', qr/invalid parameter "20k tokens/);
said('genai_limit shadow;', $needs_key);
said('genai_limit key= "20k tokens/1m";', qr/has an empty "key=", nothing/);
said('genai_limit key=a;', qr/needs a limit in quotes, as in "20k tokens/);
said('genai_limit;', qr/invalid number of arguments/);
said('genai_limit key=a key=b "1 tokens/1m";',
     qr/"key=" of genai_limit stands there twice/);
said('genai_limit key=a 20k tokens/1m;',
     qr{invalid parameter "tokens/1m" of genai_limit, which takes .*in quotes});
said('genai_limit key=a "1 tokens/1m" shdow;', qr/invalid parameter "shdow"/);
said('genai_limit wran=1 key=a "1 tokens/1m";', qr/parameter "wran=1"/);
said('genai_limit key=a "1 tokens/1m" shadow=on;', qr/parameter "shadow=on"/);

said("genai_limit key=a \"$$_[0]\";", qr/$limit $$_[1]: $$_[2]/) for
    [ '', 1, 'the limit is empty' ],
    [ '-1 tokens/1m', 1, 'an amount has no sign' ],
    [ '1.5 tokens/1m', 2, 'an amount is a whole number' ],
    [ '99999999999999999999 tokens/1m', 1, 'the amount is too large: at most' ],
    [ '$99999999999/1m', 2, 'the amount is too large: at most \$9000000000' ],
    [ '5 tokens/0m', 10, 'a window of 0 never ends' ],
    [ '5 tokens/1001d', 10, 'the window is too long: at most 1000' ],
    [ '5 tokens/99999999999999999999d', 10, 'the window is too long' ],
    [ '5 tokens/1y', 11, '' ],
    [ '5 tokens', 9, 'a window is missing' ],
    [ '5 gallons/1m', 3, 'write requests, tokens' ],
    [ '8 concurrent/1m', 13, '"concurrent" has no window' ],
    [ '5 tokens/1m on', 15, 'a pattern is missing' ],
    [ '5 tokens/1m on a*b', 17, '"\*" may only stand at the end' ],
    [ '5 tokens/1m on ' . 'a' x 257, 16, 'the pattern is longer than 256' ];

said("genai_limit key=a \"1 tokens/1m\" $$_[0];",
     qr/invalid value in "\Q$$_[0]\E" of genai_limit: write $$_[1]/) for
    [ 'warn=0', 'a number above 0' ], [ 'warn=', 'a number' ],
    [ 'warn=1.1', 'a number' ], [ 'warn=-1', 'a number' ],
    [ 'warn=.', 'a number' ], [ 'warn=80%', 'a number' ],
    [ 'on_short=cut', '"on_short=clip" or' ],
    [ 'weight_cached=1001', 'a number from 0 to 1000' ],
    [ 'weight_prompt=', 'a number' ], [ 'weight_reasoning=1e3', 'a number' ],
    [ 'weight_completion=0.1234567', 'a number' ],
    [ 'weight_prompt=99999999999999999999', 'a number' ];

said('genai_limit key=a "$1/1m" unpriced=yes;',
     qr/invalid value in "unpriced=yes" of genai_limit: write "unpriced=allow/);

said("genai_limit key=a \"$$_[0]\" $$_[1]=$$_[2];",
     qr/parameter "$$_[1]=" of genai_limit has no effect on a limit of this/)
    for [ '1 requests/1m', 'on_short', 'clip' ],
        [ '1 tokens/1m', 'unpriced', 'allow' ],
        [ '1 concurrent', 'weight_prompt', 1 ],
        [ '1 prompt_tokens/1m', 'weight_completion', 1 ],
        [ '1 completion_tokens/1m', 'weight_cached', 1 ],
        [ '$1/1m', 'weight_reasoning', 1 ];

said('genai_limit key=$host "1 tokens/1m"; '
     . 'genai_limit key=$host "2 tokens/1m" shadow;',
     qr/is duplicate: one of this key with this unit, window and pattern/);
said(join(' ', map { "genai_limit key=$_ \"1 tokens/1m\";" } 1 .. 8));
said(join(' ', map { "genai_limit key=$_ \"1 tokens/1m\";" } 1 .. 9),
     qr/stands here more than 8 times: remove some/);
said('location /a/ { proxy_pass http://127.0.0.1:1; '
     . 'genai_limit key=a "1 tokens/1m"; }',
     qr{location "/a/" has "genai_limit" but neither .*nothing would be});
said('if ($host) { genai_limit key=a "1 tokens/1m"; }',
     qr/directive is not allowed here/);


# ---- keys that clients make up

my $limits = join "\n", map { "genai_limit key=\$http_x_k "
    . "\"9 requests/6s on $_\";" }
    qw(* g* gp* gpt* gpt-* gpt-4* gpt-4o* gpt-4o);

sub small {
    my ($name) = @_;

    my $f = GenAI::Test->new(name => $name, log_level => 'warn', allow => [
        qr/no room for another counter/ ]);

    return $f->conf(<<"EOC")->run;
http {
    access_log off;
    keepalive_requests 1000000;
    genai_books books max=8m;
    genai_provider p { dialect openai; pass http://127.0.0.1:%%PORT_1%%/v1; }
    genai_model gpt-4o { target p; }
    genai_auth off;
    server {
        listen 127.0.0.1:%%PORT_0%%;
        location /long/  { genai_pass;
                           genai_limit key=\$http_x_k "1 requests/1d"; }
        location /short/ { genai_pass; $limits }
    }
    server {
        listen 127.0.0.1:%%PORT_1%%;
        location / {
            default_type application/json;
            return 200 '{"choices":[{"index":0,"message":{"role":"assistant",
                "content":"x"},"finish_reason":"stop"}],"usage":
                {"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}';
        }
    }
}
EOC
}

# asks with n keys, on 25 connections at a time; the statuses

sub flood {
    my ($f, $place, $from, $n) = @_;

    my @c = map { $f->connect } 1 .. 25;
    my $body = body();
    my %status;

    while ($n > 0) {
        my $batch = $n < @c ? $n : @c;

        $c[$_]->request('POST', "/$place/chat/completions", body => $body,
            headers => [ 'Content-Type' => 'application/json',
                         'X-K' => 'k' . ($from + $_) ]) for 0 .. $batch - 1;
        $status{$c[$_]->response->status}++ for 0 .. $batch - 1;

        $from += $batch;
        $n -= $batch;
    }

    $_->close for @c;

    return \%status;
}

# windows that end: until the books are full, then until there is room

my $f = small('short');
my $s;

for ($n = 0; $n < 20000; $n += 500) {
    $s = flood($f, 'short', $n, 500);
    last if $s->{503};
}

ok($s->{503}, 'short: full after ' . ($n + ($s->{200} // 0)) . ' keys');
is(ask($f, 'short', 'last')->header('x-genai-error') // '', 'gateway_full',
   'short: nobody new');
ok(wait_for(sub { ask($f, 'short', 'new')->status == 200 }, 30),
   'short: when windows have ended there is room again');

# windows that last

$f = small('long');

my $begin = time;

$s = flood($f, 'long', 0, 20000);
is(join(' ', sort keys %$s), '200 503', 'long: 20,000 keys are too many');
cmp_ok($s->{200}, '>', 5000, "long: there is room for $s->{200}");
is(join(' ', keys %{flood($f, 'long', 20000, 1000)}), '503',
   'long: nobody new');
is(join(' ', keys %{flood($f, 'long', 0, 1000)}), '429',
   'long: those that are there have not been forgotten');

my $alerts = () = $f->error_log =~ /\[alert\].*no room for another/g;

cmp_ok($alerts, '>', 0, 'there is an alert');
cmp_ok($alerts, '<=', time - $begin + 1, 'one a second at most');
cmp_ok(-s $f->dir . '/books/books', '<=', 8 << 20, 'the books have their size');

done_testing;
