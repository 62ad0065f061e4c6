/* SPDX-License-Identifier: MIT */
/* How many may come in. */
#include "proxy/admission.h"

#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/str.h"

/* As many may wait as may be in, and at least so many. */
#define WAITING_MIN 100
#define CROWD_BUCKETS 256U

typedef enum place_kind { PLACE_TARGET, PLACE_LOGIN } place_kind;

/* Kept while somebody is there or waits for it. */
struct proxy_place {
    place_kind kind;
    char *name; /* of a target: its key, which a reload does not change */
    uint32_t in;
    uint32_t limit; /* 0: none */
    size_t refs;
    proxy_place *next;
};

typedef struct queue {
    proxy_ticket *first;
    proxy_ticket *last;
    size_t count;
} queue;

struct proxy_admission {
    uint32_t max_clients;
    uint32_t max_half_open;
    size_t in;
    queue half_open; /* the oldest first */
    queue strangers;
    queue waiting;
    proxy_place *places;
    proxy_crowd *crowds[CROWD_BUCKETS];
    size_t crowd_count; /* that have somebody who is half open */
};

/* Kept while a ticket is of it. */
struct proxy_crowd {
    proxy_source source;
    size_t half_open;
    size_t refs;
    proxy_crowd *next;
};

static void append(queue *q, proxy_ticket *t)
{
    ES_LIST_APPEND(q, t);
    q->count++;
}

static void take_out(queue *q, proxy_ticket *t)
{
    ES_LIST_REMOVE(q, t);
    t->next = t->prev = NULL;
    q->count--;
}

/* ---- places ---- */

static proxy_place *hold_place(proxy_admission *a, place_kind kind, const char *name,
                               uint32_t limit)
{
    proxy_place *p = a->places;
    while (p != NULL && (p->kind != kind || !es_streq(p->name, name)))
        p = p->next;
    if (p == NULL) {
        p = es_calloc(1, sizeof *p);
        char *copy = es_strdup(name);
        if (p == NULL || copy == NULL) {
            es_free(p);
            es_free(copy);
            return NULL;
        }
        *p = (proxy_place){.kind = kind, .name = copy, .next = a->places};
        a->places = p;
    }
    p->limit = limit;
    p->refs++;
    return p;
}

static void release_place(proxy_admission *a, proxy_place *p)
{
    if (p == NULL || --p->refs > 0)
        return;
    proxy_place **at = &a->places;
    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    es_free(p->name);
    es_free(p);
}

static bool has_room(const proxy_place *p)
{
    return p == NULL || p->limit == 0 || p->in < p->limit;
}

/* ---- in and out ---- */

static bool fits(const proxy_admission *a, const proxy_ticket *t)
{
    return a->in < a->max_clients && has_room(t->target) && has_room(t->login);
}

static void let_in(proxy_admission *a, proxy_ticket *t)
{
    t->state = PROXY_TICKET_IN;
    a->in++;
    if (t->stats != NULL)
        proxy_stats_gauge(t->stats, PROXY_GAUGE_ADMITTED, 1);
    if (t->target != NULL)
        t->target->in++;
    if (t->login != NULL)
        t->login->in++;
}

static void let_in_who_fits(proxy_admission *a)
{
    proxy_ticket *next;
    for (proxy_ticket *t = a->waiting.first; t != NULL && a->in < a->max_clients; t = next) {
        next = t->next;
        if (!fits(a, t))
            continue;
        take_out(&a->waiting, t);
        let_in(a, t);
        loop_task_wake(t->task);
    }
}

/* ---- half open ---- */

static proxy_crowd **bucket_of(proxy_admission *a, const proxy_source *source)
{
    unsigned hash = source->kind;
    for (size_t i = 0; i < sizeof source->key; i++)
        hash = hash * 31U + source->key[i];
    return &a->crowds[hash % CROWD_BUCKETS];
}

/* NULL without memory: then it is of nobody's. */
static proxy_crowd *hold_crowd(proxy_admission *a, const proxy_source *source)
{
    proxy_crowd **bucket = bucket_of(a, source);
    proxy_crowd *c = *bucket;
    while (c != NULL && !proxy_source_equal(&c->source, source))
        c = c->next;
    if (c == NULL) {
        c = es_calloc(1, sizeof *c);
        if (c == NULL)
            return NULL;
        *c = (proxy_crowd){.source = *source, .next = *bucket};
        *bucket = c;
    }
    c->refs++;
    return c;
}

static void release_crowd(proxy_admission *a, proxy_crowd *c)
{
    if (c == NULL || --c->refs > 0)
        return;
    proxy_crowd **at = bucket_of(a, &c->source);
    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    es_free(c);
}

static void enter_half_open(proxy_admission *a, proxy_ticket *t)
{
    t->state = PROXY_TICKET_HALF_OPEN;
    append(t->is_stranger ? &a->strangers : &a->half_open, t);
    if (!t->is_stranger && t->crowd != NULL && t->crowd->half_open++ == 0)
        a->crowd_count++;
}

static void leave_half_open(proxy_admission *a, proxy_ticket *t)
{
    take_out(t->is_stranger ? &a->strangers : &a->half_open, t);
    if (!t->is_stranger && t->crowd != NULL && --t->crowd->half_open == 0)
        a->crowd_count--;
    t->state = PROXY_TICKET_NONE;
}

static void evict(proxy_admission *a, proxy_ticket *t)
{
    if (t->state == PROXY_TICKET_HALF_OPEN)
        leave_half_open(a, t);
    else
        take_out(&a->waiting, t);
    t->state = PROXY_TICKET_EVICTED;
    loop_task_wake(t->task);
}

/* With more than max there is always a source that has more than max / sources. */
static proxy_ticket *oldest_of_too_many(const proxy_admission *a)
{
    size_t share = a->max_half_open / (a->crowd_count > 0 ? a->crowd_count : 1);
    proxy_ticket *t = a->half_open.first;
    while (t->next != NULL && t->crowd != NULL && t->crowd->half_open <= share)
        t = t->next;
    return t;
}

static void make_room(proxy_admission *a)
{
    if (a->half_open.count > a->max_half_open)
        evict(a, oldest_of_too_many(a));
    if (a->strangers.count > PROXY_ADMISSION_STRANGERS_MAX)
        evict(a, a->strangers.first);
}

void proxy_admission_arrive(proxy_admission *a, proxy_ticket *t, const proxy_arrival *arrival)
{
    t->task = arrival->task;
    t->stats = arrival->stats;
    t->is_stranger = arrival->source->kind == PROXY_SOURCE_STRANGERS;
    t->crowd = hold_crowd(a, arrival->source);
    enter_half_open(a, t);
    make_room(a);
}

void proxy_admission_send_away(proxy_admission *a)
{
    while (a->half_open.first != NULL)
        evict(a, a->half_open.first);
    while (a->strangers.first != NULL)
        evict(a, a->strangers.first);
    while (a->waiting.first != NULL)
        evict(a, a->waiting.first);
}

/* Which limit it is. */
static entrasql_status say_full(const proxy_admission *a, const proxy_ticket *t,
                                entrasql_status status, entrasql_error *why)
{
    const char *waited = status == ENTRASQL_TIMEOUT ? ", and none left in time" : "";
    if (a->in >= a->max_clients) {
        es_fail(why, status, "the entrasql proxy serves %u clients already, its limit%s",
                a->max_clients, waited);
        es_hint(why, status == ENTRASQL_TIMEOUT
                         ? "raise --max-clients or --queue-timeout (within --login-timeout)"
                         : "raise --max-clients, or let them wait: --when-full queue");
    } else if (!has_room(t->target)) {
        es_fail(why, status,
                "the entrasql proxy serves %u clients of this target already, its limit%s",
                t->target->limit, waited);
        es_hint(why, "raise --max-clients-per-target, or max-clients of the target");
    } else {
        es_fail(why, status,
                "the entrasql proxy serves %u clients of this login name already, its limit%s",
                t->login != NULL ? t->login->limit : 0, waited);
        es_hint(why, "raise --max-clients-per-login, or max-clients of its [login] section");
    }
    return status;
}

static entrasql_status enter_queue(proxy_admission *a, proxy_ticket *t, const proxy_limits *limits,
                                   entrasql_error *why)
{
    size_t most = a->max_clients > WAITING_MIN ? a->max_clients : WAITING_MIN;
    if (!limits->queue || a->waiting.count >= most)
        return say_full(a, t, ENTRASQL_BUSY, why);
    t->state = PROXY_TICKET_WAITING;
    t->deadline_ms = es_clock_deadline(limits->queue_ms);
    append(&a->waiting, t);
    return ENTRASQL_AGAIN;
}

entrasql_status proxy_admission_ask(proxy_admission *a, proxy_ticket *t, const proxy_target *target,
                                    const char *login_name, const proxy_login_rule *rule,
                                    entrasql_error *why)
{
    uint32_t login_limit = rule != NULL ? rule->max_clients : target->config->max_clients_per_login;
    if (t->state == PROXY_TICKET_HALF_OPEN)
        leave_half_open(a, t);
    if (target->limits.max_clients > 0)
        t->target = hold_place(a, PLACE_TARGET, target->key, target->limits.max_clients);
    if (login_limit > 0)
        t->login = hold_place(a, PLACE_LOGIN, login_name, login_limit);
    if ((target->limits.max_clients > 0 && t->target == NULL) ||
        (login_limit > 0 && t->login == NULL))
        return es_nomem(why);
    if (!fits(a, t))
        return enter_queue(a, t, &target->limits, why);
    let_in(a, t);
    return ENTRASQL_OK;
}

entrasql_status proxy_admission_look(proxy_admission *a, proxy_ticket *t, entrasql_error *why)
{
    if (t->state == PROXY_TICKET_IN)
        return ENTRASQL_OK;
    if (t->state == PROXY_TICKET_EVICTED)
        return es_fail(why, ENTRASQL_BUSY, "the entrasql proxy is about to end");
    if (es_clock_mono_ms() < t->deadline_ms)
        return ENTRASQL_AGAIN;
    return say_full(a, t, ENTRASQL_TIMEOUT, why);
}

/* Nothing is left but its crowd. */
static void step_back(proxy_admission *a, proxy_ticket *t)
{
    if (t->state == PROXY_TICKET_HALF_OPEN)
        leave_half_open(a, t);
    if (t->state == PROXY_TICKET_WAITING)
        take_out(&a->waiting, t);
    if (t->state == PROXY_TICKET_IN) {
        a->in--;
        if (t->stats != NULL)
            proxy_stats_gauge(t->stats, PROXY_GAUGE_ADMITTED, -1);
        if (t->target != NULL)
            t->target->in--;
        if (t->login != NULL)
            t->login->in--;
    }
    release_place(a, t->target);
    release_place(a, t->login);
    t->target = t->login = NULL;
    t->state = PROXY_TICKET_NONE;
    let_in_who_fits(a);
}

void proxy_admission_return(proxy_admission *a, proxy_ticket *t)
{
    step_back(a, t);
    enter_half_open(a, t);
    make_room(a);
}

void proxy_admission_leave(proxy_admission *a, proxy_ticket *t)
{
    step_back(a, t);
    release_crowd(a, t->crowd);
    *t = (proxy_ticket){0};
}

/* ---- its life ---- */

entrasql_status proxy_admission_new(proxy_admission **ret, entrasql_error *err)
{
    *ret = es_calloc(1, sizeof **ret);
    return *ret != NULL ? ENTRASQL_OK : es_nomem(err);
}

void proxy_admission_free(proxy_admission *a)
{
    es_free(a);
}

void proxy_admission_set_limits(proxy_admission *a, const proxy_config *config)
{
    a->max_clients = config->max_clients;
    a->max_half_open = config->max_half_open;
    let_in_who_fits(a);
}

size_t proxy_admission_in(const proxy_admission *a)
{
    return a->in;
}

size_t proxy_admission_waiting(const proxy_admission *a)
{
    return a->waiting.count;
}
