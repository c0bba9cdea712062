# SPDX-License-Identifier: Apache-2.0

# "genai on" beside proxy_pass: what goes upstream is the client's request but
# for what must change, what comes back is metered and arrives as it comes,
# and nginx's own features around it work as they did.

use strict;
use warnings;

use lib 't/lib';

use Compress::Zlib ();
use Digest::SHA qw(sha256_hex);
use JSON::PP ();
use Time::HiRes qw(sleep time);

use GenAI::Test;
use GenAI::Upstream;
use GenAI::Util qw(allot_port);

my $CHAT = 'chat/completions';
my $SSE = "Content-Type: text/event-stream\r\n";
my $USAGE = '"usage":{"prompt_tokens":7,"completion_tokens":5,'
    . '"total_tokens":12}';
my @delta = map { "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":"
                  . "\"$_\"}}]}\n\n" } 1 .. 3;
my $used = "data: {\"choices\":[],$USAGE}\n\n";
my $done = "data: [DONE]\n\n";
my @many = map { "data: {\"choices\":[],\"n\":$_,\"x\":\"" . 'y' x 900
                 . "\"}\n\n" } 1 .. 4000;
my $answer = '{"object":"chat.completion","choices":[{"index":0,"message":'
    . '{"role":"assistant","content":"x"},"finish_reason":"stop"}],'
    . "$USAGE}";
my $coded = Compress::Zlib::memGzip($answer);

# What the provider does is in the query: ?do=WORD.  Without, it tells what it
# has received.

sub provider {
    my ($r) = @_;
    my $do = $r->{uri} =~ /[?&]do=(\w+)/ ? $1 : '';
    my $mark = $r->{uri} =~ /[?&]mark=(\w+)/ ? $1 : '';

    return [ [ json => 200, $answer ] ] if $do eq 'answer';
    return [ [ answer => 200, $coded, 'Content-Type', 'application/json',
               'Content-Encoding', 'gzip' ] ] if $do eq 'gzip';
    return [ [ json => $1, { theirs => 1 }, 'Retry-After' => 3 ] ]
        if $do =~ /^s(\d+)$/;
    return [ [ sse => 'x' ] ] if $do eq 'nothing';
    return [ 'close' ] if $do eq 'close';
    return [ 'wait_close' ] if $do eq 'hang';

    # until the connection ends, as HTTP/1.0 has it
    return [ [ send => "HTTP/1.0 200 OK\r\n$SSE\r\n" ],
             map({ ([ send => $delta[$_] ], [ wait => "$mark$_" ]) } 0 .. 2),
             [ send => $used, $done ], 'close' ] if $do eq 'steps';
    return [ [ send => "HTTP/1.1 200 OK\r\n${SSE}Transfer-Encoding: chunked"
               . "\r\n\r\n" ],
             map({ ([ chunk => $delta[$_] ], [ wait => "$mark$_" ]) } 0 .. 2),
             [ chunk => $used, $done ], 'chunk_end' ] if $do eq 'chunks';
    return [ [ send => "HTTP/1.0 200 OK\r\n$SSE\r\n", @delta, $used, $done ],
             'close' ] if $do eq 'stream';
    return [ [ send => "HTTP/1.0 200 OK\r\n$SSE\r\n", @many, $used, $done ],
             'close' ] if $do eq 'many';
    return [ [ send => "HTTP/1.1 200 OK\r\n${SSE}Content-Length: 5000\r\n\r\n",
               $delta[0], 'data: {"a' ], 'close' ] if $do eq 'cut';
    return [ [ send => "HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n"
               . "Connection: upgrade\r\n\r\nhello" ], 'close' ]
        if $do eq 'upgrade';

    return [ [ json => 200, { map({ $_ => $r->{$_} } qw(method uri version
        framing)), headers => [ map { "$_->[0]: $_->[1]" } @{$r->{headers}} ],
        len => length $r->{body}, sha => sha256_hex($r->{body}),
        length $r->{body} < 1000 ? (body => $r->{body}) : () } ] ];
}


# A server that notes of each request what a test asks for: long bodies are
# too long for its record.

sub server {
    my ($name, $route) = @_;

    return GenAI::Upstream->new(name => $name, lossy => 1, requests => [ [
        'noread', sub {
            my ($c) = @_;

            until ($c->{over}) {
                $c->read_head && $c->read_body or return;

                my $r = $c->{request};

                $c->record(type => 'request', uri => $r->{uri},
                           sha => sha256_hex($r->{body}));

                for (@{$route->($r)}) {
                    $c->step($_);
                    last if $c->{over};
                }
            }
        } ] ]);
}

my $up = server(provider => \&provider);
my $down = server('one that is down' => sub {
    [ $_[0]{uri} =~ /hard/ ? 'close' : [ json => 503, {} ] ] });

my $t = GenAI::Test->new(log_level => 'info')->conf(<<'EOF',
http {
    client_max_body_size 16m;
    client_body_buffer_size 16k;
    proxy_cache_path %%TESTDIR%%/cache keys_zone=cache:1m;
    limit_req_zone one zone=req:32k rate=1r/m;

    log_format l '$status "$genai_error" $genai_endpoint '
                 '"$genai_model" $genai_stream $genai_prompt_tokens '
                 '$genai_completion_tokens $genai_count_source '
                 '$genai_request_id';
    access_log %%TESTDIR%%/l.log l;
    log_not_found off;

    upstream up   { server 127.0.0.1:%%UP%%; keepalive 4; }
    upstream two  { server 127.0.0.1:%%DOWN%% max_fails=0;
                    server 127.0.0.1:%%UP%% backup; }
    upstream dead { server 127.0.0.1:%%DEAD%%; }

    genai_provider p { dialect openai; pass http://127.0.0.1:%%UP%%/gateway; }
    genai_provider q { dialect openai; pass http://127.0.0.1:%%DEAD%%; }
    genai_model *    { target p; }
    genai_model none { target q; }

    server {
        listen 127.0.0.1:%%PORT_0%%;
        listen 127.0.0.1:%%PORT_2%% %%LISTEN_H2%%;
        %%HTTP2_ON%%
        genai_auth off;

        location /v1/   { genai on; proxy_pass http://up; }
        location /mem/  { genai on; proxy_pass http://up;
                          client_body_buffer_size 16m; }
        location /v11/  { genai on; proxy_pass http://up;
                          proxy_http_version 1.1;
                          proxy_set_header Connection ""; }
        location /nobuf/ { genai on; proxy_pass http://up;
                          proxy_http_version 1.1; proxy_buffering off;
                          proxy_request_buffering off; }
        location /only/ { genai on; proxy_pass http://up;
                          client_body_in_file_only clean; }
        location /plain/ { proxy_pass http://up; }
        location /auth/ { genai on; genai_auth on; proxy_pass http://up; }
        location /anyauth/ { genai on; genai_auth on; satisfy any;
                          allow all; proxy_pass http://up; }

        # errors of nginx
        location /dead/ { genai on; proxy_pass http://dead; }
        location /slow/ { genai on; proxy_pass http://up;
                          proxy_read_timeout 100ms; }
        location /tiny/ { genai on; proxy_pass http://up;
                          client_max_body_size 10; }
        location /deny/ { genai on; proxy_pass http://up; deny all; }
        location /req/  { genai on; proxy_pass http://up;
                          limit_req zone=req; }
        location /icept/ { genai on; proxy_pass http://up;
                          proxy_intercept_errors on; }
        location /ipage/ { genai on; proxy_pass http://up;
                          proxy_intercept_errors on;
                          error_page 418 /page.html; }
        location = /page.html { return 200 "a page"; }

        # retries of nginx
        location /two/  { genai on; proxy_pass http://two;
                          proxy_next_upstream error http_503
                                              non_idempotent; }

        # redirects
        location /fall/ { genai on; proxy_pass http://dead;
                          error_page 502 = @again; }
        location @again { genai on; proxy_pass http://up; }
        location /gate/ { genai on; proxy_pass http://dead;
                          error_page 502 = @gate; }
        location @gate  { genai_pass; }
        location /out/  { genai on; proxy_pass http://dead;
                          error_page 502 = @out; }
        location @out   { proxy_pass http://up; }
        location /back/ { genai_pass model=none; error_page 502 = @again; }
        location /deadgate/ { genai on; proxy_pass http://dead;
                          error_page 502 = @dead; }
        location @dead  { genai on; proxy_pass http://dead; }
        location /try/  { try_files /none @again; }
        location /orig/ { genai on; proxy_pass http://dead;
                          error_page 502 = @orig; }
        location @orig  { rewrite ^ /x/embeddings break; genai on;
                          proxy_pass http://up; }
        location /orig2/ { genai on; proxy_pass http://dead;
                          error_page 502 = @orig2; }
        location @orig2 { rewrite ^ /x/y break; genai on;
                          genai_endpoints other; proxy_pass http://up; }
        location /rw/   { rewrite ^/rw/(.*)$ /v1/$1 last; }
        location /rwb/  { rewrite ^/rwb/(.*)$ /v1/$1 break; genai on;
                          proxy_pass http://up; }
        location /uri/  { genai on; proxy_pass http://up/v1/; }
        location /post/ { genai on; proxy_pass http://up; post_action @out; }
        location /postin/ { genai on; proxy_pass http://up;
                          post_action @again; }

        # parts of a location, subrequests
        location /if/ {
            genai on;
            proxy_pass http://dead;
            if ($http_x_up) { proxy_pass http://up; }
            if ($http_x_none) { set $x 1; }
        }
        location /except/ { genai on; proxy_pass http://up;
                            limit_except POST { deny all; } }
        location /except2/ { genai on; proxy_pass http://up;
                             limit_except GET { deny all; } }
        location /sub/  { genai on; proxy_pass http://up;
                          auth_request /check; }
        location = /check { internal; genai on; proxy_pass http://up/check;
                          proxy_pass_request_body off;
                          proxy_set_header Content-Length ""; }
        location /mirror/ { genai on; proxy_pass http://up;
                          mirror /mirrored; }
        location /mirrored { internal; genai on;
                          proxy_pass http://up/mirrored$request_uri; }

        # endpoints
        location /other/ { genai on; proxy_pass http://up;
                          genai_endpoints chat other;
                          proxy_http_version 1.1;
                          proxy_set_header Upgrade $http_upgrade;
                          proxy_set_header Connection $http_connection; }
        location /otherun/ { genai on; proxy_pass http://up;
                          genai_endpoints other; proxy_http_version 1.1;
                          proxy_request_buffering off; }
        location /ask   { genai on; genai_api chat; proxy_pass http://up; }

        # the client's coding
        location /zip/  { genai on; proxy_pass http://up; gzip on;
                          gzip_types application/json; gzip_min_length 1;
                          gzip_http_version 1.0; }
        location /set/  { genai on; proxy_pass http://up;
                          proxy_set_header Accept-Encoding
                                           $http_accept_encoding;
                          proxy_set_header X-Length $content_length;
                          proxy_set_header X-Line $http_content_length;
                          proxy_set_header X-TE $http_transfer_encoding;
                          proxy_set_header X-CE $http_content_encoding; }
        location /body/ { genai on; proxy_pass http://up;
                          proxy_set_body '$request_body'; }

        location /cache/ { genai on; proxy_pass http://up;
                          proxy_cache cache; proxy_cache_methods POST;
                          proxy_cache_valid any 1h;
                          proxy_cache_key $uri$is_args$args; }
    }

    # for all of a server
    server {
        listen 127.0.0.1:%%PORT_1%%;
        genai on;
        genai_auth off;
        location / { proxy_pass http://up; }
        location /off/ { genai off; proxy_pass http://up; }
        location /static/ { root %%TESTDIR%%; }
        location /return/ { return 404 "returned"; }
        location /gate/ { genai_pass; }
    }
}
EOF
    UP => $up->port, DOWN => $down->port, DEAD => allot_port())->run;

$t->write_file('static/x.html', 'a file');

my $lines = 0;
my $r;


# A POST to a location; $body is a structure or a text.

sub ask {
    my ($uri, $body, %o) = @_;

    $lines++;
    return $t->post($uri, $body // { model => 'm' }, %o);
}

sub last_line {
    my $line;

    wait_for(sub {
        defined($line = ($t->access_log('l.log') =~ /^(.*)\n/mg)[$lines - 1]);
    });

    return $line // '';
}


# Of what the provider has received: the values of a header, joined.

sub sent {
    my ($r, $name) = @_;

    return join '|', map { /^\Q$name\E: ?(.*)$/i ? $1 : () }
        @{($r->json // {})->{headers} || []};
}


# A body of n bytes that asks for a stream or does not, and what goes up.

my $ASKS = '"stream_options":{"include_usage":true}';

sub body {
    my ($n, $stream) = @_;

    my $begin = '{"model":"m",' . ($stream ? ' "stream" : true ,' : '')
        . '"x":"';
    my $end = "\", \"n\" : 1 }\r\n";
    my $pad = $n - length($begin) - length $end;
    my $text = $begin . 'z' x ($pad > 0 ? $pad : 0) . $end;
    my $up = $text;

    $up =~ s/"n" : 1/"n" : 1,$ASKS/ if $stream;

    return ($text, $up);
}

sub same {
    my ($r, $want, $what) = @_;

    my $j = $r->json // {};

    is(join(' ', $r->status, $j->{len} // '-', $j->{sha} // $r->body),
       join(' ', 200, length $want, sha256_hex($want)), $what);
    is(sent($r, 'content-length'), length $want, "$what: its length");
    is(sent($r, 'transfer-encoding') . sent($r, 'content-encoding'), '',
       "$what: no coding");
}


# ---- bytes

for my $stream (0, 1) {
    my $how = $stream ? 'edited' : 'as it is';

    for my $n (60, 1000, 16384, 16500, 70000, 1_000_000, 8_000_000) {
        my ($text, $want) = body($n, $stream);

        for my $where (qw(v1 mem)) {
            same(ask("/$where/$CHAT", $text), $want,
                 "$n bytes, $how, /$where/");
        }

        next if $n > 1_000_000;

        same(ask("/v1/$CHAT", undef, chunked => [ unpack '(a9000)*', $text ]),
             $want, "$n bytes, $how, chunked");
    }

    for my $n (60, 20_000, 1_000_000) {
        my ($text, $want) = body($n, $stream);

        for my $where (qw(v11 nobuf only)) {
            same(ask("/$where/$CHAT", $text), $want,
                 "$n bytes, $how, /$where/");
        }

        same(ask("/nobuf/$CHAT", undef, chunked => [ $text ]), $want,
             "$n bytes, $how, /nobuf/, chunked");
        same(ask("/v1/$CHAT", $text, step => 50_000, delay => 0.001), $want,
             "$n bytes, $how, in pieces");
        same(ask("/v1/$CHAT", Compress::Zlib::memGzip($text),
                 headers => [ 'Content-Encoding' => 'gzip' ]), $want,
             "$n bytes, $how, gzip");
        same(ask("/v1/$CHAT", undef, chunked =>
                 [ Compress::Zlib::memGzip($text) ],
                 headers => [ 'Content-Encoding' => 'gzip' ]), $want,
             "$n bytes, $how, gzip, chunked");
    }

    my ($text, $want) = body(500, $stream);

    is(ask("/body/$CHAT", $text)->json->{body}, $want,
       "$how, \$request_body");
    same(ask("/ask", $text), $want, "$how, genai_api");
    same(ask("/uri/$CHAT", $text), $want, "$how, proxy_pass with a path");
    same(ask("/rwb/$CHAT", $text), $want, "$how, rewrite");
    same(ask("/rw/$CHAT", $text), $want, "$how, rewrite to it");

    my $r = ask("/set/$CHAT", $text, headers => [ 'Accept-Encoding' => 'br' ]);

    is(sent($r, 'x-length') . '|' . sent($r, 'x-line'),
       length($want) . '|' . length $want, "$how: variables of its length");
    is(sent($r, 'accept-encoding'), '', "$how: variable of Accept-Encoding");
}

is(ask("/body/$CHAT", (body(50_000, 1))[0])->json->{sha},
   sha256_hex((body(50_000, 1))[1]), '$request_body of a long one');

for my $stream (0, 1) {
    my ($text, $want) = body(500, $stream);
    my $zip = Compress::Zlib::memGzip($text);

    $r = ask("/set/$CHAT", undef, chunked => [ $zip ],
             headers => [ 'Content-Encoding' => 'gzip' ]);
    is(join('|', map { sent($r, $_) } qw(x-length x-line x-te x-ce)),
       length($want) . '|' . length($want) . '||',
       "stream $stream: no line of the old framing is left");
}

same(ask("/v1/$CHAT", '{}'), '{}', 'no model');
same(ask('/v1/embeddings', '{"stream":true}'), '{"stream":true}',
     'an endpoint without usage');

my @bad = ([ '', 400 ], [ '{', 400 ], [ '{"model":1}', 400 ],
           [ '{"model":"a","model":"b"}', 400 ], [ "\xff", 400 ]);
my $before = $up->count;

is(ask("/v1/$CHAT", $_->[0])->status, $_->[1], 'refused: '
   . json_text([ $_->[0] ])) for @bad;
is(ask("/v1/$CHAT", 'x', headers => [ 'Content-Encoding' => 'gzip' ])->status,
   400, 'refused: no gzip');
is(ask("/v1/$CHAT", 'x', headers => [ 'Content-Encoding' => 'br' ])->status,
   415, 'refused: br');
is($up->count, $before, 'none of these went up');


# ---- headers

my @sixty = map { ("X-$_" => "v$_") } 1 .. 60;
my $plain = join "\n", sort grep { !/^(?:host|connection|content-)/i }
    @{ask("/plain/$CHAT", '{}', headers => [ @sixty ])->json->{headers}};

for my $at (0, 1, 10, 15, 16, 17, 18, 19, 20, 25, 36, 37, 38, 39, 40, 59, 60) {
    my @h = @sixty;

    splice @h, 2 * $at, 0, 'Accept-Encoding' => 'gzip';

    my $r = ask("/v1/$CHAT", '{"stream":true}', headers => \@h);

    is(join("\n", sort grep { !/^(?:host|connection|content-)/i }
            @{$r->json->{headers}}), $plain, "header $at is removed alone");
}

$r = ask("/v1/$CHAT", '{"stream":true}', headers => [
    map { $_ => 'x' } map({ ("Accept-Encoding", "X-$_") } 1 .. 45) ]);
is(scalar(grep { /^X-\d+: x$/ } @{$r->json->{headers}}), 45,
   'each of many is removed, others stay');
is(sent($r, 'accept-encoding'), '', 'none is left');

$r = ask("/v1/$CHAT", undef, chunked => [ '{"stream":true}' ], headers => [
    map { $_ => 'x' } map({ "Accept-Encoding" } 1 .. 45) ]);
is(sent($r, 'content-length'), length('{"stream":true}') + 1 + length $ASKS,
   'nothing but such lines, and one that is added');

$r = ask("/v1/$CHAT", undef, headers => [
    Authorization => 'Bearer k', 'x-api-key' => 'k', Cookie => 'a=b',
    'OpenAI-Organization' => 'o', 'X-Custom' => 'c' ]);
is(join('|', map { sent($r, $_) } qw(authorization x-api-key cookie
        openai-organization x-custom)), 'Bearer k|k|a=b|o|c',
   'with "genai_auth off" all others go up');
# a line that is added must not overwrite another one

for my $n (1 .. 22, 38 .. 42) {
    my %lost;

    for my $at (0 .. $n) {
        my @h = map { ("X-$_" => 'v') } 1 .. $n;

        splice @h, 2 * $at, 0, 'Accept-Encoding' => 'x';

        my $r = ask("/v1/$CHAT", undef, chunked => [ '{"stream":true}' ],
                    headers => \@h);

        $lost{$at} = 1
            if $n != grep { /^X-\d+: v$/ } @{($r->json // {})->{headers}};
    }

    is(join(' ', sort keys %lost), '', "$n others, and one more");
}

is($r->json->{uri}, "/v1/$CHAT", 'the path');
is($t->post("/v1/$CHAT?a=b&c", {})->json->{uri}, "/v1/$CHAT?a=b&c",
   'the query');
$lines++;

for my $accept ('gzip', 'deflate, gzip;q=0.5', 'gzip;q=0', 'identity', 'br') {
    my $r = ask("/zip/$CHAT?do=answer", undef,
                headers => [ 'Accept-Encoding' => $accept ]);
    my $wants = $accept =~ /gzip(?!;q=0$)/;

    is($r->header('content-encoding') // '-', $wants ? 'gzip' : '-',
       "Accept-Encoding: $accept: nginx's gzip");
    is($wants ? Compress::Zlib::memGunzip($r->body) : $r->body, $answer,
       "Accept-Encoding: $accept: the answer");
    like(last_line(), qr/^200 "" chat "m" 0 7 5 provider /,
         "Accept-Encoding: $accept: metered");
}

is(ask("/zip/$CHAT?do=answer", undef, chunked => [ '{"stream":true}' ],
       headers => [ 'Content-Type' => 'x', 'Accept-Encoding' => 'gzip' ])
   ->header('content-encoding'), 'gzip', 'Accept-Encoding, whose place went');
is(ask("/zip/$CHAT?do=answer")->header('content-encoding'), undef,
   'no Accept-Encoding: no gzip');


# ---- who asks, and for what

$before = $up->count;

for my $where (qw(auth anyauth)) {
    $r = ask("/$where/$CHAT", undef, headers => [ Authorization => 'Bearer k',
                                                  'x-api-key' => 'k' ]);
    is($r->status . $r->header('x-genai-error'), '401caller_unauthenticated',
       "/$where/: nobody is known");
}

for my $path ('/v1/', '/v1/files', '/v1/chat/completionsx', '/v1/x') {
    $r = ask($path);
    is($r->status . $r->header('x-genai-error'),
       '404caller_forbidden_endpoint', "$path is not listed");
    ok($r->json->{error}{message}, "$path: JSON");
}

is(ask('/other/completions')->status, 404, 'nor what the list leaves out');
$r = $t->get("/v1/$CHAT");
$lines++;
is($r->status . $r->header('allow'), '405POST', 'a wrong method');
is($up->count, $before, 'none of these went up');

$r = $t->get('/v1/models', headers => [ 'Accept-Encoding' => 'gzip',
                                        Authorization => 'Bearer k' ]);
$lines++;
is(join('|', $r->json->{uri}, sent($r, 'accept-encoding'),
        sent($r, 'authorization')), '/v1/models|gzip|Bearer k',
   'models come from the provider');
like(last_line(), qr/^200 "" models "" 0 0 0 /, 'models: the log');
like($r->header('x-genai-request-id'), qr/^\w{32}$/, 'models: an id');

$r = ask('/other/x?a', "no \0 JSON", headers => [
    'Content-Encoding' => 'x', 'Accept-Encoding' => 'gzip' ]);
is(join('|', map { $r->json->{$_} } qw(uri body)),
   "/other/x?a|no \0 JSON", 'another path passes');
is(join('|', sent($r, 'content-encoding'), sent($r, 'accept-encoding')),
   'x|gzip', 'untouched');
like(last_line(), qr/^200 "" other "" 0 0 0 /, 'another path: the log');
is(ask('/other/x', undef, chunked => [ 'ab', 'c' ])->json->{body}, 'abc',
   'and its chunked body');
is(ask('/otherun/x', undef, chunked => [ 'ab', 'c' ], step => 10,
       delay => 0.002)->json->{framing}, 'chunked', 'which is not read before');
is(ask("/other/$CHAT", '{"stream":true}')->json->{body},
   "{\"stream\":true,$ASKS}", 'beside others that do not');

my @ws = (headers => [ Upgrade => 'websocket',
                       Connection => 'close, upgrade' ]);

is($t->get("/v1/$CHAT", @ws)->status, 426, 'WebSocket is refused');
is($t->get('/other/x?do=upgrade', @ws)->status, 101,
   'but where other paths pass');
$lines += 2;


# ---- answers

$r = ask("/v1/$CHAT?do=answer");
is($r->body, $answer, 'an answer');
like($r->header('x-genai-request-id'), qr/^\w{32}$/, 'an id');
like(last_line(), qr/^200 "" chat "m" 0 7 5 provider \w{32}$/, 'is metered');

$r = ask("/v1/$CHAT?do=gzip");
is($r->body, $coded, 'a coded answer passes');
is($r->header('content-encoding'), 'gzip', 'as such');
like(last_line(), qr/^200 "" chat "m" 0 \d+ \d+ estimated /,
     'a coded answer is not counted');

my %stream = (model => 'm', stream => JSON::PP::true());

for my $how ([ v1 => 'steps' ], [ v11 => 'chunks' ], [ nobuf => 'steps' ],
             [ v1 => 'chunks' ])
{
    my ($where, $do) = @$how;
    my $mark = "$where$do";
    my $c = $t->stream("/$where/$CHAT?do=$do&mark=$mark", \%stream);
    my @got;

    $lines++;

    for my $i (0 .. 2) {
        my $e = $c->next_event;

        push @got, $e->{raw} // '' if $e;
        $up->signal("$mark$i");
    }

    is(join('', @got), join('', @delta), "/$where/, $do: one by one");
    is($c->next_event->{data}, '[DONE]',
       "/$where/, $do: usage that nobody asked for is left out");
    is($c->next_event, undef, "/$where/, $do: no more");
    is($c->ended, 'complete', "/$where/, $do: its end");
    like(last_line(), qr/^200 "" chat "m" 1 7 5 provider /,
         "/$where/, $do: metered");
    $c->close;
}

is(ask("/v1/$CHAT?do=stream", { %stream, stream_options =>
       { include_usage => JSON::PP::true() } })->body,
   join('', @delta, $used, $done), 'usage that was asked for stays');

is($t->http('POST', "/v1/$CHAT?do=stream", body => json_text(\%stream),
            version => '1.0')->body, join('', @delta, $done),
   'a client of HTTP/1.0');
$lines++;

for my $where (qw(v1 nobuf cache cache)) {
    my $c = $t->stream("/$where/$CHAT?do=many", \%stream, rcvbuf => 4096);
    my $got = '';

    $lines++;
    sleep 0.3;

    while (my $e = $c->next_event) { $got .= $e->{raw} }

    is(sha256_hex($got), sha256_hex(join '', @many, $done),
       "/$where/: a long stream to a slow client");
    is($c->ended, 'complete', "/$where/: its end");
    like(last_line(), qr/^200 "" chat "m" 1 7 5 provider /,
         "/$where/: metered");
    $c->close;
}

$r = ask("/v1/$CHAT?do=cut", \%stream);
like($r->body, qr/\A\Q$delta[0]\E(?:event: error\n)?data: \{"error"/,
     'a stream that dies ends with an error event');
like(last_line(), qr/^200 "provider_bad_answer" /, 'and is logged so');

{
    my $c = $t->connect;

    for (1 .. 3) {
        $c->request('POST', "/v1/$CHAT", body => '{"stream":true}');
        is($c->response->json->{body}, "{\"stream\":true,$ASKS}",
           "request $_ on a connection");
    }

    $c->write("POST /v1/$CHAT HTTP/1.1\r\nHost: a\r\nContent-Length: 15\r\n"
              . "\r\n{\"stream\":true}" x 1
              . "GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n");
    is($c->response->json->{body}, "{\"stream\":true,$ASKS}", 'a pipelined');
    is($c->response->json->{uri}, '/v1/models', 'and the next');
    $c->close;
    $lines += 5;
}


# ---- errors

sub dressed {
    my ($uri, $status, $word, %o) = @_;

    my $r = ask($uri, $o{body}, %o);
    my $e = ($r->json // {})->{error};

    $e = {} if ref $e ne 'HASH';

    is(join(' ', $r->status, $r->header('x-genai-error') // '-',
            $r->header('content-type') // '-', $e->{code} // '-'),
       "$status $word application/json $word", "$uri: $status, JSON");
    like($r->header('x-genai-request-id'), qr/^\w{32}$/, "$uri: an id");
    like(last_line(), qr/^$status "$word"/, "$uri: the log");
}

dressed("/dead/$CHAT", 502, 'provider_unreachable');
dressed("/slow/$CHAT?do=hang", 504, 'provider_timeout');
dressed("/tiny/$CHAT", 413, 'caller_too_large');
dressed("/tiny/$CHAT", 413, 'caller_too_large', chunked => [ 'x' x 20 ]);
dressed("/deny/$CHAT", 403, 'caller_forbidden_endpoint');
ask("/req/$CHAT");
dressed("/req/$CHAT", 503, 'gateway_full');
is(ask("/icept/$CHAT?do=s500")->body, '{"theirs":1}',
   'proxy_intercept_errors without a page');
dressed("/deadgate/$CHAT", 502, 'provider_unreachable');
is(ask("/ipage/$CHAT?do=s418")->body, 'a page', 'a page of its own');

for my $status (400, 401, 404, 429, 500, 503) {
    $r = ask("/v1/$CHAT?do=s$status");
    is($r->status . $r->body . $r->header('retry-after'),
       "$status\{\"theirs\":1}3", "a provider's $status passes");
    like(last_line(), qr/^$status "\w+" /, "a provider's $status: its word");
}


# ---- retries of nginx

for my $n (100, 50_000) {
    for my $stream (0, 1) {
        my ($text, $want) = body($n, $stream);

        for my $how ('', 'hard') {
            $before = $down->count;
            same(ask("/two/$CHAT?$how", $text), $want,
                 "$n bytes, stream $stream, $how: sent again");
            is($down->count, $before + 1, 'the first one was asked');
            is(($down->requests)[-1]{sha}, sha256_hex($want),
               'for the same');
        }
    }
}

ask("/two/$CHAT?do=answer");
like(last_line(), qr/^200 "" chat "m" 0 7 5 provider /,
     'a retry is metered once');
is(ask("/two/$CHAT?do=stream", \%stream)->body, join('', @delta, $done),
   'a stream behind a retry');
like(last_line(), qr/^200 "" chat "m" 1 7 5 provider /, 'metered once');


# ---- redirects

for my $n (100, 50_000) {
    for my $stream (0, 1) {
        my ($text, $want) = body($n, $stream);
        my $how = "$n bytes, stream $stream";
        my $zip = Compress::Zlib::memGzip($text);
        my @zip = (headers => [ 'Content-Encoding' => 'gzip',
                                'Accept-Encoding' => 'gzip' ]);

        for my $where (qw(fall gate out back try)) {
            same(ask("/$where/$CHAT", $text), $want, "/$where/, $how");
            same(ask("/$where/$CHAT", $zip, @zip), $want, "/$where/, $how, z");
        }

        for my $where (qw(orig orig2)) {
            same(ask("/$where/$CHAT", $text), $text, "/$where/, $how");
            same(ask("/$where/$CHAT", $zip, @zip), $text, "/$where/, $how, z");
        }
    }
}

is(ask("/fall/$CHAT")->json->{uri}, "/fall/$CHAT", 'to another proxy_pass');
is(ask("/gate/$CHAT")->json->{uri}, "/gateway/$CHAT", 'to a gateway');

for my $where (qw(fall gate back)) {
    is(ask("/$where/$CHAT?do=answer")->status, 200, "/$where/: answered");
}

is(ask("/fall/$CHAT?do=stream", \%stream)->body, join('', @delta, $done),
   '/fall/: a stream');
like(last_line(), qr/^200 "" chat "m" 1 7 5 provider /,
     '/fall/: metered once');

for my $where (qw(post postin)) {
    is(ask("/$where/$CHAT", '{"stream":true}')->json->{body},
       "{\"stream\":true,$ASKS}", "/$where/: post_action");
    is(ask("/$where/$CHAT?do=answer")->body, $answer, "/$where/: an answer");
    like(last_line(), qr/^200 "" chat "m" 0 7 5 provider /,
         "/$where/: metered once");
}


# ---- parts of a location, subrequests

$r = ask("/if/$CHAT", '{"stream":true}', headers => [ 'X-Up' => 1 ]);
is($r->json->{body}, "{\"stream\":true,$ASKS}", 'proxy_pass in an "if"');
is(ask("/if/$CHAT", undef, headers => [ 'X-None' => 1 ])
   ->header('x-genai-error'), 'provider_unreachable', 'an "if" without one');
is(ask("/except/$CHAT")->status, 200, 'limit_except that allows');
is(ask("/except2/$CHAT")->header('x-genai-error'),
   'caller_forbidden_endpoint', 'limit_except that denies');

for my $n (100, 50_000) {
    my ($text, $want) = body($n, 1);

    $before = $up->count;
    same(ask("/sub/$CHAT", $text), $want, "auth_request, $n bytes");
    is($up->count, $before + 2, 'auth_request: one more request');
    is(($up->requests)[$before]{sha}, sha256_hex(''),
       'auth_request: without a body');

    $before = $up->count;
    same(ask("/mirror/$CHAT", $text), $want, "mirror, $n bytes");
    ok(wait_for(sub { $up->count == $before + 2 }), 'mirror: one more');

    my ($copy) = grep { $_->{uri} =~ m{^/mirrored} } ($up->requests)[-2, -1];

    is($copy->{sha}, sha256_hex($want), 'mirror: the same body');
}


# ---- proxy_cache

for my $try (qw(first second)) {
    is(ask("/cache/$CHAT?do=stream", \%stream)->body,
       join('', @delta, $done), "a cached stream, $try");
    $r = ask("/cache/$CHAT?do=s404");
    is($r->status . $r->body, '404{"theirs":1}', "a cached 404, $try");
    is(ask("/cache/$CHAT?do=answer")->body, $answer,
       "a cached answer, $try");
}


# ---- HTTP/2

if (GenAI::Test->can_h2) {
    my @port = (port => $t->port(2));

    for my $n (60, 1000, 40_000, 1_000_000) {
        for my $stream (0, 1) {
            my ($text, $want) = body($n, $stream);
            my $how = "h2, $n bytes, stream $stream";

            same($t->h2('POST', "/v1/$CHAT", body => $text, @port),
                 $want, $how);
            same($t->h2('POST', "/v1/$CHAT", body => $text, headers =>
                        [ 'Content-Length' => '', 'Accept-Encoding' => 'x' ],
                        @port),
                 $want, "$how, no length");
            $lines += 2;
        }
    }

    is($t->h2('POST', "/v1/$CHAT?do=stream", body => json_text(\%stream),
              @port)->body, join('', @delta, $done), 'h2: a stream');
    is($t->h2('POST', "/dead/$CHAT", body => '{}', @port)->status, 502,
       'h2: an error');
    $lines += 2;

    $r = $t->h2('POST', "/v1/$CHAT", @port,
        body => '{"stream":true}', headers =>
        [ map { ("X-$_" => 'x', $_ % 7 ? () : ('Accept-Encoding' => 'x')) }
          1 .. 50 ]);
    $lines++;
    is(scalar(grep { /^x-\d+: x$/i } @{$r->json->{headers}}), 50,
       'h2: headers stay');
    is(sent($r, 'accept-encoding'), '', 'h2: and go');
}


# ---- for all of a server

{
    my @on = (port => $t->port(1));

    is($t->post("/v1/$CHAT", '{"stream":true}', @on)->json->{body},
       "{\"stream\":true,$ASKS}", 'a server: proxy_pass');
    is($t->post('/v1/x', '{}', @on)->header('x-genai-error'),
       'caller_forbidden_endpoint', 'a server: an unlisted path');
    is($t->post("/off/$CHAT", '{"stream":true}', @on)->json->{body},
       '{"stream":true}', 'a server: off');

    my $r = $t->get('/static/x.html', @on);

    is($r->body . ($r->header('x-genai-request-id') // '-'), 'a file-',
       'a server: a file');
    like($t->get('/static/none', @on)->body, qr/<html>/,
         'a server: an error of nginx');
    is($t->get('/return/', @on)->body, 'returned', 'a server: return');
    is($t->post("/gate/$CHAT", { model => 'm' }, @on)->json->{uri},
       "/gateway/$CHAT", 'a server: genai_pass');
}


done_testing;
