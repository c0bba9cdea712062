# SPDX-License-Identifier: Apache-2.0

# Reload and the end: streams that are open finish in the old workers while new
# ones serve the new configuration; QUIT waits for them, TERM does not.

use strict;
use warnings;

use lib 't/lib';

use JSON::PP ();
use Time::HiRes qw(time);

use GenAI::Test;
use GenAI::Upstream;

my $SSE = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
    . "Transfer-Encoding: chunked\r\n\r\n";

sub said { JSON::PP->new->canonical->encode({
    choices => [ { index => 0, delta => { content => $_[0] } } ] }) }

sub upstream {
    my ($name) = @_;

    return GenAI::Upstream->new(name => $name, lossy => 1, route => sub {
        my ($r) = @_;
        my $do = JSON::PP::decode_json($r->{body});

        # one that says something: it is passed on, another target or not

        return [ [ send => $SSE ], [ chunk => "data: " . said("1 $name")
                                              . "\n\n" ],
                 [ wait => "go $do->{nr}" ],
                 [ chunk => "data: 2\n\n", "data: [DONE]\n\n" ], 'chunk_end' ]
            if $do->{do} eq 'stream';
        return [ [ mark => "asked $do->{nr}" ], [ wait => "go $do->{nr}" ],
                 [ json => 200, { who => $name, key => $r->{h}{authorization},
                                  body => $r->{body},
                                  choices => [ { finish_reason => 'stop' } ]
                                } ] ]
            if $do->{do} eq 'wait';
        return [ [ mark => "asked $do->{nr}" ], [ wait => "go $do->{nr}" ],
                 [ json => 429, {} ] ]
            if $do->{do} eq 'fail';
        return [ [ json => 200, { who => $name, body => $r->{body},
                                  key => $r->{h}{authorization},
                                  choices => [ { finish_reason => 'stop' } ]
                                } ] ];
    });
}

my $CONF = <<'EOF';
http {
    genai_provider p    { dialect openai; pass http://127.0.0.1:%%UP%%/v1;
                          credential file:key; }
    genai_provider next { dialect openai; pass http://127.0.0.1:%%UP%%/next;
                          credential file:key2; }
    upstream u { server 127.0.0.1:%%UP%%; keepalive 4; }
    genai_provider u    { dialect openai; pass http://u.test/v1; upstream u; }
    genai_model m { target p; target next; }
    genai_model u { target u; }
    server {
        listen 127.0.0.1:%%PORT_0%%;
        location / { genai_pass; genai_auth off; client_body_buffer_size 1k; }
    }
}
EOF

my $n = 0;

for my $workers (1, 2) {
    my $old = upstream("old$workers");
    my $new = upstream("new$workers");
    my $t = GenAI::Test->new(workers => $workers, log_level => 'info',
                             name => "nginx of $workers");

    $t->write_file('key', 'k1');
    $t->write_file('key2', 'k2');
    $t->conf($CONF, UP => $old->port)->run;

    my $ask = sub {
        my ($do, %o) = @_;
        my $c = $t->connect;

        $c->request('POST', '/v1/chat/completions', body => json_text({
            model => $o{model} || 'm', do => $do, nr => ++$n,
            $o{size} ? (a => 'x' x $o{size}) : () }));
        $c->{n} = $n;

        return $c;
    };

    my $W = "$workers worker(s)";

    # what is open: streams, requests that wait, one that will need its second
    # target, one whose body is not here yet, and connections that are idle

    my @streams = map { $ask->('stream', model => $_ % 2 ? 'm' : 'u') } 1 .. 4;
    my @waits = map { $ask->('wait', size => 10 ** $_) } 1 .. 4;
    my $fails = $ask->('fail');
    my $body = $t->connect;
    my $idle = $ask->('');
    my $late = '{"do":"","model":"m","nr":1}';

    $body->write("POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\n"
        . 'Content-Length: ' . length($late) . "\r\n\r\n"
        . substr($late, 0, 10));

    is($idle->response->json->{who}, "old$workers", "$W: it serves");
    is($_->next_event->{data}, said("1 old$workers"), "$W: a stream has begun")
        for @streams;
    ok($old->wait_mark("asked $_->{n}"), "$W: a request waits")
        for @waits, $fails;

    # a new configuration, with another upstream, key and model

    my $errors = $t->error_log;

    $t->write_file('key', 'k3');
    $t->conf($CONF =~ s/genai_model u/genai_model new { target p; } $&/r,
             UP => $new->port);
    ok($t->reload, "$W: reloaded");
    cmp_ok(scalar(my @w = $t->worker_pids(exiting => 1)), '>=', 1,
           "$W: an old worker is there");

    my $r = $t->post('/v1/chat/completions', { model => 'new', do => '' });

    is($r->status, 200, "$W: new requests are served meanwhile");
    is($r->json->{who} . $r->json->{key}, "new${workers}Bearer k3",
       "$W: by the new configuration");
    is($idle->closed(timeout => 5), 'eof',
       "$W: an idle connection of a client is closed");

    # a second reload: three generations

    ok($t->reload, "$W: reloaded again");
    is($t->post('/v1/chat/completions', { model => 'u', do => '' })->status,
       200, "$W: served by the third");

    # all finish as if nothing had been

    for my $c (@streams) {
        $old->signal("go $c->{n}");
        is($c->next_event->{data}, '2', "$W: the second event");
        is($c->next_event->{data}, '[DONE]', "$W: the last one");
        $c->body;
        is($c->ended, 'complete', "$W: a good end");
    }

    for my $c (@waits) {
        $old->signal("go $c->{n}");
        my $j = $c->response->json;
        is($j->{who} . $j->{key}, "old${workers}Bearer k1",
           "$W: a request by the old configuration");
        like($j->{body}, qr/"nr":$c->{n}\}?/, "$W: its own");
    }

    $old->signal("go $fails->{n}");

    # the second target's answer waits for the same word
    is($fails->response->status, 429, "$W: a failover in an old worker");
    is((reverse $old->requests)[0]{uri}, '/next/chat/completions',
       "$W: to its second target");
    is((reverse $old->requests)[0]{h}{authorization}, 'Bearer k2',
       "$W: with its key");

    $body->write(substr $late, 10);
    $body->{methods} = [ 'POST' ];
    is($body->response->json->{who}, "old$workers",
       "$W: a body that comes late");

    $_->close for @streams, @waits, $fails, $body, $idle;

    ok(wait_for(sub { !$t->worker_pids(exiting => 1) }, 10),
       "$W: the old workers are gone");
    ok(wait_for(sub { $old->events('closed')
                      >= $old->connections }), "$W: with their connections");
    unlike(substr($t->error_log, length $errors),
           qr/\[(?:error|alert|crit)\]|open socket/, "$W: without a word");

    # QUIT waits

    my $s = $ask->('stream');

    is($s->next_event->{data}, said("1 new$workers"),
       "$W: a stream before QUIT");
    $t->signal('QUIT');
    ok(wait_for(sub { $t->worker_pids(exiting => 1) }), "$W: it is ending");
    ok(wait_for(sub { !eval { $t->connect; 1 } }), "$W: no new connections");
    is($s->next_event(timeout => 0.05), undef, "$W: the stream is there");
    $new->signal("go $s->{n}");
    is($s->next_event->{data}, '2', "$W: and goes on");
    is($s->next_event->{data}, '[DONE]', "$W: to its end");
    $s->body;
    is($s->ended, 'complete', "$W: a good one");

    # nginx would linger for a client that does not close
    $s->close;

    my $began = time;

    ok($t->stop, "$W: then nginx ends");
    cmp_ok(time - $began, '<', 3 * $GenAI::Test::SCALE, "$W: at once");

    # TERM does not

    $t->conf($CONF, UP => $new->port)->run;
    $s = $ask->('stream');
    is($s->next_event->{data}, said("1 new$workers"),
       "$W: a stream before TERM");
    $began = time;
    ok($t->stop(signal => 'TERM'), "$W: TERM ends it");
    cmp_ok(time - $began, '<', 3 * $GenAI::Test::SCALE, "$W: at once");
    $s->body;
    isnt($s->ended, 'complete', "$W: the client sees that it was cut");
    delete $t->{exit};

    # a worker that is killed takes its own requests along, no others

    $t->conf($CONF, UP => $new->port)->run;

    my @s = map { $ask->('stream') } 1 .. 6;
    is($_->next_event->{data}, said("1 new$workers"),
       "$W: a stream before KILL")
        for @s;
    ok($t->kill_worker, "$W: a worker is killed");
    $new->signal("go $_->{n}") for @s;

    my $whole = 0;

    for my $c (@s) {
        $c->body;
        $whole++ if $c->ended eq 'complete';
        $c->close;
    }

    cmp_ok($whole, $workers == 1 ? '==' : '<=', $workers == 1 ? 0 : 6,
           "$W: its streams end");
    is($t->post('/v1/chat/completions', { model => 'm', do => '' })->status,
       200, "$W: another worker serves");
}


# QUIT with a limit: what is open then is cut

{
    my $up = upstream('limited');
    my $t = GenAI::Test->new(log_level => 'info', name => 'limited')
        ->conf("worker_shutdown_timeout 300ms;\n$CONF", UP => $up->port);

    $t->write_file('key', 'k1');
    $t->write_file('key2', 'k2');
    $t->run;

    my @c = map { $t->stream('/v1/chat/completions', {
        model => $_, do => 'stream', nr => $_ }) } qw(m u);
    my $wait = $t->connect;

    $wait->request('POST', '/v1/chat/completions',
                   body => '{"model":"m","do":"wait","nr":"w"}');
    ok($up->wait_mark('asked w'), 'limited: a request waits');
    is($_->next_event->{data}, said('1 limited'), 'limited: a stream')
        for @c;

    my $began = time;

    $t->signal('QUIT');
    $_->body for @c;
    isnt($_->ended, 'complete', 'limited: it is cut') for @c;
    isnt($wait->response->status, 200, 'limited: no answer');
    $_->close for @c, $wait;
    ok($t->stop, 'limited: nginx ends');
    cmp_ok(time - $began, '<', 3 * $GenAI::Test::SCALE, 'limited: in time');
}


# no connections left: an answer in JSON, and service when there are again

{
    my $up = upstream('full');
    my $t = GenAI::Test->new(log_level => 'info', name => 'full',
                             allow => [ qr/worker_connections/ ])
        ->conf("events { worker_connections 15; }\n$CONF", UP => $up->port);

    $t->write_file('key', 'k1');
    $t->write_file('key2', 'k2');
    $t->run;

    my (@c, $r);

    for (1 .. 12) {
        my $c = $t->connect;

        push @c, $c;
        $c->request('POST', '/v1/chat/completions', body => json_text({
            model => $_ % 2 ? 'm' : 'u', do => 'stream', nr => $_ }));
        $r = $c->head;
        last if $r->status != 200;
    }

    $c[-1]->body;
    like($r->status . ' ' . ($r->header('x-genai-error') // '-'),
         qr/^50[03] gateway_/, 'full: refused');
    ok($r->json->{error}, 'full: as JSON');
    cmp_ok(scalar(@c), '>', 3, 'full: after some streams');
    $_->close for @c;
    ok(wait_for(sub { $t->post('/v1/chat/completions',
        { model => 'm', do => '' })->status == 200 }), 'full: serves again');
}


done_testing;
