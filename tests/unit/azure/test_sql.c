/* SPDX-License-Identifier: MIT */
/* The logical server, managed identities and federated credentials. */
#include "common.h"

#include "azure/identity.h"
#include "azure/sql_server.h"

#include <string.h>

#define SERVER_PATH GROUP_PATH "/providers/Microsoft.Sql/servers/contoso-sql"
#define SQL_VERSION "?api-version=2023-08-01"
#define ADMIN_PATH SERVER_PATH "/administrators/ActiveDirectory" SQL_VERSION
#define ADA "11111111-aaaa-4bbb-8ccc-222222222222"
#define BOB "33333333-aaaa-4bbb-8ccc-444444444444"
#define ADMIN(sid) "{\"properties\":{\"login\":\"ada\",\"sid\":\"" sid "\"}}"
#define NONE                                                                                       \
    {                                                                                              \
        .status = 404, .body = "{\"error\":{\"code\":\"ResourceNotFound\"}}"                       \
    }

static const azure_sql_ref ref = {
    .subscription = SUBSCRIPTION, .resource_group = "persons-rg", .server = "contoso-sql"};
static const azure_sql_admin ada = {.login = "ada", .sid = ADA};

/* ---- server ---- */

static void test_logical_server(void **state)
{
    fixture *f = *state;
    const test_answer answers[] = {
        {.body =
             "{\"id\":\"" SERVER_PATH "\",\"location\":\"w\",\"identity\":{\"type\":\"None\"},"
             "\"properties\":{\"fullyQualifiedDomainName\":\"contoso-sql.database.windows.net\","
             "\"administratorLogin\":\"sa\",\"publicNetworkAccess\":\"Disabled\"}}"},
        {.body = "{}"}};
    PLAY(f, answers);
    entrasql_error err;
    azure_sql_server s;
    assert_int_equal(azure_sql_server_get(f->arm, &ref, &s, &err), ENTRASQL_OK);
    assert_string_equal(fixture_line(f, 0), "GET " SERVER_PATH SQL_VERSION);
    assert_string_equal(s.fqdn, "contoso-sql.database.windows.net");
    assert_string_equal(s.administrator, "sa");
    assert_false(s.public_access || s.has_identity);
    assert_int_equal(azure_sql_server_get(f->arm, &ref, &s, &err), ENTRASQL_MALFORMED);
}

static void test_admin(void **state)
{
    fixture *f = *state;
    const test_answer answers[] = {
        NONE, {.body = "{}"}, {.body = ADMIN(ADA)}, {.body = ADMIN(ADA)}};
    PLAY(f, answers);
    entrasql_error err;
    bool changed = false;
    assert_int_equal(azure_sql_admin_set(f->arm, &ref, &ada, &changed, &err), ENTRASQL_OK);
    assert_true(changed);
    assert_string_equal(fixture_line(f, 1), "PUT " ADMIN_PATH);
    assert_string_equal(
        fixture_body(f, 1),
        "{\"properties\":{\"administratorType\":\"ActiveDirectory\",\"login\":\"ada\","
        "\"sid\":\"" ADA "\"}}");
    assert_int_equal(azure_sql_admin_set(f->arm, &ref, &ada, &changed, &err), ENTRASQL_OK);
    assert_false(changed);
    assert_int_equal(test_server_count(f->server), 4);
    /* Somebody else was quicker. */
    const test_answer race[] = {NONE, {.body = "{}"}, {.body = ADMIN(BOB)}};
    PLAY(f, race);
    assert_int_equal(azure_sql_admin_set(f->arm, &ref, &ada, &changed, &err), ENTRASQL_BUSY);
    const test_answer no_guid[] = {{.body = ADMIN("x")}};
    PLAY(f, no_guid);
    azure_sql_admin now;
    assert_int_equal(azure_sql_admin_get(f->arm, &ref, &now, &err), ENTRASQL_MALFORMED);
    const test_answer gone[] = {{.status = 204}, NONE};
    PLAY(f, gone);
    assert_int_equal(azure_sql_admin_delete(f->arm, &ref, &err), ENTRASQL_OK);
    assert_int_equal(azure_sql_admin_delete(f->arm, &ref, &err), ENTRASQL_OK);
}

#define ONLY(value) "{\"properties\":{\"azureADOnlyAuthentication\":" value "}}"

static void test_entra_only(void **state)
{
    fixture *f = *state;
    const test_answer answers[] = {
        {.body = ONLY("false")}, {.body = "{}"}, {.body = ONLY("true")},
        {.body = ONLY("true")},  NONE,           {.body = ONLY("\"yes\"")}};
    PLAY(f, answers);
    entrasql_error err;
    bool changed = false, on = true;
    assert_int_equal(azure_sql_entra_only_set(f->arm, &ref, true, &changed, &err), ENTRASQL_OK);
    assert_true(changed);
    assert_string_equal(fixture_line(f, 1),
                        "PUT " SERVER_PATH "/azureADOnlyAuthentications/Default" SQL_VERSION);
    assert_string_equal(fixture_body(f, 1), ONLY("true"));
    assert_int_equal(azure_sql_entra_only_set(f->arm, &ref, true, &changed, &err), ENTRASQL_OK);
    assert_false(changed);
    assert_int_equal(azure_sql_entra_only_get(f->arm, &ref, &on, &err), ENTRASQL_OK);
    assert_false(on);
    assert_int_equal(azure_sql_entra_only_get(f->arm, &ref, &on, &err), ENTRASQL_MALFORMED);
}

static void test_firewall(void **state)
{
    fixture *f = *state;
    static const char *const bad[] = {"", "0.0.0.0", "1.2.3", "::1", "1.2.3.4/24", "1.2.3.4 "};
    const test_answer answers[] = {{.status = 201, .body = "{}"}, {.status = 200}, NONE};
    PLAY(f, answers);
    entrasql_error err;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(azure_sql_firewall_add(f->arm, &ref, "r", bad[i], &err), ENTRASQL_INVALID);
    assert_int_equal(test_server_count(f->server), 0);
    assert_int_equal(azure_sql_firewall_add(f->arm, &ref, "r", "1.2.3.4", &err), ENTRASQL_OK);
    /* The rule, never the collection: a PUT of that one replaces all rules. */
    assert_string_equal(fixture_line(f, 0), "PUT " SERVER_PATH "/firewallRules/r" SQL_VERSION);
    assert_string_equal(fixture_body(f, 0), "{\"properties\":{\"startIpAddress\":\"1.2.3.4\","
                                            "\"endIpAddress\":\"1.2.3.4\"}}");
    assert_int_equal(azure_sql_firewall_remove(f->arm, &ref, "r", &err), ENTRASQL_OK);
    assert_int_equal(azure_sql_firewall_remove(f->arm, &ref, "r", &err), ENTRASQL_OK);
    assert_int_equal(azure_sql_firewall_add(f->arm, &ref, "", "1.2.3.4", &err), ENTRASQL_INVALID);
}

/* ---- identities ---- */

#define IDENTITY                                                                                   \
    "{\"id\":\"" IDENTITY_ID_LOWER "\",\"name\":\"MigrationIdentity\",\"location\":\"w\","         \
    "\"properties\":{\"clientId\":\"" ADA "\",\"principalId\":\"" BOB "\",\"tenantId\":\"" BOB     \
    "\"}}"

static void test_identity(void **state)
{
    fixture *f = *state;
    const test_answer answers[] = {NONE,
                                   {.body = "{\"location\":\"westeurope\"}"},
                                   {.status = 201, .headers = "Location: /x\r\n", .body = IDENTITY},
                                   {.body = IDENTITY}};
    PLAY(f, answers);
    entrasql_error err;
    azure_identity i;
    bool created = false;
    assert_int_equal(azure_identity_ensure(f->arm, SUBSCRIPTION, "persons-rg", "MigrationIdentity",
                                           NULL, &i, &created, &err),
                     ENTRASQL_OK);
    assert_true(created);
    assert_string_equal(fixture_line(f, 2), "PUT " IDENTITY_ID "?api-version=2024-11-30");
    /* No tags: they would replace those that are there. */
    assert_string_equal(fixture_body(f, 2), "{\"location\":\"westeurope\"}");
    assert_string_equal(i.client_id, ADA);
    assert_int_equal(azure_identity_ensure(f->arm, SUBSCRIPTION, "persons-rg", "MigrationIdentity",
                                           NULL, &i, &created, &err),
                     ENTRASQL_OK);
    assert_false(created);
    assert_int_equal(test_server_count(f->server), 4);
    /* Where there is no group there is nothing to be made. */
    const test_answer no_group[] = {
        {.status = 404, .body = "{\"error\":{\"code\":\"ResourceGroupNotFound\"}}"}};
    PLAY(f, no_group);
    assert_int_equal(azure_identity_ensure(f->arm, SUBSCRIPTION, "persons-rg", "MigrationIdentity",
                                           "w", &i, &created, &err),
                     ENTRASQL_NOT_FOUND);
    assert_int_equal(test_server_count(f->server), 1);
    const test_answer half[] = {{.body = "{\"id\":\"" IDENTITY_ID "\",\"properties\":{}}"}};
    PLAY(f, half);
    assert_int_equal(azure_identity_get(f->arm, SUBSCRIPTION, "g", "abc", &i, &err),
                     ENTRASQL_MALFORMED);
}

#define CREDENTIAL(name, issuer, subject)                                                          \
    "{\"name\":\"" name "\",\"properties\":{\"issuer\":\"" issuer "\",\"subject\":\"" subject      \
    "\",\"audiences\":[\"api://AzureADTokenExchange\"]}}"
#define LIST(items) "{\"value\":[" items "]}"

static void test_federated(void **state)
{
    fixture *f = *state;
    const test_answer answers[] = {/* Without the slash at its end it is another issuer. */
                                   {.body = LIST(CREDENTIAL("other", "https://oidc/x", "s"))},
                                   {.status = 201, .body = "{}"},
                                   {.body = LIST(CREDENTIAL("other", "https://oidc/x/", "s"))},
                                   {.body = LIST(CREDENTIAL("FIC", "https://elsewhere/", "s"))},
                                   {.status = 204},
                                   NONE};
    PLAY(f, answers);
    entrasql_error err;
    bool changed = false;
    const azure_federated fic = {.name = "fic", .issuer = "https://oidc/x/", .subject = "s"};
    assert_int_equal(azure_federated_ensure(f->arm, SUBSCRIPTION, "persons-rg", "MigrationIdentity",
                                            &fic, &changed, &err),
                     ENTRASQL_OK);
    assert_true(changed);
    assert_string_equal(fixture_line(f, 1), "PUT " IDENTITY_ID "/federatedIdentityCredentials/fic"
                                            "?api-version=2024-11-30");
    assert_string_equal(fixture_body(f, 1),
                        "{\"properties\":{\"issuer\":\"https://oidc/x/\",\"subject\":\"s\","
                        "\"audiences\":[\"api://AzureADTokenExchange\"]}}");
    assert_int_equal(azure_federated_ensure(f->arm, SUBSCRIPTION, "persons-rg", "MigrationIdentity",
                                            &fic, &changed, &err),
                     ENTRASQL_OK);
    assert_false(changed);
    assert_int_equal(azure_federated_ensure(f->arm, SUBSCRIPTION, "persons-rg", "MigrationIdentity",
                                            &fic, &changed, &err),
                     ENTRASQL_EXISTS);
    for (int i = 0; i < 2; i++)
        assert_int_equal(azure_federated_delete(f->arm, SUBSCRIPTION, "persons-rg",
                                                "MigrationIdentity", "fic", &err),
                         ENTRASQL_OK);
}

#define CASE(name) cmocka_unit_test_setup(name, fixture_reset)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_logical_server), CASE(test_admin),    CASE(test_entra_only),
        CASE(test_firewall),       CASE(test_identity), CASE(test_federated),
    };
    return cmocka_run_group_tests(tests, fixture_set_up, fixture_tear_down);
}
