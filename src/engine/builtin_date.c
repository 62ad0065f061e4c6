/* SPDX-License-Identifier: MIT */
/* Functions on dates and times. The server's time zone is UTC, as Azure SQL's. */
#include "engine/builtin.h"

#include "base/str.h"
#include "engine/bind.h"
#include "sqltype/convert.h"

#include <stdio.h>
#include <string.h>

typedef enum part {
    PART_YEAR,
    PART_QUARTER,
    PART_MONTH,
    PART_DAYOFYEAR,
    PART_DAY,
    PART_WEEK,
    PART_WEEKDAY,
    PART_ISO_WEEK,
    PART_HOUR,
    PART_MINUTE,
    PART_SECOND,
    PART_MILLISECOND,
    PART_MICROSECOND,
    PART_NANOSECOND,
    PART_TZOFFSET
} part;

static const struct {
    const char *name;
    part p;
} part_names[] = {
    {"year", PART_YEAR},
    {"yy", PART_YEAR},
    {"yyyy", PART_YEAR},
    {"quarter", PART_QUARTER},
    {"qq", PART_QUARTER},
    {"q", PART_QUARTER},
    {"month", PART_MONTH},
    {"mm", PART_MONTH},
    {"m", PART_MONTH},
    {"dayofyear", PART_DAYOFYEAR},
    {"dy", PART_DAYOFYEAR},
    {"y", PART_DAYOFYEAR},
    {"day", PART_DAY},
    {"dd", PART_DAY},
    {"d", PART_DAY},
    {"week", PART_WEEK},
    {"wk", PART_WEEK},
    {"ww", PART_WEEK},
    {"weekday", PART_WEEKDAY},
    {"dw", PART_WEEKDAY},
    {"w", PART_WEEKDAY},
    {"iso_week", PART_ISO_WEEK},
    {"isowk", PART_ISO_WEEK},
    {"isoww", PART_ISO_WEEK},
    {"hour", PART_HOUR},
    {"hh", PART_HOUR},
    {"minute", PART_MINUTE},
    {"mi", PART_MINUTE},
    {"n", PART_MINUTE},
    {"second", PART_SECOND},
    {"ss", PART_SECOND},
    {"s", PART_SECOND},
    {"millisecond", PART_MILLISECOND},
    {"ms", PART_MILLISECOND},
    {"microsecond", PART_MICROSECOND},
    {"mcs", PART_MICROSECOND},
    {"nanosecond", PART_NANOSECOND},
    {"ns", PART_NANOSECOND},
    {"tzoffset", PART_TZOFFSET},
    {"tz", PART_TZOFFSET},
};

static const char *const month_names[] = {"January",   "February", "March",    "April",
                                          "May",       "June",     "July",     "August",
                                          "September", "October",  "November", "December"};
static const char *const day_names[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                        "Thursday", "Friday", "Saturday"};

static entrasql_status read_part(const sqlvalue *v, const char *function, part *ret,
                                 entrasql_error *err)
{
    char name[24] = "";
    if (v->u.s.len < sizeof name)
        memcpy(name, v->u.s.data, v->u.s.len);
    for (size_t i = 0; i < ES_COUNT_OF(part_names); i++) {
        if (es_strcaseeq(part_names[i].name, name)) {
            *ret = part_names[i].p;
            return ENTRASQL_OK;
        }
    }
    return engine_error(err, 155, 1, "'%.*s' is not a recognized %s option.", (int)v->u.s.len,
                        v->u.s.data, function);
}

/* ---- now ---- */

static entrasql_status give_now(engine_call *call, sqlvalue *ret)
{
    ret->is_null = false;
    ret->offset_minutes = 0;
    return sqldate_fit(engine_session_time(call->s), call->type, &ret->u.ticks);
}

static entrasql_status now(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    (void)args;
    (void)n;
    return give_now(call, ret);
}

/* ---- parts ---- */

/* The ticks as the clock on the wall shows them. */
static int64_t local_ticks(const sqlvalue *v)
{
    int64_t ticks = v->u.ticks;
    if (v->type.id == SQLTYPE_DATETIMEOFFSET)
        ticks += v->offset_minutes * SQLDATE_TICKS_PER_MINUTE;
    if (v->type.id == SQLTYPE_TIME)
        ticks += SQLDATE_DAYS_1900 * SQLTYPE_TICKS_PER_DAY;
    return ticks;
}

static int64_t day_number(int64_t ticks)
{
    return ticks / SQLTYPE_TICKS_PER_DAY;
}

static int day_of_year(const sqldate_parts *d, int64_t ticks)
{
    sqldate_parts first = {.year = d->year, .month = 1, .day = 1};
    int64_t start = 0;
    if (sqldate_from_parts(&first, &start) != ENTRASQL_OK)
        return 0;
    return (int)(day_number(ticks) - day_number(start)) + 1;
}

/* 1 is the day that SET DATEFIRST names. */
static int weekday(const engine_session *s, int64_t ticks)
{
    int sunday_first = sqldate_weekday(ticks); /* 0: Sunday */
    return (sunday_first + 7 - s->set.datefirst % 7) % 7 + 1;
}

static int week(const engine_session *s, const sqldate_parts *d, int64_t ticks)
{
    int day = day_of_year(d, ticks);
    int64_t first = ticks - (day - 1) * SQLTYPE_TICKS_PER_DAY;
    return (day + weekday(s, first) - 2) / 7 + 1;
}

/* Weeks begin on Monday; week 1 has the year's first Thursday. */
static int iso_week(int64_t ticks)
{
    int monday_first = (sqldate_weekday(ticks) + 6) % 7;
    int64_t thursday = ticks + (3 - monday_first) * SQLTYPE_TICKS_PER_DAY;
    sqldate_parts d;
    sqldate_to_parts(thursday, &d);
    return (day_of_year(&d, thursday) - 1) / 7 + 1;
}

static int64_t part_value(const engine_session *s, part p, const sqlvalue *v)
{
    int64_t ticks = local_ticks(v);
    sqldate_parts d;
    sqldate_to_parts(ticks, &d);
    switch (p) {
    case PART_YEAR:
        return d.year;
    case PART_QUARTER:
        return (d.month + 2) / 3;
    case PART_MONTH:
        return d.month;
    case PART_DAYOFYEAR:
        return day_of_year(&d, ticks);
    case PART_DAY:
        return d.day;
    case PART_WEEK:
        return week(s, &d, ticks);
    case PART_WEEKDAY:
        return weekday(s, ticks);
    case PART_ISO_WEEK:
        return iso_week(ticks);
    case PART_HOUR:
        return d.hour;
    case PART_MINUTE:
        return d.minute;
    case PART_SECOND:
        return d.second;
    case PART_MILLISECOND:
        return d.fraction / 10000;
    case PART_MICROSECOND:
        return d.fraction / 10;
    case PART_NANOSECOND:
        return (int64_t)d.fraction * 100;
    case PART_TZOFFSET:
        return v->type.id == SQLTYPE_DATETIMEOFFSET ? v->offset_minutes : 0;
    }
    return 0;
}

static void give_i(sqlvalue *ret, int64_t v)
{
    ret->is_null = false;
    ret->u.i = v;
}

static entrasql_status datepart(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    part p = PART_YEAR;
    (void)n;
    ES_TRY(read_part(&args[0], "datepart", &p, call->err));
    give_i(ret, part_value(call->s, p, &args[1]));
    return ENTRASQL_OK;
}

static entrasql_status datename(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    part p = PART_YEAR;
    char text[32];
    (void)n;
    ES_TRY(read_part(&args[0], "datename", &p, call->err));
    if (p == PART_MONTH)
        snprintf(text, sizeof text, "%s", month_names[part_value(call->s, p, &args[1]) - 1]);
    else if (p == PART_WEEKDAY)
        snprintf(text, sizeof text, "%s", day_names[sqldate_weekday(local_ticks(&args[1]))]);
    else
        snprintf(text, sizeof text, "%lld", (long long)part_value(call->s, p, &args[1]));
    return engine_call_text(call, text, strlen(text), ret);
}

static entrasql_status year(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    (void)n;
    give_i(ret, part_value(call->s, PART_YEAR, &args[0]));
    return ENTRASQL_OK;
}

static entrasql_status month(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    (void)n;
    give_i(ret, part_value(call->s, PART_MONTH, &args[0]));
    return ENTRASQL_OK;
}

static entrasql_status day(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    (void)n;
    give_i(ret, part_value(call->s, PART_DAY, &args[0]));
    return ENTRASQL_OK;
}

/* ---- adding ---- */

/* Ticks of one unit; 0 for months and more, which have no fixed length. */
static int64_t unit_ticks(part p)
{
    switch (p) {
    case PART_DAYOFYEAR:
    case PART_DAY:
    case PART_WEEKDAY:
        return SQLTYPE_TICKS_PER_DAY;
    case PART_WEEK:
    case PART_ISO_WEEK:
        return 7 * SQLTYPE_TICKS_PER_DAY;
    case PART_HOUR:
        return 60 * SQLDATE_TICKS_PER_MINUTE;
    case PART_MINUTE:
        return SQLDATE_TICKS_PER_MINUTE;
    case PART_SECOND:
        return SQLTYPE_TICKS_PER_SECOND;
    case PART_MILLISECOND:
        return SQLTYPE_TICKS_PER_SECOND / 1000;
    case PART_MICROSECOND:
        return 10;
    case PART_NANOSECOND:
    case PART_YEAR:
    case PART_QUARTER:
    case PART_MONTH:
    case PART_TZOFFSET:
        break;
    }
    return 0;
}

static bool add_months(int64_t ticks, int64_t months, int64_t *ret)
{
    sqldate_parts d;
    sqldate_to_parts(ticks, &d);
    int64_t count = (int64_t)d.year * 12 + d.month - 1 + months;
    if (count < 12 || count >= 10000 * 12)
        return false;
    d.year = (int)(count / 12);
    d.month = (int)(count % 12) + 1;
    int last = sqldate_days_in_month(d.year, d.month);
    if (d.day > last)
        d.day = last;
    return sqldate_from_parts(&d, ret) == ENTRASQL_OK;
}

static bool add(part p, int64_t count, int64_t ticks, int64_t *ret)
{
    int64_t unit = unit_ticks(p);
    int64_t delta;
    if (p == PART_NANOSECOND)
        return !__builtin_add_overflow(ticks, (count + (count < 0 ? -50 : 50)) / 100, ret);
    if (unit == 0)
        return add_months(ticks,
                          p == PART_YEAR      ? count * 12
                          : p == PART_QUARTER ? count * 3
                                              : count,
                          ret);
    return !__builtin_mul_overflow(count, unit, &delta) &&
           !__builtin_add_overflow(ticks, delta, ret);
}

static entrasql_status dateadd(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    part p = PART_YEAR;
    int64_t ticks;
    sqlvalue v = args[2];
    (void)n;
    ES_TRY(read_part(&args[0], "dateadd", &p, call->err));
    bool of_clock =
        p == PART_NANOSECOND || (unit_ticks(p) != 0 && unit_ticks(p) < SQLTYPE_TICKS_PER_DAY);
    if ((v.type.id == SQLTYPE_DATE && of_clock) || (v.type.id == SQLTYPE_TIME && !of_clock))
        return engine_error(call->err, 9810, 1,
                            "The datepart %.*s is not supported by date function dateadd for data "
                            "type %s.",
                            (int)args[0].u.s.len, args[0].u.s.data, sqltype_name(v.type.id));
    bool fits = add(p, args[1].u.i, v.u.ticks, &ticks);
    if (fits && v.type.id == SQLTYPE_TIME)
        ticks = (ticks % SQLTYPE_TICKS_PER_DAY + SQLTYPE_TICKS_PER_DAY) % SQLTYPE_TICKS_PER_DAY;
    if (!fits || sqldate_fit(ticks, call->type, &ret->u.ticks) != ENTRASQL_OK)
        return engine_error(call->err, 517, 1,
                            "Adding a value to a '%s' column caused an "
                            "overflow.",
                            sqltype_name(call->type.id));
    ret->is_null = false;
    ret->offset_minutes = v.offset_minutes;
    return ENTRASQL_OK;
}

static entrasql_status bind_dateadd(engine_binder *b, engine_node *call)
{
    ES_TRY(engine_bind_cast(b, &call->args[1], sqltype_of(SQLTYPE_BIGINT), ENGINE_CAST_EXPLICIT,
                            NULL));
    if (!sqltype_is_datetime(call->args[2]->type.id))
        ES_TRY(engine_bind_cast(b, &call->args[2], sqltype_of(SQLTYPE_DATETIME),
                                ENGINE_CAST_IMPLICIT, NULL));
    call->type = call->args[2]->type;
    return ENTRASQL_OK;
}

/* ---- differences: borders that are crossed ---- */

static int64_t month_number(int64_t ticks)
{
    sqldate_parts d;
    sqldate_to_parts(ticks, &d);
    return (int64_t)d.year * 12 + d.month - 1;
}

static int64_t difference(part p, int64_t from, int64_t to)
{
    int64_t unit = unit_ticks(p);
    if (p == PART_NANOSECOND)
        return (to - from) * 100;
    if (p == PART_WEEK || p == PART_ISO_WEEK) {
        /* Weeks begin on Sunday here, whatever DATEFIRST says. Day 0 was a Monday. */
        return (day_number(to) + 1) / 7 - (day_number(from) + 1) / 7;
    }
    if (unit != 0)
        return to / unit - from / unit;
    int64_t months_to = month_number(to);
    int64_t months_from = month_number(from);
    if (p == PART_YEAR)
        return months_to / 12 - months_from / 12;
    if (p == PART_QUARTER)
        return months_to / 3 - months_from / 3;
    return months_to - months_from;
}

static entrasql_status datediff(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    part p = PART_YEAR;
    (void)n;
    ES_TRY(read_part(&args[0], "datediff", &p, call->err));
    int64_t from = args[1].type.id == SQLTYPE_TIME ? local_ticks(&args[1]) : args[1].u.ticks;
    int64_t to = args[2].type.id == SQLTYPE_TIME ? local_ticks(&args[2]) : args[2].u.ticks;
    int64_t v = difference(p, from, to);
    if (call->type.id == SQLTYPE_INT && (v > INT32_MAX || v < INT32_MIN))
        return engine_error(
            call->err, 535, 0,
            "The datediff function resulted in an overflow. The number of dateparts "
            "separating two date/time instances is too large. Try to use datediff "
            "with a less precise datepart.");
    give_i(ret, v);
    return ENTRASQL_OK;
}

/* ---- making ---- */

static entrasql_status datefromparts(engine_call *call, const sqlvalue *args, size_t n,
                                     sqlvalue *ret)
{
    sqldate_parts d = {
        .year = (int)args[0].u.i, .month = (int)args[1].u.i, .day = (int)args[2].u.i};
    (void)n;
    if (sqldate_from_parts(&d, &ret->u.ticks) != ENTRASQL_OK)
        return engine_error(call->err, 289, 1,
                            "Cannot construct data type date, some of the arguments have values "
                            "which are not valid.");
    ret->is_null = false;
    return ENTRASQL_OK;
}

static entrasql_status eomonth(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    int64_t ticks = local_ticks(&args[0]);
    sqldate_parts d;
    if (n > 1 && !add_months(ticks, args[1].u.i, &ticks))
        return engine_error(call->err, 517, 3,
                            "Adding a value to a 'date' column caused an "
                            "overflow.");
    sqldate_to_parts(ticks, &d);
    d = (sqldate_parts){
        .year = d.year, .month = d.month, .day = sqldate_days_in_month(d.year, d.month)};
    ret->is_null = false;
    return sqldate_from_parts(&d, &ret->u.ticks);
}

static entrasql_status isdate(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    sqlvalue v;
    (void)n;
    give_i(ret, 0);
    if (args[0].is_null ||
        sqltype_convert(&args[0], sqltype_of(SQLTYPE_DATETIME), NULL, &v, NULL) != ENTRASQL_OK)
        return ENTRASQL_OK;
    sqlvalue_done(&v);
    (void)call;
    give_i(ret, 1);
    return ENTRASQL_OK;
}

static const engine_builtin rows[] = {
    {"GETDATE", ":d", now, NULL, ENGINE_VOLATILE},
    {"GETUTCDATE", ":d", now, NULL, ENGINE_VOLATILE},
    {"CURRENT_TIMESTAMP", ":d", now, NULL, ENGINE_VOLATILE},
    {"SYSDATETIME", ":7", now, NULL, ENGINE_VOLATILE},
    {"SYSUTCDATETIME", ":7", now, NULL, ENGINE_VOLATILE},
    {"SYSDATETIMEOFFSET", ":o", now, NULL, ENGINE_VOLATILE},
    {"DATEPART", "pd:i", datepart, NULL, ENGINE_VOLATILE},
    {"DATENAME", "pd:u", datename, NULL, ENGINE_VOLATILE},
    {"YEAR", "d:i", year, NULL, 0},
    {"MONTH", "d:i", month, NULL, 0},
    {"DAY", "d:i", day, NULL, 0},
    {"DATEADD", "pxx:1", dateadd, bind_dateadd, 0},
    {"DATEDIFF", "pdd:i", datediff, NULL, 0},
    {"DATEDIFF_BIG", "pdd:l", datediff, NULL, 0},
    {"DATEFROMPARTS", "iii:D", datefromparts, NULL, 0},
    {"EOMONTH", "d?i:D", eomonth, NULL, 0},
    {"ISDATE", "s:i", isdate, NULL, ENGINE_NULLS | ENGINE_NOT_NULL},
};

const engine_builtins engine_builtins_date = {rows, ES_COUNT_OF(rows)};
