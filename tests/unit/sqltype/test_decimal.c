/* SPDX-License-Identifier: MIT */
/* sqltype: decimals against results known from SQL Server and from its documentation. */
#include "sqltype/decimal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define NINES38 "99999999999999999999999999999999999999"

static void parsing(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        uint8_t precision, scale;
        entrasql_status status;
        const char *out;
    } rows[] = {
        {"12.50", 4, 2, ENTRASQL_OK, "12.50"},
        {" -12.5 ", 4, 2, ENTRASQL_OK, "-12.50"},
        {"+.5", 4, 2, ENTRASQL_OK, "0.50"},
        {"5.", 4, 2, ENTRASQL_OK, "5.00"},
        {"-0", 4, 0, ENTRASQL_OK, "0"},
        {"0.005", 4, 2, ENTRASQL_OK, "0.01"},
        {"-0.005", 4, 2, ENTRASQL_OK, "-0.01"},
        {"0.00499999999999999999999999999999999999999999999", 4, 2, ENTRASQL_OK, "0.00"},
        {"99.995", 4, 2, ENTRASQL_LIMIT, NULL},
        {"99.994", 4, 2, ENTRASQL_OK, "99.99"},
        {"100", 4, 2, ENTRASQL_LIMIT, NULL},
        {NINES38, 38, 0, ENTRASQL_OK, NINES38},
        {"-" NINES38, 38, 0, ENTRASQL_OK, "-" NINES38},
        {"1" NINES38, 38, 0, ENTRASQL_LIMIT, NULL},
        {"0." NINES38, 38, 38, ENTRASQL_OK, "0." NINES38},
        {"000000000000000000000000000000000000000000000000001", 1, 0, ENTRASQL_OK, "1"},
        {"1", 38, 38, ENTRASQL_LIMIT, NULL},
        {"", 4, 2, ENTRASQL_MALFORMED, NULL},
        {" ", 4, 2, ENTRASQL_MALFORMED, NULL},
        {".", 4, 2, ENTRASQL_MALFORMED, NULL},
        {"-", 4, 2, ENTRASQL_MALFORMED, NULL},
        {"1e5", 9, 2, ENTRASQL_MALFORMED, NULL},
        {"1.2.3", 4, 2, ENTRASQL_MALFORMED, NULL},
        {"1 2", 4, 2, ENTRASQL_MALFORMED, NULL},
        {"--1", 4, 2, ENTRASQL_MALFORMED, NULL},
    };
    for (size_t i = 0; i < ES_COUNT_OF(rows); i++) {
        sqldecimal d;
        char text[SQLDECIMAL_TEXT_SIZE];
        assert_int_equal(
            sqldecimal_parse(rows[i].in, strlen(rows[i].in), rows[i].precision, rows[i].scale, &d),
            rows[i].status);
        if (rows[i].out == NULL)
            continue;
        assert_int_equal(sqldecimal_format(d, rows[i].scale, text), strlen(rows[i].out));
        assert_string_equal(text, rows[i].out);
    }
}

static void literals(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        uint8_t precision, scale;
    } rows[] = {{"12.50", 4, 2}, {"0.5", 1, 1}, {"00.5", 1, 1}, {"5.", 1, 0},    {"0", 1, 0},
                {"0.0", 1, 1},   {"007", 1, 0}, {".125", 3, 3}, {NINES38, 38, 0}};
    for (size_t i = 0; i < ES_COUNT_OF(rows); i++) {
        sqldecimal d;
        sqltype type;
        assert_int_equal(sqldecimal_parse_literal(rows[i].in, strlen(rows[i].in), &d, &type),
                         ENTRASQL_OK);
        assert_int_equal(type.precision, rows[i].precision);
        assert_int_equal(type.scale, rows[i].scale);
    }
    sqldecimal d;
    sqltype type;
    assert_int_equal(sqldecimal_parse_literal(NINES38 "1", 39, &d, &type), ENTRASQL_LIMIT);
}

struct arith_row {
    const char *a;
    uint8_t ap, as;
    char op;
    const char *b;
    uint8_t bp, bs;
    uint8_t rp, rs;     /* the result's type */
    const char *result; /* NULL: overflow */
};

static sqldecimal_op op_of(char c)
{
    return c == '+'   ? SQLDECIMAL_ADD
           : c == '-' ? SQLDECIMAL_SUB
           : c == '*' ? SQLDECIMAL_MUL
           : c == '/' ? SQLDECIMAL_DIV
                      : SQLDECIMAL_MOD;
}

static void arithmetic(void **state)
{
    (void)state;
    static const struct arith_row rows[] = {
        {"1.5", 2, 1, '+', "2.25", 3, 2, 4, 2, "3.75"},
        {"1.5", 2, 1, '-', "2.25", 3, 2, 4, 2, "-0.75"},
        {"-1.5", 2, 1, '-', "-1.5", 2, 1, 3, 1, "0.0"},
        {"1.5", 2, 1, '*', "2.25", 3, 2, 6, 3, "3.375"},
        {"-1.5", 2, 1, '*', "2.25", 3, 2, 6, 3, "-3.375"},
        /* SELECT 2.0 / 3: cut, not rounded */
        {"2.0", 2, 1, '/', "3", 10, 0, 13, 12, "0.666666666666"},
        {"2.0", 2, 1, '/', "3", 1, 0, 7, 6, "0.666666"},
        {"1", 1, 0, '/', "3.0", 2, 1, 8, 6, "0.333333"},
        {"10", 2, 0, '%', "3", 1, 0, 1, 0, "1"},
        {"-10.5", 3, 1, '%', "3", 1, 0, 2, 1, "-1.5"},
        {"5", 38, 0, '%', "0." NINES38, 38, 38, 38, 38, NULL},
        /* the documentation's example of a scale that gives way */
        {"0.0000009000", 30, 20, '*', "1.0000000000", 30, 20, 38, 17, "0.00000090000000000"},
        {"0.0000009000", 30, 10, '*', "1.0000000000", 30, 10, 38, 6, "0.000001"},
        {NINES38, 38, 0, '+', "1", 1, 0, 38, 0, NULL},
        {NINES38, 38, 0, '-', "1", 1, 0, 38, 0, "99999999999999999999999999999999999998"},
        {NINES38, 38, 0, '*', NINES38, 38, 0, 38, 0, NULL},
        {"0." NINES38, 38, 38, '*', "0." NINES38, 38, 38, 38, 37,
         "1.0000000000000000000000000000000000000"},
        {NINES38, 38, 0, '/', "0.00000000000000000000000000000000000001", 38, 38, 38, 6, NULL},
        {"1", 38, 0, '/', "3", 38, 0, 38, 6, "0.333333"},
        {"0.5", 38, 38, '+', "0.5", 38, 1, 38, 1, "1.0"},
        {"1000", 38, 10, '/', "7", 38, 10, 38, 6, "142.857142"},
    };
    for (size_t i = 0; i < ES_COUNT_OF(rows); i++) {
        const struct arith_row *r = &rows[i];
        sqldecimal a, b, got;
        sqltype type = sqldecimal_result_type(op_of(r->op), sqltype_decimal(r->ap, r->as),
                                              sqltype_decimal(r->bp, r->bs));
        char text[SQLDECIMAL_TEXT_SIZE];
        assert_int_equal(sqldecimal_parse(r->a, strlen(r->a), r->ap, r->as, &a), ENTRASQL_OK);
        assert_int_equal(sqldecimal_parse(r->b, strlen(r->b), r->bp, r->bs, &b), ENTRASQL_OK);
        if (type.precision != r->rp || type.scale != r->rs)
            fail_msg("row %zu: type (%u,%u), not (%u,%u)", i, type.precision, type.scale, r->rp,
                     r->rs);
        entrasql_status st = sqldecimal_arith(op_of(r->op), a, r->as, b, r->bs, type, &got);
        if (r->result == NULL && r->op != '%') {
            assert_int_equal(st, ENTRASQL_LIMIT);
            continue;
        }
        assert_int_equal(st, ENTRASQL_OK);
        if (r->result == NULL)
            continue;
        (void)sqldecimal_format(got, type.scale, text);
        if (strcmp(text, r->result) != 0)
            fail_msg("row %zu: %s, not %s", i, text, r->result);
    }
    sqldecimal one = {1, false};
    sqldecimal zero = {0, false};
    sqldecimal got;
    assert_int_equal(sqldecimal_arith(SQLDECIMAL_DIV, one, 0, zero, 0, sqltype_decimal(7, 6), &got),
                     ENTRASQL_INVALID);
    assert_int_equal(sqldecimal_arith(SQLDECIMAL_MOD, one, 0, zero, 0, sqltype_decimal(7, 6), &got),
                     ENTRASQL_INVALID);
}

/* Exactness over many pairs: (a * b) / b == a, a + b - b == a, with 64-bit numbers. */
static void identities(void **state)
{
    (void)state;
    uint64_t seed = 12345;
    for (int i = 0; i < 3000; i++) {
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407U;
        int64_t x = (int64_t)(seed >> (i % 60));
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407U;
        int64_t y = (int64_t)(seed >> (63 - i % 60)) + 1;
        sqldecimal a = sqldecimal_from_i64(x);
        sqldecimal b = sqldecimal_from_i64(y);
        sqldecimal r;
        int64_t back;
        if (y == 0)
            continue;
        assert_int_equal(sqldecimal_arith(SQLDECIMAL_MUL, a, 0, b, 0, sqltype_decimal(38, 0), &r),
                         ENTRASQL_OK);
        assert_int_equal(sqldecimal_arith(SQLDECIMAL_DIV, r, 0, b, 0, sqltype_decimal(38, 0), &r),
                         ENTRASQL_OK);
        assert_int_equal(sqldecimal_to_i64(r, 0, &back), ENTRASQL_OK);
        assert_true(back == x);
        assert_int_equal(sqldecimal_arith(SQLDECIMAL_ADD, a, 2, b, 5, sqltype_decimal(38, 5), &r),
                         ENTRASQL_OK);
        assert_int_equal(sqldecimal_arith(SQLDECIMAL_SUB, r, 5, b, 5, sqltype_decimal(38, 2), &r),
                         ENTRASQL_OK);
        assert_int_equal(sqldecimal_compare(r, 2, a, 2), 0);
    }
}

static void doubles(void **state)
{
    (void)state;
    static const struct {
        double in;
        uint8_t precision, scale;
        const char *out;
    } rows[] = {
        {0.0, 10, 2, "0.00"},       {1.5, 10, 0, "2"},
        {-1.5, 10, 0, "-2"},        {0.1, 38, 20, "0.10000000000000000555"},
        {123.456, 10, 2, "123.46"}, {1e20, 38, 0, "100000000000000000000"},
        {99.995, 4, 2, NULL},       {1e38, 38, 0, NULL},
        {1e-300, 10, 5, "0.00000"}, {5e-324, 38, 38, "0.00000000000000000000000000000000000000"},
        {0.5, 1, 0, "1"},           {0.25, 1, 1, "0.3"},
    };
    for (size_t i = 0; i < ES_COUNT_OF(rows); i++) {
        sqldecimal d;
        char text[SQLDECIMAL_TEXT_SIZE];
        entrasql_status st =
            sqldecimal_from_double(rows[i].in, rows[i].precision, rows[i].scale, &d);
        if (rows[i].out == NULL) {
            assert_int_equal(st, ENTRASQL_LIMIT);
            continue;
        }
        assert_int_equal(st, ENTRASQL_OK);
        (void)sqldecimal_format(d, rows[i].scale, text);
        assert_string_equal(text, rows[i].out);
    }
    sqldecimal d = {12345, true};
    assert_true(sqldecimal_to_double(d, 2) == -123.45);
    int64_t i;
    d = (sqldecimal){(sqltype_u128)1 << 63, true};
    assert_int_equal(sqldecimal_to_i64(d, 0, &i), ENTRASQL_OK);
    assert_true(i == INT64_MIN);
    d.negative = false;
    assert_int_equal(sqldecimal_to_i64(d, 0, &i), ENTRASQL_LIMIT);
    assert_true(sqldecimal_from_i64(INT64_MIN).magnitude == (sqltype_u128)1 << 63);
}

static void rescaling(void **state)
{
    (void)state;
    sqldecimal d = {12345, true};
    sqldecimal r;
    assert_int_equal(sqldecimal_rescale(d, 2, 10, 1, true, &r), ENTRASQL_OK);
    assert_true(r.magnitude == 1235 && r.negative);
    assert_int_equal(sqldecimal_rescale(d, 2, 10, 1, false, &r), ENTRASQL_OK);
    assert_true(r.magnitude == 1234);
    assert_int_equal(sqldecimal_rescale(d, 2, 5, 4, true, &r), ENTRASQL_LIMIT);
    d = (sqldecimal){4, true};
    assert_int_equal(sqldecimal_rescale(d, 1, 5, 0, true, &r), ENTRASQL_OK);
    assert_true(r.magnitude == 0 && !r.negative);
    sqldecimal big = {sqldecimal_power(38) - 1, false};
    assert_int_equal(sqldecimal_rescale(big, 38, 38, 0, true, &r), ENTRASQL_OK);
    assert_true(r.magnitude == 1);
    assert_true(sqldecimal_compare(big, 0, big, 38) > 0);
    assert_int_equal(sqldecimal_digits(0), 1);
    assert_int_equal(sqldecimal_digits(sqldecimal_power(38) - 1), 38);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parsing),    cmocka_unit_test(literals), cmocka_unit_test(arithmetic),
        cmocka_unit_test(identities), cmocka_unit_test(doubles),  cmocka_unit_test(rescaling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
