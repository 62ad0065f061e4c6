/* SPDX-License-Identifier: MIT */
/* What managed identity endpoints answer, in words and statuses; and when nobody does. */
#ifndef IDENTITY_MI_REPLY_H
#define IDENTITY_MI_REPLY_H

#include "identity/mi_source.h"

#include <entrasql/entrasql.h>

/* What was asked. */
typedef struct identity_mi_question {
    const identity_mi_source *source;
    identity_mi_id id_kind;
    const char *id; /* NULL for the system-assigned identity */
    bool in_chain;
} identity_mi_question;

/*
 * The token of an answer with status 200. In a chain an answer at the address
 * of IMDS that is no JSON comes from something else: UNAVAILABLE. Where old
 * hosts overlook ids the answer must name the identity that was asked for.
 */
entrasql_status identity_mi_token(const identity_mi_question *q, const http_response *answer,
                                  const char *name, int64_t sent_wall_s, entrasql_token **ret,
                                  entrasql_error *err) ES_MUST_USE;

/* An answer with another status: UNAVAILABLE or AUTH_FAILED, with a hint; NOMEM. */
entrasql_status identity_mi_refused(const identity_mi_question *q, const http_response *answer,
                                    entrasql_error *err) ES_MUST_USE;

/* Whether a proxy on this machine answers in the place of an IMDS that is not there. */
bool identity_mi_is_gateway(const http_response *answer);

/* UNAVAILABLE: nobody answers at the endpoint; `how` one knows. */
entrasql_status identity_mi_nobody_there(const identity_mi_source *source, const char *how,
                                         entrasql_error *err);

#endif
