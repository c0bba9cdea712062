# SPDX-License-Identifier: Apache-2.0

# Clients and providers of different dialects: what is asked arrives in the
# provider's own words, what is answered in the client's, whole and as a
# stream, and what fails with its status.

use strict;
use warnings;

use lib 't/lib';

use GenAI::Test;
use GenAI::Upstream;

# events of Anthropic's streams and of OpenAI's

sub said {
    return map { "event: $_->{type}\ndata: " . json_text($_) . "\n\n" } @_;
}

sub chunk {
    my ($delta, %more) = @_;

    return 'data: ' . json_text({ id => 'c', object => 'chat.completion.chunk',
        choices => [ { index => 0, delta => $delta, %more } ] }) . "\n\n";
}

my @BEGIN = (
    { type => 'message_start', message => { id => 'msg_1', type => 'message',
        role => 'assistant', model => 'claude', content => [],
        stop_reason => undef, usage => { input_tokens => 10,
        cache_read_input_tokens => 5, output_tokens => 1 } } },
    { type => 'content_block_start', index => 0,
      content_block => { type => 'text', text => '' } });

my @END = (
    { type => 'content_block_stop', index => 0 },
    { type => 'message_delta', delta => { stop_reason => 'end_turn' },
      usage => { output_tokens => 7 } },
    { type => 'message_stop' });

sub words { return map { { type => 'content_block_delta', index => 0,
    delta => { type => 'text_delta', text => $_ } } } @_ }

my %ANTHROPIC = (
    whole => [ json => 200, { id => 'msg_1', type => 'message',
        role => 'assistant', model => 'claude', content => [
            { type => 'thinking', thinking => 'hm', signature => 'sig' },
            { type => 'text', text => "so\n" },
            { type => 'tool_use', id => 'toolu_1', name => 'f',
              input => { a => 1 } } ], stop_reason => 'tool_use',
        usage => { input_tokens => 10, cache_read_input_tokens => 5,
                   output_tokens => 7 } } ],
    stream => [ sse_raw => said(@BEGIN, words("one", " two", " \"three\""),
                                @END) ],
    busy => [ json => 529, { type => 'error', error => {
        type => 'overloaded_error', message => 'Overloaded' } } ],
    bad => [ json => 400, { type => 'error', error => {
        type => 'invalid_request_error', message => 'too bad' } } ],
    cut => [ sse_raw => said(@BEGIN, words("one")) ],
    fails => [ sse_raw => said(@BEGIN, words("one"), { type => 'error',
        error => { type => 'overloaded_error', message => 'Overloaded' } }) ],
    short => [ sse_raw => said(@BEGIN, words("one")) ],
    nothing => [ sse_raw => () ],
    empty => [ answer => 200, '', 'Content-Type' => 'application/json' ],
    html => [ answer => 200, '<html>', 'Content-Type' => 'text/html' ],
    half => [ answer => 200, '{"type":"message","content":[',
              'Content-Type' => 'application/json' ]);

my %OPENAI = (
    whole => [ json => 200, { id => 'c', object => 'chat.completion',
        choices => [ { index => 0, finish_reason => 'tool_calls', message =>
            { role => 'assistant', content => 'so', tool_calls => [
                { id => 'call_1', type => 'function', function =>
                  { name => 'f', arguments => '{"a": 1}' } } ] } } ],
        usage => { prompt_tokens => 15, completion_tokens => 7,
                   total_tokens => 22,
                   prompt_tokens_details => { cached_tokens => 5 } } } ],
    stream => [ sse_raw => chunk({ role => 'assistant', content => 'one' }),
        chunk({ content => ' two' }), chunk({ tool_calls => [ { index => 0,
            id => 'call_1', type => 'function', function => { name => 'f',
            arguments => '' } } ] }),
        chunk({ tool_calls => [ { index => 0, function =>
            { arguments => '{"a":1}' } } ] }),
        chunk({}, finish_reason => 'tool_calls'),
        'data: ' . json_text({ id => 'c', choices => [], usage =>
            { prompt_tokens => 15, completion_tokens => 7 } }) . "\n\n",
        "data: [DONE]\n\n" ],
    slow => [ json => 429, { error => { message => 'their words' } },
              'Retry-After' => 7 ],
    bad => [ json => 404, { error => { message => 'no such model',
        type => 'invalid_request_error', code => 'model_not_found' } } ],
    untyped => [ answer => 400, '{"error":{"message":"too long"}}',
                 'Content-Type' => 'application/octet-stream' ],
    bytes => [ answer => 400, "\1\2", 'Content-Type' =>
               'application/octet-stream' ],
    backwards => [ answer => 200, '{"choices":[{"index":0,"finish_reason":'
        . '"tool_calls","message":{"content":null,"tool_calls":[{"function":{'
        . '"arguments":"{\"a\":1}","name":"f"},"id":"call_1"}]}}]}',
        'Content-Type' => 'application/json' ],
    endless => [ sse_raw => chunk({ content => 'one' }), "data: [DONE]\n\n" ],
    hollow => [ json => 200, {} ],
    hollow_stream => [ sse_raw => "data: [DONE]\n\n" ],
    cut => [ sse_raw => chunk({ content => 'one' }) ]);

sub provider {
    my ($answers) = @_;

    return GenAI::Upstream->new(lossy => 1, route => sub {
        my ($r) = @_;
        my $name = $r->{uri} =~ m{/models/([^:]+):} ? $1
            : JSON::PP::decode_json($r->{body})->{model};
        my ($how, @rest) = @{ $answers->{$name} };

        return [ [ $how, @rest ] ] if $how ne 'sse_raw';

        return [ [ send => "HTTP/1.1 200 OK\r\nContent-Type: "
                   . "text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
                 ], (map { [ chunk => $_ ] } @rest),
                 $name eq 'cut' ? 'close' : 'chunk_end' ];
    });
}

# of the Responses API, the least that a provider says

sub response {
    my ($status) = @_;

    return { id => 'resp_1', object => 'response', model => 'gpt',
        status => $status, output => $status eq 'in_progress' ? [] : [
            { type => 'reasoning', id => 'rs_1', summary => [],
              encrypted_content => 'sealed' },
            { type => 'message', id => 'msg_1', role => 'assistant',
              status => 'completed', content => [ { type => 'output_text',
                  text => 'one two', annotations => [] } ] },
            { type => 'function_call', id => 'fc_1', call_id => 'call_1',
              name => 'f', arguments => '{"a":1}', status => 'completed' } ],
        usage => $status eq 'in_progress' ? undef : { input_tokens => 15,
            input_tokens_details => { cached_tokens => 5 },
            output_tokens => 7, total_tokens => 22 } };
}

my $n;
my %RESPONSES = (
    whole => [ json => 200, response('completed') ],
    stream => [ sse_raw => said(map { { sequence_number => $n++, %$_ } }
        { type => 'response.created', response => response('in_progress') },
        { type => 'response.output_item.added', output_index => 0, item =>
            { type => 'message', id => 'msg_1', role => 'assistant',
              content => [] } },
        { type => 'response.content_part.added', output_index => 0,
          item_id => 'msg_1', content_index => 0, part =>
            { type => 'output_text', text => '', annotations => [] } },
        (map { { type => 'response.output_text.delta', output_index => 0,
                 item_id => 'msg_1', content_index => 0, delta => $_ } }
             'one', ' two'),
        { type => 'response.output_text.done', output_index => 0,
          item_id => 'msg_1', content_index => 0, text => 'one two' },
        { type => 'response.output_item.added', output_index => 1, item =>
            { type => 'function_call', id => 'fc_1', call_id => 'call_1',
              name => 'f', arguments => '' } },
        { type => 'response.function_call_arguments.delta', output_index => 1,
          item_id => 'fc_1', delta => '{"a":1}' },
        { type => 'response.completed', response => response('completed') }
        ) ]);

my $GOOGLE = { candidates => [ { index => 0, finishReason => 'STOP',
        content => { role => 'model', parts => [
            { text => 'hm', thought => JSON::PP::true },
            { text => 'one two' }, { functionCall =>
                { name => 'f', args => { a => 1 } },
              thoughtSignature => 'c2ln' } ] } } ],
    usageMetadata => { promptTokenCount => 15, cachedContentTokenCount => 5,
        candidatesTokenCount => 5, thoughtsTokenCount => 2,
        totalTokenCount => 22 }, modelVersion => 'gemini' };
my %GEMINI = (
    whole => [ json => 200, $GOOGLE ],
    stream => [ sse_raw => 'data: ' . json_text({ candidates => [ { content =>
        { role => 'model', parts => [ { text => 'one ' } ] } } ] })
        . "\r\n\r\n",
        'data: ' . json_text({ candidates => [ { finishReason => 'STOP',
            content => { role => 'model', parts => [ { text => 'two' } ] } } ],
            usageMetadata => $GOOGLE->{usageMetadata} }) . "\r\n\r\n" ],
    bad => [ json => 400, { error => { code => 400, message => 'too bad',
                                       status => 'INVALID_ARGUMENT' } } ]);

my %up = (google => provider(\%GEMINI), resp => provider(\%RESPONSES),
          claude => provider(\%ANTHROPIC),
          gpt => provider(\%OPENAI));
my $t = GenAI::Test->new;

$t->allow(qr/genai (?:target|provider) /, 'what fails is said');
$t->write_file('key', 'sk-of-the-provider');

my $models = join "\n", map {
    my ($p, $answers) = @$_;
    map { "genai_model $p-$_ { target $p model=$_; }" } sort keys %$answers
} [ claude => \%ANTHROPIC ], [ gpt => \%OPENAI ],
  [ resp => \%RESPONSES ], [ google => \%GEMINI ];

$t->conf(<<'EOF', CLAUDE => $up{claude}->port, GPT => $up{gpt}->port,
http {
    log_format l '$status "$genai_error" $genai_prompt_tokens '
                 '$genai_cached_tokens $genai_completion_tokens $genai_finish '
                 '$genai_request_id';
    access_log %%TESTDIR%%/l.log l;
    genai_provider claude { dialect anthropic; credential file:%%TESTDIR%%/key;
                            pass http://127.0.0.1:%%CLAUDE%%; }
    genai_provider gpt { dialect openai; credential file:%%TESTDIR%%/key;
                         pass http://127.0.0.1:%%GPT%%/v1; }
    genai_provider resp { dialect responses; credential file:%%TESTDIR%%/key;
                          pass http://127.0.0.1:%%RESP%%/v1; }
    genai_provider google { dialect gemini; credential file:%%TESTDIR%%/key;
                            pass http://127.0.0.1:%%GOOGLE%%; }
    %%MODELS%%
    genai_model set { target claude model=whole; set claude top_k 3;
                      drop claude temperature; }
    genai_model over { target claude model=busy; target gpt model=whole; }
    genai_model unsaid { target gpt model=slow; target claude model=whole; }
    server {
        listen 127.0.0.1:%%PORT_0%%;
        location / { genai_pass; genai_auth off; }
    }
}
EOF
    GOOGLE => $up{google}->port, RESP => $up{resp}->port,
    MODELS => $models)->run;

sub openai {
    my ($model, %more) = @_;

    return $t->post('/v1/chat/completions', json_text({ model => $model,
        messages => [ { role => 'system', content => 'be brief' },
                      { role => 'user', content => 'hi' } ], %more }));
}

sub anthropic {
    my ($model, %more) = @_;

    return $t->post('/v1/messages', json_text({ model => $model,
        max_tokens => 100, system => 'be brief',
        messages => [ { role => 'user', content => 'hi' } ], %more }));
}

# what the provider got last
sub got { return ($up{$_[0]}->requests)[-1] }
sub sent { return JSON::PP::decode_json(got($_[0])->{body}) }


# OpenAI's clients, Anthropic's provider

my $r = openai('claude-whole', temperature => 0.5, unknown => 1,
    tools => [ { type => 'function', function => { name => 'f',
        parameters => { type => 'object' } } } ]);

is($r->status, 200, 'an answer');
is($r->header('content-type'), 'application/json', 'of JSON');
is($r->header('x-genai-dropped'), 'unknown', 'what was dropped is told');

my $a = $r->json;

is($a->{object}, 'chat.completion', "in the client's dialect");
is($a->{model}, 'claude-whole', 'by the name that he asked for');
is($a->{choices}[0]{message}{content}, "so\n", 'the text');
is($a->{choices}[0]{message}{reasoning_content}, 'hm', 'the thought');
is($a->{choices}[0]{message}{reasoning_details}[0]{signature}, 'sig',
   'and its signature');
is_deeply(JSON::PP::decode_json($a->{choices}[0]{message}{tool_calls}[0]
          {function}{arguments}), { a => 1 }, 'the call');
is($a->{choices}[0]{finish_reason}, 'tool_calls', 'how it ended');
is_deeply([ @{$a->{usage}}{qw(prompt_tokens completion_tokens total_tokens)},
            $a->{usage}{prompt_tokens_details}{cached_tokens} ],
          [ 15, 7, 22, 5 ], 'its usage');

my $h = got('claude')->{h};

is(got('claude')->{uri}, '/v1/messages', "the provider's own path");
is($h->{'x-api-key'}, 'sk-of-the-provider', 'its way of a credential');
is($h->{'anthropic-version'}, '2023-06-01', 'its version');
is($h->{authorization}, undef, 'and not the other way');
is_deeply([ @{sent('claude')}{qw(model temperature)} ], [ 'whole', 0.5 ],
          'its request');
ok(sent('claude')->{max_tokens} > 0, 'with a cap, which it must have');

$r = openai('claude-stream', stream => \1);

is($r->status, 200, 'a stream');
like($r->header('content-type'), qr{^text/event-stream}, 'of events');

my @e = map { $_->{data} } $r->events;

is(pop @e, '[DONE]', 'that is done');
@e = map { JSON::PP::decode_json($_) } @e;
is(join('', map { $_->{choices}[0]{delta}{content} // '' } @e),
   'one two "three"', 'with its text');
is($e[-1]{choices}[0]{finish_reason}, 'stop', 'its end');
ok(!grep({ $_->{usage} } @e), 'and no usage, as nobody asked');

$r = openai('claude-stream', stream => \1,
            stream_options => { include_usage => \1 });
@e = map { $_->{data} eq '[DONE]' ? () : JSON::PP::decode_json($_->{data}) }
    $r->events;
is($e[-1]{usage}{prompt_tokens}, 15, 'usage where it was asked for');
is($e[-1]{usage}{completion_tokens}, 7, 'of both');

$r = openai('set', temperature => 1);
is_deeply([ @{sent('claude')}{qw(top_k temperature)} ], [ 3, undef ],
          "what the operator sets is in the provider's words");

$r = openai('claude-bad');
is($r->status, 400, 'an error has its status');
is($r->json->{error}{message}, 'too bad', 'and says why');
ok(exists $r->json->{error}{param}, "in the client's dialect");

$r = openai('claude-busy');
is($r->status, 503, 'a status that others do not have');
is($r->json->{error}{message}, 'Overloaded', 'and why');

$r = openai('claude-html');
is($r->status, 502, 'no JSON');
is($r->header('x-genai-error'), 'provider_bad_answer', 'is no answer');

$r = openai('claude-empty');
is($r->status, 502, 'nothing is no answer either');

$r = openai('claude-half');
is($r->status, 502, 'half a JSON text');
is($r->header('x-genai-error'), 'provider_bad_answer', 'is none');

for my $stream (\0, \1) {
    $r = openai('over', stream => $stream);
    is($r->status, 200, 'fails over to a provider of his own dialect');
    is($r->json->{id}, 'c', 'whose answer is passed as it is');
}

$r = openai('claude-cut', stream => \1);
@e = $r->events;
like($e[0]{data}, qr/"one"/, 'a stream that breaks off');
like($e[-1]{data}, qr/"error"/, 'ends with an error');

$r = openai('claude-short', stream => \1);
@e = $r->events;
like($e[-1]{data}, qr/"error"/, 'and one that ends too soon');

$r = openai('claude-nothing', stream => \1);
is($r->status, 502, 'before its first word it has a status');
is($r->json->{error}{code}, 'provider_bad_answer', 'and no events');

$r = openai('claude-fails', stream => \1);
@e = $r->events;
like($e[-1]{data}, qr/Overloaded/, 'and one that fails says so once');
is(scalar(grep { $_->{data} =~ /"error"/ } @e), 1, 'only once');

$r = $t->post('/v1/embeddings', json_text({ model => 'claude-whole',
                                            input => 'x' }));
is($r->status, 400, 'what the provider does not have at all');
like($r->json->{error}{message}, qr/no provider of this model/, 'is said');


# Anthropic's clients, OpenAI's provider

$r = anthropic('gpt-whole', tools => [ { name => 'f', input_schema =>
    { type => 'object' } } ], top_k => 4);

is($r->status, 200, 'an answer');
is($r->header('x-genai-dropped'), 'top_k', 'what was dropped is told');
$a = $r->json;
is($a->{type}, 'message', "in Anthropic's dialect");
is($a->{model}, 'gpt-whole', 'by the name');
is($a->{content}[0]{text}, 'so', 'its text');
is($a->{content}[1]{name}, 'f', 'its call');
is_deeply($a->{content}[1]{input}, { a => 1 }, 'what it is called with');
is($a->{stop_reason}, 'tool_use', 'its end');
is_deeply([ @{$a->{usage}}{qw(input_tokens cache_read_input_tokens
            output_tokens)} ], [ 10, 5, 7 ], 'usage as Anthropic counts it');

$h = got('gpt')->{h};

is($h->{authorization}, 'Bearer sk-of-the-provider', 'the credential');
is($h->{'anthropic-version'}, undef, 'no version');
is(sent('gpt')->{messages}[0]{role}, 'system', 'instructions are a message');
is(sent('gpt')->{max_tokens}, 100, 'the cap');

$r = anthropic('gpt-stream', stream => \1);
like($r->header('content-type'), qr{^text/event-stream}, 'a stream');
@e = map { JSON::PP::decode_json($_->{data}) } $r->events;
is($e[0]{type}, 'message_start', 'begins');
is($e[-1]{type}, 'message_stop', 'and ends');
is(join('', map { $_->{delta}{text} // '' } @e), 'one two', 'with its text');
is(join('', map { $_->{delta}{partial_json} // '' } @e), '{"a":1}',
   'its call');
is($e[-2]{delta}{stop_reason}, 'tool_use', 'its reason');
is($e[-2]{usage}{output_tokens}, 7, 'and its usage');

my @open;

for my $e (@e) {
    push @open, $e->{index} if $e->{type} eq 'content_block_start';
    is(pop @open, $e->{index}, 'blocks do not overlap')
        if $e->{type} eq 'content_block_stop';
}

is(scalar @open, 0, 'and all are closed');

$r = anthropic('gpt-bad');
is($r->status, 404, 'an error has its status');
is($r->json->{type}, 'error', "and Anthropic's shape");
is($r->json->{error}{message}, 'no such model', 'and says why');

$r = anthropic('gpt-untyped');
is($r->status, 400, 'an error of no type');
is($r->json->{error}{message}, 'too long', 'is read');

$r = anthropic('gpt-bytes');
is($r->status, 400, 'one that is no JSON');
is($r->json->{type}, 'error', 'is told all the same');

$r = anthropic('gpt-backwards', stream => \1);
@e = map { JSON::PP::decode_json($_->{data}) } $r->events;
is_deeply([ map { $_->{content_block}{name} // () } @e ], [ 'f' ],
          'a call that is told backwards');
is(join('', map { $_->{delta}{partial_json} // '' } @e), '{"a":1}',
   'is told forwards');

for my $r (anthropic('gpt-hollow'), anthropic('gpt-hollow', stream => \1),
           anthropic('gpt-hollow_stream', stream => \1))
{
    ok($r->status == 502 || ($r->body // '') =~ /^event: error\n/m,
       'an answer that says nothing is none') or diag($r->status, $r->body);
}

$r = anthropic('gpt-cut', stream => \1);
@e = $r->events;
is($e[-1]{event}, 'error', 'a stream that breaks off ends with an error');

$r = anthropic('nobody');
is($r->status, 404, 'an unknown model');
is($r->json->{type}, 'error', "is told in the client's dialect");

$r = $t->get('/v1/messages');
is($r->status, 405, 'so is a wrong method');
is($r->json->{type}, 'error', 'as well');


# clients and providers of the Responses API

sub responses {
    my ($model, %more) = @_;

    return $t->post('/v1/responses', json_text({ model => $model,
        instructions => 'be brief', input => 'hi', %more }));
}

for my $case ([ 'gpt-whole', 'so' ], [ 'claude-whole', "so\n" ]) {
    my ($model, $text) = @$case;

    $r = responses($model);
    is($r->status, 200, "$model: an answer");
    $a = $r->json;
    is($a->{object}, 'response', 'of the Responses API');

    my %item = map { $_->{type} => $_ } @{$a->{output}};

    is($item{message}{content}[0]{text}, $text, 'its text');
    is_deeply(JSON::PP::decode_json($item{function_call}{arguments}),
              { a => 1 }, 'its call');
    is($a->{usage}{input_tokens}, 15, 'its usage');
    is($a->{usage}{input_tokens_details}{cached_tokens}, 5, 'cached ones too');
}

for my $model (qw(gpt-stream claude-stream)) {
    $r = responses($model, stream => \1);
    @e = map { JSON::PP::decode_json($_->{data}) } $r->events;
    is($e[0]{type}, 'response.created', "$model: a stream begins");
    is($e[-1]{type}, 'response.completed', 'and ends');
    is_deeply([ map { $_->{sequence_number} } @e ], [ 0 .. $#e ],
              'in order');
    is(join('', map { $_->{type} eq 'response.output_text.delta'
                      ? $_->{delta} : '' } @e),
       $model =~ /gpt/ ? 'one two' : 'one two "three"', 'with its text');
    is($e[-1]{response}{output}[0]{content}[0]{text},
       $model =~ /gpt/ ? 'one two' : 'one two "three"',
       'which is said again at the end');
}

$r = responses('claude-busy', stream => \1);
is($r->status, 503, 'an error before the stream has a status');
$r = responses('claude-cut', stream => \1);
@e = $r->events;
like($e[-1]{data}, qr/"type":"(?:error|response.failed)"/,
     'one within it an event');
$r = responses('gpt-whole', previous_response_id => 'resp_1');
is($r->status, 400, 'what another provider keeps');
like($r->json->{error}{message}, qr/previous_response_id/, 'is refused');

for my $client (\&openai, \&anthropic) {
    $r = $client->('resp-whole');
    is($r->status, 200, 'another client gets an answer');
    like($r->body, qr/one two.*"f".*"?a\\?": ?1/s, 'with text and call');
    $r = $client->('resp-stream', stream => \1);
    is(join('', $r->body =~ /"(?:content|text)":"([^"]*)"/g), 'one two',
       'and a stream, nothing twice');
    like($r->body, qr/a\\":1/, 'with its call');
}

is(sent('resp')->{instructions}, 'be brief', 'instructions are told');
is($up{resp} && got('resp')->{uri}, '/v1/responses', 'its path');
$r = responses('resp-whole', stream => \0);
is($r->json->{id}, 'resp_1', 'its own answers pass');


# Gemini's, whose paths have the model

sub gemini {
    my ($model, $how) = @_;

    return $t->post("/v1beta/models/$model:" . ($how ? 'streamGenerateContent'
        . '?alt=sse' : 'generateContent'), json_text({
            systemInstruction => { parts => [ { text => 'be brief' } ] },
            contents => [ { role => 'user', parts => [ { text => 'hi' } ] } ]
        }));
}

like(gemini('gpt-endless', 1)->body, qr/"finishReason":"STOP"/,
     'an end without a reason has one');

for my $model (qw(gpt-whole claude-whole resp-whole)) {
    $r = gemini($model);
    is($r->status, 200, "$model: an answer for Gemini's client");

    my @p = @{$r->json->{candidates}[0]{content}{parts}};

    like(join('', map { $_->{thought} ? () : $_->{text} // () } @p),
         qr/^(?:so\n?|one two)$/, 'its text');
    is_deeply((grep { $_->{functionCall} } @p)[0]{functionCall}{args},
              { a => 1 }, 'its call');
    is($r->json->{usageMetadata}{promptTokenCount}, 15, 'its usage');
}

for my $model (qw(gpt-stream claude-stream resp-stream)) {
    @e = map { JSON::PP::decode_json($_->{data}) } gemini($model, 1)->events;
    like(join('', map { map { $_->{text} // () } @{$_->{candidates}[0]{content}
                        {parts} // []} } @e), qr/^one two/, "$model: a stream");
    ok($e[-1]{usageMetadata}, 'with usage at its end');
}

$r = gemini('gpt-bad');
is($r->status, 404, 'an error');
is($r->json->{error}{status}, 'NOT_FOUND', "in Google's words");

# without alt=sse a stream is a JSON array

sub array {
    my ($model, $alt) = @_;

    return $t->post("/v1beta/models/$model:streamGenerateContent"
        . ($alt ? "?alt=$alt" : ''), json_text({ contents => [
            { role => 'user', parts => [ { text => 'hi' } ] } ] }));
}

for my $model (qw(gpt-stream claude-stream resp-stream)) {
    $r = array($model);
    is($r->header('content-type'), 'application/json', "$model: an array");
    is($r->header('content-length'), undef, 'of no known length');
    is_deeply([ map { json_text({ %$_, responseId => 0 }) } @{$r->json} ],
              [ map { json_text({ %{JSON::PP::decode_json($_->{data})},
                                  responseId => 0 }) }
                gemini($model, 1)->events ],
              'of what the events of a stream are');
}

is(array('gpt-stream', 'json')->body =~ tr/[//, array('gpt-stream')->body
   =~ tr/[//, 'so it is with alt=json');

$r = array('claude-fails');
is($r->status, 200, 'one that fails');
is(eval { $r->json->[0]{candidates}[0]{content}{parts}[0]{text} }, 'one',
   'has begun') or diag($r->body);
is($r->json->[-1]{error}{status}, 'UNAVAILABLE', 'and ends with the error');

$r = array('claude-cut');
is($r->json->[-1]{error}{message}, 'the provider broke off its answer',
   'so does one that is cut');

$r = array('gpt-bad');
is($r->status, 404, 'an error with a status');
is($r->json->[0]{error}{status}, 'NOT_FOUND', 'is in an array as well');

$r = array('unknown');
is($r->json->[0]{error}{status}, 'NOT_FOUND', 'and one of the gateway');

for my $client (\&openai, \&anthropic, \&responses) {
    $r = $client->('google-whole');
    is($r->status, 200, "an answer of Gemini's");
    like($r->body, qr/one two/, 'its text');
    like($r->body, qr/c2ln/, 'its signature');
    is(got('google')->{uri}, '/v1beta/models/whole:generateContent',
       'its path');
    is(got('google')->{h}{'x-goog-api-key'}, 'sk-of-the-provider', 'its key');
    $r = $client->('google-stream', stream => \1);
    like($r->body, qr/one .*two/s, 'a stream');
    is(got('google')->{uri},
       '/v1beta/models/stream:streamGenerateContent?alt=sse', 'its path');
}

$r = openai('google-bad');
is($r->status, 400, 'an error');
is($r->json->{error}{message}, 'too bad', 'with its words');
$r = gemini('google-whole');
is($r->json->{modelVersion}, 'gemini', 'its own answers pass');


# and with each other: the bytes pass

$r = anthropic('claude-whole');
is($r->json->{id}, 'msg_1', "Anthropic's own answer passes");
is($r->json->{content}[0]{signature}, 'sig', 'as it is');
$r = anthropic('claude-stream', stream => \1);
is($r->body, join('', said(@BEGIN, words("one", " two", " \"three\""),
                           @END)), 'and its stream');

for my $request ([ \&openai, 'claude-whole' ], [ \&anthropic, 'gpt-whole' ],
                 [ \&anthropic, 'claude-whole' ])
{
    my ($how, $model) = @$request;

    my $id = $how->($model)->header('x-genai-request-id');

    ok($t->wait_access(qr/^200 "" 15 5 7 tool\w* $id$/m, undef, 'l.log'),
       "$model: usage is booked");
}


# a target that cannot be asked keeps no error from the client

$r = openai('unsaid', n => 2);
is($r->status, 429, 'the only target that can be asked has failed');
is($r->json->{error}{message}, 'their words', 'and its words');
is($r->header('retry-after'), 7, 'and when to ask again');
$r = openai('unsaid');
is($r->status, 200, 'another one is asked what it can be');


done_testing;
