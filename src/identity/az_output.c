/* SPDX-License-Identifier: MIT */
/* What the Azure CLI prints, on both streams. */
#include "identity/az_output.h"

#include "base/str.h"
#include "identity/aadsts.h"
#include "identity/internal.h"
#include "identity/redact.h"
#include "identity/reply.h"

#include <string.h>
#include <time.h>

#define SHOWN_OUTPUT 250
#define SHOWN_ERROR 700

static bool field(const char *s, size_t at, size_t n, int *ret)
{
    uint64_t v;
    if (es_parse_u64(s + at, n, 9999, &v) != ENTRASQL_OK)
        return false;
    *ret = (int)v;
    return true;
}

entrasql_status identity_az_local_time(const char *s, size_t n, int64_t *ret)
{
    static const char shape[] = "YYYY-MM-DD hh:mm:ss";
    const size_t seconds_end = sizeof shape - 1;
    if (n < seconds_end || s[4] != '-' || s[7] != '-' || s[10] != ' ' || s[13] != ':' ||
        s[16] != ':')
        return ENTRASQL_MALFORMED;
    if (n > seconds_end && s[seconds_end] != '.')
        return ENTRASQL_MALFORMED;
    for (size_t i = seconds_end + 1; i < n; i++) {
        if (!es_is_digit(s[i]) || n > seconds_end + 10)
            return ENTRASQL_MALFORMED;
    }
    struct tm t;
    memset(&t, 0, sizeof t);
    if (!field(s, 0, 4, &t.tm_year) || !field(s, 5, 2, &t.tm_mon) || !field(s, 8, 2, &t.tm_mday) ||
        !field(s, 11, 2, &t.tm_hour) || !field(s, 14, 2, &t.tm_min) || !field(s, 17, 2, &t.tm_sec))
        return ENTRASQL_MALFORMED;
    if (t.tm_year < 1970 || t.tm_mon < 1 || t.tm_mon > 12 || t.tm_mday < 1 || t.tm_mday > 31 ||
        t.tm_hour > 23 || t.tm_min > 59 || t.tm_sec > 60)
        return ENTRASQL_MALFORMED;
    t.tm_year -= 1900;
    t.tm_mon -= 1;
    /* az does not say whether summer time was in force; the time zone's rules decide. */
    t.tm_isdst = -1;
    time_t when = mktime(&t);
    if (when == (time_t)-1)
        return ENTRASQL_MALFORMED;
    *ret = (int64_t)when;
    return ENTRASQL_OK;
}

static bool read_expiry(const json_node *root, int64_t *ret)
{
    const char *text;
    size_t n;
    int64_t v;
    bool found = json_member_i64(root, "expires_on", &v) == ENTRASQL_OK;
    if (!found && json_member_string(root, "expires_on", &text, &n) == ENTRASQL_OK)
        found = es_parse_i64(text, n, &v) == ENTRASQL_OK;
    if (!found && json_member_string(root, "expiresOn", &text, &n) == ENTRASQL_OK)
        found = identity_az_local_time(text, n, &v) == ENTRASQL_OK ||
                identity_date_parse(text, n, &v) == ENTRASQL_OK;
    if (!found || v <= 0 || v > IDENTITY_MAX_EXPIRY)
        return false;
    *ret = v;
    return true;
}

static bool is_visible(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (s[i] <= 0x20 || s[i] >= 0x7F)
            return false;
    }
    return n != 0;
}

static entrasql_status unreadable(const es_buf *out, const char *what, entrasql_error *err)
{
    char shown[SHOWN_OUTPUT];
    identity_redact(shown, sizeof shown, (const char *)out->data, out->len, NULL);
    es_fail(err, ENTRASQL_AUTH_FAILED, "the output of the Azure CLI %s: %s", what,
            shown[0] != '\0' ? shown : "(nothing)");
    es_hint(err,
            "run `az account get-access-token --output json` by hand; a newer az may be needed");
    return ENTRASQL_AUTH_FAILED;
}

entrasql_status identity_az_output_token(const es_buf *out, const char *source,
                                         entrasql_token **ret, entrasql_error *err)
{
    ES_CLEANUP(json_doc_cleanup) json_doc *doc = NULL;
    entrasql_status status = json_doc_parse(out->data, out->len, &doc, err);
    if (status == ENTRASQL_NOMEM)
        return status;
    if (status != ENTRASQL_OK)
        return unreadable(out, "is not JSON", err);
    const json_node *root = json_doc_root(doc);
    const char *value;
    size_t n;
    int64_t expires_on;
    if (json_member_string(root, "accessToken", &value, &n) != ENTRASQL_OK || !is_visible(value, n))
        return unreadable(out, "holds no accessToken", err);
    if (!read_expiry(root, &expires_on))
        return unreadable(out, "does not say when the token expires", err);
    entrasql_token *token = identity_token_new(value, n, expires_on, 0, source);
    if (token == NULL)
        return es_nomem(err);
    *ret = token;
    return ENTRASQL_OK;
}

static bool not_found(int exit_code, const char *text)
{
    return exit_code == 127 || strstr(text, "az: not found") != NULL ||
           strstr(text, "az: command not found") != NULL ||
           strstr(text, "'az' is not recognized") != NULL;
}

static void hint_failure(uint32_t number, const char *text, entrasql_error *err)
{
    const identity_aadsts *known = identity_aadsts_find(number);
    if (known != NULL)
        es_hint(err, "%s", known->hint);
    else if (strstr(text, "CLIInternalError") != NULL)
        es_hint(err, "an error inside the Azure CLI: sign in again (az login), else upgrade it");
    else
        es_hint(err, "run `az account get-access-token` by hand to see more");
}

entrasql_status identity_az_output_failure(int exit_code, const es_buf *standard_error,
                                           entrasql_error *err)
{
    char text[SHOWN_ERROR];
    identity_redact(text, sizeof text, (const char *)standard_error->data, standard_error->len,
                    NULL);
    if (not_found(exit_code, text)) {
        es_fail(err, ENTRASQL_UNAVAILABLE, "Azure CLI not found on path");
        es_hint(err, "install it, or put the folder of `az` into PATH");
        return ENTRASQL_UNAVAILABLE;
    }
    uint32_t number = identity_aadsts_in_text(text);
    bool wants_login = strstr(text, "az login") != NULL || strstr(text, "az account set") != NULL;
    /* With a number the sign-in exists and Entra refused: the number says more than az's advice. */
    if (wants_login && number == 0) {
        es_fail(err, ENTRASQL_UNAVAILABLE, "Please run 'az login' to set up an account");
        es_hint(err, "run `az login`, and `az account set` if there are several subscriptions");
        return ENTRASQL_UNAVAILABLE;
    }
    const identity_aadsts *known = identity_aadsts_find(number);
    if (exit_code > 128)
        es_fail(err, ENTRASQL_AUTH_FAILED, "the Azure CLI was ended by signal %d: %s",
                exit_code - 128, text);
    else
        es_fail(err, ENTRASQL_AUTH_FAILED, "the Azure CLI failed%s%s (exit code %d): %s",
                known != NULL ? ": " : "", known != NULL ? known->cause : "", exit_code, text);
    hint_failure(number, text, err);
    if (err != NULL)
        err->number = number;
    return ENTRASQL_AUTH_FAILED;
}
