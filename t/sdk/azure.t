# SPDX-License-Identifier: Apache-2.0

# Azure's client of OpenAI's SDK in front of the gateway, to a provider of
# Azure's dialect and to one of another.

use strict;
use warnings;

use lib 't/lib';

BEGIN { $ENV{GENAI_ALARM} ||= 400 }

use JSON::PP ();

use GenAI::Test;

plan(skip_all => 'node is not here')
    unless grep { -x "$_/node" } split /:/, $ENV{PATH};

my $dir = $ENV{GENAI_SDK_DIR} || "$GenAI::Test::ROOT/build/sdk";
my ($rc, $out) = run_cmd([ 't/sdk/install' ], timeout => 300);

is($rc, 0, 'the SDKs are installed') or diag($out);

my $sim = GenAI::Test->sim(tokens => 5);
my $t = GenAI::Test->new;

$t->conf(<<'EOF', SIM => $sim->port)->run;
http {
    genai_provider azure  { dialect azure;
                            pass http://127.0.0.1:%%SIM%%; }
    genai_provider openai { dialect openai;
                            pass http://127.0.0.1:%%SIM%%/v1; }
    genai_provider claude { dialect anthropic;
                            pass http://127.0.0.1:%%SIM%%; }
    genai_model prod-azure  { target azure model=gpt-4o; }
    genai_model prod-openai { target openai model=gpt-4o; }
    genai_model prod-claude { target claude model=claude-sonnet-4-5;
                              target openai model=gpt-4o priority=2; }
    server {
        listen 127.0.0.1:%%PORT_0%%;
        location / { genai_pass; genai_auth off; }
    }
}
EOF

my %whole;

for my $model (qw(prod-azure prod-openai prod-claude)) {
    for my $token ('', 'eyJ0.eyJh.c2ln') {

        my ($rc, $out, $err) = run_cmd([ 'node', 't/sdk/js/azure.js' ],
            split => 1, timeout => 60, env => {
                BASE_URL => 'http://127.0.0.1:' . $t->port(0),
                MODEL => $model, TOKEN => $token,
                NODE_PATH => "$dir/node/node_modules",
                map { $_ => '' } qw(http_proxy https_proxy all_proxy
                    HTTP_PROXY HTTPS_PROXY ALL_PROXY OPENAI_API_VERSION
                    OPENAI_BASE_URL) });

        is($rc, 0, "$model, " . ($token ? 'a token' : 'a key'))
            or diag($err), next;

        my $said = JSON::PP::decode_json($out);

        like($said->{whole}, qr/\w/, 'an answer');
        ok($said->{usage}, 'its usage');
        like($said->{stream}, qr/\w/, 'a stream');
        like($said->{finish}, qr/^(?:stop|length)$/, 'its end');
        is($said->{usages}, 1, 'one usage');
        is($said->{vectors}, 2, 'vectors');
        is_deeply($said->{error}, [ 'NotFoundError', 404, 'model_not_found' ],
                  'an error');
    }
}

done_testing;
