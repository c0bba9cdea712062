# SPDX-License-Identifier: Apache-2.0

package GenAI::Load;

=head1 NAME

GenAI::Load - many clients at once, in one loop

=head1 SYNOPSIS

    my $load = GenAI::Load->new(port => $t->port);

    $load->user(
        next => sub { return { text => $bytes_of_a_request } },
        done => sub { my ($request, $answer, $connection) = @_; ... },
    ) for 1 .. 20;

    $load->run(0.5);                   # seconds
    $load->run(5, sub { $ready });     # or until it is true, which it returns
    $load->drain;                      # no new requests; true: all are over
    $load->close;                      # the idle connections

Every user has one connection; when an answer is over, next is called for
another request (undef: there is none), on the same connection where that is
possible.  A request may have: method, timeout (seconds), abort (close the
connection when so many bytes of the answer are here; done is not called),
close (a new connection for what follows; done may set it) and whatever the
test wants to find in done.

An answer is a GenAI::Response.  One that did not come whole has no
"complete", and "error" says why: eof, reset, timeout, or what is wrong with
it.  "stale" is true where nothing at all came on a connection that had been
used before: the server may have closed it before the request was there.

judge() says what an answer is: see there.

=cut

use strict;
use warnings;

use Errno qw(EAGAIN EINPROGRESS EINTR);
use Exporter 'import';
use JSON::PP ();
use Socket qw(AF_INET IPPROTO_TCP SOCK_STREAM TCP_NODELAY SOL_SOCKET
              SO_ERROR INADDR_LOOPBACK pack_sockaddr_in unpack_sockaddr_in);
use Time::HiRes qw(time);

use GenAI::Client;
use GenAI::Util qw(:DEFAULT);

our @EXPORT_OK = qw(judge content normal descriptors);

my $SCALE = $GenAI::Util::SCALE;


sub new {
    my ($class, %o) = @_;

    return bless {
        timeout => 20 * $SCALE, %o,
        idle => [], by_fd => {}, r => '', w => '', open => 0,
    }, $class;
}


sub user {
    my ($self, %o) = @_;

    my $user = { %o };

    push @{$self->{idle}}, $user;

    return $user;
}


# The connections that are there now: { local_port, request, ... }.

sub connections { return values %{$_[0]{by_fd}} }


# Requests that have no whole answer yet.

sub open { return $_[0]{open} }


sub run {
    my ($self, $seconds, $until) = @_;

    my $end = time + $seconds;
    my $asked = 0;

    for ( ;; ) {
        unless ($self->{draining}) {
            my $now = time;

            @{$self->{idle}} = grep {
                ($_->{rest} // 0) > $now || !$self->begin($_)
            } @{$self->{idle}};
        }

        my $now = time;
        my $left = $end - $now;

        # what it asks may be dear
        if ($until && ($now > $asked + 0.02 || $left <= 0)) {
            my $done = $until->();

            return $done if $done;
            $asked = time;
        }

        return undef if $left <= 0;

        $self->turn($left < 0.01 ? $left : 0.01);
    }
}


sub drain {
    my ($self, $seconds) = @_;

    local $self->{draining} = 1;

    return 1 unless $self->{open};
    return $self->run($seconds || $self->{timeout} + 5,
                      sub { !$self->{open} });
}


sub close {
    my ($self) = @_;

    $self->drop($_) for $self->connections;
}


# ---- one user

# Returns whether there is a request under way.

sub begin {
    my ($self, $u) = @_;

    my $q = $u->{next}->($u);

    if (!$q) {
        $u->{rest} = time + 0.05;
        return 0;
    }

    my $c = $u->{connection};

    if (!$c) {
        $c = $self->connect or do {
            $self->{refused}++;
            $u->{rest} = time + 0.05;
            return 0;
        };
        $u->{connection} = $c;
        $c->{user} = $u;
    }

    $u->{request} = $q;
    $self->{open}++;
    $q->{begun} = time;
    $q->{deadline} = time + ($q->{timeout} || $self->{timeout});

    @$c{qw(request out in came)} = ($q, $q->{text}, $c->{in}, 0);
    $c->{answer} = undef;

    $self->send($c);

    return 1;
}


sub connect {
    my ($self) = @_;

    socket(my $s, AF_INET, SOCK_STREAM, 0) or die "socket: $!";
    setsockopt($s, IPPROTO_TCP, TCP_NODELAY, 1);

    # on this machine it is done at once
    connect($s, pack_sockaddr_in($self->{port}, INADDR_LOOPBACK))
        or return undef;
    $s->blocking(0);

    my $c = { s => $s, fd => fileno $s, in => '', out => '', used => 0,
              local_port => (unpack_sockaddr_in(getsockname $s))[0] };

    $self->{by_fd}{$c->{fd}} = $c;
    vec($self->{r}, $c->{fd}, 1) = 1;

    return $c;
}


sub drop {
    my ($self, $c) = @_;

    vec($self->{$_}, $c->{fd}, 1) = 0 for qw(r w);
    delete $self->{by_fd}{$c->{fd}};
    delete $c->{user}{connection} if $c->{user};
    CORE::close($c->{s});
}


sub send {
    my ($self, $c) = @_;

    while (length $c->{out}) {
        my $n = syswrite $c->{s}, $c->{out};

        if (!defined $n) {
            next if $! == EINTR;
            last if $! == EAGAIN;

            # what the server said before it closed is there to be read
            $c->{out} = '';
            last;
        }

        substr($c->{out}, 0, $n, '');
    }

    vec($self->{w}, $c->{fd}, 1) = length $c->{out} ? 1 : 0;
}


sub turn {
    my ($self, $wait) = @_;

    my $n = select(my $r = $self->{r}, my $w = $self->{w}, undef, $wait);
    my $now = time;

    if ($n > 0) {
        my $bits = unpack 'b*', $r | $w;

        for (my $fd = index $bits, '1'; $fd >= 0;
             $fd = index $bits, '1', $fd + 1)
        {
            my $c = $self->{by_fd}{$fd} or next;

            $self->send($c) if vec($w, $fd, 1);
            $self->receive($c) if vec($r, $fd, 1);
        }
    }

    return if $now < ($self->{looked} // 0) + 0.2;

    $self->{looked} = $now;

    for my $c ($self->connections) {
        next unless $c->{request} && $now > $c->{request}{deadline};
        $self->over($c, 'timeout');
    }
}


sub receive {
    my ($self, $c) = @_;

    for ( ;; ) {
        my $n = sysread $c->{s}, $c->{in}, 65536, length $c->{in};

        if ($n) {
            $c->{came} += $n;
            $self->{strange}++ unless $c->{request};
            $self->parse($c) if $c->{request};
            last if $n < 65536;
            next;
        }

        if (!defined $n) {
            next if $! == EINTR;
            last if $! == EAGAIN;
        }

        $self->over($c, defined $n ? 'eof' : 'reset');
        last;
    }
}


# The request is over, and with an error its connection too.

sub over {
    my ($self, $c, $error) = @_;

    my $q = delete $c->{request};
    my $u = $c->{user};
    my $a = delete $c->{answer}
        || bless { headers => [], body => '', chunks => [] },
                 'GenAI::Response';

    if ($error && $q && $error eq 'eof' && $a->{status}
        && ($a->{framing} // '') eq 'eof')
    {
        $error = undef;
        $self->drop($c);

    } elsif ($error) {
        $a->{error} = $error;
        $a->{stale} = 1 if $c->{used} && !$c->{came} && $error ne 'timeout';
        $self->drop($c);
    }

    return unless $q;

    $a->{complete} = 1 unless $error;
    $a->{took} = time - $q->{begun};
    $c->{used}++;
    $self->{open}--;
    delete $u->{request};
    push @{$self->{idle}}, $u;

    $a->{extra} = $c->{in} unless $error;
    $u->{rest} = time + $q->{pause} if $q->{pause};
    $u->{done}->($q, $a, $c) unless $q->{aborted};

    $self->drop($c) if ($self->{by_fd}{$c->{fd}} // 0) == $c
        && ($q->{close} || length $c->{in}
            || ($a->header('connection') // '') =~ /\bclose\b/i);
}


sub parse {
    my ($self, $c) = @_;

    my $q = $c->{request};

    if (defined $q->{abort} && $c->{came} >= $q->{abort}) {
        $q->{aborted} = 1;
        $self->over($c, 'aborted');
        return;
    }

    until ($c->{answer}) {
        $c->{in} =~ s/\A(.*?\r\n)\r\n//s or return;

        my $head = $1;
        my ($line, @lines) = split /\r\n/, $head;

        $line =~ m{^HTTP/1\.1 (\d\d\d)(?: .*)?$}
            or return $self->over($c, "bad status line: $line");

        next if $1 < 200;

        my $a = $c->{answer} = bless {
            status => $1, raw_head => $head, body => '', chunks => [],
            headers => [ map { [ split /:\s*/, $_, 2 ] } @lines ],
        }, 'GenAI::Response';
        my $length = $a->header('content-length');

        if (($a->header('transfer-encoding') // '') eq 'chunked') {
            return $self->over($c, 'a length and a coding')
                if defined $length;
            $a->{framing} = 'chunked';
        } else {
            $a->{framing} = defined $length ? 'length' : 'eof';
        }

        $c->{left} = $length // 0;
    }

    my $a = $c->{answer};

    if ($a->{framing} eq 'eof') {
        $a->{body} .= $c->{in};
        $c->{in} = '';
        return;
    }

    if ($a->{framing} eq 'length') {
        my $data = substr $c->{in}, 0, $c->{left}, '';

        $a->{body} .= $data;
        $c->{left} -= length $data;
        $self->over($c) unless $c->{left};
        return;
    }

    while ($c->{in} =~ /\A([0-9a-f]+)\r\n/i) {
        my ($from, $size) = ($+[0], hex $1);

        return if length $c->{in} < $from + $size + 2;
        return $self->over($c, 'bad end of chunk')
            if substr($c->{in}, $from + $size, 2) ne "\r\n";

        $a->{body} .= substr $c->{in}, $from, $size;
        substr($c->{in}, 0, $from + $size + 2, '');

        return $self->over($c) unless $size;
    }

    $self->over($c, 'bad chunk') if $c->{in} =~ /\n/;
}


# ---- what a server has open

# The numbers of open descriptors of processes, as a text.  The channels
# between nginx's processes do not count: how many there are at a moment
# depends on who has gone.

sub descriptors {
    my (@pids) = @_;

    my %unix = map { $_ => 1 }
        slurp("/proc/$$/net/unix") =~ /^\S+: (?:\S+ ){5} *(\d+)/mg;

    return join ' ', sort { $a <=> $b } map {
        scalar grep { defined && !(/^socket:\[(\d+)\]/ && $unix{$1}) }
               map { readlink } glob "/proc/$_/fd/*"
    } @pids;
}


# ---- what an answer is

# The closed set, and what status each word may have.

my %word;

sub words {
    return \%word if %word;

    my $text = slurp("$GenAI::Test::ROOT/docs/ERRORS.md");

    while ($text =~ /^\| `([a-z_]+)` \| ([^|]+) \| ([^|]+)/mg) {
        my ($name, $status, $text) = ($1, $2, $3);
        my @s = $status =~ /\b\d\d\d\b/g;

        push @s, '5..' if $status =~ /5xx/;
        push @s, '4..' if $text =~ /its own 4xx/;
        $word{$name} = join '|', @s;
    }

    die 'no words in docs/ERRORS.md' unless $word{provider_bad_answer};

    return \%word;
}


# Returns ($what, $why).  $what is one of
#
#     whole     a 200 that is all there; a stream with its [DONE]
#     error     an error in OpenAI's shape, its word known and its status right
#     broken    a stream that ends with an error event and has no [DONE]
#     late      the same behind [DONE]: all was said, only the end was missing
#     cut       the framing says that there is something missing
#     none      not a byte came
#     timeout
#     ended     a 200 that ends as if it were whole and is not
#     bad       none of these, $why says why

sub judge {
    my ($a, $stream) = @_;

    my $error = $a->error;
    my $body = $a->body;

    return ('bad', "behind the answer: $a->{extra}")
        if length($a->{extra} // '');
    return ('timeout', '') if $error eq 'timeout';
    return ('none', $error) unless $a->status;
    return ('cut', $error) if $error =~ /^(?:eof|reset)$/;
    return ('bad', $error) if $error;

    my $word = $a->header('x-genai-error');

    if (($a->header('content-encoding') // '') eq 'gzip') {
        require IO::Uncompress::Gunzip;
        IO::Uncompress::Gunzip::gunzip(\$body, \my $plain)
            or return ('ended', 'no gzip');
        $a->{body} = $body = $plain;
    }

    return ('bad', 'no x-genai-request-id')
        unless $a->header('x-genai-request-id');

    if ($a->status != 200) {
        my $want = words()->{$word // ''}
            // return ('bad', 'unknown word ' . ($word // 'none'));

        return ('bad', $a->status . " with $word")
            unless $a->status =~ /^(?:$want)$/;

        my $why = bad_error($a->json, $a->status);

        return $why ? ('bad', "$why: $body") : ('error', $word);
    }

    return ('bad', "200 with $word") if $word;

    if (!$stream) {
        return $body =~ /\A\{.*\}\s*\z/s && $a->json
            ? ('whole', '') : ('ended', $body);
    }

    my $done = () = $body =~ /^data: ?\[DONE\]\r?$/mg;
    my ($last, $rest) = $body =~ /\A(?:.*\n\n)?(data: [^\n]*)\n\n(.*)\z/s;

    return ('ended', 'no event') unless defined $last;
    return ('ended', "half an event: $rest") if length $rest;

    if ($last eq 'data: [DONE]') {
        return ('bad', 'an error before [DONE]')
            if $body =~ /^data: \{"error"/m;
        return $done == 1 ? ('whole', '') : ('bad', "$done times [DONE]");
    }

    return ('ended', $last) unless $last =~ /^data: (\{"error".*)/;

    my $why = bad_error(eval { JSON::PP::decode_json($1) });

    return ('bad', "$why: $last") if $why;
    return ($done ? 'late' : 'broken', '');
}


sub bad_error {
    my ($json, $status) = @_;

    my $e = ref $json eq 'HASH' ? $json->{error} : undef;

    return 'no error object' unless ref $e eq 'HASH';
    return 'no message' unless length($e->{message} // '');
    return 'no type' unless length($e->{type} // '');
    return 'no param or code' unless exists $e->{param} && exists $e->{code};

    # only our own errors are sure to follow this
    if ($status && $e->{code} && words()->{$e->{code}}) {
        my $type = { 401 => 'authentication_error',
                     403 => 'permission_error',
                     429 => 'rate_limit_error' }->{$status}
            || ($status < 500 ? 'invalid_request_error' : 'server_error');

        return "type $e->{type} with $status" if $e->{type} ne $type;
    }

    return '';
}


# The text of an answer or of a stream, so far as it came.

sub content {
    my ($a) = @_;

    return join '', $a->body
        =~ /"(?:content|text)":"((?:[^"\\]|\\.)*)"/g;
}


# An answer's body without what differs from one answer to the next, and
# without what a provider adds to each chunk when it is asked for its usage.

sub normal {
    my ($a) = @_;

    return $a->body =~ s/"id":"[a-z]+-[0-9a-f]+"/"id":""/gr
        =~ s/"created":\d+/"created":0/gr
        =~ s/,"usage":null//gr;
}


1;
