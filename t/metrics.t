# SPDX-License-Identifier: Apache-2.0

# genai_metrics: the text is what Prometheus reads, whoever named things; every
# outcome is counted once, in all workers together; a reload keeps it; however
# long a text is and however slow its reader, nobody else is held up.

use strict;
use warnings;

use lib 't/lib';

use Digest::SHA qw(sha256_hex);
use JSON::PP ();

use GenAI::Prometheus;
use GenAI::Test;
use GenAI::Upstream;

my $SCALE = $GenAI::Test::SCALE;
my ($promtool) = grep { -x } map { "$_/promtool" } split /:/, $ENV{PATH};

my $USAGE = { prompt_tokens => 7, completion_tokens => 3, total_tokens => 10,
              prompt_tokens_details => { cached_tokens => 4 },
              completion_tokens_details => { reasoning_tokens => 2 } };

sub event { return json_text({ choices => [ { index => 0, @_ } ] }) }

sub upstream {
    return GenAI::Upstream->new(lossy => 1, @_, route => sub {
        my ($r) = @_;
        my $do = eval { JSON::PP::decode_json($r->{body})->{user} } // '';

        return [ [ json => $1, { error => { message => 'no' } } ] ]
            if $do =~ /^(\d+)$/;
        return [ 'close' ] if $do eq 'close';
        return [ [ send => "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream"
                           . "\r\nTransfer-Encoding: chunked\r\n\r\n" ],
                 [ chunk => 'data: ' . event(delta => { content => 'a' })
                            . "\n\n" ],
                 [ wait => "go" ],
                 [ chunk => 'data: ' . event(delta => {},
                                             finish_reason => 'stop')
                            . "\n\n", "data: [DONE]\n\n" ], 'chunk_end' ]
            if $do eq 'hang';
        return [ [ sse => map({ event(delta => { content => $_ }) } qw(a b c)),
                   event(delta => {}, finish_reason => 'stop'),
                   json_text({ choices => [], usage => $USAGE }), '[DONE]' ] ]
            if $do eq 'stream';
        return [ [ json => 200, { choices => [ { finish_reason => 'stop' } ],
                                  usage => $USAGE } ] ];
    });
}

sub body {
    my ($user, %more) = @_;

    return json_text({ model => 'm', user => $user, messages =>
                       [ { role => 'user', content => 'hi' } ],
                       ($user =~ /^(?:stream|hang)$/
                        ? (stream => JSON::PP::true) : ()), %more });
}

sub request {
    my ($c, $body, %o) = @_;

    $c->request('POST', ($o{place} || '/v1') . '/chat/completions',
                body => $body,
                headers => [ 'Content-Type' => 'application/json',
                             $o{key} ? (Authorization => "Bearer $o{key}")
                                     : () ]);
}

sub ask {
    my ($t, @what) = @_;

    my $c = $t->connect;

    request($c, @what);
    return $c->response;
}

# The metrics, read and checked.

sub metrics {
    my ($t, $name) = @_;

    my $r = $t->get('/metrics');
    my $m = GenAI::Prometheus->new($r->body);

    if ($name) {
        is($r->status, 200, "$name: an answer");
        is(join("\n", $m->problems), '', "$name: Prometheus' format");

        SKIP: {
            skip('there is no promtool', 1) unless $promtool;
            my ($rc, $out) = run_cmd([ $promtool, 'check', 'metrics' ],
                                     stdin => $r->body);

            is("$rc$out", '0', "$name: promtool is content");
        }
    }

    return $m;
}

# The same of a long text, without looking at the rest of it.

sub exchanges {
    my ($text) = @_;

    my $sum = 0;

    $sum += $_ for $text =~ /^genai_exchanges_total\{.*\} (\d+)$/mg;

    return $sum;
}

# An exchange is counted when it is over, which its client may see before.

sub counted {
    my ($t, $n) = @_;

    my $m;

    wait_for(sub {
        $m = metrics($t);
        $m->sum('genai_exchanges_total') >= $n;
    });

    return $m;
}

my @key = map { "sk-test-key-$_" } 0 .. 3;

# what an id may be is the policy's business: what it lets through is shown
my @team = ('search', "sea\"rch\\{}=,\x{e4}\x{1f600}", 't' x 128,
            join('', map { "\x{fc}" } 1 .. 64));

sub policy {
    return json_text({ schema => 1, revision => 'r"1\\',
        teams => { map { ($_ => {}) } @team },
        keys => { map { ("k$_" => { sha256 => [ sha256_hex($key[$_]) ],
                                    team => $team[$_] }) } 0 .. 3 } });
}


# ---- outcomes

{
    my $up = upstream();
    my $t = GenAI::Test->new(name => 'outcomes', workers => 2);

    $t->write_file('policy.json', policy());
    $t->conf(<<"EOF", UP => $up->port)->run;
http {
    genai_policy policy.json;
    client_max_body_size 4k;
    genai_provider "p \\"q\\" \\\\n" {
        dialect openai; pass http://127.0.0.1:%%UP%%/v1; }
    genai_provider dead { dialect openai;
                          pass http://127.0.0.1:%%PORT_9%%/v1; }
    genai_model m    { target "p \\"q\\" \\\\n"; }
    genai_model "~^x\\"[0-9]\\\\w" { target "p \\"q\\" \\\\n"; }
    genai_model "bad\xff\xc3\nname*" { target "p \\"q\\" \\\\n"; }
    genai_model dead { target dead; }
    server {
        listen 127.0.0.1:%%PORT_0%%;
        listen 127.0.0.1:%%PORT_1%% %%LISTEN_H2%%;
        %%HTTP2_ON%%
        keepalive_requests 100000;
        location /v1/    { genai_pass; }
        location = /metrics { genai_metrics; }
    }
}
EOF

    my $m = metrics($t, 'nothing yet');

    is($m->sum('genai_exchanges_total'), 0, 'nothing is counted');
    is($m->sum('genai_build_info'), 1, 'the build');
    ok($m->value('genai_policy_generation') >= 1, 'the policy is there');
    is($m->value('genai_policy_objects', kind => 'key'), 4, 'with its keys');
    is($m->value('genai_policy_info', revision => 'r"1\\'), 1,
       'and its revision');

    my (%want, $n);

    my @case = (
        # body, key, status, error, target or not, times
        [ body('ok'), 0, 200, '', 1, 7 ],
        [ body('stream'), 0, 200, '', 1, 5 ],
        [ body('ok'), 1, 200, '', 1, 3 ],
        [ body('ok'), 2, 200, '', 1, 2 ],
        [ body('ok'), 3, 200, '', 1, 2 ],
        [ body('ok', model => 'x"7z'), 0, 200, '', 1, 2 ],
        [ body('ok', model => 'dead'), 0, 502, 'provider_unreachable', 1, 3 ],
        [ body('ok', model => 'none'), 0, 404, 'caller_forbidden_model', 0,
          3 ],
        [ body('ok'), undef, 401, 'caller_unauthenticated', 0, 4 ],
        [ body('ok') . 'x', 0, 400, 'caller_bad_request', 0, 3 ],
        [ 'x' x 5000, 0, 413, 'caller_too_large', 0, 2 ],
        [ body('429'), 0, 429, 'provider_rate_limited', 1, 3 ],
        [ body('500'), 0, 500, 'provider_bad_answer', 1, 2 ],
        [ body('401'), 0, 502, 'provider_refused', 1, 2 ],
        [ body('400'), 0, 400, 'caller_bad_request', 1, 2 ],
        [ body('close'), 0, 502, 'provider_bad_answer', 1, 2 ],
    );

    my $c = $t->connect;

    for my $case (@case) {
        my ($body, $key, $status, $error, $target, $times) = @$case;

        for (1 .. $times) {
            $c = $t->connect unless $c->reusable;
            request($c, $body, defined $key ? (key => $key[$key]) : ());

            my $r = $c->response;

            is($r->status, $status, "asked: $status $error") or diag($r->body);
            $n++;
            $want{join ' ', $status, $error, $target ? 'target' : '-'}++;
        }
    }

    # these have an endpoint of their own, or none
    for ([ '/v1/models', 200, '' ], [ '/v1/files', 404,
                                      'caller_forbidden_endpoint' ])
    {
        my ($uri, $status, $error) = @$_;

        $c = $t->connect unless $c->reusable;
        $c->request('GET', $uri, headers => [ Authorization =>
                                              "Bearer $key[0]" ]);
        is($c->response->status, $status, "asked: $uri");
        $n++;
        $want{"$status $error -"}++;
    }

    if ($t->can_h2) {
        my $r = $t->h2('POST', '/v1/chat/completions', body => body('ok'),
            port => $t->port(1), headers => [
                'Content-Type' => 'application/json',
                Authorization => "Bearer $key[0]" ]);

        is($r->status, 200, 'asked over HTTP/2');
        $n++;
        $want{'200  target'}++;
    }

    counted($t, $n);
    $m = metrics($t, 'outcomes');

    my %got;

    for my $s (@{$m->series('genai_exchanges_total')}) {
        my $l = $s->{labels};

        $got{join ' ', $l->{status}, $l->{error},
             length $l->{target} ? 'target' : '-'} += $s->{value};
    }

    is_deeply(\%got, \%want, 'each of them once, as it came');

    # what had a usage, by the provider's word
    my $used = grep { $_->[2] == 200 } map { ($_) x $_->[5] } @case;

    $used += $want{'200  target'} - $used;

    my %source = (source => 'provider');

    is($m->sum('genai_tokens_total', kind => 'input', %source), 7 * $used,
       'tokens of requests');
    is($m->sum('genai_tokens_total', kind => 'output', %source), 3 * $used,
       'tokens of answers');
    is($m->sum('genai_cached_tokens_total', %source), 4 * $used, 'cached ones');
    is($m->sum('genai_reasoning_tokens_total', %source), 2 * $used,
       'reasoning ones');

    for my $type ([ 'input', 7 ], [ 'output', 3 ]) {
        my @type = (gen_ai_token_type => $type->[0]);

        is($m->sum('gen_ai_client_token_usage_sum', @type),
           $m->sum('genai_tokens_total', kind => $type->[0]),
           "$type->[0]: the histogram's sum");
        ok($m->sum('gen_ai_client_token_usage_bucket', @type, le => '16')
           >= $used, "$type->[0]: in their bucket");
    }

    is($m->sum('gen_ai_client_token_usage_bucket', le => '4',
               gen_ai_token_type => 'output', team => $team[0])
       - $m->sum('gen_ai_client_token_usage_bucket', le => '1',
                 gen_ai_token_type => 'output', team => $team[0]),
       $used - 7, 'a team alone') if $t->can_h2;

    for my $name (qw(request_duration time_to_first_token)) {
        is($m->sum("gen_ai_server_${name}_seconds_count"), $used,
           "$name: of those without an error");
        ok($m->sum("gen_ai_server_${name}_seconds_sum") > 0, "$name: some");
    }

    is($m->sum('genai_overhead_seconds_count'), $n, 'own time, of all');
    is($m->sum('genai_step_seconds_count'), $n, 'longest steps, of all');
    ok($m->value('genai_step_longest_seconds') > 0, 'the longest of them');
    ok($m->sum('genai_overhead_part_seconds_count', part => $_) > 0,
       "own time: $_") for qw(identify parse filter);

    # labels

    is($m->sum('genai_exchanges_total', team => $team[1]), 3,
       'a hostile team, as it is');
    is($m->sum('genai_exchanges_total', team => $team[2]), 2, 'a long one');
    is($m->sum('genai_exchanges_total', team => $team[3]), 2,
       'one of many bytes');
    is($m->sum('genai_exchanges_total', model => '~^x"[0-9]\\w'), 2,
       'a hostile model: its entry');
    is($m->sum('genai_exchanges_total', model => 'none'), 0,
       'what a client makes up is no label');
    is($m->sum('genai_exchanges_total', team => '', model => ''), 4 + 2,
       'nobody, or nothing that was read');
    is(@{$m->series('genai_exchanges_total', endpoint => 'models')}, 1,
       'models');
    is($m->sum('gen_ai_client_token_usage_count',
               gen_ai_operation_name => 'chat',
               gen_ai_provider_name => 'p "q" \\n'), 2 * ($used + 3),
       'the words of OpenTelemetry; what was broken off is estimated, also '
       . 'what was sent on a kept connection first');

    ask($t, "{\"model\":\"bad\\u0000name\",\"messages\":[]}", key => $key[0]);
    $n++;

    # ---- how it is asked for

    my $text = $t->get('/metrics');

    is($text->header('Content-Type'),
       'text/plain; version=0.0.4; charset=utf-8', 'its type');
    is($text->header('Cache-Control'), 'no-store', 'not to be stored');

    $c = $t->connect;

    for my $method (qw(HEAD GET POST HEAD DELETE GET)) {
        $c->request($method, '/metrics', $method eq 'POST' ? (body => 'x')
                                                           : ());

        my $r = $c->response;

        is($r->status, $method =~ /^(?:HEAD|GET)$/ ? 200 : 405, $method);
        is($r->header('Content-Type'), $text->header('Content-Type'),
           "$method: its type") if $r->status == 200;
        ok(length $r->body > 1000, "$method: a text") if $method eq 'GET';
        is(length $r->body, 0, "$method: no text") if $method eq 'HEAD';
    }

    ok($c->reusable, 'on one connection');

    my $r = $t->http('GET', '/metrics', version => '1.0');

    is(join("\n", GenAI::Prometheus->new($r->body)->problems), '', 'HTTP/1.0');

    if ($t->can_h2) {
        $r = $t->h2('GET', '/metrics', port => $t->port(1));
        is($r->status, 200, 'HTTP/2');
        is(join("\n", GenAI::Prometheus->new($r->body)->problems), '',
           'HTTP/2: the format');
        is($t->h2('HEAD', '/metrics', port => $t->port(1),
                  curl => ['-I'])->status, 200, 'HTTP/2: HEAD');
    }

    # ---- what a reload and a death leave

    counted($t, $n);
    $t->reload;
    is(metrics($t)->sum('genai_exchanges_total'), $n, 'a reload keeps it');
    is(ask($t, body('ok'), key => $key[0])->status, 200, 'asked once more');
    $n++;
    is(counted($t, $n)->sum('genai_exchanges_total'), $n, 'and counts on');

    $t->kill_worker;
    is(ask($t, body('ok'), key => $key[0])->status, 200, 'and after a death');
    $n++;
    is(counted($t, $n)->sum('genai_exchanges_total'), $n, 'as before');

    # ---- gauges

    my @open;

    for (1 .. 4) {
        push @open, my $s = $t->connect;
        request($s, body('hang'), key => $key[0]);
        $s->head;
        $s->next_event;
    }

    is(metrics($t)->value('genai_open_streams'), 4, 'four streams are open');
    is(metrics($t)->value('genai_leases'), 4, 'and as many leases are');

    for (1 .. 2) {
        pop(@open)->reset;
    }

    ok(wait_for(sub { metrics($t)->value('genai_open_streams') == 2 }),
       'two are left');

    $t->allow(qr/worker process \d+ exited on signal 9/);
    kill 'KILL', $t->worker_pids;
    ok(wait_for(sub { (eval { metrics($t)->value('genai_open_streams') }
                       // 9) == 0 }), 'dead workers have none');
    ok(wait_for(sub { metrics($t)->value('genai_leases') == 0 }),
       'and no leases');
    is(metrics($t)->value('genai_books_orphans_total') >= 2, 1,
       'which were settled');
}


# ---- a zone that is full

{
    my $up = upstream();
    my $models = join "\n", map { "genai_model m$_ { target p; }" } 1 .. 300;
    my $t = GenAI::Test->new(name => 'full', log_level => 'warn',
                             workers => 2)->conf(<<"EOF", UP => $up->port);
http {
    genai_zone zone=small:256k;
    access_log off;
    genai_provider p { dialect openai; pass http://127.0.0.1:%%UP%%/v1; }
    $models
    server {
        listen 127.0.0.1:%%PORT_0%%;
        keepalive_requests 100000;
        location /v1/ { genai_pass; genai_auth off; }
        location = /metrics { genai_metrics; }
    }
}
EOF
    $t->run;

    my @c = map { $t->connect } 1 .. 4;
    my $n = 0;

    for my $i (1 .. 300, 1 .. 300) {
        my $c = $c[$i % @c];

        request($c, body('ok', model => "m$i"));
        $n++ if $c->response->status == 200;
    }

    is($n, 600, 'full: all are answered');

    counted($t, $n);

    my $m = metrics($t, 'full');

    is($m->sum('genai_exchanges_total'), $n, 'full: none is lost');
    is($m->sum('genai_tokens_total', kind => 'input'), 7 * $n,
       'full: no token is');
    ok($m->sum('genai_exchanges_total', model => 'other') > 100,
       'full: some are among "other"');
    is($m->sum('genai_exchanges_total', model => 'other'),
       $m->value('genai_zone_full_total', table => 'exchanges'),
       'full: as many as were counted');
    is($m->value('genai_zone_entries', table => 'exchanges', kind => 'used'),
       $m->value('genai_zone_entries', table => 'exchanges', kind => 'max'),
       'full: it is');
    like($t->error_log, qr/genai_zone is full/, 'full: the log says so');
}


# ---- a long text and those who read it

{
    my $N = 600;
    my $up = upstream();
    my $models = join "\n", map { "genai_model long-name-of-a-model-"
                                  . ('x' x 60) . "-$_ { target p; }" } 1 .. $N;
    my $conf = <<"EOF";
http {
    genai_zone zone=large:32m;
    access_log off;
    gzip_types text/plain;
    genai_provider p { dialect openai; pass http://127.0.0.1:%%UP%%/v1; }
    $models
    server {
        listen 127.0.0.1:%%PORT_0%% sndbuf=64k;
        listen 127.0.0.1:%%PORT_1%% %%LISTEN_H2%%;
        %%HTTP2_ON%%
        keepalive_requests 100000;
        location /v1/ { genai_pass; genai_auth off; }
        location = /metrics { genai_metrics; }
        location = /gzip    { genai_metrics; gzip on; }
        location = /rate    { genai_metrics; limit_rate 4m; }
        location = /twice   { ssi on; ssi_types *; default_type text/html;
            return 200 '<!--# include virtual="/metrics" -->
                        <!--# include virtual="/metrics" -->'; }
    }
}
EOF
    my $t = GenAI::Test->new(name => 'long', log_level => 'info')
        ->conf($conf, UP => $up->port)->run;

    my $c = $t->connect;

    for my $i (1 .. $N) {
        request($c, body('stream', model => 'long-name-of-a-model-'
                                            . ('x' x 60) . "-$i"));
        $c->response->complete or die;
    }

    wait_for(sub { exchanges($t->get('/metrics')->body) >= $N });

    my $whole = $t->get('/metrics', timeout => 30);
    my $m = GenAI::Prometheus->new($whole->body);

    is(join("\n", $m->problems), '', 'long: the format');
    is($m->sum('genai_exchanges_total'), $N, 'long: all of it');
    cmp_ok($whole->body =~ tr/\n//, '>', 50000, 'long: 50,000 series');

    # somebody who does not read, and somebody who asks meanwhile

    my ($worker) = $t->worker_pids;
    my $rss = $t->rss($worker);
    my @slow = map { $t->connect(rcvbuf => 16384) } 1 .. 10;

    $_->request('GET', '/metrics') for @slow;
    $_->head for @slow;

    for (1 .. 20) {
        request($c, body('ok', model => 'long-name-of-a-model-'
                                        . ('x' x 60) . '-1'));
        is($c->response->status, 200, 'slow readers: others are answered');
    }

    cmp_ok($t->rss($worker) - $rss, '<', 2048,
           'slow readers: nothing piles up');

    # one leaves, one does so at the end of his patience
    (shift @slow)->reset;
    (shift @slow)->close;

    # the old worker has to end what it has begun

    $t->conf($conf)->reload;

    my @length = map { length($_->body->body) } @slow;
    my @short = grep { $_ < 0.9 * length $whole->body } @length;

    is(scalar @short, 0, 'slow readers: each gets all of it')
        or diag("@length, it has " . length $whole->body);

    ok(wait_for(sub { !kill 0, $worker }), 'the old worker ends');

    # those who leave in the middle, between two turns or in one

    for my $i (1 .. 60) {
        my $c = $t->connect;
        my $left = 40000 * $i;

        $c->request('GET', '/metrics');
        $left -= length($c->read_some // last) while $left > 0;
        $i % 2 ? $c->reset : $c->close;
    }

    # ways to the client

    is(exchanges($t->get('/metrics')->body), $N + 20, 'a reload keeps it');

    for my $uri ('/gzip', '/rate') {
        my ($rc, $out) = run_cmd([ qw(curl -sS --compressed),
            'http://127.0.0.1:' . $t->port . $uri ]);

        is("$rc " . exchanges($out), '0 ' . ($N + 20), "$uri: all of it");
    }

    if ($t->can_h2) {
        my $r = $t->h2('GET', '/metrics', port => $t->port(1));

        is(exchanges($r->body), $N + 20, 'HTTP/2: all of it');
    }

    is(exchanges($t->get('/twice', timeout => 30)->body), 2 * ($N + 20),
       'as subrequests: all of it, two times');

    # no step is long

    my $le = $SCALE > 1 ? '0.01' : '0.001';
    my $text = $t->get('/metrics')->body;
    my ($steps) = $text =~ /^genai_report_step_seconds_count (\d+)$/m;
    my ($short) = $text =~ /^genai_report_step_seconds_bucket\{le="\Q$le\E"\}
                            [ ](\d+)$/mx;

    cmp_ok($steps, '>', 1000, 'there were many steps');

    # a long one of each report would be a hundred; the machine's own hiccups,
    # which are in the thread's clock too, are few
    cmp_ok($steps - $short, '<=', 5, 'none took long')
        or diag(join "\n", $text =~ /^(genai_report_step_seconds.*)$/mg);
}


# ---- what is refused

my $checker = GenAI::Test->new(name => 'nginx -t');

for my $case (
    [ 'genai_zone zone=a:8k;', qr/too small/ ],
    [ 'genai_zone zone=a:x;', qr/invalid size "x"/ ],
    [ 'genai_zone zone=:8m;', qr/zone=NAME:SIZE/ ],
    [ 'genai_zone zone=a;', qr/zone=NAME:SIZE/ ],
    [ 'genai_zone a:8m;', qr/zone=NAME:SIZE/ ],
    [ 'genai_zone zone=a:8m; genai_zone zone=b:8m;', qr/is duplicate/ ],
    [ 'genai_zone zone=a:8m;
       limit_req_zone $remote_addr zone=a:8m rate=1r/s;', qr/zone "a"|"a"/ ],
    [ 'server { listen 127.0.0.1:1; location / {
       genai_metrics; genai_metrics; } }', qr/another content handler/ ],
    [ 'server { listen 127.0.0.1:1; location / {
       genai_metrics; proxy_pass http://127.0.0.1:1; } }',
      qr/another content handler/ ],
) {
    my ($lines, $re) = @$case;
    my ($rc, $out) = $checker->nginx_t("http { $lines }\n");

    isnt($rc, 0, "refused: $lines");
    like($out, $re, 'and why');
}

done_testing;
