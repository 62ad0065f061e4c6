/* SPDX-License-Identifier: MIT */
/* Users, roles, GRANT, DENY, REVOKE. Passwords are read over and never kept. */
#include "tsql/parser_impl.h"

#include "base/str.h"

#include <string.h>

/* ---- CREATE USER, ALTER USER ---- */

static entrasql_status read_sid(tsql_parser *p, tsql_user_stmt *user)
{
    if (!tsql_is(p, TSQL_TOKEN_BINARY))
        return tsql_unexpected(p);
    tsql_expr *literal;
    ES_TRY(tsql_read_literal(p, &literal));
    user->has_sid = true;
    user->sid = (const uint8_t *)literal->text;
    user->sid_length = literal->length;
    return ENTRASQL_OK;
}

/* E: an external user or application, X: an external group; '?': the engine refuses it. */
static entrasql_status read_user_type(tsql_parser *p, tsql_user_stmt *user)
{
    if (tsql_accept_word(p, "E"))
        user->type = 'E';
    else if (tsql_accept_word(p, "X"))
        user->type = 'X';
    else if (tsql_is_name(p)) {
        user->type = '?';
        tsql_advance(p);
    } else
        return tsql_unexpected(p);
    return ENTRASQL_OK;
}

/* A new password may name the old one: PASSWORD = '..' OLD_PASSWORD = '..'. */
static entrasql_status skip_password(tsql_parser *p, tsql_user_stmt *user)
{
    user->has_password = true;
    if (!tsql_accept(p, TSQL_TOKEN_STRING))
        ES_TRY(tsql_expect(p, TSQL_TOKEN_BINARY));
    if (!tsql_accept_word(p, "OLD_PASSWORD"))
        return ENTRASQL_OK;
    ES_TRY(tsql_expect(p, TSQL_TOKEN_EQ));
    return tsql_expect(p, TSQL_TOKEN_STRING);
}

static entrasql_status read_user_option(tsql_parser *p, tsql_user_stmt *user)
{
    tsql_name option;
    if (!tsql_is_name(p))
        return tsql_unexpected(p);
    ES_TRY(tsql_token_text(p, tsql_at(p), &option));
    if (tsql_ahead(p, 1)->kind != TSQL_TOKEN_EQ)
        return tsql_unexpected(p);
    static const char *const known[] = {
        "DEFAULT_SCHEMA", "OBJECT_ID",        "SID",
        "TYPE",           "PASSWORD",         "NAME",
        "LOGIN",          "DEFAULT_LANGUAGE", "ALLOW_ENCRYPTED_VALUE_MODIFICATIONS"};
    size_t which = 0;
    while (which < ES_COUNT_OF(known) && !es_strcaseeq(option.text, known[which]))
        which++;
    if (which == ES_COUNT_OF(known))
        return tsql_unexpected(p);
    tsql_advance(p);
    tsql_advance(p);
    switch (which) {
    case 0:
        return tsql_accept_kw(p, TSQL_KW_NULL) ? ENTRASQL_OK
                                               : tsql_read_name(p, &user->default_schema);
    case 1:
        return tsql_read_string(p, &user->object_id, NULL);
    case 2:
        return read_sid(p, user);
    case 3:
        return read_user_type(p, user);
    case 4:
        return skip_password(p, user);
    case 5:
        return tsql_read_name(p, &user->new_name);
    case 6:
        return tsql_read_name(p, &user->login);
    default: /* without effect here */
        tsql_advance(p);
        return ENTRASQL_OK;
    }
}

static entrasql_status read_user_source(tsql_parser *p, tsql_user_stmt *user)
{
    if (tsql_accept_word(p, "WITHOUT")) {
        user->source = TSQL_USER_WITHOUT_LOGIN;
        return tsql_expect_word(p, "LOGIN");
    }
    bool from = tsql_accept_kw(p, TSQL_KW_FROM);
    if (!from && !tsql_accept_kw(p, TSQL_KW_FOR))
        return ENTRASQL_OK;
    if (from && tsql_accept_kw(p, TSQL_KW_EXTERNAL)) {
        user->source = TSQL_USER_EXTERNAL_PROVIDER;
        return tsql_expect_word(p, "PROVIDER");
    }
    if (tsql_is_word(p, "CERTIFICATE") || tsql_is_word(p, "ASYMMETRIC"))
        return tsql_unsupported_part(p, "CERTIFICATE");
    user->source = TSQL_USER_LOGIN;
    ES_TRY(tsql_expect_word(p, "LOGIN"));
    return tsql_read_name(p, &user->login);
}

entrasql_status tsql_read_user(tsql_parser *p, bool alter, tsql_stmt *stmt)
{
    tsql_user_stmt *user = tsql_alloc(p, sizeof *user);
    if (user == NULL)
        return es_nomem(p->err);
    stmt->kind = alter ? TSQL_STMT_ALTER_USER : TSQL_STMT_CREATE_USER;
    stmt->u.user = user;
    ES_TRY(tsql_read_name(p, &user->name));
    if (!alter)
        ES_TRY(read_user_source(p, user));
    else if (!tsql_is_kw(p, TSQL_KW_WITH))
        return tsql_unexpected(p);
    if (!tsql_accept_kw(p, TSQL_KW_WITH))
        return ENTRASQL_OK;
    do {
        ES_TRY(read_user_option(p, user));
    } while (tsql_accept(p, TSQL_TOKEN_COMMA));
    if (user->has_password && user->source == TSQL_USER_DEFAULT)
        user->source = TSQL_USER_PASSWORD;
    return ENTRASQL_OK;
}

/* ---- CREATE ROLE, ALTER ROLE ---- */

entrasql_status tsql_read_role(tsql_parser *p, bool alter, tsql_stmt *stmt)
{
    tsql_role_stmt *role = tsql_alloc(p, sizeof *role);
    if (role == NULL)
        return es_nomem(p->err);
    stmt->kind = TSQL_STMT_ROLE;
    stmt->u.role = role;
    ES_TRY(tsql_read_name(p, &role->role));
    if (!alter) {
        role->action = TSQL_ROLE_CREATE;
        return tsql_accept_kw(p, TSQL_KW_AUTHORIZATION) ? tsql_read_name(p, &role->member)
                                                        : ENTRASQL_OK;
    }
    if (tsql_accept_kw(p, TSQL_KW_WITH)) {
        role->action = TSQL_ROLE_RENAME;
        ES_TRY(tsql_expect_word(p, "NAME"));
        ES_TRY(tsql_expect(p, TSQL_TOKEN_EQ));
        return tsql_read_name(p, &role->member);
    }
    role->action = TSQL_ROLE_ADD_MEMBER;
    if (tsql_accept_kw(p, TSQL_KW_DROP))
        role->action = TSQL_ROLE_DROP_MEMBER;
    else
        ES_TRY(tsql_expect_kw(p, TSQL_KW_ADD));
    ES_TRY(tsql_expect_word(p, "MEMBER"));
    return tsql_read_name(p, &role->member);
}

/* ---- GRANT, DENY, REVOKE ---- */

static bool ends_permission(tsql_parser *p)
{
    return !tsql_is(p, TSQL_TOKEN_WORD) || tsql_is_kw(p, TSQL_KW_ON) || tsql_is_kw(p, TSQL_KW_TO) ||
           tsql_is_kw(p, TSQL_KW_FROM);
}

enum { PERMISSION_NAME_MAX = 128 };

/* The words of a permission in upper case with one blank between; EXEC is EXECUTE. */
static entrasql_status read_permission_name(tsql_parser *p, const char **ret)
{
    char name[PERMISSION_NAME_MAX];
    size_t n = 0;
    if (ends_permission(p))
        return tsql_unexpected(p);
    for (; !ends_permission(p); tsql_advance(p)) {
        const tsql_token *token = tsql_at(p);
        if (token->length + 1u > sizeof name - n)
            return tsql_unexpected(p);
        if (n != 0)
            name[n++] = ' ';
        for (uint32_t i = 0; i < token->length; i++)
            name[n++] = es_ascii_upper(token->text[i]);
    }
    if (n == 4 && memcmp(name, "EXEC", 4) == 0)
        *ret = "EXECUTE";
    else if (n == 14 && memcmp(name, "ALL PRIVILEGES", 14) == 0)
        *ret = "ALL";
    else
        *ret = tsql_arena_strndup(&p->batch->arena, name, n);
    return *ret != NULL ? ENTRASQL_OK : es_nomem(p->err);
}

static entrasql_status read_permission(tsql_parser *p, tsql_grant_stmt *grant)
{
    tsql_permission permission = {.span = tsql_span_begin(p)};
    ES_TRY(read_permission_name(p, &permission.name));
    if (tsql_is(p, TSQL_TOKEN_LPAREN))
        ES_TRY(tsql_read_name_list(p, &permission.columns));
    permission.span = tsql_span_end(p, permission.span);
    tsql_permission *items =
        tsql_room(p, grant->permissions, grant->permission_count, sizeof *items);
    if (items == NULL)
        return es_nomem(p->err);
    items[grant->permission_count++] = permission;
    grant->permissions = items;
    return ENTRASQL_OK;
}

static tsql_securable securable_of(const char *class_name)
{
    static const struct {
        const char *name;
        tsql_securable securable;
    } classes[] = {
        {"OBJECT", TSQL_SECURABLE_OBJECT},     {"SCHEMA", TSQL_SECURABLE_SCHEMA},
        {"DATABASE", TSQL_SECURABLE_DATABASE}, {"USER", TSQL_SECURABLE_USER},
        {"ROLE", TSQL_SECURABLE_ROLE},         {"TYPE", TSQL_SECURABLE_TYPE},
    };
    for (size_t i = 0; i < ES_COUNT_OF(classes); i++) {
        if (es_strcaseeq(class_name, classes[i].name))
            return classes[i].securable;
    }
    return TSQL_SECURABLE_OTHER;
}

/* Behind ON: [class ::] object [(columns)]. A class may have two words: APPLICATION ROLE. */
static entrasql_status read_securable(tsql_parser *p, tsql_grant_stmt *grant)
{
    grant->securable = TSQL_SECURABLE_OBJECT;
    bool two_words = tsql_is(p, TSQL_TOKEN_WORD) && tsql_ahead(p, 1)->kind == TSQL_TOKEN_WORD &&
                     tsql_ahead(p, 2)->kind == TSQL_TOKEN_COLON2;
    if (two_words || tsql_ahead(p, 1)->kind == TSQL_TOKEN_COLON2) {
        ES_TRY(tsql_read_any_word(p, &grant->class_name));
        grant->securable = two_words ? TSQL_SECURABLE_OTHER : securable_of(grant->class_name.text);
        if (two_words)
            tsql_advance(p);
        tsql_advance(p);
    }
    ES_TRY(tsql_read_object(p, &grant->object));
    return tsql_is(p, TSQL_TOKEN_LPAREN) ? tsql_read_name_list(p, &grant->columns) : ENTRASQL_OK;
}

static entrasql_status read_grant_tail(tsql_parser *p, tsql_grant_stmt *grant)
{
    if (tsql_is_kw(p, TSQL_KW_WITH) && tsql_ahead(p, 1)->keyword == TSQL_KW_GRANT) {
        tsql_advance(p);
        tsql_advance(p);
        ES_TRY(tsql_expect_kw(p, TSQL_KW_OPTION));
        grant->with_grant_option = true;
    }
    grant->cascade = tsql_accept_kw(p, TSQL_KW_CASCADE);
    return tsql_accept_kw(p, TSQL_KW_AS) ? tsql_read_name(p, &grant->as_principal) : ENTRASQL_OK;
}

entrasql_status tsql_read_grant(tsql_parser *p, tsql_stmt *stmt)
{
    tsql_grant_stmt *grant = tsql_alloc(p, sizeof *grant);
    if (grant == NULL)
        return es_nomem(p->err);
    stmt->kind = TSQL_STMT_GRANT;
    stmt->u.grant = grant;
    grant->action = tsql_is_kw(p, TSQL_KW_GRANT)  ? TSQL_GRANT
                    : tsql_is_kw(p, TSQL_KW_DENY) ? TSQL_DENY
                                                  : TSQL_REVOKE;
    tsql_advance(p);
    if (grant->action == TSQL_REVOKE && tsql_accept_kw(p, TSQL_KW_GRANT)) {
        ES_TRY(tsql_expect_kw(p, TSQL_KW_OPTION));
        ES_TRY(tsql_expect_kw(p, TSQL_KW_FOR));
        grant->grant_option_for = true;
    }
    do {
        ES_TRY(read_permission(p, grant));
    } while (tsql_accept(p, TSQL_TOKEN_COMMA));
    if (tsql_accept_kw(p, TSQL_KW_ON))
        ES_TRY(read_securable(p, grant));
    bool from = grant->action == TSQL_REVOKE && tsql_accept_kw(p, TSQL_KW_FROM);
    if (!from)
        ES_TRY(tsql_expect_kw(p, TSQL_KW_TO));
    do {
        tsql_name principal;
        ES_TRY(tsql_read_name(p, &principal));
        ES_TRY(tsql_push_name(p, &grant->principals, principal));
    } while (tsql_accept(p, TSQL_TOKEN_COMMA));
    return read_grant_tail(p, grant);
}
