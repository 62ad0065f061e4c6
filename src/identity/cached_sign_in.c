/* SPDX-License-Identifier: MIT */
/* CachedSignInCredential: who signed in with `entrasql login`, without asking anybody. */
#include "identity/person.h"

#include "identity/settings.h"

static const identity_person_class cached_sign_in_class = {
    .base = {.is_developer_tool = true,
             .start = identity_person_start,
             .destroy = identity_person_destroy},
    .to_do = "run `entrasql login`",
};

entrasql_status
entrasql_cached_sign_in_credential_new(const entrasql_cached_sign_in_options *options,
                                       entrasql_credential **ret, entrasql_error *err)
{
    entrasql_cached_sign_in_options o;
    entrasql_error own_error;
    if (err == NULL)
        err = &own_error;
    ES_TRY(es_options_copy(&o, sizeof o, options, err));
    const identity_person_settings settings = {
        .name = "CachedSignInCredential",
        .size = sizeof(identity_person),
        .tenant_id = o.tenant_id,
        .client_id = o.client_id,
        .username = o.username,
        .cache = o.cache,
        .is_login = true,
        .client = o.client,
    };
    identity_person *person;
    ES_TRY(identity_person_new(&cached_sign_in_class, &settings, &person, err));
    *ret = &person->base;
    return ENTRASQL_OK;
}
