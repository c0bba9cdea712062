/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What is configured: secrets, providers, targets, models, locations, and
 * what is written once for all of http{}.  Memory is of the configuration's
 * pool; after the configuration was read nothing of it changes but the values
 * of secrets.
 */


#ifndef _NGX_HTTP_GENAI_CONF_H_INCLUDED_
#define _NGX_HTTP_GENAI_CONF_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "genai_arena.h"
#include "genai_betas.h"
#include "genai_catalog.h"
#include "genai_dialect.h"
#include "genai_jwt_thread.h"
#include "genai_quirks.h"
#include "genai_sigv4.h"
#include "genai_vocab_file.h"
#include "ngx_http_genai_origin.h"
#include "ngx_http_genai_state.h"


/* contexts of our blocks: bits that nginx uses for nothing */
#define NGX_HTTP_GENAI_PROVIDER_CONF  0x00100000
#define NGX_HTTP_GENAI_MODEL_CONF     0x00200000

/* genai_expose; the lowest bit is nginx's NGX_CONF_BITMASK_SET */
#define NGX_HTTP_GENAI_EXPOSE_TARGET    0x0002
#define NGX_HTTP_GENAI_EXPOSE_OVERHEAD  0x0004

/* next_target, likewise */
#define NGX_HTTP_GENAI_NEXT_ERROR     0x0002
#define NGX_HTTP_GENAI_NEXT_TIMEOUT   0x0004
#define NGX_HTTP_GENAI_NEXT_HTTP_429  0x0008
#define NGX_HTTP_GENAI_NEXT_HTTP_5XX  0x0010
#define NGX_HTTP_GENAI_NEXT_OFF       0x0020

/* bytes of a model name, decoded */
#define NGX_HTTP_GENAI_MODEL_MAX      256

/* dialects that a provider may speak */
#define NGX_HTTP_GENAI_DIALECTS       6

/* bytes of a key or credential */
#define NGX_HTTP_GENAI_SECRET_MAX     16384

/* bytes that the books may grow to, if nothing is said */
#define NGX_HTTP_GENAI_BOOKS_MAX      ((off_t) 1 << 30)

/* tests have directives that no server needs */
#ifndef NGX_HTTP_GENAI_DEBUG
#define NGX_HTTP_GENAI_DEBUG          0
#endif


/*
 * Of a secret that is the key file of a service account of Google's: its
 * value is a token that this worker makes of it, and renews.
 */
typedef struct {
    ngx_str_t                       file;       /* its text; "": it is none */
    void                           *fresh;      /* malloc'd, a later one */
    time_t                          made;       /* the token */
    ngx_msec_t                      made_at;
    ngx_msec_t                      failed_at;  /* the last try, or 0 */
    void                           *next;       /* a file that has changed, */
    size_t                          next_len;   /* malloc'd; */
    void                           *making;     /* and one that the thread */
    size_t                          making_len; /* is at, or NULL */
    genai_jwt_thread_t             *thread;     /* that makes a token */
} ngx_http_genai_jwt_t;


/*
 * A secret value and where it came from: "genai_secret NAME ..." or the
 * "credential" of a provider.  A value that could not be read leaves problem
 * set, closes what needs it, and never keeps nginx from starting, unless
 * genai_strict is on.
 */
typedef struct {
    ngx_str_t                       name;       /* of genai_secret, or "" */
    ngx_str_t                       source;     /* as written */
    ngx_str_t                       value;
    ngx_str_t                       problem;    /* why there is no value */
    genai_sigv4_credential_t        aws;        /* views of value, which is
                                                   a pair of keys then; or
                                                   zeroed */
    u_char                         *file;       /* where it is configured */
    ngx_uint_t                      line;

    /* of a file: what it was when it was read, and at the last look */
    u_char                         *path;
    genai_file_stamp_t              stamp;
    genai_file_stamp_t              seen;
    void                           *fresh;      /* malloc'd, a later value */

    ngx_http_genai_jwt_t            jwt;
} ngx_http_genai_secret_t;


/* genai_auth */
#define NGX_HTTP_GENAI_AUTH_OFF       0
#define NGX_HTTP_GENAI_AUTH_ON        1
#define NGX_HTTP_GENAI_AUTH_OPTIONAL  2


/* a header that goes to a provider with a value of its own */
typedef struct {
    ngx_str_t                       name;
    ngx_http_complex_value_t        value;
} ngx_http_genai_header_t;


typedef struct {
    ngx_str_t                       name;
    const genai_dialect_t          *dialect;    /* the first of these */
    const genai_dialect_t          *dialects[NGX_HTTP_GENAI_DIALECTS];
    ngx_uint_t                      ndialects;

    /* from "pass": scheme://host[:port]/path */
    ngx_str_t                       url;
    ngx_str_t                       schema;     /* "https://" */
    ngx_str_t                       host;       /* for SNI and certificate */
    ngx_str_t                       authority;  /* for Host: host[:port] */
    ngx_str_t                       path;       /* no slash at its end */
    in_port_t                       port;

    /* where connections go: the peers of an upstream{}, or our own */
    ngx_str_t                       upstream_name;
    ngx_http_upstream_srv_conf_t   *upstream;
    ngx_http_genai_origin_t        *origin;

    ngx_str_t                       api_version;    /* "" is the dialect's */
    const genai_quirks_t           *quirks;     /* NULL: none */
    ngx_str_t                       credential;     /* as written, */
    ngx_flag_t                      bearer;         /* and "bearer" */
    ngx_http_genai_secret_t        *secret;

    ngx_str_t                       region;     /* of AWS; or "" */
    genai_sigv4_key_t               signing;    /* of today */

    ngx_array_t                     headers;    /* ngx_http_genai_header_t */
    ngx_array_t                     pass_names;     /* ngx_hash_key_t */
    ngx_hash_t                      pass_headers;   /* names from clients */
    ngx_uint_t                      typed;      /* headers has Content-Type */

    ngx_resolver_t                 *resolver;

    /* one for all exchanges: nginx's keep-alive may be keyed by it */
    ngx_http_upstream_conf_t        conf;

    ngx_str_t                       ssl_name;
    ngx_uint_t                      ssl_protocols;
    ngx_str_t                       ssl_ciphers;
    ngx_uint_t                      ssl_verify_depth;
    ngx_str_t                       ssl_trusted_certificate;
    ngx_str_t                       ssl_crl;

    u_char                         *file;       /* where it is configured */
    ngx_uint_t                      line;

    unsigned                        ssl:1;
    unsigned                        versioned:1;    /* path has a version */
    unsigned                        vertex:1;       /* path is Vertex AI's */
    unsigned                        quirks_set:1;
} ngx_http_genai_provider_t;


typedef struct ngx_http_genai_vocab_s  ngx_http_genai_vocab_t;

typedef struct {
    ngx_str_t                       name;       /* the provider's, or name= */
    ngx_str_t                       provider_name;
    ngx_http_genai_provider_t      *provider;
    ngx_str_t                       model;      /* "" is the public name */
    ngx_str_t                       tokenizer;  /* "" is the catalogue's */
    ngx_http_genai_vocab_t         *vocab;      /* of that name */
    ngx_uint_t                      weight;
    ngx_uint_t                      priority;

    ngx_array_t                     overrides;  /* _override_t: set, drop */

    u_char                         *file;       /* where it is configured */
    ngx_uint_t                      line;

    unsigned                        down:1;
} ngx_http_genai_target_t;


/* "set TARGET NAME VALUE", "drop TARGET NAME": a member of a JSON request */
typedef struct {
    ngx_str_t                       target;
    ngx_str_t                       name;
    ngx_str_t                       json;       /* "" drops */
    u_char                         *file;
    ngx_uint_t                      line;
} ngx_http_genai_override_t;


typedef struct {
    ngx_str_node_t                  node;       /* in model_names */
    ngx_str_t                       name;       /* as written */
    ngx_str_t                       prefix;     /* of "prefix*" */
#if (NGX_PCRE)
    ngx_regex_t                    *regex;      /* of "~regex" */
#endif
    ngx_array_t                     targets;    /* _target_t, by priority */
    ngx_array_t                     overrides;  /* _override_t, as written */

    ngx_uint_t                      next_target;
    ngx_uint_t                      next_target_tries;
    ngx_msec_t                      next_target_timeout;

    /* ms, 0 is none; see ngx_http_genai_deadline.c */
    ngx_msec_t                      first_token_timeout;
    ngx_msec_t                      answer_timeout;
    ngx_msec_t                      total_timeout;
    ngx_msec_t                      sse_ping;

    u_char                         *file;
    ngx_uint_t                      line;
} ngx_http_genai_model_t;


typedef struct {
    ngx_flag_t                      pass;       /* genai_pass */
    ngx_flag_t                      inlined;    /* genai on */
    ngx_http_complex_value_t       *pass_model;
    ngx_uint_t                      auth;
    ngx_uint_t                      endpoints;
    ngx_uint_t                      api;
    ngx_uint_t                      expose;
    ngx_array_t                    *limits;     /* of genai_limit, or NULL */
    u_char                         *file;       /* where one of them is */
    ngx_uint_t                      line;

    ngx_str_t                       test_park;  /* stages, see _park.c */
    ngx_msec_t                      test_park_time;
    ngx_flag_t                      test_caller;    /* everybody is known */
} ngx_http_genai_loc_conf_t;


#if (NGX_HTTP_GENAI_DEBUG)
#define ngx_http_genai_test_caller(lcf)  (lcf)->test_caller
#else
#define ngx_http_genai_test_caller(lcf)  0
#endif


/* genai_betas; see ngx_http_genai_betas.c */
typedef struct {
    ngx_str_t                       path;
    genai_betas_t                   betas;      /* .tape.n 0: none are known */
    genai_file_stamp_t              stamp;      /* as it was read, */
    genai_file_stamp_t              seen;       /* and at the last look */
    u_char                         *file;       /* where it is configured */
    ngx_uint_t                      line;
} ngx_http_genai_betas_t;


/* a vocabulary, of "genai_tokenizer" or beside the catalogue */
struct ngx_http_genai_vocab_s {
    ngx_str_t                       name;
    ngx_str_t                       path;
    genai_split_e                   split;      /* of tiktoken's ranks */
    genai_vocab_file_t              file;       /* once opened */
    u_char                         *conf_file;  /* where it is asked for */
    ngx_uint_t                      line;

    unsigned                        asked:1;
    unsigned                        opened:1;
    unsigned                        broken:1;   /* it closes its models */
    unsigned                        used:1;     /* by a model or a target */
    unsigned                        known:1;    /* the catalogue names it */
};


/*
 * a location with a content handler of ours, for the checks after all of
 * http{} is read
 */
typedef struct {
    ngx_str_t                       name;       /* of its directive */
    ngx_http_handler_pt             handler;
    ngx_http_core_loc_conf_t       *clcf;
    ngx_http_genai_loc_conf_t      *lcf;
} ngx_http_genai_place_t;


struct ngx_http_genai_main_conf_s {
    ngx_array_t                     secrets;    /* _secret_t * */
    ngx_array_t                     providers;  /* _provider_t * */
    ngx_array_t                     models;     /* _model_t *, as written */
    ngx_rbtree_t                    model_names;    /* by crc32 */
    ngx_rbtree_node_t               model_sentinel;
    ngx_array_t                     exact;      /* _model_t *, sorted */
    ngx_array_t                     prefixes;   /* _model_t *, longest first */
    ngx_array_t                     regexes;    /* _model_t *, as written */
    ngx_array_t                     places;     /* _place_t */

    ngx_http_genai_betas_t         *betas;      /* NULL: all pass */

    ngx_flag_t                      strict;
    ngx_msec_t                      test_jwt;   /* how old tokens may be; 0 */
    time_t                          created;    /* of the configuration */

    ngx_str_t                       policy;     /* paths, or empty */
    ngx_str_t                       revoked;
    genai_policy_files_t           *policy_files;
    void                           *policy_data;    /* loaded, unpublished */
    size_t                          policy_size;
    uint64_t                        policy_seen;    /* current at the load */

    ngx_str_t                       books;      /* a directory, or empty */
    off_t                           books_max;
    time_t                          books_retain;
    ngx_msec_t                      books_turn; /* of the journal */
    ngx_uint_t                      books_sync; /* _sync_e */
    ngx_http_genai_region_t        *region;
    uint64_t                        epoch;      /* GENAI_WORD_CONFIG */
    unsigned                        books_failed:1; /* those on disk */

    ngx_array_t                     catalogs;   /* ngx_str_t, paths */
    ngx_array_t                     vocabs;     /* _vocab_t */
    genai_arena_t                   catalog_arena;
    const genai_catalog_t          *catalog;    /* NULL: nothing is counted */
    ngx_http_genai_vocab_t        **vocab_of;   /* by the catalogue's number */
    ngx_http_genai_vocab_t         *vocab_default;
    unsigned                        catalog_broken:1;

    ngx_shm_zone_t                 *zone;       /* genai_zone */

#if (NGX_THREADS)
    ngx_thread_pool_t              *threads;        /* genai_threads */
    size_t                          threads_min;    /* bytes */
#endif

    /* the peers of every exchange, see ngx_http_genai_group.c */
    ngx_http_upstream_srv_conf_t    group;
};


extern ngx_module_t  ngx_http_genai_module;


/* ngx_http_genai_conf.c: create, merge, check; directives outside blocks */

void *ngx_http_genai_create_main_conf(ngx_conf_t *cf);
char *ngx_http_genai_init_main_conf(ngx_conf_t *cf, void *conf);
void *ngx_http_genai_create_loc_conf(ngx_conf_t *cf);
char *ngx_http_genai_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child);
ngx_int_t ngx_http_genai_check_conf(ngx_conf_t *cf);
char *ngx_http_genai_inline_conf(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_genai_pass(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/*
 * For the directive cmd: makes handler the content handler of its location.
 * Returns NGX_CONF_OK, NGX_CONF_ERROR or what is wrong.
 */
char *ngx_http_genai_content(ngx_conf_t *cf, ngx_command_t *cmd,
    ngx_http_genai_loc_conf_t *lcf, ngx_http_handler_pt handler);

char *ngx_http_genai_auth(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_genai_endpoints(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_genai_api(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
#if (NGX_THREADS)
char *ngx_http_genai_threads(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
#endif


/* ngx_http_genai_block.c: blocks that hold plain directives of ours */

/*
 * Reads the block that begins at cf, its directives being commands of this
 * module with the context bit type, their conf being object.
 */
char *ngx_http_genai_read_block(ngx_conf_t *cf, ngx_uint_t type,
    void *object);

/*
 * Logs a mistake that is found after the line was read, as nginx logs those
 * that it finds at once: with file and line.
 */
void ngx_http_genai_conf_error(ngx_conf_t *cf, ngx_uint_t level, u_char *file,
    ngx_uint_t line, const char *fmt, ...);


/* ngx_http_genai_secret.c */

/* The secret of that name, or NULL. */
ngx_http_genai_secret_t *ngx_http_genai_secret_find(
    ngx_http_genai_main_conf_t *mcf, ngx_str_t *name);

/*
 * Reads again, in a worker, those whose files have changed: what two calls in
 * turn see alike.  A value that cannot be had leaves the last one.
 */
void ngx_http_genai_secret_refresh(ngx_http_genai_main_conf_t *mcf,
    ngx_log_t *log);

/* Frees what was read again: the worker ends. */
void ngx_http_genai_secret_forget(ngx_http_genai_main_conf_t *mcf);

char *ngx_http_genai_secret(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/*
 * The secret that "secret:NAME", "file:PATH" or "env:NAME" says, read now.
 * Returns NULL after an error was logged.  A value that cannot be had is no
 * error here: secret->problem says so.
 */
ngx_http_genai_secret_t *ngx_http_genai_secret_get(ngx_conf_t *cf,
    ngx_http_genai_main_conf_t *mcf, ngx_str_t *source, u_char *file,
    ngx_uint_t line);

/* Reports the values that could not be had; an error with genai_strict. */
ngx_int_t ngx_http_genai_secret_check(ngx_conf_t *cf,
    ngx_http_genai_main_conf_t *mcf);

/*
 * Notes why a secret has no value.  Returns NGX_DECLINED, or NGX_ERROR when
 * out of memory.
 */
ngx_int_t ngx_http_genai_secret_problem(ngx_conf_t *cf,
    ngx_http_genai_secret_t *secret, const char *fmt, ...);

/*
 * In a worker: data, malloc'd, has the value from now on, which is a part of
 * it.
 */
void ngx_http_genai_secret_replace(ngx_http_genai_secret_t *secret,
    void *data, ngx_str_t *value);


/* ngx_http_genai_secret_jwt.c: key files of service accounts */

/*
 * Makes the first token of such a file's text.  Returns NGX_OK; NGX_DECLINED
 * with secret->problem set; NGX_ERROR when out of memory.
 */
ngx_int_t ngx_http_genai_jwt_set(ngx_conf_t *cf,
    ngx_http_genai_secret_t *secret, ngx_str_t *file);

/* In a worker: the secret's file has changed to such a one; data is taken. */
void ngx_http_genai_jwt_changed(ngx_http_genai_secret_t *secret, void *data,
    size_t len);

/* When a worker starts: makes the tokens that are old by now, at once. */
void ngx_http_genai_jwt_start(ngx_http_genai_main_conf_t *mcf,
    ngx_log_t *log);

/*
 * Begins to make the token anew where it is time for that, and takes the one
 * that was made, in a worker, at any time: no more than one is made at once,
 * by a thread.
 */
void ngx_http_genai_jwt_refresh(ngx_http_genai_secret_t *secret,
    ngx_log_t *log);

/* Forgets the file and what is being made of it, but not the value. */
void ngx_http_genai_jwt_forget(ngx_http_genai_secret_t *secret);


/* ngx_http_genai_betas.c */

char *ngx_http_genai_betas(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* Reads the file; what is wrong with it is an error with genai_strict. */
ngx_int_t ngx_http_genai_betas_init(ngx_conf_t *cf,
    ngx_http_genai_main_conf_t *mcf);

/* Reads it again, in a worker, where it has changed: as secrets are. */
void ngx_http_genai_betas_refresh(ngx_http_genai_main_conf_t *mcf,
    ngx_log_t *log);


/* ngx_http_genai_provider.c */

char *ngx_http_genai_provider(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_genai_provider_dialect(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_genai_provider_pass(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_genai_provider_credential(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_genai_provider_version(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* Whether that is a version as a path has it: 1 or 0. */
ngx_uint_t ngx_http_genai_provider_versioned(ngx_str_t *version);

/* ngx_http_genai_quirks.c */

char *ngx_http_genai_quirks(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* Those of the host, where none were written; checks what was. */
ngx_int_t ngx_http_genai_quirks_init(ngx_conf_t *cf,
    ngx_http_genai_provider_t *p);


char *ngx_http_genai_provider_resolver(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
ngx_http_genai_provider_t *ngx_http_genai_provider_find(
    ngx_http_genai_main_conf_t *mcf, ngx_str_t *name);

/* Completes and checks all providers, after http{} and its upstreams. */
ngx_int_t ngx_http_genai_provider_init(ngx_conf_t *cf,
    ngx_http_genai_main_conf_t *mcf);


/* ngx_http_genai_provider_headers.c */

char *ngx_http_genai_provider_header(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/*
 * That the provider does not set the header of that name, where its credential
 * goes: NGX_OK, or NGX_ERROR, which was logged.
 */
ngx_int_t ngx_http_genai_provider_free(ngx_conf_t *cf,
    ngx_http_genai_provider_t *p, ngx_str_t *name);

/* Settles which headers of clients pass, once the block was read. */
ngx_int_t ngx_http_genai_provider_pass_headers(ngx_conf_t *cf,
    ngx_http_genai_provider_t *p);


/* ngx_http_genai_model.c */

char *ngx_http_genai_model(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_genai_model_target(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* Sorts models for the lookup, after http{}. */
ngx_int_t ngx_http_genai_model_init(ngx_conf_t *cf,
    ngx_http_genai_main_conf_t *mcf);

/*
 * The entry of a public name: the exact one, else the longest prefix, else
 * the first regex as written; NULL where there is none.
 */
ngx_http_genai_model_t *ngx_http_genai_model_find(
    ngx_http_genai_main_conf_t *mcf, ngx_str_t *name, ngx_log_t *log);


/* ngx_http_genai_tokenizer.c */

char *ngx_http_genai_catalog(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_genai_tokenizer(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/*
 * Reads the catalogues and opens the vocabularies; what is wrong with them is
 * logged, and fails with genai_strict alone.
 */
ngx_int_t ngx_http_genai_tokenizer_init(ngx_conf_t *cf,
    ngx_http_genai_main_conf_t *mcf);

/* The length of a path without the file's name. */
size_t ngx_http_genai_catalog_folder(ngx_str_t *path);


/* ngx_http_genai_vocab_names.c */

/*
 * Warns of all vocabularies that are not there; NGX_ERROR: out of memory.
 * Warns of those that are configured and used by nothing.
 */
ngx_int_t ngx_http_genai_vocab_missing(ngx_conf_t *cf,
    ngx_http_genai_main_conf_t *mcf);
void ngx_http_genai_vocab_unused(ngx_conf_t *cf,
    ngx_http_genai_main_conf_t *mcf);

/*
 * ", nearest: a, b": of the names that the catalogue has, those that are
 * like that one; an empty text without any, NULL without memory.
 */
u_char *ngx_http_genai_vocab_near(ngx_conf_t *cf,
    ngx_http_genai_main_conf_t *mcf, ngx_str_t *name);


/* ngx_http_genai_limit_directive.c */

char *ngx_http_genai_limit(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* Inherits limits, last of a location: those that can count nothing fail. */
char *ngx_http_genai_limit_merge(ngx_conf_t *cf,
    ngx_http_genai_loc_conf_t *prev, ngx_http_genai_loc_conf_t *conf);


/* ngx_http_genai_override.c */

char *ngx_http_genai_override(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* Gives every target its own, once the block was read. */
ngx_int_t ngx_http_genai_override_init(ngx_conf_t *cf,
    ngx_http_genai_model_t *model);


#endif /* _NGX_HTTP_GENAI_CONF_H_INCLUDED_ */
