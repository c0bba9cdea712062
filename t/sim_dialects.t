# SPDX-License-Identifier: Apache-2.0

# The simulated provider in every dialect: what it says, as clients of that
# dialect read it, its faults, its record, and what it has understood.

use strict;
use warnings;

use lib 't/lib';

use Compress::Zlib ();
use Time::HiRes qw(time);

use GenAI::Dialect qw(dialect dialects);
use GenAI::Test;

my @DIALECTS = dialects();

my $t = GenAI::Test->new(modules => ['genai_sim'], workers => 1)
    ->conf(<<'EOC')->run;
http {
    server {
        listen 127.0.0.1:%%PORT_0%%;
        location / { genai_sim; }
    }
}
EOC

my %HI = (model => 'm', system => [ 'be brief' ], turns => [
    { role => 'user', parts => [ { text => 'hi' } ] } ]);

my %TOOLS = (%HI, tools => [ { name => 'look', description => 'looks',
    schema => { type => 'object', required => [ 'at' ], properties =>
                { at => { type => 'string', enum => [ 'it' ] } } } } ]);

my $PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9Q'
    . 'DwADhgGAWjR9awAAAABJRU5ErkJggg==';

sub post {
    my ($d, $line, $ask, @headers) = @_;

    my ($uri, $body, @h) = $d->ask($ask);

    return $t->post($uri, $body, headers => [ @h, @headers,
        $line ? ('x-genai-sim' => $line) : () ]);
}

# what a client of the dialect hears; every failure has a name of its own

sub heard {
    my ($d, $line, $ask) = @_;

    my $r = post($d, $line, $ask);
    my $h = eval { $d->heard($r) };

    is($@, '', $d->name . ': ' . ($line || 'plain')
       . ($ask->{stream} ? ', a stream' : '') . ': as it should be')
        or diag($r->body);

    return $h || {};
}

sub row { return $t->get("/ledger?request_id=$_[0]")->json->[-1] || {} }


for my $d (map { dialect($_) } @DIALECTS) {
    my $name = $d->name;

    for my $stream (0, 1) {
        my $how = $name . ($stream ? ', a stream' : '');
        my $h = heard($d, '', { %HI, stream => $stream });

        my $said = $h->{text} // '';

        is(scalar(split / /, $said), 16, "$how: sixteen words");
        is($h->{stop}, 'stop', "$how: its end");
        is($h->{model}, 'm', "$how: the model") if $h->{model};
        is($h->{usage}{completion}, 16, "$how: completion");
        ok($h->{usage}{prompt} > 10, "$how: prompt");

        $h = heard($d, 'tokens=9', { %HI, stream => $stream, max => 4 });
        is($h->{stop}, 'length', "$how: cut");
        is($h->{usage}{completion}, 4, "$how: to what was allowed");

        $h = heard($d, '', { %TOOLS, stream => $stream });
        is($h->{stop}, 'tool', "$how: a call's end");
        is_deeply([ map { @$_{qw(name args)} } @{$h->{calls}} ],
                  [ 'look', { at => 'it' } ], "$how: a call");

        # what a tool has said is answered in words

        $h = heard($d, '', { %TOOLS, stream => $stream, turns => [
            @{$HI{turns}}, { role => 'assistant', raw => $h->{raw} },
            { role => 'user', parts => [ { result => { id =>
                $h->{calls}[0]{id}, text => 'seen' } } ] } ] });
        is($h->{stop}, 'stop', "$how: a result is no reason to call again");

        $h = heard($d, 'calls=3 reasoning=5', { %TOOLS, stream => $stream });
        is(scalar @{$h->{calls}}, 3, "$how: parallel calls");

        my %ids = map { $_->{id} => 1 } @{$h->{calls}};

        is(scalar keys %ids, 3, "$how: with ids of their own");
        is(scalar(split / /, $h->{thought}), 5, "$how: and a thought");
        like($h->{signature}, qr/^[0-9a-f]{16}$/, "$how: that is signed")
            if $d->bodies ne 'openai';

        $h = heard($d, 'cached=7 reasoning=4', { %HI, stream => $stream });
        is($h->{usage}{cached}, 7, "$how: cached");
        is($h->{usage}{completion}, 20, "$how: thoughts are counted");
        is($h->{usage}{reasoning}, 4, "$how: and told")
            if $name !~ /^(?:anthropic|bedrock)$/;

        $h = heard($d, '', { %HI, stream => $stream, schema =>
            $TOOLS{tools}[0]{schema} });
        is($h->{text}, '{"at":"it"}', "$how: as the schema has it");

        $h = heard($d, 'refusal', { %HI, stream => $stream });
        is(($h->{text} // '') . ($h->{refusal} // ''),
           'I cannot help with that.', "$how: a refusal");
        ok($h->{refused}, "$how: that is one");

        ok(heard($d, 'filter', { %HI, stream => $stream })->{refused},
           "$how: a filter");

        is_deeply(heard($d, 'status=429', { %HI, stream => $stream })->{error},
                  { status => 429, message => 'the rate limit is reached' },
                  "$how: an error in its shape");
        is(post($d, 'status=429', \%HI)->header('x-amzn-errortype'),
           'ThrottlingException', "$how: its kind in a header")
            if $name eq 'bedrock';
        is(post($d, 'html', { %HI, stream => $stream })
           ->header('content-type'), 'text/html', "$how: a page");
        is(post($d, 'body=x type=text/plain', { %HI, stream => $stream })
           ->body, 'x', "$how: a body as it is");
        is(post($d, 'cut=50', { %HI, stream => $stream })->complete, 0,
           "$how: cut");

        my $r = post($d, 'gzip', { %HI, stream => $stream });

        like(Compress::Zlib::memGunzip($r->body) // '', qr/\Q@{[
             (split ' ', $said)[1] ]}\E/, "$how: compressed");
    }

    # a stream that fails, and one that is slow

    my $h = heard($d, 'error_after=5', { %HI, stream => 1 });
    like($h->{error}{message}, qr/had an error/, "$name: an error at last");

    my $begin = time;

    heard($d, 'ttft=50 rate=200', { %HI, stream => 1 });
    cmp_ok(time - $begin, '>=', 0.12, "$name: paced");

    # what was understood of a request, and what is recorded of it

    my $id = "id-$name";
    my $r = post($d, 'echo', { %HI, turns => [ { role => 'user', parts => [
        { text => "a \x{e9}" }, { image => { type => 'image/png', data =>
        $PNG } } ] } ] }, 'x-genai-request-id' => $id);
    my $text = $d->heard($r)->{text};

    utf8::encode($text);

    my $echo = $d->decode($text);

    is($echo->{dialect}, $name, "$name: the echo is of it");
    is_deeply($echo->{turns}, [
        { role => 'system', parts => [ { kind => 'text', text =>
          'be brief' } ] },
        { role => 'user', parts => [ { kind => 'text', text => "a \x{e9}" },
          { kind => 'image', source => 'data', type => 'image/png',
            bytes => 70 } ] } ], "$name: all of it");

    my $row = row($id);

    is($row->{model}, 'm', "$name: recorded, the model");
    is($row->{end}, 'done', "$name: the end");
    is($row->{tokens_written}, $d->heard($r)->{usage}{completion},
       "$name: the tokens");
    is($row->{completion_tokens_reported}, $row->{tokens_written},
       "$name: as reported");

    # nonsense is refused in its words

    my ($uri, $body, @headers) = $d->ask(\%HI);

    $r = $t->post($uri, '{', headers => \@headers);
    is($r->status, 400, "$name: no JSON");
    isnt($d->heard($r)->{error}{message}, '', "$name: is said");
}


# a stream of which a client takes a part: what it did not take is no token

for my $d (map { dialect($_) } @DIALECTS) {
    my $id = 'gone-' . $d->name;
    my ($uri, $body, @headers) = $d->ask({ %HI, stream => 1, max => 1000 });
    my $c = $t->connect;

    $c->request('POST', $uri, body => json_text($body), headers => [ @headers,
        'x-genai-request-id' => $id, 'x-genai-sim' => 'tokens=99 silence=9' ]);
    $c->head;
    $c->piece;
    $c->close;

    wait_for(sub { row($id)->{status} });

    my $n = row($id)->{tokens_written};

    ok($n > 0 && $n < 10, $d->name . ": $n tokens of nine events");
}


# counts

for (['/v1/messages/count_tokens', 'input_tokens'],
     ['/v1/responses/input_tokens', 'input_tokens'],
     ['/v1beta/models/m:countTokens', 'totalTokens'])
{
    my ($uri, $member) = @$_;
    my $d = dialect($uri =~ /messages/ ? 'anthropic'
                    : $uri =~ /responses/ ? 'responses' : 'gemini');
    my (undef, $body) = $d->ask(\%HI);

    delete $body->{generationConfig};

    my $r = $t->post($uri, $body);

    is($r->status, 200, "$uri: answers");
    is($r->json->{$member}, int(length(json_text($body)) / 4),
       "$uri: a number");
}


# Gemini's streams without events

my (undef, $body) = dialect('gemini')->ask(\%HI);
my $r = $t->post('/v1beta/models/m:streamGenerateContent', $body);

is($r->header('content-type'), 'application/json', 'a JSON array');

my $h = eval { dialect('gemini')->heard_of(@{$r->json}) };

is($@, '', 'of chunks');
is(scalar(split / /, $h->{text}), 16, 'with all words');

$r = $t->post('/v1beta/models/m:streamGenerateContent', $body,
              headers => [ 'x-genai-sim' => 'error_after=3' ]);
is(scalar @{$r->json}, 4, 'an error is an element');
ok($r->json->[-1]{error}{code}, 'the last one');

done_testing();
