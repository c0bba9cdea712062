# SPDX-License-Identifier: Apache-2.0

package GenAI::Requests;

# The ways to ask a server that has a port(n): a base class of GenAI::Test.
# Every method takes port => N, else PORT_0 is asked.

use strict;
use warnings;

use GenAI::Client;
use GenAI::Util;


# A connection to PORT_0 (or port => N): see GenAI::Client.

sub connect {
    my ($self, %o) = @_;

    return GenAI::Client->new(%o, port => $o{port} || $self->port(0));
}


# One request on a connection of its own, and its whole answer, a
# GenAI::Response.  Options as of GenAI::Client::request, and port, tls,
# timeout.  What comes behind the answer's end is in {extra}, how the
# connection ended in {ending}.

sub http {
    my ($self, $method, $uri, %o) = @_;

    my $c = $self->connect(map { $_ => $o{$_} }
                           grep { defined $o{$_} } qw(port tls timeout));

    $c->request($method, $uri, close => 1, %o);

    my $r = $c->response;

    if ($r->complete) {
        $r->{ending} = $c->closed;
        $r->{extra} = $r->{ending} ? '' : $c->read_some(timeout => 0.1) // '';
    }

    $c->close;

    return $r;
}


sub get {
    my ($self, $uri, %o) = @_;

    return $self->http('GET', $uri, %o);
}


# Headers of a request with a JSON body.

sub json_headers {
    my ($headers) = @_;

    my @h = ref $headers eq 'HASH' ? %$headers : @{$headers || []};

    push @h, 'Content-Type', 'application/json'
        unless grep { lc eq 'content-type' } @h;

    return \@h;
}


# The body is a string, or a structure that is sent as JSON; with
# chunked => [ pieces ] it is not used.

sub post {
    my ($self, $uri, $body, %o) = @_;

    return $self->http('POST', $uri, %o,
                       headers => json_headers($o{headers}),
                       body => ref $body ? json_text($body) : $body);
}


# A POST whose answer is read event by event: a GenAI::Client whose head() was
# read, into {response}.

sub stream {
    my ($self, $uri, $body, %o) = @_;

    my $c = $self->connect(map { $_ => $o{$_} }
        grep { defined $o{$_} } qw(port tls timeout rcvbuf));

    $c->request('POST', $uri, %o, headers => json_headers($o{headers}),
                body => ref $body ? json_text($body) : $body);
    $c->head;

    return $c;
}


# Sends bytes as they are; returns the answers to the n requests (1) in them.

sub raw {
    my ($self, $bytes, %o) = @_;

    my $c = $self->connect(%o);

    $c->write($bytes);

    my @r = map { $c->response } 1 .. ($o{n} || 1);

    return wantarray ? @r : $r[0];
}


# Whether curl speaks HTTP/2.

sub can_h2 {
    my ($rc, $out) = run_cmd([qw(curl -V)]);

    return $rc == 0 && $out =~ /\bHTTP2\b/;
}


# One request over HTTP/2 without TLS, by curl.  Options: headers, body, port,
# timeout, curl => [ more arguments ].

sub h2 {
    my ($self, $method, $uri, %o) = @_;

    my $port = $o{port} || $self->port(0);
    my @h = @{$o{headers} || []};
    my @args;

    while (my ($k, $v) = splice(@h, 0, 2)) {
        push @args, '-H', "$k: $v";
    }

    push @args, '--data-binary', '@-' if defined $o{body};

    my ($rc, $out, $err) = run_cmd([ qw(curl -sS -N -i --http2-prior-knowledge
        -X), $method, @args, @{$o{curl} || []},
        "http://127.0.0.1:$port$uri" ], split => 1, timeout => $o{timeout},
        stdin => $o{body});

    my $r = bless { headers => [], chunks => [], body => '',
                    complete => $rc == 0, curl => $rc }, 'GenAI::Response';

    while ($out =~ s/\AHTTP\/(\S+) (\d+)[^\n]*\n((?:[^\r\n]+\r?\n)*)\r?\n//) {
        @$r{qw(version status)} = ($1, $2);
        $r->{headers} = [ map { [ /^([^:]+): ?(.*?)\r?$/ ] } split /\n/, $3 ];
    }

    $r->{body} = $out;
    $r->{error} = $err if $rc;

    return $r;
}


1;
