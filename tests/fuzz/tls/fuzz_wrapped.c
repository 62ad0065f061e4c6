/* SPDX-License-Identifier: MIT */
/*
 * Foreign bytes in the handshake of both sides, wrapped in PRELOGIN and raw.
 * First byte: bit 0 server, bit 1 raw; second byte: where the rest is cut.
 */
#include "tls/tls.h"

#include "../../unit/tls/certs.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static tls_context *contexts[2];

/* Once: a client that trusts anybody, so that the input gets further, and a server. */
static void set_up(void)
{
    static const certs_spec spec = {"fuzz", "fuzz", NULL, NULL, false, -1, 30, 0};
    tls_client_options options = {.trust_any_certificate = true};
    certs_start();
    certs_make(&spec);
    if (tls_client_context_new(&options, &contexts[0], NULL) != ENTRASQL_OK ||
        tls_server_context_new(certs_file("fuzz", ".pem"), certs_file("fuzz", ".key"), &contexts[1],
                               NULL) != ENTRASQL_OK)
        abort();
    certs_end();
}

static entrasql_status step(tls_conn *c, const uint8_t *p, size_t n)
{
    uint8_t space[256];
    size_t got = 0;
    ES_TRY(tls_conn_feed(c, p, n, NULL));
    ES_TRY(tls_conn_handshake(c, NULL));
    return tls_conn_read(c, space, sizeof space, &got, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (contexts[0] == NULL)
        set_up();
    if (size < 2)
        return 0;
    tls_conn *c = NULL;
    tls_conn_options options = {.server_name = "localhost", .wrap_prelogin = (data[0] & 2) == 0};
    if (tls_conn_new(contexts[data[0] & 1], &options, &c, NULL) != ENTRASQL_OK)
        abort();
    size_t cut = data[1] < size - 2 ? data[1] : size - 2;
    entrasql_status status = step(c, data + 2, cut);
    if (status == ENTRASQL_AGAIN)
        status = step(c, data + 2 + cut, size - 2 - cut);
    /* A stranger cannot get through a handshake with what was recorded elsewhere. */
    if (status == ENTRASQL_OK)
        abort();
    tls_conn_free(c);
    return 0;
}
