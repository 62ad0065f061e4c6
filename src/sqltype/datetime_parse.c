/* SPDX-License-Identifier: MIT */
/* Dates and times out of text, in the many forms that SQL Server takes. */
#include "sqltype/datetime.h"

#include "base/str.h"

#include <string.h>

#define MAX_NUMBERS 3
#define CENTURY_CUTOFF 2049 /* "two digit year cutoff" of the server */

struct number {
    int value;
    size_t digits;
};

struct scan {
    const char *at;
    size_t left;
    bool is_old; /* datetime, smalldatetime: three digits of a fraction, no offset */
    sqldate_order order;
    /* what was found */
    bool has_date;
    bool has_time;
    bool has_offset;
    bool has_t; /* ISO 8601's T stood between date and time */
    int year;
    int month;
    int day;
    int hour;
    int minute;
    int second;
    int32_t fraction;
    int offset;
};

static char peek(const struct scan *s)
{
    return s->left > 0 ? *s->at : '\0';
}

static void advance(struct scan *s, size_t n)
{
    s->at += n;
    s->left -= n;
}

static void skip_blanks(struct scan *s)
{
    while (s->left > 0 && es_is_space(*s->at))
        advance(s, 1);
}

static bool is_letter(char c)
{
    c = es_ascii_lower(c);
    return c >= 'a' && c <= 'z';
}

/* Up to nine digits, so that the value fits. */
static bool take_number(struct scan *s, struct number *ret)
{
    struct number n = {0};

    while (s->left > 0 && es_is_digit(*s->at)) {
        if (++n.digits > 9)
            return false;
        n.value = n.value * 10 + (*s->at - '0');
        advance(s, 1);
    }
    *ret = n;
    return n.digits > 0;
}

static int full_year(struct number n)
{
    if (n.digits > 2)
        return n.value;
    return n.value + (n.value <= CENTURY_CUTOFF % 100 ? 2000 : 1900);
}

/* 1 to 12 for "jan", "January" ...; 0 for another word. */
static int month_of_word(const char *word, size_t n)
{
    static const char *const names[] = {"january",   "february", "march",    "april",
                                        "may",       "june",     "july",     "august",
                                        "september", "october",  "november", "december"};

    for (int i = 0; i < 12; i++) {
        if ((n == 3 || n == strlen(names[i])) && es_strncaseeq(word, names[i], n))
            return i + 1;
    }
    return 0;
}

/* ---- time ---- */

/* ".123": a decimal fraction; ":123": so many thousandths. */
static entrasql_status take_fraction(struct scan *s, char separator)
{
    struct number n;
    int32_t value;

    if (!take_number(s, &n) || n.digits > (s->is_old || separator == ':' ? 3U : 7U))
        return ENTRASQL_MALFORMED;
    value = n.value;
    for (size_t i = separator == ':' ? 3 : n.digits; i < 7; i++)
        value *= 10;
    s->fraction = value;
    return ENTRASQL_OK;
}

/* "am" or "pm", already looked at. */
static entrasql_status take_meridiem(struct scan *s)
{
    bool pm = es_ascii_lower(peek(s)) == 'p';

    advance(s, 2);
    if (s->hour < (pm ? 1 : 0) || s->hour > (pm ? 23 : 12))
        return ENTRASQL_MALFORMED;
    if (pm && s->hour < 12)
        s->hour += 12;
    else if (!pm && s->hour == 12)
        s->hour = 0;
    return ENTRASQL_OK;
}

static bool at_meridiem(const struct scan *s)
{
    char first = es_ascii_lower(peek(s));

    return s->left >= 2 && (first == 'a' || first == 'p') && es_ascii_lower(s->at[1]) == 'm' &&
           (s->left == 2 || !is_letter(s->at[2]));
}

/* Whether a time begins here: digits and then ':' or am/pm. */
static bool at_time(const struct scan *s)
{
    struct scan ahead = *s;
    struct number n;

    if (!take_number(&ahead, &n) || n.digits > 2)
        return false;
    if (peek(&ahead) == ':')
        return true;
    skip_blanks(&ahead);
    return at_meridiem(&ahead);
}

static entrasql_status take_offset(struct scan *s)
{
    struct number hours;
    struct number minutes = {0};
    int sign = peek(s) == '-' ? -1 : 1;

    if (es_ascii_lower(peek(s)) == 'z') {
        advance(s, 1);
        s->has_offset = true;
        /* datetime takes Z only in the form of ISO 8601 */
        return s->is_old && !s->has_t ? ENTRASQL_MALFORMED : ENTRASQL_OK;
    }
    advance(s, 1);
    if (s->is_old || !take_number(s, &hours) || hours.digits > 2 || peek(s) != ':')
        return ENTRASQL_MALFORMED;
    advance(s, 1);
    if (!take_number(s, &minutes) || minutes.digits != 2 || minutes.value > 59)
        return ENTRASQL_MALFORMED;
    s->offset = sign * (hours.value * 60 + minutes.value);
    s->has_offset = true;
    return s->offset < -SQLDATE_MAX_OFFSET || s->offset > SQLDATE_MAX_OFFSET ? ENTRASQL_MALFORMED
                                                                             : ENTRASQL_OK;
}

static entrasql_status take_seconds(struct scan *s)
{
    struct number n;
    char separator;

    if (peek(s) != ':')
        return ENTRASQL_OK;
    advance(s, 1);
    if (!take_number(s, &n) || n.digits > 2)
        return ENTRASQL_MALFORMED;
    s->second = n.value;
    separator = peek(s);
    if (separator != '.' && separator != ':')
        return ENTRASQL_OK;
    advance(s, 1);
    return take_fraction(s, separator);
}

static entrasql_status take_time(struct scan *s)
{
    struct number n;

    if (s->has_time || !take_number(s, &n) || n.digits > 2)
        return ENTRASQL_MALFORMED;
    s->has_time = true;
    s->hour = n.value;
    if (peek(s) == ':') {
        advance(s, 1);
        if (!take_number(s, &n) || n.digits > 2)
            return ENTRASQL_MALFORMED;
        s->minute = n.value;
        ES_TRY(take_seconds(s));
    }
    skip_blanks(s);
    if (at_meridiem(s))
        ES_TRY(take_meridiem(s));
    skip_blanks(s);
    if (peek(s) == '+' || peek(s) == '-' || es_ascii_lower(peek(s)) == 'z')
        ES_TRY(take_offset(s));
    return ENTRASQL_OK;
}

/* ---- date ---- */

static void set_date(struct scan *s, int year, int month, int day)
{
    s->year = year;
    s->month = month;
    s->day = day;
    s->has_date = true;
}

/* 20240102, 240102, 2024. */
static entrasql_status date_of_digits(struct scan *s, struct number n)
{
    if (n.digits == 8)
        set_date(s, n.value / 10000, n.value / 100 % 100, n.value % 100);
    else if (n.digits == 6)
        set_date(s, full_year((struct number){n.value / 10000, 2}), n.value / 100 % 100,
                 n.value % 100);
    else if (n.digits == 4)
        set_date(s, n.value, 1, 1);
    else
        return ENTRASQL_MALFORMED;
    return ENTRASQL_OK;
}

/* Three numbers in the order of SET DATEFORMAT; a year of four digits may stand first or last. */
static entrasql_status date_of_numbers(struct scan *s, const struct number n[3])
{
    static const uint8_t places[][3] = {
        /* where year, month and day stand */
        [SQLDATE_MDY] = {2, 0, 1}, [SQLDATE_DMY] = {2, 1, 0}, [SQLDATE_YMD] = {0, 1, 2},
        [SQLDATE_YDM] = {0, 2, 1}, [SQLDATE_MYD] = {1, 0, 2}, [SQLDATE_DYM] = {1, 2, 0},
    };
    const uint8_t *place = places[s->order];
    bool month_first = place[1] < place[2];

    if (n[0].digits == 4) { /* the newer types read 2024-01-02 as ISO whatever the order is */
        bool ymd = !s->is_old || month_first;
        set_date(s, n[0].value, n[ymd ? 1 : 2].value, n[ymd ? 2 : 1].value);
    } else if (n[2].digits == 4) {
        set_date(s, n[2].value, n[month_first ? 0 : 1].value, n[month_first ? 1 : 0].value);
    } else {
        set_date(s, full_year(n[place[0]]), n[place[1]].value, n[place[2]].value);
    }
    for (int i = 0; i < 3; i++)
        if (n[i].digits > 4 || n[i].digits == 3)
            return ENTRASQL_MALFORMED;
    return ENTRASQL_OK;
}

static entrasql_status take_numeric_date(struct scan *s)
{
    struct number n[MAX_NUMBERS];
    char separator;

    if (!take_number(s, &n[0]))
        return ENTRASQL_MALFORMED;
    separator = peek(s);
    if (separator != '-' && separator != '/' && separator != '.')
        return date_of_digits(s, n[0]);
    for (int i = 1; i < MAX_NUMBERS; i++) {
        if (peek(s) != separator)
            return ENTRASQL_MALFORMED;
        advance(s, 1);
        if (!take_number(s, &n[i]))
            return ENTRASQL_MALFORMED;
    }
    ES_TRY(date_of_numbers(s, n));
    if (es_ascii_lower(peek(s)) == 't' && s->left > 1 && es_is_digit(s->at[1])) {
        advance(s, 1);
        s->has_t = true;
        if (!at_time(s))
            return ENTRASQL_MALFORMED;
        return take_time(s);
    }
    return ENTRASQL_OK;
}

static void skip_date_separators(struct scan *s)
{
    while (s->left > 0 && (es_is_space(*s->at) || *s->at == ',' || *s->at == '-'))
        advance(s, 1);
}

/* "Jan 2 2024", "2 January 2024", "2024 Jan 2", "Jan 2024": numbers before and after the word. */
static entrasql_status take_named_date(struct scan *s)
{
    struct number n[2] = {{0}};
    int count = 0;
    int month = 0;
    int year = 0;
    int day = 1;
    bool has_day = false;

    while (count + (month != 0) < 3) {
        size_t letters = 0;
        skip_date_separators(s);
        while (letters < s->left && is_letter(s->at[letters]))
            letters++;
        if (letters > 0 && month == 0) {
            month = month_of_word(s->at, letters);
            if (month == 0)
                return ENTRASQL_MALFORMED;
            advance(s, letters);
        } else if (letters == 0 && count < 2 && es_is_digit(peek(s)) && !at_time(s)) {
            if (!take_number(s, &n[count++]))
                return ENTRASQL_MALFORMED;
        } else {
            break;
        }
    }
    if (month == 0 || count == 0)
        return ENTRASQL_MALFORMED;
    for (int i = 0; i < count; i++) { /* the year has four digits, or stands last */
        if (n[i].digits == 4 || (i == 1 && year == 0)) {
            year = full_year(n[i]);
        } else {
            day = n[i].value;
            has_day = true;
        }
    }
    if (year == 0 || (count == 2 && !has_day))
        return ENTRASQL_MALFORMED;
    set_date(s, year, month, day);
    return ENTRASQL_OK;
}

/* Whether letters (a month's name) belong to the date that begins here. */
static bool date_has_word(const struct scan *s)
{
    size_t i = 0;

    while (i < s->left &&
           (es_is_digit(s->at[i]) || es_is_space(s->at[i]) || s->at[i] == ',' || s->at[i] == '-'))
        i++;
    /* not the T of ISO 8601 and not am/pm after a time */
    return i < s->left && is_letter(s->at[i]) && s->left - i >= 3 && is_letter(s->at[i + 1]) &&
           is_letter(s->at[i + 2]);
}

static entrasql_status take_part(struct scan *s)
{
    if (at_time(s))
        return take_time(s);
    if (s->has_date)
        return ENTRASQL_MALFORMED;
    if (date_has_word(s))
        return take_named_date(s);
    return take_numeric_date(s);
}

entrasql_status sqldate_parse(const char *text, size_t n, sqltype type, sqldate_order order,
                              int64_t *ret_ticks, int16_t *ret_offset)
{
    struct scan s = {.at = text, .left = n, .order = order};
    sqldate_parts parts;
    int64_t ticks;

    s.is_old = type.id == SQLTYPE_DATETIME || type.id == SQLTYPE_SMALLDATETIME;
    set_date(&s, 1900, 1, 1);
    s.has_date = false;
    for (skip_blanks(&s); s.left > 0; skip_blanks(&s))
        ES_TRY(take_part(&s));
    parts = (sqldate_parts){.year = s.year,
                            .month = s.month,
                            .day = s.day,
                            .hour = s.hour,
                            .minute = s.minute,
                            .second = s.second,
                            .fraction = s.fraction};
    ES_TRY(sqldate_from_parts(&parts, &ticks));
    if (type.id == SQLTYPE_TIME)
        ticks %= SQLTYPE_TICKS_PER_DAY;
    if (type.id == SQLTYPE_DATETIMEOFFSET)
        ticks -= s.offset * SQLDATE_TICKS_PER_MINUTE;
    ES_TRY(sqldate_fit(ticks, type, &ticks));
    *ret_ticks = ticks;
    if (ret_offset != NULL)
        *ret_offset = (int16_t)s.offset;
    return ENTRASQL_OK;
}
