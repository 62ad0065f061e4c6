/* SPDX-License-Identifier: MIT */
/* AzureDeveloperCliCredential: the person's token through `azd auth token`. */
#include "base/mem.h"
#include "base/str.h"
#include "identity/azd_output.h"
#include "identity/redact.h"
#include "identity/tool.h"
#include "json/json.h"

#include <stdio.h>
#include <string.h>

#define MAX_LINES 64

static const char no_account[] = "Please run 'azd auth login' to sign in";
static const char sign_in[] = "run `azd auth login`";

static const identity_symptom symptoms[] = {
    {"azd auth login", ENTRASQL_UNAVAILABLE, no_account, sign_in},
    {"not logged in", ENTRASQL_UNAVAILABLE, no_account, sign_in},
    {"unknown flag: --claims", ENTRASQL_AUTH_FAILED,
     "the request carries a claims challenge, which this Azure Developer CLI cannot answer",
     "upgrade azd to 1.18.1 or newer"},
    {NULL, ENTRASQL_OK, NULL, NULL},
};

const identity_tool_words identity_azd_words = {
    .credential = "AzureDeveloperCliCredential",
    .title = "the Azure Developer CLI",
    .name = "Azure Developer CLI",
    .program = "azd",
    .by_hand = "azd auth token --output json",
    .install = "install it, or put the folder of `azd` into PATH",
    .sign_in = "sign in again (azd auth login)",
    .value = "token",
    .expiry = {"expiresOn"},
    .symptoms = symptoms,
};

/* ---- complaints ---- */

/* A message and what to do about it, without the empty lines that azd puts around. */
static entrasql_status put_text(const char *text, size_t n, const char *more, size_t more_n,
                                char *ret, size_t size)
{
    ES_CLEANUP(es_buf_done) es_buf both = ES_BUF_INIT_WIPE(2 * OS_PROCESS_MAX_OUTPUT);
    while (n != 0 && es_is_space(*text)) {
        text++;
        n--;
    }
    while (n != 0 && es_is_space(text[n - 1]))
        n--;
    ES_TRY(es_buf_add(&both, text, n));
    if (more_n != 0)
        ES_TRY(es_buf_add_str(&both, " "));
    ES_TRY(es_buf_add(&both, more, more_n));
    identity_redact(ret, size, (const char *)both.data, both.len, NULL);
    return ENTRASQL_OK;
}

/* The text of one JSON line. NOT_FOUND, NOMEM. */
static entrasql_status read_line(const char *line, size_t n, char *ret, size_t size)
{
    ES_CLEANUP(json_doc_cleanup) json_doc *doc = NULL;
    const json_node *data = NULL;
    const char *text;
    const char *more = "";
    size_t length = 0;
    size_t more_length = 0;
    entrasql_status status = json_doc_parse(line, n, &doc, NULL);
    if (status != ENTRASQL_OK)
        return status == ENTRASQL_NOMEM ? status : ENTRASQL_NOT_FOUND;
    const json_node *root = json_doc_root(doc);
    if (json_member_object(root, "data", &data) != ENTRASQL_OK)
        data = root;
    if (json_member_string(data, "message", &text, &length) != ENTRASQL_OK &&
        json_member_string(data, "error", &text, &length) != ENTRASQL_OK)
        return ENTRASQL_NOT_FOUND;
    if (length == 0)
        return ENTRASQL_NOT_FOUND;
    if (json_member_string(root, "suggestion", &more, &more_length) != ENTRASQL_OK)
        more_length = 0;
    return put_text(text, length, more, more_length, ret, size);
}

entrasql_status identity_azd_complaint(const es_buf *standard_error, char *ret, size_t size)
{
    const char *at = (const char *)standard_error->data;
    size_t left = standard_error->len;
    for (unsigned i = 0; i < MAX_LINES && left != 0; i++) {
        const char *end = memchr(at, '\n', left);
        size_t n = end != NULL ? (size_t)(end - at) : left;
        entrasql_status status =
            n != 0 && at[0] == '{' ? read_line(at, n, ret, size) : ENTRASQL_NOT_FOUND;
        if (status != ENTRASQL_NOT_FOUND)
            return status;
        size_t skip = end != NULL ? n + 1 : n;
        at += skip;
        left -= skip;
    }
    identity_redact(ret, size, (const char *)standard_error->data, standard_error->len, NULL);
    return ENTRASQL_OK;
}

static entrasql_status judge(const os_process_result *r, entrasql_token **ret, entrasql_error *err)
{
    if (r->exit_code == 0 || (r->exit_code == -1 && r->out.len != 0))
        return identity_output_token(&identity_azd_words, &r->out, ret, err);
    char text[IDENTITY_SHOWN_ERROR];
    if (identity_azd_complaint(&r->err, text, sizeof text) != ENTRASQL_OK)
        return es_nomem(err);
    return identity_output_failure(&identity_azd_words, r->exit_code, text, err);
}

/* ---- the credential ---- */

static entrasql_status azd_start(entrasql_credential *credential, const identity_request *request,
                                 identity_flow **ret, entrasql_error *err)
{
    identity_tool *tool = (identity_tool *)credential;
    ES_CLEANUP(es_buf_done) es_buf claims = ES_BUF_INIT(2 * IDENTITY_MAX_CLAIMS);
    const char *argv[16] = {"azd",  "auth",        "token",   "-o",
                            "json", "--no-prompt", "--scope", request->scope};
    size_t n = 8;
    const char *tenant_id;
    ES_TRY(identity_tool_tenant(tool, request, &tenant_id, err));
    if (tenant_id != NULL) {
        argv[n++] = "--tenant-id";
        argv[n++] = tenant_id;
    }
    if (request->claims != NULL) {
        ES_TRY(identity_tool_claims(request->claims, &claims, err));
        const char *text = es_buf_cstr(&claims);
        if (text == NULL)
            return es_nomem(err);
        argv[n++] = "--claims";
        argv[n++] = text;
    }
    argv[n] = NULL;
    return identity_tool_start(tool, NULL, argv, request, ret, err);
}

static void azd_destroy(entrasql_credential *credential)
{
    identity_tool_done((identity_tool *)credential);
}

static const identity_class azd_class = {
    .is_developer_tool = true, .start = azd_start, .destroy = azd_destroy};

entrasql_status
entrasql_azure_developer_cli_credential_new(const entrasql_developer_tool_options *options,
                                            entrasql_credential **ret, entrasql_error *err)
{
    identity_tool *tool;
    ES_TRY(identity_tool_new(&azd_class, &identity_azd_words, sizeof *tool, options,
                             IDENTITY_TOOL_DEFAULT_TIMEOUT_MS, &tool, err));
    tool->judge = judge;
    *ret = &tool->base;
    return ENTRASQL_OK;
}
