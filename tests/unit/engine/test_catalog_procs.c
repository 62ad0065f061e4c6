/* SPDX-License-Identifier: MIT */
/*
 * engine: catalog views and catalog procedures on a catalog that is made by
 * hand: what they answer, that every view can be read, and who sees what.
 */
#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "engine/describe.h"
#include "engine/output.h"
#include "engine/procs_catalog.h"
#include "engine/views_sys.h"
#include "sqltype/convert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CREATED INT64_C(638000000000000000)

/* ---- the catalog: Persons and Orders, a procedure ---- */

typedef struct fixture {
    sqlite3 *db;
    engine_server server;
    engine_database database;
    engine_session session;
    es_buf text; /* what was sent */
} fixture;

static void must(entrasql_status status)
{
    assert_int_equal(status, ENTRASQL_OK);
}

static char *copy(const char *s)
{
    char *c = es_strdup(s);
    assert_non_null(c);
    return c;
}

static void add_object(sqlite3 *db, int32_t id, int32_t parent, engine_object_type type,
                       const char *name, const char *definition)
{
    char *own_name = copy(name);
    char *own_definition = definition != NULL ? copy(definition) : NULL;
    engine_object o = {.id = id,
                       .schema = ENGINE_SCHEMA_DBO,
                       .parent = parent,
                       .type = type,
                       .name = own_name,
                       .definition = own_definition,
                       .created = CREATED,
                       .modified = CREATED};
    must(engine_catalog_add_object(db, &o, NULL));
    es_free(own_name);
    es_free(own_definition);
}

static void add_column(sqlite3 *db, int32_t object, int32_t id, const char *name, sqltype type,
                       bool nullable, bool identity)
{
    char *own_name = copy(name);
    engine_table_column c = {.id = id,
                             .name = own_name,
                             .type = type,
                             .nullable = nullable,
                             .identity = identity,
                             .seed = 1,
                             .increment = 1};
    must(engine_catalog_add_column(db, object, &c, NULL));
    es_free(own_name);
}

static void fill_catalog(sqlite3 *db)
{
    const sqltype int_type = {.id = SQLTYPE_INT};
    must(engine_catalog_create(db, NULL));
    add_object(db, 100, 0, ENGINE_OBJECT_TABLE, "Persons", NULL);
    add_column(db, 100, 1, "ID", int_type, false, true);
    add_column(db, 100, 2, "Name", (sqltype){.id = SQLTYPE_NVARCHAR, .length = 50}, true, false);
    add_column(db, 100, 3, "Big", (sqltype){.id = SQLTYPE_VARCHAR, .length = SQLTYPE_MAX}, true,
               false);
    add_column(db, 100, 4, "Price", (sqltype){.id = SQLTYPE_DECIMAL, .precision = 10, .scale = 2},
               true, false);
    add_column(db, 100, 5, "At", (sqltype){.id = SQLTYPE_DATETIME2, .scale = 7}, true, false);
    add_column(db, 100, 6, "Version", (sqltype){.id = SQLTYPE_ROWVERSION}, false, false);
    add_object(db, 101, 100, ENGINE_OBJECT_PRIMARY, "PK_Persons", NULL);
    add_object(db, 200, 0, ENGINE_OBJECT_TABLE, "Orders", NULL);
    add_column(db, 200, 1, "ID", int_type, false, false);
    add_column(db, 200, 2, "Person", int_type, true, false);
    add_object(db, 201, 200, ENGINE_OBJECT_FOREIGN_KEY, "FK_Person", NULL);
    add_object(db, 300, 0, ENGINE_OBJECT_PROCEDURE, "p1",
               "CREATE PROC p1 @a int, @b nvarchar(10) OUTPUT AS SELECT 1");
    char *name = copy("PK_Persons");
    engine_index_column key = {.column = 1};
    engine_index index = {.id = 1,
                          .name = name,
                          .kind = ENGINE_INDEX_PRIMARY,
                          .clustered = true,
                          .constraint = 101,
                          .columns = &key,
                          .column_count = 1};
    must(engine_catalog_add_index(db, 100, &index, NULL));
    es_free(name);
    int32_t child = 2;
    int32_t parent = 1;
    engine_foreign_key fk = {.id = 201,
                             .child = 200,
                             .parent = 100,
                             .on_delete = ENGINE_ACTION_CASCADE,
                             .child_columns = &child,
                             .parent_columns = &parent,
                             .column_count = 1};
    must(engine_catalog_add_foreign_key(db, &fk, NULL));
    /* Of the tables themselves only the number of rows is asked. */
    must(engine_db_exec(db, "CREATE TABLE t100 (c1); CREATE TABLE t200 (c1)", NULL));
}

static int setup(void **state)
{
    fixture *f = es_calloc(1, sizeof *f);
    assert_non_null(f);
    es_buf_init(&f->text, 1 << 22);
    assert_int_equal(sqlite3_open(":memory:", &f->db), SQLITE_OK);
    assert_int_equal(engine_store_register(f->db), SQLITE_OK);
    fill_catalog(f->db);
    f->database = (engine_database){.name = copy("mydb"), .id = 5, .created = CREATED};
    f->server.databases = &f->database;
    pthread_mutex_init(&f->server.lock, NULL);
    engine_session *s = &f->session;
    s->server = &f->server;
    s->database = &f->database;
    s->db = f->db;
    s->spid = 51;
    s->who.login_name = copy("ada@example.com");
    s->who.user = ENGINE_DBO;
    s->who.is_dbo = true;
    engine_settings_reset(&s->set);
    must(engine_catalog_load(f->db, &s->catalog, NULL));
    assert_int_equal(engine_views_register(s), SQLITE_OK);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    sqlite3_close(f->db);
    engine_catalog_unref(f->session.catalog);
    pthread_mutex_destroy(&f->server.lock);
    es_free(f->session.who.login_name);
    es_free(f->database.name);
    es_buf_done(&f->text);
    es_free(f);
    return 0;
}

/* ---- writing results down ---- */

static entrasql_status on_columns(void *ctx, const engine_column *columns, size_t count)
{
    es_buf *b = ctx;
    for (size_t i = 0; i < count; i++) {
        char type[64];
        sqltype_format(columns[i].type, type, sizeof type);
        ES_TRY(es_buf_printf(b, "%s %s%s%s", columns[i].name, type, columns[i].nullable ? "?" : "",
                             i + 1 == count ? "\n" : ", "));
    }
    return ENTRASQL_OK;
}

static entrasql_status on_row(void *ctx, const sqlvalue *values, size_t count)
{
    es_buf *b = ctx;
    for (size_t i = 0; i < count; i++) {
        if (values[i].is_null)
            ES_TRY(es_buf_add_str(b, "-"));
        else
            ES_TRY(sqlvalue_print(&values[i], b));
        ES_TRY(es_buf_add_str(b, i + 1 == count ? "\n" : "|"));
    }
    return ENTRASQL_OK;
}

static entrasql_status on_done(void *ctx, engine_command command, bool has_count, uint64_t rows,
                               bool failed, bool more)
{
    (void)command;
    (void)failed;
    (void)more;
    return has_count ? es_buf_printf(ctx, "%u rows\n", (unsigned)rows) : ENTRASQL_OK;
}

/*
 * Runs a procedure; arguments are separated by blanks, "@n=v" by name, "-" is
 * NULL. With columns: also the line that names them.
 */
static const char *run(fixture *f, const char *name, const char *arguments, bool with_columns)
{
    engine_param params[8] = {0};
    size_t count = 0;
    char *list = copy(arguments);
    char *rest = list;
    for (char *word; (word = strsep(&rest, " ")) != NULL && *arguments != '\0';) {
        char *value = word[0] == '@' ? strchr(word, '=') : NULL;
        engine_param *p = &params[count++];
        p->name = value != NULL ? word : "";
        if (value != NULL)
            *value++ = '\0';
        else
            value = word;
        p->value = sqlvalue_nvarchar(value, strlen(value));
        p->value.is_null = strcmp(value, "-") == 0;
    }
    const engine_sink sink = {
        .ctx = &f->text, .columns = on_columns, .row = on_row, .done = on_done};
    entrasql_error err = {0};
    int32_t status = -1;
    es_buf_clear(&f->text);
    engine_output_begin(&f->session, &sink, false);
    if (engine_catalog_procedure_run(&f->session, name, params, count, &status, &err) !=
        ENTRASQL_OK)
        must(es_buf_printf(&f->text, "error %u %s\n", err.number, err.message));
    else
        assert_int_equal(status, 0);
    must(engine_output_end(&f->session));
    es_free(list);
    const char *text = es_buf_cstr(&f->text);
    assert_non_null(text);
    if (with_columns || es_starts_with(text, "error"))
        return text;
    return strchr(text, '\n') + 1;
}

/* ---- tests ---- */

static void test_datatype_info(void **state)
{
    fixture *f = *state;
    assert_string_equal(
        run(f, "sp_datatype_info_100", "12 3", true),
        "TYPE_NAME nvarchar(128), DATA_TYPE smallint, PRECISION int?, LITERAL_PREFIX varchar(32)?, "
        "LITERAL_SUFFIX varchar(32)?, CREATE_PARAMS varchar(32)?, NULLABLE smallint, "
        "CASE_SENSITIVE smallint, SEARCHABLE smallint, UNSIGNED_ATTRIBUTE smallint?, MONEY "
        "smallint, AUTO_INCREMENT smallint?, LOCAL_TYPE_NAME nvarchar(128)?, MINIMUM_SCALE "
        "smallint?, MAXIMUM_SCALE smallint?, SQL_DATA_TYPE smallint, SQL_DATETIME_SUB smallint?, "
        "NUM_PREC_RADIX int?, INTERVAL_PRECISION smallint?, USERTYPE smallint?\n"
        "varchar|12|8000|'|'|max length|1|0|3|-|0|-|varchar|-|-|12|-|-|-|2\n"
        "1 rows\n");
    assert_string_equal(run(f, "sp_datatype_info_100", "93 @ODBCVer=4", false),
                        "datetime2|93|27|'|'|scale|1|0|3|-|0|-|datetime2|0|7|9|3|-|-|0\n"
                        "datetime|93|23|'|'|-|1|0|3|-|0|-|datetime|3|3|9|3|-|-|12\n"
                        "smalldatetime|93|16|'|'|-|1|0|3|-|0|-|smalldatetime|0|0|9|3|-|-|22\n"
                        "3 rows\n");
    assert_non_null(strstr(run(f, "SP_DATATYPE_INFO", "", false), "\n37 rows\n"));
    assert_non_null(strstr(run(f, "sp_datatype_info", "93", false), "datetime|11|23|"));
}

static void test_tables(void **state)
{
    fixture *f = *state;
    assert_string_equal(run(f, "sp_tables", "- dbo - - @fUsePattern=1", false),
                        "mydb|dbo|Orders|TABLE|-\nmydb|dbo|Persons|TABLE|-\n2 rows\n");
    assert_string_equal(run(f, "sp_tables", "p[a-f]% - - '''TABLE'''", false),
                        "mydb|dbo|Persons|TABLE|-\n1 rows\n");
    assert_string_equal(run(f, "sp_tables", "PROC% - - 'VIEW'", false),
                        "mydb|sys|procedures|VIEW|-\n1 rows\n");
    assert_string_equal(run(f, "sp_tables", "P% @fUsePattern=0", false), "0 rows\n");
    assert_string_equal(run(f, "sp_tables", "Persons - other", false), "0 rows\n");
    assert_string_equal(run(f, "sp_tables", "@table_name= @table_owner= @table_qualifier=%", false),
                        "mydb|-|-|-|-\n1 rows\n");
    assert_string_equal(
        run(f, "sp_tables", "@table_name= @table_owner= @table_qualifier= @table_type=%", false),
        "-|-|-|SYSTEM TABLE|-\n-|-|-|TABLE|-\n-|-|-|VIEW|-\n3 rows\n");
}

static void test_columns(void **state)
{
    fixture *f = *state;
    assert_string_equal(
        run(f, "sp_columns_100", "Persons % - - @ODBCVer=3 @fUsePattern=1", false),
        "mydb|dbo|Persons|ID|4|int identity|10|4|0|10|0|-|-|4|-|-|1|NO|0|0|0|1|-|-|-|-|-|-|56\n"
        "mydb|dbo|Persons|Name|-9|nvarchar|50|100|-|-|1|-|-|-9|-|100|2|YES|0|0|0|0|-|-|-|-|-|-|39\n"
        "mydb|dbo|Persons|Big|12|varchar|0|0|-|-|1|-|-|12|-|0|3|YES|0|0|0|0|-|-|-|-|-|-|39\n"
        "mydb|dbo|Persons|Price|3|decimal|10|12|2|10|1|-|-|3|-|-|4|YES|0|0|0|0|-|-|-|-|-|-|106\n"
        "mydb|dbo|Persons|At|93|datetime2|27|16|7|-|1|-|-|9|3|-|5|YES|0|0|0|0|-|-|-|-|-|-|0\n"
        "mydb|dbo|Persons|Version|-2|timestamp|8|8|-|-|0|-|-|-2|-|8|6|NO|0|0|0|0|-|-|-|-|-|-|45\n"
        "6 rows\n");
    /* JDBC: name, owner, qualifier, column, @NameScope, @ODBCVer by position */
    assert_non_null(strstr(run(f, "sp_columns_100", "Persons % mydb At 2 3", false), "|At|93|"));
    assert_non_null(strstr(run(f, "sp_columns_100", "Persons % mydb At 2 3", false), "\n1 rows"));
    assert_non_null(strstr(run(f, "sp_columns", "Persons - - At 2", false), "|At|11|"));
    assert_non_null(strstr(run(f, "sp_columns", "@table_name=Persons @ODBCVer=3", false),
                           "|Big|12|varchar|2147483647|2147483647|"));
    assert_string_equal(run(f, "sp_columns", "", false),
                        "error 201 Procedure or function 'sp_columns' expects parameter "
                        "'@table_name', which was not supplied.\n");
}

static void test_keys(void **state)
{
    fixture *f = *state;
    assert_string_equal(run(f, "sp_pkeys", "persons - -", false),
                        "mydb|dbo|Persons|ID|1|PK_Persons\n1 rows\n");
    assert_string_equal(run(f, "sp_pkeys", "orders", false), "0 rows\n");
    assert_string_equal(run(f, "sp_fkeys", "Persons - - - - -", false),
                        "mydb|dbo|Persons|ID|mydb|dbo|Orders|Person|1|1|0|FK_Person|PK_Persons|7\n"
                        "1 rows\n");
    assert_string_equal(run(f, "sp_fkeys", "@fktable_name=Persons", false), "0 rows\n");
    assert_string_equal(run(f, "sp_statistics_100", "Persons - - % N Q", false),
                        "mydb|dbo|Persons|-|-|-|0|-|-|-|-|-|-\n"
                        "mydb|dbo|Persons|0|Persons|PK_Persons|1|1|ID|A|-|-|-\n"
                        "2 rows\n");
    assert_string_equal(run(f, "sp_special_columns_100", "Persons - - R T U @ODBCVer=3", false),
                        "0|ID|4|int identity|10|4|0|1\n1 rows\n");
    assert_string_equal(run(f, "sp_special_columns", "Persons @col_type=V", false),
                        "-|Version|-2|timestamp|8|8|-|1\n1 rows\n");
    assert_string_equal(run(f, "sp_tablecollations_100", "nosuch", false), "0 rows\n");
    const char *collations = run(f, "sp_tablecollations_100", "[dbo].[Orders]", false);
    assert_non_null(strstr(collations, "1|"));
    assert_string_equal(run(f, "sp_pkeys", "a b c d", false),
                        "error 8144 Procedure or function sp_pkeys has too many arguments "
                        "specified.\n");
    assert_string_equal(run(f, "sp_pkeys", "@foo=1", false),
                        "error 8145 @foo is not a parameter for procedure sp_pkeys.\n");
}

static void test_modules(void **state)
{
    fixture *f = *state;
    assert_string_equal(run(f, "sp_stored_procedures", "", false),
                        "mydb|dbo|p1;1|-1|-1|-1|-|2\n1 rows\n");
    assert_string_equal(run(f, "sp_sproc_columns_100", "p1 % - - @ODBCVer=3 @fUsePattern=1", false),
                        "mydb|dbo|p1;1|@RETURN_VALUE|5|4|int|10|4|0|10|0|-|-|4|-|-|0|NO|56\n"
                        "mydb|dbo|p1;1|@a|1|4|int|10|4|0|10|1|-|-|4|-|-|1|YES|38\n"
                        "mydb|dbo|p1;1|@b|2|-9|nvarchar|10|20|-|-|1|-|-|-9|-|20|2|YES|39\n"
                        "3 rows\n");
}

/* "@P1 int, @P2 ?" */
static const char *describe(fixture *f, const char *sql, const char *params)
{
    engine_description d;
    must(engine_describe(&f->session, sql, params, &d, NULL));
    es_buf_clear(&f->text);
    for (size_t i = 0; i < d.count; i++) {
        char type[64] = "?";
        if (d.items[i].known)
            sqltype_format(d.items[i].type, type, sizeof type);
        must(es_buf_printf(&f->text, "%s%s %s", i == 0 ? "" : ", ", d.items[i].name, type));
    }
    engine_description_done(&d);
    return es_buf_cstr(&f->text);
}

static void test_describe(void **state)
{
    static const struct {
        const char *sql;
        const char *want;
    } rows[] = {
        {"select 1", ""},
        {"select @P1", "@P1 ?"},
        {"insert into Persons(Name, Price) values(@P1,@P2)", "@P1 nvarchar(50), @P2 decimal(10,2)"},
        {"insert into Persons values(@P1,@P2,@P3)",
         "@P1 nvarchar(50), @P2 varchar(max), @P3 decimal(10,2)"},
        {"insert into Orders(ID, Person) select @P1, @P2", "@P1 int, @P2 int"},
        {"select * from Persons where ID=@P1 and Name like @P2 and Price between @P3 and @P4",
         "@P1 int, @P2 nvarchar(4000), @P3 decimal(10,2), @P4 decimal(10,2)"},
        {"select * from dbo.Persons p where p.ID in (@a, @b) or @c > p.[At]",
         "@a int, @b int, @c datetime2(7)"},
        {"update Persons set Name=@P1, Price = Price + @P2 where ID=@P3",
         "@P1 nvarchar(50), @P2 decimal(10,2), @P3 int"},
        {"update p set Name=@P1 from Persons p join Orders o on o.Person = p.ID where o.ID = @P2",
         "@P1 nvarchar(50), @P2 int"},
        {"delete p from Persons p where p.[At] > @P1", "@P1 datetime2(7)"},
        {"select top (@P1) * from Persons order by 1 offset @P2 rows fetch next @P3 rows only",
         "@P1 bigint, @P2 bigint, @P3 bigint"},
        {"select x.a from (select ID a from Persons) x where x.a = @P1", "@P1 int"},
        {"select 1 where @P1 in (select Person from Orders)", "@P1 int"},
        {"select 1 from Persons where exists (select 1 from Orders where Person = ID and ID = @P1)",
         "@P1 int"},
        {"declare @x int = @P1; select cast(@P2 as datetime), len(@P3), @x",
         "@P1 int, @P2 datetime, @P3 nvarchar(4000)"},
        {"select case ID when @P1 then 1 end from Persons", "@P1 int"},
        {"if exists(select 1 from sys.objects where name = @P1) select 1", "@P1 nvarchar(128)"},
        {"merge Persons t using (select 1 x) s on t.ID = @P1 when matched then update set "
         "Name = @P2 when not matched then insert (Name) values (@P3);",
         "@P1 int, @P2 nvarchar(50), @P3 nvarchar(50)"},
        {"select * from nosuch where a = @P1", "@P1 ?"},
    };
    fixture *f = *state;
    for (size_t i = 0; i < ES_COUNT_OF(rows); i++)
        assert_string_equal(describe(f, rows[i].sql, NULL), rows[i].want);
    assert_string_equal(describe(f, "select @a + @b", "@a int"), "@b int");
    assert_non_null(
        strstr(run(f, "sp_describe_undeclared_parameters", "select@P1", false), "error 11505"));
    engine_description d;
    entrasql_error err;
    assert_int_equal(engine_describe(&f->session, "sele ct *", NULL, &d, &err), ENTRASQL_SQL_ERROR);
    assert_int_equal(err.number, 102);
}

/* Every view through SQLite; fill functions that forget a column end as an error. */
static void test_views(void **state)
{
    fixture *f = *state;
    const engine_view *view;
    size_t views = 0;
    for (size_t i = 0; (view = engine_view_at(i)) != NULL; i++) {
        char name[32];
        char sql[64];
        sqlite3_stmt *stmt;
        assert_ptr_equal(view->inner ? engine_view_inner(view->name)
                                     : engine_view_find(view->schema, view->name),
                         view);
        for (size_t k = 0; k < view->column_count; k++)
            assert_int_not_equal(engine_view_type(&view->columns[k]).id, SQLTYPE_UNKNOWN);
        snprintf(sql, sizeof sql, "SELECT * FROM %s",
                 engine_view_sql_name(view, name, sizeof name));
        assert_int_equal(sqlite3_prepare_v2(f->db, sql, -1, &stmt, NULL), SQLITE_OK);
        int rc;
        while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
            continue;
        if (rc != SQLITE_DONE)
            print_error("%s.%s\n", view->schema, view->name);
        assert_int_equal(rc, SQLITE_DONE);
        sqlite3_finalize(stmt);
        views++;
    }
    assert_true(views > 40);
    assert_null(engine_view_find("sys", "nosuch"));
    assert_null(engine_view_find("dbo", "objects"));
}

static int64_t count_rows(fixture *f, const char *schema, const char *view_name)
{
    char name[32];
    char sql[96];
    int64_t count = -1;
    const engine_view *view = engine_view_find(schema, view_name);
    assert_non_null(view);
    snprintf(sql, sizeof sql, "SELECT count(*) FROM %s",
             engine_view_sql_name(view, name, sizeof name));
    must(engine_db_int(f->db, NULL, &count, sql, ""));
    return count;
}

/* A user without any right sees the fixed principals, and no table. */
static void test_visibility(void **state)
{
    fixture *f = *state;
    assert_int_equal(count_rows(f, "sys", "tables"), 2);
    assert_int_equal(count_rows(f, "INFORMATION_SCHEMA", "COLUMNS"), 8);
    f->session.who.is_dbo = false;
    f->session.who.user = 99;
    assert_int_equal(count_rows(f, "sys", "tables"), 0);
    assert_int_equal(count_rows(f, "sys", "objects"), 0);
    assert_int_equal(count_rows(f, "sys", "foreign_keys"), 0);
    assert_int_equal(count_rows(f, "INFORMATION_SCHEMA", "COLUMNS"), 0);
    assert_int_equal(count_rows(f, "sys", "database_principals"), 14);
    assert_string_equal(run(f, "sp_tables", "Persons", false), "0 rows\n");
    assert_string_equal(run(f, "sp_columns", "Persons", false), "0 rows\n");
    assert_string_equal(run(f, "sp_pkeys", "Persons", false), "0 rows\n");
    assert_string_equal(run(f, "sp_fkeys", "Persons", false), "0 rows\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_datatype_info, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tables, setup, teardown),
        cmocka_unit_test_setup_teardown(test_columns, setup, teardown),
        cmocka_unit_test_setup_teardown(test_keys, setup, teardown),
        cmocka_unit_test_setup_teardown(test_modules, setup, teardown),
        cmocka_unit_test_setup_teardown(test_describe, setup, teardown),
        cmocka_unit_test_setup_teardown(test_views, setup, teardown),
        cmocka_unit_test_setup_teardown(test_visibility, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
