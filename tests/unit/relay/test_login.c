/* SPDX-License-Identifier: MIT */
/* relay: the login upstream against a scripted server. */
#include "relay/login.h"
#include "relay/token.h"

#include "../tls/certs.h"
#include "base/mem.h"
#include "cutter.h"
#include "fake_credential.h"
#include "fake_server.h"
#include "os/sock.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define CUT_STEP 5 /* sanitizers make each handshake dear */
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define CUT_STEP 5
#endif
#endif
#ifndef CUT_STEP
#define CUT_STEP 1
#endif

static const line accept_all[] = {{ACT_ACCEPT, 0, NULL}};
static const fake_server_options good_server = {"good", TDS_SERVER_TLS_REQUIRED, accept_all, 1};

typedef struct scene {
    entrasql_credential credential;
    tds_login7 login;
    char ca[CERTS_PATH_SIZE];
    relay_login_options options;
} scene;

/* Everything as it should be, for a server at the port. */
static void scene_init(scene *s, uint16_t port)
{
    fake_credential_init(&s->credential);
    assert_int_equal(tds_login7_init(&s->login), ENTRASQL_OK);
    assert_int_equal(tds_login7_set(&s->login.database, "mydb"), ENTRASQL_OK);
    assert_int_equal(tds_login7_set(&s->login.app_name, "test"), ENTRASQL_OK);
    assert_int_equal(tds_login7_set(&s->login.user_name, "left over"), ENTRASQL_OK);
    s->login.password = es_secret_from_str("left over");
    s->login.packet_size = 8000;
    (void)snprintf(s->ca, sizeof s->ca, "%s", certs_file("ca", ".pem"));
    s->options = (relay_login_options){.host = "localhost",
                                       .port = port,
                                       .encrypt = TDS_ENCRYPT_ON,
                                       .ca_file = s->ca,
                                       .login = &s->login,
                                       .credential = &s->credential,
                                       .deadline_ms = es_clock_mono_ms() + 20000};
}

static void scene_done(scene *s)
{
    tds_login7_done(&s->login);
    /* Every reference came back. */
    assert_int_equal(atomic_load(&s->credential.refs), 1);
}

static void expect_echo(relay_stream *s)
{
    char got[8] = "";
    size_t n = 0;
    entrasql_status status;
    assert_int_equal(relay_stream_write(s, "\x01\x01\x00\x0b\0\0\1\0abc", 11, NULL), ENTRASQL_OK);
    size_t all = 0;
    while (all < 11) {
        status = relay_stream_read(s, got, 1, &n, NULL);
        if (status == ENTRASQL_AGAIN) {
            os_wait w;
            os_wait_init(&w);
            os_wait_until(&w, es_clock_mono_ms() + 5000);
            assert_int_equal(relay_stream_wants(s, true, &w), ENTRASQL_OK);
            assert_int_equal(os_wait_poll(&w, NULL), ENTRASQL_OK);
            continue;
        }
        assert_int_equal(status, ENTRASQL_OK);
        all += n;
    }
    assert_string_equal(got, "c");
}

static void expect_login(const relay_login_options *options)
{
    relay_session session = {0};
    entrasql_error err;
    if (relay_login_run(options, &session, &err) != ENTRASQL_OK)
        fail_msg("%s (%s)", err.message, err.hint);
    assert_string_equal(session.database, "mydb");
    assert_true(session.response.len > 0);
    expect_echo(session.stream);
    relay_session_done(&session);
}

static void expect_failure(const relay_login_options *options, entrasql_status status,
                           const char *message, entrasql_error *err)
{
    relay_session session = {0};
    entrasql_error own;
    err = err != NULL ? err : &own;
    err->message[0] = err->hint[0] = '\0';
    entrasql_status got = relay_login_run(options, &session, err);
    if (got != status || strstr(err->message, message) == NULL)
        fail_msg("%s: %s (%s)", entrasql_status_name(got), err->message, err->hint);
    assert_int_equal(err->status, status);
    assert_null(session.stream);
}

static void token_login(void **state)
{
    (void)state;
    fake_server server;
    scene s;
    fake_server_start(&server, &good_server);
    scene_init(&s, server.port);
    s.credential.delay_ms = 20;
    relay_session session = {0};
    entrasql_error err;
    assert_int_equal(relay_login_run(&s.options, &session, &err), ENTRASQL_OK);
    assert_int_equal(session.packet_size, 8000);
    assert_int_equal(session.tds_version, TDS_VERSION_7_4);
    assert_string_equal(session.server_host, "localhost");
    assert_string_equal(tls_conn_version(relay_stream_tls(session.stream)), "TLSv1.2");
    expect_echo(session.stream);
    relay_session_done(&session);
    fake_server_stop(&server);
    assert_string_equal(server.token, "token-1");
    assert_string_equal(server.user, "");
    assert_string_equal(server.password, "");
    assert_string_equal(server.server_name, "localhost");
    assert_string_equal(server.database, "mydb");
    assert_string_equal(server.app, "test");
    assert_int_equal(server.packet_size, 8000);
    assert_true(server.encrypted);
    assert_false(server.strict);
    assert_int_equal(atomic_load(&s.credential.refreshed), 0);
    assert_string_equal(s.credential.scope, ENTRASQL_SCOPE_SQL);
    scene_done(&s);
}

static void strict_login(void **state)
{
    (void)state;
    fake_server server;
    scene s;
    fake_server_start(&server, &good_server);
    scene_init(&s, server.port);
    s.options.encrypt = TDS_ENCRYPT_STRICT;
    expect_login(&s.options);
    /* The certificate is checked in spite of TrustServerCertificate. */
    s.options.trust_server_certificate = true;
    s.options.host_name_in_certificate = "else.example";
    expect_failure(&s.options, ENTRASQL_TLS, "not for \"else.example\"", NULL);
    fake_server_stop(&server);
    assert_true(server.strict);
    assert_int_equal(server.tds_version, TDS_VERSION_8_0);
    scene_done(&s);
}

static void sql_login(void **state)
{
    (void)state;
    fake_server server;
    scene s;
    static const fake_server_options clear = {NULL, TDS_SERVER_TLS_NONE, accept_all, 1};
    fake_server_start(&server, &clear);
    scene_init(&s, server.port);
    s.options.credential = NULL;
    s.options.encrypt = TDS_ENCRYPT_OFF;
    expect_login(&s.options); /* in clear, as it is loopback */
    s.options.encrypt = TDS_ENCRYPT_NOT_SUPPORTED;
    expect_login(&s.options);
    s.options.encrypt = TDS_ENCRYPT_ON;
    entrasql_error err;
    expect_failure(&s.options, ENTRASQL_TLS, "does not support encryption", &err);
    assert_non_null(strstr(err.hint, "Encrypt=no"));
    s.options.credential = &s.credential;
    s.options.encrypt = TDS_ENCRYPT_OFF; /* a token never goes out in clear */
    expect_failure(&s.options, ENTRASQL_TLS, "does not support encryption", &err);
    assert_null(strstr(err.hint, "Encrypt=no"));
    fake_server_stop(&server);
    assert_string_equal(server.user, "left over");
    assert_string_equal(server.password, "left over");
    assert_string_equal(server.token, "");
    assert_false(server.encrypted);
    scene_done(&s);
}

static void old_clients_are_lifted(void **state)
{
    (void)state;
    fake_server server;
    scene s;
    fake_server_start(&server, &good_server);
    scene_init(&s, server.port);
    s.login.tds_version = TDS_VERSION_7_3B;
    expect_login(&s.options);
    fake_server_stop(&server);
    assert_int_equal(server.tds_version, TDS_VERSION_7_4);
    scene_done(&s);
}

static void certificates_are_checked(void **state)
{
    (void)state;
    static const fake_server_options foreign = {"foreign", TDS_SERVER_TLS_REQUIRED, accept_all, 1};
    fake_server server;
    scene s;
    fake_server_start(&server, &foreign);
    scene_init(&s, server.port);
    expect_failure(&s.options, ENTRASQL_TLS, "issued by \"CN=Other CA\"", NULL);
    s.options.trust_server_certificate = true;
    expect_login(&s.options);
    s.options.trust_server_certificate = false;
    (void)snprintf(s.ca, sizeof s.ca, "%s", certs_file("other-ca", ".pem"));
    expect_failure(&s.options, ENTRASQL_TLS, "is for \"db.example\", not for \"localhost\"", NULL);
    s.options.host_name_in_certificate = "db.example";
    expect_login(&s.options);
    s.options.ca_file = "/nonexistent";
    expect_failure(&s.options, ENTRASQL_CONFIG, "/nonexistent", NULL);
    fake_server_stop(&server);
    scene_done(&s);
}

static void refusals_are_passed_up(void **state)
{
    (void)state;
    static const line script[] = {
        {ACT_REFUSE, 18456, "Login failed for user '<token-identified principal>'."}};
    fake_server_options o = good_server;
    o.script = script;
    fake_server server;
    scene s;
    entrasql_error err;
    fake_server_start(&server, &o);
    scene_init(&s, server.port);
    expect_failure(&s.options, ENTRASQL_LOGIN_FAILED, "<token-identified principal>", &err);
    assert_int_equal(err.number, 18456);
    assert_int_equal(err.state, 7);
    assert_int_equal(err.severity, 14);
    assert_true(err.hint[0] != '\0');
    fake_server_stop(&server);
    assert_int_equal(server.connections, 1);
    scene_done(&s);
}

static void an_expired_token_is_renewed_once(void **state)
{
    (void)state;
    static const line script[] = {
        {ACT_REFUSE, 18456, "Login failed for user 'x'. Token is expired."},
        {ACT_ACCEPT, 0, NULL},
        {ACT_REFUSE, 18456, "Login failed. Token is expired."}};
    fake_server_options o = good_server;
    o.script = script;
    o.lines = 3;
    fake_server server;
    scene s;
    fake_server_start(&server, &o);
    scene_init(&s, server.port);
    expect_login(&s.options);
    assert_int_equal(atomic_load(&s.credential.asked), 2);
    assert_int_equal(atomic_load(&s.credential.refreshed), 1);
    /* Refused twice is refused. */
    expect_failure(&s.options, ENTRASQL_LOGIN_FAILED, "Token is expired", NULL);
    assert_int_equal(atomic_load(&s.credential.refreshed), 2);
    fake_server_stop(&server);
    assert_int_equal(server.connections, 4);
    assert_string_equal(server.token, "token-4");
    scene_done(&s);
}

static void routing_is_followed(void **state)
{
    (void)state;
    fake_server node;
    fake_server gateway;
    scene s;
    fake_server_start(&node, &good_server);
    line script[] = {{ACT_ROUTE, node.port, "localhost\\inst"}};
    fake_server_options o = good_server;
    o.script = script;
    fake_server_start(&gateway, &o);
    scene_init(&s, gateway.port);
    relay_session session = {0};
    entrasql_error err;
    assert_int_equal(relay_login_run(&s.options, &session, &err), ENTRASQL_OK);
    assert_string_equal(session.server_host, "localhost\\inst");
    relay_session_done(&session);
    fake_server_stop(&gateway);
    fake_server_stop(&node);
    assert_string_equal(gateway.server_name, "localhost");
    assert_string_equal(node.server_name, "localhost\\inst");
    assert_string_equal(node.token, "token-1");
    assert_int_equal(atomic_load(&s.credential.asked), 1);
    scene_done(&s);
}

static void routed_names_are_verified(void **state)
{
    (void)state;
    static const fake_server_options other = {"foreign", TDS_SERVER_TLS_REQUIRED, accept_all, 1};
    fake_server node;
    fake_server gateway;
    scene s;
    fake_server_start(&node, &other);
    line script[] = {{ACT_ROUTE, node.port, "127.0.0.1"}};
    fake_server_options o = good_server;
    o.script = script;
    fake_server_start(&gateway, &o);
    scene_init(&s, gateway.port);
    expect_failure(&s.options, ENTRASQL_TLS, "the certificate of 127.0.0.1", NULL);
    fake_server_stop(&gateway);
    fake_server_stop(&node);
    assert_string_equal(node.token, "");
    scene_done(&s);
}

static void a_redirect_that_leads_nowhere_is_told(void **state)
{
    (void)state;
    static const char bad_name[] = "db\x1b[2Jevil";
    char long_name[300] = "";
    fake_server server;
    scene s;
    entrasql_error err;
    line script[] = {{ACT_ROUTE, 1, "127.0.0.1"}};
    fake_server_options o = good_server;
    o.script = script;
    fake_server_start(&server, &o);
    scene_init(&s, server.port);
    expect_failure(&s.options, ENTRASQL_NETWORK, "127.0.0.1:1, where localhost:", &err);
    assert_non_null(strstr(err.message, " redirects to: cannot connect"));
    fake_server_stop(&server);
    memset(long_name, 'a', sizeof long_name - 1);
    const char *const names[] = {bad_name, long_name};
    for (size_t i = 0; i < ES_COUNT_OF(names); i++) {
        script[0].text = names[i];
        fake_server_start(&server, &o);
        s.options.port = server.port;
        expect_failure(&s.options, ENTRASQL_MALFORMED, "the server redirects to \"", &err);
        assert_null(strchr(err.message, '\x1b'));
        fake_server_stop(&server);
    }
    scene_done(&s);
}

static void a_reset_is_told_like_a_close(void **state)
{
    (void)state;
    int listener = -1;
    int fd = -1;
    uint16_t port = 0;
    scene s;
    relay_login *l = NULL;
    relay_session session = {0};
    entrasql_error err;
    assert_int_equal(os_sock_listen_loopback(AF_INET, 0, 1, &listener, &port, NULL), ENTRASQL_OK);
    scene_init(&s, port);
    assert_int_equal(relay_login_start(&s.options, &l, NULL), ENTRASQL_OK);
    entrasql_status status = ENTRASQL_AGAIN;
    while (status == ENTRASQL_AGAIN) {
        os_wait w;
        status = relay_login_step(l, &session, &err);
        os_wait_init(&w);
        assert_int_equal(relay_login_wants(l, &w), ENTRASQL_OK);
        os_wait_until(&w, es_clock_deadline(20));
        assert_int_equal(os_wait_poll(&w, NULL), ENTRASQL_OK);
        if (fd < 0)
            (void)!os_sock_accept(listener, &fd, NULL);
        struct pollfd came = {.fd = fd, .events = POLLIN};
        if (fd >= 0 && poll(&came, 1, 0) == 1)
            os_sock_close(&fd); /* with bytes that nobody read: the kernel resets it */
    }
    os_sock_close(&listener);
    assert_int_equal(status, ENTRASQL_CLOSED);
    assert_non_null(strstr(err.message, "while we waited for the answer to PRELOGIN"));
    assert_true(err.hint[0] != '\0');
    relay_login_free(l);
    scene_done(&s);
}

static void routing_has_an_end(void **state)
{
    (void)state;
    fake_server a;
    fake_server b;
    scene s;
    entrasql_error err;
    line to_b[] = {{ACT_ROUTE, 0, "localhost"}};
    line to_a[] = {{ACT_ROUTE, 0, "LOCALHOST"}};
    fake_server_options o = good_server;
    o.script = to_b;
    fake_server_start(&a, &o);
    o.script = to_a;
    fake_server_start(&b, &o);
    to_b[0].number = b.port;
    to_a[0].number = a.port;
    scene_init(&s, a.port);
    expect_failure(&s.options, ENTRASQL_LIMIT, "the server redirects in a circle", &err);
    assert_non_null(strstr(err.message, "after 1 redirect"));
    /* Names that are new each time. */
    line many[] = {{ACT_ROUTE, a.port, "localhost\\1"}, {ACT_ROUTE, a.port, "localhost\\2"},
                   {ACT_ROUTE, a.port, "localhost\\3"}, {ACT_ROUTE, a.port, "localhost\\4"},
                   {ACT_ROUTE, a.port, "localhost\\5"}, {ACT_ROUTE, a.port, "localhost\\6"}};
    fake_server_stop(&a);
    fake_server_stop(&b);
    o.script = many;
    o.lines = 6;
    fake_server_start(&a, &o);
    for (size_t i = 0; i < 6; i++)
        many[i].number = a.port;
    s.options.port = a.port;
    expect_failure(&s.options, ENTRASQL_LIMIT, "the server redirects more than 5 times", NULL);
    fake_server_stop(&a);
    assert_int_equal(a.connections, 6);
    scene_done(&s);
}

static void tokens_on_request(void **state)
{
    (void)state;
    static const line script[] = {
        {ACT_ASK, 0, "https://login.windows.net/11111111-2222-3333-4444-555555555555"},
        {ACT_ASK, 0, "http://login.windows.net/x"},
        {ACT_ASK, 0, "https://login.windows.net.evil.example/x"},
        {ACT_ACCEPT, 0, NULL}};
    fake_server_options o = good_server;
    o.script = script;
    o.lines = 4;
    fake_server server;
    scene s;
    fake_server_start(&server, &o);
    scene_init(&s, server.port);
    s.options.token_on_request = true;
    expect_login(&s.options);
    (void)pthread_mutex_lock(&server.lock);
    assert_string_equal(server.token, "token-1");
    (void)pthread_mutex_unlock(&server.lock);
    assert_int_equal(atomic_load(&s.credential.asked), 1);
    expect_failure(&s.options, ENTRASQL_AUTH_FAILED, "\"http://login.windows.net/x\"", NULL);
    expect_failure(&s.options, ENTRASQL_AUTH_FAILED, "no known Entra authority", NULL);
    assert_int_equal(atomic_load(&s.credential.asked), 1);
    fake_server_stop(&server);
    scene_done(&s);
}

static void a_credential_that_fails(void **state)
{
    (void)state;
    static const line script[] = {{ACT_SILENT, 0, NULL}};
    fake_server_options o = good_server;
    o.script = script;
    fake_server server;
    scene s;
    fake_server_start(&server, &o);
    scene_init(&s, server.port);
    s.credential.status = ENTRASQL_NETWORK;
    s.credential.delay_ms = 10;
    entrasql_error err;
    expect_failure(&s.options, ENTRASQL_NETWORK, "the fake credential refuses", &err);
    assert_string_equal(err.message, "the fake credential refuses");
    fake_server_stop(&server);
    scene_done(&s);
}

static void silence_ends_at_the_deadline(void **state)
{
    (void)state;
    static const line script[] = {{ACT_SILENT, 0, NULL}};
    fake_server_options o = good_server;
    o.script = script;
    fake_server server;
    scene s;
    fake_server_start(&server, &o);
    scene_init(&s, server.port);
    int64_t start_ms = es_clock_mono_ms();
    s.options.deadline_ms = start_ms + 150;
    entrasql_error err;
    expect_failure(&s.options, ENTRASQL_TIMEOUT, "still waiting for the server's answer", &err);
    assert_non_null(strstr(err.message, "no login to localhost:"));
    s.options.encrypt = TDS_ENCRYPT_STRICT;
    s.options.deadline_ms = es_clock_mono_ms() + 150;
    expect_failure(&s.options, ENTRASQL_TIMEOUT, "still in the TLS handshake", NULL);
    assert_true(es_clock_mono_ms() - start_ms < 5000);
    fake_server_stop(&server);
    /* A slow token. */
    fake_server_start(&server, &good_server);
    s.options.port = server.port;
    s.options.encrypt = TDS_ENCRYPT_ON;
    s.credential.delay_ms = 5000;
    s.options.deadline_ms = es_clock_mono_ms() + 300;
    expect_failure(&s.options, ENTRASQL_TIMEOUT, "still waiting for the access token", NULL);
    fake_server_stop(&server);
    scene_done(&s);
}

static void garbage_is_refused(void **state)
{
    (void)state;
    static const char http[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
    static const char zeros[64] = {0};
    static const char huge[] = "\x04\x01\xff\xff\0\0\1\0";
    static const line script[] = {{ACT_GARBAGE, sizeof http - 1, http},
                                  {ACT_GARBAGE, sizeof zeros, zeros},
                                  {ACT_GARBAGE, sizeof huge - 1, huge},
                                  {ACT_CLOSE, 0, NULL}};
    fake_server_options o = good_server;
    o.script = script;
    o.lines = 4;
    fake_server server;
    scene s;
    fake_server_start(&server, &o);
    scene_init(&s, server.port);
    expect_failure(&s.options, ENTRASQL_MALFORMED, "localhost:", NULL);
    expect_failure(&s.options, ENTRASQL_MALFORMED, "localhost:", NULL);
    s.options.deadline_ms = es_clock_mono_ms() + 500;
    relay_session session = {0};
    entrasql_error err;
    entrasql_status status = relay_login_run(&s.options, &session, &err);
    assert_true(status == ENTRASQL_LIMIT || status == ENTRASQL_MALFORMED ||
                status == ENTRASQL_TIMEOUT);
    s.options.deadline_ms = es_clock_mono_ms() + 20000;
    status = relay_login_run(&s.options, &session, &err);
    assert_true(status == ENTRASQL_CLOSED || status == ENTRASQL_NETWORK);
    /* The same in strict mode, where TLS has to say it. */
    fake_server_stop(&server);
    fake_server_start(&server, &o);
    s.options.port = server.port;
    s.options.encrypt = TDS_ENCRYPT_STRICT;
    expect_failure(&s.options, ENTRASQL_TLS, "the TLS handshake with localhost failed", NULL);
    fake_server_stop(&server);
    scene_done(&s);
}

static void nobody_listens(void **state)
{
    (void)state;
    int fd = -1;
    uint16_t port = 0;
    scene s;
    entrasql_error err;
    assert_int_equal(os_sock_listen_loopback(AF_INET, 0, 1, &fd, &port, &err), ENTRASQL_OK);
    os_sock_close(&fd);
    scene_init(&s, port);
    expect_failure(&s.options, ENTRASQL_NETWORK, "Connection refused", &err);
    assert_true(err.hint[0] != '\0');
    s.options.host = "no-such-host.invalid";
    expect_failure(&s.options, ENTRASQL_NETWORK, "no-such-host.invalid", NULL);
    s.options.host = "";
    expect_failure(&s.options, ENTRASQL_INVALID, "needs a server", NULL);
    s.options.host = "\\instance";
    expect_failure(&s.options, ENTRASQL_INVALID, "name is empty", NULL);
    scene_done(&s);
}

/* The connection ends after each byte of the server's in turn. */
static void cut_everywhere(tds_encrypt encrypt)
{
    fake_server server;
    cutter wire;
    scene s;
    fake_server_start(&server, &good_server);
    cutter_start(&wire, server.port, 0);
    scene_init(&s, wire.port);
    s.options.encrypt = encrypt;
    entrasql_error err;
    relay_session session = {0};
    assert_int_equal(
        tls_client_context_new(&(tls_client_options){.ca_file = s.ca}, &s.options.tls, &err),
        ENTRASQL_OK);
    bool done = false;
    size_t cut = 0;
    for (; !done && cut < 10000; cut += CUT_STEP) {
        cutter_set(&wire, cut);
        s.options.deadline_ms = es_clock_mono_ms() + 20000;
        entrasql_status status = relay_login_run(&s.options, &session, &err);
        done = status == ENTRASQL_OK;
        if (!done && status != ENTRASQL_CLOSED && status != ENTRASQL_NETWORK)
            fail_msg("cut after %zu: %s: %s", cut, entrasql_status_name(status), err.message);
        if (!done)
            assert_non_null(strstr(err.message, "localhost:"));
        relay_session_done(&session);
    }
    assert_true(done);
    assert_true(cut > 500);
    tls_context_unref(s.options.tls);
    cutter_stop(&wire);
    fake_server_stop(&server);
    scene_done(&s);
}

static void cut_at_every_byte(void **state)
{
    (void)state;
    cut_everywhere(TDS_ENCRYPT_ON);
}

static void cut_at_every_byte_strict(void **state)
{
    (void)state;
    cut_everywhere(TDS_ENCRYPT_STRICT);
}

static void byte_by_byte(void **state)
{
    (void)state;
    fake_server server;
    cutter wire;
    scene s;
    fake_server_start(&server, &good_server);
    cutter_start(&wire, server.port, 1);
    scene_init(&s, wire.port);
    expect_login(&s.options);
    s.options.encrypt = TDS_ENCRYPT_STRICT;
    expect_login(&s.options);
    cutter_stop(&wire);
    fake_server_stop(&server);
    scene_done(&s);
}

/* Freeing a login at any point gives everything back (the leak check watches). */
static void a_login_can_be_left_alone(void **state)
{
    (void)state;
    fake_server server;
    scene s;
    fake_server_start(&server, &good_server);
    scene_init(&s, server.port);
    for (int steps = 0; steps < 8; steps++) {
        relay_login *l = NULL;
        relay_session session = {0};
        assert_int_equal(relay_login_start(&s.options, &l, NULL), ENTRASQL_OK);
        for (int i = 0; i < steps; i++) {
            os_wait w;
            os_wait_init(&w);
            entrasql_status status = relay_login_step(l, &session, NULL);
            if (status != ENTRASQL_AGAIN)
                break;
            assert_int_equal(relay_login_wants(l, &w), ENTRASQL_OK);
            assert_int_equal(os_wait_poll(&w, NULL), ENTRASQL_OK);
        }
        relay_login_free(l);
        relay_session_done(&session);
    }
    fake_server_stop(&server);
    scene_done(&s);
}

static void memory_runs_out(void **state)
{
    (void)state;
    scene s;
    scene_init(&s, 1);
    s.options.host = "127.0.0.1";
    for (unsigned long nth = 1; nth < 40; nth++) {
        relay_login *l = NULL;
        (void)es_mem_fail_from(nth);
        entrasql_status status = relay_login_start(&s.options, &l, NULL);
        (void)es_mem_fail_from(0);
        assert_true(status == ENTRASQL_OK || status == ENTRASQL_NOMEM);
        relay_login_free(l);
    }
    scene_done(&s);
}

static void scopes_follow_the_cloud(void **state)
{
    (void)state;
    assert_string_equal(relay_scope_for_host("a.database.windows.net"), ENTRASQL_SCOPE_SQL);
    assert_string_equal(relay_scope_for_host("localhost"), ENTRASQL_SCOPE_SQL);
    assert_string_equal(relay_scope_for_host("A.Database.USGovCloudApi.net."),
                        ENTRASQL_SCOPE_SQL_US_GOVERNMENT);
    assert_string_equal(relay_scope_for_host("a.database.chinacloudapi.cn\\x"),
                        ENTRASQL_SCOPE_SQL_CHINA);
    assert_string_equal(relay_scope_for_host("database.chinacloudapi.cn"), ENTRASQL_SCOPE_SQL);
    assert_string_equal(relay_scope_for_host(""), ENTRASQL_SCOPE_SQL);
}

static void only_known_authorities_get_tokens(void **state)
{
    (void)state;
    static const struct {
        const char *sts;
        const char *spn;
        entrasql_status status;
    } cases[] = {
        {"https://login.microsoftonline.com/t", "https://database.windows.net/", ENTRASQL_OK},
        {"HTTPS://Login.Windows.Net", "https://database.windows.net", ENTRASQL_OK},
        {"https://own.example:8443/t", "https://database.windows.net/", ENTRASQL_OK},
        {"https://own.example/t", "https://database.windows.net/", ENTRASQL_AUTH_FAILED},
        {"http://login.microsoftonline.com/t", "https://database.windows.net/",
         ENTRASQL_AUTH_FAILED},
        {"https://login.microsoftonline.com@evil.example/t", "https://database.windows.net/",
         ENTRASQL_AUTH_FAILED},
        {"https://login.microsoftonline.com/t", "https://management.azure.com/",
         ENTRASQL_AUTH_FAILED},
        {"https://login.microsoftonline.com/t", "", ENTRASQL_AUTH_FAILED},
        {"", "https://database.windows.net/", ENTRASQL_AUTH_FAILED},
        {"https://login.microsoft/t", "https://database.windows.net/", ENTRASQL_AUTH_FAILED},
        {"https://", "https://database.windows.net/", ENTRASQL_AUTH_FAILED},
    };
    assert_int_equal(setenv("AZURE_AUTHORITY_HOST", "https://own.example:8443/", 1), 0);
    for (size_t i = 0; i < ES_COUNT_OF(cases); i++) {
        entrasql_error err;
        assert_int_equal(
            relay_check_fedauth_info(cases[i].sts, cases[i].spn, ENTRASQL_SCOPE_SQL, &err),
            cases[i].status);
    }
    assert_int_equal(unsetenv("AZURE_AUTHORITY_HOST"), 0);
}

/* ---- held ready ---- */

/* Steps until it is ready; what it waits for then is in *w. */
static relay_login *hold(scene *s, os_wait *w)
{
    relay_login_options options = s->options;
    tds_login7 nobody;
    relay_login *held = NULL;
    entrasql_error err;
    assert_int_equal(tds_login7_init(&nobody), ENTRASQL_OK);
    options.login = &nobody;
    options.credential = NULL;
    assert_int_equal(relay_login_hold(&options, &held, NULL), ENTRASQL_OK);
    for (;;) {
        entrasql_status status = relay_login_step(held, NULL, &err);
        if (status != ENTRASQL_AGAIN)
            fail_msg("%s: %s", entrasql_status_name(status), err.message);
        os_wait_init(w);
        assert_int_equal(relay_login_wants(held, w), ENTRASQL_OK);
        if (relay_login_is_held(held))
            break;
        assert_int_equal(os_wait_poll(w, NULL), ENTRASQL_OK);
    }
    tds_login7_done(&nobody);
    return held;
}

static void start_scene_with_context(scene *s, fake_server *server)
{
    fake_server_start(server, &good_server);
    scene_init(s, server->port);
    const tls_client_options trust = {.ca_file = s->ca};
    assert_int_equal(tls_client_context_new(&trust, &s->options.tls, NULL), ENTRASQL_OK);
}

static void a_login_goes_on_with_what_is_held(void **state)
{
    (void)state;
    for (int strict = 0; strict < 2; strict++) {
        fake_server server;
        scene s;
        os_wait w;
        start_scene_with_context(&s, &server);
        s.options.encrypt = strict != 0 ? TDS_ENCRYPT_STRICT : TDS_ENCRYPT_ON;
        relay_login *held = hold(&s, &w);
        assert_int_equal(w.deadline_ms, ES_NO_DEADLINE);
        assert_int_equal(atomic_load(&s.credential.refs), 1); /* nobody has signed in */
        assert_true(relay_login_fits(held, &s.options));
        s.options.held = held;
        expect_login(&s.options);
        fake_server_stop(&server);
        assert_int_equal(server.connections, 1);
        assert_string_equal(server.token, "token-1");
        assert_string_equal(server.user, "");
        assert_string_equal(server.database, "mydb");
        assert_string_equal(server.app, "test");
        assert_string_equal(server.server_name, "localhost");
        assert_int_equal(server.packet_size, 8000);
        tls_context_unref(s.options.tls);
        scene_done(&s);
    }
}

static void what_is_held_and_dead_is_replaced(void **state)
{
    (void)state;
    fake_server server;
    scene s;
    os_wait w;
    entrasql_error err;
    start_scene_with_context(&s, &server);
    relay_login *held = hold(&s, &w);
    assert_int_equal(w.count, 1);
    assert_int_equal(shutdown(w.fds[0].fd, SHUT_RDWR), 0);
    s.options.held = held;
    expect_login(&s.options);
    s.options.held = NULL;
    /* Who watches it notices. */
    held = hold(&s, &w);
    assert_int_equal(shutdown(w.fds[0].fd, SHUT_RDWR), 0);
    assert_int_equal(relay_login_step(held, NULL, &err), ENTRASQL_CLOSED);
    assert_non_null(strstr(err.message, "localhost"));
    relay_login_free(held);
    fake_server_stop(&server);
    assert_int_equal(server.connections, 3);
    tls_context_unref(s.options.tls);
    scene_done(&s);
}

static void only_what_fits_is_gone_on_with(void **state)
{
    (void)state;
    fake_server server;
    scene s;
    os_wait w;
    start_scene_with_context(&s, &server);
    relay_login *held = hold(&s, &w);
    relay_login_options o = s.options;
    o.port++;
    assert_false(relay_login_fits(held, &o));
    o = s.options;
    o.host = "else.example";
    assert_false(relay_login_fits(held, &o));
    o = s.options;
    o.encrypt = TDS_ENCRYPT_STRICT;
    assert_false(relay_login_fits(held, &o));
    o = s.options;
    o.host_name_in_certificate = "else.example";
    assert_false(relay_login_fits(held, &o));
    o = s.options;
    o.tls = NULL; /* other trust */
    assert_false(relay_login_fits(held, &o));
    o = s.options;
    o.credential = NULL; /* a password may go another way */
    assert_false(relay_login_fits(held, &o));
    o = s.options;
    o.token_on_request = true;
    assert_false(relay_login_fits(held, &o));
    o = s.options;
    o.mars = true; /* PRELOGIN said no */
    assert_false(relay_login_fits(held, &o));
    relay_login_free(held);
    fake_server_stop(&server);
    tls_context_unref(s.options.tls);
    scene_done(&s);
}

static int set_up(void **state)
{
    (void)state;
    (void)unsetenv("SSL_CERT_FILE");
    (void)unsetenv("AZURE_AUTHORITY_HOST");
    certs_make_usual();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    certs_end();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(token_login),
        cmocka_unit_test(strict_login),
        cmocka_unit_test(sql_login),
        cmocka_unit_test(old_clients_are_lifted),
        cmocka_unit_test(certificates_are_checked),
        cmocka_unit_test(refusals_are_passed_up),
        cmocka_unit_test(an_expired_token_is_renewed_once),
        cmocka_unit_test(routing_is_followed),
        cmocka_unit_test(routed_names_are_verified),
        cmocka_unit_test(a_redirect_that_leads_nowhere_is_told),
        cmocka_unit_test(a_reset_is_told_like_a_close),
        cmocka_unit_test(routing_has_an_end),
        cmocka_unit_test(tokens_on_request),
        cmocka_unit_test(a_credential_that_fails),
        cmocka_unit_test(silence_ends_at_the_deadline),
        cmocka_unit_test(garbage_is_refused),
        cmocka_unit_test(nobody_listens),
        cmocka_unit_test(cut_at_every_byte),
        cmocka_unit_test(cut_at_every_byte_strict),
        cmocka_unit_test(byte_by_byte),
        cmocka_unit_test(a_login_can_be_left_alone),
        cmocka_unit_test(a_login_goes_on_with_what_is_held),
        cmocka_unit_test(what_is_held_and_dead_is_replaced),
        cmocka_unit_test(only_what_fits_is_gone_on_with),
        cmocka_unit_test(memory_runs_out),
        cmocka_unit_test(scopes_follow_the_cloud),
        cmocka_unit_test(only_known_authorities_get_tokens),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
