# SPDX-License-Identifier: Apache-2.0

package GenAI::Dialect::Openai;

# OpenAI's chat completions, with the reasoning members of DeepSeek, vLLM
# (reasoning_content) and OpenRouter (reasoning_details).

use strict;
use warnings;

use parent -norequire, 'GenAI::Dialect';

my %STOP = (stop => 'stop', length => 'length', tool => 'tool_calls',
            filter => 'content_filter');
my %STOPPED = reverse %STOP;


sub pass { return '/v1' }

sub uri { return '/v1/chat/completions' }


sub ask {
    my ($self, $ask) = @_;

    my @messages = map { { role => 'system', content => $_ } }
        @{$ask->{system} || []};

    for my $turn (@{$ask->{turns}}) {

        if ($turn->{raw}) {
            push @messages, $turn->{raw};
            next;
        }

        my @parts = @{$turn->{parts}};

        push @messages, map { { role => 'tool', content => $_->{result}{text},
            tool_call_id => $_->{result}{id} } } grep { $_->{result} } @parts;

        my @content = map {
            defined $_->{text} ? { type => 'text', text => $_->{text} }
            : $_->{image} ? { type => 'image_url', image_url => { url =>
                "data:$_->{image}{type};base64,$_->{image}{data}" } }
            : () } @parts;

        push @messages, { role => $turn->{role}, content =>
            @content == 1 && $content[0]{text} ? $content[0]{text}
                                               : \@content } if @content;
    }

    my %body = (model => $ask->{model}, messages => \@messages,
                max_completion_tokens => $ask->{max} || 100);

    $body{tools} = [ map { { type => 'function', function => {
        name => $_->{name}, description => $_->{description},
        parameters => $_->{schema} } } } @{$ask->{tools}} ] if $ask->{tools};
    $body{tool_choice} = 'required' if ($ask->{choice} // '') eq 'any';
    $body{response_format} = { type => 'json_schema', json_schema => {
        name => 'answer', strict => $self->true, schema => $ask->{schema} } }
        if $ask->{schema};

    if ($ask->{stream}) {
        $body{stream} = $self->true;
        $body{stream_options} = { include_usage => $self->true };
    }

    return ($self->uri($ask), \%body);
}


sub asked {
    my ($self, $r) = @_;

    my $b = $self->decode($r->{body});
    my %asked = (model => $b->{model}, stream => $b->{stream} ? 1 : 0,
                 max => $b->{max_completion_tokens} // $b->{max_tokens},
                 system => [], turns => []);

    for my $m (@{$b->{messages}}) {
        my $role = $m->{role};

        if ($role eq 'system' || $role eq 'developer') {
            push @{$asked{system}}, map { $_->{text} } content($m->{content});
            next;
        }

        my @parts = content($m->{content});

        if ($role eq 'tool') {
            @parts = { result => { id => $m->{tool_call_id},
                                   text => join '', map { $_->{text} }
                                       @parts } };
            $role = 'user';
        }

        if ($role eq 'assistant') {
            my $thought = $m->{reasoning_content} // $m->{reasoning};

            unshift @parts, { thought => $thought } if defined $thought;
            push @parts, { text => $m->{refusal} } if defined $m->{refusal};
            push @parts, map { { call => { id => $_->{id},
                name => $_->{function}{name},
                args => $self->args($_->{function}{arguments}) } } }
                @{$m->{tool_calls} || []};

        } elsif ($role ne 'user') {
            die "a role of nobody: $role\n";
        }

        # neighbours are one turn
        if (@{$asked{turns}} && $asked{turns}[-1]{role} eq $role) {
            push @{$asked{turns}[-1]{parts}}, @parts;
        } else {
            push @{$asked{turns}}, { role => $role, parts => \@parts };
        }
    }

    if ($b->{tools}) {
        $asked{tools} = [ map {
            die "a tool that is no function\n" if $_->{type} ne 'function';
            { name => $_->{function}{name},
              description => $_->{function}{description},
              schema => $_->{function}{parameters} } } @{$b->{tools}} ];
    }

    $asked{choice} = 'any' if ($b->{tool_choice} // '') eq 'required';

    if (my $f = $b->{response_format}) {
        die "a schema without a name\n" unless $f->{json_schema}{name};
        $asked{schema} = $f->{json_schema}{schema};
    }

    return \%asked;
}


sub content {
    my ($content) = @_;

    return () unless defined $content;
    return { text => $content } unless ref $content;

    return map {
        $_->{type} eq 'text' ? { text => $_->{text} }
        : $_->{type} eq 'refusal' ? { text => $_->{refusal} }
        : $_->{type} eq 'image_url'
          && $_->{image_url}{url} =~ m{^data:([^;,]+);base64,(.*)$}s
          ? { image => { type => $1, data => $2 } }
        : die "a part that nobody asked for: $_->{type}\n" } @$content;
}


sub usage {
    my ($self, $u) = @_;

    return undef unless $u;

    return { prompt_tokens => $u->{prompt}, completion_tokens =>
             $u->{completion}, total_tokens => $u->{prompt} + $u->{completion},
             prompt_tokens_details => { cached_tokens => $u->{cached} },
             completion_tokens_details => { reasoning_tokens =>
                                            $u->{reasoning} || 0 } };
}

sub usage_heard {
    my ($self, $u) = @_;

    return undef unless $u;

    die "a total that is none\n"
        if $u->{total_tokens} != $u->{prompt_tokens} + $u->{completion_tokens};

    return { prompt => $u->{prompt_tokens}, completion =>
             $u->{completion_tokens},
             cached => $u->{prompt_tokens_details}{cached_tokens},
             reasoning => $u->{completion_tokens_details}{reasoning_tokens} };
}


sub whole {
    my ($self, $say) = @_;

    my %m = (role => 'assistant', content => $say->{text}, refusal =>
             $say->{refusal});

    $m{reasoning_content} = $say->{thought} if defined $say->{thought};
    $m{tool_calls} = [ map { { id => $_->{id}, type => 'function', function =>
        { name => $_->{name}, arguments => $self->text($_->{args}) } } }
        @{$say->{calls}} ] if $say->{calls};

    return { id => 'chatcmpl-1', object => 'chat.completion', created => 1,
        model => 'gpt', choices => [ { index => 0, message => \%m, logprobs =>
        undef, finish_reason => $STOP{$say->{stop}} } ],
        usage => $self->usage($say->{usage}) };
}

sub chunk {
    my ($self, %more) = @_;

    return 'data: ' . $self->encode({ id => 'chatcmpl-1', object =>
        'chat.completion.chunk', created => 1, model => 'gpt', %more })
        . "\n\n";
}

sub events {
    my ($self, $say) = @_;

    my $delta = sub {
        return $self->chunk(choices => [ { index => 0, delta => $_[0],
                                           finish_reason => $_[1] } ]);
    };

    my @e = $delta->({ role => 'assistant', content => '' });

    push @e, map { $delta->({ reasoning_content => $_ }) }
        $self->pieces($say->{thought});
    push @e, map { $delta->({ content => $_ }) } $self->pieces($say->{text});
    push @e, map { $delta->({ refusal => $_ }) }
        $self->pieces($say->{refusal});

    my $i = 0;

    for my $call (@{$say->{calls} || []}) {
        push @e, $delta->({ tool_calls => [ { index => $i, id => $call->{id},
            type => 'function', function => { name => $call->{name},
                                              arguments => '' } } ] });
        push @e, map { $delta->({ tool_calls => [ { index => $i, function =>
            { arguments => $_ } } ] }) } $self->json_pieces($call->{args});
        $i++;
    }

    if ($say->{error}) {
        return (@e, 'data: ' . $self->encode($self->error($say->{error}))
                . "\n\n");
    }

    return (@e, $delta->({}, $STOP{$say->{stop}}),
        $self->chunk(choices => [], usage => $self->usage($say->{usage})),
        "data: [DONE]\n\n");
}

# whether there is an event that begins an answer; an event that nobody knows
sub starts { return 1 }

sub unknown { return "data: {\"object\":\"news\",\"news\":[{}]}\n\n" }


sub error {
    my ($self, $e) = @_;

    return { error => { message => $e->{message}, type => 'server_error',
                        param => undef, code => undef } };
}

sub error_text {
    my ($self, $body) = @_;

    for (qw(message type param code)) {
        die "an error without $_\n" unless exists $body->{error}{$_};
    }

    return $body->{error}{message};
}


sub whole_heard {
    my ($self, $b) = @_;

    die "no chat completion\n" if $b->{object} ne 'chat.completion';
    die "not one choice\n" if @{$b->{choices}} != 1;

    my $c = $b->{choices}[0];

    return $self->heard_of($b, $c->{message}, $c->{finish_reason},
                           $b->{usage});
}


sub heard_of {
    my ($self, $b, $m, $finish, $usage) = @_;

    die "an answer without an id\n" unless $b->{id};
    die "an answer of nobody\n" if $m->{role} ne 'assistant';
    die "no reason why it ended\n" unless $finish;

    my $stop = $STOPPED{$finish} // die "an end of no kind: $finish\n";

    return { id => $b->{id}, model => $b->{model}, stop => $stop,
        thought => $m->{reasoning_content} // $m->{reasoning},
        text => $m->{content}, refusal => $m->{refusal},
        refused => defined $m->{refusal} || $stop eq 'filter' ? 1 : 0,
        calls => [ map { { id => $_->{id}, name => $_->{function}{name},
            args => $self->args($_->{function}{arguments}) } }
            @{$m->{tool_calls} || []} ],
        usage => $self->usage_heard($usage), raw => $m };
}


# as the official client puts the deltas together

sub stream_heard {
    my ($self, $text) = @_;

    my @e = $self->sse($text);
    my (%m, $finish, $usage, $first, %calls);

    die "a stream without its last word\n"
        if !@e || ($e[-1][1] ne '[DONE]' && $e[-1][1] !~ /^\{"error"/);

    for (@e) {
        last if $_->[1] eq '[DONE]';

        my $b = $self->decode($_->[1]);

        return { error => { status => 200, message =>
                            $self->error_text($b) } } if $b->{error};

        die "no chunk\n" if $b->{object} ne 'chat.completion.chunk';
        $first ||= $b;
        die "another id\n" if $b->{id} ne $first->{id};
        $usage = $b->{usage} if $b->{usage};

        for my $c (@{$b->{choices}}) {
            my $d = $c->{delta};

            die "said behind its end\n" if $finish;
            $finish = $c->{finish_reason};
            $m{$_} = $d->{$_} for grep { $d->{$_} } qw(role extra_content);

            for (qw(content refusal reasoning_content reasoning)) {
                $m{$_} = ($m{$_} // '') . $d->{$_}
                    if defined $d->{$_} && length $d->{$_};
            }

            # what OpenRouter's clients join: by index, texts grow
            for my $r (@{$d->{reasoning_details} || []}) {
                my $old = $m{reasoning_details}[$r->{index} // 0] ||= {};

                for (keys %$r) {
                    if (/^(?:text|summary|data)$/ && defined $old->{$_}) {
                        $old->{$_} .= $r->{$_};
                    } elsif (defined $r->{$_}) {
                        $old->{$_} = $r->{$_};
                    }
                }
            }

            for my $t (@{$d->{tool_calls} || []}) {
                my $old = $m{tool_calls}[$t->{index}] ||= {};

                $old->{$_} = $t->{$_}
                    for grep { defined $t->{$_} } qw(id type extra_content);
                $old->{function}{name} .= $t->{function}{name} // '';
                $old->{function}{arguments} .= $t->{function}{arguments} // '';
            }
        }
    }

    $m{reasoning_details} = [ grep { $_ } @{$m{reasoning_details}} ]
        if $m{reasoning_details};

    return $self->heard_of($first, \%m, $finish, $usage);
}

1;
