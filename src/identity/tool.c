/* SPDX-License-Identifier: MIT */
/* Running a developer's program for a token. */
#include "identity/tool.h"

#include "base/base64.h"
#include "base/mem.h"
#include "base/str.h"
#include "identity/redact.h"
#include "identity/settings.h"

#include <string.h>

/* How often to look whether another thread's run has ended. */
#define TURN_MS 20

struct tool_flow {
    identity_flow base;
    identity_tool *tool;
    const identity_request *request;
    char *program; /* absolute path; NULL: to be looked for */
    char *argv[IDENTITY_TOOL_MAX_ARGUMENTS + 1];
    os_process *process;
    bool has_turn;
};

/* ---- the run ---- */

static entrasql_status run(struct tool_flow *f, const char *program, entrasql_error *err)
{
    const identity_tool *tool = f->tool;
    int64_t own = es_clock_deadline(tool->timeout_ms);
    os_process_options options = {
        .path = program,
        .argv = (const char *const *)f->argv,
        .envp = (const char *const *)tool->environment,
        .directory = "/bin",
        .deadline_ms = own < f->request->deadline_ms ? own : f->request->deadline_ms,
    };
    return os_process_start(&options, &f->process, err);
}

static entrasql_status find_and_run(struct tool_flow *f, entrasql_error *err)
{
    const identity_tool_words *words = f->tool->words;
    const char *path = os_environment_get(f->tool->environment, "PATH");
    entrasql_status status = ENTRASQL_OK;
    if (f->program == NULL)
        status = os_process_find(words->program, path, &f->program);
    if (status == ENTRASQL_OK)
        status = run(f, f->program, err);
    else if (status == ENTRASQL_NOMEM)
        return es_nomem(err);
    return status == ENTRASQL_NOT_FOUND ? identity_output_not_found(words, err) : status;
}

static entrasql_status process_failed(struct tool_flow *f, entrasql_status status,
                                      entrasql_error *err)
{
    const identity_tool_words *words = f->tool->words;
    if (status == ENTRASQL_TIMEOUT && es_clock_mono_ms() >= f->request->deadline_ms) {
        es_fail(err, ENTRASQL_TIMEOUT,
                "Failed to invoke %s: it did not answer in the time of the request and was stopped",
                words->title);
        es_hint(err, "run `%s` by hand; when it is only slow, give the request more time",
                words->by_hand);
    } else if (status == ENTRASQL_TIMEOUT) {
        es_fail(err, ENTRASQL_TIMEOUT,
                "Failed to invoke %s: it did not answer in time (%u ms) and was stopped",
                words->title, f->tool->timeout_ms);
        es_hint(err, "run `%s` by hand; when it is only slow, raise process_timeout_ms",
                words->by_hand);
    } else if (status != ENTRASQL_NOMEM) {
        es_error_prefix(err, "Failed to invoke %s", words->title);
    }
    return status;
}

static entrasql_status tool_wants(identity_flow *flow, os_wait *w)
{
    struct tool_flow *f = (struct tool_flow *)flow;
    os_wait_until(w, f->request->deadline_ms);
    if (f->process != NULL)
        return os_process_wants(f->process, w);
    os_wait_until(w, es_clock_deadline(TURN_MS));
    return ENTRASQL_OK;
}

static entrasql_status take_turn(struct tool_flow *f, entrasql_error *err)
{
    f->has_turn = !atomic_flag_test_and_set(&f->tool->is_running);
    if (f->has_turn)
        return find_and_run(f, err);
    if (es_clock_mono_ms() >= f->request->deadline_ms)
        return es_fail(err, ENTRASQL_TIMEOUT, "another run of %s did not end in time",
                       f->tool->words->title);
    return ENTRASQL_AGAIN;
}

static entrasql_status tool_step(identity_flow *flow, entrasql_token **ret, entrasql_error *err)
{
    struct tool_flow *f = (struct tool_flow *)flow;
    if (f->process == NULL)
        ES_TRY(take_turn(f, err));
    os_process_result result;
    entrasql_status status = os_process_step(f->process, &result, err);
    if (status == ENTRASQL_AGAIN)
        return status;
    if (status != ENTRASQL_OK)
        return process_failed(f, status, err);
    status = f->tool->judge(&result, ret, err);
    os_process_result_done(&result);
    return status;
}

static void tool_free(identity_flow *flow)
{
    struct tool_flow *f = (struct tool_flow *)flow;
    os_process_free(f->process);
    if (f->has_turn)
        atomic_flag_clear(&f->tool->is_running);
    for (size_t i = 0; f->argv[i] != NULL; i++)
        es_free(f->argv[i]);
    es_free(f->program);
    es_free(f);
}

static const identity_flow_class tool_flow_class = {
    .wants = tool_wants, .step = tool_step, .free = tool_free};

static entrasql_status copy_arguments(struct tool_flow *f, const char *program,
                                      const char *const *argv)
{
    for (size_t i = 0; argv[i] != NULL; i++) {
        if (i == IDENTITY_TOOL_MAX_ARGUMENTS)
            return ENTRASQL_LIMIT;
        if ((f->argv[i] = es_strdup(argv[i])) == NULL)
            return ENTRASQL_NOMEM;
    }
    f->program = es_strdup(program);
    return program == NULL || f->program != NULL ? ENTRASQL_OK : ENTRASQL_NOMEM;
}

entrasql_status identity_tool_start(identity_tool *tool, const char *program,
                                    const char *const *argv, const identity_request *request,
                                    identity_flow **ret, entrasql_error *err)
{
    struct tool_flow *f = es_calloc(1, sizeof *f);
    if (f == NULL)
        return es_nomem(err);
    f->base.klass = &tool_flow_class;
    f->tool = tool;
    f->request = request;
    entrasql_status status = copy_arguments(f, program, argv);
    if (status != ENTRASQL_OK) {
        tool_free(&f->base);
        return status == ENTRASQL_NOMEM
                   ? es_nomem(err)
                   : es_fail(err, ENTRASQL_INVALID, "%s would get more than %d arguments",
                             tool->words->title, IDENTITY_TOOL_MAX_ARGUMENTS);
    }
    *ret = &f->base;
    return ENTRASQL_OK;
}

entrasql_status identity_tool_tenant(const identity_tool *tool, const identity_request *request,
                                     const char **ret, entrasql_error *err)
{
    return identity_tenant_choose(&tool->tenants, tool->tenant_id, request->tenant_id, ret, err);
}

entrasql_status identity_tool_claims(const char *claims, es_buf *out, entrasql_error *err)
{
    return es_base64_encode(claims, strlen(claims), out) == ENTRASQL_OK ? ENTRASQL_OK
                                                                        : es_nomem(err);
}

/* When the host reaps our children (exit code not known) the output decides. */
entrasql_status identity_tool_judge(const identity_tool_words *words, const os_process_result *r,
                                    entrasql_token **ret, entrasql_error *err)
{
    if (r->exit_code == 0 || (r->exit_code == -1 && r->out.len != 0))
        return identity_output_token(words, &r->out, ret, err);
    char text[IDENTITY_SHOWN_ERROR];
    identity_redact(text, sizeof text, (const char *)r->err.data, r->err.len, NULL);
    return identity_output_failure(words, r->exit_code, text, err);
}

/* ---- creation ---- */

static entrasql_status fill(identity_tool *tool, const entrasql_developer_tool_options *o,
                            uint32_t default_timeout_ms, entrasql_error *err)
{
    /* Colours would stand in the middle of what is read and shown. */
    static const char *const extra[] = {"AZURE_CORE_NO_COLOR=true", "NO_COLOR=1", NULL};
    if (!es_str_is_empty(o->tenant_id)) {
        ES_TRY(identity_tenant_check(o->tenant_id, "tenant_id", err));
        if ((tool->tenant_id = es_strdup(o->tenant_id)) == NULL)
            return es_nomem(err);
    }
    tool->timeout_ms = o->process_timeout_ms != 0 ? o->process_timeout_ms : default_timeout_ms;
    tool->environment = os_environment_copy(extra);
    if (tool->environment == NULL ||
        identity_tenant_policy_init(&tool->tenants, o->additionally_allowed_tenants) != ENTRASQL_OK)
        return es_nomem(err);
    return ENTRASQL_OK;
}

entrasql_status identity_tool_new(const identity_class *klass, const identity_tool_words *words,
                                  size_t size, const entrasql_developer_tool_options *options,
                                  uint32_t default_timeout_ms, identity_tool **ret,
                                  entrasql_error *err)
{
    entrasql_developer_tool_options o;
    ES_TRY(es_options_copy(&o, sizeof o, options, err));
    identity_tool *tool = identity_credential_new(klass, words->credential, size);
    if (tool == NULL)
        return es_nomem(err);
    tool->words = words;
    atomic_flag_clear(&tool->is_running);
    entrasql_status status = fill(tool, &o, default_timeout_ms, err);
    if (status != ENTRASQL_OK) {
        entrasql_credential_unref(&tool->base);
        return status;
    }
    *ret = tool;
    return ENTRASQL_OK;
}

void identity_tool_done(identity_tool *tool)
{
    es_free(tool->tenant_id);
    os_environment_free(tool->environment);
    identity_tenant_policy_done(&tool->tenants);
    es_free(tool);
}
