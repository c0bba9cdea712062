# SPDX-License-Identifier: Apache-2.0

# Tokens are counted before a request leaves, and while its answer comes: what
# the provider does not tell is known all the same.

use strict;
use warnings;

use lib 't/lib';

use Cwd qw(getcwd);
use JSON::PP ();

use GenAI::Test;
use GenAI::Upstream;

my $data = getcwd() . '/build/data';

plan(skip_all => "no vocabularies in $data: run \"make data\" first")
    unless -e "$data/o200k_base.vocab" && -e "$data/models.json";

my $SSE = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
    . "Transfer-Encoding: chunked\r\n\r\n";

sub chunk {
    my ($text, %o) = @_;

    return { id => 'c', model => 'm', $o{usage} ? (usage => $o{usage}) : (),
        choices => [ { index => $o{index} // 0,
            delta => { defined $text ? (content => $text) : () },
            finish_reason => $o{finish} } ] };
}

sub events {
    return [ chunk => map {
        'data: ' . (ref $_ ? JSON::PP->new->canonical->encode($_) : $_)
            . "\n\n" } @_ ];
}

# 10 tokens, cut within words: Hello there, this| is| a| test|ing| stream .
my @said = map { chunk($_) } 'Hel', 'lo the', 're, th', 'is is a te', 'st.';

my %do = (
    'whole' => sub { [ events(@said, chunk(undef, finish => 'stop'),
                              '[DONE]'), 'chunk_end' ] },
    'cut' => sub { [ events(@said), 'close' ] },
    'usage' => sub { [ events(@said, chunk(undef, finish => 'stop', usage =>
        { prompt_tokens => 9, completion_tokens => 8, total_tokens => 17 }),
        '[DONE]'), 'chunk_end' ] },
    'learn' => sub { [ events(@said, chunk(undef, finish => 'stop', usage =>
        { prompt_tokens => 4000, completion_tokens => 1,
          total_tokens => 4001 }), '[DONE]'), 'chunk_end' ] },
    'wrong usage' => sub { [ events(@said, chunk(undef, finish => 'stop',
        usage => { prompt_tokens => 19, completion_tokens => 4,
                   total_tokens => 23 }), '[DONE]'), 'chunk_end' ] },
);

my $up = GenAI::Upstream->new(lossy => 1, route => sub {
    my ($r) = @_;
    my $do = JSON::PP::decode_json($r->{body})->{user} // '';

    return [ [ send => $SSE ], @{$do{$do}->()} ] if $do{$do};
    return [ [ json => 200, { choices => [ { index => 0, message =>
        { role => 'assistant', content => 'Hello there, this is a test.' },
        finish_reason => 'stop' } ] } ] ];
});

my $t = GenAI::Test->new->conf(<<'EOF_CONF', DATA => $data, UP => $up->port)
http {
    log_format j '{"tokens":"$genai_prompt_tokens $genai_completion_tokens '
        '$genai_count_source","error":"$genai_error"}';
    access_log %%TESTDIR%%/j.log j;
    client_max_body_size 8m;

    genai_catalog %%DATA%%/models.json;

    genai_provider p { dialect openai; pass http://127.0.0.1:%%UP%%/v1;
                       header x-count $genai_prompt_tokens; }
    genai_model gpt-4o { target p; }
    genai_model gpt-4  { target p; }
    genai_model strange { target p; }
    genai_model claude-sonnet-4-5 { target p; }

    server {
        listen 127.0.0.1:%%PORT_0%%;
        genai_auth off;
        location /v1/     { genai_pass; }
        location /in/     { genai on; proxy_pass http://127.0.0.1:%%UP%%; }
        location /metrics { genai_metrics; }
    }
}
EOF_CONF
    ->run;

my $n = 0;

sub line {
    my ($sub) = @_;
    my ($text, $answer);

    $answer = $sub->();

    wait_for(sub {
        defined($text = ($t->access_log('j.log') =~ /^(.*)\n/mg)[$n]);
    });

    $n++;

    return (JSON::PP::decode_json($text), $answer);
}

sub body {
    my ($do, %o) = @_;

    return { model => $o{model} // 'gpt-4o', user => $do,
             $o{json} ? () : (stream => JSON::PP::true),
             messages => [ { role => 'user', content =>
                             $o{content} // 'hello world' } ] };
}

sub check {
    my ($what, $want, @body) = @_;

    my ($j) = line(sub { $t->post('/v1/chat/completions', body(@body)) });

    is($j->{tokens}, $want, $what);
}

# what a model writes need not be what its vocabulary makes of the text

check('a stream without usage', '9 8 estimated', 'whole');
is((map { $_->[1] } grep { lc $_->[0] eq 'x-count' }
    @{$up->request(0)->{headers}})[0], 9,
   'the prompt is counted before it leaves');

check('the provider is believed', '9 8 provider', 'usage');
check('also where it says something else', '19 4 provider', 'wrong usage');
check('a JSON answer without usage', '9 8 estimated', 'json', json => 1);
check('a model that nobody knows', '2 8 estimated', 'whole',
      model => 'strange');

my ($j) = line(sub { $t->post('/v1/chat/completions', body('cut')) });
like($j->{tokens}, qr/^9 [78] /, 'a stream that was cut');

($j) = line(sub { $t->post('/in/chat/completions', body('whole')) });
is($j->{tokens}, '9 8 estimated', 'inline');


# a request that no model can read

my ($large, $answer) = line(sub {
    $t->post('/v1/chat/completions', body('whole', model => 'gpt-4',
                                          content => 'hello ' x 9000));
});

is($answer->status, 400, 'a request above the window is refused');
is($answer->json->{error}{code}, 'context_length_exceeded', 'its code');
like($answer->json->{error}{message}, qr/\b8192 tokens\b.*\b9\d\d\d\b/,
     'with the numbers');
is($large->{error}, 'caller_bad_request', 'its word');
is($large->{tokens}, '0 0 none', 'it has used nothing');


# escapes, and a text that was counted before

my $text = join ' ', map { "\"line $_\"\n\\ \x{1f600}" } 1 .. 200;

check('with escapes', (my $first = do {
    my ($l) = line(sub { $t->post('/v1/chat/completions',
                                  body('whole', content => $text)) });
    $l->{tokens};
}), 'whole', content => $text);
like($first, qr/^\d{4} 8 estimated$/, 'a count of some thousands');

# a vocabulary that nobody has: what a provider tells is learned from

for my $known (0 .. 1) {
    my ($l) = line(sub { $t->post('/v1/chat/completions',
        body('learn', model => 'claude-sonnet-4-5', content => $text)) });
    is($l->{tokens}, '4000 1 provider', 'the provider is believed');
}

my ($guess) = line(sub { $t->post('/v1/chat/completions',
    body('whole', model => 'claude-sonnet-4-5', content => $text)) });
cmp_ok((split ' ', $guess->{tokens})[0], '>', 2000, 'and learned from');

my $metrics = $t->get('/metrics')->body;

my $of = 'model="claude-sonnet-4\*",tokenizer="o200k_base"';

like($metrics, qr/^genai_token_factor\{$of,part="prompt"\} 1\.[45]\d{5}$/m,
     'the factor of a model');
like($metrics, qr/^genai_token_factor_bound\{$of,part="prompt"\} 2\.[89]/m,
     'and its bound');
like($metrics, qr/^genai_token_factor\{$of,part="completion"\} 1\.170000$/m,
     'nothing was learned of a short answer');
like($metrics, qr/^genai_token_factor_seen_total\{part="completion",
                  result="short"\}\ 2$/mx, 'and that is told');

like($metrics, qr/^genai_count_bytes_total\{from="known"\} [1-9]\d+$/m,
     'the second time it was known');
like($metrics, qr/^genai_count_compared_total\{model="gpt-4o",
                  part="prompt",source="exact",
                  result="equal"\}\ 1$/mx, 'once equal');
like($metrics, qr/^genai_count_compared_total\{model="gpt-4o",
                  part="prompt",source="exact",
                  result="less"\}\ 1$/mx, 'once less');

done_testing();
