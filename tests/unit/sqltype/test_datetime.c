/* SPDX-License-Identifier: MIT */
/* sqltype: dates and times, parsed, rounded and shown as SQL Server does. */
#include "sqltype/datetime.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void calendar(void **state)
{
    (void)state;
    int64_t last = -1;
    for (int64_t day = 0; day <= SQLDATE_MAX_DAYS; day += 1 + day % 13) {
        sqldate_parts p;
        int64_t back;
        sqldate_to_parts(day * SQLTYPE_TICKS_PER_DAY + 1, &p);
        assert_int_equal(p.fraction, 1);
        assert_int_equal(sqldate_from_parts(&p, &back), ENTRASQL_OK);
        assert_true(back == day * SQLTYPE_TICKS_PER_DAY + 1 && back > last);
        last = back;
    }
    static const struct {
        int64_t days;
        int year, month, day, weekday;
    } rows[] = {{0, 1, 1, 1, 1},
                {SQLDATE_MAX_DAYS, 9999, 12, 31, 5},
                {SQLDATE_DAYS_1900, 1900, 1, 1, 1},
                {SQLDATE_DAYS_1753, 1753, 1, 1, 1},
                {SQLDATE_DAYS_1970, 1970, 1, 1, 4},
                {0x0b4646, 2024, 1, 2, 2}};
    for (size_t i = 0; i < ES_COUNT_OF(rows); i++) {
        sqldate_parts p;
        sqldate_to_parts(rows[i].days * SQLTYPE_TICKS_PER_DAY, &p);
        assert_int_equal(p.year, rows[i].year);
        assert_int_equal(p.month, rows[i].month);
        assert_int_equal(p.day, rows[i].day);
        assert_int_equal(sqldate_weekday(rows[i].days * SQLTYPE_TICKS_PER_DAY), rows[i].weekday);
    }
    assert_int_equal(sqldate_days_in_month(2000, 2), 29);
    assert_int_equal(sqldate_days_in_month(1900, 2), 28);
    assert_int_equal(sqldate_days_in_month(2024, 13), 0);
}

#define D SQLTYPE_DATE
#define T SQLTYPE_TIME
#define DT SQLTYPE_DATETIME
#define SDT SQLTYPE_SMALLDATETIME
#define DT2 SQLTYPE_DATETIME2
#define DTO SQLTYPE_DATETIMEOFFSET

struct parse_row {
    const char *in;
    sqltype_id id;
    uint8_t scale;
    sqldate_order order;
    const char *out; /* style 121; NULL: refused */
    entrasql_status status;
};

static const struct parse_row parse_rows[] = {
    {"2024-01-02", D, 0, SQLDATE_MDY, "2024-01-02", 0},
    {"20240102", D, 0, SQLDATE_MDY, "2024-01-02", 0},
    {"240102", D, 0, SQLDATE_MDY, "2024-01-02", 0},
    {"500102", D, 0, SQLDATE_MDY, "1950-01-02", 0},
    {"2024", D, 0, SQLDATE_MDY, "2024-01-01", 0},
    {"1/2/2024", D, 0, SQLDATE_MDY, "2024-01-02", 0},
    {"1/2/2024", D, 0, SQLDATE_DMY, "2024-02-01", 0},
    {"1-2-24", D, 0, SQLDATE_MDY, "2024-01-02", 0},
    {"1.2.49", D, 0, SQLDATE_DMY, "2049-02-01", 0},
    {"24/1/2", D, 0, SQLDATE_YMD, "2024-01-02", 0},
    {"2024/1/2", DT2, 0, SQLDATE_DMY, "2024-01-02 00:00:00", 0},
    {"2024-01-02", DT, 0, SQLDATE_DMY, "2024-02-01 00:00:00.000", 0},
    {"Jan 2 2024", D, 0, SQLDATE_MDY, "2024-01-02", 0},
    {"2 January 2024", D, 0, SQLDATE_MDY, "2024-01-02", 0},
    {"January 2, 2024", D, 0, SQLDATE_MDY, "2024-01-02", 0},
    {"2024 Jan 2", D, 0, SQLDATE_MDY, "2024-01-02", 0},
    {"02-Jan-24", D, 0, SQLDATE_MDY, "2024-01-02", 0},
    {"Jan 2024", D, 0, SQLDATE_MDY, "2024-01-01", 0},
    {"Jan  2 2024  3:04AM", DT, 0, SQLDATE_MDY, "2024-01-02 03:04:00.000", 0},
    {"2024-01-02 03:04:05.678", DT, 0, SQLDATE_MDY, "2024-01-02 03:04:05.677", 0},
    {"2024-01-02T03:04:05.678", DT, 0, SQLDATE_MDY, "2024-01-02 03:04:05.677", 0},
    {"2024-01-02T03:04:05Z", DT, 0, SQLDATE_MDY, "2024-01-02 03:04:05.000", 0},
    {"2024-01-02 03:04:05.6789", DT, 0, SQLDATE_MDY, NULL, ENTRASQL_MALFORMED},
    {"2024-01-02 03:04:05 +01:00", DT, 0, SQLDATE_MDY, NULL, ENTRASQL_MALFORMED},
    {"2024-01-02 03:04:05:678", DT, 0, SQLDATE_MDY, "2024-01-02 03:04:05.677", 0},
    {"2024-01-02 03:04:05:6", DT, 0, SQLDATE_MDY, "2024-01-02 03:04:05.007", 0},
    {"1753-01-01", DT, 0, SQLDATE_MDY, "1753-01-01 00:00:00.000", 0},
    {"1752-12-31", DT, 0, SQLDATE_MDY, NULL, ENTRASQL_LIMIT},
    {"9999-12-31 23:59:59.997", DT, 0, SQLDATE_MDY, "9999-12-31 23:59:59.997", 0},
    {"9999-12-31 23:59:59.999", DT, 0, SQLDATE_MDY, NULL, ENTRASQL_LIMIT},
    {"2024-01-01 23:59:59.999", DT, 0, SQLDATE_MDY, "2024-01-02 00:00:00.000", 0},
    {"2024-01-01 00:00:00.001", DT, 0, SQLDATE_MDY, "2024-01-01 00:00:00.000", 0},
    {"2024-01-01 00:00:00.002", DT, 0, SQLDATE_MDY, "2024-01-01 00:00:00.003", 0},
    {"2024-01-01 00:00:00.005", DT, 0, SQLDATE_MDY, "2024-01-01 00:00:00.007", 0},
    {"2024-01-01 00:00:00.009", DT, 0, SQLDATE_MDY, "2024-01-01 00:00:00.010", 0},
    {"2024-05-08 12:35:29.998", SDT, 0, SQLDATE_MDY, "2024-05-08 12:35:00.000", 0},
    {"2024-05-08 12:35:29.999", SDT, 0, SQLDATE_MDY, "2024-05-08 12:36:00.000", 0},
    {"2079-06-06 23:59", SDT, 0, SQLDATE_MDY, "2079-06-06 23:59:00.000", 0},
    {"2079-06-06 23:59:30", SDT, 0, SQLDATE_MDY, NULL, ENTRASQL_LIMIT},
    {"2079-06-07", SDT, 0, SQLDATE_MDY, NULL, ENTRASQL_LIMIT},
    {"1899-12-31", SDT, 0, SQLDATE_MDY, NULL, ENTRASQL_LIMIT},
    {"2024-01-02 03:04:05.1234567", DT2, 7, SQLDATE_MDY, "2024-01-02 03:04:05.1234567", 0},
    {"2024-01-02 03:04:05.1234567", DT2, 3, SQLDATE_MDY, "2024-01-02 03:04:05.123", 0},
    {"2024-01-02 03:04:05.9996", DT2, 3, SQLDATE_MDY, "2024-01-02 03:04:06.000", 0},
    {"2024-01-02 03:04:05.12345678", DT2, 7, SQLDATE_MDY, NULL, ENTRASQL_MALFORMED},
    {"9999-12-31 23:59:59.9999999", DT2, 0, SQLDATE_MDY, "9999-12-31 23:59:59", 0},
    {"0001-01-01", DT2, 0, SQLDATE_MDY, "0001-01-01 00:00:00", 0},
    {"2024-01-02T03:04:05+05:30", DT2, 0, SQLDATE_MDY, "2024-01-02 03:04:05", 0},
    {"2026-11-23 23:37:57.292 +00:00", DTO, 3, SQLDATE_MDY, "2026-11-23 23:37:57.292 +00:00", 0},
    {"2026-11-23 23:37:57.292 +05:30", DTO, 7, SQLDATE_MDY, "2026-11-23 23:37:57.2920000 +05:30",
     0},
    {"2026-11-23T23:37:57-08:00", DTO, 0, SQLDATE_MDY, "2026-11-23 23:37:57 -08:00", 0},
    {"2026-11-23T23:37:57Z", DTO, 0, SQLDATE_MDY, "2026-11-23 23:37:57 +00:00", 0},
    {"2026-11-23 23:37:57 +15:00", DTO, 0, SQLDATE_MDY, NULL, ENTRASQL_MALFORMED},
    {"0001-01-01 00:00 +01:00", DTO, 0, SQLDATE_MDY, NULL, ENTRASQL_LIMIT},
    {"3:04 PM", T, 0, SQLDATE_MDY, "15:04:00", 0},
    {"12 AM", T, 0, SQLDATE_MDY, "00:00:00", 0},
    {"12:30pm", T, 0, SQLDATE_MDY, "12:30:00", 0},
    {"23:59:59.99", T, 0, SQLDATE_MDY, "00:00:00", 0},
    {"2024-01-02 03:04:05.5", T, 1, SQLDATE_MDY, "03:04:05.5", 0},
    {"03:04", DT, 0, SQLDATE_MDY, "1900-01-01 03:04:00.000", 0},
    {"03:04 2024-01-02", DT, 0, SQLDATE_MDY, "2024-01-02 03:04:00.000", 0},
    {"", DT, 0, SQLDATE_MDY, "1900-01-01 00:00:00.000", 0},
    {"   ", D, 0, SQLDATE_MDY, "1900-01-01", 0},
    {"2024-02-30", D, 0, SQLDATE_MDY, NULL, ENTRASQL_LIMIT},
    {"2023-02-29", D, 0, SQLDATE_MDY, NULL, ENTRASQL_LIMIT},
    {"2024-13-01", DT, 0, SQLDATE_MDY, NULL, ENTRASQL_LIMIT},
    {"24:00", T, 0, SQLDATE_MDY, NULL, ENTRASQL_LIMIT},
    {"abc", D, 0, SQLDATE_MDY, NULL, ENTRASQL_MALFORMED},
    {"2024-01", D, 0, SQLDATE_MDY, NULL, ENTRASQL_MALFORMED},
    {"2024-01-02x", D, 0, SQLDATE_MDY, NULL, ENTRASQL_MALFORMED},
    {"2024-01-02 2024-01-03", D, 0, SQLDATE_MDY, NULL, ENTRASQL_MALFORMED},
    {"1:2 3:4", T, 0, SQLDATE_MDY, NULL, ENTRASQL_MALFORMED},
    {"13 PM 4", T, 0, SQLDATE_MDY, NULL, ENTRASQL_MALFORMED},
    {"Foo 2 2024", D, 0, SQLDATE_MDY, NULL, ENTRASQL_MALFORMED},
    {"999999999999", D, 0, SQLDATE_MDY, NULL, ENTRASQL_MALFORMED},
};

static void parsing(void **state)
{
    (void)state;
    for (size_t i = 0; i < ES_COUNT_OF(parse_rows); i++) {
        const struct parse_row *r = &parse_rows[i];
        sqlvalue v = {.type = sqltype_with_scale(r->id, r->scale)};
        char text[SQLDATE_TEXT_SIZE];
        entrasql_status st =
            sqldate_parse(r->in, strlen(r->in), v.type, r->order, &v.u.ticks, &v.offset_minutes);
        if (st != r->status)
            fail_msg("'%s': status %d, not %d", r->in, st, r->status);
        if (r->out == NULL)
            continue;
        assert_int_equal(sqldate_format(&v, SQLDATE_STYLE_ODBC, text, sizeof text), ENTRASQL_OK);
        if (strcmp(text, r->out) != 0)
            fail_msg("'%s': '%s', not '%s'", r->in, text, r->out);
    }
}

/* No beginning of a good text may be read past its end. */
static void truncations(void **state)
{
    (void)state;
    for (size_t i = 0; i < ES_COUNT_OF(parse_rows); i++) {
        for (size_t n = 0; n < strlen(parse_rows[i].in); n++) {
            char *copy = test_malloc(n + 1);
            int64_t ticks;
            memcpy(copy, parse_rows[i].in, n);
            (void)!sqldate_parse(copy, n, sqltype_with_scale(parse_rows[i].id, 7), SQLDATE_MDY,
                                 &ticks, NULL);
            test_free(copy);
        }
    }
}

static void styles(void **state)
{
    (void)state;
    static const struct {
        sqltype_id id;
        uint8_t scale;
        int style;
        const char *out;
    } rows[] = {
        {DT, 0, -1, "Jan  2 2024  3:04PM"},
        {DT, 0, 0, "Jan  2 2024  3:04PM"},
        {DT, 0, 1, "01/02/24"},
        {DT, 0, 101, "01/02/2024"},
        {DT, 0, 102, "2024.01.02"},
        {DT, 0, 103, "02/01/2024"},
        {DT, 0, 104, "02.01.2024"},
        {DT, 0, 105, "02-01-2024"},
        {DT, 0, 106, "02 Jan 2024"},
        {DT, 0, 107, "Jan 02, 2024"},
        {DT, 0, 108, "15:04:05"},
        {DT, 0, 109, "Jan  2 2024  3:04:05:677PM"},
        {DT, 0, 110, "01-02-2024"},
        {DT, 0, 111, "2024/01/02"},
        {DT, 0, 112, "20240102"},
        {DT, 0, 12, "240102"},
        {DT, 0, 113, "02 Jan 2024 15:04:05:677"},
        {DT, 0, 114, "15:04:05:677"},
        {DT, 0, 120, "2024-01-02 15:04:05"},
        {DT, 0, 121, "2024-01-02 15:04:05.677"},
        {DT, 0, 22, "01/02/24  3:04:05 PM"},
        {DT, 0, 23, "2024-01-02"},
        {DT, 0, 126, "2024-01-02T15:04:05.677"},
        {DT, 0, 99, NULL},
        {DT, 0, 123, NULL},
        {DT2, 7, -1, "2024-01-02 15:04:05.6766667"},
        {DT2, 0, 121, "2024-01-02 15:04:05"},
        {DT2, 3, 126, "2024-01-02T15:04:05.677"},
        {DTO, 0, -1, "2024-01-02 17:04:05 +02:00"},
        {DTO, 0, 126, "2024-01-02T17:04:05+02:00"},
        {DTO, 0, 127, "2024-01-02T15:04:05Z"},
        {D, 0, -1, "2024-01-02"},
        {D, 0, 0, "Jan  2 2024"},
        {T, 3, -1, "15:04:05.677"},
        {T, 0, 0, " 3:04PM"},
        {SDT, 0, -1, "Jan  2 2024  3:04PM"},
    };
    sqldate_parts p = {2024, 1, 2, 15, 4, 5, 6766667};
    for (size_t i = 0; i < ES_COUNT_OF(rows); i++) {
        sqlvalue v = {.type = sqltype_with_scale(rows[i].id, rows[i].scale)};
        char text[SQLDATE_TEXT_SIZE];
        assert_int_equal(sqldate_from_parts(&p, &v.u.ticks), ENTRASQL_OK);
        v.offset_minutes = rows[i].id == DTO ? 120 : 0;
        /* the value as its type holds it */
        if (rows[i].id != D)
            assert_int_equal(
                sqldate_fit(v.u.ticks, sqltype_with_scale(rows[i].id, rows[i].scale), &v.u.ticks),
                ENTRASQL_OK);
        if (rows[i].id == DTO || (rows[i].id == DT2 && rows[i].scale == 0))
            v.u.ticks -= rows[i].scale == 0 ? SQLTYPE_TICKS_PER_SECOND : 0; /* was rounded up */
        entrasql_status st = sqldate_format(&v, rows[i].style, text, sizeof text);
        if (rows[i].out == NULL) {
            assert_int_equal(st, ENTRASQL_INVALID);
            continue;
        }
        assert_int_equal(st, ENTRASQL_OK);
        if (strcmp(text, rows[i].out) != 0)
            fail_msg("type %d style %d: '%s', not '%s'", rows[i].id, rows[i].style, text,
                     rows[i].out);
    }
    /* no buffer size may be overrun */
    sqlvalue v = {.type = {.id = DT}};
    assert_int_equal(sqldate_from_parts(&p, &v.u.ticks), ENTRASQL_OK);
    for (size_t n = 1; n < 40; n++) {
        char *small = test_malloc(n);
        assert_int_equal(sqldate_format(&v, 109, small, n), ENTRASQL_OK);
        assert_true(strlen(small) < n);
        test_free(small);
    }
}

static void three_hundredths(void **state)
{
    (void)state;
    for (uint32_t n = 0; n < 25920000; n += 77)
        assert_int_equal(sqldate_to_300ths(sqldate_from_300ths(n)), n);
    assert_int_equal(sqldate_from_300ths(1), 33333);
    assert_int_equal(sqldate_from_300ths(2), 66667);
    assert_int_equal(sqldate_from_300ths(3), 100000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calendar),         cmocka_unit_test(parsing),
        cmocka_unit_test(truncations),      cmocka_unit_test(styles),
        cmocka_unit_test(three_hundredths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
