/* SPDX-License-Identifier: MIT */
/*
 * AzureCliCredential: the signed-in person's token through `az`. No shell, a
 * fixed folder so that no `az` of the current one is run, one az at a time.
 */
#include "base/base64.h"
#include "base/mem.h"
#include "base/str.h"
#include "identity/az_output.h"
#include "identity/internal.h"
#include "identity/scope.h"
#include "identity/settings.h"
#include "os/process.h"

#include <stdio.h>
#include <string.h>

#define NAME "AzureCliCredential"
#define DEFAULT_PROCESS_TIMEOUT_MS 10000
#define MAX_SUBSCRIPTION 256
#define MAX_ARGUMENTS 12
/* How often to look whether another thread's az has ended. */
#define TURN_MS 20

struct azure_cli {
    entrasql_credential base;
    char *tenant_id;
    char *subscription;
    uint32_t process_timeout_ms;
    identity_tenant_policy tenants;
    char **environment; /* of the time of creation */
    atomic_flag is_running;
};

struct cli_flow {
    identity_flow base;
    struct azure_cli *c;
    const identity_request *request;
    const char *tenant_id;
    os_process *process;
    bool has_turn;
    int64_t process_deadline_ms;
};

static entrasql_status run(struct cli_flow *f, const char *program, entrasql_error *err)
{
    char resource[IDENTITY_MAX_SCOPE + 1];
    ES_TRY(identity_scope_resource(f->request->scope, resource, sizeof resource));
    const char *argv[MAX_ARGUMENTS + 1] = {
        "az", "account", "get-access-token", "--output", "json", "--resource", resource};
    size_t n = 7;
    if (f->tenant_id != NULL) {
        argv[n++] = "--tenant";
        argv[n++] = f->tenant_id;
    }
    if (f->c->subscription != NULL) {
        argv[n++] = "--subscription";
        argv[n++] = f->c->subscription;
    }
    argv[n] = NULL;
    int64_t own = es_clock_deadline(f->c->process_timeout_ms);
    f->process_deadline_ms = own < f->request->deadline_ms ? own : f->request->deadline_ms;
    os_process_options options = {
        .path = program,
        .argv = argv,
        .envp = (const char *const *)f->c->environment,
        .directory = "/bin",
        .deadline_ms = f->process_deadline_ms,
    };
    return os_process_start(&options, &f->process, err);
}

static entrasql_status not_installed(entrasql_error *err)
{
    const es_buf nothing = ES_BUF_INIT(0);
    return identity_az_output_failure(127, &nothing, err);
}

static entrasql_status find_and_run(struct cli_flow *f, entrasql_error *err)
{
    const char *path = os_environment_get(f->c->environment, "PATH");
    ES_CLEANUP(es_cleanup_free) char *program = NULL;
    entrasql_status status = os_process_find("az", path, &program);
    if (status == ENTRASQL_OK)
        status = run(f, program, err);
    else if (status == ENTRASQL_NOMEM)
        return es_nomem(err);
    return status == ENTRASQL_NOT_FOUND ? not_installed(err) : status;
}

/* A failure to run it is no reason to stop a chain; what it printed decides the rest. */
static entrasql_status judge(const os_process_result *r, entrasql_token **ret, entrasql_error *err)
{
    if (r->exit_code == 0)
        return identity_az_output_token(&r->out, NAME, ret, err);
    if (r->exit_code == -1 && r->out.len != 0)
        return identity_az_output_token(&r->out, NAME, ret, err);
    return identity_az_output_failure(r->exit_code, &r->err, err);
}

static entrasql_status process_failed(struct cli_flow *f, entrasql_status status,
                                      entrasql_error *err)
{
    if (status == ENTRASQL_TIMEOUT) {
        es_fail(err, ENTRASQL_TIMEOUT,
                "Failed to invoke the Azure CLI: it did not answer in time "
                "(%u ms) and was stopped",
                f->c->process_timeout_ms);
        es_hint(err, "run `az account get-access-token` by hand; when it is only slow, raise "
                     "process_timeout_ms");
    } else if (status != ENTRASQL_NOMEM) {
        es_error_prefix(err, "Failed to invoke the Azure CLI");
    }
    return status;
}

static entrasql_status cli_wants(identity_flow *flow, os_wait *w)
{
    struct cli_flow *f = (struct cli_flow *)flow;
    os_wait_until(w, f->request->deadline_ms);
    if (f->process != NULL)
        return os_process_wants(f->process, w);
    os_wait_until(w, es_clock_deadline(TURN_MS));
    return ENTRASQL_OK;
}

static entrasql_status take_turn(struct cli_flow *f, entrasql_error *err)
{
    f->has_turn = !atomic_flag_test_and_set(&f->c->is_running);
    if (f->has_turn)
        return find_and_run(f, err);
    if (es_clock_mono_ms() >= f->request->deadline_ms)
        return es_fail(err, ENTRASQL_TIMEOUT, "another run of the Azure CLI did not end in time");
    return ENTRASQL_AGAIN;
}

static entrasql_status cli_step(identity_flow *flow, entrasql_token **ret, entrasql_error *err)
{
    struct cli_flow *f = (struct cli_flow *)flow;
    if (f->process == NULL)
        ES_TRY(take_turn(f, err));
    os_process_result result;
    entrasql_status status = os_process_step(f->process, &result, err);
    if (status == ENTRASQL_AGAIN)
        return status;
    if (status != ENTRASQL_OK)
        return process_failed(f, status, err);
    status = judge(&result, ret, err);
    os_process_result_done(&result);
    return status;
}

static void cli_free(identity_flow *flow)
{
    struct cli_flow *f = (struct cli_flow *)flow;
    os_process_free(f->process);
    if (f->has_turn)
        atomic_flag_clear(&f->c->is_running);
    es_free(f);
}

static const identity_flow_class cli_flow_class = {cli_wants, cli_step, cli_free};

/* az cannot answer a claims challenge by itself: the person has to sign in again with it. */
static entrasql_status refuse_claims(const struct cli_flow *f, entrasql_error *err)
{
    es_buf encoded = ES_BUF_INIT(2 * IDENTITY_MAX_CLAIMS);
    entrasql_status status =
        es_base64_encode(f->request->claims, strlen(f->request->claims), &encoded);
    const char *text = status == ENTRASQL_OK ? es_buf_cstr(&encoded) : NULL;
    if (text == NULL) {
        es_buf_done(&encoded);
        return es_nomem(err);
    }
    es_fail(err, ENTRASQL_AUTH_FAILED,
            "the request carries a claims challenge, which needs a new sign-in: az login "
            "--claims-challenge %s%s%s --scope %s",
            text, f->tenant_id != NULL ? " --tenant " : "",
            f->tenant_id != NULL ? f->tenant_id : "", f->request->scope);
    es_hint(err, "run that command (az 2.76 or newer), then try again");
    es_buf_done(&encoded);
    return ENTRASQL_AUTH_FAILED;
}

static entrasql_status cli_start(entrasql_credential *credential, const identity_request *request,
                                 identity_flow **ret, entrasql_error *err)
{
    struct azure_cli *c = (struct azure_cli *)credential;
    struct cli_flow *f = es_calloc(1, sizeof *f);
    if (f == NULL)
        return es_nomem(err);
    f->base.klass = &cli_flow_class;
    f->c = c;
    f->request = request;
    entrasql_status status =
        identity_tenant_choose(&c->tenants, c->tenant_id, request->tenant_id, &f->tenant_id, err);
    if (status == ENTRASQL_OK && request->claims != NULL)
        status = refuse_claims(f, err);
    if (status != ENTRASQL_OK) {
        cli_free(&f->base);
        return status;
    }
    *ret = &f->base;
    return ENTRASQL_OK;
}

static void cli_destroy(entrasql_credential *credential)
{
    struct azure_cli *c = (struct azure_cli *)credential;
    es_free(c->tenant_id);
    es_free(c->subscription);
    os_environment_free(c->environment);
    identity_tenant_policy_done(&c->tenants);
    es_free(c);
}

static const identity_class cli_class = {
    .is_developer_tool = true, .start = cli_start, .destroy = cli_destroy};

static entrasql_status check_subscription(const char *s, entrasql_error *err)
{
    bool ok = strlen(s) <= MAX_SUBSCRIPTION && s[0] != '-';
    for (const char *p = s; ok && *p != '\0'; p++) {
        ok = es_is_digit(*p) || (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
             strchr("-._ ", *p) != NULL;
    }
    if (ok)
        return ENTRASQL_OK;
    es_fail(err, ENTRASQL_INVALID, "the subscription holds a character that is not allowed in it");
    es_hint(err, "use the subscription's id instead of its name");
    return ENTRASQL_INVALID;
}

static entrasql_status fill(struct azure_cli *c, const entrasql_azure_cli_options *o,
                            entrasql_error *err)
{
    static const char *const extra[] = {"AZURE_CORE_NO_COLOR=true", NULL};
    if (!es_str_is_empty(o->tenant_id)) {
        ES_TRY(identity_tenant_check(o->tenant_id, "tenant_id", err));
        if ((c->tenant_id = es_strdup(o->tenant_id)) == NULL)
            return es_nomem(err);
    }
    if (!es_str_is_empty(o->subscription)) {
        ES_TRY(check_subscription(o->subscription, err));
        if ((c->subscription = es_strdup(o->subscription)) == NULL)
            return es_nomem(err);
    }
    c->process_timeout_ms =
        o->process_timeout_ms != 0 ? o->process_timeout_ms : DEFAULT_PROCESS_TIMEOUT_MS;
    c->environment = os_environment_copy(extra);
    if (c->environment == NULL || identity_tenant_policy_init(&c->tenants) != ENTRASQL_OK)
        return es_nomem(err);
    return ENTRASQL_OK;
}

entrasql_status entrasql_azure_cli_credential_new(const entrasql_azure_cli_options *options,
                                                  entrasql_credential **ret, entrasql_error *err)
{
    entrasql_azure_cli_options o;
    ES_TRY(identity_options_copy(&o, sizeof o, options, err));
    struct azure_cli *c = identity_credential_new(&cli_class, NAME, sizeof *c);
    if (c == NULL)
        return es_nomem(err);
    atomic_flag_clear(&c->is_running);
    entrasql_status status = fill(c, &o, err);
    if (status != ENTRASQL_OK) {
        entrasql_credential_unref(&c->base);
        return status;
    }
    *ret = &c->base;
    return ENTRASQL_OK;
}
