/* SPDX-License-Identifier: MIT */
/*
 * identity: the developer tools beside az (pwsh, azd, Visual Studio's token
 * providers, Visual Studio Code) with stand-ins: what they are given, and what each of
 * their answers means.
 */
#include "base/base64.h"
#include "base/clock.h"
#include "base/str.h"
#include "common.h"
#include "identity/azd_output.h"
#include "identity/powershell.h"
#include "identity/vs_provider.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

typedef entrasql_status maker(const entrasql_developer_tool_options *options,
                              entrasql_credential **ret, entrasql_error *err);

static char folder[64];
static char path_before[4096];
static char home_before[4096];

static int start(void **state)
{
    snprintf(folder, sizeof folder, "/tmp/entrasql-tools-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    const char *path = getenv("PATH");
    const char *home = getenv("HOME");
    snprintf(path_before, sizeof path_before, "%s", path != NULL ? path : "");
    snprintf(home_before, sizeof home_before, "%s", home != NULL ? home : "");
    return common_setup(state);
}

static int stop(void **state)
{
    char command[128];
    setenv("PATH", path_before, 1);
    setenv("HOME", home_before, 1);
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command) != 0 ? -1 : common_teardown(state);
}

static void write_file(const char *name, mode_t mode, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    for (char *p = path + strlen(folder) + 1; (p = strchr(p, '/')) != NULL; p++) {
        *p = '\0';
        (void)mkdir(path, 0700);
        *p = '/';
    }
    unlink(path);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static void remove_file(const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    unlink(path);
}

/* A program by that name on PATH; NULL: none. It writes its arguments into "seen" first. */
static void use_tool(const char *name, const char *script)
{
    char text[4096];
    remove_file(name);
    if (script != NULL) {
        snprintf(text, sizeof text,
                 "#!/bin/sh\n(for a; do echo \"[$a]\"; done; pwd -P) > %s/seen\n%s\n", folder,
                 script);
        write_file(name, 0755, text);
    }
    setenv("PATH", folder, 1);
    setenv("HOME", folder, 1);
}

static const char *seen(void)
{
    static char text[32768];
    char path[128];
    snprintf(path, sizeof path, "%s/seen", folder);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[n] = '\0';
    return text;
}

static entrasql_credential *new_credential(maker *make, const entrasql_developer_tool_options *o)
{
    entrasql_credential *c;
    entrasql_error err;
    if (make(o, &c, &err) != ENTRASQL_OK)
        fail_msg("%s", err.message);
    return c;
}

/* A complaint of a tool and what it means. */
struct symptom {
    const char *script;
    entrasql_status status;
    const char *words[2];
};

static void check_symptoms(maker *make, const char *name, const struct symptom *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        entrasql_error err;
        use_tool(name, rows[i].script);
        entrasql_credential *c = new_credential(make, NULL);
        common_expect_failure(c, rows[i].status, &err);
        for (size_t k = 0; k < 2 && rows[i].words[k] != NULL; k++)
            common_expect_words(&err, rows[i].words[k]);
        assert_true(err.hint[0] != '\0');
        entrasql_credential_unref(c);
    }
}

/* ---- Azure PowerShell ---- */

#define PWSH_REPLY "{\"Token\":\"" TOKEN "\",\"ExpiresOn\":4102444800}"

/* The script of an -EncodedCommand: base64 of UTF-16LE, here ASCII only. */
static void decode_script(const char *encoded, size_t n, char *ret, size_t size)
{
    es_buf wide = ES_BUF_INIT(1 << 16);
    assert_int_equal(es_base64_decode(encoded, n, &wide), ENTRASQL_OK);
    assert_int_equal(wide.len % 2, 0);
    assert_true(wide.len / 2 < size);
    for (size_t i = 0; i < wide.len; i += 2) {
        assert_int_equal(wide.data[i + 1], 0);
        ret[i / 2] = (char)wide.data[i];
    }
    ret[wide.len / 2] = '\0';
    es_buf_done(&wide);
}

static void powershell_gets_a_script(void **state)
{
    (void)state;
    static const char before[] =
        "[-NoProfile]\n[-NonInteractive]\n[-OutputFormat]\n[Text]\n[-EncodedCommand]\n[";
    const entrasql_developer_tool_options options = {.tenant_id = TENANT};
    char script[8192];
    use_tool("pwsh", "echo '" PWSH_REPLY "'");
    entrasql_credential *c = new_credential(entrasql_azure_powershell_credential_new, &options);
    assert_string_equal(entrasql_credential_name(c), "AzurePowerShellCredential");
    common_expect_token(c, "AzurePowerShellCredential");
    const char *arguments = seen();
    assert_int_equal(strncmp(arguments, before, strlen(before)), 0);
    const char *encoded = arguments + strlen(before);
    size_t n = strcspn(encoded, "]");
    assert_string_equal(encoded + n + strlen("]\n"), "/usr/bin\n");
    decode_script(encoded, n, script, sizeof script);
    assert_non_null(strstr(script, "ResourceUrl = 'https://database.windows.net'; TenantId = "
                                   "'" TENANT "'; WarningAction = 'Ignore'"));
    assert_non_null(strstr(script, "Import-Module Az.Accounts -MinimumVersion 2.2.0"));
    assert_non_null(strstr(script, "-ge [version]'2.17.0' -and $version -lt [version]'5.0.0'"));
    assert_non_null(strstr(script, "SecureStringToBSTR"));
    assert_non_null(strstr(script, "ZeroFreeBSTR"));
    assert_non_null(strstr(script, "ToUnixTimeSeconds"));
    entrasql_credential_unref(c);
    c = new_credential(entrasql_azure_powershell_credential_new, NULL);
    common_expect_token(c, "AzurePowerShellCredential");
    encoded = seen() + strlen(before);
    decode_script(encoded, strcspn(encoded, "]"), script, sizeof script);
    assert_null(strstr(script, "TenantId"));
    entrasql_credential_unref(c);
}

static void complaints_of_powershell(void **state)
{
    (void)state;
    static const struct symptom rows[] = {
        {NULL, ENTRASQL_UNAVAILABLE, {"PowerShell not found on path", "pwsh"}},
        {"exit 127", ENTRASQL_UNAVAILABLE, {"PowerShell not found on path"}},
        {"echo 'Az.Accounts module not found'; exit 1",
         ENTRASQL_UNAVAILABLE,
         {"Az.Accounts module not found", "Install-Module"}},
        {"echo 'Az.Accounts module not found'", ENTRASQL_UNAVAILABLE, {"Install-Module"}},
        {"echo 'Get-AzAccessToken: Run Connect-AzAccount to login.' >&2; exit 1",
         ENTRASQL_UNAVAILABLE,
         {"Please run \"Connect-AzAccount\"", "Connect-AzAccount"}},
        {"echo 'AADSTS50076: use MFA; Connect-AzAccount -TenantId x' >&2; exit 1",
         ENTRASQL_AUTH_FAILED,
         {"AADSTS50076", "sign in again (Connect-AzAccount)"}},
        {"echo 'Line | it broke' >&2; exit 1",
         ENTRASQL_AUTH_FAILED,
         {"Azure PowerShell failed (exit code 1): Line | it broke", "pwsh -Command"}},
        {"echo '{\"Token\":\"" TOKEN "\"} tail'", ENTRASQL_AUTH_FAILED, {"is not JSON: ", "***"}},
        {"echo '{\"Token\":\"" TOKEN "\"}'", ENTRASQL_AUTH_FAILED, {"when the token expires"}},
        {"echo '{\"Token\":{\"Length\":5},\"ExpiresOn\":4102444800}'",
         ENTRASQL_AUTH_FAILED,
         {"holds no Token"}},
        {"echo '{\"Token\":\"System.Security.SecureString x\",\"ExpiresOn\":4102444800}'",
         ENTRASQL_AUTH_FAILED,
         {"holds no Token"}},
        {"", ENTRASQL_AUTH_FAILED, {"(nothing)"}},
        {"kill -9 $$", ENTRASQL_AUTH_FAILED, {"signal 9"}},
    };
    check_symptoms(entrasql_azure_powershell_credential_new, "pwsh", rows,
                   sizeof rows / sizeof rows[0]);
}

static void powershell_cannot_answer_claims(void **state)
{
    (void)state;
    const entrasql_token_request request = {
        .scope = ENTRASQL_SCOPE_SQL, .claims = "{\"a\":1}", .tenant_id = TENANT};
    entrasql_token *token;
    entrasql_error err;
    use_tool("pwsh", "echo '" PWSH_REPLY "'");
    remove_file("seen");
    entrasql_credential *c = new_credential(entrasql_azure_powershell_credential_new, NULL);
    assert_int_equal(common_get(c, &request, &token, &err), ENTRASQL_AUTH_FAILED);
    common_expect_words(&err,
                        "Connect-AzAccount -TenantId '" TENANT "' -ClaimsChallenge 'eyJhIjoxfQ=='");
    char path[128];
    snprintf(path, sizeof path, "%s/seen", folder);
    assert_int_not_equal(access(path, F_OK), 0);
    entrasql_credential_unref(c);
}

/* What could leave the quotes of the script, or become an option, does not get in. */
static void quotes_do_not_get_in(void **state)
{
    (void)state;
    static maker *const makers[] = {entrasql_azure_powershell_credential_new,
                                    entrasql_azure_developer_cli_credential_new,
                                    entrasql_visual_studio_credential_new};
    static const char *const bad[] = {"a'; calc; '", "a b", "$(x)", "a\nb", "a\"b"};
    entrasql_credential *c;
    entrasql_token *token;
    use_tool("pwsh", "echo '" PWSH_REPLY "'");
    for (size_t i = 0; i < 5; i++) {
        const entrasql_developer_tool_options options = {.tenant_id = bad[i]};
        const entrasql_token_request by_tenant = {.scope = ENTRASQL_SCOPE_SQL, .tenant_id = bad[i]};
        const entrasql_token_request by_scope = {.scope = bad[i]};
        for (size_t k = 0; k < 3; k++) {
            assert_int_equal(makers[k](&options, &c, NULL), ENTRASQL_INVALID);
            c = new_credential(makers[k], NULL);
            assert_int_equal(common_get(c, &by_tenant, &token, NULL), ENTRASQL_INVALID);
            assert_int_equal(common_get(c, &by_scope, &token, NULL), ENTRASQL_INVALID);
            entrasql_credential_unref(c);
        }
    }
}

/* The tool and what it started end at the deadline. */
static void slow_tools_are_stopped_with_their_children(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        maker *make;
    } rows[] = {{"pwsh", entrasql_azure_powershell_credential_new},
                {"azd", entrasql_azure_developer_cli_credential_new}};
    for (size_t i = 0; i < 2; i++) {
        const entrasql_developer_tool_options options = {.process_timeout_ms = 300};
        char script[256];
        entrasql_error err;
        snprintf(script, sizeof script, "/bin/sleep 600 & echo $! > %s/child; wait", folder);
        use_tool(rows[i].name, script);
        remove_file("child");
        entrasql_credential *c = new_credential(rows[i].make, &options);
        common_expect_failure(c, ENTRASQL_TIMEOUT, &err);
        common_expect_words(&err, "(300 ms)");
        entrasql_credential_unref(c);
        char path[128];
        long child = 0;
        snprintf(path, sizeof path, "%s/child", folder);
        FILE *f = fopen(path, "r");
        assert_non_null(f);
        assert_int_equal(fscanf(f, "%ld", &child), 1);
        fclose(f);
        /* Killed; whoever inherits it may take a moment to reap it. */
        snprintf(path, sizeof path, "/proc/%ld/stat", child);
        for (int tries = 0; tries < 200 && access(path, F_OK) == 0; tries++) {
            char what = '?';
            f = fopen(path, "r");
            if (f == NULL || fscanf(f, "%*d %*s %c", &what) != 1 || what == 'Z') {
                if (f != NULL)
                    fclose(f);
                break;
            }
            fclose(f);
            assert_int_not_equal(tries, 199);
            usleep(10000);
        }
    }
}

/* ---- Azure Developer CLI ---- */

#define AZD_REPLY "{\"token\":\"" TOKEN "\",\"expiresOn\":\"2100-01-01T00:00:00Z\"}"

static void azd_is_run_as_it_should_be(void **state)
{
    (void)state;
    const entrasql_token_request request = {
        .scope = ENTRASQL_SCOPE_SQL, .tenant_id = "other.example", .claims = "{\"a\":1}"};
    entrasql_token *token;
    entrasql_error err;
    use_tool("azd", "echo '" AZD_REPLY "'");
    entrasql_credential *c = new_credential(entrasql_azure_developer_cli_credential_new, NULL);
    common_expect_token(c, "AzureDeveloperCliCredential");
    assert_string_equal(seen(), "[auth]\n[token]\n[-o]\n[json]\n[--no-prompt]\n[--scope]\n"
                                "[" ENTRASQL_SCOPE_SQL "]\n/usr/bin\n");
    assert_int_equal(common_get(c, &request, &token, &err), ENTRASQL_OK);
    assert_int_equal(entrasql_token_expires_on(token), 4102444800);
    assert_non_null(strstr(seen(), "[--tenant-id]\n[other.example]\n[--claims]\n[eyJhIjoxfQ==]\n"));
    entrasql_token_free(token);
    entrasql_credential_unref(c);
}

static void complaints_of_azd(void **state)
{
    (void)state;
    static const struct symptom rows[] = {
        {NULL, ENTRASQL_UNAVAILABLE, {"Azure Developer CLI not found on path", "azd"}},
        {"printf '%s\\n' '{\"type\":\"consoleMessage\",\"timestamp\":\"t\",\"data\":{\"message\":"
         "\"\\nERROR: not logged in, run `azd auth login` to login\\n\"}}' >&2; exit 1",
         ENTRASQL_UNAVAILABLE,
         {"Please run 'azd auth login'", "azd auth login"}},
        {"echo '{\"error\":\"x\",\"message\":\"not logged in\",\"suggestion\":\"run it\"}' >&2; "
         "exit 1",
         ENTRASQL_UNAVAILABLE,
         {"Please run 'azd auth login'"}},
        {"echo 'ERROR: unknown flag: --claims' >&2; exit 1",
         ENTRASQL_AUTH_FAILED,
         {"claims challenge", "1.18.1"}},
        {"echo 'noise' >&2; echo '{\"type\":\"other\"}' >&2; printf '%s\\n' "
         "'{\"type\":\"consoleMessage\",\"data\":{\"message\":\"\\nAADSTS50076: MFA\\n\"}}' >&2; "
         "exit 1",
         ENTRASQL_AUTH_FAILED,
         {"(exit code 1): AADSTS50076: MFA", "sign in again (azd auth login)"}},
        {"echo '{\"error\":\"broken\",\"suggestion\":\"mend it\"}' >&2; exit 1",
         ENTRASQL_AUTH_FAILED,
         {"(exit code 1): broken mend it"}},
        {"echo 'plain words {\"token\":\"" TOKEN "\"}' >&2; exit 3",
         ENTRASQL_AUTH_FAILED,
         {"(exit code 3): plain words", "***"}},
        {"echo '{\"token\":\"\",\"expiresOn\":\"2100-01-01T00:00:00Z\"}'",
         ENTRASQL_AUTH_FAILED,
         {"holds no token"}},
        {"echo '{\"token\":\"a\",\"expiresOn\":\"tomorrow\"}'",
         ENTRASQL_AUTH_FAILED,
         {"when the token expires"}},
        {"echo broken", ENTRASQL_AUTH_FAILED, {"is not JSON: broken"}},
    };
    check_symptoms(entrasql_azure_developer_cli_credential_new, "azd", rows,
                   sizeof rows / sizeof rows[0]);
}

static void every_cut_of_a_complaint_is_read(void **state)
{
    (void)state;
    static const char whole[] =
        "noise\n{\"type\":\"consoleMessage\",\"data\":{\"message\":\"\\n" TOKEN "\\n\"}}\n";
    char text[IDENTITY_SHOWN_ERROR];
    for (size_t n = 0; n < sizeof whole; n++) {
        es_buf cut = ES_BUF_INIT(sizeof whole);
        assert_int_equal(es_buf_add(&cut, whole, n), ENTRASQL_OK);
        assert_int_equal(identity_azd_complaint(&cut, text, sizeof text), ENTRASQL_OK);
        assert_null(strstr(text, TOKEN));
        if (n == sizeof whole - 1)
            assert_string_equal(text, "***");
        es_buf_done(&cut);
    }
}

/* ---- Visual Studio ---- */

#define VS_FILE ".IdentityService/AzureServiceAuth/tokenprovider.json"
#define VS_REPLY "echo '{\"access_token\":\"" TOKEN "\",\"expires_on\":\"2100-01-01T00:00:00Z\"}'"

static void write_providers(const char *format)
{
    char text[2048];
    size_t n = 0;
    /* @ is the folder. */
    for (const char *p = format; *p != '\0' && n < sizeof text - 80; p++) {
        if (*p == '@')
            n += (size_t)snprintf(text + n, sizeof text - n, "%s", folder);
        else
            text[n++] = *p;
    }
    text[n] = '\0';
    write_file(VS_FILE, 0600, text);
}

static void visual_studio_asks_its_providers_by_preference(void **state)
{
    (void)state;
    const entrasql_developer_tool_options options = {.tenant_id = TENANT};
    write_providers("{\"TokenProviders\":["
                    "{\"Path\":\"@/worst\",\"Arguments\":[],\"Preference\":9},"
                    "{\"Path\":\"@/best\",\"Arguments\":[\"-x\",\"a b\"],\"Preference\":1},"
                    "{\"Path\":\"@/second\",\"Preference\":2}]}");
    use_tool("worst", "echo used > $0.was; exit 1");
    use_tool("second", VS_REPLY);
    use_tool("best", "echo 'TS005: nobody' >&2; exit 1");
    entrasql_credential *c = new_credential(entrasql_visual_studio_credential_new, &options);
    common_expect_token(c, "VisualStudioCredential");
    /* The second was asked last; the worst not at all. */
    assert_string_equal(seen(), "[--resource]\n[https://database.windows.net]\n[--tenant]\n"
                                "[" TENANT "]\n/usr/bin\n");
    char path[128];
    snprintf(path, sizeof path, "%s/worst.was", folder);
    assert_int_not_equal(access(path, F_OK), 0);
    entrasql_credential_unref(c);
    use_tool("best", VS_REPLY);
    c = new_credential(entrasql_visual_studio_credential_new, NULL);
    common_expect_token(c, "VisualStudioCredential");
    assert_string_equal(seen(),
                        "[-x]\n[a b]\n[--resource]\n[https://database.windows.net]\n/usr/bin\n");
    entrasql_credential_unref(c);
}

static void what_visual_studio_cannot_do(void **state)
{
    (void)state;
    static const struct {
        const char *file; /* NULL: none */
        mode_t mode;
        const char *tool;
        entrasql_status status;
        const char *words;
    } rows[] = {
        {NULL, 0, NULL, ENTRASQL_UNAVAILABLE, "nobody has signed in"},
        {"", 0600, NULL, ENTRASQL_UNAVAILABLE, "cannot be used"},
        {"{}", 0600, NULL, ENTRASQL_UNAVAILABLE, "no list of TokenProviders"},
        {"{\"TokenProviders\":[]}", 0600, NULL, ENTRASQL_UNAVAILABLE, "0 elements"},
        {"{\"TokenProviders\":[{\"Path\":\"vs\"}]}", 0600, NULL, ENTRASQL_UNAVAILABLE,
         "not an absolute path"},
        {"{\"TokenProviders\":[{\"Path\":\"/x\",\"Arguments\":[1]}]}", 0600, NULL,
         ENTRASQL_UNAVAILABLE, "not a list of strings"},
        {"{\"TokenProviders\":[{\"Path\":\"/x\",\"Preference\":\"1\"}]}", 0600, NULL,
         ENTRASQL_UNAVAILABLE, "not a number"},
        {"{\"TokenProviders\":[{\"Path\":\"@/vs\"}]}", 0666, VS_REPLY, ENTRASQL_UNAVAILABLE,
         "others may write it"},
        {"{\"TokenProviders\":[{\"Path\":\"@/vs\"}]}", 0600, NULL, ENTRASQL_UNAVAILABLE,
         "not found"},
        {"{\"TokenProviders\":[{\"Path\":\"@/vs\"}]}", 0600, "echo TS005 >&2; exit 1",
         ENTRASQL_UNAVAILABLE, "no signed-in account"},
        {"{\"TokenProviders\":[{\"Path\":\"@/vs\"}]}", 0600, "echo bad >&2; exit 4",
         ENTRASQL_AUTH_FAILED, "(exit code 4): bad"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        entrasql_error err;
        char path[256];
        remove_file(VS_FILE);
        if (rows[i].file != NULL) {
            write_providers(rows[i].file);
            snprintf(path, sizeof path, "%s/" VS_FILE, folder);
            assert_int_equal(chmod(path, rows[i].mode), 0);
        }
        use_tool("vs", rows[i].tool);
        entrasql_credential *c = new_credential(entrasql_visual_studio_credential_new, NULL);
        common_expect_failure(c, rows[i].status, &err);
        common_expect_words(&err, rows[i].words);
        entrasql_credential_unref(c);
    }
    remove_file(VS_FILE);
}

static void every_cut_of_the_providers_is_refused(void **state)
{
    (void)state;
    static const char whole[] = "{\"TokenProviders\":[{\"Path\":\"/a\",\"Arguments\":[\"b\",\"c\"],"
                                "\"Preference\":2},{\"Path\":\"/d\",\"Preference\":1}]}";
    for (size_t n = 0; n < sizeof whole; n++) {
        identity_vs_providers p;
        es_buf cut = ES_BUF_INIT(sizeof whole);
        assert_int_equal(es_buf_add(&cut, whole, n), ENTRASQL_OK);
        entrasql_status status = identity_vs_providers_parse(&cut, &p, NULL);
        assert_int_equal(status, n == sizeof whole - 1 ? ENTRASQL_OK : ENTRASQL_MALFORMED);
        if (status == ENTRASQL_OK) {
            assert_int_equal(p.count, 2);
            assert_string_equal(p.items[0].path, "/d");
            assert_string_equal(p.items[1].arguments[1], "c");
        }
        identity_vs_providers_done(&p);
        es_buf_done(&cut);
    }
}

/* ---- Visual Studio Code ---- */

#define RECORD(client, user)                                                                       \
    "{\"authority\":\"login.microsoftonline.com\",\"homeAccountId\":\"a.b\",\"clientId\":"         \
    "\"" client "\",\"tenantId\":\"" TENANT "\",\"username\":\"" user "\"}"

static void visual_studio_code_says_what_it_lacks(void **state)
{
    (void)state;
    static char large[11000];
    static const struct {
        const char *folder; /* ".azure" or ".Azure" */
        const char *text;   /* NULL: no file */
        const char *words[2];
    } rows[] = {
        {".azure", NULL, {"nobody has signed in", "az login"}},
        {".azure",
         RECORD(IDENTITY_VSCODE_CLIENT_ID, "dev@contoso.example"),
         {"dev@contoso.example is signed in", "az login --tenant " TENANT}},
        {".Azure",
         RECORD(IDENTITY_VSCODE_CLIENT_ID, "dev@contoso.example"),
         {"broker", "az login --tenant " TENANT}},
        {".azure", RECORD("04b07795-8ddb-461a-bbee-02f9e1bf7b46", "x"), {"clientId is not"}},
        {".azure", RECORD(IDENTITY_VSCODE_CLIENT_ID, ""), {"username is missing"}},
        {".azure", "{\"authority\":\"a\"}", {"homeAccountId is missing"}},
        {".azure", "[", {"cannot be used"}},
        {".azure", large, {"larger than the limit"}},
    };
    memset(large, ' ', sizeof large - 1);
    use_tool("az", NULL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char name[128];
        entrasql_error err;
        snprintf(name, sizeof name, "%s/ms-azuretools.vscode-azureresourcegroups/authRecord.json",
                 rows[i].folder);
        if (rows[i].text != NULL)
            write_file(name, 0600, rows[i].text);
        entrasql_credential *c = new_credential(entrasql_visual_studio_code_credential_new, NULL);
        common_expect_failure(c, ENTRASQL_UNAVAILABLE, &err);
        for (size_t k = 0; k < 2 && rows[i].words[k] != NULL; k++)
            common_expect_words(&err, rows[i].words[k]);
        entrasql_credential_unref(c);
        remove_file(name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(powershell_gets_a_script, common_clean),
        cmocka_unit_test_setup(complaints_of_powershell, common_clean),
        cmocka_unit_test_setup(powershell_cannot_answer_claims, common_clean),
        cmocka_unit_test_setup(quotes_do_not_get_in, common_clean),
        cmocka_unit_test_setup(slow_tools_are_stopped_with_their_children, common_clean),
        cmocka_unit_test_setup(azd_is_run_as_it_should_be, common_clean),
        cmocka_unit_test_setup(complaints_of_azd, common_clean),
        cmocka_unit_test_setup(every_cut_of_a_complaint_is_read, common_clean),
        cmocka_unit_test_setup(visual_studio_asks_its_providers_by_preference, common_clean),
        cmocka_unit_test_setup(what_visual_studio_cannot_do, common_clean),
        cmocka_unit_test_setup(every_cut_of_the_providers_is_refused, common_clean),
        cmocka_unit_test_setup(visual_studio_code_says_what_it_lacks, common_clean),
    };
    return cmocka_run_group_tests_name("identity tools", tests, start, stop);
}
