# SPDX-License-Identifier: Apache-2.0

# Recorded answers of many providers, decoded: what the events say must be
# what a client of that provider ends with, and must not depend on how the
# body was cut.  The recordings are no part of the project.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use File::Path qw(make_path);
use JSON::PP ();
use Test::More;

my $ROOT = abs_path(dirname(__FILE__) . '/..');
my $DATA = $ENV{GENAI_FIXTURES} || "$ROOT/../shared/data/fixtures";
my $BUILD = "$ROOT/build/unit";

plan skip_all => "no recorded answers at $DATA" unless -d $DATA;

my @providers = qw(anthropic gemini vertex openai azure-openai azure-foundry
                   deepseek gpustack groq mistral ollama openrouter
                   perplexity together vllm other bedrock-mantle writer
                   bedrock);

my %dialect = (anthropic => 'anthropic', gemini => 'gemini',
               vertex => 'gemini', bedrock => 'bedrock');

my @dialects = qw(openai anthropic gemini bedrock);

# Where a recording and what is expected of it are not the same on purpose.

my %differs = (
    # no dialect of OpenAI's: {"value":"..."} in every chunk
    'writer.completions/openllmetry--test_completions--'
        . 'test_writer_async_streaming_completions_legacy--0' => 'alien',

    # what is cited is said, who recorded it wrote down the rest alone
    (map { ('bedrock.converse/ruby_llm--vcr_cassettes--chat_citations_with_'
            . "bedrock_claude-haiku-4-5_$_" => 'cited') }
     qw(cites_pdf_documents_with_--0 cites_text_documents_in_r--0
        cites_tool_results_return--1)),

    # a tool that the provider has run: no call of a client's
    (map { ("bedrock.$_" => 'server') }
     'converse/ruby_llm--vcr_cassettes--chat_web_search_with_bedrock_amazon_'
        . 'nova-2-lite-v1_0_grounds_the_answe--0',
     'converse-stream/ruby_llm--vcr_cassettes--chat_web_search_with_bedrock_'
        . 'amazon_nova-2-lite-v1_0_streams_grounded_--0'),
);


# The program, with sanitizers where the compiler has them.

my $core = "$ROOT/ngx_http_genai_module/core";
my $cc = $ENV{CC} || 'cc';

make_path($BUILD);

my @sources = map { "$core/genai_$_.c" }
    qw(openai_answer openai_answer_hold openai_value openai_encode
       openai_whole anthropic_answer anthropic_value anthropic_gather
       anthropic_encode anthropic_whole
       gemini_answer gemini_hold gemini_value gemini_encode gemini_whole
       bedrock_answer bedrock_value bedrock_encode bedrock_whole
       sse eventstream crc32 gather mark push push_number push_string writer
       text tape arena answer answer_frame);

for my $dialect (@dialects) {
    my $failed = 1;

    for my $flags ('-g -O1 -fsanitize=address,undefined '
                   . '-fno-sanitize-recover=undefined', '-g -O1')
    {
        $failed = system("$cc $flags -W -Wall -Wno-unused-parameter "
                         . ($dialect eq 'openai'
                            ? '' : "-DANSWER_\U$dialect\E=1 ")
                         . "-I $core -I $ROOT/t/unit "
                         . "-o $BUILD/fixtures-$dialect "
                         . "$ROOT/t/unit/fixtures.c @sources "
                         . "2>$BUILD/fixtures.log");
        last unless $failed;
    }

    if ($failed) {
        fail("the decoder of $dialect compiles");
        diag(`cat $BUILD/fixtures.log`);
        done_testing();
        exit;
    }
}


my (%meta, @list);

for my $provider (@providers) {
    for my $dir (map { "$DATA/$provider.$_" } qw(chat completions messages
                                             generateContent
                                             streamGenerateContent
                                             converse converse-stream)) {
        for my $path (sort glob "$dir/*.meta.json") {
            my $base = $path =~ s/\.meta\.json$//r;
            my ($body) = grep { -f } map { "$base.response.$_" }
                                     qw(sse bin json);

            next unless $body;

            my $json = do {
                open my $fh, '<', $path or die "$path: $!";
                local $/;
                <$fh>;
            };

            $meta{$body} = JSON::PP->new->utf8->decode($json);
            $meta{$body}{tool_prompt} = tool_prompt($body)
                if ($dialect{$provider} // '') eq 'gemini';
            push @list, [ $provider, $body ];
        }
    }
}

my %got;

for my $dialect (@dialects) {
    open my $fh, '>', "$BUILD/fixtures.list" or die "fixtures.list: $!";

    print $fh $_->[1] =~ /\.json$/ ? 'json' : 'stream', " $_->[1]\n"
        for grep { ($dialect{$_->[0]} || 'openai') eq $dialect } @list;
    close $fh;

    for my $line (`$BUILD/fixtures-$dialect <$BUILD/fixtures.list`) {
        my $one = JSON::PP->new->utf8->decode($line);
        $got{$one->{path}} = $one;
    }

    is($?, 0, "the decoder of $dialect gets through");
}


my %count;

for (@list) {
    my ($provider, $body) = @$_;
    my ($meta, $got) = ($meta{$body}, $got{$body});
    my $name = basename(dirname($body)) . '/'
        . (basename($body) =~ s/\.response\.(?:sse|bin|json)$//r);

    my @wrong = $got ? wrong($meta, $got, $differs{$name} || '')
                     : 'nothing was decoded';

    $count{$provider}{$body =~ /\.json$/ ? 'whole' : 'streams'}++;
    $count{$provider}{wrong} += @wrong ? 1 : 0;

    diag("$name: $_") for @wrong;
}

my %all;

for my $provider (@providers) {
    my $c = $count{$provider} || {};

    $all{$_} += $c->{$_} || 0 for qw(whole streams);

    ok(($c->{whole} || $c->{streams}) && !$c->{wrong},
       sprintf '%s: %u whole answers, %u streams', $provider,
               $c->{whole} || 0, $c->{streams} || 0);
}

note(sprintf '%u whole answers and %u streams', @all{qw(whole streams)});

done_testing();


# What is wrong, as texts.

sub wrong {
    my ($meta, $got, $differs) = @_;

    my $want = $meta->{expected};
    my @wrong;

    my $same = sub {
        my ($what, $got, $want) = @_;

        return if ($got // '') eq ($want // '');

        push @wrong, sprintf "%s is '%s', expected '%s'", $what,
            map { length > 120 ? substr($_, 0, 120) . '...' : $_ }
            map { $_ // '' } $got, $want;
    };

    $same->('text', $got->{text}, $want->{text}) if $differs ne 'cited';
    $want->{tool_calls} = [] if $differs eq 'server';

    $same->('refusal', $got->{refusal}, $want->{refusal});
    $same->('finish', $got->{finish}, $want->{finish});

    # not all who recorded wrote down what was thought

    $same->('reasoning', $got->{reasoning}, $want->{reasoning})
        if exists $want->{reasoning};

    # Anthropic and AWS count what is cached beside the rest, and a call's
    # arguments are an object

    my $messages = $meta->{endpoint} =~ /^(?:messages|converse.*)$/;

    if ($messages) {
        $got->{usage}{input} -= $got->{usage}{cache_write}
            + ($got->{usage}{cached_input} > 0
               ? $got->{usage}{cached_input} : 0) if $got->{usage};

        $same->('usage cache_write', $got->{usage}{cache_write},
                $want->{usage}{cache_write})
            if exists $want->{usage} && exists $want->{usage}{cache_write};

        $_->{args} = canonical(JSON::PP->new->utf8(0)->decode($_->{args}))
            for @{$got->{tool_calls}};
        $_->{args} = canonical($_->{args}) for @{$want->{tool_calls} || []};
    }

    # Google counts thoughts beside the rest, and what tools of its own said,
    # and leaves out what is 0

    if ($meta->{endpoint} =~ /enerateContent$/) {
        $got->{usage}{output} -= $got->{usage}{reasoning} > 0
            ? $got->{usage}{reasoning} : 0 if $got->{usage};

        $want->{usage}{input} += $meta->{tool_prompt} if $want->{usage};

        $_->{args} = canonical(JSON::PP->new->utf8(0)->decode($_->{args}))
            for @{$got->{tool_calls}};
        $_->{args} = canonical(ref $_->{args} ? $_->{args}
                       : JSON::PP->new->utf8(0)->decode($_->{args}))
            for @{$want->{tool_calls} || []};
    }

    for my $n (qw(input output total cached_input reasoning)) {
        next unless exists $want->{usage} && exists $want->{usage}{$n};
        $same->("usage $n", $got->{usage}{$n}, $want->{usage}{$n});
    }

    push @wrong, 'usage that is not expected'
        if $got->{usage} && !$want->{usage};

    my @calls = @{$want->{tool_calls} || []};

    # the call of a function before tools were is told as one, and not
    # written down

    @calls = { map { $_ => $got->{tool_calls}[0]{$_} } qw(name args) }
        if !@calls && ($want->{finish} // '') =~ /^(?:function_call|stop)$/
           && $got->{legacy};

    $same->('the number of tool calls', scalar @{$got->{tool_calls}},
            scalar @calls);

    for my $n (0 .. $#calls) {
        my $call = $got->{tool_calls}[$n] || {};

        $same->("tool call $n", $call->{name}, $calls[$n]{name});
        $same->("its arguments", $call->{args}, $calls[$n]{args});
    }

    if ($want->{error}) {
        local $want->{error}{type} = $want->{error}{type}
            // $want->{error}{status};

        $same->("the error's $_", $got->{$_}, $want->{error}{$_})
            for qw(message type code);

    } elsif ($meta->{status} == 200) {
        push @wrong, "an error: $got->{message}" if exists $got->{message};
        push @wrong, "broken: $got->{broken}" if length $got->{broken};
    }

    push @wrong, 'the cuts make a difference' unless $got->{same};
    push @wrong, "line $got->{bad} of answer.h" if $got->{bad};
    push @wrong, 'encoded and decoded again it is another'
        unless $got->{again} || $differs eq 'alien';

    # 0: cut, 1: clean, 2: with its last word, which of JSON is its bracket

    $same->('end', $got->{end},
            $got->{path} =~ /\.json$/ || $messages
            || (grep { $_ eq 'done_marker' } @{$meta->{features}}) ? 2 : 1)
        if $meta->{status} == 200 && $differs ne 'alien';

    return @wrong;
}


# What tools of the provider's have said, which is a part of the prompt.

sub tool_prompt {
    my ($path) = @_;

    open my $fh, '<', $path or die "$path: $!";
    local $/;

    return <$fh> =~ /.*"toolUsePromptTokenCount":\s*(\d+)/s ? $1 : 0;
}


sub canonical {
    return JSON::PP->new->canonical->encode($_[0]);
}
