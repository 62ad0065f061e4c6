/* SPDX-License-Identifier: MIT */
/*
 * TLS without I/O: ciphertext in and out through buffers, plaintext beside.
 * The only user of <openssl/ssl.h>.
 *
 * A context (settings, certificates) is immutable after creation, reference
 * counted, and shared by threads. A connection belongs to one thread at a time.
 *
 * Inside TDS 7.x the handshake travels as the body of PRELOGIN packets
 * ([MS-TDS] 2.2.6.5 and 3.2.5.x); `wrap_prelogin` does that framing, and raw
 * records follow after Finished. The wrapped form is capped at TLS 1.2.
 */
#ifndef TLS_TLS_H
#define TLS_TLS_H

#include "base/buf.h"
#include "base/error.h"

/* What a server's side of a handshake may take: far above any real chain of certificates. */
#define TLS_HANDSHAKE_MAX_BYTES ((size_t)256 * 1024)
/* What a client's may: a stranger's, who is asked for no certificate and sends two kilobytes. */
#define TLS_CLIENT_HANDSHAKE_MAX_BYTES ((size_t)64 * 1024)

/* Of what tls_conn_output() holds. */
#define TLS_OUTPUT_MAX_BYTES ((size_t)8 * 1024 * 1024)

typedef struct tls_context tls_context;
typedef struct tls_conn tls_conn;

/*
 * The one trust rule: ca_file, else SSL_CERT_FILE, else the system store. A
 * file that is named and cannot be read is CONFIG, not the next choice. The
 * environment is read when the context is made.
 */
typedef struct tls_client_options {
    const char *ca_file;        /* PEM; NULL: the rule above */
    bool trust_any_certificate; /* TrustServerCertificate=yes: neither chain nor name is checked */
} tls_client_options;

/* Sets OpenSSL up now, its exit handler with it, rather than with the first context. Any thread. */
void tls_library_init(void);

entrasql_status tls_client_context_new(const tls_client_options *options, tls_context **ret,
                                       entrasql_error *err) ES_MUST_USE;
/*
 * PEM files: the certificate chain, leaf first, and its key; regular files of at most 1 MiB. CONFIG
 * says what is wrong.
 */
entrasql_status tls_server_context_new(const char *cert_file, const char *key_file,
                                       tls_context **ret, entrasql_error *err) ES_MUST_USE;
/* As that; of a failure *ret_key_is_wrong tells that it is the key's. */
entrasql_status tls_server_context_open(const char *cert_file, const char *key_file,
                                        tls_context **ret, bool *ret_key_is_wrong,
                                        entrasql_error *err) ES_MUST_USE;
/* Of a server's certificate, in seconds of the wall clock; 0: cannot be told. */
void tls_server_validity(const tls_context *ctx, int64_t *ret_from_s, int64_t *ret_until_s);
tls_context *tls_context_ref(tls_context *ctx);
void tls_context_unref(tls_context *ctx);

typedef struct tls_conn_options {
    const char *server_name;      /* client: SNI (unless an IP address) and the name to verify */
    const char *certificate_name; /* client: HostNameInCertificate; NULL: server_name */
    bool wrap_prelogin;           /* TDS 7.x; else strict: TLS first, ALPN "tds/8.0" */
} tls_conn_options;

/* A server's connection uses wrap_prelogin only. A strict server takes a client without ALPN, but
   none that offers only other protocols. */

entrasql_status tls_conn_new(tls_context *ctx, const tls_conn_options *options, tls_conn **ret,
                             entrasql_error *err) ES_MUST_USE;
void tls_conn_free(tls_conn *c);

/*
 * Bytes from the socket. LIMIT when 1 MiB waits to be read, or a handshake
 * takes more than TLS_HANDSHAKE_MAX_BYTES, a client's more than
 * TLS_CLIENT_HANDSHAKE_MAX_BYTES.
 */
entrasql_status tls_conn_feed(tls_conn *c, const void *p, size_t n,
                              entrasql_error *err) ES_MUST_USE;
/*
 * After the handshake, instead of feeding: bytes that tls_conn_read() takes
 * from where they are. The loan ends before they go; what was not read is copied then.
 */
void tls_conn_lend(tls_conn *c, const void *p, size_t n);
entrasql_status tls_conn_end_loan(tls_conn *c, entrasql_error *err) ES_MUST_USE;
/* Bytes for the socket; the owner sends and consumes them. */
es_buf *tls_conn_output(tls_conn *c);

/*
 * AGAIN until the handshake is over in both directions. TLS: the reason, with a
 * hint; the output may then hold an alert for the peer. MALFORMED: wrapped, and
 * the peer sent something else than PRELOGIN packets.
 */
entrasql_status tls_conn_handshake(tls_conn *c, entrasql_error *err) ES_MUST_USE;

/* Bytes of the next record. AGAIN: feed more. CLOSED: the peer ended TLS. */
entrasql_status tls_conn_read(tls_conn *c, void *p, size_t n, size_t *ret_n,
                              entrasql_error *err) ES_MUST_USE;
/*
 * Of all records that are here, while there is room: for a connection on which nothing but records
 * follows. An orderly end is told after the bytes before it, a broken record at once.
 */
entrasql_status tls_conn_read_all(tls_conn *c, void *p, size_t n, size_t *ret_n,
                                  entrasql_error *err) ES_MUST_USE;
/* Encrypts all n bytes into the output buffer. */
entrasql_status tls_conn_write(tls_conn *c, const void *p, size_t n,
                               entrasql_error *err) ES_MUST_USE;
/* Queues close_notify. */
void tls_conn_shutdown(tls_conn *c);

/* Ciphertext that was fed and not yet used: clear bytes after login-only encryption ends. */
entrasql_status tls_conn_take_unused(tls_conn *c, es_buf *out) ES_MUST_USE;

/* "TLSv1.2", "ECDHE-RSA-AES256-GCM-SHA384"; valid as long as the connection. */
const char *tls_conn_version(const tls_conn *c);
const char *tls_conn_cipher(const tls_conn *c);

/* "OpenSSL 3.0.11 19 Sep 2023", of what is loaded. Static. */
const char *tls_library_version(void);

#endif
