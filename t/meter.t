# SPDX-License-Identifier: Apache-2.0

# The books of one exchange, as its log line shows them: what it used, how
# that is known, how it has ended, and when its first token was there.

use strict;
use warnings;

use lib 't/lib';

use JSON::PP ();

use GenAI::Test;
use GenAI::Upstream;
use GenAI::Util qw(allot_port);

my $SSE = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
    . "Transfer-Encoding: chunked\r\n\r\n";

my $USAGE = { prompt_tokens => 50, completion_tokens => 60,
              total_tokens => 110,
              prompt_tokens_details => { cached_tokens => 20 },
              completion_tokens_details => { reasoning_tokens => 30 } };


# One chunk: a piece of text, why it ended, usage, and choices or none.

sub chunk {
    my ($text, %o) = @_;

    return { id => 'c', model => 'm', $o{usage} ? (usage => $o{usage}) : (),
        choices => $o{none} ? [] : [ { index => 0,
            delta => { defined $text ? (content => $text) : () },
            finish_reason => $o{finish} } ] };
}

sub whole {
    my ($text, %o) = @_;

    return { id => 'c', model => 'm', $o{usage} ? (usage => $o{usage}) : (),
        choices => [ { index => 0, message => { role => 'assistant',
            content => $text }, finish_reason => $o{finish} } ] };
}

# "data: ..." as one HTTP chunk each

sub events {
    return [ chunk => map {
        'data: ' . (ref $_ ? JSON::PP->new->canonical->encode($_) : $_)
            . "\n\n" } @_ ];
}

my @text = (chunk(''), chunk('x' x 10), chunk('y' x 11));
my $stop = chunk(undef, finish => 'stop');

# what a provider does, by the name in the request
my %do = (
    'own chunk' => [ events(@text, $stop,
        chunk(undef, none => 1, usage => $USAGE), '[DONE]'), 'chunk_end' ],
    'with the reason' => [ events(@text,
        chunk(undef, finish => 'stop', usage => $USAGE), '[DONE]'),
        'chunk_end' ],
    'in every chunk' => [ events(map({ chunk('abcd', usage =>
        { prompt_tokens => 50, completion_tokens => $_ }) } 1 .. 59),
        chunk(undef, finish => 'stop', usage => $USAGE), '[DONE]'),
        'chunk_end' ],
    'in the first chunk' => [ events(chunk('', usage =>
        { prompt_tokens => 50, completion_tokens => 1 }), @text, $stop,
        '[DONE]'), 'chunk_end' ],
    'in two parts' => [ events(@text,
        chunk(undef, finish => 'stop', usage => $USAGE),
        chunk(undef, none => 1, usage => { total_tokens => 110 }), '[DONE]'),
        'chunk_end' ],
    'no last chunk' => [ events(@text, $stop, '[DONE]'), 'close' ],
    'one id in three choices' => [ [ chunk => map({ 'data: {"choices":['
        . '{"delta":{"tool_calls":[{"index":0,"id":"c","type":"function",'
        . '"function":{"name":"nnnnnnnn","arguments":"{}"}}]},"index":' . $_
        . "}]}\n\n" } 0 .. 2), "data: [DONE]\n\n" ], 'chunk_end' ],
    'no usage' => [ events(@text, $stop, '[DONE]'), 'chunk_end' ],

    (map { ("finish $_" => [ events(@text, chunk(undef, finish => $_),
        '[DONE]'), 'chunk_end' ]) }
        qw(stop length tool_calls content_filter error odd)),
    'no finish' => [ events(@text, '[DONE]'), 'chunk_end' ],
    'no end' => [ events(@text), 'chunk_end' ],

    'error event' => [ events(@text, { error => { message => 'no' } }),
                       'chunk_end' ],
    'dies' => [ events(@text), 'close' ],
    'dies in an event' => [ events(@text), [ chunk => 'data: {"choi' ],
                            'close' ],
    'silence' => [ events(@text), 'wait_close' ],
    'waits' => [ events(@text), [ mark => 'waits' ], 'wait_close' ],
    'broken' => [ events(@text[0, 1], 'no JSON', 'nor this', $text[2]),
                  'chunk_end' ],
    'late' => [ events($text[0]), [ delay => 0.2 ], events($text[1], $stop,
                '[DONE]'), 'chunk_end' ],
    'media late' => [ [ chunk => ": ping\n\n" ], [ delay => 0.2 ],
                      events($stop, '[DONE]'), 'chunk_end' ],
);

my $up = GenAI::Upstream->new(lossy => 1, route => sub {
    my ($r) = @_;
    my $do = $r->{method} eq 'POST' && $r->{body} =~ /^\{/
        ? JSON::PP::decode_json($r->{body})->{do} // '' : '';

    return [ [ send => $SSE ], @{$do{$do}} ] if $do{$do};
    return [ [ json => 200, whole('x' x 9, finish => 'length',
                                  usage => $USAGE) ] ] if $do eq 'json';
    return [ [ json => 200, whole('x' x 9) ] ] if $do eq 'json alone';
    return [ [ json => 200, { error => { message => 'no' } } ] ]
        if $do eq 'json error';
    return [ [ json => 200, { } ] ] if $do eq 'json empty';
    return [ [ send => "HTTP/1.1 200 OK\r\nContent-Type: $1\r\n"
               . "Content-Length: 0\r\n\r\n" ] ] if $do =~ /^nothing (.*)/;
    return [ [ send => "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream"
               . "\r\n\r\n", @{events(@text)}[1 .. 3] ], 'close' ]
        if $do eq 'dies at its end';
    return [ [ send => $SSE . "zz\r\n" ], 'wait_close' ]
        if $do eq 'no chunk';
    return [ [ send => $SSE ], events(@text), [ delay => 0.2 ],
             [ send => "zz\r\n" ],
             'wait_close' ] if $do eq 'a bad chunk';
    return [ [ json => 200, { object => 'list', data => [ { embedding =>
               [ 0.1 ] } ], usage => { prompt_tokens => 5,
               total_tokens => 5 } } ] ] if $do eq 'embeddings';
    return [ [ send => "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
               . "Content-Length: 100\r\n\r\n"
               . '{"choices":[{"message":{"content":"abcde' ], 'close' ]
        if $do eq 'json cut';
    return [ [ send => "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
               . "\r\n" . '{"choices":[{"message":{"content":"abcde' ],
             'close' ]
        if $do eq 'json closed';
    return [ [ send => $SSE =~ s/200/429/r ],
             events(chunk('x', usage => $USAGE)), 'chunk_end' ]
        if $do eq '429 stream';
    return [ [ answer => 200, 'no gzip', 'Content-Type' => 'application/json',
               'Content-Encoding' => 'gzip' ] ] if $do eq 'coded';
    return [ 'wait_close' ] if $do eq 'never';
    return [ [ mark => 'asked' ], 'wait_close' ] if $do eq 'gone';
    return [ 'close' ] if $do eq 'close';
    return [ [ json => $do, {} ] ] if $do =~ /^\d+$/;
    return [ [ answer => 200, 'text', 'Content-Type' => 'text/plain' ] ];
});

my $t = GenAI::Test->new(log_level => 'info')->conf(<<'EOF',
http {
    log_format j '{"tokens":"$genai_prompt_tokens $genai_cached_tokens '
        '$genai_completion_tokens $genai_reasoning_tokens '
        '$genai_count_source","finish":"$genai_finish",'
        '"error":"$genai_error","ttft":$genai_ttft,"step":$genai_step,'
        '"overhead":$genai_overhead,"prompt":$genai_prompt_tokens}';
    access_log %%TESTDIR%%/j.log j;
    client_max_body_size 2k;

    genai_provider p { dialect openai; pass http://127.0.0.1:%%UP%%/v1; }
    genai_provider q { dialect openai; pass http://127.0.0.1:%%UP%%/v1;
                       idle_timeout 200ms; }
    genai_provider d { dialect openai; pass http://127.0.0.1:%%DEAD%%; }
    genai_model m { target p; }
    genai_model quick { target q; next_target off; }
    genai_model dead { target d; }

    server {
        listen 127.0.0.1:%%PORT_0%%;
        genai_auth off;
        location /v1/    { genai_pass; }
        location /auth/  { genai_pass; genai_auth on; }
        location /other/ { genai_pass model=m; genai_endpoints other; }
        location /in/    { genai on; proxy_pass http://127.0.0.1:%%UP%%; }
        location /early/ { genai_pass;
                           add_header X-Early "$genai_finish.$genai_step"; }
        location /plain/ { return 200 "$genai_prompt_tokens$genai_finish"; }
    }
}
EOF
                         UP => $up->port, DEAD => allot_port())->run;

my $n = 0;

# The log line of what is done in sub.

sub line {
    my ($sub) = @_;
    my $text;

    $sub->();

    wait_for(sub {
        defined($text = ($t->access_log('j.log') =~ /^(.*)\n/mg)[$n]);
    });

    $n++;

    my $j = eval { JSON::PP::decode_json($text // '') };

    ok($j, 'the line is JSON') or diag($text);

    return $j || {};
}

# 40 bytes of prompt, 10 tokens

sub body {
    my ($do, %o) = @_;

    return { model => $o{model} || 'm', do => $do, $o{json} ? () :
             (stream => \1), messages => [ { role => 'user',
             content => 'p' x 40 } ] };
}

sub check {
    my ($what, $do, $tokens, $finish, %o) = @_;

    my $j = line(sub {
        $t->post($o{path} || '/v1/chat/completions',
                 $o{body} || body($do, %o)) });

    is($j->{tokens}, $tokens, "$what: tokens");
    is($j->{finish}, $finish, "$what: finish");
    is($j->{error}, $o{error} // '', "$what: error");

    return $j;
}


# ---- what the provider tells, wherever it stands

my $all = '50 20 60 30 provider';

for my $do ('own chunk', 'with the reason', 'in every chunk', 'in two parts')
{
    check("usage, $do", $do, $all, 'stop');
}

# what was said behind it: 21 bytes
check('usage in the first chunk alone', 'in the first chunk',
      '50 0 7 0 estimated', 'stop');
check('no usage', 'no usage', '10 0 6 0 estimated', 'stop');

# whose choice they are of is told behind them: 3 * (8 + 2) bytes
check('choices', 'one id in three choices', '10 0 8 0 estimated', 'complete',
      body => { %{body('one id in three choices')}, n => 3 });
check('usage of JSON', 'json', $all, 'length', json => 1);
check('JSON that tells nothing', 'json alone', '10 0 3 0 estimated',
      'complete', json => 1);
check('embeddings', 'embeddings', '5 0 0 0 provider', 'complete',
      path => '/v1/embeddings', body => { model => 'm', do => 'embeddings',
                                          input => 'abc' });


# ---- how answers end

my @used = '10 0 6 0 estimated';

for ([ stop => 'stop' ], [ length => 'length' ], [ tool_calls => 'tool' ],
     [ content_filter => 'filter' ], [ odd => 'other' ])
{
    check("finish_reason $_->[0]", "finish $_->[0]", @used, $_->[1]);
}

check('finish_reason error', 'finish error', @used, 'error');
check('no reason', 'no finish', @used, 'complete');
check('no end', 'no end', @used, 'cut', error => 'provider_bad_answer');
check('an error event', 'error event', @used, 'error',
      error => 'provider_bad_answer');
check('an event that is none', 'broken', @used, 'cut',
      error => 'provider_bad_answer');
is(() = $t->error_log =~ /genai provider sent what is no answer/g, 1,
   'of which the log tells once');
check('the provider dies', 'dies', @used, 'cut',
      error => 'provider_bad_answer');
check('it dies in an event', 'dies in an event', @used, 'cut',
      error => 'provider_bad_answer');
check('it dies where its end would be the end', 'dies at its end', @used,
      'cut', error => 'provider_bad_answer');
check('all but the framing is there', 'no last chunk', @used, 'stop');
check("nothing, $_", "nothing $_", '0 0 0 0 none', 'error',
      error => 'provider_bad_answer')
    for 'application/json', 'text/event-stream';
check('it falls silent', 'silence', @used, 'timeout',
      error => 'provider_timeout', model => 'quick');
check('it never answers', 'never', '10 0 0 0 estimated', 'timeout',
      error => 'provider_timeout', model => 'quick');
check('it closes', 'close', '10 0 0 0 estimated', 'error',
      error => 'provider_bad_answer');
check('it says 429', 429, '0 0 0 0 none', 'error',
      error => 'provider_rate_limited');
check('it says 400', 400, '0 0 0 0 none', 'error',
      error => 'caller_bad_request');
check('it says 401', 401, '0 0 0 0 none', 'error',
      error => 'provider_refused');
check('it cannot be reached', 'x', '0 0 0 0 none', 'unreachable',
      error => 'provider_unreachable', model => 'dead');
check('JSON that breaks off', 'json cut', '10 0 2 0 estimated', 'cut',
      error => 'provider_bad_answer', json => 1);
check('and where the end is no more than that', 'json closed',
      '10 0 2 0 estimated', 'cut', error => 'provider_bad_answer', json => 1);
check('an error that is a stream', '429 stream', '0 0 0 0 none', 'error',
      error => 'provider_rate_limited');
check('JSON that is an error', 'json error', '0 0 0 0 none', 'error',
      error => 'provider_bad_answer', json => 1);
check('JSON that is no answer', 'json empty', '10 0 0 0 estimated', 'other',
      json => 1);
check('an answer that cannot be read', 'coded', '10 0 0 0 estimated',
      'complete', json => 1);
like($t->error_log, qr/\[warn\].*genai provider sent a coded answer: not read/,
     'which the log tells');


# ---- inline: nginx ends some answers without a word

my @in = (path => '/in/v1/chat/completions');

check('inline, a bad chunk', 'a bad chunk', @used, 'cut', @in,
      error => 'provider_bad_answer');
check('inline, nothing but one', 'no chunk', '10 0 0 0 estimated', 'cut', @in,
      error => 'provider_bad_answer');
check('inline, all but the framing', 'no last chunk', @used, 'stop', @in);
check('inline, it dies', 'dies', @used, 'cut', @in,
      error => 'provider_bad_answer');
check('inline, it closes', 'close', '10 0 0 0 estimated', 'unreachable', @in,
      error => 'provider_unreachable');
check('inline, it says 429', 429, '0 0 0 0 none', 'error', @in,
      error => 'provider_rate_limited');
check('inline, usage', 'own chunk', $all, 'stop', @in);


# ---- clients that leave

for ([ waits => @used ], [ gone => '10 0 0 0 estimated' ]) {
    my ($do, $tokens) = @$_;

    my $j = line(sub {
        my $c = $t->connect;

        $c->request('POST', '/v1/chat/completions',
                    body => json_text(body($do)));
        ok($up->wait_mark($do eq 'gone' ? 'asked' : 'waits'), "$do: there");
        $c->next_event for $do eq 'gone' ? () : ($c->head, 1 .. 3);
        $c->close;
    });

    is($j->{tokens}, $tokens, "$do: tokens so far");
    is($j->{finish}, 'gone', "$do: the client has left");
    is($j->{error}, 'caller_gone', "$do: error");
}


# ---- where no model is used

for ([ 'no JSON', body => '{', error => 'caller_bad_request' ],
     [ 'an unknown model', body => { model => 'x', messages => [] },
       error => 'caller_forbidden_model' ],
     [ 'no caller', path => '/auth/chat/completions',
       error => 'caller_unauthenticated' ],
     [ 'a large body', body => { model => 'm', x => 'x' x 3000 },
       error => 'caller_too_large' ])
{
    my ($what, %o) = @$_;

    check($what, 'x', '0 0 0 0 none', 'refused', %o);
}

my $j = line(sub { $t->get('/v1/models') });

is("$j->{tokens} $j->{finish}", '0 0 0 0 none complete', 'models');

$j = check('an endpoint that is not read', 'x', '0 0 0 0 none', 'complete',
           path => '/other/files', body => 'abc');

$j = line(sub { is($t->get('/plain/')->body, '0', 'elsewhere') });
is("$j->{tokens}|$j->{finish}", '0 0 0 0 |', 'where nothing is ours');


# ---- times

$j = check('a late word', 'late', '10 0 3 0 estimated', 'stop');
cmp_ok($j->{ttft}, '>', 0.19, 'what a model says is its first token');

$j = check('no word', 'media late', '10 0 0 0 estimated', 'stop');
cmp_ok($j->{ttft}, '>', 0.19, 'or why it says nothing');

cmp_ok($j->{step}, '>', 0, 'a step takes time');
cmp_ok($j->{step}, '<=', $j->{overhead}, 'and is a part of all');

my $r;

line(sub { $r = $t->post('/early/chat/completions', body('own chunk')) });
like($r->header('x-early'), qr/^complete\.0\.\d{6}$/,
     'what is not yet known');


done_testing;
