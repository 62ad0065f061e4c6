/* SPDX-License-Identifier: MIT */
/* sys.indexes, key, check, default and foreign key constraints. */
#include "engine/permission.h"
#include "engine/views_sys.h"

#include <stdio.h>

/* ---- indexes ---- */

static const engine_view_column index_columns[] = {
    {"object_id", "int", false},         {"name", "sysname", true},
    {"index_id", "int", false},          {"type", "tinyint", false},
    {"type_desc", "nvarchar(60)", true}, {"is_unique", "bit", true},
    {"data_space_id", "int", true},      {"ignore_dup_key", "bit", true},
    {"is_primary_key", "bit", true},     {"is_unique_constraint", "bit", true},
    {"fill_factor", "tinyint", false},   {"is_padded", "bit", true},
    {"is_disabled", "bit", true},        {"is_hypothetical", "bit", true},
    {"allow_row_locks", "bit", true},    {"allow_page_locks", "bit", true},
    {"has_filter", "bit", true},         {"filter_definition", "nvarchar(max)", true},
};

static bool is_clustered(const engine_object *o)
{
    for (size_t i = 0; i < o->index_count; i++) {
        if (o->indexes[i].clustered)
            return true;
    }
    return false;
}

/* index: NULL for the heap of a table without a clustered index. */
static entrasql_status row_index(engine_rows *r, const engine_object *o, const engine_index *index)
{
    bool heap = index == NULL;
    bool clustered = !heap && index->clustered;
    engine_row_int(r, o->id);
    engine_row_text(r, heap ? NULL : index->name);
    engine_row_int(r, heap ? 0 : index->id);
    engine_row_int(r, heap ? 0 : clustered ? 1 : 2);
    engine_row_text(r, heap ? "HEAP" : clustered ? "CLUSTERED" : "NONCLUSTERED");
    engine_row_int(r, !heap && index->kind != ENGINE_INDEX_PLAIN);
    engine_row_int(r, 1);
    engine_row_int(r, false);
    engine_row_int(r, !heap && index->kind == ENGINE_INDEX_PRIMARY);
    engine_row_int(r, !heap && index->kind == ENGINE_INDEX_UNIQUE_CONSTRAINT);
    engine_row_int(r, 0);
    for (int i = 0; i < 3; i++)
        engine_row_int(r, false);
    engine_row_int(r, true);
    engine_row_int(r, true);
    engine_row_int(r, !heap && index->filter != NULL);
    engine_row_text(r, heap ? NULL : index->filter);
    return engine_rows_status(r);
}

static entrasql_status fill_indexes(engine_rows *r)
{
    engine_session *s = r->s;
    for (size_t i = 0; i < s->catalog->object_count; i++) {
        const engine_object *o = &s->catalog->objects[i];
        if (o->type != ENGINE_OBJECT_TABLE || !engine_may_see(s, o))
            continue;
        if (!is_clustered(o))
            ES_TRY(row_index(r, o, NULL));
        for (size_t k = 0; k < o->index_count; k++)
            ES_TRY(row_index(r, o, &o->indexes[k]));
    }
    return engine_rows_status(r);
}

/* A call for each index that the user may see. */
static entrasql_status each_index(engine_rows *r,
                                  void (*row)(engine_rows *r, const engine_object *o,
                                              const engine_index *index))
{
    engine_session *s = r->s;
    for (size_t i = 0; i < s->catalog->object_count; i++) {
        const engine_object *o = &s->catalog->objects[i];
        if (o->type != ENGINE_OBJECT_TABLE || !engine_may_see(s, o))
            continue;
        for (size_t k = 0; k < o->index_count; k++)
            row(r, o, &o->indexes[k]);
    }
    return engine_rows_status(r);
}

static const engine_view_column index_column_columns[] = {
    {"object_id", "int", false},        {"index_id", "int", false},
    {"index_column_id", "int", false},  {"column_id", "int", false},
    {"key_ordinal", "tinyint", false},  {"partition_ordinal", "tinyint", false},
    {"is_descending_key", "bit", true}, {"is_included_column", "bit", true},
};

static void row_index_columns(engine_rows *r, const engine_object *o, const engine_index *index)
{
    int64_t key = 0;
    for (size_t i = 0; i < index->column_count; i++) {
        const engine_index_column *c = &index->columns[i];
        engine_row_int(r, o->id);
        engine_row_int(r, index->id);
        engine_row_int(r, (int64_t)i + 1);
        engine_row_int(r, c->column);
        engine_row_int(r, c->included ? 0 : ++key);
        engine_row_int(r, 0);
        engine_row_int(r, c->descending);
        engine_row_int(r, c->included);
    }
}

static entrasql_status fill_index_columns(engine_rows *r)
{
    return each_index(r, row_index_columns);
}

/* ---- statistics: those that every index has ---- */

static const engine_view_column stats_columns[] = {
    {"object_id", "int", false},
    {"name", "sysname", true},
    {"stats_id", "int", false},
    {"auto_created", "bit", true},
    {"user_created", "bit", true},
    {"no_recompute", "bit", true},
    {"has_filter", "bit", true},
    {"filter_definition", "nvarchar(max)", true},
    {"is_temporary", "bit", true},
    {"is_incremental", "bit", true},
    {"has_persisted_sample", "bit", true},
    {"stats_generation_method", "int", false},
    {"stats_generation_method_desc", "varchar(255)", true},
    {"auto_drop", "bit", true},
};

static void row_stats(engine_rows *r, const engine_object *o, const engine_index *index)
{
    engine_row_int(r, o->id);
    engine_row_text(r, index->name);
    engine_row_int(r, index->id);
    for (int i = 0; i < 3; i++)
        engine_row_int(r, false);
    engine_row_int(r, index->filter != NULL);
    engine_row_text(r, index->filter);
    for (int i = 0; i < 3; i++)
        engine_row_int(r, false);
    engine_row_int(r, 0);
    engine_row_text(r, "Sort based statistics");
    engine_row_int(r, false);
}

static entrasql_status fill_stats(engine_rows *r)
{
    return each_index(r, row_stats);
}

static const engine_view_column stats_column_columns[] = {
    {"object_id", "int", false},
    {"stats_id", "int", false},
    {"stats_column_id", "int", true},
    {"column_id", "int", true},
};

static void row_stats_columns(engine_rows *r, const engine_object *o, const engine_index *index)
{
    int64_t place = 0;
    for (size_t i = 0; i < index->column_count; i++) {
        if (index->columns[i].included)
            continue;
        engine_row_int(r, o->id);
        engine_row_int(r, index->id);
        engine_row_int(r, ++place);
        engine_row_int(r, index->columns[i].column);
    }
}

static entrasql_status fill_stats_columns(engine_rows *r)
{
    return each_index(r, row_stats_columns);
}

/* ---- partitions: every heap and index is one ---- */

/* SQL Server's begin there. */
#define FIRST_PARTITION (INT64_C(1) << 56)

static const engine_view_column partition_columns[] = {
    {"partition_id", "bigint", false},
    {"object_id", "int", false},
    {"index_id", "int", false},
    {"partition_number", "int", false},
    {"hobt_id", "bigint", false},
    {"rows", "bigint", true},
    {"filestream_filegroup_id", "smallint", false},
    {"data_compression", "tinyint", false},
    {"data_compression_desc", "nvarchar(60)", true},
    {"xml_compression", "bit", true},
    {"xml_compression_desc", "varchar(3)", true},
};

static void row_partition(engine_rows *r, const engine_object *o, int32_t index, int64_t rows)
{
    int64_t id = FIRST_PARTITION + ((int64_t)o->id << 16) + index;
    engine_row_int(r, id);
    engine_row_int(r, o->id);
    engine_row_int(r, index);
    engine_row_int(r, 1);
    engine_row_int(r, id);
    engine_row_int(r, rows);
    engine_row_int(r, 0);
    engine_row_int(r, 0);
    engine_row_text(r, "NONE");
    engine_row_int(r, false);
    engine_row_text(r, "OFF");
}

/* The rows are counted; that a filtered index has fewer is left aside. */
static entrasql_status fill_partitions(engine_rows *r)
{
    const engine_session *s = r->s;
    for (size_t i = 0; i < s->catalog->object_count; i++) {
        const engine_object *o = &s->catalog->objects[i];
        char sql[64];
        int64_t rows = 0;
        if (o->type != ENGINE_OBJECT_TABLE || !engine_may_see(s, o))
            continue;
        (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM main.t%d", (int)o->id);
        ES_TRY(engine_db_int(s->db, r->err, &rows, sql, ""));
        if (!is_clustered(o))
            row_partition(r, o, 0, rows);
        for (size_t k = 0; k < o->index_count; k++)
            row_partition(r, o, o->indexes[k].id, rows);
    }
    return engine_rows_status(r);
}

/* ---- key, check and default constraints ---- */

static const engine_view_column key_constraint_columns[] = {
    ENGINE_OBJECT_COLUMNS,
    {"unique_index_id", "int", true},
    {"is_system_named", "bit", false},
    {"is_enforced", "bit", false},
};

/* The index behind a key constraint. */
static int32_t index_of(const engine_catalog *c, const engine_object *constraint)
{
    const engine_object *table = engine_catalog_object_by_id(c, constraint->parent);
    for (size_t i = 0; table != NULL && i < table->index_count; i++) {
        if (table->indexes[i].constraint == constraint->id)
            return table->indexes[i].id;
    }
    return 0;
}

static entrasql_status fill_key_constraints(engine_rows *r)
{
    engine_session *s = r->s;
    for (size_t i = 0; i < s->catalog->object_count; i++) {
        const engine_object *o = &s->catalog->objects[i];
        bool key = o->type == ENGINE_OBJECT_PRIMARY || o->type == ENGINE_OBJECT_UNIQUE;
        if (!key || !engine_may_see(s, o))
            continue;
        engine_row_object(r, o);
        engine_row_int(r, index_of(s->catalog, o));
        engine_row_int(r, o->system_named);
        engine_row_int(r, true);
    }
    return engine_rows_status(r);
}

static const engine_view_column check_constraint_columns[] = {
    ENGINE_OBJECT_COLUMNS,
    {"is_disabled", "bit", false},
    {"is_not_for_replication", "bit", false},
    {"is_not_trusted", "bit", false},
    {"parent_column_id", "int", false},
    {"definition", "nvarchar(max)", true},
    {"uses_database_collation", "bit", true},
    {"is_system_named", "bit", false},
};

static entrasql_status fill_check_constraints(engine_rows *r)
{
    engine_session *s = r->s;
    for (size_t i = 0; i < s->catalog->object_count; i++) {
        const engine_object *o = &s->catalog->objects[i];
        if (o->type != ENGINE_OBJECT_CHECK || !engine_may_see(s, o))
            continue;
        engine_row_object(r, o);
        engine_row_int(r, o->disabled);
        engine_row_int(r, false);
        engine_row_int(r, o->disabled);
        engine_row_int(r, 0);
        engine_row_text(r, o->definition);
        engine_row_int(r, true);
        engine_row_int(r, o->system_named);
    }
    return engine_rows_status(r);
}

static const engine_view_column default_constraint_columns[] = {
    ENGINE_OBJECT_COLUMNS,
    {"parent_column_id", "int", false},
    {"definition", "nvarchar(max)", true},
    {"is_system_named", "bit", false},
};

static int32_t column_of_default(const engine_catalog *c, const engine_object *constraint)
{
    const engine_object *table = engine_catalog_object_by_id(c, constraint->parent);
    for (size_t i = 0; table != NULL && i < table->column_count; i++) {
        if (table->columns[i].default_id == constraint->id)
            return table->columns[i].id;
    }
    return 0;
}

static entrasql_status fill_default_constraints(engine_rows *r)
{
    engine_session *s = r->s;
    for (size_t i = 0; i < s->catalog->object_count; i++) {
        const engine_object *o = &s->catalog->objects[i];
        if (o->type != ENGINE_OBJECT_DEFAULT || !engine_may_see(s, o))
            continue;
        engine_row_object(r, o);
        engine_row_int(r, column_of_default(s->catalog, o));
        engine_row_text(r, o->definition);
        engine_row_int(r, o->system_named);
    }
    return engine_rows_status(r);
}

/* ---- foreign keys ---- */

static const engine_view_column foreign_key_columns[] = {
    ENGINE_OBJECT_COLUMNS,
    {"referenced_object_id", "int", true},
    {"key_index_id", "int", true},
    {"is_disabled", "bit", false},
    {"is_not_for_replication", "bit", false},
    {"is_not_trusted", "bit", false},
    {"delete_referential_action", "tinyint", true},
    {"delete_referential_action_desc", "nvarchar(60)", true},
    {"update_referential_action", "tinyint", true},
    {"update_referential_action_desc", "nvarchar(60)", true},
    {"is_system_named", "bit", false},
};

const char *engine_action_name(engine_action action)
{
    static const char *const names[] = {"NO ACTION", "CASCADE", "SET NULL", "SET DEFAULT"};
    return names[action];
}

/* As engine_action_name, with '_' for the blank. */
static const char *action_desc(engine_action action)
{
    static const char *const names[] = {"NO_ACTION", "CASCADE", "SET_NULL", "SET_DEFAULT"};
    return names[action];
}

static entrasql_status fill_foreign_keys(engine_rows *r)
{
    engine_session *s = r->s;
    for (size_t i = 0; i < s->catalog->foreign_key_count; i++) {
        const engine_foreign_key *fk = &s->catalog->foreign_keys[i];
        const engine_object *o = engine_catalog_object_by_id(s->catalog, fk->id);
        if (o == NULL || !engine_may_see(s, o))
            continue;
        const engine_index *index = engine_foreign_key_index(s->catalog, fk);
        engine_row_object(r, o);
        engine_row_int(r, fk->parent);
        engine_row_int(r, index != NULL ? index->id : 0);
        engine_row_int(r, fk->disabled);
        engine_row_int(r, false);
        engine_row_int(r, fk->disabled);
        engine_row_int(r, (int64_t)fk->on_delete);
        engine_row_text(r, action_desc(fk->on_delete));
        engine_row_int(r, (int64_t)fk->on_update);
        engine_row_text(r, action_desc(fk->on_update));
        engine_row_int(r, o->system_named);
    }
    return engine_rows_status(r);
}

static const engine_view_column foreign_key_column_columns[] = {
    {"constraint_object_id", "int", false}, {"constraint_column_id", "int", false},
    {"parent_object_id", "int", false},     {"parent_column_id", "int", false},
    {"referenced_object_id", "int", false}, {"referenced_column_id", "int", false},
};

static entrasql_status fill_foreign_key_columns(engine_rows *r)
{
    engine_session *s = r->s;
    for (size_t i = 0; i < s->catalog->foreign_key_count; i++) {
        const engine_foreign_key *fk = &s->catalog->foreign_keys[i];
        const engine_object *o = engine_catalog_object_by_id(s->catalog, fk->id);
        if (o == NULL || !engine_may_see(s, o))
            continue;
        for (size_t k = 0; k < fk->column_count; k++) {
            engine_row_int(r, fk->id);
            engine_row_int(r, (int64_t)k + 1);
            engine_row_int(r, fk->child);
            engine_row_int(r, fk->child_columns[k]);
            engine_row_int(r, fk->parent);
            engine_row_int(r, fk->parent_columns[k]);
        }
    }
    return engine_rows_status(r);
}

/* ---- the list ---- */

static const engine_view views[] = {
    ENGINE_VIEW("sys", "indexes", index_columns, fill_indexes),
    ENGINE_VIEW("sys", "index_columns", index_column_columns, fill_index_columns),
    ENGINE_VIEW("sys", "stats", stats_columns, fill_stats),
    ENGINE_VIEW("sys", "stats_columns", stats_column_columns, fill_stats_columns),
    ENGINE_VIEW("sys", "partitions", partition_columns, fill_partitions),
    ENGINE_VIEW("sys", "key_constraints", key_constraint_columns, fill_key_constraints),
    ENGINE_VIEW("sys", "check_constraints", check_constraint_columns, fill_check_constraints),
    ENGINE_VIEW("sys", "default_constraints", default_constraint_columns, fill_default_constraints),
    ENGINE_VIEW("sys", "foreign_keys", foreign_key_columns, fill_foreign_keys),
    ENGINE_VIEW("sys", "foreign_key_columns", foreign_key_column_columns, fill_foreign_key_columns),
};

const engine_views engine_views_keys = {views, ES_COUNT_OF(views)};
