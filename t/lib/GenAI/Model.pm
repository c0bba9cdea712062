# SPDX-License-Identifier: Apache-2.0

package GenAI::Model;

=head1 NAME

GenAI::Model - a provider of any dialect that says what a test wrote down

=head1 SYNOPSIS

    my $model = GenAI::Model->new(turn => sub {
        my ($asked) = @_;

        return { text => 'done' } if @{$asked->{results}};
        return { call => { name => 'Bash', arguments => { command => 'ls' } } };
    });

    ... pass http://127.0.0.1:%%MODEL%%/v1;  with conf($text,
                                                       MODEL => $model->port)

    $model->asked;          # all that turn was asked

The dialect is that of the request's path.  turn gets what was asked:

    dialect stream uri      "openai", "responses", "anthropic", "gemini"
    model
    tools                   names of the functions
    results                 texts of what calls have come to, in their order
    text                    all texts of the conversation
    body                    the request, decoded

and returns what the model says, of these in this order: thought, text, call or
calls of { name, arguments }, where input instead of arguments is the text of a
custom tool.  Requests to count tokens are answered without it.

=cut

use strict;
use warnings;

use JSON::PP ();

use GenAI::Test ();
use GenAI::Upstream;

my $json = JSON::PP->new->utf8->canonical->allow_nonref;
my @usage = (1000, 50);


sub new {
    my ($class, %o) = @_;

    my $turn = $o{turn};

    return bless { up => GenAI::Upstream->new(lossy => 1, route => sub {
        my $asked = understand($_[0]);
        my $count = counted($_[0]{uri});

        return whole($count) if $count;
        return [ [ json => 404, { error => { message => "no $_[0]{uri}" } } ] ]
            unless $asked;

        return $asked->{dialect}->can('say')->($asked, $turn->($asked));
    }) }, $class;
}


sub port { return $_[0]{up}->port }

sub requests { return $_[0]{up}->requests }

sub asked { return grep { $_ } map { understand($_) } $_[0]{up}->requests }


sub understand {
    my ($request) = @_;

    my $path = $request->{uri} =~ s/\?.*//r;
    my ($dialect) = grep { $path =~ $_->can('path')->() }
        map { "GenAI::Model::$_" } qw(openai responses anthropic gemini);

    return unless $dialect;

    my $body = $json->decode($request->{body});
    my $asked = { stream => $body->{stream} ? 1 : 0, uri => $request->{uri},
                  model => $body->{model}, body => $body, tools => [],
                  results => [], text => '', dialect => $dialect };

    $dialect->can('read')->($asked, $body);

    return $asked;
}


# What the endpoints say that count the tokens of a request.

sub counted {
    my ($uri) = @_;

    return $uri =~ /:countTokens/ ? { totalTokens => $usage[0] }
        : $uri =~ m{/messages/count_tokens} ? { input_tokens => $usage[0] }
        : $uri =~ m{/responses/input_tokens} ? {
            object => 'response.input_tokens', input_tokens => $usage[0] }
        : undef;
}


# All texts in a structure of parts.

sub texts {
    my ($of) = @_;

    return '' unless defined $of;
    return join '', map { texts($_) } @$of if ref $of eq 'ARRAY';
    return ref $of eq 'HASH' ? texts($of->{text}) : $of;
}


sub calls {
    my ($said) = @_;

    my $n = 0;

    return map { { %$_, n => $n, id => 'call_' . ++$n . int rand 1e9,
                   json => $json->encode($_->{arguments} || {}) } }
        $said->{calls} ? @{$said->{calls}} : $said->{call} || ();
}


sub events {
    return join '', map { ref $_ ? 'data: ' . $json->encode($_) . "\n\n"
                                 : $_ } @_;
}

sub named { return map { ("event: $_->{type}\n", $_) } @_ }

sub whole { return [ [ json => 200, $_[0] ] ] }

sub stream {
    return [ [ answer => 200, events(@_),
               'Content-Type' => 'text/event-stream' ] ];
}


package GenAI::Model::openai;

sub path { return qr{/chat/completions$} }

sub read {
    my ($asked, $body) = @_;

    $asked->{tools} = [ map { ($_->{function} || $_->{custom})->{name} }
                        @{$body->{tools} || []} ];

    for my $m (@{$body->{messages}}) {
        my $text = GenAI::Model::texts($m->{content});

        push @{$asked->{results}}, $text if $m->{role} eq 'tool';
        $asked->{text} .= "$text\n";
    }
}

sub say {
    my ($asked, $said) = @_;

    my $finish = 'stop';
    my %message = (role => 'assistant', content => $said->{text});

    $message{reasoning_content} = $said->{thought} if $said->{thought};

    for my $call (GenAI::Model::calls($said)) {
        $finish = 'tool_calls';
        push @{$message{tool_calls}}, { id => $call->{id}, type => 'function',
            function => { name => $call->{name},
                          arguments => $call->{json} } };
    }

    my %usage = (usage => { prompt_tokens => $usage[0],
        completion_tokens => $usage[1],
        total_tokens => $usage[0] + $usage[1] });
    my %head = (id => 'chatcmpl-1', created => 1, model => $asked->{model});

    return GenAI::Model::whole({ %head, object => 'chat.completion', %usage,
        choices => [ { index => 0, message => \%message,
                       finish_reason => $finish } ] }) unless $asked->{stream};

    $head{object} = 'chat.completion.chunk';

    my $chunk = sub { return { %head, choices => [ { index => 0,
        delta => $_[0], finish_reason => $_[1] } ] } };
    my @chunks = $chunk->({ role => 'assistant', content => '' });

    for my $field (qw(reasoning_content content)) {
        push @chunks, map { $chunk->({ $field => $_ }) }
            ($message{$field} // '') =~ /(.{1,7})/gs;
    }

    my $n = 0;

    for my $call (@{$message{tool_calls} || []}) {
        my $f = $call->{function};

        push @chunks, $chunk->({ tool_calls => [ { %$call, index => $n,
            function => { %$f, arguments => '' } } ] });
        push @chunks, map { $chunk->({ tool_calls => [ { index => $n,
            function => { arguments => $_ } } ] }) }
            $f->{arguments} =~ /(.{1,9})/gs;
        $n++;
    }

    return GenAI::Model::stream(@chunks, $chunk->({}, $finish),
        { %head, choices => [], %usage }, "data: [DONE]\n\n");
}


package GenAI::Model::responses;

sub path { return qr{/responses$} }

sub read {
    my ($asked, $body) = @_;

    $asked->{tools} = [ map { $_->{name} // () } @{$body->{tools} || []} ];
    $asked->{text} = ($body->{instructions} // '') . "\n";

    return $asked->{text} .= $body->{input} unless ref $body->{input};

    for my $item (@{$body->{input}}) {
        my $text = GenAI::Model::texts($item->{content} // $item->{output});

        push @{$asked->{results}}, $text
            if ($item->{type} // '') =~ /_call_output$/;
        $asked->{text} .= "$text\n";
    }
}

sub say {
    my ($asked, $said) = @_;

    my @output;

    push @output, { type => 'reasoning', id => 'rs_1', summary => [
        { type => 'summary_text', text => $said->{thought} } ] }
        if $said->{thought};
    push @output, { type => 'message', id => 'msg_1', role => 'assistant',
        status => 'completed', content => [ { type => 'output_text',
            text => $said->{text}, annotations => [] } ] }
        if defined $said->{text};
    push @output, map { { id => "fc_$_->{n}", call_id => $_->{id},
        status => 'completed', name => $_->{name}, defined $_->{input}
        ? (type => 'custom_tool_call', input => $_->{input})
        : (type => 'function_call', arguments => $_->{json}) } }
        GenAI::Model::calls($said);

    my %response = (id => 'resp_1', object => 'response', created_at => 1,
        model => $asked->{model}, status => 'completed', output => \@output,
        usage => { input_tokens => $usage[0], output_tokens => $usage[1],
            input_tokens_details => { cached_tokens => 0 },
            output_tokens_details => { reasoning_tokens => 0 },
            total_tokens => $usage[0] + $usage[1] });

    return GenAI::Model::whole(\%response) unless $asked->{stream};

    my @events = ({ type => 'response.created', response => { %response,
        status => 'in_progress', output => [], usage => undef } });
    my $n = 0;

    for my $item (@output) {
        my %at = (item_id => $item->{id}, output_index => $n);
        my %part = (%at, content_index => 0);

        push @events, { type => 'response.output_item.added', output_index =>
            $n, item => { %$item, status => 'in_progress',
                map { $_ => ref $item->{$_} ? [] : '' }
                    grep { exists $item->{$_} }
                        qw(content arguments input summary) } };

        if ($item->{type} eq 'message') {
            my $text = $item->{content}[0]{text};

            push @events, { type => 'response.content_part.added', %part,
                    part => { %{$item->{content}[0]}, text => '' } },
                (map { { type => 'response.output_text.delta', %part,
                         delta => $_ } } $text =~ /(.{1,7})/gs),
                { type => 'response.output_text.done', %part, text => $text },
                { type => 'response.content_part.done', %part,
                  part => $item->{content}[0] };

        } elsif ($item->{type} eq 'function_call') {
            push @events, (map { {
                    type => 'response.function_call_arguments.delta', %at,
                    delta => $_ } } $item->{arguments} =~ /(.{1,9})/gs),
                { type => 'response.function_call_arguments.done', %at,
                  arguments => $item->{arguments} };
        }

        push @events, { type => 'response.output_item.done',
                        output_index => $n++, item => $item };
    }

    my $sequence = 0;

    return GenAI::Model::stream(GenAI::Model::named(
        map { { %$_, sequence_number => $sequence++ } } @events,
            { type => 'response.completed', response => \%response }));
}


package GenAI::Model::anthropic;

sub path { return qr{/messages$} }

sub read {
    my ($asked, $body) = @_;

    $asked->{tools} = [ map { $_->{name} } @{$body->{tools} || []} ];
    $asked->{text} = GenAI::Model::texts($body->{system}) . "\n";

    for my $m (@{$body->{messages}}) {
        for my $part (ref $m->{content} ? @{$m->{content}} : $m->{content}) {
            my $result = ref $part && $part->{type} eq 'tool_result';
            my $text = GenAI::Model::texts($result ? $part->{content} : $part);

            push @{$asked->{results}}, $text if $result;
            $asked->{text} .= "$text\n";
        }
    }
}

sub say {
    my ($asked, $said) = @_;

    my @content;

    push @content, { type => 'thinking', thinking => $said->{thought},
                     signature => 'c2ln' } if $said->{thought};
    push @content, { type => 'text', text => $said->{text} }
        if defined $said->{text};
    push @content, map { { type => 'tool_use', name => $_->{name},
        id => "toolu_$_->{id}", input => $_->{arguments} || {} } }
        GenAI::Model::calls($said);

    my $stop = grep({ $_->{type} eq 'tool_use' } @content) ? 'tool_use'
                                                            : 'end_turn';
    my %message = (id => 'msg_1', type => 'message', role => 'assistant',
        model => $asked->{model}, content => \@content, stop_reason => $stop,
        stop_sequence => undef, usage => { input_tokens => $usage[0],
            output_tokens => $usage[1] });

    return GenAI::Model::whole(\%message) unless $asked->{stream};

    my @events = ({ type => 'message_start', message => { %message,
        content => [], stop_reason => undef,
        usage => { input_tokens => $usage[0], output_tokens => 1 } } },
        { type => 'ping' });
    my $n = 0;

    for my $block (@content) {
        my $name = { thinking => 'thinking', text => 'text' }->{$block->{type}};
        my @pieces = $name ? $block->{$name} =~ /(.{1,7})/gs
            : $json->encode($block->{input}) =~ /(.{1,9})/gs;

        push @events, { type => 'content_block_start', index => $n,
            content_block => { %$block, $name ? ($name => '')
                                              : (input => {}),
                $block->{signature} ? (signature => '') : () } };
        push @events, map { { type => 'content_block_delta', index => $n,
            delta => $name ? { type => "${name}_delta", $name => $_ }
                : { type => 'input_json_delta', partial_json => $_ } } }
            @pieces;
        push @events, { type => 'content_block_delta', index => $n, delta =>
            { type => 'signature_delta', signature => $block->{signature} } }
            if $block->{signature};
        push @events, { type => 'content_block_stop', index => $n++ };
    }

    return GenAI::Model::stream(GenAI::Model::named(@events,
        { type => 'message_delta', delta => { stop_reason => $stop,
            stop_sequence => undef }, usage => { output_tokens => $usage[1] } },
        { type => 'message_stop' }));
}


package GenAI::Model::gemini;

sub path { return qr{:(?:stream)?[gG]enerateContent$} }

sub read {
    my ($asked, $body) = @_;

    @$asked{qw(model stream)} = $asked->{uri} =~ m{/([^/:]+):(stream)?};

    $asked->{tools} = [ map { $_->{name} }
        map { @{$_->{functionDeclarations} || []} } @{$body->{tools} || []} ];

    for my $turn ($body->{systemInstruction} || (), @{$body->{contents}}) {
        for my $part (@{$turn->{parts}}) {
            my $response = $part->{functionResponse};
            my $text = $response ? $json->encode($response->{response})
                                 : $part->{text} // '';

            push @{$asked->{results}}, $text if $response;
            $asked->{text} .= "$text\n";
        }
    }
}

sub say {
    my ($asked, $said) = @_;

    my @parts;

    push @parts, { text => $said->{thought}, thought => JSON::PP::true }
        if $said->{thought};
    push @parts, map { { text => $_ } } ($said->{text} // '') =~ /(.{1,7})/gs;
    push @parts, map { { functionCall => { name => $_->{name},
        args => $_->{arguments} || {} } } } GenAI::Model::calls($said);

    my %more = (modelVersion => $asked->{model}, responseId => 'r');
    my %end = (finishReason => 'STOP', index => 0);
    my %usage = (usageMetadata => { promptTokenCount => $usage[0],
        candidatesTokenCount => $usage[1],
        totalTokenCount => $usage[0] + $usage[1] });

    return GenAI::Model::whole({ candidates => [ { content => {
        role => 'model', parts => \@parts }, %end } ], %usage, %more })
        unless $asked->{stream};

    return GenAI::Model::stream((map { { %more, candidates => [ { index => 0,
        content => { role => 'model', parts => [ $_ ] } } ] } } @parts),
        { candidates => [ { content => { role => 'model',
            parts => [ { text => '' } ] }, %end } ], %usage, %more });
}


1;
