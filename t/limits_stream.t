# SPDX-License-Identifier: Apache-2.0

# Streams take of their limits as they go: what they hold is not much more than
# what they have said, and where a limit gives no more they end as if they had
# been told to be no longer.  What may be billed and failed is held before
# another attempt is made.

use strict;
use warnings;

use lib 't/lib';

use Cwd qw(getcwd);
use File::Temp ();
use JSON::PP ();

use GenAI::Prometheus;
use GenAI::Test;
use GenAI::Upstream;

my $data = getcwd() . '/build/data';

plan(skip_all => "no vocabularies in $data: run \"make data\" first")
    unless -e "$data/o200k_base.vocab";

my $SLICE = 512;                # tokens that a stream takes at a time
my $json = JSON::PP->new->canonical->utf8;

my $dir = File::Temp->newdir;

# every " the" is one token

symlink "$data/o200k_base.vocab", "$dir/o200k_base.vocab";
spew("$dir/models.json", $json->encode({ schema => 1, models => {
    'm*' => { framing => 'openai', tokenizer => 'o200k_base', output => 4096,
              context => 100000, price => { input => 0, output => 1000 } },
    'h*' => { framing => 'claude', tokenizer => 'o200k_base', output => 4096,
              context => 100000 },
} }));

my %limits = (
    'm-cut'    => [ '1000 completion_tokens/never' ],
    'm-two'    => [ '1300 completion_tokens/never' ],
    'm-choice' => [ '600 completion_tokens/never' ],
    'm-wide'   => [ '600 completion_tokens/never' ],
    'm-usage'  => [ '600 completion_tokens/never' ],
    'm-text'   => [ '600 completion_tokens/never' ],
    'm-inline' => [ '600 completion_tokens/never' ],
    'm-buffer' => [ '600 completion_tokens/never' ],
    'm-huge'   => [ '600 completion_tokens/never' ],
    'm-run'    => [ '600 completion_tokens/never' ],
    'm-slow'   => [ '1M completion_tokens/never' ],
    'm-call'   => [ '600 completion_tokens/never' ],
    'm-cost'   => [ '$0.6/never' ],
    'm-all'    => [ '900 completion_tokens/never', '40 requests/never',
                    '100k tokens/never', '9 concurrent' ],
    'm-cap'    => [ '10k completion_tokens/never' ],
    'm-clip'   => [ { limit => '300 completion_tokens/never',
                      on_short => 'clip' } ],
    'm-watch'  => [ { limit => '300 completion_tokens/never',
                      shadow => JSON::PP::true } ],
    'm-tell'   => [ '5k tokens/never' ],
    'm-again'  => [ '90 prompt_tokens/never' ],
    'm-more'   => [ '200 prompt_tokens/never' ],
    'h-whole'  => [ '5000 completion_tokens/never' ],
);

spew("$dir/policy.json", $json->encode({ schema => 1, models => {
    map { $_ => { limits => $limits{$_} } } keys %limits } }));

my $SSE = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
    . "Transfer-Encoding: chunked\r\n\r\n";

sub event {
    my ($delta, %o) = @_;

    # who it is stands first, as with all providers

    return 'data: {"id":"chat-7","model":"their-name","choices":'
        . $json->encode([ { index => $o{index} // 0,
              ($o{text} ? (text => $delta) : (delta => $delta)),
              finish_reason => $o{finish} } ]) . "}\n\n";
}

# letters that are no word: nobody knows their tokens before they end

sub run_of {
    my ($n) = @_;
    my $x = 12345;

    return map { $x = ($x * 1103515245 + 12345) % 2147483648;
                 substr 'bcdfghjklmnpqrstvwxz', ($x >> 8) % 20, 1 } 1 .. $n;
}

sub the { return map { event({ content => ' the' }, @_[1 .. $#_]) } 1 .. $_[0] }

my $STOP = event({}, finish => 'stop');
my $DONE = "data: [DONE]\n\n";
my $USAGE = 'data: {"id":"chat-7","choices":[],"usage":{"prompt_tokens":7,'
    . '"completion_tokens":%d,"total_tokens":9}}' . "\n\n";

my %do = (
    forever => [ [ chunk => the(3000) ], 'wait_close' ],
    short => [ [ chunk => the(20), $STOP, $DONE ], 'chunk_end' ],
    tells => [ [ chunk => the(700), $STOP, sprintf($USAGE, 3), $DONE ],
               'chunk_end' ],
    run => [ [ chunk => map { event({ content => $_ }) }
                        join('', run_of(8000)) =~ /..../g ], 'wait_close' ],
    half => [ [ chunk => the(100) ], [ mark => 'half' ], [ wait => 'go' ],
              [ chunk => the(900), $STOP, $DONE ], 'chunk_end' ],
    choices => [ [ chunk => the(50), the(50, index => 1), $STOP,
                   the(900, index => 1) ], 'wait_close' ],
    text => [ [ chunk => map { event(' the', text => 1) } 1 .. 900 ],
              'wait_close' ],
    huge => [ [ chunk => the(100), event({ content => ' the' x 100000 }) ],
              'wait_close' ],
    many => [ map({ [ chunk => event({ content => ' the' x 1000 }) ],
                    $_ == 50 ? [ mark => 'many' ] : () } 1 .. 3000),
              'wait_close' ],
    call => [ [ chunk => event({ tool_calls => [ { index => 0, id => 'c',
                type => 'function', function => { name => 'f',
                arguments => '' } } ] }),
              map { event({ tool_calls => [ { index => 0,
                function => { arguments => ' the' } } ] }) } 1 .. 900 ],
              'wait_close' ],
    # told to be no longer than 30, and with an end of its own
    obeys => [ [ chunk => the(30), event({}, finish => 'length'), $DONE ],
               'chunk_end' ],
    json => [ 'json' ],
);

my $up = GenAI::Upstream->new(lossy => 1, route => sub {
    my ($r) = @_;

    my $do = JSON::PP::decode_json($r->{body})->{user};

    return [ 'wait_close' ] if $do eq 'silent' && $r->{uri} =~ m{^/a/};
    return [ [ send => $SSE ], @{$do{short}} ] if $do eq 'silent';
    return [ [ json => 200, { id => 'x', choices => [ { index => 0,
        message => { role => 'assistant', content => ' the' x 700 },
        finish_reason => 'stop' } ] } ] ] if $do eq 'json';
    return [ [ send => $SSE ], @{$do{$do}} ];
});

my $t = GenAI::Test->new->conf(<<'EOF', DIR => "$dir", UP => $up->port)->run;
http {
    log_format l '$genai_finish [$genai_error] $genai_completion_tokens '
                 '$genai_count_source $status $genai_attempts '
                 '$genai_prompt_tokens';
    access_log %%TESTDIR%%/l.log l;

    genai_books books;
    genai_policy %%DIR%%/policy.json;
    genai_catalog %%DIR%%/models.json;
    genai_provider p { dialect openai; pass http://127.0.0.1:%%UP%%/v1; }
    genai_provider a { dialect openai; pass http://127.0.0.1:%%UP%%/a; }
    genai_model m-again { target a; target p; first_token_timeout 200ms; }
    genai_model m-more  { target a; target p; first_token_timeout 200ms; }
    genai_model m-* { target p; }
    genai_model h-* { target p; }

    server {
        listen 127.0.0.1:%%PORT_0%%;
        genai_auth off;
        location /v1/ { genai_pass; }
        location = /metrics { genai_metrics; access_log off; }
        location /in/ {
            genai on;
            proxy_http_version 1.1;
            proxy_buffering off;
            proxy_pass http://127.0.0.1:%%UP%%;
        }
        location /buf/ {
            genai on;
            proxy_http_version 1.1;
            proxy_buffering on;
            proxy_pass http://127.0.0.1:%%UP%%;
        }
    }
}
EOF

my $lines = 0;

sub logged {
    my @lines;

    wait_for(sub {
        @lines = split /\n/, $t->read_file('l.log');
        return @lines > $lines;
    });

    return $lines[$lines++] // 'nothing is logged';
}

sub send_request {
    my ($c, $model, $do, %o) = @_;

    my $path = delete $o{path} // '/v1';
    my $what = delete $o{endpoint} // 'chat/completions';

    $c->request('POST', "$path/$what", body => $json->encode({
        model => $model, user => $do, stream => JSON::PP::true,
        $what eq 'completions' ? (prompt => 'hi')
            : (messages => [ { role => 'user', content => 'hi' } ]), %o }));

    return $c;
}

sub ask { return send_request($t->connect, @_)->response }

sub said {
    my ($r, %o) = @_;

    my $n = 0;

    for my $e ($r->events) {
        next if $e->{data} eq '[DONE]';
        my $d = JSON::PP::decode_json($e->{data});

        for my $c (@{$d->{choices}}) {
            next if defined $o{index} && $c->{index} != $o{index};
            my $s = $c->{text} // $c->{delta}{content}
                // $c->{delta}{tool_calls}[0]{function}{arguments} // '';
            $n += () = $s =~ / the/g;
        }
    }

    return $n;
}

sub ends {
    my ($r) = @_;

    my @data = map { $_->{data} } $r->events;

    return [ $data[-1], map { JSON::PP::decode_json($_) }
             grep { $_ ne '[DONE]' && ($_ =~ /"finish_reason":"/
                                       || $_ =~ /"choices":\[\]/) } @data ];
}

# a stream that is ended, and how it looks to everybody

sub cut {
    my ($name, $model, $do, $amount, %o) = @_;

    my $closed = () = $up->events('closed');
    my $least = delete $o{least} // $amount - 20;
    my $r = ask($model, $do, %o);

    is($r->status, 200, "$name: it begins");
    ok($r->complete, "$name: it is whole") or diag($r->error);

    my $said = said($r);

    cmp_ok($said, '<=', $amount, "$name: no more than the limit");
    cmp_ok($said, '>=', $least, "$name: and not much less");

    my $end = ends($r);

    is($end->[0], '[DONE]', "$name: a last word");
    is($end->[1]{choices}[0]{finish_reason}, 'length', "$name: length");
    is($end->[1]{id}, 'chat-7', "$name: of the same answer");
    is($end->[1]{model}, 'their-name', "$name: of the same model");

    my $line = logged();

    like($line, qr/^limit \[\] \d+ \w+ 200/, "$name: is logged as such");
    $line =~ /\] (\d+)/;
    cmp_ok($1, '<=', $amount, "$name: what is settled is within it");
    cmp_ok($1, '>=', $said, "$name: all that was received");

    ok(wait_for(sub { (() = $up->events('closed')) > $closed }),
       "$name: its provider is let go");

    return $r;
}

sub left {
    my ($model) = @_;

    my $r = ask($model, 'obeys', max_tokens => 1, stream => JSON::PP::false);

    logged();

    return $r->header('x-ratelimit-remaining-tokens');
}

# ---- the end of a budget

my $r = cut('cut', 'm-cut', 'forever', 1000);

is(JSON::PP::decode_json($up->request(-1)->{body})->{max_tokens}, 4096,
   'the provider was told the most that it could be');
is(scalar(grep { $_->{data} =~ /"usage"/ } $r->events), 0,
   'no usage, as nobody asked');

$r = ask('m-cut', 'short');
is($r->status, 429, 'what is left is less than a slice');
logged();
unlike($t->error_log, qr/more than its limits had left/, 'nothing was over');

cut('a call', 'm-call', 'call', 600, least => 500);
cut('cost', 'm-cost', 'forever', 600);
cut('inline', 'm-inline', 'forever', 600, path => '/in');
cut('inline, buffered', 'm-buffer', 'forever', 600, path => '/buf');
cut('completions', 'm-text', 'text', 600, endpoint => 'completions');
cut('the first of many limits', 'm-all', 'forever', 900);

my $metrics = GenAI::Prometheus->new($t->get('/metrics')->body);

is($metrics->sum('genai_limit_cut_total', owner => 'model'), 7,
   'all of them are counted');
is($metrics->value('genai_limit_cut_total', owner => 'model',
                   unit => 'cost'), 1, 'by what has ended them');

$r = cut('usage', 'm-usage', 'forever', 600,
         stream_options => { include_usage => JSON::PP::true });
my $usage = ends($r)->[2]{usage};
is($usage->{prompt_tokens} + $usage->{completion_tokens},
   $usage->{total_tokens}, 'usage: is told to who asks');
cmp_ok($usage->{completion_tokens}, '<=', 600, 'usage: as it is settled');

# ---- a word without an end: what is open is counted where it matters

$r = ask('m-run', 'run');
is(ends($r)->[1]{choices}[0]{finish_reason}, 'length', 'run: is ended');
my ($ran) = logged() =~ /^limit \[\] (\d+)/;
cmp_ok($ran, '<=', 600, 'run: what is settled is within the limit');
cmp_ok($ran, '>=', 580, 'run: and not much less');
unlike($t->error_log, qr/more than its limits had left/,
       'run: nothing was over');

# ---- two at once: each holds a slice and not all that it may say

my $one = send_request($t->connect, 'm-two', 'half');
$up->wait_mark('half');
my $two = ask('m-two', 'short');
is($two->status, 200, 'two: another one finds room');
is(said($two), 20, 'two: and says what it has to');
my $line = logged();
like($line, qr/^stop/, 'two: to its end');
my ($hi) = $line =~ /(\d+)$/;
$two = ask('m-two', 'short', stream => JSON::PP::false);
is($two->status, 429, 'two: a JSON answer wants all that it may be');
logged();
$up->signal('go');
$r = $one->response;
is(ends($r)->[0], '[DONE]', 'two: the first one goes on');
cmp_ok(said($r), '>', 1000 - 1, 'two: over slices');
like(logged(), qr/^stop/, 'two: to its end as well');

# ---- which choices

$r = ask('m-choice', 'choices', n => 2);
my @ends = @{ends($r)};
is($ends[0], '[DONE]', 'choices: a last word');
is("@{[ map { $_->{choices}[0]{index} . $_->{choices}[0]{finish_reason} }
        @ends[1 .. $#ends] ]}", '0stop 1length',
   'choices: each ends once');
cmp_ok(said($r), '<=', 600, 'choices: all of them count');
cmp_ok(said($r), '>=', 580, 'choices: to the end');
logged();

$r = ask('m-wide', 'choices', n => 200);
@ends = @{ends($r)};
is(scalar(grep { $_->{choices}[0]{finish_reason} eq 'length' }
          @ends[1 .. $#ends]), 199, 'choices: each of many ends');
logged();

# ---- an event that is larger than all buffers: it breaks off

my $c = send_request($t->connect, 'm-huge', 'huge');
$r = $c->response;
ok(!$r->complete || ends($r)->[1]{choices}[0]{finish_reason} eq 'length',
   'huge: it is seen that something is missing');
cmp_ok(() = $r->body =~ / the/g, '<', 40000, 'huge: and much of it is');
like(logged(), qr/^limit/, 'huge: is logged as such');

# ---- a client that does not read

$c = send_request($t->connect, 'm-slow', 'many');
$up->wait_mark('many');
$r = $c->response;
ok($r->complete, 'slow: gets the end when it reads');
is(ends($r)->[1]{choices}[0]{finish_reason}, 'length', 'slow: length');
cmp_ok(said($r), '<=', 1000000, 'slow: no more');
cmp_ok(said($r), '>=', 998000, 'slow: an event is a thousand tokens');
like(logged(), qr/^limit/, 'slow: is logged as such');

# ---- ends of its own

$r = ask('m-cap', 'obeys', max_tokens => 30);
is(said($r), 30, 'the client\'s own end: all of it');
is(scalar(@{ends($r)}), 2, 'and one end');
like(logged(), qr/^length/, 'which is the provider\'s');

is(ask('m-tell', 'tells')->status, 200, 'a provider that tells less');
like(logged(), qr/^stop \[\] 3 provider/, 'is believed');

is(left('m-tell'), 5000 - 10 - 1 - $hi, 'and what was held is free again');

is(said(ask('m-watch', 'tells')), 700, 'a limit that is watched ends nothing');
logged();

$r = ask('m-clip', 'short');
is($r->header('x-genai-output-cap'), 300, 'clip: less than a slice is left');
is(said($r), 20, 'clip: the provider is told');
logged();

# ---- who thinks what he does not show holds all that he may say

$one = send_request($t->connect, 'h-whole', 'half');
$up->wait_mark('half');
is(ask('h-whole', 'short')->status, 429, 'whole: all of it is held');
logged();
$up->signal('go');
$one->close;
logged();

# ---- attempts that failed

$r = ask('m-more', 'silent', messages => [ { role => 'user',
    content => ' the' x 50 } ]);
is($r->status, 200, 'again: the next target answers');
$line = logged();
like($line, qr/^stop .* 200 2 \d+$/, 'again: at the second attempt');
my ($prompt) = $line =~ /(\d+)$/;
is(left('m-more'), 200 - 2 * $prompt - $hi, 'again: both prompts are used');

$r = ask('m-again', 'silent', messages => [ { role => 'user',
    content => ' the' x 50 } ]);
is($r->status, 504, 'again: no room for a second prompt');
like(logged(), qr/^timeout \[provider_timeout\] .* 504 1 \d+$/,
     'again: one attempt');
like($t->error_log, qr/may be billed, and the limit "90 prompt_tokens\/never"/,
     'again: and why');

# ---- a JSON answer to who asked for a stream

is(ask('m-cap', 'json')->status, 200, 'a JSON answer has no end of ours');
logged();
is(left('m-cap'), 10000 - 30 - 700 - 1, 'and is settled');

done_testing;
