# SPDX-License-Identifier: Apache-2.0

# HTTP/2 clients, by curl and nghttp: bytes, streams event by event, refusals,
# several exchanges on one connection, clients that leave.

use strict;
use warnings;

use lib 't/lib';

use File::Temp ();
use IO::Select;
use JSON::PP ();
use Time::HiRes qw(time);

use GenAI::Test;
use GenAI::Upstream;
use GenAI::Util qw(allot_port);

if (!GenAI::Test->can_h2) {
    plan(skip_all => 'curl with HTTP/2 is missing');
}

my $SSE = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
    . "Transfer-Encoding: chunked\r\n\r\n";

my $up = GenAI::Upstream->new(lossy => 1, route => sub {
    my ($r) = @_;
    my $do = JSON::PP::decode_json($r->{body});
    my $what = $do->{do} // '';

    return [ [ send => $SSE ], [ chunk => "data: 1\n\n" ],
             [ wait => "$do->{nr} 1" ], [ chunk => ": ping\n\n" ],
             [ wait => "$do->{nr} 2" ], [ chunk => "data: \xe2" ],
             [ chunk => "\x82\xac\n\n" ],
             [ wait => "$do->{nr} 3" ], [ chunk => "data: [DONE]\n\n" ],
             'chunk_end' ] if $what eq 'steps';
    return [ [ send => $SSE ], [ chunk => "data: 1\n\n" ], 'close' ]
        if $what eq 'die';
    return [ [ send => "HTTP/1.1 200 OK\r\nContent-Type: application/json"
               . "\r\nContent-Length: 10\r\n\r\n{\"a\":" ], 'close' ]
        if $what eq 'cut';
    return [ [ send => $SSE =~ s/event-stream/x/r
               =~ s{text/x}{application/json}r ], [ chunk => '{"a":' ],
             'close' ] if $what eq 'cut chunked';
    return [ [ mark => "asked $do->{nr}" ], 'wait_close' ] if $what eq 'wait';
    return [ [ send => $SSE ], [ chunk => "data: 1\n\n" ], 'wait_close' ]
        if $what eq 'begin';
    return [ [ json => $what, { theirs => 1 }, 'Retry-After' => 4,
               'Connection' => 'keep-alive', 'Keep-Alive' => 'x',
               'Set-Cookie' => 'a=b' ] ] if $what =~ /^\d+$/;
    return [ [ sse => map { { n => $_, x => 'x' x 500 } } 1 .. 500 ] ]
        if $what eq 'many';
    return [ [ answer => 200, $r->{body}, 'Content-Type',
               'application/json' ] ];
});

my $t = GenAI::Test->new(log_level => 'info')->conf(<<'EOF',
http {
    client_max_body_size 8m;
    client_body_buffer_size 64k;
    log_format l '$status "$genai_error" $server_protocol';
    access_log %%TESTDIR%%/l.log l;

    genai_provider p    { dialect openai; pass http://127.0.0.1:%%UP%%/v1; }
    genai_provider dead { dialect openai; pass http://127.0.0.1:%%DEAD%%; }
    genai_model m    { target p; }
    genai_model x    { target p model=other; }
    genai_model dead { target dead; }
    genai_model two  { target dead; target p; }

    server {
        listen 127.0.0.1:%%PORT_0%% %%LISTEN_H2%%;
        %%HTTP2_ON%%
        genai_auth off;
        location /v1/   { genai_pass; }
        location /auth/ { genai_pass; genai_auth on; }
        location /tiny/ { genai_pass; client_max_body_size 10; }
        location /deny/ { genai_pass; deny all; }
    }
}
EOF
                         UP => $up->port, DEAD => allot_port())->run;

my $PATH = '/v1/chat/completions';
my $URL = 'http://127.0.0.1:' . $t->port(0);
my $dir = File::Temp->newdir;

sub post {
    my ($body, %o) = @_;

    return $t->h2('POST', $o{path} // $PATH, headers => [ 'Content-Type' =>
        'application/json', @{$o{headers} || []} ],
        body => ref $body ? json_text($body) : $body);
}


# ---- bodies and answers

for my $n (0, 1, 100, 16000, 16384, 65535, 70000, 200_000) {
    my $text = 'z' x $n;

    ok((post(qq( {"model" : "m","a":"$text\\u0000", "t":1e400}\r\n))->body
        // '') eq qq( {"model" : "m","a":"$text\\u0000", "t":1e400}\r\n),
       "a body of $n bytes up and down");
}

is(post('{"a":1,"model":"x"}')->body, '{"a":1,"model":"other"}',
   'another name');
is(post('{"model":"two"}')->body, '{"model":"two"}', 'a failover');
is(post('{"model":"m","a":"' . 'y' x 100_000 . '"}',
        headers => [ 'Content-Length' => '' ])->status, 200,
   'a body without a length');

my $r = post({ model => 'm', do => 'many' });
is(scalar(my @e = $r->events), 500, 'a stream');
is($r->header('content-type'), 'text/event-stream', 'its type');
is($r->header('transfer-encoding'), undef, 'no coding');
is($r->header('connection'), undef, 'no connection');

$r = post({ model => 'm', do => 429 });
is($r->status . ' ' . $r->header('x-genai-error') . ' '
   . $r->header('retry-after'), '429 provider_rate_limited 4', 'an error');
is($r->header($_), undef, "no $_") for qw(connection keep-alive set-cookie);


# ---- refusals

for ([ $PATH, '{', '400 caller_bad_request' ],
     [ $PATH, '{"model":"no"}', '404 caller_forbidden_model' ],
     [ $PATH, '{"model":"dead"}', '502 provider_unreachable' ])
{
    my ($path, $body, $want) = @$_;

    $r = post($body, path => $path);
    is($r->status . ' ' . $r->header('x-genai-error'), $want, "$path: $want");
    ok($r->json->{error}, "$path: JSON");
    is($r->{curl}, 0, "$path: a clean end");
}

spew("$dir/good", '{"model":"m"}');
spew("$dir/big", '{"model":"m","a":"' . 'x' x 300_000 . '"}');

# A refusal that comes before the body has its stream reset behind it, with
# NO_ERROR (RFC 9113, 8.1), for which some versions of curl drop the answer:
# these are nghttp's to see, all of them on one connection.

sub nghttp {
    my ($rc, $out) = run_cmd([ 'nghttp', '-v', '--no-dep', '-H',
                               'content-type: application/json', @_ ]);

    $out =~ s/\e\[[0-9;]*m//g;
    return ($rc, $out);
}

my ($no_nghttp) = run_cmd([ 'nghttp', '--version' ]);

SKIP: {
    skip 'nghttp (nghttp2-client) is missing', 6 if $no_nghttp;

    for my $body ('good', 'big') {
        my ($rc, $out) = nghttp('-d', "$dir/$body", map { $URL . $_ } $PATH,
            '/auth/chat/completions', '/v1/nothing', '/v1/models',
            '/deny/chat/completions', '/tiny/chat/completions',
            '/v1/embeddings');

        my %status = $out =~ /recv \(stream_id=(\d+)\) :status: (\d+)/g;

        is(join(' ', map { $status{$_} } sort { $a <=> $b } keys %status),
           '200 401 404 405 403 413 200',
           "refusals beside answers on one connection, $body");
        is(join(' ', sort $out =~ /x-genai-error: (\w+)/g),
           'caller_bad_request caller_forbidden_endpoint '
           . 'caller_forbidden_endpoint caller_too_large '
           . 'caller_unauthenticated', 'their words');
        unlike($out, qr/GOAWAY.*error_code=(?!NO_ERROR)/, 'no quarrel');
    }
}


# ---- event by event

# A curl that runs; its output is read as it comes.

sub stream {
    my (%do) = @_;

    my $pid = open my $f, '-|', 'curl', qw(-sS -N --http2-prior-knowledge
        --max-time 20 -H), 'Content-Type: application/json', '--data-binary',
        json_text({ model => 'm', %do }), "$URL$PATH"
        or die "curl: $!";

    return { f => $f, pid => $pid, got => '', select => IO::Select->new($f) };
}

sub reads {
    my ($s, $want) = @_;

    my $end = time + 5 * $GenAI::Test::SCALE;

    while (length $s->{got} < length $want && time < $end) {
        next if !$s->{select}->can_read(0.1);
        sysread($s->{f}, $s->{got}, 65536, length $s->{got}) or last;
    }

    return $s->{got};
}

my @s = map { stream(do => 'steps', nr => "s$_") } 1 .. 3;
my $sent = '';
my $step = 0;

for my $part ("data: 1\n\n", ": ping\n\n", "data: \xe2\x82\xac\n\n",
              "data: [DONE]\n\n")
{
    $sent .= $part;
    $step++;
    is(reads($_, $sent), $sent, "part $step came before the next was sent")
        for @s;
    $up->signal("s$_ $step") for 1 .. 3;
}

for (@s) {
    1 while sysread($_->{f}, $_->{got}, 65536, length $_->{got});
    is($_->{got}, $sent, 'and nothing else');
    ok(close $_->{f}, 'a good end');
}


# ---- ends

$r = post({ model => 'm', do => 'die' });
is($r->{curl}, 0, 'a stream whose provider dies ends');
is(JSON::PP::decode_json(($r->events)[1]{data})->{error}{code},
   'provider_bad_answer', 'with an error event');
unlike($r->body, qr/DONE/, 'and no [DONE]');

for my $do ('cut', 'cut chunked') {
    $r = post({ model => 'm', do => $do });
    isnt($r->{curl}, 0, "$do: the client sees that it broke off");
    like($r->body, qr/^(?:\{"a":)?$/, "$do: what there was, if anything");
}

is(post({ model => 'm' })->status, 200, 'nginx lives on');

# clients that leave

for my $do (qw(wait begin)) {
    my $s = stream(do => $do, nr => "leaves $do");

    if ($do eq 'wait') {
        ok($up->wait_mark("asked leaves $do"), "$do: asked");
    } else {
        is(reads($s, "data: 1\n\n"), "data: 1\n\n", "$do: begun");
    }

    my ($request) = grep { $_->{body} =~ /leaves $do/ } $up->requests;

    kill 'KILL', $s->{pid};
    close $s->{f};

    ok($up->closed($request->{conn}), "$do: the provider is left");
    ok($t->wait_access($do eq 'wait' ? qr/^499 "caller_gone" HTTP\/2/m
                                     : qr/^200 "caller_gone" HTTP\/2/m, 5,
                       'l.log'), "$do: logged");
}


# ---- many at a time on one connection

SKIP: {
    skip 'nghttp (nghttp2-client) is missing', 5 if $no_nghttp;

    spew("$dir/many", '{"model":"m","do":"many"}');

    my $n = $up->count;
    my ($code, $text) = run_cmd([ 'nghttp', '-m', '20', '-d', "$dir/many",
        '-H', 'content-type: application/json', "$URL$PATH" ]);

    is($code, 0, 'twenty streams on one connection');

    # what they print is mixed at any byte, so single ones are counted
    is($text =~ tr/x//, 20 * 500 * 501, 'all of them whole');
    is($up->count - $n, 20, 'each an exchange');

    # a small window: the client takes 1 KB at a time; what it prints of four
    # streams is mixed at any byte
    my (undef, $one) = run_cmd([ 'nghttp', '-d', "$dir/many",
        '-H', 'content-type: application/json', "$URL$PATH" ]);

    ($code, $text) = run_cmd([ 'nghttp', '-w', '10', '-W', '10', '-d',
        "$dir/many", '-m', '4', '-H', 'content-type: application/json',
        "$URL$PATH" ]);
    is("$code " . length $text, '0 ' . 4 * length $one,
       'through a narrow window');

    # padding is no part of a body
    ($code, $text) = run_cmd([ 'nghttp', '-b', '100', '-d', "$dir/good", '-H',
        'content-type: application/json', "$URL$PATH" ]);
    is($text, '{"model":"m"}', 'padding');
}


done_testing;
