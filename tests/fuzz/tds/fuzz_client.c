/* SPDX-License-Identifier: MIT */
/*
 * The client engine against a foreign server. The first byte chooses how the
 * client logs in; the rest is what the server sends.
 */
#include "tds/client.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static tds_client *start(uint8_t mode)
{
    tds_login7 l;
    tds_client *c = NULL;
    tds_client_options o = {.login = &l,
                            .server_name = "server",
                            .encrypt = (tds_encrypt)(mode & 3U),
                            .auth = (tds_client_auth)((mode >> 2) % 3U),
                            .allow_clear_password = (mode & 0x80U) != 0};

    if (tds_login7_init(&l) != ENTRASQL_OK ||
        tds_login7_add_feature(&l, TDS_FEATURE_UTF8_SUPPORT, "\x01", 1) != ENTRASQL_OK)
        abort();
    if (tds_client_new(&o, &c, NULL) != ENTRASQL_OK)
        c = NULL;
    tds_login7_done(&l);
    return c;
}

static entrasql_status give(tds_client *c)
{
    es_secret *token = es_secret_from_str("token");
    entrasql_status st = tds_client_give_token(c, token, NULL);

    es_secret_unref(token);
    return st;
}

static entrasql_status turn(tds_client *c, const uint8_t *data, size_t size, size_t *used)
{
    *used = 0;
    switch (tds_client_wants(c)) {
    case TDS_CLIENT_WANT_READ:
        return size == 0 ? ENTRASQL_AGAIN : tds_client_feed(c, data, size, used, NULL);
    case TDS_CLIENT_WANT_TLS:
        return tds_client_tls_started(c, NULL);
    case TDS_CLIENT_WANT_TOKEN:
        return give(c);
    case TDS_CLIENT_WANT_TLS_END:
        es_buf_clear(tds_client_output(c));
        return tds_client_tls_ended(c, NULL);
    case TDS_CLIENT_READY:
    case TDS_CLIENT_ROUTED:
    case TDS_CLIENT_FAILED:
        break;
    }
    return ENTRASQL_AGAIN;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tds_client *c = size != 0 ? start(data[0]) : NULL;
    size_t at = 1;
    size_t used = 0;

    if (c == NULL)
        return 0;
    while (turn(c, data + at, size - at, &used) == ENTRASQL_OK)
        at += used;
    if (tds_client_wants(c) == TDS_CLIENT_WANT_READ && tds_client_eof(c, NULL) != ENTRASQL_CLOSED)
        abort();
    tds_client_free(c);
    return 0;
}
