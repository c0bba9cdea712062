# SPDX-License-Identifier: Apache-2.0

# Where gateways that translate go wrong: cases that others' users have
# reported, each with what must come of it.  This is what is answered; what is
# asked is in cases_requests.t.

use strict;
use warnings;

use lib 't/lib';

use JSON::PP ();

use GenAI::Test;
use GenAI::Upstream;

my $T = JSON::PP::true;
my $F = JSON::PP::false;

# ---- what providers say, by the model's name

sub data { return map { 'data: ' . json_text($_) . "\n\n" } @_ }

sub said {
    return map { "event: $_->{type}\ndata: " . json_text($_) . "\n\n" } @_;
}

sub chunk {
    my ($delta, %more) = @_;

    return { id => 'c', object => 'chat.completion.chunk', choices =>
             [ { index => 0, delta => $delta, finish_reason => undef,
                 %more } ] };
}

sub chat {
    my ($message, %more) = @_;

    return { id => 'c', object => 'chat.completion', choices => [ { index => 0,
             message => { role => 'assistant', %$message },
             finish_reason => delete $more{finish} // 'stop' } ], %more };
}

sub message {
    my ($content, %more) = @_;

    return { id => 'm', type => 'message', role => 'assistant', model => 'c',
             content => $content, stop_reason => 'end_turn',
             usage => { input_tokens => 10, output_tokens => 5 }, %more };
}

sub candidate {
    my ($parts, %more) = @_;

    return { candidates => [ { index => 0, content => { role => 'model',
             parts => $parts }, %more } ] };
}

sub call {
    my ($index, $id, $name, $arguments) = @_;

    return { index => $index, $id ? (id => $id, type => 'function') : (),
             function => { $name ? (name => $name) : (),
                           arguments => $arguments } };
}

my $DONE = "data: [DONE]\n\n";
my $USAGE = { prompt_tokens => 100, completion_tokens => 20,
              total_tokens => 120,
              prompt_tokens_details => { cached_tokens => 60 } };
my %START = (type => 'message_start', message => message([],
    stop_reason => undef, usage => { input_tokens => 10, output_tokens => 1 }));
my @TEXT = ({ type => 'content_block_start', index => 0,
              content_block => { type => 'text', text => '' } },
            { type => 'content_block_delta', index => 0,
              delta => { type => 'text_delta', text => 'one' } });
my @STOP = ({ type => 'content_block_stop', index => 0 },
    { type => 'message_delta', delta => { stop_reason => 'end_turn' },
      usage => { output_tokens => 7 } }, { type => 'message_stop' });

# a JSON answer: [status, structure or text, type]; a stream: its pieces

my %say = (
    (map { ("claude-stop-$_" => [ 200, message([ { type => 'text',
        text => 't' } ], stop_reason => $_) ]) } qw(end_turn max_tokens
        stop_sequence tool_use refusal pause_turn
        model_context_window_exceeded)),
    (map { ("google-stop-$_" => [ 200, candidate([ { text => 't' } ],
        finishReason => $_) ]) } qw(STOP MAX_TOKENS SAFETY RECITATION SPII
        BLOCKLIST PROHIBITED_CONTENT LANGUAGE OTHER)),
    'google-called' => [ 200, candidate([ { functionCall => { name => 'f',
        args => { a => 1 } } } ], finishReason => 'STOP') ],
    'gpt-usage' => [ 200, chat({ content => 't' }, usage => $USAGE) ],
    'claude-usage' => [ 200, message([ { type => 'text', text => 't' } ],
        usage => { input_tokens => 40, cache_read_input_tokens => 60,
        cache_creation_input_tokens => 7, output_tokens => 20 }) ],
    'google-usage' => [ 200, { %{candidate([ { text => 't' } ],
        finishReason => 'STOP')}, usageMetadata => { promptTokenCount => 100,
        cachedContentTokenCount => 60, candidatesTokenCount => 5,
        thoughtsTokenCount => 15, totalTokenCount => 120 } } ],
    'google-nothing' => [ 200, { candidates => [ { index => 0,
        finishReason => 'MAX_TOKENS' } ], usageMetadata =>
        { promptTokenCount => 5 } } ],
    'gpt-half' => [ 200, chat({ content => undef, tool_calls => [ { id => 'c1',
        type => 'function', function => { name => 'f',
        arguments => '{"a":' } } ] }, finish => 'length') ],
    'gpt-null-usage' => [ 200, chat({ content => 't' }, usage => undef) ],
    'gpt-null-details' => [ 200, chat({ content => 't' }, usage =>
        { prompt_tokens => 1, completion_tokens => 1,
          prompt_tokens_details => undef }) ],
    'gpt-null-message' => [ 200, { id => 'c', choices => [ { index => 0,
        message => undef, finish_reason => 'stop' } ] } ],
    'gpt-null-function' => [ 200, chat({ content => 't', tool_calls =>
        [ { id => 'c', type => 'function', function => undef } ] }) ],
    'gpt-529' => [ 529, '<html>busy</html>', 'text/html' ],
    'google-429' => [ 429, [ { error => { code => 429, message => 'slow',
        status => 'RESOURCE_EXHAUSTED' } } ] ],
    'claude-413' => [ 413, { type => 'error', error => { type =>
        'request_too_large', message => 'too large' } } ],
    'gpt-error-200' => [ 200, { error => { message => 'odd', type => 'x' } } ],
    'claude-gpt' => [ 200, chat({ content => 't' }) ],
    'gpt-claude' => [ 200, message([ { type => 'text', text => 't' } ]) ],

    # framing

    'gpt-crcr' => join('', map { s/\n\n/\r\r/r } data(chunk({ role =>
        'assistant', content => 'a' }), chunk({ content => 'b' }), chunk({},
        finish_reason => 'stop')), $DONE),
    'gpt-crlf' => join('', ": ping\r\n\r\ndata:\r\n\r\n", map {
        s/data: /data:/r =~ s/\n\n/\r\n\r\n/r } data(chunk({ content => 'a' }),
        chunk({ content => 'b' }), chunk({}, finish_reason => 'stop')), $DONE),
    'gpt-undone' => join('', data(chunk({ content => "a\x{e9}" }),
        chunk({ content => 'b' }, finish_reason => 'stop'))),
    'gpt-more' => join('', data(chunk({ content => 'ab' }), chunk({},
        finish_reason => 'stop')), $DONE, ": and more\n\n", data({ x => 1 })),
    'google-array' => "[" . json_text(candidate([ { text => 'a' } ])) . "\n,\n"
        . json_text(candidate([ { text => 'b' } ], finishReason => 'STOP'))
        . "]",

    # Anthropic to OpenAI

    'claude-tools' => join('', said(\%START, { type => 'ping' },
        (map { my $i = $_; ({ type => 'content_block_start', index => $i,
            content_block => { type => 'tool_use', id => "t$i", name => "f$i",
                input => {} } },
          (map { { type => 'content_block_delta', index => $i, delta =>
            { type => 'input_json_delta', partial_json => $_ } } }
            '', '{"a":', "$i}"),
          { type => 'content_block_stop', index => $i }) } 0, 1),
        { type => 'message_delta', delta => { stop_reason => 'tool_use' },
          usage => { output_tokens => 7 } }, { type => 'message_stop' })),
    'claude-late-usage' => join('', said(\%START, @TEXT, $STOP[0],
        { %{$STOP[1]}, usage => { input_tokens => 12,
          cache_read_input_tokens => 4, output_tokens => 9 } }, $STOP[2])),
    'claude-twice' => join('', said(\%START, \%START, @TEXT, @STOP)),
    'claude-cut' => join('', said(\%START, @TEXT)),
    'claude-error' => join('', said(\%START, @TEXT, { type => 'error',
        error => { type => 'overloaded_error', message => 'Overloaded' } })),
    'claude-error-first' => join('', said({ type => 'error',
        error => { type => 'overloaded_error', message => 'Overloaded' } })),
    'claude-signed' => join('', said(\%START,
        { type => 'content_block_start', index => 0, content_block =>
          { type => 'thinking', thinking => '' } },
        { type => 'content_block_delta', index => 0, delta =>
          { type => 'signature_delta', signature => 'c2ln' } },
        { type => 'content_block_stop', index => 0 },
        (map { { %$_, index => 1 } } @TEXT, $STOP[0]), @STOP[1, 2])),

    # OpenAI to Anthropic

    'gpt-first' => join('', data(chunk({ role => 'assistant', content => 'a' }),
        chunk({ content => 'b' }), chunk({}, finish_reason => ''), chunk({},
        finish_reason => 'stop'), chunk({}, finish_reason => 'stop')), $DONE),
    'gpt-usage-null' => join('', data(map { { %$_, usage => undef } }
        chunk({ role => 'assistant' }), chunk({ content => 'ab' }),
        chunk({}, finish_reason => 'stop')), data({ id => 'c', choices => [],
        usage => $USAGE }), $DONE),
    'gpt-think' => join('', data(chunk({ reasoning_content => 'h' }),
        chunk({ reasoning => 'm' }), chunk({ content => 'ab' }),
        chunk({ tool_calls => [ call(0, 'c0', 'f', '') ] }),
        chunk({ tool_calls => [ call(1, 'c1', 'g', '') ] }),
        chunk({ tool_calls => [ call(1, undef, undef, '{"a":1}') ] }),
        chunk({}, finish_reason => 'tool_calls')), $DONE),
    'gpt-cut' => join('', data(chunk({ content => 'one' }))),
    'gpt-azure-first' => join('', data({ id => '', choices => [],
        prompt_filter_results => [] }, { error => { message => 'slow',
        code => 429 } })),
    'google-call' => join('', data({ %{candidate([ { text => 'a' },
        { functionCall => { name => 'f', args => { a => { b => [ 1 ] } } },
          thoughtSignature => 'c2ln' } ], finishReason => 'STOP')} })),
);

my $up = GenAI::Upstream->new(lossy => 1, route => sub {
    my ($name) = $_[0]{uri} =~ m{/models/([^:]+):};
    my $say = $say{$name // JSON::PP::decode_json($_[0]{body})->{model}};

    if (ref $say) {
        my ($status, $body, $type) = @$say;

        return [ ref $body ? [ json => $status, $body ]
                 : [ answer => $status, $body, 'Content-Type' => $type ] ];
    }

    # cut at every few bytes, as it were by a network

    return [ [ send => "HTTP/1.1 200 OK\r\nContent-Type: "
               . ($say =~ /^\[/ ? 'application/json' : 'text/event-stream')
               . "\r\nTransfer-Encoding: chunked\r\n\r\n" ],
             (map { [ chunk => $_ ] } $say =~ /.{1,23}/gs), 'chunk_end' ];
});

my $t = GenAI::Test->new;

$t->allow(qr/genai (?:target|provider) /, 'what fails is said');

my $models = join "\n", map {
    my ($p) = /^(\w+)-/;
    qq(genai_model $_ { target $p model=$_; })
} sort keys %say;

$t->conf(<<'EOF', UP => $up->port, MODELS => $models)->run;
http {
    log_format l '$genai_model "$genai_error" $genai_prompt_tokens '
                 '$genai_cached_tokens $genai_completion_tokens';
    access_log %%TESTDIR%%/l.log l;
    genai_provider gpt    { dialect openai; pass http://127.0.0.1:%%UP%%/v1; }
    genai_provider claude { dialect anthropic; pass http://127.0.0.1:%%UP%%; }
    genai_provider google { dialect gemini; pass http://127.0.0.1:%%UP%%; }
    %%MODELS%%
    genai_model over { target claude model=claude-error-first;
                       target claude model=claude-stop-end_turn; }
    server {
        listen 127.0.0.1:%%PORT_0%%;
        location / { genai_pass; genai_auth off; }
    }
}
EOF

# ---- asking; what comes back

my $r;

sub ask {
    my ($client, $model, %more) = @_;
    my %body = $client eq 'openai'
        ? (model => $model, messages => [ { role => 'user', content => 'a' } ])
        : $client eq 'anthropic'
        ? (model => $model, max_tokens => 100,
           messages => [ { role => 'user', content => 'a' } ])
        : (model => $model, input => 'a');
    my $path = $client eq 'openai' ? '/v1/chat/completions'
             : $client eq 'anthropic' ? '/v1/messages' : '/v1/responses';

    $r = $t->post($path, json_text({ %body, %more }));

    return $r;
}

sub whole { return ask(@_)->json }

# the events of a stream, decoded

sub stream {
    ask(@_, stream => $T);

    return map { $_->{data} eq '[DONE]' ? '[DONE]'
                 : JSON::PP::decode_json($_->{data}) } $r->events;
}

sub text_of { return join '', map { $_->{choices}[0]{delta}{content} // '' }
              grep { ref } @_ }

sub types { return join ' ', map { $_->{type} } grep { ref } @_ }

# blocks of an Anthropic stream: never two at a time, all closed, growing

sub blocks_ok {
    my ($name, @e) = @_;
    my ($open, $next, $bad) = (-1, 0, '');

    for (@e) {
        if ($_->{type} eq 'content_block_start') {
            $bad .= 'overlap ' if $open != -1;
            $bad .= 'number ' if $_->{index} != $next;
            ($open, $next) = ($_->{index}, $next + 1);

        } elsif ($_->{type} eq 'content_block_delta') {
            $bad .= 'stray ' if $_->{index} != $open;

        } elsif ($_->{type} eq 'content_block_stop') {
            $bad .= 'closed ' if $_->{index} != $open;
            $open = -1;
        }
    }

    $bad .= 'open ' if $open != -1;
    is($bad, '', "$name: blocks follow each other");
    is(scalar(grep { $_->{type} eq 'message_start' } @e), 1,
       "$name: one message_start");
}


# 37: why it ended

my %finish = (end_turn => 'stop', max_tokens => 'length',
    stop_sequence => 'stop', tool_use => 'tool_calls',
    refusal => 'content_filter', pause_turn => 'pause_turn',
    model_context_window_exceeded => 'length');

for (sort keys %finish) {
    is(whole(openai => "claude-stop-$_")->{choices}[0]{finish_reason},
       $finish{$_}, "case 37: $_");
}

%finish = (STOP => 'end_turn', MAX_TOKENS => 'max_tokens',
    map { $_ => 'refusal' } qw(SAFETY RECITATION SPII BLOCKLIST
    PROHIBITED_CONTENT LANGUAGE));

for (sort keys %finish) {
    is(whole(anthropic => "google-stop-$_")->{stop_reason}, $finish{$_},
       "case 37: $_");
}

is(whole(openai => 'google-called')->{choices}[0]{finish_reason},
   'tool_calls', 'case 37: STOP with a call');

# 38: usage

is_deeply(whole(anthropic => 'gpt-usage')->{usage}, { input_tokens => 40,
          cache_read_input_tokens => 60, output_tokens => 20 },
          'case 38: cached beside')
    or diag($r->body);

my $u = whole(openai => 'claude-usage')->{usage};

is_deeply([ @$u{qw(prompt_tokens completion_tokens total_tokens)},
            $u->{prompt_tokens_details}{cached_tokens} ],
          [ 107, 20, 127, 60 ], 'case 38: cached and written inside');
$u = whole(openai => 'google-usage')->{usage};
is_deeply([ @$u{qw(prompt_tokens completion_tokens total_tokens)},
            $u->{completion_tokens_details}{reasoning_tokens} ],
          [ 100, 20, 120, 15 ], 'case 38: thoughts are part of the answer');

# 39: nothing was said

$u = whole(openai => 'google-nothing');
is_deeply([ $u->{choices}[0]{finish_reason}, $u->{usage}{completion_tokens} ],
          [ 'length', 0 ], 'case 39: no content, no count');

# 40: a call that was cut

$u = whole(anthropic => 'gpt-half');
is_deeply([ $u->{stop_reason}, $u->{content}[0]{input} ],
          [ 'max_tokens', {} ], 'case 40: safe input');

# 41: nulls

for (qw(usage details message function)) {
    ask(anthropic => "gpt-null-$_");
    ok($r->status == 200 || $r->status == 502, "case 41: null $_")
        or diag($r->status);
    is($r->json->{type}, $r->status == 200 ? 'message' : 'error',
       "case 41: null $_: and in the client's words");
}

# 42: errors

ask(anthropic => 'gpt-529');
is_deeply([ $r->status, $r->json->{type} ], [ 503, 'error' ],
          'case 42: 529 with HTML') or diag($r->status, $r->body);
ask(openai => 'google-429');
is_deeply([ $r->status, $r->json->{error}{message} ], [ 429, 'slow' ],
          'case 42: in a list') or diag($r->body);
ask(openai => 'claude-413');
is_deeply([ $r->status, $r->json->{error}{message} ], [ 413, 'too large' ],
          'case 42: 413');
ask(anthropic => 'gpt-error-200');
cmp_ok($r->status, '>=', 400, 'case 42: an error with status 200');
is($r->json->{error}{message}, 'odd', 'case 42: and its words');

# 43: another protocol

for ([ openai => 'claude-gpt' ], [ anthropic => 'gpt-claude' ]) {
    ask(@$_);
    is($r->status, 502, "case 43: $_->[1]");
    is($r->header('x-genai-error'), 'provider_bad_answer',
       "case 43: $_->[1]: and why");
}

# 44, 45: framing

for (qw(crcr crlf undone more)) {
    my @e = stream(anthropic => "gpt-$_");

    like(join('', map { $_->{delta}{text} // '' } @e), qr/^a\x{e9}?b$/,
         "case 44: $_: its text");
    is($e[-1]{type}, 'message_stop', "case 44: $_: its end");
}

is(text_of(stream(openai => 'google-array')), 'ab', 'case 45: an array');

# 47: Anthropic's stream for an OpenAI client

my @e = stream(openai => 'claude-tools');
my @c = map { @{$_->{choices}[0]{delta}{tool_calls} // []} } grep { ref } @e;

is(scalar(grep { ref && $_->{choices}[0]{delta}{role} } @e), 1,
   'case 47: the role once');
is_deeply([ map { "$_->{index} $_->{id} $_->{function}{name}" }
            grep { $_->{id} } @c ], [ '0 t0 f0', '1 t1 f1' ],
          'case 47: ids and names once, in order');

for my $i (0, 1) {
    is(join('', map { $_->{index} == $i ? $_->{function}{arguments} // '' : ''
       } @c), qq({"a":$i}), "case 47: arguments of call $i");
}

is(scalar(grep { ref && $_->{choices}[0]{finish_reason} } @e), 1,
   'case 47: one end');
is(scalar(grep { ref && $_->{usage} } @e), 0,
   'case 47: no usage that nobody asked for');
is($e[-1], '[DONE]', 'case 47: done');
@e = stream(openai => 'claude-tools',
            stream_options => { include_usage => $T });
is($e[-2]{usage}{completion_tokens}, 7, 'case 47: usage where asked for');

# 48, 53: OpenAI's stream for an Anthropic client

@e = stream(anthropic => 'gpt-think');
blocks_ok('case 48', @e);
is(scalar(grep { $_->{type} eq 'message_stop' } @e), 1,
   'case 48: one message_stop');
is_deeply([ map { $_->{content_block}{type} }
            grep { $_->{type} eq 'content_block_start' } @e ],
          [ qw(thinking text tool_use tool_use) ], 'case 53: in order');
is(join('', map { $_->{delta}{thinking} // '' } @e), 'hm',
   'case 53: both fields of thoughts');
is(whole(anthropic => 'gpt-half')->{content}[0]{type}, 'tool_use',
   'case 48: a call without arguments');

# 49: role and content at once, two ends, an empty one

@e = stream(anthropic => 'gpt-first');
is(join('', map { $_->{delta}{text} // '' } @e), 'ab',
   'case 49: nothing is lost');
is(scalar(grep { $_->{type} eq 'message_delta' } @e), 1, 'case 49: one end');
@e = stream(anthropic => 'gpt-usage-null');
is((grep { $_->{type} eq 'message_delta' } @e)[0]{usage}{output_tokens}, 20,
   'case 49, 50: null usage, and usage in the last chunk');

# 51: tokens of the prompt come first, or late

stream(openai => 'claude-cut');
@e = stream(openai => 'claude-late-usage',
            stream_options => { include_usage => $T });
is_deeply([ @{$e[-2]{usage}}{qw(prompt_tokens completion_tokens
            total_tokens)} ], [ 16, 9, 25 ], 'case 51: the last word counts');

# 52: arguments that come whole

@e = stream(anthropic => 'google-call');
is(join('', map { $_->{delta}{partial_json} // '' } @e), '{"a":{"b":[1]}}',
   'case 52: are not lost');
blocks_ok('case 52', @e);

# 53: a signature without a thought that can be read

@e = stream(anthropic => 'claude-signed');
like($r->body, qr/c2ln/, 'case 53: in its own dialect');
@e = stream(openai => 'claude-signed');
like($r->body, qr/"signature":"c2ln"/, 'case 53: for an OpenAI client');
is(text_of(@e), 'one', 'case 53: and the text');

# 54: the Responses API

@e = stream(responses => 'claude-tools');
is_deeply([ map { $_->{sequence_number} } @e ], [ 0 .. $#e ],
          'case 54: all are numbered');
like(types(@e), qr/^response.created \s response.in_progress \s
     .*output_item.added \s .*function_call_arguments.delta \s
     .*function_call_arguments.done \s .*output_item.done \s
     .*response.completed$/x, 'case 54: the life cycle');
is(scalar(@{$e[-1]{response}{output}}), 2, 'case 54: all of it at last');
@e = stream(responses => 'gpt-first');
like(types(@e), qr/output_item.added \s response.content_part.added \s
     .*output_text.delta \s .*output_text.done \s
     response.content_part.done \s .*output_item.done \s .*completed$/x,
     'case 54: of a text');

# 55, 57: an error behind what was said, and an end too soon

for my $model ('claude-error', 'claude-cut') {
    @e = stream(openai => $model);
    is(text_of(@e), 'one', "case 55: $model: what was said");
    ok($e[-1] ne '[DONE]' && $e[-1]{error}, "case 55: $model: an error");
    @e = stream(responses => $model);
    is($e[-1]{type}, 'response.failed', "case 55: $model: response.failed")
        or diag($r->body);
}

@e = stream(anthropic => 'gpt-cut');
is($e[-1]{type}, 'error', 'case 57: Anthropic');
blocks_ok('case 57', @e);

# 56: an error at first

ask(openai => 'over', stream => $T);
is($r->status, 200, 'case 56: fails over');
ask(openai => 'claude-error-first', stream => $T);
is_deeply([ $r->status, $r->json->{error}{message} ], [ 503, 'Overloaded' ],
          'case 56: else it has a status') or diag($r->body);
ask(anthropic => 'gpt-azure-first', stream => $T);
is_deeply([ $r->status, $r->json->{error}{message} ], [ 429, 'slow' ],
          'case 56: behind an annotation') or diag($r->body);

# 58: two beginnings

@e = stream(openai => 'claude-twice');
is(text_of(@e), 'one', 'case 58: one answer');
is($e[-1], '[DONE]', 'case 58: that ends well');

# 59: the other way of answering

@e = stream(openai => 'claude-usage');
is(text_of(@e), 't', 'case 59: JSON becomes a stream');
is($e[-1], '[DONE]', 'case 59: with its end');
is(whole(anthropic => 'gpt-first')->{content}[0]{text}, 'ab',
   'case 59: a stream becomes JSON');

done_testing();
