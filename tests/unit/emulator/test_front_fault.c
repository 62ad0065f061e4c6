/* SPDX-License-Identifier: MIT */
/* Faults of the SQL front, met by our own login. */
#include "fake_engine.h"
#include "support.h"

#include "base/clock.h"
#include "emulator/front/front.h"
#include "relay/login.h"
#include "tds/packet.h"
#include "tds/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define OK(expr) assert_int_equal((expr), ENTRASQL_OK)
#define USER "sa"
#define PASSWORD "Front-Passw0rd"
#define WAIT_MS 10000

static world *w;
static char dir[256];
static engine_server *engine;
static front *f;

static int start(void **state)
{
    (void)state;
    engine_options o = {0};
    front_options options = {0};
    snprintf(dir, sizeof dir, "%s", support_make_dir());
    w = support_load(dir);
    OK(world_set_sql_login(w, USER, PASSWORD, NULL));
    OK(world_set_authority(w, "https://localhost:1"));
    OK(engine_server_open(&o, &engine, NULL));
    options.world = w;
    options.engine = engine;
    OK(front_start(&options, &f, NULL));
    return 0;
}

static int stop(void **state)
{
    (void)state;
    front_stop(f);
    world_free(w);
    support_remove_dir(dir);
    return 0;
}

static int all_off(void **state)
{
    (void)state;
    OK(faults_off(world_faults(w), "all", NULL));
    return 0;
}

static void on(const char *list)
{
    entrasql_error err;
    if (faults_on_list(world_faults(w), list, &err) != ENTRASQL_OK)
        fail_msg("%s", err.message);
}

static entrasql_status log_in(relay_session *session, entrasql_error *err)
{
    tds_login7 l;
    OK(tds_login7_init(&l));
    OK(tds_login7_set(&l.user_name, USER));
    OK(tds_login7_set(&l.database, "persons"));
    l.password = es_secret_from_str(PASSWORD);
    relay_login_options o = {.host = "127.0.0.1",
                             .port = front_port(f),
                             .encrypt = TDS_ENCRYPT_ON,
                             .ca_file = world_ca_file(w),
                             .host_name_in_certificate = "localhost",
                             .login = &l,
                             .deadline_ms = es_clock_deadline(WAIT_MS)};
    entrasql_status status = relay_login_run(&o, session, err);
    tds_login7_done(&l);
    return status;
}

static entrasql_status try_login(entrasql_error *err)
{
    relay_session session = {0};
    entrasql_status status = log_in(&session, err);
    relay_session_done(&session);
    return status;
}

static void a_firewall_names_the_address(void **state)
{
    (void)state;
    entrasql_error err;
    on("sql-firewall");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(try_login(&err), ENTRASQL_LOGIN_FAILED);
        assert_int_equal(err.number, 40615);
        assert_int_equal(err.severity, 14);
        support_assert_has(err.message, "Cannot open server 'contoso-sql' requested by the login. "
                                        "Client with IP address '127.0.0.1' is not allowed");
    }
    OK(faults_off(world_faults(w), "sql-firewall", NULL));
    OK(try_login(&err));
}

static void a_paused_database_comes_back(void **state)
{
    (void)state;
    entrasql_error err;
    on("sql-paused");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(try_login(&err), ENTRASQL_LOGIN_FAILED);
        assert_int_equal(err.number, 40613);
        support_assert_has(err.message, "Database 'persons' on server 'contoso-sql' is not "
                                        "currently available.");
    }
    OK(try_login(&err));
}

static void a_login_may_be_dropped_or_late(void **state)
{
    (void)state;
    entrasql_error err;
    on("sql-drop:1");
    assert_int_equal(try_login(&err), ENTRASQL_CLOSED);
    on("sql-delay=150:1");
    int64_t before = es_clock_mono_ms();
    OK(try_login(&err));
    assert_true(es_clock_mono_ms() - before >= 145);
}

static void a_redirect_leads_to_the_node(void **state)
{
    (void)state;
    entrasql_error err;
    relay_session session = {0};
    assert_int_not_equal(front_node_port(f), front_port(f));
    on("sql-redirect");
    OK(log_in(&session, &err));
    assert_string_equal(session.server_host, "127.0.0.1");
    relay_session_done(&session);
    on("sql-redirect=1"); /* in a circle */
    assert_int_equal(try_login(&err), ENTRASQL_LIMIT);
    support_assert_has(err.message, "circle");
}

/* The reply to a batch, its tokens; 0 bytes: the server closed. */
static size_t ask(relay_session *session, uint8_t *p, size_t size)
{
    es_buf body = ES_BUF_INIT(4096), wire = ES_BUF_INIT(8192);
    size_t n = 0;
    OK(tds_batch_build("rows 1", 6, 0, &body));
    OK(tds_packets_write(TDS_PACKET_BATCH, 0, 4096, body.data, body.len, &wire));
    OK(relay_stream_write(session->stream, wire.data, wire.len, NULL));
    es_buf_done(&body);
    es_buf_done(&wire);
    for (;;) {
        entrasql_status status = relay_stream_read(session->stream, p, size, &n, NULL);
        os_wait wait;
        if (status == ENTRASQL_OK)
            return n;
        if (status != ENTRASQL_AGAIN)
            return 0;
        os_wait_init(&wait);
        os_wait_until(&wait, es_clock_deadline(WAIT_MS));
        OK(relay_stream_wants(session->stream, true, &wait));
        OK(os_wait_poll(&wait, NULL));
    }
}

static void requests_fail_as_in_a_failover(void **state)
{
    (void)state;
    uint8_t reply[4096];
    entrasql_error err;
    relay_session session = {0};
    OK(log_in(&session, &err));
    assert_true(ask(&session, reply, sizeof reply) > 8);
    assert_int_not_equal(reply[8], 0xAA);
    on("request-failover:1");
    assert_true(ask(&session, reply, sizeof reply) > 15);
    assert_int_equal(reply[8], 0xAA); /* ERROR 40197 */
    assert_int_equal(reply[11] | reply[12] << 8, 40197);
    assert_int_equal(ask(&session, reply, sizeof reply), 0);
    relay_session_done(&session);
    OK(log_in(&session, &err));
    on("request-drop:1");
    assert_int_equal(ask(&session, reply, sizeof reply), 0);
    relay_session_done(&session);
}

#define FAULT_TEST(name) cmocka_unit_test_teardown(name, all_off)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FAULT_TEST(a_firewall_names_the_address),   FAULT_TEST(a_paused_database_comes_back),
        FAULT_TEST(a_login_may_be_dropped_or_late), FAULT_TEST(a_redirect_leads_to_the_node),
        FAULT_TEST(requests_fail_as_in_a_failover),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
