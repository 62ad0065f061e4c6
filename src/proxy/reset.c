/* SPDX-License-Identifier: MIT */
/* The requests of a reset. */
#include "proxy/reset.h"

#include "tds/packet.h"
#include "tds/request.h"

#define REQUEST_MAX_BYTES ((size_t)4096)

static const char reset_text[] = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED";

static entrasql_status send_request(relay_border *b, relay_stream *s, uint8_t type, uint8_t status,
                                    es_buf *body, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf packets = ES_BUF_INIT(REQUEST_MAX_BYTES);
    tds_splitter out;
    tds_splitter_init(&out, type, 0, TDS_PACKET_SIZE_MIN);
    out.first_status = status;
    if (tds_splitter_move(&out, body, true, &packets) != ENTRASQL_OK)
        return es_nomem(err);
    relay_border_up(b, packets.data, packets.len);
    return relay_stream_write(s, packets.data, packets.len, err);
}

static entrasql_status send_rollback(relay_border *b, relay_stream *s, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf body = ES_BUF_INIT(REQUEST_MAX_BYTES);
    const tds_tm rollback = {
        .headers = {.has_transaction = true, .transaction = b->descriptor, .outstanding = 1},
        .request = TDS_TM_ROLLBACK,
    };
    if (tds_tm_build(&rollback, &body) != ENTRASQL_OK)
        return es_nomem(err);
    return send_request(b, s, TDS_PACKET_TM, 0, &body, err);
}

static entrasql_status send_reset(relay_border *b, relay_stream *s, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf body = ES_BUF_INIT(REQUEST_MAX_BYTES);
    if (tds_batch_build(reset_text, sizeof reset_text - 1, 0, &body) != ENTRASQL_OK)
        return es_nomem(err);
    relay_border_expect_reset(b);
    return send_request(b, s, TDS_PACKET_BATCH, TDS_STATUS_RESET, &body, err);
}

entrasql_status proxy_reset_send(relay_border *b, relay_stream *s, bool *ret_is_last,
                                 entrasql_error *err)
{
    *ret_is_last = b->transaction == RELAY_TRANSACTION_NONE;
    return *ret_is_last ? send_reset(b, s, err) : send_rollback(b, s, err);
}

entrasql_status proxy_reset_check(const relay_border *b, bool is_last, entrasql_error *err)
{
    relay_pin pin = relay_border_pin(b);
    if (pin != RELAY_PIN_NONE)
        return es_fail(err, ENTRASQL_MALFORMED, "the reset left the session unfit: %s",
                       relay_pin_name(pin));
    if (b->failed)
        return es_fail(err, ENTRASQL_SQL_ERROR, "the server answered the reset with an error");
    if (b->transaction != RELAY_TRANSACTION_NONE)
        return es_fail(err, ENTRASQL_MALFORMED, "a transaction is open after the reset");
    if (is_last && !b->was_reset)
        return es_fail(err, ENTRASQL_MALFORMED, "the server did not acknowledge the reset");
    return ENTRASQL_OK;
}
