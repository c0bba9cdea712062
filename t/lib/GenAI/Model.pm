# SPDX-License-Identifier: Apache-2.0

package GenAI::Model;

=head1 NAME

GenAI::Model - a provider of any dialect that says what a test wrote down

=head1 SYNOPSIS

    my $model = GenAI::Model->new(turn => sub {
        my ($asked) = @_;

        return { text => 'done' } if @{$asked->{results}};
        return { calls => [ { name => 'Bash', args => { command => 'ls' } } ] };
    });

    ... pass http://127.0.0.1:%%MODEL%%/v1;  with conf($text,
                                                       MODEL => $model->port)

    $model->asked;          # all that turn was asked

The dialect is that of the request's path.  turn gets what was asked, as
GenAI::Dialect has it, with

    dialect                 its name
    names                   of its tools
    results                 texts of what calls have come to, in their order
    body                    the request, decoded

and returns what is said, in GenAI::Dialect's words; ids of calls and usage are
made up.  A request that nobody could read gets a 400 which says why.  Requests
to count tokens are answered without turn.

=cut

use strict;
use warnings;

use GenAI::Dialect qw(dialect);
use GenAI::Test ();
use GenAI::Upstream;

my @PATHS = (
    [ openai => qr{/chat/completions$} ],
    [ responses => qr{/responses$} ],
    [ anthropic => qr{/messages$} ],
    [ gemini => qr{:(?:stream)?[gG]enerateContent$} ],
    [ bedrock => qr{/converse(?:-stream)?$} ],
);

my $PROMPT = 1000;

my @COUNTS = (
    [ qr{:countTokens$} => { totalTokens => $PROMPT } ],
    [ qr{/messages/count_tokens$} => { input_tokens => $PROMPT } ],
    [ qr{/responses/input_tokens$} => { object => 'response.input_tokens',
                                        input_tokens => $PROMPT } ],
);


sub new {
    my ($class, %o) = @_;

    return bless { up => GenAI::Upstream->new(lossy => 1, route => sub {
        my ($request) = @_;
        my ($count) = map { $_->[1] }
            grep { path($request) =~ $_->[0] } @COUNTS;

        return [ [ json => 200, $count ] ] if $count;

        my $asked = eval { understand($request) };

        return [ [ json => 400, { error => { message => $@ || 'no path of '
                                             . 'ours' } } ] ] unless $asked;

        return [ dialect($asked->{dialect})->say(whole($o{turn}->($asked)),
                                                 $asked->{stream}) ];
    }) }, $class;
}


sub port { return $_[0]{up}->port }

sub asked {
    return grep { $_ } map { my $r = $_; eval { understand($r) } }
        $_[0]{up}->requests;
}

sub path { return $_[0]{uri} =~ s/\?.*//r }


sub understand {
    my ($request) = @_;
    my ($name) = map { $_->[0] } grep { path($request) =~ $_->[1] } @PATHS;

    return unless $name;

    my $asked = dialect($name)->asked($request);

    return { %$asked, dialect => $name,
             body => dialect($name)->decode($request->{body}),
             names => [ map { $_->{name} // () } @{$asked->{tools} || []} ],
             results => [ map { $_->{result} ? $_->{result}{text} : () }
                          map { @{$_->{parts}} } @{$asked->{turns}} ] };
}


# what is said, with all that a dialect wants to have

sub whole {
    my ($said) = @_;

    my $n = 0;
    my @calls = map { { id => 'call_' . $n++ . int rand 1e9, args => {}, %$_ } }
        @{$said->{calls} || []};

    return { stop => @calls ? 'tool' : 'stop', usage => { prompt => $PROMPT,
                 cached => 0, completion => 50, reasoning => 0 },
             %$said, calls => \@calls };
}


1;
