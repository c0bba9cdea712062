# SPDX-License-Identifier: Apache-2.0
#
# tokens_runner.py NAME ENCODING FOLDER: counts with a tokenizer of Python,
# in the way that tokens-rivals/src/main.rs describes.

import struct
import sys
import time

name, encoding, folder = sys.argv[1:]
path = f'{folder}/{encoding}'


def tiktoken():
    import base64
    import tiktoken

    with open(path + '.tiktoken', 'rb') as f:
        ranks = {base64.b64decode(t): int(r)
                 for t, r in (line.split() for line in f)}

    with open(path + '.pattern', encoding='utf-8') as f:
        pattern = f.read()

    e = tiktoken.Encoding(name=encoding, pat_str=pattern,
                          mergeable_ranks=ranks, special_tokens={})

    return lambda text: len(e.encode_ordinary(text))


def gigatoken():
    import gigatoken

    if encoding in ('o200k_base', 'cl100k_base'):
        t = gigatoken.Tokenizer.from_tiktoken(path + '.tiktoken')
    elif encoding.startswith('mistral'):
        t = gigatoken.Tokenizer.from_sentencepiece(path + '.model')
    else:
        t = gigatoken.Tokenizer(path + '.json')

    return lambda text: len(t.encode(text))


def quicktok():
    import quicktok

    e = quicktok.get_encoding(encoding)

    return e.count


def rs_bpe():
    from rs_bpe.bpe import openai

    e = getattr(openai, encoding)()

    return e.count


def sentencepiece():
    import sentencepiece

    m = sentencepiece.SentencePieceProcessor(model_file=path + '.model')

    return lambda text: len(m.encode(text))


def huggingface():
    import tokenizers

    t = tokenizers.Tokenizer.from_file(path + '.json')
    t.encode_special_tokens = True

    return lambda text: len(t.encode_batch_fast(
        [text], add_special_tokens=False)[0])


count = {'tiktoken': tiktoken, 'gigatoken': gigatoken, 'quicktok': quicktok,
         'rs-bpe': rs_bpe, 'sentencepiece': sentencepiece,
         'tokenizers-py': huggingface}[name]()

while head := sys.stdin.buffer.read(4):
    text = sys.stdin.buffer.read(struct.unpack('<I', head)[0]).decode()
    start = time.process_time_ns()
    n = count(text)
    print(n, time.process_time_ns() - start, flush=True)
