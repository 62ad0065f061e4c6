/* SPDX-License-Identifier: MIT */
/* Resource ids, the table of calls, roles, and every reader of an answer cut at every length. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "azure/arm_inner.h"
#include "azure/host_inner.h"
#include "azure/identity.h"
#include "azure/resource_id.h"
#include "azure/rights.h"

#include "base/mem.h"
#include "base/str.h"

#include <string.h>

#define SUB "/subscriptions/5AB5C810-7e57-4000-8000-000000000001"
#define ID SUB "/resourcegroups/rg/providers/Microsoft.Web/sites/app/slots/s"

/* ---- ids ---- */

static void test_ids(void **state)
{
    (void)state;
    azure_id id;
    entrasql_error err;
    assert_int_equal(azure_id_parse(ID, &id, &err), ENTRASQL_OK);
    assert_string_equal(id.subscription, "5ab5c810-7e57-4000-8000-000000000001");
    assert_int_equal(id.pairs, 2);
    assert_string_equal(id.names[1], "s");
    assert_false(azure_id_is_type(&id, "microsoft.web", "SITES"));
    es_buf out = ES_BUF_INIT(2048);
    assert_int_equal(azure_id_print(&id, &out), ENTRASQL_OK);
    assert_string_equal(es_buf_cstr(&out),
                        "/subscriptions/5ab5c810-7e57-4000-8000-000000000001/resourceGroups/rg/"
                        "providers/Microsoft.Web/sites/app/slots/s");
    assert_true(azure_id_equal(ID, es_buf_cstr(&out)));
    assert_false(azure_id_equal(ID, NULL));
    assert_false(azure_id_equal(NULL, NULL));
    es_buf_done(&out);
}

static void test_bad_ids(void **state)
{
    static const char *const bad[] = {"",
                                      "/",
                                      "x",
                                      SUB,
                                      SUB "/resourceGroups/rg",
                                      SUB "/resourceGroups/rg/providers/M",
                                      SUB "/resourceGroups/rg/providers/M/t",
                                      SUB "/resourceGroups/rg/providers/M/t/",
                                      SUB "/resourceGroups/rg/providers/M/t/n/",
                                      SUB "/resourceGroups/rg/providers/M/t/n/u",
                                      SUB "/resourceGroups//providers/M/t/n",
                                      SUB "/resourceGroups/../providers/M/t/n",
                                      SUB "/resourceGroups/rg/providers/M/t/a%2fb",
                                      SUB "/resourceGroups/rg/providers/M/t/a?b",
                                      SUB "/resourceGroups/rg/providers/M/t/a\nb",
                                      SUB "/group/rg/providers/M/t/n",
                                      SUB "x/resourceGroups/rg/providers/M/t/n",
                                      "/subscriptions/5ab5c810/resourceGroups/rg/providers/M/t/n",
                                      SUB "/resourceGroups/rg/providers/M/a/b/c/d/e/f/g/h/i/j"};
    (void)state;
    azure_id id = {.pairs = 77};
    entrasql_error err;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(azure_id_parse(bad[i], &id, &err), ENTRASQL_INVALID);
        assert_int_equal(id.pairs, 77);
    }
    char text[AZURE_ID_MAX + 8];
    memset(text, 'x', sizeof text);
    memcpy(text, SUB "/resourceGroups/rg/providers/M/t/", strlen(SUB) + 34);
    text[sizeof text - 1] = '\0';
    assert_int_equal(azure_id_parse(text, &id, &err), ENTRASQL_INVALID);
    /* Cut anywhere it is either whole up to a pair, or refused. */
    for (size_t n = 0; n < strlen(ID); n++) {
        char *cut = es_strndup(ID, n);
        entrasql_status status = azure_id_parse(cut, &id, &err);
        assert_true(status == ENTRASQL_INVALID || id.pairs == 1 || n == strlen(ID));
        es_free(cut);
    }
}

static void test_identity_names(void **state)
{
    static const char *const bad[] = {"", "ab", "-abc", "_abc", "a b c", "a.b.c", "abc\n", "äbc"};
    (void)state;
    entrasql_error err;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(azure_identity_name_check(bad[i], &err), ENTRASQL_INVALID);
    assert_int_equal(azure_identity_name_check("Migration_Identity-1", &err), ENTRASQL_OK);
    char text[131];
    memset(text, 'a', sizeof text);
    text[128] = '\0';
    assert_int_equal(azure_identity_name_check(text, &err), ENTRASQL_OK);
    text[128] = 'a';
    text[129] = '\0';
    assert_int_equal(azure_identity_name_check(text, &err), ENTRASQL_INVALID);
}

/* ---- calls and roles ---- */

static void test_calls(void **state)
{
    (void)state;
    for (unsigned i = 0; i < AZURE_CALL_COUNT; i++) {
        const azure_call *call = azure_call_get((azure_call_id)i);
        assert_non_null(call->name);
        assert_true(call->path[0] == '/' || es_starts_with(call->path, "{scope}"));
        assert_int_equal(strlen(call->version), strlen("2024-01-01"));
        assert_true(azure_call_arguments(call) <= AZURE_MAX_ARGUMENTS);
        assert_non_null(strchr(call->action, '/'));
        for (unsigned j = 0; j < i; j++)
            assert_false(es_streq(azure_call_get((azure_call_id)j)->name, call->name));
        /* Every action that a call needs is one that a role is known for. */
        assert_non_null(azure_right_find(call->action));
    }
    /* Twins: a slot's call stands right behind its site's. */
    assert_int_equal(AZURE_SLOT_GET, AZURE_SITE_GET + 1);
    assert_int_equal(AZURE_SLOT_SETTINGS_PUT, AZURE_SITE_SETTINGS_PUT + 1);
    assert_int_equal(AZURE_SLOT_CONNSTRS_PUT, AZURE_SITE_CONNSTRS_PUT + 1);
    assert_int_equal(AZURE_SLOT_RESTART, AZURE_SITE_RESTART + 1);
}

static void test_roles(void **state)
{
    static const struct {
        const char *action, *role;
    } cases[] = {
        {"Microsoft.Sql/servers/administrators/write", "SQL Server Contributor"},
        {"Microsoft.Sql/servers/azureADOnlyAuthentications/write", "SQL Security Manager"},
        {"Microsoft.Sql/servers/firewallRules/delete", "SQL Security Manager"},
        {"Microsoft.ManagedIdentity/userAssignedIdentities/write", "Managed Identity Contributor"},
        {"Microsoft.ManagedIdentity/userAssignedIdentities/assign/action",
         "Managed Identity Operator"},
        {"microsoft.managedidentity/userassignedidentities/*/assign/action",
         "Managed Identity Operator"},
        {"Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write",
         "Managed Identity Contributor"},
        {"Microsoft.Web/sites/config/list/action", "Website Contributor"},
        {"Microsoft.Web/sites/read", "Reader"},
        {"Microsoft.Compute/virtualMachines/write", "Virtual Machine Contributor"},
        {"Microsoft.Authorization/roleAssignments/write",
         "Role Based Access Control Administrator"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(azure_right_find(cases[i].action)->role, cases[i].role);
    assert_null(azure_right_find("Microsoft.KeyVault/vaults/write"));
    assert_null(azure_right_find(""));
    uint8_t guid[16];
    for (size_t i = 0; i < azure_right_count(); i++)
        assert_int_equal(es_guid_parse(azure_right_at(i)->role_id, guid), ENTRASQL_OK);
}

static void test_every_need_has_a_role(void **state)
{
    (void)state;
    for (const azure_host *const *h = azure_hosts(); *h != NULL; h++) {
        const azure_need *const lists[] = {(*h)->read_needs, (*h)->assign_needs, (*h)->write_needs,
                                           (*h)->restart_needs};
        assert_ptr_equal(azure_host_by_name((*h)->name), *h);
        assert_non_null((*h)->environment);
        for (size_t i = 0; i < 4; i++) {
            for (const azure_need *need = lists[i]; need->action != NULL; need++)
                assert_non_null(azure_right_find(need->action));
        }
    }
    assert_null(azure_host_by_name("web-app-2017"));
}

/* ---- cut answers ---- */

static void read_all(const char *text, size_t n)
{
    ES_CLEANUP(json_doc_cleanup) json_doc *doc = NULL;
    entrasql_error err;
    if (json_doc_parse(text, n, &doc, &err) != ENTRASQL_OK)
        return;
    azure_host_state s = {0};
    if (azure_resource_read(json_doc_root(doc), &s, &err) == ENTRASQL_OK)
        assert_non_null(s.id);
    if (azure_identity_read(json_doc_root(doc), &s, &err) != ENTRASQL_OK)
        assert_true(err.status == ENTRASQL_MALFORMED || err.status == ENTRASQL_LIMIT);
    azure_host_state_done(&s);
}

static void test_cut_resource(void **state)
{
    static const char text[] =
        "{\"id\":\"" ID "\",\"location\":\"w\",\"kind\":\"app\",\"identity\":{\"type\":"
        "\"SystemAssigned, UserAssigned\",\"principalId\":\"p\",\"tenantId\":\"t\","
        "\"userAssignedIdentities\":{\"" ID "\":{\"clientId\":\"c\",\"principalId\":\"q\"}}}}";
    (void)state;
    for (size_t n = 0; n <= strlen(text); n++)
        read_all(text, n);
}

static void test_strange_identities(void **state)
{
    static const struct {
        const char *text;
        entrasql_status status;
        bool system;
        size_t count;
    } cases[] = {
        {"{}", ENTRASQL_OK, false, 0},
        {"{\"identity\":null}", ENTRASQL_OK, false, 0},
        {"{\"identity\":{\"type\":\"None\"}}", ENTRASQL_OK, false, 0},
        {"{\"identity\":{\"type\":\"systemassigned\"}}", ENTRASQL_OK, true, 0},
        {"{\"identity\":{\"type\":\"SystemAssigned,UserAssigned\",\"userAssignedIdentities\":{"
         "\"a\":{},\"b\":null}}}",
         ENTRASQL_OK, true, 2},
        {"{\"identity\":{\"type\":\"UserAssigned\",\"userAssignedIdentities\":{\"a\":{"
         "\"clientId\":5}}}}",
         ENTRASQL_MALFORMED, false, 1},
        {"{\"identity\":{\"type\":7,\"userAssignedIdentities\":[1]}}", ENTRASQL_OK, false, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_doc *doc = NULL;
        entrasql_error err;
        azure_host_state s = {0};
        assert_int_equal(json_doc_parse(cases[i].text, strlen(cases[i].text), &doc, &err),
                         ENTRASQL_OK);
        assert_int_equal(azure_identity_read(json_doc_root(doc), &s, &err), cases[i].status);
        assert_int_equal(s.has_system_identity, cases[i].system);
        assert_int_equal(s.identity_count, cases[i].count);
        azure_host_state_done(&s);
        json_doc_free(doc);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_bad_ids),
        cmocka_unit_test(test_identity_names),
        cmocka_unit_test(test_calls),
        cmocka_unit_test(test_roles),
        cmocka_unit_test(test_every_need_has_a_role),
        cmocka_unit_test(test_cut_resource),
        cmocka_unit_test(test_strange_identities),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
