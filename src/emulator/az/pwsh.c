/* SPDX-License-Identifier: MIT */
/*
 * The stand-in for PowerShell with Az.Accounts 5: it decodes -EncodedCommand
 * and looks whether the script is one that gets a token and nothing else. What the real
 * one would do with a part that is missing, it does: a token that is not
 * taken out of its SecureString comes as an object.
 */
#include "tool.h"

#include "base/base64.h"
#include "base/mem.h"
#include "crypto/jwt.h"
#include "emulator/world/token.h"
#include "json/json.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define EXIT_ERROR 1
#define EXIT_USAGE 64 /* what pwsh ends with when it does not understand its arguments */
#define MAX_SCRIPT (64 * 1024)

static int fail(int code, const char *fmt, ...) ES_PRINTF(2, 3);

static int fail(int code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    (void)vfprintf(stderr, fmt, ap);
    (void)fputc('\n', stderr);
    va_end(ap);
    return code;
}

/* ---- the command line ---- */

static int parse(int argc, char **argv, const char **ret_encoded)
{
    bool no_profile = false, non_interactive = false;
    *ret_encoded = NULL;
    for (int i = 1; i < argc; i++) {
        bool has_value = i + 1 < argc;
        if (es_strcaseeq(argv[i], "-NoProfile"))
            no_profile = true;
        else if (es_strcaseeq(argv[i], "-NonInteractive"))
            non_interactive = true;
        else if (es_strcaseeq(argv[i], "-OutputFormat") && has_value &&
                 es_strcaseeq(argv[i + 1], "Text"))
            i++;
        else if (es_strcaseeq(argv[i], "-EncodedCommand") && has_value && *ret_encoded == NULL)
            *ret_encoded = argv[++i];
        else
            return fail(EXIT_USAGE, "The argument '%s' is not recognized by the emulator's pwsh.",
                        argv[i]);
    }
    if (*ret_encoded == NULL || !no_profile || !non_interactive)
        return fail(EXIT_USAGE, "The emulator's pwsh takes -NoProfile -NonInteractive "
                                "-EncodedCommand and nothing else.");
    return 0;
}

/* UTF-16LE in base64; a script of this kind needs ASCII only. */
static bool decode(const char *encoded, es_buf *script)
{
    ES_CLEANUP(es_buf_done) es_buf wide = ES_BUF_INIT(2 * MAX_SCRIPT);
    if (es_base64_decode(encoded, strlen(encoded), &wide) != ENTRASQL_OK || wide.len == 0 ||
        wide.len % 2 != 0)
        return false;
    for (size_t i = 0; i < wide.len; i += 2) {
        bool plain = wide.data[i + 1] == 0 && wide.data[i] != 0 && wide.data[i] < 0x80;
        if (!plain || es_buf_u8(script, wide.data[i]) != ENTRASQL_OK)
            return false;
    }
    return true;
}

/* ---- the script ---- */

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Length of a cmdlet's name (Verb-Noun) at s, else 0. */
static size_t cmdlet_length(const char *s)
{
    size_t verb = 0, noun = 0;
    while (is_letter(s[verb]))
        verb++;
    if (verb == 0 || s[verb] != '-')
        return 0;
    while (is_letter(s[verb + 1 + noun]))
        noun++;
    return noun != 0 ? verb + 1 + noun : 0;
}

static bool is_allowed(const char *name, size_t n)
{
    static const char *const allowed[] = {
        "Import-Module",  "Get-AzAccessToken",        "Write-Output", "Write-Error",
        "ConvertTo-Json", "ConvertFrom-SecureString", "New-Object",   "Add-Member",
    };
    for (size_t i = 0; i < ES_COUNT_OF(allowed); i++) {
        if (strlen(allowed[i]) == n && es_strncaseeq(allowed[i], name, n))
            return true;
    }
    return false;
}

/* The first cmdlet outside of quotes that has no business in such a script; NULL: none. */
static const char *foreign_cmdlet(const char *script, size_t *ret_n)
{
    char quote = 0;
    char before = '\n';
    for (const char *p = script; *p != 0; before = *p, p++) {
        if (quote != 0 || *p == '\'' || *p == '"') {
            quote = quote == 0 ? *p : *p == quote ? 0 : quote;
            continue;
        }
        bool is_start =
            !is_letter(before) && !es_is_digit(before) && strchr("-$.:_", before) == NULL;
        size_t n = is_start ? cmdlet_length(p) : 0;
        if (n == 0)
            continue;
        if (!is_allowed(p, n)) {
            *ret_n = n;
            return p;
        }
        p += n - 1;
    }
    return NULL;
}

/* The quoted value in `name = 'value'`, the name in quotes or not. */
static char *value_of(const char *script, const char *name)
{
    const char *p = strstr(script, name);
    if (p == NULL)
        return NULL;
    p += strlen(name);
    p += strspn(p, "'\"");
    p += strspn(p, " ");
    if (*p++ != '=')
        return NULL;
    p += strspn(p, " ");
    if (*p++ != '\'')
        return NULL;
    size_t n = strcspn(p, "'\n");
    return p[n] == '\'' ? es_strndup(p, n) : NULL;
}

/* Calls of programs, and characters that are not what they look like. */
static bool has_other_operators(const char *script)
{
    for (const char *p = script; (p = strpbrk(p, "`&")) != NULL; p++) {
        if (*p == '&' || p[1] != 'n')
            return true;
    }
    return false;
}

static int check(const char *script)
{
    static const struct {
        const char *part, *why;
    } needed[] = {
        {"$ErrorActionPreference = 'Stop'", "errors must end the script"},
        {"Import-Module Az.Accounts -MinimumVersion", "the module must be asked for by version"},
        {"-PassThru", "the module's version decides about SecureString"},
        {"'2.17.0'", "from this version on a SecureString can be asked for"},
        {"'5.0.0'", "from this version on the token is one"},
        {"AsSecureString", "a SecureString must be asked for in between"},
        {"ResourceUrl", "the resource is missing"},
        {"Get-AzAccessToken @", "the token is not asked for"},
        {"ToUnixTimeSeconds()", "the expiry must be a number"},
    };
    size_t n = 0;
    const char *foreign = foreign_cmdlet(script, &n);
    if (foreign != NULL)
        return fail(EXIT_ERROR, "%.*s: The emulator's pwsh runs no '%.*s'.", (int)n, foreign,
                    (int)n, foreign);
    if (has_other_operators(script))
        return fail(EXIT_ERROR, "ParserError: the emulator's pwsh takes no '&', and of the escapes "
                                "`n only.");
    for (size_t i = 0; i < ES_COUNT_OF(needed); i++) {
        if (strstr(script, needed[i].part) == NULL)
            return fail(EXIT_ERROR, "ParserError: \"%s\" is not in the script: %s.", needed[i].part,
                        needed[i].why);
    }
    return 0;
}

/* ---- the answer ---- */

static entrasql_status write_json(const char *script, const es_buf *token, int64_t expires_on,
                                  es_buf *out)
{
    bool is_text = strstr(script, "SecureStringToBSTR") != NULL ||
                   strstr(script, "ConvertFrom-SecureString") != NULL;
    json_writer j;
    json_writer_init(&j, out);
    json_begin_object(&j);
    json_name(&j, "Token");
    if (is_text) {
        json_put_text(&j, (const char *)token->data, token->len);
    } else {
        json_begin_object(&j);
        json_member_put_i64(&j, "Length", (int64_t)token->len);
        json_end_object(&j);
    }
    json_member_put_i64(&j, "ExpiresOn", expires_on);
    json_end_object(&j);
    ES_TRY(json_writer_end(&j));
    return es_buf_add_str(out, "\n");
}

/* Azure Identity for Python prints a line of its own making. */
static entrasql_status write_line(es_buf *token, int64_t expires_on, es_buf *out)
{
    const char *text = es_buf_cstr(token);
    return text != NULL ? es_buf_printf(out, "\nazsdk%%%s%%%" PRId64 "\n", text, expires_on)
                        : ENTRASQL_NOMEM;
}

static int answer(const tool_session *s, const char *script, const char *resource,
                  const char *tenant)
{
    ES_CLEANUP(es_buf_done) es_buf token = ES_BUF_INIT_WIPE(CRYPTO_JWT_MAX_BYTES);
    ES_CLEANUP(es_buf_done) es_buf out = ES_BUF_INIT_WIPE(2 * CRYPTO_JWT_MAX_BYTES);
    char complaint[TOOL_COMPLAINT_SIZE];
    int64_t expires_on = 0;
    if (!tool_token(s, resource, false, tenant, &token, &expires_on, complaint))
        return fail(EXIT_ERROR, "Get-AzAccessToken: %s", complaint);
    entrasql_status status = strstr(script, "azsdk%") != NULL
                                 ? write_line(&token, expires_on, &out)
                                 : write_json(script, &token, expires_on, &out);
    if (status != ENTRASQL_OK || !tool_print(&out))
        return fail(EXIT_ERROR, "the answer could not be written");
    return 0;
}

static int run_script(const char *script, const tool_place *place)
{
    ES_CLEANUP(es_cleanup_free) char *resource = value_of(script, "ResourceUrl");
    ES_CLEANUP(es_cleanup_free) char *tenant = value_of(script, "TenantId");
    if (tenant == NULL)
        tenant = value_of(script, "$tenantId"); /* Azure Identity for Python; '' when not given */
    tool_session s;
    char complaint[TOOL_COMPLAINT_SIZE];
    int code = check(script);
    if (code != 0)
        return code;
    if (resource == NULL)
        return fail(EXIT_ERROR, "ParserError: ResourceUrl has no value in single quotes.");
    if (!tool_open(place, &s, complaint))
        return fail(EXIT_ERROR, "Get-AzAccessToken: %s", complaint);
    code = s.user == NULL ? fail(EXIT_ERROR, "Get-AzAccessToken: Run Connect-AzAccount to login.")
                          : answer(&s, script, resource, es_str_is_empty(tenant) ? NULL : tenant);
    tool_close(&s);
    return code;
}

int tool_pwsh(int argc, char **argv, const tool_place *place)
{
    const char *encoded = NULL;
    ES_CLEANUP(es_buf_done) es_buf script = ES_BUF_INIT(MAX_SCRIPT);
    int code = parse(argc, argv, &encoded);
    if (code != 0)
        return code;
    if (encoded == NULL || !decode(encoded, &script))
        return fail(EXIT_USAGE, "The value of -EncodedCommand is not UTF-16LE in base64.");
    const char *text = es_buf_cstr(&script);
    return text != NULL ? run_script(text, place) : EXIT_ERROR;
}
