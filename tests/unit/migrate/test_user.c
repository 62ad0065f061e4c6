/* SPDX-License-Identifier: MIT */
/* migrate: what a database lacks of a user, decided from a picture of its catalog. */
#include "base/mem.h"
#include "base/str.h"
#include "migrate/explain.h"
#include "migrate/user.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static migrate_principal people[] = {
    {.id = 1, .name = (char[]){"dbo"}, .type = 'S', .default_schema = (char[]){"dbo"}},
    {.id = 5,
     .name = (char[]){"MigrationIdentity"},
     .type = 'E',
     .sid = {1, 2, 3},
     .sid_length = 16,
     .default_schema = (char[]){"dbo"}},
    {.id = 6,
     .name = (char[]){"appuser"},
     .type = 'S',
     .auth = 2,
     .default_schema = (char[]){"dbo"}},
    {.id = 7, .name = (char[]){"entrasql_app"}, .type = 'R', .default_schema = (char[]){""}},
    {.id = 8,
     .name = (char[]){"owner"},
     .type = 'E',
     .sid = {8},
     .sid_length = 16,
     .default_schema = (char[]){""}},
    {.id = 16390,
     .name = (char[]){"db_datareader"},
     .type = 'R',
     .is_fixed_role = true,
     .default_schema = (char[]){""}},
};
static migrate_member members[] = {{7, 5}, {16390, 5}};
static migrate_permission permissions[] = {
    {3, 0, 7, (char[]){"SELECT"}, 'G', (char[]){"dbo"}, (char[]){""}},
    {3, 0, 7, (char[]){"INSERT"}, 'D', (char[]){"dbo"}, (char[]){""}},
    {1, 0, 5, (char[]){"EXECUTE"}, 'W', (char[]){"dbo"}, (char[]){"p]x"}},
    {1, 2, 5, (char[]){"SELECT"}, 'G', (char[]){"dbo"}, (char[]){"t"}},
    {0, 0, 5, (char[]){"VIEW DEFINITION"}, 'D', (char[]){""}, (char[]){""}},
    {0, 0, 5, (char[]){"X; DROP"}, 'G', (char[]){""}, (char[]){""}},
};
static migrate_schema schemas[] = {{1, (char[]){"dbo"}}, {8, (char[]){"sales"}}};

static const migrate_principals picture = {
    .list = people,
    .count = ES_COUNT_OF(people),
    .members = members,
    .member_count = ES_COUNT_OF(members),
    .permissions = permissions,
    .permission_count = ES_COUNT_OF(permissions),
    .schemas = schemas,
    .schema_count = ES_COUNT_OF(schemas),
    .database = (char[]){"persons"},
};

static migrate_user user(const char *name, uint8_t first, const char *profile)
{
    migrate_user u = {.name = name,
                      .type = 'E',
                      .has_sid = true,
                      .sid = {first, 2, 3},
                      .profile = migrate_profile_find(profile),
                      .schema = "dbo"};
    assert_non_null(u.profile);
    return u;
}

static void diff_is(const migrate_user *u, const char *sql)
{
    ES_CLEANUP(migrate_changes_done) migrate_changes c = MIGRATE_CHANGES_INIT;
    entrasql_error err;
    if (migrate_user_diff(&picture, u, &c, &err) != ENTRASQL_OK)
        fail_msg("%s", err.message);
    assert_string_equal(es_buf_cstr(&c.sql), sql);
}

static void diff_fails(const migrate_user *u, entrasql_status status, const char *message)
{
    ES_CLEANUP(migrate_changes_done) migrate_changes c = MIGRATE_CHANGES_INIT;
    entrasql_error err;
    assert_int_equal(migrate_user_diff(&picture, u, &c, &err), status);
    if (strstr(err.message, message) == NULL)
        fail_msg("'%s' does not say '%s'", err.message, message);
    assert_true(err.hint[0] != '\0');
}

static void what_is_missing(void **state)
{
    (void)state;
    migrate_user u = user("new", 9, "none");
    diff_is(&u, "CREATE USER [new] WITH SID = 0x09020300000000000000000000000000, TYPE = E;\n");
    u = user("MigrationIdentity", 1, "none");
    diff_is(&u, "");
    /* DENY counts as not granted: the server will say so. */
    u = user("MIGRATIONIDENTITY", 1, "writer");
    u.schema = "sales";
    diff_is(&u,
            "CREATE ROLE [entrasql_writer_sales];\n"
            "GRANT SELECT, INSERT, UPDATE, DELETE ON SCHEMA::[sales] TO [entrasql_writer_sales];\n"
            "ALTER ROLE [entrasql_writer_sales] ADD MEMBER [MIGRATIONIDENTITY];\n");
    u = user("MigrationIdentity", 1, "app");
    diff_is(&u, "GRANT INSERT, UPDATE, DELETE, EXECUTE ON SCHEMA::[dbo] TO [entrasql_app];\n");
    u.roles[u.role_count++] = "db_datareader";
    diff_is(&u, "GRANT INSERT, UPDATE, DELETE, EXECUTE ON SCHEMA::[dbo] TO [entrasql_app];\n");
    u = (migrate_user){.name = "x",
                       .type = 'E',
                       .object_id = "00112233-4455-6677-8899-aabbccddeeff",
                       .default_schema = "sales",
                       .schema = "dbo",
                       .profile = migrate_profile_find("none")};
    diff_is(&u, "CREATE USER [x] FROM EXTERNAL PROVIDER WITH OBJECT_ID = "
                "'00112233-4455-6677-8899-aabbccddeeff', DEFAULT_SCHEMA = [sales];\n");
}

static void what_is_in_the_way(void **state)
{
    (void)state;
    migrate_user u = user("MigrationIdentity", 7, "none");
    diff_fails(&u, ENTRASQL_EXISTS, "belongs to another principal");
    u = user("other", 1, "none");
    diff_fails(&u, ENTRASQL_EXISTS, "under the name 'MigrationIdentity'");
    u = user("appuser", 9, "none");
    diff_fails(&u, ENTRASQL_EXISTS, "user with a password");
    u = user("entrasql_app", 9, "none");
    diff_fails(&u, ENTRASQL_EXISTS, "role of the database");
    u = user("new", 9, "tutorial");
    diff_fails(&u, ENTRASQL_NOT_FOUND, "no role 'db_datawriter'");
    u = user("new", 9, "app");
    u.schema = "nowhere";
    diff_fails(&u, ENTRASQL_NOT_FOUND, "no schema 'nowhere'");
}

static void made_again_with_what_it_had(void **state)
{
    (void)state;
    ES_CLEANUP(migrate_changes_done) migrate_changes c = MIGRATE_CHANGES_INIT;
    entrasql_error err;
    migrate_user u = user("MigrationIdentity", 7, "none");
    assert_int_equal(migrate_user_rebuild(&picture, &u, &c, &err), ENTRASQL_OK);
    assert_string_equal(
        es_buf_cstr(&c.sql),
        "DROP USER [MigrationIdentity];\n"
        "CREATE USER [MigrationIdentity] WITH SID = 0x07020300000000000000000000000000, TYPE = E, "
        "DEFAULT_SCHEMA = [dbo];\n"
        "ALTER ROLE [entrasql_app] ADD MEMBER [MigrationIdentity];\n"
        "ALTER ROLE [db_datareader] ADD MEMBER [MigrationIdentity];\n"
        "GRANT EXECUTE ON OBJECT::[dbo].[p]]x] TO [MigrationIdentity] WITH GRANT OPTION;\n"
        "DENY VIEW DEFINITION TO [MigrationIdentity];\n");
    /* A column's permission, and one with a strange name: said, not lost silently. */
    const char *first = strstr(es_buf_cstr(&c.notes), "NOT kept");
    assert_non_null(first);
    assert_non_null(strstr(first + 1, "NOT kept"));
    u = user("owner", 7, "none");
    assert_int_equal(migrate_user_rebuild(&picture, &u, &c, &err), ENTRASQL_EXISTS);
    assert_non_null(strstr(err.message, "owns the schema 'sales'"));
    assert_int_equal(migrate_user_drop(&picture, "owner", &c, &err), ENTRASQL_EXISTS);
    assert_int_equal(migrate_user_drop(&picture, "appuser", &c, &err), ENTRASQL_INVALID);
    assert_int_equal(migrate_user_drop(&picture, "entrasql_app", &c, &err), ENTRASQL_INVALID);
    assert_int_equal(migrate_user_drop(&picture, "nobody", &c, &err), ENTRASQL_NOT_FOUND);
}

/* The reference's table: each number has a next step. */
static void each_error_is_explained(void **state)
{
    (void)state;
    static const uint32_t numbers[] = {
        33130, 33131, 33132, 33134, 33159, 33162, 33163, 33168, 33169, 33170, 33171, 37545, 15023,
        15063, 15138, 15151, 15247, 15410, 18456, 4060,  40615, 40914, 47073, 42101, 40531, 40532,
        47072, 40197, 40501, 40613, 49918, 49919, 49920, 10928, 10929, 33147, 33154, 33155, 33156};
    for (size_t i = 0; i < ES_COUNT_OF(numbers); i++) {
        entrasql_error err;
        es_fail(&err, ENTRASQL_SQL_ERROR, "x");
        err.number = numbers[i];
        migrate_explain_sql(&err);
        if (err.hint[0] == '\0')
            fail_msg("%u has no next step", numbers[i]);
        assert_true(strlen(err.hint) < ENTRASQL_ERROR_HINT_SIZE - 1);
    }
    entrasql_error other;
    es_fail(&other, ENTRASQL_TLS, "x");
    other.number = 33130;
    migrate_explain_sql(&other);
    assert_string_equal(other.hint, "");
    assert_false(migrate_is_settling(&other));
}

static void no_memory_at_any_point(void **state)
{
    (void)state;
    for (unsigned long at = 1;; at++) {
        migrate_changes c = MIGRATE_CHANGES_INIT;
        entrasql_error err;
        migrate_user u = user("MigrationIdentity", 7, "none");
        migrate_user fresh = user("fresh", 9, "app");
        es_mem_fail_from(at);
        entrasql_status status = migrate_user_rebuild(&picture, &u, &c, &err);
        if (status == ENTRASQL_OK)
            status = migrate_user_diff(&picture, &fresh, &c, &err);
        es_mem_fail_from(0);
        migrate_changes_done(&c);
        if (status == ENTRASQL_OK)
            break;
        assert_int_equal(status, ENTRASQL_NOMEM);
        assert_int_equal(err.status, ENTRASQL_NOMEM);
        assert_true(at < 1000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_missing),
        cmocka_unit_test(what_is_in_the_way),
        cmocka_unit_test(made_again_with_what_it_had),
        cmocka_unit_test(each_error_is_explained),
        cmocka_unit_test(no_memory_at_any_point),
    };
    return cmocka_run_group_tests_name("migrate user", tests, NULL, NULL);
}
