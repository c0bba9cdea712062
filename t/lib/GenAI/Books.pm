# SPDX-License-Identifier: Apache-2.0

package GenAI::Books;

=head1 NAME

GenAI::Books - exchanges of every kind, and what the books must say of them

=head1 SYNOPSIS

    my $sim = GenAI::Books->sim;
    my $t = GenAI::Test->new(workers => 4);
    my $b = GenAI::Books->new(t => $t, sim => $sim, users => 20);

    $t->conf($b->conf(BOOKS => 'genai_books books;'))->run;

    my $load = GenAI::Load->new(port => $t->port);
    $b->add_users($load);              # each with a key of its own
    $load->run(1); $load->drain;

    $b->wait_ended;                    # nothing is in flight any more
    is_deeply([ $b->bad_lines ], []);  # each line and the provider's record
    is_deeply($b->rows, $b->expected); # the books and the lines

Every request has an id, which is in the log line that the gateway writes and
in the record of the simulated provider: see lines() and record().  What is
expected of an exchange is known by its kind, which is in the id.

=cut

use strict;
use warnings;

use Digest::SHA qw(sha256_hex);
use JSON::PP ();
use POSIX qw(strftime);

use GenAI::Util qw(:DEFAULT allot_port);

our @SUMS = qw(exchanges failed orphans estimated attempts prompt_tokens
               cached_tokens completion_tokens reasoning_tokens);

# of four bytes, and of one token, whoever counts
my @WORDS = map { " $_" } qw(the and for are but not you all can had her was
                             one our out day get has him his how man new);

# weight, path, model; and of these as it needs: stream, booked (the name in
# the books), sim (what the provider is told), what (of the body), error (the
# word), dead (attempts that no provider has seen), free (no lease), anyone
# (no account), abort, guess (tokens that no provider has told), own (nginx's
# own attempts, which are not counted in the log), lies (usage that is told
# whatever was said), words (an answer of so many tokens, which are ours, too)
my %KIND = (
    json    => [ 6, 'v1/chat/completions', 'm' ],
    stream  => [ 8, 'v1/chat/completions', 'm', stream => 1 ],
    told    => [ 2, 'v1/chat/completions', 'm', stream => 1, ask => 1 ],
    text    => [ 2, 'v1/completions', 'm', what => 'prompt' ],
    embed   => [ 2, 'v1/embeddings', 'm', what => 'input' ],
    family  => [ 3, 'v1/chat/completions', 'fam-9', booked => 'fam-*' ],
    second  => [ 3, 'v1/chat/completions', 'two' ],
    seconds => [ 3, 'v1/chat/completions', 'two', stream => 1 ],
    third   => [ 2, 'v1/chat/completions', 'three', stream => 1, dead => 1 ],
    fails   => [ 1, 'v1/chat/completions', 'fails',
                 error => 'provider_overloaded' ],
    gone    => [ 1, 'v1/chat/completions', 'gone', dead => 1,
                 error => 'provider_unreachable' ],
    status  => [ 1, 'v1/chat/completions', 'm', sim => 'status=400',
                 error => 'caller_bad_request' ],
    event   => [ 1, 'v1/chat/completions', 'm', stream => 1, guess => 1,
                 sim => 'error_after=4', error => 'provider_bad_answer' ],
    cut     => [ 1, 'v1/chat/completions', 'm', stream => 1, guess => 1,
                 sim => 'cut=700', error => 'provider_bad_answer' ],
    untold  => [ 2, 'v1/chat/completions', 'm', stream => 1, guess => 1,
                 sim => 'usage=off' ],
    again   => [ 1, 'again/chat/completions', 'gone', booked => 'm' ],
    page    => [ 1, 'page/chat/completions', 'gone', dead => 1,
                 error => 'provider_unreachable' ],
    off     => [ 2, 'off/chat/completions', 'm', anyone => 1 ],
    inline  => [ 3, 'in/chat/completions', 'own-name', own => 1 ],
    inlines => [ 3, 'in/chat/completions', 'own-name', own => 1,
                 stream => 1 ],
    inbad   => [ 1, 'inbad/chat/completions', 'own-name', own => 1,
                 dead => 1, booked => '', error => 'provider_unreachable' ],
    mirror  => [ 1, 'mirror/chat/completions', 'm' ],
    abort   => [ 3, 'v1/chat/completions', 'm', stream => 1, guess => 1,
                 abort => 1, error => 'caller_gone' ],
    nokey   => [ 1, 'v1/chat/completions', 'm', free => 1,
                 error => 'caller_unauthenticated' ],
    badkey  => [ 1, 'v1/chat/completions', 'm', free => 1,
                 error => 'caller_unauthenticated' ],
    nomodel => [ 1, 'v1/chat/completions', 'none', free => 1,
                 error => 'caller_forbidden_model' ],
    badjson => [ 1, 'v1/chat/completions', 'm', free => 1,
                 error => 'caller_bad_request' ],
    models  => [ 1, 'v1/models', '', free => 1 ],

    # only where they are asked for: what waits in vain, and what is told of
    # an answer that cannot be
    silent  => [ 0, 'v1/chat/completions', 'hush', sim => 'silence=header',
                 guess => 1, error => 'provider_timeout' ],
    hushed  => [ 0, 'v1/chat/completions', 'hush', stream => 1, guess => 1,
                 sim => 'silence=3', error => 'provider_timeout' ],
    reset   => [ 0, 'v1/chat/completions', 'm', stream => 1, guess => 1,
                 sim => 'reset=body', error => 'provider_bad_answer' ],
    slow    => [ 0, 'v1/chat/completions', 'm', stream => 1,
                 sim => 'delay=200 rate=5' ],
    long    => [ 0, 'v1/chat/completions', 'gpt-4o', stream => 1, guess => 1,
                 words => [ 100, 900 ], sim => 'rate=400 usage=off' ],
    liar    => [ 0, 'v1/chat/completions', 'lie', lies => [ 20, 3000 ] ],
);

for my $name (keys %KIND) {
    my ($weight, $path, $model, %more) = @{$KIND{$name}};

    $KIND{$name} = { name => $name, weight => $weight, path => $path,
                     model => $model, booked => $model, %more };
}


# A simulated provider; its other places fail.

sub sim {
    my ($class, %o) = @_;

    require GenAI::Test;

    return GenAI::Test->sim(piece => 4, delay => 2, rate => 600, last => 'off',
        -http => 'access_log off;', -workers => 2, %o,
        -server => 'location /down/ { genai_sim status=503 last=off; }');
}


# t, sim, users; kinds => [ names ]: these alone

sub new {
    my ($class, %o) = @_;

    my $self = bless { users => 12, words => 1, n => 0,
                       dead => allot_port(), %o }, $class;

    $self->{kinds} = [ map { ($_) x ($_->{weight} || 1) }
        map { $KIND{$_} // die "no kind $_" }
        $o{kinds} ? @{$o{kinds}}
                  : grep { $KIND{$_}{weight} } sort keys %KIND ];

    $self->{t}->write_file('policy.json', json_text($self->policy));

    return $self;
}


sub policy {
    my ($self) = @_;

    return {
        schema => 1, teams => { map { ("team$_" => {}) } 0 .. 2 },
        users => { map { ("user$_" => {}) } 0 .. 4 },
        keys => { map {
            my ($team, $user) = $self->who($_);

            ("key$_" => { sha256 => [ sha256_hex($self->secret($_)) ],
                          team => $team, $user ? (user => $user) : () })
        } 0 .. $self->{users} - 1 } };
}


# the team and the user of a key

sub who {
    my ($self, $n) = @_;

    return ('team' . $n % 3, $n % 4 ? 'user' . $n % 5 : '');
}


# what a request of a kind has beside what makes it that kind, by name

sub extra { return () }


sub secret { return "sk-books-$_[1]-0123456789" }


sub conf {
    my ($self, %vars) = @_;

    my %v = (SIM => $self->{sim}->port, DEAD => $self->{dead}, BOOKS => '',
             MAIN => '', SERVER => '', CONNECTIONS => 1024, %vars);

    return <<'EOC' =~ s/%%(@{[ join '|', keys %v ]})%%/$v{$1}/gr;
events { worker_connections %%CONNECTIONS%%; }
%%MAIN%%
http {
    log_format books '$http_x_request_id|$genai_team|$genai_user|'
        '$genai_key_id|$genai_attempts|$genai_error|$genai_prompt_tokens|'
        '$genai_cached_tokens|$genai_completion_tokens|'
        '$genai_reasoning_tokens|$genai_count_source|$msec|$request_time|'
        '$genai_cost|$genai_finish';
    access_log %%TESTDIR%%/books.log books;

    genai_policy policy.json;
    %%BOOKS%%

    genai_provider sim  { dialect openai; pass http://127.0.0.1:%%SIM%%/v1;
                          header x-request-id; header x-genai-sim;
                          header x-genai-sim-text;
                          header x-genai-sim-body; }
    genai_provider hush { dialect openai; pass http://127.0.0.1:%%SIM%%/v1;
                          header x-request-id; header x-genai-sim;
                          header x-genai-sim-text; idle_timeout 500ms; }
    genai_provider down { dialect openai;
                          pass http://127.0.0.1:%%SIM%%/down/v1;
                          header x-request-id; }
    genai_provider dead { dialect openai; pass http://127.0.0.1:%%DEAD%%; }

    genai_model m     { target sim; }
    genai_model fam-* { target sim; }
    genai_model two   { target down; target sim; }
    genai_model three { target dead; target down; target sim; }
    genai_model fails { target down; }
    genai_model gone  { target dead; }
    genai_model hush  { target hush; }
    genai_model lie   { target sim; }
    genai_model gpt-4o { target sim; }

    server {
        listen 127.0.0.1:%%PORT_0%% backlog=4096;
        listen 127.0.0.1:%%PORT_1%% %%LISTEN_H2%%;
        %%HTTP2_ON%%
        keepalive_requests 40;

        location /v1/     { genai_pass; }
        location /off/    { genai_pass; genai_auth off; }
        location /again/  { genai_pass; error_page 502 = @again; }
        location @again   { genai_pass model=m; }
        location /in/     { genai on;
                            proxy_pass http://127.0.0.1:%%SIM%%/v1/; }
        location /inbad/  { genai on;
                            proxy_pass http://127.0.0.1:%%DEAD%%/v1/; }
        location /page/   { genai_pass; error_page 502 = /plain/; }
        location /mirror/ { genai_pass; mirror /sub/chat/completions; }
        location /sub/    { internal; genai_pass; }
        location = /usage { genai_usage; access_log off; }
        location /plain/  { return 200 "plain"; }
        %%SERVER%%
    }
}
EOC
}


# ---- requests

sub words { return join '', 'that', map { $WORDS[rand @WORDS] } 2 .. $_[0] }


# A request of a kind (any one) with a user's key, as GenAI::Load takes it.

sub request {
    my ($self, $user, $kind) = @_;

    my $k = $kind ? $KIND{$kind} : $self->{kinds}[rand @{$self->{kinds}}];
    my $id = sprintf 'b%d-%d-%s-%d', $$, ++$self->{n}, $k->{name}, $user;
    my $say = words($k->{words} ? $k->{words}[0] + rand $k->{words}[1]
                                : 8 + rand 24);
    my $ask = words($self->{words} + rand 30);
    my $what = $k->{what} // 'messages';
    my $body = $k->{name} eq 'badjson' ? '{"model":"m",' : json_text({
        model => $k->{model},
        $what => $k->{what} ? $ask : [ { role => 'user', content => $ask } ],
        $k->{stream} ? (stream => \1) : (),
        $k->{ask} ? (stream_options => { include_usage => \1 }) : (),
        $self->extra($k) });
    my @headers = (
        'x-request-id' => $id, 'x-genai-sim-text' => $say,
        $k->{sim} ? ('x-genai-sim' => $k->{sim}) : (),
        $k->{lies} ? ('x-genai-sim-body' => lie(@{$k->{lies}})) : (),
        $k->{name} eq 'nokey' || $k->{anyone} ? ()
            : (authorization => 'Bearer ' . $self->secret(
                   $k->{name} eq 'badkey' ? 'nobody' : $user)));
    my $method = $k->{name} eq 'models' ? 'GET' : 'POST';

    $body = '' if $method eq 'GET';

    my $text = "$method /$k->{path} HTTP/1.1\r\nHost: a\r\n";

    for (my $i = 0; $i < @headers; $i += 2) {
        $text .= "$headers[$i]: $headers[$i + 1]\r\n";
    }

    $text .= "Content-Type: application/json\r\nContent-Length: "
        . length($body) . "\r\n" if $method eq 'POST';

    return { kind => $k, id => $id, user => $user, stream => $k->{stream},
             headers => \@headers, body => $body, method => $method,
             asks => length $ask,
             text => "$text\r\n$body",
             $k->{abort} ? (abort => 500 + int rand 1000) : () };
}


sub lie {
    my ($prompt, $completion) = @_;

    return json_text({ id => 'chatcmpl-0', object => 'chat.completion',
        choices => [ { index => 0, finish_reason => 'stop',
                       message => { role => 'assistant', content => 'x' } } ],
        usage => { prompt_tokens => $prompt, completion_tokens => $completion,
                   total_tokens => $prompt + $completion } });
}


# whose key a client has

sub user_of {
    my ($self, $client) = @_;

    return $client % $self->{users};
}


# What was asked is kept in {asked}, by id; what came of it is in {answer}.
# Where there are more clients than users, they share the users' keys.

sub add_users {
    my ($self, $load) = @_;

    for my $client (0 .. ($self->{clients} || $self->{users}) - 1) {
        my $user = $self->user_of($client);

        $load->user(
            next => sub {
                my $q = $self->request($user);
                return $self->{asked}{$q->{id}} = $q;
            },
            done => sub {
                my ($q, $a, $c) = @_;

                $q->{answer} = $a;
                $q->{close} = 1 if $q->{kind}{error};

                # who is refused does not ask again at once
                $c->{user}{rest} = time + 0.1 + rand 0.4
                    if $a->status == 429;
            });
    }
}


# Forgets what was asked so far; nothing may be in flight.

sub forget {
    my ($self) = @_;

    $self->{asked} = {};
    $self->{sim}->http('DELETE', '/ledger');
    $self->{from} = -s "$self->{t}{dir}/books.log" // 0;
}


# ---- what is known of them

# Of each id the fields of its log line, and how many lines it has.

sub lines {
    my ($self) = @_;

    my %line;
    my $log = substr $self->{t}->access_log('books.log'),
                     $self->{from} // 0;

    for (split /\n/, $log) {
        my ($id, @f) = map { $_ eq '-' ? '' : $_ } split /\|/, $_, -1;
        my $n = ($line{$id}{lines} // 0) + 1;

        @{$line{$id}}{qw(team user key attempts error prompt_tokens
            cached_tokens completion_tokens reasoning_tokens source end
            time cost finish)} = @f;
        $line{$id}{lines} = $n;
        $line{$id}{kind} = $KIND{(split /-/, $id)[2] // ''} // {};
    }

    return \%line;
}


# Of each id the provider's rows, in their order.

sub record {
    my ($self) = @_;

    my (%rows, @rows);

    # a row a line, of strings without escapes and of numbers
    for (split /\n/, $self->{sim}->get('/ledger')->body) {
        my %row;

        $row{$1} = $2 // $3 while /"(\w+)":(?:"([^"]*)"|([^,}]+))/g;
        push @rows, \%row if %row;
    }

    push @{$rows{$_->{request_id}}}, $_
        for sort { $a->{number} <=> $b->{number} } @rows;

    return \%rows;
}


# The rows of the books: "day|team|user|key|model" => { sums }.  Where a lease
# was taken and went to another row, one may be there that says nothing.

sub rows {
    my ($self, %o) = @_;

    my $j = $self->{t}->get('/usage', %o)->json or return {};
    my %rows;

    for my $r (@{$j->{rows}}) {
        next unless grep { $r->{$_} } @SUMS;

        $rows{join '|', map { $_ // '' } @$r{qw(day team user key model)}}
            = { map { $_ => 0 + $r->{$_} } @SUMS };
    }

    return \%rows;
}


# What one line adds to the books.

sub sums {
    my ($line) = @_;

    return {
        exchanges => 1, failed => $line->{error} ne '' ? 1 : 0, orphans => 0,
        estimated => $line->{source} eq 'estimated' ? 1 : 0,
        map({ $_ => 0 + $line->{$_} } @SUMS[4 .. $#SUMS]),
        $line->{kind}{own} ? (attempts => $line->{kind}{dead} ? 0 : 1) : (),
    };
}


sub add {
    my ($to, $sums) = @_;

    $to->{$_} = ($to->{$_} // 0) + $sums->{$_} for @SUMS;
    return $to;
}


# Whether a limit has: then it counts nowhere.

sub refused {
    my ($line) = @_;

    return $line->{error} =~ /^policy_(?:rate|quota)$/;
}


# The rows that the lines make, on top of others.

sub expected {
    my ($self, $base) = @_;

    my %rows = map { $_ => { %{$base->{$_}} } } keys %{$base || {}};
    my $lines = $self->lines;

    for my $l (values %$lines) {
        next if $l->{kind}{free} || !$l->{kind}{name} || refused($l);

        my $day = strftime '%Y-%m-%d', gmtime($l->{end} - $l->{time});

        add($rows{join '|', $day, @$l{qw(team user key)}, $l->{kind}{booked}}
            //= {}, sums($l));
    }

    return \%rows;
}


# Whether all that was asked has its line, and the provider waits for nobody.

sub wait_ended {
    my ($self, $timeout) = @_;

    return wait_for(sub {
        my $lines = $self->lines;

        return 0 if grep { !$lines->{$_}
                           && !($self->{asked}{$_}{answer}
                                && $self->{asked}{$_}{answer}{stale}) }
                    keys %{$self->{asked}};

        my $record = $self->record;

        return !grep { $_->{end} eq 'open' } map { @$_ } values %$record;
    }, $timeout || 10);
}


# The books when they say what was expected, else the last that they said.

sub settled {
    my ($self, $want) = @_;

    my $rows;
    my $text = json_text($want);

    wait_for(sub { json_text($rows = $self->rows) eq $text }, 3);

    return $rows;
}


# Lines that are not what their kind and the provider's record say; lost => 1:
# some may have no line.

sub bad_lines {
    my ($self, %o) = @_;

    my $lines = $self->lines;
    my $record = $self->record;
    my @bad;

    for my $id (sort keys %{$self->{asked}}) {
        my $q = $self->{asked}{$id};
        my $l = $lines->{$id};

        if (!$l) {
            push @bad, "$id: no line" unless $o{lost}
                || $q->{answer} && $q->{answer}{stale};
            next;
        }

        my $why = $self->bad_line($l, $q, $record->{$id} || []);

        push @bad, "$id: $why; " . json_text({ line => { %$l, kind => 0 },
                                               rows => $record->{$id} })
            if $why;
    }

    return @bad;
}


sub bad_line {
    my ($self, $l, $q, $rows) = @_;

    my $k = $l->{kind};
    my $user = $q->{user};
    my ($prompt, $completion) = @$l{qw(prompt_tokens completion_tokens)};

    return "$l->{lines} lines" if $l->{lines} != 1;

    if (refused($l)) {
        return 'refused, and asked the provider' if @$rows;
        return 'refused, and used tokens' if $prompt || $completion;
        return $self->{limits} ? '' : 'refused';
    }

    # some leave when all is said
    my $error = $k->{error} // '';

    return "error $l->{error}" if $l->{error} ne $error && !$k->{abort};

    if ($k->{anyone} || $error eq 'caller_unauthenticated') {
        return 'of somebody' if "$l->{team}$l->{user}$l->{key}" ne '';

    } else {
        my $who = join '|', $self->who($user), "key$user";

        return "not of $who" if join('|', @$l{qw(team user key)}) ne $who;
    }

    if ($k->{free}) {
        return 'tokens' if $prompt || $completion;
        return 'asked the provider' if @$rows;
        return '';
    }

    return 'attempts'
        if $l->{attempts} != ($k->{own} ? 0 : @$rows + ($k->{dead} // 0));

    my $last = $rows->[-1] || { prompt_tokens => 0, status => 0 };

    # who says nothing at all may have read it
    if ($last->{status} != 200 && ($last->{status} || !$k->{guess})) {
        return 'tokens of an error' if $prompt || $completion;
        return '';
    }

    if ($k->{lies}) {
        return 'not what it was told'
            if "$prompt $completion" ne "@{$k->{lies}}";
        return '';
    }

    if ($l->{source} eq 'provider') {
        return 'not what the provider told'
            if $prompt != $last->{prompt_tokens}
               || $completion != $last->{completion_tokens_reported}
               || $k->{guess} && !$k->{abort};
        return '';
    }

    # a stream that its limits have ended was not told its usage either
    return "source $l->{source}" unless $k->{guess} || $l->{finish} eq 'limit';

    my $known = $k->{words} ? qr/^(?:exact|estimated)$/ : qr/^estimated$/;

    return 'not estimated'
        if $l->{source} !~ $known && ($prompt || $completion);
    return 'more than the provider has sent'
        if $prompt > $last->{prompt_tokens}
           || $completion > $last->{tokens_written};
    return 'less than all'
        if $k->{name} eq 'untold' && $completion != $last->{tokens_written};

    return '';
}


1;
