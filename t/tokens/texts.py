# SPDX-License-Identifier: Apache-2.0
#
# Reads and expands t/tokens/texts.txt.  A line is one entry, its fields are
# separated by tabs:
#
#   NAME  t  TEXT              this text
#   NAME  r  N  TEXT           N times this text, in a row
#   NAME  u  FIRST LAST  TEXT  each code point from FIRST to LAST, but for
#                              surrogates, and TEXT behind each
#   NAME  x  N  CHUNK...       all texts of N chunks, the last turning fastest
#   NAME  z  SEED COUNT MAX  CHUNK...   COUNT random texts of 1 to MAX draws
#
# In TEXT and CHUNK, \xHH is a byte, \\ a backslash; nothing else is escaped.
# CHUNKs are separated by blanks; {HEX-HEX} is any code point of a range.
# Numbers are decimal, code points hexadecimal.
#
# t/unit/test_tokens.c reads the same format, with the same random numbers.

import itertools
import re

import numpy


GAMMA = 0x9e3779b97f4a7c15
MASK = (1 << 64) - 1
BLOCK = 1 << 16


def unescape(text):
    """The bytes that an escaped text stands for."""

    raw = text.encode('utf-8')

    return re.sub(rb'\\(x[0-9a-f]{2}|\\)',
                  lambda m: b'\\' if m[1] == b'\\'
                  else bytes([int(m[1][1:], 16)]), raw)


def escape(raw, blank=False):
    """Escaped, so that a line stays a line, and readable."""

    out = []

    for c in raw.decode('utf-8', 'surrogateescape'):
        o = ord(c)

        if 0xdc80 <= o <= 0xdcff:
            out.append('\\x%02x' % (o - 0xdc00))

        elif c == '\\':
            out.append('\\\\')

        elif not c.isprintable() or (blank and c in ' {'):
            out.append(''.join('\\x%02x' % b for b in c.encode('utf-8')))

        else:
            out.append(c)

    return ''.join(out)


class Random:
    """splitmix64, whose numbers are made in blocks."""

    def __init__(self, seed):
        self.at = seed & MASK
        self.block = []
        self.i = 0

    def more(self):
        steps = numpy.arange(1, BLOCK + 1, dtype=numpy.uint64)

        with numpy.errstate(over='ignore'):
            z = numpy.uint64(self.at) + steps * numpy.uint64(GAMMA)
            z = (z ^ (z >> numpy.uint64(30))) * numpy.uint64(
                0xbf58476d1ce4e5b9)
            z = (z ^ (z >> numpy.uint64(27))) * numpy.uint64(
                0x94d049bb133111eb)
            z = z ^ (z >> numpy.uint64(31))

        self.at = (self.at + BLOCK * GAMMA) & MASK
        self.block = z.tolist()
        self.i = 0

    def next(self):
        if self.i == len(self.block):
            self.more()

        self.i += 1

        return self.block[self.i - 1]


def chunks(text):
    """Each chunk as its bytes, or as a pair of code points."""

    out = []

    for chunk in text.split(' '):
        m = re.fullmatch(r'\{([0-9a-fA-F]+)-([0-9a-fA-F]+)\}', chunk)

        out.append((int(m[1], 16), int(m[2], 16)) if m else unescape(chunk))

    return out


def draw(rnd, choice, most):
    """One random text: a draw in eight is of up to six of the same."""

    out = []

    for _ in range(1 + rnd.next() % most):
        r = rnd.next()
        what = choice[(r >> 32) % len(choice)]
        n = 1 + (r >> 8) % 6 if r % 8 == 0 else 1

        for _ in range(n):
            if isinstance(what, tuple):
                out.append(chr(what[0] + rnd.next() % (what[1] - what[0] + 1))
                           .encode('utf-8'))
            else:
                out.append(what)

    return b''.join(out)


def random_texts(seed, count, most, choice):
    rnd = Random(seed)

    for _ in range(count):
        yield draw(rnd, choice, most)


def code_points(first, last, behind):
    return b''.join(chr(c).encode('utf-8') + behind
                    for c in range(first, last + 1)
                    if not 0xd800 <= c <= 0xdfff)


def expand(fields):
    """The texts of an entry, as bytes."""

    kind = fields[1]

    if kind == 't':
        yield unescape(fields[2])

    elif kind == 'r':
        yield unescape(fields[3]) * int(fields[2])

    elif kind == 'u':
        first, last = (int(x, 16) for x in fields[2].split(' '))
        yield code_points(first, last, unescape(fields[3]))

    elif kind == 'x':
        for t in itertools.product(chunks(fields[3]), repeat=int(fields[2])):
            yield b''.join(t)

    elif kind == 'z':
        seed, count, most = (int(x) for x in fields[2].split(' '))
        yield from random_texts(seed, count, most, chunks(fields[3]))

    else:
        raise ValueError(f'{fields[0]}: kind {kind}')


def entries(path):
    """All entries of a file, each a list of its fields."""

    with open(path, encoding='utf-8', newline='\n') as f:
        for line in f:
            line = line.rstrip('\n')

            if line and not line.startswith('#'):
                yield line.split('\t')
