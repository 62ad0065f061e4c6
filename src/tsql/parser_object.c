/* SPDX-License-Identifier: MIT */
/* CREATE, ALTER and DROP: what kind of thing it is about, and the small kinds themselves. */
#include "tsql/parser_impl.h"

#include <stdio.h>

/* ---- small objects; each behind its word ---- */

static entrasql_status read_create_schema(tsql_parser *p, tsql_stmt *stmt)
{
    tsql_create_schema_stmt *create = tsql_alloc(p, sizeof *create);
    if (create == NULL)
        return es_nomem(p->err);
    stmt->kind = TSQL_STMT_CREATE_SCHEMA;
    stmt->u.create_schema = create;
    if (!tsql_is_kw(p, TSQL_KW_AUTHORIZATION))
        ES_TRY(tsql_read_name(p, &create->name));
    if (!tsql_accept_kw(p, TSQL_KW_AUTHORIZATION))
        return ENTRASQL_OK;
    ES_TRY(tsql_read_name(p, &create->owner));
    if (create->name.text == NULL)
        create->name = create->owner;
    return ENTRASQL_OK;
}

static entrasql_status read_sequence_option(tsql_parser *p, tsql_create_sequence_stmt *s,
                                            bool *ret_read)
{
    *ret_read = true;
    if (tsql_accept_word(p, "START")) {
        ES_TRY(tsql_expect_kw(p, TSQL_KW_WITH));
        return tsql_read_signed_integer(p, &s->start);
    }
    if (tsql_accept_word(p, "INCREMENT")) {
        ES_TRY(tsql_expect_kw(p, TSQL_KW_BY));
        return tsql_read_signed_integer(p, &s->increment);
    }
    if (tsql_accept_word(p, "MINVALUE"))
        return tsql_read_signed_integer(p, &s->min_value);
    if (tsql_accept_word(p, "MAXVALUE"))
        return tsql_read_signed_integer(p, &s->max_value);
    if (tsql_accept_word(p, "CYCLE")) {
        s->cycle = true;
        return ENTRASQL_OK;
    }
    if (tsql_accept_word(p, "CACHE")) {
        const char *size;
        return tsql_is(p, TSQL_TOKEN_INTEGER) ? tsql_read_signed_integer(p, &size) : ENTRASQL_OK;
    }
    if (tsql_accept_word(p, "NO")) {
        if (tsql_accept_word(p, "MINVALUE") || tsql_accept_word(p, "MAXVALUE") ||
            tsql_accept_word(p, "CYCLE") || tsql_accept_word(p, "CACHE"))
            return ENTRASQL_OK;
        return tsql_unexpected(p);
    }
    *ret_read = false;
    return ENTRASQL_OK;
}

static entrasql_status read_create_sequence(tsql_parser *p, tsql_stmt *stmt)
{
    tsql_create_sequence_stmt *create = tsql_alloc(p, sizeof *create);
    if (create == NULL)
        return es_nomem(p->err);
    stmt->kind = TSQL_STMT_CREATE_SEQUENCE;
    stmt->u.create_sequence = create;
    ES_TRY(tsql_read_object(p, &create->object));
    create->has_type = tsql_accept_kw(p, TSQL_KW_AS);
    if (create->has_type)
        ES_TRY(tsql_read_type(p, &create->type));
    bool more;
    do {
        ES_TRY(read_sequence_option(p, create, &more));
    } while (more);
    return ENTRASQL_OK;
}

static entrasql_status read_create_type(tsql_parser *p, tsql_stmt *stmt)
{
    tsql_create_type_stmt *create = tsql_alloc(p, sizeof *create);
    if (create == NULL)
        return es_nomem(p->err);
    stmt->kind = TSQL_STMT_CREATE_TYPE;
    stmt->u.create_type = create;
    ES_TRY(tsql_read_object(p, &create->object));
    if (tsql_accept_kw(p, TSQL_KW_AS)) {
        create->is_table = true;
        ES_TRY(tsql_expect_kw(p, TSQL_KW_TABLE));
        return tsql_read_table_def(p, &create->def);
    }
    ES_TRY(tsql_expect_kw(p, TSQL_KW_FROM));
    ES_TRY(tsql_read_type(p, &create->base));
    if (tsql_accept_kw(p, TSQL_KW_NULL)) {
        create->nullability = TSQL_NULLABLE;
    } else if (tsql_accept_kw(p, TSQL_KW_NOT)) {
        create->nullability = TSQL_NOT_NULL;
        return tsql_expect_kw(p, TSQL_KW_NULL);
    }
    return ENTRASQL_OK;
}

static entrasql_status read_create_synonym(tsql_parser *p, tsql_stmt *stmt)
{
    tsql_create_synonym_stmt *create = tsql_alloc(p, sizeof *create);
    if (create == NULL)
        return es_nomem(p->err);
    stmt->kind = TSQL_STMT_CREATE_SYNONYM;
    stmt->u.create_synonym = create;
    ES_TRY(tsql_read_object(p, &create->object));
    ES_TRY(tsql_expect_kw(p, TSQL_KW_FOR));
    return tsql_read_object(p, &create->target);
}

/* The options of a database are not ours to know: everything up to the end of the statement. */
static entrasql_status read_database(tsql_parser *p, bool alter, tsql_stmt *stmt)
{
    tsql_database_stmt *database = tsql_alloc(p, sizeof *database);
    if (database == NULL)
        return es_nomem(p->err);
    stmt->kind = alter ? TSQL_STMT_ALTER_DATABASE : TSQL_STMT_CREATE_DATABASE;
    stmt->u.database = database;
    if (!alter || !tsql_accept_kw(p, TSQL_KW_CURRENT))
        ES_TRY(tsql_read_name(p, &database->name));
    while (!tsql_is(p, TSQL_TOKEN_END) && !tsql_is(p, TSQL_TOKEN_SEMICOLON) &&
           !tsql_is_kw(p, TSQL_KW_END) && !tsql_is_kw(p, TSQL_KW_ELSE)) {
        if (tsql_is(p, TSQL_TOKEN_ERROR))
            return tsql_unexpected(p);
        tsql_advance(p);
    }
    database->text = tsql_span_end(p, stmt->span);
    return ENTRASQL_OK;
}

/* ---- CREATE ---- */

/* Some statements have to be alone in their batch. */
static entrasql_status require_first(tsql_parser *p, tsql_create_mode mode, const char *what)
{
    if (p->statement_count == 1)
        return ENTRASQL_OK;
    return tsql_sql_error(p->err, 111, tsql_at(p)->span.line,
                          "'%s %s' must be the first statement in a query batch.",
                          mode == TSQL_ALTER ? "ALTER" : "CREATE", what);
}

/* VIEW, PROCEDURE, FUNCTION, TRIGGER, which exist as CREATE, ALTER and CREATE OR ALTER. */
static entrasql_status read_module(tsql_parser *p, tsql_create_mode mode, tsql_stmt *stmt,
                                   bool *ret_read)
{
    *ret_read = true;
    if (tsql_is_kw(p, TSQL_KW_VIEW)) {
        ES_TRY(require_first(p, mode, "VIEW"));
        tsql_advance(p);
        return tsql_read_view(p, mode, stmt);
    }
    if (tsql_is_kw(p, TSQL_KW_PROCEDURE) || tsql_is_kw(p, TSQL_KW_PROC)) {
        ES_TRY(require_first(p, mode, "PROCEDURE"));
        tsql_advance(p);
        return tsql_read_procedure(p, mode, stmt);
    }
    if (tsql_is_kw(p, TSQL_KW_FUNCTION)) {
        ES_TRY(require_first(p, mode, "FUNCTION"));
        tsql_advance(p);
        return tsql_read_function(p, mode, stmt);
    }
    if (tsql_is_kw(p, TSQL_KW_TRIGGER)) {
        ES_TRY(require_first(p, mode, "TRIGGER"));
        tsql_advance(p);
        return tsql_read_trigger(p, mode, stmt);
    }
    *ret_read = false;
    return ENTRASQL_OK;
}

/* A kind that exists in SQL Server, or a word that is none. */
static entrasql_status unknown_kind(tsql_parser *p, const char *verb)
{
    static const char *const others[] = {
        "LOGIN",       "CERTIFICATE", "ASSEMBLY",   "CREDENTIAL", "MASTER",  "SYMMETRIC",
        "ASYMMETRIC",  "ENDPOINT",    "EVENT",      "FULLTEXT",   "SERVER",  "AUDIT",
        "APPLICATION", "PARTITION",   "STATISTICS", "XML",        "SPATIAL", "SECURITY",
        "EXTERNAL",    "RULE",        "DEFAULT",    "QUEUE",      "SERVICE", "AUTHORIZATION",
        "SCHEMA",      "SEQUENCE",    "INDEX",      "AGGREGATE",  "COLUMN"};
    char near[64];
    tsql_near(p, near, sizeof near);
    for (size_t i = 0; i < ES_COUNT_OF(others); i++) {
        if (!tsql_is_word(p, others[i]))
            continue;
        char what[96];
        (void)snprintf(what, sizeof what, "%s %s", verb, others[i]);
        return tsql_unsupported_statement(p, what);
    }
    if (!tsql_is_name(p))
        return tsql_unexpected(p);
    return tsql_sql_error(p->err, 343, tsql_at(p)->span.line,
                          "Unknown object type '%s' used in a CREATE, DROP, or ALTER statement.",
                          near);
}

static entrasql_status read_create_or_alter(tsql_parser *p, tsql_stmt *stmt)
{
    bool read;
    tsql_advance(p);
    ES_TRY(tsql_expect_kw(p, TSQL_KW_ALTER));
    ES_TRY(read_module(p, TSQL_CREATE_OR_ALTER, stmt, &read));
    return read ? ENTRASQL_OK : tsql_unexpected(p);
}

entrasql_status tsql_read_create(tsql_parser *p, tsql_stmt *stmt)
{
    tsql_advance(p);
    if (tsql_is_kw(p, TSQL_KW_OR))
        return read_create_or_alter(p, stmt);
    bool read;
    ES_TRY(read_module(p, TSQL_CREATE, stmt, &read));
    if (read)
        return ENTRASQL_OK;
    if (tsql_is_kw(p, TSQL_KW_TABLE))
        return tsql_read_create_table(p, stmt);
    if (tsql_is_kw(p, TSQL_KW_INDEX) || tsql_is_kw(p, TSQL_KW_UNIQUE) ||
        tsql_is_kw(p, TSQL_KW_CLUSTERED) || tsql_is_kw(p, TSQL_KW_NONCLUSTERED))
        return tsql_read_create_index(p, stmt);
    if (tsql_is_kw(p, TSQL_KW_SCHEMA)) {
        ES_TRY(require_first(p, TSQL_CREATE, "SCHEMA"));
        tsql_advance(p);
        return read_create_schema(p, stmt);
    }
    if (tsql_accept_kw(p, TSQL_KW_USER))
        return tsql_read_user(p, false, stmt);
    if (tsql_accept_word(p, "ROLE"))
        return tsql_read_role(p, false, stmt);
    if (tsql_accept_kw(p, TSQL_KW_DATABASE))
        return read_database(p, false, stmt);
    if (tsql_accept_word(p, "SEQUENCE"))
        return read_create_sequence(p, stmt);
    if (tsql_accept_word(p, "TYPE"))
        return read_create_type(p, stmt);
    if (tsql_accept_word(p, "SYNONYM"))
        return read_create_synonym(p, stmt);
    return unknown_kind(p, "CREATE");
}

/* ---- ALTER ---- */

entrasql_status tsql_read_alter(tsql_parser *p, tsql_stmt *stmt)
{
    bool read;
    tsql_advance(p);
    ES_TRY(read_module(p, TSQL_ALTER, stmt, &read));
    if (read)
        return ENTRASQL_OK;
    if (tsql_is_kw(p, TSQL_KW_TABLE))
        return tsql_read_alter_table(p, stmt);
    if (tsql_accept_kw(p, TSQL_KW_USER))
        return tsql_read_user(p, true, stmt);
    if (tsql_accept_word(p, "ROLE"))
        return tsql_read_role(p, true, stmt);
    if (tsql_accept_kw(p, TSQL_KW_DATABASE))
        return read_database(p, true, stmt);
    return unknown_kind(p, "ALTER");
}

/* ---- DROP ---- */

static const struct drop_kind {
    const char *word;
    tsql_class klass;
} drop_kinds[] = {
    {"TABLE", TSQL_CLASS_TABLE},       {"VIEW", TSQL_CLASS_VIEW},
    {"INDEX", TSQL_CLASS_INDEX},       {"PROCEDURE", TSQL_CLASS_PROCEDURE},
    {"PROC", TSQL_CLASS_PROCEDURE},    {"FUNCTION", TSQL_CLASS_FUNCTION},
    {"TRIGGER", TSQL_CLASS_TRIGGER},   {"SCHEMA", TSQL_CLASS_SCHEMA},
    {"SEQUENCE", TSQL_CLASS_SEQUENCE}, {"TYPE", TSQL_CLASS_TYPE},
    {"SYNONYM", TSQL_CLASS_SYNONYM},   {"USER", TSQL_CLASS_USER},
    {"ROLE", TSQL_CLASS_ROLE},         {"DATABASE", TSQL_CLASS_DATABASE},
    {"LOGIN", TSQL_CLASS_LOGIN},
};

/* An index is "i ON t", or "t.i" as in old scripts. */
static entrasql_status read_dropped_index(tsql_parser *p, tsql_drop_stmt *drop)
{
    tsql_object index;
    tsql_object table = {0};
    ES_TRY(tsql_read_object(p, &index));
    if (tsql_accept_kw(p, TSQL_KW_ON)) {
        ES_TRY(tsql_read_object(p, &table));
    } else {
        if (index.schema.text == NULL)
            return tsql_unexpected(p);
        table.name = index.schema;
        table.schema = index.database;
        table.span = index.span;
        index = (tsql_object){.name = index.name, .span = index.name.span};
    }
    ES_TRY(tsql_push_object(p, &drop->objects, index));
    return tsql_push_object(p, &drop->tables, table);
}

static entrasql_status read_dropped(tsql_parser *p, tsql_drop_stmt *drop)
{
    if (tsql_accept_kw(p, TSQL_KW_IF)) {
        ES_TRY(tsql_expect_kw(p, TSQL_KW_EXISTS));
        drop->if_exists = true;
    }
    do {
        if (drop->klass == TSQL_CLASS_INDEX) {
            ES_TRY(read_dropped_index(p, drop));
            continue;
        }
        tsql_object object;
        ES_TRY(tsql_read_object(p, &object));
        ES_TRY(tsql_push_object(p, &drop->objects, object));
    } while (tsql_accept(p, TSQL_TOKEN_COMMA));
    return drop->klass == TSQL_CLASS_INDEX ? tsql_skip_storage(p) : ENTRASQL_OK;
}

entrasql_status tsql_read_drop(tsql_parser *p, tsql_stmt *stmt)
{
    tsql_drop_stmt *drop = tsql_alloc(p, sizeof *drop);
    if (drop == NULL)
        return es_nomem(p->err);
    stmt->kind = TSQL_STMT_DROP;
    stmt->u.drop = drop;
    tsql_advance(p);
    for (size_t i = 0; i < ES_COUNT_OF(drop_kinds); i++) {
        if (!tsql_accept_word(p, drop_kinds[i].word))
            continue;
        drop->klass = drop_kinds[i].klass;
        return read_dropped(p, drop);
    }
    return unknown_kind(p, "DROP");
}
