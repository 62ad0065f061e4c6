/* SPDX-License-Identifier: MIT */
/* os: the service manager's datagrams, over a socket of our own. */
#include "os/notify.h"
#include "os/usage.h"

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static int listen_at(const char *name)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    size_t len = strlen(name);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct timeval limit = {.tv_sec = 10};
    assert_true(fd >= 0);
    memcpy(a.sun_path, name, len + 1);
    if (name[0] == '@')
        a.sun_path[0] = '\0';
    assert_int_equal(
        bind(fd, (struct sockaddr *)&a,
             (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (name[0] == '@' ? 0 : 1))),
        0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    return fd;
}

static const char *receive(int fd)
{
    static char text[2048];
    ssize_t n = recv(fd, text, sizeof text - 1, 0);
    assert_true(n > 0);
    text[n] = '\0';
    return text;
}

static void states_reach_the_manager(void **state)
{
    (void)state;
    static char folder[] = "/tmp/entrasql-notify-XXXXXX";
    char path[64];
    char abstract[64];
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/s", folder);
    (void)snprintf(abstract, sizeof abstract, "@entrasql-notify-%ld", (long)getpid());
    const char *names[] = {path, abstract};
    for (size_t i = 0; i < 2; i++) {
        os_notify *n = NULL;
        char text[64];
        int fd = listen_at(names[i]);
        assert_int_equal(setenv("NOTIFY_SOCKET", names[i], 1), 0);
        assert_int_equal(setenv("WATCHDOG_USEC", "30000000", 1), 0);
        (void)snprintf(text, sizeof text, "%ld", (long)getpid());
        assert_int_equal(setenv("WATCHDOG_PID", text, 1), 0);
        assert_int_equal(os_notify_open(&n, NULL), ENTRASQL_OK);
        assert_non_null(n);
        assert_null(getenv("NOTIFY_SOCKET"));
        assert_null(getenv("WATCHDOG_USEC"));
        assert_int_equal(os_notify_watchdog_ms(n), 30000);
        assert_true(os_notify_send(n, "READY=1\nSTATUS=x"));
        assert_string_equal(receive(fd), "READY=1\nSTATUS=x");
        assert_true(os_notify_send(n, "RELOADING=1"));
        const char *got = receive(fd);
        assert_true(es_starts_with(got, "MONOTONIC_USEC="));
        assert_true(es_ends_with(got, "\nRELOADING=1"));
        (void)close(fd);
        assert_false(os_notify_send(n, "READY=1"));
        os_notify_close(n);
    }
    (void)unlink(path);
    (void)rmdir(folder);
}

static void no_manager_is_fine_and_a_bad_one_is_named(void **state)
{
    (void)state;
    static const char *const bad[] = {"x", "vsock:2:1", "@", "/"};
    os_notify *n = NULL;
    entrasql_error err;
    (void)unsetenv("NOTIFY_SOCKET");
    assert_int_equal(os_notify_open(&n, &err), ENTRASQL_OK);
    assert_null(n);
    assert_true(os_notify_send(n, "READY=1"));
    assert_int_equal(os_notify_watchdog_ms(n), 0);
    os_notify_close(n);
    for (size_t i = 0; i < ES_COUNT_OF(bad); i++) {
        assert_int_equal(setenv("NOTIFY_SOCKET", bad[i], 1), 0);
        assert_int_equal(os_notify_open(&n, &err), ENTRASQL_CONFIG);
        assert_non_null(strstr(err.message, "NOTIFY_SOCKET"));
    }
    char longer[200] = "/";
    memset(longer + 1, 'a', sizeof longer - 2);
    longer[sizeof longer - 1] = '\0';
    assert_int_equal(setenv("NOTIFY_SOCKET", longer, 1), 0);
    assert_int_equal(os_notify_open(&n, &err), ENTRASQL_CONFIG);
    (void)unsetenv("NOTIFY_SOCKET");
}

static void another_process_has_the_watchdog(void **state)
{
    (void)state;
    static const struct {
        const char *usec;
        const char *pid;
        int64_t ms;
    } cases[] = {{"5000000", NULL, 5000}, {"5000000", "1", 0}, {"0", NULL, 0},
                 {"abc", NULL, 0},        {"1", NULL, 2},      {NULL, NULL, 0}};
    for (size_t i = 0; i < ES_COUNT_OF(cases); i++) {
        os_notify *n = NULL;
        assert_int_equal(setenv("NOTIFY_SOCKET", "@x", 1), 0);
        (void)unsetenv("WATCHDOG_PID");
        (void)unsetenv("WATCHDOG_USEC");
        if (cases[i].usec != NULL)
            assert_int_equal(setenv("WATCHDOG_USEC", cases[i].usec, 1), 0);
        if (cases[i].pid != NULL)
            assert_int_equal(setenv("WATCHDOG_PID", cases[i].pid, 1), 0);
        assert_int_equal(os_notify_open(&n, NULL), ENTRASQL_OK);
        assert_int_equal(os_notify_watchdog_ms(n), cases[i].ms);
        os_notify_close(n);
    }
}

static void usage_is_plausible(void **state)
{
    (void)state;
    os_usage before;
    os_usage after;
    os_usage_get(&before);
    int fd = dup(0);
    os_usage_get(&after);
    assert_true(before.resident_bytes > 100000);
    assert_true(before.max_fds >= before.open_fds);
    assert_int_equal(after.open_fds, before.open_fds + (fd >= 0 ? 1 : 0));
    assert_true(after.cpu_us >= before.cpu_us);
    if (fd >= 0)
        (void)close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(states_reach_the_manager),
        cmocka_unit_test(no_manager_is_fine_and_a_bad_one_is_named),
        cmocka_unit_test(another_process_has_the_watchdog),
        cmocka_unit_test(usage_is_plausible),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
