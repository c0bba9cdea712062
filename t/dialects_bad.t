# SPDX-License-Identifier: Apache-2.0

# Providers that answer what they should not, in every dialect, to clients of
# every dialect: another protocol, HTML, nothing, half an answer, a start that
# comes twice, arguments that are no JSON, no usage, numbers as strings, what
# nobody knows, ten megabytes at once.  What can be understood is; of all else
# the client hears in his own words, and $genai_error says whose fault it is.

use strict;
use warnings;

use lib 't/lib';

use GenAI::Dialect qw(dialect dialects);
use GenAI::Test;
use GenAI::Upstream;

my @DIALECTS = dialects();
my %d = map { $_ => dialect($_) } @DIALECTS;

my $BIG = 10 * 1024 * 1024;

my $TEXT = "Gr\x{fc}\x{df}e";
my %USAGE = (prompt => 20, cached => 5, completion => 9, reasoning => 0);
my %SAY = (text => $TEXT, stop => 'stop', usage => \%USAGE);
my %CALL = (%SAY, stop => 'tool', calls => [ { id => 'c1', name => 'f',
                                               args => \'{"oops' } ]);
my %ASK = (turns => [ { role => 'user', parts => [ { text => 'hi' } ] } ],
    tools => [ { name => 'f', description => 'd', schema => { type =>
    'object', properties => {} } } ]);

# an answer through a filter of its JSON texts

sub mangled {
    my ($d, $say, $stream, $mangle) = @_;

    local $d->{mangle} = $mangle;

    return $d->say($say, $stream);
}

sub json { return [ answer => 200, $_[0], 'Content-Type' =>
                    'application/json' ] }

# What is answered, and what is to become of it: bad, an error; same, what is
# heard all the same; call, the same with a call that has no arguments; some,
# an error or all of it.  Some there is of streams alone, and of those with
# frames that have checksums.
my %BAD = (
    other => [ bad => sub {
        my ($d, $stream) = @_;
        my $other = $d->name eq 'anthropic' ? 'openai' : 'anthropic';

        return $d{$other}->say(\%SAY, $stream);
    } ],
    html => [ bad => sub {
        return [ answer => 200, "<html>\n<p>hi</p>\n\n</html>",
                 'Content-Type' => 'text/html' ];
    } ],
    lies => [ bad => sub {
        my ($d, $stream) = @_;

        return $stream ? $d->streamed("<html>\n\n") : json('<html>');
    } ],
    nothing => [ bad => sub {
        my ($d, $stream) = @_;

        return $stream ? $d->streamed() : json('');
    } ],
    half => [ bad => sub {
        my ($d, $stream) = @_;

        return $stream ? $d->streamed(cut($d)) : json(substr $d->encode(
            $d->whole(\%SAY)), 0, 60);
    } ],
    gone => [ bad => sub {
        my ($d, $stream) = @_;
        my @steps = $stream ? $d->streamed(cut($d)) : ([ send =>
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            . "Content-Length: 1000\r\n\r\n{" ], 'x');

        return (@steps[0 .. $#steps - 1], 'close');
    } ],
    junk => [ bad => sub {
        my ($d) = @_;
        my @e = $d->events(\%SAY);

        return $d->streamed($e[0], "data: {\"oops\n\n", @e[1 .. $#e]);
    }, 1 ],
    sum => [ bad => sub {
        my ($d) = @_;
        my @e = $d->events(\%SAY);

        substr($e[1], length($e[1]) / 2, 1) ^= "\1";

        return $d->streamed(@e);
    }, 1, 'framed' ],
    twice => [ same => sub {
        my ($d) = @_;
        my @e = $d->events(\%SAY);

        return $d->streamed($d->starts ? $e[0] : (), @e);
    }, 1 ],
    args => [ call => sub { return $_[0]->say(\%CALL, $_[1]) } ],
    nousage => [ unpaid => sub {
        return $_[0]->say({ %SAY, usage => undef }, $_[1]);
    } ],
    strings => [ same => sub {
        return mangled($_[0], \%SAY, $_[1], sub {
            my ($text) = @_;

            $text =~ s/(":)(\d+)(?=[,}])/$1"$2"/g;
            return $text;
        });
    } ],
    nulls => [ same => sub {
        return mangled($_[0], \%SAY, $_[1], sub {
            my ($text) = @_;

            $text =~ s/\}\z/,"audio":null,"tool_calls":null,"parts":null}/;
            return $text;
        });
    } ],
    unknown => [ same => sub {
        my ($d, $stream) = @_;
        my $mangle = sub {
            my ($text) = @_;

            $text =~ s/\}\z/,"news":[{"a":[null,{}]},"b"]}/;
            return $text;
        };

        return mangled($d, \%SAY, 0, $mangle) if !$stream;

        local $d->{mangle} = $mangle;

        return $d->streamed(map { ($d->unknown, $_) } $d->events(\%SAY));
    } ],
    big => [ some => sub {
        return mangled($_[0], { %SAY, text => 'BIG' }, $_[1], sub {
            my ($text) = @_;

            $text =~ s/BIG/'x' x $BIG/ge;
            return $text;
        });
    } ],
);

# the first two thirds of a stream, which has said something by then

sub cut {
    my ($d) = @_;

    my @e = $d->events({ %SAY, text => 'a longer text than the other one' });

    return @e[0 .. $#e * 2 / 3 - 1];
}


my %up = map {
    my $d = $d{$_};

    $_ => GenAI::Upstream->new(name => $_, lossy => 1, route => sub {
        my ($r) = @_;
        my $asked = $d->asked($r);

        return [ $BAD{$asked->{model}}[1]->($d, $asked->{stream}) ];
    })
} @DIALECTS;

my $t = GenAI::Test->new;

$t->allow(qr/genai (?:target|provider) |upstream (?:sent|prematurely)/,
          'what fails is said');
$t->write_file('key', 'sk-of-the-provider');

my $conf = '';

for my $p (@DIALECTS) {
    $conf .= "genai_provider $p { "
        . $d{$p}->provider($up{$p}->port, '%%TESTDIR%%/key') . " }\n";
    $conf .= "genai_model $p-$_ { target $p model=$_; }\n" for sort keys %BAD;
}

$t->conf(<<"EOF")->run;
http {
    log_format l '\$status \$genai_error. \$genai_count_source';
    access_log %%TESTDIR%%/l.log l;
    $conf
    server {
        listen 127.0.0.1:%%PORT_0%%;
        location / { genai_pass; genai_auth off; }
    }
}
EOF

my $lines = 0;

# the line of the exchange that was the last

sub logged {
    my @lines;

    wait_for(sub {
        @lines = split /\n/, slurp("$t->{dir}/l.log");
        @lines > $lines;
    });

    return $lines[$lines++] // '';
}

sub cell {
    my ($c, $p, $name, $stream) = @_;

    my ($outcome) = @{$BAD{$name}};
    my ($uri, $body, @headers) = $d{$c}->ask({ %ASK, model => "$p-$name",
                                               stream => $stream });
    my $r = $t->post($uri, $body, headers => \@headers);
    my $log = logged();
    my $all = $r->body;

    die "no answer: $log\n" unless $r->status;

    if ($name eq 'big' && ($all =~ tr/x//) >= $BIG) {
        die "all of it, and an error: $log\n" if $log !~ /^200 \./;
        return;
    }

    # what passes is as it came, and need not be a conversation; of a stream
    # one bad event is as good as none
    if ($d{$c}->bodies eq $d{$p}->bodies) {
        die "no fault: $log\n" if $outcome eq 'bad'
            && $name !~ /^(?:other|junk)$/ && $log !~ /provider_bad_answer\./;
        die "a fault: $log\n" if $outcome ne 'bad' && $outcome ne 'some'
            && $log !~ /^200 \./;
        return;
    }

    my $heard = eval { $d{$c}->heard($r) };

    die "what the client got: $@    $log $all\n"
        if $@ && !($name eq 'args' && $@ =~ /^no JSON: \{"oops/);

    if ($outcome eq 'bad' || ($outcome eq 'some' && $heard->{error})) {
        die "no error: $log $all\n" unless $heard->{error};
        die "an error that says nothing\n"
            unless length $heard->{error}{message};
        die "the log: $log\n" if $log !~ /provider_bad_answer\./;
        die "status: $log\n" if !$stream && $r->status != 502;
        return;
    }

    if ($outcome eq 'call') {

        # as it is where it is a string, else nothing; or an error
        return if $@ || ($heard->{error} && $log =~ /provider_bad_answer/);

        die "an error: $log $all\n" if $heard->{error};
        die 'a call: ' . $d{$c}->encode($heard->{calls}) . "\n"
            if $d{$c}->encode($heard->{calls}) !~ /"args":\{\}/;
        return;
    }

    die "an error: $log $all\n" if $heard->{error} || $log !~ /^200 \./;
    die "the text: $all\n" if $heard->{text} ne $TEXT;

    # strings are counts to some decoders, and nothing to others
    my $unpaid = $log =~ /exact|estimated/;

    die "the source: $log\n" if $outcome eq 'unpaid' ? !$unpaid
        : $unpaid && $name ne 'strings';

    my $u = $heard->{usage};

    die "the usage: $all\n"
        if !$unpaid && "@$u{qw(prompt cached completion)}" ne '20 5 9';
}

for my $i (0 .. $#DIALECTS) {
    my $p = $DIALECTS[$i];

    for my $c (@DIALECTS) {
        my @failed;

        for my $name (sort keys %BAD) {

            # what takes its time is translated to one dialect
            next if $name eq 'big' && $c ne $p && $c ne $DIALECTS[$i - 1];

            next if $BAD{$name}[3] && !$d{$p}->framed;

            for my $stream ($BAD{$name}[2] ? 1 : (0, 1)) {
                eval { cell($c, $p, $name, $stream); 1 } and next;

                push @failed, $name . ($stream ? ', a stream' : '') . ": $@";
            }
        }

        ok(!@failed, "$c client, $p provider")
            or diag(map { '    ' . substr($_, 0, 1500) . "\n" } @failed);
    }
}

done_testing();
