/* SPDX-License-Identifier: MIT */
/*
 * VisualStudioCredential: the token providers that Visual Studio has written
 * into tokenprovider.json, one after the other by their preference, until one gives a
 * token. And VisualStudioCodeCredential, whose tokens only the platform's
 * broker gives: it says who is signed in, and what to do instead.
 */
#include "base/mem.h"
#include "base/str.h"
#include "identity/settings.h"
#include "identity/tool.h"
#include "identity/vs_provider.h"
#include "os/file.h"

#include <string.h>

#define VS_TIMEOUT_MS 30000
#define VS_FILE ".IdentityService/AzureServiceAuth/tokenprovider.json"

static const identity_symptom symptoms[] = {
    {"TS005", ENTRASQL_UNAVAILABLE, "Visual Studio has no signed-in account for this resource",
     "sign in to Visual Studio: Tools, Options, Azure Service Authentication, Account Selection"},
    {NULL, ENTRASQL_OK, NULL, NULL},
};

static const identity_tool_words words = {
    .credential = "VisualStudioCredential",
    .title = "the token provider of Visual Studio",
    .name = "token provider of Visual Studio",
    .program = "the token provider",
    .by_hand = "the program in " VS_FILE,
    .install = "repair Visual Studio: the program in its tokenprovider.json does not exist",
    .sign_in = "sign in again in Visual Studio",
    .value = "access_token",
    .expiry = {"expires_on"},
    .symptoms = symptoms,
};

/* A file in the home folder into a buffer. NOT_FOUND; else as os_file_read_strict. */
static entrasql_status read_home_file(const identity_tool *tool, const char *name, es_buf *out,
                                      entrasql_error *err)
{
    const char *home = os_environment_get(tool->environment, "HOME");
    es_buf path = ES_BUF_INIT(8192);
    if (es_str_is_empty(home))
        return es_fail(err, ENTRASQL_NOT_FOUND, "HOME is not set");
    entrasql_status status = es_buf_printf(&path, "%s/%s", home, name);
    const char *text = status == ENTRASQL_OK ? es_buf_cstr(&path) : NULL;
    status = text != NULL ? os_file_read_strict(text, true, out, err) : es_nomem(err);
    es_buf_done(&path);
    return status;
}

/* ---- Visual Studio: one provider after the other ---- */

struct vs_flow {
    identity_flow base;
    identity_tool *tool;
    const identity_request *request;
    const char *tenant_id;
    identity_vs_providers providers;
    size_t next; /* provider */
    identity_flow *inner;
};

static entrasql_status start_next(struct vs_flow *f, entrasql_error *err)
{
    const identity_vs_provider *p = &f->providers.items[f->next++];
    const char *argv[IDENTITY_TOOL_MAX_ARGUMENTS + 1] = {p->path};
    char resource[IDENTITY_MAX_SCOPE + 1];
    size_t n = 1;
    ES_TRY(identity_scope_resource(f->request->scope, resource, sizeof resource));
    for (size_t i = 0; p->arguments[i] != NULL; i++)
        argv[n++] = p->arguments[i];
    argv[n++] = "--resource";
    argv[n++] = resource;
    if (f->tenant_id != NULL) {
        argv[n++] = "--tenant";
        argv[n++] = f->tenant_id;
    }
    argv[n] = NULL;
    return identity_tool_start(f->tool, p->path, argv, f->request, &f->inner, err);
}

static entrasql_status vs_step(identity_flow *flow, entrasql_token **ret, entrasql_error *err)
{
    struct vs_flow *f = (struct vs_flow *)flow;
    entrasql_status status = ENTRASQL_OK;
    if (f->inner == NULL)
        status = start_next(f, err);
    if (status == ENTRASQL_OK)
        status = identity_flow_step(f->inner, ret, err);
    if (status == ENTRASQL_AGAIN || status == ENTRASQL_OK || status == ENTRASQL_NOMEM)
        return status;
    identity_flow_free(f->inner);
    f->inner = NULL;
    bool is_last = f->next == f->providers.count;
    return is_last || es_clock_mono_ms() >= f->request->deadline_ms ? status : ENTRASQL_AGAIN;
}

static entrasql_status vs_wants(identity_flow *flow, os_wait *w)
{
    struct vs_flow *f = (struct vs_flow *)flow;
    if (f->inner != NULL)
        return identity_flow_wants(f->inner, w);
    os_wait_until(w, 0);
    return ENTRASQL_OK;
}

static void vs_flow_free(identity_flow *flow)
{
    struct vs_flow *f = (struct vs_flow *)flow;
    identity_flow_free(f->inner);
    identity_vs_providers_done(&f->providers);
    es_free(f);
}

static const identity_flow_class vs_flow_class = {
    .wants = vs_wants, .step = vs_step, .free = vs_flow_free};

static entrasql_status unusable(const char *file, const char *reason, entrasql_error *err)
{
    char text[400];
    es_strlcpy_utf8(text, sizeof text, reason);
    es_fail(err, ENTRASQL_UNAVAILABLE, "%s cannot be used: %s", file, text);
    es_hint(err, "sign in again there, which writes the file anew");
    return ENTRASQL_UNAVAILABLE;
}

static entrasql_status load_providers(struct vs_flow *f, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(IDENTITY_VS_MAX_FILE);
    entrasql_error reason;
    entrasql_status status = read_home_file(f->tool, VS_FILE, &text, &reason);
    if (status == ENTRASQL_OK)
        status = identity_vs_providers_parse(&text, &f->providers, &reason);
    if (status == ENTRASQL_NOMEM)
        return es_nomem(err);
    if (status == ENTRASQL_NOT_FOUND) {
        es_fail(err, ENTRASQL_UNAVAILABLE,
                "Visual Studio is not here, or nobody has signed in to it (~/%s does not exist)",
                VS_FILE);
        es_hint(err, "sign in with another tool, such as `az login`");
        return ENTRASQL_UNAVAILABLE;
    }
    return status == ENTRASQL_OK ? status : unusable("~/" VS_FILE, reason.message, err);
}

static entrasql_status check_request(struct vs_flow *f, entrasql_error *err)
{
    ES_TRY(identity_tool_tenant(f->tool, f->request, &f->tenant_id, err));
    if (es_strcaseeq(f->tenant_id, "adfs"))
        return es_fail(err, ENTRASQL_UNAVAILABLE, "Visual Studio cannot sign in to AD FS");
    if (f->request->claims == NULL)
        return ENTRASQL_OK;
    es_fail(err, ENTRASQL_AUTH_FAILED,
            "the request carries a claims challenge, which needs a new sign-in in Visual Studio");
    es_hint(err, "sign in again in Visual Studio, or sign in with `az login`");
    return ENTRASQL_AUTH_FAILED;
}

static entrasql_status vs_start(entrasql_credential *credential, const identity_request *request,
                                identity_flow **ret, entrasql_error *err)
{
    struct vs_flow *f = es_calloc(1, sizeof *f);
    if (f == NULL)
        return es_nomem(err);
    f->base.klass = &vs_flow_class;
    f->tool = (identity_tool *)credential;
    f->request = request;
    entrasql_status status = check_request(f, err);
    if (status == ENTRASQL_OK)
        status = load_providers(f, err);
    if (status != ENTRASQL_OK) {
        vs_flow_free(&f->base);
        return status;
    }
    *ret = &f->base;
    return ENTRASQL_OK;
}

static void tool_destroy(entrasql_credential *credential)
{
    identity_tool_done((identity_tool *)credential);
}

static entrasql_status judge(const os_process_result *r, entrasql_token **ret, entrasql_error *err)
{
    return identity_tool_judge(&words, r, ret, err);
}

static const identity_class vs_class = {
    .is_developer_tool = true, .start = vs_start, .destroy = tool_destroy};

entrasql_status
entrasql_visual_studio_credential_new(const entrasql_developer_tool_options *options,
                                      entrasql_credential **ret, entrasql_error *err)
{
    identity_tool *tool;
    ES_TRY(identity_tool_new(&vs_class, &words, sizeof *tool, options, VS_TIMEOUT_MS, &tool, err));
    tool->judge = judge;
    *ret = &tool->base;
    return ENTRASQL_OK;
}

/* ---- Visual Studio Code ---- */

static const identity_tool_words vscode_words = {.credential = "VisualStudioCodeCredential"};

static entrasql_status nobody_signed_in(entrasql_error *err)
{
    es_fail(err, ENTRASQL_UNAVAILABLE,
            "nobody has signed in with the Azure Resources extension of Visual Studio Code");
    es_hint(err, "its sign-in needs the broker of the platform, which Linux does not have: sign "
                 "in with `az login` or `azd auth login` instead");
    return ENTRASQL_UNAVAILABLE;
}

static entrasql_status read_record(const identity_tool *tool, identity_vscode_record *ret,
                                   entrasql_error *err)
{
    static const char *const files[] = {
        ".azure/ms-azuretools.vscode-azureresourcegroups/authRecord.json",
        ".Azure/ms-azuretools.vscode-azureresourcegroups/authRecord.json"};
    entrasql_status status = ENTRASQL_NOT_FOUND;
    for (size_t i = 0; i < ES_COUNT_OF(files) && status == ENTRASQL_NOT_FOUND; i++) {
        ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(IDENTITY_VSCODE_MAX_FILE);
        status = read_home_file(tool, files[i], &text, err);
        if (status == ENTRASQL_OK)
            status = identity_vscode_record_parse(&text, ret, err);
    }
    return status;
}

static entrasql_status vscode_start(entrasql_credential *credential,
                                    const identity_request *request, identity_flow **ret,
                                    entrasql_error *err)
{
    identity_vscode_record record;
    entrasql_error reason;
    (void)request;
    (void)ret;
    entrasql_status status = read_record((identity_tool *)credential, &record, &reason);
    if (status == ENTRASQL_NOMEM)
        return es_nomem(err);
    if (status == ENTRASQL_NOT_FOUND)
        return nobody_signed_in(err);
    if (status != ENTRASQL_OK)
        return unusable("the authRecord.json of Visual Studio Code", reason.message, err);
    es_fail(err, ENTRASQL_UNAVAILABLE,
            "%s is signed in to Visual Studio Code, but the token can be had through the broker of "
            "the platform only, which this one does not have",
            record.username);
    es_hint(err, "sign in with `az login --tenant %s` instead", record.tenant_id);
    return ENTRASQL_UNAVAILABLE;
}

static const identity_class vscode_class = {
    .is_developer_tool = true, .start = vscode_start, .destroy = tool_destroy};

entrasql_status
entrasql_visual_studio_code_credential_new(const entrasql_developer_tool_options *options,
                                           entrasql_credential **ret, entrasql_error *err)
{
    identity_tool *tool;
    ES_TRY(identity_tool_new(&vscode_class, &vscode_words, sizeof *tool, options,
                             IDENTITY_TOOL_DEFAULT_TIMEOUT_MS, &tool, err));
    *ret = &tool->base;
    return ENTRASQL_OK;
}
