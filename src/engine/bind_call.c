/* SPDX-License-Identifier: MIT */
/* Calls of functions: look-up, number of arguments, types by signature. */
#include "engine/bind.h"

#include "base/mem.h"
#include "base/str.h"

#include <assert.h>
#include <string.h>

static sqltype text_of(const engine_node *n)
{
    bool is_max = sqltype_is_large(n->type);
    if (sqltype_is_unicode(n->type.id) || !sqltype_is_string(n->type.id))
        return sqltype_string(SQLTYPE_NVARCHAR, is_max ? SQLTYPE_MAX : 4000);
    return sqltype_string(SQLTYPE_VARCHAR, is_max ? SQLTYPE_MAX : 8000);
}

/* The type that an argument is brought to; UNKNOWN: stays as it is. */
static sqltype wanted(char letter, const engine_node *n)
{
    sqltype_id id = n->type.id;
    switch (letter) {
    case 's':
        return sqltype_is_string(id) && id != SQLTYPE_TEXT && id != SQLTYPE_NTEXT
                   ? sqltype_of(SQLTYPE_UNKNOWN)
                   : text_of(n);
    case 'i':
        return sqltype_of(SQLTYPE_INT);
    case 'l':
        return sqltype_of(SQLTYPE_BIGINT);
    case 'f':
        return sqltype_of(SQLTYPE_FLOAT);
    case 'n':
        return sqltype_is_number(id) ? sqltype_of(SQLTYPE_UNKNOWN) : sqltype_of(SQLTYPE_FLOAT);
    case 'd':
        if (sqltype_is_number(id)) /* days since 1900 */
            return sqltype_of(SQLTYPE_DATETIME);
        return sqltype_is_datetime(id) ? sqltype_of(SQLTYPE_UNKNOWN)
                                       : sqltype_with_scale(SQLTYPE_DATETIME2, 7);
    case 'b':
        return sqltype_is_binary(id) ? sqltype_of(SQLTYPE_UNKNOWN)
                                     : sqltype_string(SQLTYPE_VARBINARY, 8000);
    default:
        return sqltype_of(SQLTYPE_UNKNOWN);
    }
}

static sqltype result_of(char letter, const engine_node *call)
{
    switch (letter) {
    case 'i':
        return sqltype_of(SQLTYPE_INT);
    case 'l':
        return sqltype_of(SQLTYPE_BIGINT);
    case 's':
        return sqltype_of(SQLTYPE_SMALLINT);
    case 'y':
        return sqltype_of(SQLTYPE_TINYINT);
    case 'f':
        return sqltype_of(SQLTYPE_FLOAT);
    case 't':
        return sqltype_of(SQLTYPE_BIT);
    case 'd':
        return sqltype_of(SQLTYPE_DATETIME);
    case 'D':
        return sqltype_of(SQLTYPE_DATE);
    case '7':
        return sqltype_with_scale(SQLTYPE_DATETIME2, 7);
    case 'o':
        return sqltype_with_scale(SQLTYPE_DATETIMEOFFSET, 7);
    case 'u':
        return sqltype_string(SQLTYPE_NVARCHAR, 128);
    case 'S':
        return sqltype_string(SQLTYPE_NVARCHAR, 4000);
    case 'M':
        return sqltype_string(SQLTYPE_NVARCHAR, SQLTYPE_MAX);
    case 'v':
        return sqltype_string(SQLTYPE_VARCHAR, 8000);
    case 'g':
        return sqltype_of(SQLTYPE_UNIQUEIDENTIFIER);
    case 'b':
        return sqltype_string(SQLTYPE_VARBINARY, 8000);
    default:
        return call->arg_count != 0 ? call->args[0]->type : sqltype_of(SQLTYPE_INT);
    }
}

/* The letter of the nth argument; 0 when there are no more. */
static char letter_at(const char *signature, size_t n)
{
    char last = 0;
    size_t place = 0;
    for (const char *p = signature; *p != ':' && *p != '\0'; p++) {
        if (*p == '?')
            continue;
        if (*p == '*')
            return last;
        if (place++ == n)
            return *p;
        last = *p;
    }
    return 0;
}

static entrasql_status bind_args(engine_binder *b, const char *signature, engine_node *call)
{
    for (size_t i = 0; i < call->arg_count; i++) {
        engine_node *arg = call->args[i];
        char letter = letter_at(signature, i);
        if (letter == 'p' || letter == 'z')
            continue;
        sqltype type = wanted(letter, arg);
        /* A bare NULL takes a type too, so that the function sees one. */
        if (arg->type.id == SQLTYPE_UNKNOWN && type.id == SQLTYPE_UNKNOWN)
            type = letter == 'n' ? sqltype_of(SQLTYPE_FLOAT) : sqltype_of(SQLTYPE_INT);
        if (type.id != SQLTYPE_UNKNOWN)
            ES_TRY(engine_bind_cast(b, &call->args[i], type, ENGINE_CAST_IMPLICIT, NULL));
    }
    return ENTRASQL_OK;
}

entrasql_status engine_bind_builtin(engine_binder *b, engine_node *call)
{
    const engine_builtin *f = call->builtin;
    if (f->signature != NULL)
        ES_TRY(bind_args(b, f->signature, call));
    call->nullable = (f->flags & ENGINE_MAYBE_NULL) != 0;
    for (size_t i = 0; i < call->arg_count; i++)
        call->nullable = call->nullable || call->args[i]->nullable;
    if ((f->flags & ENGINE_NOT_NULL) != 0)
        call->nullable = false;
    if (f->bind != NULL)
        return f->bind(b, call);
    assert(f->signature != NULL);
    call->type = result_of(strchr(f->signature, ':')[1], call);
    /* Of the first argument's kind, but a text may become longer. */
    if (strchr(f->signature, ':')[1] == '1' && sqltype_is_string(call->type.id))
        call->type = text_of(call->args[0]);
    return ENTRASQL_OK;
}

static entrasql_status check_arity(engine_binder *b, const engine_builtin *f, size_t count)
{
    size_t least;
    size_t most;
    engine_builtin_arity(f, &least, &most);
    if (count >= least && count <= most)
        return ENTRASQL_OK;
    char lower[64];
    size_t n = 0;
    for (; f->name[n] != '\0' && n + 1 < sizeof lower; n++)
        lower[n] = es_ascii_lower(f->name[n]);
    lower[n] = '\0';
    if (least == most)
        return engine_error(b->err, 174, 1, "The %s function requires %zu argument(s).", lower,
                            least);
    if (most == SIZE_MAX)
        return engine_error(b->err, 189, 1, "The %s function requires %zu to 254 arguments.", lower,
                            least);
    return engine_error(b->err, 189, 1, "The %s function requires %zu to %zu arguments.", lower,
                        least, most);
}

/* A bare word: DATEADD(day, ...). */
static entrasql_status bind_part(engine_binder *b, const tsql_expr *e, const char *function,
                                 engine_node **ret)
{
    if (e->kind != TSQL_EXPR_COLUMN || e->u.column->object.name.text != NULL)
        return engine_error(b->err, 1023, 1, "Invalid parameter 1 specified for %s.", function);
    sqlvalue v = sqlvalue_nvarchar(e->u.column->name.text, strlen(e->u.column->name.text));
    return engine_node_const(b, &v, ret);
}

/* A DEFAULT among the arguments of a system function means NULL. */
static entrasql_status bind_arg(engine_binder *b, const tsql_expr *e, engine_node **ret)
{
    if (e->kind != TSQL_EXPR_DEFAULT)
        return engine_bind_expr(b, e, ret);
    sqlvalue null = sqlvalue_null(sqltype_of(SQLTYPE_UNKNOWN));
    return engine_node_const(b, &null, ret);
}

static const engine_builtin *find(const tsql_call *call)
{
    const char *schema = call->name.schema.text;
    if (schema != NULL && !es_strcaseeq(schema, "sys"))
        return NULL;
    return engine_builtin_find(call->name.name.text, false);
}

entrasql_status engine_bind_call(engine_binder *b, const tsql_expr *e, engine_node **ret)
{
    const tsql_call *call = e->u.call;
    const char *name = call->name.name.text;
    bool is_aggregate = false;
    ES_TRY(engine_bind_aggregate(b, call, &is_aggregate, ret));
    if (is_aggregate)
        return ENTRASQL_OK;
    const engine_builtin *f = find(call);
    char text[400];
    if (f == NULL && call->name.schema.text != NULL)
        return engine_error(b->err, 4121, 1,
                            "Cannot find either column \"%s\" or the user-defined function or "
                            "aggregate \"%s\", or the name is ambiguous.",
                            call->name.schema.text,
                            engine_object_text(&call->name, text, sizeof text));
    if (f == NULL)
        return engine_error(b->err, 195, 10, "'%s' is not a recognized built-in function name.",
                            name);
    ES_TRY(check_arity(b, f, call->args.count));
    engine_node *node = engine_node_list(b, ENGINE_NODE_CALL, call->args.count);
    if (node == NULL)
        return es_nomem(b->err);
    node->builtin = f;
    for (size_t i = 0; i < call->args.count; i++) {
        const tsql_expr *arg = call->args.items[i];
        if (f->signature != NULL && letter_at(f->signature, i) == 'p')
            ES_TRY(bind_part(b, arg, f->name, &node->args[i]));
        else
            ES_TRY(bind_arg(b, arg, &node->args[i]));
    }
    ES_TRY(engine_bind_builtin(b, node));
    *ret = node;
    return engine_bind_fold(b, ret);
}
