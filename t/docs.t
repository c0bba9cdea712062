# SPDX-License-Identifier: Apache-2.0

# README.md, docs/ and conf-examples/ against the code: what is documented is
# there, and what is there is documented.
#
# A code block marked "nginx" is checked with nginx -t.  A word behind it says
# what it is a part of: "nginx main" is a whole nginx.conf, "nginx server",
# "nginx provider" and "nginx model" stand in server {}, genai_provider {} and
# genai_model {}; without a word it stands in http {}.

use strict;
use warnings;

use lib 't/lib';

use Digest::SHA qw(sha256_hex);
use File::Temp ();
use JSON::PP ();
use Scalar::Util qw(looks_like_number);

use GenAI::Cert;
use GenAI::Test;

my $ROOT = $GenAI::Test::ROOT;
my $SRC = "$ROOT/ngx_http_genai_module";

my @pages = ('README.md', 'CHANGELOG.md',
             map { s{^\Q$ROOT\E/}{}r } sort glob "$ROOT/docs/*.md");
my @examples = sort glob "$ROOT/conf-examples/*.conf";
my %page = map { $_ => slurp("$ROOT/$_") } @pages;
my $cert = GenAI::Cert->new;

# what the examples have in /etc/nginx
my $KEY = 'sk-of-the-examples';
my $etc = File::Temp->newdir('genai-etc-XXXXXXXX', TMPDIR => 1);
my $policy = "$etc/policy.json";
my $secret = "$etc/secret";

# without vocabularies beside it, so that it does not matter which are there
my $catalog = "$ROOT/data/models.json";

chmod 0755, "$etc";
spew($secret, "sk-of-the-provider\n");
spew("$etc/revoked", '');
spew("$etc/betas.json", '{}');
spew("$etc/models.json", '{"schema":1,"models":{}}');
spew($policy, JSON::PP->new->encode({
    schema => 1, keys => { any => { sha256 => sha256_hex($KEY) } } }));


# The differences of two lists of names, as text; '' when they are equal.

sub differences {
    my ($code, $docs) = @_;

    my %code = map { $_ => 1 } @$code;
    my %docs = map { $_ => 1 } @$docs;

    return join ', ',
        map({ "$_ is not documented" } grep { !$docs{$_} } sort keys %code),
        map({ "$_ does not exist" } grep { !$code{$_} } sort keys %docs);
}


sub same {
    my ($code, $docs, $name) = @_;

    ok(@$code > 0, "$name: found in the code");
    is(differences($code, $docs), '', "$name: code and documents agree");
}


# C without comments.

sub source {
    my ($file) = @_;

    return slurp("$SRC/$file") =~ s{/\*.*?\*/}{}gsr;
}


# The rows of all tables in a text, as lists of cells.

sub rows {
    my ($text) = @_;

    return map { [ map { s/\\\|/|/gr } split /\s*(?<!\\)\|\s*/, $_ ] }
        grep { !/^\s*-/ } $text =~ /^\|\s*(.*?)\s*\|\s*$/mg;
}


# Fenced blocks of a page: [ info string, text ].

sub blocks {
    my ($text) = @_;

    my @blocks;

    push @blocks, [ $1, $2 ]
        while $text =~ /^```([^\n]*)\n(.*?)^```\s*$/msg;

    return @blocks;
}


# ---- directives

my %context = (
    NGX_HTTP_MAIN_CONF => 'http',
    NGX_HTTP_SRV_CONF => 'server',
    NGX_HTTP_LOC_CONF => 'location',
    NGX_HTTP_LIF_CONF => 'if in location',
    NGX_HTTP_GENAI_PROVIDER_CONF => 'genai_provider',
    NGX_HTTP_GENAI_MODEL_CONF => 'genai_model',
);

my %directive;

for my $file ('ngx_http_genai_module.c', 'sim/ngx_http_genai_sim_module.c') {
    my ($table) = source($file) =~ /ngx_command_t\s+\w+\[\]\s*=\s*\{(.*?)
                                    ngx_null_command/sx
        or die "$file: no commands";

    while ($table =~ /\{\s*ngx_string\("(\w+)"\),\s*([^,]+),/g) {
        my ($name, $flags) = ($1, $2);

        # of builds for tests, see docs/ARCHITECTURE.md
        next if $name =~ /^genai_test_/;

        $directive{$name} = join ', ', map { $context{$_} // () }
            $flags =~ /\w+/g;
    }
}

my $text = $page{'docs/DIRECTIVES.md'};
my @headings = $text =~ /^### (\S+)$/mg;

same([ keys %directive ], \@headings, 'directives');

my %listed = map { $_->[0] =~ /^\[(\w+)\]\(#\1\)$/ ? ($1 => $_->[1]) : () }
    rows($text);

same([ keys %directive ], [ keys %listed ], 'directives in the table');

for my $name (sort keys %directive) {
    my ($part) = $text =~ /^### \Q$name\E\n(.*?)(?=^##|\z)/ms;

    $part //= '';

    my ($context) = $part =~ /^- Context: (.*)$/m;

    is(($listed{$name} // '') =~ s/ \(.*//r, $directive{$name},
       "$name: context in the table");
    is($context // '', $directive{$name}, "$name: context");
    ok($part =~ /^- Syntax: `\Q$name\E\b/m && $part =~ /^- Default: \S/m
       && $part =~ /^- Phase: \S/m && $part =~ /^```nginx/m,
       "$name: syntax, default, phase, example");
}

my ($sim) = $text =~ /^### genai_sim\n(.*?)(?=^##|\z)/ms;
my $opts = source('sim/genai_sim_opts.c')
    =~ s/.*genai_sim_opt_table\[\]\s*=//sr =~ s/\};.*//sr;

same([ $opts =~ /genai_sim_opt\((\w+),/g, $opts =~ /\{\s*"(\w+)"/g,
       source('sim/ngx_http_genai_sim_module.c')
           =~ /ngx_str(?:n)?cmp\(value\[i\]\.data, "(\w+)=/g ],
     [ map { $_->[0] =~ /^`(\w+)/ } rows($sim) ], 'parameters of genai_sim');


# ---- variables

my @vars = source('ngx_http_genai_variables.c')
    =~ /\{\s*ngx_string\("(genai_\w+)"\)/g;

# one that ends so begins the names of many
s/_$/_NAME/ for @vars;

my %var = map { $_ => 1 } @vars;

same(\@vars, [ map { $_->[0] =~ /^`\$(genai_\w+)`$/ }
               rows($page{'docs/VARIABLES.md'}) ], 'variables');

my @mentioned = map { $_ =~ /\$(genai_\w+)/g } values %page,
    map { slurp($_) } @examples;

is(join(' ', grep { !$var{$_} } @mentioned), '', 'variables that are used');


# ---- error words

my %status = source('core/genai_error.c')
    =~ /\{\s*genai_str\("(\w+)"\),\s*(\d+)\s*\}/g;
my %documented = map { $_->[0] =~ /^`(\w+)`$/ ? ($1 => $_->[1]) : () }
    rows($page{'docs/ERRORS.md'});

same([ keys %status ], [ keys %documented ], 'error words');

is(join(', ', grep { ($documented{$_} // '') !~ /\b$status{$_}\b/ }
        sort keys %status), '', 'error words: their status');

is(join(', ', grep { !exists $status{$_} }
        map { $_ =~ /`((?:caller|policy|provider|gateway)_[a-z_]*[a-z])`/g }
        values %page), '', 'error words that are used');


# ---- the table of quirks

same([ source('core/genai_quirks.c') =~ /\.name = genai_str\("(\w+)"\)/g ],
     [ $page{'docs/DIALECTS.md'} =~ /^## `openai`: quirks(.*?)^## /ms
       ? $1 =~ /^\| `(\w+)` \|/mg : () ], 'quirks');


# ---- messages of nginx -t, with what stands for a % as anything

sub literals {
    my ($c) = @_;

    $c =~ s/NGX_HTTP_GENAI_RESOLV_CONF/"\/etc\/resolv.conf"/g;
    $c =~ s/NGX_HTTP_GENAI_HOSTS/"\/etc\/hosts"/g;

    return join '', map { s/\\(.)/$1/gr } $c =~ /"((?:[^"\\]|\\.)*)"/g;
}

my %message;
my $argument = qr/(?:[^;"]|"(?:[^"\\]|\\.)*")*/;

for my $file (map({ "ngx_http_genai_$_.c" } qw(betas conf limit_directive model
              origin override provider provider_headers quirks secret)),
              'sim/ngx_http_genai_sim_module.c')
{
    my $c = source($file);

    $message{literals($1)} = $file
        while $c =~ /\b(?:ngx_conf_log_error|ngx_http_genai_conf_error
                     |ngx_http_genai_secret_problem)\s*\(($argument)\)\s*;/gx;
    $message{literals($1)} = $file
        while $c =~ /\breturn\s+((?:"(?:[^"\\]|\\.)*"\s*)+);/g;
}

my $help = $page{'docs/TROUBLESHOOTING.md'} =~ s/\s+/ /gr;

for my $message (sort keys %message) {
    my @parts = split /%(?:V|u?[id]|s|uz|\*s)/, $message, -1;

    next unless grep { /[a-z]{3}/ } @parts;

    my $re = join '.{1,80}?', map { quotemeta } @parts;

    ok($help =~ $re, "message: $message");
}

ok(keys %message > 30, 'messages were found');


# ---- make targets, links

my %target = map { $_ => 1 }
    map { slurp($_) =~ /^([a-z][-a-z0-9]*):(?!=)/mg }
    "$ROOT/Makefile", glob("$ROOT/{t/*,data}/*.mk");

for my $name (@pages) {
    my @code = map { $_->[1] } grep { $_->[1] !~ m{\./configure} }
        blocks($page{$name});

    push @code, $page{$name} =~ s/^```.*?^```$//gmsr =~ /`([^`]+)`/g;

    my @unknown = grep { !$target{$_} }
        map { /\bmake(?: +[A-Z_]+=\S+)* +([a-z][-a-z0-9]*)/g } @code;

    is("@unknown", '', "$name: make targets");

    my @broken = grep { !link_is_good($name, $_) }
        $page{$name} =~ s/^```.*?^```$//gmsr =~ s/`[^`]*`//gr
            =~ /\]\(([^)\s]+)\)/g;

    is("@broken", '', "$name: links");
}


sub link_is_good {
    my ($from, $link) = @_;

    return 1 if $link =~ m{^https?://};

    my ($path, $anchor) = $link =~ /^([^#]*)(?:#(.*))?$/;
    my $dir = $from =~ m{^(.*/)} ? $1 : '';

    $path = $path eq '' ? $from : "$dir$path";

    1 while $path =~ s{(?:^|(?<=/))(?!\.\.)[^/]+/\.\./}{};

    return 0 unless -e "$ROOT/$path";
    return 1 unless defined $anchor;

    # an anchor is made of a heading as GitHub does it
    return !!grep { $_ eq $anchor }
        map { s/\[([^\]]*)\]\([^)]*\)/$1/g; s/[^\w\- ]//g; lc s/ /-/gr }
        slurp("$ROOT/$path") =~ /^#+ (.*?)\s*$/mg;
}


# ---- configurations

my %env = map { $_ => 'sk-test' }
    qw(OPENAI_API_KEY MISTRAL_API_KEY LLM_API_KEY AZURE_OPENAI_API_KEY);


# A configuration as a test can run it: the harness loads the modules and says
# where files are; ports are free ones, certificates exist.

sub adapt {
    my ($text, %port) = @_;

    my ($crt, $key) = $cert->pair('valid');
    my $n = 0;

    $text =~ s/^\s*(?:load_module|user|pid|daemon|worker_processes)\s.*//mg;
    $text =~ s/^\s*\w+_temp_path\s.*//mg;
    $text =~ s{(access_log\s+)[^\s;]*?([^\s;/]+\.log)}{$1%%TESTDIR%%/$2}g;
    $text =~ s/(ssl_certificate\s+)[^\s;]+/$1$crt/g;
    $text =~ s/(ssl_certificate_key\s+)[^\s;]+/$1$key/g;
    $text =~ s/(ssl_trusted_certificate\s+)[^\s;]+/$1${\ $cert->ca}/g;
    $text =~ s{/etc/nginx/genai/policy\.(?:json|d)(?=;)}{$policy}g;
    $text =~ s{/etc/nginx/genai/revoked(?=;)}{$etc/revoked}g;
    $text =~ s{/etc/nginx/genai/betas\.json}{$etc/betas.json}g;
    $text =~ s{/etc/nginx/secrets/(?:openai|azure-token)(?=;)}{$secret}g;
    $text =~ s{/usr/share/nginx-genai/models\.json}{$catalog}g;
    $text =~ s{/etc/nginx/genai/models\.json}{$etc/models.json}g;
    $text =~ s{(genai_books\s+)/[^\s;]+}{$1%%TESTDIR%%/books}g;
    $text =~ s/(\blisten\s[^;]*) http2;/$1 %%LISTEN_H2%%; %%HTTP2_ON%%/g;

    $port{$_} //= '%%PORT_' . $n++ . '%%'
        for $text =~ /\blisten\s+(?:[\d.]+:)?(\d+)/g;
    $text =~ s/(\blisten\s+)(\d+)(?=[\s;])/${1}127.0.0.1:$2/g;
    $text =~ s/\b127\.0\.0\.1:(\d+)/127.0.0.1:@{[ $port{$1} \/\/ $1 ]}/g;

    return $text;
}


sub instance {
    my ($name) = @_;

    return GenAI::Test->new(name => $name, env => \%env,
                            modules => [qw(genai genai_sim)]);
}


my %wrapped = (
    main => sub { $_[0] },
    http => sub { "http {\n$_[0]\n}\n" },
    server => sub { <<"EOC" },
http {
    genai_provider docs { dialect openai; pass http://127.0.0.1:1/v1; }
    genai_model sim-1 { target docs; }
    server {
        listen 127.0.0.1:%%PORT_99%%;
        $_[0]
    }
}
EOC
    provider => sub { "http {\ngenai_provider docs {\n$_[0]\n}\n}\n" },
    model => sub { <<"EOC" },
http {
    genai_provider openai { dialect openai; pass http://127.0.0.1:1/v1; }
    genai_provider local  { dialect openai; pass http://127.0.0.1:1/v1; }
    genai_model docs {
        $_[0]
    }
}
EOC
);

my $checker = instance('nginx -t');

for my $name (@pages) {
    my $n = 0;

    for my $block (blocks($page{$name})) {
        my ($language, $where) = split ' ', $block->[0];

        next unless ($language // '') eq 'nginx';

        my $what = "$name: nginx block " . ++$n;
        my $wrap = $wrapped{$where // 'http'};

        ok($wrap, "$what has a known context") or next;

        my ($rc, $out) = $checker->nginx_t($wrap->(adapt($block->[1])));

        is($rc, 0, $what) or diag($block->[1], $out);
    }
}


sub read_example {
    my ($name, %port) = @_;

    return adapt(slurp("$ROOT/conf-examples/$name.conf"), %port);
}


for my $path (sort glob "$ROOT/conf-examples/*.d/*") {
    my ($rc, $out) = $checker->nginx_t($wrapped{http}->(adapt(slurp($path))));

    is($rc, 0, $path =~ s{.*/conf-examples/}{}r) or diag($out);
}

for my $path (@examples) {
    my ($name) = $path =~ m{([^/]+)\.conf$};
    my $t = instance($name);
    my $conf = adapt(slurp($path));
    my ($rc, $out) = $t->nginx_t($conf);

    is($rc, 0, "$name.conf passes nginx -t") or diag($out);
    is(join("\n", grep { /\[(?:warn|error|emerg)\]/
                            && !/cannot be resolved|genai: no vocabulary in/ }
                split /\n/, $out), '', "$name.conf: without complaints");

    $t->conf($conf)->run;

    # models are the provider's there
    next if $conf =~ /^\s*genai\s+on;/m;

    my $r = $t->get('/v1/models', $conf =~ /listen .* ssl/ ? (tls => {}) : (),
                    headers => [ 'X-Api-Key' => $KEY ]);

    is($r->status, 200, "$name.conf starts and answers");

    my @literal = $conf =~ /^\s*genai_model\s+([^\s"~]+[^\s"*])\s/mg;

    is(join(' ', sort map { $_->{id} } @{$r->json->{data}}),
       join(' ', sort @literal), "$name.conf: models");
}


# ---- what the examples promise

my $CHAT = '/v1/chat/completions';
my @hi = (messages => [ { role => 'user', content => 'hi' } ]);
my $provider = GenAI::Test->sim(tokens => 3,
    -server => 'location /down/ { genai_sim status=503; }');
my $up = '127.0.0.1:' . $provider->port;

{
    my $conf = read_example('failover');

    $conf =~ s{https://api\.openai\.com/v1}{http://$up/down};
    $conf =~ s{https://api\.mistral\.ai/v1}{http://$up/v1};

    my $t = instance('failover, asked')->conf($conf)->run;
    my $r = $t->post($CHAT, { model => 'assistant', @hi });

    is($r->status, 200, 'failover.conf: answered');
    is($r->header('x-genai-target'), 'mistral', 'failover.conf: by the second');
    is($r->json->{model}, 'mistral-small-latest', 'failover.conf: its model');
    ok($t->wait_access(qr/model=assistant target=mistral attempts=2 error= /,
                       5, 'genai.log'), 'failover.conf: the log');
}

{
    my $t = instance('vllm, asked')->conf(read_example('vllm',
        8000 => $provider->port, 8001 => $provider->port))->run;
    my $r = $t->post($CHAT, { model => 'llama-3', @hi });

    is($r->status, 200, 'vllm.conf: answered');
    is($r->json->{model}, 'meta-llama/Llama-3.1-8B-Instruct',
       'vllm.conf: its model');
    is($t->post($CHAT, { model => 'qwen3-32b', @hi })
           ->json->{model}, 'qwen3-32b', 'vllm.conf: by regex');
    is($t->post($CHAT, { model => 'qwen3', @hi })->status,
       404, 'vllm.conf: no model');
}

{
    my $t = instance('inline, asked')->conf(read_example('inline',
        8000 => $provider->port))->run;
    my $r = $t->post($CHAT, { model => 'sim-1', @hi });
    my ($in, $out) = @{$r->json->{usage}}{qw(prompt_tokens completion_tokens)};

    is($r->status, 200, 'inline.conf: answered');
    ok($t->wait_access(qr/ 200 model=sim-1 prompt=$in completion=$out source=/,
                       5, 'genai.log'), 'inline.conf: the log');
}

{
    my $t = instance('quickstart, asked')->conf(read_example('quickstart'))
        ->run;

    my %stream = (model => 'sim-1', stream => JSON::PP::true(), @hi);
    my $c = $t->stream($CHAT, { %stream });
    my @events;

    while (my $e = $c->next_event) { push @events, $e }

    is($c->ended, 'complete', 'quickstart.conf: a stream');
    is($events[-1]{data}, '[DONE]', 'quickstart.conf: its end');
    ok($events[-2]{t} - $events[0]{t} > 0.5, 'quickstart.conf: is paced');
    $c->close;

    my $r = $t->post($CHAT, { model => 'sim-failover', @hi });

    is($r->header('x-genai-target'), 'sim', 'quickstart.conf: failover');

    # the log is JSON whatever the exchange came to
    my @outcomes = (
        [ 404, sub { $t->post($CHAT, { model => "a\"\\ \x{df}" }) } ],
        [ 400, sub { $t->post($CHAT, { model => "a\x01" }) } ],
        [ 400, sub { $t->post($CHAT, '{"model":') } ],
        [ 405, sub { $t->get($CHAT) } ],
        [ 404, sub { $t->get('/nowhere') } ],
        [ 413, sub { $t->raw("POST $CHAT HTTP/1.1\r\nHost: a\r\n"
                             . "Content-Length: 99999999999\r\n\r\n") } ],
        [ 400, sub { $t->raw("GET\r\n\r\n") } ],
        [ 400, sub { $t->raw("\x16\x03\x01\r\n\r\n") } ],
    );

    for my $o (@outcomes) {
        my $status = $o->[1]->()->status;

        is($status, $o->[0], "quickstart.conf: $o->[0]");
    }

    my $gone = $t->stream($CHAT, { %stream });

    $gone->next_event;
    $gone->close;

    my $want = 2 + @outcomes + 1;

    ok($t->wait_access(qr/(?:.*\n){$want}/, 5, 'genai.log'),
       'quickstart.conf: the log');

    my $bad = '';

    for my $line (split /\n/, $t->access_log('genai.log')) {
        my $o = eval { JSON::PP->new->utf8->decode($line) };
        my @wrong = $o ? grep { !looks_like_number($o->{$_}) }
            qw(stream attempts ttft overhead request_time bytes_sent) : 'all';

        $bad .= "@wrong: $line\n" if @wrong;
    }

    is($bad, '', 'quickstart.conf: every line of the log is JSON');
    like($t->access_log('genai.log'), qr/"error":"caller_gone"/,
         'quickstart.conf: a client that went');
}


done_testing;
