/* SPDX-License-Identifier: MIT */
/* ALL_HEADERS, SQL batches and transaction manager requests. */
#include "tds/request.h"

#include "base/mem.h"
#include "base/utf16.h"

#include <string.h>

#define HEADERS_MAX 16U
#define TRANSACTION_HEADER_BYTES 18U

/* ---- ALL_HEADERS ---- */

entrasql_status tds_headers_add(es_buf *out, uint64_t transaction)
{
    ES_TRY(es_buf_u32le(out, 4 + TRANSACTION_HEADER_BYTES));
    ES_TRY(es_buf_u32le(out, TRANSACTION_HEADER_BYTES));
    ES_TRY(es_buf_u16le(out, TDS_HEADER_TRANSACTION));
    ES_TRY(es_buf_u64le(out, transaction));
    return es_buf_u32le(out, 1);
}

static entrasql_status read_header(es_reader *all, tds_headers *h, entrasql_error *err)
{
    uint32_t len;
    uint16_t type;
    es_reader data;

    ES_TRY(es_reader_u32le(all, &len));
    if (len < 6)
        return es_fail(err, ENTRASQL_MALFORMED, "a header of the request has a length of %u", len);
    ES_TRY(es_reader_u16le(all, &type));
    ES_TRY(es_reader_sub(all, len - 6, &data));
    if (type != TDS_HEADER_TRANSACTION)
        return ENTRASQL_OK;
    if (len != TRANSACTION_HEADER_BYTES || h->has_transaction)
        return es_fail(err, ENTRASQL_MALFORMED,
                       "the request has a bad or second transaction descriptor header");
    h->has_transaction = true;
    ES_TRY(es_reader_u64le(&data, &h->transaction));
    return es_reader_u32le(&data, &h->outstanding);
}

entrasql_status tds_headers_read(es_reader *r, tds_headers *ret, entrasql_error *err)
{
    tds_headers h = {0};
    uint32_t total;
    es_reader all;
    entrasql_status st = es_reader_u32le(r, &total);

    if (st == ENTRASQL_OK && total < 4)
        return es_fail(err, ENTRASQL_MALFORMED, "the headers of the request have a length of %u",
                       total);
    if (st == ENTRASQL_OK)
        st = es_reader_sub(r, total - 4, &all);
    for (unsigned i = 0; st == ENTRASQL_OK && all.left != 0; i++) {
        if (i == HEADERS_MAX)
            return es_fail(err, ENTRASQL_LIMIT, "the request has more than %u headers",
                           HEADERS_MAX);
        st = read_header(&all, &h, err);
    }
    if (st == ENTRASQL_TRUNCATED)
        return es_fail(err, st, "the request ends inside its headers");
    if (st == ENTRASQL_OK)
        *ret = h;
    return st;
}

/* ---- SQL batch ---- */

entrasql_status tds_batch_build(const char *text, size_t n, uint64_t transaction, es_buf *out)
{
    ES_TRY(tds_headers_add(out, transaction));
    return es_buf_utf16le(out, text, n, NULL);
}

entrasql_status tds_batch_parse(const uint8_t *p, size_t n, tds_batch *ret, entrasql_error *err)
{
    es_reader r = es_reader_of(p, n);
    es_buf text = ES_BUF_INIT(2 * n + 1); /* UTF-8 takes at most half as much again */
    tds_batch b = {0};
    entrasql_status st;

    ES_TRY(tds_headers_read(&r, &b.headers, err));
    if (r.left % 2 != 0)
        return es_fail(err, ENTRASQL_MALFORMED, "the batch has an odd number of bytes");
    st = es_utf16le_to_utf8(r.at, r.left, &text);
    if (st == ENTRASQL_OK) {
        b.text = es_buf_take(&text, &b.len);
        if (b.text == NULL)
            st = ENTRASQL_NOMEM;
    }
    es_buf_done(&text);
    if (st != ENTRASQL_OK)
        return st == ENTRASQL_NOMEM ? es_nomem(err)
                                    : es_fail(err, st, "the text of the batch is not UTF-16");
    *ret = b;
    return ENTRASQL_OK;
}

void tds_batch_done(tds_batch *b)
{
    es_free(b->text);
    *b = (tds_batch){0};
}

/* ---- transaction manager ---- */

/* A name whose length is told in bytes, or, by tiberius, in characters, where it ends the message.
 */
static entrasql_status read_name(es_reader *r, char **ret, entrasql_error *err)
{
    uint8_t units;
    es_reader text;
    entrasql_status st;

    ES_TRY(es_reader_u8(r, &units));
    size_t bytes = r->left == 2U * units ? 2U * units : units;
    if (bytes % 2 != 0)
        return es_fail(err, ENTRASQL_MALFORMED, "a transaction name has an odd number of bytes");
    ES_TRY(es_reader_sub(r, bytes, &text));
    st = es_utf16le_to_str(text.at, text.left, ret);
    if (st == ENTRASQL_MALFORMED)
        return es_fail(err, st, "a transaction name holds a NUL character");
    return st;
}

static entrasql_status read_begin(es_reader *r, uint8_t *ret_isolation, char **ret_name,
                                  entrasql_error *err)
{
    ES_TRY(es_reader_u8(r, ret_isolation));
    if (*ret_isolation > 5)
        return es_fail(err, ENTRASQL_MALFORMED, "there is no isolation level %u", *ret_isolation);
    return read_name(r, ret_name, err);
}

static entrasql_status read_tm(es_reader *r, tds_tm *t, entrasql_error *err)
{
    uint8_t flags;

    switch (t->request) {
    case TDS_TM_BEGIN:
        return read_begin(r, &t->isolation, &t->name, err);
    case TDS_TM_SAVE:
        return read_name(r, &t->name, err);
    case TDS_TM_COMMIT:
    case TDS_TM_ROLLBACK:
        ES_TRY(read_name(r, &t->name, err));
        ES_TRY(es_reader_u8(r, &flags));
        t->begin_again = (flags & 1) != 0;
        return t->begin_again ? read_begin(r, &t->isolation, &t->begin_name, err) : ENTRASQL_OK;
    case TDS_TM_GET_DTC_ADDRESS:
    case TDS_TM_PROPAGATE:
    case TDS_TM_PROMOTE:
        return es_fail(err, ENTRASQL_UNSUPPORTED, "distributed transactions are not supported");
    default:
        return es_fail(err, ENTRASQL_MALFORMED, "there is no transaction manager request %u",
                       t->request);
    }
}

entrasql_status tds_tm_parse(const uint8_t *p, size_t n, tds_tm *ret, entrasql_error *err)
{
    es_reader r = es_reader_of(p, n);
    tds_tm t = {0};
    entrasql_status st;

    ES_TRY(tds_headers_read(&r, &t.headers, err));
    st = es_reader_u16le(&r, &t.request);
    t.raw = r.at;
    t.raw_len = r.left;
    if (st == ENTRASQL_OK)
        st = read_tm(&r, &t, err);
    if (st == ENTRASQL_TRUNCATED)
        st = es_fail(err, st, "the transaction manager request ends early");
    if (st == ENTRASQL_OK && es_reader_end(&r) != ENTRASQL_OK)
        st = es_fail(err, ENTRASQL_MALFORMED,
                     "the transaction manager request has %zu bytes too many", r.left);
    if (st == ENTRASQL_OK && t.name == NULL)
        t.name = es_strdup("");
    if (st == ENTRASQL_OK && t.begin_name == NULL)
        t.begin_name = es_strdup("");
    if (st == ENTRASQL_OK && (t.name == NULL || t.begin_name == NULL))
        st = ENTRASQL_NOMEM;
    if (st != ENTRASQL_OK) {
        tds_tm_done(&t);
        return st == ENTRASQL_NOMEM ? es_nomem(err) : st;
    }
    *ret = t;
    return ENTRASQL_OK;
}

void tds_tm_done(tds_tm *t)
{
    es_free(t->name);
    es_free(t->begin_name);
    *t = (tds_tm){0};
}

static entrasql_status add_name(es_buf *out, const char *name)
{
    size_t at = out->len;

    ES_TRY(es_buf_u8(out, 0));
    if (name != NULL)
        ES_TRY(es_buf_utf16le(out, name, strlen(name), NULL));
    if (out->len - at - 1 > UINT8_MAX)
        return ENTRASQL_INVALID;
    es_buf_set_u8(out, at, (uint8_t)(out->len - at - 1));
    return ENTRASQL_OK;
}

entrasql_status tds_tm_build(const tds_tm *t, es_buf *out)
{
    ES_TRY(tds_headers_add(out, t->headers.transaction));
    ES_TRY(es_buf_u16le(out, t->request));
    if (t->request == TDS_TM_BEGIN)
        ES_TRY(es_buf_u8(out, t->isolation));
    ES_TRY(add_name(out, t->name));
    if (t->request != TDS_TM_COMMIT && t->request != TDS_TM_ROLLBACK)
        return ENTRASQL_OK;
    ES_TRY(es_buf_u8(out, t->begin_again));
    if (!t->begin_again)
        return ENTRASQL_OK;
    ES_TRY(es_buf_u8(out, t->isolation));
    return add_name(out, t->begin_name);
}
