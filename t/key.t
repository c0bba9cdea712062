# SPDX-License-Identifier: Apache-2.0

# The key that a caller is known by does not go upstream beside a proxy_pass,
# whichever header carries it, twice too; all other headers do.

use strict;
use warnings;

use lib 't/lib';

use GenAI::Test;
use GenAI::Upstream;

my (undef, $said) = GenAI::Test->nginx_t('http { genai_test_caller on; }');

if ($said =~ /unknown directive/) {
    plan(skip_all => 'this build has no genai_test_caller: "make debug" and '
                     . '"make asan" do');
}

my $up = GenAI::Upstream->new(lossy => 1, route => sub {
    return [ [ json => 200, { choices => [ { finish_reason => 'stop' } ] } ] ];
});

my $t = GenAI::Test->new->conf(<<'EOF', UP => $up->port)->run;
http {
    server {
        listen 127.0.0.1:%%PORT_0%%;
        genai on;
        location /known/ { genai_test_caller on;
                           proxy_pass http://127.0.0.1:%%UP%%; }
        location /open/  { genai_auth off;
                           proxy_pass http://127.0.0.1:%%UP%%; }
        location /shut/  { proxy_pass http://127.0.0.1:%%UP%%; }
    }
}
EOF

my @others = map { ("X-Other-$_" => "o$_") } 1 .. 40;

for my $case (
    [ 'authorization', 'Authorization' => 'Bearer k-1' ],
    [ 'x-api-key', 'X-Api-Key' => 'k-1' ],
    [ 'api-key', 'Api-Key' => 'k-1' ],
    [ 'the same in two', 'Authorization' => 'Bearer k-1',
      'X-Api-Key' => 'k-1' ],
) {
    my ($name, @key) = @$case;

    # first, in the middle, last, and beyond the list's first part
    for my $at (0, 2, 38, 80) {
        my @headers = @others;
        splice @headers, $at, 0, @key;

        for my $place (qw(known open)) {
            my $n = $up->count;
            my $r = $t->http('POST', "/$place/chat/completions",
                headers => [ @headers, 'Content-Type' => 'application/json' ],
                body => '{"model":"m","stream":true}');
            my $raw = ($up->requests)[-1]{raw} // '';

            is($r->status . ' ' . ($up->count - $n), '200 1',
               "$place, $name at $at");
            is($raw =~ /k-1/ ? 'sent' : 'kept',
               $place eq 'open' ? 'sent' : 'kept', "$place, $name: the key");
            is(scalar(() = $raw =~ /^X-Other-\d+: o\d+\r$/mg), 40,
               "$place, $name: all others");
        }
    }
}

my $n = $up->count;

is($t->http('POST', '/shut/chat/completions', body => '{"model":"m"}',
            headers => [ Authorization => 'Bearer k-1' ])->status, 401,
   'nobody is known');
is($up->count, $n, 'and nothing went up');

done_testing;
