/* SPDX-License-Identifier: MIT */
/* The data directory's paths and permissions. */
#include "files.h"

#include "os/file.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

char *world_path(const char *dir, const char *name)
{
    es_buf path = ES_BUF_INIT(64 * 1024);
    if (es_buf_printf(&path, "%s/%s", dir, name) != ENTRASQL_OK) {
        es_buf_done(&path);
        return NULL;
    }
    return es_buf_take(&path, NULL);
}

entrasql_status world_dir_make(const char *path, entrasql_error *err)
{
    ES_TRY(os_dir_make(path, 0700, err));
    struct stat st;
    if (stat(path, &st) != 0)
        return es_fail_errno(err, errno, "cannot look at %s", path);
    if (S_ISDIR(st.st_mode) && st.st_uid == geteuid() && (st.st_mode & (S_IWGRP | S_IWOTH)) == 0)
        return ENTRASQL_OK;
    (void)es_fail(err, ENTRASQL_CONFIG, "%s belongs to somebody else or may be written by others",
                  path);
    es_hint(err, "It holds keys: choose another directory, or run chmod 700 on it.");
    return ENTRASQL_CONFIG;
}

entrasql_status world_file_read_private(const char *path, es_buf *out, entrasql_error *err)
{
    struct stat st;
    if (stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
        (st.st_uid != geteuid() || (st.st_mode & (S_IRWXG | S_IRWXO)) != 0)) {
        (void)es_fail(err, ENTRASQL_CONFIG, "%s could be read by others than its owner", path);
        es_hint(err, "Remove the file, so that it is made anew, or run chmod 600 on it.");
        return ENTRASQL_CONFIG;
    }
    return os_file_read(path, out, err);
}
