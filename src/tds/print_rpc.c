/* SPDX-License-Identifier: MIT */
/* RPC requests as text: calls, and parameters with their types and values. */
#include "base/mem.h"
#include "base/reader.h"
#include "base/str.h"
#include "sqltype/convert.h"
#include "sqltype/decimal.h"
#include "tds/print_inner.h"

#include <string.h>

#define VALUE_LIMIT ((size_t)1 << 31)

/* "plp=unk", "plp=10000": what the value told before its chunks; "plp=NULL". */
static entrasql_status print_plp(const tds_param *p, es_buf *out)
{
    es_reader r = es_reader_of(p->raw, p->raw_len);
    uint64_t total;

    if (es_reader_u64le(&r, &total) != ENTRASQL_OK || total == UINT64_MAX)
        return ENTRASQL_OK;
    if (total == UINT64_MAX - 1)
        return es_buf_add_str(out, " plp=unk");
    return es_buf_printf(out, " plp=%llu", (unsigned long long)total);
}

static entrasql_status print_arguments(const tds_type *t, es_buf *out)
{
    switch (t->id) {
    case TDS_TYPE_INTN:
    case TDS_TYPE_BITN:
    case TDS_TYPE_FLTN:
    case TDS_TYPE_MONEYN:
    case TDS_TYPE_DATETIMN:
    case TDS_TYPE_GUID:
        return es_buf_printf(out, "(%u)", t->size);
    case TDS_TYPE_DECIMALN:
    case TDS_TYPE_NUMERICN:
        return es_buf_printf(out, "(%u,%u)", t->type.precision, t->type.scale);
    case TDS_TYPE_TIME:
    case TDS_TYPE_DATETIME2:
    case TDS_TYPE_DATETIMEOFFSET:
        return es_buf_printf(out, "(%u)", t->type.scale);
    case TDS_TYPE_BIGVARCHAR:
    case TDS_TYPE_BIGCHAR:
    case TDS_TYPE_NVARCHAR:
    case TDS_TYPE_NCHAR:
    case TDS_TYPE_BIGVARBINARY:
    case TDS_TYPE_BIGBINARY:
        if (t->type.length == SQLTYPE_MAX)
            return es_buf_add_str(out, "(max)");
        return es_buf_printf(out, "(%u)", t->type.length);
    default:
        return ENTRASQL_OK;
    }
}

static entrasql_status print_type(const tds_param *p, es_buf *out)
{
    ES_TRY(es_buf_add_str(out, tds_type_name(p->type.id)));
    ES_TRY(print_arguments(&p->type, out));
    if (tds_type_has_collation(&p->type)) {
        ES_TRY(es_buf_add_str(out, " coll="));
        ES_TRY(tds_print_hex(p->type.collation, sizeof p->type.collation, out));
    }
    if (p->type.id == TDS_TYPE_TEXT || p->type.id == TDS_TYPE_NTEXT || p->type.id == TDS_TYPE_IMAGE)
        ES_TRY(es_buf_printf(out, " mx=%u", p->type.size));
    if (tds_type_is_plp(&p->type))
        ES_TRY(print_plp(p, out));
    return ENTRASQL_OK;
}

static entrasql_status print_decimal(const sqlvalue *v, es_buf *out)
{
    char text[SQLDECIMAL_TEXT_SIZE];

    (void)sqldecimal_format(v->u.dec, 0, text);
    return es_buf_printf(out, "%se-%u", text, v->type.scale);
}

/* 1.0, not 1: a float is told from an integer. */
static entrasql_status print_float(const sqlvalue *v, es_buf *out)
{
    size_t at = out->len;

    ES_TRY(sqlvalue_print(v, out));
    if (memchr(out->data + at, '.', out->len - at) == NULL &&
        memchr(out->data + at, 'e', out->len - at) == NULL)
        ES_TRY(es_buf_add_str(out, ".0"));
    return ENTRASQL_OK;
}

/* Dates as their bytes: nothing of them is lost or rounded in a record. */
static entrasql_status print_raw(const tds_param *p, es_buf *out)
{
    size_t skip = p->type.id == TDS_TYPE_DATETIME || p->type.id == TDS_TYPE_DATETIME4 ? 0 : 1;

    if (p->raw_len < skip)
        return ENTRASQL_OK;
    return tds_print_hex(p->raw + skip, p->raw_len - skip, out);
}

static bool is_secret_name(const char *name)
{
    static const char *const words[] = {"password", "pwd", "secret", "token"};

    for (; *name != '\0'; name++)
        for (size_t i = 0; i < ES_COUNT_OF(words); i++)
            if (es_strncaseeq(name, words[i], strlen(words[i])))
                return true;
    return false;
}

static entrasql_status print_value(const tds_param *p, es_buf *out)
{
    const sqlvalue *v = &p->value;
    sqltype_id id = v->type.id;
    char guid[ES_GUID_TEXT_SIZE];

    if (v->is_null)
        return es_buf_add_str(out, "NULL");
    if (is_secret_name(p->name))
        return es_buf_add_str(out, "***");
    if (sqltype_is_string(id))
        return tds_print_sql(v->u.s.data, v->u.s.len, out);
    if (sqltype_is_binary(id)) {
        ES_TRY(es_buf_add_str(out, "0x"));
        return tds_print_hex((const uint8_t *)v->u.s.data, v->u.s.len, out);
    }
    if (id == SQLTYPE_DECIMAL || id == SQLTYPE_NUMERIC)
        return print_decimal(v, out);
    if (id == SQLTYPE_REAL || id == SQLTYPE_FLOAT)
        return print_float(v, out);
    if (id == SQLTYPE_UNIQUEIDENTIFIER) {
        es_guid_format(v->u.guid, guid);
        return es_buf_add_str(out, guid);
    }
    if (sqltype_is_datetime(id) && p->type.id != TDS_TYPE_VARIANT)
        return print_raw(p, out);
    return sqlvalue_print(v, out);
}

static entrasql_status print_param(const tds_param *p, es_buf *out)
{
    char name[4 * 128 + 1];

    es_printable(name, sizeof name, p->name, strlen(p->name));
    ES_TRY(es_buf_printf(out, "      %s ", *name != '\0' ? name : "(unnamed)"));
    if ((p->status & TDS_PARAM_OUTPUT) != 0)
        ES_TRY(es_buf_add_str(out, "OUT "));
    if ((p->status & TDS_PARAM_DEFAULT) != 0)
        ES_TRY(es_buf_add_str(out, "DEFAULT "));
    ES_TRY(print_type(p, out));
    ES_TRY(es_buf_add_str(out, " = "));
    ES_TRY(print_value(p, out));
    return es_buf_add_str(out, "\n");
}

static entrasql_status print_call(const tds_rpc *rpc, const tds_call *c, es_buf *out)
{
    if (c->name != NULL) {
        ES_TRY(es_buf_add_str(out, "RPC Name "));
        ES_TRY(tds_print_text(c->name, strlen(c->name), out));
    } else {
        ES_TRY(es_buf_printf(out, "RPC ProcID %u (%s)", c->proc_id, tds_proc_name(c->proc_id)));
    }
    ES_TRY(es_buf_printf(out, " flags=0x%04x ", c->options));
    ES_TRY(tds_print_headers(&rpc->headers, out));
    ES_TRY(es_buf_add_str(out, "\n"));
    for (size_t i = 0; i < c->param_count; i++)
        ES_TRY(print_param(&c->params[i], out));
    if (c->separator != 0)
        ES_TRY(es_buf_printf(out, "       (batchflag 0x%02x)\n", c->separator));
    return ENTRASQL_OK;
}

static entrasql_status print_parsed(const tds_rpc *rpc, es_buf *out)
{
    for (size_t i = 0; i < rpc->call_count; i++) {
        if (i != 0)
            ES_TRY(es_buf_add_str(out, "    "));
        ES_TRY(print_call(rpc, &rpc->calls[i], out));
    }
    return ENTRASQL_OK;
}

entrasql_status tds_print_rpc(const uint8_t *p, size_t n, es_buf *out)
{
    tds_rpc rpc;
    entrasql_error err;
    entrasql_status st = tds_rpc_parse(p, n, VALUE_LIMIT, &rpc, &err);

    if (st == ENTRASQL_NOMEM)
        return st;
    if (st != ENTRASQL_OK)
        return es_buf_printf(out, "RPC [%zu] not decoded: %s\n", n, err.message);
    st = print_parsed(&rpc, out);
    tds_rpc_done(&rpc);
    return st;
}
