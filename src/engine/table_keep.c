/* SPDX-License-Identifier: MIT */
/* The content of table variables across a ROLLBACK. */
#include "engine/table_keep.h"

#include "base/buf.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

struct engine_kept_table {
    engine_kept_table *next;
    int32_t number;
    char *create[8]; /* the table and its indexes */
    size_t create_count;
    size_t width;
    sqlite3_value **values; /* row after row; the rowid first */
    size_t count;
};

static void free_kept(engine_kept_table *k)
{
    for (size_t i = 0; i < k->create_count; i++)
        es_free(k->create[i]);
    for (size_t i = 0; i < k->count; i++)
        sqlite3_value_free(k->values[i]);
    es_free(k->values);
    es_free(k);
}

static bool read_definition(sqlite3 *db, engine_kept_table *k)
{
    ES_CLEANUP(engine_db_finalize) sqlite3_stmt *stmt = NULL;
    char name[24];
    static const char sql[] = "SELECT sql FROM temp.sqlite_master WHERE tbl_name = ?1 AND sql IS "
                              "NOT NULL ORDER BY type DESC";
    (void)snprintf(name, sizeof name, "x%d", (int)k->number);
    if (engine_db_prepare(db, sql, sizeof sql - 1, &stmt, NULL) != ENTRASQL_OK)
        return false;
    sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        char *text = es_strdup((const char *)sqlite3_column_text(stmt, 0));
        if (text == NULL || k->create_count == ES_COUNT_OF(k->create)) {
            es_free(text);
            return false;
        }
        k->create[k->create_count++] = text;
    }
    return k->create_count != 0;
}

static bool add_row(engine_kept_table *k, sqlite3_stmt *stmt)
{
    sqlite3_value **grown =
        es_reallocarray(k->values, k->count + k->width, sizeof(sqlite3_value *));
    if (grown == NULL)
        return false;
    k->values = grown;
    for (size_t i = 0; i < k->width; i++) {
        grown[k->count] = sqlite3_value_dup(sqlite3_column_value(stmt, (int)i));
        if (grown[k->count] == NULL)
            return false;
        k->count++;
    }
    return true;
}

static bool read_rows(sqlite3 *db, engine_kept_table *k)
{
    ES_CLEANUP(engine_db_finalize) sqlite3_stmt *stmt = NULL;
    char sql[64];
    int n = snprintf(sql, sizeof sql, "SELECT rowid, * FROM temp.x%d", (int)k->number);
    if (engine_db_prepare(db, sql, (size_t)n, &stmt, NULL) != ENTRASQL_OK)
        return false;
    k->width = (size_t)sqlite3_column_count(stmt);
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        if (!add_row(k, stmt))
            return false;
    }
    return true;
}

engine_kept_table *engine_tables_keep(engine_session *s)
{
    engine_kept_table *first = NULL;
    for (engine_frame *frame = s->frame; frame != NULL; frame = frame->outer) {
        for (size_t i = 0; i < frame->variable_count; i++) {
            if (frame->variables[i].table == NULL)
                continue;
            engine_kept_table *k = es_calloc(1, sizeof *k);
            if (k == NULL)
                return first;
            k->number = frame->variables[i].table_number;
            if (!read_definition(s->db, k) || !read_rows(s->db, k)) {
                free_kept(k);
                continue;
            }
            k->next = first;
            first = k;
        }
    }
    return first;
}

/* SQLite keeps the text without the schema's name, which goes before the object's. */
static entrasql_status write_temp(const char *create, es_buf *ret)
{
    const char *word = strstr(create, " TABLE ");
    if (word == NULL)
        word = strstr(create, " INDEX ");
    if (word == NULL)
        return ENTRASQL_INTERNAL;
    size_t n = (size_t)(word - create) + strlen(" TABLE ");
    ES_TRY(es_buf_add(ret, create, n));
    return es_buf_printf(ret, "temp.%s", create + n);
}

static void write_rows(sqlite3 *db, const engine_kept_table *k)
{
    ES_CLEANUP(engine_db_finalize) sqlite3_stmt *stmt = NULL;
    ES_CLEANUP(engine_db_finalize) sqlite3_stmt *columns = NULL;
    ES_CLEANUP(es_buf_done) es_buf sql = ES_BUF_INIT(1024 * 1024);
    char text[64];
    int n = snprintf(text, sizeof text, "SELECT * FROM temp.x%d", (int)k->number);
    if (engine_db_prepare(db, text, (size_t)n, &columns, NULL) != ENTRASQL_OK ||
        es_buf_printf(&sql, "INSERT INTO temp.x%d(rowid", (int)k->number) != ENTRASQL_OK)
        return;
    for (size_t i = 0; i + 1 < k->width; i++) {
        if (es_buf_printf(&sql, ",%s", sqlite3_column_name(columns, (int)i)) != ENTRASQL_OK)
            return;
    }
    for (size_t i = 0; i < k->width; i++) {
        if (es_buf_printf(&sql, "%s?%zu", i == 0 ? ") VALUES(" : ",", i + 1) != ENTRASQL_OK)
            return;
    }
    if (es_buf_add_str(&sql, ")") != ENTRASQL_OK ||
        engine_db_prepare(db, (const char *)sql.data, sql.len, &stmt, NULL) != ENTRASQL_OK)
        return;
    for (size_t row = 0; row < k->count; row += k->width) {
        for (size_t i = 0; i < k->width; i++)
            sqlite3_bind_value(stmt, (int)i + 1, k->values[row + i]);
        (void)sqlite3_step(stmt);
        sqlite3_reset(stmt);
    }
}

void engine_tables_restore(engine_session *s, engine_kept_table *kept)
{
    char sql[64];
    while (kept != NULL) {
        engine_kept_table *k = kept;
        kept = k->next;
        (void)snprintf(sql, sizeof sql, "DROP TABLE IF EXISTS temp.x%d", (int)k->number);
        (void)sqlite3_exec(s->db, sql, NULL, NULL, NULL);
        for (size_t i = 0; i < k->create_count; i++) {
            ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(1024 * 1024);
            if (write_temp(k->create[i], &text) == ENTRASQL_OK)
                (void)sqlite3_exec(s->db, es_buf_cstr(&text), NULL, NULL, NULL);
        }
        write_rows(s->db, k);
        free_kept(k);
    }
}
