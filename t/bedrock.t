# SPDX-License-Identifier: Apache-2.0

# Bedrock, both ways: a provider that checks each signature with a program of
# its own and answers in frames, with clients of other dialects and of this
# one; and a client of this dialect in front of other providers.

use strict;
use warnings;

use lib 't/lib';

use Digest::SHA qw(hmac_sha256 hmac_sha256_hex sha256_hex);
use Compress::Zlib qw(crc32);
use GenAI::Test;
use GenAI::Upstream;

my $ID = 'AKIDEXAMPLE';
my $SECRET = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';

# a frame: lengths, their checksum, headers, payload, the checksum of all

sub frame {
    my ($kind, $type, $payload) = @_;

    $payload = json_text($payload) if ref $payload;

    my %h = (':message-type' => $kind, ':content-type' => 'application/json',
             ($kind eq 'event' ? ':event-type' : ':exception-type') => $type);
    my $head = join '', map { pack('C/a C n/a', $_, 7, $h{$_}) } sort keys %h;
    my $lengths = pack 'NN', 16 + length($head) + length $payload,
                             length $head;
    my $all = $lengths . pack('N', crc32($lengths)) . $head . $payload;

    return $all . pack 'N', crc32($all);
}

# and back: [kind, type, payload] of each, or what is wrong with it

sub frames {
    my ($body) = @_;
    my @frames;

    while (length $body) {
        return (@frames, 'short') if length $body < 16;

        my ($total, $n, $crc) = unpack 'NNN', $body;

        return (@frames, 'lengths') if crc32(substr $body, 0, 8) != $crc
            || $total > length $body;

        my $all = substr $body, 0, $total, '';

        return (@frames, 'checksum')
            if crc32(substr $all, 0, -4) != unpack 'N', substr $all, -4;

        my %h;
        my $head = substr $all, 12, $n;

        while (length $head) {
            my ($name, $type, $value) = unpack 'C/a C n/a', $head;

            substr $head, 0, 4 + length($name) + length $value, '';
            $h{$name} = $value;
        }

        my $payload = substr $all, 12 + $n, -4;

        push @frames, [ $h{':message-type'},
            $h{':event-type'} // $h{':exception-type'},
            length $payload ? JSON::PP::decode_json($payload) : undef ];
    }

    return @frames;
}

# what is wrong with a request's signature, or '': signature version 4, with
# nothing of the gateway's

sub unsigned {
    my ($r, $token) = @_;
    my $h = $r->{h};

    return 'no date' unless ($h->{'x-amz-date'} // '')
        =~ /^(\d{8})T\d{6}Z$/;

    my $day = $1;
    my $names = defined $token ? 'host;x-amz-date;x-amz-security-token'
                               : 'host;x-amz-date';

    return 'the token' if ($h->{'x-amz-security-token'} // '')
        ne ($token // '');
    return 'the header' unless ($h->{authorization} // '')
        =~ m{^AWS4-HMAC-SHA256\ Credential=\Q$ID\E/$day/eu-west-1/bedrock/
             aws4_request,\ SignedHeaders=\Q$names\E,\ Signature=(.*)$}x;

    my $got = $1;
    my $path = $r->{uri} =~ s{([^A-Za-z0-9\-._~/])}
                             {sprintf '%%%02X', ord $1}ger;
    my $canonical = join "\n", 'POST', $path, '',
        (map { "$_:$h->{$_}" } split /;/, $names), '', $names,
        sha256_hex($r->{body});
    my $key = "AWS4$SECRET";

    $key = hmac_sha256($_, $key) for $day, 'eu-west-1', 'bedrock',
                                     'aws4_request';

    my $want = hmac_sha256_hex(join("\n", 'AWS4-HMAC-SHA256',
        $h->{'x-amz-date'}, "$day/eu-west-1/bedrock/aws4_request",
        sha256_hex($canonical)), $key);

    return $got eq $want ? '' : "the signature of\n$canonical";
}


# what the provider says, by the model

sub block { return { contentBlockIndex => $_[0], @_[1 .. $#_] } }

my @BEGIN = (frame('event', 'messageStart', { role => 'assistant' }));
my @END = (frame('event', 'contentBlockStop', block(0)),
    frame('event', 'messageStop', { stopReason => 'end_turn' }),
    frame('event', 'metadata', { metrics => { latencyMs => 5 }, usage => {
        inputTokens => 10, cacheReadInputTokens => 5, outputTokens => 7,
        totalTokens => 22 } }));

sub words {
    return map { frame('event', 'contentBlockDelta',
                       block(0, delta => { text => $_ })) } @_;
}

my $WHOLE = { metrics => { latencyMs => 5 }, output => { message => {
    role => 'assistant', content => [
        { reasoningContent => { reasoningText => { text => 'hm',
                                                   signature => 'sig' } } },
        { text => "so\n" },
        { toolUse => { toolUseId => 'tooluse_1', name => 'f',
                       input => { a => 1 } } } ] } },
    stopReason => 'tool_use', usage => { inputTokens => 10,
        cacheReadInputTokens => 5, outputTokens => 7, totalTokens => 22 } };

sub wrong {
    my ($frame, $at) = @_;

    substr($frame, $at, 1) ^= "\x01";

    return $frame;
}

my %SAYS = (
    whole => [ json => 200, $WHOLE ],
    stream => [ frames => @BEGIN, words('one', ' two', " \"three\"\n"), @END ],
    calls => [ frames => @BEGIN,
        frame('event', 'contentBlockStart', block(0, start => { toolUse => {
            toolUseId => 'tooluse_1', name => 'f' } })),
        (map { frame('event', 'contentBlockDelta', block(0, delta => {
            toolUse => { input => $_ } })) } '{"a"', ':1}'),
        frame('event', 'contentBlockStop', block(0)),
        frame('event', 'messageStop', { stopReason => 'tool_use' }),
        $END[2] ],
    bad => [ json => 400, { message => 'too bad' },
             'x-amzn-ErrorType' => 'ValidationException:http://x/' ],
    slow => [ json => 429, { message => 'slow down' },
              'x-amzn-ErrorType' => 'ThrottlingException' ],
    clock => [ json => 403, { message => 'Signature expired' } ],
    instead => [ json => 200, { message => 'no stream for you' } ],
    exception => [ frames => @BEGIN, words('one'),
        frame('exception', 'throttlingException',
              { message => 'slow down' }) ],
    first => [ frames => frame('exception', 'throttlingException',
                               { message => 'slow down' }) ],
    checksum => [ frames => @BEGIN, wrong(words('one'), -1), @END ],
    lengths => [ frames => @BEGIN, words('one'), wrong($END[0], 9), @END ],
    torn => [ frames => @BEGIN, words('one'), substr($END[0], 0, 30) ],
    cut => [ frames => @BEGIN, words('one') ],
    html => [ answer => 200, '<html>', 'Content-Type' => 'text/html' ],
    htmls => [ frames => '<html>no</html>' ],
    nothing => [ frames => () ],
    empty => [ answer => 200, '', 'Content-Type' => 'application/json' ]);

my $bedrock = GenAI::Upstream->new(lossy => 1, route => sub {
    my ($r) = @_;
    my ($name) = $r->{uri} =~ m{/model/(?:[^/]*\.)?(\w+)(?:%3A\d+)?/converse};
    my ($how, @rest) = @{ $SAYS{$name // ''} || $SAYS{whole} };

    return [ [ $how, @rest ] ] if $how ne 'frames';

    return [ [ send => "HTTP/1.1 200 OK\r\nContent-Type: application/vnd."
               . "amazon.eventstream\r\nx-amzn-requestid: r-1\r\n"
               . "Transfer-Encoding: chunked\r\n\r\n" ],
             (map { [ chunk => $_ ] } @rest),
             $name eq 'cut' ? 'close' : 'chunk_end' ];
});

sub chunk {
    my ($delta, %more) = @_;

    return 'data: ' . json_text({ id => 'c', object => 'chat.completion.chunk',
        choices => [ { index => 0, delta => $delta, %more } ] }) . "\n\n";
}

my %OPENAI = (
    whole => [ json => 200, { id => 'c', object => 'chat.completion',
        choices => [ { index => 0, finish_reason => 'tool_calls', message =>
            { role => 'assistant', content => 'so', tool_calls => [
                { id => 'call_1', type => 'function', function =>
                  { name => 'f', arguments => '{"a": 1}' } } ] } } ],
        usage => { prompt_tokens => 15, completion_tokens => 7,
                   total_tokens => 22,
                   prompt_tokens_details => { cached_tokens => 5 } } } ],
    stream => [ sse => chunk({ role => 'assistant', content => 'one' }),
        chunk({ content => " \"two\"\n" }), chunk({ tool_calls => [ {
            index => 0, id => 'call_1', type => 'function', function => {
            name => 'f', arguments => '' } } ] }),
        chunk({ tool_calls => [ { index => 0, function =>
            { arguments => '{"a":1}' } } ] }),
        chunk({}, finish_reason => 'tool_calls'),
        'data: ' . json_text({ id => 'c', choices => [], usage =>
            { prompt_tokens => 15, completion_tokens => 7 } }) . "\n\n",
        "data: [DONE]\n\n" ],
    bad => [ json => 404, { error => { message => 'no such model',
        type => 'invalid_request_error' } } ],
    cut => [ sse => chunk({ content => 'one' }) ],
    fails => [ sse => chunk({ content => 'one' }),
        'data: ' . json_text({ error => { message => 'too many',
            type => 'rate_limit_exceeded' } }) . "\n\n" ]);

my $gpt = GenAI::Upstream->new(lossy => 1, route => sub {
    my ($r) = @_;
    my $name = JSON::PP::decode_json($r->{body})->{model};
    my ($how, @rest) = @{ $OPENAI{$name} };

    return [ [ $how, @rest ] ] if $how ne 'sse';

    return [ [ send => "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
               . "Transfer-Encoding: chunked\r\n\r\n" ],
             (map { [ chunk => $_ ] } @rest),
             $name eq 'cut' ? 'close' : 'chunk_end' ];
});


my $t = GenAI::Test->new(workers => 1);

$t->write_file('keys.json', json_text({ access_key_id => $ID,
                                        secret_access_key => $SECRET }));
$t->write_file('keys.ini', "[default]\naws_access_key_id = $ID\n"
    . "aws_secret_access_key = $SECRET\naws_session_token = to+ken==\n");
$t->write_file('key', "bedrock-api-key-1\n");

my $models = join '', map { "genai_model aws-$_ { target aws model=us.x.$_:0; }
    genai_model tok-$_ { target tok model=$_; }\n" } sort keys %SAYS;
$models .= join '', map { "genai_model gpt-$_ { target gpt model=$_; }\n" }
    sort keys %OPENAI;

$t->conf(<<'EOF', AWS => $bedrock->port, GPT => $gpt->port,
thread_pool genai threads=1;
http {
    genai_threads pool=genai min=400k;
    client_max_body_size 16m;
    access_log %%TESTDIR%%/a.log;
    genai_provider aws { dialect bedrock; region eu-west-1;
                         credential file:%%TESTDIR%%/keys.json;
                         pass http://127.0.0.1:%%AWS%%; }
    genai_provider tok { dialect bedrock; region eu-west-1;
                         credential file:%%TESTDIR%%/keys.ini;
                         pass http://127.0.0.1:%%AWS%%; }
    genai_provider key { dialect bedrock; credential file:%%TESTDIR%%/key;
                         pass http://127.0.0.1:%%AWS%%/base; }
    genai_provider gpt { dialect openai; credential file:%%TESTDIR%%/key;
                         pass http://127.0.0.1:%%GPT%%/v1; }
    %%MODELS%%
    genai_model api { target key model=whole; }
    genai_model over { target aws model=us.x.first:0;
                       target gpt model=whole; }
    genai_model "us.anthropic.claude-v1:0" { target aws; }
    genai_model ~^arn: { target aws; }
    server {
        listen 127.0.0.1:%%PORT_0%%;
        location / { genai_pass; genai_auth off; }
    }
}
EOF
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
        max_tokens => 100, messages => [ { role => 'user', content => 'hi' } ],
        %more }));
}

sub converse {
    my ($model, $stream, %more) = @_;

    return $t->post("/model/$model/converse" . ($stream ? '-stream' : ''),
        json_text({ messages => [ { role => 'user', content => [
            { text => 'hi' } ] } ], %more }));
}

sub got { return ($bedrock->requests)[-1] }
sub sent { return JSON::PP::decode_json(got()->{body}) }


# other dialects' clients, a provider that checks signatures

my $r = openai('aws-whole', temperature => 0.5, unknown => 1,
    tools => [ { type => 'function', function => { name => 'f',
        parameters => { type => 'object' } } } ]);

is($r->status, 200, 'an answer');
is(got()->{uri}, '/model/us.x.whole%3A0/converse', 'to a path with its model');
is(unsigned(got()), '', 'which is signed');
is($r->header('x-genai-dropped'), 'unknown', 'what was dropped is told');
is_deeply(sent(), { system => [ { text => 'be brief' } ], messages => [
    { role => 'user', content => [ { text => 'hi' } ] } ],
    toolConfig => { tools => [ { toolSpec => { name => 'f', inputSchema => {
        json => { type => 'object' } } } } ] },
    inferenceConfig => { temperature => 0.5 } }, 'the request');

my $a = $r->json;

is($a->{choices}[0]{message}{content}, "so\n", 'the text');
is($a->{choices}[0]{message}{reasoning_content}, 'hm', 'the thought');
is_deeply(JSON::PP::decode_json($a->{choices}[0]{message}{tool_calls}[0]
          {function}{arguments}), { a => 1 }, 'the call');
is($a->{choices}[0]{finish_reason}, 'tool_calls', 'how it ended');
is_deeply([ @{$a->{usage}}{qw(prompt_tokens completion_tokens total_tokens)} ],
          [ 15, 7, 22 ], 'its usage, with what was cached');

$r = openai('tok-whole');
is($r->status, 200, 'lines of AWS');
is(unsigned(got(), 'to+ken=='), '', "and a session's token");

$r = openai('api');
is($r->status, 200, 'a key of Bedrock');
is(got()->{h}{authorization}, 'Bearer bedrock-api-key-1', 'is sent as it is');
is(got()->{h}{'x-amz-date'}, undef, 'and signs nothing');
is(got()->{uri}, '/base/model/whole/converse', 'below the base');

$r = openai('aws-stream', stream => \1);
is($r->status, 200, 'a stream');
is(got()->{uri}, '/model/us.x.stream%3A0/converse-stream', 'has its own path');
is(unsigned(got()), '', 'and is signed');
like($r->header('content-type'), qr{^text/event-stream}, 'its events');

my @e = map { $_->{data} } $r->events;

is(pop @e, '[DONE]', 'are done');
@e = map { JSON::PP::decode_json($_) } @e;
is(join('', map { $_->{choices}[0]{delta}{content} // '' } @e),
   "one two \"three\"\n", 'with its text');
is($e[-1]{choices}[0]{finish_reason}, 'stop', 'and its end');

$r = anthropic('aws-calls', stream => \1);
@e = map { JSON::PP::decode_json($_->{data}) } $r->events;
is(join(' ', map { $_->{type} } @e), 'message_start content_block_start '
   . 'content_block_delta content_block_delta content_block_stop '
   . 'message_delta message_stop', 'the life of a call');
is($e[1]{content_block}{id}, 'tooluse_1', 'its id');
is(join('', map { $_->{delta}{partial_json} // '' } @e), '{"a":1}',
   'its arguments');
is($e[5]{usage}{input_tokens}, 10, 'usage without what was cached');

# thoughts go through a client of another dialect, and back to their maker

$a = anthropic('aws-whole')->json;
is($a->{content}[0]{signature}, 'genai:bedrock:thought:0:sig',
   'a signature has a mark');
anthropic('aws-whole', messages => [ { role => 'user', content => 'hi' },
    { role => 'assistant', content => [ $a->{content}[0],
        { type => 'text', text => 'b' } ] },
    { role => 'user', content => 'and?' } ]);
is_deeply(sent()->{messages}[1]{content}[0], { reasoningContent => {
    reasoningText => { text => 'hm', signature => 'sig' } } },
    'and loses it on its way back');


# what goes wrong

$r = openai('aws-bad');
is($r->status, 400, 'an error has its status');
is($r->json->{error}{message}, 'too bad', 'and says why');

$r = openai('aws-slow');
is($r->status, 429, 'so has another');

$r = openai('aws-clock');
is($r->status, 502, 'a signature that is not taken');
is($r->header('x-genai-error'), 'provider_refused', "is the gateway's trouble");

for my $model (qw(html empty)) {
    $r = openai("aws-$model");
    is($r->status, 502, "$model is no answer");
    is($r->header('x-genai-error'), 'provider_bad_answer', 'and said to be');
}

for my $model (qw(exception checksum lengths torn cut)) {
    $r = openai("aws-$model", stream => \1);
    is($r->status, 200, "$model: the stream has begun");
    @e = $r->events;
    like($e[0]{data}, qr/"one"|"role"/, 'what was said');
    like($e[-1]{data}, qr/"error"/, 'and an error');
    like($e[-1]{data}, qr/slow down/, 'which says why')
        if $model eq 'exception';
}

for my $model (qw(htmls nothing instead first)) {
    $r = openai("aws-$model", stream => \1);
    @e = $r->events;
    like(@e ? $e[-1]{data} : $r->body, qr/"error"/, "$model is an error");
}

$r = anthropic('aws-exception', stream => \1);
@e = map { JSON::PP::decode_json($_->{data}) } $r->events;
is($e[-1]{error}{type}, 'rate_limit_error', "an exception in others' words");

$r = openai('over', stream => \1);
is($r->json->{id}, 'c', 'an exception in front of all fails over');


# clients of Bedrock's own: bytes pass, signed anew

my $text = '{"messages":[ {"role":"user","content":[{"text":"h\u00e9"}]}],'
    . '"later": [1.0]}';

$r = $t->post('/model/us.anthropic.claude-v1%3A0/converse', $text,
    headers => [ 'X-Amz-Security-Token' => 'theirs',
        Authorization => 'AWS4-HMAC-SHA256 Credential=THEIRS/1/2/bedrock/'
                         . 'aws4_request, SignedHeaders=host, Signature=0' ]);
is($r->status, 200, 'the same dialect');
is(got()->{uri}, '/model/us.anthropic.claude-v1%3A0/converse', 'by its name');
is(got()->{body}, $text, 'byte for byte');
is(unsigned(got()), '', 'signed by us');
unlike(got()->{h}{authorization}, qr/THEIRS/, 'and not by the client');
is_deeply($r->json, $WHOLE, 'and its answer');

$r = converse('arn%3Aaws%3Abedrock%3Aus%3A1%3Ainference-profile%2Fus.stream',
              1);
is(got()->{uri}, '/model/arn%3Aaws%3Abedrock%3Aus%3A1%3Ainference-profile%2F'
   . 'us.stream/converse-stream', 'an ARN');
is(unsigned(got()), '', 'which is encoded once more where it is signed');
is($r->status, 200, 'is answered');

$r = converse('aws-stream', 1);
is($r->header('content-type'), 'application/vnd.amazon.eventstream',
   'a stream passes');
is($r->body, join('', @BEGIN, words('one', ' two', " \"three\"\n"), @END),
   'byte for byte');
is($r->header('x-amzn-requestid'), 'r-1', 'with its id');

$r = converse('aws-bad');
is($r->status, 400, 'an error passes');
is($r->header('x-amzn-errortype'), 'ValidationException:http://x/',
   'with its type');

$r = converse('none');
is($r->status, 404, 'an error of our own');
is($r->header('x-amzn-errortype'), 'ResourceNotFoundException', 'has one too');
like($r->json->{message}, qr/none/, "in the dialect's shape");

$r = converse('aws-cut', 1);
my @f = frames($r->body);
is($f[-1][0], 'exception', 'a stream that breaks off ends with an exception');
is($f[-1][1], 'serviceUnavailableException', 'of a kind that streams have');

# large bodies are hashed in a thread, and in turns

for my $size (100_000, 600_000) {
    $text = json_text({ messages => [ { role => 'user', content => [
        { text => 'word ' x ($size / 5) } ] } ] });
    $r = $t->post('/model/aws-whole/converse', $text);
    is($r->status, 200, "a body of $size bytes");
    is(unsigned(got()), '', 'is signed');
    is(length got()->{body}, length $text, 'as it is');

    $r = openai('aws-whole', messages => [ { role => 'user',
        content => 'word ' x ($size / 5) } ]);
    is($r->status, 200, 'also of another dialect');
    is(unsigned(got()), '', 'is signed');
}


# clients of Bedrock's, a provider of OpenAI's

$r = converse('gpt-whole', 0, system => [ { text => 'be' } ],
              inferenceConfig => { maxTokens => 9 }, extra => 1);
is($r->status, 200, 'an answer');
is($r->header('content-type'), 'application/json', 'of JSON');
is($r->header('x-genai-dropped'), 'extra', 'what was dropped is told');
is_deeply([ @{$r->json}{qw(output stopReason)} ], [ { message => {
    role => 'assistant', content => [ { text => 'so' }, { toolUse => {
        toolUseId => 'call_1', name => 'f', input => { a => 1 } } } ] } },
    'tool_use' ], 'what it says');
is_deeply($r->json->{usage}, { inputTokens => 10, cacheReadInputTokens => 5,
    outputTokens => 7, totalTokens => 22 }, 'its usage');

my $q = JSON::PP::decode_json(($gpt->requests)[-1]{body});

is_deeply($q->{messages}, [ { role => 'system', content => 'be' },
    { role => 'user', content => 'hi' } ], 'what was asked');

$r = converse('gpt-stream', 1);
is($r->status, 200, 'a stream');
is($r->header('content-type'), 'application/vnd.amazon.eventstream',
   'of frames');
@f = frames($r->body);
is(join(' ', map { ref $_ ? $_->[1] : $_ } @f), 'messageStart '
   . 'contentBlockDelta contentBlockDelta contentBlockStop contentBlockStart '
   . 'contentBlockDelta contentBlockStop messageStop metadata',
   'which follow each other');
is($f[1][2]{delta}{text} . $f[2][2]{delta}{text}, "one \"two\"\n",
   'with its text');
is_deeply($f[4][2], { contentBlockIndex => 1, start => { toolUse => {
    toolUseId => 'call_1', name => 'f' } } }, 'a call');
is($f[5][2]{delta}{toolUse}{input}, '{"a":1}', 'its arguments');
is($f[7][2]{stopReason}, 'tool_use', 'why it ended');
is($f[8][2]{usage}{inputTokens}, 15, 'and its usage');

$r = converse('gpt-bad', 1);
is($r->status, 404, 'an error');
is($r->header('x-amzn-errortype'), 'ResourceNotFoundException', 'its type');
is($r->json->{message}, 'no such model', 'and why');

@f = frames(converse('gpt-cut', 1)->body);
is($f[-1][0], 'exception', 'a stream that breaks off ends with an exception');
@f = frames(converse('gpt-fails', 1)->body);
is($f[-1][1], 'throttlingException', 'so does one that fails');
is($f[-1][2]{message}, 'too many', 'which says why');

$r = converse('gpt-whole', 0, guardrailConfig => { guardrailIdentifier => 'g',
                                                  guardrailVersion => '1' });
is($r->status, 400, 'a guardrail is not left out');
is($r->header('x-amzn-errortype'), 'ValidationException', 'but refused');


# keys that change are re-read

$t->write_file('keys.ini', "aws_access_key_id=$ID\n"
               . "aws_secret_access_key=$SECRET\naws_session_token=new\n");
ok($t->wait_log(qr/keys\.ini" was re-read/), 'keys that change');
openai('tok-whole');
is(unsigned(got(), 'new'), '', 'are re-read');

$t->allow(qr/keys/);

done_testing;
