/* SPDX-License-Identifier: MIT */
/* relay: the in-process tunnel, with a SQL login as the driver and a scripted server behind. */
#include "relay/gate.h"
#include "relay/session.h"
#include "relay/tunnel.h"

#include "../tls/certs.h"
#include "base/mem.h"
#include "base/utf16.h"
#include "cutter.h"
#include "fake_credential.h"
#include "fake_server.h"
#include "os/sock.h"
#include "skip.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const line accept_all[] = {{ACT_ACCEPT, 0, NULL}};

typedef struct scene {
    fake_server server;
    entrasql_credential credential;
    char ca[CERTS_PATH_SIZE];
    relay_tunnel *tunnel;
    tds_login7 driver; /* its LOGIN7 */
    relay_login_options options;
} scene;

static void scene_start(scene *s, const line *script, size_t lines, int64_t timeout_ms)
{
    fake_server_options server = {"good", TDS_SERVER_TLS_REQUIRED, script, lines};
    fake_server_start(&s->server, &server);
    fake_credential_init(&s->credential);
    (void)snprintf(s->ca, sizeof s->ca, "%s", certs_file("ca", ".pem"));
    relay_tunnel_options options = {.login = {.host = "localhost",
                                              .port = s->server.port,
                                              .encrypt = TDS_ENCRYPT_ON,
                                              .ca_file = s->ca,
                                              .credential = &s->credential,
                                              .deadline_ms = es_clock_mono_ms() + timeout_ms}};
    entrasql_error err;
    assert_int_equal(relay_tunnel_open(&options, &s->tunnel, &err), ENTRASQL_OK);
    assert_true(relay_tunnel_port(s->tunnel) > 0);
    assert_int_equal(es_secret_len(relay_tunnel_secret(s->tunnel)), 43);
    assert_int_equal(tds_login7_init(&s->driver), ENTRASQL_OK);
    assert_int_equal(tds_login7_set(&s->driver.user_name, relay_tunnel_user(s->tunnel)),
                     ENTRASQL_OK);
    assert_int_equal(tds_login7_set(&s->driver.app_name, "driver"), ENTRASQL_OK);
    assert_int_equal(tds_login7_set(&s->driver.database, "wanted"), ENTRASQL_OK);
    assert_int_equal(tds_login7_add_feature(&s->driver, TDS_FEATURE_UTF8_SUPPORT, "\1", 1),
                     ENTRASQL_OK);
    s->driver.password = es_secret_ref((es_secret *)(uintptr_t)relay_tunnel_secret(s->tunnel));
    s->driver.packet_size = 8000;
    s->options = (relay_login_options){.host = "127.0.0.1",
                                       .port = relay_tunnel_port(s->tunnel),
                                       .encrypt = TDS_ENCRYPT_OFF,
                                       .login = &s->driver,
                                       .deadline_ms = es_clock_mono_ms() + 20000};
}

static void pause_ms(long ms)
{
    (void)usleep((useconds_t)(ms * 1000));
}

static void scene_end(scene *s)
{
    relay_tunnel_release(s->tunnel);
    fake_server_stop(&s->server);
    tds_login7_done(&s->driver);
    /* The thread gives its reference back when the session has ended. */
    for (int i = 0; i < 500 && atomic_load(&s->credential.refs) != 1; i++)
        pause_ms(10);
    assert_int_equal(atomic_load(&s->credential.refs), 1);
    pause_ms(5);
}

/* The tunnel's own record, which may come a moment later than what the driver sees. */
static entrasql_status failure_of(scene *s, entrasql_error *err)
{
    entrasql_status status = ENTRASQL_OK;
    for (int i = 0; i < 500 && status == ENTRASQL_OK; i++) {
        status = relay_tunnel_failure(s->tunnel, err);
        if (status == ENTRASQL_OK)
            pause_ms(10);
    }
    return status;
}

static void connect_driver(scene *s, relay_session *ret)
{
    entrasql_error err;
    if (relay_login_run(&s->options, ret, &err) != ENTRASQL_OK)
        fail_msg("%s (%s)", err.message, err.hint);
}

static void wait_stream(relay_stream *s, bool reads)
{
    os_wait w;
    os_wait_init(&w);
    os_wait_until(&w, es_clock_mono_ms() + 5000);
    assert_int_equal(relay_stream_wants(s, reads, &w), ENTRASQL_OK);
    assert_int_equal(os_wait_poll(&w, NULL), ENTRASQL_OK);
}

static entrasql_status read_some(relay_stream *s, void *p, size_t n, size_t *ret_n)
{
    int64_t until_ms = es_clock_mono_ms() + 10000;
    entrasql_status status;
    while ((status = relay_stream_read(s, p, n, ret_n, NULL)) == ENTRASQL_AGAIN) {
        assert_true(es_clock_mono_ms() < until_ms);
        wait_stream(s, true);
    }
    return status;
}

static void expect_echo(relay_stream *s)
{
    static const char packet[] = "\x01\x01\x00\x0b\0\0\1\0abc";
    char got[11];
    size_t all = 0;
    assert_int_equal(relay_stream_write(s, packet, 11, NULL), ENTRASQL_OK);
    while (all < 11) {
        size_t n = 0;
        assert_int_equal(read_some(s, got + all, 11 - all, &n), ENTRASQL_OK);
        all += n;
    }
    assert_memory_equal(got, packet, 11);
}

static void a_driver_gets_through(void **state)
{
    (void)state;
    scene s;
    relay_session session = {0};
    scene_start(&s, accept_all, 1, 20000);
    connect_driver(&s, &session);
    assert_int_equal(session.packet_size, 8000);
    assert_string_equal(session.database, "mydb");
    assert_null(relay_stream_tls(session.stream));
    expect_echo(session.stream);
    relay_session_done(&session);
    assert_int_equal(relay_tunnel_failure(s.tunnel, NULL), ENTRASQL_OK);
    scene_end(&s);
    assert_string_equal(s.server.token, "token-1");
    assert_string_equal(s.server.user, "");
    assert_string_equal(s.server.password, "");
    assert_string_equal(s.server.server_name, "localhost");
    assert_string_equal(s.server.app, "driver");
    assert_string_equal(s.server.database, "wanted");
    assert_int_equal(s.server.packet_size, 8000);
    assert_int_equal(s.server.features, 2);
    assert_true(s.server.encrypted);
}

static entrasql_status try_password(scene *s, const char *password, entrasql_error *err)
{
    relay_session session = {0};
    es_secret *right = s->driver.password;
    s->driver.password = es_secret_from_str(password);
    entrasql_status status = relay_login_run(&s->options, &session, err);
    es_secret_unref(s->driver.password);
    s->driver.password = right;
    relay_session_done(&session);
    return status;
}

static void wrong_secrets_are_refused(void **state)
{
    (void)state;
    scene s;
    relay_session session = {0};
    entrasql_error err;
    scene_start(&s, accept_all, 1, 20000);
    assert_int_equal(try_password(&s, "guess", &err), ENTRASQL_LOGIN_FAILED);
    assert_int_equal(err.number, 18456);
    assert_int_equal(try_password(&s, "", &err), ENTRASQL_LOGIN_FAILED);
    char almost[64];
    (void)snprintf(almost, sizeof almost, "%s", es_secret_reveal(relay_tunnel_secret(s.tunnel)));
    almost[42] = almost[42] == 'A' ? 'B' : 'A';
    assert_int_equal(try_password(&s, almost, &err), ENTRASQL_LOGIN_FAILED);
    assert_int_equal(atomic_load(&s.credential.asked), 0);
    /* The right one still gets in; then the door is shut. */
    connect_driver(&s, &session);
    expect_echo(session.stream);
    assert_int_equal(try_password(&s, "guess", &err), ENTRASQL_NETWORK);
    assert_int_equal(err.os_errno, ECONNREFUSED);
    relay_session_done(&session);
    scene_end(&s);
    assert_int_equal(s.server.connections, 1);
}

static void guessing_has_an_end(void **state)
{
    (void)state;
    scene s;
    entrasql_error err;
    scene_start(&s, accept_all, 1, 20000);
    for (int i = 0; i < RELAY_GATE_ATTEMPTS; i++)
        assert_int_equal(try_password(&s, "guess", &err), ENTRASQL_LOGIN_FAILED);
    assert_int_equal(failure_of(&s, &err), ENTRASQL_LIMIT);
    assert_int_equal(try_password(&s, es_secret_reveal(relay_tunnel_secret(s.tunnel)), &err),
                     ENTRASQL_NETWORK);
    scene_end(&s);
    assert_int_equal(s.server.connections, 0);
}

static void only_one_is_served(void **state)
{
    (void)state;
    scene s;
    relay_session first = {0};
    relay_session second = {0};
    entrasql_error err;
    scene_start(&s, accept_all, 1, 20000);
    connect_driver(&s, &first);
    assert_int_equal(relay_login_run(&s.options, &second, &err), ENTRASQL_NETWORK);
    assert_int_equal(err.os_errno, ECONNREFUSED);
    expect_echo(first.stream);
    relay_session_done(&first);
    scene_end(&s);
    assert_int_equal(s.server.connections, 1);
}

static int connect_raw(uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    if (connect(fd, (struct sockaddr *)(void *)&to, sizeof to) != 0)
        os_sock_close(&fd);
    return fd;
}

static void silent_clients_hold_up_nobody(void **state)
{
    (void)state;
    scene s;
    cutter wire;
    relay_session session = {0};
    scene_start(&s, accept_all, 1, 20000);
    int silent = connect_raw(relay_tunnel_port(s.tunnel));
    int garbage = connect_raw(relay_tunnel_port(s.tunnel));
    assert_int_equal(write(garbage, "GET / HTTP/1.0\r\n\r\n", 18), 18);
    char byte;
    assert_true(read(garbage, &byte, 1) <= 0);
    /* And a driver whose bytes come one by one. */
    cutter_start(&wire, relay_tunnel_port(s.tunnel), 1);
    s.options.port = wire.port;
    connect_driver(&s, &session);
    expect_echo(session.stream);
    assert_true(read(silent, &byte, 1) <= 0); /* let go when the other one was let in */
    relay_session_done(&session);
    cutter_stop(&wire);
    os_sock_close(&silent);
    os_sock_close(&garbage);
    scene_end(&s);
}

static void refusals_reach_the_driver(void **state)
{
    (void)state;
    static const line script[] = {
        {ACT_REFUSE, 4060, "Cannot open database \"wanted\" requested by the login."}};
    scene s;
    entrasql_error err;
    entrasql_error kept;
    scene_start(&s, script, 1, 20000);
    assert_int_equal(try_password(&s, es_secret_reveal(relay_tunnel_secret(s.tunnel)), &err),
                     ENTRASQL_LOGIN_FAILED);
    assert_int_equal(err.number, 4060);
    assert_int_equal(err.state, 7);
    assert_non_null(strstr(err.message, "Cannot open database \"wanted\""));
    assert_int_equal(relay_tunnel_failure(s.tunnel, &kept), ENTRASQL_LOGIN_FAILED);
    assert_int_equal(kept.number, 4060);
    assert_true(kept.hint[0] != '\0');
    scene_end(&s);
}

static void other_failures_reach_the_driver(void **state)
{
    (void)state;
    scene s;
    entrasql_error err;
    entrasql_error kept;
    scene_start(&s, accept_all, 1, 20000);
    s.credential.status = ENTRASQL_AUTH_FAILED;
    assert_int_equal(try_password(&s, es_secret_reveal(relay_tunnel_secret(s.tunnel)), &err),
                     ENTRASQL_LOGIN_FAILED);
    assert_int_equal(err.number, 50000);
    assert_non_null(strstr(err.message, "the fake credential refuses"));
    assert_int_equal(relay_tunnel_failure(s.tunnel, &kept), ENTRASQL_AUTH_FAILED);
    assert_int_equal(kept.number, 0);
    scene_end(&s);
}

static void long_refusals_are_cut_for_the_driver(void **state)
{
    (void)state;
    /* Two bytes a letter: the cut must not leave half of one. */
    for (size_t lead = 0; lead < 2; lead++) {
        char text[1500] = "Database ";
        for (size_t i = 9 + lead; i + 2 < sizeof text; i += 2)
            memcpy(text + i, "\xC3\xA9", 2);
        memset(text + 9, '.', lead);
        const line script[] = {{ACT_REFUSE, 40613, text}};
        scene s;
        entrasql_error err;
        entrasql_error kept;
        scene_start(&s, script, 1, 20000);
        assert_int_equal(try_password(&s, es_secret_reveal(relay_tunnel_secret(s.tunnel)), &err),
                         ENTRASQL_LOGIN_FAILED);
        assert_int_equal(err.number, 40613);
        assert_true(strlen(err.message) <= 440);
        assert_true(es_utf8_is_valid(err.message, strlen(err.message)));
        assert_string_equal(err.message + strlen(err.message) - 7, "\xA9 [...]");
        assert_int_equal(relay_tunnel_failure(s.tunnel, &kept), ENTRASQL_LOGIN_FAILED);
        assert_true(strlen(kept.message) > 1000);
        scene_end(&s);
    }
}

static void refusals_say_what_to_do_next(void **state)
{
    (void)state;
    entrasql_error why;
    entrasql_error told;
    (void)es_fail(&why, ENTRASQL_BUSY, "there is no room");
    es_hint(&why, "raise --max-clients");
    relay_refusal_from(&why, &told);
    assert_int_equal(told.number, 50000);
    assert_string_equal(told.message, "there is no room; raise --max-clients");
    why.hint[0] = '\0';
    relay_refusal_from(&why, &told);
    assert_string_equal(told.message, "there is no room");
    /* The server's own words stay as they are. */
    why.status = ENTRASQL_LOGIN_FAILED;
    why.number = 18456;
    es_hint(&why, "create the user");
    relay_refusal_from(&why, &told);
    assert_int_equal(told.number, 18456);
    assert_string_equal(told.message, "there is no room");
}

static void of_a_long_refusal_both_parts_are_told(void **state)
{
    (void)state;
    static const size_t lengths[][2] = {{20, 700}, {700, 20}, {700, 700}, {219, 219}, {300, 138}};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        entrasql_error why;
        entrasql_error told;
        char text[768] = "";
        char hint[768] = "";
        memset(text, 't', lengths[i][0]);
        memset(hint, 'h', lengths[i][1]);
        (void)es_fail(&why, ENTRASQL_BUSY, "%s", text);
        es_hint(&why, "%s", hint);
        relay_refusal_from(&why, &told);
        const char *link = strstr(told.message, "; ");
        assert_non_null(link);
        size_t said = (size_t)(link - told.message);
        size_t advised = strlen(link + 2);
        assert_true(strlen(told.message) <= 440);
        if (lengths[i][0] + lengths[i][1] > 438)
            assert_true(strlen(told.message) >= 438);
        /* Who is short is whole. */
        assert_true(said >= (lengths[i][0] < 219 ? lengths[i][0] : 219));
        assert_true(advised >= (lengths[i][1] < 219 ? lengths[i][1] : 219));
    }
}

static void upstream_silence_is_told_in_time(void **state)
{
    (void)state;
    static const line script[] = {{ACT_SILENT, 0, NULL}};
    scene s;
    entrasql_error err;
    entrasql_error kept;
    scene_start(&s, script, 1, 3000);
    assert_int_equal(try_password(&s, es_secret_reveal(relay_tunnel_secret(s.tunnel)), &err),
                     ENTRASQL_LOGIN_FAILED);
    assert_non_null(strstr(err.message, "still waiting for the server's answer"));
    assert_int_equal(relay_tunnel_failure(s.tunnel, &kept), ENTRASQL_TIMEOUT);
    scene_end(&s);
}

static void nobody_comes(void **state)
{
    (void)state;
    scene s;
    entrasql_error err;
    scene_start(&s, accept_all, 1, 100);
    assert_int_equal(failure_of(&s, &err), ENTRASQL_TIMEOUT);
    assert_int_equal(connect_raw(relay_tunnel_port(s.tunnel)), -1);
    scene_end(&s);
}

static void an_unused_tunnel_is_closed_at_once(void **state)
{
    (void)state;
    scene s;
    scene_start(&s, accept_all, 1, 20000);
    uint16_t port = relay_tunnel_port(s.tunnel);
    scene_end(&s); /* waits for the thread */
    assert_int_equal(connect_raw(port), -1);
}

static void a_released_tunnel_goes_on_serving(void **state)
{
    (void)state;
    scene s;
    relay_session session = {0};
    scene_start(&s, accept_all, 1, 20000);
    connect_driver(&s, &session);
    relay_tunnel_release(s.tunnel);
    s.tunnel = NULL;
    expect_echo(session.stream);
    relay_session_done(&session);
    scene_end(&s);
}

static void the_driver_gives_up(void **state)
{
    (void)state;
    static const line script[] = {{ACT_SILENT, 0, NULL}};
    scene s;
    entrasql_error err;
    relay_session session = {0};
    scene_start(&s, script, 1, 20000);
    /* Long enough to get its password through on a busy machine. */
    s.options.deadline_ms = es_clock_mono_ms() + 5000;
    assert_int_equal(relay_login_run(&s.options, &session, &err), ENTRASQL_TIMEOUT);
    assert_int_equal(failure_of(&s, &err), ENTRASQL_CANCELLED);
    scene_end(&s);
}

static void the_server_ends_the_session(void **state)
{
    (void)state;
    scene s;
    relay_session session = {0};
    scene_start(&s, accept_all, 1, 20000);
    connect_driver(&s, &session);
    expect_echo(session.stream);
    fake_server_stop(&s.server);
    char byte;
    size_t n;
    assert_int_equal(read_some(session.stream, &byte, 1, &n), ENTRASQL_CLOSED);
    relay_session_done(&session);
    fake_server_start(&s.server,
                      &(fake_server_options){"good", TDS_SERVER_TLS_REQUIRED, accept_all, 1});
    scene_end(&s);
}

/* More than all buffers together, sent before anything is read back. */
static void much_data_and_a_slow_reader(void **state)
{
    (void)state;
    const size_t size = (size_t)6 * 1024 * 1024;
    uint8_t *sent = es_malloc(size);
    uint8_t *got = es_malloc(size);
    assert_non_null(sent);
    assert_non_null(got);
    for (size_t i = 0; i < size; i++)
        sent[i] = (uint8_t)(i * 131 + i / 4096);
    for (size_t at = 0; at < size; at += 4096) /* packets of 4096 */
        memcpy(sent + at, "\x01\x00\x10\x00\0\0\1\0", 8);
    scene s;
    relay_session session = {0};
    scene_start(&s, accept_all, 1, 20000);
    connect_driver(&s, &session);
    size_t out = 0;
    size_t in = 0;
    int64_t until_ms = es_clock_mono_ms() + 60000;
    while (in < size) {
        assert_true(es_clock_mono_ms() < until_ms);
        size_t n = 0;
        if (out < size && relay_stream_queued(session.stream) == 0) {
            n = size - out < 50000 ? size - out : 50000;
            assert_int_equal(relay_stream_write(session.stream, sent + out, n, NULL), ENTRASQL_OK);
            out += n;
        }
        entrasql_status status = relay_stream_flush(session.stream, NULL);
        assert_true(status == ENTRASQL_OK || status == ENTRASQL_AGAIN);
        n = size - in < 30000 ? size - in : 30000;
        status = relay_stream_read(session.stream, got + in, n, &n, NULL);
        if (status == ENTRASQL_OK)
            in += n;
        else
            assert_int_equal(status, ENTRASQL_AGAIN);
        if (status == ENTRASQL_AGAIN && (out == size || relay_stream_queued(session.stream) > 0))
            wait_stream(session.stream, true);
    }
    assert_memory_equal(sent, got, size);
    relay_session_done(&session);
    scene_end(&s);
    es_free(sent);
    es_free(got);
}

static volatile sig_atomic_t handled;

static void on_signal(int number)
{
    (void)number;
    handled = 1;
}

static void signals_stay_with_the_program(void **state)
{
    (void)state;
    scene s;
    sigset_t mask;
    sigset_t before;
    sigset_t pending;
    struct sigaction old;
    struct sigaction action = {.sa_handler = on_signal};
    scene_start(&s, accept_all, 1, 20000);
    /* Blocked here, and by the server's thread: only the tunnel's could take it. */
    assert_int_equal(sigaction(SIGUSR1, &action, &old), 0);
    (void)sigemptyset(&mask);
    (void)sigaddset(&mask, SIGUSR1);
    assert_int_equal(pthread_sigmask(SIG_BLOCK, &mask, &before), 0);
    handled = 0;
    assert_int_equal(kill(getpid(), SIGUSR1), 0);
    pause_ms(50);
    (void)sigpending(&pending);
    assert_true(sigismember(&pending, SIGUSR1));
    assert_int_equal(handled, 0);
    int number;
    assert_int_equal(sigwait(&mask, &number), 0);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, &before, NULL), 0);
    assert_int_equal(sigaction(SIGUSR1, &old, NULL), 0);
    scene_end(&s);
}

/* The child gets a clear answer, and its copies of sockets do not keep the session open. */
static void a_forked_child_is_told(void **state)
{
    (void)state;
    scene s;
    relay_session session = {0};
    int hold[2];
    scene_start(&s, accept_all, 1, 20000);
    connect_driver(&s, &session);
    assert_int_equal(pipe(hold), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        entrasql_error err;
        char byte;
        (void)close(hold[1]);
        int code = relay_tunnel_failure(s.tunnel, &err) == ENTRASQL_UNSUPPORTED ? 0 : 1;
        relay_tunnel_release(s.tunnel);
        /* Stays until the parent has seen its session end. */
        _exit(read(hold[0], &byte, 1) == 0 ? code : 2);
    }
    (void)close(hold[0]);
    expect_echo(session.stream);
    relay_session_done(&session);
    for (int i = 0; i < 500 && atomic_load(&s.credential.refs) != 2; i++)
        pause_ms(10);
    scene_end(&s);
    (void)close(hold[1]);
    int how = -1;
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_int_equal(how, 0);
}

static void the_door_closes_in_a_forked_child_too(void **state)
{
    (void)state;
    scene s;
    relay_session session = {0};
    int hold[2];
    char byte;
    scene_start(&s, accept_all, 1, 20000);
    assert_int_equal(pipe(hold), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) { /* has a copy of the listener, until the parent lets go */
        (void)close(hold[1]);
        (void)!read(hold[0], &byte, 1);
        _exit(0);
    }
    connect_driver(&s, &session);
    assert_int_equal(connect_raw(relay_tunnel_port(s.tunnel)), -1);
    (void)close(hold[0]);
    (void)close(hold[1]);
    assert_int_equal(waitpid(child, NULL, 0), child);
    relay_session_done(&session);
    scene_end(&s);
}

static void other_users_are_not_heard(void **state)
{
    (void)state;
    if (getuid() != 0)
        SKIP_BECAUSE("only root can be another user");
    scene s;
    relay_session session = {0};
    scene_start(&s, accept_all, 1, 20000);
    for (int i = 0; i < RELAY_GATE_ATTEMPTS + 1; i++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            if (setuid(65534) != 0)
                _exit(1);
            struct sockaddr_in to = {.sin_family = AF_INET,
                                     .sin_port = htons(relay_tunnel_port(s.tunnel))};
            to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
            int fd = socket(AF_INET, SOCK_STREAM, 0);
            char byte;
            if (connect(fd, (struct sockaddr *)(void *)&to, sizeof to) != 0)
                _exit(2);
            _exit(read(fd, &byte, 1) <= 0 ? 0 : 3);
        }
        int how = -1;
        assert_int_equal(waitpid(child, &how, 0), child);
        assert_int_equal(how, 0);
    }
    /* None of them counted as an attempt. */
    connect_driver(&s, &session);
    relay_session_done(&session);
    scene_end(&s);
}

static void a_tunnel_needs_a_credential(void **state)
{
    (void)state;
    relay_tunnel *t = NULL;
    relay_tunnel_options options = {.login = {.host = "localhost", .port = 1}};
    assert_int_equal(relay_tunnel_open(&options, &t, NULL), ENTRASQL_INVALID);
    relay_tunnel_release(NULL);
}

static int set_up(void **state)
{
    (void)state;
    (void)unsetenv("SSL_CERT_FILE");
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
        cmocka_unit_test(a_driver_gets_through),
        cmocka_unit_test(wrong_secrets_are_refused),
        cmocka_unit_test(guessing_has_an_end),
        cmocka_unit_test(only_one_is_served),
        cmocka_unit_test(silent_clients_hold_up_nobody),
        cmocka_unit_test(refusals_reach_the_driver),
        cmocka_unit_test(other_failures_reach_the_driver),
        cmocka_unit_test(long_refusals_are_cut_for_the_driver),
        cmocka_unit_test(refusals_say_what_to_do_next),
        cmocka_unit_test(of_a_long_refusal_both_parts_are_told),
        cmocka_unit_test(upstream_silence_is_told_in_time),
        cmocka_unit_test(nobody_comes),
        cmocka_unit_test(an_unused_tunnel_is_closed_at_once),
        cmocka_unit_test(a_released_tunnel_goes_on_serving),
        cmocka_unit_test(the_driver_gives_up),
        cmocka_unit_test(the_server_ends_the_session),
        cmocka_unit_test(much_data_and_a_slow_reader),
        cmocka_unit_test(signals_stay_with_the_program),
        cmocka_unit_test(a_forked_child_is_told),
        cmocka_unit_test(the_door_closes_in_a_forked_child_too),
        cmocka_unit_test(other_users_are_not_heard),
        cmocka_unit_test(a_tunnel_needs_a_credential),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
