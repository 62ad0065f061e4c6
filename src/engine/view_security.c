/* SPDX-License-Identifier: MIT */
/* sys: principals, role members, permissions. */
#include "base/str.h"
#include "engine/permission.h"
#include "engine/views_sys.h"

/* ---- principals ---- */

static const engine_view_column principal_columns[] = {
    {"name", "sysname", false},
    {"principal_id", "int", false},
    {"type", "char(1)", false},
    {"type_desc", "nvarchar(60)", true},
    {"default_schema_name", "sysname", true},
    {"create_date", "datetime", false},
    {"modify_date", "datetime", false},
    {"owning_principal_id", "int", true},
    {"sid", "varbinary(85)", true},
    {"is_fixed_role", "bit", false},
    {"authentication_type", "int", false},
    {"authentication_type_desc", "nvarchar(60)", true},
    {"default_language_name", "sysname", true},
    {"default_language_lcid", "int", true},
    {"allow_encrypted_value_modifications", "bit", false},
};

static const char *principal_type_desc(char type)
{
    switch (type) {
    case 'E':
        return "EXTERNAL_USER";
    case 'X':
        return "EXTERNAL_GROUP";
    case 'R':
        return "DATABASE_ROLE";
    default:
        return "SQL_USER";
    }
}

enum { FIRST_USER = 5 };

/* 0 NONE, 1 INSTANCE, 2 DATABASE, 4 EXTERNAL. */
static int authentication_type(const engine_principal *p)
{
    if (p->type == 'E' || p->type == 'X')
        return 4;
    if (p->type != 'S')
        return 0;
    if (p->id == ENGINE_DBO)
        return 1;
    return p->id >= FIRST_USER ? 2 : 0;
}

/* Oneself, system users, fixed roles and own roles; all for who manages users. */
static bool sees_principal(const engine_session *s, const engine_principal *p)
{
    if (p->fixed || p->id < FIRST_USER || p->id == s->who.user || engine_is_member(s, p->id))
        return true;
    return engine_is_owner(s) || engine_may_database(s, "ALTER ANY USER") ||
           engine_may_database(s, "VIEW DEFINITION");
}

static entrasql_status fill_principals(engine_rows *r)
{
    engine_session *s = r->s;
    static const char *const authentications[] = {"NONE", "INSTANCE", "DATABASE", "WINDOWS",
                                                  "EXTERNAL"};
    for (size_t i = 0; i < s->catalog->principal_count; i++) {
        const engine_principal *p = &s->catalog->principals[i];
        if (!sees_principal(s, p))
            continue;
        const char type[2] = {p->type, '\0'};
        engine_row_text(r, p->name);
        engine_row_int(r, p->id);
        engine_row_text(r, type);
        engine_row_text(r, principal_type_desc(p->type));
        engine_row_text(r, p->default_schema);
        engine_row_ticks(r, p->created);
        engine_row_ticks(r, p->modified);
        if (p->type == 'R')
            engine_row_int(r, p->owner);
        else
            engine_row_null(r);
        if (p->sid_length != 0)
            engine_row_binary(r, p->sid, p->sid_length);
        else
            engine_row_null(r);
        engine_row_int(r, p->fixed && p->type == 'R');
        engine_row_int(r, authentication_type(p));
        engine_row_text(r, authentications[authentication_type(p)]);
        engine_row_null(r);
        engine_row_null(r);
        engine_row_int(r, false);
    }
    return engine_rows_status(r);
}

static const engine_view_column member_columns[] = {
    {"role_principal_id", "int", false},
    {"member_principal_id", "int", false},
};

static entrasql_status fill_members(engine_rows *r)
{
    engine_session *s = r->s;
    for (size_t i = 0; i < s->catalog->member_count; i++) {
        const engine_member *m = &s->catalog->members[i];
        const engine_principal *member = engine_catalog_principal_by_id(s->catalog, m->member);
        if (member == NULL || !sees_principal(s, member))
            continue;
        engine_row_int(r, m->role);
        engine_row_int(r, m->member);
    }
    return engine_rows_status(r);
}

/* ---- permissions ---- */

static const engine_view_column permission_columns[] = {
    {"class", "tinyint", false},
    {"class_desc", "nvarchar(60)", true},
    {"major_id", "int", false},
    {"minor_id", "int", false},
    {"grantee_principal_id", "int", false},
    {"grantor_principal_id", "int", false},
    {"type", "char(4)", false},
    {"permission_name", "sysname", true},
    {"state", "char(1)", false},
    {"state_desc", "nvarchar(60)", true},
};

static const char *permission_code(const char *name)
{
    static const struct {
        const char *name;
        const char *code;
    } codes[] = {
        {"SELECT", "SL  "},           {"INSERT", "IN  "},
        {"UPDATE", "UP  "},           {"DELETE", "DL  "},
        {"EXECUTE", "EX  "},          {"REFERENCES", "RF  "},
        {"CONTROL", "CL  "},          {"ALTER", "AL  "},
        {"VIEW DEFINITION", "VW  "},  {"CONNECT", "CO  "},
        {"CREATE TABLE", "CRTB"},     {"CREATE VIEW", "CRVW"},
        {"CREATE PROCEDURE", "CRPR"}, {"CREATE FUNCTION", "CRFN"},
        {"CREATE SCHEMA", "CRSM"},    {"CREATE ROLE", "CRRL"},
        {"ALTER ANY USER", "ALUS"},   {"ALTER ANY ROLE", "ALRL"},
        {"ALTER ANY SCHEMA", "ALSM"}, {"TAKE OWNERSHIP", "TO  "},
        {"IMPERSONATE", "IM  "},      {"VIEW DATABASE STATE", "VWDS"},
    };
    for (size_t i = 0; i < ES_COUNT_OF(codes); i++) {
        if (es_streq(codes[i].name, name))
            return codes[i].code;
    }
    return "    ";
}

static const char *class_desc(engine_class klass)
{
    switch (klass) {
    case ENGINE_CLASS_DATABASE:
        return "DATABASE";
    case ENGINE_CLASS_OBJECT:
        return "OBJECT_OR_COLUMN";
    case ENGINE_CLASS_SCHEMA:
        return "SCHEMA";
    case ENGINE_CLASS_PRINCIPAL:
        return "DATABASE_PRINCIPAL";
    }
    return "";
}

static entrasql_status fill_permissions(engine_rows *r)
{
    engine_session *s = r->s;
    for (size_t i = 0; i < s->catalog->permission_count; i++) {
        const engine_permission *p = &s->catalog->permissions[i];
        const engine_principal *grantee = engine_catalog_principal_by_id(s->catalog, p->grantee);
        if (grantee == NULL || !sees_principal(s, grantee))
            continue;
        const char state[2] = {p->state, '\0'};
        engine_row_int(r, (int64_t)p->klass);
        engine_row_text(r, class_desc(p->klass));
        engine_row_int(r, p->major);
        engine_row_int(r, p->minor);
        engine_row_int(r, p->grantee);
        engine_row_int(r, p->grantor);
        engine_row_text(r, permission_code(p->name));
        engine_row_text(r, p->name);
        engine_row_text(r, state);
        engine_row_text(r, p->state == 'D'   ? "DENY"
                           : p->state == 'W' ? "GRANT_WITH_GRANT_OPTION"
                                             : "GRANT");
    }
    return engine_rows_status(r);
}

/* ---- the list ---- */

static const engine_view views[] = {
    ENGINE_VIEW("sys", "database_principals", principal_columns, fill_principals),
    ENGINE_VIEW("sys", "database_role_members", member_columns, fill_members),
    ENGINE_VIEW("sys", "database_permissions", permission_columns, fill_permissions),
};

const engine_views engine_views_security = {views, ES_COUNT_OF(views)};
