/* SPDX-License-Identifier: MIT */
/* Prometheus's text format: each name once with its help and type, then a line a label set. */
#include "proxy/metrics.h"

#include "base/clock.h"
#include "base/utf16.h"
#include "os/usage.h"

#include <entrasql/entrasql.h>

#include <stdio.h>
#include <string.h>

/* One row a metric of a target; what it reads is a member of its own kind's enum. */
typedef struct figure {
    int which;
    const char *name;
    const char *labels; /* after the target: ",side=\"client\""; NULL: none */
    const char *help;   /* NULL: another line of the metric above */
} figure;

static const figure counters[] = {
    {PROXY_COUNT_CLIENTS, "client_connections_total", NULL,
     "Connections that clients made, the refused ones too."},
    {PROXY_COUNT_SERVERS, "server_logins_total", NULL, "Logins to the server that succeeded."},
    {PROXY_COUNT_UPSTREAM_FAILURES, "server_login_failures_total", NULL,
     "Logins to the server that failed, for whatever reason."},
    {PROXY_COUNT_BYTES_FROM_CLIENT, "bytes_total", ",from=\"client\"",
     "Bytes of requests and replies that were passed on."},
    {PROXY_COUNT_BYTES_FROM_SERVER, "bytes_total", ",from=\"server\"", NULL},
    {PROXY_COUNT_LENT, "pool_lent_total", NULL,
     "Times that a server connection of the pool was lent to a client."},
    {PROXY_COUNT_WAITS, "pool_waits_total", NULL,
     "Clients that had to wait for a server connection."},
    {PROXY_COUNT_WAIT_TIMEOUTS, "pool_wait_timeouts_total", NULL, "Those that waited in vain."},
    {PROXY_COUNT_DRAINS, "pool_drains_total", NULL,
     "Server connections whose client left in an answer, which was cancelled and thrown away."},
    {PROXY_COUNT_RESETS, "pool_resets_total", NULL,
     "Server connections that came back to the pool clean."},
    {PROXY_COUNT_RESET_FAILURES, "pool_reset_failures_total", NULL,
     "Server connections whose reset was not acknowledged; they are closed."},
    {PROXY_COUNT_WARM_USED, "warm_used_total", NULL,
     "Logins to the server on a connection that stood ready."},
    {PROXY_COUNT_WARM_LOST, "warm_lost_total", NULL,
     "Connections that could not be made ready for a login, or that the server closed."},
    {PROXY_COUNT_TOKENS, "tokens_total", NULL, "Tokens that logins got, cached ones too."},
    {PROXY_COUNT_TOKEN_FAILURES, "token_failures_total", NULL,
     "Logins that got no token from their credential."},
};

static const figure timings[] = {
    {PROXY_TIME_LOGIN, "login_seconds", NULL,
     "From a client's connecting to the answer to its login."},
    {PROXY_TIME_UPSTREAM_LOGIN, "server_login_seconds", NULL,
     "A login to the server: token, connection, TLS and answer."},
    {PROXY_TIME_TOKEN, "token_seconds", NULL, "Getting a token, from the cache or not."},
    {PROXY_TIME_WAIT, "pool_wait_seconds", NULL,
     "How long clients waited for a server connection, where they had to."},
};

/* ---- pieces ---- */

/* Label values escape backslash, quote and newline; what is not UTF-8 becomes '?'. */
static entrasql_status add_value(es_buf *out, const char *s)
{
    size_t left = strlen(s);
    ES_TRY(es_buf_u8(out, '"'));
    while (left != 0) {
        uint32_t c = 0;
        size_t n = es_utf8_decode(s, left, &c);
        if (n == 0) {
            ES_TRY(es_buf_u8(out, '?'));
            n = 1;
        } else if (c == '"' || c == '\\') {
            ES_TRY(es_buf_printf(out, "\\%c", (char)c));
        } else if (c == '\n') {
            ES_TRY(es_buf_add_str(out, "\\n"));
        } else {
            ES_TRY(es_buf_add(out, s, n));
        }
        s += n;
        left -= n;
    }
    return es_buf_u8(out, '"');
}

static entrasql_status add_head(es_buf *out, const char *name, const char *type, const char *help)
{
    return es_buf_printf(out,
                         "# HELP entrasql_proxy_%s %s\n"
                         "# TYPE entrasql_proxy_%s %s\n",
                         name, help, name, type);
}

/* entrasql_proxy_NAME{target="TARGET"LABELS} */
static entrasql_status add_line(es_buf *out, const char *name, const char *suffix,
                                const proxy_stats *s, const char *labels)
{
    ES_TRY(es_buf_printf(out, "entrasql_proxy_%s%s{target=", name, suffix));
    ES_TRY(add_value(out, proxy_stats_name(s)));
    return es_buf_printf(out, "%s} ", labels != NULL ? labels : "");
}

static entrasql_status add_seconds(es_buf *out, uint64_t us)
{
    return es_buf_printf(out, "%llu.%06llu\n", (unsigned long long)(us / 1000000),
                         (unsigned long long)(us % 1000000));
}

static entrasql_status add_number(es_buf *out, uint64_t n)
{
    return es_buf_printf(out, "%llu\n", (unsigned long long)n);
}

/* ---- targets ---- */

static entrasql_status add_counters(es_buf *out, const proxy_stats_set *set, size_t targets)
{
    for (size_t i = 0; i < ES_COUNT_OF(counters); i++) {
        const figure *f = &counters[i];
        if (f->help != NULL)
            ES_TRY(add_head(out, f->name, "counter", f->help));
        for (size_t t = 0; t < targets; t++) {
            const proxy_stats *s = proxy_stats_at(set, t);
            ES_TRY(add_line(out, f->name, "", s, f->labels));
            ES_TRY(add_number(out, proxy_stats_counter(s, (proxy_counter)f->which)));
        }
    }
    return ENTRASQL_OK;
}

static entrasql_status add_level(es_buf *out, const proxy_stats *s, const char *name,
                                 const char *labels, int64_t level)
{
    ES_TRY(add_line(out, name, "", s, labels));
    return es_buf_printf(out, "%lld\n", (long long)level);
}

static entrasql_status add_gauges(es_buf *out, const proxy_stats_set *set, size_t targets)
{
    ES_TRY(add_head(out, "clients", "gauge", "Clients that are connected."));
    for (size_t t = 0; t < targets; t++) {
        const proxy_stats *s = proxy_stats_at(set, t);
        ES_TRY(add_level(out, s, "clients", NULL, proxy_stats_level(s, PROXY_GAUGE_CLIENTS)));
    }
    ES_TRY(add_head(out, "clients_admitted", "gauge",
                    "Clients that are logged in, or about to be: those that the limits count."));
    for (size_t t = 0; t < targets; t++) {
        const proxy_stats *s = proxy_stats_at(set, t);
        ES_TRY(add_level(out, s, "clients_admitted", NULL,
                         proxy_stats_level(s, PROXY_GAUGE_ADMITTED)));
    }
    ES_TRY(add_head(out, "clients_waiting", "gauge", "Clients that wait for a server connection."));
    for (size_t t = 0; t < targets; t++) {
        const proxy_stats *s = proxy_stats_at(set, t);
        ES_TRY(
            add_level(out, s, "clients_waiting", NULL, proxy_stats_level(s, PROXY_GAUGE_WAITING)));
    }
    ES_TRY(add_head(out, "servers", "gauge",
                    "Connections to the server: lent, idle, and ready for a login."));
    for (size_t t = 0; t < targets; t++) {
        const proxy_stats *s = proxy_stats_at(set, t);
        int64_t idle = proxy_stats_level(s, PROXY_GAUGE_SERVERS_IDLE);
        int64_t all = proxy_stats_level(s, PROXY_GAUGE_SERVERS);
        /* Read one after the other: never show fewer than none. */
        ES_TRY(add_level(out, s, "servers", ",state=\"active\"", all > idle ? all - idle : 0));
        ES_TRY(add_level(out, s, "servers", ",state=\"idle\"", idle));
        ES_TRY(add_level(out, s, "servers", ",state=\"warm\"",
                         proxy_stats_level(s, PROXY_GAUGE_WARM)));
    }
    return ENTRASQL_OK;
}

static entrasql_status add_timing(es_buf *out, const proxy_stats *s, const figure *f)
{
    proxy_stats_timing t;
    uint64_t below = 0;
    char labels[48];
    proxy_stats_timing_get(s, (proxy_timing)f->which, &t);
    for (size_t i = 0; i < PROXY_STATS_BUCKETS; i++) {
        below += t.buckets[i];
        (void)snprintf(labels, sizeof labels, ",le=\"%g\"", proxy_stats_bounds_us[i] / 1e6);
        ES_TRY(add_line(out, f->name, "_bucket", s, labels));
        ES_TRY(add_number(out, below));
    }
    ES_TRY(add_line(out, f->name, "_bucket", s, ",le=\"+Inf\""));
    ES_TRY(add_number(out, t.count));
    ES_TRY(add_line(out, f->name, "_sum", s, NULL));
    ES_TRY(add_seconds(out, t.sum_us));
    ES_TRY(add_line(out, f->name, "_count", s, NULL));
    return add_number(out, t.count);
}

static entrasql_status add_timings(es_buf *out, const proxy_stats_set *set, size_t targets)
{
    for (size_t i = 0; i < ES_COUNT_OF(timings); i++) {
        ES_TRY(add_head(out, timings[i].name, "histogram", timings[i].help));
        for (size_t t = 0; t < targets; t++)
            ES_TRY(add_timing(out, proxy_stats_at(set, t), &timings[i]));
    }
    return ENTRASQL_OK;
}

static entrasql_status add_reason(es_buf *out, const proxy_stats *s, const char *name,
                                  const char *label, const char *reason, uint64_t n)
{
    char labels[64];
    (void)snprintf(labels, sizeof labels, ",%s=\"%s\"", label, reason);
    ES_TRY(add_line(out, name, "", s, labels));
    return add_number(out, n);
}

static entrasql_status add_reasons(es_buf *out, const proxy_stats_set *set, size_t targets)
{
    ES_TRY(add_head(out, "pins_total", "counter",
                    "Server connections that did not go back into the pool, by reason."));
    for (size_t t = 0; t < targets; t++) {
        const proxy_stats *s = proxy_stats_at(set, t);
        for (int i = 0; i < PROXY_PINS; i++)
            ES_TRY(add_reason(out, s, "pins_total", "reason", proxy_pin_name((proxy_pin)i),
                              proxy_stats_pins(s, (proxy_pin)i)));
    }
    ES_TRY(add_head(out, "refusals_total", "counter",
                    "Clients that were not let in or not logged in, by reason."));
    for (size_t t = 0; t < targets; t++) {
        const proxy_stats *s = proxy_stats_at(set, t);
        for (int i = 0; i < PROXY_REFUSALS; i++)
            ES_TRY(add_reason(out, s, "refusals_total", "reason",
                              proxy_refusal_name((proxy_refusal)i),
                              proxy_stats_refusals(s, (proxy_refusal)i)));
    }
    ES_TRY(add_head(out, "errors_total", "counter",
                    "Failed logins by SQL Server's or Entra's error number."));
    for (size_t t = 0; t < targets; t++) {
        const proxy_stats *s = proxy_stats_at(set, t);
        uint32_t number = 0;
        uint64_t n = 0;
        for (size_t i = 0; proxy_stats_error_at(s, i, &number, &n); i++) {
            char text[16] = "other";
            if (number != 0)
                (void)snprintf(text, sizeof text, "%u", number);
            ES_TRY(add_reason(out, s, "errors_total", "number", text, n));
        }
    }
    return ENTRASQL_OK;
}

/* ---- identities ---- */

static entrasql_status add_identity(es_buf *out, const char *name,
                                    const proxy_stats_identity *identity, bool is_info)
{
    ES_TRY(es_buf_printf(out, "entrasql_proxy_%s{identity=", name));
    ES_TRY(add_value(out, identity->name));
    if (is_info) {
        ES_TRY(es_buf_add_str(out, ",principal="));
        ES_TRY(add_value(out, identity->principal));
        ES_TRY(es_buf_add_str(out, ",object_id="));
        ES_TRY(add_value(out, identity->object_id));
        ES_TRY(es_buf_add_str(out, ",tenant="));
        ES_TRY(add_value(out, identity->tenant));
        ES_TRY(es_buf_add_str(out, ",source="));
        ES_TRY(add_value(out, identity->source));
    }
    return es_buf_add_str(out, "} ");
}

static entrasql_status add_identities(es_buf *out, proxy_stats_set *set)
{
    proxy_stats_identity identity;
    int64_t now = es_clock_wall_s();
    ES_TRY(add_head(out, "identity_info", "gauge", "Who the proxy signs in as; always 1."));
    for (size_t i = 0; proxy_stats_identity_at(set, i, &identity); i++) {
        ES_TRY(add_identity(out, "identity_info", &identity, true));
        ES_TRY(add_number(out, 1));
    }
    ES_TRY(add_head(out, "token_age_seconds", "gauge", "Since the identity's token was issued."));
    for (size_t i = 0; proxy_stats_identity_at(set, i, &identity); i++) {
        ES_TRY(add_identity(out, "token_age_seconds", &identity, false));
        ES_TRY(es_buf_printf(out, "%lld\n", (long long)(now - identity.obtained_on)));
    }
    ES_TRY(add_head(out, "token_expires_in_seconds", "gauge",
                    "Until the identity's token expires; negative: it has."));
    for (size_t i = 0; proxy_stats_identity_at(set, i, &identity); i++) {
        ES_TRY(add_identity(out, "token_expires_in_seconds", &identity, false));
        ES_TRY(es_buf_printf(out, "%lld\n", (long long)(identity.expires_on - now)));
    }
    return ENTRASQL_OK;
}

/* ---- the process ---- */

/* The names that every Prometheus client library gives these. */
static entrasql_status add_process(es_buf *out, const proxy_stats_set *set)
{
    os_usage u;
    os_usage_get(&u);
    ES_TRY(es_buf_add_str(out, "# HELP process_cpu_seconds_total CPU time of the process.\n"
                               "# TYPE process_cpu_seconds_total counter\n"
                               "process_cpu_seconds_total "));
    ES_TRY(add_seconds(out, u.cpu_us));
    return es_buf_printf(out,
                         "# HELP process_resident_memory_bytes Resident memory.\n"
                         "# TYPE process_resident_memory_bytes gauge\n"
                         "process_resident_memory_bytes %llu\n"
                         "# HELP process_open_fds Open file descriptors.\n"
                         "# TYPE process_open_fds gauge\n"
                         "process_open_fds %llu\n"
                         "# HELP process_max_fds Most file descriptors that may be open.\n"
                         "# TYPE process_max_fds gauge\n"
                         "process_max_fds %llu\n"
                         "# HELP process_start_time_seconds When the process began.\n"
                         "# TYPE process_start_time_seconds gauge\n"
                         "process_start_time_seconds %lld\n",
                         (unsigned long long)u.resident_bytes, (unsigned long long)u.open_fds,
                         (unsigned long long)u.max_fds, (long long)proxy_stats_began(set));
}

entrasql_status proxy_metrics_write(proxy_stats_set *set, bool is_ready, es_buf *out)
{
    size_t targets = proxy_stats_targets(set);
    ES_TRY(add_head(out, "build_info", "gauge", "The version; always 1."));
    ES_TRY(es_buf_printf(out, "entrasql_proxy_build_info{version=\"%s\"} 1\n", entrasql_version()));
    ES_TRY(add_head(out, "ready", "gauge", "Whether /readiness says so."));
    ES_TRY(es_buf_printf(out, "entrasql_proxy_ready %d\n", is_ready ? 1 : 0));
    ES_TRY(add_gauges(out, set, targets));
    ES_TRY(add_counters(out, set, targets));
    ES_TRY(add_timings(out, set, targets));
    ES_TRY(add_reasons(out, set, targets));
    ES_TRY(add_identities(out, set));
    return add_process(out, set);
}
