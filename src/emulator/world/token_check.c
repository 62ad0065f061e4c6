/* SPDX-License-Identifier: MIT */
/* Checking access tokens as Azure SQL does. */
#include "token.h"

#include "base/clock.h"
#include "base/mem.h"
#include "crypto/jwt.h"
#include "internal.h"
#include "json/json.h"

#include <string.h>

const char *world_token_problem_text(world_token_problem problem)
{
    switch (problem) {
    case WORLD_TOKEN_OK:
        return "none";
    case WORLD_TOKEN_MALFORMED:
        return "malformed";
    case WORLD_TOKEN_BAD_SIGNATURE:
        return "signature";
    case WORLD_TOKEN_WRONG_AUDIENCE:
        return "audience";
    case WORLD_TOKEN_WRONG_TENANT:
        return "tenant";
    case WORLD_TOKEN_NOT_YET_VALID:
        return "not yet valid";
    case WORLD_TOKEN_EXPIRED:
        return "expired";
    case WORLD_TOKEN_NO_ADMIN:
        return "no Entra admin";
    case WORLD_TOKEN_NO_MEMORY:
        return "no memory";
    }
    return "unknown";
}

static world_token_problem refuse(world_token_problem problem, entrasql_error *err,
                                  const char *text)
{
    (void)es_fail(err, ENTRASQL_AUTH_FAILED, "the token was refused: %s", text);
    return problem;
}

/* A refusal that quotes one claim, made printable. */
static world_token_problem refuse_claim(world_token_problem problem, entrasql_error *err,
                                        const char *text, const char *value)
{
    char shown[160];
    es_printable(shown, sizeof shown, value, strlen(value));
    (void)es_fail(err, ENTRASQL_AUTH_FAILED, "the token was refused: %s '%s'", text, shown);
    return problem;
}

/* The rules of RFC 7515 for one algorithm and one key; the signature itself comes after. */
static world_token_problem check_header(const world *w, const char *text, entrasql_error *err)
{
    ES_CLEANUP(json_doc_cleanup) json_doc *doc = NULL;
    const char *alg = NULL, *kid = NULL, *typ = "JWT";
    entrasql_status status = json_doc_parse(text, strlen(text), &doc, NULL);
    if (status == ENTRASQL_NOMEM)
        return refuse(WORLD_TOKEN_NO_MEMORY, err, "out of memory");
    const json_node *root = status == ENTRASQL_OK ? json_doc_root(doc) : NULL;
    if (root == NULL || json_member_string(root, "alg", &alg, NULL) != ENTRASQL_OK ||
        json_member_string(root, "typ", &typ, NULL) == ENTRASQL_MALFORMED ||
        json_member(root, "crit") != NULL)
        return refuse(WORLD_TOKEN_MALFORMED, err, "its header is not a JWT header");
    if (!es_strcaseeq(typ, "JWT"))
        return refuse_claim(WORLD_TOKEN_MALFORMED, err, "its type is", typ);
    if (!es_streq(alg, "RS256"))
        return refuse_claim(WORLD_TOKEN_BAD_SIGNATURE, err, "its algorithm is", alg);
    if (json_member_string(root, "kid", &kid, NULL) != ENTRASQL_OK)
        return refuse(WORLD_TOKEN_BAD_SIGNATURE, err, "it names no key");
    if (!es_streq(kid, crypto_key_id(world_token_key(w))))
        return refuse_claim(WORLD_TOKEN_BAD_SIGNATURE, err, "no key is called", kid);
    return WORLD_TOKEN_OK;
}

/* The claims that decide; strings are lent by the document. */
typedef struct claims {
    const char *aud, *iss, *tid, *oid;
    const char *idtyp, *appid, *upn; /* NULL when absent */
    int64_t nbf, exp;
    const json_node *groups; /* NULL when absent */
    uint8_t object_id[16];
    uint8_t client_id[16];
    bool is_app;
} claims;

/* False when the member is there with another type. */
static bool optional_string(const json_node *root, const char *name, const char **ret)
{
    return json_member_string(root, name, ret, NULL) != ENTRASQL_MALFORMED;
}

static bool read_claims(const json_node *root, claims *c)
{
    if (json_node_kind(root) != JSON_KIND_OBJECT ||
        json_member_string(root, "aud", &c->aud, NULL) != ENTRASQL_OK ||
        json_member_string(root, "iss", &c->iss, NULL) != ENTRASQL_OK ||
        json_member_string(root, "tid", &c->tid, NULL) != ENTRASQL_OK ||
        json_member_string(root, "oid", &c->oid, NULL) != ENTRASQL_OK ||
        json_member_i64(root, "nbf", &c->nbf) != ENTRASQL_OK ||
        json_member_i64(root, "exp", &c->exp) != ENTRASQL_OK ||
        !optional_string(root, "idtyp", &c->idtyp) || !optional_string(root, "appid", &c->appid) ||
        !optional_string(root, "upn", &c->upn) ||
        json_member_array(root, "groups", &c->groups) == ENTRASQL_MALFORMED)
        return false;
    if (c->upn == NULL && !optional_string(root, "unique_name", &c->upn))
        return false;
    /* Without idtyp, which is optional in Entra, a token that names no person is an app's. */
    c->is_app = c->idtyp != NULL ? es_streq(c->idtyp, "app") : c->upn == NULL;
    if (es_guid_parse(c->oid, c->object_id) != ENTRASQL_OK)
        return false;
    if (c->is_app)
        return c->appid != NULL && es_guid_parse(c->appid, c->client_id) == ENTRASQL_OK;
    return c->upn != NULL;
}

static bool is_issuer_of(const char *iss, const char *tenant_id)
{
    static const char prefix[] = "https://sts.windows.net/";
    size_t n = sizeof prefix - 1;
    return es_starts_with(iss, prefix) && es_strncaseeq(iss + n, tenant_id, strlen(tenant_id)) &&
           es_streq(iss + n + strlen(tenant_id), "/");
}

/* audience NULL: the SQL server's, which takes no token while it has no admin. */
static world_token_problem check_claims(const world *w, const char *audience, const claims *c,
                                        entrasql_error *err)
{
    int64_t now = es_clock_wall_s();
    if (!world_same_resource(c->aud, audience != NULL ? audience : w->server_audience))
        return refuse_claim(WORLD_TOKEN_WRONG_AUDIENCE, err, "it is for the audience", c->aud);
    if (audience == NULL && w->server_admin == NULL)
        return refuse(WORLD_TOKEN_NO_ADMIN, err, "the server has no Entra admin");
    if (!is_issuer_of(c->iss, w->server_tenant->id))
        return refuse_claim(WORLD_TOKEN_WRONG_TENANT, err, "its issuer is", c->iss);
    if (!es_strcaseeq(c->tid, w->server_tenant->id))
        return refuse_claim(WORLD_TOKEN_WRONG_TENANT, err, "its tenant is", c->tid);
    if (c->nbf > now && c->nbf - now > WORLD_TOKEN_SKEW_S)
        return refuse(WORLD_TOKEN_NOT_YET_VALID, err, "it is not valid yet");
    if (c->exp < now && now - c->exp > WORLD_TOKEN_SKEW_S)
        return refuse(WORLD_TOKEN_EXPIRED, err, "it has expired");
    return WORLD_TOKEN_OK;
}

/* False for a group that is not a GUID; *ret_status tells lack of memory apart. */
static bool copy_groups(const claims *c, world_login *login, entrasql_status *ret_status)
{
    size_t count = json_count(c->groups);
    *ret_status = ENTRASQL_OK;
    if (count == 0)
        return true;
    if (count > WORLD_MAX_GROUPS)
        return false;
    login->group_ids = es_calloc(count, sizeof *login->group_ids);
    if (login->group_ids == NULL) {
        *ret_status = ENTRASQL_NOMEM;
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const char *id = NULL;
        if (json_node_string(json_element(c->groups, i), &id, NULL) != ENTRASQL_OK ||
            es_guid_parse(id, login->group_ids[i]) != ENTRASQL_OK)
            return false;
    }
    login->login.group_ids = (const uint8_t(*)[16])login->group_ids;
    login->login.group_count = count;
    return true;
}

static bool is_admin(const world *w, const world_login *login)
{
    uint8_t admin[16];
    if (es_guid_parse(w->server_admin->object_id, admin) != ENTRASQL_OK)
        return false;
    if (w->server_admin->kind != WORLD_GROUP)
        return memcmp(admin, login->login.object_id, sizeof admin) == 0;
    for (size_t i = 0; i < login->login.group_count; i++) {
        if (memcmp(admin, login->group_ids[i], sizeof admin) == 0)
            return true;
    }
    return false;
}

static world_token_problem make_login(const world *w, const claims *c, world_login *login,
                                      entrasql_error *err)
{
    login->expires_on = c->exp;
    login->login.is_external = true;
    login->login.kind = c->is_app ? ENGINE_EXTERNAL_APP : ENGINE_EXTERNAL_USER;
    memcpy(login->login.object_id, c->object_id, sizeof c->object_id);
    memcpy(login->login.client_id, c->client_id, sizeof c->client_id);
    entrasql_status status;
    if (!copy_groups(c, login, &status))
        return status == ENTRASQL_NOMEM
                   ? refuse(WORLD_TOKEN_NO_MEMORY, err, "out of memory")
                   : refuse(WORLD_TOKEN_MALFORMED, err, "its groups are not a list of ids");
    es_buf name = ES_BUF_INIT(4096);
    status =
        c->is_app ? es_buf_printf(&name, "%s@%s", c->appid, c->tid) : es_buf_add_str(&name, c->upn);
    login->login_name = status == ENTRASQL_OK ? es_buf_take(&name, NULL) : NULL;
    es_buf_done(&name);
    if (login->login_name == NULL)
        return status == ENTRASQL_LIMIT ? refuse(WORLD_TOKEN_MALFORMED, err, "its name is too long")
                                        : refuse(WORLD_TOKEN_NO_MEMORY, err, "out of memory");
    login->login.login_name = login->login_name;
    login->login.is_admin = is_admin(w, login);
    return WORLD_TOKEN_OK;
}

/* With an audience *ret_object_id is filled in, else the login. */
static world_token_problem check(const world *w, const char *audience, const crypto_jwt *jwt,
                                 world_login *login, char *ret_object_id, entrasql_error *err)
{
    ES_CLEANUP(json_doc_cleanup) json_doc *doc = NULL;
    world_token_problem problem = check_header(w, jwt->header_json, err);
    if (problem != WORLD_TOKEN_OK)
        return problem;
    /* Nothing in the claims is looked at before this. */
    if (crypto_jwt_verify_rs256(jwt, world_token_key(w), err) != ENTRASQL_OK)
        return WORLD_TOKEN_BAD_SIGNATURE;
    entrasql_status status = json_doc_parse(jwt->claims_json, strlen(jwt->claims_json), &doc, NULL);
    if (status == ENTRASQL_NOMEM)
        return refuse(WORLD_TOKEN_NO_MEMORY, err, "out of memory");
    claims c = {0};
    if (status != ENTRASQL_OK || !read_claims(json_doc_root(doc), &c))
        return refuse(WORLD_TOKEN_MALFORMED, err, "a claim is missing or of the wrong type");
    problem = check_claims(w, audience, &c, err);
    if (problem != WORLD_TOKEN_OK)
        return problem;
    if (ret_object_id != NULL)
        es_guid_format(c.object_id, ret_object_id);
    return login != NULL ? make_login(w, &c, login, err) : WORLD_TOKEN_OK;
}

world_token_problem world_token_identify(const world *w, const char *audience, const char *token,
                                         size_t n, char ret_object_id[ES_GUID_TEXT_SIZE],
                                         entrasql_error *err)
{
    crypto_jwt jwt;
    entrasql_status status = crypto_jwt_parse(token, n, &jwt, err);
    if (status != ENTRASQL_OK)
        return status == ENTRASQL_NOMEM ? WORLD_TOKEN_NO_MEMORY : WORLD_TOKEN_MALFORMED;
    world_token_problem problem = check(w, audience, &jwt, NULL, ret_object_id, err);
    crypto_jwt_done(&jwt);
    return problem;
}

world_token_problem world_token_check(const world *w, const char *token, size_t n, world_login *ret,
                                      entrasql_error *err)
{
    crypto_jwt jwt;
    entrasql_status status = crypto_jwt_parse(token, n, &jwt, err);
    if (status == ENTRASQL_NOMEM)
        return WORLD_TOKEN_NO_MEMORY;
    if (status != ENTRASQL_OK)
        return WORLD_TOKEN_MALFORMED;
    world_login login = {0};
    world_token_problem problem = check(w, NULL, &jwt, &login, NULL, err);
    crypto_jwt_done(&jwt);
    if (problem != WORLD_TOKEN_OK) {
        world_login_done(&login);
        return problem;
    }
    *ret = login;
    return WORLD_TOKEN_OK;
}

entrasql_status world_sql_login(const world *w, world_login *ret)
{
    world_login login = {.login = {.is_admin = true}};
    login.login_name = es_strdup(w->own.sql_login);
    if (login.login_name == NULL)
        return ENTRASQL_NOMEM;
    login.login.login_name = login.login_name;
    login.login.sql_login = login.login_name;
    *ret = login;
    return ENTRASQL_OK;
}

void world_login_done(world_login *login)
{
    es_free(login->group_ids);
    es_free(login->login_name);
    *login = (world_login){0};
}
