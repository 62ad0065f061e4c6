/* SPDX-License-Identifier: MIT */
/* Non-blocking TCP sockets: connect, listen, accept, send and receive. */
#include "os/sock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Microsoft's drivers probe an idle connection after 30 s, then every second. */
#define KEEPALIVE_IDLE_S 30
#define KEEPALIVE_INTERVAL_S 1
#define KEEPALIVE_PROBES 10
#define ACCEPT_TRIES 16

static const struct sockaddr_in *as_v4(const os_address *a)
{
    return (const struct sockaddr_in *)(const void *)&a->storage;
}

static const struct sockaddr_in6 *as_v6(const os_address *a)
{
    return (const struct sockaddr_in6 *)(const void *)&a->storage;
}

void os_address_format(const os_address *address, char ret[OS_ADDRESS_TEXT_SIZE])
{
    char host[INET6_ADDRSTRLEN] = "?";
    switch (address->storage.ss_family) {
    case AF_INET:
        (void)inet_ntop(AF_INET, &as_v4(address)->sin_addr, host, sizeof host);
        (void)snprintf(ret, OS_ADDRESS_TEXT_SIZE, "%s:%u", host, os_address_port(address));
        break;
    case AF_INET6:
        (void)inet_ntop(AF_INET6, &as_v6(address)->sin6_addr, host, sizeof host);
        (void)snprintf(ret, OS_ADDRESS_TEXT_SIZE, "[%s]:%u", host, os_address_port(address));
        break;
    case AF_UNIX:
        (void)snprintf(ret, OS_ADDRESS_TEXT_SIZE, "unix socket");
        break;
    default:
        (void)snprintf(ret, OS_ADDRESS_TEXT_SIZE, "unknown address");
        break;
    }
}

uint16_t os_address_port(const os_address *address)
{
    switch (address->storage.ss_family) {
    case AF_INET:
        return ntohs(as_v4(address)->sin_port);
    case AF_INET6:
        return ntohs(as_v6(address)->sin6_port);
    default:
        return 0;
    }
}

bool os_address_is_loopback(const os_address *address)
{
    switch (address->storage.ss_family) {
    case AF_INET:
        return (ntohl(as_v4(address)->sin_addr.s_addr) >> 24) == IN_LOOPBACKNET;
    case AF_INET6: {
        const struct in6_addr *a = &as_v6(address)->sin6_addr;
        return IN6_IS_ADDR_LOOPBACK(a) ||
               (IN6_IS_ADDR_V4MAPPED(a) && a->s6_addr[12] == IN_LOOPBACKNET);
    }
    default:
        return false;
    }
}

entrasql_status os_address_from_numeric(const char *host, uint16_t port, os_address *ret,
                                        entrasql_error *err)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    *ret = (os_address){0};
    if (inet_pton(AF_INET, host, &v4.sin_addr) == 1) {
        memcpy(&ret->storage, &v4, sizeof v4);
        ret->len = sizeof v4;
        return ENTRASQL_OK;
    }
    if (inet_pton(AF_INET6, host, &v6.sin6_addr) == 1) {
        memcpy(&ret->storage, &v6, sizeof v6);
        ret->len = sizeof v6;
        return ENTRASQL_OK;
    }
    return es_fail(err, ENTRASQL_INVALID, "'%.100s' is no address in digits", host);
}

static void set_int(int fd, int level, int option, int value)
{
    /* A refusal leaves the connection slower to notice a dead peer, not wrong. */
    (void)setsockopt(fd, level, option, &value, sizeof value);
}

void os_sock_tune(int fd)
{
    os_address local = {0};
    if (os_sock_local_address(fd, &local, NULL) != ENTRASQL_OK ||
        local.storage.ss_family == AF_UNIX)
        return;
    set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S);
    set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S);
    set_int(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES);
}

void os_sock_set_low_mark(int fd, size_t bytes)
{
    set_int(fd, SOL_SOCKET, SO_RCVLOWAT, (int)bytes);
}

/* Connection trouble is NETWORK; what is about this machine stays OS. */
static entrasql_status fail_network(entrasql_error *err, int number, const char *what,
                                    const os_address *address)
{
    char text[OS_ADDRESS_TEXT_SIZE];
    os_address_format(address, text);
    if (number == EMFILE || number == ENFILE || number == ENOBUFS || number == ENOMEM)
        return es_fail_errno(err, number, "%s %s", what, text);
    (void)es_fail(err, ENTRASQL_NETWORK, "%s %s: %s", what, text, strerrordesc_np(number));
    if (err != NULL)
        err->os_errno = number;
    return ENTRASQL_NETWORK;
}

entrasql_status os_sock_connect_start(const os_address *address, int *ret_fd, entrasql_error *err)
{
    int fd = socket(address->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fail_network(err, errno, "cannot make a socket for", address);
    os_sock_tune(fd);
    const struct sockaddr *to = (const struct sockaddr *)(const void *)&address->storage;
    if (connect(fd, to, address->len) != 0 && errno != EINPROGRESS && errno != EINTR) {
        int number = errno;
        os_sock_close(&fd);
        return fail_network(err, number, "cannot connect to", address);
    }
    *ret_fd = fd;
    return ENTRASQL_OK;
}

entrasql_status os_sock_connect_finish(int fd, const os_address *address, entrasql_error *err)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    int ready = poll(&p, 1, 0);
    if (ready == 0 || (ready < 0 && errno == EINTR))
        return ENTRASQL_AGAIN;
    int number = 0;
    socklen_t size = sizeof number;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &number, &size) != 0)
        number = errno;
    if (number != 0)
        return fail_network(err, number, "cannot connect to", address);
    return ENTRASQL_OK;
}

static os_address loopback(int family, uint16_t port)
{
    os_address a = {0};
    if (family == AF_INET6) {
        struct sockaddr_in6 v6 = {
            .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
        memcpy(&a.storage, &v6, sizeof v6);
        a.len = sizeof v6;
    } else {
        struct sockaddr_in v4 = {.sin_family = AF_INET,
                                 .sin_port = htons(port),
                                 .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
        memcpy(&a.storage, &v4, sizeof v4);
        a.len = sizeof v4;
    }
    return a;
}

static entrasql_status fail_listen(entrasql_error *err, int number, const os_address *address)
{
    char text[OS_ADDRESS_TEXT_SIZE];
    os_address_format(address, text);
    if (number != EADDRINUSE)
        return es_fail_errno(err, number, "cannot listen on %s", text);
    (void)es_fail(err, ENTRASQL_BUSY, "cannot listen on %s: the port is in use", text);
    es_hint(err, "stop the program that listens there, or choose another port");
    return ENTRASQL_BUSY;
}

entrasql_status os_sock_listen(const os_address *address, int backlog, int *ret_fd,
                               uint16_t *ret_port, entrasql_error *err)
{
    int fd = socket(address->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fail_listen(err, errno, address);
    if (os_address_port(address) != 0)
        set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (address->storage.ss_family == AF_INET6)
        set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, os_address_is_loopback(address) ? 1 : 0);
    os_sock_tune(fd);
    const struct sockaddr *at = (const struct sockaddr *)(const void *)&address->storage;
    if (bind(fd, at, address->len) != 0 || listen(fd, backlog) != 0) {
        int number = errno;
        os_sock_close(&fd);
        return fail_listen(err, number, address);
    }
    os_address bound = {0};
    entrasql_status status = os_sock_local_address(fd, &bound, err);
    if (status != ENTRASQL_OK) {
        os_sock_close(&fd);
        return status;
    }
    *ret_fd = fd;
    *ret_port = os_address_port(&bound);
    return ENTRASQL_OK;
}

entrasql_status os_sock_listen_loopback(int family, uint16_t port, int backlog, int *ret_fd,
                                        uint16_t *ret_port, entrasql_error *err)
{
    os_address address = loopback(family, port);
    return os_sock_listen(&address, backlog, ret_fd, ret_port, err);
}

entrasql_status os_sock_listen_unix(const os_address *address, mode_t mode, int backlog,
                                    int *ret_fd, entrasql_error *err)
{
    const struct sockaddr_un *local = (const struct sockaddr_un *)(const void *)&address->storage;
    const struct sockaddr *at = (const struct sockaddr *)(const void *)&address->storage;
    entrasql_status status = ENTRASQL_OK;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    /* Nobody can connect before listen(): the mode is never wider than it should be. */
    if (fd < 0 || bind(fd, at, address->len) != 0 || chmod(local->sun_path, mode) != 0 ||
        listen(fd, backlog) != 0)
        status = es_fail_errno(err, errno, "cannot listen on %s", local->sun_path);
    if (status != ENTRASQL_OK)
        os_sock_close(&fd);
    else
        *ret_fd = fd;
    return status;
}

entrasql_status os_sock_accept(int listener_fd, int *ret_fd, entrasql_error *err)
{
    for (int tries = 0; tries < ACCEPT_TRIES; tries++) {
        int fd = accept4(listener_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            *ret_fd = fd;
            return ENTRASQL_OK;
        }
        switch (errno) {
        case EAGAIN:
            return ENTRASQL_AGAIN;
        case EINTR:
        case ECONNABORTED:
        case EPROTO:
        case ENETDOWN:
        case EHOSTUNREACH:
        case ENETUNREACH:
            break;
        default:
            return es_fail_errno(err, errno, "cannot accept a connection");
        }
    }
    return ENTRASQL_AGAIN;
}

entrasql_status os_sock_local_address(int fd, os_address *ret, entrasql_error *err)
{
    os_address a = {.len = sizeof a.storage};
    if (getsockname(fd, (struct sockaddr *)(void *)&a.storage, &a.len) != 0)
        return es_fail_errno(err, errno, "cannot read the address of a socket");
    *ret = a;
    return ENTRASQL_OK;
}

entrasql_status os_sock_peer_address(int fd, os_address *ret, entrasql_error *err)
{
    os_address a = {.len = sizeof a.storage};
    if (getpeername(fd, (struct sockaddr *)(void *)&a.storage, &a.len) != 0) {
        if (errno == ENOTCONN)
            return es_fail(err, ENTRASQL_CLOSED, "the peer has closed the connection");
        return es_fail_errno(err, errno, "cannot read the address of a socket's peer");
    }
    *ret = a;
    return ENTRASQL_OK;
}

static entrasql_status fail_transfer(entrasql_error *err, int number, const char *what)
{
    if (number == EAGAIN || number == EWOULDBLOCK)
        return ENTRASQL_AGAIN;
    if (number == ENOMEM || number == ENOBUFS || number == EBADF)
        return es_fail_errno(err, number, "%s", what);
    (void)es_fail(err, ENTRASQL_NETWORK, "%s: %s", what, strerrordesc_np(number));
    if (err != NULL)
        err->os_errno = number;
    return ENTRASQL_NETWORK;
}

entrasql_status os_sock_recv(int fd, void *p, size_t n, size_t *ret_n, entrasql_error *err)
{
    ssize_t got;
    do {
        got = recv(fd, p, n, 0);
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        return fail_transfer(err, errno, "the connection broke while receiving");
    if (got == 0)
        return es_fail(err, ENTRASQL_CLOSED, "the peer closed the connection");
    *ret_n = (size_t)got;
    return ENTRASQL_OK;
}

entrasql_status os_sock_send(int fd, const void *p, size_t n, size_t *ret_n, entrasql_error *err)
{
    ssize_t sent;
    do {
        sent = send(fd, p, n, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0)
        return fail_transfer(err, errno, "the connection broke while sending");
    *ret_n = (size_t)sent;
    return ENTRASQL_OK;
}

/* What a broken connection tells needs no asking. */
static bool tells_end(int fd, short asked)
{
    struct pollfd p = {.fd = fd, .events = asked};
    return poll(&p, 1, 0) > 0 && (p.revents & (asked | POLLHUP | POLLERR | POLLNVAL)) != 0;
}

bool os_sock_peer_gone(int fd)
{
    return tells_end(fd, POLLRDHUP);
}

bool os_sock_is_broken(int fd)
{
    return tells_end(fd, 0);
}

void os_sock_close(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}
