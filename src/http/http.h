/* SPDX-License-Identifier: MIT */
/*
 * One HTTP exchange as an asynchronous operation (os/wait.h).
 *
 * Made for token and management endpoints, so the rules are fixed: redirects
 * are never followed, certificates and names are always verified (or the one pinned certificate is
 * asked for), TLS 1.2 or newer, plain http only where the request allows it, no cookies, no netrc,
 * sizes of answers are limited. An HTTP error status is a success here: the
 * caller judges it.
 *
 * Trust: ca_file, else the file in SSL_CERT_FILE, else the system store.
 * Proxies: as the environment says (https_proxy, no_proxy ...), read when the
 * exchange starts; none at all with `direct`.
 *
 * Operations are independent and belong to one thread at a time. The library
 * below is set up once per process on first use, which is the only global state.
 * Names are resolved on a helper thread that ends by itself; all signals are blocked in it.
 *
 * Secrets: the body and headers given are copied into memory that is wiped;
 * answers are in wiping buffers. Nothing of them is logged or in messages.
 */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include "base/buf.h"
#include "os/wait.h"

#include <stdbool.h>

#define HTTP_MAX_BODY (1024 * 1024)
#define HTTP_MAX_HEADERS (64 * 1024)
#define HTTP_MAX_REQUEST_HEADERS 16
#define HTTP_PIN_SIZE 20

typedef struct http_header {
    const char *name;
    const char *value;
} http_header;

typedef struct http_request {
    const char *method; /* "GET", "POST" ... */
    const char *url;
    http_header headers[HTTP_MAX_REQUEST_HEADERS]; /* ends with the first NULL name */
    const void *body;                              /* NULL: none */
    size_t body_len;
    const char *ca_file; /* NULL: the trust rule above */
    /* HTTP_PIN_SIZE bytes, SHA-1 of the server's certificate (DER): exactly this certificate is
     * accepted, whoever signed it and whatever name it has. NULL: the trust rule above. */
    const uint8_t *pin;
    bool plain_allowed;          /* http:// is accepted too: managed identity endpoints only */
    bool direct;                 /* never through a proxy */
    uint32_t connect_timeout_ms; /* 0: 30 000 */
    int64_t deadline_ms;         /* monotonic, for the whole exchange */
} http_request;

typedef struct http_response {
    unsigned status; /* 100-599 */
    es_buf headers;  /* lines as received; use http_response_header */
    es_buf body;     /* wiping */
} http_response;

typedef struct http_operation http_operation;

/*
 * The request is copied. INVALID: bad URL, method or header, or http where it
 * is not allowed. NOMEM, OS.
 */
entrasql_status http_start(const http_request *request, http_operation **ret,
                           entrasql_error *err) ES_MUST_USE;
entrasql_status http_wants(http_operation *op, os_wait *w) ES_MUST_USE;
/*
 * AGAIN; OK with *ret filled (http_response_done it), once. NETWORK (name,
 * connect), CLOSED (broken off), TLS (with a hint), TIMEOUT, LIMIT, MALFORMED (not HTTP), NOMEM.
 * Messages name scheme, host and path, never the query.
 */
entrasql_status http_step(http_operation *op, http_response *ret, entrasql_error *err) ES_MUST_USE;
/* Cancels what is under way. NULL allowed. */
void http_free(http_operation *op);

/* Blocks until the end. */
entrasql_status http_run(const http_request *request, http_response *ret,
                         entrasql_error *err) ES_MUST_USE;

void http_response_done(http_response *r);
/*
 * The value of a header (last one of that name), ASCII case ignored; copied
 * without surrounding blanks. NOT_FOUND, LIMIT when it does not fit.
 */
entrasql_status http_response_header(const http_response *r, const char *name, char *ret,
                                     size_t size) ES_MUST_USE;

/*
 * How long the answer asks to wait: retry-after-ms, x-ms-retry-after-ms or
 * Retry-After (seconds or a date, then counted from now_wall_s). False when
 * it does not say, or says it unreadably. At most a day.
 */
bool http_retry_after(const http_response *r, int64_t now_wall_s, int64_t *ret_ms);

/* "libcurl/7.88.1 OpenSSL/3.0.11 ...", of what is loaded. Static. */
const char *http_library_versions(void);

#endif
