/* SPDX-License-Identifier: MIT */
/* A128CBC-HS256 in compact form. */
#include "jwe.h"

#include "base/base64.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/secret.h"
#include "digest.h"

#include <openssl/evp.h>

#include <limits.h>
#include <string.h>

#define BLOCK 16
#define TAG_SIZE 16
#define MAC_KEY_SIZE 16 /* the first half of the key; the second encrypts */
#define PARTS 5

/* HMAC over IV, ciphertext and the length of no additional data, cut to its first half. */
static entrasql_status make_tag(const uint8_t *key, const uint8_t *iv, const es_buf *ciphertext,
                                uint8_t ret[TAG_SIZE])
{
    static const uint8_t no_bits[8] = {0};
    uint8_t mac[CRYPTO_SHA256_SIZE];
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(CRYPTO_JWE_MAX_BYTES + 64);
    ES_TRY(es_buf_add(&text, iv, BLOCK));
    ES_TRY(es_buf_add(&text, ciphertext->data, ciphertext->len));
    ES_TRY(es_buf_add(&text, no_bits, sizeof no_bits));
    ES_TRY(crypto_hmac_sha256(key, MAC_KEY_SIZE, text.data, text.len, mac));
    memcpy(ret, mac, TAG_SIZE);
    return ENTRASQL_OK;
}

static void free_context(EVP_CIPHER_CTX **c)
{
    EVP_CIPHER_CTX_free(*c);
}

/* One whole message through the cipher, with padding. AUTH_FAILED: the padding is not one. */
static entrasql_status run_cipher(bool encrypt, const uint8_t *key, const uint8_t *iv,
                                  const void *p, size_t n, es_buf *out)
{
    ES_CLEANUP(free_context) EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    uint8_t *room;
    int first = 0, last = 0;
    if (n > INT_MAX - BLOCK)
        return ENTRASQL_LIMIT;
    if (c == NULL)
        return ENTRASQL_NOMEM;
    ES_TRY(es_buf_prepare(out, n + BLOCK, &room));
    if (EVP_CipherInit_ex(c, EVP_aes_128_cbc(), NULL, key + MAC_KEY_SIZE, iv, encrypt) != 1 ||
        EVP_CipherUpdate(c, room, &first, n != 0 ? p : (const void *)"", (int)n) != 1)
        return ENTRASQL_INTERNAL;
    if (EVP_CipherFinal_ex(c, room + first, &last) != 1) {
        es_wipe(room, n + BLOCK);
        return ENTRASQL_AUTH_FAILED;
    }
    es_buf_commit(out, (size_t)first + (size_t)last);
    return ENTRASQL_OK;
}

static entrasql_status add_part(es_buf *out, const void *p, size_t n)
{
    ES_TRY(es_buf_add(out, ".", 1));
    return es_base64url_encode(p, n, out);
}

static entrasql_status write(const char *kid, const uint8_t *iv, const es_buf *ciphertext,
                             const uint8_t *tag, es_buf *out)
{
    ES_CLEANUP(es_buf_done) es_buf header = ES_BUF_INIT(1024);
    ES_TRY(es_buf_printf(
        &header, "{\"alg\":\"" CRYPTO_JWE_ALG "\",\"enc\":\"" CRYPTO_JWE_ENC "\",\"kid\":\"%s\"}",
        kid));
    ES_TRY(es_base64url_encode(header.data, header.len, out));
    ES_TRY(es_buf_add(out, ".", 1)); /* no encrypted key */
    ES_TRY(add_part(out, iv, BLOCK));
    ES_TRY(add_part(out, ciphertext->data, ciphertext->len));
    return add_part(out, tag, TAG_SIZE);
}

entrasql_status crypto_jwe_encrypt(const uint8_t key[CRYPTO_JWE_KEY_SIZE], const char *kid,
                                   const void *p, size_t n, es_buf *out)
{
    ES_CLEANUP(es_buf_done) es_buf ciphertext = ES_BUF_INIT(CRYPTO_JWE_MAX_BYTES);
    uint8_t iv[BLOCK], tag[TAG_SIZE];
    size_t before = out->len;
    es_random_bytes(iv, sizeof iv);
    ES_TRY(run_cipher(true, key, iv, p, n, &ciphertext));
    ES_TRY(make_tag(key, iv, &ciphertext, tag));
    entrasql_status status = write(kid, iv, &ciphertext, tag, out);
    if (status != ENTRASQL_OK)
        es_buf_truncate(out, before);
    return status;
}

typedef struct parts {
    const char *at[PARTS];
    size_t n[PARTS];
} parts;

static entrasql_status split(const char *text, size_t n, parts *ret)
{
    if (n > CRYPTO_JWE_MAX_BYTES)
        return ENTRASQL_LIMIT;
    for (size_t i = 0; i < PARTS; i++) {
        const char *dot = n != 0 ? memchr(text, '.', n) : NULL;
        if ((dot == NULL) != (i == PARTS - 1))
            return ENTRASQL_MALFORMED;
        ret->at[i] = text;
        ret->n[i] = dot != NULL ? (size_t)(dot - text) : n;
        size_t used = ret->n[i] + (dot != NULL ? 1 : 0);
        text += used;
        n -= used;
    }
    return ret->n[1] == 0 ? ENTRASQL_OK : ENTRASQL_MALFORMED;
}

entrasql_status crypto_jwe_header(const char *text, size_t n, es_buf *ret_header)
{
    parts p;
    ES_TRY(split(text, n, &p));
    return es_base64url_decode(p.at[0], p.n[0], ret_header);
}

entrasql_status crypto_jwe_decrypt(const uint8_t key[CRYPTO_JWE_KEY_SIZE], const char *text,
                                   size_t n, es_buf *out)
{
    ES_CLEANUP(es_buf_done) es_buf iv = ES_BUF_INIT(64);
    ES_CLEANUP(es_buf_done) es_buf ciphertext = ES_BUF_INIT(CRYPTO_JWE_MAX_BYTES);
    ES_CLEANUP(es_buf_done) es_buf tag = ES_BUF_INIT(64);
    uint8_t expected[TAG_SIZE];
    parts p;
    ES_TRY(split(text, n, &p));
    ES_TRY(es_base64url_decode(p.at[2], p.n[2], &iv));
    ES_TRY(es_base64url_decode(p.at[3], p.n[3], &ciphertext));
    ES_TRY(es_base64url_decode(p.at[4], p.n[4], &tag));
    if (iv.len != BLOCK || tag.len != TAG_SIZE || ciphertext.len == 0 ||
        ciphertext.len % BLOCK != 0)
        return ENTRASQL_MALFORMED;
    ES_TRY(make_tag(key, iv.data, &ciphertext, expected));
    if (!es_equal_constant_time(expected, tag.data, TAG_SIZE))
        return ENTRASQL_AUTH_FAILED;
    return run_cipher(false, key, iv.data, ciphertext.data, ciphertext.len, out);
}
