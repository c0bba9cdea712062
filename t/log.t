# SPDX-License-Identifier: Apache-2.0

# The access log of conf-examples/log.conf: every line is JSON, every number is
# a number, whatever the exchange came to and whoever wrote it.

use strict;
use warnings;

use lib 't/lib';

use JSON::PP ();

use GenAI::Test;
use GenAI::Upstream;

my $example = slurp("$GenAI::Test::ROOT/conf-examples/log.conf");
my ($format) = $example =~ /^\s*(log_format genai_json .*?;)\n/ms
    or die 'no log_format';

my @number = $format =~ /"(\w+)":\$/g;
my @text = $format =~ /"(\w+)":"\$/g;

is(join(' ', sort $format =~ /":\$genai_(\w+)/g),
   'attempts cached_tokens completion_tokens cost overhead prompt_tokens '
   . 'reasoning_tokens step stream ttft',
   'the numbers of the gateway are unquoted, and they alone');

my $up = GenAI::Upstream->new(lossy => 1, route => sub {
    my ($r) = @_;
    my $do = eval { JSON::PP::decode_json($r->{body})->{user} } // '';
    my $usage = { prompt_tokens => 5, completion_tokens => 2,
                  total_tokens => 7 };

    return [ [ json => $1, { error => { message => 'no' } } ] ]
        if $do =~ /^(\d+)$/;
    return [ 'close' ] if $do eq 'close';
    return [ [ send => "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                       . "Content-Length: 900\r\n\r\n{" ], 'close' ]
        if $do eq 'cut';
    return [ [ send => "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                       . "Transfer-Encoding: chunked\r\n\r\n" ],
             [ chunk => 'data: {"choices":[{"index":0,"delta":{"content":"a"'
                        . "}}]}\n\n" ], [ mark => 'open' ], 'wait_close' ]
        if $do eq 'hang';
    return [ [ sse => '{"choices":[{"index":0,"delta":{"content":"a"}}]}',
               '{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}',
               JSON::PP::encode_json({ choices => [], usage => $usage }),
               '[DONE]' ] ]
        if $do eq 'stream';
    return [ [ json => 200, { choices => [ { finish_reason => 'stop' } ],
                              usage => $usage } ] ];
});

my $t = GenAI::Test->new(workers => 2)->conf(<<"EOF", UP => $up->port)->run;
http {
    $format
    access_log %%TESTDIR%%/genai.log genai_json;
    client_max_body_size 2k;
    genai_provider p { dialect openai; pass http://127.0.0.1:%%UP%%/v1; }
    genai_provider dead { dialect openai;
                          pass http://127.0.0.1:%%PORT_9%%/v1; }
    genai_model m { target p; }
    genai_model dead { target dead; }
    server {
        listen 127.0.0.1:%%PORT_0%%;
        listen 127.0.0.1:%%PORT_1%% %%LISTEN_H2%%;
        %%HTTP2_ON%%
        location /v1/    { genai_pass; genai_auth off; }
        location /shut/  { genai_pass; }
        location /inl/   { genai on; genai_auth off;
                           proxy_pass http://127.0.0.1:%%UP%%; }
        location /deny/  { genai_pass; deny all; }
        location /plain  { return 200 plain; }
    }
}
EOF

my $n = 0;
my @hostile = ("a\"b\\c", "new\nline\ttab\r", "nul\0", "\xc3\xa4", "\xe2\x98",
               '$status', "'", "\x7f\x1b[31m", '%s%n', 'x' x 200);

sub body {
    my ($user, %more) = @_;

    return json_text({ model => 'm', user => $user, %more, messages =>
                       [ { role => 'user', content => 'hi' } ] });
}

sub post {
    my ($place, $body) = @_;

    $n++;
    return $t->http('POST', "/$place/chat/completions", body => $body,
                    headers => [ 'Content-Type' => 'application/json' ]);
}

for my $round (1 .. 10) {
    for my $place (qw(v1 inl shut deny)) {
        post($place, body($_)) for qw(ok stream 400 401 429 500 503 close cut);
    }

    post('v1', body('ok', model => $_)) for 'dead', 'nothing';
    post('v1', $_) for '{', '', '[]', '{"model":7}', 'x' x 3000;

    for my $text (@hostile) {
        my $json = JSON::PP->new->ascii->encode([ $text ]);

        post('v1', '{"model":' . substr($json, 1, -1) . '}');
        post('v1', "{\"model\":\"$text\"}");
    }
}

for my $uri ('/v1/nothing', '/v1/models', '/v1/models/m', '/plain',
             '/v1/chat/completions?key=sk-secret', '/v1/a%22b%0a%ff/models')
{
    $n++;
    $t->get($uri);
}

if ($t->can_h2) {
    $n++;
    is($t->h2('POST', '/v1/chat/completions', body => body('ok'),
              port => $t->port(1),
              headers => [ 'Content-Type' => 'application/json' ])->status,
       200, 'one over HTTP/2');
}

# clients that leave, and what is no request of ours

for my $i (1 .. 3) {
    my $c = $t->connect;

    $c->request('POST', '/v1/chat/completions',
                body => body('hang', stream => JSON::PP::true),
                headers => [ 'Content-Type' => 'application/json' ]);
    $c->head;
    $c->next_event;
    $c->reset;
    $n++;
}

for my $nonsense ("GET / HTTP/1.1\r\n\r\n", "\0\1\2\r\n\r\n",
                  "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\n"
                  . "Content-Length: x\r\n\r\n")
{
    my $c = $t->connect;

    $c->write($nonsense);
    $c->read_until(qr/400/);
    $c->close;
    $n++;
}

my $file = $t->dir . '/genai.log';

ok(wait_for(sub { (() = slurp($file) =~ /\n/g) >= $n }),
   "$n exchanges have a line each");

my ($lines, %bad, %status, %finish) = (0);

for my $line (split /\n/, slurp($file)) {
    $lines++;

    # bytes that are no UTF-8 stay what they are
    my $e = eval { JSON::PP::decode_json($line) }
        // eval { JSON::PP->new->latin1->decode($line) };

    if (!$e) {
        $bad{$line}++;
        next;
    }

    $status{$e->{status}}++;
    $finish{$e->{finish}}++;

    # as they are written: a number that was quoted is none
    for my $name (@number) {
        $bad{"$name in $line"}++
            unless $line =~ /"$name":\d+(?:\.\d+)?[,}]/;
    }

    $bad{"members of $line"}++
        if join(' ', sort keys %$e) ne join(' ', sort @number, @text);
    $bad{"secret in $line"}++ if $line =~ /sk-secret/;
}

is($lines, $n, 'lines');
is(join("\n", sort keys %bad), '', 'all of them are JSON, with its numbers');
ok($status{$_}, "a $_ is among them")
    for qw(200 400 401 404 413 429 500 502 503);
ok($finish{$_}, "one that ended with $_ is") for qw(stop error cut gone);

done_testing;
