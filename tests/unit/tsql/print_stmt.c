/* SPDX-License-Identifier: MIT */
/* Statements as text. */
#include "print.h"

static void object(es_buf *b, const char *label, const tsql_object *o)
{
    print_text(b, " %s", label);
    print_object(b, o);
}

static void flag(es_buf *b, bool on, const char *text)
{
    if (on)
        print_text(b, " %s", text);
}

static void labelled(es_buf *b, const char *label, const tsql_name *n)
{
    if (n->text != NULL)
        print_text(b, " %s:%s", label, n->text);
}

static void sub_expr(es_buf *b, const char *label, const tsql_expr *e)
{
    if (e == NULL)
        return;
    print_text(b, " %s", label);
    print_expr(b, e);
}

static void where(es_buf *b, const tsql_cond *c)
{
    if (c == NULL)
        return;
    print_text(b, " (where ");
    print_cond(b, c);
    print_text(b, ")");
}

static void from(es_buf *b, const tsql_source *s)
{
    if (s == NULL)
        return;
    print_text(b, " (from ");
    print_source(b, s);
    print_text(b, ")");
}

static void target(es_buf *b, const tsql_target *t)
{
    if (t->variable != NULL)
        print_text(b, " %s", t->variable);
    else
        object(b, "", &t->object);
    print_names(b, "hints", &t->hints);
}

static void items(es_buf *b, const char *label, const tsql_items *list)
{
    tsql_query q = {.kind = TSQL_QUERY_SELECT, .items = *list};
    print_text(b, " (%s ", label);
    print_query(b, &q);
    print_text(b, ")");
}

static void output(es_buf *b, const tsql_output *o)
{
    if (o == NULL)
        return;
    items(b, "output", &o->items);
    if (o->into != NULL) {
        print_text(b, " (into");
        target(b, o->into);
        print_names(b, "columns", &o->into_columns);
        print_text(b, ")");
    }
    if (o->also.count != 0)
        items(b, "also", &o->also);
}

static void top(es_buf *b, const tsql_top *t)
{
    if (t == NULL)
        return;
    sub_expr(b, "top:", t->count);
    flag(b, t->percent, "percent");
}

static void option(es_buf *b, const tsql_option *o)
{
    print_names(b, "option", &o->hints);
    if (o->has_max_recursion)
        print_text(b, " max-recursion:%u", o->max_recursion);
}

static void assigns(es_buf *b, const tsql_assigns *list)
{
    for (size_t i = 0; i < list->count; i++) {
        const tsql_assign *a = &list->items[i];
        print_text(b, " (set%s", a->op != TSQL_OP_NONE ? "-op" : "");
        if (a->variable != NULL)
            print_text(b, " %s", a->variable);
        if (a->column.name.text != NULL) {
            tsql_column_ref c = a->column;
            const tsql_expr e = {.kind = TSQL_EXPR_COLUMN, .u.column = &c};
            sub_expr(b, "", &e);
        }
        sub_expr(b, "", a->expr);
        print_text(b, ")");
    }
}

static void rows(es_buf *b, const tsql_rows *list)
{
    for (size_t i = 0; i < list->count; i++) {
        print_text(b, " (row");
        for (size_t k = 0; k < list->items[i].count; k++)
            sub_expr(b, "", list->items[i].items[k]);
        print_text(b, ")");
    }
}

/* ---- data changes ---- */

static void exec(es_buf *b, const tsql_exec_stmt *e)
{
    print_text(b, e->bare ? "(bare" : "(exec");
    if (e->return_variable != NULL)
        print_text(b, " %s =", e->return_variable);
    if (e->kind == TSQL_EXEC_PROCEDURE)
        object(b, "", &e->object);
    else if (e->kind == TSQL_EXEC_VARIABLE)
        print_text(b, " %s", e->variable);
    for (size_t i = 0; i < e->strings.count; i++)
        sub_expr(b, "+ ", e->strings.items[i]);
    for (size_t i = 0; i < e->arg_count; i++) {
        print_text(b, " %s:", e->args[i].name != NULL ? e->args[i].name : "");
        print_expr(b, e->args[i].value);
        flag(b, e->args[i].output, "out");
    }
    labelled(b, e->as_user ? "user" : "login", &e->as_name);
    print_text(b, ")");
}

static void insert(es_buf *b, const tsql_insert_stmt *i)
{
    print_text(b, "(insert");
    top(b, i->top);
    target(b, &i->target);
    print_names(b, "columns", &i->columns);
    output(b, i->output);
    rows(b, &i->rows);
    flag(b, i->kind == TSQL_INSERT_DEFAULT_VALUES, "default-values");
    if (i->query != NULL) {
        print_text(b, " ");
        print_query(b, i->query);
    }
    if (i->exec != NULL) {
        print_text(b, " ");
        exec(b, i->exec);
    }
    option(b, &i->option);
    print_text(b, ")");
}

static void merge(es_buf *b, const tsql_merge_stmt *m)
{
    static const char *const kinds[] = {"matched", "not-matched", "not-matched-by-source"};
    static const char *const actions[] = {"update", "delete", "insert"};
    print_text(b, "(merge");
    top(b, m->top);
    target(b, &m->target);
    labelled(b, "as", &m->alias);
    from(b, m->source);
    print_text(b, " ");
    print_cond(b, m->on);
    for (size_t i = 0; i < m->when_count; i++) {
        const tsql_merge_when *w = &m->whens[i];
        print_text(b, " (%s %s", kinds[w->kind], actions[w->action]);
        where(b, w->cond);
        assigns(b, &w->set);
        print_names(b, "columns", &w->columns);
        for (size_t k = 0; k < w->values.count; k++)
            sub_expr(b, "", w->values.items[k]);
        flag(b, w->default_values, "default-values");
        print_text(b, ")");
    }
    output(b, m->output);
    print_text(b, ")");
}

/* ---- definitions ---- */

static void keys(es_buf *b, const tsql_index_columns *list)
{
    if (list->count == 0)
        return;
    print_text(b, " (");
    for (size_t i = 0; i < list->count; i++)
        print_text(b, "%s%s%s", i == 0 ? "" : " ", list->items[i].name.text,
                   list->items[i].descending ? " desc" : "");
    print_text(b, ")");
}

static void clustered(es_buf *b, tsql_clustered c)
{
    flag(b, c == TSQL_CLUSTERED_YES, "clustered");
    flag(b, c == TSQL_CLUSTERED_NO, "nonclustered");
}

static void constraint(es_buf *b, const tsql_constraint *c)
{
    static const char *const kinds[] = {"primary", "unique",  "foreign",
                                        "check",   "default", "index"};
    static const char *const actions[] = {"no-action", "cascade", "set-null", "set-default"};
    print_text(b, " (%s", kinds[c->kind]);
    labelled(b, "name", &c->name);
    flag(b, c->unique, "unique");
    clustered(b, c->clustered);
    keys(b, &c->columns);
    if (c->kind == TSQL_CONSTRAINT_FOREIGN_KEY) {
        object(b, "", &c->references);
        print_names(b, "columns", &c->referenced_columns);
        print_text(b, " delete:%s update:%s", actions[c->on_delete], actions[c->on_update]);
    }
    if (c->check != NULL) {
        print_text(b, " %u-%u ", c->check_text.start, c->check_text.end);
        print_cond(b, c->check);
    }
    if (c->default_value != NULL) {
        print_text(b, " %u-%u", c->default_text.start, c->default_text.end);
        sub_expr(b, "", c->default_value);
    }
    labelled(b, "for", &c->for_column);
    flag(b, c->with_values, "with-values");
    print_text(b, ")");
}

static void column(es_buf *b, const tsql_column_def *c)
{
    print_text(b, " (%s ", c->name.text);
    if (c->has_type)
        print_type(b, &c->type);
    if (c->computed != NULL) {
        print_text(b, "computed %u-%u", c->computed_text.start, c->computed_text.end);
        sub_expr(b, "", c->computed);
    }
    labelled(b, "collate", &c->collation);
    flag(b, c->nullability == TSQL_NULLABLE, "null");
    flag(b, c->nullability == TSQL_NOT_NULL, "not-null");
    if (c->identity)
        print_text(b, " identity:%s:%s", c->identity_seed, c->identity_increment);
    flag(b, c->rowguidcol, "rowguidcol");
    flag(b, c->sparse, "sparse");
    flag(b, c->persisted, "persisted");
    for (size_t i = 0; i < c->constraints.count; i++)
        constraint(b, &c->constraints.items[i]);
    print_text(b, ")");
}

static void table(es_buf *b, const tsql_table_def *def)
{
    for (size_t i = 0; i < def->column_count; i++)
        column(b, &def->columns[i]);
    for (size_t i = 0; i < def->constraints.count; i++)
        constraint(b, &def->constraints.items[i]);
}

static void alter_table(es_buf *b, const tsql_alter_table_stmt *a)
{
    static const char *const kinds[] = {"add", "alter-column", "drop", "check", "trigger"};
    print_text(b, "(alter-table");
    object(b, "", &a->object);
    print_text(b, " %s", kinds[a->kind]);
    flag(b, a->with_check, "with-check");
    flag(b, a->with_nocheck, "with-nocheck");
    flag(b, a->enable, "enable");
    flag(b, a->all, "all");
    flag(b, a->if_exists, "if-exists");
    table(b, &a->def);
    print_names(b, "columns", &a->drop_columns);
    print_names(b, "constraints", &a->drop_constraints);
    print_names(b, "names", &a->names);
    print_text(b, ")");
}

static void create_index(es_buf *b, const tsql_create_index_stmt *c)
{
    print_text(b, "(create-index%s", c->unique ? " unique" : "");
    clustered(b, c->clustered);
    labelled(b, "name", &c->name);
    object(b, "", &c->object);
    keys(b, &c->columns);
    print_names(b, "include", &c->include);
    where(b, c->where);
    print_text(b, ")");
}

static const char *mode_text(tsql_create_mode mode)
{
    static const char *const modes[] = {"create", "alter", "create-or-alter"};
    return modes[mode];
}

static void params(es_buf *b, const tsql_params *list)
{
    for (size_t i = 0; i < list->count; i++) {
        print_text(b, " (%s ", list->items[i].name);
        print_type(b, &list->items[i].type);
        sub_expr(b, "= ", list->items[i].default_value);
        flag(b, list->items[i].output, "output");
        flag(b, list->items[i].readonly, "readonly");
        print_text(b, ")");
    }
}

static void module(es_buf *b, const tsql_create_module_stmt *m)
{
    static const char *const kinds[] = {"procedure", "scalar-function", "inline-function",
                                        "table-function", "trigger"};
    print_text(b, "(%s-%s", mode_text(m->mode), kinds[m->kind]);
    object(b, "", &m->object);
    params(b, &m->params);
    if (m->kind == TSQL_MODULE_SCALAR_FUNCTION) {
        print_text(b, " returns:");
        print_type(b, &m->returns);
    }
    if (m->returns_variable != NULL)
        print_text(b, " %s", m->returns_variable);
    table(b, &m->returns_table);
    if (m->kind == TSQL_MODULE_TRIGGER) {
        object(b, "on:", &m->trigger_table);
        print_text(b, "%s%s%s%s", m->instead_of ? " instead" : "", m->on_insert ? " insert" : "",
                   m->on_update ? " update" : "", m->on_delete ? " delete" : "");
    }
    print_text(b, " ");
    print_with(b, &m->inline_with);
    if (m->inline_query != NULL)
        print_query(b, m->inline_query);
    print_stmts(b, &m->body);
    print_text(b, ")");
}

static void view(es_buf *b, const tsql_create_view_stmt *v)
{
    print_text(b, "(%s-view", mode_text(v->mode));
    object(b, "", &v->object);
    print_names(b, "columns", &v->columns);
    flag(b, v->schema_binding, "bound");
    flag(b, v->check_option, "checked");
    print_text(b, " %u-%u ", v->query_text.start, v->query_text.end);
    print_with(b, &v->with);
    print_query(b, v->query);
    print_text(b, ")");
}

static void sequence(es_buf *b, const tsql_create_sequence_stmt *s)
{
    print_text(b, "(create-sequence");
    object(b, "", &s->object);
    if (s->has_type) {
        print_text(b, " ");
        print_type(b, &s->type);
    }
    const char *numbers[] = {s->start, s->increment, s->min_value, s->max_value};
    for (size_t i = 0; i < ES_COUNT_OF(numbers); i++)
        print_text(b, " %s", numbers[i] != NULL ? numbers[i] : "-");
    flag(b, s->cycle, "cycle");
    print_text(b, ")");
}

static void drop(es_buf *b, const tsql_drop_stmt *d)
{
    static const char *const classes[] = {"table",   "view",   "index",    "procedure", "function",
                                          "trigger", "schema", "sequence", "type",      "synonym",
                                          "user",    "role",   "database", "login"};
    print_text(b, "(drop-%s", classes[d->klass]);
    flag(b, d->if_exists, "if-exists");
    for (size_t i = 0; i < d->objects.count; i++) {
        object(b, "", &d->objects.items[i]);
        if (i < d->tables.count)
            object(b, "on ", &d->tables.items[i]);
    }
    print_text(b, ")");
}

/* ---- principals ---- */

static void user(es_buf *b, const char *verb, const tsql_user_stmt *u)
{
    static const char *const sources[] = {"default", "external", "login", "without-login",
                                          "password"};
    print_text(b, "(%s-user %s %s", verb, u->name.text, sources[u->source]);
    labelled(b, "login", &u->login);
    labelled(b, "schema", &u->default_schema);
    labelled(b, "new-name", &u->new_name);
    if (u->object_id != NULL)
        print_text(b, " object-id:%s", u->object_id);
    if (u->has_sid)
        print_text(b, " sid:%u:%02X", u->sid_length, u->sid_length != 0 ? u->sid[0] : 0u);
    if (u->type != 0)
        print_text(b, " type:%c", u->type);
    flag(b, u->has_password, "has-password");
    print_text(b, ")");
}

static void grant(es_buf *b, const tsql_grant_stmt *g)
{
    static const char *const actions[] = {"grant", "deny", "revoke"};
    static const char *const securables[] = {"database", "object", "schema", "user",
                                             "role",     "type",   "other"};
    print_text(b, "(%s%s", actions[g->action], g->grant_option_for ? " option-for" : "");
    for (size_t i = 0; i < g->permission_count; i++) {
        print_text(b, " \"%s\"", g->permissions[i].name);
        print_names(b, "columns", &g->permissions[i].columns);
    }
    print_text(b, " %s", securables[g->securable]);
    if (g->object.name.text != NULL)
        object(b, "", &g->object);
    print_names(b, "columns", &g->columns);
    print_names(b, "to", &g->principals);
    flag(b, g->with_grant_option, "grant-option");
    flag(b, g->cascade, "cascade");
    labelled(b, "as", &g->as_principal);
    print_text(b, ")");
}

static void role(es_buf *b, const tsql_role_stmt *r)
{
    static const char *const actions[] = {"create", "add-member", "drop-member", "rename"};
    print_text(b, "(role %s %s", actions[r->action], r->role.text);
    labelled(b, "member", &r->member);
    print_text(b, ")");
}

/* ---- session and control ---- */

static void declare(es_buf *b, const tsql_declare_stmt *d)
{
    print_text(b, "(declare");
    for (size_t i = 0; i < d->count; i++) {
        const tsql_declare_item *item = &d->items[i];
        print_text(b, " (%s", item->name);
        if (item->is_table) {
            print_text(b, " table");
            table(b, &item->table);
        } else if (item->is_cursor) {
            print_text(b, " cursor");
        } else {
            print_text(b, " ");
            print_type(b, &item->type);
            sub_expr(b, "= ", item->init);
        }
        print_text(b, ")");
    }
    print_text(b, ")");
}

static void cursor(es_buf *b, const tsql_cursor_stmt *c)
{
    static const char *const actions[] = {"declare", "open", "fetch", "close", "deallocate"};
    print_text(b, "(cursor %s %s", actions[c->action],
               c->variable != NULL ? c->variable : c->name.text);
    print_names(b, "options", &c->options);
    if (c->select != NULL) {
        print_text(b, " ");
        print_query(b, c->select->query);
    }
    flag(b, c->direction != NULL, c->direction != NULL ? c->direction : "");
    sub_expr(b, "", c->rows);
    print_names(b, "into", &c->into);
    print_text(b, ")");
}

static void raiserror(es_buf *b, const tsql_raiserror_stmt *r)
{
    print_text(b, "(raiserror");
    sub_expr(b, "", r->message);
    sub_expr(b, "", r->severity);
    sub_expr(b, "", r->state);
    for (size_t i = 0; i < r->args.count; i++)
        sub_expr(b, "arg:", r->args.items[i]);
    flag(b, r->log, "log");
    flag(b, r->nowait, "nowait");
    flag(b, r->seterror, "seterror");
    print_text(b, ")");
}

static void tran(es_buf *b, const tsql_tran_stmt *t)
{
    static const char *const kinds[] = {"begin", "commit", "rollback", "save"};
    print_text(b, "(tran %s", kinds[t->kind]);
    labelled(b, "name", &t->name);
    if (t->variable != NULL)
        print_text(b, " %s", t->variable);
    print_text(b, ")");
}

static void break_stmt(es_buf *b, const tsql_stmt *s ES_UNUSED)
{
    print_text(b, "(break)");
}

static void continue_stmt(es_buf *b, const tsql_stmt *s ES_UNUSED)
{
    print_text(b, "(continue)");
}

static void revert_stmt(es_buf *b, const tsql_stmt *s ES_UNUSED)
{
    print_text(b, "(revert)");
}

static void return_stmt(es_buf *b, const tsql_stmt *s)
{
    print_text(b, s->kind == TSQL_STMT_PRINT ? "(print" : "(return");
    sub_expr(b, "", s->u.expr->expr);
    print_text(b, ")");
}

static void throw_stmt(es_buf *b, const tsql_stmt *s)
{
    print_text(b, "(throw");
    sub_expr(b, "", s->u.throw_->number);
    sub_expr(b, "", s->u.throw_->message);
    sub_expr(b, "", s->u.throw_->state);
    print_text(b, ")");
}

static void use_stmt(es_buf *b, const tsql_stmt *s)
{
    print_text(b, "(use %s)", s->u.use->database.text);
}

static void waitfor_stmt(es_buf *b, const tsql_stmt *s)
{
    print_text(b, "(waitfor %s", s->u.waitfor->until ? "time" : "delay");
    sub_expr(b, "", s->u.waitfor->time);
    print_text(b, ")");
}

static void goto_stmt(es_buf *b, const tsql_stmt *s)
{
    print_text(b, "(goto %s)", s->u.label->label.text);
}

static void label_stmt(es_buf *b, const tsql_stmt *s)
{
    print_text(b, "(label %s)", s->u.label->label.text);
}

static void set_option_stmt(es_buf *b, const tsql_stmt *s)
{
    print_text(b, "(set-%s", s->u.set_option->on ? "on" : "off");
    for (size_t i = 0; i < s->u.set_option->options.count; i++)
        print_text(b, " [%s]", s->u.set_option->options.items[i].text);
    print_text(b, ")");
}

static void set_value_stmt(es_buf *b, const tsql_stmt *s)
{
    print_text(b, "(set %s", s->u.set_value->option.text);
    sub_expr(b, "", s->u.set_value->value);
    print_text(b, ")");
}

static void set_isolation_stmt(es_buf *b, const tsql_stmt *s)
{
    print_text(b, "(isolation %d)", (int)s->u.set_isolation->level);
}

static void set_identity_insert_stmt(es_buf *b, const tsql_stmt *s)
{
    print_text(b, "(identity-insert");
    object(b, "", &s->u.set_identity_insert->object);
    print_text(b, "%s)", s->u.set_identity_insert->on ? " on" : " off");
}

static void set_variable_stmt(es_buf *b, const tsql_stmt *s)
{
    print_text(b, "(set-variable%s %s", s->u.set_variable->op != TSQL_OP_NONE ? "-op" : "",
               s->u.set_variable->variable);
    sub_expr(b, "", s->u.set_variable->expr);
    print_text(b, ")");
}

static void dbcc_stmt(es_buf *b, const tsql_stmt *s)
{
    print_text(b, "(dbcc %s", s->u.dbcc->command.text);
    for (size_t i = 0; i < s->u.dbcc->args.count; i++)
        sub_expr(b, "", s->u.dbcc->args.items[i]);
    print_names(b, "with", &s->u.dbcc->options);
    print_text(b, ")");
}

static void execute_as_stmt(es_buf *b, const tsql_stmt *s)
{
    print_text(b, "(execute-as%s", s->u.execute_as->login ? " login" : "");
    sub_expr(b, "", s->u.execute_as->name);
    print_text(b, ")");
}

static void create_table_stmt(es_buf *b, const tsql_stmt *s)
{
    print_text(b, "(create-table");
    object(b, "", &s->u.create_table->object);
    table(b, &s->u.create_table->def);
    print_text(b, ")");
}

static void alter_table_stmt(es_buf *b, const tsql_stmt *s)
{
    alter_table(b, s->u.alter_table);
}

static void create_index_stmt(es_buf *b, const tsql_stmt *s)
{
    create_index(b, s->u.create_index);
}

static void create_view_stmt(es_buf *b, const tsql_stmt *s)
{
    view(b, s->u.create_view);
}

static void create_module_stmt(es_buf *b, const tsql_stmt *s)
{
    module(b, s->u.create_module);
}

static void create_schema_stmt(es_buf *b, const tsql_stmt *s)
{
    print_text(b, "(create-schema %s", s->u.create_schema->name.text);
    labelled(b, "owner", &s->u.create_schema->owner);
    print_text(b, ")");
}

static void create_sequence_stmt(es_buf *b, const tsql_stmt *s)
{
    sequence(b, s->u.create_sequence);
}

static void create_type_stmt(es_buf *b, const tsql_stmt *s)
{
    print_text(b, "(create-type");
    object(b, "", &s->u.create_type->object);
    if (s->u.create_type->is_table) {
        table(b, &s->u.create_type->def);
    } else {
        print_text(b, " ");
        print_type(b, &s->u.create_type->base);
        flag(b, s->u.create_type->nullability == TSQL_NOT_NULL, "not-null");
    }
    print_text(b, ")");
}

static void create_synonym_stmt(es_buf *b, const tsql_stmt *s)
{
    print_text(b, "(create-synonym");
    object(b, "", &s->u.create_synonym->object);
    object(b, "for ", &s->u.create_synonym->target);
    print_text(b, ")");
}

static void create_database_stmt(es_buf *b, const tsql_stmt *s)
{
    print_text(b, "(%s-database", s->kind == TSQL_STMT_CREATE_DATABASE ? "create" : "alter");
    labelled(b, "name", &s->u.database->name);
    print_text(b, " %u-%u)", s->u.database->text.start, s->u.database->text.end);
}

static void drop_stmt(es_buf *b, const tsql_stmt *s)
{
    drop(b, s->u.drop);
}

static void create_user_stmt(es_buf *b, const tsql_stmt *s)
{
    user(b, "create", s->u.user);
}

static void alter_user_stmt(es_buf *b, const tsql_stmt *s)
{
    user(b, "alter", s->u.user);
}

static void role_stmt(es_buf *b, const tsql_stmt *s)
{
    role(b, s->u.role);
}

static void grant_stmt(es_buf *b, const tsql_stmt *s)
{
    grant(b, s->u.grant);
}

static void if_stmt(es_buf *b, const tsql_stmt *s)
{
    print_text(b, "(if ");
    print_cond(b, s->u.if_->cond);
    print_text(b, " ");
    print_stmt(b, s->u.if_->then);
    if (s->u.if_->otherwise != NULL) {
        print_text(b, " else ");
        print_stmt(b, s->u.if_->otherwise);
    }
    print_text(b, ")");
}

static void while_stmt(es_buf *b, const tsql_stmt *s)
{
    print_text(b, "(while ");
    print_cond(b, s->u.while_->cond);
    print_text(b, " ");
    print_stmt(b, s->u.while_->body);
    print_text(b, ")");
}

static void block_stmt(es_buf *b, const tsql_stmt *s)
{
    print_text(b, "(block ");
    print_stmts(b, &s->u.block->body);
    print_text(b, ")");
}

static void try_stmt(es_buf *b, const tsql_stmt *s)
{
    print_text(b, "(try ");
    print_stmts(b, &s->u.try_->body);
    print_text(b, " catch ");
    print_stmts(b, &s->u.try_->handler);
    print_text(b, ")");
}

static void tran_stmt(es_buf *b, const tsql_stmt *s)
{
    tran(b, s->u.tran);
}

static void declare_stmt(es_buf *b, const tsql_stmt *s)
{
    declare(b, s->u.declare);
}

static void cursor_stmt(es_buf *b, const tsql_stmt *s)
{
    cursor(b, s->u.cursor);
}

static void raiserror_stmt(es_buf *b, const tsql_stmt *s)
{
    raiserror(b, s->u.raiserror);
}

static void exec_stmt(es_buf *b, const tsql_stmt *s)
{
    exec(b, s->u.exec);
}

static void select_stmt(es_buf *b, const tsql_stmt *s)
{
    print_with(b, &s->u.select->with);
    print_query(b, s->u.select->query);
    option(b, &s->u.select->option);
}

static void insert_stmt(es_buf *b, const tsql_stmt *s)
{
    print_with(b, &s->u.insert->with);
    insert(b, s->u.insert);
}

static void update_stmt(es_buf *b, const tsql_stmt *s)
{
    print_with(b, &s->u.update->with);
    print_text(b, "(update");
    top(b, s->u.update->top);
    target(b, &s->u.update->target);
    assigns(b, &s->u.update->set);
    output(b, s->u.update->output);
    from(b, s->u.update->from);
    where(b, s->u.update->where);
    print_text(b, ")");
}

static void delete_stmt(es_buf *b, const tsql_stmt *s)
{
    print_with(b, &s->u.delete_->with);
    print_text(b, "(delete");
    top(b, s->u.delete_->top);
    target(b, &s->u.delete_->target);
    output(b, s->u.delete_->output);
    from(b, s->u.delete_->from);
    where(b, s->u.delete_->where);
    print_text(b, ")");
}

static void merge_stmt(es_buf *b, const tsql_stmt *s)
{
    print_with(b, &s->u.merge->with);
    merge(b, s->u.merge);
}

static void insert_bulk_stmt(es_buf *b, const tsql_stmt *s)
{
    print_text(b, "(insert-bulk");
    object(b, "", &s->u.insert_bulk->object);
    for (size_t i = 0; i < s->u.insert_bulk->column_count; i++)
        column(b, &s->u.insert_bulk->columns[i]);
    print_names(b, "hints", &s->u.insert_bulk->hints);
    print_text(b, ")");
}

static void truncate_stmt(es_buf *b, const tsql_stmt *s)
{
    print_text(b, "(truncate");
    object(b, "", &s->u.truncate->object);
    print_text(b, ")");
}

typedef void printer(es_buf *b, const tsql_stmt *s);

static printer *const printers[] = {
    [TSQL_STMT_BREAK] = break_stmt,
    [TSQL_STMT_CONTINUE] = continue_stmt,
    [TSQL_STMT_REVERT] = revert_stmt,
    [TSQL_STMT_RETURN] = return_stmt,
    [TSQL_STMT_PRINT] = return_stmt,
    [TSQL_STMT_THROW] = throw_stmt,
    [TSQL_STMT_USE] = use_stmt,
    [TSQL_STMT_WAITFOR] = waitfor_stmt,
    [TSQL_STMT_GOTO] = goto_stmt,
    [TSQL_STMT_LABEL] = label_stmt,
    [TSQL_STMT_SET_OPTION] = set_option_stmt,
    [TSQL_STMT_SET_VALUE] = set_value_stmt,
    [TSQL_STMT_SET_ISOLATION] = set_isolation_stmt,
    [TSQL_STMT_SET_IDENTITY_INSERT] = set_identity_insert_stmt,
    [TSQL_STMT_SET_VARIABLE] = set_variable_stmt,
    [TSQL_STMT_DBCC] = dbcc_stmt,
    [TSQL_STMT_EXECUTE_AS] = execute_as_stmt,
    [TSQL_STMT_CREATE_TABLE] = create_table_stmt,
    [TSQL_STMT_ALTER_TABLE] = alter_table_stmt,
    [TSQL_STMT_CREATE_INDEX] = create_index_stmt,
    [TSQL_STMT_CREATE_VIEW] = create_view_stmt,
    [TSQL_STMT_CREATE_MODULE] = create_module_stmt,
    [TSQL_STMT_CREATE_SCHEMA] = create_schema_stmt,
    [TSQL_STMT_CREATE_SEQUENCE] = create_sequence_stmt,
    [TSQL_STMT_CREATE_TYPE] = create_type_stmt,
    [TSQL_STMT_CREATE_SYNONYM] = create_synonym_stmt,
    [TSQL_STMT_CREATE_DATABASE] = create_database_stmt,
    [TSQL_STMT_ALTER_DATABASE] = create_database_stmt,
    [TSQL_STMT_DROP] = drop_stmt,
    [TSQL_STMT_CREATE_USER] = create_user_stmt,
    [TSQL_STMT_ALTER_USER] = alter_user_stmt,
    [TSQL_STMT_ROLE] = role_stmt,
    [TSQL_STMT_GRANT] = grant_stmt,
    [TSQL_STMT_IF] = if_stmt,
    [TSQL_STMT_WHILE] = while_stmt,
    [TSQL_STMT_BLOCK] = block_stmt,
    [TSQL_STMT_TRY] = try_stmt,
    [TSQL_STMT_TRAN] = tran_stmt,
    [TSQL_STMT_DECLARE] = declare_stmt,
    [TSQL_STMT_CURSOR] = cursor_stmt,
    [TSQL_STMT_RAISERROR] = raiserror_stmt,
    [TSQL_STMT_EXEC] = exec_stmt,
    [TSQL_STMT_SELECT] = select_stmt,
    [TSQL_STMT_INSERT] = insert_stmt,
    [TSQL_STMT_UPDATE] = update_stmt,
    [TSQL_STMT_DELETE] = delete_stmt,
    [TSQL_STMT_MERGE] = merge_stmt,
    [TSQL_STMT_INSERT_BULK] = insert_bulk_stmt,
    [TSQL_STMT_TRUNCATE] = truncate_stmt,
};

void print_stmt(es_buf *b, const tsql_stmt *s)
{
    printers[s->kind](b, s);
}

void print_stmts(es_buf *b, const tsql_stmts *stmts)
{
    for (size_t i = 0; i < stmts->count; i++) {
        print_text(b, i == 0 ? "" : " ");
        print_stmt(b, stmts->items[i]);
    }
}
