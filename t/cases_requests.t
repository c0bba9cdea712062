# SPDX-License-Identifier: Apache-2.0

# Where gateways that translate go wrong: cases that others' users have
# reported, each with what must come of it.  This is what is asked; what is
# answered is in cases_answers.t.

use strict;
use warnings;

use lib 't/lib';

use JSON::PP ();

use GenAI::Test;
use GenAI::Upstream;

my $T = JSON::PP::true;
my $F = JSON::PP::false;

# the least that each provider can answer

my %ANSWER = (
    'chat/completions' => { id => 'c', object => 'chat.completion', choices =>
        [ { index => 0, message => { role => 'assistant', content => 'ok' },
            finish_reason => 'stop' } ] },
    'messages' => { id => 'm', type => 'message', role => 'assistant',
        model => 'm', content => [ { type => 'text', text => 'ok' } ],
        stop_reason => 'end_turn',
        usage => { input_tokens => 1, output_tokens => 1 } },
    'responses' => { id => 'r', object => 'response', status => 'completed',
        output => [ { type => 'message', id => 'm', role => 'assistant',
            status => 'completed', content => [ { type => 'output_text',
            text => 'ok', annotations => [] } ] } ] },
    'generateContent' => { candidates => [ { index => 0, finishReason =>
        'STOP', content => { role => 'model', parts => [ { text => 'ok' } ]
        } } ] },
);

my $up = GenAI::Upstream->new(lossy => 1, route => sub {
    my ($end) = grep { $_[0]{uri} =~ /\Q$_\E/ } keys %ANSWER;

    return [ [ json => 200, $ANSWER{$end} ] ];
});

my $t = GenAI::Test->new;

$t->write_file('key', 'sk-of-the-provider');
$t->conf(<<'EOF', UP => $up->port, ROOT => $GenAI::Test::ROOT)->run;
http {
    genai_catalog %%ROOT%%/data/models.json;
    genai_provider chat   { dialect openai; credential file:%%TESTDIR%%/key;
                            pass http://127.0.0.1:%%UP%%/v1; }
    genai_provider claude { dialect anthropic; credential file:%%TESTDIR%%/key;
                            pass http://127.0.0.1:%%UP%%; }
    genai_provider resp   { dialect responses; credential file:%%TESTDIR%%/key;
                            pass http://127.0.0.1:%%UP%%/v1; }
    genai_provider google { dialect gemini; credential file:%%TESTDIR%%/key;
                            pass http://127.0.0.1:%%UP%%; }
    genai_model gpt      { target chat model=gpt-4o; }
    genai_model gpt5     { target chat model=gpt-5.1; }
    genai_model claude   { target claude model=claude-opus-5; }
    genai_model claude4  { target claude model=claude-haiku-4-5; }
    genai_model claude35 { target claude model=claude-3-5-haiku-latest; }
    genai_model resp     { target resp model=gpt-5.1; }
    genai_model gemini   { target google model=gemini-2.5-flash; }
    genai_model *        { target google; }
    genai_model gemini3  { target google model=gemini-3-pro-preview; }
    server {
        listen 127.0.0.1:%%PORT_0%%;
        location / { genai_pass; genai_auth off; }
    }
}
EOF

my ($r, $sent);

# Asks for a model in a client's dialect; $r is the answer, $sent what the
# provider got, or undef.

sub ask {
    my ($client, $model, $body, @headers) = @_;
    my $path = $client eq 'openai' ? '/v1/chat/completions'
             : $client eq 'anthropic' ? '/v1/messages'
             : $client eq 'responses' ? '/v1/responses'
             : "/v1beta/models/$model:generateContent";
    my $text = ref $body ? json_text({ $client eq 'gemini' ? ()
                                       : (model => $model), %$body }) : $body;
    my $n = $up->count;

    $r = $t->post($path, $text, headers => \@headers);
    $sent = $up->count > $n
            ? JSON::PP::decode_json(($up->requests)[-1]{body}) : undef;

    return $sent;
}

# of an OpenAI client; an Anthropic one; parts of a Gemini one
sub o { ask('openai', shift, { messages => shift, @_ }) }
sub a { ask('anthropic', shift, { max_tokens => 100, messages => shift, @_ }) }
sub g { ask('gemini', shift, { contents => shift, @_ }) }
sub r { ask('responses', shift, { input => shift, @_ }) }

sub user { return { role => 'user', content => shift } }
sub dropped { return $r->header('x-genai-dropped') // '' }

sub refused {
    my ($name) = @_;

    is($r->status, 400, "$name: refused");
    is($sent, undef, "$name: the provider gets nothing");
}

sub call {
    my ($id, $name, $arguments) = @_;

    return { id => $id, type => 'function', function =>
             { name => $name, arguments => $arguments } };
}

sub tool {
    my ($name, @schema) = @_;

    return { type => 'function', function => { name => $name,
             @schema ? (parameters => $schema[0]) : () } };
}

my $EMPTY = { type => 'object', properties => {} };
my $PNG = 'iVBORw0KGgo=';


# 1: system as a string, as blocks, with cache_control

a(gpt => [ user('hi') ], system => 'be brief');
is_deeply($sent->{messages}[0], { role => 'system', content => 'be brief' },
          'case 1: a system text');
a(gpt => [ user('hi') ], system => [
    { type => 'text', text => 'be', cache_control => { type => 'ephemeral' } },
    { type => 'text', text => 'brief' } ]);
is_deeply($sent->{messages}[0], { role => 'system', content => "be\n\nbrief" },
          'case 1: system blocks are one message, without their marks');

# 2: a system message amid messages of Anthropic's

a(gpt => [ user('a'), { role => 'system', content => 'now' }, user('b') ]);
is_deeply([ map { "$_->{role} $_->{content}" } @{$sent->{messages}} ],
          [ 'user a', 'system now', 'user b' ], 'case 2: its place is kept');

# 3: developer, also amid a conversation

o(claude => [ { role => 'developer', content => 'one' }, user('a'),
              { role => 'developer', content => 'two' }, user('b') ]);
like(json_text($sent->{system}), qr/one.*two/, 'case 3: all instructions');
is(dropped(), 'system.place', 'case 3: and that a place is lost');
o(gemini => [ { role => 'developer', content => 'one' }, user('a') ]);
is($sent->{systemInstruction}{parts}[0]{text}, 'one', 'case 3: for Gemini');

# 4: results, text and image in one turn

my $mixed = [ user('a'), { role => 'assistant', content => [
    map { { type => 'tool_use', id => "t$_", name => 'f', input => {} } } 1, 2
    ] }, { role => 'user', content => [
    { type => 'tool_result', tool_use_id => 't1', content => 'one' },
    { type => 'tool_result', tool_use_id => 't2', content => 'two' },
    { type => 'text', text => 'and' },
    { type => 'image', source => { type => 'base64',
      media_type => 'image/png', data => $PNG } } ] } ];

a(gpt => $mixed);
is_deeply([ map { $_->{role} } @{$sent->{messages}} ],
          [ qw(user assistant tool tool user) ], 'case 4: results first');
is_deeply([ map { $_->{type} } @{$sent->{messages}[4]{content}} ],
          [ qw(text image_url) ], 'case 4: then what is said');

# 5: several tool messages are one turn, each with its mark

o(claude => [ user('a'), { role => 'assistant', tool_calls =>
    [ call('c1', 'f', '{}'), call('c2', 'f', '{}') ] },
    { role => 'tool', tool_call_id => 'c1', content => 'one',
      cache_control => { type => 'ephemeral' } },
    { role => 'tool', tool_call_id => 'c2', content => 'two' } ]);
is(@{$sent->{messages}}, 3, 'case 5: one turn');
is_deeply([ map { [ $_->{tool_use_id}, $_->{cache_control}{type} ] }
            @{$sent->{messages}[2]{content}} ],
          [ [ 'c1', 'ephemeral' ], [ 'c2', undef ] ], 'case 5: their marks');

# 6: a result without content

my @called = (user('a'), { role => 'assistant', content => [ { type =>
    'tool_use', id => 't1', name => 'f', input => {} } ] });

a(gpt => [ @called, { role => 'user', content => [ { type => 'tool_result',
    tool_use_id => 't1' } ] } ]);
is_deeply($sent->{messages}[2], { role => 'tool', tool_call_id => 't1',
          content => '' }, 'case 6: an empty result');

# 7: a result that is an error

a(gpt => [ @called, { role => 'user', content => [ { type => 'tool_result',
    tool_use_id => 't1', is_error => $T, content => 'no' } ] } ]);
is($sent->{messages}[2]{content}, 'Error: no', 'case 7: it says so');
a(gemini => [ @called, { role => 'user', content => [ { type => 'tool_result',
    tool_use_id => 't1', is_error => $T, content => 'no' } ] } ]);
is_deeply($sent->{contents}[2]{parts}[0]{functionResponse}{response},
          { error => 'no' }, 'case 7: for Gemini');

# 8: a result with an image

my @seen = (@called, { role => 'user', content => [ { type => 'tool_result',
    tool_use_id => 't1', content => [ { type => 'text', text => 'see' },
    { type => 'image', source => { type => 'base64',
      media_type => 'image/png', data => $PNG } } ] } ] });

a(gpt => \@seen);
is($sent->{messages}[2]{content}, 'see', 'case 8: its text');
is($sent->{messages}[3]{content}[0]{image_url}{url},
   "data:image/png;base64,$PNG", 'case 8: its image follows');
a(gemini3 => \@seen);
is($sent->{contents}[2]{parts}[0]{functionResponse}{parts}[0]{inlineData}
   {data}, $PNG, 'case 8: for newer Gemini in its parts');

# 9: arguments that are no object

for my $arguments ('', undef, '{}', '{"a":', '[1]', '"x"', 'null') {
    my $c = call('c1', 'f', $arguments);

    delete $c->{function}{arguments} if !defined $arguments;
    o(claude => [ user('a'), { role => 'assistant', tool_calls => [ $c ] },
                  { role => 'tool', tool_call_id => 'c1', content => 'r' } ]);
    is_deeply($sent->{messages}[1]{content}[0]{input}, {},
              'case 9: arguments ' . ($arguments // 'absent'));
}

# 10: tool_choice

my @tools = (tools => [ tool('f', $EMPTY), tool('g', $EMPTY) ]);

for ([ 'none', { type => 'none' }, { mode => 'NONE' } ],
     [ 'auto', { type => 'auto' }, { mode => 'AUTO' } ],
     [ 'required', { type => 'any' }, { mode => 'ANY' } ],
     [ { type => 'function', function => { name => 'g' } },
       { type => 'tool', name => 'g' },
       { mode => 'ANY', allowedFunctionNames => [ 'g' ] } ])
{
    my ($choice, $anthropic, $gemini) = @$_;
    my $name = ref $choice ? 'one' : $choice;

    o(claude => [ user('a') ], @tools, tool_choice => $choice);
    is_deeply($sent->{tool_choice}, $anthropic, "case 10: $name");
    o(gemini => [ user('a') ], @tools, tool_choice => $choice);
    is_deeply($sent->{toolConfig}{functionCallingConfig}, $gemini,
              "case 10: $name for Gemini");
}

r(claude => 'a', tools => [ map { { type => 'function', name => $_,
    parameters => $EMPTY } } 'f', 'g' ], tool_choice => { type =>
    'allowed_tools', mode => 'auto', tools => [ { type => 'function',
    name => 'g' } ] });
is_deeply([ map { $_->{name} } @{$sent->{tools}} ], [ 'g' ],
          'case 10: allowed tools');

# 11: a choice without tools, and no tools

o(claude => [ user('a') ], tools => [], tool_choice => 'auto');
ok(!exists $sent->{tools} && !exists $sent->{tool_choice}, 'case 11: neither');
a(gpt => [ user('a') ], tools => [ { type => 'web_search_20250305',
    name => 'web_search' } ], tool_choice => { type => 'auto' });
ok(!exists $sent->{tools} && !exists $sent->{tool_choice},
   'case 11: none is left');

# 13: calls one by one

a(gpt => [ user('a') ], tools => [ { name => 'f', input_schema => $EMPTY } ],
    tool_choice => { type => 'auto', disable_parallel_tool_use => $T });
is($sent->{parallel_tool_calls}, $F, 'case 13: for OpenAI');
o(claude => [ user('a') ], @tools, parallel_tool_calls => $F);
is($sent->{tool_choice}{disable_parallel_tool_use}, $T,
   'case 13: for Anthropic');

# 15: a schema without its type, none at all

o(claude => [ user('a') ], tools => [ tool('f', { properties => {} }),
                                      tool('g') ]);
is_deeply([ map { $_->{input_schema}{type} } @{$sent->{tools}} ],
          [ 'object', 'object' ], 'case 15: for Anthropic');
o(gemini => [ user('a') ], tools => [ tool('f', { properties => {} }),
                                      tool('g') ]);
is($sent->{tools}[0]{functionDeclarations}[0]{parametersJsonSchema}{type},
   'object', 'case 15: for Gemini');

# 16: tools that the provider runs

a(gpt => [ user('a') ], tools => [ { name => 'f', input_schema => $EMPTY },
    { type => 'web_search_20250305', name => 'web_search' } ]);
is_deeply([ map { $_->{function}{name} } @{$sent->{tools}} ], [ 'f' ],
          'case 16: are left out');
is(dropped(), 'server tools', 'case 16: and told');
a(claude => [ user('a') ], tools => [ { type => 'web_search_20250305',
    name => 'web_search' } ]);
is($sent->{tools}[0]{type}, 'web_search_20250305', 'case 16: pass to its own');

# 17, 18: an answer by a schema, in all the shapes

my $schema = { type => 'object', properties => { a => { '$ref' => '#/$defs/b' }
    }, '$defs' => { b => { anyOf => [ { type => 'string' },
    { type => 'null' } ] } }, additionalProperties => $F };

o(claude => [ user('a') ], response_format => { type => 'json_schema',
    json_schema => { name => 'n', schema => $schema } });
is_deeply($sent->{output_config}{format},
          { type => 'json_schema', schema => $schema }, 'case 17: Anthropic');
o(gemini => [ user('a') ], response_format => { type => 'json_schema',
    json_schema => { name => 'n', schema => $schema } });
is_deeply([ @{$sent->{generationConfig}}{qw(responseMimeType
            responseJsonSchema)} ], [ 'application/json', $schema ],
          'case 17: Gemini');
a(gpt => [ user('a') ], output_format => { type => 'json_schema',
    schema => $schema });
is_deeply($sent->{response_format}{json_schema}{schema}, $schema,
          'case 18: output_format');
a(gpt => [ user('a') ], output_config => { format => { type => 'json_schema',
    schema => $schema } });
is_deeply($sent->{response_format}{json_schema}{schema}, $schema,
          'case 18: output_config');
r(gemini => 'a', text => { format => { type => 'json_schema', name => 'n',
    schema => $schema } });
is_deeply($sent->{generationConfig}{responseJsonSchema}, $schema,
          'case 18: text.format reaches Gemini');
g(gpt => [ { role => 'user', parts => [ { text => 'a' } ] } ],
    generationConfig => { responseMimeType => 'application/json',
    responseSchema => { type => 'OBJECT', properties => { a => { type =>
    'STRING', nullable => $T } } } });
is_deeply($sent->{response_format}{json_schema}{schema}, { type => 'object',
    properties => { a => { type => [ 'string', 'null' ] } } },
          'case 17: from the subset of OpenAPI');

# 19: a result that is a schema

o(gemini => [ user('a'), { role => 'assistant', tool_calls =>
    [ call('c1', 'f', '{}') ] }, { role => 'tool', tool_call_id => 'c1',
    content => '{"$ref":"#/$defs/x"}' } ]);
is_deeply($sent->{contents}[2]{parts}[0]{functionResponse}{response},
          { result => '{"$ref":"#/$defs/x"}' }, 'case 19: is a text');

# 20: how many tokens

o(claude => [ user('a') ]);
cmp_ok($sent->{max_tokens}, '>', 1000, 'case 20: there is a default');
ask('openai', 'claude', '{"model":"claude","max_tokens":1e2,"messages":'
    . '[{"role":"user","content":"a"}]}');
is($sent->{max_tokens}, 100, 'case 20: however it is written');
o(gemini => [ user('a') ], max_tokens => 5, max_completion_tokens => 7);
is($sent->{generationConfig}{maxOutputTokens}, 7, 'case 20: the newer wins');
a(gpt5 => [ user('a') ]);
is($sent->{max_completion_tokens}, 100, "case 20: by the model's name for it");
a(gpt => [ user('a') ]);
is($sent->{max_tokens}, 100, 'case 20: and an older one');

# 21: temperature, stop

o(claude35 => [ user('a') ], temperature => 1.7, stop => 'x');
is($sent->{temperature}, 1, 'case 21: at most 1');
is(dropped(), 'temperature>1', 'case 21: and told');
is_deeply($sent->{stop_sequences}, [ 'x' ], 'case 21: a list');
a(gpt => [ user('a') ], stop_sequences => [ 'x', 'y' ]);
is_deeply($sent->{stop}, [ 'x', 'y' ], 'case 21: and back');

# 22, 23: how much to think

o(claude => [ user('a') ], reasoning_effort => 'high');
is_deeply([ $sent->{thinking}{type}, $sent->{output_config}{effort} ],
          [ 'adaptive', 'high' ], 'case 22: an effort');
o(claude4 => [ user('a') ], reasoning_effort => 'high', max_tokens => 40000);
is_deeply($sent->{thinking}, { type => 'enabled', budget_tokens => 24576 },
          'case 22: a budget');
o(claude35 => [ user('a') ], reasoning_effort => 'high');
ok(!exists $sent->{thinking}, 'case 22: none for a model that does not');
is(dropped(), 'thinking', 'case 22: and told');
o(gemini => [ user('a') ], reasoning_effort => 'low');
is($sent->{generationConfig}{thinkingConfig}{thinkingBudget}, 1024,
   'case 22: a budget of Gemini');
o(gemini => [ user('a') ], reasoning_effort => 'none');
is($sent->{generationConfig}{thinkingConfig}{thinkingBudget}, 0,
   'case 22: no thinking');
o(gemini3 => [ user('a') ], reasoning_effort => 'high');
is($sent->{generationConfig}{thinkingConfig}{thinkingLevel}, 'high',
   'case 22: a level');
a(gpt5 => [ user('a') ], max_tokens => 20000,
  thinking => { type => 'enabled', budget_tokens => 16000 });
is($sent->{reasoning_effort}, 'high', 'case 22: a budget is an effort');
a(gpt => [ user('a') ], max_tokens => 20000,
  thinking => { type => 'enabled', budget_tokens => 16000 });
ok(!exists $sent->{reasoning_effort}, 'case 22: but not for GPT-4');
r(claude => 'a', reasoning => { effort => 'low' });
is($sent->{output_config}{effort}, 'low', 'case 22: of the Responses API');
g(claude => [ { role => 'user', parts => [ { text => 'a' } ] } ],
  generationConfig => { thinkingConfig => { thinkingBudget => 30000 } });
is_deeply($sent->{thinking}, { type => 'adaptive' },
          'case 23: a budget for a model that is told none');

# 24, 25: thoughts in the conversation

my @thoughts = ({ type => 'thinking', thinking => 'hm', signature => 's1' },
    { type => 'tool_use', id => 't1', name => 'f', input => {} },
    { type => 'redacted_thinking', data => 's2' },
    { type => 'text', text => 'so' },
    { type => 'tool_use', id => 't2', name => 'f', input => {} });
my $turns = [ user('a'), { role => 'assistant', content => \@thoughts },
    { role => 'user', content => [ map { { type => 'tool_result',
      tool_use_id => $_, content => 'r' } } 't1', 't2' ] } ];

a(claude => $turns);
is_deeply($sent->{messages}[1]{content}, \@thoughts,
          'case 24: signed thoughts stay where they were');
o(claude => [ user('a'), { role => 'assistant', content => 'x',
    reasoning_content => 'hm' }, user('b') ]);
is_deeply([ map { $_->{type} // 'text' }
            ref $sent->{messages}[1]{content}
            ? @{$sent->{messages}[1]{content}} : {} ], [ 'text' ],
          'case 25: unsigned ones are not sent');
is(dropped(), 'thinking', 'case 25: and told');

a(gemini => [ user('a') ], system => [ { type => 'redacted_thinking',
    data => 'genai:gemini:call:1:aSIG' } ]);
refused('case 24: thoughts in the instructions');

# 28, 29: marks, and the same bytes

my %marked = (cache_control => { type => 'ephemeral', ttl => '1h' });

o(claude => [ { role => 'system', content => [ { type => 'text', text => 's',
    %marked } ] }, { role => 'user', content => [ { type => 'text',
    text => 'a', %marked } ] } ], tools => [ { %{tool('f', $EMPTY)}, %marked }
    ]);
is_deeply([ $sent->{system}[0]{cache_control}, $sent->{messages}[0]{content}
            [0]{cache_control}, $sent->{tools}[0]{cache_control} ],
          [ ($marked{cache_control}) x 3 ], 'case 28: marks are carried');

my @bytes = map { a(gpt => $mixed, system => 's');
                  ($up->requests)[-1]{body} } 1, 2;

is($bytes[0], $bytes[1], 'case 29: the same bytes');
o(claude => [ user('a') ], tools => [ tool('z', $EMPTY), tool('b', $EMPTY) ]);
is_deeply([ map { $_->{name} } @{$sent->{tools}} ], [ 'z', 'b' ],
          'case 29: in the order of the request');

# 30: media

o(claude => [ user([ { type => 'image_url', image_url =>
    { url => 'data:image/png;base64,A B' } } ]) ]);
refused('case 30: damaged base64');
o(claude => [ user([ { type => 'image_url', image_url =>
    { url => 'file:///etc/passwd' } } ]) ]);
refused('case 30: a file of the provider');
o(claude => [ user([ { type => 'image_url', image_url =>
    { url => 'https://a/b.png', detail => 'low' } } ]) ]);
is_deeply($sent->{messages}[0]{content}[0]{source},
          { type => 'url', url => 'https://a/b.png' }, 'case 30: a URL');
is(dropped(), 'detail', 'case 30: the detail is told');
o(claude => [ user([ { type => 'file', file => { filename => 'f.pdf',
    file_data => "data:application/pdf;base64,$PNG" } } ]) ]);
is($sent->{messages}[0]{content}[0]{source}{media_type}, 'application/pdf',
   'case 30: a document');
o(gemini => [ user([ { type => 'input_audio', input_audio =>
    { data => $PNG, format => 'wav' } } ]) ]);
is($sent->{contents}[0]{parts}[0]{inlineData}{mimeType}, 'audio/wav',
   'case 30: a sound');
o(claude => [ user([ { type => 'input_audio', input_audio =>
    { data => $PNG, format => 'wav' } } ]) ]);
refused('case 30: a sound for one that does not hear');

# 31, 32: nothing said, and who speaks

o(claude => [ user('a'), { role => 'assistant', content => undef },
    { role => 'assistant', content => '' }, user([]), user('b') ]);
is_deeply($sent->{messages}, [ { role => 'user', content => [
          { type => 'text', text => 'a' }, { type => 'text', text => 'b' } ]
          } ], 'case 31: empty messages are left out, neighbours are one turn')
    or diag(json_text($sent->{messages}));
o(claude => [ { role => 'assistant', content => 'hello' }, user('a'),
    { role => 'assistant', content => 'and so' } ]);
is_deeply([ map { $_->{role} } @{$sent->{messages}} ],
          [ qw(assistant user assistant) ],
          'case 32: who speaks is not changed');

# 33: what nobody knows

o(claude => [ user('a') ], frobnicate => 1);
ok(!exists $sent->{frobnicate}, 'case 33: is not sent to others');
is(dropped(), 'frobnicate', 'case 33: and told');
o(gpt => [ user('a') ], frobnicate => 1);
is($sent->{frobnicate}, 1, 'case 33: it passes in its own dialect');

# 34: parameters

a(gpt => [ user('a') ], metadata => { user_id => 'u' }, top_k => 5);
is($sent->{user}, 'u', 'case 34: who it is for');
is(dropped(), 'top_k', 'case 34: what OpenAI does not have');
o(claude => [ user('a') ], n => 2);
refused('case 34: two answers of one that gives one');
o(gemini => [ user('a') ], n => 2, seed => 5, logprobs => $T,
  top_logprobs => 2);
is_deeply([ @{$sent->{generationConfig}}{qw(candidateCount seed
            responseLogprobs logprobs)} ], [ 2, 5, $T, 2 ],
          'case 34: and of one that gives more');

# 35: headers

a(gpt => [ user('a') ]);
ask('anthropic', 'gpt', { max_tokens => 5, messages => [ user('a') ] },
    'x-api-key' => 'mine', 'anthropic-version' => '2023-06-01',
    'anthropic-beta' => 'a-b', 'x-stainless-os' => 'Linux', cookie => 'c=1');

my $h = ($up->requests)[-1]{h};

is($h->{authorization}, 'Bearer sk-of-the-provider',
   "case 35: the provider's credential");
is_deeply([ grep { $h->{$_} } qw(x-api-key anthropic-version anthropic-beta
            x-stainless-os cookie) ], [], "case 35: nothing of the client's");

# 36: names in paths

o($_->[0] => [ user('a') ]),
    is(($up->requests)[-1]{uri}, "/v1beta/models/$_->[1]:generateContent",
       "case 36: $_->[0] leads nowhere else")
    for [ '../../x', '..%2F..%2Fx' ], [ 'a/./b', 'a%2F.%2Fb' ],
        [ 'a?b#c', 'a%3Fb%23c' ];
o('..' => [ user('a') ]);
is($r->status, 404, 'case 36: .. is no name');

# 27: what is sealed by one comes back to him alone

r(claude => [ { role => 'user', content => 'a' }, { type => 'reasoning',
    summary => [], encrypted_content => 'gAAA' },
    { role => 'user', content => 'b' } ]);
unlike(json_text($sent), qr/gAAA/, "case 27: OpenAI's is not Anthropic's");
r(resp => [ { role => 'user', content => 'a' }, { type => 'reasoning',
    summary => [], encrypted_content => 'gAAA' },
    { role => 'user', content => 'b' } ]);
like(json_text($sent), qr/gAAA/, 'case 27: its own is');

done_testing();
