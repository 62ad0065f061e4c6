/* SPDX-License-Identifier: MIT */
/* PRELOGIN: building and parsing. */
#include "tds/prelogin.h"

#include "base/reader.h"
#include "base/str.h"

#include <string.h>

#define ENTRY_BYTES 5U
#define OPTIONS_MAX 32U

const char *tds_encryption_name(uint8_t encryption)
{
    switch (encryption & (uint8_t)~TDS_ENCRYPTION_CLIENT_CERT) {
    case TDS_ENCRYPTION_OFF:
        return "OFF";
    case TDS_ENCRYPTION_ON:
        return "ON";
    case TDS_ENCRYPTION_NOT_SUP:
        return "NOT_SUP";
    case TDS_ENCRYPTION_REQ:
        return "REQ";
    default:
        return "unknown";
    }
}

/* ---- building ---- */

/* Entry and data of one option, gathered until the size of the table is known. */
typedef struct draft {
    es_buf table;
    es_buf data;
} draft;

static entrasql_status put_option(draft *d, uint8_t id, const void *p, size_t n)
{
    ES_TRY(es_buf_u8(&d->table, id));
    ES_TRY(es_buf_u16be(&d->table, (uint16_t)d->data.len)); /* moved behind the table later */
    ES_TRY(es_buf_u16be(&d->table, (uint16_t)n));
    return es_buf_add(&d->data, p, n);
}

static entrasql_status put_version(draft *d, const tds_prelogin *p)
{
    const uint8_t bytes[6] = {p->major,
                              p->minor,
                              (uint8_t)(p->build >> 8),
                              (uint8_t)p->build,
                              (uint8_t)(p->subbuild >> 8),
                              (uint8_t)p->subbuild};

    return put_option(d, TDS_PRELOGIN_VERSION, bytes, sizeof bytes);
}

static entrasql_status put_instance(draft *d, const tds_prelogin *p, tds_prelogin_side side)
{
    if (side == TDS_PRELOGIN_ANSWER)
        return put_option(d, TDS_PRELOGIN_INSTANCE, &p->instance_status, 1);
    return put_option(d, TDS_PRELOGIN_INSTANCE, p->instance, strlen(p->instance) + 1);
}

static entrasql_status put_thread_id(draft *d, const tds_prelogin *p)
{
    const uint8_t bytes[4] = {(uint8_t)p->thread_id, (uint8_t)(p->thread_id >> 8),
                              (uint8_t)(p->thread_id >> 16), (uint8_t)(p->thread_id >> 24)};

    return put_option(d, TDS_PRELOGIN_THREADID, bytes, p->thread_id_is_empty ? 0 : sizeof bytes);
}

static entrasql_status put_options(draft *d, const tds_prelogin *p, tds_prelogin_side side)
{
    ES_TRY(put_version(d, p));
    if (p->has_encryption)
        ES_TRY(put_option(d, TDS_PRELOGIN_ENCRYPTION, &p->encryption, 1));
    if (p->has_instance)
        ES_TRY(put_instance(d, p, side));
    if (p->has_thread_id)
        ES_TRY(put_thread_id(d, p));
    if (p->has_mars)
        ES_TRY(put_option(d, TDS_PRELOGIN_MARS, &p->mars, 1));
    if (p->has_trace_id)
        ES_TRY(put_option(d, TDS_PRELOGIN_TRACEID, p->trace_id,
                          p->trace_id_is_empty ? 0 : sizeof p->trace_id));
    if (p->has_fedauth_required)
        ES_TRY(put_option(d, TDS_PRELOGIN_FEDAUTHREQUIRED, &p->fedauth_required, 1));
    if (p->has_nonce)
        ES_TRY(put_option(d, TDS_PRELOGIN_NONCE, p->nonce, sizeof p->nonce));
    return ENTRASQL_OK;
}

static entrasql_status join(draft *d, es_buf *out)
{
    size_t table_bytes = d->table.len + 1;

    for (size_t at = 0; at < d->table.len; at += ENTRY_BYTES) {
        size_t offset = (size_t)d->table.data[at + 1] << 8 | d->table.data[at + 2];
        es_buf_set_u16be(&d->table, at + 1, (uint16_t)(offset + table_bytes));
    }
    ES_TRY(es_buf_reserve(out, table_bytes + d->data.len));
    ES_TRY(es_buf_add(out, d->table.data, d->table.len));
    ES_TRY(es_buf_u8(out, TDS_PRELOGIN_TERMINATOR));
    return es_buf_add(out, d->data.data, d->data.len);
}

entrasql_status tds_prelogin_build(const tds_prelogin *p, tds_prelogin_side side, es_buf *out)
{
    draft d = {.table = ES_BUF_INIT(ENTRY_BYTES * OPTIONS_MAX),
               .data = ES_BUF_INIT(TDS_PRELOGIN_MAX_BYTES)};
    entrasql_status st = put_options(&d, p, side);

    if (st == ENTRASQL_OK)
        st = join(&d, out);
    es_buf_done(&d.table);
    es_buf_done(&d.data);
    return st;
}

/* ---- parsing ---- */

static entrasql_status bad_length(uint8_t id, size_t n, entrasql_error *err)
{
    return es_fail(err, ENTRASQL_MALFORMED, "PRELOGIN option 0x%02x has a length of %zu", id, n);
}

static entrasql_status read_version(es_reader v, tds_prelogin *p, entrasql_error *err)
{
    if (v.left != 6)
        return bad_length(TDS_PRELOGIN_VERSION, v.left, err);
    p->has_version = true;
    ES_TRY(es_reader_u8(&v, &p->major));
    ES_TRY(es_reader_u8(&v, &p->minor));
    ES_TRY(es_reader_u16be(&v, &p->build));
    return es_reader_u16be(&v, &p->subbuild);
}

static entrasql_status read_byte(uint8_t id, es_reader v, bool *has, uint8_t *ret,
                                 entrasql_error *err)
{
    if (v.left != 1)
        return bad_length(id, v.left, err);
    *has = true;
    *ret = *v.at;
    return ENTRASQL_OK;
}

static entrasql_status read_instance(es_reader v, tds_prelogin_side side, tds_prelogin *p,
                                     entrasql_error *err)
{
    const uint8_t *end;

    if (side == TDS_PRELOGIN_ANSWER)
        return read_byte(TDS_PRELOGIN_INSTANCE, v, &p->has_instance, &p->instance_status, err);
    if (v.left > sizeof p->instance)
        return bad_length(TDS_PRELOGIN_INSTANCE, v.left, err);
    end = v.left != 0 ? memchr(v.at, '\0', v.left) : NULL;
    if (end == NULL)
        return es_fail(err, ENTRASQL_MALFORMED, "PRELOGIN instance name has no end");
    p->has_instance = true;
    memcpy(p->instance, v.at, (size_t)(end - v.at) + 1);
    return ENTRASQL_OK;
}

static entrasql_status read_thread_id(es_reader v, tds_prelogin *p, entrasql_error *err)
{
    p->has_thread_id = true;
    p->thread_id_is_empty = v.left == 0;
    if (v.left == 0)
        return ENTRASQL_OK;
    if (v.left != 4)
        return bad_length(TDS_PRELOGIN_THREADID, v.left, err);
    return es_reader_u32le(&v, &p->thread_id);
}

static entrasql_status read_trace_id(es_reader v, tds_prelogin *p, entrasql_error *err)
{
    p->has_trace_id = true;
    p->trace_id_is_empty = v.left == 0;
    if (v.left == 0)
        return ENTRASQL_OK;
    if (v.left != sizeof p->trace_id)
        return bad_length(TDS_PRELOGIN_TRACEID, v.left, err);
    return es_reader_copy(&v, p->trace_id, sizeof p->trace_id);
}

static entrasql_status read_fedauth_required(es_reader v, tds_prelogin *p, entrasql_error *err)
{
    ES_TRY(read_byte(TDS_PRELOGIN_FEDAUTHREQUIRED, v, &p->has_fedauth_required,
                     &p->fedauth_required, err));
    if (p->fedauth_required > 1)
        return es_fail(err, ENTRASQL_MALFORMED, "PRELOGIN FEDAUTHREQUIRED has the value 0x%02x",
                       p->fedauth_required);
    return ENTRASQL_OK;
}

static entrasql_status read_nonce(es_reader v, tds_prelogin *p, entrasql_error *err)
{
    if (v.left != sizeof p->nonce)
        return bad_length(TDS_PRELOGIN_NONCE, v.left, err);
    p->has_nonce = true;
    return es_reader_copy(&v, p->nonce, sizeof p->nonce);
}

static entrasql_status read_option(uint8_t id, es_reader v, tds_prelogin_side side, tds_prelogin *p,
                                   entrasql_error *err)
{
    switch (id) {
    case TDS_PRELOGIN_VERSION:
        return read_version(v, p, err);
    case TDS_PRELOGIN_ENCRYPTION:
        return read_byte(id, v, &p->has_encryption, &p->encryption, err);
    case TDS_PRELOGIN_INSTANCE:
        return read_instance(v, side, p, err);
    case TDS_PRELOGIN_THREADID:
        return read_thread_id(v, p, err);
    case TDS_PRELOGIN_MARS:
        return read_byte(id, v, &p->has_mars, &p->mars, err);
    case TDS_PRELOGIN_TRACEID:
        return read_trace_id(v, p, err);
    case TDS_PRELOGIN_FEDAUTHREQUIRED:
        return read_fedauth_required(v, p, err);
    case TDS_PRELOGIN_NONCE:
        return read_nonce(v, p, err);
    default:
        return ENTRASQL_OK;
    }
}

/* How many bytes the option table takes, its terminator included. */
static entrasql_status table_size(const es_reader *all, size_t *ret, entrasql_error *err)
{
    es_reader r = *all;
    uint8_t id;

    for (size_t i = 0; i <= OPTIONS_MAX; i++) {
        if (es_reader_u8(&r, &id) != ENTRASQL_OK)
            break;
        if (id == TDS_PRELOGIN_TERMINATOR) {
            *ret = all->left - r.left;
            return ENTRASQL_OK;
        }
        if (es_reader_skip(&r, ENTRY_BYTES - 1) != ENTRASQL_OK)
            break;
    }
    return es_fail(err, ENTRASQL_MALFORMED, "PRELOGIN option table has no end");
}

static entrasql_status read_entry(const es_reader *all, es_reader *table, size_t table_bytes,
                                  uint8_t *ret_id, es_reader *ret, entrasql_error *err)
{
    uint16_t offset;
    uint16_t len;

    ES_TRY(es_reader_u8(table, ret_id));
    ES_TRY(es_reader_u16be(table, &offset));
    ES_TRY(es_reader_u16be(table, &len));
    if (len == 0) { /* an offset to nothing means nothing */
        *ret = es_reader_of(all->at, 0);
        return ENTRASQL_OK;
    }
    if (offset < table_bytes || es_reader_slice(all, offset, len, ret) != ENTRASQL_OK)
        return es_fail(err, ENTRASQL_MALFORMED,
                       "PRELOGIN option 0x%02x (offset %u, length %u) lies outside the message",
                       *ret_id, offset, len);
    return ENTRASQL_OK;
}

entrasql_status tds_prelogin_parse(const uint8_t *p, size_t n, tds_prelogin_side side,
                                   tds_prelogin *ret, entrasql_error *err)
{
    es_reader all = es_reader_of(p, n);
    es_reader table;
    tds_prelogin result = {0};
    size_t table_bytes = 0;
    uint32_t seen[8] = {0};

    ES_TRY(table_size(&all, &table_bytes, err));
    ES_TRY(es_reader_slice(&all, 0, table_bytes - 1, &table));
    while (table.left != 0) {
        uint8_t id = 0;
        es_reader v = {0};
        ES_TRY(read_entry(&all, &table, table_bytes, &id, &v, err));
        if (!result.has_version && id != TDS_PRELOGIN_VERSION)
            return es_fail(err, ENTRASQL_MALFORMED, "PRELOGIN does not begin with VERSION");
        if ((seen[id / 32] & 1U << id % 32) != 0)
            return es_fail(err, ENTRASQL_MALFORMED, "PRELOGIN option 0x%02x comes twice", id);
        seen[id / 32] |= 1U << id % 32;
        ES_TRY(read_option(id, v, side, &result, err));
    }
    if (!result.has_version)
        return es_fail(err, ENTRASQL_MALFORMED, "PRELOGIN has no VERSION");
    *ret = result;
    return ENTRASQL_OK;
}
