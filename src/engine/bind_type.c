/* SPDX-License-Identifier: MIT */
/* Nodes, conversions and the types of operators. */
#include "engine/bind.h"

#include "base/mem.h"
#include "sqltype/convert.h"
#include "sqltype/decimal.h"

#include <stdint.h>
#include <string.h>

/* ---- memory and nodes ---- */

void *engine_bind_alloc(engine_binder *b, size_t size)
{
    return tsql_arena_alloc(&b->arena, size);
}

char *engine_bind_strdup(engine_binder *b, const char *s)
{
    return tsql_arena_strndup(&b->arena, s, strlen(s));
}

void *engine_bind_room(engine_binder *b, void *items, size_t count, size_t size)
{
    return tsql_arena_room(&b->arena, items, count, size);
}

engine_node *engine_node_new(engine_binder *b, engine_node_kind kind)
{
    engine_node *node = engine_bind_alloc(b, sizeof *node);
    if (node != NULL)
        node->kind = kind;
    return node;
}

engine_node *engine_node_list(engine_binder *b, engine_node_kind kind, size_t count)
{
    engine_node *node = engine_node_new(b, kind);
    if (node == NULL)
        return NULL;
    node->args = engine_bind_alloc(b, (count != 0 ? count : 1) * sizeof(engine_node *));
    node->arg_count = count;
    return node->args != NULL ? node : NULL;
}

static bool has_bytes(sqltype_id id)
{
    return sqltype_is_string(id) || (sqltype_is_binary(id) && id != SQLTYPE_ROWVERSION);
}

entrasql_status engine_node_const(engine_binder *b, const sqlvalue *v, engine_node **ret)
{
    engine_node *node = engine_node_new(b, ENGINE_NODE_CONST);
    if (node == NULL)
        return es_nomem(b->err);
    node->type = v->type;
    node->nullable = v->is_null;
    node->value = *v;
    node->value.owned = false;
    if (!v->is_null && has_bytes(v->type.id)) {
        char *copy = tsql_arena_strndup(&b->arena, v->u.s.data, v->u.s.len);
        if (copy == NULL)
            return es_nomem(b->err);
        node->value.u.s.data = copy;
    }
    *ret = node;
    return ENTRASQL_OK;
}

/* A tree of its own: nodes may be changed in their place later. */
static engine_node *copy_node(engine_binder *b, const engine_node *from)
{
    engine_node *node = engine_node_list(b, from->kind, from->arg_count);
    if (node == NULL)
        return NULL;
    engine_node **args = node->args;
    *node = *from;
    node->args = args;
    for (size_t i = 0; i < from->arg_count; i++) {
        args[i] = copy_node(b, from->args[i]);
        if (args[i] == NULL)
            return NULL;
    }
    return node;
}

engine_node *engine_node_of(engine_binder *b, const engine_source *source, size_t column)
{
    if (source->exprs != NULL)
        return copy_node(b, source->exprs[column]);
    engine_node *node = engine_node_new(b, ENGINE_NODE_COLUMN);
    if (node == NULL)
        return NULL;
    node->source = source;
    node->index = column;
    node->type = source->columns[column].type;
    node->nullable = source->columns[column].nullable;
    return node;
}

entrasql_status engine_node_call(engine_binder *b, const char *name, sqltype type,
                                 engine_node **args, size_t count, engine_node **ret)
{
    engine_node *node = engine_node_list(b, ENGINE_NODE_CALL, count);
    if (node == NULL)
        return es_nomem(b->err);
    node->builtin = engine_builtin_find(name, true);
    if (node->builtin == NULL)
        return es_fail(b->err, ENTRASQL_INTERNAL, "no inner function %s", name);
    node->type = type;
    node->nullable = (node->builtin->flags & ENGINE_MAYBE_NULL) != 0;
    for (size_t i = 0; i < count; i++) {
        node->args[i] = args[i];
        node->nullable = node->nullable || args[i]->nullable;
    }
    if ((node->builtin->flags & ENGINE_NOT_NULL) != 0)
        node->nullable = false;
    *ret = node;
    return engine_bind_fold(b, ret);
}

entrasql_status engine_bind_fold(engine_binder *b, engine_node **node)
{
    engine_node *call = *node;
    sqlvalue args[4];
    if (call->kind != ENGINE_NODE_CALL || (call->builtin->flags & ENGINE_VOLATILE) != 0 ||
        call->arg_count > ES_COUNT_OF(args))
        return ENTRASQL_OK;
    bool has_null = false;
    for (size_t i = 0; i < call->arg_count; i++) {
        if (call->args[i]->kind != ENGINE_NODE_CONST)
            return ENTRASQL_OK;
        args[i] = call->args[i]->value;
        has_null = has_null || args[i].is_null;
    }
    sqlvalue result = sqlvalue_null(call->type);
    if (!has_null || (call->builtin->flags & ENGINE_NULLS) != 0) {
        /* A failure belongs to the moment when, and if, the expression is evaluated. */
        engine_call c = {.s = b->s, .type = call->type};
        if (call->builtin->run(&c, args, call->arg_count, &result) != ENTRASQL_OK)
            return ENTRASQL_OK;
    }
    entrasql_status status = engine_node_const(b, &result, node);
    sqlvalue_done(&result);
    return status;
}

/* ---- conversion ---- */

sqltype engine_text_type(sqltype_id id, size_t units)
{
    size_t limit = sqltype_is_unicode(id) ? 4000 : 8000;
    if (units > limit)
        return sqltype_string(id, SQLTYPE_MAX);
    return sqltype_string(id, units == 0 ? 1 : (uint32_t)units);
}

/* The same node under another type of the same storage. */
static entrasql_status retype(engine_binder *b, engine_node **node, sqltype type)
{
    engine_node *copy = engine_node_new(b, (*node)->kind);
    if (copy == NULL)
        return es_nomem(b->err);
    *copy = **node;
    copy->type = type;
    if (copy->kind == ENGINE_NODE_CONST)
        copy->value.type = type;
    *node = copy;
    return ENTRASQL_OK;
}

static entrasql_status cast_call(engine_binder *b, engine_node **node, sqltype type, bool is_try,
                                 engine_node *style)
{
    engine_node *args[2] = {*node, style};
    ES_TRY(
        engine_node_call(b, is_try ? "try_cast" : "cast", type, args, style != NULL ? 2 : 1, node));
    return ENTRASQL_OK;
}

entrasql_status engine_bind_cast(engine_binder *b, engine_node **node, sqltype type,
                                 engine_cast_mode mode, engine_node *style)
{
    engine_node *n = *node;
    if (n->type.id == SQLTYPE_UNKNOWN && n->kind == ENGINE_NODE_CONST) {
        sqlvalue null = sqlvalue_null(type);
        return engine_node_const(b, &null, node);
    }
    ES_TRY(sqltype_check_conversion(n->type, type, mode != ENGINE_CAST_IMPLICIT, b->err));
    if (sqltype_equal(n->type, type))
        return ENTRASQL_OK;
    if (engine_store_same(n->type, type) && style == NULL)
        return retype(b, node, type);
    return cast_call(b, node, type, mode == ENGINE_CAST_TRY, style);
}

/* ---- comparison ---- */

static bool is_moment(sqltype_id id)
{
    return id == SQLTYPE_DATE || id == SQLTYPE_DATETIME || id == SQLTYPE_SMALLDATETIME ||
           id == SQLTYPE_DATETIME2;
}

/* SQLite's comparison of the stored forms is that of the types. */
static bool comparable(sqltype a, sqltype b)
{
    if (sqltype_equal(a, b) || engine_store_same(a, b) || engine_store_same(b, a))
        return true;
    if (sqltype_is_string(a.id) && sqltype_is_string(b.id))
        return true;
    if (sqltype_is_integer(a.id) && sqltype_is_integer(b.id))
        return true;
    return is_moment(a.id) && is_moment(b.id);
}

entrasql_status engine_bind_pair(engine_binder *b, engine_node **left, engine_node **right,
                                 const char *what)
{
    sqltype l = (*left)->type;
    sqltype r = (*right)->type;
    if (l.id == SQLTYPE_UNKNOWN && r.id == SQLTYPE_UNKNOWN)
        return ENTRASQL_OK;
    if (l.id == SQLTYPE_XML || r.id == SQLTYPE_XML)
        return engine_error(b->err, 305, 1,
                            "The XML data type cannot be compared or sorted, except when using the "
                            "IS NULL operator.");
    if (comparable(l, r))
        return ENTRASQL_OK;
    bool text = l.id == SQLTYPE_TEXT || l.id == SQLTYPE_NTEXT || l.id == SQLTYPE_IMAGE ||
                r.id == SQLTYPE_TEXT || r.id == SQLTYPE_NTEXT || r.id == SQLTYPE_IMAGE;
    if (text && l.id != SQLTYPE_UNKNOWN && r.id != SQLTYPE_UNKNOWN)
        return engine_error(b->err, 402, 1,
                            "The data types %s and %s are incompatible in the %s "
                            "operator.",
                            sqltype_name(l.id), sqltype_name(r.id), what);
    sqltype common = sqltype_common(l, r);
    ES_TRY(engine_bind_cast(b, left, common, ENGINE_CAST_IMPLICIT, NULL));
    return engine_bind_cast(b, right, common, ENGINE_CAST_IMPLICIT, NULL);
}

static const char *compare_name(tsql_op op)
{
    switch ((int)op) {
    case TSQL_OP_EQ:
        return "equal to";
    case TSQL_OP_NE:
        return "not equal to";
    case TSQL_OP_LT:
        return "less than";
    case TSQL_OP_LE:
        return "less than or equal to";
    case TSQL_OP_GT:
        return "greater than";
    default:
        return "greater than or equal to";
    }
}

entrasql_status engine_bind_compare(engine_binder *b, tsql_op op, engine_node *left,
                                    engine_node *right, engine_node **ret)
{
    ES_TRY(engine_bind_pair(b, &left, &right, compare_name(op)));
    engine_node *node = engine_node_list(b, ENGINE_NODE_COMPARE, 2);
    if (node == NULL)
        return es_nomem(b->err);
    node->op = op;
    node->args[0] = left;
    node->args[1] = right;
    *ret = node;
    return ENTRASQL_OK;
}

/* ---- arithmetic ---- */

static const struct {
    const char *name; /* in messages */
    const char *call;
    bool bitwise;
} ops[] = {
    [TSQL_OP_PLUS] = {"add", "add", false},     [TSQL_OP_MINUS] = {"subtract", "sub", false},
    [TSQL_OP_MUL] = {"multiply", "mul", false}, [TSQL_OP_DIV] = {"divide", "div", false},
    [TSQL_OP_MOD] = {"modulo", "mod", false},   [TSQL_OP_BITAND] = {"'&'", "bitand", true},
    [TSQL_OP_BITOR] = {"'|'", "bitor", true},   [TSQL_OP_BITXOR] = {"'^'", "bitxor", true},
};

static entrasql_status bad_operand(engine_binder *b, tsql_op op, sqltype type)
{
    return engine_error(b->err, 8117, 1, "Operand data type %s is invalid for %s operator.",
                        sqltype_name(type.id), ops[op].name);
}

static entrasql_status bind_concat(engine_binder *b, engine_node *left, engine_node *right,
                                   engine_node **ret)
{
    engine_node *args[2] = {left, right};
    bool binary = sqltype_is_binary(left->type.id);
    bool unicode = sqltype_is_unicode(left->type.id) || sqltype_is_unicode(right->type.id);
    sqltype_id id = binary ? SQLTYPE_VARBINARY : unicode ? SQLTYPE_NVARCHAR : SQLTYPE_VARCHAR;
    uint32_t limit = unicode ? 4000 : 8000;
    uint32_t length = SQLTYPE_MAX;
    if (!sqltype_is_large(left->type) && !sqltype_is_large(right->type)) {
        length = left->type.length + right->type.length;
        if (length > limit)
            length = limit;
    }
    return engine_node_call(b, "concat", sqltype_string(id, length), args, 2, ret);
}

/* datetime and smalldatetime can be added to; the newer types cannot. */
static entrasql_status bind_moment(engine_binder *b, tsql_op op, engine_node *left,
                                   engine_node *right, engine_node **ret)
{
    sqltype type = sqltype_common(left->type, right->type);
    if ((op != TSQL_OP_PLUS && op != TSQL_OP_MINUS))
        return bad_operand(b, op, type);
    if (type.id != SQLTYPE_DATETIME && type.id != SQLTYPE_SMALLDATETIME) {
        if (sqltype_is_datetime(left->type.id) && sqltype_is_datetime(right->type.id))
            return bad_operand(b, op, type);
        bool left_is = sqltype_is_datetime(left->type.id);
        return engine_error(b->err, 206, 2, "Operand type clash: %s is incompatible with %s",
                            sqltype_name((left_is ? left : right)->type.id),
                            sqltype_name((left_is ? right : left)->type.id));
    }
    engine_node *args[2] = {left, right};
    for (size_t i = 0; i < 2; i++)
        ES_TRY(engine_bind_cast(b, &args[i], sqltype_of(SQLTYPE_DATETIME), ENGINE_CAST_IMPLICIT,
                                NULL));
    return engine_node_call(b, ops[op].call, sqltype_of(SQLTYPE_DATETIME), args, 2, ret);
}

/* A number as decimal arithmetic counts it: constants by their digits. */
static sqltype decimal_type(const engine_node *n)
{
    if (n->kind == ENGINE_NODE_CONST && sqltype_is_integer(n->type.id) && !n->value.is_null) {
        int64_t i = n->value.u.i;
        uint64_t magnitude = i < 0 ? 0 - (uint64_t)i : (uint64_t)i;
        return sqltype_decimal((uint8_t)sqldecimal_digits(magnitude), 0);
    }
    return sqltype_as_decimal(n->type);
}

static entrasql_status bind_decimal(engine_binder *b, tsql_op op, engine_node *left,
                                    engine_node *right, engine_node **ret)
{
    static const sqldecimal_op decimal_ops[] = {
        [TSQL_OP_PLUS] = SQLDECIMAL_ADD, [TSQL_OP_MINUS] = SQLDECIMAL_SUB,
        [TSQL_OP_MUL] = SQLDECIMAL_MUL,  [TSQL_OP_DIV] = SQLDECIMAL_DIV,
        [TSQL_OP_MOD] = SQLDECIMAL_MOD,
    };
    engine_node *args[2] = {left, right};
    sqltype types[2] = {decimal_type(left), decimal_type(right)};
    sqltype result = sqldecimal_result_type(decimal_ops[op], types[0], types[1]);
    result.id = left->type.id == SQLTYPE_NUMERIC || right->type.id == SQLTYPE_NUMERIC
                    ? SQLTYPE_NUMERIC
                    : SQLTYPE_DECIMAL;
    for (size_t i = 0; i < 2; i++) {
        if (args[i]->type.id != SQLTYPE_DECIMAL && args[i]->type.id != SQLTYPE_NUMERIC)
            ES_TRY(engine_bind_cast(b, &args[i], types[i], ENGINE_CAST_IMPLICIT, NULL));
    }
    return engine_node_call(b, ops[op].call, result, args, 2, ret);
}

/* Gives NULL and strings the type of the other side. */
static entrasql_status settle(engine_binder *b, engine_node **side, const engine_node *other)
{
    sqltype type = (*side)->type;
    bool bends = type.id == SQLTYPE_UNKNOWN || sqltype_is_string(type.id) ||
                 (sqltype_is_binary(type.id) && sqltype_is_number(other->type.id));
    if (!bends || other->type.id == SQLTYPE_UNKNOWN ||
        (sqltype_is_string(type.id) && sqltype_is_string(other->type.id)))
        return ENTRASQL_OK;
    return engine_bind_cast(b, side, other->type, ENGINE_CAST_IMPLICIT, NULL);
}

static entrasql_status bind_number(engine_binder *b, tsql_op op, engine_node *left,
                                   engine_node *right, engine_node **ret)
{
    engine_node *args[2] = {left, right};
    sqltype type = sqltype_common(left->type, right->type);
    bool is_float = type.id == SQLTYPE_FLOAT || type.id == SQLTYPE_REAL;
    if (ops[op].bitwise ? !sqltype_is_integer(left->type.id) || !sqltype_is_integer(right->type.id)
                        : type.id == SQLTYPE_BIT)
        return bad_operand(b, op, sqltype_is_integer(left->type.id) ? right->type : left->type);
    if (op == TSQL_OP_MOD && is_float)
        return bad_operand(b, op, type);
    if (type.id == SQLTYPE_DECIMAL || type.id == SQLTYPE_NUMERIC)
        return bind_decimal(b, op, left, right, ret);
    for (size_t i = 0; i < 2; i++)
        ES_TRY(engine_bind_cast(b, &args[i], type, ENGINE_CAST_IMPLICIT, NULL));
    return engine_node_call(b, ops[op].call, type, args, 2, ret);
}

entrasql_status engine_bind_arith(engine_binder *b, tsql_op op, engine_node *left,
                                  engine_node *right, engine_node **ret)
{
    ES_TRY(settle(b, &left, right));
    ES_TRY(settle(b, &right, left));
    sqltype l = left->type;
    sqltype r = right->type;
    if (l.id == SQLTYPE_UNKNOWN && r.id == SQLTYPE_UNKNOWN) {
        sqlvalue null = sqlvalue_null(sqltype_of(SQLTYPE_INT));
        return engine_node_const(b, &null, ret);
    }
    bool text = sqltype_is_string(l.id) && sqltype_is_string(r.id);
    if (op == TSQL_OP_PLUS && (text || (sqltype_is_binary(l.id) && sqltype_is_binary(r.id))))
        return bind_concat(b, left, right, ret);
    if (text)
        return engine_error(b->err, 402, 1,
                            "The data types %s and %s are incompatible in the %s operator.",
                            sqltype_name(l.id), sqltype_name(r.id), ops[op].name);
    if (sqltype_is_datetime(l.id) || sqltype_is_datetime(r.id))
        return bind_moment(b, op, left, right, ret);
    if (!sqltype_is_number(l.id))
        return bad_operand(b, op, l);
    if (!sqltype_is_number(r.id))
        return bad_operand(b, op, r);
    return bind_number(b, op, left, right, ret);
}

entrasql_status engine_bind_unary(engine_binder *b, tsql_op op, engine_node *operand,
                                  engine_node **ret)
{
    sqltype type = operand->type;
    if (type.id == SQLTYPE_UNKNOWN) {
        *ret = operand;
        return ENTRASQL_OK;
    }
    if (op == TSQL_OP_PLUS) {
        *ret = operand;
        return ENTRASQL_OK;
    }
    if (op == TSQL_OP_BITNOT) {
        if (!sqltype_is_integer(type.id))
            return engine_error(b->err, 8117, 1,
                                "Operand data type %s is invalid for '~' operator.",
                                sqltype_name(type.id));
        return engine_node_call(b, "bitnot", type, &operand, 1, ret);
    }
    if (!sqltype_is_number(type.id) || type.id == SQLTYPE_BIT)
        return engine_error(b->err, 8117, 1, "Operand data type %s is invalid for minus operator.",
                            sqltype_name(type.id));
    if (type.id == SQLTYPE_TINYINT)
        type = sqltype_of(SQLTYPE_SMALLINT);
    return engine_node_call(b, "neg", type, &operand, 1, ret);
}
