# SPDX-License-Identifier: Apache-2.0

# Who asks: keys in all the headers that carry them, anonymous callers, what
# teams, plans, users and keys allow, the credentials of teams, "satisfy", and
# that no key goes where it does not belong.

use strict;
use warnings;

use lib 't/lib';

use Digest::SHA qw(sha256_hex);
use JSON::PP ();

use GenAI::Test;
use GenAI::Upstream;

my $up = GenAI::Upstream->new(lossy => 1, route => sub {
    return [ [ json => 200, { choices => [ { finish_reason => 'stop' } ],
                              usage => { prompt_tokens => 5,
                                         completion_tokens => 2,
                                         total_tokens => 7 } } ] ];
});

my %key = map { $_ => "sk-test-$_-0123456789" }
    qw(prod other off early late two-a two-b chat broken belowoff admin own);

sub key { return { sha256 => [ map { sha256_hex($key{$_}) } @_ ] } }

my $policy = {
    schema => 1,
    plans => { gold => { models => [ 'gpt-*', 'llama-*' ] } },
    teams => {
        emea   => { models => [ 'gpt-4o*', 'llama-3' ] },
        search => { parent => 'emea', models => [ 'gpt-*', 'llama-*' ],
                    labels => { cost_center => '4711', bu => 'retail' },
                    credentials => { p => 'ours' } },
        shut   => { disabled => JSON::PP::true },
        below  => { parent => 'shut' },
        nosec  => { credentials => { p => 'nowhere' } },
    },
    users => { alice => { team => 'search' } },
    keys => {
        prod     => { %{key('prod')}, team => 'search', user => 'alice',
                      labels => { bu => 'labs' },
                      plan => 'gold' },
        other    => key('other'),
        off      => { %{key('off')}, disabled => JSON::PP::true },
        early    => { %{key('early')},
                      not_before => '2999-01-01T00:00:00Z' },
        late     => { %{key('late')}, not_after => '2020-01-01T00:00:00Z' },
        two      => key('two-a', 'two-b'),
        chat     => { %{key('chat')}, endpoints => ['chat'] },
        broken   => { %{key('broken')}, team => 'nobody' },
        belowoff => { %{key('belowoff')}, team => 'below' },
        own      => { %{key('own')}, team => 'nosec' },
        anonymous => { models => ['llama-3'] },
    },
};

my $t = GenAI::Test->new(log_level => 'info');

$t->write_file('policy.json', JSON::PP->new->canonical->encode($policy));
$t->write_file($_, "the-key-$_\n") for qw(base ours);

$t->conf(<<'EOF', UP => $up->port)->run;
http {
    genai_policy policy.json;
    genai_secret ours file:ours;
    genai_provider p { dialect openai; pass http://127.0.0.1:%%UP%%/v1;
                       credential file:base; }
    genai_model gpt-4o  { target p; }
    genai_model gpt-3.5 { target p; }
    genai_model llama-3 { target p; }
    genai_model other   { target p; }
    log_format l "$status [$genai_key_id] [$genai_user] [$genai_team] "
                 "[$genai_error] [$request_uri] "
                 "[$genai_label_cost_center $genai_label_bu $genai_label_no]";
    access_log access.log l;
    server {
        listen 127.0.0.1:%%PORT_0%%;
        listen 127.0.0.1:%%PORT_1%% %%LISTEN_H2%%;
        %%HTTP2_ON%%
        location /v1/   { genai_pass; }
        location /opt/  { genai_pass; genai_auth optional; }
        location /off/  { genai_pass; genai_auth off; }
        location /map/  { genai_pass model=other; }
        location /any/  { genai_pass; satisfy any; deny all; }
        location /anyip/ { genai_pass; satisfy any; allow 127.0.0.1;
                           deny all; }
        location /all/  { genai_pass; satisfy all; deny all; }
        location /inl/  { genai on; proxy_pass http://127.0.0.1:%%UP%%; }
        location /mir/  { mirror /sub; proxy_pass http://127.0.0.1:%%UP%%; }
        location = /sub { internal; genai on;
                          proxy_pass http://127.0.0.1:%%UP%%/mirrored; }
        location /both/ { genai on; mirror /sub;
                          proxy_pass http://127.0.0.1:%%UP%%; }
    }
}
EOF

sub ask {
    my ($place, $model, @headers) = @_;

    my $n = $up->count;
    my $r = $t->http('POST', "/$place/chat/completions",
        headers => [ 'Content-Type' => 'application/json', @headers ],
        body => qq({"model":"$model","messages":[{"role":"user",)
                . qq("content":"hi"}]}));

    my $sent = $up->count - $n;

    return ($r->status . ($sent ? ' sent' : '')
            . ($r->header('x-genai-error') ? ' ' . $r->header('x-genai-error')
                                           : ''), $r);
}

sub bearer { return (Authorization => "Bearer $key{$_[0]}") }

# headers

for my $h ([ bearer('prod') ], [ Authorization => "bearer $key{prod}" ],
           [ Authorization => "Bearer\t$key{prod}" ],
           [ Authorization => $key{prod} ],
           [ 'X-Api-Key' => $key{prod} ], [ 'Api-Key' => $key{prod} ],
           [ 'x-goog-api-key' => $key{prod} ],
           [ bearer('prod'), 'X-Api-Key' => $key{prod} ])
{
    my ($got) = ask('v1', 'gpt-4o', @$h);
    is($got, '200 sent', "key in $h->[0]" . (@$h > 2 ? ", and $h->[2]" : ''));

    my $raw = ($up->requests)[-1]{raw};
    unlike($raw, qr/\Q$key{prod}\E/, 'it does not go upstream');
    like($raw, qr/^authorization: Bearer the-key-ours\r$/mi,
         "the team's credential does");

    ($got) = ask('inl', 'gpt-4o', @$h);
    is($got, '200 sent', 'inline too');
    unlike(($up->requests)[-1]{raw}, qr/\Q$key{prod}\E/, 'and it stays here');
}

my $refused = '401 caller_unauthenticated';

for my $case (
    [ 'none' ],
    [ 'an empty one', 'X-Api-Key' => '' ],
    [ 'of another scheme', Authorization => "Token $key{prod}" ],
    [ 'beside one of another scheme', 'X-Api-Key' => $key{prod},
      Authorization => "Token $key{prod}" ],
    [ 'Basic', Authorization => 'Basic dTpw' ],
    [ 'unknown', Authorization => 'Bearer sk-unknown' ],
    [ 'two different', bearer('prod'), 'X-Api-Key' => $key{other} ],
    [ 'two different in one name', 'X-Api-Key' => $key{prod},
      'X-Api-Key' => $key{other} ],
    [ 'with a blank', Authorization => "Bearer $key{prod} $key{prod}" ],
    [ 'cut', Authorization => 'Bearer ' . substr($key{prod}, 0, -1) ],
    [ 'longer', 'X-Api-Key' => "$key{prod}x" ],
    [ 'of 6 KB', 'X-Api-Key' => 'k' x 6000 ],
    [ 'the hash itself', 'X-Api-Key' => sha256_hex($key{prod}) ],
    [ 'disabled', bearer('off') ],
    [ 'too early', bearer('early') ],
    [ 'too late', bearer('late') ],
    [ 'of a team nobody knows', bearer('broken') ],
    [ 'below a disabled team', bearer('belowoff') ],
) {
    my ($name, @headers) = @$case;

    for my $place (qw(v1 inl)) {
        my ($got, $r) = ask($place, 'gpt-4o', @headers);
        is($got, $refused, "$place, key: $name");
        like($r->json->{error}{message}, qr/key/i, 'says so');
    }
}

is((ask('v1', 'gpt-4o', bearer($_)))[0], '200 sent', "one of two: $_")
    for qw(two-a two-b);

# optional, off

is((ask('opt', 'llama-3'))[0], '200 sent', 'anonymous');
is((ask('opt', 'gpt-4o'))[0], '404 caller_forbidden_model',
   'anonymous, a model that is not his');
is((ask('opt', 'gpt-4o', bearer('prod')))[0], '200 sent',
   'optional, with a key');
is((ask('opt', 'llama-3', @$_))[0], $refused, "optional, a wrong key: @$_")
    for [ 'X-Api-Key' => 'wrong' ], [ Authorization => 'wrong' ],
        [ Authorization => 'Token wrong' ];
is((ask('opt', 'llama-3', Authorization => 'Basic dTpw'))[0], '200 sent',
   'optional, with what is no key');
is((ask('off', 'other'))[0], '200 sent', 'off');
is((ask('off', 'other', 'X-Api-Key' => 'wrong'))[0], '200 sent',
   'off, whatever the key');

# models: key, plan, user, team and teams above, all at once

for my $case (
    [ prod => 'gpt-4o', 200 ], [ prod => 'llama-3', 200 ],
    [ prod => 'gpt-3.5', 404 ], [ prod => 'other', 404 ],
    [ other => 'other', 200 ], [ other => 'gpt-3.5', 200 ],
) {
    my ($who, $model, $status) = @$case;

    is((ask('v1', $model, bearer($who)))[0],
       $status == 200 ? '200 sent' : '404 caller_forbidden_model',
       "$who and $model");
}

my ($no, $r) = ask('v1', 'nothing', bearer('prod'));
my (undef, $r2) = ask('v1', 'gpt-3.5', bearer('prod'));

is($r->body =~ s/nothing/X/r, $r2->body =~ s/gpt-3\.5/X/r,
   'unknown and forbidden look alike');
is((ask('map', 'gpt-4o', bearer('prod')))[0], '404 caller_forbidden_model',
   'the name that a location makes of it counts, too');
is((ask('map', 'gpt-4o', bearer('other')))[0], '200 sent', 'for others not');
is((ask('inl', 'gpt-3.5', bearer('prod')))[0], '404 caller_forbidden_model',
   'inline');

sub models {
    my $r = $t->get($_[0], headers => [ @_[1 .. $#_] ]);
    return $r->status if $r->status != 200;
    return join ' ', sort map { $_->{id} } @{$r->json->{data}};
}

is(models('/v1/models', bearer('prod')), 'gpt-4o llama-3',
   'the list of models is his');
is(models('/v1/models', bearer('other')), 'gpt-3.5 gpt-4o llama-3 other',
   'and another one has another');
is(models('/v1/models'), 401, 'and nobody none');
is(models('/off/models'), 'gpt-3.5 gpt-4o llama-3 other', 'or all');
is($t->get('/v1/models/gpt-4o', headers => [ bearer('prod') ])->status, 200,
   'one model');
is($t->get('/v1/models/gpt-3.5', headers => [ bearer('prod') ])->status, 404,
   'one that is not his');

# endpoints

is((ask('v1', 'gpt-4o', bearer('chat')))[0], '200 sent', 'chat');
$r = $t->http('POST', '/v1/embeddings', headers => [ bearer('chat') ],
              body => '{"model":"gpt-4o","input":"x"}');
is($r->status . ' ' . $r->header('x-genai-error'),
   '404 caller_forbidden_endpoint', 'but no embeddings');
is(models('/v1/models', bearer('chat')), 404, 'and no models');

# credentials

is((ask('v1', 'other', bearer('other')))[0], '200 sent', 'without a team');
like(($up->requests)[-1]{raw}, qr/^authorization: Bearer the-key-base\r$/mi,
     "the provider's own credential");
is((ask('v1', 'other', bearer('own')))[0], $refused,
   'a team whose secret is not there is closed');

# satisfy

is((ask('any', 'gpt-4o', bearer('prod')))[0], '200 sent',
   'satisfy any: the key');
is((ask('any', 'gpt-4o'))[0], $refused, 'satisfy any: nothing');
is((ask('anyip', 'gpt-4o'))[0], $refused,
   'satisfy any: an address is no caller');
is((ask('anyip', 'gpt-4o', bearer('prod')))[0], '200 sent',
   'satisfy any: both');
is((ask('all', 'gpt-4o', bearer('prod')))[1]->status, 403,
   'satisfy all: the key alone');

# a subrequest is nobody's way around the key

is((ask('mir', 'gpt-4o'))[1]->status, 200, 'a mirror, without a key');
is((ask('both', 'gpt-4o', bearer('prod')))[1]->status, 200,
   'a mirror, the caller is known');
ok(wait_for(sub { grep { $_->{raw} =~ m{^POST /mirrored} } $up->requests }),
   'that one goes on');
is(scalar(grep { $_->{raw} =~ m{^POST /mirrored} } $up->requests), 1,
   'the other one does not');
like($t->error_log, qr/a subrequest to "\/sub" is refused/, 'and is logged');

# the connection is kept after every refusal

my $c = $t->connect;

for my $i (1 .. 5) {
    $c->request('POST', '/v1/chat/completions',
                headers => [ 'X-Api-Key' => $i % 2 ? 'no' : $key{prod} ],
                body => '{"model":"gpt-4o","messages":[]}');
    is($c->response->status, $i % 2 ? 401 : 200, "one connection, $i");
}

SKIP: {
    skip('no curl with HTTP/2', 2) unless $t->can_h2;

    is($t->h2('POST', '/v1/chat/completions', port => $t->port(1),
              headers => [ bearer('prod') ],
              body => '{"model":"gpt-4o","messages":[]}')->status, 200, 'h2');
    my $r = $t->h2('POST', '/v1/chat/completions', port => $t->port(1),
                   headers => [ 'X-Api-Key' => 'no' ]);
    is($r->status, 401, 'h2, refused') or diag($r->error, $r->body);
}

ask('v1', 'gpt-4o', bearer('prod'));
ok($t->wait_access(qr/^200 \[prod\] \[alice\] \[search\] \[\] /m),
   'the log knows who');
like($t->access_log, qr/\[4711 labs \]/, 'and their labels');

# and no log knows a key

my $logs = $t->access_log . $t->error_log;

unlike($logs, qr/\Q$key{$_}\E/, "no log has the key $_") for sort keys %key;
unlike($logs, qr/the-key-/, 'nor a credential');

done_testing;
