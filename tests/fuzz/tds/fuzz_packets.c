/* SPDX-License-Identifier: MIT */
/* Packet streams: whatever comes, assembled messages stay within the limit and split back. */
#include "tds/packet.h"

#include <stdlib.h>

#define LIMIT 65536U

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void split_again(const tds_assembler *a)
{
    es_buf wire = ES_BUF_INIT((size_t)LIMIT * 2);

    if (a->body.len > LIMIT)
        abort();
    if (tds_packets_write(a->type, a->spid, 512, a->body.data, a->body.len, &wire) != ENTRASQL_OK)
        abort();
    if (wire.len < a->body.len + TDS_PACKET_HEADER_BYTES)
        abort();
    es_buf_done(&wire);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tds_assembler a;
    size_t used;

    tds_assembler_init(&a, LIMIT, false, TDS_ACCEPT_REQUESTS);
    while (size != 0 && tds_assembler_feed(&a, data, size, &used, NULL) == ENTRASQL_OK) {
        data += used;
        size -= used;
        if (!a.complete)
            break;
        split_again(&a);
        tds_assembler_next(&a);
    }
    tds_assembler_done(&a);
    return 0;
}
