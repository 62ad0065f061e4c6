/* SPDX-License-Identifier: MIT */
/*
 * engine: databases, logins, metadata, the sink's contract, interrupts, reset,
 * transaction manager requests.
 */
#include "engine_test.h"

#include <stdio.h>
#include <time.h>

static long long now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- the tests' own comparison: it has to refuse ---- */

static void transcripts(void **state)
{
    (void)state;
    assert_true(transcript_matches("|1\n", "columns a int\n|1\ncount 1\n"));
    assert_false(transcript_matches("|1\n", "|1\n|2\n"));
    assert_false(transcript_matches("|1\n|2\n", "|1\n"));
    assert_false(transcript_matches("|1\n", "|1 \n"));
    assert_false(transcript_matches("columns a int\n|1\n", "columns a bigint\n|1\n"));
    assert_false(transcript_matches("count 1\n", "|1\ncount 1\n"));
    assert_false(transcript_matches("count 1\n", "count 2\n"));
    assert_false(transcript_matches("begin\n", "begin\ncommit\n"));
    assert_true(transcript_matches("|1\n", "begin\n|1\ncommit\n"));
    assert_true(transcript_matches("nothing\n", "count 1\n"));
    assert_false(transcript_matches("nothing\n", "error 1 16 1 1 x\n"));
    assert_true(transcript_matches("error 229 14 ? ? The ...\n", "error 229 14 5 1 The end\n"));
    assert_false(transcript_matches("error 229 14 ? ? The ...\n", "error 229 16 5 1 The end\n"));
    assert_false(transcript_matches("error 229 14 5 1 The...\n", "error 229 14 5 1 An end\n"));
    assert_false(transcript_matches("error 229 14 5 1 x\n", "info 229 14 5 1 x\n"));
    assert_true(transcript_matches("|1\n...\n", "|1\nerror 1 16 1 1 x\n"));
    assert_true(transcript_matches("?? |1\n|2\n", "|2\n"));
    assert_true(transcript_matches("?? |1\n|2\n", "|1\n|2\n"));
    assert_false(transcript_matches("?? |1\n|2\n", "|3\n|2\n"));
    assert_false(transcript_matches("|2\n?? |1\n", "|2\n|3\n"));
    assert_true(transcript_matches("|2\n?? |1\n", "|2\n"));
}

/* ---- databases and logins ---- */

static void databases(void **state)
{
    fixture *f = *state;
    entrasql_error err = {0};
    assert_true(engine_database_exists(f->server, "persons"));
    assert_true(engine_database_exists(f->server, "PERSONS"));
    assert_true(engine_database_exists(f->server, "master"));
    assert_false(engine_database_exists(f->server, "other"));
    assert_int_equal(engine_create_database(f->server, "Persons", &err), ENTRASQL_OK);
    assert_int_equal(engine_create_database(f->server, "other", &err), ENTRASQL_OK);
    assert_true(engine_database_exists(f->server, "other"));
    assert_string_equal(engine_session_database(fixture_session(f, "admin")), "persons");
}

static void bad_database_names(void **state)
{
    fixture *f = *state;
    entrasql_error err = {0};
    char outside[256];
    /* No name may lead out of the data directory. */
    static const char *const names[] = {"", "../x", "a/b", "/x", "..", "."};
    for (size_t i = 0; i < ES_COUNT_OF(names); i++) {
        entrasql_status status = engine_create_database(f->server, names[i], &err);
        if (status == ENTRASQL_OK && names[i][0] == '\0')
            fail_msg("a database without a name");
        (void)snprintf(outside, sizeof outside, "%s/%s.db", f->dir, names[i]);
        if (strchr(names[i], '/') != NULL)
            assert_null(fopen(outside, "re"));
    }
}

static engine_session *login(fixture *f, const char *name)
{
    entrasql_error err = {0};
    engine_session *s = NULL;
    if (open_session(f->server, name, "persons", &s, &err) != ENTRASQL_OK)
        fail_msg("%s: %s", name, err.message);
    return s;
}

static void refused(fixture *f, const char *name, const char *database, uint32_t number,
                    uint8_t severity, const char *message)
{
    entrasql_error err = {0};
    engine_session *s = NULL;
    assert_int_equal(open_session(f->server, name, database, &s, &err), ENTRASQL_LOGIN_FAILED);
    assert_null(s);
    assert_int_equal(err.status, ENTRASQL_LOGIN_FAILED);
    assert_int_equal(err.number, number);
    assert_int_equal(err.severity, severity);
    assert_int_equal(err.state, 1);
    assert_string_equal(err.message, message);
}

static void logins_without_a_user(void **state)
{
    fixture *f = *state;
    refused(f, "ada", "persons", 18456, 14,
            "Login failed for user '<token-identified principal>'.");
    refused(f, "MigrationIdentity", "persons", 18456, 14,
            "Login failed for user '<token-identified principal>'.");
    refused(f, "grace", "persons", 18456, 14,
            "Login failed for user '<token-identified principal>'.");
    refused(f, "bob", "persons", 18456, 14, "Login failed for user 'bob'.");
    /* The built-in principals are no logins. */
    refused(f, "dbo", "persons", 18456, 14, "Login failed for user 'dbo'.");
    refused(f, "guest", "persons", 18456, 14, "Login failed for user 'guest'.");
    refused(f, "public", "persons", 18456, 14, "Login failed for user 'public'.");
    refused(f, "db_owner", "persons", 18456, 14, "Login failed for user 'db_owner'.");
}

static void unknown_database(void **state)
{
    fixture *f = *state;
    refused(f, "admin", "nosuch", 4060, 11,
            "Cannot open database \"nosuch\" requested by the login. The login failed.");
}

static void login_by_sid(void **state)
{
    fixture *f = *state;
    fixture_ok(f, "admin",
               "CREATE USER [ada@contoso.example] FROM EXTERNAL PROVIDER "
               "CREATE USER [MigrationIdentity] FROM EXTERNAL PROVIDER");
    fixture_expect(f, "ada", "SELECT USER_NAME()", "|ada@contoso.example\n");
    fixture_expect(f, "MigrationIdentity", "SELECT USER_NAME()", "|MigrationIdentity\n");
    /* An app is known by its client id only: its object id opens no door. */
    engine_login app = person_login("MigrationIdentity");
    memset(app.client_id, 0x77, sizeof app.client_id);
    engine_session_options options = {.login = &app, .database = "persons", .spid = 1};
    engine_session *s = NULL;
    entrasql_error err = {0};
    assert_int_equal(engine_session_open(f->server, &options, &s, &err), ENTRASQL_LOGIN_FAILED);
    /* A SQL login is never taken for an Entra user of that name, nor the other way round. */
    refused(f, "ada@contoso.example", "persons", 18456, 14,
            "Login failed for user 'ada@contoso.example'.");
}

static void a_renamed_person_is_still_the_same(void **state)
{
    fixture *f = *state;
    fixture_ok(f, "admin", "CREATE USER [ada@contoso.example] FROM EXTERNAL PROVIDER");
    engine_login ada = person_login("ada");
    ada.login_name = "augusta@contoso.example";
    engine_session_options options = {.login = &ada, .database = "PERSONS", .spid = 1};
    engine_session *s = NULL;
    assert_int_equal(engine_session_open(f->server, &options, &s, NULL), ENTRASQL_OK);
    recording_batch(&f->last, s, "SELECT USER_NAME() + ' ' + SUSER_SNAME()");
    assert_string_equal(f->last.first_value, "ada@contoso.example augusta@contoso.example");
    assert_string_equal(engine_session_database(s), "persons");
    engine_session_close(s);
}

static void login_through_a_group(void **state)
{
    fixture *f = *state;
    fixture_ok(f, "admin",
               "CREATE TABLE t (a int) CREATE USER [Readers] FROM EXTERNAL PROVIDER "
               "ALTER ROLE db_datareader ADD MEMBER [Readers]");
    fixture_ok(f, "grace", "SELECT a FROM t");
    fixture_fails(f, "grace", "INSERT INTO t VALUES (1)", 229);
    /* The group's roles come on top of a user's own. */
    fixture_ok(f, "admin",
               "CREATE USER [grace@contoso.example] FROM EXTERNAL PROVIDER "
               "ALTER ROLE db_datawriter ADD MEMBER [grace@contoso.example]");
    fixture_ok(f, "grace#2", "INSERT INTO t VALUES (1)");
    fixture_ok(f, "grace#2", "SELECT a FROM t");
    assert_string_equal(fixture_value(f, "grace#2", "SELECT USER_NAME()"), "grace@contoso.example");
}

static void admin_enters_as_dbo(void **state)
{
    fixture *f = *state;
    assert_string_equal(fixture_value(f, "admin", "SELECT USER_NAME()"), "dbo");
    assert_string_equal(fixture_value(f, "sqladmin", "SELECT USER_NAME()"), "dbo");
}

static void databases_are_apart(void **state)
{
    fixture *f = *state;
    entrasql_error err = {0};
    engine_session *s = NULL;
    fixture_ok(f, "admin", "CREATE TABLE t (a int)");
    assert_int_equal(engine_create_database(f->server, "other", &err), ENTRASQL_OK);
    assert_int_equal(open_session(f->server, "admin", "other", &s, &err), ENTRASQL_OK);
    recording_batch(&f->last, s, "SELECT COUNT(*) FROM sys.tables");
    assert_string_equal(f->last.first_value, "0");
    engine_session_close(s);
    assert_int_equal(open_session(f->server, "admin", NULL, &s, &err), ENTRASQL_OK);
    assert_string_equal(engine_session_database(s), "master");
    engine_session_close(s);
}

static void a_server_opened_again(void **state)
{
    fixture *f = *state;
    fixture_ok(f, "admin",
               "CREATE TABLE t (id int IDENTITY, a varchar(10)) "
               "INSERT INTO t (a) VALUES ('x'), ('y') "
               "CREATE USER [ada@contoso.example] FROM EXTERNAL PROVIDER "
               "GRANT SELECT ON t TO [ada@contoso.example]");
    fixture_close_session(f, "admin");
    engine_server_close(f->server);
    f->server = fixture_open_server(f->dir);
    assert_true(engine_database_exists(f->server, "persons"));
    fixture_expect(f, "ada", "SELECT * FROM t", "columns id int, a varchar(10)\n|1|x\n|2|y\n");
    fixture_expect(f, "admin", "INSERT INTO t (a) VALUES ('z') SELECT SCOPE_IDENTITY()", "|3\n");
}

/* ---- metadata ---- */

static void column_flags(void **state)
{
    fixture *f = *state;
    fixture_ok(f, "admin",
               "CREATE TABLE t (id int NOT NULL IDENTITY, a varchar(10) NULL, b int NOT NULL)");
    recording *r =
        fixture_run(f, "admin", "SELECT id, a, b, id + 1 AS c, 'x' AS d FROM t WHERE 1 = 0");
    assert_int_equal(r->result_sets, 1);
    assert_int_equal(r->rows, 0);
    assert_true(r->identity[0]);
    assert_false(r->nullable[0]);
    assert_true(r->nullable[1]);
    assert_false(r->identity[1]);
    assert_false(r->nullable[2]);
    assert_false(r->computed[0]);
    assert_true(r->computed[3]);
}

static void a_sink_that_stops(void **state)
{
    fixture *f = *state;
    engine_session *s = fixture_session(f, "admin");
    static const char sql[] = "SELECT a FROM (VALUES (1), (2), (3), (4)) v(a) SELECT 'never'";
    recording r;
    recording_init(&r);
    r.stop_after_rows = 2;
    engine_sink sink = recording_sink(&r);
    assert_int_equal(engine_session_batch(s, sql, strlen(sql), &sink), ENTRASQL_CLOSED);
    assert_int_equal(r.rows, 2);
    recording_done(&r);
    fixture_ok(f, "admin", "SELECT 1");
}

static void batches_that_are_no_text(void **state)
{
    fixture *f = *state;
    engine_session *s = fixture_session(f, "admin");
    engine_sink sink = recording_sink(&f->last);
    recording_clear(&f->last);
    entrasql_status status = engine_session_batch(s, "SELECT '\xff\xfe'", 11, &sink);
    assert_true(status == ENTRASQL_OK || status == ENTRASQL_MALFORMED);
    status = engine_session_batch(s, "\0\0\0", 3, &sink);
    assert_true(status == ENTRASQL_OK || status == ENTRASQL_MALFORMED);
    assert_int_equal(engine_session_batch(s, "", 0, &sink), ENTRASQL_OK);
    fixture_ok(f, "admin", "SELECT 1");
}

/* ---- interrupts ---- */

struct stopper {
    long long at_ms;
    unsigned calls;
};

static bool stop_at(void *ctx)
{
    struct stopper *s = ctx;
    s->calls++;
    return now_ms() >= s->at_ms;
}

static void interrupts(fixture *f, const char *sql)
{
    engine_session *s = fixture_session(f, "admin");
    struct stopper stopper = {.at_ms = now_ms() + 100};
    recording_clear(&f->last);
    engine_sink sink = recording_sink(&f->last);
    engine_session_set_interrupt(s, stop_at, &stopper);
    long long begin = now_ms();
    assert_int_equal(engine_session_batch(s, sql, strlen(sql), &sink), ENTRASQL_CANCELLED);
    long long took = now_ms() - begin;
    engine_session_set_interrupt(s, NULL, NULL);
    if (took > 3000 || stopper.calls == 0)
        fail_msg("it took %lld ms and %u checks: %s", took, stopper.calls, sql);
    /* The session can go on. */
    fixture_ok(f, "admin", "IF @@TRANCOUNT > 0 ROLLBACK SELECT 1");
}

static void interrupt_waitfor(void **state)
{
    interrupts(*state, "WAITFOR DELAY '00:00:30'");
}

static void interrupt_loop(void **state)
{
    interrupts(*state, "DECLARE @i bigint = 0 WHILE 1 = 1 SET @i += 1");
}

static void interrupt_query(void **state)
{
    fixture *f = *state;
    fixture_ok(f, "admin",
               "SET NOCOUNT ON CREATE TABLE t (a int) DECLARE @i int = 0 BEGIN TRAN "
               "WHILE @i < 200 BEGIN INSERT INTO t VALUES (@i) SET @i += 1 END COMMIT");
    interrupts(f, "SELECT COUNT(*) FROM t a, t b, t c, t d, t e WHERE a.a + b.a + c.a + d.a < 0");
}

static void interrupt_change(void **state)
{
    fixture *f = *state;
    fixture_ok(f, "admin",
               "CREATE TABLE u (a int) SET NOCOUNT ON CREATE TABLE t (a int) DECLARE @i int = 0 "
               "BEGIN TRAN WHILE @i < 200 BEGIN INSERT INTO t VALUES (@i) SET @i += 1 END COMMIT");
    interrupts(f, "INSERT INTO u SELECT a.a FROM t a, t b, t c, t d");
    fixture_expect(f, "admin", "SELECT COUNT(*) FROM u", "|0\n");
}

/* ---- reset and transaction manager ---- */

static recording *tm(fixture *f, engine_tm_request request, const char *name, bool again)
{
    recording_clear(&f->last);
    engine_sink sink = recording_sink(&f->last);
    assert_int_equal(engine_session_tm(fixture_session(f, "admin"), request, 0, name, again, &sink),
                     ENTRASQL_OK);
    return &f->last;
}

static uint64_t open_transaction(fixture *f)
{
    return engine_session_transaction(fixture_session(f, "admin"));
}

static void tm_begin_commit(void **state)
{
    fixture *f = *state;
    fixture_ok(f, "admin", "CREATE TABLE t (a int)");
    assert_int_equal(open_transaction(f), 0);
    recording *r = tm(f, ENGINE_TM_BEGIN, "", false);
    uint64_t id = r->begun;
    assert_true(id != 0);
    assert_int_equal(open_transaction(f), id);
    fixture_expect(f, "admin", "INSERT INTO t VALUES (1) SELECT @@TRANCOUNT", "|1\n");
    r = tm(f, ENGINE_TM_COMMIT, "", false);
    assert_int_equal(r->ended, id);
    assert_int_equal(r->errors, 0);
    assert_int_equal(open_transaction(f), 0);
    fixture_expect(f, "admin", "SELECT COUNT(*), @@TRANCOUNT FROM t", "|1|0\n");
}

static void tm_rollback(void **state)
{
    fixture *f = *state;
    fixture_ok(f, "admin", "CREATE TABLE t (a int)");
    (void)tm(f, ENGINE_TM_BEGIN, NULL, false);
    fixture_ok(f, "admin", "INSERT INTO t VALUES (1)");
    recording *r = tm(f, ENGINE_TM_ROLLBACK, NULL, false);
    assert_true(r->ended != 0);
    fixture_expect(f, "admin", "SELECT COUNT(*), @@TRANCOUNT FROM t", "|0|0\n");
}

/* fBeginXact: one request ends a transaction and begins the next, with an id of its own. */
static void tm_begin_again(void **state)
{
    fixture *f = *state;
    fixture_ok(f, "admin", "CREATE TABLE t (a int)");
    uint64_t first = tm(f, ENGINE_TM_BEGIN, "", false)->begun;
    fixture_ok(f, "admin", "INSERT INTO t VALUES (1)");
    recording *r = tm(f, ENGINE_TM_COMMIT, "", true);
    assert_true(transcript_matches("commit\nbegin\n", recording_text(r)));
    assert_int_equal(r->ended, first);
    assert_true(r->begun != 0 && r->begun != first);
    assert_int_equal(open_transaction(f), r->begun);
    uint64_t second = r->begun;
    fixture_ok(f, "admin", "INSERT INTO t VALUES (2)");
    r = tm(f, ENGINE_TM_ROLLBACK, "", true);
    assert_true(transcript_matches("rollback\nbegin\n", recording_text(r)));
    assert_int_equal(r->ended, second);
    fixture_expect(f, "admin", "SELECT COUNT(*), @@TRANCOUNT FROM t", "|1|1\n");
    (void)tm(f, ENGINE_TM_ROLLBACK, "", false);
    assert_int_equal(open_transaction(f), 0);
}

static void tm_save(void **state)
{
    fixture *f = *state;
    fixture_ok(f, "admin", "CREATE TABLE t (a int)");
    (void)tm(f, ENGINE_TM_BEGIN, "", false);
    fixture_ok(f, "admin", "INSERT INTO t VALUES (1)");
    assert_int_equal(tm(f, ENGINE_TM_SAVE, "s1", false)->errors, 0);
    fixture_ok(f, "admin", "INSERT INTO t VALUES (2)");
    assert_int_equal(tm(f, ENGINE_TM_ROLLBACK, "s1", false)->errors, 0);
    assert_true(open_transaction(f) != 0);
    (void)tm(f, ENGINE_TM_COMMIT, "", false);
    fixture_expect(f, "admin", "SELECT a FROM t", "|1\n");
}

static void tm_errors(void **state)
{
    fixture *f = *state;
    assert_int_equal(tm(f, ENGINE_TM_COMMIT, "", false)->first_error, 3902);
    assert_int_equal(tm(f, ENGINE_TM_ROLLBACK, "", false)->first_error, 3903);
    assert_int_equal(tm(f, ENGINE_TM_SAVE, "s", false)->first_error, 628);
    fixture_ok(f, "admin", "SELECT 1");
}

static recording *reset(fixture *f, bool keep)
{
    recording_clear(&f->last);
    engine_sink sink = recording_sink(&f->last);
    assert_int_equal(engine_session_reset(fixture_session(f, "admin"), keep, &sink), ENTRASQL_OK);
    return &f->last;
}

static void reset_forgets(void **state)
{
    fixture *f = *state;
    fixture_ok(f, "admin", "CREATE TABLE t (a int)");
    fixture_ok(f, "admin",
               "CREATE TABLE #x (a int) SET NOCOUNT ON SET DATEFIRST 1 SET LOCK_TIMEOUT 5 "
               "SET XACT_ABORT ON BEGIN TRAN INSERT INTO t VALUES (1)");
    recording *r = reset(f, false);
    if (strstr(recording_text(r), "reset\n") == NULL)
        fail_msg("no reset event: %s", recording_text(r));
    assert_int_equal(open_transaction(f), 0);
    fixture_expect(f, "admin", "SELECT COUNT(*), @@TRANCOUNT, @@DATEFIRST, @@LOCK_TIMEOUT FROM t",
                   "|0|0|7|-1\ncount 1\n");
    fixture_fails(f, "admin", "SELECT * FROM #x", 208);
}

static void reset_that_keeps_the_transaction(void **state)
{
    fixture *f = *state;
    fixture_ok(f, "admin", "CREATE TABLE t (a int)");
    fixture_ok(f, "admin", "SET DATEFIRST 1 BEGIN TRAN INSERT INTO t VALUES (1)");
    uint64_t id = open_transaction(f);
    (void)reset(f, true);
    assert_int_equal(open_transaction(f), id);
    fixture_expect(f, "admin", "SELECT COUNT(*), @@TRANCOUNT, @@DATEFIRST FROM t", "|1|1|7\n");
    fixture_ok(f, "admin", "ROLLBACK");
}

static void closing_rolls_back(void **state)
{
    fixture *f = *state;
    fixture_ok(f, "admin", "CREATE TABLE t (a int)");
    engine_session *s = login(f, "sqladmin");
    recording_batch(&f->last, s, "BEGIN TRAN INSERT INTO t VALUES (1)");
    engine_session_close(s);
    fixture_expect(f, "admin", "SELECT COUNT(*) FROM t", "|0\n");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(transcripts),
        TEST(databases),
        TEST(bad_database_names),
        TEST(logins_without_a_user),
        TEST(unknown_database),
        TEST(login_by_sid),
        TEST(a_renamed_person_is_still_the_same),
        TEST(login_through_a_group),
        TEST(admin_enters_as_dbo),
        TEST(databases_are_apart),
        TEST(a_server_opened_again),
        TEST(column_flags),
        TEST(a_sink_that_stops),
        TEST(batches_that_are_no_text),
        TEST(interrupt_waitfor),
        TEST(interrupt_loop),
        TEST(interrupt_query),
        TEST(interrupt_change),
        TEST(tm_begin_commit),
        TEST(tm_rollback),
        TEST(tm_begin_again),
        TEST(tm_save),
        TEST(tm_errors),
        TEST(reset_forgets),
        TEST(reset_that_keeps_the_transaction),
        TEST(closing_rolls_back),
    };
    return cmocka_run_group_tests_name("engine", tests, NULL, NULL);
}
