/* SPDX-License-Identifier: MIT */
/* Making, copying, freeing and comparing values. */
#include "sqltype/value.h"

#include "base/mem.h"
#include "sqltype/collation.h"
#include "sqltype/decimal.h"

#include <string.h>

sqlvalue sqlvalue_null(sqltype type)
{
    return (sqlvalue){.type = type, .is_null = true};
}

sqlvalue sqlvalue_int(int32_t v)
{
    return (sqlvalue){.type = {.id = SQLTYPE_INT}, .u.i = v};
}

sqlvalue sqlvalue_bigint(int64_t v)
{
    return (sqlvalue){.type = {.id = SQLTYPE_BIGINT}, .u.i = v};
}

sqlvalue sqlvalue_bit(bool v)
{
    return (sqlvalue){.type = {.id = SQLTYPE_BIT}, .u.i = v};
}

sqlvalue sqlvalue_float(double v)
{
    return (sqlvalue){.type = {.id = SQLTYPE_FLOAT}, .u.f = v};
}

sqlvalue sqlvalue_lend(sqltype type, const char *s, size_t n)
{
    sqlvalue v = {.type = type};

    /* The value is read-only as long as it is not `owned`; the field serves both kinds. */
    memcpy(&v.u.s.data, &s, sizeof s);
    v.u.s.len = n;
    return v;
}

/* Lengths of nvarchar count UTF-16 units: a byte of a lead sequence of four gives two. */
static uint32_t count_units(const char *s, size_t n)
{
    size_t units = 0;

    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        if ((c & 0xC0U) != 0x80)
            units += c >= 0xF0 ? 2 : 1;
    }
    return units > 4000 ? SQLTYPE_MAX : units == 0 ? 1 : (uint32_t)units;
}

sqlvalue sqlvalue_nvarchar(const char *s, size_t n)
{
    return sqlvalue_lend(sqltype_string(SQLTYPE_NVARCHAR, count_units(s, n)), s, n);
}

static bool has_bytes(sqltype_id id)
{
    return id != SQLTYPE_ROWVERSION && (sqltype_is_string(id) || sqltype_is_binary(id));
}

entrasql_status sqlvalue_own(sqltype type, const char *s, size_t n, sqlvalue *ret)
{
    char *copy = es_strndup(n != 0 ? s : "", n);

    if (copy == NULL) {
        *ret = sqlvalue_null(type);
        return ENTRASQL_NOMEM;
    }
    *ret = sqlvalue_lend(type, copy, n);
    ret->owned = true;
    return ENTRASQL_OK;
}

entrasql_status sqlvalue_copy(sqlvalue *dst, const sqlvalue *src)
{
    if (!src->is_null && has_bytes(src->type.id))
        return sqlvalue_own(src->type, src->u.s.data, src->u.s.len, dst);
    *dst = *src;
    dst->owned = false;
    return ENTRASQL_OK;
}

void sqlvalue_done(sqlvalue *v)
{
    if (v->owned)
        es_free(v->u.s.data);
    *v = sqlvalue_null(v->type);
}

/* ---- comparison ---- */

static int compare_i64(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

/* Missing bytes count as zeros, as SQL Server has it. */
static int compare_binary(const sqlvalue *a, const sqlvalue *b)
{
    size_t common = a->u.s.len < b->u.s.len ? a->u.s.len : b->u.s.len;
    int order = common != 0 ? memcmp(a->u.s.data, b->u.s.data, common) : 0;

    if (order != 0)
        return order;
    for (size_t i = common; i < a->u.s.len; i++)
        if (a->u.s.data[i] != 0)
            return 1;
    for (size_t i = common; i < b->u.s.len; i++)
        if (b->u.s.data[i] != 0)
            return -1;
    return 0;
}

/* The last group counts first, then the others from the right; bytes as on the wire. */
static int compare_guid(const uint8_t *a, const uint8_t *b)
{
    static const uint8_t order[16] = {10, 11, 12, 13, 14, 15, 8, 9, 6, 7, 4, 5, 0, 1, 2, 3};

    for (size_t i = 0; i < sizeof order; i++) {
        if (a[order[i]] != b[order[i]])
            return a[order[i]] < b[order[i]] ? -1 : 1;
    }
    return 0;
}

int sqlvalue_compare(const sqlvalue *a, const sqlvalue *b)
{
    sqltype_id id = a->type.id;

    if (id == SQLTYPE_DECIMAL || id == SQLTYPE_NUMERIC)
        return sqldecimal_compare(a->u.dec, a->type.scale, b->u.dec, b->type.scale);
    if (id == SQLTYPE_REAL || id == SQLTYPE_FLOAT)
        return (a->u.f > b->u.f) - (a->u.f < b->u.f);
    if (sqltype_is_datetime(id))
        return compare_i64(a->u.ticks, b->u.ticks);
    if (sqltype_is_string(id))
        return sqlcollation_compare(a->u.s.data, a->u.s.len, b->u.s.data, b->u.s.len);
    if (id == SQLTYPE_UNIQUEIDENTIFIER)
        return compare_guid(a->u.guid, b->u.guid);
    if (has_bytes(id))
        return compare_binary(a, b);
    return compare_i64(a->u.i, b->u.i);
}
