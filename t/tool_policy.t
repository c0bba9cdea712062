# SPDX-License-Identifier: Apache-2.0

# build/genai-policy, docs/policy.schema.json and the example of
# docs/POLICY.md: they say the same about what a policy is.

use strict;
use warnings;

use lib 't/lib';

use Digest::SHA qw(sha256_hex);
use File::Temp ();
use JSON::PP ();
use Test::More;

use GenAI::Util;

my $TOOL = 'build/genai-policy';

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
    return run_cmd([ $TOOL, @_ ], stdin => '', split => 1);
}


# What is said about one policy, above notes.

sub check {
    my ($policy) = @_;

    my $file = put('check.json', ref $policy ? $json->encode($policy)
                                             : $policy);
    my ($rc, $out, $err) = tool('check', '--json', $file);

    return ($rc, grep { $_->{level} ne 'note' } @{ $json->decode($out) });
}


# ---- usage

for ([], ['look'], ['check'], ['check', '--jsno', '/'], ['check', '/', '/'],
     ['show', '/', 'a', 'b'], ['check', '/', '--state'],
     ['show', '--json', '/'])
{
    my ($rc, $out, $err) = tool(@$_);
    ok($rc == 3 && $out eq '' && $err =~ /^usage: /, "usage: @$_");
}

{
    my ($rc, $out, $err) = tool('--help');
    ok($rc == 0 && $out =~ /^usage: / && $err eq '', 'help');
}

# ---- findings and exit codes

{
    mkdir "$dir/d" or die;
    my $a = sha256_hex('a');

    put('d/00.json', qq({"schema":1,"plans":{\n"p":{"guard":"g"}},)
                     . qq("keys":{"a":{"sha256":"$a","plan":"p"}}}));

    my ($rc, $out, $err) = tool('check', "$dir/d");

    is($rc, 0, 'notes alone');
    is($out, "$dir/d/00.json:2: note: plans.p: its guard is not enforced by"
       . " this version\n", 'a finding');

    put('d/10.json', qq({"schema":1,"keys":{\n\n"b\\"":{"team":"t"}}}));
    ($rc, $out, $err) = tool('check', "$dir/d");

    is($rc, 1, 'something is closed');
    ok(grep({ $_ eq "$dir/d/10.json:3: closed: keys.b\": nobody passes through"
              . ' it: there is no team "t"' } split /\n/, $out),
       'it is said where') or diag $out;

    ($rc, $out, $err) = tool('check', '--json', "$dir/d");

    my ($f) = grep { $_->{level} eq 'closed' } @{ $json->decode($out) };
    is_deeply($f, { file => '10.json', line => 3, level => 'closed',
                    object => 'keys.b"', text => 'nobody passes through it:'
                    . ' there is no team "t"' }, 'as JSON');

    put('d/20.json', "{\n,}");
    ($rc, $out, $err) = tool('check', "$dir/d");

    is($rc, 2, 'a file is broken');
    like($out, qr{^\Q$dir\E/d/20\.json:2: broken: it is not JSON: }m,
         'it is said where');

    ($rc, $out, $err) = tool('check', "$dir/d/10.json");
    like($out, qr{^\Q$dir\E/d/10\.json:3: closed: }m, 'a file alone');

    ($rc, $out, $err) = tool('check', "$dir/none");
    ok($rc == 2 && $out =~ /No such file/, 'nothing at all');

    put('revoked', "a # gone\n");

    is((tool('show', "$dir/d"))[1], qq(ok        a\nclosed    b"\n), 'keys');
    is((tool('show', '--revoked', "$dir/revoked", "$dir/d"))[1],
       qq(revoked   a\nclosed    b"\n), 'one is revoked');

    ($rc, $out, $err) = tool('show', "$dir/d", 'c');
    ok($rc == 1 && $out eq '' && $err =~ /no key "c"/, 'no such key');

    # what is read from the state is not written to

    mkdir "$dir/state" or die;
    mkdir "$dir/state/good" or die;
    put('state/good/20.json', qq({"schema":1,"keys":{"z":{"sha256":"$a"}}}));

    is((tool('show', '--state', "$dir/state", "$dir/d"))[1],
       qq(closed    a\nclosed    b"\nclosed    z\n), 'last good versions');
    ok(-e "$dir/state/good/20.json" && !-e "$dir/state/good/00.json",
       'stay as they are');
}

# ---- the example of the documentation

my ($example) = slurp('docs/POLICY.md') =~ /^```json\n(.*?)^```/ms;

{
    my ($rc, $out, $err) = tool('check', put('example.json', $example));

    ok($rc == 0 && $out !~ /: (?!note)\w+: .*?: /, 'the example is fine')
        or diag $out;

    ($rc, $out, $err) = tool('show', "$dir/example.json", 'search-prod');

    is($out, <<'EOF', 'what its key may do');
state: ok
priority: high
not_before: 2026-01-01T00:00:00Z
not_after: 2027-01-01T00:00:00Z
endpoints: chat embeddings

All of this holds at once:

key search-prod
  endpoints: chat embeddings
  guard: strict (not enforced)

plan gold
  limit: 60 requests/1m (not enforced)
  limit: 100k tokens/1m (not enforced)
  limit: 8 concurrent (not enforced)
  limit: $500/1mo (not enforced)

user alice
  limit: 1k requests/1d on gpt-4* (not enforced)

team search
  models: gpt-4o* llama-*
  limit: 2M tokens/1d (not enforced)

team emea
  limit: $20000/1mo (not enforced)

model gpt-4o
  limit: 5M tokens/1m (not enforced)
EOF
}

# ---- the schema has the members that are read, and no other

my $schema = $json->decode(slurp('docs/policy.schema.json'));
my $defs = $schema->{'$defs'};

my %value = (
    sha256 => sha256_hex('o'), team => 't', parent => 't', user => 'u',
    plan => 'p', models => ['m*'], endpoints => ['chat', 'audio'],
    limits => ['1 requests/1m'], guard => 'g', priority => 'low',
    labels => { a => 'b' }, credentials => { a => 'b' },
    not_before => '2026-01-01T00:00:00Z', not_after => '2027-01-01T00:00:00Z',
    disabled => JSON::PP::true, admin => JSON::PP::false,
);

my %known = map { $_ => 1 } map { keys %{ $defs->{$_}{properties} } }
    qw(key user team plan model);

is_deeply([ sort keys %known ], [ sort keys %value ],
          'there is a value for each member');

# every member of any kind, in each kind

for my $kind (qw(key user team plan model)) {
    for my $member (sort keys %value) {

        my %o = ($kind eq 'key' ? (sha256 => $value{sha256}) : (),
                 $member => $value{$member});
        my %policy = (schema => 1, teams => { t => {} },
                      users => { u => {} }, plans => { p => {} });

        $policy{"${kind}s"}{o} = \%o;

        my ($rc, @found) = check(\%policy);
        my $has = exists $defs->{$kind}{properties}{$member};

        ok($has ? $rc == 0 && !@found
                : $rc == 1 && @found == 1 && $found[0]{level} eq 'closed',
           "$kind: $member is " . ($has ? 'read' : 'not read'))
            or diag $json->encode(\@found);
    }
}

for my $member (sort keys %{ $schema->{properties} }) {

    my $value = $member eq 'schema' ? 1 : $member eq 'scope' ? 'a'
              : $member eq 'revision' ? 'r' : $member eq 'timezone' ? 'UTC'
              : {};
    my ($rc, @found) = check({ schema => 1, $member => $value });

    ok($rc == 0, "$member is read") or diag $json->encode(\@found);
}

for my $endpoint (@{ $defs->{endpoints}{items}{enum} }) {
    is((check({ schema => 1, plans => { p => { endpoints => [$endpoint] } } }
             ))[0], 0, "endpoint $endpoint");
}

is((check({ schema => 1, plans => { p => { limits => [
        { limit => '1 requests/1m', shadow => JSON::PP::true, warn => 0.5,
          on_short => 'clip', unpriced => 'allow',
          weights => { map { $_ => 1 } keys %{
              $defs->{limit}{oneOf}[1]{properties}{weights}{properties} } } }
    ] } } }))[0], 0, 'all members of a limit');

is(join(' ', sort keys %{ $defs->{limit}{oneOf}[1]{properties} }),
   'limit on_short shadow unpriced warn weights', 'are those');

# ---- documents that both judge

SKIP: {
    my ($rc) = run_cmd([ 'python3', '-c', 'import jsonschema' ], stdin => '',
                       split => 1);

    skip 'no python3 jsonschema', 1 if $rc != 0;

    my $a = sha256_hex('a');
    my @docs = (
        $example, '{"schema":1}', '{"schema":2}', '{}', '[]', 'null',
        '{"schema":1,"keys":[]}', '{"schema":1,"scope":""}',
        '{"schema":1,"#":1,"x-a":{"b":1}}',
        (map { qq({"schema":1,"keys":{"k":{"sha256":"$a",$_}}}) }
            '"models":[]', '"models":["a*b"]', '"models":"a"', '"models":[""]',
            '"endpoints":["chats"]', '"priority":"urgent"', '"guard":""',
            '"labels":{"a":1}', '"labels":{"a":""}', '"not_after":"2026"',
            '"not_after":"2026-01-01T00:00:00Z"', '"admin":1', '"foo":1',
            '"x-foo":1', '"#":1', '"disabled":null'),
        (map { qq({"schema":1,"keys":{"k":{"sha256":$_}}}) }
            '"abc"', '7', qq(["$a"]), qq([["$a"]])),
        (map { qq({"schema":1,"plans":{"p":{"limits":[$_]}}}) }
            '"60 requests/1m"', '"60 requests"', '"8 concurrent"',
            '"8 concurrent/1m"', '"$5/1mo"', '"$5"', '"5 tokens/1x"',
            '"100k tokens/1m on gpt-4*"', '"1 tokens/never"', '7',
            '{"limit":"1 tokens/1m"}', '{}', '{"limit":"1 tokens/1m","a":1}',
            '{"limit":"1 tokens/1m","warn":2}',
            '{"limit":"1 tokens/1m","warn":0.5,"weights":{"cached":0.1}}',
            '{"limit":"1 tokens/1m","weights":{"cached":-1}}'),
    );

    my $program = <<'EOF';
import json, jsonschema, sys
schema = json.load(open('docs/policy.schema.json'))
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
        my $good = grep({ $_->{level} =~ /closed|broken/ } @found) ? 'bad'
                                                                  : 'good';

        is($good, shift @says, "both say $good: " . substr($doc, 0, 99))
            or diag $json->encode(\@found);
    }
}

done_testing();
