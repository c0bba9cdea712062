# SPDX-License-Identifier: Apache-2.0
#
# The texts of "make bench-tokens": tokens_texts.py FOLDER.  They are made of
# Debian packages under free licences, and of what is installed anyway; none
# is kept in the repository.

import base64
import glob
import gzip
import os
import random
import re
import subprocess
import sys
import sysconfig


MB = 1 << 20
ENGLISH = 10 * MB
CODE = 10 * MB

PACKAGES = ['fortunes', 'dict-foldoc', 'dict-jargon', 'dict-devil',
            'dict-gcide', 'manpages-zh', 'debian-reference-zh-cn']


def fetch(folder):
    """The packages unpacked, none installed."""

    root = os.path.join(folder, 'deb')

    if not os.path.exists(root + '/done'):
        os.makedirs(root, exist_ok=True)

        if subprocess.run(['apt-get', '-q', 'download'] + PACKAGES, cwd=root,
                          stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL).returncode:
            sys.exit('the packages of the texts cannot be had from Debian ('
                     + ' '.join(PACKAGES) + '): try apt-get update')

        for package in glob.glob(root + '/*.deb'):
            subprocess.run(['dpkg-deb', '-x', package, root], check=True)

        open(root + '/done', 'w').close()

    return root + '/usr/share'


def read(path):
    opener = gzip.open if path.endswith(('.gz', '.dz')) else open

    with opener(path, 'rb') as f:
        return f.read().decode('utf-8', 'replace')


def slices(text, size, pieces):
    """Pieces of a text that are spread over it, cut at line feeds."""

    if len(text) <= size:
        return text

    out, step = [], len(text) // pieces

    for i in range(pieces):
        start = text.index('\n', i * step) + 1
        out.append(text[start:text.index('\n', start + size // pieces) + 1])

    return ''.join(out)


def english(share):
    parts = [read(f) for f in sorted(glob.glob(share + '/games/fortunes/*'))
             if not f.endswith(('.dat', '.u8'))]

    for name in ('devil', 'jargon', 'foldoc', 'gcide'):
        text = read(f'{share}/dictd/{name}.dict.dz')
        left = ENGLISH - sum(len(p) for p in parts)
        parts.append(slices(text, left, 40))

    return ''.join(parts)


def code():
    """Up to a share of each kind, of files in an order by chance."""

    places = [(sysconfig.get_paths()['stdlib'], ('.py',)),
              (os.environ.get('NGINX_SRC', '/usr/share/nginx/src'),
               ('.c', '.h')),
              ('/usr/include', ('.h', '.hpp')),
              ('/usr/share/perl', ('.pm', '.pl')),
              ('/usr/local/go/src', ('.go',)),
              ('/usr/lib/node_modules', ('.js', '.ts')),
              ('/usr/share/nodejs', ('.js', '.ts'))]
    found = []

    for top, ends in places:
        files = sorted(os.path.join(d, f) for d, _, fs in os.walk(top)
                       for f in fs if f.endswith(ends))
        random.Random(1).shuffle(files)
        found.append(files)

    found = [f for f in found if f]
    share, out = CODE // len(found), []

    for files in found:
        size = 0

        for f in files:
            if size > share:
                break

            if 500 < os.path.getsize(f) < 100000:
                out.append(read(f))
                size += len(out[-1])

    return ''.join(out)


def chinese(share):
    parts = [read(p) for p in glob.glob(
        share + '/debian-reference/*.zh-cn.txt.gz')]

    for path in sorted(glob.glob(share + '/man/zh_CN/*/*')):
        if not os.path.islink(path):
            text = read(path)
            text = re.sub(r'^[.\'].{0,3}\s|\\f[A-Z]|\\(?=-)', '', text,
                          flags=re.M)
            parts.append(text)

    # lines that are mostly Chinese

    lines = [line for line in ''.join(parts).split('\n')
             if len(re.findall('[\u4e00-\u9fff]', line)) * 2 > len(line)]

    return '\n'.join(lines)


def worst():
    rnd = random.Random(2)
    raw = rnd.randbytes(MB)

    yield 'a', 'a' * MB
    yield 'spaces', ' ' * MB
    yield 'newlines', '\n' * MB
    yield 'zwj', '\u200d' * (MB // 3)
    yield 'letters', ''.join(rnd.choices('abcdefghijklmnopqrstuvwxyz', k=MB))
    yield 'bytes', raw.decode('utf-8', 'replace')
    yield 'base64', base64.b64encode(raw[:MB * 3 // 4]).decode()
    yield 'digits', ''.join(rnd.choices('0123456789', k=MB))
    yield 'punctuation', ''.join(rnd.choices('!"#$%&()*+,-.:;<=>?@[]^_`{|}~',
                                             k=MB))
    yield 'han', ''.join(chr(rnd.randrange(0x4e00, 0x9fff))
                         for _ in range(MB // 3))
    yield 'unicode', ''.join(chr(c if c < 0xd800 else c + 0x800)
                             for c in (rnd.randrange(0x80, 0x10f7ff)
                                       for _ in range(MB // 4)))


def main():
    folder = sys.argv[1]

    if os.path.exists(folder + '/texts/done'):
        return

    share = fetch(folder)
    os.makedirs(folder + '/texts', exist_ok=True)

    for name, text in [('english', english(share)), ('code', code()),
                       ('chinese', chinese(share)), *worst()]:
        with open(f'{folder}/texts/{name}.txt', 'wb') as f:
            f.write(text.encode('utf-8'))

    open(folder + '/texts/done', 'w').close()


main()
