#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

=head1 NAME

bench.pl - what the gateway costs above plain proxy_pass

=head1 SYNOPSIS

    perl t/bench/bench.pl [--quick] [--only PATTERN] [--pairs N] [--perf]

=head1 DESCRIPTION

One nginx with one worker has a server with proxy_pass and a server with
genai_pass, which go to the same backend, another nginx with the simulated
provider.  Rounds of the one and the other take turns.  What is measured is
the CPU that the worker takes, user and system, by the kernel's clock of the
process: requests a second depend on who else wants the processors, and are
shown beside.  Requests take turns of a tenth of a second, so that what
disturbs the machine disturbs both; ten turns of each are a round.  The ratio
of a pair of rounds is plain / ours, and the figure is the median of the
pairs.

The memory of open streams is the slope between two numbers of them, each
side in an nginx of its own.

How much later the first event of a stream comes is the difference of what one
request in a hundred exceeds, of plain's and ours, which take turns at a load
that leaves the processors half idle; ours are counted and have limits.  The
figure is the median of the pairs.

The rows of counting have a gateway with a zone and a catalogue.  In an agent's
turn 95 % of a request's bytes are of 64 conversations that were seen before;
the rest is another one each time.  Where every text is new, all texts are.
They are parts of docs/.  What that costs is told as microseconds and, from
requests of two sizes, nanoseconds for each byte more: of all that is done,
above plain.

    --quick          three pairs instead of eleven
    --only PATTERN   the rows whose names match only
    --pairs N        so many pairs
    --perf           at last a round of each side under "perf record -g",
                     reports in build/bench/

Environment: GENAI_NGINX (path of nginx), GENAI_MODULES (folder of the .so
files, build/debian).  A C compiler is needed for the clients, load.c.

The result is build/bench.json as well.  The exit code is not 0 if anything
went wrong, such as a single answer that is an error; a bar that is missed is
no such thing.

=cut

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Cwd ();
use Digest::SHA qw(sha256_hex);
use Getopt::Long;
use IO::Socket::INET;
use JSON::PP ();
use POSIX ();
use Time::HiRes qw(sleep time);

use GenAI::Bodies qw(body);
use GenAI::Util qw(:DEFAULT allot_port die_with_parent exec_command);

my $ROOT = Cwd::abs_path("$FindBin::Bin/../..");
my $NGINX = $ENV{GENAI_NGINX} || '/usr/sbin/nginx';
my $MODULES = Cwd::abs_path($ENV{GENAI_MODULES} || "$ROOT/build/debian");
my $BUILD = "$ROOT/build/bench";
my $KEY = 'sk-0123456789abcdef0123456789abcdef';
my $DIR = "$BUILD/run.$$";

# of the streams: how many, tokens a second
use constant { STREAMS => 500, RATE => 20 };

# of first events: requests a second, of each side in a round, connections
use constant { PACE => 200, FIRST => 300, WAITING => 64 };

# of the requests: connections, fewer than are kept alive to the backend;
# turns in a round, and ms
use constant { CONNECTIONS => 16, TURNS => 10, TURN => 100 };

my %opt;

GetOptions(\%opt, 'quick', 'only=s', 'pairs=i', 'perf', 'help')
    && !@ARGV && !$opt{help}
    or exec 'perldoc', '-T', $0;

my $pairs = $opt{pairs} || ($opt{quick} ? 3 : 11);

# what a row has: its name and unit, the bar (of the ratio; bytes above plain
# for memory), which requests; "block" is the name where the provider's peers
# are those of an upstream{}, compared with the same rounds of plain; "other"
# that of where he speaks another dialect, compared with ours
my @rows = (
    { name => 'json 1 KiB', unit => 'us/request', bar => 0.80,
      how => 'turns', kind => 'json', size => 1024,
      block => 'json 1 KiB, upstream{}' },
    { name => 'json 16 KiB', unit => 'us/request', bar => 0.75,
      how => 'turns', kind => 'json', size => 16384,
      other => 'json 16 KiB, translated', other_bar => 0.625 },
    { name => 'stream of 100 events, burst', unit => 'us/request',
      bar => 0.40, how => 'turns', kind => 'burst', size => 1024 },
    { name => STREAMS . ' paced streams', unit => 'us/event', bar => 0.85,
      how => 'paced', kind => 'paced', size => 1024 },
    { name => 'memory of an open stream', unit => 'bytes', bar => 16384,
      how => 'memory', kind => 'slow', size => 1024 },
    { name => 'memory of a translated stream', unit => 'bytes', bar => 32768,
      how => 'memory', kind => 'slow', size => 1024, ours => 'other' },
    { name => "agent's turn, 1 KiB", unit => 'us/request', bar => 0.65,
      how => 'turns', kind => 'count', size => 1024, new => 0.05 },
    { name => "agent's turn, 16 KiB", unit => 'us/request', bar => 0.55,
      how => 'turns', kind => 'count', size => 16384, new => 0.05 },
    { name => 'every text new', unit => 'us/request',
      how => 'new', kind => 'count', sizes => [ 1024, 16384 ], new => 1 },
    { name => 'first token, 1 KiB', unit => 'us, p99', bar => 1000,
      how => 'first', kind => 'first', size => 1024, new => 0.05 },
    { name => 'first token, 16 KiB', unit => 'us, p99', bar => 1000,
      how => 'first', kind => 'first', size => 16384, new => 0.05 },
    { name => 'memory of a counted stream', unit => 'bytes', bar => 16384,
      how => 'memory', kind => 'open', size => 1024 },
);

# what the simulated provider does, by the path
my %sim = (
    json => 'tokens=100',
    burst => 'tokens=97',
    paced => 'tokens=100000 rate=' . RATE,
    slow => 'tokens=100000 rate=1',
    count => 'tokens=100',
    open => 'tokens=100000 rate=1',
    first => 'tokens=8 rate=50',
);

# which of them are also asked of a provider of another dialect
my @OTHER = qw(json slow);

# of these tokens are counted: the names that the catalogue knows
my %counted = (count => 'gpt-4o', open => 'gpt-4o-mini',
               first => 'gpt-4o-2024-08-06');

my (%port, %server, @pids);

my $owner = $$;

$| = 1;
$SIG{$_} = sub { exit 130 } for qw(INT TERM HUP);
$SIG{ALRM} = sub { die "this takes too long\n" };

alarm 600;

main();
exit 0;


sub main {
    my @todo = grep {
        !defined $opt{only}
            || join("\n", grep { defined } @$_{qw(name block)})
                =~ /$opt{only}/i
    } @rows;
    my @done;

    @todo or die "no row matches\n";

    prepare();
    start_backend();
    printf "%-28s %-11s %9s %9s  %6s  %-15s %5s %9s %9s\n", 'row', 'unit',
        'plain', 'ours', 'ratio', '(min .. max)', 'bar', 'plain/s', 'ours/s';

    my $counted = '';

    for my $row (@todo) {

        if (!$server{gateway} || $counted ne counted($row)) {
            check_log() if $server{gateway};
            $counted = counted($row);
            start_gateway($row);
        }

        probe($row);

        my @results = $row->{how} eq 'memory' ? memory_row($row)
                      : $row->{how} eq 'new' ? new_row($row)
                      : $row->{how} eq 'first' ? first_row($row)
                      : cpu_row($row);

        push @done, @results;
        show($_) for @results;
        spew("$ROOT/build/bench.json", json_text(\@done) . "\n");
        perf($row) if $opt{perf} && $row->{how} =~ /turns|paced/;
    }

    check_log();
}


# ---- rounds

sub cpu_row {
    my ($row) = @_;

    my $round = $row->{how} eq 'turns' ? \&requests_round : \&paced_round;
    my @sides = sides($row);
    my (%cpu, %rate, @results);

    # what is not yet allocated and not yet connected
    $round->($row, 1, @sides);

    for my $pair (1 .. $pairs) {
        my %r = $round->($row, 0, @sides);

        for (@sides) {
            push @{$cpu{$_}}, $r{$_}{cpu};
            push @{$rate{$_}}, $r{$_}{rate};
        }
    }

    for my $side (@sides[1 .. $#sides]) {
        my $to = $side eq 'other' ? 'ours' : 'plain';
        my @ratio = sort { $a <=> $b }
                    map { $cpu{$to}[$_] / $cpu{$side}[$_] } 0 .. $pairs - 1;

        push @results, {
            name => $row->{$side} // $row->{name}, unit => $row->{unit},
            bar => $row->{"${side}_bar"} // $row->{bar}, pairs => $pairs,
            plain => figure(median(@{$cpu{$to}}), 3),
            ours => figure(median(@{$cpu{$side}}), 3),
            ratio => figure(median(@ratio), 4),
            min => figure($ratio[0], 4), max => figure($ratio[-1], 4),
            plain_rate => figure(median(@{$rate{$to}}), 1),
            ours_rate => figure(median(@{$rate{$side}}), 1),
        };
    }

    return @results;
}


# Of two sizes: what a request costs above plain, and what each byte more.

sub new_row {
    my ($row) = @_;

    my @sized = map { { %$row, how => 'turns', size => $_,
                        name => sprintf('%s, %d KiB', $row->{name},
                                        $_ / 1024) } } @{$row->{sizes}};
    my @results = map { cpu_row($_) } @sized;
    my @above = map { $_->{ours} - $_->{plain} } @results;
    my ($low, $high) = @{$row->{sizes}};
    my $byte = ($above[1] - $above[0]) / ($high - $low);

    return @results, {
        name => "$row->{name}, above plain",
        us => figure($above[0] - $byte * $low, 2),
        ns_byte => figure(1000 * $byte, 2), bar => [ 12, 12 ],
    };
}


sub counted {
    my ($row) = @_;

    return $counted{$row->{kind}} ? 'counted' : '';
}


sub sides {
    my ($row) = @_;

    return ('plain', 'ours', grep { $row->{$_} } 'block', 'other');
}


# as many requests as there can be; what each side took, us and a second

sub requests_round {
    my ($row, $warm, @sides) = @_;

    my @r = load($row, \@sides, '-c', CONNECTIONS, '-k', $warm ? 1 : TURNS,
                 '-t', TURN);

    settle();

    return map {
        $sides[$_] => { cpu => $r[$_]{cpu} / $r[$_]{requests} / 1e3,
                        rate => $r[$_]{requests} / $r[$_]{ns} * 1e9 }
    } 0 .. $#sides;
}


# all streams are open before and after

sub paced_round {
    my ($row, $warm, @sides) = @_;

    my $turns = $warm || $opt{quick} ? 1 : 2;
    my %sum;

    for my $side ((@sides) x $turns) {
        my ($r) = load($row, [$side], '-n', STREAMS,
                       '-t', $warm ? 200 : 1000);

        $r->{events} or die "$row->{name}, $side: no events\n";

        $sum{$side}{$_} += $r->{$_} for qw(events cpu ns);
        settle();
    }

    return map {
        $_ => { cpu => $sum{$_}{cpu} / $sum{$_}{events} / 1e3,
                rate => $sum{$_}{events} / $sum{$_}{ns} * 1e9 }
    } @sides;
}


sub memory_row {
    my ($row) = @_;

    my ($low, $high) = (1000, 5000);
    my $most = most_files();
    my %bytes;

    $high = int(($most - 500) / 2) if 2 * $high + 500 > $most;
    $low = $high / 5 if $high < 5000;

    for my $side ('plain', 'ours') {
        start_gateway($row);

        my $port = $side eq 'ours' ? $row->{ours} // $side : $side;
        my ($one, $two) = load($row, [$port], '-n', int($low) . ",$high",
                               '-o', $opt{quick} ? 1200 : 2500,
                               '-s', $opt{quick} ? 400 : 1500);

        # KiB of RSS; what is shared with the master did not grow
        $bytes{$side} = ($two->{rss} - $one->{rss}) * 1024
                        / ($two->{streams} - $one->{streams});
    }

    start_gateway($row);

    return {
        name => $row->{name}, unit => $row->{unit}, bar => $row->{bar},
        plain => figure($bytes{plain}, 0), ours => figure($bytes{ours}, 0),
        ratio => figure($bytes{plain} / $bytes{ours}, 4),
        above => figure($bytes{ours} - $bytes{plain}, 0),
        streams => [int $low, $high],
    };
}


# how long the first event takes, of one request in a hundred and of most

sub first_row {
    my ($row) = @_;

    my (%us, @added, @middle);

    for my $pair (0 .. $pairs) {
        my ($rc, $out) = run_cmd(["$BUILD/first", '-r', request_file($row),
            '-p', "$port{plain},$port{ours}", '-c', WAITING, '-q', PACE,
            '-k', $pair ? FIRST : 50], timeout => 90);

        $rc == 0 or die "$row->{name}: $out";
        settle();

        # the first one is not counted, as caches are empty
        next unless $pair;

        my @r = map { { split } } split /\n/, $out;

        push @{$us{$_}}, [ map { $_ / 1e3 } @{$r[$_]}{qw(p50 p99)} ]
            for 0, 1;
        push @added, $us{1}[-1][1] - $us{0}[-1][1];
        push @middle, $us{1}[-1][0] - $us{0}[-1][0];
    }

    my @sorted = sort { $a <=> $b } @added;

    return {
        name => $row->{name}, unit => $row->{unit}, bar => $row->{bar},
        pairs => $pairs, added => figure(median(@added), 1),
        min => figure($sorted[0], 1), max => figure($sorted[-1], 1),
        added_p50 => figure(median(@middle), 1),
        plain => figure(median(map { $_->[1] } @{$us{0}}), 1),
        ours => figure(median(map { $_->[1] } @{$us{1}}), 1),
        plain_p50 => figure(median(map { $_->[0] } @{$us{0}}), 1),
        ours_p50 => figure(median(map { $_->[0] } @{$us{1}}), 1),
    };
}


# lines of "name value name value..."

sub load {
    my ($row, $sides, @options) = @_;

    my ($rc, $out) = run_cmd(["$BUILD/load",
        '-w', $server{gateway}{worker}, '-r', request_file($row),
        '-p', join(',', map { $port{$_} } @$sides), @options], timeout => 90);

    $rc == 0 or die "$row->{name}, @$sides: $out";

    return map { { split } } split /\n/, $out;
}


sub show {
    my ($r) = @_;

    if (defined $r->{us}) {
        printf "%-28s %.1f us + %.1f ns/byte%s\n", @$r{qw(name us ns_byte)},
            $r->{us} > $r->{bar}[0] || $r->{ns_byte} > $r->{bar}[1]
                ? "  above the bar, $r->{bar}[0] + $r->{bar}[1]" : '';
        return;
    }

    if (defined $r->{added}) {
        printf "%-28s %-11s %9.0f %9.0f  %+6.0f  (%+.0f .. %+.0f), bar %d;"
            . " p50 %.0f %.0f %+.0f%s\n", @$r{qw(name unit plain ours added
            min max bar plain_p50 ours_p50 added_p50)},
            $r->{added} > $r->{bar} ? '  above the bar' : '';
        return;
    }

    my $memory = defined $r->{above};
    my $missed = $memory ? $r->{above} > $r->{bar}
                         : $r->{bar} && $r->{ratio} < $r->{bar};
    my $format = $memory ? '%9d' : '%9.2f';

    printf "%-28s %-11s $format $format  %6.3f  %-15s %5s %9s %9s%s\n",
        @$r{qw(name unit plain ours ratio)},
        $memory ? sprintf('(%+d)', $r->{above})
                : sprintf('(%.3f .. %.3f)', @$r{qw(min max)}),
        $r->{bar} // '',
        map({ defined $_ ? sprintf '%.0f', $_ : '' }
            @$r{qw(plain_rate ours_rate)}),
        $missed ? '  below the bar' : '';
}


# who spends it: one round more of each side

sub perf {
    my ($row) = @_;

    for my $side (sides($row)) {
        my $file = "$BUILD/" . ($row->{name} =~ s/\W+/-/gr) . "-$side";

        my $pid = fork // die "fork: $!";

        if (!$pid) {
            die_with_parent(2);
            exec_command(['perf', 'record', '-q', '-g', '-F', 5000, '-o',
                          "$file.data", '-p', $server{gateway}{worker}], {},
                         '/dev/null', "$DIR/perf.out");
        }

        push @pids, $pid;
        sleep 0.3;

        for (1 .. 3) {
            $row->{how} eq 'turns' ? requests_round($row, 0, $side)
                                   : paced_round($row, 0, $side);
        }

        kill 'INT', $pid;
        waitpid $pid, 0;
        @pids = grep { $_ != $pid } @pids;

        my ($rc, $out) = run_cmd(['perf', 'report', '--stdio', '--no-children',
            '-g', 'none', '-i', "$file.data", '--percent-limit', '0.2'],
            timeout => 120, split => 1);

        spew("$file.txt", $out);
        print "  $file.txt\n";
    }
}


# ---- the two nginx

sub start_backend {
    my $locations = join '', map {
        "location /$_/ { genai_sim $sim{$_} last=off; }\n"
    } sort keys %sim;

    $port{backend} = allot_port();

    start('backend', <<"EOC");
http {
    access_log off;
    keepalive_requests 1000000000;
    client_body_buffer_size 1m;

    server {
        listen 127.0.0.1:$port{backend} backlog=4096;
        $locations
    }
}
EOC
}


sub start_gateway {
    my ($row) = @_;

    my ($plain, $providers) = ('', '');
    my $other = join '', map { "location /$_/ { genai_pass model=other_$_; }\n"
                             } @OTHER;
    my $catalog = counted($row) ? "genai_zone zone=genai:32m;
        genai_catalog $ROOT/build/data/models.json;" : '';

    $port{$_} //= allot_port() for qw(plain ours block other);

    for my $kind (sort keys %sim) {

        # what an operator would write for JSON and for streams
        $plain .= "location /$kind/ {
            proxy_pass http://backend;
            proxy_http_version 1.1;
            proxy_set_header Connection '';
            proxy_set_header Authorization 'Bearer sk-of-the-provider';
            " . ($kind =~ /^(?:json|count)$/ ? ''
                                             : 'proxy_buffering off;')
            . " }\n";

        $providers .= "genai_provider $kind { dialect openai;
            pass http://127.0.0.1:$port{backend}/$kind/v1;
            credential file:$DIR/credential; }
        genai_model " . model($kind) . " { target $kind; }\n";
    }

    # the same names go elsewhere: these are in a file of their own
    $providers .= "genai_provider block { dialect openai; upstream backend;
            pass http://127.0.0.1:$port{backend}/json/v1;
            credential file:$DIR/credential; }
        genai_model block { target block; }\n";

    # for those of a prompt and of streams
    $providers .= "genai_provider other_$_ { dialect anthropic;
            pass http://127.0.0.1:$port{backend}/$_;
            credential file:$DIR/credential; }
        genai_model other_$_ { target other_$_; }\n" for @OTHER;

    spew("$DIR/policy.json", policy());

    # what runs still has them
    stop('gateway');
    system('rm', '-rf', "$DIR/books");

    start('gateway', <<"EOC");
http {
    log_format bench '\$remote_addr [\$time_local] "\$request" \$status '
                     '\$body_bytes_sent \$request_time '
                     '\$upstream_response_time "\$http_user_agent"';
    access_log $DIR/access.log bench;
    keepalive_requests 1000000000;
    client_body_buffer_size 1m;

    upstream backend {
        server 127.0.0.1:$port{backend};
        keepalive 32;
    }

    genai_policy $DIR/policy.json;
    genai_books  $DIR/books;
    $catalog

    $providers

    server {
        listen 127.0.0.1:$port{plain} backlog=4096;
        $plain
    }

    server {
        listen 127.0.0.1:$port{ours} backlog=4096;
        location / { genai_pass; }
    }

    server {
        listen 127.0.0.1:$port{block} backlog=4096;
        location / { genai_pass model=block; }
    }

    server {
        listen 127.0.0.1:$port{other} backlog=4096;
        $other
    }
}
EOC
}


# Ten thousand keys in a hundred teams, ours among them.

sub policy {
    my %keys = map { my $n = $_; ("key-$n" => {
        sha256 => [ sha256_hex("sk-$n") ], team => 'team-' . $n % 100 }) }
        1 .. 9_999;

    $keys{bench} = { sha256 => [ sha256_hex($KEY) ], team => 'team-1',
                     user => 'somebody', plan => 'all' };

    return JSON::PP->new->canonical->encode({
        schema => 1,
        plans => { all => { models => ['*'] } },
        models => { model('first') => { limits => [ '1G requests/1m',
            '900G tokens/1m', '900G tokens/1d', '10k concurrent',
            '$900000/1mo' ] } },
        teams => { above => { models => [ map({ model($_) } sort keys %sim),
                                          'block',
                                          map { "other_$_" } @OTHER ] },
                   map { ("team-$_" => { parent => 'above' }) } 0 .. 99 },
        users => { somebody => { team => 'team-1' } },
        keys => \%keys,
    });
}


sub start {
    my ($name, $http) = @_;

    stop($name);

    my $user = $> == 0 ? 'user root;' : '';
    my $module = $name eq 'backend' ? 'genai_sim' : 'genai';
    my $files = most_files();

    $files = 16384 if $files > 16384;

    spew("$DIR/$name.conf", <<"EOC");
load_module $MODULES/ngx_http_${module}_module.so;
daemon off; $user
pid $DIR/$name.pid;
error_log $DIR/$name.log warn;
worker_processes 1;
worker_rlimit_nofile $files;
events { worker_connections $files; }
$http
EOC

    my $pid = fork // die "fork: $!";

    if (!$pid) {
        die_with_parent(15);
        exec_command([$NGINX, '-p', $DIR, '-c', "$DIR/$name.conf", '-e',
                      "$DIR/$name.log"], {}, '/dev/null', "$DIR/$name.out");
    }

    push @pids, $pid;

    my @ports = $http =~ /listen 127\.0\.0\.1:(\d+)/g;

    my $worker = wait_for(sub {
        waitpid($pid, POSIX::WNOHANG) == $pid
            and die "nginx does not start:\n", slurp("$DIR/$name.out");

        for my $port (@ports) {
            IO::Socket::INET->new("127.0.0.1:$port") or return undef;
        }

        return (children($pid))[0];
    }, 10) or die "nginx does not answer\n";

    sleep 0.1;

    $server{$name} = { master => $pid, worker => $worker };
    $server{$name}{files} = files($worker);
}


sub stop {
    my ($name) = @_;

    my $server = delete $server{$name} or return;

    kill 'TERM', $server->{master};
    waitpid $server->{master}, 0;
    @pids = grep { $_ != $server->{master} } @pids;
}


sub most_files {
    return `sh -c 'ulimit -Hn'` =~ /^(\d+)$/ ? $1 : 1e6;
}


sub children {
    my ($parent) = @_;

    my @children;

    for (glob '/proc/[0-9]*/stat') {
        open my $f, '<', $_ or next;
        my ($pid, $ppid) = (<$f> // '') =~ /^(\d+) \(.*\) \S (\d+)/ or next;
        push @children, $pid if $ppid == $parent;
    }

    return @children;
}


sub files {
    my ($pid) = @_;

    return scalar(() = glob "/proc/$pid/fd/*");
}


# Until the connections of the round are closed, those kept alive stay; and
# the log of a round is not the next one's burden.

sub settle {
    my $server = $server{gateway};

    wait_for(sub { files($server->{worker}) < $server->{files} + 150 }, 10)
        or die "the gateway's connections are not closed\n";

    truncate "$DIR/access.log", 0;
}


# ---- requests

sub headers {
    return (
        'Accept' => 'application/json',
        'Content-Type' => 'application/json',
        'User-Agent' => 'OpenAI/Python 1.99.9',
        'Authorization' => "Bearer $KEY",
    );
}


sub model {
    my ($kind) = @_;

    return $counted{$kind} // $kind;
}


# A request as it goes over the wire, or as many as there are to be.

sub request_file {
    my ($row) = @_;

    my $new = $row->{new} // 0;
    my $name = "$DIR/$row->{kind}-$row->{size}-$new";

    return $name if -e $name;

    my $n = $new == 1 ? 512 : $new ? 64 : 1;

    return spew($name, join '', map { request($row) } 1 .. $n);
}


sub request {
    my ($row) = @_;

    my $body = body($row, model($row->{kind}));
    my %headers = headers();

    length $body == $row->{size}
        or die "a body of ", length $body, " bytes, not $row->{size}\n";

    return join "\r\n",
        "POST /$row->{kind}/v1/chat/completions HTTP/1.1",
        'Host: 127.0.0.1',
        map({ "$_: $headers{$_}" } sort keys %headers),
        'Content-Length: ' . length $body, '', $body;
}


# One answer of each side is looked at before any is counted.

sub probe {
    my ($row) = @_;

    return unless $row->{how} =~ /turns|first/;

    my %answer;

    for my $side (sides($row)) {
        my $s = IO::Socket::INET->new("127.0.0.1:$port{$side}")
            or die "connect: $!\n";
        my $text = '';

        print $s request($row);
        $s->flush;

        until ($text =~ /\r\n0\r\n\r\n\z/) {
            sysread $s, $text, 65536, length $text or last;
            last if $text =~ /\r\nContent-Length: (\d+)\r\n.*?\r\n\r\n/s
                && length $text >= $+[0] + $1;
        }

        $text =~ m{\AHTTP/1\.1 200 }
            or die "$row->{name}, $side: the answer is\n$text\n";

        $row->{how} ne 'first' || $side eq 'plain'
            || $text =~ /^x-ratelimit-remaining-tokens: /mi
            or die "$row->{name}, $side: no limits\n$text\n";

        $answer{$side} = () = $text =~ /^data: /mg;

        $text =~ ($row->{kind} =~ /json|count/ ? qr/"finish_reason":"/
                                         : qr/^data: \[DONE\]/m)
            or die "$row->{name}, $side: the answer is\n$text\n";
    }

    return if $row->{kind} ne 'burst';

    for (values %answer) {
        $_ == 100 or die "a burst has $_ events\n";
    }
}


# ---- beginning and end

sub prepare {
    -x $NGINX or die "there is no $NGINX\n";
    -f "$MODULES/ngx_http_genai_module.so"
        or die "there is no module in $MODULES: make build\n";

    spew("$DIR/credential", "sk-of-the-provider\n");

    for my $name ('load', 'first') {
        my $source = "$FindBin::Bin/$name.c";

        next if -e "$BUILD/$name" && -M "$BUILD/$name" <= -M $source;

        my ($rc, $out) = run_cmd([$ENV{CC} || 'cc', '-O2', '-o',
            "$BUILD/$name.$$", $source], timeout => 60);

        $rc == 0 or die "$source: $out";
        rename "$BUILD/$name.$$", "$BUILD/$name";
    }
}


# What nginx calls an error makes the figures worth nothing.

sub check_log {
    for my $name ('backend', 'gateway') {
        my @bad = grep { /\[(?:error|crit|alert|emerg)\]/ }
                  split /\n/, slurp("$DIR/$name.log");

        @bad and die scalar(@bad) . " errors of the $name, such as\n",
            "$bad[0]\n";
    }
}


sub median {
    my @sorted = sort { $a <=> $b } @_;

    return ($sorted[$#sorted / 2] + $sorted[@sorted / 2]) / 2;
}


sub figure {
    my ($number, $digits) = @_;

    return 0 + sprintf "%.${digits}f", $number;
}


END {
    if (defined $owner && $$ == $owner) {
        my $status = $?;

        kill 'TERM', @pids;
        waitpid $_, 0 for @pids;

        # 130: told to stop
        if ($status && $status != 130 && -d $DIR) {
            print STDERR "see $DIR\n";

        } else {
            system 'rm', '-rf', $DIR;
        }

        $? = $status;
    }
}
