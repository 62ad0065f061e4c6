/* SPDX-License-Identifier: MIT */
/* Recognising the source of managed identity tokens. */
#include "identity/mi_source.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "http/text.h"
#include "identity/settings.h"

#include <string.h>
#include <unistd.h>

#define IMDS_HOST "http://169.254.169.254"
#define IMDS_PATH "/metadata/identity/oauth2/token"

static const struct {
    const char *name;
    bool is_supported;
} kinds[] = {
    [IDENTITY_MI_IMDS] = {"IMDS", true},
    [IDENTITY_MI_APP_SERVICE] = {"App Service", true},
    [IDENTITY_MI_SERVICE_FABRIC] = {"Service Fabric", false},
    [IDENTITY_MI_AZURE_ML] = {"Azure Machine Learning or App Service of 2017 (MSI_ENDPOINT)",
                              false},
    [IDENTITY_MI_CLOUD_SHELL] = {"Cloud Shell (MSI_ENDPOINT)", false},
    [IDENTITY_MI_AZURE_ARC] = {"Azure Arc", false},
};

const char *identity_mi_kind_name(identity_mi_kind kind)
{
    return kinds[kind].name;
}

bool identity_mi_kind_is_supported(identity_mi_kind kind)
{
    return kinds[kind].is_supported;
}

/* The agent of Azure Arc, in the places that the Azure libraries look at. */
static bool has_arc_agent(void)
{
    return access("/opt/azcmagent/bin/himds", F_OK) == 0 ||
           access("/var/opt/azcmagent/bin/himds", F_OK) == 0;
}

/*
 * The order matters: Container Instances set IDENTITY_HEADER and a thumbprint
 * without an endpoint and still mean IMDS.
 */
static identity_mi_kind detect_kind(void)
{
    bool has_endpoint = identity_getenv("IDENTITY_ENDPOINT") != NULL;
    if (has_endpoint && identity_getenv("IDENTITY_HEADER") != NULL)
        return identity_getenv("IDENTITY_SERVER_THUMBPRINT") != NULL ? IDENTITY_MI_SERVICE_FABRIC
                                                                     : IDENTITY_MI_APP_SERVICE;
    if (identity_getenv("MSI_ENDPOINT") != NULL)
        return identity_getenv("MSI_SECRET") != NULL ? IDENTITY_MI_AZURE_ML
                                                     : IDENTITY_MI_CLOUD_SHELL;
    if ((has_endpoint && identity_getenv("IMDS_ENDPOINT") != NULL) || has_arc_agent())
        return IDENTITY_MI_AZURE_ARC;
    return IDENTITY_MI_IMDS;
}

static entrasql_status check_endpoint(const char *variable, const char *url, entrasql_error *err)
{
    http_url parts;
    entrasql_status status = http_url_parse(url, &parts);
    if (status == ENTRASQL_NOMEM)
        return es_nomem(err);
    if (status == ENTRASQL_OK && !parts.has_query)
        return ENTRASQL_OK;
    char shown[120];
    es_printable(shown, sizeof shown, url, strnlen(url, sizeof shown));
    es_fail(err, ENTRASQL_CONFIG, "%s \"%s\" is not a usable address", variable, shown);
    es_hint(err,
            "the host of the program sets it; when you set it yourself, write http://host:port");
    return ENTRASQL_CONFIG;
}

static entrasql_status use_app_service(identity_mi_source *s, entrasql_error *err)
{
    const char *endpoint = identity_getenv("IDENTITY_ENDPOINT");
    ES_TRY(check_endpoint("IDENTITY_ENDPOINT", endpoint, err));
    s->endpoint = es_strdup(endpoint);
    s->header = es_secret_from_str(identity_getenv("IDENTITY_HEADER"));
    return s->endpoint != NULL && s->header != NULL ? ENTRASQL_OK : es_nomem(err);
}

static entrasql_status use_imds(identity_mi_source *s, entrasql_error *err)
{
    static const char variable[] = "AZURE_POD_IDENTITY_AUTHORITY_HOST";
    const char *host = identity_getenv(variable);
    s->is_overridden = host != NULL;
    if (host != NULL)
        ES_TRY(check_endpoint(variable, host, err));
    else
        host = IMDS_HOST;
    size_t n = strlen(host);
    while (n != 0 && host[n - 1] == '/')
        n--;
    es_buf url = ES_BUF_INIT(4096);
    entrasql_status status = es_buf_add(&url, host, n);
    if (status == ENTRASQL_OK)
        status = es_buf_add_str(&url, IMDS_PATH);
    s->endpoint = status == ENTRASQL_OK ? es_buf_take(&url, NULL) : NULL;
    es_buf_done(&url);
    return s->endpoint != NULL ? ENTRASQL_OK : es_nomem(err);
}

entrasql_status identity_mi_source_detect(identity_mi_source *ret, entrasql_error *err)
{
    identity_mi_source s = {.kind = detect_kind()};
    entrasql_status status = ENTRASQL_OK;
    if (s.kind == IDENTITY_MI_APP_SERVICE)
        status = use_app_service(&s, err);
    else if (s.kind == IDENTITY_MI_IMDS)
        status = use_imds(&s, err);
    if (status != ENTRASQL_OK) {
        identity_mi_source_done(&s);
        return status;
    }
    *ret = s;
    return ENTRASQL_OK;
}

void identity_mi_source_done(identity_mi_source *s)
{
    es_free(s->endpoint);
    es_secret_unref(s->header);
    memset(s, 0, sizeof *s);
}
