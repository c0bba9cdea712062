# SPDX-License-Identifier: Apache-2.0

# The catalogue and its vocabularies as nginx has them: what they cost at the
# start and in each worker; what becomes of one that is broken, missing or
# another one; overlays; and whose window a request must fit.

use strict;
use warnings;

use lib 't/lib';

use Cwd qw(getcwd);
use File::Temp ();
use JSON::PP ();
use Time::HiRes qw(time);

use GenAI::Test;
use GenAI::Upstream;

my $data = getcwd() . '/build/data';

plan(skip_all => "no vocabularies in $data: run \"make data\" first")
    unless -e "$data/o200k_base.vocab" && -e "$data/cl100k_base.vocab";

# sanitizers make all of it long, and have mappings of their own
my $MEASURED = $GenAI::Test::SCALE == 1;

my $up = GenAI::Upstream->new(lossy => 1, route => sub {
    my ($r) = @_;

    return [ [ json => 200, { uri => $r->{uri}, choices => [ { index => 0,
        message => { role => 'assistant', content => 'yes' },
        finish_reason => 'stop' } ] } ] ];
});


# ---- the start, and each worker

my @all = grep { !-l } glob "$data/*.vocab";

sub median { return (sort { $a <=> $b } @_)[$#_ / 2] }

SKIP: {
    skip 'this build is not measured', 1 if !$MEASURED;

    my $all = GenAI::Test->new;
    my (@with, @without);

    for (1 .. 9) {
        for my $o ([ \@without, '' ],
                   [ \@with, "genai_catalog $data/models.json;" ])
        {
            my $began = time;
            my ($rc, $out) = $all->nginx_t("http { $o->[1] }");

            push @{$o->[0]}, time - $began;
            die $out if $rc;
        }
    }

    my $more = median(map { $with[$_] - $without[$_] } 0 .. $#with);

    cmp_ok($more, '<', 0.05, 'all vocabularies at the start');
    note(sprintf '%.1f ms, %d files', 1000 * $more, scalar @all);
}

my $TWO = <<'EOF';
http {
    log_format l '$genai_prompt_tokens $genai_count_source $genai_target';
    access_log %%TESTDIR%%/l.log l;
    client_max_body_size 8m;
    %%HTTP%%

    genai_provider a { dialect openai; pass http://127.0.0.1:%%UP%%/a; }
    genai_provider b { dialect openai; pass http://127.0.0.1:%%UP%%/b; }
    genai_provider c { dialect openai; pass http://127.0.0.1:%%UP%%/c; }
    %%MODELS%%

    server {
        listen 127.0.0.1:%%PORT_0%%;
        genai_auth off;
        location /v1/ { genai_pass; }
    }
}
EOF

sub instance {
    my ($name, $http, $models, %o) = @_;

    return GenAI::Test->new(name => $name, %o)
        ->conf($TWO, UP => $up->port, HTTP => $http,
               MODELS => join "\n", map { "genai_model $_->[0] { $_->[1] }" }
                              @$models)->run;
}

sub ask {
    my ($t, $model, $text) = @_;

    # a prompt alone is counted exactly: no template stands around it
    my $r = $t->post('/v1/completions',
                     { model => $model, prompt => $text // 'hello world' });

    $t->{asked}++;

    return $r;
}

sub said {
    my ($t, @ask) = @_;

    my $r = ask($t, @ask);

    return $r->status . ' ' . ($r->header('x-genai-error')
                               // ($r->json // {})->{uri} // '');
}

# what was counted of the last request

sub counted {
    my ($t, @ask) = @_;

    my $line;

    ask($t, @ask);
    wait_for(sub {
        defined($line = ($t->access_log('l.log') =~ /^(.*)\n/mg)
                        [$t->{asked} - 1]);
    });

    return $line;
}

{
    my $t = instance('shared', "genai_catalog $data/models.json;",
                     [ map { [ $_ => 'target a;' ] } qw(gpt-4o gpt-4) ],
                     workers => 2);

    is(said($t, $_), '200 /a/completions', "$_ is counted")
        for qw(gpt-4o gpt-4) x 4;

    for my $worker ($t->worker_pids) {
        my ($name, %maps, @bad);

        for (split /\n/, slurp("/proc/$worker/smaps")) {
            if (/^[0-9a-f]+-[0-9a-f]+ (\S+) .*?(\S*)$/) {
                my $how = $1;

                $name = $2;
                $name =~ /\.vocab$/ ? $maps{$name} = $how : undef $name;

            } elsif ($name && /^(?:Private_Dirty|Anonymous|Swap): +([1-9]\d*)/)
            {
                push @bad, $_;
            }
        }

        is(scalar(keys %maps), scalar(@all), 'a worker has them all');
        is(join(' ', grep { $_ ne 'r--s' } values %maps), '',
           'shared, read-only');
        is("@bad", '', 'and no memory of its own in them');
    }
}


# ---- a folder of our own, with files that are not what they should be

my $o200k = slurp("$data/o200k_base.vocab");
my $entry = '"context":128000,"framing":"none","tokenizer"';
my $some = qq({"schema":1,"models":{
"one":{$entry:"one"},
"two":{$entry:"two","fallback":["o200k_base",2,3]},
"three":{$entry:"three"},
"good":{$entry:"o200k_base"}}});

sub folder {
    my ($catalog, %files) = @_;

    my $dir = File::Temp->newdir;

    chmod 0755, $dir;
    spew("$dir/models.json", $catalog);
    spew("$dir/$_", $files{$_}) for keys %files;
    symlink "$data/o200k_base.vocab", "$dir/o200k_base.vocab"
        unless exists $files{'o200k_base.vocab'};

    return $dir;
}

sub t {
    my ($http) = @_;

    my ($rc, $out) = GenAI::Test->nginx_t("http { $http }");

    return "$rc $out";
}

my @models = map { [ $_ => 'target a;' ] } qw(good one two three);

{
    my $dir = folder($some);
    my $t = instance('missing', "genai_catalog $dir/models.json;", \@models);

    is(said($t, 'good'), '200 /a/completions', 'missing: others serve');
    is(counted($t, 'good'), '2 estimated a', 'missing: and are counted');
    is(counted($t, 'one'), '2 estimated a', 'missing: another one counts');
    is(counted($t, 'two'), '4 estimated a', 'missing: or the fallback');
    like(t("genai_strict on; genai_catalog $dir/models.json;"), qr/^0 /,
         'missing: is no mistake');
    is(scalar(() = $t->error_log =~ /\[warn\].*genai: no vocabulary/g), 1,
       'missing: is told once');
    like($t->error_log, qr{no\ vocabulary\ in\ \Q$dir\E/\ for\ one,\ three,
                           \ two:.*"make\ data"\ and\ "make\ install-data"}x,
         'missing: which, where, and what makes them');

    my $ours = folder($some =~ s/"two"\}/"llama3_1"}/r
                            =~ s/"three"\}/"gemma2"}/r
                            =~ s/"one"\}/"o200k_base"}/r
                            =~ s/"two",/"gemma3",/r);

    like(t("genai_catalog $ours/models.json;"),
         qr{for gemma2, gemma3:.*"make data-gemma2 data-gemma3" and},
         'missing: those that licences do not let us ship');

    # a later catalogue has its own files beside it

    my $second = File::Temp->newdir;

    chmod 0755, $second;
    spew("$second/more.json", '{"schema":1,"models":{}}');
    symlink "$data/cl100k_base.vocab", "$second/one.vocab";

    my $out = t("genai_catalog $dir/models.json $second/more.json "
                . "$second/more.json;");

    like($out, qr{no vocabulary in \Q$dir\E/, \Q$second\E/ for three, two:},
         'a file beside a later catalogue is found');
}

for my $how (
    [ 'empty', '' ],
    [ 'foreign', "#!/bin/sh\nexit 0\n" x 100 ],
    [ 'cut in its header', substr($o200k, 0, 50) ],
    [ 'truncated', substr($o200k, 0, length($o200k) / 2) ],
    [ 'one byte short', substr($o200k, 0, -1) ],
    [ 'with more than it says', "${o200k}x" ],
    [ 'of another version', substr($o200k, 0, 8) . "\x63" . substr($o200k, 9) ],
    [ 'with another header', substr($o200k, 0, 24)
      . chr(255 ^ ord substr $o200k, 24, 1) . substr($o200k, 25) ],
    [ 'JSON of something', '{"model":{"type":"BPE"}}' ],
)
{
    my ($what, $bytes) = @$how;
    my $dir = folder($some, 'one.vocab' => $bytes, 'two.vocab' => $bytes);
    my $t = instance('damaged', "genai_catalog $dir/models.json;", \@models);

    is(said($t, $_), '503 gateway_config', "$what: $_ is closed")
        for qw(one two);
    is(said($t, $_), '200 /a/completions', "$what: $_ is not")
        for qw(good three);
    like($t->error_log, qr{vocabulary "one": "\Q$dir\E/one.vocab": \S},
         "$what: it is named");
    like(t("genai_strict on; genai_catalog $dir/models.json;"),
         qr{^1 .*\[emerg\].*"\Q$dir\E/one.vocab": \S}s,
         "$what: with genai_strict nginx does not start");
}

# what is damaged within is counted wrongly, and does nothing worse

{
    srand 1;

    for my $seed (1 .. ($MEASURED ? 8 : 3)) {
        my $bytes = $o200k;

        for (1 .. 20_000) {
            substr($bytes, 4096 + rand(length($bytes) - 4096), 1)
                = chr rand 256;
        }

        my $dir = folder($some, 'one.vocab' => $bytes);
        my $t = instance("within $seed", "genai_catalog $dir/models.json;",
                         \@models);
        my ($worker) = $t->worker_pids;
        my $got = said($t, 'one', slurp('docs/TOOLS.md'));

        like($got, qr/^(?:200 |503 gateway_config)/, 'damaged within');
        is(join(' ', $t->worker_pids), $worker, 'its worker lives');
    }
}


# ---- a catalogue that is broken

for my $how (
    [ 'no JSON', "{\"schema\":1,\n\"models\":{\n", qr/models.json:\d+/ ],
    [ 'another schema', '{"schema":99,"models":{}}', qr/models.json:1\b/ ],
    [ 'a name twice', "{\"schema\":1,\"models\":{\n\"a\":{},\n\"a\":{}}}",
      qr/models.json:3\b/ ],
    [ 'empty', '', qr/models.json/ ],
)
{
    my ($what, $text, $where) = @$how;
    my $dir = folder($text);
    my $t = instance('broken', "genai_catalog $dir/models.json;", \@models);

    is(said($t, 'good'), '503 gateway_config', "$what: closed");
    like($t->error_log, qr/\[error\] .*$where/, "$what: the log says where");
    like(t("genai_strict on; genai_catalog $dir/models.json;"),
         qr/^1 .*\[emerg\] .*$where/s, "$what: and genai_strict");
}

{
    my $t = instance('none', 'genai_catalog /none/models.json;', \@models);

    is(said($t, 'good'), '503 gateway_config', 'no catalogue: closed');
    like($t->error_log, qr{"/none/models.json" cannot be opened},
         'no catalogue: named');
    like(t('genai_strict on; genai_catalog /none/models.json;'),
         qr{^1 .*\[emerg\].*/none/models.json}s, 'no catalogue: strict');

    my $dir = folder($some =~ s/"two":\{/"two":{"kontext":1,/r);

    $t = instance('entry', "genai_catalog $dir/models.json;", \@models);
    is(said($t, $_), '200 /a/completions', "a broken entry: $_")
        for qw(good two);
    like($t->error_log, qr/kontext.*models.json:3\b/, 'it is named');
    like(t("genai_strict on; genai_catalog $dir/models.json;"),
         qr/^1 .*\[emerg\] .*models.json:3\b/s, 'and genai_strict');
}


# ---- an overlay, and files by name

{
    my $dir = folder($some);

    spew("$dir/over.json", qq({"schema":1,"models":{"good":{"context":5},
        "one":{"tokenizer":"cl100k_base"},"three":null}}));

    my $t = instance('overlay', "genai_catalog $dir/models.json "
        . "$dir/over.json; genai_tokenizer cl100k_base "
        . "file:$data/cl100k_base.vocab;", \@models);
    my $r = ask($t, 'good', 'one two three four five six');

    is($r->status, 400, 'overlay: a smaller window');
    like($r->json->{error}{message}, qr/\b5 tokens\b.*\b6 tokens\b/,
         'overlay: it is told');
    is($r->json->{error}{code}, 'context_length_exceeded', 'overlay: a code');
    is(counted($t, 'one', "\x{4f60}\x{597d}" x 3),
       (counted($t, 'two', "\x{4f60}\x{597d}" x 3) =~ /^(\d+)/)[0] / 2
           == 3 ? '6 estimated a' : 'no difference', 'overlay: a vocabulary');

    like(t("genai_catalog $dir/models.json; genai_tokenizer ona "
           . "file:$data/cl100k_base.vocab;"),
         qr/^0\ .*\[warn\]\ .*"genai_tokenizer\ ona"\ is\ used\ by\ no\ model.*
            nearest:\ one\ in\ \S+:\d+/xs, 'a misspelt name');
    unlike(t("genai_catalog $dir/models.json; genai_tokenizer one "
             . "file:$data/cl100k_base.vocab;"), qr/is used by no/,
           'but not one that is right');

    spew("$dir/bad.vocab", 'x');
    $t = instance('asked', "genai_catalog $dir/models.json; "
                  . "genai_tokenizer one file:$dir/bad.vocab;", \@models);
    is(said($t, 'one'), '503 gateway_config', 'a file by name: damaged');
    like($t->error_log, qr{genai_tokenizer "one": .*bad\.vocab.* in \S+:\d+},
         'a file by name: where it is asked for');
    $t = instance('gone', "genai_catalog $dir/models.json; "
                  . "genai_tokenizer one file:$dir/none.vocab;", \@models);
    is(said($t, 'one'), '503 gateway_config', 'a file by name: missing');
}

for (
    [ 'genai_tokenizer a;', qr/invalid number of arguments/ ],
    [ 'genai_tokenizer "" file:x;', qr/needs a name of 1 to 63 bytes/ ],
    [ 'genai_tokenizer ' . 'a' x 64 . ' file:x;', qr/needs a name of 1 to/ ],
    [ 'genai_tokenizer a x;', qr/invalid source "x".*"file:PATH"/ ],
    [ 'genai_tokenizer a file:;', qr/invalid source "file:"/ ],
    [ 'genai_tokenizer a file:x none=1;', qr/invalid parameter "none=1"/ ],
    [ 'genai_tokenizer a file:x split=;', qr/invalid parameter "split="/ ],
    [ 'genai_tokenizer a file:x split=none_such;',
      qr/unknown family "none_such"/ ],
    [ 'genai_tokenizer a file:x; genai_tokenizer a file:y;',
      qr/is duplicate: this name has a file already/ ],
    [ 'genai_tokenizer a file:x;', qr/"genai_tokenizer a" has no model that/ ],
    [ 'genai_catalog;', qr/invalid number of arguments/ ],
)
{
    my ($conf, $want) = @$_;

    like(t($conf), qr/^1 .*\[emerg\] .*$want.* in \S+nginx.conf:\d+/s, $conf);
}


# ---- a vocabulary that a target names

{
    my $dir = folder($some);
    my $provider = 'genai_provider a { dialect openai; '
                   . 'pass http://127.0.0.1:1; }';
    my $catalog = "genai_catalog $dir/models.json;";

    for (
        [ 'one', '', qr/^0 /, 'the catalogue has it' ],
        [ 'cl100k_base', "genai_tokenizer cl100k_base "
          . "file:$data/cl100k_base.vocab;", qr/^0 (?!.*is used by no)/s,
          'genai_tokenizer has it' ],
        [ 'oen', '', qr/^1\ .*\[emerg\]\ .*"tokenizer=oen"\ of\ target\ "a"
                        \ names\ no\ vocabulary,\ nearest:\ one;.*\S+:\d+/xs,
          'nobody has it' ],
        [ 'a/b', '', qr/^1 .*invalid value in "tokenizer=a\/b"/s, 'a path' ],
        [ 'a' x 64, '', qr/^1 .*invalid value in "tokenizer=a/s, 'too long' ],
    )
    {
        my ($name, $more, $want, $what) = @$_;

        like(t("$catalog $more $provider "
               . "genai_model m { target a tokenizer=$name; }"), $want,
             "tokenizer=: $what");
    }

    like(t("$provider genai_model m { target a tokenizer=one; }"),
         qr/^1 .*"tokenizer=one" of target "a" has no catalogue.*:\d+/s,
         'tokenizer=: there is no catalogue');

    spew("$dir/cl100k_base.vocab", slurp("$data/cl100k_base.vocab"));
    like(t("$catalog $provider genai_model m { target a "
           . "tokenizer=cl100k_base; }"), qr/^0 /,
         'tokenizer=: a file beside the catalogue');

    spew("$dir/cl100k_base.vocab", 'x');

    my $t = instance('named', $catalog,
                     [ [ m => 'target a tokenizer=cl100k_base;' ] ]);

    is(said($t, 'm'), '503 gateway_config', 'tokenizer=: damaged, closed');
}


# ---- windows of several targets

{
    my $dir = folder(qq({"schema":1,"models":{
"small":{"context":10,"framing":"none","tokenizer":"o200k_base"},
"middle":{"context":100,"framing":"none","tokenizer":"o200k_base"},
"guess":{"context":10,"framing":"none","tokenizer":"o200k_base",
         "factor":[1,2]},
"large":{"context":1000,"framing":"none","tokenizer":"cl100k_base"}}}));

    symlink "$data/cl100k_base.vocab", "$dir/cl100k_base.vocab";

    my $t = instance('windows', "genai_catalog $dir/models.json;", [
        [ three => 'target a model=small; target b model=middle;
                    target c model=large;' ],
        [ two => 'target a model=small; target b model=middle;' ],
        [ guess => 'target a model=guess;' ],
    ]);

    my %text = map { $_ => ' hello' x $_ } 9, 10, 19, 25, 99, 100, 999, 1000;

    is(said($t, 'three', $text{$_->[0]}), "200 /$_->[1]/completions",
       "$_->[0] tokens go to $_->[1]")
        for [ 9, 'a' ], [ 10, 'b' ], [ 99, 'b' ], [ 100, 'c' ], [ 999, 'c' ];
    is(said($t, 'three', $text{1000}), '400 caller_bad_request',
       'and 1000 nowhere');

    my $r = ask($t, 'two', $text{100});

    is($r->status, 400, 'two targets, none fits');
    like($r->json->{error}{message},
         qr/\b100 tokens\b.*\b100 tokens\b/, 'the largest window is told');
    is(said($t, 'guess', $text{19}), '200 /a/completions',
       'an estimate may be wrong by half');
    is(said($t, 'guess', $text{25}), '400 caller_bad_request',
       'but not by more');
}

done_testing;
