# SPDX-License-Identifier: Apache-2.0

# What is edited in a request, and that nothing else is: over 2,000 bodies go
# up as their clients wrote them but for the model's name, the usage that a
# stream is asked for, and what "set" and "drop" of a target say.  What has to
# come of a body is worked out here, from the rules of docs/DIRECTIVES.md.

use strict;
use warnings;

use lib 't/lib';

use File::Temp ();
use JSON::PP ();

use GenAI::Test;
use GenAI::Upstream;

my $SEED = $ENV{GENAI_SEED} || 20261122;
my $BODIES = 2200;

my $dir = File::Temp->newdir;

# Keeps the bytes of the last body of each path; what is asked for below /fail
# is refused with 429, so that the next target is tried.

my $up = GenAI::Upstream->new(requests => [ [ 'noread', sub {
    my ($c) = @_;

    while (my $r = $c->read_head) {
        my ($which) = $r->{uri} =~ m{^/(\w+)/};
        my $body = $c->read_bytes($r->{h}{'content-length'}) // return;

        spew("$dir/$which", $body);
        $c->answer($which eq 'fail' ? 429 : 200, '{}',
                   'Content-Type' => 'application/json');
    }
} ] ]);

my $t = GenAI::Test->new(log_level => 'info')->conf(<<'EOF', UP => $up->port);
http {
    keepalive_requests 100000;
    client_body_buffer_size 1m;

    genai_provider p { dialect openai; pass http://127.0.0.1:%%UP%%/good; }
    genai_provider f { dialect openai; pass http://127.0.0.1:%%UP%%/fail; }

    genai_model same  { target p; }
    genai_model other { target p model=else; }
    genai_model quote { target p 'model=a"b\\c é'; }

    genai_model edit {
        target p model=else;
        set    p temperature 0.20;
        set    p stop '[ "a", "b" ]';
        set    p user "some one";
        drop   p seed;
        drop   p logit_bias;
        set    p metadata '{"k":[1,null]}';
        drop   p service_tier;
    }

    genai_model two {
        target f name=one model=first;
        target p name=last;
        set    last top_p 0.5;
        drop   last metadata;
        set    one temperature 1;
        drop   one seed;
        set    one "a\"b" true;
    }

    genai_model values {
        target p;
        %%VALUES%%
    }

    genai_model order {
        target p;
        set  p a 1;
        drop p a;
        drop p b;
        set  p b 2;
        set  p c 3;
        set  p c 4;
        drop p d;
        set  p z 1;
        set  p y 2;
    }

    server {
        listen 127.0.0.1:%%PORT_0%%;
        listen 127.0.0.1:%%PORT_1%% %%LISTEN_H2%%;
        %%HTTP2_ON%%
        genai_auth off;

        location /v1/     { genai_pass; }
        location /file/   { genai_pass; client_body_buffer_size 128; }
        location /chosen/ { genai_pass model=chosen; }
    }

    genai_model chosen { target p; }
}
EOF

# what is written, and what it is as JSON

my @values = (
    [ '1' => '1' ], [ '-0' => '-0' ], [ '1.50' => '1.50' ],
    [ '1e400' => '1e400' ], [ 'true' => 'true' ], [ 'null' => 'null' ],
    [ q('"a"') => '"a"' ], [ q('"\u00e9"') => '"\u00e9"' ],
    [ q('{ "a" : [1 , 2] }') => '{ "a" : [1 , 2] }' ], [ q('[]') => '[]' ],
    [ 'word' => '"word"' ], [ '"two words"' => '"two words"' ],
    [ q('a"b') => '"a\"b"' ], [ q("a\\\\b") => '"a\\\\b"' ],
    [ '01' => '"01"' ], [ '1.' => '"1."' ], [ 'tru' => '"tru"' ],
    [ 'nan' => '"nan"' ], [ '1e' => '"1e"' ], [ 'é' => '"é"' ],
    [ '""' => '""' ], [ '" 7 "' => '7' ],
);

$t->{vars}{VALUES} = join ' ', map { "set p v$_ $values[$_][0];" }
    0 .. $#values;
$t->run;


# ---- the client's side

my $client = $t->connect;

# Asks with a body; what came up for the last target is then in got().

sub ask {
    my ($body, %o) = @_;

    unlink "$dir/good", "$dir/fail";

    $client = $t->connect if $client->{eof};
    $client->request('POST', $o{path} || '/v1/chat/completions',
                     body => $body,
                     headers => [ 'Content-Type' => 'application/json' ]);

    return $client->response;
}

sub got {
    my ($which) = @_;

    return eval { slurp("$dir/" . ($which || 'good')) } // 'nothing';
}

sub goes_up {
    my ($body, $want, $what, %o) = @_;

    my $r = ask($body, %o);

    is($r->status, 200, "$what: answered") or diag($r->body);
    is(got(), $want, $what);
}


# ---- the reference: a reader of JSON texts that are known to be good

sub skip_blanks {
    my ($text, $at) = @_;

    pos($$text) = $at;
    $$text =~ /\G[ \t\r\n]*/gc;

    return pos $$text;
}


# Where the value that begins at $at ends.

sub skip_value {
    my ($text, $at) = @_;

    my $depth = 0;

    pos($$text) = $at;

    do {
        $$text =~ /\G[ \t\r\n,:]+/gc;

        if ($$text =~ /\G"(?:[^"\\]++|\\.)*+"/gc
            || $$text =~ /\G[-+.0-9a-zA-Z]+/gc)
        {
            # a scalar or a name

        } elsif ($$text =~ /\G[\[{]/gc) {
            $depth++;

        } elsif ($$text =~ /\G[\]}]/gc) {
            $depth--;

        } else {
            die 'no value at ' . pos($$text) . " of $$text";
        }
    } while ($depth);

    return pos $$text;
}


# The members of the object that begins at $at: { name, key, value, end }, the
# last three being offsets.

sub members {
    my ($text, $at) = @_;

    my @members;

    for ($at++; ; $at++) {
        $at = skip_blanks($text, $at);
        last if substr($$text, $at, 1) eq '}';

        my %m = (key => $at);
        my $end = skip_value($text, $at);

        $m{name} = JSON::PP->new->utf8->allow_nonref
            ->decode(substr($$text, $at, $end - $at));
        utf8::encode($m{name});

        $m{value} = skip_blanks($text, skip_blanks($text, $end) + 1);
        $m{end} = skip_value($text, $m{value});
        push @members, \%m;

        $at = skip_blanks($text, $m{end});
        last if substr($$text, $at, 1) eq '}';
    }

    return @members;
}


# The object at $at with edits, each [ name, JSON ] or [ name ] to drop it, in
# the order in which they are made.

sub edited {
    my ($text, $at, @edits) = @_;

    my @members = members($text, $at);
    my (%want, @new, @splice);

    for (@edits) {
        my ($name, $json) = @$_;

        if (!defined $json) {
            @new = grep { $_ ne $name } @new;

        } elsif (!grep { $_ eq $name } @new) {
            push @new, $name;
        }

        $want{$name} = $json;
    }

    my $kept;
    my $last = $at + 1;
    my $place = $last;

    for my $i (0 .. $#members) {
        my $m = $members[$i];

        @new = grep { $_ ne $m->{name} } @new;

        if (exists $want{$m->{name}} && !defined $want{$m->{name}}) {
            push @splice, $kept
                ? [ $last, $m->{end}, '' ]
                : [ $m->{key}, $i < $#members ? $members[$i + 1]{key}
                                              : $m->{end}, '' ];
        } else {
            push @splice, [ $m->{value}, $m->{end}, $want{$m->{name}} ]
                if exists $want{$m->{name}};
            $kept = 1;
            $place = $m->{end};
        }

        $last = $m->{end};
    }

    for (@new) {
        my $name = JSON::PP->new->allow_nonref->encode($_);

        push @splice, [ $place, $place, ($kept ? ',' : '')
                                        . "$name:$want{$_}" ];
        $kept = 1;
    }

    my ($out, $pos) = ('', 0);

    for (sort { $a->[0] <=> $b->[0] || $a->[1] <=> $b->[1] } @splice) {
        $out .= substr($$text, $pos, $_->[0] - $pos) . $_->[2];
        $pos = $_->[1];
    }

    return $out . substr($$text, $pos);
}


# The edits that make a stream tell its usage.

sub usage_edits {
    my ($text, $at) = @_;

    my %m = map { $_->{name} => $_ } members($text, $at);
    my $value = sub {
        $m{$_[0]} ? substr($$text, $m{$_[0]}{value},
                           $m{$_[0]}{end} - $m{$_[0]}{value}) : 'null';
    };

    return if $value->('stream') ne 'true';

    my $options = $value->('stream_options');

    return [ stream_options => '{"include_usage":true}' ]
        if $options eq 'null';

    my %o = map { $_->{name} => $_ } members(\$options, 0);

    return if $o{include_usage}
        && substr($options, $o{include_usage}{value},
                  $o{include_usage}{end} - $o{include_usage}{value}) eq 'true';

    return [ stream_options => edited(\$options, 0,
                                      [ include_usage => 'true' ]) ];
}


# What each target of each model has otherwise.

my %target = (
    same => { good => [ ] },
    other => { good => [ [ model => '"else"' ] ] },
    quote => { good => [ [ model => '"a\"b\\\\c é"' ] ] },
    edit => { good => [
        [ model => '"else"' ], [ temperature => '0.20' ],
        [ stop => '[ "a", "b" ]' ], [ user => '"some one"' ], [ 'seed' ],
        [ 'logit_bias' ], [ metadata => '{"k":[1,null]}' ],
        [ 'service_tier' ] ] },
    two => {
        fail => [ [ model => '"first"' ], [ temperature => '1' ],
                  [ 'seed' ], [ 'a"b' => 'true' ] ],
        good => [ [ top_p => '0.5' ], [ 'metadata' ] ],
    },
);

sub want {
    my ($body, $endpoint, @edits) = @_;

    my $at = skip_blanks(\$body, 0);

    return edited(\$body, $at, $endpoint eq 'embeddings'
                      ? () : usage_edits(\$body, $at), @edits);
}


# ---- a generator of odd but good bodies

my $count = 0;

sub pick { return $_[rand @_] }

sub blank { return pick('', '', '', ' ', "\n  ", "\t", "\r\n", '   ') }

my @bits = ('word', ' ', 'a', '\n', '\"', '\\\\', '\/', '\u0000', '\u00e9',
            '\ud83d\ude00', '\uFFFF', "\xc3\xa9", "\xe2\x82\xac",
            "\xf0\x9f\x98\x80", '}', ']', '{', '[', ',', ':', '//', "\x7f",
            "'", '\u005c', '\b\f\r\t', '\"model\":\"x\"', '<|im_start|>');

sub text {
    my $s = join '', map { pick(@bits) } 1 .. rand(8);

    $s .= 'All work and no play. ' x rand(30) if rand() < 0.05;

    return qq("$s");
}

sub number {
    return pick('0', '-0', '-0.0', '1e400', '-1E-400', '0.10', '1E+05',
                '12345678901234567890123456789012345678901', '1.0',
                '9007199254740993', int(rand 1000), 7 x (1 + rand 300));
}

# no two names of one object are alike

sub name {
    $count++;

    return pick("\"x$count\"", "\"k.$count\"", "\"\xc3\xa9$count\"",
                "\"\\u0078-$count\"", "\"a b$count\"", "\"\\\"q$count\"",
                "\"models$count\"", "\"$count\"");
}

sub value {
    my ($depth) = @_;

    my $kind = rand($depth > 3 ? 4 : 6);

    return $kind < 1 ? number()
        : $kind < 2 ? pick(qw(true false null))
        : $kind < 4 ? text()
        : $kind < 5 ? list('[', ']', map { value($depth + 1) } 1 .. rand 5)
        : object(map({ [ name(), value($depth + 1) ] } 1 .. rand 5),
                 # what is passed on may have a name twice
                 rand() < 0.1 ? ([ '"twice"', 1 ], [ '"twice"', 2 ],
                                 [ '"TWICE"', 3 ]) : ());
}

sub list {
    my ($open, $close, @items) = @_;

    return $open . blank() . join(',' , map { blank() . $_ . blank() } @items)
        . $close;
}

sub object {
    return list('{', '}', map { $_->[0] . blank() . ':' . blank() . $_->[1] }
                          @_);
}

sub shuffle {
    my @list = @_;

    for (my $i = @list; --$i > 0; ) {
        my $j = int rand($i + 1);
        @list[$i, $j] = @list[$j, $i];
    }

    return @list;
}

# a name or a text with some letters as escapes

sub escaped {
    my ($s) = @_;

    return '"' . join('', map { rand() < 0.9 ? $_
        : sprintf(pick('\u%04x', '\u%04X'), ord) } split //, $s) . '"';
}

sub message {
    my @parts = map { object([ '"type"', '"text"' ], [ '"text"', text() ]) }
        0 .. rand 3;

    return object(shuffle(
        [ '"role"', pick(qw("system" "user" "assistant" "tool")) ],
        [ '"content"', pick(text(), '""', 'null', list('[', ']', @parts)) ],
        rand() < 0.1 ? [ name(), value(1) ] : ()));
}

sub body {
    my ($model, $endpoint) = @_;

    my @m = ([ rand() < 0.9 ? '"model"' : escaped('model'),
               rand() < 0.8 ? "\"$model\"" : escaped($model) ]);

    push @m, $endpoint eq 'chat/completions'
        ? [ '"messages"', list('[', ']', map { message() } 1 .. rand 6) ]
        : $endpoint eq 'completions' ? [ '"prompt"', text() ]
        : [ '"input"', pick(text(), list('[', ']', text(), text())) ];

    push @m, [ '"stream"', pick(qw(true true true false null)) ]
        if rand() < 0.7 && $endpoint ne 'embeddings';
    push @m, [ '"stream_options"', pick('null', '{}', '{ }',
        object([ '"include_usage"', pick(qw(true true false)) ]),
        object(shuffle([ name(), value(2) ],
                       [ '"include_usage"', pick(qw(true false)) ])),
        object([ name(), value(2) ], [ name(), value(2) ])) ]
        if rand() < 0.5 && $endpoint ne 'embeddings';

    for (qw(temperature top_p seed user stop logit_bias metadata
            service_tier))
    {
        push @m, [ rand() < 0.9 ? "\"$_\"" : escaped($_), value(1) ]
            if rand() < 0.3;
    }

    push @m, [ name(), value(0) ] for 1 .. rand 4;

    return blank() . object(shuffle(@m)) . blank();
}


# ---- all of them

srand $SEED;

my (@bad, %seen, %edits);

for my $n (1 .. $BODIES) {
    my $model = (sort keys %target)[$n % keys %target];
    my $endpoint = rand() < 0.8 ? 'chat/completions'
        : pick(qw(completions embeddings));
    my $body = body($model, $endpoint);
    my $where = rand() < 0.2 ? 'file' : 'v1';

    $seen{$body} = 1;

    my $r = ask($body, path => "/$where/$endpoint");

    if ($r->status != 200) {
        push @bad, "$n, $model, $where: " . $r->status . ' '
            . ($r->body // $r->error) . " for\n$body";
        next;
    }

    for my $which (sort keys %{$target{$model}}) {
        my $want = want($body, $endpoint, @{$target{$model}{$which}});
        my $got = got($which);

        $edits{$model}++ if $want ne $body;

        # the reference itself must not make nonsense
        eval { JSON::PP->new->utf8->decode($want) }
            or push @bad, "$n, $model: the reference: $@ $want";

        push @bad, "$n, $model, $which, $where:\n$body\nwanted:\n$want\n"
            . "got:\n$got" if $got ne $want;
    }

    last if @bad > 5;
}

is(scalar(@bad), 0, "$BODIES bodies, edited where they have to be")
    or diag("GENAI_SEED=$SEED\n", join "\n", @bad);
cmp_ok(scalar(keys %seen), '>', 2000, 'so many different ones');
cmp_ok($edits{$_} // 0, '>', 100, "$_: many of them were edited")
    for sort keys %target;


# ---- the model's name

goes_up('{"messages":[],"model":"other"}', '{"messages":[],"model":"else"}',
        'a name gives way in its place');
goes_up('{ "messages" : [] }', '{ "messages" : [],"model":"chosen" }',
        'one that was not sent stands behind the last member',
        path => '/chosen/chat/completions');
goes_up('{}', '{"model":"chosen"}', 'or alone',
        path => '/chosen/chat/completions');
goes_up("\n{ \n}\n", "\n{\"model\":\"chosen\" \n}\n", 'with its blanks',
        path => '/chosen/chat/completions');
goes_up('{"model":"same"}', '{"model":"chosen"}', 'for another name',
        path => '/chosen/chat/completions');
goes_up('{"mod\u0065l":"chos\u0065n"}', '{"mod\u0065l":"chos\u0065n"}',
        'the same with escapes stays', path => '/chosen/chat/completions');


# ---- the usage of streams

my $U = '"include_usage":true';

for (
    [ '{"model":"same","stream":true}',
      "{\"model\":\"same\",\"stream\":true,\"stream_options\":{$U}}" ],
    [ '{"stream" : true , "model":"same" }',
      "{\"stream\" : true , \"model\":\"same\",\"stream_options\":{$U} }" ],
    [ '{"model":"same","stream":true,"stream_options":{}}',
      "{\"model\":\"same\",\"stream\":true,\"stream_options\":{$U}}" ],
    [ '{"model":"same","stream":true,"stream_options":{ }}',
      "{\"model\":\"same\",\"stream\":true,\"stream_options\":{$U }}" ],
    [ '{"model":"same","stream":true,"stream_options": null,"a":1}',
      "{\"model\":\"same\",\"stream\":true,\"stream_options\": {$U},\"a\":1}"
    ],
    [ '{"stream_options":{"x":[1e400]},"model":"same","stream":true}',
      "{\"stream_options\":{\"x\":[1e400],$U},\"model\":\"same\","
      . '"stream":true}' ],
    [ '{"stream_options":{"include_usage":false,"x":1},"model":"same",'
      . '"stream":true}',
      "{\"stream_options\":{$U,\"x\":1},\"model\":\"same\","
      . '"stream":true}' ],
    [ '{"stream_options":{"include_usage": null},"model":"same",'
      . '"stream":true}',
      '{"stream_options":{"include_usage": true},"model":"same",'
      . '"stream":true}' ],
    [ '{"str\u0065am":true,"model":"other"}',
      "{\"str\\u0065am\":true,\"model\":\"else\","
      . "\"stream_options\":{$U}}" ],
) {
    goes_up(@$_, "usage is asked for: $_->[0]");
    goes_up(@$_, "in a file: $_->[0]", path => '/file/chat/completions');
}

goes_up($_, $_, "untouched: $_") for
    '{"model":"same","stream":true,"stream_options":{"include_usage":true}}',
    '{"model":"same","stream":true,"stream_options":{ "x":1,'
    . '"include_usage" : true } }',
    '{"model":"same","stream":true,"stream_options":{"includ\u0065_usage":'
    . 'true}}',
    '{"model":"same"}', '{"model":"same","stream":false}',
    '{"model":"same","stream":null}',
    '{"model":"same","stream":false,"stream_options":null}',
    '{"model":"same","stream":false,"stream_options":{}}',
    '{"model":"same","stream_options":{"include_usage":false}}',
    '{"model":"same","a":{"stream":true},"messages":[{"stream":true}]}';

goes_up('{"model":"same","prompt":"a","stream":true}',
        "{\"model\":\"same\",\"prompt\":\"a\",\"stream\":true,"
        . "\"stream_options\":{$U}}", 'completions, too',
        path => '/v1/completions');
goes_up('{"model":"same","input":"a","stream":true}',
        '{"model":"same","input":"a","stream":true}', 'embeddings, never',
        path => '/v1/embeddings');


# ---- set and drop

my $v = join ',', map { "\"v$_\":$values[$_][1]" } 0 .. $#values;

goes_up('{"model":"values"}', "{\"model\":\"values\",$v}",
        'JSON as it is, other words as strings');
goes_up('{"v3":{"x":[1]} ,"model":"values", "V0":null}',
        '{"v3":1e400 ,"model":"values",'
        . join(',', map { "\"v$_\":$values[$_][1]" }
               0 .. 2, 4 .. $#values) . '}',
        'in the place of what was sent; a name in another case goes');

# of several lines the last one counts

my $more = '"b":2,"c":4,"z":1,"y":2';

goes_up('{"model":"order"}', "{\"model\":\"order\",$more}",
        'what is new stands as it is written');
goes_up('{"a":0,"b":0,"model":"order","c":0,"d":0}',
        '{"b":2,"model":"order","c":4,"z":1,"y":2}', 'set after drop stays');
goes_up('{ "a" : 0 , "d" : [1] }' =~ s/\{/{"model":"order",/r,
        "{\"model\":\"order\",$more }", 'the last ones are dropped');
goes_up('{"a":0,"d":0,"model":"order"}', "{\"model\":\"order\",$more}",
        'the first ones');
goes_up('{"a":0,"model":"order","\u0064":{"d":1}}',
        "{\"model\":\"order\",$more}", 'a name with an escape');
goes_up('{"A":0,"model":"order","D":1,"dd":{"d":1,"a":1}}',
        "{\"model\":\"order\",\"dd\":{\"d\":1,\"a\":1},$more}",
        'and in another case, but not what is inside');

# a target each

my $r = ask('{"model":"two","seed":1,"metadata":{},"top_p":1,"stream":true}');

is($r->status, 200, 'two targets');
is(got('fail'), '{"model":"first","metadata":{},"top_p":1,"stream":true,'
   . "\"stream_options\":{$U},\"temperature\":1,\"a\\\"b\":true}",
   'what the first one gets');
is(got('good'), '{"model":"two","seed":1,"top_p":0.5,"stream":true,'
   . "\"stream_options\":{$U}}", 'and the second one, from the client\'s');

# a body is edited again for each exchange of a connection

for my $n (1 .. 3) {
    goes_up("{\"model\":\"edit\",\"n\":$n,\"seed\":$n}",
            "{\"model\":\"else\",\"n\":$n,\"temperature\":0.20,"
            . '"stop":[ "a", "b" ],"user":"some one",'
            . '"metadata":{"k":[1,null]}}', "exchange $n");
}

SKIP: {
    skip 'curl with HTTP/2 is missing', 1 if !GenAI::Test->can_h2;

    $t->h2('POST', '/v1/chat/completions', port => $t->port(1),
           body => '{"seed":1,"model":"two","stream":true}');
    is(got(), '{"seed":1,"model":"two","stream":true,'
       . "\"stream_options\":{$U},\"top_p\":0.5}", 'over HTTP/2');
}


# ---- configurations

my $P = 'genai_provider p { dialect openai; pass http://127.0.0.1/v1; } '
    . 'genai_provider q { dialect openai; pass http://127.0.0.1/v1; }';

sub refused {
    my ($block, $re) = @_;

    my ($rc, $out) = $t->nginx_t("http { $P\ngenai_model m {\n$block\n} }");

    isnt($rc, 0, "$block: refused");
    like($out, $re, "$block: why");
    like($out, qr/\[emerg\].* in \S+\.conf:\d+$/m, "$block: where");
    unlike($out, qr/signal|Sanitizer|runtime error/, "$block: no crash");
}

for my $name (qw(model messages n stream stream_options Model STREAM)) {
    my $re = qr/"\w+" cannot change "\Q$name\E", which the gateway itself/;

    refused("target p; set p $name 1;", $re);
    refused("target p; drop p $name;", $re);
}

refused("target p; $_", qr/has no target "q"/)
    for 'set q a 1;', 'drop q a;', 'target p name=x; drop q a;';
refused('target p name=x; set p a 1;', qr/has no target "p"/);
refused('target p; set p "" 1;', qr/needs the name of a member/);
refused('target p; drop p "";', qr/needs the name of a member/);
refused("target p; set p a '$_';", qr/looks like JSON and is not: .* at byte/)
    for '{a:1}', '[1', '{"a":1}}', '["a",]', '"a', '{"a":01}', '[1] [2]';
refused("target p; $_", qr/invalid number of arguments in "(?:set|drop)"/)
    for 'set p a;', 'set p;', 'set p a 1 2;', 'drop p;', 'drop p a 1;';

for my $block ('set p a 1; target p;', 'target p; target q; drop q n_probs;',
               'target p name=x; target p name=y; set y a 1; drop x a;',
               'target p; set p max_tokens 4096; set p messages2 x;',
               'target p; set p messages.x 1; set p "é ß" 1;')
{
    my ($rc, $out) = $t->nginx_t("http { $P genai_model m { $block } }");

    is($rc, 0, "$block: good") or diag($out);
}


done_testing;
