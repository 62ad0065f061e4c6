/* SPDX-License-Identifier: MIT */
/* os: waiting, sockets, name resolution, the owner of a peer. */
#include "os/resolve.h"
#include "os/sock.h"
#include "os/wait.h"

#include "skip.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void wait_set_merges_and_has_an_end(void **state)
{
    (void)state;
    os_wait w;
    os_wait_init(&w);
    assert_int_equal(os_wait_add(&w, 3, POLLIN), ENTRASQL_OK);
    assert_int_equal(os_wait_add(&w, 3, POLLOUT), ENTRASQL_OK);
    assert_int_equal(w.count, 1);
    assert_int_equal(w.fds[0].events, POLLIN | POLLOUT);
    for (int fd = 4; w.count < OS_WAIT_MAX; fd++)
        assert_int_equal(os_wait_add(&w, fd, POLLIN), ENTRASQL_OK);
    assert_int_equal(os_wait_add(&w, 1000, POLLIN), ENTRASQL_INTERNAL);
    assert_int_equal(os_wait_add(&w, 4, POLLOUT), ENTRASQL_OK);
    os_wait_until(&w, 20);
    os_wait_until(&w, 30);
    assert_int_equal(w.deadline_ms, 20);
}

static void on_alarm(int number)
{
    (void)number;
}

static void wait_ends_at_the_deadline_despite_signals(void **state)
{
    (void)state;
    struct sigaction old;
    struct sigaction action = {.sa_handler = on_alarm};
    assert_int_equal(sigaction(SIGALRM, &action, &old), 0);
    assert_int_equal(ualarm(10000, 10000), 0);
    os_wait w;
    os_wait_init(&w);
    int64_t start = es_clock_mono_ms();
    os_wait_until(&w, start + 80);
    assert_int_equal(os_wait_poll(&w, NULL), ENTRASQL_OK);
    int64_t took = es_clock_mono_ms() - start;
    (void)ualarm(0, 0);
    assert_int_equal(sigaction(SIGALRM, &old, NULL), 0);
    assert_true(took >= 79 && took < 2000);
}

typedef struct pair {
    int listener;
    int client;
    int server;
    uint16_t port;
} pair;

static os_address loopback_address(int family, uint16_t port)
{
    os_address a = {0};
    if (family == AF_INET) {
        struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
        v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        memcpy(&a.storage, &v4, sizeof v4);
        a.len = sizeof v4;
    } else {
        struct sockaddr_in6 v6 = {
            .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
        memcpy(&a.storage, &v6, sizeof v6);
        a.len = sizeof v6;
    }
    return a;
}

static entrasql_status wait_for(int fd, short events)
{
    os_wait w;
    os_wait_init(&w);
    os_wait_until(&w, es_clock_mono_ms() + 5000);
    assert_int_equal(os_wait_add(&w, fd, events), ENTRASQL_OK);
    return os_wait_poll(&w, NULL);
}

static pair connected(int family)
{
    pair p = {-1, -1, -1, 0};
    entrasql_error err;
    assert_int_equal(os_sock_listen_loopback(family, 0, 4, &p.listener, &p.port, &err),
                     ENTRASQL_OK);
    assert_int_not_equal(p.port, 0);
    os_address to = loopback_address(family, p.port);
    assert_int_equal(os_sock_connect_start(&to, &p.client, &err), ENTRASQL_OK);
    assert_int_equal(wait_for(p.client, POLLOUT), ENTRASQL_OK);
    assert_int_equal(os_sock_connect_finish(p.client, &to, &err), ENTRASQL_OK);
    assert_int_equal(wait_for(p.listener, POLLIN), ENTRASQL_OK);
    assert_int_equal(os_sock_accept(p.listener, &p.server, &err), ENTRASQL_OK);
    return p;
}

static void close_pair(pair *p)
{
    os_sock_close(&p->client);
    os_sock_close(&p->server);
    os_sock_close(&p->listener);
    assert_int_equal(p->client, -1);
}

static int option(int fd, int level, int name)
{
    int value = -1;
    socklen_t size = sizeof value;
    assert_int_equal(getsockopt(fd, level, name, &value, &size), 0);
    return value;
}

static void sockets_have_the_flags_of_the_house(void **state)
{
    (void)state;
    pair p = connected(AF_INET);
    int fds[] = {p.listener, p.client, p.server};
    for (size_t i = 0; i < 3; i++) {
        assert_true(fcntl(fds[i], F_GETFD) & FD_CLOEXEC);
        assert_true(fcntl(fds[i], F_GETFL) & O_NONBLOCK);
    }
    for (size_t i = 1; i < 3; i++) {
        assert_int_equal(option(fds[i], IPPROTO_TCP, TCP_NODELAY), 1);
        assert_int_equal(option(fds[i], SOL_SOCKET, SO_KEEPALIVE), 1);
        assert_int_equal(option(fds[i], IPPROTO_TCP, TCP_KEEPIDLE), 30);
        assert_int_equal(option(fds[i], IPPROTO_TCP, TCP_KEEPINTVL), 1);
    }
    os_address local;
    os_address peer;
    assert_int_equal(os_sock_local_address(p.client, &local, NULL), ENTRASQL_OK);
    assert_int_equal(os_sock_peer_address(p.server, &peer, NULL), ENTRASQL_OK);
    assert_int_equal(os_address_port(&local), os_address_port(&peer));
    assert_true(os_address_is_loopback(&peer));
    char text[OS_ADDRESS_TEXT_SIZE];
    char wanted[OS_ADDRESS_TEXT_SIZE];
    os_address_format(&peer, text);
    (void)snprintf(wanted, sizeof wanted, "127.0.0.1:%u", os_address_port(&peer));
    assert_string_equal(text, wanted);
    close_pair(&p);
}

static void bytes_pass_and_the_end_is_seen(void **state)
{
    (void)state;
    pair p = connected(AF_INET);
    char got[8];
    size_t n = 0;
    entrasql_error err;
    assert_int_equal(os_sock_recv(p.server, got, sizeof got, &n, &err), ENTRASQL_AGAIN);
    assert_int_equal(os_sock_send(p.client, "abc", 3, &n, &err), ENTRASQL_OK);
    assert_int_equal(n, 3);
    assert_int_equal(wait_for(p.server, POLLIN), ENTRASQL_OK);
    assert_int_equal(os_sock_recv(p.server, got, sizeof got, &n, &err), ENTRASQL_OK);
    assert_int_equal(n, 3);
    assert_false(os_sock_peer_gone(p.server));
    assert_int_equal(os_sock_send(p.client, "x", 1, &n, &err), ENTRASQL_OK);
    os_sock_close(&p.client);
    assert_int_equal(wait_for(p.server, POLLRDHUP), ENTRASQL_OK);
    assert_true(os_sock_peer_gone(p.server)); /* although a byte is left to read */
    assert_int_equal(os_sock_recv(p.server, got, sizeof got, &n, &err), ENTRASQL_OK);
    assert_int_equal(os_sock_recv(p.server, got, sizeof got, &n, &err), ENTRASQL_CLOSED);
    /* Sending into a broken connection must neither kill the process nor succeed for ever. */
    entrasql_status status = ENTRASQL_OK;
    for (int i = 0; i < 100 && status == ENTRASQL_OK; i++) {
        status = os_sock_send(p.server, "y", 1, &n, &err);
        (void)usleep(1000);
    }
    assert_int_equal(status, ENTRASQL_NETWORK);
    assert_int_not_equal(err.os_errno, 0);
    close_pair(&p);
}

static void refused_connection_names_the_address(void **state)
{
    (void)state;
    pair p = connected(AF_INET);
    uint16_t port = p.port;
    close_pair(&p);
    os_address to = loopback_address(AF_INET, port);
    entrasql_error err;
    int fd = -1;
    entrasql_status status = os_sock_connect_start(&to, &fd, &err);
    if (status == ENTRASQL_OK) {
        assert_int_equal(wait_for(fd, POLLOUT), ENTRASQL_OK);
        status = os_sock_connect_finish(fd, &to, &err);
    }
    assert_int_equal(status, ENTRASQL_NETWORK);
    assert_int_equal(err.os_errno, ECONNREFUSED);
    char wanted[64];
    (void)snprintf(wanted, sizeof wanted, "cannot connect to 127.0.0.1:%u: Connection refused",
                   port);
    assert_string_equal(err.message, wanted);
    os_sock_close(&fd);
}

static void taken_port_is_busy(void **state)
{
    (void)state;
    pair p = connected(AF_INET);
    int fd = -1;
    uint16_t port;
    entrasql_error err;
    assert_int_equal(os_sock_listen_loopback(AF_INET, p.port, 1, &fd, &port, &err), ENTRASQL_BUSY);
    assert_int_equal(fd, -1);
    assert_true(err.hint[0] != '\0');
    assert_int_equal(os_sock_accept(p.listener, &fd, &err), ENTRASQL_AGAIN);
    close_pair(&p);
}

static void peer_uid_of(int family)
{
    pair p = connected(family);
    entrasql_error err;
    uid_t uid = (uid_t)-1;
    assert_int_equal(os_sock_peer_uid(p.server, &uid, &err), ENTRASQL_OK);
    assert_int_equal(uid, getuid());
    uid = (uid_t)-1;
    assert_int_equal(os_sock_peer_uid(p.client, &uid, &err), ENTRASQL_OK);
    assert_int_equal(uid, getuid());
    os_sock_close(&p.client);
    assert_int_equal(wait_for(p.server, POLLRDHUP), ENTRASQL_OK);
    entrasql_status status = os_sock_peer_uid(p.server, &uid, &err);
    assert_true(status == ENTRASQL_NOT_FOUND || status == ENTRASQL_CLOSED);
    close_pair(&p);
}

/* Asked by one socket again and again, also after an answer that there is nobody. */
static void peer_uid_by_a_kept_socket(void **state)
{
    (void)state;
    entrasql_error err;
    int diag_fd = -1;
    int first = -1;
    for (int i = 0; i < 3; i++) {
        pair p = connected(AF_INET);
        uid_t uid = (uid_t)-1;
        assert_int_equal(os_sock_peer_uid_by(&diag_fd, p.server, &uid, &err), ENTRASQL_OK);
        assert_int_equal(uid, getuid());
        if (i == 0)
            first = diag_fd;
        assert_int_equal(diag_fd, first);
        os_sock_close(&p.client);
        assert_int_equal(wait_for(p.server, POLLRDHUP), ENTRASQL_OK);
        assert_int_not_equal(os_sock_peer_uid_by(&diag_fd, p.server, &uid, &err), ENTRASQL_OK);
        assert_int_equal(diag_fd, first);
        close_pair(&p);
    }
    os_sock_close(&diag_fd);
    /* One that cannot be asked is closed, and /proc is asked. */
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pair p = connected(AF_INET);
    uid_t uid = (uid_t)-1;
    assert_int_equal(os_sock_peer_uid_by(&ends[0], p.server, &uid, &err), ENTRASQL_OK);
    assert_int_equal(uid, getuid());
    assert_int_equal(ends[0], -1);
    (void)close(ends[1]);
    close_pair(&p);
}

/* What the kernel says of us to a process in a user namespace that maps nobody. */
static int ask_from_a_namespace(int fd)
{
    entrasql_error err;
    uid_t uid = 0;
    if (unshare(CLONE_NEWUSER) != 0)
        return 77;
    if (os_sock_peer_uid(fd, &uid, &err) != ENTRASQL_UNSUPPORTED)
        return 1;
    return strstr(err.message, "user namespace") != NULL ? 0 : 2;
}

static void peer_uid_that_is_mapped_to_nobody(void **state)
{
    (void)state;
    pair tcp = connected(AF_INET);
    int local[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, local), 0);
    const int ends[] = {tcp.server, local[0]};
    for (size_t i = 0; i < ES_COUNT_OF(ends); i++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
            _exit(ask_from_a_namespace(ends[i]));
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        if (WEXITSTATUS(status) == 77)
            SKIP_BECAUSE("no user namespace here, or a thread of the sanitizer in the way");
        assert_int_equal(WEXITSTATUS(status), 0);
    }
    (void)close(local[0]);
    (void)close(local[1]);
    close_pair(&tcp);
}

static void peer_uid_on_ipv4(void **state)
{
    (void)state;
    peer_uid_of(AF_INET);
}

static void peer_uid_on_ipv6(void **state)
{
    (void)state;
    int probe = -1;
    uint16_t port;
    if (os_sock_listen_loopback(AF_INET6, 0, 1, &probe, &port, NULL) != ENTRASQL_OK)
        SKIP_BECAUSE("this machine has no IPv6");
    os_sock_close(&probe);
    peer_uid_of(AF_INET6);
}

/* A client on an IPv6 socket that goes to the IPv4 loopback in mapped form. */
static void peer_uid_of_mapped_client(void **state)
{
    (void)state;
    int listener = -1;
    int server = -1;
    uint16_t port;
    entrasql_error err;
    assert_int_equal(os_sock_listen_loopback(AF_INET, 0, 1, &listener, &port, &err), ENTRASQL_OK);
    struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    assert_int_equal(inet_pton(AF_INET6, "::ffff:127.0.0.1", &to.sin6_addr), 1);
    int client = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (client < 0)
        SKIP_BECAUSE("this machine has no IPv6");
    assert_int_equal(connect(client, (struct sockaddr *)(void *)&to, sizeof to), 0);
    assert_int_equal(wait_for(listener, POLLIN), ENTRASQL_OK);
    assert_int_equal(os_sock_accept(listener, &server, &err), ENTRASQL_OK);
    uid_t uid = (uid_t)-1;
    assert_int_equal(os_sock_peer_uid(server, &uid, &err), ENTRASQL_OK);
    assert_int_equal(uid, getuid());
    os_sock_close(&client);
    os_sock_close(&server);
    os_sock_close(&listener);
}

/* Only root can make a peer of another user. */
static void peer_uid_of_another_user(void **state)
{
    (void)state;
    if (getuid() != 0)
        SKIP_BECAUSE("only root can be another user");
    int listener = -1;
    uint16_t port;
    entrasql_error err;
    assert_int_equal(os_sock_listen_loopback(AF_INET, 0, 1, &listener, &port, &err), ENTRASQL_OK);
    os_address to = loopback_address(AF_INET, port);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (setuid(65534) != 0)
            _exit(1);
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(fd, (struct sockaddr *)(void *)&to.storage, to.len) != 0)
            _exit(2);
        char byte;
        _exit(read(fd, &byte, 1) == 0 ? 0 : 3);
    }
    assert_int_equal(wait_for(listener, POLLIN), ENTRASQL_OK);
    int server = -1;
    assert_int_equal(os_sock_accept(listener, &server, &err), ENTRASQL_OK);
    uid_t uid = 0;
    assert_int_equal(os_sock_peer_uid(server, &uid, &err), ENTRASQL_OK);
    assert_int_equal(uid, 65534);
    os_sock_close(&server);
    int how = -1;
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_int_equal(how, 0);
    os_sock_close(&listener);
}

static void peer_uid_of_unix_socket(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    uid_t uid = (uid_t)-1;
    assert_int_equal(os_sock_peer_uid(ends[0], &uid, NULL), ENTRASQL_OK);
    assert_int_equal(uid, getuid());
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static entrasql_status resolve(const char *host, os_address *ret, size_t *ret_count,
                               entrasql_error *err)
{
    os_resolve *r = NULL;
    ES_TRY(os_resolve_start(host, 1433, &r, err));
    entrasql_status status;
    while ((status = os_resolve_step(r, ret, ret_count, err)) == ENTRASQL_AGAIN) {
        os_wait w;
        os_wait_init(&w);
        os_wait_until(&w, es_clock_mono_ms() + 30000);
        assert_int_equal(os_resolve_wants(r, &w), ENTRASQL_OK);
        assert_int_equal(os_wait_poll(&w, err), ENTRASQL_OK);
    }
    os_resolve_free(r);
    return status;
}

static void literals_need_no_lookup(void **state)
{
    (void)state;
    static const struct {
        const char *host;
        const char *text;
    } cases[] = {{"127.0.0.1", "127.0.0.1:1433"}, {"::1", "[::1]:1433"}, {"[::1]", "[::1]:1433"}};
    for (size_t i = 0; i < ES_COUNT_OF(cases); i++) {
        os_resolve *r = NULL;
        os_address found[OS_RESOLVE_MAX];
        size_t count = 0;
        char text[OS_ADDRESS_TEXT_SIZE];
        assert_int_equal(os_resolve_start(cases[i].host, 1433, &r, NULL), ENTRASQL_OK);
        assert_int_equal(os_resolve_step(r, found, &count, NULL), ENTRASQL_OK);
        assert_int_equal(count, 1);
        os_address_format(&found[0], text);
        assert_string_equal(text, cases[i].text);
        assert_true(os_address_is_loopback(&found[0]));
        os_resolve_free(r);
        assert_true(os_host_is_ip(cases[i].host));
    }
    assert_false(os_host_is_ip("localhost"));
    assert_false(os_host_is_ip(""));
    assert_false(os_host_is_ip("1.2.3.4.example"));
}

static void names_are_looked_up(void **state)
{
    (void)state;
    os_address found[OS_RESOLVE_MAX];
    size_t count = 0;
    entrasql_error err;
    /* The later ones are in no hosts file: RFC 6761 gives them to this machine all the same. */
    static const char *const names[] = {"localhost", "LOCALHOST.", "sql.localhost"};
    for (size_t k = 0; k < ES_COUNT_OF(names); k++) {
        assert_int_equal(resolve(names[k], found, &count, &err), ENTRASQL_OK);
        assert_true(count >= 1);
        for (size_t i = 0; i < count; i++) {
            assert_true(os_address_is_loopback(&found[i]));
            assert_int_equal(os_address_port(&found[i]), 1433);
        }
    }
    assert_int_equal(resolve("notlocalhost", found, &count, &err), ENTRASQL_NETWORK);
}

static void unknown_names_say_so(void **state)
{
    (void)state;
    os_address found[OS_RESOLVE_MAX];
    size_t count = 0;
    entrasql_error err;
    assert_int_equal(resolve("no-such-host.invalid", found, &count, &err), ENTRASQL_NETWORK);
    assert_non_null(strstr(err.message, "no-such-host.invalid"));
    assert_true(err.hint[0] != '\0');
    os_resolve *r = NULL;
    char long_name[400];
    memset(long_name, 'a', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    assert_int_equal(os_resolve_start(long_name, 1, &r, &err), ENTRASQL_INVALID);
    assert_int_equal(os_resolve_start("", 1, &r, &err), ENTRASQL_INVALID);
    assert_int_equal(os_resolve_start("[]", 1, &r, &err), ENTRASQL_INVALID);
    assert_null(r);
}

static bool is_eventfd(int fd)
{
    char path[40];
    char target[64] = "";
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return readlink(path, target, sizeof target - 1) > 0 && strstr(target, "eventfd") != NULL;
}

static void a_lookup_can_be_left_alone(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        os_resolve *r = NULL;
        os_wait w;
        os_wait_init(&w);
        assert_int_equal(os_resolve_start("localhost", 1, &r, NULL), ENTRASQL_OK);
        assert_int_equal(os_resolve_wants(r, &w), ENTRASQL_OK);
        assert_true(w.count == 0 || is_eventfd(w.fds[0].fd));
        os_resolve_free(r);
        /* Its number is free at once, not when the helper thread ends. */
        assert_false(w.count == 1 && is_eventfd(w.fds[0].fd));
    }
    os_resolve_free(NULL);
    /* Lets the helper threads end, for the leak check. */
    (void)usleep(200000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        /* First: the map of this process's users is remembered. */
        cmocka_unit_test(peer_uid_that_is_mapped_to_nobody),
        cmocka_unit_test(wait_set_merges_and_has_an_end),
        cmocka_unit_test(wait_ends_at_the_deadline_despite_signals),
        cmocka_unit_test(sockets_have_the_flags_of_the_house),
        cmocka_unit_test(bytes_pass_and_the_end_is_seen),
        cmocka_unit_test(refused_connection_names_the_address),
        cmocka_unit_test(taken_port_is_busy),
        cmocka_unit_test(peer_uid_by_a_kept_socket),
        cmocka_unit_test(peer_uid_on_ipv4),
        cmocka_unit_test(peer_uid_on_ipv6),
        cmocka_unit_test(peer_uid_of_mapped_client),
        cmocka_unit_test(peer_uid_of_another_user),
        cmocka_unit_test(peer_uid_of_unix_socket),
        cmocka_unit_test(literals_need_no_lookup),
        cmocka_unit_test(names_are_looked_up),
        cmocka_unit_test(unknown_names_say_so),
        cmocka_unit_test(a_lookup_can_be_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
