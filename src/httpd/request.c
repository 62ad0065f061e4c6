/* SPDX-License-Identifier: MIT */
/* A request's parts, decoded. */
#include "request.h"

#include "base/mem.h"
#include "base/str.h"

#include <netinet/in.h>
#include <string.h>

httpd_request *httpd_request_new(struct MHD_Connection *connection, const char *uri)
{
    httpd_request *r = es_calloc(1, sizeof *r);
    if (r == NULL)
        return NULL;
    r->connection = connection;
    r->body = ES_BUF_INIT_WIPE(HTTPD_MAX_BODY_BYTES);
    r->uri = es_strdup(uri);
    if (r->uri == NULL) {
        es_free(r);
        return NULL;
    }
    return r;
}

void httpd_request_free(httpd_request *r)
{
    if (r == NULL)
        return;
    es_free_wipe_str(r->uri);
    es_free(r->method);
    es_free(r->path);
    httpd_fields_done(&r->query);
    httpd_fields_done(&r->form);
    es_buf_done(&r->body);
    es_free(r);
}

/* An encoded slash would let one path segment look like two. */
static bool has_encoded_slash(const char *s, size_t n)
{
    for (size_t i = 0; i + 2 < n; i++) {
        if (s[i] == '%' && s[i + 1] == '2' && es_ascii_lower(s[i + 2]) == 'f')
            return true;
    }
    return false;
}

entrasql_status httpd_request_decode_uri(httpd_request *r, entrasql_error *err)
{
    const char *question = strchr(r->uri, '?');
    size_t path_len = question != NULL ? (size_t)(question - r->uri) : strlen(r->uri);
    if (r->uri[0] != '/' || has_encoded_slash(r->uri, path_len))
        return es_fail(err, ENTRASQL_MALFORMED, "the path is not of the form /a/b");
    ES_TRY(httpd_percent_decode(r->uri, path_len, false, &r->path, err));
    if (question == NULL)
        return ENTRASQL_OK;
    entrasql_status status = httpd_fields_parse(question + 1, strlen(question + 1), &r->query, err);
    if (status != ENTRASQL_OK)
        es_error_prefix(err, "query");
    return status;
}

entrasql_status httpd_request_decode_body(httpd_request *r, entrasql_error *err)
{
    static const char form_type[] = "application/x-www-form-urlencoded";
    const char *type = httpd_header(r, "Content-Type");
    size_t n = sizeof form_type - 1;
    if (type == NULL || !es_strncaseeq(type, form_type, n) ||
        (type[n] != 0 && type[n] != ';' && !es_is_space(type[n])))
        return ENTRASQL_OK;
    r->has_form = true;
    entrasql_status status =
        httpd_fields_parse((const char *)r->body.data, r->body.len, &r->form, err);
    if (status != ENTRASQL_OK)
        es_error_prefix(err, "form");
    return status;
}

/* What follows the name in a Host header: nothing, or a port. */
static bool is_port_or_end(const char *s)
{
    uint64_t port = 0;
    return s[0] == 0 ||
           (s[0] == ':' && es_parse_u64(s + 1, strlen(s + 1), UINT16_MAX, &port) == ENTRASQL_OK);
}

static bool names_loopback(const char *host)
{
    static const char *const names[] = {"localhost", "127.0.0.1", "[::1]"};
    for (size_t i = 0; i < ES_COUNT_OF(names); i++) {
        size_t n = strlen(names[i]);
        if (es_strncaseeq(host, names[i], n) && is_port_or_end(host + n))
            return true;
    }
    return false;
}

static enum MHD_Result look_at_host(void *cls, enum MHD_ValueKind kind, const char *key,
                                    const char *value)
{
    bool *is_loopback = cls;
    (void)kind;
    if (es_strcaseeq(key, "Host"))
        *is_loopback = *is_loopback && value != NULL && names_loopback(value);
    return MHD_YES;
}

/* Each of several Host headers (RFC 9112, 3.2 forbids them): nobody knows which one others meant.
 */
bool httpd_request_is_for_loopback(const httpd_request *r)
{
    bool is_loopback = httpd_header(r, "Host") != NULL;
    (void)MHD_get_connection_values(r->connection, MHD_HEADER_KIND, look_at_host, &is_loopback);
    return is_loopback;
}

bool httpd_is_from_loopback(const httpd_request *r)
{
    os_address peer = {0};
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (info == NULL || info->client_addr == NULL)
        return false;
    peer.len = info->client_addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                                        : sizeof(struct sockaddr_in);
    memcpy(&peer.storage, info->client_addr, peer.len);
    return os_address_is_loopback(&peer) && httpd_request_is_for_loopback(r);
}

entrasql_status httpd_peer_uid(const httpd_request *r, uid_t *ret_uid, entrasql_error *err)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (info == NULL)
        return es_fail(err, ENTRASQL_UNSUPPORTED, "the service does not tell its connection");
    return os_sock_peer_uid(info->connect_fd, ret_uid, err);
}

const char *httpd_method(const httpd_request *r)
{
    return r->method;
}

const char *httpd_path(const httpd_request *r)
{
    return r->path;
}

const char *httpd_header(const httpd_request *r, const char *name)
{
    return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}

const char *httpd_query(const httpd_request *r, const char *name)
{
    return httpd_fields_get(&r->query, name);
}

size_t httpd_query_count(const httpd_request *r, const char *name)
{
    return httpd_fields_count(&r->query, name);
}

const char *httpd_form(const httpd_request *r, const char *name)
{
    return httpd_fields_get(&r->form, name);
}

size_t httpd_form_count(const httpd_request *r, const char *name)
{
    return httpd_fields_count(&r->form, name);
}

bool httpd_has_form(const httpd_request *r)
{
    return r->has_form;
}

const char *httpd_body(const httpd_request *r, size_t *ret_len)
{
    *ret_len = r->body.len;
    return r->body.data != NULL ? (const char *)r->body.data : "";
}

typedef struct header_visit {
    httpd_visitor *visitor;
    void *ctx;
} header_visit;

static enum MHD_Result visit_header(void *cls, enum MHD_ValueKind kind ES_UNUSED, const char *name,
                                    const char *value)
{
    const header_visit *v = cls;
    v->visitor(v->ctx, name, value != NULL ? value : "");
    return MHD_YES;
}

void httpd_visit(const httpd_request *r, httpd_part part, httpd_visitor *visitor, void *ctx)
{
    const httpd_fields *fields = part == HTTPD_QUERY ? &r->query : &r->form;
    if (part == HTTPD_HEADERS) {
        header_visit v = {visitor, ctx};
        (void)MHD_get_connection_values(r->connection, MHD_HEADER_KIND, visit_header, &v);
        return;
    }
    for (size_t i = 0; i < fields->count; i++)
        visitor(ctx, fields->items[i].name, fields->items[i].value);
}
