# SPDX-License-Identifier: Apache-2.0

# Bytes that need not change do not change: odd but valid bodies, in memory
# and in temporary files, come to the provider as the client wrote them, but
# for the model's name where the target has another; odd answers come to the
# client as the provider wrote them.

use strict;
use warnings;

use lib 't/lib';

use File::Temp ();
use JSON::PP ();

use GenAI::Test;
use GenAI::Upstream;
use GenAI::Util ();

my $dir = File::Temp->newdir;

# Keeps the bytes of every body in a file by themselves, and says nothing.

my $up = GenAI::Upstream->new(name => 'upstream of bodies', requests => [ [
    'noread', sub {
        my ($c) = @_;

        while (my $r = $c->read_head) {
            my $n = $r->{h}{'content-length'};
            my $body = $n ? $c->read_bytes($n) : '';

            spew("$dir/last", "$r->{uri} " . ($n // 'none') . "\n$body");
            $c->answer(200, '{}', 'Content-Type' => 'application/json');
        }
    } ] ]);

my $t = GenAI::Test->new(log_level => 'info')->conf(<<'EOF', UP => $up->port);
http {
    client_max_body_size 0;
    keepalive_requests 100000;
    client_body_buffer_size 2m;
    client_header_buffer_size 1k;

    genai_provider same  { dialect openai; pass http://127.0.0.1:%%UP%%/v1; }
    genai_provider base  { dialect openai; pass http://127.0.0.1:%%UP%%/; }

    genai_model same        { target same; }
    genai_model other       { target same model=else; }
    genai_model long        { target same "model=%%LONG%%"; }
    genai_model quote       { target base 'model=a"b\\c é'; }
    genai_model 'same é"\\' { target same; }
    genai_model "pre/*"     { target same; }

    server {
        listen 127.0.0.1:%%PORT_0%%;
        genai_auth off;

        location /v1/    { genai_pass; }
        location /file/  { genai_pass; client_body_buffer_size 128;
                           client_body_temp_path %%TESTDIR%%/body 1; }
        location /only/  { genai_pass; client_body_in_file_only clean; }
        location /small/ { genai_pass; client_body_buffer_size 1k; }
    }
}
EOF
$t->{vars}{LONG} = 'x' x 256;
$t->run;


# What came up of a body: the bytes, or a text that is no body.

my $client = $t->connect;

sub up {
    my ($prefix, $body, %o) = @_;

    unlink "$dir/last";

    $client = $t->connect if $client->{eof};
    $client->request('POST', "/$prefix/chat/completions", body => $body, %o,
                     headers => [ 'Content-Type' => 'application/json' ]);

    my $r = $client->response;

    return 'status ' . $r->status . ': ' . ($r->body // $r->error)
        if $r->status != 200;

    my ($head, $got) = split /\n/, slurp("$dir/last"), 2;

    return "head: $head" if $head !~ m{^(?:/v1)?/chat/completions (\d+)$}
        || $1 != length $got;
    return $got;
}


# Compares long texts; says where they begin to differ.

sub same {
    my ($got, $want, $what) = @_;

    return ok(1, $what) if $got eq $want;

    my $at = 0;

    $at++ while $at < length $want
        && substr($got, $at, 1) eq substr($want, $at, 1);

    ok(0, $what);
    diag("at byte $at, got: ", substr($got, $at, 100), "\nwanted: ",
         substr($want, $at, 100));
}


# ---- 200 and more bodies; MODEL stands for the name as JSON

my $u = sub { my $s = shift; utf8::encode($s); $s };
my $m = '[{"role":"user","content":"hi"}]';

my %bodies = (
    'plain' => qq({"model":MODEL,"messages":$m}),
    'model last' => qq({"messages":$m,"model":MODEL}),
    'model alone' => '{"model":MODEL}',
    'model in the middle' => qq({"a":1,"model":MODEL,"b":2}),
    'spaces around all' => " { \"model\" : MODEL , \"messages\" : $m } ",
    'tabs' => "\t{\t\"model\"\t:\tMODEL\t,\t\"messages\"\t:\t[\t]\t}\t",
    'CRLF' => "{\r\n  \"model\": MODEL,\r\n  \"messages\": []\r\n}\r\n",
    'CR alone' => "{\r\"model\"\r:\rMODEL\r}\r",
    'pretty' => "{\n    \"model\": MODEL,\n    \"messages\": [\n        "
        . "{ \"role\": \"user\",\n          \"content\": \"hi\" }\n    ]\n}\n",
    '1000 blanks before' => (' ' x 1000) . '{"model":MODEL}',
    '1000 blanks behind' => '{"model":MODEL}' . ("\n" x 1000),
    '1000 blanks around the name' => '{"model":' . (' ' x 1000) . 'MODEL'
        . ("\t" x 1000) . '}',
    'nothing to say' => '{"model":MODEL,"messages":[]}',
    'null everywhere' => '{"model":MODEL,"tools":null,"stream":null}',
    'empty strings' => '{"":"","model":MODEL,"a":""}',
    'empty objects' => '{"a":{},"model":MODEL,"b":[{}],"c":[[]]}',
    'stream true' => '{"stream":true,"stream_options":{"include_usage":'
        . 'true},"model":MODEL}',
    'stream false' => '{"stream": false ,"model":MODEL}',
    'stream with an escaped name' => '{"s\u0074ream":false,"model":MODEL}',

    'NUL escape in a value' => '{"model":MODEL,"a":"x\u0000y"}',
    'NUL escape in a name of no matter' => '{"model":MODEL,"a":{"\u0000":1}}',
    'all short escapes' => '{"model":MODEL,"a":"\"\\\\\/\b\f\n\r\t"}',
    'escapes in upper case' => '{"model":MODEL,"a":"\u00FF\uFFFD\uABCD"}',
    'escapes in lower case' => '{"model":MODEL,"a":"\u00ff\ufffd\uabcd"}',
    'escapes that need not be' => '{"model":MODEL,"a":"\u0061\u0020\u005c"}',
    'surrogate pair' => '{"model":MODEL,"a":"\ud83d\ude00"}',
    'surrogate pairs, mixed case' => '{"model":MODEL,"a":"\uD83D\uDe00x'
        . '\udbff\udfff\ud800\udc00"}',
    'escaped slash' => '{"model":MODEL,"a":"http:\/\/x\/"}',
    'backslashes' => '{"model":MODEL,"a":"\\\\\\\\\\\\"}',
    'a quote behind backslashes' => '{"model":MODEL,"a":"\\\\\\""}',
    'DEL' => "{\"model\":MODEL,\"a\":\"\x7f\"}",
    'U+2028' => "{\"model\":MODEL,\"a\":\"\xe2\x80\xa8\xe2\x80\xa9\"}",
    'U+FEFF inside' => "{\"model\":MODEL,\"a\":\"\xef\xbb\xbf\"}",
    'noncharacters' => "{\"model\":MODEL,\"a\":\"\xef\xbf\xbe\xef\xbf\xbf\"}",
    'U+10FFFF' => "{\"model\":MODEL,\"a\":\"\xf4\x8f\xbf\xbf\"}",
    'U+D7FF and U+E000' =>
        "{\"model\":MODEL,\"a\":\"\xed\x9f\xbf\xee\x80\x80\"}",
    'C1 controls' => "{\"model\":MODEL,\"a\":\"\xc2\x80\xc2\x9f\"}",
    'escaped noncharacter' => '{"model":MODEL,"a":"\uffff\ufffe\ufdd0"}',

    '1e400' => '{"model":MODEL,"temperature":1e400}',
    '-1e-400' => '{"model":MODEL,"temperature":-1e-400}',
    'minus zero' => '{"model":MODEL,"a":-0,"b":-0.0,"c":0e0,"d":-0E-0}',
    '40 digits' => '{"model":MODEL,"seed":' . ('1234567890' x 4) . '}',
    '-40 digits' => '{"model":MODEL,"seed":-' . ('9' x 40) . '}',
    '4000 digits' => '{"model":MODEL,"seed":' . ('7' x 4000) . '}',
    '400 decimals' => '{"model":MODEL,"temperature":0.' . ('3' x 400) . '}',
    'exponents' => '{"model":MODEL,"a":[1E5,1e+5,1e-05,1.50e0005,0.10]}',
    '2**53 + 1' => '{"model":MODEL,"a":9007199254740993}',
    '2**64' => '{"model":MODEL,"a":18446744073709551616}',
    'trailing zeros' => '{"model":MODEL,"temperature":0.70000}',

    'unknown members' => qq({"x-mine":{"a":[1,2,{"b":null}]},"model":MODEL}),
    'members with dots' => '{"a.b":1,"$.model":2,"model":MODEL}',
    'unknown ones twice inside' => '{"a":{"b":1,"b":2,"B":3},'
        . '"model":MODEL}',
    'twice in a schema' => '{"model":MODEL,"tools":[{"function":'
        . '{"parameters":{"type":"object","type":"object","a":1,"a":2}}}]}',
    'model inside others' => '{"a":{"model":"x","model":"y"},"model":MODEL,'
        . '"b":[{"model":1}],"c":{"Model":2,"MODEL":3}}',
    'stream inside others' => '{"model":MODEL,"a":{"stream":1,"stream":2}}',
    'model in a text' => '{"a":"\"model\":\"x\"","model":MODEL,'
        . '"b":"{\"model\":\"y\"}"}',
    'name as a value' => '{"model":MODEL,"a":"same","b":["same","other"]}',
    'names that begin so' => '{"mode":1,"models":2,"modelx":3,"model":MODEL,'
        . '"model ":4," model":5,"mo del":6,"streams":7,"strea":8}',
    'names with escapes' => '{"\u006dodeler":1,"mod\u0065ls":2,"model":MODEL,'
        . '"a\"model":3,"model\"":4,"\\\\model":5}',
    'names that end in a backslash' => '{"a\\\\":"b\\\\","model":MODEL}',
    'name as a member' => '{"same":1,"other":2,"model":MODEL}',
    'non-ASCII names' => $u->(qq({"\x{e9}":1,"\x{65e5}\x{672c}":2,)
        . qq("\x{1f600}":3,"model":MODEL,"m\x{f6}del":4})),
    'long s and dotless i' => $u->(qq({"a\x{17f}":5,"l\x{131}st":6,)
        . qq("model":MODEL})),
    'full width' => $u->(qq({"\x{ff4d}odel":"x","model":MODEL})),
    'names that are long' => '{"' . ('model' x 2000) . '":1,"model":MODEL}',
    'brackets in texts' => '{"a":"}]{[","model":MODEL,"b":"]]}}"}',
    'comments in texts' => '{"a":"/* // # --","model":MODEL}',
    'a JSON text in a text' =>
        '{"a":"' . ('{\"a\":[' x 200) . '","model":MODEL}',

    'arrays, 100 deep' => '{"model":MODEL,"a":' . ('[' x 100) . (']' x 100)
        . '}',
    'objects, 100 deep' => '{"a":' . ('{"a":' x 99) . '1' . ('}' x 99)
        . ',"model":MODEL}',
    'both, 127 levels inside' => '{"model":MODEL,"a":' . ('[{"b":' x 63)
        . '[]' . ('}]' x 63) . '}',
    '10000 elements' => '{"model":MODEL,"a":[' . join(',', 1 .. 10000) . ']}',
    '3000 members' => '{' . join(',', map { "\"k$_\":$_" } 1 .. 3000)
        . ',"model":MODEL}',
    '2000 messages' => '{"messages":[' . join(',', map {
        qq({"role":"user","content":"number $_"}) } 1 .. 2000)
        . '],"model":MODEL}',

    'escaped name of the member' => '{"mod\u0065l":MODEL}',
    'wholly escaped name' => '{"\u006d\u006F\u0064\u0065\u006c":MODEL}',
);

# texts of every length around the scanner's steps, the buffers and the pages

my $filler = sub {
    my ($n) = @_;
    my $s = '';

    $s .= chr(97 + length($s) % 26) while length $s < $n && $n < 200;
    $s = substr('All work and no play makes Jack a dull boy. ' x ($n / 40 + 1),
                0, $n) if $n >= 200;
    return $s;
};

$bodies{"text of $_"} = '{"a":"' . $filler->($_) . '","model":MODEL}'
    for 0 .. 44, 63 .. 65, 127 .. 129, 255 .. 257;
$bodies{"text of $_ in front"} = '{"model":MODEL,"a":"' . $filler->($_) . '"}'
    for map({ ($_ - 60, $_ - 40, $_ - 30, $_ - 25, $_ - 20, $_, $_ + 1) }
            1024, 4096, 8192), 16384, 65536, 100000;
$bodies{"UTF-8 at $_"} = $u->('{"a":"' . $filler->($_)
    . "\x{e9}\x{20ac}\x{1f600}" . '","model":MODEL}') for 0 .. 16;
$bodies{"escape at $_"} = '{"a":"' . $filler->($_)
    . '\u00e9\n\"","model":MODEL}'
    for 0 .. 16;
$bodies{"name behind $_"} = '{"a":"' . $filler->($_) . '","model" : MODEL }'
    for 960 .. 976;

cmp_ok(scalar(keys %bodies), '>=', 200, 'many bodies, of each several sorts');


# The body with a name in it, compared in every place; one check a body.

my %seen;

sub check {
    my ($what, $name, $json, $to, @prefixes) = @_;

    my (@bad, $n);

    for my $key (sort keys %bodies) {
        my $body = $bodies{$key} =~ s/MODEL/$json/r;
        my $want = $bodies{$key} =~ s/MODEL/$to/r;

        for my $prefix (@prefixes) {
            my $got = up($prefix, $body);

            $n++;
            $seen{$body} = 1;

            if ($got ne $want) {
                push @bad, "$key, /$prefix/: " . substr($got, 0, 100);
            }
        }
    }

    ok(!@bad, "$what: $n bodies") or diag(join "\n", splice @bad, 0, 10);
}

check('untouched, memory and file', 'same', '"same"', '"same"',
      qw(v1 file only));
check('another name', 'other', '"other"', '"else"', qw(v1 file));
check('a longer name', 'long', '"long"', '"' . 'x' x 256 . '"', 'small');
check('an escaped name stays', 'same', '"s\u0061me"', '"s\u0061me"', 'v1');
check('an escaped name goes', 'other', '"\u006fther"', '"else"', 'v1');
cmp_ok(scalar(keys %seen), '>', 200, 'so many different ones');

is(up('v1', '{"model":"quote","a":1.0}'),
   $u->("{\"model\":\"a\\\"b\\\\c \xe9\",\"a\":1.0}"),
   'a name with a quote, a backslash and more than ASCII is written as JSON')
    or diag(up('v1', '{"model":"quote","a":1.0}'));
is(up('v1', $_), $_, "found: $_")
    for '{"model":"same \u00e9\"\\\\"}',
        $u->("{\"model\":\"same \xe9\\\"\\\\\"}"),
        '{"model":"pre\/x"}', '{"model":"pre/' . 'x' x 252 . '"}';


# ---- the body however it arrives

my $body = '{"messages":' . $m . ',"a":"' . ('y' x 5000)
    . '","model":"same","b":1e400}';
my $want = $body =~ s/"same"/"else"/r;

$body =~ s/"same"/"other"/;

same(up('v1', $body, step => 7), $want, 'in pieces of 7 bytes');
same(up('file', $body, step => 100), $want, 'into a file in pieces');
same(up('v1', undef, chunked => [ $body ]), $want, 'chunked');
same(up('v1', undef, chunked => [ split //, $body ]), $want,
   'chunked, one byte each');
same(up('file', undef, chunked => [ split /(?<=y{9})/, $body ]), $want,
   'chunked, into a file');
same(up('only', undef, chunked => [ $body ]), $want,
     'chunked, into a file only');
same(up('small', $body), $want, 'a body that begins in the header buffer');

for my $mb (1, 5) {
    my $text = substr('The quick brown fox. ' x ($mb * 50000), 0, $mb << 20);
    my $big = qq({"a":"$text","model":"other","z":"$text\\u0000"});

    ok(up('v1', $big) eq $big =~ s/"other"/"else"/r, "$mb MB and more");
}


# ---- what is not valid is refused, and the provider hears nothing of it

for ([ 'a byte order mark' => "\xef\xbb\xbf{\"model\":\"same\"}" ],
     [ 'latin 1' => "{\"model\":\"same\",\"a\":\"\xe9\"}" ],
     [ 'overlong' => "{\"model\":\"same\",\"a\":\"\xc0\xaf\"}" ],
     [ 'a coded surrogate' => "{\"model\":\"same\",\"a\":\"\xed\xa0\x80\"}" ],
     [ 'a raw newline' => "{\"model\":\"same\",\"a\":\"\n\"}" ],
     [ 'a raw NUL' => "{\"model\":\"same\",\"a\":\"\0\"}" ],
     [ 'a bad escape' => '{"model":"same","a":"\x"}' ],
     [ 'a lone surrogate' => '{"model":"same","a":"\ud800"}' ],
     [ 'a low surrogate' => '{"model":"same","a":"\udc00\ud800"}' ],
     [ 'a half escape' => '{"model":"same","a":"\u12"}' ],
     [ '200 deep' => '{"model":"same","a":' . '[' x 200 . ']' x 200 . '}' ],
     [ 'a second value' => '{"model":"same"}{}' ],
     [ 'NUL behind' => "{\"model\":\"same\"}\0" ],
     [ 'a comma at the end' => '{"model":"same",}' ],
     [ 'single quotes' => "{'model':'same'}" ],
     [ 'NaN' => '{"model":"same","a":NaN}' ],
     [ 'hex' => '{"model":"same","a":0x10}' ],
     [ 'a plus' => '{"model":"same","a":+1}' ],
     [ 'a leading zero' => '{"model":"same","a":01}' ],
     [ 'a dot alone' => '{"model":"same","a":1.}' ],
     [ 'a comment' => '{"model":"same"/**/}' ],
     [ 'nothing' => '' ],
     [ 'blanks' => '  ' ],
     [ 'half of it' => '{"model":"same","a":[1,2' ],
     [ 'an array' => '["model","same"]' ],
     [ 'a string' => '"same"' ],
     [ 'a number' => '1' ],
     [ 'form data' => 'model=same&a=b' ],
     [ 'no model' => '{"messages":[]}' ],
     [ 'an empty model' => '{"model":""}' ],
     [ 'model null' => '{"model":null}' ],
     [ 'a list of models' => '{"model":["same"]}' ],
     [ 'model twice' => '{"model":"same","model":"same"}' ],
     [ 'model twice, once escaped' => '{"model":"same","mod\u0065l":"x"}' ],
     [ 'Model' => '{"Model":"x","model":"same"}' ],
     [ 'MODEL behind' => '{"model":"same","MODEL":"x"}' ],
     [ 'escaped in another case' => '{"model":"same","\u004dodel":"x"}' ],
     [ 'stream twice' => '{"model":"same","stream":true,"stream":false}' ],
     [ 'stream with a long s' =>
       $u->(qq({"\x{17f}tream":true,"model":"same"})) ],
     [ 'unknown ones twice' => '{"a":1,"model":"same","a":2}' ],
     [ 'Stream' => '{"model":"same","Stream":true}' ],
     [ 'stream as text' => '{"model":"same","stream":"true"}' ],
     [ 'stream as number' => '{"model":"same","stream":1}' ],
     [ 'a newline in the name' => '{"model":"same\n"}' ],
     [ 'NUL in the name' => '{"model":"same\u0000"}' ],
     [ 'a long name' => '{"model":"pre/' . 'x' x 253 . '"}' ])
{
    my ($what, $bad) = @$_;

    my @r;

    for my $prefix (qw(v1 file)) {
        unlink "$dir/last";

        $client = $t->connect if $client->{eof};
        $client->request('POST', "/$prefix/chat/completions", body => $bad);
        my $r = $client->response;

        push @r, join ' ', $r->status, $r->header('x-genai-error') // '-',
            ref(($r->json // {})->{error}) || 'no error',
            -e "$dir/last" ? 'sent' : 'not sent',
            ($r->header('connection') // '') eq 'close' ? 'closed' : 'kept';
    }

    is_deeply(\@r, [ ('400 caller_bad_request HASH not sent kept') x 2 ],
              "refused: $what");
}


# ---- answers: every way of sending the same bytes gives the same bytes

my %answers = (
    'odd JSON' => "\r\n {\"id\" :\t\"x\\u0000\\/\" ,\"n\":1e400,\"n\":-0.0,"
        . "\"s\":\"\xf0\x9f\x98\x80\\ud83d\\ude00\"\n}\n\n ",
    'no JSON at all' => "\0\xff\xfe<html>" . join('', map { chr } 0 .. 255),
    'SSE, LF' => "data: {\"a\":\"\xe2\x82\xac\"}\n\ndata: [DONE]\n\n",
    'SSE, CRLF' => "data: 1\r\n\r\n: ping\r\n\r\ndata: [DONE]\r\n\r\n",
    'SSE, CR' => "data: 1\rdata: 2\r\r:\rid: 3\r\rdata: [DONE]\r\r",
    'SSE, all sorts' => ": open\n\nevent: message\nid: 7\nretry: 10\n"
        . "data: {\"a\":\ndata: 1}\n\ndata\n\ndata:\n\ndata:x\r\n\r"
        . "unknown: \xf0\x9f\x98\x80\n\n\n\n\r\n: \0\ndata: [DONE]\n\n",
    'SSE, no end' => "data: {\"a\":1}\n\ndata: [DONE]",
    'SSE, mixed ends' => "data: 1\n\r\ndata: 2\r\n\ndata: 3\n\rdata: 4\r\r\n\n"
        . "data: [DONE]\n\r",
    'SSE, one long event' => 'data: ' . 'x' x 9000 . "\n\ndata: [DONE]\n\n",
    'empty' => '',
);

my $script;

my $answers = GenAI::Upstream->new(name => 'upstream of answers',
    route => sub {
        my ($r) = @_;
        my $do = JSON::PP::decode_json($r->{body});
        my $a = $answers{$do->{answer}};
        my $type = $do->{answer} =~ /SSE/ ? 'text/event-stream; charset=utf-8'
                                          : 'application/json';
        my $head = "HTTP/1.1 200 OK\r\nContent-Type: $type\r\n";
        my $length = 'Content-Length: ' . length($a) . "\r\n";
        my $chunked = "Transfer-Encoding: chunked\r\n";
        my @pieces = grep { length } map { substr $a, $_ * $do->{size},
            $do->{size} } 0 .. length($a) / $do->{size};

        return {
            whole => [ [ send => "$head$length\r\n$a" ] ],
            bytes => [ [ send => "$head$length\r\n" ],
                       [ bytewise => $a, 0.0003 ] ],
            all_bytes => [ [ bytewise => "$head$length\r\n$a", 0.0003 ] ],
            chunks => [ [ send => join '', "$head$chunked\r\n",
                          GenAI::Upstream::Connection::chunk(@pieces),
                          "0\r\n\r\n" ] ],
            chunk_bytes => [ [ send => "$head$chunked\r\n" ],
                [ bytewise => join('',
                    GenAI::Upstream::Connection::chunk(@pieces),
                    "0\r\n\r\n"), 0.0003 ] ],
            odd_chunks => [ [ send => "$head$chunked\r\n",
                map({ sprintf("000%X;a=\"b\" \r\n%s\r\n", length, $_) }
                    @pieces), "00\r\nX-Trailer: 1\r\n\r\n" ] ],
            close => [ [ send => "$head\r\n", @pieces ], 'close' ],
            http10 => [ [ send => $head =~ s/1\.1/1.0/r . "$length\r\n$a" ] ],
        }->{$do->{how}};
    });

my $g = GenAI::Test->new(log_level => 'info', name => 'nginx of answers')
    ->conf(<<'EOF', UP => $answers->port)->run;
http {
    genai_provider p { dialect openai; pass http://127.0.0.1:%%UP%%/v1; }
    genai_model m { target p; }
    server {
        listen 127.0.0.1:%%PORT_0%%;
        genai_auth off;
        location / { genai_pass; }
    }
}
EOF

my $c = $g->connect;

for my $how (qw(whole bytes all_bytes chunks chunk_bytes odd_chunks close
                http10))
{
    my @bad;
    my $n = 0;

    for my $answer (sort keys %answers) {
        # byte by byte that takes too long
        next if $how =~ /bytes/ && length $answers{$answer} > 1000;

        # nobody can tell it from one that broke off
        next if $how eq 'close' && $answer eq 'empty';

        for my $size ($how =~ /^(?:chunk|odd|close)/ ? (1, 3, 1000) : 1) {
            $c = $g->connect if $c->{eof};
            $c->request('POST', '/v1/chat/completions', body => json_text(
                { model => 'm', how => $how, answer => $answer,
                  size => $size }));
            my $r = $c->response;
            $n++;

            push @bad, "$answer in $size: " . $r->error . ' '
                . ($r->body // '')
                if !$r->complete || $r->status != 200
                    || $r->body ne $answers{$answer};
        }
    }

    ok(!@bad, "answers as they are, $how: $n")
        or diag(join "\n", map { substr $_, 0, 300 } @bad);
}

# events around what may be held of one, and far beyond it

for my $n (65500 .. 65560, 131072, 300_000) {
    next if $n % 7 && $n != 65536;
    $answers{"SSE, $n"} = "data: 0\n\ndata: " . 'y' x $n
        . "\n\ndata: 1\n\ndata: [DONE]\n\n: end";
}

$answers->down;
$answers->up;

for my $how (qw(whole chunks close)) {
    my @bad;

    for my $answer (grep { /SSE, \d/ } sort keys %answers) {
        for my $size (1000, 65536, 65530) {
            my $r = $g->post('/v1/chat/completions', { model => 'm',
                how => $how, answer => $answer, size => $size });

            push @bad, "$answer in $size: " . length $r->body
                if !$r->complete || $r->body ne $answers{$answer};
        }
    }

    ok(!@bad, "long events, $how") or diag(join "\n", @bad);
}

# large ones, to a client that reads them at once

my $large = join '', map { "data: {\"n\":$_,\"text\":\"" . 'x' x ($_ % 997)
                           . "\"}\n\n" } 1 .. 5000;
$large .= "data: [DONE]\n\n";

$answers{'SSE, large'} = $large;
$answers->down;
$answers->up;

for my $how (qw(whole chunks close)) {
    my $r = $g->post('/v1/chat/completions', { model => 'm', how => $how,
                     answer => 'SSE, large', size => 1777 });

    ok($r->complete && $r->body eq $large, "2.5 MB, $how");
}


done_testing;
