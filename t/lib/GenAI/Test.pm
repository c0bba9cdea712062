# SPDX-License-Identifier: Apache-2.0

package GenAI::Test;

=head1 NAME

GenAI::Test - runs nginx for a test file

=head1 SYNOPSIS

    use strict;
    use warnings;
    use lib 't/lib';
    use GenAI::Test;                   # Test::More's functions come with it

    my $sim = GenAI::Test->sim(tokens => 20);      # a simulated provider
    my $t = GenAI::Test->new(workers => 1)->conf(<<'EOF', SIM => $sim->port);
    http {
        genai_provider local { dialect openai;
                               pass http://127.0.0.1:%%SIM%%/v1; }
        genai_model gpt-4o   { target local; }
        server {
            listen 127.0.0.1:%%PORT_0%%;
            location /v1/ { genai_pass; genai_auth off; }
        }
    }
    EOF
    $t->run;

    my $r = $t->post('/v1/chat/completions', { model => 'gpt-4o', ... });
    is($r->status, 200, 'answered');
    done_testing;                      # stops all, checks how nginx ended

In a configuration %%PORT_n%% is a free port (0 to 99), %%TESTDIR%% the
folder of the instance, %%GLOBALS%% the lines that the main level needs
(load_module, error_log, pid, user, ...; put first when not written) and
%%GLOBALS_HTTP%% those of http{} (put after "http {" when not written),
%%NAME%% any pair given to conf() or new(vars => {}).  "events { }" is added
when missing.  %%LISTEN_H2%% and %%HTTP2_ON%% turn HTTP/2 on in every
version: "listen 127.0.0.1:%%PORT_1%% %%LISTEN_H2%%; %%HTTP2_ON%%".

A test ends with done_testing (this module's, which stops every instance
first).  One check an instance says whether it ended clean: it exits on
QUIT, its error log has no alert, emerg or crit line but those allowed by
allow(), no sanitizer spoke, no process crashed, no connection leaked.  A file
that ends before done_testing fails.  Every file is ended by an alarm.

Environment: GENAI_NGINX (path of nginx), GENAI_MODULES (folder of the .so
files, build/debian), GENAI_STATIC=1 (the modules are in the binary),
GENAI_SCALE (factor on all deadlines), GENAI_ALARM (seconds a file may take),
GENAI_LEAVE=1 (keep the folders), GENAI_CATLOG=1 (print error logs).

=cut

use strict;
use warnings;

use Cwd ();
use Exporter 'import';
use File::Basename ();
use File::Temp ();
use IO::Socket::INET;
use POSIX qw(WNOHANG);
use Test::More ();
use Time::HiRes qw(time sleep);

use parent 'GenAI::Requests';

use GenAI::Util qw(:DEFAULT allot_port exec_command die_with_parent);

our @EXPORT = (grep({ $_ ne 'done_testing' } @Test::More::EXPORT),
               qw(done_testing wait_for run_cmd json_text slurp spew));

our $ROOT = Cwd::abs_path(File::Basename::dirname(__FILE__) . '/../../..');
our $SCALE = $GenAI::Util::SCALE;

our $NGINX = $ENV{GENAI_NGINX}
    || (grep { -x } '/usr/sbin/nginx', '/usr/local/nginx/sbin/nginx')[0]
    || 'nginx';
our $MODULES = Cwd::abs_path($ENV{GENAI_MODULES} || "$ROOT/build/debian")
    || "$ROOT/build/debian";

my ($owner, $finished, @all, %version);

BEGIN {
    no strict 'refs';
    *$_ = \&{"Test::More::$_"}
        for grep { /^\w+$/ && $_ ne 'done_testing' } @Test::More::EXPORT;

    $owner = $$;
    $| = 1;

    my $limit = ($ENV{GENAI_ALARM} || 120) * ($ENV{GENAI_SCALE} || 1);

    $SIG{ALRM} = sub {
        require Carp;
        Carp::cluck("this file takes more than $limit s");
        exit 124;
    };
    $SIG{$_} = sub { exit 130 } for qw(INT TERM HUP);

    alarm $limit;
}


# What is to be ended with the file, an object with stop() and finish():
# nginx instances and scripted upstreams.

sub register { push @all, $_[1] }


# workers, name, modules (names without ngx_http_ and _module.so), vars, user
# (root's tests only), log_level, allow, clean_timeout, env, conf_name

sub new {
    my ($class, %o) = @_;

    my $self = bless {
        workers => 1, user => 'root', log_level => 'debug',
        modules => ['genai'], vars => {}, name => 'nginx', allow => [],
        conf_name => 'nginx.conf', clean_timeout => 10, env => {}, %o,
    }, $class;

    $self->{dir} = File::Temp::tempdir('genai-XXXXXXXX', TMPDIR => 1,
                                       CLEANUP => !$ENV{GENAI_LEAVE});

    # workers of another user must get in
    chmod 0755, $self->{dir};

    diag("$self->{name}: $self->{dir}") if $ENV{GENAI_LEAVE};

    return $self;
}


sub dir { return $_[0]{dir} }
sub pid { return $_[0]{pid} }


# A free TCP port that is ours until the file ends, used or not.

sub port {
    my ($self, $n) = @_;

    return $self->{ports}{$n // 0} //= allot_port();
}


# ---- configuration and files

# Sets the configuration, to be used by run() and reload().

sub conf {
    my ($self, $text, %vars) = @_;

    $self->{vars} = { %{$self->{vars}}, %vars };
    $self->{conf} = $text;

    $self->write_file($self->{conf_name}, $self->expand(globals($text)))
        if $self->{pid};

    return $self;
}


sub globals {
    my ($text) = @_;

    $text .= "\nevents { }\n" unless $text =~ /^\s*events\b/m;
    $text = "%%GLOBALS%%\n$text" unless $text =~ /%%GLOBALS%%/;
    $text =~ s/^(\s*http\s*\{)/$1 %%GLOBALS_HTTP%%/m
        unless $text =~ /%%GLOBALS_HTTP%%/;

    return $text;
}


sub load_modules {
    my ($self) = @_;

    return '' if $ENV{GENAI_STATIC};
    return join '', map { "load_module $MODULES/ngx_http_${_}_module.so; " }
        @{$self->{modules}};
}


sub expand {
    my ($self, $text, %vars) = @_;

    my $dir = $vars{TESTDIR} || $self->{dir};
    my %v = (
        TESTDIR => $dir,
        ROOT => $ROOT,
        GLOBALS => $self->load_modules
            . ($> == 0 ? "user $self->{user}; " : '')
            . "daemon off; pid $dir/nginx.pid; working_directory $dir; "
            . "worker_processes $self->{workers}; "
            . "error_log $dir/error.log $self->{log_level};",
        GLOBALS_HTTP => join(' ', map { "${_}_temp_path $dir/tmp_$_;" }
                             qw(client_body proxy fastcgi uwsgi scgi))
            . " access_log $dir/access.log;",
        LISTEN_H2 => nginx_version() < 1025001 ? 'http2' : '',
        HTTP2_ON => nginx_version() < 1025001 ? '' : 'http2 on;',
        %{$self->{vars}}, %vars,
    );

    $text =~ s{%%(\w+)%%}{
        my $name = $1;
        $name =~ /^PORT_(\d+)$/ ? $self->port($1)
            : $v{$name} // die "no value for %%$name%%"
    }ge;

    return $text;
}


# A file in the instance's folder, put there whole by a rename.  Returns its
# path.

sub write_file {
    my ($self, $name, $content) = @_;

    return spew($name =~ m{^/} ? $name : "$self->{dir}/$name", $content);
}


sub write_file_expand {
    my ($self, $name, $content) = @_;

    return $self->write_file($name, $self->expand($content));
}


sub read_file {
    my ($self, $name) = @_;

    return slurp($name =~ m{^/} ? $name : "$self->{dir}/$name");
}


# ---- start and end

# Starts nginx and returns when all its listen ports answer.

sub run {
    my ($self) = @_;

    my $text = $self->expand(globals($self->{conf} // die 'no conf'));

    $self->write_file($self->{conf_name}, $text);
    delete @$self{qw(stuck exit checked)};
    $self->{pid} = $self->spawn;

    GenAI::Test->register($self) unless $self->{registered}++;

    my $end = time + 20 * $SCALE;

    for my $port ($text =~ /\blisten\s+(?:127\.0\.0\.1:)?(\d+)\b/g) {
        until (IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                                     PeerPort => $port, Proto => 'tcp'))
        {
            $self->check_start($end, "does not listen on $port");
            sleep 0.01;
        }
    }

    # a port answers before the workers are there
    until ($self->worker_pids == $self->{workers}) {
        $self->check_start($end, 'has no workers');
        sleep 0.01;
    }

    return $self;
}


sub check_start {
    my ($self, $end, $text) = @_;

    if (waitpid($self->{pid}, WNOHANG) == $self->{pid}) {
        delete $self->{pid};
        $self->{checked} = 1;
        die "$self->{name} did not start:\n" . $self->log_tail;
    }

    die "$self->{name} $text\n" . $self->log_tail if time > $end;
}


sub environment {
    my ($self, $dir) = @_;

    return (
        ASAN_OPTIONS => join(':', "log_path=$dir/asan", 'exitcode=99',
            'detect_odr_violation=0', 'verify_asan_link_order=0',
            $ENV{GENAI_ASAN_OPTIONS} || 'detect_leaks=0'),
        UBSAN_OPTIONS => "log_path=$dir/ubsan:print_stacktrace=1",
        LSAN_OPTIONS => "suppressions=$ROOT/ci/lsan.supp"
            . ':print_suppressions=0',
        %{$self->{env}},
    );
}


sub spawn {
    my ($self) = @_;

    my %env = $self->environment($self->{dir});
    my $pid = fork // die "fork: $!";

    return $pid if $pid;

    die_with_parent(15);
    exec_command([ $NGINX, '-p', "$self->{dir}/", '-c', $self->{conf_name},
                   '-e', "$self->{dir}/error.log" ],
                 \%env, '/dev/null', "$self->{dir}/stderr");
}


# Ends nginx with QUIT (or another signal); true when it exits in time.

sub stop {
    my ($self, %o) = @_;

    my $pid = $self->{pid} or return 1;
    my $end = time + ($o{timeout} || $self->{clean_timeout}) * $SCALE;

    kill $o{signal} || 'QUIT', $pid;

    until (waitpid($pid, WNOHANG) == $pid) {
        if (time > $end) {
            $self->{stuck} = 1;
            kill 'KILL', $self->child_pids, $pid;
            waitpid $pid, 0;
            last;
        }
        sleep 0.005;
    }

    $self->{exit} = $?;
    delete $self->{pid};

    return !$self->{stuck};
}


# Regular expressions of alert, emerg and crit lines that are expected.

sub allow {
    my ($self, @re) = @_;

    push @{$self->{allow}}, @re;
    return $self;
}


# What is wrong with an ended instance: a list of texts.

sub problems {
    my ($self) = @_;

    my @p;

    push @p, 'does not exit on QUIT' if $self->{stuck};
    push @p, "exit status $self->{exit}" if $self->{exit} && !$self->{stuck};

    LINE:
    for my $line (split /\n/, $self->error_log) {
        next unless $line =~ /^\S+ \S+ \[(?:alert|emerg|crit)\]/
            || $line =~ /Sanitizer:|runtime error:|Assertion .* failed/;

        for my $re (@{$self->{allow}}) {
            next LINE if $line =~ $re;
        }

        push @p, $line;
    }

    push @p, map { substr(slurp($_), 0, 6000) }
        glob("$self->{dir}/asan.* $self->{dir}/ubsan.*");
    push @p, map { "core file $_" } glob("$self->{dir}/core*");

    my $out = eval { slurp("$self->{dir}/stderr") } // '';

    push @p, $out =~ /^(.*(?:Sanitizer:|runtime error:).*)$/mg;

    return @p;
}


# Stops the instance and makes its one check.  done_testing calls it.

sub finish {
    my ($self) = @_;

    return if $self->{checked}++;

    $self->stop;

    my @p = $self->problems;

    ok(!@p, "$self->{name} ended clean")
        or diag(join "\n", map { "    $_" } @p > 20 ? (@p[0 .. 19], '...')
                                                    : @p);
    diag($self->error_log) if $ENV{GENAI_CATLOG};
}


sub done_testing {
    $finished = 1;
    $_->finish for reverse @all;
    Test::More::done_testing();
}


END {
    my $status = $?;

    if ($owner == $$) {
        alarm 0;

        # the file died, was ended by its alarm, or forgot done_testing
        for my $x (reverse @all) {
            local $@;
            $x->{clean_timeout} = 2 if $status;
            $status ? eval { $x->stop } : eval { $x->finish };
        }

        if (!$finished && !$status && @all) {
            diag('the file ended without done_testing');
            $status = 1;
        }
    }

    $? = $status;
}


# ---- nginx and its processes

# As a number: 1022001 is 1.22.1.

sub nginx_version {
    return $version{number} if $version{number};

    my ($rc, $out) = run_cmd([ $NGINX, '-V' ]);

    $out =~ m{nginx version: \S+?/(\d+)\.(\d+)\.(\d+)}
        or die "cannot run $NGINX: $out";
    $version{features} = $out;

    return $version{number} = $1 * 1000000 + $2 * 1000 + $3;
}


# Whether nginx was configured with a thing, as in has('http_v2_module').

sub has {
    my ($self, $what) = @_;

    nginx_version();
    return $version{features} =~ /\Q$what\E/;
}


# Checks a configuration with nginx -t, in a folder of its own.  Returns the
# exit code and what nginx said.  Also a class method.

sub nginx_t {
    my ($self, $text, %vars) = @_;

    $self = $self->new unless ref $self;

    my $dir = "$self->{dir}/t";

    mkdir $dir;

    $text = $self->expand(globals($text), %vars, TESTDIR => $dir);
    $text =~ s{error_log \Q$dir\E/error.log \w+;}{error_log stderr notice;};

    my $conf = $self->write_file("$dir/nginx.conf", $text);

    my %env = $self->environment($dir);

    # a process that only checks does not tidy up
    $env{ASAN_OPTIONS} .= ':detect_leaks=0';

    my ($rc, $out) = run_cmd([ $NGINX, '-t', '-p', "$dir/", '-c', $conf, '-e',
                               'stderr' ], env => \%env);

    for my $f (glob "$dir/asan.* $dir/ubsan.*") {
        $out .= slurp($f);
        unlink $f;
    }

    return ($rc, $out);
}


sub child_pids {
    my ($self) = @_;

    my $pid = $self->{pid} or return;
    my $list = eval { slurp("/proc/$pid/task/$pid/children") };

    # where the kernel does not list them
    $list //= join ' ', map {
        (eval { slurp($_) } // '') =~ /^(\d+) \(.*\) \S \Q$pid\E /s ? $1 : ()
    } glob '/proc/[0-9]*/stat';

    return sort { $a <=> $b } split ' ', $list;
}


# Workers that serve; with exiting => 1 those that finish their last requests.

sub worker_pids {
    my ($self, %o) = @_;

    return grep {
        my $line = eval { slurp("/proc/$_/cmdline") } // '';
        $line =~ /worker process/
            && ($line =~ /is shutting down/ ? $o{exiting} : !$o{exiting});
    } $self->child_pids;
}


# Makes nginx read its configuration again.  Returns when workers of the new
# generation alone accept connections; gone => 1: and the old ones are gone.
# A configuration that nginx refuses: dies, or with may_fail => 1 returns 0.

sub reload {
    my ($self, %o) = @_;

    my %old = map { $_ => 1 } $self->worker_pids;
    my $from = -s "$self->{dir}/error.log";
    my $refused = 0;

    kill 'HUP', $self->{pid};

    my $done = wait_for(sub {
        my @now = $self->worker_pids;

        return 1 if @now == $self->{workers} && !grep({ $old{$_} } @now)
            && (!$o{gone} || !$self->worker_pids(exiting => 1));

        return $refused = substr($self->error_log, $from) =~ /\[emerg\]/;
    }, $o{timeout} || 20);

    return 1 if $done && !$refused;
    return 0 if $refused && $o{may_fail};

    die "$self->{name}: reload ", $refused ? 'was refused' : 'took too long',
        "\n", $self->log_tail;
}


# Kills a worker (the first one) with KILL; returns when another has taken
# its place.

sub kill_worker {
    my ($self, $pid) = @_;

    $pid //= ($self->worker_pids)[0];

    $self->allow(qr/worker process $pid exited on signal 9/);
    kill 'KILL', $pid;

    return wait_for(sub {
        my @now = $self->worker_pids;
        return @now >= $self->{workers} && !grep { $_ == $pid } @now;
    }, 10);
}


sub signal {
    my ($self, $signal) = @_;

    return kill $signal, $self->{pid};
}


# Resident memory of a worker (the first one), KiB.

sub rss {
    my ($self, $pid) = @_;

    $pid //= ($self->worker_pids)[0];

    return slurp("/proc/$pid/status") =~ /^VmRSS:\s+(\d+)/m ? $1 : undef;
}


# Open descriptors of a worker.

sub fds {
    my ($self, $pid) = @_;

    $pid //= ($self->worker_pids)[0];

    opendir my $d, "/proc/$pid/fd" or return undef;
    return scalar grep { /^\d/ } readdir $d;
}


# CPU time of a worker so far, seconds, user and system.

sub cpu {
    my ($self, $pid) = @_;

    $pid //= ($self->worker_pids)[0];

    my @f = split ' ', slurp("/proc/$pid/stat") =~ s/^.*\) //sr;

    return ($f[11] + $f[12]) / POSIX::sysconf(POSIX::_SC_CLK_TCK());
}


# ---- logs

sub error_log {
    my ($self) = @_;

    return eval { slurp("$self->{dir}/error.log") } // '';
}


sub access_log {
    my ($self, $name) = @_;

    my $log = eval { slurp("$self->{dir}/" . ($name || 'access.log')) } // '';

    # a line that is being written is none yet
    return $log =~ s/[^\n]+\z//r;
}


# Waits until the log has a match: ($re [, seconds]).

sub wait_log {
    my ($self, $re, $timeout) = @_;

    return wait_for(sub { $self->error_log =~ $re }, $timeout);
}


sub wait_access {
    my ($self, $re, $timeout, $name) = @_;

    return wait_for(sub { $self->access_log($name) =~ $re }, $timeout);
}


sub log_tail {
    my ($self) = @_;

    my @lines = grep { !/\[debug\]/ } split /\n/,
        $self->error_log . (eval { slurp("$self->{dir}/stderr") } // '');

    splice @lines, 0, -20 if @lines > 20;

    return join '', map { "    $_\n" } @lines;
}


# Starts a simulated provider: see GenAI::Sim.

sub sim {
    my ($class, @params) = @_;

    require GenAI::Sim;
    return GenAI::Sim->start(@params);
}


1;
