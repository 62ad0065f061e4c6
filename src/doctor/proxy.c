/* SPDX-License-Identifier: MIT */
/* Link: HTTPS to Entra, through the proxy that the environment names; and the clock by its Date. */
#include "doctor/inner.h"

#include "base/str.h"
#include "http/http.h"

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
    const char *slash = es_ends_with(authority, "/") ? "" : "/";
    (void)snprintf(url, sizeof url, "%s%s%s/v2.0/.well-known/openid-configuration", authority,
                   slash, es_str_is_empty(tenant) ? "common" : tenant);
    const http_request request = {
        .method = "GET",
        .url = url,
        .ca_file = d->options->ca_file,
        .connect_timeout_ms = doctor_time(d, ENTRA_MS),
        .deadline_ms = es_clock_deadline(doctor_time(d, ENTRA_MS)),
    };
    return http_run(&request, ret, err);
}

/* RFC 9110: "Sun, 06 Nov 1994 08:49:37 GMT". False when it is not of that form. */
static bool read_date(const http_response *r, int64_t *ret)
{
    char text[64];
    struct tm tm = {0};
    if (http_response_header(r, "Date", text, sizeof text) != ENTRASQL_OK)
        return false;
    const char *end = strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    if (end == NULL || *end != '\0')
        return false;
    *ret = (int64_t)timegm(&tm);
    return true;
}

static void check_clock(doctor *d, const http_response *r)
{
    int64_t theirs = 0;
    if (!read_date(r, &theirs))
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

static void no_answer(doctor *d, const char *variable, const entrasql_error *err)
{
    bool inspected = err->error_class == ENTRASQL_CLASS_TLS;
    const char *id = inspected          ? "entra-inspected"
                     : variable != NULL ? "proxy-broken"
                                        : "entra-unreachable";
    doctor_line *line = inspected ? doctor_add(d, "proxy", DOCTOR_FAIL, id,
                                               "the certificate of Entra is not "
                                               "trusted here")
                        : variable != NULL
                            ? doctor_add(d, "proxy", DOCTOR_FAIL, id,
                                         "the proxy of %s does not lead to Entra", variable)
                            : doctor_add(d, "proxy", DOCTOR_WARN, id, "Entra cannot be reached");
    doctor_evidence(line, "%s", err->message);
}

void doctor_proxy(doctor *d)
{
    http_response r = {0};
    entrasql_error err;
    const char *variable = proxy_variable();
    const char *authority = getenv("AZURE_AUTHORITY_HOST");
    if (!d->by_token) {
        (void)doctor_add(d, "proxy", DOCTOR_NONE, NULL, "not needed for a SQL login");
        return;
    }
    if (es_str_is_empty(authority))
        authority = "https://login.microsoftonline.com";
    int64_t began = es_clock_mono_ms();
    if (ask_entra(d, authority, &r, &err) != ENTRASQL_OK) {
        no_answer(d, variable, &err);
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
