# SPDX-License-Identifier: Apache-2.0

# build/genai-json: what it shows, checks and edits; docs/TOOLS.md says so.

use strict;
use warnings;

use lib 't/lib';

use File::Temp ();
use Test::More;

use GenAI::Util;

my $TOOL = 'build/genai-json';

plan skip_all => "$TOOL is not built: make tools" unless -x $TOOL;

my $dir = File::Temp->newdir;
my $file = "$dir/request.json";


# Exit code, output, errors of the tool with a request on standard input.

sub tool {
    my ($text, @args) = @_;

    return run_cmd([ $TOOL, @args ], stdin => $text, split => 1);
}


sub shows {
    my ($text, $want, $name, @args) = @_;

    is_deeply([ tool($text, @args) ], [ 0, $want, '' ], $name);
}


sub refused {
    my ($text, $why, $name, @args) = @_;

    is_deeply([ tool($text, @args) ], [ 1, '', "$why\n" ], $name);
}


sub failed {
    my ($why, $name, @args) = @_;

    my ($rc, $out, $err) = tool('{"a":[1,{"b":2}]}', @args);

    ok($rc == 2 && $out eq '' && $err =~ $why, $name)
        or diag "$rc, '$out', '$err'";
}


# ---- showing

shows('{}', '', 'nothing');
shows('{"model":"m","messages":[{"role":"user","content":"hi"},'
      . '{"role":"tool","content":[{"type":"text","text":"a\nb"}]}],'
      . '"tools":[{"function":{"parameters":{"a":' . "\n" . '1}}}]}',
      <<'EOF', 'segments');
text              user       0.0    51-53        "hi"
result            tool       1.0    105-109      "a\nb"
tool_schema       none       0.0    150-158      {"a": 1}
EOF

my $long = 'é' x 100;

shows(qq({"messages":[{"content":"$long"}]}),
      'text              other      0.0    25-225       "' . 'é' x 59
      . "...\n", 'a long text is cut');
shows(qq({"messages":[{"content":"$long"}]}),
      qq(text              other      0.0    25-225       "$long"\n),
      'or not', '--full');
shows(qq({"messages":[{"content":"a\x7f\xc2\x9b1m\xc2\xa0"}]}),
      'text              other      0.0    25-33        '
      . qq("a\\u007f\\u009b1m\xc2\xa0"\n), 'no command for a terminal');
shows('{"prompt":["a","b"],"suffix":"c"}', <<'EOF', 'completions',
prompt            none       0.0    12-13        "a"
prompt            none       1.0    16-17        "b"
suffix            none       0.0    30-31        "c"
EOF
      '--endpoint', 'completions');
shows('{"input":[[1,2]]}', <<'EOF', 'embeddings', '--endpoint', 'embeddings');
tokens            none       0.0    10-15        [1,2]
EOF
shows('{"input":"a"}', '', 'no input of chat', '--endpoint', 'chat');

spew($file, '{"messages":[{"content":"from a file"}]}');

my ($rc, $out) = run_cmd([ $TOOL, $file ]);

is("$rc $out", "0 text              other      0.0    25-36        "
   . "\"from a file\"\n", 'a file');


# ---- checking

shows('{"messages":[{"content":"hi"}]}', '', 'fine', '--check');
refused('{"model":"a","Model":"b"}',
        '"model" stands twice in the request, or in another case',
        'a name in another case', '--check');
refused('{"messages":[{"role":7}]}', '"messages.0.role" must be a string',
        'a wrong type');
refused('{"a":}', 'the request body is not valid JSON: a value is expected'
        . ' at byte 5', 'no JSON', '--check');
refused('', 'the request body is not valid JSON: the text is empty at byte 0',
        'nothing at all', '--check');
refused('{"a\u0000":1}', '"a\u0000" has a zero byte in its name',
        'a zero byte in a name', '--check');
refused('{"n":0}', '"n" must be a whole number from 1 to 1024', 'a number',
        '--check');
shows('{}', '', 'a model is not asked for', '--check');
shows('{"a":{"B":1,"c":2}}', '{"a":{"c":2}}', 'a name in any case',
      '--remove', 'a.b');
refused('{"a":1,"a":2}',
        '"a" stands twice in the request, or in another case',
        'what is refused is not edited', '--edit', 'a=3');


# ---- editing

my $text = qq( {"model" : "a",\n "messages":[ {"content":"hi"} ], "n":1 }\n);

shows($text, $text =~ s/"a"/"b"/r, 'a value', '--edit', 'model="b"');
shows($text, $text =~ s/"hi"/[1, {"a":2}]/r, 'a value inside',
      '--edit', 'messages.0.content=[1, {"a":2}]');
shows($text, $text =~ s/\{"content":"hi"\}/null/r, 'an element',
      '--edit', 'messages.0=null');
shows($text, $text =~ s/"hi"/"hi","role":"user"/r, 'a member is added',
      '--edit', 'messages.0.role="user"');
shows($text, $text =~ s/"model" : "a",\s*//r, 'a member is removed',
      '--remove', 'model');
shows($text, $text =~ s/"a"/"c"/r, 'the last edit holds',
      '--edit', 'model="b"', '--edit', 'model="c"');
shows($text, $text, 'what is not there can be removed', '--remove', 'x');
shows('{"a":1,"b":2}', '{"b":3,"c":"="}', 'several',
      qw(--edit b=3 --remove a --edit c="="));
shows(' {"a":1} ', ' [2] ', 'all of it', '--edit', '=[2]');

($rc, $out) = run_cmd([ $TOOL, '--edit', 'messages.0.content="x"', $file ]);
is("$rc $out", '0 {"messages":[{"content":"x"}]}', 'of a file');


# ---- what cannot be done

failed(qr/no "x\.y"/, 'no such object', '--edit', 'x.y=1');
failed(qr/no "a\.2"/, 'no such element', '--edit', 'a.2=1');
failed(qr/no "a\.b"/, 'no name in an array', '--edit', 'a.b=1');
failed(qr/no "a\.0\.b"/, 'nothing in a number', '--edit', 'a.0.b=1');
failed(qr/no JSON/, 'no JSON', '--edit', 'a=b');
failed(qr/no JSON/, 'no JSON at all', '--edit', 'a=');
failed(qr/element/, 'elements stay', '--remove', 'a.1');
failed(qr/the request itself/, 'and so does all', '--remove', '');

for my $args ([ '--edit', 'a' ], [ '--edit' ], [ '--what', 'x' ],
              [ '--endpoint', 'models' ], [ '--endpoint', 'none' ],
              [ '--check', '--remove', 'a' ], [ '--check', '--full' ],
              [ '--full', '--edit', 'a=1' ], [ 'one', 'two' ])
{
    failed(qr/^usage: /, "usage: @$args", @$args);
}

failed(qr/cannot read \S+: No such file/, 'no such file', "$dir/none");
failed(qr/cannot read \S+: Is a directory/, 'no file', "$dir");

like((run_cmd([ $TOOL, '--help' ]))[1], qr/^usage: /, '--help');

SKIP: {
    skip 'no /dev/full', 1 unless -c '/dev/full';

    ($rc) = run_cmd([ 'sh', '-c', "$TOOL '$file' > /dev/full" ]);
    is($rc, 2, 'a full disk is told');
}


# ---- the document: its examples, and every kind of segment

my $page = slurp('docs/TOOLS.md');
my $n = 0;

while ($page =~ /^\$ (echo .*?[^\\])\n(.*?)^```/msg) {
    my ($command, $want) = ($1, $2);

    ($rc, $out) = run_cmd([ 'sh', '-c', $command ]);
    is($out, $want, "docs/TOOLS.md: $command");
    $n++;
}

ok($n > 1, 'it has examples');

my ($names) = slurp('ngx_http_genai_module/core/genai_request.c')
    =~ /genai_segment_name\(.*?\{(.*?)\}/s;
my @missing = grep { $page !~ /`$_`/ } $names =~ /"(\w+)"/g;

is("@missing", '', 'all kinds are there');

done_testing;
