/* SPDX-License-Identifier: MIT */
/* http: exchanges with a scripted server, errors in words, Retry-After, URLs, dates, forms. */
#include "base/mem.h"
#include "http/http.h"
#include "http/internal.h"
#include "http/text.h"
#include "server.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static test_server *plain;
static test_server *secure;

static int start_servers(void **state)
{
    (void)state;
    unsetenv("SSL_CERT_FILE");
    plain = test_server_start(false);
    secure = test_server_start(true);
    return 0;
}

static int stop_servers(void **state)
{
    (void)state;
    test_server_stop(plain);
    test_server_stop(secure);
    return 0;
}

static const char *url_of(const test_server *s, const char *path)
{
    static char url[4][256];
    static unsigned next;
    char *p = url[next++ % 4];
    snprintf(p, sizeof url[0], "%s%s", test_server_url(s), path);
    return p;
}

static http_request plain_request(const char *path)
{
    return (http_request){.method = "GET",
                          .url = url_of(plain, path),
                          .plain_allowed = true,
                          .direct = true,
                          .deadline_ms = es_clock_deadline(20000)};
}

/* ---- exchanges ---- */

static void answer_comes_back_whole(void **state)
{
    (void)state;
    static const test_answer script[] = {
        {.status = 404, .headers = "X-One:  two words \r\nx-one: last\r\n", .body = "not here"}};
    test_server_play(plain, script, 1);
    http_request request = plain_request("/p/a?q=1");
    request.headers[0] = (http_header){"Metadata", "true"};
    http_response r;
    entrasql_error err;
    assert_int_equal(http_run(&request, &r, &err), ENTRASQL_OK);
    assert_int_equal(r.status, 404);
    assert_string_equal(es_buf_cstr(&r.body), "not here");
    char value[16];
    assert_int_equal(http_response_header(&r, "X-ONE", value, sizeof value), ENTRASQL_OK);
    assert_string_equal(value, "last");
    assert_int_equal(http_response_header(&r, "X", value, sizeof value), ENTRASQL_NOT_FOUND);
    assert_int_equal(http_response_header(&r, "X-One", value, 4), ENTRASQL_LIMIT);
    http_response_done(&r);
    const char *sent = test_server_request(plain, 0);
    assert_int_equal(strncmp(sent, "GET /p/a?q=1 HTTP/1.1\r\n", 23), 0);
    assert_non_null(strstr(sent, "\r\nMetadata: true\r\n"));
    assert_non_null(strstr(sent, "\r\nUser-Agent: entrasql/"));
    assert_null(strstr(sent, "Cookie"));
}

static void form_is_posted_over_tls(void **state)
{
    (void)state;
    static const test_answer script[] = {{.body = "{}"}};
    test_server_play(secure, script, 1);
    http_request request = {.method = "POST",
                            .url = url_of(secure, "/t/oauth2/v2.0/token"),
                            .headers = {{"Accept", "application/json"}},
                            .body = "a=b",
                            .body_len = 3,
                            .ca_file = test_server_ca_file(secure),
                            .direct = true,
                            .deadline_ms = es_clock_deadline(20000)};
    http_response r;
    entrasql_error err;
    assert_int_equal(http_run(&request, &r, &err), ENTRASQL_OK);
    assert_int_equal(r.status, 200);
    http_response_done(&r);
    const char *sent = test_server_request(secure, 0);
    assert_non_null(strstr(sent, "POST /t/oauth2/v2.0/token HTTP/1.1\r\n"));
    assert_non_null(strstr(sent, "\r\nContent-Length: 3\r\n"));
    assert_non_null(strstr(sent, "\r\n\r\na=b"));
    assert_null(strstr(sent, "Expect"));
    /* An empty body is sent as one, not read from standard input. */
    test_server_play(secure, script, 1);
    request.body_len = 0;
    assert_int_equal(http_run(&request, &r, &err), ENTRASQL_OK);
    http_response_done(&r);
    assert_non_null(strstr(test_server_request(secure, 0), "Content-Length: 0\r\n"));
}

static void trust_comes_from_file_or_variable(void **state)
{
    (void)state;
    static const test_answer script[] = {{.body = "x"}};
    test_server_play(secure, script, 1);
    http_request request = {.method = "GET",
                            .url = url_of(secure, "/"),
                            .direct = true,
                            .deadline_ms = es_clock_deadline(20000)};
    http_response r;
    entrasql_error err;
    assert_int_equal(http_run(&request, &r, &err), ENTRASQL_TLS);
    assert_int_equal(err.error_class, ENTRASQL_CLASS_TLS);
    assert_non_null(strstr(err.message, "certificate"));
    assert_non_null(strstr(err.hint, "SSL_CERT_FILE"));
    setenv("SSL_CERT_FILE", test_server_ca_file(secure), 1);
    assert_int_equal(http_run(&request, &r, &err), ENTRASQL_OK);
    http_response_done(&r);
    /* The option goes before the variable. */
    request.ca_file = "/no/such/file.pem";
    assert_int_equal(http_run(&request, &r, &err), ENTRASQL_TLS);
    assert_non_null(strstr(err.message, "/no/such/file.pem"));
    unsetenv("SSL_CERT_FILE");
    request.ca_file = test_server_ca_file(secure);
    assert_int_equal(http_run(&request, &r, &err), ENTRASQL_OK);
    http_response_done(&r);
    /* The same address by a name that is not in the certificate. */
    char url[64];
    snprintf(url, sizeof url, "https://other.localhost:%u/", test_server_port(secure));
    request.url = url;
    assert_int_equal(http_run(&request, &r, &err), ENTRASQL_TLS);
    assert_int_equal(test_server_count(secure), 2);
}

static void plain_http_only_where_allowed(void **state)
{
    (void)state;
    http_request request = plain_request("/");
    http_response r;
    entrasql_error err;
    request.plain_allowed = false;
    assert_int_equal(http_run(&request, &r, &err), ENTRASQL_INVALID);
    assert_non_null(strstr(err.message, "https"));
}

static void redirects_are_not_followed(void **state)
{
    (void)state;
    static const test_answer script[] = {{.status = 302, .headers = "Location: /elsewhere\r\n"},
                                         {.status = 200, .body = "followed"}};
    test_server_play(plain, script, 2);
    http_request request = plain_request("/");
    http_response r;
    assert_int_equal(http_run(&request, &r, NULL), ENTRASQL_OK);
    assert_int_equal(r.status, 302);
    http_response_done(&r);
    assert_int_equal(test_server_count(plain), 1);
}

static void large_answers_are_refused(void **state)
{
    (void)state;
    static const test_answer big_body[] = {{.body = "0123456789abcdef", .repeat = 65537}};
    static const test_answer fits[] = {{.body = "0123456789abcdef", .repeat = 65536}};
    http_request request = plain_request("/");
    http_response r;
    entrasql_error err;
    test_server_play(plain, fits, 1);
    assert_int_equal(http_run(&request, &r, &err), ENTRASQL_OK);
    assert_int_equal(r.body.len, HTTP_MAX_BODY);
    http_response_done(&r);
    test_server_play(plain, big_body, 1);
    assert_int_equal(http_run(&request, &r, &err), ENTRASQL_LIMIT);
    assert_non_null(strstr(err.message, "limit"));
    static char header[HTTP_MAX_HEADERS + 1024];
    static const test_answer headers[] = {{.headers = header}};
    const struct {
        size_t count;
        entrasql_status status;
    } rows[] = {{60, ENTRASQL_OK}, {65, ENTRASQL_LIMIT}};
    for (size_t i = 0; i < ES_COUNT_OF(rows); i++) {
        size_t used = 0;
        for (size_t line = 0; line < rows[i].count; line++)
            used += (size_t)snprintf(header + used, sizeof header - used, "X: %01019d\r\n", 1);
        test_server_play(plain, headers, 1);
        assert_int_equal(http_run(&request, &r, &err), rows[i].status);
        if (rows[i].status == ENTRASQL_OK)
            http_response_done(&r);
    }
}

static void endless_headers_are_refused(void **state)
{
    (void)state;
    /* Also when each of them looks like the start of another answer. */
    static const test_answer scripts[] = {
        {.act = TEST_RAW,
         .body = "HTTP/1.1 200 OK\r\nX-Many: 0123456789abcdef\r\n",
         .repeat = 4000},
        {.act = TEST_RAW, .body = "HTTP/1.1 100 Continue\r\n\r\n", .repeat = 4000},
        /* One line that does not end. */
        {.act = TEST_RAW, .body = "HTTP/1.1 200 OK 0123456789abcdef", .repeat = 8000},
    };
    http_request request = plain_request("/");
    http_response r;
    entrasql_error err;
    for (size_t i = 0; i < ES_COUNT_OF(scripts); i++) {
        test_server_play(plain, &scripts[i], 1);
        entrasql_status status = http_run(&request, &r, &err);
        if (status != ENTRASQL_LIMIT && status != ENTRASQL_MALFORMED)
            fail_msg("%zu: %s", i, entrasql_status_name(status));
    }
}

static void broken_connections_are_told(void **state)
{
    (void)state;
    static const test_answer closed[] = {{.act = TEST_CLOSE}};
    static const test_answer cut[] = {{.act = TEST_CUT, .cut = 20, .body = "x"}};
    static const test_answer cut_body[] = {
        {.act = TEST_CUT, .cut = 90, .body = "0123456789012345678901234567890123456789"}};
    static const test_answer garbage[] = {{.act = TEST_RAW, .body = "SSH-2.0-OpenSSH_9\r\n"}};
    http_request request = plain_request("/x");
    http_response r;
    entrasql_error err;
    const test_answer *const scripts[] = {closed, cut_body};
    for (size_t i = 0; i < ES_COUNT_OF(scripts); i++) {
        test_server_play(plain, scripts[i], 1);
        assert_int_equal(http_run(&request, &r, &err), ENTRASQL_CLOSED);
        assert_int_equal(err.error_class, ENTRASQL_CLASS_NETWORK);
        assert_non_null(strstr(err.message, test_server_url(plain)));
    }
    test_server_play(plain, cut, 1);
    assert_int_not_equal(http_run(&request, &r, &err), ENTRASQL_OK);
    test_server_play(plain, garbage, 1);
    assert_int_equal(http_run(&request, &r, &err), ENTRASQL_MALFORMED);
    request.url = "http://127.0.0.1:1/";
    assert_int_equal(http_run(&request, &r, &err), ENTRASQL_NETWORK);
    assert_non_null(strstr(err.message, "127.0.0.1"));
    request.url = "http://no-such-host.invalid/";
    assert_int_equal(http_run(&request, &r, &err), ENTRASQL_NETWORK);
    assert_non_null(strstr(err.hint, "DNS"));
}

static void deadline_ends_a_silent_exchange(void **state)
{
    (void)state;
    static const test_answer script[] = {{.act = TEST_SILENT}};
    test_server_play(plain, script, 1);
    http_request request = plain_request("/path?secret=1");
    request.deadline_ms = es_clock_deadline(300);
    http_response r;
    entrasql_error err;
    assert_int_equal(http_run(&request, &r, &err), ENTRASQL_TIMEOUT);
    assert_non_null(strstr(err.message, "/path"));
    assert_null(strstr(err.message, "secret"));
}

static void exchange_can_be_cancelled_at_any_step(void **state)
{
    (void)state;
    static const test_answer script[] = {{.act = TEST_SILENT}};
    test_server_play(plain, script, 1);
    for (int steps = 0; steps < 6; steps++) {
        http_request request = plain_request("/");
        http_operation *op;
        http_response r;
        assert_int_equal(http_start(&request, &op, NULL), ENTRASQL_OK);
        for (int i = 0; i < steps; i++)
            assert_int_equal(http_step(op, &r, NULL), ENTRASQL_AGAIN);
        http_free(op);
    }
}

static void proxies_only_when_not_direct(void **state)
{
    (void)state;
    static const test_answer script[] = {{.body = "through the proxy"}};
    test_server_play(plain, script, 1);
    setenv("http_proxy", test_server_url(plain), 1);
    unsetenv("no_proxy");
    unsetenv("NO_PROXY");
    http_request request = plain_request("/");
    http_response r;
    entrasql_error err;
    request.url = "http://192.0.2.1:9/x";
    request.direct = false;
    assert_int_equal(http_run(&request, &r, &err), ENTRASQL_OK);
    assert_int_equal(strncmp(test_server_request(plain, 0), "GET http://192.0.2.1:9/x ", 25), 0);
    http_response_done(&r);
    request.url = "http://127.0.0.1:1/x";
    request.direct = true;
    assert_int_equal(http_run(&request, &r, &err), ENTRASQL_NETWORK);
    assert_int_equal(test_server_count(plain), 1);
    unsetenv("http_proxy");
}

static void bad_requests_are_refused(void **state)
{
    (void)state;
    static const char *const urls[] = {"",
                                       "localhost:80",
                                       "ftp://localhost/",
                                       "file:///etc/passwd",
                                       "http://user:pw@localhost/",
                                       "http://localhost/ x",
                                       "http://localhost/\r\nX: y",
                                       "http://localhost:99999/"};
    http_response r;
    entrasql_error err;
    for (size_t i = 0; i < ES_COUNT_OF(urls); i++) {
        http_request request = plain_request("/");
        request.url = urls[i];
        if (http_run(&request, &r, &err) != ENTRASQL_INVALID)
            fail_msg("taken: %s", urls[i]);
        assert_null(strstr(err.message, "pw@"));
    }
    http_request request = plain_request("/");
    request.headers[0] = (http_header){"X-IDENTITY-HEADER", "se-cret\r\nEvil: 1"};
    assert_int_equal(http_run(&request, &r, &err), ENTRASQL_INVALID);
    assert_null(strstr(err.message, "se-cret"));
    request = plain_request("/");
    request.method = "GET /\r\n";
    assert_int_equal(http_run(&request, &r, &err), ENTRASQL_INVALID);
}

/* ---- signals ---- */

static volatile sig_atomic_t handled;

static void on_signal(int number)
{
    (void)number;
    handled = 1;
}

static void signal_handlers_and_masks_are_left_alone(void **state)
{
    (void)state;
    static const test_answer script[] = {{.act = TEST_CLOSE}};
    struct sigaction action = {.sa_handler = on_signal};
    struct sigaction now;
    sigset_t before;
    sigset_t after;
    test_server_play(secure, script, 1);
    assert_int_equal(sigaction(SIGPIPE, &action, NULL), 0);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &before), 0);
    http_request request = {.method = "GET",
                            .url = url_of(secure, "/"),
                            .ca_file = test_server_ca_file(secure),
                            .direct = true,
                            .deadline_ms = es_clock_deadline(20000)};
    http_response r;
    assert_int_equal(http_run(&request, &r, NULL), ENTRASQL_CLOSED);
    assert_int_equal(handled, 0);
    assert_int_equal(sigaction(SIGPIPE, NULL, &now), 0);
    assert_true(now.sa_handler == on_signal);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &after), 0);
    for (int i = 1; i < SIGRTMIN; i++)
        assert_int_equal(sigismember(&before, i), sigismember(&after, i));
    /* Should the library raise one after all, the host does not see it; its own it does see. */
    http_guard guard;
    http_guard_enter(&guard);
    raise(SIGPIPE);
    http_guard_leave(&guard);
    assert_int_equal(handled, 0);
    raise(SIGPIPE);
    assert_int_equal(handled, 1);
    signal(SIGPIPE, SIG_DFL);
}

/* ---- texts ---- */

static bool retry_after(const char *lines, int64_t *ret_ms)
{
    http_response r = {.headers = ES_BUF_INIT(HTTP_MAX_HEADERS)};
    assert_int_equal(es_buf_add_str(&r.headers, lines), ENTRASQL_OK);
    /* Sun, 06 Nov 1994 08:49:37 GMT */
    bool found = http_retry_after(&r, 784111777, ret_ms);
    es_buf_done(&r.headers);
    return found;
}

static void retry_after_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *lines;
        int64_t ms; /* -1: not said */
    } rows[] = {
        {"Retry-After: 7\r\n", 7000},
        {"retry-after:0\r\n", 0},
        {"Retry-After: Sun, 06 Nov 1994 08:49:47 GMT\r\n", 10000},
        {"Retry-After: Sun, 06 Nov 1994 08:49:27 GMT\r\n", 0},
        {"Retry-After: Fri, 31 Dec 2099 23:59:59 GMT\r\n", 86400000},
        {"Retry-After: 99999999999999999999\r\n", 86400000},
        {"Retry-After: 5\r\nretry-after-ms: 20\r\n", 20},
        {"x-ms-retry-after-ms: 30\r\nRetry-After: 5\r\n", 30},
        {"retry-after-ms: soon\r\nRetry-After: 5\r\n", 5000},
        {"Retry-After: -1\r\n", -1},
        {"Retry-After: 1.5\r\n", -1},
        {"Retry-After: Sun, 31 Feb 1994 08:49:37 GMT\r\n", -1},
        {"Retry-After: soon\r\n", -1},
        {"Retry-After:\r\n", -1},
        {"X-Retry-After: 5\r\n", -1},
        {"", -1},
    };
    for (size_t i = 0; i < ES_COUNT_OF(rows); i++) {
        int64_t ms = -1;
        bool found = retry_after(rows[i].lines, &ms);
        if (found != (rows[i].ms >= 0) || ms != rows[i].ms)
            fail_msg("%s gave %lld", rows[i].lines, (long long)ms);
    }
}

static void dates_are_read(void **state)
{
    (void)state;
    static const char date[] = "Sun, 06 Nov 1994 08:49:37 GMT";
    int64_t t;
    assert_int_equal(http_date_parse(date, sizeof date - 1, &t), ENTRASQL_OK);
    assert_int_equal(t, 784111777);
    for (size_t n = 0; n < sizeof date - 1; n++)
        assert_int_equal(http_date_parse(date, n, &t), ENTRASQL_MALFORMED);
    assert_int_equal(http_utc_seconds(1970, 1, 1, 0, 0, 0, &t), ENTRASQL_OK);
    assert_int_equal(t, 0);
    assert_int_equal(http_utc_seconds(2000, 2, 29, 23, 59, 59, &t), ENTRASQL_OK);
    assert_int_equal(t, 951868799);
    assert_int_equal(http_utc_seconds(9999, 12, 31, 23, 59, 59, &t), ENTRASQL_OK);
    assert_true(t == 253402300799);
    assert_int_equal(http_utc_seconds(1900, 1, 1, 0, 0, 0, &t), ENTRASQL_INVALID);
    assert_int_equal(http_utc_seconds(2023, 2, 29, 0, 0, 0, &t), ENTRASQL_INVALID);
    assert_int_equal(http_utc_seconds(2023, 13, 1, 0, 0, 0, &t), ENTRASQL_INVALID);
    assert_int_equal(http_utc_seconds(2023, 12, 1, 24, 0, 0, &t), ENTRASQL_INVALID);
}

static void forms_are_encoded(void **state)
{
    (void)state;
    es_buf b = ES_BUF_INIT(256);
    assert_int_equal(es_buf_add_str(&b, "http://h/p?"), ENTRASQL_OK);
    assert_int_equal(http_form_add(&b, "a b", "1&2=\xc3\xa9~-._"), ENTRASQL_OK);
    assert_int_equal(http_form_add(&b, "c", ""), ENTRASQL_OK);
    assert_string_equal(es_buf_cstr(&b), "http://h/p?a%20b=1%262%3D%C3%A9~-._&c=");
    es_buf_done(&b);
}

static void urls_are_taken_apart(void **state)
{
    (void)state;
    http_url u;
    assert_int_equal(http_url_parse("HTTPS://Login.Example:8443/a/b?x", &u), ENTRASQL_OK);
    assert_true(u.is_https && u.has_port && u.has_query);
    assert_string_equal(u.host, "login.example");
    assert_int_equal(u.port, 8443);
    assert_string_equal(u.path, "/a/b");
    assert_int_equal(http_url_parse("http://[::1]", &u), ENTRASQL_OK);
    assert_string_equal(u.host, "::1");
    assert_string_equal(u.path, "/");
    assert_int_equal(u.port, 80);
    static const char *const bad[] = {"http://a@b/", "http://h/#f", "http://h:0/",  "h",
                                      "gopher://h/", "http://h\\x", "http://\x7fh/"};
    for (size_t i = 0; i < ES_COUNT_OF(bad); i++) {
        if (http_url_parse(bad[i], &u) == ENTRASQL_OK)
            fail_msg("taken: %s", bad[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answer_comes_back_whole),
        cmocka_unit_test(form_is_posted_over_tls),
        cmocka_unit_test(trust_comes_from_file_or_variable),
        cmocka_unit_test(plain_http_only_where_allowed),
        cmocka_unit_test(redirects_are_not_followed),
        cmocka_unit_test(large_answers_are_refused),
        cmocka_unit_test(endless_headers_are_refused),
        cmocka_unit_test(broken_connections_are_told),
        cmocka_unit_test(deadline_ends_a_silent_exchange),
        cmocka_unit_test(exchange_can_be_cancelled_at_any_step),
        cmocka_unit_test(proxies_only_when_not_direct),
        cmocka_unit_test(bad_requests_are_refused),
        cmocka_unit_test(signal_handlers_and_masks_are_left_alone),
        cmocka_unit_test(retry_after_is_read),
        cmocka_unit_test(dates_are_read),
        cmocka_unit_test(forms_are_encoded),
        cmocka_unit_test(urls_are_taken_apart),
    };
    return cmocka_run_group_tests_name("http", tests, start_servers, stop_servers);
}
