/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The tape: the header's example, the walk over it, and names that are equal
 * to some readers and different to others.
 */


#include "scan.h"


static void
test_tape(void)
{
    int            k;
    uint32_t       i, v;
    result_t       r;
    genai_str_t    s;
    genai_tape_t  *t;

    static const char  text[] = "{\"model\":\"m\",\"stop\":[1,\"x\\n\"]}";

    static const genai_entry_t  want[] = {
        { GENAI_TAPE_OBJECT, 0, 30, 7 },
        { GENAI_TAPE_STRING | GENAI_TAPE_KEY, 2, 5, 2 },
        { GENAI_TAPE_STRING, 10, 1, 3 },
        { GENAI_TAPE_STRING | GENAI_TAPE_KEY, 14, 4, 4 },
        { GENAI_TAPE_ARRAY, 20, 9, 7 },
        { GENAI_TAPE_NUMBER, 21, 1, 6 },
        { GENAI_TAPE_STRING | GENAI_TAPE_ESCAPED, 24, 3, 7 }
    };

    static const char  keys[] =
        "{\"model\":1,\"Model\":2,\"mod\\u0065l\":3,\"mod\\u0045l\":4,"
        "\"mode\":5,\"models\":6,\"\":7,\"mod\\\\l\":8,\"mod\\nl\":9,"
        "\"a/b\":10,\"a\\/b\":11,\"k\xc3\xa9\":12,\"\xe2\x84\xaa\":13,"
        "\"\\u212A\":14,\"\xc5\xbf\":15,\"\\u017f\":16,\"mode\\u004C\":17,"
        "\"mode\\u006c\":18,\"model\\u0000\":19,\"mo\\u0064e\\u006C\":20,"
        "\"\xe2\x84\xab\":21}";

    static const struct {
        const char  *name;
        int          n;
        int          want[22];
    } names[] = {
        { "model", 5, { 0, 1, -1, 1, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                        -1, 1, 0, 1, 0 } },
        { "a/b", 3, { [10] = 1, [11] = 1 } },
        { "k", 1, { [13] = -1, [14] = -1 } },
        { "K", 1, { [13] = -1, [14] = -1 } },
        { "s", 1, { [15] = -1, [16] = -1 } },
        { "", 0, { [7] = 1 } },
        { "mod\\l", 5, { [8] = 1 } },
        { "MODEL", 5, { 0, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                        -1, -1, 0, -1, 0 } }
    };

    scan_open(&r, GENAI_SCAN_BEST, text, sizeof(text) - 1, SIZE_MAX, 100);

    t = &r.s.tape;

    if (ok(r.rc == GENAI_SCAN_DONE, "the header's example")) {
        is_mem(t->entries, t->n * sizeof(genai_entry_t), want, sizeof(want),
               "has the tape that is shown there");

        s = genai_tape_whole(t, 6);
        is_text(s, "\"x\\n\"", "a string with its quotes");
        s = genai_tape_whole(t, 4);
        is_text(s, "[1,\"x\\n\"]", "an array");
        s = genai_tape_view(t, genai_tape_find(t, 0, "model", 5));
        is_text(s, "m", "a member by its name");
        is_int(genai_tape_find(t, 0, "mode", 4), 0, "one that is not there");
        is_int(genai_tape_find(t, 4, "x\\n", 3), 0, "an array has no names");
        is_int(genai_tape_first(t, 2), 0, "a string has nothing in it");
        is_int(genai_tape_first(t, 0), 1, "the first member");
        is_int(genai_tape_next(t, 0, 1), 3, "the second");
        is_int(genai_tape_next(t, 0, 3), 0, "there is no third");
        is_int(genai_tape_next(t, 4, 5), 6, "the second element");
        is_int(genai_tape_next(t, 4, 6), 0, "there is no third");
    }

    scan_close(&r);

    scan_open(&r, GENAI_SCAN_BEST, keys, sizeof(keys) - 1, SIZE_MAX, 100);

    if (ok(r.rc == GENAI_SCAN_DONE, "an object with many names")) {

        for (k = 0; k < (int) (sizeof(names) / sizeof(names[0])); k++) {

            for (i = genai_tape_first(t, 0), v = 1; i;
                 i = genai_tape_next(t, 0, i), v++)
            {
                s = genai_tape_view(t, i);
                is_int(genai_tape_key_is(t, i, names[k].name, names[k].n),
                       names[k].want[v], "\"%.*s\" and %s", (int) s.len,
                       s.data, names[k].name);
            }

            is_int(v, 22, "all names");
        }

        is_int(genai_tape_member(t, 0, "model", 5, &v), -1,
               "a name in two cases is refused");
        is_int(v, 3, "and the second is pointed at");
        is_int(genai_tape_member(t, 0, "a/b", 3, &v), -1,
               "a name twice is refused");
        is_int(v, 21, "and the second is pointed at");
        is_int(genai_tape_member(t, 0, "models", 6, &v), 1,
               "a name once is not");
        is_int(v, 12, "and its value is found");
        is_int(genai_tape_member(t, 0, "s", 1, &v), -1,
               "a name that only folds to it is refused");
        is_int(genai_tape_member(t, 0, "nothing", 7, &v), 0,
               "a name that is not there");
        is_int(v, 0, "has no value");
    }

    scan_close(&r);
}


int
main(void)
{
    test_tape();

    return done_testing();
}
