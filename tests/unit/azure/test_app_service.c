/* SPDX-License-Identifier: MIT */
/* App Service: what is read, and that no write loses what it does not touch. */
#include "common.h"

#include "azure/host_inner.h"
#include "azure/resource_id.h"

#include <string.h>

#define SITE_PATH GROUP_PATH "/providers/Microsoft.Web/sites/persons-app"
#define OTHER_ID GROUP_PATH "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/Other"
#define VERSION "?api-version=2023-12-01"

static const azure_host_ref site = {
    .host = &azure_host_app_service,
    .subscription = SUBSCRIPTION,
    .resource_group = "persons-rg",
    .name = "persons-app",
};

#define SITE_JSON(identity)                                                                        \
    "{\"id\":\"" SITE_PATH "\",\"name\":\"persons-app\",\"location\":\"westeurope\","              \
    "\"kind\":\"app,linux\",\"properties\":{\"state\":\"Running\"}" identity "}"
#define NO_IDENTITY SITE_JSON("")
#define BOTH_KINDS                                                                                 \
    SITE_JSON(",\"identity\":{\"type\":\"SystemAssigned,UserAssigned\",\"principalId\":"           \
              "\"11111111-0000-0000-0000-000000000001\",\"tenantId\":\"t\","                       \
              "\"userAssignedIdentities\":{\"" OTHER_ID "\":{\"clientId\":\"c\","                  \
              "\"principalId\":\"p\"}}}")
#define ALL_THREE                                                                                  \
    SITE_JSON(",\"identity\":{\"type\":\"SystemAssigned, UserAssigned\",\"principalId\":"          \
              "\"11111111-0000-0000-0000-000000000001\",\"tenantId\":\"t\","                       \
              "\"userAssignedIdentities\":{\"" OTHER_ID "\":{\"clientId\":\"c\","                  \
              "\"principalId\":\"p\"},\"" IDENTITY_ID_LOWER "\":{\"clientId\":\"d\"}}}")
#define LOST_OTHER                                                                                 \
    SITE_JSON(",\"identity\":{\"type\":\"SystemAssigned, UserAssigned\",\"principalId\":"          \
              "\"11111111-0000-0000-0000-000000000001\","                                          \
              "\"userAssignedIdentities\":{\"" IDENTITY_ID "\":{}}}")
#define NEW_SYSTEM                                                                                 \
    SITE_JSON(",\"identity\":{\"type\":\"SystemAssigned, UserAssigned\",\"principalId\":"          \
              "\"22222222-0000-0000-0000-000000000001\",\"userAssignedIdentities\":{\"" OTHER_ID   \
              "\":{},\"" IDENTITY_ID "\":{}}}")
#define SETTINGS(pairs) "{\"name\":\"appsettings\",\"properties\":{" pairs "}}"
#define OLD_PAIRS                                                                                  \
    "\"A\":\"1\",\"AZURE_SQL_CONNECTIONSTRING\":\"Server=s;UID=u;PWD=top;secret\","                \
    "\"K\":\"@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/secrets/x/)\""
#define CONNSTRS                                                                                   \
    "{\"properties\":{\"Default\":{\"value\":\"Server=s;Password=p\",\"type\":\"SQLAzure\"}}}"
#define STICKY "{\"properties\":{\"appSettingNames\":[\"A\"],\"connectionStringNames\":null}}"

/* ---- reading ---- */

static void test_read(void **state)
{
    fixture *f = *state;
    const test_answer answers[] = {
        {.body = BOTH_KINDS}, {.body = SETTINGS(OLD_PAIRS)}, {.body = CONNSTRS}, {.body = STICKY}};
    PLAY(f, answers);
    entrasql_error err;
    azure_host_state s;
    assert_int_equal(azure_host_read(f->arm, &site, &s, &err), ENTRASQL_OK);
    assert_string_equal(fixture_line(f, 0), "GET " SITE_PATH VERSION);
    assert_string_equal(fixture_line(f, 1), "POST " SITE_PATH "/config/appsettings/list" VERSION);
    assert_string_equal(fixture_line(f, 3), "GET " SITE_PATH "/config/slotConfigNames" VERSION);
    assert_true(s.has_system_identity);
    assert_string_equal(s.system_principal_id, "11111111-0000-0000-0000-000000000001");
    assert_int_equal(s.identity_count, 1);
    assert_string_equal(s.identities[0].client_id, "c");
    assert_int_equal(s.setting_count, 4);
    const azure_setting *a = azure_host_find_setting(&s, AZURE_SETTING, "A");
    assert_true(a->is_sticky && !a->is_reference);
    assert_true(azure_host_find_setting(&s, AZURE_SETTING, "K")->is_reference);
    const azure_setting *c = azure_host_find_setting(&s, AZURE_CONNECTION_STRING, "Default");
    assert_string_equal(c->type, "SQLAzure");
    assert_null(azure_host_find_setting(&s, AZURE_SETTING, "a"));
    char name[64];
    azure_setting_variable(c, name, sizeof name);
    assert_string_equal(name, "SQLAZURECONNSTR_Default");
    azure_host_state_done(&s);
}

static void test_slot(void **state)
{
    fixture *f = *state;
    const test_answer answers[] = {
        {.body = NO_IDENTITY}, {.body = SETTINGS("")}, {.body = CONNSTRS}, {.body = STICKY}};
    PLAY(f, answers);
    entrasql_error err;
    azure_host_state s;
    azure_host_ref slot = site;
    slot.slot = "staging";
    assert_int_equal(azure_host_read(f->arm, &slot, &s, &err), ENTRASQL_OK);
    assert_string_equal(fixture_line(f, 0), "GET " SITE_PATH "/slots/staging" VERSION);
    assert_string_equal(fixture_line(f, 2),
                        "POST " SITE_PATH "/slots/staging/config/connectionstrings/list" VERSION);
    /* Only the production site has these. */
    assert_string_equal(fixture_line(f, 3), "GET " SITE_PATH "/config/slotConfigNames" VERSION);
    char name[128];
    azure_host_system_name(&slot, name, sizeof name);
    assert_string_equal(name, "persons-app/slots/staging");
    azure_host_state_done(&s);
}

/* ---- identities ---- */

#define READ_BACK(site_json)                                                                       \
    {.body = (site_json)}, {.body = SETTINGS("")}, {.body = CONNSTRS},                             \
    {                                                                                              \
        .body = STICKY                                                                             \
    }

static void test_assign(void **state)
{
    fixture *f = *state;
    const test_answer answers[] = {READ_BACK(BOTH_KINDS), {.body = "{}"}, READ_BACK(ALL_THREE)};
    PLAY(f, answers);
    entrasql_error err;
    bool changed = false;
    assert_int_equal(azure_host_assign(f->arm, &site, IDENTITY_ID, &changed, &err), ENTRASQL_OK);
    assert_true(changed);
    assert_string_equal(fixture_line(f, 4), "PATCH " SITE_PATH VERSION);
    assert_string_equal(fixture_body(f, 4),
                        "{\"identity\":{\"type\":\"SystemAssigned, UserAssigned\","
                        "\"userAssignedIdentities\":{\"" OTHER_ID "\":{},\"" IDENTITY_ID
                        "\":{}}}}");
}

static void test_assign_is_there(void **state)
{
    fixture *f = *state;
    const test_answer answers[] = {READ_BACK(ALL_THREE)};
    PLAY(f, answers);
    entrasql_error err;
    bool changed = true;
    /* Spelled otherwise, and still the same. */
    assert_int_equal(azure_host_assign(f->arm, &site, IDENTITY_ID, &changed, &err), ENTRASQL_OK);
    assert_false(changed);
    assert_int_equal(test_server_count(f->server), 4);
}

static void test_assign_first(void **state)
{
    fixture *f = *state;
    const test_answer answers[] = {READ_BACK(NO_IDENTITY), {.body = "{}"}, READ_BACK(ALL_THREE)};
    PLAY(f, answers);
    entrasql_error err;
    bool changed;
    assert_int_equal(azure_host_assign(f->arm, &site, IDENTITY_ID, &changed, &err), ENTRASQL_OK);
    assert_string_equal(
        fixture_body(f, 4),
        "{\"identity\":{\"type\":\"UserAssigned\",\"userAssignedIdentities\":{\"" IDENTITY_ID
        "\":{}}}}");
}

static void test_assign_loses_other(void **state)
{
    fixture *f = *state;
    const test_answer answers[] = {READ_BACK(BOTH_KINDS), {.body = "{}"}, READ_BACK(LOST_OTHER)};
    PLAY(f, answers);
    entrasql_error err;
    bool changed;
    assert_int_equal(azure_host_assign(f->arm, &site, IDENTITY_ID, &changed, &err),
                     ENTRASQL_MALFORMED);
    assert_non_null(strstr(err.message, "lost its identity " OTHER_ID));
    const test_answer system[] = {READ_BACK(BOTH_KINDS), {.body = "{}"}, READ_BACK(NEW_SYSTEM)};
    PLAY(f, system);
    assert_int_equal(azure_host_assign(f->arm, &site, IDENTITY_ID, &changed, &err),
                     ENTRASQL_MALFORMED);
    assert_non_null(strstr(err.message, "lost its system-assigned identity"));
}

static void test_unassign(void **state)
{
    fixture *f = *state;
    const test_answer answers[] = {READ_BACK(ALL_THREE), {.body = "{}"}, READ_BACK(BOTH_KINDS)};
    PLAY(f, answers);
    entrasql_error err;
    bool changed = false;
    assert_int_equal(azure_host_unassign(f->arm, &site, IDENTITY_ID, &changed, &err), ENTRASQL_OK);
    assert_true(changed);
    assert_string_equal(fixture_body(f, 4),
                        "{\"identity\":{\"type\":\"SystemAssigned, UserAssigned\","
                        "\"userAssignedIdentities\":{\"" OTHER_ID "\":{},\"" IDENTITY_ID_LOWER
                        "\":null}}}");
}

static void test_system(void **state)
{
    fixture *f = *state;
    const test_answer answers[] = {READ_BACK(NO_IDENTITY), {.body = "{}"}, READ_BACK(BOTH_KINDS)};
    PLAY(f, answers);
    entrasql_error err;
    bool changed = false;
    assert_int_equal(azure_host_assign(f->arm, &site, NULL, &changed, &err), ENTRASQL_OK);
    assert_string_equal(fixture_body(f, 4), "{\"identity\":{\"type\":\"SystemAssigned\"}}");
}

/* ---- settings ---- */

#define NEW_PAIRS                                                                                  \
    "\"A\":\"1\",\"AZURE_SQL_CONNECTIONSTRING\":\"Server=s\","                                     \
    "\"K\":\"@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/secrets/x/)\","               \
    "\"AZURE_CLIENT_ID\":\"cid\""

static const azure_change two[] = {
    {.kind = AZURE_SETTING, .name = "AZURE_SQL_CONNECTIONSTRING", .value = "Server=s"},
    {.kind = AZURE_SETTING, .name = "AZURE_CLIENT_ID", .value = "cid"},
};

static void test_write(void **state)
{
    fixture *f = *state;
    const test_answer answers[] = {{.body = SETTINGS(OLD_PAIRS)},
                                   {.body = SETTINGS(OLD_PAIRS)},
                                   {.body = SETTINGS(NEW_PAIRS)},
                                   {.body = SETTINGS(NEW_PAIRS)}};
    PLAY(f, answers);
    entrasql_error err;
    assert_int_equal(azure_host_write(f->arm, &site, two, 2, &err), ENTRASQL_OK);
    assert_string_equal(fixture_line(f, 2), "PUT " SITE_PATH "/config/appsettings" VERSION);
    assert_string_equal(fixture_body(f, 2), "{\"properties\":{" NEW_PAIRS "}}");
    assert_int_equal(test_server_count(f->server), 4);
}

static void test_write_nothing(void **state)
{
    fixture *f = *state;
    const test_answer answers[] = {{.body = SETTINGS(NEW_PAIRS)}};
    PLAY(f, answers);
    entrasql_error err;
    assert_int_equal(azure_host_write(f->arm, &site, two, 2, &err), ENTRASQL_OK);
    /* No restart for nothing. */
    assert_int_equal(test_server_count(f->server), 1);
}

/* Somebody adds a setting between the read and the write: it must survive. */
static void test_write_race(void **state)
{
    fixture *f = *state;
    const test_answer answers[] = {{.body = SETTINGS(OLD_PAIRS)},
                                   {.body = SETTINGS(OLD_PAIRS ",\"B\":\"2\"")},
                                   {.body = SETTINGS(OLD_PAIRS ",\"B\":\"2\"")},
                                   {.body = SETTINGS(OLD_PAIRS ",\"B\":\"2\"")},
                                   {.body = "{}"},
                                   {.body = SETTINGS(NEW_PAIRS ",\"B\":\"2\"")}};
    PLAY(f, answers);
    entrasql_error err;
    assert_int_equal(azure_host_write(f->arm, &site, two, 2, &err), ENTRASQL_OK);
    assert_non_null(strstr(fixture_body(f, 4), "\"B\":\"2\""));
}

static void test_write_is_lost(void **state)
{
    fixture *f = *state;
    const test_answer answers[] = {{.body = SETTINGS(OLD_PAIRS)},
                                   {.body = SETTINGS(OLD_PAIRS)},
                                   {.body = "{}"},
                                   {.body = SETTINGS(OLD_PAIRS)}};
    PLAY(f, answers);
    entrasql_error err;
    assert_int_equal(azure_host_write(f->arm, &site, two, 2, &err), ENTRASQL_BUSY);
    assert_non_null(strstr(err.message, "AZURE_SQL_CONNECTIONSTRING is not as"));
    assert_null(strstr(err.message, "top"));
}

static void test_write_connection_string(void **state)
{
    fixture *f = *state;
    const test_answer answers[] = {
        {.body = CONNSTRS},
        {.body = CONNSTRS},
        {.body = "{}"},
        {.body = "{\"properties\":{\"Default\":{\"value\":\"Server=s\",\"type\":\"SQLAzure\"}}}"}};
    PLAY(f, answers);
    entrasql_error err;
    const azure_change change = {
        .kind = AZURE_CONNECTION_STRING, .name = "Default", .value = "Server=s"};
    assert_int_equal(azure_host_write(f->arm, &site, &change, 1, &err), ENTRASQL_OK);
    assert_string_equal(
        fixture_body(f, 2),
        "{\"properties\":{\"Default\":{\"value\":\"Server=s\",\"type\":\"SQLAzure\"}}}");
}

static void test_remove(void **state)
{
    fixture *f = *state;
    const test_answer answers[] = {{.body = SETTINGS("\"A\":\"1\",\"B\":\"2\"")},
                                   {.body = SETTINGS("\"A\":\"1\",\"B\":\"2\"")},
                                   {.body = "{}"},
                                   {.body = SETTINGS("\"B\":\"2\"")}};
    PLAY(f, answers);
    entrasql_error err;
    const azure_change change = {.kind = AZURE_SETTING, .name = "A"};
    assert_int_equal(azure_host_write(f->arm, &site, &change, 1, &err), ENTRASQL_OK);
    assert_string_equal(fixture_body(f, 2), "{\"properties\":{\"B\":\"2\"}}");
}

static void test_sticky(void **state)
{
    fixture *f = *state;
    const test_answer answers[] = {
        {.body = STICKY},       {.body = "{}"}, {.body = SETTINGS("")},
        {.body = SETTINGS("")}, {.body = "{}"}, {.body = SETTINGS("\"AZURE_CLIENT_ID\":\"cid\"")}};
    PLAY(f, answers);
    entrasql_error err;
    azure_host_ref slot = site;
    slot.slot = "staging";
    const azure_change change = {
        .kind = AZURE_SETTING, .name = "AZURE_CLIENT_ID", .value = "cid", .make_sticky = true};
    assert_int_equal(azure_host_write(f->arm, &slot, &change, 1, &err), ENTRASQL_OK);
    assert_string_equal(fixture_line(f, 1), "PUT " SITE_PATH "/config/slotConfigNames" VERSION);
    assert_string_equal(fixture_body(f, 1),
                        "{\"properties\":{\"appSettingNames\":[\"A\",\"AZURE_CLIENT_ID\"],"
                        "\"connectionStringNames\":[]}}");
    assert_string_equal(fixture_line(f, 4),
                        "PUT " SITE_PATH "/slots/staging/config/appsettings" VERSION);
}

static void test_restart(void **state)
{
    fixture *f = *state;
    const test_answer answers[] = {{.status = 200}};
    PLAY(f, answers);
    entrasql_error err;
    assert_int_equal(azure_host_restart(f->arm, &site, &err), ENTRASQL_OK);
    assert_string_equal(fixture_line(f, 0),
                        "POST " SITE_PATH "/restart" VERSION "&softRestart=true&synchronous=true");
}

static void test_names(void **state)
{
    fixture *f = *state;
    entrasql_error err;
    azure_host_state s;
    azure_host_ref bad = site;
    bad.name = "a/b";
    assert_int_equal(azure_host_read(f->arm, &bad, &s, &err), ENTRASQL_INVALID);
    bad = site;
    bad.subscription = "not-a-guid";
    assert_int_equal(azure_host_read(f->arm, &bad, &s, &err), ENTRASQL_INVALID);
    bad = site;
    bad.resource_group = NULL;
    assert_int_equal(azure_host_read(f->arm, &bad, &s, &err), ENTRASQL_INVALID);
    assert_int_equal(test_server_count(f->server), 0);
}

#define CASE(name) cmocka_unit_test_setup(name, fixture_reset)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_read),
        CASE(test_slot),
        CASE(test_assign),
        CASE(test_assign_is_there),
        CASE(test_assign_first),
        CASE(test_assign_loses_other),
        CASE(test_unassign),
        CASE(test_system),
        CASE(test_write),
        CASE(test_write_nothing),
        CASE(test_write_race),
        CASE(test_write_is_lost),
        CASE(test_write_connection_string),
        CASE(test_remove),
        CASE(test_sticky),
        CASE(test_restart),
        CASE(test_names),
    };
    return cmocka_run_group_tests(tests, fixture_set_up, fixture_tear_down);
}
