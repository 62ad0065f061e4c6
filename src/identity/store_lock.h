/* SPDX-License-Identifier: MIT */
/*
 * The lock that all MSALs put around a change of a cache: "<file>.lockfile", made exclusively, with
 * the owner's process number in it, removed afterwards. Ours is also locked by flock(2), which
 * some of the others do too, and which the kernel gives back when its owner dies.
 *
 * A file that was left behind (its process is gone, or it is older than any change takes) is
 * removed, unless somebody holds its flock.
 */
#ifndef IDENTITY_STORE_LOCK_H
#define IDENTITY_STORE_LOCK_H

#include "base/error.h"

typedef struct identity_store_lock {
    const char *path; /* borrowed */
    int fd;           /* -1: not held */
} identity_store_lock;

#define IDENTITY_STORE_LOCK_INIT(lock_path) ((identity_store_lock){.path = (lock_path), .fd = -1})

/* OK: held. AGAIN: somebody else has it. OS. */
entrasql_status identity_store_lock_try(identity_store_lock *lock, entrasql_error *err) ES_MUST_USE;
void identity_store_lock_release(identity_store_lock *lock); /* not held: nothing */

#endif
