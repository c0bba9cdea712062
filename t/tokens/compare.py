# SPDX-License-Identifier: Apache-2.0
#
# compare.py [-n COUNT] [-s SEED] [-t TOOL] [-v FOLDER] [NAME...]
#
# Compares our tokens with those of the reference implementations, id by id:
# the texts of t/tokens, all declarations as a whole, each code point of
# Unicode in several surroundings, all combinations of some characters, COUNT
# random texts per encoding of OpenAI and a tenth of that for the others.  And
# ours with ours: texts that come in pieces.

import argparse
import glob
import itertools
import os
import struct
import subprocess
import sys
import threading
import time

from refs import NAMES, OPENAI, decode, package, packed, reference
from texts import chunks, entries, expand, random_texts
from udhr import whole


HERE = os.path.dirname(os.path.abspath(__file__))
BATCH = 4000

# longer than that of a stream's text is not kept, see GENAI_COUNTER_TAIL
PIECE = 60000


class Tool:
    """genai-tokens --batch"""

    def __init__(self, tool, encoding, *options):
        self.process = subprocess.Popen(
            [tool, '-e', encoding, '--batch', *options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.ids = '--ids' in options

    def send(self, texts):
        try:
            for t in texts:
                self.process.stdin.write(struct.pack('<I', len(t)))
                self.process.stdin.write(t)

            self.process.stdin.write(b'\xff\xff\xff\xff')
            self.process.stdin.flush()

        except BrokenPipeError:
            pass

    def receive(self, texts):
        """A list of what was said of each: packed ids, or a number."""

        out, read = [], self.process.stdout.read

        for _ in texts:
            head = read(4)

            if len(head) < 4:
                return None

            n, = struct.unpack('<I', head)
            out.append(read(4 * n) if self.ids else n)

        return out

    def end(self):
        self.process.stdin.close()

        if self.process.wait() != 0:
            raise SystemExit('genai-tokens failed')


class Comparison:

    def __init__(self, options, name):
        vocab = os.path.join(options.vocabs, name + '.vocab')
        self.name = name
        self.reference = reference(name)
        self.ours = Tool(options.tool, vocab, '--ids')
        self.counts = Tool(options.tool, vocab)
        self.stream = Tool(options.tool, vocab, '--pieces', str(options.seed))
        self.texts = self.size = self.bad = 0

    def differs(self, what, text, got, want):
        self.bad += 1

        if self.bad <= 10:
            print(f'{self.name}: {what}: {text[:300]!r}\n   got {got}\n'
                  f'  want {want}', flush=True)

    def batch(self, what, texts):
        tools = [self.ours, self.counts, self.stream]
        streamed = [t for t in texts if len(t) < PIECE]
        threads = [threading.Thread(target=t.send, args=(x,))
                   for t, x in zip(tools, [texts, texts, streamed])]
        results = [None] * 3

        def receive(i, of):
            results[i] = tools[i].receive(of)

        threads += [threading.Thread(target=receive, args=(i, x))
                    for i, x in ((0, texts), (1, texts), (2, streamed))]

        for t in threads:
            t.start()

        wanted = self.reference.batch([decode(t) for t in texts])

        for t in threads:
            t.join()

        if None in results:
            raise SystemExit(f'{self.name}: genai-tokens has ended early')

        ours, counts, pieces = results
        pieces = iter(pieces)

        for text, ids, count, want in zip(texts, ours, counts, wanted):
            if ids != packed(want):
                self.differs(what, text,
                             struct.unpack(f'<{len(ids) // 4}I', ids), want)

            if count != len(want):
                self.differs(what + ', counted', text, count, len(want))

            if len(text) < PIECE:
                n = next(pieces)

                if n != len(want):
                    self.differs(what + ', in pieces', text, n, len(want))

        self.texts += len(texts)
        self.size += sum(len(t) for t in texts)

    def all(self, what, texts):
        texts = iter(texts)

        while batch := list(itertools.islice(texts, BATCH)):
            self.batch(what, batch)

    def end(self):
        for tool in (self.ours, self.counts, self.stream):
            tool.end()


def code_points():
    for c in range(0x110000):
        if not 0xd800 <= c <= 0xdfff:
            x = chr(c).encode('utf-8')

            yield from (x, b'a' + x + b'b', b' %b%b1.%b\n A%b\'s \n%b  Z/%b'
                        % (x, x, x, x, x, x))


COMBINATIONS = [
    (5, ['a', 'B', '1', ' ', '\n', "'", '.', 's', '\u0301', '\u00a0']),
    (6, ['a', ' ', '\n', '\r', '\t', '/']),
    (5, ['A', 'a', '\u01c5', '\u02b0', '\u05d0', '\u0301', "'", 's']),
    (4, ['a', ' ', '\u2581', '\n', '<', '>', '1', '\u4e2d', '\u200d', '\0',
         '\ufeff']),
    (8, [' ', 'a', '\n']), (12, ['a', ' ']), (12, ['a', 'A']), (7, ['1', 'a',
    ' ']),
    (5, ['\u4e2d', '\u3042', '\u30a2', 'a', '\uff0c', ' ', '1', '!']),
    (5, ['a', '\u0301', '\u0323', '\u00e9', '\u1100', '\u1161', '\u11a8']),
]


def combinations():
    for n, items in COMBINATIONS:
        for t in itertools.product([i.encode('utf-8') for i in items],
                                   repeat=n):
            yield b''.join(t)


def random_all(count, seed):
    """The kinds of random texts of texts.txt in turn, and bytes."""

    kinds = [(f[0], int(f[2].split(' ')[2]), chunks(f[3]))
             for f in entries(HERE + '/texts.txt')
             if f[0].startswith('random/')]
    raw = [bytes([b]) for b in range(256)]
    raw += [b'\xf0\x9f', b'\xe2\x82', b'\xe2\x82\xac', b'\xf0\x9f\x98\x80',
        b'a',
            b' ', b'\xed\xa0', b'\xc3', b'\xa9', b'\xf4\x90'] * 8
    kinds.append(('random/bytes', 16, raw))

    streams = [random_texts(seed * 1000 + i, count, most * (1 + i % 3), choice)
               for i, (_, most, choice) in enumerate(kinds)]

    for _, (kind, stream) in zip(range(count), itertools.cycle(
            zip(kinds, streams))):
        yield next(stream)


def long_texts(seed):
    """Of the kinds of texts.txt that are long, and all kinds in a row."""

    for i, f in enumerate(entries(HERE + '/texts.txt')):
        if f[1] == 'z':
            long = f[0].startswith('long/')
            most = int(f[2].split(' ')[2])
            texts = random_texts(seed * 1000 + 500 + i, 20 if long else 2000,
                                 most, chunks(f[3]))

            if long:
                yield from texts
            else:
                yield b' '.join(texts)


def compare(options, name):
    c = Comparison(options, name)
    start = time.time()

    for fields in entries(HERE + '/texts.txt'):
        c.all(fields[0], expand(fields))

    c.all('udhr', (whole(p).encode('utf-8') for p in sorted(
        glob.glob(package('udhr/declaration/*.html')))))
    c.all('code points', code_points())
    c.all('combinations', combinations())
    c.all('long', long_texts(options.seed))
    count = options.count if name in OPENAI else options.count // 10
    c.all('random', random_all(count, options.seed))
    c.end()

    print(f'{name}: {c.texts} texts, {c.size / 1e6:.0f} MB, of these {count}'
          f' random; {c.bad} differ from {c.reference.version}'
          f' ({time.time() - start:.0f} s)', flush=True)

    return c.bad


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('-n', dest='count', type=int, default=1000000)
    parser.add_argument('-s', dest='seed', type=int, default=1)
    parser.add_argument('-t', dest='tool', default='build/genai-tokens')
    parser.add_argument('-v', dest='vocabs', default='build/data')
    parser.add_argument('names', nargs='*')
    options = parser.parse_args()
    bad = skipped = 0

    for name in options.names or NAMES:
        if not os.path.exists(os.path.join(options.vocabs, name + '.vocab')):
            print(f'{name}: skipped, there is no {name}.vocab in '
                  f'{options.vocabs}: make data', flush=True)
            skipped += 1
            continue

        bad += compare(options, name)

    print(f'{bad} differences, {skipped} skipped')
    sys.exit(1 if bad or (skipped and options.names) else 0)


main()
