/* SPDX-License-Identifier: MIT */
/* One TLS connection over memory, raw (strict) or with its handshake inside PRELOGIN packets. */
#include "tls/inner.h"

#include "base/mem.h"
#include "base/reader.h"
#include "base/str.h"
#include "tds/proto.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

/* [MS-TDS] 2.2.3.1: the packets that carry the handshake. */
#define PACKET_HEADER_BYTES 8U
#define PACKET_SIZE 4096U

#define UNREAD_MAX_BYTES ((size_t)1024 * 1024)
#define WRITE_CHUNK_BYTES ((size_t)1024 * 1024 * 1024)

static const uint8_t alpn_tds8[] = {7, 't', 'd', 's', '/', '8', '.', '0'};

static bool is_ip(const char *name)
{
    struct in6_addr space;
    return inet_pton(AF_INET, name, &space) == 1 || inet_pton(AF_INET6, name, &space) == 1;
}

/* Certificates never bear the dot of a fully qualified name, nor brackets. */
static void copy_name(char ret[TLS_NAME_SIZE], const char *name)
{
    es_strlcpy_utf8(ret, TLS_NAME_SIZE, name);
    size_t n = strlen(ret);
    if (n >= 2 && ret[0] == '[' && ret[n - 1] == ']') {
        memmove(ret, ret + 1, n - 2);
        ret[n - 2] = '\0';
    } else if (n > 1 && ret[n - 1] == '.') {
        ret[n - 1] = '\0';
    }
}

static bool set_up_client(tls_conn *c, const tls_conn_options *options)
{
    copy_name(c->peer, options->server_name);
    copy_name(c->wanted, es_str_is_empty(options->certificate_name) ? options->server_name
                                                                    : options->certificate_name);
    SSL_set_connect_state(c->ssl);
    if (!is_ip(c->peer) && SSL_set_tlsext_host_name(c->ssl, c->peer) != 1)
        return false;
    /* Unlike the rest of OpenSSL this call returns 0 for success. */
    if (!c->wrap && SSL_set_alpn_protos(c->ssl, alpn_tds8, sizeof alpn_tds8) != 0)
        return false;
    if (c->ctx->trust_any) {
        SSL_set_verify(c->ssl, SSL_VERIFY_NONE, NULL);
        return true;
    }
    SSL_set_verify(c->ssl, SSL_VERIFY_PEER, tls_on_verify);
    X509_VERIFY_PARAM *rules = SSL_get0_param(c->ssl);
    if (is_ip(c->wanted))
        return X509_VERIFY_PARAM_set1_ip_asc(rules, c->wanted) == 1;
    return X509_VERIFY_PARAM_set1_host(rules, c->wanted, 0) == 1;
}

static entrasql_status check_names(const tls_context *ctx, const tls_conn_options *options,
                                   entrasql_error *err)
{
    const char *const names[] = {options->server_name, options->certificate_name};
    if (ctx->is_server)
        return ENTRASQL_OK;
    if (es_str_is_empty(options->server_name))
        return es_fail(err, ENTRASQL_INVALID, "TLS needs the name of the server");
    for (size_t i = 0; i < ES_COUNT_OF(names); i++) {
        if (names[i] != NULL && strlen(names[i]) >= TLS_NAME_SIZE)
            return es_fail(err, ENTRASQL_INVALID, "the server's name is longer than %d bytes",
                           TLS_NAME_SIZE - 1);
    }
    return ENTRASQL_OK;
}

static bool set_up(tls_conn *c, const tls_conn_options *options)
{
    c->ssl = SSL_new(c->ctx->ssl);
    BIO *bio = BIO_new(c->ctx->bio);
    if (c->ssl == NULL || bio == NULL) {
        BIO_free(bio);
        return false;
    }
    BIO_set_data(bio, c);
    SSL_set_bio(c->ssl, bio, bio);
    (void)SSL_set_app_data(c->ssl, c);
    /* TLS 1.3 sends its last flight in an order that drivers do not flush inside PRELOGIN. */
    if (c->wrap && SSL_set_max_proto_version(c->ssl, TLS1_2_VERSION) != 1)
        return false;
    if (!c->ctx->is_server)
        return set_up_client(c, options);
    es_strlcpy_utf8(c->peer, sizeof c->peer, "the client");
    SSL_set_accept_state(c->ssl);
    return true;
}

entrasql_status tls_conn_new(tls_context *ctx, const tls_conn_options *options, tls_conn **ret,
                             entrasql_error *err)
{
    ES_TRY(check_names(ctx, options, err));
    ERR_clear_error();
    tls_conn *c = es_calloc(1, sizeof *c);
    if (c == NULL)
        return es_nomem(err);
    c->ctx = tls_context_ref(ctx);
    c->wrap = options->wrap_prelogin;
    c->handshake_left = ctx->is_server ? TLS_CLIENT_HANDSHAKE_MAX_BYTES : TLS_HANDSHAKE_MAX_BYTES;
    c->in = ES_BUF_INIT(UNREAD_MAX_BYTES);
    c->flight = ES_BUF_INIT(TLS_HANDSHAKE_MAX_BYTES);
    c->records = ES_BUF_INIT(SIZE_MAX);
    c->out = ES_BUF_INIT(TLS_OUTPUT_MAX_BYTES);
    c->objection.code = X509_V_OK;
    if (!set_up(c, options)) {
        entrasql_status status =
            es_fail(err, ENTRASQL_TLS, "cannot set up TLS: %s", tls_queue_text());
        tls_conn_free(c);
        return status;
    }
    *ret = c;
    return ENTRASQL_OK;
}

void tls_conn_free(tls_conn *c)
{
    if (c == NULL)
        return;
    SSL_free(c->ssl);
    es_buf_done(&c->in);
    es_buf_done(&c->flight);
    es_buf_done(&c->records);
    es_buf_done(&c->out);
    tls_context_unref(c->ctx);
    es_free(c);
}

/* ---- bytes to and from the peer ---- */

static size_t unread(const tls_conn *c)
{
    return c->records.len - c->records_at + c->lent_len;
}

/* Makes it OpenSSL's to read. */
static entrasql_status give_to_ssl(tls_conn *c, const void *p, size_t n, entrasql_error *err)
{
    if (unread(c) + n > UNREAD_MAX_BYTES)
        return es_fail(err, ENTRASQL_LIMIT, "too many encrypted bytes wait to be read");
    if (c->records_at > 0) {
        es_buf_consume(&c->records, c->records_at);
        c->records_at = 0;
    }
    return es_buf_add(&c->records, p, n) == ENTRASQL_OK ? ENTRASQL_OK : es_nomem(err);
}

void tls_conn_lend(tls_conn *c, const void *p, size_t n)
{
    c->lent = p;
    c->lent_len = n;
}

entrasql_status tls_conn_end_loan(tls_conn *c, entrasql_error *err)
{
    size_t n = c->lent_len;
    c->lent_len = 0;
    return n > 0 ? give_to_ssl(c, c->lent, n, err) : ENTRASQL_OK;
}

static entrasql_status fail_length(const tls_conn *c, entrasql_error *err)
{
    return es_fail(err, ENTRASQL_LIMIT, "the TLS handshake of %s is too long", c->peer);
}

entrasql_status tls_conn_feed(tls_conn *c, const void *p, size_t n, entrasql_error *err)
{
    if (c->established)
        return give_to_ssl(c, p, n, err);
    entrasql_status status = es_buf_add(&c->in, p, n);
    if (status == ENTRASQL_LIMIT)
        return fail_length(c, err);
    return status == ENTRASQL_OK ? ENTRASQL_OK : es_nomem(err);
}

es_buf *tls_conn_output(tls_conn *c)
{
    return &c->out;
}

/* One flight of the handshake as one PRELOGIN message, cut into packets. */
static entrasql_status wrap_output(tls_conn *c)
{
    size_t at = 0;
    for (uint8_t id = 1; at < c->flight.len; id++) {
        size_t left = c->flight.len - at;
        size_t n =
            left < PACKET_SIZE - PACKET_HEADER_BYTES ? left : PACKET_SIZE - PACKET_HEADER_BYTES;
        ES_TRY(es_buf_u8(&c->out, TDS_PACKET_PRELOGIN));
        ES_TRY(es_buf_u8(&c->out, n == left ? TDS_STATUS_EOM : 0));
        ES_TRY(es_buf_u16be(&c->out, (uint16_t)(n + PACKET_HEADER_BYTES)));
        ES_TRY(es_buf_u16be(&c->out, 0));
        ES_TRY(es_buf_u8(&c->out, id));
        ES_TRY(es_buf_u8(&c->out, 0));
        ES_TRY(es_buf_add(&c->out, c->flight.data + at, n));
        at += n;
    }
    es_buf_done(&c->flight);
    return ENTRASQL_OK;
}

/* What became of the records that OpenSSL wrote. */
static entrasql_status check_output(tls_conn *c, entrasql_error *err)
{
    entrasql_status status = c->output_status;
    c->output_status = ENTRASQL_OK;
    if (status == ENTRASQL_OK)
        status = wrap_output(c);
    if (status == ENTRASQL_LIMIT)
        return es_fail(err, status, "too many encrypted bytes wait to be sent");
    return status == ENTRASQL_OK ? ENTRASQL_OK : es_nomem(err);
}

/* ---- handshake ---- */

static entrasql_status fail_framing(const tls_conn *c, unsigned type, entrasql_error *err)
{
    (void)es_fail(err, ENTRASQL_MALFORMED,
                  "%s sent a packet of type 0x%02x in the middle of the TLS handshake", c->peer,
                  type);
    es_hint(err, "the peer may not speak TDS 7.x with TLS; check host, port and Encrypt");
    return ENTRASQL_MALFORMED;
}

/* Moves the body of one whole packet into OpenSSL. AGAIN: it is not complete yet. */
static entrasql_status unwrap_packet(tls_conn *c, entrasql_error *err)
{
    es_reader r = es_reader_of(c->in.data, c->in.len);
    uint8_t type = 0;
    uint8_t status = 0;
    uint16_t length = 0;
    const uint8_t *body = NULL;
    if (es_reader_u8(&r, &type) != ENTRASQL_OK)
        return ENTRASQL_AGAIN;
    /* Some servers answer with the type of a reply; a client's packets have one type only. */
    if (type != TDS_PACKET_PRELOGIN && (c->ctx->is_server || type != TDS_PACKET_REPLY))
        return fail_framing(c, type, err);
    if (es_reader_u8(&r, &status) != ENTRASQL_OK || es_reader_u16be(&r, &length) != ENTRASQL_OK)
        return ENTRASQL_AGAIN;
    if (length < PACKET_HEADER_BYTES)
        return es_fail(err, ENTRASQL_MALFORMED,
                       "%s sent a packet of length %u in the TLS handshake", c->peer, length);
    if (length > c->handshake_left)
        return fail_length(c, err);
    size_t n = length - PACKET_HEADER_BYTES;
    if (es_reader_skip(&r, 4) != ENTRASQL_OK || es_reader_bytes(&r, n, &body) != ENTRASQL_OK)
        return ENTRASQL_AGAIN;
    ES_TRY(give_to_ssl(c, body, n, err));
    c->handshake_left -= length;
    es_buf_consume(&c->in, length);
    return ENTRASQL_OK;
}

static entrasql_status next_input(tls_conn *c, entrasql_error *err)
{
    if (c->in.len == 0)
        return ENTRASQL_AGAIN;
    if (c->handshake_left == 0)
        return fail_length(c, err);
    if (c->wrap)
        return unwrap_packet(c, err);
    /* What is beyond it may follow the handshake. */
    size_t n = c->in.len < c->handshake_left ? c->in.len : c->handshake_left;
    ES_TRY(give_to_ssl(c, c->in.data, n, err));
    c->handshake_left -= n;
    es_buf_consume(&c->in, n);
    return ENTRASQL_OK;
}

static entrasql_status finish_handshake(tls_conn *c, entrasql_error *err)
{
    c->established = true;
    /* What is left follows the handshake and is not wrapped any more. */
    ES_TRY(give_to_ssl(c, c->in.data, c->in.len, err));
    es_buf_done(&c->in);
    return ENTRASQL_OK;
}

entrasql_status tls_conn_handshake(tls_conn *c, entrasql_error *err)
{
    while (!c->established) {
        ERR_clear_error();
        int rc = SSL_do_handshake(c->ssl);
        int reason = SSL_get_error(c->ssl, rc);
        /* Before anything else: on failure it is the alert that tells the peer why. */
        ES_TRY(check_output(c, err));
        if (rc == 1)
            return finish_handshake(c, err);
        if (reason != SSL_ERROR_WANT_READ)
            return tls_explain(c, "the TLS handshake with", err);
        ES_TRY(next_input(c, err));
    }
    return ENTRASQL_OK;
}

/* ---- plaintext ---- */

static entrasql_status read_failed(tls_conn *c, int reason, entrasql_error *err)
{
    switch (reason) {
    case SSL_ERROR_WANT_READ:
        return ENTRASQL_AGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return es_fail(err, ENTRASQL_CLOSED, "%s ended the TLS connection", c->peer);
    default:
        return tls_explain(c, "reading from the TLS connection with", err);
    }
}

/*
 * OpenSSL answers a renegotiation with a warning and goes on. A peer that asks again and again
 * would have each answer kept in memory, and no TDS client or server asks: it is the end.
 */
void tls_on_info(const SSL *ssl, int where, int value)
{
    tls_conn *c = SSL_get_app_data(ssl);
    if (c != NULL && where == SSL_CB_WRITE_ALERT && (value & 0xff) == SSL_AD_NO_RENEGOTIATION)
        c->asked_anew = true;
}

entrasql_status tls_conn_read(tls_conn *c, void *p, size_t n, size_t *ret_n, entrasql_error *err)
{
    if (!c->established)
        return es_fail(err, ENTRASQL_INTERNAL, "read before the TLS handshake is over");
    ERR_clear_error();
    int rc = SSL_read_ex(c->ssl, p, n, ret_n);
    int reason = SSL_get_error(c->ssl, rc);
    if (c->asked_anew)
        return es_fail(err, ENTRASQL_TLS, "%s asked for a new TLS handshake on a connection",
                       c->peer);
    ES_TRY(check_output(c, err));
    return rc == 1 ? ENTRASQL_OK : read_failed(c, reason, err);
}

/*
 * As long as more is here OpenSSL keeps its buffer; only the last call, which it has nothing for,
 * makes it give that back.
 */
static size_t read_while_more(tls_conn *c, uint8_t *p, size_t n)
{
    size_t done = 0;
    size_t got = 0;
    ERR_clear_error();
    SSL_clear_mode(c->ssl, SSL_MODE_RELEASE_BUFFERS);
    while (done < n && unread(c) > 0 && SSL_read_ex(c->ssl, p + done, n - done, &got) == 1)
        done += got;
    SSL_set_mode(c->ssl, SSL_MODE_RELEASE_BUFFERS);
    return done;
}

entrasql_status tls_conn_read_all(tls_conn *c, void *p, size_t n, size_t *ret_n,
                                  entrasql_error *err)
{
    size_t got = 0;
    if (!c->established)
        return es_fail(err, ENTRASQL_INTERNAL, "read before the TLS handshake is over");
    size_t done = read_while_more(c, p, n);
    entrasql_status status = ENTRASQL_OK;
    while (done < n && status == ENTRASQL_OK) {
        status = tls_conn_read(c, (uint8_t *)p + done, n - done, &got, err);
        done += status == ENTRASQL_OK ? got : 0;
    }
    if (done == 0 ||
        (status != ENTRASQL_OK && status != ENTRASQL_AGAIN && status != ENTRASQL_CLOSED))
        return status;
    *ret_n = done;
    return ENTRASQL_OK;
}

entrasql_status tls_conn_write(tls_conn *c, const void *p, size_t n, entrasql_error *err)
{
    if (!c->established)
        return es_fail(err, ENTRASQL_INTERNAL, "write before the TLS handshake is over");
    const uint8_t *at = p;
    while (n > 0) {
        size_t written = 0;
        ERR_clear_error();
        if (SSL_write_ex(c->ssl, at, n < WRITE_CHUNK_BYTES ? n : WRITE_CHUNK_BYTES, &written) != 1)
            return tls_explain(c, "writing to the TLS connection with", err);
        at += written;
        n -= written;
    }
    return check_output(c, err);
}

void tls_conn_shutdown(tls_conn *c)
{
    if (!c->established)
        return;
    ERR_clear_error();
    (void)SSL_shutdown(c->ssl);
    ERR_clear_error();
    (void)check_output(c, NULL);
}

entrasql_status tls_conn_take_unused(tls_conn *c, es_buf *out)
{
    ES_TRY(es_buf_add(out, c->in.data, c->in.len));
    es_buf_done(&c->in);
    if (c->records.len > c->records_at)
        ES_TRY(es_buf_add(out, c->records.data + c->records_at, c->records.len - c->records_at));
    es_buf_done(&c->records);
    c->records_at = 0;
    return ENTRASQL_OK;
}

const char *tls_conn_version(const tls_conn *c)
{
    return SSL_get_version(c->ssl);
}

const char *tls_conn_cipher(const tls_conn *c)
{
    return SSL_get_cipher_name(c->ssl);
}
