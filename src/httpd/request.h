/* SPDX-License-Identifier: MIT */
/* One request inside the service: what was received so far, and its decoded form. */
#ifndef HTTPD_REQUEST_H
#define HTTPD_REQUEST_H

#include "fields.h"
#include "httpd.h"

#include <microhttpd.h>

struct httpd_request {
    struct MHD_Connection *connection;
    char *uri; /* as sent: path and query, still encoded */
    char *method;
    char *path;
    httpd_fields query;
    httpd_fields form;
    bool has_form;
    bool started;            /* headers were looked at */
    es_buf body;             /* wiping */
    void (*sent)(void *ctx); /* of the response */
    void *sent_ctx;
};

/* NULL without memory. */
httpd_request *httpd_request_new(struct MHD_Connection *connection, const char *uri);
void httpd_request_free(httpd_request *r);
/* Path and query, once the headers are there. */
entrasql_status httpd_request_decode_uri(httpd_request *r, entrasql_error *err) ES_MUST_USE;
/* The form, once the body is complete and of that type. */
entrasql_status httpd_request_decode_body(httpd_request *r, entrasql_error *err) ES_MUST_USE;
/* Whether the Host header names the loopback. */
bool httpd_request_is_for_loopback(const httpd_request *r);

#endif
