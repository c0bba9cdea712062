# SPDX-License-Identifier: Apache-2.0

# Secrets stay where they belong.  Each is a word that stands nowhere else;
# after exchanges of all kinds all that came out of the gateway is searched:
# logs, metrics, usage, health, the books, what went to the provider, what came
# back to clients.

use strict;
use warnings;

use lib 't/lib';

use Digest::SHA qw(sha256_hex);
use File::Find ();
use JSON::PP ();

use GenAI::Test;
use GenAI::Upstream;

my %canary = (
    key      => 'sk-canarykey-5b1f8e',
    wrong    => 'sk-canarywrong-77ad10',
    provider => 'canaryprovider-0c9d3a',
    team     => 'canaryteam-91be44',
    cookie   => 'canarycookie-e2a6f7',
    prompt   => 'canaryprompt-38cd51',
    answer   => 'canaryanswer-f40b92',
);

my $SSE = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
    . "Transfer-Encoding: chunked\r\n\r\n";

my $up = GenAI::Upstream->new(lossy => 1, route => sub {
    my ($r) = @_;

    my $choice = { index => 0, delta => { content => $canary{answer} } };
    my $text = JSON::PP->new->canonical->encode({ choices => [ $choice ] });

    return [ [ json => 429, { error => { message => $canary{answer} } } ] ]
        if $r->{body} =~ /"limit"/;
    return [ [ send => "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
                       . "not JSON!" ] ]
        if $r->{body} =~ /"odd"/;
    return [ [ send => $SSE ], [ chunk => "data: $text\n\n" ], 'close' ]
        if $r->{body} =~ /"dies"/;
    return [ [ send => $SSE ], [ chunk => "data: $text\n\n",
                                 "data: [DONE]\n\n" ], 'chunk_end' ]
        if $r->{body} =~ /"stream":true/;
    return [ [ json => 200, { choices => [ {
        index => 0, message => { content => $canary{answer} },
        finish_reason => 'stop' } ] } ] ];
});

my $t = GenAI::Test->new(log_level => 'info', workers => 2);

$t->write_file('provider', "$canary{provider}\n");
$t->write_file('team', "$canary{team}\n");
$t->write_file('policy.json', JSON::PP->new->canonical->encode({
    schema => 1,
    teams => { special => { credentials => { p => 'team' } } },
    keys => { plain => { sha256 => sha256_hex($canary{key}) } },
}));

$t->conf(<<'EOF', UP => $up->port)->run;
http {
    genai_policy policy.json;
    genai_books  books;
    genai_secret team file:team;
    genai_provider p { dialect openai; pass http://127.0.0.1:%%UP%%/v1;
                       credential file:provider; }
    genai_provider none { dialect openai; pass http://127.0.0.1:1/v1;
                          credential file:provider; }
    genai_model m    { target p; }
    genai_model down { target none; }
    genai_model two  { target none; target p; }

    server {
        listen 127.0.0.1:%%PORT_0%%;
        listen 127.0.0.1:%%PORT_1%% %%LISTEN_H2%%;
        %%HTTP2_ON%%
        location /v1/      { genai_pass; genai_expose target overhead; }
        location /inl/     { genai on; proxy_pass http://127.0.0.1:%%UP%%; }
        location = /metrics { genai_metrics; }
        location = /usage   { genai_usage; }
        location = /health  { genai_health; }
    }
}
EOF

my @answers;

sub ask {
    my ($place, $key, $model, %o) = @_;

    my $body = $o{body} // JSON::PP->new->canonical->encode({
        model => $model, stream => $o{stream} ? JSON::PP::true
                                              : JSON::PP::false,
        user => $o{user} // 'u',
        messages => [ { role => 'user', content => $canary{prompt} } ],
    });
    my $r = $t->http('POST', "/$place/chat/completions", body => $body,
        headers => [ 'Content-Type' => 'application/json',
                     $o{header} // 'Authorization',
                     $o{header} ? $key : "Bearer $key",
                     Cookie => "session=$canary{cookie}" ]);

    push @answers, map { join("\n", map { "@$_" } @{$_->{headers}}) } $r;
    push @answers, $r->body if $r->status >= 400;

    return $r->status;
}

for my $place (qw(v1 inl)) {
    for my $header (undef, 'X-Api-Key') {
        my @h = (header => $header);

        is(ask($place, $canary{key}, 'm', @h), 200, "$place: JSON");
        is(ask($place, $canary{key}, 'm', @h, stream => 1), 200,
           "$place: stream");
        is(ask($place, $canary{wrong}, 'm', @h), 401, "$place: no such key");
        is(ask($place, $canary{key}, 'm', @h, user => 'limit'), 429,
           "$place: refused by the provider");
        ask($place, $canary{key}, 'm', @h, user => 'odd');
        ask($place, $canary{key}, 'm', @h, user => 'dies', stream => 1);
        is(ask($place, $canary{key}, 'm', @h,
               body => "{\"model\":\"m\",\"messages\":\"$canary{prompt}"),
           400, "$place: broken JSON");
    }
}

is(ask('v1', $canary{key}, 'nothing'), 404, 'no such model');
is(ask('v1', $canary{key}, 'down'), 502, 'a provider that is down');
is(ask('v1', $canary{key}, 'two'), 200, 'two targets');

my $c = $t->connect;

$c->write($c->request_text('POST', '/v1/chat/completions',
    headers => [ 'X-Api-Key' => $canary{key}, 'Content-Length' => 1000 ])
    . '{"model":"m","messages":[{"role":"user","content":"'
    . $canary{prompt});
$c->reset;

my $said = join "\n", map { $t->get($_)->body } qw(/metrics /usage /health);

like($said, qr/genai_exchanges_total/, 'there are metrics');

$t->wait_access(qr/ 499 | 400 /);

# where which of them may be; all else is searched for all of them

my %where = (
    'to clients'      => join("\n", @answers),
    'on the pages'    => $said,
    'in the logs'     => $t->error_log . $t->access_log,
    'at the provider, by the gateway' => join('', map { $_->{raw} }
        grep { $_->{raw} =~ m{^POST /v1/} } $up->requests),
    'at the provider, inline' => join('', map { $_->{raw} }
        grep { $_->{raw} =~ m{^POST /inl/} } $up->requests),
);

$where{'in the books'} = '';

File::Find::find({ no_chdir => 1, wanted => sub {
    $where{'in the books'} .= slurp($_) if -f $_;
} }, $t->dir . '/books');

my %may = (
    'at the provider, by the gateway' => { provider => 1, prompt => 1 },
    'at the provider, inline' => { prompt => 1, cookie => 1 },

    # a provider's own error is the client's to see
    'to clients' => { answer => 1 },
);

for my $place (sort keys %where) {
    cmp_ok(length $where{$place}, '>', 100, "$place: there is something");

    for my $name (sort keys %canary) {
        my $found = index($where{$place}, $canary{$name}) >= 0;

        ok(!$found, "$place: no $name") unless $may{$place}{$name};
        ok($found, "$place: the search finds what is there, $name")
            if $may{$place}{$name} && $name ne 'answer';
    }
}

done_testing;
