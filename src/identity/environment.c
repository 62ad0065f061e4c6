/* SPDX-License-Identifier: MIT */
/*
 * EnvironmentCredential: a service principal described by variables. What is
 * wrong with them is found at creation and told when a token is asked for, so
 * that a chain can be built on any machine.
 */
#include "base/mem.h"
#include "base/str.h"
#include "identity/internal.h"
#include "identity/settings.h"

#include <stdio.h>
#include <string.h>

struct environment {
    entrasql_credential base;
    entrasql_credential *inner; /* NULL: problem says why */
    entrasql_error problem;
};

static entrasql_status environment_start(entrasql_credential *credential,
                                         const identity_request *request, identity_flow **ret,
                                         entrasql_error *err)
{
    struct environment *c = (struct environment *)credential;
    if (c->inner == NULL) {
        if (err != NULL)
            *err = c->problem;
        return c->problem.status;
    }
    return c->inner->klass->start(c->inner, request, ret, err);
}

static void environment_destroy(entrasql_credential *credential)
{
    struct environment *c = (struct environment *)credential;
    entrasql_credential_unref(c->inner);
    es_free(c);
}

static const identity_class environment_class = {.start = environment_start,
                                                 .destroy = environment_destroy};

/* Appends ", NAME" or "NAME". */
static void list_name(char *list, size_t size, const char *name)
{
    size_t used = strlen(list);
    (void)snprintf(list + used, size - used, "%s%s", used != 0 ? ", " : "", name);
}

/* What is there and what is not, in the words of the variables. */
static void describe_missing(entrasql_error *err)
{
    static const char *const names[] = {"AZURE_TENANT_ID", "AZURE_CLIENT_ID",
                                        "AZURE_CLIENT_SECRET"};
    char missing[128] = "";
    char present[128] = "";
    for (size_t i = 0; i < ES_COUNT_OF(names); i++) {
        bool is_there = identity_getenv(names[i]) != NULL;
        /* A certificate stands in for the secret. */
        if (i == 2 && !is_there && identity_getenv("AZURE_CLIENT_CERTIFICATE_PATH") != NULL)
            list_name(present, sizeof present, "AZURE_CLIENT_CERTIFICATE_PATH");
        else if (i == 2 && !is_there)
            list_name(missing, sizeof missing,
                      "AZURE_CLIENT_SECRET (or AZURE_CLIENT_CERTIFICATE_PATH)");
        else if (is_there)
            list_name(present, sizeof present, names[i]);
        else
            list_name(missing, sizeof missing, names[i]);
    }
    es_fail(err, ENTRASQL_UNAVAILABLE, "environment variables are %s; missing: %s",
            present[0] != '\0' ? "not fully configured" : "not set", missing);
    if (identity_getenv("AZURE_USERNAME") != NULL || identity_getenv("AZURE_PASSWORD") != NULL)
        es_hint(err, "signing in with AZURE_USERNAME and AZURE_PASSWORD is not supported: Entra "
                     "asks for multi-factor authentication; use a service principal, a managed "
                     "identity or az login");
    else
        es_hint(err, "to sign in as a service principal set AZURE_TENANT_ID, AZURE_CLIENT_ID and "
                     "AZURE_CLIENT_SECRET or AZURE_CLIENT_CERTIFICATE_PATH");
}

static void blame_variables(entrasql_error *err)
{
    es_error_prefix(err, "the environment variables cannot be used");
    if (err->status != ENTRASQL_INVALID)
        return;
    err->status = ENTRASQL_CONFIG;
    err->error_class = entrasql_status_class(ENTRASQL_CONFIG);
}

static bool is_switched_on(const char *name)
{
    const char *value = identity_getenv(name);
    return es_streq(value, "1") || es_strcaseeq(value, "true");
}

static entrasql_status new_inner(struct environment *c, const char *tenant_id,
                                 const char *client_id, const entrasql_client_options *options)
{
    const char *secret = identity_getenv("AZURE_CLIENT_SECRET");
    if (secret != NULL)
        return entrasql_client_secret_credential_new(tenant_id, client_id, secret, options,
                                                     &c->inner, &c->problem);
    const entrasql_client_certificate_options certificate = {
        .size = sizeof certificate,
        .path = identity_getenv("AZURE_CLIENT_CERTIFICATE_PATH"),
        .password = identity_getenv("AZURE_CLIENT_CERTIFICATE_PASSWORD"),
        .send_x5c = is_switched_on("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN"),
        .client = options,
    };
    return entrasql_client_certificate_credential_new(tenant_id, client_id, &certificate, &c->inner,
                                                      &c->problem);
}

static entrasql_status read_variables(struct environment *c, const entrasql_client_options *options)
{
    const char *tenant_id = identity_getenv("AZURE_TENANT_ID");
    const char *client_id = identity_getenv("AZURE_CLIENT_ID");
    bool has_proof = identity_getenv("AZURE_CLIENT_SECRET") != NULL ||
                     identity_getenv("AZURE_CLIENT_CERTIFICATE_PATH") != NULL;
    if (tenant_id == NULL || client_id == NULL || !has_proof) {
        describe_missing(&c->problem);
        return ENTRASQL_OK;
    }
    entrasql_status status = new_inner(c, tenant_id, client_id, options);
    if (status == ENTRASQL_NOMEM || status == ENTRASQL_OK)
        return status;
    blame_variables(&c->problem);
    return ENTRASQL_OK;
}

/* Tokens name this credential as their source, not the one inside. */
static bool rename_inner(struct environment *c)
{
    if (c->inner == NULL)
        return true;
    char *name = es_strdup(c->base.name);
    if (name == NULL)
        return false;
    es_free(c->inner->name);
    c->inner->name = name;
    return true;
}

entrasql_status entrasql_environment_credential_new(const entrasql_client_options *options,
                                                    entrasql_credential **ret, entrasql_error *err)
{
    entrasql_client_options o;
    ES_TRY(es_options_copy(&o, sizeof o, options, err));
    struct environment *c =
        identity_credential_new(&environment_class, "EnvironmentCredential", sizeof *c);
    if (c == NULL)
        return es_nomem(err);
    if (read_variables(c, &o) != ENTRASQL_OK || !rename_inner(c)) {
        entrasql_credential_unref(&c->base);
        return es_nomem(err);
    }
    *ret = &c->base;
    return ENTRASQL_OK;
}
