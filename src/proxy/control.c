/* SPDX-License-Identifier: MIT */
/* A client of the health paths. */
#include "proxy/control.h"

#include "base/clock.h"
#include "base/str.h"
#include "http/http.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#define PAUSE_MS 200
#define CONNECT_MS 2000
#define URL_SIZE 320
#define SAID_SIZE 160

/* What the proxy listens on everywhere with is reached on loopback. */
static entrasql_status make_url(const char *address, const char *path, char ret[URL_SIZE],
                                entrasql_error *err)
{
    static const struct {
        const char *everywhere;
        const char *loopback;
    } hosts[] = {{"0.0.0.0:", "127.0.0.1:"}, {"[::]:", "[::1]:"}, {"*:", "127.0.0.1:"}};
    const char *colon = strrchr(address, ':');
    const char *host = "";
    uint64_t port = 0;
    if (colon == NULL ||
        es_parse_u64(colon + 1, strlen(colon + 1), UINT16_MAX, &port) != ENTRASQL_OK || port == 0 ||
        strlen(address) > URL_SIZE - 64 || strpbrk(address, "/@?# ") != NULL) {
        es_fail(err, ENTRASQL_INVALID, "'%.100s' is no HOST:PORT", address);
        es_hint(err, "the address that the proxy was given with --http, such as 127.0.0.1:9090");
        return ENTRASQL_INVALID;
    }
    for (size_t i = 0; i < ES_COUNT_OF(hosts); i++) {
        if (es_starts_with(address, hosts[i].everywhere)) {
            host = hosts[i].loopback;
            address += strlen(hosts[i].everywhere);
        }
    }
    (void)snprintf(ret, URL_SIZE, "http://%s%s%s", host, address, path);
    return ENTRASQL_OK;
}

/* The status of the answer, and the first line of what it says. */
static entrasql_status ask(const char *method, const char *url, int64_t deadline_ms,
                           unsigned *ret_status, char said[SAID_SIZE], entrasql_error *err)
{
    http_request request = {
        .method = method,
        .url = url,
        .plain_allowed = true,
        .direct = true,
        .connect_timeout_ms = CONNECT_MS,
        .deadline_ms = deadline_ms,
    };
    http_response response;
    if (es_streq(method, "POST"))
        request.body = "";
    ES_TRY(http_run(&request, &response, err));
    *ret_status = response.status;
    const char *text = es_buf_cstr(&response.body);
    size_t n = text != NULL ? strcspn(text, "\r\n") : 0;
    es_printable(said, SAID_SIZE, text != NULL ? text : "", n);
    http_response_done(&response);
    return ENTRASQL_OK;
}

static void rest(int64_t deadline_ms)
{
    int left_ms = es_clock_poll_timeout(deadline_ms);
    (void)poll(NULL, 0, left_ms >= 0 && left_ms < PAUSE_MS ? left_ms : PAUSE_MS);
}

entrasql_status proxy_control_wait(const char *address, const char *path, int64_t timeout_ms,
                                   entrasql_error *err)
{
    int64_t deadline_ms = es_clock_deadline(timeout_ms);
    char url[URL_SIZE];
    char said[SAID_SIZE] = "";
    ES_TRY(make_url(address, path, url, err));
    do {
        unsigned status = 0;
        entrasql_error why;
        if (ask("GET", url, deadline_ms, &status, said, &why) != ENTRASQL_OK)
            es_strlcpy_utf8(said, sizeof said, why.message);
        else if (status == 200)
            return ENTRASQL_OK;
        rest(deadline_ms);
    } while (es_clock_mono_ms() < deadline_ms);
    return es_fail(err, ENTRASQL_TIMEOUT, "the proxy did not say yes on %s in time: %s", url, said);
}

entrasql_status proxy_control_shutdown(const char *address, int64_t timeout_ms, entrasql_error *err)
{
    char url[URL_SIZE];
    char said[SAID_SIZE] = "";
    unsigned status = 0;
    ES_TRY(make_url(address, "/quitquitquit", url, err));
    ES_TRY(ask("POST", url, es_clock_deadline(timeout_ms), &status, said, err));
    if (status == 200)
        return ENTRASQL_OK;
    es_fail(err, status == 404 ? ENTRASQL_UNSUPPORTED : ENTRASQL_INVALID,
            "the proxy does not end at this request (HTTP %u): %s", status, said);
    es_hint(err, status == 404 ? "start it with --http-quit, or send it SIGTERM"
                               : "send it SIGTERM, or ask as its own user or root");
    return err != NULL ? err->status : ENTRASQL_INVALID;
}
