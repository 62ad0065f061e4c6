/* SPDX-License-Identifier: MIT */
/* RSA keys. */
#include "key.h"

#include "base/base64.h"
#include "base/mem.h"
#include "digest.h"
#include "internal.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <limits.h>
#include <string.h>

static void bio_cleanup(BIO **bio)
{
    BIO_free(*bio);
}

void crypto_key_free(crypto_key *key)
{
    if (key == NULL)
        return;
    EVP_PKEY_free(key->pkey);
    es_free(key);
}

/* The id is computed once, so that signing only prints it. */
static entrasql_status set_id(crypto_key *key, entrasql_error *err)
{
    unsigned char *der = NULL;
    int n = i2d_PUBKEY(key->pkey, &der);
    if (n <= 0)
        return crypto_fail(err, ENTRASQL_INTERNAL, "the public key cannot be encoded");
    uint8_t hash[CRYPTO_SHA256_SIZE];
    entrasql_status status = crypto_sha256(der, (size_t)n, hash);
    OPENSSL_free(der);
    if (status != ENTRASQL_OK)
        return crypto_fail(err, status, "the public key cannot be hashed");
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(CRYPTO_KEY_ID_SIZE);
    if (es_base64url_encode(hash, sizeof hash, &text) != ENTRASQL_OK)
        return es_nomem(err);
    memcpy(key->id, text.data, text.len);
    key->id[text.len] = 0;
    return ENTRASQL_OK;
}

entrasql_status crypto_key_wrap(EVP_PKEY *pkey, crypto_key **ret, entrasql_error *err)
{
    int bits = EVP_PKEY_get_bits(pkey);
    if (EVP_PKEY_get_base_id(pkey) != EVP_PKEY_RSA || bits < CRYPTO_KEY_BITS ||
        bits > CRYPTO_KEY_MAX_BITS) {
        EVP_PKEY_free(pkey);
        return es_fail(err, ENTRASQL_UNSUPPORTED, "the key is not RSA of %d to %d bits",
                       CRYPTO_KEY_BITS, CRYPTO_KEY_MAX_BITS);
    }
    crypto_key *key = es_calloc(1, sizeof *key);
    if (key == NULL) {
        EVP_PKEY_free(pkey);
        return es_nomem(err);
    }
    key->pkey = pkey;
    entrasql_status status = set_id(key, err);
    if (status != ENTRASQL_OK) {
        crypto_key_free(key);
        return status;
    }
    *ret = key;
    return ENTRASQL_OK;
}

entrasql_status crypto_key_generate(crypto_key **ret, entrasql_error *err)
{
    EVP_PKEY *pkey = EVP_RSA_gen(CRYPTO_KEY_BITS);
    if (pkey == NULL)
        return crypto_fail(err, ENTRASQL_INTERNAL, "no RSA key could be made");
    return crypto_key_wrap(pkey, ret, err);
}

/* Encrypted keys are not asked for on a terminal: nothing in here may wait for a person. */
static int no_passphrase(char *buf ES_UNUSED, int size ES_UNUSED, int rwflag ES_UNUSED,
                         void *ctx ES_UNUSED)
{
    return -1;
}

entrasql_status crypto_key_from_pem(const char *pem, size_t n, crypto_key **ret,
                                    entrasql_error *err)
{
    if (n > CRYPTO_PEM_MAX_BYTES)
        return es_fail(err, ENTRASQL_LIMIT, "a PEM text of %zu bytes is too long for a key", n);
    ES_CLEANUP(bio_cleanup) BIO *bio = BIO_new_mem_buf(pem, (int)n);
    if (bio == NULL)
        return es_nomem(err);
    EVP_PKEY *pkey = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
    if (pkey == NULL)
        return crypto_fail(err, ENTRASQL_MALFORMED, "the text is not a private key in PEM");
    return crypto_key_wrap(pkey, ret, err);
}

entrasql_status crypto_key_to_pem(const crypto_key *key, es_buf *out, entrasql_error *err)
{
    /* The secure-memory BIO zeroes its blocks when it frees them. */
    ES_CLEANUP(bio_cleanup) BIO *bio = BIO_new(BIO_s_secmem());
    if (bio == NULL)
        return es_nomem(err);
    if (PEM_write_bio_PrivateKey(bio, key->pkey, NULL, NULL, 0, NULL, NULL) != 1)
        return crypto_fail(err, ENTRASQL_INTERNAL, "the key cannot be written as PEM");
    return crypto_bio_to_buf(bio, out, err);
}

const char *crypto_key_id(const crypto_key *key)
{
    return key->id;
}

static entrasql_status add_number(const crypto_key *key, const char *name, es_buf *out,
                                  entrasql_error *err)
{
    BIGNUM *number = NULL;
    if (EVP_PKEY_get_bn_param(key->pkey, name, &number) != 1)
        return crypto_fail(err, ENTRASQL_INTERNAL, "the public key has no %s", name);
    uint8_t bytes[CRYPTO_KEY_MAX_BITS / 8];
    int n = BN_num_bytes(number);
    if (n > 0 && (size_t)n <= sizeof bytes)
        n = BN_bn2bin(number, bytes);
    else
        n = 0;
    BN_free(number);
    if (n == 0)
        return es_fail(err, ENTRASQL_UNSUPPORTED, "the public key is too large");
    if (es_base64url_encode(bytes, (size_t)n, out) != ENTRASQL_OK)
        return es_nomem(err);
    return ENTRASQL_OK;
}

entrasql_status crypto_key_public_numbers(const crypto_key *key, es_buf *n, es_buf *e,
                                          entrasql_error *err)
{
    ES_TRY(add_number(key, OSSL_PKEY_PARAM_RSA_N, n, err));
    return add_number(key, OSSL_PKEY_PARAM_RSA_E, e, err);
}
