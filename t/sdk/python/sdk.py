# SPDX-License-Identifier: Apache-2.0
#
# The scenarios of t/sdk/sdk.t with OpenAI's SDK for Python; js/sdk.js has the
# same ones.  Every scenario prints one line of JSON:
#
#     name
#     result   what must be as the driver has it, in both languages
#     data     what must be the same with the gateway and without it
#     own      what differs by nature; the driver knows what it is
#
# Environment: BASE_URL and AUTH_URL (of the API; the second one wants a key),
# SIM_URL (of the simulated provider itself), CONNECTION (the header that tells
# one connection from another).  Arguments: scenarios to run.

import json
import sys
import time
import traceback

import answers    # noqa: F401
import faults     # noqa: F401
from common import scenarios


def main():
    status = 0
    for name, f in scenarios.items():
        if len(sys.argv) > 1 and name not in sys.argv[1:]:
            continue
        began = time.monotonic()
        try:
            line = {"name": name, "data": {}, "own": {}, **f()}
        except Exception as e:
            traceback.print_exc()
            line = {"name": name, "result": {"exception": repr(e)},
                    "data": {}, "own": {}}
            status = 1
        line["seconds"] = round(time.monotonic() - began, 2)
        print(json.dumps(line, sort_keys=True), flush=True)
    sys.exit(status)


main()
