# SPDX-License-Identifier: Apache-2.0

# anthropic-beta: a provider gets what its list has; the list is read again when
# its file changes, and a broken file changes nothing.

use strict;
use warnings;

use lib 't/lib';

use GenAI::Test;
use GenAI::Upstream;

my $up = GenAI::Upstream->new(requests => [ [ [ json => 200, {
    id => 'msg_1', type => 'message', role => 'assistant', model => 'claude',
    content => [ { type => 'text', text => 'hi' } ],
    stop_reason => 'end_turn',
    usage => { input_tokens => 1, output_tokens => 1 } } ] ] ]);

my $t = GenAI::Test->new(workers => 2);

sub lists { $t->write_file('betas.json', $_[0]) }

lists('{ "#": "of what was tried", "claude": ["a-1", "b-*", "d"], '
      . '"other": ["a-1"], "*": ["z"] }');

my $CONF = <<'EOF';
http {
    genai_betas betas.json;
    genai_provider claude { dialect anthropic; pass http://127.0.0.1:%%UP%%; }
    genai_provider other  { dialect anthropic; pass http://127.0.0.1:%%UP%%; }
    genai_provider rest   { dialect anthropic; pass http://127.0.0.1:%%UP%%; }
    genai_provider own    { dialect anthropic; pass http://127.0.0.1:%%UP%%;
                            header anthropic-beta mine,any; }
    genai_model claude { target claude; }
    genai_model other  { target other; }
    genai_model rest   { target rest; }
    genai_model own    { target own; }
    server {
        listen 127.0.0.1:%%PORT_0%%;
        location / { genai_pass; genai_auth off; }
    }
}
EOF

$t->conf($CONF, UP => $up->port)->run;

sub ask {
    my ($model, @betas) = @_;

    my $r = $t->post('/v1/messages', json_text({ model => $model,
        max_tokens => 5, messages => [ { role => 'user', content => 'hi' } ] }),
        headers => [ map { ('Anthropic-Beta' => $_) } @betas ]);

    return $r;
}

# all lines of the header that the provider got, as they were

sub got {
    my ($head) = split /\r\n\r\n/, ($up->requests)[-1]{raw};

    return join '|', $head =~ /^anthropic-beta:[ ]*(.*?)\r?$/mgi;
}

my $r = ask('claude', 'a-1, b-2025,d');
is(got(), 'a-1, b-2025,d', 'what is in the list passes as it is');
is($r->header('x-genai-dropped'), undef, 'and nothing is dropped');

$r = ask('claude', 'x-9, a-1,a-12 ,, b-', 'y', "d\t");
is($r->status, 200, 'what is not');
is(got(), 'a-1,b-,d', 'does not');
is($r->header('x-genai-dropped'),
   'anthropic-beta:x-9, anthropic-beta:a-12, anthropic-beta:y', 'and is told');

$r = ask('other', 'b-1');
is(got(), '', 'where nothing is left there is no header');
is($r->header('x-genai-dropped'), 'anthropic-beta:b-1', 'as is told');

$r = ask('claude', 'a-1', 'd');
is(got(), 'a-1|d', 'lines pass as lines');

$r = ask('rest', 'a-1,z');
is(got(), 'z', 'the others have a list, too');

$r = ask('own', 'a-1');
is(got(), 'mine,any', "an operator's own header is not asked about");
is($r->header('x-genai-dropped'), undef, 'nor told');

$r = ask('claude');
is(got(), '', 'none is none');

$r = ask('claude', join ',', map { "n$_" } 1 .. 40);
is(() = $r->header('x-genai-dropped') =~ /anthropic-beta:/g, 16,
   'of many some are told');


# a new file, in all workers; each connection may be another one's

sub everywhere {
    my ($sub) = @_;

    my $n = 0;

    return wait_for(sub {
        $n = $sub->() ? $n + 1 : 0;
        return $n >= 20;
    }, 30);
}

lists('{ "anthropic": ["new"] }');
ok(everywhere(sub { ask('claude', 'new,a-1'); return got() eq 'new' }),
   'a new list, by the dialect');

lists('{ "anthropic": ["newer", }');
ok(wait_for(sub { return slurp($t->dir . '/error.log')
       =~ /genai_betas "[^"]*" has changed and cannot be used: line 1: / }, 30),
   'a broken file is told');
ask('claude', 'new,newer');
is(got(), 'new', 'the last good one stays');

unlink $t->dir . '/betas.json' or die $!;
ok(wait_for(sub { return slurp($t->dir . '/error.log')
       =~ /cannot be used: No such file or directory: its last/ }, 30),
   'none as well');
ask('claude', 'new,newer');
is(got(), 'new', 'and stays');

lists('{ "nobody": ["x"], "claud": [] }');
ok(everywhere(sub { ask('claude', 'x,y'); return got() eq 'x,y' }),
   'who has no list gets all');
like(slurp($t->dir . '/error.log'),
     qr/has a list for "claud", which is no genai_provider, no dialect/,
     'a name that means nothing is told');


# at start

$t->write_file('t/betas.json', '{ "*": [ 7 ] }');

my ($rc, $out) = $t->nginx_t("http { genai_betas betas.json; }");
is($rc, 0, 'a broken file does not keep nginx from starting');
like($out, qr/\[error\].*betas\.json" cannot be used: line 1: a beta is a /,
     'but is told');

($rc, $out) = $t->nginx_t("http { genai_strict on;\n"
                          . "genai_betas betas.json; }");
isnt($rc, 0, 'but where genai_strict is on');
like($out, qr/\[emerg\].*cannot be used: line 1: .*:\d+$/m, 'which says why');

($rc, $out) = $t->nginx_t("http { genai_betas a; genai_betas b; }");
like($out, qr/"genai_betas" directive is duplicate/, 'twice');

my $t2 = GenAI::Test->new(workers => 1);
$t2->write_file('betas.json', '[]');
$t2->conf($CONF, UP => $up->port)->run;
$t = $t2;

$r = ask('claude', 'a-1');
is($r->status, 200, 'without any list that can be read');
is(got(), '', 'nothing passes');
is($r->header('x-genai-dropped'), 'anthropic-beta:a-1', 'and it is told');

lists('{ "claude": ["a-1"] }');
ok(everywhere(sub { ask('claude', 'a-1'); return got() eq 'a-1' }),
   'until one can');

done_testing;
