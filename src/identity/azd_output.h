/* SPDX-License-Identifier: MIT */
/* What `azd auth token` prints. Pure; any thread. */
#ifndef IDENTITY_AZD_OUTPUT_H
#define IDENTITY_AZD_OUTPUT_H

#include "identity/tool_output.h"

extern const identity_tool_words identity_azd_words;

/*
 * azd complains in JSON lines: {"type":"consoleMessage","data":{"message":...}},
 * from 1.23.7 on {"error","message","suggestion"}. The first usable line, else the whole text;
 * fit for a message, tokens masked. NOMEM.
 */
entrasql_status identity_azd_complaint(const es_buf *standard_error, char *ret,
                                       size_t size) ES_MUST_USE;

#endif
