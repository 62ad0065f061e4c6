/* SPDX-License-Identifier: MIT */
/* Which variables make a program one of the emulator's principals. */
#include "env_format.h"
#include "internal.h"

#include "base/mem.h"
#include "crypto/jwt.h"
#include "emulator/arm/host.h"
#include "emulator/imds/imds.h"
#include "emulator/world/federation.h"
#include "os/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Every variable by which some library signs in: all are unset first, so that shells do not mix. */
static const char *const sign_in_variables[] = {
    "AZURE_TOKEN_CREDENTIALS",
    "AZURE_TENANT_ID",
    "AZURE_CLIENT_ID",
    "AZURE_CLIENT_SECRET",
    "AZURE_CLIENT_CERTIFICATE_PATH",
    "AZURE_CLIENT_CERTIFICATE_PASSWORD",
    "AZURE_USERNAME",
    "AZURE_PASSWORD",
    "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_POD_IDENTITY_AUTHORITY_HOST",
    "IDENTITY_ENDPOINT",
    "IDENTITY_HEADER",
    "IDENTITY_SERVER_THUMBPRINT",
    "IMDS_ENDPOINT",
    "MSI_ENDPOINT",
    "MSI_SECRET",
    "DEFAULT_IDENTITY_CLIENT_ID",
    "WEBSITE_SITE_NAME",
    "MSAL_MANAGED_IDENTITY_ENDPOINT",
    "AZURESUBSCRIPTION_CLIENT_ID",
    "AZURESUBSCRIPTION_TENANT_ID",
    "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID",
    "SYSTEM_ACCESSTOKEN",
    "SYSTEM_OIDCREQUESTURI",
};

typedef struct env {
    const emulator_env_options *options;
    const world *w;
    const world_principal *who;
    emulator_info info;
    emulator_variables variables;
    entrasql_error *err;
} env;

static entrasql_status set(env *e, const char *name, const char *value)
{
    return emulator_variable_set(&e->variables, name, value) == ENTRASQL_OK ? ENTRASQL_OK
                                                                            : es_nomem(e->err);
}

static entrasql_status set_url(env *e, const char *name, const char *before, uint16_t port,
                               const char *after)
{
    char url[1024];
    (void)snprintf(url, sizeof url, "%s%u%s", before, (unsigned)port, after);
    return set(e, name, url);
}

/* ---- what everybody gets ---- */

/* The search path without stand-ins of this data directory, ours in front. */
static entrasql_status set_path(env *e)
{
    const world_principal *user = e->who != NULL && e->who->kind == WORLD_USER ? e->who : NULL;
    const char *tool = e->options->tool != NULL ? e->options->tool : "az";
    ES_CLEANUP(es_cleanup_free) char *dir = emulator_tool_dir(e->options->data_dir, tool, user);
    ES_CLEANUP(es_cleanup_free)
    char *others = emulator_tool_dir(e->options->data_dir, tool, NULL);
    ES_CLEANUP(es_buf_done) es_buf path = ES_BUF_INIT(256 * 1024);
    size_t n = strlen(e->options->data_dir);
    if (dir == NULL || others == NULL || es_buf_add_str(&path, dir) != ENTRASQL_OK)
        return es_nomem(e->err);
    /* Who is signed in to another tool is not signed in to az. */
    if (!es_streq(tool, "az") && es_buf_printf(&path, ":%s", others) != ENTRASQL_OK)
        return es_nomem(e->err);
    const char *at = getenv("PATH");
    while (at != NULL && *at != 0) {
        size_t len = strcspn(at, ":");
        bool is_ours = len > n && strncmp(at, e->options->data_dir, n) == 0 && at[n] == '/';
        if (!is_ours && len != 0 &&
            (es_buf_add_str(&path, ":") != ENTRASQL_OK ||
             es_buf_add(&path, at, len) != ENTRASQL_OK))
            return es_nomem(e->err);
        at += len + (at[len] == ':' ? 1 : 0);
    }
    const char *text = es_buf_cstr(&path);
    return text != NULL ? set(e, "PATH", text) : es_nomem(e->err);
}

static entrasql_status set_connection_string(env *e)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(8192);
    const char *value = NULL;
    if (emulator_write_odbc_string(e->options, e->w, e->info.sql_port, &text) == ENTRASQL_OK)
        value = es_buf_cstr(&text);
    return value != NULL ? set(e, "AZURE_SQL_CONNECTIONSTRING", value) : es_nomem(e->err);
}

static bool has_proxy(void)
{
    static const char *const names[] = {"http_proxy",  "https_proxy", "HTTP_PROXY",
                                        "HTTPS_PROXY", "all_proxy",   "ALL_PROXY"};
    for (size_t i = 0; i < ES_COUNT_OF(names); i++) {
        if (!es_str_is_empty(getenv(names[i])))
            return true;
    }
    return false;
}

/* Behind a proxy, loopback has to be excepted, in both spellings. */
static entrasql_status set_no_proxy(env *e)
{
    if (!has_proxy())
        return ENTRASQL_OK;
    static const char *const names[] = {"no_proxy", "NO_PROXY"};
    for (size_t i = 0; i < ES_COUNT_OF(names); i++) {
        ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(64 * 1024);
        const char *before = getenv(names[i]);
        const char *value = NULL;
        if (before != NULL && strstr(before, "localhost") != NULL &&
            strstr(before, "127.0.0.1") != NULL)
            continue;
        if (es_buf_printf(&text, "%s%slocalhost,127.0.0.1", before != NULL ? before : "",
                          es_str_is_empty(before) ? "" : ",") == ENTRASQL_OK)
            value = es_buf_cstr(&text);
        if (value == NULL)
            return es_nomem(e->err);
        ES_TRY(set(e, names[i], value));
    }
    return ENTRASQL_OK;
}

static entrasql_status set_common(env *e)
{
    for (size_t i = 0; i < ES_COUNT_OF(sign_in_variables); i++)
        ES_TRY(set(e, sign_in_variables[i], NULL));
    /* One file under the names by which OpenSSL, Python's requests and Node look for it. */
    ES_TRY(set(e, "SSL_CERT_FILE", world_ca_file(e->w)));
    ES_TRY(set(e, "REQUESTS_CA_BUNDLE", world_ca_file(e->w)));
    ES_TRY(set(e, "NODE_EXTRA_CA_CERTS", world_ca_file(e->w)));
    ES_TRY(set(e, "ENTRASQL_EMULATOR_DIR", e->options->data_dir));
    ES_TRY(set_url(e, "AZURE_AUTHORITY_HOST", "https://localhost:", e->info.entra_port, ""));
    if (e->info.arm_port != 0)
        ES_TRY(set_url(e, "ENTRASQL_ARM_ENDPOINT", "https://localhost:", e->info.arm_port, ""));
    ES_TRY(set_no_proxy(e));
    ES_TRY(set_path(e));
    return set_connection_string(e);
}

/* ---- what depends on who it is ---- */

/* The pod's variables; the token's file is written anew, as kubelet would have done. */
static entrasql_status set_cluster(env *e, const world_host *host)
{
    ES_CLEANUP(es_buf_done) es_buf token = ES_BUF_INIT_WIPE(CRYPTO_JWT_MAX_BYTES);
    ES_CLEANUP(es_buf_done) es_buf path = ES_BUF_INIT(8192);
    ES_TRY(world_federated_token(e->w, host, WORLD_SERVICE_ACCOUNT_TOKEN_S, &token, e->err));
    if (es_buf_printf(&path, "%s/federated", e->options->data_dir) != ENTRASQL_OK ||
        es_buf_cstr(&path) == NULL)
        return es_nomem(e->err);
    ES_TRY(os_dir_make((const char *)path.data, 0700, e->err));
    const char *file =
        es_buf_printf(&path, "/%s.jwt", host->name) == ENTRASQL_OK ? es_buf_cstr(&path) : NULL;
    if (file == NULL)
        return es_nomem(e->err);
    ES_TRY(os_file_write(file, token.data, token.len, 0600, e->err));
    ES_TRY(set(e, "AZURE_TENANT_ID", e->who->tenant->id));
    ES_TRY(set(e, "AZURE_CLIENT_ID", e->who->client_id));
    return set(e, "AZURE_FEDERATED_TOKEN_FILE", file);
}

/* The variables that a task with a service connection has. */
static entrasql_status set_pipeline(env *e, const world_host *host)
{
    ES_CLEANUP(es_buf_done) es_buf token = ES_BUF_INIT_WIPE(CRYPTO_JWT_MAX_BYTES);
    ES_CLEANUP(es_buf_done) es_buf uri = ES_BUF_INIT(4096);
    char connection[ES_GUID_TEXT_SIZE];
    ES_TRY(world_job_token(e->w, host, &token, e->err));
    const char *text = es_buf_cstr(&token);
    if (text == NULL || world_service_connection(host, e->who, connection) != ENTRASQL_OK ||
        es_buf_printf(&uri, "%s" WORLD_FEDERATION_PATH "%s/oidctoken", world_authority(e->w),
                      host->name) != ENTRASQL_OK ||
        es_buf_cstr(&uri) == NULL)
        return es_nomem(e->err);
    ES_TRY(set(e, "SYSTEM_OIDCREQUESTURI", (const char *)uri.data));
    ES_TRY(set(e, "SYSTEM_ACCESSTOKEN", text));
    ES_TRY(set(e, "AZURESUBSCRIPTION_TENANT_ID", e->who->tenant->id));
    ES_TRY(set(e, "AZURESUBSCRIPTION_CLIENT_ID", e->who->client_id));
    return set(e, "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID", connection);
}

/* System-assigned identities are asked for without an id; so are all where no id can be given. */
static entrasql_status set_client_id(env *e, const char *name)
{
    return e->who->system_assigned ? ENTRASQL_OK : set(e, name, e->who->client_id);
}

static entrasql_status set_secret(env *e, const char *name, const world_host *host)
{
    return set(e, name, es_secret_reveal(host->identity_header));
}

/* http://127.0.0.1:PORT<before><the host's name><after> */
static entrasql_status set_host_url(env *e, const char *name, const char *before,
                                    const world_host *host, const char *after)
{
    char path[512];
    int n = snprintf(path, sizeof path, "%s%s%s", before, host->name, after);
    if (n < 0 || (size_t)n >= sizeof path)
        return es_fail(e->err, ENTRASQL_LIMIT, "the host's name is too long");
    return set_url(e, name, "http://127.0.0.1:", e->info.identity_port, path);
}

/* The first machine is at the plain address of IMDS, each other one below a path of its own. */
static entrasql_status set_machine(env *e, const world_host *host)
{
    if (host == world_vm(e->w))
        return set_url(e, "AZURE_POD_IDENTITY_AUTHORITY_HOST",
                       "http://127.0.0.1:", e->info.identity_port, "");
    return set_host_url(e, "AZURE_POD_IDENTITY_AUTHORITY_HOST", IMDS_MACHINE_PREFIX, host, "");
}

static entrasql_status set_fabric(env *e, const world_host *host)
{
    char thumbprint[41];
    if (e->info.fabric_port == 0)
        return es_fail(e->err, ENTRASQL_NOT_FOUND,
                       "the running emulator was started without a Service Fabric host");
    ES_TRY(imds_fabric_thumbprint(e->options->data_dir, thumbprint, e->err));
    ES_TRY(
        set_url(e, "IDENTITY_ENDPOINT", "https://localhost:", e->info.fabric_port, IMDS_VM_PATH));
    ES_TRY(set_secret(e, "IDENTITY_HEADER", host));
    return set(e, "IDENTITY_SERVER_THUMBPRINT", thumbprint);
}

static entrasql_status set_legacy(env *e, const world_host *host)
{
    ES_TRY(
        set_url(e, "MSI_ENDPOINT", "http://127.0.0.1:", e->info.identity_port, IMDS_LEGACY_PATH));
    ES_TRY(set_secret(e, "MSI_SECRET", host));
    if (host->kind == WORLD_AZURE_ML)
        return set_client_id(e, "DEFAULT_IDENTITY_CLIENT_ID");
    ES_TRY(set(e, "WEBSITE_SITE_NAME", host->name));
    return set_client_id(e, "AZURE_CLIENT_ID");
}

static entrasql_status set_host(env *e, const world_host *host)
{
    switch (host->kind) {
    case WORLD_VM:
        ES_TRY(set_client_id(e, "AZURE_CLIENT_ID"));
        return set_machine(e, host);
    case WORLD_WEB_APP_2017:
    case WORLD_AZURE_ML:
        return set_legacy(e, host);
    case WORLD_SERVICE_FABRIC:
        return set_fabric(e, host);
    case WORLD_CLOUD_SHELL:
        return set_host_url(e, "MSI_ENDPOINT", IMDS_CLOUD_SHELL_PREFIX, host,
                            IMDS_CLOUD_SHELL_SUFFIX);
    case WORLD_ARC:
        ES_TRY(set_client_id(e, "AZURE_CLIENT_ID"));
        ES_TRY(set_host_url(e, "IDENTITY_ENDPOINT", IMDS_ARC_PREFIX, host, IMDS_VM_PATH));
        return set_url(e, "IMDS_ENDPOINT", "http://127.0.0.1:", e->info.identity_port, "");
    case WORLD_AKS:
        return set_cluster(e, host);
    case WORLD_PIPELINE:
        return set_pipeline(e, host);
    case WORLD_WEB_APP:
        break;
    }
    ES_TRY(set_client_id(e, "AZURE_CLIENT_ID"));
    ES_TRY(set_url(e, "IDENTITY_ENDPOINT", "http://127.0.0.1:", e->info.identity_port,
                   IMDS_APP_SERVICE_PATH));
    return set_secret(e, "IDENTITY_HEADER", host);
}

static entrasql_status set_identity(env *e)
{
    const world_host *host = e->options->host != NULL ? world_host_find(e->w, e->options->host)
                                                      : world_host_of(e->w, e->who);
    if (host == NULL && e->options->host != NULL)
        return world_no_host(e->w, e->options->host, e->err);
    if (host == NULL || !world_is_attached(host, e->who)) {
        (void)es_fail(e->err, ENTRASQL_INVALID, "'%s' is not attached to %s%s", e->who->name,
                      host != NULL ? "the host " : "any host", host != NULL ? host->name : "");
        es_hint(e->err, "Add it to the host's identities in the seed.");
        return ENTRASQL_INVALID;
    }
    return set_host(e, host);
}

static entrasql_status set_app(env *e)
{
    ES_TRY(set(e, "AZURE_TENANT_ID", e->who->tenant->id));
    ES_TRY(set(e, "AZURE_CLIENT_ID", e->who->client_id));
    if (es_streq(e->options->proof, "certificate")) {
        ES_CLEANUP(es_cleanup_free) char *path = NULL;
        ES_TRY(world_app_certificate_make(e->w, e->who, &path, e->err));
        return set(e, "AZURE_CLIENT_CERTIFICATE_PATH", path);
    }
    return set(e, "AZURE_CLIENT_SECRET", es_secret_reveal(e->who->secret));
}

static entrasql_status set_own(env *e)
{
    if (e->options->tool != NULL && !emulator_tool_is_known(e->options->tool))
        return es_fail(e->err, ENTRASQL_INVALID, "the tool must be az, azd or pwsh");
    if (e->options->tool != NULL && e->who->kind != WORLD_USER)
        return es_fail(e->err, ENTRASQL_INVALID, "'%s' is not a person: it has no tools",
                       e->options->as);
    if (e->options->host != NULL && e->who->kind != WORLD_IDENTITY && e->who->kind != WORLD_APP)
        return es_fail(e->err, ENTRASQL_INVALID,
                       "'%s' is not a managed identity or app: it has no host", e->options->as);
    if (es_streq(e->options->proof, "certificate") && e->who->kind != WORLD_APP)
        return es_fail(e->err, ENTRASQL_INVALID, "'%s' is not an app: it has no certificate",
                       e->options->as);
    switch (e->who->kind) {
    case WORLD_USER:
        /* A workstation has no IMDS; nobody should wait for one, or meet a real one. Nor should a
         * sign-in of the machine's own user (entrasql login) come before the az stand-in. */
        return set(e, "AZURE_TOKEN_CREDENTIALS",
                   es_streq(e->options->tool, "azd")    ? "AzureDeveloperCliCredential"
                   : es_streq(e->options->tool, "pwsh") ? "AzurePowerShellCredential"
                                                        : "AzureCliCredential");
    case WORLD_APP:
        return e->options->host != NULL ? set_identity(e) : set_app(e);
    case WORLD_IDENTITY:
        return set_identity(e);
    case WORLD_GROUP:
        break;
    }
    return es_fail(e->err, ENTRASQL_INVALID, "'%s' is a group: it cannot sign in", e->options->as);
}

/* ---- a host as it is ---- */

static entrasql_status take_setting(void *ctx, const char *name, const char *value)
{
    env *e = ctx;
    return emulator_variable_set(&e->variables, name, value);
}

/* What the platform itself sets, for the identities that are there. */
static entrasql_status set_platform(env *e, const world_host *host)
{
    if (host->identity_count == 0)
        return ENTRASQL_OK;
    if (host->kind == WORLD_AKS || host->kind == WORLD_PIPELINE) {
        e->who = host->identities[0];
        return set_host(e, host);
    }
    if (host->kind == WORLD_VM)
        return set_machine(e, host);
    ES_TRY(set_url(e, "IDENTITY_ENDPOINT", "http://127.0.0.1:", e->info.identity_port,
                   IMDS_APP_SERVICE_PATH));
    return set_secret(e, "IDENTITY_HEADER", host);
}

/*
 * The environment that a program has on the host: what its resource is set to, and nothing
 * that makes it somebody beside that.
 */
static entrasql_status print_host(env *e, const world_host *host, es_buf *out)
{
    bool found = false;
    if (host->kind != WORLD_WEB_APP && host->kind != WORLD_VM && !world_host_is_issuer(host))
        return es_fail(e->err, ENTRASQL_INVALID,
                       "the host '%s' is no resource of Azure Resource Manager: say as whom, too",
                       host->name);
    ES_TRY(set_common(e));
    ES_TRY(set(e, "AZURE_SQL_CONNECTIONSTRING", NULL));
    ES_TRY(set(e, "ENTRASQL_ARM_ENDPOINT", NULL));
    ES_TRY(set_platform(e, host));
    ES_TRY(arm_host_settings(e->w, e->options->data_dir, e->info.sql_port, host->name, take_setting,
                             e, &found, e->err));
    return emulator_variables_print(&e->variables, e->options->format, out) == ENTRASQL_OK
               ? ENTRASQL_OK
               : es_nomem(e->err);
}

static entrasql_status print(env *e, es_buf *out)
{
    const char *named = e->options->as != NULL ? e->options->as : e->options->host;
    const world_host *host = world_host_find(e->w, named);
    if (host != NULL && (e->options->as == NULL || world_principal_find(e->w, named) == NULL))
        return print_host(e, host, out);
    if (e->options->as == NULL)
        return world_no_host(e->w, named, e->err);
    e->who = world_principal_find(e->w, e->options->as);
    if (e->who == NULL) {
        (void)es_fail(e->err, ENTRASQL_NOT_FOUND, "the emulator knows no '%s', or more than one",
                      e->options->as);
        es_hint(e->err, "Name a user by its UPN (such as %s), an app or an identity by its name.",
                world_server_admin(e->w) != NULL && world_server_admin(e->w)->upn != NULL
                    ? world_server_admin(e->w)->upn
                    : "user@domain");
        return ENTRASQL_NOT_FOUND;
    }
    ES_TRY(set_common(e));
    ES_TRY(set_own(e));
    return emulator_variables_print(&e->variables, e->options->format, out) == ENTRASQL_OK
               ? ENTRASQL_OK
               : es_nomem(e->err);
}

entrasql_status emulator_env(const emulator_env_options *options, es_buf *out, entrasql_error *err)
{
    env e = {.options = options, .err = err};
    world *w = NULL;
    ES_TRY(emulator_status(options->data_dir, &e.info, err));
    ES_TRY(world_load(options->data_dir, NULL, false, &w, err));
    e.w = w;
    char authority[64];
    (void)snprintf(authority, sizeof authority, "https://localhost:%u",
                   (unsigned)e.info.entra_port);
    entrasql_status status =
        world_set_authority(w, authority) == ENTRASQL_OK ? print(&e, out) : es_nomem(err);
    emulator_variables_done(&e.variables);
    world_free(w);
    return status;
}
