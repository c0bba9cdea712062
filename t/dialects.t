# SPDX-License-Identifier: Apache-2.0

# Every client's dialect to every provider's, feature by feature, whole and as
# a stream: what the provider got, in its words, and what the client got, in
# its own, by readers that share nothing with the gateway (GenAI::Dialect).
# What is not carried has a rule, and docs/DIALECTS.md has it.
#
# A dialect is a file of GenAI/Dialect/.

use strict;
use warnings;

use lib 't/lib';

use GenAI::Dialect qw(dialect dialects);
use GenAI::Test;
use GenAI::Upstream;

my @DIALECTS = dialects();
my %d = map { $_ => dialect($_) } @DIALECTS;

# streams come in pieces that end within events, names and characters
$_->{cut} = 97 for values %d;


# ---- what is asked and said

my $TEXT = "Gr\x{fc}\x{df}e \x{1f642} \"so\"\\\n\tEnde";
my $PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9Q'
    . 'DwADhgGAWjR9awAAAABJRU5ErkJggg==';
my $SCHEMA = { type => 'object', additionalProperties => JSON::PP::false(),
    required => [ 'at' ], properties => { at => { type => 'string',
    description => "wo \x{fc}berhaupt" } } };

my %ASK = (system => [ 'be brief', "auf \"Deutsch\"" ], turns => [
    { role => 'user', parts => [ { text => $TEXT } ] } ]);
my %TOOLS = (%ASK, tools => [
    { name => 'look', description => "schaut \x{fc}ber", schema => $SCHEMA },
    { name => 'go', description => 'goes', schema => { type => 'object',
                                                      properties => {} } } ]);
my %USAGE = (prompt => 20, cached => 5, completion => 9, reasoning => 0);
my %SAY = (text => $TEXT, stop => 'stop', usage => \%USAGE);

sub call {
    return { id => "call_$_[0]", name => 'look', args => { at => $_[1],
        "m\"\x{fc}" => [ 1, {}, JSON::PP::true() ] } };
}

my @CALLS = (call(1, "\x{fc}"), call(2, "\\\n"));
my %THOUGHT = (thought => "hm, let me see\n\x{1f914}",
               signature => 'c2lnbmF0dXJl');
my %THINKING = (%SAY, usage => { %USAGE, reasoning => 4 });

# feature => what is asked, what is said, what follows of it
my %FEATURES = (
    text => { ask => \%ASK, say => \%SAY },
    cut => { ask => { %ASK, max => 17 }, say => { %SAY, stop => 'length' } },
    tools => { ask => \%TOOLS, say => { %SAY, calls => [ $CALLS[0] ],
                                        stop => 'tool' }, then => 1 },
    forced => { ask => { %TOOLS, choice => 'any' }, say => { %SAY,
        text => undef, calls => [ $CALLS[0] ], stop => 'tool' } },
    parallel => { ask => \%TOOLS, say => { %SAY, text => undef, calls =>
        \@CALLS, stop => 'tool' }, then => 1 },
    image => { ask => { %ASK, turns => [ { role => 'user', parts => [
        { text => 'what?' }, { image => { type => 'image/png', data => $PNG }
        } ] } ] }, say => \%SAY },
    schema => { ask => { %ASK, schema => $SCHEMA }, say => { %SAY, text =>
        "{\"at\": \"\x{fc}\"}" } },
    thought => { ask => \%ASK, say => { %THINKING, %THOUGHT }, then => 1 },
    thoughtcall => { ask => \%TOOLS, say => { %THINKING, %THOUGHT, text =>
        undef, calls => [ $CALLS[0] ], stop => 'tool' }, then => 1 },
    refusal => { ask => \%ASK, say => { %SAY, text => undef, refusal =>
        "I can't \x{1f642}" } },
    filter => { ask => \%ASK, say => { %SAY, stop => 'filter' } },
    error => { ask => \%ASK, say => { error => { status => 400, message =>
        "too \"bad\" \x{fc}" } } },
    late => { ask => \%ASK, say => { %SAY, late => 1, error => { status =>
        500, message => "too \"late\" \x{fc}" } }, stream => 1 },
);


# ---- the rules: what a cell has instead, and where that is written

my @RULES = (
    (map { { p => $_, how => 'gone', dropped => qr/^thinking$/, rule =>
        'Thoughts go to no provider that does not sign them (`openai`, '
        . '`azure`): dropped as `thinking`.' } } qw(openai azure)),
    { p => 'responses', how => 'sealed', dropped => qr/^(?:thinking)?$/, rule =>
        'To `responses` goes what is sealed, with the summary beside it where '
        . 'the client has kept both together.' },
    { p => 'gemini', how => 'gone', dropped => qr/^thinking$/, rule =>
        'Gemini signs what came of a thought, a call or a text, which goes '
        . 'back signed; its thoughts do not: dropped as `thinking`.' },
);


{
    my $doc = slurp('docs/DIALECTS.md');

    $doc =~ s/\s+/ /g;

    ok(index($doc, $_->{rule}) >= 0, "docs/DIALECTS.md: $_->{rule}")
        for @RULES;
}


# ---- the gateway and its providers

my %up = map {
    my $d = $d{$_};

    $_ => GenAI::Upstream->new(name => $_, lossy => 1, route => sub {
        my ($r) = @_;
        my $asked = eval { $d->asked($r) } || {};
        my $feature = $FEATURES{$asked->{model} // ''}
            or return [ [ answer => 500, "no feature: $@" ] ];

        return [ $d->say($feature->{say}, $asked->{stream}) ];
    })
} @DIALECTS;

my $t = GenAI::Test->new;

$t->allow(qr/genai (?:target|provider) /, 'what fails is said');
$t->write_file('key', 'sk-of-the-provider');

my $conf = '';

for my $p (@DIALECTS) {
    $conf .= "genai_provider $p { "
        . $d{$p}->provider($up{$p}->port, '%%TESTDIR%%/key') . " }\n";
    $conf .= "genai_model $p-$_ { target $p model=$_; }\n"
        for sort keys %FEATURES;
}

$t->conf(<<"EOF")->run;
http {
    $conf
    server {
        listen 127.0.0.1:%%PORT_0%%;
        location / { genai_pass; genai_auth off; }
    }
}
EOF


# ---- a cell

my $cells = 0;

sub same {
    my ($what, $got, $want) = @_;

    my ($g, $w) = map { JSON::PP->new->canonical->allow_nonref->encode($_) }
        $got, $want;

    die "$what: got $g, want $w\n" if $g ne $w;
}

# neighbouring texts of a side may be one or several, and so may thoughts

sub parts {
    my (@parts) = @_;

    my @joined;

    for my $p (@parts) {
        my ($kind) = grep { defined $p->{$_} } qw(text thought);
        my $last = $joined[-1];

        if ($kind && $last && defined $last->{$kind} && !$last->{signature}) {
            $last->{$kind} .= $p->{$kind};
            $last->{signature} = $p->{signature} if $p->{signature};
        } else {
            push @joined, { %$p };
        }
    }

    return \@joined;
}

# what a provider has to get

sub check_asked {
    my ($asked, $ask, $feature, $stream) = @_;

    same('model', $asked->{model}, $feature);
    same('stream', $asked->{stream}, $stream);
    same('system', join("\n\n", @{$asked->{system}}),
         join("\n\n", @{$ask->{system}}));
    same('max', $asked->{max}, $ask->{max} || 100);
    same('turns', [ map { [ $_->{role}, parts(@{$_->{parts}}) ] }
                    @{$asked->{turns}} ],
         [ map { [ $_->{role}, parts(@{$_->{parts}}) ] } @{$ask->{turns}} ]);
    same('tools', $asked->{tools}, $ask->{tools});
    same('choice', $asked->{choice} // 'auto', $ask->{choice} // 'auto');
    same('schema', $asked->{schema}, $ask->{schema});
}

# what a client has to get

sub check_heard {
    my ($heard, $say, $model) = @_;

    if ($say->{error}) {
        same('error', $heard->{error}{message}, $say->{error}{message});
        return;
    }

    die "an error: $heard->{error}{message}\n" if $heard->{error};

    same('text', ($heard->{text} // '') . ($heard->{refusal} // ''),
         ($say->{text} // '') . ($say->{refusal} // ''));
    same('thought', $heard->{thought}, $say->{thought});
    same('calls', $heard->{calls}, $say->{calls} || []);
    same('refused', $heard->{refused},
         defined $say->{refusal} || $say->{stop} eq 'filter' ? 1 : 0);
    same('stop', $heard->{stop}, $say->{stop}) unless $heard->{refused};

    my $u = $heard->{usage} or die "no usage\n";

    same($_, $u->{$_}, $say->{usage}{$_}) for qw(prompt cached completion);
    same('reasoning', $u->{reasoning}, $say->{usage}{reasoning})
        if $u->{reasoning};
    same('model', $heard->{model}, $model)
        if $model && exists $heard->{model};
}

sub exchange {
    my ($c, $p, $ask) = @_;

    my ($uri, $body, @headers) = $d{$c}->ask($ask);
    my $r = $t->post($uri, $body, headers => \@headers);
    my $got = $up{$p}->next_request;

    die "the provider got nothing: " . $r->body . "\n" unless $got;

    my $asked = eval { $d{$p}->asked($got) };

    die "what the provider got: $@    $got->{uri} $got->{body}\n" if $@;

    return ($r, $asked);
}

sub cell {
    my ($c, $p, $name, $stream) = @_;

    my $f = $FEATURES{$name};
    my %ask = (%{$f->{ask}}, model => "$p-$name", stream => $stream);
    my $passed = $d{$c}->bodies eq $d{$p}->bodies;
    my ($r, $asked) = exchange($c, $p, \%ask);

    check_asked($asked, \%ask, $name, $stream);

    my $heard = eval { $d{$c}->heard($r) };

    die "what the client got: $@    " . $r->body . "\n" if $@;

    check_heard($heard, $f->{say}, !$passed && "$p-$name");

    if ($f->{say}{error} && !$stream) {
        same('status', $r->status + 0, $f->{say}{error}{status});
    }

    return unless $f->{then};

    # the next turn gives it all back

    my $say = $f->{say};
    my @results = map { { result => { id => $_->{id}, text =>
        "so \x{fc} $_->{id}" } } } @{$say->{calls} || []};
    my $user = { role => 'user', parts => [ @results, @results ? ()
                                            : { text => 'and?' } ] };
    my @said = map { defined $say->{$_} ? { $_ => $say->{$_} } : () } 'text';

    push @said, map { { call => $_ } } @{$say->{calls} || []};

    my @turns = @{$ask{turns}};

    ($r, $asked) = exchange($c, $p, { %ask, turns => [ @turns,
        { role => 'assistant', raw => $heard->{raw} }, $user ] });

    my ($rule) = grep { $_->{p} eq $p && !$passed } @RULES;

    if (defined $say->{thought}) {
        my %thought = (thought => $say->{thought});

        # Gemini signs what came of a thought
        ($p eq 'gemini' ? $said[0] : \%thought)->{signature} =
            $say->{signature} if $p !~ /^(?:openai|azure)$/;

        # given back or not, as its client has kept it
        $thought{thought} = '' if $rule && $rule->{how} eq 'sealed'
            && $asked->{turns}[1]{parts}[0]{thought} eq '';

        unshift @said, \%thought unless $rule && $rule->{how} eq 'gone';
    }

    check_asked($asked, { %ask, turns => [ @turns,
        { role => 'assistant', parts => \@said }, $user ] }, $name, $stream);

    my $want = defined $say->{thought} && $rule ? $rule->{dropped} : qr/^$/;
    my $dropped = $r->header('x-genai-dropped') // '';

    die "dropped: $dropped\n" if $dropped !~ $want;
}

for my $p (@DIALECTS) {
    for my $c (@DIALECTS) {
        my @failed;

        for my $name (sort keys %FEATURES) {
            for my $stream ($FEATURES{$name}{stream} ? 1 : (0, 1)) {
                $cells++;
                eval { cell($c, $p, $name, $stream); 1 } and next;

                push @failed, $name . ($stream ? ', a stream' : '') . ": $@";
            }
        }

        ok(!@failed, "$c client, $p provider")
            or diag(map { '    ' . substr($_, 0, 1500) . "\n" } @failed);
    }
}

note("$cells cells");

done_testing();
