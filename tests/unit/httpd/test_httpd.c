/* SPDX-License-Identifier: MIT */
/* httpd: strict fields, and the service over real sockets: what it serves, and what it refuses. */
#include "base/mem.h"
#include "base/str.h"
#include "httpd/fields.h"
#include "httpd/httpd.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- fields ---- */

static void fields_are_decoded(void **state)
{
    (void)state;
    static const char text[] = "a=1&b=%C3%BC+x&&c&d=&e=x=y&a%20b=%2B";
    httpd_fields f;
    assert_int_equal(httpd_fields_parse(text, sizeof text - 1, &f, NULL), ENTRASQL_OK);
    assert_int_equal(f.count, 6);
    assert_string_equal(httpd_fields_get(&f, "a"), "1");
    assert_string_equal(httpd_fields_get(&f, "b"), "\xc3\xbc x");
    assert_string_equal(httpd_fields_get(&f, "c"), "");
    assert_string_equal(httpd_fields_get(&f, "d"), "");
    assert_string_equal(httpd_fields_get(&f, "e"), "x=y");
    assert_string_equal(httpd_fields_get(&f, "a b"), "+");
    assert_null(httpd_fields_get(&f, "A"));
    httpd_fields_done(&f);
}

static void field_there_twice_has_no_value(void **state)
{
    (void)state;
    httpd_fields f;
    assert_int_equal(httpd_fields_parse("a=1&b=2&a=1", 11, &f, NULL), ENTRASQL_OK);
    assert_null(httpd_fields_get(&f, "a"));
    assert_int_equal(httpd_fields_count(&f, "a"), 2);
    assert_int_equal(httpd_fields_count(&f, "b"), 1);
    assert_int_equal(httpd_fields_count(&f, "c"), 0);
    httpd_fields_done(&f);
}

static void malformed_fields_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"a=%",   "a=%4",  "a=%zz",     "%g0=1",
                                        "a=%00", "a=%ff", "a=1&b=%C3", "a=\xc3"};
    for (size_t i = 0; i < ES_COUNT_OF(texts); i++) {
        httpd_fields f;
        entrasql_error err;
        assert_int_equal(httpd_fields_parse(texts[i], strlen(texts[i]), &f, &err),
                         ENTRASQL_MALFORMED);
    }
    entrasql_error err;
    httpd_fields f;
    assert_int_equal(httpd_fields_parse("a=1&b=%zz", 9, &f, &err), ENTRASQL_MALFORMED);
    assert_non_null(strstr(err.message, "field 2"));
}

static void too_many_fields_are_refused(void **state)
{
    (void)state;
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(4096);
    httpd_fields f;
    for (int i = 0; i < HTTPD_MAX_FIELDS; i++)
        assert_int_equal(es_buf_add_str(&text, "a=1&"), ENTRASQL_OK);
    assert_int_equal(httpd_fields_parse((char *)text.data, text.len, &f, NULL), ENTRASQL_OK);
    httpd_fields_done(&f);
    assert_int_equal(es_buf_add_str(&text, "a=1"), ENTRASQL_OK);
    assert_int_equal(httpd_fields_parse((char *)text.data, text.len, &f, NULL), ENTRASQL_LIMIT);
}

/* Every length of a sample, from memory of the exact size; and without memory at every step. */
static void fields_survive_cuts_and_lack_of_memory(void **state)
{
    (void)state;
    static const char text[] = "grant_type=client%5Fcredentials&client_secret=a%2Bb&x";
    for (size_t n = 0; n < sizeof text; n++) {
        char *cut = es_memdup(text, n != 0 ? n : 1);
        httpd_fields f;
        assert_non_null(cut);
        if (httpd_fields_parse(cut, n, &f, NULL) == ENTRASQL_OK)
            httpd_fields_done(&f);
        es_free(cut);
    }
    entrasql_status status = ENTRASQL_NOMEM;
    for (unsigned long nth = 1; status == ENTRASQL_NOMEM; nth++) {
        httpd_fields f;
        es_mem_fail_from(nth);
        status = httpd_fields_parse(text, sizeof text - 1, &f, NULL);
        es_mem_fail_from(0);
        if (status == ENTRASQL_OK)
            httpd_fields_done(&f);
    }
    assert_int_equal(status, ENTRASQL_OK);
}

/* ---- the service ---- */

static httpd *service;

/* Shows what it was given. */
static void echo(void *ctx, const httpd_request *r, httpd_response *response)
{
    (void)ctx;
    size_t n = 0;
    const char *body = httpd_body(r, &n);
    const char *q = httpd_query(r, "q");
    const char *f = httpd_form(r, "f");
    const char *h = httpd_header(r, "X-Test");
    response->status = es_streq(httpd_path(r), "/teapot") ? 418 : 200;
    if (httpd_response_header(response, "X-Echo", "yes") != ENTRASQL_OK ||
        es_buf_printf(&response->body, "[%s %s q=%s/%zu f=%s/%zu form=%d h=%s body=%zu:%.*s]",
                      httpd_method(r), httpd_path(r), q != NULL ? q : "-",
                      httpd_query_count(r, "q"), f != NULL ? f : "-", httpd_form_count(r, "f"),
                      (int)httpd_has_form(r), h != NULL ? h : "-", n, n < 100 ? (int)n : 0,
                      body) != ENTRASQL_OK)
        response->status = 500;
}

static int start_service(void **state)
{
    (void)state;
    httpd_options options = {.handler = echo, .idle_timeout_s = 1};
    return httpd_start(&options, &service, NULL) == ENTRASQL_OK ? 0 : 1;
}

static int stop_service(void **state)
{
    (void)state;
    httpd_stop(service);
    return 0;
}

static int dial(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons(httpd_port(service)),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    struct timeval limit = {.tv_sec = 10};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    return fd;
}

static void send_all(int fd, const char *p, size_t n)
{
    while (n != 0) {
        ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);
        if (sent <= 0)
            return; /* refused early: the answer tells */
        p += sent;
        n -= (size_t)sent;
    }
}

/* Everything until the service closes; a reset counts as the end. */
static const char *receive_all(int fd)
{
    static char answer[64 * 1024];
    size_t n = 0;
    ssize_t got;
    while (n < sizeof answer - 1 && (got = recv(fd, answer + n, sizeof answer - 1 - n, 0)) > 0)
        n += (size_t)got;
    answer[n] = 0;
    (void)close(fd);
    return answer;
}

static const char *ask(const char *request)
{
    int fd = dial();
    send_all(fd, request, strlen(request));
    return receive_all(fd);
}

#define HOST "Host: localhost\r\nConnection: close\r\n"

static void assert_has(const char *answer, const char *part)
{
    if (strstr(answer, part) == NULL)
        fail_msg("no '%s' in: %s", part, answer);
}

static void get_is_answered(void **state)
{
    (void)state;
    const char *a = ask("GET /a%20b/c?q=1%2B2&x=y HTTP/1.1\r\n" HOST "X-Test: v\r\n\r\n");
    assert_has(a, "HTTP/1.1 200");
    assert_has(a, "[GET /a b/c q=1+2/1 f=-/0 form=0 h=v body=0:]");
    assert_has(a, "Cache-Control: no-store");
    assert_has(a, "X-Echo: yes");
    assert_has(a, "application/json");
    assert_has(ask("GET /teapot HTTP/1.1\r\n" HOST "\r\n"), "HTTP/1.1 418");
    assert_has(ask("GET /?q=1&q=2 HTTP/1.1\r\n" HOST "\r\n"), "q=-/2");
}

static void form_is_read(void **state)
{
    (void)state;
    const char *a = ask("POST /t HTTP/1.1\r\n" HOST
                        "Content-Type: application/x-www-form-urlencoded;charset=utf-8\r\n"
                        "Content-Length: 7\r\n\r\nf=a%20b");
    assert_has(a, "[POST /t q=-/0 f=a b/1 form=1 h=- body=7:f=a%20b]");
    a = ask("POST /t HTTP/1.1\r\n" HOST "Content-Type: application/x-www-form-urlencoded\r\n"
            "Transfer-Encoding: chunked\r\n\r\n3\r\nf=a\r\n2\r\n+b\r\n0\r\n\r\n");
    assert_has(a, "f=a b/1");
    a = ask("POST /t HTTP/1.1\r\n" HOST "Content-Type: application/json\r\n"
            "Content-Length: 3\r\n\r\nf=a");
    assert_has(a, "f=-/0 form=0 h=- body=3:f=a");
    a = ask("POST /t HTTP/1.1\r\n" HOST "Content-Type: application/x-www-form-urlencodedx\r\n"
            "Content-Length: 3\r\n\r\nf=a");
    assert_has(a, "form=0");
}

static void malformed_requests_get_400(void **state)
{
    (void)state;
    assert_has(ask("GET /?q=%zz HTTP/1.1\r\n" HOST "\r\n"), "HTTP/1.1 400");
    assert_has(ask("GET /?q=%zz HTTP/1.1\r\n" HOST "\r\n"), "query: field 1");
    assert_has(ask("GET /a%2Fb HTTP/1.1\r\n" HOST "\r\n"), "HTTP/1.1 400");
    assert_has(ask("GET /a%00b HTTP/1.1\r\n" HOST "\r\n"), "HTTP/1.1 400");
    assert_has(ask("POST /t HTTP/1.1\r\n" HOST "Content-Type: application/x-www-form-urlencoded\r\n"
                   "Content-Length: 4\r\n\r\nf=%x"),
               "form: field 1");
    assert_has(ask("POST /t HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\n"), "HTTP/1.1 4");
    /* The service lives on. */
    assert_has(ask("GET / HTTP/1.1\r\n" HOST "\r\n"), "HTTP/1.1 200");
}

static void foreign_host_names_are_refused(void **state)
{
    (void)state;
    static const char *const good[] = {"localhost", "LOCALHOST:80", "127.0.0.1:1", "[::1]:99"};
    static const char *const bad[] = {"example.com",
                                      "localhost.example.com",
                                      "169.254.169.254",
                                      "127.0.0.11",
                                      "",
                                      "localhost:80@example.com",
                                      "localhost:",
                                      "localhost:65536"};
    char request[256];
    for (size_t i = 0; i < ES_COUNT_OF(good); i++) {
        snprintf(request, sizeof request, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n",
                 good[i]);
        assert_has(ask(request), "HTTP/1.1 200");
    }
    for (size_t i = 0; i < ES_COUNT_OF(bad); i++) {
        snprintf(request, sizeof request, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n",
                 bad[i]);
        assert_has(ask(request), "HTTP/1.1 403");
    }
    assert_has(ask("GET / HTTP/1.1\r\nConnection: close\r\n\r\n"), "HTTP/1.1 400");
    assert_has(ask("GET / HTTP/1.1\r\n" HOST "host: example.com\r\n\r\n"), "HTTP/1.1 403");
    assert_has(ask("GET / HTTP/1.1\r\nHost: example.com\r\n" HOST "\r\n"), "HTTP/1.1 403");
}

static void huge_bodies_are_refused(void **state)
{
    (void)state;
    assert_has(ask("POST /t HTTP/1.1\r\n" HOST "Content-Length: 1048577\r\n\r\nx"), "HTTP/1.1 413");
    assert_has(
        ask("POST /t HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999999999\r\n\r\nx"),
        "HTTP/1.1 413");

    size_t n = 2 * HTTPD_MAX_BODY_BYTES;
    char *body = es_malloc(n);
    assert_non_null(body);
    memset(body, 'x', n);
    int fd = dial();
    static const char head[] =
        "POST /t HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n200000\r\n";
    send_all(fd, head, sizeof head - 1);
    send_all(fd, body, n);
    assert_null(strstr(receive_all(fd), "HTTP/1.1 200"));

    /* The largest that is allowed. */
    fd = dial();
    static const char fits[] = "POST /t HTTP/1.1\r\n" HOST "Content-Length: 1048576\r\n\r\n";
    send_all(fd, fits, sizeof fits - 1);
    send_all(fd, body, HTTPD_MAX_BODY_BYTES);
    assert_has(receive_all(fd), "body=1048576:");
    es_free(body);
}

static void huge_headers_are_refused(void **state)
{
    (void)state;
    ES_CLEANUP(es_buf_done) es_buf request = ES_BUF_INIT(1 << 20);
    assert_int_equal(es_buf_add_str(&request, "GET / HTTP/1.1\r\n" HOST "X-Long: "), ENTRASQL_OK);
    assert_int_equal(es_buf_fill(&request, 'a', 200000), ENTRASQL_OK);
    assert_int_equal(es_buf_add_str(&request, "\r\n\r\n"), ENTRASQL_OK);
    assert_has(ask(es_buf_cstr(&request)), "HTTP/1.1 431");

    es_buf_clear(&request);
    assert_int_equal(es_buf_add_str(&request, "GET / HTTP/1.1\r\n" HOST "X-Long: "), ENTRASQL_OK);
    assert_int_equal(es_buf_fill(&request, 'a', 16000), ENTRASQL_OK);
    assert_int_equal(es_buf_add_str(&request, "\r\n\r\n"), ENTRASQL_OK);
    assert_has(ask(es_buf_cstr(&request)), "HTTP/1.1 200");
}

/* Each beginning of a request, then the end of the connection: the service goes on. */
static void cut_requests_do_no_harm(void **state)
{
    (void)state;
    static const char request[] =
        "POST /t?q=%41 HTTP/1.1\r\n" HOST "Content-Type: application/x-www-form-urlencoded\r\n"
        "Content-Length: 7\r\n\r\nf=a%20b";
    for (size_t n = 0; n < sizeof request - 1; n++) {
        int fd = dial();
        send_all(fd, request, n);
        (void)close(fd);
    }
    assert_has(ask(request), "f=a b/1");
}

static void silent_connection_is_closed(void **state)
{
    (void)state;
    int fd = dial();
    send_all(fd, "GET / HT", 8);
    (void)receive_all(fd); /* returns because the service closes; else after 10 s with EAGAIN */
    fd = dial();
    char byte;
    assert_int_equal(recv(fd, &byte, 1, 0), 0);
    (void)close(fd);
}

static void connection_serves_several_requests(void **state)
{
    (void)state;
    assert_has(ask("GET /one HTTP/1.1\r\nHost: localhost\r\n\r\n"
                   "GET /two HTTP/1.1\r\n" HOST "\r\n"),
               "[GET /two");
}

static void *ask_many(void *failed)
{
    int *count = failed;
    for (int i = 0; i < 50; i++) {
        int fd = dial();
        char buf[2048];
        size_t n = 0;
        ssize_t got;
        static const char request[] = "GET /x?q=1 HTTP/1.1\r\n" HOST "\r\n";
        send_all(fd, request, sizeof request - 1);
        while (n < sizeof buf - 1 && (got = recv(fd, buf + n, sizeof buf - 1 - n, 0)) > 0)
            n += (size_t)got;
        buf[n] = 0;
        (void)close(fd);
        if (strstr(buf, "[GET /x q=1/1") == NULL)
            (*count)++;
    }
    return NULL;
}

static void many_clients_are_served_at_once(void **state)
{
    (void)state;
    pthread_t threads[8];
    int failed[8] = {0};
    for (size_t i = 0; i < ES_COUNT_OF(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_many, &failed[i]), 0);
    for (size_t i = 0; i < ES_COUNT_OF(threads); i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(failed[i], 0);
    }
}

/* More than the service has room for: some say nothing, some drip, some do not read. */
static void who_is_silent_makes_room(void **state)
{
    (void)state;
    static const char *const words[] = {"", "GET / HT",
                                        "POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nx",
                                        "GET /one HTTP/1.1\r\nHost: localhost\r\n\r\n"};
    static int silent[HTTPD_MAX_CONNECTIONS + 100];
    httpd *first = service;
    httpd_options options = {.handler = echo}; /* silence ends after 30 s only */
    assert_int_equal(httpd_start(&options, &service, NULL), ENTRASQL_OK);
    for (size_t i = 0; i < ES_COUNT_OF(silent); i++) {
        silent[i] = dial();
        send_all(silent[i], words[i % 4], strlen(words[i % 4]));
        if (i % 100 == 99)
            assert_has(ask("GET /two HTTP/1.1\r\n" HOST "\r\n"), "[GET /two");
    }
    assert_has(ask("GET /two HTTP/1.1\r\n" HOST "\r\n"), "[GET /two");
    for (size_t i = 0; i < ES_COUNT_OF(silent); i++)
        (void)close(silent[i]);
    httpd_stop(service);
    service = first;
}

static sem_t go_on;

static void answer_when_told(void *ctx, const httpd_request *request, httpd_response *response)
{
    while (sem_wait(&go_on) != 0)
        continue;
    echo(ctx, request, response);
}

static void *end_service(void *ctx ES_UNUSED)
{
    httpd_stop(service);
    return NULL;
}

/* Malformed requests wait behind others, which are with the handler, when the service is ended. */
static void end_amid_refusals_does_no_harm(void **state)
{
    (void)state;
    static const char *const words[] = {"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
                                        "POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nx"};
    httpd *first = service;
    httpd_options options = {.handler = answer_when_told};
    int callers[200];
    pthread_t stopper;
    assert_int_equal(sem_init(&go_on, 0, 0), 0);
    assert_int_equal(httpd_start(&options, &service, NULL), ENTRASQL_OK);
    for (size_t i = 0; i < ES_COUNT_OF(callers); i++)
        callers[i] = dial();
    for (size_t i = 0; i < ES_COUNT_OF(callers); i++)
        send_all(callers[i], words[i % 2], strlen(words[i % 2]));
    for (int i = 0; i < 4; i++) /* each thread goes on to all that have come meanwhile */
        (void)sem_post(&go_on);
    (void)usleep(50000);
    assert_int_equal(pthread_create(&stopper, NULL, end_service, NULL), 0);
    (void)usleep(50000);
    for (size_t i = 0; i < ES_COUNT_OF(callers); i++)
        (void)sem_post(&go_on);
    (void)pthread_join(stopper, NULL);
    for (size_t i = 0; i < ES_COUNT_OF(callers); i++)
        (void)close(callers[i]);
    (void)sem_destroy(&go_on);
    service = first;
}

static void port_in_use_is_named(void **state)
{
    (void)state;
    httpd_options options = {.handler = echo, .port = httpd_port(service)};
    httpd *other = NULL;
    entrasql_error err;
    assert_int_equal(httpd_start(&options, &other, &err), ENTRASQL_BUSY);
    char port[16];
    snprintf(port, sizeof port, ":%u", (unsigned)httpd_port(service));
    assert_has(err.message, port);
    assert_true(err.hint[0] != 0);
}

static void missing_certificate_is_named(void **state)
{
    (void)state;
    httpd_options options = {
        .handler = echo, .cert_file = "/nonexistent/server.pem", .key_file = "/nonexistent/key"};
    httpd *other = NULL;
    entrasql_error err;
    assert_int_equal(httpd_start(&options, &other, &err), ENTRASQL_NOT_FOUND);
    assert_has(err.message, "/nonexistent/server.pem");
    char path[] = "/tmp/test_httpd_XXXXXX"; /* a file, but no PEM */
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "no PEM\n", 7), 7);
    options.cert_file = options.key_file = path;
    assert_int_equal(httpd_start(&options, &other, &err), ENTRASQL_CONFIG);
    assert_has(err.hint, path);
    (void)close(fd);
    (void)unlink(path);
}

/* On every address: any Host will do, but only loopback counts as loopback. */
static void tell_loopback(void *ctx, const httpd_request *r, httpd_response *response)
{
    (void)ctx;
    (void)!es_buf_add_str(&response->body, httpd_is_from_loopback(r) ? "[near]" : "[far]");
}

static void every_address_takes_every_host(void **state)
{
    (void)state;
    httpd *first = service;
    os_address all;
    assert_int_equal(os_address_from_numeric("0.0.0.0", 0, &all, NULL), ENTRASQL_OK);
    httpd_options options = {.handler = tell_loopback, .address = &all, .idle_timeout_s = 1};
    assert_int_equal(httpd_start(&options, &service, NULL), ENTRASQL_OK);
    assert_has(ask("GET / HTTP/1.1\r\nHost: pod.example\r\nConnection: close\r\n\r\n"), "[far]");
    assert_has(ask("GET / HTTP/1.1\r\n" HOST "\r\n"), "[near]");
    httpd_stop(service);
    service = first;
    assert_int_equal(os_address_from_numeric("127.0.0.1", 0, &all, NULL), ENTRASQL_OK);
    assert_int_equal(httpd_start(&options, &service, NULL), ENTRASQL_OK);
    assert_has(ask("GET / HTTP/1.1\r\nHost: pod.example\r\nConnection: close\r\n\r\n"), " 403 ");
    httpd_stop(service);
    service = first;
    assert_int_equal(os_address_from_numeric("localhost", 0, &all, NULL), ENTRASQL_INVALID);
    assert_int_equal(os_address_from_numeric("1.2.3", 0, &all, NULL), ENTRASQL_INVALID);
    assert_int_equal(os_address_from_numeric("::1", 5, &all, NULL), ENTRASQL_OK);
    assert_true(os_address_is_loopback(&all));
    assert_int_equal(os_address_port(&all), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_decoded),
        cmocka_unit_test(field_there_twice_has_no_value),
        cmocka_unit_test(malformed_fields_are_refused),
        cmocka_unit_test(too_many_fields_are_refused),
        cmocka_unit_test(fields_survive_cuts_and_lack_of_memory),
        cmocka_unit_test(get_is_answered),
        cmocka_unit_test(form_is_read),
        cmocka_unit_test(malformed_requests_get_400),
        cmocka_unit_test(foreign_host_names_are_refused),
        cmocka_unit_test(huge_bodies_are_refused),
        cmocka_unit_test(huge_headers_are_refused),
        cmocka_unit_test(cut_requests_do_no_harm),
        cmocka_unit_test(silent_connection_is_closed),
        cmocka_unit_test(connection_serves_several_requests),
        cmocka_unit_test(many_clients_are_served_at_once),
        cmocka_unit_test(who_is_silent_makes_room),
        cmocka_unit_test(end_amid_refusals_does_no_harm),
        cmocka_unit_test(port_in_use_is_named),
        cmocka_unit_test(every_address_takes_every_host),
        cmocka_unit_test(missing_certificate_is_named),
    };
    return cmocka_run_group_tests_name("httpd", tests, start_service, stop_service);
}
