/* SPDX-License-Identifier: MIT */
/* The credential that --credential names: one table by name. */
#include "cli/cli.h"
#include "cli/input.h"

#include "base/str.h"
#include "os/file.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define MAX_SECRET_BYTES (64 * 1024)

/* ---- options ---- */

enum {
    TAKES_CLIENT_ID = 1 << 0,
    TAKES_TENANT = 1 << 1,
    TAKES_CERTIFICATE = 1 << 2,
    TAKES_ASSERTION_FILE = 1 << 3,
    TAKES_USER_TOKEN_FILE = 1 << 4,
    TAKES_SERVICE_CONNECTION = 1 << 5,
    TAKES_IDENTITY_ID = 1 << 6,
    TAKES_SUBSCRIPTION = 1 << 7,
    TAKES_SECRET_FILE = 1 << 8,
    TAKES_APP = TAKES_CLIENT_ID | TAKES_TENANT,
};

typedef struct credential_option {
    const char *name;
    size_t offset; /* of its member */
    unsigned bit;  /* of the credentials that take it; 0: all do */
} credential_option;

static const credential_option options[] = {
    {"credential", offsetof(cli_credential_options, name), 0},
    {"ca-file", offsetof(cli_credential_options, ca_file), 0},
    {"client-id", offsetof(cli_credential_options, client_id), TAKES_CLIENT_ID},
    {"tenant", offsetof(cli_credential_options, tenant), TAKES_TENANT},
    {"client-secret-file", offsetof(cli_credential_options, client_secret_file), TAKES_SECRET_FILE},
    {"certificate", offsetof(cli_credential_options, certificate), TAKES_CERTIFICATE},
    {"assertion-file", offsetof(cli_credential_options, assertion_file), TAKES_ASSERTION_FILE},
    {"user-token-file", offsetof(cli_credential_options, user_token_file), TAKES_USER_TOKEN_FILE},
    {"service-connection", offsetof(cli_credential_options, service_connection),
     TAKES_SERVICE_CONNECTION},
    {"object-id", offsetof(cli_credential_options, object_id), TAKES_IDENTITY_ID},
    {"resource-id", offsetof(cli_credential_options, resource_id), TAKES_IDENTITY_ID},
    {"subscription", offsetof(cli_credential_options, subscription), TAKES_SUBSCRIPTION},
};

static const char **member(cli_credential_options *o, const credential_option *option)
{
    return (const char **)((char *)o + option->offset);
}

void cli_credential_read(const conf_args *args, cli_credential_options *ret)
{
    for (size_t i = 0; i < ES_COUNT_OF(options); i++)
        *member(ret, &options[i]) = conf_args_text(args, options[i].name);
}

/* The option, else the variable; INVALID when both are missing. */
static entrasql_status need(const char *option, const char *value, const char *variable,
                            const char **ret, entrasql_error *err)
{
    *ret = !es_str_is_empty(value) ? value : getenv(variable);
    if (!es_str_is_empty(*ret))
        return ENTRASQL_OK;
    if (option == NULL)
        return es_fail(err, ENTRASQL_INVALID, "this credential needs %s in the environment",
                       variable);
    return es_fail(err, ENTRASQL_INVALID, "this credential needs --%s, or %s in the environment",
                   option, variable);
}

/* ---- credentials ---- */

typedef struct call {
    const cli_credential_options *o;
    const entrasql_client_options *client;
} call;

static entrasql_status new_default(const call *c, entrasql_credential **ret, entrasql_error *err)
{
    const entrasql_default_azure_options options_of = {
        .size = sizeof options_of,
        .managed_identity_client_id = c->o->client_id,
        .tenant_id = c->o->tenant,
        .client = c->client,
    };
    return entrasql_default_azure_credential_new(&options_of, ret, err);
}

static entrasql_status new_environment(const call *c, entrasql_credential **ret,
                                       entrasql_error *err)
{
    return entrasql_environment_credential_new(c->client, ret, err);
}

/* A secret in a file, without the end of its line: it would be seen in an argument. */
static entrasql_status read_secret(const char *path, es_buf *text, entrasql_error *err)
{
    ES_TRY(cli_input_status(os_file_read_secret(path, text, err), "check that it is the right file",
                            err));
    cli_input_cut_end(text);
    return ENTRASQL_OK;
}

/* Arguments can be seen by everybody on the machine: the secret is in a file or the environment. */
static entrasql_status new_client_secret(const call *c, entrasql_credential **ret,
                                         entrasql_error *err)
{
    const char *tenant, *client_id, *secret;
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT_WIPE(MAX_SECRET_BYTES);
    ES_TRY(need("tenant", c->o->tenant, "AZURE_TENANT_ID", &tenant, err));
    ES_TRY(need("client-id", c->o->client_id, "AZURE_CLIENT_ID", &client_id, err));
    if (c->o->client_secret_file == NULL) {
        ES_TRY(need(NULL, NULL, "AZURE_CLIENT_SECRET", &secret, err));
    } else {
        ES_TRY(read_secret(c->o->client_secret_file, &text, err));
        secret = es_buf_cstr(&text);
        if (secret == NULL)
            return es_nomem(err);
    }
    return entrasql_client_secret_credential_new(tenant, client_id, secret, c->client, ret, err);
}

static entrasql_client_certificate_options certificate_options(const call *c, const char *path)
{
    const char *chain = getenv("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN");
    return (entrasql_client_certificate_options){
        .size = sizeof(entrasql_client_certificate_options),
        .path = path,
        .password = getenv("AZURE_CLIENT_CERTIFICATE_PASSWORD"),
        .send_x5c = es_streq(chain, "1") || es_strcaseeq(chain, "true"),
        .client = c->client,
    };
}

static entrasql_status new_client_certificate(const call *c, entrasql_credential **ret,
                                              entrasql_error *err)
{
    const char *tenant, *client_id, *path;
    ES_TRY(need("tenant", c->o->tenant, "AZURE_TENANT_ID", &tenant, err));
    ES_TRY(need("client-id", c->o->client_id, "AZURE_CLIENT_ID", &client_id, err));
    ES_TRY(need("certificate", c->o->certificate, "AZURE_CLIENT_CERTIFICATE_PATH", &path, err));
    const entrasql_client_certificate_options options_of = certificate_options(c, path);
    return entrasql_client_certificate_credential_new(tenant, client_id, &options_of, ret, err);
}

static entrasql_status new_workload_identity(const call *c, entrasql_credential **ret,
                                             entrasql_error *err)
{
    const entrasql_workload_identity_options options_of = {
        .size = sizeof options_of,
        .tenant_id = c->o->tenant,
        .client_id = c->o->client_id,
        .token_file_path = c->o->assertion_file,
        .client = c->client,
    };
    return entrasql_workload_identity_credential_new(&options_of, ret, err);
}

static entrasql_status new_azure_pipelines(const call *c, entrasql_credential **ret,
                                           entrasql_error *err)
{
    const char *tenant, *client_id, *connection, *token;
    ES_TRY(need("tenant", c->o->tenant, "AZURESUBSCRIPTION_TENANT_ID", &tenant, err));
    ES_TRY(need("client-id", c->o->client_id, "AZURESUBSCRIPTION_CLIENT_ID", &client_id, err));
    ES_TRY(need("service-connection", c->o->service_connection,
                "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID", &connection, err));
    ES_TRY(need(NULL, NULL, "SYSTEM_ACCESSTOKEN", &token, err));
    return entrasql_azure_pipelines_credential_new(tenant, client_id, connection, token, c->client,
                                                   ret, err);
}

static entrasql_status new_on_behalf_of(const call *c, entrasql_credential **ret,
                                        entrasql_error *err)
{
    const char *tenant, *client_id;
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT_WIPE(CLI_TOKEN_MAX_BYTES);
    ES_TRY(need("tenant", c->o->tenant, "AZURE_TENANT_ID", &tenant, err));
    ES_TRY(need("client-id", c->o->client_id, "AZURE_CLIENT_ID", &client_id, err));
    if (es_str_is_empty(c->o->user_token_file))
        return es_fail(err, ENTRASQL_INVALID, "this credential needs --user-token-file");
    ES_TRY(
        cli_read_token(c->o->user_token_file, &text, err)); /* not an argument, which others see */
    const entrasql_client_certificate_options certificate =
        certificate_options(c, c->o->certificate);
    entrasql_on_behalf_of_options options_of = {.size = sizeof options_of, .client = c->client};
    if (c->o->certificate != NULL)
        options_of.certificate = &certificate;
    else
        ES_TRY(need(NULL, NULL, "AZURE_CLIENT_SECRET", &options_of.client_secret, err));
    const char *user = es_buf_cstr(&text);
    if (user == NULL)
        return es_nomem(err);
    return entrasql_on_behalf_of_credential_new(tenant, client_id, user, &options_of, ret, err);
}

static entrasql_status new_managed_identity(const call *c, entrasql_credential **ret,
                                            entrasql_error *err)
{
    const entrasql_managed_identity_options options_of = {
        .size = sizeof options_of,
        .client_id = c->o->client_id,
        .object_id = c->o->object_id,
        .resource_id = c->o->resource_id,
        .client = c->client,
    };
    return entrasql_managed_identity_credential_new(&options_of, ret, err);
}

static entrasql_status new_azure_cli(const call *c, entrasql_credential **ret, entrasql_error *err)
{
    const entrasql_azure_cli_options options_of = {
        .size = sizeof options_of, .tenant_id = c->o->tenant, .subscription = c->o->subscription};
    return entrasql_azure_cli_credential_new(&options_of, ret, err);
}

static entrasql_developer_tool_options tool_options(const call *c)
{
    return (entrasql_developer_tool_options){.size = sizeof(entrasql_developer_tool_options),
                                             .tenant_id = c->o->tenant};
}

static entrasql_status new_azure_powershell(const call *c, entrasql_credential **ret,
                                            entrasql_error *err)
{
    const entrasql_developer_tool_options options_of = tool_options(c);
    return entrasql_azure_powershell_credential_new(&options_of, ret, err);
}

static entrasql_status new_azure_developer_cli(const call *c, entrasql_credential **ret,
                                               entrasql_error *err)
{
    const entrasql_developer_tool_options options_of = tool_options(c);
    return entrasql_azure_developer_cli_credential_new(&options_of, ret, err);
}

static entrasql_status new_visual_studio(const call *c, entrasql_credential **ret,
                                         entrasql_error *err)
{
    const entrasql_developer_tool_options options_of = tool_options(c);
    return entrasql_visual_studio_credential_new(&options_of, ret, err);
}

static entrasql_status new_visual_studio_code(const call *c, entrasql_credential **ret,
                                              entrasql_error *err)
{
    const entrasql_developer_tool_options options_of = tool_options(c);
    return entrasql_visual_studio_code_credential_new(&options_of, ret, err);
}

void cli_show_device_code(FILE *out, const entrasql_device_code *code)
{
    char message[1024], uri[512], user_code[64];
    if (code->message[0] != '\0') {
        es_printable(message, sizeof message, code->message, strlen(code->message));
        (void)fprintf(out, "%s\n", message);
    } else {
        es_printable(uri, sizeof uri, code->verification_uri, strlen(code->verification_uri));
        es_printable(user_code, sizeof user_code, code->user_code, strlen(code->user_code));
        (void)fprintf(out, "Open %s in a browser and enter the code %s.\n", uri, user_code);
    }
    (void)fflush(out);
}

/* The code is for a person: it never mixes with what a script reads. */
static void show_code(void *context, const entrasql_device_code *code)
{
    (void)context;
    cli_show_device_code(stderr, code);
}

static entrasql_status new_device_code(const call *c, entrasql_credential **ret,
                                       entrasql_error *err)
{
    const entrasql_device_code_options options_of = {
        .size = sizeof options_of,
        .tenant_id = c->o->tenant,
        .client_id = c->o->client_id,
        .prompt = show_code,
        .client = c->client,
    };
    return entrasql_device_code_credential_new(&options_of, ret, err);
}

static entrasql_status new_interactive_browser(const call *c, entrasql_credential **ret,
                                               entrasql_error *err)
{
    const entrasql_interactive_browser_options options_of = {
        .size = sizeof options_of,
        .tenant_id = c->o->tenant,
        .client_id = c->o->client_id,
        .client = c->client,
    };
    return entrasql_interactive_browser_credential_new(&options_of, ret, err);
}

static entrasql_status new_cached_sign_in(const call *c, entrasql_credential **ret,
                                          entrasql_error *err)
{
    const entrasql_cached_sign_in_options options_of = {
        .size = sizeof options_of,
        .tenant_id = c->o->tenant,
        .client_id = c->o->client_id,
        .client = c->client,
    };
    return entrasql_cached_sign_in_credential_new(&options_of, ret, err);
}

/* ---- the table ---- */

/* name, options that it takes, constructor; "default" stands before these. */
#define CREDENTIALS(X)                                                                             \
    X("environment", 0, new_environment)                                                           \
    X("client-secret", TAKES_APP | TAKES_SECRET_FILE, new_client_secret)                           \
    X("client-certificate", TAKES_APP | TAKES_CERTIFICATE, new_client_certificate)                 \
    X("workload-identity", TAKES_APP | TAKES_ASSERTION_FILE, new_workload_identity)                \
    X("azure-pipelines", TAKES_APP | TAKES_SERVICE_CONNECTION, new_azure_pipelines)                \
    X("on-behalf-of", TAKES_APP | TAKES_CERTIFICATE | TAKES_USER_TOKEN_FILE, new_on_behalf_of)     \
    X("managed-identity", TAKES_CLIENT_ID | TAKES_IDENTITY_ID, new_managed_identity)               \
    X("azure-cli", TAKES_TENANT | TAKES_SUBSCRIPTION, new_azure_cli)                               \
    X("azure-powershell", TAKES_TENANT, new_azure_powershell)                                      \
    X("azure-developer-cli", TAKES_TENANT, new_azure_developer_cli)                                \
    X("visual-studio", TAKES_TENANT, new_visual_studio)                                            \
    X("visual-studio-code", TAKES_TENANT, new_visual_studio_code)                                  \
    X("cached-sign-in", TAKES_APP, new_cached_sign_in)                                             \
    X("interactive-browser", TAKES_APP, new_interactive_browser)                                   \
    X("device-code", TAKES_APP, new_device_code)

#define NAME(name, takes, make) "|" name
const char cli_credential_names[] = "default" CREDENTIALS(NAME);

typedef struct credential_kind {
    const char *name;
    unsigned takes;
    entrasql_status (*make)(const call *c, entrasql_credential **ret, entrasql_error *err);
} credential_kind;

#define ROW(name, takes, make) {name, takes, make},
static const credential_kind kinds[] = {{"default", TAKES_APP, new_default}, CREDENTIALS(ROW)};

static const credential_kind *find(const char *name)
{
    for (size_t i = 0; i < ES_COUNT_OF(kinds); i++) {
        if (es_streq(kinds[i].name, name))
            return &kinds[i];
    }
    return &kinds[0];
}

#define TAKERS_SIZE 400

/* "a, b or c": the credentials that take the option; each is one's at least. */
static void list_takers(unsigned bit, char ret[TAKERS_SIZE])
{
    size_t left = 0;
    ret[0] = '\0';
    for (size_t i = 0; i < ES_COUNT_OF(kinds); i++)
        left += (kinds[i].takes & bit) != 0;
    for (size_t i = 0; i < ES_COUNT_OF(kinds); i++) {
        if ((kinds[i].takes & bit) == 0)
            continue;
        left--;
        size_t n = strlen(ret);
        (void)snprintf(ret + n, TAKERS_SIZE - n, "%s%s", kinds[i].name,
                       left > 1    ? ", "
                       : left == 1 ? " or "
                                   : "");
    }
}

entrasql_status cli_credential_new(const cli_credential_options *o, entrasql_credential **ret,
                                   entrasql_error *err)
{
    const credential_kind *kind = find(o->name);
    const entrasql_client_options client = {.size = sizeof client, .ca_file = o->ca_file};
    const call c = {.o = o, .client = &client};
    cli_credential_options copy = *o;

    for (size_t i = 0; i < ES_COUNT_OF(options); i++) {
        bool unwanted = options[i].bit != 0 && (kind->takes & options[i].bit) == 0;
        if (!unwanted || *member(&copy, &options[i]) == NULL)
            continue;
        char takers[TAKERS_SIZE];
        list_takers(options[i].bit, takers);
        es_fail(err, ENTRASQL_INVALID, "--%s has no meaning with --credential %s", options[i].name,
                kind->name);
        es_hint(err, "--%s goes with --credential %s", options[i].name, takers);
        return ENTRASQL_INVALID;
    }
    return kind->make(&c, ret, err);
}
