/* SPDX-License-Identifier: MIT */
/*
 * AzurePowerShellCredential: the person's token through PowerShell's Az.Accounts
 * module. What goes into the script was checked for quotes before (scope.h), so
 * that it can stand between single ones.
 */
#include "base/base64.h"
#include "base/mem.h"
#include "identity/powershell.h"
#include "identity/tool.h"

#include <stdio.h>
#include <string.h>

#define MAX_SCRIPT (16 * 1024)
/* What the script says when the module is missing. */
#define NO_MODULE "Az.Accounts module not found"

static const char install_module[] =
    "in PowerShell run: Install-Module -Name Az.Accounts -Scope CurrentUser (2.2.0 or newer)";

static const identity_symptom symptoms[] = {
    {NO_MODULE, ENTRASQL_UNAVAILABLE, NO_MODULE, install_module},
    {"Connect-AzAccount", ENTRASQL_UNAVAILABLE,
     "Please run \"Connect-AzAccount\" to set up an account",
     "in PowerShell run Connect-AzAccount, and Set-AzContext if there are several subscriptions"},
    {NULL, ENTRASQL_OK, NULL, NULL},
};

const identity_tool_words identity_powershell_words = {
    .credential = "AzurePowerShellCredential",
    .title = "Azure PowerShell",
    .name = "PowerShell",
    .program = "pwsh",
    .by_hand = "pwsh -Command Get-AzAccessToken",
    .install = "install it (pwsh), or put its folder into PATH",
    .sign_in = "sign in again (Connect-AzAccount)",
    .value = "Token",
    .expiry = {"ExpiresOn"},
    .symptoms = symptoms,
};

/* ---- the script ---- */

/*
 * From Az.Accounts 2.17 to 4.x the token is text unless a SecureString is asked
 * for, with a warning; from 5.0 on it always is one.
 */
static const char script_begin[] =
    "$ErrorActionPreference = 'Stop'\n"
    "$ProgressPreference = 'SilentlyContinue'\n"
    "$module = Import-Module Az.Accounts -MinimumVersion 2.2.0 -PassThru -ErrorAction "
    "SilentlyContinue\n"
    "if (-not $module) {\n"
    "    Write-Output '" NO_MODULE "'\n"
    "    exit 1\n"
    "}\n"
    "$version = @($module)[0].Version\n"
    "$parameters = @{ ResourceUrl = '";
static const char script_tenant[] = "'; TenantId = '";
static const char script_end[] =
    "'; WarningAction = 'Ignore' }\n"
    "if ($version -ge [version]'2.17.0' -and $version -lt [version]'5.0.0') {\n"
    "    $parameters['AsSecureString'] = $true\n"
    "}\n"
    "$answer = Get-AzAccessToken @parameters\n"
    "$token = $answer.Token\n"
    "if ($token -is [System.Security.SecureString]) {\n"
    "    $pointer = [System.Runtime.InteropServices.Marshal]::SecureStringToBSTR($token)\n"
    "    try {\n"
    "        $token = [System.Runtime.InteropServices.Marshal]::PtrToStringBSTR($pointer)\n"
    "    }\n"
    "    finally {\n"
    "        [System.Runtime.InteropServices.Marshal]::ZeroFreeBSTR($pointer)\n"
    "    }\n"
    "}\n"
    "@{ Token = $token; ExpiresOn = $answer.ExpiresOn.ToUnixTimeSeconds() } | "
    "ConvertTo-Json -Compress\n";

entrasql_status identity_powershell_script(const char *resource, const char *tenant_id, es_buf *out)
{
    ES_TRY(es_buf_printf(out, "%s%s", script_begin, resource));
    if (tenant_id != NULL)
        ES_TRY(es_buf_printf(out, "%s%s", script_tenant, tenant_id));
    return es_buf_add_str(out, script_end);
}

/* UTF-16LE in base64, as -EncodedCommand takes it. */
static entrasql_status encode(const es_buf *script, es_buf *out)
{
    ES_CLEANUP(es_buf_done) es_buf wide = ES_BUF_INIT(2 * MAX_SCRIPT);
    ES_TRY(es_buf_utf16le(&wide, (const char *)script->data, script->len, NULL));
    return es_base64_encode(wide.data, wide.len, out);
}

entrasql_status identity_powershell_judge(const os_process_result *r, entrasql_token **ret,
                                          entrasql_error *err)
{
    /* The script speaks of a missing module on standard output. */
    static const size_t n = sizeof NO_MODULE - 1;
    for (size_t i = 0; i + n <= r->out.len; i++) {
        if (memcmp(r->out.data + i, NO_MODULE, n) == 0)
            return identity_output_failure(&identity_powershell_words, r->exit_code, NO_MODULE,
                                           err);
    }
    return identity_tool_judge(&identity_powershell_words, r, ret, err);
}

/* ---- the credential ---- */

static entrasql_status refuse_claims(const char *tenant_id, const char *claims, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf encoded = ES_BUF_INIT(2 * IDENTITY_MAX_CLAIMS);
    ES_TRY(identity_tool_claims(claims, &encoded, err));
    const char *text = es_buf_cstr(&encoded);
    if (text == NULL)
        return es_nomem(err);
    es_fail(err, ENTRASQL_AUTH_FAILED,
            "the request carries a claims challenge, which needs a new sign-in: Connect-AzAccount"
            "%s%s%s -ClaimsChallenge '%s'",
            tenant_id != NULL ? " -TenantId '" : "", tenant_id != NULL ? tenant_id : "",
            tenant_id != NULL ? "'" : "", text);
    es_hint(err, "run that command in PowerShell, then try again");
    return ENTRASQL_AUTH_FAILED;
}

static entrasql_status powershell_start(entrasql_credential *credential,
                                        const identity_request *request, identity_flow **ret,
                                        entrasql_error *err)
{
    identity_tool *tool = (identity_tool *)credential;
    ES_CLEANUP(es_buf_done) es_buf script = ES_BUF_INIT(MAX_SCRIPT);
    ES_CLEANUP(es_buf_done) es_buf encoded = ES_BUF_INIT(4 * MAX_SCRIPT);
    char resource[IDENTITY_MAX_SCOPE + 1];
    const char *tenant_id;
    ES_TRY(identity_tool_tenant(tool, request, &tenant_id, err));
    if (request->claims != NULL)
        return refuse_claims(tenant_id, request->claims, err);
    ES_TRY(identity_scope_resource(request->scope, resource, sizeof resource));
    entrasql_status status = identity_powershell_script(resource, tenant_id, &script);
    if (status == ENTRASQL_OK)
        status = encode(&script, &encoded);
    const char *command = status == ENTRASQL_OK ? es_buf_cstr(&encoded) : NULL;
    if (command == NULL)
        return es_nomem(err);
    const char *const argv[] = {"pwsh", "-NoProfile",      "-NonInteractive", "-OutputFormat",
                                "Text", "-EncodedCommand", command,           NULL};
    return identity_tool_start(tool, NULL, argv, request, ret, err);
}

static void powershell_destroy(entrasql_credential *credential)
{
    identity_tool_done((identity_tool *)credential);
}

static const identity_class powershell_class = {
    .is_developer_tool = true, .start = powershell_start, .destroy = powershell_destroy};

entrasql_status
entrasql_azure_powershell_credential_new(const entrasql_developer_tool_options *options,
                                         entrasql_credential **ret, entrasql_error *err)
{
    identity_tool *tool;
    ES_TRY(identity_tool_new(&powershell_class, &identity_powershell_words, sizeof *tool, options,
                             IDENTITY_TOOL_DEFAULT_TIMEOUT_MS, &tool, err));
    tool->judge = identity_powershell_judge;
    *ret = &tool->base;
    return ENTRASQL_OK;
}
