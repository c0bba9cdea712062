# SPDX-License-Identifier: Apache-2.0

package GenAI::Bodies;

=head1 NAME

GenAI::Bodies - requests of the benchmark, as long as is wanted

=cut

use strict;
use warnings;

use Cwd ();
use Exporter 'import';
use File::Basename ();
use JSON::PP ();

use GenAI::Util;

our @EXPORT_OK = qw(body);

my $ROOT = Cwd::abs_path(File::Basename::dirname(__FILE__) . '/../../..');


# What people write: a part of these pages, of that many bytes in JSON.  What
# load replaces by a number stands in it where it is to be new.

{
    my ($pages, $at);

    sub page {
        my ($n, $new) = @_;

        return '' if !$n;

        $at //= 0;

        $pages //= join('', map { slurp($_) } sort glob "$ROOT/docs/*.md")
                   =~ s/[^\x20-\x7e\n]+/ /gr;

        my $text = $new ? '######## ' : '';
        my $len = length $text;

        for my $c (split //, substr $pages, $at % (length($pages) - $n), $n) {
            $len += $c =~ /["\\\n]/ ? 2 : 1;
            last if $len >= $n;
            $text .= $c;
        }

        $at += 7919 + $n;

        return $text;
    }
}


# Text that looks like one and is always the same.

sub text {
    my ($n, $seed) = @_;

    my @words = qw(the of and to in is that for it was on with as be at by
        this had not are but from or have an they which one you were all her
        she there would their we him been has when who will no more if out so
        what up said its about than into them can only other time new some
        could these two may first then do any like my now over such our man
        me even most made after also did many off before must well back
        through years much where your way down should because long each just
        state those people too mr how little good world make very year still
        see own work men day get here old between both life being under three
        never know same last another while us might great go come since
        against right came take used himself few house use place during high
        without again home around small however found system function value
        return request response server client memory thread);
    my $text = '';
    my $len = 0;

    push @words, "caf\xe9", "na\xefve", "\x{2026}";

    # of bytes in JSON
    while ($len < $n) {
        $seed = ($seed * 1103515245 + 12345) % 2147483648;

        my $word = $words[($seed >> 8) % @words];
        my $after = ($seed >> 4) % 41 == 0 ? ".\n"
                    : ($seed >> 5) % 23 == 0 ? ', ' : ' ';

        $word = qq("$word") if ($seed >> 6) % 67 == 0;

        my $bytes = $word . $after;
        utf8::encode($bytes);
        $bytes =~ s/["\n]/\\$&/g;

        last if $len + length $bytes > $n;

        $text .= $word . $after;
        $len += length $bytes;
    }

    return $text . 'x' x ($n - $len);
}


# Of a row of the benchmark: its kind, the size in bytes, and which part of the
# text is new each time.

sub body {
    my ($row, $model) = @_;

    my $stream = $row->{kind} =~ /^(?:json|count)$/ ? JSON::PP::false
                                                    : JSON::PP::true;
    my $big = $row->{size} > 4096;
    my $rest = $row->{size};
    my (@messages, @tools, $body);

    # two runs: the first one tells what is not text
    for my $run (0, 1) {
        my $part = $run ? $rest : 0;
        my $new = $row->{new} // 0;
        my $old = $new < 1 ? 1 - $new : 1;
        my $of = sub {
            my $n = int($part * $_[0] * $old);

            return $new ? page($n, $new == 1) : text($n, $_[1]);
        };

        @messages = ({ role => 'system', content => $of->(0.3, 1) });

        if ($big) {
            push @messages, map {
                { role => $_ % 2 ? 'user' : 'assistant',
                  content => $of->(0.07, 10 + $_) }
            } 1 .. 8;

            @tools = map { {
                type => 'function',
                function => {
                    name => "tool_$_", description => $of->(0.04, 20 + $_),
                    parameters => { type => 'object', properties => {
                        path => { type => 'string' },
                        line => { type => 'integer' } } },
                },
            } } 1 .. 3;

        } else {
            push @messages, { role => 'user', content => $of->(0.69, 2) };
        }

        if ($new && $new < 1) {
            push @messages, { role => 'user',
                              content => page(int($part * $new), 1) };
        }

        $body = json_text({
            model => $model, messages => \@messages, stream => $stream,
            temperature => 0.5, max_tokens => 1024,
            @tools ? (tools => \@tools) : (),
        });

        $rest -= length $body unless $run;
    }

    # what the parts left is more of the last one
    my $left = $row->{size} - length $body;
    my $more = $row->{new} ? page($left) : text($left, 30);

    $left -= length(json_text([$more])) - 4;
    $messages[-1]{content} .= $more . 'x' x $left;

    return json_text({
        model => $model, messages => \@messages, stream => $stream,
        temperature => 0.5, max_tokens => 1024,
        @tools ? (tools => \@tools) : (),
    });
}

1;
