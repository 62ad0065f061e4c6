/* SPDX-License-Identifier: MIT */
/* What the files of this folder share: the OpenSSL objects inside, and its errors as ours. */
#ifndef CRYPTO_INTERNAL_H
#define CRYPTO_INTERNAL_H

#include "base/error.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

#define CRYPTO_KEY_ID_SIZE 44 /* base64url of 32 bytes and a NUL */

struct crypto_key {
    EVP_PKEY *pkey;
    char id[CRYPTO_KEY_ID_SIZE];
};

struct crypto_cert {
    X509 *x509;
};

/* Takes the key over, also on failure. UNSUPPORTED: not RSA of a usable size. */
entrasql_status crypto_key_wrap(EVP_PKEY *pkey, struct crypto_key **ret,
                                entrasql_error *err) ES_MUST_USE;

/* Fills err with the text and OpenSSL's own reason, and empties OpenSSL's queue of this thread. */
entrasql_status crypto_fail(entrasql_error *err, entrasql_status status, const char *fmt, ...)
    ES_PRINTF(3, 4);

/* Appends what a memory BIO holds. */
struct es_buf;
entrasql_status crypto_bio_to_buf(BIO *bio, struct es_buf *out, entrasql_error *err) ES_MUST_USE;

#endif
