/* SPDX-License-Identifier: MIT */
/* SET: options that are on or off, options with a value, variables. */
#include "tsql/parser_impl.h"

#include "base/str.h"

#include <string.h>

static const char *const switches[] = {
    "ANSI_DEFAULTS",
    "ANSI_NULLS",
    "ANSI_NULL_DFLT_OFF",
    "ANSI_NULL_DFLT_ON",
    "ANSI_PADDING",
    "ANSI_WARNINGS",
    "ARITHABORT",
    "ARITHIGNORE",
    "CONCAT_NULL_YIELDS_NULL",
    "CURSOR_CLOSE_ON_COMMIT",
    "DISABLE_DEF_CNST_CHK",
    "FMTONLY",
    "FORCEPLAN",
    "IMPLICIT_TRANSACTIONS",
    "NOCOUNT",
    "NOEXEC",
    "NUMERIC_ROUNDABORT",
    "PARSEONLY",
    "QUOTED_IDENTIFIER",
    "REMOTE_PROC_TRANSACTIONS",
    "SHOWPLAN_ALL",
    "SHOWPLAN_TEXT",
    "SHOWPLAN_XML",
    "XACT_ABORT",
    "NO_BROWSETABLE",
    "RESULT_SET_CACHING",
};

static const char *const values[] = {
    "CONTEXT_INFO", "DATEFIRST",    "DATEFORMAT", "DEADLOCK_PRIORITY",         "FIPS_FLAGGER",
    "LANGUAGE",     "LOCK_TIMEOUT", "ROWCOUNT",   "QUERY_GOVERNOR_COST_LIMIT", "TEXTSIZE",
};

static const char *find_word(tsql_parser *p, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (tsql_is_word(p, list[i]))
            return list[i];
    }
    return NULL;
}

static tsql_name name_of(tsql_parser *p, const char *text)
{
    return (tsql_name){.text = text, .length = (uint32_t)strlen(text), .span = tsql_at(p)->span};
}

static entrasql_status read_on_off(tsql_parser *p, bool *ret)
{
    *ret = tsql_accept_kw(p, TSQL_KW_ON);
    return *ret ? ENTRASQL_OK : tsql_expect_kw(p, TSQL_KW_OFF);
}

/* ---- variables ---- */

static entrasql_status read_set_variable(tsql_parser *p, tsql_stmt *stmt)
{
    tsql_set_variable_stmt *set = tsql_alloc(p, sizeof *set);
    if (set == NULL)
        return es_nomem(p->err);
    stmt->kind = TSQL_STMT_SET_VARIABLE;
    stmt->u.set_variable = set;
    ES_TRY(tsql_read_variable(p, &set->variable));
    ES_TRY(tsql_read_assign_op(p, &set->op));
    if (tsql_is_kw(p, TSQL_KW_CURSOR))
        return tsql_unsupported_part(p, "CURSOR");
    return tsql_read_expr(p, &set->expr);
}

/* ---- TRANSACTION ISOLATION LEVEL, IDENTITY_INSERT ---- */

static entrasql_status read_isolation(tsql_parser *p, tsql_stmt *stmt)
{
    tsql_set_isolation_stmt *set = tsql_alloc(p, sizeof *set);
    if (set == NULL)
        return es_nomem(p->err);
    stmt->kind = TSQL_STMT_SET_ISOLATION;
    stmt->u.set_isolation = set;
    tsql_advance(p);
    ES_TRY(tsql_expect_word(p, "ISOLATION"));
    ES_TRY(tsql_expect_word(p, "LEVEL"));
    if (tsql_accept_kw(p, TSQL_KW_READ)) {
        set->level = TSQL_ISOLATION_READ_COMMITTED;
        if (tsql_accept_word(p, "COMMITTED"))
            return ENTRASQL_OK;
        set->level = TSQL_ISOLATION_READ_UNCOMMITTED;
        return tsql_expect_word(p, "UNCOMMITTED");
    }
    if (tsql_accept_word(p, "REPEATABLE")) {
        set->level = TSQL_ISOLATION_REPEATABLE_READ;
        return tsql_expect_kw(p, TSQL_KW_READ);
    }
    if (tsql_accept_word(p, "SNAPSHOT")) {
        set->level = TSQL_ISOLATION_SNAPSHOT;
        return ENTRASQL_OK;
    }
    set->level = TSQL_ISOLATION_SERIALIZABLE;
    return tsql_expect_word(p, "SERIALIZABLE");
}

static entrasql_status read_identity_insert(tsql_parser *p, tsql_stmt *stmt)
{
    tsql_set_identity_insert_stmt *set = tsql_alloc(p, sizeof *set);
    if (set == NULL)
        return es_nomem(p->err);
    stmt->kind = TSQL_STMT_SET_IDENTITY_INSERT;
    stmt->u.set_identity_insert = set;
    tsql_advance(p);
    ES_TRY(tsql_read_object(p, &set->object));
    return read_on_off(p, &set->on);
}

/* ---- options with a value ---- */

static entrasql_status read_option_value(tsql_parser *p, tsql_expr **ret)
{
    if (!tsql_is(p, TSQL_TOKEN_WORD) || tsql_is_kw(p, TSQL_KW_NULL))
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

static entrasql_status read_set_value(tsql_parser *p, const char *option, tsql_stmt *stmt)
{
    tsql_set_value_stmt *set = tsql_alloc(p, sizeof *set);
    if (set == NULL)
        return es_nomem(p->err);
    stmt->kind = TSQL_STMT_SET_VALUE;
    stmt->u.set_value = set;
    set->option = name_of(p, option);
    tsql_advance(p);
    return read_option_value(p, &set->value);
}

/* ---- switches ---- */

/* "STATISTICS IO, TIME" and "OFFSETS SELECT, FROM": words of a switch that has several. */
static entrasql_status read_word_list(tsql_parser *p, const char *prefix, tsql_set_option_stmt *set)
{
    tsql_advance(p);
    do {
        const tsql_token *token = tsql_at(p);
        if (token->kind != TSQL_TOKEN_WORD)
            return tsql_unexpected(p);
        size_t prefix_length = strlen(prefix);
        char *text = tsql_alloc(p, prefix_length + 1 + token->length + 1);
        if (text == NULL)
            return es_nomem(p->err);
        memcpy(text, prefix, prefix_length);
        text[prefix_length] = ' ';
        for (uint32_t i = 0; i < token->length; i++)
            text[prefix_length + 1 + i] = es_ascii_upper(token->text[i]);
        ES_TRY(tsql_push_name(p, &set->options, name_of(p, text)));
        tsql_advance(p);
    } while (tsql_accept(p, TSQL_TOKEN_COMMA));
    return ENTRASQL_OK;
}

static entrasql_status read_switch_names(tsql_parser *p, tsql_set_option_stmt *set)
{
    if (tsql_is_kw(p, TSQL_KW_STATISTICS))
        return read_word_list(p, "STATISTICS", set);
    if (tsql_is_kw(p, TSQL_KW_OFFSETS))
        return read_word_list(p, "OFFSETS", set);
    do {
        const char *option = find_word(p, switches, ES_COUNT_OF(switches));
        if (option == NULL && tsql_is_name(p)) {
            char near[160];
            tsql_near(p, near, sizeof near);
            return tsql_sql_error(p->err, 195, tsql_at(p)->span.line,
                                  "'%s' is not a recognized SET option.", near);
        }
        if (option == NULL)
            return tsql_unexpected(p);
        ES_TRY(tsql_push_name(p, &set->options, name_of(p, option)));
        tsql_advance(p);
    } while (tsql_accept(p, TSQL_TOKEN_COMMA));
    return ENTRASQL_OK;
}

static entrasql_status read_switch(tsql_parser *p, tsql_stmt *stmt)
{
    tsql_set_option_stmt *set = tsql_alloc(p, sizeof *set);
    if (set == NULL)
        return es_nomem(p->err);
    stmt->kind = TSQL_STMT_SET_OPTION;
    stmt->u.set_option = set;
    ES_TRY(read_switch_names(p, set));
    ES_TRY(read_on_off(p, &set->on));
    /* as SQL Server does, this one counts from here on while the text is read */
    for (size_t i = 0; i < set->options.count; i++) {
        if (es_streq(set->options.items[i].text, "QUOTED_IDENTIFIER"))
            p->lexer.quoted_identifier_off = !set->on;
    }
    return ENTRASQL_OK;
}

entrasql_status tsql_read_set(tsql_parser *p, tsql_stmt *stmt)
{
    tsql_advance(p);
    if (tsql_is(p, TSQL_TOKEN_VARIABLE))
        return read_set_variable(p, stmt);
    if (tsql_is_kw(p, TSQL_KW_TRANSACTION) || tsql_is_kw(p, TSQL_KW_TRAN))
        return read_isolation(p, stmt);
    if (tsql_is_kw(p, TSQL_KW_IDENTITY_INSERT))
        return read_identity_insert(p, stmt);
    const char *option = find_word(p, values, ES_COUNT_OF(values));
    if (option != NULL)
        return read_set_value(p, option, stmt);
    return read_switch(p, stmt);
}
