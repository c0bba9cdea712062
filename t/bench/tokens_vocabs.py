# SPDX-License-Identifier: Apache-2.0
#
# tokens_vocabs.py FOLDER: the vocabularies in the forms that the rivals of
# "make bench-tokens" read: NAME.tiktoken, NAME.pattern, NAME.json, NAME.model.
# Ranks become a tokenizer.json of the same tokens, with the expressions that
# Hugging Face's own conversions have.

import base64
import json
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '../tokens'))

from refs import Tiktoken, ranks, source  # noqa: E402


CL100K = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|"
          r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")


def alphabet():
    """Byte-level BPE's characters for bytes."""

    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    out, n = {b: chr(b) for b in plain}, 0

    for b in range(256):
        if b not in out:
            out[b] = chr(256 + n)
            n += 1

    return out


def halves(token, rank):
    """What the token's own bytes are when all but one merge is done."""

    parts = [bytes([b]) for b in token]

    while len(parts) > 2:
        best = min((rank.get(parts[i] + parts[i + 1], 1 << 30), i)
                   for i in range(len(parts) - 1))[1]
        parts[best:best + 2] = [parts[best] + parts[best + 1]]

    return parts


def write_json(path, rank, pattern):
    chars = alphabet()

    def text(raw):
        return ''.join(chars[b] for b in raw)

    tokens = sorted(rank, key=rank.get)
    merges = [[text(h) for h in halves(t, rank)] for t in tokens if len(t) > 1]

    with open(path, 'w', encoding='utf-8') as f:
        json.dump({
            'version': '1.0', 'truncation': None, 'padding': None,
            'added_tokens': [], 'normalizer': None,
            'pre_tokenizer': {'type': 'Sequence', 'pretokenizers': [
                {'type': 'Split', 'pattern': {'Regex': pattern},
                 'behavior': 'Isolated', 'invert': False},
                {'type': 'ByteLevel', 'add_prefix_space': False,
                 'trim_offsets': True, 'use_regex': False}]},
            'post_processor': None,
            'decoder': {'type': 'ByteLevel', 'add_prefix_space': True,
                        'trim_offsets': True, 'use_regex': True},
            'model': {'type': 'BPE', 'dropout': None, 'unk_token': None,
                      'continuing_subword_prefix': None,
                      'end_of_word_suffix': None, 'fuse_unk': False,
                      'byte_fallback': False, 'ignore_merges': True,
                      'vocab': {text(t): rank[t] for t in tokens},
                      'merges': merges}}, f, ensure_ascii=False)


def main():
    folder = sys.argv[1]

    if os.path.exists(folder + '/done'):
        return

    os.makedirs(folder, exist_ok=True)

    for name in ('o200k_base', 'cl100k_base'):
        rank = ranks(name)
        pattern = Tiktoken(name).encoding._pat_str

        with open(f'{folder}/{name}.tiktoken', 'wb') as f:
            for token in sorted(rank, key=rank.get):
                f.write(base64.b64encode(token) + b' %d\n' % rank[token])

        with open(f'{folder}/{name}.pattern', 'w', encoding='utf-8') as f:
            f.write(pattern)

        write_json(f'{folder}/{name}.json', rank,
                   CL100K if name == 'cl100k_base' else pattern)

    for name in ('qwen3', 'deepseek_v3', 'llama3_1', 'gemma3'):
        shutil.copy(source(name), f'{folder}/{name}.json')

    shutil.copy(source('mistral_v3'), f'{folder}/mistral_v3.model')
    open(folder + '/done', 'w').close()


main()
