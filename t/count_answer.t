# SPDX-License-Identifier: Apache-2.0

# Answers whose providers tell no usage: what was delivered is counted exactly,
# for each text as a whole, however it was cut; whether it ended, its provider
# died, or its client left.  What build/genai-tokens says of the same texts is
# right.

use strict;
use warnings;

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

my $json = JSON::PP->new->canonical->utf8;

sub tokens {
    my ($text) = @_;

    utf8::encode($text);

    my ($rc, $out) = run_cmd([ $TOOL, -e => "$data/o200k_base.vocab" ],
                             stdin => $text);

    return $rc ? $out : $out + 0;
}

# what the framing adds is no matter of these tests
my $dir = File::Temp->newdir;

spew("$dir/models.json", '{"schema":1,"models":{"m":{"framing":"none",'
     . '"tokenizer":"o200k_base"}}}');
symlink "$data/o200k_base.vocab", "$dir/o200k_base.vocab";

my $SSE = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
    . "Transfer-Encoding: chunked\r\n\r\n";

sub event {
    my ($delta, %o) = @_;

    return "data: " . $json->encode({ id => 'c', choices => [ {
        index => $o{index} // 0, delta => $delta,
        finish_reason => $o{finish} } ] }) . "\n\n";
}

my $LAST = "data: {\"id\":\"last\"}\n\n";

# texts cut at any character, the same each time

my $seed = 1;

sub pieces {
    my ($text) = @_;

    my @pieces;

    while (length $text) {
        $seed = ($seed * 1103515245 + 12345) % 2147483648;
        push @pieces, substr $text, 0, 1 + ($seed >> 8) % 9, '';
    }

    return @pieces;
}

my %texts = (
    english => "The quick brown fox, isn't it?  It's 12345 times\n\n\tfaster "
        . 'than that internationalization-thing. ' x 4,
    code => "int\nmain(void)\n{\n    return  0x7fff;   \n}\n\n\n" x 5,
    chinese => "\x{4f60}\x{597d}\x{ff0c}\x{4e16}\x{754c}\x{3002}" x 20,
    emoji => "\x{1f468}\x{200d}\x{1f469}\x{200d}\x{1f467} e\x{301} " x 10,
    special => '<|endoftext|> <|im_start|>' x 3,
    spaces => 'a' . ' ' x 300 . "b\r\n" . ' ' x 77,
    letters => 'x' x 3000,
);

my (%do, %said);

for my $name (keys %texts) {
    my $text = $texts{$name};

    $do{"whole $name"} = [ [ chunk => map({ event({ content => $_ }) }
        pieces($text)), event({}, finish => 'stop'), "data: [DONE]\n\n" ],
        'chunk_end' ];
    $do{"close $name"} = [ [ chunk => map { event({ content => $_ }) }
        pieces($text) ], 'close' ];
    $do{"left $name"} = [ [ chunk => map({ event({ content => $_ }) }
        pieces($text)), $LAST ], 'wait_close' ];
}

# choices in turn, each with its own text; calls of tools; what was thought

my @names = qw(english code emoji);
my @left = map { [ pieces($texts{$_}) ] } @names;
my @mixed;

while (grep { @$_ } @left) {
    for my $i (0 .. $#left) {
        push @mixed, event({ content => shift @{$left[$i]} }, index => $i)
            if @{$left[$i]};
    }
}

$do{choices} = [ [ chunk => @mixed, map({ event({}, finish => 'stop',
    index => $_) } 0 .. $#left), "data: [DONE]\n\n" ], 'chunk_end' ];
$do{'choices left'} = [ [ chunk => @mixed, $LAST ], 'wait_close' ];

my @args = map { '{"city":"' . $_ . '","days":[1,2,3]}' } qw(Paris Berlin);

$do{calls} = [ [ chunk => map({
    my $i = $_;

    event({ tool_calls => [ { index => $i, id => "call_$i", type => 'function',
            function => { name => "get_weather_$i", arguments => '' } } ] }),
    map { event({ tool_calls => [ { index => $i,
                  function => { arguments => $_ } } ] }) } pieces($args[$i])
    } 0, 1), event({}, finish => 'tool_calls'), "data: [DONE]\n\n" ],
    'chunk_end' ];
$do{thought} = [ [ chunk => map({ event({ reasoning_content => $_ }) }
    pieces($texts{english})), map({ event({ content => $_ }) }
    pieces($texts{code})), event({}, finish => 'stop'), "data: [DONE]\n\n" ],
    'chunk_end' ];

my $up = GenAI::Upstream->new(lossy => 1, route => sub {
    my ($r) = @_;
    my $do = JSON::PP::decode_json($r->{body})->{user};

    return [ [ send => $SSE ], @{$do{$do}} ] if $do{$do};
    return [ [ json => 200, { choices => [ map { { index => $_, message =>
        { role => 'assistant', content => $texts{$names[$_]} },
        finish_reason => 'stop' } } 0 .. $#names ] } ] ];
});

my $t = GenAI::Test->new->conf(<<'EOF', DIR => "$dir", UP => $up->port)->run;
http {
    log_format l '$genai_completion_tokens $genai_reasoning_tokens';
    access_log %%TESTDIR%%/l.log l;

    genai_catalog %%DIR%%/models.json;
    genai_provider p { dialect openai; pass http://127.0.0.1:%%UP%%/v1; }
    genai_model m { target p; }

    server {
        listen 127.0.0.1:%%PORT_0%%;
        genai_auth off;
        location /v1/ { genai_pass; }
        location /in/ { genai on; proxy_pass http://127.0.0.1:%%UP%%; }
    }
}
EOF

my $lines = 0;

sub counted {
    my ($do, %o) = @_;

    my $line;
    my $c = $t->connect;

    $c->request('POST', ($o{path} // '/v1') . '/chat/completions',
        body => json_text({ model => 'm', user => $do,
            n => $do =~ /choices/ ? scalar @names : 1,
            messages => [ { role => 'user', content => 'hi' } ],
            $o{json} ? () : (stream => JSON::PP::true) }));

    if ($o{until}) {
        $c->read_until($o{until});
        $c->reset;

    } else {
        $c->response;
    }

    $c->close;

    wait_for(sub {
        defined($line = ($t->access_log('l.log') =~ /^(.*)\n/mg)[$lines]);
    });

    $lines++;

    return $line // '';
}

for my $name (sort keys %texts) {
    my $tokens = tokens($texts{$name});

    is(counted("whole $name"), "$tokens 0", "$name, $tokens tokens");
    is(counted("whole $name", path => '/in'), "$tokens 0", "$name: inline");
    is(counted("close $name"), "$tokens 0", "$name: a provider that dies");
}

# the last piece has gone to the client, and then it leaves

for my $name (sort keys %texts) {
    is(counted("left $name", until => qr/"last"/),
       tokens($texts{$name}) . ' 0', "$name: a client that leaves");
}

my $all = 0;

$all += tokens($texts{$_}) for @names;

is(counted('choices'), "$all 0", 'three choices in turn');
is(counted('choices left', until => qr/"last"/), "$all 0",
   'three choices, and a client that leaves');
is(counted('json', json => 1), "$all 0", 'three choices of a JSON answer');
is(counted('thought'), tokens($texts{english}) + tokens($texts{code}) . ' '
   . tokens($texts{english}), 'what was thought');

my $calls = 0;

$calls += tokens($args[$_]) + tokens("get_weather_$_") for 0, 1;
is(counted('calls'), "$calls 0", 'two calls');

done_testing;
