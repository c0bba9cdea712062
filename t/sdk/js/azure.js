// SPDX-License-Identifier: Apache-2.0
//
// What t/sdk/azure.t does with Azure's client of OpenAI's SDK: prints one line
// of JSON with what came of it.  Environment: BASE_URL, MODEL, and TOKEN where
// it is to be one of Microsoft Entra.

const { AzureOpenAI } = require('openai');

const token = process.env.TOKEN;

const client = new AzureOpenAI({
    endpoint: process.env.BASE_URL,
    apiVersion: '2024-10-21',
    ...(token ? { azureADTokenProvider: async () => token }
              : { apiKey: 'sk-client' }),
    maxRetries: 0,
});

const ask = { model: process.env.MODEL,
              messages: [ { role: 'user', content: 'hi' } ] };

async function main() {
    const said = {};

    const whole = await client.chat.completions.create(ask);
    said.whole = whole.choices[0].message.content;
    said.usage = whole.usage.total_tokens
        === whole.usage.prompt_tokens + whole.usage.completion_tokens;

    let text = '', usage = 0, last;

    for await (const chunk of await client.chat.completions.create({
        ...ask, stream: true, stream_options: { include_usage: true } }))
    {
        text += chunk.choices[0]?.delta?.content ?? '';
        last = chunk.choices[0]?.finish_reason ?? last;
        usage += chunk.usage ? 1 : 0;
    }

    said.stream = text;
    said.finish = last;
    said.usages = usage;

    const vectors = await client.embeddings.create({
        model: process.env.MODEL, input: [ 'a', 'b' ] });
    said.vectors = vectors.data.length;

    try {
        await client.chat.completions.create({ ...ask, model: 'nothing' });
    } catch (e) {
        said.error = [ e.constructor.name, e.status, e.code ];
    }

    console.log(JSON.stringify(said));
}

main();
