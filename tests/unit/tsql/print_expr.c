/* SPDX-License-Identifier: MIT */
/* Expressions, conditions and queries as text. */
#include "print.h"

#include <stdarg.h>
#include <stdlib.h>

void print_text(es_buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    if (es_buf_vprintf(b, fmt, ap) != ENTRASQL_OK)
        abort();
    va_end(ap);
}

static void name(es_buf *b, const tsql_name *n)
{
    print_text(b, "%s", n->text != NULL ? n->text : "-");
}

void print_object(es_buf *b, const tsql_object *o)
{
    const tsql_name *parts[] = {&o->server, &o->database, &o->schema};
    for (size_t i = 0; i < ES_COUNT_OF(parts); i++) {
        if (parts[i]->text != NULL)
            print_text(b, "%s.", parts[i]->text);
    }
    name(b, &o->name);
}

void print_names(es_buf *b, const char *label, const tsql_names *names)
{
    if (names->count == 0)
        return;
    print_text(b, " (%s", label);
    for (size_t i = 0; i < names->count; i++)
        print_text(b, " %s", names->items[i].text);
    print_text(b, ")");
}

void print_type(es_buf *b, const tsql_type *type)
{
    print_object(b, &type->name);
    if (type->id == SQLTYPE_UNKNOWN)
        print_text(b, "?");
    if (type->is_max)
        print_text(b, "(max)");
    for (size_t i = 0; i < type->arg_count; i++)
        print_text(b, "%c%u%s", i == 0 ? '(' : ',', type->args[i],
                   i + 1u == type->arg_count ? ")" : "");
}

static const char *op_text(tsql_op op)
{
    static const char *const texts[] = {
        [TSQL_OP_NONE] = "=",   [TSQL_OP_PLUS] = "+",  [TSQL_OP_MINUS] = "-",
        [TSQL_OP_MUL] = "*",    [TSQL_OP_DIV] = "/",   [TSQL_OP_MOD] = "%",
        [TSQL_OP_BITAND] = "&", [TSQL_OP_BITOR] = "|", [TSQL_OP_BITXOR] = "^",
        [TSQL_OP_BITNOT] = "~", [TSQL_OP_EQ] = "=",    [TSQL_OP_NE] = "<>",
        [TSQL_OP_LT] = "<",     [TSQL_OP_LE] = "<=",   [TSQL_OP_GT] = ">",
        [TSQL_OP_GE] = ">=",
    };
    return texts[op];
}

static void exprs(es_buf *b, const tsql_exprs *list)
{
    for (size_t i = 0; i < list->count; i++) {
        print_text(b, " ");
        print_expr(b, list->items[i]);
    }
}

void print_order(es_buf *b, const tsql_order *order)
{
    for (size_t i = 0; i < order->count; i++) {
        print_text(b, " ");
        print_expr(b, order->items[i].expr);
        if (order->items[i].descending)
            print_text(b, " desc");
    }
}

static void print_case(es_buf *b, const tsql_case *kase)
{
    if (kase->operand != NULL) {
        print_text(b, " ");
        print_expr(b, kase->operand);
    }
    for (size_t i = 0; i < kase->when_count; i++) {
        print_text(b, " (when ");
        if (kase->whens[i].cond != NULL)
            print_cond(b, kase->whens[i].cond);
        else
            print_expr(b, kase->whens[i].value);
        print_text(b, " ");
        print_expr(b, kase->whens[i].result);
        print_text(b, ")");
    }
    if (kase->otherwise != NULL) {
        print_text(b, " else ");
        print_expr(b, kase->otherwise);
    }
}

static void bound(es_buf *b, const tsql_bound *bound_)
{
    static const char *const names[] = {"first", "preceding", "current", "following", "last"};
    print_text(b, " %s", names[bound_->kind]);
    if (bound_->rows != NULL) {
        print_text(b, ":");
        print_expr(b, bound_->rows);
    }
}

static void print_call(es_buf *b, const tsql_call *call)
{
    print_object(b, &call->name);
    print_text(b, "%s%s", call->star ? " *" : "", call->distinct ? " distinct" : "");
    exprs(b, &call->args);
    if (call->within_group.count != 0) {
        print_text(b, " (within");
        print_order(b, &call->within_group);
        print_text(b, ")");
    }
    if (call->over == NULL)
        return;
    print_text(b, " (over");
    if (call->over->partition.count != 0) {
        print_text(b, " (by");
        exprs(b, &call->over->partition);
        print_text(b, ")");
    }
    print_order(b, &call->over->order);
    if (call->over->frame != TSQL_FRAME_NONE) {
        print_text(b, " %s", call->over->frame == TSQL_FRAME_ROWS ? "rows" : "range");
        bound(b, &call->over->from);
        bound(b, &call->over->to);
    }
    print_text(b, ")");
}

static void print_cast(es_buf *b, const tsql_cast *cast)
{
    static const char *const forms[] = {"cast", "convert", "parse"};
    print_text(b, "(%s%s ", cast->is_try ? "try-" : "", forms[cast->form]);
    print_type(b, &cast->type);
    print_text(b, " ");
    print_expr(b, cast->operand);
    if (cast->style != NULL) {
        print_text(b, " ");
        print_expr(b, cast->style);
    }
    print_text(b, ")");
}

static void column(es_buf *b, const tsql_column_ref *c)
{
    if (c->object.name.text != NULL) {
        print_object(b, &c->object);
        print_text(b, ".");
    }
    name(b, &c->name);
}

static void bytes(es_buf *b, const tsql_expr *e)
{
    print_text(b, "0x");
    for (uint32_t i = 0; i < e->length; i++)
        print_text(b, "%02X", (unsigned)(unsigned char)e->text[i]);
}

static void operator_expr(es_buf *b, const tsql_expr *e)
{
    print_text(b, "(%s ", op_text(e->op));
    print_expr(b, e->left);
    if (e->right != NULL) {
        print_text(b, " ");
        print_expr(b, e->right);
    }
    print_text(b, ")");
}

static void with_args(es_buf *b, const char *label, const tsql_exprs *args)
{
    print_text(b, "(%s", label);
    exprs(b, args);
    print_text(b, ")");
}

void print_expr(es_buf *b, const tsql_expr *e)
{
    switch (e->kind) {
    case TSQL_EXPR_NULL:
        print_text(b, "null");
        break;
    case TSQL_EXPR_DEFAULT:
        print_text(b, "default");
        break;
    case TSQL_EXPR_INTEGER:
    case TSQL_EXPR_VARIABLE:
    case TSQL_EXPR_GLOBAL:
        print_text(b, "%s", e->text);
        break;
    case TSQL_EXPR_DECIMAL:
        print_text(b, "d%s", e->text);
        break;
    case TSQL_EXPR_FLOAT:
        print_text(b, "f%s", e->text);
        break;
    case TSQL_EXPR_MONEY:
        print_text(b, "$%s", e->text);
        break;
    case TSQL_EXPR_STRING:
        print_text(b, "%s'%.*s'", e->unicode ? "N" : "", (int)e->length, e->text);
        break;
    case TSQL_EXPR_BINARY:
        bytes(b, e);
        break;
    case TSQL_EXPR_COLUMN:
        column(b, e->u.column);
        break;
    case TSQL_EXPR_PSEUDO:
        if (e->u.column->object.name.text != NULL) {
            print_object(b, &e->u.column->object);
            print_text(b, ".");
        }
        print_text(b, "%s", e->text);
        break;
    case TSQL_EXPR_UNARY:
    case TSQL_EXPR_ARITH:
        operator_expr(b, e);
        break;
    case TSQL_EXPR_CASE:
    case TSQL_EXPR_IIF:
        print_text(b, e->kind == TSQL_EXPR_IIF ? "(iif" : "(case");
        print_case(b, e->u.kase);
        print_text(b, ")");
        break;
    case TSQL_EXPR_CAST:
        print_cast(b, e->u.cast);
        break;
    case TSQL_EXPR_COALESCE:
        with_args(b, "coalesce", &e->u.args);
        break;
    case TSQL_EXPR_NULLIF:
        with_args(b, "nullif", &e->u.args);
        break;
    case TSQL_EXPR_FUNCTION:
        print_text(b, e->u.call->no_brackets ? "(!" : "(");
        print_call(b, e->u.call);
        print_text(b, ")");
        break;
    case TSQL_EXPR_SUBQUERY:
        print_query(b, e->u.query);
        break;
    case TSQL_EXPR_COLLATE:
        print_text(b, "(collate ");
        print_expr(b, e->left);
        print_text(b, " %s)", e->u.name.text);
        break;
    case TSQL_EXPR_AT_TIME_ZONE:
        print_text(b, "(zone ");
        print_expr(b, e->left);
        print_text(b, " ");
        print_expr(b, e->right);
        print_text(b, ")");
        break;
    case TSQL_EXPR_NEXT_VALUE:
        print_text(b, "(next ");
        print_object(b, e->u.sequence);
        print_text(b, ")");
        break;
    }
}

static void binary_cond(es_buf *b, const char *label, const tsql_cond *c)
{
    print_text(b, "(%s ", label);
    print_cond(b, c->a);
    if (c->b != NULL) {
        print_text(b, " ");
        print_cond(b, c->b);
    }
    print_text(b, ")");
}

static void predicate(es_buf *b, const char *label, const tsql_cond *c)
{
    print_text(b, "(%s%s", c->negated ? "not-" : "", label);
    const tsql_expr *parts[] = {c->left, c->right, c->high, c->escape};
    for (size_t i = 0; i < ES_COUNT_OF(parts); i++) {
        if (parts[i] == NULL)
            continue;
        print_text(b, i == 3 ? " escape " : " ");
        print_expr(b, parts[i]);
    }
    exprs(b, &c->list);
    if (c->query != NULL) {
        print_text(b, " ");
        print_query(b, c->query);
    }
    print_text(b, ")");
}

void print_cond(es_buf *b, const tsql_cond *c)
{
    switch (c->kind) {
    case TSQL_COND_AND:
        binary_cond(b, "and", c);
        break;
    case TSQL_COND_OR:
        binary_cond(b, "or", c);
        break;
    case TSQL_COND_NOT:
        binary_cond(b, "not", c);
        break;
    case TSQL_COND_COMPARE:
        predicate(b, op_text(c->op), c);
        break;
    case TSQL_COND_QUANTIFIED:
        print_text(b, "(%s", c->all ? "all " : "any ");
        predicate(b, op_text(c->op), c);
        print_text(b, ")");
        break;
    case TSQL_COND_IS_NULL:
        predicate(b, "is-null", c);
        break;
    case TSQL_COND_DISTINCT:
        predicate(b, "distinct", c);
        break;
    case TSQL_COND_IN_LIST:
    case TSQL_COND_IN_QUERY:
        predicate(b, "in", c);
        break;
    case TSQL_COND_BETWEEN:
        predicate(b, "between", c);
        break;
    case TSQL_COND_LIKE:
        predicate(b, "like", c);
        break;
    case TSQL_COND_EXISTS:
        predicate(b, "exists", c);
        break;
    case TSQL_COND_UPDATE:
        print_text(b, "(updated %s)", c->name.text);
        break;
    }
}
