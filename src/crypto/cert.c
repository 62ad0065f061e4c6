/* SPDX-License-Identifier: MIT */
/* Certificates: making those of a loopback service and of clients, and looking at any. */
#include "cert.h"

#include "base/base64.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/str.h"
#include "internal.h"

#include <arpa/inet.h>
#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

#define EMULATOR "entrasql emulator (development)"
#define NAMES_MAX_BYTES ((size_t)16 * 1024)
#define HOST_MAX_CHARS 253

static const char *const localhost_names[] = {"localhost", "127.0.0.1", "::1"};

typedef struct extension {
    int nid;
    const char *value;
} extension;

static void bio_cleanup(BIO **bio)
{
    BIO_free(*bio);
}

static void bn_cleanup(BIGNUM **number)
{
    BN_free(*number);
}

void crypto_cert_free(crypto_cert *cert)
{
    if (cert == NULL)
        return;
    X509_free(cert->x509);
    es_free(cert);
}

static entrasql_status set_serial(X509 *x509, entrasql_error *err)
{
    uint8_t bytes[16];
    es_random_bytes(bytes, sizeof bytes);
    bytes[0] = (uint8_t)((bytes[0] & 0x7f) | 0x40); /* positive, of constant length */
    ES_CLEANUP(bn_cleanup) BIGNUM *number = BN_bin2bn(bytes, sizeof bytes, NULL);
    if (number == NULL || BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x509)) == NULL)
        return es_nomem(err);
    return ENTRASQL_OK;
}

/* An hour of slack at the start, for clients whose clock is behind. */
static entrasql_status set_validity(X509 *x509, unsigned days, entrasql_error *err)
{
    if (X509_gmtime_adj(X509_getm_notBefore(x509), -3600) == NULL ||
        X509_time_adj_ex(X509_getm_notAfter(x509), (int)days, 0, NULL) == NULL)
        return crypto_fail(err, ENTRASQL_INTERNAL, "the certificate's dates cannot be set");
    return ENTRASQL_OK;
}

static entrasql_status set_extensions(X509 *x509, X509 *issuer, const extension *list, size_t count,
                                      entrasql_error *err)
{
    X509V3_CTX ctx;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, issuer, x509, NULL, NULL, 0);
    for (size_t i = 0; i < count; i++) {
        X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, list[i].nid, list[i].value);
        int ok = ext != NULL && X509_add_ext(x509, ext, -1) == 1;
        X509_EXTENSION_free(ext);
        if (!ok)
            return crypto_fail(err, ENTRASQL_INTERNAL, "certificate extension %s cannot be set",
                               OBJ_nid2sn(list[i].nid));
    }
    return ENTRASQL_OK;
}

static entrasql_status set_subject(X509 *x509, const char *organization, const char *name,
                                   entrasql_error *err)
{
    X509_NAME *subject = X509_get_subject_name(x509);
    if (X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_UTF8, (const unsigned char *)organization,
                                   -1, -1, 0) != 1 ||
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1,
                                   -1, 0) != 1)
        return es_nomem(err);
    return ENTRASQL_OK;
}

static entrasql_status new_cert(const crypto_key *key, const char *owner, const char *name,
                                unsigned days, crypto_cert **ret, entrasql_error *err)
{
    crypto_cert *cert = es_calloc(1, sizeof *cert);
    if (cert == NULL)
        return es_nomem(err);
    cert->x509 = X509_new();
    entrasql_status status = ENTRASQL_OK;
    if (cert->x509 == NULL || X509_set_version(cert->x509, X509_VERSION_3) != 1 ||
        X509_set_pubkey(cert->x509, key->pkey) != 1)
        status = es_nomem(err);
    if (status == ENTRASQL_OK)
        status = set_serial(cert->x509, err);
    if (status == ENTRASQL_OK)
        status = set_validity(cert->x509, days, err);
    if (status == ENTRASQL_OK)
        status = set_subject(cert->x509, owner, name, err);
    if (status != ENTRASQL_OK) {
        crypto_cert_free(cert);
        return status;
    }
    *ret = cert;
    return ENTRASQL_OK;
}

/* Issuer, extensions, signature. Frees the certificate on failure. */
static entrasql_status finish(crypto_cert *cert, X509 *issuer, const crypto_key *issuer_key,
                              const extension *list, size_t count, crypto_cert **ret,
                              entrasql_error *err)
{
    entrasql_status status = ENTRASQL_OK;
    if (X509_set_issuer_name(cert->x509, X509_get_subject_name(issuer)) != 1)
        status = es_nomem(err);
    if (status == ENTRASQL_OK)
        status = set_extensions(cert->x509, issuer, list, count, err);
    if (status == ENTRASQL_OK && X509_sign(cert->x509, issuer_key->pkey, EVP_sha256()) == 0)
        status = crypto_fail(err, ENTRASQL_INTERNAL, "the certificate could not be signed");
    if (status != ENTRASQL_OK) {
        crypto_cert_free(cert);
        return status;
    }
    *ret = cert;
    return ENTRASQL_OK;
}

/* ---- hosts ---- */

static bool is_address(const char *host, bool *ret_is_v6)
{
    uint8_t raw[16];
    *ret_is_v6 = inet_pton(AF_INET6, host, raw) == 1;
    return *ret_is_v6 || inet_pton(AF_INET, host, raw) == 1;
}

/* Nothing that the extension's syntax would take for more than a name. */
static entrasql_status check_host(const char *host, entrasql_error *err)
{
    size_t n = strlen(host);
    bool is_good = n > 0 && n <= HOST_MAX_CHARS && host[0] != '.' && host[0] != '-';
    for (size_t i = 0; i < n; i++) {
        char c = es_ascii_lower(host[i]);
        is_good = is_good && (es_is_digit(c) || (c >= 'a' && c <= 'z') || c == '.' || c == '-' ||
                              c == '_' || c == ':');
    }
    bool is_v6 = false;
    if (is_good && (strchr(host, ':') == NULL || is_address(host, &is_v6)))
        return ENTRASQL_OK;
    char shown[80];
    es_printable(shown, sizeof shown, host, n);
    return es_fail(err, ENTRASQL_INVALID, "'%s' is neither a host name nor an address", shown);
}

/* RFC 5280 4.2.1.10: an IP constraint is an address and a mask. */
static entrasql_status add_host(es_buf *names, const char *host, bool is_constraint)
{
    bool is_v6 = false;
    bool is_ip = is_address(host, &is_v6);
    ES_TRY(es_buf_printf(names, "%s%s%s:%s", names->len > 0 ? "," : "",
                         is_constraint ? "permitted;" : "", is_ip ? "IP" : "DNS", host));
    if (!is_ip || !is_constraint)
        return ENTRASQL_OK;
    return es_buf_add_str(names,
                          is_v6 ? "/ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" : "/255.255.255.255");
}

static entrasql_status list_hosts(const crypto_cert_service *service, bool are_constraints,
                                  es_buf *names, const char **ret, entrasql_error *err)
{
    if (service->host_count == 0 || service->host_count > CRYPTO_CERT_HOSTS_MAX)
        return es_fail(err, ENTRASQL_INVALID, "a certificate has 1 to %d hosts",
                       CRYPTO_CERT_HOSTS_MAX);
    for (size_t i = 0; i < service->host_count; i++) {
        ES_TRY(check_host(service->hosts[i], err));
        if (add_host(names, service->hosts[i], are_constraints) != ENTRASQL_OK)
            return es_nomem(err);
    }
    *ret = es_buf_cstr(names);
    return *ret != NULL ? ENTRASQL_OK : es_nomem(err);
}

/* ---- services ---- */

entrasql_status crypto_cert_new_service_authority(const crypto_cert_service *service,
                                                  const crypto_key *key, crypto_cert **ret,
                                                  entrasql_error *err)
{
    /* The name is new each time: two authorities of one name confuse the stores that hold both. */
    uint8_t random[4];
    char digits[2 * sizeof random + 1];
    char name[64];
    ES_CLEANUP(es_buf_done) es_buf hosts = ES_BUF_INIT(NAMES_MAX_BYTES);
    ES_CLEANUP(es_buf_done) es_buf all = ES_BUF_INIT(NAMES_MAX_BYTES);
    const char *listed = NULL;
    es_random_bytes(random, sizeof random);
    es_hex_encode(random, sizeof random, digits);
    size_t owner_len = strcspn(service->owner, "(");
    while (owner_len > 0 && service->owner[owner_len - 1] == ' ')
        owner_len--;
    (void)snprintf(name, sizeof name, "%.*s CA %s", (int)owner_len, service->owner, digits);
    ES_TRY(list_hosts(service, true, &hosts, &listed, err));
    if (es_buf_printf(&all, "critical,%s", listed) != ENTRASQL_OK || es_buf_cstr(&all) == NULL)
        return es_nomem(err);
    const extension list[] = {
        {NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
        {NID_key_usage, "critical,keyCertSign,cRLSign"},
        {NID_ext_key_usage, "serverAuth"},
        {NID_name_constraints, (const char *)all.data},
        {NID_subject_key_identifier, "hash"},
    };
    crypto_cert *cert = NULL;
    ES_TRY(new_cert(key, service->owner, name, service->days, &cert, err));
    return finish(cert, cert->x509, key, list, ES_COUNT_OF(list), ret, err);
}

entrasql_status crypto_cert_new_service(const crypto_cert_service *service,
                                        const crypto_cert *authority,
                                        const crypto_key *authority_key, const crypto_key *key,
                                        crypto_cert **ret, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf hosts = ES_BUF_INIT(NAMES_MAX_BYTES);
    const char *listed = NULL;
    ES_TRY(list_hosts(service, false, &hosts, &listed, err));
    const extension list[] = {
        {NID_basic_constraints, "critical,CA:FALSE"},
        {NID_key_usage, "critical,digitalSignature,keyEncipherment"},
        {NID_ext_key_usage, "serverAuth"},
        {NID_subject_alt_name, listed},
        {NID_subject_key_identifier, "hash"},
        {NID_authority_key_identifier, "keyid:always"},
    };
    crypto_cert *cert = NULL;
    /* RFC 5280 appendix A: a common name has at most 64 characters; clients read the list. */
    const char *name = strlen(service->hosts[0]) <= 64 ? service->hosts[0] : service->owner;
    ES_TRY(new_cert(key, service->owner, name, service->days, &cert, err));
    return finish(cert, authority->x509, authority_key, list, ES_COUNT_OF(list), ret, err);
}

static crypto_cert_service localhost_service(unsigned days)
{
    return (crypto_cert_service){.owner = EMULATOR,
                                 .hosts = localhost_names,
                                 .host_count = ES_COUNT_OF(localhost_names),
                                 .days = days};
}

entrasql_status crypto_cert_new_authority(const crypto_key *key, unsigned days, crypto_cert **ret,
                                          entrasql_error *err)
{
    const crypto_cert_service service = localhost_service(days);
    return crypto_cert_new_service_authority(&service, key, ret, err);
}

entrasql_status crypto_cert_new_localhost(const crypto_cert *authority,
                                          const crypto_key *authority_key, const crypto_key *key,
                                          unsigned days, crypto_cert **ret, entrasql_error *err)
{
    const crypto_cert_service service = localhost_service(days);
    return crypto_cert_new_service(&service, authority, authority_key, key, ret, err);
}

entrasql_status crypto_cert_new_client(const crypto_key *key, const char *name, unsigned days,
                                       crypto_cert **ret, entrasql_error *err)
{
    static const extension list[] = {
        {NID_basic_constraints, "critical,CA:FALSE"},
        {NID_key_usage, "critical,digitalSignature"},
        {NID_ext_key_usage, "clientAuth"},
        {NID_subject_key_identifier, "hash"},
    };
    crypto_cert *cert = NULL;
    ES_TRY(new_cert(key, EMULATOR, name, days, &cert, err));
    return finish(cert, cert->x509, key, list, ES_COUNT_OF(list), ret, err);
}

entrasql_status crypto_cert_from_pem(const char *pem, size_t n, crypto_cert **ret,
                                     entrasql_error *err)
{
    if (n > CRYPTO_PEM_MAX_BYTES)
        return es_fail(err, ENTRASQL_LIMIT, "a PEM text of %zu bytes is too long", n);
    ES_CLEANUP(bio_cleanup) BIO *bio = BIO_new_mem_buf(pem, (int)n);
    crypto_cert *cert = es_calloc(1, sizeof *cert);
    if (bio == NULL || cert == NULL) {
        es_free(cert);
        return es_nomem(err);
    }
    cert->x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    if (cert->x509 == NULL) {
        es_free(cert);
        return crypto_fail(err, ENTRASQL_MALFORMED, "the text is not a certificate in PEM");
    }
    *ret = cert;
    return ENTRASQL_OK;
}

entrasql_status crypto_cert_to_pem(const crypto_cert *cert, es_buf *out, entrasql_error *err)
{
    ES_CLEANUP(bio_cleanup) BIO *bio = BIO_new(BIO_s_mem());
    if (bio == NULL)
        return es_nomem(err);
    if (PEM_write_bio_X509(bio, cert->x509) != 1)
        return crypto_fail(err, ENTRASQL_INTERNAL, "the certificate cannot be written as PEM");
    return crypto_bio_to_buf(bio, out, err);
}

entrasql_status crypto_cert_to_base64(const crypto_cert *cert, es_buf *out, entrasql_error *err)
{
    unsigned char *der = NULL;
    int n = i2d_X509(cert->x509, &der);
    if (n <= 0)
        return crypto_fail(err, ENTRASQL_INTERNAL, "the certificate cannot be encoded");
    entrasql_status status = es_base64_encode(der, (size_t)n, out);
    OPENSSL_free(der);
    return status == ENTRASQL_OK ? status : es_nomem(err);
}

static entrasql_status cert_digest(const crypto_cert *cert, const EVP_MD *md, uint8_t *ret)
{
    unsigned n = 0;
    if (X509_digest(cert->x509, md, ret, &n) == 1)
        return ENTRASQL_OK;
    ERR_clear_error();
    return ENTRASQL_INTERNAL;
}

entrasql_status crypto_cert_sha1(const crypto_cert *cert, uint8_t ret[CRYPTO_SHA1_SIZE])
{
    return cert_digest(cert, EVP_sha1(), ret);
}

entrasql_status crypto_cert_sha256(const crypto_cert *cert, uint8_t ret[CRYPTO_SHA256_SIZE])
{
    return cert_digest(cert, EVP_sha256(), ret);
}

entrasql_status crypto_cert_public_key(const crypto_cert *cert, crypto_key **ret,
                                       entrasql_error *err)
{
    EVP_PKEY *pkey = X509_get_pubkey(cert->x509);
    if (pkey == NULL)
        return crypto_fail(err, ENTRASQL_MALFORMED, "the certificate has no usable key");
    return crypto_key_wrap(pkey, ret, err);
}

int64_t crypto_cert_not_after(const crypto_cert *cert)
{
    struct tm tm = {0};
    if (ASN1_TIME_to_tm(X509_get0_notAfter(cert->x509), &tm) != 1)
        return 0;
    time_t t = timegm(&tm);
    return t > 0 ? (int64_t)t : 0;
}

bool crypto_cert_matches_key(const crypto_cert *cert, const crypto_key *key)
{
    bool matches = EVP_PKEY_eq(X509_get0_pubkey(cert->x509), key->pkey) == 1;
    ERR_clear_error();
    return matches;
}

bool crypto_cert_is_issued_by(const crypto_cert *cert, const crypto_cert *authority)
{
    bool issued = X509_check_issued(authority->x509, cert->x509) == X509_V_OK &&
                  X509_verify(cert->x509, X509_get0_pubkey(authority->x509)) == 1;
    ERR_clear_error();
    return issued;
}
