/* SPDX-License-Identifier: MIT */
/* Bytes both ways between two streams, with a ceiling and an orderly end. */
#include "relay/pump.h"

#include "base/mem.h"
#include "os/sock.h"

/* Reads of one step and direction; then the other direction has its turn. */
#define TURNS 8
/*
 * A large answer that comes faster than it is asked for would be taken in drops, each with the
 * price of a wake-up. While one gushes, the socket tells of so many bytes at once, or after so
 * long of what is there. Both are small beside what has gone before: an answer begins to gush
 * with so many bytes of which none were waited for long, and stops when a rest brought few.
 */
#define GUSH_LOW_MARK_BYTES ((size_t)96 * 1024)
#define GUSH_REST_US 150
#define GUSH_FROM_BYTES ((size_t)256 * 1024)
#define GUSH_STEP_BYTES ((size_t)16 * 1024)
#define GUSH_ENDS_BELOW_BYTES (GUSH_LOW_MARK_BYTES / 4)

typedef struct direction {
    relay_stream *from;
    relay_stream *to;
    const char *from_name;
    const char *to_name;
    void (*show)(relay_border *b, const void *p, size_t n);
    bool ended;  /* `from` has given its last byte */
    bool closed; /* and `to` was told */
    uint64_t passed;
    uint64_t stretch; /* bytes that came one large step after another */
    bool gushes;
} direction;

struct relay_pump {
    direction up;
    direction down;
    relay_border *border;
    relay_scratch *scratch;
    relay_scratch *own_scratch; /* NULL: it is somebody else's */
    bool keeps_server;
    bool busy; /* a direction had more: TLS may hold bytes that raise no event on the socket */
    bool server_broke;
    uint64_t server_had_sent; /* when the pump began */
    bool server_has_some;     /* of the client's bytes, be they sent or in the stream's queue */
    int64_t linger_until_ms;
};

entrasql_status relay_pump_new(const relay_pump_options *options, relay_pump **ret)
{
    relay_pump *p = es_calloc(1, sizeof *p);
    if (p == NULL)
        return ENTRASQL_NOMEM;
    if (options->scratch == NULL &&
        relay_scratch_new(RELAY_PUMP_SCRATCH_BYTES, &p->own_scratch) != ENTRASQL_OK) {
        es_free(p);
        return ENTRASQL_NOMEM;
    }
    p->up = (direction){.from = options->client,
                        .to = options->server,
                        .from_name = "client",
                        .to_name = "server",
                        .show = relay_border_up};
    p->down = (direction){.from = options->server,
                          .to = options->client,
                          .from_name = "server",
                          .to_name = "client",
                          .show = relay_border_down};
    p->border = options->border;
    p->scratch = options->scratch != NULL ? options->scratch : p->own_scratch;
    relay_stream_use_scratch(options->client, p->scratch);
    relay_stream_use_scratch(options->server, p->scratch);
    p->keeps_server = options->keeps_server;
    p->server_had_sent = relay_stream_sent(options->server);
    p->linger_until_ms = ES_NO_DEADLINE;
    *ret = p;
    return ENTRASQL_OK;
}

static void set_gush(direction *d, bool gushes)
{
    if (gushes != d->gushes)
        os_sock_set_low_mark(relay_stream_fd(d->from), gushes ? GUSH_LOW_MARK_BYTES : 1);
    d->gushes = gushes;
}

void relay_pump_free(relay_pump *p)
{
    if (p == NULL)
        return;
    set_gush(&p->down, false);
    if (p->own_scratch != NULL) {
        relay_stream_use_scratch(p->up.from, NULL);
        relay_stream_use_scratch(p->up.to, NULL);
        relay_scratch_free(p->own_scratch);
    }
    es_free(p);
}

bool relay_pump_server_broke(const relay_pump *p)
{
    return p->server_broke;
}

bool relay_pump_server_took_nothing(const relay_pump *p)
{
    return !p->server_has_some;
}

/* A direction reads only when what it read before has gone out: that bounds what is on the way. */
static bool may_read(const direction *d)
{
    return !d->ended && relay_stream_queued(d->to) == 0;
}

entrasql_status relay_pump_wants(const relay_pump *p, os_wait *w)
{
    ES_TRY(relay_stream_wants(p->up.from, may_read(&p->up), w));
    ES_TRY(relay_stream_wants(p->down.from, may_read(&p->down), w));
    if (p->down.gushes && may_read(&p->down))
        os_wait_until_us(w, es_clock_mono_us() + GUSH_REST_US);
    os_wait_until(w, p->busy ? es_clock_mono_ms() : p->linger_until_ms);
    return ENTRASQL_OK;
}

static entrasql_status blame(relay_pump *p, entrasql_status status, const char *who,
                             entrasql_error *err)
{
    if (status == ENTRASQL_OK || status == ENTRASQL_AGAIN)
        return status;
    p->server_broke = who == p->down.from_name;
    es_error_prefix(err, "%s", who);
    return status;
}

/* The end of one side is passed on, but for a client's to a server that is kept. */
static void pass_on_end(const relay_pump *p, direction *d)
{
    if (d == &p->up && p->keeps_server) {
        d->closed = true;
        return;
    }
    if (!d->closed)
        relay_stream_shutdown(d->to);
    d->closed = relay_stream_queued(d->to) == 0;
}

/* Every byte of a session goes through here. */
static entrasql_status deliver(relay_pump *p, direction *d, size_t n, entrasql_error *err)
{
    bool was_lost = p->border != NULL && p->border->lost;
    d->passed += n;
    if (p->border != NULL)
        d->show(p->border, p->scratch->plain, n);
    /* On a connection that others had before, that may be theirs. */
    if (d == &p->down && p->keeps_server && !was_lost && p->border != NULL && p->border->lost)
        return blame(p,
                     es_fail(err, ENTRASQL_MALFORMED,
                             "it sent an answer that nobody asked for, or what is no packet"),
                     d->from_name, err);
    entrasql_status status = relay_stream_write(d->to, p->scratch->plain, n, err);
    if (d == &p->up) {
        p->server_has_some |=
            status == ENTRASQL_OK || relay_stream_sent(d->to) != p->server_had_sent;
        if (!p->server_has_some &&
            relay_stream_push_back(d->from, p->scratch->plain, n) != ENTRASQL_OK)
            status = es_nomem(err);
    }
    return blame(p, status, d->to_name, err);
}

static bool owes_a_reply(const relay_pump *p)
{
    return p->border != NULL && !p->border->lost && !relay_border_is_idle(p->border);
}

/* AGAIN: nothing more to do now. OK: it may go on. */
static entrasql_status move_once(relay_pump *p, direction *d, entrasql_error *err)
{
    size_t n = 0;
    ES_TRY(blame(p, relay_stream_flush(d->to, err), d->to_name, err));
    if (d->ended) {
        pass_on_end(p, d);
        return ENTRASQL_AGAIN;
    }
    entrasql_status status =
        relay_stream_read(d->from, p->scratch->plain, p->scratch->size, &n, err);
    if (status == ENTRASQL_CLOSED && d == &p->down && owes_a_reply(p))
        status = es_fail(err, ENTRASQL_NETWORK, "it closed the connection in a request");
    if (status == ENTRASQL_CLOSED) {
        d->ended = true;
        p->linger_until_ms = es_clock_deadline(RELAY_PUMP_LINGER_MS);
        return ENTRASQL_OK;
    }
    ES_TRY(blame(p, status, d->from_name, err));
    if (p->linger_until_ms != ES_NO_DEADLINE)
        p->linger_until_ms = es_clock_deadline(RELAY_PUMP_LINGER_MS);
    return deliver(p, d, n, err);
}

static entrasql_status move(relay_pump *p, direction *d, bool *ret_busy, entrasql_error *err)
{
    for (int turn = 0; turn < TURNS; turn++) {
        entrasql_status status = move_once(p, d, err);
        if (status == ENTRASQL_AGAIN)
            return ENTRASQL_OK;
        ES_TRY(status);
        if (!d->ended && relay_stream_is_drained(d->from) && relay_stream_queued(d->to) == 0)
            return ENTRASQL_OK; /* another call would only hear that there is nothing */
    }
    *ret_busy = true;
    return ENTRASQL_OK;
}

void relay_pump_passed(relay_pump *p, uint64_t *ret_from_client, uint64_t *ret_from_server)
{
    *ret_from_client = p->up.passed;
    *ret_from_server = p->down.passed;
    p->up.passed = 0;
    p->down.passed = 0;
}

/* Only within an answer is it known that more comes, and that nobody asks anything meanwhile. */
static void watch_gush(relay_pump *p, uint64_t came)
{
    direction *d = &p->down;
    if (relay_stream_queued(d->to) > 0)
        return; /* held up by the client */
    if (!owes_a_reply(p) || came < (d->gushes ? GUSH_ENDS_BELOW_BYTES : GUSH_STEP_BYTES))
        d->stretch = 0;
    else
        d->stretch += came;
    set_gush(d, d->stretch >= GUSH_FROM_BYTES);
}

/* What the server sent, as far as the client takes it. */
static entrasql_status move_down(relay_pump *p, bool *ret_busy, entrasql_error *err)
{
    uint64_t before = p->down.passed;
    ES_TRY(move(p, &p->down, ret_busy, err));
    watch_gush(p, p->down.passed - before);
    return ENTRASQL_OK;
}

/* A server that takes no more has often said why. */
static void take_last_words(relay_pump *p)
{
    entrasql_error later; /* the first one counts */
    bool busy = false;
    if (p->server_broke && p->server_has_some)
        (void)move_down(p, &busy, &later);
}

entrasql_status relay_pump_step(relay_pump *p, entrasql_error *err)
{
    bool busy = false;
    entrasql_status status = move(p, &p->up, &busy, err);
    if (status != ENTRASQL_OK) {
        take_last_words(p);
        return status;
    }
    if (p->keeps_server && p->up.closed)
        return ENTRASQL_OK;
    ES_TRY(move_down(p, &busy, err));
    if (p->up.closed && p->down.closed)
        return ENTRASQL_OK;
    if (p->linger_until_ms != ES_NO_DEADLINE && es_clock_mono_ms() >= p->linger_until_ms)
        return ENTRASQL_OK;
    p->busy = busy;
    return ENTRASQL_AGAIN;
}
