/* SPDX-License-Identifier: MIT */
/*
 * Certificates and keys out of files. Each is read whole, by the reader that neither waits for a
 * FIFO nor takes a device for a file; OpenSSL sees memory only.
 */
#include "tls/inner.h"

#include "os/file.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* The system's own bundle has a quarter of a megabyte. */
#define TRUST_MAX_BYTES ((size_t)4 * 1024 * 1024)
#define IDENTITY_MAX_BYTES ((size_t)1024 * 1024)
#define DER_SEQUENCE 0x30

/* A key that asks for a password must not make OpenSSL read from the terminal. */
static int no_password(char *space, int size, int writing, void *context)
{
    (void)space, (void)size, (void)writing, (void)context;
    return 0;
}

static BIO *open_memory(const es_buf *b)
{
    return BIO_new_mem_buf(b->data != NULL ? (const void *)b->data : "", (int)b->len);
}

static void free_bio(BIO **bio)
{
    BIO_free(*bio);
}

static bool holds(const es_buf *b, const char *text)
{
    return b->len > 0 && memmem(b->data, b->len, text, strlen(text)) != NULL;
}

/* ---- trust ---- */

static bool add_one(X509_STORE *store, const X509_INFO *info, size_t *ret_certificates)
{
    if (info->x509 != NULL) {
        (*ret_certificates)++;
        if (X509_STORE_add_cert(store, info->x509) != 1)
            return false;
    }
    return info->crl == NULL || X509_STORE_add_crl(store, info->crl) == 1;
}

static bool add_all(X509_STORE *store, const es_buf *text)
{
    ES_CLEANUP(free_bio) BIO *bio = open_memory(text);
    STACK_OF(X509_INFO) *infos =
        bio != NULL ? PEM_X509_INFO_read_bio(bio, NULL, no_password, NULL) : NULL;
    if (infos == NULL)
        return false;
    size_t certificates = 0;
    bool is_good = true;
    for (int i = 0; is_good && i < sk_X509_INFO_num(infos); i++)
        is_good = add_one(store, sk_X509_INFO_value(infos, i), &certificates);
    sk_X509_INFO_pop_free(infos, X509_INFO_free);
    return is_good && certificates > 0;
}

entrasql_status tls_files_trust(SSL_CTX *ssl, const char *file, const char *origin,
                                entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(TRUST_MAX_BYTES);
    entrasql_error why;
    entrasql_status status = os_file_read(file, &text, &why);
    if (status == ENTRASQL_NOMEM)
        return es_nomem(err);
    if (status != ENTRASQL_OK) {
        (void)es_fail(err, ENTRASQL_CONFIG, "%s (named by %s)", why.message, origin);
        es_hint(err, "correct %s, or leave it out to use the system's certificates", origin);
        return ENTRASQL_CONFIG;
    }
    if (add_all(SSL_CTX_get_cert_store(ssl), &text))
        return ENTRASQL_OK;
    (void)es_fail(err, ENTRASQL_CONFIG, "%s named by %s holds no certificate in PEM form (%s)",
                  file, origin, tls_queue_text());
    if (text.len > 0 && text.data[0] == DER_SEQUENCE)
        es_hint(err, "it is in DER form: openssl x509 -inform der -in %s -out NEW.pem", file);
    else
        es_hint(err, "the file must hold one or more \"BEGIN CERTIFICATE\" blocks");
    return ENTRASQL_CONFIG;
}

/* ---- a server's own ---- */

/* Read, or why it cannot be used whatever is wanted of it. what: "certificate", "key". */
static entrasql_status read_pem(const char *file, const char *what, es_buf *ret,
                                entrasql_error *err)
{
    entrasql_error why;
    entrasql_status status = os_file_read(file, ret, &why);
    if (status == ENTRASQL_NOMEM)
        return es_nomem(err);
    if (status != ENTRASQL_OK) {
        (void)es_fail(err, ENTRASQL_CONFIG, "the %s: %s", what, why.message);
        es_hint(err, "name a file in PEM form that user %u may read", (unsigned)geteuid());
        return ENTRASQL_CONFIG;
    }
    if (ret->len == 0 || ret->data[0] != DER_SEQUENCE)
        return ENTRASQL_OK;
    ES_CLEANUP(free_bio) BIO *bio = open_memory(ret);
    PKCS12 *bag = bio != NULL ? d2i_PKCS12_bio(bio, NULL) : NULL;
    ERR_clear_error();
    (void)es_fail(err, ENTRASQL_CONFIG, "the %s %s is in %s form, and PEM is needed", what, file,
                  bag != NULL ? "PKCS #12 (.pfx)" : "DER");
    if (bag != NULL)
        es_hint(err, "openssl pkcs12 -nodes -in %s -out NEW.pem makes a file for both", file);
    else
        es_hint(err, "openssl %s -inform der -in %s -out NEW.pem", what[0] == 'k' ? "pkey" : "x509",
                file);
    PKCS12_free(bag);
    return ENTRASQL_CONFIG;
}

static entrasql_status fail_use(const char *file, const char *what, entrasql_error *err)
{
    return es_fail(err, ENTRASQL_CONFIG, "cannot use %s as the server's %s: %s", file, what,
                   tls_queue_text());
}

static entrasql_status fail_no_certificate(const char *file, const es_buf *text,
                                           entrasql_error *err)
{
    ERR_clear_error();
    (void)es_fail(err, ENTRASQL_CONFIG, "%s holds no certificate", file);
    if (holds(text, "PRIVATE KEY-----"))
        es_hint(err, "it holds a key: are certificate and key swapped?");
    else
        es_hint(err, "it must begin with a \"BEGIN CERTIFICATE\" block, the server's own, and go "
                     "on with those of its issuers");
    return ENTRASQL_CONFIG;
}

static entrasql_status fail_no_key(const char *file, const es_buf *text, entrasql_error *err)
{
    if (holds(text, "ENCRYPTED")) {
        ERR_clear_error();
        (void)es_fail(err, ENTRASQL_CONFIG, "the key %s is encrypted with a password", file);
        es_hint(err,
                "nobody is there to be asked for it: openssl pkey -in %s -out NEW-key.pem takes "
                "it off; then chmod 600 NEW-key.pem",
                file);
        return ENTRASQL_CONFIG;
    }
    if (holds(text, "PRIVATE KEY-----"))
        return fail_use(file, "key", err);
    ERR_clear_error();
    (void)es_fail(err, ENTRASQL_CONFIG, "%s holds no key", file);
    if (holds(text, "BEGIN CERTIFICATE"))
        es_hint(err, "it holds a certificate: are certificate and key swapped?");
    else
        es_hint(err, "it must hold a \"BEGIN PRIVATE KEY\" block");
    return ENTRASQL_CONFIG;
}

/* The leaf, then its issuers up to the end of the file. */
static entrasql_status use_chain(SSL_CTX *ssl, const char *file, const es_buf *text,
                                 entrasql_error *err)
{
    ES_CLEANUP(free_bio) BIO *bio = open_memory(text);
    if (bio == NULL)
        return es_nomem(err);
    X509 *own = PEM_read_bio_X509_AUX(bio, NULL, no_password, NULL);
    if (own == NULL && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE)
        return fail_no_certificate(file, text, err);
    bool is_used = own != NULL && SSL_CTX_use_certificate(ssl, own) == 1;
    X509_free(own);
    if (!is_used)
        return fail_use(file, "certificate", err);
    for (;;) {
        X509 *issuer = PEM_read_bio_X509(bio, NULL, no_password, NULL);
        if (issuer == NULL)
            break;
        if (SSL_CTX_add0_chain_cert(ssl, issuer) != 1) {
            X509_free(issuer);
            return fail_use(file, "certificate", err);
        }
    }
    if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        return fail_use(file, "certificate", err);
    ERR_clear_error();
    return ENTRASQL_OK;
}

static entrasql_status use_key(SSL_CTX *ssl, const char *cert_file, const char *file,
                               const es_buf *text, entrasql_error *err)
{
    ES_CLEANUP(free_bio) BIO *bio = open_memory(text);
    if (bio == NULL)
        return es_nomem(err);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
    if (key == NULL)
        return fail_no_key(file, text, err);
    bool is_its = X509_check_private_key(SSL_CTX_get0_certificate(ssl), key) == 1;
    bool is_used = is_its && SSL_CTX_use_PrivateKey(ssl, key) == 1;
    EVP_PKEY_free(key);
    if (is_used)
        return ENTRASQL_OK;
    if (is_its)
        return fail_use(file, "key", err);
    ERR_clear_error();
    (void)es_fail(err, ENTRASQL_CONFIG, "the key in %s does not belong to the certificate %s", file,
                  cert_file);
    es_hint(err, "the server's own certificate has to be the first in its file; openssl x509 "
                 "-noout -pubkey -in CERTIFICATE and openssl pkey -pubout -in KEY print the same "
                 "for a pair");
    return ENTRASQL_CONFIG;
}

entrasql_status tls_files_identity(SSL_CTX *ssl, const char *cert_file, const char *key_file,
                                   bool *ret_key_is_wrong, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf cert = ES_BUF_INIT_WIPE(IDENTITY_MAX_BYTES);
    ES_CLEANUP(es_buf_done) es_buf key = ES_BUF_INIT_WIPE(IDENTITY_MAX_BYTES);
    ES_TRY(read_pem(cert_file, "certificate", &cert, err));
    ES_TRY(use_chain(ssl, cert_file, &cert, err));
    *ret_key_is_wrong = true;
    ES_TRY(read_pem(key_file, "key", &key, err));
    return use_key(ssl, cert_file, key_file, &key, err);
}

static int64_t seconds_of(const ASN1_TIME *t)
{
    struct tm parts = {0};
    return ASN1_TIME_to_tm(t, &parts) == 1 ? (int64_t)timegm(&parts) : 0;
}

void tls_server_validity(const tls_context *ctx, int64_t *ret_from_s, int64_t *ret_until_s)
{
    const X509 *own = SSL_CTX_get0_certificate(ctx->ssl);
    *ret_from_s = seconds_of(X509_get0_notBefore(own));
    *ret_until_s = seconds_of(X509_get0_notAfter(own));
}
