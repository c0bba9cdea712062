# SPDX-License-Identifier: Apache-2.0

package GenAI::Prometheus;

=head1 NAME

GenAI::Prometheus - reads Prometheus' text format 0.0.4, strictly

=head1 SYNOPSIS

    my $m = GenAI::Prometheus->new($t->get('/metrics')->body);

    $m->problems;                     # a list of texts, empty when all is well
    $m->value('genai_leases');        # undef where there is no such series
    $m->value('genai_tokens_total', team => 'a', kind => 'input');
    $m->sum('genai_exchanges_total', status => 200);
    $m->series('genai_exchanges_total', team => 'a');
                                      # [ { name, labels => {}, value } ]
    $m->type('genai_leases');         # 'gauge'

Labels that are not named may be anything.  A histogram's series are asked for
by their own names: NAME_bucket with le, NAME_sum, NAME_count.

What is checked beyond the format: a family stands in one place, with one HELP
and one TYPE before it; no series is there twice; the names of counters, and
only these, end with _total; the buckets of a histogram grow up to +Inf, which
is its count; a value of a label has at most 128 characters, none of them a
control character.

=cut

use strict;
use warnings;

use Encode ();

my $NAME = qr/[a-zA-Z_:][a-zA-Z0-9_:]*/;
my $LABEL = qr/[a-zA-Z_][a-zA-Z0-9_]*/;
my $NUMBER = qr/[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|[+-]?Inf|NaN/;


sub new {
    my ($class, $text) = @_;

    my $self = bless { by_name => {}, type => {}, help => {}, problems => [] },
        $class;

    $self->parse($text);
    $self->check_histograms;

    return $self;
}


sub problems { return @{$_[0]{problems}} }
sub type { return $_[0]{type}{$_[1]} }


sub complain {
    my ($self, $text) = @_;

    push @{$self->{problems}}, $text if @{$self->{problems}} < 20;
}


sub parse {
    my ($self, $bytes) = @_;

    my $text = eval { Encode::decode('UTF-8', "$bytes", Encode::FB_CROAK) };

    if (!defined $text) {
        $self->complain('is no UTF-8');
        return;
    }

    $self->complain('does not end with a line feed')
        unless $text =~ /\n\z/;

    my ($family, %over, %seen) = ('');

    for my $line (split /\n/, $text) {

        next if $line =~ /^\s*$/;

        if ($line =~ /^# (HELP|TYPE) ($NAME) (.*)$/) {
            my ($what, $name, $rest) = ($1, $2, $3);

            if ($name ne $family) {
                $over{$family}++;
                $self->complain("$name: a second time") if $over{$name};
                $family = $name;
            }

            $self->complain("$name: $what twice")
                if exists $self->{lc $what}{$name};
            $self->complain("$name: $what after its series")
                if $self->{begun}{$name};
            $self->{lc $what}{$name} = $rest;

            next if $what eq 'HELP';

            $self->complain("$name: type $rest")
                unless $rest =~ /^(?:counter|gauge|histogram)$/;
            $self->complain("$name: $rest by that name")
                if ($rest eq 'counter') != ($name =~ /_total$/ ? 1 : 0);
            next;
        }

        if ($line =~ /^#/) {
            $self->complain("odd comment: $line");
            next;
        }

        my $s = $self->parse_line($line) or next;
        my $of = $s->{name};

        $of =~ s/_(?:bucket|sum|count)$//
            if ($self->{type}{$of =~ s/_(?:bucket|sum|count)$//r} // '')
               eq 'histogram';

        $self->complain("$s->{name}: in the family $family") if $of ne $family;
        $self->complain("$of: without HELP or TYPE")
            unless $self->{type}{$of} && length($self->{help}{$of} // '');
        $self->{begun}{$of} = 1;

        my $key = join "\0", $s->{name},
            map { ($_, $s->{labels}{$_}) } sort keys %{$s->{labels}};

        $self->complain("twice: $line") if $seen{$key}++;
        $self->complain("no counter: $line")
            if $self->{type}{$of} && $self->{type}{$of} ne 'gauge'
               && $s->{value} < 0;

        push @{$self->{by_name}{$s->{name}}}, $s;
    }
}


sub parse_line {
    my ($self, $line) = @_;

    my ($name, %labels) = $line =~ /\G($NAME)/gc ? $1 : '';

    if ($line =~ /\G\{/gc) {
        while ($line =~ /\G($LABEL)="((?:[^"\\]|\\[\\"n])*)"/gc) {
            my ($label, $value) = ($1, $2);

            $value =~ s/\\(.)/$1 eq 'n' ? "\n" : $1/ge;

            $self->complain("label $label twice: $line")
                if exists $labels{$label};
            $self->complain("odd value of $label: $line")
                if $value =~ /[\x00-\x1f\x7f-\x9f]/ || length $value > 128;

            $labels{$label} = $value;

            last unless $line =~ /\G,/gc;
        }

        if ($line !~ /\G\}/gc) {
            $self->complain("odd labels: $line");
            return;
        }
    }

    if (!length $name || $line !~ /\G ($NUMBER)\z/gc) {
        $self->complain("odd line: $line");
        return;
    }

    return { name => $name, labels => \%labels, value => $1 };
}


sub check_histograms {
    my ($self) = @_;

    for my $name (grep { $self->{type}{$_} eq 'histogram' }
                  sort keys %{$self->{type}})
    {
        my %of;

        for my $s (@{$self->{by_name}{"${name}_bucket"} || []}) {
            my %l = %{$s->{labels}};
            my $le = delete $l{le};

            if (!defined $le) {
                $self->complain("$name: a bucket without le");
                next;
            }

            push @{$of{labels_key(\%l)}}, [ $le, $s->{value} ];
        }

        my %count = map { (labels_key($_->{labels}), $_->{value}) }
            @{$self->{by_name}{"${name}_count"} || []};
        my %sum = map { (labels_key($_->{labels}), $_->{value}) }
            @{$self->{by_name}{"${name}_sum"} || []};

        $self->complain("$name: sums, counts and buckets differ")
            if join("\1", sort keys %of) ne join("\1", sort keys %count)
               || join("\1", sort keys %of) ne join("\1", sort keys %sum);

        for my $key (sort keys %of) {
            my @b = @{$of{$key}};
            my $last = pop @b;

            $self->complain("$name: ends with le=$last->[0]")
                if $last->[0] ne '+Inf';
            $self->complain("$name: +Inf is not the count")
                if $last->[1] != ($count{$key} // -1);

            for my $i (1 .. $#b) {
                $self->complain("$name: le does not grow")
                    if $b[$i][0] <= $b[$i - 1][0];
            }

            my @values = (map({ $_->[1] } @b), $last->[1]);

            for my $i (1 .. $#values) {
                $self->complain("$name: a bucket shrinks")
                    if $values[$i] < $values[$i - 1];
            }
        }
    }
}


sub labels_key {
    my ($l) = @_;

    return join "\0", map { ($_, $l->{$_}) } sort keys %$l;
}


sub series {
    my ($self, $name, %want) = @_;

    my @found;

    SERIES:
    for my $s (@{$self->{by_name}{$name} || []}) {
        for my $label (keys %want) {
            next SERIES if ($s->{labels}{$label} // "\0") ne $want{$label};
        }

        push @found, $s;
    }

    return \@found;
}


sub sum {
    my ($self, @what) = @_;

    my $sum = 0;

    $sum += $_->{value} for @{$self->series(@what)};

    return $sum;
}


sub value {
    my ($self, @what) = @_;

    my $found = $self->series(@what);

    return @$found == 1 ? $found->[0]{value} : undef;
}


1;
