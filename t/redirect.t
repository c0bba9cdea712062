# SPDX-License-Identifier: Apache-2.0

# nginx's own features around genai_pass: its errors come in the client's
# dialect, error_page may lead to another provider or to a page, access checks
# hold, "if", limit_except, nested locations and rewrites work.

use strict;
use warnings;

use lib 't/lib';

use JSON::PP ();

use GenAI::Test;
use GenAI::Upstream;
use GenAI::Util qw(allot_port);

my $up = GenAI::Upstream->new(route => sub {
    my ($r) = @_;
    my $do = eval { JSON::PP::decode_json($r->{body})->{do} } // '';

    return [ 'close' ] if $do eq 'close';
    return [ [ json => 429, { theirs => 1 } ] ] if $do eq '429';
    return [ [ json => 500, { theirs => 1 } ] ] if $do eq '500';
    return [ [ json => 401, {} ] ] if $do eq '401' && $r->{uri} =~ m{^/a/};
    return [ [ answer => 429, '<p>', 'Content-Type', 'text/html',
               'Retry-After', 5 ] ] if $do eq 'html' && $r->{uri} =~ m{^/a/};
    return [ [ json => 200, { uri => $r->{uri}, body => $r->{body},
                              key => $r->{h}{authorization} } ] ];
});

my $t = GenAI::Test->new(log_level => 'info');

# htpasswd: u:p
$t->write_file('users', "u:{PLAIN}p\n");
$t->write_file('page.json', '{"page":1}');
$t->write_file('key', 'k');

$t->conf(<<'EOF', UP => $up->port, DEAD => allot_port())->run;
http {
    log_format l '$status $genai_attempts "$genai_error" "$upstream_status" '
                 '$genai_target $uri';
    access_log %%TESTDIR%%/l.log l;

    limit_req_zone one zone=req:32k rate=1r/m;
    limit_conn_zone one zone=conn:32k;

    genai_provider a    { dialect openai; pass http://127.0.0.1:%%UP%%/a; }
    genai_provider b    { dialect openai; pass http://127.0.0.1:%%UP%%/b;
                          credential file:key; }
    genai_provider dead { dialect openai; pass http://127.0.0.1:%%DEAD%%; }

    genai_model m    { target a; }
    genai_model dead { target dead; }
    genai_model two  { target dead; target dead; }
    genai_model fall { target b model=fallen; }

    map $http_x_mode $mode { default 0; on 1; }

    server {
        listen 127.0.0.1:%%PORT_0%%;
        genai_auth off;

        location /v1/     { genai_pass; client_max_body_size 1k; }
        location /req/    { genai_pass; limit_req zone=req; }
        location /req429/ { genai_pass; limit_req zone=req;
                            limit_req_status 429; }
        location /conn/   { genai_pass; limit_conn conn 1; }
        location /deny/   { genai_pass; deny all; }
        location /basic/  { genai_pass; auth_basic "a realm";
                            auth_basic_user_file users; }
        location /sub/    { genai_pass; auth_request /check; }
        location = /check { internal; return 403; }
        location /subok/  { genai_pass; auth_request /checkok; }
        location = /checkok { internal; return 204; }
        location /tryin/  { genai_pass; try_files /none @fallback; }
        location /r200/   { genai_pass; return 200 "plain"; }
        location /r302/   { genai_pass; return 302 /elsewhere; }
        location /r400/   { genai_pass; return 400; }
        location /r404/   { genai_pass; return 404 "text"; }
        location /r418/   { genai_pass; return 418 "teapot"; }
        location /r444/   { genai_pass; return 444; }
        location /r500/   { genai_pass; return 500; }
        location /r503/   { genai_pass; return 503; }
        location /head/   { genai_pass; add_header X-Always 1 always;
                            add_header X-Good 1; deny all; }

        # satisfy
        location /any/      { genai_pass; satisfy any; allow 127.0.0.1;
                              deny all; auth_basic "r";
                              auth_basic_user_file users; }
        location /anyauth/  { genai_pass; genai_auth on; satisfy any;
                              allow 127.0.0.1; deny all; }
        location /anydeny/  { genai_pass; satisfy any; deny all;
                              auth_basic "r"; auth_basic_user_file users; }
        location /alldeny/  { genai_pass; satisfy all; deny all;
                              auth_basic "r"; auth_basic_user_file users; }

        # error_page
        location /fall/  { genai_pass; error_page 502 503 504 = @fallback; }
        location /file/  { genai_pass; client_body_buffer_size 1k;
                           error_page 502 = @fallback; }
        location /only/  { genai_pass; client_body_in_file_only clean;
                           error_page 502 = @fallback; }
        location @fallback { genai_pass model=fall; }
        location /page/  { genai_pass; error_page 502 404 /page.json; }
        location /body/  { genai_pass; client_max_body_size 10;
                           error_page 413 = @large; }
        location @large  { return 413 "ours"; }
        location /limited/ { genai_pass; limit_req zone=req;
                             error_page 503 = @fallback; }
        location /chain/ { genai_pass; error_page 502 = @chain;
                           recursive_error_pages on; }
        location @chain  { genai_pass model=dead; error_page 502 = @fallback;
                           recursive_error_pages on; }
        location /both/  { genai_pass; error_page 502 = @both; }
        location @both   { genai_pass model=dead; }
        location /same/  { genai_pass; error_page 502 =200 /page.json; }
        location = /page.json { root %%TESTDIR%%; }
        location /proxied/ { genai_pass; error_page 502 = @proxy; }
        location @proxy { proxy_pass http://127.0.0.1:%%UP%%; }
        location /inline/ { genai_pass; error_page 502 = @inline; }
        location @inline { genai on; genai_api chat; genai_expose target;
                           proxy_pass http://127.0.0.1:%%UP%%; }
        location /try/ { try_files /none @fallback; }

        # if, limit_except, nested, rewrite
        location /if/ {
            genai_pass;
            if ($mode) { genai_pass model=fall; }
            if ($http_x_refuse) { return 403; }
            if ($http_x_set) { set $x 1; }
        }
        location /ifonly/ {
            default_type text/plain;
            if ($mode) { genai_pass; }
            return 200 "not ours";
        }
        location /except/ {
            genai_pass;
            limit_except GET { deny all; }
        }
        location /except2/ {
            genai_pass;
            limit_except POST { deny all; }
        }
        location /nest/ {
            genai_pass;
            location /nest/deep/ { genai_pass model=fall; }
            location ~ /nest/re/ { genai_pass; }
            location /nest/none/ { return 200 "none"; }
        }
        rewrite ^/old/(.*)$ /v1/$1 last;
        location /rw/ { rewrite ^/rw/(.*)$ /v1/$1 last; }
        location /rwb/ { rewrite ^/rwb/(.*)$ /x/$1 break; genai_pass; }
        location /mirror/ { genai_pass; mirror /mirrored; }
        location = /mirrored { internal; proxy_pass
                               http://127.0.0.1:%%UP%%/mirrored; }
        location /ssi/ { ssi on; ssi_types *; root %%TESTDIR%%; }
        location /subbed/ { genai_pass; }
    }

    server {
        listen 127.0.0.1:%%PORT_1%%;
        genai_auth off;
        auth_basic "all";
        auth_basic_user_file users;
        error_page 401 /login.html;
        location / { genai_pass; }
        location = /login.html { auth_basic off; return 200 "login"; }
    }
}
EOF

my $lines = 0;

sub ask {
    my ($prefix, $body, %o) = @_;

    $lines++;
    return $t->post("/$prefix/chat/completions", $body // { model => 'm' },
                    %o);
}

sub last_line {
    my $line;

    wait_for(sub {
        defined($line = ($t->access_log('l.log') =~ /^(.*)\n/mg)[$lines - 1]);
    });

    return $line // '';
}

my @basic = (headers => [ Authorization => 'Basic dTpw' ]);


# ---- nginx's errors in the client's dialect

sub dressed {
    my ($prefix, $status, $word, %o) = @_;

    my $r = ask($prefix, $o{body}, %o);
    my $e = ($r->json // {})->{error};

    $e = {} if ref $e ne 'HASH';

    is(join(' ', $r->status, $r->header('x-genai-error') // '-',
            $r->header('content-type') // '-', $e->{code} // '-',
            $r->complete ? 'whole' : $r->error),
       "$status $word application/json $word whole", "$prefix: $status");
    like($e->{message}, qr/\w/, "$prefix: a message");
    is(scalar(my @t = $r->header_all('content-type')), 1, "$prefix: one type");
    like($r->header('x-genai-request-id'), qr/^\w{32}$/, "$prefix: an id");
    like(last_line(), qr/^$status \d "$word"/, "$prefix: logged");

    return $r;
}

dressed('v1', 413, 'caller_too_large', body => 'x' x 2000);
dressed('v1', 413, 'caller_too_large', body => undef,
        chunked => [ 'x' x 600, 'x' x 600 ]);
ask('req');
dressed('req', 503, 'gateway_full');
dressed('req429', 429, 'policy_rate');
dressed('deny', 403, 'caller_forbidden_endpoint');
is(dressed('basic', 401, 'caller_unauthenticated')
   ->header('www-authenticate'), 'Basic realm="a realm"',
   'WWW-Authenticate stays');
is(ask('basic', undef, @basic)->status, 200, 'the right password');
dressed('sub', 403, 'caller_forbidden_endpoint');
is(ask('subok')->status, 200, 'auth_request that allows');
dressed('r400', 400, 'caller_bad_request');
dressed('r404', 404, 'caller_forbidden_endpoint');
dressed('r418', 418, 'caller_bad_request');
dressed('r500', 500, 'gateway_internal');
dressed('r503', 503, 'gateway_full');

my $r = dressed('head', 403, 'caller_forbidden_endpoint');
is($r->header('x-always') . ($r->header('x-good') // '-'), '1-',
   'add_header works');

$r = ask('r200');
is($r->status . $r->body, '200plain', 'return 200 is as it is');
$r = ask('r302');
is($r->status, 302, 'return 302');
like($r->header('location'), qr{/elsewhere$}, 'with its Location');
is(ask('r444')->status, 0, 'return 444 closes');
is($t->http('HEAD', '/deny/models')->body, '', 'no body for HEAD');
$lines++;
is($t->post('/other', {})->status, 404, 'elsewhere');
$lines++;
unlike($t->post('/other', {})->body, qr/"error"/, 'errors are nginx\'s');
$lines++;


# ---- satisfy

is(ask('any')->status, 200, 'satisfy any: by address');
$r = ask('anyauth');
is($r->status . ' ' . $r->header('x-genai-error'),
   '401 caller_unauthenticated', 'satisfy any does not replace genai_auth');
is(ask('anydeny')->status, 401, 'satisfy any: by none');
is(ask('anydeny', undef, @basic)->status, 200, 'satisfy any: by password');
is(ask('alldeny', undef, @basic)->status, 403, 'satisfy all: not by one');
is($t->post('/chat/completions', { model => 'm' }, port => $t->port(1))->body,
   'login', 'a page for 401');
is($t->post('/chat/completions', { model => 'm' }, port => $t->port(1),
            @basic)->status, 200, 'and none with a password');
$lines += 2;


# ---- error_page to another genai_pass

my %fell = (uri => '/b/chat/completions', key => 'Bearer k');

sub falls {
    my ($what, $prefix, $body, $log, %o) = @_;

    my $n = $up->count;
    my $r = ask($prefix, $body, %o);
    my $text = ref $body ? json_text($body) : $body;

    $text =~ s/"model":"\w+"/"model":"fallen"/;

    is($r->status, 200, "$what: answered by the fallback") or diag($r->body);
    is(($r->json // {})->{body}, $text, "$what: with the whole body")
        if length $text < 1000;
    ok((($r->json // {})->{body} // '') eq $text, "$what: all of it");
    is($r->json->{uri} . ' ' . $r->json->{key}, "$fell{uri} $fell{key}",
       "$what: path and credential are its own");
    is($r->header('x-genai-error'), undef, "$what: no error is left");
    is(scalar(my @id = $r->header_all('x-genai-request-id')), 1,
       "$what: one id");
    like(last_line(), $log, "$what: logged");

    return $r;
}

falls('no live target', 'fall', { model => 'dead' },
      qr/^200 1 "" "502 : 200" b /);
falls('none of two', 'fall', { model => 'two' },
      qr/^200 1 "" "502, 502 : 200" b /);
falls('our credential is refused', 'fall', { model => 'm', do => '401' },
      qr/^200 1 "" "401 : 200" b /);
falls('a bad answer', 'fall', { model => 'm', do => 'html' },
      qr/^200 1 "" "429 : 200" b /);
falls('a body in memory', 'fall', { model => 'dead', a => 'x' x 5000 },
      qr/^200 1 "" "502 : 200" b /);
falls('a body in a file', 'file', { model => 'dead', a => 'x' x 50000 },
      qr/^200 1 "" "502 : 200" b /);
falls('a body in a file only', 'only', { model => 'dead', a => 'x' },
      qr/^200 1 "" "502 : 200" b /);
falls('a chunked body', 'fall', '{"model":"dead","a":"' . 'y' x 20000 . '"}',
      qr/^200 1 "" "502 : 200" b /,
      chunked => [ '{"model":"dead","a":"', 'y' x 20000, '"}' ]);
falls('before the body was read', 'limited', { model => 'm', a => 1 },
      qr/^200 1 "" "200" b /);
falls('two steps', 'chain', { model => 'dead' },
      qr/^200 1 "" "502 : 502 : 200" b /);
falls('try_files', 'try', { model => 'm' }, qr/^200 1 "" "200" b /);
falls('try_files in the same location', 'tryin', { model => 'm', a => 'x' },
      qr/^200 1 "" "200" b /);

# what is the client's own fault, or the provider's own word, does not fall

for ([ '{"model":', '400 caller_bad_request' ],
     [ '{"model":"nope"}', '404 caller_forbidden_model' ],
     [ '{"model":"m","do":"429"}', '429 provider_rate_limited' ],
     [ '{"model":"m","do":"500"}', '500 provider_bad_answer' ])
{
    my ($body, $want) = @$_;
    $r = ask('fall', $body);
    is($r->status . ' ' . $r->header('x-genai-error'), $want,
       "no fallback for $body");
}

# both fail: the last one speaks, once

$r = dressed('both', 502, 'provider_unreachable',
             body => { model => 'm', do => 'close' });
is(() = $r->body =~ /"error"/g, 1, 'one error');
is($r->{extra} // '', '', 'and nothing behind it');

# to pages and to other modules

$r = ask('page', { model => 'dead' });
is($r->status . ' ' . $r->body, '502 {"page":1}', 'a page for 502');
$r = ask('same', { model => 'dead' });
is($r->status . ' ' . $r->body, '200 {"page":1}', 'with another status');
$r = ask('body', { model => 'dead' });
is($r->status . ' ' . $r->body, '413 ours', 'a page for 413');
$r = ask('proxied', { model => 'dead', a => 'x' x 5000 });
is($r->json->{uri}, '/proxied/chat/completions', 'proxy_pass takes over');
is(length $r->json->{body}, length json_text({ model => 'dead',
   a => 'x' x 5000 }), 'with the body');

# what was tried before is not what answers

$r = ask('inline', { model => 'dead', a => 'x' });
is($r->json->{uri}, '/inline/chat/completions', 'proxy_pass, inline');
is($r->header('x-genai-target'), undef, 'it has no target');
like($t->access_log('l.log'),
     qr{^200 0 "" "502 : 200"  /inline/chat/completions$}m, 'logged')
    if wait_for(sub { $t->access_log('l.log') =~ m{/inline/} });

# on one connection: the fallback leaves nothing behind

my $c = $t->connect;

for my $n (1 .. 3) {
    $c->request('POST', '/fall/chat/completions',
                body => qq({"model":"dead","n":$n}));
    is($c->response->json->{body}, qq({"model":"fallen","n":$n}),
       "fallback, kept connection, $n");
    $c->request('POST', '/fall/chat/completions',
                body => qq({"model":"m","n":$n}));
    is($c->response->json->{body}, qq({"model":"m","n":$n}), "none, $n");
    $lines += 2;
}
$c->close;


# ---- if, limit_except, nested locations, rewrites

is(ask('if')->json->{uri}, '/a/chat/completions', 'if: no');
is(ask('if', undef, headers => [ 'X-Mode' => 'on' ])->json->{uri},
   '/b/chat/completions', 'if: another genai_pass');
is(ask('if', undef, headers => [ 'X-Set' => 'on' ])->json->{uri},
   '/a/chat/completions', 'if without it');
$r = ask('if', undef, headers => [ 'X-Refuse' => 'on' ]);
is($r->status . ' ' . ($r->header('x-genai-error') // '-'),
   '403 caller_forbidden_endpoint', 'if with return');
is(ask('ifonly')->body, 'not ours', 'genai_pass in an if only: no');
is(ask('except')->status, 403, 'limit_except');
is($t->get('/except/models')->status, 200, 'and what it excepts');
is(ask('except2')->status, 200, 'limit_except POST');
is($t->get('/except2/models')->status, 403, 'and the others');
$lines += 2;
is(ask('nest')->json->{uri}, '/a/chat/completions', 'a location');
is(ask('nest/deep')->json->{uri}, '/b/chat/completions', 'one in it');
is(ask('nest/re')->json->{uri}, '/a/chat/completions', 'a regex in it');
is(ask('nest/none')->body, 'none', 'another handler in it');
is(ask('old')->json->{uri}, '/a/chat/completions', 'a rewrite of the server');
is(ask('rw')->json->{uri}, '/a/chat/completions', 'of another location');
is(ask('rwb')->json->{uri}, '/a/chat/completions', 'with break');

$r = ask('mirror', { model => 'm', a => 1 });
is($r->json->{body}, '{"a":1,"model":"m"}', 'mirror');
ok(wait_for(sub { grep { $_->{uri} eq '/mirrored' } $up->requests }),
   'mirrored');

# a subrequest is no client

$t->write_file('ssi/page.html', '<!--# include virtual="/subbed/models" -->');
$r = $t->get('/ssi/page.html');
is($r->status, 200, 'a subrequest to genai_pass');
unlike($r->body, qr/"object"/, 'is not served');


done_testing;
