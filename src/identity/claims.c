/* SPDX-License-Identifier: MIT */
/* Claims of a token, for reading only. */
#include "identity/claims.h"

#include "base/str.h"
#include "crypto/jwt.h"
#include "json/json.h"

#include <string.h>

static entrasql_status parse(const char *token, json_doc **ret, entrasql_error *err)
{
    crypto_jwt jwt;
    ES_TRY(crypto_jwt_parse(token, strlen(token), &jwt, err));
    json_doc *doc = NULL;
    entrasql_status status = json_doc_parse(jwt.claims_json, strlen(jwt.claims_json), &doc, err);
    crypto_jwt_done(&jwt);
    ES_TRY(status);
    if (json_node_kind(json_doc_root(doc)) != JSON_KIND_OBJECT) {
        json_doc_free(doc);
        return es_fail(err, ENTRASQL_MALFORMED, "the claims of the token are no JSON object");
    }
    *ret = doc;
    return ENTRASQL_OK;
}

static void copy(const json_node *claims, const char *name, char *dst, size_t size)
{
    const char *text;
    size_t n;
    if (dst[0] == '\0' && json_member_string(claims, name, &text, &n) == ENTRASQL_OK)
        es_printable(dst, size, text, n);
}

/* "aud" may be a list: the first is shown. */
static void copy_audience(const json_node *claims, char *dst, size_t size)
{
    const json_node *list;
    const char *text;
    size_t n;
    copy(claims, "aud", dst, size);
    if (json_member_array(claims, "aud", &list) == ENTRASQL_OK && json_count(list) != 0 &&
        json_node_string(json_element(list, 0), &text, &n) == ENTRASQL_OK)
        es_printable(dst, size, text, n);
}

static int64_t read_time(const json_node *claims, const char *name)
{
    int64_t v = 0;
    return json_member_i64(claims, name, &v) == ENTRASQL_OK ? v : 0;
}

entrasql_status identity_claims_read(const char *token, identity_claims *ret, entrasql_error *err)
{
    ES_CLEANUP(json_doc_cleanup) json_doc *doc = NULL;
    ES_TRY(parse(token, &doc, err));
    const json_node *claims = json_doc_root(doc);
    memset(ret, 0, sizeof *ret);
    copy_audience(claims, ret->aud, sizeof ret->aud);
    copy(claims, "iss", ret->iss, sizeof ret->iss);
    copy(claims, "tid", ret->tid, sizeof ret->tid);
    copy(claims, "oid", ret->oid, sizeof ret->oid);
    copy(claims, "appid", ret->appid, sizeof ret->appid);
    copy(claims, "azp", ret->appid, sizeof ret->appid);
    copy(claims, "upn", ret->upn, sizeof ret->upn);
    copy(claims, "preferred_username", ret->upn, sizeof ret->upn);
    copy(claims, "unique_name", ret->upn, sizeof ret->upn);
    copy(claims, "idtyp", ret->idtyp, sizeof ret->idtyp);
    copy(claims, "xms_mirid", ret->miri, sizeof ret->miri);
    ret->iat = read_time(claims, "iat");
    ret->nbf = read_time(claims, "nbf");
    ret->exp = read_time(claims, "exp");
    return ENTRASQL_OK;
}

entrasql_status identity_claims_json(const char *token, es_buf *out, entrasql_error *err)
{
    ES_CLEANUP(json_doc_cleanup) json_doc *doc = NULL;
    ES_TRY(parse(token, &doc, err));
    size_t before = out->len;
    json_writer w;
    json_writer_init(&w, out);
    json_put_node(&w, json_doc_root(doc));
    entrasql_status status = json_writer_end(&w);
    if (status == ENTRASQL_OK)
        return ENTRASQL_OK;
    es_buf_truncate(out, before);
    if (status == ENTRASQL_NOMEM)
        return es_nomem(err);
    return es_fail(err, status, "the claims of the token are too long to show");
}
