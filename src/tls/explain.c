/* SPDX-License-Identifier: MIT */
/* Why a TLS handshake failed, in words that help: which certificate, what it says, what to do. */
#include "tls/inner.h"

#include "base/str.h"

#include <arpa/inet.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define NAMES_SHOWN 8

const char *tls_queue_text(void)
{
    unsigned long code = ERR_peek_last_error();
    ERR_clear_error();
    const char *text = code != 0 ? ERR_reason_error_string(code) : NULL;
    return text != NULL ? text : "no reason given";
}

const char *tls_library_version(void)
{
    return OpenSSL_version(OPENSSL_VERSION);
}

static void print_name(const X509_NAME *name, char ret[TLS_NAME_SIZE])
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    long n = 0;
    /* RFC 2253 order and escapes, but letters beyond ASCII as they are. */
    if (bio != NULL &&
        X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) > 0)
        n = BIO_get_mem_data(bio, &text);
    es_printable(ret, TLS_NAME_SIZE, text, n > 0 ? (size_t)n : 0);
    BIO_free(bio);
}

static void print_time(const ASN1_TIME *time, char ret[32])
{
    struct tm tm;
    if (ASN1_TIME_to_tm(time, &tm) != 1 || strftime(ret, 32, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
        (void)snprintf(ret, 32, "an unreadable date");
}

static void add_quoted(char *list, size_t size, const char *name)
{
    size_t used = strlen(list);
    (void)snprintf(list + used, size - used, "%s\"%s\"", used > 0 ? ", " : "", name);
}

/* The DNS and IP names of a certificate, or its common name when it has none. */
static void print_names(const X509 *certificate, char *ret, size_t size)
{
    ret[0] = '\0';
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    int count = names != NULL ? sk_GENERAL_NAME_num(names) : 0;
    for (int i = 0; i < count && i < NAMES_SHOWN; i++) {
        int type = 0;
        const ASN1_STRING *value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, i), &type);
        const unsigned char *data = NULL;
        char text[TLS_NAME_SIZE] = "";
        if (type != GEN_DNS && type != GEN_IPADD)
            continue;
        int n = ASN1_STRING_length(value);
        data = ASN1_STRING_get0_data(value);
        if (type == GEN_DNS && n > 0)
            es_printable(text, sizeof text, (const char *)data, (size_t)n);
        else if (type == GEN_IPADD && (n == 4 || n == 16))
            (void)inet_ntop(n == 4 ? AF_INET : AF_INET6, data, text, sizeof text);
        if (text[0] != '\0')
            add_quoted(ret, size, text);
    }
    if (count > NAMES_SHOWN) {
        size_t used = strlen(ret);
        (void)snprintf(ret + used, size - used, " and %d more", count - NAMES_SHOWN);
    }
    GENERAL_NAMES_free(names);
    if (ret[0] != '\0')
        return;
    char text[TLS_NAME_SIZE] = "";
    int n = X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, text,
                                      sizeof text);
    char clean[TLS_NAME_SIZE];
    es_printable(clean, sizeof clean, text, n > 0 ? (size_t)n : 0);
    add_quoted(ret, size, clean);
}

int tls_on_verify(int ok, X509_STORE_CTX *store)
{
    if (ok)
        return 1;
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    tls_conn *c = ssl != NULL ? SSL_get_app_data(ssl) : NULL;
    X509 *certificate = X509_STORE_CTX_get_current_cert(store);
    if (c == NULL)
        return 0;
    tls_objection *o = &c->objection;
    o->code = X509_STORE_CTX_get_error(store);
    o->depth = X509_STORE_CTX_get_error_depth(store);
    if (certificate != NULL) {
        print_name(X509_get_subject_name(certificate), o->subject);
        print_name(X509_get_issuer_name(certificate), o->issuer);
        print_names(certificate, o->names, sizeof o->names);
        print_time(X509_get0_notBefore(certificate), o->not_before);
        print_time(X509_get0_notAfter(certificate), o->not_after);
    }
    return 0;
}

/* "the certificate of db.example", or the one above it in the chain that is meant. */
static void which_certificate(const tls_conn *c, char *ret, size_t size)
{
    if (c->objection.depth == 0)
        (void)snprintf(ret, size, "the certificate of %s", c->peer);
    else
        (void)snprintf(ret, size, "the certificate \"%s\" in the chain of %s", c->objection.subject,
                       c->peer);
}

static entrasql_status explain_objection(const tls_conn *c, entrasql_error *err)
{
    const tls_objection *o = &c->objection;
    char which[2 * TLS_NAME_SIZE + 64];
    which_certificate(c, which, sizeof which);
    switch (o->code) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        (void)es_fail(err, ENTRASQL_TLS, "%s expired on %s", which, o->not_after);
        es_hint(err, "check this machine's clock; if it is right, the server's certificate has to "
                     "be renewed");
        break;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        (void)es_fail(err, ENTRASQL_TLS, "%s is valid only from %s on", which, o->not_before);
        es_hint(err, "check this machine's clock");
        break;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        (void)es_fail(err, ENTRASQL_TLS, "the certificate of %s is for %s, not for \"%s\"", c->peer,
                      o->names, c->wanted);
        es_hint(err, "connect by a name that the certificate bears, or give that name as "
                     "HostNameInCertificate");
        break;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        (void)es_fail(err, ENTRASQL_TLS, "%s is signed by itself (%s) and is not trusted here",
                      which, o->subject);
        es_hint(err,
                "trusted are: %s; name the certificate by the ca_file option or "
                "SSL_CERT_FILE. TrustServerCertificate=yes switches the check off: for tests "
                "only",
                c->ctx->trust);
        break;
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        (void)es_fail(err, ENTRASQL_TLS, "%s is issued by \"%s\", which is not trusted here", which,
                      o->issuer);
        es_hint(err,
                "trusted are: %s; name the issuer's certificate by the ca_file option or "
                "SSL_CERT_FILE. TrustServerCertificate=yes switches the check off: for tests "
                "only",
                c->ctx->trust);
        break;
    default:
        (void)es_fail(err, ENTRASQL_TLS, "%s was not accepted: %s", which,
                      X509_verify_cert_error_string(o->code));
        break;
    }
    return ENTRASQL_TLS;
}

entrasql_status tls_explain(const tls_conn *c, const char *what, entrasql_error *err)
{
    if (c->objection.code != X509_V_OK) {
        ERR_clear_error();
        return explain_objection(c, err);
    }
    unsigned long code = ERR_peek_last_error();
    int reason = ERR_GET_LIB(code) == ERR_LIB_SSL ? ERR_GET_REASON(code) : 0;
    (void)es_fail(err, ENTRASQL_TLS, "%s %s failed: %s", what, c->peer, tls_queue_text());
    if (reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_PACKET_LENGTH_TOO_LONG)
        es_hint(err, "the peer answered with something that is not TLS; check host and port");
    else if (reason == SSL_R_UNSUPPORTED_PROTOCOL || reason == SSL_R_TLSV1_ALERT_PROTOCOL_VERSION)
        es_hint(err, "TLS 1.2 or newer is required on both sides");
    else if (c->ctx->is_server && (reason == SSL_R_TLSV1_ALERT_UNKNOWN_CA ||
                                   reason == SSL_R_SSLV3_ALERT_BAD_CERTIFICATE ||
                                   reason == SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN))
        es_hint(err, "the client does not trust this server's certificate");
    return ENTRASQL_TLS;
}
