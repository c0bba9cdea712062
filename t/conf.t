# SPDX-License-Identifier: Apache-2.0

# Configurations: nginx -t tells every mistake of a first user with file, line
# and remedy; what is right passes; what is wrong in content only (a key that
# cannot be read, a name that does not resolve) never keeps nginx from
# starting, unless genai_strict says so.

use strict;
use warnings;

use lib 't/lib';

use GenAI::Test;
use GenAI::Upstream;

my $t = GenAI::Test->new(env => { GENAI_TEST_KEY => 'k' });

$t->write_file('t/key', 'secret-value');
$t->write_file('t/empty', '');
$t->write_file('t/part.conf', "dialect openai;\npass http://127.0.0.1;\n");
$t->write_file('t/bad.conf', "dialect openai;\npass ftp://127.0.0.1;\n");
$t->write_file('t/target.conf', "target p;\n");
$t->write_file('t/http.conf', "genai_model included { target p; }\n");
$t->write_file('t/all.d/1.conf', "target p;\n");
$t->write_file('t/all.d/2.conf', "target p priority=2;\n");

my $P = 'genai_provider p { dialect openai; pass http://127.0.0.1/v1; }';
my $p = 'genai_provider p { dialect openai; pass https://127.0.0.1; '
    . 'ssl_name a.test;';
my $M = 'genai_model m { target p; }';
my $S = 'server { listen 127.0.0.1:%%PORT_0%%; location / { genai_pass; } }';

# A configuration is the lines of http{}; the line that is told has a mark,
# "#!".  Returns the exit code, what was said, and the number of that line.

sub check {
    my ($http, %o) = @_;

    my $text = ($o{main} // '') . "events { }\nhttp {\n$http\n}\n";
    my $before = $text =~ /#!/ ? $` : '';

    # the globals are one line before it
    my $line = 2 + ($before =~ tr/\n//);

    return ($t->nginx_t($text), $line);
}

sub refused {
    my ($what, $http, @say) = @_;

    my ($rc, $out, $line) = check($http);
    my ($emerg) = $out =~ /^(.*\[emerg\].*)$/m;

    isnt($rc, 0, "$what: refused") or return;

    $emerg //= $out;
    like($emerg, qr/ in \S+\.conf:$line$/, "$what: file and line");
    like($emerg, $_, "$what: $_") for @say;
    unlike($out, qr/signal|Assertion/, "$what: no crash");
}

sub good {
    my ($what, $http, @say) = @_;

    my ($rc, $out) = check($http);

    is($rc, 0, "$what: good") or diag($out);
    like($out, $_, "$what: $_") for @say;
    unlike($out, qr/\[warn\]/, "$what: not a warning") if !@say;
}


# ---- what is right

good('the least', "$P $M $S");
good('nothing of ours', 'server { }');
good('a provider alone', $P);
good('a block on many lines', "genai_provider p\n{\n dialect\nopenai;\n\n"
     . "# comment {\npass\n http://127.0.0.1 ;\n}\n$M\n$S");
good('a model before its provider', "$M $P $S");
good('a server before both', "$S $M $P");
good('a regex with braces, quoted whole',
     qq($P genai_model "~^llama-[0-9]{1,2}\$" { target p; } $S));
good('with single quotes', qq($P genai_model '~^a"b{2};\$' { target p; } $S));
good('names with everything', qq($P genai_model "a b/c:d.e-f_g" { target p; }
     genai_model "prefix-*" { target p; } genai_model * { target p; } $S));
good('include in a provider',
     "genai_provider p { include part.conf; } $M $S");
good('include in a model', "$P genai_model m { include target.conf; } $S");
good('include of a folder', "$P genai_model m { include all.d/*.conf; } $S");
good('include of nothing', "$P genai_model m { include none.d/*.conf; "
     . "target p; } $S");
good('include around', "$P include http.conf; $S");
good('genai_pass in an if', "$P $M server { location / { if (\$http_x) "
     . '{ genai_pass; } } }');
good('genai_pass with a model', "$P $M server { location / "
     . '{ genai_pass model=$http_x; } location /a { genai_pass model=m; } }');
good('every word of a provider', 'genai_provider p { dialect openai; '
     . 'pass https://api.test:8443/a/b/; resolver 127.0.0.1 valid=10s '
     . 'ipv6=off; header A; header B "c $host"; connect_timeout 1s; '
     . 'send_timeout 1s; idle_timeout 500ms; ssl_name x.test; '
     . 'ssl_server_name on; ssl_verify off; ssl_verify_depth 3; '
     . 'ssl_protocols TLSv1.2 TLSv1.3; ssl_ciphers HIGH; '
     . "ssl_session_reuse off; credential file:key; } $M $S");
good('every word of a model', "$P genai_model m { target p model=x weight=3 "
     . 'priority=2; target p down; next_target error timeout http_429 '
     . 'http_5xx; next_target_tries 5; next_target_timeout 1m; } '
     . 'genai_model n { target p; next_target off; next_target_tries 0; '
     . "next_target_timeout 0; } $S");
good('every word of a location', "$P $M genai_auth off; genai_endpoints chat; "
     . 'genai_expose target overhead; server { genai_auth on; location / { '
     . 'genai_pass; genai_endpoints chat completions embeddings models other; '
     . 'genai_auth off; genai_api chat; genai_expose target; } }');
good('an IPv6 address', 'genai_provider p { dialect openai; '
     . "pass http://[::1]:8443/v1; } $M $S");
good('a name that does not resolve', 'genai_provider p { dialect openai; '
     . "pass https://no.such.name.invalid/v1; } $M $S");
good('a name that no name can be', 'genai_provider p { dialect openai; '
     . "pass https://a..b/v1; } $M $S", qr/\[warn\].*a\.\.b/);
good('an upstream', 'upstream u { server 127.0.0.1:1; } '
     . 'genai_provider p { dialect openai; pass https://a.test; upstream u; }'
     . " $M $S");
good('an upstream that comes later', 'genai_provider p { dialect openai; '
     . "pass http://a.test; upstream u; } $M $S "
     . 'upstream u { server 127.0.0.1:1; keepalive 2; }');
good('an upstream for two providers of one host', 'upstream u '
     . '{ server 127.0.0.1:1; } genai_provider p { dialect openai; pass '
     . 'https://a.test/1; upstream u; } genai_provider q { dialect openai; '
     . "pass https://A.test/2; upstream u; } $M $S");
good('a model and an upstream of one name',
     "upstream m { server 127.0.0.1:1; } $P $M $S");
good('names that nginx uses', 'genai_provider http { dialect openai; pass '
     . 'http://127.0.0.1; } genai_model server { target http; } '
     . 'server { location / { genai_pass; } }');
good('a secret', "genai_secret s file:key; $P genai_secret e "
     . 'env:GENAI_TEST_KEY; genai_provider q { dialect openai; '
     . "pass https://a.test; credential secret:s; } $M $S");
good('a secret that comes later', 'genai_provider p { dialect openai; '
     . "pass https://a.test; credential secret:s; } $M $S "
     . 'genai_secret s file:key;');
good('an address with TLS', 'genai_provider p { dialect openai; '
     . "pass https://127.0.0.1; } $M $S", qr/\[warn\].*ssl_name NAME/);
good('and a name', "$p } $M $S");
good('a credential in clear text', 'genai_provider p { dialect openai; '
     . "pass http://127.0.0.1; credential file:key; } $M $S",
     qr/\[warn\].*clear text.*nginx\.conf:\d/);
good('variables of ours', "$P $M log_format l '\$genai_request_id "
     . '$genai_endpoint $genai_model $genai_provider $genai_target '
     . '$genai_stream $genai_attempts $genai_ttft $genai_overhead '
     . "\$genai_error'; $S");


# ---- genai on

my $proxy = 'proxy_pass http://127.0.0.1:1;';

good('beside proxy_pass', "server { location / { genai on; $proxy }"
     . " location /a { $proxy genai on; genai_api chat; } }");
good('for all, with files and a gateway', "$P $M genai on; server { genai on;"
     . ' location / { root /tmp; } location /a { genai_pass; } '
     . "location /b { genai off; genai_pass; } location /c { $proxy } }");
good('around others', "server { location / { genai on; location /a { $proxy }"
     . " } location /b { genai on; if (\$host) { $proxy } } }");
good("where nothing sends requests on: $_", "server { location / { genai on;"
     . " $_ } }", qr/\[warn\].*"\/".*"genai on".*beside proxy_pass.*:\d+$/m)
    for 'root /tmp;', 'return 200;', 'try_files /a @b;';


# ---- what is wrong

refused('an unknown provider',
        "$P\ngenai_model m {\n target q; #!\n}\n$S",
        qr/"q"/, qr/"m"/, qr/no genai_provider/);
refused('no pass', "genai_provider p { #!\n dialect openai;\n}\n$M $S",
        qr/"p"/, qr/pass https:/);
refused('no dialect', "genai_provider p { #!\n pass https://a;\n}\n$M $S",
        qr/"p"/, qr/dialect openai/);
refused('an empty provider', "genai_provider p { #!\n}\n$M $S", qr/dialect/);
refused('an unknown dialect', "genai_provider p {\n dialect tealeaf; #!\n"
        . " pass https://a;\n}\n$M $S", qr/"tealeaf"/, qr/"openai"/);
refused('a dialect twice', "genai_provider p {\n dialect openai openai; #!\n"
        . "}", qr/twice/);
refused('two dialects', "genai_provider p {\n dialect openai;\n"
        . " dialect openai; #!\n}", qr/duplicate/);
refused('a provider twice', "$P\n$P #!\n$M $S", qr/"p" is duplicate/,
        qr/nginx\.conf:\d+ in/);
refused('a model twice', "$P $M\n$M #!\n$S", qr/"m" is duplicate/,
        qr/nginx\.conf:\d+ in/);
refused('no provider\'s name', 'genai_provider "" { #!' . "\n}", qr/name/);
refused('no model\'s name', 'genai_model "" { #!' . "\n}", qr/name/);
refused('no target', "$P\ngenai_model m { #!\n next_target off;\n}\n$S",
        qr/"m" has no target/, qr/target PROVIDER/);
refused('a gateway that is inline', "$P $M server { location / {\n"
        . "genai on;\ngenai_pass; #!\n} }", qr/genai on/, qr/remove one/);
refused('inline and a gateway', "$P $M server { location / {\n"
        . "genai_pass;\ngenai on; #!\n} }", qr/genai_pass/, qr/remove one/);
refused('genai in an if', "server { location / { if (\$host) {\n"
        . "genai on; #!\n} } }", qr/not allowed/);
refused('genai twice', "server {\ngenai on;\ngenai off; #!\n}",
        qr/duplicate/);
refused('genai maybe', "server {\ngenai maybe; #!\n}", qr/"maybe"/);
refused('no model at all', "$P\nserver { location / { genai_pass; #!\n } }",
        qr/genai_model NAME/);

for my $url ('api.openai.com', 'ftp://a', 'https://', 'https:///v1', 'https:/a',
             'http://a:0', 'http://a:65536', 'http://a:b', 'http://a:1:2',
             'https://u:p@a/v1', 'https://a?x=1', 'https://a/v1?x=1',
             'https://a/#b', '"https://a b"', '"https://a/b c"',
             '"https://a/é"', 'https://$host/v1', 'https://a/$x', '//a',
             'unix:/a', 'http://unix:/a', 'http://[::1', 'http://[]',
             'http://[::1]x/', 'https://a%20b/', "https://\xc3\xa9.test/",
             'https://' . 'a' x 256)
{
    refused("pass $url", "genai_provider p {\n dialect openai;\n "
            . "pass $url; #!\n}\n$M $S", qr/invalid (?:URL|port)/, qr/pass/);
}

refused('pass twice', "$p\n pass https://b; #!\n}", qr/duplicate/);
refused('an unknown word in a provider', "$p\n modell x; #!\n}", qr/"modell"/);
refused('a word of a model in a provider', "$p\n target p; #!\n}",
        qr/"target".*not allowed/);
refused('a word of nginx in a provider', "$p\n proxy_pass http://a; #!\n}",
        qr/"proxy_pass".*not allowed/);
refused('our words outside', "$P $M\ndialect openai; #!\n$S",
        qr/"dialect".*not allowed/);
refused('target outside', "target p; #!\n", qr/"target".*not allowed/);
refused('a provider in a server', "server {\n genai_provider p { #!\n} }",
        qr/"genai_provider".*not allowed/);
refused('a model in a location',
        "server { location / {\n genai_model p { #!\n} } }",
        qr/"genai_model".*not allowed/);
refused('a provider in a provider', "$p\n genai_provider q { #!\n } }",
        qr/"genai_provider".*not allowed/);

{
    my ($rc, $out) = check("genai_provider p { include bad.conf; }");
    isnt($rc, 0, 'a mistake in an included file');
    like($out, qr{ftp.* in \S+/bad\.conf:2$}m, 'its file and line');
    ($rc, $out) = check("genai_provider p { include none.conf; }");
    isnt($rc, 0, 'an included file that is not there');
    like($out, qr/none\.conf.*nginx\.conf:\d/, 'its line');
}

refused('no value', "$p\n idle_timeout; #!\n}", qr/number of arguments/);
refused('a time that is none', "$p\n idle_timeout 5x; #!\n}",
        qr/idle_timeout.*invalid value/);
refused('a flag that is none', "$p\n ssl_verify maybe; #!\n}", qr/"on".*"off"/);
refused('an old protocol', "$p\n ssl_protocols SSLv3; #!\n}", qr/SSLv3/);
refused('a header that is ours', "$p\n header $_ x; #!\n}", qr/"$_"/i)
    for qw(Host content-length Transfer-Encoding Connection Accept-Encoding
           Expect TE Upgrade);
refused('a header of the client\'s', "$p\n header $_; #!\n}", qr/"$_"/i,
        qr/value/) for qw(Authorization cookie X-Api-Key OpenAI-Organization
                          api-key x-goog-api-key OpenAI-Project);
refused("no header's name: $_", "$p\n header $_ x; #!\n}", qr/header|""/)
    for '"a b"', '"a:"', '""', "\"\xc3\xa9\"", '"a(b"';
refused('a header twice', "$p\n header A;\n header a; #!\n}", qr/duplicate/);
refused('a resolver twice', "$p\n resolver 127.0.0.1;\n resolver 127.0.0.1;"
        . " #!\n}", qr/duplicate/);

refused('a credential in the open', "$p #!\n credential sk-abc123; }\n$M $S",
        qr/file:PATH/, qr/env:NAME/, qr/not the key itself/);
{
    my ($rc, $out) = check("$p credential sk-abc123; } $M $S");
    unlike($out, qr/sk-abc123/, 'it is not shown');
    ($rc, $out) = check("genai_secret s sk-abc123; $P $M $S");
    isnt($rc, 0, 'a secret in the open');
    unlike($out, qr/sk-abc123/, 'it is not shown either');
}
refused('a secret in the open', "\ngenai_secret s sk-abc; #!\n$P $M $S",
        qr/file:PATH/);
refused('a secret that is not there', "$p #!\n credential secret:s; }\n$M $S",
        qr/secret:s/, qr/genai_secret s file:/);
refused('a secret twice', "genai_secret s file:key;\ngenai_secret s file:key;"
        . " #!\n", qr/duplicate/);
refused('a secret of a secret', "genai_secret s file:key;\n"
        . "genai_secret q secret:s; #!\n", qr/file:PATH/);
refused('a file without a name', "\ngenai_secret s file:; #!\n", qr/file:PATH/);
refused('two credentials', "$p\n credential file:key;\n credential file:key;"
        . " #!\n}\n$M $S", qr/duplicate/);
refused('a credential and Authorization', "$p #!\n credential file:key;\n"
        . " header Authorization x;\n}\n$M $S", qr/[Aa]uthorization/);

refused('no such upstream', "$p #!\n upstream u; }\n$M $S", qr/"upstream u"/,
        qr/no upstream/);
refused('an upstream of a proxy_pass', "$p #!\n upstream a.test; }\n$M "
        . 'server { location / { genai_pass; } location /x '
        . '{ proxy_pass http://127.0.0.1:9; } }', qr/no upstream/);
refused('an upstream for two hosts', "upstream u { server 127.0.0.1:1; }\n"
        . "genai_provider p { dialect openai; pass https://a.test; "
        . "upstream u; }\ngenai_provider q { #!\n dialect openai; pass "
        . "https://b.test; upstream u; }\n$M $S", qr/"p"/, qr/"q"/,
        qr/upstream\{\} of its own/);
refused('an upstream for two schemes', "upstream u { server 127.0.0.1:1; }\n"
        . "genai_provider p { dialect openai; pass https://a.test; "
        . "upstream u; }\ngenai_provider q { #!\n dialect openai; pass "
        . "http://a.test; upstream u; }\n$M $S", qr/upstream\{\} of its own/);
{
    my ($rc, $out) = check("$p ssl_trusted_certificate none.pem; } $M $S");
    isnt($rc, 0, 'a CA file that is not there');
    like($out, qr/none\.pem/, 'it is named');
    ($rc, $out) = check("$p ssl_trusted_certificate key; } $M $S");
    isnt($rc, 0, 'a CA file that is none');
    ($rc, $out) = check("$p ssl_ciphers NOSUCH; } $M $S");
    isnt($rc, 0, 'ciphers that are none');
}

my $m = "$P genai_model m { target p;";

refused('an unknown parameter of a target', "$P genai_model m {\n"
        . " target p modl=x; #!\n}", qr/"modl=x"/, qr/model=/);
refused("a parameter $_", "$P genai_model m {\n target p $_; #!\n}",
        qr/"\Q$_\E"/)
    for qw(weight=x weight=-1 weight=70000 weight= priority=0 priority=256
           priority=x priority=1.5 model= max_inflight=3 up),
        'model=' . 'x' x 257;
refused('a target without a name', "$P genai_model m {\n target; #!\n}",
        qr/number of arguments/);
refused('an unknown reason', "$m\n next_target http_404; #!\n}", qr/http_404/);
refused('a word that is not built', "$m\n balance latency; #!\n}",
        qr/"balance"/);
refused('tries twice', "$m\n next_target_tries 1;\n next_target_tries 2; #!\n}",
        qr/duplicate/);
refused('tries that are none', "$m\n next_target_tries -1; #!\n}",
        qr/invalid number/);
refused('a bad regex', "$P\n" . 'genai_model "~[a" { #!' . "\n target p; }",
        qr/\[a/);
refused('a star in the middle', "$P\ngenai_model a*b { #!\n target p; }",
        qr/"a\*b"/, qr/regex/);
refused('two stars', "$P\ngenai_model a** { #!\n target p; }", qr/regex/);
refused('a name of 257 bytes', "$P\ngenai_model " . 'x' x 257
        . " { #!\n target p; }", qr/256/);
refused('a regex without quotes',
        "$P\ngenai_model ~^a{1,2}\$ { #!\n target p; }",
        qr/./);

my $l = "$P $M server { location / {";

refused('proxy_pass after it', "$l\n genai_pass; #!\n proxy_pass "
        . "http://127.0.0.1:1;\n} }", qr/content handler/, qr/remove one/);
refused('proxy_pass before it', "$l\n proxy_pass http://127.0.0.1:1;\n "
        . "genai_pass; #!\n} }", qr/content handler/, qr/remove one/);
refused('stub_status after it', "$l\n genai_pass; #!\n stub_status;\n} }",
        qr/content handler/) if $t->has('http_stub_status_module');
refused('fastcgi_pass before it', "$l\n fastcgi_pass 127.0.0.1:1;\n "
        . "genai_pass; #!\n} }", qr/content handler/);
refused('empty_gif after it', "$l\n genai_pass; #!\n empty_gif;\n} }",
        qr/content handler/);
refused('proxy_pass in an if in it', "$l\n genai_pass; #!\n if (\$http_x) "
        . "{ proxy_pass http://127.0.0.1:1; }\n} }", qr/content handler/);
refused('genai_pass twice', "$l\n genai_pass;\n genai_pass; #!\n} }",
        qr/duplicate/);
refused('genai_pass in limit_except', "$l\n limit_except GET {\n "
        . "genai_pass; #!\n} } }", qr/limit_except/, qr/location/);
refused('genai_pass in a server', "$P $M server {\n genai_pass; #!\n}",
        qr/"genai_pass".*not allowed/);
refused('genai_pass in http', "$P $M\ngenai_pass; #!\n",
        qr/"genai_pass".*not allowed/);
refused('genai_pass URL', "$l\n genai_pass http://a; #!\n} }",
        qr{"http://a"}, qr/model=NAME/);
refused('genai_pass model=', "$l\n genai_pass model=; #!\n} }", qr/model=NAME/);
refused('genai_pass with two', "$l\n genai_pass model=a b; #!\n} }",
        qr/number of arguments/);
refused('an unknown endpoint',
        "$l genai_pass;\n genai_endpoints chatt; #!\n} }",
        qr/"chatt"/, qr/chat, completions/);
refused('endpoints twice', "$l genai_pass; genai_endpoints chat;\n "
        . "genai_endpoints models; #!\n} }", qr/duplicate/);
refused('an unknown API', "$l genai_pass;\n genai_api batches; #!\n} }",
        qr/"batches"/);
refused('genai_auth maybe', "$l genai_pass;\n genai_auth maybe; #!\n} }",
        qr/"maybe"/, qr/"on"/);
refused('an unknown thing to expose',
        "$l genai_pass;\n genai_expose all; #!\n} }",
        qr/"all"/);
refused('other in an exact location', "$P $M server { location = /a {\n "
        . "genai_pass; #!\n genai_endpoints other;\n} }", qr/other/,
        qr/prefix/);
refused('other in a regex location', "$P $M server { location ~ /a {\n "
        . "genai_pass; #!\n genai_endpoints other;\n} }", qr/other/);
refused('other in a named location', "$P $M server { location \@a {\n "
        . "genai_pass; #!\n genai_endpoints other;\n} }", qr/other/);
refused('words of later builds', "$P $M\n$_; #!\n$S", qr/unknown directive/)
    for 'genai_routes /x', 'genai_status', 'genai_guard strict';


# ---- keys that cannot be had: nginx starts, and says so; genai_strict

for my $credential ('file:none', 'file:empty', 'env:GENAI_TEST_UNSET', 'file:.',
                    'secret:s')
{
    my $conf = "genai_secret s file:/none/such;\n$p credential $credential; }\n"
        . "$M $S";

    good("credential $credential", $conf,
         qr/\[(?:warn|error)\].*503 gateway_config.*nginx\.conf:\d+/);

    my ($rc, $out) = check("genai_strict on;\n$conf");

    isnt($rc, 0, "credential $credential, strict: refused");
    like($out, qr/\[emerg\].*nginx\.conf:\d+/, 'with its line');
}

good('strict, and all is well', "genai_strict on; $p credential file:key; } "
     . "$M $S");
good('strict and a dead name', "genai_strict on; genai_provider p { "
     . "dialect openai; pass https://no.such.name.invalid; } $M $S");


# ---- it starts with all that, and serves what it can; a bad reload changes
# nothing

my $up = GenAI::Upstream->new;
my $conf = <<'EOF';
http {
    genai_provider good { dialect openai; pass http://127.0.0.1:%%UP%%; }
    genai_provider bad  { dialect openai; pass http://127.0.0.1:%%UP%%;
                          credential file:none; }
    genai_provider dead { dialect openai; pass http://no.such.name.invalid;
                          resolver 127.0.0.1:%%PORT_9%%; }
    genai_model good { target good; }
    genai_model bad  { target bad; }
    genai_model dead { target dead; }
    resolver_timeout 100ms;
    server {
        listen 127.0.0.1:%%PORT_0%%;
        location / { genai_pass; genai_auth off; }
    }
}
EOF

my $g = GenAI::Test->new(log_level => 'info', name => 'bad content')
    ->conf($conf, UP => $up->port)->run;

sub ask {
    my $r = $g->post('/v1/chat/completions', { model => $_[0] });
    return $r->status . ' ' . ($r->header('x-genai-error') // '-');
}

is(ask('good'), '200 -', 'what can be served is served');
is(ask('bad'), '503 gateway_config', 'no key');
is(ask('dead'), '502 provider_unreachable', 'no address');
like($g->error_log, qr/none.*503 gateway_config/, 'the log of the start');

$g->conf($conf =~ s/target good;/target nobody;/r);
is($g->reload(may_fail => 1), 0, 'a bad configuration is refused');
is(ask('good'), '200 -', 'the old one serves on');
$g->write_file('none', 'now-there');
$g->conf($conf);
ok($g->reload, 'a good one');
is(ask('bad'), '200 -', 'reads its keys again');
$g->allow(qr/there is no genai_provider of that name/);


done_testing;
