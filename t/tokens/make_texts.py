# SPDX-License-Identifier: Apache-2.0
#
# Writes t/tokens/texts.txt: make_texts.py UDHR > texts.txt, where UDHR is the
# folder with the declarations of the package "udhr".  Its goldens must be made
# again, then (golden.py).

import base64
import glob
import json
import os
import random
import sys
import unicodedata

from texts import escape
from udhr import excerpt, whole


HERE = os.path.dirname(os.path.abspath(__file__))

# declarations that are in there as a whole, of the others some paragraphs
WHOLE = ('eng fra deu_1996 spa por_BR rus ukr pol ces hun tur vie ell_monotonic'
         ' arb heb hin ben tam tha khm jpn kor cmn_hans cmn_hant').split()
EXCERPT = 900

WHITE = [0x9, 0xa, 0xb, 0xc, 0xd, 0x20, 0x85, 0xa0, 0x1680, *range(0x2000,
         0x200b),
         0x2028, 0x2029, 0x202f, 0x205f, 0x3000]

# what looks like white space, and is not
NOT_WHITE = [0x0, 0x1c, 0x1d, 0x1e, 0x1f, 0x7f, 0xad, 0x180e, 0x200b, 0x200c,
             0x200d, 0x200e, 0x2060, 0x2423, 0x2581, 0x2800, 0x3164, 0xfeff,
             0xfff9, 0xe0020]

CONTRACTIONS = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "'S", "'T", "'RE",
                "'Ve", "'M", "'lL", "'D", "'\u017f", "\u2019s", "\u2019t",
                "\u2019ll", "`s", "\u02bcs", "\uff07s", "'l", "'r", "'v", "'e",
                "'sa", "'\u212a", "'\u00df", "''", "'"]

# a control token's name in a text is text; some files have such that are not
NAMES = ['<|endoftext|>', '<|endofprompt|>', '<|fim_prefix|>', '<|im_start|>',
         '<|im_end|>', '<|start|>', '<|channel|>', '<|begin_of_text|>',
         '<|eot_id|>', '<|start_header_id|>', '<think>', '</think>',
         '<tool_call>', '</tool_call>', '<tool_response>', '<|fim_pad|>',
         '<|file_sep|>', '<|repo_name|>', '<s>', '</s>', '<unk>', '<pad>',
         '<bos>', '<eos>', '<start_of_turn>', '<end_of_turn>', '<unused0>',
         '<unused12>', '<unused99>', '<mask>', '<2mass>', '[@BOS@]',
         '[multimodal]', '<start_of_image>', '<image_soft_token>', '[INST]',
         '[/INST]', '[TOOL_CALLS]', '[AVAILABLE_TOOLS]', '[IMG]', '[PREFIX]',
         '<SPECIAL_20>', '<0x41>', '<0x0A>', '<0xE2>', '<table>', '</td>',
         '<h1>', '<\uff5cUser\uff5c>', '<\uff5cAssistant\uff5c>',
         '<\uff5cbegin\u2581of\u2581sentence\uff5c>',
         '<\uff5cfim\u2581hole\uff5c>',
         '<\uff5ctool\u2581call\u2581end\uff5c>']

EMOJI = ['\U0001f600', '\U0001f44d\U0001f3fd', '\U0001f1e9\U0001f1ea',
         '\U0001f1e9',
         '\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466',
         '\U0001f3f3\ufe0f\u200d\U0001f308', '\u2764\ufe0f\u200d\U0001f525',
         '1\ufe0f\u20e3', '#\u20e3', '\u263a', '\u263a\ufe0e', '\u263a\ufe0f',
         '\U0001f9d1\U0001f3ff\u200d\U0001f680',
         '\U0001faf1\U0001f3fb\u200d\U0001faf2\U0001f3ff',
         '\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f',
         '\U0001f9ff', '\U0001fae8', '\u200d', '\ufe0f', '\U0001f3fb',
         '\u00a9\ufe0f',
         '\u2122', '\u26a7', '\U0001f595\U0001f3fc', '\U0001f004', '\u303d']

CASES = ['a', 'b', 'z', 'A', 'B', 'Z', 'ß', 'ẞ', 'İ', 'ı', 'ſ', '\u212a',
         '\u212b', 'ǅ',
         'ǈ', 'ᾼ', 'ʰ', 'ˈ', 'ᵃ', 'ª', 'º', 'ん', '中', 'א', 'ع', 'ก', '\u0301',
         '\u0327', '\u0903', '\u20dd', 'Ж', 'ж', 'Σ', 'ς', 'Ა', 'ა', 'ℵ', 'Ⓐ',
         'Ⅷ', 'ⅷ', '𝐀', '𝐚', '𐐀', '𐐨', '々', 'ー', '\ua78b', 'ꞌ']

MARKS = ['e', 'a\u0301', 'e\u0301', '\u00e9', '\u0301', '\u0323', '\u0307',
         '\u0344', '\u0f73', '\u1100', '\u1161', '\u11a8', '\uac00', '\uac01',
         '\u212b', '\u2126', '\u00c5', '\u0041\u030a', '\u0958',
         '\u0915\u093c',
         '\u2adc', '\ufb1d', '\ufb2c', '\u05d5\u05bc', '\u0b47', '\u0b3e',
         '\u0dd9\u0dcf\u0dca', '\U0001d15e', '\U0001d157', '\U0001d165',
         '\u1e9b\u0323', '\uf900', '\ufa10', '\U0002f800', '\u034f', '\u0300',
         '\u035c', '\u0345', '\u3099', '\u304b', '\u304c', 'q', ' ', '\u00a0',
         '\u1025', '\u102e', '\U00011131', '\U00011127', '\U0001611e']

WORDS = ['the', 'The', ' the', ' of', 'ing', 'tion', 'HTTP', 'Request',
         'getName',
         'snake_case', 'SCREAMING_CASE', 'camelCase', 'iPhone', 'McDonald',
         'un', 'believ', 'able', ' a', ' I', 'tokenization', ' naïve',
         'façade',
         'don', 'it', 'we', '.', ',', '. ', ', ', '!', '?!', '...', ' - ',
         '--',
         '“', '”', '(', ')', '1', '12', '2024', '3.14', '1,000', '%', '$5',
         '\n',
         '\n\n', ' ', '  ', ':', '/', '@', '#', '& ', 'https://', 'www.',
         '.com']

CODE = ['if', ' (', ')', ' {', '}', '\n', '\n    ', '\n\t', '\t\t', '        ',
        '\r\n', ';', '->', '=>', '::', '!=', '===', '/*', '*/', '//', '///',
        '#',
        '"', "'", '`', '\\', '\\n', '\\"', '</', '/>', '<div', '&&', '||',
        '<<=',
        '0x1F', '1e-9', '_', '__init__', 'self.', 'return', ' return', 'int',
        'std::', 'func', '$', '@', '[]', '[0]', '{}', '();', '."', ' = ',
        '== ',
        '++', '--', '...', '~', '^', '%s', '%d', 'TODO:', 'ID',
        'XMLHttpRequest',
        'utf8', 'x', 'i', 'null', ' NULL', 'ñ', 'π']

CJK = ['的', '一', '是', '在', '不', '了', '有', '和', '人', '这', '中国', '北京',
       '你好', '世界', '，', '。', '！', '？', '「', '」', '《', '》', '、', '：', '　',
       'の', 'に', 'は', 'を', 'た', 'が', 'カ', 'タ', 'カナ', 'ー', '・', '東京', '日本',
       '한', '국', '어', '안녕', '하세요', '１', 'Ａ', 'ｶﾅ', 'A', 'b', '1', ' ', '\n',
       '㈱', '々', '〇', '𠮷', '豈', '龥', '龦', '゠', 'ヿ', '぀', '㐀', '鿿']

RANGES = ['{0-7f}', '{0-7f}', '{20-7e}', '{80-ff}', '{100-24f}', '{250-36f}',
          '{370-52f}', '{530-6ff}', '{700-8ff}', '{900-dff}', '{e00-10ff}',
          '{1100-1fff}', '{2000-2bff}', '{2c00-2dff}', '{2e00-33ff}',
          '{3400-9fff}', '{a000-abff}', '{ac00-d7ff}', '{e000-f8ff}',
          '{f900-ffff}', '{10000-107ff}', '{10800-11fff}', '{12000-16fff}',
          '{17000-1afff}', '{1b000-1d0ff}', '{1d100-1efff}', '{1f000-1faff}',
          '{1fb00-1ffff}', '{20000-323af}', '{323b0-dffff}', '{e0000-e01ef}',
          '{f0000-10ffff}']


def one(name, text):
    print(name, 't', escape(text.encode('utf-8', 'surrogatepass')
                            if isinstance(text, str) else text), sep='\t')


def rep(name, n, text):
    print(name, 'r', n, escape(text.encode('utf-8')), sep='\t')


def chunk_list(items):
    return ' '.join(i if i.startswith('{') and i.endswith('}') and '-' in i
                    else escape(i.encode('utf-8'), blank=True) for i in items)


def every(name, n, items):
    print(name, 'x', n, chunk_list(items), sep='\t')


def some(name, seed, count, most, items):
    print(name, 'z', f'{seed} {count} {most}', chunk_list(items), sep='\t')


def heading(text):
    print(f'#\n# {text}')


def digits():
    """The decimal digits of all scripts, as ranges."""

    zeros = [c for c in range(0x110000) if unicodedata.category(chr(c)) == 'Nd'
             and unicodedata.decimal(chr(c)) == 0]

    return [f'{{{c:x}-{c + 9:x}}}' for c in zeros]


def plain():
    heading('ids are committed for these')

    one('ids/empty', '')

    for i, t in enumerate([
            'a', ' ', '\n', '0', 'Hello, world!', ' Hello  world', 'hello\n',
            "I'm sure it's what we'd've said: they'll don't.",
            "I’m sure it’s what we’d’ve said.", 'DON\'T SHOUT, I\'LL HEAR',
            'The quick brown fox jumps over the lazy dog.', '1234567890',
            '3.14159, 1,000,000.00 and 0x7fff', 'naïve café Ωmega Straße',
            'Привет, мир!', 'γειά σου Κόσμε', 'مرحبا بالعالم', 'שלום עולם',
            'नमस्ते दुनिया', 'สวัสดีชาวโลก', '你好，世界！', 'こんにちは世界', '안녕하세요 세계',
            '👋🏽🌍', '👨‍👩‍👧‍👦', '🇩🇪🇫🇷', 'e\u0301e', 'Z̸̡̢a̵l̷g̶o̸', '\ufeffBOM',
            'a\u00a0b\u3000c',
            '  two\n\n\nthree   \t four ', '\r\n\r\n x',
            '{"a":[1,2.5,null,"b\\n"]}',
            'def f(x):\n    return x ** 2\n',
            'for (int i = 0; i < n; ++i) {\n\t;\n}\n',
            'https://example.com/a/b?c=d&e=%20#f', 'user@example.com',
            'aGVsbG8gd29ybGQ=', '<|endoftext|>', '<think>hm</think>',
            '<unused1><table>', '[INST] hi [/INST]', '<s>a</s>', '▁a ▁ b',
            '<0x41>', '\0', 'a\0b', '\U0010ffff', '\U000e0001', '!' * 20,
            'HTTPServerError camelCaseWord snake_case_word',
            'ǅ ſ \u212a \'ſ']):
        one(f'ids/{i}', t)

    heading('ill-formed UTF-8: each maximal subpart is U+FFFD')

    for i, t in enumerate([
            b'\x80', b'\xff', b'\xc3', b'\xc3(', b'a\xc0\xafb', b'\xe2\x82',
            b'\xe2\x82a', b'\xe2(\xa1', b'\xf0\x9f\x98', b'\xf0\x9f\x98 x',
            b'\xf0\x28\x8c\xbc', b'\xf4\x90\x80\x80', b'\xf5\x80',
                b'\xed\xa0\x80',
            b'\xed\xb0\x80\xed\xa0\x80', b'\xf8\x88\x80\x80\x80',
                b'\xe0\x80\x80',
            b'\xf0\x80\x80\x80', b'ok \xfe\xfe ok', b'\xef\xbf\xbd\xbd',
            b'\xc3\xc3\xa9', b'\xe2\xe2\x82\xac', b'\xf0\xf0\x9f\x98\x80',
            bytes(range(256)), bytes(range(255, -1, -1)),
                b'x\xe2\x82\xac\x80y']):
        one(f'bad/{i}', t)


def samples():
    heading('code, see code/')

    for path in sorted(glob.glob(HERE + '/code/*.txt')):
        with open(path, 'rb') as f:
            one('code/' + os.path.basename(path)[:-4], f.read())

    heading('data')
    rnd = random.Random(7)
    rows = [{'id': rnd.getrandbits(53), 'ok': bool(i & 1), 'score': round(
        rnd.random() * 10 ** rnd.randrange(-3, 9), 4), 'tags': ['a-b',
            f'x{i}'],
        'name': rnd.choice(['Zoë', '李雷', 'O\'Neil', 'Łukasz', '山田']),
        'note': None if i % 3 else 'line\none\t"two" \\ \u2028'}
        for i in range(40)]
    one('data/json', json.dumps(rows))
    one('data/json_unicode', json.dumps(rows, ensure_ascii=False, indent=2))
    one('data/jsonl', '\n'.join(json.dumps(r, separators=(',', ':'))
                                for r in rows))
    raw = rnd.randbytes(2000)
    one('data/base64', base64.b64encode(raw))
    one('data/base64_lines', base64.encodebytes(raw))
    one('data/base64_url', base64.urlsafe_b64encode(raw))
    one('data/hex', raw.hex())
    one('data/hexdump', '\n'.join(f'{i:08x}  ' + raw[i:i + 16].hex(' ')
                                  for i in range(0, 800, 16)))
    one('data/uuid', '\n'.join(
        '-'.join(rnd.randbytes(n).hex() for n in (4, 2, 2, 2, 6))
        for _ in range(20)))
    one('data/csv', '\r\n'.join(','.join(str(v) for v in r.values())
                                for r in rows[:15]))
    one('data/log', '\n'.join(
        f'10.0.{i % 7}.{i * 37 % 256} - - [2{i % 9}/Nov/2025:13:55:{i:02d} +0000]'
        f' "GET /v1/m{i}?q=%C3%A9 HTTP/1.1" {200 + i} {i ** 5} "-" "curl/8.{i}"'
        for i in range(30)))
    one('data/markdown',
        '# Title\n\n* one\n  * two **bold** _it_\n\n| a | b |\n'
        '|---|:-:|\n| `x` | 1 |\n\n```c\nint\tx;\n```\n\n> quote\n>> deeper\n\n'
        '1. [link](http://a.b/c_(d))\n2. ![i](<a b>)\n\n---\n~~~~\n\\* &amp; \\\n')


def runs():
    heading('runs')

    for name, c in (('a', 'a'), ('A', 'A'), ('space', ' '), ('lf', '\n'),
                    ('cr', '\r'), ('crlf', '\r\n'), ('tab', '\t'), ('dot',
                    '.'),
                    ('dash', '-'), ('equals', '='), ('slash', '/'),
                    ('quote', "'"), ('digit', '7'), ('ab', 'ab'), ('aA', 'aA'),
                    ('zwj', '\u200d'), ('mark', '\u0301'), ('nbsp', '\u00a0'),
                    ('ideographic', '\u3000'), ('cjk', '中'), ('kana', 'あ'),
                    ('hangul', '가'), ('emoji', '😀'), ('flag', '\U0001f1e9'),
                    ('nul', '\0'), ('bom', '\ufeff'), ('fffd', '\ufffd'),
                    ('arabic', 'ع'), ('thai', 'ก'), ('astral', '\U0010fffd'),
                    ('contraction', "'s"), ('underscore', '_'), ('sp_a', ' a'),
                    ('under_block', '\u2581'), ('e_acute', 'e\u0301'),
                    ('space_lf', ' \n'), ('lf_space', '\n '), ('hash', '#')):
        for n in (2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 127,
        128,
                  129, 1000, 4097):
            rep(f'run/{name}', n, c)


def sets():
    heading('every combination')
    classes = ['a', 'B', '1', ' ', '\n', '\r', '\t', "'", '.', '/', 's',
               '\u0301', '中', '\u00a0', '\ufeff', '\u2581']
    every('every/classes3', 3, classes)
    every('every/white2', 2, [chr(c) for c in WHITE + NOT_WHITE] + ['a', '!'])
    every('every/white4', 4, [' ', '\n', '\r', '\t', '\u00a0', 'x', '/'])
    every('every/contraction', 2, CONTRACTIONS + ['a', 'A', ' ', 'x', '1'])
    every('every/case', 3, ['a', 'A', 'ǅ', 'ʰ', 'א', '\u0301', "'", 's', ' ',
                            '\u0903', '1'])
    every('every/digit', 5, ['1', '٣', 'Ⅷ', '½', ' ', 'a'])
    every('every/names', 2, NAMES + [' ', 'a', '<', '|', '\n'])
    every('every/nfc', 3, ['a', 'e', '\u0301', '\u0323', '\u00e9', '\u1100',
                           '\u1161', '\u11a8', '\uac00', '\u093c', '\u0915'])
    every('every/spaces', 6, [' ', 'a', '\u2581'])
    every('every/han', 4, ['中', 'あ', 'ァ', 'a', '，', ' ', '龦', '1'])

    heading('random')
    white = [chr(c) for c in WHITE]

    for i, (name, most, items) in enumerate([
            ('words', 20, WORDS), ('code', 20, CODE), ('cjk', 20, CJK),
            ('white', 14, white + [chr(c) for c in NOT_WHITE]
             + ['a', 'Z', '.', '1', '中']),
            ('ascii_white', 16, [' ', ' ', '  ', '\n', '\r', '\r\n', '\t',
                                 '\f',
                                 '\v', 'a', 'b.', '/', "'s", '1']),
            ('digits', 12, digits() + ['½', 'Ⅷ', '①', '〇', '.', ',', ' ',
            'a']),
            ('contractions', 10, CONTRACTIONS + CASES[:12] + [' ', 'don',
            'IT']),
            ('cases', 14, CASES + ["'s", "'", ' ', '.']),
            ('emoji', 10, EMOJI + [' ', 'a', '!']),
            ('marks', 12, MARKS),
            ('names', 5, NAMES + [' ', 'a', '\n', '<', '>', '|']),
            ('ascii', 24, ['{0-7f}', '{20-7e}', '{61-7a}', '{41-5a}', ' ']),
            ('letters', 12, ['{61-7a}', '{61-7a}', '{61-7a}', '{41-5a}']),
            ('latin', 20, ['{61-7a}', '{c0-24f}', '{1e00-1eff}', ' ',
                           '{300-36f}',
                           '{2b0-2ff}']),
            ('ranges', 12, RANGES), ('ranges_blank', 16, RANGES + [' ', ' a',
            '\n']),
            ('bmp', 10, ['{80-d7ff}', '{e000-ffff}', ' ', '{2000-2bff}']),
            ('astral', 8, ['{10000-1ffff}', '{1f000-1faff}', '{20000-2ffff}',
                           '{e0000-e01ef}', ' ', 'x']),
            ('indic', 14, ['{900-97f}', '{980-9ff}', '{b80-bff}', '{e00-e7f}',
                           '{1780-17ff}', '{1000-109f}', ' ']),
            ('semitic', 14, ['{590-5ff}', '{600-6ff}', '{750-77f}',
                             '{fb50-fdff}', ' ', '1']),
            ('punctuation', 12, ['{21-2f}', '{3a-40}', '{5b-60}', '{7b-7e}',
                                 '{2010-205e}', '{3000-303f}', '{20a0-20c0}',
                                 ' ', '\n', '/', 'a']),
            ]):
        some(f'random/{name}', 1000 + i, 250, most, items)


def long():
    heading('longer than what is cut or merged at once')

    for i, (name, most, items) in enumerate([
            ('letters', 9000, ['{61-7a}']), ('ab', 9000, ['a', 'b']),
            ('case', 9000, ['a', 'A', 'b', 'B']),
            ('words', 4000, ['the', 'ing', 'tion', 'HTTP', 'un', 'able', 'er']),
            ('han', 5000, ['{4e00-9fff}']), ('thai', 5000, ['{e01-e3a}']),
            ('marks', 3000, MARKS), ('white', 5000, [chr(c) for c in WHITE]),
            ('ascii_white', 9000, [' ', ' ', ' ', ' ', '\n', '\r']),
            ('punctuation', 9000, ['{21-2f}', '{3a-40}', '{5b-60}']),
            ('emoji', 2000, EMOJI), ('names', 1000, NAMES + [' ', '\n']),
            ('under', 5000, ['\u2581', ' ', '\u2581a']),
            ('mixed', 6000, WORDS + CODE + CJK + EMOJI),
            ('ranges', 4000, RANGES)]):
        some(f'long/{name}', 2000 + i, 10, most, items)


def planes():
    heading('every plane, alone and between letters')
    blocks = [(c, c + 0xfff) for c in range(0, 0x24000, 0x1000)]
    blocks += [(c, c + 0x3ff) for c in (0x2f800, 0x30000, 0x31000, 0x32000)]
    blocks += [(p << 16, (p << 16) + 0x1ff) for p in range(4, 17)]
    blocks += [((p << 16) + 0xff00, (p << 16) + 0xffff) for p in range(2, 17)]

    for first, last in blocks:
        if 0xd800 <= first <= 0xdfff:
            first = 0xe000

        for name, behind in (('', ''), ('_a', 'a'), ('_A1', 'A 1'),
                             ('_lf', '\n')):
            print(f'plane/{first:x}{name}', 'u', f'{first:x} {last:x}',
                  escape(behind.encode()), sep='\t')


def main():
    folder = sys.argv[1]

    sys.stdout.reconfigure(encoding='utf-8', newline='\n')
    print('# Made by make_texts.py; what a line says is in texts.py.')
    plain()
    samples()
    runs()
    sets()
    long()
    planes()
    heading('the Universal Declaration of Human Rights')

    for path in sorted(glob.glob(folder + '/*.html')):
        name = os.path.basename(path)[:-5]
        one('udhr/' + name, whole(path) if name in WHOLE
            else excerpt(path, EXCERPT))


if __name__ == '__main__':
    main()
