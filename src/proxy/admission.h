/* SPDX-License-Identifier: MIT */
/*
 * How many may come in: clients in all, of a target, of a login name, and connections whose login
 * is not complete. Who is too many is refused, or waits in fair order: the first in the queue that
 * has room in all its limits goes next.
 *
 *     arrive    a connection is there; when too many have not logged in, one goes: the oldest of
 *               those whose source has more than its share
 *     ask       its login is complete: OK, AGAIN (waits; its task is woken), BUSY
 *     look      what became of who waits
 *     return    it was refused, and is there until it has heard so: as one that arrives
 *     leave     it is over, wherever it stood
 *
 * So who opens connections and says nothing pushes out his own. Users that may not come in whatever
 * they send take nobody's place: they are there to be told so, a few at a time.
 *
 * One thread. Tickets are the callers', and leave before the admission is freed.
 */
#ifndef PROXY_ADMISSION_H
#define PROXY_ADMISSION_H

#include "loop/loop.h"
#include "proxy/config.h"
#include "proxy/source.h"
#include "proxy/stats.h"

/* Of users that may not come in. */
#define PROXY_ADMISSION_STRANGERS_MAX 16

typedef struct proxy_admission proxy_admission;
typedef struct proxy_crowd proxy_crowd; /* the half open of a source */
typedef struct proxy_place proxy_place; /* a target's or login name's count */

typedef enum proxy_ticket_state {
    PROXY_TICKET_NONE,
    PROXY_TICKET_HALF_OPEN,
    PROXY_TICKET_WAITING,
    PROXY_TICKET_IN,
    PROXY_TICKET_EVICTED /* was half open for too long among too many */
} proxy_ticket_state;

typedef struct proxy_ticket { /* zeroed: none */
    struct proxy_ticket *next;
    struct proxy_ticket *prev;
    loop_task *task;
    proxy_stats *stats;
    proxy_crowd *crowd;
    proxy_place *target;
    proxy_place *login;
    int64_t deadline_ms; /* of who waits */
    uint8_t state;
    bool is_stranger;
} proxy_ticket;

typedef struct proxy_arrival {
    loop_task *task;
    proxy_stats *stats; /* counts who is in; NULL: nobody does */
    const proxy_source *source;
} proxy_arrival;

entrasql_status proxy_admission_new(proxy_admission **ret, entrasql_error *err) ES_MUST_USE;
void proxy_admission_free(proxy_admission *a); /* NULL allowed */
/* Those of a configuration; who is in already stays. */
void proxy_admission_set_limits(proxy_admission *a, const proxy_config *config);

void proxy_admission_arrive(proxy_admission *a, proxy_ticket *t, const proxy_arrival *arrival);
void proxy_admission_return(proxy_admission *a, proxy_ticket *t);
/* rule: of the login name, NULL: none. BUSY and TIMEOUT say which setting is the limit. */
entrasql_status proxy_admission_ask(proxy_admission *a, proxy_ticket *t, const proxy_target *target,
                                    const char *login_name, const proxy_login_rule *rule,
                                    entrasql_error *why) ES_MUST_USE;
entrasql_status proxy_admission_look(proxy_admission *a, proxy_ticket *t,
                                     entrasql_error *why) ES_MUST_USE;
void proxy_admission_leave(proxy_admission *a, proxy_ticket *t);

/* The proxy ends: who has not logged in yet need not be waited for. */
void proxy_admission_send_away(proxy_admission *a);

/* Clients that are in, and that wait. */
size_t proxy_admission_in(const proxy_admission *a);
size_t proxy_admission_waiting(const proxy_admission *a);

#endif
