/* SPDX-License-Identifier: MIT */
/* sqltype: conversions between types, with the server's error numbers and texts. */
#include "base/mem.h"
#include "base/str.h"
#include "sqltype/convert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Types by their text, so that the tables can be read. */
static sqltype type_of(const char *text)
{
    sqltype t = {0};
    size_t n = strcspn(text, "(");
    unsigned a = 0, b = 0;
    assert_true(sqltype_by_name(text, n, &t.id));
    if (text[n] == '\0')
        return t;
    if (strcmp(text + n, "(max)") == 0) {
        t.length = SQLTYPE_MAX;
        return t;
    }
    assert_true(sscanf(text + n, "(%u,%u)", &a, &b) >= 1);
    if (t.id == SQLTYPE_DECIMAL || t.id == SQLTYPE_NUMERIC) {
        t.precision = (uint8_t)a;
        t.scale = (uint8_t)b;
    } else if (sqltype_is_datetime(t.id)) {
        t.scale = (uint8_t)a;
    } else {
        t.length = a;
    }
    return t;
}

/* A value of the type out of text; varbinary: hexadecimal. */
static sqlvalue make(const char *type, const char *text)
{
    sqlvalue s = sqlvalue_lend(sqltype_string(SQLTYPE_NVARCHAR, SQLTYPE_MAX), text, strlen(text));
    sqltype_convert_options o = SQLTYPE_CONVERT_DEFAULT;
    sqlvalue v;
    entrasql_error err;
    if (sqltype_is_binary(type_of(type).id))
        o.style = 1;
    if (sqltype_convert(&s, type_of(type), &o, &v, &err) != ENTRASQL_OK)
        fail_msg("make %s '%s': %s", type, text, err.message);
    return v;
}

struct row {
    const char *from;
    const char *value;
    const char *to;
    int style;
    const char *want; /* as sqlvalue_print() shows it; NULL: the error below */
    uint32_t number;
    const char *message;
};

#define OK_ROW(from, value, to, want)                                                              \
    {                                                                                              \
        from, value, to, -1, want, 0, NULL                                                         \
    }
#define STYLE_ROW(from, value, to, style, want)                                                    \
    {                                                                                              \
        from, value, to, style, want, 0, NULL                                                      \
    }
#define BAD_ROW(from, value, to, number, message)                                                  \
    {                                                                                              \
        from, value, to, -1, NULL, number, message                                                 \
    }

static const struct row rows[] = {
    /* strings to numbers */
    OK_ROW("varchar(20)", " 42 ", "int", "42"),
    OK_ROW("varchar(20)", "", "int", "0"),
    OK_ROW("nvarchar(20)", "-2147483648", "int", "-2147483648"),
    BAD_ROW("varchar(20)", "abc", "int", 245,
            "Conversion failed when converting the varchar value 'abc' to data type int."),
    BAD_ROW("nvarchar(20)", "1.0", "smallint", 245,
            "Conversion failed when converting the nvarchar value '1.0' to data type smallint."),
    BAD_ROW("varchar(20)", "2147483648", "int", 248,
            "The conversion of the varchar value '2147483648' overflowed an int column."),
    BAD_ROW("varchar(20)", "256", "tinyint", 244,
            "The conversion of the varchar value '256' overflowed an INT1 column. Use a larger "
            "integer column."),
    BAD_ROW("varchar(20)", "-32769", "smallint", 244,
            "The conversion of the varchar value '-32769' overflowed an INT2 column. Use a larger "
            "integer column."),
    BAD_ROW("varchar(20)", "x", "bigint", 8114, "Error converting data type varchar to bigint."),
    BAD_ROW("varchar(30)", "9223372036854775808", "bigint", 8115,
            "Arithmetic overflow error converting expression to data type bigint."),
    OK_ROW("varchar(5)", "TRUE", "bit", "1"),
    OK_ROW("varchar(5)", "false", "bit", "0"),
    OK_ROW("varchar(5)", "-5", "bit", "1"),
    OK_ROW("varchar(5)", "00", "bit", "0"),
    BAD_ROW("varchar(5)", "maybe", "bit", 245,
            "Conversion failed when converting the varchar value 'maybe' to data type bit."),
    OK_ROW("varchar(20)", "12.345", "decimal(5,2)", "12.35"),
    BAD_ROW("varchar(20)", "1234", "decimal(5,2)", 8115,
            "Arithmetic overflow error converting varchar to data type numeric."),
    BAD_ROW("nvarchar(20)", "1e5", "decimal(5,2)", 8114,
            "Error converting data type nvarchar to numeric."),
    BAD_ROW("varchar(20)", "", "decimal(5,2)", 8114,
            "Error converting data type varchar to numeric."),
    OK_ROW("varchar(20)", "1.5e3", "float", "1500"),
    OK_ROW("varchar(20)", "", "float", "0"),
    BAD_ROW("varchar(20)", "1,5", "float", 8114, "Error converting data type varchar to float."),
    BAD_ROW("varchar(20)", "nan", "real", 8114, "Error converting data type varchar to real."),
    BAD_ROW("varchar(20)", "0x10", "float", 8114, "Error converting data type varchar to float."),
    BAD_ROW("varchar(20)", "1e400", "float", 8115,
            "Arithmetic overflow error converting expression to data type float."),
    OK_ROW("varchar(20)", "$1,234.56", "money", "1234.5600"),
    OK_ROW("varchar(20)", "-0.00005", "money", "-0.0001"),
    BAD_ROW("varchar(20)", "12x", "money", 235,
            "Cannot convert a char value to money. The char value has incorrect syntax."),
    BAD_ROW("varchar(20)", "214748.3648", "smallmoney", 8115,
            "Arithmetic overflow error converting expression to data type smallmoney."),
    OK_ROW("varchar(40)", "{6F9619FF-8B86-D011-B42D-00C04FC964FF}", "uniqueidentifier",
           "6F9619FF-8B86-D011-B42D-00C04FC964FF"),
    OK_ROW("varchar(50)", "6f9619ff-8b86-d011-b42d-00c04fc964ffABC", "uniqueidentifier",
           "6F9619FF-8B86-D011-B42D-00C04FC964FF"),
    BAD_ROW("varchar(40)", "6F9619FF", "uniqueidentifier", 8169,
            "Conversion failed when converting from a character string to uniqueidentifier."),
    /* strings to dates */
    OK_ROW("varchar(30)", "2024-01-02 03:04:05.678", "datetime", "2024-01-02 03:04:05.677"),
    BAD_ROW("varchar(30)", "2024-02-30", "datetime", 242,
            "The conversion of a varchar data type to a datetime data type resulted in an "
            "out-of-range value."),
    BAD_ROW("nvarchar(30)", "2024-02-30", "date", 241,
            "Conversion failed when converting date and/or time from character string."),
    BAD_ROW("varchar(30)", "x", "datetime2(7)", 241,
            "Conversion failed when converting date and/or time from character string."),
    BAD_ROW("varchar(30)", "x", "smalldatetime", 295,
            "Conversion failed when converting character string to smalldatetime data type."),
    STYLE_ROW("varchar(30)", "02/01/2024", "date", 103, "2024-01-02"),
    STYLE_ROW("varchar(30)", "02/01/2024", "date", 101, "2024-02-01"),
    /* between numbers */
    OK_ROW("int", "255", "tinyint", "255"),
    BAD_ROW("int", "300", "tinyint", 220,
            "Arithmetic overflow error for data type tinyint, value = 300."),
    BAD_ROW("int", "-1", "tinyint", 220,
            "Arithmetic overflow error for data type tinyint, value = -1."),
    BAD_ROW("bigint", "40000", "smallint", 220,
            "Arithmetic overflow error for data type smallint, value = 40000."),
    BAD_ROW("bigint", "3000000000", "int", 8115,
            "Arithmetic overflow error converting expression to data type int."),
    OK_ROW("int", "7", "bit", "1"),
    OK_ROW("int", "12", "decimal(4,2)", "12.00"),
    BAD_ROW("int", "123", "decimal(4,2)", 8115,
            "Arithmetic overflow error converting int to data type numeric."),
    OK_ROW("decimal(4,2)", "12.99", "int", "12"),
    OK_ROW("decimal(4,2)", "-12.99", "int", "-12"),
    BAD_ROW("decimal(20,0)", "3000000000", "int", 8115,
            "Arithmetic overflow error converting numeric to data type int."),
    BAD_ROW("numeric(5,0)", "300", "tinyint", 8115,
            "Arithmetic overflow error converting numeric to data type tinyint."),
    OK_ROW("decimal(5,3)", "1.235", "decimal(3,2)", "1.24"),
    BAD_ROW("decimal(5,1)", "99.9", "decimal(2,0)", 8115,
            "Arithmetic overflow error converting numeric to data type numeric."),
    OK_ROW("money", "1.5", "int", "2"),
    OK_ROW("money", "1.2345", "decimal(10,2)", "1.23"),
    OK_ROW("decimal(10,6)", "1.23456", "money", "1.2346"),
    BAD_ROW("bigint", "922337203685478", "money", 8115,
            "Arithmetic overflow error converting bigint to data type money."),
    OK_ROW("float", "1.9", "int", "1"),
    OK_ROW("float", "-1.9", "int", "-1"),
    BAD_ROW("float", "1e10", "int", 232,
            "Arithmetic overflow error for type int, value = 10000000000.000000."),
    BAD_ROW("float", "1e30", "bigint", 8115,
            "Arithmetic overflow error converting expression to data type bigint."),
    OK_ROW("float", "0.1", "decimal(5,3)", "0.100"),
    BAD_ROW("float", "1e10", "decimal(5,3)", 8115,
            "Arithmetic overflow error converting float to data type numeric."),
    OK_ROW("decimal(10,4)", "0.1", "float", "0.1"),
    OK_ROW("float", "0.1", "real", "0.1"),
    BAD_ROW("float", "1e39", "real", 232, NULL),
    /* numbers to strings */
    OK_ROW("int", "-42", "varchar(10)", "-42"),
    OK_ROW("int", "12345", "varchar(3)", "*"),
    BAD_ROW("int", "12345", "nvarchar(3)", 8115,
            "Arithmetic overflow error converting expression to data type nvarchar."),
    BAD_ROW("bigint", "12345", "varchar(3)", 8115,
            "Arithmetic overflow error converting expression to data type varchar."),
    BAD_ROW("decimal(5,2)", "123.45", "varchar(3)", 8115,
            "Arithmetic overflow error converting numeric to data type varchar."),
    OK_ROW("decimal(5,2)", "0.5", "varchar(10)", "0.50"),
    OK_ROW("int", "5", "char(3)", "5  "),
    OK_ROW("float", "1234567", "varchar(20)", "1.23457e+006"),
    OK_ROW("float", "0.0001", "varchar(20)", "0.0001"),
    OK_ROW("float", "0.1", "varchar(20)", "0.1"),
    OK_ROW("float", "0.05", "varchar(20)", "0.05"),
    OK_ROW("float", "0.00001", "varchar(20)", "1e-005"),
    OK_ROW("float", "-1.5", "varchar(20)", "-1.5"),
    OK_ROW("float", "100000", "varchar(20)", "100000"),
    OK_ROW("float", "0", "varchar(20)", "0"),
    STYLE_ROW("float", "1234.5", "varchar(30)", 1, "1.2345000e+003"),
    STYLE_ROW("float", "1234.5", "varchar(30)", 2, "1.234500000000000e+003"),
    STYLE_ROW("float", "0.1", "varchar(30)", 3, "1.0000000000000001e-001"),
    OK_ROW("money", "1234.5678", "varchar(20)", "1234.57"),
    STYLE_ROW("money", "-1234567.5", "varchar(20)", 1, "-1,234,567.50"),
    STYLE_ROW("money", "123.5", "varchar(20)", 1, "123.50"),
    STYLE_ROW("money", "1234.5678", "varchar(20)", 2, "1234.5678"),
    BAD_ROW("money", "1234.5", "varchar(3)", 234,
            "There is insufficient result space to convert a money value to varchar."),
    OK_ROW("bit", "1", "varchar(5)", "1"),
    OK_ROW("uniqueidentifier", "6f9619ff-8b86-d011-b42d-00c04fc964ff", "char(36)",
           "6F9619FF-8B86-D011-B42D-00C04FC964FF"),
    BAD_ROW("uniqueidentifier", "6f9619ff-8b86-d011-b42d-00c04fc964ff", "char(35)", 8170,
            "Insufficient result space to convert uniqueidentifier value to char."),
    /* dates */
    OK_ROW("datetime", "2024-01-02 15:04:05", "varchar(30)", "Jan  2 2024  3:04PM"),
    OK_ROW("datetime", "2024-01-02 15:04:05", "varchar(6)", "Jan  2"),
    STYLE_ROW("datetime", "2024-01-02 15:04:05", "varchar(30)", 120, "2024-01-02 15:04:05"),
    {"datetime", "2024-01-02", "varchar(30)", 77, NULL, 281,
     "77 is not a valid style number when converting from datetime to a character string."},
    OK_ROW("datetime", "2024-01-02 15:04:05.003", "datetime2(7)", "2024-01-02 15:04:05.0033333"),
    OK_ROW("datetime2(7)", "2024-01-02 15:04:05.0049", "datetime", "2024-01-02 15:04:05.003"),
    BAD_ROW("datetime2(7)", "1500-01-01", "datetime", 242,
            "The conversion of a datetime2 data type to a datetime data type resulted in an "
            "out-of-range value."),
    BAD_ROW("date", "1500-01-01", "smalldatetime", 242,
            "The conversion of a date data type to a smalldatetime data type resulted in an "
            "out-of-range value."),
    OK_ROW("datetimeoffset(0)", "2024-01-02 01:00:00 +02:00", "datetime2(0)",
           "2024-01-02 01:00:00"),
    OK_ROW("datetimeoffset(0)", "2024-01-02 01:00:00 +02:00", "date", "2024-01-02"),
    OK_ROW("datetimeoffset(3)", "2024-01-02 01:00:00 +02:00", "datetimeoffset(0)",
           "2024-01-02 01:00:00 +02:00"),
    OK_ROW("datetime2(0)", "2024-01-02 01:00:00", "datetimeoffset(0)",
           "2024-01-02 01:00:00 +00:00"),
    OK_ROW("datetime2(7)", "2024-01-02 01:02:03.4567890", "time(3)", "01:02:03.457"),
    OK_ROW("time(0)", "01:02:03", "datetime", "1900-01-01 01:02:03.000"),
    OK_ROW("datetime", "1900-01-03 12:00", "int", "3"),
    OK_ROW("datetime", "1900-01-03 11:59", "int", "2"),
    OK_ROW("datetime", "1900-01-03 12:00", "float", "2.5"),
    OK_ROW("int", "1", "datetime", "1900-01-02 00:00:00.000"),
    OK_ROW("float", "0.5", "datetime", "1900-01-01 12:00:00.000"),
    OK_ROW("int", "-53690", "datetime", "1753-01-01 00:00:00.000"),
    BAD_ROW("int", "-53691", "datetime", 8115,
            "Arithmetic overflow error converting expression to data type datetime."),
    /* strings to strings */
    OK_ROW("nvarchar(20)", "h\xc3\xa9llo", "varchar(3)", "h\xc3\xa9l"),
    OK_ROW("nvarchar(20)", "\xce\xa9mega", "varchar(20)", "?mega"),
    OK_ROW("nvarchar(20)", "ab", "nchar(4)", "ab  "),
    OK_ROW("varchar(20)", "abcdef", "text", "abcdef"),
    OK_ROW("nvarchar(20)", "a\xf0\x9f\x98\x80z", "nvarchar(3)", "a\xf0\x9f\x98\x80"),
    OK_ROW("nvarchar(20)", "a\xf0\x9f\x98\x80z", "nvarchar(2)", "a\xed\xa0\xbd"),
    OK_ROW("nvarchar(20)", "\xf0\x9f\x98\x80z", "varchar(20)", "??z"),
    /* binaries */
    OK_ROW("varbinary(10)", "0x0102", "int", "258"),
    OK_ROW("varbinary(10)", "0xFFFFFFFFFF", "int", "-1"),
    OK_ROW("int", "258", "varbinary(10)", "0x00000102"),
    OK_ROW("int", "258", "varbinary(1)", "0x02"),
    OK_ROW("int", "258", "binary(6)", "0x000000000102"),
    OK_ROW("bigint", "1", "varbinary(max)", "0x0000000000000001"),
    OK_ROW("varchar(5)", "abc", "varbinary(10)", "0x616263"),
    OK_ROW("nvarchar(5)", "ab", "varbinary(10)", "0x61006200"),
    OK_ROW("varchar(5)", "abc", "binary(5)", "0x6162630000"),
    OK_ROW("varchar(5)", "abc", "varbinary(2)", "0x6162"),
    STYLE_ROW("varchar(8)", "0x0aFF", "varbinary(10)", 1, "0x0AFF"),
    STYLE_ROW("varchar(8)", "0aFF", "varbinary(10)", 2, "0x0AFF"),
    {"varchar(8)", "0x0", "varbinary(10)", 1, NULL, 8114,
     "Error converting data type varchar to varbinary."},
    {"varchar(8)", "zz", "varbinary(10)", 2, NULL, 8114,
     "Error converting data type varchar to varbinary."},
    OK_ROW("varbinary(4)", "0x616263", "varchar(10)", "abc"),
    OK_ROW("varbinary(4)", "0xE9", "varchar(10)", "\xc3\xa9"),
    OK_ROW("varbinary(4)", "0x61006200", "nvarchar(10)", "ab"),
    STYLE_ROW("varbinary(4)", "0x01AB", "varchar(10)", 1, "0x01AB"),
    STYLE_ROW("varbinary(4)", "0x01AB", "varchar(10)", 2, "01AB"),
    OK_ROW("uniqueidentifier", "6f9619ff-8b86-d011-b42d-00c04fc964ff", "varbinary(16)",
           "0xFF19966F868B11D0B42D00C04FC964FF"),
    OK_ROW("varbinary(16)", "0xFF19966F868B11D0B42D00C04FC964FF", "uniqueidentifier",
           "6F9619FF-8B86-D011-B42D-00C04FC964FF"),
    OK_ROW("decimal(5,2)", "1.50", "varbinary(20)", "0x0502000196000000"),
    OK_ROW("varbinary(20)", "0x0502000196000000", "decimal(5,2)", "1.50"),
    OK_ROW("datetime", "1900-01-02 00:00:01", "varbinary(8)", "0x000000010000012C"),
    OK_ROW("varbinary(8)", "0x000000010000012C", "datetime", "1900-01-02 00:00:01.000"),
    BAD_ROW("varbinary(8)", "0x7FFFFFFF00000000", "datetime", 8115,
            "Arithmetic overflow error converting expression to data type datetime."),
    OK_ROW("varbinary(8)", "0x", "datetime", "1900-01-01 00:00:00.000"),
    OK_ROW("date", "2024-01-02", "varbinary(8)", "0x46460B"),
    OK_ROW("varbinary(8)", "0x46460B", "date", "2024-01-02"),
    BAD_ROW("varbinary(8)", "0x4646", "date", 8114,
            "Error converting data type varbinary to date."),
    BAD_ROW("varbinary(8)", "0xFFFFFF", "date", 8114,
            "Error converting data type varbinary to date."),
    BAD_ROW("float", "9999999", "datetime", 8115,
            "Arithmetic overflow error converting expression to data type datetime."),
    BAD_ROW("float", "-9999999", "datetime", 8115,
            "Arithmetic overflow error converting expression to data type datetime."),
    OK_ROW("money", "1", "varbinary(8)", "0x0000000000002710"),
    OK_ROW("varbinary(8)", "0x0000000000000007", "timestamp", "0x0000000000000007"),
    /* never */
    BAD_ROW("int", "1", "date", 529,
            "Explicit conversion from data type int to date is not allowed."),
    BAD_ROW("uniqueidentifier", "6f9619ff-8b86-d011-b42d-00c04fc964ff", "int", 529,
            "Explicit conversion from data type uniqueidentifier to int is not allowed."),
};

static void table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ES_COUNT_OF(rows); i++) {
        const struct row *r = &rows[i];
        sqlvalue v = make(r->from, r->value);
        sqltype_convert_options o = SQLTYPE_CONVERT_DEFAULT;
        sqlvalue got;
        entrasql_error err = {0};
        o.style = r->style;
        entrasql_status st = sqltype_convert(&v, type_of(r->to), &o, &got, &err);
        if (r->want == NULL) {
            if (st != ENTRASQL_SQL_ERROR || err.number != r->number ||
                (r->message != NULL && strcmp(err.message, r->message) != 0))
                fail_msg("%s '%s' to %s: %d %u %s", r->from, r->value, r->to, st, err.number,
                         err.message);
            assert_int_equal(err.severity, 16);
            assert_int_equal(err.error_class, ENTRASQL_CLASS_SQL);
        } else {
            es_buf text = ES_BUF_INIT(1000);
            if (st != ENTRASQL_OK)
                fail_msg("%s '%s' to %s: %s", r->from, r->value, r->to, err.message);
            assert_int_equal(sqlvalue_print(&got, &text), ENTRASQL_OK);
            if (strcmp(es_buf_cstr(&text), r->want) != 0)
                fail_msg("%s '%s' to %s: '%s', not '%s'", r->from, r->value, r->to,
                         es_buf_cstr(&text), r->want);
            assert_true(sqltype_equal(got.type, type_of(r->to)));
            es_buf_done(&text);
            sqlvalue_done(&got);
        }
        sqlvalue_done(&v);
    }
}

static void assignment(void **state)
{
    (void)state;
    static const struct {
        const char *from, *value, *to;
        uint32_t number;
        const char *message;
    } refused[] = {
        {"datetime", "2024-01-01", "int", 257,
         "Implicit conversion from data type datetime to int is not allowed. Use the CONVERT "
         "function to run this query."},
        {"varchar(5)", "a", "varbinary(max)", 257,
         "Implicit conversion from data type varchar to varbinary(max) is not allowed. Use the "
         "CONVERT function to run this query."},
        {"money", "1", "nvarchar(10)", 257,
         "Implicit conversion from data type money to nvarchar is not allowed. Use the CONVERT "
         "function to run this query."},
        {"int", "1", "date", 206, "Operand type clash: int is incompatible with date"},
    };
    entrasql_error err;
    sqlvalue got;
    for (size_t i = 0; i < ES_COUNT_OF(refused); i++) {
        sqlvalue v = make(refused[i].from, refused[i].value);
        assert_int_equal(sqltype_assign(&v, type_of(refused[i].to), &got, &err),
                         ENTRASQL_SQL_ERROR);
        assert_int_equal(err.number, refused[i].number);
        assert_string_equal(err.message, refused[i].message);
        sqlvalue_done(&v);
    }
    /* too long: kept for the caller's 2628; blanks too many are dropped */
    sqlvalue v = make("nvarchar(max)", "abcdef");
    assert_int_equal(sqltype_assign(&v, type_of("varchar(3)"), &got, &err), ENTRASQL_OK);
    assert_true(sqlvalue_is_too_long(&got));
    assert_int_equal(got.u.s.len, 6);
    assert_int_equal(sqlvalue_fit_length(&got), ENTRASQL_OK);
    assert_string_equal(got.u.s.data, "abc");
    sqlvalue_done(&got);
    sqlvalue_done(&v);
    v = make("nvarchar(max)", "abc   ");
    assert_int_equal(sqltype_assign(&v, type_of("varchar(3)"), &got, &err), ENTRASQL_OK);
    assert_false(sqlvalue_is_too_long(&got));
    assert_string_equal(got.u.s.data, "abc");
    sqlvalue_done(&got);
    sqlvalue_done(&v);
    v = make("nvarchar(max)", "ab");
    assert_int_equal(sqltype_assign(&v, type_of("char(4)"), &got, &err), ENTRASQL_OK);
    assert_string_equal(got.u.s.data, "ab  ");
    assert_int_equal(sqlvalue_bytes(&got), 4);
    sqlvalue_done(&got);
    sqlvalue_done(&v);
    /* NULL goes anywhere */
    v = sqlvalue_null(sqltype_of(SQLTYPE_UNIQUEIDENTIFIER));
    assert_int_equal(sqltype_assign(&v, type_of("int"), &got, &err), ENTRASQL_OK);
    assert_true(got.is_null && got.type.id == SQLTYPE_INT);
}

/* Every pair of types: what the chart allows must not crash, what it forbids must say so. */
static void all_pairs(void **state)
{
    (void)state;
    static const char *const samples[][2] = {
        {"bit", "1"},
        {"tinyint", "12"},
        {"smallint", "12"},
        {"int", "12"},
        {"bigint", "12"},
        {"decimal(10,2)", "12.5"},
        {"numeric(10,2)", "12.5"},
        {"money", "12.5"},
        {"smallmoney", "12.5"},
        {"real", "12.5"},
        {"float", "12.5"},
        {"date", "2024-01-02"},
        {"time(7)", "01:02:03"},
        {"datetime", "2024-01-02"},
        {"smalldatetime", "2024-01-02"},
        {"datetime2(7)", "2024-01-02"},
        {"datetimeoffset(7)", "2024-01-02"},
        {"char(4)", "12"},
        {"varchar(4)", "12"},
        {"text", "12"},
        {"nchar(4)", "12"},
        {"nvarchar(4)", "12"},
        {"ntext", "12"},
        {"binary(4)", "0x12"},
        {"varbinary(4)", "0x12"},
        {"uniqueidentifier", "6f9619ff-8b86-d011-b42d-00c04fc964ff"},
        {"timestamp", "0x12"},
        {"xml", "12"},
    };
    unsigned converted = 0;
    for (size_t i = 0; i < ES_COUNT_OF(samples); i++) {
        sqlvalue v = make(samples[i][0], samples[i][1]);
        for (size_t j = 0; j < ES_COUNT_OF(samples); j++) {
            sqltype target = type_of(samples[j][0]);
            sqlvalue got;
            entrasql_error err;
            entrasql_status st = sqltype_convert(&v, target, NULL, &got, &err);
            bool never = sqltype_conversion(v.type.id, target.id) == SQLTYPE_ALLOWED_NEVER;
            assert_int_equal(st == ENTRASQL_SQL_ERROR && err.number == 529, never);
            if (st == ENTRASQL_OK) {
                es_buf text = ES_BUF_INIT(1000);
                assert_int_equal(sqlvalue_print(&got, &text), ENTRASQL_OK);
                es_buf_done(&text);
                sqlvalue_done(&got);
                converted++;
            }
            /* each allocation refused in turn */
            (void)es_mem_fail_from(1);
            st = sqltype_convert(&v, target, NULL, &got, &err);
            (void)es_mem_fail_from(0);
            if (st == ENTRASQL_OK)
                sqlvalue_done(&got);
        }
        sqlvalue_done(&v);
    }
    assert_true(converted > 350);
}

static void printing(void **state)
{
    (void)state;
    static const struct {
        double f;
        bool real;
        const char *text;
    } floats[] = {{1.5, false, "1.5"},
                  {0.1, false, "0.1"},
                  {1e20, false, "1e+20"},
                  {123456789012345678.0, false, "1.2345678901234568e+17"},
                  {-0.0, false, "0"},
                  {0.1, true, "0.1"},
                  {1.0 / 3, false, "0.3333333333333333"},
                  {1e-5, false, "1e-05"},
                  {3.0e5, false, "300000"}};
    for (size_t i = 0; i < ES_COUNT_OF(floats); i++) {
        sqlvalue v = sqlvalue_float(floats[i].real ? (double)(float)floats[i].f : floats[i].f);
        es_buf text = ES_BUF_INIT(100);
        if (floats[i].real)
            v.type.id = SQLTYPE_REAL;
        assert_int_equal(sqlvalue_print(&v, &text), ENTRASQL_OK);
        assert_string_equal(es_buf_cstr(&text), floats[i].text);
        es_buf_done(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table),
        cmocka_unit_test(assignment),
        cmocka_unit_test(all_pairs),
        cmocka_unit_test(printing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
