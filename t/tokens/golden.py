# SPDX-License-Identifier: Apache-2.0
#
# Writes t/tokens/golden/NAME.txt from the reference implementations: a line
# for each entry of texts.txt, in its order, with the number of tokens and the
# first 16 digits of the SHA-256 of the ids, of all texts of the entry.  An id
# is 4 bytes, the lowest first; ff ff ff ff stands behind each text.  The
# entries ids/* have the ids behind that.

import hashlib
import os
import sys

from refs import NAMES, decode, packed, reference
from texts import entries, expand


HERE = os.path.dirname(os.path.abspath(__file__))
END = b'\xff\xff\xff\xff'


def write(name):
    ref = reference(name)

    with open(HERE + '/texts.txt', 'rb') as f:
        sums = hashlib.sha256(f.read()).hexdigest()

    with open(f'{HERE}/golden/{name}.txt', 'w', newline='\n') as out:
        print(f'# {ref.version}; texts.txt {sums}', file=out)

        for fields in entries(HERE + '/texts.txt'):
            count, h = 0, hashlib.sha256()
            texts = [decode(t) for t in expand(fields)]

            for ids in ref.batch(texts):
                count += len(ids)
                h.update(packed(ids) + END)

            line = f'{count} {h.hexdigest()[:16]}'

            if fields[0].startswith('ids/'):
                line = ' '.join([line] + [str(i) for i in ids])

            print(line, file=out)


os.makedirs(HERE + '/golden', exist_ok=True)

for name in sys.argv[1:] or NAMES:
    write(name)
    print(name, flush=True)
