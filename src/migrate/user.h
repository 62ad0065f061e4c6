/* SPDX-License-Identifier: MIT */
/*
 * A database user for an Entra principal: what the database lacks of it, as
 * T-SQL and as words; creating, repairing and dropping it.
 *
 * A user is matched by SID and not by name: when an identity was deleted and
 * made again, its old user still has the name, and every login fails.
 *
 * Which GUID is the SID: for applications, service principals and managed
 * identities the client (application) id, for people and groups the object id.
 */
#ifndef MIGRATE_USER_H
#define MIGRATE_USER_H

#include "migrate/principals.h"

/* A named set of rights. */
typedef struct migrate_profile {
    const char *name;
    const char *summary;
    const char *role;               /* of our own, made when missing; NULL: none */
    const char *const *permissions; /* of that role on the schema; NULL-terminated */
    const char *const *fixed_roles; /* NULL-terminated */
} migrate_profile;

extern const char migrate_profile_names[]; /* "app|reader|writer|tutorial|none" */
#define MIGRATE_PROFILE_DEFAULT "app"
const migrate_profile *migrate_profile_find(const char *name); /* NULL: no such profile */

#define MIGRATE_ROLES_MAX 16

typedef struct migrate_user {
    const char *name;
    char type;    /* 'E': person, application, managed identity; 'X': group */
    bool has_sid; /* by SID: Entra is not asked; else FROM EXTERNAL PROVIDER */
    uint8_t sid[MIGRATE_SID_BYTES];
    const char *object_id;      /* by name only: tells namesakes apart; NULL: none */
    const char *default_schema; /* NULL: the server's choice */
    const migrate_profile *profile;
    const char *schema;                   /* what the profile's permissions are on; "dbo" */
    const char *roles[MIGRATE_ROLES_MAX]; /* further roles, that exist */
    size_t role_count;
} migrate_user;

/* Names, ids and lists are possible. INVALID. */
entrasql_status migrate_user_check(const migrate_user *u, entrasql_error *err) ES_MUST_USE;

/* "a, b" as its further roles, which point into the text; it is cut up. NULL: none. INVALID. */
entrasql_status migrate_user_take_roles(migrate_user *u, char *list,
                                        entrasql_error *err) ES_MUST_USE;

/* What there is to do. */
typedef struct migrate_changes {
    es_buf sql;   /* statements, each with ";\n" */
    es_buf notes; /* a line a change, in words */
    size_t count;
} migrate_changes;

#define MIGRATE_CHANGES_INIT                                                                       \
    ((migrate_changes){.sql = ES_BUF_INIT(1024 * 1024), .notes = ES_BUF_INIT(1024 * 1024)})
void migrate_changes_done(migrate_changes *c);

/*
 * What the database lacks of the user. EXISTS, with a hint: the name belongs
 * to another kind of principal or another identity, or the identity has a user of another name.
 * NOT_FOUND: a role or the schema is missing.
 */
entrasql_status migrate_user_diff(const migrate_principals *p, const migrate_user *u,
                                  migrate_changes *ret, entrasql_error *err) ES_MUST_USE;
/*
 * Dropping the user and making it again with its memberships, permissions and default schema.
 * Nothing to do when it has the SID already. NOT_FOUND: no such user.
 */
entrasql_status migrate_user_rebuild(const migrate_principals *p, const migrate_user *u,
                                     migrate_changes *ret, entrasql_error *err) ES_MUST_USE;
/* Dropping an Entra user. NOT_FOUND; INVALID for other principals. */
entrasql_status migrate_user_drop(const migrate_principals *p, const char *name,
                                  migrate_changes *ret, entrasql_error *err) ES_MUST_USE;
/*
 * The same as migrate_user_diff for a database that cannot be read now: T-SQL that
 * looks by itself and may run any number of times.
 */
entrasql_status migrate_user_script(const migrate_user *u, es_buf *sql,
                                    entrasql_error *err) ES_MUST_USE;

/* The profile's own role, for the schema of the user; "" when it has none. */
entrasql_status migrate_user_role_name(const migrate_user *u, char *ret, size_t size,
                                       entrasql_error *err) ES_MUST_USE;
/* Whether the spec makes its user a member of the role; own_role: migrate_user_role_name(). */
bool migrate_user_gives_role(const migrate_user *u, const char *role, const char *own_role);

/* Runs the statements in one transaction: all or none. The error has a hint. */
entrasql_status migrate_changes_run(sql_conn *c, const migrate_changes *changes,
                                    entrasql_error *err) ES_MUST_USE;

#endif
