# SPDX-License-Identifier: Apache-2.0

# What fails in most modules of this kind and is tested nowhere else: a 429
# says nothing about a peer, which is asked again at once; answers without a
# body (HEAD, 204, 304) beside filters that would change one.

use strict;
use warnings;

use lib 't/lib';

use JSON::PP ();

use GenAI::Test;
use GenAI::Upstream;

my @busy = map {
    my $name = $_;

    GenAI::Upstream->new(name => $name, route => sub {
        my ($r, $n) = @_;
        my $do = eval { JSON::PP::decode_json($r->{body})->{do} } // '';
        my @by = ('X-Request-Id' => $name);

        return [ [ json => $do, {}, 'Retry-After' => 7, @by ] ] if $do;
        return [ [ json => 200, { by => $name, choices => [
            { message => { content => 'a' } } ] }, @by ] ];
    });
} qw(a b);

my $up = GenAI::Upstream->new(name => 'empty ones', route => sub {
    my ($r) = @_;

    return [ [ send => "HTTP/1.1 204 No Content\r\n\r\n" ] ]
        if $r->{uri} =~ /204/;
    return [ [ send => "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n" ] ]
        if $r->{uri} =~ /304/;
    return [ [ send => "HTTP/1.1 200 OK\r\nContent-Type: application/json"
               . "\r\nContent-Length: 1000\r\n\r\n" ] ]
        if $r->{method} eq 'HEAD';
    return [ [ json => 200, { a => 'x' x 1000 } ] ];
});

my $t = GenAI::Test->new(log_level => 'info')->conf(<<'EOF',
http {
    upstream one  { server 127.0.0.1:%%A%% max_fails=1 fail_timeout=60s;
                    server 127.0.0.1:%%DOWN%% down; }
    upstream both { server 127.0.0.1:%%A%% max_fails=1 fail_timeout=60s;
                    server 127.0.0.1:%%B%% max_fails=1 fail_timeout=60s; }

    genai_provider one  { dialect openai; pass http://x.test/v1; upstream one; }
    genai_provider both { dialect openai; pass http://x.test/v1;
                          upstream both; }
    genai_provider bare { dialect openai; pass http://127.0.0.1:%%A%%/v1; }
    genai_provider b    { dialect openai; pass http://127.0.0.1:%%B%%/v1; }
    genai_provider up   { dialect openai; pass http://127.0.0.1:%%UP%%/v1; }

    genai_model one  { target one; }
    genai_model both { target both; }
    genai_model bare { target bare; }
    genai_model next { target one; target b; }
    genai_model up   { target up; }

    gzip on;
    gzip_types *;
    gzip_min_length 1;
    gzip_vary on;
    gzip_proxied any;

    server {
        listen 127.0.0.1:%%PORT_0%%;
        genai_auth off;
        location /v1/ { genai_pass; }
        location /up/ { genai_pass model=up; ssi on; ssi_types *;
                        charset utf-8; charset_types *;
                        add_header X-Mine 1;
                        genai_endpoints other models; }
        location /deny/ { genai_pass; deny all; }
    }
}
EOF
    A => $busy[0]->port, B => $busy[1]->port, UP => $up->port,
    DOWN => 1)->run;

sub ask {
    my ($model, $do) = @_;

    return $t->post('/v1/chat/completions', { model => $model,
                                              $do ? (do => $do) : () });
}


# ---- 429 and 5xx are words of the provider, not failures of a peer

for my $model (qw(one bare)) {
    for my $status (429, 500, 503, 529) {
        for my $n (1 .. 3) {
            my $before = $busy[0]->count;
            my $r = ask($model, $status);

            is($r->status, $status, "$model: $status, $n");
            is($busy[0]->count - $before, 1, "$model: asked, $n");
        }

        is(ask($model)->status, 200, "$model: and again behind $status")
    }
}

# where it leads to another target, the first one is tried again

for my $n (1 .. 3) {
    my $before = $busy[0]->count;

    is(ask('next', 429)->status, 429, "both say 429, $n");
    is($busy[0]->count - $before, 1, "the first was asked, $n");
    is(ask('next')->json->{by}, 'a', "and is the first again, $n");
}

# of two servers none is left out

ask('both', 429) for 1 .. 4;

my %by;

$by{ask('both')->json->{by}}++ for 1 .. 10;
is(join(' ', map { "$_$by{$_}" } sort keys %by), 'a5 b5',
   'both servers stay in use');


# ---- answers without a body

my $c = $t->connect;
my @gzip = (headers => [ 'Accept-Encoding' => 'gzip' ]);

for my $n (1, 2) {
    for (
        [ HEAD => '/v1/models', 200 ], [ HEAD => '/v1/models/one', 200 ],
        [ HEAD => '/v1/models/none', 404 ], [ HEAD => '/deny/models', 403 ],
        [ HEAD => '/v1/chat/completions', 405 ], [ HEAD => '/v1/x', 404 ],
        [ HEAD => '/up/files', 200 ], [ HEAD => '/up/204', 204 ],
        [ GET => '/up/204', 204 ], [ DELETE => '/up/204', 204 ],
        # nobody has asked a provider for one
        [ HEAD => '/up/304', 502 ],
    ) {
        my ($method, $uri, $status) = @$_;

        $c->request($method, $uri, @gzip);

        my $r = $c->response;

        is($r->status, $status, "$method $uri: $status") or diag($r->error);
        is($r->body, '', "$method $uri: no body");
        ok($c->reusable, "$method $uri: nothing behind it");
    }

    $c->request('GET', '/up/files', @gzip);

    my $r = $c->response;

    is($r->status . ($r->header('content-encoding') // ''), '200gzip',
       'the filters are at work');
    ok($r->complete, 'and the connection in step');
}

$c->close;


done_testing;
