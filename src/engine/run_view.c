/* SPDX-License-Identifier: MIT */
/* CREATE VIEW, ALTER VIEW. */
#include "engine/table.h"

#include "base/buf.h"
#include "base/mem.h"
#include "engine/output.h"
#include "engine/permission.h"
#include "engine/tran.h"
#include "sqltype/collation.h"

#include <string.h>

/*
 * The catalog keeps the whole batch, comments too, so that lines count as they
 * did; it says CREATE, however the text came.
 */
char *engine_module_text(const engine_run *run, const tsql_stmt *stmt)
{
    size_t n;
    const char *text = tsql_batch_text(run->batch, &n);
    const char *from = text + stmt->span.start;
    if (stmt->span.start + 5 > n || strncasecmp(from, "ALTER", 5) != 0)
        return es_strndup(text, n);
    ES_CLEANUP(es_buf_done) es_buf b = ES_BUF_INIT(TSQL_MAX_TEXT);
    if (es_buf_add(&b, text, stmt->span.start) != ENTRASQL_OK ||
        es_buf_printf(&b, "CREATE%s", from + 5) != ENTRASQL_OK)
        return NULL;
    return es_buf_take(&b, &n);
}

static entrasql_status check_columns(engine_run *run, const engine_query *q,
                                     const tsql_create_view_stmt *stmt)
{
    const char *view = stmt->object.name.text;
    const tsql_names *names = &stmt->columns;
    if (names->count != 0 && names->count != q->column_count)
        return engine_error(run->err, names->count > q->column_count ? 8159 : 8158, 1,
                            "'%s' has %s columns than were specified in the column list.", view,
                            names->count > q->column_count ? "fewer" : "more");
    for (size_t i = 0; i < q->column_count; i++) {
        if (names->count != 0)
            q->columns[i].name = names->items[i].text;
        const char *name = q->columns[i].name;
        if (name == NULL || name[0] == '\0')
            return engine_error(run->err, 4511, 1,
                                "Create View or Function failed because no column name was "
                                "specified for column %zu.",
                                i + 1);
        for (size_t k = 0; k < i; k++) {
            if (sqlcollation_equal_names(q->columns[k].name, name))
                return engine_error(run->err, 4506, 1,
                                    "Column names in each view or function must be unique. Column "
                                    "name '%s' in view or function '%s' is specified more than "
                                    "once.",
                                    name, view);
        }
    }
    return ENTRASQL_OK;
}

/* The query of a view sees neither variables nor temporary tables. */
static entrasql_status bind(engine_run *run, engine_binder *b, const tsql_create_view_stmt *stmt,
                            engine_query **ret)
{
    engine_frame *nothing = engine_bind_alloc(b, sizeof *nothing);
    if (nothing == NULL)
        return es_nomem(run->err);
    nothing->procedure = "";
    b->frame = nothing;
    b->depth = 1;
    ES_TRY(engine_bind_with(b, &stmt->with));
    ES_TRY(engine_bind_query(b, stmt->query, ret));
    b->frame = run->s->frame;
    return check_columns(run, *ret, stmt);
}

entrasql_status engine_module_columns(engine_run *run, int32_t object,
                                      const engine_bound_column *columns, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        engine_table_column column = {
            .id = (int32_t)i + 1,
            .name = es_strdup(columns[i].name),
            .type = columns[i].type,
            .nullable = columns[i].nullable,
        };
        if (column.type.id == SQLTYPE_UNKNOWN)
            column.type = sqltype_of(SQLTYPE_INT);
        entrasql_status status =
            column.name != NULL ? engine_catalog_add_column(run->s->db, object, &column, run->err)
                                : es_nomem(run->err);
        es_free(column.name);
        ES_TRY(status);
    }
    return ENTRASQL_OK;
}

/* The object that ALTER means, or that CREATE OR ALTER finds; NULL: a new one. */
entrasql_status engine_module_find(engine_run *run, tsql_create_mode mode, const tsql_object *name,
                                   engine_object_type type, const engine_object **ret)
{
    char text[512];
    *ret = NULL;
    if (mode == TSQL_CREATE)
        return ENTRASQL_OK;
    ES_TRY(engine_find_object(run->s, name, ret, run->err));
    bool usable = *ret != NULL && (*ret)->type == type;
    if (usable && !engine_may_object(run->s, "ALTER", *ret))
        usable = false;
    else if (*ret == NULL && mode == TSQL_CREATE_OR_ALTER)
        return ENTRASQL_OK;
    if (usable)
        return ENTRASQL_OK;
    return engine_error(run->err, 208, 6, "Invalid object name '%s'.",
                        engine_object_text(name, text, sizeof text));
}

entrasql_status engine_module_store(engine_run *run, const tsql_object *name,
                                    const char *permission, engine_object *o,
                                    const engine_object *old)
{
    engine_session *s = run->s;
    o->modified = engine_now();
    if (old != NULL) {
        o->id = old->id;
        ES_TRY(engine_catalog_set_definition(s->db, old->id, o->definition, o->modified, run->err));
        return engine_catalog_drop_columns(s->db, old->id, run->err);
    }
    ES_TRY(engine_need_create(run, permission, name, &o->schema));
    o->id = engine_catalog_new_id(s->catalog);
    o->created = o->modified;
    o->name = es_strdup(name->name.text);
    if (o->name == NULL)
        return es_nomem(run->err);
    return engine_catalog_add_object(s->db, o, run->err);
}

static entrasql_status create_view(engine_run *run, const tsql_stmt *stmt)
{
    ES_CLEANUP(engine_binder_done) engine_binder b = {0};
    const tsql_create_view_stmt *view = stmt->u.create_view;
    const engine_object *old;
    engine_query *q;
    engine_object o = {.type = ENGINE_OBJECT_VIEW};
    ES_TRY(engine_module_find(run, view->mode, &view->object, ENGINE_OBJECT_VIEW, &old));
    ES_TRY(engine_binder_init(&b, run->s, run->err));
    if (view->check_option)
        return engine_unsupported(run->err, "WITH CHECK OPTION");
    if (old == NULL)
        ES_TRY(engine_need_create(run, "CREATE VIEW", &view->object, &o.schema));
    ES_TRY(bind(run, &b, view, &q));
    o.definition = engine_module_text(run, stmt);
    entrasql_status status = o.definition != NULL
                                 ? engine_module_store(run, &view->object, "CREATE VIEW", &o, old)
                                 : es_nomem(run->err);
    if (status == ENTRASQL_OK)
        status = engine_module_columns(run, o.id, q->columns, q->column_count);
    es_free(o.definition);
    es_free(o.name);
    return status;
}

entrasql_status engine_run_create_view(engine_run *run, const tsql_stmt *stmt)
{
    engine_unit unit;
    ES_TRY(engine_unit_begin(run->s, true, true, &unit, run->err));
    entrasql_status status = create_view(run, stmt);
    ES_TRY(engine_unit_end(run->s, &unit, status, run->err));
    return engine_output_done(run->s, ENGINE_CMD_OTHER, false, 0, false);
}
