/* SPDX-License-Identifier: MIT */
/* Link: HTTPS to Entra, through the proxy that the environment names; and the clock by its Date. */
#include "doctor/inner.h"

#include "base/mem.h"
#include "base/str.h"
#include "http/http.h"
#include "identity/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ENTRA_MS 5000
#define SKEW_WARN_S 60
#define SKEW_FAIL_S 300

static const char *proxy_variable(void)
{
    static const char *const names[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
    for (size_t i = 0; i < ES_COUNT_OF(names); i++) {
        if (!es_str_is_empty(getenv(names[i])))
            return names[i];
    }
    return NULL;
}

static entrasql_status ask_entra(const doctor *d, const char *authority, http_response *ret,
                                 entrasql_error *err)
{
    char url[1024];
    const char *tenant = getenv("AZURE_TENANT_ID");
    (void)snprintf(url, sizeof url, "%s/%s/v2.0/.well-known/openid-configuration", authority,
                   es_str_is_empty(tenant) ? "common" : tenant);
    const http_request request = {
        .method = "GET",
        .url = url,
        .connect_timeout_ms = doctor_time(d, ENTRA_MS),
        .deadline_ms = es_clock_deadline(doctor_time(d, ENTRA_MS)),
    };
    return http_run(&request, ret, err);
}

/* RFC 9110: "Sun, 06 Nov 1994 08:49:37 GMT". */
bool doctor_date(const char *text, int64_t *ret)
{
    struct tm tm = {0};
    const char *end = strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    if (end == NULL || *end != '\0')
        return false;
    *ret = (int64_t)timegm(&tm);
    return true;
}

static void check_clock(doctor *d, const http_response *r)
{
    char date[64];
    int64_t theirs = 0;
    if (http_response_header(r, "Date", date, sizeof date) != ENTRASQL_OK ||
        !doctor_date(date, &theirs))
        return;
    int64_t ahead = es_clock_wall_s() - theirs;
    int64_t off = ahead < 0 ? -ahead : ahead;
    if (off < SKEW_WARN_S)
        return;
    doctor_line *line = doctor_add(d, "environment", off < SKEW_FAIL_S ? DOCTOR_WARN : DOCTOR_FAIL,
                                   "clock-skew", "this machine's clock is %lld s %s",
                                   (long long)off, ahead > 0 ? "ahead" : "behind");
    doctor_evidence(line, "by the Date of the answer of Entra");
}

/* libcurl's words: with a proxy set it connects to nothing else. */
static bool is_proxy_dead(const entrasql_error *err)
{
    return err->status == ENTRASQL_NETWORK && (doctor_contains(err->message, "Failed to connect") ||
                                               doctor_contains(err->message, "resolve proxy"));
}

static void no_answer(doctor *d, const char *authority, const char *variable,
                      const entrasql_error *err)
{
    doctor_line *line;
    const char *host = authority + strlen("https://");
    if (err->error_class == ENTRASQL_CLASS_TLS)
        line = doctor_add(d, "proxy", DOCTOR_FAIL, "entra-inspected",
                          "the certificate of Entra is not trusted here");
    else if (variable == NULL)
        line = doctor_add(d, "proxy", DOCTOR_WARN, "entra-unreachable", "Entra cannot be reached");
    else if (is_proxy_dead(err))
        line = doctor_add(d, "proxy", DOCTOR_FAIL, "proxy-dead",
                          "the proxy of %s cannot be reached itself", variable);
    else
        line = doctor_add(d, "proxy", DOCTOR_FAIL, "proxy-broken",
                          "the proxy of %s does not lead to Entra", variable);
    doctor_evidence(line, "%s", err->message);
    if (es_streq(line->id, "entra-unreachable"))
        doctor_fix(line, "Let outbound HTTPS to %s through, or set HTTPS_PROXY.", host);
    else if (es_streq(line->id, "proxy-broken"))
        doctor_fix(line,
                   "Ask its administrator to allow CONNECT to %s%s, or except it in NO_PROXY.",
                   host, strchr(host, ':') == NULL ? ":443" : "");
}

void doctor_proxy(doctor *d)
{
    http_response r = {0};
    entrasql_error err;
    const char *variable = proxy_variable();
    ES_CLEANUP(es_cleanup_free) char *authority = NULL;
    const char *host = getenv("AZURE_AUTHORITY_HOST");
    if (!d->by_token) {
        (void)doctor_add(d, "proxy", DOCTOR_NONE, NULL, "%s",
                         d->front.is_proxy ? "not needed: an entrasql proxy gets the token"
                                           : "not needed for a SQL login");
        return;
    }
    if (d->no_trust || d->no_authority) {
        (void)doctor_add(d, "proxy", DOCTOR_NONE, NULL, "not tried: no %s",
                         d->no_trust ? "trusted certificates" : "address of Entra");
        return;
    }
    int64_t began = es_clock_mono_ms();
    if (identity_authority_parse(es_str_is_empty(host) ? "login.microsoftonline.com" : host,
                                 "AZURE_AUTHORITY_HOST", &authority, &err) != ENTRASQL_OK)
        return; /* no memory */
    if (ask_entra(d, authority, &r, &err) != ENTRASQL_OK) {
        no_answer(d, authority, variable, &err);
        return;
    }
    doctor_line *line = doctor_add(d, "proxy", DOCTOR_OK, NULL, "Entra answers%s%s",
                                   variable != NULL ? " through the proxy of " : "",
                                   variable != NULL ? variable : ", no proxy is set");
    doctor_evidence(line, "%s, HTTP %u", authority, r.status);
    line->ms = (uint32_t)(es_clock_mono_ms() - began);
    check_clock(d, &r);
    http_response_done(&r);
}
