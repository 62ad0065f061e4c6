/* SPDX-License-Identifier: MIT */
/*
 * Reading, never trusting, the claims of an access token: for people who want
 * to see who a token says they are. No signature is checked here, and no decision may rest on
 * what is read.
 *
 * The claims are not secret, the token is: it is not kept and not in messages.
 */
#ifndef IDENTITY_CLAIMS_H
#define IDENTITY_CLAIMS_H

#include "base/buf.h"
#include "base/error.h"

typedef struct identity_claims {
    /* Each "" when the token does not have it; control characters and bad UTF-8 become '?'. */
    char aud[256];  /* whom the token is for */
    char iss[256];  /* who issued it */
    char tid[64];   /* tenant */
    char oid[64];   /* the principal's object id in the tenant */
    char appid[64]; /* client id (appid or azp) */
    char upn[256];  /* a person's name (upn, preferred_username or unique_name) */
    char idtyp[16]; /* "app" or "user" */
    char miri[512]; /* resource id of a managed identity (xms_mirid) */
    int64_t iat;    /* seconds since 1970; 0: not in the token */
    int64_t nbf;
    int64_t exp;
} identity_claims;

/* MALFORMED: not a JWT, or its claims are no JSON object. LIMIT, NOMEM. */
entrasql_status identity_claims_read(const char *token, identity_claims *ret,
                                     entrasql_error *err) ES_MUST_USE;

/* Appends all claims as one JSON object, as the issuer ordered them, without white space. */
entrasql_status identity_claims_json(const char *token, es_buf *out,
                                     entrasql_error *err) ES_MUST_USE;

#endif
