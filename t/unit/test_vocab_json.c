/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Reading vocabularies: tokenizer.json.
 */


#include "vocab.h"


#define MARK      "\xe2\x96\x81"

/* the expressions of families, in JSON */

#define QUOTES    "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define QWEN2                                                                 \
    QUOTES "|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|\\\\p{N}"                \
    "| ?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]+"           \
    "|\\\\s+(?!\\\\S)|\\\\s+"
#define LLAMA3                                                                \
    QUOTES "|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|\\\\p{N}{1,3}"           \
    "| ?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]+"           \
    "|\\\\s+(?!\\\\S)|\\\\s+"
#define DEEPSEEK1  "\\\\p{N}{1,3}"
#define DEEPSEEK2  "[\xe4\xb8\x80-\xe9\xbe\xa5\xe3\x81\x80-\xe3\x82\x9f"      \
                   "\\u30a0-\\u30ff]+"
#define DEEPSEEK3                                                             \
    "[!\\\"#$%&'()*+,\\\\-./:;<=>?@\\\\[\\\\\\\\\\\\]^_`{|}~][A-Za-z]+"       \
    "|[^\\r\\n\\\\p{L}\\\\p{P}\\\\p{S}]?[\\\\p{L}\\\\p{M}]+"                  \
    "| ?[\\\\p{P}\\\\p{S}]+[\\r\\n]*|\\\\s*[\\r\\n]+|\\\\s+(?!\\\\S)|\\\\s+"

#define SPLIT(expression, behavior, invert)                                   \
    "{\"type\":\"Split\",\"pattern\":{\"Regex\":\"" expression "\"},"         \
    "\"behavior\":\"" behavior "\",\"invert\":" invert "}"
#define ISOLATED(expression)   SPLIT(expression, "Isolated", "false")
#define BYTES(regex)                                                          \
    "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,"                     \
    "\"trim_offsets\":true,\"use_regex\":" regex "}"
#define SEQUENCE(elements)                                                    \
    "{\"type\":\"Sequence\",\"pretokenizers\":[" elements "]}"
#define METASPACE(rest)                                                       \
    "{\"type\":\"Metaspace\",\"replacement\":\"" MARK "\"" rest "}"

#define NORMALIZERS(elements)                                                 \
    "{\"type\":\"Sequence\",\"normalizers\":[" elements "]}"
#define REPLACE                                                               \
    "{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},"                   \
    "\"content\":\"\\u2581\"}"
#define PREPEND  "{\"type\":\"Prepend\",\"prepend\":\"" MARK "\"}"

#define ADDED(id, content, special, normalized)                               \
    "{\"id\":" id ",\"content\":\"" content "\",\"special\":" special         \
    ",\"normalized\":" normalized ",\"single_word\":false,"                   \
    "\"lstrip\":false,\"rstrip\":false}"


static void
test_bytes(void)
{
    int           i, k;
    vocab_buf_t   b = { NULL, 0, 0 };
    vocab_read_t  r;
    vocab_json_t  j = {
        .vocab = ",\"ab\":256,\"\xc4\xa0" "a\":257,\"\xc4\xa0" "ab\":258,"
                 "\"\\u0120\\u0120\":259,\"<\xef\xbd\x9cx\xef\xbd\x9c>\":260,"
                 "\"\xc4\x8a\":261",
        .merges = "\"a b\",\"\\u0120 a\",[\"\xc4\xa0\",\"ab\"],"
                  "\"#version: 0.2\",\"\xc4\xa0 \xc4\xa0\"",
        .added = ADDED("260", "<\xef\xbd\x9cx\xef\xbd\x9c>", "true", "false")
                 "," ADDED("262", "<think>", "false", "false")
                 "," ADDED("263", "<s>", "true", "true")
                 "," ADDED("257", "\xc4\xa0" "a", "false", "false")
                 "," ADDED("97", "a", "true", "false"),
        .top = "\"truncation\":null,\"padding\":null,\"decoder\":1,"
               "\"post_processor\":{\"type\":\"ByteLevel\"},"
    };

    vocab_json(&b, &j);

    vocab_read(&r, GENAI_SPLIT_LAST, b.data, b.len);
    ok(r.rc == -1, "a character outside of the usual ones");
    is_str(r.error, "model.vocab: \"\\xc4\\x8a\" stands twice",
           "is known by its byte");
    vocab_done(&r);

    j.vocab = ",\"ab\":256,\"\xc4\xa0" "a\":257,\"\xc4\xa0" "ab\":258,"
              "\"\\u0120\\u0120\":259,\"<\xef\xbd\x9cx\xef\xbd\x9c>\":260,"
              "\"\xc4\xa1z\\\"\\\\\":261";

    b.len = 0;
    vocab_json(&b, &j);
    vocab_read(&r, GENAI_SPLIT_O200K, b.data, b.len);

    if (ok(r.rc == 0, "tokenizer.json of bytes")) {
        is_int(r.s.ntokens, 262 + 2 + 2, "all tokens");
        is_int(r.s.split, GENAI_SPLIT_R50K, "\"ByteLevel\" cuts as GPT-2 did");
        ok(!r.s.whole && !r.s.chars && !r.s.nfc && !r.s.prefix
           && r.s.ranks == NULL, "and nothing else");

        for (i = 0; i < 256; i++) {
            quiet_ok(r.s.tokens[i].bytes.data[0] == i
                     && r.s.tokens[i].bytes.len == 1
                     && r.s.tokens[i].kind == GENAI_TOKEN_NORMAL
                     && (int) r.s.tokens[i].id == i, "byte %d", i);
        }

        is_int(vocab_id(&r.s, GENAI_TOKEN_NORMAL, " ab"), 258,
               "the alphabet is decoded");
        is_int(vocab_id(&r.s, GENAI_TOKEN_NORMAL, "  "), 259,
               "if it is escaped, too");
        is_int(vocab_id(&r.s, GENAI_TOKEN_NORMAL, "\x7fz\"\\"), 261,
               "each of its bytes");
        is_int(vocab_id(&r.s, GENAI_TOKEN_CONTROL,
                        "<\xef\xbd\x9cx\xef\xbd\x9c>"), 260,
               "what is no byte is in no text");
        is_int(vocab_id(&r.s, GENAI_TOKEN_ADDED, "<think>"), 262,
               "an added token");
        is_int(vocab_id(&r.s, GENAI_TOKEN_CONTROL, "<s>"), 263,
               "a special one");
        is_int(vocab_id(&r.s, GENAI_TOKEN_ADDED, "\xc4\xa0" "a"), 257,
               "one that also merges, as it is written");
        is_int(vocab_id(&r.s, GENAI_TOKEN_NORMAL, " a"), 257,
               "and as it merges");
        ok(vocab_id(&r.s, GENAI_TOKEN_NORMAL, "a") == 97
           && vocab_id(&r.s, GENAI_TOKEN_CONTROL, "a") == 97,
           "a byte that is said to be special is a byte, too");

        if (is_int(r.s.nmerges, 4, "all merges")) {
            ok(r.s.merges[0].left == 'a' && r.s.merges[0].right == 'b'
               && r.s.merges[0].merged == 256, "of \"a b\"");
            ok(r.s.merges[1].left == ' ' && r.s.merges[1].right == 'a'
               && r.s.merges[1].merged == 257, "of what is escaped");
            ok(r.s.merges[2].left == ' ' && r.s.merges[2].right == 256
               && r.s.merges[2].merged == 258, "of an array");
            k = vocab_token(&r.s, GENAI_TOKEN_NORMAL, "  ", 2);
            ok((int) r.s.merges[3].merged == k, "behind a comment");
        }
    } else {
        diag("%s", r.error);
    }

    vocab_done(&r);
    vocab_damaged(GENAI_SPLIT_LAST, &b, "tokenizer.json of bytes");

    /* what is always itself as a piece stays a token */

    j.model = "\"type\":\"BPE\",\"dropout\":null,\"unk_token\":null,"
              "\"continuing_subword_prefix\":\"\",\"end_of_word_suffix\":null,"
              "\"fuse_unk\":false,\"byte_fallback\":false,"
              "\"ignore_merges\":true,";
    j.merges = NULL;
    j.added = ADDED("257", "\xc4\xa0" "a", "false", "false")
              "," ADDED("258", "\xc4\xa0" "ab", "true", "false");

    b.len = 0;
    vocab_json(&b, &j);
    vocab_read(&r, GENAI_SPLIT_O200K, b.data, b.len);

    if (ok(r.rc == 0, "\"ignore_merges\"")) {
        ok(r.s.whole && r.s.nmerges == 0 && r.s.merges, "without merges");
        ok(vocab_id(&r.s, GENAI_TOKEN_NORMAL, " a") == 257
           && vocab_id(&r.s, GENAI_TOKEN_ADDED, "\xc4\xa0" "a") == 257,
           "what is added is a token as well");
        ok(vocab_id(&r.s, GENAI_TOKEN_NORMAL, " ab") == -1
           && vocab_id(&r.s, GENAI_TOKEN_CONTROL, "\xc4\xa0" "ab") == 258,
           "what is special is not");
    } else {
        diag("%s", r.error);
    }

    vocab_done(&r);
    vocab_free(&b);
}


static void
test_chars(void)
{
    int           k;
    vocab_buf_t   b = { NULL, 0, 0 };
    vocab_read_t  r;
    vocab_json_t  j = {
        .chars = 1,
        .vocab = ",\"" MARK MARK "\":261,\"" MARK "a\":262,\"\\n\\n\":263,"
                 "\"\\n\":264,\"\xe2\x96\":265,\"a b\":266,\"\xc3\xa9\":267",
        .merges = "\"" MARK " " MARK "\",[\"" MARK "\",\"a\"],"
                  "[\"\\n\",\"\\n\"]",
        .added = ADDED("261", MARK MARK, "false", "false")
                 "," ADDED("263", "\\n\\n", "false", "false")
                 "," ADDED("268", "<unused>", "false", "true")
                 "," ADDED("0", "<0x00>", "true", "false"),
        .pre_tokenizer = "{\"type\":\"Split\",\"pattern\":{\"String\":\" \"},"
                         "\"behavior\":\"MergedWithPrevious\","
                         "\"invert\":false}"
    };

    vocab_json(&b, &j);
    vocab_read(&r, GENAI_SPLIT_LAST, b.data, b.len);
    ok(r.rc == -1 && strstr(r.error, "it is not JSON"), "what is not UTF-8");
    vocab_done(&r);

    j.vocab = ",\"" MARK MARK "\":261,\"" MARK "a\":262,\"\\n\\n\":263,"
              "\"\\n\":264,\"x\":265,\"a b\":266,\"\xc3\xa9\":267";

    b.len = 0;
    vocab_json(&b, &j);
    vocab_read(&r, GENAI_SPLIT_LAST, b.data, b.len);

    if (ok(r.rc == 0, "tokenizer.json of characters")) {
        is_int(r.s.ntokens, 268 + 4, "all tokens");
        is_int(r.s.split, GENAI_SPLIT_SPACE, "it can be cut at spaces");
        ok(!r.s.whole && r.s.chars && !r.s.nfc && !r.s.prefix, "as Gemma's");
        is_int(vocab_id(&r.s, GENAI_TOKEN_BYTE, "A"), 'A', "a byte");
        ok(vocab_token(&r.s, GENAI_TOKEN_BYTE, "\0", 1) == 0
           && vocab_id(&r.s, GENAI_TOKEN_CONTROL, "<0x00>") == 0,
           "one that is said to be special");
        is_int(vocab_id(&r.s, GENAI_TOKEN_NORMAL, "  "), 261, "two spaces");
        is_int(vocab_id(&r.s, GENAI_TOKEN_ADDED, MARK MARK), 261,
               "which are found in a text as they are written");
        is_int(vocab_id(&r.s, GENAI_TOKEN_NORMAL, " a"), 262, "a space");
        is_int(vocab_id(&r.s, GENAI_TOKEN_CONTROL, "a b"), 266,
               "what has a space can be in no text");
        ok(vocab_id(&r.s, GENAI_TOKEN_NORMAL, "\n\n") == 263
           && vocab_id(&r.s, GENAI_TOKEN_ADDED, "\n\n") == 263, "line feeds");
        is_int(vocab_id(&r.s, GENAI_TOKEN_ADDED, "<unused>"), 268,
               "one that is normalized, which does not change it");
        k = vocab_token(&r.s, GENAI_TOKEN_NORMAL, "  ", 2);
        ok(r.s.nmerges == 3 && (int) r.s.merges[0].merged == k, "merges");
    } else {
        diag("%s", r.error);
    }

    vocab_done(&r);
    vocab_damaged(GENAI_SPLIT_LAST, &b, "tokenizer.json of characters");

    /* a token with a space in it */

    j.vocab = ",\">" MARK "<\":261";
    j.merges = NULL;
    j.added = NULL;

    b.len = 0;
    vocab_json(&b, &j);
    vocab_read(&r, GENAI_SPLIT_LAST, b.data, b.len);
    ok(r.rc == 0 && r.s.split == GENAI_SPLIT_NONE, "it cannot be cut there");
    vocab_done(&r);

    vocab_free(&b);
}


/* what is done to a text before */

static void
test_steps(void)
{
    size_t        i;
    vocab_buf_t   b = { NULL, 0, 0 };
    vocab_read_t  r;
    vocab_json_t  j;

    static const struct {
        int            chars;
        const char    *normalizer;
        const char    *pre_tokenizer;
        int            split;
        int            nfc;
        int            prefix;
    } cases[] = {
        { 0, "{\"type\":\"NFC\"}", SEQUENCE(ISOLATED(QWEN2) "," BYTES("false")),
          GENAI_SPLIT_QWEN2, 1, 0 },
        { 0, "null", SEQUENCE(ISOLATED(LLAMA3) "," BYTES("false")),
          GENAI_SPLIT_LLAMA3, 0, 0 },
        { 0, "null", SEQUENCE(SPLIT(LLAMA3, "Removed", "true") ","
                              BYTES("false")), GENAI_SPLIT_LLAMA3, 0, 0 },
        { 0, NORMALIZERS(""),
          SEQUENCE(ISOLATED(DEEPSEEK1) "," ISOLATED(DEEPSEEK2) ","
                   ISOLATED(DEEPSEEK3) "," BYTES("false")),
          GENAI_SPLIT_DEEPSEEK3, 0, 0 },
        { 0, NORMALIZERS("{\"type\":\"NFC\"}"), BYTES("true"),
          GENAI_SPLIT_R50K, 1, 0 },
        { 0, "null", BYTES("false"), GENAI_SPLIT_NONE, 0, 0 },
        { 0, "null", SEQUENCE(BYTES("true")), GENAI_SPLIT_R50K, 0, 0 },
        { 0, "null", SEQUENCE(SEQUENCE(ISOLATED(QWEN2)) ","
                              SEQUENCE(BYTES("false"))),
          GENAI_SPLIT_QWEN2, 0, 0 },
        { 0, "null", SEQUENCE(ISOLATED("\\\\d|\\\\D+") "," BYTES("false")),
          GENAI_SPLIT_PATTERN, 0, 0 },
        { 1, REPLACE, "null", GENAI_SPLIT_SPACE, 0, 0 },
        { 1, NORMALIZERS(PREPEND "," REPLACE), "null", GENAI_SPLIT_SPACE, 0,
          1 },
        { 1, NORMALIZERS(NORMALIZERS(REPLACE) "," PREPEND), SEQUENCE(""),
          GENAI_SPLIT_SPACE, 0, 1 },
        { 1, "null", METASPACE(",\"prepend_scheme\":\"never\""),
          GENAI_SPLIT_SPACE, 0, 0 },
        { 1, "null", METASPACE(",\"add_prefix_space\":false,\"split\":true"),
          GENAI_SPLIT_SPACE, 0, 0 },
        { 1, REPLACE, METASPACE(",\"prepend_scheme\":\"never\","
                                "\"split\":false"), GENAI_SPLIT_SPACE, 0, 0 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {

        memset(&j, 0, sizeof(vocab_json_t));
        j.chars = cases[i].chars;
        j.normalizer = cases[i].normalizer;
        j.pre_tokenizer = cases[i].pre_tokenizer;

        b.len = 0;
        vocab_json(&b, &j);
        vocab_read(&r, GENAI_SPLIT_LAST, b.data, b.len);

        ok(r.rc == 0 && (int) r.s.split == cases[i].split
           && r.s.nfc == cases[i].nfc && r.s.prefix == cases[i].prefix,
           "step %lu: %s, %s", (unsigned long) i,
           genai_split_name(cases[i].split), r.rc ? r.error : "as it should");

        if (r.rc == 0 && r.s.split == GENAI_SPLIT_PATTERN) {
            is_text(r.s.pattern, "\\d|\\D+", "the expression");
        }

        vocab_done(&r);
    }

    vocab_free(&b);
}


static void
test_steps_refused(void)
{
    size_t        i;
    vocab_buf_t   b = { NULL, 0, 0 };
    vocab_json_t  j;

    static const struct {
        int          chars;
        const char  *normalizer;
        const char  *pre_tokenizer;
        const char  *want;
    } cases[] = {
        { 0, "{\"type\":\"Lowercase\"}", NULL,
          "normalizer \"Lowercase\" is not known" },
        { 0, NORMALIZERS("{\"type\":\"NFC\"},{\"type\":\"NFKC\"}"), NULL,
          "normalizer \"NFKC\" is not known" },
        { 0, "1", NULL, "normalizer: it is no object" },
        { 0, "{}", NULL, "normalizer.type: it is missing" },
        { 0, "{\"type\":\"Sequence\"}", NULL,
          "normalizer \"Sequence\": it has no array \"normalizers\"" },
        { 0, NORMALIZERS("null"), NULL,
          "normalizer: one of a sequence is null" },
        { 0, REPLACE, NULL, "pre_tokenizer: \"ByteLevel\" is not known where"
          " spaces become U+2581" },
        { 0, PREPEND, NULL,
          "normalizer \"Prepend\" is not known with \"ByteLevel\"" },
        { 1, NORMALIZERS(PREPEND "," REPLACE "," PREPEND), NULL,
          "normalizer \"Prepend\": it is not known twice" },
        { 1, "{\"type\":\"Prepend\",\"prepend\":\" \"}", NULL, "normalizer"
          " \"Prepend\": it is known of U+2581, not of anything else" },
        { 1, "{\"type\":\"Replace\",\"pattern\":{\"Regex\":\" \"},"
          "\"content\":\"" MARK "\"}", NULL,
          "normalizer \"Replace\": \"Regex\" is not known" },
        { 1, "{\"type\":\"Replace\",\"pattern\":{\"String\":\"x\"},"
          "\"content\":\"" MARK "\"}", NULL, "normalizer \"Replace\": it is"
          " known of a space, not of anything else" },
        { 1, "{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},"
          "\"content\":\"_\"}", NULL, "normalizer \"Replace\": it is known by"
          " U+2581, not by anything else" },
        { 1, "{\"type\":\"Replace\"}", NULL,
          "normalizer \"Replace\": it has no \"pattern\"" },

        { 0, NULL, "{\"type\":\"BertPreTokenizer\"}",
          "pre_tokenizer \"BertPreTokenizer\" is not known" },
        { 0, NULL, "{\"type\":\"Whitespace\"}",
          "pre_tokenizer \"Whitespace\" is not known" },
        { 0, NULL, "null", "pre_tokenizer: what neither has \"ByteLevel\" nor"
          " makes U+2581 of spaces is not known" },
        { 1, "null", NULL, "pre_tokenizer: what neither has \"ByteLevel\" nor"
          " makes U+2581 of spaces is not known" },
        { 0, NULL, "{\"type\":\"ByteLevel\",\"add_prefix_space\":true}",
          "pre_tokenizer \"ByteLevel\": \"add_prefix_space\" is not known" },
        { 0, NULL, "{\"type\":\"ByteLevel\"}", "pre_tokenizer"
          " \"ByteLevel\".add_prefix_space: it is missing" },
        { 0, NULL, "{\"type\":\"ByteLevel\",\"add_prefix_space\":1}",
          "pre_tokenizer \"ByteLevel\".add_prefix_space: it is neither true"
          " nor false" },
        { 0, NULL, "{\"type\":\"ByteLevel\",\"new\":1}",
          "pre_tokenizer \"ByteLevel\": \"new\" is not known" },
        { 0, NULL, SEQUENCE("{\"type\":\"Digits\"}," BYTES("true")),
          "in a sequence, pre_tokenizer \"Digits\" is not known" },
        { 0, NULL, SEQUENCE(BYTES("true") "," ISOLATED(QWEN2)), "in a sequence,"
          " pre_tokenizer \"ByteLevel\" is not known" },
        { 0, NULL, SEQUENCE(ISOLATED(QWEN2) ",{\"type\":\"Digits\"}"),
          "pre_tokenizer \"Digits\" is not known as the last of a sequence,"
          " only \"ByteLevel\" is" },
        { 0, NULL, SEQUENCE(ISOLATED(QWEN2) "," BYTES("true")), "pre_tokenizer"
          " \"ByteLevel\": \"use_regex\" is not known behind \"Split\"" },
        { 0, NULL, SEQUENCE(SPLIT(QWEN2, "MergedWithNext", "false") ","
                            BYTES("false")), "pre_tokenizer \"Split\": it is"
          " known \"Isolated\", or \"Removed\" and inverted, not otherwise" },
        { 0, NULL, SEQUENCE(SPLIT(QWEN2, "Isolated", "true") ","
                            BYTES("false")), "pre_tokenizer \"Split\": it is"
          " known \"Isolated\", or \"Removed\" and inverted, not otherwise" },
        { 0, NULL, SEQUENCE(SPLIT("x+", "Removed", "true") "," BYTES("false")),
          "pre_tokenizer \"Split\": \"invert\" is not known of the expression"
          " \"x+\"" },
        { 0, NULL, SEQUENCE(ISOLATED("x") "," ISOLATED("y") ","
                            BYTES("false")), "pre_tokenizer \"Split\": these 2"
          " expressions, one after the other, are not known" },
        { 0, NULL, SEQUENCE("null," BYTES("true")),
          "pre_tokenizer: one of a sequence is null" },
        { 0, NULL, "{\"type\":\"Sequence\"}",
          "pre_tokenizer \"Sequence\": it has no array \"pretokenizers\"" },
        { 0, NULL, SEQUENCE("{\"type\":\"Split\",\"pattern\":{\"String\":"
                            "\" \"},\"behavior\":\"Isolated\",\"invert\":"
                            "false}," BYTES("true")),
          "pre_tokenizer \"Split\": \"String\" is not known" },
        { 0, NULL, ISOLATED(QWEN2), "pre_tokenizer \"Split\": it is known"
          " before \"ByteLevel\", or of a space where U+2581 stands for all of"
          " them" },
        { 1, NULL, "{\"type\":\"Split\",\"pattern\":{\"String\":\"x\"},"
          "\"behavior\":\"Isolated\",\"invert\":false}", "pre_tokenizer"
          " \"Split\": it is known of a space, not of anything else" },
        { 1, NULL, "{\"type\":\"Split\",\"pattern\":{\"String\":\" \"},"
          "\"behavior\":\"Removed\",\"invert\":true}", "pre_tokenizer"
          " \"Split\": it is known of a space, not of anything else" },
        { 1, NULL, METASPACE(""), "pre_tokenizer \"Metaspace\": it is known"
          " with a \"prepend_scheme\" of \"never\", not with any other" },
        { 1, NULL, METASPACE(",\"prepend_scheme\":\"first\""), "pre_tokenizer"
          " \"Metaspace\": it is known with a \"prepend_scheme\" of \"never\","
          " not with any other" },
        { 1, NULL, "{\"type\":\"Metaspace\",\"replacement\":\"_\"}",
          "pre_tokenizer \"Metaspace\": it is known of U+2581, not of anything"
          " else" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {

        memset(&j, 0, sizeof(vocab_json_t));
        j.chars = cases[i].chars;
        j.normalizer = cases[i].normalizer;
        j.pre_tokenizer = cases[i].pre_tokenizer;

        b.len = 0;
        vocab_json(&b, &j);
        vocab_refused(GENAI_SPLIT_LAST, b.data, b.len, cases[i].want);
    }

    /* tokens that a cut at each of several spaces would cut */

    memset(&j, 0, sizeof(vocab_json_t));
    j.chars = 1;
    j.pre_tokenizer = METASPACE(",\"prepend_scheme\":\"never\"");
    j.vocab = ",\"" MARK MARK "\":261";

    b.len = 0;
    vocab_json(&b, &j);
    vocab_refused(GENAI_SPLIT_LAST, b.data, b.len, "pre_tokenizer"
                  " \"Metaspace\": \"split\" is not known for tokens with"
                  " several spaces");

    /* as deep as it can be */

    b.len = 0;
    vocab_printf(&b, "{\"model\":{\"type\":\"BPE\",\"vocab\":{},\"merges\":[]"
                     "},\"normalizer\":");

    for (i = 0; i < 60; i++) {
        vocab_printf(&b, "{\"type\":\"Sequence\",\"normalizers\":[");
    }

    vocab_printf(&b, "{\"type\":\"Strip\"}");

    for (i = 0; i < 60; i++) {
        vocab_printf(&b, "]}");
    }

    vocab_printf(&b, "}");
    vocab_refused(GENAI_SPLIT_LAST, b.data, b.len,
                  "normalizer \"Strip\" is not known");

    vocab_free(&b);
}


static void
test_refused(void)
{
    size_t        i;
    vocab_buf_t   b = { NULL, 0, 0 };

    static const struct {
        vocab_json_t  j;
        const char   *want;
    } cases[] = {
        { { .top = "\"new\":1," }, "tokenizer.json: \"new\" is not known" },
        { { .top = "\"version\":\"2.0\"," },
          "tokenizer.json: \"version\" stands twice" },
        { { .model = "\"type\":\"Unigram\"," },
          "model \"Unigram\" is not known, only \"BPE\" is" },
        { { .model = "\"type\":\"WordPiece\",\"x\":1," },
          "model \"WordPiece\" is not known, only \"BPE\" is" },
        { { .model = "\"type\":\"BPE\",\"x\":1," },
          "model: \"x\" is not known" },
        { { .model = "\"dropout\":0.1," }, "model.dropout is not known" },
        { { .model = "\"continuing_subword_prefix\":\"##\"," },
          "model.continuing_subword_prefix is not known" },
        { { .model = "\"end_of_word_suffix\":\"</w>\"," },
          "model.end_of_word_suffix is not known" },
        { { .model = "\"ignore_merges\":1," },
          "model.ignore_merges: it is neither true nor false" },
        { { .model = "\"merges\":[]," }, "model: \"merges\" stands twice" },
        { { .chars = 1, .model = "\"byte_fallback\":false," },
          "model.byte_fallback: a model of characters without it is not"
          " known" },
        { { .chars = 1,
            .model = "\"byte_fallback\":true,\"ignore_merges\":true," },
          "model.ignore_merges: it is not known of a model of characters" },

        { { .vocab = ",\"a\":256" }, "model.vocab: \"a\" stands twice" },
        { { .vocab = ",\"\\u0061\":256" }, "model.vocab: \"a\" stands twice" },
        { { .vocab = ",\"xy\":255" },
          "model.vocab: the id of \"xy\", 255, is that of another" },
        { { .vocab = ",\"xy\":1048576" },
          "model.vocab: the id of \"xy\", 1048576, is too large" },
        { { .vocab = ",\"xy\":-1" },
          "model.vocab: \"-1\" is no number of tokens or id" },
        { { .vocab = ",\"xy\":1.5" },
          "model.vocab: \"1.5\" is no number of tokens or id" },
        { { .vocab = ",\"xy\":\"1\"" },
          "model.vocab: \"1\" is no number of tokens or id" },
        { { .vocab = ",\"xy\":99999999999999999999" },
          "model.vocab: \"99999999999999999999\" is no number of tokens or"
          " id" },
        { { .vocab = ",\"\":256" }, "model.vocab: the token \"\" is empty" },

        { { .merges = "1" }, "model.merges[0]: it is neither a string nor an"
          " array of two" },
        { { .merges = "[\"a\"]" }, "model.merges[0]: it is neither a string nor"
          " an array of two" },
        { { .merges = "[\"a\",\"b\",\"c\"]" }, "model.merges[0]: it is neither"
          " a string nor an array of two" },
        { { .merges = "[\"a\",1]" }, "model.merges[0]: it is neither a string"
          " nor an array of two" },
        { { .merges = "\"ab\"" }, "model.merges[0]: it is not two tokens with"
          " a blank between them" },
        { { .merges = "\"a b c\"" }, "model.merges[0]: it is not two tokens"
          " with a blank between them" },
        { { .merges = "\" a\"" }, "model.merges[0]: a token is empty" },
        { { .merges = "[\"a\",\"\"]" }, "model.merges[0]: a token is empty" },
        { { .merges = "\"a b\"" },
          "model.merges[0]: \"ab\" is not in \"vocab\"" },
        { { .merges = "\"a \xe2\x82\xac\"" },
          "model.merges[0]: \"\\xe2\\x82\\xac\" is not in \"vocab\"" },
        { { .vocab = ",\"ab\":256", .merges = "\"a b\",\"a b\"" },
          "model.merges[1]: it is that of number 0 again" },
        { { .vocab = ",\"ab\":256", .merges = "\"a b\",[\"a\",\"b\"]" },
          "model.merges[1]: it is that of number 0 again" },
        { { .vocab = ",\"\xe2\x82\xac\":256,\"a\xe2\x82\xac\":257",
            .merges = "\"a \xe2\x82\xac\"" },
          "model.merges[0]: \"\\xe2\\x82\\xac\" is no token that comes about"
          " by merging" },
        { { .chars = 1, .vocab = ",\"a<0x41>\":261",
            .merges = "\"a <0x41>\"" },
          "model.merges[0]: \"<0x41>\" is no token that comes about by"
          " merging" },

        { { .added = "1" }, "added_tokens[0]: it is no object" },
        { { .added = "{}" }, "added_tokens[0].id: it is missing" },
        { { .added = "{\"id\":256}" },
          "added_tokens[0].content: it is missing" },
        { { .added = "{\"id\":256,\"content\":\"x\"}" },
          "added_tokens[0].special: it is missing" },
        { { .added = "{\"id\":256,\"content\":\"x\",\"special\":null}" },
          "added_tokens[0].special: it is neither true nor false" },
        { { .added = ADDED("256", "", "true", "true") },
          "added_tokens[0]: its content is empty" },
        { { .added = ADDED("256", "<x>", "true", "true") ","
                     ADDED("257", "<x>", "true", "true") },
          "added_tokens[1]: \"<x>\" stands twice" },
        { { .added = ADDED("257", "<x>", "true", "true") },
          "added_tokens[0]: its id is 257, which the reference would not"
          " take" },
        { { .added = ADDED("256", "a", "true", "true") },
          "added_tokens[0]: its id is 256, which the reference would not"
          " take" },
        { { .vocab = ",\"xy\":257",
            .added = ADDED("257", "<x>", "true", "true") },
          "added_tokens[0]: its id is 257, which is too large or that of"
          " another" },
        { { .added = "{\"id\":256,\"content\":\"<x>\",\"special\":false,"
                     "\"normalized\":false,\"single_word\":false,"
                     "\"lstrip\":true,\"rstrip\":false}" },
          "added_tokens[0]: \"lstrip\" is not known" },
        { { .added = "{\"id\":256,\"content\":\"<x>\",\"special\":false,"
                     "\"normalized\":false,\"single_word\":true,"
                     "\"lstrip\":true,\"rstrip\":false}" },
          "added_tokens[0]: \"single_word\" is not known" },
        { { .normalizer = "{\"type\":\"NFC\"}",
            .added = ADDED("256", "<x>", "false", "true") },
          "added_tokens[0]: \"normalized\" is not known where the normalizer"
          " could change it" },
        { { .chars = 1, .added = ADDED("261", "x y", "false", "true") },
          "added_tokens[0]: \"normalized\" is not known where the normalizer"
          " could change it" },
        { { .chars = 1, .normalizer = NORMALIZERS(PREPEND "," REPLACE),
            .added = ADDED("261", "<x>", "false", "false") },
          "added_tokens[0]: a token that is not special is not known where the"
          " normalizer prepends" },
        { { .added = ADDED("256", "<ab", "false", "true") ","
                     ADDED("257", "b>", "false", "false") },
          "added_tokens[1]: it overlaps with number 0, of which but one is"
          " \"normalized\"" },
        { { .added = ADDED("256", "b>", "false", "true") ","
                     ADDED("257", "<ab", "false", "false") },
          "added_tokens[1]: it overlaps with number 0, of which but one is"
          " \"normalized\"" },
        { { .added = ADDED("256", "x<y>", "false", "true") ","
                     ADDED("257", "<y", "false", "false") },
          "added_tokens[1]: it overlaps with number 0, of which but one is"
          " \"normalized\"" }
    };

    static const struct {
        const char  *text;
        const char  *want;
    } texts[] = {
        { "{\"model\":{\"type\":\"BPE\",\"merges\":[]},\"pre_tokenizer\":"
          BYTES("true") "}", "model.vocab: it is missing" },
        { "{\"model\":{\"type\":\"BPE\",\"merges\":[],\"vocab\":[]},"
          "\"pre_tokenizer\":" BYTES("true") "}",
          "model.vocab: it is no object" },
        { "{\"model\":{\"type\":\"BPE\",\"merges\":[],\"vocab\":{}},"
          "\"pre_tokenizer\":" BYTES("true") "}",
          "model.vocab: there are no tokens" },
        { "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":1}},"
          "\"pre_tokenizer\":" BYTES("true") "}",
          "model.merges: it is missing" },
        { "{\"model\":{\"type\":\"BPE\",\"merges\":{},\"vocab\":{\"a\":1}},"
          "\"pre_tokenizer\":" BYTES("true") "}",
          "model.merges: it is no array" },
        { "{\"model\":{\"type\":\"BPE\",\"merges\":[],\"vocab\":{\"a\":1}},"
          "\"pre_tokenizer\":" BYTES("true") "}",
          "there is no token for the byte 0x00" },
        { "{\"added_tokens\":{},\"model\":{\"merges\":[],\"vocab\":{\"a\":1}},"
          "\"pre_tokenizer\":" BYTES("true") "}",
          "added_tokens: it is no array" },
        { "{\"version\":\"2.0\",\"model\":{}}",
          "version: only \"1.0\" is known" },
        { "{\"model\":{\"vocab\":{}}}", "model.type: it is missing" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        b.len = 0;
        vocab_json(&b, &cases[i].j);
        vocab_refused(GENAI_SPLIT_LAST, b.data, b.len, cases[i].want);
    }

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        vocab_refused(GENAI_SPLIT_LAST, texts[i].text, strlen(texts[i].text),
                      texts[i].want);
    }

    vocab_free(&b);
}


/* tokens and merges as long as they can be, and longer */

static void
test_long(void)
{
    int            n;
    size_t         i;
    vocab_buf_t    b = { NULL, 0, 0 }, v = { NULL, 0, 0 }, m = { NULL, 0, 0 };
    vocab_read_t   r;
    vocab_json_t   j;

    /* escaped, each byte is six */

    for (n = 1024; n <= 1025; n++) {

        v.len = 0;
        m.len = 0;

        vocab_printf(&v, ",\"aa\":256,\"");
        vocab_printf(&m, "\"");

        for (i = 0; (int) i < n - 1; i++) {
            vocab_printf(&v, "\\u0061");
            vocab_printf(&m, "\\u0061");
        }

        vocab_printf(&v, "\":257,\"");
        vocab_printf(&m, " \\u0061\"");

        for (i = 0; (int) i < n; i++) {
            vocab_printf(&v, "\\u0061");
        }

        vocab_printf(&v, "\":258");
        vocab_put(&v, "", 1);
        vocab_put(&m, "", 1);

        memset(&j, 0, sizeof(vocab_json_t));

        b.len = 0;
        vocab_json(&b, &j);

        /* too much for a format: they are put in by hand */

        b.len -= strlen("},\"merges\":[]}}");
        vocab_put(&b, v.data, v.len - 1);
        vocab_printf(&b, "},\"merges\":[");
        vocab_put(&b, m.data, m.len - 1);
        vocab_printf(&b, "]}}");

        vocab_read(&r, GENAI_SPLIT_LAST, b.data, b.len);

        if (n == 1024) {
            ok(r.rc == 0 && r.s.nmerges == 1
               && r.s.tokens[r.s.merges[0].merged].bytes.len == 1024,
               "a token of %d bytes: %s", n, r.error);

        } else {
            ok(r.rc == -1 && strstr(r.error, "aaa...\" is too long")
               && strlen(r.error) < 150, "one of more: %s", r.error);
        }

        vocab_done(&r);
    }

    vocab_free(&b);
    vocab_free(&v);
    vocab_free(&m);
}


int
main(void)
{
    test_bytes();
    test_chars();
    test_steps();
    test_steps_refused();
    test_refused();
    test_long();

    return done_testing();
}
