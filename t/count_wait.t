# SPDX-License-Identifier: Apache-2.0

# Counting takes long: what happens meanwhile, in a thread and in turns.  The
# client leaves, nginx is reloaded or ends, an error_page leads elsewhere, where
# it is counted anew.  And a conversation that grows costs what is new of it.

use strict;
use warnings;

BEGIN { $ENV{GENAI_ALARM} ||= 180 }

use lib 't/lib';

use Cwd qw(getcwd);
use File::Temp ();
use List::Util qw(min);

use GenAI::Test;
use GenAI::Upstream;
use GenAI::Util qw(allot_port);

my $data = getcwd() . '/build/data';

plan(skip_all => "no vocabularies in $data: run \"make data\" first")
    unless -e "$data/o200k_base.vocab" && -e "$data/cl100k_base.vocab";

my (undef, $said) = GenAI::Test->nginx_t(
    'http { genai_threads pool=default; }');
my @HOW = $said =~ /unknown directive/ ? 'turns' : qw(threads turns);

my $dir = File::Temp->newdir;

chmod 0755, $dir;
spew("$dir/models.json", '{"schema":1,"models":{'
     . '"new":{"framing":"none","tokenizer":"o200k_base"},'
     . '"old":{"framing":"none","tokenizer":"cl100k_base"},'
     . '"none":{"framing":"none","tokenizer":"none"},'
     . '"tiny":{"framing":"none","tokenizer":"cl100k_base","context":3}}}');
symlink "$data/$_.vocab", "$dir/$_.vocab" for qw(o200k_base cl100k_base);

my $up = GenAI::Upstream->new(lossy => 1, requests => [ [ 'noread', sub {
    my ($c) = @_;

    while (my $r = $c->read_head) {
        $c->read_bytes($r->{h}{'content-length'} // 0) // return;
        $c->answer(200, json_text({ choices => [ { index => 0, message =>
            { role => 'assistant', content => 'yes' },
            finish_reason => 'stop' } ] }), 'Content-Type' =>
            'application/json');
    }
} ] ]);

my $CONF = <<'EOF';
http {
    log_format l '$status "$genai_error" $genai_prompt_tokens $genai_overhead';
    access_log %%TESTDIR%%/l.log l;
    client_max_body_size 100m;
    client_body_buffer_size 40m;
    %%THREADS%%

    genai_zone zone=z:8m;
    genai_catalog %%DIR%%/models.json;
    genai_provider p    { dialect openai; pass http://127.0.0.1:%%UP%%/v1; }
    genai_provider q    { dialect openai; pass http://127.0.0.1:%%UP%%/v2; }
    genai_provider dead { dialect openai; pass http://127.0.0.1:%%DEAD%%; }

    genai_model one  { target p model=new; }
    genai_model dead { target dead model=new; }
    genai_model many { target p model=tiny;
                       target q model=old;
                       target dead model=new;
                       target p model=none name=r; }

    server {
        listen 127.0.0.1:%%PORT_0%%;
        genai_auth off;
        location /v1/     { genai_pass model=one; }
        location /falls/  { genai_pass model=dead; error_page 502 = @many; }
        location /falls1/ { genai_pass model=many; error_page 502 = @one; }
        location @many    { genai_pass model=many; }
        location @one     { genai_pass model=one; }
        location /metrics { genai_metrics; }
    }
}
EOF

sub instance {
    my ($how, $conf, $level) = @_;

    return GenAI::Test->new(name => $how, log_level => $level // 'debug')
        ->conf($conf // $CONF, UP => $up->port, DEAD => allot_port(),
               DIR => "$dir",
               THREADS => $how eq 'turns' ? ''
                          : 'genai_threads pool=default min=1;')->run;
}

sub body {
    return '{"model":"m","messages":['
        . join(',', map { qq({"role":"user","content":"$_"}) } @_) . ']}';
}

sub log_line {
    my ($t, $n) = @_;

    my $line;

    wait_for(sub {
        defined($line = ($t->access_log('l.log') =~ /^(.*)\n/mg)[$n]);
    }, 30);

    return $line // '';
}

sub lines { return scalar(() = $_[0]->access_log('l.log') =~ /\n/g) }

# counted for some tenths of a second, and another text each time

srand 1;

my ($turn, $nonsense) = (0, join '', map { chr 97 + rand 26 } 1 .. 3 << 20);

sub long { return body(++$turn . " $nonsense") }

my $PATH = '/chat/completions';


for my $how (@HOW) {
    my $t = instance($how);
    my ($worker) = $t->worker_pids;
    my $wait = $how eq 'turns' ? 'its next turn' : 'a thread';
    my $debug = $t->error_log =~ /\[debug\]/;

    # reading the request is the first wait of a thread; of turns there are 50

    my $waits = sub {
        return scalar(() = $t->error_log =~ /genai waits for $wait$/mg);
    };

    my $begin = sub {
        my $was = $waits->();
        my $c = $t->connect(timeout => 60);

        $c->request('POST', "/v1$PATH", body => long(), timeout => 30);
        wait_for(sub { $waits->() >= $was + ($how eq 'turns' ? 60 : 2) }, 20)
            if $debug;

        return $c;
    };

    # ---- the client leaves

    for my $end (qw(close reset half_close)) {
        my $n = lines($t);
        my $c = $begin->();

        is($t->get('/v1/models')->status, 200, "$how, $end: others go on");
        $c->$end;
        ok(wait_for(sub { lines($t) == $n + 2 }, 30), "$how, $end: logged");
        like(join("\n", map { log_line($t, $_) } $n, $n + 1),
             qr/^(?:499|200) "caller_gone"/m, "$how, $end: as one that left");
        $c->close;
    }

    # many, of which all leave

    {
        my $n = lines($t);
        my @c = map { $t->connect } 1 .. 4;

        $_->request('POST', "/v1$PATH", body => long()) for @c;
        $_->reset for @c;
        ok(wait_for(sub { lines($t) == $n + @c }, 60), "$how: four that left");
    }

    is(join(' ', $t->worker_pids), $worker, "$how: its worker lives");

    # ---- an error_page, from one target to four, and back

    for my $size (1, 3000, 300_000) {
        my $text = 'hello ' x $size;
        my $n = lines($t);

        is($t->post("/falls$PATH", body($text))->status, 200,
           "$how: to more targets");
        like(log_line($t, $n), qr/^200 "" $size|^200 "" @{[$size + 1]} /,
             "$how: their count");
        $n = lines($t);
        is($t->post("/falls1$PATH", body($text))->status, 200,
           "$how: the other way");
        log_line($t, $n);
    }

    # ---- reload, and the end

    my $c = $begin->();

    ok($t->reload, "$how: reload");
    is($c->response(timeout => 60)->status, 200, "$how: the old one goes on");
    $c->close;
    ok(wait_for(sub { !$t->worker_pids(exiting => 1) }, 20),
       "$how: and ends");

    $c = $begin->();
    ok($t->reload, "$how: reload");
    $c->reset;
    ok(wait_for(sub { !$t->worker_pids(exiting => 1) }, 20),
       "$how: the old one ends without its client");

    $c = $begin->();
    $t->signal('QUIT');
    is($c->response(timeout => 60)->status, 200, "$how: QUIT waits");
    $c->close;
    ok($t->stop, "$how: then nginx ends");

    $t = instance($how);
    $c = $begin->();
    ok($t->stop(signal => 'TERM'), "$how: TERM in the middle");
    $c->close;
}


# ---- conversations of 500 KB, to which a turn is added each time

{
    my $t = instance('turns', $CONF, 'notice');
    my $plain = instance('turns', $CONF =~ s/^ *genai_catalog.*\n//mr,
                         'notice');

    # words as they come, and an escape in each text
    my @words = map { split } slurp('docs/DIRECTIVES.md')
        =~ s/[^ -~\n]|["\\]/ /gr;
    my $say = sub {
        my ($n) = @_;
        my $text = ++$turn . '\n';

        $text .= ' ' . $words[rand @words] while length $text < $n;
        return $text;
    };

    # ns of the worker's processor that requests take
    my $ask = sub {
        my ($t, @bodies) = @_;
        my ($worker) = $t->worker_pids;
        my $cpu = sub { (split ' ', slurp("/proc/$worker/schedstat"))[0] };
        my $n = lines($t);
        my $was = $cpu->();

        for (@bodies) {
            is($t->post("/v1$PATH", $_)->status, 200, 'a turn');
        }

        log_line($t, $n + $#bodies);

        return $cpu->() - $was;
    };

    my $counted = sub {
        return $t->get('/metrics')->body
            =~ /^genai_count_bytes_total\{from="text"\} (\d+)$/m ? $1 : 0;
    };

    my @talks = map { [ map { $say->(5000) } 1 .. 100 ] } 1 .. 10;
    my (@bytes, @took, @base);

    for my $n (1 .. 10) {
        push @$_, $say->(500) for @talks;

        my @bodies = map { body(@$_) } @talks;
        my $was = $counted->();
        my $took = $ask->($t, @bodies);

        push @bytes, $counted->() - $was;
        push @took, $took;
        push @base, $ask->($plain, @bodies);
    }

    # the later turns are as one, and the machine may have other work, which
    # only adds
    my $first = $took[0] - $base[0];
    my $rest = min(@took[1 .. 9]) - min(@base[1 .. 9]);

    cmp_ok($bytes[0], '>', 4_500_000, 'the first turn is counted whole');
    cmp_ok($bytes[9], '<', $bytes[0] / 50, 'the tenth is what is new');

    SKIP: {
        skip 'this build is not measured', 1 if $GenAI::Test::SCALE != 1;

        cmp_ok($rest, '<', $first / 10, 'and costs under a tenth');
        note(sprintf '%.2f ms, and %.2f', map { $_ / 1e7 } $first, $rest);
    }
}

done_testing;
