/* SPDX-License-Identifier: MIT */
/* The calendar, and what each date and time type holds. */
#include "sqltype/datetime.h"

static const uint8_t month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

bool sqldate_is_leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int sqldate_days_in_month(int year, int month)
{
    if (month < 1 || month > 12)
        return 0;
    return month_days[month - 1] + (month == 2 && sqldate_is_leap(year));
}

/* Days from 0001-01-01 to the first day of the year. */
static int64_t days_before_year(int year)
{
    int64_t y = year - 1;

    return y * 365 + y / 4 - y / 100 + y / 400;
}

entrasql_status sqldate_from_parts(const sqldate_parts *parts, int64_t *ret_ticks)
{
    int64_t days;
    int64_t seconds;

    if (parts->year < 1 || parts->year > 9999 || parts->day < 1 ||
        parts->day > sqldate_days_in_month(parts->year, parts->month) || parts->hour < 0 ||
        parts->hour > 23 || parts->minute < 0 || parts->minute > 59 || parts->second < 0 ||
        parts->second > 59 || parts->fraction < 0 || parts->fraction >= SQLTYPE_TICKS_PER_SECOND)
        return ENTRASQL_LIMIT;
    days = days_before_year(parts->year) + parts->day - 1;
    for (int m = 1; m < parts->month; m++)
        days += sqldate_days_in_month(parts->year, m);
    seconds = ((int64_t)parts->hour * 60 + parts->minute) * 60 + parts->second;
    *ret_ticks =
        days * SQLTYPE_TICKS_PER_DAY + seconds * SQLTYPE_TICKS_PER_SECOND + parts->fraction;
    return ENTRASQL_OK;
}

void sqldate_to_parts(int64_t ticks, sqldate_parts *ret)
{
    int64_t days = ticks / SQLTYPE_TICKS_PER_DAY;
    int64_t rest = ticks % SQLTYPE_TICKS_PER_DAY;
    /* A guess that is never too late by more than a year, then put right. */
    int year = (int)(days * 400 / 146097) + 1;
    int month = 1;

    while (days_before_year(year + 1) <= days)
        year++;
    while (days_before_year(year) > days)
        year--;
    days -= days_before_year(year);
    while (days >= sqldate_days_in_month(year, month)) {
        days -= sqldate_days_in_month(year, month);
        month++;
    }
    *ret = (sqldate_parts){.year = year, .month = month, .day = (int)days + 1};
    ret->fraction = (int32_t)(rest % SQLTYPE_TICKS_PER_SECOND);
    rest /= SQLTYPE_TICKS_PER_SECOND;
    ret->second = (int)(rest % 60);
    ret->minute = (int)(rest / 60 % 60);
    ret->hour = (int)(rest / 3600);
}

int sqldate_weekday(int64_t ticks)
{
    return (int)((ticks / SQLTYPE_TICKS_PER_DAY + 1) % 7); /* 0001-01-01 was a Monday */
}

uint32_t sqldate_to_300ths(int64_t ticks_of_day)
{
    return (uint32_t)((ticks_of_day * 3 + 50000) / 100000);
}

int64_t sqldate_from_300ths(uint32_t count)
{
    return ((int64_t)count * 100000 + 1) / 3;
}

/* ---- ranges and rounding ---- */

bool sqldate_has_local(int64_t utc_ticks, int16_t offset_minutes)
{
    int64_t local = utc_ticks + offset_minutes * SQLDATE_TICKS_PER_MINUTE;

    return local >= 0 && local < SQLDATE_END_TICKS;
}

static int64_t round_to(int64_t ticks, int64_t unit)
{
    return (ticks + unit / 2) / unit * unit;
}

static int64_t unit_of_scale(uint8_t scale)
{
    int64_t unit = SQLTYPE_TICKS_PER_SECOND;

    while (scale-- > 0 && unit > 1)
        unit /= 10;
    return unit;
}

static entrasql_status in_range(int64_t ticks, int64_t first, int64_t end, int64_t *ret)
{
    if (ticks < first || ticks >= end)
        return ENTRASQL_LIMIT;
    *ret = ticks;
    return ENTRASQL_OK;
}

static entrasql_status fit_datetime(int64_t ticks, int64_t *ret)
{
    int64_t day = ticks - ticks % SQLTYPE_TICKS_PER_DAY;
    uint32_t count = sqldate_to_300ths(ticks % SQLTYPE_TICKS_PER_DAY);

    return in_range(day + sqldate_from_300ths(count), SQLDATE_DAYS_1753 * SQLTYPE_TICKS_PER_DAY,
                    SQLDATE_END_TICKS, ret);
}

static entrasql_status fit_smalldatetime(int64_t ticks, int64_t *ret)
{
    /* From 29.999 seconds on the minute is full; 2079-06-06 is the last day. */
    int64_t up = SQLDATE_TICKS_PER_MINUTE - (INT64_C(29) * SQLTYPE_TICKS_PER_SECOND + 9985000);
    int64_t minute = (ticks + up) / SQLDATE_TICKS_PER_MINUTE * SQLDATE_TICKS_PER_MINUTE;

    return in_range(minute, SQLDATE_DAYS_1900 * SQLTYPE_TICKS_PER_DAY,
                    (SQLDATE_DAYS_1900 + 65536) * SQLTYPE_TICKS_PER_DAY, ret);
}

static entrasql_status fit_time(int64_t ticks, uint8_t scale, int64_t *ret)
{
    int64_t rounded = round_to(ticks % SQLTYPE_TICKS_PER_DAY, unit_of_scale(scale));

    *ret = rounded % SQLTYPE_TICKS_PER_DAY; /* 23:59:59.99 as time(0) is 00:00:00 */
    return ENTRASQL_OK;
}

static entrasql_status fit_datetime2(int64_t ticks, uint8_t scale, int64_t *ret)
{
    int64_t rounded = round_to(ticks, unit_of_scale(scale));

    if (rounded >= SQLDATE_END_TICKS) /* the last moment does not round out of the calendar */
        rounded = SQLDATE_END_TICKS - unit_of_scale(scale);
    *ret = rounded;
    return ENTRASQL_OK;
}

entrasql_status sqldate_fit(int64_t ticks, sqltype type, int64_t *ret)
{
    if (ticks < 0 || ticks >= SQLDATE_END_TICKS)
        return ENTRASQL_LIMIT;
    switch ((int)type.id) {
    case SQLTYPE_DATE:
        *ret = ticks - ticks % SQLTYPE_TICKS_PER_DAY;
        return ENTRASQL_OK;
    case SQLTYPE_TIME:
        return fit_time(ticks, type.scale, ret);
    case SQLTYPE_DATETIME:
        return fit_datetime(ticks, ret);
    case SQLTYPE_SMALLDATETIME:
        return fit_smalldatetime(ticks, ret);
    case SQLTYPE_DATETIME2:
    case SQLTYPE_DATETIMEOFFSET:
        return fit_datetime2(ticks, type.scale, ret);
    default:
        return ENTRASQL_INVALID;
    }
}
