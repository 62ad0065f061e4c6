/* SPDX-License-Identifier: MIT */
/* The catalog's own tables in SQLite and the rows that every new database has. */
#include "engine/catalog.h"

#include "engine/db.h"

static const char tables[] =
    "CREATE TABLE es_meta(k TEXT PRIMARY KEY, v INTEGER) WITHOUT ROWID;"
    "CREATE TABLE es_schemas(id INTEGER PRIMARY KEY, name TEXT NOT NULL, owner INTEGER NOT NULL);"
    "CREATE TABLE es_objects(id INTEGER PRIMARY KEY, schema INTEGER NOT NULL,"
    " parent INTEGER NOT NULL, type INTEGER NOT NULL, name TEXT NOT NULL,"
    " created INTEGER NOT NULL, modified INTEGER NOT NULL, definition TEXT,"
    " disabled INTEGER NOT NULL, system_named INTEGER NOT NULL);"
    "CREATE TABLE es_columns(object INTEGER NOT NULL, id INTEGER NOT NULL, name TEXT NOT NULL,"
    " type INTEGER NOT NULL, nullable INTEGER NOT NULL, identity INTEGER NOT NULL,"
    " seed INTEGER NOT NULL, increment INTEGER NOT NULL, rowguid INTEGER NOT NULL,"
    " computed TEXT, persisted INTEGER NOT NULL, default_id INTEGER NOT NULL, collation TEXT,"
    " PRIMARY KEY(object, id)) WITHOUT ROWID;"
    "CREATE TABLE es_indexes(object INTEGER NOT NULL, id INTEGER NOT NULL, name TEXT NOT NULL,"
    " kind INTEGER NOT NULL, clustered INTEGER NOT NULL, constraint_id INTEGER NOT NULL,"
    " filter TEXT, PRIMARY KEY(object, id)) WITHOUT ROWID;"
    "CREATE TABLE es_index_columns(object INTEGER NOT NULL, index_id INTEGER NOT NULL,"
    " place INTEGER NOT NULL, column_id INTEGER NOT NULL, descending INTEGER NOT NULL,"
    " included INTEGER NOT NULL, PRIMARY KEY(object, index_id, place)) WITHOUT ROWID;"
    "CREATE TABLE es_foreign_keys(id INTEGER PRIMARY KEY, child INTEGER NOT NULL,"
    " parent INTEGER NOT NULL, on_delete INTEGER NOT NULL, on_update INTEGER NOT NULL);"
    "CREATE TABLE es_foreign_key_columns(id INTEGER NOT NULL, place INTEGER NOT NULL,"
    " child_column INTEGER NOT NULL, parent_column INTEGER NOT NULL,"
    " PRIMARY KEY(id, place)) WITHOUT ROWID;"
    "CREATE TABLE es_identity(object INTEGER PRIMARY KEY, last INTEGER);"
    "CREATE TABLE es_principals(id INTEGER PRIMARY KEY, name TEXT NOT NULL, type TEXT NOT NULL,"
    " fixed INTEGER NOT NULL, sid BLOB, default_schema TEXT, owner INTEGER NOT NULL,"
    " created INTEGER NOT NULL, modified INTEGER NOT NULL);"
    "CREATE TABLE es_members(role INTEGER NOT NULL, member INTEGER NOT NULL,"
    " PRIMARY KEY(role, member)) WITHOUT ROWID;"
    "CREATE TABLE es_permissions(class INTEGER NOT NULL, major INTEGER NOT NULL,"
    " minor INTEGER NOT NULL, grantee INTEGER NOT NULL, permission TEXT NOT NULL,"
    " grantor INTEGER NOT NULL, state TEXT NOT NULL,"
    " PRIMARY KEY(class, major, minor, grantee, permission)) WITHOUT ROWID;";

static const char later_tables[] =
    "CREATE TABLE IF NOT EXISTS es_properties(class INTEGER NOT NULL, major INTEGER NOT NULL,"
    " minor INTEGER NOT NULL, name TEXT NOT NULL, value TEXT,"
    " PRIMARY KEY(class, major, minor, name)) WITHOUT ROWID;";

/* The times are 2003-04-08 09:10:42.287 as on the real server: ticks since year 1. */
#define FIXED_TIME "631855950422870000"

static const char rows[] =
    "INSERT INTO es_meta VALUES('format', 1), ('version', 1);"
    "INSERT INTO es_schemas VALUES(1,'dbo',1),(2,'guest',2),(3,'INFORMATION_SCHEMA',3),"
    "(4,'sys',4),(16384,'db_owner',16384),(16385,'db_accessadmin',16385),"
    "(16386,'db_securityadmin',16386),(16387,'db_ddladmin',16387),"
    "(16389,'db_backupoperator',16389),(16390,'db_datareader',16390),"
    "(16391,'db_datawriter',16391),(16392,'db_denydatareader',16392),"
    "(16393,'db_denydatawriter',16393);"
    "INSERT INTO es_principals(id, name, type, fixed, sid, default_schema, owner, created, "
    "modified)"
    " SELECT column1, column2, column3, column1 >= 16384, column4, column5, 1, " FIXED_TIME
    ", " FIXED_TIME " FROM (VALUES"
    " (0,'public','R',x'01050000000000090400000083741B006749C04BA943C02702F2A762',NULL),"
    " (1,'dbo','S',x'01','dbo'), (2,'guest','S',x'00','guest'),"
    " (3,'INFORMATION_SCHEMA','S',NULL,NULL), (4,'sys','S',NULL,NULL),"
    " (16384,'db_owner','R',x'01050000000000090400000000000000000000000000000000400000',NULL),"
    " (16385,'db_accessadmin','R',x'01050000000000090400000000000000000000000000000001400000',"
    "NULL),"
    " (16386,'db_securityadmin','R',x'01050000000000090400000000000000000000000000000002400000',"
    "NULL),"
    " (16387,'db_ddladmin','R',x'01050000000000090400000000000000000000000000000003400000',NULL),"
    " (16389,'db_backupoperator','R',"
    "x'01050000000000090400000000000000000000000000000005400000',NULL),"
    " (16390,'db_datareader','R',x'01050000000000090400000000000000000000000000000006400000',"
    "NULL),"
    " (16391,'db_datawriter','R',x'01050000000000090400000000000000000000000000000007400000',"
    "NULL),"
    " (16392,'db_denydatareader','R',"
    "x'01050000000000090400000000000000000000000000000008400000',NULL),"
    " (16393,'db_denydatawriter','R',"
    "x'01050000000000090400000000000000000000000000000009400000',NULL));"
    "INSERT INTO es_members VALUES(16384, 1);"
    "INSERT INTO es_permissions VALUES(0, 0, 0, 1, 'CONNECT', 1, 'G');";

entrasql_status engine_catalog_create(sqlite3 *db, entrasql_error *err)
{
    ES_TRY(engine_db_exec(db, tables, err));
    ES_TRY(engine_catalog_complete(db, err));
    return engine_db_exec(db, rows, err);
}

entrasql_status engine_catalog_complete(sqlite3 *db, entrasql_error *err)
{
    return engine_db_exec(db, later_tables, err);
}

entrasql_status engine_catalog_read_version(sqlite3 *db, int64_t *ret, entrasql_error *err)
{
    return engine_db_int(db, err, ret, "SELECT v FROM es_meta WHERE k = 'version'", "");
}
