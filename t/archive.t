# SPDX-License-Identifier: Apache-2.0

# What the keeper does with books of long ago: exchanges that were in flight
# when everything died are settled, and rows older than "retain" go to the
# archive, each once, and are no longer in the books.  The books are made by
# build/unit/test_books_file, which then dies.

use strict;
use warnings;

use lib 't/lib';

use JSON::PP ();

use GenAI::Test;

my $ROOT = $GenAI::Test::ROOT;
my $TOOL = "$ROOT/build/genai-books";
my $MAKE = "$ROOT/build/unit/test_books_file";

plan(skip_all => "$TOOL is not built: make tools") unless -x $TOOL;
plan(skip_all => "$MAKE is not built: make unit") unless -x $MAKE;

sub books {
    my ($dir) = @_;

    my ($rc, $out) = run_cmd([ $TOOL, 'export', '--json', $dir ], split => 1);

    return map { JSON::PP::decode_json($_) } split /\n/, $out;
}

sub sum {
    my ($field, @rows) = @_;

    my $sum = 0;
    $sum += $_->{$field} for @rows;

    return $sum;
}

my $t = GenAI::Test->new(workers => 2);
my $dir = $t->dir . '/books';

run_cmd([ $MAKE, 'make', $dir ], split => 1);

my @before = books($dir);

cmp_ok(scalar(@before), '>', 3, 'there are rows');

$t->conf(<<'EOF')->run;
http {
    genai_books books retain=2d;
    genai_provider p { dialect openai; pass http://127.0.0.1:1/v1; }
    genai_model m    { target p; }
    server {
        listen 127.0.0.1:%%PORT_0%%;
        location / { genai_pass; genai_auth off; }
    }
}
EOF

wait_for(sub { !books($dir) }, 20);

is(scalar(books($dir)), 0, 'old rows are gone');

my @archive = map { JSON::PP::decode_json($_) }
    split /\n/, slurp("$dir/archive");

is(scalar(grep { !$_->{day} } @archive), 0, 'all have their day');

# the one in flight had used 7 and 21 tokens
for my $case ([ exchanges => 1 ], [ orphans => 1 ], [ prompt_tokens => 7 ],
              [ completion_tokens => 21 ])
{
    my ($field, $more) = @$case;

    is(sum($field, @archive), sum($field, @before) + $more,
       "all is in the archive, and what was in flight: $field");
}

is((stat "$dir/archive")[2] & 07777, 0600, 'for nobody else');

$t->stop;

like($t->error_log, qr/1 exchanges were in flight when nginx died/,
     'the log says so');

done_testing;
