/* SPDX-License-Identifier: MIT */
/* What operators, CAST, LIKE and TOP call. */
#include "engine/builtin.h"

#include "base/mem.h"
#include "engine/like.h"
#include "sqltype/convert.h"
#include "sqltype/decimal.h"

#include <math.h>
#include <string.h>

/* ---- CAST ---- */

static entrasql_status cast(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    sqltype_convert_options options = SQLTYPE_CONVERT_DEFAULT;
    options.order = call->s->set.dateformat;
    if (args[0].is_null)
        return ENTRASQL_OK;
    if (n > 1 && !args[1].is_null)
        options.style = (int)args[1].u.i;
    return sqltype_convert(&args[0], call->type, &options, ret, call->err);
}

static entrasql_status try_cast(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    entrasql_error *err = call->err;
    call->err = NULL;
    entrasql_status status = cast(call, args, n, ret);
    call->err = err;
    if (status == ENTRASQL_SQL_ERROR) {
        *ret = sqlvalue_null(call->type);
        return ENTRASQL_OK;
    }
    return status == ENTRASQL_NOMEM ? es_nomem(err) : status;
}

/* ---- arithmetic ---- */

static entrasql_status overflow(engine_call *call)
{
    return engine_error(call->err, 8115, 2,
                        "Arithmetic overflow error converting expression to data type %s.",
                        call->type.id == SQLTYPE_DECIMAL ? "numeric" : sqltype_name(call->type.id));
}

static entrasql_status divide_by_zero(engine_call *call)
{
    return engine_error(call->err, 8134, 1, "Divide by zero error encountered.");
}

static entrasql_status give_int(engine_call *call, int64_t v, sqlvalue *ret)
{
    static const struct {
        sqltype_id id;
        int64_t low;
        int64_t high;
    } ranges[] = {
        {SQLTYPE_BIT, 0, 1},
        {SQLTYPE_TINYINT, 0, 255},
        {SQLTYPE_SMALLINT, INT16_MIN, INT16_MAX},
        {SQLTYPE_INT, INT32_MIN, INT32_MAX},
        {SQLTYPE_SMALLMONEY, INT32_MIN, INT32_MAX},
    };
    for (size_t i = 0; i < ES_COUNT_OF(ranges); i++) {
        if (ranges[i].id == call->type.id && (v < ranges[i].low || v > ranges[i].high))
            return overflow(call);
    }
    ret->is_null = false;
    ret->u.i = v;
    return ENTRASQL_OK;
}

static entrasql_status int_arith(engine_call *call, sqldecimal_op op, int64_t a, int64_t b,
                                 sqlvalue *ret)
{
    int64_t v = 0;
    bool too_big = false;
    switch (op) {
    case SQLDECIMAL_ADD:
        too_big = __builtin_add_overflow(a, b, &v);
        break;
    case SQLDECIMAL_SUB:
        too_big = __builtin_sub_overflow(a, b, &v);
        break;
    case SQLDECIMAL_MUL:
        too_big = __builtin_mul_overflow(a, b, &v);
        break;
    case SQLDECIMAL_DIV:
    case SQLDECIMAL_MOD:
        if (b == 0)
            return divide_by_zero(call);
        if (b == -1) /* the only division that can overflow */
            too_big = op == SQLDECIMAL_DIV && __builtin_sub_overflow(0, a, &v);
        else
            v = op == SQLDECIMAL_DIV ? a / b : a % b;
        break;
    }
    return too_big ? overflow(call) : give_int(call, v, ret);
}

/* Money has four digits after the point; products and quotients are brought back to them. */
static entrasql_status money_arith(engine_call *call, sqldecimal_op op, int64_t a, int64_t b,
                                   sqlvalue *ret)
{
    __int128 wide;
    if (op != SQLDECIMAL_MUL && op != SQLDECIMAL_DIV)
        return int_arith(call, op, a, b, ret);
    if (op == SQLDECIMAL_DIV && b == 0)
        return divide_by_zero(call);
    wide = op == SQLDECIMAL_MUL ? (__int128)a * b / 10000 : (__int128)a * 10000 / b;
    if (wide > INT64_MAX || wide < INT64_MIN)
        return overflow(call);
    return give_int(call, (int64_t)wide, ret);
}

static entrasql_status float_arith(engine_call *call, sqldecimal_op op, double a, double b,
                                   sqlvalue *ret)
{
    double v = 0;
    switch (op) {
    case SQLDECIMAL_ADD:
        v = a + b;
        break;
    case SQLDECIMAL_SUB:
        v = a - b;
        break;
    case SQLDECIMAL_MUL:
        v = a * b;
        break;
    case SQLDECIMAL_DIV:
    case SQLDECIMAL_MOD:
        if (b == 0)
            return divide_by_zero(call);
        v = op == SQLDECIMAL_DIV ? a / b : fmod(a, b);
        break;
    }
    if (call->type.id == SQLTYPE_REAL)
        v = (float)v;
    if (!isfinite(v))
        return overflow(call);
    ret->is_null = false;
    ret->u.f = v;
    return ENTRASQL_OK;
}

static entrasql_status decimal_arith(engine_call *call, sqldecimal_op op, const sqlvalue *args,
                                     sqlvalue *ret)
{
    entrasql_status status = sqldecimal_arith(op, args[0].u.dec, args[0].type.scale, args[1].u.dec,
                                              args[1].type.scale, call->type, &ret->u.dec);
    if (status == ENTRASQL_INVALID)
        return divide_by_zero(call);
    if (status != ENTRASQL_OK)
        return overflow(call);
    ret->is_null = false;
    return ENTRASQL_OK;
}

/* Dates count from 1900 in arithmetic. */
static entrasql_status moment_arith(engine_call *call, sqldecimal_op op, const sqlvalue *args,
                                    sqlvalue *ret)
{
    const int64_t base = SQLDATE_DAYS_1900 * SQLTYPE_TICKS_PER_DAY;
    int64_t b = args[1].u.ticks - base;
    int64_t ticks = op == SQLDECIMAL_ADD ? args[0].u.ticks + b : args[0].u.ticks - b;
    if (sqldate_fit(ticks, call->type, &ret->u.ticks) != ENTRASQL_OK)
        return engine_error(call->err, 517, 1,
                            "Adding a value to a 'datetime' column caused an overflow.");
    ret->is_null = false;
    return ENTRASQL_OK;
}

static entrasql_status arith(engine_call *call, sqldecimal_op op, const sqlvalue *args,
                             sqlvalue *ret)
{
    switch ((int)call->type.id) {
    case SQLTYPE_DECIMAL:
    case SQLTYPE_NUMERIC:
        return decimal_arith(call, op, args, ret);
    case SQLTYPE_MONEY:
    case SQLTYPE_SMALLMONEY:
        return money_arith(call, op, args[0].u.i, args[1].u.i, ret);
    case SQLTYPE_REAL:
    case SQLTYPE_FLOAT:
        return float_arith(call, op, args[0].u.f, args[1].u.f, ret);
    case SQLTYPE_DATETIME:
        return moment_arith(call, op, args, ret);
    default:
        return int_arith(call, op, args[0].u.i, args[1].u.i, ret);
    }
}

static entrasql_status add(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    (void)n;
    return arith(call, SQLDECIMAL_ADD, args, ret);
}

static entrasql_status sub(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    (void)n;
    return arith(call, SQLDECIMAL_SUB, args, ret);
}

static entrasql_status mul(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    (void)n;
    return arith(call, SQLDECIMAL_MUL, args, ret);
}

static entrasql_status div_(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    (void)n;
    return arith(call, SQLDECIMAL_DIV, args, ret);
}

static entrasql_status mod(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    (void)n;
    return arith(call, SQLDECIMAL_MOD, args, ret);
}

static entrasql_status neg(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    (void)n;
    ret->is_null = false;
    switch ((int)call->type.id) {
    case SQLTYPE_DECIMAL:
    case SQLTYPE_NUMERIC:
        ret->u.dec = args[0].u.dec;
        ret->u.dec.negative = !ret->u.dec.negative && ret->u.dec.magnitude != 0;
        return ENTRASQL_OK;
    case SQLTYPE_REAL:
    case SQLTYPE_FLOAT:
        ret->u.f = -args[0].u.f;
        return ENTRASQL_OK;
    default:
        return int_arith(call, SQLDECIMAL_SUB, 0, args[0].u.i, ret);
    }
}

static entrasql_status bitand_(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    (void)n;
    return give_int(call, args[0].u.i & args[1].u.i, ret);
}

static entrasql_status bitor_(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    (void)n;
    return give_int(call, args[0].u.i | args[1].u.i, ret);
}

static entrasql_status bitxor(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    (void)n;
    return give_int(call, args[0].u.i ^ args[1].u.i, ret);
}

static entrasql_status bitnot(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    (void)n;
    if (call->type.id == SQLTYPE_BIT)
        return give_int(call, args[0].u.i == 0, ret);
    if (call->type.id == SQLTYPE_TINYINT)
        return give_int(call, 255 - args[0].u.i, ret);
    return give_int(call, ~args[0].u.i, ret);
}

/* ---- strings ---- */

static entrasql_status concat(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    size_t left = args[0].u.s.len;
    size_t right = args[1].u.s.len;
    (void)n;
    char *data = es_malloc(left + right + 1);
    if (data == NULL)
        return es_nomem(call->err);
    memcpy(data, args[0].u.s.data, left);
    memcpy(data + left, args[1].u.s.data, right);
    data[left + right] = '\0';
    *ret = sqlvalue_lend(call->type, data, left + right);
    ret->owned = true;
    if (!sqlvalue_is_too_long(ret))
        return ENTRASQL_OK;
    return sqlvalue_fit_length(ret) == ENTRASQL_OK ? ENTRASQL_OK : es_nomem(call->err);
}

static entrasql_status like(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    uint32_t escape = 0;
    if (n == 3 && !engine_like_escape(&args[2], &escape))
        return engine_error(call->err, 506, 1,
                            "The invalid escape character \"%.*s\" was specified in a LIKE "
                            "predicate.",
                            (int)args[2].u.s.len, args[2].u.s.data);
    return give_int(call, engine_like(&args[0], &args[1], escape), ret);
}

/* ---- rows of TOP, OFFSET and FETCH ---- */

static entrasql_status check_top(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    (void)n;
    if (args[0].is_null)
        return engine_error(call->err, 1060, 1,
                            "The number of rows provided for a TOP or FETCH clauses row count "
                            "parameter must be an integer.");
    if (args[0].u.i < 0)
        return engine_error(call->err, 127, 1,
                            "A TOP N or FETCH rowcount value may not be negative.");
    return give_int(call, args[0].u.i, ret);
}

static entrasql_status check_offset(engine_call *call, const sqlvalue *args, size_t n,
                                    sqlvalue *ret)
{
    (void)n;
    if (args[0].is_null)
        return engine_error(call->err, 10742, 2,
                            "The offset specified in a OFFSET clause must be an integer.");
    if (args[0].u.i < 0)
        return engine_error(call->err, 10742, 1,
                            "The offset specified in a OFFSET clause may not be negative.");
    return give_int(call, args[0].u.i, ret);
}

/* How many of so many rows TOP p PERCENT takes. */
static entrasql_status percent(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    (void)n;
    if (args[1].is_null || args[1].u.f < 0 || args[1].u.f > 100)
        return engine_error(call->err, 1031, 1, "Percent values must be between 0 and 100.");
    return give_int(call, (int64_t)ceil((double)args[0].u.i * args[1].u.f / 100.0), ret);
}

/* The level of a recursive expression's next row. */
static entrasql_status level(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    (void)n;
    if (args[1].u.i != 0 && args[0].u.i >= args[1].u.i)
        return engine_error(call->err, 530, 1,
                            "The statement terminated. The maximum recursion %lld has been "
                            "exhausted before statement completion.",
                            (long long)args[1].u.i);
    return give_int(call, args[0].u.i + 1, ret);
}

static const engine_builtin rows[] = {
    {"cast", "x?i:1", cast, NULL, ENGINE_INNER},
    {"try_cast", "x?i:1", try_cast, NULL, ENGINE_INNER | ENGINE_MAYBE_NULL},
    {"add", "xx:1", add, NULL, ENGINE_INNER},
    {"sub", "xx:1", sub, NULL, ENGINE_INNER},
    {"mul", "xx:1", mul, NULL, ENGINE_INNER},
    {"div", "xx:1", div_, NULL, ENGINE_INNER},
    {"mod", "xx:1", mod, NULL, ENGINE_INNER},
    {"neg", "x:1", neg, NULL, ENGINE_INNER},
    {"bitand", "xx:1", bitand_, NULL, ENGINE_INNER},
    {"bitor", "xx:1", bitor_, NULL, ENGINE_INNER},
    {"bitxor", "xx:1", bitxor, NULL, ENGINE_INNER},
    {"bitnot", "x:1", bitnot, NULL, ENGINE_INNER},
    {"concat", "xx:1", concat, NULL, ENGINE_INNER},
    {"like", "ss?s:t", like, NULL, ENGINE_INNER},
    {"check_top", "l:l", check_top, NULL, ENGINE_INNER | ENGINE_NULLS},
    {"check_offset", "l:l", check_offset, NULL, ENGINE_INNER | ENGINE_NULLS},
    {"level", "ii:i", level, NULL, ENGINE_INNER},
    {"percent", "lf:l", percent, NULL, ENGINE_INNER | ENGINE_NULLS},
};

const engine_builtins engine_builtins_inner = {rows, ES_COUNT_OF(rows)};
