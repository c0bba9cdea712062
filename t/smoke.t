# SPDX-License-Identifier: Apache-2.0

# The modules load into this nginx, and the gateway does the least that it is
# for.  "make matrix" runs this file on every version.

use strict;
use warnings;

use lib 't/lib';

use GenAI::Test;

my $sim = GenAI::Test->sim(tokens => 12);
my $t = GenAI::Test->new(workers => 2)->conf(<<'EOF', SIM => $sim->port);
http {
    genai_provider dead { dialect openai; pass http://127.0.0.1:%%PORT_9%%; }
    genai_provider sim  { dialect openai; pass http://127.0.0.1:%%SIM%%/v1; }

    genai_model one { target sim; }
    genai_model two { target dead; target sim priority=2; }

    server {
        listen 127.0.0.1:%%PORT_0%%;
        listen 127.0.0.1:%%PORT_1%% %%LISTEN_H2%%;
        %%HTTP2_ON%%

        location /v1/ { genai_pass; genai_auth off; }
    }
}
EOF
$t->run;

my $uri = '/v1/chat/completions';

sub chat {
    my ($model, %more) = @_;

    return { model => $model, %more,
             messages => [ { role => 'user', content => 'Hello' } ] };
}

for my $model (qw(one two)) {
    my $r = $t->post($uri, chat($model));

    is($r->status, 200, "$model: an answer");
    ok(length $r->json->{choices}[0]{message}{content}, "$model: a text");

    $r = $t->post($uri, chat($model, stream => JSON::PP::true));

    is($r->status, 200, "$model: a stream");
    ok($r->complete, "$model: a whole one");
    is(($r->events)[-1]{data}, '[DONE]', "$model: its end");
}

my $c = $t->connect;

for (1 .. 2) {
    $c->request('POST', $uri, body => json_text(chat('three')),
                headers => [ 'Content-Type' => 'application/json' ]);
    is($c->response->status, 404, 'an unknown model');
}
ok($c->is_idle, 'the connection is kept');

is($t->post($uri, '{')->status, 400, 'no JSON');
is($t->get('/v1/models')->status, 200, 'models');

SKIP: {
    skip 'no curl with HTTP/2', 1 unless GenAI::Test->can_h2;

    is($t->h2('POST', $uri, port => $t->port(1),
              body => json_text(chat('one')),
              headers => [ 'Content-Type' => 'application/json' ])->status,
       200, 'HTTP/2');
}

ok($t->reload(gone => 1), 'reload');
is($t->post($uri, chat('one'))->status, 200, 'an answer after it');

done_testing;
