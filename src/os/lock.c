/* SPDX-License-Identifier: MIT */
/* Lock files by flock(2), which also tells apart two holders in one process. */
#include "os/lock.h"

#include "base/mem.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

struct os_lock {
    int fd;
};

/* The holder writes its number for people; the lock itself is the kernel's. */
static entrasql_status busy(int fd, const char *path, entrasql_error *err)
{
    char text[24];
    uint64_t pid;
    ssize_t n = pread(fd, text, sizeof text, 0);
    if (n > 1 && text[n - 1] == '\n' &&
        es_parse_u64(text, (size_t)n - 1, INT32_MAX, &pid) == ENTRASQL_OK)
        return es_fail(err, ENTRASQL_BUSY, "%s is locked by process %llu", path,
                       (unsigned long long)pid);
    return es_fail(err, ENTRASQL_BUSY, "%s is locked by another process", path);
}

/* On a full disk it may be cut; without its end of line busy() does not believe it. */
static void write_pid(int fd)
{
    char text[24];
    int n = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) == 0)
        (void)!pwrite(fd, text, (size_t)n, 0);
}

static entrasql_status take(int fd, const char *path, entrasql_error *err)
{
    int result;
    do
        result = flock(fd, LOCK_EX | LOCK_NB);
    while (result != 0 && errno == EINTR);
    if (result == 0)
        return ENTRASQL_OK;
    if (errno == EWOULDBLOCK)
        return busy(fd, path, err);
    return es_fail_errno(err, errno, "cannot lock %s", path);
}

entrasql_status os_lock_take(const char *path, os_lock **ret, entrasql_error *err)
{
    os_lock *lock = es_malloc(sizeof *lock);
    if (lock == NULL)
        return es_nomem(err);
    lock->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
    if (lock->fd < 0) {
        int reason = errno;
        es_free(lock);
        return es_fail_errno(err, reason, "cannot open the lock file %s", path);
    }
    entrasql_status status = take(lock->fd, path, err);
    if (status != ENTRASQL_OK) {
        os_lock_free(lock);
        return status;
    }
    write_pid(lock->fd);
    *ret = lock;
    return ENTRASQL_OK;
}

void os_lock_free(os_lock *lock)
{
    if (lock == NULL)
        return;
    (void)close(lock->fd);
    es_free(lock);
}
