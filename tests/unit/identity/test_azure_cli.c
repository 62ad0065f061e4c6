/* SPDX-License-Identifier: MIT */
/* identity: AzureCliCredential with stand-ins for az: every symptom has its message. */
#include "base/clock.h"
#include "common.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define NAME "AzureCliCredential"
#define AZ_REPLY                                                                                   \
    "{\"accessToken\":\"" TOKEN "\",\"expiresOn\":\"2024-05-01 13:45:10.000000\","                 \
    "\"expires_on\":4102444800,\"subscription\":\"s\",\"tenant\":\"t\",\"tokenType\":\"Bearer\"}"

static char folder[64];
static char path_before[4096];

static int start(void **state)
{
    snprintf(folder, sizeof folder, "/tmp/entrasql-az-XXXXXX");
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
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command) != 0 ? -1 : common_teardown(state);
}

/* Writes the stand-in and puts its folder first on PATH. */
static void use_az(const char *script)
{
    char name[128];
    char path[5000];
    snprintf(name, sizeof name, "%s/az", folder);
    unlink(name);
    if (script != NULL) {
        FILE *f = fopen(name, "w");
        assert_non_null(f);
        fprintf(f, "#!/bin/sh\n%s\n", script);
        assert_int_equal(fclose(f), 0);
        assert_int_equal(chmod(name, 0755), 0);
    }
    snprintf(path, sizeof path, "%s:/usr/bin:/bin", folder);
    setenv("PATH", path, 1);
}

static entrasql_credential *new_credential(const entrasql_azure_cli_options *options)
{
    entrasql_credential *c;
    entrasql_error err;
    if (entrasql_azure_cli_credential_new(options, &c, &err) != ENTRASQL_OK)
        fail_msg("%s", err.message);
    return c;
}

static char *read_file(const char *name)
{
    static char text[4096];
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[n] = '\0';
    return text;
}

static void az_is_run_as_it_should_be(void **state)
{
    (void)state;
    char script[1024];
    const entrasql_azure_cli_options options = {.tenant_id = TENANT, .subscription = "My Sub_1.x"};
    snprintf(script, sizeof script,
             "exec 3>%s/seen; for a; do echo \"[$a]\" >&3; done; pwd -P >&3; cat >&3\n"
             "echo \"$AZURE_CORE_NO_COLOR $AZ_TEST_INHERITED\" >&3\necho '" AZ_REPLY "'",
             folder);
    use_az(script);
    setenv("AZ_TEST_INHERITED", "kept", 1);
    entrasql_credential *c = new_credential(&options);
    setenv("AZ_TEST_INHERITED", "too late", 1);
    common_expect_token(c, NAME);
    assert_non_null(strstr(read_file("seen"),
                           "[account]\n[get-access-token]\n[--output]\n[json]\n[--resource]\n"
                           "[https://database.windows.net]\n[--tenant]\n[" TENANT
                           "]\n[--subscription]\n[My Sub_1.x]\n"));
    assert_non_null(strstr(read_file("seen"), "bin\ntrue kept\n"));
    entrasql_credential_unref(c);
}

static void tenant_of_the_request_is_passed_on(void **state)
{
    (void)state;
    char script[1024];
    const entrasql_token_request request = {.scope = ENTRASQL_SCOPE_SQL,
                                            .tenant_id = "other.example"};
    entrasql_token *token;
    entrasql_error err;
    snprintf(script, sizeof script, "echo \"$*\" > %s/seen\necho '" AZ_REPLY "'", folder);
    use_az(script);
    entrasql_credential *c = new_credential(NULL);
    assert_int_equal(common_get(c, &request, &token, &err), ENTRASQL_OK);
    assert_non_null(strstr(read_file("seen"), "--tenant other.example"));
    entrasql_token_free(token);
    entrasql_credential_unref(c);
    /* A credential of one tenant does not ask for another. */
    c = new_credential(&(entrasql_azure_cli_options){.tenant_id = TENANT});
    assert_int_equal(common_get(c, &request, &token, &err), ENTRASQL_INVALID);
    entrasql_credential_unref(c);
}

static void epoch_goes_before_local_time(void **state)
{
    (void)state;
    static const struct {
        const char *expiry;
        int64_t t;
    } rows[] = {
        {"\"expires_on\":4102444800,\"expiresOn\":\"2024-05-01 13:45:10\"", 4102444800},
        {"\"expires_on\":\"4102444800\"", 4102444800},
        {"\"expiresOn\":\"2099-05-01 13:45:10.000000\"", 4081344310},
    };
    setenv("TZ", "EST5", 1);
    tzset();
    for (size_t i = 0; i < 3; i++) {
        char script[512];
        entrasql_token *token;
        entrasql_error err;
        snprintf(script, sizeof script, "echo '{\"accessToken\":\"" TOKEN "\",%s}'",
                 rows[i].expiry);
        use_az(script);
        entrasql_credential *c = new_credential(NULL);
        assert_int_equal(
            common_get(c, &(entrasql_token_request){.scope = ENTRASQL_SCOPE_SQL}, &token, &err),
            ENTRASQL_OK);
        assert_int_equal(entrasql_token_expires_on(token), rows[i].t);
        entrasql_token_free(token);
        entrasql_credential_unref(c);
    }
    unsetenv("TZ");
    tzset();
}

static const struct {
    const char *script;
    entrasql_status status;
    uint32_t number;
    const char *words[2];
} symptoms[] = {
    {NULL, ENTRASQL_UNAVAILABLE, 0, {"Azure CLI not found on path", "PATH"}},
    {"exit 127", ENTRASQL_UNAVAILABLE, 0, {"Azure CLI not found on path"}},
    {"echo '/bin/sh: 1: az: not found' >&2; exit 1",
     ENTRASQL_UNAVAILABLE,
     0,
     {"Azure CLI not found on path"}},
    {"echo \"'az' is not recognized as an internal or external command\" >&2; exit 1",
     ENTRASQL_UNAVAILABLE,
     0,
     {"Azure CLI not found on path"}},
    {"echo \"ERROR: Please run 'az login' to setup account.\" >&2; exit 1",
     ENTRASQL_UNAVAILABLE,
     0,
     {"Please run 'az login'"}},
    {"echo 'Run az account set first' >&2; exit 1",
     ENTRASQL_UNAVAILABLE,
     0,
     {"Please run 'az login'"}},
    {"echo \"ERROR: AADSTS7000215: Invalid client secret provided. run: az login\" >&2; exit 1",
     ENTRASQL_AUTH_FAILED,
     7000215,
     {"AADSTS7000215", "exit code 1"}},
    {"echo 'AADSTS70043: The refresh token has expired' >&2; exit 1",
     ENTRASQL_AUTH_FAILED,
     70043,
     {"expired", "az login"}},
    {"echo 'AADSTS700082: inactive' >&2; exit 1", ENTRASQL_AUTH_FAILED, 700082, {"az login"}},
    {"printf 'ERROR: AADSTS700082: inactive\\nTrace ID: x\\nPlease run:\\naz login\\n' >&2; exit 1",
     ENTRASQL_AUTH_FAILED,
     700082,
     {"inactive Trace ID: x Please run: az login"}},
    {"echo 'CLIInternalError: The command failed with an unexpected error.' >&2; exit 1",
     ENTRASQL_AUTH_FAILED,
     0,
     {"CLIInternalError", "inside the Azure CLI"}},
    {"echo 'broken: {\"accessToken\": \"" TOKEN "\"} \"accessToken\":\"opaque" SECRET
     "\"' >&2; exit 3",
     ENTRASQL_AUTH_FAILED,
     0,
     {"exit code 3", "\"accessToken\": \"***\""}},
    {"kill -KILL $$", ENTRASQL_AUTH_FAILED, 0, {"signal 9"}},
    {"echo 'WARNING: not json'", ENTRASQL_AUTH_FAILED, 0, {"is not JSON", "WARNING: not json"}},
    {"true", ENTRASQL_AUTH_FAILED, 0, {"(nothing)"}},
    {"echo '{\"accessToken\":\"" TOKEN "\"'",
     ENTRASQL_AUTH_FAILED,
     0,
     {"is not JSON", "\"accessToken\":\"***\""}},
    {"echo '{\"accessToken\":\"\",\"expires_on\":1}'", ENTRASQL_AUTH_FAILED, 0, {"no accessToken"}},
    {"echo '{\"accessToken\":{},\"expires_on\":1}'", ENTRASQL_AUTH_FAILED, 0, {"no accessToken"}},
    {"echo '{\"accessToken\":\"" TOKEN "\"}'", ENTRASQL_AUTH_FAILED, 0, {"when the token expires"}},
    {"echo '{\"accessToken\":\"" TOKEN "\",\"expiresOn\":\"soon\"}'",
     ENTRASQL_AUTH_FAILED,
     0,
     {"when the token expires"}},
    {"yes", ENTRASQL_LIMIT, 0, {"Failed to invoke the Azure CLI", "limit"}},
};

static void every_symptom_has_its_message(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof symptoms / sizeof symptoms[0]; i++) {
        entrasql_error err;
        use_az(symptoms[i].script);
        if (symptoms[i].script == NULL)
            setenv("PATH", folder, 1);
        entrasql_credential *c = new_credential(NULL);
        common_expect_failure(c, symptoms[i].status, &err);
        assert_int_equal(err.number, symptoms[i].number);
        for (size_t k = 0; k < 2 && symptoms[i].words[k] != NULL; k++)
            common_expect_words(&err, symptoms[i].words[k]);
        entrasql_credential_unref(c);
    }
}

static void long_output_is_shown_in_part(void **state)
{
    (void)state;
    entrasql_error err;
    use_az("i=0; while [ $i -lt 200 ]; do echo 0123456789; i=$((i+1)); done");
    entrasql_credential *c = new_credential(NULL);
    common_expect_failure(c, ENTRASQL_AUTH_FAILED, &err);
    assert_true(strlen(err.message) < 350);
    entrasql_credential_unref(c);
}

static void slow_az_is_stopped(void **state)
{
    (void)state;
    const entrasql_azure_cli_options options = {.process_timeout_ms = 300};
    entrasql_error err;
    char script[256];
    snprintf(script, sizeof script, "sleep 600 & echo $! > %s/child; wait", folder);
    use_az(script);
    entrasql_credential *c = new_credential(&options);
    common_expect_failure(c, ENTRASQL_TIMEOUT, &err);
    common_expect_words(&err, "Failed to invoke the Azure CLI");
    common_expect_words(&err, "process_timeout_ms");
    entrasql_credential_unref(c);
    char stat_file[64];
    snprintf(stat_file, sizeof stat_file, "/proc/%d", atoi(read_file("child")));
    for (int i = 0; i < 2000; i++) {
        char command[160];
        snprintf(command, sizeof command, "! grep -q '^State:.[^Z]' %s/status 2>/dev/null",
                 stat_file);
        if (system(command) == 0)
            return;
        usleep(5000);
    }
    fail_msg("a child of az lives on");
}

static void claims_need_a_person(void **state)
{
    (void)state;
    const entrasql_token_request request = {
        .scope = ENTRASQL_SCOPE_SQL, .tenant_id = "t", .claims = "{\"a\":1}"};
    entrasql_token *token;
    entrasql_error err;
    char script[256];
    char seen[128];
    snprintf(seen, sizeof seen, "%s/ran", folder);
    snprintf(script, sizeof script, "touch %s", seen);
    use_az(script);
    entrasql_credential *c = new_credential(NULL);
    assert_int_equal(common_get(c, &request, &token, &err), ENTRASQL_AUTH_FAILED);
    common_expect_words(&err, "az login --claims-challenge eyJhIjoxfQ== --tenant t --scope "
                              "https://database.windows.net/.default");
    assert_int_not_equal(access(seen, F_OK), 0);
    entrasql_credential_unref(c);
}

static void arguments_are_checked(void **state)
{
    (void)state;
    static const entrasql_azure_cli_options bad[] = {
        {.tenant_id = "a b"},     {.tenant_id = "--help"},   {.tenant_id = "a;b"},
        {.subscription = "a'b"},  {.subscription = "a\"b"},  {.subscription = "--x"},
        {.subscription = "a\nb"}, {.subscription = "$(id)"}, {.subscription = "a/b"},
    };
    entrasql_credential *c;
    entrasql_error err;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(entrasql_azure_cli_credential_new(&bad[i], &c, &err), ENTRASQL_INVALID);
        assert_true(err.hint[0] != '\0');
    }
}

static void az_of_the_current_folder_is_not_run(void **state)
{
    (void)state;
    entrasql_error err;
    use_az("echo '" AZ_REPLY "'");
    assert_int_equal(chdir(folder), 0);
    setenv("PATH", ":.:./", 1);
    entrasql_credential *c = new_credential(NULL);
    common_expect_failure(c, ENTRASQL_UNAVAILABLE, &err);
    entrasql_credential_unref(c);
    assert_int_equal(chdir("/"), 0);
}

static void *get_for_scope(void *context)
{
    entrasql_credential *c = context;
    static _Thread_local char scope[64];
    static atomic_int next;
    snprintf(scope, sizeof scope, "https://r%d.example/.default", next++);
    entrasql_token *token = NULL;
    entrasql_status status =
        entrasql_credential_get_token(c, &(entrasql_token_request){.scope = scope}, &token, NULL);
    entrasql_token_free(token);
    return status == ENTRASQL_OK ? NULL : c;
}

static void one_az_at_a_time(void **state)
{
    (void)state;
    char script[512];
    /* Fails when another one holds the folder. */
    snprintf(script, sizeof script,
             "mkdir %s/busy || exit 9; sleep 0.05; rmdir %s/busy; echo '" AZ_REPLY "'", folder,
             folder);
    use_az(script);
    entrasql_credential *c = new_credential(NULL);
    pthread_t threads[6];
    for (int i = 0; i < 6; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, get_for_scope, c), 0);
    for (int i = 0; i < 6; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    entrasql_credential_unref(c);
}

static void token_is_cached(void **state)
{
    (void)state;
    char script[512];
    snprintf(script, sizeof script, "echo x >> %s/runs\necho '" AZ_REPLY "'", folder);
    use_az(script);
    entrasql_credential *c = new_credential(NULL);
    common_expect_token(c, NAME);
    common_expect_token(c, NAME);
    assert_string_equal(read_file("runs"), "x\n");
    entrasql_credential_unref(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(az_is_run_as_it_should_be, common_clean),
        cmocka_unit_test_setup(tenant_of_the_request_is_passed_on, common_clean),
        cmocka_unit_test_setup(epoch_goes_before_local_time, common_clean),
        cmocka_unit_test_setup(every_symptom_has_its_message, common_clean),
        cmocka_unit_test_setup(long_output_is_shown_in_part, common_clean),
        cmocka_unit_test_setup(slow_az_is_stopped, common_clean),
        cmocka_unit_test_setup(claims_need_a_person, common_clean),
        cmocka_unit_test_setup(arguments_are_checked, common_clean),
        cmocka_unit_test_setup(az_of_the_current_folder_is_not_run, common_clean),
        cmocka_unit_test_setup(one_az_at_a_time, common_clean),
        cmocka_unit_test_setup(token_is_cached, common_clean),
    };
    return cmocka_run_group_tests_name("identity az", tests, start, stop);
}
