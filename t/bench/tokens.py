# SPDX-License-Identifier: Apache-2.0
#
# tokens.py: how fast tokens are counted, by ours and by others, all on one
# core, in one run, on the same texts.  Prints a table and writes
# build/bench-tokens.json.
#
# No text comes twice, or a cache of whole pieces would be all that is
# measured: each is cut into slices, which go to everybody in turn, who is
# first changing each time.  A turn is two slices: the first brings back what
# the others have driven out of the processor's caches, the second is measured;
# the first turns are not.  Time is the processor's, of the whole process,
# without reading the text.  Whoever counts another number of tokens than ours
# is said to do so.

import argparse
import collections
import glob
import json
import os
import platform
import random
import selectors
import statistics
import struct
import subprocess
import sys
import time


HERE = os.path.dirname(os.path.abspath(__file__))
MB = 1 << 20

# slices of a text, and how many of them only warm up
SLICES, WARM = 24, 4

# one slice at most, seconds of wall time
PATIENCE = 30

RUST = ['fastokens', 'tokenizers', 'tiktoken-crate', 'toktok-rs', 'splintr',
        'wordchipper', 'bpe-openai', 'riptoken', 'tiktoken-rs', 'kitoken']
PYTHON = ['tiktoken', 'gigatoken', 'quicktok', 'rs-bpe']

RIVALS = {
    'o200k_base': PYTHON + RUST,
    'cl100k_base': PYTHON + RUST,
    'qwen3': ['tokenizers-py', 'gigatoken', 'quicktok', 'tokenizers',
              'fastokens', 'splintr', 'kitoken'],
    'gemma3': ['tokenizers-py', 'gigatoken', 'tokenizers'],
    'mistral_v3': ['sentencepiece', 'gigatoken'],
}

LANGUAGES = ['english', 'code', 'chinese']


class Runner:
    """A program that counts, see tokens_runner.py."""

    def __init__(self, name, command, core):
        self.name = name
        self.gone = None
        env = dict(os.environ, RAYON_NUM_THREADS='1',
                   TOKENIZERS_PARALLELISM='false', OMP_NUM_THREADS='1')
        self.process = subprocess.Popen(
            ['taskset', '-c', str(core), *command], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env)

    def count(self, text):
        """Tokens and seconds, or None."""

        if self.gone:
            return None

        p = self.process

        try:
            p.stdin.write(struct.pack('<I', len(text)) + text)
            p.stdin.flush()
        except OSError:
            return self.end('does not run')

        with selectors.DefaultSelector() as s:
            s.register(p.stdout, selectors.EVENT_READ)

            if not s.select(PATIENCE):
                return self.end(f'more than {PATIENCE} s')

        line = p.stdout.readline().split()

        if len(line) != 2:
            return self.end('failed')

        return int(line[0]), int(line[1]) / 1e9

    def memory(self):
        """Megabytes of memory of its own, that is not of a file."""

        try:
            with open(f'/proc/{self.process.pid}/status') as f:
                size = {k: int(v.split()[0]) for k, v in (
                    line.split(':', 1) for line in f) if k.startswith('Rss')}
        except (OSError, ValueError):
            return None

        return size.get('RssAnon', 0) / 1024

    def end(self, why):
        self.gone = why
        self.process.kill()
        self.process.wait()


def commands(options, encoding):
    folder = options.cache + '/vocabs'
    vocab = f'{options.vocabs}/{encoding}.vocab'

    yield 'ours', [options.tool, '-e', vocab, '--batch', '--times']

    for name in RIVALS[encoding]:
        if name in RUST:
            if os.path.exists(options.rivals):
                yield name, [options.rivals, name, encoding, folder]
        else:
            yield name, [sys.executable, HERE + '/tokens_runner.py', name,
                         encoding, folder]


def cut(raw, n):
    """n slices in UTF-8, in an order by chance."""

    text = raw.decode('utf-8')
    size = len(text) // n
    slices = [text[i * size:(i + 1) * size].encode() for i in range(n)]
    random.Random(5).shuffle(slices)

    return slices


def worst(raw):
    """Texts of one kind, none a part of another where that can be."""

    text = raw.decode('utf-8')

    if len(set(text)) == 1:
        return [text[i:].encode() for i in range(6)]

    size = len(text) // 6

    return [text[i * size:(i + 1) * size].encode() for i in range(6)]


def measure(options, encoding, slices, warm):
    """{runner: {times, tokens, why}} of a text."""

    runners = [Runner(n, c, options.core)
               for n, c in commands(options, encoding)]
    times = collections.defaultdict(list)
    tokens = collections.defaultdict(list)

    for i in range(0, len(slices), 2):
        k = i // 2 % len(runners)

        for r in runners[k:] + runners[:k]:
            for text in slices[i:i + 2]:
                result = r.count(text)

                if result:
                    tokens[r.name].append(result[0])

            if result and i >= warm:
                times[r.name].append((len(text), result[1]))

    sizes = {r.name: r.memory() for r in runners}

    for r in runners:
        if not r.gone:
            r.process.stdin.close()
            r.process.wait()

    if runners[0].gone:
        raise SystemExit(f'{encoding}: ours {runners[0].gone}')

    ours = tokens['ours']
    out = {}

    for r in runners:
        ratios = [b / a for (_, a), (_, b) in zip(times['ours'],
                                                 times[r.name])]
        size = sum(n for n, _ in times[r.name])
        spent = sum(s for _, s in times[r.name])
        rates = [n / s / 1e6 for n, s in times[r.name]]
        done = not r.gone and bool(rates)

        out[r.name] = {
            'mbs': size / spent / 1e6 if done else None,
            'median': statistics.median(rates) if done else None,
            'min': min(rates) if done else None,
            'max': max(rates) if done else None,
            'ratio': statistics.median(ratios) if done else None,
            'anonymous_mb': sizes[r.name],
            'tokens': sum(tokens[r.name]),
            'same': tokens[r.name] == ours if done else None,
            'why': r.gone,
        }

    return out


def show(encoding, name, result):
    print(f'\n{encoding}, {name}')

    for who, r in sorted(result.items(),
                         key=lambda x: -(x[1]['mbs'] or 0)):
        if r['mbs'] is None:
            print(f'  {who:16} {r["why"]}')
        else:
            print(f'  {who:16} {r["mbs"]:8.1f} MB/s  {r["min"]:7.1f} -'
                  f' {r["max"]:7.1f}   ours is {r["ratio"]:7.2f} times as fast'
                  f' {r["anonymous_mb"] or 0:6.0f} MB'
                  f'{"" if r["same"] else "   COUNTS ANOTHER NUMBER"}')

    sys.stdout.flush()


def processor():
    with open('/proc/cpuinfo') as f:
        for line in f:
            if line.startswith('model name'):
                return line.split(':')[1].strip()

    return platform.machine()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--cache', required=True)
    parser.add_argument('--rivals', required=True)
    parser.add_argument('--tool', default='build/genai-tokens')
    parser.add_argument('--vocabs', default='build/data')
    parser.add_argument('--core', type=int, default=(os.cpu_count() or 1) - 1)
    parser.add_argument('--json', default='build/bench-tokens.json')
    parser.add_argument('--quick', action='store_true',
                        help='one encoding, no worst cases')
    parser.add_argument('encodings', nargs='*')
    options = parser.parse_args()
    report = {'processor': processor(), 'time': time.time(), 'results': {}}

    if not os.path.exists(options.rivals):
        print('the rivals of Rust are left out: there is no cargo, or it '
              'could not build them')

    for encoding in options.encodings or (
            ['o200k_base'] if options.quick else RIVALS):

        if not os.path.exists(f'{options.vocabs}/{encoding}.vocab'):
            print(f'{encoding}: left out, there is no {encoding}.vocab')
            continue

        results = report['results'][encoding] = {}
        paths = [f'{options.cache}/texts/{n}.txt' for n in LANGUAGES]

        if encoding == 'o200k_base' and not options.quick:
            paths += sorted(set(glob.glob(options.cache + '/texts/*.txt'))
                            - set(paths))

        for path in paths:
            name = os.path.basename(path)[:-4]

            with open(path, 'rb') as f:
                raw = f.read()

            if name in LANGUAGES:
                result = measure(options, encoding, cut(raw, SLICES),
                                 WARM)
            else:
                result = measure(options, encoding, worst(raw), 2)

            results[name] = result
            show(encoding, name, result)

    summary(report)

    with open(options.json, 'w') as f:
        json.dump(report, f, indent=1)


def summary(report):
    """What is asked for, and whether it is so."""

    wanted = {'english': 120, 'code': 80}
    print()

    for encoding, results in report['results'].items():
        for name, result in results.items():
            ours = result['ours']['mbs'] or 0
            rivals = {w: r for w, r in result.items()
                      if w != 'ours' and r['ratio'] and r['same']}
            line = f'{encoding} {name}: {ours:.0f} MB/s'

            if name in wanted or name not in LANGUAGES:
                least = wanted.get(name, 10)
                line += f' (at least {least}: ' \
                        f'{"yes" if ours >= least else "NO"})'

            if rivals:
                best = min(rivals, key=lambda w: rivals[w]['ratio'])
                line += f', {rivals[best]["ratio"]:.2f} times {best}'

                if 'tiktoken' in rivals:
                    line += f', {rivals["tiktoken"]["ratio"]:.1f} times ' \
                            'tiktoken'

            print(line)


main()
