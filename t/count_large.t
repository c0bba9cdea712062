# SPDX-License-Identifier: Apache-2.0

# Counting large requests: 1 and 16 MB of every shape that could take a counter
# long.  No step of ours keeps the event loop for more than a millisecond of
# CPU time, and each count is that of build/genai-tokens, which knows no
# steps; and what was counted before costs next to nothing.

use strict;
use warnings;

BEGIN { $ENV{GENAI_ALARM} ||= 300 }

use lib 't/lib';

use Cwd qw(getcwd);
use File::Temp ();
use JSON::PP ();

use GenAI::Test;
use GenAI::Upstream;

my $data = getcwd() . '/build/data';
my $TOOL = 'build/genai-tokens';

plan(skip_all => "no vocabularies in $data: run \"make data\" first")
    unless -e "$data/o200k_base.vocab" && -e "$data/models.json";
plan(skip_all => "$TOOL is not built: make tools") unless -x $TOOL;

my $MB = 1 << 20;
my $STEP = 0.001;

# sanitizers make every step long; debug builds measure each exchange
my (undef, $said) = GenAI::Test->nginx_t('http { genai_test_park body 1s; }');
my $MEASURED = $GenAI::Test::SCALE == 1 && $said !~ /unknown directive/;

my $dir = File::Temp->newdir;

my $up = GenAI::Upstream->new(lossy => 1, requests => [ [ 'noread', sub {
    my ($c) = @_;

    while (my $r = $c->read_head) {
        $c->read_bytes($r->{h}{'content-length'} // 0) // return;
        $c->answer(200, '{}', 'Content-Type' => 'application/json');
    }
} ] ]);

# vocabularies of all kinds: bytes, NFC, characters, another scanner
my %vocab = ('gpt-4o' => 'o200k_base', 'gpt-4' => 'cl100k_base',
             'qwen3-32b' => 'qwen3', 'mistral-7b-instruct' => 'mistral_v1',
             'deepseek-chat' => 'deepseek_v3');

my %models = map { $_ => { tokenizer => $vocab{$_}, framing => 'none' } }
    grep { -e "$data/$vocab{$_}.vocab" } keys %vocab;

spew("$dir/models.json", json_text({ schema => 1, models => \%models }));
symlink $_, "$dir/" . s{.*/}{}r or die "symlink: $!" for glob "$data/*.vocab";

my $MODELS = join "\n", map { "genai_model $_ { target p; }" } keys %models;

my $t = GenAI::Test->new(log_level => 'info')->conf(<<'EOF', UP => $up->port,
http {
    log_format l '$status $genai_prompt_tokens $genai_step $genai_overhead';
    access_log %%TESTDIR%%/l.log l;
    client_max_body_size 100m;
    client_body_timeout 60s;
    client_body_buffer_size 20m;

    genai_catalog %%DIR%%/models.json;
    genai_provider p { dialect openai; pass http://127.0.0.1:%%UP%%/v1; }
    %%MODELS%%

    server {
        listen 127.0.0.1:%%PORT_0%%;
        genai_auth off;
        location /v1/ { genai_pass; }
    }
}
EOF
                       DIR => "$dir", MODELS => $MODELS)->run;

my $client = $t->connect;
my ($lines, $longest, $turn) = (0, 0, 0);


# Status, tokens, the longest step and all steps of a request.

sub ask {
    my ($body) = @_;

    my $line;

    $client->request('POST', '/v1/chat/completions', body => $body,
                     timeout => 60 * $GenAI::Test::SCALE);
    $client->response(timeout => 60 * $GenAI::Test::SCALE);
    $lines++;

    wait_for(sub {
        defined($line = ($t->access_log('l.log') =~ /^(.*)\n/mg)[$lines - 1]);
    }, 20);

    return split ' ', $line // '';
}


# of texts as they stand in JSON

sub body {
    my ($model, @texts) = @_;

    return qq({"model":"$model","messages":[)
        . join(',', map { qq({"role":"user","content":"$_"}) } @texts)
        . ']}';
}


sub tokens {
    my ($model, @texts) = @_;

    spew("$dir/request", body($model, @texts));

    my ($rc, $out, $err) = run_cmd([ $TOOL, '--json', -m => $model,
        '--catalog', "$dir/models.json", "$dir/request" ], split => 1,
        timeout => 60);

    return $rc ? $err : JSON::PP::decode_json($out)->{prompt_tokens} // $out;
}


# Each time with another beginning, so that none of it is known from before.
# On a machine with other work a step may be hit by what is not ours, but one
# that is long by itself is so each time: the least of three counts.

sub counts {
    my ($what, $model, @texts) = @_;

    my ($status, $tokens, $step, $all, $least);

    for my $try (1 .. ($MEASURED ? 3 : 1)) {
        $texts[0] = $turn++ . " $texts[0]";
        ($status, $tokens, $step, $all) = ask(body($model, @texts));
        $least = $step if !defined $least || $step < $least;
        last if $least <= $STEP;
    }

    $longest = $least if $least > $longest;

    is("$status $tokens", '200 ' . tokens($model, @texts), $what);
    diag("$what: step $least, all $all") if $ENV{GENAI_SHOW};

    SKIP: {
        skip 'this build is not measured', 1 if !$MEASURED;

        cmp_ok($least, '<=', $STEP, "$what: no long step");
    }
}


sub random_text {
    my ($n, @from) = @_;

    return join '', map { $from[rand @from] } 1 .. $n;
}

srand 1;

# as long as is wanted of what was random once: to make it takes Perl long

my %made;

sub made {
    my ($n, $size, @from) = @_;

    my $block = $made{$from[0]} //= random_text((1 << 16) / $size, @from);

    return $block x (1 + $n / length $block);
}

my @escaped = map { sprintf '\u%04x', $_ } 0x20 .. 0xd7ff;
my $english = 'The quick brown fox jumps over the lazy dog, 12 times. ';

my @shapes = (
    [ 'one text', sub { $english x ($_[0] / length $english) } ],
    [ 'one letter', sub { 'a' x $_[0] } ],
    [ 'spaces', sub { ' ' x $_[0] } ],
    [ 'line feeds', sub { '\n' x ($_[0] / 2) } ],
    [ 'ZWJ', sub { "\xe2\x80\x8d" x ($_[0] / 3) } ],
    [ 'combining marks', sub { "\xcc\x81" x ($_[0] / 2) } ],
    [ 'marks of two classes',
      sub { 'e' . "\xcc\x81\xcc\x96" x ($_[0] / 4) } ],
    [ 'Hangul of one kind', sub { "\xe1\x85\xa1" x ($_[0] / 3) } ],
    [ 'capitals behind another letter',
      sub { "\xe4\xb8\xad" . made($_[0], 1, 'A' .. 'Z') } ],
    [ 'a line feed and spaces', sub { '\n' . ' ' x $_[0] } ],
    [ 'added tokens', sub { '<think></think>' x ($_[0] / 15) } ],
    [ 'random letters', sub { made($_[0], 1, 'a' .. 'z') } ],
    [ 'random bytes as escapes',
      sub { made($_[0], 6, @escaped) } ],
    [ 'spaces and one escape', sub { '\u0020' . ' ' x $_[0] } ],
    [ 'one letter and one escape', sub { '\u0061' . 'a' x $_[0] } ],
);

for my $model (sort keys %models) {
    for my $shape (@shapes) {
        my ($what, $text) = @$shape;

        counts("$model: $what", $model, $text->($MB));
    }
}

for my $shape (grep { $_->[0] =~ /one text|random/ } @shapes) {
    my ($what, $text) = @$shape;

    counts("16 MB: $what", 'gpt-4o', $text->(16 * $MB));
}

for my $model (sort keys %models) {
    my @nonsense = map { random_text(24, 'a' .. 'z') } 1 .. 1000;

    counts("$model: 100,000 small messages", $model,
           map { "hello $_" } 1 .. 100_000);
    counts("$model: 100,000 messages of nonsense", $model, (@nonsense) x 100);
    counts("$model: messages below the table's length", $model,
           map { random_text(30, @escaped) } 1 .. 1000);
}

note("the longest step: $longest s");

done_testing;
