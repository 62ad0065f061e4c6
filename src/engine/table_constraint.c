/* SPDX-License-Identifier: MIT */
/* PRIMARY KEY, UNIQUE, CHECK, DEFAULT, FOREIGN KEY and INDEX of a table's definition. */
#include "engine/table.h"

#include "base/mem.h"
#include "base/random.h"
#include "base/str.h"
#include "engine/permission.h"
#include "sqltype/collation.h"
#include "sqltype/convert.h"

#include <stdio.h>
#include <string.h>

/* "PK__Persons__3214EC07A1B2C3D4", as SQL Server makes names up. */
static char *made_up_name(const char *prefix, const char *table, const char *column, bool is_long)
{
    char text[ENGINE_NAME_MAX];
    char id[20];
    if (is_long)
        snprintf(id, sizeof id, "%08X%08X", (unsigned)es_random_below(UINT32_MAX),
                 (unsigned)es_random_below(UINT32_MAX));
    else
        snprintf(id, sizeof id, "%08X", (unsigned)es_random_below(UINT32_MAX));
    if (column != NULL)
        snprintf(text, sizeof text, "%s__%.9s__%.5s__%s", prefix, table, column, id);
    else
        snprintf(text, sizeof text, "%s__%.8s__%s", prefix, table, id);
    es_utf8_trim_end(text);
    return es_strdup(text);
}

static char *name_for(const engine_new_table *t, const tsql_constraint *c, const char *prefix,
                      size_t column, bool is_long)
{
    if (c->name.text != NULL)
        return es_strdup(c->name.text);
    const char *column_name =
        column != SIZE_MAX && !is_long ? t->object->columns[column].name : NULL;
    return made_up_name(prefix, t->object->name, column_name, is_long);
}

static entrasql_status find_column(const engine_new_table *t, const char *name, const char *what,
                                   size_t *ret)
{
    const engine_table_column *column = engine_object_column(t->object, name);
    if (column == NULL)
        return engine_error(t->run->err, 1911, 1,
                            "Column name '%s' does not exist in the target table or view.%s", name,
                            what);
    *ret = (size_t)(column - t->object->columns);
    return ENTRASQL_OK;
}

/* ---- keys and indexes ---- */

static entrasql_status add_index_column(engine_new_table *t, engine_index *index, size_t place,
                                        bool descending)
{
    engine_index_column *grown =
        es_reallocarray(index->columns, index->column_count + 1, sizeof *grown);
    if (grown == NULL)
        return es_nomem(t->run->err);
    index->columns = grown;
    grown[index->column_count++] =
        (engine_index_column){.column = t->object->columns[place].id, .descending = descending};
    return ENTRASQL_OK;
}

static entrasql_status fill_index(engine_new_table *t, const tsql_constraint *c, size_t column,
                                  engine_index *index)
{
    if (c->columns.count == 0 && column != SIZE_MAX)
        return add_index_column(t, index, column, false);
    for (size_t i = 0; i < c->columns.count; i++) {
        size_t place = 0;
        ES_TRY(find_column(t, c->columns.items[i].name.text, "", &place));
        ES_TRY(add_index_column(t, index, place, c->columns.items[i].descending));
    }
    return ENTRASQL_OK;
}

/* Columns of a primary key cannot be NULL; those that were said to be are an error. */
static entrasql_status force_not_null(engine_new_table *t, const engine_index *index)
{
    for (size_t i = 0; i < index->column_count; i++) {
        size_t place = engine_object_column_place(t->object, index->columns[i].column);
        engine_table_column *column = &t->object->columns[place];
        if (column->nullable && t->first_index != 0)
            return engine_error(t->run->err, 8111, 1,
                                "Cannot define PRIMARY KEY constraint on nullable column in table "
                                "'%s'.",
                                t->object->name);
        column->nullable = false;
    }
    return ENTRASQL_OK;
}

static bool has_clustered(const engine_object *o)
{
    for (size_t i = 0; i < o->index_count; i++) {
        if (o->indexes[i].clustered)
            return true;
    }
    return false;
}

static entrasql_status add_index(engine_new_table *t, const tsql_constraint *c, size_t column)
{
    engine_object *o = t->object;
    bool primary = c->kind == TSQL_CONSTRAINT_PRIMARY_KEY;
    engine_index_kind kind = primary                             ? ENGINE_INDEX_PRIMARY
                             : c->kind == TSQL_CONSTRAINT_UNIQUE ? ENGINE_INDEX_UNIQUE_CONSTRAINT
                             : c->unique                         ? ENGINE_INDEX_UNIQUE
                                                                 : ENGINE_INDEX_PLAIN;
    for (size_t i = 0; primary && i < o->index_count; i++) {
        if (o->indexes[i].kind == ENGINE_INDEX_PRIMARY)
            return t->first_index != 0
                       ? engine_error(t->run->err, 1779, 0,
                                      "Table '%s' already has a primary key defined on it.",
                                      o->name)
                       : engine_error(t->run->err, 8110, 0,
                                      "Cannot add multiple PRIMARY KEY constraints to table '%s'.",
                                      o->name);
    }
    engine_index *grown = es_reallocarray(o->indexes, o->index_count + 1, sizeof *grown);
    if (grown == NULL)
        return es_nomem(t->run->err);
    o->indexes = grown;
    engine_index *index = &grown[o->index_count];
    int32_t last = 0;
    for (size_t i = 0; i < o->index_count; i++)
        last = grown[i].id > last ? grown[i].id : last;
    bool clustered = c->clustered == TSQL_CLUSTERED_YES ||
                     (primary && c->clustered == TSQL_CLUSTERED_UNSPECIFIED && !has_clustered(o));
    /* Number 1 is the clustered index, as in sys.indexes. */
    *index = (engine_index){.id = clustered  ? 1
                                  : last < 1 ? 2
                                             : last + 1,
                            .name = name_for(t, c, primary ? "PK" : "UQ", column, true),
                            .kind = kind,
                            .clustered = clustered};
    o->index_count++;
    if (index->name == NULL)
        return es_nomem(t->run->err);
    ES_TRY(fill_index(t, c, column, index));
    return primary ? force_not_null(t, index) : ENTRASQL_OK;
}

/* ---- CHECK and DEFAULT ---- */

static char *bracketed(engine_run *run, tsql_span span)
{
    char *text = engine_run_source(run, span);
    if (text == NULL)
        return NULL;
    size_t n = strlen(text);
    char *wrapped = es_malloc(n + 3);
    if (wrapped != NULL) {
        wrapped[0] = '(';
        memcpy(wrapped + 1, text, n);
        wrapped[n + 1] = ')';
        wrapped[n + 2] = '\0';
    }
    es_free(text);
    return wrapped;
}

/* Errors of the expression are told when the table is made, not when a row comes. */
static entrasql_status try_bind(engine_new_table *t, const tsql_constraint *c, size_t column)
{
    ES_CLEANUP(engine_binder_done) engine_binder b;
    engine_source *source = NULL;
    engine_node *node;
    ES_TRY(engine_binder_init(&b, t->run->s, t->run->err));
    if (c->kind == TSQL_CONSTRAINT_DEFAULT) {
        ES_TRY(engine_bind_expr(&b, c->default_value, &node));
        return sqltype_check_conversion(node->type, t->object->columns[column].type, false,
                                        t->run->err);
    }
    ES_TRY(engine_bind_object(&b, t->object, "", &source));
    source->object = NULL;
    engine_source *sources[1] = {source};
    engine_scope scope = {.sources = sources, .count = 1};
    b.scope = &scope;
    return engine_bind_cond(&b, c->check, &node);
}

static entrasql_status add_expression(engine_new_table *t, const tsql_constraint *c, size_t column)
{
    bool is_default = c->kind == TSQL_CONSTRAINT_DEFAULT;
    if (is_default && column == SIZE_MAX)
        ES_TRY(find_column(t, c->for_column.text, "", &column));
    if (is_default && t->object->columns[column].identity)
        return engine_error(t->run->err, 1754, 0,
                            "Defaults cannot be created on columns with an IDENTITY attribute. "
                            "Table '%s', column '%s'.",
                            t->object->name, t->object->columns[column].name);
    if (is_default && t->object->columns[column].default_id != 0)
        return engine_error(t->run->err, 1781, 1, "Column already has a DEFAULT bound to it.");
    ES_TRY(try_bind(t, c, column));
    engine_new_constraint *grown =
        es_reallocarray(t->constraints, t->constraint_count + 1, sizeof *grown);
    if (grown == NULL)
        return es_nomem(t->run->err);
    t->constraints = grown;
    engine_new_constraint *added = &grown[t->constraint_count++];
    *added = (engine_new_constraint){
        .type = is_default ? ENGINE_OBJECT_DEFAULT : ENGINE_OBJECT_CHECK,
        .name = name_for(t, c, is_default ? "DF" : "CK", column, false),
        .definition = bracketed(t->run, is_default ? c->default_text : c->check_text),
        .column = column,
        .system_named = c->name.text == NULL,
    };
    return added->name != NULL && added->definition != NULL ? ENTRASQL_OK : es_nomem(t->run->err);
}

/* ---- FOREIGN KEY ---- */

static engine_action action_of(tsql_action action)
{
    static const engine_action actions[] = {ENGINE_ACTION_NONE, ENGINE_ACTION_CASCADE,
                                            ENGINE_ACTION_SET_NULL, ENGINE_ACTION_SET_DEFAULT};
    return actions[action];
}

/* The parent's key that the columns refer to: its primary key, or a unique one of these columns. */
static const engine_index *find_key(const engine_object *parent, const int32_t *columns,
                                    size_t count)
{
    for (size_t i = 0; i < parent->index_count; i++) {
        const engine_index *index = &parent->indexes[i];
        size_t matched = 0;
        if (index->kind == ENGINE_INDEX_PLAIN || index->column_count != count)
            continue;
        for (size_t k = 0; k < count; k++) {
            for (size_t m = 0; m < count; m++)
                matched += index->columns[m].column == columns[k];
        }
        if (matched == count)
            return index;
    }
    return NULL;
}

static entrasql_status parent_columns(engine_new_table *t, const tsql_constraint *c,
                                      const engine_object *parent, engine_new_key *key)
{
    for (size_t i = 0; i < c->referenced_columns.count; i++) {
        const char *name = c->referenced_columns.items[i].text;
        const engine_table_column *column = engine_object_column(parent, name);
        if (column == NULL)
            return engine_error(t->run->err, 1770, 0,
                                "Foreign key '%s' references invalid column '%s' in referenced "
                                "table '%s'.",
                                key->name, name, parent->name);
        key->parent_columns[i] = column->id;
    }
    if (c->referenced_columns.count == key->column_count &&
        find_key(parent, key->parent_columns, key->column_count) != NULL)
        return ENTRASQL_OK;
    for (size_t i = 0; c->referenced_columns.count == 0 && i < parent->index_count; i++) {
        const engine_index *index = &parent->indexes[i];
        if (index->kind != ENGINE_INDEX_PRIMARY || index->column_count != key->column_count)
            continue;
        for (size_t k = 0; k < key->column_count; k++)
            key->parent_columns[k] = index->columns[k].column;
        return ENTRASQL_OK;
    }
    return engine_error(t->run->err, 1776, 0,
                        "There are no primary or candidate keys in the referenced table '%s' that "
                        "match the referencing column list in the foreign key '%s'.",
                        parent->name, key->name);
}

static entrasql_status child_columns(engine_new_table *t, const tsql_constraint *c, size_t column,
                                     engine_new_key *key)
{
    key->column_count = c->columns.count != 0 ? c->columns.count : 1;
    key->child_columns = es_calloc(key->column_count, sizeof *key->child_columns);
    key->parent_columns = es_calloc(key->column_count, sizeof *key->parent_columns);
    if (key->child_columns == NULL || key->parent_columns == NULL)
        return es_nomem(t->run->err);
    for (size_t i = 0; i < key->column_count; i++) {
        size_t place = column;
        if (c->columns.count != 0) {
            const char *name = c->columns.items[i].name.text;
            const engine_table_column *found = engine_object_column(t->object, name);
            if (found == NULL)
                return engine_error(
                    t->run->err, 1769, 1,
                    "Foreign key '%s' references invalid column '%s' in referencing "
                    "table '%s'.",
                    key->name, name, t->object->name);
            place = (size_t)(found - t->object->columns);
        }
        key->child_columns[i] = t->object->columns[place].id;
    }
    return ENTRASQL_OK;
}

static entrasql_status add_foreign_key(engine_new_table *t, const tsql_constraint *c, size_t column)
{
    engine_session *s = t->run->s;
    const engine_object *parent = NULL;
    char text[512];
    engine_new_key *grown = es_reallocarray(t->keys, t->key_count + 1, sizeof *grown);
    if (grown == NULL)
        return es_nomem(t->run->err);
    t->keys = grown;
    engine_new_key *key = &grown[t->key_count++];
    *key = (engine_new_key){.name = name_for(t, c, "FK", column, false),
                            .system_named = c->name.text == NULL,
                            .on_delete = action_of(c->on_delete),
                            .on_update = action_of(c->on_update)};
    if (key->name == NULL)
        return es_nomem(t->run->err);
    if (key->on_delete == ENGINE_ACTION_SET_DEFAULT || key->on_update == ENGINE_ACTION_SET_DEFAULT)
        return engine_unsupported(t->run->err, "SET DEFAULT of a foreign key");
    ES_TRY(engine_find_object(s, &c->references, &parent, t->run->err));
    bool self = parent == NULL && c->references.name.text != NULL &&
                sqlcollation_equal_names(c->references.name.text, t->object->name);
    if (self || (parent != NULL && parent->id == t->object->id))
        parent = t->object;
    if (parent == NULL || parent->type != ENGINE_OBJECT_TABLE)
        return engine_error(t->run->err, 1767, 0, "Foreign key '%s' references invalid table '%s'.",
                            key->name, engine_object_text(&c->references, text, sizeof text));
    if (parent != t->object && !engine_may_object(s, "REFERENCES", parent))
        return engine_need_object(s, "REFERENCES", parent, t->run->err);
    key->parent = parent->id;
    ES_TRY(child_columns(t, c, column, key));
    return parent_columns(t, c, parent, key);
}

entrasql_status engine_new_table_constraint(engine_new_table *t, const tsql_constraint *c,
                                            size_t column)
{
    switch (c->kind) {
    case TSQL_CONSTRAINT_PRIMARY_KEY:
    case TSQL_CONSTRAINT_UNIQUE:
    case TSQL_CONSTRAINT_INDEX:
        return add_index(t, c, column);
    case TSQL_CONSTRAINT_CHECK:
    case TSQL_CONSTRAINT_DEFAULT:
        return add_expression(t, c, column);
    case TSQL_CONSTRAINT_FOREIGN_KEY:
        return add_foreign_key(t, c, column);
    }
    return ENTRASQL_OK;
}
