/* SPDX-License-Identifier: MIT */
/* engine: several sessions on one database, one after the other and in threads. */
#include "engine_test.h"

#include <stdio.h>

static void readers_see_what_is_committed(void **state)
{
    fixture *f = *state;
    fixture_ok(f, "admin", "CREATE TABLE t (a int) INSERT INTO t VALUES (1)");
    fixture_ok(f, "admin", "BEGIN TRAN UPDATE t SET a = 2 INSERT INTO t VALUES (3)");
    /* A reader neither waits nor sees it. */
    fixture_expect(f, "admin#2", "SELECT a FROM t", "|1\n");
    fixture_expect(f, "admin", "SELECT a FROM t ORDER BY a", "|2\n|3\n");
    fixture_ok(f, "admin", "COMMIT");
    fixture_expect(f, "admin#2", "SELECT a FROM t ORDER BY a", "|2\n|3\n");
}

static void read_committed_inside_a_transaction(void **state)
{
    fixture *f = *state;
    fixture_ok(f, "admin", "CREATE TABLE t (a int) INSERT INTO t VALUES (1)");
    fixture_expect(f, "admin#2", "BEGIN TRAN SELECT a FROM t", "|1\n");
    fixture_ok(f, "admin", "UPDATE t SET a = 2");
    /* Each statement sees what was committed when it began, not when the transaction began. */
    fixture_expect(f, "admin#2", "SELECT a FROM t COMMIT", "|2\n");
}

static void snapshot_inside_a_transaction(void **state)
{
    fixture *f = *state;
    fixture_ok(f, "admin", "CREATE TABLE t (a int) INSERT INTO t VALUES (1)");
    fixture_ok(f, "admin#2", "SET TRANSACTION ISOLATION LEVEL SNAPSHOT");
    fixture_expect(f, "admin#2", "BEGIN TRAN SELECT a FROM t", "|1\n");
    fixture_ok(f, "admin", "UPDATE t SET a = 2");
    fixture_expect(f, "admin#2", "SELECT a FROM t", "|1\n");
    fixture_expect(f, "admin#2", "COMMIT SELECT a FROM t", "|2\n");
}

static void a_writer_waits_and_gives_up(void **state)
{
    fixture *f = *state;
    fixture_ok(f, "admin", "CREATE TABLE t (a int) INSERT INTO t VALUES (1)");
    fixture_ok(f, "admin", "BEGIN TRAN UPDATE t SET a = 2");
    fixture_expect(f, "admin#2", "SET LOCK_TIMEOUT 100 UPDATE t SET a = 3 SELECT @@ERROR",
                   "error 1222 16 ? ? Lock request time out period exceeded.\n"
                   "?? info 3621 ? ? ? The statement has been terminated.\n|1222\n");
    fixture_fails(f, "admin#2", "SET LOCK_TIMEOUT 0 UPDATE t SET a = 3", 1222);
    fixture_ok(f, "admin", "COMMIT");
    fixture_ok(f, "admin#2", "UPDATE t SET a = a + 10");
    fixture_expect(f, "admin", "SELECT a FROM t", "|12\n");
}

static void identity_is_not_rolled_back(void **state)
{
    fixture *f = *state;
    fixture_ok(f, "admin", "CREATE TABLE t (id int IDENTITY, a int)");
    fixture_ok(f, "admin", "BEGIN TRAN INSERT INTO t (a) VALUES (1), (2) ROLLBACK");
    fixture_ok(f, "admin#2", "INSERT INTO t (a) VALUES (3)");
    fixture_expect(f, "admin", "SELECT id, a FROM t", "|3|3\n");
    fixture_fails(f, "admin",
                  "CREATE TABLE k (id int IDENTITY, a int UNIQUE) "
                  "INSERT INTO k (a) VALUES (1) INSERT INTO k (a) VALUES (1)",
                  2627);
    fixture_expect(f, "admin", "INSERT INTO k (a) VALUES (2) SELECT id FROM k ORDER BY id",
                   "|1\n|3\n");
}

static void scope_identity_is_the_sessions_own(void **state)
{
    fixture *f = *state;
    fixture_ok(f, "admin", "CREATE TABLE t (id int IDENTITY, a int)");
    fixture_ok(f, "admin", "INSERT INTO t (a) VALUES (1)");
    fixture_ok(f, "admin#2", "INSERT INTO t (a) VALUES (2)");
    fixture_expect(f, "admin", "SELECT SCOPE_IDENTITY(), IDENT_CURRENT('t')", "|1|2\n");
}

static void new_tables_are_seen_by_others(void **state)
{
    fixture *f = *state;
    fixture_ok(f, "admin#2", "SELECT 1");
    fixture_ok(f, "admin", "CREATE TABLE t (a int)");
    fixture_ok(f, "admin#2", "INSERT INTO t VALUES (1)");
    fixture_ok(f, "admin", "ALTER TABLE t ADD b int NULL");
    fixture_expect(f, "admin#2", "SELECT * FROM t", "columns a int, b int\n|1|NULL\n");
    fixture_ok(f, "admin", "DROP TABLE t");
    fixture_fails(f, "admin#2", "SELECT * FROM t", 208);
}

static void temporary_tables_are_private(void **state)
{
    fixture *f = *state;
    fixture_ok(f, "admin", "CREATE TABLE #t (a int) INSERT INTO #t VALUES (1)");
    fixture_fails(f, "admin#2", "SELECT * FROM #t", 208);
    fixture_ok(f, "admin#2", "CREATE TABLE #t (b varchar(3)) INSERT INTO #t VALUES ('x')");
    fixture_expect(f, "admin", "SELECT * FROM #t", "columns a int\n|1\n");
}

/* ---- threads ---- */

enum { THREADS = 8, ROUNDS = 40 };

struct worker {
    engine_server *server;
    int number;
    bool failed;
    char why[1024];
};

static bool must(struct worker *w, recording *r, engine_session *s, const char *sql)
{
    recording_batch(r, s, sql);
    if (r->broken == NULL && r->errors == 0)
        return true;
    w->failed = true;
    (void)snprintf(w->why, sizeof w->why, "%s: %s %.300s", sql, r->broken != NULL ? r->broken : "",
                   recording_text(r));
    return false;
}

/* Every fourth transaction is rolled back; the others leave two rows. */
static void *work(void *arg)
{
    struct worker *w = arg;
    engine_session *s = NULL;
    recording r;
    char sql[256];
    recording_init(&r);
    if (open_session(w->server, "admin", "persons", &s, NULL) != ENTRASQL_OK) {
        w->failed = true;
        return NULL;
    }
    for (int i = 0; i < ROUNDS && !w->failed; i++) {
        (void)snprintf(sql, sizeof sql,
                       "SET NOCOUNT ON BEGIN TRAN INSERT INTO t (who, n) VALUES (%d, %d) "
                       "UPDATE total SET n = n + 1 INSERT INTO t (who, n) VALUES (%d, %d) %s",
                       w->number, i, w->number, -i, i % 4 == 3 ? "ROLLBACK" : "COMMIT");
        if (!must(w, &r, s, sql) ||
            !must(w, &r, s, "SELECT COUNT(*) % 2, COUNT(*) - 2 * (SELECT n FROM total) FROM t"))
            break;
        if (strstr(recording_text(&r), "|0|0\n") == NULL) {
            w->failed = true;
            (void)snprintf(w->why, sizeof w->why, "half a transaction was seen: %.300s",
                           recording_text(&r));
        }
    }
    recording_done(&r);
    engine_session_close(s);
    return NULL;
}

static void eight_threads(void **state)
{
    fixture *f = *state;
    struct worker workers[THREADS];
    pthread_t threads[THREADS];
    fixture_ok(f, "admin",
               "CREATE TABLE t (id int IDENTITY PRIMARY KEY, who int, n int) "
               "CREATE TABLE total (n int) INSERT INTO total VALUES (0)");
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.server = f->server, .number = i};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; i++) {
        if (workers[i].failed)
            fail_msg("thread %d: %s", i, workers[i].why);
    }
    fixture_expect(f, "admin", "SELECT COUNT(*), COUNT(DISTINCT id), COUNT(DISTINCT who) FROM t",
                   "|480|480|8\n");
    fixture_expect(f, "admin", "SELECT n FROM total", "|240\n");
}

struct churn {
    engine_server *server;
    int number;
    bool failed;
};

/* Logs in and out, makes tables and drops them while the others work. */
static void *churn(void *arg)
{
    struct churn *c = arg;
    recording r;
    char sql[160];
    recording_init(&r);
    for (int i = 0; i < 15; i++) {
        engine_session *s = NULL;
        entrasql_error err;
        if (open_session(c->server, "sqladmin", "persons", &s, &err) != ENTRASQL_OK) {
            (void)fprintf(stderr, "login: %s\n", err.message);
            c->failed = true;
            break;
        }
        (void)snprintf(sql, sizeof sql,
                       "CREATE TABLE x%d (a int) INSERT INTO x%d VALUES (%d) SELECT a FROM x%d "
                       "DROP TABLE x%d",
                       c->number, c->number, i, c->number, c->number);
        recording_batch(&r, s, sql);
        if (r.broken != NULL || r.errors != 0) {
            (void)fprintf(stderr, "%s\n%s", sql, recording_text(&r));
            c->failed = true;
        }
        engine_session_close(s);
    }
    recording_done(&r);
    return NULL;
}

static void tables_made_in_threads(void **state)
{
    fixture *f = *state;
    struct churn workers[4];
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        workers[i] = (struct churn){.server = f->server, .number = i};
        assert_int_equal(pthread_create(&threads[i], NULL, churn, &workers[i]), 0);
    }
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 4; i++)
        assert_false(workers[i].failed);
    fixture_expect(f, "admin", "SELECT COUNT(*) FROM sys.tables", "|0\n");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(readers_see_what_is_committed),
        TEST(read_committed_inside_a_transaction),
        TEST(snapshot_inside_a_transaction),
        TEST(a_writer_waits_and_gives_up),
        TEST(identity_is_not_rolled_back),
        TEST(scope_identity_is_the_sessions_own),
        TEST(new_tables_are_seen_by_others),
        TEST(temporary_tables_are_private),
        TEST(eight_threads),
        TEST(tables_made_in_threads),
    };
    return cmocka_run_group_tests_name("engine concurrency", tests, NULL, NULL);
}
