// SPDX-License-Identifier: Apache-2.0
//
// What the SDK of a dialect makes of answers: node recorded.js DIALECT.  Each
// line of the standard input is a job, {"model", "stream"}; each line of the
// output is what was understood, in words that all dialects have in common:
//
//   {"model", "stream", "text", "reasoning", "refusal", "calls", "finish",
//    "usage", "error", "odd"}
//
// What a stream says twice must be the same both times; "odd" tells where it
// is not.  BASE_URL is the gateway's, without a path.

'use strict';

const readline = require('node:readline');

const { BASE_URL } = process.env;

const KEY = 'sk-client-0123456789';
const ASK = 'What is it?';
const LIMIT = 1000;
const AT_ONCE = 8;


function answer() {
    return { text: '', reasoning: '', refusal: '', calls: [], finish: null,
             usage: null, error: null, odd: [] };
}


// ---- openai

function openaiClient() {
    const OpenAI = require('openai');

    return new OpenAI({ baseURL: BASE_URL + '/v1', apiKey: KEY,
                        maxRetries: 0, timeout: 30000 });
}

function openaiUsage(u) {
    return u && {
        input: u.prompt_tokens, output: u.completion_tokens,
        total: u.total_tokens,
        cached: u.prompt_tokens_details?.cached_tokens ?? null,
        thought: u.completion_tokens_details?.reasoning_tokens ?? null,
    };
}

async function openai(client, model, stream) {
    const a = answer();
    const ask = { model, messages: [{ role: 'user', content: ASK }],
                  max_tokens: LIMIT };
    let r, reasoning = '', text = '', usage = null;

    if (stream) {
        const s = client.chat.completions.stream({ ...ask,
            stream_options: { include_usage: true } });

        s.on('error', () => {});

        for await (const chunk of s) {
            const choice = chunk.choices.find((c) => c.index === 0);

            if (chunk.object !== 'chat.completion.chunk')
                a.odd.push(`object ${chunk.object}`);

            text += choice?.delta.content ?? '';
            reasoning += choice?.delta.reasoning_content
                ?? choice?.delta.reasoning ?? '';
            usage = chunk.usage ?? usage;
        }

        r = await s.finalChatCompletion();

    } else {
        r = await client.chat.completions.create(ask);
        usage = r.usage;
    }

    const { message, finish_reason } = r.choices[0];

    a.text = message.content ?? '';
    a.refusal = message.refusal ?? '';
    a.reasoning = stream ? reasoning
        : message.reasoning_content ?? message.reasoning ?? '';
    a.calls = (message.tool_calls ?? []).map((c) => ({
        id: c.id, name: c.function.name, args: c.function.arguments }));
    a.finish = finish_reason;
    a.usage = openaiUsage(usage);

    if (stream && text !== a.text)
        a.odd.push('the text of the pieces');

    return a;
}


// ---- responses

async function responses(client, model, stream) {
    const a = answer();
    const ask = { model, input: ASK, max_output_tokens: LIMIT };
    const seen = { text: '', reasoning: '', refusal: '', args: {} };
    let r, last = -1;

    if (stream) {
        const s = client.responses.stream(ask);

        for await (const e of s) {
            if (e.sequence_number !== last + 1)
                a.odd.push(`event ${e.sequence_number} behind ${last}`);

            last = e.sequence_number;

            switch (e.type) {
            case 'response.output_text.delta':
                seen.text += e.delta;
                break;
            case 'response.reasoning_summary_text.delta':
            case 'response.reasoning_text.delta':
                seen.reasoning += e.delta;
                break;
            case 'response.refusal.delta':
                seen.refusal += e.delta;
                break;
            case 'response.function_call_arguments.delta':
                seen.args[e.output_index] =
                    (seen.args[e.output_index] ?? '') + e.delta;
                break;
            case 'response.failed':
                r = e.response;
                break;
            case 'error':
                a.error = { class: null, status: null, type: e.code,
                            message: e.message };
                return a;
            }
        }

        r = r ?? await s.finalResponse();

    } else {
        r = await client.responses.create(ask);
    }

    r.output.forEach((item, i) => {
        switch (item.type) {
        case 'message':
            for (const part of item.content) {
                a.text += part.text ?? '';
                a.refusal += part.refusal ?? '';
            }
            break;
        case 'reasoning':
            for (const part of [...item.summary, ...item.content ?? []])
                a.reasoning += part.text;
            break;
        case 'function_call':
            a.calls.push({ id: item.call_id, name: item.name,
                           args: item.arguments });

            if (stream && (seen.args[i] ?? '') !== item.arguments)
                a.odd.push(`the pieces of arguments ${i}`);
            break;
        }
    });

    if (stream) {
        for (const name of ['text', 'reasoning', 'refusal']) {
            if (seen[name] !== a[name])
                a.odd.push(`the pieces of ${name}`);
        }

        if (r.output_text !== undefined && r.output_text !== a.text)
            a.odd.push('output_text');
    }

    a.finish = r.incomplete_details?.reason ?? r.status;
    a.usage = r.usage && {
        input: r.usage.input_tokens, output: r.usage.output_tokens,
        total: r.usage.total_tokens,
        cached: r.usage.input_tokens_details.cached_tokens,
        thought: r.usage.output_tokens_details.reasoning_tokens,
    };

    if (r.error) {
        a.error = { class: null, status: null, type: r.error.code,
                    message: r.error.message };
    }

    return a;
}


// ---- anthropic

function anthropicClient() {
    const Anthropic = require('@anthropic-ai/sdk');

    return new Anthropic({ baseURL: BASE_URL, apiKey: KEY, authToken: null,
                           maxRetries: 0, timeout: 30000 });
}

async function anthropic(client, model, stream) {
    const a = answer();
    const ask = { model, messages: [{ role: 'user', content: ASK }],
                  max_tokens: LIMIT };
    let r, open = null, next = 0, started = 0, stopped = 0;

    if (stream) {
        const s = client.messages.stream(ask);

        for await (const e of s) {
            switch (e.type) {
            case 'message_start':
                started++;
                if (!(e.message.usage.input_tokens >= 0))
                    a.odd.push('the usage of message_start');
                break;
            case 'content_block_start':
                if (open !== null || e.index !== next)
                    a.odd.push(`block ${e.index} in ${open}`);
                open = next++;
                break;
            case 'content_block_delta':
                if (e.index !== open)
                    a.odd.push(`a piece of ${e.index} in ${open}`);
                break;
            case 'content_block_stop':
                if (e.index !== open)
                    a.odd.push(`the end of ${e.index} in ${open}`);
                open = null;
                break;
            case 'message_stop':
                stopped++;
                break;
            }
        }

        if (started !== 1 || stopped !== 1 || open !== null)
            a.odd.push(`${started} starts, ${stopped} stops, open ${open}`);

        r = await s.finalMessage();

    } else {
        r = await client.messages.create(ask);
    }

    for (const block of r.content) {
        switch (block.type) {
        case 'text':
            a.text += block.text;
            break;
        case 'thinking':
            a.reasoning += block.thinking;
            break;
        case 'tool_use':
            a.calls.push({ id: block.id, name: block.name,
                           args: JSON.stringify(block.input) });
            break;
        }
    }

    a.finish = r.stop_reason;
    a.usage = {
        input: r.usage.input_tokens, output: r.usage.output_tokens,
        cached: r.usage.cache_read_input_tokens ?? null,
        written: r.usage.cache_creation_input_tokens ?? null,
    };

    return a;
}


// ---- gemini

function geminiClient() {
    const { GoogleGenAI } = require('@google/genai');

    return new GoogleGenAI({ apiKey: KEY, httpOptions: {
        baseUrl: BASE_URL, timeout: 30000 } });
}

async function gemini(client, model, stream) {
    const a = answer();
    const ask = { model, contents: ASK, config: { maxOutputTokens: LIMIT } };

    const chunks = stream ? await client.models.generateContentStream(ask)
        : [await client.models.generateContent(ask)];

    for await (const chunk of chunks) {
        const choice = chunk.candidates?.find((c) => !c.index);
        const blocked = chunk.promptFeedback?.blockReason;
        const u = chunk.usageMetadata;

        for (const part of choice?.content?.parts ?? []) {
            if (part.functionCall) {
                a.calls.push({ id: part.functionCall.id,
                    name: part.functionCall.name,
                    args: JSON.stringify(part.functionCall.args ?? {}) });

            } else {
                a[part.thought ? 'reasoning' : 'text'] += part.text ?? '';
            }
        }

        a.finish = choice?.finishReason ?? blocked ?? a.finish;
        a.usage = u ? {
            input: (u.promptTokenCount ?? 0)
                + (u.toolUsePromptTokenCount ?? 0),
            output: (u.candidatesTokenCount ?? 0)
                + (u.thoughtsTokenCount ?? 0),
            total: u.totalTokenCount ?? 0,
            cached: u.cachedContentTokenCount ?? null,
            thought: u.thoughtsTokenCount ?? 0,
        } : a.usage;
    }

    return a;
}

function geminiError(e) {
    try {
        const { error } = JSON.parse(e.message);

        return { type: error.status, message: error.message };

    } catch {
        return { type: null, message: e.message };
    }
}


// ---- bedrock

function bedrockClient() {
    const { BedrockRuntimeClient } = require('@aws-sdk/client-bedrock-runtime');
    const { NodeHttpHandler } = require('@smithy/node-http-handler');

    return new BedrockRuntimeClient({ region: 'us-east-1', endpoint: BASE_URL,
        maxAttempts: 1, requestHandler: new NodeHttpHandler(),
        credentials: { accessKeyId: KEY, secretAccessKey: KEY } });
}

async function bedrock(client, model, stream) {
    const { ConverseCommand, ConverseStreamCommand }
        = require('@aws-sdk/client-bedrock-runtime');
    const a = answer();
    const ask = { modelId: model, inferenceConfig: { maxTokens: LIMIT },
                  messages: [{ role: 'user', content: [{ text: ASK }] }] };
    let usage;

    if (stream) {
        const r = await client.send(new ConverseStreamCommand(ask));

        for await (const e of r.stream) {
            const call = e.contentBlockStart?.start?.toolUse;
            const delta = e.contentBlockDelta?.delta;

            if (call)
                a.calls.push({ id: call.toolUseId, name: call.name,
                               args: '' });

            a.text += delta?.text ?? '';
            a.reasoning += delta?.reasoningContent?.text ?? '';

            if (delta?.toolUse)
                a.calls[a.calls.length - 1].args += delta.toolUse.input;

            a.finish = e.messageStop?.stopReason ?? a.finish;
            usage = e.metadata?.usage ?? usage;
        }

    } else {
        const r = await client.send(new ConverseCommand(ask));

        for (const block of r.output.message.content) {
            a.text += block.text ?? '';
            a.reasoning += block.reasoningContent?.reasoningText?.text ?? '';

            if (block.toolUse)
                a.calls.push({ id: block.toolUse.toolUseId,
                               name: block.toolUse.name,
                               args: JSON.stringify(block.toolUse.input) });
        }

        a.finish = r.stopReason;
        usage = r.usage;
    }

    a.usage = usage && {
        input: usage.inputTokens, output: usage.outputTokens,
        cached: usage.cacheReadInputTokens ?? null,
        written: usage.cacheWriteInputTokens ?? null,
    };

    return a;
}


const dialects = {
    openai: [openaiClient, openai],
    responses: [openaiClient, responses],
    anthropic: [anthropicClient, anthropic,
                (e) => ({ type: e.type ?? e.error?.error?.type ?? null,
                          message: e.error?.error?.message ?? e.message })],
    gemini: [geminiClient, gemini, geminiError],
    bedrock: [bedrockClient, bedrock,
              (e) => ({ status: e.$metadata?.httpStatusCode ?? null,
                        type: e.name, message: e.message })],
};


async function main() {
    const [make, run, read] = dialects[process.argv[2]];
    const client = make();
    const jobs = [];

    for await (const line of readline.createInterface({
        input: process.stdin }))
        jobs.push(JSON.parse(line));

    jobs.reverse();

    async function work() {
        for (let job; (job = jobs.pop()); ) {
            let a;

            try {
                a = await run(client, job.model, job.stream);

            } catch (e) {
                a = answer();
                a.error = { class: e.constructor.name,
                            status: e.status ?? null,
                            ...read ? read(e) : { type: e.type ?? null,
                                message: e.error?.message ?? e.message } };
            }

            console.log(JSON.stringify({ ...job, ...a }));
        }
    }

    await Promise.all(Array.from({ length: AT_ONCE }, work));
}

main();
