/* SPDX-License-Identifier: MIT */
/* Percent-encoding, form fields and dates of HTTP. */
#include "http/text.h"

#include "base/str.h"

#include <string.h>

entrasql_status http_percent_encode(const char *s, size_t n, es_buf *out)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '-' || c == '.' || c == '_' || c == '~';
        if (plain) {
            ES_TRY(es_buf_u8(out, c));
        } else {
            const char escape[3] = {'%', digits[c >> 4], digits[c & 15]};
            ES_TRY(es_buf_add(out, escape, sizeof escape));
        }
    }
    return ENTRASQL_OK;
}

entrasql_status http_form_add(es_buf *out, const char *name, const char *value)
{
    if (out->len != 0 && out->data[out->len - 1] != '?')
        ES_TRY(es_buf_u8(out, '&'));
    ES_TRY(http_percent_encode(name, strlen(name), out));
    ES_TRY(es_buf_u8(out, '='));
    return http_percent_encode(value, strlen(value), out);
}

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* Days since 1970-01-01; years are counted from March, so that the leap day comes last. */
static int64_t days_since_1970(int year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t m = month <= 2 ? month + 9 : month - 3;
    int64_t leap_days = y / 4 - y / 100 + y / 400;
    int64_t day_of_year = (153 * m + 2) / 5 + day - 1;
    const int64_t to_1970 = 719468;
    return y * 365 + leap_days + day_of_year - to_1970;
}

entrasql_status http_utc_seconds(int year, int month, int day, int hour, int minute, int second,
                                 int64_t *ret)
{
    if (year < 1970 || year > 9999 || month < 1 || month > 12 || day < 1 ||
        day > days_in_month(year, month))
        return ENTRASQL_INVALID;
    /* 60 is a leap second. */
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60)
        return ENTRASQL_INVALID;
    *ret = days_since_1970(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
    return ENTRASQL_OK;
}

int http_month_number(const char *name)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    for (int i = 0; i < 12; i++) {
        if (memcmp(name, names + 3 * i, 3) == 0)
            return i + 1;
    }
    return 0;
}

/* Exactly n digits at s. */
static bool digits(const char *s, size_t n, int *ret)
{
    uint64_t v;
    if (es_parse_u64(s, n, 9999, &v) != ENTRASQL_OK)
        return false;
    *ret = (int)v;
    return true;
}

entrasql_status http_date_parse(const char *s, size_t n, int64_t *ret)
{
    static const char shape[] = "Www, DD Mmm YYYY hh:mm:ss GMT";
    if (n != sizeof shape - 1)
        return ENTRASQL_MALFORMED;
    for (size_t i = 0; i < n; i++) {
        bool literal = strchr(", :GT", shape[i]) != NULL || i >= 26;
        if (literal && s[i] != shape[i])
            return ENTRASQL_MALFORMED;
    }
    int year;
    int day;
    int hour;
    int minute;
    int second;
    int month = http_month_number(s + 8);
    if (month == 0 || !digits(s + 5, 2, &day) || !digits(s + 12, 4, &year) ||
        !digits(s + 17, 2, &hour) || !digits(s + 20, 2, &minute) || !digits(s + 23, 2, &second))
        return ENTRASQL_MALFORMED;
    if (http_utc_seconds(year, month, day, hour, minute, second, ret) != ENTRASQL_OK)
        return ENTRASQL_MALFORMED;
    return ENTRASQL_OK;
}
