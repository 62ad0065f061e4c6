/* SPDX-License-Identifier: MIT */
/*
 * Replies: read whole, and in two pieces cut where the first byte says; both
 * must end the same way. Rows are written again with the columns they came with.
 */
#include "base/mem.h"
#include "tds/row.h"

#include <stdlib.h>

#define VALUE_LIMIT 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_again(const tds_event *e)
{
    es_buf out = ES_BUF_INIT(1 << 24);

    if (e->kind == TDS_EVENT_ROW)
        (void)!tds_nbc_row_add(&out, e->columns, e->values, e->count);
    else if (e->kind == TDS_EVENT_COLUMNS && e->count != 0)
        (void)!tds_colmetadata_add(&out, e->columns, e->count);
    es_buf_done(&out);
}

/* Events of a message in the pieces [0, cut) and [cut, n); *ret: how it ended. */
static size_t read_reply(const uint8_t *p, size_t n, size_t cut, entrasql_status *ret)
{
    tds_reply *r;
    tds_event e = {0};
    size_t events = 0;

    if (tds_reply_new(VALUE_LIMIT, &r, NULL) != ENTRASQL_OK)
        abort();
    for (int piece = 0; piece < 2; piece++) {
        size_t from = piece == 0 ? 0 : cut;
        size_t to = piece == 0 ? cut : n;
        if (tds_reply_feed(r, p + from, to - from, piece == 1, NULL) != ENTRASQL_OK)
            abort();
        while ((*ret = tds_reply_next(r, &e, NULL)) == ENTRASQL_OK && e.kind != TDS_EVENT_END) {
            write_again(&e);
            events++;
        }
        if (*ret != ENTRASQL_OK && *ret != ENTRASQL_AGAIN)
            break;
    }
    tds_reply_free(r);
    return events;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    entrasql_status whole;
    entrasql_status cut;

    if (size == 0)
        return 0;
    if (read_reply(data + 1, size - 1, 0, &whole) !=
            read_reply(data + 1, size - 1, data[0] % size, &cut) ||
        whole != cut)
        abort();
    return 0;
}
