# SPDX-License-Identifier: Apache-2.0

# The group: which failure of a target or a peer is followed by another
# attempt, what that one is sent, how often that happens, and what the client
# and the log see of it.

use strict;
use warnings;

use lib 't/lib';

use JSON::PP ();

use GenAI::Test;
use GenAI::Upstream;
use GenAI::Util qw(allot_port);

my $SSE = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
    . "Transfer-Encoding: chunked\r\n\r\n";

# what is taken for an answer while another target is left
my $OK = { ok => 1, choices => [ { message => { content => 'ok' } } ] };
my $WORD = 'data: {"choices":[{"delta":{"content":"w"}}]}' . "\n\n";

# No connection is kept here: what becomes of kept ones stands below.

my %script = (
    ok => [ [ json => 200, $OK ] ],
    429 => [ [ json => 429, { who => 429 }, 'Retry-After' => 9,
               'x-ratelimit-limit-requests' => 9 ] ],
    '429 sse' => [ [ send => $SSE =~ s/200 OK/429 Slow/r ],
                   [ chunk => "data: 1\n\n" ], 'chunk_end' ],
    '429 html' => [ [ answer => 429, '<html>', 'Content-Type', 'text/html' ] ],
    map({ $_ => [ [ json => $_, { who => $_ } ] ] }
        400, 401, 403, 404, 408, 413, 422, 500, 502, 503, 504, 529),
    '500 html' => [ [ answer => 500, '<html>', 'Content-Type', 'text/html' ] ],
    '404 html' => [ [ answer => 404, '<html>', 'Content-Type', 'text/html' ] ],
    html => [ [ answer => 200, '<html>', 'Content-Type', 'text/html' ] ],
    'no type' => [ [ answer => 200, 'ok' ] ],
    'interim, no type' => [ [ send => "HTTP/1.1 103 E\r\nContent-Type: "
                              . "application/json\r\n\r\nHTTP/1.1 200 OK\r\n"
                              . "Content-Length: 2\r\n\r\nok" ] ],
    redirect => [ [ answer => 302, '', 'Location' => '/' ] ],
    close => [ 'close' ],
    reset => [ 'reset' ],
    half => [ [ send => "HTTP/1.1 200 OK\r\nContent-Type: app" ], 'close' ],
    garbage => [ [ send => "garbage\r\n\r\n" ], 'close' ],
    lengths => [ [ send => "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"
                   . "Transfer-Encoding: chunked\r\n\r\n" ], 'close' ],
    huge => [ [ send => "HTTP/1.1 200 OK\r\nX: " . 'x' x 20000 . "\r\n\r\n" ],
              'close' ],
    silent => [ 'wait_close' ],
    'silent, says so' => [ [ mark => 'asked' ], 'wait_close' ],
    die => [ [ send => $SSE ], [ chunk => $WORD ], 'close' ],
    slow => [ [ delay => 0.1 ], [ json => 200, $OK ] ],
);

for (map { @$_ } values %script) {
    push @$_, 'Connection' => 'close' if ref && $_->[0] =~ /^(?:json|answer)$/;
}

# Three servers; what each is to do stands in the body, as "a": "429".

my %up = map {
    my $name = $_;

    $name => GenAI::Upstream->new(name => $name, lossy => 1, route => sub {
        my ($r) = @_;
        my $do = JSON::PP::decode_json($r->{body})->{$name} // 'ok';

        return $script{$do} || die "$name: what is $do?";
    });
} qw(a b c);

# one that goes away in the middle of a request, one that answers before it
# has read the request

my $deaf = GenAI::Upstream->new(name => 'deaf', requests => [ [
    'noread', [ read => 2000 ], 'reset' ] ]);
my $early = GenAI::Upstream->new(name => 'early', requests => [ [
    'noread', [ head => ], [ read => 10 ],
    [ json => 429, { who => 'early' } ], 'wait_close' ] ]);

# The first connection answers, takes the second request, and goes; so does
# each that has answered.

sub stale {
    my ($name, $end, $times) = @_;

    return GenAI::Upstream->new(name => $name, connections => [
        ([ [ $times > 1 ? [ wait => 'both' ] : (),
             [ json => 200, { ok => 1 } ] ],
           [ $end ] ]) x $times,
        [ [ [ json => 200, { ok => 2 } ] ] ] ]);
}

my %stale = map { $_ => stale("stale $_", /reset/ ? 'reset' : 'close',
                              /two/ ? 2 : 1) }
    qw(own own_reset own_file own_off own_two up up_reset up_file up_off
       up_two);

my $SCALE = $GenAI::Test::SCALE;
my $dead = allot_port();
my $dead2 = allot_port();

my $t = GenAI::Test->new(log_level => 'info');

$t->write_file("key_$_", "credential-of-$_") for qw(a b c);

my $stale = join '', map {
    my $host = /^own/ ? '127.0.0.1:' . $stale{$_}->port : "stale-$_.test";

    (/^up/ ? "upstream stale_$_ { server 127.0.0.1:" . $stale{$_}->port
     . "; keepalive 4; }\n" : '')
    . "genai_provider stale_$_ { dialect openai; pass http://$host/v1; "
    . (/^up/ ? "upstream stale_$_; " : '') . "}\n"
    . "genai_model stale_$_ { target stale_$_; "
    . (/off/ ? 'next_target off; ' : '') . "next_target_tries 1; }\n"
} sort keys %stale;

$t->conf(<<"EOF", map({ uc $_ => $up{$_}->port } keys %up),
http {
    client_max_body_size 100m;
    client_body_buffer_size 8m;
    resolver 127.0.0.1:%%PORT_9%%;
    resolver_timeout 1s;

    log_format l '\$status \$genai_target \$genai_provider \$genai_attempts '
                 '"\$genai_error" "\$upstream_status" "\$upstream_addr"';
    access_log %%TESTDIR%%/l.log l;

    upstream one_dead  { server 127.0.0.1:%%DEAD%%; server 127.0.0.1:%%B%%; }
    upstream two_dead  { server 127.0.0.1:%%DEAD%%;
                         server 127.0.0.1:%%DEAD2%%; }
    upstream all_down  { server 127.0.0.1:%%A%% down; }
    upstream with_spare { server 127.0.0.1:%%A%% max_fails=1 fail_timeout=60s;
                          server 127.0.0.1:%%B%% backup; keepalive 4; }
    upstream with_spare2 { server 127.0.0.1:%%A%% max_fails=1 fail_timeout=60s;
                          server 127.0.0.1:%%B%% backup; keepalive 4; }
    upstream least     { least_conn; server 127.0.0.1:%%DEAD%%;
                         server 127.0.0.1:%%B%%; }
    upstream three     { server 127.0.0.1:%%A%%; server 127.0.0.1:%%B%%;
                         server 127.0.0.1:%%C%%; }
    upstream three1    { server 127.0.0.1:%%A%%; server 127.0.0.1:%%B%%;
                         server 127.0.0.1:%%C%%; }
    upstream zoned     { zone z 64k; server 127.0.0.1:%%DEAD%%;
                         server 127.0.0.1:%%B%%; keepalive 2; }

    genai_provider a { dialect openai; pass http://127.0.0.1:%%A%%/a/v1;
                       credential file:key_a; header X-Who a;
                       header OpenAI-Organization org-a;
                       idle_timeout %%IDLE%%ms; }
    genai_provider b { dialect openai; pass http://127.0.0.1:%%B%%/b/v1;
                       credential file:key_b; header X-Who b;
                       idle_timeout %%IDLE%%ms; }
    genai_provider big { dialect openai; pass http://127.0.0.1:%%A%%; }
    genai_provider big2 { dialect openai; pass http://127.0.0.1:%%B%%; }
    genai_provider c { dialect openai; pass http://127.0.0.1:%%C%%;
                       header X-Tag; }
    genai_provider dead    { dialect openai; pass http://127.0.0.1:%%DEAD%%; }
    genai_provider dead2   { dialect openai; pass http://127.0.0.1:%%DEAD2%%; }
    genai_provider deaf    { dialect openai; pass http://127.0.0.1:%%DEAF%%; }
    genai_provider early   { dialect openai; pass http://127.0.0.1:%%EARLY%%; }
    genai_provider nowhere { dialect openai; pass http://no.such.test; }

    genai_provider one_dead { dialect openai; pass http://u1;
        upstream one_dead; }
    genai_provider two_dead { dialect openai; pass http://u2;
        upstream two_dead; }
    genai_provider all_down { dialect openai; pass http://u3;
        upstream all_down; }
    genai_provider spare    { dialect openai; pass http://u4;
        upstream with_spare; }
    genai_provider spare2   { dialect openai; pass http://u5;
        upstream with_spare2; }
    genai_provider least    { dialect openai; pass http://u6;
        upstream least; }
    genai_provider three    { dialect openai; pass http://u7;
        upstream three; }
    genai_provider three1   { dialect openai; pass http://u9;
        upstream three1; }
    genai_provider zoned    { dialect openai; pass http://u8;
        upstream zoned; }

    genai_model ab   { target a model=model-a; target b model=model-b; }
    genai_model abc  { target a; target b; target c; }
    genai_model ba   { target a priority=2; target b priority=1; }
    genai_model pri  { target c priority=200; target a priority=100; target b; }
    genai_model off  { target a; target b; next_target off; }
    genai_model e    { target a; target b; next_target error; }
    genai_model t    { target a; target b; next_target timeout; }
    genai_model h429 { target a; target b; next_target http_429; }
    genai_model h5xx { target a; target b; next_target http_5xx; }
    genai_model et   { target a; target b; next_target error timeout; }
    genai_model two  { target a; target b; target c; next_target_tries 2; }
    genai_model one  { target a; target b; next_target_tries 1; }
    genai_model all  { target a; target b; target a; target b; target c;
                       next_target_tries 0; }
    genai_model time { target a; target b; target c;
                       next_target_timeout %%TIME%%ms; }
    genai_model brief { target a; target b; next_target_timeout %%BRIEF%%ms; }
    genai_model dead  { target dead; target b; }
    genai_model deads { target dead; target dead2; }
    genai_model dead_tries { target dead; target dead2; target b;
                             next_target_tries 2; }
    genai_model nowhere { target nowhere; target b; }
    genai_model only_nowhere { target nowhere; }
    genai_model last_nowhere { target a; target nowhere; target b; }
    genai_model down  { target a down; target b; }
    genai_model downs { target a down; target b down; }
    genai_model big   { target big; target big2 model=model-b; }
    genai_model deaf  { target deaf; target big2 model=model-b; }
    genai_model early { target early; target big2 model=model-b; }
    genai_model last_early { target early; }
    genai_model one_dead { target one_dead; }
    genai_model two_dead { target two_dead; target b; }
    genai_model only_two_dead { target two_dead; }
    genai_model all_down { target all_down; target b; }
    genai_model only_all_down { target all_down; }
    genai_model spare    { target spare; }
    genai_model spare2   { target spare2; }
    genai_model least    { target least; }
    genai_model three    { target three; target c; }
    genai_model three1   { target three1; target c; next_target_tries 1; }
    genai_model zoned    { target zoned; }
    $stale
    server {
        listen 127.0.0.1:%%PORT_0%%;
        genai_auth off;
        location /v1/   { genai_pass; }
        location /file/ { genai_pass; client_body_buffer_size 1k; }
    }
}
EOF
         IDLE => 400 * $SCALE, TIME => 600 * $SCALE, BRIEF => 200 * $SCALE,
         DEAD => $dead, DEAD2 => $dead2, DEAF => $deaf->port,
         EARLY => $early->port)->run;

my ($lines, %seen) = (0);

# The requests that came since the last call; to read all records again each
# time would take most of this file's time.

sub fresh {
    my ($name) = @_;

    my $log = eval { slurp("$up{$name}{dir}/log") } // '';
    my $from = $seen{$name} || 0;

    $seen{$name} = length $log;

    return map { JSON::PP->new->latin1->decode($_) }
        grep { /"type":"request"/ } split /\n/, substr $log, $from;
}

# Asks, and returns the answer in one line, the log's line, and what a, b and
# c were asked, in that order.

sub ask {
    my ($model, $do, %o) = @_;

    my $r = $t->post(($o{path} || '/v1') . '/chat/completions',
                     { model => $model, %$do }, %o);
    my $line;

    wait_for(sub {
        defined($line = ($t->access_log('l.log') =~ /^(.*)\n/mg)[$lines]);
    });
    $lines++;

    my @asked;

    for my $name (qw(a b c)) {
        push @asked, map { { %$_, who => $name } } fresh($name);
    }

    return ($r, $line // '', sort { $a->{t} <=> $b->{t} } @asked);
}

sub ports { return join ', ', map { '127.0.0.1:' . $_->port } @up{@_} }

sub says {
    my ($r) = @_;

    my $e = $r->json // {};

    return join ' ', $r->status, $r->header('x-genai-error') // '-',
        $e->{ok} ? 'ok' : $e->{who} // $e->{error}{code} // '?';
}

# what happens: [ model, what they do, what the client gets, who was asked,
# log: target, attempts, $upstream_status ]

for (
    # the default: all four reasons
    [ 'ab', {}, '200 - ok', 'a', 'a 1', '200' ],
    [ 'ab', { a => 429 }, '200 - ok', 'ab', 'b 2', '429, 200' ],
    [ 'ab', { a => 500 }, '200 - ok', 'ab', 'b 2', '500, 200' ],
    [ 'ab', { a => 503 }, '200 - ok', 'ab', 'b 2', '503, 200' ],
    [ 'ab', { a => 529 }, '200 - ok', 'ab', 'b 2', '529, 200' ],
    [ 'ab', { a => '500 html' }, '200 - ok', 'ab', 'b 2', '500, 200' ],
    [ 'ab', { a => '429 html' }, '200 - ok', 'ab', 'b 2', '429, 200' ],
    [ 'ab', { a => '429 sse' }, '200 - ok', 'ab', 'b 2', '429, 200' ],
    [ 'ab', { a => 'close' }, '200 - ok', 'ab', 'b 2', '502, 200' ],
    [ 'ab', { a => 'reset' }, '200 - ok', 'ab', 'b 2', '502, 200' ],
    [ 'ab', { a => 'half' }, '200 - ok', 'ab', 'b 2', '502, 200' ],
    [ 'ab', { a => 'garbage' }, '200 - ok', 'ab', 'b 2', '502, 200' ],
    [ 'ab', { a => 'lengths' }, '200 - ok', 'ab', 'b 2', '502, 200' ],
    [ 'ab', { a => 'huge' }, '200 - ok', 'ab', 'b 2', '502, 200' ],
    [ 'ab', { a => 'html' }, '200 - ok', 'ab', 'b 2', '200, 200' ],
    [ 'ab', { a => 'redirect' }, '200 - ok', 'ab', 'b 2', '302, 200' ],
    [ 'ab', { a => 'silent' }, '200 - ok', 'ab', 'b 2', '504, 200' ],
    [ 'abc', { a => 429, b => 'close' }, '200 - ok', 'abc', 'c 3',
      '429, 502, 200' ],

    # what another provider would say as well, and what concerns our key
    (map { [ 'ab', { a => $_ }, "$_ caller_bad_request $_", 'a', 'a 1', $_ ] }
         400, 404, 422),
    [ 'ab', { a => 413 }, '413 caller_too_large 413', 'a', 'a 1', '413' ],
    [ 'ab', { a => 408 }, '408 provider_timeout 408', 'a', 'a 1', '408' ],
    (map { [ 'ab', { a => $_ }, '502 provider_refused provider_refused', 'a',
             'a 1', $_ ] } 401, 403),
    [ 'ab', { a => '404 html' }, '404 caller_bad_request caller_bad_request',
      'a', 'a 1', '404' ],

    # the last error is the one that counts
    [ 'ab', { a => 500, b => 429 }, '429 provider_rate_limited 429', 'ab',
      'b 2', '500, 429' ],
    [ 'ab', { a => 429, b => 500 }, '500 provider_bad_answer 500', 'ab',
      'b 2', '429, 500' ],
    [ 'ab', { a => 429, b => 400 }, '400 caller_bad_request 400', 'ab',
      'b 2', '429, 400' ],
    [ 'ab', { a => 429, b => 401 }, '502 provider_refused provider_refused',
      'ab', 'b 2', '429, 401' ],
    [ 'ab', { a => 429, b => 'close' },
      '502 provider_bad_answer provider_bad_answer', 'ab', 'b 2', '429, 502' ],
    [ 'ab', { a => 'close', b => 'silent' },
      '504 provider_timeout provider_timeout', 'ab', 'b 2', '502, 504' ],
    [ 'ab', { a => 'silent', b => 'html' },
      '502 provider_bad_answer provider_bad_answer', 'ab', 'b 2',
      '504, 200' ],
    [ 'ab', { a => 429, b => 'no type' },
      '502 provider_bad_answer provider_bad_answer', 'ab', 'b 2',
      '429, 200' ],
    [ 'ab', { a => 'interim, no type', b => 404 },
      '404 caller_bad_request 404', 'ab', 'b 2', '200, 404' ],

    # priorities
    [ 'ba', {}, '200 - ok', 'b', 'b 1', '200' ],
    [ 'ba', { b => 429 }, '200 - ok', 'ba', 'a 2', '429, 200' ],
    [ 'pri', { b => 500, a => 500 }, '200 - ok', 'bac', 'c 3',
      '500, 500, 200' ],

    # next_target
    [ 'off', { a => 429 }, '429 provider_rate_limited 429', 'a', 'a 1', '429' ],
    [ 'off', { a => 500 }, '500 provider_bad_answer 500', 'a', 'a 1', '500' ],
    [ 'off', { a => 'close' }, '502 provider_bad_answer provider_bad_answer',
      'a', 'a 1', '502' ],
    [ 'off', { a => 'silent' }, '504 provider_timeout provider_timeout',
      'a', 'a 1', '504' ],
    [ 'off', { a => 'html' }, '502 provider_bad_answer provider_bad_answer',
      'a', 'a 1', '200' ],
    [ 'e', { a => 'close' }, '200 - ok', 'ab', 'b 2', '502, 200' ],
    [ 'e', { a => 'html' }, '200 - ok', 'ab', 'b 2', '200, 200' ],
    [ 'e', { a => 429 }, '429 provider_rate_limited 429', 'a', 'a 1', '429' ],
    [ 'e', { a => 500 }, '500 provider_bad_answer 500', 'a', 'a 1', '500' ],
    [ 'e', { a => 'silent' }, '504 provider_timeout provider_timeout', 'a',
      'a 1', '504' ],
    [ 't', { a => 'silent' }, '200 - ok', 'ab', 'b 2', '504, 200' ],
    [ 't', { a => 'close' }, '502 provider_bad_answer provider_bad_answer',
      'a', 'a 1', '502' ],
    [ 'h429', { a => 429 }, '200 - ok', 'ab', 'b 2', '429, 200' ],
    [ 'h429', { a => 503 }, '503 provider_overloaded 503', 'a', 'a 1', '503' ],
    [ 'h5xx', { a => 502 }, '200 - ok', 'ab', 'b 2', '502, 200' ],
    [ 'h5xx', { a => 429 }, '429 provider_rate_limited 429', 'a', 'a 1',
      '429' ],
    [ 'et', { a => 'reset' }, '200 - ok', 'ab', 'b 2', '502, 200' ],

    # next_target_tries
    [ 'one', { a => 429 }, '429 provider_rate_limited 429', 'a', 'a 1', '429' ],
    [ 'one', { a => 'close' }, '502 provider_bad_answer provider_bad_answer',
      'a', 'a 1', '502' ],
    [ 'two', { a => 429, b => 429 }, '429 provider_rate_limited 429', 'ab',
      'b 2', '429, 429' ],
    [ 'two', { a => 'close', b => 'reset' },
      '502 provider_bad_answer provider_bad_answer', 'ab', 'b 2', '502, 502' ],
    [ 'all', { a => 500, b => 500 }, '200 - ok', 'ababc', 'c 5',
      '500, 500, 500, 500, 200' ],

    # next_target_timeout
    [ 'time', { a => 'silent', b => 'silent' },
      '504 provider_timeout provider_timeout', 'ab', 'b 2', '504, 504' ],
    [ 'time', { a => 'close' }, '200 - ok', 'ab', 'b 2', '502, 200' ],
    [ 'brief', { a => 'silent' }, '504 provider_timeout provider_timeout',
      'a', 'a 1', '504' ],

    # targets that cannot be reached
    [ 'dead', {}, '200 - ok', 'b', 'b 2', '502, 200' ],
    [ 'deads', {}, '502 provider_unreachable provider_unreachable', '',
      'dead2 2', '502, 502' ],
    [ 'dead_tries', {}, '502 provider_unreachable provider_unreachable', '',
      'dead2 2', '502, 502' ],
    [ 'nowhere', {}, '200 - ok', 'b', 'b 1', '200' ],
    [ 'only_nowhere', {}, '502 provider_unreachable provider_unreachable',
      '', ' 0', '-' ],
    [ 'last_nowhere', { a => 429 }, '200 - ok', 'ab', 'b 2', '429, 200' ],
    [ 'down', {}, '200 - ok', 'b', 'b 1', '200' ],
    [ 'downs', {}, '502 provider_unreachable provider_unreachable', '', ' 0',
      '-' ],

    # a target of several peers
    [ 'one_dead', {}, '200 - ok', 'b', 'one_dead 2', '502, 200' ],
    [ 'one_dead', {}, '200 - ok', 'b', 'one_dead 1', '200' ],
    [ 'least', {}, '200 - ok', 'b', 'least 2', '502, 200' ],
    [ 'zoned', {}, '200 - ok', 'b', 'zoned 2', '502, 200' ],
    [ 'zoned', {}, '200 - ok', 'b', 'zoned 1', '200' ],
    # tries are counted in targets, its peers are the upstream's own matter
    [ 'three', { a => 429, b => 429, c => 429 },
      '429 provider_rate_limited 429', 'abcc', 'c 4', '429, 429, 429, 429' ],
    [ 'three1', { a => 500, b => 500, c => 500 },
      '500 provider_bad_answer 500', 'abc', 'three1 3', '500, 500, 500' ],
    [ 'two_dead', {}, '200 - ok', 'b', 'b 3', '502, 502, 200' ],
    [ 'only_two_dead', {}, '502 provider_unreachable provider_unreachable',
      '', 'two_dead 0', '502' ],
    [ 'all_down', {}, '200 - ok', 'b', 'b 1', '200' ],
    [ 'only_all_down', {}, '502 provider_unreachable provider_unreachable',
      '', 'all_down 0', '502' ],

    # no second attempt when the client has seen something
    [ 'ab', { a => 'die' }, '200 - ?', 'a', 'a 1', '200' ],
) {
    my ($model, $do, $client, $who, $target, $status) = @$_;

    my $what = "$model: " . join(', ', map { "$_ $do->{$_}" } sort keys %$do);
    my ($r, $line, @asked) = ask($model, $do);
    my $word = (split / /, $client)[1] =~ s/^-$//r;

    # it broke off after its head
    $word = 'provider_bad_answer' if ($do->{a} // '') eq 'die';

    is(says($r), $client, $what);

    # which of the peers is first depends on what was asked before
    my @got = map { $_->{who} } @asked;
    is(join('', $model =~ /^three/ ? sort @got : @got), $who, "$what: asked");

    my ($name, $attempts) = $target =~ /^(\S*) (\d)$/;
    is($line =~ s/ "[^"]*"$//r, substr($client, 0, 3)
       . " $name $name $attempts \"$word\" \"$status\"", "$what: logged");
}


# ---- each target has a request of its own

my ($r, $line, @asked) = ask('ab', { a => 429, x => 1e3 }, headers => [
    'X-Tag' => 'client', 'User-Agent' => 'ua', Authorization => 'Bearer cl' ]);

is($asked[0]{uri}, '/a/v1/chat/completions', 'path of the first');
is($asked[1]{uri}, '/b/v1/chat/completions', 'path of the second');
is($asked[0]{h}{host}, '127.0.0.1:' . $up{a}->port, 'host of the first');
is($asked[1]{h}{host}, '127.0.0.1:' . $up{b}->port, 'host of the second');
is($asked[0]{h}{authorization}, 'Bearer credential-of-a',
   'credential of the first');
is($asked[1]{h}{authorization}, 'Bearer credential-of-b',
   'credential of the second');
unlike($asked[1]{raw}, qr/credential-of-a|org-a/, 'not the first\'s');
is($asked[1]{h}{'x-who'}, 'b', 'headers of the second');
is($asked[1]{h}{'user-agent'}, 'ua', 'the client\'s listed headers');
is($asked[0]{body}, '{"a":429,"model":"model-a","x":1000}', 'first body');
is($asked[1]{body}, '{"a":429,"model":"model-b","x":1000}', 'second body');
is($line =~ s/.*" "//r, ports(qw(a b)) . '"', '$upstream_addr');
is($r->header('retry-after'), undef, 'Retry-After of the first is forgotten');
is($r->header('x-genai-provider-ratelimit-limit-requests'), undef,
   'and so are its other headers');

($r, $line, @asked) = ask('abc', { a => 500, b => 500 },
                          headers => [ 'X-Tag' => 'client' ]);
is($asked[2]{uri}, '/chat/completions', 'path of the third');
is($asked[2]{h}{authorization}, undef, 'it has no credential');
is($asked[2]{h}{'x-tag'}, 'client', 'it alone lets a header through');
is($asked[1]{h}{'x-tag'}, undef, 'the second does not');
is($asked[2]{body}, '{"a":500,"b":500,"model":"abc"}', 'the public name');

($r) = ask('ab', { a => 429, b => '429 html' });
is(says($r), '429 provider_rate_limited provider_rate_limited', 'both 429');
is($r->header('retry-after'), undef, 'no Retry-After of another provider');

($r) = ask('ab', { a => 429, b => 429 });
is($r->header('retry-after'), 9, 'Retry-After of the last');

# many attempts at once do not mix

my @c = map {
    my $c = $t->connect;
    $c->request('POST', '/v1/chat/completions', body => json_text({
        model => 'big', nr => $_, $_ % 3 ? () : (a => 429), b => 'slow' }));
    $c;
} 1 .. 30;

is(scalar(grep { says($_->response) eq '200 - ok' } @c), 30, 'thirty at once');
$lines += 30;
wait_for(sub { (() = $t->access_log('l.log') =~ /\n/g) >= $lines });
$_->close for @c;
fresh($_) for qw(a b c);


# ---- the body is whole on each attempt

for my $path ('/v1', '/file') {
    my $text = join '', map { sprintf '%06d ', $_ } 1 .. 8_000;

    for my $model (qw(big deaf early)) {
        ($r, $line, @asked) = ask($model, { a => 500, text => $text },
                                  path => $path);

        is(says($r), '200 - ok', "56 KB, $path, $model");
        ok($asked[-1]{body} eq '{"a":500,"model":"model-b","text":"' . $text
           . '"}', "$path, $model: the second target has all of it");
    }
}

($r) = ask('last_early', { text => 'x' x 5_000_000 });
is(says($r), '429 provider_rate_limited early',
   'an answer that comes before the whole request was sent');


# ---- 429 says nothing about the peer, 500 does

for ([ 'spare', 429, 'ab', 'a', 'a peer that says 429 stays in use' ],
     [ 'spare2', 500, 'ab', 'b', 'one that fails does not' ])
{
    my ($model, $do, $first, $second, $what) = @$_;

    ($r, $line, @asked) = ask($model, { a => $do });
    is(join('', map { $_->{who} } @asked), $first, "$model: its spare peer");
    is($r->status, 200, "$model: answered");

    for (1, 2) {
        ($r, $line, @asked) = ask($model, {});
        is(join('', map { $_->{who} } @asked), $second, $what);
    }
}


# ---- what was left of a 429 is nobody's answer: its connection is not kept
# unless all of it was read

for (1 .. 5) {
    ($r) = ask('ab', { a => 429, nr => $_ });
    is($r->body, json_text($OK), 'the second\'s answer');
    ($r) = ask('ab', { nr => $_ });
    is($r->body, json_text($OK), 'not the rest of the first\'s');
}


# ---- a kept connection that the server closes when the request is there

for my $name (sort keys %stale) {
    my $s = $stale{$name};
    my $path = $name =~ /file/ ? '/file' : '/v1';
    my $text = 'y' x 20000;

    if ($name =~ /two/) {
        # two connections, both of them idle and doomed
        my @c = map { $t->connect } 1, 2;

        $_->request('POST', '/v1/chat/completions',
                    body => qq({"model":"stale_$name"})) for @c;
        wait_for(sub { $s->count == 2 });
        $s->signal('both');
        is(join('', map { $_->response->body } @c), '{"ok":1}' x 2,
           "$name: the first answers");
        $_->close for @c;
        $lines += 2;
        wait_for(sub { (() = $t->access_log('l.log') =~ /\n/g) >= $lines });

    } else {
        ($r) = ask("stale_$name", {}, path => $path);
        is($r->body, '{"ok":1}', "$name: the first answer");
    }

    ($r, $line) = ask("stale_$name", { text => $text }, path => $path);

    is(says($r), '200 - ok', "$name: the second one too");
    like($line, qr/^200 \S+ \S+ 1 "" "502, (?:502, )?200"/,
         "$name: that was one attempt");

    my @r = $s->requests;

    splice @r, 0, $name =~ /two/ ? 2 : 1;
    ok(@r > 1 && !(grep { $_->{body}
                          ne qq({"model":"stale_$name","text":"$text"}) } @r),
       "$name: the body is whole");
}


# ---- a client that goes ends it all

my $c = $t->connect;

$c->request('POST', '/v1/chat/completions', body => json_text({
    model => 'big', a => 'silent, says so' }));
ok($up{a}->wait_mark('asked'), 'the first is asked');
fresh('b');
$c->close;
ok($t->wait_access(qr/^499 big big \d "caller_gone"/m, 5, 'l.log'), 'logged');
is(scalar(my @b = fresh('b')), 0, 'the second is not');


done_testing;
