/* SPDX-License-Identifier: MIT */
/* Which unique key a row breaks. SQLite only says that one is broken. */
#include "engine/change.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "sqltype/convert.h"

#include <string.h>

enum { SQL_CEILING = 64 * 1024, TEXT_CEILING = 2048 };

/* Whether a row with the same key is there: NULLs count as equal. */
static entrasql_status has_key(engine_change_set *c, const engine_index *index, const sqlvalue *row,
                               bool *ret)
{
    es_buf sql = ES_BUF_INIT(SQL_CEILING);
    ES_CLEANUP(engine_db_finalize) sqlite3_stmt *stmt = NULL;
    entrasql_status status = es_buf_printf(&sql, "SELECT 1 FROM %s WHERE 1", c->sql_name);
    int count = 0;
    for (size_t i = 0; i < index->column_count && status == ENTRASQL_OK; i++) {
        if (!index->columns[i].included)
            status = es_buf_printf(&sql, " AND c%d IS ?%d", (int)index->columns[i].column, ++count);
    }
    if (status == ENTRASQL_OK)
        status = engine_db_prepare(c->b->s->db, (const char *)sql.data, sql.len, &stmt, c->b->err);
    es_buf_done(&sql);
    ES_TRY(status);
    count = 0;
    for (size_t i = 0; i < index->column_count; i++) {
        size_t place = engine_object_column_place(c->table, index->columns[i].column);
        if (!index->columns[i].included && place < c->table->column_count)
            ES_TRY(engine_store_bind(stmt, ++count, &row[place]));
    }
    return engine_db_step(stmt, ret, c->b->err);
}

/* "(1, abc)" */
static void key_text(const engine_change_set *c, const engine_index *index, const sqlvalue *row,
                     char *dst, size_t size)
{
    es_buf text = ES_BUF_INIT(TEXT_CEILING);
    entrasql_status status = ENTRASQL_OK;
    bool begun = false;
    for (size_t i = 0; i < index->column_count && status == ENTRASQL_OK; i++) {
        size_t place = engine_object_column_place(c->table, index->columns[i].column);
        if (index->columns[i].included || place >= c->table->column_count)
            continue;
        if (begun)
            status = es_buf_add_str(&text, ", ");
        begun = true;
        if (status == ENTRASQL_OK)
            status = row[place].is_null ? es_buf_add_str(&text, "<NULL>")
                                        : sqlvalue_print(&row[place], &text);
    }
    const char *cstr = es_buf_cstr(&text);
    es_strlcpy_utf8(dst, size, cstr != NULL ? cstr : "");
    es_buf_done(&text);
}

static entrasql_status broken(engine_change_set *c, const engine_index *index, const sqlvalue *row)
{
    char table[600];
    char key[1024];
    engine_table_text(c->b->s, c->table, false, table, sizeof table);
    key_text(c, index, row, key, sizeof key);
    if (index->kind == ENGINE_INDEX_UNIQUE)
        return engine_error(
            c->b->err, 2601, 1,
            "Cannot insert duplicate key row in object '%s' with unique index '%s'. "
            "The duplicate key value is (%s).",
            table, index->name, key);
    return engine_error(c->b->err, 2627, 1,
                        "Violation of %s constraint '%s'. Cannot insert duplicate key in object "
                        "'%s'. The duplicate key value is (%s).",
                        index->kind == ENGINE_INDEX_PRIMARY ? "PRIMARY KEY" : "UNIQUE KEY",
                        index->name, table, key);
}

entrasql_status engine_change_explain_key(engine_change_set *c, const sqlvalue *row)
{
    for (size_t i = 0; row != NULL && i < c->table->index_count; i++) {
        const engine_index *index = &c->table->indexes[i];
        bool found = false;
        if (index->kind == ENGINE_INDEX_PLAIN)
            continue;
        ES_TRY(has_key(c, index, row, &found));
        if (found)
            return broken(c, index, row);
    }
    return engine_error(c->b->err, 8624, 3,
                        "Internal Query Processor Error: SQLite refused a row: %s",
                        sqlite3_errmsg(c->b->s->db));
}
