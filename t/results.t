# SPDX-License-Identifier: Apache-2.0

# Endpoints that no conversation is answered to, with JSON bodies: moderations,
# rerank, images, speech.  They are closed unless listed, pass as they are,
# and are metered by what their providers tell.

use strict;
use warnings;

use lib 't/lib';

use Digest::SHA qw(sha256_hex);
use JSON::PP ();

use GenAI::Test;
use GenAI::Upstream;
use GenAI::Util qw(allot_port);

my $DATA = $ENV{GENAI_FIXTURES} || '../shared/data/fixtures';
my $SSE = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
    . "Transfer-Encoding: chunked\r\n\r\n";
my $MP3 = join '', map { chr($_ % 256) } 0 .. 20_000;

my %answer = (
    moderation => { id => 'modr', model => 'x',
                    results => [ { flagged => JSON::PP::false } ] },
    rerank => { object => 'list', data => [ { index => 0 } ],
                usage => { total_tokens => 43 } },
    vllm => { id => 'r', results => [ { index => 0 } ],
              usage => { prompt_tokens => 7, total_tokens => 7 } },
    cohere => { results => [], meta => { billed_units =>
                { search_units => 1 } } },
    tokens => { results => [], meta => { billed_units =>
                { search_units => 1 }, tokens => { input_tokens => 12,
                                                   output_tokens => 0 } } },
    image => { created => 1, data => [ { b64_json => 'A' x 100_000 } ],
               usage => { input_tokens => 50, output_tokens => 1056,
                          total_tokens => 1106 } },
    url => { created => 1, data => [ { url => 'https://x' } ] },
    error => { error => { message => 'overloaded', type => 'server_error' } },
);

sub route {
    my ($r) = @_;

    my $in = JSON::PP::decode_json($r->{body});
    my $do = $in->{user} // '';

    return [ [ json => 200, $answer{$do} ] ] if $answer{$do};
    return [ [ json => 400, { error => { message => 'no' } } ] ]
        if $do eq '400';
    return [ [ answer => 200, $MP3, 'Content-Type', 'audio/mpeg' ] ]
        if $do eq 'mp3';
    return [ [ send => "HTTP/1.1 200 OK\r\nContent-Type: audio/mpeg\r\n"
               . "Content-Length: 100\r\n\r\nabc" ], 'close' ]
        if $do eq 'cut';
    return [ [ answer => 200, '<html>', 'Content-Type', 'text/html' ] ]
        if $do eq 'html';
    return [ [ answer => 200, $MP3 ] ] if $do eq 'untyped';
    return [ [ answer => 200, 'sorry', 'Content-Type', 'text/plain' ] ]
        if $do eq 'text';
    return [ [ send => $SSE ],
             [ chunk => qq(data: {"type":"image_generation.partial_image"}\n\n),
               qq(data: {"type":"image_generation.completed","usage":)
               . qq({"input_tokens":5,"output_tokens":6}}\n\n) ],
             'chunk_end' ] if $do eq 'stream';
    return [ [ send => $SSE ],
             [ chunk => qq(event: error\ndata: {"error":{"message":"m"}}\n\n) ],
             'chunk_end' ] if $do eq 'bad stream';

    return [ [ json => 200, { uri => $r->{uri}, body => $r->{body},
                              results => [] } ] ];
}

my $up = GenAI::Upstream->new(lossy => 1, route => \&route);

# recorded answers, by the number in the request
my @fixtures = grep { -e }
    map { my $d = $_; glob "$DATA/$d/*.request.json" }
    qw(openai.moderations cohere.rerank openrouter.rerank voyage.rerank);

my $recorded = GenAI::Upstream->new(name => 'recorded', route => sub {
    my ($r) = @_;
    my ($n) = $r->{h}{'x-n'} // 0;

    (my $file = $fixtures[$n]) =~ s/request\.json$/response.json/;

    return [ [ answer => 200, GenAI::Util::slurp($file), 'Content-Type',
               'application/json' ] ];
});

sub key { return { sha256 => [ sha256_hex("sk-results-$_[0]-0123456789") ],
                   @_[1 .. $#_] } }

my $policy = { schema => 1, keys => {
    all => key('all'),
    few => key('few', endpoints => [ 'moderations', 'images' ]),
    none => key('none', endpoints => [ 'chat' ]),
    two => key('two', limits => [ '2 requests/1h' ]),
    tokens => key('tokens', limits => [ '1000 tokens/1h' ]),
    dollars => key('dollars', limits => [ '$1/1h' ]),
    free => key('free', limits => [ { limit => '$1/1h',
                                      unpriced => 'allow' } ]),
} };

my $t = GenAI::Test->new(log_level => 'info');

$t->write_file('policy.json', JSON::PP->new->canonical->encode($policy));
$t->write_file('own.json', JSON::PP->new->canonical->encode({ schema => 1,
    models => { priced => { price => { input => 10, output => 40 } } } }));

$t->conf(<<'EOF',
http {
    log_format l '$status "$genai_error" $genai_endpoint $genai_attempts '
                 '$genai_model $genai_prompt_tokens '
                 '$genai_completion_tokens $genai_count_source $genai_finish';
    access_log %%TESTDIR%%/l.log l;

    genai_policy %%TESTDIR%%/policy.json;
    genai_catalog %%TESTDIR%%/own.json;

    genai_provider p { dialect openai; pass http://127.0.0.1:%%UP%%/v1; }
    genai_provider fixed { dialect openai; pass http://127.0.0.1:%%REC%%/v2;
                           header x-n $http_x_n; }
    genai_provider dead { dialect openai; pass http://127.0.0.1:%%DEAD%%; }
    genai_provider claude { dialect anthropic;
                            pass http://127.0.0.1:%%UP%%; }
    genai_model m { target p model=own; set p size 1024; drop p seed; }
    genai_model priced { target p; }
    genai_model fixed { target fixed; }
    genai_model two { target dead; target p model=second; }
    genai_model after { target p model=first name=a; target p name=b
                        model=second; }
    genai_model claude { target claude; }

    server {
        listen 127.0.0.1:%%PORT_0%%;
        genai_auth off;
        genai_endpoints moderations rerank images audio;

        location /v1/  { genai_pass; }
        location /few/ { genai_pass; genai_endpoints rerank; }
        location /old/ { genai_pass; genai_endpoints chat completions
                         embeddings responses messages generate count_tokens
                         models other; }
        location /raw/ { genai_pass model=m; genai_endpoints other; }
        location = /img { genai_pass; genai_api images; }
        location /fix/ { genai_pass model=fixed; }
        location /key/ { genai_auth on; genai_pass; }
        location /in/  { genai on; proxy_pass http://127.0.0.1:%%UP%%/; }
    }

    server {
        listen 127.0.0.1:%%PORT_1%%;
        genai_auth off;
        location / { genai_pass; }
    }
}
EOF
    UP => $up->port, REC => $recorded->port, DEAD => allot_port())->run;

sub word {
    my ($r) = @_;

    return $r->status . ' ' . ($r->header('x-genai-error') // '-');
}

sub ask {
    my ($path, $do, %more) = @_;

    my $key = delete $more{key};

    return $t->post($path, { model => 'm', user => $do, %more },
        $key ? (headers => [ Authorization =>
                             "Bearer sk-results-$key-0123456789" ]) : ());
}

my @all = qw(/moderations /rerank /v1/rerank /v2/rerank /images/generations
             /images/edits /audio/speech);


# ---- closed unless listed

for my $path (@all, '/images/variations', '/audio/transcriptions',
              '/audio/translations')
{
    is(word($t->post("/v1$path", { model => 'm' }, port => $t->port(1))),
       '404 caller_forbidden_endpoint', "$path is off by default");
    is(word($t->post("/old$path", { model => 'm' })),
       '404 caller_forbidden_endpoint', "$path is not \"other\"");
}

is(word(ask('/few/v1/rerank', 'rerank')), '200 -', 'listed');
is(word(ask('/few/v1/moderations', 'x')), '404 caller_forbidden_endpoint',
   'not listed');
is(word($t->post("/v1/$_", { model => 'm' })), '404 caller_forbidden_endpoint',
   "$_ is no endpoint")
    for qw(files batches uploads audio images images/generations/1 audio/x);

is(word($t->get('/v1/moderations')), '405 caller_bad_request', 'GET');

is(word(ask('/key/v1/moderations', 'moderation', key => 'few')), '200 -',
   'allowed to the caller');
is(word(ask('/key/v1/rerank', 'rerank', key => 'few')),
   '404 caller_forbidden_endpoint', 'not allowed to the caller');
is(word(ask('/key/v1/images/generations', 'url', key => 'none')),
   '404 caller_forbidden_endpoint', 'only chat is');
is(word(ask('/key/v1/rerank', 'rerank', key => 'all')), '200 -',
   'a key without a list');

# a location that lists nothing but "other" reads nothing

my $r = $t->post('/raw/v1/moderations', { model => 'any' });
is($r->json->{body}, '{"model":"any"}', '"other" alone: unread');
is($r->json->{uri}, '/v1/v1/moderations', 'and below its location');


# ---- the request: the client's bytes, with the model's own name

for ([ '/v1/moderations', '/v1/moderations' ],
     [ '/v1/v2/rerank', '/v1/rerank' ],
     [ '/v1/images/generations', '/v1/images/generations' ],
     [ '/v1/images/edits', '/v1/images/edits' ],
     [ '/v1/audio/speech?x=y', '/v1/audio/speech' ],
     [ '/img', '/v1/images/generations' ])
{
    my ($path, $uri) = @$_;
    my $r = $t->post($path, '{"seed":1, "model": "m" ,"input":"\u0041"}',
                     headers => [ 'Content-Type', 'application/json' ]);

    is($r->status, 200, $path) or diag($r->body);
    is($r->json->{uri}, $uri, "$path goes to $uri");
    is($r->json->{body}, '{"model": "own" ,"input":"\u0041","size":1024}',
       "$path: its body");
}

is(word($t->post('/v1/moderations', '{"model":"m","Model":"n"}')),
   '400 caller_bad_request', 'two models');
is(word($t->post('/v1/rerank', '{"model":"m"')), '400 caller_bad_request',
   'half a body');
is(word($t->post('/v1/rerank', '{"query":"m"}')), '400 caller_bad_request',
   'no model');
is(word($t->post('/v1/rerank', '{"model":"x"}')), '404 caller_forbidden_model',
   'an unknown model');
is(word(ask('/v1/rerank', 'rerank', model => 'claude')),
   '400 caller_bad_request', 'a provider of another dialect');


# ---- what it was

sub logged {
    my ($name, $path, $do, $want, %more) = @_;

    my $r = ask($path, $do, %more);

    ok($t->wait_access(qr/^\Q$want\E$/m, 5, 'l.log'), $name)
        or diag($t->access_log('l.log') =~ /([^\n]*\n)\z/, "want $want");

    return $r;
}

$r = logged('moderations tell nothing', '/v1/moderations', 'moderation',
            '200 "" moderations 1 m 3 0 estimated complete',
            input => [ 'abcd', { type => 'text', text => 'efgh' },
                       { text => 'i' } ]);
is($r->header('content-type'), 'application/json', 'its type');
logged('a total', '/v1/rerank', 'rerank',
       '200 "" rerank 1 m 43 0 provider complete',
       query => 'q', documents => [ 'd' ]);
logged('vLLM\'s', '/v1/rerank', 'vllm',
       '200 "" rerank 1 m 7 0 provider complete',
       query => 'q', documents => [ { text => 'd' } ]);
logged('search units are no tokens', '/v1/rerank', 'cohere',
       '200 "" rerank 1 m 3 0 estimated complete',
       query => 'abcd', documents => [ 'efgh', { text => 'ij' } ]);
logged('meta.tokens', '/v1/rerank', 'tokens',
       '200 "" rerank 1 m 12 0 provider complete', query => 'abcd');
$r = logged('an image', '/v1/images/generations', 'image',
            '200 "" images 1 m 50 1056 provider complete', prompt => 'p');
is($r->json->{data}[0]{b64_json}, 'A' x 100_000, 'all of it');
logged('an image by URL', '/v1/images/generations', 'url',
       '200 "" images 1 m 2 0 estimated complete', prompt => 'abcdefgh');
$r = logged('a stream of images', '/v1/images/generations', 'stream',
            '200 "" images 1 m 5 6 provider complete', prompt => 'p',
            stream => JSON::PP::true);
is(scalar(my @e = $r->events), 2, 'both events');
$r = logged('an error in a stream', '/v1/images/generations', 'bad stream',
            '200 "provider_bad_answer" images 1 m 0 0 none error',
            stream => JSON::PP::true);
logged('an error of the provider', '/v1/moderations', '400',
       '400 "caller_bad_request" moderations 1 m 0 0 none error');

$r = logged('speech', '/v1/audio/speech', 'mp3',
            '200 "" audio 1 m 2 0 estimated complete', input => 'abcdefgh');
ok($r->body eq $MP3, 'the sound, byte for byte');
is($r->header('content-type'), 'audio/mpeg', 'its type');
ok(ask('/v1/audio/speech', 'untyped')->body eq $MP3, 'sound without a type');
$r = ask('/v1/audio/speech', 'cut');
isnt($r->error, '', 'sound that is cut');

is(word(ask('/v1/audio/speech', 'html')), '502 provider_bad_answer',
   'HTML is no sound');
is(word(ask('/v1/moderations', 'text')), '502 provider_bad_answer',
   'a text is no JSON');
is(word(ask('/v1/moderations', 'mp3')), '502 provider_bad_answer',
   'sound neither');


# ---- failover, as with any JSON

$r = ask('/v1/rerank', '', model => 'two');
is($r->json->{body}, '{"model":"second","user":""}', 'the second target');
ok($t->wait_access(qr/^200 "" rerank 2 two /m, 5, 'l.log'), 'two attempts');

my $n = $up->count;
$r = ask('/v1/moderations', 'error', model => 'after');
is($up->count - $n, 2, 'an error behind a 200: another attempt');
$n = $up->count;
ask('/v1/audio/speech', 'mp3', model => 'after');
is($up->count - $n, 1, 'sound is an answer');


# ---- limits and money

is(word(ask('/key/v1/moderations', 'moderation', key => 'two')), '200 -',
   'one of two requests') for 1 .. 2;
is(word(ask('/key/v1/rerank', 'rerank', key => 'two')), '429 policy_rate',
   'the third');

is(word(ask('/key/v1/images/generations', 'image', key => 'tokens',
            prompt => 'p')), '200 -', 'tokens that nobody expected');
is(word(ask('/key/v1/images/generations', 'image', key => 'tokens',
            prompt => 'p')), '429 policy_rate', 'count all the same');

is(word(ask('/key/v1/images/generations', 'image', key => 'dollars')),
   '429 policy_quota', 'whose price nobody knows');
is(word(ask('/key/v1/images/generations', 'image', key => 'free')), '200 -',
   'unpriced=allow');
is(word(ask('/key/v1/images/generations', 'image', key => 'dollars',
            model => 'priced')), '200 -', 'a price for its tokens');


# ---- inline

$r = $t->post('/in/v1/moderations', { model => 'x', user => 'moderation',
                                      input => 'abcdefgh' });
is($r->json->{id}, 'modr', 'inline');
ok($t->wait_access(qr/^200 "" moderations 0 x 2 0 estimated complete$/m, 5,
                   'l.log'), 'inline: metered');
ok($t->post('/in/v1/audio/speech', { model => 'x', user => 'mp3' })->body
   eq $MP3, 'inline: sound');


# ---- recorded ones

SKIP: {
    skip 'no recordings', 1 unless @fixtures;

    for my $n (0 .. $#fixtures) {
        my $body = GenAI::Util::slurp($fixtures[$n]);
        my ($what) = $fixtures[$n] =~ /(openai|rerank)/;
        (my $file = $fixtures[$n]) =~ s/request\.json$/response.json/;

        my $r = $t->post($what eq 'openai' ? '/fix/v1/moderations'
            : '/fix/v2/rerank', $body, headers => [ 'X-N', $n ]);

        is(word($r), '200 -', $fixtures[$n]);
        ok($r->body eq GenAI::Util::slurp($file), 'byte for byte');
    }

    ok($t->wait_access(qr/ rerank 1 rerank-2-lite 43 0 provider /, 5, 'l.log'),
       'their usage');
}


done_testing;
