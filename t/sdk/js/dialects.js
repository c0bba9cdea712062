// SPDX-License-Identifier: Apache-2.0
//
// The SDK of a dialect asks models of several providers the same:
// node dialects.js DIALECT MODEL...  Each line of the output is what came of
// a scenario, in words that all dialects have in common: {"name", "model",
// "result"}.  What must come of it is in dialects.t.
//
// BASE_URL is the gateway's, without a path; x-genai-sim tells the simulated
// provider what to say.

'use strict';

const { z } = require('zod');

const { BASE_URL } = process.env;

const KEY = 'sk-client-0123456789';
const LIMIT = 1000;

const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAC'
    + 'hwGA60e6kgAAAABJRU5ErkJggg==';

const WEATHER = {
    name: 'get_weather',
    description: 'The weather of a town',
    schema: {
        type: 'object',
        properties: {
            town: { type: 'string', enum: ['Bern'] },
            days: { type: 'integer', enum: [3] },
        },
        required: ['town', 'days'],
        additionalProperties: false,
    },
};

const LESSON = z.object({ title: z.string(), pages: z.number(),
                          steps: z.array(z.string()) });

// what the SDK takes for an answer

class Failed extends Error {}

const sim = (line) => (line ? { 'x-genai-sim': line } : {});


// A client of a dialect: turn(ask) is a user's turn of { text, image },
// results(calls, texts) what tools have said, ask() the SDK's call, which
// returns { text, thought, calls, finish, usage, turn }, turn being the
// model's, to be given back.

function openaiSdk() {
    const OpenAI = require('openai');

    return new OpenAI({ baseURL: BASE_URL + '/v1', apiKey: KEY, maxRetries: 0,
                        timeout: 20000 });
}

function openai() {
    const { zodResponseFormat } = require('openai/helpers/zod');
    const client = openaiSdk();

    function request({ model, system, turns, tools, force }) {
        return {
            model,
            max_tokens: LIMIT,
            messages: [...system ? [{ role: 'system', content: system }] : [],
                       ...turns.flat()],
            ...tools && { tools: tools.map((t) => ({ type: 'function',
                function: { name: t.name, description: t.description,
                            parameters: t.schema } })) },
            ...force && { tool_choice: 'required' },
        };
    }

    return {
        turn: ({ text, image }) => [{ role: 'user', content: image ? [
            { type: 'text', text },
            { type: 'image_url',
              image_url: { url: `data:image/png;base64,${image}` } },
        ] : text }],

        results: (calls, texts) => calls.map((c, i) => ({
            role: 'tool', tool_call_id: c.id, content: texts[i] })),

        async ask(o) {
            const ask = request(o);
            const options = { headers: sim(o.sim) };
            const r = o.stream
                ? await client.chat.completions.stream({ ...ask,
                    stream_options: { include_usage: true } }, options)
                    .finalChatCompletion()
                : await client.chat.completions.create(ask, options);
            const { message, finish_reason } = r.choices[0];

            return {
                text: message.content ?? '',
                calls: (message.tool_calls ?? []).map((c) => ({ id: c.id,
                    name: c.function.name,
                    args: JSON.parse(c.function.arguments) })),
                finish: finish_reason,
                usage: [r.usage.prompt_tokens > 0, r.usage.completion_tokens],
                turn: [message],
            };
        },

        async schema(o) {
            const r = await client.chat.completions.parse({ ...request(o),
                response_format: zodResponseFormat(LESSON, 'lesson') },
                { headers: sim(o.sim) });

            return r.choices[0].message.parsed;
        },

        models: () => client.models.list(),
    };
}

function responses() {
    const { zodTextFormat } = require('openai/helpers/zod');
    const client = openaiSdk();

    function request({ model, system, turns, tools, force }) {
        return {
            model,
            max_output_tokens: LIMIT,
            ...system && { instructions: system },
            input: turns.flat(),
            store: false,
            ...tools && { tools: tools.map((t) => ({ type: 'function',
                name: t.name, description: t.description, strict: false,
                parameters: t.schema })) },
            ...force && { tool_choice: 'required' },
        };
    }

    return {
        turn: ({ text, image }) => [{ role: 'user', content: [
            { type: 'input_text', text },
            ...image ? [{ type: 'input_image', detail: 'auto',
                          image_url: `data:image/png;base64,${image}` }] : [],
        ] }],

        results: (calls, texts) => calls.map((c, i) => ({
            type: 'function_call_output', call_id: c.id, output: texts[i] })),

        async ask(o) {
            const options = { headers: sim(o.sim) };
            const r = o.stream
                ? await client.responses.stream(request(o), options)
                    .finalResponse()
                : await client.responses.create(request(o), options);

            if (r.status === 'failed')
                throw Object.assign(new Failed(r.error.message), r.error);

            return {
                text: r.output_text,
                calls: r.output.filter((i) => i.type === 'function_call')
                    .map((i) => ({ id: i.call_id, name: i.name,
                                   args: JSON.parse(i.arguments) })),
                finish: r.incomplete_details?.reason ?? r.status,
                usage: [r.usage.input_tokens > 0, r.usage.output_tokens],
                turn: r.output,
            };
        },

        async schema(o) {
            const r = await client.responses.parse({ ...request(o),
                text: { format: zodTextFormat(LESSON, 'lesson') } },
                { headers: sim(o.sim) });

            return r.output_parsed;
        },

        count: async (o) => (await client.responses.inputTokens.count({
            model: o.model, input: o.turns.flat() })).input_tokens,

        models: () => client.models.list(),
    };
}

function anthropic() {
    const Anthropic = require('@anthropic-ai/sdk');
    const { zodOutputFormat } = require('@anthropic-ai/sdk/helpers/zod');
    const client = new Anthropic({ baseURL: BASE_URL, apiKey: KEY,
                                   authToken: null, maxRetries: 0,
                                   timeout: 20000 });

    function request({ model, system, turns, tools, force }) {
        return {
            model,
            max_tokens: LIMIT,
            ...system && { system },
            messages: turns.flat(),
            ...tools && { tools: tools.map((t) => ({ name: t.name,
                description: t.description, input_schema: t.schema })) },
            ...force && { tool_choice: { type: 'any' } },
        };
    }

    return {
        turn: ({ text, image }) => [{ role: 'user', content: [
            { type: 'text', text },
            ...image ? [{ type: 'image', source: { type: 'base64',
                media_type: 'image/png', data: image } }] : [],
        ] }],

        results: (calls, texts) => [{ role: 'user',
            content: calls.map((c, i) => ({ type: 'tool_result',
                tool_use_id: c.id, content: texts[i] })) }],

        async ask(o) {
            const options = { headers: sim(o.sim) };
            const r = o.stream
                ? await client.messages.stream(request(o), options)
                    .finalMessage()
                : await client.messages.create(request(o), options);

            return {
                text: r.content.map((b) => b.text ?? '').join(''),
                calls: r.content.filter((b) => b.type === 'tool_use')
                    .map((b) => ({ id: b.id, name: b.name, args: b.input })),
                finish: r.stop_reason,
                usage: [r.usage.input_tokens > 0, r.usage.output_tokens],
                turn: [{ role: 'assistant', content: r.content }],
            };
        },

        async schema(o) {
            const r = await client.messages.parse({ ...request(o),
                output_config: { format: zodOutputFormat(LESSON) } },
                { headers: sim(o.sim) });

            return r.parsed_output;
        },

        count: async (o) => (await client.messages.countTokens({
            model: o.model, messages: o.turns.flat() })).input_tokens,

        models: () => client.models.list(),
    };
}

function gemini() {
    const { GoogleGenAI } = require('@google/genai');
    const client = new GoogleGenAI({ apiKey: KEY, httpOptions: {
        baseUrl: BASE_URL, timeout: 20000 } });

    const request = ({ model, system, turns, tools, force, ...o }) => ({
        model,
        contents: turns.flat(),
        config: {
            maxOutputTokens: LIMIT,
            httpOptions: { headers: sim(o.sim) },
            ...system && { systemInstruction: system },
            ...tools && { tools: [{ functionDeclarations: tools.map((t) => ({
                name: t.name, description: t.description,
                parametersJsonSchema: t.schema })) }] },
            ...force && { toolConfig: { functionCallingConfig: {
                mode: 'ANY' } } },
        },
    });

    return {
        turn: ({ text, image }) => [{ role: 'user', parts: [{ text },
            ...image ? [{ inlineData: { mimeType: 'image/png',
                                        data: image } }] : []] }],

        results: (calls, texts) => [{ role: 'user',
            parts: calls.map((c, i) => ({ functionResponse: { id: c.id,
                name: c.name, response: { result: texts[i] } } })) }],

        async ask(o) {
            const chunks = o.stream
                ? await client.models.generateContentStream(request(o))
                : [await client.models.generateContent(request(o))];
            const parts = [];
            let finish = null, usage = null;

            for await (const chunk of chunks) {
                const choice = chunk.candidates?.[0];

                parts.push(...choice?.content?.parts ?? []);
                finish = choice?.finishReason ?? finish;
                usage = chunk.usageMetadata ?? usage;
            }

            const calls = parts.filter((p) => p.functionCall);

            return {
                text: parts.map((p) => (p.thought ? '' : p.text ?? ''))
                    .join(''),
                calls: calls.map(({ functionCall: c }) => ({ id: c.id,
                    name: c.name, args: c.args })),
                finish,
                usage: [usage.promptTokenCount > 0,
                        (usage.candidatesTokenCount ?? 0)
                        + (usage.thoughtsTokenCount ?? 0)],
                turn: [{ role: 'model', parts }],
            };
        },

        async schema(o) {
            const ask = request(o);

            ask.config.responseMimeType = 'application/json';
            ask.config.responseJsonSchema = z.toJSONSchema(LESSON);

            return LESSON.parse(JSON.parse(
                (await client.models.generateContent(ask)).text));
        },

        count: async (o) => (await client.models.countTokens({
            model: o.model, contents: o.turns.flat() })).totalTokens,

        models: async () => ({
            data: (await client.models.list()).page.map((m) => ({
                id: m.name.replace('models/', '') })),
        }),
    };
}

const dialects = { openai, responses, anthropic, gemini };


// ---- what is asked

const user = (c, text, image) => c.turn({ text, image });

async function failure(call) {
    try {
        await call();
    } catch (e) {
        return { class: e.constructor.name, status: e.status ?? null,
                 said: /[a-z]/.test(e.message) };
    }

    return null;
}

function understood(r) {
    const { turns } = JSON.parse(r.text);

    return turns.map(({ role, parts }) => [role, ...parts.map((p) =>
        [p.kind, p.parts ? p.parts.map((inner) => inner.text).join('')
                         : p.text ?? p.bytes])]);
}

const scenarios = {
    async chat(c, model) {
        const r = await c.ask({ model, system: 'Be brief.',
            turns: [user(c, 'Gr\u00fc\u00dfe')], sim: 'tokens=9' });

        return { words: r.text.split(' ').length, finish: r.finish,
                 usage: r.usage };
    },

    async stream(c, model) {
        const ask = { model, turns: [user(c, 'Hello')],
                      sim: 'text=one,two,three piece=3' };
        const whole = await c.ask(ask);
        const r = await c.ask({ ...ask, stream: true });

        return { text: r.text, same: r.text === whole.text, finish: r.finish,
                 usage: r.usage };
    },

    async length(c, model) {
        const r = await c.ask({ model, turns: [user(c, 'Hello')], stream: true,
                                sim: 'tokens=2000' });

        return { words: r.text.split(' ').length, finish: r.finish };
    },

    async thoughts(c, model) {
        const r = await c.ask({ model, turns: [user(c, 'Hello')], stream: true,
                                sim: 'reasoning=5 tokens=4' });

        return { words: r.text.split(' ').length, usage: r.usage };
    },

    async system(c, model) {
        return understood(await c.ask({ model, system: 'Be brief.',
            turns: [user(c, 'Hello')], sim: 'echo' }));
    },

    async image(c, model) {
        return understood(await c.ask({ model, sim: 'echo',
            turns: [user(c, 'What is it?', PNG)] }));
    },

    async schema(c, model) {
        return c.schema({ model, turns: [user(c, 'A lesson')] });
    },

    async models(c) {
        return (await c.models()).data.map((m) => m.id).sort();
    },

    async errors(c, model) {
        const all = {};

        for (const status of [400, 404, 413, 429, 500, 529]) {
            all[status] = await failure(() => c.ask({ model,
                turns: [user(c, 'Hello')], sim: `status=${status}` }));
        }

        all.stream = await failure(() => c.ask({ model, stream: true,
            turns: [user(c, 'Hello')], sim: 'status=429' }));
        all.late = await failure(() => c.ask({ model, stream: true,
            turns: [user(c, 'Hello')], sim: 'error_after=5' }));
        all.model = await failure(() => c.ask({ model: 'nobody',
            turns: [user(c, 'Hello')] }));

        return all;
    },

    async count(c, model) {
        return c.count ? (await c.count({ model,
            turns: [user(c, 'Hello, you')] })) > 0 : null;
    },
};

// two turns, with the calls' results between them

for (const [name, stream, line, n] of [
    ['tools', false, '', 1], ['tools_stream', true, 'reasoning=4', 1],
    ['parallel', false, 'calls=3', 3], ['parallel_stream', true, 'calls=3', 3],
]) {
    scenarios[name] = async (c, model) => {
        const begin = { model, stream, tools: [WEATHER],
                        turns: [user(c, 'How is it?')] };
        const r = await c.ask({ ...begin, force: true, sim: line });
        const texts = r.calls.map((call, i) => `sunny ${i}`);
        const next = await c.ask({ ...begin, sim: 'echo', turns: [
            ...begin.turns, r.turn, c.results(r.calls, texts)] });

        return {
            calls: r.calls.map(({ id, ...call }) => call),
            ids: new Set(r.calls.map((call) => call.id)).size,
            finish: r.finish,
            understood: understood(next).map(([role, ...parts]) =>
                [role, ...parts.filter(([kind]) => kind !== 'reasoning')]),
            n,
        };
    };
}


async function main() {
    const [name, ...models] = process.argv.slice(2);
    const c = dialects[name]();

    for (const model of models) {
        for (const [scenario, f] of Object.entries(scenarios)) {
            let result;

            try {
                result = await f(c, model);
            } catch (e) {
                result = { exception: String(e.stack) };
            }

            console.log(JSON.stringify({ name: scenario, model, result }));
        }
    }
}

main();
