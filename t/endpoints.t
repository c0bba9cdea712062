# SPDX-License-Identifier: Apache-2.0

# Endpoints: which paths exist, which methods they take, what a model's name
# leads to, and what the gateway answers by itself.

use strict;
use warnings;

use lib 't/lib';

use GenAI::Test;
use GenAI::Upstream;

my $up = GenAI::Upstream->new(route => sub {
    my ($r) = @_;

    return [ [ json => 200, { uri => $r->{uri}, body => $r->{body},
                              method => $r->{method} } ] ];
});

my $t = GenAI::Test->new(log_level => 'info')->conf(<<'EOF', UP => $up->port);
http {
    genai_provider p  { dialect openai; pass http://127.0.0.1:%%UP%%/v1; }
    genai_provider p2 { dialect openai; pass http://127.0.0.1:%%UP%%/a/b//; }
    genai_provider p3 { dialect openai; pass HTTP://127.0.0.1:%%UP%%; }

    genai_model "~^llama-[0-9]{1,2}$" { target p model=by-regex; }
    genai_model "~llama"   { target p model=by-second-regex; }
    genai_model gpt-*      { target p model=by-prefix; }
    genai_model gpt-4*     { target p model=by-longer-prefix; }
    genai_model gpt-4o     { target p model=by-name; }
    genai_model llama-70   { target p model=by-name-too; }
    genai_model "org/m 1"  { target p model=blank; }
    genai_model gpt-4o-mini { target p2; }
    genai_model root       { target p3; }
    genai_model shown      { target p; }

    map $arg_m $by_arg {
        default gpt-4o;
        none    "";
        other   unknown;
        mini    gpt-4o-mini;
    }

    server {
        listen 127.0.0.1:%%PORT_0%%;
        genai_auth off;

        location /v1/          { genai_pass; }
        location = /exact      { genai_pass; genai_api chat; }
        location ~ ^/re/(\w+)$ { genai_pass; genai_api embeddings; }
        location /chat/        { genai_pass; genai_endpoints chat; }
        location /few/ {
            genai_pass;
            genai_endpoints embeddings models;
            location /few/more/ { genai_pass; genai_endpoints chat; }
            location /few/same/ { genai_pass; }
            location /few/none/ { }
        }
        location /fixed/  { genai_pass model=gpt-4o; }
        location /fixed2/ { genai_pass model=gpt-4o-mini; }
        location /fixed3/ { genai_pass model=shown; }
        location /by/     { genai_pass model=$by_arg; }
        location /sent/   { genai_pass model=$genai_model; }
    }

    server {
        listen 127.0.0.1:%%PORT_1%%;
        location / { genai_pass; }
        location /off/ { genai_auth off; genai_pass; }
    }
}
EOF
$t->run;

sub word {
    my ($r) = @_;

    return join ' ', $r->status, $r->header('x-genai-error') // '-';
}

sub chat { return { model => 'gpt-4o', messages => [] } }


# ---- paths

for ([ '/v1/chat/completions', '/v1/chat/completions' ],
     [ '/v1/completions', '/v1/completions' ],
     [ '/v1/embeddings', '/v1/embeddings' ],
     [ '/v1/any/prefix/chat/completions', '/v1/chat/completions' ],
     [ '/v1/chat/completions?api-version=1&x=%00', '/v1/chat/completions' ],
     [ '/v1//chat//completions', '/v1/chat/completions' ],
     [ '/v1/./x/../chat/%63ompletions', '/v1/chat/completions' ],
     [ '/exact', '/v1/chat/completions' ],
     [ '/exact?x', '/v1/chat/completions' ],
     [ '/re/anything', '/v1/embeddings' ],
     [ '/chat/chat/completions', '/v1/chat/completions' ],
     [ '/few/embeddings', '/v1/embeddings' ],
     [ '/few/more/chat/completions', '/v1/chat/completions' ],
     [ '/few/same/embeddings', '/v1/embeddings' ])
{
    my ($path, $uri) = @$_;
    my $r = $t->post($path, chat());

    is($r->status, 200, $path) or diag($r->body);
    is(($r->json // {})->{uri}, $uri, "$path goes to $uri");
}

for my $path ('/v1/', '/v1/chat', '/v1/chat/completion', '/v1/chatcompletions',
              '/v1/chat/completions/', '/v1/Chat/Completions',
              '/v1/chat/completionsx', '/v1/xcompletions', '/v1/models/',
              '/v1/threads/1/messages', '/v1/files', '/v1/moderations',
              '/v1/chat%2f%2fx/completion', '/v1/chat/completions%00',
              '/chat/embeddings', '/few/chat/completions',
              '/few/more/embeddings', '/few/same/chat/completions',
              '/chat/models')
{
    my $r = $t->post($path, chat());

    if ($path =~ /%00/) {
        is($r->status, 400, $path);
        next;
    }

    is(word($r), '404 caller_forbidden_endpoint', $path);
    is($r->json->{error}{code}, 'caller_forbidden_endpoint', "$path: JSON");
}

is($t->post('/few/none/embeddings', chat())->status, 404,
   'genai_pass is not inherited');

for ([ 'gpt-4o-mini', '/a/b/chat/completions' ],
     [ 'root', '/chat/completions' ])
{
    my ($model, $uri) = @$_;

    is($t->post('/v1/chat/completions', { model => $model })->json->{uri},
       $uri, "slashes at the end of pass: $uri");
}


# ---- methods

my $c = $t->connect;

for ([ '/v1/chat/completions', 'POST', qw(GET HEAD OPTIONS PUT DELETE PATCH) ],
     [ '/v1/completions', 'POST', qw(GET OPTIONS) ],
     [ '/v1/embeddings', 'POST', qw(GET OPTIONS) ],
     [ '/v1/models', 'GET, HEAD', qw(POST PUT DELETE OPTIONS) ],
     [ '/v1/models/gpt-4o', 'GET, HEAD', qw(POST DELETE) ])
{
    my ($path, $allow, @methods) = @$_;

    for my $method (@methods) {
        $c->request($method, $path, $method =~ /^P/ ? (body => '{}') : ());
        my $r = $c->response;

        is(join(' ', $r->status, $r->header('allow') // '-',
                $r->header('x-genai-error'), $r->header('connection')),
           "405 $allow caller_bad_request keep-alive", "$method $path");
        like($r->body, $method eq 'HEAD' ? qr/^$/ : qr/"error"/,
             "$method $path: body");
    }
}

is($t->http('TRACE', '/v1/chat/completions')->status, 405, 'TRACE');
is($up->count, 16, 'none of them went up');


# ---- protocols

for ([ 'websocket', 426 ], [ 'WebSocket', 426 ], [ 'h2c, websocket', 426 ],
     [ 'h2c', 200 ], [ 'TLS/1.0', 200 ])
{
    my ($upgrade, $status) = @$_;

    for my $path ('/v1/chat/completions', '/v1/models') {
        my $post = $path =~ /chat/;
        my $r = $t->http($post ? 'POST' : 'GET', $path, headers => [
            'Upgrade' => $upgrade, 'Connection' => 'upgrade, close',
            'HTTP2-Settings' => 'AAMAAABkAARAAAAAAAIAAAAA',
            'Sec-WebSocket-Key' => 'x' ], $post ? (body => json_text(chat()))
                                                : ());
        is($r->status, $status, "Upgrade: $upgrade, $path");
        is($r->header('x-genai-error'),
           $status == 200 ? undef : 'caller_bad_request', "$upgrade: word");
    }
}


# ---- the order in which a model is looked for

my %by = ('gpt-4o' => 'by-name', 'gpt-4o-mini' => 'gpt-4o-mini',
          'gpt-4.1' => 'by-longer-prefix', 'gpt-4' => 'by-longer-prefix',
          'gpt-3' => 'by-prefix', 'gpt-' => 'by-prefix',
          'llama-70' => 'by-name-too', 'llama-7' => 'by-regex',
          'llama-700' => 'by-second-regex', 'xllamax' => 'by-second-regex',
          'org/m 1' => 'blank', 'shown' => 'shown', 'gpt-*' => 'by-prefix');

for my $model (sort keys %by) {
    my $r = $t->post('/v1/chat/completions', { model => $model });

    is($r->json->{body}, qq({"model":"$by{$model}"}), "model $model");
}

for my $model ('gpt', 'GPT-4o', 'gpt', '~llam', 'x', ' gpt-4o', "gpt\x{e9}",
               'a"b\\', '<script>', '../x', 'x' x 256)
{
    my $r = $t->post('/v1/chat/completions', { model => $model });

    is(word($r), '404 caller_forbidden_model', 'no model ' . json_text($model));
    is_deeply({ %{$r->json->{error}}, message => 1 },
              { message => 1, type => 'invalid_request_error',
                param => undef, code => 'model_not_found' }, 'as OpenAI does');
    like($r->json->{error}{message}, qr/\Q$model\E/, 'it names the model');
}


# ---- the model by the location

is($t->post('/by/chat/completions?m=mini', { model => 'x' })->json->{uri},
   '/a/b/chat/completions', 'genai_pass model=$variable');
is($t->post('/fixed/chat/completions', { model => 'nope' })->json->{body},
   '{"model":"by-name"}', 'genai_pass model=NAME, with a target\'s model');
is(word($t->post('/by/chat/completions?m=other', chat())),
   '404 caller_forbidden_model', 'a name that is no model');
like(word($t->post('/by/chat/completions?m=none', chat())),
     qr/^(?:400 caller_bad_request|503 gateway_config)$/, 'an empty one');
is($t->post('/sent/chat/completions', chat())->json->{body},
   '{"messages":[],"model":"by-name"}',
   '$genai_model is known by then');

# the public name is that of the location: the client's name must not reach
# the provider, it may be one that this location does not offer

is($t->post('/fixed3/chat/completions', { model => 'gpt-4o' })->json->{body},
   '{"model":"shown"}', 'the location\'s name goes up, not the client\'s');
is($t->post('/fixed2/chat/completions', '{"model" : "gpt-4o" }')->json->{body},
   '{"model" : "gpt-4o-mini" }', 'with its blanks');
is($t->post('/fixed3/chat/completions', { a => 1 })->json->{body},
   '{"a":1,"model":"shown"}', 'and where the client sent none')
    or diag($t->post('/fixed3/chat/completions', { a => 1 })->body);


# ---- models

my $r = $t->get('/v1/models');

is($r->status, 200, 'GET models');
is($r->header('content-type'), 'application/json', 'JSON');
is(join(' ', sort map { $_->{id} } @{$r->json->{data}}),
   'gpt-4o gpt-4o-mini llama-70 org/m 1 root shown', 'the literal names');
is($r->json->{object}, 'list', 'a list');
is_deeply([ sort keys %{$r->json->{data}[0]} ],
          [ qw(created id object owned_by) ], 'of models');
like($r->body, qr/"created":\d{10}\b/, 'created is a number');

my $head = $t->http('HEAD', '/v1/models');

is($head->header('content-length'), length $r->body, 'HEAD has its length');
is($head->body . ($head->{extra} // ''), '', 'and no body');

for ([ 'gpt-4o', 200 ], [ 'gpt-5', 200 ], [ 'llama-7', 200 ],
     [ 'org/m%201', 200 ], [ 'nope', 404 ], [ 'org/', 404 ],
     [ 'x' x 300, 404 ], [ 'gpt-%22%0a', 200 ])
{
    my ($id, $status) = @$_;

    $r = $t->get("/v1/models/$id");
    is($r->status, $status, "GET models/" . substr $id, 0, 20);
    ok($r->json, 'JSON') or diag($r->body);
}

is($t->get('/v1/models/org/m%201')->json->{id}, 'org/m 1',
   'an id with a slash');
is(word($t->get('/v1/models/nope')), '404 caller_forbidden_model', 'its word');
is($t->get('/few/models')->status, 200, 'models where they are listed');
is(word($t->get('/chat/models')), '404 caller_forbidden_endpoint',
   'and not where they are not');
is($t->http('GET', '/v1/models', body => '{"a":1}')->status, 200,
   'a body is ignored');


# ---- genai_auth is on where nothing is written

for my $path ('/chat/completions', '/models', '/nothing') {
    $r = $t->post($path, chat(), port => $t->port(1),
                  headers => [ Authorization => 'Bearer x' ]);
    is(word($r), '401 caller_unauthenticated', "no caller: $path");
    is($r->json->{error}{type}, 'authentication_error', "$path: JSON");
}

is($t->post('/off/chat/completions', chat(), port => $t->port(1))->status, 200,
   'and off where that is written');


done_testing;
