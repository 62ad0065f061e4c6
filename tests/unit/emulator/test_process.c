/* SPDX-License-Identifier: MIT */
/* The whole process, with a made-up engine: start, ready, status, a token, stop; and starts that
 * fail. */
#include "support.h"

#include "base/clock.h"
#include "base/mem.h"
#include "emulator/emulator.h"
#include "http/http.h"
#include "os/file.h"
#include "json/json.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[256], ready[300], said[300];

static int start(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "%s", support_make_dir());
    snprintf(ready, sizeof ready, "%s/ready", dir);
    snprintf(said, sizeof said, "%s/said", dir);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    support_remove_dir(dir);
    return 0;
}

/* A child that runs the emulator; its exit code is the status. */
static pid_t run(const emulator_options *options)
{
    fflush(stdout);
    fflush(stderr);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        emulator_options mine = *options;
        entrasql_error err;
        mine.out = fopen(said, "w");
        entrasql_status status = emulator_run(&mine, &err);
        if (status != ENTRASQL_OK)
            (void)fprintf(mine.out, "%s\n", err.message);
        (void)fclose(mine.out);
        _exit((int)status);
    }
    return child;
}

static int wait_for(pid_t child)
{
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void wait_until_ready(pid_t child)
{
    for (int i = 0; access(ready, F_OK) != 0; i++) {
        assert_true(i < 3000);
        assert_int_equal(waitpid(child, NULL, WNOHANG), 0);
        struct timespec t = {.tv_nsec = 10000000};
        (void)nanosleep(&t, NULL);
    }
}

static const char *read_text(const char *path)
{
    static char text[8192];
    ES_CLEANUP(es_buf_done) es_buf out = ES_BUF_INIT(sizeof text - 1);
    assert_int_equal(os_file_read(path, &out, NULL), ENTRASQL_OK);
    snprintf(text, sizeof text, "%s", es_buf_cstr(&out));
    return text;
}

static unsigned get(const char *url)
{
    char ca[300];
    snprintf(ca, sizeof ca, "%s/data/ca.pem", dir);
    http_request request = {.method = "GET",
                            .url = url,
                            .ca_file = ca,
                            .plain_allowed = true,
                            .direct = true,
                            .deadline_ms = es_clock_deadline(20000)};
    http_response response = {0};
    entrasql_error err;
    if (http_run(&request, &response, &err) != ENTRASQL_OK)
        fail_msg("%s: %s", url, err.message);
    unsigned status = response.status;
    http_response_done(&response);
    return status;
}

static void it_starts_serves_and_stops(void **state)
{
    (void)state;
    char data[300], url[256];
    snprintf(data, sizeof data, "%s/data", dir);
    emulator_options options = {.data_dir = data, .ready_file = ready};
    pid_t child = run(&options);
    wait_until_ready(child);

    emulator_info info;
    assert_int_equal(emulator_status(data, &info, NULL), ENTRASQL_OK);
    assert_int_equal(info.pid, child);
    assert_true(info.entra_port != 0 && info.identity_port != 0 && info.sql_port != 0);
    json_doc *doc = NULL;
    const char *text = read_text(ready);
    int64_t port = 0;
    assert_int_equal(json_doc_parse(text, strlen(text), &doc, NULL), ENTRASQL_OK);
    assert_int_equal(json_member_i64(json_doc_root(doc), "sql_port", &port), ENTRASQL_OK);
    assert_int_equal(port, info.sql_port);
    json_doc_free(doc);

    snprintf(url, sizeof url,
             "https://localhost:%u/contoso.example/v2.0/.well-known/openid-configuration",
             (unsigned)info.entra_port);
    assert_int_equal(get(url), 200);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/metadata/identity/oauth2/token",
             (unsigned)info.identity_port);
    assert_int_equal(get(url), 400);

    /* A second one on the same directory gives way, and leaves the first alone. */
    emulator_options second = {.data_dir = data};
    entrasql_error err;
    assert_int_equal(emulator_run(&second, &err), ENTRASQL_BUSY);
    support_assert_has(err.message, "already");
    assert_int_equal(emulator_status(data, &info, NULL), ENTRASQL_OK);

    assert_int_equal(emulator_stop(data, 20000, NULL), ENTRASQL_OK);
    assert_int_equal(wait_for(child), ENTRASQL_OK);
    assert_int_equal(emulator_status(data, &info, NULL), ENTRASQL_NOT_FOUND);
    assert_int_equal(access(ready, F_OK), -1);
    text = read_text(said);
    support_assert_has(text, "for development only");
    assert_true(es_ends_with(text, "\nready\n"));
}

static void interrupt_ends_it_too(void **state)
{
    (void)state;
    static const int numbers[] = {SIGINT, SIGHUP};
    for (size_t i = 0; i < ES_COUNT_OF(numbers); i++) {
        char data[300];
        snprintf(data, sizeof data, "%s/data", dir);
        pid_t child = run(&(emulator_options){.data_dir = data, .ready_file = ready});
        wait_until_ready(child);
        assert_int_equal(kill(child, SIGPIPE), 0); /* ignored */
        assert_int_equal(kill(child, numbers[i]), 0);
        assert_int_equal(wait_for(child), ENTRASQL_OK);
    }
}

/* What a killed one leaves is no obstacle, and nobody takes it for running. */
static void killed_one_leaves_no_obstacle(void **state)
{
    (void)state;
    char data[300];
    emulator_info info;
    snprintf(data, sizeof data, "%s/data", dir);
    emulator_options options = {.data_dir = data, .ready_file = ready};
    pid_t child = run(&options);
    wait_until_ready(child);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(emulator_status(data, &info, NULL), ENTRASQL_NOT_FOUND);
    assert_int_equal(unlink(ready), 0);
    child = run(&options);
    wait_until_ready(child);
    assert_int_equal(emulator_stop(data, 20000, NULL), ENTRASQL_OK);
    assert_int_equal(wait_for(child), ENTRASQL_OK);
}

static void failed_starts_say_why_and_leave_nothing_running(void **state)
{
    (void)state;
    char data[300], seed[300], empty[300];
    snprintf(data, sizeof data, "%s/data", dir);
    snprintf(seed, sizeof seed, "%s/bad.json", dir);
    snprintf(empty, sizeof empty, "%s/empty", dir);
    support_write(dir, "bad.json", "{\"tenants\":[]}");
    support_write(dir, "empty", "\nsecond line\n");
    const struct {
        emulator_options options;
        entrasql_status status;
        const char *message;
    } rows[] = {
        {{.data_dir = data, .seed_file = seed}, ENTRASQL_CONFIG, "bad.json: tenants"},
        {{.data_dir = data, .seed_file = "/nonexistent"}, ENTRASQL_NOT_FOUND, "/nonexistent"},
        {{.data_dir = data, .sql_login = "sa"}, ENTRASQL_CONFIG, "password file"},
        {{.data_dir = data, .sql_login = "sa", .sql_password_file = empty},
         ENTRASQL_CONFIG,
         "empty: "},
        {{.data_dir = "/dev/null/x"}, ENTRASQL_OS, "/dev/null"},
    };
    for (size_t i = 0; i < ES_COUNT_OF(rows); i++) {
        entrasql_error err;
        emulator_info info;
        entrasql_status status = emulator_run(&rows[i].options, &err);
        if (status != rows[i].status || strstr(err.message, rows[i].message) == NULL)
            fail_msg("row %zu: %s %s", i, entrasql_status_name(status), err.message);
        assert_int_equal(emulator_status(data, &info, NULL), ENTRASQL_NOT_FOUND);
    }
}

/* Each port in turn is taken by another emulator: the message names it. */
static void taken_ports_are_named(void **state)
{
    (void)state;
    char data[300], other[300];
    emulator_info info;
    snprintf(data, sizeof data, "%s/data", dir);
    snprintf(other, sizeof other, "%s/other", dir);
    pid_t child = run(&(emulator_options){.data_dir = data, .ready_file = ready});
    wait_until_ready(child);
    assert_int_equal(emulator_status(data, &info, NULL), ENTRASQL_OK);
    for (int which = 0; which < 3; which++) {
        emulator_options options = {
            .data_dir = other,
            .entra_port = which == 0 ? info.entra_port : 0,
            .identity_port = which == 1 ? info.identity_port : 0,
            .sql_port = which == 2 ? info.sql_port : 0,
        };
        uint16_t taken[] = {info.entra_port, info.identity_port, info.sql_port};
        char text[16];
        entrasql_error err;
        assert_int_equal(emulator_run(&options, &err), ENTRASQL_BUSY);
        snprintf(text, sizeof text, "%u", (unsigned)taken[which]);
        support_assert_has(err.message, text);
    }
    assert_int_equal(emulator_stop(data, 20000, NULL), ENTRASQL_OK);
    assert_int_equal(wait_for(child), ENTRASQL_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_starts_serves_and_stops),
        cmocka_unit_test(interrupt_ends_it_too),
        cmocka_unit_test(killed_one_leaves_no_obstacle),
        cmocka_unit_test(failed_starts_say_why_and_leave_nothing_running),
        cmocka_unit_test(taken_ports_are_named),
    };
    return cmocka_run_group_tests_name("process", tests, start, stop);
}
