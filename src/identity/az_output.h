/* SPDX-License-Identifier: MIT */
/* Reading what `az account get-access-token` prints. Pure but for the local time zone. */
#ifndef IDENTITY_AZ_OUTPUT_H
#define IDENTITY_AZ_OUTPUT_H

#include "base/buf.h"
#include "base/error.h"
#include "identity/tool_output.h"

/*
 * The words for identity_output_token: expires_on (seconds) where az gives it
 * (2.54 and newer), else expiresOn, a local time without zone.
 */
extern const identity_tool_words identity_az_words;

/* What az's failure means: UNAVAILABLE or AUTH_FAILED, with a hint. exit_code -1: not known. */
entrasql_status identity_az_output_failure(int exit_code, const es_buf *standard_error,
                                           entrasql_error *err);

/* "2024-05-01 13:45:10.000000" in the local time zone. MALFORMED. */
entrasql_status identity_az_local_time(const char *s, size_t n, int64_t *ret) ES_MUST_USE;

#endif
