/* SPDX-License-Identifier: MIT */
/* Conversions out of strings. */
#include "base/mem.h"
#include "base/str.h"
#include "sqltype/collation.h"
#include "sqltype/convert_inner.h"
#include "sqltype/decimal.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_MAX_CHARS 400

struct text {
    const char *at;
    size_t len;
};

static struct text trimmed(const sqlvalue *v)
{
    struct text t = {v->u.s.data, v->u.s.len};

    while (t.len > 0 && es_is_space(*t.at)) {
        t.at++;
        t.len--;
    }
    while (t.len > 0 && es_is_space(t.at[t.len - 1]))
        t.len--;
    return t;
}

/* 245, with the value as it was written. */
static entrasql_status cannot_convert(const struct conversion *c)
{
    char shown[2048];

    es_printable(shown, sizeof shown, c->v->u.s.data, c->v->u.s.len);
    return sqltype_fail(c->err, 245, 1,
                        "Conversion failed when converting the %s value '%s' to data type %s.",
                        sqltype_name(c->v->type.id), shown, sqltype_name(c->target.id));
}

/* 248 for int, 244 for the smaller ones. */
static entrasql_status integer_too_large(const struct conversion *c)
{
    char shown[2048];

    es_printable(shown, sizeof shown, c->v->u.s.data, c->v->u.s.len);
    if (c->target.id == SQLTYPE_INT)
        return sqltype_fail(c->err, 248, 1,
                            "The conversion of the %s value '%s' overflowed an int column.",
                            sqltype_name(c->v->type.id), shown);
    return sqltype_fail(
        c->err, 244, c->target.id == SQLTYPE_TINYINT ? 1 : 2,
        "The conversion of the %s value '%s' overflowed an %s column. Use a larger integer column.",
        sqltype_name(c->v->type.id), shown, c->target.id == SQLTYPE_TINYINT ? "INT1" : "INT2");
}

static bool is_digits(struct text t)
{
    size_t i = t.len > 0 && (*t.at == '-' || *t.at == '+') ? 1 : 0;

    if (i == t.len)
        return false;
    for (; i < t.len; i++)
        if (!es_is_digit(t.at[i]))
            return false;
    return true;
}

static entrasql_status string_to_integer(const struct conversion *c, sqlvalue *ret)
{
    struct text t = trimmed(c->v);
    struct conversion silent = *c;
    bool is_bigint = c->target.id == SQLTYPE_BIGINT;
    int64_t i = 0;

    if (t.len != 0 && !is_digits(t))
        return is_bigint ? sqltype_bad_value(c) : cannot_convert(c);
    silent.err = NULL;
    if ((t.len != 0 && es_parse_i64(t.at, t.len, &i) != ENTRASQL_OK) ||
        sqltype_number_from_i64(&silent, i, ret) != ENTRASQL_OK)
        return is_bigint ? sqltype_overflow_expression(c) : integer_too_large(c);
    return ENTRASQL_OK;
}

static entrasql_status string_to_bit(const struct conversion *c, sqlvalue *ret)
{
    struct text t = trimmed(c->v);
    bool is_one = false;

    if (t.len == 4 && es_strncaseeq(t.at, "true", 4)) {
        is_one = true;
    } else if (!(t.len == 5 && es_strncaseeq(t.at, "false", 5)) && t.len != 0) {
        if (!is_digits(t))
            return cannot_convert(c);
        for (size_t i = 0; i < t.len; i++)
            is_one = is_one || (t.at[i] >= '1' && t.at[i] <= '9');
    }
    ret->u.i = is_one;
    return ENTRASQL_OK;
}

static entrasql_status string_to_decimal(const struct conversion *c, sqlvalue *ret)
{
    entrasql_status st = sqldecimal_parse(c->v->u.s.data, c->v->u.s.len, c->target.precision,
                                          c->target.scale, &ret->u.dec);

    if (st == ENTRASQL_LIMIT)
        return sqltype_overflow(c);
    return st == ENTRASQL_OK ? ENTRASQL_OK : sqltype_bad_value(c);
}

/* Only what SQL Server takes: digits, one point, an exponent; no "inf", no hexadecimal. */
static bool looks_like_float(const char *s)
{
    size_t digits = 0;

    if (*s == '-' || *s == '+')
        s++;
    for (; es_is_digit(*s); s++)
        digits++;
    if (*s == '.')
        for (s++; es_is_digit(*s); s++)
            digits++;
    if (digits == 0)
        return false;
    if (*s == 'e' || *s == 'E') {
        s++;
        if (*s == '-' || *s == '+')
            s++;
        while (es_is_digit(*s))
            s++;
    }
    return *s == '\0';
}

bool sqltype_parse_double(const char *s, size_t n, double *ret)
{
    char copy[NUMBER_MAX_CHARS];
    locale_t c_locale;

    while (n > 0 && es_is_space(*s)) {
        s++;
        n--;
    }
    while (n > 0 && es_is_space(s[n - 1]))
        n--;
    if (n >= sizeof copy || memchr(s, 0, n) != NULL)
        return false;
    memcpy(copy, s, n);
    copy[n] = '\0';
    if (!looks_like_float(copy))
        return false;
    if (n > 0 && (copy[n - 1] == 'e' || copy[n - 1] == 'E')) /* "1e" counts as 1e0 */
        copy[n - 1] = '\0';
    /* The process may run in a locale with another decimal point. */
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (c_locale == (locale_t)0)
        return false;
    *ret = strtod_l(copy, NULL, c_locale);
    freelocale(c_locale);
    return true;
}

static entrasql_status string_to_float(const struct conversion *c, sqlvalue *ret)
{
    struct text t = trimmed(c->v);
    double f = 0;

    if (t.len != 0 && !sqltype_parse_double(t.at, t.len, &f))
        return sqltype_bad_value(c);
    if (!isfinite(f))
        return sqltype_overflow_expression(c);
    return sqltype_number_from_double(c, f, ret);
}

/* "$1,234.50", "-12", "(5)" is not taken. */
static entrasql_status string_to_money(const struct conversion *c, sqlvalue *ret)
{
    struct text t = trimmed(c->v);
    char clean[NUMBER_MAX_CHARS];
    size_t n = 0;
    sqldecimal d = {0, false};
    entrasql_status st = ENTRASQL_OK;
    int64_t i = 0;

    for (size_t k = 0; k < t.len && n < sizeof clean; k++) {
        if (t.at[k] != ',' && t.at[k] != '$' && !es_is_space(t.at[k]))
            clean[n++] = t.at[k];
    }
    if (t.len != 0)
        st = n < sizeof clean ? sqldecimal_parse(clean, n, 38, 4, &d) : ENTRASQL_MALFORMED;
    if (st == ENTRASQL_MALFORMED)
        return sqltype_fail(c->err, 235, 0,
                            "Cannot convert a char value to money. The char value has incorrect "
                            "syntax.");
    if (st != ENTRASQL_OK || sqldecimal_to_i64(d, 0, &i) != ENTRASQL_OK ||
        (c->target.id == SQLTYPE_SMALLMONEY && (i < INT32_MIN || i > INT32_MAX)))
        return sqltype_overflow_expression(c);
    ret->u.i = i;
    return ENTRASQL_OK;
}

static entrasql_status string_to_date(const struct conversion *c, sqlvalue *ret)
{
    bool is_old = c->target.id == SQLTYPE_DATETIME || c->target.id == SQLTYPE_SMALLDATETIME;
    sqldate_order order = c->options->order;
    int style = c->options->style;
    entrasql_status st;

    if (style >= 0) { /* the styles that say in which order the parts stand */
        int s = style % 100;
        if (s == 3 || s == 4 || s == 5 || s == 13)
            order = SQLDATE_DMY;
        else if (s == 2 || s == 11 || s == 12)
            order = SQLDATE_YMD;
        else if (s == 1 || s == 10)
            order = SQLDATE_MDY;
    }
    st = sqldate_parse(c->v->u.s.data, c->v->u.s.len, c->target, order, &ret->u.ticks,
                       &ret->offset_minutes);
    if (c->target.id != SQLTYPE_DATETIMEOFFSET)
        ret->offset_minutes = 0;
    if (st == ENTRASQL_OK)
        return ENTRASQL_OK;
    if (st == ENTRASQL_LIMIT && is_old)
        return sqltype_fail(c->err, 242, 3,
                            "The conversion of a %s data type to a %s data type resulted in an "
                            "out-of-range value.",
                            sqltype_name(c->v->type.id), sqltype_name(c->target.id));
    if (c->target.id == SQLTYPE_SMALLDATETIME)
        return sqltype_fail(c->err, 295, 3,
                            "Conversion failed when converting character string to smalldatetime "
                            "data type.");
    return sqltype_fail(c->err, 241, 1,
                        "Conversion failed when converting date and/or time from character "
                        "string.");
}

/* With or without braces; what follows is passed over, as SQL Server does. */
static entrasql_status string_to_guid(const struct conversion *c, sqlvalue *ret)
{
    const char *s = c->v->u.s.data;
    size_t n = c->v->u.s.len;
    char text[ES_GUID_TEXT_SIZE];
    bool braces = n > 0 && *s == '{';

    if (braces) {
        s++;
        n--;
    }
    if (n >= ES_GUID_TEXT_SIZE - 1 &&
        (!braces || (n >= ES_GUID_TEXT_SIZE && s[ES_GUID_TEXT_SIZE - 1] == '}'))) {
        memcpy(text, s, ES_GUID_TEXT_SIZE - 1);
        text[ES_GUID_TEXT_SIZE - 1] = '\0';
        if (strlen(text) == ES_GUID_TEXT_SIZE - 1 &&
            es_guid_parse(text, ret->u.guid) == ENTRASQL_OK)
            return ENTRASQL_OK;
    }
    return sqltype_fail(c->err, 8169, 2,
                        "Conversion failed when converting from a character string to "
                        "uniqueidentifier.");
}

entrasql_status sqltype_from_string(const struct conversion *c, sqlvalue *ret)
{
    switch ((int)c->target.id) {
    case SQLTYPE_BIT:
        return string_to_bit(c, ret);
    case SQLTYPE_TINYINT:
    case SQLTYPE_SMALLINT:
    case SQLTYPE_INT:
    case SQLTYPE_BIGINT:
        return string_to_integer(c, ret);
    case SQLTYPE_DECIMAL:
    case SQLTYPE_NUMERIC:
        return string_to_decimal(c, ret);
    case SQLTYPE_MONEY:
    case SQLTYPE_SMALLMONEY:
        return string_to_money(c, ret);
    case SQLTYPE_REAL:
    case SQLTYPE_FLOAT:
        return string_to_float(c, ret);
    case SQLTYPE_UNIQUEIDENTIFIER:
        return string_to_guid(c, ret);
    default:
        return string_to_date(c, ret);
    }
}
