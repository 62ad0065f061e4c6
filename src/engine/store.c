/* SPDX-License-Identifier: MIT */
/* Values to and from SQLite's storage, and the collations. */
#include "engine/store.h"

#include "sqltype/collation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DECIMAL_BYTES = 17, GUID_BYTES = 16, OFFSET_TICKS = ENGINE_OFFSET_KEY, OFFSET_BYTES = 24 };

/* What SQLite holds, from a column or an argument. */
struct cell {
    int kind; /* SQLITE_INTEGER ... */
    int64_t i;
    double f;
    const void *p;
    size_t n;
};

/* ---- types as integers ---- */

int64_t engine_type_encode(sqltype type)
{
    uint64_t code = (uint64_t)type.length << 24 | (uint64_t)type.scale << 16 |
                    (uint64_t)type.precision << 8 | (uint64_t)type.id;
    return (int64_t)code;
}

sqltype engine_type_decode(int64_t code)
{
    uint64_t bits = (uint64_t)code;
    unsigned id = (unsigned)(bits & 0xFF);
    if (id >= SQLTYPE_COUNT)
        return sqltype_of(SQLTYPE_UNKNOWN);
    return (sqltype){
        .id = (sqltype_id)id,
        .precision = (uint8_t)(bits >> 8),
        .scale = (uint8_t)(bits >> 16),
        .length = (uint32_t)(bits >> 24),
    };
}

/* ---- forms ---- */

typedef enum form {
    FORM_NONE,
    FORM_INTEGER,
    FORM_MONEY,
    FORM_DECIMAL,
    FORM_REAL,
    FORM_TICKS,
    FORM_OFFSET,
    FORM_TEXT,
    FORM_BLOB,
    FORM_GUID
} form;

static form form_of(sqltype_id id)
{
    if (sqltype_is_integer(id) || id == SQLTYPE_ROWVERSION)
        return FORM_INTEGER;
    if (id == SQLTYPE_MONEY || id == SQLTYPE_SMALLMONEY)
        return FORM_MONEY;
    if (id == SQLTYPE_DECIMAL || id == SQLTYPE_NUMERIC)
        return FORM_DECIMAL;
    if (id == SQLTYPE_REAL || id == SQLTYPE_FLOAT)
        return FORM_REAL;
    if (id == SQLTYPE_DATETIMEOFFSET)
        return FORM_OFFSET;
    if (sqltype_is_datetime(id))
        return FORM_TICKS;
    if (sqltype_is_string(id))
        return FORM_TEXT;
    if (sqltype_is_binary(id))
        return FORM_BLOB;
    if (id == SQLTYPE_UNIQUEIDENTIFIER)
        return FORM_GUID;
    return FORM_NONE;
}

static bool grows_integer(sqltype_id from, sqltype_id to)
{
    return from == to ||
           (from != SQLTYPE_BIT && to != SQLTYPE_BIT &&
            sqltype_precedence(to) > sqltype_precedence(from)) ||
           (from == SQLTYPE_BIT && to != SQLTYPE_BIT);
}

static bool same_decimal(sqltype from, sqltype to)
{
    bool small = from.precision <= ENGINE_DECIMAL_INTEGER;
    return from.scale == to.scale && from.precision <= to.precision &&
           small == (to.precision <= ENGINE_DECIMAL_INTEGER);
}

/* Fixed lengths are padded, so only growing texts of variable length stay as they are. */
static bool same_bytes(sqltype from, sqltype to)
{
    bool fixed = to.id == SQLTYPE_CHAR || to.id == SQLTYPE_NCHAR || to.id == SQLTYPE_BINARY;
    if (fixed)
        return from.id == to.id && from.length == to.length;
    if (from.id == SQLTYPE_ROWVERSION || to.id == SQLTYPE_ROWVERSION || from.id == SQLTYPE_XML ||
        to.id == SQLTYPE_XML)
        return from.id == to.id;
    if (sqltype_is_unicode(from.id) && !sqltype_is_unicode(to.id))
        return false;
    return sqltype_is_large(to) || (!sqltype_is_large(from) && from.length <= to.length);
}

bool engine_store_same(sqltype from, sqltype to)
{
    if (sqltype_equal(from, to))
        return true;
    form f = form_of(from.id);
    if (f != form_of(to.id))
        return false;
    switch ((int)f) {
    case FORM_INTEGER:
        return from.id != SQLTYPE_ROWVERSION && to.id != SQLTYPE_ROWVERSION &&
               grows_integer(from.id, to.id);
    case FORM_MONEY:
        return from.id == SQLTYPE_SMALLMONEY;
    case FORM_DECIMAL:
        return same_decimal(from, to);
    case FORM_REAL:
        return to.id == SQLTYPE_FLOAT;
    case FORM_TICKS:
        if (from.id == SQLTYPE_DATE)
            return to.id == SQLTYPE_DATETIME2;
        return from.id == to.id && from.scale <= to.scale;
    case FORM_OFFSET:
        return from.scale <= to.scale;
    case FORM_TEXT:
    case FORM_BLOB:
        return same_bytes(from, to);
    default:
        return false;
    }
}

const char *engine_store_collation(sqltype type)
{
    if (sqltype_is_string(type.id))
        return ENGINE_COLLATION_TEXT;
    return type.id == SQLTYPE_DATETIMEOFFSET ? ENGINE_COLLATION_OFFSET : NULL;
}

/* ---- to SQLite ---- */

static void put_decimal(sqldecimal d, uint8_t dst[DECIMAL_BYTES])
{
    sqltype_u128 bits = d.negative ? ~d.magnitude : d.magnitude;
    dst[0] = d.negative ? 0 : 1;
    for (int i = DECIMAL_BYTES - 1; i > 0; i--) {
        dst[i] = (uint8_t)bits;
        bits >>= 8;
    }
}

static const uint8_t guid_order[GUID_BYTES] = {10, 11, 12, 13, 14, 15, 8, 9,
                                               6,  7,  4,  5,  0,  1,  2, 3};

static void put_guid(const uint8_t guid[GUID_BYTES], uint8_t dst[GUID_BYTES])
{
    for (size_t i = 0; i < GUID_BYTES; i++)
        dst[i] = guid[guid_order[i]];
}

/* The cell of a value that is not NULL; `scratch` is the memory of the composed forms. */
static struct cell to_cell(const sqlvalue *v, uint8_t scratch[32])
{
    struct cell c = {.kind = SQLITE_NULL};
    switch ((int)form_of(v->type.id)) {
    case FORM_INTEGER:
    case FORM_MONEY:
        return (struct cell){.kind = SQLITE_INTEGER, .i = v->u.i};
    case FORM_DECIMAL:
        if (v->type.precision <= ENGINE_DECIMAL_INTEGER) {
            int64_t i = (int64_t)v->u.dec.magnitude;
            return (struct cell){.kind = SQLITE_INTEGER, .i = v->u.dec.negative ? -i : i};
        }
        put_decimal(v->u.dec, scratch);
        return (struct cell){.kind = SQLITE_BLOB, .p = scratch, .n = DECIMAL_BYTES};
    case FORM_REAL:
        return (struct cell){.kind = SQLITE_FLOAT, .f = v->u.f};
    case FORM_TICKS:
        return (struct cell){.kind = SQLITE_INTEGER, .i = v->u.ticks};
    case FORM_OFFSET:
        snprintf((char *)scratch, 32, "%019lld%+05d", (long long)v->u.ticks,
                 (int)v->offset_minutes);
        return (struct cell){.kind = SQLITE_TEXT, .p = scratch, .n = OFFSET_BYTES};
    case FORM_TEXT:
        return (struct cell){.kind = SQLITE_TEXT, .p = v->u.s.data, .n = v->u.s.len};
    case FORM_BLOB:
        return (struct cell){.kind = SQLITE_BLOB, .p = v->u.s.data, .n = v->u.s.len};
    case FORM_GUID:
        put_guid(v->u.guid, scratch);
        return (struct cell){.kind = SQLITE_BLOB, .p = scratch, .n = GUID_BYTES};
    default:
        return c;
    }
}

entrasql_status engine_store_bind(sqlite3_stmt *stmt, int index, const sqlvalue *v)
{
    uint8_t scratch[32];
    int rc = SQLITE_OK;
    struct cell c = {.kind = SQLITE_NULL};
    if (!v->is_null)
        c = to_cell(v, scratch);
    switch (c.kind) {
    case SQLITE_INTEGER:
        rc = sqlite3_bind_int64(stmt, index, c.i);
        break;
    case SQLITE_FLOAT:
        rc = sqlite3_bind_double(stmt, index, c.f);
        break;
    case SQLITE_TEXT:
        rc = sqlite3_bind_text64(stmt, index, c.n != 0 ? c.p : "", c.n, SQLITE_TRANSIENT,
                                 SQLITE_UTF8);
        break;
    case SQLITE_BLOB:
        rc = sqlite3_bind_blob64(stmt, index, c.n != 0 ? c.p : "", c.n, SQLITE_TRANSIENT);
        break;
    default:
        rc = sqlite3_bind_null(stmt, index);
        break;
    }
    if (rc == SQLITE_OK)
        return ENTRASQL_OK;
    return rc == SQLITE_NOMEM ? ENTRASQL_NOMEM : ENTRASQL_LIMIT;
}

void engine_store_result(sqlite3_context *context, const sqlvalue *v)
{
    uint8_t scratch[32];
    struct cell c = {.kind = SQLITE_NULL};
    if (!v->is_null)
        c = to_cell(v, scratch);
    switch (c.kind) {
    case SQLITE_INTEGER:
        sqlite3_result_int64(context, c.i);
        break;
    case SQLITE_FLOAT:
        sqlite3_result_double(context, c.f);
        break;
    case SQLITE_TEXT:
        sqlite3_result_text64(context, c.n != 0 ? c.p : "", c.n, SQLITE_TRANSIENT, SQLITE_UTF8);
        break;
    case SQLITE_BLOB:
        sqlite3_result_blob64(context, c.n != 0 ? c.p : "", c.n, SQLITE_TRANSIENT);
        break;
    default:
        sqlite3_result_null(context);
        break;
    }
}

/* ---- from SQLite ---- */

static sqldecimal get_decimal(const uint8_t *p)
{
    sqltype_u128 bits = 0;
    for (int i = 1; i < DECIMAL_BYTES; i++)
        bits = bits << 8 | p[i];
    return (sqldecimal){.magnitude = p[0] == 0 ? ~bits : bits, .negative = p[0] == 0};
}

static sqldecimal decimal_of(int64_t i)
{
    uint64_t magnitude = i < 0 ? 0 - (uint64_t)i : (uint64_t)i;
    return (sqldecimal){.magnitude = magnitude, .negative = i < 0};
}

static entrasql_status get_offset(const struct cell *c, sqlvalue *ret)
{
    char text[OFFSET_BYTES + 1];
    if (c->kind != SQLITE_TEXT || c->n != OFFSET_BYTES)
        return ENTRASQL_MALFORMED;
    memcpy(text, c->p, OFFSET_BYTES);
    text[OFFSET_BYTES] = '\0';
    ret->offset_minutes = (int16_t)strtol(text + OFFSET_TICKS, NULL, 10);
    text[OFFSET_TICKS] = '\0';
    ret->u.ticks = strtoll(text, NULL, 10);
    return ENTRASQL_OK;
}

static entrasql_status get_blob_form(const struct cell *c, form f, sqlvalue *ret)
{
    if (c->kind != SQLITE_BLOB)
        return ENTRASQL_MALFORMED;
    if (f == FORM_DECIMAL) {
        if (c->n != DECIMAL_BYTES)
            return ENTRASQL_MALFORMED;
        ret->u.dec = get_decimal(c->p);
        return ENTRASQL_OK;
    }
    if (c->n != GUID_BYTES)
        return ENTRASQL_MALFORMED;
    for (size_t i = 0; i < GUID_BYTES; i++)
        ret->u.guid[guid_order[i]] = ((const uint8_t *)c->p)[i];
    return ENTRASQL_OK;
}

static entrasql_status get_bytes(const struct cell *c, form f, sqltype type, sqlvalue *ret)
{
    if (c->kind != (f == FORM_TEXT ? SQLITE_TEXT : SQLITE_BLOB))
        return ENTRASQL_MALFORMED;
    *ret = sqlvalue_lend(type, c->n != 0 ? c->p : "", c->n);
    return ENTRASQL_OK;
}

static entrasql_status from_cell(const struct cell *c, sqltype type, sqlvalue *ret)
{
    sqlvalue v = {.type = type};
    entrasql_status status = ENTRASQL_OK;
    form f = form_of(type.id);

    if (c->kind == SQLITE_NULL) {
        *ret = sqlvalue_null(type);
        return ENTRASQL_OK;
    }
    switch ((int)f) {
    case FORM_INTEGER:
    case FORM_MONEY:
        v.u.i = c->i;
        status = c->kind == SQLITE_INTEGER ? ENTRASQL_OK : ENTRASQL_MALFORMED;
        break;
    case FORM_TICKS:
        v.u.ticks = c->i;
        status = c->kind == SQLITE_INTEGER ? ENTRASQL_OK : ENTRASQL_MALFORMED;
        break;
    case FORM_REAL:
        v.u.f = c->f;
        status = c->kind == SQLITE_FLOAT ? ENTRASQL_OK : ENTRASQL_MALFORMED;
        break;
    case FORM_DECIMAL:
        if (c->kind == SQLITE_INTEGER)
            v.u.dec = decimal_of(c->i);
        else
            status = get_blob_form(c, f, &v);
        break;
    case FORM_GUID:
        status = get_blob_form(c, f, &v);
        break;
    case FORM_OFFSET:
        status = get_offset(c, &v);
        break;
    case FORM_TEXT:
    case FORM_BLOB:
        status = get_bytes(c, f, type, &v);
        break;
    default:
        status = ENTRASQL_MALFORMED;
        break;
    }
    if (status == ENTRASQL_OK)
        *ret = v;
    return status;
}

entrasql_status engine_store_read(sqlite3_value *from, sqltype type, sqlvalue *ret)
{
    struct cell c = {.kind = sqlite3_value_type(from)};
    if (c.kind == SQLITE_INTEGER)
        c.i = sqlite3_value_int64(from);
    else if (c.kind == SQLITE_FLOAT)
        c.f = sqlite3_value_double(from);
    else if (c.kind == SQLITE_TEXT)
        c.p = sqlite3_value_text(from);
    else if (c.kind == SQLITE_BLOB)
        c.p = sqlite3_value_blob(from);
    if (c.kind == SQLITE_TEXT || c.kind == SQLITE_BLOB) {
        c.n = (size_t)sqlite3_value_bytes(from);
        if (c.p == NULL && c.n != 0)
            return ENTRASQL_NOMEM;
    }
    return from_cell(&c, type, ret);
}

entrasql_status engine_store_column(sqlite3_stmt *stmt, int column, sqltype type, sqlvalue *ret)
{
    struct cell c = {.kind = sqlite3_column_type(stmt, column)};
    if (c.kind == SQLITE_INTEGER)
        c.i = sqlite3_column_int64(stmt, column);
    else if (c.kind == SQLITE_FLOAT)
        c.f = sqlite3_column_double(stmt, column);
    else if (c.kind == SQLITE_TEXT)
        c.p = sqlite3_column_text(stmt, column);
    else if (c.kind == SQLITE_BLOB)
        c.p = sqlite3_column_blob(stmt, column);
    if (c.kind == SQLITE_TEXT || c.kind == SQLITE_BLOB) {
        c.n = (size_t)sqlite3_column_bytes(stmt, column);
        if (c.p == NULL && c.n != 0)
            return ENTRASQL_NOMEM;
    }
    return from_cell(&c, type, ret);
}

/* ---- collations ---- */

static int compare_text(void *ctx, int a_len, const void *a, int b_len, const void *b)
{
    (void)ctx;
    return sqlcollation_compare(a, (size_t)a_len, b, (size_t)b_len);
}

/* Two instants are equal whatever their offsets are. */
static int compare_offset(void *ctx, int a_len, const void *a, int b_len, const void *b)
{
    (void)ctx;
    if (a_len < OFFSET_TICKS || b_len < OFFSET_TICKS)
        return a_len - b_len;
    return memcmp(a, b, OFFSET_TICKS);
}

int engine_store_register(sqlite3 *db)
{
    int rc = sqlite3_create_collation_v2(db, ENGINE_COLLATION_TEXT, SQLITE_UTF8, NULL, compare_text,
                                         NULL);
    if (rc != SQLITE_OK)
        return rc;
    return sqlite3_create_collation_v2(db, ENGINE_COLLATION_OFFSET, SQLITE_UTF8, NULL,
                                       compare_offset, NULL);
}
