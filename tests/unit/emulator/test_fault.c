/* SPDX-License-Identifier: MIT */
/* The switches of the faults, and each row of their table. */
#include "support.h"

#include "base/clock.h"
#include "emulator/fault/fault.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static faults *f;

static int make(void **state)
{
    (void)state;
    f = faults_new();
    return f == NULL;
}

static int drop(void **state)
{
    (void)state;
    faults_free(f);
    return 0;
}

static const char *next(fault_place place, uint32_t *value)
{
    const fault *row = faults_next(f, place, value);
    return row != NULL ? row->name : "";
}

static void on(const char *list)
{
    entrasql_error err;
    if (faults_on_list(f, list, &err) != ENTRASQL_OK)
        fail_msg("%s", err.message);
}

/* A row is complete for its effect: a place that meets it must not have to guess. */
static void test_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < fault_table_count; i++) {
        const fault *row = &fault_table[i];
        assert_non_null(row->name);
        assert_non_null(row->help);
        assert_null(strpbrk(row->name, "=:, "));
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(fault_table[k].name, row->name);
        bool is_http = row->place == FAULT_AT_TOKEN || row->place == FAULT_AT_ENTRA ||
                       row->place == FAULT_AT_IDENTITY || row->place == FAULT_AT_ARM;
        switch (row->effect) {
        case FAULT_DELAY:
            assert_true(row->value > 0);
            break;
        case FAULT_HTTP:
            assert_true(is_http && row->http_status >= 200);
            assert_non_null(row->body);
            break;
        case FAULT_SQL:
            assert_true(!is_http && row->severity > 10);
            assert_true(fault_number(row, row->value) > 0);
            assert_non_null(row->text);
            break;
        case FAULT_ROUTE:
            assert_int_equal(row->place, FAULT_AT_LOGIN);
            break;
        case FAULT_DROP:
            break;
        }
    }
}

static void test_off_by_default(void **state)
{
    (void)state;
    uint32_t value = 0;
    for (int place = FAULT_AT_TOKEN; place <= FAULT_AT_DIRECTORY; place++)
        assert_null(faults_next(f, (fault_place)place, &value));
}

static void test_place_and_value(void **state)
{
    (void)state;
    uint32_t value = 0;
    on("token-throttle=7,sql-firewall");
    assert_true(faults_is_on(f, "token-throttle"));
    assert_string_equal(next(FAULT_AT_TOKEN, &value), "token-throttle");
    assert_int_equal(value, 7);
    assert_string_equal(next(FAULT_AT_IDENTITY, &value), "");
    assert_string_equal(next(FAULT_AT_LOGIN, &value), "sql-firewall");
    /* Unlimited: again and again, until switched off. */
    assert_string_equal(next(FAULT_AT_LOGIN, &value), "sql-firewall");
    assert_int_equal(faults_off(f, "sql-firewall", NULL), ENTRASQL_OK);
    assert_string_equal(next(FAULT_AT_LOGIN, &value), "");
    assert_int_equal(faults_off(f, "all", NULL), ENTRASQL_OK);
    assert_string_equal(next(FAULT_AT_TOKEN, &value), "");
}

static void test_count(void **state)
{
    (void)state;
    uint32_t value = 0;
    on("sql-paused:3");
    for (int i = 0; i < 3; i++)
        assert_string_equal(next(FAULT_AT_LOGIN, &value), "sql-paused");
    assert_string_equal(next(FAULT_AT_LOGIN, &value), "");
    assert_false(faults_is_on(f, "sql-paused"));
    on("sql-paused"); /* the row's own count */
    for (int i = 0; i < 2; i++)
        assert_string_equal(next(FAULT_AT_LOGIN, &value), "sql-paused");
    assert_string_equal(next(FAULT_AT_LOGIN, &value), "");
    /* A struck-out fault lets the next one through. */
    on("sql-paused:1,sql-busy=20:1");
    assert_string_equal(next(FAULT_AT_LOGIN, &value), "sql-paused");
    assert_string_equal(next(FAULT_AT_LOGIN, &value), "sql-busy");
    assert_int_equal(value, 20);
}

static void test_delay(void **state)
{
    (void)state;
    uint32_t value = 0;
    on("identity-delay=80:1,identity-gone:1");
    int64_t before = es_clock_mono_ms();
    assert_string_equal(next(FAULT_AT_IDENTITY, &value), "identity-gone");
    assert_true(es_clock_mono_ms() - before >= 75);
    assert_string_equal(next(FAULT_AT_IDENTITY, &value), "");
}

static int64_t struck(const char *wanted)
{
    es_buf out = ES_BUF_INIT(64 * 1024);
    json_writer j;
    json_doc *doc = NULL;
    int64_t count = -1;
    json_writer_init(&j, &out);
    faults_write(f, &j);
    assert_int_equal(json_writer_end(&j), ENTRASQL_OK);
    assert_int_equal(json_doc_parse(out.data, out.len, &doc, NULL), ENTRASQL_OK);
    for (size_t i = 0; i < fault_table_count; i++) {
        const json_node *row = json_element(json_doc_root(doc), i);
        const char *name = NULL;
        assert_int_equal(json_member_string(row, "name", &name, NULL), ENTRASQL_OK);
        if (strcmp(name, wanted) == 0)
            assert_int_equal(json_member_i64(row, "struck", &count), ENTRASQL_OK);
    }
    json_doc_free(doc);
    es_buf_done(&out);
    return count;
}

static void *wait_long(void *arg)
{
    (void)arg;
    uint32_t value = 0;
    (void)faults_next(f, FAULT_AT_TOKEN, &value);
    return NULL;
}

static void test_end_of_delays(void **state)
{
    (void)state;
    pthread_t thread;
    on("token-delay=600000");
    assert_int_equal(pthread_create(&thread, NULL, wait_long, NULL), 0);
    while (struck("token-delay") == 0)
        usleep(1000);
    assert_int_equal(faults_off(f, "token-delay", NULL), ENTRASQL_OK);
    assert_int_equal(pthread_join(thread, NULL), 0);
    on("token-delay=600000");
    assert_int_equal(pthread_create(&thread, NULL, wait_long, NULL), 0);
    faults_end_delays(f);
    assert_int_equal(pthread_join(thread, NULL), 0); /* or the test's time limit ends it */
}

static void test_refusals(void **state)
{
    (void)state;
    entrasql_error err;
    assert_int_equal(faults_on_list(f, "sql-pausd", &err), ENTRASQL_NOT_FOUND);
    support_assert_has(err.message, "'sql-pausd'");
    support_assert_has(err.hint, "sql-paused");
    assert_int_equal(faults_off(f, "nothing", &err), ENTRASQL_NOT_FOUND);
    static const char *const wrong[] = {"sql-paused=x", "sql-paused:-1",
                                        "sql-paused=", "sql-paused=600001", "sql-paused:9999999"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(faults_on_list(f, wrong[i], &err), ENTRASQL_INVALID);
        assert_false(faults_is_on(f, "sql-paused"));
    }
    assert_int_equal(faults_on(f, "sql-paused", 1, FAULT_MAX_VALUE + 1, &err), ENTRASQL_INVALID);
}

static void test_text(void **state)
{
    (void)state;
    static const fault row = {.text = "a {server} b {database} c {address} d {value} {other} {"};
    char text[256];
    fault_text(&row, 42, "srv", "db", "10.0.0.1", text, sizeof text);
    assert_string_equal(text, "a srv b db c 10.0.0.1 d 42 {other} {");
    static const fault any = {.text = "{value}: {cause}"};
    assert_int_equal(fault_number(&any, 40532), 40532);
    fault_text(&any, 40532, "srv", "db", "10.0.0.1", text, sizeof text);
    assert_string_equal(text, "40532: the gateway knows no server of this name");
    fault_text(&any, 1, "srv", "db", "10.0.0.1", text, sizeof text);
    assert_string_equal(text, "1: no cause is known");
    fault_text(&row, 42, "srv", "db", "10.0.0.1", text, sizeof text);
    for (size_t n = 1; n < 40; n++) { /* every cut stays inside */
        memset(text, 'x', sizeof text);
        fault_text(&row, 42, "srv", "db", "10.0.0.1", text, n);
        assert_true(strlen(text) < n);
        assert_int_equal(text[n], 'x');
    }
}

static void test_json(void **state)
{
    (void)state;
    es_buf out = ES_BUF_INIT(64 * 1024);
    json_writer j;
    uint32_t value = 0;
    json_doc *doc = NULL;
    on("sql-paused:5");
    (void)faults_next(f, FAULT_AT_LOGIN, &value);
    json_writer_init(&j, &out);
    faults_write(f, &j);
    assert_int_equal(json_writer_end(&j), ENTRASQL_OK);
    assert_int_equal(json_doc_parse(out.data, out.len, &doc, NULL), ENTRASQL_OK);
    assert_int_equal(json_count(json_doc_root(doc)), fault_table_count);
    bool seen = false;
    for (size_t i = 0; i < fault_table_count; i++) {
        const json_node *row = json_element(json_doc_root(doc), i);
        const char *name = NULL;
        int64_t left = 0;
        assert_int_equal(json_member_string(row, "name", &name, NULL), ENTRASQL_OK);
        if (strcmp(name, "sql-paused") != 0) {
            assert_int_equal(json_member_i64(row, "left", &left), ENTRASQL_NOT_FOUND);
            continue;
        }
        assert_int_equal(json_member_i64(row, "left", &left), ENTRASQL_OK);
        assert_int_equal(left, 4);
        seen = true;
    }
    assert_true(seen);
    json_doc_free(doc);
    es_buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_table, make, drop),
        cmocka_unit_test_setup_teardown(test_off_by_default, make, drop),
        cmocka_unit_test_setup_teardown(test_place_and_value, make, drop),
        cmocka_unit_test_setup_teardown(test_count, make, drop),
        cmocka_unit_test_setup_teardown(test_delay, make, drop),
        cmocka_unit_test_setup_teardown(test_end_of_delays, make, drop),
        cmocka_unit_test_setup_teardown(test_refusals, make, drop),
        cmocka_unit_test_setup_teardown(test_text, make, drop),
        cmocka_unit_test_setup_teardown(test_json, make, drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
