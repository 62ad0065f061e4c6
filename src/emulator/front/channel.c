/* SPDX-License-Identifier: MIT */
/* Blocking messages over a stream, and looking out for attention. */
#include "emulator/front/channel.h"

#include "base/clock.h"

#define READ_BYTES ((size_t)16 * 1024)
#define PENDING_MAX_BYTES ((size_t)64 * 1024)
/* A client that has not taken so much yet is slow: wait for it. */
#define QUEUE_HIGH_BYTES ((size_t)256 * 1024)
#define LOOK_EVERY_MS 10

void front_channel_init(front_channel *c, relay_stream *stream, int stop_fd)
{
    *c = (front_channel){.stream = stream, .stop_fd = stop_fd};
    es_buf_init(&c->pending, PENDING_MAX_BYTES);
}

void front_channel_done(front_channel *c)
{
    relay_stream_free(c->stream);
    es_buf_done(&c->pending);
    c->stream = NULL;
}

/* Takes what has arrived, if there is room. AGAIN: nothing. */
static entrasql_status receive(front_channel *c, entrasql_error *err)
{
    uint8_t *room;
    size_t n = 0;
    entrasql_status st;

    if (c->pending.ceiling - c->pending.len < READ_BYTES)
        return ENTRASQL_AGAIN;
    if (es_buf_prepare(&c->pending, READ_BYTES, &room) != ENTRASQL_OK)
        return es_nomem(err);
    st = relay_stream_read(c->stream, room, READ_BYTES, &n, err);
    if (st == ENTRASQL_OK)
        es_buf_commit(&c->pending, n);
    else if (st != ENTRASQL_AGAIN)
        c->gone = true;
    return st;
}

/* Sleeps until the stream can go on, or the front stops. */
static entrasql_status sleep_for(front_channel *c, bool want_read, int64_t until_ms,
                                 entrasql_error *err)
{
    os_wait w;

    os_wait_init(&w);
    os_wait_until(&w, until_ms);
    ES_TRY(relay_stream_wants(c->stream, want_read, &w));
    ES_TRY(os_wait_add(&w, c->stop_fd, POLLIN));
    ES_TRY(os_wait_poll(&w, err));
    for (unsigned i = 0; i < w.count; i++)
        if (w.fds[i].fd == c->stop_fd && w.fds[i].revents != 0)
            c->stopped = true;
    return ENTRASQL_OK;
}

entrasql_status front_channel_read(front_channel *c, tds_assembler *in, entrasql_error *err)
{
    for (;;) {
        size_t used = 0;
        if (c->pending.len != 0) {
            ES_TRY(tds_assembler_feed(in, c->pending.data, c->pending.len, &used, err));
            es_buf_consume(&c->pending, used);
        }
        if (in->complete)
            return ENTRASQL_OK;
        entrasql_status st = relay_stream_flush(c->stream, err);
        if (st != ENTRASQL_OK && st != ENTRASQL_AGAIN)
            return st;
        st = receive(c, err);
        if (st == ENTRASQL_AGAIN)
            st = sleep_for(c, true, ES_NO_DEADLINE, err);
        if (st != ENTRASQL_OK)
            return st;
        if (c->stopped)
            return es_fail(err, ENTRASQL_CANCELLED, "the emulator stops");
    }
}

static bool attention_waits(const front_channel *c)
{
    return c->pending.len >= TDS_PACKET_HEADER_BYTES && c->pending.data[0] == TDS_PACKET_ATTENTION;
}

bool front_channel_take_attention(front_channel *c)
{
    if (!attention_waits(c))
        return false;
    /* Always one packet without a body; anything else is left to fail as a message. */
    if (c->pending.data[2] != 0 || c->pending.data[3] != TDS_PACKET_HEADER_BYTES)
        return false;
    es_buf_consume(&c->pending, TDS_PACKET_HEADER_BYTES);
    return true;
}

static bool look(front_channel *c)
{
    while (!c->gone && receive(c, NULL) == ENTRASQL_OK)
        continue;
    return c->gone || c->stopped || attention_waits(c);
}

bool front_channel_interrupted(void *channel)
{
    front_channel *c = channel;
    int64_t now = es_clock_mono_ms();

    if (c->gone || c->stopped || attention_waits(c))
        return true;
    if (now < c->next_look_ms)
        return false;
    c->next_look_ms = now + LOOK_EVERY_MS;
    /* Rows that a full socket held back go on their way; a break shows in look(). */
    (void)!relay_stream_flush(c->stream, NULL);
    if (sleep_for(c, false, now, NULL) != ENTRASQL_OK) /* asks only whether the front stops */
        c->gone = true;
    return look(c);
}

static entrasql_status stop_reason(const front_channel *c)
{
    return c->gone ? ENTRASQL_CLOSED : ENTRASQL_CANCELLED;
}

entrasql_status front_channel_write(front_channel *c, const void *p, size_t n)
{
    entrasql_status st;

    if (c->gone)
        return ENTRASQL_CLOSED;
    st = relay_stream_write(c->stream, p, n, NULL);
    /* A client that reads fast gives up as well: rows alone may never ask. */
    if (st == ENTRASQL_OK && front_channel_interrupted(c))
        return stop_reason(c);
    while (st == ENTRASQL_OK && relay_stream_queued(c->stream) > QUEUE_HIGH_BYTES) {
        if (look(c))
            return stop_reason(c);
        /* With full hands there is nothing to watch for; otherwise an attention wakes us. */
        st = sleep_for(c, c->pending.ceiling - c->pending.len >= READ_BYTES, ES_NO_DEADLINE, NULL);
        if (st == ENTRASQL_OK)
            st = relay_stream_flush(c->stream, NULL);
        if (st == ENTRASQL_AGAIN)
            st = ENTRASQL_OK;
    }
    if (st != ENTRASQL_OK)
        c->gone = true;
    return st;
}

entrasql_status front_channel_flush(front_channel *c)
{
    entrasql_status st = c->gone ? ENTRASQL_CLOSED : relay_stream_flush(c->stream, NULL);

    while (st == ENTRASQL_AGAIN) {
        st = sleep_for(c, false, ES_NO_DEADLINE, NULL);
        if (st == ENTRASQL_OK && c->stopped)
            return ENTRASQL_CANCELLED;
        if (st == ENTRASQL_OK)
            st = relay_stream_flush(c->stream, NULL);
    }
    if (st != ENTRASQL_OK)
        c->gone = true;
    return st;
}
