/* SPDX-License-Identifier: MIT */
/* Instance discovery; see discovery.h. */
#include "identity/discovery.h"

#include "base/str.h"
#include "http/text.h"
#include "json/json.h"

#include <string.h>

static const char public_cloud[] = "https://login.microsoftonline.com";

/* The clouds' hosts and their other names, as the Microsoft Authentication Libraries list them. */
static const char *const known_hosts[] = {
    "login.microsoftonline.com",
    "login.windows.net",
    "login.microsoft.com",
    "sts.windows.net",
    "login.microsoftonline.us",
    "login.usgovcloudapi.net",
    "login-us.microsoftonline.com",
    "login.chinacloudapi.cn",
    "login.partner.microsoftonline.cn",
    "login.microsoftonline.de",
    "login.sovcloud-identity.fr",
    "login.sovcloud-identity.de",
    "login.sovcloud-identity.sg",
};

bool identity_authority_is_known(const char *authority)
{
    static const char scheme[] = "https://";
    const char *host = es_starts_with(authority, scheme) ? authority + sizeof scheme - 1 : "";
    for (size_t i = 0; i < ES_COUNT_OF(known_hosts); i++) {
        if (es_strcaseeq(host, known_hosts[i]))
            return true;
    }
    return false;
}

bool identity_discovery_is_due(const identity_settings *s, const char *tenant)
{
    return s->instance_discovery && !es_strcaseeq(tenant, "adfs") &&
           !atomic_load_explicit(&s->is_known, memory_order_acquire) &&
           !identity_authority_is_known(s->authority);
}

static entrasql_status fill_url(const identity_settings *s, const char *tenant, es_buf *url)
{
    ES_CLEANUP(es_buf_done) es_buf endpoint = ES_BUF_INIT(4096);
    ES_TRY(es_buf_printf(&endpoint, "%s/%s/oauth2/v2.0/authorize", s->authority, tenant));
    const char *text = es_buf_cstr(&endpoint);
    if (text == NULL)
        return ENTRASQL_NOMEM;
    ES_TRY(es_buf_printf(url, "%s/common/discovery/instance?api-version=1.1",
                         s->instance_host != NULL ? s->instance_host : public_cloud));
    return http_form_add(url, "authorization_endpoint", text);
}

entrasql_status identity_discovery_fill(const identity_settings *s, const char *tenant,
                                        identity_exchange *x, entrasql_error *err)
{
    if (fill_url(s, tenant, &x->url) != ENTRASQL_OK)
        return es_nomem(err);
    x->ca_file = s->ca_file;
    identity_exchange_header(x, "Accept", "application/json");
    return ENTRASQL_OK;
}

entrasql_status identity_discovery_judge(identity_settings *s, const http_response *answer,
                                         entrasql_error *err)
{
    ES_CLEANUP(json_doc_cleanup) json_doc *doc = NULL;
    const char *endpoint = NULL;
    entrasql_status status = json_doc_parse(answer->body.data, answer->body.len, &doc, NULL);
    if (status == ENTRASQL_NOMEM)
        return es_nomem(err);
    if (status == ENTRASQL_OK && answer->status == 200 &&
        json_member_string(json_doc_root(doc), "tenant_discovery_endpoint", &endpoint, NULL) ==
            ENTRASQL_OK) {
        atomic_store_explicit(&s->is_known, true, memory_order_release);
        return ENTRASQL_OK;
    }
    const char *word = NULL;
    if (status == ENTRASQL_OK)
        (void)!json_member_string(json_doc_root(doc), "error", &word, NULL);
    if (es_streq(word, "invalid_instance"))
        es_fail(err, ENTRASQL_AUTH_FAILED,
                "Microsoft's public cloud does not know the authority %s: no secret was sent to it",
                s->authority);
    else
        es_fail(err, ENTRASQL_AUTH_FAILED,
                "the authority %s could not be looked up (HTTP %u): no secret was sent to it",
                s->authority, answer->status);
    es_hint(err, "check authority_host and AZURE_AUTHORITY_HOST; for a private cloud leave "
                 "instance_discovery off");
    err->number = answer->status;
    return ENTRASQL_AUTH_FAILED;
}

entrasql_status identity_discovery_step(identity_settings *s, identity_exchange *x,
                                        entrasql_error *err)
{
    http_response answer;
    entrasql_status status = identity_exchange_step(x, &answer, err);
    if (status == ENTRASQL_AGAIN)
        return status;
    if (status == ENTRASQL_OK) {
        status = identity_discovery_judge(s, &answer, err);
        http_response_done(&answer);
        return status;
    }
    es_error_prefix(err, "the authority could not be looked up in the public cloud");
    if (err->hint[0] == '\0')
        es_hint(err, "for a private cloud leave instance_discovery off");
    return status;
}
