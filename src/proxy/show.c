/* SPDX-License-Identifier: MIT */
/* The tables of SHOW. */
#include "proxy/show.h"

#include "base/clock.h"
#include "base/str.h"

#include <stdio.h>

/* Names of targets, hosts, users: as wide as a screen can show; a name of SQL Server has 128. */
#define NAME 128
#define WORD 16
#define TEXT 256

static int64_t age_s(int64_t since_ms)
{
    int64_t age_ms = es_clock_mono_ms() - since_ms;
    return age_ms > 0 ? age_ms / 1000 : 0;
}

/* Numbers that tell nothing are not shown. */
static proxy_admin_cell number_or_null(uint64_t n)
{
    return n != 0 ? PROXY_NUMBER(n) : PROXY_NO_NUMBER;
}

/* ---- pools ---- */

static entrasql_status add_pool(const proxy_show_view *view, const pool *p, int64_t number,
                                proxy_admin_reply *reply)
{
    const proxy_profile *profile = pool_data(p);
    pool_figures f;
    pool_figures_get(p, &f);
    const proxy_admin_cell cells[] = {
        PROXY_NUMBER(number),
        PROXY_TEXT(profile->target),
        PROXY_TEXT(profile->host),
        PROXY_TEXT(profile->login.database),
        PROXY_TEXT(profile->login.app_name),
        PROXY_TEXT(profile->principal),
        PROXY_NUMBER(f.holders),
        PROXY_NUMBER(f.waiting[POOL_WANT_ANSWER] + f.waiting[POOL_WANT_SERVER]),
        PROXY_NUMBER(f.longest_wait_ms),
        PROXY_NUMBER(f.servers[POOL_SERVER_LENT]),
        PROXY_NUMBER(f.servers[POOL_SERVER_IDLE]),
        PROXY_NUMBER(f.servers[POOL_SERVER_OPENING]),
        PROXY_NUMBER(f.servers[POOL_SERVER_RESETTING]),
        PROXY_NUMBER(proxy_warm_count(view->warm, profile->host, profile->port)),
        PROXY_NUMBER(f.back_off_left_ms),
        PROXY_TEXT(f.is_paused        ? "paused"
                   : f.why[0] != '\0' ? f.why
                                      : NULL),
    };
    return proxy_admin_row(reply, cells);
}

/* A target without a pool has one connection a client. */
static entrasql_status add_unpooled(const proxy_show_view *view, const proxy_target *t,
                                    proxy_admin_reply *reply)
{
    int64_t clients = 0;
    int64_t servers = 0;
    for (const proxy_session *s = proxy_session_first(view->sessions); s != NULL;
         s = proxy_session_next(s)) {
        proxy_session_info info;
        proxy_session_info_get(s, &info);
        if (!es_streq(info.service->target->name, t->name))
            continue;
        clients++;
        servers += info.has_own_server ? 1 : 0;
    }
    const proxy_admin_cell cells[] = {
        PROXY_NO_NUMBER,
        PROXY_TEXT(t->name),
        PROXY_TEXT(t->host),
        PROXY_TEXT(t->database),
        PROXY_TEXT(NULL),
        PROXY_TEXT(NULL),
        PROXY_NUMBER(clients),
        PROXY_NUMBER(0),
        PROXY_NUMBER(0),
        PROXY_NUMBER(servers),
        PROXY_NUMBER(0),
        PROXY_NUMBER(0),
        PROXY_NUMBER(0),
        PROXY_NUMBER(proxy_warm_count(view->warm, t->host, t->port)),
        PROXY_NUMBER(0),
        PROXY_TEXT(proxy_pauses_hold(view->pauses, t->name) ? "pool = off, paused" : "pool = off"),
    };
    return proxy_admin_row(reply, cells);
}

static entrasql_status show_pools(const proxy_show_view *view, proxy_admin_reply *reply)
{
    static const proxy_admin_column columns[] = {
        {"pool", 0},        {"target", NAME},      {"server", NAME},
        {"database", NAME}, {"application", NAME}, {"principal", NAME},
        {"clients", 0},     {"waiting", 0},        {"longest_wait_ms", 0},
        {"lent", 0},        {"idle", 0},           {"opening", 0},
        {"resetting", 0},   {"warm", 0},           {"back_off_ms", 0},
        {"remark", TEXT},
    };
    int64_t number = 0;
    ES_TRY(proxy_admin_columns(reply, columns, ES_COUNT_OF(columns)));
    for (const pool *p = pool_first(view->pools); p != NULL; p = pool_next(p))
        ES_TRY(add_pool(view, p, ++number, reply));
    for (size_t i = 0; i < view->config->target_count; i++)
        if (!view->config->targets[i].pool.on)
            ES_TRY(add_unpooled(view, &view->config->targets[i], reply));
    return ENTRASQL_OK;
}

/* ---- clients and servers ---- */

static entrasql_status show_clients(const proxy_show_view *view, proxy_admin_reply *reply)
{
    static const proxy_admin_column columns[] = {
        {"conn", 0},        {"state", WORD},       {"target", NAME},   {"login", NAME},
        {"database", NAME}, {"application", NAME}, {"server_conn", 0}, {"connected_s", 0},
    };
    ES_TRY(proxy_admin_columns(reply, columns, ES_COUNT_OF(columns)));
    for (const proxy_session *s = proxy_session_first(view->sessions); s != NULL;
         s = proxy_session_next(s)) {
        proxy_session_info info;
        proxy_session_info_get(s, &info);
        const tds_login7 *login = info.profile != NULL ? &info.profile->login : NULL;
        const proxy_admin_cell cells[] = {
            PROXY_NUMBER(info.number),
            PROXY_TEXT(info.state),
            PROXY_TEXT(info.service->target->name),
            PROXY_TEXT(info.login_name),
            PROXY_TEXT(login != NULL ? login->database : NULL),
            PROXY_TEXT(login != NULL ? login->app_name : NULL),
            number_or_null(info.server_number),
            PROXY_NUMBER(age_s(info.since_ms)),
        };
        ES_TRY(proxy_admin_row(reply, cells));
    }
    return ENTRASQL_OK;
}

static entrasql_status add_pooled_servers(const pool *p, int64_t number, proxy_admin_reply *reply)
{
    const proxy_profile *profile = pool_data(p);
    for (int state = 0; state < POOL_SERVER_STATES; state++) {
        for (pool_server *s = pool_first_server(p, (pool_server_state)state); s != NULL;
             s = s->next) {
            const proxy_admin_cell cells[] = {
                PROXY_NUMBER(proxy_server_number_of(s)),
                PROXY_TEXT(pool_server_state_name(s->state)),
                PROXY_NUMBER(number),
                PROXY_NO_NUMBER,
                PROXY_TEXT(profile->server != NULL ? profile->server : profile->host),
                PROXY_TEXT(profile->login.database),
                PROXY_NUMBER(age_s(s->opened_ms != 0 ? s->opened_ms : s->since_ms)),
                PROXY_NUMBER(age_s(s->since_ms)),
                PROXY_TEXT(s->is_retired ? "yes" : "no"),
            };
            ES_TRY(proxy_admin_row(reply, cells));
        }
    }
    return ENTRASQL_OK;
}

static entrasql_status show_servers(const proxy_show_view *view, proxy_admin_reply *reply)
{
    static const proxy_admin_column columns[] = {
        {"server_conn", 0}, {"state", WORD}, {"pool", 0},    {"conn", 0},       {"server", NAME},
        {"database", NAME}, {"age_s", 0},    {"state_s", 0}, {"retired", WORD},
    };
    int64_t number = 0;
    ES_TRY(proxy_admin_columns(reply, columns, ES_COUNT_OF(columns)));
    for (const pool *p = pool_first(view->pools); p != NULL; p = pool_next(p))
        ES_TRY(add_pooled_servers(p, ++number, reply));
    for (const proxy_session *s = proxy_session_first(view->sessions); s != NULL;
         s = proxy_session_next(s)) {
        proxy_session_info info;
        proxy_session_info_get(s, &info);
        if (!info.has_own_server)
            continue;
        const proxy_admin_cell cells[] = {
            PROXY_NO_NUMBER,
            PROXY_TEXT(info.has_mars ? "own, MARS" : "own"),
            PROXY_NO_NUMBER,
            PROXY_NUMBER(info.number),
            PROXY_TEXT(info.service->target->host),
            PROXY_TEXT(info.service->target->database),
            PROXY_NUMBER(age_s(info.since_ms)),
            PROXY_NUMBER(age_s(info.since_ms)),
            PROXY_TEXT("no"),
        };
        ES_TRY(proxy_admin_row(reply, cells));
    }
    return ENTRASQL_OK;
}

/* ---- figures ---- */

static int64_t mean_us(const proxy_stats *s, proxy_timing which)
{
    proxy_stats_timing t;
    proxy_stats_timing_get(s, which, &t);
    return t.count != 0 ? (int64_t)(t.sum_us / t.count) : 0;
}

static entrasql_status show_stats(const proxy_show_view *view, proxy_admin_reply *reply)
{
    static const proxy_admin_column columns[] = {
        {"target", NAME},
        {"clients", 0},
        {"waiting", 0},
        {"servers", 0},
        {"servers_idle", 0},
        {"client_connections", 0},
        {"server_logins", 0},
        {"server_failures", 0},
        {"refusals", 0},
        {"lent", 0},
        {"waits", 0},
        {"wait_timeouts", 0},
        {"pins", 0},
        {"bytes_from_client", 0},
        {"bytes_from_server", 0},
        {"mean_login_us", 0},
        {"mean_server_login_us", 0},
        {"mean_wait_us", 0},
    };
    ES_TRY(proxy_admin_columns(reply, columns, ES_COUNT_OF(columns)));
    for (size_t i = 0; i < proxy_stats_targets(view->stats); i++) {
        const proxy_stats *s = proxy_stats_at(view->stats, i);
        uint64_t refusals = 0;
        uint64_t pins = 0;
        for (int k = 0; k < PROXY_REFUSALS; k++)
            refusals += proxy_stats_refusals(s, (proxy_refusal)k);
        for (int k = 0; k < PROXY_PINS; k++)
            pins += proxy_stats_pins(s, (proxy_pin)k);
        const proxy_admin_cell cells[] = {
            PROXY_TEXT(proxy_stats_name(s)),
            PROXY_NUMBER(proxy_stats_level(s, PROXY_GAUGE_CLIENTS)),
            PROXY_NUMBER(proxy_stats_level(s, PROXY_GAUGE_WAITING)),
            PROXY_NUMBER(proxy_stats_level(s, PROXY_GAUGE_SERVERS)),
            PROXY_NUMBER(proxy_stats_level(s, PROXY_GAUGE_SERVERS_IDLE)),
            PROXY_NUMBER(proxy_stats_counter(s, PROXY_COUNT_CLIENTS)),
            PROXY_NUMBER(proxy_stats_counter(s, PROXY_COUNT_SERVERS)),
            PROXY_NUMBER(proxy_stats_counter(s, PROXY_COUNT_UPSTREAM_FAILURES)),
            PROXY_NUMBER(refusals),
            PROXY_NUMBER(proxy_stats_counter(s, PROXY_COUNT_LENT)),
            PROXY_NUMBER(proxy_stats_counter(s, PROXY_COUNT_WAITS)),
            PROXY_NUMBER(proxy_stats_counter(s, PROXY_COUNT_WAIT_TIMEOUTS)),
            PROXY_NUMBER(pins),
            PROXY_NUMBER(proxy_stats_counter(s, PROXY_COUNT_BYTES_FROM_CLIENT)),
            PROXY_NUMBER(proxy_stats_counter(s, PROXY_COUNT_BYTES_FROM_SERVER)),
            PROXY_NUMBER(mean_us(s, PROXY_TIME_LOGIN)),
            PROXY_NUMBER(mean_us(s, PROXY_TIME_UPSTREAM_LOGIN)),
            PROXY_NUMBER(mean_us(s, PROXY_TIME_WAIT)),
        };
        ES_TRY(proxy_admin_row(reply, cells));
    }
    return ENTRASQL_OK;
}

static entrasql_status show_identities(const proxy_show_view *view, proxy_admin_reply *reply)
{
    static const proxy_admin_column columns[] = {
        {"identity", NAME}, {"principal", TEXT}, {"object_id", 48},         {"tenant", 48},
        {"source", 64},     {"token_age_s", 0},  {"token_expires_in_s", 0}, {"logins", 0},
    };
    int64_t now = es_clock_wall_s();
    proxy_stats_identity identity;
    ES_TRY(proxy_admin_columns(reply, columns, ES_COUNT_OF(columns)));
    for (size_t i = 0; proxy_stats_identity_at(view->stats, i, &identity); i++) {
        const proxy_admin_cell cells[] = {
            PROXY_TEXT(identity.name),
            PROXY_TEXT(identity.principal),
            PROXY_TEXT(identity.object_id),
            PROXY_TEXT(identity.tenant),
            PROXY_TEXT(identity.source),
            PROXY_NUMBER(now - identity.obtained_on),
            PROXY_NUMBER(identity.expires_on - now),
            PROXY_NUMBER(identity.tokens),
        };
        ES_TRY(proxy_admin_row(reply, cells));
    }
    return ENTRASQL_OK;
}

/* ---- settings ---- */

/* Whose settings are shown. */
typedef struct owner {
    const proxy_config *config;
    const char *kind;
    const char *name;
    proxy_admin_reply *reply;
} owner;

static entrasql_status add_from(const owner *o, const char *key, const char *value,
                                const char *source)
{
    const proxy_admin_cell cells[] = {PROXY_TEXT(o->name), PROXY_TEXT(key), PROXY_TEXT(value),
                                      PROXY_TEXT(source), PROXY_TEXT(o->kind)};
    return proxy_admin_row(o->reply, cells);
}

static entrasql_status add_text(const owner *o, const char *key, const char *value)
{
    return add_from(o, key, value, proxy_config_source_of(o->config, o->kind, o->name, key));
}

static entrasql_status add_number(const owner *o, const char *key, uint64_t value)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    return add_text(o, key, text);
}

/* "max-clients" of a target or login, which may be said for all of them. */
static entrasql_status add_max_clients(const owner *o, const char *for_all, uint32_t value)
{
    char text[24];
    const char *source = proxy_config_source_of(o->config, o->kind, o->name, "max-clients");
    (void)snprintf(text, sizeof text, "%u", value);
    if (es_streq(source, "default"))
        source = proxy_config_source_of(o->config, "proxy", "proxy", for_all);
    return add_from(o, "max-clients", text, source);
}

static entrasql_status add_seconds(const owner *o, const char *key, uint32_t ms)
{
    return add_number(o, key, ms / 1000U);
}

static entrasql_status add_yes_no(const owner *o, const char *key, bool value)
{
    return add_text(o, key, value ? "yes" : "no");
}

/* That there is one is all that is shown of a secret. */
static entrasql_status add_secret(const owner *o, const char *key, const es_secret *s)
{
    return add_text(o, key, s != NULL ? "(set)" : NULL);
}

static entrasql_status add_uids(const owner *o, const proxy_uids *uids)
{
    for (size_t i = 0; i < uids->count; i++)
        ES_TRY(add_number(o, "allow-uids", uids->list[i]));
    return ENTRASQL_OK;
}

static entrasql_status add_general(const owner *o)
{
    const proxy_config *c = o->config;
    ES_TRY(add_from(o, "config", c->file, NULL));
    ES_TRY(add_number(o, "max-clients", c->max_clients));
    ES_TRY(add_number(o, "max-clients-per-login", c->max_clients_per_login));
    ES_TRY(add_number(o, "max-half-open", c->max_half_open));
    ES_TRY(add_seconds(o, "login-timeout", c->login_timeout_ms));
    ES_TRY(add_seconds(o, "drain", c->ops.drain_ms));
    ES_TRY(add_text(o, "http", c->ops.http_address));
    ES_TRY(add_yes_no(o, "http-quit", c->ops.http_quit));
    ES_TRY(add_secret(o, "admin-secret-file", c->ops.admin_secret));
    ES_TRY(add_yes_no(o, "skip-token-check", c->ops.skip_token_check));
    return add_yes_no(o, "run-connection-test", c->ops.test_connection);
}

/* As they were written: credentials are made of them and show nothing. */
static entrasql_status add_identities(const owner *o)
{
    for (size_t i = 0; i < o->config->setting_count; i++) {
        const proxy_setting *s = &o->config->settings[i];
        const owner identity = {o->config, s->kind, s->of, o->reply};
        if (es_streq(s->kind, "identity"))
            ES_TRY(add_from(&identity, s->name, s->value, s->source));
    }
    return ENTRASQL_OK;
}

static entrasql_status add_pool_settings(const owner *o, const proxy_pool_settings *p)
{
    ES_TRY(add_text(o, "pool", p->on ? "on" : "off"));
    if (!p->on)
        return ENTRASQL_OK;
    ES_TRY(add_number(o, "pool-min", p->min));
    ES_TRY(add_number(o, "pool-size", p->size));
    ES_TRY(add_number(o, "pool-reserve", p->reserve));
    ES_TRY(add_seconds(o, "pool-reserve-after", p->reserve_after_ms));
    ES_TRY(add_number(o, "pool-max", p->max));
    ES_TRY(add_seconds(o, "pool-wait", p->wait_ms));
    ES_TRY(add_seconds(o, "pool-idle-timeout", p->idle_ms));
    ES_TRY(add_seconds(o, "pool-lifetime", p->lifetime_ms));
    ES_TRY(add_number(o, "pool-jitter", p->jitter_percent));
    ES_TRY(add_seconds(o, "pool-check-after", p->check_after_ms));
    ES_TRY(add_seconds(o, "pool-stall-timeout", p->stall_ms));
    ES_TRY(add_seconds(o, "pool-token-margin", p->token_margin_ms));
    return add_text(o, "pool-app-name", p->keyed_by_app ? "separate" : "share");
}

/* What the target's own description says. */
static entrasql_status add_server(const owner *o, const proxy_target *t)
{
    char server[300];
    (void)snprintf(server, sizeof server, "%s,%u", t->host, (unsigned)t->port);
    ES_TRY(add_from(o, "server", server, t->where));
    return add_from(o, "database", t->database, t->where);
}

static entrasql_status add_target(const owner *o, const proxy_target *t)
{
    static const char *const allows[] = {"own", "any", "secret"};
    static const char *const tls[] = {"off", "login", "optional", "required", "strict"};
    static const char *const fedauth[] = {"refuse", "replace", "pass"};
    ES_TRY(add_server(o, t));
    ES_TRY(add_text(o, "encrypt", t->strict ? "strict" : "mandatory"));
    ES_TRY(add_text(o, "host-name-in-certificate", t->host_name_in_certificate));
    ES_TRY(add_text(o, "identity", t->identity->name));
    for (size_t i = 0; i < t->listen_count; i++)
        ES_TRY(add_text(o, "listen", t->listens[i].text));
    ES_TRY(add_text(o, "allow", allows[t->access.allow]));
    ES_TRY(add_uids(o, &t->access.uids));
    ES_TRY(add_secret(o, "secret-file", t->access.secret));
    ES_TRY(add_text(o, "tls", tls[t->client_tls]));
    ES_TRY(add_text(o, "client-fedauth", fedauth[t->fedauth]));
    ES_TRY(add_max_clients(o, "max-clients-per-target", t->limits.max_clients));
    ES_TRY(add_text(o, "when-full", t->limits.queue ? "queue" : "refuse"));
    ES_TRY(add_seconds(o, "queue-timeout", t->limits.queue_ms));
    ES_TRY(add_number(o, "warm", t->warm));
    ES_TRY(add_seconds(o, "warm-age", t->warm_age_ms));
    return add_pool_settings(o, &t->pool);
}

static entrasql_status add_login(const owner *o, const proxy_login_rule *r)
{
    ES_TRY(add_uids(o, &r->uids));
    ES_TRY(add_secret(o, "secret-file", r->secret));
    ES_TRY(add_text(o, "identity", r->identity != NULL ? r->identity->name : NULL));
    return add_max_clients(o, "max-clients-per-login", r->max_clients);
}

static entrasql_status show_config(const proxy_show_view *view, proxy_admin_reply *reply)
{
    static const proxy_admin_column columns[] = {
        {"of", NAME}, {"setting", 32}, {"value", TEXT}, {"source", TEXT}, {"kind", WORD}};
    const proxy_config *c = view->config;
    const owner general = {c, "proxy", "proxy", reply};
    ES_TRY(proxy_admin_columns(reply, columns, ES_COUNT_OF(columns)));
    ES_TRY(add_general(&general));
    ES_TRY(add_identities(&general));
    for (size_t i = 0; i < c->target_count; i++)
        ES_TRY(add_target(&(owner){c, "target", c->targets[i].name, reply}, &c->targets[i]));
    for (size_t i = 0; i < c->login_count; i++)
        ES_TRY(add_login(&(owner){c, "login", c->logins[i].name, reply}, &c->logins[i]));
    return ENTRASQL_OK;
}

entrasql_status proxy_show_write(const proxy_show_view *view, proxy_show what,
                                 proxy_admin_reply *reply)
{
    switch (what) {
    case PROXY_SHOW_POOLS:
        return show_pools(view, reply);
    case PROXY_SHOW_CLIENTS:
        return show_clients(view, reply);
    case PROXY_SHOW_SERVERS:
        return show_servers(view, reply);
    case PROXY_SHOW_STATS:
        return show_stats(view, reply);
    case PROXY_SHOW_IDENTITIES:
        return show_identities(view, reply);
    case PROXY_SHOW_CONFIG:
        return show_config(view, reply);
    case PROXY_SHOW_HELP:
        break;
    }
    return ENTRASQL_INTERNAL;
}
