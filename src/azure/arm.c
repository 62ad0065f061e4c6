/* SPDX-License-Identifier: MIT */
/* The client's life and its calls: from a row of the table to an answer. */
#include "azure/arm_inner.h"
#include "azure/cloud.h"
#include "azure/fields.h"
#include "azure/resource_id.h"

#include "base/mem.h"
#include "base/str.h"
#include "identity/claims.h"
#include "identity/internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_CALL_MS 300000
#define DEFAULT_OPERATION_MS 1800000
#define DEFAULT_POLL_MS 15000
#define REGISTER_LIMIT_MS 300000
#define MAX_URL 8192

/* ---- life ---- */

static entrasql_status choose_endpoint(const azure_arm_options *o, const char **ret_endpoint,
                                       entrasql_error *err)
{
    const char *endpoint = o->endpoint;
    if (es_str_is_empty(endpoint))
        endpoint = getenv(AZURE_ARM_ENDPOINT_VARIABLE);
    if (!es_str_is_empty(endpoint)) {
        *ret_endpoint = endpoint;
        return ENTRASQL_OK;
    }
    const char *authority = getenv("AZURE_AUTHORITY_HOST");
    *ret_endpoint = azure_cloud_public()->endpoint;
    if (authority == NULL || *authority == '\0')
        return ENTRASQL_OK;
    http_url url;
    const azure_cloud *cloud = NULL;
    char text[512];
    (void)snprintf(text, sizeof text, "%s%s", strstr(authority, "://") != NULL ? "" : "https://",
                   authority);
    if (http_url_parse(text, &url) == ENTRASQL_OK)
        cloud = azure_cloud_of_authority(url.host);
    if (cloud == NULL) {
        es_fail(err, ENTRASQL_CONFIG,
                "the authority in AZURE_AUTHORITY_HOST belongs to none of Azure's clouds, so where "
                "its Azure Resource Manager is cannot be known");
        es_hint(err, "set %s to its address", AZURE_ARM_ENDPOINT_VARIABLE);
        return ENTRASQL_CONFIG;
    }
    *ret_endpoint = cloud->endpoint;
    return ENTRASQL_OK;
}

static entrasql_status set_endpoint(azure_arm *arm, const char *endpoint, entrasql_error *err)
{
    entrasql_status status = http_url_parse(endpoint, &arm->address);
    if (status == ENTRASQL_NOMEM)
        return es_nomem(err);
    if (status != ENTRASQL_OK || !arm->address.is_https || arm->address.has_query ||
        !es_streq(arm->address.path, "/")) {
        es_fail(err, ENTRASQL_CONFIG,
                "the address of Azure Resource Manager is not of the form https://host[:port]");
        es_hint(err, "it comes from %s or the option for it", AZURE_ARM_ENDPOINT_VARIABLE);
        return ENTRASQL_CONFIG;
    }
    size_t n = strlen(endpoint);
    arm->endpoint = es_strndup(endpoint, n - (endpoint[n - 1] == '/' ? 1 : 0));
    const azure_cloud *cloud = azure_cloud_of_endpoint(arm->address.host);
    arm->scope = es_strdup(cloud != NULL ? cloud->scope : azure_cloud_public()->scope);
    return arm->endpoint != NULL && arm->scope != NULL ? ENTRASQL_OK : es_nomem(err);
}

static int64_t or_default(uint32_t ms, int64_t usual)
{
    return ms != 0 ? ms : usual;
}

static entrasql_status fill(azure_arm *arm, const azure_arm_options *o, entrasql_error *err)
{
    const char *endpoint = NULL;
    ES_TRY(choose_endpoint(o, &endpoint, err));
    ES_TRY(set_endpoint(arm, endpoint, err));
    arm->ca_file = es_strdup(o->ca_file);
    arm->tenant_id = es_strdup(o->tenant_id);
    if ((o->ca_file != NULL && arm->ca_file == NULL) ||
        (o->tenant_id != NULL && arm->tenant_id == NULL))
        return es_nomem(err);
    arm->progress = o->progress;
    arm->progress_context = o->progress_context;
    arm->call_timeout_ms = or_default(o->call_timeout_ms, DEFAULT_CALL_MS);
    arm->operation_timeout_ms = or_default(o->operation_timeout_ms, DEFAULT_OPERATION_MS);
    arm->poll_ms = or_default(o->poll_ms, DEFAULT_POLL_MS);
    arm->credential = entrasql_credential_ref(o->credential);
    arm->cancel = identity_cancel_ref(o->cancel);
    return ENTRASQL_OK;
}

entrasql_status azure_arm_new(const azure_arm_options *options, azure_arm **ret,
                              entrasql_error *err)
{
    assert(options->credential != NULL);
    azure_arm *arm = es_calloc(1, sizeof *arm);
    if (arm == NULL)
        return es_nomem(err);
    entrasql_status status = fill(arm, options, err);
    if (status != ENTRASQL_OK) {
        azure_arm_free(arm);
        return status;
    }
    *ret = arm;
    return ENTRASQL_OK;
}

void azure_arm_free(azure_arm *arm)
{
    if (arm == NULL)
        return;
    entrasql_credential_unref(arm->credential);
    entrasql_cancel_unref(arm->cancel);
    es_free(arm->endpoint);
    es_free(arm->scope);
    es_free(arm->ca_file);
    es_free(arm->tenant_id);
    es_free(arm);
}

const char *azure_arm_endpoint(const azure_arm *arm)
{
    return arm->endpoint;
}

const azure_failure *azure_arm_failure(const azure_arm *arm)
{
    return &arm->failure;
}

entrasql_status azure_arm_caller(azure_arm *arm, azure_caller *ret, entrasql_error *err)
{
    const entrasql_token_request request = {
        .size = sizeof request,
        .scope = arm->scope,
        .tenant_id = arm->tenant_id,
        .cancel = arm->cancel,
    };
    entrasql_token *token = NULL;
    ES_TRY(entrasql_credential_get_token(arm->credential, &request, &token, err));
    identity_claims claims;
    entrasql_status status = identity_claims_read(entrasql_token_value(token), &claims, err);
    entrasql_token_free(token);
    ES_TRY(status);
    *ret = (azure_caller){.is_application = es_streq(claims.idtyp, "app")};
    es_strlcpy_utf8(ret->tenant_id, sizeof ret->tenant_id, claims.tid);
    es_strlcpy_utf8(ret->object_id, sizeof ret->object_id, claims.oid);
    es_strlcpy_utf8(ret->name, sizeof ret->name, claims.upn);
    if (ret->is_application || claims.upn[0] == '\0') {
        ret->is_application = true;
        es_strlcpy_utf8(ret->client_id, sizeof ret->client_id, claims.appid);
    }
    return ENTRASQL_OK;
}

/* ---- addresses ---- */

/* "/a/b/c": what stands for {scope}. */
static bool is_scope(const char *s)
{
    if (*s != '/' || strlen(s) >= AZURE_ID_MAX)
        return false;
    while (*s == '/') {
        size_t n = strcspn(s + 1, "/");
        if (!azure_segment_is_valid(s + 1, n))
            return false;
        s += 1 + n;
    }
    return *s == '\0';
}

/* Each segment encoded, the slashes between them as they are. */
static entrasql_status add_scope(const char *s, es_buf *out)
{
    while (*s == '/') {
        size_t n = strcspn(s + 1, "/");
        ES_TRY(es_buf_add_str(out, "/"));
        ES_TRY(http_percent_encode(s + 1, n, out));
        s += 1 + n;
    }
    return ENTRASQL_OK;
}

static entrasql_status add_argument(const char *name, size_t n, const char *value, es_buf *out,
                                    entrasql_error *err)
{
    bool is_whole = n == strlen("scope") && memcmp(name, "scope", n) == 0;
    bool is_good = !es_str_is_empty(value);
    if (is_good && n == strlen("subscriptionId") && memcmp(name, "subscriptionId", n) == 0)
        is_good = azure_subscription_is_valid(value);
    else if (is_good)
        is_good = is_whole ? is_scope(value) : azure_segment_is_valid(value, strlen(value));
    if (!is_good) {
        char shown[120];
        es_printable(shown, sizeof shown, value != NULL ? value : "",
                     value != NULL ? strlen(value) : 0);
        return es_fail(err, ENTRASQL_INVALID, "\"%s\" cannot be the %.*s of an Azure resource",
                       shown, (int)n, name);
    }
    return is_whole ? add_scope(value, out) : http_percent_encode(value, strlen(value), out);
}

static entrasql_status build_url(const azure_arm *arm, const azure_request *request, es_buf *out,
                                 entrasql_error *err)
{
    const azure_call *call = azure_call_get(request->call);
    size_t at = 0;
    entrasql_status status = es_buf_add_str(out, arm->endpoint);
    for (const char *p = call->path; status == ENTRASQL_OK && *p != '\0';) {
        size_t plain = strcspn(p, "{");
        status = es_buf_add(out, p, plain);
        p += plain;
        if (status != ENTRASQL_OK || *p == '\0')
            break;
        size_t n = strcspn(p, "}");
        assert(at < AZURE_MAX_ARGUMENTS);
        status = add_argument(p + 1, n - 1, request->arguments[at++], out, err);
        if (status == ENTRASQL_INVALID)
            return status;
        p += n + 1;
    }
    if (status == ENTRASQL_OK)
        status = es_buf_printf(out, "?api-version=%s", call->version);
    if (status == ENTRASQL_OK && request->query != NULL)
        status = es_buf_printf(out, "&%s", request->query);
    if (status == ENTRASQL_LIMIT)
        return es_fail(err, ENTRASQL_INVALID, "the names of %s are too long", request->what);
    return status == ENTRASQL_OK ? status : es_nomem(err);
}

/*
 * Poll and page addresses come from answers: the token follows them only where the endpoint's own
 * owner is, which a compromised provider or a proxy in between cannot widen.
 */
entrasql_status azure_arm_check_url(const azure_arm *arm, const char *url, bool same_host,
                                    entrasql_error *err)
{
    http_url u;
    entrasql_status status = strlen(url) < MAX_URL ? http_url_parse(url, &u) : ENTRASQL_INVALID;
    if (status == ENTRASQL_NOMEM)
        return es_nomem(err);
    bool is_good = status == ENTRASQL_OK && u.is_https && u.port == arm->address.port;
    if (is_good && !es_streq(u.host, arm->address.host)) {
        size_t n = strlen(u.host), own = strlen(arm->address.host);
        is_good = !same_host && azure_cloud_of_endpoint(arm->address.host) != NULL && n > own &&
                  u.host[n - own - 1] == '.' && es_streq(u.host + n - own, arm->address.host);
    }
    if (is_good)
        return ENTRASQL_OK;
    char shown[200];
    es_printable(shown, sizeof shown, url, strcspn(url, "?"));
    es_fail(err, ENTRASQL_MALFORMED,
            "Azure Resource Manager names an address to go on that is not its own: %s", shown);
    es_hint(err, "the token is sent to %s only; look for a proxy that rewrites answers",
            arm->endpoint);
    return ENTRASQL_MALFORMED;
}

/* ---- calls ---- */

void azure_reply_done(azure_reply *reply)
{
    json_doc_free(reply->doc);
    reply->doc = NULL;
}

const json_node *azure_reply_root(const azure_reply *reply)
{
    return reply->doc != NULL ? json_doc_root(reply->doc) : NULL;
}

entrasql_status azure_arm_parse(const http_response *answer, const char *what, json_doc **ret,
                                entrasql_error *err)
{
    *ret = NULL;
    if (answer->body.len == 0)
        return ENTRASQL_OK;
    entrasql_status status = json_doc_parse(answer->body.data, answer->body.len, ret, err);
    if (status == ENTRASQL_OK || status == ENTRASQL_NOMEM)
        return status;
    es_error_prefix(err, "%s: the answer is not Azure's", what);
    es_hint(err, "something else may be answering there: a proxy or a sign-in page");
    return status;
}

/* The next of the names that blanks or dots part; false at the end. */
static bool next_word(const char **at, const char *stops, char *ret, size_t size)
{
    size_t n = strcspn(*at, stops);
    if (n == 0 || n >= size)
        return false;
    memcpy(ret, *at, n);
    ret[n] = '\0';
    *at += n + ((*at)[n] != '\0' ? 1 : 0);
    return true;
}

/* The table's required fields are those that a body really has. */
static entrasql_status check_body(const azure_request *request, entrasql_error *err)
{
    const azure_call *call = azure_call_get(request->call);
    if (call->required[0] == '\0')
        return ENTRASQL_OK;
    ES_CLEANUP(json_doc_cleanup) json_doc *doc = NULL;
    if (request->body != NULL)
        ES_TRY(json_doc_parse(request->body->data, request->body->len, &doc, err));
    const char *fields = call->required;
    char field[128], name[64];
    while (next_word(&fields, " ", field, sizeof field)) {
        const json_node *node = doc != NULL ? json_doc_root(doc) : NULL;
        const char *at = field;
        while (next_word(&at, ".", name, sizeof name))
            node = json_member(node, name);
        if (node == NULL)
            return es_fail(err, ENTRASQL_INTERNAL, "%s: the request has no %s", request->what,
                           field);
    }
    return ENTRASQL_OK;
}

static bool needs_registration(const azure_failure *f)
{
    return es_strcaseeq(f->code, "MissingSubscriptionRegistration") ||
           es_strcaseeq(f->code, "MissingRegistrationForResourceProvider") ||
           es_strcaseeq(f->code, "SubscriptionNotRegistered");
}

/* The namespace of a call's path: "Microsoft.Web". */
static bool namespace_of(const char *path, char *ret, size_t size)
{
    const char *p = strstr(path, "/providers/Microsoft.");
    if (p == NULL)
        return false;
    p += strlen("/providers/");
    size_t n = strcspn(p, "/");
    if (n >= size)
        return false;
    memcpy(ret, p, n);
    ret[n] = '\0';
    return true;
}

static entrasql_status registration_state(azure_arm *arm, const azure_request *request,
                                          bool *ret_done, entrasql_error *err)
{
    azure_reply reply = {0};
    ES_TRY(azure_arm_call(arm, request, &reply, err));
    *ret_done =
        es_strcaseeq(azure_text(azure_reply_root(&reply), "registrationState"), "Registered");
    azure_reply_done(&reply);
    return ENTRASQL_OK;
}

/* A subscription that never used a provider has to register it once; az and the SDKs do the same.
 */
static entrasql_status register_provider(azure_arm *arm, const azure_request *request,
                                         entrasql_error *err)
{
    char name[128];
    char what[192];
    if (!namespace_of(azure_call_get(request->call)->path, name, sizeof name))
        return es_fail(err, ENTRASQL_INTERNAL, "%s: no provider to register", request->what);
    (void)snprintf(what, sizeof what, "registering the provider %s", name);
    azure_request ask = {
        .call = AZURE_PROVIDER_REGISTER,
        .arguments = {request->arguments[0], name},
        .what = what,
    };
    ES_TRY(azure_arm_call(arm, &ask, NULL, err));
    ask.call = AZURE_PROVIDER_GET;
    azure_wire wire = {.what = what, .begin_ms = es_clock_mono_ms()};
    wire.deadline_ms = wire.begin_ms + REGISTER_LIMIT_MS;
    bool is_done = false;
    for (;;) {
        ES_TRY(registration_state(arm, &ask, &is_done, err));
        if (is_done)
            return ENTRASQL_OK;
        ES_TRY(azure_arm_wait(arm, &wire, "Registering", arm->poll_ms, err));
    }
}

static entrasql_status send_call(azure_arm *arm, const azure_request *request, const char *url,
                                 http_response *ret, entrasql_error *err)
{
    const azure_call *call = azure_call_get(request->call);
    int64_t now = es_clock_mono_ms();
    azure_wire wire = {
        .method = call->method,
        .url = url,
        .body = request->body,
        .if_match = request->if_match,
        .what = request->what,
        .once = call->once,
        .may_lag = request->may_lag,
        .begin_ms = now,
        .deadline_ms = now + arm->call_timeout_ms,
    };
    ES_TRY(azure_wire_send(arm, &wire, ret, err));
    if (ret->status < 200 || ret->status > 299)
        return ENTRASQL_OK;
    wire.deadline_ms = now + arm->operation_timeout_ms;
    return azure_arm_follow(arm, &wire, ret, err);
}

static entrasql_status take_reply(const azure_request *request, unsigned first_status,
                                  const http_response *answer, azure_reply *ret,
                                  entrasql_error *err)
{
    azure_reply reply = {.status = first_status};
    if (http_response_header(answer, "ETag", reply.etag, sizeof reply.etag) != ENTRASQL_OK)
        reply.etag[0] = '\0';
    ES_TRY(azure_arm_parse(answer, request->what, &reply.doc, err));
    *ret = reply;
    return ENTRASQL_OK;
}

entrasql_status azure_arm_call(azure_arm *arm, const azure_request *request, azure_reply *ret,
                               entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf url = ES_BUF_INIT(MAX_URL);
    ES_TRY(check_body(request, err));
    ES_TRY(build_url(arm, request, &url, err));
    const char *text = es_buf_cstr(&url);
    if (text == NULL)
        return es_nomem(err);
    http_response answer = {0};
    entrasql_status status = send_call(arm, request, text, &answer, err);
    if (status == ENTRASQL_OK && answer.status == 409) {
        azure_failure failure;
        azure_failure_of(&answer, &failure);
        if (needs_registration(&failure)) {
            http_response_done(&answer);
            ES_TRY(register_provider(arm, request, err));
            status = send_call(arm, request, text, &answer, err);
        }
    }
    if (status == ENTRASQL_OK && (answer.status < 200 || answer.status > 299))
        status = azure_arm_refuse(arm, request->what, &answer, err);
    else if (status == ENTRASQL_OK && ret != NULL)
        status = take_reply(request, answer.status, &answer, ret, err);
    http_response_done(&answer);
    return status;
}

/* ---- lists ---- */

/* One page; *next becomes the address of the following one, empty at the end. */
static entrasql_status take_page(azure_arm *arm, const char *what, const http_response *answer,
                                 azure_item_function *item, void *context, es_buf *next,
                                 entrasql_error *err)
{
    ES_CLEANUP(json_doc_cleanup) json_doc *doc = NULL;
    ES_TRY(azure_arm_parse(answer, what, &doc, err));
    const json_node *root = doc != NULL ? json_doc_root(doc) : NULL;
    const json_node *values = NULL;
    if (json_member_array(root, "value", &values) != ENTRASQL_OK)
        return es_fail(err, ENTRASQL_MALFORMED, "%s: the answer is no list", what);
    for (size_t i = 0; i < json_count(values); i++)
        ES_TRY(item(context, json_element(values, i), err));
    const char *link = NULL;
    es_buf_clear(next);
    if (json_member_string(root, "nextLink", &link, NULL) != ENTRASQL_OK || *link == '\0')
        return ENTRASQL_OK;
    ES_TRY(azure_arm_check_url(arm, link, true, err));
    return es_buf_add_str(next, link) == ENTRASQL_OK ? ENTRASQL_OK : es_nomem(err);
}

entrasql_status azure_arm_list(azure_arm *arm, const azure_request *request,
                               azure_item_function *item, void *context, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf url = ES_BUF_INIT(MAX_URL);
    ES_TRY(build_url(arm, request, &url, err));
    for (unsigned page = 0; page < AZURE_MAX_PAGES; page++) {
        const char *text = es_buf_cstr(&url);
        if (text == NULL)
            return es_nomem(err);
        http_response answer = {0};
        ES_TRY(send_call(arm, request, text, &answer, err));
        ES_CLEANUP(es_buf_done) es_buf next = ES_BUF_INIT(MAX_URL);
        entrasql_status status =
            answer.status == 200 ? take_page(arm, request->what, &answer, item, context, &next, err)
                                 : azure_arm_refuse(arm, request->what, &answer, err);
        http_response_done(&answer);
        if (status != ENTRASQL_OK || next.len == 0)
            return status;
        es_buf swap = url;
        url = next;
        next = swap;
    }
    return es_fail(err, ENTRASQL_LIMIT, "%s: more than %d pages", request->what, AZURE_MAX_PAGES);
}
