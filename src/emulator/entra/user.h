/* SPDX-License-Identifier: MIT */
/*
 * People signing in: which apps they can do it with, what those may ask for, and the
 * answers that only people's tokens have (id_token, client_info, refresh_token).
 */
#ifndef EMULATOR_ENTRA_USER_H
#define EMULATOR_ENTRA_USER_H

#include "grants.h"
#include "internal.h"

/* A public client of Microsoft's that every tenant knows. */
typedef struct entra_client {
    const char *id;
    const char *name;
} entra_client;

/* NULL when there is none. All of them share refresh tokens ("foci": "1"). */
const entra_client *entra_client_find(const char *client_id);
/* The reason why an app cannot do this, as an error's number and text. */
uint32_t entra_client_problem(const world *w, const char *client_id, char *text, size_t size);

/*
 * The one resource that a person's scopes name, as the world spells it. 0, else the number of the
 * error with its text.
 */
uint32_t entra_user_resource(const world *w, const char *scope, const char **ret, char *text,
                             size_t size);
/* Whether the list of scopes has that word. */
bool entra_has_scope(const char *scope, const char *word);

/* Whether a page of another site sent the form. */
bool entra_is_cross_site(const entra_call *c);
/* Whom the form names ("user", else "other"), and as whom; NULL when there is nobody so. */
const world_principal *entra_chosen_user(const entra_call *c, const char **ret_name);

/* Answers with the tokens of a grant whose user is set. */
void entra_answer_user(entra_call *c, const entra_grant *grant);

/* The grant "password" (RFC 6749, 4.3) at the v2.0 endpoint, of a client that was found good. */
void entra_answer_password(entra_call *c, const char *client_id);

/* A refresh token's text, and what is in one: 0, or the number of the error with its text. */
entrasql_status entra_refresh_token_make(const world *w, const entra_grant *grant,
                                         es_buf *out) ES_MUST_USE;
uint32_t entra_refresh_token_read(const world *w, const char *token, const char *client_id,
                                  const world_principal **ret, char *text, size_t size);

#endif
