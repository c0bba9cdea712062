# SPDX-License-Identifier: Apache-2.0

# build/genai-books: what it shows, checks and exports; docs/TOOLS.md says so.
# The books are made by build/unit/test_books_file, which then dies.

use strict;
use warnings;

use lib 't/lib';

use File::Copy qw(copy);
use File::Temp ();
use POSIX ();
use Test::More;

use GenAI::Util;

my $TOOL = 'build/genai-books';
my $MAKE = 'build/unit/test_books_file';

plan skip_all => "$TOOL is not built: make tools" unless -x $TOOL;
plan skip_all => "$MAKE is not built: make unit" unless -x $MAKE;

my $top = File::Temp->newdir;
my $dir = "$top/books";

run_cmd([ $MAKE, 'make', $dir ], split => 1);


# Exit code, output, errors of the tool.

sub tool {
    return run_cmd([ $TOOL, @_ ], split => 1);
}




# A copy of the books with some bytes changed.

sub changed {
    my ($name, $at, $bytes) = @_;

    mkdir "$top/$name" or die "$name: $!";
    copy("$dir/books", "$top/$name/books") or die "copy: $!";

    open my $f, '+<:raw', "$top/$name/books" or die "$name: $!";
    seek $f, $at, 0;
    print $f $bytes;
    close $f;

    return "$top/$name";
}


is_deeply([ tool('verify', $dir) ], [ 0, '', '' ], 'nothing is wrong');

my ($rc, $out, $err) = tool('show', $dir);

is($rc, 0, 'show');
like($out, qr/^2024-10-04 team +- +=1\+2 +model +1 +0 +0 +10 +30 /m,
     'a row, with "-" for no user');
like($out, qr/^in flight:  1 exchanges, in 1 processes$/m, 'in flight');
like($out, qr/two\?lines/, 'a line feed does not get to the terminal');

($rc, $out, $err) = tool('show', '--leases', $dir);

is($rc, 0, 'show --leases');
like($out, qr/^r{32} 2023-11-14 22:13:20 +\d+ team .* 7 +21$/m,
     'the lease with its checkpoint');

($rc, $out, $err) = tool('export', '--csv', $dir);

is($out, join('', map { "$_\r\n" }
    'day,team,user,key,model,exchanges,failed,orphans,estimated,attempts,'
    . 'prompt_tokens,cached_tokens,completion_tokens,reasoning_tokens,'
    . 'cost',
    "2024-10-04,team,,'=1+2,model,1,0,0,1,2,10,20,30,50,0.000010000",
    '2024-10-05,team,user,"a,b",model,1,1,0,1,3,11,22,33,55,0.000011000',
    '2024-10-06,team,user,"say ""hi""",model,1,0,0,0,0,12,24,36,60,0.000012000',
    '2024-10-07,team,user,plain,model,1,1,0,0,1,13,26,39,65,0.000013000',
    '2024-10-08,team,user,"two?lines",model,1,0,0,1,2,14,28,42,70,0.000014000'),
   'CSV: quoted, and no formula');

($rc, $out, $err) = tool('export', '--json', '--from', '2024-10-06', '--to',
                         '2024-10-08', $dir);

is($out, join('', map { "$_\n" }
    '{"day":"2024-10-06","team":"team","user":"user","key":"say \"hi\"",'
    . '"model":"model","exchanges":1,"failed":0,"orphans":0,"estimated":0,'
    . '"attempts":0,"prompt_tokens":12,"cached_tokens":24,'
    . '"completion_tokens":36,"reasoning_tokens":60,"cost":0.000012000}',
    '{"day":"2024-10-07","team":"team","user":"user","key":"plain",'
    . '"model":"model","exchanges":1,"failed":1,"orphans":0,"estimated":0,'
    . '"attempts":1,"prompt_tokens":13,"cached_tokens":26,'
    . '"completion_tokens":39,"reasoning_tokens":65,"cost":0.000013000}',
    '{"day":"2024-10-08","team":"team","user":"user","key":"two\nlines",'
    . '"model":"model","exchanges":1,"failed":0,"orphans":0,"estimated":1,'
    . '"attempts":2,"prompt_tokens":14,"cached_tokens":28,'
    . '"completion_tokens":42,"reasoning_tokens":70,"cost":0.000014000}'),
   'JSON lines, of some days');

# counters of limits

my @limits = (
    [ 'key', 'say "hi"', '', '8 concurrent', undef, undef,
      8, 0, 1, 1, 0, 0, 0, 0, 'false' ],
    [ 'user', 'user', '', '3 requests/never', undef, undef,
      3, 1, 1, 1, 0, 0, 0, 0, 'false' ],
    [ 'team', 'team', '', '40 tokens/1h on gpt-4*', '2023-11-14T22:00:00Z',
      '2023-11-14T23:00:00Z', 40, 56, 0, 0, 0, 16, 16, 1, 'false' ],
    [ 'plan', '=gold', 'a,b', '$5/1mo', '2023-11-01T00:00:00Z',
      '2023-12-01T00:00:00Z', '5.000000000', '0.000014000', '0.000020000', 1,
      ('0.000000000') x 3, 0, 'false' ],
    [ 'directive', 'remote_addr', '', '2 requests/never', undef, undef,
      2, 1, 0, 0, 0, 0, 0, 0, 'false' ],
);

sub counters {
    my $i = 0;

    return join '', map {
        my $row = $_;
        '{' . join(',', map {
            my ($name, $value) = ($_, $row->[$i++ % 15]);
            qq{"$name":} . (!defined $value ? 'null'
                : $name =~ /^(?:owner|name|key|limit|start|end)$/
                ? '"' . $value =~ s/"/\\"/gr . '"' : $value)
        } qw(owner name key limit start end amount settled leased exchanges
             debt overrun overruns refused ended)) . "}\n"
    } @_;
}

is_deeply([ tool('limits', '--json', $dir) ], [ 0, counters(@limits), '' ],
          'limits as JSON lines');
is_deeply([ tool('limits', $dir, '--owner', 'team', '--json') ],
          [ 0, counters($limits[2]), '' ], 'of teams');

is_deeply([ tool('limits', '--csv', $dir) ], [ 0, join('', map { "$_\r\n" }
    'owner,name,key,limit,start,end,amount,settled,leased,exchanges,debt,'
    . 'overrun,overruns,refused,ended',
    'key,"say ""hi""",,8 concurrent,,,8,0,1,1,0,0,0,0,0',
    'user,user,,3 requests/never,,,3,1,1,1,0,0,0,0,0',
    'team,team,,40 tokens/1h on gpt-4*,2023-11-14T22:00:00Z,'
    . '2023-11-14T23:00:00Z,40,56,0,0,0,16,16,1,0',
    'plan,\'=gold,"a,b",$5/1mo,2023-11-01T00:00:00Z,2023-12-01T00:00:00Z,'
    . '5.000000000,0.000014000,0.000020000,1,0.000000000,0.000000000,'
    . '0.000000000,0,0',
    'directive,remote_addr,,2 requests/never,,,2,1,0,0,0,0,0,0,0'), '' ],
   'limits as CSV: no formula');

($rc, $out, $err) = tool('limits', $dir);

is($rc, 0, 'limits');
like($out, qr{^team +team +- +40 tokens/1h on gpt-4\* +\S+T22:00:00Z }m,
     'what it is');
like($out, qr{T22:00:00Z \S+T23:00:00Z +56 +0 +0 +0 +16 +1$}m,
     'and its numbers');
like($out, qr{^plan .* \$5/1mo +\S+Z \S+Z +0\.000014000 +0\.000020000 +1 }m,
     'in dollars');

# samples, until nobody reads them any more

ok(open(my $samples, '-|', $TOOL, 'limits', '--json', '--every', '2', $dir),
   'limits --every');

for my $i (1 .. 3) {
    my @got;

    while (defined(my $line = readline $samples)) {
        last if $line eq "\n";
        push @got, $line;
    }

    is(join('', @got), counters(@limits), "sample $i");
}

close $samples;
is($? & 127, POSIX::SIGPIPE(), 'and ends');

# what is wrong

my $other = changed('other', 8, "\x07");
my $before = slurp("$other/books");

is_deeply([ tool('verify', $other) ],
          [ 2, '', "genai-books: $other/books: these are books of another"
            . " version, layout 7 instead of 4; run the version that made"
            . " them, or move the file away to begin new ones\n" ],
          'another layout');
ok($before eq slurp("$other/books"), 'is not touched');

($rc, $out, $err) = tool('verify', changed('foreign', 0, 'X'));
is($rc, 2, 'a foreign file');
like($err, qr/something else, no books/, 'is one');

($rc, $out, $err) = tool('verify', changed('head', 20, "\xff"));
is($rc, 1, 'a damaged head');
like($err, qr/damaged; it was not touched/, 'is one');

my $cut = changed('cut', 0, 'G');
truncate "$cut/books", 5_000_000;
($rc, $out, $err) = tool('verify', $cut);
is($rc, 1, 'a file that was cut');
like($err, qr/shorter than they say/, 'is one');

# a row's name is another one: found by its hash

my $at = index($before, "plain");
($rc, $out, $err) = tool('verify', changed('text', $at, 'plaim'));
is($rc, 1, 'a damaged text');
like($err, qr/has another hash/, 'is told');
like($err, qr/its names are not those of its hash/, 'and its row');
like($err, qr/^genai-books: \d+ faults$/m, 'how many');

# of a counter that says more is held than anybody holds

$at = index($before, pack 'q<*', 1698796800, 1701388800, 5_000_000_000);
cmp_ok($at, '>', 0, 'a counter') or diag 'is not there';

# what is settled, then what is held

is(substr($before, $at + 24, 16), pack('q<*', 14000, 20000), 'its numbers');
($rc, $out, $err) = tool('verify', changed('counter', $at + 32,
                                           pack('q<', 30000)));
is($rc, 0, 'is not looked at while somebody is in the books');

($rc, $out, $err) = tool('verify', changed('chain', $at - 40,
                                           pack('q<', 7)));
is($rc, 1, 'a damaged counter');
like($err, qr/^genai-books: counters, chain \d+: leads to what is none/m,
     'is told');

($rc, $out, $err) = tool('show', "$top/nowhere");
is($rc, 2, 'no books');
like($err, qr/cannot be opened/, 'says so');

for my $args ([], ['show'], ['export', $dir], ['export', '--csv', '--json',
              $dir], ['limits', '--csv', '--json', $dir], ['limits', '--from',
              '2024-10-06', $dir], ['show', '--owner', 'key', $dir],
              ['verify', '--leases', $dir], ['what', $dir],
              ['show', $dir, $dir])
{
    ($rc, $out, $err) = tool(@$args);
    is("$rc, " . ($err =~ /^usage: / ? 1 : 0), '2, 1',
       'usage: ' . join ' ', @$args);
}

for my $day (qw(2024-13-01 2023-02-29 2024-1-1 today)) {
    ($rc, $out, $err) = tool('export', '--csv', '--from', $day, $dir);
    is($rc, 2, "$day is none");
}

for my $args ([qw(--owner nobody)], [qw(--every 0)], [qw(--every 1x)],
              [qw(--every -1)], [qw(--every 3600001)])
{
    ($rc, $out, $err) = tool('limits', @$args, $dir);
    is($rc, 2, "@$args: no");
    like($err, qr/^genai-books: "\Q$args->[1]\E" (?:has no|is not)/,
         'is named');
}

done_testing();
