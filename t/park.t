# SPDX-License-Identifier: Apache-2.0

# Everything that can happen to an exchange while it waits, at each point of
# the pipeline where it may wait: it goes on, its client leaves, nginx is
# reloaded, ends, or is ended, an error_page leads elsewhere.  The waiting is
# done by "genai_test_park", which debug builds have ("make debug", "make
# asan").

use strict;
use warnings;

use lib 't/lib';

use JSON::PP ();
use Time::HiRes qw(time);

use GenAI::Test;
use GenAI::Upstream;
use GenAI::Util qw(allot_port);

my (undef, $said) = GenAI::Test->nginx_t('http { genai_test_park body 1s; }');

if ($said =~ /unknown directive/) {
    plan(skip_all => 'this build has no genai_test_park: "make debug" and '
         . '"make asan" make one that has');
}

my @STAGES = qw(access body parse authorize count route inline filter);

# how long an exchange waits: enough to do something meanwhile
my $LONG = int(700 * $GenAI::Test::SCALE);

my $SSE = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
    . "Transfer-Encoding: chunked\r\n\r\n";

my $up = GenAI::Upstream->new(lossy => 1, route => sub {
    my ($r) = @_;
    my $do = eval { JSON::PP::decode_json($r->{body})->{do} } // '';

    return [ [ send => $SSE ], [ chunk => "data: {\"n\":1}\n\n" ],
             [ chunk => "data: {\"n\":2}\n\n", "data: [DONE]\n\n" ],
             'chunk_end' ] if $do eq 'stream';
    return [ [ send => $SSE ], [ chunk => "data: {\"n\":1}\n\n" ],
             'wait_close' ] if $do eq 'hang';
    return [ [ json => 200, { uri => $r->{uri}, body => $r->{body} } ] ];
});

my $PLACES = join "\n", map { <<"EOC" } @STAGES;
        location /$_/ {
            genai_pass;
            genai_test_park $_ 30ms;
        }
        location /$_-long/ {
            genai_pass;
            genai_test_park $_ ${LONG}ms;
        }
        location /$_-many/ {
            genai_pass;
            genai_test_park $_ 100ms;
        }
        location /$_-falls/ {
            genai_pass model=dead;
            genai_test_park $_ 30ms;
            error_page 502 = \@$_;
        }
        location \@$_ {
            genai_pass model=m;
            genai_test_park $_ 30ms;
        }
        location /$_-try/ {
            genai_pass;
            genai_test_park $_ 30ms;
            try_files /none \@$_;
        }
        location /$_-if/ {
            genai_test_park $_ 30ms;
            if (\$request_method = POST) { genai_pass; }
        }
        location /$_-any/ {
            genai_pass;
            genai_test_park $_ 30ms;
            satisfy any;
            allow 127.0.0.1;
            deny all;
        }
        location /$_-auth/ {
            genai_pass;
            genai_auth on;
            genai_test_park $_ 30ms;
            satisfy any;
            allow 127.0.0.1;
        }
        location /$_-page/ {
            genai_pass model=dead;
            genai_test_park $_ 30ms;
            error_page 502 /page.json;
        }
EOC

my $CONF = <<"EOF";
http {
    log_format l '\$status "\$genai_error" \$genai_attempts \$uri';
    access_log %%TESTDIR%%/l.log l;
    client_body_buffer_size 1k;

    genai_provider p    { dialect openai; pass http://127.0.0.1:%%UP%%/%%V%%; }
    genai_provider dead { dialect openai; pass http://127.0.0.1:%%DEAD%%; }

    genai_model m    { target p; }
    genai_model dead { target dead; }
    genai_model two  { target dead; target p model=m2; }

    server {
        listen 127.0.0.1:%%PORT_0%%;
        listen 127.0.0.1:%%PORT_1%% %%LISTEN_H2%%;
        %%HTTP2_ON%%
        genai_auth off;
        location /v1/ { genai_pass; }
        location = /page.json { return 502 '{"page":1}'; }
        $PLACES
    }
}
EOF

my %vars = (UP => $up->port, V => 'one', DEAD => allot_port());
my $n = 0;
my $t;

sub instance {
    my ($name, %o) = @_;

    $t = GenAI::Test->new(name => $name, log_level => 'info', %o)
        ->conf(($o{main} // '') . $CONF, %vars)->run;
}

# how often something was parked in front of a stage

sub parked {
    my ($stage) = @_;

    return scalar(() = $t->error_log
                  =~ /genai parked in front of stage "\Q$stage\E"/g);
}

# the lines of the log that tell of requests to a location, or how many there
# are

sub lines {
    my ($place) = @_;

    my @lines = grep { m{/\Q$place\E/chat} } split /\n/,
        $t->access_log('l.log');

    return @lines;
}

# those of all places of a kind

sub left {
    my ($kind) = @_;

    my @lines = grep { m{-$kind/} } split /\n/, $t->access_log('l.log');

    return @lines;
}

sub path { return "/$_[0]/chat/completions" }

sub body {
    my (%o) = @_;

    return json_text({ model => 'm', n => ++$n, %o });
}

# Sends a request to each stage's place and waits until all of them wait.
# Returns a client for each.

sub park_all {
    my ($suffix, %o) = @_;

    my %before = map { $_ => parked($_) } @STAGES;
    my %c;

    for my $stage (@STAGES) {
        $c{$stage} = $t->connect;
        $c{$stage}{sent} = body(stage => $stage, %o);
        $c{$stage}->request('POST', path("$stage-$suffix"),
                            body => $c{$stage}{sent});
    }

    ok(wait_for(sub { !grep { parked($_) <= $before{$_} } @STAGES }),
       'all are parked, ' . ($o{do} // 'an answer'))
        or diag(grep { parked($_) <= $before{$_} } @STAGES);

    return %c;
}

# how many requests went up, or how many with that number in their body; to
# decode all of them each time takes long

sub went_up {
    my ($body) = @_;

    return -s "$up->{dir}/number.request" || 0 if !defined $body;

    my ($number) = $body =~ /"n":(\d+)/;

    return scalar(() = slurp("$up->{dir}/log")
                  =~ /"body":"[^\n]*?\\"n\\":$number\b/g);
}


instance('nginx');

my ($worker) = $t->worker_pids;


# ---- they go on

for my $stage (@STAGES) {
    my $c = $t->connect;
    my $was = parked($stage);

    for my $how (
        [ 'a small one', body() ],
        [ 'in a file', body(a => 'x' x 10_000) ],
        [ 'a stream', body(do => 'stream') ],
        [ 'two targets', body(model => 'two') ],
        [ 'no JSON', '{', 400 ],
        [ 'no model', '{"model":"nope"}', 404 ],
        [ 'after these', body() ],
    ) {
        my ($what, $body, $status) = @$how;
        my $before = went_up();
        my $lines = lines($stage);
        my $began = time;

        $c->request('POST', path($stage), body => $body);

        my $r = $c->response;

        is($r->status, $status || 200, "$stage, $what: answered")
            or diag($r->error, $r->body);
        ok($r->complete, "$stage, $what: all of it");
        cmp_ok(time - $began, '>=', 0.025, "$stage, $what: has waited")
            if !$status || $stage =~ /^(?:access|body)$/;
        is(went_up() - $before, $status ? 0 : 1, "$stage, $what: asked once");
        is(scalar($r->events), 3, "$stage, $what: its events")
            if $what eq 'a stream';
        ok($c->reusable, "$stage, $what: the connection is kept");
        ok(wait_for(sub { lines($stage) == $lines + 1 }),
           "$stage, $what: logged once");
    }

    # a refusal does not get to the later ones
    my $least = $stage =~ /^(?:access|body|parse)$/ ? 7
        : $stage eq 'authorize' ? 6 : 5;

    cmp_ok(parked($stage) - $was, '>=', $least, "$stage: once each");
    cmp_ok(parked($stage) - $was, '<=', 7, "$stage: not more");

    # two at once, and one that comes while the first one waits

    $c->write(join '', map { $c->request_text('POST', path($stage),
                                              body => $_) }
              my @b = (body(), body()));
    $was = parked($stage);
    ok(wait_for(sub { parked($stage) > $was - 1 }), "$stage: pipelined");
    push @b, body();
    $c->write($c->request_text('POST', path($stage), body => $b[2]));
    push @{$c->{methods}}, ('POST') x 3;

    is(($c->response->json // {})->{body}, $_, "$stage: in order") for @b;
    ok($c->is_idle, "$stage: and nothing more");

    # a body that comes while it waits

    my $text = $c->request_text('POST', path($stage), body => body());

    $c->slow_write($text, step => 17, delay => 0.003);
    push @{$c->{methods}}, 'POST';
    is($c->response->status, 200, "$stage: a slow body");
    $c->close;

    # one that was not sent yet, as nobody has asked for it

    $c = $t->connect;
    $c->write('POST ' . path($stage) . " HTTP/1.1\r\nHost: a\r\n"
              . "Expect: 100-continue\r\nContent-Length: 13\r\n\r\n");
    is($c->read_until(qr/\r\n\r\n/), "HTTP/1.1 100 Continue\r\n\r\n",
       "$stage: a body is asked for");
    $c->write('{"model":"m"}');
    push @{$c->{methods}}, 'POST';
    is($c->response->status, 200, "$stage: and answered");
    $c->close;

    for my $kind (qw(try if any)) {
        my $r = $t->post(path("$stage-$kind"), body());

        is($r->status, 200, "$stage: $kind") or diag($r->body // $r->error);
    }

    my $r = $t->post(path("$stage-auth"), body());

    is($r->status . ' ' . ($r->header('x-genai-error') // '-'),
       '401 caller_unauthenticated', "$stage: satisfy any gets nobody past");
}


# ---- an error_page leads elsewhere, where it waits again

for my $stage (@STAGES) {
    my $c = $t->connect;

    for my $size (10, 10_000) {
        my $was = parked($stage);
        my $before = went_up();
        my $lines = lines("$stage-falls");
        my $body = body(a => 'x' x $size, model => 'client');

        $c->request('POST', path("$stage-falls"), body => $body);

        my $r = $c->response;

        is($r->status, 200, "$stage: a redirect") or diag($r->body);
        is(($r->json // {})->{body}, $body =~ s/"client"/"m"/r,
           "$stage: with the body");
        is($r->header('x-genai-error'), undef, "$stage: no error is left");
        is(went_up() - $before, 1, "$stage: the provider is asked once");
        is(parked($stage) - $was, $stage eq 'filter' ? 1 : 2,
           "$stage: waited in both places");
        ok(wait_for(sub { lines("$stage-falls") == $lines + 1 }),
           "$stage: logged once");
        like((lines("$stage-falls"))[-1], qr/^200 "" 1 /,
             "$stage: as one exchange");
        ok($c->reusable, "$stage: the connection is kept");
    }

    $c->close;

    my $r = $t->post(path("$stage-page"), body());

    is($r->status . $r->body, '502{"page":1}', "$stage: a page");
}


# ---- the client leaves

for my $end (qw(close reset half_close)) {
    for my $do (undef, 'stream', 'hang') {
        my $lines = left('long');
        my %c = park_all('long', $do ? (do => $do) : ());
        my $what = "$end, " . ($do // 'an answer');

        $_->$end for values %c;

        ok(wait_for(sub { left('long') == $lines + @STAGES }), "$what: logged");

        my @lines = (left('long'))[$lines .. $lines + $#STAGES];

        for my $stage (@STAGES) {
            my ($line) = grep { m{/\Q$stage\E-long/} } @lines;

            like($line, qr/^(?:499|200) "caller_gone" [01] /,
                 "$what, $stage: how it ended");
            is(went_up($c{$stage}{sent}), $stage eq 'filter' ? 1 : 0,
               "$what, $stage: asked, or not");
            $c{$stage}->close;
        }
    }
}

# together with others that stay

{
    my %gone = park_all('long');
    my %stay = park_all('long');

    $_->reset for values %gone;

    for my $stage (@STAGES) {
        is(($stay{$stage}->response->json // {})->{body}, $stay{$stage}{sent},
           "$stage: another one goes on");
        $stay{$stage}->close;
    }
}

# over HTTP/2

SKIP: {
    skip 'curl with HTTP/2 is missing', 3 * @STAGES if !GenAI::Test->can_h2;

    for my $stage (@STAGES) {
        my $body = body(a => 'y' x 5000);
        my $was = parked($stage);
        my $r = $t->h2('POST', path($stage), body => $body,
                       port => $t->port(1));

        is(($r->json // {})->{body}, $body, "HTTP/2, $stage");
        is(parked($stage) - $was, 1, "HTTP/2, $stage: parked");

        my $lines = left('long');
        my $pid = open my $f, '-|', qw(curl -sS -N --http2-prior-knowledge
            --max-time 20 -d), body(), 'http://127.0.0.1:' . $t->port(1)
            . path("$stage-long") or die "curl: $!";

        wait_for(sub { parked($stage) > $was + 1 });
        kill 'KILL', $pid;
        close $f;
        ok(wait_for(sub { left('long') == $lines + 1 }),
           "HTTP/2, $stage: left");
    }
}

# many at once, of which every other one leaves

{
    my @c;

    for my $i (0 .. 139) {
        my $stage = $STAGES[$i % @STAGES];
        my $c = $t->connect;

        $c->{sent} = body(a => 'z' x (50 * $i));
        $c->request('POST', path("$stage-many"),
                    body => $c->{sent});
        push @c, $c;
    }

    for my $i (0 .. $#c) {
        $i % 2 ? $c[$i]->reset : $c[$i]->head;
    }

    my @bad = grep { ($c[$_]->body->json // {})->{body} ne $c[$_]{sent} }
        grep { $_ % 2 == 0 } 0 .. $#c;

    is("@bad", '', 'half of many stay');
    ok(wait_for(sub { left('many') == @c }, 10), 'all are logged');
    $_->close for @c;
}

is(join(' ', $t->worker_pids), $worker, 'all that with one worker');


# ---- reload: what waits is answered by the old worker

for my $do (undef, 'stream') {
    my %c = park_all('long', $do ? (do => $do) : ());
    my $old = $vars{V};

    $vars{V} = $old eq 'one' ? 'two' : 'one';
    $t->conf($CONF, %vars);
    ok($t->reload, 'reloaded');
    is(($t->post('/v1/chat/completions', body())->json // {})->{uri},
       "/$vars{V}/chat/completions", 'a new worker serves');

    for my $stage (@STAGES) {
        my $r = $c{$stage}->response;

        is($r->status, 200, "reload, $stage: answered");
        is($do ? (reverse $r->events)[0]{data} : $r->json->{uri},
           $do ? '[DONE]' : "/$old/chat/completions",
           "reload, $stage: as before it");
        is($c{$stage}->closed, 'eof', "reload, $stage: then it is closed");
        is(went_up($c{$stage}{sent}), 1,
           "reload, $stage: asked once");
    }

    ok(wait_for(sub { !$t->worker_pids(exiting => 1) }),
       'the old worker is gone');
}

# and who leaves the old worker does not keep it

{
    my %c = park_all('long', do => 'hang');

    ok($t->reload, 'reloaded again');
    $_->reset for values %c;
    ok(wait_for(sub { !$t->worker_pids(exiting => 1) }),
       'nobody keeps the old worker');
}


# ---- QUIT waits for them, and ends within a second of the last one

{
    my %c = park_all('long', do => 'stream');

    $t->signal('QUIT');
    ok(wait_for(sub { !eval { $t->connect; 1 } }), 'QUIT: no new ones');

    for my $stage (@STAGES) {
        my $r = $c{$stage}->response;

        is($r->status, 200, "QUIT, $stage: answered");
        is(scalar($r->events), 3, "QUIT, $stage: all of it");
        $c{$stage}->close;
    }

    my $began = time;

    ok($t->stop, 'QUIT: nginx ends');
    cmp_ok(time - $began, '<', $GenAI::Test::SCALE, 'QUIT: at once');
}

# what is wanted of a shutdown with a limit, and of TERM: the end

for my $how ([ 'QUIT', main => "worker_shutdown_timeout 100ms;\n" ],
             [ 'TERM' ])
{
    my ($signal, %o) = @$how;

    instance("limited $signal", %o);

    my %c = park_all('long');
    my $began = time;

    ok($t->stop(signal => $signal), "$signal: nginx ends");
    cmp_ok(time - $began, '<', 2 * $GenAI::Test::SCALE, "$signal: in time");

    for my $stage (@STAGES) {
        my $r = $c{$stage}->response;

        # a timer that nginx ends early is no answer of a provider
        isnt($r->status, 200, "$signal, $stage: no answer")
            if $signal eq 'TERM';
        ok($c{$stage}{eof} || $c{$stage}->closed, "$signal, $stage: closed");
    }
}

# a worker that is killed

{
    instance('killed');

    my %c = park_all('long');

    ok($t->kill_worker, 'KILL: another worker');
    $_->response for values %c;
    is($t->post('/v1/chat/completions', body())->status, 200,
       'KILL: which serves');
}


done_testing;
