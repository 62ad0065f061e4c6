/* SPDX-License-Identifier: MIT */
/* One token by entrasql, the credential named by the first argument; prints the token. */
#include <entrasql/entrasql.h>

#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static entrasql_status client_secret(entrasql_credential **ret, entrasql_error *err)
{
    return entrasql_client_secret_credential_new(getenv("AZURE_TENANT_ID"),
                                                 getenv("AZURE_CLIENT_ID"),
                                                 getenv("AZURE_CLIENT_SECRET"), NULL, ret, err);
}

static const char *tenant(void)
{
    return getenv("AZURE_TENANT_ID");
}

static const char *client(void)
{
    return getenv("AZURE_CLIENT_ID");
}

static entrasql_status client_certificate(entrasql_credential **ret, entrasql_error *err)
{
    const entrasql_client_certificate_options options = {
        .path = getenv("CASE_CERTIFICATE"),
        .send_x5c = getenv("CASE_SEND_CHAIN") != NULL,
    };
    return entrasql_client_certificate_credential_new(tenant(), client(), &options, ret, err);
}

static entrasql_status assertion(void *context, char **ret, entrasql_error *err)
{
    (void)context;
    (void)err;
    *ret = strdup(getenv("CASE_ASSERTION"));
    return *ret != NULL ? ENTRASQL_OK : ENTRASQL_NOMEM;
}

static entrasql_status client_assertion(entrasql_credential **ret, entrasql_error *err)
{
    return entrasql_client_assertion_credential_new(tenant(), client(), assertion, NULL, NULL, NULL,
                                                    ret, err);
}

static entrasql_status workload_identity(entrasql_credential **ret, entrasql_error *err)
{
    return entrasql_workload_identity_credential_new(NULL, ret, err);
}

static entrasql_status on_behalf_of(entrasql_credential **ret, entrasql_error *err)
{
    const entrasql_client_certificate_options certificate = {.path = getenv("CASE_CERTIFICATE")};
    const entrasql_on_behalf_of_options options = {
        .client_secret = certificate.path == NULL ? getenv("AZURE_CLIENT_SECRET") : NULL,
        .certificate = certificate.path != NULL ? &certificate : NULL,
    };
    return entrasql_on_behalf_of_credential_new(tenant(), client(), getenv("CASE_ASSERTION"),
                                                &options, ret, err);
}

static entrasql_status azure_pipelines(entrasql_credential **ret, entrasql_error *err)
{
    return entrasql_azure_pipelines_credential_new(tenant(), client(), getenv("CASE_CONNECTION"),
                                                   getenv("SYSTEM_ACCESSTOKEN"), NULL, ret, err);
}

/* CASE_APPROVE is a program and its first words, '|' between; the code follows. */
static void approve(void *context, const entrasql_device_code *code)
{
    (void)context;
    char words[1024];
    char *argv[16];
    int n = 0;
    pid_t pid;
    int status;
    snprintf(words, sizeof words, "%s", getenv("CASE_APPROVE"));
    for (char *at = strtok(words, "|"); at != NULL && n < 14; at = strtok(NULL, "|"))
        argv[n++] = at;
    argv[n++] = (char *)(uintptr_t)code->user_code;
    argv[n] = NULL;
    if (posix_spawn(&pid, argv[0], NULL, NULL, argv, environ) != 0 ||
        waitpid(pid, &status, 0) != pid || status != 0)
        fprintf(stderr, "the code could not be approved\n");
}

static entrasql_status device_code(entrasql_credential **ret, entrasql_error *err)
{
    const entrasql_device_code_options options = {.tenant_id = getenv("CASE_TENANT_ID"),
                                                  .prompt = approve};
    return entrasql_device_code_credential_new(&options, ret, err);
}

static entrasql_status managed_identity(entrasql_credential **ret, entrasql_error *err)
{
    const entrasql_managed_identity_options options = {
        .client_id = getenv("CASE_CLIENT_ID"),
        .object_id = getenv("CASE_OBJECT_ID"),
        .resource_id = getenv("CASE_RESOURCE_ID"),
    };
    return entrasql_managed_identity_credential_new(&options, ret, err);
}

static entrasql_status azure_cli(entrasql_credential **ret, entrasql_error *err)
{
    const entrasql_azure_cli_options options = {
        .tenant_id = getenv("CASE_TENANT_ID"),
        .subscription = getenv("CASE_SUBSCRIPTION"),
    };
    return entrasql_azure_cli_credential_new(&options, ret, err);
}

static entrasql_status interactive_browser(entrasql_credential **ret, entrasql_error *err)
{
    const entrasql_interactive_browser_options options = {.tenant_id = getenv("CASE_TENANT_ID"),
                                                          .sign_in_timeout_ms = 30000};
    return entrasql_interactive_browser_credential_new(&options, ret, err);
}

static entrasql_status azure_developer_cli(entrasql_credential **ret, entrasql_error *err)
{
    const entrasql_developer_tool_options options = {.tenant_id = getenv("CASE_TENANT_ID")};
    return entrasql_azure_developer_cli_credential_new(&options, ret, err);
}

static entrasql_status azure_powershell(entrasql_credential **ret, entrasql_error *err)
{
    const entrasql_developer_tool_options options = {.tenant_id = getenv("CASE_TENANT_ID")};
    return entrasql_azure_powershell_credential_new(&options, ret, err);
}

static entrasql_status default_azure(entrasql_credential **ret, entrasql_error *err)
{
    return entrasql_default_azure_credential_new(NULL, ret, err);
}

static const struct {
    const char *name;
    entrasql_status (*make)(entrasql_credential **ret, entrasql_error *err);
} credentials[] = {
    {"client_secret", client_secret},
    {"client_certificate", client_certificate},
    {"client_assertion", client_assertion},
    {"workload_identity", workload_identity},
    {"on_behalf_of", on_behalf_of},
    {"azure_pipelines", azure_pipelines},
    {"device_code", device_code},
    {"managed_identity", managed_identity},
    {"azure_cli", azure_cli},
    {"interactive_browser", interactive_browser},
    {"azure_developer_cli", azure_developer_cli},
    {"azure_powershell", azure_powershell},
    {"default", default_azure},
};

int main(int argc, char **argv)
{
    const entrasql_token_request request = {.scope = ENTRASQL_SCOPE_SQL};
    entrasql_credential *credential = NULL;
    entrasql_token *token = NULL;
    entrasql_error err = {.message = "no such credential"};
    entrasql_status status = ENTRASQL_INVALID;
    for (size_t i = 0; argc > 1 && i < sizeof credentials / sizeof credentials[0]; i++) {
        if (strcmp(argv[1], credentials[i].name) == 0)
            status = credentials[i].make(&credential, &err);
    }
    if (status == ENTRASQL_OK)
        status = entrasql_credential_get_token(credential, &request, &token, &err);
    if (status == ENTRASQL_OK)
        puts(entrasql_token_value(token));
    const entrasql_token_request second = {.scope = getenv("CASE_SECOND_SCOPE")};
    if (status == ENTRASQL_OK && second.scope != NULL) {
        entrasql_token_free(token);
        token = NULL;
        status = entrasql_credential_get_token(credential, &second, &token, &err);
    }
    if (status != ENTRASQL_OK)
        fprintf(stderr, "%s %s\n", err.message, err.hint);
    entrasql_token_free(token);
    entrasql_credential_unref(credential);
    return status == ENTRASQL_OK ? 0 : 1;
}
