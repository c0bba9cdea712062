# SPDX-License-Identifier: Apache-2.0

# Recorded answers of real providers, through the gateway to the SDK of every
# dialect: what the SDK makes of them is what was said, whole and as a stream.
# What the SDKs do is in js/recorded.js.  The recordings are no part of the
# project.
#
# GENAI_SDK="anthropic openai/..." asks with one SDK, for what matches, only;
# GENAI_EVERY=1 also asks those SDKs for the other kind (a stream of what was
# recorded whole) that are otherwise asked for one in four.

use strict;
use warnings;

use lib 't/lib';

BEGIN { $ENV{GENAI_ALARM} ||= 600 }

use JSON::PP ();
use List::Util qw(max);

use GenAI::Test;
use GenAI::Upstream;

my $DATA = $ENV{GENAI_FIXTURES} || "$GenAI::Test::ROOT/../shared/data/fixtures";
my $dir = $ENV{GENAI_SDK_DIR} || "$GenAI::Test::ROOT/build/sdk";

plan(skip_all => "no recorded answers at $DATA") unless -d $DATA;
plan(skip_all => 'node is not here')
    unless grep { -x "$_/node" } split /:/, $ENV{PATH};

my ($node) = (run_cmd([ 'node', '--version' ]))[1] =~ /^v(\d+)/;

plan(skip_all => "the SDKs want Node 20, here is $node") if $node < 20;

# streams without a finish_reason, which OpenAI's SDK wants
my $lacking = qr/test_tools_streaming_variant_[ab]/;

# calls that are told backwards, their names last, of which a stream of
# Bedrock's is not told the name
my $backwards = qr{^gpustack\.chat/.*--chat_function_calling_};

my ($only, $pattern) = split ' ', $ENV{GENAI_SDK} // '';

my ($rc, $out) = run_cmd([ 't/sdk/install' ], timeout => 300);

is($rc, 0, 'the SDKs are installed') or diag($out);

my %dialect = (chat => 'openai', responses => 'responses',
               messages => 'anthropic', generateContent => 'gemini',
               streamGenerateContent => 'gemini');
my @clients = grep { !$only || $_ eq $only }
    qw(openai responses anthropic gemini bedrock);

my $json = JSON::PP->new->utf8->canonical->allow_nonref;


# What was recorded: by number, as that is what models are called.

my @recorded;

for my $path (sort glob "$DATA/*.*/*.meta.json") {
    my ($name, $provider, $endpoint)
        = $path =~ m{((?:([^/]+))\.([^/.]+)/[^/]+)\.meta\.json$} or next;

    next if !$dialect{$endpoint} || $pattern && $name !~ $pattern;

    my ($body) = grep { -f } map { $path =~ s/meta\.json$/response.$_/r }
        qw(sse json);
    my $meta = $json->decode(slurp($path));

    push @recorded, {
        name => $name, body => $body, meta => $meta,
        dialect => $dialect{$endpoint}, stream => $body =~ /sse$/ ? 1 : 0,
        said => said($meta, $endpoint, $body),
        vendor => $provider =~ /^(?:openai|anthropic|gemini)$/
            && $name !~ $lacking
            && ($meta->{expected}{finish} // '') ne 'function_call',
        array => scalar("$endpoint $body" =~ /^stream.*json$/),
    } if $body;
}

my $up = GenAI::Upstream->new(lossy => 1, route => sub {
    my ($request) = @_;
    my ($n) = "$request->{uri} $request->{body}" =~ /recorded-\w+-(\d+)/;
    my ($status, $headers) = @{$recorded[$n]{meta}}{qw(status
                                                      response_headers)};

    return [ [ answer => $status, slurp($recorded[$n]{body}),
               'Content-Type' => $headers->{'content-type'}
               // ($recorded[$n]{stream} ? 'text/event-stream'
                                         : 'application/json') ] ];
});

my $t = GenAI::Test->new(log_level => 'info');

$t->allow(qr/genai (?:target|provider) /, 'what fails is said');
$t->write_file('credential', "sk-provider\n");
$t->conf("http {\n" . join('', map { <<"EOF" } qw(openai responses anthropic
    genai_provider $_ {
        dialect     $_;
        pass        http://127.0.0.1:%%UP%%/v1;
        credential  file:%%TESTDIR%%/credential;
    }

    genai_model recorded-$_-* { target $_; }

EOF
    gemini)) . <<'EOF', UP => $up->port);
    server {
        listen 127.0.0.1:%%PORT_0%%;
        location / { genai_pass; genai_auth off; }
    }
}
EOF
$t->run;


for my $client (@clients) {
    my (@jobs, %wrong, %asked, %got);

    for my $n (0 .. $#recorded) {
        my $r = $recorded[$n];

        for my $stream (0, 1) {
            next if $client eq $r->{dialect}
                && ($stream != $r->{stream} || !$r->{vendor} || $r->{array});
            next if $stream != $r->{stream} && !$ENV{GENAI_EVERY} && $n % 4;
            next if $stream && $client eq 'bedrock'
                && $r->{name} =~ $backwards;

            push @jobs, { model => "recorded-$r->{dialect}-$n",
                          stream => $stream ? JSON::PP::true
                                            : JSON::PP::false };
        }
    }

    my ($rc, $out, $err) = run_cmd([ 'node', 't/sdk/js/recorded.js', $client ],
        split => 1, timeout => 400,
        stdin => join('', map { json_text($_) . "\n" } @jobs),
        env => { BASE_URL => 'http://127.0.0.1:' . $t->port(0),
                 NODE_PATH => "$dir/node/node_modules",
                 (map { $_ => '' } qw(http_proxy https_proxy all_proxy
                  HTTP_PROXY HTTPS_PROXY ALL_PROXY OPENAI_ORG_ID
                  OPENAI_PROJECT_ID GOOGLE_API_KEY GEMINI_API_KEY)) });

    is($rc, 0, "$client: the script ends well") or diag($err);

    for my $got (map { $json->decode($_) } split /\n/, $out) {
        my ($dialect, $n) = $got->{model} =~ /-(\w+)-(\d+)$/;
        my $kind = "$dialect " . ($got->{stream} ? 'streams' : 'whole');

        $asked{$kind}++;
        $got{$got->{model}}{$got->{stream}}++;

        my @wrong = differs($got, expected($recorded[$n], $client,
                                           $got->{stream}));

        diag("$recorded[$n]{name} for $client, "
             . ($got->{stream} ? 'a stream' : 'whole') . ": $_") for @wrong;
        $wrong{$kind}++ if @wrong;
    }

    is(scalar(grep { !$got{$_->{model}}{$_->{stream}} } @jobs), 0,
       "$client: all were asked");

    is($wrong{$_} // 0, 0, "$client: $asked{$_} of $_") for sort keys %asked;
}

done_testing;


# What a provider has said, in words of its own dialect's, brought to those
# that all have in common: usage with all in it, and why it ended.

sub said {
    my ($meta, $endpoint, $body) = @_;

    my $e = $meta->{expected};
    my $u = $e->{usage};
    my %said = (%$e, status => $meta->{status});

    if ($u) {
        my ($input, $output) = @$u{qw(input output)};
        my ($cached, $written) = map { $_ // 0 }
            @$u{qw(cached_input cache_write)};

        $input += $cached + $written if $endpoint eq 'messages';
        $input += tool_prompt($body) if $endpoint =~ /enerate/;
        $output = ($output // 0) + ($u->{reasoning} // 0)
            if $endpoint =~ /enerate/;

        $said{usage} = { input => $input, output => $output,
                         total => $u->{total},
                         cached => $cached, written => $written,
                         thought => $u->{reasoning} };
    }

    my %finish = (
        end_turn => 'stop', max_tokens => 'length', refusal => 'filter',
        tool_use => 'tool_calls', function_call => 'tool_calls',
        content_filter => 'filter', STOP => 'stop', 1 => 'stop',
        2 => 'length', MAX_TOKENS => 'length', completed => 'stop',
        'response.completed' => 'stop', eos => 'stop',
    );

    my @calls = @{$e->{tool_calls} || []};

    # the call of a function before tools were is not written down

    if (my $call = $endpoint eq 'chat' && !@calls && function_call($body)) {
        @calls = ({ name => $call->{name}, args => $call->{arguments} });
    }

    $said{calls} = [ map { { name => $_->{name},
                             args => canonical($_->{args}) } } @calls ];

    my $finish = $e->{finish} // 'stop';

    $finish = $finish{$finish} // $finish;
    $finish = 'tool_calls' if @calls && $finish eq 'stop';
    $said{finish} = $finish;

    return \%said;
}


# What an SDK of a dialect must make of it.

sub expected {
    my ($recorded, $client, $stream) = @_;

    my %e = %{$recorded->{said}};
    my %finish = (
        openai => { filter => 'content_filter', stop_sequence => 'stop' },
        responses => { filter => 'content_filter',
                       length => 'max_output_tokens',
                       map { $_ => 'completed' }
                           qw(stop stop_sequence tool_calls) },
        anthropic => { stop => 'end_turn', length => 'max_tokens',
                       tool_calls => 'tool_use', filter => 'refusal' },
        bedrock => { stop => 'end_turn', length => 'max_tokens',
                     tool_calls => 'tool_use', filter => 'content_filtered' },
        gemini => { length => 'MAX_TOKENS', filter => 'SAFETY',
                    map { $_ => 'STOP' } qw(stop stop_sequence tool_calls) },
    );

    # what has no word for it is a text that is withheld

    if (length($e{refusal} // '') && $client =~ /^(?:anthropic|gemini|bedrock)$/
        && $client ne $recorded->{dialect})
    {
        $e{text} .= delete $e{refusal};
        $e{finish} = 'filter';
    }

    # arguments are an object there, and those of no call are none

    if ($client =~ /^(?:anthropic|gemini|bedrock)$/) {
        $_ = { %$_, args => length $_->{args} ? $_->{args} : '{}' }
            for @{$e{calls} = [ @{$e{calls}} ]};
    }

    $e{finish} = $finish{$client}{$e{finish}} // $e{finish};
    $e{ids_optional} = $client eq 'gemini';

    if (my $u = $e{usage}) {
        my %u = %$u;

        $u{total} //= $u{input} + $u{output} if defined $u{output};
        delete $u{thought}
            if !defined $u{thought} || $client =~ /^(?:anthropic|bedrock)$/;

        if ($client =~ /^(?:anthropic|bedrock)$/) {
            $u{input} = max(0, $u{input} - $u{cached} - $u{written});
            delete $u{total};

        } else {
            delete $u{written};
        }

        $e{usage} = \%u;
    }

    return \%e;
}


# What is wrong, as texts.

sub differs {
    my ($got, $want) = @_;

    my @wrong = @{$got->{odd}};
    my $same = sub {
        my ($what, $got, $want) = @_;

        return if ($got // '') eq ($want // '');

        push @wrong, sprintf "%s is '%s', expected '%s'", $what,
            map { length > 120 ? substr($_, 0, 120) . '...' : $_ }
            map { $_ // '' } $got, $want;
    };

    if ($want->{status} =~ /^40[13]$/) {
        $same->('the status', $got->{error}{status}, 502);
        $same->('the message', $got->{error}{message},
                'the provider refused the gateway');
        return @wrong;
    }

    if ($want->{status} != 200) {
        my $error = $want->{error};

        $same->('the status', $got->{error}{status}, $want->{status});
        $same->('the message', $got->{error}{message},
                ref $error ? $error->{message} : $error);
        return @wrong;
    }

    return "error: " . $json->encode($got->{error}) if $got->{error};

    $same->($_, $got->{$_}, $want->{$_}) for qw(text refusal finish);
    $same->('reasoning', $got->{reasoning}, $want->{reasoning})
        if exists $want->{reasoning};

    $same->('the number of calls', scalar @{$got->{calls}},
            scalar @{$want->{calls}});

    for my $i (0 .. $#{$want->{calls}}) {
        my ($g, $w) = ($got->{calls}[$i], $want->{calls}[$i]);

        $same->("call $i", $g->{name}, $w->{name});
        $same->("its arguments", canonical($g->{args}), $w->{args});
        push @wrong, "no id of call $i"
            unless length($g->{id} // '') || $want->{ids_optional};
    }

    for my $what (sort keys %{$want->{usage} || {}}) {
        $same->("usage $what", $got->{usage}{$what} // 0,
                $want->{usage}{$what} // 0)
            if defined $got->{usage}{$what} || $want->{usage}{$what};
    }

    return @wrong;
}


# The call of a function, before tools were, whole or in a stream.

sub function_call {
    my ($path) = @_;

    my (%call, $seen);
    my $text = slurp($path);

    for my $data ($path =~ /json$/ ? $text : $text =~ /^data: (\{.*)/mg) {
        my $choice = ($json->decode($data)->{choices} || [])->[0] or next;
        my $part = ($choice->{message} || $choice->{delta})->{function_call}
            or next;

        $seen = 1;
        $call{$_} .= $part->{$_} // '' for qw(name arguments);
    }

    return $seen ? \%call : undef;
}


# What tools of the provider's have said, which is a part of the prompt.

sub tool_prompt {
    return slurp($_[0]) =~ /.*"toolUsePromptTokenCount":\s*(\d+)/s ? $1 : 0;
}


# Arguments with their members in order, of a text or of what it says.

sub canonical {
    my ($value) = @_;

    unless (ref $value) {
        my $text = $value // '';

        $value = eval { JSON::PP->new->allow_nonref->decode($text) };
        return $text unless defined $value;
    }

    return JSON::PP->new->canonical->allow_nonref->encode($value);
}
