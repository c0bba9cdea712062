# SPDX-License-Identifier: Apache-2.0

# The SDK of every dialect in front of the simulated provider in every dialect:
# an application sees no difference.  What the SDKs do is in js/dialects.js.
#
# GENAI_SDK="anthropic openai" asks with one SDK, of one provider, only.

use strict;
use warnings;

use lib 't/lib';

BEGIN { $ENV{GENAI_ALARM} ||= 400 }

use JSON::PP ();

use GenAI::Test;

my $dir = $ENV{GENAI_SDK_DIR} || "$GenAI::Test::ROOT/build/sdk";

plan(skip_all => 'node is not here')
    unless grep { -x "$_/node" } split /:/, $ENV{PATH};

my ($node) = (run_cmd([ 'node', '--version' ]))[1] =~ /^v(\d+)/;

plan(skip_all => "the SDKs want Node 20, here is $node") if $node < 20;

my ($only, $with) = split ' ', $ENV{GENAI_SDK} // '';

my ($rc, $out) = run_cmd([ 't/sdk/install' ], timeout => 300);

is($rc, 0, 'the SDKs are installed') or diag($out);

my @dialects = qw(openai responses anthropic gemini);
my $json = JSON::PP->new->utf8->canonical;

my $sim = GenAI::Test->sim;
my $t = GenAI::Test->new(log_level => 'info');

$t->allow(qr/genai (?:target|provider) /, 'what fails is said');
$t->write_file('credential', "sk-provider\n");
$t->conf("http {\n" . join('', map { <<"EOF" } @dialects) . <<'EOF',
    genai_provider $_ {
        dialect     $_;
        pass        http://127.0.0.1:%%SIM%%@{[ /^(?:op|re)/ ? '/v1' : '' ]};
        credential  file:%%TESTDIR%%/credential;
        header      x-genai-sim;
    }

    genai_model of-$_ { target $_; }

EOF
    server {
        listen 127.0.0.1:%%PORT_0%%;
        location / { genai_pass; genai_auth off; }
    }
}
EOF
    SIM => $sim->port)->run;


my %finish = (
    openai => [ qw(stop length tool_calls) ],
    responses => [ qw(completed max_output_tokens completed) ],
    anthropic => [ qw(end_turn max_tokens tool_use) ],
    gemini => [ qw(STOP MAX_TOKENS STOP) ],
);

my $T = JSON::PP::true;

# the classes of errors that are not the same in all SDKs; 529 is Anthropic's
# own, to others it is 503

my %class = (
    400 => 'BadRequestError', 404 => 'NotFoundError', 413 => 'APIError',
    429 => 'RateLimitError', 500 => 'InternalServerError',
    503 => 'InternalServerError', 529 => 'InternalServerError',
    late => 'APIError',
);

my %classes = (
    openai => \%class,
    responses => { %class, late => 'Failed' },
    anthropic => { %class, 413 => 'ContentTooLargeError',
                   503 => 'ServiceUnavailableError', 529 => 'OverloadedError' },
    gemini => { map { $_ => 'ApiError' } keys %class },
);

sub errors {
    my ($client, $provider) = @_;

    my $failure = sub { return { class => $classes{$client}{$_[0]},
                                 status => $_[1], said => $T } };
    my $busy = $client eq $provider ? 529 : 503;

    return {
        (map { $_ => $failure->($_, $_) } 400, 404, 413, 429, 500),
        529 => $failure->($busy, $busy), stream => $failure->(429, 429),
        model => $failure->(404, 404),
        late => $failure->('late', $client eq 'gemini' ? 500 : undef),
    };
}


for my $client (grep { !$only || $_ eq $only } @dialects) {
    my ($stop, $length, $tool) = @{$finish{$client}};

    my $call = { name => 'get_weather', args => { town => 'Bern', days => 3 } };

    my %expected = (
        chat => { words => 9, finish => $stop, usage => [ $T, 9 ] },
        stream => { text => 'one,two,three', same => $T, finish => $stop,
                    usage => [ $T, 5 ] },
        length => { words => 1000, finish => $length },
        thoughts => { words => 4, usage => [ $T, 9 ] },
        system => [ [ 'system', [ 'text', 'Be brief.' ] ],
                    [ 'user', [ 'text', 'Hello' ] ] ],
        schema => { title => '', pages => 0, steps => [] },
        image => [ [ 'user', [ 'text', 'What is it?' ], [ 'image', 70 ] ] ],
        models => [ map { "of-$_" } sort @dialects ],
        count => $client eq 'openai' ? undef : $T,
    );

    for ([ tools => 1 ], [ tools_stream => 1 ], [ parallel => 3 ],
         [ parallel_stream => 3 ])
    {
        my ($name, $n) = @$_;

        $expected{$name} = {
            calls => [ ($call) x $n ], ids => $n, finish => $tool, n => $n,
            understood => [
                [ 'user', [ 'text', 'How is it?' ] ],
                [ 'assistant', ([ 'call', '{"town":"Bern","days":3}' ]) x $n ],
                [ 'user', map { [ 'result', "sunny $_" ] } 0 .. $n - 1 ] ],
        };
    }

    my ($rc, $out, $err) = run_cmd([ 'node', 't/sdk/js/dialects.js', $client,
        map { "of-$_" } grep { !$with || $_ eq $with } @dialects ],
        split => 1, timeout => 120,
        env => { BASE_URL => 'http://127.0.0.1:' . $t->port(0),
                 NODE_PATH => "$dir/node/node_modules",
                 (map { $_ => '' } qw(http_proxy https_proxy all_proxy
                  HTTP_PROXY HTTPS_PROXY ALL_PROXY OPENAI_ORG_ID
                  OPENAI_PROJECT_ID GOOGLE_API_KEY GEMINI_API_KEY)) });

    is($rc, 0, "$client: the script ends well") or diag($err);

    for my $line (map { $json->decode($_) } split /\n/, $out) {
        my ($name, $model, $got) = @$line{qw(name model result)};

        my $want = $name eq 'errors' ? errors($client, $model =~ s/of-//r)
                                     : $expected{$name};

        is_deeply($got, $want, "$client, $model: $name")
            or diag($json->encode([ $got ]));
    }
}

done_testing;
