# SPDX-License-Identifier: Apache-2.0

# Without genai_books the snapshots of the policy are in a directory of this
# master's own.  It goes with its master; what one left that was killed goes
# when the next one starts, and nothing else does.

use strict;
use warnings;

use lib 't/lib';

use Digest::SHA qw(sha256_hex);

use GenAI::Test;

my $t = GenAI::Test->new;
my $dir = $t->dir . '/tmp_client_body';
my $key = 'sk-leftovers-1';

sub there { return join ' ', sort map { s{.*/}{}r } glob "$dir/genai-*" }

$t->write_file('policy.json', json_text({
    schema => 1, keys => { k => { sha256 => sha256_hex($key) } } }));
$t->conf(<<'EOF');
http {
    genai_policy policy.json;
    genai_provider p { dialect openai; pass http://127.0.0.1:1/v1; }
    genai_model m    { target p; }
    server {
        listen 127.0.0.1:%%PORT_0%%;
        location / { genai_pass; }
    }
}
EOF

mkdir $_ or die "$_: $!" for $dir, map { "$dir/genai-$_" } 'odd', '1-1x';
mkdir $_, 0700 or die "$_: $!"
    for map { "$dir/genai-$_" } '999999-5', '999999-5/good';

$t->run;

like(there(), qr/^genai-1-1x genai-\d+-\d+ genai-odd$/,
     "what a dead master has left is gone, this one's is there");
is($t->get('/v1/models', headers => [ 'X-Api-Key' => $key ])->status, 200,
   'and is in use');

$t->stop;

is(there(), 'genai-1-1x genai-odd', 'it goes with its master');

done_testing;
