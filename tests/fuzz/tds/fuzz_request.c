/* SPDX-License-Identifier: MIT */
/*
 * Requests: the first byte is the packet type. Parsed, and what parses is built
 * and must parse again; printed in any case.
 */
#include "base/mem.h"
#include "tds/print.h"
#include "tds/request.h"

#include <stdlib.h>

#define VALUE_LIMIT 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Types that we read and never write. */
static bool has_foreign_type(const tds_rpc *rpc)
{
    for (size_t i = 0; i < rpc->call_count; i++)
        for (size_t j = 0; j < rpc->calls[i].param_count; j++)
            if (rpc->calls[i].params[j].type.id == TDS_TYPE_UDT)
                return true;
    return false;
}

static void try_rpc(const uint8_t *p, size_t n)
{
    tds_rpc rpc, again;
    es_buf out = ES_BUF_INIT(1 << 24);

    if (tds_rpc_parse(p, n, VALUE_LIMIT, &rpc, NULL) != ENTRASQL_OK)
        return;
    if (!has_foreign_type(&rpc) && tds_rpc_build(&rpc, &out) == ENTRASQL_OK) {
        if (tds_rpc_parse(out.data, out.len, VALUE_LIMIT, &again, NULL) != ENTRASQL_OK ||
            again.call_count != rpc.call_count)
            abort();
        tds_rpc_done(&again);
    }
    es_buf_done(&out);
    tds_rpc_done(&rpc);
}

static void try_batch(const uint8_t *p, size_t n)
{
    tds_batch batch;
    es_buf out = ES_BUF_INIT(1 << 24);

    if (tds_batch_parse(p, n, &batch, NULL) != ENTRASQL_OK)
        return;
    if (tds_batch_build(batch.text, batch.len, batch.headers.transaction, &out) != ENTRASQL_OK)
        abort();
    es_buf_done(&out);
    tds_batch_done(&batch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    es_buf text = ES_BUF_INIT(1 << 26);
    tds_tm tm;

    if (size == 0)
        return 0;
    if (data[0] == TDS_PACKET_RPC)
        try_rpc(data + 1, size - 1);
    else if (data[0] == TDS_PACKET_BATCH)
        try_batch(data + 1, size - 1);
    else if (data[0] == TDS_PACKET_TM && tds_tm_parse(data + 1, size - 1, &tm, NULL) == ENTRASQL_OK)
        tds_tm_done(&tm);
    if (tds_print_request(data[0], 1, 0, data + 1, size - 1, &text) == ENTRASQL_OK &&
        text.data[text.len - 1] != '\n')
        abort();
    es_buf_done(&text);
    return 0;
}
