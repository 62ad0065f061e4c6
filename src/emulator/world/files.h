/* SPDX-License-Identifier: MIT */
/*
 * The data directory: its paths, and the rule that private files are for
 * their owner only: one that others can read is refused, not used.
 */
#ifndef EMULATOR_WORLD_FILES_H
#define EMULATOR_WORLD_FILES_H

#include "base/buf.h"
#include "base/error.h"

/* "dir/name"; NULL without memory. */
char *world_path(const char *dir, const char *name) ES_MUST_USE;
/* Makes the directory and its parents, mode 0700; CONFIG for one that others may write. */
entrasql_status world_dir_make(const char *path, entrasql_error *err) ES_MUST_USE;
/* As os_file_read, but CONFIG when anybody but the owner, who must be this user, could read it. */
entrasql_status world_file_read_private(const char *path, es_buf *out,
                                        entrasql_error *err) ES_MUST_USE;

#endif
