# SPDX-License-Identifier: Apache-2.0

# GET .../models[/ID] in the client's dialect: OpenAI's, Anthropic's to
# "anthropic-version", Gemini's at its own path; pages, errors, and whatever
# stands in a name.

use strict;
use warnings;

use lib 't/lib';

use JSON::PP ();

use GenAI::Test;

my @NAMES = ('gpt-4o', 'a/b', 'say "hi"', "caf\xc3\xa9 \\", 'claude-1',
             'claude-2', 'gem');

my $models = join "\n", map { my $n = s/([\\"])/\\$1/gr;
                              qq(    genai_model "$n" { target p; }) } @NAMES;

my $t = GenAI::Test->new->conf(<<'EOF', MODELS => $models)->run;
http {
    genai_provider p { dialect openai; pass http://127.0.0.1:1; }
%%MODELS%%
    genai_model "some-*"      { target p; }
    genai_model "~^re-[0-9]$" { target p; }

    server {
        listen 127.0.0.1:%%PORT_0%%;
        location /        { genai_pass; genai_auth off; }
        location /locked/ { genai_pass; }
    }
}
EOF

my @ANTHROPIC = ('anthropic-version' => '2023-06-01');

sub get {
    my ($path, @headers) = @_;

    return $t->get($path, headers => \@headers);
}

my @all = map { my $n = $_; utf8::decode($n); $n } @NAMES;

# ---- lists

my $r = get('/v1/models');
is($r->status, 200, 'OpenAI');
is($r->json->{object}, 'list', 'its list');
is_deeply([ map { $_->{id} } @{$r->json->{data}} ], \@all, 'with all names');
is_deeply([ sort keys %{$r->json->{data}[0]} ],
          [ qw(created id object owned_by) ], 'of its objects');
ok($r->json->{data}[0]{created} > 1_700_000_000, 'of some time');

$r = get('/v1/models?limit=1', 'Anthropic-Version' => 'x');
is_deeply([ sort keys %{$r->json} ], [ qw(data first_id has_more last_id) ],
          "Anthropic's list");
is_deeply([ sort keys %{$r->json->{data}[0]} ],
          [ qw(created_at display_name id type) ], 'of its objects');
is($r->json->{data}[0]{type}, 'model', 'they are models');
like($r->json->{data}[0]{created_at}, qr/^20\d\d(-\d\d){2}T\d\d(:\d\d){2}Z$/,
     'of some time');
is(get('/v1/models?limit=1')->json->{object}, 'list',
   'OpenAI has no pages');

$r = get('/v1beta/models');
is_deeply([ keys %{$r->json} ], [ 'models' ], "Gemini's list");
is_deeply([ map { $_->{name} } @{$r->json->{models}} ],
          [ map { "models/$_" } @all ], 'with all names');
is_deeply($r->json->{models}[2]{displayName}, 'say "hi"', 'as they are');
is_deeply($r->json->{models}[0]{supportedGenerationMethods},
          [ qw(generateContent streamGenerateContent countTokens) ],
          'and what they can');
is_deeply([ map { $_->{name} } @{get('/v1beta/models', @ANTHROPIC)
            ->json->{models}} ], [ map { "models/$_" } @all ],
          'by its path alone');

# ---- pages

sub escaped { my $n = shift; utf8::encode($n);
              return $n =~ s/([^\w.-])/sprintf '%%%02X', ord $1/ger }

for my $size (1, 2, 3, 7, 8, 1000) {
    my (@seen, $after, $pages);

    for ($pages = 1; $pages < 20; $pages++) {
        my $l = get("/v1/models?limit=$size" . (defined $after
                    ? '&after_id=' . escaped($after) : ''), @ANTHROPIC)->json;
        push @seen, map { $_->{id} } @{$l->{data}};
        is($l->{first_id}, $l->{data}[0]{id}, 'the first one') if $pages == 1;
        last unless $l->{has_more};
        $after = $l->{last_id};
    }

    is_deeply(\@seen, \@all, "Anthropic, by $size: all, once");
    is($pages, int((@all + $size - 1) / $size), 'in as many pages');

    (@seen, my $token) = ();

    for ($pages = 1; $pages < 20; $pages++) {
        my $l = get("/v1beta/models?pageSize=$size" . (defined $token
                    ? '&pageToken=' . escaped($token) : ''))->json;
        push @seen, map { $_->{name} =~ s{^models/}{}r } @{$l->{models}};
        last unless defined($token = $l->{nextPageToken});
    }

    is_deeply(\@seen, \@all, "Gemini, by $size: all, once");
    is($pages, int((@all + $size - 1) / $size), 'in as many pages');
}

$r = get('/v1/models?limit=2&before_id=claude-1', @ANTHROPIC)->json;
is_deeply([ map { $_->{id} } @{$r->{data}} ], [ @all[2, 3] ], 'backwards');
ok($r->{has_more}, 'and more');
is($r->{first_id}, $all[2], 'from the first');
$r = get('/v1/models?limit=4&before_id=claude-1', @ANTHROPIC)->json;
is_deeply([ map { $_->{id} } @{$r->{data}} ], [ @all[0 .. 3] ], 'to it');
ok(!$r->{has_more}, 'and no more');
$r = get('/v1/models?before_id=gpt-4o', @ANTHROPIC)->json;
is_deeply($r, { data => [], has_more => JSON::PP::false, first_id => undef,
                last_id => undef }, 'in front of the first there is nothing');
$r = get('/v1/models?after_id=gem', @ANTHROPIC)->json;
is_deeply($r->{data}, [], 'nor behind the last');

for my $query ('limit=0', 'limit=1001', 'limit=x', 'limit=-1', 'after_id=no',
               'before_id=some-1', 'after_id=gem&before_id=gem',
               'after_id=' . 'x' x 2000, 'limit=99999999999999999999')
{
    $r = get("/v1/models?$query", @ANTHROPIC);
    is($r->status, 400, substr("no page: $query", 0, 60));
    is($r->json->{error}{type}, 'invalid_request_error',
       "in Anthropic's words");
}

for my $query ('pageSize=-1', 'pageSize=x', 'pageToken=no',
               'pageToken=%00%ff')
{
    $r = get("/v1beta/models?$query");
    is($r->status, 400, "no page: $query");
    is($r->json->{error}{status}, 'INVALID_ARGUMENT', "in Google's words");
}

is(scalar @{get("/v1beta/models?$_")->json->{models}}, 7, "fine: $_")
    for 'pageSize=5000', 'pageSize=0', 'pageSize=', 'pageToken=';

# ---- one

for my $name (@all, 'some-1', 're-7') {
    my $path = escaped($name);

    $r = get("/v1/models/$path");
    is($r->json->{id}, $name, "$path: OpenAI's");
    $r = get("/v1/models/$path", @ANTHROPIC);
    is($r->json->{type}, 'model', "Anthropic's");
    is($r->json->{id}, $name, 'by its name');
    $r = get("/v1beta/models/$path");
    is($r->json->{name}, "models/$name", "Gemini's");
}

is(get('/v1/models/no')->json->{error}{code}, 'model_not_found', 'none');
$r = get('/v1/models/no', @ANTHROPIC);
is($r->status, 404, "Anthropic's");
is($r->json->{error}{type}, 'not_found_error', 'of its type');
$r = get('/v1beta/models/no');
is($r->status, 404, "Gemini's");
is($r->json->{error}{status}, 'NOT_FOUND', 'of its status');

is(get('/locked/v1/models', @ANTHROPIC)->json->{error}{type},
   'authentication_error', 'without a key it is the same words');

my $c = $t->connect;
$c->request('HEAD', '/v1/models', headers => \@ANTHROPIC);
$r = $c->response;
is($r->status, 200, 'HEAD');
is($r->header('content-length'),
   length(get('/v1/models', @ANTHROPIC)->body), 'has the length');

done_testing;
