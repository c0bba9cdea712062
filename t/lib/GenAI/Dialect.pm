# SPDX-License-Identifier: Apache-2.0

package GenAI::Dialect;

=head1 NAME

GenAI::Dialect - the dialects as a client and a provider speak them, in Perl

=head1 SYNOPSIS

    my $d = dialect('anthropic');

    my ($uri, $body, @headers) = $d->ask($ask);          # a client
    my $said = $d->heard($response);
    my $asked = $d->asked($request);                     # a provider
    my @steps = $d->say($say, $asked->{stream});

=head1 DESCRIPTION

What the gateway translates is checked here by readers that share nothing with
it: each file of GenAI/Dialect/ builds requests and reads answers as that
dialect's clients do, and reads requests and writes answers as its providers
do, from their documents.  What they cannot read they die of, with a sentence.

What is asked: { model, stream, system => [ texts ], turns => [ ... ], tools
=> [ { name, description, schema } ], choice, schema, max }.  A turn is
{ role => 'user' | 'assistant', parts => [ ... ] }, or, of a client, { raw =>
what an answer had in it }, which gives back what was said as it came.  Parts:
{ text }, { image => { type, data } }, { thought, signature }, { call => { id,
name, args } }, { result => { id, text } }.  Data is base64.

What is said: { thought, signature, text, refusal, calls => [ { id, name, args
} ], stop => stop | length | tool | filter, usage => { prompt, cached,
completion, reasoning }, error => { status, message } }; heard also has refused
(there was any sign of it), raw, model, id.  prompt has cached tokens in it, and
completion has reasoning.

A stream's events are given by say() piece by piece, so that what is fed can be
broken anywhere.

=cut

use strict;
use warnings;

use Exporter 'import';
use JSON::PP ();

our @EXPORT_OK = qw(dialect dialects);

# those that the gateway speaks, in this order; each has a file
my @NAMES = qw(openai responses anthropic gemini azure bedrock);

my $json = JSON::PP->new->utf8->canonical->allow_nonref;


sub dialects { return @NAMES }


sub dialect {
    my ($name) = @_;

    my $class = 'GenAI::Dialect::' . ucfirst $name;

    (my $file = "$class.pm") =~ s{::}{/}g;
    require $file;

    return bless { name => $name }, $class;
}


sub name { return $_[0]{name} }

# whose bodies it has: between two of the same nothing is translated
sub bodies { return $_[0]{name} }


# How a provider of it is configured, but for its name; key is a file with its
# credential.

sub provider {
    my ($self, $port, $key) = @_;

    return "dialect $self->{name}; credential file:$key; "
        . 'pass http://127.0.0.1:' . $port . $self->pass . ';';
}

# what stands behind a provider's address
sub pass { return '' }


# mangle: what is written goes through it

sub encode {
    my ($self, $value) = @_;

    my $text = $json->encode($value);

    return $self->{mangle} ? $self->{mangle}->($text) : $text;
}

sub decode {
    my ($self, $text) = @_;

    my $value = eval { $json->decode($text) };

    die "no JSON: " . substr($text, 0, 200) . "\n" if $@;

    return $value;
}

sub true  { return JSON::PP::true }
sub false { return JSON::PP::false }


# The steps of GenAI::Upstream that answer: a whole one, or a stream.

sub say {
    my ($self, $say, $stream) = @_;

    if ($say->{error} && !$say->{late}) {
        return [ answer => $say->{error}{status},
                 $self->encode($self->error($say->{error})),
                 'Content-Type' => 'application/json' ];
    }

    if (!$stream) {
        return [ answer => 200, $self->encode($self->whole($say)),
                 'Content-Type' => 'application/json' ];
    }

    return $self->streamed($self->events($say));
}

# cut: in pieces of so many bytes, wherever these end

sub streamed {
    my ($self, @events) = @_;

    @events = join('', @events) =~ /(.{1,$self->{cut}})/gs if $self->{cut};

    return ([ send => "HTTP/1.1 200 OK\r\nContent-Type: "
              . $self->stream_type . "\r\nTransfer-Encoding: chunked\r\n\r\n"
            ], (map { [ chunk => $_ ] } @events), [ 'chunk_end' ]);
}

sub stream_type { return 'text/event-stream' }

# whether its streams are frames with checksums
sub framed { return 0 }


# What a response says, whichever kind it is.

sub heard {
    my ($self, $r) = @_;

    my $type = $r->header('content-type') // '';

    if ($r->status != 200) {
        my $body = $self->decode($r->body);

        return { error => { status => $r->status + 0,
                            message => $self->error_text($body) } };
    }

    die "the answer is not whole\n" unless $r->complete;

    return $self->stream_heard($r->body)
        if $type =~ /^\Q@{[ $self->stream_type ]}\E/;

    die "an answer of type $type\n" unless $type =~ m{^application/json};

    return $self->whole_heard($self->decode($r->body));
}


# The events of a stream as [ event, data ]; strict: whatever is no event, and
# bytes behind the last one, are errors.

sub sse {
    my ($self, $text) = @_;

    my @events;

    while ($text =~ s/\A(.*?)(?:\r?\n){2}//s) {
        my ($event, @data);

        for (split /\r?\n/, $1) {
            if    (/^event: ?(.*)/) { $event = $1 }
            elsif (/^data: ?(.*)/)  { push @data, $1 }
            elsif (!/^:|^(?:id|retry):/) { die "a line of no event: $_\n" }
        }

        push @events, [ $event, join "\n", @data ] if @data;
    }

    die "half an event: $text\n" if length $text;

    return @events;
}


# A JSON object that a call's arguments must be, of characters.

sub args {
    my ($self, $text) = @_;

    my $bytes = $text;

    utf8::encode($bytes);

    my $args = $self->decode($bytes);

    die "arguments that are no object: $text\n" if ref $args ne 'HASH';

    return $args;
}


# texts cut in pieces, none in the middle of a character

sub pieces {
    my ($self, $text) = @_;

    return () unless defined $text;

    return $text =~ /(.{1,5})/gs;
}


# a value's JSON text as characters, to be put into another one; what is to be
# no JSON is a reference to its text

sub text {
    my ($self, $value) = @_;

    return $$value if ref $value eq 'SCALAR';

    my $text = $json->encode($value);

    utf8::decode($text);

    return $text;
}

# where arguments are an object, what is no JSON is a string
sub value { return ref $_[1] eq 'SCALAR' ? ${$_[1]} : $_[1] }

sub json_pieces { return $_[0]->pieces($_[0]->text($_[1])) }

1;
