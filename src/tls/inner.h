/* SPDX-License-Identifier: MIT */
/*
 * What the files of tls share: the two objects and how a failed handshake is
 * put into words. Not for other folders.
 */
#ifndef TLS_INNER_H
#define TLS_INNER_H

#include "tls/tls.h"

#include <openssl/ssl.h>
#include <stdatomic.h>

#define TLS_TRUST_TEXT_SIZE 320
#define TLS_NAME_SIZE 256

struct tls_context {
    atomic_uint refs;
    SSL_CTX *ssl;
    BIO_METHOD *bio; /* tls_bio_method_new() */
    bool is_server;
    bool trust_any;
    char trust[TLS_TRUST_TEXT_SIZE]; /* "the file /x/ca.pem", for hints */
};

/* What the certificate check objected to; filled by the callback, told by tls_explain(). */
typedef struct tls_objection {
    int code; /* X509_V_ERR_*; X509_V_OK: none */
    int depth;
    char subject[TLS_NAME_SIZE];
    char issuer[TLS_NAME_SIZE];
    char names[2 * TLS_NAME_SIZE]; /* of the leaf, quoted, with commas */
    char not_before[32];
    char not_after[32];
} tls_objection;

struct tls_conn {
    tls_context *ctx;
    SSL *ssl;
    bool wrap;
    bool established;
    bool asked_anew;       /* the peer asked for another handshake */
    size_t handshake_left; /* bytes that the peer's side of it may still take */
    es_buf in;             /* fed during the handshake, not yet unwrapped */
    es_buf flight;         /* records of the handshake, not yet wrapped */
    es_buf records;        /* for OpenSSL; from records_at on not yet read by it */
    size_t records_at;
    const uint8_t *lent; /* more of them, in somebody else's memory */
    size_t lent_len;
    entrasql_status output_status; /* of the latest record written */
    es_buf out;
    char peer[TLS_NAME_SIZE];   /* for messages: the server's name, or "the client" */
    char wanted[TLS_NAME_SIZE]; /* the name that the certificate must bear */
    tls_objection objection;
};

/* All certificates of the file are trusted. origin: what names it, for messages. CONFIG. */
entrasql_status tls_files_trust(SSL_CTX *ssl, const char *file, const char *origin,
                                entrasql_error *err);
/* *ret_key_is_wrong becomes true once the certificate is good. CONFIG. */
entrasql_status tls_files_identity(SSL_CTX *ssl, const char *cert_file, const char *key_file,
                                   bool *ret_key_is_wrong, entrasql_error *err);
/* How OpenSSL reaches a connection's buffers; the BIO's data is the connection. */
BIO_METHOD *tls_bio_method_new(void);
/* The info callback: notices who asks for another handshake. */
void tls_on_info(const SSL *ssl, int where, int value);
/* The verify callback of a client connection. */
int tls_on_verify(int ok, X509_STORE_CTX *store);
/* The reason of a failed SSL call out of the objection or OpenSSL's queue, which it empties. */
entrasql_status tls_explain(const tls_conn *c, const char *what, entrasql_error *err);
/* The newest entry of OpenSSL's queue as text; empties the queue. Static storage. */
const char *tls_queue_text(void);

#endif
