#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
#
# Prints the checksums that t/unit/test_split.c, test_unicode.c and
# test_nfc.c have of what the references do with every character:
#
#     pip install tokenizers==0.23.3 unicodedata2==16.0.0
#     data/unicode_goldens.py
#
# tokenizers stands for tiktoken, too: its engine does not have all of the
# syntax, so two expressions are written in another way, and tiktoken's own
# engine was seen to agree about all of this.

import hashlib
import struct

import unicodedata2 as ucd
from tokenizers import Regex, normalizers, pre_tokenizers

# all that is assigned but private use; the same in the tests
CHARS = [c for c in (*range(0x33480), *range(0xe0000, 0xe0200))
         if not 0xd800 <= c <= 0xdfff]
BLOCK = 500                     # characters in a text

# %s is the character; what is made of many is joined with "\n1", which all
# cut off
SPLIT = 'a%sB', ' %sx', "'%s", '(%s', '\u4e00%s\n', "x'%sl", '12%s34'
SPLIT_END = '\n \n '
NFC = 'e%s\u0323', '\u0301%s', '%s\u0327\u0301', '\u1100%s\u11a8'

WORD = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*"
        r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]+%s"
        r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+"
        r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]*%s|")
PLAIN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|%s"
         r"| ?[^\s\p{L}\p{N}]+[\r\n]*|%s")
SPACE = r"\s*[\r\n]+|\s+(?!\S)|\s+"
QUOTES = "(?i:'s|'t|'re|'ve|'m|'ll|'d)?"

FAMILIES = {
    'R50K': [r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+"
             r"| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"],
    'CL100K': [PLAIN % (r'\p{N}{1,3}', r'\s+\z|' + SPACE)],
    'O200K': [WORD % (QUOTES, QUOTES)
              + r'\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|' + SPACE],
    'LLAMA3': [PLAIN % (r'\p{N}{1,3}', SPACE)],
    'QWEN2': [PLAIN % (r'\p{N}', SPACE)],
    'TEKKEN': [WORD % ('', '')
               + r'\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|' + SPACE],
    'DEEPSEEK3': [r'\p{N}{1,3}', '[一-龥぀-ゟ゠-ヿ]+',
                  r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+"""
                  r'|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+'
                  r'| ?[\p{P}\p{S}]+[\r\n]*|' + SPACE],
}


def texts(forms, end=''):
    for i in range(0, len(CHARS), BLOCK):
        for form in forms:
            yield '\n1'.join(form.replace('%s', chr(c))
                             for c in CHARS[i:i + BLOCK]) + end


def main():
    gc = hashlib.sha256()

    for c in range(0x110000):
        if not 0xd800 <= c <= 0xdfff:
            gc.update(ucd.category(chr(c)).encode())

    print('categories', gc.hexdigest())

    for name, expressions in FAMILIES.items():
        split = pre_tokenizers.Sequence(
            [pre_tokenizers.Split(Regex(e), 'isolated')
             for e in expressions])
        ends = hashlib.sha256()

        for text in texts(SPLIT, SPLIT_END):
            at, out = 0, []
            for piece, _ in split.pre_tokenize_str(text):
                at += len(piece.encode())
                out.append(at)
            ends.update(struct.pack('<%dI' % len(out), *out))

        print(name, ends.hexdigest(), flush=True)

    normal = hashlib.sha256()

    for text in texts(NFC):
        normal.update(normalizers.NFC().normalize_str(text).encode())

    print('NFC', normal.hexdigest())


main()
