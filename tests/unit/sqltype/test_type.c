/* SPDX-License-Identifier: MIT */
/* sqltype: names, precedence, common types, values, collation, code page 1252. */
#include "base/mem.h"
#include "sqltype/collation.h"
#include "sqltype/cp1252.h"
#include "sqltype/type.h"
#include "sqltype/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void names(void **state)
{
    (void)state;
    sqltype_id id;
    for (int i = SQLTYPE_UNKNOWN + 1; i < SQLTYPE_COUNT; i++) {
        const char *name = sqltype_name((sqltype_id)i);
        assert_true(sqltype_by_name(name, strlen(name), &id));
        assert_int_equal(id, i);
    }
    static const struct {
        const char *name;
        sqltype_id id;
    } more[] = {
        {"INTEGER", SQLTYPE_INT},           {"Dec", SQLTYPE_DECIMAL},
        {"rowversion", SQLTYPE_ROWVERSION}, {"double precision", SQLTYPE_FLOAT},
        {"sysname", SQLTYPE_NVARCHAR},      {"National Character Varying", SQLTYPE_NVARCHAR}};
    for (size_t i = 0; i < ES_COUNT_OF(more); i++) {
        assert_true(sqltype_by_name(more[i].name, strlen(more[i].name), &id));
        assert_int_equal(id, more[i].id);
    }
    assert_false(sqltype_by_name("intx", 4, &id));
    assert_false(sqltype_by_name("in", 2, &id));
    assert_false(sqltype_by_name("NULL", 4, &id));
}

static void texts(void **state)
{
    (void)state;
    static const struct {
        sqltype type;
        const char *text;
        uint32_t bytes;
    } rows[] = {
        {{SQLTYPE_INT, 0, 0, 0}, "int", 4},
        {{SQLTYPE_DECIMAL, 10, 2, 0}, "decimal(10,2)", 9},
        {{SQLTYPE_NUMERIC, 38, 38, 0}, "numeric(38,38)", 17},
        {{SQLTYPE_DECIMAL, 9, 0, 0}, "decimal(9,0)", 5},
        {{SQLTYPE_DECIMAL, 28, 0, 0}, "decimal(28,0)", 13},
        {{SQLTYPE_VARCHAR, 0, 0, 255}, "varchar(255)", 255},
        {{SQLTYPE_NVARCHAR, 0, 0, 255}, "nvarchar(255)", 510},
        {{SQLTYPE_NVARCHAR, 0, 0, SQLTYPE_MAX}, "nvarchar(max)", SQLTYPE_MAX},
        {{SQLTYPE_VARBINARY, 0, 0, 8000}, "varbinary(8000)", 8000},
        {{SQLTYPE_DATETIME2, 0, 7, 0}, "datetime2(7)", 8},
        {{SQLTYPE_TIME, 0, 0, 0}, "time(0)", 3},
        {{SQLTYPE_DATETIMEOFFSET, 0, 3, 0}, "datetimeoffset(3)", 9},
        {{SQLTYPE_DATE, 0, 0, 0}, "date", 3},
        {{SQLTYPE_UNIQUEIDENTIFIER, 0, 0, 0}, "uniqueidentifier", 16},
        {{SQLTYPE_XML, 0, 0, 0}, "xml", SQLTYPE_MAX},
    };
    for (size_t i = 0; i < ES_COUNT_OF(rows); i++) {
        char text[48];
        sqltype_format(rows[i].type, text, sizeof text);
        assert_string_equal(text, rows[i].text);
        assert_int_equal(sqltype_bytes(rows[i].type), rows[i].bytes);
    }
}

static void groups(void **state)
{
    (void)state;
    assert_true(sqltype_is_integer(SQLTYPE_BIT));
    assert_false(sqltype_is_integer(SQLTYPE_MONEY));
    assert_true(sqltype_is_exact_numeric(SQLTYPE_MONEY));
    assert_false(sqltype_is_exact_numeric(SQLTYPE_REAL));
    assert_true(sqltype_is_number(SQLTYPE_REAL));
    assert_true(sqltype_is_string(SQLTYPE_TEXT));
    assert_false(sqltype_is_unicode(SQLTYPE_TEXT));
    assert_true(sqltype_is_unicode(SQLTYPE_XML));
    assert_true(sqltype_is_binary(SQLTYPE_IMAGE));
    assert_true(sqltype_is_datetime(SQLTYPE_TIME));
    assert_true(sqltype_is_large((sqltype){.id = SQLTYPE_NTEXT}));
    assert_false(sqltype_is_large(sqltype_string(SQLTYPE_NVARCHAR, 10)));
    /* the list of the documentation, highest first */
    static const sqltype_id order[] = {SQLTYPE_SQL_VARIANT,
                                       SQLTYPE_XML,
                                       SQLTYPE_DATETIMEOFFSET,
                                       SQLTYPE_DATETIME2,
                                       SQLTYPE_DATETIME,
                                       SQLTYPE_SMALLDATETIME,
                                       SQLTYPE_DATE,
                                       SQLTYPE_TIME,
                                       SQLTYPE_FLOAT,
                                       SQLTYPE_REAL,
                                       SQLTYPE_DECIMAL,
                                       SQLTYPE_MONEY,
                                       SQLTYPE_SMALLMONEY,
                                       SQLTYPE_BIGINT,
                                       SQLTYPE_INT,
                                       SQLTYPE_SMALLINT,
                                       SQLTYPE_TINYINT,
                                       SQLTYPE_BIT,
                                       SQLTYPE_NTEXT,
                                       SQLTYPE_TEXT,
                                       SQLTYPE_IMAGE,
                                       SQLTYPE_ROWVERSION,
                                       SQLTYPE_UNIQUEIDENTIFIER,
                                       SQLTYPE_NVARCHAR,
                                       SQLTYPE_NCHAR,
                                       SQLTYPE_VARCHAR,
                                       SQLTYPE_CHAR,
                                       SQLTYPE_VARBINARY,
                                       SQLTYPE_BINARY,
                                       SQLTYPE_UNKNOWN};
    for (size_t i = 1; i < ES_COUNT_OF(order); i++)
        assert_true(sqltype_precedence(order[i - 1]) > sqltype_precedence(order[i]));
}

static void common(void **state)
{
    (void)state;
    sqltype varchar5 = sqltype_string(SQLTYPE_VARCHAR, 5);
    sqltype nchar3 = sqltype_string(SQLTYPE_NCHAR, 3);
    sqltype max = sqltype_string(SQLTYPE_NVARCHAR, SQLTYPE_MAX);
    sqltype i = sqltype_of(SQLTYPE_INT);
    struct {
        sqltype a, b, want;
    } rows[] = {
        {i, sqltype_of(SQLTYPE_BIGINT), sqltype_of(SQLTYPE_BIGINT)},
        {i, varchar5, i},
        {varchar5, nchar3, sqltype_string(SQLTYPE_NVARCHAR, 5)},
        {sqltype_string(SQLTYPE_CHAR, 2), varchar5, varchar5},
        {sqltype_string(SQLTYPE_CHAR, 2), sqltype_string(SQLTYPE_CHAR, 9),
         sqltype_string(SQLTYPE_CHAR, 9)},
        {sqltype_string(SQLTYPE_VARCHAR, 8000), nchar3, sqltype_string(SQLTYPE_NVARCHAR, 4000)},
        {varchar5, max, max},
        {sqltype_of(SQLTYPE_UNKNOWN), varchar5, varchar5},
        {sqltype_decimal(5, 2), i, sqltype_decimal(12, 2)},
        {sqltype_decimal(10, 0), sqltype_decimal(10, 8), sqltype_decimal(18, 8)},
        {sqltype_decimal(38, 0), sqltype_decimal(38, 38), sqltype_decimal(38, 0)},
        {sqltype_decimal(5, 2), sqltype_of(SQLTYPE_FLOAT), sqltype_of(SQLTYPE_FLOAT)},
        {sqltype_with_scale(SQLTYPE_DATETIME2, 0), sqltype_of(SQLTYPE_DATETIME),
         sqltype_with_scale(SQLTYPE_DATETIME2, 3)},
        {sqltype_with_scale(SQLTYPE_TIME, 7), sqltype_with_scale(SQLTYPE_DATETIMEOFFSET, 2),
         sqltype_with_scale(SQLTYPE_DATETIMEOFFSET, 7)},
        {sqltype_string(SQLTYPE_BINARY, 4), sqltype_string(SQLTYPE_VARBINARY, 2),
         sqltype_string(SQLTYPE_VARBINARY, 4)},
    };
    for (size_t k = 0; k < ES_COUNT_OF(rows); k++) {
        assert_true(sqltype_equal(sqltype_common(rows[k].a, rows[k].b), rows[k].want));
        assert_true(sqltype_equal(sqltype_common(rows[k].b, rows[k].a), rows[k].want));
    }
}

static int compare(const char *a, const char *b)
{
    int order = sqlcollation_compare(a, strlen(a), b, strlen(b));
    assert_int_equal(sqlcollation_compare(b, strlen(b), a, strlen(a)), -order);
    es_buf x = ES_BUF_INIT(1000);
    es_buf y = ES_BUF_INIT(1000);
    assert_int_equal(sqlcollation_key(a, strlen(a), &x), ENTRASQL_OK);
    assert_int_equal(sqlcollation_key(b, strlen(b), &y), ENTRASQL_OK);
    assert_int_equal(x.len == y.len && (x.len == 0 || memcmp(x.data, y.data, x.len) == 0),
                     order == 0);
    if (order == 0)
        assert_true(sqlcollation_hash(a, strlen(a)) == sqlcollation_hash(b, strlen(b)));
    es_buf_done(&x);
    es_buf_done(&y);
    return order;
}

static void collation(void **state)
{
    (void)state;
    static const char *const equal[][2] = {
        {"abc", "ABC"},   {"a", "a   "},    {"", "  "},     {"\xc3\xa9", "\xc3\x89"},
        {"ŁÓDŹ", "łódź"}, {"ΑΒΓΔ", "αβγδ"}, {"ЖУК", "жук"}, {"ÿ", "Ÿ"},
    };
    for (size_t i = 0; i < ES_COUNT_OF(equal); i++)
        assert_int_equal(compare(equal[i][0], equal[i][1]), 0);
    static const char *const rising[] = {"",  " x",  "\t", "_a", "1",  "10",  "2",
                                         "a", "a b", "aa", "ab", "äb", "ac",  "e",
                                         "é", "f",   "z",  "Ω",  "Ж",  "\xff"};
    /* "\t" sorts before " x" in code points: the pair is left out of the strict order below */
    for (size_t i = 3; i + 1 < ES_COUNT_OF(rising); i++)
        for (size_t j = i + 1; j < ES_COUNT_OF(rising); j++)
            assert_true(compare(rising[i], rising[j]) < 0);
    assert_true(compare("a", "ä") != 0);
    assert_true(compare("resume", "résumé") < 0);
    assert_true(compare("résumé", "resumes") < 0);
    assert_true(sqlcollation_equal_names("Persons", "PERSONS"));
    assert_false(sqlcollation_equal_names("Persons", "Persons "));
    assert_false(sqlcollation_equal_names("Person", "Persons"));
    assert_int_equal(sqlcollation_upper(0xFF), 0x178);
    assert_int_equal(sqlcollation_upper('z'), 'Z');
    assert_int_equal(sqlcollation_lower(0x416), 0x436);
    assert_int_equal(sqlcollation_fold(0xD7), 0xD7);
    assert_memory_equal(sqlcollation_wire, "\x09\x04\xD0\x00\x34", 5);
}

static void code_page(void **state)
{
    (void)state;
    es_buf out = ES_BUF_INIT(1000);
    static const char text[] = "h\xc3\xa9llo \xe2\x82\xac \xce\xa9 \xf0\x9f\x98\x80";
    assert_int_equal(sqlcp1252_encode(text, strlen(text), &out), ENTRASQL_OK);
    assert_int_equal(out.len, 12);
    assert_memory_equal(out.data, "h\xe9llo \x80 ? ??", 12);
    assert_int_equal(sqlcp1252_length(text, strlen(text)), 12);
    es_buf_clear(&out);
    for (unsigned b = 0; b < 256; b++) { /* every byte comes back */
        uint8_t byte = (uint8_t)b;
        es_buf back = ES_BUF_INIT(10);
        es_buf_clear(&out);
        assert_int_equal(sqlcp1252_decode(&byte, 1, &out), ENTRASQL_OK);
        assert_int_equal(sqlcp1252_encode((const char *)out.data, out.len, &back), ENTRASQL_OK);
        assert_int_equal(back.len, 1);
        assert_int_equal(back.data[0], byte);
        es_buf_done(&back);
    }
    es_buf_done(&out);
}

static void values(void **state)
{
    (void)state;
    sqlvalue v = sqlvalue_nvarchar("h\xc3\xa9", 3);
    sqlvalue copy;
    assert_int_equal(v.type.length, 2);
    assert_int_equal(sqlvalue_copy(&copy, &v), ENTRASQL_OK);
    assert_true(copy.owned && copy.u.s.data != v.u.s.data);
    assert_int_equal(sqlvalue_compare(&copy, &v), 0);
    sqlvalue_done(&copy);
    assert_true(copy.is_null);
    (void)es_mem_fail_from(1);
    assert_int_equal(sqlvalue_copy(&copy, &v), ENTRASQL_NOMEM);
    (void)es_mem_fail_from(0);
    assert_true(copy.is_null);
    sqlvalue a = sqlvalue_lend(sqltype_string(SQLTYPE_VARBINARY, 4), "\x01\x00\x00", 3);
    sqlvalue b = sqlvalue_lend(sqltype_string(SQLTYPE_VARBINARY, 4), "\x01", 1);
    assert_int_equal(sqlvalue_compare(&a, &b), 0);
    b = sqlvalue_lend(sqltype_string(SQLTYPE_VARBINARY, 4), "\x01\x00\x01", 3);
    assert_true(sqlvalue_compare(&a, &b) < 0);
    sqlvalue g = {.type = {.id = SQLTYPE_UNIQUEIDENTIFIER}, .u.guid = {[0] = 9}};
    sqlvalue h = {.type = {.id = SQLTYPE_UNIQUEIDENTIFIER}, .u.guid = {[10] = 1}};
    assert_true(sqlvalue_compare(&g, &h) < 0);
    sqlvalue x = sqlvalue_int(-5);
    sqlvalue y = sqlvalue_int(4);
    assert_true(sqlvalue_compare(&x, &y) < 0);
    assert_true(sqlvalue_compare(&y, &x) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),  cmocka_unit_test(texts),     cmocka_unit_test(groups),
        cmocka_unit_test(common), cmocka_unit_test(collation), cmocka_unit_test(code_page),
        cmocka_unit_test(values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
