/* SPDX-License-Identifier: MIT */
/* Ids and errors as Entra gives them. */
#include "internal.h"

#include "base/clock.h"
#include "base/random.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* MSAL for JavaScript sends it in the query, the others as a header. */
static void read_correlation_id(entra_call *c)
{
    uint8_t guid[16];
    const char *id = httpd_header(c->request, "client-request-id");
    if (id == NULL)
        id = httpd_query(c->request, "client-request-id");
    if (id != NULL && es_guid_parse(id, guid) == ENTRASQL_OK)
        es_guid_format(guid, c->correlation_id);
    else
        es_random_uuid(c->correlation_id);
}

void entra_call_init(entra_call *c, const world *w, const httpd_request *request,
                     httpd_response *response)
{
    *c = (entra_call){.w = w, .request = request, .response = response};
    es_random_uuid(c->trace_id);
    read_correlation_id(c);
    entrasql_status status = httpd_response_header(response, "x-ms-request-id", c->trace_id);
    const char *wanted = httpd_header(request, "return-client-request-id");
    if (status == ENTRASQL_OK && es_strcaseeq(wanted, "true"))
        status = httpd_response_header(response, "client-request-id", c->correlation_id);
    if (status != ENTRASQL_OK)
        response->status = 500;
}

void entra_finish(entra_call *c, entrasql_status status)
{
    if (status == ENTRASQL_OK)
        return;
    es_buf_clear(&c->response->body);
    c->response->status = 500;
}

static void format_now(char ret[ENTRA_TIME_SIZE])
{
    time_t now = (time_t)es_clock_wall_s();
    struct tm tm;
    if (gmtime_r(&now, &tm) == NULL ||
        strftime(ret, ENTRA_TIME_SIZE, "%Y-%m-%d %H:%M:%SZ", &tm) == 0)
        ret[0] = 0;
}

static void write_error(entra_call *c, json_writer *j, const char *error, uint32_t aadsts,
                        const char *text)
{
    char now[ENTRA_TIME_SIZE];
    char description[2048];
    char uri[96];
    format_now(now);
    (void)snprintf(description, sizeof description,
                   "AADSTS%u: %.1200s Trace ID: %s Correlation ID: %s Timestamp: %s",
                   (unsigned)aadsts, text, c->trace_id, c->correlation_id, now);
    (void)snprintf(uri, sizeof uri, "%.40s/error?code=%u", world_authority(c->w), (unsigned)aadsts);
    json_begin_object(j);
    json_member_put_string(j, "error", error);
    json_member_put_string(j, "error_description", description);
    json_name(j, "error_codes");
    json_begin_array(j);
    json_put_i64(j, aadsts);
    json_end_array(j);
    json_member_put_string(j, "timestamp", now);
    json_member_put_string(j, "trace_id", c->trace_id);
    json_member_put_string(j, "correlation_id", c->correlation_id);
    json_member_put_string(j, "error_uri", uri);
    json_end_object(j);
}

void entra_error(entra_call *c, unsigned status, const char *error, uint32_t aadsts,
                 const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    es_utf8_trim_end(text);
    json_writer j;
    json_writer_init(&j, &c->response->body);
    write_error(c, &j, error, aadsts, text);
    c->response->status = status;
    entra_finish(c, json_writer_end(&j));
}
