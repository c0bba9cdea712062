/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Vocabularies as files: those that are compiled, those that are not, and
 * those that are neither.
 */


#include "vocab.h"

#include "genai_vocab_build.h"
#include "genai_vocab_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>


static char  dir[] = "/tmp/genai-vocab-XXXXXX";


static const char *
path(const char *name)
{
    static char  text[4][256];
    static int   n;

    n = (n + 1) % 4;
    snprintf(text[n], sizeof(text[n]), "%s/%s", dir, name);

    return text[n];
}


static void
save(const char *name, const void *data, size_t len)
{
    FILE  *f;

    f = fopen(path(name), "wb");

    if (f == NULL || fwrite(data, 1, len, f) != len || fclose(f) != 0) {
        abort();
    }
}


/* the flags of this process's mapping at addr, "r--s" and so on */

static const char *
mapping(const void *addr)
{
    FILE                 *f;
    char                  line[512];
    unsigned long         from, to;
    static char           flags[8];

    f = fopen("/proc/self/maps", "r");
    strcpy(flags, "none");

    while (f && fgets(line, sizeof(line), f)) {

        if (sscanf(line, "%lx-%lx %7s", &from, &to, flags) == 3
            && (unsigned long) addr >= from && (unsigned long) addr < to)
        {
            break;
        }
    }

    if (f) {
        fclose(f);
    }

    return flags;
}


/* it cannot be opened, and is left as it was */

static void
refused(const char *name, genai_split_e split, const char *want)
{
    char                problem[GENAI_VOCAB_FILE_PROBLEM], text[512];
    genai_str_t         as = genai_str("x");
    genai_vocab_file_t  f;

    snprintf(text, sizeof(text), "\"%s\": %s", path(name), want);

    memset(problem, 0, sizeof(problem));
    memset(&f, 0xff, sizeof(f));

    is_int(genai_vocab_file_open(&f, path(name), &as, split, problem), -1,
           "%s is refused", name);
    is_str(problem, text, "it says why");
    ok(f.addr == NULL && f.pattern == NULL, "there is nothing to close");

    genai_vocab_file_close(&f);
}


static void
test_source(void)
{
    int                  status;
    char                 problem[GENAI_VOCAB_FILE_PROBLEM];
    pid_t                pid;
    vocab_buf_t          b = { NULL, 0, 0 };
    genai_str_t          name = genai_str("mine");
    genai_vocab_file_t   f;

    vocab_ranks(&b);
    vocab_rank(&b, "ab", 2, 256);
    save("r.tiktoken", b.data, b.len);

    problem[0] = '\0';

    if (ok(genai_vocab_file_open(&f, path("r.tiktoken"), &name,
                                 GENAI_SPLIT_O200K, problem) == 0,
           "ranks are compiled: %s", problem))
    {
        is_text(f.vocab.name, "mine", "the name is what it is called");
        ok(f.vocab.split == GENAI_SPLIT_O200K && f.vocab.ntokens == 257
           && !f.compiled, "this is it");
        is_str(mapping(f.addr), "r--s", "read-only, and shared");

        pid = fork();

        if (pid == 0) {
            _exit(f.vocab.name.data[0] == 'm' ? 0 : 1);
        }

        ok(waitpid(pid, &status, 0) == pid && status == 0, "a child has it");

        genai_vocab_file_close(&f);
        ok(f.addr == NULL, "closed");
        genai_vocab_file_close(&f);
    }

    refused("r.tiktoken", GENAI_SPLIT_LAST, "ranks do not tell how a text is"
            " cut, and no family of it is given");

    vocab_free(&b);
}


static void
test_compiled(void)
{
    int                 rc, fd;
    char                problem[GENAI_VOCAB_FILE_PROBLEM];
    struct stat         st;
    vocab_buf_t         b = { NULL, 0, 0 };
    genai_str_t         name = genai_str("mine"), other = genai_str("other"),
                        image;
    genai_vocab_file_t  f;

    vocab_ranks(&b);
    save("r", b.data, b.len);

    problem[0] = '\0';
    rc = genai_vocab_file_compile(&image, path("r"), &name, GENAI_SPLIT_R50K,
                                  problem);

    if (!ok(rc == 0, "compiled: %s", problem)) {
        vocab_free(&b);
        return;
    }

    umask(027);

    is_int(genai_vocab_file_write(path("r.vocab"), &image, problem), 0,
           "written");
    ok(stat(path("r.vocab"), &st) == 0 && (st.st_mode & 0777) == 0640
       && (size_t) st.st_size == image.len, "as a file");

    if (ok(genai_vocab_file_open(&f, path("r.vocab"), &other,
                                 GENAI_SPLIT_LAST, problem) == 0,
           "opened: %s", problem))
    {
        is_text(f.vocab.name, "mine", "it has its own name");
        ok(f.compiled && f.vocab.split == GENAI_SPLIT_R50K, "and family");
        is_str(mapping(f.addr), "r--s", "read-only, and shared");
        is_mem(f.addr, f.size, image.data, image.len, "what was written");

        /* another takes its place: who has it open keeps it */

        image.data[image.len - 1] ^= 1;
        is_int(genai_vocab_file_write(path("r.vocab"), &image, problem), 0,
               "written again");
        ok(((unsigned char *) f.addr)[f.size - 1]
           != image.data[image.len - 1], "another file");
        image.data[image.len - 1] ^= 1;

        genai_vocab_file_close(&f);
    }

    is_int(genai_vocab_file_write(path("none/r.vocab"), &image, problem), -1,
           "no such directory");
    ok(strstr(problem, "/none/r.vocab\": it cannot be written: No such file"),
       "it says so: %s", problem);
    is_int(genai_vocab_file_write(path("."), &image, problem), -1,
           "a directory");

    /* damaged ones */

    snprintf(problem, sizeof(problem), "the vocabulary is truncated: it has"
             " %lu bytes, not %lu", (unsigned long) image.len - 1,
             (unsigned long) image.len);

    save("cut.vocab", image.data, image.len - 1);
    refused("cut.vocab", GENAI_SPLIT_LAST, problem);

    save("short.vocab", image.data, 100);
    refused("short.vocab", GENAI_SPLIT_LAST, "the vocabulary is truncated");

    image.data[20] ^= 1;
    save("head.vocab", image.data, image.len);
    refused("head.vocab", GENAI_SPLIT_LAST,
            "the vocabulary's header is damaged");
    image.data[20] ^= 1;

    image.data[8] ^= 64;
    save("new.vocab", image.data, image.len);
    refused("new.vocab", GENAI_SPLIT_LAST, "the vocabulary is of version 68,"
            " and not of 4: compile it again");

    save("empty", "", 0);
    refused("empty", GENAI_SPLIT_LAST, "it is empty");
    save("text", "GENAIVO", 7);
    refused("text", GENAI_SPLIT_O200K,
            "line 1: there is no blank between token and rank");
    refused("missing", GENAI_SPLIT_LAST, "No such file or directory");
    refused(".", GENAI_SPLIT_LAST, "Is a directory");

    /* nobody writes it: it ends */

    if (mkfifo(path("fifo"), 0600) == 0) {
        refused("fifo", GENAI_SPLIT_LAST, "it is empty");
    }

    /* larger than any vocabulary; it takes no room */

    fd = open(path("huge"), O_WRONLY|O_CREAT, 0600);

    if (fd != -1 && ftruncate(fd, GENAI_VOCAB_FILE_MAX + 1) == 0) {
        refused("huge", GENAI_SPLIT_LAST, "File too large");
    }

    close(fd);

    free(image.data);
    vocab_free(&b);
}


/* an expression of a file's own */

static void
test_pattern(void)
{
    char                problem[GENAI_VOCAB_FILE_PROBLEM];
    vocab_buf_t         b = { NULL, 0, 0 };
    genai_str_t         name = genai_str("mine");
    vocab_json_t        j;
    genai_vocab_file_t  f;

    memset(&j, 0, sizeof(j));

    j.pre_tokenizer = "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":"
                      "\"Split\",\"pattern\":{\"Regex\":\"\\\\p{Lu}|x+\"},"
                      "\"behavior\":\"Isolated\",\"invert\":false},"
                      "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,"
                      "\"use_regex\":false}]}";
    vocab_json(&b, &j);
    save("p.json", b.data, b.len);

    problem[0] = '\0';

    if (ok(genai_vocab_file_open(&f, path("p.json"), &name, GENAI_SPLIT_LAST,
                                 problem) == 0,
           "with an expression: %s", problem))
    {
        ok(f.vocab.split == GENAI_SPLIT_PATTERN && f.vocab.split_pattern,
           "which is compiled");
        is_text(f.vocab.pattern, "\\p{Lu}|x+", "this one");
        genai_vocab_file_close(&f);
    }

    j.pre_tokenizer = "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":"
                      "\"Split\",\"pattern\":{\"Regex\":\"x(\"},"
                      "\"behavior\":\"Isolated\",\"invert\":false},"
                      "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,"
                      "\"use_regex\":false}]}";
    b.len = 0;
    vocab_json(&b, &j);
    save("q.json", b.data, b.len);

    is_int(genai_vocab_file_open(&f, path("q.json"), &name, GENAI_SPLIT_LAST,
                                 problem), -1, "with one that is none");
    ok(strstr(problem, "/q.json\": its expression is not known: "),
       "it says so: %s", problem);

    vocab_free(&b);
}


static void
test_split(void)
{
    unsigned     i;
    genai_str_t  s;

    for (i = GENAI_SPLIT_NONE; i <= GENAI_SPLIT_LAST; i++) {

        s.data = (unsigned char *) genai_split_name(i);
        s.len = strlen((char *) s.data);

        is_int(genai_vocab_file_split(&s),
               (i >= GENAI_SPLIT_R50K && i <= GENAI_SPLIT_DEEPSEEK3)
               ? i : GENAI_SPLIT_LAST, "the family \"%s\"", s.data);
    }

    s.data = (unsigned char *) "o200k_base";
    s.len = 10;
    is_int(genai_vocab_file_split(&s), GENAI_SPLIT_LAST, "none");
    s.len = 5;
    is_int(genai_vocab_file_split(&s), GENAI_SPLIT_O200K, "a part of a text");
}


int
main(void)
{
    char  command[64];

    if (mkdtemp(dir) == NULL) {
        abort();
    }

    test_source();
    test_compiled();
    test_pattern();
    test_split();

    snprintf(command, sizeof(command), "rm -rf %s", dir);

    ok(system(command) == 0, "all is gone");

    return done_testing();
}
