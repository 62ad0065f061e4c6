/* SPDX-License-Identifier: MIT */
/* Answers of token endpoints. */
#include "identity/reply.h"

#include "base/str.h"
#include "identity/aadsts.h"
#include "identity/internal.h"
#include "identity/redact.h"

#include <stdio.h>
#include <string.h>

#define SHOWN_OF_STRANGERS 200

/* ---- success ---- */

/* A token goes into headers and login packets: visible ASCII only. */
static bool is_token_text(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (s[i] <= 0x20 || s[i] >= 0x7F)
            return false;
    }
    return n != 0;
}

static entrasql_status not_a_token(const char *place, const char *what, entrasql_error *err)
{
    es_fail(err, ENTRASQL_AUTH_FAILED, "the answer of %s %s", place, what);
    es_hint(err, "something else may be answering there: a proxy, a sign-in page, or another "
                 "service on that address");
    return ENTRASQL_AUTH_FAILED;
}

static entrasql_status token_from(const json_node *answer, const char *place, const char *source,
                                  int64_t sent_wall_s, entrasql_token **ret, entrasql_error *err)
{
    const char *value;
    size_t n;
    const char *type;
    if (json_member_string(answer, "access_token", &value, &n) != ENTRASQL_OK ||
        !is_token_text(value, n))
        return not_a_token(place, "holds no access_token", err);
    if (json_member_string(answer, "token_type", &type, NULL) == ENTRASQL_OK &&
        !es_strcaseeq(type, "Bearer"))
        return not_a_token(place, "holds a token of another type than Bearer", err);
    int64_t expires_on;
    int64_t refresh_on;
    if (identity_expiry_read(answer, sent_wall_s, &expires_on, &refresh_on) != ENTRASQL_OK)
        return not_a_token(place, "does not say when the token expires", err);
    entrasql_token *token = identity_token_new(value, n, expires_on, refresh_on, source);
    if (token == NULL)
        return es_nomem(err);
    *ret = token;
    return ENTRASQL_OK;
}

entrasql_status identity_reply_token(const es_buf *body, const char *place, const char *source,
                                     int64_t sent_wall_s, entrasql_token **ret, bool *ret_is_json,
                                     entrasql_error *err)
{
    ES_CLEANUP(json_doc_cleanup) json_doc *doc = NULL;
    entrasql_status status = json_doc_parse(body->data, body->len, &doc, err);
    if (ret_is_json != NULL)
        *ret_is_json = status == ENTRASQL_OK;
    if (status == ENTRASQL_NOMEM)
        return status;
    if (status != ENTRASQL_OK)
        return not_a_token(place, "is not the JSON of a token", err);
    return token_from(json_doc_root(doc), place, source, sent_wall_s, ret, err);
}

/* ---- errors ---- */

void identity_reply_set_class(unsigned http_status, entrasql_error *err)
{
    if (err != NULL && (http_status == 408 || http_status == 429 || http_status >= 500))
        err->error_class = ENTRASQL_CLASS_RETRY;
}

/* The first line of a member, made fit for a message; "" when there is none. */
static void copy_line(const json_node *obj, const char *name, const es_secret *secret, char *dst,
                      size_t size)
{
    const char *text = "";
    size_t n = 0;
    dst[0] = '\0';
    if (json_member_string(obj, name, &text, &n) == ENTRASQL_OK)
        identity_redact(dst, size, text, strcspn(text, "\r\n"), secret);
}

/* error_codes decide; the description is for people only, but old endpoints have nothing else. */
static uint32_t aadsts_number(const json_node *root, const char *description)
{
    const json_node *codes;
    int64_t v;
    if (json_member_array(root, "error_codes", &codes) == ENTRASQL_OK && json_count(codes) != 0 &&
        json_node_i64(json_element(codes, 0), &v) == ENTRASQL_OK && v > 0 && v <= UINT32_MAX)
        return (uint32_t)v;
    return identity_aadsts_in_text(description);
}

struct entra_error {
    char error[64];
    char suberror[64];
    char description[600];
    char correlation_id[ENTRASQL_ERROR_ID_SIZE];
    char trace_id[ENTRASQL_ERROR_ID_SIZE];
    char claims[ENTRASQL_ERROR_CLAIMS_SIZE];
    uint32_t number;
};

/* A challenge is JSON for a machine: whole, or not at all. */
static void copy_claims(const json_node *root, char *dst, size_t size)
{
    const char *text = NULL;
    size_t n = 0;
    dst[0] = '\0';
    if (json_member_string(root, "claims", &text, &n) != ENTRASQL_OK || n >= size ||
        strlen(text) != n)
        return;
    memcpy(dst, text, n + 1);
}

/* OK; MALFORMED when the answer is not an error of Entra; NOMEM. */
static entrasql_status read_entra_error(const http_response *answer, const es_secret *secret,
                                        struct entra_error *e)
{
    memset(e, 0, sizeof *e);
    ES_CLEANUP(json_doc_cleanup) json_doc *doc = NULL;
    entrasql_status status = json_doc_parse(answer->body.data, answer->body.len, &doc, NULL);
    if (status != ENTRASQL_OK)
        return status == ENTRASQL_NOMEM ? status : ENTRASQL_MALFORMED;
    const json_node *root = json_doc_root(doc);
    copy_line(root, "error", secret, e->error, sizeof e->error);
    copy_line(root, "suberror", secret, e->suberror, sizeof e->suberror);
    copy_line(root, "error_description", secret, e->description, sizeof e->description);
    copy_line(root, "correlation_id", secret, e->correlation_id, sizeof e->correlation_id);
    copy_line(root, "trace_id", secret, e->trace_id, sizeof e->trace_id);
    e->number = aadsts_number(root, e->description);
    copy_claims(root, e->claims, sizeof e->claims);
    return e->error[0] != '\0' || e->number != 0 ? ENTRASQL_OK : ENTRASQL_MALFORMED;
}

static void set_entra_hint(uint32_t number, unsigned http_status, entrasql_error *err)
{
    const identity_aadsts *known = identity_aadsts_find(number);
    if (known != NULL)
        es_hint(err, "%s", known->hint);
    else if (http_status == 429)
        es_hint(err, "too many requests: keep tokens and credentials instead of making new ones");
    else if (http_status >= 500)
        es_hint(err, "the service has a problem: try again later");
}

entrasql_status identity_reply_entra_error(const http_response *answer, const char *place,
                                           const es_secret *secret, entrasql_error *err)
{
    struct entra_error e;
    entrasql_status status = read_entra_error(answer, secret, &e);
    if (status == ENTRASQL_NOMEM)
        return es_nomem(err);
    if (status != ENTRASQL_OK) {
        es_fail(err, ENTRASQL_AUTH_FAILED, "%s answered with HTTP status %u instead of a token",
                place, answer->status);
        if (answer->status >= 300 && answer->status < 400)
            es_hint(err, "it redirects, and secrets are not sent after a redirect: check "
                         "AZURE_AUTHORITY_HOST and the proxy settings");
        else if (answer->status < 429)
            es_hint(err, "check AZURE_AUTHORITY_HOST, AZURE_TENANT_ID and the proxy settings");
        else
            set_entra_hint(0, answer->status, err);
    } else {
        const identity_aadsts *known = identity_aadsts_find(e.number);
        char number[24] = "";
        if (e.number != 0)
            (void)snprintf(number, sizeof number, "AADSTS%u, ", e.number);
        es_fail(err, ENTRASQL_AUTH_FAILED,
                "Microsoft Entra ID refused the request%s%s (%s%s, HTTP %u): %s%s%s",
                known != NULL ? ": " : "", known != NULL ? known->cause : "", number, e.error,
                answer->status, e.description, e.trace_id[0] != '\0' ? " Trace ID: " : "",
                e.trace_id);
        set_entra_hint(e.number, answer->status, err);
        if (e.claims[0] != '\0')
            es_hint(err, "the person must sign in again and answer the claims challenge that comes "
                         "with this error; a web service hands it to its front end");
        if (err != NULL) {
            es_strlcpy_utf8(err->correlation_id, sizeof err->correlation_id, e.correlation_id);
            es_strlcpy_utf8(err->claims, sizeof err->claims, e.claims);
        }
    }
    if (err != NULL)
        err->number = e.number != 0 ? e.number : answer->status;
    identity_reply_set_class(answer->status, err);
    return ENTRASQL_AUTH_FAILED;
}

/*
 * Three shapes: {"error":"invalid_request","error_description":...} of IMDS,
 * {"statusCode":400,"message":...,"correlationId":...} of App Service, and
 * {"error":{"code":...,"message":...,"correlationId":...}} of Service Fabric.
 */
entrasql_status identity_reply_mi_error(const http_response *answer, const es_secret *secret,
                                        identity_mi_error *ret)
{
    memset(ret, 0, sizeof *ret);
    ES_CLEANUP(json_doc_cleanup) json_doc *doc = NULL;
    entrasql_status status = json_doc_parse(answer->body.data, answer->body.len, &doc, NULL);
    if (status == ENTRASQL_NOMEM)
        return status;
    if (status != ENTRASQL_OK) {
        /* Of something else that answers a little is shown, so that people recognise it. */
        char text[SHOWN_OF_STRANGERS];
        identity_redact(text, sizeof text, (const char *)answer->body.data, answer->body.len,
                        secret);
        es_strlcpy_utf8(ret->text, sizeof ret->text, text);
        return ENTRASQL_OK;
    }
    ret->is_json = true;
    const json_node *root = json_doc_root(doc);
    const json_node *inner = NULL;
    if (json_member_object(root, "error", &inner) == ENTRASQL_OK)
        root = inner;
    copy_line(root, inner != NULL ? "code" : "error", secret, ret->code, sizeof ret->code);
    copy_line(root, "error_description", secret, ret->text, sizeof ret->text);
    if (ret->text[0] == '\0')
        copy_line(root, "message", secret, ret->text, sizeof ret->text);
    copy_line(root, "correlation_id", secret, ret->correlation_id, sizeof ret->correlation_id);
    if (ret->correlation_id[0] == '\0')
        copy_line(root, "correlationId", secret, ret->correlation_id, sizeof ret->correlation_id);
    ret->number = aadsts_number(root, ret->text);
    return ENTRASQL_OK;
}
