/* SPDX-License-Identifier: MIT */
/*
 * A server known by the digest of its certificate alone, for endpoints whose
 * certificate nobody signs (Service Fabric). The check replaces that of the
 * chain inside the handshake, so nothing is sent before it has passed.
 */
#include "http/internal.h"

#include "base/secret.h"
#include "base/str.h"

#include <openssl/ssl.h>
#include <string.h>

_Static_assert(HTTP_PIN_SIZE == 20, "the pin is a SHA-1 digest");

static int check_certificate(X509_STORE_CTX *store, void *context)
{
    const http_operation *op = context;
    X509 *leaf = X509_STORE_CTX_get0_cert(store);
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    bool same = leaf != NULL && X509_digest(leaf, EVP_sha1(), digest, &n) == 1 &&
                n == HTTP_PIN_SIZE && es_equal_constant_time(digest, op->pin, HTTP_PIN_SIZE);
    X509_STORE_CTX_set_error(store, same ? X509_V_OK : X509_V_ERR_CERT_REJECTED);
    return same ? 1 : 0;
}

static CURLcode on_ssl_context(CURL *easy, void *ssl_context, void *context)
{
    (void)easy;
    SSL_CTX_set_cert_verify_callback(ssl_context, check_certificate, context);
    return CURLE_OK;
}

CURLcode http_set_pin(http_operation *op, const uint8_t *pin)
{
    memcpy(op->pin, pin, HTTP_PIN_SIZE);
    op->is_pinned = true;
    /* The name in it says nothing; that the peer is checked at all stays switched on. */
    CURLcode code = curl_easy_setopt(op->easy, CURLOPT_SSL_VERIFYHOST, 0L);
    /* Fails where the library below is built on another TLS: no connection is made then. */
    if (code == CURLE_OK)
        code = curl_easy_setopt(op->easy, CURLOPT_SSL_CTX_FUNCTION, on_ssl_context);
    if (code == CURLE_OK)
        code = curl_easy_setopt(op->easy, CURLOPT_SSL_CTX_DATA, op);
    return code;
}
