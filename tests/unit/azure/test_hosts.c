/* SPDX-License-Identifier: MIT */
/* Container Apps, Spring Apps, machines, scale sets, AKS: what is read and what is sent. */
#include "common.h"

#include "azure/aks.h"
#include "azure/container_secret.h"
#include "azure/vm.h"

#include <string.h>

#define REF(kind)                                                                                  \
    {                                                                                              \
        .host = &(kind), .subscription = SUBSCRIPTION, .resource_group = "persons-rg",             \
        .name = "persons"                                                                          \
    }
#define USER_IDENTITY(id)                                                                          \
    ",\"identity\":{\"type\":\"UserAssigned\",\"userAssignedIdentities\":{\"" id                   \
    "\":{\"clientId\":\"c\",\"principalId\":\"p\"}}}"

/* ---- Container Apps ---- */

#define APP_PATH GROUP_PATH "/providers/Microsoft.App/containerApps/persons"
#define APP_VERSION "?api-version=2024-03-01"
#define APP(env, identity)                                                                         \
    "{\"id\":\"" APP_PATH "\",\"location\":\"westeurope\",\"properties\":{"                        \
    "\"provisioningState\":\"Succeeded\",\"latestRevisionName\":\"persons--r1\","                  \
    "\"configuration\":{\"activeRevisionsMode\":\"Multiple\",\"secrets\":[{\"name\":\"cs\"}]},"    \
    "\"template\":{\"containers\":[{\"name\":\"side\",\"image\":\"i\"},"                           \
    "{\"image\":\"j\",\"name\":\"main\",\"env\":[" env "],\"resources\":{\"cpu\":0.5}}],"          \
    "\"scale\":{\"maxReplicas\":3}}}" identity "}"
#define OLD_ENV                                                                                    \
    "{\"name\":\"A\",\"value\":\"1\"},{\"name\":\"AZURE_SQL_CONNECTIONSTRING\","                   \
    "\"secretRef\":\"cs\"}"
#define NEW_ENV                                                                                    \
    "{\"name\":\"A\",\"value\":\"1\"},{\"name\":\"AZURE_SQL_CONNECTIONSTRING\","                   \
    "\"value\":\"Server=s\"},{\"name\":\"AZURE_CLIENT_ID\",\"value\":\"cid\"}"
#define SECRETS "{\"value\":[{\"name\":\"cs\",\"value\":\"Server=s;PWD=x\"}]}"

static const azure_change two[] = {
    {.kind = AZURE_SETTING, .name = "AZURE_SQL_CONNECTIONSTRING", .value = "Server=s"},
    {.kind = AZURE_SETTING, .name = "AZURE_CLIENT_ID", .value = "cid"},
};

static void test_container_app_read(void **state)
{
    fixture *f = *state;
    const test_answer answers[] = {{.body = APP(OLD_ENV, "")}, {.body = SECRETS}};
    PLAY(f, answers);
    entrasql_error err;
    azure_host_state s;
    azure_host_ref ref = REF(azure_host_container_app);
    ref.container = "main";
    assert_int_equal(azure_host_read(f->arm, &ref, &s, &err), ENTRASQL_OK);
    assert_string_equal(fixture_line(f, 0), "GET " APP_PATH APP_VERSION);
    assert_string_equal(fixture_line(f, 1), "POST " APP_PATH "/listSecrets" APP_VERSION);
    const azure_setting *c =
        azure_host_find_setting(&s, AZURE_SETTING, "AZURE_SQL_CONNECTIONSTRING");
    assert_string_equal(c->value, "Server=s;PWD=x");
    assert_string_equal(c->secret, "cs");
    assert_true(c->is_reference && s.many_revisions);
    assert_string_equal(s.deployment, "persons--r1");
    azure_host_state_done(&s);
}

static void test_container_app_write(void **state)
{
    fixture *f = *state;
    const test_answer answers[] = {{.body = APP(OLD_ENV, "")},
                                   {.body = APP(OLD_ENV, "")},
                                   {.body = APP(NEW_ENV, "")},
                                   {.body = APP(NEW_ENV, "")}};
    PLAY(f, answers);
    entrasql_error err;
    azure_host_ref ref = REF(azure_host_container_app);
    ref.container = "main";
    assert_int_equal(azure_host_write(f->arm, &ref, two, 2, &err), ENTRASQL_OK);
    assert_string_equal(fixture_line(f, 2), "PATCH " APP_PATH APP_VERSION);
    /* Every container whole, nothing beside them: scale and secrets stay by the merge. */
    assert_string_equal(fixture_body(f, 2),
                        "{\"properties\":{\"template\":{\"containers\":["
                        "{\"name\":\"side\",\"image\":\"i\"},"
                        "{\"image\":\"j\",\"name\":\"main\",\"resources\":{\"cpu\":0.5},"
                        "\"env\":[" NEW_ENV "]}]}}}");
}

static void test_container_app_back(void **state)
{
    fixture *f = *state;
    const test_answer answers[] = {{.body = APP(NEW_ENV, "")},
                                   {.body = APP(NEW_ENV, "")},
                                   {.body = "{}"},
                                   {.body = APP(OLD_ENV, "")},
                                   {.body = SECRETS}};
    PLAY(f, answers);
    entrasql_error err;
    azure_host_ref ref = REF(azure_host_container_app);
    ref.container = "main";
    const azure_change back[] = {
        {.name = "AZURE_SQL_CONNECTIONSTRING", .value = "Server=s;PWD=x", .secret = "cs"},
        {.name = "AZURE_CLIENT_ID"},
    };
    assert_int_equal(azure_host_write(f->arm, &ref, back, 2, &err), ENTRASQL_OK);
    assert_non_null(strstr(fixture_body(f, 2), "\"env\":[" OLD_ENV "]"));
    assert_null(strstr(fixture_body(f, 2), "PWD"));
}

#define MORE_SECRETS(values)                                                                       \
    "{\"value\":[{\"name\":\"a\",\"value\":\"1\"},{\"name\":\"cs\",\"value\":\"x\"},{\"name\":"    \
    "\"kv\",\"keyVaultUrl\":\"https://v/secrets/s\",\"identity\":\"system\"}" values "]}"

/* The list goes as a whole: the others with what they were listed with. */
static void test_container_app_secret(void **state)
{
    fixture *f = *state;
    const test_answer answers[] = {
        {.body = MORE_SECRETS("")}, {.body = MORE_SECRETS("")}, {.body = "{}"},
        {.body = SECRETS},          {.body = SECRETS},          {.body = "{}"}};
    PLAY(f, answers);
    entrasql_error err;
    const azure_host_ref ref = REF(azure_host_container_app);
    assert_int_equal(azure_container_secret_write(f->arm, &ref, "CS", NULL, &err), ENTRASQL_OK);
    assert_string_equal(fixture_line(f, 2), "PATCH " APP_PATH APP_VERSION);
    assert_string_equal(fixture_body(f, 2),
                        "{\"properties\":{\"configuration\":{\"secrets\":["
                        "{\"name\":\"a\",\"value\":\"1\"},{\"name\":\"kv\",\"keyVaultUrl\":"
                        "\"https://v/secrets/s\",\"identity\":\"system\"}]}}}");
    assert_int_equal(azure_container_secret_write(f->arm, &ref, "new", "y", &err), ENTRASQL_OK);
    assert_string_equal(fixture_body(f, 5), "{\"properties\":{\"configuration\":{\"secrets\":["
                                            "{\"name\":\"cs\",\"value\":\"Server=s;PWD=x\"},"
                                            "{\"name\":\"new\",\"value\":\"y\"}]}}}");
}

/* Somebody else's new secret is not lost; who writes all the time is told so. */
static void test_container_app_secret_of_others(void **state)
{
    fixture *f = *state;
    const test_answer answers[] = {
        {.body = MORE_SECRETS("")}, {.body = MORE_SECRETS(",{\"name\":\"b\",\"value\":\"2\"}")},
        {.body = MORE_SECRETS("")}, {.body = MORE_SECRETS(",{\"name\":\"b\",\"value\":\"2\"}")},
        {.body = MORE_SECRETS("")}, {.body = MORE_SECRETS(",{\"name\":\"b\",\"value\":\"2\"}")}};
    PLAY(f, answers);
    entrasql_error err;
    const azure_host_ref ref = REF(azure_host_container_app);
    assert_int_equal(azure_container_secret_write(f->arm, &ref, "cs", NULL, &err), ENTRASQL_BUSY);
    assert_null(strstr(err.message, "\"x\""));
}

static void test_container_app_assign(void **state)
{
    fixture *f = *state;
    const test_answer answers[] = {
        {.body = APP("", "")},
        {.status = 202, .headers = "Location: /x\r\n"},
    };
    PLAY(f, answers);
    entrasql_error err;
    bool changed;
    const azure_host_ref ref = REF(azure_host_container_app);
    /* A relative Location is not an address that may get the token. */
    assert_int_equal(azure_host_assign(f->arm, &ref, IDENTITY_ID, &changed, &err),
                     ENTRASQL_MALFORMED);
    assert_string_equal(
        fixture_body(f, 1),
        "{\"identity\":{\"type\":\"UserAssigned\",\"userAssignedIdentities\":{\"" IDENTITY_ID
        "\":{}}}}");
}

/* ---- Spring Apps ---- */

#define SPRING_PATH GROUP_PATH "/providers/Microsoft.AppPlatform/Spring/svc/apps/persons"
#define SPRING_VERSION "?api-version=2023-12-01"
#define SPRING_APP "{\"id\":\"" SPRING_PATH "\",\"location\":\"westeurope\",\"properties\":{}}"
#define DEPLOYMENTS(env)                                                                           \
    "{\"value\":[{\"name\":\"blue\",\"properties\":{\"active\":false}},"                           \
    "{\"name\":\"green\",\"properties\":{\"active\":true,\"deploymentSettings\":{"                 \
    "\"environmentVariables\":{" env "}}}}]}"

static void test_spring_write(void **state)
{
    fixture *f = *state;
    const test_answer answers[] = {
        {.body = DEPLOYMENTS("\"A\":\"1\",\"OLD\":\"x\"")},
        {.body = DEPLOYMENTS("\"A\":\"1\",\"OLD\":\"x\"")},
        {.body = "{}"},
        {.body = SPRING_APP},
        /* A merge: what was left out is still there, and has to be sent as null. */
        {.body = DEPLOYMENTS("\"A\":\"1\",\"OLD\":\"x\",\"NEW\":\"y\"")},
        {.body = DEPLOYMENTS("\"A\":\"1\",\"OLD\":\"x\",\"NEW\":\"y\"")},
        {.body = DEPLOYMENTS("\"A\":\"1\",\"OLD\":\"x\",\"NEW\":\"y\"")},
        {.body = "{}"},
        {.body = SPRING_APP},
        {.body = DEPLOYMENTS("\"A\":\"1\",\"NEW\":\"y\"")},
    };
    PLAY(f, answers);
    entrasql_error err;
    azure_host_ref ref = REF(azure_host_spring_app);
    ref.service = "svc";
    const azure_change changes[] = {{.name = "OLD"}, {.name = "NEW", .value = "y"}};
    assert_int_equal(azure_host_write(f->arm, &ref, changes, 2, &err), ENTRASQL_OK);
    assert_string_equal(fixture_line(f, 0), "GET " SPRING_PATH "/deployments" SPRING_VERSION);
    assert_string_equal(fixture_line(f, 2),
                        "PATCH " SPRING_PATH "/deployments/green" SPRING_VERSION);
    assert_string_equal(fixture_body(f, 2), "{\"properties\":{\"deploymentSettings\":{"
                                            "\"environmentVariables\":{\"A\":\"1\","
                                            "\"NEW\":\"y\"}}}}");
    assert_string_equal(fixture_body(f, 7), "{\"properties\":{\"deploymentSettings\":{"
                                            "\"environmentVariables\":{\"A\":\"1\","
                                            "\"OLD\":null,\"NEW\":\"y\"}}}}");
}

static void test_spring_names(void **state)
{
    fixture *f = *state;
    const test_answer answers[] = {{.body = SPRING_APP}, {.body = "{\"value\":[]}"}};
    PLAY(f, answers);
    entrasql_error err;
    azure_host_state s;
    azure_host_ref ref = REF(azure_host_spring_app);
    assert_int_equal(azure_host_read(f->arm, &ref, &s, &err), ENTRASQL_INVALID);
    ref.service = "svc";
    assert_int_equal(azure_host_read(f->arm, &ref, &s, &err), ENTRASQL_NOT_FOUND);
    assert_non_null(strstr(err.message, "no active deployment"));
    azure_host_state_done(&s);
    char name[64];
    azure_host_system_name(&ref, name, sizeof name);
    assert_string_equal(name, "svc/apps/persons");
}

/* ---- machines ---- */

#define VM_PATH GROUP_PATH "/providers/Microsoft.Compute/virtualMachines/persons"
#define VMSS_PATH GROUP_PATH "/providers/Microsoft.Compute/virtualMachineScaleSets/persons"
#define COMPUTE_VERSION "?api-version=2024-07-01"

static void test_vm_assign(void **state)
{
    fixture *f = *state;
    const test_answer answers[] = {
        {.body = "{\"id\":\"" VM_PATH "\",\"identity\":{\"type\":\"SystemAssigned\","
                 "\"principalId\":\"p\"}}"},
        {.body = "{\"properties\":{\"provisioningState\":\"Updating\"}}"},
        {.body = "{\"properties\":{\"provisioningState\":\"Updating\"}}"},
        {.body = "{\"properties\":{\"provisioningState\":\"Succeeded\"}}"},
        {.body =
             "{\"id\":\"" VM_PATH "\",\"identity\":{\"type\":\"SystemAssigned, UserAssigned\","
             "\"principalId\":\"p\",\"userAssignedIdentities\":{\"" IDENTITY_ID_LOWER "\":{}}}}"},
    };
    PLAY(f, answers);
    entrasql_error err;
    bool changed = false;
    const azure_host_ref ref = REF(azure_host_vm);
    assert_int_equal(azure_host_assign(f->arm, &ref, IDENTITY_ID, &changed, &err), ENTRASQL_OK);
    assert_true(changed);
    assert_string_equal(fixture_line(f, 1), "PATCH " VM_PATH COMPUTE_VERSION);
    assert_non_null(strstr(fixture_body(f, 1), "\"type\":\"SystemAssigned, UserAssigned\""));
    assert_string_equal(fixture_line(f, 2), "GET " VM_PATH COMPUTE_VERSION);
    assert_int_equal(f->waits, 2);
    assert_string_equal(f->states[0], "Updating");
    assert_int_equal(azure_host_write(f->arm, &ref, two, 2, &err), ENTRASQL_UNSUPPORTED);
}

static void test_vm_run(void **state)
{
    fixture *f = *state;
    const test_answer answers[] = {
        {.body = "{\"value\":[{\"code\":\"ProvisioningState/succeeded\",\"message\":\"Enable "
                 "succeeded: \\n[stdout]\\nhello\\nentrasql-script-done\\n\\n[stderr]\\n\"}]}"},
        {.body = "{\"value\":[{\"code\":\"ProvisioningState/succeeded\",\"message\":\"Enable "
                 "succeeded: \\n[stdout]\\n\\n[stderr]\\nno such unit\\n\"}]}"},
        {.status = 503},
    };
    PLAY(f, answers);
    entrasql_error err;
    char output[AZURE_RUN_OUTPUT_SIZE];
    const azure_host_ref ref = REF(azure_host_vm);
    assert_int_equal(azure_vm_run(f->arm, &ref, "set -eu\necho hello\n", output, &err),
                     ENTRASQL_OK);
    assert_string_equal(fixture_line(f, 0), "POST " VM_PATH "/runCommand" COMPUTE_VERSION);
    assert_string_equal(fixture_body(f, 0),
                        "{\"commandId\":\"RunShellScript\",\"script\":[\"set -eu\","
                        "\"echo hello\",\"echo entrasql-script-done\"]}");
    assert_non_null(strstr(output, "hello"));
    /* Azure says it succeeded; the script did not. */
    assert_int_equal(azure_vm_run(f->arm, &ref, "x", output, &err), ENTRASQL_INVALID);
    assert_non_null(strstr(err.message, "no such unit"));
    /* Nobody knows whether it ran: not a second time. */
    assert_int_equal(azure_vm_run(f->arm, &ref, "x", output, &err), ENTRASQL_NETWORK);
    assert_int_equal(test_server_count(f->server), 3);
}

static void test_vmss(void **state)
{
    fixture *f = *state;
    const test_answer answers[] = {
        {.body = "{\"id\":\"" VMSS_PATH "\",\"properties\":{\"upgradePolicy\":{\"mode\":"
                 "\"Manual\"}}" USER_IDENTITY(IDENTITY_ID) "}"},
        {.status = 200},
    };
    PLAY(f, answers);
    entrasql_error err;
    azure_host_state s;
    const azure_host_ref ref = REF(azure_host_vmss);
    assert_int_equal(azure_host_read(f->arm, &ref, &s, &err), ENTRASQL_OK);
    assert_true(s.needs_upgrade);
    azure_host_state_done(&s);
    assert_int_equal(azure_host_restart(f->arm, &ref, &err), ENTRASQL_OK);
    assert_string_equal(fixture_line(f, 1), "POST " VMSS_PATH "/manualupgrade" COMPUTE_VERSION);
    assert_string_equal(fixture_body(f, 1), "{\"instanceIds\":[\"*\"]}");
}

/* ---- AKS ---- */

#define AKS_PATH GROUP_PATH "/providers/Microsoft.ContainerService/managedClusters/persons"
#define AKS_VERSION "?api-version=2024-09-01"
#define CLUSTER(profiles)                                                                          \
    "{\"id\":\"" AKS_PATH "\",\"location\":\"westeurope\",\"name\":\"persons\",\"tags\":{\"t\":"   \
    "\"1\"},\"sku\":{\"name\":\"Base\"}" USER_IDENTITY(                                            \
        IDENTITY_ID_LOWER) ",\"properties\":{"                                                     \
                           "\"provisioningState\":\"Succeeded\",\"fqdn\":\"f\",\"dnsPrefix\":"     \
                           "\"d\"" profiles "}}"
#define KUBELET                                                                                    \
    ",\"identityProfile\":{\"kubeletidentity\":{\"resourceId\":\"/k\",\"clientId\":\"kc\","        \
    "\"objectId\":\"ko\"}}"
#define ON                                                                                         \
    ",\"oidcIssuerProfile\":{\"enabled\":true,\"issuerURL\":\"https://oidc/x/\"},"                 \
    "\"securityProfile\":{\"imageCleaner\":{\"enabled\":true},"                                    \
    "\"workloadIdentity\":{\"enabled\":true}}"

static void test_aks_enable(void **state)
{
    fixture *f = *state;
    const test_answer answers[] = {
        {.body = CLUSTER(KUBELET ",\"securityProfile\":{\"imageCleaner\":{\"enabled\":true}}")},
        {.body = CLUSTER("")},
        {.body = CLUSTER(KUBELET ON)},
        {.body = CLUSTER(KUBELET ON)},
    };
    PLAY(f, answers);
    entrasql_error err;
    bool changed = false;
    const azure_host_ref ref = REF(azure_host_aks);
    assert_int_equal(azure_aks_enable(f->arm, &ref, &changed, &err), ENTRASQL_OK);
    assert_true(changed);
    assert_string_equal(fixture_line(f, 1), "PUT " AKS_PATH AKS_VERSION);
    assert_string_equal(
        fixture_body(f, 1),
        "{\"location\":\"westeurope\",\"tags\":{\"t\":\"1\"},\"sku\":{\"name\":\"Base\"},"
        "\"identity\":{\"type\":\"UserAssigned\",\"userAssignedIdentities\":{\"" IDENTITY_ID_LOWER
        "\":{}}},\"properties\":{\"dnsPrefix\":\"d\",\"identityProfile\":{\"kubeletidentity\":{"
        "\"resourceId\":\"/k\",\"clientId\":\"kc\",\"objectId\":\"ko\"}},"
        "\"oidcIssuerProfile\":{\"enabled\":true},\"securityProfile\":{\"imageCleaner\":{"
        "\"enabled\":true},\"workloadIdentity\":{\"enabled\":true}}}}");
    /* Twice: nothing to do. */
    assert_int_equal(azure_aks_enable(f->arm, &ref, &changed, &err), ENTRASQL_OK);
    assert_false(changed);
    assert_int_equal(test_server_count(f->server), 4);
}

static void test_aks_read(void **state)
{
    fixture *f = *state;
    const test_answer answers[] = {{.body = CLUSTER(KUBELET ON)}};
    PLAY(f, answers);
    entrasql_error err;
    azure_host_state s;
    bool changed;
    const azure_host_ref ref = REF(azure_host_aks);
    assert_int_equal(azure_host_read(f->arm, &ref, &s, &err), ENTRASQL_OK);
    assert_string_equal(s.oidc_issuer, "https://oidc/x/");
    assert_true(s.workload_identity);
    assert_string_equal(s.kubelet.client_id, "kc");
    azure_host_state_done(&s);
    assert_int_equal(azure_host_assign(f->arm, &ref, IDENTITY_ID, &changed, &err),
                     ENTRASQL_UNSUPPORTED);
}

static void test_aks_kubelet(void **state)
{
    fixture *f = *state;
#define NEW_KUBELET                                                                                \
    ",\"identityProfile\":{\"kubeletidentity\":{\"resourceId\":\"" IDENTITY_ID_LOWER "\"}}"
    const test_answer answers[] = {
        {.body = CLUSTER(KUBELET)},
        {.status = 409, .body = "{\"error\":{\"code\":\"RoleAssignmentExists\"}}"},
        {.body = CLUSTER(KUBELET)},
        {.body = CLUSTER("")},
        {.body = CLUSTER(NEW_KUBELET)},
    };
    PLAY(f, answers);
    entrasql_error err;
    bool changed = false;
    const azure_host_ref ref = REF(azure_host_aks);
    const azure_identity identity = {
        .id = IDENTITY_ID, .client_id = "new-client", .principal_id = "new-principal"};
    assert_int_equal(azure_aks_use_kubelet(f->arm, &ref, &identity, &changed, &err), ENTRASQL_OK);
    assert_true(changed);
    assert_true(strncmp(fixture_line(f, 1), "PUT " IDENTITY_ID, strlen("PUT " IDENTITY_ID)) == 0);
    assert_non_null(strstr(fixture_body(f, 1), "f1a07417-d97a-45cb-824c-7a7467783830"));
    assert_non_null(strstr(fixture_body(f, 3), "\"identityProfile\":{\"kubeletidentity\":{"
                                               "\"resourceId\":\"" IDENTITY_ID "\","
                                               "\"clientId\":\"new-client\","
                                               "\"objectId\":\"new-principal\"}}"));
    assert_null(strstr(fixture_body(f, 3), "\"kc\""));
}

#define CASE(name) cmocka_unit_test_setup(name, fixture_reset)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_container_app_read),
        CASE(test_container_app_secret),
        CASE(test_container_app_secret_of_others),
        CASE(test_container_app_write),
        CASE(test_container_app_back),
        CASE(test_container_app_assign),
        CASE(test_spring_write),
        CASE(test_spring_names),
        CASE(test_vm_assign),
        CASE(test_vm_run),
        CASE(test_vmss),
        CASE(test_aks_enable),
        CASE(test_aks_read),
        CASE(test_aks_kubelet),
    };
    return cmocka_run_group_tests(tests, fixture_set_up, fixture_tear_down);
}
