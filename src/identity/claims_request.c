/* SPDX-License-Identifier: MIT */
/*
 * The claims parameter of a token request: a challenge that a resource or
 * Entra has sent, and the client capability cp1, which tells Entra that revoked tokens
 * will be answered by a new request (continuous access evaluation).
 */
#include "base/str.h"
#include "http/text.h"
#include "identity/internal.h"
#include "identity/scope.h"
#include "json/json.h"

#include <string.h>

static void put_capabilities(json_writer *w)
{
    json_name(w, "xms_cc");
    json_begin_object(w);
    json_name(w, "values");
    json_begin_array(w);
    json_put_string(w, "CP1");
    json_end_array(w);
    json_end_object(w);
}

/* A challenge may have an xms_cc of its own; ours says what this client can do. */
static void put_access_token(json_writer *w, const json_node *asked)
{
    json_begin_object(w);
    json_cursor *at = NULL;
    while (asked != NULL && (at = json_cursor_next(asked, at)) != NULL) {
        if (es_streq(json_cursor_name(at), "xms_cc"))
            continue;
        json_name(w, json_cursor_name(at));
        json_put_node(w, json_cursor_value(at));
    }
    put_capabilities(w);
    json_end_object(w);
}

static entrasql_status merge(const json_node *challenge, es_buf *out)
{
    const json_node *asked = NULL;
    json_writer w;
    json_writer_init(&w, out);
    json_begin_object(&w);
    json_cursor *at = NULL;
    while (challenge != NULL && (at = json_cursor_next(challenge, at)) != NULL) {
        if (es_streq(json_cursor_name(at), "access_token")) {
            asked = json_cursor_value(at);
            continue;
        }
        json_name(&w, json_cursor_name(at));
        json_put_node(&w, json_cursor_value(at));
    }
    json_name(&w, "access_token");
    bool is_usable = asked != NULL && json_node_kind(asked) == JSON_KIND_OBJECT;
    put_access_token(&w, is_usable ? asked : NULL);
    json_end_object(&w);
    return json_writer_end(&w);
}

static entrasql_status parse_challenge(const char *claims, json_doc **ret, entrasql_error *err)
{
    entrasql_status status = json_doc_parse(claims, strlen(claims), ret, NULL);
    if (status == ENTRASQL_NOMEM)
        return es_nomem(err);
    if (status == ENTRASQL_OK && json_node_kind(json_doc_root(*ret)) == JSON_KIND_OBJECT)
        return ENTRASQL_OK;
    es_fail(err, ENTRASQL_INVALID, "the claims challenge is not a JSON object");
    es_hint(err, "in a WWW-Authenticate header it is base64: decode it first");
    return ENTRASQL_INVALID;
}

entrasql_status identity_claims_add(const identity_request *request, es_buf *form,
                                    entrasql_error *err)
{
    ES_CLEANUP(json_doc_cleanup) json_doc *doc = NULL;
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(2 * IDENTITY_MAX_CLAIMS);
    if (request->claims == NULL && !request->cae)
        return ENTRASQL_OK;
    if (request->claims != NULL)
        ES_TRY(parse_challenge(request->claims, &doc, err));
    entrasql_status status = request->cae ? merge(doc != NULL ? json_doc_root(doc) : NULL, &text)
                                          : es_buf_add_str(&text, request->claims);
    const char *claims = status == ENTRASQL_OK ? es_buf_cstr(&text) : NULL;
    if (claims != NULL)
        status = http_form_add(form, "claims", claims);
    if (status == ENTRASQL_LIMIT)
        return es_fail(err, ENTRASQL_INVALID, "the claims make the token request too large");
    return status == ENTRASQL_OK && claims != NULL ? ENTRASQL_OK : es_nomem(err);
}
