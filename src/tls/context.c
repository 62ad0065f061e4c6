/* SPDX-License-Identifier: MIT */
/* TLS settings shared by connections: trust for clients, certificate and key for servers. */
#include "tls/inner.h"

#include "base/mem.h"
#include "base/str.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

static const uint8_t alpn_tds8[] = {7, 't', 'd', 's', '/', '8', '.', '0'};

void tls_library_init(void)
{
    (void)OPENSSL_init_ssl(0, NULL);
}

static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                       const unsigned char *in, unsigned int in_len, void *context)
{
    (void)ssl, (void)context;
    unsigned char *chosen = NULL;
    if (SSL_select_next_proto(&chosen, out_len, alpn_tds8, sizeof alpn_tds8, in, in_len) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static entrasql_status fail_openssl(entrasql_error *err, const char *what)
{
    return es_fail(err, ENTRASQL_TLS, "cannot prepare TLS: %s: %s", what, tls_queue_text());
}

static entrasql_status context_new(bool is_server, tls_context **ret, entrasql_error *err)
{
    ERR_clear_error();
    tls_context *ctx = es_calloc(1, sizeof *ctx);
    if (ctx == NULL)
        return es_nomem(err);
    atomic_init(&ctx->refs, 1);
    ctx->is_server = is_server;
    ctx->ssl = SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method());
    ctx->bio = tls_bio_method_new();
    if (ctx->ssl == NULL || ctx->bio == NULL ||
        SSL_CTX_set_min_proto_version(ctx->ssl, TLS1_2_VERSION) != 1) {
        entrasql_status status = fail_openssl(err, "no context");
        tls_context_unref(ctx);
        return status;
    }
    SSL_CTX_set_options(ctx->ssl, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_mode(ctx->ssl, SSL_MODE_RELEASE_BUFFERS);
    (void)SSL_CTX_set_session_cache_mode(ctx->ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_info_callback(ctx->ssl, tls_on_info);
    *ret = ctx;
    return ENTRASQL_OK;
}

static entrasql_status trust_file(tls_context *ctx, const char *file, const char *origin,
                                  entrasql_error *err)
{
    ES_TRY(tls_files_trust(ctx->ssl, file, origin, err));
    (void)snprintf(ctx->trust, sizeof ctx->trust, "the file %s (%s)", file, origin);
    return ENTRASQL_OK;
}

static entrasql_status load_trust(tls_context *ctx, const char *ca_file, entrasql_error *err)
{
    if (!es_str_is_empty(ca_file))
        return trust_file(ctx, ca_file, "ca_file", err);
    const char *file = secure_getenv("SSL_CERT_FILE");
    if (!es_str_is_empty(file))
        return trust_file(ctx, file, "SSL_CERT_FILE", err);
    if (SSL_CTX_set_default_verify_paths(ctx->ssl) != 1)
        return fail_openssl(err, "the system's certificates");
    (void)snprintf(ctx->trust, sizeof ctx->trust, "the system's certificates");
    return ENTRASQL_OK;
}

entrasql_status tls_client_context_new(const tls_client_options *options, tls_context **ret,
                                       entrasql_error *err)
{
    tls_context *ctx = NULL;
    ES_TRY(context_new(false, &ctx, err));
    ctx->trust_any = options->trust_any_certificate;
    if (!ctx->trust_any) {
        entrasql_status status = load_trust(ctx, options->ca_file, err);
        if (status != ENTRASQL_OK) {
            tls_context_unref(ctx);
            return status;
        }
    }
    X509_VERIFY_PARAM *rules = SSL_CTX_get0_param(ctx->ssl);
    /* As curl: a certificate in the file is trusted also when it is an intermediate one. */
    (void)X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_PARTIAL_CHAIN);
    X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    *ret = ctx;
    return ENTRASQL_OK;
}

entrasql_status tls_server_context_open(const char *cert_file, const char *key_file,
                                        tls_context **ret, bool *ret_key_is_wrong,
                                        entrasql_error *err)
{
    tls_context *ctx = NULL;
    *ret_key_is_wrong = false;
    ES_TRY(context_new(true, &ctx, err));
    entrasql_status status =
        tls_files_identity(ctx->ssl, cert_file, key_file, ret_key_is_wrong, err);
    if (status != ENTRASQL_OK) {
        tls_context_unref(ctx);
        return status;
    }
    /* No resumption: keeps the flights inside PRELOGIN in their usual order. */
    SSL_CTX_set_options(ctx->ssl, SSL_OP_NO_TICKET);
    (void)SSL_CTX_set_num_tickets(ctx->ssl, 0);
    SSL_CTX_set_alpn_select_cb(ctx->ssl, choose_alpn, NULL);
    *ret = ctx;
    return ENTRASQL_OK;
}

entrasql_status tls_server_context_new(const char *cert_file, const char *key_file,
                                       tls_context **ret, entrasql_error *err)
{
    bool key_is_wrong;
    return tls_server_context_open(cert_file, key_file, ret, &key_is_wrong, err);
}

tls_context *tls_context_ref(tls_context *ctx)
{
    if (ctx != NULL)
        atomic_fetch_add_explicit(&ctx->refs, 1, memory_order_relaxed);
    return ctx;
}

void tls_context_unref(tls_context *ctx)
{
    if (ctx == NULL || atomic_fetch_sub_explicit(&ctx->refs, 1, memory_order_acq_rel) != 1)
        return;
    SSL_CTX_free(ctx->ssl);
    BIO_meth_free(ctx->bio);
    es_free(ctx);
}
