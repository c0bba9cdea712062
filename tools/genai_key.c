/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Makes keys for callers, and what a policy says of them; see docs/TOOLS.md.
 */


#include "genai_key.h"
#include "genai_policy.h"
#include "genai_text.h"
#include "genai_writer.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <termios.h>
#include <unistd.h>


/* exit codes */
#define GENAI_KEY_FINE      0
#define GENAI_KEY_WRONG     1
#define GENAI_KEY_FAILED    2

/* random characters behind an id: there are a million of them */
#define GENAI_KEY_ID_RANDOM 4

/* a line with its end, and one byte by which one that is too long is known */
#define GENAI_KEY_LINE      (GENAI_KEY_MAX + 3)


typedef enum {
    GENAI_KEY_TEAM = 0,
    GENAI_KEY_USER,
    GENAI_KEY_PLAN,
    GENAI_KEY_ID,
    GENAI_KEY_SHA256,
    GENAI_KEY_OPTIONS
} genai_key_option_e;


typedef struct {
    const char        *command;
    const char        *values[GENAI_KEY_OPTIONS];
    unsigned           json:1;
} genai_key_options_t;


static int genai_key_options(genai_key_options_t *o, int argc, char **argv);
static int genai_key_option(genai_key_options_t *o, const char *arg,
    const char *value);
static int genai_key_usage(FILE *f);
static int genai_key_command_new(const genai_key_options_t *o);
static int genai_key_command_hash(void);
static int genai_key_command_verify(const genai_key_options_t *o);
static int genai_key_id(const genai_key_options_t *o, char *id);
static void genai_key_policy(genai_writer_t *w, const genai_key_options_t *o,
    const genai_str_t *sha256);
static void genai_key_text(genai_writer_t *w, const char *text);
static int genai_key_print(void *ctx, const unsigned char *p, size_t n);
static int genai_key_read(unsigned char *buf, genai_str_t *key);
static int genai_key_silence(void);
static void genai_key_restore(int signo);


/* in the order of genai_key_option_e */

static const char  *const  genai_key_names[] = {
    "--team", "--user", "--plan", "--id", "--sha256"
};

static struct termios  genai_key_terminal;


int
main(int argc, char **argv)
{
    int                  rc;
    genai_key_options_t  o;

    rc = genai_key_options(&o, argc, argv);

    if (rc != 0) {
        return (rc == 1) ? GENAI_KEY_FINE : GENAI_KEY_FAILED;
    }

    if (strcmp(o.command, "new") == 0) {
        rc = genai_key_command_new(&o);

    } else if (strcmp(o.command, "hash") == 0) {
        rc = genai_key_command_hash();

    } else {
        rc = genai_key_command_verify(&o);
    }

    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "genai-key: cannot write: %s\n", strerror(errno));
        rc = GENAI_KEY_FAILED;
    }

    return rc;
}


/* returns 0; 1 where there is nothing more to do; -1 for a wrong usage */

static int
genai_key_options(genai_key_options_t *o, int argc, char **argv)
{
    int          i;
    const char  *arg;

    memset(o, 0, sizeof(genai_key_options_t));

    for (i = 1; i < argc; i++) {
        arg = argv[i];

        if (strcmp(arg, "--help") == 0) {
            (void) genai_key_usage(stdout);
            return 1;
        }

        if (o->command == NULL) {

            if (strcmp(arg, "new") != 0 && strcmp(arg, "hash") != 0
                && strcmp(arg, "verify") != 0)
            {
                return genai_key_usage(stderr);
            }

            o->command = arg;
            continue;
        }

        if (strcmp(arg, "--json") == 0 && strcmp(o->command, "new") == 0) {
            o->json = 1;
            continue;
        }

        /* what this is must not be shown again */

        if (arg[0] != '-' && strcmp(o->command, "new") != 0) {
            fputs("genai-key: a key is not taken as an argument: it would"
                  " stay in the shell's history, and everybody on this"
                  " machine could read it in the list of processes; write it"
                  " to standard input, and make a new one if that was a"
                  " secret\n", stderr);
            return -1;
        }

        if (genai_key_option(o, arg, argv[i + 1]) != 0) {
            return -1;
        }

        i++;
    }

    return o->command ? 0 : genai_key_usage(stderr);
}


static int
genai_key_option(genai_key_options_t *o, const char *arg, const char *value)
{
    size_t       i;
    unsigned     k;
    genai_str_t  s;

    for (k = 0; k < GENAI_KEY_OPTIONS; k++) {
        if (strcmp(arg, genai_key_names[k]) == 0) {
            break;
        }
    }

    if (k == GENAI_KEY_OPTIONS || value == NULL || o->values[k]
        || strcmp(o->command, (k == GENAI_KEY_SHA256) ? "verify" : "new") != 0)
    {
        return genai_key_usage(stderr);
    }

    o->values[k] = value;

    if (k == GENAI_KEY_SHA256) {
        return 0;
    }

    s.data = (unsigned char *) value;
    s.len = strlen(value);

    if (s.len == 0 || s.len > GENAI_POLICY_ID_MAX || !genai_text_is_utf8(&s)) {
        fprintf(stderr, "genai-key: what %s is given must be 1 to %d bytes of"
                        " UTF-8\n", arg, GENAI_POLICY_ID_MAX);
        return -1;
    }

    for (i = 0; i < s.len; i++) {

        /* controls, among them U+0080 to U+009F */

        if (s.data[i] < ' ' || s.data[i] == 0x7f
            || (s.data[i] == 0xc2 && s.data[i + 1] < 0xa0))
        {
            fprintf(stderr, "genai-key: what %s is given must have no control"
                            " characters in it\n", arg);
            return -1;
        }
    }

    if (value[0] == '#' || strncmp(value, "x-", 2) == 0) {
        fprintf(stderr, "genai-key: what %s is given must not begin with"
                        " \"#\" or \"x-\": policies take that for a comment\n",
                arg);
        return -1;
    }

    return 0;
}


static int
genai_key_usage(FILE *f)
{
    fputs("usage: genai-key new [--team TEAM] [--user USER] [--plan PLAN]\n"
          "                     [--id ID] [--json]\n"
          "       genai-key hash\n"
          "       genai-key verify [--sha256 HEX]\n"
          "hash and verify read a key from standard input.\n", f);

    return -1;
}


static int
genai_key_command_new(const genai_key_options_t *o)
{
    char            id[GENAI_POLICY_ID_MAX + 1];
    genai_str_t     key, sha256;
    unsigned char   secret[GENAI_KEY_LEN], digest[GENAI_DIGEST_LEN],
                    hex[GENAI_DIGEST_HEX],
                    name[6 * GENAI_POLICY_ID_MAX];
    genai_writer_t  w;

    if (genai_key_id(o, id) != 0) {
        return GENAI_KEY_FAILED;
    }

    if (genai_key_new(secret) != 0) {
        fputs("genai-key: there are no random bytes\n", stderr);
        return GENAI_KEY_FAILED;
    }

    genai_digest(secret, sizeof(secret), digest);
    (void) genai_digest_write(hex, digest);

    key.data = secret;
    key.len = sizeof(secret);
    sha256.data = hex;
    sha256.len = sizeof(hex);

    genai_writer_init(&w, genai_key_print, NULL);

    if (o->json) {
        genai_writer_open(&w, '{');
        genai_writer_name(&w, "key");
        genai_writer_string(&w, &key);
        genai_writer_name(&w, "id");
        genai_key_text(&w, id);
        genai_writer_name(&w, "sha256");
        genai_writer_string(&w, &sha256);
        genai_writer_name(&w, "policy");
        genai_writer_open(&w, '{');
        genai_writer_name(&w, "schema");
        genai_writer_int(&w, 1);
        genai_writer_name(&w, "keys");
        genai_writer_open(&w, '{');
        genai_writer_name(&w, id);

        genai_key_policy(&w, o, &sha256);

        genai_writer_close(&w, '}');
        genai_writer_close(&w, '}');
        genai_writer_close(&w, '}');

    } else {

        /* a member, for an object that somebody has written */

        printf("%.*s\n\"%.*s\": ", (int) key.len, (char *) key.data,
               (int) (genai_write_escaped(name, (unsigned char *) id,
                                          strlen(id))
                      - name),
               (char *) name);

        genai_key_policy(&w, o, &sha256);
    }

    genai_writer_bytes(&w, "\n", 1);
    (void) genai_writer_flush(&w);

    OPENSSL_cleanse(secret, sizeof(secret));
    OPENSSL_cleanse(&w, sizeof(genai_writer_t));

    return GENAI_KEY_FINE;
}


/* the key's id: as it is told, or of its team or user and random letters */

static int
genai_key_id(const genai_key_options_t *o, char *id)
{
    size_t          len;
    unsigned        i;
    const char     *of;
    unsigned char   random[GENAI_KEY_ID_RANDOM];

    static const char  letters[] = "0123456789abcdefghjkmnpqrstvwxyz";

    if (o->values[GENAI_KEY_ID]) {
        strcpy(id, o->values[GENAI_KEY_ID]);
        return 0;
    }

    of = o->values[GENAI_KEY_TEAM];

    if (of == NULL) {
        of = o->values[GENAI_KEY_USER];
    }

    if (of == NULL) {
        of = "key";
    }

    len = strlen(of);

    if (len + 1 + GENAI_KEY_ID_RANDOM > GENAI_POLICY_ID_MAX) {
        fprintf(stderr, "genai-key: the id would be longer than %d bytes:"
                        " choose one with --id\n", GENAI_POLICY_ID_MAX);
        return -1;
    }

    if (RAND_bytes(random, sizeof(random)) != 1) {
        fputs("genai-key: there are no random bytes\n", stderr);
        return -1;
    }

    memcpy(id, of, len);
    id[len++] = '-';

    for (i = 0; i < GENAI_KEY_ID_RANDOM; i++) {
        id[len++] = letters[random[i] % (sizeof(letters) - 1)];
    }

    id[len] = '\0';

    return 0;
}


/* what a policy says of the key */

static void
genai_key_policy(genai_writer_t *w, const genai_key_options_t *o,
    const genai_str_t *sha256)
{
    unsigned  k;

    genai_writer_open(w, '{');
    genai_writer_name(w, "sha256");
    genai_writer_open(w, '[');
    genai_writer_string(w, sha256);
    genai_writer_close(w, ']');

    for (k = GENAI_KEY_TEAM; k <= GENAI_KEY_PLAN; k++) {

        if (o->values[k]) {
            genai_writer_name(w, genai_key_names[k] + 2);
            genai_key_text(w, o->values[k]);
        }
    }

    genai_writer_close(w, '}');
}


static void
genai_key_text(genai_writer_t *w, const char *text)
{
    genai_str_t  s;

    s.data = (unsigned char *) text;
    s.len = strlen(text);

    genai_writer_string(w, &s);
}


static int
genai_key_print(void *ctx, const unsigned char *p, size_t n)
{
    return fwrite(p, 1, n, stdout) == n ? 0 : -1;
}


static int
genai_key_command_hash(void)
{
    int             rc;
    genai_str_t     key;
    unsigned char   buf[GENAI_KEY_LINE], digest[GENAI_DIGEST_LEN],
                    hex[GENAI_DIGEST_HEX];

    rc = genai_key_read(buf, &key);

    if (rc == GENAI_KEY_FINE && genai_key_check(&key) == 0) {
        fputs("genai-key: this begins with " GENAI_KEY_PREFIX ", but its"
              " checksum is wrong: it is mistyped or cut\n", stderr);
        rc = GENAI_KEY_WRONG;
    }

    if (rc == GENAI_KEY_FINE) {
        genai_digest(key.data, key.len, digest);
        (void) genai_digest_write(hex, digest);

        printf("%.*s\n", GENAI_DIGEST_HEX, (char *) hex);
    }

    OPENSSL_cleanse(buf, sizeof(buf));

    return rc;
}


static int
genai_key_command_verify(const genai_key_options_t *o)
{
    int             rc, sum, same;
    genai_str_t     key, hex;
    unsigned char   buf[GENAI_KEY_LINE], digest[GENAI_DIGEST_LEN],
                    want[GENAI_DIGEST_LEN];

    if (o->values[GENAI_KEY_SHA256]) {
        hex.data = (unsigned char *) o->values[GENAI_KEY_SHA256];
        hex.len = strlen(o->values[GENAI_KEY_SHA256]);

        if (genai_digest_read(&hex, want) != 0) {
            fprintf(stderr, "genai-key: --sha256 takes a digest of %d hex"
                            " digits\n", GENAI_DIGEST_HEX);
            return GENAI_KEY_FAILED;
        }
    }

    rc = genai_key_read(buf, &key);

    if (rc == GENAI_KEY_FINE) {
        sum = genai_key_check(&key);

        puts(sum > 0 ? "checksum: right"
             : sum == 0 ? "checksum: wrong, the key is mistyped or cut"
             : "checksum: none, this is not a key that genai-key made");

        /* of a key from elsewhere the digest is what there is to check */

        rc = (sum > 0 || (sum < 0 && o->values[GENAI_KEY_SHA256]))
             ? GENAI_KEY_FINE : GENAI_KEY_WRONG;

        if (o->values[GENAI_KEY_SHA256]) {
            genai_digest(key.data, key.len, digest);

            same = memcmp(digest, want, GENAI_DIGEST_LEN) == 0;

            puts(same ? "sha256: the same" : "sha256: another");

            if (!same) {
                rc = GENAI_KEY_WRONG;
            }
        }
    }

    OPENSSL_cleanse(buf, sizeof(buf));

    return rc;
}


/*
 * Reads a key from standard input, of a terminal without showing it.  Not by
 * stdio, whose buffers would keep it.  Returns an exit code.
 */

static int
genai_key_read(unsigned char *buf, genai_str_t *key)
{
    int      silent, err;
    size_t   len;
    ssize_t  n;

    silent = isatty(STDIN_FILENO);

    if (silent) {
        fputs("key: ", stderr);

        if (genai_key_silence() != 0) {
            fprintf(stderr, "\ngenai-key: cannot keep the terminal from"
                            " showing the key: %s\n", strerror(errno));
            return GENAI_KEY_FAILED;
        }
    }

    len = 0;

    do {
        n = read(STDIN_FILENO, buf + len, GENAI_KEY_LINE - len);

        if (n > 0) {
            len += n;
        }
    } while ((n > 0 && len < GENAI_KEY_LINE
              && !(silent && buf[len - 1] == '\n'))
             || (n < 0 && errno == EINTR));

    err = (n < 0) ? errno : 0;

    if (silent) {
        genai_key_restore(0);
        fputs("\n", stderr);
    }

    if (err) {
        fprintf(stderr, "genai-key: cannot read standard input: %s\n",
                strerror(err));
        return GENAI_KEY_FAILED;
    }

    if (len && buf[len - 1] == '\n') {
        len--;

        if (len && buf[len - 1] == '\r') {
            len--;
        }
    }

    if (len == 0) {
        fputs("genai-key: there is no key on standard input\n", stderr);
        return GENAI_KEY_FAILED;
    }

    key->data = buf;
    key->len = len;

    if (!genai_key_valid(key)) {
        fprintf(stderr, "genai-key: this is no key: one is a line of 1 to %d"
                        " printable ASCII characters without blanks\n",
                GENAI_KEY_MAX);
        return GENAI_KEY_WRONG;
    }

    return GENAI_KEY_FINE;
}


static int
genai_key_silence(void)
{
    size_t            i;
    struct termios    silent;
    struct sigaction  sa;

    static const int  signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

    if (tcgetattr(STDIN_FILENO, &genai_key_terminal) != 0) {
        return -1;
    }

    memset(&sa, 0, sizeof(struct sigaction));
    sigemptyset(&sa.sa_mask);
    sa.sa_handler = genai_key_restore;

    for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        (void) sigaction(signals[i], &sa, NULL);
    }

    /* it could not be kept from showing once it is stopped */

    sa.sa_handler = SIG_IGN;
    (void) sigaction(SIGTSTP, &sa, NULL);

    silent = genai_key_terminal;
    silent.c_lflag &= ~(tcflag_t) ECHO;

    return tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
}


/* as it was before; then the signal does what it would have done */

static void
genai_key_restore(int signo)
{
    (void) tcsetattr(STDIN_FILENO, TCSAFLUSH, &genai_key_terminal);

    if (signo) {
        (void) signal(signo, SIG_DFL);
        (void) raise(signo);
    }
}
