/* SPDX-License-Identifier: MIT */
/* The @@ values and functions about the server, objects and the session. */
#include "engine/builtin.h"

#include "base/mem.h"
#include "base/str.h"
#include "engine/bind.h"
#include "engine/permission.h"
#include "engine/principal.h"
#include "engine/systype.h"
#include "engine/temp.h"
#include "engine/view.h"
#include "engine/views_sys.h"
#include "sqltype/collation.h"

#include <string.h>

static entrasql_status give_i(sqlvalue *ret, int64_t v)
{
    ret->is_null = false;
    ret->u.i = v;
    return ENTRASQL_OK;
}

static entrasql_status give_s(engine_call *call, const char *s, sqlvalue *ret)
{
    return s != NULL ? engine_call_text(call, s, strlen(s), ret) : ENTRASQL_OK;
}

/* A NUL-terminated copy of a text argument; free with es_free. NULL: no memory. */
static char *text_of(const sqlvalue *v)
{
    return es_strndup(v->u.s.data, v->u.s.len);
}

#define SYSTEM_INT(name, expr)                                                                     \
    static entrasql_status name(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)  \
    {                                                                                              \
        const engine_session *s = call->s;                                                         \
        (void)args;                                                                                \
        (void)n;                                                                                   \
        (void)s;                                                                                   \
        return give_i(ret, (int64_t)(expr));                                                       \
    }
#define SYSTEM_TEXT(name, expr)                                                                    \
    static entrasql_status name(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)  \
    {                                                                                              \
        const engine_session *s = call->s;                                                         \
        (void)args;                                                                                \
        (void)n;                                                                                   \
        (void)s;                                                                                   \
        return give_s(call, (expr), ret);                                                          \
    }

SYSTEM_INT(rowcount, s->rowcount)
SYSTEM_INT(last_error, s->last_error)
SYSTEM_INT(trancount, s->tran.count)
SYSTEM_INT(spid, s->spid)
SYSTEM_INT(datefirst, s->set.datefirst)
SYSTEM_INT(nestlevel, (int64_t)s->nesting - 1)
SYSTEM_INT(textsize, s->set.text_size)
SYSTEM_INT(lock_timeout, s->set.lock_timeout_ms)
SYSTEM_INT(max_precision, 38)
SYSTEM_INT(zero, 0)
SYSTEM_INT(minus_one, -1)
SYSTEM_INT(options, 5432)
SYSTEM_INT(xact_state, s->tran.count == 0 ? 0 : s->tran.doomed ? -1 : 1)
SYSTEM_TEXT(version, ENGINE_VERSION_TEXT)
SYSTEM_TEXT(server_name, s->server->name)
SYSTEM_TEXT(service_name, "MSSQLSERVER")
SYSTEM_TEXT(language, "us_english")
SYSTEM_TEXT(host_name, s->host_name)
SYSTEM_TEXT(app_name, s->app_name)

/* ---- identity ---- */

static void give_decimal(sqlvalue *ret, int64_t v)
{
    ret->is_null = false;
    ret->u.dec.negative = v < 0;
    ret->u.dec.magnitude = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
}

static entrasql_status bind_identity(engine_binder *b, engine_node *call)
{
    (void)b;
    call->type = sqltype_decimal(38, 0);
    call->type.id = SQLTYPE_NUMERIC;
    call->nullable = true;
    return ENTRASQL_OK;
}

static entrasql_status session_identity(engine_call *call, const sqlvalue *args, size_t n,
                                        sqlvalue *ret)
{
    (void)args;
    (void)n;
    if (call->s->identity_known)
        give_decimal(ret, call->s->identity);
    return ENTRASQL_OK;
}

static entrasql_status scope_identity(engine_call *call, const sqlvalue *args, size_t n,
                                      sqlvalue *ret)
{
    (void)args;
    (void)n;
    if (call->s->frame->identity_known)
        give_decimal(ret, call->s->frame->identity);
    return ENTRASQL_OK;
}

/* ---- objects by name ---- */

static entrasql_status resolve(engine_session *s, const char *name, const engine_object **ret,
                               const engine_view **ret_view)
{
    tsql_batch *batch = NULL;
    const tsql_object *object = NULL;
    *ret = NULL;
    *ret_view = NULL;
    if (tsql_parse_object(name, strlen(name), &batch, &object, NULL) != ENTRASQL_OK)
        return ENTRASQL_OK;
    if (object->name.text != NULL && object->name.text[0] == '#')
        *ret = engine_temp_find(s, object->name.text);
    else if (engine_find_object(s, object, ret, NULL) == ENTRASQL_OK && *ret == NULL)
        *ret_view = engine_view_find(object->schema.text != NULL ? object->schema.text : "sys",
                                     object->name.text);
    if (*ret != NULL && !engine_temp_is(s, *ret) && !engine_may_see(s, *ret))
        *ret = NULL;
    tsql_batch_free(batch);
    return ENTRASQL_OK;
}

static const engine_object *object_of(engine_call *call, const sqlvalue *v)
{
    const engine_object *o = NULL;
    const engine_view *view;
    ES_CLEANUP(es_cleanup_free) char *name = text_of(v);
    if (name != NULL)
        (void)resolve(call->s, name, &o, &view);
    return o;
}

static bool type_fits(const engine_object *o, const sqlvalue *v)
{
    const char *code = engine_object_code(o->type);
    size_t n = v->u.s.len;
    while (n > 0 && v->u.s.data[n - 1] == ' ')
        n--;
    return n == strlen(code) && es_strncaseeq(code, v->u.s.data, n);
}

static entrasql_status object_id(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    const engine_object *o;
    const engine_view *view;
    ES_CLEANUP(es_cleanup_free) char *name = text_of(&args[0]);
    if (name == NULL)
        return es_nomem(call->err);
    ES_TRY(resolve(call->s, name, &o, &view));
    if (view != NULL &&
        (n < 2 || (args[1].u.s.len > 0 && es_ascii_upper(args[1].u.s.data[0]) == 'V')))
        return give_i(ret, engine_view_object_id(view));
    if (o == NULL || (n > 1 && !type_fits(o, &args[1])))
        return ENTRASQL_OK;
    return give_i(ret, o->id);
}

static const engine_object *by_id(const engine_call *call, const sqlvalue *v)
{
    if (v->u.i > INT32_MAX || v->u.i < INT32_MIN)
        return NULL;
    const engine_object *o = engine_catalog_object_by_id(call->s->catalog, (int32_t)v->u.i);
    return o != NULL && engine_may_see(call->s, o) ? o : NULL;
}

static entrasql_status object_name(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    (void)n;
    const engine_object *o = by_id(call, &args[0]);
    return give_s(call, o != NULL ? o->name : NULL, ret);
}

static entrasql_status object_schema_name(engine_call *call, const sqlvalue *args, size_t n,
                                          sqlvalue *ret)
{
    (void)n;
    const engine_object *o = by_id(call, &args[0]);
    return give_s(call, o != NULL ? engine_schema_name(call->s->catalog, o->schema) : NULL, ret);
}

/* Of what has a text: a view, a procedure, a CHECK or a DEFAULT. */
static entrasql_status object_definition(engine_call *call, const sqlvalue *args, size_t n,
                                         sqlvalue *ret)
{
    (void)n;
    const engine_object *o = by_id(call, &args[0]);
    return give_s(call, o != NULL ? o->definition : NULL, ret);
}

static entrasql_status schema_name(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    int32_t id = n > 0 ? (int32_t)args[0].u.i : engine_who_default_schema(call->s);
    const engine_schema *schema = engine_catalog_schema_by_id(call->s->catalog, id);
    return give_s(call, schema != NULL ? schema->name : NULL, ret);
}

static entrasql_status schema_id(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    if (n == 0)
        return give_i(ret, engine_who_default_schema(call->s));
    ES_CLEANUP(es_cleanup_free) char *name = text_of(&args[0]);
    if (name == NULL)
        return es_nomem(call->err);
    const engine_schema *schema = engine_catalog_schema(call->s->catalog, name);
    return schema != NULL ? give_i(ret, schema->id) : ENTRASQL_OK;
}

static entrasql_status col_name(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    (void)n;
    const engine_object *o = by_id(call, &args[0]);
    const engine_table_column *column =
        o != NULL ? engine_object_column_by_id(o, (int32_t)args[1].u.i) : NULL;
    return give_s(call, column != NULL ? column->name : NULL, ret);
}

static const engine_table_column *column_of(const engine_object *o, const sqlvalue *v)
{
    ES_CLEANUP(es_cleanup_free) char *name = text_of(v);
    return o != NULL && name != NULL ? engine_object_column(o, name) : NULL;
}

static entrasql_status col_length(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    (void)n;
    const engine_table_column *column = column_of(object_of(call, &args[0]), &args[1]);
    return column != NULL ? give_i(ret, engine_systype_of(column->type).max_length) : ENTRASQL_OK;
}

static entrasql_status columnproperty(engine_call *call, const sqlvalue *args, size_t n,
                                      sqlvalue *ret)
{
    (void)n;
    const engine_table_column *column = column_of(by_id(call, &args[0]), &args[1]);
    ES_CLEANUP(es_cleanup_free) char *property = text_of(&args[2]);
    if (property == NULL)
        return es_nomem(call->err);
    if (column == NULL)
        return ENTRASQL_OK;
    if (es_strcaseeq(property, "IsIdentity"))
        return give_i(ret, column->identity);
    if (es_strcaseeq(property, "AllowsNull"))
        return give_i(ret, column->nullable);
    if (es_strcaseeq(property, "IsComputed"))
        return give_i(ret, column->computed != NULL);
    if (es_strcaseeq(property, "ColumnId"))
        return give_i(ret, column->id);
    if (es_strcaseeq(property, "Precision"))
        return give_i(ret, engine_systype_of(column->type).precision);
    if (es_strcaseeq(property, "Scale"))
        return give_i(ret, engine_systype_of(column->type).scale);
    return es_strcaseeq(property, "IsRowGuidCol") ? give_i(ret, column->rowguid) : ENTRASQL_OK;
}

/* Whether the index of a key constraint is clustered. */
static int64_t constraint_clustered(const engine_catalog *c, const engine_object *constraint)
{
    const engine_object *table = engine_catalog_object_by_id(c, constraint->parent);
    for (size_t i = 0; table != NULL && i < table->index_count; i++) {
        if (table->indexes[i].constraint == constraint->id)
            return table->indexes[i].clustered;
    }
    return 0;
}

static entrasql_status objectproperty(engine_call *call, const sqlvalue *args, size_t n,
                                      sqlvalue *ret)
{
    (void)n;
    const engine_object *o = by_id(call, &args[0]);
    ES_CLEANUP(es_cleanup_free) char *property = text_of(&args[1]);
    if (property == NULL)
        return es_nomem(call->err);
    if (o == NULL)
        return ENTRASQL_OK;
    if (es_strcaseeq(property, "IsUserTable") || es_strcaseeq(property, "IsTable"))
        return give_i(ret, o->type == ENGINE_OBJECT_TABLE);
    if (es_strcaseeq(property, "IsView"))
        return give_i(ret, o->type == ENGINE_OBJECT_VIEW);
    if (es_strcaseeq(property, "IsProcedure"))
        return give_i(ret, o->type == ENGINE_OBJECT_PROCEDURE);
    if (es_strcaseeq(property, "IsMSShipped"))
        return give_i(ret, 0);
    if (es_strcaseeq(property, "CnstIsClustKey"))
        return give_i(ret, constraint_clustered(call->s->catalog, o));
    if (es_strcaseeq(property, "TableHasIdentity"))
        return give_i(ret, engine_object_identity(o) != NULL);
    if (es_strcaseeq(property, "IsPrimaryKey"))
        return give_i(ret, o->type == ENGINE_OBJECT_PRIMARY);
    return ENTRASQL_OK;
}

static entrasql_status ident_current(engine_call *call, const sqlvalue *args, size_t n,
                                     sqlvalue *ret)
{
    (void)n;
    const engine_object *o = object_of(call, &args[0]);
    const engine_table_column *column = o != NULL ? engine_object_identity(o) : NULL;
    int64_t v;
    if (column == NULL)
        return ENTRASQL_OK;
    give_decimal(ret, engine_identity_current(call->s, o, &v) ? v : column->seed);
    return ENTRASQL_OK;
}

static entrasql_status ident_seed(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    (void)n;
    const engine_object *o = object_of(call, &args[0]);
    const engine_table_column *column = o != NULL ? engine_object_identity(o) : NULL;
    if (column != NULL)
        give_decimal(ret, column->seed);
    return ENTRASQL_OK;
}

static entrasql_status ident_incr(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    (void)n;
    const engine_object *o = object_of(call, &args[0]);
    const engine_table_column *column = o != NULL ? engine_object_identity(o) : NULL;
    if (column != NULL)
        give_decimal(ret, column->increment);
    return ENTRASQL_OK;
}

/* ---- databases and types ---- */

static engine_database *database_of(engine_call *call, const sqlvalue *v)
{
    ES_CLEANUP(es_cleanup_free) char *name = text_of(v);
    return name != NULL ? engine_server_database(call->s->server, name) : NULL;
}

static entrasql_status db_name(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    if (n == 0 || args[0].u.i == call->s->database->id)
        return give_s(call, call->s->database->name, ret);
    return give_s(call, args[0].u.i == 1 ? "master" : NULL, ret);
}

static entrasql_status db_id(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    const engine_database *d = n == 0 ? call->s->database : database_of(call, &args[0]);
    return d != NULL ? give_i(ret, d->id) : ENTRASQL_OK;
}

static entrasql_status type_name(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    (void)n;
    for (size_t i = 0; i < engine_systype_row_count; i++) {
        if (engine_systype_rows[i].user_id == args[0].u.i)
            return give_s(call, engine_systype_rows[i].name, ret);
    }
    return ENTRASQL_OK;
}

static entrasql_status type_id(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    (void)call;
    (void)n;
    for (size_t i = 0; i < engine_systype_row_count; i++) {
        const char *name = engine_systype_rows[i].name;
        if (strlen(name) == args[0].u.s.len &&
            es_strncaseeq(name, args[0].u.s.data, args[0].u.s.len))
            return give_i(ret, engine_systype_rows[i].user_id);
    }
    return ENTRASQL_OK;
}

/* ---- properties: sql_variant on the real server, here of the property's own type ---- */

static const struct property {
    const char *name;
    const char *text; /* NULL: the number */
    int64_t number;
} server_properties[] = {
    {"ProductVersion", ENGINE_PRODUCT_VERSION, 0},
    {"ProductLevel", "RTM", 0},
    {"ProductMajorVersion", "12", 0},
    {"ProductMinorVersion", "0", 0},
    {"ProductBuild", "2000", 0},
    {"ProductUpdateLevel", NULL, -1},
    {"Edition", "SQL Azure", 0},
    {"EngineEdition", NULL, 5},
    {"EditionID", NULL, 1674378470},
    {"Collation", "SQL_Latin1_General_CP1_CI_AS", 0},
    {"InstanceName", "", 0},
    {"ResourceVersion", ENGINE_PRODUCT_VERSION, 0},
    {"IsClustered", NULL, 0},
    {"IsSingleUser", NULL, 0},
    {"IsFullTextInstalled", NULL, 0},
    {"IsIntegratedSecurityOnly", NULL, 0},
    {"IsHadrEnabled", NULL, 0},
    {"IsXTPSupported", NULL, 0},
    {"LCID", NULL, 1033},
};

static const struct property *find_property(const sqlvalue *v)
{
    for (size_t i = 0; i < ES_COUNT_OF(server_properties); i++) {
        const char *name = server_properties[i].name;
        if (strlen(name) == v->u.s.len && es_strncaseeq(name, v->u.s.data, v->u.s.len))
            return &server_properties[i];
    }
    return NULL;
}

static bool names_server(const sqlvalue *v)
{
    return (v->u.s.len == 10 && es_strncaseeq(v->u.s.data, "ServerName", 10)) ||
           (v->u.s.len == 11 && es_strncaseeq(v->u.s.data, "MachineName", 11));
}

static entrasql_status bind_property(engine_binder *b, engine_node *call)
{
    const engine_node *name = call->args[0];
    const struct property *p = NULL;
    (void)b;
    if (name->kind == ENGINE_NODE_CONST && !name->value.is_null)
        p = find_property(&name->value);
    call->type = p != NULL && p->text == NULL ? sqltype_of(SQLTYPE_INT)
                                              : sqltype_string(SQLTYPE_NVARCHAR, 128);
    call->nullable = true;
    return ENTRASQL_OK;
}

static entrasql_status serverproperty(engine_call *call, const sqlvalue *args, size_t n,
                                      sqlvalue *ret)
{
    const struct property *p = find_property(&args[0]);
    (void)n;
    if (names_server(&args[0]))
        return give_s(call, call->s->server->name, ret);
    if (p == NULL)
        return ENTRASQL_OK;
    if (p->text != NULL && sqltype_is_string(call->type.id))
        return give_s(call, p->text, ret);
    return p->text == NULL && call->type.id == SQLTYPE_INT ? give_i(ret, p->number) : ENTRASQL_OK;
}

static entrasql_status databasepropertyex(engine_call *call, const sqlvalue *args, size_t n,
                                          sqlvalue *ret)
{
    static const struct property rows[] = {
        {"Collation", "SQL_Latin1_General_CP1_CI_AS", 0},
        {"Edition", "GeneralPurpose", 0},
        {"ServiceObjective", "GP_S_Gen5_1", 0},
        {"Status", "ONLINE", 0},
        {"Updateability", "READ_WRITE", 0},
        {"UserAccess", "MULTI_USER", 0},
        {"Recovery", "FULL", 0},
    };
    (void)n;
    if (database_of(call, &args[0]) == NULL)
        return ENTRASQL_OK;
    for (size_t i = 0; i < ES_COUNT_OF(rows); i++) {
        if (strlen(rows[i].name) == args[1].u.s.len &&
            es_strncaseeq(rows[i].name, args[1].u.s.data, args[1].u.s.len))
            return give_s(call, rows[i].text, ret);
    }
    return ENTRASQL_OK;
}

/* ---- the error that CATCH holds ---- */

static const engine_caught *caught(const engine_call *call)
{
    return call->s->frame->caught;
}

#define CAUGHT_INT(name, field)                                                                    \
    static entrasql_status name(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)  \
    {                                                                                              \
        (void)args;                                                                                \
        (void)n;                                                                                   \
        return caught(call) != NULL ? give_i(ret, caught(call)->field) : ENTRASQL_OK;              \
    }
CAUGHT_INT(error_number, number)
CAUGHT_INT(error_severity, severity)
CAUGHT_INT(error_state, state)
CAUGHT_INT(error_line, line)

static entrasql_status error_message(engine_call *call, const sqlvalue *args, size_t n,
                                     sqlvalue *ret)
{
    (void)args;
    (void)n;
    return give_s(call, caught(call) != NULL ? caught(call)->text : NULL, ret);
}

static entrasql_status error_procedure(engine_call *call, const sqlvalue *args, size_t n,
                                       sqlvalue *ret)
{
    (void)args;
    (void)n;
    const engine_caught *c = caught(call);
    return give_s(call, c != NULL && c->procedure[0] != '\0' ? c->procedure : NULL, ret);
}

#define NOW (ENGINE_VOLATILE)
#define NOW_NULL (ENGINE_VOLATILE | ENGINE_MAYBE_NULL)

static const engine_builtin rows[] = {
    {"@@ROWCOUNT", ":i", rowcount, NULL, NOW},
    {"@@ERROR", ":i", last_error, NULL, NOW},
    {"@@TRANCOUNT", ":i", trancount, NULL, NOW},
    {"@@IDENTITY", ":i", session_identity, bind_identity, NOW_NULL},
    {"@@VERSION", ":S", version, NULL, NOW},
    {"@@SPID", ":s", spid, NULL, NOW},
    {"@@SERVERNAME", ":u", server_name, NULL, NOW},
    {"@@SERVICENAME", ":u", service_name, NULL, NOW},
    {"@@LANGUAGE", ":u", language, NULL, NOW},
    {"@@LANGID", ":s", zero, NULL, NOW},
    {"@@DATEFIRST", ":y", datefirst, NULL, NOW},
    {"@@NESTLEVEL", ":i", nestlevel, NULL, NOW},
    {"@@TEXTSIZE", ":i", textsize, NULL, NOW},
    {"@@LOCK_TIMEOUT", ":i", lock_timeout, NULL, NOW},
    {"@@MAX_PRECISION", ":y", max_precision, NULL, NOW},
    {"@@FETCH_STATUS", ":i", minus_one, NULL, NOW},
    {"@@CURSOR_ROWS", ":i", zero, NULL, NOW},
    {"@@PROCID", ":i", zero, NULL, NOW},
    {"@@OPTIONS", ":i", options, NULL, NOW},
    {"@@MICROSOFTVERSION", ":i", zero, NULL, NOW},
    {"ROWCOUNT_BIG", ":l", rowcount, NULL, NOW},
    {"XACT_STATE", ":s", xact_state, NULL, NOW},
    {"SCOPE_IDENTITY", ":i", scope_identity, bind_identity, NOW_NULL},
    {"IDENT_CURRENT", "s:i", ident_current, bind_identity, NOW_NULL},
    {"IDENT_SEED", "s:i", ident_seed, bind_identity, NOW_NULL},
    {"IDENT_INCR", "s:i", ident_incr, bind_identity, NOW_NULL},
    {"HOST_NAME", ":u", host_name, NULL, NOW_NULL},
    {"APP_NAME", ":u", app_name, NULL, NOW_NULL},
    {"PROGRAM_NAME", ":u", app_name, NULL, NOW_NULL},
    {"OBJECT_ID", "s?s:i", object_id, NULL, NOW_NULL},
    {"OBJECT_NAME", "i?i:u", object_name, NULL, NOW_NULL},
    {"OBJECT_SCHEMA_NAME", "i?i:u", object_schema_name, NULL, NOW_NULL},
    {"OBJECT_DEFINITION", "i:M", object_definition, NULL, NOW_NULL},
    {"SCHEMA_NAME", "?i:u", schema_name, NULL, NOW_NULL},
    {"SCHEMA_ID", "?s:i", schema_id, NULL, NOW_NULL},
    {"COL_NAME", "ii:u", col_name, NULL, NOW_NULL},
    {"COL_LENGTH", "ss:s", col_length, NULL, NOW_NULL},
    {"COLUMNPROPERTY", "iss:i", columnproperty, NULL, NOW_NULL},
    {"OBJECTPROPERTY", "is:i", objectproperty, NULL, NOW_NULL},
    {"OBJECTPROPERTYEX", "is:i", objectproperty, NULL, NOW_NULL},
    {"DB_NAME", "?i:u", db_name, NULL, NOW_NULL},
    {"DB_ID", "?s:i", db_id, NULL, NOW_NULL},
    {"TYPE_NAME", "i:u", type_name, NULL, NOW_NULL},
    {"TYPE_ID", "s:i", type_id, NULL, NOW_NULL},
    {"SERVERPROPERTY", "s:u", serverproperty, bind_property, NOW_NULL},
    {"DATABASEPROPERTYEX", "ss:u", databasepropertyex, NULL, NOW_NULL},
    {"ERROR_NUMBER", ":i", error_number, NULL, NOW_NULL},
    {"ERROR_SEVERITY", ":i", error_severity, NULL, NOW_NULL},
    {"ERROR_STATE", ":i", error_state, NULL, NOW_NULL},
    {"ERROR_LINE", ":i", error_line, NULL, NOW_NULL},
    {"ERROR_MESSAGE", ":S", error_message, NULL, NOW_NULL},
    {"ERROR_PROCEDURE", ":u", error_procedure, NULL, NOW_NULL},
};

const engine_builtins engine_builtins_system = {rows, ES_COUNT_OF(rows)};
