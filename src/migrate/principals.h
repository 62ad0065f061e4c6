/* SPDX-License-Identifier: MIT */
/*
 * The principals of a database as its catalog shows them to us: names, SIDs,
 * role memberships, permissions, owned schemas. A picture of one moment, owned by the
 * caller, from which what to do is decided without the connection.
 *
 * Who cannot see a principal (no VIEW DEFINITION, no ALTER ANY USER) does not
 * get it here either; whoever may create users sees all.
 */
#ifndef MIGRATE_PRINCIPALS_H
#define MIGRATE_PRINCIPALS_H

#include "sql/sql.h"

#define MIGRATE_SID_BYTES 16

typedef struct migrate_principal {
    int64_t id;
    char *name;
    char type;    /* E, X, S, R ...: sys.database_principals.type */
    int64_t auth; /* authentication_type: 1 INSTANCE, 2 DATABASE, 4 EXTERNAL */
    uint8_t sid[85];
    size_t sid_length;
    bool is_fixed_role;
    char *default_schema; /* "" when it has none */
} migrate_principal;

typedef struct migrate_member {
    int64_t role;
    int64_t member;
} migrate_member;

/* A permission of a principal beside CONNECT. */
typedef struct migrate_permission {
    int64_t klass; /* 0 database, 1 object, 3 schema ... */
    int64_t minor; /* column; 0: the whole */
    int64_t grantee;
    char *permission;
    char state;   /* G, W (with grant option), D, R */
    char *schema; /* of class 1 and 3 */
    char *object; /* of class 1 */
} migrate_permission;

typedef struct migrate_schema {
    int64_t owner;
    char *name;
} migrate_schema;

typedef struct migrate_principals {
    migrate_principal *list;
    size_t count;
    migrate_member *members;
    size_t member_count;
    migrate_permission *permissions;
    size_t permission_count;
    migrate_schema *schemas;
    size_t schema_count;
    char *database; /* DB_NAME() */
} migrate_principals;

entrasql_status migrate_principals_read(sql_conn *c, migrate_principals *ret,
                                        entrasql_error *err) ES_MUST_USE;
void migrate_principals_done(migrate_principals *p);

/* Names compare without ASCII case, as in Azure's default collation; NULL: none. */
const migrate_principal *migrate_principal_by_name(const migrate_principals *p, const char *name);
/* An Entra user (E, X) by the first 16 bytes of its SID: those made from a login have more. */
const migrate_principal *migrate_principal_by_sid(const migrate_principals *p,
                                                  const uint8_t sid[MIGRATE_SID_BYTES]);
const migrate_principal *migrate_principal_by_id(const migrate_principals *p, int64_t id);
bool migrate_principal_is_external(const migrate_principal *p);
bool migrate_principal_has_sid(const migrate_principal *p, const uint8_t sid[MIGRATE_SID_BYTES]);
/* Direct membership. */
bool migrate_is_member(const migrate_principals *p, int64_t role, int64_t member);
/* A permission on a schema that was granted. */
bool migrate_has_schema_permission(const migrate_principals *p, int64_t grantee, const char *schema,
                                   const char *permission);
bool migrate_schema_exists(const migrate_principals *p, const char *schema);

#endif
