# SPDX-License-Identifier: Apache-2.0

package GenAI::Dialect::Gemini;

# Google's generateContent.  Results carry the names of their calls, which the
# client takes from what it gives back.

use strict;
use warnings;

use parent -norequire, 'GenAI::Dialect';

my %STOP = (stop => 'STOP', length => 'MAX_TOKENS', tool => 'STOP',
            filter => 'SAFETY');
my %STOPPED = (STOP => 'stop', MAX_TOKENS => 'length', SAFETY => 'filter');


sub ask {
    my ($self, $ask) = @_;

    my (@contents, %names);

    for my $turn (@{$ask->{turns}}) {

        if ($turn->{raw}) {
            push @contents, { role => 'model', parts => $turn->{raw} };
            $names{$_->{functionCall}{id} // ''} = $_->{functionCall}{name}
                for grep { $_->{functionCall} } @{$turn->{raw}};
            next;
        }

        push @contents, { role => 'user', parts => [ map {
            defined $_->{text} ? { text => $_->{text} }
            : $_->{image} ? { inlineData => { mimeType => $_->{image}{type},
                                              data => $_->{image}{data} } }
            : { functionResponse => { id => $_->{result}{id},
                name => $names{$_->{result}{id}},
                response => { result => $_->{result}{text} } } }
            } @{$turn->{parts}} ] };
    }

    my %config = (maxOutputTokens => $ask->{max} || 100);
    my %body = (contents => \@contents, generationConfig => \%config);

    $body{systemInstruction} = { parts => [ map { { text => $_ } }
        @{$ask->{system}} ] } if $ask->{system};
    $body{tools} = [ { functionDeclarations => [ map { { name => $_->{name},
        description => $_->{description}, parametersJsonSchema =>
        $_->{schema} } } @{$ask->{tools}} ] } ] if $ask->{tools};
    $body{toolConfig} = { functionCallingConfig => { mode => 'ANY' } }
        if ($ask->{choice} // '') eq 'any';
    @config{qw(responseMimeType responseJsonSchema)} =
        ('application/json', $ask->{schema}) if $ask->{schema};

    return ("/v1beta/models/$ask->{model}:" . ($ask->{stream}
            ? 'streamGenerateContent?alt=sse' : 'generateContent'), \%body);
}


sub asked {
    my ($self, $r) = @_;

    my $b = $self->decode($r->{body});

    $r->{uri} =~ m{/v1beta/models/([^/:?]+):(stream)?[gG]enerateContent
                   (\?alt=sse)?$}x
        or die "no path of a model: $r->{uri}\n";

    my %asked = (model => $1, stream => $2 ? 1 : 0, turns => [],
                 max => $b->{generationConfig}{maxOutputTokens},
                 system => [ map { $_->{text} }
                             @{$b->{systemInstruction}{parts} || []} ]);

    die "no stream of events\n" if $2 && !$3;

    for my $c (@{$b->{contents}}) {
        die "a role of nobody: $c->{role}\n"
            if $c->{role} !~ /^(?:user|model)$/;

        push @{$asked{turns}}, { role => $c->{role} eq 'user' ? 'user'
            : 'assistant', parts => [ map { $self->part($_) }
                                      @{$c->{parts}} ] };
    }

    if ($b->{tools}) {
        $asked{tools} = [ map { { name => $_->{name}, description =>
            $_->{description}, schema => $_->{parametersJsonSchema}
            // $_->{parameters} } } map { @{$_->{functionDeclarations}} }
            @{$b->{tools}} ];
    }

    $asked{choice} = 'any'
        if ($b->{toolConfig}{functionCallingConfig}{mode} // '') eq 'ANY';

    if (defined(my $type = $b->{generationConfig}{responseMimeType})) {
        die "an answer of $type\n" if $type ne 'application/json';
        $asked{schema} = $b->{generationConfig}{responseJsonSchema}
            // $b->{generationConfig}{responseSchema};
    }

    return \%asked;
}

sub part {
    my ($self, $p) = @_;

    my %signed = defined $p->{thoughtSignature}
        ? (signature => $p->{thoughtSignature}) : ();

    if (my $c = $p->{functionCall}) {
        return { call => { id => $c->{id}, name => $c->{name},
                           args => $c->{args} || {} }, %signed };
    }

    if (my $f = $p->{functionResponse}) {
        die "a result of no name\n" unless length $f->{name};
        return { result => { id => $f->{id}, text =>
            $f->{response}{result} // $f->{response}{output}
            // $self->encode($f->{response}) } };
    }

    return { image => { type => $p->{inlineData}{mimeType}, data =>
                        $p->{inlineData}{data} } } if $p->{inlineData};

    die "a part of nothing\n" unless defined $p->{text};

    return { ($p->{thought} ? 'thought' : 'text') => $p->{text}, %signed };
}


# a signature stands in the first call, else in the last text

sub parts {
    my ($self, $say) = @_;

    my @parts;

    push @parts, { text => $say->{thought}, thought => $self->true }
        if defined $say->{thought};
    push @parts, { text => $say->{text} } if defined $say->{text};
    push @parts, { text => $say->{refusal} } if defined $say->{refusal};

    my $n = @parts;

    push @parts, map { { functionCall => { id => $_->{id}, name => $_->{name},
                         args => $self->value($_->{args}) } } }
        @{$say->{calls} || []};

    $parts[$say->{calls} ? $n : -1]{thoughtSignature} = $say->{signature}
        if defined $say->{signature};

    return @parts;
}

sub usage {
    my ($self, $u) = @_;

    return undef unless $u;

    my $thought = $u->{reasoning} || 0;

    return { promptTokenCount => $u->{prompt}, cachedContentTokenCount =>
             $u->{cached}, candidatesTokenCount => $u->{completion} - $thought,
             thoughtsTokenCount => $thought, totalTokenCount =>
             $u->{prompt} + $u->{completion} };
}

sub stop {
    my ($self, $say) = @_;

    return defined $say->{refusal} ? 'SAFETY' : $STOP{$say->{stop}};
}

sub whole {
    my ($self, $say) = @_;

    return { responseId => 'r1', modelVersion => 'gemini', candidates => [ {
        index => 0, finishReason => $self->stop($say), content => {
        role => 'model', parts => [ $self->parts($say) ] } } ],
        usageMetadata => $self->usage($say->{usage}) };
}

sub events {
    my ($self, $say) = @_;

    my @parts;

    for my $part ($self->parts($say)) {

        if (!defined $part->{text}) {
            push @parts, $part;
            next;
        }

        my $signature = delete $part->{thoughtSignature};

        push @parts, map { { %$part, text => $_ } }
            $self->pieces($part->{text});
        push @parts, { text => '', thoughtSignature => $signature }
            if defined $signature;
    }

    my @e = map { { responseId => 'r1', modelVersion => 'gemini', candidates =>
        [ { index => 0, content => { role => 'model', parts => [ $_ ] } } ] }
        } @parts;

    if ($say->{error}) {
        push @e, $self->error($say->{error});

    } else {
        $e[-1]{candidates}[0]{finishReason} = $self->stop($say);
        $e[-1]{usageMetadata} = $self->usage($say->{usage});
    }

    return map { 'data: ' . $self->encode($_) . "\r\n\r\n" } @e;
}

# whether there is an event that begins an answer; an event that nobody knows
sub starts { return 0 }

sub unknown { return "data: {\"news\":[{}]}\r\n\r\n" }


sub error {
    my ($self, $e) = @_;

    return { error => { code => $e->{status}, message => $e->{message},
                        status => 'INTERNAL' } };
}

sub error_text {
    my ($self, $body) = @_;

    for (qw(code message status)) {
        die "an error without $_\n" unless defined $body->{error}{$_};
    }

    return $body->{error}{message};
}


sub whole_heard { return $_[0]->heard_of($_[1]) }

sub stream_heard {
    my ($self, $text) = @_;

    my @chunks = map { $self->decode($_->[1]) } $self->sse($text);

    for (grep { $_->{error} } @chunks) {
        return { error => { status => 200, message =>
                            $self->error_text($_) } };
    }

    return $self->heard_of(@chunks);
}

sub heard_of {
    my ($self, @chunks) = @_;

    my (%h, $finish, $usage);
    my @raw;

    $h{calls} = [];

    for my $b (@chunks) {
        die "no model\n" unless $b->{modelVersion};
        die "another id\n" if $h{id} && $h{id} ne $b->{responseId};
        @h{qw(id model)} = @$b{qw(responseId modelVersion)};
        $usage = $b->{usageMetadata} if $b->{usageMetadata};

        for my $c (@{$b->{candidates} || []}) {
            die "said behind its end\n" if $finish && @{$c->{content}{parts}
                                                        || []};
            $finish = $c->{finishReason} if $c->{finishReason};
            push @raw, @{$c->{content}{parts} || []};
        }
    }

    for my $p (@raw) {
        $h{signature} = $p->{thoughtSignature}
            if defined $p->{thoughtSignature};

        if ($p->{functionCall}) {
            die "a call without an id\n" unless $p->{functionCall}{id};
            push @{$h{calls}}, { %{$p->{functionCall}},
                args => $p->{functionCall}{args} || {} };

        } elsif ($p->{thought}) {
            $h{thought} .= $p->{text} if length $p->{text};

        } elsif (length $p->{text}) {
            $h{text} .= $p->{text};
        }
    }

    $h{stop} = $STOPPED{$finish // ''} // die "an end of no kind\n";
    $h{stop} = 'tool' if $h{stop} eq 'stop' && @{$h{calls}};
    $h{refused} = $h{stop} eq 'filter' ? 1 : 0;
    $h{raw} = \@raw;

    if ($usage) {
        die "a total that is none\n" if $usage->{totalTokenCount}
            != $usage->{promptTokenCount} + ($usage->{candidatesTokenCount}
            || 0) + ($usage->{thoughtsTokenCount} || 0);

        $h{usage} = { prompt => $usage->{promptTokenCount},
            cached => $usage->{cachedContentTokenCount} || 0,
            completion => ($usage->{candidatesTokenCount} || 0)
                + ($usage->{thoughtsTokenCount} || 0),
            reasoning => $usage->{thoughtsTokenCount} || 0 };
    }

    return \%h;
}

1;
