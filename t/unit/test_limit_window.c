/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Windows of limits: aligned, without a gap, in every zone and over every
 * change of its clocks; and what exchanges count.
 */


#include "tap.h"
#include "genai_limit_window.h"


#define DAY  86400


static const char  *zones[] = {
    "", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Apia",
    "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Gaza", "Africa/Cairo"
};

static const char  *windows[] = {
    "1s", "7s", "1m", "5m", "1h", "5h", "24h", "1d", "2d", "30d", "1w", "2w",
    "1mo", "3mo", "12mo", "1000mo", "1000w"
};


static unsigned
load(const char *name, genai_timezone_change_t *changes)
{
    int             n;
    FILE           *f;
    char            path[256];
    size_t          len;
    static unsigned char  data[65536];

    if (name[0] == '\0') {
        return 0;
    }

    snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", name);

    f = fopen(path, "rb");
    if (f == NULL) {
        return 0;
    }

    len = fread(data, 1, sizeof(data), f);
    fclose(f);

    n = genai_timezone_read(data, len, 1700000000, 1900000000, changes);

    return n > 0 ? (unsigned) n : 0;
}


static genai_limit_t
limit(const char *window)
{
    char           text[64];
    size_t         where;
    genai_str_t    s;
    genai_limit_t  l;

    s.len = (size_t) snprintf(text, sizeof(text), "9 tokens/%s", window);
    s.data = (unsigned char *) text;

    if (genai_limit_parse(&s, &l, &where) != NULL) {
        fail("%s", text);
    }

    return l;
}


static void
test_known(void)
{
    unsigned                   i, n;
    genai_limit_t              l;
    genai_window_t             w;
    genai_timezone_change_t    changes[GENAI_TIMEZONE_CHANGES];

    static const struct {
        const char  *zone;
        const char  *window;
        int64_t      time;
        int64_t      start;
        int64_t      end;
    } cases[] = {
        { "", "1m", 1795348859, 1795348800, 1795348860 },
        { "", "1h", 1795348800, 1795348800, 1795352400 },
        { "", "1d", 1795348800, 1795305600, 1795392000 },
        /* 2026-11-22 is a Sunday: the week began on Monday the 16th */
        { "", "1w", 1795348800, 1794787200, 1795392000 },
        { "", "1mo", 1795348800, 1793491200, 1796083200 },
        { "", "1d", -1, -DAY, 0 },
        { "", "1w", 4 * DAY, 4 * DAY, 11 * DAY },
        { "", "2w", 4 * DAY - 1, -10 * DAY, 4 * DAY },
        { "", "3mo", 0, 0, 90 * DAY },
        /* midnight in Berlin; of 25 and of 23 hours */
        { "Europe/Berlin", "1d", 1795348800, 1795302000, 1795388400 },
        { "Europe/Berlin", "1d", 1792900000, 1792879200, 1792969200 },
        { "Europe/Berlin", "1d", 1774745000, 1774738800, 1774821600 },
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        n = load(cases[i].zone, changes);

        if (cases[i].zone[0] && n == 0) {
            diag("skipped: no zone %s, install tzdata", cases[i].zone);
            continue;
        }

        l = limit(cases[i].window);
        genai_window_at(&l, changes, n, cases[i].time, &w);

        is_int(w.start, cases[i].start, "%s %s: start", cases[i].zone,
               cases[i].window);
        is_int(w.end, cases[i].end, "%s %s: end", cases[i].zone,
               cases[i].window);
    }

    l = limit("never");
    genai_window_at(&l, NULL, 0, 1795348800, &w);
    ok(w.index == 0 && w.start == INT64_MIN && w.end == INT64_MAX, "never");
}


static void
test_gaps(void)
{
    int64_t                   t, at[] = { INT64_MIN, INT64_MAX, 0, -1 };
    uint64_t                  rng;
    unsigned                  i, k, m, n;
    genai_limit_t             l;
    genai_window_t            w, other;
    genai_timezone_change_t   changes[GENAI_TIMEZONE_CHANGES];

    rng = 1;

    for (i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
        n = load(zones[i], changes);

        for (k = 0; k < sizeof(windows) / sizeof(windows[0]); k++) {
            l = limit(windows[k]);

            for (m = 0; m < 2000; m++) {
                rng = rng * UINT64_C(6364136223846793005)
                      + 1442695040888963407;

                t = 1700000000 + (int64_t) ((rng >> 20) % 200000000);

                /* near the changes, too */

                if (n && m % 2) {
                    t = changes[(rng >> 50) % n].from - 4
                        + (int64_t) ((rng >> 30) % 8);
                }

                genai_window_at(&l, changes, n, t, &w);

                if (!quiet_ok(w.start <= t && t < w.end,
                              "%s %s: %lld is in its window", zones[i],
                              windows[k], (long long) t))
                {
                    return;
                }

                genai_window_at(&l, changes, n, w.end, &other);

                if (!quiet_ok(other.index == w.index + 1
                              && other.start == w.end,
                              "%s %s: %lld: the next one follows", zones[i],
                              windows[k], (long long) t))
                {
                    return;
                }

                genai_window_at(&l, changes, n, w.start, &other);

                quiet_ok(other.index == w.index && other.start == w.start
                         && other.end == w.end, "%s %s: %lld: the first second",
                         zones[i], windows[k], (long long) t);
            }

            for (m = 0; m < sizeof(at) / sizeof(at[0]); m++) {
                genai_window_at(&l, changes, n, at[m], &w);
                quiet_ok(w.start < w.end, "%s: all times", windows[k]);
            }
        }
    }

    pass("no gaps");
}


static void
test_measure(void)
{
    uint64_t       rng, n, m;
    unsigned       i;
    genai_use_t    use, most;
    genai_limit_t  l;

    l = limit("1m");

    memset(&use, 0, sizeof(use));
    use.prompt = 100;
    use.cached = 60;
    use.completion = 50;
    use.reasoning = 20;
    use.cost = 7;

    is_int(genai_limit_measure(&l, &use), 150, "tokens");
    l.weight_cached = GENAI_LIMIT_MILLION / 10;
    is_int(genai_limit_measure(&l, &use), 96, "cached ones by their weight");
    is_int(genai_limit_bound(&l, &use), 150, "but not before it is known");
    l.weight_reasoning = 2 * GENAI_LIMIT_MILLION;
    is_int(genai_limit_measure(&l, &use), 116, "reasoning");
    is_int(genai_limit_bound(&l, &use), 200, "all could be");
    l.weight_cached = 1;
    use.cached = 1;
    is_int(genai_limit_measure(&l, &use), 170, "rounded up, once");

    l.unit = GENAI_LIMIT_PROMPT_TOKENS;
    is_int(genai_limit_measure(&l, &use), 100, "prompt");
    l.unit = GENAI_LIMIT_COMPLETION_TOKENS;
    is_int(genai_limit_measure(&l, &use), 70, "completion");
    l.unit = GENAI_LIMIT_COST;
    is_int(genai_limit_measure(&l, &use), 7, "cost");
    l.unit = GENAI_LIMIT_REQUESTS;
    is_int(genai_limit_measure(&l, &use), 1, "a request");

    /* absurd ones */

    memset(&use, 0xff, sizeof(use));

    for (i = 0; i <= GENAI_LIMIT_CONCURRENT; i++) {
        l.unit = (uint8_t) i;
        l.weight_prompt = UINT32_MAX;
        l.weight_completion = UINT32_MAX;
        quiet_ok(genai_limit_measure(&l, &use) <= (uint64_t) 1 << 60,
                 "unit %u has a bound", i);
    }

    rng = 1;

    for (i = 0; i < 200000; i++) {
        uint64_t  r[8];

        for (n = 0; n < 8; n++) {
            rng = rng * UINT64_C(6364136223846793005) + 1442695040888963407;
            r[n] = rng >> (20 + rng % 40);
        }

        most.prompt = r[0];
        most.completion = r[1];
        most.cost = r[2];
        most.cached = most.reasoning = 0;

        use.prompt = r[0] ? r[3] % r[0] : 0;
        use.completion = r[1] ? r[4] % r[1] : 0;
        use.cost = r[2] ? r[5] % r[2] : 0;
        use.cached = r[6];
        use.reasoning = r[7];

        l.unit = (uint8_t) (i % 6);
        l.weight_prompt = (uint32_t) r[6];
        l.weight_cached = (uint32_t) r[7];
        l.weight_completion = (uint32_t) r[5];
        l.weight_reasoning = (uint32_t) r[4];

        n = genai_limit_measure(&l, &use);
        m = genai_limit_bound(&l, &most);

        if (!quiet_ok(n <= m, "%u: %llu is more than its bound %llu", i,
                      (unsigned long long) n, (unsigned long long) m))
        {
            break;
        }
    }

    pass("the bound is one");
}


int
main(void)
{
    test_known();
    test_gaps();
    test_measure();

    return done_testing();
}
