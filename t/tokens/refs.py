# SPDX-License-Identifier: Apache-2.0
#
# The reference implementations, each as it is meant to be called, on the
# vocabularies of packages.  All texts are without control tokens and BOS.

import base64
import json
import os

import numpy
import tiktoken
import tiktoken_ext.openai_public as openai


OPENAI = ['o200k_base', 'cl100k_base', 'p50k_base', 'r50k_base']

HF = ['qwen2_5', 'qwen3', 'deepseek_v3', 'llama3_1', 'gemma2', 'gemma3']

# the files of the package mistral-common

MISTRAL = {
    'mistral_v1': 'tokenizer.model.v1',
    'mistral_v3': 'mistral_instruct_tokenizer_240323.model.v3',
    'mistral_v7': 'mistral_instruct_tokenizer_241114.model.v7',
    'tekken': 'tekken_240911.json',
    'tekken_240718': 'tekken_240718.json',
}

NAMES = OPENAI + HF + list(MISTRAL)


def package(path):
    """A file of the packages that t/tokens/install has put there."""

    folder = os.environ.get('GENAI_TOKENS_DIR') or os.path.join(
        os.environ.get('GENAI_CACHE',
                       os.path.expanduser('~/.cache/ngx-genai')), 'tokens')

    return os.path.join(folder, 'packages', path)


def source(name):
    """The file that has the vocabulary."""

    if name in OPENAI:
        return package(f'tiktoken/encoders/{name}.json')

    if name in HF:
        return package(f'{name}/models/tokenizer.json')

    import mistral_common

    return os.path.join(os.path.dirname(mistral_common.__file__), 'data',
                        MISTRAL[name])


def ranks(name):
    """The package's lines: a mark, the first rank, tokens in base64."""

    with open(source(name), encoding='utf-8') as f:
        text = json.load(f)['bpe_ranks']

    out = {}

    for line in text.splitlines():
        fields = line.split(' ')

        for i, token in enumerate(fields[2:]):
            out[base64.b64decode(token)] = int(fields[1]) + i

    return out


class Tiktoken:
    """tiktoken itself, with its own expressions."""

    def __init__(self, name):
        openai.load_tiktoken_bpe = lambda *a, **k: ranks(name)
        self.encoding = tiktoken.Encoding(
            **openai.ENCODING_CONSTRUCTORS[name]())
        self.version = f'tiktoken {tiktoken.__version__}'

    def ids(self, text):
        return self.encoding.encode_ordinary(text)

    def batch(self, texts):
        return [self.encoding.encode_ordinary(t) for t in texts]


class HuggingFace:
    """tokenizers, told that control tokens in a text are text."""

    def __init__(self, name):
        import tokenizers

        self.tokenizer = tokenizers.Tokenizer.from_file(source(name))
        self.tokenizer.encode_special_tokens = True
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()
        self.version = f'tokenizers {tokenizers.__version__}'

    def ids(self, text):
        return self.tokenizer.encode(text, add_special_tokens=False).ids

    def batch(self, texts):
        return [e.ids for e in self.tokenizer.encode_batch_fast(
            texts, add_special_tokens=False)]


class SentencePiece:

    def __init__(self, name):
        import sentencepiece

        self.model = sentencepiece.SentencePieceProcessor(
            model_file=source(name))
        self.version = f'sentencepiece {sentencepiece.__version__}'

    def ids(self, text):
        return self.model.encode(text)

    def batch(self, texts):
        return self.model.encode(texts, num_threads=1)


class Tekken:

    def __init__(self, name):
        from importlib.metadata import version
        from mistral_common.tokens.tokenizers.tekken import Tekkenizer

        self.tekken = Tekkenizer.from_file(source(name))
        self.version = f'mistral-common {version("mistral-common")}'

    def ids(self, text):
        return self.tekken.encode(text, bos=False, eos=False)

    def batch(self, texts):
        return [self.ids(t) for t in texts]


def reference(name):
    if name in OPENAI:
        return Tiktoken(name)

    if name in HF:
        return HuggingFace(name)

    return Tekken(name) if name.startswith('tekken') else SentencePiece(name)


def decode(raw):
    """Ill-formed bytes are read as the gateway reads them."""

    return raw.decode('utf-8', 'replace')


def packed(ids):
    """As genai-tokens writes them, and as hashes are made of them."""

    return numpy.asarray(ids, dtype='<u4').tobytes()
