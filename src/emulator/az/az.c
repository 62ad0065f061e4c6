/* SPDX-License-Identifier: MIT */
/*
 * The stand-in for the Azure CLI: one command, strictly read, answered for the
 * person in whose directory it was started.
 */
#include "tool.h"

#include "crypto/jwt.h"
#include "emulator/world/token.h"
#include "json/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define EXIT_ERROR 1
#define EXIT_USAGE 2 /* what az ends with when it does not understand its arguments */

/* ---- the command line ---- */

typedef struct az_arguments {
    const char *output, *resource, *scope, *tenant, *subscription;
} az_arguments;

static int fail(int code, const char *fmt, ...) ES_PRINTF(2, 3);

static int fail(int code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    (void)fputs("ERROR: ", stderr);
    (void)vfprintf(stderr, fmt, ap);
    (void)fputc('\n', stderr);
    va_end(ap);
    return code;
}

static const char **option_place(az_arguments *a, const char *name, size_t n)
{
    const struct {
        const char *name;
        const char **place;
    } rows[] = {
        {"--output", &a->output},
        {"-o", &a->output},
        {"--resource", &a->resource},
        {"--scope", &a->scope},
        {"--tenant", &a->tenant},
        {"-t", &a->tenant},
        {"--subscription", &a->subscription},
    };
    for (size_t i = 0; i < ES_COUNT_OF(rows); i++) {
        if (strlen(rows[i].name) == n && memcmp(rows[i].name, name, n) == 0)
            return rows[i].place;
    }
    return NULL;
}

/* Options as "--name value" and "--name=value"; 0 when all is well. */
static int parse_options(int argc, char **argv, az_arguments *a)
{
    for (int i = 0; i < argc; i++) {
        size_t n = strcspn(argv[i], "=");
        const char **place = option_place(a, argv[i], n);
        const char *value = argv[i][n] == '=' ? argv[i] + n + 1 : NULL;
        if (place == NULL)
            return fail(EXIT_USAGE, "unrecognized arguments: %s", argv[i]);
        if (value == NULL && i + 1 < argc && argv[i + 1][0] != '-')
            value = argv[++i];
        if (value == NULL)
            return fail(EXIT_USAGE, "argument %.*s: expected one argument", (int)n, argv[i]);
        if (*place != NULL)
            return fail(EXIT_USAGE, "argument %.*s: given twice", (int)n, argv[i]);
        *place = value;
    }
    return 0;
}

static int check_options(const az_arguments *a)
{
    if (a->output != NULL && !es_streq(a->output, "json"))
        return fail(EXIT_USAGE,
                    "argument --output/-o: '%s' is not a valid value for '--output'. "
                    "The emulator's az writes json.",
                    a->output);
    if (a->resource != NULL && a->scope != NULL)
        return fail(EXIT_USAGE, "resource and scopes can't be provided at the same time.");
    if (a->resource == NULL && a->scope == NULL)
        return fail(EXIT_USAGE, "the emulator's az needs --resource or --scope.");
    if (a->tenant != NULL && a->subscription != NULL)
        return fail(EXIT_ERROR, "Please specify only one of subscription and tenant, not both");
    return 0;
}

static int parse_arguments(int argc, char **argv, az_arguments *a)
{
    if (argc < 3 || !es_streq(argv[1], "account") || !es_streq(argv[2], "get-access-token")) {
        return fail(EXIT_USAGE,
                    "'%s' is misspelled or not recognized by the system. The "
                    "emulator's az knows 'account get-access-token' only.",
                    argc < 2                                   ? ""
                    : argc > 2 && es_streq(argv[1], "account") ? argv[2]
                                                               : argv[1]);
    }
    int code = parse_options(argc - 3, argv + 3, a);
    return code != 0 ? code : check_options(a);
}

/* ---- the answer ---- */

static int check_subscription(const world *w, const az_arguments *a)
{
    const world_subscription *s = world_get_subscription(w);
    if (a->subscription == NULL || es_strcaseeq(a->subscription, s->id) ||
        es_strcaseeq(a->subscription, s->name))
        return 0;
    return fail(EXIT_ERROR,
                "Subscription '%s' not found. Check the spelling and casing and try again.",
                a->subscription);
}

/* az writes local time without a zone here, and the number only since 2.54. */
static void format_local(int64_t when, char *ret, size_t size)
{
    time_t t = (time_t)when;
    struct tm tm;
    if (localtime_r(&t, &tm) == NULL || strftime(ret, size, "%Y-%m-%d %H:%M:%S.000000", &tm) == 0)
        ret[0] = 0;
}

static entrasql_status write_answer(const world *w, const world_principal *user,
                                    const az_arguments *a, const es_buf *token, int64_t expires_on,
                                    es_buf *out)
{
    char local[40];
    format_local(expires_on, local, sizeof local);
    json_writer j;
    json_writer_init(&j, out);
    json_begin_object(&j);
    json_name(&j, "accessToken");
    json_put_text(&j, (const char *)token->data, token->len);
    json_member_put_string(&j, "expiresOn", local);
    json_member_put_i64(&j, "expires_on", expires_on);
    if (a->tenant == NULL)
        json_member_put_string(&j, "subscription", world_get_subscription(w)->id);
    json_member_put_string(&j, "tenant", user->tenant->id);
    json_member_put_string(&j, "tokenType", "Bearer");
    json_end_object(&j);
    ES_TRY(json_writer_end(&j));
    return es_buf_add_str(out, "\n");
}

static int answer(const tool_session *s, const az_arguments *a)
{
    ES_CLEANUP(es_buf_done) es_buf token = ES_BUF_INIT_WIPE(CRYPTO_JWT_MAX_BYTES);
    ES_CLEANUP(es_buf_done) es_buf out = ES_BUF_INIT_WIPE(2 * CRYPTO_JWT_MAX_BYTES);
    char complaint[TOOL_COMPLAINT_SIZE];
    int64_t expires_on = 0;
    int code = check_subscription(s->w, a);
    if (code != 0)
        return code;
    /* az wants a resource or a scope; both name the resource here. */
    const char *named = a->resource != NULL ? a->resource : a->scope;
    if (!tool_token(s, named, a->resource == NULL, a->tenant, &token, &expires_on, complaint))
        return fail(EXIT_ERROR, "%s", complaint);
    if (write_answer(s->w, s->user, a, &token, expires_on, &out) != ENTRASQL_OK ||
        !tool_print(&out))
        return fail(EXIT_ERROR, "the answer could not be written");
    return 0;
}

int tool_az(int argc, char **argv, const tool_place *place)
{
    az_arguments a = {0};
    tool_session s;
    char complaint[TOOL_COMPLAINT_SIZE];
    int code = parse_arguments(argc, argv, &a);
    if (code != 0)
        return code;
    if (!tool_open(place, &s, complaint))
        return fail(EXIT_ERROR, "%s", complaint);
    code = s.user == NULL ? fail(EXIT_ERROR, "Please run 'az login' to setup account.")
                          : answer(&s, &a);
    tool_close(&s);
    return code;
}
