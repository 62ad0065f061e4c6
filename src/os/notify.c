/* SPDX-License-Identifier: MIT */
/* The notification protocol of systemd, which is one datagram. */
#include "os/notify.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define STATE_MAX_BYTES 1024

struct os_notify {
    int fd;
    struct sockaddr_un to;
    socklen_t to_len;
    int64_t watchdog_ms;
};

/* "/run/x" or "@abstract"; vsock addresses are for virtual machines. */
static entrasql_status read_address(const char *path, os_notify *n, entrasql_error *err)
{
    size_t len = strlen(path);
    if ((path[0] != '/' && path[0] != '@') || len < 2 || len >= sizeof n->to.sun_path)
        return es_fail(err, ENTRASQL_CONFIG, "NOTIFY_SOCKET is no address of a unix socket");
    n->to.sun_family = AF_UNIX;
    memcpy(n->to.sun_path, path, len + 1);
    if (path[0] == '@')
        n->to.sun_path[0] = '\0';
    /* A name in the abstract space ends where its length says; a path's counts its NUL. */
    n->to_len =
        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (path[0] == '/' ? 1 : 0));
    return ENTRASQL_OK;
}

/* WATCHDOG_USEC is meant for WATCHDOG_PID alone, when that is there. */
static int64_t read_watchdog(void)
{
    const char *usec = secure_getenv("WATCHDOG_USEC");
    const char *pid = secure_getenv("WATCHDOG_PID");
    uint64_t n = 0;
    uint64_t owner = 0;
    if (pid != NULL && (es_parse_u64(pid, strlen(pid), INT32_MAX, &owner) != ENTRASQL_OK ||
                        (pid_t)owner != getpid()))
        return 0;
    if (usec == NULL || es_parse_u64(usec, strlen(usec), INT64_MAX, &n) != ENTRASQL_OK || n == 0)
        return 0;
    return n >= 2000 ? (int64_t)(n / 1000) : 2;
}

entrasql_status os_notify_open(os_notify **ret, entrasql_error *err)
{
    const char *path = secure_getenv("NOTIFY_SOCKET");
    *ret = NULL;
    if (es_str_is_empty(path))
        return ENTRASQL_OK;
    os_notify *n = es_calloc(1, sizeof *n);
    if (n == NULL)
        return es_nomem(err);
    entrasql_status status = read_address(path, n, err);
    if (status == ENTRASQL_OK) {
        n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (n->fd < 0)
            status = es_fail_errno(err, errno, "cannot make a socket for NOTIFY_SOCKET");
    }
    if (status != ENTRASQL_OK) {
        es_free(n);
        return status;
    }
    n->watchdog_ms = read_watchdog();
    (void)unsetenv("NOTIFY_SOCKET");
    (void)unsetenv("WATCHDOG_USEC");
    (void)unsetenv("WATCHDOG_PID");
    *ret = n;
    return ENTRASQL_OK;
}

bool os_notify_send(const os_notify *n, const char *state)
{
    char text[STATE_MAX_BYTES];
    if (n == NULL)
        return true;
    int len = es_starts_with(state, "RELOADING=1")
                  ? snprintf(text, sizeof text, "MONOTONIC_USEC=%lld\n%s",
                             (long long)es_clock_mono_us(), state)
                  : snprintf(text, sizeof text, "%s", state);
    if (len < 0 || (size_t)len >= sizeof text)
        return false;
    return sendto(n->fd, text, (size_t)len, MSG_NOSIGNAL, (const struct sockaddr *)&n->to,
                  n->to_len) == len;
}

int64_t os_notify_watchdog_ms(const os_notify *n)
{
    return n != NULL ? n->watchdog_ms : 0;
}

void os_notify_close(os_notify *n)
{
    if (n == NULL)
        return;
    (void)close(n->fd);
    es_free(n);
}
