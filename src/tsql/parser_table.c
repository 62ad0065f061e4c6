/* SPDX-License-Identifier: MIT */
/* CREATE TABLE, ALTER TABLE, CREATE INDEX. */
#include "tsql/parser_impl.h"

#include "base/str.h"

/* ---- columns ---- */

static entrasql_status read_identity(tsql_parser *p, tsql_column_def *column)
{
    column->identity = true;
    column->identity_seed = "1";
    column->identity_increment = "1";
    if (tsql_accept(p, TSQL_TOKEN_LPAREN)) {
        ES_TRY(tsql_read_signed_integer(p, &column->identity_seed));
        ES_TRY(tsql_expect(p, TSQL_TOKEN_COMMA));
        ES_TRY(tsql_read_signed_integer(p, &column->identity_increment));
        ES_TRY(tsql_expect(p, TSQL_TOKEN_RPAREN));
    }
    if (tsql_is_kw(p, TSQL_KW_NOT) && tsql_ahead(p, 1)->keyword == TSQL_KW_FOR) {
        tsql_advance(p);
        tsql_advance(p);
        return tsql_expect_kw(p, TSQL_KW_REPLICATION);
    }
    return ENTRASQL_OK;
}

static entrasql_status read_column_option(tsql_parser *p, tsql_column_def *column, bool *ret_read)
{
    *ret_read = true;
    if (tsql_is_constraint_start(p))
        return tsql_read_constraint(p, true, &column->constraints);
    if (tsql_accept_kw(p, TSQL_KW_COLLATE))
        return tsql_read_name(p, &column->collation);
    if (tsql_accept_kw(p, TSQL_KW_IDENTITY))
        return read_identity(p, column);
    if (tsql_accept_kw(p, TSQL_KW_NULL)) {
        column->nullability = TSQL_NULLABLE;
    } else if (tsql_accept_kw(p, TSQL_KW_NOT)) {
        column->nullability = TSQL_NOT_NULL;
        return tsql_expect_kw(p, TSQL_KW_NULL);
    } else if (tsql_accept_kw(p, TSQL_KW_ROWGUIDCOL)) {
        column->rowguidcol = true;
    } else if (tsql_accept_word(p, "SPARSE")) {
        column->sparse = true;
    } else if (tsql_accept_word(p, "PERSISTED")) {
        column->persisted = true;
    } else if (tsql_is_word(p, "GENERATED") || tsql_is_word(p, "MASKED") ||
               tsql_is_word(p, "ENCRYPTED")) {
        char what[32];
        tsql_near(p, what, sizeof what);
        return tsql_unsupported_part(p, what);
    } else {
        *ret_read = false;
    }
    return ENTRASQL_OK;
}

/* The type of a column that is named "timestamp" may be left out. */
static bool is_bare_timestamp(tsql_parser *p, const tsql_column_def *column)
{
    bool type_missing = tsql_is(p, TSQL_TOKEN_COMMA) || tsql_is(p, TSQL_TOKEN_RPAREN) ||
                        tsql_is_kw(p, TSQL_KW_NOT) || tsql_is_kw(p, TSQL_KW_NULL);
    return type_missing && es_strcaseeq(column->name.text, "timestamp");
}

static entrasql_status read_column_type(tsql_parser *p, tsql_column_def *column)
{
    column->has_type = true;
    if (!is_bare_timestamp(p, column))
        return tsql_read_type(p, &column->type);
    column->type.name.name = column->name;
    column->type.id = SQLTYPE_ROWVERSION;
    column->type.span = column->name.span;
    return ENTRASQL_OK;
}

entrasql_status tsql_read_column_def(tsql_parser *p, tsql_column_def *ret)
{
    *ret = (tsql_column_def){.span = tsql_span_begin(p)};
    ES_TRY(tsql_read_name(p, &ret->name));
    if (tsql_accept_kw(p, TSQL_KW_AS)) {
        ret->computed_text = tsql_span_begin(p);
        ES_TRY(tsql_read_expr(p, &ret->computed));
        ret->computed_text = tsql_span_end(p, ret->computed_text);
    } else {
        ES_TRY(read_column_type(p, ret));
    }
    bool more;
    do {
        ES_TRY(read_column_option(p, ret, &more));
    } while (more);
    ret->span = tsql_span_end(p, ret->span);
    return ENTRASQL_OK;
}

entrasql_status tsql_push_column(tsql_parser *p, tsql_table_def *def, const tsql_column_def *column)
{
    tsql_column_def *items = tsql_room(p, def->columns, def->column_count, sizeof *items);
    if (items == NULL)
        return es_nomem(p->err);
    items[def->column_count++] = *column;
    def->columns = items;
    return ENTRASQL_OK;
}

/* A column, or a constraint of the table. */
static entrasql_status read_element(tsql_parser *p, tsql_table_def *def)
{
    if (tsql_is_constraint_start(p))
        return tsql_read_constraint(p, false, &def->constraints);
    if (tsql_is_word(p, "PERIOD") && tsql_ahead(p, 1)->keyword == TSQL_KW_FOR)
        return tsql_unsupported_part(p, "PERIOD FOR SYSTEM_TIME");
    tsql_column_def column;
    ES_TRY(tsql_read_column_def(p, &column));
    return tsql_push_column(p, def, &column);
}

entrasql_status tsql_read_table_def(tsql_parser *p, tsql_table_def *ret)
{
    ES_TRY(tsql_expect(p, TSQL_TOKEN_LPAREN));
    do {
        bool trailing_comma = ret->column_count != 0 && tsql_is(p, TSQL_TOKEN_RPAREN);
        if (trailing_comma)
            break;
        ES_TRY(read_element(p, ret));
        /* the comma before a table constraint may be left out */
        while (tsql_is_constraint_start(p))
            ES_TRY(read_element(p, ret));
    } while (tsql_accept(p, TSQL_TOKEN_COMMA));
    return tsql_expect(p, TSQL_TOKEN_RPAREN);
}

/* ---- CREATE TABLE, at TABLE ---- */

entrasql_status tsql_read_create_table(tsql_parser *p, tsql_stmt *stmt)
{
    tsql_create_table_stmt *create = tsql_alloc(p, sizeof *create);
    if (create == NULL)
        return es_nomem(p->err);
    stmt->kind = TSQL_STMT_CREATE_TABLE;
    stmt->u.create_table = create;
    tsql_advance(p);
    ES_TRY(tsql_read_object(p, &create->object));
    ES_TRY(tsql_read_table_def(p, &create->def));
    return tsql_skip_storage(p);
}

/* ---- ALTER TABLE, at TABLE ---- */

static entrasql_status read_add(tsql_parser *p, tsql_alter_table_stmt *alter)
{
    alter->kind = TSQL_ALTER_TABLE_ADD;
    do {
        ES_TRY(read_element(p, &alter->def));
    } while (tsql_accept(p, TSQL_TOKEN_COMMA));
    return ENTRASQL_OK;
}

static entrasql_status read_alter_column(tsql_parser *p, tsql_alter_table_stmt *alter)
{
    alter->kind = TSQL_ALTER_TABLE_ALTER_COLUMN;
    ES_TRY(tsql_expect_kw(p, TSQL_KW_COLUMN));
    if (tsql_ahead(p, 1)->keyword == TSQL_KW_ADD || tsql_ahead(p, 1)->keyword == TSQL_KW_DROP)
        return tsql_unsupported_part(p, "ALTER COLUMN ADD/DROP");
    tsql_column_def column;
    ES_TRY(tsql_read_column_def(p, &column));
    return tsql_push_column(p, &alter->def, &column);
}

/* "COLUMN a, b, CONSTRAINT c": the word counts until the next one; at first, CONSTRAINT. */
static entrasql_status read_drop_items(tsql_parser *p, tsql_alter_table_stmt *alter)
{
    alter->kind = TSQL_ALTER_TABLE_DROP;
    bool columns = false;
    do {
        if (tsql_accept_kw(p, TSQL_KW_COLUMN))
            columns = true;
        else if (tsql_accept_kw(p, TSQL_KW_CONSTRAINT))
            columns = false;
        if (tsql_is_kw(p, TSQL_KW_IF) && tsql_ahead(p, 1)->keyword == TSQL_KW_EXISTS) {
            tsql_advance(p);
            tsql_advance(p);
            alter->if_exists = true;
        }
        tsql_name name;
        ES_TRY(tsql_read_name(p, &name));
        ES_TRY(tsql_push_name(p, columns ? &alter->drop_columns : &alter->drop_constraints, name));
    } while (tsql_accept(p, TSQL_TOKEN_COMMA));
    return tsql_skip_storage(p);
}

/* "CONSTRAINT ALL | names", "TRIGGER ALL | names" behind their word. */
static entrasql_status read_all_or_names(tsql_parser *p, tsql_alter_table_stmt *alter)
{
    alter->all = tsql_accept_kw(p, TSQL_KW_ALL);
    if (alter->all)
        return ENTRASQL_OK;
    do {
        tsql_name name;
        ES_TRY(tsql_read_name(p, &name));
        ES_TRY(tsql_push_name(p, &alter->names, name));
    } while (tsql_accept(p, TSQL_TOKEN_COMMA));
    return ENTRASQL_OK;
}

static entrasql_status read_alter_action(tsql_parser *p, tsql_alter_table_stmt *alter)
{
    if (tsql_accept_kw(p, TSQL_KW_ADD))
        return read_add(p, alter);
    bool enable = tsql_is_kw(p, TSQL_KW_CHECK);
    if (enable || tsql_is_kw(p, TSQL_KW_NOCHECK)) {
        alter->kind = TSQL_ALTER_TABLE_CHECK;
        alter->enable = enable;
        tsql_advance(p);
        ES_TRY(tsql_expect_kw(p, TSQL_KW_CONSTRAINT));
        return read_all_or_names(p, alter);
    }
    if (alter->with_check || alter->with_nocheck)
        return tsql_unexpected(p);
    if (tsql_accept_kw(p, TSQL_KW_ALTER))
        return read_alter_column(p, alter);
    if (tsql_accept_kw(p, TSQL_KW_DROP))
        return read_drop_items(p, alter);
    enable = tsql_is_word(p, "ENABLE");
    if (enable || tsql_is_word(p, "DISABLE")) {
        alter->kind = TSQL_ALTER_TABLE_TRIGGER;
        alter->enable = enable;
        tsql_advance(p);
        ES_TRY(tsql_expect_kw(p, TSQL_KW_TRIGGER));
        return read_all_or_names(p, alter);
    }
    if (tsql_is_kw(p, TSQL_KW_SET) || tsql_is_word(p, "REBUILD") || tsql_is_word(p, "SWITCH"))
        return tsql_unsupported_part(p, "ALTER TABLE SET/REBUILD/SWITCH");
    return tsql_unexpected(p);
}

entrasql_status tsql_read_alter_table(tsql_parser *p, tsql_stmt *stmt)
{
    tsql_alter_table_stmt *alter = tsql_alloc(p, sizeof *alter);
    if (alter == NULL)
        return es_nomem(p->err);
    stmt->kind = TSQL_STMT_ALTER_TABLE;
    stmt->u.alter_table = alter;
    tsql_advance(p);
    ES_TRY(tsql_read_object(p, &alter->object));
    if (tsql_accept_kw(p, TSQL_KW_WITH)) {
        alter->with_check = tsql_accept_kw(p, TSQL_KW_CHECK);
        alter->with_nocheck = !alter->with_check;
        if (alter->with_nocheck)
            ES_TRY(tsql_expect_kw(p, TSQL_KW_NOCHECK));
    }
    return read_alter_action(p, alter);
}

/* ---- CREATE INDEX, behind CREATE ---- */

entrasql_status tsql_read_create_index(tsql_parser *p, tsql_stmt *stmt)
{
    tsql_create_index_stmt *create = tsql_alloc(p, sizeof *create);
    if (create == NULL)
        return es_nomem(p->err);
    stmt->kind = TSQL_STMT_CREATE_INDEX;
    stmt->u.create_index = create;
    create->unique = tsql_accept_kw(p, TSQL_KW_UNIQUE);
    create->clustered = tsql_read_clustered(p);
    if (tsql_is_word(p, "COLUMNSTORE"))
        return tsql_unsupported_part(p, "COLUMNSTORE");
    ES_TRY(tsql_expect_kw(p, TSQL_KW_INDEX));
    ES_TRY(tsql_read_name(p, &create->name));
    ES_TRY(tsql_expect_kw(p, TSQL_KW_ON));
    ES_TRY(tsql_read_object(p, &create->object));
    ES_TRY(tsql_read_index_columns(p, &create->columns));
    if (tsql_accept_word(p, "INCLUDE"))
        ES_TRY(tsql_read_name_list(p, &create->include));
    if (tsql_accept_kw(p, TSQL_KW_WHERE)) {
        create->where_text = tsql_span_begin(p);
        ES_TRY(tsql_read_cond(p, &create->where));
        create->where_text = tsql_span_end(p, create->where_text);
    }
    return tsql_skip_storage(p);
}
