/* SPDX-License-Identifier: MIT */
/*
 * Dates and times as counts of 100 ns since 0001-01-01 00:00 (proleptic
 * Gregorian calendar): parts, text in the forms that SQL Server accepts,
 * rounding and ranges of each type, and the styles of CONVERT. Pure; any thread.
 *
 * The ticks of a `time` are those of the time of day; of a `date`, a multiple
 * of a day; of a datetimeoffset, UTC with the offset beside.
 */
#ifndef SQLTYPE_DATETIME_H
#define SQLTYPE_DATETIME_H

#include "sqltype/value.h"

#define SQLDATE_TICKS_PER_MINUTE (INT64_C(60) * SQLTYPE_TICKS_PER_SECOND)
#define SQLDATE_MAX_DAYS INT64_C(3652058) /* 9999-12-31 */
#define SQLDATE_END_TICKS ((SQLDATE_MAX_DAYS + 1) * SQLTYPE_TICKS_PER_DAY)
#define SQLDATE_DAYS_1900 INT64_C(693595)
#define SQLDATE_DAYS_1753 INT64_C(639905)
#define SQLDATE_DAYS_1970 INT64_C(719162)
#define SQLDATE_MAX_OFFSET 840 /* minutes */
#define SQLDATE_TEXT_SIZE 64

typedef struct sqldate_parts {
    int year;  /* 1 to 9999 */
    int month; /* 1 to 12 */
    int day;
    int hour;
    int minute;
    int second;
    int32_t fraction; /* units of 100 ns */
} sqldate_parts;

/* SET DATEFORMAT; us_english has mdy. */
typedef enum sqldate_order {
    SQLDATE_MDY,
    SQLDATE_DMY,
    SQLDATE_YMD,
    SQLDATE_YDM,
    SQLDATE_MYD,
    SQLDATE_DYM
} sqldate_order;

bool sqldate_is_leap(int year);
int sqldate_days_in_month(int year, int month); /* 0: no such month */
/* LIMIT when a part is out of its range. */
entrasql_status sqldate_from_parts(const sqldate_parts *parts, int64_t *ret_ticks) ES_MUST_USE;
/* ticks within [0, SQLDATE_END_TICKS). */
void sqldate_to_parts(int64_t ticks, sqldate_parts *ret);
/* 0 = Sunday. */
int sqldate_weekday(int64_t ticks);

/*
 * Text to the ticks of a type. MALFORMED: not a date (error 241); LIMIT: a date
 * that the type cannot hold, or no such day (error 242; 241 for the newer types,
 * as the caller knows). *ret_offset: minutes, for datetimeoffset; may be NULL.
 * Forms: YYYY-MM-DD, YYYYMMDD, ISO 8601 with T, numeric forms in the given
 * order with '/', '-' or '.', month names; times with am/pm, fractions, Z or
 * +hh:mm for the newer types; a time alone is that time on 1900-01-01.
 */
entrasql_status sqldate_parse(const char *s, size_t n, sqltype type, sqldate_order order,
                              int64_t *ret_ticks, int16_t *ret_offset) ES_MUST_USE;

/*
 * Rounds ticks to what the type holds: datetime to 1/300 s, smalldatetime to
 * the minute, time, datetime2 and datetimeoffset to their scale, date to the
 * day (cut). LIMIT outside the type's range, also after rounding.
 */
entrasql_status sqldate_fit(int64_t ticks, sqltype type, int64_t *ret) ES_MUST_USE;
/* Whether the local time of a datetimeoffset lies in the calendar, too. */
bool sqldate_has_local(int64_t utc_ticks, int16_t offset_minutes);
/* datetime's own counting within a day, and back: 1/300 s. */
uint32_t sqldate_to_300ths(int64_t ticks_of_day);
int64_t sqldate_from_300ths(uint32_t count);

/*
 * A value (not NULL, a date or time type) as text. style: a number of CONVERT
 * (0-14, 20-25, 100-114, 120, 121, 126, 127), or SQLDATE_STYLE_DEFAULT for what
 * CAST gives: "2024-01-02 03:04:05.678" for the newer types, "Jan  2 2024
 * 3:04AM" for datetime and smalldatetime. INVALID: no such style (error 281).
 */
#define SQLDATE_STYLE_DEFAULT (-1)
#define SQLDATE_STYLE_ODBC 121
entrasql_status sqldate_format(const sqlvalue *v, int style, char *dst, size_t size) ES_MUST_USE;

#endif
