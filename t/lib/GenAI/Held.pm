# SPDX-License-Identifier: Apache-2.0

package GenAI::Held;

=head1 NAME

GenAI::Held - an nginx with books, and streams that wait where a test wants it

=head1 SYNOPSIS

    my $t = nginx('name', workers => 2)->run;      # with books in "books"
    my $c = held($t);                  # behind its third event of 4 bytes
    ...
    let_go($c);                        # which returns how many end well
    asked($t)->status;                 # one exchange, at once
    says($t, '2 0 0 20 8', 'both are in the books');

One that is let go is told to have used 10 and 7 tokens, one that was asked 10
and 1; what dies as it is held has used 2 and 3.  as_daemon() starts nginx as
it is in life; its processes are the test's to be waited for.

=cut

use strict;
use warnings;

use Digest::SHA qw(sha256_hex);
use Exporter 'import';
use JSON::PP ();
use POSIX qw(WNOHANG);

use GenAI::Test;
use GenAI::Upstream;

our @EXPORT = qw(nginx held let_go asked totals sums says worker_of as_daemon
                 verified nginx_t show upstream kill_all $USER $REAPS);

# whose the workers are: somebody else's, where that is possible
our $USER = $> == 0 ? 'nobody ' . getgrgid((getpwnam 'nobody')[3]) : 'root';

my $TOOL = "$GenAI::Test::ROOT/build/genai-books";
my $SSE = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
    . "Transfer-Encoding: chunked\r\n\r\n";

# children of a master that ends are ours from then on: PR_SET_CHILD_SUBREAPER
my $prctl = { x86_64 => 157, aarch64 => 167 }->{(POSIX::uname())[4]};
our $REAPS = $prctl && syscall($prctl, 36, 1, 0, 0, 0) == 0;

my $up;

# The upstream of all of them, made when it is wanted.

sub upstream { return $up //= GenAI::Upstream->new(lossy => 1,
                                                   route => \&route) }

sub route {
    my ($r) = @_;
    my $do = JSON::PP::decode_json($r->{body});
    my $event = sub { 'data: ' . json_text({ @_ }) . "\n\n" };
    my @say = map { $event->(choices => [ { index => 0,
        delta => { content => 'abcd' } } ]) } 1 .. 3;

    return [ [ json => 200, { choices => [ { finish_reason => 'stop' } ],
               usage => { prompt_tokens => 10, completion_tokens => 1,
                          total_tokens => 11 } } ] ] unless $do->{user};
    return [ [ send => $SSE ], [ chunk => @say ],
             [ wait => "go $do->{user}" ],
             [ chunk => $event->(choices => [ { index => 0, delta => {},
                                                finish_reason => 'stop' } ]),
               $event->(choices => [], usage => { prompt_tokens => 10,
                        completion_tokens => 7, total_tokens => 17 }),
               "data: [DONE]\n\n" ], 'chunk_end' ];
}

our $CONF = <<'EOC';
http {
    genai_policy policy.json;
    genai_books %%BOOKS%%;
    genai_provider p { dialect openai; pass http://127.0.0.1:%%UP%%/v1; }
    genai_model m { target p; }
    server {
        listen 127.0.0.1:%%PORT_0%%;
        location /v1/     { genai_pass; }
        location /off/    { genai_pass; genai_auth off; }
        location /in/     { genai on; genai_auth off;
                            proxy_pass http://127.0.0.1:%%UP%%/v1/; }
        location = /usage { genai_usage; }
        location /plain/  { return 200 "plain"; }
    }
}
EOC

my $nr = 0;

sub nginx {
    my ($name, %o) = @_;

    my $books = delete $o{books} // 'books';
    my $strict = delete $o{strict} ? 'genai_strict on;' : '';
    my $policy = delete $o{policy} // {};
    my $t = GenAI::Test->new(name => $name, log_level => 'info',
                             user => $USER, clean_timeout => 20, %o);

    $t->write_file('policy.json', json_text({ schema => 1, %$policy,
        teams => { a => {} },
        keys => { k => { sha256 => [ sha256_hex('sk-k') ], team => 'a' } } }));
    $t->conf($CONF =~ s/genai_books %%BOOKS%%/$strict $&/r,
             UP => upstream()->port, BOOKS => $books);

    return $t;
}

# a stream that waits, behind its third event

sub held {
    my ($t) = @_;

    my $c = $t->stream('/v1/chat/completions', {
        model => 'm', stream => \1, user => 'h' . ++$nr,
        messages => [ { role => 'user', content => '12345678' } ] },
        headers => [ Authorization => 'Bearer sk-k' ]);

    $c->{nr} = "h$nr";
    $c->next_event for 1 .. 3;

    return $c;
}

sub let_go {
    my (@c) = @_;

    my $whole = 0;

    for my $c (@c) {
        upstream()->signal("go $c->{nr}");
        $c->body;
        $whole++ if $c->ended eq 'complete' && $c->{response}->body =~ /DONE/;
        $c->close;
    }

    return $whole;
}

sub asked {
    my ($t, $where) = @_;

    return $t->post('/' . ($where // 'v1') . '/chat/completions',
        { model => 'm', messages => [ { role => 'user', content => 'hi' } ] },
        headers => [ Authorization => 'Bearer sk-k' ]);
}

sub totals {
    my ($t) = @_;

    # JSON of many rows takes its time here
    my ($totals) = $t->get('/usage')->body =~ /"totals":(\{[^{}]*\})/;

    return defined $totals ? JSON::PP::decode_json($totals) : {};
}

# the books say so: exchanges, orphans, estimated, prompt and completion tokens

sub sums {
    my ($t) = @_;

    my $s = totals($t);

    return join ' ', map { $s->{$_} // '-' } qw(exchanges orphans estimated
        prompt_tokens completion_tokens);
}

sub says {
    my ($t, $want, $name, $timeout) = @_;

    wait_for(sub { sums($t) eq $want }, $timeout || 3);
    is(sums($t), $want, $name);
}

# whose connection the client's one is

sub worker_of {
    my ($t, $c) = @_;

    my $me = sprintf ':%04X', $c->{sock}->sockport;
    my $it = sprintf ':%04X', $t->port;

    for my $pid ($t->worker_pids, $t->worker_pids(exiting => 1)) {
        my %inode = map { (readlink($_) // '') =~ /^socket:\[(\d+)\]/
                          ? ($1 => 1) : () } glob "/proc/$pid/fd/*";

        for (split /\n/, slurp("/proc/$pid/net/tcp")) {
            my @f = split;

            return $pid if @f > 9 && $f[1] =~ /$it$/ && $f[2] =~ /$me$/
                && $inode{$f[9]};
        }
    }

    return 0;
}


# Starts nginx as a daemon, as it is in life: without that its master takes no
# USR2.

sub as_daemon {
    my ($t) = @_;

    my $text = $t->expand(GenAI::Test::globals($t->{conf}));

    $t->write_file('nginx.conf', $text =~ s/daemon off;//r);

    my ($rc, $out) = run_cmd([ $GenAI::Test::NGINX, '-p', "$t->{dir}/",
        '-c', 'nginx.conf', '-e', "$t->{dir}/error.log" ],
        env => { $t->environment($t->{dir}) });

    is($rc, 0, "$t->{name}: a daemon") or diag($out);
    GenAI::Test->register($t) unless $t->{registered}++;

    wait_for(sub {
        ($t->{pid}) = (eval { slurp("$t->{dir}/nginx.pid") } // '')
            =~ /^(\d+)\n/;
        return $t->{pid} && $t->worker_pids == $t->{workers};
    }, 20) or die "no daemon\n" . $t->log_tail;

    return $t;
}


# Checks the same configuration with other books.

sub nginx_t {
    my ($books, $more) = @_;

    my $t = GenAI::Test->new;

    $t->write_file('t/policy.json', '{"schema":1}');
    return $t->nginx_t($CONF, UP => upstream()->port, BOOKS => $books);
}


# Whether the tool finds them well.

sub verified {
    my ($dir, $name) = @_;

    SKIP: {
        skip("no $TOOL: make tools", 1) unless -x $TOOL;

        my ($rc, $out) = run_cmd([ $TOOL, 'verify', $dir ]);

        is($rc, 0, $name) or diag($out);
    }
}


# All of nginx at once.

sub kill_all {
    my ($t) = @_;

    my $pid = $t->pid;

    # so that it starts no other meanwhile
    kill 'STOP', $pid;
    wait_for(sub { slurp("/proc/$pid/stat") =~ /\) T / })
        or die 'it does not stop';

    my @pids = ($t->child_pids, $pid);

    kill 'KILL', @pids;
    wait_for(sub {
        waitpid $_, WNOHANG for $REAPS ? @pids : $pid;
        return !grep { -e "/proc/$_" } @pids;
    }, 10) or die 'they do not die';

    delete $t->{pid};
}


sub show {
    my (@bad) = @_;

    diag("    $_") for @bad > 5 ? (@bad[0 .. 4], scalar(@bad) . ' in all')
                                : @bad;
}


1;
