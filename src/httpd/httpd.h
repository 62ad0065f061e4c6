/* SPDX-License-Identifier: MIT */
/*
 * A small HTTP service on libmicrohttpd for the emulator's endpoints, the
 * proxy's health paths and the sign-in landing page.
 *
 * Unless told otherwise it listens on 127.0.0.1 and answers only requests whose Host
 * names the loopback (a web page that points its own name here gets 403). Paths,
 * queries and forms are decoded strictly: what is malformed is answered with
 * 400 before the handler is called. Bodies, headers, fields, connections and
 * idle time are limited; among too many connections the one that has been silent for longest is
 * closed for the newest.
 *
 * The handler runs on the service's threads, one request at a time per
 * connection, several at once over all. Everything a request lends is valid
 * until the handler returns.
 */
#ifndef HTTPD_HTTPD_H
#define HTTPD_HTTPD_H

#include "base/buf.h"
#include "base/error.h"
#include "os/sock.h"

typedef struct httpd httpd;
typedef struct httpd_request httpd_request;

#define HTTPD_MAX_BODY_BYTES (1024 * 1024)
#define HTTPD_MAX_HEADER_BYTES (32 * 1024) /* request line and headers together */
#define HTTPD_MAX_FIELDS 64                /* of a query, and of a form */
#define HTTPD_MAX_CONNECTIONS 256
#define HTTPD_MAX_RESPONSE_BYTES (4 * 1024 * 1024)

const char *httpd_method(const httpd_request *r);
const char *httpd_path(const httpd_request *r);                     /* decoded, without query */
const char *httpd_header(const httpd_request *r, const char *name); /* NULL when absent */
const char *httpd_query(const httpd_request *r,
                        const char *name); /* decoded; NULL when absent or twice there */
/* A field of an application/x-www-form-urlencoded body, decoded; NULL when absent or twice there.
 */
const char *httpd_form(const httpd_request *r, const char *name);
/* How often a field is there, to tell absent from twice. */
size_t httpd_query_count(const httpd_request *r, const char *name);
size_t httpd_form_count(const httpd_request *r, const char *name);
/* Whether the body is of that content type. */
bool httpd_has_form(const httpd_request *r);
const char *httpd_body(const httpd_request *r, size_t *ret_len);

/* The request comes from this machine's loopback and its Host says so as well. */
bool httpd_is_from_loopback(const httpd_request *r);

/* The user that sent it, where the kernel tells; as os_sock_peer_uid(). */
entrasql_status httpd_peer_uid(const httpd_request *r, uid_t *ret_uid,
                               entrasql_error *err) ES_MUST_USE;

/* Every header, query field or form field in its order; fields decoded, repeated ones too. */
typedef enum httpd_part { HTTPD_HEADERS, HTTPD_QUERY, HTTPD_FORM } httpd_part;
typedef void httpd_visitor(void *ctx, const char *name, const char *value);
void httpd_visit(const httpd_request *r, httpd_part part, httpd_visitor *visitor, void *ctx);

#define HTTPD_MAX_RESPONSE_HEADERS 8

typedef struct httpd_response {
    unsigned status;          /* 200 when the handler starts */
    const char *content_type; /* static; NULL: application/json */
    es_buf body;              /* initialised by the service, wiping, freed by it */
    struct {
        const char *name; /* static */
        char *value;      /* es_malloc'd, freed by the service */
    } headers[HTTPD_MAX_RESPONSE_HEADERS];
    size_t header_count;
    bool drop; /* close the connection without an answer; the rest does not matter */
    /* Called on the service's thread when the answer was sent, or cannot be. NULL: nothing. */
    void (*sent)(void *ctx);
    void *sent_ctx;
} httpd_response;

/* Copies the value. NOMEM, or LIMIT when there are HTTPD_MAX_RESPONSE_HEADERS already. */
entrasql_status httpd_response_header(httpd_response *response, const char *name,
                                      const char *value) ES_MUST_USE;

typedef void httpd_handler(void *ctx, const httpd_request *request, httpd_response *response);

typedef struct httpd_options {
    uint16_t port;             /* on 127.0.0.1; 0: any free one */
    const os_address *address; /* NULL: 127.0.0.1 and the port above. One that is not on loopback
                                  is reached by other names: then any Host will do */
    const char *cert_file;     /* PEM chain and key: HTTPS; NULL: plain HTTP */
    const char *key_file;
    httpd_handler *handler;
    void *ctx;
    /* When the port is known and no request was served yet; a failure ends the start. NULL: none.
     */
    entrasql_status (*on_port)(void *ctx, uint16_t port, entrasql_error *err);
    unsigned idle_timeout_s; /* a silent connection is closed; 0: 30 */
} httpd_options;

/* BUSY when the port is taken; CONFIG, NOT_FOUND for the PEM files. */
entrasql_status httpd_start(const httpd_options *options, httpd **ret,
                            entrasql_error *err) ES_MUST_USE;
uint16_t httpd_port(const httpd *h);
/*
 * From now on `observer` is told of each request that reached the handler, with
 * the status of its answer (0: dropped): on the handler's thread, after it,
 * before the answer is sent. Once; it must live until the service has stopped.
 */
typedef void httpd_observer(void *ctx, const httpd_request *request, unsigned status);
void httpd_observe(httpd *h, httpd_observer *observer, void *ctx);
void httpd_stop(httpd *h); /* waits for running handlers; NULL allowed */

#endif
