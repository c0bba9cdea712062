# SPDX-License-Identifier: Apache-2.0

# Coding agents, offline, through the gateway to a provider of another dialect:
# in the first turn two tools of the agent's are called, one that runs a
# command and one that looks at an image; both results must come to the
# provider, and its last word to the user.
#
# GENAI_AGENT="codex anthropic" runs one agent, with one provider, only.

use strict;
use warnings;

use lib 't/lib';

BEGIN {
    $ENV{GENAI_ALARM} ||= 900;

    # no network but a loopback of our own, where the system lets us have it

    my @unshare = ('unshare', '-n', 'sh', '-c', 'ip link set lo up && "$@"',
                   'sh');

    if (!$ENV{GENAI_OFFLINE} && system('t/sdk/install agents >&2') == 0
        && system(@unshare, 'true') == 0)
    {
        $ENV{GENAI_OFFLINE} = 1;
        exec @unshare, $^X, $0 or die "exec: $!";
    }
}

use Cwd ();
use File::Temp ();
use JSON::PP ();
use MIME::Base64 ();
use Time::HiRes qw(time);

use GenAI::Model;
use GenAI::Test;

my $dir = Cwd::abs_path($ENV{GENAI_SDK_DIR} || "$GenAI::Test::ROOT/build/sdk");
my $modules = "$dir/agents/node_modules";

plan(skip_all => 'the agents could not be installed, see above')
    unless -e "$dir/agents/stamp";

note($ENV{GENAI_OFFLINE} ? 'there is no network'
     : 'the network is not shut off, which takes unshare(1) and ip(8) as root');

my ($only, $with) = split ' ', $ENV{GENAI_AGENT} // '';

my $home = File::Temp->newdir;

# a red dot
my $image = 'iVBORw0KGgoAAAANSUhEUgAAAAUAAAAFCAYAAACNbyblAAAAHElEQVQI12P4'
    . '//8/w38GIAXDIBKE0DHxgljNBAAO9TXL0Y4OHwAAAABJRU5ErkJggg==';

# of the model's thought, which it must be given back
my $signature = 'c2VlbiBhbmQgc2lnbmVk';

# what an agent's command says, which nobody else knows
my $secret = 'S' . int(rand 1e9) . 'T';
my $answer = lc $secret;
my $command = "echo $secret | tr ST st > said.txt; cat said.txt";

my %agents = (
    codex => {
        dialect => 'responses',
        command => sub {
            my ($url, $name) = @_;

            spew("$home/$name/config.toml", <<"EOF");
model_provider = "gateway"
check_for_update_on_startup = false

[model_providers.gateway]
name = "gateway"
base_url = "$url/v1"
env_key = "GATEWAY_KEY"
wire_api = "responses"

[analytics]
enabled = false
EOF
            return ([ "$modules/.bin/codex", 'exec', '--skip-git-repo-check',
                      '--dangerously-bypass-approvals-and-sandbox',
                      '-m', 'house-model', 'Go.' ],
                    CODEX_HOME => "$home/$name", GATEWAY_KEY => 'sk-client');
        },
    },
    claude => {
        dialect => 'anthropic',
        command => sub {
            my ($url) = @_;
            my ($native) = glob "$modules/\@anthropic-ai/claude-code-*/claude";

            return ([ $native, '-p', 'Go.', '--model', 'claude-sonnet-4-5',
                      '--output-format', 'json', '--allowedTools',
                      'Bash,Read' ],
                    ANTHROPIC_BASE_URL => $url,
                    ANTHROPIC_API_KEY => 'sk-client',
                    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC => 1,
                    DISABLE_AUTOUPDATER => 1);
        },
    },
    gemini => {
        dialect => 'gemini',
        command => sub {
            my ($url) = @_;
            my $off = JSON::PP::false;

            spew("$home/gemini/.gemini/settings.json", json_text({
                general => { enableAutoUpdate => $off },
                privacy => { usageStatisticsEnabled => $off },
                security => { auth => { selectedType => 'gemini-api-key' } },
            }));

            return ([ 'node', "$modules/\@google/gemini-cli/bundle/gemini.js",
                      '-p', 'Go.', '-m', 'gemini-2.5-pro', '-y',
                      '--skip-trust', '-o', 'json' ],
                    GOOGLE_GEMINI_BASE_URL => $url,
                    GEMINI_API_KEY => 'sk-client');
        },
    },
);

# the agents' tools: for the command, and for the image

my %tools = (
    exec_command => [ { cmd => $command },
                      view_image => { path => 'dot.png' } ],
    Bash => [ { command => $command, description => 'write' },
              Read => { file_path => 'dot.png' } ],
    run_shell_command => [ { command => $command, description => 'write' },
                           read_file => { file_path => 'dot.png' } ],
);

my $model = GenAI::Model->new(turn => sub {
    my ($asked) = @_;
    my ($tool) = grep { $tools{$_} } @{$asked->{names}};

    return { text => 'A title' } unless $tool;

    if (my @results = @{$asked->{results}}) {
        return { text => join ' ', 'It says', map { /(s\d+t)/ } @results };
    }

    my ($arguments, $look, $at) = @{$tools{$tool}};

    return { thought => 'I see.', signature => $signature,
             text => 'I write.', calls => [
        { name => $tool, args => $arguments },
        { name => $look, args => $at } ] };
});

my %served = (openai => 'gpt-5', responses => 'gpt-5',
              anthropic => 'claude-sonnet-4-5', gemini => 'gemini-3-pro');
my @providers = sort keys %served;

my $t = GenAI::Test->new(log_level => 'info');

$t->write_file('credential', "sk-provider\n");

# a port for each provider, where it has the models of all agents

my $http = <<'EOF';
    log_format asked escape=json '$status $request_method $request_uri '
        '"$genai_error" "$sent_http_x_genai_dropped"';
    access_log %%TESTDIR%%/asked.log asked;
    client_max_body_size 8m;

    genai_catalog %%ROOT%%/data/models.json;
    genai_model house-model       { target openai; }
    genai_model claude-sonnet-4-5 { target openai; }
    genai_model gemini-2.5-pro    { target openai; }
EOF

for my $i (0 .. $#providers) {
    my $to = $providers[$i];
    my $path = $to =~ /^(?:openai|responses)$/ ? '/v1' : '';

    $http .= <<"EOF";

    genai_provider $to {
        dialect     $to;
        pass        http://127.0.0.1:%%MODEL%%$path;
        credential  file:%%TESTDIR%%/credential;
    }

    genai_model all-$to { target $to model=$served{$to}; }

    server {
        listen 127.0.0.1:%%PORT_$i%%;
        set \$all all-$to;
        location / { genai_pass model=\$all; genai_auth off; }
    }
EOF
}

$t->conf("http {\n$http}\n", MODEL => $model->port,
         ROOT => $GenAI::Test::ROOT);
$t->run;


my ($lines, $turns) = (0, 0);

for my $name (grep { !$only || $_ eq $only } sort keys %agents) {
    my $agent = $agents{$name};

    for my $i (0 .. $#providers) {
        next if $providers[$i] eq $agent->{dialect};

        run($name, $i) unless $with && $with ne $providers[$i];
    }
}

done_testing;


sub run {
    my ($name, $i) = @_;

    my $what = "$name, $providers[$i]";
    my $work = "$home/$what" =~ s/, /-/r;
    my ($run, %env) = $agents{$name}{command}->('http://127.0.0.1:'
                                                . $t->port($i), $name);

    mkdir $work;
    spew("$work/dot.png", MIME::Base64::decode_base64($image));

    my $began = time;
    my ($rc, $out, $err) = run_cmd(
        [ 'sh', '-c', 'cd "$0" && exec env -i "$@"', $work,
          "HOME=$home/$name", "PATH=$ENV{PATH}", 'TERM=dumb', 'CI=1',
          'NO_COLOR=1', (map { "$_=$env{$_}" } sort keys %env), @$run ],
        split => 1, timeout => 120);

    note(sprintf '%s: %.1f s', $what, time - $began);

    my @log = split /\n/, $t->access_log('asked.log');
    my @asked = $model->asked;

    splice @log, 0, $lines;
    splice @asked, 0, $turns;
    $lines += @log;
    $turns += @asked;

    my $last = @asked ? $asked[-1] : {};

    is($rc, 0, "$what: ends well") or diag($out, $err);
    like($out, qr/It says $answer/, 'with the last word of its model');
    is(-e "$work/said.txt" ? slurp("$work/said.txt") : undef, "$answer\n",
       'its command has run');
    is($last->{dialect}, $providers[$i],
       'its provider was asked in its dialect');
    is(scalar @{$last->{results} || []}, 2, 'and has both results');
    like($last->{results}[0] // '', qr/$answer/, 'of the command');
    like(json_text($last->{body}), qr/\Q$image/, 'and the image');

    # Gemini CLI forgets thoughts, and OpenAI's chat has none to sign

    like(json_text($last->{body}), qr/$signature/, 'and its own signature')
        if $name ne 'gemini' && $providers[$i] ne 'openai';

    is_deeply([ grep { !/^200 / } @log ], [], 'no request was refused');
    note(join "\n", @log);
}
