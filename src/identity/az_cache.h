/* SPDX-License-Identifier: MIT */
/*
 * The token cache that `az login` left (msal_token_cache.json, in the schema of
 * the Microsoft Authentication Libraries): an access token in it is as good as
 * the one that az would print, without the second that az takes. Only access
 * tokens are looked at; refresh tokens in it are az's own affair.
 *
 * Whatever is not as it should be (no file, another format, encrypted, not
 * ours) means "not found": az is then run.
 */
#ifndef IDENTITY_AZ_CACHE_H
#define IDENTITY_AZ_CACHE_H

#include "base/buf.h"
#include "base/error.h"

#include <entrasql/entrasql.h>

/* Beyond the time at which MSAL itself would fetch a new one. */
#define IDENTITY_AZ_CACHE_MIN_LEFT_S 300
#define IDENTITY_AZ_CACHE_MAX_BYTES (4 * 1024 * 1024)

typedef struct identity_az_wanted {
    const char *scope;
    const char *tenant_id;    /* NULL: that of the subscription */
    const char *subscription; /* id or name; NULL: the default one */
    int64_t now_s;
} identity_az_wanted;

/*
 * From the texts of azureProfile.json and msal_token_cache.json. NOT_FOUND; NOMEM. Pure.
 */
entrasql_status identity_az_cache_search(const es_buf *profile, const es_buf *cache,
                                         const identity_az_wanted *wanted, entrasql_token **ret,
                                         entrasql_error *err) ES_MUST_USE;

/* The same from az's folder. */
entrasql_status identity_az_cache_find(const char *folder, const identity_az_wanted *wanted,
                                       entrasql_token **ret, entrasql_error *err) ES_MUST_USE;

/* az's folder by its variables: AZURE_CONFIG_DIR, else .azure in HOME. NULL without either, or
 * without memory. */
char *identity_az_folder(void) ES_MUST_USE;

#endif
