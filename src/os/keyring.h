/* SPDX-License-Identifier: MIT */
/*
 * Secret keys in the kernel's keyring of the user (keyrings(7)): readable by the user's processes
 * only, never on disk, lost at reboot. The persistent keyring is used where the kernel has one, so
 * that the keys outlive the user's sessions. By system calls; nothing of libkeyutils is needed.
 *
 * Any thread. Where reading needs it, the user's keyring is linked to the keyring of the calling
 * thread; nothing else of the process changes.
 */
#ifndef OS_KEYRING_H
#define OS_KEYRING_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Copies the key of that description into ret (n bytes) and tells its serial number. NOT_FOUND:
 * there is none, or it is of another size. UNAVAILABLE: keyrings may not be used here (in
 * containers), with a hint. OS.
 */
entrasql_status os_keyring_find(const char *description, void *ret, size_t n, int32_t *ret_serial,
                                entrasql_error *err) ES_MUST_USE;
/* Puts a key there in the place of one with that description. UNAVAILABLE, OS, LIMIT: no room. */
entrasql_status os_keyring_put(const char *description, const void *key, size_t n,
                               int32_t *ret_serial, entrasql_error *err) ES_MUST_USE;
/* Takes it away; one that is not there is fine. UNAVAILABLE, OS. */
entrasql_status os_keyring_remove(const char *description, entrasql_error *err) ES_MUST_USE;

#endif
