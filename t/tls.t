# SPDX-License-Identifier: Apache-2.0

# TLS to providers: verified against the name in pass, also where connections
# go to an upstream{}; sessions are used again; two providers never share a
# connection, whatever the address.

use strict;
use warnings;

use lib 't/lib';

use GenAI::Cert;
use GenAI::Test;
use GenAI::Upstream;

my $cert = GenAI::Cert->new;
my $other = GenAI::Cert->new;

my @json = (requests => [ [ [ json => 200, { ok => 1 } ] ] ]);

my %up = map {
    $_ => GenAI::Upstream->new(name => $_, tls => $_, cert => $cert, lossy => 1,
                               @json)
} qw(valid expired wrong_name self_signed);

my $plain = GenAI::Upstream->new(name => 'plain', @json, lossy => 1);
my $talks = GenAI::Upstream->new(name => 'talks', lossy => 1, requests => [ [
    'noread', [ read => 5 ], [ send => "HTTP/1.1 400 Bad Request\r\n\r\n" ],
    'close' ] ]);
my $old = GenAI::Upstream->new(name => 'old', tls => 'valid', cert => $cert,
    tls_options => { SSL_version => 'TLSv1_2' }, @json);

# in the handshake, not before nginx knows that it is connected
my $closes = GenAI::Upstream->new(name => 'closes', lossy => 1, requests => [ [
    'noread', [ read => 5 ], 'close' ] ]);
my $silent = GenAI::Upstream->new(name => 'silent', lossy => 1,
                                  accept => [ [ wait => 'end' ] ]);
my $stale = GenAI::Upstream->new(name => 'stale', tls => 'valid',
    cert => $cert, lossy => 1, connections => [
        [ [ [ json => 200, { ok => 1 } ] ], [ 'close' ] ],
        [ [ [ json => 200, { ok => 2 } ] ] ] ]);
my $cut = GenAI::Upstream->new(name => 'cut', tls => 'valid', cert => $cert,
    lossy => 1, requests => [ [ [ send => "HTTP/1.1 200 OK\r\nContent-Type: "
        . "text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n" ],
        [ chunk => "data: 1\n\n" ], 'reset' ] ]);

my ($crt, $key) = $cert->pair('valid');

# a TLS server that keeps sessions and no connections
my $sessions = GenAI::Test->new(name => 'tls server', modules => [])
    ->conf(<<"EOF")->run;
http {
    log_format s '\$ssl_session_reused \$ssl_server_name \$ssl_protocol';
    access_log %%TESTDIR%%/s.log s;
    keepalive_requests 1;
    server {
        listen 127.0.0.1:%%PORT_0%% ssl;
        ssl_certificate $crt;
        ssl_certificate_key $key;
        ssl_session_cache shared:s:1m;
        default_type application/json;
        location / { return 200 '{}'; }
    }
}
EOF

# Where pass has an address, as nothing here is to be looked up, the name that
# is verified is localhost.

sub provider {
    my ($name, $port, $host, $more) = @_;

    $more .= ' ssl_name localhost;'
        if $host eq '127.0.0.1' && $more !~ /ssl_name/ && $name ne 'address';

    return "genai_provider $name { dialect openai; pass https://$host"
        . ($port ? ":$port" : '') . "/v1; ssl_trusted_certificate "
        . ($more =~ s/ca=(\S+);// ? $1 : $cert->ca)
        . "; connect_timeout 2s; $more }\n"
        . "genai_model $name { target $name; }\n";
}

my $vp = $up{valid}->port;
my $IP = '127.0.0.1';

my $conf = join '',
    "upstream u_valid { server $IP:$vp; keepalive 4; }\n",
    "upstream u_wrong { server $IP:" . $up{wrong_name}->port . "; }\n",
    "upstream u_same1 { server $IP:$vp; keepalive 4; }\n",
    "upstream u_same2 { server $IP:$vp; keepalive 4; }\n",
    "upstream u_sess { server $IP:" . $sessions->port(0) . "; }\n",
    "upstream u_two { server $IP:" . $up{expired}->port
        . "; server $IP:$vp; }\n",
    provider('valid', $vp, $IP, ''),
    provider('address', $vp, $IP, ''),
    provider('expired', $up{expired}->port, $IP, ''),
    provider('wrong_name', $up{wrong_name}->port, $IP, ''),
    provider('self_signed', $up{self_signed}->port, $IP, ''),
    provider('other_ca', $vp, $IP, 'ca=' . $other->ca . ';'),
    provider('system_ca', $vp, $IP, '') =~ s/ssl_trusted_certificate \S+;//r,
    provider('named', '', 'api.genai.test', 'upstream u_valid;'),
    provider('named2', '', 'localhost', 'upstream u_same1;'),
    provider('deep', '', 'a.b.genai.test', 'upstream u_same2;'),
    provider('wrong', '', 'api.genai.test', 'upstream u_wrong;'),
    provider('ssl_name', $vp, $IP, 'ssl_name x.genai.test;'),
    provider('ssl_name_bad', $vp, $IP, 'ssl_name x.example;'),
    provider('no_sni', '', 'api.genai.test',
             'upstream u_nosni; ssl_server_name off;'),
    "upstream u_nosni { server $IP:$vp; }\n",
    map({ provider("${_}_off", $up{$_}->port, $IP, 'ssl_verify off;') }
        qw(expired wrong_name self_signed)),
    provider('talks', $talks->port, $IP, ''),
    provider('closes', $closes->port, $IP, ''),
    provider('silent', $silent->port, $IP, '') =~ s/2s/200ms/r,
    provider('old', $old->port, $IP, ''),
    provider('old_no', $old->port, $IP, 'ssl_protocols TLSv1.3;'),
    provider('new_no', $vp, $IP,
             'ssl_protocols TLSv1.2; ssl_ciphers AES256-SHA;'),
    provider('stale', $stale->port, $IP, ''),
    provider('cut', $cut->port, $IP, ''),
    provider('same_a', $vp, $IP, 'ssl_name a.genai.test;'),
    provider('same_b', $vp, $IP, 'ssl_name b.genai.test;'),
    provider('same_bad', $vp, $IP, 'ssl_name b.example;'),
    provider('sess', $sessions->port(0), $IP, ''),
    provider('sess_off', $sessions->port(0), $IP, 'ssl_session_reuse off;'),
    provider('sess_up', '', 'up.genai.test', 'upstream u_sess;'),
    provider('sess_name', $sessions->port(0), $IP, 'ssl_name n.genai.test;'),
    provider('two', '', 'api.genai.test', 'upstream u_two;'),
    'genai_model bad_first { target expired; target wrong; target valid; }',
    'genai_model plain_last { target expired; target http; }',
    'genai_provider http { dialect openai; pass http://127.0.0.1:'
        . $plain->port . '; }',
    'genai_model http_first { target http_dead; target named; }',
    'genai_provider http_dead { dialect openai; pass http://127.0.0.1:'
        . $closes->port . '; }';

my $t = GenAI::Test->new(log_level => 'info')->conf(<<"EOF")->run;
http {
    log_format l '\$status \$genai_attempts "\$upstream_status"';
    access_log %%TESTDIR%%/l.log l;
    $conf
    server {
        listen 127.0.0.1:%%PORT_0%%;
        location / { genai_pass; genai_auth off; }
    }
}
EOF

sub ask {
    my ($model) = @_;

    my $r = $t->post('/v1/chat/completions', { model => $model });

    return $r->status . ' ' . ($r->header('x-genai-error') // '-');
}

sub sni { return join ' ', map { $_->{sni} // '-' } $_[0]->events('tls') }


# ---- who is verified

is(ask('valid'), '200 -', 'a good certificate');
is(sni($up{valid}), 'localhost', 'ssl_name is SNI');

# certificates are verified by names alone, as everywhere in nginx
for ([ address => 'does not match' ],
     [ expired => 'certificate has expired' ],
     [ wrong_name => 'does not match' ],
     [ self_signed => 'self.signed certificate' ],
     [ other_ca => 'unable to|self.signed' ],
     [ system_ca => 'unable to|self.signed' ],
     [ ssl_name_bad => 'does not match' ],
     [ deep => 'does not match' ],
     [ wrong => 'does not match' ],
     [ talks => 'wrong version number' ],
     [ closes => 'handshak' ],
     [ old_no => 'alert (?:protocol version|handshake failure)' ],
     [ new_no => 'handshake failure|no cipher' ])
{
    my ($model, $why) = @$_;
    my $from = length $t->error_log;
    my $r = $t->post('/v1/chat/completions', { model => $model });

    is($r->status . ' ' . ($r->header('x-genai-error') // '-'),
       '502 provider_unreachable', $model);
    is(($r->json // {})->{error}{code}, 'provider_unreachable',
       "$model: as JSON");
    like(substr($t->error_log, $from), qr/$why/i, "$model: the log says why");
}

is($up{$_}->count, 0, "$_: no request was sent")
    for qw(expired wrong_name self_signed);
is(ask('silent'), '504 provider_timeout', 'a handshake that does not come');

is(ask('named'), '200 -', 'the name of pass, where connections go elsewhere');
is((split / /, sni($up{valid}))[-1], 'api.genai.test', 'SNI is that name');
is((reverse $up{valid}->requests)[0]{h}{host}, 'api.genai.test',
   'so is Host');
is(ask('ssl_name'), '200 -', 'ssl_name');
is((split / /, sni($up{valid}))[-1], 'x.genai.test', 'is SNI too');
is(ask('no_sni'), '200 -', 'ssl_server_name off');
is((split / /, sni($up{valid}))[-1], '-', 'no SNI');
is(ask("${_}_off"), '200 -', "ssl_verify off: $_")
    for qw(expired wrong_name self_signed);
is(ask('expired'), '502 provider_unreachable',
   'an idle connection that was not verified is not another provider\'s');
is(ask('old'), '200 -', 'TLS 1.2');


# ---- other targets, other TLS

is(ask('bad_first'), '200 -', 'bad certificates first');
ok($t->wait_access(qr/^200 3 "502, 502, 200"$/m, 5, 'l.log'), 'three attempts');
is(ask('plain_last'), '200 -', 'from TLS to plain text');
is(ask('http_first'), '200 -', 'from plain text to TLS');
is((reverse $up{valid}->requests)[0]{h}{host}, 'api.genai.test',
   'with its name');
is(ask('two'), '200 -', 'the second peer of an upstream');


# ---- connections

my $n = $up{valid}->connections;

is(ask('valid'), '200 -', 'a kept connection') for 1 .. 3;
is(ask('named'), '200 -', 'of an upstream') for 1 .. 3;
is($up{valid}->connections, $n, 'is used again');

# the same address, three providers: each its own connection

is(ask('same_a'), '200 -', 'a provider');
is(ask('same_b'), '200 -', 'another one at its address');
is($up{valid}->connections, $n + 2, 'has a connection of its own');
is((split / /, sni($up{valid}))[-1], 'b.genai.test', 'with its own name');
is(ask('same_bad'), '502 provider_unreachable',
   'one that must not trust that server does not use their connections');
is(ask('named2'), '200 -', 'another host in another upstream');
is((split / /, sni($up{valid}))[-1], 'localhost', 'its own connection');

is(ask('stale'), '200 -', 'a server that closes');
is(ask('stale'), '200 -', 'when the request is there');
ok($t->wait_access(qr/^200 1 "502, 200"$/m, 5, 'l.log'), 'was asked again');

my $r = $t->post('/v1/chat/completions', { model => 'cut' });
is(($r->events)[0]{data}, '1', 'a stream over TLS');
like($r->body, qr/"code":"provider_bad_answer"/,
     'that breaks off');


# ---- sessions

sub reused {
    my ($model) = @_;

    $sessions->write_file('s.log', '');
    $sessions->signal('USR1');
    wait_for(sub { -s $sessions->dir . '/s.log' }, 0.2);

    is(ask($model), '200 -', "$model, request $_") for 1 .. 3;
    wait_for(sub { 3 == (() = $sessions->access_log('s.log') =~ /\n/g) });

    return join '', map { /^(\S)/ } split /\n/, $sessions->access_log('s.log');
}

is(reused('sess'), '.rr', 'sessions are used again');
is(reused('sess_up'), '.rr', 'those of an upstream too');
like($sessions->access_log('s.log'), qr/up\.genai\.test/, 'with SNI');
is(reused('sess_off'), '...', 'not with ssl_session_reuse off');
like(reused('sess_name'), qr/^\./, 'nor those of another provider');


done_testing;
