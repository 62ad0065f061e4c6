/* SPDX-License-Identifier: MIT */
/* The credentials of connection strings: made once, kept for the process. */
#include "odbc_glue/auth.h"

#include "base/buf.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KEY_MAX_BYTES (1024 * 1024)
#define MAX_ENTRIES 64

extern char **environ;

typedef struct entry {
    struct entry *next;
    es_secret *key; /* all that the credential depends on, a password among it */
    entrasql_credential *credential;
} entry;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static entry *entries; /* the last used first */
static pthread_once_t fork_once = PTHREAD_ONCE_INIT;

/* ---- fork ---- */

static void before_fork(void)
{
    (void)pthread_mutex_lock(&lock);
}

static void after_fork_in_parent(void)
{
    (void)pthread_mutex_unlock(&lock);
}

/* A credential may have been in the middle of a request: the child lets it lie. */
static void after_fork_in_child(void)
{
    entries = NULL;
    (void)pthread_mutex_unlock(&lock);
}

static void watch_forks(void)
{
    (void)pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

/* ---- the key ---- */

/* What the credentials read from the environment, and what the tools that they start do. */
static bool matters(const char *variable)
{
    static const char *const fronts[] = {"AZURE_",   "IDENTITY_", "MSI_",  "IMDS_",
                                         "SSL_CERT", "ENTRASQL_", "HOME=", "PATH="};
    for (size_t i = 0; i < ES_COUNT_OF(fronts); i++) {
        if (es_starts_with(variable, fronts[i]))
            return true;
    }
    return false;
}

static entrasql_status add_text(es_buf *key, const char *text)
{
    ES_TRY(es_buf_u8(key, text != NULL ? 1 : 0));
    if (text != NULL)
        ES_TRY(es_buf_add(key, text, strlen(text) + 1));
    return ENTRASQL_OK;
}

static entrasql_status make_key(const glue_auth *a, const char *ca_file, const glue_prompt *prompt,
                                es_secret **ret)
{
    ES_CLEANUP(es_buf_done) es_buf key = ES_BUF_INIT_WIPE(KEY_MAX_BYTES);
    const char *const texts[] = {
        a->tenant, a->user, a->password, a->certificate, a->certificate_password, ca_file};
    ES_TRY(es_buf_u32le(&key, (uint32_t)a->method));
    for (size_t i = 0; i < ES_COUNT_OF(texts); i++)
        ES_TRY(add_text(&key, texts[i]));
    if (prompt != NULL && prompt->function != NULL)
        ES_TRY(es_buf_add(&key, prompt, sizeof *prompt));
    for (char **v = environ; v != NULL && *v != NULL; v++) {
        if (matters(*v))
            ES_TRY(add_text(&key, *v));
    }
    *ret = es_secret_new(key.data, key.len);
    return *ret != NULL ? ENTRASQL_OK : ENTRASQL_NOMEM;
}

/* ---- making ---- */

/* The terminal of the process, whatever its standard streams are. */
static void show_on_terminal(void *context, const entrasql_device_code *code)
{
    (void)context;
    char text[1024];
    char shown[800];
    int fd = open("/dev/tty", O_WRONLY | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return;
    es_printable(shown, sizeof shown, code->message, strlen(code->message));
    int n = snprintf(text, sizeof text, "\r\n%s\r\n", shown);
    if (n > 0 && (size_t)n < sizeof text) {
        ssize_t written = write(fd, text, (size_t)n);
        (void)written;
    }
    (void)close(fd);
}

static entrasql_status check_terminal(entrasql_error *err)
{
    int fd = open("/dev/tty", O_WRONLY | O_NOCTTY | O_CLOEXEC);
    if (fd < 0) {
        es_fail(err, ENTRASQL_UNAVAILABLE,
                "the device code cannot be shown: this process has no terminal");
        es_hint(err, "run `entrasql login` once and use Authentication=ActiveDirectoryDefault, or "
                     "choose an Authentication that asks nobody");
        return ENTRASQL_UNAVAILABLE;
    }
    (void)close(fd);
    return ENTRASQL_OK;
}

static entrasql_status make_device_code(const glue_auth *a, const entrasql_client_options *client,
                                        const glue_prompt *prompt, entrasql_credential **ret,
                                        entrasql_error *err)
{
    entrasql_device_code_options o = {
        .size = sizeof o,
        .tenant_id = a->tenant,
        .prompt = show_on_terminal,
        .client = client,
    };
    if (prompt != NULL && prompt->function != NULL) {
        o.prompt = prompt->function;
        o.prompt_context = prompt->context;
    } else {
        ES_TRY(check_terminal(err));
    }
    return entrasql_device_code_credential_new(&o, ret, err);
}

/* UID=<client id>@<tenant> is the form of the Go driver; AZURE_TENANT_ID is the last resort. */
static entrasql_status split_principal(const glue_auth *a, char **ret_client, char **ret_tenant,
                                       entrasql_error *err)
{
    const char *at = strchr(a->user, '@');
    const char *tenant = a->tenant != NULL ? a->tenant : at != NULL ? at + 1 : NULL;
    if (es_str_is_empty(tenant))
        tenant = getenv("AZURE_TENANT_ID");
    if (es_str_is_empty(tenant)) {
        es_fail(err, ENTRASQL_CONFIG,
                "connection string: Authentication=%s needs TenantId=", a->authentication);
        es_hint(err, "add TenantId=<directory id>, write UID=<client id>@<directory id>, or set "
                     "AZURE_TENANT_ID");
        return ENTRASQL_CONFIG;
    }
    *ret_client = at != NULL ? es_strndup(a->user, (size_t)(at - a->user)) : es_strdup(a->user);
    *ret_tenant = es_strdup(tenant);
    if (*ret_client == NULL || *ret_tenant == NULL)
        return es_nomem(err);
    return ENTRASQL_OK;
}

static entrasql_status make_service_principal(const glue_auth *a,
                                              const entrasql_client_options *client,
                                              entrasql_credential **ret, entrasql_error *err)
{
    ES_CLEANUP(es_cleanup_free) char *id = NULL;
    ES_CLEANUP(es_cleanup_free) char *tenant = NULL;
    ES_TRY(split_principal(a, &id, &tenant, err));
    if (a->certificate != NULL && a->password != NULL)
        return es_fail(err, ENTRASQL_CONFIG,
                       "connection string: PWD= and ClientCertificate= are two sign-ins");
    if (a->certificate != NULL) {
        const entrasql_client_certificate_options o = {
            .size = sizeof o,
            .path = a->certificate,
            .password = a->certificate_password,
            .client = client,
        };
        return entrasql_client_certificate_credential_new(tenant, id, &o, ret, err);
    }
    if (a->password == NULL) {
        es_fail(err, ENTRASQL_CONFIG,
                "connection string: Authentication=%s needs PWD= or ClientCertificate=",
                a->authentication);
        es_hint(err, "PWD is the client secret; ClientCertificate is the path of a PEM or PKCS#12 "
                     "file with its key");
        return ENTRASQL_CONFIG;
    }
    return entrasql_client_secret_credential_new(tenant, id, a->password, client, ret, err);
}

static entrasql_status make_default(const glue_auth *a, const entrasql_client_options *client,
                                    entrasql_credential **ret, entrasql_error *err)
{
    const entrasql_default_azure_options o = {
        .size = sizeof o,
        .managed_identity_client_id = a->user,
        .tenant_id = a->tenant,
        .client = client,
    };
    return entrasql_default_azure_credential_new(&o, ret, err);
}

static entrasql_status make_tool(const glue_auth *a, entrasql_credential **ret, entrasql_error *err)
{
    const entrasql_azure_cli_options cli = {.size = sizeof cli, .tenant_id = a->tenant};
    const entrasql_developer_tool_options tool = {.size = sizeof tool, .tenant_id = a->tenant};

    if (a->method == GLUE_AUTH_AZURE_CLI)
        return entrasql_azure_cli_credential_new(&cli, ret, err);
    if (a->method == GLUE_AUTH_AZURE_POWERSHELL)
        return entrasql_azure_powershell_credential_new(&tool, ret, err);
    return entrasql_azure_developer_cli_credential_new(&tool, ret, err);
}

static entrasql_status make_person(const glue_auth *a, const entrasql_client_options *client,
                                   const glue_prompt *prompt, entrasql_credential **ret,
                                   entrasql_error *err)
{
    const entrasql_interactive_browser_options browser = {
        .size = sizeof browser,
        .tenant_id = a->tenant,
        .login_hint = a->user,
        .client = client,
    };
    const entrasql_cached_sign_in_options cached = {
        .size = sizeof cached,
        .username = a->user,
        .tenant_id = a->tenant,
        .client = client,
    };
    if (a->method == GLUE_AUTH_DEVICE_CODE)
        return make_device_code(a, client, prompt, ret, err);
    if (a->method == GLUE_AUTH_INTERACTIVE)
        return entrasql_interactive_browser_credential_new(&browser, ret, err);
    return entrasql_cached_sign_in_credential_new(&cached, ret, err);
}

static entrasql_status make_workload(const glue_auth *a, const entrasql_client_options *client,
                                     entrasql_credential **ret, entrasql_error *err)
{
    const entrasql_workload_identity_options o = {
        .size = sizeof o,
        .tenant_id = a->tenant,
        .client_id = a->user,
        .client = client,
    };
    return entrasql_workload_identity_credential_new(&o, ret, err);
}

static entrasql_status make(const glue_auth *a, const char *ca_file, const glue_prompt *prompt,
                            entrasql_credential **ret, entrasql_error *err)
{
    const entrasql_client_options client = {.size = sizeof client, .ca_file = ca_file};
    const entrasql_managed_identity_options identity = {
        .size = sizeof identity,
        .client_id = a->user,
        .client = &client,
    };
    switch (a->method) {
    case GLUE_AUTH_DEFAULT:
        return make_default(a, &client, ret, err);
    case GLUE_AUTH_ENVIRONMENT:
        return entrasql_environment_credential_new(&client, ret, err);
    case GLUE_AUTH_MANAGED_IDENTITY:
        return entrasql_managed_identity_credential_new(&identity, ret, err);
    case GLUE_AUTH_SERVICE_PRINCIPAL:
        return make_service_principal(a, &client, ret, err);
    case GLUE_AUTH_WORKLOAD_IDENTITY:
        return make_workload(a, &client, ret, err);
    case GLUE_AUTH_AZURE_CLI:
    case GLUE_AUTH_AZURE_POWERSHELL:
    case GLUE_AUTH_AZURE_DEVELOPER_CLI:
        return make_tool(a, ret, err);
    case GLUE_AUTH_CACHED_SIGN_IN:
    case GLUE_AUTH_DEVICE_CODE:
    case GLUE_AUTH_INTERACTIVE:
        return make_person(a, &client, prompt, ret, err);
    case GLUE_AUTH_STRING:
        break;
    }
    return es_fail(err, ENTRASQL_INTERNAL, "this sign-in has no credential");
}

/* ---- keeping ---- */

static void entry_free(entry *e)
{
    es_secret_unref(e->key);
    entrasql_credential_unref(e->credential);
    es_free(e);
}

/* Moves the entry to the front, so that the one used longest ago is the last. */
static entry *find_locked(const es_secret *key)
{
    for (entry **at = &entries; *at != NULL; at = &(*at)->next) {
        entry *e = *at;
        if (!es_secret_equal(e->key, es_secret_reveal(key), es_secret_len(key)))
            continue;
        *at = e->next;
        e->next = entries;
        entries = e;
        return e;
    }
    return NULL;
}

static void drop_the_oldest_locked(void)
{
    size_t count = 0;
    for (entry **at = &entries; *at != NULL; at = &(*at)->next) {
        if (++count <= MAX_ENTRIES)
            continue;
        entry *e = *at;
        *at = NULL;
        entry_free(e);
        return;
    }
}

static entrasql_status add_locked(es_secret *key, entrasql_credential *credential)
{
    entry *e = es_calloc(1, sizeof *e);
    if (e == NULL)
        return ENTRASQL_NOMEM;
    e->key = es_secret_ref(key);
    e->credential = entrasql_credential_ref(credential);
    e->next = entries;
    entries = e;
    drop_the_oldest_locked();
    return ENTRASQL_OK;
}

static entrasql_status find_or_make_locked(const glue_auth *a, const char *ca_file,
                                           const glue_prompt *prompt, es_secret *key,
                                           entrasql_credential **ret, entrasql_error *err)
{
    const entry *found = find_locked(key);
    if (found != NULL) {
        *ret = entrasql_credential_ref(found->credential);
        return ENTRASQL_OK;
    }
    entrasql_credential *made = NULL;
    ES_TRY(make(a, ca_file, prompt, &made, err));
    if (add_locked(key, made) != ENTRASQL_OK) {
        entrasql_credential_unref(made);
        return es_nomem(err);
    }
    *ret = made;
    return ENTRASQL_OK;
}

entrasql_status glue_auth_credential(const glue_auth *a, const char *ca_file,
                                     const glue_prompt *prompt, entrasql_credential **ret,
                                     entrasql_error *err)
{
    es_secret *key = NULL;
    (void)pthread_once(&fork_once, watch_forks);
    entrasql_status status = make_key(a, ca_file, prompt, &key);
    if (status != ENTRASQL_OK)
        return status == ENTRASQL_NOMEM
                   ? es_nomem(err)
                   : es_fail(err, status, "the environment of this process is too large");
    (void)pthread_mutex_lock(&lock);
    status = find_or_make_locked(a, ca_file, prompt, key, ret, err);
    (void)pthread_mutex_unlock(&lock);
    es_secret_unref(key);
    return status;
}

void glue_auth_forget(void)
{
    (void)pthread_mutex_lock(&lock);
    entry *e = entries;
    entries = NULL;
    (void)pthread_mutex_unlock(&lock);
    while (e != NULL) {
        entry *next = e->next;
        entry_free(e);
        e = next;
    }
}
