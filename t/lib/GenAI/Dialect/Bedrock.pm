# SPDX-License-Identifier: Apache-2.0

package GenAI::Dialect::Bedrock;

# AWS Bedrock's Converse and ConverseStream, with its binary framing: lengths
# of the message and its headers, their CRC32, headers, payload, the CRC32 of
# all before it.

use strict;
use warnings;

use parent -norequire, 'GenAI::Dialect';

use Compress::Zlib ();

my %STOP = (stop => 'end_turn', length => 'max_tokens', tool => 'tool_use',
            filter => 'content_filtered');
my %STOPPED = (reverse(%STOP), stop_sequence => 'stop',
               guardrail_intervened => 'filter');

sub stream_type { return 'application/vnd.amazon.eventstream' }
sub framed { return 1 }


sub ask {
    my ($self, $ask) = @_;

    my @messages = map {
        my $turn = $_;

        { role => $turn->{role} // 'assistant', content => $turn->{raw} || [
            map { defined $_->{text} ? { text => $_->{text} }
                : $_->{image} ? { image => { format =>
                    ($_->{image}{type} =~ m{image/(.*)})[0],
                    source => { bytes => $_->{image}{data} } } }
                : { toolResult => { toolUseId => $_->{result}{id},
                    content => [ { text => $_->{result}{text} } ] } }
                } @{$turn->{parts}} ] }
    } @{$ask->{turns}};

    my %body = (messages => \@messages, inferenceConfig =>
                { maxTokens => $ask->{max} || 100 });

    $body{system} = [ map { { text => $_ } } @{$ask->{system}} ]
        if $ask->{system};

    if ($ask->{tools}) {
        $body{toolConfig}{tools} = [ map { { toolSpec => { name => $_->{name},
            description => $_->{description}, inputSchema =>
            { json => $_->{schema} } } } } @{$ask->{tools}} ];
        $body{toolConfig}{toolChoice} = { any => {} }
            if ($ask->{choice} // '') eq 'any';
    }

    $body{outputConfig} = { textFormat => { type => 'json_schema', structure =>
        { jsonSchema => { name => 'answer', schema =>
          $self->text($ask->{schema}) } } } } if $ask->{schema};

    return ("/model/$ask->{model}/converse"
            . ($ask->{stream} ? '-stream' : ''), \%body);
}

sub asked {
    my ($self, $r) = @_;

    my $b = $self->decode($r->{body});

    $r->{uri} =~ m{/model/([^/?]+)/converse(-stream)?$}
        or die "no path of a model: $r->{uri}\n";

    my %asked = (model => $1, stream => $2 ? 1 : 0, turns => [],
                 max => $b->{inferenceConfig}{maxTokens},
                 system => [ map { $_->{text} // () }
                             @{$b->{system} || []} ]);

    for my $m (@{$b->{messages}}) {
        die "a role of nobody: $m->{role}\n"
            if $m->{role} !~ /^(?:user|assistant)$/;
        die "two turns of one side\n"
            if @{$asked{turns}} && $asked{turns}[-1]{role} eq $m->{role};

        push @{$asked{turns}}, { role => $m->{role}, parts =>
            [ map { $self->part($_) } @{$m->{content}} ] };
    }

    if ($b->{toolConfig}) {
        $asked{tools} = [ map { { name => $_->{toolSpec}{name},
            description => $_->{toolSpec}{description},
            schema => $_->{toolSpec}{inputSchema}{json} } }
            @{$b->{toolConfig}{tools}} ];
        $asked{choice} = 'any' if $b->{toolConfig}{toolChoice}{any};
    }

    if (my $s = $b->{outputConfig}{textFormat}{structure}{jsonSchema}) {
        $asked{schema} = ref $s->{schema} ? $s->{schema}
            : JSON::PP->new->decode($s->{schema});
    }

    return \%asked;
}

sub part {
    my ($self, $p) = @_;

    return { text => $p->{text} } if defined $p->{text};
    return { image => { type => "image/$p->{image}{format}", data =>
                        $p->{image}{source}{bytes} } } if $p->{image};

    if (my $u = $p->{toolUse}) {
        die "an id that is none: $u->{toolUseId}\n"
            if $u->{toolUseId} !~ /^[\w.:-]{1,64}$/;
        return { call => { id => $u->{toolUseId}, name => $u->{name},
                           args => $u->{input} } };
    }

    if (my $u = $p->{toolResult}) {
        return { result => { id => $u->{toolUseId}, text => join '', map {
            $_->{text} // $self->text($_->{json}) } @{$u->{content}} } };
    }

    if (my $t = $p->{reasoningContent}{reasoningText}) {
        return { thought => $t->{text}, defined $t->{signature}
                 ? (signature => $t->{signature}) : () };
    }

    die 'a block that nobody asked for: ' . join(' ', keys %$p) . "\n";
}


# what is in a cache is beside the input

sub usage {
    my ($self, $u) = @_;

    return undef unless $u;

    return { inputTokens => $u->{prompt} - $u->{cached},
             cacheReadInputTokens => $u->{cached},
             cacheWriteInputTokens => 0,
             outputTokens => $u->{completion}, totalTokens =>
             $u->{prompt} + $u->{completion} };
}

sub blocks {
    my ($self, $say) = @_;

    my @b;

    push @b, { reasoningContent => { reasoningText => { text =>
        $say->{thought}, signature => $say->{signature} } } }
        if defined $say->{thought};
    push @b, map { { text => $_ } } grep { defined }
        @$say{qw(text refusal)};
    push @b, map { { toolUse => { toolUseId => $_->{id}, name => $_->{name},
                     input => $self->value($_->{args}) } } }
        @{$say->{calls} || []};

    return @b;
}

sub stop {
    my ($self, $say) = @_;

    return defined $say->{refusal} ? 'content_filtered' : $STOP{$say->{stop}};
}

sub whole {
    my ($self, $say) = @_;

    return { output => { message => { role => 'assistant', content =>
        [ $self->blocks($say) ] } }, stopReason => $self->stop($say),
        usage => $self->usage($say->{usage}), metrics => { latencyMs => 1 } };
}


sub frame {
    my ($self, $payload, %headers) = @_;

    my $h = join '', map { pack('C/a C n/a', $_, 7, $headers{$_}) }
        sort keys %headers;
    my $head = pack 'NN', 16 + length($h) + length($payload), length $h;
    my $m = $head . pack('N', Compress::Zlib::crc32($head)) . $h . $payload;

    return $m . pack('N', Compress::Zlib::crc32($m));
}

sub event {
    my ($self, $type, $value) = @_;

    return $self->frame($self->encode($value), ':event-type' => $type,
        ':content-type' => 'application/json', ':message-type' => 'event');
}

sub events {
    my ($self, $say) = @_;

    my @e = $self->event(messageStart => { role => 'assistant' });
    my $i = 0;

    for my $b ($self->blocks($say)) {
        my @deltas;

        if (defined $b->{text}) {
            @deltas = map { { text => $_ } } $self->pieces($b->{text});

        } elsif (my $u = $b->{toolUse}) {
            push @e, $self->event(contentBlockStart => {
                contentBlockIndex => $i, start => { toolUse => {
                toolUseId => $u->{toolUseId}, name => $u->{name} } } });
            @deltas = map { { toolUse => { input => $_ } } }
                ref $u->{input} ? $self->json_pieces($u->{input})
                : $u->{input};

        } else {
            my $t = $b->{reasoningContent}{reasoningText};

            @deltas = map { { reasoningContent => $_ } }
                (map { { text => $_ } } $self->pieces($t->{text})),
                { signature => $t->{signature} };
        }

        push @e, map { $self->event(contentBlockDelta => {
            contentBlockIndex => $i, delta => $_ }) } @deltas;
        push @e, $self->event(contentBlockStop => { contentBlockIndex =>
                                                    $i++ });
    }

    if ($say->{error}) {
        return (@e, $self->frame($self->encode($self->error($say->{error})),
            ':exception-type' => 'modelStreamErrorException',
            ':content-type' => 'application/json',
            ':message-type' => 'exception'));
    }

    return (@e, $self->event(messageStop => { stopReason =>
                                              $self->stop($say) }),
        $self->event(metadata => { usage => $self->usage($say->{usage}),
                                   metrics => { latencyMs => 1 } }));
}

# whether there is an event that begins an answer; an event that nobody knows
sub starts { return 1 }
sub unknown { return $_[0]->event(news => { news => [ {} ] }) }


sub error {
    my ($self, $e) = @_;

    return { message => $e->{message} };
}

sub error_text {
    my ($self, $body) = @_;

    return $body->{message} // $body->{Message} // die "no message\n";
}


sub frames {
    my ($self, $bytes) = @_;

    my @frames;

    while (length $bytes) {
        my ($total, $h, $crc) = unpack 'NNN', $bytes;

        die "half a frame\n"
            if length $bytes < 16 || $total > length $bytes || $total < 16;
        die "a bad sum of a head\n"
            if Compress::Zlib::crc32(substr $bytes, 0, 8) != $crc;

        my $m = substr $bytes, 0, $total, '';

        die "a bad sum\n" if Compress::Zlib::crc32(substr $m, 0, $total - 4)
            != unpack 'N', substr $m, -4;

        my $headers = substr $m, 12, $h;
        my %h;

        while (length $headers) {
            my ($name, $type, $value) = unpack 'C/a C n/a', $headers;

            die "a header of type $type\n" if $type != 7;
            $h{$name} = $value;
            substr $headers, 0, 4 + length($name) + length($value), '';
        }

        push @frames, [ \%h, substr $m, 12 + $h, $total - 16 - $h ];
    }

    return @frames;
}

sub whole_heard {
    my ($self, $b) = @_;

    my $m = $b->{output}{message};

    die "an answer of nobody\n" if $m->{role} ne 'assistant';

    my %h = (raw => $m->{content}, calls => []);

    for my $p (@{$m->{content}}) {
        if (defined $p->{text}) {
            $h{text} .= $p->{text};

        } elsif (my $t = $p->{reasoningContent}) {
            my $text = $t->{reasoningText} or next;

            $h{thought} .= $text->{text} // '';
            $h{signature} = $text->{signature};

        } elsif (my $u = $p->{toolUse}) {
            die "an input that is no object\n" if ref $u->{input} ne 'HASH';
            push @{$h{calls}}, { id => $u->{toolUseId}, name => $u->{name},
                                 args => $u->{input} };

        } else {
            die 'a block of no kind: ' . join(' ', keys %$p) . "\n";
        }
    }

    $h{stop} = $STOPPED{$b->{stopReason} // ''} // die "an end of no kind\n";
    $h{refused} = $h{stop} eq 'filter' ? 1 : 0;

    my $u = $b->{usage};

    die "a total that is none\n" if $u->{totalTokens} != $u->{inputTokens}
        + $u->{outputTokens} + ($u->{cacheReadInputTokens} || 0)
        + ($u->{cacheWriteInputTokens} || 0);

    $h{usage} = { prompt => $u->{inputTokens} + ($u->{cacheReadInputTokens}
        || 0) + ($u->{cacheWriteInputTokens} || 0),
        cached => $u->{cacheReadInputTokens}, completion =>
        $u->{outputTokens} };

    return \%h;
}

sub stream_heard {
    my ($self, $bytes) = @_;

    my (%b, @content, $open, $last, %json);

    for ($self->frames($bytes)) {
        my ($h, $payload) = @$_;
        my $e = $self->decode($payload);

        return { error => { status => 200, message => $self->error_text($e) } }
            if $h->{':message-type'} eq 'exception';

        my $type = $h->{':event-type'};
        my $i = $e->{contentBlockIndex};

        die "$type behind the end\n" if ($last // '') eq 'metadata';

        if ($type eq 'messageStart') {
            die "two starts\n" if $last;

        } elsif (!$last) {
            die "$type before the start\n";

        } elsif ($type eq 'contentBlockStart') {
            die "a block in a block\n" if defined $open;
            die "a block of number $i\n" if $i != @content;
            $open = $i;
            $content[$i] = { toolUse => $e->{start}{toolUse} };
            $json{$i} = '';

        } elsif ($type eq 'contentBlockDelta') {
            my $d = $e->{delta};

            $open //= $i;
            die "a delta of another block\n" if $open != $i;

            if (defined $d->{text}) {
                $content[$i]{text} .= $d->{text};
            } elsif (my $r = $d->{reasoningContent}) {
                my $t = $content[$i]{reasoningContent} ||= {};

                for (keys %$r) {
                    (/^redacted/ ? $t->{$_} : $t->{reasoningText}{$_})
                        .= $r->{$_};
                }
            } elsif ($d->{toolUse}) {
                $json{$i} .= $d->{toolUse}{input};
            } else {
                die "a delta of nothing\n";
            }

        } elsif ($type eq 'contentBlockStop') {
            die "the end of no block\n" unless defined $open && $open == $i;
            $content[$i]{toolUse}{input} = $self->args($json{$i})
                if $content[$i]{toolUse};
            undef $open;

        } elsif ($type eq 'messageStop') {
            die "an end within a block\n" if defined $open;
            $b{stopReason} = $e->{stopReason};

        } elsif ($type eq 'metadata') {
            $b{usage} = $e->{usage};

        } else {
            die "an event of no kind: $type\n";
        }

        $last = $type;
    }

    die "a stream without its end\n" unless ($last // '') eq 'metadata';

    $b{output}{message} = { role => 'assistant', content => \@content };

    return $self->whole_heard(\%b);
}

1;
