/* SPDX-License-Identifier: MIT */
/* An error in the form of a reply. */
#include "proxy/goodbye.h"

#include "relay/session.h"
#include "tds/packet.h"
#include "tds/token.h"

#define REPLY_MAX_BYTES ((size_t)64 * 1024)
#define FATAL_CLASS 20U

static entrasql_status build(es_buf *out, const entrasql_error *told, const char *server_name)
{
    ES_CLEANUP(es_buf_done) es_buf tokens = ES_BUF_INIT(REPLY_MAX_BYTES);
    ES_TRY(tds_message_add(&tokens, told->number, told->state, FATAL_CLASS, told->message,
                           server_name, "", 1));
    ES_TRY(tds_done_add(&tokens, TDS_TOKEN_DONE, TDS_DONE_ERROR, 0, 0));
    return tds_packets_write(TDS_PACKET_REPLY, 0, TDS_PACKET_SIZE_MIN, tokens.data, tokens.len,
                             out);
}

entrasql_status proxy_goodbye(relay_stream *client, const entrasql_error *why,
                              const char *server_name, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf packets = ES_BUF_INIT(REPLY_MAX_BYTES);
    entrasql_error told;
    relay_refusal_from(why, &told);
    if (build(&packets, &told, server_name) != ENTRASQL_OK)
        return es_nomem(err);
    return relay_stream_write(client, packets.data, packets.len, err);
}
