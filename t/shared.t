# SPDX-License-Identifier: Apache-2.0

# An upstream{} that two providers share must keep one kind of connections;
# and settings that would be without effect, or make every request fail: each
# is refused with its file and line.

use strict;
use warnings;

use lib 't/lib';

use GenAI::Cert;
use GenAI::Test;

my $t = GenAI::Test->new;
my @ca = map { GenAI::Cert->new } 1, 2;
my %vars = (CA => $ca[0]->ca, CB => $ca[1]->ca);


# What is checked stands within http{}; "#!" marks the line that is to blame.

sub check {
    my ($text) = @_;

    my ($rc, $out) = $t->nginx_t("http {\n$text\n}", %vars);
    my @lines = split /\n/, $t->read_file('t/nginx.conf');
    my ($line) = grep { $lines[$_ - 1] =~ /#!/ } 1 .. @lines;

    return ($rc, $out, $line);
}


sub good {
    my ($name, $text) = @_;

    my ($rc, $out) = check($text);

    is($rc, 0, "$name: good") or diag($out);
}


sub refused {
    my ($name, $text, @re) = @_;

    my ($rc, $out, $line) = check($text);
    my ($said) = grep { /\[emerg\]/ } split /\n/, $out;

    isnt($rc, 0, "$name: refused");
    like($said // '', qr{ in \S+/nginx\.conf:$line$}, "$name: the line")
        or diag($out);
    like($said // '', $_, "$name: $_") for @re;
}


my $P = 'genai_provider p { dialect openai; pass https://a.test/v1; }';
my $M = 'genai_model m { target p; }';
my $S = 'server { listen 127.0.0.1:%%PORT_0%%; location /v1/ '
    . '{ genai_pass; genai_auth off; } }';


# ---- a shared upstream{}

sub shared {
    my ($a, $b, $url) = @_;

    $url ||= 'https://a.test/v1';

    return "upstream u { server 127.0.0.1:1; keepalive 4; }\n"
        . "genai_provider p { dialect openai; pass https://a.test/v1; "
        . "upstream u; $a }\n"
        . "genai_provider q { #!\n dialect openai; pass $url; "
        . "upstream u; $b }\n$M\n$S\n";
}


for ([ 'ssl_verify', 'ssl_verify off;', '' ],
     [ 'ssl_verify of the other', '', 'ssl_verify off;' ],
     [ 'ssl_name', 'ssl_name b.test;', '' ],
     [ 'ssl_names', 'ssl_name b.test;', 'ssl_name c.test;' ],
     [ 'ssl_trusted_certificate', 'ssl_trusted_certificate %%CA%%;', '' ],
     [ 'ssl_trusted_certificates', 'ssl_trusted_certificate %%CA%%;',
       'ssl_trusted_certificate %%CB%%;' ],
     [ 'ssl_verify_depth', 'ssl_verify_depth 1;', 'ssl_verify_depth 2;' ],
     [ 'ssl_protocols', 'ssl_protocols TLSv1.2;', 'ssl_protocols TLSv1.3;' ],
     [ 'ssl_ciphers', 'ssl_ciphers HIGH;', 'ssl_ciphers DEFAULT;' ])
{
    my ($name, $a, $b) = @$_;

    refused("different $name", shared($a, $b), qr/"p"/, qr/"q"/,
            qr/share upstream "u"/, qr/ssl_\* settings/);
    good("equal $name", shared($a || $b, $a || $b));
}

my $all = 'ssl_verify on; ssl_name b.test; ssl_trusted_certificate %%CA%%;';

good('all of them equal', shared($all, $all));
good('none of them', shared('', ''));
good('another path', shared('', '', 'https://a.test/v2'));
good('the default written', shared('ssl_verify on;', ''));
good('settings that are no matter of a connection',
     shared('idle_timeout 1s;', 'idle_timeout 2s;'));


# ---- settings without effect

for my $line ('ssl_name a.test;', 'ssl_verify off;', 'ssl_verify on;',
              'ssl_verify_depth 2;', 'ssl_protocols TLSv1.3;',
              'ssl_ciphers HIGH;', 'ssl_trusted_certificate %%CA%%;')
{
    my $set = sub { "genai_provider p { #!\n dialect openai; pass $_[0]; $line "
                    . "}\n$M\n$S" };

    refused("$line on http://", $set->('http://a.test/v1'), qr/"p"/,
            qr/ssl_\*/, qr{write https://});
    good("$line on https://", $set->('https://a.test/v1'));
}

refused('resolver beside upstream', "upstream u { server 127.0.0.1:1; }\n"
        . "genai_provider p { #!\n dialect openai; pass http://a.test;\n"
        . " upstream u; resolver 127.0.0.1; }\n$M\n$S", qr/"p"/,
        qr/"resolver"/, qr/"upstream"/, qr/remove one/);

for my $suffix (qw(/chat/completions /completions /embeddings /models)) {
    refused("pass with $suffix", "genai_provider p {\n dialect openai;\n"
            . " pass https://a.test/v1$suffix; #!\n}\n$M\n$S",
            qr/base URL/, qr/"\Q$suffix\E"/);
}

good('pass with a path of other words', "genai_provider p { dialect openai; "
     . "pass https://a.test/chat; }\n$M\n$S");


# ---- requests that would all fail

my $place = sub { "$P\n$M\nserver { listen 127.0.0.1:%%PORT_0%%;\n"
                  . " location /v1/ {\n $_[0]\n genai_auth off;\n } }" };

refused('model= of no model', $place->('genai_pass model=n; #!'),
        qr/model=n"/, qr/genai_model n /);
good('model= of a model', $place->('genai_pass model=m;'));
good('model= of a pattern', $place->('genai_pass model=xyz;') =~
     s/\Q$M\E/genai_model x* { target p; }/r);
good('model= of a variable', $place->('genai_pass model=$arg_m;'));

refused('genai_api that is not listed',
        $place->("genai_pass; #!\n genai_endpoints chat models;\n"
                 . ' genai_api embeddings;'), qr{"/v1/"}, qr/genai_api/,
        qr/genai_endpoints/);
good('one that is', $place->("genai_pass;\n genai_endpoints chat embeddings;\n"
                             . ' genai_api embeddings;'));

for my $words ('off error', 'error off', 'timeout http_429 off') {
    refused("next_target $words", "$P\ngenai_model m { #!\n target p;\n"
            . " next_target $words;\n}\n$S", qr/"m"/, qr/next_target off/,
            qr/remove one/);
}

good('next_target off', "$P genai_model m { target p; next_target off; } $S");

for my $word ('model="a b"', 'model="a"', 'weight="1"') {
    my ($first) = split / /, $word;

    refused("target p $word", "$P\ngenai_model m {\n target p $word; #!\n}\n$S",
            qr/quote/, qr/\Q$first\E/);
}

good('quoted whole', "$P genai_model m { target p \"model=a b\"; } $S");

done_testing;
