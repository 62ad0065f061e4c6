/* SPDX-License-Identifier: MIT */
/* cli: the credential that --credential names, and the options that go with it. */
#include "cli/cli.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const conf_option options[] = {CLI_CREDENTIAL_OPTIONS, {0}};
static const conf_command command = {.name = "test", .options = options};

static entrasql_status run(const char *const *argv, entrasql_credential **ret, entrasql_error *err)
{
    conf_args args;
    cli_credential_options o;
    char text[4][64];
    char *copy[4];
    int argc = 0;
    for (; argc < 4 && argv[argc] != NULL; argc++) {
        snprintf(text[argc], sizeof text[argc], "%s", argv[argc]);
        copy[argc] = text[argc];
    }
    entrasql_status status = conf_args_parse(&command, argc, copy, &args, err);
    if (status != ENTRASQL_OK)
        return status;
    cli_credential_read(&args, &o);
    return cli_credential_new(&o, ret, err);
}

static int clean(void **state)
{
    (void)state;
    unsetenv("AZURE_TENANT_ID");
    unsetenv("AZURE_CLIENT_ID");
    unsetenv("AZURE_CLIENT_SECRET");
    return 0;
}

static void names_lead_to_their_credentials(void **state)
{
    (void)state;
    static const struct {
        const char *argv[4];
        const char *name;
    } cases[] = {
        {{NULL}, "DefaultAzureCredential"},
        {{"--credential=default", "--client-id=x"}, "DefaultAzureCredential"},
        {{"--credential=environment"}, "EnvironmentCredential"},
        {{"--credential=managed-identity", "--client-id=x"}, "ManagedIdentityCredential"},
        {{"--credential=azure-cli", "--tenant=t"}, "AzureCliCredential"},
        {{"--credential=azure-powershell", "--tenant=t"}, "AzurePowerShellCredential"},
        {{"--credential=azure-developer-cli", "--tenant=t"}, "AzureDeveloperCliCredential"},
        {{"--credential=visual-studio", "--tenant=t"}, "VisualStudioCredential"},
        {{"--credential=visual-studio-code"}, "VisualStudioCodeCredential"},
        {{"--credential=managed-identity", "--object-id=i"}, "ManagedIdentityCredential"},
        {{"--credential=managed-identity", "--resource-id=i"}, "ManagedIdentityCredential"},
        {{"--credential=azure-cli", "--subscription=s"}, "AzureCliCredential"},
        {{"--credential=client-secret", "--tenant=t", "--client-id=x"}, "ClientSecretCredential"},
    };
    setenv("AZURE_CLIENT_SECRET", "s", 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        entrasql_credential *c;
        entrasql_error err;
        if (run(cases[i].argv, &c, &err) != ENTRASQL_OK)
            fail_msg("%s: %s", cases[i].name, err.message);
        assert_string_equal(entrasql_credential_name(c), cases[i].name);
        entrasql_credential_unref(c);
    }
}

static void what_is_missing_or_without_meaning_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *argv[4];
        const char *words;
    } cases[] = {
        {{"--credential=environment", "--client-id=x"}, "--client-id has no meaning"},
        {{"--credential=managed-identity", "--tenant=x"}, "--tenant has no meaning"},
        {{"--credential=client-secret"}, "--tenant, or AZURE_TENANT_ID"},
        {{"--credential=client-secret", "--tenant=t"}, "--client-id, or AZURE_CLIENT_ID"},
        {{"--credential=client-secret", "--tenant=t", "--client-id=x"}, "AZURE_CLIENT_SECRET"},
        {{"--credential=nobody"}, "managed-identity"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        entrasql_credential *c;
        entrasql_error err;
        assert_int_equal(run(cases[i].argv, &c, &err), ENTRASQL_INVALID);
        if (strstr(err.message, cases[i].words) == NULL)
            fail_msg("\"%s\" is not in: %s", cases[i].words, err.message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(names_lead_to_their_credentials, clean),
        cmocka_unit_test_setup(what_is_missing_or_without_meaning_is_named, clean),
    };
    return cmocka_run_group_tests_name("cli credential", tests, NULL, NULL);
}
