/* SPDX-License-Identifier: MIT */
/*
 * What clients sent to the HTTP endpoints, for looking at identity libraries
 * and for tests: one line of JSON a request in <dir>/http.jsonl (0600), with service,
 * method, path, query, headers, form fields in their order, and the answer's status. Secrets are
 * masked; of a signed assertion header and claims are shown, which nobody can use without
 * the signature.
 *
 * Any thread may record. A file that cannot be written ends the record, not the service.
 */
#ifndef EMULATOR_HTTP_RECORD_H
#define EMULATOR_HTTP_RECORD_H

#include "httpd/httpd.h"

typedef struct http_record http_record;

entrasql_status http_record_open(const char *dir, http_record **ret,
                                 entrasql_error *err) ES_MUST_USE;
/* The services that it observes have stopped. NULL allowed. */
void http_record_close(http_record *r);

/* Records what the service is asked, under a name, which is borrowed. NULL: nothing is recorded. */
void http_record_observe(http_record *r, const char *name, httpd *service);

/* The line of one request, without its end; for tests too. NOMEM, LIMIT. */
entrasql_status http_record_format(const char *service, const httpd_request *request,
                                   unsigned status, es_buf *out) ES_MUST_USE;

#endif
