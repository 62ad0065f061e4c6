/* SPDX-License-Identifier: MIT */
/*
 * A small HTTP service on libmicrohttpd for the emulator's endpoints, and
 * later the proxy's health paths and the sign-in landing page.
 *
 * The handler runs on the service's threads, one request at a time per
 * connection, several at once over all. Bodies and headers are limited.
 */
#ifndef HTTPD_HTTPD_H
#define HTTPD_HTTPD_H

#include "base/buf.h"
#include "base/error.h"

typedef struct httpd httpd;
typedef struct httpd_request httpd_request;

#define HTTPD_MAX_BODY_BYTES (1024 * 1024)

const char *httpd_method(const httpd_request *r);
const char *httpd_path(const httpd_request *r); /* decoded, without query */
const char *httpd_header(const httpd_request *r, const char *name); /* NULL when absent */
const char *httpd_query(const httpd_request *r, const char *name);  /* decoded; NULL when absent */
/* A field of an application/x-www-form-urlencoded body, decoded; NULL when absent or twice there. */
const char *httpd_form(const httpd_request *r, const char *name);
const char *httpd_body(const httpd_request *r, size_t *ret_len);

typedef struct httpd_response {
    unsigned status;
    const char *content_type; /* static; NULL: application/json */
    es_buf body;              /* initialised by the service, wiping, freed by it */
    struct {
        const char *name; /* static */
        char *value;      /* es_malloc'd, freed by the service */
    } headers[8];
    size_t header_count;
} httpd_response;

typedef void httpd_handler(void *ctx, const httpd_request *request, httpd_response *response);

typedef struct httpd_options {
    uint16_t port;         /* on 127.0.0.1; 0: any free one */
    const char *cert_file; /* PEM chain and key: HTTPS; NULL: plain HTTP */
    const char *key_file;
    httpd_handler *handler;
    void *ctx;
} httpd_options;

entrasql_status httpd_start(const httpd_options *options, httpd **ret, entrasql_error *err)
    ES_MUST_USE;
uint16_t httpd_port(const httpd *h);
void httpd_stop(httpd *h); /* waits for running handlers */

#endif
