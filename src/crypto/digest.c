/* SPDX-License-Identifier: MIT */
/* Digests over bytes in memory. */
#include "digest.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <limits.h>

static entrasql_status digest(const EVP_MD *md, const void *p, size_t n, uint8_t *ret)
{
    unsigned len = 0;
    if (EVP_Digest(n != 0 ? p : "", n, ret, &len, md, NULL) != 1)
        return ENTRASQL_INTERNAL;
    return ENTRASQL_OK;
}

entrasql_status crypto_sha256(const void *p, size_t n, uint8_t ret[CRYPTO_SHA256_SIZE])
{
    return digest(EVP_sha256(), p, n, ret);
}

entrasql_status crypto_sha1(const void *p, size_t n, uint8_t ret[CRYPTO_SHA1_SIZE])
{
    return digest(EVP_sha1(), p, n, ret);
}

entrasql_status crypto_hmac_sha256(const void *key, size_t key_len, const void *p, size_t n,
                                   uint8_t ret[CRYPTO_SHA256_SIZE])
{
    if (key_len > INT_MAX)
        return ENTRASQL_LIMIT;
    unsigned len = 0;
    if (HMAC(EVP_sha256(), key_len != 0 ? key : "", (int)key_len, p, n, ret, &len) == NULL)
        return ENTRASQL_INTERNAL;
    return ENTRASQL_OK;
}

entrasql_status crypto_pbkdf2_sha256(const void *password, size_t n, const void *salt,
                                     size_t salt_len, uint32_t iterations,
                                     uint8_t ret[CRYPTO_SHA256_SIZE])
{
    if (n > INT_MAX || salt_len > INT_MAX || iterations == 0 || iterations > INT_MAX)
        return ENTRASQL_LIMIT;
    if (PKCS5_PBKDF2_HMAC(n != 0 ? password : "", (int)n, salt, (int)salt_len, (int)iterations,
                          EVP_sha256(), CRYPTO_SHA256_SIZE, ret) != 1)
        return ENTRASQL_INTERNAL;
    return ENTRASQL_OK;
}
