/* SPDX-License-Identifier: MIT */
/* Fetching the token of a login; scopes and authorities. */
#include "relay/token.h"

#include "base/mem.h"
#include "base/str.h"
#include "relay/login.h"

#include <stdlib.h>
#include <string.h>

#define TOKEN_FDS_MAX 16

struct relay_token {
    entrasql_credential *credential;
    entrasql_token_operation *operation;
    int64_t start_us;
    relay_token_facts facts;
};

entrasql_status relay_token_start(entrasql_credential *credential, const char *scope, bool refresh,
                                  int64_t deadline_ms, relay_token **ret, entrasql_error *err)
{
    relay_token *t = es_calloc(1, sizeof *t);
    if (t == NULL)
        return es_nomem(err);
    t->credential = entrasql_credential_ref(credential);
    t->start_us = es_clock_mono_us();
    int left_ms = es_clock_poll_timeout(deadline_ms);
    entrasql_token_request request = {
        .size = sizeof request,
        .scope = scope,
        /* 0 would mean the default; a deadline that has passed is the login's to report. */
        .timeout_ms = left_ms < 0 ? 0 : (uint32_t)(left_ms > 0 ? left_ms : 1),
        .refresh = refresh,
    };
    entrasql_status status = entrasql_credential_start(credential, &request, &t->operation, err);
    if (status != ENTRASQL_OK) {
        relay_token_free(t);
        return status;
    }
    *ret = t;
    return ENTRASQL_OK;
}

entrasql_status relay_token_wants(relay_token *t, os_wait *w)
{
    struct pollfd fds[TOKEN_FDS_MAX];
    int timeout_ms = -1;
    size_t count = entrasql_token_operation_poll(t->operation, fds, TOKEN_FDS_MAX, &timeout_ms);
    for (size_t i = 0; i < count && i < TOKEN_FDS_MAX; i++)
        ES_TRY(os_wait_add(w, fds[i].fd, fds[i].events));
    if (timeout_ms >= 0)
        os_wait_until(w, es_clock_mono_ms() + timeout_ms);
    return ENTRASQL_OK;
}

entrasql_status relay_token_step(relay_token *t, es_secret **ret, entrasql_error *err)
{
    entrasql_token *token = NULL;
    ES_TRY(entrasql_token_operation_step(t->operation, &token, err));
    t->facts.took_us = es_clock_mono_us() - t->start_us;
    es_strlcpy_utf8(t->facts.source, sizeof t->facts.source, entrasql_token_source(token));
    es_secret *secret = es_secret_from_str(entrasql_token_value(token));
    entrasql_token_free(token);
    if (secret == NULL)
        return es_nomem(err);
    *ret = secret;
    return ENTRASQL_OK;
}

void relay_token_facts_get(const relay_token *t, relay_token_facts *ret)
{
    *ret = t->facts;
}

void relay_token_free(relay_token *t)
{
    if (t == NULL)
        return;
    entrasql_token_operation_free(t->operation);
    entrasql_credential_unref(t->credential);
    es_free(t);
}

/* ---- scopes and authorities ---- */

static const struct cloud {
    const char *suffix; /* of server names */
    const char *scope;
} clouds[] = {
    {".database.usgovcloudapi.net", ENTRASQL_SCOPE_SQL_US_GOVERNMENT},
    {".database.chinacloudapi.cn", ENTRASQL_SCOPE_SQL_CHINA},
};

static const char *const authorities[] = {
    "login.microsoftonline.com", "login.windows.net",      "sts.windows.net",
    "login.microsoftonline.us",  "login.chinacloudapi.cn", "login.partner.microsoftonline.cn",
    "login.microsoft.com",
};

/* host may end in a dot, and is compared without case. */
static bool host_ends_with(const char *host, size_t n, const char *suffix)
{
    size_t length = strlen(suffix);
    return n > length && es_strncaseeq(host + n - length, suffix, length);
}

const char *relay_scope_for_host(const char *host)
{
    size_t n = strcspn(host, "\\");
    if (n > 0 && host[n - 1] == '.')
        n--;
    for (size_t i = 0; i < ES_COUNT_OF(clouds); i++) {
        if (host_ends_with(host, n, clouds[i].suffix))
            return clouds[i].scope;
    }
    return ENTRASQL_SCOPE_SQL;
}

/* The host of an https URL, with its port if one is written; length 0 when it is not one. */
static const char *host_of_url(const char *url, size_t *ret_n)
{
    static const char scheme[] = "https://";
    *ret_n = 0;
    if (!es_strncaseeq(url, scheme, sizeof scheme - 1))
        return url;
    url += sizeof scheme - 1;
    *ret_n = strcspn(url, "/?#");
    return url;
}

static bool is_known_authority(const char *host, size_t n)
{
    for (size_t i = 0; i < ES_COUNT_OF(authorities); i++) {
        if (strlen(authorities[i]) == n && es_strncaseeq(host, authorities[i], n))
            return true;
    }
    const char *own = secure_getenv("AZURE_AUTHORITY_HOST");
    if (es_str_is_empty(own))
        return false;
    size_t own_n = 0;
    const char *own_host = host_of_url(own, &own_n);
    if (own_n == 0) { /* a bare host name is taken too */
        own_host = own;
        own_n = strcspn(own, "/?#");
    }
    return own_n == n && es_strncaseeq(own_host, host, n);
}

/* "https://database.windows.net/" and the same without the last slash. */
static bool is_resource_of(const char *spn, const char *scope)
{
    static const char suffix[] = "/.default";
    size_t n = strlen(spn);
    size_t scope_n = strlen(scope);
    if (n > 0 && spn[n - 1] == '/')
        n--;
    return scope_n == n + sizeof suffix - 1 && es_strncaseeq(spn, scope, n) &&
           es_streq(scope + n, suffix);
}

entrasql_status relay_check_fedauth_info(const char *sts_url, const char *spn, const char *scope,
                                         entrasql_error *err)
{
    size_t n = 0;
    const char *host = host_of_url(sts_url, &n);
    char shown[128];
    if (n == 0 || !is_known_authority(host, n)) {
        es_printable(shown, sizeof shown, sts_url, strlen(sts_url));
        (void)es_fail(err, ENTRASQL_AUTH_FAILED,
                      "the server asks for a token of \"%s\", which is no known Entra authority",
                      shown);
        es_hint(err, "check that this is your server; an authority of your own is made known by "
                     "AZURE_AUTHORITY_HOST");
        return ENTRASQL_AUTH_FAILED;
    }
    if (!is_resource_of(spn, scope)) {
        es_printable(shown, sizeof shown, spn, strlen(spn));
        return es_fail(err, ENTRASQL_AUTH_FAILED,
                       "the server asks for a token for \"%s\", but this login is for %s", shown,
                       scope);
    }
    return ENTRASQL_OK;
}
