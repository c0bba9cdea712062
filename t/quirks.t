# SPDX-License-Identifier: Apache-2.0

# Servers that speak OpenAI's dialect in their own way: what they refuse or
# read as something else is not what they get, from clients of that dialect and
# of another one; every other byte stays.

use strict;
use warnings;

use lib 't/lib';

use GenAI::Test;
use GenAI::Upstream;

my $USAGE = { prompt_tokens => 9, completion_tokens => 3, total_tokens => 12 };

# as Mistral streams: usage in the last chunk, with its choice, unasked

sub chunk {
    my ($delta, %more) = @_;

    my $usage = delete $more{usage};

    return 'data: ' . json_text({ id => 'c', model => 'm',
        object => 'chat.completion.chunk', created => 1,
        choices => [ { index => 0, delta => $delta, finish_reason => undef,
                       %more } ], $usage ? (usage => $usage) : () }) . "\n\n";
}

my @STREAM = (chunk({ role => 'assistant', content => '' }),
              chunk({ content => 'one' }),
              chunk({ content => '' }, finish_reason => 'stop',
                    usage => $USAGE), "data: [DONE]\n\n");

my $up = GenAI::Upstream->new(lossy => 1, route => sub {
    my ($r) = @_;

    return [ [ json => 200, { id => 'c', object => 'chat.completion',
        created => 1, model => 'm', usage => $USAGE, choices => [ {
            index => 0, finish_reason => 'stop', message => {
                role => 'assistant', content => 'one' } } ] } ] ]
        unless JSON::PP::decode_json($r->{body})->{stream};

    return [ [ send => "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
               . "Transfer-Encoding: chunked\r\n\r\n" ],
             (map { [ chunk => $_ ] } @STREAM), 'chunk_end' ];
});

my $t = GenAI::Test->new(workers => 1);

$t->write_file('models.json', json_text({ schema => 1, models => {
    own => { framing => 'openai5', tokenizer => 'none' } } }));

my @names = qw(openai vllm sglang triton tgi ollama llamacpp mistral groq
               together deepseek xai openrouter huggingface cohere);

$t->conf(<<'EOF', UP => $up->port,
http {
    log_format l '$status "$genai_error" $genai_completion_tokens '
                 '$genai_count_source';
    access_log %%TESTDIR%%/l.log l;
    genai_catalog models.json;
    upstream u { server 127.0.0.1:%%UP%%; }
    genai_provider off { dialect openai; quirks off; upstream u;
                         pass http://api.mistral.ai/v1; }
    genai_provider host { dialect openai; upstream u;
                          pass http://api.mistral.ai/v1; }
    genai_provider plain { dialect openai; pass http://127.0.0.1:%%UP%%/v1; }
    %%PROVIDERS%%
    genai_model over { target groq model=m; target vllm model=m priority=2; }
    genai_model set  { target ollama model=m; set ollama seed 7;
                       set ollama max_completion_tokens 3; }
    genai_model newer  { target openai model=own; }
    genai_model capped { target ollama model=m; }
    server {
        listen 127.0.0.1:%%PORT_0%%;
        location / { genai_pass; genai_auth off; }
        location /capped/ { genai_pass; genai_auth off;
                            genai_limit "100k tokens/1h" key=all; }
        location /clipped/ { genai_pass; genai_auth off;
            genai_limit "400 tokens/1h" key=all on_short=clip; }
    }
}
EOF
    PROVIDERS => join('', map { "genai_provider $_ { dialect openai; "
        . "quirks $_; pass http://127.0.0.1:" . $up->port . "/v1; }\n"
        . "genai_model $_ { target $_ model=m; }\n" } @names)
        . join('', map { "genai_model $_ { target $_ model=m; }\n" }
               qw(off host plain)))->run;

sub got { return ($up->requests)[-1] }
sub sent { return JSON::PP::decode_json(got()->{body}) }

sub ask {
    my ($model, %more) = @_;

    return $t->post('/v1/chat/completions', json_text({ model => $model,
        messages => [ { role => 'user', content => 'hi' } ], %more }));
}


# what everybody understands is the same bytes for all of them

my $rest = ' , "messages":[{"role":"system","content":"be"},{"role":"user",'
    . '"content":"\u0068i"}], "temperature" : 1.0, "max_tokens":5 }';

for (@names, qw(off host plain)) {
    my $r = $t->post('/v1/chat/completions', "{\"model\":\"$_\"$rest");
    is($r->status, 200, "$_: an answer");
    is(got()->{body}, "{\"model\":\"m\"$rest", 'to the same bytes');
    is($r->header('x-genai-dropped'), undef, 'with nothing dropped');
}


# Mistral, by its name and by its host

my @history = ({ role => 'developer', content => 'be' },
    { role => 'user', content => 'hi', name => 'me' },
    { role => 'assistant', content => undef, reasoning_content => 'hm',
      tool_calls => [ { id => 'call_1', type => 'function', function =>
          { name => 'f', arguments => '{}' } } ] },
    { role => 'tool', tool_call_id => 'call_1', content => 'r' });

my %ask = (messages => \@history, seed => 3, user => 'u', logprobs => \1,
    max_completion_tokens => 7, tool_choice => 'required', stream => \1,
    tools => [ { type => 'function', function => { name => 'f' } } ]);

for my $model (qw(mistral host)) {

    my $r = ask($model, %ask);

    is($r->status, 200, "$model: an answer");
    is($r->body, join('', @STREAM), 'which passes as it is');

    my $sent = sent();

    is_deeply([ map { $_->{role} } @{$sent->{messages}} ],
              [ qw(system user assistant tool) ], 'a developer is the system');
    ok(!exists $sent->{messages}[1]{name}, 'nobody has a name');
    ok(!exists $sent->{messages}[2]{reasoning_content}, 'no thoughts');
    is($sent->{messages}[2]{tool_calls}[0]{id}, '9gD2Dimct', 'an id of nine');
    is($sent->{messages}[3]{tool_call_id}, '9gD2Dimct', 'for its result, too');
    is($sent->{random_seed}, 3, 'the seed has its name');
    is($sent->{max_tokens}, 7, 'the cap, too');
    is($sent->{tool_choice}, 'any', 'and what is required');
    is_deeply([ grep { exists $sent->{$_} }
                qw(seed user logprobs max_completion_tokens stream_options) ],
              [], 'all else is not there');
    is($r->header('x-genai-dropped'),
       'logprobs, name, reasoning_content, user', 'what was dropped is told');
}

my $r = ask('off', %ask);
is_deeply([ grep { exists sent()->{$_} } qw(seed user logprobs
            max_completion_tokens stream_options) ],
          [ qw(seed user logprobs max_completion_tokens stream_options) ],
          'but where they are off');
is($r->header('x-genai-dropped'), undef, 'nothing is dropped');

my $first = got()->{body};
ask('off', %ask);
is(got()->{body}, $first, 'the same gives the same bytes');


# a client of another dialect

sub anthropic {
    my ($model, %more) = @_;

    return $t->post('/v1/messages', json_text({ model => $model,
        max_tokens => 9, messages => [ { role => 'user', content => 'hi' } ],
        %more }));
}

$r = anthropic('mistral', stream => \1, top_k => 3, metadata =>
    { user_id => 'u' }, tools => [ { name => 'f', input_schema => {} } ],
    tool_choice => { type => 'any' });
is($r->status, 200, "Anthropic's client");
is_deeply([ sort keys %{sent()} ], [ qw(max_tokens messages model stream
            tool_choice tools) ], 'asks for nothing that is refused');
is(sent()->{tool_choice}, 'any', "in the server's words");
is($r->header('x-genai-dropped'), 'top_k, user', 'and is told');
like($r->body, qr/"output_tokens":3/, 'usage came without being asked for');

$r = anthropic('vllm', top_k => 3);
is(sent()->{top_k}, 3, 'who takes it gets it');
is($r->header('x-genai-dropped'), undef, 'and nothing is told');

$r = anthropic('deepseek', messages => [ { role => 'user', content => 'hi' },
    { role => 'assistant', content => [ { type => 'thinking',
        thinking => 'hm', signature => '' }, { type => 'tool_use',
        id => 'call_1', name => 'f', input => {} } ] },
    { role => 'user', content => [ { type => 'tool_result',
        tool_use_id => 'call_1', content => 'r' } ] } ]);
is(sent()->{messages}[1]{reasoning_content}, 'hm',
   'thoughts go back to who must have them');


# what cannot be said: another target, or an error

$r = ask('over', n => 2);
is($r->status, 200, 'a target that gives one answer is passed over');
is(sent()->{n}, 2, 'for one that gives several');

my $n = $up->count;

$r = ask('groq', n => 2);
is($r->status, 400, 'where there is no other');
like($r->json->{error}{message}, qr/gives one answer/, 'it says why');

$r = ask('deepseek', response_format => { type => 'json_schema', json_schema =>
    { name => 'a', schema => {} } });
is($r->status, 400, 'no JSON schema');
$r = ask('llamacpp', tool_choice => { type => 'function', function =>
    { name => 'f' } });
is($r->status, 400, 'no choice of one function');
is($up->count, $n, 'nobody was asked');


# the operator has the last word

ask('set', max_completion_tokens => 5);
is(sent()->{seed}, 7, 'what he sets is set');
is(sent()->{max_completion_tokens}, 3, 'where he sets it');


# limits tell the cap in the field that is read

$r = $t->post('/capped/v1/chat/completions', json_text({ model => 'capped',
    messages => [ { role => 'user', content => 'hi' } ],
    max_completion_tokens => 5 }));
is(sent()->{max_tokens}, 5, 'a cap below the limit');
ok(!exists sent()->{max_completion_tokens}, 'in one field');

$r = $t->post('/clipped/v1/chat/completions', json_text({ model => 'capped',
    messages => [ { role => 'user', content => 'hi' } ],
    max_completion_tokens => 5000 }));
is($r->status, 200, 'a cap above it');
cmp_ok(sent()->{max_tokens}, '<', 400, 'is the limit');
ok(!exists sent()->{max_completion_tokens}, 'in the field that is read');


# OpenAI's newer models refuse the older field

ask('newer', max_tokens => 5);
is_deeply([ @{sent()}{qw(max_tokens max_completion_tokens)} ], [ undef, 5 ],
          'a newer model gets the newer field');
ask('openai', max_tokens => 5);
is_deeply([ @{sent()}{qw(max_tokens max_completion_tokens)} ], [ 5, undef ],
          'another one what the client said');

for (qw(max_tokens max_completion_tokens)) {
    $t->post('/clipped/v1/chat/completions', json_text({ model => 'newer',
        messages => [ { role => 'user', content => 'hi' } ], $_ => 5000 }));
    ok(!exists sent()->{max_tokens}, "$_, with a limit: the newer field");
    cmp_ok(sent()->{max_completion_tokens}, '<', 400, 'and no other');
}


# what cannot be meant

for ([ 'dialect openai; quirks llama; pass http://a.test;',
       qr{no quirks are known of "llama", there are "off" "openai" "vllm"} ],
     [ 'dialect anthropic; quirks vllm; pass http://a.test;',
       qr{has "quirks", which are those of the dialect openai} ],
     [ 'dialect openai; quirks vllm; quirks off; pass http://a.test;',
       qr{"quirks" directive is duplicate} ])
{
    my ($block, $why) = @$_;
    my ($rc, $out) = $t->nginx_t("events { }\nhttp { genai_provider a { "
                                 . "$block } }\n");

    ok($rc != 0, $block);
    like($out, $why, 'and why');
}

done_testing;
