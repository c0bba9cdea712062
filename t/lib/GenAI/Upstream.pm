# SPDX-License-Identifier: Apache-2.0

package GenAI::Upstream;

=head1 NAME

GenAI::Upstream - a server that does exactly what a test wrote down

=head1 SYNOPSIS

    my $u = GenAI::Upstream->new(
        requests => [                  # by order of arrival; the last repeats
            [ [ json => 429, { error => {} }, 'Retry-After' => 2 ] ],
            [ [ send => "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                      . "Transfer-Encoding: chunked\r\n\r\n" ],
              [ chunk => "data: 1\n\n" ],
              [ mark => 'first' ],     # $u->wait_mark('first') returns
              [ wait => 'go' ],        # until $u->signal('go')
              [ chunk => "data: 2\n\n" ],
              'reset' ],
        ]);

    ... pass http://127.0.0.1:%%UP%%/v1;  with conf($text, UP => $u->port)

    $u->count; $u->connections; $u->request(0)->{body}; $u->requests;
    $u->next_request;

A script is a list of steps.  It begins by reading a whole request, unless its
first step is 'noread' (then read what you want, or nothing).  When a script
is through, the connection stays open and the next request on it takes the
next script.  Steps are words or lists:

    noread                do not begin by reading a request
    [ request ]           read a whole request and record it
    [ head ]              read up to the empty line and record that
    [ body ]              the rest of the request whose head was read
    [ read => n ]         read n bytes and forget them
    [ send => @bytes ]    write each one by itself (a packet each)
    [ bytewise => $bytes, $delay ]        one byte a packet
    [ split => $bytes, @offsets ]         in pieces that end at the offsets
    [ chunk => @data ]    each as one HTTP chunk;  [ chunk_end ] the last one
    [ json => $status, $structure, @headers ]   a whole answer
    [ answer => $status, $body, @headers ]      a whole answer
    [ sse => @data ]      a whole chunked event stream of "data: ..." events
    [ delay => seconds ]
    [ wait => name ]      until the test calls signal(name)
    [ mark => name ]      lets wait_mark(name) return
    [ wait_close ]        until the client closes; recorded as an event
    close, reset, half_close
    sub { my ($c, $request) = @_; ... }   $c->send, ->step([...]), ->read

Instead of requests => [ scripts ]: connections => [ [ scripts of the first
connection ], ... ] (the last list repeats), or route => sub { my ($request,
$number, $connection) = @_; return [ steps ] }.  Other options: accept =>
[ steps ] before anything is read on a connection; tls => a kind of
GenAI::Cert (its CA: ->ca); strict => 1 (a request more than there are scripts
is an error); name.

Every process of it ends with the test.  finish (done_testing calls it) makes
one check: no script met an error (a request that is no HTTP, a closed
connection while sending unless lossy => 1).

=cut

use strict;
use warnings;

use Fcntl qw(:flock);
use File::Temp ();
use IO::Socket::INET;
use JSON::PP ();
use POSIX qw(WNOHANG);
use Socket qw(IPPROTO_TCP TCP_NODELAY SOL_SOCKET SO_LINGER);
use Test::More ();
use Time::HiRes qw(time sleep);

use GenAI::Cert;
use GenAI::Test ();
use GenAI::Util qw(:DEFAULT die_with_parent);

# bytes, not characters, survive in both directions
my $json = JSON::PP->new->latin1->canonical;


sub new {
    my ($class, %o) = @_;

    my $self = bless { name => 'upstream', %o }, $class;

    $self->{dir} = File::Temp->newdir('genai-up-XXXXXXXX', TMPDIR => 1);

    if ($o{tls}) {
        require IO::Socket::SSL;
        $self->{cert} = $o{cert} || GenAI::Cert->new;
        $self->{pair} = [ $self->{cert}->pair($o{tls}) ];
    }

    unless ($o{requests} || $o{connections} || $o{route}) {
        $self->{requests} = [ [ [ json => 200, { ok => JSON::PP::true } ] ] ];
    }

    $self->up;
    GenAI::Test->register($self);

    return $self;
}


sub port { return $_[0]{port} }
sub ca   { return $_[0]{cert}->ca }


# Begins to listen (new does); after down() on the same port again.

sub up {
    my ($self) = @_;

    return if $self->{pid};

    my $listen = IO::Socket::INET->new(Proto => 'tcp', Listen => 256,
        LocalAddr => '127.0.0.1', LocalPort => $self->{port} || 0,
        ReuseAddr => 1) or die "listen: $!";

    $self->{port} = $listen->sockport;

    my $pid = fork // die "fork: $!";

    if ($pid) {
        close $listen;
        $self->{pid} = $pid;
        return;
    }

    setpgrp;
    die_with_parent(9);

    # A connection of the test must not stay open because we have it too.
    # Perl counts the users of a descriptor: it may be replaced, not closed.
    my @fds = grep { $_ > 2 && $_ != fileno $listen }
        map { m{(\d+)$} } glob '/proc/self/fd/*';
    my $null = POSIX::open('/dev/null');

    POSIX::dup2($null, $_) for @fds;

    eval { $self->serve($listen) };
    $self->record({ type => 'error', text => "$@" }) if $@;
    POSIX::_exit(0);
}


# Ends the server and all its connections: the port refuses from now on.

sub down {
    my ($self) = @_;

    my $pid = delete $self->{pid} or return;

    # the group is made by the child: until then the pid alone exists
    kill 'KILL', -$pid;
    kill 'KILL', $pid;
    waitpid $pid, 0;
}

sub stop { $_[0]->down }


# ---- what the test asks

sub signal {
    my ($self, $name) = @_;

    spew("$self->{dir}/signal.$name", '');
}


sub wait_mark {
    my ($self, $name, $timeout) = @_;

    return wait_for(sub { -e "$self->{dir}/mark.$name" }, $timeout);
}


# Everything that happened, in order: hashes with type (accept, request, head,
# closed, error, mark), conn, t, and what belongs to it.

sub events {
    my ($self, $type) = @_;

    my $text = eval { slurp("$self->{dir}/log") } // '';
    my @events = map { $json->decode($_) } $text =~ /^(.*)\n/mg;

    return grep { !$type || $_->{type} eq $type } @events;
}


# All requests: { n, conn, nth, method, uri, version, headers => [[n, v]],
# h => { lower case name => value }, body, raw, framing }.  nth counts on
# the connection.

sub requests { return $_[0]->events('request') }

sub count { return scalar(my @r = $_[0]->requests) }

sub connections { return scalar(my @a = $_[0]->events('accept')) }


# Request n (0 is the first), waited for; undef when it does not come.

sub request {
    my ($self, $n, $timeout) = @_;

    my $r;

    wait_for(sub { ($r) = ($self->requests)[$n]; $r }, $timeout);

    return $r;
}


# The next request that this has not returned yet, waited for; undef when it
# does not come.  Reads on where it was, so that a thousand of them are cheap.

sub next_request {
    my ($self, $timeout) = @_;

    my $r;

    wait_for(sub {
        open my $f, '<:raw', "$self->{dir}/log" or return 0;
        seek $f, $self->{read} || 0, 0;

        while (defined(my $line = <$f>)) {
            last if $line !~ /\n\z/;
            $self->{read} = tell $f;
            $r = $json->decode($line);
            return 1 if $r->{type} eq 'request';
            undef $r;
        }

        return 0;
    }, $timeout);

    return $r;
}


# How the client ended connection n (0 is the first): 'eof' or 'reset', as
# seen by wait_close or between requests; undef when it did not.

sub closed {
    my ($self, $conn, $timeout) = @_;

    my $e;

    wait_for(sub {
        ($e) = grep { $_->{conn} == $conn } $self->events('closed');
        $e;
    }, $timeout);

    return $e && $e->{how};
}


sub errors { return map { $_->{text} } $_[0]->events('error') }


sub finish {
    my ($self) = @_;

    return if $self->{checked}++;

    $self->down;

    my @errors = $self->errors;

    Test::More::ok(!@errors, "$self->{name}: its scripts went as written")
        or Test::More::diag(map { "    $_\n" } @errors);
}


# ---- the server's processes

sub serve {
    my ($self, $listen) = @_;

    $SIG{$_} = 'DEFAULT' for qw(ALRM INT TERM HUP);
    $SIG{CHLD} = 'IGNORE';
    $SIG{PIPE} = 'IGNORE';

    for (my $conn = 0; ; ) {
        my $s = $listen->accept or next;
        my $pid = fork // die "fork: $!";

        if (!$pid) {
            close $listen;
            die_with_parent(9);
            eval {
                GenAI::Upstream::Connection->new($self, $s, $conn)->run;
                1;
            } or $self->record({ type => 'error', conn => $conn,
                                 text => "$@" });
            POSIX::_exit(0);
        }

        close $s;
        $conn++;
    }
}


# One line a record; a write of O_APPEND under a lock is never torn.

sub record {
    my ($self, $record) = @_;

    open my $f, '>>:raw', "$self->{dir}/log" or die "log: $!";
    flock $f, LOCK_EX;
    $f->print($json->encode({ t => time, %$record }) . "\n");
    close $f;
}


# Takes the next number of a kind.

sub number {
    my ($self, $kind) = @_;

    open my $f, '+>>', "$self->{dir}/number.$kind" or die "number: $!";
    flock $f, LOCK_EX;
    my $n = -s $f;
    syswrite $f, '.';
    close $f;

    return $n;
}


package GenAI::Upstream::Connection;

use strict;
use warnings;

use Socket qw(IPPROTO_TCP TCP_NODELAY SOL_SOCKET SO_LINGER);
use Time::HiRes qw(time sleep);

use GenAI::Util;


sub new {
    my ($class, $up, $s, $conn) = @_;

    setsockopt($s, IPPROTO_TCP, TCP_NODELAY, 1);

    return bless { up => $up, s => $s, conn => $conn, buf => '', nth => 0 },
        $class;
}


sub record {
    my ($self, %record) = @_;

    $self->{up}->record({ conn => $self->{conn}, %record });
}


sub run {
    my ($self) = @_;

    my $up = $self->{up};
    my @accept = @{$up->{accept} || []};

    $self->record(type => 'accept');

    for (@accept) {
        $self->step($_);
        return if $self->{over};
    }

    if ($up->{tls}) {
        my $ok = IO::Socket::SSL->start_SSL($self->{s}, SSL_server => 1,
            SSL_cert_file => $up->{pair}[0], SSL_key_file => $up->{pair}[1],
            %{$up->{tls_options} || {}});

        if (!$ok) {
            no warnings 'once';
            $self->record(type => 'tls_error',
                          text => "$IO::Socket::SSL::SSL_ERROR");
            return;
        }

        $self->record(type => 'tls', sni => $self->{s}->get_servername,
                      version => $self->{s}->get_sslversion);
    }

    $self->script until $self->{over};
}


# One script, with the request that it is for.

sub script {
    my ($self) = @_;

    my $up = $self->{up};
    my ($script, $number);

    if ($up->{connections}) {
        my $list = $up->{connections}[$self->{conn}]
            || $up->{connections}[-1];

        $number = $self->{nth};
        $script = $self->pick($list, $number);

        if ($self->first($script) ne 'noread') {
            $self->read_request(0) or return;
        }

    } elsif ($up->{route}) {
        $self->read_request(0) or return;
        $script = $up->{route}->($self->{request}, $self->{request}{n},
                                 $self->{conn});

    } else {
        # a script is taken when its request has begun, not before: an idle
        # connection must not use one up
        my $list = $up->{requests};
        my $next = $list->[-s "$up->{dir}/number.script" || 0] || $list->[-1];

        if ($self->first($next) ne 'noread') {
            $self->fill or return $self->gone unless length $self->{buf};
        }

        $number = $up->number('script');
        $script = $self->pick($list, $number);

        if ($self->first($script) ne 'noread') {
            $self->read_request(0) or return;
        }
    }

    for my $step (@{$script || []}) {
        $self->step($step);
        return if $self->{over};
    }

    # nothing was read and nothing is: wait for the end
    $self->step(['wait_close']) if $self->first($script) eq 'noread';
}


sub pick {
    my ($self, $list, $number) = @_;

    if ($number > $#$list && $self->{up}{strict}) {
        $self->record(type => 'error', text => "request $number: no script");
        return [ [ answer => 500, 'no script' ], 'close' ];
    }

    return $list->[$number] || $list->[-1];
}


sub first {
    my ($self, $script) = @_;

    my $step = $script->[0] // '';

    return ref $step eq 'ARRAY' ? $step->[0] : $step;
}


sub gone {
    my ($self) = @_;

    $self->record(type => 'closed', how => $self->{how} || 'eof');
    $self->{over} = 1;

    return;
}


# More bytes into the buffer; false at the end of the connection.

sub fill {
    my ($self) = @_;

    for ( ;; ) {
        my $n = sysread($self->{s}, $self->{buf}, 65536, length $self->{buf});

        return $n if $n;
        next if !defined $n && $!{EINTR};
        $self->{how} = defined $n ? 'eof' : 'reset';
        return 0;
    }
}


sub read_head {
    my ($self) = @_;

    my $head;

    until ($self->{buf} =~ s/\A(.*?\r\n)\r\n//s and $head = $1) {
        next if $self->fill;

        if (length $self->{buf}) {
            $self->record(type => 'partial', raw => $self->{buf});
        }

        $self->gone;
        return;
    }

    my ($line, @lines) = split /\r\n/, $head;
    my %r = (raw => "$head\r\n", nth => $self->{nth}++, headers => [],
             h => {}, body => '');

    ($line // '') =~ m{^(\S+) (.*) HTTP/(\d\.\d)$}
        or die "no request line: $line\n";
    @r{qw(method uri version)} = ($1, $2, $3);

    for (@lines) {
        /^([^\s:]+): ?(.*)$/ or die "bad header line: $_\n";
        push @{$r{headers}}, [ $1, $2 ];
        $r{h}{lc $1} = exists $r{h}{lc $1} ? $r{h}{lc $1} . ", $2" : $2;
    }

    return $self->{request} = \%r;
}


sub read_bytes {
    my ($self, $n) = @_;

    while (length $self->{buf} < $n) {
        $self->fill or return;
    }

    return substr($self->{buf}, 0, $n, '');
}


sub read_body {
    my ($self) = @_;

    my $r = $self->{request};
    my $te = $r->{h}{'transfer-encoding'} // '';

    if ($te =~ /chunked/i) {
        $r->{framing} = 'chunked';

        for ( ;; ) {
            my ($line, $size);

            until ($self->{buf} =~ s/\A(([0-9a-fA-F]+)[^\r\n]*\r\n)//
                   and ($line, $size) = ($1, hex $2))
            {
                return if $self->{buf} =~ /\n/ || !$self->fill;
            }

            my $data = $self->read_bytes($size + 2) // return;

            $r->{raw} .= $line . $data;
            last if !$size;
            $r->{body} .= substr($data, 0, $size);
        }

    } elsif (defined $r->{h}{'content-length'}) {
        $r->{framing} = 'length';
        $r->{body} = $self->read_bytes($r->{h}{'content-length'}) // return;
        $r->{raw} .= $r->{body};

    } else {
        $r->{framing} = 'none';
    }

    return 1;
}


# A whole request into the record; false when the client has gone.

sub read_request {
    my ($self, $begun) = @_;

    $begun or $self->read_head or return 0;

    if (!$self->read_body) {
        $self->record(type => 'partial', %{$self->{request}},
                      rest => $self->{buf});
        $self->gone;
        return 0;
    }

    $self->{request}{n} = $self->{up}->number('request');
    $self->record(type => 'request', %{$self->{request}});

    return 1;
}


sub send {
    my ($self, @pieces) = @_;

    for my $data (@pieces) {
        for (my $off = 0; $off < length $data; ) {
            my $n = syswrite($self->{s}, $data, length($data) - $off, $off);

            if (defined $n) {
                $off += $n;
                next;
            }

            next if $!{EINTR};

            $self->record(type => $self->{up}{lossy} ? 'lost' : 'error',
                          text => "connection $self->{conn}: send: $!");
            $self->{how} = 'reset';
            return $self->gone;
        }
    }

    return 1;
}


sub answer {
    my ($self, $status, $body, @headers) = @_;

    my $text = "HTTP/1.1 $status Status\r\nContent-Length: " . length($body)
        . "\r\n";

    while (my ($k, $v) = splice(@headers, 0, 2)) {
        $text .= "$k: $v\r\n";
    }

    return $self->send("$text\r\n$body");
}


sub chunk { return map { sprintf("%x\r\n%s\r\n", length, $_) } @_ }


my %step = (
    noread => sub { },
    request => sub { $_[0]->read_request(0) },
    head => sub {
        my ($self) = @_;
        my $r = $self->read_head or return;
        $self->record(type => 'head', %$r);
    },
    body => sub { $_[0]->read_request(1) },
    read => sub {
        my ($self, $n) = @_;
        defined $self->read_bytes($n) or $self->gone;
    },
    send => sub { shift->send(@_) },
    bytewise => sub {
        my ($self, $bytes, $delay) = @_;
        for (split //, $bytes) {
            $self->send($_) or return;
            sleep $delay if $delay;
        }
    },
    split => sub {
        my ($self, $bytes, @at) = @_;
        my $from = 0;
        for my $to (@at, length $bytes) {
            $self->send(substr($bytes, $from, $to - $from)) or return;
            $from = $to;

            # without a pause the kernel may join what was sent apart
            sleep 0.002;
        }
    },
    chunk => sub { my $self = shift; $self->send(chunk(@_)) },
    chunk_end => sub { $_[0]->send("0\r\n\r\n") },
    answer => sub { shift->answer(@_) },
    json => sub {
        my ($self, $status, $what, @headers) = @_;
        $self->answer($status, ref $what ? json_text($what) : $what,
                      'Content-Type' => 'application/json', @headers);
    },
    sse => sub {
        my ($self, @data) = @_;
        $self->send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                    . "Transfer-Encoding: chunked\r\n\r\n",
                    chunk(map { 'data: ' . (ref $_ ? json_text($_) : $_)
                                . "\n\n" } @data),
                    "0\r\n\r\n");
    },
    delay => sub { sleep $_[1] },
    mark => sub {
        my ($self, $name) = @_;
        $self->record(type => 'mark', name => $name);
        spew("$self->{up}{dir}/mark.$name", '');
    },
    wait => sub {
        my ($self, $name) = @_;
        sleep 0.002 until -e "$self->{up}{dir}/signal.$name";
    },
    wait_close => sub {
        my ($self) = @_;
        1 while $self->fill;
        $self->gone;
    },
    half_close => sub { shutdown($_[0]{s}, 1) },
    close => sub {
        my ($self) = @_;
        close $self->{s};
        $self->{over} = 1;
    },
    reset => sub {
        my ($self) = @_;
        setsockopt($self->{s}, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0));
        $self->{up}{tls} ? POSIX::_exit(0) : close $self->{s};
        $self->{over} = 1;
    },
);


sub step {
    my ($self, $step) = @_;

    return $step->($self, $self->{request}) if ref $step eq 'CODE';

    my ($name, @args) = ref $step ? @$step : $step;

    return ($step{$name} || die "no such step: $name\n")->($self, @args);
}


1;
