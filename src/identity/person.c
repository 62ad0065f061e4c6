/* SPDX-License-Identifier: MIT */
/* The credential object of people, and the requests that its askers send. */
#include "identity/person.h"

#include "base/mem.h"
#include "base/str.h"
#include "http/text.h"
#include "identity/reply.h"

#include <string.h>

/* ---- the object ---- */

static char *copy_or(const char *text, const char *otherwise)
{
    return es_strdup(es_str_is_empty(text) ? otherwise : text);
}

static entrasql_status fill(identity_person *p, const identity_person_settings *s,
                            entrasql_error *err)
{
    entrasql_client_options client;
    ES_TRY(es_options_copy(&client, sizeof client, s->client, err));
    p->tenant_id = copy_or(s->tenant_id, ENTRASQL_DEVELOPER_TENANT_ID);
    p->client_id = copy_or(s->client_id, ENTRASQL_DEVELOPER_CLIENT_ID);
    p->username = es_str_is_empty(s->username) ? NULL : es_strdup(s->username);
    if (p->tenant_id == NULL || p->client_id == NULL ||
        (p->username == NULL && !es_str_is_empty(s->username)) ||
        identity_tenant_policy_init(&p->tenants, client.additionally_allowed_tenants) !=
            ENTRASQL_OK)
        return es_nomem(err);
    ES_TRY(identity_tenant_check(p->tenant_id, "tenant_id", err));
    ES_TRY(identity_settings_init(&p->settings, &client, true, err));
    if (s->cache == NULL && s->is_login)
        return identity_store_new_login(false, &p->store, err);
    return identity_store_new(s->cache, &p->store, err);
}

entrasql_status identity_person_new(const identity_person_class *klass,
                                    const identity_person_settings *settings, identity_person **ret,
                                    entrasql_error *err)
{
    identity_person *p = identity_credential_new(&klass->base, settings->name, settings->size);
    if (p == NULL)
        return es_nomem(err);
    p->klass = klass;
    if (pthread_mutex_init(&p->mutex, NULL) != 0) {
        /* Without its mutex the object is not whole enough to be unref'd. */
        identity_cache_done(&p->base.cache);
        es_free(p->base.name);
        es_free(p);
        return es_nomem(err);
    }
    entrasql_status status = fill(p, settings, err);
    if (status != ENTRASQL_OK) {
        entrasql_credential_unref(&p->base);
        return status;
    }
    *ret = p;
    return ENTRASQL_OK;
}

void identity_person_destroy(entrasql_credential *credential)
{
    identity_person *p = (identity_person *)credential;
    if (p->klass->done != NULL)
        p->klass->done(p);
    es_secret_unref(p->refresh_token);
    (void)pthread_mutex_destroy(&p->mutex);
    identity_store_free(p->store);
    identity_settings_done(&p->settings);
    identity_tenant_policy_done(&p->tenants);
    es_free(p->tenant_id);
    es_free(p->client_id);
    es_free(p->username);
    es_free(p);
}

/* ---- requests ---- */

entrasql_status identity_person_add_scope(const identity_request *request, es_buf *form)
{
    ES_CLEANUP(es_buf_done) es_buf scope = ES_BUF_INIT(IDENTITY_MAX_SCOPE + 64);
    ES_TRY(es_buf_printf(&scope, "%s openid offline_access profile", request->scope));
    const char *text = es_buf_cstr(&scope);
    return text != NULL ? http_form_add(form, "scope", text) : ENTRASQL_NOMEM;
}

entrasql_status identity_person_post(const identity_question *question, const char *path,
                                     es_buf *form, int64_t deadline_ms, identity_exchange *x,
                                     entrasql_error *err)
{
    const identity_settings *settings = &question->person->settings;
    identity_retry_policy policy = identity_retry_usual;
    policy.retries =
        question->request->once ? 0 : identity_settings_retries(settings, policy.retries);
    identity_exchange_init(x, &policy, deadline_ms);
    if (es_buf_printf(&x->url, "%s/%s/%s", settings->authority, question->tenant_id, path) !=
        ENTRASQL_OK)
        return es_nomem(err);
    identity_exchange_header(x, "Content-Type", "application/x-www-form-urlencoded");
    identity_exchange_header(x, "Accept", "application/json");
    x->method = "POST";
    x->has_body = true;
    x->ca_file = settings->ca_file;
    es_buf_done(&x->body);
    x->body = *form;
    *form = ES_BUF_INIT_WIPE(form->ceiling);
    return ENTRASQL_OK;
}

entrasql_status identity_person_tokens(const identity_question *question, identity_exchange *x,
                                       http_response *answer, const es_secret *secret,
                                       identity_user_tokens *ret, entrasql_error *err)
{
    const char *place = es_buf_cstr(&x->url);
    entrasql_status status;
    if (place == NULL)
        status = es_nomem(err);
    else if (answer->status == 200)
        status = identity_user_tokens_read(&answer->body, place, question->person->base.name,
                                           x->sent_wall_s, ret, err);
    else
        status = identity_reply_entra_error(answer, place, secret, err);
    http_response_done(answer);
    return status;
}

entrasql_status identity_person_form_failure(entrasql_status status, entrasql_error *err)
{
    if (status == ENTRASQL_LIMIT)
        return es_fail(err, ENTRASQL_INVALID, "the token request is larger than %d bytes",
                       IDENTITY_PERSON_MAX_FORM);
    return es_nomem(err);
}
