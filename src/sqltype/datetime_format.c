/* SPDX-License-Identifier: MIT */
/* Dates and times as text: CAST's default forms and the styles of CONVERT. */
#include "sqltype/datetime.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const month_names[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

struct formatting {
    const sqlvalue *value;
    sqldate_parts p; /* local time */
    int fraction_digits;
    char *dst;
    size_t size;
    size_t len;
};

static void __attribute__((format(printf, 2, 3))) put(struct formatting *f, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(f->dst + f->len, f->size - f->len, fmt, ap);
    va_end(ap);
    if (n > 0)
        f->len += (size_t)n < f->size - f->len ? (size_t)n : f->size - f->len - 1;
}

static bool is_newer(const struct formatting *f)
{
    return f->value->type.id != SQLTYPE_DATETIME && f->value->type.id != SQLTYPE_SMALLDATETIME;
}

/* ".678" with the digits of the type; datetime always shows thousandths, rounded. */
static void put_fraction(struct formatting *f, char separator)
{
    int32_t value = f->p.fraction;

    if (f->fraction_digits == 0)
        return;
    for (int i = 7; i > f->fraction_digits; i--)
        value = i == f->fraction_digits + 1 ? (value + 5) / 10 : value / 10;
    put(f, "%c%0*d", separator, f->fraction_digits, (int)value);
}

static void put_offset(struct formatting *f)
{
    int minutes = f->value->offset_minutes;

    if (f->value->type.id != SQLTYPE_DATETIMEOFFSET)
        return;
    put(f, " %c%02d:%02d", minutes < 0 ? '-' : '+', (minutes < 0 ? -minutes : minutes) / 60,
        (minutes < 0 ? -minutes : minutes) % 60);
}

static bool has_date(const struct formatting *f)
{
    return f->value->type.id != SQLTYPE_TIME;
}

static bool has_time(const struct formatting *f)
{
    return f->value->type.id != SQLTYPE_DATE;
}

static void put_clock(struct formatting *f, bool fraction)
{
    put(f, "%02d:%02d:%02d", f->p.hour, f->p.minute, f->p.second);
    if (fraction)
        put_fraction(f, '.');
}

/* 3:04AM, or with seconds and fraction 3:04:05:678AM. */
static void put_meridiem(struct formatting *f, bool seconds)
{
    int hour = f->p.hour % 12 == 0 ? 12 : f->p.hour % 12;

    put(f, "%2d:%02d", hour, f->p.minute);
    if (seconds) {
        put(f, ":%02d", f->p.second);
        put_fraction(f, is_newer(f) ? '.' : ':');
    }
    put(f, "%s", f->p.hour < 12 ? "AM" : "PM");
}

/* Styles 0 and 9: words and am/pm. */
static void put_words(struct formatting *f, bool seconds)
{
    if (has_date(f))
        put(f, "%s %2d %04d", month_names[f->p.month - 1], f->p.day, f->p.year);
    if (!has_time(f))
        return;
    if (has_date(f))
        put(f, " ");
    put_meridiem(f, seconds);
    put_offset(f);
}

/* Styles 20, 21, 120, 121 and the default of the newer types. */
static void put_odbc(struct formatting *f, bool fraction)
{
    if (has_date(f))
        put(f, "%04d-%02d-%02d", f->p.year, f->p.month, f->p.day);
    if (has_date(f) && has_time(f))
        put(f, " ");
    if (has_time(f))
        put_clock(f, fraction);
    put_offset(f);
}

/* Styles 126 and 127. A datetime without a fraction shows none. */
static void put_iso(struct formatting *f, bool zulu)
{
    if (has_date(f))
        put(f, "%04d-%02d-%02d", f->p.year, f->p.month, f->p.day);
    if (has_date(f) && has_time(f))
        put(f, "T");
    if (has_time(f))
        put_clock(f, is_newer(f) || f->p.fraction != 0);
    if (f->value->type.id == SQLTYPE_DATETIMEOFFSET) {
        if (zulu)
            put(f, "Z");
        else
            put_offset(f);
    }
    for (size_t i = 0; i + 1 < f->len; i++) /* ISO 8601 has no blank before the offset */
        if (f->dst[i] == ' ') {
            memmove(f->dst + i, f->dst + i + 1, f->len - i);
            f->len--;
        }
}

/* Date-only styles: order of the parts, separator. */
static bool put_date_style(struct formatting *f, int style)
{
    static const struct date_style {
        uint8_t style;
        char order[4]; /* y, m, d; b: month's name */
        char separator;
    } styles[] = {
        {1, "mdy", '/'},  {2, "ymd", '.'},   {3, "dmy", '/'},  {4, "dmy", '.'},
        {5, "dmy", '-'},  {6, "dby", ' '},   {7, "bdy", ' '},  {10, "mdy", '-'},
        {11, "ymd", '/'}, {12, "ymd", '\0'}, {23, "ymd", '-'},
    };
    bool century = style >= 100 || style == 23;
    int wanted = style >= 100 ? style - 100 : style;

    if (style == 123)
        return false;
    for (size_t i = 0; i < ES_COUNT_OF(styles); i++) {
        if (styles[i].style != wanted)
            continue;
        for (int j = 0; j < 3; j++) {
            char part = styles[i].order[j];
            if (j > 0 && styles[i].separator != '\0')
                put(f, "%s%c", wanted == 7 && j == 2 ? "," : "", styles[i].separator);
            if (part == 'y')
                put(f, century ? "%04d" : "%02d", century ? f->p.year : f->p.year % 100);
            else if (part == 'b')
                put(f, "%s", month_names[f->p.month - 1]);
            else
                put(f, "%02d", part == 'm' ? f->p.month : f->p.day);
        }
        return true;
    }
    return false;
}

static entrasql_status put_style(struct formatting *f, int style)
{
    switch (style) {
    case 0:
    case 100:
        put_words(f, false);
        return ENTRASQL_OK;
    case 9:
    case 109:
        put_words(f, true);
        return ENTRASQL_OK;
    case 13:
    case 113:
        if (has_date(f))
            put(f, "%02d %s %04d%s", f->p.day, month_names[f->p.month - 1], f->p.year,
                has_time(f) ? " " : "");
        if (has_time(f)) {
            put_clock(f, false);
            put_fraction(f, is_newer(f) ? '.' : ':');
        }
        return ENTRASQL_OK;
    case 8:
    case 24:
    case 108:
        put_clock(f, false);
        return ENTRASQL_OK;
    case 14:
    case 114:
        put_clock(f, false);
        put_fraction(f, is_newer(f) ? '.' : ':');
        return ENTRASQL_OK;
    case 20:
    case 120:
        put_odbc(f, false);
        return ENTRASQL_OK;
    case 21:
    case 25:
    case 121:
        put_odbc(f, true);
        return ENTRASQL_OK;
    case 22:
        put(f, "%02d/%02d/%02d ", f->p.month, f->p.day, f->p.year % 100);
        put(f, "%2d:%02d:%02d %s", f->p.hour % 12 == 0 ? 12 : f->p.hour % 12, f->p.minute,
            f->p.second, f->p.hour < 12 ? "AM" : "PM");
        return ENTRASQL_OK;
    case 126:
    case 127:
        put_iso(f, style == 127);
        return ENTRASQL_OK;
    default:
        return put_date_style(f, style) ? ENTRASQL_OK : ENTRASQL_INVALID;
    }
}

entrasql_status sqldate_format(const sqlvalue *v, int style, char *dst, size_t size)
{
    struct formatting f = {.value = v, .dst = dst, .size = size};
    int64_t ticks = v->u.ticks;
    bool is_old = v->type.id == SQLTYPE_DATETIME || v->type.id == SQLTYPE_SMALLDATETIME;

    if (v->type.id == SQLTYPE_DATETIMEOFFSET && style != 127)
        ticks += v->offset_minutes * SQLDATE_TICKS_PER_MINUTE;
    if (ticks < 0 || ticks >= SQLDATE_END_TICKS || size == 0)
        return ENTRASQL_INVALID;
    sqldate_to_parts(ticks, &f.p);
    f.fraction_digits = is_old ? 3 : v->type.id == SQLTYPE_DATE ? 0 : v->type.scale;
    if (style == SQLDATE_STYLE_DEFAULT)
        style = is_old ? 0 : SQLDATE_STYLE_ODBC;
    dst[0] = '\0';
    return put_style(&f, style);
}
