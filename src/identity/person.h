/* SPDX-License-Identifier: MIT */
/*
 * What the credentials that sign people in share: who signed in and the refresh token, in memory
 * and, when the caller wants it, in a persistent store; the flow that tries silently first and asks
 * the person only then; one question at a time per credential.
 *
 * The silent way: an access token of the store that is still good, else the refresh token. What
 * Entra answers with invalid_grant or interaction_required goes to the person, everything else is a
 * failure. A refresh ahead of time (identity_request.once) never asks.
 *
 * err is never NULL in the calls of this folder's inside.
 */
#ifndef IDENTITY_PERSON_H
#define IDENTITY_PERSON_H

#include "base/buf.h"
#include "identity/exchange.h"
#include "identity/internal.h"
#include "identity/scope.h"
#include "identity/settings.h"
#include "identity/store.h"
#include "identity/user_reply.h"

/* ---- asking: one attempt, asynchronous ---- */

typedef struct identity_asker identity_asker;

typedef struct identity_asker_class {
    entrasql_status (*wants)(identity_asker *asker, os_wait *w);
    /* AGAIN, OK with tokens (identity_user_tokens_done), or the failure. */
    entrasql_status (*step)(identity_asker *asker, identity_user_tokens *ret, entrasql_error *err);
    void (*free)(identity_asker *asker);
} identity_asker_class;

/* First member of every asker. */
struct identity_asker {
    const identity_asker_class *klass;
};

/* ---- the credential ---- */

typedef struct identity_person identity_person;

/* What is asked for. Borrowed for the asker's life. */
typedef struct identity_question {
    identity_person *person;
    const identity_request *request;
    const char *tenant_id;
} identity_question;

typedef struct identity_person_class {
    identity_class base; /* start and destroy are those of this header */
    /* NULL: this credential never asks. */
    entrasql_status (*ask)(const identity_question *question, identity_asker **ret,
                           entrasql_error *err);
    void (*done)(identity_person *person); /* the credential's own members; NULL: none */
    const char *to_do; /* hint when nobody is signed in and nobody may be asked */
} identity_person_class;

/* First member of these credentials; its own first member is every credential's. */
struct identity_person {
    entrasql_credential base;
    const identity_person_class *klass;
    char *tenant_id;
    char *client_id;
    char *username; /* whose sign-in is looked for; NULL: anybody's, if there is just one */
    identity_settings settings;
    identity_tenant_policy tenants;
    identity_store *store; /* NULL: in memory only */
    bool never_asks;
    bool always_asks;      /* the first time: a new sign-in is wanted whoever is in the store */
    bool must_store;       /* a sign-in that cannot be stored has failed */
    pthread_mutex_t mutex; /* over what follows */
    es_secret *refresh_token;
    char home_account_id[IDENTITY_ACCOUNT_ID_SIZE]; /* "" until somebody signed in */
    bool is_asking;
};

typedef struct identity_person_settings {
    const char *name;      /* of the credential */
    size_t size;           /* of its struct */
    const char *tenant_id; /* NULL: ENTRASQL_DEVELOPER_TENANT_ID */
    const char *client_id; /* NULL: ENTRASQL_DEVELOPER_CLIENT_ID */
    const char *username;
    const entrasql_cache_options *cache;
    bool is_login; /* without `cache`: the store of `entrasql login` */
    const entrasql_client_options *client;
} identity_person_settings;

/* An object of settings->size bytes; unref it as a credential. INVALID, CONFIG, NOMEM. */
entrasql_status identity_person_new(const identity_person_class *klass,
                                    const identity_person_settings *settings, identity_person **ret,
                                    entrasql_error *err) ES_MUST_USE;
entrasql_status identity_person_start(entrasql_credential *credential,
                                      const identity_request *request, identity_flow **ret,
                                      entrasql_error *err);
void identity_person_destroy(entrasql_credential *credential);

/* ---- for askers ---- */

/* "openid offline_access profile" beside the scope; without `scope`, only its own. */
entrasql_status identity_person_add_scope(const identity_request *request, es_buf *form);
/*
 * A POST of the form to "<authority>/<tenant>/<path>"; the form's content is taken over. The
 * exchange must be fresh; call identity_exchange_done in any case.
 */
entrasql_status identity_person_post(const identity_question *question, const char *path,
                                     es_buf *form, int64_t deadline_ms, identity_exchange *x,
                                     entrasql_error *err) ES_MUST_USE;
/* The exchange's answer as tokens, or as Entra's error, with the secret that was sent kept out of
 * it; *answer is done with. */
entrasql_status identity_person_tokens(const identity_question *question, identity_exchange *x,
                                       http_response *answer, const es_secret *secret,
                                       identity_user_tokens *ret, entrasql_error *err) ES_MUST_USE;

/* The form of a request ended with this status: NOMEM or LIMIT as an error. */
entrasql_status identity_person_form_failure(entrasql_status status, entrasql_error *err);

#define IDENTITY_PERSON_MAX_FORM (64 * 1024)

#endif
