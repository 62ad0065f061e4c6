/* SPDX-License-Identifier: MIT */
/*
 * What the files of this folder share: the operation, and the guard around
 * every call into the library below.
 */
#ifndef HTTP_INTERNAL_H
#define HTTP_INTERNAL_H

#include "http/http.h"

#include <curl/curl.h>
#include <signal.h>

/* Sockets of one exchange: both address families, and the name resolution's own. */
#define HTTP_MAX_SOCKETS 12

struct http_socket {
    curl_socket_t fd;
    short events;
};

struct http_operation {
    CURLM *multi;
    CURL *easy;
    struct curl_slist *headers;
    es_buf request_body;
    char place[512]; /* scheme, host and path, for messages */
    char error_text[CURL_ERROR_SIZE];
    int64_t deadline_ms;
    int64_t timer_ms; /* when the library wants to be called again */
    struct http_socket sockets[HTTP_MAX_SOCKETS];
    unsigned socket_count;
    bool socket_overflow;
    bool is_direct;
    bool is_pinned;
    uint8_t pin[HTTP_PIN_SIZE];
    entrasql_status sink_status; /* why an answer was refused while it came in */
    size_t header_bytes;         /* of all header lines, also of answers before the last */
    http_response response;
    bool finished; /* the result was handed out */
};

/*
 * While we are inside the library all signals are blocked: threads that it
 * starts inherit that, so no handler of the host runs on them; and a SIGPIPE
 * that a broken connection raised meanwhile is taken away.
 */
typedef struct http_guard {
    sigset_t before;
    bool had_sigpipe;
} http_guard;

void http_guard_enter(http_guard *g);
void http_guard_leave(http_guard *g);

/* Sets the process-wide part of the library up, once. */
entrasql_status http_global_init(entrasql_error *err) ES_MUST_USE;

/* Fills the easy handle from the request. */
entrasql_status http_configure(http_operation *op, const http_request *request,
                               entrasql_error *err) ES_MUST_USE;

/* Accepts the server with this certificate and no other. */
CURLcode http_set_pin(http_operation *op, const uint8_t *pin) ES_MUST_USE;

/* The library's result as one of ours, with message and hint. Call for failures only. */
entrasql_status http_failure(const http_operation *op, CURLcode code, entrasql_error *err);

#endif
