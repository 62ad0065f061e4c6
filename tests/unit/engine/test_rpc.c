/* SPDX-License-Identifier: MIT */
/*
 * engine: RPCs as drivers send them: sp_executesql, sp_prepare, sp_execute,
 * sp_prepexec, sp_prepexecrpc, sp_unprepare, by number and by name, named and positional.
 */
#include "engine_test.h"

#include <stdio.h>

enum {
    PROC_EXECUTESQL = 10,
    PROC_PREPARE = 11,
    PROC_EXECUTE = 12,
    PROC_PREPEXEC = 13,
    PROC_PREPEXECRPC = 14,
    PROC_UNPREPARE = 15
};

static engine_param text(const char *name, const char *s)
{
    return (engine_param){.name = name, .value = sqlvalue_nvarchar(s, strlen(s))};
}

static engine_param number(const char *name, int32_t v)
{
    return (engine_param){.name = name, .value = sqlvalue_int(v)};
}

static engine_param null_int(const char *name, bool output)
{
    return (engine_param){
        .name = name, .value = sqlvalue_null(sqltype_of(SQLTYPE_INT)), .output = output};
}

static recording *call(fixture *f, const char *name, uint16_t id, const engine_param *params,
                       size_t count)
{
    engine_rpc rpc = {.name = name, .proc_id = id, .params = params, .param_count = count};
    recording_clear(&f->last);
    engine_sink sink = recording_sink(&f->last);
    assert_int_equal(engine_session_rpc(fixture_session(f, "admin"), &rpc, &sink), ENTRASQL_OK);
    if (f->last.broken != NULL)
        fail_msg("%s\n%s", f->last.broken, recording_text(&f->last));
    return &f->last;
}

#define CALL(f, name, id, ...)                                                                     \
    call(f, name, id, (const engine_param[]){__VA_ARGS__},                                         \
         ES_COUNT_OF(((const engine_param[]){__VA_ARGS__})))

static void expect(recording *r, const char *want)
{
    if (!transcript_matches(want, recording_text(r)))
        fail_msg("wanted:\n%s\ngot:\n%s", want, recording_text(r));
}

static void executesql(void **state)
{
    fixture *f = *state;
    expect(CALL(f, NULL, PROC_EXECUTESQL, text("", "SELECT 1 AS a, 'x' AS b")),
           "columns a int, b varchar(1)\n|1|x\ncount 1\nstatus 0\n");
    expect(CALL(f, NULL, PROC_EXECUTESQL, text("@statement", "SELECT @p1 + @p2, @s"),
                text("@params", "@p1 int, @p2 int, @s nvarchar(10)"), number("@p1", 40),
                number("@p2", 2), text("@s", "жук")),
           "columns (none) int, (none) nvarchar(10)\n|42|жук\ncount 1\nstatus 0\n");
    /* The same by name and with all values unnamed, as JDBC sends it. */
    expect(CALL(f, "sp_executesql", 0, text("", "SELECT @P0 - @P1"), text("", "@P0 int, @P1 int"),
                number("", 5), number("", 3)),
           "|2\nstatus 0\n");
    expect(CALL(f, "[sys].[sp_executesql]", 0, text("", "SELECT 7")), "|7\nstatus 0\n");
    /* Without @ on the first two names, as tiberius does. */
    expect(CALL(f, NULL, PROC_EXECUTESQL, text("stmt", "SELECT @P1"), text("params", "@P1 int"),
                number("@P1", 1)),
           "|1\nstatus 0\n");
}

static void executesql_output(void **state)
{
    fixture *f = *state;
    engine_param out = null_int("@o", true);
    expect(CALL(f, NULL, PROC_EXECUTESQL, text("", "SET @o = @i * 2"),
                text("", "@i int, @o int OUTPUT"), number("@i", 21), out),
           "status 0\nvalue 3 @o 42\n");
    /* A parameter that is only read gives nothing back. */
    expect(CALL(f, NULL, PROC_EXECUTESQL, text("", "SET @i = 1"), text("", "@i int"),
                number("@i", 21)),
           "status 0\n");
}

static void executesql_several_statements(void **state)
{
    fixture *f = *state;
    fixture_ok(f, "admin", "CREATE TABLE t (id int IDENTITY, a varchar(10))");
    expect(CALL(f, NULL, PROC_EXECUTESQL,
                text("", "SET NOCOUNT ON; INSERT INTO t (a) VALUES (@p1); SELECT SCOPE_IDENTITY()"),
                text("", "@p1 nvarchar(10)"), text("@p1", "x")),
           "columns (none) numeric(38,0)\n|1\nstatus 0\n");
    /* SET NOCOUNT inside ends with the call. */
    expect(CALL(f, NULL, PROC_EXECUTESQL,
                text("", "INSERT INTO t (a) VALUES (@p1) SELECT @@ROWCOUNT"),
                text("", "@p1 nvarchar(10)"), text("@p1", "y")),
           "count 1\n|1\ncount 1\nstatus 0\n");
    /* It has a scope of its own: SCOPE_IDENTITY() outside does not see its rows, @@IDENTITY does.
     */
    fixture_expect(f, "admin", "SELECT SCOPE_IDENTITY(), @@IDENTITY", "|NULL|2\n");
}

static void executesql_errors(void **state)
{
    fixture *f = *state;
    recording *r = CALL(f, NULL, PROC_EXECUTESQL, text("", "SELECT @p1"), text("", "@p1 int"));
    expect(r, "error 8178 16 1 ? The parameterized query '(@p1 int)SELECT @p1' expects the "
              "parameter '@p1', which was not supplied.\n...\n");
    r = CALL(f, NULL, PROC_EXECUTESQL, text("", "SELECT * FROM nope"));
    expect(r, "error 208 16 1 1 Invalid object name 'nope'.\n...\n");
    assert_int_equal(r->errors, 1);
    r = CALL(f, NULL, PROC_EXECUTESQL, text("", "SELECT\n 1 +"));
    assert_int_equal(r->first_error, 102);
    r = CALL(f, NULL, PROC_EXECUTESQL, text("", "SELECT @p1"), text("", "@p1 int"),
             text("@p1", "abc"));
    assert_int_equal(r->first_error, 8114);
    /* The session goes on. */
    expect(CALL(f, NULL, PROC_EXECUTESQL, text("", "SELECT 1")), "|1\nstatus 0\n");
}

static void parameters_of_all_kinds(void **state)
{
    fixture *f = *state;
    fixture_ok(f, "admin",
               "CREATE TABLE t (a int, b varchar(10), c decimal(10,2), d datetime2(3))");
    engine_param null = {.name = "@b",
                         .value = sqlvalue_null(sqltype_string(SQLTYPE_NVARCHAR, 10))};
    sqlvalue money = {.type = sqltype_decimal(12, 2), .u.dec = {.magnitude = 1250}};
    expect(CALL(f, NULL, PROC_EXECUTESQL,
                text("", "INSERT INTO t VALUES (@a, @b, @c, @d); SELECT * FROM t"),
                text("", "@a int,@b nvarchar(10),@c decimal(12,2),@d nvarchar(40)"),
                number("@a", 1), null, {.name = "@c", .value = money},
                text("@d", "2024-02-29 10:11:12.123")),
           "columns a int, b varchar(10), c decimal(10,2), d datetime2(3)\n"
           "|1|NULL|12.50|2024-02-29 10:11:12.123\nstatus 0\n");
    /* NULL in a comparison finds nothing. */
    expect(CALL(f, NULL, PROC_EXECUTESQL, text("", "SELECT a FROM t WHERE b = @b"),
                text("", "@b nvarchar(10)"), null),
           "columns a int\nstatus 0\n");
}

static void prepare_execute_unprepare(void **state)
{
    fixture *f = *state;
    fixture_ok(f, "admin",
               "CREATE TABLE t (id int, name varchar(10)) INSERT INTO t VALUES (1, 'Ada')");
    recording *r = CALL(f, NULL, PROC_PREPARE, null_int("", true), text("", "@p1 int"),
                        text("", "SELECT name FROM t WHERE id = @p1"), number("", 1));
    assert_int_equal(r->errors, 0);
    int32_t handle = r->out_value;
    assert_true(handle != 0);
    assert_int_equal(r->rows, 0);
    expect(CALL(f, NULL, PROC_EXECUTE, number("", handle), number("", 1)),
           "columns name varchar(10)\n|Ada\ncount 1\nstatus 0\n");
    expect(CALL(f, NULL, PROC_EXECUTE, number("@handle", handle), number("@p1", 9)),
           "columns name varchar(10)\ncount 0\nstatus 0\n");
    expect(CALL(f, NULL, PROC_UNPREPARE, number("", handle)), "status 0\n");
    r = CALL(f, NULL, PROC_EXECUTE, number("", handle), number("", 1));
    assert_int_equal(r->first_error, 8179);
}

/* A client that asks for the columns gets them before it executes; nothing has run. */
static recording *shape(fixture *f, const char *params, const char *statement)
{
    return CALL(f, NULL, PROC_PREPARE, null_int("", true), text("", params), text("", statement),
                number("", 1));
}

static void prepare_tells_columns(void **state)
{
    fixture *f = *state;
    fixture_ok(f, "admin",
               "CREATE TABLE t (id int, name varchar(10), note text) INSERT INTO t VALUES "
               "(1, 'Ada', 'n')");
    fixture_ok(f, "admin", "CREATE VIEW v AS SELECT note, id FROM t");
    fixture_ok(f, "admin", "CREATE PROCEDURE p AS SELECT 1 AS a");
    recording *r = shape(f, "@p1 int, @p2 nvarchar(5)",
                         "SELECT id + @p1 AS a, name, @p2 AS b FROM t WHERE id = @p1");
    expect(r, "columns a int, name varchar(10), b nvarchar(5)\nstatus 0\n...\n");
    assert_int_equal(r->dones, 1);
    expect(CALL(f, NULL, PROC_EXECUTE, number("", r->out_value), number("", 1), text("", "x")),
           "columns a int, name varchar(10), b nvarchar(5)\n|2|Ada|x\ncount 1\nstatus 0\n");
    expect(shape(f, "", "UPDATE t SET id = 2 OUTPUT inserted.id, deleted.name"),
           "columns id int, name varchar(10)\nstatus 0\n...\n");
    expect(shape(f, "", "INSERT INTO t (id) OUTPUT inserted.id VALUES (9)"),
           "columns id int\nstatus 0\n...\n");
    expect(shape(f, "", "DELETE t OUTPUT deleted.name"),
           "columns name varchar(10)\nstatus 0\n...\n");
    expect(shape(f, "",
                 "MERGE t USING (SELECT 1 AS x) s ON t.id = s.x WHEN MATCHED THEN DELETE "
                 "OUTPUT deleted.id;"),
           "columns id int\nstatus 0\n...\n");
    /* text has its table's name with it, behind a view and of a temporary table too. */
    expect(shape(f, "", "SELECT note, id FROM v"),
           "columns note text of persons.dbo.t, id int\nstatus 0\n...\n");
    fixture_ok(f, "admin", "CREATE TABLE #n (b ntext, c image)");
    expect(shape(f, "", "SELECT b, c, CAST('x' AS text) AS d FROM #n"),
           "columns b ntext of tempdb.dbo.#n, c image of tempdb.dbo.#n, d text\n"
           "status 0\n...\n");
    expect(fixture_run(f, "admin", "SELECT id, name FROM t"), "|1|Ada\ncount 1\n");
}

static void prepare_tells_no_columns(void **state)
{
    static const char *const statements[] = {
        "SELECT 1 AS a SELECT 2 AS b", /* several statements */
        "UPDATE t SET id = 2",         "DECLARE @a int",         "SELECT id INTO u FROM t",
        "SELECT a FROM nosuch",        "CREATE TABLE w (a int)", "EXEC p",
    };
    fixture *f = *state;
    fixture_ok(f, "admin", "CREATE TABLE t (id int) INSERT INTO t VALUES (1)");
    fixture_ok(f, "admin", "CREATE PROCEDURE p AS SELECT 1 AS a");
    for (size_t i = 0; i < ES_COUNT_OF(statements); i++) {
        recording *told = shape(f, "", statements[i]);
        expect(told, "status 0\n...\n");
        assert_int_equal(told->result_sets, 0);
        assert_int_equal(told->dones, 0);
    }
    assert_int_equal(shape(f, "@v int", "SELECT @v = id FROM t")->result_sets, 0);
    /* Nobody asked. */
    recording *r =
        CALL(f, NULL, PROC_PREPARE, null_int("", true), text("", ""), text("", "SELECT 1"));
    assert_int_equal(r->result_sets, 0);
    expect(fixture_run(f, "admin", "SELECT id, OBJECT_ID('u'), OBJECT_ID('w'), @@TRANCOUNT FROM t"),
           "|1|NULL|NULL|0\ncount 1\n");
}

static void prepexec(void **state)
{
    fixture *f = *state;
    recording *r = CALL(f, NULL, PROC_PREPEXEC, null_int("", true), text("", "@P1 int"),
                        text("", "SELECT @P1 + 1"), number("", 4));
    expect(r, "columns (none) int\n|5\ncount 1\nstatus 0\n...\n");
    int32_t first = r->out_value;
    assert_true(first != 0);
    /* The old handle goes with the call when one is given. */
    engine_param again = number("", first);
    again.output = true;
    r = CALL(f, NULL, PROC_PREPEXEC, again, text("", "@P1 int"), text("", "SELECT @P1 + 2"),
             number("", 4));
    assert_int_equal(r->errors, 0);
    assert_string_equal(r->first_value, "6");
    int32_t second = r->out_value;
    expect(CALL(f, NULL, PROC_EXECUTE, number("", second), number("", 10)), "|12\nstatus 0\n");
    if (second != first)
        assert_int_equal(CALL(f, NULL, PROC_EXECUTE, number("", first), number("", 1))->first_error,
                         8179);
}

static void prepexecrpc(void **state)
{
    fixture *f = *state;
    fixture_ok(f, "admin",
               "CREATE PROCEDURE p @a int, @b int, @o int OUTPUT AS SET @o = @a - @b RETURN 7");
    recording *r = CALL(f, NULL, PROC_PREPEXECRPC, null_int("", true), text("", "dbo.p"),
                        number("", 9), number("", 4), null_int("", true));
    expect(r, "status 7\nvalue 0 (none) 2\nvalue 4 (none) 5\n");
    int32_t first = r->out_value;
    assert_true(first != 0);
    expect(CALL(f, NULL, PROC_EXECUTE, number("", first), number("", 30), number("", 4),
                null_int("", true)),
           "status 7\nvalue 3 (none) 26\n");
    /* The values' names hold for the handle; an old one goes with the call. */
    engine_param again = number("", first);
    again.output = true;
    r = CALL(f, NULL, PROC_PREPEXECRPC, again, text("", "p"), null_int("@o", true), number("@b", 1),
             number("@a", 2));
    int32_t second = r->out_value;
    expect(CALL(f, NULL, PROC_EXECUTE, number("", second), null_int("", true), number("", 1),
                number("", 20)),
           "status 7\nvalue 1 (none) 19\n");
    assert_int_equal(CALL(f, NULL, PROC_EXECUTE, number("", first))->first_error, 8179);
    r = CALL(f, NULL, PROC_EXECUTE, number("", second), null_int("", true));
    assert_int_equal(r->first_error, 201);
    (void)CALL(f, NULL, PROC_UNPREPARE, number("", second));
    r = CALL(f, NULL, PROC_EXECUTE, number("", second), null_int("", true), number("", 1),
             number("", 20));
    assert_int_equal(r->first_error, 8179);
    /* Nothing is kept of a call that was not made. */
    for (int i = 0; i < 5000; i++)
        r = CALL(f, NULL, PROC_PREPEXECRPC, null_int("", true), text("", "nope"));
    assert_int_equal(r->first_error, 2812);
}

static void bad_handles(void **state)
{
    fixture *f = *state;
    expect(CALL(f, NULL, PROC_EXECUTE, number("", 12345)),
           "error 8179 16 ? ? Could not find prepared statement with handle 12345.\n...\n");
    /* An unknown handle of sp_unprepare must not end anything. */
    (void)CALL(f, NULL, PROC_UNPREPARE, number("", 12345));
    expect(CALL(f, NULL, PROC_EXECUTESQL, text("", "SELECT 1")), "|1\nstatus 0\n");
    /* A missing parameter of a prepared statement. */
    recording *r = CALL(f, NULL, PROC_PREPEXEC, null_int("", true), text("", "@P1 int"),
                        text("", "SELECT @P1"), number("", 4));
    int32_t handle = r->out_value;
    assert_int_equal(CALL(f, NULL, PROC_EXECUTE, number("", handle))->first_error, 8178);
}

static void unknown_procedure(void **state)
{
    fixture *f = *state;
    recording *r = CALL(f, "nosuch", 0, number("", 1));
    expect(r, "error 2812 16 62 ? Could not find stored procedure 'nosuch'.\n...\n");
    r = CALL(f, NULL, 99, number("", 1));
    assert_true(r->errors > 0);
}

static void changes_survive_between_calls(void **state)
{
    fixture *f = *state;
    fixture_ok(f, "admin", "CREATE TABLE t (id int)");
    for (int i = 0; i < 20; i++)
        assert_int_equal(CALL(f, NULL, PROC_EXECUTESQL, text("", "INSERT INTO t VALUES (@p)"),
                              text("", "@p int"), number("@p", i))
                             ->errors,
                         0);
    assert_string_equal(fixture_value(f, "admin", "SELECT SUM(id) FROM t"), "190");
}

static void prepared_sees_a_new_table(void **state)
{
    fixture *f = *state;
    fixture_ok(f, "admin", "CREATE TABLE t (a int) INSERT INTO t VALUES (1)");
    int32_t handle =
        CALL(f, NULL, PROC_PREPEXEC, null_int("", true), text("", ""), text("", "SELECT * FROM t"))
            ->out_value;
    fixture_ok(f, "admin", "DROP TABLE t CREATE TABLE t (b varchar(5)) INSERT INTO t VALUES ('x')");
    expect(CALL(f, NULL, PROC_EXECUTE, number("", handle)),
           "columns b varchar(5)\n|x\ncount 1\nstatus 0\n");
}

static void many_handles(void **state)
{
    fixture *f = *state;
    int32_t last = 0;
    for (int i = 0; i < 300; i++) {
        last = CALL(f, NULL, PROC_PREPARE, null_int("", true), text("", "@p int"),
                    text("", "SELECT @p"))
                   ->out_value;
        assert_true(last != 0);
    }
    expect(CALL(f, NULL, PROC_EXECUTE, number("", last), number("", 3)), "|3\nstatus 0\n");
}

static void reset_by_name(void **state)
{
    fixture *f = *state;
    fixture_ok(f, "admin", "CREATE TABLE #left (a int) SET LOCK_TIMEOUT 5 BEGIN TRAN");
    engine_rpc rpc = {.name = "sp_reset_connection"};
    recording_clear(&f->last);
    engine_sink sink = recording_sink(&f->last);
    assert_int_equal(engine_session_rpc(fixture_session(f, "admin"), &rpc, &sink), ENTRASQL_OK);
    expect(
        fixture_run(f, "admin", "SELECT @@TRANCOUNT, @@LOCK_TIMEOUT, OBJECT_ID('tempdb..#left')"),
        "|0|-1|NULL\ncount 1\n");
    /* In a text it is no procedure that anybody may call. */
    fixture_fails(f, "admin", "EXEC sp_reset_connection", 2812);
}

typedef struct loaded {
    const sqlvalue (*rows)[2];
    size_t count;
    size_t at;
} loaded;

static entrasql_status next_loaded(void *ctx, const sqlvalue **ret, size_t *ret_count)
{
    loaded *l = ctx;
    *ret = l->at < l->count ? l->rows[l->at++] : NULL;
    *ret_count = 2;
    return ENTRASQL_OK;
}

static recording *bulk(fixture *f, const sqlvalue (*rows)[2], size_t count)
{
    loaded l = {.rows = rows, .count = count};
    const engine_bulk from = {.ctx = &l, .next = next_loaded};
    recording_clear(&f->last);
    engine_sink sink = recording_sink(&f->last);
    assert_int_equal(engine_session_bulk(fixture_session(f, "admin"), &from, &sink), ENTRASQL_OK);
    return &f->last;
}

static void bulk_load(void **state)
{
    fixture *f = *state;
    const sqlvalue null = sqlvalue_null(sqltype_of(SQLTYPE_INT));
    const sqlvalue rows[][2] = {{sqlvalue_int(5), sqlvalue_int(50)}, {sqlvalue_int(6), null}};
    const char *all = "SELECT id, a FROM t ORDER BY id";

    fixture_ok(f, "admin", "CREATE TABLE t (id int IDENTITY PRIMARY KEY, a int DEFAULT 9)");
    fixture_ok(f, "admin", "INSERT BULK t (id int, a int)");
    expect(bulk(f, rows, 2), "count 2\n");
    /* NULL becomes the default, and identity values are taken as they come. */
    expect(fixture_run(f, "admin", all), "|5|50\n|6|9\ncount 2\n");
    /* One INSERT BULK, one load. */
    expect(bulk(f, rows, 2), "error 4804 16 1 1 Rows of a bulk load came without an INSERT "
                             "BULK statement before them.\n");
    fixture_ok(f, "admin",
               "DELETE FROM t INSERT BULK dbo.t ([id] int, [a] int) "
               "WITH (KEEP_NULLS, TABLOCK)");
    expect(bulk(f, rows, 2), "count 2\n");
    expect(fixture_run(f, "admin", all), "|5|50\n|6|NULL\ncount 2\n");
    /* All rows or none. */
    fixture_ok(f, "admin", "DELETE FROM t WHERE id = 5 INSERT BULK t (id int, a int)");
    assert_non_null(
        strstr(recording_text(bulk(f, rows, 2)), "error 2627 14 1 1 Violation of PRIMARY"));
    expect(fixture_run(f, "admin", all), "|6|NULL\ncount 1\n");
    fixture_fails(f, "admin", "INSERT BULK nosuch (a int)", 208);
    fixture_fails(f, "admin", "INSERT BULK t (nosuch int)", 207);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(executesql),
        TEST(executesql_output),
        TEST(executesql_several_statements),
        TEST(executesql_errors),
        TEST(parameters_of_all_kinds),
        TEST(prepare_execute_unprepare),
        TEST(prepare_tells_columns),
        TEST(prepare_tells_no_columns),
        TEST(prepexec),
        TEST(prepexecrpc),
        TEST(bad_handles),
        TEST(unknown_procedure),
        TEST(changes_survive_between_calls),
        TEST(prepared_sees_a_new_table),
        TEST(many_handles),
        TEST(reset_by_name),
        TEST(bulk_load),
    };
    return cmocka_run_group_tests_name("engine rpc", tests, NULL, NULL);
}
