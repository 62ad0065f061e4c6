/* SPDX-License-Identifier: MIT */
/* The service: the daemon, its limits, and the way from its callbacks to the handler. */
#include "httpd.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "callers.h"
#include "os/file.h"
#include "os/sock.h"
#include "os/thread.h"
#include "request.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define THREADS 4
#define BACKLOG 128
#define DEFAULT_IDLE_TIMEOUT_S 30
/* The library deals the connections out to its threads evenly, and a thread that has its share
   takes no more: with a quarter of room one of them always does. */
#define CALLERS_MAX (HTTPD_MAX_CONNECTIONS / 4 * 3)
#define MAX_PEM_BYTES (64 * 1024)
/* The library counts its own book-keeping of a connection in this too. */
#define CONNECTION_MEMORY_BYTES (HTTPD_MAX_HEADER_BYTES + 8 * 1024)
/* Clients of today speak at least 1.2. */
#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

struct httpd {
    struct MHD_Daemon *daemon;
    httpd_callers callers;
    httpd_handler *handler;
    void *ctx;
    _Atomic(httpd_observer *) observer;
    void *observer_ctx; /* set before it */
    uint16_t port;
    bool any_host;
};

/* ---- responses ---- */

entrasql_status httpd_response_header(httpd_response *response, const char *name, const char *value)
{
    if (response->header_count == HTTPD_MAX_RESPONSE_HEADERS)
        return ENTRASQL_LIMIT;
    char *copy = es_strdup(value);
    if (copy == NULL)
        return ENTRASQL_NOMEM;
    response->headers[response->header_count].name = name;
    response->headers[response->header_count].value = copy;
    response->header_count++;
    return ENTRASQL_OK;
}

static void response_done(httpd_response *response)
{
    es_buf_done(&response->body);
    for (size_t i = 0; i < response->header_count; i++)
        es_free_wipe_str(response->headers[i].value);
}

typedef struct body_block {
    char *text;
    size_t size;
} body_block;

/* The library frees the body when it has sent it: tokens are wiped then. */
static void free_body(void *cls)
{
    body_block *block = cls;
    if (block->text != NULL)
        es_free_wipe(block->text, block->size);
    es_free(block);
}

static struct MHD_Response *make_response(httpd_response *response)
{
    body_block *block = es_calloc(1, sizeof *block);
    if (block == NULL)
        return NULL;
    block->text = es_buf_take(&response->body, &block->size);
    if (block->text == NULL) {
        es_free(block);
        return NULL;
    }
    struct MHD_Response *out = MHD_create_response_from_buffer_with_free_callback_cls(
        block->size, block->text, free_body, block);
    if (out == NULL)
        free_body(block);
    return out;
}

static enum MHD_Result add_headers(struct MHD_Response *out, const httpd_response *response)
{
    const char *type = response->content_type;
    if (type == NULL)
        type = "application/json; charset=utf-8";
    if (MHD_add_response_header(out, "Content-Type", type) != MHD_YES ||
        MHD_add_response_header(out, "Cache-Control", "no-store, no-cache") != MHD_YES ||
        MHD_add_response_header(out, "Pragma", "no-cache") != MHD_YES ||
        MHD_add_response_header(out, "X-Content-Type-Options", "nosniff") != MHD_YES)
        return MHD_NO;
    for (size_t i = 0; i < response->header_count; i++) {
        if (MHD_add_response_header(out, response->headers[i].name, response->headers[i].value) !=
            MHD_YES)
            return MHD_NO;
    }
    return MHD_YES;
}

/* MHD_NO drops the connection: what is left when not even an answer can be made. */
static enum MHD_Result send_response(struct MHD_Connection *connection, httpd_response *response)
{
    struct MHD_Response *out = make_response(response);
    if (out == NULL)
        return MHD_NO;
    enum MHD_Result result = add_headers(out, response);
    if (result == MHD_YES)
        result = MHD_queue_response(connection, response->status, out);
    MHD_destroy_response(out);
    return result;
}

/* A refusal of the service itself; the text quotes nothing of the request. */
static enum MHD_Result refuse(httpd_request *r, unsigned status, const char *text)
{
    httpd_response response = {
        .status = status,
        .content_type = "text/plain; charset=utf-8",
        .body = ES_BUF_INIT_WIPE(4096),
    };
    ES_LOG(DEBUG, "httpd", "request refused", ES_KV_I64("status", status),
           ES_KV_STR("reason", text));
    enum MHD_Result result = MHD_NO;
    if (es_buf_printf(&response.body, "%s\n", text) == ENTRASQL_OK)
        result = send_response(r->connection, &response);
    response_done(&response);
    return result;
}

/* ---- requests ---- */

/* The first call of the library for a request: it has the headers, not the body. */
static enum MHD_Result start_request(const httpd *h, httpd_request *r, const char *method,
                                     bool *ret_go_on)
{
    *ret_go_on = false;
    r->started = true;
    r->method = es_strdup(method);
    if (r->method == NULL)
        return MHD_NO;
    if (!h->any_host && !httpd_request_is_for_loopback(r))
        return refuse(r, MHD_HTTP_FORBIDDEN, "this service answers to localhost only");
    const char *length = httpd_header(r, "Content-Length");
    uint64_t n = 0;
    if (length != NULL &&
        es_parse_u64(length, strlen(length), HTTPD_MAX_BODY_BYTES, &n) != ENTRASQL_OK)
        return refuse(r, MHD_HTTP_CONTENT_TOO_LARGE, "the body is too large");
    entrasql_error err;
    entrasql_status status = httpd_request_decode_uri(r, &err);
    if (status == ENTRASQL_NOMEM)
        return MHD_NO;
    if (status != ENTRASQL_OK)
        return refuse(r, MHD_HTTP_BAD_REQUEST, err.message);
    *ret_go_on = true;
    return MHD_YES;
}

/* NULL: there was no memory for it. */
static httpd_caller *caller_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info != NULL ? info->socket_context : NULL;
}

static enum MHD_Result answer(httpd *h, httpd_request *r)
{
    entrasql_error err;
    entrasql_status status = httpd_request_decode_body(r, &err);
    if (status == ENTRASQL_NOMEM)
        return MHD_NO;
    if (status != ENTRASQL_OK)
        return refuse(r, MHD_HTTP_BAD_REQUEST, err.message);
    httpd_response response = {
        .status = MHD_HTTP_OK,
        .body = ES_BUF_INIT_WIPE(HTTPD_MAX_RESPONSE_BYTES),
    };
    httpd_callers_handled(&h->callers, caller_of(r->connection), true);
    h->handler(h->ctx, r, &response);
    httpd_callers_handled(&h->callers, caller_of(r->connection), false);
    httpd_observer *observer = atomic_load(&h->observer);
    if (observer != NULL)
        observer(h->observer_ctx, r, response.drop ? 0 : response.status);
    /* Queries may hold codes and ids of people: only the path is logged. */
    ES_LOG(DEBUG, "httpd", "request answered", ES_KV_STR("method", r->method),
           ES_KV_STR("path", r->path), ES_KV_I64("status", response.status));
    r->sent = response.sent;
    r->sent_ctx = response.sent_ctx;
    enum MHD_Result result = response.drop ? MHD_NO : send_response(r->connection, &response);
    response_done(&response);
    return result;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection ES_UNUSED,
                                  const char *url ES_UNUSED, const char *method,
                                  const char *version ES_UNUSED, const char *upload_data,
                                  size_t *upload_data_size, void **req_cls)
{
    httpd_request *r = *req_cls;
    if (r == NULL)
        return MHD_NO;
    if (!r->started) {
        bool go_on = false;
        enum MHD_Result result = start_request(cls, r, method, &go_on);
        if (!go_on)
            return result;
        return MHD_YES;
    }
    if (*upload_data_size != 0) {
        /* A chunked body has no length before its end: past the limit the connection is dropped. */
        if (es_buf_add(&r->body, upload_data, *upload_data_size) != ENTRASQL_OK)
            return MHD_NO;
        *upload_data_size = 0;
        return MHD_YES;
    }
    return answer(cls, r);
}

/* The only place where the library shows path and query undecoded. */
static void *on_uri(void *cls ES_UNUSED, const char *uri, struct MHD_Connection *connection)
{
    return httpd_request_new(connection, uri);
}

static void on_completed(void *cls ES_UNUSED, struct MHD_Connection *connection ES_UNUSED,
                         void **req_cls, enum MHD_RequestTerminationCode code ES_UNUSED)
{
    const httpd_request *r = *req_cls;
    if (r != NULL && r->sent != NULL)
        r->sent(r->sent_ctx);
    httpd_request_free(*req_cls);
    *req_cls = NULL;
}

/* The library says so before it closes the socket. */
static void on_connection(void *cls, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    httpd *h = cls;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        *context = info != NULL ? httpd_callers_come(&h->callers, info->connect_fd) : NULL;
    } else {
        httpd_callers_go(&h->callers, *context);
        *context = NULL;
    }
}

static void on_library_log(void *cls ES_UNUSED, const char *fmt, va_list ap) ES_PRINTF(2, 0);

static void on_library_log(void *cls ES_UNUSED, const char *fmt, va_list ap)
{
    char text[512];
    (void)vsnprintf(text, sizeof text, fmt, ap);
    text[strcspn(text, "\n")] = 0;
    ES_LOG(DEBUG, "httpd", "library message", ES_KV_STR("text", text));
}

/* ---- start and stop ---- */

static void fd_cleanup(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
}

static struct MHD_Daemon *start_daemon(httpd *h, const httpd_options *options, int fd,
                                       const char *cert, const char *key)
{
    unsigned timeout =
        options->idle_timeout_s != 0 ? options->idle_timeout_s : DEFAULT_IDLE_TIMEOUT_S;
    unsigned flags =
        MHD_USE_ERROR_LOG | MHD_USE_AUTO_INTERNAL_THREAD | (cert != NULL ? MHD_USE_TLS : 0);
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_PRIORITIES},
        {MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)cert},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)key},
        {MHD_OPTION_END, 0, NULL},
    };
    struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};
    sigset_t before;
    os_signals_hold(&before); /* for the library's threads */
    struct MHD_Daemon *daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, h, MHD_OPTION_EXTERNAL_LOGGER, on_library_log, NULL,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_THREAD_POOL_SIZE, (unsigned)THREADS,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)HTTPD_MAX_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT,
        timeout, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY_BYTES,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_URI_LOG_CALLBACK, on_uri, NULL,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_NOTIFY_CONNECTION,
        on_connection, h, MHD_OPTION_ARRAY, cert != NULL ? tls : none, MHD_OPTION_END);
    os_signals_release(&before);
    return daemon;
}

static entrasql_status start(httpd *h, const httpd_options *options, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf cert = ES_BUF_INIT_WIPE(MAX_PEM_BYTES);
    ES_CLEANUP(es_buf_done) es_buf key = ES_BUF_INIT_WIPE(MAX_PEM_BYTES);
    const char *cert_text = NULL, *key_text = NULL;
    if (options->cert_file != NULL) {
        ES_TRY(os_file_read(options->cert_file, &cert, err));
        ES_TRY(os_file_read(options->key_file, &key, err));
        cert_text = es_buf_cstr(&cert);
        key_text = es_buf_cstr(&key);
        if (cert_text == NULL || key_text == NULL)
            return es_nomem(err);
    }
    ES_CLEANUP(fd_cleanup) int fd = -1;
    if (options->address == NULL)
        ES_TRY(os_sock_listen_loopback(AF_INET, options->port, BACKLOG, &fd, &h->port, err));
    else
        ES_TRY(os_sock_listen(options->address, BACKLOG, &fd, &h->port, err));
    h->any_host = options->address != NULL && !os_address_is_loopback(options->address);
    if (options->on_port != NULL)
        ES_TRY(options->on_port(options->ctx, h->port, err));
    h->daemon = start_daemon(h, options, fd, cert_text, key_text);
    if (h->daemon == NULL) {
        (void)es_fail(err, ENTRASQL_CONFIG, "the HTTP service on port %u could not start",
                      (unsigned)h->port);
        if (cert_text != NULL)
            es_hint(err, "Check that %s and %s belong together.", options->cert_file,
                    options->key_file);
        return ENTRASQL_CONFIG;
    }
    fd = -1; /* the daemon closes it */
    return ENTRASQL_OK;
}

entrasql_status httpd_start(const httpd_options *options, httpd **ret, entrasql_error *err)
{
    httpd *h = es_calloc(1, sizeof *h);
    if (h == NULL)
        return es_nomem(err);
    h->handler = options->handler;
    h->ctx = options->ctx;
    httpd_callers_init(&h->callers, CALLERS_MAX);
    entrasql_status status = start(h, options, err);
    if (status != ENTRASQL_OK) {
        httpd_callers_done(&h->callers);
        es_free(h);
        return status;
    }
    *ret = h;
    return ENTRASQL_OK;
}

uint16_t httpd_port(const httpd *h)
{
    return h->port;
}

void httpd_observe(httpd *h, httpd_observer *observer, void *ctx)
{
    h->observer_ctx = ctx;
    atomic_store(&h->observer, observer);
}

void httpd_stop(httpd *h)
{
    if (h == NULL)
        return;
    /* libmicrohttpd 0.9.75 crashes when it refuses a malformed request while it is being stopped:
     * MHD_queue_response() says yes then, and sets no response. So callers end before it does. */
    int listener = MHD_quiesce_daemon(h->daemon);
    httpd_callers_end(&h->callers);
    MHD_stop_daemon(h->daemon);
    fd_cleanup(&listener);
    httpd_callers_done(&h->callers);
    es_free(h);
}
