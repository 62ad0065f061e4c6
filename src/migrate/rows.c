/* SPDX-License-Identifier: MIT */
#include "migrate/rows.h"

#include "base/mem.h"

struct reading {
    migrate_row *row;
    void *ctx;
};

static entrasql_status on_row(void *ctx, const sqlvalue *values, size_t count)
{
    struct reading *r = ctx;
    return r->row != NULL ? r->row(r->ctx, values, count) : ENTRASQL_OK;
}

entrasql_status migrate_query(sql_conn *c, const char *sql, migrate_row *row, void *ctx,
                              entrasql_error *err)
{
    struct reading r = {row, ctx};
    const sql_handler handler = {.ctx = &r, .row = on_row};
    return sql_batch(c, sql, &handler, MIGRATE_SQL_TIMEOUT_MS, err);
}

bool migrate_value_text(const sqlvalue *values, size_t count, size_t at, const char **ret,
                        size_t *ret_len)
{
    if (at >= count || values[at].is_null || !sqltype_is_string(values[at].type.id))
        return false;
    *ret = values[at].u.s.data;
    *ret_len = values[at].u.s.len;
    return true;
}

bool migrate_value_int(const sqlvalue *values, size_t count, size_t at, int64_t *ret)
{
    if (at >= count || values[at].is_null || !sqltype_is_integer(values[at].type.id))
        return false;
    *ret = values[at].u.i;
    return true;
}

bool migrate_value_bytes(const sqlvalue *values, size_t count, size_t at, const uint8_t **ret,
                         size_t *ret_len)
{
    if (at >= count || values[at].is_null || !sqltype_is_binary(values[at].type.id))
        return false;
    *ret = (const uint8_t *)values[at].u.s.data;
    *ret_len = values[at].u.s.len;
    return true;
}

char *migrate_value_strdup(const sqlvalue *values, size_t count, size_t at)
{
    const char *text = "";
    size_t n = 0;
    (void)migrate_value_text(values, count, at, &text, &n);
    return es_strndup(text, n);
}
