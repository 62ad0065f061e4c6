/* SPDX-License-Identifier: MIT */
/*
 * TCP sockets as all of entrasql uses them: non-blocking, close-on-exec, no
 * Nagle delay, keepalive as Microsoft's drivers set it (30 s idle, 1 s
 * between probes). And who is at the other end: the user id of a local peer.
 *
 * Descriptors are plain ints that the caller closes (os_sock_close()). No call
 * here blocks, except that os_sock_peer_uid() asks the kernel, which answers at
 * once. Any thread. Nothing raises SIGPIPE.
 */
#ifndef OS_SOCK_H
#define OS_SOCK_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

typedef struct os_address {
    struct sockaddr_storage storage;
    socklen_t len;
} os_address;

#define OS_ADDRESS_TEXT_SIZE 64

/* "127.0.0.1:1433", "[::1]:1433", "unix socket"; always NUL-terminated. */
void os_address_format(const os_address *address, char ret[OS_ADDRESS_TEXT_SIZE]);
uint16_t os_address_port(const os_address *address); /* 0 unless TCP */
bool os_address_is_loopback(const os_address *address);
/* An address in digits, "192.0.2.1" or "2001:db8::1"; INVALID for anything else, names too. */
entrasql_status os_address_from_numeric(const char *host, uint16_t port, os_address *ret,
                                        entrasql_error *err) ES_MUST_USE;

/*
 * Starts connecting. *ret_fd is the caller's; wait for POLLOUT, then call
 * os_sock_connect_finish(), which may also be called too early (AGAIN).
 * NETWORK names the address and the reason.
 */
entrasql_status os_sock_connect_start(const os_address *address, int *ret_fd,
                                      entrasql_error *err) ES_MUST_USE;
entrasql_status os_sock_connect_finish(int fd, const os_address *address,
                                       entrasql_error *err) ES_MUST_USE;

/*
 * Listens on loopback: AF_INET is 127.0.0.1, AF_INET6 is ::1 (that only). Port 0
 * lets the kernel choose; ret_port tells which. BUSY when the port is taken.
 */
entrasql_status os_sock_listen_loopback(int family, uint16_t port, int backlog, int *ret_fd,
                                        uint16_t *ret_port, entrasql_error *err) ES_MUST_USE;

/*
 * As that, on any TCP address; [::] takes IPv4 as well. What it accepts has the options of
 * os_sock_tune() from the start: Linux copies the listener's.
 */
entrasql_status os_sock_listen(const os_address *address, int backlog, int *ret_fd,
                               uint16_t *ret_port, entrasql_error *err) ES_MUST_USE;

/* Listens on a unix socket with that mode, whose path must not exist yet. */
entrasql_status os_sock_listen_unix(const os_address *address, mode_t mode, int backlog,
                                    int *ret_fd, entrasql_error *err) ES_MUST_USE;

/*
 * One connection of a listener, or AGAIN. A client that went away between
 * connect and accept is passed over. OS when descriptors have run out. Of a TCP listener that was
 * not made here os_sock_tune() is still to be called.
 */
entrasql_status os_sock_accept(int listener_fd, int *ret_fd, entrasql_error *err) ES_MUST_USE;

/* Both ends of a connected socket. */
entrasql_status os_sock_local_address(int fd, os_address *ret, entrasql_error *err) ES_MUST_USE;
entrasql_status os_sock_peer_address(int fd, os_address *ret, entrasql_error *err) ES_MUST_USE;

/* Keepalive and TCP_NODELAY; done by connect and listen. Unix sockets are left alone. */
void os_sock_tune(int fd);

/*
 * recv and send. AGAIN: would block. CLOSED: the peer ended its side (recv).
 * NETWORK: reset and the like. n > 0; *ret_n > 0 on success.
 */
entrasql_status os_sock_recv(int fd, void *p, size_t n, size_t *ret_n,
                             entrasql_error *err) ES_MUST_USE;
entrasql_status os_sock_send(int fd, const void *p, size_t n, size_t *ret_n,
                             entrasql_error *err) ES_MUST_USE;
/* Readable is what has so many bytes; 1: any. Only a wish: the end of the peer's side is told at
   once, and a receive takes what is there. */
void os_sock_set_low_mark(int fd, size_t bytes);
/* Whether the peer has ended or broken the connection; takes no bytes away. */
bool os_sock_peer_gone(int fd);
/* Whether it is broken, so that nothing reaches the peer any more. */
bool os_sock_is_broken(int fd);

/*
 * The user that owns the other end of a connected local socket: SO_PEERCRED
 * for unix sockets; for loopback TCP the kernel's socket table (sock_diag, else
 * /proc/net/tcp and tcp6), which needs no privilege.
 * NOT_FOUND: the peer's socket is gone. UNSUPPORTED: not a local peer, or the
 * kernel does not tell, or only that it is one of those whom our user namespace
 * does not map; err says which.
 */
entrasql_status os_sock_peer_uid(int fd, uid_t *ret_uid, entrasql_error *err) ES_MUST_USE;
/*
 * As that, for who asks often: *diag_fd is the socket by which the kernel is asked, -1 at first,
 * kept from call to call, and the caller's to close. One thread at a time.
 */
entrasql_status os_sock_peer_uid_by(int *diag_fd, int fd, uid_t *ret_uid,
                                    entrasql_error *err) ES_MUST_USE;

/* Closes and sets -1; -1 is allowed. */
void os_sock_close(int *fd);

#endif
