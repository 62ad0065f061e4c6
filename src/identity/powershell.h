/* SPDX-License-Identifier: MIT */
/* The script that AzurePowerShellCredential has run, and its output; for the credential and tests.
 */
#ifndef IDENTITY_POWERSHELL_H
#define IDENTITY_POWERSHELL_H

#include "identity/tool_output.h"
#include "os/process.h"

extern const identity_tool_words identity_powershell_words;

/* Appends the script. Both texts stand between single quotes in it and must hold none (checked by
 * identity_scope_check and identity_tenant_check). tenant_id may be NULL. */
entrasql_status identity_powershell_script(const char *resource, const char *tenant_id,
                                           es_buf *out) ES_MUST_USE;

/* The token of a run that has ended, or what its failure means. */
entrasql_status identity_powershell_judge(const os_process_result *r, entrasql_token **ret,
                                          entrasql_error *err) ES_MUST_USE;

#endif
