/* SPDX-License-Identifier: MIT */
/* Which conversions there are, and those between numbers and dates. */
#include "sqltype/convert.h"

#include "base/error.h"
#include "base/mem.h"
#include "sqltype/convert_inner.h"
#include "sqltype/decimal.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

/* ---- errors ---- */

entrasql_status sqltype_fail(entrasql_error *err, uint32_t number, uint8_t state, const char *fmt,
                             ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)es_failv(err, ENTRASQL_SQL_ERROR, fmt, ap);
    va_end(ap);
    if (err != NULL) {
        err->number = number;
        err->state = state;
        err->severity = 16;
    }
    return ENTRASQL_SQL_ERROR;
}

const char *sqltype_message_name(sqltype_id id)
{
    return id == SQLTYPE_DECIMAL ? "numeric" : sqltype_name(id);
}

entrasql_status sqltype_overflow(const struct conversion *c)
{
    bool decimal = c->target.id == SQLTYPE_DECIMAL || c->target.id == SQLTYPE_NUMERIC;
    return sqltype_fail(c->err, 8115, decimal ? 8 : 2,
                        "Arithmetic overflow error converting %s to data type %s.",
                        sqltype_message_name(c->v->type.id), sqltype_message_name(c->target.id));
}

entrasql_status sqltype_overflow_expression(const struct conversion *c)
{
    return sqltype_fail(c->err, 8115, 2,
                        "Arithmetic overflow error converting expression to data type %s.",
                        sqltype_message_name(c->target.id));
}

entrasql_status sqltype_bad_value(const struct conversion *c)
{
    return sqltype_fail(c->err, 8114, 5, "Error converting data type %s to %s.",
                        sqltype_message_name(c->v->type.id), sqltype_message_name(c->target.id));
}

/* ---- the chart of CAST and CONVERT ---- */

enum kind {
    KIND_INT, /* bit to bigint */
    KIND_DECIMAL,
    KIND_MONEY,
    KIND_FLOAT,
    KIND_DATETIME, /* datetime, smalldatetime */
    KIND_DATE,
    KIND_TIME,
    KIND_DATETIME2, /* and datetimeoffset */
    KIND_CHAR,      /* char, varchar */
    KIND_NCHAR,
    KIND_TEXT,
    KIND_NTEXT,
    KIND_BINARY,
    KIND_IMAGE,
    KIND_GUID,
    KIND_ROWVERSION,
    KIND_XML,
    KIND_VARIANT,
    KIND_COUNT
};

static const uint8_t kinds[SQLTYPE_COUNT] = {
    [SQLTYPE_BIT] = KIND_INT,
    [SQLTYPE_TINYINT] = KIND_INT,
    [SQLTYPE_SMALLINT] = KIND_INT,
    [SQLTYPE_INT] = KIND_INT,
    [SQLTYPE_BIGINT] = KIND_INT,
    [SQLTYPE_DECIMAL] = KIND_DECIMAL,
    [SQLTYPE_NUMERIC] = KIND_DECIMAL,
    [SQLTYPE_MONEY] = KIND_MONEY,
    [SQLTYPE_SMALLMONEY] = KIND_MONEY,
    [SQLTYPE_REAL] = KIND_FLOAT,
    [SQLTYPE_FLOAT] = KIND_FLOAT,
    [SQLTYPE_DATE] = KIND_DATE,
    [SQLTYPE_TIME] = KIND_TIME,
    [SQLTYPE_DATETIME] = KIND_DATETIME,
    [SQLTYPE_SMALLDATETIME] = KIND_DATETIME,
    [SQLTYPE_DATETIME2] = KIND_DATETIME2,
    [SQLTYPE_DATETIMEOFFSET] = KIND_DATETIME2,
    [SQLTYPE_CHAR] = KIND_CHAR,
    [SQLTYPE_VARCHAR] = KIND_CHAR,
    [SQLTYPE_TEXT] = KIND_TEXT,
    [SQLTYPE_NCHAR] = KIND_NCHAR,
    [SQLTYPE_NVARCHAR] = KIND_NCHAR,
    [SQLTYPE_NTEXT] = KIND_NTEXT,
    [SQLTYPE_BINARY] = KIND_BINARY,
    [SQLTYPE_VARBINARY] = KIND_BINARY,
    [SQLTYPE_IMAGE] = KIND_IMAGE,
    [SQLTYPE_UNIQUEIDENTIFIER] = KIND_GUID,
    [SQLTYPE_ROWVERSION] = KIND_ROWVERSION,
    [SQLTYPE_XML] = KIND_XML,
    [SQLTYPE_SQL_VARIANT] = KIND_VARIANT,
};

/* i: implicit, e: explicit only, -: never. Columns in the order of enum kind. */
static const char chart[KIND_COUNT][KIND_COUNT + 1] = {
    /*                    int dec mon flt dtm dat tim dt2 chr nch txt ntx bin img gui rv xml var */
    [KIND_INT] = "iiiii---ii--i--i-i",      [KIND_DECIMAL] = "iiiii---ii--i--i-i",
    [KIND_MONEY] = "iiiii---ee--i--i-i",    [KIND_FLOAT] = "iiiii---ii--i----i",
    [KIND_DATETIME] = "eeeeiiiiii--e--e-i", [KIND_DATE] = "----ii-iii--e----i",
    [KIND_TIME] = "----i-iiii--e----i",     [KIND_DATETIME2] = "----iiiiii--e----i",
    [KIND_CHAR] = "iiiiiiiiiiiieiieii",     [KIND_NCHAR] = "iiiiiiiiiiiie-ieii",
    [KIND_TEXT] = "--------iiii------",     [KIND_NTEXT] = "--------iiii----i-",
    [KIND_BINARY] = "iii-ieeeii--iiiiii",   [KIND_IMAGE] = "------------ii-i--",
    [KIND_GUID] = "--------ii--i-i--i",     [KIND_ROWVERSION] = "iii-i---i---ii-i--",
    [KIND_XML] = "--------ee--e---i-",      [KIND_VARIANT] = "eeeeeeeeee--e-e--i",
};

sqltype_allowed sqltype_conversion(sqltype_id from, sqltype_id to)
{
    char cell;

    if (from == SQLTYPE_UNKNOWN || from == to)
        return SQLTYPE_ALLOWED_IMPLICIT;
    if (to == SQLTYPE_UNKNOWN)
        return SQLTYPE_ALLOWED_NEVER;
    cell = chart[kinds[from]][kinds[to]];
    return cell == 'i'   ? SQLTYPE_ALLOWED_IMPLICIT
           : cell == 'e' ? SQLTYPE_ALLOWED_EXPLICIT
                         : SQLTYPE_ALLOWED_NEVER;
}

/* The name as these messages have it: "(max)" is told, other lengths are not. */
static const char *name_with_max(sqltype type, char buf[48])
{
    if (!sqltype_is_large(type) || type.length != SQLTYPE_MAX)
        return sqltype_message_name(type.id);
    sqltype_format(type, buf, 48);
    return buf;
}

entrasql_status sqltype_check_conversion(sqltype from, sqltype to, bool is_explicit,
                                         entrasql_error *err)
{
    sqltype_allowed allowed = sqltype_conversion(from.id, to.id);
    char from_name[48];
    char to_name[48];
    const char *f = name_with_max(from, from_name);
    const char *t = name_with_max(to, to_name);

    if (allowed == SQLTYPE_ALLOWED_IMPLICIT || (is_explicit && allowed == SQLTYPE_ALLOWED_EXPLICIT))
        return ENTRASQL_OK;
    if (is_explicit)
        return sqltype_fail(err, 529, 3,
                            "Explicit conversion from data type %s to %s is not allowed.", f, t);
    if (allowed == SQLTYPE_ALLOWED_EXPLICIT)
        return sqltype_fail(err, 257, 3,
                            "Implicit conversion from data type %s to %s is not allowed. Use the "
                            "CONVERT function to run this query.",
                            f, t);
    return sqltype_fail(err, 206, 2, "Operand type clash: %s is incompatible with %s", f, t);
}

/* ---- numbers ---- */

static entrasql_status integer_overflow(const struct conversion *c, int64_t value)
{
    if (c->target.id == SQLTYPE_TINYINT || c->target.id == SQLTYPE_SMALLINT)
        return sqltype_fail(c->err, 220, 2,
                            "Arithmetic overflow error for data type %s, value = %lld.",
                            sqltype_name(c->target.id), (long long)value);
    return sqltype_overflow_expression(c);
}

static entrasql_status to_integer(const struct conversion *c, int64_t i, sqlvalue *ret)
{
    int64_t low = INT64_MIN;
    int64_t high = INT64_MAX;

    if (c->target.id == SQLTYPE_BIT) {
        i = i != 0;
    } else if (c->target.id == SQLTYPE_TINYINT) {
        low = 0;
        high = UINT8_MAX;
    } else if (c->target.id == SQLTYPE_SMALLINT) {
        low = INT16_MIN;
        high = INT16_MAX;
    } else if (c->target.id == SQLTYPE_INT) {
        low = INT32_MIN;
        high = INT32_MAX;
    }
    if (i < low || i > high)
        return integer_overflow(c, i);
    ret->u.i = i;
    return ENTRASQL_OK;
}

/* A number scaled by 10^4 into money or smallmoney. */
static entrasql_status to_money(const struct conversion *c, sqldecimal d, uint8_t scale,
                                sqlvalue *ret)
{
    sqldecimal scaled;
    int64_t i;

    if (sqldecimal_rescale(d, scale, 38, 4, true, &scaled) != ENTRASQL_OK ||
        sqldecimal_to_i64(scaled, 0, &i) != ENTRASQL_OK ||
        (c->target.id == SQLTYPE_SMALLMONEY && (i < INT32_MIN || i > INT32_MAX)))
        return sqltype_overflow(c);
    ret->u.i = i;
    return ENTRASQL_OK;
}

/* Days since 1900-01-01 with their fraction, as datetime counts them. */
static entrasql_status to_datetime(const struct conversion *c, double days, sqlvalue *ret)
{
    double ticks;

    if (!(days > -1e6 && days < 4e6)) /* the calendar has 3.7 million days */
        return sqltype_overflow_expression(c);
    ticks = floor((days + (double)SQLDATE_DAYS_1900) * 300.0 * 86400.0 + 0.5);
    if (ticks < 0)
        return sqltype_overflow_expression(c);
    if (sqldate_fit((int64_t)(ticks / 25920000.0) * SQLTYPE_TICKS_PER_DAY +
                        sqldate_from_300ths((uint32_t)fmod(ticks, 25920000.0)),
                    c->target, &ret->u.ticks) != ENTRASQL_OK)
        return sqltype_overflow_expression(c);
    return ENTRASQL_OK;
}

static entrasql_status number_from_decimal(const struct conversion *c, sqldecimal d, uint8_t scale,
                                           sqlvalue *ret)
{
    sqltype_id id = c->target.id;
    int64_t i;

    if (id == SQLTYPE_BIT) {
        ret->u.i = d.magnitude != 0;
        return ENTRASQL_OK;
    }
    if (sqltype_is_integer(id)) {
        /* money rounds, decimal is cut */
        bool is_money = c->v->type.id == SQLTYPE_MONEY || c->v->type.id == SQLTYPE_SMALLMONEY;
        if (is_money && sqldecimal_rescale(d, scale, 38, 0, true, &d) == ENTRASQL_OK)
            scale = 0;
        if (sqldecimal_to_i64(d, scale, &i) != ENTRASQL_OK)
            return sqltype_overflow(c);
        if (to_integer(&(struct conversion){c->v, c->target, c->options, NULL}, i, ret) !=
            ENTRASQL_OK)
            return sqltype_overflow(c);
        return ENTRASQL_OK;
    }
    switch ((int)id) {
    case SQLTYPE_DECIMAL:
    case SQLTYPE_NUMERIC:
        if (sqldecimal_rescale(d, scale, c->target.precision, c->target.scale, true, &ret->u.dec) !=
            ENTRASQL_OK)
            return sqltype_overflow(c);
        return ENTRASQL_OK;
    case SQLTYPE_MONEY:
    case SQLTYPE_SMALLMONEY:
        return to_money(c, d, scale, ret);
    case SQLTYPE_REAL:
        ret->u.f = (float)sqldecimal_to_double(d, scale);
        return ENTRASQL_OK;
    case SQLTYPE_FLOAT:
        ret->u.f = sqldecimal_to_double(d, scale);
        return ENTRASQL_OK;
    default:
        return to_datetime(c, sqldecimal_to_double(d, scale), ret);
    }
}

entrasql_status sqltype_number_from_i64(const struct conversion *c, int64_t i, sqlvalue *ret)
{
    if (sqltype_is_integer(c->target.id))
        return to_integer(c, i, ret);
    return number_from_decimal(c, sqldecimal_from_i64(i), 0, ret);
}

entrasql_status sqltype_number_from_double(const struct conversion *c, double f, sqlvalue *ret)
{
    sqltype_id id = c->target.id;
    sqldecimal d;

    if (id == SQLTYPE_FLOAT) {
        ret->u.f = f;
        return ENTRASQL_OK;
    }
    if (id == SQLTYPE_REAL) {
        if (fabs(f) > 3.4028234663852886e38)
            return sqltype_fail(c->err, 232, 2,
                                "Arithmetic overflow error for type real, value = %f.", f);
        ret->u.f = (float)f;
        return ENTRASQL_OK;
    }
    if (id == SQLTYPE_BIT) {
        ret->u.i = f != 0;
        return ENTRASQL_OK;
    }
    if (id == SQLTYPE_DATETIME || id == SQLTYPE_SMALLDATETIME)
        return to_datetime(c, f, ret);
    if (sqltype_is_integer(id)) {
        if (!(f > -9.2233720368547758e18 && f < 9.2233720368547758e18))
            return sqltype_overflow_expression(c);
        if (to_integer(&(struct conversion){c->v, c->target, c->options, NULL}, (int64_t)f, ret) ==
            ENTRASQL_OK)
            return ENTRASQL_OK;
        return sqltype_fail(c->err, 232, 3, "Arithmetic overflow error for type %s, value = %f.",
                            sqltype_name(id), f);
    }
    if (id == SQLTYPE_DECIMAL || id == SQLTYPE_NUMERIC) {
        if (sqldecimal_from_double(f, c->target.precision, c->target.scale, &ret->u.dec) !=
            ENTRASQL_OK)
            return sqltype_overflow(c);
        return ENTRASQL_OK;
    }
    if (sqldecimal_from_double(f, 38, 4, &d) != ENTRASQL_OK)
        return sqltype_overflow(c);
    return to_money(c, d, 4, ret);
}

static entrasql_status from_number(const struct conversion *c, sqlvalue *ret)
{
    switch ((enum kind)kinds[c->v->type.id]) {
    case KIND_INT:
        return sqltype_number_from_i64(c, c->v->u.i, ret);
    case KIND_DECIMAL:
        return number_from_decimal(c, c->v->u.dec, c->v->type.scale, ret);
    case KIND_MONEY:
        return number_from_decimal(c, sqldecimal_from_i64(c->v->u.i), 4, ret);
    case KIND_FLOAT:
    case KIND_DATETIME:
    case KIND_DATE:
    case KIND_TIME:
    case KIND_DATETIME2:
    case KIND_CHAR:
    case KIND_NCHAR:
    case KIND_TEXT:
    case KIND_NTEXT:
    case KIND_BINARY:
    case KIND_IMAGE:
    case KIND_GUID:
    case KIND_ROWVERSION:
    case KIND_XML:
    case KIND_VARIANT:
    case KIND_COUNT:
        break;
    }
    return sqltype_number_from_double(c, c->v->u.f, ret);
}

/* ---- dates ---- */

static entrasql_status date_to_number(const struct conversion *c, sqlvalue *ret)
{
    double days = (double)c->v->u.ticks / (double)SQLTYPE_TICKS_PER_DAY - (double)SQLDATE_DAYS_1900;

    if (sqltype_is_integer(c->target.id)) /* noon is the next day */
        return sqltype_number_from_i64(c, (int64_t)floor(days + 0.5), ret);
    return sqltype_number_from_double(c, days, ret);
}

static entrasql_status date_to_date(const struct conversion *c, sqlvalue *ret)
{
    int64_t ticks = c->v->u.ticks;
    sqltype_id from = c->v->type.id;
    sqltype_id to = c->target.id;

    if (from == SQLTYPE_DATETIMEOFFSET && to != SQLTYPE_DATETIMEOFFSET)
        ticks += c->v->offset_minutes * SQLDATE_TICKS_PER_MINUTE; /* the local time counts */
    if (from == SQLTYPE_TIME && to != SQLTYPE_TIME)
        ticks += SQLDATE_DAYS_1900 * SQLTYPE_TICKS_PER_DAY;
    if (to == SQLTYPE_DATETIMEOFFSET)
        ret->offset_minutes = from == SQLTYPE_DATETIMEOFFSET ? c->v->offset_minutes : 0;
    if (sqldate_fit(ticks, c->target, &ret->u.ticks) != ENTRASQL_OK)
        return sqltype_fail(c->err, 242, 3,
                            "The conversion of a %s data type to a %s data type resulted in an "
                            "out-of-range value.",
                            sqltype_name(from), sqltype_name(to));
    return ENTRASQL_OK;
}

/* ---- the whole ---- */

static entrasql_status dispatch(const struct conversion *c, sqlvalue *ret)
{
    sqltype_id from = c->v->type.id;
    sqltype_id to = c->target.id;

    if (to == SQLTYPE_SQL_VARIANT) {
        ES_TRY(sqlvalue_copy(ret, c->v)); /* a variant keeps its base type */
        return ENTRASQL_OK;
    }
    if (to == SQLTYPE_ROWVERSION && from == SQLTYPE_ROWVERSION) {
        *ret = *c->v;
        return ENTRASQL_OK;
    }
    if (sqltype_is_string(to))
        return sqltype_to_string(c, ret);
    if (sqltype_is_binary(to))
        return sqltype_to_binary(c, ret);
    if (sqltype_is_string(from))
        return sqltype_from_string(c, ret);
    if (sqltype_is_binary(from))
        return sqltype_from_binary(c, ret);
    if (from == SQLTYPE_UNIQUEIDENTIFIER) {
        memcpy(ret->u.guid, c->v->u.guid, sizeof ret->u.guid);
        return ENTRASQL_OK;
    }
    if (sqltype_is_datetime(from))
        return sqltype_is_datetime(to) ? date_to_date(c, ret) : date_to_number(c, ret);
    return from_number(c, ret);
}

entrasql_status sqltype_convert(const sqlvalue *v, sqltype target,
                                const sqltype_convert_options *options, sqlvalue *ret,
                                entrasql_error *err)
{
    sqltype_convert_options defaults = SQLTYPE_CONVERT_DEFAULT;
    struct conversion c = {v, target, options != NULL ? options : &defaults, err};
    sqlvalue out = {.type = target};
    entrasql_status st;

    if (v->is_null || v->type.id == SQLTYPE_UNKNOWN) {
        *ret = sqlvalue_null(target);
        return ENTRASQL_OK;
    }
    ES_TRY(sqltype_check_conversion(v->type, target, true, err));
    st = dispatch(&c, &out);
    if (st != ENTRASQL_OK)
        return st == ENTRASQL_NOMEM ? es_nomem(err) : st;
    *ret = out;
    return ENTRASQL_OK;
}

entrasql_status sqltype_assign(const sqlvalue *v, sqltype target, sqlvalue *ret,
                               entrasql_error *err)
{
    sqltype_convert_options options = SQLTYPE_CONVERT_DEFAULT;

    options.keep_length = true;
    if (!v->is_null)
        ES_TRY(sqltype_check_conversion(v->type, target, false, err));
    return sqltype_convert(v, target, &options, ret, err);
}
