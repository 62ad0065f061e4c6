/* SPDX-License-Identifier: MIT */
/*
 * Credentials that run a program of the developer's: found on PATH (absolute
 * entries only), no shell, a fixed folder so that nothing of the current one
 * is run, one run at a time for each credential, ended with all its children
 * at the deadline.
 */
#ifndef IDENTITY_TOOL_H
#define IDENTITY_TOOL_H

#include "identity/internal.h"
#include "identity/scope.h"
#include "identity/tool_output.h"
#include "os/process.h"

#define IDENTITY_TOOL_MAX_ARGUMENTS 40
#define IDENTITY_TOOL_DEFAULT_TIMEOUT_MS 10000

/* First member of these credentials. */
typedef struct identity_tool {
    entrasql_credential base;
    const identity_tool_words *words;
    char *tenant_id; /* NULL: the tool's own */
    identity_tenant_policy tenants;
    uint32_t timeout_ms;
    char **environment; /* of the time of creation */
    atomic_flag is_running;
    /* What a run that has ended gives: a token, or what its failure means. */
    entrasql_status (*judge)(const os_process_result *r, entrasql_token **ret, entrasql_error *err);
} identity_tool;

/*
 * A zeroed object of `size` bytes, filled from the options. INVALID, NOMEM;
 * destroy with identity_tool_done in klass->destroy, also after a failure.
 */
entrasql_status identity_tool_new(const identity_class *klass, const identity_tool_words *words,
                                  size_t size, const entrasql_developer_tool_options *options,
                                  uint32_t default_timeout_ms, identity_tool **ret,
                                  entrasql_error *err) ES_MUST_USE;
void identity_tool_done(identity_tool *tool);

/*
 * Runs words->program (`program` NULL) or another by its absolute path. argv is copied; it must
 * hold nothing that was not checked, and no secret. UNAVAILABLE when it is not there.
 */
entrasql_status identity_tool_start(identity_tool *tool, const char *program,
                                    const char *const *argv, const identity_request *request,
                                    identity_flow **ret, entrasql_error *err) ES_MUST_USE;

/* The tenant of a request, as identity_tenant_choose. */
entrasql_status identity_tool_tenant(const identity_tool *tool, const identity_request *request,
                                     const char **ret, entrasql_error *err) ES_MUST_USE;

/* A claims challenge in base64, as these tools take it. NOMEM. */
entrasql_status identity_tool_claims(const char *claims, es_buf *out,
                                     entrasql_error *err) ES_MUST_USE;

/* A run whose output is a token on standard output, and text on standard error. */
entrasql_status identity_tool_judge(const identity_tool_words *words, const os_process_result *r,
                                    entrasql_token **ret, entrasql_error *err) ES_MUST_USE;

#endif
