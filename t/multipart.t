# SPDX-License-Identifier: Apache-2.0

# Uploads: images and sound as multipart/form-data.  The part "model" is read
# and written, all else goes up as it came, whatever is in it and however it
# arrives.

use strict;
use warnings;

use lib 't/lib';

use Compress::Raw::Zlib ();
use Digest::SHA qw(sha256_hex);
use JSON::PP ();

use GenAI::Test;
use GenAI::Upstream;
use GenAI::Util qw(allot_port);

my $SSE = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
    . "Transfer-Encoding: chunked\r\n\r\n";

# what is answered goes by the file's name
my $up = GenAI::Upstream->new(lossy => 1, route => sub {
    my ($r) = @_;
    my ($do) = $r->{body} =~ /filename="(.*?)\.wav"/;

    $do //= '';

    return [ [ json => 200, { text => 'hello', usage => { type => 'tokens',
        input_tokens => 14, output_tokens => 45, total_tokens => 59,
        input_token_details => { audio_tokens => 14 } } } ] ]
        if $do eq 'tokens';
    return [ [ json => 200, { text => 'hello', usage => { type => 'duration',
        seconds => 9 } } ] ] if $do eq 'seconds';
    return [ [ json => 200, { text => 'hello' } ] ] if $do eq 'none';
    return [ [ answer => 200, "1\n00:00:00,000 --> 00:00:01,000\nhello\n",
               'Content-Type', 'text/plain; charset=utf-8' ] ]
        if $do eq 'srt';
    return [ [ send => $SSE ],
             [ chunk => qq(data: {"type":"transcript.text.delta",)
               . qq("delta":"hello"}\n\n),
               qq(data: {"type":"transcript.text.done","text":"hello",)
               . qq("usage":{"type":"tokens","input_tokens":14,)
               . qq("output_tokens":45,"total_tokens":59}}\n\n) ],
             'chunk_end' ] if $do eq 'stream';
    return [ [ json => 503, { error => { message => 'busy' } } ] ]
        if $do eq 'busy' && $r->{body} !~ /second/;
    return [ [ json => 400, { error => { message => 'no' } } ] ]
        if $do eq 'no';

    return [ [ json => 200, { uri => $r->{uri}, body => $r->{body},
        type => $r->{h}{'content-type'}, framing => $r->{framing},
        length => $r->{h}{'content-length'},
        coding => $r->{h}{'content-encoding'} // '' } ] ];
});

my $policy = { schema => 1, keys => {
    all => { sha256 => [ sha256_hex('sk-multipart-all-0123456789') ],
             models => [ 'm' ] },
    money => { sha256 => [ sha256_hex('sk-multipart-money-0123456789') ],
               limits => [ '$1/1h', '1000 tokens/1h' ] },
} };

my $t = GenAI::Test->new(log_level => 'info');

$t->write_file('policy.json', JSON::PP->new->canonical->encode($policy));
$t->write_file('own.json', JSON::PP->new->canonical->encode({ schema => 1,
    models => { priced => { price => { input => 10, output => 20 } } } }));

$t->conf(<<'EOF',
http {
    client_body_buffer_size 8k;
    client_max_body_size 20m;

    log_format l '$status "$genai_error" $genai_endpoint $genai_attempts '
                 '$genai_model $genai_prompt_tokens '
                 '$genai_completion_tokens $genai_count_source $genai_finish '
                 '$genai_stream $genai_cost';
    access_log %%TESTDIR%%/l.log l;

    genai_policy %%TESTDIR%%/policy.json;
    genai_catalog %%TESTDIR%%/own.json;

    genai_provider p { dialect openai; pass http://127.0.0.1:%%UP%%/v1; }
    genai_provider dead { dialect openai; pass http://127.0.0.1:%%DEAD%%; }
    genai_model m { target p; }
    genai_model named { target p model=whisper-1; }
    genai_model long { target p model=%%LONG%%; set p temperature 1; }
    genai_model priced { target p; }
    genai_model two { target dead; target p model=second; }
    genai_model next { target p model=first name=a;
                       target p model=second name=b; }

    server {
        listen 127.0.0.1:%%PORT_0%%;
        listen 127.0.0.1:%%PORT_1%% %%LISTEN_H2%%;
        %%HTTP2_ON%%
        genai_auth off;
        genai_endpoints images audio;

        location /v1/    { genai_pass; }
        location /fixed/ { genai_pass model=named; }
        location /small/ { genai_pass; client_max_body_size 10k; }
        location /key/   { genai_auth on; genai_pass; }
        location /chat/  { genai_pass; genai_endpoints chat; }
        location /in/    { genai on; proxy_pass http://127.0.0.1:%%UP%%/; }
    }
}
EOF
    UP => $up->port, DEAD => allot_port(), LONG => 'x' x 200)->run;

my $PATH = '/v1/audio/transcriptions';

sub part { return qq(--B\r\nContent-Disposition: form-data; name="$_[0]")
           . "\r\n\r\n$_[1]\r\n" }
sub file { return qq(--B\r\nContent-Disposition: form-data; name="file"; )
           . qq(filename="$_[0].wav"\r\nContent-Type: audio/wav\r\n\r\n)
           . ($_[1] // 'RIFF') . "\r\n" }
sub form { return join '', @_, "--B--\r\n" }

sub send_to {
    my ($path, $body, %o) = @_;

    return $t->post($path, $body, %o, headers => [ 'Content-Type',
        $o{type} // 'multipart/form-data; boundary=B',
        @{$o{headers} // []} ]);
}

sub word {
    my ($r) = @_;

    return $r->status . ' ' . ($r->header('x-genai-error') // '-');
}

sub seen { return ($_[0]->json // {})->{body} // '' }


# ---- the body: byte for byte, but for the model

my $junk = join '', "\r\n--\r\n--b\n\r\r\n-B--", map { chr } 0 .. 255;
my $body = form(part(language => 'de'), file(x => $junk), part(model => 'm'));

for my $path ('/v1/audio/transcriptions', '/v1/audio/translations',
              '/v1/images/edits', '/v1/images/variations')
{
    my $r = send_to($path, $body);

    is($r->status, 200, $path) or diag($r->body);
    is($r->json->{uri}, $path, "$path goes up");
    ok(seen($r) eq $body, "$path: as it came");
    is($r->json->{type}, 'multipart/form-data; boundary=B',
       "$path: with its type");
}

for ([ named => 'whisper-1' ], [ long => 'x' x 200 ]) {
    my ($model, $own) = @$_;

    for my $form ([ part(model => $model), file('x', $junk) ],
                  [ file('x', $junk), part(model => $model) ])
    {
        my $r = send_to($PATH, form(@$form));
        (my $want = form(@$form)) =~ s/\r\n$model\r\n/\r\n$own\r\n/;

        ok(seen($r) eq $want, "$model becomes its target's own name")
            or diag($r->body);
        is(($r->json // {})->{length}, length $want, 'the length is right');
    }
}

my $r = send_to('/fixed/audio/transcriptions', form(file('x')));
ok(seen($r) eq form(part(model => 'whisper-1'), file('x')),
   'a model of the location: a part more') or diag($r->body);
is($r->json->{length}, length seen($r), 'its length');
$r = send_to('/fixed/audio/transcriptions', "\r\n" . form(file('x')));
ok(seen($r) eq "\r\n" . form(part(model => 'whisper-1'), file('x')),
   'behind a line end');
$r = send_to('/fixed/audio/transcriptions', form(file('x'),
                                                 part(model => 'any')));
ok(seen($r) eq form(file('x'), part(model => 'whisper-1')),
   'and in the place of another');

# however it arrives, and wherever nginx keeps it

for ([ 100, 'a buffer' ], [ 7000, 'the buffer' ], [ 30_000, 'a file' ])
{
    my ($n, $what) = @$_;
    my $data = join '', map { chr(65 + $_ % 26) } 1 .. 1000;
    my $body = form(file('x', substr($data x ($n / 1000 + 1), 0, $n)),
                    part(model => 'named'));
    (my $want = $body) =~ s/named/whisper-1/;

    for my $how ('at once', 'chunked', 'gzip', 'in pieces')
    {
        my $bytes = $body;

        if ($how eq 'gzip') {
            my ($d) = Compress::Raw::Zlib::Deflate->new(
                -WindowBits => Compress::Raw::Zlib::WANT_GZIP(),
                -AppendOutput => 1);
            $bytes = '';
            $d->deflate($body, $bytes);
            $d->flush($bytes);
        }

        my $r = send_to($PATH, $bytes,
            $how eq 'chunked' ? (chunked => [ $bytes =~ /(.{1,9973})/gs ])
            : $how eq 'in pieces' ? (step => 997)
            : $how eq 'gzip' ? (headers => [ 'Content-Encoding', 'gzip' ])
            : ());

        ok(seen($r) eq $want, "$what, $how") or diag(substr $r->body, 0, 300);
        is(($r->json // {})->{framing}, 'length', 'with a length');
        is(($r->json // {})->{coding}, '', 'not coded');
    }
}

SKIP: {
    skip 'curl has no HTTP/2', 1 if !$t->can_h2;

    my $r = $t->h2('POST', $PATH, port => $t->port(1), body => $body,
                   headers => [ 'Content-Type' =>
                                'multipart/form-data; boundary=B' ]);
    ok(seen($r) eq $body, 'HTTP/2');
}


# ---- what is refused, before anybody is asked

my $n = $up->count;

for ([ form(file('x')), '400 caller_bad_request', 'no model' ],
     [ form(part(model => 'm'), part(model => 'm')),
       '400 caller_bad_request', 'two models' ],
     [ form(part(model => 'm'), part(Model => 'n')),
       '400 caller_bad_request', 'and one in another case' ],
     [ form(part(model => '')), '400 caller_bad_request', 'an empty one' ],
     [ form(part(model => "m\r\nn")), '400 caller_bad_request', 'two lines' ],
     [ form(part(model => 'unknown')), '404 caller_forbidden_model',
       'an unknown one' ],
     [ part(model => 'm'), '400 caller_bad_request', 'half a body' ],
     [ '', '400 caller_bad_request', 'none' ],
     [ form(file('x', "\n--B\nContent-Disposition: form-data; "
                 . qq(name="model"\n\nn\n)), part(model => 'm')),
       '400 caller_bad_request', 'line feeds alone' ])
{
    my ($body, $want, $what) = @$_;
    my $r = send_to($PATH, $body);

    is(word($r), $want, $what);
    ok($r->json->{error}{message}, "$what: told") ;
}

like(send_to($PATH, form(part(model => 'm'), part(model => 'm')))
     ->json->{error}{message}, qr/at byte \d+: its part "model" stands twice/,
     'what is wrong, and where');

for my $type ('application/x-www-form-urlencoded', 'multipart/form-data',
              'multipart/mixed; boundary=B', 'application/json',
              'multipart/form-data; boundary=B; boundary=C')
{
    is(word(send_to($PATH, $body, type => $type)), '415 caller_bad_request',
       $type);
}

is(word(send_to($PATH, $body, headers =>
                [ 'Content-Type', 'multipart/form-data; boundary=C' ])),
   '415 caller_bad_request', 'two types');
is(word(send_to($PATH, $body, headers => [ 'Content-Encoding', 'br' ])),
   '415 caller_bad_request', 'coded otherwise');
is(word(send_to('/small/audio/translations', form(file('x', 'y' x 20_000)))),
   '413 caller_too_large', 'too large');
is(word(send_to('/chat/audio/translations', $body)),
   '404 caller_forbidden_endpoint', 'not listed');
is(word($t->get($PATH)), '405 caller_bad_request', 'GET');
is(word(send_to('/key/audio/transcriptions', form(part(model => 'm')))),
   '401 caller_unauthenticated', 'nobody');
is(word(send_to('/key/audio/transcriptions', form(part(model => 'named')),
                headers => [ Authorization =>
                             'Bearer sk-multipart-all-0123456789' ])),
   '404 caller_forbidden_model', 'a model that is not allowed');
is(word(send_to('/v1/images/edits', '{"model":', type => 'application/json')),
   '400 caller_bad_request', 'what is said to be JSON is read as JSON');
is($up->count, $n, 'nobody was asked');


# ---- what it was

for ([ tokens => '14 45 provider complete 0 0.00' ],
     [ seconds => '0 0 provider complete 0 0.00' ],
     [ none => '0 0 estimated complete 0 0.00' ],
     [ srt => '0 0 estimated complete 0 0.00' ],
     [ stream => '14 45 provider complete 1 0.00' ],
     [ no => '0 0 none error 0 0.00' ])
{
    my ($do, $want) = @$_;
    my $r = send_to($PATH, form(file($do), part(model => 'm'),
        part(stream => $do eq 'stream' ? 'true' : 'false')));

    ok($t->wait_access(qr/^\d+ "\w*" audio 1 m \Q$want\E/m, 5, 'l.log'), $do)
        or diag($t->access_log('l.log') =~ /([^\n]*\n)\z/, $want);
    like($r->body, qr/hello/, "$do: passes") if $do ne 'no';
}

is(send_to($PATH, form(file('srt'), part(model => 'm')))
   ->header('content-type'), 'text/plain; charset=utf-8', 'subtitles');

send_to($PATH, form(file('tokens'), part(model => 'priced')));
ok($t->wait_access(qr/ priced 14 45 provider complete 0 0\.00104/, 5,
                   'l.log'), 'a price for its tokens');

my @money = (headers => [ Authorization =>
                          'Bearer sk-multipart-money-0123456789' ]);

is(word(send_to('/key/audio/transcriptions',
                form(file('tokens'), part(model => 'm')), @money)),
   '429 policy_quota', 'nobody knows what it costs');
is(word(send_to('/key/audio/transcriptions',
                form(file('tokens'), part(model => 'priced')), @money)),
   '200 -', 'that of a price is let in');


# ---- the body is held: another target can have it

$r = send_to($PATH, form(file('x', $junk x 60), part(model => 'two')));
ok(seen($r) eq form(file('x', $junk x 60), part(model => 'second')),
   'a dead target, a body in a file');
ok($t->wait_access(qr/^200 "" audio 2 two /m, 5, 'l.log'), 'two attempts');
$r = send_to($PATH, form(file('busy'), part(model => 'next')));
ok(seen($r) eq form(file('busy'), part(model => 'second')),
   'each has its own name');

# the client leaves

{
    my $c = $t->connect;
    my $n = $up->count;

    $c->write("POST $PATH HTTP/1.1\r\nHost: a\r\nContent-Type: "
              . "multipart/form-data; boundary=B\r\nContent-Length: 100000"
              . "\r\n\r\n" . part(model => 'm'));
    $c->close;
    ok($t->wait_access(qr/^(?:400|499) "caller_gone" audio 0 /m, 5, 'l.log'),
       'a client that leaves')
        or diag($t->access_log('l.log') =~ /([^\n]*\n)\z/);
    is($up->count, $n, 'nobody was asked');
}


# ---- inline

$r = send_to('/in/v1/audio/transcriptions', $body);
ok(seen($r) eq $body, 'inline: as it came') or diag($r->body);
send_to('/in/v1/audio/transcriptions', form(file('tokens'),
                                            part(model => 'in')));
ok($t->wait_access(qr/ in 14 45 provider /, 5, 'l.log'), 'inline: metered');
is(word(send_to('/in/v1/audio/transcriptions', form(part(model => 'a'),
                                                    part(model => 'b')))),
   '400 caller_bad_request', 'inline: two models');


done_testing;
