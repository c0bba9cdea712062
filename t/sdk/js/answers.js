// SPDX-License-Identifier: Apache-2.0
//
// What the provider answers: whole, as streams, in all shapes the SDK reads.

'use strict';

const { LengthFinishReasonError } = require('openai/error');
const { zodResponseFormat } = require('openai/helpers/zod');
const { z } = require('zod');

const { addsUp, chat, client, failure, get, isId, joined, kinds, ledger, list,
        make, scenario, sha, sim, unique, user } = require('./common.js');

const TOOLS = [{
    type: 'function',
    function: {
        name: 'get_weather',
        description: 'The weather \u2600 of a town',
        strict: true,
        parameters: {
            type: 'object',
            properties: {
                town: { type: 'string' },
                unit: { type: 'string', enum: ['\u00b0C', '\u00b0F'] },
            },
            required: ['town', 'unit'],
            additionalProperties: false,
        },
    },
}];


// ---- chat

scenario('chat_text', async () => {
    const { data: r, response, request_id } = await client.chat.completions
        .create({ model: 'sim-chat', messages: user('Hello') },
                sim('header=x-anything:1 header=Set-Cookie:a=b '
                    + 'header=x-ratelimit-limit-requests:60'))
        .withResponse();
    const choice = r.choices[0];

    return {
        result: {
            status: response.status,
            type: response.headers.get('content-type'),
            object: r.object,
            model: r.model,
            choices: r.choices.length,
            role: choice.message.role,
            words: choice.message.content.split(' ').length,
            refusal: choice.message.refusal,
            finish: choice.finish_reason,
            completion_tokens: r.usage.completion_tokens,
            adds_up: addsUp(r.usage),
            id: r.id.startsWith('chatcmpl-'),
            request_id: request_id.startsWith('req_'),
        },
        data: { text: choice.message.content, usage: r.usage },
        own: {
            id: isId(response.headers.get('x-genai-request-id')),
            headers: [...response.headers.keys()].sort(),
        },
    };
});

scenario('chat_n', async () => {
    const r = await chat('sim-n', 'Three answers', 'tokens=5', { n: 3 });
    const texts = r.choices.map((choice) => choice.message.content);

    return {
        result: {
            indexes: r.choices.map((choice) => choice.index),
            different: unique(texts).length,
            completion_tokens: r.usage.completion_tokens,
        },
        data: { texts },
    };
});

scenario('chat_length', async () => {
    const all = [];

    for (const options of [{ max_tokens: 5 }, { max_completion_tokens: 7 },
                           { max_tokens: 16 }])
        all.push(await chat('sim-length', 'Long', '', options));

    const texts = all.map((r) => r.choices[0].message.content);

    return {
        result: {
            finish: all.map((r) => r.choices[0].finish_reason),
            words: texts.map((text) => text.split(' ').length),
            tokens: all.map((r) => r.usage.completion_tokens),
        },
        data: { texts },
    };
});

scenario('chat_roles', async () => {
    const texts = [];

    for (const role of ['system', 'developer']) {
        const r = await client.chat.completions.create({
            model: 'sim-roles',
            messages: [
                { role, content: 'Be brief.' },
                { role: 'user', name: 'ann', content: [
                    { type: 'text', text: 'What is this?' },
                    { type: 'image_url', image_url: {
                        url: 'data:image/png;base64,iVBORw0KGgo=' } },
                ] },
                { role: 'assistant', content: 'A picture.' },
                { role: 'user', content: 'Of what?' },
            ],
        });
        texts.push(r.choices[0].message.content);
    }

    return { result: { different: unique(texts).length }, data: { texts } };
});

scenario('chat_large', async () => {
    const text = 'L\u00f6rem ipsum \u4e16\u754c \u{1f389} "quoted"\t'
        .repeat(6000);
    const r = await chat('sim-large', text, 'tokens=20000');
    const answer = r.choices[0].message.content;
    const chunks = await list(chat('sim-large', text, 'tokens=1000',
                                   { stream: true }));

    return {
        result: {
            tokens: r.usage.completion_tokens,
            words: answer.split(' ').length,
            chunks: chunks.length,
            same_start: answer.startsWith(joined(chunks)),
        },
        data: { text: sha(answer) },
    };
});

scenario('chat_gzip', async () => {
    const r = await chat('sim-gzip', 'Pack it', 'gzip=on');

    return { result: { finish: r.choices[0].finish_reason },
             data: { text: r.choices[0].message.content } };
});

// what is sent is what the provider gets, but for what must not reach it

scenario('request_bytes', async () => {
    let sent = '';
    const c = make({
        organization: 'org-client', project: 'proj-client',
        defaultHeaders: { cookie: 'session=client',
                          'idempotency-key': 'key-1',
                          'OpenAI-Beta': 'thing=v2' },
        fetch: (url, init) => {
            sent = Buffer.from(init.body);
            return fetch(url, init);
        },
    });

    await c.chat.completions.create({
        model: 'sim-bytes',
        messages: user('Gr\u00fc\u00dfe \u4e16\u754c \u{1f389} "\\/\n'),
        temperature: 0.1, seed: 12345, metadata: { a: 'b' },
        x_unknown: { deep: [1.5, 1e21, null, '\x7f'] },
    });

    const got = await get('/last?part=body');
    const head = {};

    for (const line of (await get('/last?part=head')).toString()
        .split('\r\n').slice(1))
    {
        const at = line.indexOf(': ');
        head[line.slice(0, at).toLowerCase()] = line.slice(at + 2);
    }

    return {
        result: {
            same_bytes: sent.equals(got) && got.length > 100,
            content_type: head['content-type'],
            user_agent: head['user-agent'].startsWith('OpenAI/'),
            idempotency: head['idempotency-key'],
            beta: head['openai-beta'],
        },
        data: { sent: sha(sent) },
        own: {
            authorization: head.authorization ?? null,
            organization: head['openai-organization'] ?? null,
            project: head['openai-project'] ?? null,
            cookie: head.cookie ?? null,
            stainless: Object.keys(head)
                .some((name) => name.startsWith('x-stainless')),
        },
    };
});


// ---- streams

scenario('stream_text', async () => {
    const whole = await chat('sim-stream', 'Tell me');
    const { data: stream, response } = await chat('sim-stream', 'Tell me', '',
                                                  { stream: true })
        .withResponse();
    const chunks = await list(stream);

    return {
        result: {
            type: response.headers.get('content-type'),
            chunks: chunks.length,
            kinds: kinds(chunks),
            ids: unique(chunks.map((chunk) => chunk.id)).length,
            objects: unique(chunks.map((chunk) => chunk.object)),
            usages: chunks.filter((chunk) => chunk.usage).length,
            same_text: joined(chunks) === whole.choices[0].message.content,
        },
        data: { pieces: chunks.map((chunk) =>
            chunk.choices[0].delta.content ?? null) },
        own: { id: isId(response.headers.get('x-genai-request-id')) },
    };
});

scenario('stream_usage', async () => {
    const chunks = await list(chat('sim-stream', 'Tell me', 'tokens=4', {
        stream: true, stream_options: { include_usage: true } }));
    const usage = chunks[chunks.length - 1].usage;

    return {
        result: {
            kinds: kinds(chunks),
            usages: chunks.filter((chunk) => chunk.usage).length,
            completion_tokens: usage.completion_tokens,
            adds_up: addsUp(usage),
        },
        data: { usage },
    };
});

scenario('stream_n', async () => {
    const chunks = await list(chat('sim-stream', 'Two', 'tokens=3',
                                   { n: 2, stream: true }));
    const texts = [joined(chunks, 0), joined(chunks, 1)];

    return {
        result: {
            indexes: chunks.map((chunk) => chunk.choices[0].index),
            different: texts[0] !== texts[1],
        },
        data: { texts },
    };
});

scenario('stream_length', async () => {
    const chunks = await list(chat('sim-stream', 'Long', '',
                                   { stream: true, max_tokens: 3 }));

    return { result: { kinds: kinds(chunks), chunks: chunks.length } };
});

// the first words are there while the provider still writes

scenario('stream_early', async () => {
    const stream = await chat('sim-early', 'Slowly', 'tokens=10 rate=8',
                              { stream: true });
    const chunks = [];
    const times = [];
    let row;

    for await (const chunk of stream) {
        chunks.push(chunk);
        times.push(Date.now());

        if (!row && kinds([chunk])[0] === 'content')
            [row] = await ledger('sim-early');
    }

    return { result: {
        end_at_first: row.end,
        all_written_at_first: row.tokens_written >= 10,
        spread: times[times.length - 1] - times[0] > 600,
        kinds: kinds(chunks),
    } };
});

scenario('stream_bytewise', async () => {
    const chunks = await list(chat('sim-bytewise', 'By bytes',
                                   'tokens=3 bytewise=0ms',
                                   { stream: true }));

    return { result: { kinds: kinds(chunks), chunks: chunks.length },
             data: { text: joined(chunks) } };
});

scenario('stream_helper', async () => {
    const names = [];
    let text = '';
    const stream = client.chat.completions.stream({
        model: 'sim-helper', messages: user('Help'),
        stream_options: { include_usage: true } });

    for (const name of ['chunk', 'content', 'message', 'finalContent', 'end'])
        stream.on(name, () => {
            if (names[names.length - 1] !== name)
                names.push(name);
        });

    stream.on('content', (delta) => { text += delta; });

    const final = await stream.finalChatCompletion();

    return {
        result: {
            same_text: final.choices[0].message.content === text
                && text !== '',
            finish: final.choices[0].finish_reason,
            completion_tokens: final.usage.completion_tokens,
        },
        data: { text, events: unique(names) },
    };
});


// ---- tools

function weather(call) {
    const args = JSON.parse(call.function.arguments);

    return {
        name: call.function.name,
        type: call.type,
        id: call.id.startsWith('call_'),
        arguments: Object.keys(args).sort(),
        unit: args.unit,
    };
}

scenario('tools', async () => {
    const messages = user('How is the weather?');
    const ask = (options) => client.chat.completions.create({
        model: 'sim-tools', messages: user('Hello'), tools: TOOLS,
        ...options });

    const r = await ask({ messages });
    const choice = r.choices[0];
    const call = choice.message.tool_calls[0];

    messages.push(choice.message);
    messages.push({ role: 'tool', tool_call_id: call.id,
                    content: JSON.stringify({ degrees: 21 }) });

    const second = await ask({ messages });
    const forced = await ask({ tool_choice: {
        type: 'function', function: { name: 'get_weather' } } });
    const none = await ask({ tool_choice: 'none' });

    return {
        result: {
            finish: choice.finish_reason,
            content: choice.message.content,
            calls: choice.message.tool_calls.length,
            call: weather(call),
            second: second.choices[0].finish_reason,
            second_calls: second.choices[0].message.tool_calls ?? null,
            forced: forced.choices[0].finish_reason,
            none: none.choices[0].finish_reason,
        },
        data: { arguments: call.function.arguments,
                none: none.choices[0].message.content },
    };
});

scenario('tools_stream', async () => {
    const request = { model: 'sim-tools', tools: TOOLS,
                      messages: user('How is the weather?') };
    const chunks = await list(client.chat.completions.create(
        { ...request, stream: true }));
    const calls = chunks.flatMap((chunk) => chunk.choices)
        .flatMap((choice) => choice.delta.tool_calls ?? []);
    const args = calls.map((call) => call.function.arguments).join('');
    const first = { ...calls[0], function: { ...calls[0].function,
                                             arguments: args } };

    const final = await client.chat.completions.stream(request)
        .finalChatCompletion();

    return {
        result: {
            kinds: kinds(chunks),
            call: weather(first),
            pieces: calls.length > 2,
            helper: weather(final.choices[0].message.tool_calls[0]),
        },
        data: { arguments: args },
    };
});


// ---- structured output

const Lesson = z.object({
    greeting: z.enum(['Gr\u00fc\u00dfe \u4e16\u754c \u{1f389}', 'Hello']),
    pages: z.int(),
    done: z.boolean(),
    steps: z.array(z.object({ explanation: z.string(), weight: z.number() })),
});

function lesson(value) {
    return {
        greeting: value.greeting,
        pages: Number.isInteger(value.pages),
        done: typeof value.done === 'boolean',
        steps: value.steps.every((step) => typeof step.weight === 'number'),
    };
}

const structured = {
    model: 'sim-structured', messages: user('Teach me'),
    response_format: zodResponseFormat(Lesson, 'lesson'),
};

scenario('structured', async () => {
    const r = await client.chat.completions.parse(structured);
    const message = r.choices[0].message;
    let short = null;

    try {
        await client.chat.completions.parse({ ...structured, max_tokens: 2 });
    } catch (e) {
        if (!(e instanceof LengthFinishReasonError))
            throw e;
        short = e.constructor.name;
    }

    return {
        result: { parsed: lesson(message.parsed), refusal: message.refusal,
                  short },
        data: { text: message.content },
    };
});

scenario('structured_stream', async () => {
    const final = await client.chat.completions.stream(structured)
        .finalChatCompletion();
    const message = final.choices[0].message;

    return { result: { parsed: lesson(message.parsed) },
             data: { text: message.content } };
});


// ---- embeddings

const near = (a, b) => a.length === b.length
    && a.every((x, i) => Math.abs(x - b[i]) < 1e-6);

const norm = (vector) =>
    Number(Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0)).toFixed(4));

scenario('embeddings', async () => {
    const embed = (input, options = {}) => client.embeddings.create({
        model: 'sim-embeddings', input, ...options });

    const one = await embed('first');
    const listed = await embed(['first', 'second \u4e16', 'first']);
    const floats = await embed(['first', 'second \u4e16'],
                               { encoding_format: 'float' });
    const base64 = await embed('first', { encoding_format: 'base64' });
    const long = await embed('first', { dimensions: 256 });
    const tokens = await embed([1, 2, 3]);
    const many = await embed([[1, 2], [3]]);
    const [a, b, c] = listed.data.map((item) => item.embedding);

    return {
        result: {
            object: one.object,
            model: one.model,
            one: [one.data.length, one.data[0].embedding.length],
            norm: norm(one.data[0].embedding),
            indexes: listed.data.map((item) => item.index),
            same_text: near(a, c) && near(a, one.data[0].embedding),
            other_text: near(a, b),
            floats: [near(a, floats.data[0].embedding),
                     near(b, floats.data[1].embedding)],
            base64: typeof base64.data[0].embedding === 'string',
            dimensions: long.data[0].embedding.length,
            tokens: [tokens.data.length, many.data.length],
            usage: one.usage.prompt_tokens === one.usage.total_tokens
                && one.usage.total_tokens > 0,
        },
        data: { vectors: [a, b, long.data[0].embedding].map((v) =>
                    Array.from(v, (x) => x.toFixed(6))),
                base64: base64.data[0].embedding },
    };
});


// ---- completions

scenario('completions', async () => {
    const r = await client.completions.create({ model: 'sim-completions',
                                                prompt: 'Once' });
    const two = await client.completions.create({
        model: 'sim-completions', max_tokens: 4, prompt: ['Once', 'upon'],
        n: 2 });

    return {
        result: {
            object: r.object,
            finish: r.choices[0].finish_reason,
            words: r.choices[0].text.split(' ').length,
            indexes: two.choices.map((choice) => choice.index),
            finishes: unique(two.choices.map((c) => c.finish_reason)),
            tokens: [r.usage.completion_tokens, two.usage.completion_tokens],
        },
        data: { texts: [...r.choices, ...two.choices].map((c) => c.text) },
    };
});

scenario('completions_stream', async () => {
    const whole = await client.completions.create({ model: 'sim-completions',
                                                    prompt: 'Once' });
    const chunks = await list(client.completions.create({
        model: 'sim-completions', prompt: 'Once', stream: true,
        stream_options: { include_usage: true } }));
    const choices = chunks.flatMap((chunk) => chunk.choices);
    const text = choices.map((choice) => choice.text).join('');

    return {
        result: {
            chunks: chunks.length,
            finish: choices[choices.length - 1].finish_reason,
            usage: chunks[chunks.length - 1].usage.completion_tokens,
            same_text: text === whole.choices[0].text,
        },
        data: { text },
    };
});


// ---- models

scenario('models', async () => {
    const listed = await list(client.models.list());
    const one = await client.models.retrieve('gpt-4o');
    const [error] = await failure(() =>
        client.models.retrieve('no-such-model'));

    return {
        result: {
            objects: unique(listed.map((model) => model.object)),
            one: [one.id, one.object],
        },
        own: { names: listed.map((model) => model.id), error },
    };
});
