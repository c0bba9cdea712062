// SPDX-License-Identifier: Apache-2.0
//
// What goes wrong, and what the SDK does then; what ends early; connections.

'use strict';

const { AUTH_URL, CONNECTION, chat, client, ends, failure, get, header, isId,
        joined, kinds, ledger, list, make, scenario, sim, unique, user }
    = require('./common.js');


// ---- errors

scenario('error_status', async () => {
    const result = {}, data = {}, own = {};

    for (const status of [400, 404, 408, 409, 413, 422, 429, 500, 502, 503,
                          504, 529])
    {
        const [error, e] = await failure(() =>
            chat('sim-error', 'Fail', `status=${status} retry_after=7`));

        error.retry_after = header(e, 'retry-after');
        error.request_id = (header(e, 'x-request-id') ?? '').slice(0, 4);
        result[status] = error;
        data[status] = e.error;
        own[status] = { id: isId(header(e, 'x-genai-request-id')),
                        error: header(e, 'x-genai-error') };
    }

    return { result, data, own };
});

// errors before the first byte of a stream are errors of the call

scenario('error_stream_status', async () => {
    const result = {};

    for (const status of [400, 429, 503])
        [result[status]] = await failure(() =>
            chat('sim-error', 'Fail', `status=${status}`, { stream: true }));

    return { result };
});

// what the provider itself finds wrong with a request

scenario('error_request', async () => {
    const errors = [], bodies = [];

    for (const options of [{ n: 100 }, { max_tokens: 0 },
                           { messages: [] }])
    {
        const [error, e] = await failure(() =>
            chat('sim-error', 'Bad', '', options));

        errors.push(error);
        bodies.push(e.error);
    }

    return { result: { errors }, data: { bodies } };
});

// a provider's page of HTML is no answer of an API

scenario('error_html', async () => {
    const [error, e] = await failure(() =>
        chat('sim-error', 'Fail', 'status=502 html=on'));

    return { result: { class: error.class, status: error.status },
             own: { error: header(e, 'x-genai-error'), code: error.code,
                    page: e.message.includes('<html>') } };
});

scenario('error_auth', async () => {
    const c = make({ baseURL: AUTH_URL });
    const [error, e] = await failure(() =>
        chat('sim-auth', 'Hello', 'status=401', {}, c));
    const [listed] = await failure(() => c.models.list(sim('status=401')));

    return {
        result: { class: error.class, status: error.status,
                  models: listed.class },
        own: { code: error.code, type: error.type,
               error: header(e, 'x-genai-error'),
               id: isId(header(e, 'x-genai-request-id')),
               asked: (await ledger('sim-auth')).length },
    };
});

// what the provider thinks of the gateway's credential is not the client's

scenario('error_provider_auth', async () => {
    const own = {};

    for (const status of [401, 403]) {
        const [error, e] = await failure(() =>
            chat('sim-refused', 'Hello', `status=${status}`));

        own[status] = { class: error.class, status: error.status,
                        error: header(e, 'x-genai-error') };
    }

    return { result: {}, own };
});

scenario('error_model', async () => {
    const [error, e] = await failure(() =>
        chat('no-such-model', 'Hello', 'status=404'));
    const [stream] = await failure(() =>
        chat('no-such-model', 'Hello', 'status=404', { stream: true }));
    const [embeddings] = await failure(() => client.embeddings.create(
        { model: 'no-such-model', input: 'a' }, sim('status=404')));

    return {
        result: { error, stream, embeddings },
        own: { message: e.error.message, error: header(e, 'x-genai-error'),
               asked: (await ledger('no-such-model')).length },
    };
});

scenario('error_endpoint', async () => {
    const [error, e] = await failure(() => client.files.list());

    return { result: { class: error.class, status: error.status,
                       type: error.type },
             own: { code: error.code, error: header(e, 'x-genai-error') } };
});

scenario('error_too_large', async () => {
    const [error, e] = await failure(() =>
        chat('sim-too-large', 'x'.repeat(1500000), 'status=413'));
    const after = await chat('sim-after', 'Hello');

    return {
        result: { class: error.class, status: error.status, type: error.type,
                  after: after.choices[0].finish_reason },
        own: { code: error.code, error: header(e, 'x-genai-error'),
               asked: (await ledger('sim-too-large')).length },
    };
});

async function broken(model, line) {
    const chunks = [];
    const [error, e] = await failure(async () => {
        for await (const chunk of await chat(model, 'Fail', line, {
            stream: true, stream_options: { include_usage: true } }))
            chunks.push(chunk);
    });

    return { error, e, chunks: chunks.length, kinds: kinds(chunks) };
}

scenario('stream_error', async () => {
    const { error, e, ...read } = await broken('sim-stream-error',
                                               'error_after=5');

    return { result: { error, ...read }, data: { body: e.error } };
});

// A stream that dies between two events, and one that dies within an event: a
// broken connection without the gateway, an error event with it.

scenario('stream_cut', async () => {
    const result = {}, own = {};
    const whole = await get('/v1/chat/completions', {
        model: 'sim-cut', messages: user('Fail'), stream: true,
        stream_options: { include_usage: true } });
    let sixth = 0;

    for (let i = 0; i < 6; i++)
        sixth = whole.indexOf('\n\n', sixth) + 2;

    for (const [name, size] of [['between', sixth], ['within', sixth + 100]])
    {
        const { error, e, ...read } = await broken('sim-cut', `cut=${size}`);

        own[name] = error;
        result[name] = read;
    }

    return { result, own };
});


// ---- retries, timeouts, ends

// An SDK whose every attempt gets its own order to the simulated provider.

function planned(lines, options) {
    const attempts = [];

    const c = make({ ...options, fetch: (url, init) => {
        const n = Math.min(attempts.length, lines.length - 1);

        init.headers.set('x-genai-sim', lines[n]);
        attempts.push({ time: Date.now(),
                        count: init.headers.get('x-stainless-retry-count') });
        return fetch(url, init);
    } });

    return [c, attempts];
}

const firstGap = (attempts) => attempts[1].time - attempts[0].time;

const held = (ms, from) => ms >= from - 50 && ms < 5000;

// Retry-After is longer than what the SDK waits on its own

scenario('retry_recovers', async () => {
    const [c, attempts] = planned(['status=429 retry_after=1', 'status=429',
                                   'tokens=3'], { maxRetries: 2 });
    const r = await c.chat.completions.create({ model: 'sim-retry',
                                                messages: user('Again') });

    return {
        result: {
            counts: attempts.map((attempt) => attempt.count),
            finish: r.choices[0].finish_reason,
            tokens: r.usage.completion_tokens,
            statuses: (await ledger('sim-retry')).map((row) => row.status),
            retry_after_held: held(firstGap(attempts), 1000),
        },
        data: { text: r.choices[0].message.content },
    };
});

scenario('retry_exhausted', async () => {
    const tries = [];

    for (const status of [500, 503]) {
        const [c, attempts] = planned([`status=${status}`],
                                      { maxRetries: 1 });
        const model = `sim-exhausted-${status}`;
        const [error] = await failure(() => chat(model, 'Again', '', {}, c));

        tries.push([error.class, error.status, attempts.length,
                    (await ledger(model)).length]);
    }

    return { result: { tries } };
});

scenario('retry_not', async () => {
    const tries = [];

    for (const status of [400, 404, 422]) {
        const [c, attempts] = planned([`status=${status}`],
                                      { maxRetries: 2 });
        const model = `sim-not-${status}`;
        const [error] = await failure(() => chat(model, 'Again', '', {}, c));

        tries.push([error.class, attempts.length,
                    (await ledger(model)).length]);
    }

    return { result: { tries } };
});

// the provider's word on how long to wait, and on whether at all

scenario('retry_words', async () => {
    const [a, waited] = planned(['status=429 header=retry-after-ms:900', ''],
                                { maxRetries: 1 });

    await chat('sim-word-ms', 'Again', '', {}, a);

    const [b, attempts] = planned(['status=429 header=x-should-retry:false'],
                                  { maxRetries: 1 });
    const [error] = await failure(() =>
        chat('sim-word-no', 'Again', '', {}, b));

    return { result: { ms_held: held(firstGap(waited), 900),
                       class: error.class, attempts: attempts.length } };
});

scenario('timeout', async () => {
    const c = make({ timeout: 400, maxRetries: 1 });
    const [error] = await failure(() =>
        chat('sim-timeout', 'Wait', 'delay=8s', {}, c));
    const [stream] = await failure(() =>
        chat('sim-timeout-stream', 'Wait', 'delay=8s', { stream: true },
             make({ timeout: 400 })));

    return { result: { class: error.class, stream: stream.class,
                       ends: await ends('sim-timeout', 2),
                       stream_ends: await ends('sim-timeout-stream', 1) } };
});

// whoever closes a stream makes the provider stop

scenario('abort', async () => {
    const stream = await chat('sim-abort', 'Much', 'tokens=5000 rate=50',
                              { stream: true });
    const chunks = [];

    for await (const chunk of stream) {
        chunks.push(chunk);
        if (chunks.length === 4)
            break;
    }

    const end = await ends('sim-abort', 1);
    const [row] = await ledger('sim-abort');
    const after = await chat('sim-after', 'Hello');

    return { result: {
        chunks: chunks.length,
        end,
        early: row.tokens_written > 0 && row.tokens_written < 1000,
        after: after.choices[0].finish_reason,
    } };
});


// ---- connections

// Answers and errors one after the other: one connection, or two where the
// first one is not yet free in fetch()'s eyes.

scenario('reuse', async () => {
    const c = make();
    const seen = [];

    const add = async (promise) => {
        const { data, response } = await promise.withResponse();

        seen.push(response.headers.get(CONNECTION));
        return data;
    };

    const ask = (text, options, ...more) => c.chat.completions.create(
        { model: 'sim-reuse', messages: user(text), ...options }, ...more);

    const addError = async (promise) => {
        const [, e] = await failure(() => promise);

        seen.push(header(e, CONNECTION));
    };

    for (const i of [0, 1, 2])
        await add(ask(`Hello ${i}`));

    for (const status of [400, 404, 429, 500, 503])
        await addError(ask('Fail', {}, sim(`status=${status}`)));

    await addError(ask('Fail', { model: 'no-such-model' },
                       sim('status=404')));
    await add(c.models.list());
    await add(c.embeddings.create({ model: 'sim-reuse', input: 'a' }));

    return { result: { requests: seen.length, known: !seen.includes(null),
                       reused: unique(seen).length <= 2 } };
});

// Many at once, whole and as streams: each gets what it asked for.

scenario('concurrent', async () => {
    const numbers = [...Array(12).keys()];

    const texts = await Promise.all(numbers.map(async (i) => {
        if (i % 2) {
            const r = await chat('sim-many', `Number ${i}`);
            return r.choices[0].message.content;
        }

        return joined(await list(chat('sim-many', `Number ${i}`, 'rate=200',
                                      { stream: true })));
    }));

    const expected = [];

    for (const i of numbers)
        expected.push((await chat('sim-many', `Number ${i}`))
            .choices[0].message.content);

    return { result: { right: texts.every((text, i) => text === expected[i]),
                       different: unique(texts).length },
             data: { texts } };
});
