/* SPDX-License-Identifier: MIT */
/*
 * The shortcuts as T-SQL over the catalog views, the same for Azure SQL, SQL
 * Server (2017 and later) and the emulator.
 */
#include "base/str.h"
#include "cli/shell_inner.h"

#include <string.h>

/* N'...' */
static entrasql_status add_literal(es_buf *out, const char *s, size_t n)
{
    ES_TRY(es_buf_add_str(out, "N'"));
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '\'')
            ES_TRY(es_buf_u8(out, '\''));
        ES_TRY(es_buf_u8(out, (uint8_t)s[i]));
    }
    return es_buf_u8(out, '\'');
}

/* The pattern of LIKE: * and ? are ours, its own signs stand for themselves. */
static entrasql_status add_pattern(es_buf *out, const char *s, size_t n)
{
    ES_CLEANUP(es_buf_done) es_buf like = ES_BUF_INIT(4096);
    if (n >= 2 && s[0] == '[' && s[n - 1] == ']') {
        s++;
        n -= 2;
    }
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '*')
            ES_TRY(es_buf_u8(&like, '%'));
        else if (s[i] == '?')
            ES_TRY(es_buf_u8(&like, '_'));
        else if (s[i] == '%' || s[i] == '_' || s[i] == '[')
            ES_TRY(es_buf_printf(&like, "[%c]", s[i]));
        else
            ES_TRY(es_buf_u8(&like, (uint8_t)s[i]));
    }
    return add_literal(out, (const char *)like.data, like.len);
}

/* " AND s.name LIKE ... AND o.name LIKE ..." for [SCHEMA.]NAME. */
static entrasql_status add_match(es_buf *out, const char *pattern)
{
    const char *dot = strchr(pattern, '.');
    const char *name = dot != NULL ? dot + 1 : pattern;

    if (*pattern == '\0')
        return ENTRASQL_OK;
    if (dot != NULL) {
        ES_TRY(es_buf_add_str(out, " AND s.name LIKE "));
        ES_TRY(add_pattern(out, pattern, (size_t)(dot - pattern)));
    }
    ES_TRY(es_buf_add_str(out, " AND o.name LIKE "));
    return add_pattern(out, name, strlen(name));
}

entrasql_status cli_shell_sql_databases(es_buf *out, const char *argument)
{
    (void)argument;
    return es_buf_add_str(
        out, "SELECT name AS [Database], state_desc AS [State], collation_name AS [Collation], "
             "compatibility_level AS [Compatibility] FROM sys.databases ORDER BY name");
}

#define MODIFIED ", CAST(o.modify_date AS datetime2(0)) AS [Modified]"
#define COLUMN_COUNT                                                                               \
    ", (SELECT COUNT(*) FROM sys.columns c WHERE c.object_id = o.object_id) AS [Columns]"
#define KIND ", LOWER(REPLACE(o.type_desc, '_', ' ')) AS [Kind]"

/* Objects of these types by schema and name; `columns` stand behind those two. */
static entrasql_status add_listing(es_buf *out, const char *title, const char *columns,
                                   const char *types, const char *pattern)
{
    ES_TRY(es_buf_printf(out,
                         "SELECT s.name AS [Schema], o.name AS [%s]%s FROM sys.objects o JOIN "
                         "sys.schemas s ON s.schema_id = o.schema_id WHERE o.is_ms_shipped = 0 AND "
                         "o.type IN (%s)",
                         title, columns, types));
    ES_TRY(add_match(out, pattern));
    return es_buf_add_str(out, " ORDER BY s.name, o.name");
}

entrasql_status cli_shell_sql_tables(es_buf *out, const char *argument)
{
    return add_listing(out, "Table", COLUMN_COUNT MODIFIED, "'U'", argument);
}

entrasql_status cli_shell_sql_views(es_buf *out, const char *argument)
{
    return add_listing(out, "View", MODIFIED, "'V'", argument);
}

entrasql_status cli_shell_sql_routines(es_buf *out, const char *argument)
{
    return add_listing(out, "Name", KIND MODIFIED, "'P', 'FN', 'IF', 'TF', 'PC', 'FS', 'FT'",
                       argument);
}

entrasql_status cli_shell_sql_schemas(es_buf *out, const char *argument)
{
    (void)argument;
    return es_buf_add_str(
        out, "SELECT s.name AS [Schema], p.name AS [Owner] FROM sys.schemas s LEFT JOIN "
             "sys.database_principals p ON p.principal_id = s.principal_id WHERE s.schema_id < "
             "16384 OR s.schema_id > 16399 ORDER BY s.name");
}

/* Types of sys.database_principals: S, U, G, C, K the SQL Server kinds, E and X of Entra. */
entrasql_status cli_shell_sql_users(es_buf *out, const char *argument)
{
    (void)argument;
    return es_buf_add_str(
        out,
        "SELECT p.name AS [Name], CASE p.type WHEN 'E' THEN 'Entra user or app' WHEN 'X' THEN "
        "'Entra group' WHEN 'S' THEN 'SQL user' WHEN 'R' THEN 'role' ELSE LOWER(REPLACE("
        "p.type_desc, '_', ' ')) END AS [Kind], p.default_schema_name AS [Schema], "
        "(SELECT STRING_AGG(r.name, ', ') FROM sys.database_role_members m JOIN "
        "sys.database_principals r ON r.principal_id = m.role_principal_id WHERE "
        "m.member_principal_id = p.principal_id) AS [Member of] FROM sys.database_principals p "
        "WHERE p.is_fixed_role = 0 AND p.name NOT IN (N'guest', N'INFORMATION_SCHEMA', N'sys', "
        "N'public') ORDER BY CASE p.type WHEN 'R' THEN 1 ELSE 0 END, p.name");
}

entrasql_status cli_shell_sql_connection(es_buf *out, const char *argument)
{
    (void)argument;
    return es_buf_add_str(
        out, "SELECT @@SERVERNAME AS [Server], DB_NAME() AS [Database], USER_NAME() AS [User], "
             "SUSER_SNAME() AS [Login], @@SPID AS [Session], SERVERPROPERTY('ProductVersion') AS "
             "[Version]");
}

/* ---- \d NAME ---- */

#define TYPE_TEXT                                                                                  \
    "ty.name + CASE WHEN ty.name IN (N'nvarchar', N'nchar') THEN '(' + CASE c.max_length WHEN -1 " \
    "THEN 'max' ELSE CAST(c.max_length / 2 AS varchar(10)) END + ')' WHEN ty.name IN "             \
    "(N'varchar', N'char', N'varbinary', N'binary') THEN '(' + CASE c.max_length WHEN -1 THEN "    \
    "'max' ELSE CAST(c.max_length AS varchar(10)) END + ')' WHEN ty.name IN (N'decimal', "         \
    "N'numeric') THEN '(' + CAST(c.precision AS varchar(10)) + ',' + CAST(c.scale AS "             \
    "varchar(10)) + ')' WHEN ty.name IN (N'datetime2', N'time', N'datetimeoffset') THEN '(' + "    \
    "CAST(c.scale AS varchar(10)) + ')' ELSE '' END"

static const char object_head[] =
    "IF @o IS NULL PRINT N'There is no object of the name ' + @n + N' that you may see; \\dt lists "
    "the tables.'\n"
    "ELSE SELECT @k = LOWER(REPLACE(o.type_desc, '_', ' ')), @n = s.name + N'.' + o.name FROM "
    "sys.objects o JOIN sys.schemas s ON s.schema_id = o.schema_id WHERE o.object_id = @o\n"
    "IF @o IS NOT NULL PRINT @n + N' (' + @k + N')'\n"
    "IF @o IS NOT NULL AND NOT EXISTS (SELECT 1 FROM sys.columns c WHERE c.object_id = @o) PRINT "
    "N'\\sf ' + @n + N' shows its text.'\n";

static const char object_columns[] =
    "IF EXISTS (SELECT 1 FROM sys.columns c WHERE c.object_id = @o)\n"
    "SELECT c.name AS [Column], " TYPE_TEXT " AS [Type], CASE WHEN c.is_nullable = 1 THEN 'yes' "
    "ELSE 'no' END AS [Null], CASE WHEN c.is_identity = 1 THEN N'identity' ELSE "
    "COALESCE(d.definition, N'as ' + m.definition, N'') END AS [Default] FROM sys.columns c JOIN "
    "sys.types ty ON ty.user_type_id = c.user_type_id LEFT JOIN sys.default_constraints d ON "
    "d.object_id = c.default_object_id LEFT JOIN sys.computed_columns m ON m.object_id = "
    "c.object_id AND m.column_id = c.column_id WHERE c.object_id = @o ORDER BY c.column_id\n";

static const char object_indexes[] =
    "IF EXISTS (SELECT 1 FROM sys.indexes i WHERE i.object_id = @o AND i.name IS NOT NULL)\n"
    "SELECT i.name AS [Key or index], MAX(CASE WHEN i.is_primary_key = 1 THEN 'primary key' WHEN "
    "i.is_unique_constraint = 1 THEN 'unique' WHEN i.is_unique = 1 THEN 'unique index' ELSE "
    "'index' END) AS [Kind], STRING_AGG(c.name + CASE WHEN ic.is_descending_key = 1 THEN N' DESC' "
    "ELSE N'' END, N', ') WITHIN GROUP (ORDER BY ic.key_ordinal) AS [Columns] FROM sys.indexes i "
    "JOIN sys.index_columns ic ON ic.object_id = i.object_id AND ic.index_id = i.index_id JOIN "
    "sys.columns c ON c.object_id = ic.object_id AND c.column_id = ic.column_id WHERE i.object_id "
    "= @o AND ic.is_included_column = 0 GROUP BY i.name ORDER BY i.name\n";

static const char object_foreign_keys[] =
    "IF EXISTS (SELECT 1 FROM sys.foreign_keys f WHERE f.parent_object_id = @o OR "
    "f.referenced_object_id = @o)\n"
    "SELECT f.name AS [Foreign key], OBJECT_NAME(f.parent_object_id) + N' (' + "
    "STRING_AGG(pc.name, N', ') WITHIN GROUP (ORDER BY k.constraint_column_id) + N')' AS [From], "
    "OBJECT_NAME(f.referenced_object_id) + N' (' + STRING_AGG(rc.name, N', ') WITHIN GROUP (ORDER "
    "BY k.constraint_column_id) + N')' AS [To] FROM sys.foreign_keys f JOIN "
    "sys.foreign_key_columns k ON k.constraint_object_id = f.object_id JOIN sys.columns pc ON "
    "pc.object_id = k.parent_object_id AND pc.column_id = k.parent_column_id JOIN sys.columns rc "
    "ON rc.object_id = k.referenced_object_id AND rc.column_id = k.referenced_column_id WHERE "
    "f.parent_object_id = @o OR f.referenced_object_id = @o GROUP BY f.name, f.parent_object_id, "
    "f.referenced_object_id ORDER BY f.name\n";

static const char object_checks[] =
    "IF EXISTS (SELECT 1 FROM sys.check_constraints x WHERE x.parent_object_id = @o)\n"
    "SELECT x.name AS [Check], x.definition AS [Condition] FROM sys.check_constraints x WHERE "
    "x.parent_object_id = @o ORDER BY x.name\n";

entrasql_status cli_shell_sql_object(es_buf *out, const char *argument)
{
    if (*argument == '\0')
        return add_listing(out, "Name", KIND COLUMN_COUNT MODIFIED, "'U', 'V'", argument);
    ES_TRY(es_buf_add_str(out, "DECLARE @n nvarchar(600) = "));
    ES_TRY(add_literal(out, argument, strlen(argument)));
    ES_TRY(es_buf_add_str(out, "\nDECLARE @o int = OBJECT_ID(@n), @k nvarchar(60)\n"));
    ES_TRY(es_buf_add_str(out, object_head));
    ES_TRY(es_buf_add_str(out, object_columns));
    ES_TRY(es_buf_add_str(out, object_indexes));
    ES_TRY(es_buf_add_str(out, object_foreign_keys));
    return es_buf_add_str(out, object_checks);
}

entrasql_status cli_shell_sql_definition(es_buf *out, const char *argument)
{
    ES_TRY(es_buf_add_str(out, "DECLARE @n nvarchar(600) = "));
    ES_TRY(add_literal(out, argument, strlen(argument)));
    return es_buf_add_str(
        out, "\nDECLARE @t nvarchar(max) = (SELECT m.definition FROM sys.sql_modules m WHERE "
             "m.object_id = OBJECT_ID(@n))\n"
             "IF @t IS NULL PRINT N'There is no view, procedure or function of the name ' + @n + "
             "N' whose text you may see; \\dv and \\df list them.'\n"
             "ELSE SELECT @t AS [Definition]");
}
