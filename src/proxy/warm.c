/* SPDX-License-Identifier: MIT */
/* Connections kept ready for logins. */
#include "proxy/warm.h"

#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/str.h"

#include <unistd.h>

/* So many of a server's are connected at one time; after a failure one shows whether it is over. */
#define OPENING_MAX 4U
#define BACK_OFF_FIRST_MS 1000
#define BACK_OFF_MAX_MS 30000
/* Who closes sooner has not let it stand. */
#define STOOD_MS 5000
/* Each is replaced up to a quarter sooner than the others. */
#define JITTER_PERCENT 25U

typedef struct place place;

typedef struct warm_conn {
    place *owner; /* NULL: it is not to be kept */
    loop_task *task;
    relay_login *login; /* NULL: it was taken */
    bool is_ready;
    bool is_old; /* stands until another one does in its place */
    int64_t ready_ms;
    int64_t until_ms;
    struct warm_conn *next; /* older */
    struct warm_conn *prev;
} warm_conn;

/* A server, and how it is reached. */
struct place {
    proxy_warm *set;
    char *host;
    uint16_t port;
    bool strict;
    char *host_name_in_certificate;
    tls_context *tls;
    uint32_t wanted;
    uint32_t age_ms;
    uint32_t timeout_ms; /* of connecting */
    proxy_stats *stats;  /* of the first target that leads there */
    unsigned count;
    unsigned ready;
    unsigned old; /* of these */
    int64_t back_off_ms;
    int64_t back_off_until_ms;
    struct {
        warm_conn *first; /* the newest */
        warm_conn *last;
    } conns;
    place *next;
};

struct proxy_warm {
    loop *l;
    place *first;
    loop_task *keeper; /* opens what is missing */
};

/* ---- a connection ---- */

static void list(place *p, warm_conn *c)
{
    c->owner = p;
    ES_LIST_PREPEND(&p->conns, c);
    p->count++;
}

static void set_ready(warm_conn *c, bool is_ready)
{
    if (c->is_ready == is_ready)
        return;
    c->is_ready = is_ready;
    c->owner->ready += is_ready ? 1U : -1U;
    proxy_stats_gauge(c->owner->stats, PROXY_GAUGE_WARM, is_ready ? 1 : -1);
}

static void set_old(warm_conn *c, bool is_old)
{
    if (c->is_old != is_old)
        c->owner->old += is_old ? 1U : -1U;
    c->is_old = is_old;
}

static void wake_keeper(const place *p)
{
    if (p->set->keeper != NULL)
        loop_task_wake(p->set->keeper);
}

/* It is nobody's any more. */
static void unlist(warm_conn *c)
{
    place *p = c->owner;
    if (p == NULL)
        return;
    set_old(c, false);
    set_ready(c, false);
    ES_LIST_REMOVE(&p->conns, c);
    p->count--;
    c->owner = NULL;
    wake_keeper(p);
}

/* Those that fail together are one failure. */
static void back_off(place *p)
{
    if (es_clock_mono_ms() < p->back_off_until_ms)
        return;
    p->back_off_ms = p->back_off_ms == 0 ? BACK_OFF_FIRST_MS : p->back_off_ms * 2;
    if (p->back_off_ms > BACK_OFF_MAX_MS)
        p->back_off_ms = BACK_OFF_MAX_MS;
    p->back_off_until_ms = es_clock_deadline(p->back_off_ms);
}

static void lost(const warm_conn *c, const entrasql_error *why)
{
    place *p = c->owner;
    ES_LOG(INFO, "proxy", "upstream connection did not stand ready", ES_KV_STR("server", p->host),
           ES_KV_STR("why", why->message));
    proxy_stats_count(p->stats, PROXY_COUNT_WARM_LOST, 1);
    if (c->is_ready && es_clock_mono_ms() - c->ready_ms >= STOOD_MS)
        p->back_off_ms = 0;
    back_off(p);
}

static void drop(warm_conn *c)
{
    unlist(c);
    loop_task_update(c->task);
    loop_task_wake(c->task);
}

static void drop_oldest(const place *p)
{
    warm_conn *c = p->conns.last;
    while (c != NULL && !c->is_old)
        c = c->prev;
    if (c != NULL)
        drop(c);
}

static void stand(warm_conn *c)
{
    uint32_t age_ms = c->owner->age_ms;
    drop_oldest(c->owner);
    c->ready_ms = es_clock_mono_ms();
    c->until_ms =
        c->ready_ms + age_ms - (int64_t)(age_ms * es_random_below(JITTER_PERCENT + 1U) / 100);
    set_ready(c, true);
    loop_task_settle(c->task);
    wake_keeper(c->owner);
}

/* It has stood as long as it should; while another one is connected a login may still have it. */
static void grow_old(warm_conn *c)
{
    c->owner->back_off_ms = 0;
    c->until_ms = es_clock_deadline(c->owner->timeout_ms);
    set_old(c, true);
    wake_keeper(c->owner);
}

static bool conn_step(void *ctx)
{
    warm_conn *c = ctx;
    entrasql_error err;
    if (c->owner == NULL)
        return false;
    entrasql_status status = relay_login_step(c->login, NULL, &err);
    if (status != ENTRASQL_AGAIN) {
        if (!c->is_old)
            lost(c, &err);
        return false;
    }
    if (relay_login_is_held(c->login) && !c->is_ready)
        stand(c);
    if (es_clock_mono_ms() < c->until_ms)
        return true;
    if (c->is_old)
        return false;
    grow_old(c);
    return true;
}

static entrasql_status conn_wants(void *ctx, os_wait *w)
{
    const warm_conn *c = ctx;
    if (c->owner == NULL)
        return ENTRASQL_OK;
    os_wait_until(w, c->until_ms);
    return relay_login_wants(c->login, w);
}

static void conn_end(void *ctx)
{
    warm_conn *c = ctx;
    unlist(c);
    relay_login_free(c->login);
    es_free(c);
}

static const loop_task_class conn_class = {conn_wants, conn_step, conn_end};

/* What relay_login_fits() will be asked; of the login itself nothing matters yet. */
static entrasql_status hold(const place *p, relay_login **ret, entrasql_error *err)
{
    tds_login7 nobody;
    if (tds_login7_init(&nobody) != ENTRASQL_OK) {
        tds_login7_done(&nobody);
        return es_nomem(err);
    }
    nobody.client_pid = (uint32_t)getpid();
    const relay_login_options options = {
        .host = p->host,
        .port = p->port,
        .encrypt = p->strict ? TDS_ENCRYPT_STRICT : TDS_ENCRYPT_ON,
        .host_name_in_certificate = p->host_name_in_certificate,
        .tls = p->tls,
        .login = &nobody,
        .deadline_ms = es_clock_deadline(p->timeout_ms),
    };
    entrasql_status status = relay_login_hold(&options, ret, err);
    tds_login7_done(&nobody);
    return status;
}

static entrasql_status open_one(place *p, entrasql_error *err)
{
    warm_conn *c = es_calloc(1, sizeof *c);
    if (c == NULL)
        return es_nomem(err);
    c->until_ms = ES_NO_DEADLINE;
    entrasql_status status = hold(p, &c->login, err);
    if (status == ENTRASQL_OK)
        status = loop_task_start(p->set->l, &conn_class, c, &c->task, err);
    if (status != ENTRASQL_OK) {
        relay_login_free(c->login);
        es_free(c);
        return status;
    }
    list(p, c);
    return ENTRASQL_OK;
}

/* ---- the keeper ---- */

static bool is_short(const place *p)
{
    return p->count - p->old < p->wanted;
}

static void keep(place *p)
{
    entrasql_error err;
    if (es_clock_mono_ms() < p->back_off_until_ms)
        return;
    while (is_short(p) && p->count - p->ready < (p->back_off_ms > 0 ? 1U : OPENING_MAX)) {
        if (open_one(p, &err) == ENTRASQL_OK)
            continue;
        ES_LOG(WARNING, "proxy", "no upstream connection to stand ready",
               ES_KV_STR("server", p->host), ES_KV_STR("why", err.message));
        back_off(p);
        return;
    }
}

static bool keeper_step(void *ctx)
{
    const proxy_warm *w = ctx;
    for (place *p = w->first; p != NULL; p = p->next)
        keep(p);
    return true;
}

static entrasql_status keeper_wants(void *ctx, os_wait *wait)
{
    const proxy_warm *w = ctx;
    int64_t now = es_clock_mono_ms();
    for (const place *p = w->first; p != NULL; p = p->next)
        if (is_short(p) && now < p->back_off_until_ms)
            os_wait_until(wait, p->back_off_until_ms);
    return ENTRASQL_OK;
}

static void keeper_end(void *ctx)
{
    proxy_warm *w = ctx;
    w->keeper = NULL;
}

static const loop_task_class keeper_class = {keeper_wants, keeper_step, keeper_end};

/* ---- places ---- */

static void free_place(place *p)
{
    es_free(p->host);
    es_free(p->host_name_in_certificate);
    tls_context_unref(p->tls);
    es_free(p);
}

static place *find(const proxy_warm *w, const proxy_target *t)
{
    for (place *p = w->first; p != NULL; p = p->next)
        if (es_strcaseeq(p->host, t->host) && p->port == t->port && p->strict == t->strict &&
            p->tls == t->tls && es_streq(p->host_name_in_certificate, t->host_name_in_certificate))
            return p;
    return NULL;
}

static place *add_place(proxy_warm *w, const proxy_target *t)
{
    place *p = es_calloc(1, sizeof *p);
    if (p == NULL)
        return NULL;
    p->set = w;
    p->host = es_strdup(t->host);
    p->port = t->port;
    p->strict = t->strict;
    p->host_name_in_certificate = es_strdup(t->host_name_in_certificate);
    p->tls = tls_context_ref(t->tls);
    if (p->host == NULL ||
        (t->host_name_in_certificate != NULL && p->host_name_in_certificate == NULL)) {
        free_place(p);
        return NULL;
    }
    p->next = w->first;
    w->first = p;
    return p;
}

static entrasql_status ask_for(proxy_warm *w, const proxy_target *t, proxy_stats_set *stats,
                               entrasql_error *err)
{
    place *p = find(w, t);
    if (p == NULL)
        p = add_place(w, t);
    if (p == NULL)
        return es_nomem(err);
    if (p->wanted == 0 || t->warm > p->wanted)
        p->wanted = t->warm;
    p->age_ms = t->warm_age_ms;
    p->timeout_ms = t->config->login_timeout_ms;
    return p->stats != NULL ? ENTRASQL_OK : proxy_stats_of(stats, t->name, &p->stats, err);
}

static void drop_surplus(place *p)
{
    while (p->count > p->wanted)
        drop(p->conns.last);
}

static void forget_unwanted(proxy_warm *w)
{
    for (place **at = &w->first; *at != NULL;) {
        place *p = *at;
        drop_surplus(p);
        if (p->wanted > 0) {
            at = &p->next;
            continue;
        }
        *at = p->next;
        free_place(p);
    }
}

entrasql_status proxy_warm_apply(proxy_warm *w, const proxy_config *config, proxy_stats_set *stats,
                                 entrasql_error *err)
{
    entrasql_status status = ENTRASQL_OK;
    for (place *p = w->first; p != NULL; p = p->next)
        p->wanted = 0;
    for (size_t i = 0; status == ENTRASQL_OK && i < config->target_count; i++)
        if (config->targets[i].warm > 0)
            status = ask_for(w, &config->targets[i], stats, err);
    forget_unwanted(w);
    if (w->keeper != NULL)
        loop_task_wake(w->keeper);
    return status;
}

void proxy_warm_stop(proxy_warm *w)
{
    for (place *p = w->first; p != NULL; p = p->next)
        p->wanted = 0;
    forget_unwanted(w);
}

static bool is_at(const place *p, const char *host, uint16_t port)
{
    return host == NULL || (es_strcaseeq(p->host, host) && p->port == port);
}

void proxy_warm_renew(proxy_warm *w, const char *host, uint16_t port)
{
    for (place *p = w->first; p != NULL; p = p->next)
        while (is_at(p, host, port) && p->conns.last != NULL)
            drop(p->conns.last);
}

unsigned proxy_warm_count(const proxy_warm *w, const char *host, uint16_t port)
{
    unsigned n = 0;
    for (const place *p = w->first; p != NULL; p = p->next)
        n += is_at(p, host, port) ? p->ready : 0;
    return n;
}

/* The one that has stood longest: it would be the next to be replaced. */
relay_login *proxy_warm_take(proxy_warm *w, const relay_login_options *options)
{
    for (place *p = w->first; p != NULL; p = p->next) {
        for (warm_conn *c = p->conns.last; c != NULL; c = c->prev) {
            relay_login *login = c->login;
            if (!c->is_ready || !relay_login_fits(login, options))
                continue;
            proxy_stats_count(p->stats, PROXY_COUNT_WARM_USED, 1);
            p->back_off_ms = 0;
            c->login = NULL;
            drop(c);
            return login;
        }
    }
    return NULL;
}

entrasql_status proxy_warm_new(loop *l, proxy_warm **ret, entrasql_error *err)
{
    proxy_warm *w = es_calloc(1, sizeof *w);
    if (w == NULL)
        return es_nomem(err);
    w->l = l;
    entrasql_status status = loop_task_start(l, &keeper_class, w, &w->keeper, err);
    if (status != ENTRASQL_OK) {
        es_free(w);
        return status;
    }
    *ret = w;
    return ENTRASQL_OK;
}

void proxy_warm_free(proxy_warm *w)
{
    if (w == NULL)
        return;
    while (w->first != NULL) {
        place *next = w->first->next;
        free_place(w->first);
        w->first = next;
    }
    es_free(w);
}
