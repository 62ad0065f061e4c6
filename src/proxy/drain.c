/* SPDX-License-Identifier: MIT */
/* An answer that nobody will read, thrown away. */
#include "proxy/drain.h"

#include "tds/packet.h"

/* Reads of one step; then the loop's other tasks have their turn. */
#define TURNS 8

static entrasql_status send_attention(relay_border *b, relay_stream *s, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf packet = ES_BUF_INIT(TDS_PACKET_HEADER_BYTES);
    if (tds_packets_write(TDS_PACKET_ATTENTION, 0, TDS_PACKET_SIZE_MIN, NULL, 0, &packet) !=
        ENTRASQL_OK)
        return es_nomem(err);
    relay_border_up(b, packet.data, packet.len);
    return relay_stream_write(s, packet.data, packet.len, err);
}

entrasql_status proxy_drain_start(proxy_drain *d, relay_border *b, relay_stream *s,
                                  entrasql_error *err)
{
    *d = (proxy_drain){.deadline_ms = es_clock_deadline(PROXY_DRAIN_MS)};
    return b->attentions > 0 ? ENTRASQL_OK : send_attention(b, s, err);
}

entrasql_status proxy_drain_wants(const proxy_drain *d, const relay_stream *s, os_wait *w)
{
    os_wait_until(w, d->deadline_ms);
    return relay_stream_wants(s, true, w);
}

static entrasql_status read_once(proxy_drain *d, relay_border *b, relay_stream *s,
                                 const relay_scratch *space, entrasql_error *err)
{
    size_t n = 0;
    ES_TRY(relay_stream_read(s, space->plain, space->size, &n, err));
    relay_border_down(b, space->plain, n);
    d->bytes += n;
    if (b->lost)
        return es_fail(err, ENTRASQL_MALFORMED, "the answer could not be followed to its end");
    if (!relay_border_is_idle(b) && d->bytes >= PROXY_DRAIN_BYTES)
        return es_fail(err, ENTRASQL_LIMIT, "more than %llu MiB came after the cancel",
                       (unsigned long long)(PROXY_DRAIN_BYTES >> 20));
    return ENTRASQL_OK;
}

entrasql_status proxy_drain_step(proxy_drain *d, relay_border *b, relay_stream *s,
                                 const relay_scratch *space, entrasql_error *err)
{
    if (es_clock_mono_ms() >= d->deadline_ms)
        return es_fail(err, ENTRASQL_TIMEOUT,
                       "the server did not acknowledge the cancel within %d s",
                       PROXY_DRAIN_MS / 1000);
    entrasql_status sent = relay_stream_flush(s, err);
    if (sent != ENTRASQL_OK && sent != ENTRASQL_AGAIN)
        return sent;
    for (int turn = 0; turn < TURNS; turn++) {
        ES_TRY(read_once(d, b, s, space, err));
        if (relay_border_is_idle(b))
            return ENTRASQL_OK;
    }
    return ENTRASQL_AGAIN;
}
