/* SPDX-License-Identifier: MIT */
/* Sockets that systemd hands over. */
#include "proxy/activation.h"

#include "base/str.h"
#include "os/sock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_FD 3
#define FDS_MAX 4096

static entrasql_status read_number(const char *variable, uint64_t max, uint64_t *ret,
                                   entrasql_error *err)
{
    const char *text = getenv(variable);
    if (text == NULL || text[0] == '\0') {
        es_fail(err, ENTRASQL_CONFIG, "systemd hands over no sockets (%s is not set)", variable);
        es_hint(err, "start the proxy by a .socket unit, or listen elsewhere: listen=PORT");
        return ENTRASQL_CONFIG;
    }
    if (es_parse_u64(text, strlen(text), max, ret) != ENTRASQL_OK)
        return es_fail(err, ENTRASQL_CONFIG, "%s is no number up to %llu", variable,
                       (unsigned long long)max);
    return ENTRASQL_OK;
}

/* The place of the name in LISTEN_FDNAMES; without that variable all are called "unknown". */
static entrasql_status find_name(const char *name, uint64_t count, int *ret, entrasql_error *err)
{
    const char *at = getenv("LISTEN_FDNAMES");
    for (uint64_t i = 0; i < count; i++) {
        size_t n = at != NULL ? strcspn(at, ":") : 0;
        bool is_it =
            at != NULL ? strlen(name) == n && strncmp(at, name, n) == 0 : es_streq(name, "unknown");
        if (is_it) {
            *ret = FIRST_FD + (int)i;
            return ENTRASQL_OK;
        }
        if (at != NULL)
            at += at[n] == ':' ? n + 1 : n;
    }
    es_fail(err, ENTRASQL_CONFIG, "systemd hands over no socket named '%s'", name);
    es_hint(err, "FileDescriptorName= in the .socket unit gives the name");
    return ENTRASQL_CONFIG;
}

static entrasql_status check_socket(int fd, const char *name, entrasql_error *err)
{
    int type = 0;
    int listens = 0;
    socklen_t type_size = sizeof type;
    socklen_t listens_size = sizeof listens;
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_size) != 0 || type != SOCK_STREAM)
        return es_fail(err, ENTRASQL_CONFIG, "what systemd hands over as '%s' is no stream socket",
                       name);
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &listens_size) != 0 || !listens) {
        es_fail(err, ENTRASQL_CONFIG, "the socket '%s' of systemd does not listen", name);
        es_hint(err, "Accept=no in the .socket unit: the proxy takes connections by itself");
        return ENTRASQL_CONFIG;
    }
    return ENTRASQL_OK;
}

entrasql_status proxy_activation_take(const char *name, int *ret_fd, entrasql_error *err)
{
    uint64_t pid = 0;
    uint64_t count = 0;
    int from = -1;
    ES_TRY(read_number("LISTEN_PID", INT32_MAX, &pid, err));
    ES_TRY(read_number("LISTEN_FDS", FDS_MAX, &count, err));
    if (pid != (uint64_t)getpid())
        return es_fail(err, ENTRASQL_CONFIG,
                       "the sockets of systemd are for process %llu, not for this one (%ld)",
                       (unsigned long long)pid, (long)getpid());
    ES_TRY(find_name(name, count, &from, err));
    ES_TRY(check_socket(from, name, err));
    /* Children must not have them; the original stays for a reload. */
    (void)fcntl(from, F_SETFD, FD_CLOEXEC);
    int fd = fcntl(from, F_DUPFD_CLOEXEC, FIRST_FD);
    if (fd < 0 || fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) != 0) {
        int number = errno;
        os_sock_close(&fd);
        return es_fail_errno(err, number, "cannot use the socket '%s' of systemd", name);
    }
    *ret_fd = fd;
    return ENTRASQL_OK;
}
