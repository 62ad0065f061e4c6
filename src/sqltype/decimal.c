/* SPDX-License-Identifier: MIT */
/* Decimals of up to 38 digits on 128 bits, with 256 bits in between. */
#include "sqltype/decimal.h"

#include "base/str.h"

#include <math.h>
#include <string.h>

typedef sqltype_u128 u128;

/* 256 bits: hi * 2^128 + lo. */
typedef struct u256 {
    u128 hi;
    u128 lo;
} u256;

u128 sqldecimal_power(unsigned n)
{
    u128 p = 1;

    while (n-- > 0)
        p *= 10;
    return p;
}

unsigned sqldecimal_digits(u128 magnitude)
{
    unsigned n = 1;

    while (magnitude >= 10) {
        magnitude /= 10;
        n++;
    }
    return n;
}

/* ---- 256-bit steps ---- */

static u256 mul_wide(u128 a, u128 b)
{
    u128 a0 = (uint64_t)a;
    u128 a1 = a >> 64;
    u128 b0 = (uint64_t)b;
    u128 b1 = b >> 64;
    u128 low = a0 * b0;
    u128 mid = a1 * b0 + (low >> 64); /* below 2^128: (2^64-1)^2 + 2^64-1 */
    u128 mid2 = a0 * b1 + (uint64_t)mid;

    return (u256){a1 * b1 + (mid >> 64) + (mid2 >> 64), (mid2 << 64) | (uint64_t)low};
}

/* false: more than 256 bits. */
static bool mul_256(u256 a, u128 b, u256 *ret)
{
    u256 low = mul_wide(a.lo, b);
    u256 high = mul_wide(a.hi, b);

    if (high.hi != 0 || low.hi + high.lo < low.hi)
        return false;
    *ret = (u256){low.hi + high.lo, low.lo};
    return true;
}

static u256 add_256(u256 a, u256 b)
{
    u128 lo = a.lo + b.lo;

    return (u256){a.hi + b.hi + (lo < a.lo), lo};
}

static u256 sub_256(u256 a, u256 b)
{
    return (u256){a.hi - b.hi - (a.lo < b.lo), a.lo - b.lo};
}

static int compare_256(u256 a, u256 b)
{
    if (a.hi != b.hi)
        return a.hi < b.hi ? -1 : 1;
    return (a.lo > b.lo) - (a.lo < b.lo);
}

/* Long division by d below 2^127, so that the remainder can be doubled. */
static u256 div_256(u256 n, u128 d, u128 *ret_rem)
{
    u256 q = {0, 0};
    u128 rem = 0;

    if (n.hi == 0) {
        *ret_rem = n.lo % d;
        return (u256){0, n.lo / d};
    }
    for (int bit = 255; bit >= 0; bit--) {
        u128 word = bit >= 128 ? n.hi : n.lo;
        rem = (rem << 1) | ((word >> (bit & 127)) & 1);
        if (rem >= d) {
            rem -= d;
            if (bit >= 128)
                q.hi |= (u128)1 << (bit & 127);
            else
                q.lo |= (u128)1 << bit;
        }
    }
    *ret_rem = rem;
    return q;
}

/* Drops `digits` decimal digits, rounding half up on the magnitude. */
static u256 drop_digits(u256 n, unsigned digits, bool round)
{
    u128 rem = 0;

    /* What is cut first cannot change whether the last remainder reaches the half. */
    while (digits > 37) {
        n = div_256(n, sqldecimal_power(37), &rem);
        digits -= 37;
    }
    if (digits == 0)
        return n;
    n = div_256(n, sqldecimal_power(digits), &rem);
    if (round && rem >= sqldecimal_power(digits) / 2)
        n = add_256(n, (u256){0, 1});
    return n;
}

/* LIMIT when there are more digits than the precision has. */
static entrasql_status finish(u256 n, bool negative, unsigned precision, sqldecimal *ret)
{
    if (n.hi != 0 || n.lo >= sqldecimal_power(precision))
        return ENTRASQL_LIMIT;
    *ret = (sqldecimal){n.lo, negative && n.lo != 0};
    return ENTRASQL_OK;
}

/* ---- text ---- */

struct digits {
    const char *at;
    size_t count;
    size_t before_point;
    bool negative;
};

/* Splits "-12.50" into its parts; the digits still have the point among them. */
static entrasql_status scan_number(const char *s, size_t n, struct digits *ret)
{
    struct digits d = {0};
    size_t points = 0;

    while (n > 0 && es_is_space(*s)) {
        s++;
        n--;
    }
    while (n > 0 && es_is_space(s[n - 1]))
        n--;
    if (n > 0 && (*s == '-' || *s == '+')) {
        d.negative = *s == '-';
        s++;
        n--;
    }
    d.at = s;
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '.') {
            if (points++ != 0)
                return ENTRASQL_MALFORMED;
            continue;
        }
        if (!es_is_digit(s[i]))
            return ENTRASQL_MALFORMED;
        d.before_point += points == 0;
    }
    if (n == points)
        return ENTRASQL_MALFORMED;
    d.count = n;
    *ret = d;
    return ENTRASQL_OK;
}

entrasql_status sqldecimal_parse(const char *s, size_t n, uint8_t precision, uint8_t scale,
                                 sqldecimal *ret)
{
    struct digits d;
    u128 magnitude = 0;
    u128 limit = sqldecimal_power(SQLDECIMAL_MAX_PRECISION);
    unsigned fraction = 0;
    bool past_point = false;
    bool rounded_up = false;

    ES_TRY(scan_number(s, n, &d));
    for (size_t i = 0; i < d.count; i++) {
        if (d.at[i] == '.') {
            past_point = true;
            continue;
        }
        if (past_point && fraction == scale) {
            rounded_up = d.at[i] >= '5';
            break;
        }
        fraction += past_point;
        if (magnitude >= limit / 10)
            return ENTRASQL_LIMIT;
        magnitude = magnitude * 10 + (unsigned)(d.at[i] - '0');
    }
    if (sqldecimal_digits(magnitude) + scale - fraction > SQLDECIMAL_MAX_PRECISION &&
        magnitude != 0)
        return ENTRASQL_LIMIT;
    magnitude = magnitude * sqldecimal_power(scale - fraction) + rounded_up;
    return finish((u256){0, magnitude}, d.negative, precision, ret);
}

entrasql_status sqldecimal_parse_literal(const char *s, size_t n, sqldecimal *ret,
                                         sqltype *ret_type)
{
    struct digits d;
    size_t zeros = 0;
    size_t scale;
    size_t precision;

    ES_TRY(scan_number(s, n, &d));
    while (zeros < d.before_point && d.at[zeros] == '0')
        zeros++;
    scale = d.before_point < d.count ? d.count - d.before_point - 1 : 0;
    precision = d.before_point - zeros + scale;
    if (precision == 0)
        precision = 1;
    if (precision > SQLDECIMAL_MAX_PRECISION)
        return ENTRASQL_LIMIT;
    ES_TRY(sqldecimal_parse(s, n, (uint8_t)precision, (uint8_t)scale, ret));
    *ret_type =
        (sqltype){.id = SQLTYPE_NUMERIC, .precision = (uint8_t)precision, .scale = (uint8_t)scale};
    return ENTRASQL_OK;
}

size_t sqldecimal_format(sqldecimal d, uint8_t scale, char dst[SQLDECIMAL_TEXT_SIZE])
{
    char reversed[SQLDECIMAL_TEXT_SIZE];
    size_t n = 0;
    size_t len = 0;
    u128 m = d.magnitude;

    do {
        if (n == scale && scale != 0)
            reversed[len++] = '.';
        reversed[len++] = (char)('0' + (int)(m % 10));
        m /= 10;
        n++;
    } while (m != 0 || n <= scale);
    if (d.negative && d.magnitude != 0)
        reversed[len++] = '-';
    for (size_t i = 0; i < len; i++)
        dst[i] = reversed[len - 1 - i];
    dst[len] = '\0';
    return len;
}

/* ---- scale and order ---- */

entrasql_status sqldecimal_rescale(sqldecimal d, uint8_t from_scale, uint8_t to_precision,
                                   uint8_t to_scale, bool round, sqldecimal *ret)
{
    u256 n = {0, d.magnitude};

    if (to_scale >= from_scale)
        n = mul_wide(d.magnitude, sqldecimal_power((unsigned)(to_scale - from_scale)));
    else
        n = drop_digits(n, (unsigned)(from_scale - to_scale), round);
    return finish(n, d.negative, to_precision, ret);
}

int sqldecimal_compare(sqldecimal a, uint8_t a_scale, sqldecimal b, uint8_t b_scale)
{
    unsigned a_up = b_scale > a_scale ? (unsigned)(b_scale - a_scale) : 0;
    unsigned b_up = a_scale > b_scale ? (unsigned)(a_scale - b_scale) : 0;
    int order;

    if (a.negative != b.negative)
        return a.negative ? -1 : 1;
    order = compare_256(mul_wide(a.magnitude, sqldecimal_power(a_up)),
                        mul_wide(b.magnitude, sqldecimal_power(b_up)));
    return a.negative ? -order : order;
}

/* ---- other number types ---- */

sqldecimal sqldecimal_from_i64(int64_t v)
{
    return (sqldecimal){v < 0 ? (u128)0 - (u128)v : (u128)v, v < 0};
}

entrasql_status sqldecimal_to_i64(sqldecimal d, uint8_t scale, int64_t *ret)
{
    u128 whole = d.magnitude / sqldecimal_power(scale);

    if (whole > (u128)INT64_MAX + (d.negative ? 1U : 0U))
        return ENTRASQL_LIMIT;
    *ret = d.negative ? (int64_t)(0 - (uint64_t)whole) : (int64_t)whole;
    return ENTRASQL_OK;
}

double sqldecimal_to_double(sqldecimal d, uint8_t scale)
{
    /* x87's 64 bits keep the double rounding below half a unit in all but rare cases. */
    long double v = (long double)d.magnitude / (long double)sqldecimal_power(scale);

    return (double)(d.negative ? -v : v);
}

entrasql_status sqldecimal_from_double(double v, uint8_t precision, uint8_t scale, sqldecimal *ret)
{
    int exponent = 0;
    double fraction;
    u256 n;

    if (!isfinite(v) || fabs(v) >= 1e38)
        return ENTRASQL_LIMIT;
    fraction = frexp(fabs(v), &exponent); /* v = fraction * 2^exponent, 0.5 <= fraction < 1 */
    n = (u256){0, (u128)ldexp(fraction, 53)};
    exponent -= 53;
    if (exponent > 0)
        n.lo <<= exponent; /* below 10^38, so below 2^127 */
    n = mul_wide(n.lo, sqldecimal_power(scale));
    if (exponent < -255)
        n = (u256){0, 0};
    for (; exponent < -1; exponent++)
        n = (u256){n.hi >> 1, (n.lo >> 1) | (n.hi << 127)};
    if (exponent == -1) { /* the last bit that goes rounds */
        n = add_256(n, (u256){0, 1});
        n = (u256){n.hi >> 1, (n.lo >> 1) | (n.hi << 127)};
    }
    return finish(n, v < 0, precision, ret);
}

/* ---- arithmetic ---- */

static sqltype make_type(int precision, int scale)
{
    if (precision > SQLDECIMAL_MAX_PRECISION)
        precision = SQLDECIMAL_MAX_PRECISION;
    return (sqltype){
        .id = SQLTYPE_DECIMAL, .precision = (uint8_t)precision, .scale = (uint8_t)scale};
}

static int max_int(int a, int b)
{
    return a > b ? a : b;
}

static int min_int(int a, int b)
{
    return a < b ? a : b;
}

/* Multiplication and division: the scale gives way to the digits before the point, down to 6. */
static sqltype cut_product(int precision, int scale)
{
    int integral = precision - scale;

    if (precision > SQLDECIMAL_MAX_PRECISION)
        scale =
            integral < 32 ? min_int(scale, SQLDECIMAL_MAX_PRECISION - integral) : min_int(scale, 6);
    return make_type(precision, scale);
}

sqltype sqldecimal_result_type(sqldecimal_op op, sqltype a, sqltype b)
{
    int p1 = a.precision;
    int s1 = a.scale;
    int p2 = b.precision;
    int s2 = b.scale;
    int scale = max_int(s1, s2);
    int integral = max_int(p1 - s1, p2 - s2);

    switch (op) {
    case SQLDECIMAL_ADD:
    case SQLDECIMAL_SUB:
        if (integral + scale + 1 > SQLDECIMAL_MAX_PRECISION)
            scale = min_int(scale, SQLDECIMAL_MAX_PRECISION - integral);
        return make_type(integral + scale + 1, scale);
    case SQLDECIMAL_MUL:
        return cut_product(p1 + p2 + 1, s1 + s2);
    case SQLDECIMAL_DIV:
        scale = max_int(6, s1 + p2 + 1);
        return cut_product(p1 - s1 + s2 + scale, scale);
    case SQLDECIMAL_MOD:
        break;
    }
    return make_type(min_int(p1 - s1, p2 - s2) + scale, scale);
}

static entrasql_status add(sqldecimal a, uint8_t a_scale, sqldecimal b, uint8_t b_scale,
                           sqltype result, sqldecimal *ret)
{
    unsigned scale = a_scale > b_scale ? a_scale : b_scale;
    u256 x = mul_wide(a.magnitude, sqldecimal_power(scale - a_scale));
    u256 y = mul_wide(b.magnitude, sqldecimal_power(scale - b_scale));
    bool negative = a.negative;
    u256 n;

    if (a.negative == b.negative) {
        n = add_256(x, y);
    } else if (compare_256(x, y) >= 0) {
        n = sub_256(x, y);
    } else {
        n = sub_256(y, x);
        negative = b.negative;
    }
    if (scale > result.scale)
        n = drop_digits(n, scale - result.scale, true);
    return finish(n, negative, result.precision, ret);
}

static entrasql_status multiply(sqldecimal a, uint8_t a_scale, sqldecimal b, uint8_t b_scale,
                                sqltype result, sqldecimal *ret)
{
    unsigned scale = (unsigned)a_scale + b_scale;
    u256 n = mul_wide(a.magnitude, b.magnitude);

    if (scale > result.scale)
        n = drop_digits(n, scale - result.scale, true);
    return finish(n, a.negative != b.negative, result.precision, ret);
}

/* The quotient is cut, not rounded: 2.0 / 3 is 0.666666. */
static entrasql_status divide(sqldecimal a, uint8_t a_scale, sqldecimal b, uint8_t b_scale,
                              sqltype result, sqldecimal *ret)
{
    int up = (int)result.scale + b_scale - a_scale; /* not negative by the result type's rule */
    u256 n = {0, a.magnitude};
    u128 rem;

    while (up > 0) {
        int step = min_int(up, 37);
        if (!mul_256(n, sqldecimal_power((unsigned)step), &n))
            return ENTRASQL_LIMIT;
        up -= step;
    }
    n = div_256(n, b.magnitude, &rem);
    if (up < 0)
        n = drop_digits(n, (unsigned)-up, false);
    return finish(n, a.negative != b.negative, result.precision, ret);
}

static entrasql_status modulo(sqldecimal a, uint8_t a_scale, sqldecimal b, uint8_t b_scale,
                              sqltype result, sqldecimal *ret)
{
    unsigned scale = a_scale > b_scale ? a_scale : b_scale;
    u256 x = mul_wide(a.magnitude, sqldecimal_power(scale - a_scale));
    u256 y = mul_wide(b.magnitude, sqldecimal_power(scale - b_scale));
    u256 rem = {0, 0};

    for (int bit = 255; bit >= 0; bit--) {
        u128 word = bit >= 128 ? x.hi : x.lo;
        rem = (u256){(rem.hi << 1) | (rem.lo >> 127), (rem.lo << 1) | ((word >> (bit & 127)) & 1)};
        if (compare_256(rem, y) >= 0)
            rem = sub_256(rem, y);
    }
    return finish(rem, a.negative, result.precision, ret);
}

entrasql_status sqldecimal_arith(sqldecimal_op op, sqldecimal a, uint8_t a_scale, sqldecimal b,
                                 uint8_t b_scale, sqltype result, sqldecimal *ret)
{
    switch (op) {
    case SQLDECIMAL_SUB:
        b.negative = !b.negative;
        return add(a, a_scale, b, b_scale, result, ret);
    case SQLDECIMAL_ADD:
        return add(a, a_scale, b, b_scale, result, ret);
    case SQLDECIMAL_MUL:
        return multiply(a, a_scale, b, b_scale, result, ret);
    case SQLDECIMAL_DIV:
        if (b.magnitude == 0)
            return ENTRASQL_INVALID;
        return divide(a, a_scale, b, b_scale, result, ret);
    case SQLDECIMAL_MOD:
        break;
    }
    if (b.magnitude == 0)
        return ENTRASQL_INVALID;
    return modulo(a, a_scale, b, b_scale, result, ret);
}
