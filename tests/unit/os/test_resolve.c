/* SPDX-License-Identifier: MIT */
/* os/resolve: name servers that do not answer; this program has a getaddrinfo() of its own. */
#include "os/resolve.h"

#include <netdb.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define MANY 128

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool is_silent; /* under lock */
static int inside;     /* under lock: threads that wait for an answer */

int getaddrinfo(const char *restrict host, const char *restrict port,
                const struct addrinfo *restrict hints, struct addrinfo **restrict ret)
{
    (void)host, (void)port, (void)ret;
    if ((hints->ai_flags & AI_NUMERICHOST) != 0)
        return EAI_NONAME;
    (void)pthread_mutex_lock(&lock);
    inside++;
    while (is_silent)
        (void)pthread_cond_wait(&changed, &lock);
    inside--;
    (void)pthread_mutex_unlock(&lock);
    return EAI_AGAIN;
}

static void set_silent(bool silent)
{
    (void)pthread_mutex_lock(&lock);
    is_silent = silent;
    (void)pthread_cond_broadcast(&changed);
    (void)pthread_mutex_unlock(&lock);
}

static int waiting(void)
{
    (void)pthread_mutex_lock(&lock);
    int n = inside;
    (void)pthread_mutex_unlock(&lock);
    return n;
}

static void look_up_and_leave(void)
{
    os_resolve *r = NULL;
    entrasql_error err;
    assert_int_equal(os_resolve_start("slow.example", 1433, &r, &err), ENTRASQL_OK);
    os_resolve_free(r);
}

/* A program that goes on logging in while the name servers are down must not drown in threads. */
static void threads_that_nobody_waits_for_have_a_limit(void **state)
{
    (void)state;
    os_resolve *r = NULL;
    entrasql_error err;
    set_silent(true);
    for (int i = 0; i < MANY; i++)
        look_up_and_leave();
    assert_int_equal(os_resolve_start("slow.example", 1433, &r, &err), ENTRASQL_NETWORK);
    assert_non_null(strstr(err.message, "slow.example"));
    assert_non_null(strstr(err.hint, "resolv.conf"));
    set_silent(false);
    entrasql_status status = ENTRASQL_NETWORK;
    for (int i = 0; i < 1000 && status != ENTRASQL_OK; i++) {
        (void)usleep(10000);
        status = os_resolve_start("slow.example", 1433, &r, &err);
    }
    assert_int_equal(status, ENTRASQL_OK);
    os_resolve_free(r);
}

/* Those that were waited for to the end leave nothing behind. */
static void who_waits_is_not_counted(void **state)
{
    (void)state;
    os_address found[OS_RESOLVE_MAX];
    size_t count = 0;
    entrasql_error err;
    for (int i = 0; i < 2 * MANY; i++) {
        os_resolve *r = NULL;
        entrasql_status status = ENTRASQL_AGAIN;
        assert_int_equal(os_resolve_start("gone.example", 1433, &r, &err), ENTRASQL_OK);
        while ((status = os_resolve_step(r, found, &count, &err)) == ENTRASQL_AGAIN) {
            os_wait w;
            os_wait_init(&w);
            assert_int_equal(os_resolve_wants(r, &w), ENTRASQL_OK);
            assert_int_equal(os_wait_poll(&w, &err), ENTRASQL_OK);
        }
        assert_int_equal(status, ENTRASQL_NETWORK);
        os_resolve_free(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_waits_is_not_counted),
        cmocka_unit_test(threads_that_nobody_waits_for_have_a_limit),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    while (waiting() > 0) /* detached threads: gone before the program is */
        (void)usleep(1000);
    return failed;
}
