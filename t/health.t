# SPDX-License-Identifier: Apache-2.0

# genai_health: ready or not, why not, and nothing more.

use strict;
use warnings;

use lib 't/lib';

use Digest::SHA qw(sha256_hex);

use GenAI::Test;

my $SECRET = 'sk-genai-canary-0123456789';

sub policy {
    my ($revision, %more) = @_;

    return json_text({ schema => 1, revision => $revision, teams => { t => {} },
        keys => { k => { sha256 => [ sha256_hex($SECRET) ], team => 't' } },
        %more });
}

sub conf {
    my ($http) = @_;

    return <<"EOF";
http {
    $http
    genai_provider p { dialect openai; pass http://127.0.0.1:1/v1; }
    genai_model m { target p; }
    server {
        listen 127.0.0.1:%%PORT_0%%;
        listen 127.0.0.1:%%PORT_1%% %%LISTEN_H2%%;
        %%HTTP2_ON%%
        location /v1/      { genai_pass; }
        location = /health { genai_health; }
    }
}
EOF
}

sub health { return $_[0]->get('/health') }


# ---- without a policy

{
    my $t = GenAI::Test->new(name => 'no policy')->conf(conf(''))->run;
    my $r = health($t);

    is($r->status, 200, 'ready');
    is($r->json->{status}, 'ready', 'and says so');
    is_deeply($r->json->{reasons}, [], 'there is no reason not to be');
    is($r->json->{generation}, 0, 'no generation');
    is($r->json->{revision}, undef, 'no revision');
    is($r->header('Content-Type'), 'application/json', 'JSON');
    is($r->header('Cache-Control'), 'no-store', 'not to be stored');

    my $c = $t->connect;

    for my $case ([ 'HEAD', 200 ], [ 'POST', 405 ], [ 'PUT', 405 ],
                  [ 'DELETE', 405 ], [ 'GET', 200 ])
    {
        my ($method, $status) = @$case;

        $c->request($method, '/health',
                    $method =~ /^P/ ? (body => 'x' x 10000) : ());
        $r = $c->response;
        is($r->status, $status, "$method is $status");
        is($r->header('Cache-Control'), 'no-store', "$method: not stored");
        is($r->header('Allow'), 'GET, HEAD', "$method: says what is allowed")
            if $status == 405;
        is(length $r->body, 0, 'HEAD has no body') if $method eq 'HEAD';
    }

    ok($c->reusable, 'all of it on one connection');

    $c = $t->connect;
    $c->write("POST /health HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n"
              . "Expect: 100-continue\r\n\r\n");
    is($c->response->status, 405, 'a body is not asked for');

    if ($t->can_h2) {
        is($t->h2('GET', '/health', port => $t->port(1))->json->{status},
           'ready', 'over HTTP/2');
    }
}


# ---- with one

{
    my $t = GenAI::Test->new(name => 'policy', workers => 2);

    $t->write_file('policy/a.json', policy('r-1 "x"'));
    $t->conf(conf('genai_policy policy;'))->run;

    my $r = health($t);

    is($r->status, 200, 'policy: ready');
    is($r->json->{revision}, 'r-1 "x"', 'policy: its revision');
    ok($r->json->{generation} >= 1, 'policy: its generation');
    is($r->json->{fragments_stale}, 0, 'policy: nothing is stale');

    my $generation = $r->json->{generation};

    $t->write_file('policy/a.json', policy('r-2', users =>
        { u => { team => 'nobody' } }));
    ok(wait_for(sub { (health($t)->json->{revision} // '') eq 'r-2' }),
       'policy: a new revision');

    my $j = health($t)->json;

    ok($j->{generation} > $generation, 'policy: a new generation');
    is($j->{objects_closed}, 1, 'policy: a closed object');
    is($j->{status}, 'ready', 'policy: which is no reason');

    $t->write_file('policy/a.json', '{');
    ok(wait_for(sub { health($t)->json->{fragments_stale} == 1 }),
       'policy: a broken fragment is seen');

    $r = health($t);
    is($r->status, 200, 'policy: the older version serves');
    is($r->json->{revision}, 'r-2', 'policy: that one');

    my $head = join '', map { @$_ } @{$r->{headers}};

    unlike($head . $r->body, qr/canary|\Q@{[ sha256_hex($SECRET) ]}\E/,
           'policy: no secret');
}


# ---- with one that cannot be used

{
    my $t = GenAI::Test->new(name => 'no policy yet');

    $t->write_file('policy.json', '{ "schema": 1, ');
    $t->conf(conf('genai_policy policy.json;'))->run;

    my $r = health($t);

    is($r->status, 503, 'broken policy: 503');
    is($r->json->{status}, 'not_ready', 'broken policy: says so');
    is_deeply($r->json->{reasons}, ['no_policy'], 'broken policy: the reason');
    is($t->http('HEAD', '/health')->status, 503, 'broken policy: HEAD');

    $t->write_file('policy.json', policy('mended'));
    ok(wait_for(sub { health($t)->status == 200 }), 'mended: ready');
    is(health($t)->json->{revision}, 'mended', 'mended: the revision');
}


# ---- without books

{
    my $t = GenAI::Test->new(name => 'no books');

    # a file is no directory
    $t->write_file('books', 'x');
    $t->conf(conf('genai_books books;'))->run;

    my $r = health($t);

    is($r->status, 503, 'no books: 503');
    is_deeply($r->json->{reasons}, ['no_books'], 'no books: the reason');
}


# ---- what is refused

my $checker = GenAI::Test->new(name => 'nginx -t');

for my $case (
    [ 'beside proxy_pass', 'genai_health; proxy_pass http://127.0.0.1:1;' ],
    [ 'behind it', 'proxy_pass http://127.0.0.1:1; genai_health;' ],
    [ 'beside another report', 'genai_health; genai_metrics;' ],
    [ 'twice', 'genai_health; genai_health;' ],
    [ 'behind genai_pass', 'genai_pass; genai_health;' ],
    [ 'before genai_pass', 'genai_health; genai_pass;' ],
    [ 'behind genai on', 'genai on; genai_health;' ],
    [ 'before genai on', 'genai_health; genai on;' ],
    [ 'with an argument', 'genai_health on;' ],
) {
    my ($name, $lines) = @$case;
    my ($rc, $out) = $checker->nginx_t(<<"EOF");
http {
    genai_provider p { dialect openai; pass http://127.0.0.1:1/v1; }
    genai_model m { target p; }
    server { listen 127.0.0.1:%%PORT_0%%; location / { $lines } }
}
EOF

    isnt($rc, 0, "$name: refused");
    like($out, qr/nginx\.conf:\d+/, "$name: with its line");
}

done_testing;
