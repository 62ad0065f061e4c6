/* SPDX-License-Identifier: MIT */
/* A fault as an HTTP answer. */
#include "http.h"

#include <stdio.h>

static void answer(const fault *row, uint32_t value, httpd_response *response)
{
    entrasql_status status = es_buf_add_str(&response->body, row->body);
    response->status = row->http_status;
    response->content_type = row->content_type;
    if (status == ENTRASQL_OK && value != 0) {
        char seconds[16];
        (void)snprintf(seconds, sizeof seconds, "%u", (unsigned)value);
        status = httpd_response_header(response, "Retry-After", seconds);
    }
    if (status != ENTRASQL_OK)
        response->status = 500;
}

bool fault_http(faults *f, fault_place place, httpd_response *response)
{
    uint32_t value = 0;
    const fault *row = faults_next(f, place, &value);
    if (row == NULL)
        return false;
    if (row->effect == FAULT_HTTP)
        answer(row, value, response);
    else
        response->drop = true;
    return true;
}
