# SPDX-License-Identifier: Apache-2.0
#
# What goes wrong, and what the SDK does then; what ends early; connections.

import asyncio
import time

import openai
from openai import AsyncOpenAI, DefaultHttpxClient

from common import (AUTH_URL, CONNECTION, chat, client, ends, failure, fetch,
                    header, is_id, kinds, ledger, make, scenario, sim, user)


# ---- errors

@scenario
def error_status():
    results, data, own = {}, {}, {}
    for status in (400, 404, 408, 409, 413, 422, 429, 500, 502, 503, 504,
                   529):
        error, e = failure(lambda: chat("sim-error", "Fail",
                                        f"status={status} retry_after=7"))
        error["retry_after"] = header(e, "retry-after")
        error["request_id"] = (header(e, "x-request-id") or "")[:4]
        results[status] = error
        data[status] = e.body
        own[status] = {
            "id": is_id(header(e, "x-genai-request-id")),
            "error": header(e, "x-genai-error"),
        }
    return {"result": results, "data": data, "own": own}


# errors before the first byte of a stream are errors of the call

@scenario
def error_stream_status():
    results = {}
    for status in (400, 429, 503):
        results[status], e = failure(
            lambda: chat("sim-error", "Fail", f"status={status}",
                         stream=True))
    return {"result": results}


# what the provider itself finds wrong with a request

@scenario
def error_request():
    results, data = [], []
    for options in ({"n": 100}, {"max_tokens": 0}, {"messages": []}):
        error, e = failure(lambda: chat("sim-error", "Bad",
                                        extra_body=options))
        results.append(error)
        data.append(e.body)
    return {"result": {"errors": results}, "data": {"bodies": data}}


# a provider's page of HTML is no answer of an API

@scenario
def error_html():
    error, e = failure(lambda: chat("sim-error", "Fail",
                                    "status=502 html=on"))
    return {"result": {"class": error["class"], "status": error["status"]},
            "own": {"error": header(e, "x-genai-error"),
                    "code": error["code"],
                    "page": "<html>" in str(e.response.text)}}


@scenario
def error_auth():
    c = make(base_url=AUTH_URL)
    error, e = failure(lambda: chat("sim-auth", "Hello", "status=401", c=c))
    listed, _ = failure(lambda: c.models.list(extra_headers=sim("status=401")))
    return {
        "result": {"class": error["class"], "status": error["status"],
                   "models": listed["class"]},
        "own": {"code": error["code"], "type": error["type"],
                "error": header(e, "x-genai-error"),
                "id": is_id(header(e, "x-genai-request-id")),
                "asked": len(ledger("sim-auth"))},
    }


# what the provider thinks of the gateway's credential is not the client's

@scenario
def error_provider_auth():
    own = {}
    for status in (401, 403):
        error, e = failure(lambda: chat("sim-refused", "Hello",
                                        f"status={status}"))
        own[status] = {"class": error["class"], "status": error["status"],
                       "error": header(e, "x-genai-error")}
    return {"result": {}, "own": own}


@scenario
def error_model():
    error, e = failure(lambda: chat("no-such-model", "Hello", "status=404"))
    stream, _ = failure(lambda: chat("no-such-model", "Hello", "status=404",
                                     stream=True))
    embed, _ = failure(lambda: client.embeddings.create(
        model="no-such-model", input="a", extra_headers=sim("status=404")))
    return {
        "result": {"error": error, "stream": stream, "embeddings": embed},
        "own": {"message": e.body["message"],
                "error": header(e, "x-genai-error"),
                "asked": len(ledger("no-such-model"))},
    }


@scenario
def error_endpoint():
    error, e = failure(lambda: client.files.list())
    return {"result": {"class": error["class"], "status": error["status"],
                       "type": error["type"]},
            "own": {"code": error["code"],
                    "error": header(e, "x-genai-error")}}


@scenario
def error_too_large():
    error, e = failure(lambda: chat("sim-too-large", "x" * 1500000,
                                    "status=413"))
    after = chat("sim-after", "Hello")
    return {
        "result": {"class": error["class"], "status": error["status"],
                   "type": error["type"],
                   "after": after.choices[0].finish_reason},
        "own": {"code": error["code"], "error": header(e, "x-genai-error"),
                "asked": len(ledger("sim-too-large"))},
    }


@scenario
def stream_error():
    chunks = []

    def read():
        for chunk in chat("sim-stream-error", "Fail", "error_after=5",
                          stream=True):
            chunks.append(chunk)

    error, e = failure(read)
    return {
        "result": {"error": error, "chunks": len(chunks),
                   "kinds": kinds(chunks)},
        "data": {"body": e.body},
    }


# A stream that dies between two events, and one that dies within an event: a
# broken connection without the gateway, an error event with it.

@scenario
def stream_cut():
    result, own = {}, {}
    whole = fetch("/v1/chat/completions",
                  {"model": "sim-cut", "messages": user("Fail"),
                   "stream": True, "stream_options": {"include_usage": True}
                   }).split(b"\n\n")
    sixth = sum(len(event) + 2 for event in whole[:6])

    for name, size in (("between", sixth), ("within", sixth + 100)):
        chunks = []

        def read():
            for chunk in chat("sim-cut", "Fail", f"cut={size}", stream=True,
                              stream_options={"include_usage": True}):
                chunks.append(chunk)

        own[name], e = failure(read)
        result[name] = {"chunks": len(chunks), "kinds": kinds(chunks)}
    return {"result": result, "own": own}


# ---- retries, timeouts, ends

# An SDK whose every attempt gets its own order to the simulated provider.

def planned(lines, **options):
    attempts = []

    def hook(request):
        request.headers["x-genai-sim"] = lines[min(len(attempts),
                                                   len(lines) - 1)]
        attempts.append((time.monotonic(),
                         request.headers.get("x-stainless-retry-count")))

    c = make(http_client=DefaultHttpxClient(event_hooks={"request": [hook]}),
             **options)
    return c, attempts


def gaps(attempts):
    return [b[0] - a[0] for a, b in zip(attempts, attempts[1:])]


# Retry-After is longer than what the SDK waits on its own

@scenario
def retry_recovers():
    c, attempts = planned(["status=429 retry_after=1",
                           "status=429", "tokens=3"], max_retries=2)
    r = c.chat.completions.create(model="sim-retry", messages=user("Again"))
    waits = gaps(attempts)
    return {
        "result": {
            "counts": [count for _, count in attempts],
            "finish": r.choices[0].finish_reason,
            "tokens": r.usage.completion_tokens,
            "statuses": [row["status"] for row in ledger("sim-retry")],
            "retry_after_held": 0.95 <= waits[0] < 5,
        },
        "data": {"text": r.choices[0].message.content},
    }


@scenario
def retry_exhausted():
    results = []
    for status in (500, 503):
        c, attempts = planned([f"status={status}"], max_retries=1)
        model = f"sim-exhausted-{status}"
        error, e = failure(lambda: chat(model, "Again", c=c))
        results.append([error["class"], error["status"], len(attempts),
                        len(ledger(model))])
    return {"result": {"tries": results}}


@scenario
def retry_not():
    results = []
    for status in (400, 404, 422):
        c, attempts = planned([f"status={status}"], max_retries=2)
        model = f"sim-not-{status}"
        error, e = failure(lambda: chat(model, "Again", c=c))
        results.append([error["class"], len(attempts), len(ledger(model))])
    return {"result": {"tries": results}}


# the provider's word on how long to wait, and on whether at all

@scenario
def retry_words():
    c, attempts = planned(["status=429 header=retry-after-ms:900", ""],
                          max_retries=1)
    chat("sim-word-ms", "Again", c=c)
    ms = gaps(attempts)[0]

    c, attempts = planned(["status=429 header=x-should-retry:false"],
                          max_retries=1)
    error, e = failure(lambda: chat("sim-word-no", "Again", c=c))
    return {"result": {"ms_held": 0.85 <= ms < 5, "class": error["class"],
                       "attempts": len(attempts)}}


@scenario
def timeout():
    c = make(timeout=0.4, max_retries=1)
    error, e = failure(lambda: chat("sim-timeout", "Wait", "delay=8s", c=c))
    stream, e = failure(lambda: chat("sim-timeout-stream", "Wait", "delay=8s",
                                     c=make(timeout=0.4), stream=True))
    return {"result": {"class": error["class"], "stream": stream["class"],
                       "ends": ends("sim-timeout", 2),
                       "stream_ends": ends("sim-timeout-stream", 1)}}


# whoever closes a stream makes the provider stop

@scenario
def abort():
    stream = chat("sim-abort", "Much", "tokens=5000 rate=50", stream=True)
    chunks = []
    for chunk in stream:
        chunks.append(chunk)
        if len(chunks) == 4:
            break
    stream.close()
    end = ends("sim-abort", 1)
    row = ledger("sim-abort")[0]
    after = chat("sim-after", "Hello")
    return {"result": {
        "chunks": len(chunks),
        "end": end,
        "early": 0 < row["tokens_written"] < 1000,
        "after": after.choices[0].finish_reason,
    }}


# ---- connections

# Answers and errors one after the other: one connection.

@scenario
def reuse():
    c = make()
    seen = []

    def add(raw):
        seen.append(raw.headers.get(CONNECTION))
        return raw.parse()

    def add_error(**options):
        try:
            ask(**options)
        except openai.APIStatusError as e:
            seen.append(header(e, CONNECTION))

    ask = c.chat.completions.with_raw_response.create

    for i in range(3):
        add(ask(model="sim-reuse", messages=user(f"Hello {i}")))
    for status in (400, 404, 429, 500, 503):
        add_error(model="sim-reuse", messages=user("Fail"),
                  extra_headers=sim(f"status={status}"))
    add_error(model="no-such-model", messages=user("Fail"),
              extra_headers=sim("status=404"))
    add(c.models.with_raw_response.list())
    add(c.embeddings.with_raw_response.create(model="sim-reuse", input="a"))
    return {"result": {"requests": len(seen), "known": None not in seen,
                       "reused": len(set(seen)) <= 2},
            "data": {"connections": len(set(seen))}}


# Many at once, whole and as streams: each gets what it asked for.

@scenario
def concurrent():
    async def one(c, i):
        if i % 2:
            r = await c.chat.completions.create(
                model="sim-many", messages=user(f"Number {i}"))
            return r.choices[0].message.content
        text = ""
        stream = await c.chat.completions.create(
            model="sim-many", messages=user(f"Number {i}"), stream=True,
            extra_headers=sim("rate=200"))
        async for chunk in stream:
            text += chunk.choices[0].delta.content or ""
        return text

    async def all_of_them():
        async with make(AsyncOpenAI) as c:
            return await asyncio.gather(*[one(c, i) for i in range(12)])

    texts = asyncio.run(all_of_them())
    expected = [chat("sim-many", f"Number {i}").choices[0].message.content
                for i in range(12)]
    return {"result": {"right": texts == expected,
                       "different": len(set(texts))},
            "data": {"texts": texts}}
