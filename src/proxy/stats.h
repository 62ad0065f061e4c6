/* SPDX-License-Identifier: MIT */
/*
 * What the proxy counts: counters, gauges and times for each target, and what
 * is known of each identity's token.
 *
 * The loop's thread writes, any thread reads: every figure is an atomic of its
 * own (a scrape may see one figure a moment before its neighbour). Texts of
 * identities are behind a lock that is held for a copy only. A target's record,
 * once made, stays until the set is freed, also when its target goes with a
 * reload, so who holds one need not count references.
 *
 * Every writing call takes NULL for the record and does nothing then.
 *
 * Whom each call is for:
 *
 *     session   gauge CLIENTS +1/-1 and counter CLIENTS when a client comes and goes
 *               time LOGIN from accept until the login's answer is queued
 *               refusal for every client that is not let in
 *               counter BYTES_FROM_CLIENT, BYTES_FROM_SERVER as they pass
 *     upstream  gauge SERVERS +1/-1, counter SERVERS, time UPSTREAM_LOGIN for a finished
 *               login, counter UPSTREAM_FAILURES and error() for a failed one
 *     pool      gauge SERVERS_IDLE +1/-1 when a connection comes to rest and is lent,
 *               gauge WAITING +1/-1 and time WAIT around the queue, counter WAITS for who had to
 *               wait, WAIT_TIMEOUTS, LENT, DRAINS, RESETS, RESET_FAILURES, and pin() for every
 *               connection that does not go back
 *     warm      gauge WARM, counters WARM_USED, WARM_LOST
 *     token     time TOKEN, counter TOKENS or TOKEN_FAILURES, token() of the set
 */
#ifndef PROXY_STATS_H
#define PROXY_STATS_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROXY_STATS_TARGETS_MAX 64
#define PROXY_STATS_IDENTITIES_MAX 64
#define PROXY_STATS_ERRORS_MAX 48

typedef enum proxy_counter {
    PROXY_COUNT_CLIENTS, /* connections accepted, the refused ones too */
    PROXY_COUNT_SERVERS, /* upstream logins that succeeded */
    PROXY_COUNT_UPSTREAM_FAILURES,
    PROXY_COUNT_BYTES_FROM_CLIENT,
    PROXY_COUNT_BYTES_FROM_SERVER,
    PROXY_COUNT_LENT,  /* times that a pooled connection was lent */
    PROXY_COUNT_WAITS, /* clients that had to queue for one */
    PROXY_COUNT_WAIT_TIMEOUTS,
    PROXY_COUNT_DRAINS, /* check-ins at which an answer was cancelled and thrown away */
    PROXY_COUNT_RESETS, /* check-ins that the server acknowledged */
    PROXY_COUNT_RESET_FAILURES,
    PROXY_COUNT_WARM_USED, /* upstream logins on a connection that stood ready */
    PROXY_COUNT_WARM_LOST, /* that could not be made ready, or were closed by the server */
    PROXY_COUNT_TOKENS,
    PROXY_COUNT_TOKEN_FAILURES,
    PROXY_COUNTERS
} proxy_counter;

typedef enum proxy_gauge {
    PROXY_GAUGE_CLIENTS,      /* connections, with those that have not logged in */
    PROXY_GAUGE_ADMITTED,     /* of these: who counts against the limits of clients */
    PROXY_GAUGE_SERVERS,      /* upstream connections that are logged in */
    PROXY_GAUGE_SERVERS_IDLE, /* of these: in the pool */
    PROXY_GAUGE_WARM,         /* that stand ready for a login */
    PROXY_GAUGE_WAITING,      /* clients in the queue */
    PROXY_GAUGES
} proxy_gauge;

typedef enum proxy_timing {
    PROXY_TIME_LOGIN,
    PROXY_TIME_UPSTREAM_LOGIN,
    PROXY_TIME_TOKEN,
    PROXY_TIME_WAIT,
    PROXY_TIMINGS
} proxy_timing;

/* Why an upstream connection did not go back into the pool. */
typedef enum proxy_pin {
    PROXY_PIN_TRANSACTION,   /* one is open and cannot be told to be ended by the reset */
    PROXY_PIN_ATTENTION,     /* a cancel was not answered */
    PROXY_PIN_PARTIAL,       /* a request half sent, or a reply half read */
    PROXY_PIN_BULK,          /* a bulk load half sent, or not answered */
    PROXY_PIN_FATAL,         /* the server sent severity 20 or more, or closed */
    PROXY_PIN_SESSION_STATE, /* session state that cannot be recovered */
    PROXY_PIN_RESET,         /* the reset was refused or not acknowledged */
    PROXY_PIN_AGE,           /* life time, token or revalidation age */
    PROXY_PIN_IDLE,          /* idle for too long, or beyond what the pool keeps */
    PROXY_PIN_ADMIN,         /* RECONNECT, another principal, the database moved */
    PROXY_PIN_MARS,          /* the client has several results open on it */
    PROXY_PIN_OTHER,         /* the protocol could not be followed */
    PROXY_PINS
} proxy_pin;

typedef enum proxy_refusal {
    PROXY_REFUSED_UID,      /* another user's process */
    PROXY_REFUSED_SECRET,   /* wrong or missing secret */
    PROXY_REFUSED_LIMIT,    /* clients in all, per target, per login name */
    PROXY_REFUSED_PROTOCOL, /* too old, without TLS, not TDS */
    PROXY_REFUSED_TOKEN,    /* no token to be had */
    PROXY_REFUSED_SERVER,   /* the server refused the login */
    PROXY_REFUSED_NETWORK,  /* the server cannot be reached */
    PROXY_REFUSED_TIMEOUT,  /* login or queue took too long */
    PROXY_REFUSED_PAUSED,   /* an administrator said PAUSE, or the proxy drains */
    PROXY_REFUSED_OTHER,
    PROXY_REFUSALS
} proxy_refusal;

typedef struct proxy_stats proxy_stats;         /* a target's */
typedef struct proxy_stats_set proxy_stats_set; /* a proxy's */

/* ---- writing: the loop's thread ---- */

entrasql_status proxy_stats_set_new(proxy_stats_set **ret, entrasql_error *err) ES_MUST_USE;
void proxy_stats_set_free(proxy_stats_set *set); /* NULL allowed */
/*
 * The record of the target of that name, made when it is new; lives as long as
 * the set. Past PROXY_STATS_TARGETS_MAX names the last record is shared.
 */
entrasql_status proxy_stats_of(proxy_stats_set *set, const char *target, proxy_stats **ret,
                               entrasql_error *err) ES_MUST_USE;

void proxy_stats_count(proxy_stats *s, proxy_counter counter, uint64_t n);
void proxy_stats_gauge(proxy_stats *s, proxy_gauge gauge, int64_t change);
void proxy_stats_time(proxy_stats *s, proxy_timing timing, int64_t microseconds);
void proxy_stats_pin(proxy_stats *s, proxy_pin why);
void proxy_stats_refusal(proxy_stats *s, proxy_refusal why);
/* The reason that belongs to an error by which a login failed. */
proxy_refusal proxy_refusal_of(const entrasql_error *why);
/* A SQL Server or AADSTS error number; past PROXY_STATS_ERRORS_MAX numbers: counted under 0. */
void proxy_stats_error(proxy_stats *s, uint32_t number);

/*
 * A token was had for the identity of that name. source: which credential gave
 * it; object_id and tenant may be "". Seconds since 1970. Copied and cut to
 * fit; identities past PROXY_STATS_IDENTITIES_MAX are not kept.
 */
typedef struct proxy_stats_identity {
    char name[128];      /* as configured; "default" for the proxy's own */
    char principal[160]; /* user or application */
    char object_id[48];
    char tenant[48];
    char source[64];
    int64_t obtained_on;
    int64_t expires_on;
    uint64_t tokens;
} proxy_stats_identity;

void proxy_stats_token(proxy_stats_set *set, const proxy_stats_identity *identity);

/* ---- reading: any thread ---- */

#define PROXY_STATS_BUCKETS 16

typedef struct proxy_stats_timing {
    uint64_t buckets[PROXY_STATS_BUCKETS + 1]; /* not cumulative; the last one: above all bounds */
    uint64_t count;                            /* their sum */
    uint64_t sum_us;
} proxy_stats_timing;

/* The upper bounds of the buckets in microseconds, rising. */
extern const uint32_t proxy_stats_bounds_us[PROXY_STATS_BUCKETS];

int64_t proxy_stats_began(const proxy_stats_set *set); /* when it was made, seconds since 1970 */
proxy_stats_set *proxy_stats_set_of(const proxy_stats *s);
size_t proxy_stats_targets(const proxy_stats_set *set);
const proxy_stats *proxy_stats_at(const proxy_stats_set *set, size_t i);
const char *proxy_stats_name(const proxy_stats *s);
uint64_t proxy_stats_counter(const proxy_stats *s, proxy_counter counter);
int64_t proxy_stats_level(const proxy_stats *s, proxy_gauge gauge);
void proxy_stats_timing_get(const proxy_stats *s, proxy_timing timing, proxy_stats_timing *ret);
uint64_t proxy_stats_pins(const proxy_stats *s, proxy_pin why);
uint64_t proxy_stats_refusals(const proxy_stats *s, proxy_refusal why);
/* The i-th error number that was seen, in the order of their coming; false past the last. */
bool proxy_stats_error_at(const proxy_stats *s, size_t i, uint32_t *ret_number,
                          uint64_t *ret_count);
/* A copy of the i-th identity; false past the last. */
bool proxy_stats_identity_at(proxy_stats_set *set, size_t i, proxy_stats_identity *ret);

/* "transaction", "uid": as labels and in logs. Static storage. */
const char *proxy_pin_name(proxy_pin why);
const char *proxy_refusal_name(proxy_refusal why);

#endif
