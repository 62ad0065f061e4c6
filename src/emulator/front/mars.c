/* SPDX-License-Identifier: MIT */
/* Many streams of requests on one connection. */
#include "emulator/front/mars.h"

#include "base/clock.h"
#include "base/mem.h"
#include "emulator/front/requests.h"
#include "tds/smp.h"

#include <stdio.h>

#define READ_BYTES ((size_t)16 * 1024)
/* Of one look while a statement runs. */
#define READ_TURNS 16
#define QUEUE_HIGH_BYTES ((size_t)256 * 1024)
#define LOOK_EVERY_MS 10
/* A client that is told of a fatal error has so long to take it. */
#define GOODBYE_MS 2000

typedef struct mars {
    const front_mars_options *o;
    tds_smp *smp;
    bool stopped;
    entrasql_status broke; /* what ended the connection; OK: nothing yet */
    entrasql_error why;
    int64_t next_look_ms;
    int64_t moved_ms; /* when a client last took something */
    uint64_t answered;
} mars;

typedef struct session {
    front_channel channel; /* first */
    mars *mars;
    tds_smp_session *smp;
    front_reply reply;
    front_requests requests;
    uint64_t answered; /* the count when it last had its turn */
} session;

/* ---- the connection ---- */

static void break_off(mars *m, entrasql_status st)
{
    if (m->broke == ENTRASQL_OK)
        m->broke = st;
}

static void write_out(mars *m, es_buf *out)
{
    entrasql_status st = relay_stream_write(m->o->stream, out->data, out->len, &m->why);

    es_buf_clear(out);
    m->moved_ms = es_clock_mono_ms();
    if (st != ENTRASQL_OK)
        break_off(m, st);
}

/* What windows and socket take. */
static void send_out(mars *m)
{
    es_buf *out = tds_smp_output(m->smp);
    entrasql_status st = ENTRASQL_OK;

    if (m->broke != ENTRASQL_OK)
        return;
    st = relay_stream_flush(m->o->stream, &m->why);

    while (m->broke == ENTRASQL_OK && (st == ENTRASQL_OK || st == ENTRASQL_AGAIN) &&
           relay_stream_queued(m->o->stream) <= QUEUE_HIGH_BYTES) {
        if (tds_smp_fill(m->smp, QUEUE_HIGH_BYTES) != ENTRASQL_OK)
            st = es_nomem(&m->why);
        else if (out->len == 0)
            return;
        else
            write_out(m, out);
    }
    if (st != ENTRASQL_OK && st != ENTRASQL_AGAIN)
        break_off(m, st);
}

/* AGAIN: there is nothing. */
static entrasql_status receive(mars *m)
{
    uint8_t space[READ_BYTES];
    size_t n = 0;
    entrasql_status st = relay_stream_read(m->o->stream, space, sizeof space, &n, &m->why);

    if (st == ENTRASQL_OK) {
        st = tds_smp_feed(m->smp, space, n, &m->why);
        es_wipe(space, n); /* SQL text may hold passwords */
    }
    if (st != ENTRASQL_OK && st != ENTRASQL_AGAIN)
        break_off(m, st);
    return st;
}

static void look(mars *m)
{
    for (int i = 0; i < READ_TURNS && m->broke == ENTRASQL_OK; i++)
        if (receive(m) != ENTRASQL_OK)
            break;
    send_out(m);
}

static void sleep_for(mars *m, bool want_read, int64_t until_ms)
{
    entrasql_status st =
        front_stream_sleep(m->o->stream, m->o->stop_fd, want_read, until_ms, &m->stopped, &m->why);
    if (st != ENTRASQL_OK)
        break_off(m, st);
}

/* ---- a session as a channel ---- */

/* A client that ends a session wants no more of what runs there. */
static bool is_cut(session *s)
{
    size_t n = 0;
    const uint8_t *p = tds_smp_received(s->smp, &n);

    s->channel.gone = s->mars->broke != ENTRASQL_OK || tds_smp_is_ended(s->smp);
    s->channel.stopped = s->mars->stopped;
    return s->channel.gone || s->channel.stopped || front_is_attention(p, n);
}

static bool is_interrupted(front_channel *c)
{
    session *s = (session *)c;
    mars *m = s->mars;
    int64_t now = es_clock_mono_ms();

    if (is_cut(s))
        return true;
    if (now < m->next_look_ms)
        return false;
    m->next_look_ms = now + LOOK_EVERY_MS;
    sleep_for(m, false, now); /* asks only whether the front stops */
    look(m);
    return is_cut(s);
}

static bool take_attention(front_channel *c)
{
    session *s = (session *)c;
    size_t n = 0;
    const uint8_t *p = tds_smp_received(s->smp, &n);

    return front_is_whole_attention(p, n) &&
           tds_smp_consume(s->smp, TDS_PACKET_HEADER_BYTES) == ENTRASQL_OK;
}

static bool others_wait(const session *s)
{
    size_t n = 0;

    for (const tds_smp_session *i = tds_smp_first(s->mars->smp); i != NULL; i = tds_smp_next(i)) {
        if (i == s->smp || tds_smp_is_ended(i))
            continue;
        (void)tds_smp_received(i, &n);
        if (n != 0)
            return true;
    }
    return false;
}

static bool is_too_much(const session *s)
{
    return tds_smp_session_held(s->smp) > FRONT_MARS_HELD_BYTES ||
           tds_smp_held(s->mars->smp) > FRONT_MARS_HELD_ALL_BYTES;
}

/* Until its client has read, or shows that it will not. */
static bool wait_for_reader(session *s)
{
    mars *m = s->mars;
    int64_t since_ms = es_clock_mono_ms();

    while (is_too_much(s)) {
        int64_t now = es_clock_mono_ms();
        int64_t moved_ms = m->moved_ms > since_ms ? m->moved_ms : since_ms;
        int64_t give_up_ms = moved_ms + FRONT_MARS_GIVE_UP_MS;
        bool is_stuck = others_wait(s) || tds_smp_held(m->smp) > FRONT_MARS_HELD_ALL_BYTES;
        s->channel.overfull = is_stuck && now >= give_up_ms;
        if (is_cut(s) || s->channel.overfull)
            return false;
        sleep_for(m, true, now < give_up_ms ? give_up_ms : now + FRONT_MARS_GIVE_UP_MS);
        look(m);
    }
    return true;
}

static entrasql_status write_session(front_channel *c, const void *p, size_t n)
{
    session *s = (session *)c;

    if (c->gone)
        return ENTRASQL_CLOSED;
    if (tds_smp_send(s->smp, p, n) != ENTRASQL_OK)
        return ENTRASQL_NOMEM;
    send_out(s->mars);
    /* An error that tells of too much adds little to it. */
    if (is_interrupted(c) || (!c->overfull && !wait_for_reader(s)))
        return front_channel_stop_reason(c);
    return ENTRASQL_OK;
}

/* What the window does not take is held, and sent when it does. */
static entrasql_status flush_session(front_channel *c)
{
    session *s = (session *)c;

    send_out(s->mars);
    (void)is_cut(s);
    return c->gone ? ENTRASQL_CLOSED : ENTRASQL_OK;
}

static const front_channel_class session_class = {
    .write = write_session,
    .flush = flush_session,
    .is_interrupted = is_interrupted,
    .take_attention = take_attention,
};

/* ---- sessions come and go ---- */

static entrasql_status add_session(mars *m, tds_smp_session *smp)
{
    const front_mars_options *o = m->o;
    session *s = es_calloc(1, sizeof *s);

    if (s == NULL)
        return ENTRASQL_NOMEM;
    s->channel.of = &session_class;
    s->mars = m;
    s->smp = smp;
    front_reply_init(&s->reply, &s->channel, o->engine, o->server_name, o->spid, o->packet_size);
    front_requests_init(&s->requests, &s->channel, &s->reply, o->engine, o->record,
                        o->max_request_bytes);
    s->requests.faults = o->faults;
    s->requests.is_mars = true;
    tds_smp_set_data(smp, s);
    return ENTRASQL_OK;
}

static void free_session(session *s)
{
    if (s == NULL)
        return;
    front_requests_cleanup(&s->requests);
    front_reply_cleanup(&s->reply);
    es_free(s);
}

static entrasql_status end_sessions(mars *m)
{
    tds_smp_session *next = NULL;

    for (tds_smp_session *i = tds_smp_first(m->smp); i != NULL; i = next) {
        next = tds_smp_next(i);
        if (!tds_smp_is_ended(i))
            continue;
        free_session(tds_smp_data(i));
        ES_TRY(tds_smp_end(i));
    }
    return ENTRASQL_OK;
}

/* ---- requests ---- */

static entrasql_status assemble(session *s, entrasql_error *err)
{
    tds_assembler *in = &s->requests.in;
    size_t used = 0;

    while (!in->complete) {
        size_t n = 0;
        const uint8_t *p = tds_smp_received(s->smp, &n);
        if (n == 0)
            break;
        ES_TRY(tds_assembler_feed(in, p, n, &used, err));
        if (tds_smp_consume(s->smp, used) != ENTRASQL_OK)
            return es_nomem(err);
    }
    return ENTRASQL_OK;
}

/* What came is put together; *ret is who has a whole request and had its turn longest ago. */
static entrasql_status find_request(mars *m, session **ret, entrasql_error *err)
{
    size_t bytes = 0;

    *ret = NULL;
    for (tds_smp_session *i = tds_smp_first(m->smp); i != NULL; i = tds_smp_next(i)) {
        if (tds_smp_data(i) == NULL && add_session(m, i) != ENTRASQL_OK)
            return es_nomem(err);
        session *s = tds_smp_data(i);
        ES_TRY(assemble(s, err));
        bytes += s->requests.in.body.len;
        if (s->requests.in.complete && (*ret == NULL || s->answered < (*ret)->answered))
            *ret = s;
    }
    if (bytes > m->o->max_request_bytes)
        return es_fail(err, ENTRASQL_LIMIT,
                       "requests of the sessions are larger than the limit of %zu bytes together",
                       m->o->max_request_bytes);
    return ENTRASQL_OK;
}

static entrasql_status answer(mars *m, session *s, entrasql_error *err)
{
    char text[32];

    (void)snprintf(text, sizeof text, "MARS session %u asks", tds_smp_sid(s->smp));
    front_record_note(m->o->record, text);
    s->answered = ++m->answered;
    s->channel.overfull = false;
    engine_session_set_interrupt(m->o->engine, front_channel_interrupted, &s->channel);
    entrasql_status st = front_requests_answer(&s->requests, err);
    engine_session_set_interrupt(m->o->engine, NULL, NULL);
    /* Its client went on without it. */
    if (tds_smp_is_ended(s->smp) && m->broke == ENTRASQL_OK && !m->stopped)
        return ENTRASQL_OK;
    return st;
}

static entrasql_status turn(mars *m, entrasql_error *err)
{
    session *s = NULL;

    if (end_sessions(m) != ENTRASQL_OK)
        return es_nomem(err);
    ES_TRY(find_request(m, &s, err));
    if (s != NULL)
        ES_TRY(answer(m, s, err));
    send_out(m);
    if (s == NULL && m->broke == ENTRASQL_OK && receive(m) == ENTRASQL_AGAIN)
        sleep_for(m, true, ES_NO_DEADLINE);
    if (m->stopped)
        return es_fail(err, ENTRASQL_CANCELLED, "the emulator stops");
    return m->broke;
}

/* An error that ends the connection is still to reach its client. */
static void say_goodbye(mars *m)
{
    int64_t until_ms = es_clock_deadline(GOODBYE_MS);

    while (m->broke == ENTRASQL_OK && !m->stopped && es_clock_mono_ms() < until_ms) {
        look(m);
        if (tds_smp_held(m->smp) == 0 && relay_stream_queued(m->o->stream) == 0)
            break;
        sleep_for(m, true, until_ms);
    }
    if (m->broke == ENTRASQL_OK)
        relay_stream_shutdown(m->o->stream);
}

entrasql_status front_mars_serve(const front_mars_options *options, entrasql_error *err)
{
    const tds_smp_options smp = {.max_sessions = FRONT_MARS_MAX_SESSIONS,
                                 .max_payload = TDS_PACKET_SIZE_MAX};
    mars m = {.o = options};
    entrasql_status st = tds_smp_new(&smp, &m.smp, err);

    if (st != ENTRASQL_OK)
        return st;
    while (st == ENTRASQL_OK)
        st = turn(&m, err);
    if (m.broke != ENTRASQL_OK) {
        st = m.broke;
        if (err != NULL)
            *err = m.why;
    }
    say_goodbye(&m);
    for (tds_smp_session *i = tds_smp_first(m.smp); i != NULL; i = tds_smp_next(i))
        free_session(tds_smp_data(i));
    tds_smp_free(m.smp);
    return st;
}
