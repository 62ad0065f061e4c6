/* SPDX-License-Identifier: MIT */
/* Host names to addresses on a helper thread. */
#include "os/resolve.h"

#include "base/mem.h"
#include "os/thread.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define HOST_MAX_BYTES 255
/*
 * Threads that name servers keep, of which nobody waits for the answer any more: getaddrinfo()
 * cannot be cancelled and gives up after half a minute or so. With so many of them no name is
 * looked up, else a busy program would have thousands by then. They are the process's, so they
 * are counted for the process.
 */
#define ABANDONED_MAX 128
static atomic_int abandoned;

/*
 * Shared by the caller and the helper thread; the last of the two frees it.
 * The thread writes `result` before it sets `finished`, and never after.
 *
 * The eventfd is the caller's alone to close: an event loop takes the number
 * out of its set after that, and by then a thread that closed it on its own
 * could have let another connection have the number. `lock` holds the close
 * back while the thread writes, and the thread writes to none that is closed.
 */
typedef struct job {
    atomic_int refs;
    atomic_bool finished;
    bool has_thread;
    pthread_mutex_t lock;
    int event_fd;      /* under `lock` once the thread runs; -1: none, or closed */
    bool is_abandoned; /* as that: nobody waits, and the thread has not finished */
    char host[HOST_MAX_BYTES + 1];
    char port[8];
    int result; /* of getaddrinfo() */
    int result_errno;
    size_t count;
    os_address addresses[OS_RESOLVE_MAX];
} job;

struct os_resolve {
    job *job;
};

static void job_unref(job *j)
{
    if (atomic_fetch_sub(&j->refs, 1) != 1)
        return;
    (void)pthread_mutex_destroy(&j->lock);
    es_free(j);
}

/* Only TCP addresses that differ: some resolvers list one twice. */
static void keep(job *j, const struct addrinfo *found)
{
    for (; found != NULL && j->count < OS_RESOLVE_MAX; found = found->ai_next) {
        if ((found->ai_family != AF_INET && found->ai_family != AF_INET6) ||
            found->ai_addrlen > sizeof j->addresses[0].storage)
            continue;
        os_address a = {.len = found->ai_addrlen};
        memcpy(&a.storage, found->ai_addr, found->ai_addrlen);
        bool known = false;
        for (size_t i = 0; i < j->count && !known; i++)
            known = j->addresses[i].len == a.len &&
                    memcmp(&j->addresses[i].storage, &a.storage, a.len) == 0;
        if (!known)
            j->addresses[j->count++] = a;
    }
}

/* "localhost" and all names below it are this machine, whatever its files say (RFC 6761, 6.3). */
static bool is_localhost(const char *host)
{
    static const char name[] = "localhost";
    size_t n = strlen(host);
    if (n > 0 && host[n - 1] == '.')
        n--;
    size_t own = sizeof name - 1;
    return n >= own && strncasecmp(host + n - own, name, own) == 0 &&
           (n == own || host[n - own - 1] == '.');
}

static void look_up(job *j, int flags)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | flags};
    struct addrinfo *found = NULL;
    j->result = getaddrinfo(j->host, j->port, &hints, &found);
    if (j->result != 0 && (flags & AI_NUMERICHOST) == 0 && is_localhost(j->host))
        j->result = getaddrinfo(NULL, j->port, &hints, &found); /* the loopback addresses */
    j->result_errno = errno;
    if (j->result == 0) {
        keep(j, found);
        freeaddrinfo(found);
    }
}

static void tell(job *j)
{
    uint64_t one = 1;
    (void)pthread_mutex_lock(&j->lock);
    if (j->event_fd >= 0) {
        /* Cannot block or be cut short: the counter is 0 and nobody else writes. */
        ssize_t written = write(j->event_fd, &one, sizeof one);
        (void)written;
    }
    (void)pthread_mutex_unlock(&j->lock);
}

static void *run(void *context)
{
    job *j = context;
    look_up(j, 0);
    (void)pthread_mutex_lock(&j->lock);
    atomic_store(&j->finished, true);
    if (j->is_abandoned)
        atomic_fetch_sub(&abandoned, 1);
    (void)pthread_mutex_unlock(&j->lock);
    tell(j);
    job_unref(j);
    return NULL;
}

static entrasql_status start_thread(job *j, entrasql_error *err)
{
    pthread_t thread;
    if (atomic_load(&abandoned) >= ABANDONED_MAX) {
        (void)es_fail(err, ENTRASQL_NETWORK,
                      "cannot look up the host name \"%s\": %d look-ups wait for name servers that "
                      "do not answer",
                      j->host, ABANDONED_MAX);
        es_hint(err, "check the network and /etc/resolv.conf");
        return ENTRASQL_NETWORK;
    }
    atomic_fetch_add(&j->refs, 1);
    int number = os_thread_start(&thread, true, run, j);
    if (number != 0) {
        job_unref(j);
        return es_fail_errno(err, number, "cannot start a thread for name resolution");
    }
    j->has_thread = true; /* the caller's side alone looks at it */
    return ENTRASQL_OK;
}

/* Takes "[::1]" for "::1". False when the host does not fit. */
static bool copy_host(const char *host, char ret[HOST_MAX_BYTES + 1])
{
    size_t n = strlen(host);
    if (n >= 2 && host[0] == '[' && host[n - 1] == ']') {
        host++;
        n -= 2;
    }
    if (n == 0 || n > HOST_MAX_BYTES)
        return false;
    memcpy(ret, host, n);
    ret[n] = '\0';
    return true;
}

bool os_host_is_ip(const char *host)
{
    job j = {.port = "0"};
    if (!copy_host(host, j.host))
        return false;
    look_up(&j, AI_NUMERICHOST);
    return j.result == 0;
}

entrasql_status os_resolve_start(const char *host, uint16_t port, os_resolve **ret,
                                 entrasql_error *err)
{
    os_resolve *r = es_calloc(1, sizeof *r);
    job *j = es_calloc(1, sizeof *j);
    if (r == NULL || j == NULL) {
        es_free(r);
        es_free(j);
        return es_nomem(err);
    }
    r->job = j;
    atomic_init(&j->refs, 1);
    atomic_init(&j->finished, false);
    (void)pthread_mutex_init(&j->lock, NULL); /* a plain one cannot fail */
    j->event_fd = -1;
    entrasql_status status = ENTRASQL_OK;
    (void)snprintf(j->port, sizeof j->port, "%u", port);
    if (!copy_host(host, j->host)) {
        status = es_fail(err, ENTRASQL_INVALID, "the host name is empty or longer than %d bytes",
                         HOST_MAX_BYTES);
    } else {
        look_up(j, AI_NUMERICHOST);
        if (j->result == 0) {
            atomic_store(&j->finished, true);
        } else {
            j->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
            status = j->event_fd >= 0 ? start_thread(j, err)
                                      : es_fail_errno(err, errno, "cannot make an eventfd");
        }
    }
    if (status != ENTRASQL_OK) {
        os_resolve_free(r);
        return status;
    }
    *ret = r;
    return ENTRASQL_OK;
}

entrasql_status os_resolve_wants(const os_resolve *r, os_wait *w)
{
    if (atomic_load(&r->job->finished)) {
        os_wait_until(w, es_clock_mono_ms());
        return ENTRASQL_OK;
    }
    return os_wait_add(w, r->job->event_fd, POLLIN);
}

static entrasql_status fail_lookup(const job *j, entrasql_error *err)
{
    if (j->result == EAI_MEMORY)
        return es_nomem(err);
    if (j->result == EAI_SYSTEM)
        (void)es_fail(err, ENTRASQL_NETWORK, "cannot look up the host name \"%s\": %s", j->host,
                      strerrordesc_np(j->result_errno));
    else
        (void)es_fail(err, ENTRASQL_NETWORK, "cannot look up the host name \"%s\": %s", j->host,
                      gai_strerror(j->result));
    if (j->result == EAI_AGAIN)
        es_hint(err, "the name servers did not answer; check the network and /etc/resolv.conf");
    else
        es_hint(err, "check the spelling of the server's name; in a private network check that its "
                     "DNS zone is linked");
    return ENTRASQL_NETWORK;
}

entrasql_status os_resolve_step(os_resolve *r, os_address ret[OS_RESOLVE_MAX], size_t *ret_count,
                                entrasql_error *err)
{
    const job *j = r->job;
    if (!atomic_load(&j->finished))
        return ENTRASQL_AGAIN;
    if (j->result != 0)
        return fail_lookup(j, err);
    if (j->count == 0)
        return es_fail(err, ENTRASQL_NETWORK, "the host name \"%s\" has no IP address", j->host);
    memcpy(ret, j->addresses, j->count * sizeof j->addresses[0]);
    *ret_count = j->count;
    return ENTRASQL_OK;
}

void os_resolve_free(os_resolve *r)
{
    if (r == NULL)
        return;
    job *j = r->job;
    (void)pthread_mutex_lock(&j->lock);
    os_sock_close(&j->event_fd);
    j->is_abandoned = j->has_thread && !atomic_load(&j->finished);
    if (j->is_abandoned)
        atomic_fetch_add(&abandoned, 1);
    (void)pthread_mutex_unlock(&j->lock);
    job_unref(j);
    es_free(r);
}
