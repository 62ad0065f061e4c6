/* SPDX-License-Identifier: MIT */
/* Cursors: DECLARE, OPEN, FETCH, CLOSE, DEALLOCATE. */
#include "tsql/parser_impl.h"

bool tsql_is_cursor_declare(tsql_parser *p)
{
    if (!tsql_token_is_name(tsql_ahead(p, 1)))
        return false;
    return tsql_ahead(p, 2)->keyword == TSQL_KW_CURSOR ||
           tsql_token_is_word(tsql_ahead(p, 2), "INSENSITIVE") ||
           tsql_token_is_word(tsql_ahead(p, 2), "SCROLL");
}

static entrasql_status read_options(tsql_parser *p, tsql_cursor_stmt *cursor)
{
    while (tsql_is(p, TSQL_TOKEN_WORD) && !tsql_is_kw(p, TSQL_KW_FOR) &&
           !tsql_is_kw(p, TSQL_KW_CURSOR)) {
        tsql_name option;
        ES_TRY(tsql_read_name(p, &option));
        ES_TRY(tsql_push_name(p, &cursor->options, option));
    }
    return ENTRASQL_OK;
}

/* FOR READ ONLY, FOR UPDATE [OF columns], behind the query. */
static entrasql_status skip_update_clause(tsql_parser *p)
{
    if (!tsql_accept_kw(p, TSQL_KW_FOR))
        return ENTRASQL_OK;
    if (tsql_accept_kw(p, TSQL_KW_READ))
        return tsql_expect_word(p, "ONLY");
    ES_TRY(tsql_expect_kw(p, TSQL_KW_UPDATE));
    if (!tsql_accept_kw(p, TSQL_KW_OF))
        return ENTRASQL_OK;
    do {
        tsql_name column;
        ES_TRY(tsql_read_name(p, &column));
    } while (tsql_accept(p, TSQL_TOKEN_COMMA));
    return ENTRASQL_OK;
}

static entrasql_status read_declare(tsql_parser *p, tsql_cursor_stmt *cursor)
{
    cursor->action = TSQL_CURSOR_DECLARE;
    ES_TRY(tsql_read_name(p, &cursor->name));
    ES_TRY(read_options(p, cursor));
    ES_TRY(tsql_expect_kw(p, TSQL_KW_CURSOR));
    ES_TRY(read_options(p, cursor));
    ES_TRY(tsql_expect_kw(p, TSQL_KW_FOR));
    ES_TRY(tsql_read_select(p, &cursor->select));
    return skip_update_clause(p);
}

/* [GLOBAL] name, or a cursor variable. */
static entrasql_status read_cursor_name(tsql_parser *p, tsql_cursor_stmt *cursor)
{
    if (tsql_is(p, TSQL_TOKEN_VARIABLE))
        return tsql_read_variable(p, &cursor->variable);
    if (tsql_is_word(p, "GLOBAL") && tsql_token_is_name(tsql_ahead(p, 1)))
        tsql_advance(p);
    return tsql_read_name(p, &cursor->name);
}

static entrasql_status read_direction(tsql_parser *p, tsql_cursor_stmt *cursor)
{
    static const char *const directions[] = {"NEXT", "PRIOR",    "FIRST",
                                             "LAST", "ABSOLUTE", "RELATIVE"};
    cursor->direction = "NEXT";
    size_t i = 0;
    while (i < ES_COUNT_OF(directions) && !tsql_is_word(p, directions[i]))
        i++;
    if (i == ES_COUNT_OF(directions))
        return ENTRASQL_OK;
    cursor->direction = directions[i];
    tsql_advance(p);
    if (i >= 4)
        ES_TRY(tsql_read_constant(p, &cursor->rows));
    return ENTRASQL_OK;
}

static entrasql_status read_fetch(tsql_parser *p, tsql_cursor_stmt *cursor)
{
    cursor->action = TSQL_CURSOR_FETCH;
    ES_TRY(read_direction(p, cursor));
    (void)tsql_accept_kw(p, TSQL_KW_FROM);
    ES_TRY(read_cursor_name(p, cursor));
    if (!tsql_accept_kw(p, TSQL_KW_INTO))
        return ENTRASQL_OK;
    do {
        const char *variable;
        ES_TRY(tsql_read_variable(p, &variable));
        tsql_name name = {.text = variable};
        ES_TRY(tsql_push_name(p, &cursor->into, name));
    } while (tsql_accept(p, TSQL_TOKEN_COMMA));
    return ENTRASQL_OK;
}

entrasql_status tsql_read_cursor(tsql_parser *p, tsql_stmt *stmt)
{
    tsql_cursor_stmt *cursor = tsql_alloc(p, sizeof *cursor);
    if (cursor == NULL)
        return es_nomem(p->err);
    stmt->kind = TSQL_STMT_CURSOR;
    stmt->u.cursor = cursor;
    if (tsql_accept_kw(p, TSQL_KW_DECLARE))
        return read_declare(p, cursor);
    if (tsql_accept_kw(p, TSQL_KW_FETCH))
        return read_fetch(p, cursor);
    if (tsql_accept_kw(p, TSQL_KW_OPEN))
        cursor->action = TSQL_CURSOR_OPEN;
    else if (tsql_accept_kw(p, TSQL_KW_CLOSE))
        cursor->action = TSQL_CURSOR_CLOSE;
    else
        cursor->action = TSQL_CURSOR_DEALLOCATE;
    if (cursor->action == TSQL_CURSOR_DEALLOCATE)
        tsql_advance(p);
    return read_cursor_name(p, cursor);
}
