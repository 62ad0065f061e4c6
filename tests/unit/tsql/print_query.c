/* SPDX-License-Identifier: MIT */
/* Queries and table sources as text. */
#include "print.h"

static void items(es_buf *b, const tsql_items *list)
{
    for (size_t i = 0; i < list->count; i++) {
        const tsql_item *item = &list->items[i];
        print_text(b, " ");
        if (item->kind == TSQL_ITEM_STAR) {
            if (item->object.name.text != NULL) {
                print_object(b, &item->object);
                print_text(b, ".");
            }
            print_text(b, "*");
            continue;
        }
        if (item->kind == TSQL_ITEM_ASSIGN)
            print_text(b, "(set%s %s ", item->assign_op != TSQL_OP_NONE ? "-op" : "",
                       item->variable);
        print_expr(b, item->expr);
        if (item->kind == TSQL_ITEM_ASSIGN)
            print_text(b, ")");
        if (item->alias.text != NULL)
            print_text(b, ":%s", item->alias.text);
    }
}

static void top(es_buf *b, const tsql_top *t)
{
    if (t == NULL)
        return;
    print_text(b, " (top ");
    print_expr(b, t->count);
    print_text(b, "%s%s)", t->percent ? " percent" : "", t->with_ties ? " ties" : "");
}

static void for_clause(es_buf *b, const tsql_for *f)
{
    static const char *const kinds[] = {"none", "json", "xml", "browse"};
    print_text(b, " (for %s %s", kinds[f->kind], f->mode != NULL ? f->mode : "-");
    if (f->element != NULL)
        print_text(b, " element:%s", f->element);
    if (f->root != NULL)
        print_text(b, " root:%s", f->root);
    print_text(b, "%s%s%s%s)", f->include_null_values ? " nulls" : "",
               f->without_array_wrapper ? " bare" : "", f->type ? " type" : "",
               f->elements ? " elements" : "");
}

static void select_parts(es_buf *b, const tsql_query *q)
{
    print_text(b, "(select%s", q->distinct ? " distinct" : "");
    top(b, q->top);
    items(b, &q->items);
    if (q->into != NULL) {
        print_text(b, " (into ");
        print_object(b, q->into);
        print_text(b, ")");
    }
    if (q->from != NULL) {
        print_text(b, " (from ");
        print_source(b, q->from);
        print_text(b, ")");
    }
    if (q->where != NULL) {
        print_text(b, " (where ");
        print_cond(b, q->where);
        print_text(b, ")");
    }
    for (size_t i = 0; i < q->group_by.count; i++) {
        print_text(b, i == 0 ? " (group " : " ");
        print_expr(b, q->group_by.items[i]);
        print_text(b, i + 1 == q->group_by.count ? ")" : "");
    }
    if (q->having != NULL) {
        print_text(b, " (having ");
        print_cond(b, q->having);
        print_text(b, ")");
    }
}

static void set_op_parts(es_buf *b, const tsql_query *q)
{
    static const char *const ops[] = {"union", "union-all", "except", "intersect"};
    print_text(b, "(%s ", ops[q->op]);
    print_query(b, q->left);
    print_text(b, " ");
    print_query(b, q->right);
}

void print_query(es_buf *b, const tsql_query *q)
{
    if (q->kind == TSQL_QUERY_SELECT)
        select_parts(b, q);
    else
        set_op_parts(b, q);
    if (q->order_by.count != 0) {
        print_text(b, " (order");
        print_order(b, &q->order_by);
        print_text(b, ")");
    }
    if (q->offset != NULL) {
        print_text(b, " (offset ");
        print_expr(b, q->offset);
        print_text(b, ")");
    }
    if (q->fetch != NULL) {
        print_text(b, " (fetch ");
        print_expr(b, q->fetch);
        print_text(b, ")");
    }
    if (q->for_clause != NULL)
        for_clause(b, q->for_clause);
    print_text(b, ")");
}

void print_with(es_buf *b, const tsql_with *with)
{
    for (size_t i = 0; i < with->count; i++) {
        print_text(b, "(cte %s", with->items[i].name.text);
        print_names(b, "columns", &with->items[i].columns);
        print_text(b, " ");
        print_query(b, with->items[i].query);
        print_text(b, ") ");
    }
}

static void rows(es_buf *b, const tsql_rows *list)
{
    for (size_t i = 0; i < list->count; i++) {
        print_text(b, " (");
        for (size_t k = 0; k < list->items[i].count; k++) {
            print_text(b, k == 0 ? "" : " ");
            print_expr(b, list->items[i].items[k]);
        }
        print_text(b, ")");
    }
}

static void join(es_buf *b, const tsql_source *s)
{
    static const char *const joins[] = {"inner", "left",        "right",      "full",
                                        "cross", "cross-apply", "outer-apply"};
    print_text(b, "(%s ", joins[s->join]);
    print_source(b, s->left);
    print_text(b, " ");
    print_source(b, s->right);
    if (s->on != NULL) {
        print_text(b, " ");
        print_cond(b, s->on);
    }
    print_text(b, ")");
}

static void function(es_buf *b, const tsql_source *s)
{
    const tsql_expr call = {.kind = TSQL_EXPR_FUNCTION, .u.call = s->call};
    print_expr(b, &call);
    for (size_t i = 0; i < s->json_column_count; i++) {
        const tsql_json_column *c = &s->json_columns[i];
        print_text(b, " (%s ", c->name.text);
        print_type(b, &c->type);
        print_text(b, " %s%s)", c->path != NULL ? c->path : "-", c->as_json ? " json" : "");
    }
}

void print_source(es_buf *b, const tsql_source *s)
{
    switch (s->kind) {
    case TSQL_SOURCE_OBJECT:
        print_object(b, &s->object);
        break;
    case TSQL_SOURCE_VARIABLE:
        print_text(b, "%s", s->variable);
        break;
    case TSQL_SOURCE_FUNCTION:
        function(b, s);
        break;
    case TSQL_SOURCE_DERIVED:
        print_query(b, s->query);
        break;
    case TSQL_SOURCE_VALUES:
        print_text(b, "(values");
        rows(b, &s->rows);
        print_text(b, ")");
        break;
    case TSQL_SOURCE_JOIN:
        join(b, s);
        break;
    }
    if (s->alias.text != NULL)
        print_text(b, ":%s", s->alias.text);
    print_names(b, "columns", &s->columns);
    print_names(b, "hints", &s->hints);
}
