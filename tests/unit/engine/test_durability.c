/* SPDX-License-Identifier: MIT */
/* engine: what was committed is there after the process was killed, what was not is gone. */
#include "engine_test.h"

#include <limits.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

/* In the child: no cmocka, which would report twice. */
static void run_or_die(engine_session *s, const char *sql)
{
    recording r;
    recording_init(&r);
    recording_batch(&r, s, sql);
    if (r.broken != NULL || r.errors != 0)
        _exit(3);
    recording_done(&r);
}

/*
 * Commits `n` rows one by one, tells the parent after each, then leaves a
 * transaction open and waits to be killed.
 */
static void child(const char *dir, int out, int n)
{
    engine_server *server = NULL;
    engine_session *s = NULL;
    engine_options options = {
        .data_dir = dir, .server_name = "contoso", .directory_find = people_find};
    if (engine_server_open(&options, &server, NULL) != ENTRASQL_OK ||
        open_session(server, "admin", "persons", &s, NULL) != ENTRASQL_OK)
        _exit(2);
    for (int i = 0; i < n; i++) {
        run_or_die(s, "BEGIN TRAN INSERT INTO t (a) VALUES ('kept') "
                      "INSERT INTO t (a) VALUES ('kept too') COMMIT");
        if (write(out, ".", 1) != 1)
            _exit(4);
    }
    run_or_die(s, "BEGIN TRAN INSERT INTO t (a) VALUES ('lost') UPDATE t SET a = 'changed' "
                  "CREATE TABLE lost (a int)");
    if (write(out, "!", 1) != 1)
        _exit(4);
    for (;;)
        pause();
}

/* Kills the child after it wrote `marks` bytes; returns how many it has written. */
static int play(const char *dir, int n, int marks)
{
    int ends[2];
    char c;
    int seen = 0;
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        close(ends[0]);
        child(dir, ends[1], n);
    }
    close(ends[1]);
    while (seen < marks && read(ends[0], &c, 1) == 1)
        seen++;
    assert_int_equal(kill(pid, SIGKILL), 0);
    /* Marks that were under way when the signal came. */
    while (read(ends[0], &c, 1) == 1)
        seen++;
    close(ends[0]);
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    return seen;
}

static void prepare(fixture *f)
{
    fixture_ok(f, "admin", "CREATE TABLE t (id int IDENTITY PRIMARY KEY, a varchar(20))");
    fixture_close_session(f, "admin");
    engine_server_close(f->server);
    f->server = NULL;
}

static void killed_in_a_transaction(void **state)
{
    fixture *f = *state;
    prepare(f);
    assert_int_equal(play(f->dir, 25, 26), 26);
    f->server = fixture_open_server(f->dir);
    fixture_expect(f, "admin", "SELECT COUNT(*) FROM t WHERE a LIKE 'kept%'", "|50\n");
    fixture_expect(f, "admin", "SELECT COUNT(*) FROM t", "|50\n");
    fixture_expect(f, "admin", "SELECT OBJECT_ID('lost')", "|NULL\n");
    /* New identity values do not meet the old ones. */
    fixture_ok(f, "admin", "INSERT INTO t (a) VALUES ('new')");
    fixture_expect(f, "admin", "SELECT COUNT(*), COUNT(DISTINCT id) FROM t", "|51|51\n");
}

static void killed_anywhere(void **state)
{
    fixture *f = *state;
    prepare(f);
    int total = 0;
    for (int round = 0; round < 5; round++) {
        int seen = play(f->dir, 200, 3 + round * 7);
        f->server = fixture_open_server(f->dir);
        int rows = atoi(fixture_value(f, "admin", "SELECT COUNT(*) FROM t"));
        /* Both rows of every commit that was told, and at most one commit more. */
        if (rows != total + 2 * seen && rows != total + 2 * seen + 2)
            fail_msg("%d commits were told, %d rows are there, %d before", seen, rows, total);
        total = rows;
        fixture_close_session(f, "admin");
        engine_server_close(f->server);
        f->server = NULL;
    }
    f->server = fixture_open_server(f->dir);
}

/* A file that a program made before there were extended properties. */
static void file_of_an_older_program(void **state)
{
    fixture *f = *state;
    char path[PATH_MAX];
    sqlite3 *db = NULL;
    prepare(f);
    (void)snprintf(path, sizeof path, "%s/persons.db", f->dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "DROP TABLE es_properties", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    for (int round = 0; round < 2; round++) {
        f->server = fixture_open_server(f->dir);
        if (round == 0)
            fixture_ok(f, "admin",
                       "EXEC sp_addextendedproperty 'A', 'kept', 'SCHEMA', 'dbo', 'TABLE', 't'");
        fixture_expect(f, "admin", "SELECT value FROM sys.extended_properties", "|kept\n");
        if (round == 0) {
            fixture_close_session(f, "admin");
            engine_server_close(f->server);
            f->server = NULL;
        }
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(killed_in_a_transaction),
        TEST(killed_anywhere),
        TEST(file_of_an_older_program),
    };
    return cmocka_run_group_tests_name("engine durability", tests, NULL, NULL);
}
