/* SPDX-License-Identifier: MIT */
/*
 * Small files, read and written whole. Blocking; any thread.
 *
 * Errors name the path: NOT_FOUND, LIMIT, OS (with errno), INVALID (not a
 * regular file).
 */
#ifndef OS_FILE_H
#define OS_FILE_H

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>
#include <sys/types.h>

/*
 * Appends the content of a regular file to the buffer, whose ceiling is the
 * limit; use a wiping buffer for keys and secrets. Fails with the buffer as it was.
 */
entrasql_status os_file_read(const char *path, es_buf *out, entrasql_error *err) ES_MUST_USE;

/* Whether os_file_read() would read it up to that limit; for files that a library reads itself. */
entrasql_status os_file_check(const char *path, size_t max_bytes, entrasql_error *err) ES_MUST_USE;

/* Whether others than its owner may read or change the file; false when it cannot be looked at. */
bool os_file_is_exposed(const char *path);

/*
 * The same for files that decide whom we trust or what we send: a symbolic link in the last part of
 * the path is INVALID, and so is, with own_only, a file that somebody other than we or root owns or
 * may write.
 */
entrasql_status os_file_read_strict(const char *path, bool own_only, es_buf *out,
                                    entrasql_error *err) ES_MUST_USE;

/*
 * As strict for a file with secrets of the user: it must be the user's own, and others may neither
 * write nor read it.
 */
entrasql_status os_file_read_private(const char *path, es_buf *out,
                                     entrasql_error *err) ES_MUST_USE;

/*
 * A file with a secret that an operator or a container's platform put there: ours or root's,
 * through symbolic links too; nobody else may read or write it, but that a group may read root's.
 */
entrasql_status os_file_read_secret(const char *path, es_buf *out, entrasql_error *err) ES_MUST_USE;

/*
 * Writes the whole file under a temporary name in the same folder, flushes it
 * and renames it: readers see the old content or the new, never a part. An
 * existing file is replaced, with the given mode.
 */
entrasql_status os_file_write(const char *path, const void *p, size_t n, mode_t mode,
                              entrasql_error *err) ES_MUST_USE;

/* Makes the folder and its missing parents, each with the mode; an existing folder is fine. */
entrasql_status os_dir_make(const char *path, mode_t mode, entrasql_error *err) ES_MUST_USE;

/*
 * The user's own folder of entrasql for what a program keeps between two runs, and a name below it:
 * $XDG_STATE_HOME/entrasql/NAME, else ~/.local/state/entrasql/NAME (XDG Base Directory
 * Specification: a relative path in the variable is to be ignored). Nothing is made. CONFIG without
 * HOME; free *ret with es_free.
 */
entrasql_status os_state_path(const char *name, char **ret, entrasql_error *err) ES_MUST_USE;

/* Removes a file; one that does not exist is fine. */
entrasql_status os_file_remove(const char *path, entrasql_error *err) ES_MUST_USE;

#endif
