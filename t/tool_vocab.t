# SPDX-License-Identifier: Apache-2.0

# build/genai-vocab: compiles and shows vocabularies, docs/TOOLS.md; and
# data/fetch, which gets them with it, on packages of its own making.

use strict;
use warnings;

use lib 't/lib';

use Cwd qw(abs_path);
use Digest::SHA qw(sha256_hex);
use File::Copy qw(copy);
use File::Temp ();
use MIME::Base64 qw(encode_base64);
use Test::More;

use GenAI::Util;

my $TOOL = 'build/genai-vocab';

plan skip_all => "$TOOL is not built: make tools" unless -x $TOOL;

my $top = File::Temp->newdir;

# 256 bytes and a token
my @tokens = ((map { encode_base64(chr, '') } 0 .. 255), 'YWI=');
my $ranks = join '', map { "$tokens[$_] $_\n" } 0 .. $#tokens;
my $sum = sha256_hex($ranks);

spew("$top/r.tiktoken", $ranks);


# Exit code, output, errors of the tool.

sub tool {
    return run_cmd([ $TOOL, @_ ], split => 1);
}


sub failed {
    my ($want, $why, $name, @args) = @_;

    my ($rc, $out, $err) = tool(@args);

    ok($rc == $want && $out eq '' && $err =~ $why, $name)
        or diag "$rc, '$out', '$err'";
}


# ---- compile and show

is_deeply([ tool('compile', "$top/r.tiktoken", '-o', "$top/r.vocab",
                 '--split', 'o200k') ], [ 0, '', '' ], 'compile');

my $size = -s "$top/r.vocab";
my ($rc, $out, $err) = tool('show', "$top/r.vocab");

is($rc, 0, 'show');
is($err, '', 'without a word');
like($out, qr/^name       r\n/, 'its name is that of the file');
like($out, qr/^compiled   yes, version \d+\n/m, 'it is compiled');
like($out, qr/^tokens     257\n/m, 'tokens');
like($out, qr/^family     o200k\n/m, 'family');
like($out, qr/^origin     sha256:$sum\n/m, 'origin');
like($out, qr/^size       $size\n/m, 'size');

($rc, $out) = tool('show', "$top/r.tiktoken", '--split', 'cl100k',
                   '--name', 'mine');
like($out, qr/^name       mine\ncompiled   no, only here/,
     'one that is not compiled');
like($out, qr/^family     cl100k\n/m, 'of another family');

tool('compile', "$top/r.tiktoken", '-o', "$top/n.vocab", '--name', 'mine',
     '--split', 'r50k');
like((tool('show', "$top/n.vocab"))[1], qr/^name       mine\n/, 'a name');
is(join(' ', map { s{.*/}{}r } sort glob "$top/*"),
   'n.vocab r.tiktoken r.vocab', 'nothing is left behind');


# ---- what is wrong

failed(1, qr/r\.tiktoken": ranks do not tell how/, 'no family', 'compile',
       "$top/r.tiktoken", '-o', "$top/x.vocab");
failed(2, qr/no family "x"; there are r50k cl100k/, 'an unknown one',
       'compile', "$top/r.tiktoken", '-o', "$top/x.vocab", '--split', 'x');
failed(1, qr/none": No such file/, 'no file', 'show', "$top/none");
failed(1, qr{tool_vocab.t": it is no vocabulary}, 'another file', 'show',
       't/tool_vocab.t');
failed(2, qr{/none/x.vocab": it cannot be written}, 'nowhere to write',
       'compile', "$top/r.tiktoken", '-o', "$top/none/x.vocab", '--split',
       'o200k');
ok(!-e "$top/x.vocab", 'nothing is written');

my $image = slurp("$top/r.vocab");

substr($image, 5000, 1) ^= "\x55";
spew("$top/bad.vocab", $image);
failed(1, qr/bad.vocab": \S/, 'one that is damaged', 'show', "$top/bad.vocab");

for my $args ([], [ 'show' ], [ 'compile' ], [ 'old', 'x' ],
              [ 'compile', "$top/r.tiktoken" ], [ 'compile', '-o', 'x' ],
              [ 'compile', 'x', '-o' ], [ 'show', 'x', '-o', 'y' ],
              [ 'show', 'x', 'y' ], [ 'show', '--name' ],
              [ 'show', 'x', '--name', 'y', '--name', 'z' ],
              [ 'show', 'x', '--split' ], [ 'show', '-x' ])
{
    failed(2, qr/^usage: /, "usage: @$args", @$args);
}

like((tool('--help'))[1], qr/^usage: /, '--help');
is((tool('--help'))[0], 0, 'is fine');

SKIP: {
    skip 'no /dev/full', 1 unless -c '/dev/full';

    ($rc) = run_cmd([ 'sh', '-c', "$TOOL show $top/r.vocab > /dev/full" ]);
    is($rc, 2, 'a full disk is told');
}


# ---- getting them: a table, and a registry that is a folder

my $npm = "$top/npm";
my $tool = abs_path($TOOL);

mkdir "$top/$_" or die "$_: $!"
    for qw(data bin npm package package/encoders cache dir home);

copy('data/fetch', "$top/data/fetch") or die "data/fetch: $!";
chmod 0755, "$top/data/fetch";

spew("$top/package/encoders/r.json", '{"pat_str":"x","bpe_ranks":"! 0 '
     . join(' ', @tokens[0 .. 99]) . '\n! 100 '
     . join(' ', @tokens[100 .. $#tokens]) . '"}');
spew("$top/package/plain", $ranks =~ s/YWI= 256/YWI= 300/r);
run_cmd([ 'tar', '-C', $top, '-czf', "$npm/a-b-1.0.tgz", 'package' ]);

# what npm pack does, and a note that it did
spew("$top/bin/npm", <<"END");
#!/bin/sh
echo "\$@" >> $top/npm.log
[ "\$1 \$2 \$3 \$4" = "pack --silent --ignore-scripts \@a/b\@1.0" ] || exit 1
exec cp $npm/a-b-1.0.tgz .
END
chmod 0755, "$top/bin/npm";

my $archive = sha256_hex(slurp("$npm/a-b-1.0.tgz"));
my $plain = sha256_hex($ranks =~ s/YWI= 256/YWI= 300/r);


sub table {
    my (%o) = @_;

    spew("$top/data/sources", <<"END");
# a comment

package ab npm \@a/b 1.0 @{[ $o{archive} // $archive ]}
vocabulary default one ab package/encoders/r.json @{[ $o{sum} // $sum ]} o200k
alias default uno one
vocabulary more two ab package/plain $plain r50k
END
}


sub fetch {
    my ($set, %env) = @_;

    return run_cmd([ "$top/data/fetch", $tool, "$top/out",
                     $set ? $set : () ], split => 1, env => {
        PATH => "$top/bin:$ENV{PATH}", HOME => "$top/home",
        GENAI_CACHE => "$top/cache", DATA_DIR => '', %env });
}


sub downloads {
    my $log = -e "$top/npm.log" ? slurp("$top/npm.log") : '';

    unlink "$top/npm.log";

    return $log =~ tr/\n//;
}


table();
($rc, $out, $err) = fetch();

is($rc, 0, 'a set') or diag $err;
is(downloads(), 1, 'is downloaded');
like((tool('show', "$top/out/one.vocab"))[1], qr/^name       one\n/,
     'compiled');
like((tool('show', "$top/out/one.vocab"))[1], qr/sha256:$sum\n/,
     'of what the table says');
is(readlink "$top/out/uno.vocab", 'one.vocab', 'with another name');
ok(!-e "$top/out/two.vocab", 'and nothing else');
ok(-f "$top/cache/data/a-b-1.0.tgz", 'the package is kept');

is_deeply([ fetch() ], [ 0, '', '' ], 'once more: nothing to do');

($rc, $out) = fetch('more');
is($out, "  DATA $top/out/two.vocab\n", 'another set');
is(downloads(), 0, 'is not downloaded again');

utime 1, 1, "$top/out/one.vocab";
like((fetch())[1], qr/DATA .*one.vocab/, 'older than the tool');
spew("$top/out/one.vocab", 'x');
like((fetch())[1], qr/DATA .*one.vocab/, 'damaged');
like((fetch('none'))[2], qr/there is no set "none"/, 'no such set');


# what is wrong

unlink glob "$top/out/*";
table(sum => '0' x 64);
($rc, $out, $err) = fetch();
ok($rc == 1 && $err =~ /a-b-1.0.tgz: package.* is not what data.sources says/,
   'another file');
ok(!-e "$top/out/one.vocab", 'is not compiled');

spew("$top/cache/data/a-b-1.0.tgz", 'x');
table();
is((fetch())[0], 0, 'a cache that is damaged');
is(downloads(), 1, 'is downloaded anew');

unlink glob "$top/out/* $top/cache/data/*";
table(archive => '0' x 64);
($rc, $out, $err) = fetch();
ok($rc == 1 && $err =~ /\@a\/b 1.0: what npm has is not what/,
   'another package');
is(join(' ', glob "$top/cache/data/*"), '', 'is not kept');

downloads();
table();
rename "$npm/a-b-1.0.tgz", "$npm/gone" or die "rename: $!";
($rc, $out, $err) = fetch();
ok($rc == 1 && $err =~ /cannot be had from npm; without a network, put/,
   'no network') or diag $err;
downloads();


# an installed copy, or a folder with packages

run_cmd([ $tool, 'compile', "$top/r.tiktoken", '-o', "$top/dir/one.vocab",
          '--name', 'one', '--split', 'o200k' ]);

($rc, $out) = fetch(undef, DATA_DIR => "$top/dir");
is($rc, 0, 'an installed copy');
like($out, qr/COPY/, 'is copied');
is(slurp("$top/out/one.vocab"), slurp("$top/dir/one.vocab"), 'as it is');
is(readlink "$top/out/uno.vocab", 'one.vocab', 'with another name');

($rc, $out, $err) = fetch('more', DATA_DIR => "$top/dir");
ok($rc == 1 && $err =~ m{/dir has neither two.vocab .* nor a-b-1.0.tgz},
   'something is missing') or diag $err;

rename "$npm/gone", "$top/dir/a-b-1.0.tgz" or die "rename: $!";
is((fetch('more', DATA_DIR => "$top/dir"))[0], 0, 'a package');

unlink "$top/out/two.vocab";
spew("$top/dir/a-b-1.0.tgz", 'x');
($rc, $out, $err) = fetch('more', DATA_DIR => "$top/dir");
ok($rc == 1 && $err =~ m{a-b-1.0.tgz is not what data/sources says},
   'another') or diag $err;

is(downloads(), 0, 'nothing is downloaded');


# ---- the real table

my %package;
my @names;

for (split /\n/, slurp('data/sources')) {
    next if /^(?:#|$)/;

    my ($kind, @f) = split / /;

    if ($kind eq 'package') {
        ok(@f == 5 && $f[1] =~ /^(?:npm|pypi)\z/ && $f[4] =~ /^[0-9a-f]{64}\z/,
           "package $f[0]");
        $package{$f[0]} = 1;

    } elsif ($kind eq 'vocabulary') {
        ok((@f == 5 || @f == 6) && $package{$f[2]}
           && $f[4] =~ /^[0-9a-f]{64}\z/, "vocabulary $f[1]");
        push @names, $f[1];

    } else {
        ok($kind eq 'alias' && @f == 3 && grep({ $_ eq $f[2] } @names),
           "alias $f[1]");
        push @names, $f[1];
    }
}

my $licenses = slurp('data/LICENSES.md');

ok($licenses =~ /`$_`/, "data/LICENSES.md: $_") for @names;


# ---- the document

my ($part) = slurp('docs/TOOLS.md') =~ /^## genai-vocab\n(.*?)(?:^## |\z)/ms;
my @missing = grep { ($part // '') !~ /`$_`|\Q$_\E / }
    (tool('--help'))[1] =~ /(--\w+)/g;

is("@missing", '', 'docs/TOOLS.md: all options are there');

done_testing();
