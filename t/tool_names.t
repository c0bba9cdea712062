# SPDX-License-Identifier: Apache-2.0

# Tools' names that a provider would refuse: it gets others, of which the
# client sees nothing, in all dialects, whole and as a stream.

use strict;
use warnings;

use lib 't/lib';

use GenAI::Test;
use GenAI::Upstream;

my %RULE = (openai => qr/^[a-zA-Z0-9_-]{1,64}\z/,
            responses => qr/^[a-zA-Z0-9_-]{1,64}\z/,
            anthropic => qr/^[a-zA-Z0-9_-]{1,128}\z/,
            gemini => qr/^[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}\z/);
my @ALL = sort keys %RULE;

# what a client asks in each dialect: two tools, the second one forced, and a
# turn in which it was called

my %ASK = (
    openai => sub {
        my ($model, $stream, @name) = @_;

        return '/v1/chat/completions', { model => $model,
            stream => $stream, tools => [ map { { type => 'function',
                function => { name => $_ } } } @name ],
            tool_choice => { type => 'function',
                             function => { name => $name[1] } },
            messages => [ { role => 'user', content => 'a' },
                { role => 'assistant', tool_calls => [ { id => 'c1',
                    type => 'function', function => { name => $name[1],
                        arguments => '{}' } } ] },
                { role => 'tool', tool_call_id => 'c1', content => 'x' } ] };
    },
    responses => sub {
        my ($model, $stream, @name) = @_;

        return '/v1/responses', { model => $model, stream => $stream,
            tools => [ map { { type => 'function', name => $_,
                               parameters => {} } } @name ],
            tool_choice => { type => 'function', name => $name[1] },
            input => [ { role => 'user', content => 'a' },
                { type => 'function_call', call_id => 'c1',
                  name => $name[1], arguments => '{}' },
                { type => 'function_call_output', call_id => 'c1',
                  output => 'x' } ] };
    },
    anthropic => sub {
        my ($model, $stream, @name) = @_;

        return '/v1/messages', { model => $model, stream => $stream,
            max_tokens => 100, tools => [ map { { name => $_,
                input_schema => { type => 'object' } } } @name ],
            tool_choice => { type => 'tool', name => $name[1] },
            messages => [ { role => 'user', content => 'a' },
                { role => 'assistant', content => [ { type => 'tool_use',
                    id => 'c1', name => $name[1], input => {} } ] },
                { role => 'user', content => [ { type => 'tool_result',
                    tool_use_id => 'c1', content => 'x' } ] } ] };
    },
    gemini => sub {
        my ($model, $stream, @name) = @_;

        return "/v1beta/models/$model:" . ($$stream
            ? 'streamGenerateContent?alt=sse' : 'generateContent'),
            { tools => [ { functionDeclarations =>
                           [ map { { name => $_ } } @name ] } ],
              toolConfig => { functionCallingConfig => { mode => 'ANY',
                  allowedFunctionNames => [ $name[1] ] } },
              contents => [ { role => 'user', parts => [ { text => 'a' } ] },
                  { role => 'model', parts => [ { functionCall =>
                      { name => $name[1], args => {} } } ] },
                  { role => 'user', parts => [ { functionResponse =>
                      { name => $name[1], response => { result => 'x' } } }
                  ] } ] };
    });

# the names in a request: of tools, and of all that stands for the second one

my %ASKED = (
    openai => sub {
        my ($b) = @_;

        return [ map { $_->{function}{name} } @{ $b->{tools} } ],
               $b->{tool_choice}{function}{name},
               $b->{messages}[1]{tool_calls}[0]{function}{name};
    },
    responses => sub {
        my ($b) = @_;

        return [ map { $_->{name} } @{ $b->{tools} } ],
               $b->{tool_choice}{name}, $b->{input}[1]{name};
    },
    anthropic => sub {
        my ($b) = @_;

        return [ map { $_->{name} } @{ $b->{tools} } ],
               $b->{tool_choice}{name}, $b->{messages}[1]{content}[0]{name};
    },
    gemini => sub {
        my ($b) = @_;
        my $choice = $b->{toolConfig}{functionCallingConfig};
        my $c = $b->{contents};

        return [ map { $_->{name} }
                 @{ $b->{tools}[0]{functionDeclarations} } ],
               $choice->{allowedFunctionNames}[0],
               $c->[1]{parts}[0]{functionCall}{name},
               $c->[2]{parts}[0]{functionResponse}{name};
    });

# an answer with calls of these names

sub event { return "event: $_[0]{type}\ndata: " . json_text($_[0]) . "\n\n" }
sub data { return 'data: ' . json_text($_[0]) . "\n\n" }

my %ANSWER = (
    openai => sub {
        my ($stream, @name) = @_;
        my $n = 0;
        my @calls = map { { ($stream ? (index => $n) : ()), type => 'function',
            id => 'call_' . $n++, function => { name => $_,
                                                arguments => '{}' } } } @name;

        return { id => 'c', object => 'chat.completion', choices => [ {
            index => 0, finish_reason => 'tool_calls', message =>
            { role => 'assistant', tool_calls => \@calls } } ] } if !$stream;

        return (map({ data({ id => 'c', choices => [ { index => 0, delta => {
            tool_calls => [ $_ ] } } ] }) } @calls),
            data({ id => 'c', choices => [ { index => 0, delta => {},
                finish_reason => 'tool_calls' } ] }), "data: [DONE]\n\n");
    },
    responses => sub {
        my ($stream, @name) = @_;
        my $n = 0;
        my @calls = map { { type => 'function_call', id => "fc_$n",
            call_id => 'call_' . $n++, name => $_, arguments => '{}' } } @name;
        my $r = { id => 'resp_1', object => 'response', model => 'gpt',
                  status => 'completed', output => \@calls };

        return $r if !$stream;

        return event({ type => 'response.created', response => { %$r,
                status => 'in_progress', output => [] } }),
            map({ my $i = $_; my $c = $calls[$i];
                event({ type => 'response.output_item.added',
                    output_index => $i, item => { %$c, arguments => '' } }),
                event({ type => 'response.function_call_arguments.delta',
                    output_index => $i, item_id => "fc_$i", delta => '{}' }),
                event({ type => 'response.output_item.done',
                    output_index => $i, item => $c }) } 0 .. $#calls),
            event({ type => 'response.completed', response => $r });
    },
    anthropic => sub {
        my ($stream, @name) = @_;
        my $n = 0;
        my @calls = map { { type => 'tool_use', id => 'call_' . $n++,
                            name => $_, input => {} } } @name;
        my $m = { id => 'msg_1', type => 'message', role => 'assistant',
            model => 'claude', content => \@calls, stop_reason => 'tool_use',
            usage => { input_tokens => 1, output_tokens => 1 } };

        return $m if !$stream;

        return event({ type => 'message_start', message => { %$m,
                content => [], stop_reason => undef } }),
            map({ event({ type => 'content_block_start', index => $_,
                content_block => $calls[$_] }),
                event({ type => 'content_block_stop', index => $_ }) }
                0 .. $#calls),
            event({ type => 'message_delta', delta => { stop_reason =>
                'tool_use' }, usage => { output_tokens => 1 } }),
            event({ type => 'message_stop' });
    },
    gemini => sub {
        my ($stream, @name) = @_;
        my $g = { candidates => [ { index => 0, finishReason => 'STOP',
            content => { role => 'model', parts => [ map { { functionCall =>
                { name => $_, args => {} } } } @name ] } } ] };

        return $stream ? data($g) : $g;
    });

# the calls in an answer that a client gets

my %ANSWERED = (
    openai => sub {
        return map { $_->{function}{name} // () }
            map { @{ ($_->{message} || $_->{delta})->{tool_calls} || [] } }
            map { @{ $_->{choices} || [] } } @_;
    },
    responses => sub {
        my @all = map { $_->{response} || $_ } @_;

        return map { $_->{name} } @{ $all[-1]{output} };
    },
    anthropic => sub {
        return map { $_->{name} } grep { $_ && $_->{type} eq 'tool_use' }
            map { $_->{content} ? @{ $_->{content} } : $_->{content_block} }
            @_;
    },
    gemini => sub {
        return map { $_->{functionCall} ? $_->{functionCall}{name} : () }
            map { @{ $_->{content}{parts} || [] } }
            map { @{ $_->{candidates} || [] } } @_;
    });

my (%up, %asked);

for my $dialect (@ALL) {
    $up{$dialect} = GenAI::Upstream->new(lossy => 1, route => sub {
        my ($r) = @_;
        my $body = JSON::PP::decode_json($r->{body});
        my $stream = $body->{stream} || $r->{uri} =~ /:stream/;
        my ($names, @more) = $ASKED{$dialect}->($body);

        return [ [ json => 503, { error => { message => 'no' } } ] ]
            if ($body->{model} // '') eq 'down' || $r->{uri} =~ /down:/;

        my @answer = $ANSWER{$dialect}->($stream, @$names, 'no.body');

        return [ [ json => 200, @answer ] ] if !$stream;

        return [ [ send => "HTTP/1.1 200 OK\r\nContent-Type: "
                   . "text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
                 ], (map { [ chunk => $_ ] } @answer), 'chunk_end' ];
    });
}

my $t = GenAI::Test->new;
$t->allow(qr/genai (?:target|provider) /, 'what fails is said');

my $blocks = join "\n", map {
    my $path = /openai|responses/ ? '/v1' : '';
    "genai_provider $_ { dialect $_; pass http://127.0.0.1:"
    . $up{$_}->port . "$path; }\ngenai_model to-$_ { target $_ model=m; }"
} @ALL;

$t->conf(<<'EOF', BLOCKS => $blocks)->run;
http {
    %%BLOCKS%%
    genai_model over { target openai model=down; target anthropic model=m; }
    genai_model home { target gemini model=down; target anthropic model=m; }
    server {
        listen 127.0.0.1:%%PORT_0%%;
        location / { genai_pass; genai_auth off; }
    }
}
EOF

sub asked {
    my ($client, $model, $stream, @name) = @_;
    my ($path, $body) = $ASK{$client}->($model, $stream ? \1 : \0, @name);
    my $r = $t->post($path, json_text($body));

    return $r if !$stream;
    return $r, map { $_->{data} eq '[DONE]' ? ()
                     : JSON::PP::decode_json($_->{data}) } $r->events;
}

sub sent { return JSON::PP::decode_json(($up{$_[0]}->requests)[-1]{body}) }

# the first one is what Anthropic and Google take and OpenAI does not, the
# other one nobody

my $long = 'mcp__' . 'x' x 70;

for my $client (@ALL) {
    for my $provider (grep { $_ ne $client } @ALL) {
        for my $name ($long, 'get weather: now!') {
            for my $stream (0, 1) {
                my $what = "$client to $provider, "
                           . ($stream ? 'a stream' : 'whole');

                my ($r, @e) = asked($client, "to-$provider", $stream,
                                    'get_1', $name);

                is($r->status, 200, $what) or diag($r->body);

                my ($names, @more) = $ASKED{$provider}->(sent($provider));

                is($names->[0], 'get_1', 'a name that is right stays');
                like($names->[1], $RULE{$provider}, 'the other one is now');
                is($names->[1], $name, 'and stays where it is')
                    if $name =~ $RULE{$provider};
                is_deeply([ sort @more ], [ ($names->[1]) x @more ],
                          'and is the same everywhere');

                is_deeply([ $ANSWERED{$client}->($stream ? @e : $r->json) ],
                    [ 'get_1', $name, 'no.body' ],
                    "the client's names are in the answer");
            }
        }
    }
}

# the next target has its own rule

my ($r) = asked('gemini', 'over', 0, 'get_1', $long);
is_deeply([ $ANSWERED{gemini}->($r->json) ], [ 'get_1', $long, 'no.body' ],
          'the next target has its own rule');
is(($ASKED{anthropic}->(sent('anthropic')))[1], $long, 'which takes that');
unlike(($ASKED{openai}->(sent('openai')))[1], qr/^\Q$long\E\z/,
       'as the first one did not');

# and none where nothing is translated

($r) = asked('anthropic', 'home', 0, 'get_1', 'a.b');
is_deeply([ $ANSWERED{anthropic}->($r->json) ], [ 'get_1', 'a.b', 'no.body' ],
          'and there is none where it is passed');
is(($ASKED{anthropic}->(sent('anthropic')))[1], 'a.b', 'as it is');

# two that would be the same

for my $names ([ 'a.b', 'a/b' ], [ 'a/b', 'a.b' ], [ 'a.b', 'a_b_2e7336dc' ])
{
    ($r) = asked('openai', 'to-anthropic', 0, @$names);
    my ($sent) = $ASKED{anthropic}->(sent('anthropic'));

    isnt($sent->[0], $sent->[1], "$names->[0] is not $names->[1]");
    is_deeply([ $ANSWERED{openai}->($r->json) ], [ @$names, 'no.body' ],
              'here or there');
}

# what cannot be

($r) = asked('openai', 'to-anthropic', 0, 'f', '.' x 257);
is($r->status, 400, 'a name that is too long');
like($r->json->{error}{message}, qr/is longer than 256 bytes/, 'and why');

$t->done_testing;
