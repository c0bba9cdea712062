# SPDX-License-Identifier: Apache-2.0

# build/genai-tokens: what it counts and says; docs/TOOLS.md says so.  Whether
# the tokens are right is t/unit/test_tokens.c.

use strict;
use warnings;

use lib 't/lib';

use Cwd qw(abs_path);
use File::Temp ();
use JSON::PP ();
use Test::More;

use GenAI::Util;

my $TOOL = 'build/genai-tokens';
my $VOCAB = 'build/data/o200k_base.vocab';

plan skip_all => "$TOOL is not built: make tools" unless -x $TOOL;
plan skip_all => "there is no $VOCAB: make data" unless -f $VOCAB;

my $dir = File::Temp->newdir;


# Exit code, output, errors of the tool with that on standard input.

sub tool {
    my ($text, @args) = @_;

    return run_cmd([ $TOOL, @args ], stdin => $text, split => 1);
}


sub says {
    my ($text, $want, $name, @args) = @_;

    is_deeply([ tool($text, @args) ], [ 0, $want, '' ], $name);
}


sub fails {
    my ($rc, $why, $name, @args) = @_;

    my ($got, $out, $err) = tool('{"a":', @args);

    ok($got == $rc && $out eq '' && $err =~ $why, $name)
        or diag "$got, '$out', '$err'";
}


# The members of what --json prints.

sub request {
    my ($request, @args) = @_;

    my ($rc, $out, $err) = tool($request, '--json', @args);

    ok($rc == 0 && $err eq '', 'a request: nothing is wrong')
        or diag "$rc, '$err'";

    return eval { JSON::PP::decode_json($out) } // {};
}


# ---- counting

my @o200k = (-e => 'o200k_base');

says('', "0\n", 'nothing', @o200k);
says('Hello, world!', "4\n", 'a text', @o200k);
says('Hello, world!', "13225 11 2375 0\n", 'its ids', @o200k, '--ids');
says('', "\n", 'the ids of nothing', @o200k, '--ids');
says('Hello, world!', "4\n", 'in pieces', @o200k, '--pieces', 7);
says('Hello, world!', "4\n", 'a vocabulary by its path', -e => $VOCAB);
says('Hello, world!', "4\n", 'standard input by its name', @o200k, '-');
says("\xff", "1\n", 'what is not UTF-8', @o200k);
says("a\0b", "3\n", 'a zero byte', @o200k);
says('<|endoftext|>', "7\n", 'no token of control', @o200k);

spew("$dir/a", 'one two');
spew("$dir/b", 'three');

says('', "2\n", 'one file', @o200k, "$dir/a");
says('', "2 $dir/a\n1 $dir/b\n3 total\n", 'files', @o200k, "$dir/a",
     "$dir/b");

my ($rc, $out, $err) = tool('', @o200k, "$dir/none", "$dir/a", "$dir/b");

is($rc, 2, 'a file that is not there: it has failed');
is($out, "2 $dir/a\n1 $dir/b\n3 total\n", '... but the others are counted');
like($err, qr/none: No such file/, '... and it says so');

my $long = ' ab' x 100000;

says($long, "100000\n", 'a long text', @o200k);
says($long, "100000\n", 'a long text in pieces', @o200k, '--pieces', 3);


# ---- models

says('Hello, world!', "4\n", 'a model', -m => 'gpt-4o');
says('Hello, world!', "4\n", 'a dated model', -m => 'gpt-4o-2024-08-06');
says('Hello, world!', "4\n", 'another one', -m => 'gpt-3.5-turbo');

spew("$dir/models.json", '{"schema":1,"models":{'
     . '"ours":{"tokenizer":"o200k_base"},'
     . '"theirs":{"tokenizer":"o200k_base","factor":[1.5,2]}}}');

($rc, $out, $err) = tool('Hello, world!', -m => 'theirs', '--catalog',
                         "$dir/models.json");

is("$rc $out", "0 6\n", 'a model whose vocabulary is not known');
like($err, qr/estimated: o200k_base times 1\.5/, '... is estimated');

says('Hello, world!', "4\n", 'another catalogue', -m => 'ours', '--catalog',
     "$dir/models.json");


# ---- requests

my $request = '{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]}';

my $r = request($request);

is($r->{prompt_tokens}, 8, 'a request');
is($r->{tokenizer}, 'o200k_base', '... its vocabulary');
ok($r->{exact}, '... is exact');
is($r->{framing}, 'openai', '... its framing');
cmp_ok($r->{context}, '>', 100000, '... its context');

$r = request($request, -m => 'gpt-3.5-turbo');

is($r->{tokenizer}, 'cl100k_base', 'the model of -m');

$r = request('{"input":"Hello, world!","model":"text-embedding-3-small"}',
             '--endpoint', 'embeddings');

is($r->{prompt_tokens}, 4, 'an input of embeddings');

$r = request('{"messages":[{"content":"hi"}]}', @o200k);

ok(!$r->{exact}, 'a model that nobody knows is estimated');


# ---- batches

sub batch {
    return join '', map { pack('V', length) . $_ } @_;
}

says(batch('a', '', 'Hello, world!'), pack('V*', 1, 0, 4), 'a batch', @o200k,
     '--batch');
says(batch('a', 'Hello, world!'), pack('V*', 1, 64, 4, 13225, 11, 2375, 0),
     'a batch with ids', @o200k, '--batch', '--ids');
says(batch('a') . pack('V', 0xffffffff) . batch('b'), pack('V*', 1, 1),
     'the answers so far', @o200k, '--batch');

($rc, $out) = tool(batch('a', ' b'), @o200k, '--batch', '--times');

like($out, qr/\A1 \d+\n1 \d+\n\z/, 'times');

($rc, $out, $err) = tool(pack('V', 9) . 'cut', @o200k, '--batch');

is($rc, 2, 'a batch that is cut');
like($err, qr/the last text is cut/, '... is said to be');


# ---- measuring

($rc, $out, $err) = tool('', @o200k, '--bench', "$dir/a");

like($out, qr{\A\Q$dir\E/a: 7 bytes, 2 tokens, [\d.]+ MB/s, median [\d.]+\n\z},
     'bench');


# ---- what is wrong

fails(2, qr/\Ausage/, 'nothing is said');
fails(2, qr/\Ausage/, 'an unknown option', @o200k, '--what');
fails(2, qr/\Ausage/, 'no value', '-e');
fails(2, qr/\Ausage/, 'ids of a request', '--json', '--ids');
fails(2, qr/\Ausage/, 'an endpoint without texts', '--json', '--endpoint',
      'models');
fails(2, qr/no vocabulary "nothing"/, 'no such vocabulary', -e => 'nothing');
fails(2, qr/there is no --split/, 'no such family', @o200k, '--split', 'x');
fails(2, qr/"nobody" is not in the catalogue/, 'no such model',
      -m => 'nobody');
fails(2, qr/none: No such file/, 'no such catalogue', -m => 'gpt-4o',
      '--catalog', "$dir/none");
fails(2, qr/\Q$dir\E\/a/, 'no vocabulary at all', -e => "$dir/a");
fails(1, qr/not valid JSON/, 'a request that is none', '--json', @o200k);

spew("$dir/cut.vocab", substr(slurp($VOCAB), 0, 100000));
fails(2, qr/cut\.vocab/, 'a vocabulary that is cut', -e => "$dir/cut.vocab");

($rc, $out, $err) = run_cmd([ $TOOL, '--help' ], split => 1);

ok($rc == 0 && $out =~ /\Ausage/ && $err eq '', 'help');

{
    local $ENV{GENAI_VOCAB_DIR} = "$dir";

    symlink abs_path($VOCAB), "$dir/mine.vocab" or die "symlink: $!";

    says('Hello, world!', "4\n", 'another folder', -e => 'mine');
    fails(2, qr/no vocabulary/, '... has no others', @o200k);
}

done_testing();
