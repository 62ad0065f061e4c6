/* SPDX-License-Identifier: MIT */
/* Blocking messages over a stream, and looking out for attention. */
#include "emulator/front/channel.h"

#include "base/clock.h"

#define READ_BYTES ((size_t)16 * 1024)
#define PENDING_MAX_BYTES ((size_t)64 * 1024)
/* A client that has not taken so much yet is slow: wait for it. */
#define QUEUE_HIGH_BYTES ((size_t)256 * 1024)
#define LOOK_EVERY_MS 10

/* ---- any channel ---- */

entrasql_status front_channel_write(front_channel *c, const void *p, size_t n)
{
    return c->of->write(c, p, n);
}

entrasql_status front_channel_flush(front_channel *c)
{
    return c->of->flush(c);
}

bool front_channel_interrupted(void *channel)
{
    front_channel *c = channel;

    return c->of->is_interrupted(c);
}

bool front_channel_take_attention(front_channel *c)
{
    return c->of->take_attention(c);
}

entrasql_status front_channel_stop_reason(const front_channel *c)
{
    return c->gone ? ENTRASQL_CLOSED : ENTRASQL_CANCELLED;
}

/* ---- what both kinds stand on ---- */

entrasql_status front_stream_sleep(const relay_stream *stream, int stop_fd, bool want_read,
                                   int64_t until_ms, bool *ret_stopped, entrasql_error *err)
{
    os_wait w;

    os_wait_init(&w);
    os_wait_until(&w, until_ms);
    ES_TRY(relay_stream_wants(stream, want_read, &w));
    ES_TRY(os_wait_add(&w, stop_fd, POLLIN));
    ES_TRY(os_wait_poll(&w, err));
    for (unsigned i = 0; i < w.count; i++)
        if (w.fds[i].fd == stop_fd && w.fds[i].revents != 0)
            *ret_stopped = true;
    return ENTRASQL_OK;
}

bool front_is_attention(const uint8_t *p, size_t n)
{
    return n >= TDS_PACKET_HEADER_BYTES && p[0] == TDS_PACKET_ATTENTION;
}

/* Anything else is left to fail as a message. */
bool front_is_whole_attention(const uint8_t *p, size_t n)
{
    return front_is_attention(p, n) && p[2] == 0 && p[3] == TDS_PACKET_HEADER_BYTES;
}

/* ---- a connection without MARS ---- */

/* Takes what has arrived, if there is room. AGAIN: nothing. */
static entrasql_status receive(front_wire *w, entrasql_error *err)
{
    uint8_t *room;
    size_t n = 0;
    entrasql_status st;

    if (w->pending.ceiling - w->pending.len < READ_BYTES)
        return ENTRASQL_AGAIN;
    if (es_buf_prepare(&w->pending, READ_BYTES, &room) != ENTRASQL_OK)
        return es_nomem(err);
    st = relay_stream_read(w->stream, room, READ_BYTES, &n, err);
    if (st == ENTRASQL_OK)
        es_buf_commit(&w->pending, n);
    else if (st != ENTRASQL_AGAIN)
        w->channel.gone = true;
    return st;
}

static entrasql_status sleep_for(front_wire *w, bool want_read, int64_t until_ms,
                                 entrasql_error *err)
{
    return front_stream_sleep(w->stream, w->stop_fd, want_read, until_ms, &w->channel.stopped, err);
}

entrasql_status front_wire_read(front_wire *w, tds_assembler *in, entrasql_error *err)
{
    for (;;) {
        size_t used = 0;
        if (w->pending.len != 0) {
            ES_TRY(tds_assembler_feed(in, w->pending.data, w->pending.len, &used, err));
            es_buf_consume(&w->pending, used);
        }
        if (in->complete)
            return ENTRASQL_OK;
        entrasql_status st = relay_stream_flush(w->stream, err);
        if (st != ENTRASQL_OK && st != ENTRASQL_AGAIN)
            return st;
        st = receive(w, err);
        if (st == ENTRASQL_AGAIN)
            st = sleep_for(w, true, ES_NO_DEADLINE, err);
        if (st != ENTRASQL_OK)
            return st;
        if (w->channel.stopped)
            return es_fail(err, ENTRASQL_CANCELLED, "the emulator stops");
    }
}

static bool attention_waits(const front_wire *w)
{
    return front_is_attention(w->pending.data, w->pending.len);
}

static bool take_attention(front_channel *c)
{
    front_wire *w = (front_wire *)c;

    if (!front_is_whole_attention(w->pending.data, w->pending.len))
        return false;
    es_buf_consume(&w->pending, TDS_PACKET_HEADER_BYTES);
    return true;
}

static bool look(front_wire *w)
{
    while (!w->channel.gone && receive(w, NULL) == ENTRASQL_OK)
        continue;
    return w->channel.gone || w->channel.stopped || attention_waits(w);
}

static bool is_interrupted(front_channel *c)
{
    front_wire *w = (front_wire *)c;
    int64_t now = es_clock_mono_ms();

    if (c->gone || c->stopped || attention_waits(w))
        return true;
    if (now < w->next_look_ms)
        return false;
    w->next_look_ms = now + LOOK_EVERY_MS;
    /* Rows that a full socket held back go on their way; a break shows in look(). */
    (void)!relay_stream_flush(w->stream, NULL);
    if (sleep_for(w, false, now, NULL) != ENTRASQL_OK) /* asks only whether the front stops */
        c->gone = true;
    return look(w);
}

static entrasql_status write_wire(front_channel *c, const void *p, size_t n)
{
    front_wire *w = (front_wire *)c;
    entrasql_status st;

    if (c->gone)
        return ENTRASQL_CLOSED;
    st = relay_stream_write(w->stream, p, n, NULL);
    /* A client that reads fast gives up as well: rows alone may never ask. */
    if (st == ENTRASQL_OK && is_interrupted(c))
        return front_channel_stop_reason(c);
    while (st == ENTRASQL_OK && relay_stream_queued(w->stream) > QUEUE_HIGH_BYTES) {
        if (look(w))
            return front_channel_stop_reason(c);
        /* With full hands there is nothing to watch for; otherwise an attention wakes us. */
        st = sleep_for(w, w->pending.ceiling - w->pending.len >= READ_BYTES, ES_NO_DEADLINE, NULL);
        if (st == ENTRASQL_OK)
            st = relay_stream_flush(w->stream, NULL);
        if (st == ENTRASQL_AGAIN)
            st = ENTRASQL_OK;
    }
    if (st != ENTRASQL_OK)
        c->gone = true;
    return st;
}

static entrasql_status flush_wire(front_channel *c)
{
    front_wire *w = (front_wire *)c;
    entrasql_status st = c->gone ? ENTRASQL_CLOSED : relay_stream_flush(w->stream, NULL);

    while (st == ENTRASQL_AGAIN) {
        st = sleep_for(w, false, ES_NO_DEADLINE, NULL);
        if (st == ENTRASQL_OK && c->stopped)
            return ENTRASQL_CANCELLED;
        if (st == ENTRASQL_OK)
            st = relay_stream_flush(w->stream, NULL);
    }
    if (st != ENTRASQL_OK)
        c->gone = true;
    return st;
}

static const front_channel_class wire_class = {
    .write = write_wire,
    .flush = flush_wire,
    .is_interrupted = is_interrupted,
    .take_attention = take_attention,
};

void front_wire_init(front_wire *w, relay_stream *stream, int stop_fd)
{
    *w = (front_wire){.channel = {.of = &wire_class}, .stream = stream, .stop_fd = stop_fd};
    es_buf_init(&w->pending, PENDING_MAX_BYTES);
}

void front_wire_done(front_wire *w)
{
    relay_stream_free(w->stream);
    es_buf_done(&w->pending);
    w->stream = NULL;
}
