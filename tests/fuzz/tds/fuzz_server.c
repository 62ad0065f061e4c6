/* SPDX-License-Identifier: MIT */
/*
 * The server engine against a foreign client. The first byte chooses how the
 * server is set and what it decides; the rest is what the client sends.
 */
#include "tds/server.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static entrasql_status decide(tds_server *s, uint8_t mode, bool may_ask)
{
    tds_server_accept_options accept = {.server_name = "srv", .database = "db"};
    entrasql_error why = {.number = 4060, .message = "no"};

    if (may_ask && tds_server_login(s)->fedauth_library == TDS_FEDAUTH_ADAL)
        return tds_server_ask_token(s, "https://localhost/", "https://database.windows.net/", NULL);
    if ((mode & 0x10U) != 0)
        return tds_server_refuse(s, &why, "srv", NULL);
    if ((mode & 0x20U) != 0)
        return tds_server_route(s, "node", 11000, NULL);
    return tds_server_accept(s, &accept, NULL);
}

static entrasql_status turn(tds_server *s, uint8_t mode, const uint8_t *data, size_t size,
                            size_t *used)
{
    *used = 0;
    switch (tds_server_wants(s)) {
    case TDS_SERVER_WANT_READ:
        return size == 0 ? ENTRASQL_AGAIN : tds_server_feed(s, data, size, used, NULL);
    case TDS_SERVER_WANT_TLS:
        return tds_server_tls_started(s, NULL);
    case TDS_SERVER_WANT_DECISION:
        return decide(s, mode, true);
    case TDS_SERVER_WANT_TOKEN_DECISION:
        return decide(s, mode, false);
    case TDS_SERVER_READY:
    case TDS_SERVER_REFUSED:
    case TDS_SERVER_FAILED:
        break;
    }
    return ENTRASQL_AGAIN;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tds_server *s = NULL;
    size_t at = 1;
    size_t used = 0;

    if (size == 0)
        return 0;
    tds_server_options o = {.tls = (tds_server_tls)(data[0] % 3U),
                            .strict = (data[0] & 0x40U) != 0,
                            .fedauth_required = (data[0] & 0x80U) != 0};
    if (tds_server_new(&o, &s, NULL) != ENTRASQL_OK)
        abort();
    while (turn(s, data[0], data + at, size - at, &used) == ENTRASQL_OK)
        at += used;
    tds_server_free(s);
    return 0;
}
