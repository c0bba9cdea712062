# SPDX-License-Identifier: Apache-2.0

# What a count is to each target: its model's factors, of prompts and of
# answers, and what they are learned from; its window, with what the answer
# may take of it; and whose vocabulary counts.

use strict;
use warnings;

use lib 't/lib';

use Cwd qw(getcwd);
use File::Temp ();
use JSON::PP ();

use GenAI::Test;
use GenAI::Upstream;

my $data = getcwd() . '/build/data';

plan(skip_all => "no vocabularies in $data: run \"make data\" first")
    unless -e "$data/o200k_base.vocab" && -e "$data/cl100k_base.vocab";

my $said = join ' ', map { "Sentence $_ is one of many." } 1 .. 40;
my $text = join ' ', map { "Line $_ of a long prompt." } 1 .. 60;

# "user" says what is told: prompt and completion tokens

my $up = GenAI::Upstream->new(lossy => 1, route => sub {
    my ($r) = @_;
    my $do = JSON::PP::decode_json($r->{body})->{user} // '';
    my ($prompt, $completion) = split ' ', $do;

    return [ [ json => 200, { uri => $r->{uri}, choices => [ { index => 0,
        message => { role => 'assistant', content => $said },
        finish_reason => 'stop' } ],
        $prompt ? (usage => { prompt_tokens => JSON::PP->new->allow_nonref
                                  ->decode($prompt),
                              completion_tokens => $completion + 0 })
                : () } ] ];
});

my $dir = File::Temp->newdir;

# 7 tokens stand around a message
my $frame = '"framing":"openai"';

chmod 0755, $dir;
symlink "$data/$_.vocab", "$dir/$_.vocab" for qw(o200k_base cl100k_base);

spew("$dir/models.json", qq({"schema":1,"models":{
"plain":{"tokenizer":"o200k_base","context":1000,$frame},
"twice*":{"tokenizer":"o200k_base","factor":[2,3],$frame},
"thrice":{"tokenizer":"o200k_base","factor":[2,3],$frame},
"same":{"tokenizer":"o200k_base","factor":[2,3],$frame},
"learnt":{"tokenizer":"o200k_base","factor":[1.5,2],$frame},
"lost":{"tokenizer":"none_such","fallback":["o200k_base",4,5],$frame},
"small":{"tokenizer":"o200k_base","context":107,$frame},
"large":{"tokenizer":"o200k_base","context":207,$frame},
"pat*":{"tokenizer":"o200k_base","context":107,$frame},
"guess":{"tokenizer":"o200k_base","context":107,"factor":[1,2],$frame},
"embed":{"tokenizer":"o200k_base","context":100,"kind":"embedding",$frame}}}));

my $t = GenAI::Test->new->conf(<<'EOF_CONF', DIR => $dir, UP => $up->port)
http {
    log_format j '$genai_prompt_tokens $genai_completion_tokens '
        '$genai_count_source $genai_counted_tokens $genai_target';
    access_log %%TESTDIR%%/j.log j;
    client_max_body_size 8m;

    genai_catalog %%DIR%%/models.json;

    genai_provider p { dialect openai; pass http://127.0.0.1:%%UP%%/p; }
    genai_provider q { dialect openai; pass http://127.0.0.1:%%UP%%/q; }
    genai_provider dead { dialect openai; pass http://127.0.0.1:1; }

    genai_model plain  { target p; }
    genai_model twice-x { target p; }
    genai_model lost   { target p; }
    genai_model learnt { target p; }
    genai_model alike  { target dead model=thrice; target q model=same; }
    genai_model small  { target p; }
    genai_model embed  { target p; }
    genai_model pat*   { target p; }
    genai_model both   { target p model=small; target q model=large; }
    genai_model either { target p model=pat-own; target q model=large; }
    genai_model capped { target p model=small; set p max_tokens 10; }
    genai_model open   { target p model=small; drop p max_tokens; }
    genai_model down   { target p model=large down;
                         target q model=small; }
    genai_model ours   { target p model=twice tokenizer=cl100k_base; }
    genai_model ours-unknown { target p tokenizer=cl100k_base; }
    genai_model guess  { target p; }

    server {
        listen 127.0.0.1:%%PORT_0%%;
        genai_auth off;
        location /v1/     { genai_pass; }
        location /metrics { genai_metrics; access_log off; }
    }
}
EOF_CONF
    ->run;

my $n = 0;

sub ask {
    my ($model, $content, %more) = @_;
    my ($line, $r);

    $r = $t->post('/v1/chat/completions', { model => $model, messages =>
        [ { role => 'user', content => $content } ], %more });

    wait_for(sub {
        defined($line = ($t->access_log('j.log') =~ /^(.*)\n/mg)[$n]);
    });

    $n++;

    return ($line, $r);
}

sub counted { return (ask(@_))[0] }

sub metric {
    my ($name, $labels) = @_;

    return ($t->get('/metrics')->body
            =~ /^\Q$name\E\{[^}]*\Q$labels\E[^}]*\} (\S+)$/m)[0];
}


# ---- an answer has the model's factor, too

my ($prompt, $answer) = split ' ', counted('plain', $text);

cmp_ok($answer, '>', 200, 'an answer of some length');
is(counted('twice-x', $text), join(' ', 2 * $prompt, 2 * $answer,
   'estimated', 2 * $prompt, 'p'), 'of a model with a factor');
is(counted('lost', $text), join(' ', 4 * $prompt, 4 * $answer, 'estimated',
   4 * $prompt, 'p'), 'of one whose vocabulary is not there');

# the provider is believed, and ours stands beside it

is(counted('plain', $text, user => '77 5'), "77 5 provider $prompt p",
   'our count beside the provider\'s');


# ---- what is learned from

sub learn { return counted('learnt', @_) }

learn($text, user => join ' ', int 2 * $prompt, int 1.2 * $answer)
    for 1 .. 40;

my $of = 'model="learnt",tokenizer="o200k_base",part=';

cmp_ok(metric('genai_token_factor', "$of\"prompt\""), '>', 1.8,
       'the factor of prompts');
cmp_ok(metric('genai_token_factor', "$of\"completion\""), '<', 1.35,
       'and that of answers');

my ($p, $c) = split ' ', learn($text);

cmp_ok($p, '>', 1.8 * $prompt, 'both are applied: to a prompt');
cmp_ok($c, '<', 1.35 * $answer, 'and to an answer');

my @was = map { metric('genai_token_factor', "$of\"$_\"") }
    qw(prompt completion);
my %seen = map { $_ => metric('genai_token_factor_seen_total',
                              "part=\"prompt\",result=\"$_\"") }
    qw(learned unsure strange short);

is($seen{learned}, 40, 'all were learned from');

# an image whose size nobody knows, a part that is not known; tools are, and
# no such ratio of theirs is

my @parts = ({ type => 'text', text => $text });

learn($_, user => '5000 5')
    for [ @parts, { type => 'image_url',
                    image_url => { url => 'https://x.example/y.png' } } ],
        [ @parts, { type => 'none_such', text => 'x' } ];
learn($text, user => '5000 5', tools => [ { type => 'function', function =>
      { name => 'f', parameters => { type => 'object' } } } ]);

# what cannot be, and what is too short

learn($text, user => '100000 5');
learn('x', user => '2 5');

is(join(' ', map { metric('genai_token_factor_seen_total',
                          "part=\"prompt\",result=\"$_\"") - $seen{$_} }
                 qw(learned unsure strange short)), '0 2 2 1',
   'what is a guess, strange or short is not');
is(metric('genai_token_factor', "$of\"prompt\""), $was[0],
   'the factor is as it was');

# one request, however large, is worth no more than another

learn("$text " x 50, user => join ' ', 50 * $prompt, $answer);
cmp_ok(metric('genai_token_factor', "$of\"prompt\""), '>', 1.7,
       'a large one moves it little');


# ---- targets that count alike are not the same

(my $line) = ask('alike', $text, user => join ' ', 4 * $prompt, 3 * $answer);

like($line, qr/ q$/, 'the second one has answered');
is(metric('genai_token_factor_seen_total',
          'part="prompt",result="learned"'), 42, 'it was learned from');
cmp_ok(metric('genai_token_factor', 'model="same",tokenizer="o200k_base",'
              . 'part="prompt"'), '>', 2.1, 'of the one that has answered');
is(metric('genai_token_factor', 'model="thrice",tokenizer="o200k_base",'
          . 'part="prompt"'), '2.000000', 'and not of the other');
ok(defined metric('genai_token_factor', 'model="twice*",'),
   'a pattern has its asterisk');
is(metric('genai_count_compared_total',
          'model="plain",part="prompt",source="exact",result="less"'), 0,
   'differences have a model');
is(metric('genai_count_compared_total',
          'model="plain",part="prompt",source="exact",result="more"'), 1,
   'that they are of');


# ---- what is told need not be counted, but now and then it is

sub compared {
    my $sum = 0;

    $sum += $_ for $t->get('/metrics')->body
        =~ /^genai_count_compared_total\{model="plain",part="completion",
            [^}]*\}\ (\d+)$/mgx;

    return $sum;
}

my $compared = compared();
my @told = map { counted('plain', $text, user => "$prompt $answer") } 1 .. 32;

is_deeply(\@told, [ ("$prompt $answer provider $prompt p") x 32 ],
          'the provider is believed');
is(compared() - $compared, 2, 'and compared with one time in 16');
is(counted('plain', $text), "$prompt $answer estimated $prompt p",
   'what it does not tell is counted');


# ---- an absurd usage

is(counted('plain', $text, user => "9223372036854775807 $answer"),
   "$prompt $answer exact $prompt p", 'a usage that cannot be');
is(counted('plain', $text, user => '4294967295 3'),
   "$prompt 3 exact $prompt p", 'nor can a part of it');


# ---- a window, and what is asked for

my $fifty = ' hello' x 50;

sub refused {
    my ($what, $want, @ask) = @_;

    my ($l, $r) = ask(@ask);

    is($r->status, 400, $what);
    is($r->json->{error}{code}, 'context_length_exceeded', "$what: the code");
    like($r->json->{error}{message}, $want, "$what: the numbers");
}

sub sent {
    my ($what, $to, @ask) = @_;

    is((ask(@ask))[1]->json->{uri}, "/$to/chat/completions", $what);
}

sent('all of a window', 'p', 'small', $fifty, max_tokens => 50);
refused('more than a window', qr/\b107 tokens\b.*\b57\b.*\b51 more\b/,
        'small', $fifty, max_tokens => 51);
refused('by the other name', qr/\b2147483647 more\b/, 'small',
        $fifty, max_completion_tokens => 2147483647);
sent('another target has a larger one', 'q', 'both', $fifty,
     max_tokens => 51);
refused('or has not', qr/\b207 tokens\b.*\b57\b.*\b151 more\b/, 'both',
        $fifty, max_tokens => 151);
sent('what the target is asked for counts', 'p', 'capped', $fifty,
     max_tokens => 90);
sent('also where that is nothing', 'p', 'open', $fifty, max_tokens => 90);
sent('an estimate refuses nothing', 'p', 'guess', $fifty, max_tokens => 90);
refused('a target that is down has no window', qr/\b107 tokens\b/, 'down',
        ' hello' x 120);

is($t->post('/v1/embeddings', { model => 'embed', input => $fifty,
                                max_tokens => 90 })->status, 200,
   'a vector is no token');
$n++;


# each of several inputs has the window for itself

for my $case ([ 200, (50) x 9 ], [ 400, 50, 120, 50 ]) {
    my ($status, @tokens) = @$case;

    is($t->post('/v1/embeddings', { model => 'embed',
           input => [ map { ' hello' x $_ } @tokens ] })->status, $status,
       "inputs of @tokens tokens");
    $n++;
}


# ---- windows of patterns

refused('a date is no other model', qr/\b107 tokens\b.*\b127 tokens\b/,
        'pat-2024-08-06', ' hello' x 120);
refused('nor is nothing', qr/\b107 tokens\b.*\b127 tokens\b/, 'pat',
        ' hello' x 120);
sent('an own name may be another one', 'p', 'pat-own', ' hello' x 120);
like($t->error_log, qr/\[warn\].*127 tokens.*107.*"pat\*".*"pat-own"/,
     'which is told');
sent('where another target has a window it is asked', 'q', 'either',
     ' hello' x 120);
sent('and where none has, the one that may be', 'p', 'either',
     ' hello' x 220);


# ---- a vocabulary of the target's own

my $chinese = "\x{4f60}\x{597d}\x{4e16}\x{754c}" x 20;
my ($o200k) = counted('plain', $chinese) =~ /^(\d+)/;

like(counted('ours', $chinese, user => '4294967295 5'),
     qr/^(?!$o200k )\d+ 5 exact /,
     'a target\'s own vocabulary: exact, no factor');
is((counted('ours-unknown', $chinese) =~ /^(\d+)/)[0],
   (counted('ours', $chinese) =~ /^(\d+)/)[0] - 7,
   'also of a model that nobody knows, without what stands around it');

done_testing();
