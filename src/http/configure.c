/* SPDX-License-Identifier: MIT */
/* A request as settings of a libcurl handle; the fixed rules of http.h are put in force here. */
#include "http/internal.h"
#include "http/text.h"

#include "base/mem.h"
#include "base/str.h"
#include "os/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_CONNECT_TIMEOUT_MS 30000
#define TRUST_MAX_BYTES ((size_t)4 * 1024 * 1024)

/* One answer header line; a new status line (100 Continue, a proxy's answer) starts over. */
static size_t on_header(char *p, size_t size, size_t count, void *context)
{
    http_operation *op = context;
    size_t n = size * count;
    if (n >= 5 && memcmp(p, "HTTP/", 5) == 0)
        es_buf_clear(&op->response.headers);
    op->header_bytes += n;
    op->sink_status = op->header_bytes > HTTP_MAX_HEADERS ? ENTRASQL_LIMIT
                                                          : es_buf_add(&op->response.headers, p, n);
    return op->sink_status == ENTRASQL_OK ? n : 0;
}

static size_t on_body(char *p, size_t size, size_t count, void *context)
{
    http_operation *op = context;
    size_t n = size * count;
    op->sink_status = es_buf_add(&op->response.body, p, n);
    return op->sink_status == ENTRASQL_OK ? n : 0;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *of_socket)
{
    (void)easy;
    (void)of_socket;
    http_operation *op = context;
    unsigned i = 0;
    while (i < op->socket_count && op->sockets[i].fd != fd)
        i++;
    if (what == CURL_POLL_REMOVE) {
        if (i < op->socket_count)
            op->sockets[i] = op->sockets[--op->socket_count];
        return 0;
    }
    if (i == HTTP_MAX_SOCKETS) {
        op->socket_overflow = true;
        return 0;
    }
    if (i == op->socket_count)
        op->socket_count++;
    op->sockets[i].fd = fd;
    op->sockets[i].events = (short)(((what & CURL_POLL_IN) != 0 ? POLLIN : 0) |
                                    ((what & CURL_POLL_OUT) != 0 ? POLLOUT : 0));
    return 0;
}

static int on_timer(CURLM *multi, long timeout_ms, void *context)
{
    (void)multi;
    http_operation *op = context;
    op->timer_ms = timeout_ms < 0 ? ES_NO_DEADLINE : es_clock_mono_ms() + timeout_ms;
    return 0;
}

/* No header may start another one; values of foreign origin (identity headers) come through here.
 */
static bool is_clean(const char *s)
{
    for (; *s != '\0'; s++) {
        if ((unsigned char)*s < 0x20 || *s == 0x7F)
            return false;
    }
    return true;
}

static entrasql_status add_header(http_operation *op, const char *name, const char *value,
                                  entrasql_error *err)
{
    if (!is_clean(name) || !is_clean(value) || *name == '\0' || strchr(name, ':') != NULL)
        return es_fail(err, ENTRASQL_INVALID, "a request header for %s holds control characters",
                       op->place);
    es_buf line = ES_BUF_INIT_WIPE(HTTP_MAX_HEADERS);
    /* The library's own writing: "name:" takes a header away that it would send by itself. */
    entrasql_status status =
        es_buf_printf(&line, "%s:%s%s", name, *value != '\0' ? " " : "", value);
    const char *text = status == ENTRASQL_OK ? es_buf_cstr(&line) : NULL;
    struct curl_slist *longer = text != NULL ? curl_slist_append(op->headers, text) : NULL;
    es_buf_done(&line);
    if (status == ENTRASQL_LIMIT)
        return es_fail(err, status, "a request header for %s is too long", op->place);
    if (longer == NULL)
        return es_nomem(err);
    op->headers = longer;
    return ENTRASQL_OK;
}

static entrasql_status add_headers(http_operation *op, const http_request *request,
                                   entrasql_error *err)
{
    for (size_t i = 0; i < HTTP_MAX_REQUEST_HEADERS && request->headers[i].name != NULL; i++)
        ES_TRY(add_header(op, request->headers[i].name, request->headers[i].value, err));
    /* Small requests: waiting for "100 Continue" would only cost a round trip. */
    if (request->body != NULL)
        ES_TRY(add_header(op, "Expect", "", err));
    return ENTRASQL_OK;
}

static CURLcode set_method(http_operation *op, const http_request *request)
{
    CURLcode code = CURLE_OK;
    if (request->body != NULL) {
        code = curl_easy_setopt(op->easy, CURLOPT_POST, 1L);
        if (code == CURLE_OK)
            code = curl_easy_setopt(op->easy, CURLOPT_POSTFIELDSIZE_LARGE,
                                    (curl_off_t)op->request_body.len);
        /* Not copied by the library: the only copy is in our wiping buffer. */
        if (code == CURLE_OK)
            code = curl_easy_setopt(op->easy, CURLOPT_POSTFIELDS, op->request_body.data);
    }
    if (code == CURLE_OK && !es_streq(request->method, request->body != NULL ? "POST" : "GET"))
        code = curl_easy_setopt(op->easy, CURLOPT_CUSTOMREQUEST, request->method);
    return code;
}

static CURLcode set_protocols(CURL *easy, bool plain_allowed)
{
#if LIBCURL_VERSION_NUM >= 0x075500
    return curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, plain_allowed ? "http,https" : "https");
#else
    return curl_easy_setopt(easy, CURLOPT_PROTOCOLS,
                            plain_allowed ? (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS)
                                          : (long)CURLPROTO_HTTPS);
#endif
}

static const char *trust_file(const char *ca_file)
{
    return !es_str_is_empty(ca_file) ? ca_file : getenv("SSL_CERT_FILE");
}

/* libcurl opens the file itself, and would wait for the other end of a FIFO. What is missing or
   unreadable it tells with the connection. */
static entrasql_status check_trust(const char *ca_file, entrasql_error *err)
{
    const char *file = trust_file(ca_file);
    if (es_str_is_empty(file))
        return ENTRASQL_OK;
    entrasql_error why;
    entrasql_status status = os_file_check(file, TRUST_MAX_BYTES, &why);
    if (status != ENTRASQL_INVALID && status != ENTRASQL_LIMIT)
        return ENTRASQL_OK;
    return es_fail(err, ENTRASQL_CONFIG, "%s (named by %s)", why.message,
                   es_str_is_empty(ca_file) ? "SSL_CERT_FILE" : "ca_file");
}

static CURLcode set_trust(CURL *easy, const char *ca_file)
{
    const char *file = trust_file(ca_file);
    CURLcode code = curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (es_str_is_empty(file))
        return code;
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_CAINFO, file);
    /* The file replaces the system store; the built-in folder would still be searched. */
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    return code;
}

static CURLcode set_rules(http_operation *op, const http_request *request)
{
    const struct {
        CURLoption option;
        long value;
    } numbers[] = {
        {CURLOPT_NOSIGNAL, 1},
        {CURLOPT_FOLLOWLOCATION, 0},
        {CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1},
        {CURLOPT_FRESH_CONNECT, 1},
        {CURLOPT_FORBID_REUSE, 1},
        {CURLOPT_NETRC, CURL_NETRC_IGNORED},
#if LIBCURL_VERSION_NUM >= 0x075700
        /* getaddrinfo() cannot be cancelled: without it the end of a request whose time is over
         * waits for the name servers, half a minute when they are dead. The thread ends by itself,
         * as those of os/resolve.c do; libraries with this in them are not unloaded. */
        {CURLOPT_QUICK_EXIT, 1},
#endif
        {CURLOPT_CONNECTTIMEOUT_MS, request->connect_timeout_ms != 0
                                        ? (long)request->connect_timeout_ms
                                        : DEFAULT_CONNECT_TIMEOUT_MS},
    };
    CURLcode code = CURLE_OK;
    for (size_t i = 0; code == CURLE_OK && i < ES_COUNT_OF(numbers); i++)
        code = curl_easy_setopt(op->easy, numbers[i].option, numbers[i].value);
    if (code == CURLE_OK)
        code = curl_easy_setopt(op->easy, CURLOPT_URL, request->url);
    if (code == CURLE_OK)
        code = curl_easy_setopt(op->easy, CURLOPT_USERAGENT, "entrasql/0.1");
    if (code == CURLE_OK)
        code = curl_easy_setopt(op->easy, CURLOPT_ERRORBUFFER, op->error_text);
    if (code == CURLE_OK)
        code = set_protocols(op->easy, request->plain_allowed);
    /* No host goes through a proxy, whatever the environment says. */
    if (code == CURLE_OK && request->direct)
        code = curl_easy_setopt(op->easy, CURLOPT_NOPROXY, "*");
    if (code == CURLE_OK)
        code = set_trust(op->easy, request->ca_file);
    if (code == CURLE_OK && request->pin != NULL)
        code = http_set_pin(op, request->pin);
    return code;
}

static CURLcode set_callbacks(http_operation *op)
{
    CURLcode code = curl_easy_setopt(op->easy, CURLOPT_HEADERFUNCTION, on_header);
    if (code == CURLE_OK)
        code = curl_easy_setopt(op->easy, CURLOPT_HEADERDATA, op);
    if (code == CURLE_OK)
        code = curl_easy_setopt(op->easy, CURLOPT_WRITEFUNCTION, on_body);
    if (code == CURLE_OK)
        code = curl_easy_setopt(op->easy, CURLOPT_WRITEDATA, op);
    if (code == CURLE_OK)
        code = curl_easy_setopt(op->easy, CURLOPT_HTTPHEADER, op->headers);
    return code;
}

static CURLMcode set_multi(http_operation *op)
{
    CURLMcode code = curl_multi_setopt(op->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    if (code == CURLM_OK)
        code = curl_multi_setopt(op->multi, CURLMOPT_SOCKETDATA, op);
    if (code == CURLM_OK)
        code = curl_multi_setopt(op->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    if (code == CURLM_OK)
        code = curl_multi_setopt(op->multi, CURLMOPT_TIMERDATA, op);
    if (code == CURLM_OK)
        code = curl_multi_add_handle(op->multi, op->easy);
    return code;
}

static entrasql_status check_url(http_operation *op, const http_request *request,
                                 entrasql_error *err)
{
    http_url url;
    if (http_url_parse(request->url, &url) != ENTRASQL_OK)
        return es_fail(err, ENTRASQL_INVALID, "not a usable URL of http or https");
    bool is_v6 = strchr(url.host, ':') != NULL;
    char port[16] = "";
    if (url.has_port)
        (void)snprintf(port, sizeof port, ":%u", url.port);
    (void)snprintf(op->place, sizeof op->place, "%s://%s%s%s%s%.200s",
                   url.is_https ? "https" : "http", is_v6 ? "[" : "", url.host, is_v6 ? "]" : "",
                   port, url.path);
    op->is_direct = request->direct;
    if (!url.is_https && !request->plain_allowed)
        return es_fail(err, ENTRASQL_INVALID, "%s: only https is allowed here", op->place);
    return ENTRASQL_OK;
}

entrasql_status http_configure(http_operation *op, const http_request *request, entrasql_error *err)
{
    ES_TRY(check_url(op, request, err));
    if (!is_clean(request->method) || *request->method == '\0')
        return es_fail(err, ENTRASQL_INVALID, "not an HTTP method");
    op->deadline_ms = request->deadline_ms;
    if (request->body != NULL) {
        entrasql_status status = es_buf_add(&op->request_body, request->body, request->body_len);
        /* An empty body still needs an address: NULL would mean "read it from standard input". */
        if (status != ENTRASQL_OK || es_buf_cstr(&op->request_body) == NULL)
            return status == ENTRASQL_LIMIT ? es_fail(err, status, "the request is too large")
                                            : es_nomem(err);
    }
    ES_TRY(add_headers(op, request, err));
    op->easy = curl_easy_init();
    op->multi = curl_multi_init();
    if (op->easy == NULL || op->multi == NULL)
        return es_nomem(err);
    if (es_starts_with(op->place, "https:"))
        ES_TRY(check_trust(request->ca_file, err));
    CURLcode code = set_rules(op, request);
    if (code == CURLE_OK)
        code = set_method(op, request);
    if (code == CURLE_OK)
        code = set_callbacks(op);
    if (code != CURLE_OK)
        return http_failure(op, code, err);
    CURLMcode multi_code = set_multi(op);
    if (multi_code != CURLM_OK)
        return es_fail(err, ENTRASQL_INTERNAL, "cannot start the request to %s: %s", op->place,
                       curl_multi_strerror(multi_code));
    return ENTRASQL_OK;
}
