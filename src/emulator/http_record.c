/* SPDX-License-Identifier: MIT */
/* Recording of HTTP requests. */
#include "http_record.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "crypto/jwt.h"
#include "json/json.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MAX_SERVICES 4
#define MAX_LINE_BYTES ((size_t)4 * 1024 * 1024)

typedef struct observed {
    http_record *record;
    const char *service;
} observed;

struct http_record {
    pthread_mutex_t mutex; /* of the file */
    int fd;                /* -1: could not be written */
    observed services[MAX_SERVICES];
    size_t service_count;
};

/* ---- what is shown of a value ---- */

typedef enum shown { SHOWN_AS_IT_IS, SHOWN_NOT, SHOWN_AS_JWT, SHOWN_SCHEME } shown;

static shown shown_of(httpd_part part, const char *name)
{
    static const struct {
        const char *name;
        shown how;
    } rows[] = {
        {"client_secret", SHOWN_NOT},       {"password", SHOWN_NOT},
        {"refresh_token", SHOWN_NOT},       {"code", SHOWN_NOT},
        {"device_code", SHOWN_NOT},         {"code_verifier", SHOWN_NOT},
        {"client_assertion", SHOWN_AS_JWT}, {"assertion", SHOWN_AS_JWT},
    };
    static const struct {
        const char *name;
        shown how;
    } headers[] = {
        {"Authorization", SHOWN_SCHEME},
        {"X-IDENTITY-HEADER", SHOWN_NOT},
        {"secret", SHOWN_NOT},
        {"Cookie", SHOWN_NOT},
    };
    for (size_t i = 0; part == HTTPD_HEADERS && i < ES_COUNT_OF(headers); i++) {
        if (es_strcaseeq(name, headers[i].name))
            return headers[i].how;
    }
    for (size_t i = 0; part != HTTPD_HEADERS && i < ES_COUNT_OF(rows); i++) {
        if (es_strcaseeq(name, rows[i].name)) /* also what no endpoint would read */
            return rows[i].how;
    }
    return SHOWN_AS_IT_IS;
}

static void put_scheme(json_writer *w, const char *value)
{
    char text[64];
    size_t n = strcspn(value, " ");
    (void)snprintf(text, sizeof text, "%.*s ***", n < 32 && value[n] != 0 ? (int)n : 0, value);
    json_put_string(w, text);
}

static void put_jwt(json_writer *w, const char *value)
{
    crypto_jwt jwt;
    if (crypto_jwt_parse(value, strlen(value), &jwt, NULL) != ENTRASQL_OK) {
        json_put_string(w, "*** (not a JWT)");
        return;
    }
    json_begin_object(w);
    json_member_put_string(w, "header", jwt.header_json);
    json_member_put_string(w, "claims", jwt.claims_json);
    json_end_object(w);
    crypto_jwt_done(&jwt);
}

typedef struct printer {
    json_writer *w;
    httpd_part part;
} printer;

static void put_field(void *ctx, const char *name, const char *value)
{
    const printer *p = ctx;
    json_begin_array(p->w);
    json_put_string(p->w, name);
    switch (shown_of(p->part, name)) {
    case SHOWN_AS_IT_IS:
        json_put_string(p->w, value);
        break;
    case SHOWN_NOT:
        json_put_string(p->w, "***");
        break;
    case SHOWN_AS_JWT:
        put_jwt(p->w, value);
        break;
    case SHOWN_SCHEME:
        put_scheme(p->w, value);
        break;
    }
    json_end_array(p->w);
}

static void put_part(json_writer *w, const char *name, httpd_part part,
                     const httpd_request *request)
{
    printer p = {w, part};
    json_name(w, name);
    json_begin_array(w);
    httpd_visit(request, part, put_field, &p);
    json_end_array(w);
}

entrasql_status http_record_format(const char *service, const httpd_request *request,
                                   unsigned status, es_buf *out)
{
    json_writer w;
    json_writer_init(&w, out);
    json_begin_object(&w);
    json_member_put_string(&w, "service", service);
    json_member_put_string(&w, "method", httpd_method(request));
    json_member_put_string(&w, "path", httpd_path(request));
    put_part(&w, "query", HTTPD_QUERY, request);
    put_part(&w, "headers", HTTPD_HEADERS, request);
    put_part(&w, "form", HTTPD_FORM, request);
    json_member_put_i64(&w, "status", status);
    json_end_object(&w);
    return json_writer_end(&w);
}

/* ---- the file ---- */

entrasql_status http_record_open(const char *dir, http_record **ret, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf path = ES_BUF_INIT(4096);
    const char *name = NULL;
    if (es_buf_printf(&path, "%s/http.jsonl", dir) == ENTRASQL_OK)
        name = es_buf_cstr(&path);
    http_record *r = name != NULL ? es_calloc(1, sizeof *r) : NULL;
    if (r == NULL)
        return es_nomem(err);
    r->fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (r->fd < 0) {
        es_free(r);
        return es_fail_errno(err, errno, "cannot write %s", name);
    }
    (void)pthread_mutex_init(&r->mutex, NULL);
    *ret = r;
    return ENTRASQL_OK;
}

void http_record_close(http_record *r)
{
    if (r == NULL)
        return;
    if (r->fd >= 0)
        (void)close(r->fd);
    (void)pthread_mutex_destroy(&r->mutex);
    es_free(r);
}

static void write_line(http_record *r, const es_buf *line)
{
    size_t done = 0;
    (void)pthread_mutex_lock(&r->mutex);
    while (r->fd >= 0 && done < line->len) {
        ssize_t n = write(r->fd, line->data + done, line->len - done);
        if (n >= 0) {
            done += (size_t)n;
        } else if (errno != EINTR) {
            ES_LOG(WARNING, "emulator", "the record of requests cannot be written any more",
                   ES_KV_STR("error", strerror(errno)));
            (void)close(r->fd);
            r->fd = -1;
        }
    }
    (void)pthread_mutex_unlock(&r->mutex);
}

static void tell(void *ctx, const httpd_request *request, unsigned status)
{
    const observed *o = ctx;
    ES_CLEANUP(es_buf_done) es_buf line = ES_BUF_INIT_WIPE(MAX_LINE_BYTES);
    if (http_record_format(o->service, request, status, &line) == ENTRASQL_OK &&
        es_buf_add_str(&line, "\n") == ENTRASQL_OK)
        write_line(o->record, &line);
}

void http_record_observe(http_record *r, const char *name, httpd *service)
{
    if (r == NULL)
        return;
    assert(r->service_count < MAX_SERVICES);
    observed *o = &r->services[r->service_count++];
    *o = (observed){r, name};
    httpd_observe(service, tell, o);
}
