# SPDX-License-Identifier: Apache-2.0
#
# What the provider answers: whole, as streams, in all shapes the SDK reads.

import json
import math
import time
from typing import List, Literal

import openai
from pydantic import BaseModel

from common import (chat, client, failure, fetch, is_id, joined, kinds, ledger,
                    make, scenario, sha, sim, usage_adds_up, user)

TOOLS = [{
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather \u2600 of a town",
        "strict": True,
        "parameters": {
            "type": "object",
            "properties": {
                "town": {"type": "string"},
                "unit": {"type": "string", "enum": ["\u00b0C", "\u00b0F"]},
            },
            "required": ["town", "unit"],
            "additionalProperties": False,
        },
    },
}]


# ---- chat

@scenario
def chat_text():
    raw = client.chat.completions.with_raw_response.create(
        model="sim-chat", messages=user("Hello"),
        extra_headers=sim("header=x-anything:1 header=Set-Cookie:a=b "
                          "header=x-ratelimit-limit-requests:60"))
    r = raw.parse()
    choice = r.choices[0]
    return {
        "result": {
            "status": raw.status_code,
            "type": raw.headers["content-type"],
            "object": r.object,
            "model": r.model,
            "choices": len(r.choices),
            "role": choice.message.role,
            "words": len(choice.message.content.split(" ")),
            "refusal": choice.message.refusal,
            "finish": choice.finish_reason,
            "completion_tokens": r.usage.completion_tokens,
            "adds_up": usage_adds_up(r.usage),
            "id": r.id.startswith("chatcmpl-"),
            "request_id": (r._request_id or "").startswith("req_"),
        },
        "data": {"text": choice.message.content,
                 "usage": r.usage.model_dump()},
        "own": {
            "id": is_id(raw.headers.get("x-genai-request-id")),
            "headers": sorted(raw.headers),
        },
    }


@scenario
def chat_n():
    r = chat("sim-n", "Three answers", "tokens=5", n=3)
    texts = [choice.message.content for choice in r.choices]
    return {
        "result": {
            "indexes": [choice.index for choice in r.choices],
            "different": len(set(texts)),
            "completion_tokens": r.usage.completion_tokens,
        },
        "data": {"texts": texts},
    }


@scenario
def chat_length():
    a = chat("sim-length", "Long", max_tokens=5)
    b = chat("sim-length", "Long", max_completion_tokens=7)
    c = chat("sim-length", "Long", max_tokens=16)
    texts = [r.choices[0].message.content for r in (a, b, c)]
    return {
        "result": {
            "finish": [r.choices[0].finish_reason for r in (a, b, c)],
            "words": [len(text.split(" ")) for text in texts],
            "tokens": [r.usage.completion_tokens for r in (a, b, c)],
        },
        "data": {"texts": texts},
    }


@scenario
def chat_roles():
    texts = []
    for role in ("system", "developer"):
        r = client.chat.completions.create(model="sim-roles", messages=[
            {"role": role, "content": "Be brief."},
            {"role": "user", "name": "ann", "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url",
                 "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
            ]},
            {"role": "assistant", "content": "A picture."},
            {"role": "user", "content": "Of what?"},
        ])
        texts.append(r.choices[0].message.content)
    return {"result": {"different": len(set(texts))},
            "data": {"texts": texts}}


@scenario
def chat_large():
    text = "L\u00f6rem ipsum \u4e16\u754c \U0001f389 \"quoted\"\t" * 6000
    r = chat("sim-large", text, "tokens=20000")
    answer = r.choices[0].message.content
    chunks = list(chat("sim-large", text, "tokens=1000", stream=True))
    return {
        "result": {
            "tokens": r.usage.completion_tokens,
            "words": len(answer.split(" ")),
            "chunks": len(chunks),
            "same_start": answer.startswith(joined(chunks)),
        },
        "data": {"text": sha(answer)},
    }


@scenario
def chat_gzip():
    r = chat("sim-gzip", "Pack it", "gzip=on")
    return {"result": {"finish": r.choices[0].finish_reason},
            "data": {"text": r.choices[0].message.content}}


# what is sent is what the provider gets, but for what must not reach it

@scenario
def request_bytes():
    c = make(organization="org-client", project="proj-client",
             default_headers={"cookie": "session=client",
                              "idempotency-key": "key-1",
                              "OpenAI-Beta": "thing=v2"})
    raw = c.chat.completions.with_raw_response.create(
        model="sim-bytes",
        messages=user("Gr\u00fc\u00dfe \u4e16\u754c \U0001f389 \"\\/\n"),
        temperature=0.1, seed=12345, metadata={"a": "b"},
        extra_body={"x_unknown": {"deep": [1.50, 1e3, None, "\x7f"]}})
    sent = raw.http_request.content
    got = fetch("/last?part=body")
    head = {}
    for line in fetch("/last?part=head").decode().split("\r\n")[1:]:
        name, _, value = line.partition(": ")
        head[name.lower()] = value
    return {
        "result": {
            "same_bytes": sent == got and len(got) > 100,
            "content_type": head.get("content-type"),
            "user_agent": head.get("user-agent", "").startswith("OpenAI/"),
            "idempotency": head.get("idempotency-key"),
            "beta": head.get("openai-beta"),
        },
        "data": {"sent": sha(sent)},
        "own": {
            "authorization": head.get("authorization"),
            "organization": head.get("openai-organization"),
            "project": head.get("openai-project"),
            "cookie": head.get("cookie"),
            "stainless": any(n.startswith("x-stainless") for n in head),
        },
    }


# ---- streams

@scenario
def stream_text():
    whole = chat("sim-stream", "Tell me")
    stream = chat("sim-stream", "Tell me", stream=True)
    with stream:
        chunks = list(stream)
    return {
        "result": {
            "type": stream.response.headers["content-type"],
            "chunks": len(chunks),
            "kinds": kinds(chunks),
            "ids": len({chunk.id for chunk in chunks}),
            "objects": sorted({chunk.object for chunk in chunks}),
            "usages": len([1 for chunk in chunks if chunk.usage]),
            "same_text": joined(chunks) == whole.choices[0].message.content,
        },
        "data": {"pieces": [chunk.choices[0].delta.content
                            for chunk in chunks]},
        "own": {
            "id": is_id(stream.response.headers.get("x-genai-request-id")),
        },
    }


@scenario
def stream_usage():
    chunks = list(chat("sim-stream", "Tell me", "tokens=4", stream=True,
                       stream_options={"include_usage": True}))
    usage = chunks[-1].usage
    return {
        "result": {
            "kinds": kinds(chunks),
            "usages": len([1 for chunk in chunks if chunk.usage]),
            "completion_tokens": usage.completion_tokens,
            "adds_up": usage_adds_up(usage),
        },
        "data": {"usage": usage.model_dump()},
    }


@scenario
def stream_n():
    chunks = list(chat("sim-stream", "Two", "tokens=3", n=2, stream=True))
    return {
        "result": {
            "indexes": [chunk.choices[0].index for chunk in chunks],
            "different": joined(chunks, 0) != joined(chunks, 1),
        },
        "data": {"texts": [joined(chunks, 0), joined(chunks, 1)]},
    }


@scenario
def stream_length():
    chunks = list(chat("sim-stream", "Long", stream=True, max_tokens=3))
    return {"result": {"kinds": kinds(chunks), "chunks": len(chunks)}}


# the first words are there while the provider still writes

@scenario
def stream_early():
    stream = chat("sim-early", "Slowly", "tokens=10 rate=8", stream=True)
    row = None
    chunks = []
    times = []
    for chunk in stream:
        chunks.append(chunk)
        times.append(time.monotonic())
        if row is None and kinds([chunk]) == ["content"]:
            row = ledger("sim-early")[0]
    return {"result": {
        "end_at_first": row["end"],
        "all_written_at_first": row["tokens_written"] >= 10,
        "spread": times[-1] - times[0] > 0.6,
        "kinds": kinds(chunks),
    }}


@scenario
def stream_bytewise():
    chunks = list(chat("sim-bytewise", "By bytes",
                       "tokens=3 bytewise=0ms", stream=True))
    return {"result": {"kinds": kinds(chunks), "chunks": len(chunks)},
            "data": {"text": joined(chunks)}}


@scenario
def stream_helper():
    names = []
    text = ""
    with client.chat.completions.stream(
            model="sim-helper", messages=user("Help"),
            stream_options={"include_usage": True}) as stream:
        for event in stream:
            if not names or names[-1] != event.type:
                names.append(event.type)
            if event.type == "content.delta":
                text += event.delta
        final = stream.get_final_completion()
    return {
        "result": {
            "same_text": final.choices[0].message.content == text != "",
            "finish": final.choices[0].finish_reason,
            "completion_tokens": final.usage.completion_tokens,
        },
        "data": {"text": text, "events": names},
    }


# ---- tools

def weather(call):
    arguments = json.loads(call.function.arguments)
    return {
        "name": call.function.name,
        "type": call.type,
        "id": call.id.startswith("call_"),
        "arguments": sorted(arguments),
        "unit": arguments["unit"],
    }


@scenario
def tools():
    messages = user("How is the weather?")
    r = client.chat.completions.create(model="sim-tools", messages=messages,
                                       tools=TOOLS)
    choice = r.choices[0]
    call = choice.message.tool_calls[0]

    messages.append(choice.message)
    messages.append({"role": "tool", "tool_call_id": call.id,
                     "content": json.dumps({"degrees": 21})})
    second = client.chat.completions.create(model="sim-tools",
                                            messages=messages, tools=TOOLS)

    forced = client.chat.completions.create(
        model="sim-tools", messages=user("Hello"), tools=TOOLS,
        tool_choice={"type": "function",
                     "function": {"name": "get_weather"}})
    none = client.chat.completions.create(
        model="sim-tools", messages=user("Hello"), tools=TOOLS,
        tool_choice="none")
    return {
        "result": {
            "finish": choice.finish_reason,
            "content": choice.message.content,
            "calls": len(choice.message.tool_calls),
            "call": weather(call),
            "second": second.choices[0].finish_reason,
            "second_calls": second.choices[0].message.tool_calls,
            "forced": forced.choices[0].finish_reason,
            "none": none.choices[0].finish_reason,
        },
        "data": {"arguments": call.function.arguments,
                 "none": none.choices[0].message.content},
    }


@scenario
def tools_stream():
    chunks = list(client.chat.completions.create(
        model="sim-tools", messages=user("How is the weather?"), tools=TOOLS,
        stream=True))
    calls = [call for chunk in chunks for choice in chunk.choices
             for call in choice.delta.tool_calls or []]
    first = calls[0]
    first.function.arguments = "".join(call.function.arguments
                                       for call in calls)

    with client.chat.completions.stream(
            model="sim-tools", messages=user("How is the weather?"),
            tools=TOOLS) as stream:
        stream.until_done()
        final = stream.get_final_completion()
    return {
        "result": {
            "kinds": kinds(chunks),
            "call": weather(first),
            "pieces": len(calls) > 2,
            "helper": weather(final.choices[0].message.tool_calls[0]),
        },
        "data": {"arguments": first.function.arguments},
    }


# ---- structured output

class Step(BaseModel):
    explanation: str
    weight: float


class Lesson(BaseModel):
    greeting: Literal["Gr\u00fc\u00dfe \u4e16\u754c \U0001f389", "Hello"]
    pages: int
    done: bool
    steps: List[Step]


def lesson(value):
    return {
        "greeting": value.greeting,
        "pages": type(value.pages) is int,
        "done": type(value.done) is bool,
        "steps": all(type(step) is Step for step in value.steps),
    }


@scenario
def structured():
    r = client.chat.completions.parse(
        model="sim-structured", messages=user("Teach me"),
        response_format=Lesson)
    message = r.choices[0].message
    short = None
    try:
        client.chat.completions.parse(
            model="sim-structured", messages=user("Teach me"), max_tokens=2,
            response_format=Lesson)
    except openai.LengthFinishReasonError as error:
        short = type(error).__name__
    return {
        "result": {"parsed": lesson(message.parsed),
                   "refusal": message.refusal, "short": short},
        "data": {"text": message.content},
    }


@scenario
def structured_stream():
    with client.chat.completions.stream(
            model="sim-structured", messages=user("Teach me"),
            response_format=Lesson) as stream:
        stream.until_done()
        message = stream.get_final_completion().choices[0].message
    return {"result": {"parsed": lesson(message.parsed)},
            "data": {"text": message.content}}


# ---- embeddings

def near(a, b):
    return len(a) == len(b) and all(abs(x - y) < 1e-6 for x, y in zip(a, b))


def norm(vector):
    return round(math.sqrt(sum(x * x for x in vector)), 4)


@scenario
def embeddings():
    def embed(value, **options):
        return client.embeddings.create(model="sim-embeddings", input=value,
                                        **options)

    one = embed("first")
    listed = embed(["first", "second \u4e16", "first"])
    floats = embed(["first", "second \u4e16"], encoding_format="float")
    base64 = embed("first", encoding_format="base64")
    long = embed("first", dimensions=256)
    tokens = embed([1, 2, 3])
    many = embed([[1, 2], [3]])
    a, b, c = [item.embedding for item in listed.data]
    return {
        "result": {
            "object": one.object,
            "model": one.model,
            "one": [len(one.data), len(one.data[0].embedding)],
            "norm": norm(one.data[0].embedding),
            "indexes": [item.index for item in listed.data],
            "same_text": near(a, c) and near(a, one.data[0].embedding),
            "other_text": near(a, b),
            "floats": [near(a, floats.data[0].embedding),
                       near(b, floats.data[1].embedding)],
            "base64": type(base64.data[0].embedding).__name__ == "str",
            "dimensions": len(long.data[0].embedding),
            "tokens": [len(tokens.data), len(many.data)],
            "usage": one.usage.prompt_tokens == one.usage.total_tokens > 0,
        },
        "data": {"vectors": [[format(x, ".6f") for x in v]
                             for v in (a, b, long.data[0].embedding)],
                 "base64": base64.data[0].embedding},
    }


# ---- completions

@scenario
def completions():
    r = client.completions.create(model="sim-completions", prompt="Once")
    two = client.completions.create(model="sim-completions", max_tokens=4,
                                    prompt=["Once", "upon"], n=2)
    return {
        "result": {
            "object": r.object,
            "finish": r.choices[0].finish_reason,
            "words": len(r.choices[0].text.split(" ")),
            "indexes": [choice.index for choice in two.choices],
            "finishes": sorted({choice.finish_reason
                                for choice in two.choices}),
            "tokens": [r.usage.completion_tokens,
                       two.usage.completion_tokens],
        },
        "data": {"texts": [choice.text for choice in
                           r.choices + two.choices]},
    }


@scenario
def completions_stream():
    whole = client.completions.create(model="sim-completions", prompt="Once")
    chunks = list(client.completions.create(
        model="sim-completions", prompt="Once", stream=True,
        stream_options={"include_usage": True}))
    text = "".join(chunk.choices[0].text for chunk in chunks if chunk.choices)
    return {
        "result": {
            "chunks": len(chunks),
            "finish": [chunk.choices[0].finish_reason for chunk in chunks
                       if chunk.choices][-1],
            "usage": chunks[-1].usage.completion_tokens,
            "same_text": text == whole.choices[0].text,
        },
        "data": {"text": text},
    }


# ---- models

@scenario
def models():
    listed = client.models.list()
    one = client.models.retrieve("gpt-4o")
    error, e = failure(lambda: client.models.retrieve("no-such-model"))
    return {
        "result": {
            "objects": sorted({model.object for model in listed.data}),
            "one": [one.id, one.object],
        },
        "own": {
            "names": [model.id for model in listed],
            "error": error,
        },
    }
