
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * genai_metrics, continued: how the workers, the policy, the books and the
 * zone are at present.
 */


#include "ngx_http_genai_metrics_int.h"
#include "ngx_http_genai_report_int.h"


#ifndef NGX_HTTP_GENAI_VERSION
#define NGX_HTTP_GENAI_VERSION  "0.1.0"
#endif

/* slots of workers in one turn: a system call or two each */
#define NGX_HTTP_GENAI_METRICS_ALIVE   16


ngx_int_t
ngx_http_genai_metrics_text_workers(ngx_http_genai_report_t *report,
    ngx_http_genai_metrics_text_t *text, ngx_uint_t data)
{
    ngx_uint_t  i;

    static const struct {
        const char  *name;
        const char  *help;
    } gauges[NGX_HTTP_GENAI_GAUGES] = {
        { "genai_open_streams", "Answers that are being streamed." },
        { "genai_thread_tasks", "Tasks that threads were given and have not "
          "done." }
    };

    if (text->index < NGX_HTTP_GENAI_METRICS_WORKERS) {

        text->index = ngx_http_genai_metrics_gauges(text->metrics,
                                                 text->index,
                                                 NGX_HTTP_GENAI_METRICS_ALIVE,
                                                 text->gauges);

        if (text->index < NGX_HTTP_GENAI_METRICS_WORKERS) {
            return NGX_AGAIN;
        }
    }

    if (!ngx_http_genai_report_room(report, NGX_HTTP_GENAI_METRICS_GROUP)) {
        return NGX_AGAIN;
    }

    for (i = 0; i < NGX_HTTP_GENAI_GAUGES; i++) {
        ngx_http_genai_metrics_text_value(report, gauges[i].name, "gauge",
                                          gauges[i].help,
                                          ngx_max(text->gauges[i], 0));
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_genai_metrics_text_policy(ngx_http_genai_report_t *report,
    ngx_http_genai_metrics_text_t *text, ngx_uint_t data)
{
    u_char                      *p;
    uint64_t                     generation, closed, unenforced, stale;
    uint64_t                     since, word, now;
    ngx_uint_t                   i;
    genai_str_t                  revision;
    genai_books_t               *books;
    const genai_policy_t        *policy;
    ngx_http_genai_snapshot_t   *s;
    ngx_http_genai_main_conf_t  *mcf;

    if (!ngx_http_genai_report_room(report, NGX_HTTP_GENAI_METRICS_GROUP)) {
        return NGX_AGAIN;
    }

    mcf = ngx_http_get_module_main_conf(report->request,
                                        ngx_http_genai_module);

    if (mcf->policy.len == 0) {
        return NGX_OK;
    }

    generation = 0;
    stale = 0;
    since = 0;
    closed = 0;
    unenforced = 0;

    s = ngx_http_genai_snapshot(report->request->connection->log);

    if (s) {
        policy = s->policy;

        generation = policy->generation;
        stale = policy->stale;
        since = policy->stale_since > 0 ? policy->stale_since : 0;
        closed = policy->closed;
        unenforced = policy->unenforced;

        ngx_http_genai_metrics_text_head(report, "genai_policy_info", "gauge",
                                         "The policy that is in use: its "
                                         "revision, the SHA-256 of its "
                                         "sources.");

        revision = genai_policy_text(policy, policy->revision);

        p = ngx_cpymem(report->last, "genai_policy_info{revision=",
                       sizeof("genai_policy_info{revision=") - 1);
        p = ngx_http_genai_report_quote(p, revision.data,
                                        ngx_min(revision.len,
                                                NGX_HTTP_GENAI_LABEL_MAX));
        p = ngx_cpymem(p, ",sha256=\"", sizeof(",sha256=\"") - 1);
        p = ngx_hex_dump(p, (u_char *) policy->digest, GENAI_DIGEST_LEN);
        report->last = ngx_cpymem(p, "\"} 1\n", sizeof("\"} 1\n") - 1);

        ngx_http_genai_metrics_text_head(report, "genai_policy_objects",
                                         "gauge", "Objects of the policy.");

        for (i = 0; i < GENAI_POLICY_KINDS; i++) {
            report->last = ngx_sprintf(report->last,
                                   "genai_policy_objects{kind=\"%s\"} %uD\n",
                                   genai_policy_kind(i),
                                   policy->objects[i].n);
        }

        ngx_http_genai_snapshot_release(s);
    }

    /* a source that broke since then is known before a new snapshot is */

    books = ngx_http_genai_books_joined();

    if (books) {
        word = genai_books_word(books, GENAI_WORD_POLICY_STALE);

        if (word && (since == 0 || word < since)) {
            since = word;
        }
    }

    now = (uint64_t) ngx_http_genai_now();

    ngx_http_genai_metrics_text_value(report, "genai_policy_generation",
                                      "gauge", "Number of the policy's "
                                      "snapshot; 0 is none.", generation);
    ngx_http_genai_metrics_text_value(report, "genai_policy_stale_seconds",
                                      "gauge", "How long a part of the policy "
                                      "could not be used as it is written; 0 "
                                      "is not at all.",
                                      since && since < now
                                      ? (now - since + 999) / 1000 : 0);
    ngx_http_genai_metrics_text_value(report, "genai_policy_fragments_stale",
                                      "gauge", "Fragments of which an older "
                                      "version is in use.", stale);
    ngx_http_genai_metrics_text_value(report, "genai_policy_objects_closed",
                                      "gauge", "Objects of the policy that "
                                      "are broken, nobody passes.", closed);
    ngx_http_genai_metrics_text_value(report, "genai_policy_unenforced",
                                      "gauge", "Guards of the "
                                      "policy that this build does not "
                                      "enforce.", unenforced);

    if (books) {
        word = genai_books_word(books, GENAI_WORD_POLICY_CHECKED);

        ngx_http_genai_metrics_text_value(report,
                                      "genai_policy_checked_seconds",
                                      "gauge", "Time since the policy's files "
                                      "were looked at.",
                                      word && word < now
                                      ? (now - word) / 1000 : 0);

        word = genai_books_word(books, GENAI_WORD_POLICY_FAILED);

        ngx_http_genai_metrics_text_value(report,
                                      "genai_policy_failed_seconds",
                                      "gauge", "How long what the policy's "
                                      "files say could not be loaded or "
                                      "published; 0 is not at all.",
                                      word && word < now
                                      ? (now - word + 999) / 1000 : 0);
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_genai_metrics_text_books(ngx_http_genai_report_t *report,
    ngx_http_genai_metrics_text_t *text, ngx_uint_t data)
{
    uint64_t                     now, at;
    genai_books_t               *books;
    genai_books_stats_t          st;
    ngx_http_genai_main_conf_t  *mcf;

    if (!ngx_http_genai_report_room(report, NGX_HTTP_GENAI_METRICS_GROUP)) {
        return NGX_AGAIN;
    }

    mcf = ngx_http_get_module_main_conf(report->request,
                                        ngx_http_genai_module);

    /* where those on disk cannot be had, others stand in for them */

    books = mcf->books_failed ? NULL : ngx_http_genai_books_joined();

    ngx_http_genai_metrics_text_value(report, "genai_books_joined", "gauge",
                                      "Whether this worker has its books.",
                                      books != NULL);

    if (books == NULL) {
        return NGX_OK;
    }

    genai_books_stats(books, &st);

    ngx_http_genai_metrics_text_value(report, "genai_leases", "gauge",
                                      "Leases of exchanges in flight.",
                                      st.leases);

    ngx_http_genai_metrics_text_head(report, "genai_books_bytes", "gauge",
                                     "Bytes of the books: their size, what "
                                     "of it is used, up to where they grow.");
    report->last = ngx_sprintf(report->last,
                               "genai_books_bytes{kind=\"size\"} %uL\n"
                               "genai_books_bytes{kind=\"used\"} %uL\n"
                               "genai_books_bytes{kind=\"max\"} %uL\n",
                               st.size, st.used, st.max);

    ngx_http_genai_metrics_text_value(report, "genai_books_rows", "gauge",
                                      "Rows of totals.", st.rows);
    ngx_http_genai_metrics_text_value(report, "genai_books_texts", "gauge",
                                      "Ids that rows refer to.", st.texts);
    ngx_http_genai_metrics_text_value(report, "genai_books_counters",
                                      "gauge", "Counters of limits.",
                                      st.counters);
    ngx_http_genai_metrics_text_value(report, "genai_books_stored",
                                      "gauge", "Entries of what providers "
                                      "keep for callers.", st.stored);
    ngx_http_genai_metrics_text_value(report, "genai_books_stored_lost_total",
                                      "counter", "Entries of these that gave "
                                      "way to others before their time.",
                                      st.stored_lost);
    ngx_http_genai_metrics_text_value(report, "genai_books_lease_slots",
                                      "gauge", "Places for leases.",
                                      st.lease_slots);
    ngx_http_genai_metrics_text_value(report, "genai_books_processes",
                                      "gauge", "Processes that have joined.",
                                      st.processes);
    ngx_http_genai_metrics_text_value(report, "genai_books_orphans_total",
                                      "counter", "Leases of dead processes, "
                                      "settled at their checkpoint.",
                                      st.orphans);
    ngx_http_genai_metrics_text_value(report, "genai_books_other_total",
                                      "counter", "Leases that went to a row "
                                      "\"other\", as the books were full.",
                                      st.other);
    ngx_http_genai_metrics_text_value(report, "genai_books_takeovers_total",
                                      "counter", "Locks that were taken over "
                                      "from dead processes.", st.takeovers);

    now = (uint64_t) ngx_http_genai_now();
    at = genai_books_word(books, GENAI_WORD_JOURNAL);

    if (at) {
        ngx_http_genai_metrics_text_value(report,
                                    "genai_books_journal_age_seconds", "gauge",
                                    "How long ago was what is safe from a "
                                    "loss of power.",
                                    at < now ? (now - at) / 1000 : 0);

        at = genai_books_word(books, GENAI_WORD_JOURNAL_FAILED);
        ngx_http_genai_metrics_text_value(report,
                                    "genai_books_journal_failed_seconds",
                                    "gauge", "How long the journal could not "
                                    "be written.",
                                    at && at < now
                                    ? (now - at + 999) / 1000 : 0);
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_genai_metrics_text_zone(ngx_http_genai_report_t *report,
    ngx_http_genai_metrics_text_t *text, ngx_uint_t data)
{
    ngx_uint_t                   i;
    ngx_http_genai_table_t      *t[2];
    ngx_http_genai_main_conf_t  *mcf;

    static const char *const  names[] = { "exchanges", "usage" };

    if (!ngx_http_genai_report_room(report, NGX_HTTP_GENAI_METRICS_GROUP)) {
        return NGX_AGAIN;
    }

    mcf = ngx_http_get_module_main_conf(report->request,
                                        ngx_http_genai_module);

    t[0] = &text->metrics->exchanges;
    t[1] = &text->metrics->usage;

    ngx_http_genai_metrics_text_value(report, "genai_zone_bytes", "gauge",
                                      "Size of the zone of genai_zone.",
                                      mcf->zone->shm.size);

    ngx_http_genai_metrics_text_head(report, "genai_zone_entries", "gauge",
                                     "Combinations of labels, in use and "
                                     "that there is room for.");

    for (i = 0; i < 2; i++) {
        report->last = ngx_sprintf(report->last,
                   "genai_zone_entries{table=\"%s\",kind=\"used\"} %uL\n"
                   "genai_zone_entries{table=\"%s\",kind=\"max\"} %ui\n",
                   names[i], ngx_http_genai_load(&t[i]->used),
                   names[i], t[i]->max);
    }

    ngx_http_genai_metrics_text_head(report, "genai_zone_full_total",
                                     "counter", "Exchanges that were counted "
                                     "as \"other\", as the zone was full.");

    for (i = 0; i < 2; i++) {
        report->last = ngx_sprintf(report->last,
                                 "genai_zone_full_total{table=\"%s\"} %uL\n",
                                 names[i], ngx_http_genai_load(&t[i]->full));
    }

    ngx_http_genai_metrics_text_head(report, "genai_build_info", "gauge",
                                     "The versions of the module, of nginx, "
                                     "of the layouts of policy and books.");
    report->last = ngx_sprintf(report->last,
                               "genai_build_info{version=\"%s\","
                               "nginx=\"%s\",layout_policy=\"%d\","
                               "layout_books=\"%d\"} 1\n",
                               NGX_HTTP_GENAI_VERSION, NGINX_VERSION,
                               GENAI_POLICY_LAYOUT, GENAI_BOOKS_LAYOUT);

    return NGX_OK;
}
