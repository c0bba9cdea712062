# SPDX-License-Identifier: Apache-2.0

# Where a limit depends on it, a provider is told how long an answer may be, in
# the field of its dialect: lowered, never raised, and nothing else changes.

use strict;
use warnings;

use lib 't/lib';

use JSON::PP ();

use GenAI::Test;
use GenAI::Upstream;

my %path = (
    openai => '/v1/chat/completions', anthropic => '/v1/messages',
    responses => '/v1/responses',
    gemini => '/v1beta/models/gemini:generateContent',
    bedrock => '/model/bedrock/converse',
);

my $up = GenAI::Upstream->new(lossy => 1, route => sub {
    return [ [ json => 400, { error => { message => 'seen' } } ] ];
});

my $t = GenAI::Test->new;

$t->allow(qr/genai (?:target|provider) /, 'all is answered with an error');
$t->write_file('key', 'sk-of-the-provider');
$t->conf(<<'EOF', UP => $up->port)->run;
http {
    genai_provider openai    { dialect openai; pass http://127.0.0.1:%%UP%%/v1;
                               credential file:%%TESTDIR%%/key; }
    genai_provider anthropic { dialect anthropic; pass http://127.0.0.1:%%UP%%;
                               credential file:%%TESTDIR%%/key; }
    genai_provider responses { dialect responses;
                               pass http://127.0.0.1:%%UP%%/v1;
                               credential file:%%TESTDIR%%/key; }
    genai_provider gemini    { dialect gemini; pass http://127.0.0.1:%%UP%%;
                               credential file:%%TESTDIR%%/key; }
    genai_provider bedrock   { dialect bedrock; pass http://127.0.0.1:%%UP%%;
                               region eu-west-1;
                               credential file:%%TESTDIR%%/key; }
    genai_model openai    { target openai; }
    genai_model anthropic { target anthropic; }
    genai_model responses { target responses; }
    genai_model gemini    { target gemini; }
    genai_model bedrock   { target bedrock; }
    genai_model set       { target responses;
                            set responses max_output_tokens 40; }
    genai_model set-more  { target responses;
                            set responses max_output_tokens 5000; }
    server {
        listen 127.0.0.1:%%PORT_0%%;
        genai_auth off;
        location / { genai_pass;
            genai_limit key=$http_x_k "900 completion_tokens/1h"
                        on_short=clip; }
    }
}
EOF

my $n = 0;

# the body as it was sent up, of a body as it came

sub sent {
    my ($dialect, $body) = @_;

    $t->post($path{$dialect}, $body, headers => [ 'x-k' => $n++ ]);

    return ($up->requests)[-1]{body};
}

my %says = (
    openai => [ '"model":"openai","messages":[{"role":"user","content":"a"}]',
                '"max_tokens":%s', '"max_tokens":900' ],
    anthropic => [ '"model":"anthropic","messages":[{"role":"user",'
                   . '"content":"a"}]', '"max_tokens":%s' ],
    responses => [ '"model":"responses","input":"a"',
                   '"max_output_tokens":%s', '"max_output_tokens":900' ],
    gemini => [ '"contents":[{"role":"user","parts":[{"text":"a"}]}]',
                '"generationConfig":{"topK": 4, "maxOutputTokens": %s}',
                '"generationConfig":{"maxOutputTokens":900}' ],
    bedrock => [ '"messages":[{"role":"user","content":[{"text":"a"}]}]',
                 '"inferenceConfig":{"maxTokens": %s ,"topP":1}',
                 '"inferenceConfig":{"maxTokens":900}' ],
);

for my $dialect (sort keys %says) {
    my ($body, $there, $added) = @{$says{$dialect}};

    for my $asked (5, 900, 901, 4000) {
        my $want = $asked < 900 ? $asked : 900;

        is(sent($dialect, sprintf "{$body, $there}", $asked),
           sprintf("{$body, $there}", $want), "$dialect: $asked asked");
    }

    next unless $added;

    is(sent($dialect, "{$body}"), "{$body,$added}", "$dialect: nothing asked");
}

is(sent(gemini => "{$says{gemini}[0],\"generation_config\":{\"topK\":4}}"),
   "{$says{gemini}[0],\"generation_config\":{\"topK\":4,"
   . "\"maxOutputTokens\":900}}", 'in the other spelling');
is(sent(gemini => "{$says{gemini}[0],\"generationConfig\":"
        . "{\"max_output_tokens\":5000}}"),
   "{$says{gemini}[0],\"generationConfig\":{\"max_output_tokens\":900}}",
   'and of the field itself');
is(sent(gemini => "{$says{gemini}[0],\"generationConfig\":null}"),
   "{$says{gemini}[0],\"generationConfig\":{\"maxOutputTokens\":900}}",
   'null is nothing');

for (['set', 40], ['set-more', 900]) {
    my ($model, $want) = @$_;

    like(sent(responses => qq({"model":"$model","input":"a"})),
         qr/"max_output_tokens":$want\}/, "$model: what the operator sets");
}

done_testing();
