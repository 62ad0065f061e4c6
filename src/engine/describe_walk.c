/* SPDX-License-Identifier: MIT */
/* Types of undeclared parameters: expressions, conditions, queries. */
#include "engine/describe_walk.h"

#include "base/str.h"
#include "engine/principal.h"
#include "engine/temp.h"
#include "engine/view.h"
#include "sqltype/collation.h"
#include "tsql/type.h"

#include <string.h>

/* ---- scopes ---- */

void engine_describe_push(engine_describe_walk *w, engine_describe_scope *scope,
                          const tsql_source *from)
{
    *scope = (engine_describe_scope){.outer = w->scope, .from = from};
    w->scope = scope;
}

void engine_describe_push_target(engine_describe_walk *w, engine_describe_scope *scope,
                                 const tsql_target *target, const tsql_source *from)
{
    engine_describe_push(w, scope, from);
    if (from != NULL || target->variable != NULL)
        return;
    scope->target = (tsql_source){.kind = TSQL_SOURCE_OBJECT, .object = target->object};
    scope->from = &scope->target;
}

void engine_describe_pop(engine_describe_walk *w)
{
    w->scope = w->scope->outer;
}

/* ---- tables ---- */

static bool is_empty(const tsql_name *name)
{
    return name->text == NULL || name->text[0] == '\0';
}

static const engine_object *find_table(engine_describe_walk *w, const tsql_object *name)
{
    const engine_catalog *c = w->s->catalog;
    if (name->name.text == NULL)
        return NULL;
    if (name->name.text[0] == '#')
        return engine_temp_find(w->s, name->name.text);
    if (!is_empty(&name->schema)) {
        const engine_schema *schema = engine_catalog_schema(c, name->schema.text);
        return schema != NULL ? engine_catalog_object(c, schema->id, name->name.text) : NULL;
    }
    const engine_object *o =
        engine_catalog_object(c, engine_who_default_schema(w->s), name->name.text);
    return o != NULL ? o : engine_catalog_object(c, ENGINE_SCHEMA_DBO, name->name.text);
}

const engine_object *engine_describe_target(engine_describe_walk *w, const tsql_target *target)
{
    return target->variable == NULL ? find_table(w, &target->object) : NULL;
}

/* The source under a join tree that has this alias or table name. */
static const tsql_source *find_source(const tsql_source *source, const char *name)
{
    if (source == NULL)
        return NULL;
    if (source->kind == TSQL_SOURCE_JOIN) {
        const tsql_source *found = find_source(source->left, name);
        return found != NULL ? found : find_source(source->right, name);
    }
    const char *own = source->alias.text != NULL ? source->alias.text : source->object.name.text;
    return own != NULL && sqlcollation_equal_names(own, name) ? source : NULL;
}

const engine_object *engine_describe_aliased(engine_describe_walk *w, const tsql_target *target)
{
    if (target->variable != NULL)
        return NULL;
    const tsql_source *source =
        w->scope != NULL ? find_source(w->scope->from, target->object.name.text) : NULL;
    if (source != NULL && source->kind == TSQL_SOURCE_OBJECT && is_empty(&target->object.schema))
        return find_table(w, &source->object);
    return find_table(w, &target->object);
}

/* ---- types of what is known ---- */

static bool type_of(engine_describe_walk *w, const tsql_expr *e, sqltype *ret);

static bool column_of_view(const tsql_object *name, const char *column, sqltype *ret)
{
    const engine_view *view =
        name->schema.text != NULL ? engine_view_find(name->schema.text, name->name.text) : NULL;
    for (size_t i = 0; view != NULL && i < view->column_count; i++) {
        if (sqlcollation_equal_names(view->columns[i].name, column)) {
            *ret = engine_view_type(&view->columns[i]);
            return true;
        }
    }
    return false;
}

/* A column of a derived table: the item of that name. */
static bool column_of_query(engine_describe_walk *w, const tsql_source *source, const char *column,
                            sqltype *ret)
{
    const tsql_query *q = source->query;
    while (q->kind == TSQL_QUERY_SET_OP)
        q = q->left;
    engine_describe_scope scope;
    bool found = false;
    engine_describe_push(w, &scope, q->from);
    for (size_t i = 0; i < q->items.count && !found; i++) {
        const tsql_item *item = &q->items.items[i];
        const char *name =
            i < source->columns.count ? source->columns.items[i].text : item->alias.text;
        if (item->expr == NULL)
            continue;
        if (name == NULL && item->expr->kind == TSQL_EXPR_COLUMN)
            name = item->expr->u.column->name.text;
        found =
            name != NULL && sqlcollation_equal_names(name, column) && type_of(w, item->expr, ret);
    }
    engine_describe_pop(w);
    return found;
}

static bool column_of_source(engine_describe_walk *w, const tsql_source *source, const char *column,
                             sqltype *ret)
{
    if (source->kind == TSQL_SOURCE_DERIVED)
        return column_of_query(w, source, column, ret);
    if (source->kind != TSQL_SOURCE_OBJECT)
        return false;
    const engine_object *table = find_table(w, &source->object);
    if (table == NULL)
        return column_of_view(&source->object, column, ret);
    const engine_table_column *c = engine_object_column(table, column);
    if (c != NULL)
        *ret = c->type;
    return c != NULL;
}

static bool column_in(engine_describe_walk *w, const tsql_source *source, const char *column,
                      sqltype *ret)
{
    if (source == NULL)
        return false;
    if (source->kind == TSQL_SOURCE_JOIN)
        return column_in(w, source->left, column, ret) || column_in(w, source->right, column, ret);
    return column_of_source(w, source, column, ret);
}

static bool column_type(engine_describe_walk *w, const tsql_column_ref *ref, sqltype *ret)
{
    for (engine_describe_scope *scope = w->scope; scope != NULL; scope = scope->outer) {
        engine_describe_scope *inner = w->scope;
        w->scope = scope; /* a derived table sees what is outside of it */
        bool found = false;
        if (ref->object.name.text == NULL) {
            found = column_in(w, scope->from, ref->name.text, ret);
        } else {
            const tsql_source *source = find_source(scope->from, ref->object.name.text);
            found = source != NULL && column_of_source(w, source, ref->name.text, ret);
        }
        w->scope = inner;
        if (found)
            return true;
    }
    return false;
}

static bool variable_type(engine_describe_walk *w, const char *name, sqltype *ret)
{
    const engine_described *found = engine_described_find(w, name);
    if (found != NULL) {
        *ret = found->type;
        return found->known;
    }
    for (size_t i = 0; w->declared != NULL && i < w->declared->count; i++) {
        const tsql_param *p = &w->declared->items[i];
        if (es_strcaseeq(p->name, name))
            return tsql_type_resolve(&p->type, TSQL_LENGTH_DECLARED, 0, ret, NULL) == ENTRASQL_OK;
    }
    return false;
}

static bool literal_type(const tsql_expr *e, sqltype *ret)
{
    *ret = (sqltype){0};
    switch ((int)e->kind) {
    case TSQL_EXPR_INTEGER:
        ret->id = e->length < 10 ? SQLTYPE_INT : SQLTYPE_BIGINT;
        return true;
    case TSQL_EXPR_DECIMAL:
        *ret = (sqltype){.id = SQLTYPE_DECIMAL, .precision = 38, .scale = 19};
        return true;
    case TSQL_EXPR_FLOAT:
        ret->id = SQLTYPE_FLOAT;
        return true;
    case TSQL_EXPR_MONEY:
        ret->id = SQLTYPE_MONEY;
        return true;
    case TSQL_EXPR_STRING:
        *ret = e->unicode ? (sqltype){.id = SQLTYPE_NVARCHAR, .length = 4000}
                          : (sqltype){.id = SQLTYPE_VARCHAR, .length = 8000};
        return true;
    case TSQL_EXPR_BINARY:
        *ret = (sqltype){.id = SQLTYPE_VARBINARY, .length = 8000};
        return true;
    default:
        return false;
    }
}

static bool type_of(engine_describe_walk *w, const tsql_expr *e, sqltype *ret)
{
    switch ((int)e->kind) {
    case TSQL_EXPR_COLUMN:
        return column_type(w, e->u.column, ret);
    case TSQL_EXPR_VARIABLE:
        return variable_type(w, e->text, ret);
    case TSQL_EXPR_CAST:
        return tsql_type_resolve(&e->u.cast->type, TSQL_LENGTH_CAST, 0, ret, NULL) == ENTRASQL_OK;
    case TSQL_EXPR_UNARY:
    case TSQL_EXPR_COLLATE:
        return type_of(w, e->left, ret);
    case TSQL_EXPR_ARITH:
        return type_of(w, e->left, ret) || type_of(w, e->right, ret);
    default:
        return literal_type(e, ret);
    }
}

/* ---- hints ---- */

static void hint_case(engine_describe_walk *w, const tsql_case *kase, sqltype type)
{
    for (size_t i = 0; i < kase->when_count; i++)
        engine_describe_hint(w, kase->whens[i].result, type);
    if (kase->otherwise != NULL)
        engine_describe_hint(w, kase->otherwise, type);
}

void engine_describe_hint(engine_describe_walk *w, const tsql_expr *e, sqltype type)
{
    engine_described *parameter;
    switch ((int)e->kind) {
    case TSQL_EXPR_VARIABLE:
        parameter = engine_described_find(w, e->text);
        if (parameter != NULL && !parameter->known && type.id != SQLTYPE_UNKNOWN) {
            parameter->type = type;
            parameter->known = true;
        }
        break;
    case TSQL_EXPR_UNARY:
    case TSQL_EXPR_COLLATE:
        engine_describe_hint(w, e->left, type);
        break;
    case TSQL_EXPR_ARITH:
        engine_describe_hint(w, e->left, type);
        engine_describe_hint(w, e->right, type);
        break;
    case TSQL_EXPR_CASE:
    case TSQL_EXPR_IIF:
        hint_case(w, e->u.kase, type);
        break;
    case TSQL_EXPR_COALESCE:
    case TSQL_EXPR_NULLIF:
        for (size_t i = 0; i < e->u.args.count; i++)
            engine_describe_hint(w, e->u.args.items[i], type);
        break;
    default:
        break;
    }
}

/* Each side takes the type of the other. */
static void hint_pair(engine_describe_walk *w, const tsql_expr *a, const tsql_expr *b)
{
    sqltype type;
    if (type_of(w, a, &type))
        engine_describe_hint(w, b, type);
    if (type_of(w, b, &type))
        engine_describe_hint(w, a, type);
}

/* ---- expressions ---- */

static void walk_exprs(engine_describe_walk *w, const tsql_exprs *list)
{
    for (size_t i = 0; i < list->count; i++)
        engine_describe_expr(w, list->items[i]);
}

static void walk_case(engine_describe_walk *w, const tsql_case *kase)
{
    engine_describe_expr(w, kase->operand);
    for (size_t i = 0; i < kase->when_count; i++) {
        const tsql_when *when = &kase->whens[i];
        engine_describe_cond(w, when->cond);
        engine_describe_expr(w, when->value);
        engine_describe_expr(w, when->result);
        if (kase->operand != NULL)
            hint_pair(w, kase->operand, when->value);
    }
    engine_describe_expr(w, kase->otherwise);
}

static void walk_cast(engine_describe_walk *w, const tsql_cast *cast)
{
    sqltype type;
    if (tsql_type_resolve(&cast->type, TSQL_LENGTH_CAST, 0, &type, NULL) == ENTRASQL_OK)
        engine_describe_hint(w, cast->operand, type);
    engine_describe_expr(w, cast->operand);
}

/* Functions whose arguments have one type whatever they are called with. */
static void hint_call(engine_describe_walk *w, const tsql_call *call)
{
    static const struct {
        const char *name;
        const char *types; /* s nvarchar(4000), i int, a letter an argument, the last repeats */
    } functions[] = {
        {"LEN", "s"},         {"UPPER", "s"},  {"LOWER", "s"},     {"LTRIM", "s"},
        {"RTRIM", "s"},       {"TRIM", "s"},   {"LEFT", "si"},     {"RIGHT", "si"},
        {"SUBSTRING", "sii"}, {"CONCAT", "s"}, {"REPLACE", "sss"}, {"CHARINDEX", "ssi"},
        {"REPLICATE", "si"},
    };
    const sqltype text_type = {.id = SQLTYPE_NVARCHAR, .length = 4000};
    const sqltype int_type = {.id = SQLTYPE_INT};
    for (size_t f = 0; f < ES_COUNT_OF(functions); f++) {
        if (!es_strcaseeq(functions[f].name, call->name.name.text))
            continue;
        size_t last = strlen(functions[f].types) - 1;
        for (size_t i = 0; i < call->args.count; i++)
            engine_describe_hint(w, call->args.items[i],
                                 functions[f].types[i < last ? i : last] == 's' ? text_type
                                                                                : int_type);
    }
    bool date_add = es_strcaseeq(call->name.name.text, "DATEADD") && call->args.count == 3;
    if (date_add)
        engine_describe_hint(w, call->args.items[1], int_type);
}

void engine_describe_expr(engine_describe_walk *w, const tsql_expr *e)
{
    if (e == NULL)
        return;
    switch ((int)e->kind) {
    case TSQL_EXPR_UNARY:
    case TSQL_EXPR_COLLATE:
        engine_describe_expr(w, e->left);
        break;
    case TSQL_EXPR_ARITH:
        hint_pair(w, e->left, e->right);
        engine_describe_expr(w, e->left);
        engine_describe_expr(w, e->right);
        break;
    case TSQL_EXPR_CASE:
    case TSQL_EXPR_IIF:
        walk_case(w, e->u.kase);
        break;
    case TSQL_EXPR_CAST:
        walk_cast(w, e->u.cast);
        break;
    case TSQL_EXPR_COALESCE:
    case TSQL_EXPR_NULLIF:
        for (size_t i = 1; i < e->u.args.count; i++)
            hint_pair(w, e->u.args.items[0], e->u.args.items[i]);
        walk_exprs(w, &e->u.args);
        break;
    case TSQL_EXPR_FUNCTION:
        hint_call(w, e->u.call);
        walk_exprs(w, &e->u.call->args);
        break;
    case TSQL_EXPR_SUBQUERY:
        engine_describe_query(w, e->u.query);
        break;
    default:
        break;
    }
}

/* ---- conditions ---- */

/* A pattern may be longer than what it is compared with. */
static void hint_like(engine_describe_walk *w, const tsql_cond *c)
{
    sqltype type = {.id = SQLTYPE_NVARCHAR, .length = 4000};
    sqltype left;
    if (type_of(w, c->left, &left) && sqltype_is_string(left.id) && !sqltype_is_unicode(left.id))
        type = (sqltype){.id = SQLTYPE_VARCHAR, .length = 8000};
    engine_describe_hint(w, c->left, type);
    engine_describe_hint(w, c->right, type);
    if (c->escape != NULL)
        engine_describe_hint(w, c->escape, type);
}

static void hint_in_query(engine_describe_walk *w, const tsql_cond *c)
{
    const tsql_query *q = c->query;
    while (q->kind == TSQL_QUERY_SET_OP)
        q = q->left;
    if (q->items.count != 1 || q->items.items[0].expr == NULL)
        return;
    engine_describe_scope scope;
    sqltype type;
    engine_describe_push(w, &scope, q->from);
    bool known = type_of(w, q->items.items[0].expr, &type);
    engine_describe_pop(w);
    if (known && c->left != NULL)
        engine_describe_hint(w, c->left, type);
}

void engine_describe_cond(engine_describe_walk *w, const tsql_cond *c)
{
    if (c == NULL)
        return;
    engine_describe_cond(w, c->a);
    engine_describe_cond(w, c->b);
    engine_describe_expr(w, c->left);
    engine_describe_expr(w, c->right);
    engine_describe_expr(w, c->high);
    walk_exprs(w, &c->list);
    if (c->kind == TSQL_COND_LIKE)
        hint_like(w, c);
    else if (c->left != NULL && c->right != NULL)
        hint_pair(w, c->left, c->right);
    if (c->left != NULL && c->high != NULL)
        hint_pair(w, c->left, c->high);
    for (size_t i = 0; i < c->list.count; i++)
        hint_pair(w, c->left, c->list.items[i]);
    if (c->query == NULL)
        return;
    engine_describe_query(w, c->query);
    hint_in_query(w, c);
}

/* ---- queries ---- */

void engine_describe_sources(engine_describe_walk *w, const tsql_source *source)
{
    if (source == NULL)
        return;
    engine_describe_sources(w, source->left);
    engine_describe_sources(w, source->right);
    engine_describe_cond(w, source->on);
    if (source->query != NULL)
        engine_describe_query(w, source->query);
    if (source->call != NULL)
        walk_exprs(w, &source->call->args);
    for (size_t i = 0; i < source->rows.count; i++)
        walk_exprs(w, &source->rows.items[i]);
}

static void walk_select(engine_describe_walk *w, const tsql_query *q)
{
    const sqltype count_type = {.id = SQLTYPE_BIGINT};
    engine_describe_sources(w, q->from);
    if (q->top != NULL)
        engine_describe_hint(w, q->top->count, count_type);
    for (size_t i = 0; i < q->items.count; i++)
        engine_describe_expr(w, q->items.items[i].expr);
    engine_describe_cond(w, q->where);
    walk_exprs(w, &q->group_by);
    engine_describe_cond(w, q->having);
}

void engine_describe_query(engine_describe_walk *w, const tsql_query *q)
{
    const sqltype count_type = {.id = SQLTYPE_BIGINT};
    engine_describe_scope scope;
    engine_describe_push(w, &scope, q->from);
    if (q->kind == TSQL_QUERY_SET_OP) {
        engine_describe_query(w, q->left);
        engine_describe_query(w, q->right);
    } else {
        walk_select(w, q);
    }
    for (size_t i = 0; i < q->order_by.count; i++)
        engine_describe_expr(w, q->order_by.items[i].expr);
    if (q->offset != NULL)
        engine_describe_hint(w, q->offset, count_type);
    if (q->fetch != NULL)
        engine_describe_hint(w, q->fetch, count_type);
    engine_describe_pop(w);
}
