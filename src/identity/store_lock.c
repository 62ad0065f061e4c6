/* SPDX-License-Identifier: MIT */
/* Lock files of token caches. */
#include "identity/store_lock.h"

#include "base/clock.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* A change takes milliseconds, and the others give up after 5 s. */
#define OLD_S 30
/* So long a lock file may be without its owner's number: it was just made. */
#define YOUNG_S 2

static bool is_alive(long pid)
{
    return kill((pid_t)pid, 0) == 0 || errno == EPERM;
}

/* The number at the start of the file; 0 when there is none. */
static long read_pid(int fd)
{
    char text[24];
    uint64_t pid;
    ssize_t n = pread(fd, text, sizeof text, 0);
    size_t digits = 0;
    while (n > 0 && digits < (size_t)n && es_is_digit(text[digits]))
        digits++;
    if (digits == 0 || es_parse_u64(text, digits, INT32_MAX, &pid) != ENTRASQL_OK)
        return 0;
    return (long)pid;
}

static bool is_left_behind(int fd, const struct stat *st)
{
    int64_t age_s = es_clock_wall_s() - (int64_t)st->st_mtime;
    long pid = read_pid(fd);
    return age_s > OLD_S || (age_s > YOUNG_S && pid != 0 && !is_alive(pid));
}

/* Removes a file that was left behind; whoever makes the next one has the lock. */
static void clear_away(const char *path)
{
    struct stat st, now;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return;
    /* The path may be another file by now: only the one that was looked at goes. */
    if (fstat(fd, &st) == 0 && is_left_behind(fd, &st) && flock(fd, LOCK_EX | LOCK_NB) == 0 &&
        lstat(path, &now) == 0 && now.st_ino == st.st_ino && now.st_dev == st.st_dev)
        (void)unlink(path);
    (void)close(fd);
}

static void write_pid(int fd)
{
    char text[40];
    int n = snprintf(text, sizeof text, "%ld entrasql", (long)getpid());
    /* A number that was cut and stays takes the lock from nobody: its flock is held. */
    if (n > 0 && pwrite(fd, text, (size_t)n, 0) != n)
        (void)!ftruncate(fd, 0);
}

entrasql_status identity_store_lock_try(identity_store_lock *lock, entrasql_error *err)
{
    int fd = open(lock->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 && errno == EEXIST) {
        clear_away(lock->path);
        return ENTRASQL_AGAIN;
    }
    if (fd < 0)
        return es_fail_errno(err, errno, "cannot make the lock file %s", lock->path);
    write_pid(fd);
    /* One of the others that gave up waiting for the file may still have opened this one. */
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        (void)unlink(lock->path);
        (void)close(fd);
        return ENTRASQL_AGAIN;
    }
    lock->fd = fd;
    return ENTRASQL_OK;
}

void identity_store_lock_release(identity_store_lock *lock)
{
    if (lock->fd < 0)
        return;
    struct stat own, now;
    /* Should it have been taken for left behind, the path is somebody else's by now. */
    if (fstat(lock->fd, &own) == 0 && lstat(lock->path, &now) == 0 && own.st_ino == now.st_ino &&
        own.st_dev == now.st_dev)
        (void)unlink(lock->path);
    (void)close(lock->fd);
    lock->fd = -1;
}
