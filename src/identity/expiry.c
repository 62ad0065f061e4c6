/* SPDX-License-Identifier: MIT */
/* When a token expires, in all the forms that token sources have used over the years. */
#include "identity/reply.h"

#include "base/str.h"
#include "http/text.h"

#include <string.h>

/* A cursor over a date; a step that does not fit makes all later ones fail. */
struct scan {
    const char *at;
    size_t left;
    bool failed;
};

static int number(struct scan *s, size_t min_digits, size_t max_digits)
{
    size_t n = 0;
    while (n < s->left && n < max_digits && es_is_digit(s->at[n]))
        n++;
    uint64_t v = 0;
    if (s->failed || n < min_digits || es_parse_u64(s->at, n, 9999, &v) != ENTRASQL_OK) {
        s->failed = true;
        return 0;
    }
    s->at += n;
    s->left -= n;
    return (int)v;
}

/* Goes on past the text when it is next (ASCII case ignored). */
static bool accept_text(struct scan *s, const char *text)
{
    size_t n = strlen(text);
    if (s->failed || n > s->left || !es_strncaseeq(s->at, text, n))
        return false;
    s->at += n;
    s->left -= n;
    return true;
}

static void expect(struct scan *s, const char *text)
{
    if (!accept_text(s, text))
        s->failed = true;
}

struct date {
    int year;
    int month;
    int day;
    int hour;
    int minute;
    int second;
    int offset_s; /* east of UTC */
};

static void time_of_day(struct scan *s, struct date *d)
{
    d->hour = number(s, 1, 2);
    expect(s, ":");
    d->minute = number(s, 2, 2);
    expect(s, ":");
    d->second = number(s, 2, 2);
    /* Fractions of a second do not matter. */
    if (accept_text(s, "."))
        while (s->left != 0 && es_is_digit(*s->at))
            (void)number(s, 1, 1);
}

/* Nothing, Z, or +hh:mm. */
static void zone(struct scan *s, struct date *d)
{
    (void)accept_text(s, " ");
    bool west = accept_text(s, "-");
    if (!west && !accept_text(s, "+")) {
        (void)accept_text(s, "Z");
        return;
    }
    int hours = number(s, 2, 2);
    expect(s, ":");
    int minutes = number(s, 2, 2);
    if (hours > 23 || minutes > 59)
        s->failed = true;
    d->offset_s = (hours * 3600 + minutes * 60) * (west ? -1 : 1);
}

/* 2024-05-01T13:45:10Z (RFC 3339), 2024-05-01 13:45:10 */
static void year_first(struct scan *s, struct date *d)
{
    d->year = number(s, 4, 4);
    expect(s, "-");
    d->month = number(s, 2, 2);
    expect(s, "-");
    d->day = number(s, 2, 2);
    if (!accept_text(s, "T"))
        expect(s, " ");
    time_of_day(s, d);
    zone(s, d);
}

/* 5/1/2024 1:45:10 PM +00:00, 05/01/2024 13:45:10 */
static void month_first(struct scan *s, struct date *d)
{
    d->month = number(s, 1, 2);
    expect(s, "/");
    d->day = number(s, 1, 2);
    expect(s, "/");
    d->year = number(s, 4, 4);
    expect(s, " ");
    time_of_day(s, d);
    bool pm = accept_text(s, " PM");
    if (pm || accept_text(s, " AM")) {
        if (d->hour < 1 || d->hour > 12)
            s->failed = true;
        d->hour = d->hour % 12 + (pm ? 12 : 0);
    }
    zone(s, d);
}

entrasql_status identity_date_parse(const char *text, size_t n, int64_t *ret)
{
    if (http_date_parse(text, n, ret) == ENTRASQL_OK)
        return ENTRASQL_OK;
    struct scan s = {.at = text, .left = n};
    struct date d = {0};
    if (memchr(text, '/', n) != NULL)
        month_first(&s, &d);
    else
        year_first(&s, &d);
    int64_t seconds;
    if (s.failed || s.left != 0 ||
        http_utc_seconds(d.year, d.month, d.day, d.hour, d.minute, d.second, &seconds) !=
            ENTRASQL_OK)
        return ENTRASQL_MALFORMED;
    *ret = seconds - d.offset_s;
    return ENTRASQL_OK;
}

/* A member that is a number or a string of digits. */
static bool read_number(const json_node *answer, const char *name, int64_t *ret)
{
    const char *text;
    size_t n;
    if (json_member_i64(answer, name, ret) == ENTRASQL_OK)
        return true;
    return json_member_string(answer, name, &text, &n) == ENTRASQL_OK &&
           es_parse_i64(text, n, ret) == ENTRASQL_OK;
}

/* Seconds from now, kept within what any honest source sends. */
static bool read_lifetime(const json_node *answer, const char *name, int64_t *ret)
{
    int64_t v;
    if (!read_number(answer, name, &v))
        return false;
    *ret = v < 0 ? 0 : v > INT32_MAX ? INT32_MAX : v;
    return true;
}

static bool read_expires_on(const json_node *answer, int64_t *ret)
{
    int64_t v;
    const char *text;
    size_t n;
    bool found = read_number(answer, "expires_on", &v);
    if (!found && json_member_string(answer, "expires_on", &text, &n) == ENTRASQL_OK)
        found = identity_date_parse(text, n, &v) == ENTRASQL_OK;
    if (!found || v <= 0 || v > IDENTITY_MAX_EXPIRY)
        return false;
    *ret = v;
    return true;
}

entrasql_status identity_expiry_read(const json_node *answer, int64_t now_s,
                                     int64_t *ret_expires_on, int64_t *ret_refresh_on)
{
    int64_t seconds;
    int64_t expires_on;
    if (read_lifetime(answer, "expires_in", &seconds))
        expires_on = now_s + seconds;
    else if (!read_expires_on(answer, &expires_on))
        return ENTRASQL_MALFORMED;
    bool has_refresh = read_lifetime(answer, "refresh_in", &seconds) && seconds != 0;
    *ret_refresh_on = has_refresh ? now_s + seconds : 0;
    *ret_expires_on = expires_on;
    return ENTRASQL_OK;
}
