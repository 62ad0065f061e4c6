/* SPDX-License-Identifier: MIT */
/* Small files: read whole, written whole or not at all. */
#include "os/file.h"

#include "base/mem.h"
#include "base/random.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void close_fd(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
}

static entrasql_status open_failure(const char *verb, const char *path, entrasql_error *err)
{
    if (errno != ENOENT && errno != ENOTDIR)
        return es_fail_errno(err, errno, "cannot %s %s", verb, path);
    es_fail_errno(err, errno, "cannot %s %s", verb, path);
    if (err != NULL) {
        err->status = ENTRASQL_NOT_FOUND;
        err->error_class = entrasql_status_class(ENTRASQL_NOT_FOUND);
    }
    return ENTRASQL_NOT_FOUND;
}

static entrasql_status read_all(int fd, const char *path, es_buf *out, entrasql_error *err)
{
    for (;;) {
        /* One byte more than the ceiling tells a file that is too long from one that just fits. */
        uint8_t block[4096];
        size_t room = out->ceiling - out->len;
        ssize_t n = read(fd, block, room < sizeof block ? room + 1 : sizeof block);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return es_fail_errno(err, errno, "cannot read %s", path);
        if (n == 0)
            return ENTRASQL_OK;
        entrasql_status status = es_buf_add(out, block, (size_t)n);
        es_wipe(block, sizeof block);
        if (status == ENTRASQL_LIMIT)
            return es_fail(err, status, "%s is larger than the limit of %zu bytes", path,
                           out->ceiling);
        if (status != ENTRASQL_OK)
            return es_nomem(err);
    }
}

typedef enum demand { ANY, OWN, PRIVATE, SECRET } demand;

static entrasql_status check_owner(const char *path, demand wanted, const struct stat *st,
                                   entrasql_error *err)
{
    unsigned others = wanted == PRIVATE ? S_IRWXG | S_IRWXO : S_IWGRP | S_IWOTH;
    bool is_ours = st->st_uid == geteuid() || (wanted == OWN && st->st_uid == 0);
    if (wanted == SECRET) {
        /* root may hand it to a group, as Kubernetes does with the files of a Secret. */
        others = st->st_uid == 0 ? S_IRWXO | S_IWGRP : S_IRWXG | S_IRWXO;
        is_ours = st->st_uid == geteuid() || st->st_uid == 0;
    }
    if (wanted == ANY || (is_ours && (st->st_mode & others) == 0))
        return ENTRASQL_OK;
    if (wanted == OWN || !is_ours)
        return es_fail(err, ENTRASQL_INVALID, "%s belongs to somebody else, or others may write it",
                       path);
    es_fail(err, ENTRASQL_INVALID, "%s is open to other users (mode %03o)", path,
            (unsigned)(st->st_mode & 0777));
    es_hint(err, "chmod 600 it; what is in it may be known to others");
    return ENTRASQL_INVALID;
}

/* *ret_fd is the caller's to close, on failure too. */
static entrasql_status open_regular(const char *path, int flags, int *ret_fd, struct stat *st,
                                    entrasql_error *err)
{
    /* O_NONBLOCK: a FIFO by that name must not stop us before it is refused. */
    int fd = *ret_fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | flags);
    if (fd < 0 && errno == ELOOP && (flags & O_NOFOLLOW) != 0)
        return es_fail(err, ENTRASQL_INVALID, "%s is a symbolic link", path);
    if (fd < 0)
        return open_failure("open", path, err);
    if (fstat(fd, st) != 0)
        return es_fail_errno(err, errno, "cannot look at %s", path);
    if (!S_ISREG(st->st_mode))
        return es_fail(err, ENTRASQL_INVALID, "%s is not a regular file", path);
    return ENTRASQL_OK;
}

entrasql_status os_file_check(const char *path, size_t max_bytes, entrasql_error *err)
{
    ES_CLEANUP(close_fd) int fd = -1;
    struct stat st;
    ES_TRY(open_regular(path, 0, &fd, &st, err));
    if (st.st_size > 0 && (uintmax_t)st.st_size > max_bytes)
        return es_fail(err, ENTRASQL_LIMIT, "%s is larger than the limit of %zu bytes", path,
                       max_bytes);
    return ENTRASQL_OK;
}

static entrasql_status read_file(const char *path, int flags, demand wanted, es_buf *out,
                                 entrasql_error *err)
{
    ES_CLEANUP(close_fd) int fd = -1;
    struct stat st;
    ES_TRY(open_regular(path, flags, &fd, &st, err));
    ES_TRY(check_owner(path, wanted, &st, err));
    size_t before = out->len;
    entrasql_status status = read_all(fd, path, out, err);
    if (status != ENTRASQL_OK)
        es_buf_truncate(out, before);
    return status;
}

entrasql_status os_file_read(const char *path, es_buf *out, entrasql_error *err)
{
    return read_file(path, 0, ANY, out, err);
}

entrasql_status os_file_read_strict(const char *path, bool own_only, es_buf *out,
                                    entrasql_error *err)
{
    return read_file(path, O_NOFOLLOW, own_only ? OWN : ANY, out, err);
}

entrasql_status os_file_read_private(const char *path, es_buf *out, entrasql_error *err)
{
    return read_file(path, O_NOFOLLOW, PRIVATE, out, err);
}

entrasql_status os_file_read_secret(const char *path, es_buf *out, entrasql_error *err)
{
    return read_file(path, 0, SECRET, out, err);
}

static entrasql_status write_all(int fd, const char *path, const uint8_t *p, size_t n,
                                 entrasql_error *err)
{
    while (n != 0) {
        ssize_t done = write(fd, p, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return es_fail_errno(err, errno, "cannot write %s", path);
        p += done;
        n -= (size_t)done;
    }
    if (fsync(fd) != 0)
        return es_fail_errno(err, errno, "cannot flush %s", path);
    return ENTRASQL_OK;
}

/* The rename itself is only safe on disk when the folder is flushed too. */
static void flush_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    ES_CLEANUP(es_cleanup_free)
    char *folder = slash == NULL ? es_strdup(".") : es_strndup(path, (size_t)(slash - path) + 1);
    if (folder == NULL)
        return;
    ES_CLEANUP(close_fd) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0)
        (void)fsync(fd);
}

static entrasql_status replace_file(const char *path, const char *temporary, const void *p,
                                    size_t n, mode_t mode, entrasql_error *err)
{
    ES_CLEANUP(close_fd)
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return open_failure("write", path, err); /* the other name says nothing to people */
    entrasql_status status = write_all(fd, temporary, p, n, err);
    if (status == ENTRASQL_OK && fchmod(fd, mode) != 0)
        status = es_fail_errno(err, errno, "cannot set the mode of %s", temporary);
    if (status == ENTRASQL_OK && rename(temporary, path) != 0)
        status = es_fail_errno(err, errno, "cannot rename %s to %s", temporary, path);
    if (status != ENTRASQL_OK)
        (void)unlink(temporary);
    return status;
}

bool os_file_is_exposed(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && (st.st_mode & (S_IRWXG | S_IRWXO)) != 0;
}

entrasql_status os_file_write(const char *path, const void *p, size_t n, mode_t mode,
                              entrasql_error *err)
{
    es_buf name = ES_BUF_INIT(1 << 16);
    entrasql_status status = es_buf_printf(&name, "%s.%016llx.tmp", path,
                                           (unsigned long long)es_random_below(UINT64_MAX));
    const char *temporary = status == ENTRASQL_OK ? es_buf_cstr(&name) : NULL;
    status = temporary != NULL ? replace_file(path, temporary, p, n, mode, err) : es_nomem(err);
    es_buf_done(&name);
    if (status == ENTRASQL_OK)
        flush_folder(path);
    return status;
}

static entrasql_status make_one(const char *path, mode_t mode, entrasql_error *err)
{
    struct stat st;
    if (mkdir(path, mode) == 0)
        return ENTRASQL_OK;
    int reason = errno;
    if (reason == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return ENTRASQL_OK;
    return es_fail_errno(err, reason == EEXIST ? ENOTDIR : reason, "cannot make the folder %s",
                         path);
}

entrasql_status os_dir_make(const char *path, mode_t mode, entrasql_error *err)
{
    ES_CLEANUP(es_cleanup_free) char *part = es_strdup(path);
    if (part == NULL)
        return es_nomem(err);
    for (char *p = part; *p != '\0'; p++) {
        if (*p != '/' || p == part)
            continue;
        *p = '\0';
        ES_TRY(make_one(part, mode, err));
        *p = '/';
    }
    return make_one(part, mode, err);
}

entrasql_status os_file_remove(const char *path, entrasql_error *err)
{
    if (unlink(path) == 0 || errno == ENOENT)
        return ENTRASQL_OK;
    return es_fail_errno(err, errno, "cannot remove %s", path);
}

entrasql_status os_state_path(const char *name, char **ret, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf path = ES_BUF_INIT(PATH_MAX);
    const char *state = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    entrasql_status status = ENTRASQL_OK;

    if (state != NULL && *state == '/')
        status = es_buf_printf(&path, "%s/entrasql/%s", state, name);
    else if (!es_str_is_empty(home))
        status = es_buf_printf(&path, "%s/.local/state/entrasql/%s", home, name);
    else
        return es_fail(err, ENTRASQL_CONFIG, "neither HOME nor XDG_STATE_HOME is set");
    if (status == ENTRASQL_LIMIT)
        return es_fail(err, status, "the path of the state folder is too long");
    *ret = status == ENTRASQL_OK ? es_buf_take(&path, NULL) : NULL;
    return *ret != NULL ? ENTRASQL_OK : es_nomem(err);
}
