/* SPDX-License-Identifier: MIT */
/* SQLite's tables and indexes. */
#include "engine/table.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "engine/change.h"
#include "sqltype/convert.h"

#include <stdio.h>
#include <string.h>

enum { SQL_CEILING = 1024 * 1024 };

const char *engine_sqlite_column_tail(sqltype type)
{
    const char *collation = engine_store_collation(type);
    if (collation == NULL)
        return "";
    return strcmp(collation, ENGINE_COLLATION_TEXT) == 0 ? " COLLATE " ENGINE_COLLATION_TEXT
                                                         : " COLLATE " ENGINE_COLLATION_OFFSET;
}

static entrasql_status execute(engine_session *s, es_buf *sql, entrasql_status status,
                               entrasql_error *err)
{
    const char *text = status == ENTRASQL_OK ? es_buf_cstr(sql) : NULL;
    status = text != NULL ? engine_db_exec(s->db, text, err) : es_nomem(err);
    es_buf_done(sql);
    return status;
}

/* Without a declared type SQLite keeps every value as it is. */
entrasql_status engine_sqlite_create_table(engine_session *s, const engine_object *o,
                                           const char *sql_name, entrasql_error *err)
{
    es_buf sql = ES_BUF_INIT(SQL_CEILING);
    entrasql_status status = es_buf_printf(&sql, "CREATE TABLE %s(", sql_name);
    for (size_t i = 0; i < o->column_count && status == ENTRASQL_OK; i++)
        status = es_buf_printf(&sql, "%sc%d%s", i == 0 ? "" : ",", (int)o->columns[i].id,
                               engine_sqlite_column_tail(o->columns[i].type));
    if (status == ENTRASQL_OK)
        status = es_buf_add_str(&sql, ")");
    return execute(s, &sql, status, err);
}

/*
 * NULLs are equal for SQL Server's unique keys and different for SQLite's: two
 * terms stand for a column that may be NULL.
 */
static entrasql_status add_term(es_buf *sql, const engine_object *o, const engine_index *index,
                                size_t i, bool first)
{
    const engine_table_column *column = engine_object_column_by_id(o, index->columns[i].column);
    const char *comma = first ? "" : ",";
    const char *desc = index->columns[i].descending ? " DESC" : "";
    if (column == NULL)
        return ENTRASQL_INTERNAL;
    const char *tail = engine_sqlite_column_tail(column->type);
    if (index->kind == ENGINE_INDEX_PLAIN || !column->nullable)
        return es_buf_printf(sql, "%sc%d%s%s", comma, (int)column->id, tail, desc);
    return es_buf_printf(sql, "%sifnull(c%d,0)%s%s,c%d IS NULL", comma, (int)column->id, tail, desc,
                         (int)column->id);
}

/* "c3 IS NOT NULL" from the stored filter. */
static entrasql_status add_filter(es_buf *sql, const engine_object *o, const tsql_cond *c)
{
    if (c->kind == TSQL_COND_AND) {
        ES_TRY(add_filter(sql, o, c->a));
        ES_TRY(es_buf_add_str(sql, " AND "));
        return add_filter(sql, o, c->b);
    }
    if (c->kind != TSQL_COND_IS_NULL || c->left->kind != TSQL_EXPR_COLUMN)
        return ENTRASQL_UNSUPPORTED;
    const engine_table_column *column = engine_object_column(o, c->left->u.column->name.text);
    if (column == NULL)
        return ENTRASQL_UNSUPPORTED;
    return es_buf_printf(sql, "c%d IS %sNULL", (int)column->id, c->negated ? "NOT " : "");
}

static entrasql_status add_where(es_buf *sql, const engine_object *o, const char *filter,
                                 entrasql_error *err)
{
    tsql_batch *batch = NULL;
    tsql_cond *c = NULL;
    ES_TRY(tsql_parse_cond(filter, strlen(filter), &batch, &c, err));
    entrasql_status status = es_buf_add_str(sql, " WHERE ");
    if (status == ENTRASQL_OK)
        status = add_filter(sql, o, c);
    tsql_batch_free(batch);
    return status == ENTRASQL_UNSUPPORTED
               ? engine_unsupported(err, "a filtered index other than IS [NOT] NULL")
               : status;
}

/* ---- duplicates ---- */

static entrasql_status find_duplicate(engine_session *s, const engine_object *o,
                                      const engine_index *index, const char *sql_name, char *dst,
                                      size_t size)
{
    es_buf sql = ES_BUF_INIT(SQL_CEILING);
    ES_CLEANUP(engine_db_finalize) sqlite3_stmt *stmt = NULL;
    entrasql_status status = es_buf_add_str(&sql, "SELECT 1");
    for (size_t i = 0; i < index->column_count && status == ENTRASQL_OK; i++)
        status = es_buf_printf(&sql, ",c%d", (int)index->columns[i].column);
    if (status == ENTRASQL_OK)
        status = es_buf_printf(&sql, " FROM %s GROUP BY 1", sql_name);
    for (size_t i = 0; i < index->column_count && status == ENTRASQL_OK; i++)
        status = es_buf_printf(&sql, ",c%d", (int)index->columns[i].column);
    if (status == ENTRASQL_OK)
        status = es_buf_add_str(&sql, " HAVING count(*) > 1 LIMIT 1");
    bool row = false;
    if (status == ENTRASQL_OK)
        status = engine_db_prepare(s->db, (const char *)sql.data, sql.len, &stmt, NULL);
    if (status == ENTRASQL_OK)
        status = engine_db_step(stmt, &row, NULL);
    es_buf_clear(&sql);
    for (size_t i = 0; row && i < index->column_count && status == ENTRASQL_OK; i++) {
        const engine_table_column *column = engine_object_column_by_id(o, index->columns[i].column);
        sqlvalue v;
        if (column == NULL ||
            engine_store_column(stmt, (int)i + 1, column->type, &v) != ENTRASQL_OK)
            break;
        if (i != 0)
            status = es_buf_add_str(&sql, ", ");
        if (status == ENTRASQL_OK)
            status = v.is_null ? es_buf_add_str(&sql, "<NULL>") : sqlvalue_print(&v, &sql);
    }
    const char *text = es_buf_cstr(&sql);
    es_strlcpy_utf8(dst, size, text != NULL ? text : "");
    es_buf_done(&sql);
    return status;
}

static entrasql_status duplicate(engine_session *s, const engine_object *o,
                                 const engine_index *index, const char *sql_name,
                                 entrasql_error *err)
{
    char table[600];
    char key[1024] = "";
    (void)find_duplicate(s, o, index, sql_name, key, sizeof key);
    return engine_error(err, 1505, 1,
                        "The CREATE UNIQUE INDEX statement terminated because a duplicate key was "
                        "found for the object name '%s' and the index name '%s'. The duplicate key "
                        "value is (%s).",
                        engine_table_text(s, o, false, table, sizeof table), index->name, key);
}

/* ---- indexes ---- */

/* "main.i5_1" and "t5" from "main.t5" and number 1. */
static entrasql_status add_head(es_buf *sql, const engine_object *o, const engine_index *index,
                                const char *sql_name)
{
    const char *dot = strchr(sql_name, '.');
    int schema = dot != NULL ? (int)(dot - sql_name) : 0;
    const char *table = dot != NULL ? dot + 1 : sql_name;
    (void)o;
    return es_buf_printf(sql, "CREATE %sINDEX %.*s.i%s_%d ON %s(",
                         index->kind == ENGINE_INDEX_PLAIN ? "" : "UNIQUE ", schema, sql_name,
                         table, (int)index->id, table);
}

entrasql_status engine_sqlite_create_index(engine_session *s, const engine_object *o,
                                           const engine_index *index, const char *sql_name,
                                           entrasql_error *err)
{
    es_buf sql = ES_BUF_INIT(SQL_CEILING);
    entrasql_status status = add_head(&sql, o, index, sql_name);
    bool first = true;
    for (size_t i = 0; i < index->column_count && status == ENTRASQL_OK; i++) {
        if (index->columns[i].included)
            continue;
        status = add_term(&sql, o, index, i, first);
        first = false;
    }
    if (status == ENTRASQL_OK)
        status = es_buf_add_str(&sql, ")");
    if (status == ENTRASQL_OK && index->filter != NULL) {
        status = add_where(&sql, o, index->filter, err);
        if (status == ENTRASQL_SQL_ERROR) {
            es_buf_done(&sql);
            return status;
        }
    }
    const char *text = status == ENTRASQL_OK ? es_buf_cstr(&sql) : NULL;
    if (text == NULL) {
        es_buf_done(&sql);
        return es_nomem(err);
    }
    int rc = sqlite3_exec(s->db, text, NULL, NULL, NULL);
    es_buf_done(&sql);
    if ((rc & 0xFF) == SQLITE_CONSTRAINT)
        return duplicate(s, o, index, sql_name, err);
    return rc == SQLITE_OK ? ENTRASQL_OK : engine_db_fail(s->db, rc, err);
}

entrasql_status engine_sqlite_drop_index(engine_session *s, const engine_object *o, int32_t index,
                                         entrasql_error *err)
{
    char sql[96];
    snprintf(sql, sizeof sql, "DROP INDEX IF EXISTS main.it%d_%d", (int)o->id, (int)index);
    return engine_db_exec(s->db, sql, err);
}
