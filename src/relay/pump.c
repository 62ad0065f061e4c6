/* SPDX-License-Identifier: MIT */
/* Bytes both ways between two streams, with a ceiling and an orderly end. */
#include "relay/pump.h"

#include "base/mem.h"

/* Reads of one step and direction; then the other direction has its turn. */
#define TURNS 8

typedef struct direction {
    relay_stream *from;
    relay_stream *to;
    const char *from_name;
    const char *to_name;
    bool ended;  /* `from` has given its last byte */
    bool closed; /* and `to` was told */
    uint64_t passed;
} direction;

struct relay_pump {
    relay_stream *client;
    relay_stream *server;
    direction up;
    direction down;
    uint8_t *space; /* RELAY_PUMP_BUFFER_BYTES; nothing stays in it between steps */
    int64_t linger_until_ms;
    bool busy; /* a direction had more: TLS may hold bytes that raise no event on the socket */
};

entrasql_status relay_pump_new(relay_stream *client, relay_stream *server, relay_pump **ret)
{
    relay_pump *p = es_calloc(1, sizeof *p);
    uint8_t *space = es_malloc(RELAY_PUMP_BUFFER_BYTES);
    if (p == NULL || space == NULL) {
        es_free(p);
        es_free(space);
        return ENTRASQL_NOMEM;
    }
    p->client = client;
    p->server = server;
    p->up = (direction){.from = client, .to = server, .from_name = "client", .to_name = "server"};
    p->down = (direction){.from = server, .to = client, .from_name = "server", .to_name = "client"};
    p->space = space;
    p->linger_until_ms = ES_NO_DEADLINE;
    *ret = p;
    return ENTRASQL_OK;
}

void relay_pump_free(relay_pump *p)
{
    if (p == NULL)
        return;
    relay_stream_free(p->client);
    relay_stream_free(p->server);
    es_free_wipe(p->space, RELAY_PUMP_BUFFER_BYTES);
    es_free(p);
}

/* A direction reads only when what it read before has gone out: that bounds what is on the way. */
static bool may_read(const direction *d)
{
    return !d->ended && relay_stream_queued(d->to) == 0;
}

entrasql_status relay_pump_wants(const relay_pump *p, os_wait *w)
{
    ES_TRY(relay_stream_wants(p->client, may_read(&p->up), w));
    ES_TRY(relay_stream_wants(p->server, may_read(&p->down), w));
    os_wait_until(w, p->busy ? es_clock_mono_ms() : p->linger_until_ms);
    return ENTRASQL_OK;
}

static entrasql_status blame(entrasql_status status, const char *who, entrasql_error *err)
{
    if (status != ENTRASQL_OK && status != ENTRASQL_AGAIN)
        es_error_prefix(err, "%s", who);
    return status;
}

/* AGAIN: nothing more to do now. OK: it may go on. */
static entrasql_status move_once(relay_pump *p, direction *d, entrasql_error *err)
{
    size_t n = 0;
    ES_TRY(blame(relay_stream_flush(d->to, err), d->to_name, err));
    if (d->ended) {
        if (!d->closed)
            relay_stream_shutdown(d->to);
        d->closed = relay_stream_queued(d->to) == 0;
        return ENTRASQL_AGAIN;
    }
    entrasql_status status = relay_stream_read(d->from, p->space, RELAY_PUMP_BUFFER_BYTES, &n, err);
    if (status == ENTRASQL_CLOSED) {
        d->ended = true;
        p->linger_until_ms = es_clock_deadline(RELAY_PUMP_LINGER_MS);
        return ENTRASQL_OK;
    }
    ES_TRY(blame(status, d->from_name, err));
    if (p->linger_until_ms != ES_NO_DEADLINE)
        p->linger_until_ms = es_clock_deadline(RELAY_PUMP_LINGER_MS);
    d->passed += n;
    /* Every byte of a session goes through this line. */
    return blame(relay_stream_write(d->to, p->space, n, err), d->to_name, err);
}

static entrasql_status move(relay_pump *p, direction *d, bool *ret_busy, entrasql_error *err)
{
    for (int turn = 0; turn < TURNS; turn++) {
        entrasql_status status = move_once(p, d, err);
        if (status == ENTRASQL_AGAIN)
            return ENTRASQL_OK;
        ES_TRY(status);
    }
    *ret_busy = true;
    return ENTRASQL_OK;
}

void relay_pump_passed(const relay_pump *p, uint64_t *ret_from_client, uint64_t *ret_from_server)
{
    *ret_from_client = p->up.passed;
    *ret_from_server = p->down.passed;
}

entrasql_status relay_pump_step(relay_pump *p, entrasql_error *err)
{
    bool busy = false;
    ES_TRY(move(p, &p->up, &busy, err));
    ES_TRY(move(p, &p->down, &busy, err));
    if (p->up.closed && p->down.closed)
        return ENTRASQL_OK;
    if (p->linger_until_ms != ES_NO_DEADLINE && es_clock_mono_ms() >= p->linger_until_ms)
        return ENTRASQL_OK;
    p->busy = busy;
    return ENTRASQL_AGAIN;
}
