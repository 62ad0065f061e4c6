/* SPDX-License-Identifier: MIT */
/* Client certificates from PEM and PKCS#12. */
#include "bundle.h"

#include "base/mem.h"
#include "base/str.h"
#include "internal.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/provider.h>
#include <openssl/x509v3.h>

#include <limits.h>
#include <string.h>

struct crypto_bundle {
    crypto_key *key;
    crypto_cert *certs[CRYPTO_BUNDLE_MAX_CERTS]; /* the key's first, then its issuers */
    size_t count;
};

/* What was found in the input, in its order; OpenSSL's objects. */
typedef struct findings {
    EVP_PKEY *key;
    X509 *certs[CRYPTO_BUNDLE_MAX_CERTS];
    size_t count;
} findings;

static void findings_done(findings *f)
{
    EVP_PKEY_free(f->key);
    for (size_t i = 0; i < f->count; i++)
        X509_free(f->certs[i]);
}

static void bio_cleanup(BIO **bio)
{
    BIO_free(*bio);
}

/* Takes the certificate over. */
static entrasql_status found_cert(findings *f, X509 *x509, entrasql_error *err)
{
    if (f->count == CRYPTO_BUNDLE_MAX_CERTS) {
        X509_free(x509);
        return es_fail(err, ENTRASQL_LIMIT, "there are more than %d certificates",
                       CRYPTO_BUNDLE_MAX_CERTS);
    }
    f->certs[f->count++] = x509;
    return ENTRASQL_OK;
}

/* Takes the key over. */
static entrasql_status found_key(findings *f, EVP_PKEY *key, entrasql_error *err)
{
    if (f->key != NULL) {
        EVP_PKEY_free(key);
        return es_fail(err, ENTRASQL_MALFORMED, "there are multiple private keys");
    }
    f->key = key;
    return ENTRASQL_OK;
}

static entrasql_status bad_password(const char *password, entrasql_error *err)
{
    bool was_given = password != NULL && password[0] != '\0';
    ERR_clear_error();
    es_fail(err, ENTRASQL_AUTH_FAILED, "%s",
            was_given ? "the password is wrong" : "it is encrypted, and no password was given");
    es_hint(err, was_given ? "give the password of the key or file, without quotes or a line end"
                           : "give the password of the key or file");
    return ENTRASQL_AUTH_FAILED;
}

/* ---- PEM ---- */

typedef struct pem_block {
    char *name;
    char *header;
    unsigned char *data;
    long len;
} pem_block;

static void pem_block_done(pem_block *b)
{
    if (b->data != NULL && b->len > 0)
        OPENSSL_cleanse(b->data, (size_t)b->len);
    OPENSSL_free(b->data);
    OPENSSL_free(b->name);
    OPENSSL_free(b->header);
}

/* For the old encryption inside PEM (Proc-Type: 4,ENCRYPTED). Nothing may ask on a terminal. */
static int give_password(char *buf, int size, int rwflag ES_UNUSED, void *ctx)
{
    const char *password = ctx;
    size_t n = password != NULL ? strlen(password) : 0;
    if (n == 0 || size < 0 || n > (size_t)size)
        return -1;
    memcpy(buf, password, n);
    return (int)n;
}

static entrasql_status pem_cert(findings *f, const pem_block *b, entrasql_error *err)
{
    const unsigned char *at = b->data;
    X509 *x509 = d2i_X509(NULL, &at, b->len);
    if (x509 == NULL)
        return crypto_fail(err, ENTRASQL_MALFORMED, "a certificate in it is damaged");
    return found_cert(f, x509, err);
}

/* Plain PKCS#8, or PKCS#1 under whichever label. */
static entrasql_status pem_key(findings *f, pem_block *b, const char *password, entrasql_error *err)
{
    EVP_CIPHER_INFO cipher;
    if (PEM_get_EVP_CIPHER_INFO(b->header, &cipher) != 1)
        return crypto_fail(err, ENTRASQL_UNSUPPORTED, "the private key's encryption is not known");
    if (cipher.cipher != NULL &&
        PEM_do_header(&cipher, b->data, &b->len, give_password, (void *)(uintptr_t)password) != 1)
        return bad_password(password, err);
    const unsigned char *at = b->data;
    EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &at, b->len);
    if (key == NULL && cipher.cipher != NULL)
        return bad_password(password, err);
    if (key == NULL)
        return crypto_fail(err, ENTRASQL_MALFORMED, "the private key in it is damaged");
    return found_key(f, key, err);
}

static entrasql_status pem_encrypted_key(findings *f, const pem_block *b, const char *password,
                                         entrasql_error *err)
{
    const unsigned char *at = b->data;
    X509_SIG *sealed = d2i_X509_SIG(NULL, &at, b->len);
    if (sealed == NULL)
        return crypto_fail(err, ENTRASQL_MALFORMED, "the private key in it is damaged");
    size_t n = password != NULL ? strlen(password) : 0;
    PKCS8_PRIV_KEY_INFO *info =
        n <= INT_MAX ? PKCS8_decrypt(sealed, password != NULL ? password : "", (int)n) : NULL;
    X509_SIG_free(sealed);
    if (info == NULL)
        return bad_password(password, err);
    EVP_PKEY *key = EVP_PKCS82PKEY(info);
    PKCS8_PRIV_KEY_INFO_free(info);
    if (key == NULL)
        return crypto_fail(err, ENTRASQL_UNSUPPORTED, "the private key in it cannot be used");
    return found_key(f, key, err);
}

static bool is_one_of(const char *name, const char *a, const char *b)
{
    return es_streq(name, a) || es_streq(name, b);
}

static entrasql_status pem_block_read(findings *f, pem_block *b, const char *password,
                                      entrasql_error *err)
{
    if (is_one_of(b->name, PEM_STRING_X509, PEM_STRING_X509_OLD))
        return pem_cert(f, b, err);
    if (es_streq(b->name, PEM_STRING_PKCS8))
        return pem_encrypted_key(f, b, password, err);
    if (is_one_of(b->name, PEM_STRING_PKCS8INF, PEM_STRING_RSA) ||
        es_streq(b->name, PEM_STRING_ECPRIVATEKEY))
        return pem_key(f, b, password, err);
    return ENTRASQL_OK; /* parameters, public keys, requests: not ours */
}

static entrasql_status read_pem(findings *f, const void *p, size_t n, const char *password,
                                entrasql_error *err)
{
    ES_CLEANUP(bio_cleanup) BIO *bio = BIO_new_mem_buf(p, (int)n);
    if (bio == NULL)
        return es_nomem(err);
    for (;;) {
        pem_block b = {0};
        if (PEM_read_bio(bio, &b.name, &b.header, &b.data, &b.len) != 1)
            break;
        entrasql_status status = pem_block_read(f, &b, password, err);
        pem_block_done(&b);
        if (status != ENTRASQL_OK)
            return status;
    }
    if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        return crypto_fail(err, ENTRASQL_MALFORMED, "its PEM text is damaged");
    ERR_clear_error();
    return ENTRASQL_OK;
}

/* ---- PKCS#12 ---- */

/* Which of the two spellings of "no password" its MAC was made with; NULL, or the password. */
static bool mac_fits(PKCS12 *p12, const char **password)
{
    if (PKCS12_mac_present(p12) == 0)
        return true;
    if (*password != NULL && **password != '\0')
        return PKCS12_verify_mac(p12, *password, -1) == 1;
    *password = NULL;
    if (PKCS12_verify_mac(p12, NULL, 0) == 1)
        return true;
    *password = "";
    return PKCS12_verify_mac(p12, "", 0) == 1;
}

static bool is_missing_cipher(void)
{
    unsigned long code;
    bool found = false;
    while ((code = ERR_get_error()) != 0) {
        int reason = ERR_GET_REASON(code);
        found = found || reason == ERR_R_UNSUPPORTED || reason == EVP_R_UNSUPPORTED_ALGORITHM ||
                reason == EVP_R_UNKNOWN_CIPHER || reason == EVP_R_UNSUPPORTED_CIPHER;
    }
    return found;
}

static entrasql_status take_others(findings *f, STACK_OF(X509) * others, entrasql_error *err)
{
    entrasql_status status = ENTRASQL_OK;
    for (int i = 0; status == ENTRASQL_OK && i < sk_X509_num(others); i++) {
        X509 *x509 = sk_X509_value(others, i);
        if (X509_up_ref(x509) == 1)
            status = found_cert(f, x509, err);
    }
    return status;
}

/* A key of another library context would end with it: it is copied into the usual one. */
static EVP_PKEY *adopt_key(EVP_PKEY *key)
{
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
    EVP_PKEY *own = info != NULL ? EVP_PKCS82PKEY(info) : NULL;
    PKCS8_PRIV_KEY_INFO_free(info);
    EVP_PKEY_free(key);
    return own;
}

/* The same for a certificate. */
static X509 *adopt_cert(X509 *x509)
{
    unsigned char *der = NULL;
    int n = i2d_X509(x509, &der);
    const unsigned char *at = der;
    X509 *own = n > 0 ? d2i_X509(NULL, &at, n) : NULL;
    OPENSSL_free(der);
    X509_free(x509);
    return own;
}

static entrasql_status adopt(findings *f, entrasql_error *err)
{
    if (f->key != NULL && (f->key = adopt_key(f->key)) == NULL)
        return crypto_fail(err, ENTRASQL_UNSUPPORTED, "the private key in it cannot be used");
    for (size_t i = 0; i < f->count; i++) {
        if ((f->certs[i] = adopt_cert(f->certs[i])) == NULL)
            return crypto_fail(err, ENTRASQL_MALFORMED, "a certificate in it is damaged");
    }
    return ENTRASQL_OK;
}

/* *ret_lacks_cipher: nothing is wrong but that this OpenSSL context has no such cipher. */
static entrasql_status open_pkcs12(findings *f, OSSL_LIB_CTX *library, const void *p, size_t n,
                                   const char *password, bool *ret_lacks_cipher,
                                   entrasql_error *err)
{
    const unsigned char *at = p;
    PKCS12 *p12 = PKCS12_init_ex(NID_pkcs7_data, library, NULL);
    if (p12 == NULL)
        return es_nomem(err);
    *ret_lacks_cipher = false;
    if (d2i_PKCS12(&p12, &at, (long)n) == NULL) {
        PKCS12_free(p12);
        return crypto_fail(err, ENTRASQL_MALFORMED, "it is neither PEM nor PKCS#12");
    }
    EVP_PKEY *key = NULL;
    X509 *leaf = NULL;
    STACK_OF(X509) *others = NULL;
    bool fits = mac_fits(p12, &password);
    ERR_clear_error();
    bool opens = fits && PKCS12_parse(p12, password, &key, &leaf, &others) == 1;
    PKCS12_free(p12);
    entrasql_status status = ENTRASQL_OK;
    if (!opens) {
        *ret_lacks_cipher = fits && is_missing_cipher();
        status = bad_password(password, err);
    }
    if (status == ENTRASQL_OK && leaf != NULL) {
        status = found_cert(f, leaf, err);
        leaf = NULL;
    }
    if (status == ENTRASQL_OK)
        status = take_others(f, others, err);
    sk_X509_pop_free(others, X509_free);
    if (status == ENTRASQL_OK && key != NULL)
        status = found_key(f, key, err);
    return status;
}

/*
 * Windows and Key Vault have long written RC2 with 40 bits, which is in
 * OpenSSL's legacy module only: a context of its own loads that for this one file, so that the
 * program's other uses of OpenSSL do not get weaker.
 */
static entrasql_status open_legacy(findings *f, const void *p, size_t n, const char *password,
                                   entrasql_error *err)
{
    OSSL_LIB_CTX *library = OSSL_LIB_CTX_new();
    OSSL_PROVIDER *usual = library != NULL ? OSSL_PROVIDER_load(library, "default") : NULL;
    OSSL_PROVIDER *legacy = usual != NULL ? OSSL_PROVIDER_load(library, "legacy") : NULL;
    bool lacks_cipher = true;
    entrasql_status status = ENTRASQL_UNSUPPORTED;
    if (legacy != NULL)
        status = open_pkcs12(f, library, p, n, password, &lacks_cipher, err);
    if (status == ENTRASQL_OK)
        status = adopt(f, err);
    else if (lacks_cipher) {
        status = ENTRASQL_UNSUPPORTED;
        es_fail(err, status, "it is encrypted with a cipher that this OpenSSL does not have");
        es_hint(err, "write it anew: openssl pkcs12 -legacy -in OLD.pfx -nodes | openssl pkcs12 "
                     "-export -out NEW.pfx");
    }
    ERR_clear_error();
    if (status != ENTRASQL_OK) {
        /* What was found so far belongs to the context that ends here. */
        findings_done(f);
        *f = (findings){0};
    }
    if (legacy != NULL)
        (void)OSSL_PROVIDER_unload(legacy);
    if (usual != NULL)
        (void)OSSL_PROVIDER_unload(usual);
    OSSL_LIB_CTX_free(library);
    return status;
}

static entrasql_status read_pkcs12(findings *f, const void *p, size_t n, const char *password,
                                   entrasql_error *err)
{
    bool lacks_cipher = false;
    entrasql_status status = open_pkcs12(f, NULL, p, n, password, &lacks_cipher, err);
    if (status == ENTRASQL_OK || !lacks_cipher)
        return status;
    findings_done(f);
    *f = (findings){0};
    return open_legacy(f, p, n, password, err);
}

/* ---- putting it together ---- */

static entrasql_status add_cert(crypto_bundle *b, X509 *x509, entrasql_error *err)
{
    crypto_cert *cert = es_calloc(1, sizeof *cert);
    if (cert == NULL || X509_up_ref(x509) != 1) {
        es_free(cert);
        return es_nomem(err);
    }
    cert->x509 = x509;
    b->certs[b->count++] = cert;
    return ENTRASQL_OK;
}

static X509 *find_leaf(const findings *f)
{
    X509 *leaf = NULL;
    for (size_t i = 0; leaf == NULL && i < f->count; i++) {
        if (EVP_PKEY_eq(X509_get0_pubkey(f->certs[i]), f->key) == 1)
            leaf = f->certs[i];
    }
    ERR_clear_error();
    return leaf;
}

/* The issuer of a certificate among the others; NULL: not there, or it is its own. */
static X509 *find_issuer(const findings *f, X509 *of)
{
    X509 *issuer = NULL;
    for (size_t i = 0; issuer == NULL && i < f->count; i++) {
        if (X509_cmp(f->certs[i], of) != 0 && X509_check_issued(f->certs[i], of) == X509_V_OK)
            issuer = f->certs[i];
    }
    ERR_clear_error();
    return issuer;
}

static entrasql_status assemble(crypto_bundle *b, findings *f, entrasql_error *err)
{
    if (f->count == 0)
        return es_fail(err, ENTRASQL_MALFORMED, "found no certificate in it");
    if (f->key == NULL)
        return es_fail(err, ENTRASQL_MALFORMED, "found no private key in it");
    EVP_PKEY *key = f->key;
    f->key = NULL;
    ES_TRY(crypto_key_wrap(key, &b->key, err));
    f->key = b->key->pkey;
    X509 *cert = find_leaf(f);
    f->key = NULL;
    if (cert == NULL)
        return es_fail(err, ENTRASQL_MALFORMED,
                       "none of its certificates (%zu) belongs to the private key", f->count);
    /* Two that have issued each other would go round for ever. */
    while (cert != NULL && b->count < f->count) {
        ES_TRY(add_cert(b, cert, err));
        cert = find_issuer(f, cert);
    }
    return ENTRASQL_OK;
}

static bool is_pem(const void *p, size_t n)
{
    static const char mark[] = "-----BEGIN ";
    return memmem(p, n, mark, sizeof mark - 1) != NULL;
}

entrasql_status crypto_bundle_read(const void *p, size_t n, const char *password,
                                   crypto_bundle **ret, entrasql_error *err)
{
    if (n > CRYPTO_BUNDLE_MAX_BYTES)
        return es_fail(err, ENTRASQL_LIMIT, "%zu bytes are too many for a certificate", n);
    if (n == 0)
        return es_fail(err, ENTRASQL_MALFORMED, "it is empty");
    crypto_bundle *b = es_calloc(1, sizeof *b);
    if (b == NULL)
        return es_nomem(err);
    findings f = {0};
    ERR_clear_error();
    entrasql_status status =
        is_pem(p, n) ? read_pem(&f, p, n, password, err) : read_pkcs12(&f, p, n, password, err);
    if (status == ENTRASQL_OK)
        status = assemble(b, &f, err);
    findings_done(&f);
    if (status != ENTRASQL_OK) {
        crypto_bundle_free(b);
        return status;
    }
    *ret = b;
    return ENTRASQL_OK;
}

void crypto_bundle_free(crypto_bundle *b)
{
    if (b == NULL)
        return;
    crypto_key_free(b->key);
    for (size_t i = 0; i < b->count; i++)
        crypto_cert_free(b->certs[i]);
    es_free(b);
}

const crypto_key *crypto_bundle_key(const crypto_bundle *b)
{
    return b->key;
}

const crypto_cert *crypto_bundle_cert(const crypto_bundle *b, size_t i)
{
    return i < b->count ? b->certs[i] : NULL;
}
