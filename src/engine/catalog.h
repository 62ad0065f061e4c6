/* SPDX-License-Identifier: MIT */
/*
 * The catalog of one database: schemas, tables with their declared types,
 * keys, constraints, principals, role members and permissions. It lies in
 * tables of our own inside the SQLite file (catalog_schema.c) and is read into
 * memory as one unchanging picture (catalog_load.c); changes are written by
 * catalog_write.c under a new version number, after which pictures with
 * another number are read anew.
 *
 * A picture is counted by reference: whoever works with pointers into it holds
 * a reference. It belongs to one session, so to one thread at a time.
 *
 * Names are compared without regard to case (all of Unicode).
 */
#ifndef ENGINE_CATALOG_H
#define ENGINE_CATALOG_H

#include "base/error.h"
#include "sqltype/value.h"

#include <sqlite3.h>

#define ENGINE_NAME_MAX 128 /* characters of an identifier */

typedef enum engine_schema_id {
    ENGINE_SCHEMA_DBO = 1,
    ENGINE_SCHEMA_GUEST = 2,
    ENGINE_SCHEMA_INFORMATION = 3,
    ENGINE_SCHEMA_SYS = 4
} engine_schema_id;

/* Fixed principals, with SQL Server's numbers. */
typedef enum engine_principal_id {
    ENGINE_PUBLIC = 0,
    ENGINE_DBO = 1,
    ENGINE_GUEST = 2,
    ENGINE_DB_OWNER = 16384,
    ENGINE_DB_ACCESSADMIN = 16385,
    ENGINE_DB_SECURITYADMIN = 16386,
    ENGINE_DB_DDLADMIN = 16387,
    ENGINE_DB_BACKUPOPERATOR = 16389,
    ENGINE_DB_DATAREADER = 16390,
    ENGINE_DB_DATAWRITER = 16391,
    ENGINE_DB_DENYDATAREADER = 16392,
    ENGINE_DB_DENYDATAWRITER = 16393
} engine_principal_id;

/* As in sys.objects, of two letters. */
typedef enum engine_object_type {
    ENGINE_OBJECT_TABLE,      /* U */
    ENGINE_OBJECT_VIEW,       /* V */
    ENGINE_OBJECT_PROCEDURE,  /* P */
    ENGINE_OBJECT_FUNCTION,   /* FN */
    ENGINE_OBJECT_PRIMARY,    /* PK */
    ENGINE_OBJECT_UNIQUE,     /* UQ */
    ENGINE_OBJECT_CHECK,      /* C */
    ENGINE_OBJECT_DEFAULT,    /* D */
    ENGINE_OBJECT_FOREIGN_KEY /* F */
} engine_object_type;

/* "U", "PK": the code of sys.objects. Static. */
const char *engine_object_code(engine_object_type type);
/* "USER_TABLE", "PRIMARY_KEY_CONSTRAINT". Static. */
const char *engine_object_type_desc(engine_object_type type);

typedef struct engine_schema {
    int32_t id;
    char *name;
    int32_t owner;
} engine_schema;

typedef struct engine_table_column {
    int32_t id; /* never used again within the table; the SQLite column is c<id> */
    char *name;
    sqltype type;
    bool nullable;
    bool identity;
    int64_t seed;
    int64_t increment;
    bool rowguid;
    bool persisted;
    char *computed;     /* source text of a computed column, or NULL */
    char *default_text; /* source text, or NULL */
    int32_t default_id; /* the DEFAULT constraint's object */
    char *collation;    /* as written, or NULL: the database's */
} engine_table_column;

typedef enum engine_index_kind {
    ENGINE_INDEX_PLAIN,
    ENGINE_INDEX_UNIQUE,
    ENGINE_INDEX_UNIQUE_CONSTRAINT,
    ENGINE_INDEX_PRIMARY
} engine_index_kind;

typedef struct engine_index_column {
    int32_t column; /* column id */
    bool descending;
    bool included;
} engine_index_column;

/* The SQLite index is i<object>_<id>. */
typedef struct engine_index {
    int32_t id;
    char *name;
    engine_index_kind kind;
    bool clustered;
    int32_t constraint; /* object of the constraint, or 0 */
    char *filter;       /* source text, or NULL */
    engine_index_column *columns;
    size_t column_count;
} engine_index;

typedef enum engine_action {
    ENGINE_ACTION_NONE,
    ENGINE_ACTION_CASCADE,
    ENGINE_ACTION_SET_NULL,
    ENGINE_ACTION_SET_DEFAULT
} engine_action;

typedef struct engine_foreign_key {
    int32_t id; /* the constraint's object */
    int32_t child;
    int32_t parent;
    engine_action on_delete;
    engine_action on_update;
    bool disabled;
    int32_t *child_columns; /* column ids */
    int32_t *parent_columns;
    size_t column_count;
} engine_foreign_key;

/* A table, view, module or constraint. The SQLite table of a table is t<id>. */
typedef struct engine_object {
    int32_t id;
    int32_t schema;
    int32_t parent; /* table of a constraint, or 0 */
    engine_object_type type;
    char *name;
    int64_t created;  /* ticks, UTC */
    int64_t modified; /* ticks, UTC */
    char *definition; /* source text of a check, default or module, or NULL */
    bool disabled;    /* a check that is not enforced */
    bool system_named;
    engine_table_column *columns;
    size_t column_count;
    engine_index *indexes;
    size_t index_count;
} engine_object;

#define ENGINE_SID_MAX 85

typedef struct engine_principal {
    int32_t id;
    char *name;
    char type; /* S, E, X, R */
    bool fixed;
    uint8_t sid[ENGINE_SID_MAX];
    size_t sid_length;
    char *default_schema; /* NULL for roles and groups */
    int32_t owner;
    int64_t created;
    int64_t modified;
} engine_principal;

typedef struct engine_member {
    int32_t role;
    int32_t member;
} engine_member;

typedef enum engine_class {
    ENGINE_CLASS_DATABASE = 0,
    ENGINE_CLASS_OBJECT = 1,
    ENGINE_CLASS_SCHEMA = 3,
    ENGINE_CLASS_PRINCIPAL = 4
} engine_class;

typedef struct engine_permission {
    engine_class klass;
    int32_t major; /* object or schema; 0 for the database */
    int32_t minor; /* column id or 0 */
    int32_t grantee;
    int32_t grantor;
    char *name; /* upper case: "SELECT", "VIEW DEFINITION" */
    char state; /* G, D, W (with grant option) */
} engine_permission;

/* An extended property of the database, a schema, an object or its column. */
typedef struct engine_property {
    engine_class klass;
    int32_t major; /* object or schema; 0 for the database */
    int32_t minor; /* column id or 0 */
    char *name;
    char *value; /* NULL is one too */
} engine_property;

typedef struct engine_catalog {
    unsigned refs;
    int64_t version;
    engine_schema *schemas;
    size_t schema_count;
    engine_object *objects; /* by id */
    size_t object_count;
    engine_foreign_key *foreign_keys;
    size_t foreign_key_count;
    engine_principal *principals; /* by id */
    size_t principal_count;
    engine_member *members;
    size_t member_count;
    engine_permission *permissions;
    size_t permission_count;
    engine_property *properties;
    size_t property_count;
} engine_catalog;

/* ---- look-ups: NULL when there is none ---- */

const engine_schema *engine_catalog_schema(const engine_catalog *c, const char *name);
const engine_schema *engine_catalog_schema_by_id(const engine_catalog *c, int32_t id);
const engine_object *engine_catalog_object(const engine_catalog *c, int32_t schema,
                                           const char *name);
const engine_object *engine_catalog_object_by_id(const engine_catalog *c, int32_t id);
const engine_table_column *engine_object_column(const engine_object *o, const char *name);
const engine_table_column *engine_object_column_by_id(const engine_object *o, int32_t id);
/* The place of a column in o->columns; column_count when it is not there. */
size_t engine_object_column_place(const engine_object *o, int32_t column_id);
const engine_table_column *engine_object_identity(const engine_object *o);
/* The unique index of the parent that a foreign key refers to. */
const engine_index *engine_foreign_key_index(const engine_catalog *c, const engine_foreign_key *fk);
/* A foreign key that refers to this index of the table. */
const engine_foreign_key *engine_index_foreign_key(const engine_catalog *c, const engine_object *o,
                                                   const engine_index *index);
const engine_property *engine_catalog_property(const engine_catalog *c, engine_class klass,
                                               int32_t major, int32_t minor, const char *name);
const engine_principal *engine_catalog_principal(const engine_catalog *c, const char *name);
const engine_principal *engine_catalog_principal_by_id(const engine_catalog *c, int32_t id);
const engine_principal *engine_catalog_principal_by_sid(const engine_catalog *c, const uint8_t *sid,
                                                        size_t n);

/* ---- making, reading, keeping ---- */

/* A database that an older program made gets the tables that came later. */
entrasql_status engine_catalog_complete(sqlite3 *db, entrasql_error *err) ES_MUST_USE;
/* Creates our tables and the fixed rows in an empty database, inside the caller's transaction. */
entrasql_status engine_catalog_create(sqlite3 *db, entrasql_error *err) ES_MUST_USE;
/* The version that the database has now, as the current transaction sees it. */
entrasql_status engine_catalog_read_version(sqlite3 *db, int64_t *ret,
                                            entrasql_error *err) ES_MUST_USE;
entrasql_status engine_catalog_load(sqlite3 *db, engine_catalog **ret,
                                    entrasql_error *err) ES_MUST_USE;
engine_catalog *engine_catalog_ref(engine_catalog *c);
void engine_catalog_unref(engine_catalog *c);    /* NULL is fine */
void engine_catalog_cleanup(engine_catalog **c); /* for ES_CLEANUP */

/* ---- changes, inside the caller's transaction; each gives the catalog a new version ---- */

/* An object id that is free and was hardly ever used: random, positive. */
int32_t engine_catalog_new_id(const engine_catalog *c);
/* The object itself, not its columns and indexes. */
entrasql_status engine_catalog_add_object(sqlite3 *db, const engine_object *o,
                                          entrasql_error *err) ES_MUST_USE;
entrasql_status engine_catalog_add_column(sqlite3 *db, int32_t object,
                                          const engine_table_column *column,
                                          entrasql_error *err) ES_MUST_USE;
/* Everything about a column but its place: name, type, nullability, default. */
entrasql_status engine_catalog_set_column(sqlite3 *db, int32_t object,
                                          const engine_table_column *column,
                                          entrasql_error *err) ES_MUST_USE;
entrasql_status engine_catalog_drop_column(sqlite3 *db, int32_t object, int32_t column,
                                           entrasql_error *err) ES_MUST_USE;
entrasql_status engine_catalog_add_index(sqlite3 *db, int32_t object, const engine_index *index,
                                         entrasql_error *err) ES_MUST_USE;
entrasql_status engine_catalog_drop_index(sqlite3 *db, int32_t object, int32_t index,
                                          entrasql_error *err) ES_MUST_USE;
entrasql_status engine_catalog_add_foreign_key(sqlite3 *db, const engine_foreign_key *fk,
                                               entrasql_error *err) ES_MUST_USE;
/* An object with all that hangs on it in the catalog: constraints, columns, indexes, permissions.
 */
entrasql_status engine_catalog_drop_object(sqlite3 *db, int32_t object,
                                           entrasql_error *err) ES_MUST_USE;
/* ALTER of a view or module: its text, without its columns. */
entrasql_status engine_catalog_set_definition(sqlite3 *db, int32_t object, const char *definition,
                                              int64_t modified, entrasql_error *err) ES_MUST_USE;
entrasql_status engine_catalog_drop_columns(sqlite3 *db, int32_t object,
                                            entrasql_error *err) ES_MUST_USE;
entrasql_status engine_catalog_rename_object(sqlite3 *db, int32_t object, const char *name,
                                             entrasql_error *err) ES_MUST_USE;
entrasql_status engine_catalog_rename_index(sqlite3 *db, int32_t object, int32_t index,
                                            const char *name, entrasql_error *err) ES_MUST_USE;
entrasql_status engine_catalog_add_schema(sqlite3 *db, const char *name, int32_t owner,
                                          entrasql_error *err) ES_MUST_USE;
entrasql_status engine_catalog_drop_schema(sqlite3 *db, int32_t schema,
                                           entrasql_error *err) ES_MUST_USE;
entrasql_status engine_catalog_add_principal(sqlite3 *db, const engine_principal *p,
                                             entrasql_error *err) ES_MUST_USE;
entrasql_status engine_catalog_set_principal(sqlite3 *db, const engine_principal *p,
                                             entrasql_error *err) ES_MUST_USE;
entrasql_status engine_catalog_drop_principal(sqlite3 *db, int32_t id,
                                              entrasql_error *err) ES_MUST_USE;
entrasql_status engine_catalog_set_member(sqlite3 *db, int32_t role, int32_t member, bool add,
                                          entrasql_error *err) ES_MUST_USE;
/* Takes the place of one of that name. */
entrasql_status engine_catalog_set_property(sqlite3 *db, const engine_property *p,
                                            entrasql_error *err) ES_MUST_USE;
entrasql_status engine_catalog_drop_property(sqlite3 *db, const engine_property *p,
                                             entrasql_error *err) ES_MUST_USE;
/* state 'R': removes what is there for the same securable, permission and grantee. */
entrasql_status engine_catalog_set_permission(sqlite3 *db, const engine_permission *p,
                                              entrasql_error *err) ES_MUST_USE;

#endif
