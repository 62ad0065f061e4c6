/* SPDX-License-Identifier: MIT */
/* Scalar expressions. */
#include "engine/bind.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/utf16.h"
#include "sqltype/convert.h"
#include "sqltype/cp1252.h"
#include "sqltype/decimal.h"
#include "tsql/type.h"

#include <stdlib.h>
#include <string.h>

/* ---- literals ---- */

static entrasql_status bind_decimal(engine_binder *b, const char *text, engine_node **ret)
{
    sqlvalue v = {0};
    sqltype type;
    entrasql_status status = sqldecimal_parse_literal(text, strlen(text), &v.u.dec, &type);
    if (status != ENTRASQL_OK)
        return engine_error(b->err, 1007, 1,
                            "The number '%s' is out of the range for numeric representation "
                            "(maximum precision 38).",
                            text);
    type.id = SQLTYPE_NUMERIC;
    v.type = type;
    return engine_node_const(b, &v, ret);
}

static entrasql_status bind_integer(engine_binder *b, const char *text, engine_node **ret)
{
    int64_t i;
    if (es_parse_i64(text, strlen(text), &i) != ENTRASQL_OK || i > INT32_MAX)
        return bind_decimal(b, text, ret);
    sqlvalue v = sqlvalue_int((int32_t)i);
    return engine_node_const(b, &v, ret);
}

static entrasql_status bind_money(engine_binder *b, const char *text, engine_node **ret)
{
    sqlvalue source =
        sqlvalue_lend(engine_text_type(SQLTYPE_VARCHAR, strlen(text)), text, strlen(text));
    sqlvalue v;
    ES_TRY(sqltype_convert(&source, sqltype_of(SQLTYPE_MONEY), NULL, &v, b->err));
    return engine_node_const(b, &v, ret);
}

static entrasql_status bind_string(engine_binder *b, const tsql_expr *e, engine_node **ret)
{
    size_t units = sqlcp1252_length(e->text, e->length);
    if (e->unicode && es_utf8_to_utf16_units(e->text, e->length, &units) != ENTRASQL_OK)
        return es_fail(b->err, ENTRASQL_MALFORMED, "a string in the statement is not UTF-8");
    sqltype type = engine_text_type(e->unicode ? SQLTYPE_NVARCHAR : SQLTYPE_VARCHAR, units);
    sqlvalue v = sqlvalue_lend(type, e->text, e->length);
    if (e->unicode)
        return engine_node_const(b, &v, ret);
    /* Characters that code page 1252 does not have become '?', as on the real server. */
    sqlvalue fitted;
    ES_TRY(sqltype_convert(&v, type, NULL, &fitted, b->err));
    entrasql_status status = engine_node_const(b, &fitted, ret);
    sqlvalue_done(&fitted);
    return status;
}

static entrasql_status bind_literal(engine_binder *b, const tsql_expr *e, engine_node **ret)
{
    sqlvalue v = sqlvalue_null(sqltype_of(SQLTYPE_UNKNOWN));
    switch ((int)e->kind) {
    case TSQL_EXPR_INTEGER:
        return bind_integer(b, e->text, ret);
    case TSQL_EXPR_DECIMAL:
        return bind_decimal(b, e->text, ret);
    case TSQL_EXPR_FLOAT:
        v = sqlvalue_float(strtod(e->text, NULL));
        break;
    case TSQL_EXPR_MONEY:
        return bind_money(b, e->text, ret);
    case TSQL_EXPR_STRING:
        return bind_string(b, e, ret);
    case TSQL_EXPR_BINARY:
        v = sqlvalue_lend(sqltype_string(SQLTYPE_VARBINARY, e->length == 0     ? 1
                                                            : e->length > 8000 ? SQLTYPE_MAX
                                                                               : e->length),
                          e->text, e->length);
        break;
    default:
        break;
    }
    return engine_node_const(b, &v, ret);
}

/* ---- variables ---- */

static entrasql_status bind_variable(engine_binder *b, const tsql_expr *e, engine_node **ret)
{
    engine_variable *v = engine_frame_variable(b->frame, e->text);
    if (v == NULL || v->table != NULL)
        return engine_error(b->err, 137, 2, "Must declare the scalar variable \"%s\".", e->text);
    engine_node *node = engine_node_new(b, ENGINE_NODE_VARIABLE);
    if (node == NULL)
        return es_nomem(b->err);
    node->index = (size_t)(v - b->frame->variables);
    node->type = v->type;
    node->nullable = true;
    *ret = node;
    return ENTRASQL_OK;
}

static entrasql_status bind_global(engine_binder *b, const tsql_expr *e, engine_node **ret)
{
    const engine_builtin *builtin = engine_builtin_find(e->text, false);
    if (builtin == NULL)
        return engine_error(b->err, 137, 1, "Must declare the scalar variable \"%s\".", e->text);
    engine_node *node = engine_node_list(b, ENGINE_NODE_CALL, 0);
    if (node == NULL)
        return es_nomem(b->err);
    node->builtin = builtin;
    *ret = node;
    return engine_bind_builtin(b, node);
}

/* ---- CASE and kin ---- */

/* Brings the results to their common type. */
static entrasql_status unify(engine_binder *b, engine_node **results, size_t count, size_t stride,
                             size_t last_else, sqltype *ret_type)
{
    sqltype type = sqltype_of(SQLTYPE_UNKNOWN);
    for (size_t i = stride - 1; i < count; i += stride)
        type = sqltype_common(type, results[i]->type);
    if (last_else != SIZE_MAX)
        type = sqltype_common(type, results[last_else]->type);
    if (type.id == SQLTYPE_UNKNOWN)
        type = sqltype_of(SQLTYPE_INT);
    for (size_t i = stride - 1; i < count; i += stride)
        ES_TRY(engine_bind_cast(b, &results[i], type, ENGINE_CAST_IMPLICIT, NULL));
    if (last_else != SIZE_MAX)
        ES_TRY(engine_bind_cast(b, &results[last_else], type, ENGINE_CAST_IMPLICIT, NULL));
    *ret_type = type;
    return ENTRASQL_OK;
}

static entrasql_status bind_when(engine_binder *b, const tsql_case *kase, const tsql_when *when,
                                 engine_node **ret)
{
    if (kase->operand == NULL)
        return engine_bind_cond(b, when->cond, ret);
    /* The operand is bound again for every WHEN: each comparison has a type of its own. */
    engine_node *operand;
    engine_node *value;
    ES_TRY(engine_bind_expr(b, kase->operand, &operand));
    ES_TRY(engine_bind_expr(b, when->value, &value));
    return engine_bind_compare(b, TSQL_OP_EQ, operand, value, ret);
}

static entrasql_status bind_case(engine_binder *b, const tsql_case *kase, engine_node **ret)
{
    size_t pairs = kase->when_count * 2;
    bool has_else = kase->otherwise != NULL;
    engine_node *node = engine_node_list(b, ENGINE_NODE_CASE, pairs + (has_else ? 1 : 0));
    if (node == NULL)
        return es_nomem(b->err);
    for (size_t i = 0; i < kase->when_count; i++) {
        ES_TRY(bind_when(b, kase, &kase->whens[i], &node->args[i * 2]));
        ES_TRY(engine_bind_expr(b, kase->whens[i].result, &node->args[i * 2 + 1]));
        node->nullable = node->nullable || node->args[i * 2 + 1]->nullable;
    }
    if (has_else) {
        ES_TRY(engine_bind_expr(b, kase->otherwise, &node->args[pairs]));
        node->nullable = node->nullable || node->args[pairs]->nullable;
    } else {
        node->nullable = true;
    }
    *ret = node;
    return unify(b, node->args, pairs, 2, has_else ? pairs : SIZE_MAX, &node->type);
}

static entrasql_status bind_coalesce(engine_binder *b, const tsql_exprs *args, engine_node **ret)
{
    engine_node *node = engine_node_list(b, ENGINE_NODE_COALESCE, args->count);
    if (node == NULL)
        return es_nomem(b->err);
    node->nullable = true;
    for (size_t i = 0; i < args->count; i++) {
        ES_TRY(engine_bind_expr(b, args->items[i], &node->args[i]));
        node->nullable = node->nullable && node->args[i]->nullable;
    }
    *ret = node;
    return unify(b, node->args, args->count, 1, SIZE_MAX, &node->type);
}

/* NULLIF(a, b): CASE WHEN a = b THEN NULL ELSE a END, of a's type. */
static entrasql_status bind_nullif(engine_binder *b, const tsql_exprs *args, engine_node **ret)
{
    engine_node *left;
    engine_node *right;
    engine_node *node = engine_node_list(b, ENGINE_NODE_CASE, 3);
    if (node == NULL)
        return es_nomem(b->err);
    ES_TRY(engine_bind_expr(b, args->items[0], &left));
    ES_TRY(engine_bind_expr(b, args->items[1], &right));
    ES_TRY(engine_bind_compare(b, TSQL_OP_EQ, left, right, &node->args[0]));
    sqlvalue null = sqlvalue_null(left->type);
    ES_TRY(engine_node_const(b, &null, &node->args[1]));
    node->args[2] = left;
    node->type = left->type;
    node->nullable = true;
    *ret = node;
    return ENTRASQL_OK;
}

/* ---- CAST and CONVERT ---- */

static entrasql_status bind_style(engine_binder *b, const tsql_cast *cast, engine_node **ret)
{
    *ret = NULL;
    if (cast->style == NULL)
        return ENTRASQL_OK;
    if (cast->form == TSQL_CAST_PARSE)
        return engine_unsupported(b->err, "PARSE");
    ES_TRY(engine_bind_expr(b, cast->style, ret));
    return engine_bind_cast(b, ret, sqltype_of(SQLTYPE_INT), ENGINE_CAST_IMPLICIT, NULL);
}

static entrasql_status bind_cast(engine_binder *b, const tsql_cast *cast, engine_node **ret)
{
    sqltype type;
    engine_node *style;
    if (cast->form == TSQL_CAST_PARSE)
        return engine_unsupported(b->err, "PARSE");
    ES_TRY(tsql_type_resolve(&cast->type, TSQL_LENGTH_CAST, 0, &type, b->err));
    ES_TRY(engine_bind_expr(b, cast->operand, ret));
    ES_TRY(bind_style(b, cast, &style));
    ES_TRY(engine_bind_cast(b, ret, type, cast->is_try ? ENGINE_CAST_TRY : ENGINE_CAST_EXPLICIT,
                            style));
    if (cast->is_try) {
        engine_node *copy = engine_node_new(b, (*ret)->kind);
        if (copy == NULL)
            return es_nomem(b->err);
        *copy = **ret;
        copy->nullable = true;
        *ret = copy;
    }
    return ENTRASQL_OK;
}

/* ---- the rest ---- */

static entrasql_status bind_subquery(engine_binder *b, const tsql_expr *e, engine_node **ret)
{
    engine_node *node = engine_node_new(b, ENGINE_NODE_SUBQUERY);
    if (node == NULL)
        return es_nomem(b->err);
    ES_TRY(engine_bind_query(b, e->u.query, &node->query));
    if (node->query->column_count != 1)
        return engine_error(b->err, 116, 1,
                            "Only one expression can be specified in the select list when the "
                            "subquery is not introduced with EXISTS.");
    node->type = node->query->columns[0].type;
    if (node->type.id == SQLTYPE_UNKNOWN) {
        node->type = sqltype_of(SQLTYPE_INT);
        ES_TRY(engine_bind_query_type(b, node->query, 0, node->type));
    }
    node->nullable = true;
    *ret = node;
    return ENTRASQL_OK;
}

static entrasql_status bind_arith(engine_binder *b, const tsql_expr *e, engine_node **ret)
{
    engine_node *left;
    engine_node *right;
    ES_TRY(engine_bind_expr(b, e->left, &left));
    ES_TRY(engine_bind_expr(b, e->right, &right));
    return engine_bind_arith(b, e->op, left, right, ret);
}

static entrasql_status bind_unary(engine_binder *b, const tsql_expr *e, engine_node **ret)
{
    engine_node *operand;
    /* -2147483648 is an int although its digits alone are not. */
    if (e->op == TSQL_OP_MINUS && e->left->kind == TSQL_EXPR_INTEGER &&
        es_streq(e->left->text, "2147483648")) {
        sqlvalue v = sqlvalue_int(INT32_MIN);
        return engine_node_const(b, &v, ret);
    }
    ES_TRY(engine_bind_expr(b, e->left, &operand));
    return engine_bind_unary(b, e->op, operand, ret);
}

static entrasql_status bind_collate(engine_binder *b, const tsql_expr *e, engine_node **ret)
{
    engine_node *operand;
    ES_TRY(engine_bind_expr(b, e->left, &operand));
    if (!sqltype_is_string(operand->type.id))
        return engine_error(b->err, 447, 0, "Expression type %s is invalid for COLLATE clause.",
                            sqltype_name(operand->type.id));
    const char *name = e->u.name.text;
    bool binary = es_ends_with(name, "_BIN2") || es_ends_with(name, "_BIN");
    bool plain = es_strcaseeq(name, "DATABASE_DEFAULT") || es_strcaseeq(name, "CATALOG_DEFAULT") ||
                 es_strcaseeq(name, "SQL_Latin1_General_CP1_CI_AS") ||
                 es_strcaseeq(name, "Latin1_General_CI_AS");
    if (!binary && !plain)
        return engine_unsupported(b->err, name);
    engine_node *copy = engine_node_new(b, operand->kind);
    if (copy == NULL)
        return es_nomem(b->err);
    *copy = *operand;
    copy->collation = binary ? "BINARY" : ENGINE_COLLATION_TEXT;
    *ret = copy;
    return ENTRASQL_OK;
}

/* $action of MERGE, $identity of the only table that has one. */
static entrasql_status bind_pseudo(engine_binder *b, const tsql_expr *e, engine_node **ret)
{
    if (es_strcaseeq(e->text, "$action") && b->action != NULL) {
        *ret = engine_node_of(b, b->action, 0);
        return *ret != NULL ? ENTRASQL_OK : es_nomem(b->err);
    }
    if (!es_strcaseeq(e->text, "$identity") || b->scope == NULL)
        return engine_unsupported(b->err, e->text);
    for (size_t i = 0; i < b->scope->count; i++) {
        const engine_source *source = b->scope->sources[i];
        for (size_t k = 0; k < source->column_count; k++) {
            if (!source->columns[k].identity)
                continue;
            tsql_column_ref ref = {.name = {.text = source->columns[k].name, .span = e->span}};
            return engine_bind_column(b, &ref, ret);
        }
    }
    return engine_error(b->err, 207, 1, "Invalid column name '%s'.", e->text);
}

entrasql_status engine_bind_expr(engine_binder *b, const tsql_expr *e, engine_node **ret)
{
    switch ((int)e->kind) {
    case TSQL_EXPR_VARIABLE:
        return bind_variable(b, e, ret);
    case TSQL_EXPR_GLOBAL:
        return bind_global(b, e, ret);
    case TSQL_EXPR_COLUMN:
        return engine_bind_column(b, e->u.column, ret);
    case TSQL_EXPR_UNARY:
        return bind_unary(b, e, ret);
    case TSQL_EXPR_ARITH:
        return bind_arith(b, e, ret);
    case TSQL_EXPR_CASE:
    case TSQL_EXPR_IIF:
        return bind_case(b, e->u.kase, ret);
    case TSQL_EXPR_CAST:
        return bind_cast(b, e->u.cast, ret);
    case TSQL_EXPR_COALESCE:
        return bind_coalesce(b, &e->u.args, ret);
    case TSQL_EXPR_NULLIF:
        return bind_nullif(b, &e->u.args, ret);
    case TSQL_EXPR_FUNCTION:
        return engine_bind_call(b, e, ret);
    case TSQL_EXPR_SUBQUERY:
        return bind_subquery(b, e, ret);
    case TSQL_EXPR_COLLATE:
        return bind_collate(b, e, ret);
    case TSQL_EXPR_DEFAULT:
        return engine_error(b->err, 156, 1, "Incorrect syntax near the keyword 'DEFAULT'.");
    case TSQL_EXPR_PSEUDO:
        return bind_pseudo(b, e, ret);
    case TSQL_EXPR_AT_TIME_ZONE:
        return engine_unsupported(b->err, "AT TIME ZONE");
    case TSQL_EXPR_NEXT_VALUE:
        return engine_unsupported(b->err, "NEXT VALUE FOR");
    default:
        return bind_literal(b, e, ret);
    }
}

entrasql_status engine_bind_text(engine_binder *b, const char *text, engine_node **ret)
{
    tsql_batch *batch = NULL;
    tsql_expr *e = NULL;
    ES_TRY(tsql_parse_expr(text, strlen(text), &batch, &e, b->err));
    b->stored_depth++;
    entrasql_status status = engine_bind_expr(b, e, ret);
    b->stored_depth--;
    tsql_batch_free(batch);
    return status;
}
