/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Reading vocabularies: tiktoken's ranks, tekken.json, SentencePiece's models,
 * and finding out which of them a file is.  See also test_vocab_json.c.
 */


#include "vocab.h"


static void
test_ranks(void)
{
    int           i, k;
    vocab_buf_t   b = { NULL, 0, 0 };
    vocab_read_t  r;

    vocab_ranks(&b);
    vocab_rank(&b, "ab", 2, 256);
    vocab_printf(&b, "\n");
    vocab_rank(&b, "\xff\xfe\0", 3, 300);
    vocab_printf(&b, "YWJj 299\r\n\r\n");
    vocab_printf(&b, "YWJjZA== 301");

    vocab_read(&r, GENAI_SPLIT_CL100K, b.data, b.len);

    if (ok(r.rc == 0, "ranks")) {
        is_int(r.s.ntokens, 260, "all tokens");
        is_int(r.s.split, GENAI_SPLIT_CL100K, "the family is the caller's");
        ok(r.s.whole && !r.s.chars && !r.s.nfc && !r.s.prefix
           && r.s.merges == NULL, "bytes, whole pieces first");
        is_text(r.s.name, "test", "the name");
        is_int(vocab_id(&r.s, GENAI_TOKEN_NORMAL, "ab"), 256, "two bytes");
        is_int(vocab_id(&r.s, GENAI_TOKEN_NORMAL, "abc"), 299, "three");
        is_int(vocab_id(&r.s, GENAI_TOKEN_NORMAL, "abcd"), 301,
               "a line without an end");

        k = vocab_token(&r.s, GENAI_TOKEN_NORMAL, "\xff\xfe\0", 3);

        ok(k >= 0 && r.s.tokens[k].id == 300 && r.s.ranks[k] == 300,
           "bytes that are no text");

        for (i = 0; i < 256; i++) {
            quiet_ok(r.s.tokens[i].bytes.data[0] == i
                     && r.s.tokens[i].bytes.len == 1, "byte %d", i);
        }
    } else {
        diag("%s", r.error);
    }

    vocab_done(&r);
    vocab_damaged(GENAI_SPLIT_CL100K, &b, "ranks");
    vocab_free(&b);
}


static void
test_ranks_refused(void)
{
    size_t       i, len;
    vocab_buf_t  b = { NULL, 0, 0 };

    static const struct {
        const char  *text;
        const char  *want;
    } cases[] = {
        { "YWI", "line 257: there is no blank between token and rank" },
        { "YWI 256", "line 257: what is before the blank is not base64" },
        { "YW-= 256", "line 257: what is before the blank is not base64" },
        { "YW=j 256", "line 257: what is before the blank is not base64" },
        { "=WJj 256", "line 257: what is before the blank is not base64" },
        { "YWJ= 256\nYWI= 257",
          "line 257: what is before the blank is not base64" },
        { " 256", "line 257: what is before the blank is not base64" },
        { "YWI= ", "line 257: what is behind the blank is no rank" },
        { "YWI= x", "line 257: what is behind the blank is no rank" },
        { "YWI= -1", "line 257: what is behind the blank is no rank" },
        { "YWI= 256 ", "line 257: what is behind the blank is no rank" },
        { "YWI=  256", "line 257: what is behind the blank is no rank" },
        { "YWI= 9999999999999999999999",
          "line 257: what is behind the blank is no rank" },
        { "YWI= 1048576", "line 257: the rank 1048576 is too large" },
        { "YWI= 255", "line 257: the rank 255 stands twice" },
        { "YWI= 256\nYWI= 257",
          "line 258: the token \"ab\" stands twice" },
        { "YQ== 256", "line 257: the token \"a\" stands twice" },
        { "Ig== 256", "line 257: the token \"\\x22\" stands twice" }
    };

    vocab_ranks(&b);
    len = b.len;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        b.len = len;
        vocab_printf(&b, "%s", cases[i].text);
        vocab_refused(GENAI_SPLIT_O200K, b.data, b.len, cases[i].want);
    }

    b.len = len;
    vocab_refused(GENAI_SPLIT_LAST, b.data, b.len, "ranks do not tell how a"
                  " text is cut, and no family of it is given");
    vocab_refused(GENAI_SPLIT_PATTERN, b.data, b.len, "ranks do not tell how a"
                  " text is cut, and no family of it is given");

    b.len = 0;
    vocab_rank(&b, "a", 1, 0);
    vocab_refused(GENAI_SPLIT_O200K, b.data, b.len,
                  "there is no token for the byte 0x00");

    /* one that is too long, by its digits and by its bytes */

    b.len = 0;

    for (i = 0; i < 2000; i++) {
        vocab_printf(&b, "YWJj");
    }

    vocab_printf(&b, " 0\n");
    vocab_refused(GENAI_SPLIT_O200K, b.data, b.len,
                  "line 1: the token is too long");

    memcpy(b.data + 1368, " 0\n", 3);
    vocab_refused(GENAI_SPLIT_O200K, b.data, 1371,
                  "line 1: the token is too long");

    vocab_free(&b);
}


/* which file is what */

static void
test_which(void)
{
    size_t  i;

    static const struct {
        const char  *text;
        const char  *want;
    } cases[] = {
        { "", "it is empty" },
        { " \n\t\r\n", "it is empty" },
        { "# hello", "it is no vocabulary: neither tokenizer.json nor"
          " tekken.json, a model of SentencePiece, or ranks of tiktoken" },
        { "\x1f\x8b\x08", "it is no vocabulary: neither tokenizer.json nor"
          " tekken.json, a model of SentencePiece, or ranks of tiktoken" },
        { "<!DOCTYPE html>", "it is no vocabulary: neither tokenizer.json nor"
          " tekken.json, a model of SentencePiece, or ranks of tiktoken" },
        { "{}", "it is JSON with neither a \"model\" as tokenizer.json nor a"
          " \"vocab\" as tekken.json has" },
        { " {\"model\":", "byte 10: it is not JSON: a value is missing" },
        { "{\"model\":{}}x", "byte 12: it is not JSON: there are bytes after"
          " the value" },
        { "{\"model\":1}", "model: it is no object" },
        { "{\"vocab\":1}", "config: it is missing" },
        { "version https://git-lfs.github.com/spec/v1\noid sha256:aa\n",
          "it is a pointer of Git LFS, not the file that this stands for" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        vocab_refused(GENAI_SPLIT_O200K, cases[i].text, strlen(cases[i].text),
                      cases[i].want);
    }
}


#define TEKKEN                                                                \
    "[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?[\\\\p{Lu}\\\\p{Lt}\\\\p{Lm}\\\\p{Lo}"     \
    "\\\\p{M}]*[\\\\p{Ll}\\\\p{Lm}\\\\p{Lo}\\\\p{M}]+|[^\\\\r\\\\n\\\\p{L}"   \
    "\\\\p{N}]?[\\\\p{Lu}\\\\p{Lt}\\\\p{Lm}\\\\p{Lo}\\\\p{M}]+[\\\\p{Ll}"     \
    "\\\\p{Lm}\\\\p{Lo}\\\\p{M}]*|\\\\p{N}| ?[^\\\\s\\\\p{L}\\\\p{N}]+"       \
    "[\\\\r\\\\n/]*|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+"


static void
tekken(vocab_buf_t *b, const char *pattern, unsigned size, unsigned special,
    const char *tokens, const char *rest)
{
    unsigned       i;
    unsigned char  c;

    b->len = 0;

    vocab_printf(b, "{\"config\":{\"pattern\":\"%s\",\"num_vocab_tokens\":258,"
                    "\"default_vocab_size\":%u,"
                    "\"default_num_special_tokens\":%u,\"version\":\"v3\"},"
                    "\"image\":null,\"vocab\":[", pattern, size, special);

    for (i = 0; i < 256; i++) {
        c = i;
        vocab_printf(b, "%s{\"rank\":%u,\"token_bytes\":\"", i ? "," : "", i);
        vocab_base64(b, &c, 1);
        vocab_printf(b, "\",\"token_str\":null}");
    }

    vocab_printf(b, "%s]%s}", tokens, rest);
}


static void
test_tekken(void)
{
    size_t        i;
    vocab_buf_t   b = { NULL, 0, 0 };
    vocab_read_t  r;

    static const char  two[] =
        ",{\"rank\":256,\"token_bytes\":\"YWI=\",\"token_str\":\"ab\"}"
        ",{\"rank\":257,\"token_bytes\":\"YWJj\",\"token_str\":\"abc\"}";

    static const struct {
        const char  *pattern;
        unsigned     size;
        unsigned     special;
        const char  *tokens;
        const char  *rest;
        const char  *want;
    } cases[] = {
        { "\\\\w+", 267, 10, two, "",
          "config.pattern: \"\\x5cw+\" is not known" },
        { TEKKEN, 10, 10, two, "",
          "config: there cannot be 10 tokens of which 10 are special" },
        { TEKKEN, 2000000, 10, two, "",
          "config: there cannot be 2000000 tokens of which 10 are special" },
        { TEKKEN, 1000, 10, two, "",
          "vocab: it has 258 tokens, and 990 are needed" },
        { TEKKEN, 11, 10, "", "", "there is no token for the byte 0x01" },
        { TEKKEN, 267, 10, ",1", "", "vocab[256]: it is no object" },
        { TEKKEN, 267, 10, ",{}", "", "vocab[256].rank: it is missing" },
        { TEKKEN, 267, 10, ",{\"rank\":1}", "",
          "vocab[256].token_bytes: it is missing" },
        { TEKKEN, 267, 10, ",{\"rank\":1,\"token_bytes\":\"YWI=\"}", "",
          "vocab[256]: its rank is 1" },
        { TEKKEN, 267, 10, ",{\"rank\":256,\"token_bytes\":\"YWI\"}", "",
          "vocab[256].token_bytes: it is not base64" },
        { TEKKEN, 267, 10, ",{\"rank\":256,\"token_bytes\":\"YQ==\"}", "",
          "vocab[256]: the token \"a\" stands twice" },
        { TEKKEN, 267, 10, ",{\"rank\":256,\"bytes\":\"YQ==\"}", "",
          "vocab[256]: \"bytes\" is not known" },
        { TEKKEN, 267, 10, ",{\"rank\":\"x\",\"token_bytes\":\"YQ==\"}", "",
          "vocab[256].rank: \"x\" is no number of tokens or id" },
        { TEKKEN, 267, 10, two, ",\"vocab\":[]",
          "tekken.json: \"vocab\" stands twice" },
        { TEKKEN, 267, 10, two, ",\"special_tokens\":1",
          "special_tokens: it is no array" },
        { TEKKEN, 267, 10, two,
          ",\"special_tokens\":[{\"rank\":10,\"token_str\":\"<s>\"}]",
          "special_tokens[0]: the rank 10 is too large" },
        { TEKKEN, 267, 10, two,
          ",\"special_tokens\":[{\"rank\":1,\"token_str\":\"<s>\"},"
          "{\"rank\":1,\"token_str\":\"</s>\"}]",
          "special_tokens[1]: the rank 1 stands twice" }
    };

    tekken(&b, TEKKEN, 267, 10, two,
           ",\"special_tokens\":[{\"rank\":1,\"token_str\":\"<s>\","
           "\"is_control\":true},{\"rank\":2,\"token_str\":\"</s>\","
           "\"is_control\":true}],\"type\":\"Tekken\"");

    vocab_read(&r, GENAI_SPLIT_LAST, b.data, b.len);

    if (ok(r.rc == 0, "tekken.json")) {
        is_int(r.s.ntokens, 259, "as many tokens as \"config\" says");
        is_int(r.s.split, GENAI_SPLIT_TEKKEN, "the family");
        ok(r.s.whole && !r.s.chars && !r.s.nfc && !r.s.prefix
           && r.s.merges == NULL, "bytes, whole pieces first");
        is_int(vocab_id(&r.s, GENAI_TOKEN_NORMAL, "ab"), 266,
               "ids are behind those of special tokens");
        is_int(r.s.ranks[256], 256, "ranks are not");
        is_int(vocab_id(&r.s, GENAI_TOKEN_NORMAL, "abc"), -1,
               "what is too much is left out");
        is_int(vocab_id(&r.s, GENAI_TOKEN_CONTROL, "</s>"), 2,
               "a special token");
    } else {
        diag("%s", r.error);
    }

    vocab_done(&r);
    vocab_damaged(GENAI_SPLIT_LAST, &b, "tekken.json");

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tekken(&b, cases[i].pattern, cases[i].size, cases[i].special,
               cases[i].tokens, cases[i].rest);
        vocab_refused(GENAI_SPLIT_LAST, b.data, b.len, cases[i].want);
    }

    vocab_free(&b);
}


#define MARK  "\xe2\x96\x81"


static void
test_spm(void)
{
    int           k, m;
    vocab_buf_t   b = { NULL, 0, 0 };
    vocab_read_t  r;
    vocab_spm_t   spm = VOCAB_SPM;

    vocab_spm(&b, &spm);
    vocab_piece(&b, MARK "a", -2, 1);               /* 261 */
    vocab_piece(&b, "ab", -1, 1);
    vocab_piece(&b, MARK MARK "\xc3\xa9", -3, 1);
    vocab_piece(&b, "[IMG]", 0, 4);
    vocab_piece(&b, MARK MARK, -9, 1);              /* 265 */
    vocab_piece(&b, MARK MARK MARK MARK, -9, 1);
    vocab_piece(&b, MARK MARK MARK, -9, 1);

    /* what nobody knows, of each form of a field */

    vocab_field(&b, 99, "hello", 5);
    vocab_field_int(&b, 98, 1);
    vocab_printf(&b, "%c%cabcd%c%cabcdefgh", 0xad, 6, 0xb1, 6);

    vocab_read(&r, GENAI_SPLIT_LAST, b.data, b.len);

    if (ok(r.rc == 0, "a model of SentencePiece")) {
        is_int(r.s.ntokens, 268, "all pieces");
        is_int(r.s.split, GENAI_SPLIT_SPACE, "it can be cut at spaces");
        ok(!r.s.whole && r.s.chars && !r.s.nfc && r.s.prefix
           && r.s.merges == NULL, "characters, with a space before");
        is_int(vocab_id(&r.s, GENAI_TOKEN_CONTROL, "<unk>"), 0,
               "the unknown piece is in no text");
        is_int(vocab_id(&r.s, GENAI_TOKEN_CONTROL, "<s>"), 1,
               "nor is a control piece");
        is_int(vocab_id(&r.s, GENAI_TOKEN_BYTE, "A"), 2 + 'A', "a byte");
        is_int(vocab_token(&r.s, GENAI_TOKEN_BYTE, "\0", 1), 2, "NUL");
        is_int(vocab_id(&r.s, GENAI_TOKEN_NORMAL, " a"), 261,
               "a space is one");
        is_int(vocab_id(&r.s, GENAI_TOKEN_NORMAL, "  \xc3\xa9"), 263,
               "and two are two");
        is_int(vocab_id(&r.s, GENAI_TOKEN_ADDED, "[IMG]"), 264,
               "a user-defined piece is found as it is");

        k = vocab_token(&r.s, GENAI_TOKEN_NORMAL, " a", 2);
        m = vocab_token(&r.s, GENAI_TOKEN_NORMAL, "ab", 2);
        ok(r.s.ranks[m] == 0 && r.s.ranks[k] == 1,
           "the best score is the first rank");

        ok(r.s.ranks[266] < r.s.ranks[267] && r.s.ranks[267] < r.s.ranks[265]
           && r.s.ranks[263] < r.s.ranks[266],
           "of runs of one score the longest is the first");
        is_int(r.s.ranks[264], UINT32_MAX, "what does not merge has no rank");
    } else {
        diag("%s", r.error);
    }

    vocab_done(&r);
    vocab_damaged(GENAI_SPLIT_LAST, &b, "a model");

    vocab_piece(&b, "a" MARK "b", -50, 1);
    vocab_read(&r, GENAI_SPLIT_LAST, b.data, b.len);
    ok(r.rc == 0 && r.s.split == GENAI_SPLIT_NONE,
       "a space in a piece: it cannot be cut at spaces");
    vocab_done(&r);

    b.len = 0;
    spm.prefix = 0;
    vocab_spm(&b, &spm);
    vocab_read(&r, GENAI_SPLIT_LAST, b.data, b.len);
    ok(r.rc == 0 && !r.s.prefix, "no space before");
    vocab_done(&r);

    vocab_free(&b);
}


static void
test_spm_refused(void)
{
    size_t       i;
    vocab_buf_t  b = { NULL, 0, 0 };
    vocab_spm_t  spm = VOCAB_SPM;

    static const struct {
        const char  *piece;
        float        score;
        int          type;
        const char  *want;
    } pieces[] = {
        { "", 0, 1, "piece 261: \"\" is empty" },
        { "a", 0, 1, "piece 261: \"a\" stands twice" },
        { "<s>", 0, 3, "piece 261: \"<s>\" stands twice" },
        { "<0x41>", 0, 6, "piece 261: \"<0x41>\" stands twice" },
        { "<0x1>", 0, 6, "piece 261: \"<0x1>\" is no byte, as its type says" },
        { "<0x4a>", 0, 6,
          "piece 261: \"<0x4a>\" is no byte, as its type says" },
        { "ab", 0, 5, "piece 261: the type 5 of \"ab\" is not known" },
        { "ab", 0, 77, "piece 261: the type 77 of \"ab\" is not known" },
        { "a b", 0, 1, "piece 261: a space in a piece that merges, \"a b\", is"
          " not known" },
        { MARK "x", 0, 4, "piece 261: a space in a piece that is user-defined,"
          " \"\\xe2\\x96\\x81x\", is not known" },
        { "\xff", 0, 1, "piece 261: \"\\xff\" is not UTF-8" }
    };

    static const struct {
        vocab_spm_t  m;
        const char  *want;
    } specs[] = {
        { { "identity", NULL, 1, 0, 1, 1, 1, -1 },
          "trainer_spec.model_type: unigram is not known, only BPE is" },
        { { "identity", NULL, 1, 0, 1, -1, 1, -1 },
          "trainer_spec.model_type: unigram is not known, only BPE is" },
        { { "identity", NULL, 1, 0, 1, 3, 1, -1 },
          "trainer_spec.model_type: a model that is neither unigram nor BPE is"
          " not known, only BPE is" },
        { { "identity", NULL, 1, 0, 1, 2, 0, -1 },
          "trainer_spec.byte_fallback: a model without it is not known" },
        { { "identity", NULL, 1, 0, 1, 2, -1, -1 },
          "trainer_spec.byte_fallback: a model without it is not known" },
        { { "identity", NULL, 1, 0, 1, 2, 1, 1 },
          "trainer_spec.treat_whitespace_as_suffix is not known" },
        { { "nmt_nfkc", "xxx", 1, 0, 1, 2, 1, 0 },
          "normalizer_spec: the normalizer \"nmt_nfkc\" is not known, only"
          " \"identity\" is" },
        { { "identity", NULL, 1, 1, 1, 2, 1, -1 },
          "normalizer_spec.remove_extra_whitespaces is not known" },
        { { "identity", NULL, 1, -1, 1, 2, 1, -1 },
          "normalizer_spec.remove_extra_whitespaces is not known" },
        { { "identity", NULL, 1, 0, 0, 2, 1, -1 },
          "normalizer_spec.escape_whitespaces: a model without it is not"
          " known" }
    };

    static const struct {
        const char  *text;
        size_t       len;
        const char  *want;
    } damaged[] = {
        { "\n", 1, "byte 0: the model is damaged: a field does not end within"
          " its message" },
        { "\n\x80", 2, "byte 0: the model is damaged: a field does not end"
          " within its message" },
        { "\n\x05" "abcd", 6, "byte 0: the model is damaged: a field does not"
          " end within its message" },
        { "\n\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11, "byte 0: the model"
          " is damaged: a field does not end within its message" },
        { "\n\x01\n", 3, "byte 2: the model is damaged: a field does not end"
          " within its message" },
        { "\n\0\0", 3, "byte 2: the model is damaged: there is no such"
          " field" },
        { "\n\0\x13", 3, "byte 2: the model is damaged: there is no such type"
          " of a field" },
        { "\n\0\x10\x01", 4, "byte 4: the model is damaged: the field before it"
          " is of another type than it has" },
        { "\n\0", 2, "piece 0: \"\" is empty" },
        { "\n\x02\x08\x01", 4, "byte 4: the model is damaged: the field before"
          " it is of another type than it has" },
        { "\n\x03\x15" "ab", 5, "byte 2: the model is damaged: a field does not"
          " end within its message" },
        { "\n\x03\n\x01x\x1a\x02\x38\x01", 9, "normalizer_spec: the field 7 is"
          " not known" }
    };

    for (i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        b.len = 0;
        vocab_spm(&b, &spm);
        vocab_piece(&b, pieces[i].piece, pieces[i].score, pieces[i].type);
        vocab_refused(GENAI_SPLIT_LAST, b.data, b.len, pieces[i].want);
    }

    for (i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
        b.len = 0;
        vocab_spm(&b, &specs[i].m);
        vocab_refused(GENAI_SPLIT_LAST, b.data, b.len, specs[i].want);
    }

    for (i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
        vocab_refused(GENAI_SPLIT_LAST, damaged[i].text, damaged[i].len,
                      damaged[i].want);
    }

    /* scores */

    b.len = 0;
    vocab_spm(&b, &spm);
    vocab_piece(&b, "ab", 0.0f / (float) (b.len == 0), 1);
    vocab_refused(GENAI_SPLIT_LAST, b.data, b.len,
                  "piece 261: the score of \"ab\" is no number");

    b.len = 0;
    vocab_spm(&b, &spm);
    vocab_piece(&b, "ab", -1, 1);
    vocab_piece(&b, "ba", -1, 1);
    vocab_refused(GENAI_SPLIT_LAST, b.data, b.len, "piece 262: its score is"
                  " also that of piece 261, which is known of runs of one"
                  " character only");

    b.len = 0;
    vocab_spm(&b, &spm);
    vocab_piece(&b, "aa", -1, 1);
    vocab_piece(&b, "aaa", -1, 1);
    vocab_piece(&b, "aaaa", -2, 1);
    vocab_refused(GENAI_SPLIT_LAST, b.data, b.len, "piece 261: its score is"
                  " also that of piece 262, which is known of runs of one"
                  " character only");

    vocab_free(&b);
}


int
main(void)
{
    test_which();
    test_ranks();
    test_ranks_refused();
    test_tekken();
    test_spm();
    test_spm_refused();

    return done_testing();
}
