// SPDX-License-Identifier: Apache-2.0
//
// What the scenarios of OpenAI's SDK for Node share.

'use strict';

const crypto = require('node:crypto');
const OpenAI = require('openai');

const { BASE_URL, AUTH_URL, SIM_URL, CONNECTION } = process.env;

const KEY = 'sk-client-0123456789';

const scenarios = {};

function scenario(name, f) {
    scenarios[name] = f;
}

function make(options = {}) {
    return new OpenAI({ baseURL: BASE_URL, apiKey: KEY, maxRetries: 0,
                        timeout: 30000, ...options });
}

const client = make();

const user = (text) => [{ role: 'user', content: text }];

const sim = (line) => ({ headers: { 'x-genai-sim': line } });

const sha = (text) => crypto.createHash('sha256').update(text).digest('hex');

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const unique = (list) => [...new Set(list)];

async function get(path, body) {
    const response = await fetch(SIM_URL + path, body && {
        method: 'POST', body: JSON.stringify(body),
        headers: { 'content-type': 'application/json' } });

    return Buffer.from(await response.arrayBuffer());
}

// what the provider has in its record of a model

async function ledger(model) {
    return JSON.parse(await get('/ledger'))
        .filter((row) => row.model === model);
}

// how the provider's last n answers ended, when all have

async function ends(model, n) {
    const end = Date.now() + 10000;

    for ( ;; ) {
        const rows = await ledger(model);

        if ((rows.length >= n && rows.every((row) => row.end !== 'open'))
            || Date.now() > end)
            return rows.map((row) => row.end);

        await sleep(20);
    }
}

// The names of Python's SDK, where this one has others.

function className(e) {
    const name = e.constructor.name;

    if (name === 'APIConnectionTimeoutError')
        return 'APITimeoutError';

    return name === 'APIError' && e.status ? 'APIStatusError' : name;
}

// the error that a call ends with: what is told of it, and the error

async function failure(call) {
    try {
        await call();
    } catch (e) {
        if (!(e instanceof OpenAI.APIError))
            return [{ class: e.constructor.name, message: e.message }, e];

        return [{
            class: className(e),
            status: e.status ?? null,
            code: e.code ?? null,
            type: e.type ?? null,
            param: e.param ?? null,
        }, e];
    }

    return [{ class: null }, null];
}

const header = (e, name) => e?.headers?.get(name) ?? null;

const isId = (value) => /^[0-9A-Za-z]{16,}$/.test(value ?? '');

function chat(model, text, line = '', options = {}, c = client) {
    return c.chat.completions.create({ model, messages: user(text),
                                       ...options }, sim(line));
}

async function list(stream) {
    const chunks = [];

    for await (const chunk of await stream)
        chunks.push(chunk);

    return chunks;
}

const addsUp = (usage) => usage.prompt_tokens > 0
    && usage.total_tokens === usage.prompt_tokens + usage.completion_tokens;

// the steps of a stream, equal ones that follow each other once

function kinds(chunks) {
    const seen = [];

    for (const chunk of chunks) {
        const choice = chunk.choices[0];
        const kind = !choice ? (chunk.usage ? 'usage' : 'nothing')
            : choice.finish_reason || choice.delta.role
                || (choice.delta.tool_calls ? 'arguments' : 'content');

        if (seen[seen.length - 1] !== kind)
            seen.push(kind);
    }

    return seen;
}

function joined(chunks, index = 0) {
    return chunks.flatMap((chunk) => chunk.choices)
        .filter((choice) => choice.index === index)
        .map((choice) => choice.delta.content ?? '').join('');
}

module.exports = { AUTH_URL, CONNECTION, addsUp, chat, client, ends, failure,
                   get, header, isId, joined, kinds, ledger, list, make,
                   scenario, scenarios, sha, sim, sleep, unique, user };
