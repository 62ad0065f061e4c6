/* SPDX-License-Identifier: MIT */
/* entrasql token: a token, or what is in it. */
#include "cli/cli.h"

#include "base/base64.h"
#include "base/mem.h"
#include "base/str.h"
#include "identity/claims.h"
#include "json/json.h"

#include <string.h>
#include <time.h>

#define OUTPUT_MAX_BYTES (4 * 1024 * 1024)

static const conf_option options[] = {
    {.name = "resource",
     .type = CONF_OPTION_TEXT,
     .value_name = "sql|arm|URI",
     .default_value = "sql",
     .help = "what the token is for"},
    CLI_CREDENTIAL_OPTIONS_AND("trusted certificates (PEM) in place of the system's"),
    {.name = "timeout",
     .type = CONF_OPTION_NUMBER,
     .value_name = "SECONDS",
     .min = 1,
     .max = 3600,
     .help = "how long getting it may take (default: 100)"},
    {.name = "claims-challenge",
     .type = CONF_OPTION_TEXT,
     .value_name = "JSON",
     .help = "what a resource or Entra asks for, also in base64 as headers have it"},
    {.name = "cae",
     .type = CONF_OPTION_FLAG,
     .help = "the resource handles continuous access evaluation"},
    {.name = "claims", .type = CONF_OPTION_FLAG, .help = "show what the token says, not the token"},
    {.name = "json", .type = CONF_OPTION_FLAG, .help = "print JSON"},
    CLI_OPTION_HELP,
    {0},
};

static const conf_command command = {
    .name = "entrasql token",
    .summary = "Prints an access token, got as DefaultAzureCredential gets it on this machine.",
    .options = options,
    .notes = "The token is a password for about an hour: do not put it into files or arguments.",
};

/* "sql", "arm" or a resource URI as the scope that asks for it. The caller frees. */
static entrasql_status scope_of(const char *resource, char **ret, entrasql_error *err)
{
    static const char suffix[] = "/.default";
    ES_CLEANUP(es_buf_done) es_buf scope = ES_BUF_INIT(4096);
    entrasql_status status = ENTRASQL_OK;

    if (es_streq(resource, "sql"))
        status = es_buf_add_str(&scope, ENTRASQL_SCOPE_SQL);
    else if (es_streq(resource, "arm"))
        status = es_buf_add_str(&scope, ENTRASQL_SCOPE_ARM);
    else if (es_ends_with(resource, suffix))
        status = es_buf_add_str(&scope, resource);
    else {
        size_t n = strlen(resource);
        while (n != 0 && resource[n - 1] == '/')
            n--;
        status = es_buf_add(&scope, resource, n);
        if (status == ENTRASQL_OK)
            status = es_buf_add_str(&scope, suffix);
    }
    if (status == ENTRASQL_LIMIT)
        return es_fail(err, ENTRASQL_INVALID, "--resource is too long");
    *ret = status == ENTRASQL_OK ? es_buf_take(&scope, NULL) : NULL;
    return *ret != NULL ? ENTRASQL_OK : es_nomem(err);
}

/* A WWW-Authenticate header has it in base64 of either alphabet. */
static entrasql_status challenge_of(const char *text, es_buf *decoded, const char **ret,
                                    entrasql_error *err)
{
    *ret = text;
    if (text == NULL || text[0] == '{')
        return ENTRASQL_OK;
    size_t n = strlen(text);
    entrasql_status status = es_base64_decode(text, n, decoded);
    if (status == ENTRASQL_MALFORMED)
        status = es_base64url_decode(text, n, decoded);
    if (status == ENTRASQL_NOMEM)
        return es_nomem(err);
    *ret = status == ENTRASQL_OK ? es_buf_cstr(decoded) : NULL;
    if (*ret != NULL && strlen(*ret) == decoded->len)
        return ENTRASQL_OK;
    return es_fail(err, ENTRASQL_INVALID, "--claims-challenge is neither JSON nor base64 of it");
}

static entrasql_status get_token(const conf_args *args, entrasql_token **ret, entrasql_error *err)
{
    cli_credential_options credential_options;
    ES_CLEANUP(es_cleanup_free) char *scope = NULL;
    entrasql_credential *credential = NULL;

    ES_CLEANUP(es_buf_done) es_buf decoded = ES_BUF_INIT(64 * 1024);
    const char *challenge = NULL;
    ES_TRY(challenge_of(conf_args_text(args, "claims-challenge"), &decoded, &challenge, err));
    cli_credential_read(args, &credential_options);
    ES_TRY(scope_of(conf_args_text(args, "resource"), &scope, err));
    ES_TRY(cli_credential_new(&credential_options, &credential, err));
    const entrasql_token_request request = {
        .size = sizeof request,
        .scope = scope,
        .timeout_ms = conf_args_number(args, "timeout") * 1000,
        .claims = challenge,
        .enable_cae = conf_args_flag(args, "cae"),
    };
    entrasql_status status = entrasql_credential_get_token(credential, &request, ret, err);
    entrasql_credential_unref(credential);
    return status;
}

static void format_time(int64_t seconds, char ret[32])
{
    time_t t = (time_t)seconds;
    struct tm tm;
    if (gmtime_r(&t, &tm) == NULL || strftime(ret, 32, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        es_strlcpy_utf8(ret, 32, "?");
}

static entrasql_status add_line(es_buf *out, const char *name, const char *value)
{
    if (value[0] == '\0')
        return ENTRASQL_OK;
    return es_buf_printf(out, "%-10s %s\n", name, value);
}

static entrasql_status add_time(es_buf *out, const char *name, int64_t seconds)
{
    char text[32];
    if (seconds == 0)
        return ENTRASQL_OK;
    format_time(seconds, text);
    return add_line(out, name, text);
}

/* The claims that people look for, in words. */
static entrasql_status print_claims(const entrasql_token *token, es_buf *out, entrasql_error *err)
{
    identity_claims c;
    ES_TRY(identity_claims_read(entrasql_token_value(token), &c, err));
    ES_TRY(add_line(out, "source", entrasql_token_source(token)));
    ES_TRY(add_line(out, "audience", c.aud));
    ES_TRY(add_line(out, "issuer", c.iss));
    ES_TRY(add_line(out, "tenant", c.tid));
    ES_TRY(add_line(out, "kind", c.idtyp));
    ES_TRY(add_line(out, "user", c.upn));
    ES_TRY(add_line(out, "client id", c.appid));
    ES_TRY(add_line(out, "object id", c.oid));
    ES_TRY(add_line(out, "identity", c.miri));
    ES_TRY(add_time(out, "issued", c.iat));
    ES_TRY(add_time(out, "valid from", c.nbf));
    return add_time(out, "expires", c.exp);
}

static entrasql_status print_json(const entrasql_token *token, bool claims, es_buf *out,
                                  entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf claims_text = ES_BUF_INIT(OUTPUT_MAX_BYTES / 2);
    json_writer w;

    if (claims)
        ES_TRY(identity_claims_json(entrasql_token_value(token), &claims_text, err));
    json_writer_init(&w, out);
    json_begin_object(&w);
    if (claims) {
        json_name(&w, "claims");
        json_put_raw(&w, (const char *)claims_text.data, claims_text.len);
    } else {
        json_member_put_string(&w, "accessToken", entrasql_token_value(token));
    }
    json_member_put_i64(&w, "expiresOn", entrasql_token_expires_on(token));
    json_member_put_string(&w, "source", entrasql_token_source(token));
    json_end_object(&w);
    ES_TRY(json_writer_end(&w));
    return es_buf_u8(out, '\n');
}

static entrasql_status print_token(const conf_args *args, const entrasql_token *token, es_buf *out,
                                   entrasql_error *err)
{
    bool claims = conf_args_flag(args, "claims");
    if (conf_args_flag(args, "json"))
        return print_json(token, claims, out, err);
    if (claims)
        return print_claims(token, out, err);
    return es_buf_printf(out, "%s\n", entrasql_token_value(token));
}

int cli_token(const cli_terminal *t, int argc, char **argv)
{
    ES_CLEANUP(es_buf_done) es_buf out = ES_BUF_INIT_WIPE(OUTPUT_MAX_BYTES);
    conf_args args;
    entrasql_error err;
    entrasql_token *token = NULL;
    int exit_code = 0;

    if (!cli_parse(t, &command, argc, argv, &args, &exit_code))
        return exit_code;
    entrasql_status status = get_token(&args, &token, &err);
    if (status != ENTRASQL_OK)
        return cli_report(t, &err);
    es_error_clear(&err);
    status = print_token(&args, token, &out, &err);
    entrasql_token_free(token);
    if (status == ENTRASQL_OK)
        status = cli_write(t, &out, &err);
    else if (err.status == ENTRASQL_OK)
        es_fail(&err, status, "the token cannot be shown");
    return status == ENTRASQL_OK ? 0 : cli_report(t, &err);
}
