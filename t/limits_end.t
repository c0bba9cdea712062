# SPDX-License-Identifier: Apache-2.0

# A stream that a limit ends goes on, to its end, as the answer that it was: of
# the provider's id and model, in each dialect that a client and its provider
# share.  t/limits_stream.t has the same of OpenAI's chat.

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
    unless -e "$data/o200k_base.vocab";

my $json = JSON::PP->new->canonical->utf8;
my $dir = File::Temp->newdir;

# every " the" is one token

symlink "$data/o200k_base.vocab", "$dir/o200k_base.vocab";
spew("$dir/models.json", $json->encode({ schema => 1, models => {
    'm-*' => { framing => 'openai', tokenizer => 'o200k_base', output => 4096,
               context => 100000 } } }));
spew("$dir/policy.json", $json->encode({ schema => 1, models => {
    map { $_ => { limits => [ '600 completion_tokens/never' ] } }
        map { "m-$_" } qw(resp claude google) } }));

sub event { return "event: $_[0]{type}\ndata: " . $json->encode($_[0])
                   . "\n\n" }

my $n = 0;
my $RESPONSE = { id => 'resp_' . '7' x 60, object => 'response',
                 model => 'their-name', status => 'in_progress',
                 output => [] };
my $ITEM = { type => 'message', id => 'msg_9', role => 'assistant',
             content => [] };

my %do = (
    resp => [ map { event({ sequence_number => $n++, %$_ }) }
        { type => 'response.created', response => $RESPONSE },
        { type => 'response.in_progress', response => $RESPONSE },
        { type => 'response.output_item.added', output_index => 0,
          item => $ITEM },
        { type => 'response.content_part.added', output_index => 0,
          item_id => 'msg_9', content_index => 0,
          part => { type => 'output_text', text => '', annotations => [] } },
        map { { type => 'response.output_text.delta', output_index => 0,
                item_id => 'msg_9', content_index => 0, delta => ' the' } }
            1 .. 900 ],
    claude => [ map { event($_) }
        { type => 'message_start', message => { id => 'msg_7',
            type => 'message', role => 'assistant', model => 'their-name',
            content => [], usage => { input_tokens => 7,
                                      output_tokens => 1 } } },
        { type => 'content_block_start', index => 0,
          content_block => { type => 'text', text => '' } },
        map { { type => 'content_block_delta', index => 0,
                delta => { type => 'text_delta', text => ' the' } } }
            1 .. 900 ],

    # who it is stands behind what is said, as Google has it

    google => [ map { 'data: {"candidates":[{"content":{"parts":[{"text":'
        . '" the"}],"role":"model"},"index":0}],"modelVersion":"their-name",'
        . '"responseId":"r7"}' . "\r\n\r\n" } 1 .. 900 ]);

my $up = GenAI::Upstream->new(lossy => 1, route => sub {
    my ($r) = @_;
    my ($do) = $r->{uri} =~ m{^/(\w+)/};

    return [ [ send => "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
               . "Transfer-Encoding: chunked\r\n\r\n" ],
             [ chunk => @{ $do{$do} } ], 'wait_close' ];
});

my $t = GenAI::Test->new->conf(<<'EOF', DIR => "$dir", UP => $up->port)->run;
http {
    genai_books books;
    genai_policy %%DIR%%/policy.json;
    genai_catalog %%DIR%%/models.json;
    genai_provider resp { dialect responses;
                          pass http://127.0.0.1:%%UP%%/resp; }
    genai_provider claude { dialect anthropic;
                            pass http://127.0.0.1:%%UP%%/claude; }
    genai_provider google { dialect gemini;
                            pass http://127.0.0.1:%%UP%%/google; }
    genai_model m-resp { target resp; }
    genai_model m-claude { target claude; }
    genai_model m-google { target google; }
    server {
        listen 127.0.0.1:%%PORT_0%%;
        location / { genai_pass; genai_auth off; }
    }
}
EOF

sub ask {
    my ($path, %body) = @_;

    my $r = $t->post($path, $json->encode(\%body));

    is($r->status, 200, "$path: begins");
    ok($r->complete, "$path: and is whole") or diag($r->error);

    return map { $json->decode($_->{data}) } $r->events;
}

# OpenAI's Responses API

my @e = ask('/v1/responses', model => 'm-resp', input => 'hi',
            stream => JSON::PP::true);
my $end = $e[-1];

is($end->{type}, 'response.incomplete', 'responses: the last word');
is($end->{response}{incomplete_details}{reason}, 'max_output_tokens',
   'responses: and why');
is($end->{response}{id}, $RESPONSE->{id}, 'responses: of the same answer');
is($end->{response}{model}, 'their-name', 'responses: of the same model');
like($end->{response}{output}[0]{content}[0]{text}, qr/^( the){500,600}\z/,
     'responses: and what it has said');

# Anthropic's

@e = ask('/v1/messages', model => 'm-claude', max_tokens => 4096,
         stream => JSON::PP::true,
         messages => [ { role => 'user', content => 'hi' } ]);

is(join(' ', map { $_->{type} } @e[-3 .. -1]),
   'content_block_stop message_delta message_stop', 'anthropic: its end');
is($e[-2]{delta}{stop_reason}, 'max_tokens', 'anthropic: and why');
is(scalar(grep { $_->{type} eq 'message_start' } @e), 1,
   'anthropic: it began once');

# Google's

@e = ask('/v1beta/models/m-google:streamGenerateContent?alt=sse',
         contents => [ { role => 'user', parts => [ { text => 'hi' } ] } ]);

is($e[-1]{candidates}[0]{finishReason}, 'MAX_TOKENS', 'gemini: why it ends');
is($e[-1]{responseId}, 'r7', 'gemini: of the same answer');
is($e[-1]{modelVersion}, 'their-name', 'gemini: of the same model');

$t->done_testing;
