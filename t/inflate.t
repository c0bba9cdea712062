# SPDX-License-Identifier: Apache-2.0

# Bodies that are coded with gzip: the provider gets what is in them, plain;
# what is no good gzip, and what becomes larger than a body may be, is refused
# before it is read any further.

use strict;
use warnings;

use lib 't/lib';

use Compress::Raw::Zlib;
use Digest::MD5 qw(md5_hex);
use File::Temp ();
use Time::HiRes qw(time);

use GenAI::Test;
use GenAI::Upstream;
use GenAI::Util qw(allot_port);

my $dir = File::Temp->newdir;

my $up = GenAI::Upstream->new(requests => [ [ 'noread', sub {
    my ($c) = @_;

    while (my $r = $c->read_head) {
        my $body = $c->read_bytes($r->{h}{'content-length'}) // return;

        spew("$dir/head", $r->{raw});
        spew("$dir/last", $body);
        $c->answer(200, '{}', 'Content-Type' => 'application/json');
    }
} ] ]);

my $t = GenAI::Test->new(log_level => 'info')->conf(<<'EOF', UP => $up->port,
http {
    log_format l '$status "$genai_error" $genai_step $genai_model '
                 '$request_length';
    access_log %%TESTDIR%%/l.log l;
    keepalive_requests 100000;
    client_max_body_size 1m;

    genai_provider p    { dialect openai; pass http://127.0.0.1:%%UP%%/v1; }
    genai_provider dead { dialect openai; pass http://127.0.0.1:%%DEAD%%; }

    genai_model m    { target p; }
    genai_model else { target dead; target p model=else2; }

    server {
        listen 127.0.0.1:%%PORT_0%%;
        listen 127.0.0.1:%%PORT_1%% %%LISTEN_H2%%;
        %%HTTP2_ON%%
        genai_auth off;

        location /v1/    { genai_pass; }
        location /file/  { genai_pass; client_body_buffer_size 32; }
        location /only/  { genai_pass; client_body_in_file_only clean; }
        location /exact/ { genai_pass; client_max_body_size 1000; }
        location /large/ { genai_pass; client_max_body_size 20m;
                           client_body_buffer_size 20m; }
        location /none/  { genai_pass; client_max_body_size 0; }
        location /falls/ { genai_pass; error_page 502 = @fallback; }
        location @fallback { genai_pass model=m; }
        location /other/ { genai_pass model=m; genai_endpoints other; }
    }

    genai_model dead { target dead; }
}
EOF
                                            DEAD => allot_port())->run;

my ($worker) = $t->worker_pids;
my $client = $t->connect;
my $lines = 0;


# A member of gzip.

sub gzip {
    my ($text, %o) = @_;

    my ($z) = Compress::Raw::Zlib::Deflate->new(-AppendOutput => 1,
        -WindowBits => WANT_GZIP, -Level => $o{level} // 6);
    my $out = '';

    $z->deflate($text, $out);
    $z->flush($out);

    return $out;
}

sub ask {
    my ($body, %o) = @_;

    unlink "$dir/last";
    $lines++;

    $client = $t->connect if $client->{eof};
    $client->request('POST', $o{path} || '/v1/chat/completions',
                     $o{chunked} ? (chunked => $o{chunked}) : (body => $body),
                     headers => $o{headers} || [
                         'Content-Encoding' => $o{coding} // 'gzip' ],
                     step => $o{step});

    return $client->response;
}

sub last_body { return eval { slurp("$dir/last") } // 'nothing' }


# What comes up is the text, without a coding, with its own length.

sub plain {
    my ($what, $text, $body, %o) = @_;

    my $r = ask($body, %o);
    my $got = last_body();

    is($r->status, 200, "$what: answered") or diag($r->body // $r->error);
    ok($got eq $text, "$what: comes up plain")
        or diag(length $got, ' bytes: ', substr $got, 0, 200);

    my $head = slurp("$dir/head");

    unlike($head, qr/^Content-Encoding/mi, "$what: no coding");
    is(join(' ', $head =~ /^Content-Length: (\d+)/mgi), length $text,
       "$what: its length");
}

sub refused {
    my ($what, $status, $word, $message, $body, %o) = @_;

    my $r = ask($body, %o);
    my $e = ($r->json // {})->{error} // {};

    is(join(' ', $r->status, $r->header('x-genai-error') // '-',
            $e->{code} // '-', -e "$dir/last" ? 'sent' : 'not sent'),
       "$status $word $word not sent", "$what: $status")
        or diag($r->body // $r->error);
    like($e->{message}, $message, "$what: why");
    ok($client->reusable, "$what: the connection is kept");
}

my $text = '{"model":"m","messages":[{"role":"user","content":"'
    . 'All work and no play makes Jack a dull boy. ' x 200
    . "\xc3\xa9\\u0000\"}],\"n\":1}";


# ---- good ones

for my $how ([ 'plain' ], [ 'in a file', path => '/file/chat/completions' ],
             [ 'in a file only', path => '/only/chat/completions' ],
             [ 'byte by byte', step => 1 ],
             [ 'x-gzip', coding => 'x-gzip' ], [ 'GZip', coding => 'GZip' ],
             [ 'X-GZIP', coding => 'X-GZIP' ],
             [ 'with identity', headers => [
                 'Content-Encoding' => 'identity',
                 'content-encoding' => 'gzip' ] ])
{
    my ($what, %o) = @$how;

    plain($what, $text, gzip($text), %o);
}

plain("level $_", $text, gzip($text, level => $_)) for 0, 1, 9;

my $gz = gzip($text);

plain('chunked', $text, undef, chunked => [ $gz ]);
plain('chunked, a byte each', $text, undef, chunked => [ split //, $gz ]);
plain('chunked, in a file', $text, undef,
      path => '/file/chat/completions',
      chunked => [ substr($gz, 0, 20), substr($gz, 20) ]);

plain('several members', $text, join '', map { gzip($_) }
      substr($text, 0, 1), substr($text, 1, 3000), substr($text, 3001));
plain('a member a byte', '{"model":"m"}', join '', map { gzip($_) }
      split //, '{"model":"m"}');
plain('empty members before, between, behind', $text, join '', gzip(''),
      gzip(substr $text, 0, 100), gzip('') x 3, gzip(substr $text, 100),
      gzip(''));
plain('10,000 empty members', '{"model":"m"}',
      gzip('') x 10_000 . gzip('{"model":"m"}'));

# a head with everything that one may have: a name, a comment, more

my $deflated = '';
my ($z) = Compress::Raw::Zlib::Deflate->new(-AppendOutput => 1,
                                            -WindowBits => -15);
$z->deflate($text, $deflated);
$z->flush($deflated);

my $end = pack 'VV', crc32($text), length $text;

plain('a head with a name', $text, "\x1f\x8b\x08\x1d\0\0\0\0\0\3"
      . pack('v', 3) . "abcname\0comment\0$deflated$end");

# edited like any other

ask(gzip('{"stream":true,"model":"else"}'));
is(last_body(), '{"stream":true,"model":"else2",'
   . '"stream_options":{"include_usage":true}}', 'edited, with failover');
ask(gzip('{"model":"dead","a":"' . 'x' x 5000 . '"}'),
    path => '/falls/chat/completions');
is(last_body(), '{"model":"m","a":"' . 'x' x 5000 . '"}',
   'found again behind an error_page');

# of a coding there is none, or one that does nothing

ask($text, coding => 'identity');
is(last_body(), $text, 'identity');
unlike(slurp("$dir/head"), qr/^Content-Encoding/mi, 'which goes nowhere');
ask($text, coding => 'Identity');
is(last_body(), $text, 'Identity');

# large ones, which take several turns

for my $mb (1, 8) {
    my $big = '{"model":"m","a":"' . join('', map { sprintf '%08x ',
        ($_ * 2654435761) & 0xffffffff } 1 .. $mb << 16) . '"}';

    plain("${mb} times 600 KB", $big, gzip($big, level => 1),
          path => '/large/chat/completions');
}


# ---- what is no good gzip

my $bad = qr/^the request body is not valid gzip: /;
my @word = (400, 'caller_bad_request');

refused('nothing', @word, qr/$bad/, '');
refused('JSON as it is', @word, $bad, $text);
refused('deflate without a head', @word, $bad, $deflated);
refused('garbage behind', @word, $bad, $gz . 'garbage');
refused('a zero behind', @word, $bad, "$gz\0");
refused('JSON behind', @word, $bad, "$gz\{}");
refused('half a head behind', @word, $bad, "$gz\x1f\x8b\x08");
refused('a wrong sum', @word, $bad, substr($gz, 0, -8) . "\0\0\0\0"
        . substr($gz, -4));
refused('a wrong length', @word, $bad, substr($gz, 0, -4) . "\1\0\0\0");
refused('another method', @word, $bad, "\x1f\x8b\x07" . substr $gz, 3);
refused('a reserved flag', @word, $bad, "\x1f\x8b\x08\xe0" . substr $gz, 4);
refused('a head that never ends', @word, $bad,
        "\x1f\x8b\x08\x08\0\0\0\0\0\3" . 'n' x 100_000);

my ($zlib) = Compress::Raw::Zlib::Deflate->new(-AppendOutput => 1);
my $other = '';

$zlib->deflate($text, $other);
$zlib->flush($other);
refused("zlib's own", @word, $bad, $other);

my @not;

for my $n (0 .. length($gz) - 1) {
    my $r = ask(substr($gz, 0, $n), path => $n % 2
                ? '/v1/chat/completions' : '/file/chat/completions');

    push @not, $n if $r->status != 400
        || $r->json->{error}{message} !~ $bad || -e "$dir/last";
}

is("@not", '', 'cut at every byte');

@not = ();
srand 7;

for my $n (1 .. 300) {
    my $broken = $gz;

    substr($broken, rand length $gz, 1, chr rand 256) for 0 .. rand 3;
    my $r = ask($broken);
    my $sent = last_body();

    # bytes of the head, such as the time, may be any
    push @not, "$n: " . $r->status unless $r->status == 400
        || ($r->status == 200 && $sent eq $text);
}

is("@not", '', 'broken anywhere');

# good gzip, but no good JSON in it

refused('no JSON inside', @word, qr/not valid JSON/, gzip('hello'));
refused('nothing inside', @word, qr/not valid JSON/, gzip(''));
refused('cut JSON inside', @word, qr/not valid JSON/,
        gzip(substr $text, 0, -1));
refused('a byte order mark inside', @word, qr/not valid JSON/,
        gzip("\xef\xbb\xbf$text"));
refused('gzip inside', @word, qr/not valid JSON/, gzip($gz));
is(ask(gzip('{"model":"nope"}'))->status, 404, 'an unknown model inside');
refused('model twice inside', @word, qr/twice/,
        gzip('{"model":"m","Model":"m"}'));


# ---- too large

my $large = qr/^the request body is too large when it is inflated$/;
my @large = (413, 'caller_too_large', $large);

my $fits = '{"model":"m","a":"' . 'x' x 980 . '"}';

is(length $fits, 1000, 'a text of 1000 bytes');
plain('as large as may be', $fits, gzip($fits),
      path => '/exact/chat/completions');
refused('a byte more', @large, gzip("$fits "),
        path => '/exact/chat/completions');
refused('in two members', @large, gzip($fits) . gzip(' '),
        path => '/exact/chat/completions');
plain('and an empty one', $fits, gzip($fits) . gzip(''),
      path => '/exact/chat/completions');

my $bomb = gzip('{"model":"m","a":"' . 'x' x 10_000_000 . '"}');

cmp_ok(length $bomb, '<', 12_000, '10 MB in 10 KB');
refused('10 KB that are 10 MB', @large, $bomb);
refused('in a file', @large, $bomb, path => '/file/chat/completions');
plain('where they may be', '{"model":"m","a":"' . 'x' x 10_000_000 . '"}',
      $bomb, path => '/large/chat/completions');

# 10 GiB: a block of zeros over and over; its end is never reached

my $blocks = '';
my ($d) = Compress::Raw::Zlib::Deflate->new(-AppendOutput => 1,
    -WindowBits => -15, -Level => 9);
my $head = '';

$d->deflate('{"model":"m","a":"' . 'x' x 100_000, $head);
$d->flush($head, Z_FULL_FLUSH);
$d->deflate('x' x (1 << 20), $blocks);
$d->flush($blocks, Z_FULL_FLUSH);

my $huge = "\x1f\x8b\x08\0\0\0\0\0\0\3$head" . $blocks x 10_240;

cmp_ok(length $huge, '<', 20 << 20, '10 GiB in less than 20 MB');

my $rss = $t->rss;
my $began = time;

refused('10 GiB', @large, $huge, path => '/large/chat/completions');
cmp_ok(time - $began, '<', 5 * $GenAI::Test::SCALE, '10 GiB: at once');
cmp_ok($t->rss - $rss, '<', 150_000, '10 GiB: within bounds');
refused('10 GiB where there is no limit', @large, $huge,
        path => '/none/chat/completions');

# what is coded has the limit as well

my $noise = join '', map { chr int rand 256 } 1 .. 1_100_000;
my $r = ask(gzip($noise, level => 0));

is($r->status . ' ' . $r->header('x-genai-error'), '413 caller_too_large',
   'coded and too large');
$client->close;


# ---- other codings

my $unsupported = qr/^a body with content-encoding ".*" is not supported, use/;

for my $coding ('br', 'deflate', 'zstd', 'compress', 'gzip, gzip', 'gzip,br',
                'br, gzip', 'gzip, identity', 'identity, gzip', 'gzip;q=1',
                'gzip2', 'xgzip', 'x-gzi', '*', 'aws-chunked', '"gzip"')
{
    refused("coding $coding", 415, 'caller_bad_request', $unsupported, $gz,
            coding => $coding);
}

for my $two ([ gzip => 'gzip' ], [ gzip => 'br' ], [ br => 'gzip' ],
             [ 'x-gzip' => 'gzip' ], [ identity => 'br' ])
{
    refused("codings $two->[0] and $two->[1] in two lines", 415,
            'caller_bad_request', $unsupported, $gz,
            headers => [ map { ('Content-Encoding' => $_) } @$two ]);
}

refused('an empty coding', 415, 'caller_bad_request', $unsupported, $gz,
        coding => '');

# what is refused is not asked for

for my $coding (qw(br gzip)) {
    my $c = $t->connect;

    $lines++;
    $c->write("POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\n"
              . "Content-Encoding: $coding\r\nExpect: 100-continue\r\n"
              . 'Content-Length: ' . length($gz) . "\r\n\r\n");

    if ($coding eq 'br') {
        my $r = $c->response;

        is($r->status, 415, 'br, before the body');
        is(scalar(@{$r->{informational}}), 0, 'which nobody asked for');

    } else {
        is($c->read_until(qr/\r\n\r\n/), "HTTP/1.1 100 Continue\r\n\r\n",
           'gzip: the body is asked for');
        $c->write($gz);
        is($c->response->status, 200, 'and inflated');
    }

    $c->close;
}

# an opaque body is not looked into

unlink "$dir/last";
is(ask('coded somehow', coding => 'br', path => '/other/files')->status, 200,
   'other: any coding');
is(last_body(), 'coded somehow', 'other: as it came');

# a length that is a provider's business: HEAD and GET have no body

is($t->get('/v1/models', headers => [ 'Content-Encoding' => 'br' ])->status,
   200, 'no body, no coding');
$lines++;


# ---- HTTP/2

SKIP: {
    skip 'curl with HTTP/2 is missing', 6 if !GenAI::Test->can_h2;

    my $h2 = sub {
        my ($body, $path, $coding) = @_;

        $lines++;
        unlink "$dir/last";
        return $t->h2('POST', "/$path/chat/completions", body => $body,
            port => $t->port(1), headers => [
                'Content-Encoding' => $coding || 'gzip',
                'Content-Type' => 'application/json' ]);
    };

    is($h2->($gz, 'v1')->status, 200, 'HTTP/2');
    ok(last_body() eq $text, 'HTTP/2: plain');
    $h2->($gz, 'file');
    ok(last_body() eq $text, 'HTTP/2: from a file');
    is($h2->($bomb, 'v1')->header('x-genai-error'), 'caller_too_large',
       'HTTP/2: too large');
    is($h2->(substr($gz, 0, -1), 'v1')->status, 400, 'HTTP/2: cut');
}


# ---- what is left of it

ok(wait_for(sub { $lines == (() = $t->access_log('l.log') =~ /\n/g) }),
   'each exchange has one line of the log');
is(join(' ', $t->worker_pids), $worker, 'nginx lives on, with its worker');
is(ask($gz)->status, 200, 'and serves');


done_testing;
