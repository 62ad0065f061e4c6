/* SPDX-License-Identifier: MIT */
/* What the Azure CLI prints, on both streams. */
#include "identity/az_output.h"

#include "base/str.h"
#include "identity/redact.h"
#include "identity/reply.h"

#include <string.h>
#include <time.h>

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

static entrasql_status date(const char *s, size_t n, int64_t *ret)
{
    entrasql_status status = identity_az_local_time(s, n, ret);
    return status == ENTRASQL_OK ? status : identity_date_parse(s, n, ret);
}

static const char no_account[] = "Please run 'az login' to set up an account";
static const char sign_in[] =
    "run `az login`, and `az account set` if there are several subscriptions";

static const identity_symptom symptoms[] = {
    {"az login", ENTRASQL_UNAVAILABLE, no_account, sign_in},
    {"az account set", ENTRASQL_UNAVAILABLE, no_account, sign_in},
    {"CLIInternalError", ENTRASQL_AUTH_FAILED, NULL,
     "an error inside the Azure CLI: sign in again (az login), else upgrade it"},
    {NULL, ENTRASQL_OK, NULL, NULL},
};

const identity_tool_words identity_az_words = {
    .credential = "AzureCliCredential",
    .title = "the Azure CLI",
    .name = "Azure CLI",
    .program = "az",
    .by_hand = "az account get-access-token --output json",
    .sign_in = "sign in again (az login)",
    .install = "install it, or put the folder of `az` into PATH",
    .value = "accessToken",
    .expiry = {"expires_on", "expiresOn"},
    .date = date,
    .symptoms = symptoms,
};

entrasql_status identity_az_output_failure(int exit_code, const es_buf *standard_error,
                                           entrasql_error *err)
{
    char text[IDENTITY_SHOWN_ERROR];
    identity_redact(text, sizeof text, (const char *)standard_error->data, standard_error->len,
                    NULL);
    return identity_output_failure(&identity_az_words, exit_code, text, err);
}
