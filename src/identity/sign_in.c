/* SPDX-License-Identifier: MIT */
/* Sign-in and sign-out of the developer at this machine. */
#include "identity/sign_in.h"

#include "base/mem.h"
#include "base/str.h"
#include "identity/person.h"

#include <string.h>

#define LOCK_MS 15000

static entrasql_status new_asking(const identity_sign_in_options *o, entrasql_credential **ret,
                                  entrasql_error *err)
{
    if (o->by_device_code) {
        const entrasql_device_code_options options = {
            .size = sizeof options,
            .tenant_id = o->tenant_id,
            .client_id = o->client_id,
            .prompt = o->prompt,
            .prompt_context = o->prompt_context,
            .client = o->client,
        };
        return entrasql_device_code_credential_new(&options, ret, err);
    }
    const entrasql_interactive_browser_options options = {
        .size = sizeof options,
        .tenant_id = o->tenant_id,
        .client_id = o->client_id,
        .login_hint = o->username,
        .client = o->client,
    };
    return entrasql_interactive_browser_credential_new(&options, ret, err);
}

entrasql_status identity_sign_in_new(const identity_sign_in_options *options,
                                     entrasql_credential **ret, entrasql_error *err)
{
    entrasql_credential *c;
    ES_TRY(new_asking(options, &c, err));
    identity_person *p = (identity_person *)c;
    p->always_asks = p->must_store = true;
    entrasql_status status = identity_store_new_login(options->is_plain, &p->store, err);
    if (status == ENTRASQL_OK && p->store == NULL)
        status = es_fail(err, ENTRASQL_CONFIG, "no place for the sign-in: HOME is not set");
    if (status == ENTRASQL_OK)
        status = identity_store_prepare(p->store, err);
    if (status == ENTRASQL_UNAVAILABLE)
        es_hint(err, "--plain-file keeps the sign-in unencrypted (mode 0600) instead");
    if (status != ENTRASQL_OK) {
        entrasql_credential_unref(c);
        return status;
    }
    *ret = c;
    return ENTRASQL_OK;
}

bool identity_sign_in_account(const entrasql_credential *credential, identity_msal_account *ret)
{
    const identity_person *p = (const identity_person *)credential;
    identity_msal_account accounts[IDENTITY_MSAL_MAX_ACCOUNTS];
    size_t count;
    if (identity_sign_in_list(accounts, ES_COUNT_OF(accounts), &count, NULL) != ENTRASQL_OK)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (es_streq(accounts[i].home_account_id, p->home_account_id)) {
            *ret = accounts[i];
            return true;
        }
    }
    return false;
}

entrasql_status identity_sign_in_list(identity_msal_account *ret, size_t max, size_t *ret_count,
                                      entrasql_error *err)
{
    ES_CLEANUP(json_doc_cleanup) json_doc *doc = NULL;
    entrasql_error own_error;
    identity_store *store;
    *ret_count = 0;
    if (err == NULL)
        err = &own_error;
    ES_TRY(identity_store_new_login(false, &store, err));
    if (store == NULL)
        return ENTRASQL_OK;
    entrasql_status status = identity_store_read(store, &doc, err);
    if (status == ENTRASQL_TRUNCATED)
        status = ENTRASQL_OK;
    if (status == ENTRASQL_OK && doc != NULL)
        *ret_count = identity_msal_accounts(json_doc_root(doc), NULL, ret, max);
    identity_store_free(store);
    return status;
}

typedef struct departure {
    const identity_msal_account *accounts;
    size_t count;
} departure;

static entrasql_status take_out(void *ctx, const json_node *old, es_buf *out, entrasql_error *err)
{
    const departure *d = ctx;
    ES_CLEANUP(json_doc_cleanup) json_doc *doc = NULL;
    if (old == NULL)
        return ENTRASQL_OK;
    for (size_t i = 0; i < d->count; i++) {
        es_buf_clear(out);
        entrasql_status status = identity_msal_remove(old, d->accounts[i].environment,
                                                      d->accounts[i].home_account_id, out);
        json_doc_free(doc);
        doc = NULL;
        if (status == ENTRASQL_OK)
            status = json_doc_parse(out->data, out->len, &doc, err);
        if (status != ENTRASQL_OK)
            return es_fail(err, status, "the token cache cannot be written");
        old = json_doc_root(doc);
    }
    return ENTRASQL_OK;
}

entrasql_status identity_sign_out(const identity_msal_account *accounts, size_t count,
                                  entrasql_error *err)
{
    departure d = {.accounts = accounts, .count = count};
    identity_store *store;
    ES_TRY(identity_store_new_login(false, &store, err));
    if (store == NULL)
        return ENTRASQL_OK;
    entrasql_status status =
        identity_store_update_run(store, take_out, &d, es_clock_deadline(LOCK_MS), err);
    identity_store_free(store);
    return status;
}
