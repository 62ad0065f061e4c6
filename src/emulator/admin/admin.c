/* SPDX-License-Identifier: MIT */
/* Requests of the emulator's own endpoint, and the changes they ask for. */
#include "admin.h"

#include "base/base64.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"
#include "emulator/internal.h"
#include "emulator/world/change.h"
#include "emulator/world/files.h"
#include "os/file.h"
#include "json/json.h"

#include <string.h>

#define SECRET_BYTES 30
#define MAX_SECRET_FILE_BYTES 256
#define CSP                                                                                        \
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; "                  \
    "frame-ancestors 'none'"

struct admin_site {
    admin_options options;
    char *data_dir;
    es_secret *secret;
};

const admin_options *admin_get(const admin_site *a)
{
    return &a->options;
}

/* ---- the secret ---- */

static entrasql_status make_secret(const char *path, es_buf *text, entrasql_error *err)
{
    uint8_t random[SECRET_BYTES];
    es_random_bytes(random, sizeof random);
    entrasql_status status = es_base64url_encode(random, sizeof random, text);
    es_wipe(random, sizeof random);
    return status == ENTRASQL_OK ? os_file_write(path, text->data, text->len, 0600, err)
                                 : es_nomem(err);
}

static entrasql_status load_secret(admin_site *a, entrasql_error *err)
{
    ES_CLEANUP(es_cleanup_free) char *path = world_path(a->data_dir, ADMIN_SECRET_FILE);
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT_WIPE(MAX_SECRET_FILE_BYTES);
    if (path == NULL)
        return es_nomem(err);
    entrasql_status status = world_file_read_private(path, &text, err);
    if (status == ENTRASQL_NOT_FOUND || (status == ENTRASQL_OK && text.len == 0))
        status = make_secret(path, &text, err);
    ES_TRY(status);
    a->secret = es_secret_new(text.data, text.len);
    return a->secret != NULL ? ENTRASQL_OK : es_nomem(err);
}

entrasql_status admin_new(const admin_options *options, admin_site **ret, entrasql_error *err)
{
    admin_site *a = es_calloc(1, sizeof *a);
    if (a == NULL)
        return es_nomem(err);
    a->options = *options;
    a->data_dir = es_strdup(options->data_dir);
    entrasql_status status = a->data_dir != NULL ? load_secret(a, err) : es_nomem(err);
    if (status != ENTRASQL_OK) {
        admin_free(a);
        return status;
    }
    a->options.data_dir = a->data_dir;
    *ret = a;
    return ENTRASQL_OK;
}

void admin_free(admin_site *a)
{
    if (a == NULL)
        return;
    es_secret_unref(a->secret);
    es_free(a->data_dir);
    es_free(a);
}

/* ---- answers ---- */

static unsigned http_status_of(entrasql_status status)
{
    if (status == ENTRASQL_NOT_FOUND)
        return 404;
    if (status == ENTRASQL_EXISTS)
        return 409;
    return entrasql_status_class(status) == ENTRASQL_CLASS_SYSTEM ? 500 : 400;
}

static void answer_error(const entrasql_error *err, unsigned http_status, httpd_response *response)
{
    json_writer j;
    es_buf_clear(&response->body);
    response->status = http_status;
    json_writer_init(&j, &response->body);
    json_begin_object(&j);
    json_member_put_string(&j, "status", entrasql_status_name(err->status));
    json_member_put_string(&j, "message", err->message);
    json_member_put_string(&j, "hint", err->hint);
    json_end_object(&j);
    if (json_writer_end(&j) != ENTRASQL_OK)
        response->status = 500;
}

static entrasql_status answer_said(const es_buf *said, httpd_response *response,
                                   entrasql_error *err)
{
    json_writer j;
    json_writer_init(&j, &response->body);
    json_begin_object(&j);
    json_name(&j, "said");
    json_put_text(&j, (const char *)said->data, said->len);
    json_end_object(&j);
    return json_writer_end(&j) == ENTRASQL_OK ? ENTRASQL_OK : es_nomem(err);
}

/* ---- changes ---- */

/* What else hangs on the world: stand-ins of az, database files. */
static entrasql_status follow_up(admin_site *a, entrasql_error *err)
{
    const world *w = a->options.world;
    ES_TRY(emulator_make_tool_links(a->data_dir, w, err));
    for (size_t i = 0; i < world_database_count(w); i++)
        ES_TRY(engine_create_database(a->options.engine, world_database_name(w, i), err));
    return ENTRASQL_OK;
}

/* Changes come one at a time, so that nobody else replaces the world meanwhile. */
static entrasql_status put_in_place(admin_site *a, const char *name, const char *text, size_t n,
                                    entrasql_error *err)
{
    ES_TRY(world_replace(a->options.world, a->data_dir, name, text, n, err));
    return follow_up(a, err);
}

static entrasql_status parse_body(const httpd_request *request, json_doc **ret, entrasql_error *err)
{
    size_t n = 0;
    const char *body = httpd_body(request, &n);
    entrasql_status status = json_doc_parse(body, n, ret, err);
    if (status == ENTRASQL_OK || status == ENTRASQL_NOMEM)
        return status;
    return es_fail(err, ENTRASQL_INVALID, "the request's body is not JSON");
}

static entrasql_status change_objects(admin_site *a, const httpd_request *request,
                                      httpd_response *response, entrasql_error *err)
{
    ES_CLEANUP(json_doc_cleanup) json_doc *doc = NULL;
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(WORLD_MAX_SEED_BYTES);
    ES_CLEANUP(es_buf_done) es_buf next = ES_BUF_INIT(WORLD_MAX_SEED_BYTES);
    ES_CLEANUP(es_buf_done) es_buf said = ES_BUF_INIT(4096);
    const char *name = NULL;
    ES_TRY(parse_body(request, &doc, err));
    ES_TRY(world_read_text(a->data_dir, &text, &name, err));
    ES_TRY(world_edit(a->options.world, (const char *)text.data, text.len, json_doc_root(doc),
                      &next, &said, err));
    ES_TRY(put_in_place(a, "the changed world", (const char *)next.data, next.len, err));
    ES_LOG(INFO, "admin", "the world was changed");
    return answer_said(&said, response, err);
}

static entrasql_status change_seed(admin_site *a, const httpd_request *request,
                                   httpd_response *response, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf said = ES_BUF_INIT(256);
    size_t n = 0;
    const char *body = httpd_body(request, &n);
    ES_TRY(put_in_place(a, "the seed", body, n, err));
    if (es_buf_add_str(&said, "the world is the seed's; the databases are as they were") !=
        ENTRASQL_OK)
        return es_nomem(err);
    return answer_said(&said, response, err);
}

static entrasql_status figure_of(const json_node *root, const char *name, uint32_t *ret,
                                 entrasql_error *err)
{
    int64_t value = 0;
    entrasql_status status = json_member_i64(root, name, &value);
    *ret = FAULT_DEFAULT;
    if (status == ENTRASQL_NOT_FOUND)
        return ENTRASQL_OK;
    if (status != ENTRASQL_OK || value < 0 || value >= FAULT_DEFAULT)
        return es_fail(err, ENTRASQL_INVALID, "%s must be a number from 0", name);
    *ret = (uint32_t)value;
    return ENTRASQL_OK;
}

static entrasql_status change_faults(admin_site *a, const httpd_request *request,
                                     httpd_response *response, entrasql_error *err)
{
    ES_CLEANUP(json_doc_cleanup) json_doc *doc = NULL;
    ES_CLEANUP(es_buf_done) es_buf said = ES_BUF_INIT(256);
    faults *f = world_faults(a->options.world);
    const char *name = NULL;
    bool on = false;
    uint32_t count, value;
    ES_TRY(parse_body(request, &doc, err));
    const json_node *root = json_doc_root(doc);
    if (json_member_string(root, "name", &name, NULL) != ENTRASQL_OK ||
        json_member_bool(root, "on", &on) != ENTRASQL_OK)
        return es_fail(err, ENTRASQL_INVALID, "a fault needs a name, and on true or false");
    ES_TRY(figure_of(root, "count", &count, err));
    ES_TRY(figure_of(root, "value", &value, err));
    ES_TRY(on ? faults_on(f, name, count, value, err) : faults_off(f, name, err));
    if (es_buf_printf(&said, "%s is %s", name, on ? "on" : "off") != ENTRASQL_OK)
        return es_nomem(err);
    return answer_said(&said, response, err);
}

static entrasql_status change_rights(admin_site *a, const httpd_request *request,
                                     httpd_response *response, entrasql_error *err)
{
    ES_CLEANUP(json_doc_cleanup) json_doc *doc = NULL;
    ES_CLEANUP(es_buf_done) es_buf said = ES_BUF_INIT(4096);
    if (a->options.arm == NULL)
        return es_fail(err, ENTRASQL_NOT_FOUND, "there is no Azure Resource Manager");
    ES_TRY(parse_body(request, &doc, err));
    ES_TRY(arm_change(a->options.arm, json_doc_root(doc), &said, err));
    return answer_said(&said, response, err);
}

static entrasql_status reset_all(admin_site *a, const httpd_request *request,
                                 httpd_response *response, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf said = ES_BUF_INIT(256);
    (void)request;
    ES_TRY(a->options.reset(a->options.ctx, &a->options.engine, err));
    ES_TRY(follow_up(a, err));
    if (es_buf_add_str(&said, "the world is the seed's, the databases are empty") != ENTRASQL_OK)
        return es_nomem(err);
    return answer_said(&said, response, err);
}

static entrasql_status show_state(admin_site *a, const httpd_request *request,
                                  httpd_response *response, entrasql_error *err)
{
    (void)request;
    return admin_write_state(a, &response->body) == ENTRASQL_OK ? ENTRASQL_OK : es_nomem(err);
}

/* ---- requests ---- */

typedef struct operation {
    const char *path; /* after ADMIN_PREFIX */
    const char *method;
    entrasql_status (*run)(admin_site *a, const httpd_request *request, httpd_response *response,
                           entrasql_error *err);
} operation;

static const operation operations[] = {
    {"state", "GET", show_state},      {"objects", "POST", change_objects},
    {"faults", "POST", change_faults}, {"seed", "POST", change_seed},
    {"rights", "POST", change_rights}, {"reset", "POST", reset_all},
};

static bool is_allowed(const admin_site *a, const httpd_request *request)
{
    static const char scheme[] = "Bearer ";
    const char *header = httpd_header(request, "Authorization");
    if (header == NULL || !es_strncaseeq(header, scheme, sizeof scheme - 1))
        return false;
    header += sizeof scheme - 1;
    return es_secret_equal(a->secret, header, strlen(header));
}

static void run(admin_site *a, const operation *op, const httpd_request *request,
                httpd_response *response)
{
    entrasql_error err;
    world_change_begin(a->options.world);
    entrasql_status status = op->run(a, request, response, &err);
    world_change_end(a->options.world);
    if (status != ENTRASQL_OK)
        answer_error(&err, http_status_of(status), response);
}

static void show_page(admin_site *a, const httpd_request *request, httpd_response *response)
{
    response->content_type = "text/html; charset=utf-8";
    bool refreshing = httpd_query(request, "refresh") != NULL;
    if (httpd_response_header(response, "Content-Security-Policy", CSP) != ENTRASQL_OK ||
        admin_write_page(a, refreshing, &response->body) != ENTRASQL_OK) {
        es_buf_clear(&response->body);
        response->status = 500;
    }
}

static void refuse(httpd_response *response, unsigned http_status, entrasql_status status,
                   const char *text, const char *hint)
{
    entrasql_error err;
    (void)es_fail(&err, status, "%s", text);
    es_hint(&err, "%s", hint);
    answer_error(&err, http_status, response);
}

void admin_handle(void *ctx, const httpd_request *request, httpd_response *response)
{
    admin_site *a = ctx;
    const char *path = httpd_path(request);
    if (es_streq(path, "/") && es_streq(httpd_method(request), "GET")) {
        show_page(a, request, response);
        return;
    }
    const char *name = es_starts_with(path, ADMIN_PREFIX) ? path + strlen(ADMIN_PREFIX) : "";
    if (es_streq(name, "style.css")) {
        response->content_type = "text/css; charset=utf-8";
        if (es_buf_add_str(&response->body, admin_style) != ENTRASQL_OK)
            response->status = 500;
        return;
    }
    /* Who may not come in learns nothing of what there is. */
    if (!is_allowed(a, request)) {
        refuse(response, 401, ENTRASQL_AUTH_FAILED, "the emulator's secret is missing or wrong",
               "It is in the file " ADMIN_SECRET_FILE " of the data directory.");
        return;
    }
    for (size_t i = 0; i < ES_COUNT_OF(operations); i++) {
        if (!es_streq(name, operations[i].path))
            continue;
        if (es_streq(httpd_method(request), operations[i].method))
            run(a, &operations[i], request, response);
        else
            refuse(response, 405, ENTRASQL_INVALID, "this path takes another method", "");
        return;
    }
    refuse(response, 404, ENTRASQL_NOT_FOUND, "the emulator has no such path", "");
}
