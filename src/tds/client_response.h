/* SPDX-License-Identifier: MIT */
/*
 * What a client makes of a login response: accepted, routed elsewhere, asked
 * for a token, or refused. Part of the client engine.
 */
#ifndef TDS_CLIENT_RESPONSE_H
#define TDS_CLIENT_RESPONSE_H

#include "tds/fedauth.h"
#include "tds/login7.h"

#define TDS_CLIENT_RESPONSE_MAX_BYTES (256U * 1024U)

typedef struct tds_client_result {
    uint32_t tds_version;
    uint32_t packet_size;
    char *database;     /* owned; NULL: not told */
    char *routing_host; /* owned; NULL: not routed */
    uint16_t routing_port;
    tds_fedauth_info info;
    es_buf response; /* tokens to replay, see tds_client_response() */
} tds_client_result;

typedef enum tds_client_outcome {
    TDS_CLIENT_OUTCOME_ACCEPTED,
    TDS_CLIENT_OUTCOME_ROUTED,
    TDS_CLIENT_OUTCOME_TOKEN_ASKED
} tds_client_outcome;

void tds_client_result_init(tds_client_result *r);
void tds_client_result_done(tds_client_result *r);

/*
 * Reads one whole response to the login *l. may_ask: FEDAUTHINFO is allowed.
 * A refusal is LOGIN_FAILED with the server's number, state, severity, text
 * and a hint; several errors of one response are joined in one text.
 */
entrasql_status tds_client_result_parse(tds_client_result *r, const tds_login7 *l, bool may_ask,
                                        const uint8_t *p, size_t n, tds_client_outcome *ret,
                                        entrasql_error *err) ES_MUST_USE;

#endif
