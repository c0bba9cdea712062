# SPDX-License-Identifier: Apache-2.0

# OpenAI's own SDKs against the simulated provider, and against the gateway
# in front of it: an application must not notice the difference.  What the
# SDKs do is in python/ and js/; here is what must come of it.
#
# GENAI_SDK="js chat_text ..." runs one language (and scenarios) only.

use strict;
use warnings;

use lib 't/lib';

BEGIN { $ENV{GENAI_ALARM} ||= 400 }

use JSON::PP ();

use GenAI::Test;

my $dir = $ENV{GENAI_SDK_DIR} || "$GenAI::Test::ROOT/build/sdk";
my ($only, @names) = split ' ', $ENV{GENAI_SDK} // '';

my @languages = (
    { name => 'python', needs => 'python3',
      command => [ "$dir/venv/bin/python", 't/sdk/python/sdk.py' ] },
    { name => 'js', needs => 'node',
      command => [ 'node', 't/sdk/js/sdk.js' ] },
);

for my $l (@languages) {
    $l->{here} = grep { -x "$_/$l->{needs}" } split /:/, $ENV{PATH};
}

plan(skip_all => 'neither python3 nor node is here')
    unless grep { $_->{here} } @languages;

my ($rc, $out) = run_cmd([ 't/sdk/install' ], timeout => 300);

is($rc, 0, 'the SDKs are installed') or diag($out);

my $T = JSON::PP::true;
my $F = JSON::PP::false;

# what an SDK makes of an error: class, status, code, type, param

sub failure {
    my %f;

    @f{qw(class status code type param)} = @_;
    return \%f;
}

my $invalid = 'invalid_request_error';

my $weather = { name => 'get_weather', type => 'function', id => $T,
                arguments => [ qw(town unit) ], unit => "\xb0C" };

my $lesson = { pages => $T, done => $T,
               greeting => "Gr\xfc\xdfe \x{4e16}\x{754c} \x{1f389}",
               steps => $T };

my $not_found = failure('NotFoundError', 404, 'model_not_found', $invalid);

my %status = (
    400 => failure('BadRequestError', 400, undef, $invalid),
    404 => $not_found,
    408 => failure('APIStatusError', 408, undef, 'timeout'),
    409 => failure('ConflictError', 409, undef, 'server_error'),
    413 => failure('APIStatusError', 413, undef, $invalid),
    422 => failure('UnprocessableEntityError', 422, undef, 'server_error'),
    429 => failure('RateLimitError', 429, 'rate_limit_exceeded', 'requests'),
    500 => failure('InternalServerError', 500, undef, 'server_error'),
    502 => failure('InternalServerError', 502, undef, 'server_error'),
    503 => failure('InternalServerError', 503, undef, 'service_unavailable'),
    504 => failure('InternalServerError', 504, undef, 'server_error'),
    529 => failure('InternalServerError', 529, undef, 'server_error'),
);

my %word = (
    400 => 'caller_bad_request', 404 => 'caller_bad_request',
    408 => 'provider_timeout', 409 => 'caller_bad_request',
    413 => 'caller_too_large', 422 => 'caller_bad_request',
    429 => 'provider_rate_limited', 500 => 'provider_bad_answer',
    502 => 'provider_bad_answer', 503 => 'provider_overloaded',
    504 => 'provider_timeout', 529 => 'provider_overloaded',
);

# of each scenario: the result, and what is its own without (direct) and with
# the gateway

my %expected = (
    chat_text => {
        result => {
            status => 200, type => 'application/json',
            object => 'chat.completion', model => 'sim-chat', choices => 1,
            role => 'assistant', words => 16, refusal => undef,
            finish => 'stop', completion_tokens => 16, adds_up => $T,
            id => $T, request_id => $T,
        },
        direct => { id => $F, headers => [ qw(connection content-length
            content-type date server set-cookie x-anything
            x-ratelimit-limit-requests x-request-id x-sim-connection) ] },
        gateway => { id => $T, headers => [ qw(connection content-length
            content-type date server x-gateway-connection
            x-genai-provider-ratelimit-limit-requests x-genai-request-id
            x-request-id) ] },
    },
    chat_n => { result => {
        indexes => [ 0, 1, 2 ], different => 3, completion_tokens => 15,
    } },
    chat_length => { result => {
        finish => [ qw(length length stop) ], words => [ 5, 7, 16 ],
        tokens => [ 5, 7, 16 ],
    } },
    chat_roles => { result => { different => 2 } },
    chat_large => { result => {
        tokens => 20000, words => 20000, chunks => 1002, same_start => $T,
    } },
    chat_gzip => { result => { finish => 'stop' } },
    request_bytes => {
        result => {
            same_bytes => $T, content_type => 'application/json',
            user_agent => $T, idempotency => 'key-1', beta => 'thing=v2',
        },
        direct => {
            authorization => 'Bearer sk-client-0123456789',
            organization => 'org-client', project => 'proj-client',
            cookie => 'session=client', stainless => $T,
        },
        gateway => {
            authorization => 'Bearer sk-provider', organization => undef,
            project => undef, cookie => undef, stainless => $F,
        },
    },

    stream_text => {
        result => {
            type => 'text/event-stream', chunks => 18,
            kinds => [ qw(assistant content stop) ], ids => 1,
            objects => [ 'chat.completion.chunk' ], usages => 0,
            same_text => $T,
        },
        direct => { id => $F },
        gateway => { id => $T },
    },
    stream_usage => { result => {
        kinds => [ qw(assistant content stop usage) ], usages => 1,
        completion_tokens => 4, adds_up => $T,
    } },
    stream_n => { result => {
        indexes => [ (0, 1) x 5 ], different => $T,
    } },
    stream_length => { result => {
        kinds => [ qw(assistant content length) ], chunks => 5,
    } },
    stream_early => { result => {
        end_at_first => 'open', all_written_at_first => $F, spread => $T,
        kinds => [ qw(assistant content stop) ],
    } },
    stream_bytewise => { result => {
        kinds => [ qw(assistant content stop) ], chunks => 5,
    } },
    stream_helper => { result => {
        same_text => $T, finish => 'stop', completion_tokens => 16,
    } },

    tools => { result => {
        finish => 'tool_calls', content => undef, calls => 1,
        call => $weather, second => 'stop', second_calls => undef,
        forced => 'tool_calls', none => 'stop',
    } },
    tools_stream => { result => {
        kinds => [ qw(assistant arguments tool_calls) ], call => $weather,
        pieces => $T, helper => $weather,
    } },

    structured => { result => {
        parsed => $lesson, refusal => undef, short => 'LengthFinishReasonError',
    } },
    structured_stream => { result => { parsed => $lesson } },

    embeddings => { result => {
        object => 'list', model => 'sim-embeddings', one => [ 1, 8 ],
        norm => 1, indexes => [ 0, 1, 2 ], same_text => $T,
        other_text => $F, floats => [ $T, $T ], base64 => $T,
        dimensions => 256, tokens => [ 1, 2 ], usage => $T,
    } },

    completions => { result => {
        object => 'text_completion', finish => 'stop', words => 16,
        indexes => [ 0 .. 3 ], finishes => [ 'length' ], tokens => [ 16, 16 ],
    } },
    completions_stream => { result => {
        chunks => 18, finish => 'stop', usage => 16, same_text => $T,
    } },

    models => {
        result => { objects => [ 'model' ], one => [ 'gpt-4o', 'model' ] },
        direct => {
            names => [ qw(gpt-4o gpt-4o-mini gpt-3.5-turbo-instruct
                          text-embedding-3-small) ],
            error => { class => undef },
        },
        gateway => {
            names => [ qw(gpt-4o team-embeddings) ], error => $not_found,
        },
    },

    error_status => {
        result => { map { $_ => { %{$status{$_}}, retry_after => '7',
                                  request_id => 'req_' } } keys %status },
        direct => { map { $_ => { id => $F, error => undef } } keys %status },
        gateway => { map { $_ => { id => $T, error => $word{$_} } }
                     keys %status },
    },
    error_stream_status => { result => {
        map { $_ => $status{$_} } 400, 429, 503
    } },
    error_request => { result => { errors => [
        map { failure('BadRequestError', 400, undef, $invalid, $_) }
            qw(n max_tokens messages)
    ] } },
    error_html => {
        result => { class => 'InternalServerError', status => 502 },
        direct => { error => undef, code => undef, page => $T },
        gateway => { error => 'provider_bad_answer',
                     code => 'provider_bad_answer', page => $F },
    },
    error_auth => {
        result => { class => 'AuthenticationError', status => 401,
                    models => 'AuthenticationError' },
        direct => { code => 'invalid_api_key', type => $invalid,
                    error => undef, id => $F, asked => 1 },
        gateway => { code => 'caller_unauthenticated',
                     type => 'authentication_error',
                     error => 'caller_unauthenticated', id => $T,
                     asked => 0 },
    },
    error_provider_auth => {
        result => {},
        direct => {
            401 => { class => 'AuthenticationError', status => 401,
                     error => undef },
            403 => { class => 'PermissionDeniedError', status => 403,
                     error => undef },
        },
        gateway => { map { $_ => { class => 'InternalServerError',
                                   status => 502,
                                   error => 'provider_refused' } } 401, 403 },
    },
    error_model => {
        result => { map { $_ => $not_found } qw(error stream embeddings) },
        direct => {
            message => 'the model does not exist or you do not have access '
                . 'to it',
            error => undef, asked => 3,
        },
        gateway => {
            message => 'the model "no-such-model" does not exist or you do '
                . 'not have access to it',
            error => 'caller_forbidden_model', asked => 0,
        },
    },
    error_endpoint => {
        result => { class => 'NotFoundError', status => 404,
                    type => $invalid },
        direct => { code => undef, error => undef },
        gateway => { code => 'caller_forbidden_endpoint',
                     error => 'caller_forbidden_endpoint' },
    },
    error_too_large => {
        result => { class => 'APIStatusError', status => 413,
                    type => $invalid, after => 'stop' },
        direct => { code => undef, error => undef, asked => 1 },
        gateway => { code => 'caller_too_large', error => 'caller_too_large',
                     asked => 0 },
    },
    stream_error => { result => {
        error => failure('APIError', undef, undef, 'server_error'),
        chunks => 5, kinds => [ qw(assistant content) ],
    } },
    stream_cut => {
        result => { map { $_ => { chunks => 6,
                                  kinds => [ qw(assistant content) ] } }
                    qw(between within) },
        direct => sub {
            my ($own, $name) = @_;

            isnt($own->{$_}{class}, 'APIError',
                 "$name: the connection broke $_ events")
                for qw(between within);
        },
        gateway => sub {
            my ($own, $name) = @_;

            is_deeply($own->{between}, failure('APIError', undef,
                'provider_bad_answer', 'server_error'), $name);

            # half an event must never look like a whole one
            unlike($own->{within}{class}, qr/JSON|Syntax/,
                   "$name: the connection broke within an event");
        },
    },

    retry_recovers => { result => {
        counts => [ qw(0 1 2) ], finish => 'stop', tokens => 3,
        statuses => [ 429, 429, 200 ], retry_after_held => $T,
    } },
    retry_exhausted => { result => { tries => [
        map { [ 'InternalServerError', $_, 2, 2 ] } 500, 503
    ] } },
    retry_not => { result => { tries => [
        map { [ $_, 1, 1 ] } qw(BadRequestError NotFoundError
                                UnprocessableEntityError)
    ] } },
    retry_words => { result => {
        ms_held => $T, class => 'RateLimitError', attempts => 1,
    } },
    timeout => { result => {
        class => 'APITimeoutError', stream => 'APITimeoutError',
        ends => [ qw(gone gone) ], stream_ends => [ 'gone' ],
    } },
    abort => { result => {
        chunks => 4, end => [ 'gone' ], early => $T, after => 'stop',
    } },

    reuse => { result => {
        requests => 11, reused => $T, known => $T,
    } },
    concurrent => { result => { right => $T, different => 12 } },
);


# 1.5 MB are too large for the gateway, which has nginx's own limit

my $sim = GenAI::Test->sim(-server => 'client_max_body_size 8m;
    add_header x-sim-connection $connection always;');

my $t = GenAI::Test->new(log_level => 'info')->conf(<<'EOF',
http {
    genai_provider local {
        dialect     openai;
        pass        http://127.0.0.1:%%SIM%%/v1;
        credential  file:%%TESTDIR%%/credential;
        header      x-genai-sim;
    }

    genai_model gpt-4o          { target local; }
    genai_model team-embeddings { target local; }
    genai_model sim-*           { target local; }

    add_header x-gateway-connection $connection always;

    server {
        listen 127.0.0.1:%%PORT_0%%;
        location /v1/ { genai_pass; genai_auth off; }
    }

    server {
        listen 127.0.0.1:%%PORT_1%%;
        location /v1/ { genai_pass; }
    }
}
EOF
    SIM => $sim->port);

$t->write_file('credential', "sk-provider\n");
$t->run;


# A language's lines by their scenarios' names.

sub run_sdk {
    my ($l, $way) = @_;

    my $sim_url = 'http://127.0.0.1:' . $sim->port;

    $sim->http('DELETE', '/ledger');

    my ($rc, $out, $err) = run_cmd([ @{$l->{command}}, @names ],
        split => 1, timeout => 90, env => {
            SIM_URL => $sim_url,
            CONNECTION => 'x-' . ($way eq 'direct' ? 'sim' : 'gateway')
                . '-connection',
            $way eq 'direct'
                ? (BASE_URL => "$sim_url/v1", AUTH_URL => "$sim_url/v1")
                : (BASE_URL => 'http://127.0.0.1:' . $t->port(0) . '/v1',
                   AUTH_URL => 'http://127.0.0.1:' . $t->port(1) . '/v1'),
            NODE_PATH => "$dir/node/node_modules",
            PYTHONDONTWRITEBYTECODE => 1,
            (map { $_ => '' } qw(OPENAI_ORG_ID OPENAI_PROJECT_ID http_proxy
                                 https_proxy all_proxy HTTP_PROXY HTTPS_PROXY
                                 ALL_PROXY)),
        });

    is($rc, 0, "$l->{name}, $way: the script ends well")
        or diag(length $err > 5000 ? substr($err, -5000) : $err);

    my %lines = map { $_->{name} => $_ } map { JSON::PP::decode_json($_) }
        split /\n/, $out;

    note("$l->{name}, $way: ", join ', ',
         map { "$_ $lines{$_}{seconds}" }
             grep { $lines{$_}{seconds} > 0.5 } sort keys %lines);

    return \%lines;
}


sub compare {
    my ($got, $expected, $name) = @_;

    return $expected->($got, $name) if ref $expected eq 'CODE';

    is_deeply($got, $expected, $name)
        or diag(JSON::PP->new->ascii->canonical->pretty->encode($got));
}


for my $l (grep { !$only || $_->{name} eq $only } @languages) {
    if (!$l->{here}) {
        note("$l->{needs} is not here: nothing of $l->{name}");
        next;
    }

    my %lines = map { $_ => run_sdk($l, $_) } qw(direct gateway);

    my %known = map { $_ => 1 } @names ? @names : keys %expected;

    is_deeply([ sort keys %{$lines{$_}} ], [ sort keys %known ],
              "$l->{name}, $_: all scenarios ran") for qw(direct gateway);

    for my $name (sort grep { $known{$_} } keys %expected) {
        my ($direct, $gateway) = map { $lines{$_}{$name} } qw(direct gateway);
        my $e = $expected{$name};

        next unless $direct && $gateway;

        compare($gateway->{result}, $e->{result}, "$l->{name}: $name");
        is_deeply([ @$gateway{qw(result data)} ], [ @$direct{qw(result data)} ],
                  "$l->{name}: $name is the same without the gateway");

        compare($direct->{own}, $e->{direct} || {},
                "$l->{name}: $name, the provider's own");
        compare($gateway->{own}, $e->{gateway} || {},
                "$l->{name}: $name, the gateway's own");
    }
}

done_testing;
