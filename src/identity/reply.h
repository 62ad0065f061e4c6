/* SPDX-License-Identifier: MIT */
/*
 * Answers of token endpoints: Entra's and those of managed identities.
 * Everything here comes from a peer; nothing of a successful answer is ever
 * shown.
 */
#ifndef IDENTITY_REPLY_H
#define IDENTITY_REPLY_H

#include "base/error.h"
#include "base/secret.h"
#include "http/http.h"
#include "json/json.h"

#include <entrasql/entrasql.h>

/* How far ahead an expiry may lie: the end of the year 9999. */
#define IDENTITY_MAX_EXPIRY 253402300799LL

/*
 * Expiry and refresh time from a token answer, in all the forms that sources
 * use: refresh_in; expires_in as number or digits; expires_on as number, digits,
 * or one of five kinds of date. now_s is when the request was sent.
 * *ret_refresh_on is 0 when the answer does not say. MALFORMED: no usable expiry.
 */
entrasql_status identity_expiry_read(const json_node *answer, int64_t now_s,
                                     int64_t *ret_expires_on, int64_t *ret_refresh_on) ES_MUST_USE;
/* A date in one of the five forms, UTC unless it says otherwise. MALFORMED. */
entrasql_status identity_date_parse(const char *s, size_t n, int64_t *ret) ES_MUST_USE;

/*
 * The token of an answer with status 200. AUTH_FAILED when it has none or no
 * expiry, or is no JSON; `place` names the endpoint. *err may then be told apart by the caller
 * through *ret_is_json (may be NULL).
 */
entrasql_status identity_reply_token(const es_buf *body, const char *place, const char *source,
                                     int64_t sent_wall_s, entrasql_token **ret, bool *ret_is_json,
                                     entrasql_error *err) ES_MUST_USE;

/*
 * An error answer of Entra as an error: AADSTS number, correlation id, cause
 * and hint. `secret` (NULL: none) is kept out should the answer repeat it.
 * AUTH_FAILED; its class is RETRY for throttling and server errors. NOMEM.
 */
entrasql_status identity_reply_entra_error(const http_response *answer, const char *place,
                                           const es_secret *secret, entrasql_error *err);

/* The same for managed identity endpoints; `text` has their own words, for a message. */
typedef struct identity_mi_error {
    char code[64];  /* "invalid_request" ..., "" when the answer is not of that form */
    char text[512]; /* fit for a message */
    char correlation_id[ENTRASQL_ERROR_ID_SIZE];
    uint32_t number; /* AADSTS, or 0 */
    bool is_json;
} identity_mi_error;
entrasql_status identity_reply_mi_error(const http_response *answer, const es_secret *secret,
                                        identity_mi_error *ret) ES_MUST_USE; /* NOMEM */

/* 429 and server errors may go away by themselves: the class of an error says so. */
void identity_reply_set_class(unsigned http_status, entrasql_error *err);

#endif
