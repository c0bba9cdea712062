# SPDX-License-Identifier: Apache-2.0

# What is said of a failure: the provider's own word outlives a dead peer; a
# name that is not known yet neither counts as an attempt nor takes longer
# than a connection; a client's bytes make no lines of the log, and its broken
# body no refusal of another kind.

use strict;
use warnings;

use lib 't/lib';

use IO::Socket::INET;
use Time::HiRes qw(time);

use GenAI::Test;
use GenAI::Upstream;
use GenAI::Util qw(allot_port);

my $up = GenAI::Upstream->new(name => 'good', lossy => 1);
my $slow_down = GenAI::Upstream->new(name => 'slow down', lossy => 1,
    route => sub { [ [ json => 429, { error => { message => 'slow' } },
                       'Retry-After' => 7 ] ] });

# a name server that says nothing
my $dns = IO::Socket::INET->new(Proto => 'udp', LocalAddr => '127.0.0.1',
                                LocalPort => 0) or die "udp: $!";

my $SCALE = $GenAI::Test::SCALE;
my $connect = int 300 * $SCALE;
my $resolve = int 8 * $SCALE;

my $t = GenAI::Test->new(log_level => 'info');

$t->conf(<<"EOF", UP => $up->port, SLOW => $slow_down->port,
http {
    resolver 127.0.0.1:@{[ $dns->sockport ]};
    resolver_timeout ${resolve}s;

    log_format l '\$status \$genai_target \$genai_attempts "\$genai_error"';
    access_log %%TESTDIR%%/l.log l;

    upstream first { server 127.0.0.1:%%SLOW%%; server 127.0.0.1:%%DEAD%%; }
    upstream last  { server 127.0.0.1:%%DEAD%%; server 127.0.0.1:%%SLOW%%; }
    upstream idle  { server 127.0.0.1:%%SLOW%%; keepalive 4;
                     server 127.0.0.1:%%DEAD%% max_fails=1 fail_timeout=60s; }

    genai_provider first { dialect openai; pass http://x/v1; upstream first; }
    genai_provider last  { dialect openai; pass http://x/v1; upstream last; }
    genai_provider idle  { dialect openai; pass http://x/v1; upstream idle; }
    genai_provider p     { dialect openai; pass http://127.0.0.1:%%UP%%/v1; }
    genai_provider slow  { dialect openai; pass http://127.0.0.1:%%SLOW%%; }
    genai_provider dead  { dialect openai; pass http://127.0.0.1:%%DEAD%%; }
    genai_provider name1 { dialect openai; pass http://one.test/v1;
                           connect_timeout ${connect}ms; }
    genai_provider name2 { dialect openai; pass http://two.test/v1;
                           connect_timeout ${connect}ms; }
    genai_provider name3 { dialect openai; pass http://three.test/v1;
                           connect_timeout ${connect}ms; }

    genai_model first { target first; }
    genai_model last  { target last; }
    genai_model idle  { target idle; }
    genai_model both  { target slow priority=1; target dead priority=2; }
    genai_model tries { target dead priority=1; target name1 priority=2;
                        target p priority=3; next_target_tries 2; }
    genai_model waits { target name2 priority=1; target p priority=2; }
    genai_model alone { target name3; }

    server {
        listen 127.0.0.1:%%PORT_0%%;
        location /v1/ { genai_pass; genai_auth off; }
    }
}
EOF
DEAD => allot_port());

$t->run;

my $URI = '/v1/chat/completions';
my $lines = 0;

sub logged {
    my $log;

    wait_for(sub { $log = [ split /\n/, $t->access_log('l.log') ];
                   @$log > $lines }, 3);

    return $log->[$lines++] // 'no line';
}


# ---- a provider's word and a dead peer

for my $model (qw(first last idle both)) {
    for my $n (1 .. 3) {
        my $r = $t->post($URI, { model => $model });

        is(join(' ', $r->status, $r->header('retry-after') // '-',
                $r->header('x-genai-error') // '-'),
           '429 7 provider_rate_limited', "$model $n: the provider's word");
        like(logged(), qr/^429 .*"provider_rate_limited"$/,
             "$model $n: in the log");
    }
}


# ---- names that are not known

{
    my $begin = time;
    my $r = $t->post($URI, { model => 'tries' });
    my $took = time - $begin;

    is($r->status, 200, 'a name that is not known is no attempt');
    like(logged(), qr/^200 p 2 /, 'two of two');
    cmp_ok($took, '<', $resolve / 2, 'nor is it waited for');
}

{
    my $begin = time;
    my $r = $t->post($URI, { model => 'waits' });
    my $took = time - $begin;

    is($r->status, 200, 'a name that is silent: the second target answers');
    like(logged(), qr/^200 p 1 /, 'at the first attempt');
    cmp_ok($took, '<', $resolve / 2, 'before the resolver gives up');
    cmp_ok($took, '>', $connect / 1000 * 0.8, 'but it had its time');
}

# who leaves while a name is waited for leaves nothing behind

{
    my $c = $t->connect;

    $c->request('POST', $URI, body => json_text({ model => 'waits' }),
                headers => [ 'Content-Type' => 'application/json' ]);
    $c->close;
    like(logged(), qr/^(?:499|200) /, 'a client that leaves meanwhile');
}


# ---- what a client writes

for my $uri ('/v1/models/x%0aforged%20line', '/v1/models/x%0d%0aforged',
             '/v1/models/x%1b%5b2Jforged')
{
    my $r = $t->get($uri);

    is($r->status, 404, "$uri: no such model");
    unlike($r->body, qr/[\x00-\x09\x0b-\x1f]forged/, 'it is not repeated raw');
    $t->get('/v1/models');
}

my $log = $t->error_log;

like($log, qr/forged/, 'the log tells of it');
unlike($log, qr/^forged/m, 'without a second line');
unlike($log, qr/[\x0d\x1b]/, 'or a control character');

{
    my $c = $t->connect;

    $c->write("POST /v1/nothing HTTP/1.1\r\nHost: x\r\n"
              . "Transfer-Encoding: chunked\r\n\r\nzz\r\n"
              . "GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n");

    my $r = $c->response;

    is($r->status, 404, 'a refusal with a bad chunk behind it');
    ok($r->header('x-genai-error'), 'has its word');
    like($r->header('content-type') // '', qr{^application/json}, 'is JSON');
    ok(($r->json || {})->{error}, 'of the usual form');
    is($c->read_some(timeout => 2), '', 'nothing more is read or answered');
}

done_testing;
