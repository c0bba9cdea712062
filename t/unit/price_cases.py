#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
#
# Prints t/unit/price_cases.h: what exchanges cost, reckoned with Python's
# whole numbers and fractions from the words of core/genai_price.h, token by
# token of what a prompt is made of, with nothing that the gateway does it with.
#
#     t/unit/price_cases.py > t/unit/price_cases.h

import json
import math
import random
from fractions import Fraction

PER_PRICE = 14
TOKENS_MAX = 2 ** 60
COST_MAX = 2 ** 63 - 1

PROMPT = 'input', 'cached', 'write_5m', 'write_1h', 'image', 'audio', \
    'cached_audio'
ANSWER = 'output', 'reasoning', 'audio_output'
OTHERWISE = {'cached': 'input', 'write_5m': 'input', 'write_1h': 'write_5m',
             'image': 'input', 'audio': 'input', 'cached_audio': 'cached',
             'reasoning': 'output', 'audio_output': 'output'}

# as genai_tokens_t has them
USAGE = ('prompt', 'cached', 'completion', 'reasoning', 'written_5m',
         'written_1h', 'image', 'audio', 'cached_audio', 'audio_output')

PRICES = [
    {'input': 2.5, 'cached': 1.25, 'output': 10},
    {'input': '0.15', 'cached': '0.075', 'output': '0.60'},
    {'input': 2.5, 'output': 10, 'audio': 40, 'audio_output': 80},
    {'input': 0.6, 'cached': 0.06, 'audio': 10, 'cached_audio': 0.3,
     'image': 0.8, 'output': 2.4, 'audio_output': 20},
    {'input': 3, 'cached': 0.3, 'write_5m': 3.75, 'write_1h': 6,
     'output': 15, 'tiers': [
         {'above': 200000, 'input': 6, 'cached': 0.6, 'write_5m': 7.5,
          'write_1h': 12, 'output': 22.5}]},
    {'input': 0.8, 'cached': 0.08, 'write_5m': 1, 'output': 4},
    {'input': 1.25, 'cached': 0.125, 'output': 10, 'tiers': [
        {'above': 200000, 'input': 2.5, 'cached': 0.25, 'output': 15}]},
    {'input': 0.3, 'cached': 0.03, 'audio': 1, 'cached_audio': 0.1,
     'output': 2.5},
    {'input': 1, 'output': 5, 'tiers': [
        {'above': 32000, 'input': 1.8, 'output': 9},
        {'above': 128000, 'input': 3}, {'above': 256000, 'output': 60}]},
    {'input': 0.4, 'output': 1.2, 'reasoning': 4},
    {'input': 1, 'output': 1, 'reasoning': 3, 'request': '0.005'},
    {'input': 0, 'output': 0},
    {'input': 0, 'output': 0, 'request': '0.000000001'},
    {'input': '0.000000001', 'output': '0.000000001'},
    {'input': '0.000000999', 'cached': '0.000000001',
     'output': '0.123456789'},
    {'input': 10000, 'output': 10000, 'request': 10000},
    {'input': '9999.999999999', 'cached': '0.000000001', 'output': 0},
    {'input': 1, 'cached': 2, 'output': 3},
    {'input': 7, 'output': 9, 'tiers': [
        {'above': 1, 'input': 5, 'output': 8},
        {'above': 2, 'cached': 1, 'reasoning': 11}]},
    {'input': 5, 'output': 0.1, 'image': 0, 'audio': 0, 'audio_output': 0},
    {'input': 0.333333333, 'cached': 0.111111111, 'output': 0.777777777,
     'request': 0.000000007},
    {'input': 75, 'cached': 37.5, 'output': 150},
    {'input': 15, 'cached': 1.5, 'write_5m': 18.75, 'write_1h': 30,
     'output': 75},
    {'input': 0.02},
    {'input': 0.13, 'image': 0.4, 'tiers': [
        {'above': 1000000000, 'input': 0.26}]},
]

# the last two are of embeddings
EMBEDDINGS = len(PRICES) - 2, len(PRICES) - 1


def dollars(n):
    return Fraction(n if isinstance(n, str) else repr(n))


def tier(price, prompt):
    """Rates in dollars for a million tokens."""

    said = {}
    tiers = [dict(price, above=-1)] + price.get('tiers', [])

    for t in tiers:
        if prompt > t['above']:
            said.update((k, dollars(v)) for k, v in t.items()
                        if k in PROMPT + ANSWER)

    def rate(kind):
        return said[kind] if kind in said else \
            rate(OTHERWISE[kind]) if kind in OTHERWISE else Fraction(0)

    return rate


def cost(price, usage):
    u = {k: min(max(n, 0), TOKENS_MAX) for k, n in usage.items()}
    written = [('write_5m', u['written_5m']), ('write_1h', u['written_1h'])]

    prompt = max(u['prompt'], u['cached'] + sum(n for _, n in written),
                 u['image'] + u['audio'])
    left = {'input': prompt - u['image'] - u['audio'], 'image': u['image'],
            'audio': u['audio']}
    rate = tier(price, prompt)
    total = Fraction(0)

    def lay(n, order, kind_of):
        nonlocal total

        for kind in order:
            part = min(n, left[kind])
            left[kind] -= part
            n -= part
            total += part * rate(kind_of(kind))

        return n

    heard = min(u['cached_audio'], u['cached'], u['audio'])
    assert lay(heard, ['audio'], lambda k: 'cached_audio') == 0
    assert lay(u['cached'] - heard, left,
               lambda k: 'cached_audio' if k == 'audio' else 'cached') == 0

    for kind, n in written:
        assert lay(n, left, lambda k: kind) == 0

    for kind in left:
        total += left[kind] * rate(kind)

    parts = u['reasoning'] + u['audio_output']
    total += u['reasoning'] * rate('reasoning')
    total += u['audio_output'] * rate('audio_output')
    total += (max(u['completion'], parts) - parts) * rate('output')

    # dollars of a million are micro-dollars of one: 1000 nano-dollars
    nano = math.ceil(total * 1000)
    nano += int(dollars(price.get('request', 0)) * 10 ** 9)

    return min(nano, COST_MAX)


def usages(r, price, i):
    none = dict.fromkeys(USAGE, 0)
    edges = [t['above'] for t in price.get('tiers', [])] or [200000]

    yield dict(none)
    yield dict(none, prompt=1, completion=1)
    yield dict(none, **{k: 2 ** 63 - 1 for k in USAGE})

    for edge in edges:
        for n in (edge, edge + 1):
            yield dict(none, prompt=n, cached=r.randrange(n + 1),
                       completion=r.randrange(10000),
                       reasoning=r.randrange(5000))

    # as providers tell it
    prompt = r.randrange(1, 10 ** r.randrange(2, 7))
    parts = sorted(r.randrange(prompt + 1) for _ in range(3))
    yield dict(none, prompt=prompt, cached=parts[0],
               written_5m=parts[1] - parts[0], written_1h=parts[2] - parts[1],
               completion=r.randrange(100000))

    audio = r.randrange(prompt + 1)
    yield dict(none, prompt=prompt, cached=r.randrange(prompt + 1),
               audio=audio, image=r.randrange(prompt - audio + 1),
               cached_audio=r.randrange(audio + 1),
               completion=5000, audio_output=r.randrange(5001))

    # more parts than there is of the whole
    yield dict(none, prompt=10, cached=1000, completion=5, reasoning=300)
    yield dict(none, prompt=10, image=30, audio=40, cached=60,
               written_5m=5, cached_audio=r.randrange(80))

    # whatever comes
    while True:
        top = r.choice((10, 1000, 400000, 10 ** 7, 10 ** 10, 2 ** 60, 2 ** 63))
        yield {k: r.choice((0, 0, r.randrange(top), r.randrange(top),
                            top - 1, -1)) for k in USAGE}


def case(i, usage):
    out = []
    line = '    { %d, {' % i

    for word in [str(usage[k]) + ',' for k in USAGE] \
            + ['GENAI_COUNT_PROVIDER },', '%d },' % cost(PRICES[i], usage)]:

        if len(line) + 1 + len(word) > 79:
            out.append(line)
            line = '       '

        line += ' ' + word

    return '\n'.join(out + [line])


def main():
    r = random.Random(2026)

    print('/*\n * SPDX-License-Identifier: Apache-2.0\n *\n'
          ' * Made by t/unit/price_cases.py: what exchanges cost.\n */\n\n')
    print('static const char  price_catalog[] =\n'
          '    "{\\"schema\\":1,\\"models\\":{"')

    for i, price in enumerate(PRICES):
        entry = {'price': price}

        if i in EMBEDDINGS:
            entry['kind'] = 'embedding'

        text = '"p%d":%s%s' % (i, json.dumps(entry, separators=(',', ':')),
                               ',' if i + 1 < len(PRICES) else '')

        # Python writes small fractions with an exponent
        text = text.replace('7e-09', '0.000000007')

        while text:
            piece, text = text[:50], text[50:]
            print('    "%s"' % piece.replace('"', '\\"'))

    print('    "}}";\n\n')
    print('static const struct {\n    int             price;\n'
          '    genai_tokens_t  tokens;\n    uint64_t        nano;\n'
          '} price_cases[] = {')

    for i, price in enumerate(PRICES):
        source = usages(r, price, i)

        for _ in range(PER_PRICE):
            print(case(i, next(source)))

    print('};')


main()
