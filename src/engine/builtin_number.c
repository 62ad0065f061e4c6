/* SPDX-License-Identifier: MIT */
/* Mathematical functions, ISNULL and kin, NEWID. */
#include "engine/builtin.h"

#include "base/random.h"
#include "base/str.h"
#include "engine/bind.h"
#include "sqltype/convert.h"
#include "sqltype/decimal.h"

#include <math.h>
#include <string.h>

static entrasql_status give_f(engine_call *call, double f, sqlvalue *ret)
{
    if (isnan(f))
        return engine_error(call->err, 3623, 1, "An invalid floating point operation occurred.");
    if (isinf(f))
        return engine_error(call->err, 8115, 2,
                            "Arithmetic overflow error converting expression to data type float.");
    ret->is_null = false;
    ret->u.f = f;
    return ENTRASQL_OK;
}

#define FLOAT_FUNCTION(name, expr)                                                                 \
    static entrasql_status name(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)  \
    {                                                                                              \
        double x = args[0].u.f;                                                                    \
        (void)n;                                                                                   \
        return give_f(call, (expr), ret);                                                          \
    }

FLOAT_FUNCTION(sqrt_, sqrt(x))
FLOAT_FUNCTION(square, x *x)
FLOAT_FUNCTION(exp_, exp(x))
FLOAT_FUNCTION(log10_, log10(x))
FLOAT_FUNCTION(sin_, sin(x))
FLOAT_FUNCTION(cos_, cos(x))
FLOAT_FUNCTION(tan_, tan(x))
FLOAT_FUNCTION(asin_, asin(x))
FLOAT_FUNCTION(acos_, acos(x))
FLOAT_FUNCTION(atan_, atan(x))

static entrasql_status log_(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    double f = log(args[0].u.f);
    return give_f(call, n > 1 ? f / log(args[1].u.f) : f, ret);
}

static entrasql_status pi_(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    (void)args;
    (void)n;
    return give_f(call, M_PI, ret);
}

/* ---- functions that keep the type of their number ---- */

static bool is_float(sqltype_id id)
{
    return id == SQLTYPE_FLOAT || id == SQLTYPE_REAL;
}

static bool is_decimal(sqltype_id id)
{
    return id == SQLTYPE_DECIMAL || id == SQLTYPE_NUMERIC;
}

static bool is_money(sqltype_id id)
{
    return id == SQLTYPE_MONEY || id == SQLTYPE_SMALLMONEY;
}

/* Small integers become int, real float. */
static entrasql_status bind_same_number(engine_binder *b, engine_node *call)
{
    sqltype_id id = call->args[0]->type.id;
    if (id == SQLTYPE_BIT || id == SQLTYPE_TINYINT || id == SQLTYPE_SMALLINT)
        ES_TRY(engine_bind_cast(b, &call->args[0], sqltype_of(SQLTYPE_INT), ENGINE_CAST_IMPLICIT,
                                NULL));
    call->type = call->args[0]->type;
    return ENTRASQL_OK;
}

static entrasql_status bind_whole(engine_binder *b, engine_node *call)
{
    ES_TRY(bind_same_number(b, call));
    if (is_decimal(call->type.id))
        call->type.scale = 0;
    return ENTRASQL_OK;
}

static entrasql_status abs_(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    (void)n;
    *ret = args[0];
    if (is_float(call->type.id))
        ret->u.f = fabs(ret->u.f);
    else if (is_decimal(call->type.id))
        ret->u.dec.negative = false;
    else if (ret->u.i == INT64_MIN || (call->type.id == SQLTYPE_INT && ret->u.i == INT32_MIN))
        return engine_error(call->err, 8115, 2,
                            "Arithmetic overflow error converting expression to data type %s.",
                            sqltype_name(call->type.id));
    else if (ret->u.i < 0)
        ret->u.i = -ret->u.i;
    return ENTRASQL_OK;
}

static entrasql_status sign_(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    (void)n;
    ret->is_null = false;
    if (is_float(call->type.id)) {
        ret->u.f = (args[0].u.f > 0) - (args[0].u.f < 0);
    } else if (is_decimal(call->type.id)) {
        ret->u.dec.negative = args[0].u.dec.negative;
        ret->u.dec.magnitude =
            args[0].u.dec.magnitude != 0 ? sqldecimal_power(call->type.scale) : 0;
    } else {
        ret->u.i = (args[0].u.i > 0) - (args[0].u.i < 0);
        if (is_money(call->type.id))
            ret->u.i *= 10000;
    }
    return ENTRASQL_OK;
}

/* Towards smaller (-1) or greater (1) whole numbers. */
static entrasql_status whole(engine_call *call, const sqlvalue *v, int direction, sqlvalue *ret)
{
    *ret = *v;
    ret->type = call->type;
    if (is_float(call->type.id)) {
        ret->u.f = direction < 0 ? floor(v->u.f) : ceil(v->u.f);
    } else if (is_decimal(call->type.id)) {
        sqltype_u128 unit = sqldecimal_power(v->type.scale);
        bool away = v->u.dec.magnitude % unit != 0 && v->u.dec.negative == (direction < 0);
        ret->u.dec.magnitude = v->u.dec.magnitude / unit + (away ? 1 : 0);
        ret->u.dec.negative = v->u.dec.negative && ret->u.dec.magnitude != 0;
    } else if (is_money(call->type.id)) {
        int64_t rest = v->u.i % 10000;
        ret->u.i = v->u.i - rest;
        if (rest != 0 && (rest < 0) == (direction < 0))
            ret->u.i += direction * 10000;
    }
    return ENTRASQL_OK;
}

static entrasql_status floor_(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    (void)n;
    return whole(call, &args[0], -1, ret);
}

static entrasql_status ceiling(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    (void)n;
    return whole(call, &args[0], 1, ret);
}

/* Rounds the digits of a decimal so that `places` are left after the point (may be negative). */
static entrasql_status round_digits(sqldecimal d, uint8_t scale, int64_t places, bool cut,
                                    sqldecimal *ret)
{
    if (places >= scale) {
        *ret = d;
        return ENTRASQL_OK;
    }
    int64_t drop = scale - places;
    *ret = (sqldecimal){0};
    if (drop > 38)
        return ENTRASQL_OK;
    sqltype_u128 unit = sqldecimal_power((unsigned)drop);
    sqltype_u128 rest = d.magnitude % unit;
    sqltype_u128 kept = d.magnitude - rest;
    if (!cut && rest >= unit - rest)
        kept += unit;
    *ret = (sqldecimal){.magnitude = kept, .negative = d.negative && kept != 0};
    return ENTRASQL_OK;
}

static entrasql_status round_float(engine_call *call, double f, int64_t places, bool cut,
                                   sqlvalue *ret)
{
    if (places > 300 || places < -300)
        return give_f(call, places > 0 ? f : 0, ret);
    double unit = pow(10, (double)places);
    return give_f(call, (cut ? trunc(f * unit) : round(f * unit)) / unit, ret);
}

static entrasql_status round_(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    int64_t places = args[1].u.i;
    bool cut = n > 2 && args[2].u.i != 0;
    sqldecimal d = args[0].u.dec;
    uint8_t scale = is_decimal(call->type.id) ? args[0].type.scale
                    : is_money(call->type.id) ? 4
                                              : 0;
    int64_t i = 0;
    if (is_float(call->type.id))
        return round_float(call, args[0].u.f, places, cut, ret);
    if (!is_decimal(call->type.id))
        d = sqldecimal_from_i64(args[0].u.i);
    ES_TRY(round_digits(d, scale, places, cut, &d));
    ret->is_null = false;
    bool fits = true;
    if (is_decimal(call->type.id)) {
        fits = sqldecimal_digits(d.magnitude) <= call->type.precision;
        ret->u.dec = d;
    } else {
        fits = sqldecimal_to_i64(d, 0, &i) == ENTRASQL_OK &&
               (call->type.id != SQLTYPE_INT || (i <= INT32_MAX && i >= INT32_MIN));
        ret->u.i = i;
    }
    if (fits)
        return ENTRASQL_OK;
    return engine_error(call->err, 8115, 2,
                        "Arithmetic overflow error converting expression to data type %s.",
                        is_decimal(call->type.id) ? "numeric" : sqltype_name(call->type.id));
}

/* POWER gives the type of its first argument. */
static entrasql_status power(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    sqlvalue base;
    sqlvalue result = {.type = sqltype_of(SQLTYPE_FLOAT)};
    (void)n;
    ES_TRY(sqltype_convert(&args[0], result.type, NULL, &base, call->err));
    ES_TRY(give_f(call, pow(base.u.f, args[1].u.f), &result));
    return sqltype_convert(&result, call->type, NULL, ret, call->err);
}

static entrasql_status rand_(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    (void)args;
    (void)n;
    return give_f(call, (double)es_random_below(UINT64_C(1) << 53) / 9007199254740992.0, ret);
}

static entrasql_status isnumeric(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    sqlvalue v;
    (void)call;
    (void)n;
    ret->is_null = false;
    ret->u.i = 0;
    if (args[0].is_null || sqltype_is_datetime(args[0].type.id))
        return ENTRASQL_OK;
    /* A text of blanks converts to 0, but counts as no number. */
    bool blank = sqltype_is_string(args[0].type.id);
    for (size_t i = 0; blank && i < args[0].u.s.len; i++)
        blank = args[0].u.s.data[i] == ' ';
    if (blank)
        return ENTRASQL_OK;
    if (sqltype_convert(&args[0], sqltype_of(SQLTYPE_FLOAT), NULL, &v, NULL) == ENTRASQL_OK ||
        sqltype_convert(&args[0], sqltype_of(SQLTYPE_MONEY), NULL, &v, NULL) == ENTRASQL_OK)
        ret->u.i = 1;
    return ENTRASQL_OK;
}

/* ---- ISNULL, CHOOSE ---- */

/* The second argument in the first one's type. */
static entrasql_status bind_isnull(engine_binder *b, engine_node *call)
{
    engine_node *first = call->args[0];
    bool bare = first->type.id == SQLTYPE_UNKNOWN;
    sqltype type = bare ? call->args[1]->type : first->type;
    if (type.id == SQLTYPE_UNKNOWN)
        type = sqltype_of(SQLTYPE_INT);
    for (size_t i = 0; i < 2; i++)
        ES_TRY(engine_bind_cast(b, &call->args[i], type, ENGINE_CAST_IMPLICIT, NULL));
    bool nullable = call->args[0]->nullable && call->args[1]->nullable;
    *call = (engine_node){.kind = ENGINE_NODE_COALESCE,
                          .type = type,
                          .nullable = nullable,
                          .args = call->args,
                          .arg_count = 2};
    return ENTRASQL_OK;
}

/* Becomes CASE in the end, so nothing of the kind is ever called. */
static entrasql_status never(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    (void)args;
    (void)n;
    (void)ret;
    return es_fail(call->err, ENTRASQL_INTERNAL, "a function that is never called");
}

static entrasql_status choose(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    if (args[0].is_null || args[0].u.i < 1 || (uint64_t)args[0].u.i >= n)
        return ENTRASQL_OK;
    if (sqlvalue_copy(ret, &args[args[0].u.i]) != ENTRASQL_OK)
        return es_nomem(call->err);
    ret->type = call->type;
    return ENTRASQL_OK;
}

static entrasql_status bind_choose(engine_binder *b, engine_node *call)
{
    sqltype type = sqltype_of(SQLTYPE_UNKNOWN);
    ES_TRY(
        engine_bind_cast(b, &call->args[0], sqltype_of(SQLTYPE_INT), ENGINE_CAST_IMPLICIT, NULL));
    for (size_t i = 1; i < call->arg_count; i++)
        type = sqltype_common(type, call->args[i]->type);
    for (size_t i = 1; i < call->arg_count; i++)
        ES_TRY(engine_bind_cast(b, &call->args[i], type, ENGINE_CAST_IMPLICIT, NULL));
    call->type = type;
    return ENTRASQL_OK;
}

/* ---- uniqueidentifier ---- */

static entrasql_status newid(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    (void)args;
    (void)n;
    (void)call;
    es_random_bytes(ret->u.guid, sizeof ret->u.guid);
    /* Version 4 and its variant, where the wire's byte order has them. */
    ret->u.guid[7] = (uint8_t)((ret->u.guid[7] & 0x0F) | 0x40);
    ret->u.guid[8] = (uint8_t)((ret->u.guid[8] & 0x3F) | 0x80);
    ret->is_null = false;
    return ENTRASQL_OK;
}

/* Each greater than the last one in SQL Server's order: the time goes where it counts most. */
static entrasql_status newsequentialid(engine_call *call, const sqlvalue *args, size_t n,
                                       sqlvalue *ret)
{
    uint64_t count = atomic_fetch_add(&call->s->server->next_rowversion, 1);
    uint64_t now = (uint64_t)engine_now() / 10000;
    ES_TRY(newid(call, args, n, ret));
    for (size_t i = 0; i < 6; i++)
        ret->u.guid[10 + i] = (uint8_t)(now >> (8 * (5 - i)));
    ret->u.guid[8] = (uint8_t)(count >> 8);
    ret->u.guid[9] = (uint8_t)count;
    return ENTRASQL_OK;
}

static const engine_builtin rows[] = {
    {"ABS", "n:1", abs_, bind_same_number, 0},
    {"SIGN", "n:1", sign_, bind_same_number, 0},
    {"FLOOR", "n:1", floor_, bind_whole, 0},
    {"CEILING", "n:1", ceiling, bind_whole, 0},
    {"ROUND", "ni?i:1", round_, bind_same_number, 0},
    {"POWER", "nf:1", power, bind_same_number, 0},
    {"SQRT", "f:f", sqrt_, NULL, 0},
    {"SQUARE", "f:f", square, NULL, 0},
    {"EXP", "f:f", exp_, NULL, 0},
    {"LOG", "f?f:f", log_, NULL, 0},
    {"LOG10", "f:f", log10_, NULL, 0},
    {"SIN", "f:f", sin_, NULL, 0},
    {"COS", "f:f", cos_, NULL, 0},
    {"TAN", "f:f", tan_, NULL, 0},
    {"ASIN", "f:f", asin_, NULL, 0},
    {"ACOS", "f:f", acos_, NULL, 0},
    {"ATAN", "f:f", atan_, NULL, 0},
    {"PI", ":f", pi_, NULL, 0},
    {"RAND", "?i:f", rand_, NULL, ENGINE_VOLATILE},
    {"ISNUMERIC", "x:i", isnumeric, NULL, ENGINE_NULLS | ENGINE_NOT_NULL},
    {"ISNULL", "zz:1", never, bind_isnull, ENGINE_NULLS | ENGINE_VOLATILE},
    {"CHOOSE", "xxx*:1", choose, bind_choose, ENGINE_NULLS | ENGINE_MAYBE_NULL},
    {"NEWID", ":g", newid, NULL, ENGINE_VOLATILE | ENGINE_NOT_NULL},
    {"NEWSEQUENTIALID", ":g", newsequentialid, NULL, ENGINE_VOLATILE | ENGINE_NOT_NULL},
};

const engine_builtins engine_builtins_number = {rows, ES_COUNT_OF(rows)};
