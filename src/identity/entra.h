/* SPDX-License-Identifier: MIT */
/*
 * A request to Entra's token endpoint as a flow: a form goes out, a token or
 * an AADSTS error comes back. Used by every credential of the service-principal kind.
 */
#ifndef IDENTITY_ENTRA_H
#define IDENTITY_ENTRA_H

#include "base/buf.h"
#include "identity/internal.h"
#include "identity/settings.h"

typedef struct identity_entra_request {
    identity_settings *settings; /* with an authority; borrowed, as all below */
    const char *tenant_id;
    const char *source; /* the credential's name */
    es_secret *secret;  /* kept out of messages should an answer repeat it; NULL: none */
    es_buf *form;       /* wiping; its content is taken over */
} identity_entra_request;

entrasql_status identity_entra_start(const identity_entra_request *entra,
                                     const identity_request *request, identity_flow **ret,
                                     entrasql_error *err) ES_MUST_USE;

#endif
