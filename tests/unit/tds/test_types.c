/* SPDX-License-Identifier: MIT */
/* tds: every type and value both ways: bytes that are known, NULL, empty, least and greatest. */
#include "tds_test.h"

#include "base/str.h"
#include "sqltype/convert.h"
#include "tds/types.h"

#define LIMIT_BYTES 100000

/* A value of the type out of its text; NULL text: NULL. */
static sqlvalue make(sqltype type, const char *text)
{
    sqlvalue s, v;
    sqltype_convert_options o = SQLTYPE_CONVERT_DEFAULT;
    entrasql_error err;

    if (text == NULL)
        return sqlvalue_null(type);
    s = sqlvalue_lend(sqltype_string(SQLTYPE_NVARCHAR, SQLTYPE_MAX), text, strlen(text));
    if (sqltype_is_binary(type.id))
        o.style = 1;
    if (sqltype_convert(&s, type, &o, &v, &err) != ENTRASQL_OK)
        fail_msg("%s: %s", text, err.message);
    return v;
}

static sqltype decimal(uint8_t p, uint8_t s)
{
    return (sqltype){.id = SQLTYPE_NUMERIC, .precision = p, .scale = s};
}

struct row {
    sqltype type;
    bool nullable;
    const char *text; /* NULL: NULL */
    const char *info; /* TYPE_INFO in hexadecimal */
    const char *data; /* the value in a row */
};

#define NINES "99999999999999999999999999999999999999"

static const struct row rows[] = {
    {{SQLTYPE_BIT}, true, "1", "68 01", "01 01"},
    {{SQLTYPE_BIT}, true, NULL, "68 01", "00"},
    {{SQLTYPE_BIT}, false, "0", "32", "00"},
    {{SQLTYPE_TINYINT}, true, "255", "26 01", "01 FF"},
    {{SQLTYPE_TINYINT}, false, "0", "30", "00"},
    {{SQLTYPE_SMALLINT}, true, "-32768", "26 02", "02 0080"},
    {{SQLTYPE_SMALLINT}, false, "32767", "34", "FF7F"},
    {{SQLTYPE_INT}, true, "-2147483648", "26 04", "04 00000080"},
    {{SQLTYPE_INT}, true, NULL, "26 04", "00"},
    {{SQLTYPE_INT}, false, "7", "38", "07000000"},
    {{SQLTYPE_BIGINT}, true, "9223372036854775807", "26 08", "08 FFFFFFFFFFFFFF7F"},
    {{SQLTYPE_BIGINT}, false, "-1", "7F", "FFFFFFFFFFFFFFFF"},
    {{SQLTYPE_REAL}, true, "1.5", "6D 04", "04 0000C03F"},
    {{SQLTYPE_REAL}, false, "1.5", "3B", "0000C03F"},
    {{SQLTYPE_FLOAT}, true, "-1.5", "6D 08", "08 000000000000F8BF"},
    {{SQLTYPE_FLOAT}, false, "1.5", "3E", "000000000000F83F"},
    {{SQLTYPE_MONEY}, true, "1.0000", "6E 08", "08 00000000 10270000"},
    {{SQLTYPE_MONEY}, false, "-0.0001", "3C", "FFFFFFFF FFFFFFFF"},
    {{SQLTYPE_MONEY}, true, "922337203685477.5807", "6E 08", "08 FFFFFF7F FFFFFFFF"},
    {{SQLTYPE_SMALLMONEY}, true, "-214748.3648", "6E 04", "04 00000080"},
    {{SQLTYPE_SMALLMONEY}, false, "1", "7A", "10270000"},
    {{SQLTYPE_NUMERIC, 4, 2}, true, "12.50", "6C 05 04 02", "05 01 E2040000"},
    {{SQLTYPE_DECIMAL, 4, 2}, true, "-12.50", "6A 05 04 02", "05 00 E2040000"},
    {{SQLTYPE_DECIMAL, 19, 0}, true, "1", "6A 09 13 00", "09 01 0100000000000000"},
    {{SQLTYPE_DECIMAL, 28, 0}, true, NULL, "6A 0D 1C 00", "00"},
    {{SQLTYPE_NUMERIC, 38, 0},
     true,
     NINES,
     "6C 11 26 00",
     "11 01 FFFFFFFF3F228A097AC4865AA84C3B4B"},
    {{SQLTYPE_DATE}, true, "2024-01-02", "28", "03 46460B"},
    {{SQLTYPE_DATE}, true, "0001-01-01", "28", "03 000000"},
    {{SQLTYPE_DATE}, true, "9999-12-31", "28", "03 DAB937"},
    {{SQLTYPE_DATE}, true, NULL, "28", "00"},
    {{SQLTYPE_TIME, 0, 0}, true, "23:59:59", "29 00", "03 7F5101"},
    {{SQLTYPE_TIME, 0, 4}, true, "00:00:01", "29 04", "04 10270000"},
    {{SQLTYPE_TIME, 0, 7}, true, "23:59:59.9999999", "29 07", "05 FFBF692AC9"},
    {{SQLTYPE_DATETIME2, 0, 0}, true, "2024-01-02 03:04:05", "2A 00", "06 252B00 46460B"},
    {{SQLTYPE_DATETIME2, 0, 7},
     true,
     "9999-12-31 23:59:59.9999999",
     "2A 07",
     "08 FFBF692AC9 DAB937"},
    {{SQLTYPE_DATETIMEOFFSET, 0, 0},
     true,
     "2024-01-02 03:04:05 +02:00",
     "2B 00",
     "08 050F00 46460B 7800"},
    {{SQLTYPE_DATETIMEOFFSET, 0, 7},
     true,
     "2024-01-02 00:00:00 -14:00",
     "2B 07",
     "0A 00B0BD5875 46460B B8FC"},
    {{SQLTYPE_DATETIME}, true, "1900-01-02 00:00:01", "6F 08", "08 01000000 2C010000"},
    {{SQLTYPE_DATETIME}, false, "1753-01-01", "3D", "462EFFFF 00000000"},
    {{SQLTYPE_DATETIME}, true, "9999-12-31 23:59:59.997", "6F 08", "08 7F242D00 FF818B01"},
    {{SQLTYPE_SMALLDATETIME}, true, "1900-01-02 00:01", "6F 04", "04 0100 0100"},
    {{SQLTYPE_SMALLDATETIME}, false, "2079-06-06 23:59", "3A", "FFFF 9F05"},
    {{SQLTYPE_UNIQUEIDENTIFIER},
     true,
     "6F9619FF-8B86-D011-B42D-00C04FC964FF",
     "24 10",
     "10 FF19966F868B11D0B42D00C04FC964FF"},
    {{SQLTYPE_UNIQUEIDENTIFIER}, true, NULL, "24 10", "00"},
    {{SQLTYPE_VARCHAR, 0, 0, 10},
     true,
     "h\xc3\xa9\xe2\x82\xac",
     "A7 0A00 0904D00034",
     "0300 68E980"},
    {{SQLTYPE_VARCHAR, 0, 0, 10}, true, "", "A7 0A00 0904D00034", "0000"},
    {{SQLTYPE_VARCHAR, 0, 0, 10}, true, NULL, "A7 0A00 0904D00034", "FFFF"},
    {{SQLTYPE_CHAR, 0, 0, 3}, true, "a", "AF 0300 0904D00034", "0300 612020"},
    {{SQLTYPE_NVARCHAR, 0, 0, 10},
     true,
     "h\xc3\xa9\xf0\x9f\x98\x80",
     "E7 1400 0904D00034",
     "0800 6800E9003DD800DE"},
    {{SQLTYPE_NCHAR, 0, 0, 2}, true, "x", "EF 0400 0904D00034", "0400 78002000"},
    {{SQLTYPE_VARCHAR, 0, 0, SQLTYPE_MAX},
     true,
     "ab",
     "A7 FFFF 0904D00034",
     "0200000000000000 02000000 6162 00000000"},
    {{SQLTYPE_NVARCHAR, 0, 0, SQLTYPE_MAX},
     true,
     "",
     "E7 FFFF 0904D00034",
     "0000000000000000 00000000"},
    {{SQLTYPE_NVARCHAR, 0, 0, SQLTYPE_MAX}, true, NULL, "E7 FFFF 0904D00034", "FFFFFFFFFFFFFFFF"},
    {{SQLTYPE_VARBINARY, 0, 0, SQLTYPE_MAX},
     true,
     "0x01",
     "A5 FFFF",
     "0100000000000000 01000000 01 00000000"},
    {{SQLTYPE_VARBINARY, 0, 0, 8000}, true, "0x", "A5 401F", "0000"},
    {{SQLTYPE_BINARY, 0, 0, 2}, true, "0x01", "AD 0200", "0200 0100"},
    {{SQLTYPE_XML}, true, "<a/>", "F1 00", "0800000000000000 08000000 3C0061002F003E00 00000000"},
    {{SQLTYPE_TEXT},
     true,
     "ab",
     "23 FFFFFF7F 0904D00034",
     "10 64646464646464646464646464646464 6464646464646464 02000000 6162"},
    {{SQLTYPE_NTEXT},
     true,
     "a",
     "63 FEFFFF7F 0904D00034",
     "10 64646464646464646464646464646464 6464646464646464 02000000 6100"},
    {{SQLTYPE_IMAGE}, true, NULL, "22 FFFFFF7F", "00"},
    {{SQLTYPE_UNKNOWN}, true, NULL, "26 04", "00"},
};

static void round_trips(void **state)
{
    (void)state;
    for (size_t i = 0; i < ES_COUNT_OF(rows); i++) {
        const struct row *r = &rows[i];
        tds_type type = tds_type_from(r->type, r->nullable);
        tds_type back;
        sqlvalue v = make(r->type, r->text);
        sqlvalue got;
        es_buf info = ES_BUF_INIT(1000);
        es_buf data = ES_BUF_INIT(1000);
        es_reader reader;
        entrasql_error err;
        OK(tds_type_add(&info, &type));
        assert_bytes(&info, r->info);
        reader = es_reader_of(info.data, info.len);
        OK(tds_type_read(&reader, TDS_IN_ROW, &back, &err));
        OK(es_reader_end(&reader));
        if (r->type.id != SQLTYPE_UNKNOWN)
            assert_true(sqltype_equal(back.type, r->type));
        OK(tds_value_add(&data, &type, TDS_IN_ROW, &v));
        assert_bytes(&data, r->data);
        reader = es_reader_of(data.data, data.len);
        OK(tds_value_read(&reader, &back, TDS_IN_ROW, LIMIT_BYTES, &got, &err));
        OK(es_reader_end(&reader));
        assert_int_equal(got.is_null, v.is_null);
        if (!v.is_null)
            assert_int_equal(sqlvalue_compare(&got, &v), 0);
        assert_int_equal(got.offset_minutes, v.offset_minutes);
        sqlvalue_done(&got);
        /* every cut of both is TRUNCATED, never a value */
        for (size_t n = 0; n < info.len; n++) {
            uint8_t *copy = exact_copy(info.data, n);
            reader = es_reader_of(copy, n);
            assert_int_equal(tds_type_read(&reader, TDS_IN_ROW, &back, &err), ENTRASQL_TRUNCATED);
            free(copy);
        }
        for (size_t n = 0; n < data.len; n++) {
            uint8_t *copy = exact_copy(data.data, n);
            reader = es_reader_of(copy, n);
            assert_int_equal(tds_value_read(&reader, &type, TDS_IN_ROW, LIMIT_BYTES, &got, &err),
                             ENTRASQL_TRUNCATED);
            free(copy);
        }
        es_buf_done(&info);
        es_buf_done(&data);
        sqlvalue_done(&v);
    }
}

/* Text types are counted without a pointer in parameters. */
static void text_parameters(void **state)
{
    (void)state;
    tds_type type = tds_type_from(sqltype_of(SQLTYPE_NTEXT), true);
    sqlvalue v = make(sqltype_of(SQLTYPE_NTEXT), "ab");
    sqlvalue got;
    es_buf data = ES_BUF_INIT(1000);
    OK(tds_value_add(&data, &type, TDS_IN_PARAM, &v));
    assert_bytes(&data, "04000000 61006200");
    es_reader r = es_reader_of(data.data, data.len);
    OK(tds_value_read(&r, &type, TDS_IN_PARAM, LIMIT_BYTES, &got, NULL));
    assert_string_equal(got.u.s.data, "ab");
    sqlvalue_done(&got);
    sqlvalue_done(&v);
    es_buf_clear(&data);
    OK(tds_value_add(&data, &type, TDS_IN_PARAM, &v));
    assert_bytes(&data, "FFFFFFFF");
    r = es_reader_of(data.data, data.len);
    OK(tds_value_read(&r, &type, TDS_IN_PARAM, LIMIT_BYTES, &got, NULL));
    assert_true(got.is_null);
    es_buf_done(&data);
}

static void variants(void **state)
{
    (void)state;
    static const struct {
        sqltype type;
        const char *text;
        const char *hex;
    } samples[] = {
        {{SQLTYPE_INT}, "7", "06000000 38 00 07000000"},
        {{SQLTYPE_BIT}, "1", "03000000 32 00 01"},
        {{SQLTYPE_NUMERIC, 4, 2}, "12.50", "09000000 6C 02 04 02 01 E2040000"},
        {{SQLTYPE_DATETIME2, 0, 0}, "2024-01-02 03:04:05", "09000000 2A 01 00 252B00 46460B"},
        {{SQLTYPE_DATE}, "2024-01-02", "05000000 28 00 46460B"},
        {{SQLTYPE_NVARCHAR, 0, 0, 5}, "ab", "0D000000 E7 07 0904D00034 0A00 61006200"},
        {{SQLTYPE_VARBINARY, 0, 0, 5}, "0x01", "05000000 A5 02 0500 01"},
        {{SQLTYPE_UNIQUEIDENTIFIER},
         "6F9619FF-8B86-D011-B42D-00C04FC964FF",
         "12000000 24 00 FF19966F868B11D0B42D00C04FC964FF"},
        {{SQLTYPE_FLOAT}, "1.5", "0A000000 3E 00 000000000000F83F"},
        {{SQLTYPE_INT}, NULL, "00000000"},
    };
    tds_type type = tds_type_from(sqltype_of(SQLTYPE_SQL_VARIANT), true);
    es_buf info = ES_BUF_INIT(100);
    OK(tds_type_add(&info, &type));
    assert_bytes(&info, "62 491F0000");
    es_buf_done(&info);
    for (size_t i = 0; i < ES_COUNT_OF(samples); i++) {
        sqlvalue v = make(samples[i].type, samples[i].text);
        sqlvalue got;
        es_buf data = ES_BUF_INIT(1000);
        OK(tds_value_add(&data, &type, TDS_IN_ROW, &v));
        assert_bytes(&data, samples[i].hex);
        es_reader r = es_reader_of(data.data, data.len);
        OK(tds_value_read(&r, &type, TDS_IN_ROW, LIMIT_BYTES, &got, NULL));
        assert_int_equal(got.is_null, v.is_null);
        if (!v.is_null) {
            assert_true(sqltype_equal(got.type, samples[i].type));
            assert_int_equal(sqlvalue_compare(&got, &v), 0);
        }
        for (size_t n = 0; n < data.len; n++) {
            uint8_t *copy = exact_copy(data.data, n);
            sqlvalue none;
            r = es_reader_of(copy, n);
            assert_int_equal(tds_value_read(&r, &type, TDS_IN_ROW, LIMIT_BYTES, &none, NULL),
                             ENTRASQL_TRUNCATED);
            free(copy);
        }
        sqlvalue_done(&got);
        sqlvalue_done(&v);
        es_buf_done(&data);
    }
    static const char *const bad[] = {
        "01000000 38",              /* too short */
        "06000000 38 01 00 070000", /* an int has no properties */
        "06000000 26 00 07000000",  /* a nullable type */
        "06000000 62 00 07000000",  /* a variant in a variant */
        "05000000 38 00 070000",    /* three bytes of an int */
        "06000000 38 09 07000000",  /* properties past the end */
        "FFFF0000 38 00",           /* larger than a variant can be */
        "06000000 2A 01 09 000000", /* scale 9 */
    };
    for (size_t i = 0; i < ES_COUNT_OF(bad); i++) {
        es_buf b = from_hex(bad[i]);
        es_reader r = es_reader_of(b.data, b.len);
        sqlvalue got;
        entrasql_error err = {0};
        assert_int_equal(tds_value_read(&r, &type, TDS_IN_ROW, LIMIT_BYTES, &got, &err),
                         ENTRASQL_MALFORMED);
        assert_true(err.message[0] != '\0');
        es_buf_done(&b);
    }
}

/* varchar as UTF-8 where the collation says so. */
static void utf8_collation(void **state)
{
    (void)state;
    tds_type type = tds_type_from(sqltype_string(SQLTYPE_VARCHAR, 10), true);
    sqlvalue v = make(sqltype_string(SQLTYPE_NVARCHAR, 10), "\xce\xa9");
    sqlvalue got;
    es_buf data = ES_BUF_INIT(100);
    memcpy(type.collation, "\x09\x04\xD0\x04\x00", 5);
    OK(tds_value_add(&data, &type, TDS_IN_ROW, &v));
    assert_bytes(&data, "0200 CEA9");
    es_reader r = es_reader_of(data.data, data.len);
    OK(tds_value_read(&r, &type, TDS_IN_ROW, LIMIT_BYTES, &got, NULL));
    assert_string_equal(got.u.s.data, "\xce\xa9");
    sqlvalue_done(&got);
    sqlvalue_done(&v);
    es_buf_done(&data);
}

/* What does not fit its type is refused, and nothing is written. */
static void refused(void **state)
{
    (void)state;
    struct {
        sqltype type;
        bool nullable;
        sqlvalue value;
    } bad[] = {
        {sqltype_of(SQLTYPE_INT), false, sqlvalue_null(sqltype_of(SQLTYPE_INT))},
        {sqltype_of(SQLTYPE_INT), true, sqlvalue_nvarchar("x", 1)},
        {sqltype_of(SQLTYPE_INT), true, sqlvalue_bigint(INT64_C(1) << 40)},
        {sqltype_of(SQLTYPE_TINYINT), true, sqlvalue_int(-1)},
        {sqltype_string(SQLTYPE_NVARCHAR, 2), true, sqlvalue_nvarchar("abc", 3)},
        {sqltype_string(SQLTYPE_VARCHAR, 2), true, sqlvalue_nvarchar("abc", 3)},
        {decimal(4, 2), true, (sqlvalue){.type = {SQLTYPE_NUMERIC, 4, 1, 0}, .u.dec = {5, false}}},
        {decimal(4, 2), true,
         (sqlvalue){.type = {SQLTYPE_NUMERIC, 9, 2, 0}, .u.dec = {12345, false}}},
        {sqltype_of(SQLTYPE_DATE), true, (sqlvalue){.type = {.id = SQLTYPE_DATE}, .u.ticks = -1}},
        {sqltype_of(SQLTYPE_DATE), true, (sqlvalue){.type = {.id = SQLTYPE_DATETIME}}},
        {sqltype_of(SQLTYPE_SMALLDATETIME), true,
         (sqlvalue){.type = {.id = SQLTYPE_SMALLDATETIME}}},
    };
    for (size_t i = 0; i < ES_COUNT_OF(bad); i++) {
        tds_type type = tds_type_from(bad[i].type, bad[i].nullable);
        es_buf out = ES_BUF_INIT(1000);
        OK(es_buf_u8(&out, 0x55));
        if (tds_value_add(&out, &type, TDS_IN_ROW, &bad[i].value) != ENTRASQL_INVALID)
            fail_msg("row %zu was taken", i);
        assert_int_equal(out.len, 1);
        es_buf_done(&out);
    }
}

static void unusual_types(void **state)
{
    (void)state;
    /* an XML column with a schema collection, a CLR column, a NULL column, old decimal sizes */
    static const struct {
        const char *info;
        tds_place place;
        sqltype_id id;
    } rows_read[] = {
        {"F1 01 01 6100 01 6200 0100 6300", TDS_IN_ROW, SQLTYPE_XML},
        {"F0 FFFF 01 6100 01 6200 01 6300 0100 6400", TDS_IN_ROW, SQLTYPE_VARBINARY},
        {"F0 01 6100 01 6200 01 6300", TDS_IN_PARAM, SQLTYPE_VARBINARY},
        {"1F", TDS_IN_ROW, SQLTYPE_UNKNOWN},
        {"6C 03 04 02", TDS_IN_PARAM, SQLTYPE_NUMERIC},
        {"E7 0000 0904D00034", TDS_IN_PARAM, SQLTYPE_NVARCHAR},
    };
    for (size_t i = 0; i < ES_COUNT_OF(rows_read); i++) {
        es_buf b = from_hex(rows_read[i].info);
        tds_type type;
        for (size_t n = 0; n <= b.len; n++) {
            uint8_t *copy = exact_copy(b.data, n);
            es_reader r = es_reader_of(copy, n);
            entrasql_status st = tds_type_read(&r, rows_read[i].place, &type, NULL);
            assert_int_equal(st, n == b.len ? ENTRASQL_OK : ENTRASQL_TRUNCATED);
            free(copy);
        }
        assert_int_equal(type.type.id, rows_read[i].id);
        es_buf_done(&b);
    }
    assert_string_equal(tds_type_name(0x99), "unknown");
    assert_string_equal(tds_type_name(0xF3), "table");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trips), cmocka_unit_test(text_parameters),
        cmocka_unit_test(variants),    cmocka_unit_test(utf8_collation),
        cmocka_unit_test(refused),     cmocka_unit_test(unusual_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
