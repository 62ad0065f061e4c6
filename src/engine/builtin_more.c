/* SPDX-License-Identifier: MIT */
/* Functions of several kinds that programs use less often. */
#include "engine/builtin.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/utf16.h"
#include "crypto/digest.h"
#include "engine/bind.h"
#include "sqltype/datetime.h"

#include <math.h>
#include <string.h>

enum { RESULT_CEILING = 64 * 1024 * 1024 };

/* ---- strings ---- */

/* The nth part of a name, counted from its end. */
static entrasql_status parsename(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    tsql_batch *batch = NULL;
    const tsql_object *o = NULL;
    (void)n;
    if (tsql_parse_object(args[0].u.s.data, args[0].u.s.len, &batch, &o, NULL) != ENTRASQL_OK)
        return ENTRASQL_OK;
    const tsql_name *parts[] = {&o->name, &o->schema, &o->database, &o->server};
    int64_t at = args[1].u.i;
    const char *text = at >= 1 && at <= 4 ? parts[at - 1]->text : NULL;
    entrasql_status status = ENTRASQL_OK;
    if (text != NULL && text[0] != '\0')
        status = engine_call_text(call, text, strlen(text), ret);
    tsql_batch_free(batch);
    return status;
}

static size_t char_at(const char *s, size_t n)
{
    uint32_t c;
    size_t used = es_utf8_decode(s, n, &c);
    return used != 0 ? used : 1;
}

static size_t count_chars(const sqlvalue *v)
{
    size_t count = 0;
    for (size_t i = 0; i < v->u.s.len; i += char_at(v->u.s.data + i, v->u.s.len - i))
        count++;
    return count;
}

/* The replacement of the character at s, or the character itself. */
static entrasql_status add_translated(const sqlvalue *from, const sqlvalue *to, const char *s,
                                      size_t n, es_buf *out)
{
    size_t t = 0;
    for (size_t f = 0; f < from->u.s.len;) {
        size_t from_n = char_at(from->u.s.data + f, from->u.s.len - f);
        size_t to_n = char_at(to->u.s.data + t, to->u.s.len - t);
        if (from_n == n && memcmp(from->u.s.data + f, s, n) == 0)
            return es_buf_add(out, to->u.s.data + t, to_n);
        f += from_n;
        t += to_n;
    }
    return es_buf_add(out, s, n);
}

static entrasql_status translate(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    ES_CLEANUP(es_buf_done) es_buf out = ES_BUF_INIT(RESULT_CEILING);
    (void)n;
    if (count_chars(&args[1]) != count_chars(&args[2]))
        return engine_error(call->err, 9828, 1,
                            "The second and third arguments of the TRANSLATE built-in function "
                            "must contain an equal number of characters.");
    for (size_t i = 0; i < args[0].u.s.len;) {
        size_t used = char_at(args[0].u.s.data + i, args[0].u.s.len - i);
        if (add_translated(&args[1], &args[2], args[0].u.s.data + i, used, &out) != ENTRASQL_OK)
            return es_nomem(call->err);
        i += used;
    }
    return engine_call_text(call, out.data != NULL ? (const char *)out.data : "", out.len, ret);
}

/* Of the bytes that the value has in SQL Server: UTF-16 for the n-types. */
static entrasql_status hashbytes(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    uint8_t digest[CRYPTO_SHA256_SIZE];
    ES_CLEANUP(es_cleanup_free) uint8_t *wide = NULL;
    const void *p = args[1].u.s.data;
    size_t size = args[1].u.s.len;
    (void)n;
    if (sqltype_is_unicode(args[1].type.id)) {
        size_t units = 0;
        if (es_utf8_to_utf16_units(args[1].u.s.data, args[1].u.s.len, &units) != ENTRASQL_OK)
            return ENTRASQL_OK;
        wide = es_malloc(units * 2 + 1);
        if (wide == NULL)
            return es_nomem(call->err);
        es_utf8_to_utf16le(args[1].u.s.data, args[1].u.s.len, wide);
        p = wide;
        size = units * 2;
    } else if (sqltype_is_string(args[1].type.id)) {
        for (size_t i = 0; i < size; i++) {
            if (((const unsigned char *)p)[i] >= 0x80)
                return engine_unsupported(call->err, "HASHBYTES of varchar beyond ASCII");
        }
    }
    const char *name = args[0].u.s.data;
    bool sha1 = es_strcaseeq(name, "SHA1") || es_strcaseeq(name, "SHA");
    if (!sha1 && !es_strcaseeq(name, "SHA2_256"))
        return engine_unsupported(call->err, "HASHBYTES of this algorithm");
    entrasql_status status = sha1 ? crypto_sha1(p, size, digest) : crypto_sha256(p, size, digest);
    if (status != ENTRASQL_OK)
        return es_nomem(call->err);
    return engine_call_text(call, (const char *)digest,
                            sha1 ? CRYPTO_SHA1_SIZE : CRYPTO_SHA256_SIZE, ret);
}

/* ---- numbers ---- */

static entrasql_status give_f(engine_call *call, double f, sqlvalue *ret)
{
    if (!isfinite(f))
        return engine_error(call->err, 3623, 1, "An invalid floating point operation occurred.");
    ret->is_null = false;
    ret->u.f = f;
    return ENTRASQL_OK;
}

static entrasql_status degrees(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    (void)n;
    return give_f(call, args[0].u.f * 180.0 / M_PI, ret);
}

static entrasql_status radians(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    (void)n;
    return give_f(call, args[0].u.f * M_PI / 180.0, ret);
}

static entrasql_status atn2(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    (void)n;
    return give_f(call, atan2(args[0].u.f, args[1].u.f), ret);
}

static entrasql_status cot(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    (void)n;
    return give_f(call, 1.0 / tan(args[0].u.f), ret);
}

/* ---- GREATEST, LEAST: NULLs do not count ---- */

static entrasql_status bind_extreme(engine_binder *b, engine_node *call)
{
    sqltype type = sqltype_of(SQLTYPE_UNKNOWN);
    for (size_t i = 0; i < call->arg_count; i++)
        type = sqltype_common(type, call->args[i]->type);
    if (type.id == SQLTYPE_UNKNOWN)
        type = sqltype_of(SQLTYPE_INT);
    call->nullable = true;
    for (size_t i = 0; i < call->arg_count; i++) {
        call->nullable = call->nullable && call->args[i]->nullable;
        ES_TRY(engine_bind_cast(b, &call->args[i], type, ENGINE_CAST_IMPLICIT, NULL));
    }
    call->type = type;
    return ENTRASQL_OK;
}

static entrasql_status extreme(engine_call *call, const sqlvalue *args, size_t n, int sign,
                               sqlvalue *ret)
{
    const sqlvalue *best = NULL;
    for (size_t i = 0; i < n; i++) {
        if (!args[i].is_null && (best == NULL || sqlvalue_compare(&args[i], best) * sign > 0))
            best = &args[i];
    }
    if (best == NULL)
        return ENTRASQL_OK;
    return sqlvalue_copy(ret, best) == ENTRASQL_OK ? ENTRASQL_OK : es_nomem(call->err);
}

static entrasql_status greatest(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    return extreme(call, args, n, 1, ret);
}

static entrasql_status least(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    return extreme(call, args, n, -1, ret);
}

/* ---- moments from parts ---- */

static entrasql_status bad_parts(engine_call *call)
{
    return engine_error(call->err, 289, 1,
                        "Cannot construct data type %s, some of the arguments have values which "
                        "are not valid.",
                        sqltype_name(call->type.id));
}

/* args: the seven parts from `first` on; missing ones are 0. */
static entrasql_status from_parts(engine_call *call, const sqlvalue *args, size_t date_count,
                                  size_t time_count, int64_t fraction, sqlvalue *ret)
{
    static const int64_t limits[] = {23, 59, 59};
    int64_t clock[3] = {0, 0, 0};
    sqldate_parts d = {.year = 1, .month = 1, .day = 1};
    int64_t ticks = 0;
    if (date_count != 0) {
        for (size_t i = 0; i < 3; i++) {
            if (args[i].u.i < 1 || args[i].u.i > 9999)
                return bad_parts(call);
        }
        d = (sqldate_parts){
            .year = (int)args[0].u.i, .month = (int)args[1].u.i, .day = (int)args[2].u.i};
    }
    for (size_t i = 0; i < time_count; i++) {
        clock[i] = args[date_count + i].u.i;
        if (clock[i] < 0 || clock[i] > limits[i])
            return bad_parts(call);
    }
    if (sqldate_from_parts(&d, &ticks) != ENTRASQL_OK)
        return bad_parts(call);
    if (date_count == 0)
        ticks = 0;
    ticks += ((clock[0] * 60 + clock[1]) * 60 + clock[2]) * SQLTYPE_TICKS_PER_SECOND + fraction;
    if (sqldate_fit(ticks, call->type, &ret->u.ticks) != ENTRASQL_OK)
        return bad_parts(call);
    ret->is_null = false;
    return ENTRASQL_OK;
}

static bool read_fraction(const sqlvalue *fraction, const sqlvalue *scale, int64_t *ret)
{
    static const int64_t powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000};
    int64_t s = scale->u.i;
    if (s < 0 || s > 7 || fraction->u.i < 0 || fraction->u.i >= powers[s])
        return false;
    *ret = fraction->u.i * powers[7 - s];
    return true;
}

static entrasql_status datetimefromparts(engine_call *call, const sqlvalue *args, size_t n,
                                         sqlvalue *ret)
{
    (void)n;
    if (args[6].u.i < 0 || args[6].u.i > 999)
        return bad_parts(call);
    return from_parts(call, args, 3, 3, args[6].u.i * 10000, ret);
}

static entrasql_status smalldatetimefromparts(engine_call *call, const sqlvalue *args, size_t n,
                                              sqlvalue *ret)
{
    (void)n;
    return from_parts(call, args, 3, 2, 0, ret);
}

static entrasql_status datetime2fromparts(engine_call *call, const sqlvalue *args, size_t n,
                                          sqlvalue *ret)
{
    int64_t fraction;
    (void)n;
    if (!read_fraction(&args[6], &args[7], &fraction))
        return bad_parts(call);
    return from_parts(call, args, 3, 3, fraction, ret);
}

static entrasql_status timefromparts(engine_call *call, const sqlvalue *args, size_t n,
                                     sqlvalue *ret)
{
    int64_t fraction;
    (void)n;
    if (!read_fraction(&args[3], &args[4], &fraction))
        return bad_parts(call);
    return from_parts(call, args, 0, 3, fraction, ret);
}

static entrasql_status set_type(engine_node *call, sqltype_id id, size_t scale_arg)
{
    call->type = sqltype_of(id);
    if (scale_arg == 0)
        return ENTRASQL_OK;
    /* The scale is part of the type, so it is a constant. */
    const engine_node *scale = call->args[scale_arg];
    bool known = scale->kind == ENGINE_NODE_CONST && !scale->value.is_null &&
                 scale->value.u.i >= 0 && scale->value.u.i <= 7;
    call->type = sqltype_with_scale(id, known ? (uint8_t)scale->value.u.i : 7);
    return ENTRASQL_OK;
}

static entrasql_status bind_smalldatetime(engine_binder *b, engine_node *call)
{
    (void)b;
    return set_type(call, SQLTYPE_SMALLDATETIME, 0);
}

static entrasql_status bind_datetime2(engine_binder *b, engine_node *call)
{
    (void)b;
    return set_type(call, SQLTYPE_DATETIME2, 7);
}

static entrasql_status bind_time(engine_binder *b, engine_node *call)
{
    (void)b;
    return set_type(call, SQLTYPE_TIME, 4);
}

static const engine_builtin rows[] = {
    {"PARSENAME", "si:u", parsename, NULL, ENGINE_MAYBE_NULL},
    {"TRANSLATE", "sss:1", translate, NULL, 0},
    {"HASHBYTES", "sx:b", hashbytes, NULL, ENGINE_MAYBE_NULL},
    {"DEGREES", "f:f", degrees, NULL, 0},
    {"RADIANS", "f:f", radians, NULL, 0},
    {"ATN2", "ff:f", atn2, NULL, 0},
    {"COT", "f:f", cot, NULL, 0},
    {"GREATEST", "xx*:1", greatest, bind_extreme, ENGINE_NULLS},
    {"LEAST", "xx*:1", least, bind_extreme, ENGINE_NULLS},
    {"DATETIMEFROMPARTS", "iiiiiii:d", datetimefromparts, NULL, 0},
    {"SMALLDATETIMEFROMPARTS", "iiiii:1", smalldatetimefromparts, bind_smalldatetime, 0},
    {"DATETIME2FROMPARTS", "iiiiiiii:7", datetime2fromparts, bind_datetime2, 0},
    {"TIMEFROMPARTS", "iiiii:1", timefromparts, bind_time, 0},
};

const engine_builtins engine_builtins_more = {rows, ES_COUNT_OF(rows)};
