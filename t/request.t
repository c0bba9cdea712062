# SPDX-License-Identifier: Apache-2.0

# Bad requests: each is refused with the right status and word and a message
# that names what is wrong, on a connection that stays usable, and the
# provider hears nothing of it; however it arrives, in memory or in a file.
# Requests that are only odd pass byte by byte.

use strict;
use warnings;

use lib 't/lib';

use File::Temp ();

use GenAI::Test;
use GenAI::Upstream;
use GenAI::Util qw(allot_port);

my $dir = File::Temp->newdir;

# Keeps the bytes of the last body, and counts.

my $up = GenAI::Upstream->new(requests => [ [ 'noread', sub {
    my ($c) = @_;

    while (my $r = $c->read_head) {
        my $body = $c->read_bytes($r->{h}{'content-length'}) // return;

        spew("$dir/last", $body);
        $c->answer(200, '{}', 'Content-Type' => 'application/json');
    }
} ] ]);

my $t = GenAI::Test->new(log_level => 'info')->conf(<<'EOF', UP => $up->port,
http {
    log_format l '$status "$genai_error" $genai_attempts $genai_stream '
                 '"$genai_model"';
    access_log %%TESTDIR%%/l.log l;
    keepalive_requests 100000;
    client_body_buffer_size 1m;
    client_max_body_size 8m;

    genai_provider p    { dialect openai; pass http://127.0.0.1:%%UP%%/v1; }
    genai_provider dead { dialect openai; pass http://127.0.0.1:%%DEAD%%; }

    genai_model m     { target p; }
    genai_model else  { target dead; target p model=else2; }
    genai_model pre-* { target p; }

    server {
        listen 127.0.0.1:%%PORT_0%%;
        listen 127.0.0.1:%%PORT_1%% %%LISTEN_H2%%;
        %%HTTP2_ON%%
        genai_auth off;

        location /v1/     { genai_pass; }
        location /file/   { genai_pass; client_body_buffer_size 16; }
        location /only/   { genai_pass; client_body_in_file_only clean; }
        location /tiny/   { genai_pass; client_max_body_size 20; }
        location /chosen/ { genai_pass model=m; }
    }
}
EOF
                                            DEAD => allot_port())->run;

my ($worker) = $t->worker_pids;
my $client = $t->connect;
my $lines = 0;

sub ask {
    my ($path, $body, %o) = @_;

    unlink "$dir/last";
    $lines++;

    $client = $t->connect if $client->{eof};
    $client->request('POST', $path, body => $body, %o);

    return $client->response;
}


# How a refusal looks: status, word, whether it is an error object with the
# word as its code, what went up, whether the connection is kept.

sub looks {
    my ($r) = @_;

    my $e = ($r->json // {})->{error};

    $e = {} if ref $e ne 'HASH';

    return join ' ', $r->status, $r->header('x-genai-error') // '-',
        $e->{code} // '-', $e->{type} // '-',
        -e "$dir/last" ? 'sent' : 'not sent',
        $client->reusable ? 'kept' : 'closed';
}

my %how = (
    'plain' => sub { ask("/v1/$_[0]", $_[1]) },
    'chunked' => sub { ask("/v1/$_[0]", undef, chunked => [ $_[1] ]) },
    'file' => sub { ask("/file/$_[0]", $_[1]) },
    'file only' => sub { ask("/only/$_[0]", undef, chunked => [
        substr($_[1], 0, length($_[1]) / 2),
        substr($_[1], length($_[1]) / 2) ]) },
);

my $KEPT = 'invalid_request_error not sent kept';

sub refused {
    my ($what, $body, $message, %o) = @_;

    my $word = $o{word} || 'caller_bad_request';
    my $status = $o{status} || 400;
    my $code = $o{code} || $word;
    my @bad;

    for my $how (sort keys %how) {
        for my $endpoint (@{$o{endpoints} || [ 'chat/completions' ]}) {
            my $r = $how{$how}->($endpoint, $body);
            my $looks = looks($r);
            my $text = (($r->json // {})->{error} || {})->{message} // '';

            push @bad, "$how, $endpoint: $looks: $text"
                if $looks ne "$status $word $code $KEPT"
                    || $text !~ $message;
        }
    }

    ok(!@bad, "refused: $what") or diag(join "\n", @bad);
}

sub passes {
    my ($what, $body, %o) = @_;

    my @bad;

    for my $how (sort keys %how) {
        for my $endpoint (@{$o{endpoints} || [ 'chat/completions' ]}) {
            my $r = $how{$how}->($endpoint, $body);
            my $got = eval { slurp("$dir/last") } // 'nothing';

            push @bad, "$how, $endpoint: " . $r->status . ' '
                . ($r->body // $r->error) . ' ' . substr($got, 0, 200)
                if $r->status != 200 || $got ne ($o{want} // $body);
        }
    }

    ok(!@bad, "passes: $what") or diag(join "\n", @bad);
}

my @all = (endpoints => [ qw(chat/completions completions embeddings) ]);
my $json = qr/^the request body is not valid JSON: .+ at byte \d+$/;


# ---- what is no JSON

my %no_json = (
    'nothing' => '', 'blanks' => " \n", 'a word' => 'hello',
    'form data' => 'model=m&stream=true',
    'a form in parts' => "--x\r\nContent-Disposition: form-data; "
        . "name=\"model\"\r\n\r\nm\r\n--x--\r\n",
    'single quotes' => "{'model':'m'}", 'no quotes' => '{model:"m"}',
    'a comment' => '{"model":"m"/**/}', 'a second value' => '{"model":"m"}{}',
    'a comma at the end' => '{"model":"m",}', 'two commas' =>
        '{"model":"m",,"a":1}', 'no colon' => '{"model" "m"}',
    'NaN' => '{"model":"m","a":NaN}', 'Infinity' =>
        '{"model":"m","a":-Infinity}', 'undefined' =>
        '{"model":"m","a":undefined}', 'True' => '{"model":"m","a":True}',
    'hexadecimal' => '{"model":"m","a":0x1F}', 'a leading zero' =>
        '{"model":"m","a":01}', 'a plus' => '{"model":"m","a":+1}',
    'a dot at the end' => '{"model":"m","a":1.}', 'at the begin' =>
        '{"model":"m","a":.5}', 'an exponent alone' =>
        '{"model":"m","a":1e}', 'two signs' => '{"model":"m","a":--1}',
    'a raw line feed' => "{\"model\":\"m\",\"a\":\"\n\"}",
    'a raw tab' => "{\"model\":\"m\",\"a\":\"\t\"}",
    'a raw NUL' => "{\"model\":\"m\",\"a\":\"\0\"}",
    'NUL behind' => "{\"model\":\"m\"}\0",
    'a vertical tab' => "{\"model\":\x0b\"m\"}",
    'a no-break space' => "{\"model\":\xc2\xa0\"m\"}",
    'a bad escape' => '{"model":"m","a":"\x41"}',
    'an escaped quote alone' => "{\"model\":\"m\",\"a\":\"\\'\"}",
    'a half escape' => '{"model":"m","a":"\u12"}',
    'an escape of no digits' => '{"model":"m","a":"\u00g0"}',
    'a lone surrogate' => '{"model":"m","a":"\ud800"}',
    'a low one first' => '{"model":"m","a":"\udc00\ud800"}',
    'two high ones' => '{"model":"m","a":"\ud83d\ud83d"}',
    'one with a text' => '{"model":"m","a":"\ud83dx"}',
    'one in a name' => '{"model":"m","\udfff":1}',
    'a byte order mark' => "\xef\xbb\xbf{\"model\":\"m\"}",
    'one of UTF-16' => "\xff\xfe{\0",
    'UTF-16' => "{\0\"\0m\0o\0d\0e\0l\0\"\0:\0\"\0m\0\"\0}\0",
    'latin 1' => "{\"model\":\"m\",\"a\":\"\xe9\"}",
    'an overlong slash' => "{\"model\":\"m\",\"a\":\"\xc0\xaf\"}",
    'an overlong NUL' => "{\"model\":\"m\",\"a\":\"\xe0\x80\x80\"}",
    'a coded surrogate' => "{\"model\":\"m\",\"a\":\"\xed\xa0\xbd\"}",
    'above U+10FFFF' => "{\"model\":\"m\",\"a\":\"\xf4\x90\x80\x80\"}",
    'a cut character' => "{\"model\":\"m\",\"a\":\"\xe2\x82\"}",
    'one that goes on alone' => "{\"model\":\"m\",\"a\":\"\x80\"}",
    'five bytes' => "{\"model\":\"m\",\"a\":\"\xf8\x88\x80\x80\x80\"}",
    'bad UTF-8 in a name' => "{\"model\":\"m\",\"\xff\":1}",
    'bad UTF-8 outside' => "{\"model\":\"m\"\xff}",
    '200 arrays deep' => '{"model":"m","a":' . '[' x 200 . ']' x 200 . '}',
    '200 objects deep' => '{"a":' x 200 . '1' . '}' x 199 . ',"model":"m"}',
    '129 deep' => '{"model":"m","a":' . '[' x 128 . ']' x 128 . '}',
    'a million brackets' => '[' x 1_000_000,
    'a wrong bracket' => '{"model":"m","a":[1,2}}',
    'one too many' => '{"model":"m"}}',
    'a name that is none' => '{"model":"m",1:2}',
    'bytes of all kinds' => join('', map { chr } 0 .. 255),
    'bytes of gzip' => "\x1f\x8b\x08\0\0\0\0\0\0\3",
);

refused($_, $no_json{$_}, $json) for sort keys %no_json;
refused($_, $no_json{$_}, $json, @all)
    for 'nothing', 'a word', 'a lone surrogate', 'a byte order mark',
        '200 arrays deep';

# a body that is cut, at every byte

my $whole = '{"model":"m","stream" : true,"a":[1.5e-3,{"b\u00e9":null}, '
    . "\"\xc3\xa9\xf0\x9f\x98\x80\\ud83d\\ude00\\n\"]}";
my @bad;

for my $n (0 .. length($whole) - 1) {
    my $r = ask($n % 2 ? '/v1/chat/completions' : '/file/chat/completions',
                substr($whole, 0, $n));
    my $looks = looks($r);

    push @bad, "$n: $looks" if $looks ne
        "400 caller_bad_request caller_bad_request $KEPT"
        || $r->json->{error}{message} !~ $json;
}

ok(!@bad, 'refused: a body that is cut, at every byte')
    or diag(join "\n", @bad);

# the place of a mistake is told, wherever it is

for my $n (0, 1, 63, 64, 65, 1000, 65_500, 65_536, 300_000) {
    my $text = '{"a":"' . 'x' x $n . '","b":01}';
    my $at = 6 + $n + 7;

    like(ask('/v1/chat/completions', $text)->json->{error}{message},
         qr/ at byte $at$/, "a mistake at byte $at");
}


# ---- JSON of the wrong types

for my $body ('[]', '["model","m"]', '"m"', '1', 'null', 'true',
              '[{"model":"m"}]')
{
    refused("$body, no object", $body,
            qr/^the request body must be an object$/, @all);
}

my $name = qr/^"model" must be a string of 1 to 256 bytes without control/;

for my $model (qw(1 null true [] {} "" ["m"] {"id":"m"}), '"m\n"',
               '"m\u0000"', '"\u007f"', '"' . 'x' x 257 . '"',
               '"' . '\u00e9' x 129 . '"', "\"\x7f\"")
{
    refused('model ' . substr($model, 0, 20), "{\"model\":$model}", $name,
            @all);
}

for (
    [ stream => [ qw("true" 1 0 [] {} "") ], 'true or false' ],
    [ stream_options => [ qw(true 1 [] "x" [{}]) ], 'an object' ],
    [ n => [ qw("1" true [] {}) ], 'a number' ],
    [ n => [ qw(0 -1 1.5 1e-1 1e4 1e400 99999999999999999999 1025
                1234567890123456789012345678901234567890 -0) ],
      'a whole number from 1 to 1024$' ],
    [ max_tokens => [ qw("1" true [] {}) ], 'a number' ],
    [ max_tokens => [ qw(1.5 1e-3) ], 'a whole number$' ],
    [ max_completion_tokens => [ qw("1" false []) ], 'a number' ],
    [ max_completion_tokens => [ qw(0.5 1e-1) ], 'a whole number$' ],
    [ messages => [ qw(null 1 "hi" {} true) ], 'an array' ],
) {
    my ($field, $values, $must) = @$_;

    refused("$field $_", "{\"model\":\"m\",\"$field\":$_}",
            qr/^"$field" must be $must/) for @$values;
    refused("completions, $field $values->[0]",
            "{\"$field\":$values->[0],\"model\":\"m\"}",
            qr/^"$field" must be $must/, endpoints => [ 'completions' ])
        if $field ne 'messages';
}

refused("max_tokens $_", "{\"model\":\"m\",\"max_tokens\":$_}",
        qr/^"max_tokens" is too large a number$/)
    for qw(1e400 1234567890123456789012345678901234567890);
refused("stream_options.include_usage $_",
        "{\"model\":\"m\",\"stream_options\":{\"include_usage\":$_}}",
        qr/^"stream_options\.include_usage" must be true or false/)
    for qw(1 "true" [] {});
refused("a message that is $_", "{\"model\":\"m\",\"messages\":[{},$_]}",
        qr/^"messages\.1" must be an object/) for qw(null 1 "hi" [] true);
refused("a name: $_", "{\"model\":\"m\",$_}",
        qr/^"[\w.\\]+" has a zero byte in its name$/)
    for '"model\u0000":"x"', '"\u0000":1',
        '"messages":[{"content\u0000":"a"}]';
refused("a role that is $_",
        "{\"model\":\"m\",\"messages\":[{\"role\":$_}]}",
        qr/^"messages\.0\.role" must be a string/) for qw(null 1 [] {});


# ---- no model, an unknown one

my $none = qr/^you must provide a "model"$/;

refused('no model', $_, $none, @all)
    for '{}', '{"messages":[]}', '{"a":{"model":"m"}}', '{"models":"m"}',
        '{"":"model"}', '{"mode1":"m"}';

my %unknown = (word => 'caller_forbidden_model', status => 404,
               code => 'model_not_found');

for my $model ('nope', 'M', 'm ', ' m', 'pre', 'mm', 'm\u0301', '..\/m',
               '\ud83d\ude00', 'x' x 256, '%s%n', '$uri', 'a\"b')
{
    refused("unknown model " . substr($model, 0, 20),
            "{\"model\":\"$model\"}",
            qr/^the model ".+" does not exist or you do not have/, %unknown,
            @all);
}


# ---- members twice, in every object that is acted on

my $twice = qr/stands twice in the request, or in another case$/;

for (
    [ 'model' => '"model":"m"' ], [ 'with an escape' => '"mod\u0065l":"m"' ],
    [ 'all escapes' => '"\u006d\u006f\u0064\u0065\u006c":"m"' ],
    [ 'upper case' => '"MODEL":"x"' ], [ 'one letter' => '"modeL":"x"' ],
    [ 'escaped, in another case' => '"\u004dodel":"x"' ],
    [ 'another model' => '"model":"x"' ], [ 'null' => '"model":null' ],
    [ 'not a string' => '"model":{"model":1}' ],
) {
    my ($what, $member) = @$_;

    refused("model twice: $what, behind", "{\"model\":\"m\",$member}",
            qr/^"model" $twice/, @all);
    refused("model twice: $what, with others between",
            "{\"model\":\"m\",\"a\":[1,2],\"messages\":[],$member}",
            qr/^"model" $twice/);
    refused("model twice: $what, before", "{$member,\"model\":\"m\"}",
            qr/^"model" /);
}

refused('only in another case', '{"Model":"m"}', qr/^"model" $twice/, @all);
refused('stream, with the long s', "{\"model\":\"m\",\"\xc5\xbftream\":true}",
        qr/^"stream" $twice/);
refused('max_tokens, with the Kelvin sign',
        "{\"model\":\"m\",\"max_to\xe2\x84\xaaens\":1}",
        qr/^"max_tokens" $twice/);
refused('and as an escape', '{"model":"m","max_to\u212aens":1}',
        qr/^"max_tokens" $twice/);

for my $field (qw(stream stream_options n max_tokens messages tools prompt
                  response_format))
{
    my $value = $field =~ /^(?:messages|tools)$/ ? '[]' : 'null';
    my $escaped = sprintf '\u%04x', ord $field;

    refused("$field twice", "{\"model\":\"m\",\"$field\":$value,$_:$value}",
            qr/^"$field" $twice/)
        for "\"$field\"", "\"$escaped" . substr($field, 1) . '"',
            '"' . ucfirst($field) . '"', '"' . uc($field) . '"';
}

# those that are in no list, too

refused("$_ twice", "{\"model\":\"m\",$_}", $twice)
    for '"a":1,"a":1', '"a":1,"\u0061":1', '"A":1,"a":1', '"":1,"":2',
        '"temperature":1,"b":2,"temperature":1', '"Seed":1,"seed":2',
        "\"\xc3\xa9\":1,\"\\u00e9\":2",
        '"stream_options":{"x":1,"x":2}',
        '"stream_options":{"include_usage":true,"Include_Usage":false}',
        '"stream_options":{"include_usage":true,"include_usag\u0065":false}',
        '"messages":[{"role":"user","role":"system","content":"a"}]',
        '"messages":[{"role":"user","content":"a","content":"b"}]',
        '"messages":[{"role":"user","content":"a","Content":"b"}]',
        '"messages":[{},{"role":"user","x":1,"x":2}]',
        '"messages":[{"content":[{"type":"text","text":"a","text":"b"}]}]',
        '"messages":[{"content":[{"type":"text","text":"a","TEXT":"b"}]}]',
        '"messages":[{"tool_calls":[{"function":{"name":"a","name":"b"}}]}]',
        '"tools":[{"type":"function","function":{"name":"a","name":"b"}}]',
        '"tools":[{"type":"function","Type":"x"}]';

refused('a name twice among 8,000', '{"model":"m",'
        . join(',', map { "\"k$_\":0" } 1 .. 8_000) . ',"k2500":1}',
        qr/^"k2500" $twice/);

# more members than one can be looked through for

refused('8,193 members', '{"model":"m",'
        . join(',', map { "\"k$_\":0" } 1 .. 8_192) . '}',
        qr/^an object of the request has more than 8192 members$/,
        status => 413, word => 'caller_too_large');
refused('of a message', '{"model":"m","messages":[{'
        . join(',', map { "\"k$_\":0" } 1 .. 8_193) . '}]}',
        qr/^an object of the request has more than 8192 members$/,
        status => 413, word => 'caller_too_large');


# ---- what only looks bad passes, byte by byte

my $m = '"model":"m"';

passes(@$_, @all) for (
    [ 'no messages', "{$m}" ],
    [ 'empty messages', "{$m,\"messages\":[]}" ],
    [ '100 arrays deep', "{$m,\"a\":" . '[' x 99 . ']' x 99 . '}' ],
    [ '100 objects deep', '{"a":' x 99 . '1' . '}' x 98 . ",$m}" ],
    [ '128 deep', "{$m,\"a\":" . '[' x 127 . ']' x 127 . '}' ],
    [ '1e400', "{$m,\"temperature\":1e400,\"top_p\":-1e-400}" ],
    [ '40 digits', "{$m,\"seed\":" . '1234567890' x 4 . '}' ],
    [ '4,000 digits', "{$m,\"seed\":-" . '9' x 4000 . '}' ],
    [ 'NUL as an escape', "{$m,\"a\":{\"\\u0000\":\"x\\u0000y\"}}" ],
    [ 'pairs of surrogates', "{$m,\"a\":\"\\ud83d\\ude00\\uDBFF\\uDFFF\"}" ],
    [ 'U+FEFF inside', "{$m,\"a\":\"\xef\xbb\xbf\"}" ],
    [ 'noncharacters', "{$m,\"a\":\"\xef\xbf\xbf\\uffff\xf4\x8f\xbf\xbf\"}" ],
    [ 'blanks all over', "\r\n\t { \n\"model\" \t: \"m\" \r}\n\n" ],
    [ 'unknown members', "{$m,\"x\":{\"y\":[null]},\"\":0,\"a b\":[]}" ],
    [ 'names that are like ours', "{$m,\"models\":1,\"mode\":2,\"model \":3,"
      . '"MODELS_":4,"m":5,"stream_":6,"strea":7,"$model":8,"mod\u00e9l":9}' ],
    [ 'a long name of a model', '{"model":"pre-' . 'x' x 252 . '"}' ],
    [ 'one of other letters', "{\"model\":\"pre-\xc3\xa9\\ud83d\\ude00\"}" ],
);

passes(@$_) for (
    [ 'null where it may be', "{$m,\"stream\":null,\"stream_options\":null,"
      . '"n":null,"max_tokens":null,"max_completion_tokens":null,'
      . '"temperature":null,"tools":null,"response_format":null}' ],
    [ 'the least and the most', "{$m,\"n\":1024,\"max_tokens\":0,"
      . '"max_completion_tokens":-1}' ],
    [ 'messages of nothing', "{$m,\"messages\":[{},{\"role\":\"x\"},"
      . '{"content":null},{"role":"user","content":""},'
      . '{"role":"user","content":[]}]}' ],
    [ 'contents of any shape', "{$m,\"messages\":[{\"content\":1},"
      . '{"content":{"a":1}},{"content":[1,null,"x",[],{}]},'
      . '{"content":[{"type":"new","x":{}}]}]}' ],
    [ 'names twice where nobody acts', "{$m,\"metadata\":{\"a\":1,\"a\":2},"
      . '"tools":[{"type":"function","function":{"name":"f","parameters":'
      . '{"type":"object","type":"x","Type":1,"properties":{"a":1,"a":2}}}}],'
      . '"messages":[{"role":"assistant","tool_calls":[{"function":{"name":'
      . '"f","arguments":"{\"a\":1,\"a\":2}"}}]}]}' ],
    [ 'our names elsewhere', "{\"a\":{\"model\":1,\"Model\":2,\"model\":3},"
      . "$m,\"b\":[{\"stream\":\"x\",\"stream\":1}]}" ],
    [ '8,192 members', '{' . join(',', map { "\"k$_\":$_" } 1 .. 8_191)
      . ",$m}" ],
    [ 'more where nobody acts', "{$m,\"metadata\":{"
      . join(',', map { "\"k$_\":$_" } 1 .. 20_000) . '}}' ],
    [ '10,000 messages', "{$m,\"messages\":[" . join(',', map {
        qq({"role":"user","content":"$_"}) } 1 .. 10_000) . ']}' ],
    [ 'a long text', "{$m,\"a\":\"" . 'x' x 1_000_000 . '"}' ],
    [ 'a name of 100 KB', "{$m,\"" . 'x' x 100_000 . '":1}' ],
    [ 'a text of escapes', "{$m,\"a\":\"" . '\u00e9\n' x 50_000 . '"}' ],
    [ 'a text of quotes', "{$m,\"a\":\"" . '\"' x 200_000 . '"}' ],
    [ '200,000 numbers', "{$m,\"input\":[" . join(',', 1 .. 200_000) . ']}' ],
    [ '200,000 empty arrays', "{$m,\"a\":[" . join(',', ('[]') x 200_000)
      . ']}' ],
);

passes('whole', $whole, want =>
       substr($whole, 0, -1) . ',"stream_options":{"include_usage":true}}');
passes('a body from a file, with failover', '{"model":"else","a":"'
       . 'x' x 50_000 . '"}', want => '{"model":"else2","a":"'
       . 'x' x 50_000 . '"}');


# ---- too large

for my $how ('plain', 'chunked') {
    my $body = '{"model":"m","a":"' . 'x' x 100 . '"}';
    my $r = $how eq 'plain' ? ask('/tiny/chat/completions', $body)
        : ask('/tiny/chat/completions', undef, chunked => [ $body ]);

    like(looks($r), qr/^413 (?:caller_too_large ){2}invalid_\S+ not sent/,
         "too large, $how");
    $client->close;
}

passes('the same elsewhere', '{"model":"m","a":"' . 'x' x 100 . '"}');


# ---- a body that is not as long as announced

for my $prefix (qw(v1 file only)) {
    my $head = "POST /$prefix/chat/completions HTTP/1.1\r\nHost: a\r\n";
    my $good = "{$m,\"a\":\"" . 'x' x 100 . '"}';
    my $n = length $good;

    # the rest of a longer one is another request, and a bad one

    unlink "$dir/last";
    $lines += 2;

    my $c = $t->connect;

    $c->write("${head}Content-Length: " . ($n - 10) . "\r\n\r\n$good");
    is($c->response->status, 400, "/$prefix/, longer than announced");
    is($c->response->status, 400, "/$prefix/, its rest is no request");
    is($c->closed, 'eof', "/$prefix/, closed");
    ok(!-e "$dir/last", "/$prefix/, nothing went up");

    # of a shorter one the rest may come, or not

    $c = $t->connect;
    $c->write("${head}Content-Length: $n\r\n\r\n" . substr($good, 0, -10));
    ok($c->is_idle, "/$prefix/, shorter than announced: waits");
    ok(!-e "$dir/last", "/$prefix/, nothing goes up yet");
    $c->write(substr $good, -10);
    is($c->response->status, 200, "/$prefix/, until the rest comes");
    is(slurp("$dir/last"), $good, "/$prefix/, then all of it");
    $lines++;

    unlink "$dir/last";
    $c->write("${head}Content-Length: $n\r\n\r\n" . substr($good, 0, -10));
    $c->half_close;
    is($c->response->status, 0, "/$prefix/, cut: no answer");
    ok(!-e "$dir/last", "/$prefix/, cut: nothing went up");
    $c->close;
    $lines++;
}


# ---- HTTP/2

SKIP: {
    skip 'curl with HTTP/2 is missing', 8 if !GenAI::Test->can_h2;

    for (
        [ '{"model":', '400 caller_bad_request' ],
        [ '[]', '400 caller_bad_request' ],
        [ '{"model":"m","Model":"m"}', '400 caller_bad_request' ],
        [ '{"model":"nope"}', '404 caller_forbidden_model' ],
        [ "\xef\xbb\xbf{$m}", '400 caller_bad_request' ],
        [ '{"a":"' . 'x' x 200_000, '400 caller_bad_request' ],
    ) {
        my ($body, $want) = @$_;
        my @r = map { $t->h2('POST', "/$_/chat/completions", body => $body,
                             port => $t->port(1)) } qw(v1 file);

        is(join(', ', map { $_->status . ' ' . $_->header('x-genai-error') }
                @r), "$want, $want", 'HTTP/2: ' . substr $body, 0, 30);
        $lines += 2;
    }

    unlink "$dir/last";
    is($t->h2('POST', '/v1/chat/completions', body => $whole,
              port => $t->port(1))->status, 200, 'HTTP/2: a good one');
    ok(-e "$dir/last", 'HTTP/2: went up');
    $lines++;
}


# ---- a charset that is another reading of the same bytes

for my $type ('application/json; charset=utf-7', 'text/plain;charset=UTF-16',
              'application/json; Charset = "shift_jis"',
              'application/json; charset=utf-8; charset=utf-7',
              'application/json; charset=', 'application/json; charset=utf-88')
{
    my $r = $t->http('POST', '/v1/chat/completions', body => "{$m}",
                     headers => [ 'Content-Type' => $type ]);
    is($r->status . ' ' . $r->header('x-genai-error'),
       '415 caller_bad_request', $type);
    $lines++;
}

for my $type ('application/json', 'application/json; charset=utf-8',
              'application/json;charset="UTF-8"', 'text/plain; charset=utf8',
              'application/json; charset=us-ascii; a=b', 'anything')
{
    is($t->http('POST', '/v1/chat/completions', body => "{$m}",
                headers => [ 'Content-Type' => $type ])->status, 200, $type);
    $lines++;
}

is($t->http('POST', '/v1/chat/completions', body => "{$m}", headers => [
       'Content-Type' => 'application/json', 'Content-Type' => 'text/x' ])
     ->status, 415, 'two content types');
$lines++;


# ---- what is left of it all

is(ask('/v1/chat/completions', "{$m}")->status, 200, 'nginx lives on');
is(join(' ', $t->worker_pids), $worker, 'with the same worker');
ok(wait_for(sub { $lines == (() = $t->access_log('l.log') =~ /\n/g) }),
   'each exchange has one line of the log')
    or diag("$lines exchanges");

my @lines = split /\n/, $t->access_log('l.log');

# nginx itself refuses what is no request, before any location
is(scalar(grep { /^[45]\d\d "" / || /^200 "\w/ } @lines), 3,
   'each refusal its word');
is(scalar(grep { /^400 "\w+" [^0]/ } @lines), 0, 'and no attempt');


done_testing;
