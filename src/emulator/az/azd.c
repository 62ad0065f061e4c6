/* SPDX-License-Identifier: MIT */
/* The stand-in for the Azure Developer CLI: `azd auth token`, complaints in its JSON lines. */
#include "tool.h"

#include "base/base64.h"
#include "crypto/jwt.h"
#include "json/json.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define EXIT_ERROR 1
#define MAX_CLAIMS (64 * 1024)

typedef struct azd_arguments {
    const char *output, *scope, *tenant, *claims;
    bool no_prompt;
} azd_arguments;

static void format_time(int64_t when, char ret[32])
{
    time_t t = (time_t)when;
    struct tm tm;
    if (gmtime_r(&t, &tm) == NULL || strftime(ret, 32, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        ret[0] = 0;
}

/* What it says on standard error: a line of JSON when the output is JSON. */
static int complain(const azd_arguments *a, const char *text)
{
    char message[TOOL_COMPLAINT_SIZE + 32];
    char now[32];
    ES_CLEANUP(es_buf_done) es_buf line = ES_BUF_INIT(16 * 1024);
    if (!es_streq(a->output, "json")) {
        (void)fprintf(stderr, "\nERROR: %s\n", text);
        return EXIT_ERROR;
    }
    (void)snprintf(message, sizeof message, "\nERROR: %s\n", text);
    format_time((int64_t)time(NULL), now);
    json_writer j;
    json_writer_init(&j, &line);
    json_begin_object(&j);
    json_member_put_string(&j, "type", "consoleMessage");
    json_member_put_string(&j, "timestamp", now);
    json_name(&j, "data");
    json_begin_object(&j);
    json_member_put_string(&j, "message", message);
    json_end_object(&j);
    json_end_object(&j);
    if (json_writer_end(&j) == ENTRASQL_OK)
        (void)fwrite(line.data, 1, line.len, stderr);
    (void)fputc('\n', stderr);
    return EXIT_ERROR;
}

static const char **place_of(azd_arguments *a, const char *name, size_t n)
{
    const struct {
        const char *name;
        const char **place;
    } rows[] = {
        {"--output", &a->output},    {"-o", &a->output},       {"--scope", &a->scope},
        {"--tenant-id", &a->tenant}, {"--claims", &a->claims},
    };
    for (size_t i = 0; i < ES_COUNT_OF(rows); i++) {
        if (strlen(rows[i].name) == n && memcmp(rows[i].name, name, n) == 0)
            return rows[i].place;
    }
    return NULL;
}

static int usage(const azd_arguments *a, const char *what, const char *argument)
{
    char text[TOOL_COMPLAINT_SIZE];
    (void)snprintf(text, sizeof text, "%s: %.200s", what, argument);
    return complain(a, text);
}

static int parse(int argc, char **argv, azd_arguments *a)
{
    if (argc < 3 || !es_streq(argv[1], "auth") || !es_streq(argv[2], "token"))
        return usage(a, "unknown command", argc > 1 ? argv[1] : "");
    for (int i = 3; i < argc; i++) {
        size_t n = strcspn(argv[i], "=");
        const char **place = place_of(a, argv[i], n);
        if (es_streq(argv[i], "--no-prompt")) {
            a->no_prompt = true;
            continue;
        }
        if (place == NULL)
            return usage(a, "unknown flag", argv[i]);
        if (*place != NULL)
            return usage(a, "the emulator's azd takes each flag once", argv[i]);
        if (argv[i][n] == '=')
            *place = argv[i] + n + 1;
        else if (i + 1 < argc)
            *place = argv[++i];
        else
            return usage(a, "flag needs an argument", argv[i]);
    }
    if (a->output != NULL && !es_streq(a->output, "json"))
        return usage(a, "unsupported format", a->output);
    return 0;
}

/* A claims challenge in base64; it can only be met by a new sign-in. */
static int refuse_claims(const azd_arguments *a)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(MAX_CLAIMS);
    json_doc *doc = NULL;
    if (es_base64_decode(a->claims, strlen(a->claims), &text) != ENTRASQL_OK ||
        json_doc_parse(text.data, text.len, &doc, NULL) != ENTRASQL_OK)
        return complain(a, "the value of --claims is not JSON in base64");
    json_doc_free(doc);
    return complain(a, "reauthentication required, run `azd auth login` to log in");
}

static int answer(const tool_session *s, const azd_arguments *a)
{
    ES_CLEANUP(es_buf_done) es_buf token = ES_BUF_INIT_WIPE(CRYPTO_JWT_MAX_BYTES);
    ES_CLEANUP(es_buf_done) es_buf out = ES_BUF_INIT_WIPE(2 * CRYPTO_JWT_MAX_BYTES);
    char complaint[TOOL_COMPLAINT_SIZE];
    char until[32];
    int64_t expires_on = 0;
    const char *scope = a->scope != NULL ? a->scope : "https://management.azure.com/.default";
    if (!tool_token(s, scope, true, a->tenant, &token, &expires_on, complaint))
        return complain(a, complaint);
    format_time(expires_on, until);
    json_writer j;
    json_writer_init(&j, &out);
    json_begin_object(&j);
    json_name(&j, "token");
    json_put_text(&j, (const char *)token.data, token.len);
    json_member_put_string(&j, "expiresOn", until);
    json_end_object(&j);
    if (json_writer_end(&j) != ENTRASQL_OK || es_buf_add_str(&out, "\n") != ENTRASQL_OK ||
        !tool_print(&out))
        return complain(a, "the answer could not be written");
    return 0;
}

int tool_azd(int argc, char **argv, const tool_place *place)
{
    azd_arguments a = {NULL, NULL, NULL, NULL, false};
    tool_session s;
    char complaint[TOOL_COMPLAINT_SIZE];
    int code = parse(argc, argv, &a);
    if (code != 0)
        return code;
    if (!tool_open(place, &s, complaint))
        return complain(&a, complaint);
    if (s.user == NULL)
        code = complain(&a, "not logged in, run `azd auth login` to login");
    else
        code = a.claims != NULL ? refuse_claims(&a) : answer(&s, &a);
    tool_close(&s);
    return code;
}
