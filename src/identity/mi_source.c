/* SPDX-License-Identifier: MIT */
/* Recognising the source of managed identity tokens. */
#include "identity/mi_source.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "http/text.h"
#include "identity/redact.h"
#include "identity/settings.h"

#include <string.h>
#include <unistd.h>

#define IMDS_HOST "http://169.254.169.254"
#define TOKEN_PATH "/metadata/identity/oauth2/token"
/* Where the agent of Azure Arc listens when it sets no variable. */
#define ARC_ENDPOINT "http://127.0.0.1:40342" TOKEN_PATH

static const identity_mi_host hosts[] = {
    [IDENTITY_MI_IMDS] = {.name = "IMDS",
                          .api_version = "2018-02-01",
                          .parameter = {NULL, "client_id", "object_id", "msi_res_id"},
                          .metadata = true},
    [IDENTITY_MI_APP_SERVICE] = {.name = "App Service",
                                 .api_version = "2019-08-01",
                                 .parameter = {NULL, "client_id", "object_id", "mi_res_id"},
                                 .secret_header = "X-IDENTITY-HEADER"},
    [IDENTITY_MI_APP_SERVICE_2017] = {.name = "App Service of 2017",
                                      .api_version = "2017-09-01",
                                      .parameter = {NULL, "clientid"},
                                      .secret_header = "secret"},
    [IDENTITY_MI_SERVICE_FABRIC] = {.name = "Service Fabric",
                                    .api_version = "2019-07-01-preview",
                                    .secret_header = "secret"},
    [IDENTITY_MI_AZURE_ML] = {.name = "Azure Machine Learning",
                              .api_version = "2017-09-01",
                              .parameter = {NULL, "clientid"},
                              .secret_header = "secret"},
    [IDENTITY_MI_CLOUD_SHELL] = {.name = "Cloud Shell", .metadata = true, .is_post = true},
    /* Agents that do not know the ids answer for the system-assigned identity: the answer has to
     * name the one that was asked for (mi_reply.h). */
    [IDENTITY_MI_AZURE_ARC] = {.name = "Azure Arc",
                               .api_version = "2020-06-01",
                               .parameter = {NULL, "client_id", "object_id", "msi_res_id"},
                               .metadata = true},
};

/* The agent of Azure Arc, in the places that the Azure libraries look at. */
static bool has_arc_agent(void)
{
    return access("/opt/azcmagent/bin/himds", F_OK) == 0 ||
           access("/var/opt/azcmagent/bin/himds", F_OK) == 0;
}

/*
 * The order matters: Container Instances set IDENTITY_HEADER and a thumbprint
 * without an endpoint and still mean IMDS. MSI_ENDPOINT with a secret is what
 * Azure ML and the App Service of 2017 have in common; only the latter names a web site.
 */
static identity_mi_kind detect_kind(void)
{
    bool has_endpoint = identity_getenv("IDENTITY_ENDPOINT") != NULL;
    if (has_endpoint && identity_getenv("IDENTITY_HEADER") != NULL)
        return identity_getenv("IDENTITY_SERVER_THUMBPRINT") != NULL ? IDENTITY_MI_SERVICE_FABRIC
                                                                     : IDENTITY_MI_APP_SERVICE;
    if (identity_getenv("MSI_ENDPOINT") != NULL && identity_getenv("MSI_SECRET") == NULL)
        return IDENTITY_MI_CLOUD_SHELL;
    if (identity_getenv("MSI_ENDPOINT") != NULL)
        return identity_getenv("WEBSITE_SITE_NAME") != NULL ? IDENTITY_MI_APP_SERVICE_2017
                                                            : IDENTITY_MI_AZURE_ML;
    if ((has_endpoint && identity_getenv("IMDS_ENDPOINT") != NULL) || has_arc_agent())
        return IDENTITY_MI_AZURE_ARC;
    return IDENTITY_MI_IMDS;
}

static entrasql_status bad_value(const char *variable, const char *value, const char *what,
                                 const char *hint, entrasql_error *err)
{
    char shown[120];
    identity_show_url(shown, sizeof shown, value);
    es_fail(err, ENTRASQL_CONFIG, "%s \"%s\" %s", variable, shown, what);
    es_hint(err, "%s", hint);
    return ENTRASQL_CONFIG;
}

static entrasql_status check_endpoint(const char *variable, const char *url, http_url *parts,
                                      entrasql_error *err)
{
    entrasql_status status = http_url_parse(url, parts);
    if (status == ENTRASQL_NOMEM)
        return es_nomem(err);
    if (status == ENTRASQL_OK && !parts->has_query)
        return ENTRASQL_OK;
    return bad_value(variable, url, "is not a usable address",
                     "the host of the program sets it; when you set it yourself, write "
                     "http://host:port",
                     err);
}

entrasql_status identity_mi_thumbprint_parse(const char *text, uint8_t ret[HTTP_PIN_SIZE])
{
    unsigned digits = 0;
    for (; *text != '\0'; text++) {
        char c = es_ascii_lower(*text);
        if (c == ':' || es_is_space(c))
            continue;
        bool is_letter = c >= 'a' && c <= 'f';
        if ((!es_is_digit(c) && !is_letter) || digits == 2 * HTTP_PIN_SIZE)
            return ENTRASQL_MALFORMED;
        unsigned v = is_letter ? (unsigned)(c - 'a') + 10 : (unsigned)(c - '0');
        ret[digits / 2] = (uint8_t)(digits % 2 == 0 ? v << 4 : ret[digits / 2] | v);
        digits++;
    }
    return digits == 2 * HTTP_PIN_SIZE ? ENTRASQL_OK : ENTRASQL_MALFORMED;
}

/* An endpoint from one variable, and from another (NULL: none) the secret that proves the place. */
static entrasql_status use_variables(identity_mi_source *s, const char *endpoint_variable,
                                     const char *secret_variable, entrasql_error *err)
{
    const char *endpoint = identity_getenv(endpoint_variable);
    http_url parts;
    ES_TRY(check_endpoint(endpoint_variable, endpoint, &parts, err));
    s->endpoint = es_strdup(endpoint);
    if (s->endpoint == NULL)
        return es_nomem(err);
    if (secret_variable == NULL)
        return ENTRASQL_OK;
    s->header = es_secret_from_str(identity_getenv(secret_variable));
    return s->header != NULL ? ENTRASQL_OK : es_nomem(err);
}

/* Its certificate signs itself: without the thumbprint anybody could take the secret. */
static entrasql_status use_service_fabric(identity_mi_source *s, entrasql_error *err)
{
    static const char variable[] = "IDENTITY_SERVER_THUMBPRINT";
    const char *thumbprint = identity_getenv(variable);
    http_url parts;
    ES_TRY(use_variables(s, "IDENTITY_ENDPOINT", "IDENTITY_HEADER", err));
    ES_TRY(check_endpoint("IDENTITY_ENDPOINT", s->endpoint, &parts, err));
    if (!parts.is_https)
        return bad_value(
            "IDENTITY_ENDPOINT", s->endpoint, "of Service Fabric is not https",
            "the cluster sets it; IDENTITY_SERVER_THUMBPRINT must not be set elsewhere", err);
    if (identity_mi_thumbprint_parse(thumbprint, s->pin) != ENTRASQL_OK)
        return bad_value(variable, thumbprint, "is not a SHA-1 thumbprint of 40 hex digits",
                         "the cluster sets it to the thumbprint of its own certificate", err);
    return ENTRASQL_OK;
}

static entrasql_status use_azure_ml(identity_mi_source *s, entrasql_error *err)
{
    ES_TRY(use_variables(s, "MSI_ENDPOINT", "MSI_SECRET", err));
    const char *id = identity_getenv("DEFAULT_IDENTITY_CLIENT_ID");
    s->default_client_id = es_strdup(id);
    return id == NULL || s->default_client_id != NULL ? ENTRASQL_OK : es_nomem(err);
}

static entrasql_status use_azure_arc(identity_mi_source *s, entrasql_error *err)
{
    if (identity_getenv("IDENTITY_ENDPOINT") != NULL)
        return use_variables(s, "IDENTITY_ENDPOINT", NULL, err);
    s->endpoint = es_strdup(ARC_ENDPOINT);
    return s->endpoint != NULL ? ENTRASQL_OK : es_nomem(err);
}

static entrasql_status use_imds(identity_mi_source *s, entrasql_error *err)
{
    static const char variable[] = "AZURE_POD_IDENTITY_AUTHORITY_HOST";
    const char *host = identity_getenv(variable);
    http_url parts;
    s->is_overridden = host != NULL;
    if (host != NULL)
        ES_TRY(check_endpoint(variable, host, &parts, err));
    else
        host = IMDS_HOST;
    size_t n = strlen(host);
    while (n != 0 && host[n - 1] == '/')
        n--;
    es_buf url = ES_BUF_INIT(4096);
    entrasql_status status = es_buf_add(&url, host, n);
    if (status == ENTRASQL_OK)
        status = es_buf_add_str(&url, TOKEN_PATH);
    s->endpoint = status == ENTRASQL_OK ? es_buf_take(&url, NULL) : NULL;
    es_buf_done(&url);
    return s->endpoint != NULL ? ENTRASQL_OK : es_nomem(err);
}

entrasql_status identity_mi_source_detect(identity_mi_source *ret, entrasql_error *err)
{
    *ret = (identity_mi_source){.kind = detect_kind()};
    ret->host = &hosts[ret->kind];
    switch (ret->kind) {
    case IDENTITY_MI_APP_SERVICE:
        return use_variables(ret, "IDENTITY_ENDPOINT", "IDENTITY_HEADER", err);
    case IDENTITY_MI_APP_SERVICE_2017:
        return use_variables(ret, "MSI_ENDPOINT", "MSI_SECRET", err);
    case IDENTITY_MI_SERVICE_FABRIC:
        return use_service_fabric(ret, err);
    case IDENTITY_MI_AZURE_ML:
        return use_azure_ml(ret, err);
    case IDENTITY_MI_CLOUD_SHELL:
        return use_variables(ret, "MSI_ENDPOINT", NULL, err);
    case IDENTITY_MI_AZURE_ARC:
        return use_azure_arc(ret, err);
    case IDENTITY_MI_IMDS:
        break;
    }
    return use_imds(ret, err);
}

void identity_mi_source_done(identity_mi_source *s)
{
    es_free(s->endpoint);
    es_free(s->default_client_id);
    es_secret_unref(s->header);
    memset(s, 0, sizeof *s);
}
