# SPDX-License-Identifier: Apache-2.0

# build/genai-catalog, docs/catalog.schema.json, data/models.json and the
# example of docs/CATALOG.md: they say the same about what a catalogue is.

use strict;
use warnings;

use lib 't/lib';

use File::Temp ();
use JSON::PP ();
use Test::More;

use GenAI::Util;

my $TOOL = 'build/genai-catalog';

plan skip_all => "$TOOL is not built: make tools" unless -x $TOOL;

my $json = JSON::PP->new->canonical;
my $dir = File::Temp->newdir;


sub put {
    my ($name, $text) = @_;

    open my $f, '>:raw', "$dir/$name" or die "$dir/$name: $!";
    print $f $text;
    close $f;

    return "$dir/$name";
}


# Exit code, output, errors.

sub tool {
    my $in = ref $_[0] ? ${ shift() } : '';

    return run_cmd([ $TOOL, @_ ], stdin => $in, split => 1);
}


sub check {
    my ($doc) = @_;
    my ($rc, $out) = tool(\$doc, 'check', '--json', '-');

    return ($rc, @{ $json->decode($out) });
}


# ---- usage

for ([], ['look'], ['show'], ['check', '--jsno'], ['show', '-f'],
     ['show', '--json', 'a'], ['stats', '--json'], ['check', '-f', '/'])
{
    my ($rc, $out, $err) = tool(@$_);
    ok($rc == 3 && $out eq '' && $err =~ /^usage: /, "usage: @$_");
}

{
    my ($rc, $out, $err) = tool('--help');
    ok($rc == 0 && $out =~ /^usage: / && $err eq '', 'help');

    ($rc, $out, $err) = tool('check', "$dir/none");
    ok($rc == 3 && $err =~ /cannot read .*none: No such/, 'no such file');
}

# ---- ours

{
    my ($rc, $out, $err) = tool('check', 'data/models.json');
    ok($rc == 0 && $out eq '' && $err eq '', 'data/models.json is fine')
        or diag $out, $err;

    ($rc, $out) = tool('stats', 'data/models.json');
    ok($rc == 0 && $out =~ /^entries +(\d+)/m && $1 > 200, 'and has entries');

    my $models = $json->decode(slurp('data/models.json'))->{models};

    unlike($out, qr/^framing +none +(?:[5-9]\d|\d{3,})/m, 'most are framed');

    # one of each vendor, as clients and providers call them

    my %want = (
        'gpt-4o-2024-08-06' => 'gpt-4o-2024-08-06',
        'gpt-4o-2025-01-01' => 'gpt-4o*', 'openai/gpt-4o-mini' =>
        'gpt-4o-mini', 'o1-mini-2024-09-12' => 'o1-mini*',
        'gpt-4-0613' => 'gpt-4-0613', 'gpt-35-turbo' => 'gpt-35-turbo*',
        'ft:gpt-4o-mini-2024-07-18:acme::abc' => 'gpt-4o-mini*',
        'us.anthropic.claude-3-5-sonnet-20241022-v2:0' =>
        'claude-3-5-sonnet*',
        'anthropic/claude-haiku-4.5' => 'claude-haiku-4*',
        'claude-3-opus@20240229' => 'claude-3-opus*',
        'publishers/google/models/gemini-2.5-flash' => 'gemini-2.5-flash',
        'models/gemini-embedding-001' => 'gemini-embedding-001',
        'meta-llama/Llama-3.1-8B-Instruct' => 'llama-3.1*',
        'meta-llama/Meta-Llama-3-8B-Instruct' => 'meta-llama-3*',
        'us.meta.llama3-3-70b-instruct-v1:0' => 'llama3-3-*',
        'accounts/fireworks/models/llama-v3p1-8b-instruct' => 'llama-v3p1*',
        'mistral.mistral-large-2402-v1:0' => 'mistral-large-2402*',
        'mistralai/Mixtral-8x7B-Instruct-v0.1' => 'mixtral-8x7b*',
        'deepseek-ai/DeepSeek-V3.1' => 'deepseek-v3.1*',
        'Qwen/Qwen2.5-7B-Instruct' => 'qwen2.5*',
        'qwen.qwen3-32b-v1:0' => 'qwen3-32b*', 'qwen3:8b' => 'qwen3:*',
        'cohere.command-r-plus-v1:0' => 'command-r*',
        'xai/grok-4' => 'grok-4', 'grok-3-mini' => 'grok-3-mini',
        'amazon.nova-pro-v1:0' => 'nova-pro*',
        'microsoft/Phi-4' => 'phi-4*', 'phi4:14b' => 'phi4*',
        'openai/gpt-oss-120b' => 'gpt-oss*', 'gpt-oss:20b' => 'gpt-oss*',
        'openai.gpt-oss-20b-1:0' => 'gpt-oss*',
        'text-embedding-3-small' => 'text-embedding-3-small',
        'sonar-pro' => 'sonar-pro*',
    );

    for my $name (sort keys %want) {
        ($rc, $out) = tool('show', '-f', 'data/models.json', $name);
        ok($rc == 0 && $out =~ /^  entry       \Q$want{$name}\E, /m,
           "$name is $want{$name}") or diag $out;
        ok(exists $models->{$want{$name}}, 'which stands there');
    }

    # a price is of the very model, and never of what has another one

    my %costs = (
        'gpt-4o' => [2.5, 1.25, 10], 'gpt-4o-2024-05-13' => [5, undef, 15],
        'gpt-4o-mini-2024-07-18' => [0.15, 0.075, 0.6],
        'gpt-4o-transcribe' => undef, 'gpt-4o-audio-preview' => undef,
        'ft:gpt-4o-mini-2024-07-18:acme::abc' => undef,
        'gpt-5.9' => undef, 'gpt-5.4' => [2.5, 0.25, 15], 'o1-preview' => undef,
        'o1' => [15, 7.5, 60], 'o3-pro' => [20, undef, 80],
        'claude-sonnet-4-5-20250929' => [3, 0.3, 15],
        'claude-opus-4-1' => [15, 1.5, 75], 'claude-opus-4-8' => [5, 0.5, 25],
        'claude-opus-9' => undef, 'claude-haiku-5-5' => [0.1, 0.01, 0.5],
        'gemini-2.5-pro' => [1.25, 0.125, 10], 'gemini-2.5-other' => undef,
        'nova-lite-v1:0' => [0.06, 0.015, 0.24], 'nova-2-lite-v1:0' => undef,
        'text-embedding-3-large' => [0.13], 'llama-3.3-70b-instruct' => undef,
        'gpt-oss-120b' => undef, 'codestral-embed-2505' => undef,
        'qwen3-32b' => undef, 'deepseek-v4-pro' => [1.32, 0.044, 3.96],
    );

    for my $name (sort keys %costs) {
        ($rc, $out) = tool('show', '-f', 'data/models.json', $name);

        my ($first) = split /^  above /m, $out;
        my @has = map { $first =~ /\$(\S+) +for a million of $_$/m }
            qw(input cached output);
        my @want = grep { defined } @{ $costs{$name} || [] };

        is("@has", "@want", "the price of $name");
        like($out, @want ? qr{^  price       of \d{4}-\d\d-\d\d, https://}m
                         : qr{^  price       unknown$}m, 'and where from');
    }

    ($rc, $out, $err) = tool('show', '-f', 'data/models.json', 'gpt-4o',
                             'no-such', 'gpt-5');
    ok($rc == 1 && $out =~ /^gpt-4o\n.*^gpt-5\n/ms
       && $err =~ /nothing is known of "no-such"/, 'one of three is unknown');
}

# ---- findings and exit codes

{
    my $a = put('a.json', qq({"schema":1,"models":{\n"m*":{"context":10}}}));
    my $b = put('b.json', qq({"schema":1,"models":{\n"m*":{"output":5},\n)
                          . qq("x":{"contxt":1}}}));

    my ($rc, $out) = tool('check', $a, $b);
    is($rc, 1, 'an entry is left out');
    is($out, qq($b:3: left out: models.x: "contxt": it is no field of a)
             . qq( model\n), 'which is said');

    ($rc, $out) = tool('show', '-f', $a, '-f', $b, 'm1');
    ok($out =~ /^  context     10\n  output      5$/m,
       'one overlays the other');
    ok($out =~ m{entry       m\*, \Q$b\E:2}, 'which is where it stands');

    ($rc, $out) = tool('check', put('c.json', '{"schema":1,,}'));
    ok($rc == 2 && $out =~ /^\S+c\.json:1: broken: /, 'no JSON');

    ($rc, my @found) = check('{"schema":1,"models":{"a":{"like":"b\\""}}}');
    ok($rc == 1 && @found == 1 && $found[0]{level} eq 'warning'
       && $found[0]{text} =~ /"b""/, 'as JSON') or diag $json->encode(\@found);
}

# ---- prices

{
    my $a = put('a.json', <<'EOF');
{"schema":1,"prices":{"v":{"dated":"2026-10-24","source":"https://v.example"}},
"models":{
"m*":{"vendor":"v","price":{"input":"3","output":15,"request":0.01,
"tiers":[{"above":200000,"input":6}]}},
"n":{"vendor":"v"},
"e":{"kind":"embedding","price":{"input":0}},
"half":{"price":{"output":1}}}}
EOF
    my $b = put('b.json', '{"schema":1,"models":{"m*":{"price":{'
                          . '"output":9}}}}');

    my ($rc, $out) = tool('show', '-f', $a, 'm1', 'n', 'e');
    is($rc, 0, 'prices');
    like($out, qr{^\ \ price\ {7}of\ 2026-10-24,\ https://v\.example\n
                  \ {4}\$3\ {9}for\ a\ million\ of\ input\n
                  \ {4}\$15\ {8}for\ a\ million\ of\ output\n
                  \ {4}\$0\.01\ {6}for\ each\ request\n
                  \ \ above\ {7}200000\ tokens\ of\ prompt\n
                  \ {4}\$6\ {9}for\ a\ million\ of\ input\n
                  n\n}mx, 'a price, and where it is from');
    like($out, qr/^n\n.*^  price       unknown\n.*^e\n/ms, 'none');
    like($out, qr/^e\n.*^  price       of \S+a\.json\n    \$0 /ms, 'free');

    ($rc, $out) = tool('show', '-f', $a, '-f', $b, 'm1');
    like($out, qr{price       of \S+b\.json\n.*\$3 .*\$9 }s,
         'an overlay is not of that page');

    ($rc, $out) = tool('stats', $a);
    like($out, qr/^priced      2$/m, 'two are priced');
    like($out, qr/^price       v                1 of 2, of 2026-10-24$/m,
         'one of its vendor');
    like($out, qr/^price       -                1 of 2$/m, 'one of nobody');

    ($rc, $out) = tool('check', $a);
    ok($rc == 1 && $out =~ /:7: warning: half: its price has no "input" or/,
       'a price that is not enough');
}

# ---- the example

my ($example) = slurp('docs/CATALOG.md') =~ /```json\n(.*?)```/s;

{
    my $file = put('example.json', $example);
    my ($rc, $out) = tool('check', 'data/models.json', $file);
    ok($rc == 0 && $out eq '', 'the example of the documentation') or diag $out;

    ($rc, $out) = tool('show', '-f', 'data/models.json', '-f', $file,
                       'my-llama');
    like($out, qr/tokenizer   llama3_1, exact.*context     32768/s,
         'my-llama is as it says');
}

# ---- the schema

my $schema = $json->decode(slurp('docs/catalog.schema.json'));
my $fields = $schema->{'$defs'}{model}{properties};

my %value = (
    like => 'b', vendor => 'v', tokenizer => 't', factor => [1, 2],
    fallback => ['t', 1, 2], framing => 'none', context => 5, input => 5,
    output => 5, modalities => ['text'], image => { fixed => [5] },
    kind => 'chat', thinking => 'effort',
    price => { input => '0.1', output => 2 },
);

is_deeply([ sort keys %value ], [ sort keys %$fields ],
          'the schema has the fields that are read');

for my $field (sort keys %value) {
    my ($rc) = check($json->encode({ schema => 1, models => {
        b => {}, a => { $field => $value{$field} } } }));
    is($rc, 0, "$field is read");
}

my $price = $schema->{'$defs'}{price}{properties};
my @rates = grep { $_ ne 'tiers' && $_ ne 'request' } sort keys %$price;
my $tier = $price->{tiers}{items}{properties};

is_deeply([ sort keys %$tier ], [ sort 'above', @rates ],
          'a tier has the same rates');

for my $rate (@rates, 'request') {
    my $file = put('rate.json', $json->encode({ schema => 1, models => {
        a => { price => { input => 1, output => 2, $rate => '0.0125' } } } }));
    my ($rc, $out) = tool('show', '-f', $file, 'a');

    like($out, $rate eq 'request' ? qr/^    \$0\.0125 +for each request$/m
               : qr/^    \$0\.0125 +for a million of $rate$/m,
         "a price for $rate");
}

for my $framing (@{ $fields->{framing}{enum} }) {
    my ($rc) = check(qq({"schema":1,"models":{"a":{"framing":"$framing"}}}));
    is($rc, 0, "framing $framing");
}

SKIP: {
    my ($rc) = run_cmd([ 'python3', '-c', 'import jsonschema' ], stdin => '',
                       split => 1);

    skip 'no python3 jsonschema', 1 if $rc != 0;

    my @docs = (
        $example, slurp('data/models.json'), '{"schema":1}', '{"schema":2}',
        '{}', '[]', 'null', '{"schema":1,"models":[]}', '{"schema":1,"x":1}',
        '{"schema":1,"#":1,"x-a":{"b":1}}', '{"schema":1,"prefixes":["a b"]}',
        (map { qq({"schema":1,"prices":$_}) }
            '{}', '[]', '{"a":{}}', '{"a":1}', '{"#":1,"x-a":2}',
            '{"a":{"dated":"2026-01-01","source":"s","#":1}}',
            '{"a":{"dated":"2026-01-01"}}', '{"a":{"source":"s"}}',
            '{"a":{"dated":"2026-1-1","source":"s"}}',
            '{"a":{"dated":"2026-01-01","source":"s t"}}',
            '{"a":{"dated":"2026-01-01","source":"s","by":1}}'),
        '{"schema":1,"prefixes":["a."]}', '{"schema":1,"revision":5}',
        (map { qq({"schema":1,"models":{"b":{},"a":{$_}}}) }
            '"like":"b"', '"like":5', '"tokenizer":""', '"tokenizer":"a b"',
            '"factor":[1]', '"factor":[1,2]', '"factor":[0,2]',
            '"factor":[1,99]', '"factor":1', '"fallback":["a",1,2]',
            '"fallback":[1,2]', '"fallback":["a",1,2,3]', '"framing":"x"',
            '"context":-1', '"context":1.5', '"context":"1"', '"output":7',
            '"modalities":"text"', '"modalities":["text","file"]',
            '"modalities":["x"]', '"image":{}', '"image":{"tiles":[1,2]}',
            '"image":{"tiles":[1]}', '"image":{"fixed":[0]}',
            '"image":{"grid":[28,0]}', '"image":{"fixed":[1],"area":[1,1]}',
            '"price":null', '"price":{}', '"price":5', '"price":[]',
            '"price":{"input":1,"#":2,"x-a":3}', '"price":{"in":1}',
            (map { qq("price":{"input":1,"output":$_}) }
                '0', '2.5', '0.123456789', '10000', '10000.1', '-1', '-0.5',
                '1000000', 'null', 'true', '[]', '{}', '""', '"0"', '"2.50"',
                '"0.000000001"', '"0.0000000001"', '"10000"', '"10000.0"',
                '"10000.1"', '"10001"', '"-1"', '"1e2"', '"1e400"', '".5"',
                '"5."', '"05"', '" 5"', '"$5"', '"free"'),
            (map { qq("price":{"input":1,"output":1,"tiers":$_}) }
                '[]', '{}', 'null', '[1]', '[{}]', '[{"above":5}]',
                '[{"above":0}]', '[{"above":-5}]', '[{"above":"5"}]',
                '[{"above":5,"input":"2","x-a":1}]', '[{"above":5,"a":1}]',
                '[{"above":5,"request":1}]', '[{"above":5,"tiers":[]}]',
                '[{"above":5,"output":-2}]',
                '[{"above":5},{"above":6},{"above":7}]',
                '[{"above":5},{"above":6},{"above":7},{"above":8}]'),
            '"thinking":"x"', '"thinking":"budget"', '"kind":"x"',
            '"kind":"embedding"', '"other":1', '"x-other":1'),
    );

    my $program = <<'EOF';
import json, jsonschema, sys
schema = json.load(open('docs/catalog.schema.json'))
jsonschema.Draft202012Validator.check_schema(schema)
v = jsonschema.Draft202012Validator(schema)
for line in sys.stdin:
    print('good' if v.is_valid(json.loads(line)) else 'bad')
EOF

    my ($prc, $out, $err) = run_cmd([ 'python3', '-c', $program ],
        stdin => join("\n", map { s/\n/ /gr } @docs) . "\n", split => 1);

    is($prc, 0, 'the schema is one') or diag $err;

    my @says = split /\n/, $out;

    for my $doc (@docs) {
        my ($crc, @found) = check($doc);
        my $good = grep({ $_->{level} ne 'warning' } @found) ? 'bad' : 'good';

        # the example removes what only ours has

        is($good, shift @says, "both say $good: " . substr($doc, 0, 79))
            or diag $json->encode(\@found);
    }
}

done_testing();
