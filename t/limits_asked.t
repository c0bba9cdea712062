# SPDX-License-Identifier: Apache-2.0

# Limits: what a request can come to is what it asks for, in whatever way it
# does, and what was sent before it was sent elsewhere; whoever is refused
# learns when to ask again, and whether.

use strict;
use warnings;

use lib 't/lib';

use Digest::SHA qw(sha256_hex);
use IO::Compress::Gzip qw(gzip);
use JSON::PP ();

use GenAI::Test;
use GenAI::Upstream;

# answers with the usage that the request asks for in "user": "P C"; or closes,
# where it is asked by that name, or answers what nobody can read

my $up = GenAI::Upstream->new(lossy => 1, route => sub {
    my ($r) = @_;

    my $user = JSON::PP::decode_json($r->{body})->{user} // '1 1';

    return [ 'close' ] if $user eq 'close' && $r->{uri} =~ m{^/(a|inl)/};
    return [ [ json => 500, { error => {} } ] ]
        if $user eq '500' && $r->{uri} =~ m{^/inl/};

    my ($prompt, $completion) = $user =~ /^(\d+) (\d+)/ ? ($1, $2) : (7, 9);

    my $answer = { choices => [ { index => 0, text => 'x',
                     message => { role => 'assistant', content => 'x' },
                     finish_reason => 'stop' } ],
                   usage => { prompt_tokens => 0 + $prompt,
                              completion_tokens => 0 + $completion,
                              total_tokens => $prompt + $completion } };

    return [ [ json => 200, $answer ] ] if $user ne 'coded';

    my $text = JSON::PP::encode_json($answer);
    gzip(\$text => \my $coded);

    return [ [ answer => 200, $coded, 'Content-Type' => 'application/json',
               'Content-Encoding' => 'gzip' ] ];
});

# closes each connection when it has read its second request, but for the last

my $stale = GenAI::Upstream->new(lossy => 1, connections => [
    [ [ [ json => 200, { choices => [], usage => { prompt_tokens => 5,
            completion_tokens => 5, total_tokens => 10 } } ] ],
      [ 'close' ] ],
    [ [ [ json => 200, { choices => [], usage => { prompt_tokens => 5,
            completion_tokens => 5, total_tokens => 10 } } ] ] ],
]);

sub key { return { sha256 => [ sha256_hex("sk-asked-$_[0]-0123456789") ],
                   @_[1 .. $#_] } }

my %limits = (
    best   => [ '100k tokens/999h' ],
    fields => [ '1000k tokens/999h' ],
    clip   => [ { limit => '300 tokens/999h', on_short => 'clip' } ],
    least  => [ { limit => '90 tokens/999h', on_short => 'clip' } ],
    shadow => [ { limit => '1000 tokens/999h', shadow => JSON::PP::true },
                { limit => '$0.000000001/999h', shadow => JSON::PP::true } ],
    count  => [ '2 requests/999h' ],
    zero   => [ '0 concurrent' ],
    debt   => [ '1000 tokens/1000m' ],
    large  => [ '1000 tokens/1000m' ],
    rich   => [ '$20000000/999h' ],
    warns  => [ { limit => '5k tokens/999h', warn => 0.5 },
                { limit => '3 prompt_tokens/999h', shadow => JSON::PP::true } ],
    shrink => [ '100k tokens/999h' ],
    coded  => [ '100k tokens/999h', '$1/999h' ],
    bogus  => [ '100k tokens/999h' ],
    stale  => [ '100k tokens/999h' ],
    map({ ("redir$_" => [ '100k tokens/999h', '10 requests/999h',
                          '90k tokens/999h on am', '80k tokens/999h on fall' ])
        } 1 .. 3),
);

my $policy = {
    schema => 1,
    keys => { map { $_ => key($_, limits => $limits{$_}) } keys %limits },
    models => { fall0 => { limits => [ '0 requests/999h' ] } },
};

my $catalog = { schema => 1, models => {
    'gpt-4o' => { context => 128000, output => 4096, tokenizer => 'none',
                  price => { input => '2.5', output => '10' } },
    'gpt-3.5' => { context => 128000, output => 4096, tokenizer => 'none' },
} };

my $t = GenAI::Test->new(log_level => 'info');
my $json = JSON::PP->new->canonical;

$t->write_file('policy.json', $json->encode($policy));
$t->write_file('models.json', $json->encode($catalog));

$t->conf(<<'EOF', UP => $up->port, STALE => $stale->port)->run;
http {
    genai_books books;
    genai_policy policy.json;
    genai_catalog models.json;
    genai_provider p { dialect openai; pass http://127.0.0.1:%%UP%%/v1; }
    genai_provider a { dialect openai; pass http://127.0.0.1:%%UP%%/a; }
    genai_provider s { dialect openai; pass http://127.0.0.1:%%STALE%%/v1; }
    genai_model gpt-4o  { target p; }
    genai_model gpt-3.5 { target p; }
    genai_model set     { target p model=gpt-4o; set p max_tokens 50; }
    genai_model drop    { target p model=gpt-4o; drop p max_tokens; }
    genai_model none    { target p model=gpt-4o; drop p max_tokens;
                          drop p max_completion_tokens; }
    genai_model am      { target a model=gpt-4o; }
    genai_model fall    { target p model=gpt-4o; }
    genai_model fall0   { target p model=gpt-4o; }
    genai_model stale   { target s model=gpt-4o; }
    server {
        listen 127.0.0.1:%%PORT_0%%;
        location /v1/    { genai_pass; }
        location /fall/  { genai_pass; error_page 500 502 503 504 = @fall; }
        location /fall0/ { genai_pass; error_page 500 502 503 504 = @fall0; }
        location /page/  { genai_pass; error_page 500 502 503 504 /page.txt; }
        location @fall   { genai_pass model=fall; }
        location @fall0  { genai_pass model=fall0; }
        location = /page.txt { return 502 "no\n"; }
        location /inl/   { genai on; proxy_pass http://127.0.0.1:%%UP%%/inl/;
                           genai_auth off;
                           genai_limit key=$http_x_k "70k tokens/999h";
                           proxy_intercept_errors on;
                           error_page 500 502 = @inl; }
        location @inl    { genai_pass model=fall; genai_auth off;
                           genai_limit key=$http_x_k "70k tokens/999h"; }
        location = /usage { genai_usage; }
    }
}
EOF

sub ask {
    my ($key, %o) = @_;

    my $model = delete $o{model} // 'gpt-4o';
    my $place = delete $o{place} // 'v1';
    my $path = delete $o{path} // 'chat/completions';

    return $t->http('POST', "/$place/$path",
        headers => [ 'Content-Type' => 'application/json',
                     'x-api-key' => "sk-asked-$key-0123456789" ],
        body => $json->encode({ model => $model, user => '1 1',
            $path =~ /^chat/
                ? (messages => [ { role => 'user', content => 'hi' } ])
                : (prompt => 'hi'), %o }));
}

sub got {
    my $b = $json->decode($up->request(-1)->{body});

    return join ' ', map { exists $b->{$_} ? "$_=$b->{$_}" : () }
                         qw(max_tokens max_completion_tokens);
}

# the counters of a key, by their text, when nothing of them is held

sub counters {
    my ($key, $args) = (@_, '');

    my %c;

    wait_for(sub {
        %c = map { $_->{limit} => $_ } grep { ($_->{name} // '') eq $key }
                 @{$t->get("/usage$args")->json->{limits}};

        return !grep { $_->{leased} } values %c;
    });

    return \%c;
}

sub settled { return counters($_[0])->{$_[1]}{settled} }

# ---- how many answers

my $r = ask('best', path => 'completions', max_tokens => 100, n => 20);
my $left = $r->header('x-ratelimit-remaining-tokens');
ok($left < 100000 - 2000, 'n');
$r = ask('best', path => 'completions', max_tokens => 100, best_of => 20);
cmp_ok($r->header('x-ratelimit-remaining-tokens'), '<', 100000 - 2000,
       'best_of are made and billed');
$r = ask('best', path => 'completions', max_tokens => 100, best_of => 20000);
is($r->status, 400, 'not as many as that');
$r = ask('best', path => 'completions', max_tokens => 100,
         best_of => JSON::PP::null);
is($r->status, 200, 'null is none');

# ---- how long: in each field that the provider gets

ask('fields', max_tokens => 90000, max_completion_tokens => 9000);
is(got(), 'max_tokens=4096 max_completion_tokens=4096', 'both are too much');
ask('fields', max_tokens => 4000, max_completion_tokens => 10);
is(got(), 'max_tokens=10 max_completion_tokens=10', 'one of them is');
ask('fields', max_tokens => 10, max_completion_tokens => 10);
is(got(), 'max_tokens=10 max_completion_tokens=10', 'none is');
ask('fields', model => 'set', max_completion_tokens => 9000);
is(got(), 'max_tokens=50 max_completion_tokens=4096', 'beside a lower one');
ask('fields', max_tokens => -1);
is(got(), 'max_tokens=4096', 'no number of tokens');
ask('fields', model => 'drop', max_tokens => 9000);
is(got(), 'max_completion_tokens=4096', 'what is dropped stays so');
ask('fields', model => 'drop');
is(got(), 'max_completion_tokens=4096', 'also where there was none');

sub held {
    my (%o) = @_;

    my $used = settled('fields', '1M tokens/999h');
    my $r = ask('fields', %o);

    return 1000000 - $used - $r->header('x-ratelimit-remaining-tokens');
}

cmp_ok(held(max_tokens => 10), '<', 150, 'as little as was asked for');
cmp_ok(held(model => 'none', max_tokens => 10), '>', 4096,
       'where both are dropped, what the model can answer');
is(got(), '', 'nothing is written');
cmp_ok(held(max_tokens => 0), '>', 4096, '0 is no promise');
is(got(), 'max_tokens=0', 'and is not raised');

$r = ask('clip', model => 'set', max_completion_tokens => 4000);
is($r->status, 200, 'clipped');
my $cap = $r->header('x-genai-output-cap');
ok($cap > 50 && $cap < 300, 'to that');
is(got(), "max_tokens=50 max_completion_tokens=$cap", 'in both');
is(ask('clip', model => 'none')->status, 429,
   'what cannot be told is not clipped');

$r = ask('least', max_tokens => 4000);
is($r->status, 200, 'a little is left') or diag($r->body);
$r = ask('least', max_tokens => 4000,
         messages => [ { role => 'user', content => 'a b ' x 200 } ]);
like($r->json->{error}{message}, qr/can come to 1\d{3}:/,
     'nothing is: of the least one');

# ---- shadows change nothing

$r = ask('shadow');
is($r->status, 200, 'a shadow lets pass');
is(got(), '', 'and writes nothing');
is(settled('shadow', '1k tokens/999h'), 2, 'and counts');

# ---- who is refused

ask('count') for 1 .. 2;
$r = ask('count') for 1 .. 3;
is($r->status, 429, 'the third');
is(counters('count')->{'2 requests/999h'}{refused}, 3, 'refusals are counted');

$r = ask('zero');
is($r->header('x-should-retry'), 'false', 'for nobody');
ok(!defined $r->header('retry-after'), 'at any time');
like($r->json->{error}{message}, qr/"0 concurrent" lets nobody in/, 'is said');

$r = ask('large', max_tokens => 2000);
is($r->header('x-genai-error'), 'policy_rate', 'larger than all of it');
is($r->header('x-should-retry'), 'false', 'need not be asked again');
ok(!defined $r->header('retry-after'), 'at any time');
like($r->json->{error}{message}, qr/can never let this request in/, 'is said');

ask('debt', max_tokens => 10, user => '10 3990');
$r = ask('debt', max_tokens => 10);
is($r->header('x-genai-error'), 'policy_rate', 'what is owed');
cmp_ok($r->header('retry-after'), '>', 3 * 60000, 'is paid');
cmp_ok($r->header('retry-after'), '<=', 4 * 60000, 'by windows');
like($r->json->{error}{message}, qr/leaves debt that is paid in \d+/,
     'is said');

is(ask('rich', model => 'gpt-3.5')->status, 429,
   'no limit has room for what nobody knows');

# ---- told once of a window

is(ask('warns', max_tokens => 3000)->status, 200, 'warned') for 1 .. 4;
my $log = $t->error_log;
is(() = $log =~ /of the limit "5k tokens\/999h"/g, 1, 'once');
is(() = $log =~ /the limit "3 prompt_tokens\/999h".*is exceeded/g, 1,
   'watched, once');

# ---- what it was changed to

ask('shrink', user => '40000 1');
$policy->{keys}{shrink}{limits} = [ '1000 tokens/999h' ];
$policy->{keys}{debt}{limits} = [ '1000 tokens/1000m on *' ];
$t->write_file('policy.json', $json->encode($policy));
ok(wait_for(sub { ask('shrink', max_tokens => 1)->status == 429 }),
   'a limit is lowered');
cmp_ok(settled('shrink', '1k tokens/999h') // 0, '>', 40000,
       'which is said of it');

is(ask('debt', max_tokens => 10)->status, 200,
   'debt is forgiven by another window');

# ---- what nobody can read

is(ask('coded', user => 'coded', max_tokens => 700)->status, 200, 'coded');
cmp_ok(settled('coded', '100k tokens/999h'), '>', 700, 'as long as it may be');
cmp_ok(settled('coded', '$1/999h'), '>', 0.007, 'and costs that');

# ---- more than it can be

is(ask('bogus', user => '1 50000', max_tokens => 10)->status, 200, 'absurd');
is(settled('bogus', '100k tokens/999h'), 50001, 'is booked');
ok(wait_for(sub { $t->error_log =~ /50000 tokens.*could be at most \d+/ }),
   'and logged');

# ---- redirects: what was sent before counts

my $long = [ { role => 'user', content => 'x' x 5000 } ];

$r = ask('redir1', place => 'fall', model => 'am', user => 'close',
         max_tokens => 100, messages => $long);
is($r->status, 200, 'another location answers');
my $c = counters('redir1');
cmp_ok($c->{'100k tokens/999h'}{settled}, '>', 16 + 1000, 'both are settled');
is($c->{'10 requests/999h'}{settled}, 1, 'one request');
cmp_ok($c->{'90k tokens/999h on am'}{settled}, '>', 1000, 'the first one');
cmp_ok($c->{'90k tokens/999h on am'}{settled}, '<=',
       $c->{'100k tokens/999h'}{settled} - 16, 'by itself');
cmp_ok($c->{'80k tokens/999h on fall'}{settled}, '>', 16, 'and the other');

$r = ask('redir2', place => 'fall0', model => 'am', user => 'close',
         max_tokens => 100, messages => $long);
is($r->status, 429, 'another location refuses');
$c = counters('redir2');
cmp_ok($c->{'100k tokens/999h'}{settled}, '>', 1000, 'what was sent counts');
is($c->{'10 requests/999h'}{settled}, 1, 'as a request');
cmp_ok($c->{'90k tokens/999h on am'}{settled}, '>', 1000, 'of its model');

$r = ask('redir3', place => 'page', model => 'am', user => 'close',
         max_tokens => 100, messages => $long);
is($r->status, 502, 'a page');
cmp_ok(settled('redir3', '100k tokens/999h'), '>', 1000,
       'what was sent counts');

my $falls = sub {
    my ($key, %o) = @_;

    return $t->http('POST', '/inl/chat/completions',
        headers => [ 'Content-Type' => 'application/json',
                     'x-k' => $key ],
        body => $json->encode({ model => 'am', max_tokens => 100,
                                messages => $long, %o }));
};

my @inl = ('$http_x_k', '?owner=directive');

is($falls->('a', user => 'close')->status, 200, 'inline');
cmp_ok(counters(@inl)->{'70k tokens/999h'}{settled}, '>', 16 + 1000,
       'what was sent counts');
my $n = counters(@inl)->{'70k tokens/999h'}{settled};
is($falls->('a', user => '500')->status, 200, 'inline, one that said no');
is(counters(@inl)->{'70k tokens/999h'}{settled} - $n, 16, 'costs nothing');

# ---- a cached connection that is closed may have been too late

is(ask('stale', model => 'stale', max_tokens => 10)->status, 200, 'kept');
$r = ask('stale', model => 'stale', max_tokens => 10, messages => $long);
is($r->status, 200, 'sent again');
is($stale->count, 3, 'it was read twice');
cmp_ok(settled('stale', '100k tokens/999h'), '>', 20 + 1000,
       'and may be billed twice');

done_testing;
