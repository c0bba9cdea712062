# SPDX-License-Identifier: Apache-2.0

# Counting large answers of which nothing can be cut, streamed and as one JSON
# text: no step of ours keeps the event loop for more than a millisecond of
# CPU time, and the count is that of build/genai-tokens.

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

my $SIZE = 2 << 20;
my $STEP = 0.001;

# sanitizers make every step long; debug builds measure each exchange
my (undef, $said) = GenAI::Test->nginx_t('http { genai_test_park body 1s; }');
my $MEASURED = $GenAI::Test::SCALE == 1 && $said !~ /unknown directive/;

my @vocabs = grep { -e "$data/$_.vocab" } qw(o200k_base qwen3 mistral_v1);
my $dir = File::Temp->newdir;

spew("$dir/models.json", json_text({ schema => 1, models => {
    map { $_ => { tokenizer => $_, framing => 'none' } } @vocabs } }));
symlink "$data/$_.vocab", "$dir/$_.vocab" for @vocabs;

my %texts = (letters => 'a' x $SIZE, blanks => ' ' x $SIZE,
             'line feeds' => "\n" x $SIZE);

my $json = JSON::PP->new->canonical->utf8;
my $PIECE = 16384;

my %events;

for my $name (keys %texts) {
    $events{$name} = join '', map({
        'data: ' . $json->encode({ choices => [ { index => 0, delta => {
            content => substr($texts{$name}, $_ * $PIECE, $PIECE) } } ] })
        . "\n\n" } 0 .. $SIZE / $PIECE - 1),
        'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}',
        "\n\ndata: [DONE]\n\n";
}

my $up = GenAI::Upstream->new(lossy => 1, route => sub {
    my $do = JSON::PP::decode_json($_[0]->{body});
    my $name = $do->{user};

    return [ [ send => "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
               . "Content-Length: " . length($events{$name}) . "\r\n\r\n"
               . $events{$name} ] ] if $do->{stream};
    return [ [ json => 200, { choices => [ { index => 0, message =>
        { role => 'assistant', content => $texts{$name} },
        finish_reason => 'stop' } ] } ] ];
});

my $MODELS = join "\n", map { "genai_model $_ { target p; }" } @vocabs;

my $t = GenAI::Test->new->conf(<<'EOC', DIR => "$dir", UP => $up->port,
http {
    log_format l '$genai_completion_tokens $genai_count_source $genai_step';
    access_log %%TESTDIR%%/l.log l;

    genai_catalog %%DIR%%/models.json;
    genai_provider p { dialect openai; pass http://127.0.0.1:%%UP%%/v1; }
    %%MODELS%%

    server {
        listen 127.0.0.1:%%PORT_0%%;
        genai_auth off;
        location /v1/ { genai_pass; }
    }
}
EOC
                       MODELS => $MODELS)->run;

my $lines = 0;

sub ask {
    my ($model, $name, $stream) = @_;

    my $line;
    my $c = $t->connect;

    $c->request('POST', '/v1/chat/completions', body => json_text({
        model => $model, user => $name,
        messages => [ { role => 'user', content => 'hi' } ],
        $stream ? (stream => JSON::PP::true) : () }));
    $c->response(timeout => 30 * $GenAI::Test::SCALE);
    $c->close;
    $lines++;

    wait_for(sub {
        defined($line = ($t->access_log('l.log') =~ /^(.*)\n/mg)[$lines - 1]);
    }, 20);

    return split ' ', $line // '';
}

for my $model (@vocabs) {
    for my $name (sort keys %texts) {
        my ($rc, $want) = run_cmd([ $TOOL, -e => "$data/$model.vocab" ],
                                  stdin => $texts{$name});

        $want =~ s/\D+//g;

        for my $stream (1, 0) {
            my $what = "$model: $name, " . ($stream ? 'streamed' : 'JSON');
            my ($tokens, $source, $step, $least);

            # one that is long by itself is so each time

            for (1 .. ($MEASURED ? 3 : 1)) {
                ($tokens, $source, $step) = ask($model, $name, $stream);
                $least = $step if !defined $least || $step < $least;
                last if $least <= $STEP;
            }

            is($tokens, $want, $what);
            diag("$what: step $least") if $ENV{GENAI_SHOW};

            SKIP: {
                skip 'this build is not measured', 1 if !$MEASURED;
                cmp_ok($least, '<=', $STEP, "$what: no long step");
            }
        }
    }
}

done_testing;
