/* SPDX-License-Identifier: MIT */
/* ALTER TABLE and CREATE INDEX. */
#include "engine/table.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "engine/change.h"
#include "engine/output.h"
#include "engine/permission.h"
#include "engine/plan.h"
#include "engine/temp.h"
#include "engine/tran.h"
#include "sqltype/collation.h"
#include "sqltype/convert.h"
#include "tsql/type.h"

#include <stdio.h>
#include <string.h>

/* ---- ADD ---- */

/* The value of a new column in the rows that are there. */
static entrasql_status fill_column(engine_new_table *t, const engine_table_column *column,
                                   const char *text)
{
    ES_CLEANUP(engine_binder_done) engine_binder b;
    ES_CLEANUP(engine_db_finalize) sqlite3_stmt *stmt = NULL;
    engine_session *s = t->run->s;
    engine_node *node;
    sqlvalue v;
    char sql[96];
    bool row;
    ES_TRY(engine_binder_init(&b, s, t->run->err));
    ES_TRY(engine_bind_text(&b, text, &node));
    ES_TRY(engine_bind_cast(&b, &node, column->type, ENGINE_CAST_IMPLICIT, NULL));
    ES_TRY(engine_plan_value(&b, node, &v));
    snprintf(sql, sizeof sql, "UPDATE main.t%d SET c%d = ?1", (int)t->object->id, (int)column->id);
    entrasql_status status = engine_db_prepare(s->db, sql, strlen(sql), &stmt, t->run->err);
    if (status == ENTRASQL_OK)
        status = engine_store_bind(stmt, 1, &v);
    sqlvalue_done(&v);
    ES_TRY(status);
    return engine_db_step(stmt, &row, t->run->err);
}

/* Identity values for the rows that are there, in the order of their rowids. */
static entrasql_status number_rows(engine_new_table *t, const engine_table_column *column)
{
    char sql[200];
    int64_t rows = 0;
    engine_session *s = t->run->s;
    snprintf(sql, sizeof sql,
             "UPDATE main.t%d SET c%d = %lld + %lld * (SELECT count(*) FROM main.t%d AS o"
             " WHERE o.rowid < t%d.rowid)",
             (int)t->object->id, (int)column->id, (long long)column->seed,
             (long long)column->increment, (int)t->object->id, (int)t->object->id);
    ES_TRY(engine_db_exec(s->db, sql, t->run->err));
    snprintf(sql, sizeof sql, "SELECT count(*) FROM main.t%d", (int)t->object->id);
    ES_TRY(engine_db_int(s->db, t->run->err, &rows, sql, ""));
    if (rows == 0)
        return ENTRASQL_OK;
    ES_TRY(engine_identity_seen(s, t->object, column->seed + column->increment * (rows - 1),
                                t->run->err));
    return engine_identity_save(s, t->object, t->run->err);
}

static const engine_new_constraint *default_of(const engine_new_table *t, size_t place)
{
    for (size_t i = 0; i < t->constraint_count; i++) {
        if (t->constraints[i].type == ENGINE_OBJECT_DEFAULT && t->constraints[i].column == place)
            return &t->constraints[i];
    }
    return NULL;
}

static entrasql_status add_one_column(engine_new_table *t, size_t place)
{
    engine_session *s = t->run->s;
    const engine_table_column *column = &t->object->columns[place];
    const engine_new_constraint *def = default_of(t, place);
    char sql[128];
    int64_t rows = 0;
    if (column->computed != NULL)
        return engine_unsupported(t->run->err, "ALTER TABLE ADD of a computed column");
    snprintf(sql, sizeof sql, "ALTER TABLE main.t%d ADD COLUMN c%d%s", (int)t->object->id,
             (int)column->id, engine_sqlite_column_tail(column->type));
    ES_TRY(engine_db_exec(s->db, sql, t->run->err));
    ES_TRY(engine_catalog_add_column(s->db, t->object->id, column, t->run->err));
    snprintf(sql, sizeof sql, "SELECT count(*) FROM main.t%d", (int)t->object->id);
    ES_TRY(engine_db_int(s->db, t->run->err, &rows, sql, ""));
    if (column->identity)
        return number_rows(t, column);
    if (rows == 0 || (column->nullable && def == NULL))
        return ENTRASQL_OK;
    if (def == NULL)
        return engine_error(
            t->run->err, 4901, 1,
            "ALTER TABLE only allows columns to be added that can contain nulls, or "
            "have a DEFAULT definition specified, or the column being added is an "
            "identity or timestamp column, or alternatively if none of the previous "
            "conditions are satisfied the table must be empty to allow addition of "
            "this column. Column '%s' cannot be added to non-empty table '%s' "
            "because it does not satisfy these conditions.",
            column->name, t->object->name);
    return column->nullable ? ENTRASQL_OK : fill_column(t, column, def->definition);
}

/* WITH VALUES: rows that are there get the default too. */
static entrasql_status fill_with_values(engine_new_table *t, const tsql_table_def *def,
                                        size_t first)
{
    for (size_t i = 0; i < def->column_count; i++) {
        const engine_new_constraint *d = default_of(t, first + i);
        const tsql_constraints *list = &def->columns[i].constraints;
        for (size_t k = 0; d != NULL && k < list->count; k++) {
            if (list->items[k].kind == TSQL_CONSTRAINT_DEFAULT && list->items[k].with_values)
                ES_TRY(fill_column(t, &t->object->columns[first + i], d->definition));
        }
    }
    return ENTRASQL_OK;
}

/* Rows that are there have to keep to a new CHECK. */
static entrasql_status check_rows(engine_new_table *t, const engine_new_constraint *check)
{
    ES_CLEANUP(engine_binder_done) engine_binder b;
    ES_CLEANUP(engine_plan_done) engine_plan p = {0};
    engine_session *s = t->run->s;
    engine_source *source = NULL;
    engine_query *q;
    char sql_name[48];
    char table[600];
    bool row = false;
    ES_TRY(engine_binder_init(&b, s, t->run->err));
    q = engine_bind_alloc(&b, sizeof *q);
    engine_node *negated = engine_node_list(&b, ENGINE_NODE_NOT, 1);
    if (q == NULL || negated == NULL)
        return es_nomem(t->run->err);
    ES_TRY(engine_bind_object(&b, t->object,
                              engine_table_name(s, t->object, sql_name, sizeof sql_name), &source));
    source->object = NULL;
    engine_source *sources[1] = {source};
    engine_scope scope = {.sources = sources, .count = 1};
    b.scope = &scope;
    ES_TRY(engine_bind_cond_text(&b, check->definition, &negated->args[0]));
    engine_node *one;
    sqlvalue v = sqlvalue_int(1);
    ES_TRY(engine_node_const(&b, &v, &one));
    engine_item item = {.node = one, .name = ""};
    q->items = &item;
    q->item_count = 1;
    q->from = source;
    q->where = negated;
    ES_TRY(engine_bind_columns(&b, q));
    ES_TRY(engine_plan_open(&b, q, false, &p));
    ES_TRY(engine_plan_start(&p, t->run->err));
    ES_TRY(engine_plan_step(&p, &row, t->run->err));
    if (!row)
        return ENTRASQL_OK;
    return engine_error(
        t->run->err, 547, 0,
        "The ALTER TABLE statement conflicted with the CHECK constraint \"%s\". The "
        "conflict occurred in database \"%s\", table \"%s\".",
        check->name, s->database->name,
        engine_table_text(s, t->object, false, table, sizeof table));
}

/* And every row's foreign key a parent. */
static entrasql_status check_keys(engine_new_table *t, const engine_new_key *key)
{
    engine_session *s = t->run->s;
    es_buf sql = ES_BUF_INIT(65536);
    int64_t rows = 0;
    entrasql_status status =
        es_buf_printf(&sql,
                      "SELECT count(*) FROM main.t%d AS c WHERE NOT EXISTS(SELECT 1 FROM"
                      " main.t%d AS p WHERE 1",
                      (int)t->object->id, (int)key->parent);
    for (size_t i = 0; i < key->column_count && status == ENTRASQL_OK; i++)
        status = es_buf_printf(&sql, " AND p.c%d = c.c%d", (int)key->parent_columns[i],
                               (int)key->child_columns[i]);
    if (status == ENTRASQL_OK)
        status = es_buf_add_str(&sql, ")");
    for (size_t i = 0; i < key->column_count && status == ENTRASQL_OK; i++)
        status = es_buf_printf(&sql, " AND c.c%d IS NOT NULL", (int)key->child_columns[i]);
    const char *text = status == ENTRASQL_OK ? es_buf_cstr(&sql) : NULL;
    status =
        text != NULL ? engine_db_int(s->db, t->run->err, &rows, text, "") : es_nomem(t->run->err);
    es_buf_done(&sql);
    ES_TRY(status);
    const engine_object *parent = engine_catalog_object_by_id(s->catalog, key->parent);
    char table[600] = "";
    if (parent != NULL)
        engine_table_text(s, parent, false, table, sizeof table);
    return rows == 0 ? ENTRASQL_OK
                     : engine_error(t->run->err, 547, 0,
                                    "The ALTER TABLE statement conflicted with the FOREIGN KEY "
                                    "constraint \"%s\". The conflict occurred in database \"%s\", "
                                    "table \"%s\".",
                                    key->name, s->database->name, table);
}

static entrasql_status check_existing(engine_new_table *t)
{
    for (size_t i = 0; i < t->constraint_count; i++) {
        if (t->constraints[i].type == ENGINE_OBJECT_CHECK)
            ES_TRY(check_rows(t, &t->constraints[i]));
    }
    for (size_t i = 0; i < t->key_count; i++)
        ES_TRY(check_keys(t, &t->keys[i]));
    return ENTRASQL_OK;
}

/* A DEFAULT for a column that is there already. */
static entrasql_status store_defaults(engine_new_table *t, size_t first)
{
    for (size_t i = 0; i < t->constraint_count; i++) {
        const engine_new_constraint *c = &t->constraints[i];
        if (c->type == ENGINE_OBJECT_DEFAULT && c->column < first)
            ES_TRY(engine_catalog_set_column(t->run->s->db, t->object->id,
                                             &t->object->columns[c->column], t->run->err));
    }
    return ENTRASQL_OK;
}

static entrasql_status alter_add(engine_run *run, const tsql_alter_table_stmt *stmt,
                                 const engine_object *o)
{
    ES_CLEANUP(engine_new_table_done) engine_new_table t = {.run = run};
    size_t first = o->column_count;
    t.object = engine_object_copy(o);
    if (t.object == NULL)
        return es_nomem(run->err);
    t.first_index = o->index_count;
    t.object->modified = engine_now();
    ES_TRY(engine_new_table_define(&t, &stmt->def));
    ES_TRY(engine_new_table_store_constraints(&t));
    for (size_t i = first; i < t.object->column_count; i++)
        ES_TRY(add_one_column(&t, i));
    ES_TRY(store_defaults(&t, first));
    ES_TRY(fill_with_values(&t, &stmt->def, first));
    if (!stmt->with_nocheck)
        ES_TRY(check_existing(&t));
    return engine_new_table_store_indexes(&t);
}

/* ---- DROP ---- */

static entrasql_status depends(engine_run *run, const char *what, const char *name,
                               const char *column)
{
    return engine_error(run->err, 5074, 1, "The %s '%s' is dependent on column '%s'.", what, name,
                        column);
}

static bool names_column(const char *definition, const char *column)
{
    size_t n = strlen(column);
    for (const char *p = definition; *p != '\0'; p++) {
        if (es_strncaseeq(p, column, n))
            return true;
    }
    return false;
}

static entrasql_status check_unused(engine_run *run, const engine_object *o,
                                    const engine_table_column *column)
{
    const engine_catalog *c = run->s->catalog;
    for (size_t i = 0; i < o->index_count; i++) {
        for (size_t k = 0; k < o->indexes[i].column_count; k++) {
            if (o->indexes[i].columns[k].column == column->id)
                return depends(run, o->indexes[i].constraint != 0 ? "object" : "index",
                               o->indexes[i].name, column->name);
        }
    }
    for (size_t i = 0; i < c->object_count; i++) {
        const engine_object *x = &c->objects[i];
        if (x->parent == o->id && x->type == ENGINE_OBJECT_CHECK && x->definition != NULL &&
            names_column(x->definition, column->name))
            return depends(run, "object", x->name, column->name);
        if (x->id == column->default_id && column->default_id != 0)
            return depends(run, "object", x->name, column->name);
    }
    for (size_t i = 0; i < c->foreign_key_count; i++) {
        const engine_foreign_key *fk = &c->foreign_keys[i];
        for (size_t k = 0; k < fk->column_count; k++) {
            const engine_object *x = engine_catalog_object_by_id(c, fk->id);
            if (x != NULL && ((fk->child == o->id && fk->child_columns[k] == column->id) ||
                              (fk->parent == o->id && fk->parent_columns[k] == column->id)))
                return depends(run, "object", x->name, column->name);
        }
    }
    return ENTRASQL_OK;
}

static entrasql_status drop_column(engine_run *run, const engine_object *o, const char *name)
{
    engine_session *s = run->s;
    const engine_table_column *column = engine_object_column(o, name);
    char sql[96];
    if (column == NULL)
        return engine_error(run->err, 4924, 1,
                            "ALTER TABLE DROP COLUMN failed because column '%s' does not exist in "
                            "table '%s'.",
                            name, o->name);
    if (o->column_count == 1)
        return engine_error(
            run->err, 4923, 1,
            "ALTER TABLE DROP COLUMN failed because '%s' is the only data column in "
            "table '%s'. A table must have at least one data column.",
            name, o->name);
    ES_TRY(check_unused(run, o, column));
    snprintf(sql, sizeof sql, "ALTER TABLE main.t%d DROP COLUMN c%d", (int)o->id, (int)column->id);
    ES_TRY(engine_db_exec(s->db, sql, run->err));
    return engine_catalog_drop_column(s->db, o->id, column->id, run->err);
}

/* A key that a foreign key refers to stays. */
static entrasql_status drop_key(engine_run *run, const engine_object *o,
                                const engine_object *constraint)
{
    const engine_catalog *c = run->s->catalog;
    for (size_t i = 0; i < o->index_count; i++) {
        if (o->indexes[i].constraint != constraint->id)
            continue;
        const engine_foreign_key *fk = engine_index_foreign_key(c, o, &o->indexes[i]);
        const engine_object *key = fk != NULL ? engine_catalog_object_by_id(c, fk->id) : NULL;
        const engine_object *child = fk != NULL ? engine_catalog_object_by_id(c, fk->child) : NULL;
        if (key != NULL && child != NULL)
            return engine_error(run->err, 3725, 0,
                                "The constraint '%s' is being referenced by table '%s', foreign "
                                "key constraint '%s'.",
                                constraint->name, child->name, key->name);
        ES_TRY(engine_sqlite_drop_index(run->s, o, o->indexes[i].id, run->err));
        return engine_catalog_drop_index(run->s->db, o->id, o->indexes[i].id, run->err);
    }
    return ENTRASQL_OK;
}

static entrasql_status drop_constraint(engine_run *run, const engine_object *o, const char *name,
                                       bool if_exists)
{
    engine_session *s = run->s;
    const engine_object *constraint = engine_catalog_object(s->catalog, o->schema, name);
    if (constraint == NULL || constraint->parent != o->id) {
        if (if_exists)
            return ENTRASQL_OK;
        return engine_error(run->err, 3728, 1, "'%s' is not a constraint.", name);
    }
    if (constraint->type == ENGINE_OBJECT_PRIMARY || constraint->type == ENGINE_OBJECT_UNIQUE)
        ES_TRY(drop_key(run, o, constraint));
    return engine_catalog_drop_object(s->db, constraint->id, run->err);
}

static entrasql_status alter_drop(engine_run *run, const tsql_alter_table_stmt *stmt,
                                  const engine_object *o)
{
    for (size_t i = 0; i < stmt->drop_constraints.count; i++)
        ES_TRY(drop_constraint(run, o, stmt->drop_constraints.items[i].text, stmt->if_exists));
    for (size_t i = 0; i < stmt->drop_columns.count; i++) {
        const char *name = stmt->drop_columns.items[i].text;
        if (stmt->if_exists && engine_object_column(o, name) == NULL)
            continue;
        ES_TRY(drop_column(run, o, name));
    }
    return ENTRASQL_OK;
}

/* ---- ALTER COLUMN ---- */

struct conversion {
    engine_run *run;
    const engine_object *o;
    engine_table_column column;
    sqltype old;
};

static entrasql_status convert_row(struct conversion *c, sqlite3_stmt *read, sqlite3_stmt *write,
                                   engine_change_set *set)
{
    sqlvalue v;
    sqlvalue converted;
    bool row;
    entrasql_error *err = c->run->err;
    ES_TRY(engine_store_column(read, 1, c->old, &v));
    if (v.is_null && !c->column.nullable) {
        char table[600];
        return engine_error(
            err, 515, 2,
            "Cannot insert the value NULL into column '%s', table '%s'; column does "
            "not allow nulls. UPDATE fails.",
            c->column.name, engine_table_text(c->run->s, c->o, true, table, sizeof table));
    }
    ES_TRY(engine_change_value(set, &c->column, &v, &converted));
    sqlite3_reset(write);
    sqlite3_bind_int64(write, 1, sqlite3_column_int64(read, 0));
    entrasql_status status = engine_store_bind(write, 2, &converted);
    sqlvalue_done(&converted);
    ES_TRY(status);
    return engine_db_step(write, &row, err);
}

static entrasql_status convert_rows(struct conversion *c)
{
    ES_CLEANUP(engine_binder_done) engine_binder b;
    ES_CLEANUP(engine_db_finalize) sqlite3_stmt *read = NULL;
    ES_CLEANUP(engine_db_finalize) sqlite3_stmt *write = NULL;
    engine_change_set set = {.b = &b, .table = c->o, .verb = "UPDATE"};
    sqlite3 *db = c->run->s->db;
    char sql[128];
    bool row;
    ES_TRY(engine_binder_init(&b, c->run->s, c->run->err));
    /* The rows are sorted, so kept apart from those that are being written. */
    snprintf(sql, sizeof sql, "SELECT rowid, c%d FROM main.t%d ORDER BY rowid + 0",
             (int)c->column.id, (int)c->o->id);
    ES_TRY(engine_db_prepare(db, sql, strlen(sql), &read, c->run->err));
    snprintf(sql, sizeof sql, "UPDATE main.t%d SET c%d = ?2 WHERE rowid = ?1", (int)c->o->id,
             (int)c->column.id);
    ES_TRY(engine_db_prepare(db, sql, strlen(sql), &write, c->run->err));
    for (;;) {
        ES_TRY(engine_db_step(read, &row, c->run->err));
        if (!row)
            return ENTRASQL_OK;
        ES_TRY(convert_row(c, read, write, &set));
    }
}

/* Longer text or binary of the same type: an index does not stand in its way. */
static bool only_grows(sqltype from, sqltype to)
{
    return from.id == to.id && from.length != SQLTYPE_MAX && to.length != SQLTYPE_MAX &&
           (from.id == SQLTYPE_VARCHAR || from.id == SQLTYPE_NVARCHAR ||
            from.id == SQLTYPE_VARBINARY) &&
           to.length >= from.length;
}

static entrasql_status alter_column(engine_run *run, const tsql_alter_table_stmt *stmt,
                                    const engine_object *o)
{
    const tsql_column_def *def = &stmt->def.columns[0];
    const engine_table_column *old = engine_object_column(o, def->name.text);
    struct conversion c = {.run = run, .o = o};
    if (old == NULL)
        return engine_error(run->err, 4924, 1,
                            "ALTER TABLE ALTER COLUMN failed because column '%s' does not exist in "
                            "table '%s'.",
                            def->name.text, o->name);
    if (old->computed != NULL || old->type.id == SQLTYPE_ROWVERSION || !def->has_type)
        return engine_unsupported(run->err, "ALTER COLUMN of this column");
    c.column = *old;
    c.old = old->type;
    ES_TRY(tsql_type_resolve(&def->type, TSQL_LENGTH_DECLARED, 1, &c.column.type, run->err));
    c.column.nullable = !old->identity && def->nullability != TSQL_NOT_NULL;
    ES_TRY(sqltype_check_conversion(c.old, c.column.type, false, run->err));
    bool same_form = engine_store_same(c.old, c.column.type);
    /* Key columns keep their storage, or the index would have to be made again. */
    if (!same_form || (old->nullable != c.column.nullable)) {
        for (size_t i = 0; i < o->index_count; i++) {
            if (o->indexes[i].kind != ENGINE_INDEX_PRIMARY && only_grows(c.old, c.column.type))
                continue;
            for (size_t k = 0; k < o->indexes[i].column_count; k++) {
                if (o->indexes[i].columns[k].column == old->id)
                    return depends(run, o->indexes[i].constraint != 0 ? "object" : "index",
                                   o->indexes[i].name, old->name);
            }
        }
    }
    if (!same_form || (old->nullable && !c.column.nullable))
        ES_TRY(convert_rows(&c));
    return engine_catalog_set_column(run->s->db, o->id, &c.column, run->err);
}

/* ---- the statement ---- */

static entrasql_status alter_table(engine_run *run, const tsql_alter_table_stmt *stmt)
{
    engine_session *s = run->s;
    const engine_object *o;
    char text[512];
    ES_TRY(engine_find_object(s, &stmt->object, &o, run->err));
    bool temp = o != NULL && engine_temp_is(s, o);
    if (o == NULL || o->type != ENGINE_OBJECT_TABLE || (!temp && !engine_may_object(s, "ALTER", o)))
        return engine_error(run->err, o == NULL ? 4902 : 1088, 1,
                            "Cannot find the object \"%s\" because it does not exist or you do not "
                            "have permissions.",
                            engine_object_text(&stmt->object, text, sizeof text));
    if (temp)
        return engine_unsupported(run->err, "ALTER TABLE of a temporary table");
    switch (stmt->kind) {
    case TSQL_ALTER_TABLE_ADD:
        return alter_add(run, stmt, o);
    case TSQL_ALTER_TABLE_DROP:
        return alter_drop(run, stmt, o);
    case TSQL_ALTER_TABLE_ALTER_COLUMN:
        return alter_column(run, stmt, o);
    case TSQL_ALTER_TABLE_CHECK:
    case TSQL_ALTER_TABLE_TRIGGER:
        break;
    }
    return engine_unsupported(run->err, "ALTER TABLE CHECK/NOCHECK/TRIGGER");
}

entrasql_status engine_run_alter_table(engine_run *run, const tsql_alter_table_stmt *stmt)
{
    engine_unit unit;
    ES_TRY(engine_unit_begin(run->s, true, true, &unit, run->err));
    entrasql_status status = alter_table(run, stmt);
    ES_TRY(engine_unit_end(run->s, &unit, status, run->err));
    return engine_output_done(run->s, ENGINE_CMD_OTHER, false, 0, false);
}

/* ---- CREATE INDEX ---- */

static entrasql_status fill_index(engine_run *run, const tsql_create_index_stmt *stmt,
                                  const engine_object *o, engine_index *index)
{
    size_t count = stmt->columns.count + stmt->include.count;
    index->columns = es_calloc(count + 1, sizeof *index->columns);
    if (index->columns == NULL)
        return es_nomem(run->err);
    for (size_t i = 0; i < count; i++) {
        bool included = i >= stmt->columns.count;
        const char *name = included ? stmt->include.items[i - stmt->columns.count].text
                                    : stmt->columns.items[i].name.text;
        const engine_table_column *column = engine_object_column(o, name);
        if (column == NULL)
            return engine_error(run->err, 1911, 1,
                                "Column name '%s' does not exist in the target table or view.",
                                name);
        index->columns[index->column_count++] = (engine_index_column){
            .column = column->id,
            .descending = !included && stmt->columns.items[i].descending,
            .included = included,
        };
    }
    for (size_t i = 0; i < o->index_count; i++)
        index->id = o->indexes[i].id >= index->id ? o->indexes[i].id + 1 : index->id;
    if (index->id < 2)
        index->id = 2;
    if (stmt->where != NULL) {
        index->filter = engine_run_source(run, stmt->where_text);
        if (index->filter == NULL)
            return es_nomem(run->err);
    }
    return ENTRASQL_OK;
}

static void free_index(engine_index *index)
{
    es_free(index->name);
    es_free(index->filter);
    es_free(index->columns);
}

static entrasql_status store_index(engine_run *run, const tsql_create_index_stmt *stmt,
                                   const engine_object *o, engine_index *index)
{
    char sql_name[48];
    index->name = es_strdup(stmt->name.text);
    if (index->name == NULL)
        return es_nomem(run->err);
    ES_TRY(fill_index(run, stmt, o, index));
    if (!engine_temp_is(run->s, o))
        ES_TRY(engine_catalog_add_index(run->s->db, o->id, index, run->err));
    return engine_sqlite_create_index(
        run->s, o, index, engine_table_name(run->s, o, sql_name, sizeof sql_name), run->err);
}

static entrasql_status create_index(engine_run *run, const tsql_create_index_stmt *stmt)
{
    engine_session *s = run->s;
    const engine_object *o;
    char text[512];
    ES_TRY(engine_find_object(s, &stmt->object, &o, run->err));
    if (o == NULL || o->type != ENGINE_OBJECT_TABLE ||
        (!engine_temp_is(s, o) && !engine_may_object(s, "ALTER", o)))
        return engine_error(run->err, 1088, 12,
                            "Cannot find the object \"%s\" because it does not exist or you do not "
                            "have permissions.",
                            engine_object_text(&stmt->object, text, sizeof text));
    for (size_t i = 0; i < o->index_count; i++) {
        if (sqlcollation_equal_names(o->indexes[i].name, stmt->name.text))
            return engine_error(run->err, 1913, 1,
                                "The operation failed because an index or statistics with name "
                                "'%s' already exists on table '%s'.",
                                stmt->name.text,
                                engine_object_text(&stmt->object, text, sizeof text));
    }
    engine_index index = {.kind = stmt->unique ? ENGINE_INDEX_UNIQUE : ENGINE_INDEX_PLAIN};
    entrasql_status status = store_index(run, stmt, o, &index);
    free_index(&index);
    return status;
}

entrasql_status engine_run_create_index(engine_run *run, const tsql_create_index_stmt *stmt)
{
    engine_unit unit;
    ES_TRY(engine_unit_begin(run->s, true, true, &unit, run->err));
    entrasql_status status = create_index(run, stmt);
    ES_TRY(engine_unit_end(run->s, &unit, status, run->err));
    return engine_output_done(run->s, ENGINE_CMD_OTHER, false, 0, false);
}
