# SPDX-License-Identifier: Apache-2.0

package GenAI::Dialect::Responses;

# OpenAI's Responses API.

use strict;
use warnings;

use parent -norequire, 'GenAI::Dialect';


sub pass { return '/v1' }


sub ask {
    my ($self, $ask) = @_;

    my @input;

    for my $turn (@{$ask->{turns}}) {

        if ($turn->{raw}) {
            push @input, @{$turn->{raw}};
            next;
        }

        my @content;

        for my $p (@{$turn->{parts}}) {
            if (defined $p->{text}) {
                push @content, { type => 'input_text', text => $p->{text} };
            } elsif ($p->{image}) {
                push @content, { type => 'input_image', image_url =>
                    "data:$p->{image}{type};base64,$p->{image}{data}" };
            } elsif ($p->{result}) {
                push @input, { type => 'function_call_output', call_id =>
                    $p->{result}{id}, output => $p->{result}{text} };
            }
        }

        push @input, { type => 'message', role => $turn->{role},
                       content => \@content } if @content;
    }

    my %body = (model => $ask->{model}, input => \@input,
                store => $self->false,
                max_output_tokens => $ask->{max} || 100);

    if (my @system = @{$ask->{system} || []}) {
        $body{instructions} = shift @system;
        unshift @input, map { { role => 'developer', content => $_ } } @system;
    }

    $body{tools} = [ map { { type => 'function', name => $_->{name},
        description => $_->{description}, parameters => $_->{schema},
        strict => $self->false } } @{$ask->{tools}} ] if $ask->{tools};
    $body{tool_choice} = 'required' if ($ask->{choice} // '') eq 'any';
    $body{text} = { format => { type => 'json_schema', name => 'answer',
        strict => $self->true, schema => $ask->{schema} } } if $ask->{schema};
    $body{stream} = $self->true if $ask->{stream};
    $body{include} = [ 'reasoning.encrypted_content' ];

    return ('/v1/responses', \%body);
}


sub asked {
    my ($self, $r) = @_;

    my $b = $self->decode($r->{body});
    my %asked = (model => $b->{model}, stream => $b->{stream} ? 1 : 0,
                 max => $b->{max_output_tokens}, turns => [],
                 system => [ defined $b->{instructions}
                             ? split /\n\n/, $b->{instructions} : () ]);
    my @items = ref $b->{input} ? @{$b->{input}}
        : { role => 'user', content => $b->{input} };

    die "what is asked would be kept\n" if !exists $b->{store} || $b->{store};

    for my $item (@items) {
        my $type = $item->{type} // 'message';
        my ($role, @parts) = 'assistant';

        if ($type eq 'message') {
            $role = $item->{role};
            @parts = map { $self->part($_) } ref $item->{content}
                ? @{$item->{content}}
                : { type => 'input_text', text => $item->{content} };

            if ($role eq 'system' || $role eq 'developer') {
                push @{$asked{system}}, map { $_->{text} } @parts;
                next;
            }

        } elsif ($type eq 'function_call') {
            @parts = { call => { id => $item->{call_id}, name =>
                $item->{name}, args => $self->args($item->{arguments}) } };

        } elsif ($type eq 'function_call_output') {
            $role = 'user';
            @parts = { result => { id => $item->{call_id}, text =>
                ref $item->{output} ? join('', map { $_->{text} }
                    @{$item->{output}}) : $item->{output} } };

        } elsif ($type eq 'reasoning') {
            @parts = { thought => join("\n\n", map { $_->{text} }
                @{$item->{summary}}), signature =>
                $item->{encrypted_content} };

        } else {
            die "an item that nobody asked for: $type\n";
        }

        if (@{$asked{turns}} && $asked{turns}[-1]{role} eq $role) {
            push @{$asked{turns}[-1]{parts}}, @parts;
        } else {
            push @{$asked{turns}}, { role => $role, parts => \@parts };
        }
    }

    if ($b->{tools}) {
        $asked{tools} = [ map {
            die "a tool that is no function\n" if $_->{type} ne 'function';
            { name => $_->{name}, description => $_->{description},
              schema => $_->{parameters} } } @{$b->{tools}} ];
    }

    $asked{choice} = 'any' if ($b->{tool_choice} // '') eq 'required';

    if (my $f = $b->{text}{format}) {
        die "a schema without a name\n" unless $f->{name};
        $asked{schema} = $f->{schema};
    }

    return \%asked;
}

sub part {
    my ($self, $p) = @_;

    my $type = $p->{type};

    return { text => $p->{text} } if $type =~ /^(?:input|output)_text$/;
    return { text => $p->{refusal} } if $type eq 'refusal';
    return { image => { type => $1, data => $2 } } if $type eq 'input_image'
        && $p->{image_url} =~ m{^data:([^;,]+);base64,(.*)$}s;

    die "a part that nobody asked for: $type\n";
}


sub usage {
    my ($self, $u) = @_;

    return undef unless $u;

    return { input_tokens => $u->{prompt}, input_tokens_details =>
             { cached_tokens => $u->{cached} },
             output_tokens => $u->{completion}, output_tokens_details =>
             { reasoning_tokens => $u->{reasoning} || 0 },
             total_tokens => $u->{prompt} + $u->{completion} };
}

sub output {
    my ($self, $say) = @_;

    my @items;

    push @items, { type => 'reasoning', id => 'rs_1', summary =>
        [ { type => 'summary_text', text => $say->{thought} } ],
        encrypted_content => $say->{signature} } if defined $say->{thought};

    push @items, { type => 'message', id => 'msg_1', role => 'assistant',
        status => 'completed', content => [
        (defined $say->{text} ? { type => 'output_text', annotations => [],
                                  text => $say->{text} } : ()),
        (defined $say->{refusal} ? { type => 'refusal', refusal =>
                                     $say->{refusal} } : ()) ] }
        if defined $say->{text} || defined $say->{refusal};

    my $i = 0;

    push @items, map { { type => 'function_call', id => 'fc_' . $i++,
        call_id => $_->{id}, name => $_->{name}, status => 'completed',
        arguments => $self->text($_->{args}) } } @{$say->{calls} || []};

    return @items;
}

sub whole {
    my ($self, $say) = @_;

    my $stop = $say->{stop};
    my $cut = $stop eq 'length' ? 'max_output_tokens'
        : $stop eq 'filter' ? 'content_filter' : undef;

    return { id => 'resp_1', object => 'response', created_at => 1,
        model => 'gpt', status => $cut ? 'incomplete' : 'completed',
        error => undef, incomplete_details => $cut ? { reason => $cut }
                                                   : undef,
        output => [ $self->output($say) ], usage =>
        $self->usage($say->{usage}) };
}


sub events {
    my ($self, $say) = @_;

    my $begun = { %{$self->whole($say)}, status => 'in_progress', output => [],
                  usage => undef, incomplete_details => undef };
    my @e = map { { type => "response.$_", response => $begun } }
        qw(created in_progress);
    my $o = 0;

    for my $item ($self->output($say)) {
        my %at = (output_index => $o++, item_id => $item->{id});
        my $empty = { %$item, $item->{type} eq 'message' ? (content => [])
            : $item->{type} eq 'reasoning' ? (summary => [])
            : (arguments => ''), status => 'in_progress' };

        delete @$empty{qw(encrypted_content)};
        push @e, { type => 'response.output_item.added', output_index =>
                   $at{output_index}, item => $empty };

        if ($item->{type} eq 'function_call') {
            push @e, map { { type => 'response.function_call_arguments.delta',
                %at, delta => $_ } } $self->pieces($item->{arguments});
            push @e, { type => 'response.function_call_arguments.done', %at,
                       arguments => $item->{arguments} };

        } else {
            my $thought = $item->{type} eq 'reasoning';
            my $i = 0;

            for my $part (@{$item->{$thought ? 'summary' : 'content'}}) {
                my %in = (%at, $thought ? 'summary_index' : 'content_index',
                          $i++);
                my $of = $thought ? 'reasoning_summary_part' : 'content_part';
                my $type = $thought ? 'reasoning_summary_text'
                    : $part->{type};
                my $member = $part->{type} eq 'refusal' ? 'refusal' : 'text';

                push @e, { type => "response.$of.added", %in,
                           part => { %$part, $member => '' } };
                push @e, map { { type => "response.$type.delta", %in,
                    delta => $_ } } $self->pieces($part->{$member});
                push @e, { type => "response.$type.done", %in,
                           $member => $part->{$member} };
                push @e, { type => "response.$of.done", %in, part => $part };
            }
        }

        push @e, { type => 'response.output_item.done', output_index =>
                   $at{output_index}, item => $item };
    }

    my $whole = $self->whole($say);

    if (my $error = $say->{error}) {
        push @e, { type => 'response.failed', response => { %$begun,
            status => 'failed', error => { code => 'server_error',
            message => $error->{message} } } };
    } else {
        push @e, { type => "response.$whole->{status}", response => $whole };
    }

    my $n = 0;

    return map { $_->{sequence_number} = $n++;
                 "event: $_->{type}\ndata: " . $self->encode($_) . "\n\n" } @e;
}

# whether there is an event that begins an answer; an event that nobody knows
sub starts { return 1 }

sub unknown {
    return "event: news\ndata: {\"type\":\"response.news\",\"news\":[{}]}\n\n";
}


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

    die "no response\n" if $b->{object} ne 'response';
    die "no id\n" unless $b->{id};

    return { error => { status => 200, message => $b->{error}{message} } }
        if $b->{status} eq 'failed';

    my %h = (id => $b->{id}, model => $b->{model}, raw => $b->{output},
             calls => []);

    for my $item (@{$b->{output}}) {
        die "an item without an id\n" unless $item->{id};

        if ($item->{type} eq 'reasoning') {

            # what only signs has no text
            $h{thought} = join "\n\n", $h{thought} // (),
                map { $_->{text} } @{$item->{summary}}
                if @{$item->{summary}};
            $h{signature} = $item->{encrypted_content};

        } elsif ($item->{type} eq 'message') {
            for (@{$item->{content}}) {
                if    ($_->{type} eq 'output_text') { $h{text} .= $_->{text} }
                elsif ($_->{type} eq 'refusal') {
                    $h{refusal} .= $_->{refusal};
                } else { die "a part of no kind: $_->{type}\n" }
            }

        } elsif ($item->{type} eq 'function_call') {
            push @{$h{calls}}, { id => $item->{call_id}, name =>
                $item->{name}, args => $self->args($item->{arguments}) };

        } else {
            die "an item of no kind: $item->{type}\n";
        }
    }

    my $reason = ($b->{incomplete_details} || {})->{reason} // '';

    $h{stop} = $b->{status} eq 'completed'
        ? (@{$h{calls}} ? 'tool' : 'stop')
        : $reason eq 'max_output_tokens' ? 'length'
        : $reason eq 'content_filter' ? 'filter'
        : die "an end of no kind: $b->{status} $reason\n";
    $h{refused} = defined $h{refusal} || $h{stop} eq 'filter' ? 1 : 0;

    if (my $u = $b->{usage}) {
        die "a total that is none\n" if $u->{total_tokens}
            != $u->{input_tokens} + $u->{output_tokens};
        $h{usage} = { prompt => $u->{input_tokens},
            cached => $u->{input_tokens_details}{cached_tokens},
            completion => $u->{output_tokens},
            reasoning => $u->{output_tokens_details}{reasoning_tokens} };
    }

    return \%h;
}


# The life cycle: every item and part is added, grows, is done with what it
# has grown to, and stands in the last event as it was done.

sub stream_heard {
    my ($self, $text) = @_;

    my ($n, $over, @items, %text, %done, %begun) = (-1);

    for ($self->sse($text)) {
        my ($name, $data) = @$_;
        my $e = $self->decode($data);
        my $type = $e->{type};

        die "an event of another name: $name\n" if ($name // '') ne $type;
        die "$type behind the end\n" if $over;
        die "$type has the number $e->{sequence_number}\n"
            if $e->{sequence_number} != ++$n;

        return { error => { status => 200, message => $e->{message}
                            // $e->{error}{message} } } if $type eq 'error';

        if ($type =~ /^response\.(created|in_progress)$/) {
            die "$type at $n\n" if $n != ($1 eq 'created' ? 0 : 1);
            next;
        }

        die "$type without response.created\n" if $n < 2;

        if ($type =~ /^response\.(?:completed|incomplete|failed)$/) {
            $over = $e->{response};
            next;
        }

        my $o = $e->{output_index};

        if ($type eq 'response.output_item.added') {
            die "an item of number $o\n" if $o != @items;
            push @items, $e->{item};
            next;
        }

        my $item = $items[$o] or die "$type of no item\n";

        die "$type of an item that is done\n" if $done{$o};

        if ($type eq 'response.output_item.done') {
            die "another id\n" if $item->{id} ne $e->{item}{id};
            die "another text than its pieces\n"
                if $e->{item}{type} eq 'function_call'
                && $e->{item}{arguments} ne ($text{"$o."} // '');
            $items[$o] = $e->{item};
            $done{$o} = 1;
            next;
        }

        die "$type of another id\n" if $e->{item_id} ne $item->{id};

        my $i = $e->{content_index} // $e->{summary_index} // '';

        if ($type =~ /part\.added$/) {
            die "a part twice\n" if $begun{"$o.$i"}++;

        } elsif ($type =~ /\.delta$/) {
            die "$type of no part\n" if length $i && !$begun{"$o.$i"};
            $text{"$o.$i"} .= $e->{delta};

        } elsif ($type =~ /part\.done$/) {
            die "another text than its pieces\n"
                if ($e->{part}{text} // $e->{part}{refusal})
                ne ($text{"$o.$i"} // '');

        } elsif ($type =~ /\.done$/) {
            die "another text than its pieces\n"
                if ($e->{text} // $e->{refusal} // $e->{arguments})
                ne ($text{"$o.$i"} // '');

        } else {
            die "an event of no kind: $type\n";
        }
    }

    die "a stream without its end\n" unless $over;

    if ($over->{status} ne 'failed') {
        die "an item that is not done\n" if keys %done != @items;
        die "another output than its items\n"
            if $self->encode($over->{output}) ne $self->encode(\@items);
    }

    return $self->whole_heard($over);
}

1;
