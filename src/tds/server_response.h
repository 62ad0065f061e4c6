/* SPDX-License-Identifier: MIT */
/* The tokens of a server's login responses. Part of the server engine. */
#ifndef TDS_SERVER_RESPONSE_H
#define TDS_SERVER_RESPONSE_H

#include "tds/server.h"

/* The response in the order that every client takes; acknowledges FEDAUTH and UTF8_SUPPORT only. */
entrasql_status tds_server_response_add(es_buf *out, const tds_login7 *login,
                                        const tds_server_accept_options *options,
                                        uint32_t packet_size, entrasql_error *err) ES_MUST_USE;
/* A recorded response for this client; *packet_size becomes what the response sets. */
entrasql_status tds_server_replay_add(es_buf *out, const tds_login7 *login, const es_buf *response,
                                      uint32_t *packet_size, entrasql_error *err) ES_MUST_USE;
entrasql_status tds_server_route_add(es_buf *out, const tds_login7 *login, const char *host,
                                     uint16_t port) ES_MUST_USE;

/* ERROR, in the layout of TDS 7.1 for clients that are refused for being that old. */
entrasql_status tds_server_error_add(es_buf *out, uint32_t number, uint8_t state, uint8_t severity,
                                     const char *text, const char *server,
                                     bool old_layout) ES_MUST_USE;
entrasql_status tds_server_error_done_add(es_buf *out, bool old_layout) ES_MUST_USE;
/* ERROR and DONE, in the layout of TDS 4.2 and 5.0. */
entrasql_status tds_server_pre7_refusal_add(es_buf *out, const entrasql_error *why) ES_MUST_USE;
/* Is this LOGIN7 of a client before TDS 7.2? */
bool tds_server_is_old_login(const uint8_t *p, size_t n);

#endif
