/* SPDX-License-Identifier: MIT */
/* Foreign keys: the parent of a new row, the children of an old one, and what becomes of them. */
#include "engine/change.h"

#include "base/buf.h"
#include "base/mem.h"
#include "engine/temp.h"

#include <stdio.h>
#include <string.h>

enum { SQL_CEILING = 64 * 1024 };

/* "SELECT 1 FROM t7 WHERE c1 = ?1 AND ..." and kin, with the key as parameters. */
static entrasql_status prepare(engine_change_set *c, const char *head, const engine_object *table,
                               const int32_t *columns, const sqlvalue *key, size_t count,
                               sqlite3_stmt **ret)
{
    es_buf sql = ES_BUF_INIT(SQL_CEILING);
    entrasql_status status = es_buf_printf(&sql, "%s WHERE ", head);
    for (size_t i = 0; i < count && status == ENTRASQL_OK; i++)
        status = es_buf_printf(&sql, "%sc%d = ?%zu", i == 0 ? "" : " AND ", (int)columns[i], i + 1);
    (void)table;
    if (status == ENTRASQL_OK)
        status = engine_db_prepare(c->b->s->db, (const char *)sql.data, sql.len, ret, c->b->err);
    es_buf_done(&sql);
    for (size_t i = 0; i < count && status == ENTRASQL_OK; i++)
        status = engine_store_bind(*ret, (int)i + 1, &key[i]);
    return status;
}

/* The key's values in the types of the other table; false: one is NULL. */
static entrasql_status read_key(engine_change_set *c, const engine_object *from,
                                const int32_t *from_columns, const engine_object *to,
                                const int32_t *to_columns, size_t count, const sqlvalue *row,
                                sqlvalue *key, bool *ret_whole)
{
    *ret_whole = true;
    for (size_t i = 0; i < count; i++) {
        size_t place = engine_object_column_place(from, from_columns[i]);
        const engine_table_column *target = engine_object_column_by_id(to, to_columns[i]);
        if (place == from->column_count || target == NULL || row[place].is_null) {
            *ret_whole = false;
            return ENTRASQL_OK;
        }
        ES_TRY(engine_change_value(c, target, &row[place], &key[i]));
    }
    return ENTRASQL_OK;
}

static void free_key(sqlvalue *key, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sqlvalue_done(&key[i]);
    es_free(key);
}

static entrasql_status conflict(engine_change_set *c, const engine_foreign_key *fk, bool reference)
{
    const engine_catalog *cat = c->b->catalog;
    const engine_object *constraint = engine_catalog_object_by_id(cat, fk->id);
    const engine_object *table =
        engine_catalog_object_by_id(cat, reference ? fk->child : fk->parent);
    const int32_t *columns = reference ? fk->child_columns : fk->parent_columns;
    const engine_table_column *column = fk->column_count == 1 && table != NULL
                                            ? engine_object_column_by_id(table, columns[0])
                                            : NULL;
    bool same = fk->child == fk->parent;
    char name[600] = "";
    char tail[200] = "";
    if (table != NULL)
        engine_table_text(c->b->s, table, false, name, sizeof name);
    if (column != NULL)
        snprintf(tail, sizeof tail, ", column '%s'", column->name);
    return engine_error(
        c->b->err, 547, 0,
        "The %s statement conflicted with the %s%s constraint \"%s\". The conflict "
        "occurred in database \"%s\", table \"%s\"%s.",
        c->verb, reference ? "" : "FOREIGN KEY",
        reference ? (same ? "SAME TABLE REFERENCE" : "REFERENCE") : (same ? " SAME TABLE" : ""),
        constraint != NULL ? constraint->name : "", c->b->s->database->name, name, tail);
}

static entrasql_status has_rows(engine_change_set *c, const engine_object *table,
                                const int32_t *columns, const sqlvalue *key, size_t count,
                                bool *ret)
{
    ES_CLEANUP(engine_db_finalize) sqlite3_stmt *stmt = NULL;
    char head[64];
    snprintf(head, sizeof head, "SELECT 1 FROM main.t%d", (int)table->id);
    ES_TRY(prepare(c, head, table, columns, key, count, &stmt));
    return engine_db_step(stmt, ret, c->b->err);
}

/* ---- the child's side ---- */

static entrasql_status check_one_child(engine_change_set *c, const engine_foreign_key *fk,
                                       const sqlvalue *row)
{
    const engine_object *parent = engine_catalog_object_by_id(c->b->catalog, fk->parent);
    sqlvalue *key = es_calloc(fk->column_count + 1, sizeof *key);
    bool whole = false;
    bool found = true;
    if (key == NULL)
        return es_nomem(c->b->err);
    entrasql_status status = ENTRASQL_OK;
    if (parent != NULL)
        status = read_key(c, c->table, fk->child_columns, parent, fk->parent_columns,
                          fk->column_count, row, key, &whole);
    if (status == ENTRASQL_OK && whole)
        status = has_rows(c, parent, fk->parent_columns, key, fk->column_count, &found);
    free_key(key, fk->column_count);
    ES_TRY(status);
    return found ? ENTRASQL_OK : conflict(c, fk, false);
}

entrasql_status engine_change_check_child(engine_change_set *c, const sqlvalue *row)
{
    const engine_catalog *cat = c->b->catalog;
    for (size_t i = 0; i < cat->foreign_key_count && !c->is_temp; i++) {
        const engine_foreign_key *fk = &cat->foreign_keys[i];
        if (fk->child == c->table->id && !fk->disabled)
            ES_TRY(check_one_child(c, fk, row));
    }
    return ENTRASQL_OK;
}

/* ---- the parent's side ---- */

static bool key_changes(const engine_change_set *c, const engine_foreign_key *fk,
                        const sqlvalue *old, const sqlvalue *row)
{
    if (row == NULL)
        return true;
    for (size_t i = 0; i < fk->column_count; i++) {
        size_t place = engine_object_column_place(c->table, fk->parent_columns[i]);
        if (place == c->table->column_count)
            return true;
        if (old[place].is_null != row[place].is_null ||
            (!old[place].is_null && sqlvalue_compare(&old[place], &row[place]) != 0))
            return true;
    }
    return false;
}

/* CASCADE and SET NULL, by SQL on the child; its own children are looked at by the caller. */
static entrasql_status follow(engine_change_set *c, const engine_foreign_key *fk,
                              const engine_object *child, const sqlvalue *key, bool deletes)
{
    engine_action action = deletes ? fk->on_delete : fk->on_update;
    ES_CLEANUP(engine_db_finalize) sqlite3_stmt *stmt = NULL;
    es_buf head = ES_BUF_INIT(SQL_CEILING);
    bool row;
    entrasql_status status;
    if (action == ENGINE_ACTION_CASCADE && deletes) {
        status = es_buf_printf(&head, "DELETE FROM main.t%d", (int)child->id);
    } else {
        status = es_buf_printf(&head, "UPDATE main.t%d SET ", (int)child->id);
        for (size_t i = 0; i < fk->column_count && status == ENTRASQL_OK; i++)
            status =
                es_buf_printf(&head, "%sc%d = NULL", i == 0 ? "" : ", ", (int)fk->child_columns[i]);
    }
    const char *text = status == ENTRASQL_OK ? es_buf_cstr(&head) : NULL;
    status = text != NULL ? prepare(c, text, child, fk->child_columns, key, fk->column_count, &stmt)
                          : es_nomem(c->b->err);
    es_buf_done(&head);
    ES_TRY(status);
    return engine_db_step(stmt, &row, c->b->err);
}

/* True when nothing refers to the table, so that its rows may go without a further look. */
static bool is_leaf(const engine_catalog *cat, int32_t table)
{
    for (size_t i = 0; i < cat->foreign_key_count; i++) {
        if (cat->foreign_keys[i].parent == table && !cat->foreign_keys[i].disabled)
            return false;
    }
    return true;
}

static entrasql_status check_one_parent(engine_change_set *c, const engine_foreign_key *fk,
                                        const sqlvalue *key, bool deletes)
{
    const engine_object *child = engine_catalog_object_by_id(c->b->catalog, fk->child);
    engine_action action = deletes ? fk->on_delete : fk->on_update;
    bool found = false;
    if (child == NULL)
        return ENTRASQL_OK;
    ES_TRY(has_rows(c, child, fk->child_columns, key, fk->column_count, &found));
    if (!found)
        return ENTRASQL_OK;
    if (action == ENGINE_ACTION_NONE)
        return conflict(c, fk, true);
    bool simple = action == ENGINE_ACTION_SET_NULL ||
                  (action == ENGINE_ACTION_CASCADE && deletes && is_leaf(c->b->catalog, fk->child));
    if (!simple)
        return engine_unsupported(c->b->err, "this chain of cascading foreign keys");
    return follow(c, fk, child, key, deletes);
}

entrasql_status engine_change_check_parent(engine_change_set *c, const sqlvalue *old,
                                           const sqlvalue *row)
{
    const engine_catalog *cat = c->b->catalog;
    for (size_t i = 0; i < cat->foreign_key_count && !c->is_temp; i++) {
        const engine_foreign_key *fk = &cat->foreign_keys[i];
        const engine_object *child = engine_catalog_object_by_id(cat, fk->child);
        if (fk->parent != c->table->id || fk->disabled || child == NULL ||
            !key_changes(c, fk, old, row))
            continue;
        sqlvalue *key = es_calloc(fk->column_count + 1, sizeof *key);
        bool whole = false;
        bool still_there = false;
        if (key == NULL)
            return es_nomem(c->b->err);
        entrasql_status status = read_key(c, c->table, fk->parent_columns, child, fk->child_columns,
                                          fk->column_count, old, key, &whole);
        /* Another row may have taken the old key in the same statement. */
        if (status == ENTRASQL_OK && whole)
            status = has_rows(c, c->table, fk->parent_columns, key, fk->column_count, &still_there);
        if (status == ENTRASQL_OK && whole && !still_there)
            status = check_one_parent(c, fk, key, row == NULL);
        free_key(key, fk->column_count);
        ES_TRY(status);
    }
    return ENTRASQL_OK;
}
