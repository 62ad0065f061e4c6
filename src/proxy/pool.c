/* SPDX-License-Identifier: MIT */
/* What is decided about the connections and clients of pools. */
#include "proxy/pool_inner.h"

#include "base/mem.h"
#include "base/random.h"
#include "base/str.h"

/* A login that failed is not tried again for so long, twice as long after each further failure. */
#define BACK_OFF_FIRST_MS 1000
#define BACK_OFF_MAX_MS 30000
/* A connection that nobody used and that was at rest for less than this ended at once. */
#define POOL_EARLY_MS 10000
/* How often lists are looked through for what has aged, and how often while somebody waits. */
#define SWEEP_MS 1000
#define SWEEP_WAITING_MS 50
/* A pool without connections and clients keeps its recorded answer for so long. */
#define POOL_KEEP_MS 600000
/* A connection that is looked at answers within so long, or another one is opened beside it. */
#define POOL_CHECK_HOPE_MS 300

/* ---- ages ---- */

static int64_t shortened(const pool_server *s, uint32_t ms)
{
    return (int64_t)ms - (int64_t)ms * s->jitter_percent / 100;
}

static bool is_over_age(const pool_server *s, int64_t now)
{
    return s->is_retired || now >= s->retire_ms;
}

static bool was_idle_too_long(const pool *p, const pool_server *s, int64_t now)
{
    return p->settings.idle_ms != 0 && pool_total(p) > p->settings.min &&
           now - s->since_ms >= shortened(s, p->settings.idle_ms);
}

bool pool_is_backing_off(const pool *p, int64_t now)
{
    return p->why != NULL && now < p->back_off_until_ms;
}

/* ---- serving ---- */

/* After a pause of last_ms; 0: there was none. */
static int64_t longer_pause(int64_t last_ms)
{
    int64_t ms = last_ms == 0 ? BACK_OFF_FIRST_MS : last_ms * 2;
    return ms < BACK_OFF_MAX_MS ? ms : BACK_OFF_MAX_MS;
}

/*
 * It is over. Where connections end at once (their tokens live shorter than the margin, somebody
 * closes them, the database is at another place after each login) those kept for `min` would be
 * opened anew without end.
 */
static void forget(pool_server *s)
{
    pool *p = s->owner;
    int64_t now = es_clock_mono_ms();
    bool is_early = !s->was_lent && now - s->since_ms < POOL_EARLY_MS;
    pool_forget_server(s);
    if (!is_early || pool_total(p) >= p->settings.min || now < p->min_pause_until_ms)
        return;
    bool is_again = now - p->min_pause_until_ms < BACK_OFF_MAX_MS;
    p->min_pause_ms = longer_pause(is_again ? p->min_pause_ms : 0);
    p->min_pause_until_ms = now + p->min_pause_ms;
}

static void close_server(pool *p, pool_server *s)
{
    bool is_old = es_clock_mono_ms() >= s->retire_ms;
    proxy_stats_pin(p->stats, s->is_retired ? PROXY_PIN_ADMIN
                              : is_old      ? PROXY_PIN_AGE
                                            : PROXY_PIN_IDLE);
    forget(s);
    p->set->hooks->close(p->set->ctx, s);
}

static void begin_reset(pool *p, pool_server *s)
{
    pool_move_server(s, POOL_SERVER_RESETTING);
    p->set->hooks->reset(p->set->ctx, s);
}

/* How many are looked at before they are lent, since `from_ms` or later. */
static uint32_t checked(const pool *p, int64_t from_ms)
{
    uint32_t n = 0;
    for (const pool_server *s = p->servers[POOL_SERVER_RESETTING].first; s != NULL; s = s->next)
        n += s->is_checked && s->checked_ms >= from_ms;
    return n;
}

/* Who returned last is lent first: the others can age. NULL: none is at rest and fit. */
static pool_server *take_idle(pool *p, int64_t now)
{
    pool_server *s;
    while ((s = p->servers[POOL_SERVER_IDLE].first) != NULL) {
        if (is_over_age(s, now)) {
            close_server(p, s);
            continue;
        }
        if (p->settings.check_after_ms == 0 || now - s->since_ms < p->settings.check_after_ms)
            return s;
        if (checked(p, 0) >= p->waiters[POOL_WANT_SERVER].count)
            return NULL; /* enough of them are looked at */
        s->is_checked = true;
        s->checked_ms = now;
        begin_reset(p, s);
    }
    return NULL;
}

static void lend(pool *p, pool_server *s, int64_t now)
{
    pool_waiter *w = p->waiters[POOL_WANT_SERVER].first;
    pool_queue_remove(w);
    proxy_stats_count(p->stats, PROXY_COUNT_LENT, 1);
    if (w->has_waited)
        proxy_stats_time(p->stats, PROXY_TIME_WAIT, (now - w->since_ms) * 1000);
    pool_move_server(s, POOL_SERVER_LENT);
    s->was_lent = true;
    s->since_ms = now;
    p->set->hooks->lend(p->set->ctx, w, s);
}

static void fail_all(pool *p, pool_want want, const entrasql_error *why)
{
    pool_waiter *w;
    while ((w = p->waiters[want].first) != NULL) {
        pool_queue_remove(w);
        p->set->hooks->fail(p->set->ctx, w, why);
    }
}

/* The login failed: who has nothing else to hope for is told. */
static void login_failed(pool *p, const entrasql_error *why)
{
    int64_t now = es_clock_mono_ms();
    if (p->why == NULL)
        p->why = es_malloc(sizeof *p->why);
    if (p->why != NULL)
        *p->why = *why;
    if (!pool_is_backing_off(p, now))
        p->back_off_ms = longer_pause(p->back_off_ms);
    p->back_off_until_ms = now + p->back_off_ms;
    if (p->servers[POOL_SERVER_OPENING].count == 0)
        fail_all(p, POOL_WANT_ANSWER, why);
    if (pool_total(p) == 0)
        fail_all(p, POOL_WANT_SERVER, why);
}

static uint32_t limit_of(const pool *p, int64_t now)
{
    const pool_waiter *oldest = p->waiters[POOL_WANT_SERVER].first;
    if (oldest != NULL && now - oldest->since_ms >= p->settings.reserve_after_ms)
        return p->settings.size + p->settings.reserve;
    return p->settings.size;
}

/*
 * How many more connections would be used at once, or are kept in store. One that is reset after
 * its client does not count as coming: with a server that is far away, who comes next would wait
 * a round trip for it each time, and two connections would never take turns. Nor does one that is
 * looked at and does not answer: after a silent failover none ever will.
 */
static uint32_t missing(const pool *p, int64_t now)
{
    uint32_t coming =
        p->servers[POOL_SERVER_OPENING].count + checked(p, now - POOL_CHECK_HOPE_MS + 1);
    uint32_t wanted = p->waiters[POOL_WANT_SERVER].count;
    uint32_t all = pool_total(p);
    uint32_t limit = p->set->is_closed ? 0 : limit_of(p, now);
    if (wanted == 0 && p->waiters[POOL_WANT_ANSWER].count > 0)
        wanted = p->servers[POOL_SERVER_OPENING].count == 0 ? coming + 1 : 0;
    uint32_t n = wanted > coming ? wanted - coming : 0;
    bool is_kept = p->holders > 0 || now - p->used_ms < POOL_KEEP_MS;
    if (all + n < p->settings.min && is_kept && now >= p->min_pause_until_ms)
        n = p->settings.min - all;
    if (all >= limit)
        return 0;
    return n < limit - all ? n : limit - all;
}

/* Of a pool of the same target that can spare one: the connection that was idle longest. */
static pool_server *find_spare(const pool *p)
{
    pool_server *found = NULL;
    for (const pool *q = p->set->first; q != NULL; q = q->next) {
        pool_server *s = q->servers[POOL_SERVER_IDLE].last;
        if (q == p || !es_streq(q->target, p->target) || s == NULL ||
            pool_total(q) <= q->settings.min)
            continue;
        if (found == NULL || s->since_ms < found->since_ms)
            found = s;
    }
    return found;
}

static uint32_t total_in_target(const pool *p)
{
    uint32_t all = 0;
    for (const pool *q = p->set->first; q != NULL; q = q->next)
        all += es_streq(q->target, p->target) ? pool_total(q) : 0;
    return all;
}

/* Whether the target may have one connection more; if need be another pool gives one up. */
static bool has_room_in_target(const pool *p)
{
    if (p->settings.max == 0 || total_in_target(p) < p->settings.max)
        return true;
    pool_server *spare = find_spare(p);
    if (spare == NULL)
        return false;
    close_server(spare->owner, spare);
    return true;
}

static void open_missing(pool *p, int64_t now)
{
    if (pool_is_backing_off(p, now))
        return;
    for (uint32_t n = missing(p, now); n > 0 && has_room_in_target(p); n--) {
        entrasql_error why;
        pool_server *s = NULL;
        if (p->set->hooks->open(p->set->ctx, p, &s, &why) != ENTRASQL_OK) {
            login_failed(p, &why);
            return;
        }
        *s = (pool_server){.state = POOL_SERVER_OPENING,
                           .opened_ms = now,
                           .since_ms = now,
                           .retire_ms = ES_NO_DEADLINE};
        if (p->settings.jitter_percent > 0)
            s->jitter_percent = (uint8_t)es_random_below(p->settings.jitter_percent + 1U);
        pool_add_server(p, s);
    }
}

/* When the first in its queue came, be it for a connection or a login; ES_NO_DEADLINE: nobody. */
static int64_t first_came_ms(const pool *p)
{
    int64_t since_ms = ES_NO_DEADLINE;
    for (unsigned i = 0; i < POOL_WANTS; i++) {
        const pool_waiter *w = p->waiters[i].first;
        if (w != NULL && w->since_ms < since_ms)
            since_ms = w->since_ms;
    }
    return since_ms;
}

/*
 * Where the limit `max` of their target holds pools up, one that is never without work would keep
 * its connections for ever. The pool whose turn it is before p's: its first client came before all
 * that wait for p, and it has no connection to hope for, or has waited as long as one that the
 * reserve is for. (A connection of another pool's stead costs a login: who has some does not take
 * turns.) NULL: none.
 */
static pool *find_starved(const pool *p, int64_t now)
{
    pool *found = NULL;
    int64_t came_ms = first_came_ms(p);
    for (pool *q = p->settings.max != 0 ? p->set->first : NULL; q != NULL; q = q->next) {
        int64_t since_ms = first_came_ms(q);
        if (q == p || since_ms >= came_ms || q->is_paused || pool_is_backing_off(q, now) ||
            !es_streq(q->target, p->target) || missing(q, now) == 0)
            continue;
        if (pool_total(q) > 0 && now - since_ms < q->settings.reserve_after_ms)
            continue;
        found = q;
        came_ms = since_ms;
    }
    return found;
}

/* Whether a connection of p that is nobody's now is worth more to another pool. */
static bool gives_way(const pool *p, int64_t now)
{
    return p->settings.max != 0 && total_in_target(p) >= p->settings.max &&
           find_starved(p, now) != NULL;
}

static void serve(pool *p)
{
    int64_t now = es_clock_mono_ms();
    if (p->is_paused)
        return;
    while (p->waiters[POOL_WANT_SERVER].first != NULL) {
        pool_server *s = take_idle(p, now);
        if (s == NULL)
            break;
        lend(p, s, now);
    }
    open_missing(p, now);
}

/* After a connection of p's went, or may have gone. */
static void serve_in_turn(pool *p)
{
    pool *first = find_starved(p, es_clock_mono_ms());
    if (first != NULL)
        serve(first);
    serve(p);
}

/* ---- clients ---- */

/* A client that cannot hope for a connection hears the reason now. */
static entrasql_status refuse_during_back_off(const pool *p, entrasql_error *err)
{
    if (!pool_is_backing_off(p, es_clock_mono_ms()) || pool_total(p) > 0)
        return ENTRASQL_OK;
    if (err != NULL)
        *err = *p->why;
    return p->why->status;
}

static entrasql_status join(pool *p, pool_waiter *w, bool first, entrasql_error *err)
{
    p->used_ms = es_clock_mono_ms();
    ES_TRY(refuse_during_back_off(p, err));
    if (w->want == POOL_WANT_ANSWER && p->has_answer)
        return ENTRASQL_OK;
    pool_queue_add(p, w, first);
    serve(p);
    if (w->owner == NULL)
        return ENTRASQL_OK;
    if (w->want == POOL_WANT_SERVER)
        proxy_stats_count(p->stats, PROXY_COUNT_WAITS, 1);
    w->has_waited = true;
    return ENTRASQL_AGAIN;
}

entrasql_status pool_join(pool *p, pool_waiter *w, pool_want want, entrasql_error *err)
{
    *w = (pool_waiter){.want = want, .since_ms = es_clock_mono_ms()};
    return join(p, w, false, err);
}

entrasql_status pool_rejoin(pool *p, pool_waiter *w, int64_t since_ms, entrasql_error *err)
{
    *w = (pool_waiter){.want = POOL_WANT_SERVER, .since_ms = since_ms};
    return join(p, w, true, err);
}

void pool_leave(pool_waiter *w)
{
    if (w->owner != NULL)
        pool_queue_remove(w);
}

/* ---- servers ---- */

static void come_to_rest(pool_server *s, int64_t since_ms)
{
    pool *p = s->owner;
    int64_t now = es_clock_mono_ms();
    if (is_over_age(s, now) || gives_way(p, now)) {
        close_server(p, s);
    } else {
        pool_move_server(s, POOL_SERVER_IDLE);
        s->since_ms = since_ms;
    }
    serve_in_turn(p);
}

static void set_retirement(pool_server *s, int64_t token_expires_ms)
{
    const proxy_pool_settings *set = &s->owner->settings;
    if (set->lifetime_ms != 0)
        s->retire_ms = s->opened_ms + shortened(s, set->lifetime_ms);
    if (token_expires_ms != ES_NO_DEADLINE &&
        token_expires_ms - set->token_margin_ms < s->retire_ms)
        s->retire_ms = token_expires_ms - set->token_margin_ms;
}

/* Without memory for it the next login is answered by another connection's. */
static void record_answer(pool *p, const es_buf *answer)
{
    es_buf_clear(&p->answer);
    p->has_answer = es_buf_add(&p->answer, answer->data, answer->len) == ENTRASQL_OK;
}

void pool_server_opened(pool_server *s, const es_buf *answer, int64_t token_expires_ms)
{
    pool *p = s->owner;
    pool_waiter *w;
    set_retirement(s, token_expires_ms);
    record_answer(p, answer);
    es_free(p->why);
    p->why = NULL;
    p->back_off_ms = 0;
    while (p->has_answer && (w = p->waiters[POOL_WANT_ANSWER].first) != NULL) {
        pool_queue_remove(w);
        p->set->hooks->answer(p->set->ctx, w);
    }
    /* Even one whose token is about to expire serves a client: at its check-in it goes. */
    pool_move_server(s, POOL_SERVER_IDLE);
    s->since_ms = es_clock_mono_ms();
    if (p->waiters[POOL_WANT_SERVER].first != NULL && !p->is_paused)
        lend(p, s, s->since_ms);
    serve(p);
}

/* The database, its elastic pool or its server has no session left. */
static bool is_full(const entrasql_error *why)
{
    return why->number == 10928 || why->number == 10936 || why->number == 17809;
}

/* One of another pool that nobody uses makes room, as often as there is one. */
static bool made_room(const pool *p, const entrasql_error *why)
{
    pool_server *spare = is_full(why) ? find_spare(p) : NULL;
    if (spare != NULL)
        close_server(spare->owner, spare);
    return spare != NULL;
}

void pool_server_failed(pool_server *s, const entrasql_error *why)
{
    pool *p = s->owner;
    pool_forget_server(s);
    if (!made_room(p, why))
        login_failed(p, why);
    serve_in_turn(p);
}

void pool_return(pool_server *s)
{
    pool *p = s->owner;
    int64_t now = es_clock_mono_ms();
    s->is_checked = false;
    if (is_over_age(s, now) || gives_way(p, now))
        close_server(p, s);
    else
        begin_reset(p, s);
    serve_in_turn(p);
}

void pool_return_unused(pool_server *s)
{
    come_to_rest(s, s->since_ms);
}

void pool_server_ready(pool_server *s)
{
    proxy_stats_count(s->owner->stats, PROXY_COUNT_RESETS, 1);
    come_to_rest(s, es_clock_mono_ms());
}

void pool_server_gone(pool_server *s)
{
    pool *p = s->owner;
    forget(s);
    serve_in_turn(p);
}

/* ---- time ---- */

/* Why a client waited in vain, and what ends that. */
static void say_none_free(const pool *p, int64_t now, entrasql_error *why)
{
    double waited_s = (double)p->settings.wait_ms / 1000.0;
    uint32_t all = pool_total(p);
    if (p->is_paused) {
        es_fail(why, ENTRASQL_TIMEOUT, "the entrasql proxy is paused by an administrator");
        es_hint(why, "RESUME in the proxy's database entrasql ends that");
    } else if (all >= limit_of(p, now)) {
        es_fail(why, ENTRASQL_TIMEOUT,
                "no upstream connection became free within %.1f s: all %u of the pool are in use",
                waited_s, all);
        es_hint(why, "raise --pool-size or --pool-wait of the entrasql proxy, or find the sessions "
                     "that keep their connections: SHOW CLIENTS in its database entrasql");
    } else if (p->settings.max != 0 && total_in_target(p) >= p->settings.max) {
        es_fail(why, ENTRASQL_TIMEOUT,
                "no upstream connection became free within %.1f s: the %u of the target are in "
                "use, %u of them in this pool",
                waited_s, total_in_target(p), all);
        es_hint(why, "raise --pool-max or --pool-wait of the entrasql proxy; SHOW POOLS in its "
                     "database entrasql tells who has them");
    } else {
        es_fail(why, ENTRASQL_TIMEOUT,
                "no upstream connection became free within %.1f s: the server did not answer the "
                "proxy in time",
                waited_s);
        es_hint(why, "entrasql doctor looks at the way to the server; --pool-wait of the entrasql "
                     "proxy says how long clients wait");
    }
}

static void time_out_waiters(pool *p, int64_t now)
{
    pool_waiter *w;
    if (p->settings.wait_ms == 0)
        return;
    while ((w = p->waiters[POOL_WANT_SERVER].first) != NULL &&
           now - w->since_ms >= p->settings.wait_ms) {
        entrasql_error why;
        say_none_free(p, now, &why);
        pool_queue_remove(w);
        proxy_stats_count(p->stats, PROXY_COUNT_WAIT_TIMEOUTS, 1);
        p->set->hooks->fail(p->set->ctx, w, &why);
    }
}

static void close_aged(pool *p, int64_t now)
{
    pool_server *next;
    for (pool_server *s = p->servers[POOL_SERVER_IDLE].first; s != NULL; s = next) {
        next = s->next;
        if (is_over_age(s, now) || was_idle_too_long(p, s, now))
            close_server(p, s);
    }
}

void pool_set_tick(pool_set *set)
{
    pool *next;
    int64_t now = es_clock_mono_ms();
    bool sweeps = now - set->swept_ms >= SWEEP_MS;
    if (sweeps)
        set->swept_ms = now;
    for (pool *p = set->first; p != NULL; p = next) {
        next = p->next;
        time_out_waiters(p, now);
        if (sweeps)
            close_aged(p, now);
        serve(p);
        if (sweeps && p->holders == 0 && pool_total(p) == 0 && now - p->used_ms >= POOL_KEEP_MS)
            pool_free(p);
    }
}

int64_t pool_set_deadline_ms(const pool_set *set)
{
    if (set->waiting > 0)
        return es_clock_mono_ms() + SWEEP_WAITING_MS;
    return set->first != NULL ? set->swept_ms + SWEEP_MS : ES_NO_DEADLINE;
}

/* ---- operators ---- */

void pool_pause(pool *p, bool now)
{
    bool was_paused = p->is_paused;
    p->is_paused = now;
    if (was_paused && !now)
        serve(p);
}

static void retire_all(pool *p, const pool_server *but)
{
    for (unsigned i = 0; i < POOL_SERVER_STATES; i++)
        for (pool_server *s = p->servers[i].first; s != NULL; s = s->next)
            s->is_retired = s->is_retired || s != but;
    while (p->servers[POOL_SERVER_IDLE].first != NULL)
        close_server(p, p->servers[POOL_SERVER_IDLE].first);
    serve(p);
}

void pool_server_retire_others(pool_server *s)
{
    retire_all(s->owner, s);
}

void pool_set_reconnect(pool_set *set, pool *only)
{
    for (pool *p = set->first; p != NULL; p = p->next)
        if (only == NULL || p == only)
            retire_all(p, NULL);
}
