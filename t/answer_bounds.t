# SPDX-License-Identifier: Apache-2.0

# What of a translated answer has no bound at its provider: many items, and
# long ones, as a stream and as JSON; and the order of what is in it.

use strict;
use warnings;

use lib 't/lib';

use GenAI::Test;
use GenAI::Upstream;

# what an Anthropic provider says: blocks, as a message and as a stream

sub blocks {
    my ($name, $stream) = @_;

    my $i = 0;
    my $call = sub { { type => 'tool_use', id => 'toolu_' . $i++,
                       name => $_[0], input => {} } };

    return map({ ({ type => 'thinking', thinking => "T$_",
                    signature => "sig$_" },
                  { type => 'text', text => "w$_ " }, $call->('f')) }
               1 .. 20) if $name eq 'rounds';
    return map({ $call->('f') } 1 .. 1000) if $name eq 'calls';
    return map({ $call->('f') } 1 .. 1030) if $name eq 'more';
    return map({ { type => 'text', text => 'x' x 65536 } }
               1 .. ($stream ? 24 : 260)) if $name eq 'long';
    return ({ type => 'text', text => 'a' }, $call->(''))
        if $name eq 'nameless';

    return ({ type => 'thinking', thinking => 'T1', signature => 's1' },
            { type => 'text', text => 'A' }, $call->('c1'),
            { type => 'thinking', thinking => 'T2', signature => 's2' },
            { type => 'text', text => 'B' }, $call->('c2'));
}

sub sse {
    return join '', map {
        "event: $_->{type}\ndata: " . json_text($_) . "\n\n" } @_;
}

sub stream_of {
    my @blocks = @_;
    my $i = 0;

    return ({ type => 'message_start', message => { id => 'm', model => 'c',
                type => 'message', role => 'assistant', content => [],
                usage => { input_tokens => 1, output_tokens => 1 } } },
        (map {
            my ($b, $n) = ($_, $i++);
            my %empty = %$b;

            $empty{$_} = '' for grep { exists $b->{$_} }
                qw(text thinking signature);

            ({ type => 'content_block_start', index => $n,
               content_block => \%empty },
             (map { { type => 'content_block_delta', index => $n,
                      delta => $_ } }
                $b->{type} eq 'text'
                    ? { type => 'text_delta', text => $b->{text} }
                : $b->{type} eq 'thinking'
                    ? ({ type => 'thinking_delta',
                         thinking => $b->{thinking} },
                       { type => 'signature_delta',
                         signature => $b->{signature} })
                : { type => 'input_json_delta', partial_json => '{}' }),
             { type => 'content_block_stop', index => $n });
        } @blocks),
        { type => 'message_delta', delta => { stop_reason => 'end_turn' },
          usage => { output_tokens => 7 } },
        { type => 'message_stop' });
}

my $up = GenAI::Upstream->new(lossy => 1, route => sub {
    my ($r) = @_;
    my $asked = JSON::PP::decode_json($r->{body});
    my @blocks = blocks($asked->{model}, $asked->{stream});

    return [ [ answer => 200, sse(stream_of(@blocks)),
               'Content-Type' => 'text/event-stream' ] ] if $asked->{stream};

    return [ [ json => 200, { id => 'm', type => 'message', model => 'c',
        role => 'assistant', content => \@blocks,
        stop_reason => 'end_turn',
        usage => { input_tokens => 1, output_tokens => 7 } } ] ];
});

my @names = qw(rounds calls more long nameless order);
my $t = GenAI::Test->new;

$t->allow(qr/genai (?:target|provider) /, 'what fails is said');
$t->write_file('key', 'sk');

$t->conf(<<'EOF', UP => $up->port,
http {
    log_format l '$status "$genai_error" $uri';
    access_log %%TESTDIR%%/l.log l;
    genai_provider p { dialect anthropic; credential file:%%TESTDIR%%/key;
                       pass http://127.0.0.1:%%UP%%; }
    %%MODELS%%
    server {
        listen 127.0.0.1:%%PORT_0%%;
        client_max_body_size 64m;
        location / { genai_pass; genai_auth off; }
    }
}
EOF
    MODELS => join("\n", map { "genai_model $_ { target p; }" } @names))->run;

my %ask = (
    openai => sub { ('/v1/chat/completions', { model => $_[0], messages =>
        [ { role => 'user', content => 'hi' } ],
        $_[1] ? (stream => \1) : () }) },
    responses => sub { ('/v1/responses', { model => $_[0], input => 'hi',
        $_[1] ? (stream => \1) : () }) },
    gemini => sub { ("/v1beta/models/$_[0]:" . ($_[1]
        ? 'streamGenerateContent?alt=sse' : 'generateContent'),
        { contents => [ { role => 'user', parts => [ { text => 'hi' } ] } ] }
        ) },
    bedrock => sub { ("/model/$_[0]/converse", { messages =>
        [ { role => 'user', content => [ { text => 'hi' } ] } ] }) });

sub ask {
    my ($client, $model, $stream) = @_;
    my ($path, $body) = $ask{$client}->($model, $stream);

    return $t->post($path, json_text($body));
}

sub events { return map { $_->{data} eq '[DONE]' ? ()
                          : JSON::PP::decode_json($_->{data}) } $_[0]->events }


# as many items as an answer may have

for (my @want = ([ rounds => 60 ], [ calls => 1000 ])) {
    my ($model, $n) = @$_;
    my ($end) = reverse events(ask(responses => $model, 1));

    is($end->{type}, 'response.completed', "$model: a stream is whole");
    is(scalar @{$end->{response}{output}}, $n, "$model: with all its items");

    my $r = ask(responses => $model);

    is($r->status, 200, "$model: JSON");
    is(scalar @{$r->json->{output}}, $n, "$model: with all of them");
}


# and what is more than can be kept

for my $model (qw(more long)) {
    my $r = ask(responses => $model, 1);
    my @e = events($r);
    my $end = $e[-1];

    is($end->{type}, 'response.failed', "$model: a stream ends with an error");
    like($end->{response}{error}{message}, qr/too large/, "$model: and why");

    my %text;

    for (@e) {
        $text{$_->{item_id}} .= $_->{delta}
            if $_->{type} eq 'response.output_text.delta';

        is(length $_->{text}, length $text{$_->{item_id}},
           "$model: what was said is what it ends with")
            if $_->{type} eq 'response.output_text.done';
    }

    for my $client ($model eq 'long' ? 'openai'
                    : qw(responses openai gemini))
    {
        $r = ask($client => $model);
        is($r->status, 502, "$model: as JSON it is an error of $client");
        is($r->header('x-genai-error'), 'provider_bad_answer', 'of its kind');
        like($r->json->{error}{message}, qr/too large/, 'which says why');
    }
}

is((reverse events(ask(openai => 'long', 1)))[0]{choices}[0]{finish_reason},
   'stop', 'who keeps nothing has no bound');


# order

my @order = ('T1', 'A', 'c1', 'T2', 'B', 'c2');

is_deeply([ map { $_->{type} eq 'message' ? $_->{content}[0]{text}
                  : $_->{type} eq 'reasoning' ? $_->{summary}[0]{text}
                  : $_->{name} } grep { $_->{type} ne 'reasoning'
                  || @{$_->{summary}} } @{$_->[1]} ], \@order,
          "responses, $_->[0]: in order")
    for [ JSON => ask(responses => 'order')->json->{output} ],
        [ stream => (reverse events(ask(responses => 'order', 1)))[0]
                    {response}{output} ];

is_deeply([ grep { $_ ne '' } map { $_->{text} // $_->{functionCall}{name} }
            @{$_->[1]} ], \@order, "gemini, $_->[0]: in order")
    for [ JSON => ask(gemini => 'order')->json->{candidates}[0]{content}
                  {parts} ],
        [ stream => [ map { @{$_->{candidates}[0]{content}{parts} // []} }
                      events(ask(gemini => 'order', 1)) ] ];

is_deeply([ map { $_->{text} // ($_->{toolUse} ? $_->{toolUse}{name}
                  : $_->{reasoningContent}{reasoningText}{text}) }
            @{ask(bedrock => 'order')->json->{output}{message}{content}} ],
          \@order, 'bedrock: in order');

is(ask(openai => 'order')->json->{choices}[0]{message}{content}, 'AB',
   'openai: which has but one text');


# a call of nothing

for my $stream (0, 1) {
    my $r = ask(openai => 'nameless', $stream);
    my $error = $stream ? (events($r))[-1]{error} : $r->json->{error};

    is($r->status, 502, 'a call without a name is an error') if !$stream;
    like($error->{message}, qr/without a name/, "and says so, stream $stream");
}

like((events(ask(responses => 'nameless', 1)))[-1]{response}{error}{message},
     qr/without a name/, 'also of the Responses API');

ok($t->wait_access(qr/^(?:(?!caller_gone).)*\z/s, undef, 'l.log'),
   'no client is said to be gone');
like($t->read_file('l.log'), qr/"provider_bad_answer" \/v1\/responses/,
     'the log has what it was');

done_testing;
