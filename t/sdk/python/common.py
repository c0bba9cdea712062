# SPDX-License-Identifier: Apache-2.0
#
# What the scenarios of OpenAI's SDK for Python share.

import hashlib
import json
import os
import time
import urllib.request

import openai
from openai import OpenAI

BASE_URL = os.environ["BASE_URL"]
AUTH_URL = os.environ["AUTH_URL"]
SIM_URL = os.environ["SIM_URL"]
CONNECTION = os.environ["CONNECTION"]

KEY = "sk-client-0123456789"

scenarios = {}


def scenario(f):
    scenarios[f.__name__] = f
    return f


def make(cls=OpenAI, **options):
    options = {"base_url": BASE_URL, "api_key": KEY, "max_retries": 0,
               "timeout": 30, **options}
    return cls(**options)


client = make()


def user(text):
    return [{"role": "user", "content": text}]


def sim(line):
    return {"x-genai-sim": line}


def sha(text):
    if isinstance(text, str):
        text = text.encode()
    return hashlib.sha256(text).hexdigest()


def fetch(path, body=None):
    request = urllib.request.Request(SIM_URL + path)
    if body:
        request.data = json.dumps(body, separators=(",", ":")).encode()
        request.add_header("content-type", "application/json")
    with urllib.request.urlopen(request, timeout=10) as r:
        return r.read()


# what the provider has in its record of a model

def ledger(model):
    return [row for row in json.loads(fetch("/ledger"))
            if row["model"] == model]


def wait_for(check, seconds=10):
    end = time.monotonic() + seconds
    while True:
        value = check()
        if value or time.monotonic() > end:
            return value
        time.sleep(0.02)


def ends(model, n):
    """How the provider's last n answers ended, when all have."""
    wait_for(lambda: len(ledger(model)) >= n
             and all(row["end"] != "open" for row in ledger(model)))
    return [row["end"] for row in ledger(model)]


def failure(call):
    """The error that a call ends with: what is told of it, and the error."""
    try:
        call()
    except openai.APIError as e:
        return {
            "class": type(e).__name__,
            "status": getattr(e, "status_code", None),
            "code": e.code,
            "type": e.type,
            "param": e.param,
        }, e
    except Exception as e:
        return {"class": type(e).__name__, "message": str(e)}, e
    return {"class": None}, None


def header(e, name):
    response = getattr(e, "response", None)
    return response.headers.get(name) if response is not None else None


def is_id(value):
    return bool(value) and len(value) >= 16 and value.isalnum()


def chat(model, text, line="", c=client, **options):
    return c.chat.completions.create(model=model, messages=user(text),
                                     extra_headers=sim(line), **options)


def usage_adds_up(usage):
    return (usage.prompt_tokens > 0 and usage.total_tokens
            == usage.prompt_tokens + usage.completion_tokens)


def kinds(chunks):
    """The steps of a stream, equal ones that follow each other once."""
    seen = []
    for chunk in chunks:
        if not chunk.choices:
            kind = "usage" if chunk.usage else "nothing"
        elif chunk.choices[0].finish_reason:
            kind = chunk.choices[0].finish_reason
        elif chunk.choices[0].delta.role:
            kind = chunk.choices[0].delta.role
        elif chunk.choices[0].delta.tool_calls:
            kind = "arguments"
        else:
            kind = "content"
        if not seen or seen[-1] != kind:
            seen.append(kind)
    return seen


def joined(chunks, index=0):
    return "".join(choice.delta.content or "" for chunk in chunks
                   for choice in chunk.choices if choice.index == index)
