/* SPDX-License-Identifier: MIT */
/* Authority, trust and retries of credentials. */
#include "identity/settings.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "http/text.h"
#include "identity/redact.h"

#include <stdlib.h>
#include <string.h>

static const char public_cloud[] = "https://login.microsoftonline.com";

const char *identity_getenv(const char *name)
{
    const char *value = getenv(name);
    return es_str_is_empty(value) ? NULL : value;
}

static entrasql_status bad_authority(const char *what, const char *text, const char *reason,
                                     entrasql_error *err)
{
    char shown[120];
    identity_show_url(shown, sizeof shown, text);
    es_fail(err, ENTRASQL_CONFIG, "%s \"%s\" cannot be used: %s", what, shown, reason);
    es_hint(err, "it must be https and a host, such as https://login.microsoftonline.com");
    return ENTRASQL_CONFIG;
}

static bool is_host(const char *host)
{
    for (const char *p = host; *p != '\0'; p++) {
        bool plain = es_is_digit(*p) || (*p >= 'a' && *p <= 'z') || strchr(".-:", *p) != NULL;
        if (!plain)
            return false;
    }
    return true;
}

/* Blanks and slashes around are dropped and a missing scheme is https, as in Azure Identity. */
static char *tidy(const char *text)
{
    es_buf out = ES_BUF_INIT(2048);
    size_t n = strlen(text);
    while (n != 0 && es_is_space(*text)) {
        text++;
        n--;
    }
    while (n != 0 && (es_is_space(text[n - 1]) || text[n - 1] == '/'))
        n--;
    const char *scheme = strstr(text, "://");
    bool has_scheme = scheme != NULL && (size_t)(scheme - text) < n;
    entrasql_status status = es_buf_add_str(&out, has_scheme ? "" : "https://");
    if (status == ENTRASQL_OK)
        status = es_buf_add(&out, text, n);
    char *result = status == ENTRASQL_OK ? es_buf_take(&out, NULL) : NULL;
    es_buf_done(&out);
    return result;
}

entrasql_status identity_authority_parse(const char *text, const char *what, char **ret,
                                         entrasql_error *err)
{
    if (strlen(text) > 1024)
        return bad_authority(what, text, "it is too long", err);
    ES_CLEANUP(es_cleanup_free) char *url_text = tidy(text);
    if (url_text == NULL)
        return es_nomem(err);
    http_url url;
    entrasql_status status = http_url_parse(url_text, &url);
    if (status == ENTRASQL_NOMEM)
        return es_nomem(err);
    if (status != ENTRASQL_OK || !is_host(url.host))
        return bad_authority(what, text, "it is not a URL", err);
    if (!url.is_https)
        return bad_authority(what, text, "secrets are only sent over https", err);
    if (url.has_query || !es_streq(url.path, "/"))
        return bad_authority(what, text, "it has a path", err);
    es_buf out = ES_BUF_INIT(512);
    bool is_v6 = strchr(url.host, ':') != NULL;
    status = es_buf_printf(&out, "https://%s%s%s", is_v6 ? "[" : "", url.host, is_v6 ? "]" : "");
    if (status == ENTRASQL_OK && url.has_port)
        status = es_buf_printf(&out, ":%u", url.port);
    char *result = status == ENTRASQL_OK ? es_buf_take(&out, NULL) : NULL;
    es_buf_done(&out);
    if (result == NULL)
        return es_nomem(err);
    *ret = result;
    return ENTRASQL_OK;
}

static entrasql_status fill(identity_settings *s, const entrasql_client_options *o,
                            bool with_authority, entrasql_error *err)
{
    s->max_retries = o->max_retries;
    s->instance_discovery = o->instance_discovery;
    const char *ca_file =
        !es_str_is_empty(o->ca_file) ? o->ca_file : identity_getenv("SSL_CERT_FILE");
    if (ca_file != NULL && (s->ca_file = es_strdup(ca_file)) == NULL)
        return es_nomem(err);
    if (!with_authority)
        return ENTRASQL_OK;
    if (o->authority_host != NULL && o->authority_host[0] != '\0')
        return identity_authority_parse(o->authority_host, "the authority_host option",
                                        &s->authority, err);
    const char *host = identity_getenv("AZURE_AUTHORITY_HOST");
    return identity_authority_parse(host != NULL ? host : public_cloud, "AZURE_AUTHORITY_HOST",
                                    &s->authority, err);
}

entrasql_status identity_settings_init(identity_settings *s, const entrasql_client_options *options,
                                       bool with_authority, entrasql_error *err)
{
    memset(s, 0, sizeof *s);
    entrasql_client_options o;
    ES_TRY(es_options_copy(&o, sizeof o, options, err));
    entrasql_status status = fill(s, &o, with_authority, err);
    if (status != ENTRASQL_OK)
        identity_settings_done(s);
    return status;
}

void identity_settings_done(identity_settings *s)
{
    es_free(s->authority);
    es_free(s->ca_file);
    es_free(s->instance_host);
    memset(s, 0, sizeof *s);
}

char *identity_token_url(const char *authority, const char *tenant)
{
    es_buf url = ES_BUF_INIT(4096);
    const char *path = es_strcaseeq(tenant, "adfs") ? "oauth2/token" : "oauth2/v2.0/token";
    entrasql_status status = es_buf_printf(&url, "%s/%s/%s", authority, tenant, path);
    char *result = status == ENTRASQL_OK ? es_buf_take(&url, NULL) : NULL;
    es_buf_done(&url);
    return result;
}

unsigned identity_settings_retries(const identity_settings *s, unsigned own)
{
    if (s->max_retries == 0)
        return own;
    return s->max_retries == UINT32_MAX ? 0 : s->max_retries;
}
