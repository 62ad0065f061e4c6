/* SPDX-License-Identifier: MIT */
/*
 * engine: roles and grants against statements. One table says for every kind
 * of user and every statement whether it is allowed or which error it gives.
 */
#include "engine_test.h"

#include <stdio.h>

/* The users, in the order of the columns below. */
static const char *const users[] = {"owner", "reader",  "writer", "ddl",
                                    "plain", "granted", "denied", "both"};

#define USERS ES_COUNT_OF(users)

static const char setup[] = "CREATE TABLE T (ID int IDENTITY, A int, B int);"
                            "INSERT INTO T (A, B) VALUES (1, 1), (2, 2);"
                            "CREATE USER owner WITH PASSWORD = 'Pa55-word-xyz';"
                            "CREATE USER reader WITH PASSWORD = 'Pa55-word-xyz';"
                            "CREATE USER writer WITH PASSWORD = 'Pa55-word-xyz';"
                            "CREATE USER ddl WITH PASSWORD = 'Pa55-word-xyz';"
                            "CREATE USER plain WITH PASSWORD = 'Pa55-word-xyz';"
                            "CREATE USER granted WITH PASSWORD = 'Pa55-word-xyz';"
                            "CREATE USER denied WITH PASSWORD = 'Pa55-word-xyz';"
                            "CREATE USER both WITH PASSWORD = 'Pa55-word-xyz';"
                            "ALTER ROLE db_owner ADD MEMBER owner;"
                            "ALTER ROLE db_datareader ADD MEMBER reader;"
                            "ALTER ROLE db_datawriter ADD MEMBER writer;"
                            "ALTER ROLE db_ddladmin ADD MEMBER ddl;"
                            "GRANT SELECT ON T TO granted;"
                            "GRANT INSERT ON SCHEMA::dbo TO granted;"
                            "ALTER ROLE db_datareader ADD MEMBER denied;"
                            "ALTER ROLE db_datawriter ADD MEMBER denied;"
                            "DENY SELECT, UPDATE ON T TO denied;"
                            "ALTER ROLE db_datareader ADD MEMBER both;"
                            "ALTER ROLE db_datawriter ADD MEMBER both;"
                            "ALTER ROLE db_ddladmin ADD MEMBER both;";

enum { YES = 0, SOME_ERROR = 1 };

/* Error number, YES, or SOME_ERROR where the number is not certain. */
static const struct rule {
    const char *sql;
    uint32_t want[8]; /* owner reader writer ddl plain granted denied both */
} rules[] = {
    {"SELECT A FROM T", {YES, YES, 229, 229, 229, YES, 229, YES}},
    {"SELECT COUNT(*) FROM T", {YES, YES, 229, 229, 229, YES, 229, YES}},
    {"SELECT 1 WHERE EXISTS (SELECT * FROM T)", {YES, YES, 229, 229, 229, YES, 229, YES}},
    {"SELECT x FROM (SELECT A AS x FROM T) d", {YES, YES, 229, 229, 229, YES, 229, YES}},
    {"SELECT A INTO #copy FROM T DROP TABLE #copy", {YES, YES, 229, 229, 229, YES, 229, YES}},
    {"INSERT INTO T (A) VALUES (1)", {YES, 229, YES, 229, 229, YES, YES, YES}},
    {"INSERT INTO T (A) SELECT A FROM T", {YES, 229, 229, 229, 229, YES, 229, YES}},
    {"INSERT INTO T (A) OUTPUT inserted.ID VALUES (1)", {YES, 229, 229, 229, 229, YES, 229, YES}},
    {"UPDATE T SET A = 5", {YES, 229, YES, 229, 229, 229, 229, YES}},
    {"UPDATE T SET A = 5 WHERE B = 1", {YES, 229, 229, 229, 229, 229, 229, YES}},
    {"UPDATE T SET A = B", {YES, 229, 229, 229, 229, 229, 229, YES}},
    {"DELETE FROM T", {YES, 229, YES, 229, 229, 229, YES, YES}},
    {"DELETE FROM T WHERE A = 1", {YES, 229, 229, 229, 229, 229, 229, YES}},
    {"CREATE TABLE X (a int)", {YES, 262, 262, YES, 262, 262, 262, YES}},
    {"CREATE VIEW V AS SELECT 1 AS a", {YES, 262, 262, YES, 262, 262, 262, YES}},
    {"ALTER TABLE T ADD c int",
     {YES, SOME_ERROR, SOME_ERROR, YES, SOME_ERROR, SOME_ERROR, SOME_ERROR, YES}},
    {"DROP TABLE T", {YES, 3701, 3701, YES, 3701, 3701, 3701, YES}},
    {"TRUNCATE TABLE T",
     {YES, SOME_ERROR, SOME_ERROR, YES, SOME_ERROR, SOME_ERROR, SOME_ERROR, YES}},
    {"CREATE INDEX ix ON T (A)",
     {YES, SOME_ERROR, SOME_ERROR, YES, SOME_ERROR, SOME_ERROR, SOME_ERROR, YES}},
    {"GRANT SELECT ON T TO public",
     {YES, SOME_ERROR, SOME_ERROR, SOME_ERROR, SOME_ERROR, SOME_ERROR, SOME_ERROR, SOME_ERROR}},
    {"DENY SELECT ON T TO public",
     {YES, SOME_ERROR, SOME_ERROR, SOME_ERROR, SOME_ERROR, SOME_ERROR, SOME_ERROR, SOME_ERROR}},
    {"CREATE USER x WITHOUT LOGIN", {YES, 15247, 15247, 15247, 15247, 15247, 15247, 15247}},
    {"CREATE USER x WITH PASSWORD = 'Pa55-word-xyz'",
     {YES, 15247, 15247, 15247, 15247, 15247, 15247, 15247}},
    {"DROP USER plain",
     {YES, SOME_ERROR, SOME_ERROR, SOME_ERROR, SOME_ERROR, SOME_ERROR, SOME_ERROR, SOME_ERROR}},
    {"ALTER ROLE db_owner ADD MEMBER plain",
     {YES, SOME_ERROR, SOME_ERROR, SOME_ERROR, SOME_ERROR, SOME_ERROR, SOME_ERROR, SOME_ERROR}},
    {"CREATE ROLE r",
     {YES, SOME_ERROR, SOME_ERROR, SOME_ERROR, SOME_ERROR, SOME_ERROR, SOME_ERROR, SOME_ERROR}},
    /* What everybody may. */
    {"SELECT 1", {YES, YES, YES, YES, YES, YES, YES, YES}},
    {"CREATE TABLE #t (a int) INSERT INTO #t VALUES (1) SELECT * FROM #t DROP TABLE #t",
     {YES, YES, YES, YES, YES, YES, YES, YES}},
    {"DECLARE @t TABLE (a int) INSERT INTO @t VALUES (1) SELECT * FROM @t",
     {YES, YES, YES, YES, YES, YES, YES, YES}},
    {"SELECT name FROM sys.tables", {YES, YES, YES, YES, YES, YES, YES, YES}},
    {"SELECT name FROM sys.database_principals", {YES, YES, YES, YES, YES, YES, YES, YES}},
    {"SELECT USER_NAME(), SUSER_SNAME(), DB_NAME()", {YES, YES, YES, YES, YES, YES, YES, YES}},
    {"BEGIN TRAN ROLLBACK", {YES, YES, YES, YES, YES, YES, YES, YES}},
};

static int setup_matrix(void **state)
{
    fixture *f = fixture_new();
    fixture_ok(f, "admin", setup);
    *state = f;
    return 0;
}

static const char *const texts_229[] = {"SELECT", "INSERT", "UPDATE", "DELETE"};

/* "The X permission was denied on the object 'T', ...": severity 14, state 5. */
static bool good_text(recording *r)
{
    const char *text = recording_text(r);
    char want[160];
    if (r->first_error == 229) {
        for (size_t i = 0; i < ES_COUNT_OF(texts_229); i++) {
            (void)snprintf(want, sizeof want,
                           "error 229 14 5 1 The %s permission was denied on the object 'T', "
                           "database 'persons', schema 'dbo'.\n",
                           texts_229[i]);
            if (strstr(text, want) != NULL)
                return true;
        }
        return false;
    }
    if (r->first_error == 262)
        return strstr(text, " permission denied in database 'persons'.\n") != NULL;
    return true;
}

/* Each statement in a transaction that is rolled back, so that no cell spoils the next. */
static void matrix(void **state)
{
    fixture *f = *state;
    size_t wrong = 0;
    for (size_t i = 0; i < ES_COUNT_OF(rules); i++) {
        for (size_t u = 0; u < USERS; u++) {
            fixture_ok(f, users[u], "BEGIN TRAN");
            recording *r = fixture_run(f, users[u], rules[i].sql);
            uint32_t want = rules[i].want[u];
            bool good = want == SOME_ERROR ? r->errors != 0 : r->first_error == want;
            if (!good || !good_text(r) || r->broken != NULL) {
                wrong++;
                (void)fprintf(stderr, "%s, %s: wanted %u, got %u %s\n%s", users[u], rules[i].sql,
                              want, r->first_error, r->broken != NULL ? r->broken : "",
                              recording_text(r));
            }
            (void)fixture_run(f, users[u], "IF @@TRANCOUNT > 0 ROLLBACK");
        }
    }
    assert_int_equal(wrong, 0);
}

static void admin_is_dbo(void **state)
{
    fixture *f = *state;
    fixture_expect(f, "sqladmin", "SELECT USER_NAME(), IS_MEMBER('db_owner')", "|dbo|1\n");
    fixture_ok(f, "sqladmin", "CREATE TABLE Y (a int) DROP TABLE Y");
}

static void views_give_what_their_owner_has(void **state)
{
    fixture *f = *state;
    fixture_ok(f, "admin", "CREATE VIEW V AS SELECT A FROM T");
    fixture_ok(f, "admin", "GRANT SELECT ON V TO plain");
    fixture_expect(f, "plain", "SELECT COUNT(*) FROM V", "|2\n");
    fixture_fails(f, "plain", "SELECT COUNT(*) FROM T", 229);
}

static void changes_are_seen_at_once(void **state)
{
    fixture *f = *state;
    fixture_fails(f, "plain", "SELECT A FROM T", 229);
    fixture_ok(f, "admin", "ALTER ROLE db_datareader ADD MEMBER plain");
    fixture_ok(f, "plain", "SELECT A FROM T");
    fixture_ok(f, "admin", "DENY SELECT TO plain");
    fixture_fails(f, "plain", "SELECT A FROM T", 229);
    fixture_ok(f, "admin", "REVOKE SELECT TO plain");
    fixture_ok(f, "plain", "SELECT A FROM T");
    fixture_ok(f, "admin", "ALTER ROLE db_datareader DROP MEMBER plain");
    fixture_fails(f, "plain", "SELECT A FROM T", 229);
}

static void roles_of_roles(void **state)
{
    fixture *f = *state;
    fixture_ok(f, "admin",
               "CREATE ROLE inner_role; CREATE ROLE outer_role;"
               "ALTER ROLE outer_role ADD MEMBER inner_role;"
               "ALTER ROLE inner_role ADD MEMBER plain; GRANT SELECT ON T TO outer_role");
    fixture_ok(f, "plain", "SELECT A FROM T");
    fixture_ok(f, "admin", "ALTER ROLE outer_role DROP MEMBER inner_role");
    fixture_fails(f, "plain", "SELECT A FROM T", 229);
}

static void a_rollback_takes_the_grant_back(void **state)
{
    fixture *f = *state;
    fixture_ok(f, "admin", "BEGIN TRAN GRANT SELECT ON T TO plain ROLLBACK");
    fixture_fails(f, "plain", "SELECT A FROM T", 229);
}

static void a_new_table_of_the_name_has_no_grants(void **state)
{
    fixture *f = *state;
    fixture_ok(f, "granted", "SELECT A FROM T");
    fixture_ok(f, "admin", "DROP TABLE T");
    fixture_ok(f, "admin", "CREATE TABLE T (A int)");
    fixture_fails(f, "granted", "SELECT A FROM T", 229);
    fixture_ok(f, "granted", "INSERT INTO T VALUES (1)"); /* the schema's grant stays */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_matrix, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(matrix),
        TEST(admin_is_dbo),
        TEST(views_give_what_their_owner_has),
        TEST(changes_are_seen_at_once),
        TEST(roles_of_roles),
        TEST(a_rollback_takes_the_grant_back),
        TEST(a_new_table_of_the_name_has_no_grants),
    };
    return cmocka_run_group_tests_name("engine permissions", tests, NULL, NULL);
}
