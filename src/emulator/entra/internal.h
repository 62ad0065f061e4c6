/* SPDX-License-Identifier: MIT */
/* What the endpoints share: one call with its ids, and answers in Entra's shape. */
#ifndef EMULATOR_ENTRA_INTERNAL_H
#define EMULATOR_ENTRA_INTERNAL_H

#include "emulator/world/token.h"
#include "emulator/world/world.h"
#include "grants.h"
#include "httpd/httpd.h"
#include "json/json.h"

#define ENTRA_TIME_SIZE 24

/* One request on its way to an answer. */
typedef struct entra_call {
    const world *w;
    grants *grants; /* of people, while they are open */
    const httpd_request *request;
    httpd_response *response;
    const world_tenant *tenant;             /* NULL for common and organizations */
    const char *tenant_text;                /* as it was written */
    char correlation_id[ES_GUID_TEXT_SIZE]; /* the client's, or a new one */
    char trace_id[ES_GUID_TEXT_SIZE];
} entra_call;

/* Fills the ids and sets the headers that carry them. */
void entra_call_init(entra_call *c, const world *w, const httpd_request *request,
                     httpd_response *response);

/*
 * Entra's error object. `error` is OAuth's word, `aadsts` the number; the text
 * follows "AADSTS<number>: " in error_description.
 */
void entra_error(entra_call *c, unsigned status, const char *error, uint32_t aadsts,
                 const char *fmt, ...) ES_PRINTF(5, 6);
/* 500 when a body could not be written. */
void entra_finish(entra_call *c, entrasql_status status);

/* A field of the form that must be there, once; false after an error was written. */
bool entra_need_field(entra_call *c, const char *name, const char **ret);
/* True when the form asks for a person's token: it was answered. */
bool entra_user_token(entra_call *c);
/* The v1 endpoint's: who has that password, and as whose client. False after an error was written.
 */
bool entra_password_v1(entra_call *c, world_token_request *ret);

/* Endpoints. */
/* Whether a person of that name signs in here or elsewhere; MSAL asks before it sends a password.
 */
void entra_user_realm(entra_call *c, const char *upn);
void entra_authorize(entra_call *c);
void entra_device_code(entra_call *c);
void entra_device_page(entra_call *c);
void entra_openid_configuration(entra_call *c);
void entra_openid_configuration_v1(entra_call *c);
void entra_instance_discovery(entra_call *c);
void entra_keys(entra_call *c);
/* A key list (JWKS) of one key. */
void entra_put_keys(entra_call *c, const crypto_key *key);
/* A token on behalf of a user; the app has proved itself. */
void entra_on_behalf_of(entra_call *c, const world_principal *app, const char *resource);
/* The answer of the v2.0 endpoint that holds an access token only. */
void entra_answer_token(entra_call *c, const world_token_request *request);
void entra_token_v2(entra_call *c);
void entra_token_v1(entra_call *c);

#endif
