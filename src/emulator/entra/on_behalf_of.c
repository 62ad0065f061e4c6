/* SPDX-License-Identifier: MIT */
/* An app that calls on as the user whose token it was given (OAuth 2.0 on behalf of). */
#include "internal.h"

#include "base/clock.h"
#include "crypto/jwt.h"

#include <string.h>

static bool refuse(entra_call *c, uint32_t number, const char *text)
{
    entra_error(c, 400, "invalid_grant", number, "%s", text);
    return false;
}

static const char *text_of(const json_node *claims, const char *name)
{
    const char *text = NULL;
    return json_member_string(claims, name, &text, NULL) == ENTRASQL_OK ? text : NULL;
}

/* The token must be for the app that shows it, of a person, and in time. */
static bool check_claims(entra_call *c, const world_principal *app, const json_node *claims,
                         const world_principal **ret)
{
    int64_t exp = 0;
    const char *aud = text_of(claims, "aud");
    const char *oid = text_of(claims, "oid");
    if (json_member_i64(claims, "exp", &exp) != ENTRASQL_OK || aud == NULL || oid == NULL)
        return refuse(c, 50027, "JWT token is invalid or malformed.");
    if (exp + WORLD_TOKEN_SKEW_S < es_clock_wall_s())
        return refuse(c, 500133,
                      "Assertion is not within its valid time range. Ensure that the access token "
                      "is not expired before using it for user assertion, or request a new token.");
    if (!es_strcaseeq(aud, app->client_id) && !es_strcaseeq(aud, app->app_uri))
        return refuse(c, 500131,
                      "Assertion audience does not match the Client app presenting the assertion.");
    *ret = world_object_find(c->w, oid);
    if (*ret == NULL || (*ret)->kind != WORLD_USER)
        return refuse(c, 7000114,
                      "The application is not allowed to make application on-behalf-of calls: the "
                      "assertion is not a user's token.");
    return true;
}

static bool check_assertion(entra_call *c, const world_principal *app, const char *text,
                            const world_principal **ret)
{
    crypto_jwt jwt;
    json_doc *doc = NULL;
    entrasql_status status = crypto_jwt_parse(text, strlen(text), &jwt, NULL);
    if (status != ENTRASQL_OK)
        return refuse(c, 50027, "JWT token is invalid or malformed.");
    bool ok = crypto_jwt_verify_rs256(&jwt, world_token_key(c->w), NULL) == ENTRASQL_OK ||
              refuse(c, 50013, "Assertion failed signature validation.");
    if (ok && json_doc_parse(jwt.claims_json, strlen(jwt.claims_json), &doc, NULL) != ENTRASQL_OK)
        ok = refuse(c, 50027, "JWT token is invalid or malformed.");
    ok = ok && check_claims(c, app, json_doc_root(doc), ret);
    json_doc_free(doc);
    crypto_jwt_done(&jwt);
    return ok;
}

void entra_on_behalf_of(entra_call *c, const world_principal *app, const char *resource)
{
    const char *use = NULL, *text = NULL;
    if (!entra_need_field(c, "requested_token_use", &use) ||
        !entra_need_field(c, "assertion", &text))
        return;
    if (!es_streq(use, "on_behalf_of")) {
        entra_error(c, 400, "invalid_request", 900144,
                    "The request body must contain the following parameter: "
                    "'requested_token_use' with the value 'on_behalf_of'.");
        return;
    }
    if (app->kind != WORLD_APP) {
        (void)refuse(c, 7000114,
                     "The application is not allowed to make application on-behalf-of calls.");
        return;
    }
    world_token_request request = {.resource = resource, .client_id = app->client_id};
    if (check_assertion(c, app, text, &request.principal))
        entra_answer_token(c, &request);
}
