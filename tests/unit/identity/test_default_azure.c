/* SPDX-License-Identifier: MIT */
/* identity: DefaultAzureCredential: who is asked, when it stops, what it says, what it keeps. */
#include "base/clock.h"
#include "common.h"
#include "server.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define OTHER_TOKEN "eyJhIjoxfQ.eyJvIjoxfQ.b3RoZXI"
#define HEADING                                                                                    \
    "DefaultAzureCredential failed to retrieve a token from the included credentials.\n"           \
    "Attempted credentials:\n"

static test_server *entra;
static test_server *imds;
static char folder[64];
static char path_before[4096];

static const test_answer good[] = {{.body = TOKEN_REPLY}};
static const test_answer refused[] = {
    {.status = 401,
     .body = "{\"error\":\"invalid_client\",\"error_description\":\"AADSTS7000215: Invalid client "
             "secret.\\r\\nTrace ID: 1\",\"error_codes\":[7000215],\"correlation_id\":\"c-9\"}"}};

static int start(void **state)
{
    entra = test_server_start(true);
    imds = test_server_start(false);
    snprintf(folder, sizeof folder, "/tmp/entrasql-dac-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    const char *path = getenv("PATH");
    snprintf(path_before, sizeof path_before, "%s", path != NULL ? path : "");
    return common_setup(state);
}

static int stop(void **state)
{
    char command[128];
    setenv("PATH", path_before, 1);
    test_server_stop(entra);
    test_server_stop(imds);
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command) != 0 ? -1 : common_teardown(state);
}

/* az on PATH, or none. */
static void use_az(const char *script)
{
    char name[128];
    char path[256];
    snprintf(name, sizeof name, "%s/az", folder);
    unlink(name);
    if (script != NULL) {
        FILE *f = fopen(name, "w");
        assert_non_null(f);
        fprintf(f, "#!/bin/sh\n%s\n", script);
        assert_int_equal(fclose(f), 0);
        assert_int_equal(chmod(name, 0755), 0);
    }
    snprintf(path, sizeof path, "%s", folder);
    setenv("PATH", path, 1);
}

static const char az_works[] = "echo '{\"accessToken\":\"" TOKEN "\",\"expires_on\":4102444800}'";

/* No variables, nobody at the address of IMDS, no az. */
static int clean(void **state)
{
    common_clean(state);
    setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:1", 1);
    use_az(NULL);
    test_server_play(entra, good, 1);
    test_server_play(imds, good, 1);
    return 0;
}

static void use_environment(void)
{
    setenv("AZURE_TENANT_ID", TENANT, 1);
    setenv("AZURE_CLIENT_ID", CLIENT, 1);
    setenv("AZURE_CLIENT_SECRET", SECRET, 1);
    setenv("AZURE_AUTHORITY_HOST", test_server_url(entra), 1);
    setenv("SSL_CERT_FILE", test_server_ca_file(entra), 1);
}

static void use_imds(void)
{
    setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", test_server_url(imds), 1);
}

static entrasql_credential *new_credential(const entrasql_default_azure_options *options)
{
    entrasql_credential *c;
    entrasql_error err;
    if (entrasql_default_azure_credential_new(options, &c, &err) != ENTRASQL_OK)
        fail_msg("%s", err.message);
    return c;
}

/* ---- the order ---- */

static void environment_goes_first(void **state)
{
    (void)state;
    use_environment();
    use_imds();
    use_az(az_works);
    entrasql_credential *c = new_credential(NULL);
    assert_string_equal(entrasql_credential_name(c), "DefaultAzureCredential");
    common_expect_token(c, "EnvironmentCredential");
    assert_int_equal(test_server_count(imds), 0);
    entrasql_credential_unref(c);
}

/* The variables of a pod; the token file is read when its turn comes. */
static void use_workload_identity(void)
{
    char name[128];
    snprintf(name, sizeof name, "%s/token", folder);
    FILE *f = fopen(name, "w");
    assert_non_null(f);
    fputs("federated.token.not-real", f);
    assert_int_equal(fclose(f), 0);
    setenv("AZURE_TENANT_ID", TENANT, 1);
    setenv("AZURE_CLIENT_ID", CLIENT, 1);
    setenv("AZURE_FEDERATED_TOKEN_FILE", name, 1);
    setenv("AZURE_AUTHORITY_HOST", test_server_url(entra), 1);
    setenv("SSL_CERT_FILE", test_server_ca_file(entra), 1);
}

static void workload_identity_goes_second(void **state)
{
    (void)state;
    static const struct {
        entrasql_default_azure_options options;
        const char *client_id;
    } rows[] = {
        {{0}, "client_id=" CLIENT "&"},
        {{.managed_identity_client_id = "of-both"}, "client_id=of-both&"},
        {{.managed_identity_client_id = "x", .workload_identity_client_id = "own"},
         "client_id=own&"},
    };
    use_workload_identity();
    use_imds();
    use_az(az_works);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        test_server_play(entra, good, 1);
        entrasql_credential *c = new_credential(&rows[i].options);
        common_expect_token(c, "WorkloadIdentityCredential");
        assert_non_null(strstr(test_server_request(entra, 0), rows[i].client_id));
        entrasql_credential_unref(c);
    }
    const entrasql_default_azure_options without = {.exclude_workload_identity = true};
    entrasql_credential *c = new_credential(&without);
    common_expect_token(c, "ManagedIdentityCredential");
    entrasql_credential_unref(c);
    /* What cannot even be set up is told, and passed over. */
    setenv("AZURE_TENANT_ID", "not a tenant", 1);
    c = new_credential(NULL);
    common_expect_token(c, "ManagedIdentityCredential");
    entrasql_credential_unref(c);
}

static void managed_identity_goes_third(void **state)
{
    (void)state;
    use_imds();
    use_az(az_works);
    entrasql_credential *c = new_credential(NULL);
    common_expect_token(c, "ManagedIdentityCredential");
    assert_null(strstr(test_server_request(imds, 0), "client_id"));
    entrasql_credential_unref(c);
}

static void az_goes_last(void **state)
{
    (void)state;
    use_az(az_works);
    entrasql_credential *c = new_credential(NULL);
    common_expect_token(c, "AzureCliCredential");
    entrasql_credential_unref(c);
}

static void client_id_of_the_managed_identity(void **state)
{
    (void)state;
    static const struct {
        entrasql_default_azure_options options;
        const char *variable;
        const char *sent; /* NULL: none */
    } rows[] = {
        {{0}, CLIENT, "client_id=" CLIENT},
        {{0}, "", NULL},
        {{.managed_identity_client_id = "mine"}, CLIENT, "client_id=mine"},
        {{.managed_identity_system_assigned = true}, CLIENT, NULL},
    };
    use_imds();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        setenv("AZURE_CLIENT_ID", rows[i].variable, 1);
        test_server_play(imds, good, 1);
        entrasql_credential *c = new_credential(&rows[i].options);
        common_expect_token(c, "ManagedIdentityCredential");
        const char *sent = test_server_request(imds, 0);
        if (rows[i].sent != NULL)
            assert_non_null(strstr(sent, rows[i].sent));
        else
            assert_null(strstr(sent, "client_id"));
        entrasql_credential_unref(c);
    }
    const entrasql_default_azure_options both = {.managed_identity_client_id = "mine",
                                                 .managed_identity_system_assigned = true};
    entrasql_credential *c;
    assert_int_equal(entrasql_default_azure_credential_new(&both, &c, NULL), ENTRASQL_INVALID);
}

/* ---- which members ---- */

static void variable_and_options_choose_the_members(void **state)
{
    (void)state;
    static const struct {
        const char *variable;
        entrasql_default_azure_options options;
        const char *source;
    } rows[] = {
        {"dev", {0}, "AzureCliCredential"},
        {" Prod ", {0}, "EnvironmentCredential"},
        {"managedidentitycredential", {0}, "ManagedIdentityCredential"},
        {"AzureCliCredential", {0}, "AzureCliCredential"},
        {"", {.exclude_environment = true}, "ManagedIdentityCredential"},
        {"", {.exclude_environment = true, .exclude_managed_identity = true}, "AzureCliCredential"},
        {"prod", {.exclude_environment = true}, "ManagedIdentityCredential"},
    };
    use_environment();
    use_imds();
    use_az(az_works);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        setenv("AZURE_TOKEN_CREDENTIALS", rows[i].variable, 1);
        entrasql_credential *c = new_credential(&rows[i].options);
        common_expect_token(c, rows[i].source);
        entrasql_credential_unref(c);
    }
}

static void bad_choices_are_refused(void **state)
{
    (void)state;
    entrasql_credential *c;
    entrasql_error err;
    setenv("AZURE_TOKEN_CREDENTIALS", "production", 1);
    assert_int_equal(entrasql_default_azure_credential_new(NULL, &c, &err), ENTRASQL_CONFIG);
    common_expect_words(&err, "production");
    common_expect_words(&err, "ManagedIdentityCredential");
    setenv("AZURE_TOKEN_CREDENTIALS", "BrokerCredential", 1);
    assert_int_equal(entrasql_default_azure_credential_new(NULL, &c, &err), ENTRASQL_CONFIG);
    common_expect_words(&err, "this library does not have");
    setenv("AZURE_TOKEN_CREDENTIALS", "AzureCliCredential", 1);
    const entrasql_default_azure_options excluded = {.exclude_azure_cli = true};
    assert_int_equal(entrasql_default_azure_credential_new(&excluded, &c, &err), ENTRASQL_CONFIG);
    common_expect_words(&err, "an option excludes");
}

static void lone_managed_identity_is_tried_in_full(void **state)
{
    (void)state;
    static const test_answer script[] = {
        {.act = TEST_CLOSE}, {.act = TEST_CLOSE}, {.body = TOKEN_REPLY}};
    use_imds();
    setenv("AZURE_TOKEN_CREDENTIALS", "ManagedIdentityCredential", 1);
    test_server_play(imds, script, 3);
    entrasql_credential *c = new_credential(NULL);
    common_expect_token(c, "ManagedIdentityCredential");
    assert_int_equal(test_server_count(imds), 3);
    entrasql_credential_unref(c);
    /* In a chain the first of these is enough to go on. */
    unsetenv("AZURE_TOKEN_CREDENTIALS");
    use_az(az_works);
    test_server_play(imds, script, 3);
    c = new_credential(NULL);
    common_expect_token(c, "AzureCliCredential");
    assert_int_equal(test_server_count(imds), 1);
    entrasql_credential_unref(c);
}

/* ---- stop or go on ---- */

static void refused_secret_stops_the_chain(void **state)
{
    (void)state;
    entrasql_error err;
    use_environment();
    use_imds();
    use_az(az_works);
    test_server_play(entra, refused, 1);
    entrasql_credential *c = new_credential(NULL);
    common_expect_failure(c, ENTRASQL_AUTH_FAILED, &err);
    assert_int_equal(test_server_count(imds), 0);
    assert_int_equal(err.number, 7000215);
    assert_string_equal(err.correlation_id, "c-9");
    common_expect_words(&err, HEADING "\tEnvironmentCredential: ");
    assert_null(strstr(err.message, "AzureCliCredential"));
    /* Nothing was chosen: the next call starts over. */
    test_server_play(entra, good, 1);
    common_expect_token(c, "EnvironmentCredential");
    entrasql_credential_unref(c);
}

static void unassigned_identity_stops_the_chain(void **state)
{
    (void)state;
    static const test_answer script[] = {
        {.status = 400,
         .body = "{\"error\":\"invalid_request\",\"error_description\":\"Identity not found\"}"}};
    entrasql_error err;
    use_imds();
    use_az(az_works);
    setenv("AZURE_CLIENT_ID", CLIENT, 1);
    test_server_play(imds, script, 1);
    entrasql_credential *c = new_credential(NULL);
    common_expect_failure(c, ENTRASQL_AUTH_FAILED, &err);
    common_expect_words(&err, "isn't assigned to this resource");
    entrasql_credential_unref(c);
    /* Without a system-assigned identity there was nothing to try. */
    unsetenv("AZURE_CLIENT_ID");
    c = new_credential(NULL);
    common_expect_token(c, "AzureCliCredential");
    entrasql_credential_unref(c);
}

static void app_service_down_stops_the_chain(void **state)
{
    (void)state;
    entrasql_error err;
    use_az(az_works);
    setenv("IDENTITY_ENDPOINT", "http://127.0.0.1:1/", 1);
    setenv("IDENTITY_HEADER", IDENTITY_HEADER, 1);
    entrasql_credential *c = new_credential(NULL);
    common_expect_failure(c, ENTRASQL_NETWORK, &err);
    assert_int_equal(err.error_class, ENTRASQL_CLASS_NETWORK);
    entrasql_credential_unref(c);
}

/* An id for the service principal is no reason to fail where only one identity exists. */
static void host_without_ids_lets_the_chain_go_on(void **state)
{
    (void)state;
    setenv("MSI_ENDPOINT", "http://127.0.0.1:1/", 1);
    setenv("AZURE_CLIENT_ID", CLIENT, 1);
    use_az(az_works);
    entrasql_credential *c = new_credential(NULL);
    common_expect_token(c, "AzureCliCredential");
    entrasql_credential_unref(c);
}

static void developer_tools_never_stop_it(void **state)
{
    (void)state;
    static const char *const scripts[] = {"echo 'AADSTS700082: x' >&2; exit 1", "echo broken",
                                          "exit 127"};
    for (size_t i = 0; i < 3; i++) {
        entrasql_error err;
        use_az(scripts[i]);
        entrasql_credential *c = new_credential(NULL);
        common_expect_failure(c, ENTRASQL_UNAVAILABLE, &err);
        entrasql_credential_unref(c);
    }
}

static void all_that_was_tried_is_listed(void **state)
{
    (void)state;
    entrasql_error err;
    use_az("printf 'first line\\nsecond\\n' >&2; exit 2");
    entrasql_credential *c = new_credential(NULL);
    common_expect_failure(c, ENTRASQL_UNAVAILABLE, &err);
    /* A line each, in the order of the chain. */
    static const char *const names[] = {
        "EnvironmentCredential",  "WorkloadIdentityCredential", "ManagedIdentityCredential",
        "CachedSignInCredential", "VisualStudioCredential",     "VisualStudioCodeCredential",
        "AzureCliCredential",     "AzurePowerShellCredential",  "AzureDeveloperCliCredential"};
    assert_int_equal(strncmp(err.message, HEADING, strlen(HEADING)), 0);
    const char *at = err.message + strlen(HEADING) - 1;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char line[64];
        snprintf(line, sizeof line, "\n\t%s: ", names[i]);
        assert_int_equal(strncmp(at, line, strlen(line)), 0);
        at = strchr(at + 1, '\n');
    }
    assert_null(at);
    common_expect_words(&err, "AZURE_TENANT_ID");
    common_expect_words(&err, "127.0.0.1");
    common_expect_words(&err, "exit code 2");
    common_expect_words(&err, "az login");
    entrasql_credential_unref(c);
}

static void no_time_left_is_a_timeout(void **state)
{
    (void)state;
    static const test_answer silent[] = {{.act = TEST_SILENT}};
    const entrasql_token_request request = {.scope = ENTRASQL_SCOPE_SQL, .timeout_ms = 300};
    entrasql_token *token;
    entrasql_error err;
    use_imds();
    use_az(az_works);
    test_server_play(imds, silent, 1);
    entrasql_credential *c = new_credential(NULL);
    assert_int_equal(entrasql_credential_get_token(c, &request, &token, &err), ENTRASQL_TIMEOUT);
    common_expect_words(&err, "\tManagedIdentityCredential: ");
    common_check_error(&err);
    entrasql_credential_unref(c);
    /* The same with an az that hangs. */
    setenv("AZURE_TOKEN_CREDENTIALS", "dev", 1);
    use_az("exec /bin/sleep 600");
    c = new_credential(NULL);
    assert_int_equal(entrasql_credential_get_token(c, &request, &token, &err), ENTRASQL_TIMEOUT);
    entrasql_credential_unref(c);
}

static void az_has_its_own_limit(void **state)
{
    (void)state;
    const entrasql_default_azure_options options = {.process_timeout_ms = 200};
    entrasql_error err;
    use_az("exec /bin/sleep 600");
    entrasql_credential *c = new_credential(&options);
    common_expect_failure(c, ENTRASQL_UNAVAILABLE, &err);
    common_expect_words(&err, "(200 ms)");
    entrasql_credential_unref(c);
}

/* ---- the choice is kept ---- */

static void choice_is_for_life(void **state)
{
    (void)state;
    static const test_answer down[] = {{.status = 400, .body = "{\"error\":\"invalid_request\"}"}};
    entrasql_error err;
    const entrasql_token_request again = {.scope = ENTRASQL_SCOPE_SQL, .refresh = true};
    entrasql_token *token;
    use_imds();
    use_az(az_works);
    entrasql_credential *c = new_credential(NULL);
    common_expect_token(c, "ManagedIdentityCredential");
    /* From now on it alone is asked, even when it fails. */
    test_server_play(imds, down, 1);
    assert_int_equal(common_get(c, &again, &token, &err), ENTRASQL_UNAVAILABLE);
    common_expect_words(&err, "ManagedIdentityCredential");
    assert_null(strstr(err.message, "AzureCliCredential"));
    assert_null(strstr(err.message, "EnvironmentCredential"));
    /* What was passed over is not asked again, even where it would now work. */
    use_environment();
    test_server_play(imds, good, 1);
    assert_int_equal(common_get(c, &again, &token, &err), ENTRASQL_OK);
    assert_string_equal(entrasql_token_source(token), "ManagedIdentityCredential");
    entrasql_token_free(token);
    entrasql_credential_unref(c);
}

/*
 * Two scopes at once: while the first waits for its managed identity token,
 * the second finds nobody there and chooses az. The first then must give up what it
 * got: one credential, one identity.
 */
static void two_choices_at_once_become_one(void **state)
{
    (void)state;
    static const test_answer script[] = {
        {.act = TEST_SLOW, .body = "{\"access_token\":\"" OTHER_TOKEN "\",\"expires_in\":3600}"},
        {.act = TEST_CLOSE}};
    entrasql_token_operation *first;
    entrasql_token *token;
    entrasql_error err;
    use_imds();
    use_az(az_works);
    test_server_play(imds, script, 2);
    entrasql_credential *c = new_credential(NULL);
    assert_int_equal(entrasql_credential_start(
                         c, &(entrasql_token_request){.scope = "https://a/.default"}, &first, &err),
                     ENTRASQL_OK);
    while (test_server_count(imds) == 0) {
        assert_int_equal(entrasql_token_operation_step(first, &token, &err), ENTRASQL_AGAIN);
        usleep(1000);
    }
    /* The server serves one after the other: the second is answered when the first is let go. */
    test_server_release(imds);
    common_expect_token(c, "AzureCliCredential");
    entrasql_status status;
    while ((status = entrasql_token_operation_step(first, &token, &err)) == ENTRASQL_AGAIN)
        usleep(1000);
    assert_int_equal(status, ENTRASQL_OK);
    assert_string_equal(entrasql_token_source(token), "AzureCliCredential");
    entrasql_token_free(token);
    entrasql_token_operation_free(first);
    entrasql_credential_unref(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(environment_goes_first, clean),
        cmocka_unit_test_setup(workload_identity_goes_second, clean),
        cmocka_unit_test_setup(managed_identity_goes_third, clean),
        cmocka_unit_test_setup(az_goes_last, clean),
        cmocka_unit_test_setup(client_id_of_the_managed_identity, clean),
        cmocka_unit_test_setup(variable_and_options_choose_the_members, clean),
        cmocka_unit_test_setup(bad_choices_are_refused, clean),
        cmocka_unit_test_setup(lone_managed_identity_is_tried_in_full, clean),
        cmocka_unit_test_setup(refused_secret_stops_the_chain, clean),
        cmocka_unit_test_setup(unassigned_identity_stops_the_chain, clean),
        cmocka_unit_test_setup(app_service_down_stops_the_chain, clean),
        cmocka_unit_test_setup(host_without_ids_lets_the_chain_go_on, clean),
        cmocka_unit_test_setup(developer_tools_never_stop_it, clean),
        cmocka_unit_test_setup(all_that_was_tried_is_listed, clean),
        cmocka_unit_test_setup(no_time_left_is_a_timeout, clean),
        cmocka_unit_test_setup(az_has_its_own_limit, clean),
        cmocka_unit_test_setup(choice_is_for_life, clean),
        cmocka_unit_test_setup(two_choices_at_once_become_one, clean),
    };
    return cmocka_run_group_tests_name("identity default", tests, start, stop);
}
