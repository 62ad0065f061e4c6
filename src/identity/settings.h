/* SPDX-License-Identifier: MIT */
/*
 * Settings that credentials share: the authority, trust and retries. Read
 * once, when a credential is created.
 */
#ifndef IDENTITY_SETTINGS_H
#define IDENTITY_SETTINGS_H

#include "base/error.h"
#include "base/options.h"

#include <entrasql/entrasql.h>

#include <stdatomic.h>

typedef struct identity_settings {
    char *authority;      /* "https://host[:port]", no slash at the end; NULL: not asked for */
    char *ca_file;        /* NULL: the system store */
    uint32_t max_retries; /* as in entrasql_client_options */
    /* Instance discovery (discovery.h). */
    bool instance_discovery;
    atomic_bool is_known; /* the public cloud has said so */
    char *instance_host;  /* who is asked; NULL: the public cloud; tests have it elsewhere */
} identity_settings;

/* CONFIG: not a usable authority. with_authority false leaves it out. */
entrasql_status identity_settings_init(identity_settings *s, const entrasql_client_options *options,
                                       bool with_authority, entrasql_error *err) ES_MUST_USE;
void identity_settings_done(identity_settings *s);

/* "https://login.example/" or "login.example" to "https://login.example". CONFIG; free with
 * es_free.
 */
entrasql_status identity_authority_parse(const char *text, const char *what, char **ret,
                                         entrasql_error *err) ES_MUST_USE;
/* The token endpoint of a tenant; free with es_free. NULL without memory. */
char *identity_token_url(const char *authority, const char *tenant) ES_MUST_USE;

/* How often to try again: the credential's own number unless the caller set one. */
unsigned identity_settings_retries(const identity_settings *s, unsigned own);

/* A variable that is set and not empty, else NULL. Borrowed from the environment. */
const char *identity_getenv(const char *name);

#endif
