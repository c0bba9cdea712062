# SPDX-License-Identifier: Apache-2.0

# Large bodies: 64 MB of every shape that could take a reader long.  They go
# up whole, from memory and from a file, also to a second target; no step of
# ours keeps the event loop for more than a millisecond of CPU time; and when
# they are gone so is their memory.

use strict;
use warnings;

BEGIN { $ENV{GENAI_ALARM} ||= 300 }

use lib 't/lib';

use Digest::MD5 qw(md5_hex);
use File::Temp ();
use Time::HiRes qw(time);

use GenAI::Test;
use GenAI::Upstream;
use GenAI::Util qw(allot_port);

my $MB = 1 << 20;
my $STEP = 0.001;

# sanitizers make every step long
my $MEASURED = $GenAI::Test::SCALE == 1;

# what "make debug" and tests are built with measures each exchange
my (undef, $said) = GenAI::Test->nginx_t('http { genai_test_park body 1s; }');
my $CPU = $said !~ /unknown directive/;

my $dir = File::Temp->newdir;

# Says of a body how long it is and what its sum is.

my $up = GenAI::Upstream->new(lossy => 1, requests => [ [ 'noread', sub {
    my ($c) = @_;

    while (my $r = $c->read_head) {
        my $n = $r->{h}{'content-length'} // 0;
        my $body = $c->read_bytes($n) // return;

        spew("$dir/last", length($body) . ' ' . md5_hex($body));
        $c->answer($r->{uri} =~ /busy/ ? 429 : 200, '{}',
                   'Content-Type' => 'application/json');
    }
} ] ]);

my $t = GenAI::Test->new(log_level => 'info')->conf(<<'EOF', UP => $up->port,
http {
    log_format l '$status $genai_step $genai_overhead $request_time '
                 '"$genai_error" $genai_attempts';
    access_log %%TESTDIR%%/l.log l;
    client_max_body_size 100m;
    client_body_timeout 60s;
    client_body_buffer_size 1m;

    genai_provider p    { dialect openai; pass http://127.0.0.1:%%UP%%/v1; }
    genai_provider busy { dialect openai; pass http://127.0.0.1:%%UP%%/busy; }
    genai_provider dead { dialect openai; pass http://127.0.0.1:%%DEAD%%; }

    genai_model m    { target p model=else; }
    genai_model same { target p; }
    genai_model two  { target dead; target busy; target p model=else;
                       set p top_k 1; }

    server {
        listen 127.0.0.1:%%PORT_0%%;
        listen 127.0.0.1:%%PORT_1%% %%LISTEN_H2%%;
        %%HTTP2_ON%%
        genai_auth off;

        location /file/   { genai_pass; }
        location /memory/ { genai_pass; client_body_buffer_size 80m; }
        location /small/  { genai_pass; client_body_buffer_size 8k; }
        location /falls/  { genai_pass; error_page 502 = @fallback; }
        location @fallback { genai_pass model=same; }
    }
    genai_model dead { target dead; }
}
EOF
                                            DEAD => allot_port())->run;

my ($worker) = $t->worker_pids;
my $client = $t->connect;
my $lines = 0;
my $longest = 0;

sub log_line {
    my $line;

    wait_for(sub {
        defined($line = ($t->access_log('l.log') =~ /^(.*)\n/mg)[$lines - 1]);
    }, 20);

    return $line // '';
}

sub ask {
    my ($path, $body, %o) = @_;

    unlink "$dir/last";
    $lines++;

    $client = $t->connect(timeout => 60 * $GenAI::Test::SCALE)
        if $client->{eof};
    $client->request('POST', "/$path/" . ($o{endpoint} || 'chat/completions'),
                     $o{chunked} ? (chunked => $o{chunked}) : (body => $body),
                     timeout => 60 * $GenAI::Test::SCALE);

    return $client->response(timeout => 60 * $GenAI::Test::SCALE);
}

sub last_body { return eval { slurp("$dir/last") } // 'nothing' }

sub sum { return length($_[0]) . ' ' . md5_hex($_[0]) }

# No step of the exchange that was logged last is a long one.  On a machine
# with other work a step may be hit by what is not ours: who seems to have had
# a long one may try again.

sub steps {
    my ($what, $again) = @_;

    my ($status, $step, $overhead, $time) = split ' ', log_line();

    for (1 .. ($MEASURED && $CPU && $again ? 3 : 0)) {
        last if $step <= $STEP;

        $again->();

        my ($another) = (split ' ', log_line())[1];

        $step = $another if $another < $step;
    }

    $longest = $step if $step > $longest;

    diag("$what: step $step, overhead $overhead, $time s")
        if $ENV{GENAI_SHOW};

    SKIP: {
        skip 'this build is not measured', 1 if !$MEASURED || !$CPU;

        cmp_ok($step, '<=', $STEP, "$what: no long step");
    }
}

sub passes {
    my ($what, $path, $body, $want, %o) = @_;

    my $sum = sum($want);
    my $r = ask($path, $body, %o);

    is($r->status, 200, "$what: answered")
        or diag(substr $r->body // $r->error, 0, 300);
    is(last_body(), $sum, "$what: all of it went up");
    ok($client->reusable, "$what: the connection is kept");
    steps($what, sub { ask($path, $body, %o) });
}

sub refused {
    my ($what, $path, $body, $status, $word, $message, %o) = @_;

    my $r = ask($path, $body, %o);

    is($r->status . ' ' . ($r->header('x-genai-error') // '-'),
       "$status $word", "$what: refused");
    like(($r->json // {})->{error}{message}, $message, "$what: why");
    is(last_body(), 'nothing', "$what: nothing went up");
    ok($client->reusable, "$what: the connection is kept");
    steps($what, sub { ask($path, $body, %o) });
}


# ---- bodies: what stands between head and tail, filled up to 64 MB or what
# is given; FILL stands for the filling, "else" takes the place of the name

sub repeat {
    my ($piece, $between, $size) = @_;

    my $n = int($size / length("$piece$between"));

    return join '', ("$piece$between") x ($n - 1), $piece;
}

my $M = '"model":"m"';
my $hi = '{"role":"user","content":"hello there, how are you?"}';
my $size = 64 * $MB;

my @shapes = (
    [ 'one string of 20 MB', 20 * $MB, "{\"messages\":[{\"role\":\"user\","
      . '"content":"', 'FILL', '', "\"}],$M}" ],
    [ 'one string', $size, "{$M,\"messages\":[{\"content\":\"", 'Hello, w',
      '', '"}]}' ],
    [ 'a string of escapes', $size, "{$M,\"messages\":[{\"content\":\"",
      '\u00e9\ud83d\ude00\n\"\\\\', '', '"}]}' ],
    [ 'a string of other letters', $size, "{$M,\"prompt\":\"",
      "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", '', '"}' ],
    [ 'a string nobody acts on', $size, "{$M,\"x\":\"", 'Hello, w', '',
      '"}' ],
    [ 'a million messages', $size, "{$M,\"messages\":[", $hi, ',', ']}' ],
    [ 'messages with blanks', $size, "{$M,\"messages\":[",
      "\n    $hi", ',', "\n]}" ],
    [ 'messages of nothing', 16 * $MB, "{$M,\"messages\":[", '{}', ',',
      ']}' ],
    [ 'a million parts', $size, "{$M,\"messages\":[{\"content\":[",
      '{"type":"text","text":"hello there, what is it?"}', ',', ']}]}' ],
    [ 'parts of a new sort', $size, "{$M,\"messages\":[{\"content\":[",
      '{"type":"new","a":[1,2,3],"b":"hello there, what is it, and how and '
      . 'why and where and when and who"}', ',',
      ']}]}' ],
    [ 'a million tools', $size, "{$M,\"tools\":[",
      '{"type":"function","function":{"name":"one_with_a_longer_name",'
      . '"parameters":{}}}', ',',
      ']}' ],
    [ 'a million calls', $size, "{$M,\"messages\":[{\"tool_calls\":[",
      '{"id":"call_0123456789abcdef","function":{"name":"lookup",'
      . '"arguments":"{\"city\":\"Paris\"}"}}', ',',
      ']}]}' ],
    [ 'numbers', 14 * $MB, "{$M,\"input\":[", '7', ',', ']}' ],
    [ 'numbers of 40 digits', $size, "{$M,\"a\":[", '1234567890' x 4, ',',
      ']}' ],
    [ 'one number', $size, "{$M,\"seed\":", '1234567890', '', '}' ],
    [ 'blanks', $size, "{$M", " \n\t ", '', '}' ],
    [ 'blanks in front', $size, '', "\r\n", '', "{$M}" ],
    [ 'a name of 20 MB', 20 * $MB, "{$M,\"", 'abcdefgh', '', '":1}' ],
    [ 'a name of 20 MB of escapes', 20 * $MB, "{$M,\"messages\":[{\"",
      '\u0061', '', '":1}]}' ],
    [ 'deep ones', 12 * $MB, "{$M,\"a\":[", '[' x 100 . ']' x 100, ',', ']}' ],
    [ 'a schema', $size, "{$M,\"tools\":[{\"function\":{\"parameters\":{"
      . '"a":[', '{"type":"object","type":"a word that means nothing at all",'
      . '"x":null}', ',',
      ']}}}]}' ],
);

# objects of many members, each with a name of its own

sub named {
    my ($n, $value) = @_;

    return join ',', map { "\"member-$_\":$value" } 1 .. $n;
}

for my $shape (@shapes) {
    my ($what, $bytes, $head, $piece, $between, $tail) = @$shape;
    my $fill = $piece eq 'FILL' ? 'All work and no play. ' : $piece;
    my $body = $head . repeat($fill, $between, $bytes) . $tail;
    my $want = $body;

    substr($want, index($want, $M), length $M, '"model":"else"');

    for my $path ('file', $what =~ /^one|^a million|^blanks$/ ? 'memory'
                                                              : ()) {
        passes("$what, $path", $path, $body, $want,
               endpoint => $head =~ /prompt/ ? 'completions'
                   : $head =~ /input/ ? 'embeddings' : undef);
    }
}

{
    my $names = named(1_000_000, 0);

    passes('a million members', 'file', "{\"a\":{$names},$M}",
           "{\"a\":{$names},\"model\":\"else\"}");

    refused($_->[0], 'file', $_->[1], 413, 'caller_too_large',
            qr/^an object of the request has more than \d+ members$/) for
        [ 'of the request', "{$names,$M}" ],
        [ 'of a message', "{\"messages\":[{$names}],$M}" ],
        [ 'of stream_options', "{\"stream_options\":{$names},$M}" ];

    my $most = named(8_191, 0);
    my $body = "{\"messages\":["
        . repeat("{$most,\"role\":\"user\"}", ',', 16 * $MB) . "],$M}";

    passes('many of as many members as may be', 'file', $body,
           $body =~ s/"m"(?=\}\z)/"else"/r);
}


# ---- what is refused

my $filler = 'x' x (64 * $MB);
my $brace = length("{$M,\"a\":\"$filler\",");

refused('bad at the end', 'file', "{$M,\"a\":\"$filler\",}", 400,
        'caller_bad_request',
        qr/not valid JSON: .* at byte $brace$/);
refused('a string that does not end', 'memory', "{$M,\"a\":\"$filler", 400,
        'caller_bad_request', qr/not valid JSON/);
refused('a lone surrogate at the end', 'file', "{$M,\"a\":\"$filler\\ud800\"}",
        400, 'caller_bad_request', qr/not valid JSON/);
refused('bad UTF-8 at the end', 'file', "{$M,\"a\":\"$filler\xff\"}", 400,
        'caller_bad_request', qr/not valid JSON/);
refused('brackets', 'file', '[' x (64 * $MB), 400, 'caller_bad_request',
        qr/not valid JSON/);
refused('an unknown model behind it all', 'file',
        "{\"a\":\"$filler\",\"model\":\"nope\"}", 404,
        'caller_forbidden_model', qr/"nope"/);
refused('a model as long', 'file', "{\"model\":\"$filler\"}", 400,
        'caller_bad_request', qr/^"model" must be a string of 1 to 256/);
refused('too many values', 'file',
        "{$M,\"a\":[" . repeat('0', ',', 20 * $MB) . ']}', 413,
        'caller_too_large', qr/values/);
refused('too many members', 'file', "{$M,\"a\":{"
        . repeat('"":0', ',', 30 * $MB) . '}}', 413, 'caller_too_large',
        qr/values/);

for my $n (8 * 1024 * 1024) {
    # the value itself, the array, the model's name and value, the member's
    my $fits = '0,' x ($n - 6) . '0';

    passes('as many values as may be', 'file', "{$M,\"a\":[$fits]}",
           "{\"model\":\"else\",\"a\":[$fits]}");
    refused('one more', 'file', "{$M,\"a\":[$fits,0]}", 413,
            'caller_too_large', qr/values/);
}

{
    my $r = ask('file', "{$M,\"a\":\"" . 'x' x (101 * $MB) . '"}');

    is($r->status . ' ' . ($r->header('x-genai-error') // '-'),
       '413 caller_too_large', 'more than may be');
    $client->close;
}


# ---- the ways there, failover, redirect

{
    my $text = substr 'The quick brown fox. ' x (4 * $MB), 0, 64 * $MB;
    my $body = "{\"a\":\"$text\",\"model\":\"two\",\"stream\":true}";
    my $want = "{\"a\":\"$text\",\"model\":\"else\",\"stream\":true,"
        . '"stream_options":{"include_usage":true},"top_k":1}';

    for my $path (qw(file memory small)) {
        passes("the third target, $path", $path, $body, $want);
        like(log_line(), qr/ 3$/, "three attempts, $path");
    }

    passes('chunked', 'file', undef, $want, chunked => [ unpack
           '(a1000000)*', $body ]);
    passes('chunked, in memory', 'memory', undef, $want,
           chunked => [ $body ]);

    my $falls = $body =~ s/"model":"two"/"model":"dead"/r;

    passes('a redirect', 'falls', $falls, $falls =~ s/"dead"/"same"/r
           =~ s/true\}$/true,"stream_options":{"include_usage":true}}/r);

    SKIP: {
        skip 'curl with HTTP/2 is missing', 3 if !GenAI::Test->can_h2;

        $lines++;
        unlink "$dir/last";
        is($t->h2('POST', '/file/chat/completions', body => $body,
                  port => $t->port(1), timeout => 60)->status, 200, 'HTTP/2');
        is(last_body(), sum($want), 'HTTP/2: all of it');
        steps('HTTP/2');
    }
}


# ---- several at once, with small ones between them

{
    my $body = "{$M,\"messages\":[" . repeat($hi, ',', 16 * $MB) . ']}';
    my @c = map { $t->connect } 1 .. 4;
    my $half = length($body) / 2;
    my @slow = map { $_->request_text('POST', '/file/chat/completions',
                                      body => $body) } @c;

    for my $part (0, 1) {
        for my $i (0 .. $#c) {
            $c[$i]->write($part ? substr($slow[$i], $half)
                                : substr($slow[$i], 0, $half),
                          timeout => 30);
        }
    }

    is($t->get('/file/models')->status, 200, 'a small one between them');

    for my $c (@c) {
        $c->{methods} = [ 'POST' ];
        is($c->response(timeout => 60)->status, 200, 'one of four at once');
        $c->close;
    }

    $lines += 5;
    is(last_body(), sum($body =~ s/"m"/"else"/r), 'the last one: all of it');
}

# clients that leave in the middle

for my $end (qw(close reset)) {
    my $c = $t->connect;
    my $text = $c->request_text('POST', '/file/chat/completions',
                                body => "{$M,\"a\":\"$filler\"}");

    $c->write($text, timeout => 30);
    $c->$end;
    $lines++;
    like(log_line(), qr/^(?:400|499|200) .* "caller_gone"/,
         "a client that leaves: $end");
}


# ---- what is left of it

$client->close;
is($t->get('/file/models')->status, 200, 'nginx lives on');
is(join(' ', $t->worker_pids), $worker, 'with its worker');

SKIP: {
    skip 'this build keeps memory that is freed', 1 if !$MEASURED;

    ok(wait_for(sub { $t->rss < 60_000 }), 'and its memory is free again')
        or diag($t->rss, ' KiB');
}

note("the longest step: $longest s");


done_testing;
