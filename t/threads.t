# SPDX-License-Identifier: Apache-2.0

# genai_threads: what takes long is done in a thread, or in turns where there
# is none or its queue is full; either way what comes of a request is the same.
# A client that leaves, a reload and the end of nginx do no harm meanwhile.

use strict;
use warnings;

use lib 't/lib';

use Compress::Raw::Zlib;
use File::Temp ();
use Time::HiRes qw(time);

use GenAI::Test;
use GenAI::Upstream;
use GenAI::Util qw(allot_port);

my (undef, $said) = GenAI::Test->nginx_t(
    'http { genai_threads pool=default; }');

if ($said =~ /unknown directive/) {
    plan(skip_all => 'this nginx has no threads');
}

my $dir = File::Temp->newdir;

# Keeps the bytes of the last body of each instance.

my $up = GenAI::Upstream->new(lossy => 1, requests => [ [ 'noread', sub {
    my ($c) = @_;

    while (my $r = $c->read_head) {
        my ($which) = $r->{uri} =~ m{^/(\w+)/};
        my $body = $c->read_bytes($r->{h}{'content-length'}) // return;

        spew("$dir/$which", $body);
        $c->answer(200, "{\"n\":" . length($body) . '}',
                   'Content-Type' => 'application/json');
    }
} ] ]);

my $CONF = <<'EOF';
%%POOL%%
http {
    log_format l '$status "$genai_error" $genai_step $genai_attempts $uri';
    access_log %%TESTDIR%%/l.log l;
    client_max_body_size 0;
    client_body_timeout 60s;
    client_body_buffer_size 2m;
    keepalive_requests 100000;
    %%THREADS%%

    genai_provider p    { dialect openai;
                          pass http://127.0.0.1:%%UP%%/%%NAME%%; }
    genai_provider dead { dialect openai; pass http://127.0.0.1:%%DEAD%%; }

    genai_model m    { target dead; target p model=else; set p seed 1; }
    genai_model same { target p; }
    genai_model dead { target dead; }

    server {
        listen 127.0.0.1:%%PORT_0%%;
        listen 127.0.0.1:%%PORT_1%% %%LISTEN_H2%%;
        %%HTTP2_ON%%
        genai_auth off;
        location /v1/    { genai_pass; }
        location /file/  { genai_pass; client_body_buffer_size 1k; }
        location /falls/ { genai_pass model=dead; error_page 502 = @same; }
        location @same   { genai_pass model=same; }
    }
}
EOF

my %vars = (UP => $up->port, DEAD => allot_port());

sub instance {
    my ($name, $threads, %o) = @_;

    return GenAI::Test->new(name => $name, log_level => $o{level} || 'debug')
        ->conf($CONF, %vars, NAME => $name, THREADS => $threads,
               POOL => $o{pool} // '')->run;
}

sub waits {
    my ($t, $what) = @_;

    return scalar(() = $t->error_log =~ /genai waits for $what$/mg);
}

sub lines { return scalar(() = $_[0]->access_log('l.log') =~ /\n/g) }

sub gzip {
    my ($text) = @_;

    my ($z) = Compress::Raw::Zlib::Deflate->new(-AppendOutput => 1,
        -WindowBits => WANT_GZIP, -Level => 9);
    my $out = '';

    $z->deflate($text, $out);
    $z->flush($out);

    return $out;
}


# What takes a thread some tenths of a second, and in the end is too much: a
# few hundred KB that inflate to the most that is ever inflated, 256 MB.

my $bomb = do {
    my ($z) = Compress::Raw::Zlib::Deflate->new(-AppendOutput => 1,
        -WindowBits => -15, -Level => 9);
    my ($head, $block) = ('', '');

    $z->deflate('{"model":"m","a":"', $head);
    $z->flush($head, Z_FULL_FLUSH);
    $z->deflate('x' x (1 << 20), $block);
    $z->flush($block, Z_FULL_FLUSH);

    "\x1f\x8b\x08\0\0\0\0\0\0\3$head" . $block x 300;
};

my @bomb = (body => $bomb, headers => [ 'Content-Encoding' => 'gzip' ]);
my $PATH = '/v1/chat/completions';


# ---- the same comes of each request

my %t = (
    turns => instance('turns', ''),
    threads => instance('threads', 'genai_threads pool=default min=1;'),
    pool => instance('pool', 'genai_threads min=16k pool=two;',
                     pool => 'thread_pool two threads=2 max_queue=100;'),
);

my $hi = '{"role":"user","content":"hello \u00e9"}';
my $many = join ',', ($hi) x 5000;
my %bodies = (
    'a small one' => '{"model":"m","messages":[]}',
    'many messages' => "{\"messages\":[$many],\"model\":\"m\"}",
    'a long text' => '{"model":"same","a":"' . 'x' x 1_000_000 . '"}',
    'a stream' => "{\"model\":\"m\",\"stream\":true,\"messages\":[$many]}",
    'many members' => '{"a":{' . join(',', map { "\"k$_\":$_" } 1 .. 50_000)
        . '},"model":"m"}',
    'too many members' => '{' . join(',', map { "\"k$_\":$_" } 1 .. 50_000)
        . ',"model":"m"}',
    'no JSON' => "{\"model\":\"m\",\"messages\":[$many,]}",
    'a lone surrogate' => "{\"model\":\"m\",\"messages\":[$many],"
        . '"a":"\ud800"}',
    'bad UTF-8' => '{"model":"m","a":"' . 'x' x 500_000 . "\xff\"}",
    'cut' => "{\"model\":\"m\",\"messages\":[$many",
    'no model' => "{\"messages\":[$many]}",
    'unknown model' => "{\"messages\":[$many],\"model\":\"nope\"}",
    'a name twice' => '{' . join(',', map { "\"k$_\":$_" } 1 .. 8_000)
        . ',"model":"m","K777":1}',
    'a wrong type' => "{\"messages\":[$many,1],\"model\":\"m\"}",
    'a wrong role' => "{\"messages\":[$many,{\"role\":7}],\"model\":\"m\"}",
    'nothing' => '',
);

my %client = map { $_ => $t{$_}->connect } keys %t;

sub outcome {
    my ($name, $path, %o) = @_;

    unlink "$dir/$name";

    my $c = $client{$name};

    $c = $client{$name} = $t{$name}->connect if $c->{eof};
    $c->request('POST', "/$path/chat/completions", %o);

    my $r = $c->response(timeout => 30);
    my $body = eval { slurp("$dir/$name") } // 'nothing';

    return { status => $r->status, said => $r->body, up => $body,
             kept => $c->reusable };
}

for my $what (sort keys %bodies) {
    for my $path (qw(v1 file falls)) {
        for my $coding ('', 'gzip') {
            my $body = $coding ? gzip($bodies{$what}) : $bodies{$what};
            my %got = map { $_ => outcome($_, $path, body => $body,
                $coding ? (headers => [ 'Content-Encoding' => $coding ])
                        : ()) } keys %t;
            my $how = "$what, /$path/" . ($coding && ", $coding");

            is($got{threads}{status}, $got{turns}{status}, "$how: status");

            for my $k (qw(said up kept)) {
                ok($got{$_}{$k} eq $got{turns}{$k}, "$how: $_: same $k")
                    or diag(substr($got{$_}{$k}, 0, 300), "\nin turns:\n",
                            substr($got{turns}{$k}, 0, 300))
                    for qw(threads pool);
            }
        }
    }
}

SKIP: {
    skip 'this nginx has no debug log', 5
        if $t{turns}->error_log !~ /\[debug\]/;

    is(waits($t{turns}, 'a thread'), 0, 'no directive, no thread');
    cmp_ok(waits($t{turns}, 'its next turn'), '>', 50, 'but turns');
    cmp_ok(waits($t{threads}, 'a thread'), '>', 80, 'threads for all');
    is(waits($t{threads}, 'its next turn'), 0, 'and no turns');

    my $n = waits($t{pool}, 'a thread');

    outcome('pool', 'v1', body => '{"model":"same","a":"' . 'x' x 16_000
            . '"}');
    is(waits($t{pool}, 'a thread'), $n, 'none for what is small');
}

# several on one connection, and on several at once

{
    my $t = $t{threads};
    my $c = $t->connect;
    my $body = $bodies{'a long text'};

    $c->write(join '', map({ $c->request_text('POST', $PATH, body => $body) }
                           1 .. 3), $c->request_text('GET', '/v1/models'));
    $c->{methods} = [ ('POST') x 3, 'GET' ];
    is(join(' ', map { $c->response->status } 1 .. 4), '200 200 200 200',
       'pipelined');
    $c->close;

    my @c = map { $t->connect } 1 .. 20;

    $_->request('POST', $PATH, body => $body) for @c;
    is(join('', map { $_->response->json->{n} == length $body ? '+' : '-' }
            @c), '+' x 20, 'twenty at once');
    $_->close for @c;
}

SKIP: {
    skip 'curl with HTTP/2 is missing', 2 if !GenAI::Test->can_h2;

    for my $body (@bodies{'a long text', 'no JSON'}) {
        my @r = map { $t{$_}->h2('POST', $PATH, body => $body,
                                 port => $t{$_}->port(1)) } qw(turns threads);

        is($r[1]->status . $r[1]->body, $r[0]->status . $r[0]->body,
           'HTTP/2: the same');
    }
}


# ---- a client that leaves

for my $name (qw(threads turns)) {
    my $t = $t{$name};
    my ($worker) = $t->worker_pids;
    my $wait = $name eq 'turns' ? 'its next turn' : 'a thread';
    my $debug = $t->error_log =~ /\[debug\]/;

    for my $end (qw(close reset half_close)) {
        my $lines = lines($t);
        my $waits = waits($t, $wait);
        my $c = $t->connect;

        $c->request('POST', $PATH, @bomb);
        wait_for(sub { waits($t, $wait) > $waits }) if $debug;

        # the loop is free meanwhile
        is($t->get('/v1/models')->status, 200, "$name, $end: others go on");
        is(lines($t), $lines + 1, "$name, $end: it is not done yet")
            if $debug;
        $c->$end;

        ok(wait_for(sub { lines($t) == $lines + 2 }, 20),
           "$name, $end: logged");
        like((split /\n/, $t->access_log('l.log'))[-1],
             $debug ? qr/^499 "caller_gone"/ : qr/^(?:413|499) /,
             "$name, $end: as one that left");
        $c->close;
    }

    # curl that is killed

    SKIP: {
        skip 'curl with HTTP/2 is missing', 1 if !GenAI::Test->can_h2;

        my $lines = lines($t);
        my $waits = waits($t, $wait);

        spew("$dir/bomb", $bomb);

        my $pid = open my $f, '-|', qw(curl -sS -N --http2-prior-knowledge
            --max-time 20 -H), 'Content-Encoding: gzip', '--data-binary',
            "\@$dir/bomb", 'http://127.0.0.1:' . $t->port(1) . $PATH
            or die "curl: $!";

        wait_for(sub { waits($t, $wait) > $waits }) if $debug;
        kill 'KILL', $pid;
        close $f;
        ok(wait_for(sub { lines($t) == $lines + 1 }, 20),
           "$name, HTTP/2: logged");
    }

    # many, of which all leave

    my $lines = lines($t);
    my @c = map { $t->connect } 1 .. 10;

    $_->request('POST', $PATH, @bomb) for @c;
    $_->reset for @c;
    ok(wait_for(sub { lines($t) == $lines + 10 }, 60), "$name: ten that left");
    is(join(' ', $t->worker_pids), $worker, "$name: with the same worker");
    is($t->post($PATH, '{"model":"same"}')->status, 200, "$name: serves");
}


# ---- a queue that is full

{
    my $t = instance('full', 'genai_threads pool=tiny min=1;',
                     pool => 'thread_pool tiny threads=1 max_queue=1;');
    my @c = map { $t->connect } 1 .. 6;

    $_->request('POST', $PATH, @bomb) for @c;
    is($t->get('/v1/models')->status, 200, 'full: others go on');
    is($t->post($PATH, $bodies{'many messages'})->status, 200,
       'full: and are read');

    for my $c (@c) {
        my $r = $c->response(timeout => 60);

        is($r->status . ' ' . ($r->header('x-genai-error') // ''),
           '413 caller_too_large', 'full: each is answered');
        $c->close;
    }

    like($t->error_log, qr/thread pool "tiny" queue overflow/,
         'full: it was');
    is($t->post($PATH, $bodies{'many messages'})->status, 200,
       'full: threads again');

    SKIP: {
        skip 'this nginx has no debug log', 2
            if $t->error_log !~ /\[debug\]/;

        cmp_ok(waits($t, 'a thread'), '>=', 2, 'full: some in a thread');
        cmp_ok(waits($t, 'its next turn'), '>', 100, 'full: some in turns');
    }
}


# ---- reload and the end: what is under way is done

for my $name (qw(threads turns)) {
    my $t = instance("end_$name", $name eq 'turns' ? ''
                     : 'genai_threads pool=default min=1;');
    my $wait = $name eq 'turns' ? 'its next turn' : 'a thread';

    my $begin = sub {
        my $waits = waits($t, $wait);
        my $c = $t->connect;

        $c->request('POST', $PATH, @bomb);
        wait_for(sub { waits($t, $wait) > $waits })
            if $t->error_log =~ /\[debug\]/;
        return $c;
    };

    my $c = $begin->();

    ok($t->reload, "$name: reload");
    is($c->response(timeout => 30)->status, 413,
       "$name: the old worker goes on");
    $c->close;
    ok(wait_for(sub { !$t->worker_pids(exiting => 1) }, 20),
       "$name: and ends");

    $c = $begin->();
    ok($t->reload, "$name: reload");
    $c->reset;
    ok(wait_for(sub { !$t->worker_pids(exiting => 1) }, 20),
       "$name: the old one ends without its client");

    $c = $begin->();
    $t->signal('QUIT');
    is($c->response(timeout => 30)->status, 413, "$name: QUIT waits");
    $c->close;

    my $began = time;

    ok($t->stop, "$name: then nginx ends");
    cmp_ok(time - $began, '<', 2 * $GenAI::Test::SCALE, "$name: at once");

    for my $signal (qw(QUIT TERM)) {
        $t = instance("${signal}_$name", $name eq 'turns' ? ''
                      : 'genai_threads pool=default min=1;');
        $c = $begin->();
        $c->reset if $signal eq 'QUIT';
        ok($t->stop(signal => $signal), "$name: $signal in the middle");
    }
}


# ---- configurations

for (
    [ 'genai_threads pool=default;', undef ],
    [ 'genai_threads pool=default min=0;', undef ],
    [ 'genai_threads min=1m pool=default;', undef ],
    [ 'genai_threads;', qr/invalid number of arguments in "genai_threads"/ ],
    [ 'genai_threads min=64k;',
      qr/"genai_threads" directive needs "pool=NAME", the name of a/ ],
    [ 'genai_threads pool=default; genai_threads pool=default;',
      qr/"genai_threads" directive is duplicate/ ],
    [ 'genai_threads pool=;', qr/invalid parameter "pool=" of genai_threads/ ],
    [ 'genai_threads pool=default min=x;', qr/invalid parameter "min=x"/ ],
    [ 'genai_threads default;', qr/invalid parameter "default" of/ ],
    [ 'genai_threads pool=default max=1;', qr/invalid parameter "max=1"/ ],
    [ 'genai_threads pool=none;', qr/unknown thread pool "none"/ ],
    [ 'server { genai_threads pool=default; }',
      qr/"genai_threads" directive is not allowed here/ ],
) {
    my ($line, $re) = @$_;
    my ($rc, $out) = $t{turns}->nginx_t("http {\n$line\n}");

    if ($re) {
        isnt($rc, 0, "$line: refused");
        like($out, $re, "$line: why");
        like($out, qr/ in \S+:\d+$/m, "$line: where");

    } else {
        is($rc, 0, "$line: good") or diag($out);
    }
}


done_testing;
