#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
#
# Makes genai_unicode_data.c, genai_nfc_data.c and genai_nfc_pairs.c of core/:
#
#     pip install unicodedata2==16.0.0
#     apt-get download unicode-data && dpkg -x unicode-data_*.deb unicode
#     data/unicode.py unicode/usr/share/unicode/DerivedAge.txt \
#         ngx_http_genai_module/core
#
# Run by hand where a reference changes its version of Unicode; what it makes
# is committed.  Categories are those of Unicode 16.0, which the reference
# implementations have: tiktoken 0.14 (regex-syntax) and Hugging Face's
# tokenizers 0.23 (Oniguruma 6.9) agree about every character.
#
# Composition is another matter: the normalizer of Hugging Face's tokenizers
# knows Unicode 9.0.  A mark that came later is no mark to it and keeps its
# place; t/unit/test_nfc.c has the checksums.  DerivedAge.txt, of any version
# from 9.0 on, tells which characters were there; their decompositions and
# classes have not changed since.

import re
import sys

import unicodedata2 as ucd

CATEGORIES = 16, 0
NORMAL = 9, 0

BLOCK = 256
LAST = 0x10ffff

# tables are written as text, with these for the value 0
GC_ZERO = ord('`')
NFC_ZERO = ord('#')

GC = ('Cn Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So'
      ' Zs Zl Zp Cc Cf Cs Co').split()
SPACE_CC = len(GC)

HEAD = '''/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Made by data/unicode.py: do not edit.
 *
%s
 */


#include "%s"


'''


def ages(name):
    """The characters of NORMAL and all versions before it."""
    there = set()

    for line in open(name, encoding='utf-8'):
        m = re.match(r'([0-9A-F]+)(?:\.\.([0-9A-F]+))?\s*;\s*(\d+)\.(\d+)',
                     line)
        if m and (int(m[3]), int(m[4])) <= NORMAL:
            there.update(range(int(m[1], 16), int(m[2] or m[1], 16) + 1))

    return there


def category(c):
    if 9 <= c <= 13 or c == 0x85:
        return SPACE_CC

    return GC.index(ucd.category(chr(c)))


def stages(values):
    """The numbers of blocks, and the different blocks."""
    blocks, numbers = {}, []

    for i in range(0, len(values), BLOCK):
        block = tuple(values[i:i + BLOCK])
        numbers.append(blocks.setdefault(block, len(blocks)))

    assert len(blocks) <= 256
    return numbers, list(blocks)


def literal(values, zero):
    """Lines of string literals, of characters that need no escape."""
    text = ''.join(chr(zero + v) for v in values)
    assert not re.search(r'["\\?\x7f]', text)

    for i in range(0, len(text), 64):
        yield '"%s"' % text[i:i + 64]


def write_blocks(out, name, size, numbers):
    """Runs of one number are written as such."""
    out.write('const uint8_t\n %s[%s] = {\n' % (name, size))
    line, i = '   ', 0

    while i < len(numbers):
        n = 1
        while i + n < len(numbers) and numbers[i + n] == numbers[i]:
            n += 1

        if n > 3:
            item = '[%d ... %d] = %d,' % (i, i + n - 1, numbers[i])
        else:
            n, item = 1, '%d,' % numbers[i]

        if len(line) + 1 + len(item) > 79:
            out.write(line + '\n')
            line = '   '

        line += ' ' + item
        i += n

    out.write(line + '\n};\n')


def write_values(out, name, blocks, zero):
    """No terminating zeros: each array is as long as its text."""
    out.write('\n\nconst uint8_t  %s[][GENAI_UNICODE_BLOCK]\n'
              '    GENAI_UNICODE_TEXT =\n{\n' % name)

    for b in blocks:
        out.write('    ' + '\n    '.join(literal(b, zero)) + ',\n')

    out.write('};\n')


def write_numbers(out, kind, name, rows):
    out.write('const %s\n%s = {\n' % (kind, name))
    line = '   '

    for item in rows:
        if len(line) + 1 + len(item) > 79:
            out.write(line + '\n')
            line = '   '
        line += ' ' + item

    out.write(line + '\n};\n')


def main(age, core):
    assert ucd.unidata_version == '%d.%d.0' % CATEGORIES

    there = ages(age)
    numbers, blocks = stages([category(c) for c in range(LAST + 1)])

    # canonical decompositions, a step each, without Hangul's

    pairs, singles = {}, {}

    for c in sorted(there):
        d = ucd.decomposition(chr(c))
        if d and not d.startswith('<'):
            d = [int(x, 16) for x in d.split()]
            if len(d) == 2:
                pairs[c] = d
            else:
                singles[c] = d[0]

    def utf8(c):
        return len(chr(c).encode())

    composes = sorted((c for c in pairs
                       if ucd.normalize('NFC', chr(c)) == chr(c)),
                      key=lambda c: pairs[c])

    # what genai_nfc_write() relies upon

    for c in composes:
        assert utf8(c) <= sum(map(utf8, pairs[c]))
        assert ucd.combining(chr(c)) == 0
        assert ucd.combining(chr(pairs[c][0])) == 0

    for c in list(pairs) + list(singles):
        assert sum(map(utf8, map(ord, ucd.normalize('NFD', chr(c))))) \
            <= 3 * utf8(c)

    seconds = {pairs[c][1] for c in composes}
    seconds.update(range(0x1161, 0x1176))       # Hangul's vowels and
    seconds.update(range(0x11a8, 0x11c3))       # final consonants

    def properties(c):
        if c not in there:
            return 0, 0

        ccc = ucd.combining(chr(c))
        flags = []

        if c in pairs or c in singles:
            flags.append('DECOMPOSES')
            if c not in composes:
                flags.append('NEVER')
        if c in seconds:
            flags.append('SECOND')

        first = ord(ucd.normalize('NFD', chr(c))[0])
        if ccc or first in seconds or ucd.combining(chr(first)):
            flags.append('INSIDE')

        return ccc, ('|'.join('GENAI_NFC_' + f for f in flags) or 0)

    limit = -(-(max(list(pairs) + list(singles)
                    + [c for c in there if ucd.combining(chr(c))]) + 1)
              // BLOCK) * BLOCK
    all_ = [properties(c) for c in range(limit)]
    classes = [(0, 0)] + sorted({p for p in all_ if p != (0, 0)},
                                key=lambda p: (p[0], str(p[1])))

    # those that would be "?" and a backslash are nobody's

    for c in '?\\':
        classes.insert(ord(c) - NFC_ZERO, (0, 'GENAI_NFC_UNUSED'))

    assert NFC_ZERO + len(classes) <= 0x7f
    nfc_numbers, nfc_blocks = stages([classes.index(p) for p in all_])

    with open(core + '/genai_unicode_data.c', 'w') as out:
        out.write(HEAD % (' * General categories of Unicode %d.%d.'
                          % CATEGORIES, 'genai_unicode.h'))
        write_blocks(out, 'genai_unicode_blocks',
                     '(GENAI_UNICODE_MAX + 1) / GENAI_UNICODE_BLOCK', numbers)
        write_values(out, 'genai_unicode_categories', blocks,
                     GC_ZERO)

    with open(core + '/genai_nfc_data.c', 'w') as out:
        out.write(HEAD % (' * Canonical decomposition and composition of '
                          'Unicode %d.%d.' % NORMAL, 'genai_nfc_int.h'))
        out.write('_Static_assert(GENAI_NFC_LIMIT == 0x%x, "as here");\n\n\n'
                  % limit)
        write_blocks(out, 'genai_nfc_blocks',
                     'GENAI_NFC_LIMIT / GENAI_UNICODE_BLOCK', nfc_numbers)
        write_values(out, 'genai_nfc_values', nfc_blocks, NFC_ZERO)

        out.write('\n\nconst genai_nfc_class_t  genai_nfc_classes[] = {\n')
        for ccc, flags in classes:
            text = '    { %d, %s },' % (ccc, flags)
            if len(text) > 80:
                head, tail = text.rsplit('|', 1)
                text = head + '\n          |' + tail
            out.write(text + '\n')
        out.write('};\n')

    with open(core + '/genai_nfc_pairs.c', 'w') as out:
        out.write(HEAD % (' * Canonical decompositions of Unicode %d.%d, one '
                          'step each.' % NORMAL, 'genai_nfc_int.h'))
        write_numbers(out, 'genai_nfc_pair_t',
                      ' genai_nfc_pairs[GENAI_NFC_PAIRS]',
                      ['{0x%x,0x%x,0x%x},' % (c, *pairs[c])
                       for c in sorted(pairs)])
        out.write('\n\n')
        write_numbers(out, 'genai_nfc_single_t',
                      ' genai_nfc_singles[GENAI_NFC_SINGLES]',
                      ['{0x%x,0x%x},' % (c, singles[c])
                       for c in sorted(singles)])
        order = sorted(pairs)
        out.write('\n\n')
        write_numbers(out, 'uint16_t',
                      ' genai_nfc_composes[GENAI_NFC_COMPOSES]',
                      ['%d,' % order.index(c) for c in composes])

    print('%d blocks; normal: limit 0x%x, %d blocks, %d classes, %d pairs, '
          '%d singles, %d compose'
          % (len(blocks), limit, len(nfc_blocks), len(classes), len(pairs),
             len(singles), len(composes)))


main(*sys.argv[1:])
