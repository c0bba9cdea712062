# SPDX-License-Identifier: Apache-2.0

# Vertex AI: its paths, as a provider's and as a client's, of Gemini and of
# Claude; access tokens from a file that changes; tokens that are signed here
# with the key file of a service account.

use strict;
use warnings;

use lib 't/lib';

use JSON::PP ();
use MIME::Base64 ();

use GenAI::Test;
use GenAI::Upstream;

my $BASE = '/v1/projects/p/locations/l/publishers';

my %GEMINI = (responseId => 'r', modelVersion => 'g', candidates => [
    { content => { role => 'model', parts => [ { text => 'hi' } ] },
      finishReason => 'STOP', index => 0 } ],
    usageMetadata => { promptTokenCount => 3, candidatesTokenCount => 1,
                       totalTokenCount => 4 });

my %CLAUDE = (id => 'msg_1', type => 'message', role => 'assistant',
    model => 'c', content => [ { type => 'text', text => 'hi' } ],
    stop_reason => 'end_turn',
    usage => { input_tokens => 3, output_tokens => 1 });

my @CLAUDE = (
    { type => 'message_start', message => { %CLAUDE, content => [],
        stop_reason => undef } },
    { type => 'content_block_start', index => 0,
      content_block => { type => 'text', text => '' } },
    { type => 'content_block_delta', index => 0,
      delta => { type => 'text_delta', text => 'hi' } },
    { type => 'content_block_stop', index => 0 },
    { type => 'message_delta', delta => { stop_reason => 'end_turn' },
      usage => { output_tokens => 1 } },
    { type => 'message_stop' });

sub events {
    my ($type, @events) = @_;

    return [ answer => 200, join('', map { ($type ? "event: $_->{type}\n" : '')
        . 'data: ' . json_text($_) . "\n\n" } @events),
        'Content-Type' => 'text/event-stream' ];
}

my $up = GenAI::Upstream->new(route => sub {
    my ($r) = @_;
    my $uri = $r->{uri};

    return [ events(0, \%GEMINI) ] if $uri =~ /alt=sse/;
    return [ [ json => 200, [ \%GEMINI ] ] ] if $uri =~ /:streamGenerate/;
    return [ [ json => 200, \%GEMINI ] ] if $uri =~ /:generateContent/;
    return [ [ json => 200, { totalTokens => 3 } ] ] if $uri =~ /:countTok/;
    return [ [ json => 200, { input_tokens => 3 } ] ] if $uri =~ /count-tokens/;
    return [ events(1, @CLAUDE) ] if $uri =~ /:streamRawPredict/;
    return [ [ json => 200, \%CLAUDE ] ] if $uri =~ /:rawPredict/;
    return [ [ json => 404, { error => { code => 404, message => $uri } } ] ];
});

my $t = GenAI::Test->new(workers => 1);
my $dir = $t->dir;

sub key_file {
    my ($id) = @_;

    run_cmd([ 'openssl', 'genpkey', '-algorithm', 'RSA', '-pkeyopt',
              'rsa_keygen_bits:2048', '-out', "$dir/$id.pem" ]);

    return JSON::PP->new->pretty->canonical->encode({
        type => 'service_account', project_id => 'p', private_key_id => $id,
        private_key => slurp("$dir/$id.pem"),
        client_email => 'sa@p.iam.gserviceaccount.com',
        token_uri => 'https://oauth2.googleapis.com/token' });
}

my %FILE = map { $_ => key_file($_) } qw(one two env);

spew("$dir/token", "ya29.first\n");
spew("$dir/sa.json", $FILE{one});
spew("$dir/half.json", substr $FILE{one}, 0, 500);
spew("$dir/user.json", '{"type": "authorized_user", "refresh_token": "r"}');

$t->{env}{SA_KEY} = $FILE{env};

$t->conf(<<'EOF', UP => $up->port, BASE => $BASE)->run;
http {
    genai_provider token  { dialect gemini;
                            credential file:%%TESTDIR%%/token bearer;
                            pass http://127.0.0.1:%%UP%%%%BASE%%/google; }
    genai_provider key    { dialect gemini;
                            credential file:%%TESTDIR%%/sa.json;
                            pass http://127.0.0.1:%%UP%%%%BASE%%/google/; }
    genai_provider env    { dialect gemini; credential env:SA_KEY;
                            pass http://127.0.0.1:%%UP%%%%BASE%%/google; }
    genai_provider claude { dialect anthropic;
                            credential file:%%TESTDIR%%/sa.json;
                            pass http://127.0.0.1:%%UP%%%%BASE%%/anthropic; }
    genai_provider studio { dialect gemini; credential file:%%TESTDIR%%/token;
                            pass http://127.0.0.1:%%UP%%/v1beta; }
    genai_provider bare   { dialect gemini; credential file:%%TESTDIR%%/token;
                            pass http://127.0.0.1:%%UP%%/google; }
    genai_provider open   { dialect openai;
                            credential file:%%TESTDIR%%/sa.json;
        pass http://127.0.0.1:%%UP%%/v1/projects/p/locations/l/endpoints/x; }
    genai_provider half   { dialect gemini;
                            credential file:%%TESTDIR%%/half.json;
                            pass http://127.0.0.1:%%UP%%%%BASE%%/google; }
    genai_provider user   { dialect gemini;
                            credential file:%%TESTDIR%%/user.json;
                            pass http://127.0.0.1:%%UP%%%%BASE%%/google; }

    genai_model gemini-x { target token; }
    genai_model gem-key  { target key model=gemini-y; }
    genai_model gem-env  { target env; }
    genai_model claude   { target claude model=claude-x@20251001;
                           set claude top_k 5; }
    genai_model studio   { target studio; }
    genai_model bare     { target bare; }
    genai_model open     { target open; }
    genai_model half     { target half; }
    genai_model user     { target user; }

    server {
        listen 127.0.0.1:%%PORT_0%%;
        genai_auth off;
        location / { genai_pass; }
    }
}
EOF

my $SAY = { contents => [ { role => 'user', parts => [ { text => 'x' } ] } ] };

sub last_request { return ($up->requests)[-1] }
sub got { return JSON::PP::decode_json(last_request()->{body}) }

# ---- Gemini, paths and an access token

for my $from ("$BASE/google", '/v1beta') {
    my $r = $t->post("$from/models/gemini-x:generateContent", $SAY);

    is($r->status, 200, "$from: answered") or diag($r->body);
    is($r->json->{modelVersion}, 'g', 'as it was');
    is(last_request()->{uri}, "$BASE/google/models/gemini-x:generateContent",
       'the path');
    is(last_request()->{h}{authorization}, 'Bearer ya29.first',
       'the token');
    is(last_request()->{h}{'x-goog-api-key'}, undef, 'and no key');
    is(last_request()->{body}, json_text($SAY), 'the bytes are the client\'s');

    $r = $t->post("$from/models/gemini-x:streamGenerateContent?alt=sse", $SAY);
    is(scalar(() = $r->body =~ /^data: /mg), 1, 'a stream of events');
    is(last_request()->{uri}, "$BASE/google/models/gemini-x:"
       . 'streamGenerateContent?alt=sse', 'its path');

    $r = $t->post("$from/models/gemini-x:streamGenerateContent", $SAY);
    is(ref $r->json, 'ARRAY', 'a stream that is an array');
    is(last_request()->{uri},
       "$BASE/google/models/gemini-x:streamGenerateContent", 'its path');

    $r = $t->post("$from/models/gemini-x:countTokens", $SAY);
    is(last_request()->{uri}, "$BASE/google/models/gemini-x:countTokens",
       'a count\'s');
}

$t->post('/v1beta/models/studio:generateContent', $SAY);
is(last_request()->{uri}, '/v1beta/models/studio:generateContent',
   'a base URL with a version has one');
is(last_request()->{h}{'x-goog-api-key'}, 'ya29.first', 'with a key');

$t->post('/v1beta/models/bare:generateContent', $SAY);
is(last_request()->{uri}, '/google/v1beta/models/bare:generateContent',
   'and one without gets it');

# ---- another dialect's conversation: Vertex AI knows no ids of calls

my @TALK = ({ role => 'user', content => 'x' },
    { role => 'assistant', tool_calls => [ { id => 'call_1',
        type => 'function', function => { name => 'f',
                                          arguments => '{"a":1}' } } ] },
    { role => 'tool', tool_call_id => 'call_1', content => 'done' });

$t->post('/v1/chat/completions', { model => 'gemini-x', messages => \@TALK });

is(join(' ', sort keys %{ got()->{contents}[1]{parts}[0]{functionCall} }),
   'args name', 'a call without an id');
is(join(' ', sort keys %{ got()->{contents}[2]{parts}[0]{functionResponse} }),
   'name response', 'and its result');

$t->post('/v1/chat/completions', { model => 'studio', messages => \@TALK });
is(got()->{contents}[1]{parts}[0]{functionCall}{id}, 'call_1',
   'which others get');

# ---- Claude

my %ASK = (model => 'claude', max_tokens => 9,
           messages => [ { role => 'user', content => 'x' } ]);

for my $stream (0, 1) {
    my @stream = $stream ? (stream => JSON::PP::true) : ();
    my $path = "$BASE/anthropic/models/claude-x\@20251001:"
        . ($stream ? 'streamRawPredict' : 'rawPredict');

    my $r = $t->post('/v1/messages', { %ASK, @stream },
        headers => [ 'anthropic-beta' => 'b-1',
                     'anthropic-version' => '2023-06-01' ]);

    is($r->status, 200, "claude, stream $stream") or diag($r->body);
    is(last_request()->{uri}, $path, 'the path');
    is(got()->{model}, undef, 'no model in the body');
    is(got()->{anthropic_version}, 'vertex-2023-10-16', 'but the version');
    is(got()->{top_k}, 5, 'what the operator sets');
    is(got()->{messages}[0]{content}, 'x', 'and what is asked');
    is(last_request()->{h}{'anthropic-beta'}, 'b-1', "the client's beta");
    like(last_request()->{h}{authorization}, qr/^Bearer ey/, 'a token');
    like($r->body, qr/"hi"/, 'answered');

    $r = $t->post('/v1/chat/completions', { %ASK, @stream });
    is(last_request()->{uri}, $path, 'the same, translated');
    is(got()->{model}, undef, 'no model in the body');
    is(got()->{anthropic_version}, 'vertex-2023-10-16', 'but the version');
    is(got()->{top_k}, 5, 'what the operator sets');
    is(last_request()->{h}{'anthropic-version'}, undef, 'and no header');
    like($r->body, qr/"content":"hi"/, 'answered');
}

my $r = $t->post('/v1/messages/count_tokens', { model => 'claude',
    messages => $ASK{messages} });
is($r->json->{input_tokens}, 3, 'a count');
is(last_request()->{uri}, "$BASE/anthropic/models/count-tokens:rawPredict",
   'its path');
is(got()->{model}, 'claude-x@20251001', 'with the model');

# ---- tokens of a service account

sub part {
    my ($text) = @_;

    $text =~ tr{-_}{+/};

    return MIME::Base64::decode($text);
}

sub token {
    my ($model, $by) = @_;

    my $n = $up->count;

    ($by || $t)->post("/v1beta/models/$model:generateContent", $SAY);

    return if $up->count == $n;

    my ($token) = (last_request()->{h}{authorization} // '')
        =~ /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/ or return;
    my ($header, $claims, $signature) = split /\./, $token;

    return { token => $token, header => JSON::PP::decode_json(part($header)),
             claims => JSON::PP::decode_json(part($claims)),
             signed => "$header.$claims", signature => part($signature) };
}

sub verified {
    my ($token, $id) = @_;

    spew("$dir/signed", $token->{signed});
    spew("$dir/signature", $token->{signature});
    run_cmd([ 'openssl', 'pkey', '-in', "$dir/$id.pem", '-pubout', '-out',
              "$dir/$id.pub" ]);

    my ($rc) = run_cmd([ 'openssl', 'dgst', '-sha256', '-verify',
        "$dir/$id.pub", '-signature', "$dir/signature", "$dir/signed" ]);

    return $rc == 0;
}

my $one = token('gem-key');

is(json_text($one->{header}), json_text({ alg => 'RS256', typ => 'JWT',
   kid => 'one' }), 'the header of a token');
is($one->{claims}{$_}, 'sa@p.iam.gserviceaccount.com', "its $_")
    for qw(iss sub);
is($one->{claims}{scope}, 'https://www.googleapis.com/auth/cloud-platform',
   'its scope');
is($one->{claims}{exp} - $one->{claims}{iat}, 3600, 'an hour long');
cmp_ok(abs($one->{claims}{iat} - time), '<', 60, 'from now on');
ok(verified($one, 'one'), 'signed with the key');
ok(!verified($one, 'two'), 'and with no other');
is(last_request()->{uri}, "$BASE/google/models/gemini-y:generateContent",
   'the path of a base URL with a slash at its end');

is(token('gem-key')->{token}, $one->{token}, 'and used again');
ok(verified(token('gem-env'), 'env'), 'a key of the environment');

$t->post('/v1/chat/completions', { model => 'open', messages => [
    { role => 'user', content => 'x' } ] });
is(last_request()->{h}{authorization}, "Bearer $one->{token}",
   'of any dialect');

# ---- files that change

spew("$dir/token", "ya29.second\n");
ok(wait_for(sub {
    $t->post("/v1beta/models/gemini-x:generateContent", $SAY);
    last_request()->{h}{authorization} eq 'Bearer ya29.second';
}, 20), 'an access token is re-read');

spew("$dir/sa.json", substr $FILE{two}, 0, 700);
ok($t->wait_log(qr/sa\.json" has changed and is no JSON: .*, its last token /,
                20), 'a file that is cut is told');
is(token('gem-key')->{token}, $one->{token}, 'and is not used');

spew("$dir/sa.json", $FILE{two});

my $two;
ok(wait_for(sub { $two = token('gem-key'); $two->{token} ne $one->{token} },
            20), 'a key is re-read');
is($two->{header}{kid}, 'two', 'it is the new one');
ok(verified($two, 'two'), 'signed with the new key');

spew("$dir/sa.json", "ya29.third\n");
ok(wait_for(sub {
    $t->post('/v1/messages', \%ASK);
    (last_request()->{h}{'x-api-key'} // '') eq 'ya29.third';
}, 20), 'a key becomes another credential');

spew("$dir/sa.json", $FILE{one});
ok(wait_for(sub { my $x = token('gem-key'); $x && $x->{header}{kid} eq 'one' },
            20), 'and a key again');

# ---- a worker that takes a dead one's place has one, too

$t->kill_worker;
ok(wait_for(sub { $two = eval { token('gem-key') } }, 20), 'a new worker');
ok(verified($two, $two->{header}{kid}), 'has a token');

# ---- tokens that are old

my (undef, $said) = GenAI::Test->nginx_t('http { genai_test_jwt 1ms; }');

SKIP: {
    skip 'this build has no genai_test_jwt', 6 if $said =~ /unknown directive/;

    my $o = GenAI::Test->new(name => 'old');

    $o->conf(<<'EOF', UP => $up->port, KEY => "$dir/sa.json")->run;
http {
    genai_test_jwt 1200ms;
    genai_provider key { dialect gemini; credential file:%%KEY%%;
                         pass http://127.0.0.1:%%UP%%; }
    genai_model old { target key; }
    server {
        listen 127.0.0.1:%%PORT_0%%;
        location / { genai_pass; genai_auth off; }
    }
}
EOF

    my (%seen, $x);

    ok(wait_for(sub {
        $x = token('old', $o) or die 'no token';

        $seen{$x->{claims}{iat}} = $x;
        return keys %seen > 2;
    }, 30), 'a token is made anew, and again');

    ok(verified($_, 'one'), 'each of them is signed')
        for (values %seen)[0 .. 2];

    unlink "$dir/sa.json";
    $o->kill_worker;
    ok(wait_for(sub { $x = eval { token('old', $o) } }, 20),
       'a worker that cannot read its key any more');
    ok($x && !$seen{$x->{claims}{iat}} && verified($x, 'one'),
       'has a new one from the beginning');

    spew("$dir/sa.json", $FILE{one});
}

# ---- what cannot be used

for my $case ([ half => qr/half\.json" is no JSON: write/ ],
              [ user => qr/user\.json" is not the key file/ ])
{
    my ($model, $say) = @$case;

    $r = $t->post("/v1beta/models/$model:generateContent", $SAY);
    is($r->status, 503, "$model: refused");
    is($r->header('x-genai-error'), 'gateway_config', 'by that word');
    like($t->error_log, qr/$say.*503 gateway_config/, 'the log says why');
}

my $conf = <<'EOF';
http {
    genai_strict on;
    genai_provider g { dialect gemini; credential file:%%FILE%%;
                       pass http://127.0.0.1:1; }
    server { listen 127.0.0.1:%%PORT_1%%; }
}
EOF

my ($rc, $out) = $t->nginx_t($conf, FILE => "$dir/half.json");
is($rc, 1, 'genai_strict: no start');
like($out, qr/half\.json" is no JSON.*nginx\.conf:\d+/, 'and why');

($rc, $out) = $t->nginx_t($conf, FILE => "$dir/sa.json");
is($rc, 0, 'with a key it is fine') or diag($out);

($rc, $out) = $t->nginx_t($conf, FILE => "$dir/token basic");
isnt($rc, 0, 'what stands behind a source');
like($out, qr/"credential" takes "bearer" behind its source, not "basic"/,
     'is told');

for my $file ('token bearer', 'sa.json') {
    ($rc, $out) = $t->nginx_t($conf,
                              FILE => "$dir/$file; header Authorization x");
    isnt($rc, 0, "the header of a credential, $file");
    like($out, qr/has "credential" and "header authorization"/i,
         'is set once');
}

unlike($t->error_log, qr/PRIVATE KEY|Bearer ey/,
       'no key and no token in the log');

done_testing;
