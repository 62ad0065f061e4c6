/* SPDX-License-Identifier: MIT */
/* The kernel's keyrings. */
#include "os/keyring.h"

#include "base/mem.h"

#include <errno.h>
#include <linux/keyctl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define KEY_TYPE "user"
#define MAX_KEY 256

static long keyctl(int operation, long a, long b, long c, long d)
{
    return syscall(SYS_keyctl, operation, a, b, c, d);
}

static entrasql_status failure(int reason, entrasql_error *err)
{
    bool is_forbidden =
        reason == ENOSYS || reason == EPERM || reason == EACCES || reason == EOPNOTSUPP;
    es_fail_errno(err, reason, "the kernel's keyring cannot be used");
    if (reason == EDQUOT) {
        es_hint(err, "the user's keys have no room left: see /proc/key-users");
        if (err != NULL)
            err->status = ENTRASQL_LIMIT;
        return ENTRASQL_LIMIT;
    }
    if (!is_forbidden)
        return ENTRASQL_OS;
    if (err != NULL) {
        err->status = ENTRASQL_UNAVAILABLE;
        err->error_class = entrasql_status_class(ENTRASQL_UNAVAILABLE);
    }
    es_hint(err, "containers usually forbid it; another protection of the cache, or a plain file, "
                 "has to be asked for");
    return ENTRASQL_UNAVAILABLE;
}

/* The ring to look in: the persistent one, linked to the user's, else the user's own. */
static entrasql_status open_ring(long *ret, entrasql_error *err)
{
    long ring = keyctl(KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_KEYRING, 1, 0, 0);
    if (ring < 0)
        return failure(errno, err);
    long persistent = keyctl(KEYCTL_GET_PERSISTENT, -1, ring, 0, 0);
    *ret = persistent >= 0 ? persistent : ring;
    return ENTRASQL_OK;
}

/*
 * A session keyring that is not linked to the user's (systemd services have such) does not possess
 * its keys, and so may not read them; through the thread's own keyring it does.
 */
static bool possess(void)
{
    return keyctl(KEYCTL_LINK, KEY_SPEC_USER_KEYRING, KEY_SPEC_THREAD_KEYRING, 0, 0) == 0;
}

static long search(long ring, const char *description)
{
    long key =
        keyctl(KEYCTL_SEARCH, ring, (long)(uintptr_t)KEY_TYPE, (long)(uintptr_t)description, 0);
    if (key < 0 && errno == EACCES && possess())
        key =
            keyctl(KEYCTL_SEARCH, ring, (long)(uintptr_t)KEY_TYPE, (long)(uintptr_t)description, 0);
    return key;
}

static bool is_missing(int reason)
{
    return reason == ENOKEY || reason == EKEYEXPIRED || reason == EKEYREVOKED || reason == ENOENT;
}

static entrasql_status not_found(const char *description, entrasql_error *err)
{
    return es_fail(err, ENTRASQL_NOT_FOUND, "there is no key \"%s\" in the kernel's keyring",
                   description);
}

entrasql_status os_keyring_find(const char *description, void *ret, size_t n, int32_t *ret_serial,
                                entrasql_error *err)
{
    uint8_t block[MAX_KEY];
    long ring;
    if (n > sizeof block)
        return es_fail(err, ENTRASQL_LIMIT, "a key of the keyring is at most %d bytes", MAX_KEY);
    ES_TRY(open_ring(&ring, err));
    long key = search(ring, description);
    if (key < 0)
        return is_missing(errno) ? not_found(description, err) : failure(errno, err);
    long length = keyctl(KEYCTL_READ, key, (long)(uintptr_t)block, sizeof block, 0);
    if (length < 0 && errno == EACCES && possess())
        length = keyctl(KEYCTL_READ, key, (long)(uintptr_t)block, sizeof block, 0);
    if (length < 0)
        return is_missing(errno) ? not_found(description, err) : failure(errno, err);
    entrasql_status status = ENTRASQL_OK;
    if ((size_t)length == n)
        memcpy(ret, block, n);
    else
        status = not_found(description, err);
    es_wipe(block, sizeof block);
    *ret_serial = (int32_t)key;
    return status;
}

entrasql_status os_keyring_put(const char *description, const void *key, size_t n,
                               int32_t *ret_serial, entrasql_error *err)
{
    long ring;
    ES_TRY(open_ring(&ring, err));
    long serial = syscall(SYS_add_key, KEY_TYPE, description, key, n, ring);
    if (serial < 0 && errno == EACCES && possess())
        serial = syscall(SYS_add_key, KEY_TYPE, description, key, n, ring);
    if (serial < 0)
        return failure(errno, err);
    *ret_serial = (int32_t)serial;
    return ENTRASQL_OK;
}

entrasql_status os_keyring_remove(const char *description, entrasql_error *err)
{
    long ring;
    ES_TRY(open_ring(&ring, err));
    long key = search(ring, description);
    if (key >= 0 && keyctl(KEYCTL_UNLINK, key, ring, 0, 0) == 0)
        return ENTRASQL_OK;
    return is_missing(errno) ? ENTRASQL_OK : failure(errno, err);
}
