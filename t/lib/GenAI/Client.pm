# SPDX-License-Identifier: Apache-2.0

package GenAI::Client;

=head1 NAME

GenAI::Client - one connection to an HTTP/1 server, with deadlines

=head1 SYNOPSIS

    my $c = $t->connect;                      # to PORT_0; port => N, tls => {}
    $c->request('POST', '/v1/chat/completions', body => $json,
                headers => [ Authorization => 'Bearer k' ]);
    my $r = $c->response;                     # GenAI::Response
    $r->status; $r->header('X-Name'); $r->body; $r->json; $r->events;
    $r->complete; $r->error; $r->chunks;      # [ { t => time, data => ... } ]

    $c->request('POST', '/v1/chat/completions', body => $json);
    my $head = $c->head;                      # status and header only
    while (my $e = $c->next_event) { ... }    # { event, data, id, raw, t }
    $c->ended;                                # 'complete', 'eof', 'reset' ...

    $c->write($bytes);                        # as it is: pipelining, nonsense
    $c->slow_write($bytes, step => 1, delay => 0.001);
    $c->read_some; $c->read_until(qr/x/); $c->closed; $c->close; $c->reset;

Every call that waits takes timeout => seconds; the default is 10 times
$GENAI_SCALE (slow builds).  A deadline that passes is an error in the result
('timeout'), it does not die.

=cut

use strict;
use warnings;

use Errno qw(EAGAIN EINTR EWOULDBLOCK);
use IO::Select;
use IO::Socket::INET;
use Socket qw(IPPROTO_TCP TCP_NODELAY SOL_SOCKET SO_LINGER SO_RCVBUF);
use Time::HiRes qw(time sleep);

# an end of line in an event stream
our $EOL = qr/(?>\r\n|\n|\r(?!\n))/;

our $TIMEOUT = 10 * ($ENV{GENAI_SCALE} || 1);

# nobody who tests a server wants to die of a connection it closed
$SIG{PIPE} = 'IGNORE';


# host, port, timeout, rcvbuf (a small one makes a slow reader), tls => { }
# (arguments of IO::Socket::SSL; SSL_ca_file or SSL_verify_mode => 0)

sub new {
    my ($class, %o) = @_;

    my $self = bless {
        timeout => $o{timeout} || $TIMEOUT,
        buf => '', state => 'idle', methods => [],
    }, $class;

    my $s = IO::Socket::INET->new(Proto => 'tcp') or die "socket: $!";

    # a receive window is agreed on when the connection is made
    setsockopt($s, SOL_SOCKET, SO_RCVBUF, $o{rcvbuf}) if $o{rcvbuf};

    my $addr = Socket::pack_sockaddr_in($o{port},
        Socket::inet_aton($o{host} || '127.0.0.1'));

    connect($s, $addr) or die "connect to port $o{port}: $!\n";
    setsockopt($s, IPPROTO_TCP, TCP_NODELAY, 1);

    if ($o{tls}) {
        require IO::Socket::SSL;
        no warnings 'once';
        IO::Socket::SSL->start_SSL($s, SSL_verify_mode => 0,
            Timeout => $self->{timeout}, %{$o{tls}})
            or die "TLS to port $o{port}: "
                . ($IO::Socket::SSL::SSL_ERROR || $!) . "\n";
    }

    $s->blocking(0);
    $self->{sock} = $s;
    $self->{select} = IO::Select->new($s);
    $self->{opened} = time;

    return $self;
}


sub socket { return $_[0]{sock} }


# raw bytes; returns how many went out before an error or the deadline

sub write {
    my ($self, $data, %o) = @_;

    my $end = time + ($o{timeout} || $self->{timeout});
    my $off = 0;

    while ($off < length $data) {
        my $n = syswrite($self->{sock}, $data, length($data) - $off, $off);

        if (defined $n) {
            $off += $n;
            next;
        }

        next if $! == EINTR;
        last unless $! == EAGAIN || $! == EWOULDBLOCK;
        last if time >= $end;
        $self->{select}->can_write($end - time);
    }

    return $off;
}


# step bytes at a time, each in a packet of its own

sub slow_write {
    my ($self, $data, %o) = @_;

    my $step = $o{step} || 1;
    my $off = 0;

    while ($off < length $data) {
        my $n = $self->write(substr($data, $off, $step), %o) or last;
        $off += $n;
        sleep($o{delay}) if $o{delay};
    }

    return $off;
}


# The text of a request.  headers: list of pairs or a hash; body: a string;
# chunked: a list of pieces; version; host; Content-Length and Host are added
# unless given.

sub request_text {
    my ($self, $method, $uri, %o) = @_;

    my @h = ref $o{headers} eq 'HASH'
        ? map { $_ => $o{headers}{$_} } sort keys %{$o{headers}}
        : @{$o{headers} || []};
    my %has;

    for (my $i = 0; $i < @h; $i += 2) {
        $has{lc $h[$i]} = 1;
    }

    my $version = $o{version} || '1.1';
    my $body = $o{body};
    my $text = "$method $uri HTTP/$version\r\n";

    $text .= 'Host: ' . ($o{host} || 'localhost') . "\r\n" unless $has{host};

    if ($o{chunked}) {
        $text .= "Transfer-Encoding: chunked\r\n"
            unless $has{'transfer-encoding'};
        $body = join '', map { sprintf("%x\r\n%s\r\n", length, $_) }
            grep { length } @{$o{chunked}};
        $body .= "0\r\n\r\n";

    } elsif (defined $body && !$has{'content-length'}) {
        $text .= 'Content-Length: ' . length($body) . "\r\n";
    }

    $text .= "Connection: close\r\n" if $o{close} && !$has{connection};

    while (my ($k, $v) = splice(@h, 0, 2)) {
        $text .= "$k: $v\r\n";
    }

    return "$text\r\n" . ($body // '');
}


sub request {
    my ($self, $method, $uri, %o) = @_;

    push @{$self->{methods}}, $method;

    my $text = $self->request_text($method, $uri, %o);
    utf8::encode($text) if utf8::is_utf8($text);

    return $o{step} ? $self->slow_write($text, %o) : $self->write($text, %o);
}


# More bytes into the buffer.  Returns their number, 0 at the end, undef at
# the deadline or a reset ($self->{broken} says which).

sub _fill {
    my ($self, $end) = @_;

    return 0 if $self->{eof};

    for ( ;; ) {
        my $n = sysread($self->{sock}, my $data, 65536);

        if (defined $n) {
            $self->{eof} = 1 if $n == 0;
            $self->{buf} .= $data;
            $self->{last} = $data;
            return $n;
        }

        next if $! == EINTR;

        if ($! != EAGAIN && $! != EWOULDBLOCK) {
            $self->{eof} = 1;
            $self->{broken} = 'reset';
            return undef;
        }

        my $left = $end - time;

        if ($left <= 0) {
            $self->{broken} = 'timeout';
            return undef;
        }

        $self->{select}->can_read($left);
    }
}


sub _fill_error {
    my ($self) = @_;

    return delete $self->{broken} || 'eof';
}


# The status line and the header of the next answer; 1xx ones go to
# {informational}.  The body is then read by body(), next_event() or piece().

sub head {
    my ($self, %o) = @_;

    my $end = time + ($o{timeout} || $self->{timeout});
    my @informational;

    # what the caller left unread of the answer before
    if ($self->{state} eq 'body') {
        1 while defined $self->piece(%o);
    }

    my $r = bless { headers => [], chunks => [], body => '', complete => 0,
                    method => shift @{$self->{methods}} }, 'GenAI::Response';

    $self->{response} = $r;
    $self->{sse} = '';
    $self->{state} = 'head';

    for ( ;; ) {
        my $head;

        until ($self->{buf} =~ s/\A(.*?\r?\n)\r?\n//s and $head = $1) {
            next if $self->_fill($end);
            $r->{error} = $self->_fill_error;
            $r->{rest} = $self->{buf};
            $self->{state} = 'idle';
            return $r;
        }

        $r->{raw_head} = $head;

        my ($line, @lines) = split /\r?\n/, $head;

        if ($line !~ m{^HTTP/(\d\.\d) (\d\d\d)(?: (.*))?$}) {
            $r->{error} = "bad status line: $line";
            $self->{state} = 'idle';
            return $r;
        }

        @$r{qw(version status reason)} = ($1, $2, $3);
        $r->{t_head} = time;

        for (@lines) {
            if (/^([^\s:]+):[ \t]*(.*?)[ \t]*$/) {
                push @{$r->{headers}}, [ $1, $2 ];
            } else {
                $r->{error} = "bad header line: $_";
            }
        }

        last if $r->{status} >= 200 || $r->{status} == 101;

        push @informational, { status => $r->{status},
                               headers => $r->{headers} };
        $r->{headers} = [];
    }

    $r->{informational} = \@informational;
    $self->{state} = 'body';

    my $te = $r->header('transfer-encoding') // '';
    my $cl = $r->header('content-length');

    if (($r->{method} // '') eq 'HEAD' || $r->{status} =~ /^(?:204|304)$/) {
        @$self{qw(framing left)} = ('none', 0);

    } elsif ($te =~ /\bchunked\b/i) {
        @$self{qw(framing left)} = ('chunked', 0);

    } elsif (defined $cl) {
        @$self{qw(framing left)} = ('length', $cl);

    } else {
        $self->{framing} = 'eof';
    }

    $r->{framing} = $self->{framing};

    return $r;
}


sub _end {
    my ($self, $error) = @_;

    my $r = $self->{response};

    $r->{t_end} = time;
    $self->{state} = 'idle';
    $self->{ended} = $error || 'complete';

    if ($error) {
        $r->{error} //= $error;
        $self->{state} = 'body' if $error eq 'timeout';
    } else {
        $r->{complete} = 1;
        delete $r->{error} if ($r->{error} // '') eq 'timeout';
    }

    return undef;
}


# The next piece of the body as it comes: an HTTP chunk, or what one read
# gave.  undef when the answer is over: then ended() says how, 'complete' is
# the good one.

sub piece {
    my ($self, %o) = @_;

    return undef unless $self->{state} eq 'body';

    my $end = time + ($o{timeout} || $self->{timeout});
    my $f = $self->{framing};
    my $data;

    if ($f eq 'none' || ($f eq 'length' && $self->{left} == 0)) {
        return $self->_end;
    }

    if ($f eq 'chunked') {
        my ($size, $skip, $trailer);

        # what a pattern found does not outlive the loop it is tested in
        until ($self->{buf} =~ /\A([0-9a-fA-F]+)[ \t]*(?:;[^\r\n]*)?\r\n/
               and ($size, $skip) = (hex $1, $+[0]))
        {
            if ($self->{buf} =~ /\n/ || length $self->{buf} > 4096) {
                return $self->_end('bad chunk');
            }
            $self->_fill($end) or return $self->_end($self->_fill_error);
        }

        if ($size == 0) {
            until ($self->{buf} =~
                       s/\A[^\r\n]*\r\n((?:[^\r\n]+\r\n)*)\r\n//
                   and ($trailer) = ($1))
            {
                $self->_fill($end) or return $self->_end($self->_fill_error);
            }

            $self->{response}{trailer} = $trailer if length $trailer;
            return $self->_end;
        }

        while (length $self->{buf} < $skip + $size + 2) {
            $self->_fill($end) or return $self->_end($self->_fill_error);
        }

        return $self->_end('bad chunk')
            if substr($self->{buf}, $skip + $size, 2) ne "\r\n";

        $data = substr($self->{buf}, $skip, $size);
        substr($self->{buf}, 0, $skip + $size + 2, '');

    } else {
        if (!length $self->{buf} && !$self->_fill($end)) {
            my $error = $self->_fill_error;

            # without a length the end of the connection is the end
            return $self->_end if $f eq 'eof' && $error eq 'eof';
            return $self->_end($error);
        }

        my $n = length $self->{buf};
        $n = $self->{left} if $f eq 'length' && $self->{left} < $n;

        $data = substr($self->{buf}, 0, $n, '');
        $self->{left} -= $n if $f eq 'length';
    }

    push @{$self->{response}{chunks}}, { t => time, data => $data };
    $self->{response}{body} .= $data;

    return $data;
}


# The rest of the answer whose head() was read.

sub body {
    my ($self, %o) = @_;

    my $end = time + ($o{timeout} || $self->{timeout});

    while ($self->{state} eq 'body') {
        my $left = $end - time;
        defined $self->piece(timeout => $left > 0.001 ? $left : 0.001)
            or last;
    }

    return $self->{response};
}


# A whole answer.

sub response {
    my ($self, %o) = @_;

    my $r = $self->head(%o);

    return defined $r->{status} ? $self->body(%o) : $r;
}


sub ended { return $_[0]{ended} }


# The next event of a text/event-stream: { event, data, id, comment, raw, t };
# undef at the end of the answer or at the deadline: see ended().

sub next_event {
    my ($self, %o) = @_;

    my $end = time + ($o{timeout} || $self->{timeout});

    $self->head(%o) if $self->{state} ne 'body' && @{$self->{methods}};

    for ( ;; ) {
        if ($self->{sse} =~ /\A(.*?$EOL)$EOL/s
            # a CR that is the last byte so far may be half of a CRLF
            && ($self->{state} ne 'body' || $& !~ /\r\z/
                || length $& < length $self->{sse}))
        {
            my $raw = $&;
            my $event = GenAI::Response::parse_event($1);

            substr($self->{sse}, 0, length $raw, '');
            return { %$event, t => time, raw => $raw };
        }

        my $left = $end - time;
        my $open = $self->{state} eq 'body';
        my $data = $self->piece(timeout => $left > 0.001 ? $left : 0.001);

        if (defined $data) {
            $self->{sse} .= $data;

        } elsif (!$open || $self->{state} eq 'body') {
            last;
        }
    }

    return undef;
}


# What is there now, or arrives first: bytes, '' at the end, undef at the
# deadline.  For answers that are no HTTP.

sub read_some {
    my ($self, %o) = @_;

    if (!length $self->{buf}) {
        my $n = $self->_fill(time + ($o{timeout} || $self->{timeout}));

        if (!defined $n) {
            return $self->_fill_error eq 'timeout' ? undef : '';
        }
    }

    return substr($self->{buf}, 0, length $self->{buf}, '');
}


sub read_until {
    my ($self, $re, %o) = @_;

    my $end = time + ($o{timeout} || $self->{timeout});

    my $length;

    until ($self->{buf} =~ /\A.*?$re/s and $length = $+[0]) {
        $self->_fill($end) or return undef;
    }

    return substr($self->{buf}, 0, $length, '');
}


# Whether the other side closed: 'eof', 'reset', or '' when it sends more or
# stays open until the deadline.

sub closed {
    my ($self, %o) = @_;

    return '' if length $self->{buf};
    return 'eof' if $self->{eof};

    my $n = $self->_fill(time + ($o{timeout} // $self->{timeout}));

    return 'eof' if defined $n && $n == 0;
    return '' if $n;

    my $error = $self->_fill_error;
    return $error eq 'timeout' ? '' : $error;
}


# Open, with nothing to read, now.

sub is_idle {
    my ($self) = @_;

    return 0 if $self->{eof} || length $self->{buf};
    return !$self->{select}->can_read(0);
}


# Whether the next request may go over this connection: the last answer was
# whole and did not announce its end (as nginx does after keepalive_requests).

sub reusable {
    my ($self) = @_;

    my $r = $self->{response};

    return $self->is_idle && (!$r || ($r->complete
        && ($r->header('connection') // '') !~ /\bclose\b/i)) ? 1 : 0;
}


sub half_close { shutdown($_[0]{sock}, 1) }


sub close {
    my ($self) = @_;

    close(delete $self->{sock}) if $self->{sock};
    $self->{eof} = 1;
}


# Ends the connection with RST.

sub reset {
    my ($self) = @_;

    setsockopt($self->{sock}, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0));
    $self->close;
}


package GenAI::Response;

use strict;
use warnings;

use JSON::PP ();


sub status   { return $_[0]{status} // 0 }
sub reason   { return $_[0]{reason} }
sub version  { return $_[0]{version} }
sub body     { return $_[0]{body} }
sub chunks   { return $_[0]{chunks} }
sub complete { return $_[0]{complete} }
sub error    { return $_[0]{error} // '' }


# The first value of that name, without regard to case; undef if none.

sub header {
    my ($self, $name) = @_;

    return ($self->header_all($name))[0];
}


sub header_all {
    my ($self, $name) = @_;

    return map { $_->[1] } grep { lc $_->[0] eq lc $name }
        @{$self->{headers}};
}


# The body as a structure; undef where it is not JSON.

sub json {
    my ($self) = @_;

    return eval { JSON::PP->new->utf8->allow_nonref->decode($self->{body}) };
}


# The events of the body: a list of { event, data, id, comment, raw }.

sub events {
    my ($self) = @_;

    my $body = $self->{body};
    my @events;

    while ($body =~ s/\A(.*?$GenAI::Client::EOL)$GenAI::Client::EOL//s) {
        my $raw = $&;
        push @events, { %{parse_event($1)}, raw => $raw };
    }

    return @events;
}


# The part of an event stream behind its last complete event.

sub events_rest {
    my ($self) = @_;

    my $body = $self->{body};

    1 while $body =~ s/\A.*?$GenAI::Client::EOL$GenAI::Client::EOL//s;

    return $body;
}


sub parse_event {
    my ($text) = @_;

    my %e = (event => '');
    my @data;

    for (grep { length } split /\r\n|\n|\r/, $text) {
        my ($name, $value) = /^([^:]*)(?:: ?(.*))?$/s;

        if ($name eq '') {
            $e{comment} = $value;

        } elsif ($name eq 'data') {
            push @data, $value // '';

        } else {
            $e{$name} = $value // '';
        }
    }

    $e{data} = @data ? join("\n", @data) : undef;

    return \%e;
}


1;
