// SPDX-License-Identifier: Apache-2.0
//
// The scenarios of t/sdk/sdk.t with OpenAI's SDK for Node.  What they print,
// and their environment, is told in python/sdk.py, which has the same ones.

'use strict';

require('./answers.js');
require('./faults.js');

const { scenarios } = require('./common.js');

async function main() {
    const names = process.argv.slice(2);
    let status = 0;

    for (const [name, f] of Object.entries(scenarios)) {
        if (names.length && !names.includes(name))
            continue;

        const began = Date.now();
        let line;

        try {
            line = { name, data: {}, own: {}, ...await f() };
        } catch (e) {
            console.error(e);
            line = { name, result: { exception: String(e) }, data: {},
                     own: {} };
            status = 1;
        }

        line.seconds = (Date.now() - began) / 1000;
        console.log(JSON.stringify(line));
    }

    process.exitCode = status;
}

main();
