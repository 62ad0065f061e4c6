/* SPDX-License-Identifier: MIT */
/* Views, procedures, functions, triggers; all behind CREATE, ALTER or CREATE OR ALTER. */
#include "tsql/parser_impl.h"

#include "base/str.h"

/* ---- views ---- */

entrasql_status tsql_read_view(tsql_parser *p, tsql_create_mode mode, tsql_stmt *stmt)
{
    tsql_create_view_stmt *view = tsql_alloc(p, sizeof *view);
    if (view == NULL)
        return es_nomem(p->err);
    stmt->kind = TSQL_STMT_CREATE_VIEW;
    stmt->u.create_view = view;
    view->mode = mode;
    ES_TRY(tsql_read_object(p, &view->object));
    if (tsql_is(p, TSQL_TOKEN_LPAREN))
        ES_TRY(tsql_read_name_list(p, &view->columns));
    if (tsql_accept_kw(p, TSQL_KW_WITH)) {
        do {
            tsql_name attribute;
            ES_TRY(tsql_read_name(p, &attribute));
            if (es_strcaseeq(attribute.text, "SCHEMABINDING"))
                view->schema_binding = true;
        } while (tsql_accept(p, TSQL_TOKEN_COMMA));
    }
    ES_TRY(tsql_expect_kw(p, TSQL_KW_AS));
    view->query_text = tsql_span_begin(p);
    if (tsql_is_kw(p, TSQL_KW_WITH))
        ES_TRY(tsql_read_with(p, &view->with));
    ES_TRY(tsql_read_query(p, &view->query));
    view->query_text = tsql_span_end(p, view->query_text);
    if (!tsql_accept_kw(p, TSQL_KW_WITH))
        return ENTRASQL_OK;
    view->check_option = true;
    ES_TRY(tsql_expect_kw(p, TSQL_KW_CHECK));
    return tsql_expect_kw(p, TSQL_KW_OPTION);
}

/* ---- parameters ---- */

/* Defaults are constants; a bare word is a string. */
static entrasql_status read_default(tsql_parser *p, tsql_expr **ret)
{
    if (!tsql_is_name(p))
        return tsql_read_constant(p, ret);
    tsql_name word;
    ES_TRY(tsql_read_name(p, &word));
    *ret = tsql_new_expr(p, TSQL_EXPR_STRING, word.span);
    if (*ret == NULL)
        return es_nomem(p->err);
    (*ret)->text = word.text;
    (*ret)->length = word.length;
    return ENTRASQL_OK;
}

entrasql_status tsql_read_param(tsql_parser *p, tsql_params *ret)
{
    tsql_param param = {.span = tsql_span_begin(p)};
    ES_TRY(tsql_read_variable(p, &param.name));
    (void)tsql_accept_kw(p, TSQL_KW_AS);
    ES_TRY(tsql_read_type(p, &param.type));
    (void)tsql_accept_kw(p, TSQL_KW_VARYING);
    if (!tsql_accept_kw(p, TSQL_KW_NULL) && tsql_accept_kw(p, TSQL_KW_NOT))
        ES_TRY(tsql_expect_kw(p, TSQL_KW_NULL));
    if (tsql_accept(p, TSQL_TOKEN_EQ))
        ES_TRY(read_default(p, &param.default_value));
    param.output = tsql_accept_word(p, "OUTPUT") || tsql_accept_word(p, "OUT");
    param.readonly = tsql_accept_word(p, "READONLY");
    param.span = tsql_span_end(p, param.span);
    tsql_param *items = tsql_room(p, ret->items, ret->count, sizeof *items);
    if (items == NULL)
        return es_nomem(p->err);
    items[ret->count++] = param;
    ret->items = items;
    return ENTRASQL_OK;
}

static entrasql_status read_params(tsql_parser *p, tsql_params *ret)
{
    bool brackets = tsql_accept(p, TSQL_TOKEN_LPAREN);
    if (tsql_is(p, TSQL_TOKEN_VARIABLE)) {
        do {
            ES_TRY(tsql_read_param(p, ret));
        } while (tsql_accept(p, TSQL_TOKEN_COMMA));
    }
    return brackets ? tsql_expect(p, TSQL_TOKEN_RPAREN) : ENTRASQL_OK;
}

/* WITH RECOMPILE, EXECUTE AS CALLER, SCHEMABINDING ...: read, without effect. */
static entrasql_status read_module_options(tsql_parser *p)
{
    if (!tsql_accept_kw(p, TSQL_KW_WITH))
        return ENTRASQL_OK;
    do {
        if (tsql_accept_kw(p, TSQL_KW_EXECUTE) || tsql_accept_kw(p, TSQL_KW_EXEC)) {
            ES_TRY(tsql_expect_kw(p, TSQL_KW_AS));
            if (!tsql_accept_word(p, "CALLER"))
                return tsql_unsupported_part(p, "EXECUTE AS");
        } else if (tsql_accept_word(p, "RETURNS")) {
            ES_TRY(tsql_expect_kw(p, TSQL_KW_NULL));
            ES_TRY(tsql_expect_kw(p, TSQL_KW_ON));
            ES_TRY(tsql_expect_kw(p, TSQL_KW_NULL));
            ES_TRY(tsql_expect_word(p, "INPUT"));
        } else {
            ES_TRY(tsql_expect(p, TSQL_TOKEN_WORD));
        }
    } while (tsql_accept(p, TSQL_TOKEN_COMMA));
    return ENTRASQL_OK;
}

/* The statements up to the end of the batch. */
static entrasql_status read_body(tsql_parser *p, tsql_create_module_stmt *module)
{
    if (tsql_is_kw(p, TSQL_KW_EXTERNAL))
        return tsql_unsupported_part(p, "EXTERNAL NAME");
    module->body_text = tsql_span_begin(p);
    ES_TRY(tsql_read_statements(p, &module->body));
    if (module->body.count == 0)
        return tsql_unexpected(p);
    module->body_text = tsql_span_end(p, module->body_text);
    return ENTRASQL_OK;
}

static tsql_create_module_stmt *new_module(tsql_parser *p, tsql_create_mode mode,
                                           tsql_module_kind kind, tsql_stmt *stmt)
{
    tsql_create_module_stmt *module = tsql_alloc(p, sizeof *module);
    if (module != NULL) {
        module->mode = mode;
        module->kind = kind;
        stmt->kind = TSQL_STMT_CREATE_MODULE;
        stmt->u.create_module = module;
    }
    return module;
}

/* ---- procedures ---- */

entrasql_status tsql_read_procedure(tsql_parser *p, tsql_create_mode mode, tsql_stmt *stmt)
{
    tsql_create_module_stmt *module = new_module(p, mode, TSQL_MODULE_PROCEDURE, stmt);
    if (module == NULL)
        return es_nomem(p->err);
    ES_TRY(tsql_read_object(p, &module->object));
    ES_TRY(read_params(p, &module->params));
    ES_TRY(read_module_options(p));
    if (tsql_accept_kw(p, TSQL_KW_FOR))
        ES_TRY(tsql_expect_kw(p, TSQL_KW_REPLICATION));
    ES_TRY(tsql_expect_kw(p, TSQL_KW_AS));
    return read_body(p, module);
}

/* ---- functions ---- */

/* RETURN [(] query [)] */
static entrasql_status read_inline_body(tsql_parser *p, tsql_create_module_stmt *module)
{
    module->kind = TSQL_MODULE_INLINE_FUNCTION;
    ES_TRY(tsql_expect_kw(p, TSQL_KW_RETURN));
    module->body_text = tsql_span_begin(p);
    bool brackets = tsql_is(p, TSQL_TOKEN_LPAREN) && tsql_ahead(p, 1)->keyword == TSQL_KW_WITH;
    if (brackets)
        tsql_advance(p);
    if (tsql_is_kw(p, TSQL_KW_WITH))
        ES_TRY(tsql_read_with(p, &module->inline_with));
    ES_TRY(tsql_read_query(p, &module->inline_query));
    if (brackets)
        ES_TRY(tsql_expect(p, TSQL_TOKEN_RPAREN));
    module->body_text = tsql_span_end(p, module->body_text);
    return ENTRASQL_OK;
}

entrasql_status tsql_read_function(tsql_parser *p, tsql_create_mode mode, tsql_stmt *stmt)
{
    tsql_create_module_stmt *module = new_module(p, mode, TSQL_MODULE_SCALAR_FUNCTION, stmt);
    if (module == NULL)
        return es_nomem(p->err);
    ES_TRY(tsql_read_object(p, &module->object));
    if (!tsql_is(p, TSQL_TOKEN_LPAREN))
        return tsql_unexpected(p);
    ES_TRY(read_params(p, &module->params));
    ES_TRY(tsql_expect_word(p, "RETURNS"));
    bool is_inline = tsql_accept_kw(p, TSQL_KW_TABLE);
    if (tsql_is(p, TSQL_TOKEN_VARIABLE)) {
        module->kind = TSQL_MODULE_TABLE_FUNCTION;
        ES_TRY(tsql_read_variable(p, &module->returns_variable));
        ES_TRY(tsql_expect_kw(p, TSQL_KW_TABLE));
        ES_TRY(tsql_read_table_def(p, &module->returns_table));
    } else if (!is_inline) {
        ES_TRY(tsql_read_type(p, &module->returns));
    }
    ES_TRY(read_module_options(p));
    (void)tsql_accept_kw(p, TSQL_KW_AS);
    if (is_inline)
        return read_inline_body(p, module);
    return tsql_is_kw(p, TSQL_KW_BEGIN) ? read_body(p, module) : tsql_unexpected(p);
}

/* ---- triggers ---- */

static entrasql_status read_trigger_events(tsql_parser *p, tsql_create_module_stmt *module)
{
    do {
        if (tsql_accept_kw(p, TSQL_KW_INSERT))
            module->on_insert = true;
        else if (tsql_accept_kw(p, TSQL_KW_UPDATE))
            module->on_update = true;
        else if (tsql_accept_kw(p, TSQL_KW_DELETE))
            module->on_delete = true;
        else
            return tsql_unexpected(p);
    } while (tsql_accept(p, TSQL_TOKEN_COMMA));
    return ENTRASQL_OK;
}

entrasql_status tsql_read_trigger(tsql_parser *p, tsql_create_mode mode, tsql_stmt *stmt)
{
    tsql_create_module_stmt *module = new_module(p, mode, TSQL_MODULE_TRIGGER, stmt);
    if (module == NULL)
        return es_nomem(p->err);
    ES_TRY(tsql_read_object(p, &module->object));
    ES_TRY(tsql_expect_kw(p, TSQL_KW_ON));
    if (tsql_is_kw(p, TSQL_KW_DATABASE) || tsql_is_kw(p, TSQL_KW_ALL))
        return tsql_unsupported_part(p, "DDL TRIGGER");
    ES_TRY(tsql_read_object(p, &module->trigger_table));
    ES_TRY(read_module_options(p));
    if (tsql_accept_word(p, "INSTEAD")) {
        module->instead_of = true;
        ES_TRY(tsql_expect_kw(p, TSQL_KW_OF));
    } else if (!tsql_accept_kw(p, TSQL_KW_FOR)) {
        ES_TRY(tsql_expect_word(p, "AFTER"));
    }
    ES_TRY(read_trigger_events(p, module));
    if (tsql_accept_kw(p, TSQL_KW_NOT)) {
        ES_TRY(tsql_expect_kw(p, TSQL_KW_FOR));
        ES_TRY(tsql_expect_kw(p, TSQL_KW_REPLICATION));
    }
    ES_TRY(tsql_expect_kw(p, TSQL_KW_AS));
    return read_body(p, module);
}
