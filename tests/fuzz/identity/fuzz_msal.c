/* SPDX-License-Identifier: MIT */
/* A token cache from a file: looked up, changed, emptied; what is written can be read again. */
#include "base/mem.h"
#include "identity/internal.h"
#include "identity/msal.h"

#include <stdlib.h>
#include <string.h>

#define HOME_ID "1.t"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_written(es_buf *out, size_t min_accounts)
{
    json_doc *doc = NULL;
    identity_msal_account accounts[IDENTITY_MSAL_MAX_ACCOUNTS];
    if (json_doc_parse(out->data, out->len, &doc, NULL) != ENTRASQL_OK)
        abort();
    if (identity_msal_accounts(json_doc_root(doc), NULL, accounts, ES_COUNT_OF(accounts)) <
        min_accounts)
        abort();
    json_doc_free(doc);
}

static void look_up(const json_node *root, const identity_msal_place *place)
{
    identity_msal_account accounts[IDENTITY_MSAL_MAX_ACCOUNTS];
    size_t count = identity_msal_accounts(root, place, accounts, ES_COUNT_OF(accounts));
    for (size_t i = 0; i < count; i++) {
        es_secret *secret = NULL;
        entrasql_token *token = NULL;
        const char *home = accounts[i].home_account_id;
        if (identity_msal_refresh_token(root, place, home, &secret) != ENTRASQL_OK)
            abort(); /* that is what the list promises */
        es_secret_unref(secret);
        if (identity_msal_access_token(root, place, home, accounts[i].realm, ENTRASQL_SCOPE_SQL, 0,
                                       0, "x", &token) == ENTRASQL_OK)
            entrasql_token_free(token);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const identity_msal_place place = {.environment = "login.windows.net",
                                       .client_id = ENTRASQL_DEVELOPER_CLIENT_ID};
    json_doc *doc = NULL;
    es_buf out = ES_BUF_INIT_WIPE(1 << 22);
    if (json_doc_parse(data, size, &doc, NULL) != ENTRASQL_OK)
        return 0;
    look_up(json_doc_root(doc), &place);
    identity_user_tokens tokens = {.home_account_id = HOME_ID,
                                   .realm = "t",
                                   .username = "u",
                                   .family_id = "1",
                                   .scope = "a b"};
    tokens.token = identity_token_new("t", 1, 100, 0, "x");
    tokens.refresh_token = es_secret_from_str("r");
    if (tokens.token == NULL || tokens.refresh_token == NULL)
        abort();
    if (json_node_kind(json_doc_root(doc)) == JSON_KIND_OBJECT &&
        identity_msal_put(json_doc_root(doc), &place, &tokens, "c", true, &out) == ENTRASQL_OK) {
        check_written(&out, 0);
        es_buf_clear(&out);
        if (identity_msal_remove(json_doc_root(doc), place.environment, HOME_ID, &out) ==
            ENTRASQL_OK)
            check_written(&out, 0);
    }
    identity_user_tokens_done(&tokens);
    es_buf_done(&out);
    json_doc_free(doc);
    return 0;
}
