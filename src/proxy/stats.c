/* SPDX-License-Identifier: MIT */
/* Counting. */
#include "proxy/stats.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

typedef struct timing {
    _Atomic uint64_t buckets[PROXY_STATS_BUCKETS + 1];
    _Atomic uint64_t sum_us;
} timing;

typedef struct error_count {
    _Atomic uint32_t number;
    _Atomic uint64_t count;
} error_count;

struct proxy_stats {
    proxy_stats_set *set;
    char *name;
    _Atomic uint64_t counters[PROXY_COUNTERS];
    _Atomic int64_t gauges[PROXY_GAUGES];
    timing timings[PROXY_TIMINGS];
    _Atomic uint64_t pins[PROXY_PINS];
    _Atomic uint64_t refusals[PROXY_REFUSALS];
    error_count errors[PROXY_STATS_ERRORS_MAX];
    _Atomic uint32_t error_numbers; /* how many of `errors` are in use */
    _Atomic uint64_t other_errors;
};

struct proxy_stats_set {
    proxy_stats *targets[PROXY_STATS_TARGETS_MAX];
    _Atomic uint32_t target_count; /* set after the record is complete */
    pthread_mutex_t lock;          /* of the identities */
    proxy_stats_identity identities[PROXY_STATS_IDENTITIES_MAX];
    size_t identity_count;
    int64_t began_s;
};

/* A pooled login takes some 100 us, a cold one with a token up to seconds. */
const uint32_t proxy_stats_bounds_us[PROXY_STATS_BUCKETS] = {
    100,   250,    500,    1000,   2500,    5000,    10000,    25000,
    50000, 100000, 250000, 500000, 1000000, 2500000, 10000000, 30000000,
};

static const char *const pin_names[PROXY_PINS] = {
    [PROXY_PIN_TRANSACTION] = "transaction",
    [PROXY_PIN_ATTENTION] = "attention",
    [PROXY_PIN_PARTIAL] = "partial",
    [PROXY_PIN_BULK] = "bulk",
    [PROXY_PIN_FATAL] = "fatal",
    [PROXY_PIN_SESSION_STATE] = "session_state",
    [PROXY_PIN_RESET] = "reset",
    [PROXY_PIN_AGE] = "age",
    [PROXY_PIN_IDLE] = "idle",
    [PROXY_PIN_ADMIN] = "admin",
    [PROXY_PIN_MARS] = "mars",
    [PROXY_PIN_OTHER] = "other",
};

static const char *const refusal_names[PROXY_REFUSALS] = {
    [PROXY_REFUSED_UID] = "uid",         [PROXY_REFUSED_SECRET] = "secret",
    [PROXY_REFUSED_LIMIT] = "limit",     [PROXY_REFUSED_PROTOCOL] = "protocol",
    [PROXY_REFUSED_TOKEN] = "token",     [PROXY_REFUSED_SERVER] = "server",
    [PROXY_REFUSED_NETWORK] = "network", [PROXY_REFUSED_TIMEOUT] = "timeout",
    [PROXY_REFUSED_PAUSED] = "paused",   [PROXY_REFUSED_OTHER] = "other",
};

const char *proxy_pin_name(proxy_pin why)
{
    return pin_names[why];
}

const char *proxy_refusal_name(proxy_refusal why)
{
    return refusal_names[why];
}

/* ---- the set ---- */

entrasql_status proxy_stats_set_new(proxy_stats_set **ret, entrasql_error *err)
{
    proxy_stats_set *set = es_calloc(1, sizeof *set);
    if (set == NULL)
        return es_nomem(err);
    (void)pthread_mutex_init(&set->lock, NULL);
    set->began_s = es_clock_wall_s();
    *ret = set;
    return ENTRASQL_OK;
}

void proxy_stats_set_free(proxy_stats_set *set)
{
    if (set == NULL)
        return;
    for (size_t i = 0; i < proxy_stats_targets(set); i++) {
        es_free(set->targets[i]->name);
        es_free(set->targets[i]);
    }
    (void)pthread_mutex_destroy(&set->lock);
    es_free(set);
}

entrasql_status proxy_stats_of(proxy_stats_set *set, const char *target, proxy_stats **ret,
                               entrasql_error *err)
{
    uint32_t count = atomic_load_explicit(&set->target_count, memory_order_relaxed);
    for (uint32_t i = 0; i < count; i++) {
        if (es_streq(set->targets[i]->name, target)) {
            *ret = set->targets[i];
            return ENTRASQL_OK;
        }
    }
    if (count == PROXY_STATS_TARGETS_MAX) {
        *ret = set->targets[count - 1];
        return ENTRASQL_OK;
    }
    proxy_stats *s = es_calloc(1, sizeof *s);
    if (s == NULL)
        return es_nomem(err);
    s->set = set;
    s->name = es_strdup(target);
    if (s->name == NULL) {
        es_free(s);
        return es_nomem(err);
    }
    set->targets[count] = s;
    atomic_store_explicit(&set->target_count, count + 1, memory_order_release);
    *ret = s;
    return ENTRASQL_OK;
}

int64_t proxy_stats_began(const proxy_stats_set *set)
{
    return set->began_s;
}

size_t proxy_stats_targets(const proxy_stats_set *set)
{
    return atomic_load_explicit(&set->target_count, memory_order_acquire);
}

const proxy_stats *proxy_stats_at(const proxy_stats_set *set, size_t i)
{
    return set->targets[i];
}

proxy_stats_set *proxy_stats_set_of(const proxy_stats *s)
{
    return s->set;
}

const char *proxy_stats_name(const proxy_stats *s)
{
    return s->name;
}

/* ---- counters, gauges, times ---- */

static void add(_Atomic uint64_t *figure, uint64_t n)
{
    (void)atomic_fetch_add_explicit(figure, n, memory_order_relaxed);
}

static uint64_t load(const _Atomic uint64_t *figure)
{
    return atomic_load_explicit(figure, memory_order_relaxed);
}

void proxy_stats_count(proxy_stats *s, proxy_counter counter, uint64_t n)
{
    if (s != NULL)
        add(&s->counters[counter], n);
}

uint64_t proxy_stats_counter(const proxy_stats *s, proxy_counter counter)
{
    return load(&s->counters[counter]);
}

void proxy_stats_gauge(proxy_stats *s, proxy_gauge gauge, int64_t change)
{
    if (s != NULL)
        (void)atomic_fetch_add_explicit(&s->gauges[gauge], change, memory_order_relaxed);
}

int64_t proxy_stats_level(const proxy_stats *s, proxy_gauge gauge)
{
    return atomic_load_explicit(&s->gauges[gauge], memory_order_relaxed);
}

void proxy_stats_time(proxy_stats *s, proxy_timing which, int64_t microseconds)
{
    size_t i = 0;
    if (s == NULL)
        return;
    uint64_t us = microseconds > 0 ? (uint64_t)microseconds : 0;
    while (i < PROXY_STATS_BUCKETS && us > proxy_stats_bounds_us[i])
        i++;
    add(&s->timings[which].sum_us, us);
    add(&s->timings[which].buckets[i], 1);
}

void proxy_stats_timing_get(const proxy_stats *s, proxy_timing which, proxy_stats_timing *ret)
{
    *ret = (proxy_stats_timing){.sum_us = load(&s->timings[which].sum_us)};
    for (size_t i = 0; i <= PROXY_STATS_BUCKETS; i++) {
        ret->buckets[i] = load(&s->timings[which].buckets[i]);
        ret->count += ret->buckets[i];
    }
}

/* ---- reasons and errors ---- */

void proxy_stats_pin(proxy_stats *s, proxy_pin why)
{
    if (s != NULL)
        add(&s->pins[why], 1);
}

uint64_t proxy_stats_pins(const proxy_stats *s, proxy_pin why)
{
    return load(&s->pins[why]);
}

void proxy_stats_refusal(proxy_stats *s, proxy_refusal why)
{
    if (s != NULL)
        add(&s->refusals[why], 1);
}

uint64_t proxy_stats_refusals(const proxy_stats *s, proxy_refusal why)
{
    return load(&s->refusals[why]);
}

void proxy_stats_error(proxy_stats *s, uint32_t number)
{
    if (s == NULL)
        return;
    uint32_t used = atomic_load_explicit(&s->error_numbers, memory_order_relaxed);
    for (uint32_t i = 0; i < used; i++) {
        if (atomic_load_explicit(&s->errors[i].number, memory_order_relaxed) == number) {
            add(&s->errors[i].count, 1);
            return;
        }
    }
    if (used == PROXY_STATS_ERRORS_MAX) {
        add(&s->other_errors, 1);
        return;
    }
    atomic_store_explicit(&s->errors[used].number, number, memory_order_relaxed);
    add(&s->errors[used].count, 1);
    atomic_store_explicit(&s->error_numbers, used + 1, memory_order_release);
}

bool proxy_stats_error_at(const proxy_stats *s, size_t i, uint32_t *ret_number, uint64_t *ret_count)
{
    uint32_t used = atomic_load_explicit(&s->error_numbers, memory_order_acquire);
    if (i < used) {
        *ret_number = atomic_load_explicit(&s->errors[i].number, memory_order_relaxed);
        *ret_count = load(&s->errors[i].count);
        return true;
    }
    *ret_number = 0;
    *ret_count = load(&s->other_errors);
    return i == used && *ret_count > 0;
}

/* ---- identities ---- */

void proxy_stats_token(proxy_stats_set *set, const proxy_stats_identity *identity)
{
    size_t i = 0;
    if (set == NULL)
        return;
    (void)pthread_mutex_lock(&set->lock);
    while (i < set->identity_count && !es_streq(set->identities[i].name, identity->name))
        i++;
    if (i < PROXY_STATS_IDENTITIES_MAX) {
        uint64_t tokens = i < set->identity_count ? set->identities[i].tokens : 0;
        if (i == set->identity_count)
            set->identity_count++;
        set->identities[i] = *identity;
        set->identities[i].tokens = tokens + 1;
    }
    (void)pthread_mutex_unlock(&set->lock);
}

bool proxy_stats_identity_at(proxy_stats_set *set, size_t i, proxy_stats_identity *ret)
{
    (void)pthread_mutex_lock(&set->lock);
    bool found = i < set->identity_count;
    if (found)
        *ret = set->identities[i];
    (void)pthread_mutex_unlock(&set->lock);
    return found;
}

proxy_refusal proxy_refusal_of(const entrasql_error *why)
{
    if (why->status == ENTRASQL_BUSY)
        return PROXY_REFUSED_LIMIT;
    if (why->status == ENTRASQL_TIMEOUT)
        return PROXY_REFUSED_TIMEOUT;
    if (why->error_class == ENTRASQL_CLASS_AUTH)
        return PROXY_REFUSED_TOKEN;
    if (why->error_class == ENTRASQL_CLASS_LOGIN || why->error_class == ENTRASQL_CLASS_SQL)
        return PROXY_REFUSED_SERVER;
    if (why->error_class == ENTRASQL_CLASS_NETWORK || why->error_class == ENTRASQL_CLASS_TLS)
        return PROXY_REFUSED_NETWORK;
    return why->error_class == ENTRASQL_CLASS_PEER ? PROXY_REFUSED_PROTOCOL : PROXY_REFUSED_OTHER;
}
