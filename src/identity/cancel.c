/* SPDX-License-Identifier: MIT */
/*
 * Cancelling requests from elsewhere: a flag, for those that look, and a
 * descriptor that turns readable and stays so, for those that wait.
 */
#include "base/mem.h"
#include "identity/internal.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct entrasql_cancel {
    atomic_uint refs;
    atomic_bool is_triggered;
    int fd;
};

entrasql_status entrasql_cancel_new(entrasql_cancel **ret, entrasql_error *err)
{
    entrasql_cancel *cancel = es_calloc(1, sizeof *cancel);
    if (cancel == NULL)
        return es_nomem(err);
    atomic_init(&cancel->refs, 1);
    atomic_init(&cancel->is_triggered, false);
    cancel->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (cancel->fd < 0) {
        entrasql_status status = es_fail_errno(err, errno, "no descriptor for cancelling");
        es_free(cancel);
        return status;
    }
    *ret = cancel;
    return ENTRASQL_OK;
}

/* Only what a signal handler may do: lock-free atomics and write(). */
void entrasql_cancel_trigger(entrasql_cancel *cancel)
{
    if (cancel == NULL)
        return;
    int saved_errno = errno;
    atomic_store(&cancel->is_triggered, true);
    /* Nobody reads it, so it stays readable; a full counter is as good as one. */
    ssize_t written;
    do
        written = write(cancel->fd, &(uint64_t){1}, sizeof(uint64_t));
    while (written < 0 && errno == EINTR);
    errno = saved_errno;
}

entrasql_cancel *identity_cancel_ref(entrasql_cancel *cancel)
{
    if (cancel != NULL)
        atomic_fetch_add_explicit(&cancel->refs, 1, memory_order_relaxed);
    return cancel;
}

void entrasql_cancel_unref(entrasql_cancel *cancel)
{
    if (cancel == NULL || atomic_fetch_sub_explicit(&cancel->refs, 1, memory_order_acq_rel) != 1)
        return;
    (void)close(cancel->fd);
    es_free(cancel);
}

bool identity_cancel_is_triggered(const entrasql_cancel *cancel)
{
    return cancel != NULL && atomic_load_explicit(&cancel->is_triggered, memory_order_acquire);
}

int identity_cancel_fd(const entrasql_cancel *cancel)
{
    return cancel->fd;
}
