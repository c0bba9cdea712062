# SPDX-License-Identifier: Apache-2.0

package GenAI::Util;

# What the harness and the scripts beside it share: waiting, commands, files,
# free ports.

use strict;
use warnings;

use Exporter 'import';
use File::Temp ();
use IO::Socket::INET;
use JSON::PP ();
use POSIX qw(WNOHANG);
use Time::HiRes qw(time sleep);

our @EXPORT = qw(wait_for run_cmd json_text slurp spew);
our @EXPORT_OK = qw(allot_port exec_command die_with_parent);

# slow builds (sanitizers) and machines get more time
our $SCALE = $ENV{GENAI_SCALE} || 1;

my %port;


# The functions that tests use may be called as methods too.

# Calls the sub until it returns something true, which is returned; undef
# when the time (seconds, 5) is over.

sub wait_for {
    shift unless ref $_[0] eq 'CODE';

    my ($sub, $timeout) = @_;

    my $end = time + ($timeout || 5) * $SCALE;

    for ( ;; ) {
        my $r = $sub->();
        return $r if $r;
        return undef if time > $end;
        sleep 0.01;
    }
}


# Runs a command with a deadline.  Returns its exit code (124 when the time
# was over, 128 + n for a signal), and what it wrote: standard output and
# error together, or apart with split => 1.  Options: timeout, env, stdin.

sub run_cmd {
    shift unless ref $_[0] eq 'ARRAY';

    my ($command, %o) = @_;

    my $dir = File::Temp->newdir;
    my $end = time + ($o{timeout} || 30) * $SCALE;
    my $in = '/dev/null';
    my $rc;

    if (defined $o{stdin}) {
        $in = "$dir/in";
        spew($in, $o{stdin});
    }

    my $pid = fork // die "fork: $!";

    if (!$pid) {
        die_with_parent(9);
        exec_command($command, $o{env} || {}, $in, "$dir/out",
                     $o{split} ? "$dir/err" : undef);
    }

    until (waitpid($pid, WNOHANG) == $pid) {
        if (time > $end) {
            kill 'KILL', $pid;
            waitpid $pid, 0;
            $rc = 124;
            last;
        }
        sleep 0.005;
    }

    $rc //= $? & 127 ? 128 + ($? & 127) : $? >> 8;

    return ($rc, map { slurp("$dir/$_") } $o{split} ? qw(out err) : 'out');
}


sub slurp {
    my ($path) = @_;

    open my $f, '<:raw', $path or die "$path: $!\n";
    local $/;
    return scalar(<$f>) // '';
}


# A structure as JSON, members in order of their names.

sub json_text {
    return JSON::PP->new->utf8->canonical->allow_nonref->encode($_[-1]);
}


# Puts a file there whole, by a rename; makes its folders.  Returns the path.

sub spew {
    my ($path, $content) = @_;

    my $temp = "$path.new.$$";

    for (my $at = 0; ($at = index($path, '/', $at + 1)) > 0; ) {
        mkdir substr($path, 0, $at);
    }

    open my $f, '>:raw', $temp or die "$temp: $!";
    utf8::encode($content) if utf8::is_utf8($content);
    print $f $content;
    close $f or die "$temp: $!";
    rename $temp, $path or die "$path: $!";

    return $path;
}


# The child's part of starting a command.

sub exec_command {
    my ($command, $env, $in, $out, $err) = @_;

    $SIG{$_} = 'DEFAULT' for qw(ALRM INT TERM HUP PIPE);
    @ENV{keys %$env} = values %$env;

    # nginx takes it for a list of sockets
    delete $ENV{NGINX};

    open STDIN, '<', $in or POSIX::_exit(127);
    open STDOUT, '>>', $out or POSIX::_exit(127);
    defined $err ? open(STDERR, '>>', $err) : open(STDERR, '>&', \*STDOUT);

    { no warnings; exec { $command->[0] } @$command; }

    print STDERR "cannot run $command->[0]: $!\n";
    POSIX::_exit(127);
}


# A test that is killed must not leave servers behind: prctl(PR_SET_PDEATHSIG)

sub die_with_parent {
    my ($signal) = @_;

    my $prctl = { x86_64 => 157, aarch64 => 167 }->{(POSIX::uname())[4]};

    syscall($prctl, 1, $signal, 0, 0, 0) if $prctl;
}


# A UDP socket on the port is the lock between test files that run in
# parallel; the range is below the kernel's for outgoing connections.

sub allot_port {
    for (1 .. 500) {
        my $port = 10000 + int rand 20000;

        next if $port{$port};

        my $udp = IO::Socket::INET->new(Proto => 'udp',
            LocalAddr => '127.0.0.1', LocalPort => $port) or next;
        my $tcp = IO::Socket::INET->new(Proto => 'tcp', Listen => 1,
            LocalAddr => '127.0.0.1', LocalPort => $port, ReuseAddr => 1)
            or next;

        close $tcp;
        $port{$port} = $udp;

        return $port;
    }

    die 'no free port';
}


1;
