/* SPDX-License-Identifier: MIT */
/* Authentication= and its helpers: reading. The credentials are made in auth_cache.c. */
#include "odbc_glue/auth.h"

#include "base/str.h"

#include <string.h>

const char *const glue_auth_keywords[] = {"Authentication",
                                          "TenantId",
                                          "Tenant ID",
                                          "ClientCertificate",
                                          "ClientCertificatePassword",
                                          NULL};

static const char *const tenant_keywords[] = {"TenantId", "Tenant ID", NULL};

/* What a method does with UID, PWD and the certificate's keywords. */
enum {
    USES_USER = 1,
    NEEDS_USER = 2,
    USES_PASSWORD = 4,
    USES_CERTIFICATE = 8,
    USES_TENANT = 16,
    OF_MICROSOFT = 32,
};

typedef struct method_word {
    const char *word; /* behind "ActiveDirectory", without blanks */
    glue_auth_method method;
    unsigned uses;
} method_word;

/* The words of Microsoft's ODBC, .NET, Java and Go drivers, and the credentials' own names. */
static const method_word words[] = {
    {"Default", GLUE_AUTH_DEFAULT, USES_USER | USES_TENANT},
    {"DefaultAzureCredential", GLUE_AUTH_DEFAULT, USES_USER | USES_TENANT},
    {"Environment", GLUE_AUTH_ENVIRONMENT, 0},
    {"ManagedIdentity", GLUE_AUTH_MANAGED_IDENTITY, USES_USER},
    {"Msi", GLUE_AUTH_MANAGED_IDENTITY, USES_USER},
    {"ServicePrincipal", GLUE_AUTH_SERVICE_PRINCIPAL,
     USES_USER | NEEDS_USER | USES_PASSWORD | USES_CERTIFICATE | USES_TENANT},
    {"ServicePrincipalCertificate", GLUE_AUTH_SERVICE_PRINCIPAL,
     USES_USER | NEEDS_USER | USES_CERTIFICATE | USES_TENANT},
    {"Application", GLUE_AUTH_SERVICE_PRINCIPAL,
     USES_USER | NEEDS_USER | USES_PASSWORD | USES_CERTIFICATE | USES_TENANT},
    {"WorkloadIdentity", GLUE_AUTH_WORKLOAD_IDENTITY, USES_USER | USES_TENANT},
    {"AzureCli", GLUE_AUTH_AZURE_CLI, USES_TENANT},
    {"AzCli", GLUE_AUTH_AZURE_CLI, USES_TENANT},
    {"AzurePowerShell", GLUE_AUTH_AZURE_POWERSHELL, USES_TENANT},
    {"AzureDeveloperCli", GLUE_AUTH_AZURE_DEVELOPER_CLI, USES_TENANT},
    {"AzdCli", GLUE_AUTH_AZURE_DEVELOPER_CLI, USES_TENANT},
    {"CachedSignIn", GLUE_AUTH_CACHED_SIGN_IN, USES_USER | USES_TENANT},
    {"DeviceCode", GLUE_AUTH_DEVICE_CODE, USES_TENANT},
    {"DeviceCodeFlow", GLUE_AUTH_DEVICE_CODE, USES_TENANT},
    {"Interactive", GLUE_AUTH_INTERACTIVE, USES_USER | USES_TENANT},
    {"Password", GLUE_AUTH_STRING, USES_USER | USES_PASSWORD | OF_MICROSOFT},
    {"Integrated", GLUE_AUTH_STRING, USES_USER | USES_PASSWORD | OF_MICROSOFT},
};

/* Compares without blanks: "Active Directory Default" is the word of .NET. */
static bool is_word(const char *written, const char *front, const char *word)
{
    const char *expected = front;
    const char *rest = word;
    for (; *written != '\0'; written++) {
        if (*written == ' ')
            continue;
        if (*expected == '\0') {
            expected = rest;
            rest = "";
        }
        if (*expected == '\0' || es_ascii_lower(*written) != es_ascii_lower(*expected))
            return false;
        expected++;
    }
    return *expected == '\0' && *rest == '\0';
}

static const method_word *find_word(const char *written)
{
    for (size_t i = 0; i < ES_COUNT_OF(words); i++) {
        if (is_word(written, "ActiveDirectory", words[i].word) ||
            is_word(written, "", words[i].word) ||
            (words[i].method != GLUE_AUTH_STRING && is_word(written, words[i].word, "Credential")))
            return &words[i];
    }
    return NULL;
}

static entrasql_status unknown_method(const char *written, entrasql_error *err)
{
    char shown[100];
    es_printable(shown, sizeof shown, written, strlen(written));
    es_fail(err, ENTRASQL_CONFIG, "connection string: Authentication=%s is not known", shown);
    es_hint(err, "Authentication takes ActiveDirectoryDefault, -ManagedIdentity (-Msi), "
                 "-ServicePrincipal, -WorkloadIdentity, -AzureCli, -DeviceCode, -Interactive, "
                 "-Environment, or SqlPassword");
    return ENTRASQL_CONFIG;
}

static entrasql_status useless_keyword(const char *keyword, const char *authentication,
                                       entrasql_error *err)
{
    es_fail(err, ENTRASQL_CONFIG, "connection string: %s= has no meaning with Authentication=%s",
            keyword, authentication);
    es_hint(err, "remove %s=, or choose another Authentication", keyword);
    return ENTRASQL_CONFIG;
}

static bool is_yes(const char *value)
{
    return value != NULL && !es_strcaseeq(value, "no") && !es_strcaseeq(value, "false") &&
           !es_streq(value, "0") && *value != '\0';
}

static const char *not_empty(const char *value)
{
    return es_str_is_empty(value) ? NULL : value;
}

static entrasql_status check_uses(const conf_connstr *c, const glue_auth *a, unsigned uses,
                                  entrasql_error *err)
{
    static const char *const certificate[] = {"ClientCertificate", "ClientCertificatePassword",
                                              NULL};
    const struct {
        const char *const *keywords;
        unsigned use;
    } rows[] = {
        {conf_keywords_user, USES_USER},
        {conf_keywords_password, USES_PASSWORD},
        {certificate, USES_CERTIFICATE},
        {tenant_keywords, USES_TENANT},
    };
    const char *keyword = NULL;
    for (size_t i = 0; i < ES_COUNT_OF(rows); i++) {
        const char *value = conf_connstr_get_any(c, rows[i].keywords, &keyword);
        if (not_empty(value) != NULL && (uses & rows[i].use) == 0)
            return useless_keyword(keyword, a->authentication, err);
    }
    if (is_yes(conf_connstr_get_any(c, conf_keywords_trusted_connection, &keyword)))
        return useless_keyword(keyword, a->authentication, err);
    if ((uses & NEEDS_USER) != 0 && a->user == NULL) {
        es_fail(err, ENTRASQL_CONFIG,
                "connection string: Authentication=%s needs UID=", a->authentication);
        es_hint(err, "UID is the client id of the application");
        return ENTRASQL_CONFIG;
    }
    return ENTRASQL_OK;
}

/* A string without Authentication=: a password, Windows' sign-in, or nothing at all. */
static glue_auth_method method_without_word(const conf_connstr *c, const glue_auth *a)
{
    bool trusted = is_yes(conf_connstr_get_any(c, conf_keywords_trusted_connection, NULL));
    if (trusted || a->user != NULL || a->password != NULL)
        return GLUE_AUTH_STRING;
    return GLUE_AUTH_DEFAULT;
}

entrasql_status glue_auth_read(const conf_connstr *c, glue_auth *ret, entrasql_error *err)
{
    glue_auth a = {
        .authentication = not_empty(conf_connstr_get(c, "Authentication")),
        .tenant = not_empty(conf_connstr_get_any(c, tenant_keywords, NULL)),
        .user = not_empty(conf_connstr_get_any(c, conf_keywords_user, NULL)),
        .password = not_empty(conf_connstr_get_any(c, conf_keywords_password, NULL)),
        .certificate = not_empty(conf_connstr_get(c, "ClientCertificate")),
        .certificate_password = not_empty(conf_connstr_get(c, "ClientCertificatePassword")),
    };
    if (a.authentication == NULL || es_strcaseeq(a.authentication, "none")) {
        a.authentication = NULL;
        a.method = method_without_word(c, &a);
    } else if (is_word(a.authentication, "SqlPassword", "")) {
        a.method = GLUE_AUTH_STRING;
    } else {
        const method_word *w = find_word(a.authentication);
        if (w == NULL)
            return unknown_method(a.authentication, err);
        a.method = w->method;
        a.is_of_microsoft = (w->uses & OF_MICROSOFT) != 0;
        ES_TRY(check_uses(c, &a, w->uses, err));
    }
    *ret = a;
    return ENTRASQL_OK;
}

void glue_auth_remove(conf_connstr *c)
{
    conf_connstr_remove_any(c, glue_auth_keywords);
    conf_connstr_remove_any(c, conf_keywords_user);
    conf_connstr_remove_any(c, conf_keywords_password);
    conf_connstr_remove_any(c, conf_keywords_trusted_connection);
}

bool glue_auth_asks_a_person(const glue_auth *a)
{
    return a->method == GLUE_AUTH_DEVICE_CODE || a->method == GLUE_AUTH_INTERACTIVE;
}
