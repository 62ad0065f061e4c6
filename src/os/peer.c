/* SPDX-License-Identifier: MIT */
/*
 * Which user owns the other end of a local connection. For loopback TCP the
 * peer's socket is looked up in the kernel's table by its four numbers as seen
 * from its side: by sock_diag(7) where the kernel has it, else in /proc/net.
 */
#include "os/sock.h"

#include "base/buf.h"
#include "base/str.h"
#include "os/file.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The kernel's default of /proc/sys/kernel/overflowuid. */
#define OVERFLOW_UID_USUAL 65534U
#define SMALL_FILE_BYTES 4096
#define PROC_LINES_MAX 1000000
#define NETLINK_ANSWERS_MAX 16

/* The peer's socket: its own address first, ours second. IPv4 in v6 form is made plain. */
typedef struct tuple {
    int family;
    uint32_t own[4]; /* as on the wire */
    uint32_t other[4];
    uint16_t own_port; /* host order */
    uint16_t other_port;
} tuple;

static void split_address(const os_address *a, int *ret_family, uint32_t ret[4])
{
    memset(ret, 0, 4 * sizeof ret[0]);
    if (a->storage.ss_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, &a->storage, sizeof v4);
        ret[0] = v4.sin_addr.s_addr;
        *ret_family = AF_INET;
        return;
    }
    struct sockaddr_in6 v6;
    memcpy(&v6, &a->storage, sizeof v6);
    if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
        memcpy(ret, &v6.sin6_addr.s6_addr[12], 4);
        *ret_family = AF_INET;
        return;
    }
    memcpy(ret, &v6.sin6_addr, 16);
    *ret_family = AF_INET6;
}

static bool is_connected_state(unsigned state)
{
    /* ESTABLISHED, FIN_WAIT1, FIN_WAIT2, CLOSE_WAIT: a process still holds such a socket. */
    return state == 1 || state == 4 || state == 5 || state == 8;
}

static entrasql_status fail_gone(entrasql_error *err)
{
    return es_fail(err, ENTRASQL_NOT_FOUND, "the peer's socket is not there any more");
}

/* ---- what a uid is worth ---- */

/* The words of a line of decimal numbers; true when they are those, in that order, and no more. */
static bool holds_numbers(const char *line, const uint64_t *wanted, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t n = 0;
        line += strspn(line, " \n");
        size_t length = strcspn(line, " \n");
        if (es_parse_u64(line, length, UINT32_MAX, &n) != ENTRASQL_OK || n != wanted[i])
            return false;
        line += length;
    }
    return line[strspn(line, " \n")] == '\0';
}

static bool file_holds(const char *path, const uint64_t *wanted, size_t count)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(SMALL_FILE_BYTES);
    if (os_file_read(path, &text, NULL) != ENTRASQL_OK)
        return false;
    const char *line = es_buf_cstr(&text);
    return line != NULL && holds_numbers(line, wanted, count);
}

/* Once this is so it stays so: a map is written once (user_namespaces(7)), and nobody leaves his
 * namespace here. A look at the files costs as much as the lookup of the peer itself. */
static bool maps_all_users(void)
{
    static const uint64_t all_uids[] = {0, 0, UINT32_MAX};
    static atomic_bool is_known;
    if (atomic_load_explicit(&is_known, memory_order_relaxed))
        return true;
    if (!file_holds("/proc/self/uid_map", all_uids, ES_COUNT_OF(all_uids)))
        return false;
    atomic_store_explicit(&is_known, true, memory_order_relaxed);
    return true;
}

static bool may_be_overflow(uid_t uid)
{
    const uint64_t number = uid;
    return uid == OVERFLOW_UID_USUAL || file_holds("/proc/sys/kernel/overflowuid", &number, 1);
}

/*
 * In a user namespace the kernel gives every user that it does not map the same number, the
 * overflow uid (user_namespaces(7), "Unmapped user and group IDs"): that is nobody in particular,
 * also where our own user has the number. What cannot be read counts as the worst.
 */
static entrasql_status give_uid(uid_t uid, uid_t *ret_uid, entrasql_error *err)
{
    if (!maps_all_users() && may_be_overflow(uid))
        return es_fail(err, ENTRASQL_UNSUPPORTED,
                       "user %u stands for every user that this user namespace does not map",
                       (unsigned)uid);
    *ret_uid = uid;
    return ENTRASQL_OK;
}

/* ---- sock_diag ---- */

static bool send_query(int fd, const tuple *t)
{
    struct {
        struct nlmsghdr head;
        struct inet_diag_req_v2 query;
    } message = {
        .head = {.nlmsg_len = sizeof message,
                 .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                 .nlmsg_flags = NLM_F_REQUEST,
                 .nlmsg_seq = 1},
        .query = {.sdiag_family = (uint8_t)t->family,
                  .sdiag_protocol = IPPROTO_TCP,
                  .idiag_states = UINT32_MAX,
                  .id = {.idiag_sport = htons(t->own_port),
                         .idiag_dport = htons(t->other_port),
                         .idiag_cookie = {INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE}}},
    };
    memcpy(message.query.id.idiag_src, t->own, sizeof t->own);
    memcpy(message.query.id.idiag_dst, t->other, sizeof t->other);
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    return sendto(fd, &message, sizeof message, 0, (struct sockaddr *)(void *)&kernel,
                  sizeof kernel) == (ssize_t)sizeof message;
}

/* UNSUPPORTED: this kernel has no sock_diag for TCP, or it cannot be asked here. */
static entrasql_status read_answer(int fd, const tuple *t, uid_t *ret_uid, entrasql_error *err)
{
    for (int i = 0; i < NETLINK_ANSWERS_MAX; i++) {
        _Alignas(struct nlmsghdr) uint8_t space[1024];
        struct sockaddr_nl from = {0};
        socklen_t from_len = sizeof from;
        ssize_t got =
            recvfrom(fd, space, sizeof space, 0, (struct sockaddr *)(void *)&from, &from_len);
        if (got < 0 && errno == EINTR)
            continue;
        struct nlmsghdr head;
        if (got < (ssize_t)sizeof head)
            return ENTRASQL_UNSUPPORTED;
        memcpy(&head, space, sizeof head);
        if (from.nl_pid != 0 || head.nlmsg_seq != 1 || head.nlmsg_len > (size_t)got)
            continue;
        if (head.nlmsg_type == NLMSG_ERROR) {
            struct nlmsgerr failure;
            if (head.nlmsg_len < NLMSG_LENGTH(sizeof failure))
                return ENTRASQL_UNSUPPORTED;
            memcpy(&failure, space + NLMSG_HDRLEN, sizeof failure);
            return failure.error == -ENOENT ? fail_gone(err) : ENTRASQL_UNSUPPORTED;
        }
        struct inet_diag_msg found;
        if (head.nlmsg_type != SOCK_DIAG_BY_FAMILY || head.nlmsg_len < NLMSG_LENGTH(sizeof found))
            return ENTRASQL_UNSUPPORTED;
        memcpy(&found, space + NLMSG_HDRLEN, sizeof found);
        /* The kernel falls back to a listener when no connection matches. */
        if (!is_connected_state(found.idiag_state) || found.idiag_inode == 0 ||
            found.id.idiag_sport != htons(t->own_port) ||
            found.id.idiag_dport != htons(t->other_port))
            return fail_gone(err);
        *ret_uid = found.idiag_uid;
        return ENTRASQL_OK;
    }
    return ENTRASQL_UNSUPPORTED;
}

static int open_sock_diag(void)
{
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    /* The kernel answers within the call to send; the limit is for a kernel that does not. */
    struct timeval limit = {.tv_sec = 1};
    if (fd >= 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    return fd;
}

/* Each question has one answer. Where it did not come the socket goes: it could come later. */
static entrasql_status ask_sock_diag(int *diag_fd, const tuple *t, uid_t *ret_uid,
                                     entrasql_error *err)
{
    if (*diag_fd < 0)
        *diag_fd = open_sock_diag();
    entrasql_status status = ENTRASQL_UNSUPPORTED;
    if (*diag_fd >= 0 && send_query(*diag_fd, t))
        status = read_answer(*diag_fd, t, ret_uid, err);
    if (status == ENTRASQL_UNSUPPORTED)
        os_sock_close(diag_fd);
    return status;
}

/* ---- /proc/net ---- */

/* One column of a line, not NUL-terminated. */
typedef struct column {
    const char *at;
    size_t n;
} column;

/* The columns that are looked at; those in between have other uses. */
enum { COLUMN_OWN = 1, COLUMN_OTHER = 2, COLUMN_STATE = 3, COLUMN_UID = 7, COLUMN_INODE = 9 };
#define COLUMNS 10

static bool split_columns(const char *line, column ret[COLUMNS])
{
    for (size_t i = 0; i < COLUMNS; i++) {
        line += strspn(line, " \n");
        ret[i] = (column){line, strcspn(line, " \n")};
        line += ret[i].n;
    }
    return ret[COLUMNS - 1].n > 0;
}

static bool parse_hex(const char *s, size_t n, uint32_t *ret)
{
    uint32_t value = 0;
    if (n == 0 || n > 8)
        return false;
    for (size_t i = 0; i < n; i++) {
        char c = es_ascii_lower(s[i]);
        if (!es_is_digit(c) && (c < 'a' || c > 'f'))
            return false;
        value = value << 4 | (uint32_t)(es_is_digit(c) ? c - '0' : c - 'a' + 10);
    }
    *ret = value;
    return true;
}

/*
 * "0100007F:1F90", or 32 digits before the colon: words as the machine stores
 * them, which is how the kernel prints them.
 */
static bool parse_end(const column *c, int *ret_family, uint32_t ret[4], uint32_t *ret_port)
{
    const char *colon = memchr(c->at, ':', c->n);
    size_t digits = colon != NULL ? (size_t)(colon - c->at) : 0;
    memset(ret, 0, 4 * sizeof ret[0]);
    if ((digits != 8 && digits != 32) || !parse_hex(colon + 1, c->n - digits - 1, ret_port))
        return false;
    for (size_t i = 0; i < digits / 8; i++) {
        if (!parse_hex(c->at + 8 * i, 8, &ret[i]))
            return false;
    }
    *ret_family = digits == 8 ? AF_INET : AF_INET6;
    if (digits == 32 && ret[0] == 0 && ret[1] == 0 && ret[2] == htonl(0xFFFF)) {
        *ret_family = AF_INET;
        ret[0] = ret[3];
        ret[2] = ret[3] = 0;
    }
    return true;
}

static bool end_matches(const column *c, int family, const uint32_t address[4], uint16_t port)
{
    int found_family = 0;
    uint32_t found[4];
    uint32_t found_port = 0;
    return parse_end(c, &found_family, found, &found_port) && found_family == family &&
           found_port == port && memcmp(found, address, sizeof found) == 0;
}

static bool line_matches(const char *line, const tuple *t, uid_t *ret_uid)
{
    column columns[COLUMNS];
    uint32_t state = 0;
    uint64_t uid = 0;
    uint64_t inode = 0;
    if (!split_columns(line, columns) ||
        !end_matches(&columns[COLUMN_OWN], t->family, t->own, t->own_port) ||
        !end_matches(&columns[COLUMN_OTHER], t->family, t->other, t->other_port))
        return false;
    const column *c = &columns[COLUMN_UID];
    if (es_parse_u64(c->at, c->n, UINT32_MAX, &uid) != ENTRASQL_OK)
        return false;
    c = &columns[COLUMN_INODE];
    if (es_parse_u64(c->at, c->n, UINT64_MAX, &inode) != ENTRASQL_OK || inode == 0)
        return false;
    c = &columns[COLUMN_STATE];
    if (!parse_hex(c->at, c->n, &state) || !is_connected_state(state))
        return false;
    *ret_uid = (uid_t)uid;
    return true;
}

static entrasql_status search_proc(const tuple *t, uid_t *ret_uid, entrasql_error *err)
{
    static const char *const files[] = {"/proc/net/tcp", "/proc/net/tcp6"};
    bool readable = false;
    for (size_t i = 0; i < ES_COUNT_OF(files); i++) {
        FILE *f = fopen(files[i], "re");
        if (f == NULL)
            continue;
        readable = true;
        char line[512];
        bool found = false;
        for (int n = 0; !found && n < PROC_LINES_MAX && fgets(line, sizeof line, f) != NULL; n++)
            found = line_matches(line, t, ret_uid);
        (void)fclose(f);
        if (found)
            return ENTRASQL_OK;
    }
    if (readable)
        return fail_gone(err);
    return es_fail(err, ENTRASQL_UNSUPPORTED,
                   "this system does not tell which user owns a local connection");
}

entrasql_status os_sock_peer_uid(int fd, uid_t *ret_uid, entrasql_error *err)
{
    int diag_fd = -1;
    entrasql_status status = os_sock_peer_uid_by(&diag_fd, fd, ret_uid, err);
    os_sock_close(&diag_fd);
    return status;
}

entrasql_status os_sock_peer_uid_by(int *diag_fd, int fd, uid_t *ret_uid, entrasql_error *err)
{
    os_address local;
    os_address peer;
    ES_TRY(os_sock_local_address(fd, &local, err));
    if (local.storage.ss_family == AF_UNIX) {
        struct ucred who;
        socklen_t size = sizeof who;
        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0)
            return es_fail_errno(err, errno, "cannot read who is at the other end of a socket");
        return give_uid(who.uid, ret_uid, err);
    }
    ES_TRY(os_sock_peer_address(fd, &peer, err));
    if (!os_address_is_loopback(&local) || !os_address_is_loopback(&peer))
        return es_fail(err, ENTRASQL_UNSUPPORTED, "the peer is not on this machine");
    tuple t = {.own_port = os_address_port(&peer), .other_port = os_address_port(&local)};
    int family;
    split_address(&peer, &t.family, t.own);
    split_address(&local, &family, t.other);
    uid_t uid = 0;
    entrasql_status status = ask_sock_diag(diag_fd, &t, &uid, err);
    if (status == ENTRASQL_UNSUPPORTED)
        status = search_proc(&t, &uid, err);
    return status == ENTRASQL_OK ? give_uid(uid, ret_uid, err) : status;
}
