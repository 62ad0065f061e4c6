/* SPDX-License-Identifier: MIT */
/* Name to connected socket, the addresses raced with a small head start each. */
#include "relay/dial.h"

#include "base/mem.h"

#include <string.h>

struct relay_dial {
    os_resolve *resolve; /* NULL once the addresses are known */
    os_address addresses[OS_RESOLVE_MAX];
    int fds[OS_RESOLVE_MAX]; /* -1: not started, or failed */
    size_t count;
    size_t next; /* address to start */
    int64_t next_start_ms;
    entrasql_error failure; /* of the latest address that failed */
};

entrasql_status relay_dial_start(const char *host, uint16_t port, relay_dial **ret,
                                 entrasql_error *err)
{
    relay_dial *d = es_calloc(1, sizeof *d);
    if (d == NULL)
        return es_nomem(err);
    for (size_t i = 0; i < OS_RESOLVE_MAX; i++)
        d->fds[i] = -1;
    entrasql_status status = os_resolve_start(host, port, &d->resolve, err);
    if (status != ENTRASQL_OK) {
        es_free(d);
        return status;
    }
    *ret = d;
    return ENTRASQL_OK;
}

void relay_dial_free(relay_dial *d)
{
    if (d == NULL)
        return;
    os_resolve_free(d->resolve);
    for (size_t i = 0; i < OS_RESOLVE_MAX; i++)
        os_sock_close(&d->fds[i]);
    es_free(d);
}

entrasql_status relay_dial_wants(const relay_dial *d, os_wait *w)
{
    if (d->resolve != NULL)
        return os_resolve_wants(d->resolve, w);
    for (size_t i = 0; i < d->next; i++) {
        if (d->fds[i] >= 0)
            ES_TRY(os_wait_add(w, d->fds[i], POLLOUT));
    }
    if (d->next < d->count)
        os_wait_until(w, d->next_start_ms);
    return ENTRASQL_OK;
}

/* Families in turn, beginning with the resolver's first choice (RFC 8305, section 4): a network
   where one of them leads nowhere costs a single stagger. */
static void interleave(os_address *list, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        size_t k = i;
        while (k < count && list[k].storage.ss_family == list[i - 1].storage.ss_family)
            k++;
        if (k == count)
            return;
        os_address other = list[k];
        memmove(&list[i + 1], &list[i], (k - i) * sizeof *list);
        list[i] = other;
    }
}

/* How many attempts are under way; OK in *ret_fd's case when one has got through. */
static bool find_winner(relay_dial *d, size_t *ret_pending, int *ret_fd)
{
    *ret_pending = 0;
    for (size_t i = 0; i < d->next; i++) {
        if (d->fds[i] < 0)
            continue;
        entrasql_status status = os_sock_connect_finish(d->fds[i], &d->addresses[i], &d->failure);
        if (status == ENTRASQL_OK) {
            *ret_fd = d->fds[i];
            d->fds[i] = -1;
            return true;
        }
        if (status == ENTRASQL_AGAIN) {
            ++*ret_pending;
            continue;
        }
        os_sock_close(&d->fds[i]);
    }
    return false;
}

static entrasql_status fail_all(const relay_dial *d, entrasql_error *err)
{
    if (err != NULL)
        *err = d->failure;
    if (d->count > 1)
        es_error_prefix(err, "none of its %zu addresses answered; the last one", d->count);
    es_hint(err,
            "check the server's name and port, its firewall rules, and that outgoing "
            "connections to the port are allowed (Azure SQL: 1433, and 11000 to 11999 where it "
            "redirects)");
    return d->failure.status;
}

entrasql_status relay_dial_step(relay_dial *d, int *ret_fd, entrasql_error *err)
{
    if (d->resolve != NULL) {
        ES_TRY(os_resolve_step(d->resolve, d->addresses, &d->count, err));
        os_resolve_free(d->resolve);
        d->resolve = NULL;
        interleave(d->addresses, d->count);
    }
    for (;;) {
        size_t pending = 0;
        if (find_winner(d, &pending, ret_fd))
            return ENTRASQL_OK;
        if (d->next == d->count)
            return pending > 0 ? ENTRASQL_AGAIN : fail_all(d, err);
        if (pending > 0 && es_clock_mono_ms() < d->next_start_ms)
            return ENTRASQL_AGAIN;
        /* A failure is in d->failure, and the turn goes on to the next address. */
        if (os_sock_connect_start(&d->addresses[d->next], &d->fds[d->next], &d->failure) ==
            ENTRASQL_OK)
            d->next_start_ms = es_clock_deadline(RELAY_DIAL_STAGGER_MS);
        d->next++;
    }
}

const char *relay_dial_activity(const relay_dial *d)
{
    return d->resolve != NULL ? "looking up its address" : "connecting";
}
