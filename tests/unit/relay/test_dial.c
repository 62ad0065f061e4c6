/* SPDX-License-Identifier: MIT */
/* relay: one name with several addresses; the system's resolver is replaced. */
#include "relay/dial.h"

#include "skip.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* What every name resolves to: the last parts of 127.0.0.x; 0: ::1. */
static int hosts[OS_RESOLVE_MAX + 2];
static size_t host_count;

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **ret)
{
    struct addrinfo *list = NULL;
    struct in_addr literal;
    if ((hints->ai_flags & AI_NUMERICHOST) != 0 && inet_pton(AF_INET, node, &literal) != 1)
        return EAI_NONAME;
    for (size_t i = host_count; i-- > 0;) {
        struct addrinfo *a = calloc(1, sizeof *a + sizeof(struct sockaddr_in6));
        struct sockaddr_in v4 = {.sin_family = AF_INET,
                                 .sin_port = htons((uint16_t)strtoul(service, NULL, 10))};
        assert_non_null(a);
        v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1 + (in_addr_t)hosts[i]);
        *a = (struct addrinfo){.ai_family = AF_INET,
                               .ai_addrlen = sizeof v4,
                               .ai_addr = (struct sockaddr *)(void *)(a + 1),
                               .ai_next = list};
        memcpy(a + 1, &v4, sizeof v4);
        if (hosts[i] == 0) {
            const struct sockaddr_in6 v6 = {.sin6_family = AF_INET6,
                                            .sin6_port = v4.sin_port,
                                            .sin6_addr = IN6ADDR_LOOPBACK_INIT};
            memcpy(a + 1, &v6, sizeof v6);
            a->ai_family = AF_INET6;
            a->ai_addrlen = sizeof v6;
        }
        list = a;
    }
    *ret = list;
    return 0;
}

void freeaddrinfo(struct addrinfo *list)
{
    while (list != NULL) {
        struct addrinfo *next = list->ai_next;
        free(list);
        list = next;
    }
}

static entrasql_status dial(uint16_t port, int *ret_fd, entrasql_error *err)
{
    relay_dial *d = NULL;
    ES_TRY(relay_dial_start("many.example", port, &d, err));
    entrasql_status status;
    while ((status = relay_dial_step(d, ret_fd, err)) == ENTRASQL_AGAIN) {
        os_wait w;
        os_wait_init(&w);
        os_wait_until(&w, es_clock_mono_ms() + 10000);
        assert_int_equal(relay_dial_wants(d, &w), ENTRASQL_OK);
        assert_int_equal(os_wait_poll(&w, NULL), ENTRASQL_OK);
    }
    relay_dial_free(d);
    return status;
}

static void set_hosts(size_t count, const int *list)
{
    host_count = count;
    memcpy(hosts, list, count * sizeof *list);
}

static void refused_addresses_are_passed_over(void **state)
{
    (void)state;
    int listener = -1;
    int fd = -1;
    uint16_t port = 0;
    entrasql_error err;
    os_address peer;
    char text[OS_ADDRESS_TEXT_SIZE];
    assert_int_equal(os_sock_listen_loopback(AF_INET, 0, 4, &listener, &port, &err), ENTRASQL_OK);
    set_hosts(4, (const int[]){2, 3, 3, 1});
    int64_t start_ms = es_clock_mono_ms();
    assert_int_equal(dial(port, &fd, &err), ENTRASQL_OK);
    /* Without waiting for the head start: they have failed. */
    assert_true(es_clock_mono_ms() - start_ms < RELAY_DIAL_STAGGER_MS);
    assert_int_equal(os_sock_peer_address(fd, &peer, NULL), ENTRASQL_OK);
    os_address_format(&peer, text);
    assert_int_equal(strncmp(text, "127.0.0.1:", 10), 0);
    os_sock_close(&fd);
    os_sock_close(&listener);
    assert_int_equal(dial(port, &fd, &err), ENTRASQL_NETWORK);
    assert_int_equal(err.os_errno, ECONNREFUSED);
    /* 127.0.0.3 was listed twice. */
    assert_non_null(strstr(err.message, "none of its 3 addresses answered"));
    assert_int_equal(fd, -1);
}

/* The third address is of another family than the first two: it comes before the second. */
static void families_take_turns(void **state)
{
    (void)state;
    int v4 = -1;
    int v6 = -1;
    int fd = -1;
    uint16_t port = 0;
    uint16_t same = 0;
    entrasql_error err;
    os_address peer;
    assert_int_equal(os_sock_listen_loopback(AF_INET, 0, 4, &v4, &port, &err), ENTRASQL_OK);
    if (os_sock_listen_loopback(AF_INET6, port, 4, &v6, &same, &err) != ENTRASQL_OK) {
        os_sock_close(&v4);
        SKIP_BECAUSE("this machine has no IPv6");
    }
    set_hosts(3, (const int[]){2, 1, 0});
    assert_int_equal(dial(port, &fd, &err), ENTRASQL_OK);
    assert_int_equal(os_sock_peer_address(fd, &peer, NULL), ENTRASQL_OK);
    assert_int_equal(peer.storage.ss_family, AF_INET6);
    os_sock_close(&fd);
    os_sock_close(&v4);
    os_sock_close(&v6);
}

/* A listener whose queue is full drops connection requests, as a firewall does. */
static void silent_addresses_are_overtaken(void **state)
{
    (void)state;
    int good = -1;
    int fd = -1;
    uint16_t port = 0;
    entrasql_error err;
    assert_int_equal(os_sock_listen_loopback(AF_INET, 0, 4, &good, &port, &err), ENTRASQL_OK);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
    int silent = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(silent, (struct sockaddr *)(void *)&at, sizeof at), 0);
    assert_int_equal(listen(silent, 0), 0);
    int fillers[4];
    for (size_t i = 0; i < 4; i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)connect(fillers[i], (struct sockaddr *)(void *)&at, sizeof at);
    }
    (void)usleep(20000);
    set_hosts(2, (const int[]){2, 1});
    int64_t start_ms = es_clock_mono_ms();
    assert_int_equal(dial(port, &fd, &err), ENTRASQL_OK);
    int64_t took_ms = es_clock_mono_ms() - start_ms;
    assert_true(took_ms >= RELAY_DIAL_STAGGER_MS - 1 && took_ms < 2000);
    os_address peer;
    char text[OS_ADDRESS_TEXT_SIZE];
    assert_int_equal(os_sock_peer_address(fd, &peer, NULL), ENTRASQL_OK);
    os_address_format(&peer, text);
    assert_int_equal(strncmp(text, "127.0.0.1:", 10), 0);
    for (size_t i = 0; i < 4; i++)
        os_sock_close(&fillers[i]);
    os_sock_close(&fd);
    os_sock_close(&silent);
    os_sock_close(&good);
}

static void long_lists_are_cut(void **state)
{
    (void)state;
    int fd = -1;
    entrasql_error err;
    set_hosts(OS_RESOLVE_MAX + 2, (const int[]){2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
    assert_int_equal(dial(1, &fd, &err), ENTRASQL_NETWORK);
    assert_non_null(strstr(err.message, "none of its 8 addresses answered"));
    set_hosts(0, hosts);
    assert_int_equal(dial(1, &fd, &err), ENTRASQL_NETWORK);
    assert_non_null(strstr(err.message, "has no IP address"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refused_addresses_are_passed_over),
        cmocka_unit_test(families_take_turns),
        cmocka_unit_test(silent_addresses_are_overtaken),
        cmocka_unit_test(long_lists_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
