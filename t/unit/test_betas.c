/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The lists of betas: what they have, and what is wrong with them.
 */


#include "tap.h"
#include "genai_betas.h"


static genai_betas_t  betas;
static char           error[GENAI_BETAS_ERROR_MAX];


/* the text is malloc'd to its size: a byte read behind it is found */

static int
reads(const char *text, size_t len)
{
    int          rc;
    genai_str_t  s;

    s.len = len;
    s.data = malloc(len ? len : 1);

    if (s.data == NULL) {
        abort();
    }

    memcpy(s.data, text, len);

    error[0] = '\0';
    rc = genai_betas_read(&betas, &s, error);

    free(s.data);

    return rc;
}


static void
bad(const char *text, const char *why)
{
    if (!is_int(reads(text, strlen(text)), -1, "%s is refused", text)) {
        genai_betas_free(&betas);
        return;
    }

    if (!ok(strstr(error, why) != NULL, "as %s", why)) {
        diag("%s", error);
    }
}


static int
has(const char *name, const char *value)
{
    uint32_t     list;
    genai_str_t  n, v;

    n.data = (unsigned char *) name;
    n.len = strlen(name);
    v.data = (unsigned char *) value;
    v.len = strlen(value);

    list = genai_betas_find(&betas, &n);

    return list ? genai_betas_has(&betas, list, &v) : -1;
}


int
main(void)
{
    int           i;
    size_t        n;
    char         *huge, *p;
    uint32_t      list;
    genai_str_t   name;

    static const char  text[] =
        "{ \"#\": 7, \"claude\" : [\"context-1m-2025-08-07\", \"files-*\"],\n"
        "  \"bedrock\":[], \"*\":[\"*\"], \"#x\":[7], \"\xc3\xa9\":[\"a\"] }";

    if (!is_int(reads(text, sizeof(text) - 1), 0, "lists are read")) {
        diag("%s", error);
        return done_testing();
    }

    is_int(has("claude", "context-1m-2025-08-07"), 1, "a value");
    is_int(has("claude", "context-1m-2025-08-0"), 0, "a shorter one");
    is_int(has("claude", "context-1m-2025-08-077"), 0, "a longer one");
    is_int(has("claude", "Context-1m-2025-08-07"), 0, "in another case");
    is_int(has("claude", "files-api-2025"), 1, "one that begins so");
    is_int(has("claude", "files-"), 1, "with nothing behind");
    is_int(has("claude", "files"), 0, "and one that does not");
    is_int(has("claude", ""), 0, "nothing");
    is_int(has("bedrock", "a"), 0, "an empty list");
    is_int(has("*", "a"), 1, "a star");
    is_int(has("\xc3\xa9", "a"), 1, "a name of other letters");
    is_int(has("other", "a"), -1, "no list");
    is_int(has("#", "a"), -1, "a comment is none");
    is_int(has("", "a"), -1, "nor is no name");

    for (i = 0, list = 0; (list = genai_betas_next(&betas, list, &name)); i++) {
        quiet_ok(name.len && name.data[0] != '#', "a list");
    }

    is_int(i, 4, "all lists");

    genai_betas_free(&betas);
    is_int(genai_betas_next(&betas, 0, &name), 0, "and then there are none");
    is_int(has("*", "a"), -1, "at all");

    is_int(reads("{}", 2), 0, "no list at all");
    genai_betas_free(&betas);

    bad("", "line 1: ");
    bad("[]", "line 1: an object");
    bad("\n\"a\"", "line 2: an object");
    bad("{\"a\":[\n\"b\",\n]}", "line 3: ");
    bad("{\"a\":7}", "\"a\" must be a list");
    bad("{\"a\":{}}", "\"a\" must be a list");
    bad("{\"a\":[7]}", "a beta is a string");
    bad("{\"a\":[\"\"]}", "a beta is a string");
    bad("{\"a\":[\"b,c\"]}", "a beta has no");
    bad("{\"a\":[\"b c\"]}", "a beta has no");
    bad("{\"a\":[\"b\\n\"]}", "a beta has no");
    bad("{\"a\":[\"*b\"]}", "a beta has no");
    bad("{\"a\":[\"\xc3\xa9\"]}", "a beta has no");
    bad("{\"a\":[],\n\"a\":[]}", "line 2: \"a\" is there twice");
    bad("{\"\":[]}", "a name has");
    bad("{\"\\u0061\":[]}", "a name has");
    bad("{\"a\":[]} x", "line 1: ");
    bad("\xef\xbb\xbf{}", "line 1: ");

    huge = malloc(GENAI_BETAS_MAX + 2);

    if (huge == NULL) {
        abort();
    }

    memset(huge, ' ', GENAI_BETAS_MAX + 1);
    memcpy(huge, "{}", 2);

    is_int(reads(huge, GENAI_BETAS_MAX), 0, "as long as it may be");
    genai_betas_free(&betas);
    is_int(reads(huge, GENAI_BETAS_MAX + 1), -1, "and longer");

    for (i = 0, p = huge; i <= GENAI_BETAS_LISTS; i++) {
        p += sprintf(p, "%c\"%d\":[]", i ? ',' : '{', i);
    }

    *p++ = '}';
    n = p - huge;

    is_int(reads(huge, n), -1, "too many lists");
    ok(strstr(error, "more than 256 lists") != NULL, "which it says");

    free(huge);

    return done_testing();
}
