/* SPDX-License-Identifier: MIT */
/*
 * A lock between processes: one holder of a lock file at a time. The kernel
 * gives it back when the holder ends, however it ends. Not inherited by
 * programs that the holder starts; a forked child shares it until it exits or runs another
 * program.
 */
#ifndef OS_LOCK_H
#define OS_LOCK_H

#include "base/error.h"

typedef struct os_lock os_lock;

/*
 * Takes the lock without waiting; the file is made (mode 0600) when missing
 * and stays afterwards. BUSY: another holder, also one in this process; the
 * message names its process number where the file says it. OS, NOMEM.
 */
entrasql_status os_lock_take(const char *path, os_lock **ret, entrasql_error *err) ES_MUST_USE;
/* Gives the lock back. NULL allowed. */
void os_lock_free(os_lock *lock);

#endif
