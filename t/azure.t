# SPDX-License-Identifier: Apache-2.0

# Azure OpenAI's deployments: OpenAI's bodies, byte for byte, at Azure's paths,
# with Azure's credentials, to and from whoever speaks either.

use strict;
use warnings;

use lib 't/lib';

use GenAI::Test;
use GenAI::Upstream;

my $VERSION = 'api-version=2024-10-21';

sub chunk { return 'data: ' . json_text($_[0]) . "\n\n" }

my %FILTER = map { $_ => { filtered => JSON::PP::false, severity => 'safe' } }
    qw(hate violence);

my %HEAD = (id => 'chatcmpl-1', object => 'chat.completion.chunk',
            created => 1, model => 'gpt-4o-2024-11-20');

my $FIRST = chunk({ id => '', object => '', created => 0, model => '',
    choices => [], prompt_filter_results => [ { prompt_index => 0,
        content_filter_results => \%FILTER } ] });

# the asynchronous filter tells of texts behind them, without a delta

my @SAID = (chunk({ %HEAD, choices => [ { index => 0, finish_reason => undef,
        delta => { role => 'assistant', content => '' },
        content_filter_results => {} } ] }),
    chunk({ %HEAD, choices => [ { index => 0, finish_reason => undef,
        delta => { content => 'one' }, content_filter_results => \%FILTER }
        ] }),
    chunk({ id => '', object => '', created => 0, model => '',
        choices => [ { index => 0, finish_reason => undef,
            content_filter_results => \%FILTER, content_filter_offsets =>
            { check_offset => 44, start_offset => 44, end_offset => 198 } } ]
        }));

my $FILTERED = chunk({ %HEAD, choices => [ { index => 0, delta => {},
    finish_reason => 'content_filter', content_filter_results => { hate =>
        { filtered => JSON::PP::true, severity => 'high' } } } ] });

my $USAGE = chunk({ %HEAD, choices => [], usage => { prompt_tokens => 9,
    completion_tokens => 3, total_tokens => 12 } });

my $WHOLE = { id => 'chatcmpl-1', object => 'chat.completion', created => 1,
    model => 'gpt-4o-2024-11-20',
    prompt_filter_results => [ { prompt_index => 0,
        content_filter_results => \%FILTER } ],
    choices => [ { index => 0, finish_reason => 'stop',
        content_filter_results => \%FILTER,
        message => { role => 'assistant', content => 'one' } } ],
    usage => { prompt_tokens => 9, completion_tokens => 3,
               total_tokens => 12 } };

my $REFUSED = json_text({ error => { message => 'The response was filtered',
    type => undef, param => 'prompt', code => 'content_filter', status => 400,
    innererror => { code => 'ResponsibleAIPolicyViolation',
        content_filter_result => { hate => { filtered => JSON::PP::true,
            severity => 'high' } } } } });

# by what the user says

my $up = GenAI::Upstream->new(lossy => 1, route => sub {
    my ($r) = @_;
    my $b = JSON::PP::decode_json($r->{body});

    return [ [ json => 200, { object => 'list', data => [ { index => 0,
        object => 'embedding', embedding => [ 0.5 ] } ],
        usage => { prompt_tokens => 2, total_tokens => 2 } } ] ]
        if $r->{uri} =~ m{/embeddings};

    my $said = $b->{prompt} // $b->{messages}[-1]{content};

    return [ [ answer => 400, $REFUSED, 'Content-Type' => 'application/json' ]
        ] if $said eq 'bad';
    return [ [ json => 200, $WHOLE ] ] if !$b->{stream};

    my @events = ($FIRST, $said eq 'nothing' ? () : @SAID,
        $said eq 'nothing' ? () : $said eq 'filtered' ? $FILTERED
        : chunk({ %HEAD, choices => [ { index => 0, delta => {},
                  finish_reason => 'stop', content_filter_results => {} } ] }),
        $b->{stream_options} ? $USAGE : (),
        $said eq 'nothing' ? () : "data: [DONE]\n\n");

    return [ [ send => "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
               . "Transfer-Encoding: chunked\r\n\r\n" ],
             (map { [ chunk => $_ ] } @events),
             $said eq 'nothing' ? 'close' : 'chunk_end' ];
});

my $t = GenAI::Test->new(workers => 1);

spew($t->dir . '/key', 'aZ09' x 21);
spew($t->dir . '/token', "eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJ4In0.c2ln-_\n");
spew($t->dir . '/rolled', 'aZ09' x 21);

$t->conf(<<'EOF', UP => $up->port)->run;
http {
    log_format l '$status "$genai_error" $genai_model $genai_prompt_tokens '
                 '$genai_completion_tokens $genai_finish $genai_count_source '
                 '$genai_attempts';
    access_log %%TESTDIR%%/l.log l;
    genai_provider azure { dialect azure; credential file:%%TESTDIR%%/key;
                           pass http://127.0.0.1:%%UP%%; }
    genai_provider entra { dialect azure; credential file:%%TESTDIR%%/token;
                           api_version 2025-01-01-preview;
                           pass http://127.0.0.1:%%UP%%/apim/; }
    genai_provider rolled { dialect azure; credential file:%%TESTDIR%%/rolled;
                            pass http://127.0.0.1:%%UP%%; }
    genai_provider old { dialect azure; credential file:%%TESTDIR%%/key;
                         api_version 2024-02-01;
                         pass http://127.0.0.1:%%UP%%; }
    genai_provider v1 { dialect openai; credential file:%%TESTDIR%%/key;
                        pass http://127.0.0.1:%%UP%%/openai/v1; }
    genai_model gpt-4o     { target azure model=prod-4o; }
    genai_model same       { target azure; }
    genai_model entra      { target entra model=prod-4o; }
    genai_model rolled     { target rolled; }
    genai_model old        { target old; }
    genai_model v1         { target v1 model=gpt-4o; }
    genai_model openai/o3  { target azure model=a/b; }
    genai_model over       { target azure model=first;
                             target v1 model=second priority=2; }
    server {
        listen 127.0.0.1:%%PORT_0%%;
        location / { genai_pass; genai_auth off; }
    }
    server {
        listen 127.0.0.1:%%PORT_1%%;
        location / { genai on; genai_auth off;
                     proxy_pass http://127.0.0.1:%%UP%%; }
    }
}
EOF

sub got { return ($up->requests)[-1] }

sub ask {
    my ($uri, $text, %more) = @_;

    return $t->post($uri, json_text({ messages => [ { role => 'user',
        content => $text } ], %more }));
}


# OpenAI's clients

my $body = '{ "model" : "gpt-4o", "messages":[{"role":"user","content":'
    . '"\u0068i"}], "temperature":1.0, "data_sources" : [ ] }';

my $r = $t->post('/v1/chat/completions', $body);

is($r->status, 200, "OpenAI's client, Azure's provider");
is(got()->{uri}, "/openai/deployments/prod-4o/chat/completions?$VERSION",
   'its path has the model and the version');
is(got()->{body}, $body, 'the body is the same bytes');
is(got()->{h}{'api-key'}, 'aZ09' x 21, 'a key goes as a key');
is(got()->{h}{authorization}, undef, 'and nowhere else');
is_deeply($r->json, $WHOLE, 'the answer passes, filter results included');
is($r->header('x-genai-dropped'), undef, 'and nothing is dropped');

$r = ask('/v1/chat/completions', 'hi', model => 'entra');
is(got()->{uri}, '/apim/openai/deployments/prod-4o/chat/completions'
   . '?api-version=2025-01-01-preview', 'behind a path, of another version');
is(got()->{h}{authorization}, 'Bearer eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJ4In0'
   . '.c2ln-_', 'a token goes as a token');
is(got()->{h}{'api-key'}, undef, 'and not as a key');

$r = $t->post('/v1/completions', json_text({ model => 'gpt-4o',
                                             prompt => 'hi' }));
is(got()->{uri}, "/openai/deployments/prod-4o/completions?$VERSION",
   'completions');

$r = $t->post('/v1/embeddings', json_text({ model => 'gpt-4o',
                                            input => 'hi' }));
is($r->status, 200, 'embeddings');
is(got()->{uri}, "/openai/deployments/prod-4o/embeddings?$VERSION",
   'at their path');

ask('/v1/chat/completions', 'hi', model => 'openai/o3');
is(got()->{uri}, "/openai/deployments/a%2Fb/chat/completions?$VERSION",
   'a name is one part of the path');

$r = ask('/openai/v1/chat/completions', 'hi', model => 'v1');
is(got()->{uri}, '/openai/v1/chat/completions', 'the path without deployments');
is(got()->{h}{authorization}, 'Bearer ' . 'aZ09' x 21, "is OpenAI's");


# Azure's clients

my $azure = '/openai/deployments/%s/chat/completions?api-version=%s';

$body = '{ "messages":[{"role":"user","content":"\u0068i"}] , "seed" : 1.0 }';

$r = $t->post(sprintf($azure, 'same', '2025-03-01-preview'), $body);

is($r->status, 200, "Azure's client, Azure's provider");
is(got()->{uri}, sprintf($azure, 'same', '2025-03-01-preview'),
   'his version, where the provider has none');
is(got()->{body}, $body, 'his body, to which no model is added');
is_deeply($r->json, $WHOLE, 'the answer');

$t->post(sprintf($azure, 'entra', '2023-05-15'), $body);
is(got()->{uri}, '/apim' . sprintf($azure, 'prod-4o', '2025-01-01-preview'),
   'and the version of a provider that has one');

$t->post('/openai/deployments/same/chat/completions', $body);
is(got()->{uri}, "/openai/deployments/same/chat/completions?$VERSION",
   'none is the default');

my $n = $up->count;

for my $bad ('2024%0d%0aX:1', 'a&b=%2F..%2F', 'x/y', '', 'v' x 65) {
    $r = $t->post(sprintf($azure, 'same', $bad), $body);
    $bad =~ /^a&/ or is($r->status, 400, "no version: '$bad'");
}

is($up->count, $n + 1, 'is asked of nobody');
is(got()->{uri}, sprintf($azure, 'same', 'a'), 'nor another parameter');

$r = $t->post(sprintf($azure, 'v1', '2024-10-21'), $body);
is($r->status, 200, "Azure's client, OpenAI's provider");
is(got()->{uri}, '/openai/v1/chat/completions', 'its path');
is(got()->{body}, '{ "messages":[{"role":"user","content":"\u0068i"}] , '
   . '"seed" : 1.0,"model":"gpt-4o" }', 'its model, and nothing else');

$t->post(sprintf($azure, 'v1', '2024-10-21'),
         '{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]}');
is(got()->{body},
   '{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]}',
   'what the body says already stays');

$t->post(sprintf($azure, 'v1', '2024-10-21'),
         '{"model":"same","messages":[{"role":"user","content":"hi"}]}');
is(got()->{body},
   '{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]}',
   'another one gives way: the path says which it is');

$r = $t->post(sprintf($azure, 'none', '2024-10-21'), $body);
is($r->status, 404, 'a deployment that is no model');
is($r->json->{error}{code}, 'model_not_found', "in OpenAI's words");

$r = $t->post('/openai/deployments/gpt-4o/audio/speech?api-version=1', '{}');
is($r->status, 404, 'a path that Azure has and the gateway not');

$r = $t->post(sprintf($azure, 'openai%2Fo3', '2024-10-21'), $body);
is($r->status, 200, 'a name with a slash');

$r = $t->post('/openai/deployments/same/completions?api-version=2024-10-21',
              '{"prompt":"hi"}');
is($r->status, 200, 'completions');
$r = $t->post('/openai/deployments/same/embeddings?api-version=2024-10-21',
              '{"input":"hi"}');
is($r->status, 200, 'embeddings');
is(got()->{body}, '{"input":"hi"}', 'as they are');


# streams, and what is filtered

sub events {
    return map { $_->{data} eq '[DONE]' ? () : JSON::PP::decode_json($_->{data})
        } $_[0]->events;
}

$r = ask('/v1/chat/completions', 'hi', model => 'gpt-4o', stream => \1);
is($r->body, join('', $FIRST, @SAID, chunk({ %HEAD, choices => [ { index => 0,
   delta => {}, finish_reason => 'stop', content_filter_results => {} } ] }),
   "data: [DONE]\n\n"), 'a stream passes but for the usage that nobody asked');

$r = ask(sprintf($azure, 'same', '2024-10-21'), 'filtered', stream => \1);
like($r->body, qr/"finish_reason":"content_filter"/, 'a filtered stream');

$r = ask('/v1/messages', 'hi', model => 'gpt-4o', stream => \1,
         max_tokens => 10);
is(join('', map { $_->{delta}{text} // '' } events($r)), 'one',
   "for Anthropic's client");
is((grep { $_->{type} eq 'message_start' } events($r)), 1, 'begun once');
is(got()->{uri}, "/openai/deployments/prod-4o/chat/completions?$VERSION",
   'of the same path');
is(got()->{h}{'api-key'}, 'aZ09' x 21, 'and credential');

$r = ask('/v1/messages', 'filtered', model => 'gpt-4o', stream => \1,
         max_tokens => 10);
is((grep { $_->{type} eq 'message_delta' } events($r))[0]{delta}{stop_reason},
   'refusal', 'filtered is refused');

$r = ask('/v1/chat/completions', 'nothing', model => 'over', stream => \1);
is(got()->{uri}, '/openai/v1/chat/completions',
   'filter results are no answer: the next target is asked');
is(JSON::PP::decode_json(got()->{body})->{model}, 'second', 'by its name');

$r = ask('/v1/chat/completions', 'bad', model => 'gpt-4o');
is($r->status, 400, 'a prompt that is filtered');
is($r->body, $REFUSED, 'is told with all that Azure says');

$r = ask('/v1/messages', 'bad', model => 'gpt-4o', max_tokens => 10);
is($r->status, 400, "in Anthropic's words");
is($r->json->{error}{message}, 'The response was filtered', 'too');

# stream_options came with 2024-09-01-preview

ask('/v1/chat/completions', 'hi', model => 'old', stream => \1);
ok(!exists JSON::PP::decode_json(got()->{body})->{stream_options},
   'old versions are not asked for usage');

ask('/v1/chat/completions', 'hi', model => 'old', stream => \1,
    stream_options => { include_obfuscation => \0 });
is_deeply(JSON::PP::decode_json(got()->{body})->{stream_options},
          { include_obfuscation => JSON::PP::false },
          'what a client says himself is his');

ask(sprintf($azure, 'same', '2024-06-01'), 'hi', stream => \1);
ok(!exists JSON::PP::decode_json(got()->{body})->{stream_options},
   'nor where a client asks for an old one');

ask('/v1/messages', 'hi', model => 'old', max_tokens => 10, stream => \1);
ok(!exists JSON::PP::decode_json(got()->{body})->{stream_options},
   'nor where it is translated');


# a key becomes a token

spew($t->dir . '/rolled.new', 'eyJ0.eyJh.c2ln');
rename $t->dir . '/rolled.new', $t->dir . '/rolled' or die $!;

ok(wait_for(sub {
    ask('/v1/chat/completions', 'hi', model => 'rolled');
    return (got()->{h}{authorization} // '') eq 'Bearer eyJ0.eyJh.c2ln';
}, 30), 'the file is read again');
is(got()->{h}{'api-key'}, undef, 'and goes another way');


# beside proxy_pass

$r = $t->post(sprintf($azure, 'some-deployment', '2024-06-01'), $body,
              port => $t->port(1));
is($r->status, 200, 'inline');
is(got()->{uri}, sprintf($azure, 'some-deployment', '2024-06-01'),
   'as it is');

$t->post(sprintf($azure, 'some-deployment', '2024-02-01'),
         '{"messages":[{"role":"user","content":"hi"}],"stream":true}',
         port => $t->port(1));
ok(!exists JSON::PP::decode_json(got()->{body})->{stream_options},
   'an old version is not asked for usage');
$t->post(sprintf($azure, 'some-deployment', '2024-10-21'),
         '{"messages":[{"role":"user","content":"hi"}],"stream":true}',
         port => $t->port(1));
ok(exists JSON::PP::decode_json(got()->{body})->{stream_options},
   'and a later one is');

my @log = split /\n/, slurp($t->dir . '/l.log');
is($log[0], '200 "" gpt-4o 9 3 stop provider 1', 'what a log says');
is($log[-3], '200 "" some-deployment 9 3 stop provider 0', 'inline, too');


# what cannot be meant

for ([ 'dialect azure; pass https://x.openai.azure.com/openai/v1;',
       qr{for the path /openai/v1 write "dialect openai;"} ],
     [ 'dialect azure; pass https://x.openai.azure.com/openai/;',
       qr{write the resource alone} ],
     [ 'dialect openai; api_version 2024-10-21; pass https://x.example;',
       qr{has "api_version", which the paths of its dialect do not have} ],
     [ 'dialect azure; api_version 2024/10; pass https://x.example;',
       qr{"2024/10" is no version} ],
     [ 'dialect azure; api_version 1; api_version 1; pass https://x.example;',
       qr{"api_version" directive is duplicate} ],
     [ 'dialect azure; credential env:PATH; header api-key x; '
       . 'pass https://x.example;', qr{"header api-key"} ],
     [ 'dialect azure; credential env:PATH; header Authorization x; '
       . 'pass https://x.example;', qr{"header Authorization"} ],
     [ 'dialect azure; pass https://x.example/openai/deployments/a/'
       . 'chat/completions;', qr{without "/chat/completions"} ])
{
    my ($block, $why) = @$_;
    my ($rc, $out) = $t->nginx_t("events { }\nhttp { genai_provider a { "
                                 . "$block } }\n");

    ok($rc != 0, $block);
    like($out, $why, 'and why');
}

done_testing;
