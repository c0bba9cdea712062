# SPDX-License-Identifier: Apache-2.0

package GenAI::Dialect::Anthropic;

# Anthropic's Messages.

use strict;
use warnings;

use parent -norequire, 'GenAI::Dialect';

my %STOP = (stop => 'end_turn', length => 'max_tokens', tool => 'tool_use',
            filter => 'refusal');
my %STOPPED = (reverse(%STOP), stop_sequence => 'stop');


sub ask {
    my ($self, $ask) = @_;

    my @messages = map {
        my $turn = $_;

        { role => $turn->{role} // 'assistant', content => $turn->{raw} || [
            map { defined $_->{text} ? { type => 'text', text => $_->{text} }
                : $_->{image} ? { type => 'image', source => { type =>
                    'base64', media_type => $_->{image}{type},
                    data => $_->{image}{data} } }
                : $_->{result} ? { type => 'tool_result', tool_use_id =>
                    $_->{result}{id}, content => $_->{result}{text} }
                : () } @{$turn->{parts}} ] }
    } @{$ask->{turns}};

    my %body = (model => $ask->{model}, messages => \@messages,
                max_tokens => $ask->{max} || 100);

    $body{system} = [ map { { type => 'text', text => $_ } }
                      @{$ask->{system}} ] if $ask->{system};
    $body{tools} = [ map { { name => $_->{name}, description =>
        $_->{description}, input_schema => $_->{schema} } } @{$ask->{tools}} ]
        if $ask->{tools};
    $body{tool_choice} = { type => 'any' } if ($ask->{choice} // '') eq 'any';
    $body{output_config} = { format => { type => 'json_schema', schema =>
        $ask->{schema} } } if $ask->{schema};
    $body{stream} = $self->true if $ask->{stream};

    return ('/v1/messages', \%body, 'anthropic-version' => '2023-06-01');
}


sub asked {
    my ($self, $r) = @_;

    my $b = $self->decode($r->{body});

    die "no version\n" unless $r->{h}{'anthropic-version'};
    die "no path of messages: $r->{uri}\n"
        unless $r->{uri} =~ m{/v1/messages(?:\?|$)};
    die "no max_tokens\n" unless ($b->{max_tokens} // 0) > 0;

    my %asked = (model => $b->{model}, stream => $b->{stream} ? 1 : 0,
                 max => $b->{max_tokens}, turns => [],
                 system => [ map { $_->{text} } list($b->{system}) ]);

    for my $m (@{$b->{messages}}) {
        die "a role of nobody: $m->{role}\n"
            if $m->{role} !~ /^(?:user|assistant)$/;
        die "two turns of one side\n"
            if @{$asked{turns}} && $asked{turns}[-1]{role} eq $m->{role};

        push @{$asked{turns}}, { role => $m->{role}, parts =>
            [ map { $self->part($_) } list($m->{content}) ] };
    }

    if ($b->{tools}) {
        $asked{tools} = [ map {
            die "a schema without a type\n" unless $_->{input_schema}{type};
            { name => $_->{name}, description => $_->{description},
              schema => $_->{input_schema} } } @{$b->{tools}} ];
    }

    $asked{choice} = $b->{tool_choice}{type} if $b->{tool_choice};

    my $format = $b->{output_config}{format} || $b->{output_format};
    $asked{schema} = $format->{schema} if $format;

    return \%asked;
}

sub list {
    my ($content) = @_;

    return () unless defined $content;

    return ref $content ? @$content : { type => 'text', text => $content };
}

sub part {
    my ($self, $p) = @_;

    my $type = $p->{type};

    if ($type eq 'text') {
        die "an empty text\n" unless length $p->{text};
        return { text => $p->{text} };
    }

    if ($type eq 'image') {
        die "an image that is no data\n" if $p->{source}{type} ne 'base64';
        return { image => { type => $p->{source}{media_type},
                            data => $p->{source}{data} } };
    }

    if ($type eq 'tool_use') {
        die "an id that is none: $p->{id}\n" if $p->{id} !~ /^[\w-]+$/;
        die "an input that is no object\n" if ref $p->{input} ne 'HASH';
        return { call => { id => $p->{id}, name => $p->{name},
                           args => $p->{input} } };
    }

    if ($type eq 'tool_result') {
        return { result => { id => $p->{tool_use_id}, text =>
            join '', map { $_->{text} // '' } list($p->{content}) } };
    }

    if ($type eq 'thinking') {
        die "a thought that nobody signed\n" unless length $p->{signature};
        return { thought => $p->{thinking}, signature => $p->{signature} };
    }

    die "a block that nobody asked for: $type\n";
}


sub usage {
    my ($self, $u) = @_;

    return undef unless $u;

    return { input_tokens => $u->{prompt} - $u->{cached},
             cache_read_input_tokens => $u->{cached},
             cache_creation_input_tokens => 0,
             output_tokens => $u->{completion} };
}

sub blocks {
    my ($self, $say) = @_;

    my @b;

    push @b, { type => 'thinking', thinking => $say->{thought}, signature =>
               $say->{signature} } if defined $say->{thought};

    for (grep { defined } @$say{qw(text refusal)}) {
        push @b, { type => 'text', text => $_ };
    }

    push @b, map { { type => 'tool_use', id => $_->{id}, name => $_->{name},
                     input => $self->value($_->{args}) } }
        @{$say->{calls} || []};

    return @b;
}

sub stop {
    my ($self, $say) = @_;

    return defined $say->{refusal} ? 'refusal' : $STOP{$say->{stop}};
}

sub whole {
    my ($self, $say) = @_;

    return { id => 'msg_1', type => 'message', role => 'assistant',
        model => 'claude', content => [ $self->blocks($say) ],
        stop_reason => $self->stop($say), stop_sequence => undef,
        usage => $self->usage($say->{usage}) };
}

sub events {
    my ($self, $say) = @_;

    my $usage = $self->usage($say->{usage});
    my @e = ({ type => 'message_start', message => { %{$self->whole($say)},
        content => [], stop_reason => undef,
        usage => $usage && { %$usage, output_tokens => 1 } } },
        { type => 'ping' });
    my $i = 0;

    for my $block ($self->blocks($say)) {
        my $type = $block->{type};
        my @deltas;

        if ($type eq 'text') {
            push @deltas, map { { type => 'text_delta', text => $_ } }
                $self->pieces(delete $block->{text});
            $block->{text} = '';

        } elsif ($type eq 'thinking') {
            push @deltas, map { { type => 'thinking_delta', thinking => $_ } }
                $self->pieces($block->{thinking});
            push @deltas, { type => 'signature_delta', signature =>
                            $block->{signature} };
            @$block{qw(thinking signature)} = ('', '');

        } else {
            my $input = $block->{input};

            push @deltas, map { { type => 'input_json_delta', partial_json =>
                $_ } } '', ref $input ? $self->json_pieces($input) : $input;
            $block->{input} = {};
        }

        push @e, { type => 'content_block_start', index => $i,
                   content_block => $block };
        push @e, map { { type => 'content_block_delta', index => $i, delta =>
            $_ } } @deltas;
        push @e, { type => 'content_block_stop', index => $i++ };
    }

    if ($say->{error}) {
        push @e, $self->error($say->{error});

    } else {
        push @e, { type => 'message_delta', delta => { stop_reason =>
            $self->stop($say), stop_sequence => undef },
            usage => $usage && { output_tokens => $usage->{output_tokens} } };
        push @e, { type => 'message_stop' };
    }

    return map { "event: $_->{type}\ndata: " . $self->encode($_) . "\n\n" } @e;
}

# whether there is an event that begins an answer; an event that nobody knows
sub starts { return 1 }

sub unknown {
    return "event: news\ndata: {\"type\":\"news\",\"news\":[{}]}\n\n";
}


sub error {
    my ($self, $e) = @_;

    return { type => 'error', error => { type => 'api_error', message =>
                                         $e->{message} } };
}

sub error_text {
    my ($self, $body) = @_;

    die "no error\n" if ($body->{type} // '') ne 'error';
    die "an error of no type\n" unless $body->{error}{type};

    return $body->{error}{message};
}


sub whole_heard {
    my ($self, $b) = @_;

    die "no message\n" if $b->{type} ne 'message' || $b->{role} ne 'assistant';
    die "no id\n" unless $b->{id};

    my %h = (id => $b->{id}, model => $b->{model}, raw => $b->{content},
             calls => []);

    for my $block (@{$b->{content}}) {

        if ($block->{type} eq 'text') {
            $h{text} .= $block->{text};

        } elsif ($block->{type} eq 'thinking') {
            die "a thought without a signature\n"
                unless defined $block->{signature};
            $h{thought} .= $block->{thinking};
            $h{signature} = $block->{signature};

        } elsif ($block->{type} eq 'tool_use') {
            die "an input that is no object\n" if ref $block->{input} ne 'HASH';
            push @{$h{calls}}, { id => $block->{id}, name => $block->{name},
                                 args => $block->{input} };

        } elsif ($block->{type} eq 'redacted_thinking') {
            die "a sealed thought of nothing\n" unless length $block->{data};

        } else {
            die "a block of no kind: $block->{type}\n";
        }
    }

    $h{stop} = $STOPPED{$b->{stop_reason} // ''}
        // die "an end of no kind\n";
    $h{refused} = $h{stop} eq 'filter' ? 1 : 0;

    my $u = $b->{usage};

    $h{usage} = { prompt => $u->{input_tokens}
            + ($u->{cache_read_input_tokens} || 0)
            + ($u->{cache_creation_input_tokens} || 0),
        cached => $u->{cache_read_input_tokens},
        completion => $u->{output_tokens} };

    return \%h;
}


# the life cycle that the official client insists on

sub stream_heard {
    my ($self, $text) = @_;

    my ($m, $open, $over, %json);

    for ($self->sse($text)) {
        my ($name, $data) = @$_;
        my $e = $self->decode($data);
        my $type = $e->{type};

        die "an event of another name: $name\n" if ($name // '') ne $type;
        next if $type eq 'ping';
        return { error => { status => 200, message =>
                            $self->error_text($e) } } if $type eq 'error';
        die "$type behind the end\n" if $over;

        if ($type eq 'message_start') {
            die "two of $type\n" if $m;
            $m = $e->{message};
            die "content too early\n" if @{$m->{content}};
            next;
        }

        die "$type before the start\n" unless $m;

        if ($type eq 'content_block_start') {
            die "a block in a block\n" if defined $open;
            $open = $e->{index};
            die "a block of number $open\n" if $open != @{$m->{content}};
            push @{$m->{content}}, $e->{content_block};

        } elsif ($type eq 'content_block_delta') {
            die "a delta of no block\n"
                unless defined $open && $open == $e->{index};

            my $b = $m->{content}[$open];
            my $d = $e->{delta};

            if ($d->{type} eq 'text_delta' && $b->{type} eq 'text') {
                $b->{text} .= $d->{text};
            } elsif ($d->{type} eq 'thinking_delta'
                     && $b->{type} eq 'thinking')
            {
                $b->{thinking} .= $d->{thinking};
            } elsif ($d->{type} eq 'signature_delta'
                     && $b->{type} eq 'thinking')
            {
                $b->{signature} = $d->{signature};
            } elsif ($d->{type} eq 'input_json_delta'
                     && $b->{type} eq 'tool_use')
            {
                $json{$open} .= $d->{partial_json};
            } else {
                die "$d->{type} in $b->{type}\n";
            }

        } elsif ($type eq 'content_block_stop') {
            die "the end of no block\n"
                unless defined $open && $open == $e->{index};
            $m->{content}[$open]{input} = $self->args($json{$open})
                if $m->{content}[$open]{type} eq 'tool_use';
            undef $open;

        } elsif ($type eq 'message_delta') {
            die "an end within a block\n" if defined $open;
            $m->{stop_reason} = $e->{delta}{stop_reason};
            $m->{usage}{$_} = $e->{usage}{$_}
                for grep { defined $e->{usage}{$_} } keys %{$e->{usage}};

        } elsif ($type eq 'message_stop') {
            $over = 1;

        } else {
            die "an event of no kind: $type\n";
        }
    }

    die "a stream without its end\n" unless $over;

    return $self->whole_heard($m);
}

1;
