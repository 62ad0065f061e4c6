/* SPDX-License-Identifier: MIT */
/* sp_helpindex, sp_helptext, sp_who, sp_databases, sp_helpdb. */
#include "base/buf.h"
#include "engine/permission.h"
#include "engine/procs_impl.h"
#include "tsql/parser.h"

#include <stdio.h>
#include <string.h>

/* The object that the argument names, with or without schema and brackets; 15009. */
static entrasql_status find(engine_proc_call *call, const engine_object **ret)
{
    tsql_batch *batch = NULL;
    const tsql_object *name = NULL;
    const engine_catalog *c = call->s->catalog;
    const char *text = call->text[0] != NULL ? call->text[0] : "";
    *ret = NULL;
    if (tsql_parse_object(text, strlen(text), &batch, &name, NULL) == ENTRASQL_OK) {
        const char *schema = name->schema.text;
        bool given = schema != NULL && schema[0] != '\0';
        const engine_schema *found = engine_catalog_schema(c, given ? schema : "dbo");
        if (found != NULL)
            *ret = engine_catalog_object(c, found->id, name->name.text);
    }
    tsql_batch_free(batch);
    if (*ret != NULL && engine_may_see(call->s, *ret))
        return ENTRASQL_OK;
    return engine_error(call->err, 15009, 1,
                        "The object '%s' does not exist in database '%s' or is invalid for this "
                        "operation.",
                        text, call->s->database->name);
}

static const engine_proc_param object_params[] = {{.name = "@objname", .required = true}};

/* ---- sp_helpindex ---- */

static const engine_view_column index_columns[] = {
    {"index_name", "sysname", true},
    {"index_description", "varchar(210)", true},
    {"index_keys", "nvarchar(2078)", true},
};

static void row_index(engine_rows *r, const engine_object *o, const engine_index *index)
{
    char text[210];
    ES_CLEANUP(es_buf_done) es_buf keys = ES_BUF_INIT(16384);
    (void)snprintf(text, sizeof text, "%s%s%s located on PRIMARY",
                   index->clustered ? "clustered" : "nonclustered",
                   index->kind != ENGINE_INDEX_PLAIN ? ", unique" : "",
                   index->kind == ENGINE_INDEX_PRIMARY             ? ", primary key"
                   : index->kind == ENGINE_INDEX_UNIQUE_CONSTRAINT ? ", unique key"
                                                                   : "");
    for (size_t i = 0; i < index->column_count; i++) {
        const engine_table_column *column = engine_object_column_by_id(o, index->columns[i].column);
        if (column == NULL || index->columns[i].included)
            continue;
        if (es_buf_printf(&keys, "%s%s%s", keys.len != 0 ? ", " : "", column->name,
                          index->columns[i].descending ? "(-)" : "") != ENTRASQL_OK)
            r->status = ENTRASQL_NOMEM;
    }
    engine_row_text(r, index->name);
    engine_row_text(r, text);
    engine_row_text(r, es_buf_cstr(&keys));
}

static entrasql_status run_helpindex(engine_proc_call *call)
{
    const engine_object *o;
    ES_TRY(find(call, &o));
    for (size_t i = 0; i < o->index_count; i++)
        row_index(&call->rows, o, &o->indexes[i]);
    return ENTRASQL_OK;
}

/* ---- sp_helptext: a row for each line, its end included ---- */

static const engine_view_column text_columns[] = {{"Text", "nvarchar(255)", true}};

static entrasql_status run_helptext(engine_proc_call *call)
{
    const engine_object *o;
    ES_TRY(find(call, &o));
    if (o->definition == NULL)
        return engine_error(call->err, 15197, 1, "There is no text for object '%s'.", o->name);
    for (const char *at = o->definition; *at != '\0';) {
        size_t n = strcspn(at, "\n");
        n += at[n] == '\n' ? 1 : 0;
        engine_row_binary(&call->rows, at, n);
        at += n;
    }
    return ENTRASQL_OK;
}

/* ---- sp_who: the session itself, as without VIEW SERVER STATE ---- */

static const engine_view_column who_columns[] = {
    {"spid", "smallint", false},       {"ecid", "smallint", false},
    {"status", "nchar(30)", false},    {"loginame", "nvarchar(128)", true},
    {"hostname", "nchar(128)", false}, {"blk", "char(5)", true},
    {"dbname", "nvarchar(128)", true}, {"cmd", "nchar(26)", false},
    {"request_id", "int", false},
};

static const engine_proc_param who_params[] = {{.name = "@loginame"}};

static entrasql_status run_who(engine_proc_call *call)
{
    const engine_session *s = call->s;
    engine_rows *r = &call->rows;
    engine_row_int(r, s->spid);
    engine_row_int(r, 0);
    engine_row_text(r, "runnable");
    engine_row_text(r, s->who.login_name);
    engine_row_text(r, s->host_name != NULL ? s->host_name : "");
    engine_row_text(r, "0");
    engine_row_text(r, s->database->name);
    engine_row_text(r, "SELECT");
    engine_row_int(r, 0);
    return ENTRASQL_OK;
}

/* ---- sp_databases, sp_helpdb ---- */

static const engine_view_column database_columns[] = {
    {"DATABASE_NAME", "sysname", true},
    {"DATABASE_SIZE", "int", true},
    {"REMARKS", "varchar(254)", true},
};

static entrasql_status run_databases(engine_proc_call *call)
{
    engine_row_text(&call->rows, call->s->database->name);
    engine_row_null(&call->rows);
    engine_row_null(&call->rows);
    return ENTRASQL_OK;
}

static const engine_view_column helpdb_columns[] = {
    {"name", "sysname", true},
    {"db_size", "nvarchar(13)", true},
    {"owner", "sysname", true},
    {"dbid", "smallint", true},
    {"created", "nvarchar(11)", true},
    {"status", "nvarchar(600)", true},
    {"compatibility_level", "tinyint", true},
};

static const engine_proc_param helpdb_params[] = {{.name = "@dbname"}};

static entrasql_status run_helpdb(engine_proc_call *call)
{
    engine_rows *r = &call->rows;
    const engine_database *d = call->s->database;
    if (!engine_proc_fits(call->text[0], d->name, false))
        return engine_error(call->err, 15010, 1,
                            "The database '%s' does not exist. Supply a valid database name. To "
                            "see available databases, use sys.databases.",
                            call->text[0]);
    engine_row_text(r, d->name);
    engine_row_null(r);
    engine_row_text(r, "dbo");
    engine_row_int(r, d->id);
    engine_row_null(r);
    engine_row_text(r, "Status=ONLINE, Updateability=READ_WRITE");
    engine_row_int(r, 160);
    return ENTRASQL_OK;
}

/* ---- the list ---- */

#define PROC(proc_name, proc_params, proc_columns, proc_run)                                       \
    {                                                                                              \
        .name = (proc_name), .params = (proc_params), .param_count = ES_COUNT_OF(proc_params),     \
        .result = ENGINE_PROC_RESULT(proc_columns), .run = (proc_run)                              \
    }

static const engine_proc procs[] = {
    PROC("sp_helpindex", object_params, index_columns, run_helpindex),
    PROC("sp_helptext", object_params, text_columns, run_helptext),
    PROC("sp_who", who_params, who_columns, run_who),
    {.name = "sp_databases", .result = ENGINE_PROC_RESULT(database_columns), .run = run_databases},
    PROC("sp_helpdb", helpdb_params, helpdb_columns, run_helpdb),
};

const engine_procs engine_procs_help = {procs, ES_COUNT_OF(procs)};
