/* SPDX-License-Identifier: MIT */
/* Requests to the running emulator. */
#include "client.h"

#include "admin.h"
#include "base/clock.h"
#include "base/mem.h"
#include "emulator/world/files.h"
#include "http/http.h"
#include "json/json.h"

#include <stdio.h>
#include <string.h>

#define TIMEOUT_MS 30000
#define HEADER_SIZE 320

static entrasql_status read_secret(const char *data_dir, char ret[HEADER_SIZE], entrasql_error *err)
{
    ES_CLEANUP(es_cleanup_free) char *path = world_path(data_dir, ADMIN_SECRET_FILE);
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT_WIPE(256);
    if (path == NULL)
        return es_nomem(err);
    ES_TRY(world_file_read_private(path, &text, err));
    (void)snprintf(ret, HEADER_SIZE, "Bearer %.*s", (int)text.len, (const char *)text.data);
    return ENTRASQL_OK;
}

static entrasql_status status_named(const char *name)
{
    for (int i = 1; i < ENTRASQL_STATUS_COUNT; i++) {
        if (es_streq(entrasql_status_name((entrasql_status)i), name))
            return (entrasql_status)i;
    }
    return ENTRASQL_MALFORMED;
}

/* The emulator's own words. */
static entrasql_status read_error(const http_response *r, entrasql_error *err)
{
    ES_CLEANUP(json_doc_cleanup) json_doc *doc = NULL;
    const char *name = NULL, *message = NULL, *hint = NULL;
    if (json_doc_parse(r->body.data, r->body.len, &doc, NULL) != ENTRASQL_OK ||
        json_member_string(json_doc_root(doc), "status", &name, NULL) != ENTRASQL_OK ||
        json_member_string(json_doc_root(doc), "message", &message, NULL) != ENTRASQL_OK)
        return es_fail(err, ENTRASQL_MALFORMED, "the emulator answered HTTP %u and said no more",
                       r->status);
    entrasql_status status = es_fail(err, status_named(name), "%s", message);
    if (json_member_string(json_doc_root(doc), "hint", &hint, NULL) == ENTRASQL_OK)
        es_hint(err, "%s", hint);
    return status;
}

static entrasql_status exchange(const http_request *request, es_buf *out, entrasql_error *err)
{
    http_response response = {0};
    ES_TRY(http_run(request, &response, err));
    entrasql_status status = response.status == 200 ? ENTRASQL_OK : read_error(&response, err);
    if (status == ENTRASQL_OK &&
        es_buf_add(out, response.body.data, response.body.len) != ENTRASQL_OK)
        status = es_nomem(err);
    http_response_done(&response);
    return status;
}

entrasql_status admin_call(const char *data_dir, const char *method, const char *path,
                           const void *body, size_t body_len, es_buf *out, entrasql_error *err)
{
    ES_CLEANUP(es_cleanup_free) char *ca_file = world_path(data_dir, "ca.pem");
    char header[HEADER_SIZE] = "";
    char url[256];
    emulator_info info;
    if (ca_file == NULL)
        return es_nomem(err);
    ES_TRY(emulator_status(data_dir, &info, err));
    ES_TRY(read_secret(data_dir, header, err));
    (void)snprintf(url, sizeof url, "https://localhost:%u" ADMIN_PREFIX "%s",
                   (unsigned)info.entra_port, path);
    http_request request = {
        .method = method,
        .url = url,
        .headers = {{"Authorization", header}, {"Content-Type", "application/json"}},
        .body = body,
        .body_len = body_len,
        .ca_file = ca_file,
        .direct = true,
        .deadline_ms = es_clock_deadline(TIMEOUT_MS),
    };
    entrasql_status status = exchange(&request, out, err);
    es_wipe(header, sizeof header);
    return status;
}
