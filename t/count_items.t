# SPDX-License-Identifier: Apache-2.0

# Requests of the Responses API are counted before they leave: exactly where
# that is known, and then the gateway itself says how many tokens they are.

use strict;
use warnings;

use lib 't/lib';

use Cwd qw(getcwd);
use JSON::PP ();

use GenAI::Test;
use GenAI::Upstream;

my $data = getcwd() . '/build/data';

plan(skip_all => "no vocabularies in $data: run \"make data\" first")
    unless -e "$data/o200k_base.vocab" && -e "$data/models.json";

# asked for a number it says 99; else it answers without any usage
my $up = GenAI::Upstream->new(lossy => 1, route => sub {
    my ($r) = @_;

    return [ [ json => 200, { object => 'response.input_tokens',
                              input_tokens => 99 } ] ]
        if $r->{uri} =~ /input_tokens/;
    return [ [ json => 200, { id => 'r', object => 'response',
        status => 'completed', model => 'm', output => [ {
            type => 'message', id => 'i', status => 'completed',
            role => 'assistant', content => [ { type => 'output_text',
                text => 'Hi', annotations => [] } ] } ] } ] ];
});

my $t = GenAI::Test->new->conf(<<'EOF', DATA => $data, UP => $up->port)->run;
http {
    log_format l '$genai_prompt_tokens $genai_count_source';
    access_log %%TESTDIR%%/l.log l;

    genai_catalog %%DATA%%/models.json;

    genai_provider p { dialect responses; pass http://127.0.0.1:%%UP%%/v1;
                       header x-count $genai_prompt_tokens; }
    genai_model gpt-4o { target p; }
    genai_model gpt-5  { target p; }
    genai_model grok-4 { target p; }

    server {
        listen 127.0.0.1:%%PORT_0%%;
        genai_auth off;
        location / { genai_pass; }
    }
}
EOF

my $TEXT = 'Hello there, this is a test.';          # 8 tokens
my $TOOL = { type => 'function', name => 'get_weather', strict =>
    JSON::PP::true, description => 'Gets the current weather for a specified '
    . 'city.', parameters => { type => 'object', title => 'get_weather_args',
    properties => { city => { title => 'City', type => 'string' } },
    required => [ 'city' ], additionalProperties => JSON::PP::false } };

# model, the rest, tokens, whether they are exact

my @cases = (
    [ 'gpt-4o', { input => $TEXT }, 15, 1 ],
    [ 'gpt-5', { input => $TEXT }, 14, 1 ],
    [ 'gpt-4o', { input => $TEXT, instructions => $TEXT }, 27, 1 ],
    [ 'gpt-5', { input => [ { role => 'user', content => $TEXT },
        { type => 'reasoning', summary => [], encrypted_content => 'x' x 4000 },
        { role => 'assistant', content => $TEXT },
        { role => 'user', content => [ { type => 'input_text',
                                         text => $TEXT } ] } ] }, 40, 1 ],

    # as recorded: 72 tokens
    [ 'gpt-4o', { input => [ { role => 'user',
                               content => 'What is the weather in London?' } ],
        instructions => 'You get the weather for a city using the get_weather '
            . 'tool.', tools => [ $TOOL ] }, 72, 1 ],

    [ 'gpt-5', { input => $TEXT, text => { verbosity => 'low' } }, 14, 0 ],
    [ 'gpt-5', { input => $TEXT, tools => [ { type => 'web_search' } ] },
      undef, 0 ],
    [ 'grok-4', { input => $TEXT }, 196, 0 ],
);

for my $case (@cases) {
    my ($model, $rest, $tokens, $exact) = @$case;
    my $what = "$model " . substr JSON::PP->new->canonical->encode($rest), 0,
        60;
    my $n = () = $t->access_log('l.log') =~ /\n/g;

    my $r = $t->post('/v1/responses', { model => $model, %$rest });
    my ($seen) = (reverse $up->requests)[0];

    is($r->status, 200, $what) or diag($r->body);
    is($seen->{h}{'x-count'}, $tokens, 'its count') if defined $tokens;

    $n = $up->count;
    $r = $t->post('/v1/responses/input_tokens', { model => $model, %$rest });

    is($r->json->{input_tokens}, $exact ? $tokens : 99,
       $exact ? 'the gateway says it' : 'the provider says it')
        or diag($r->body);
    is($up->count - $n, $exact ? 0 : 1, 'who was asked');
}


done_testing;
