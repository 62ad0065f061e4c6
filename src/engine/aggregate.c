/* SPDX-License-Identifier: MIT */
/*
 * Aggregates that SQLite does not have with SQL Server's types: SUM and AVG
 * (also over windows), STDEV and VAR, STRING_AGG, and the only row of a
 * subquery. Arguments are stored forms (store.h); those of decimals tell by
 * themselves whether they are short or long.
 */
#include "engine/function.h"

#include "base/buf.h"
#include "base/mem.h"
#include "engine/store.h"
#include "sqltype/decimal.h"

#include <math.h>
#include <string.h>

enum { TEXT_CEILING = 512 * 1024 * 1024 };

typedef enum result { RESULT_INT, RESULT_BIG, RESULT_FLOAT, RESULT_DECIMAL } result;

/* What the registered name stands for. */
typedef struct kind {
    const char *name;
    bool is_avg;
    result type;
    unsigned shift; /* AVG of decimals: digits that are added */
} kind;

static const kind kinds[] = {
    {"es_sum_int", false, RESULT_INT, 0},     {"es_sum_big", false, RESULT_BIG, 0},
    {"es_sum_float", false, RESULT_FLOAT, 0}, {"es_sum_decimal", false, RESULT_DECIMAL, 0},
    {"es_avg_int", true, RESULT_INT, 0},      {"es_avg_big", true, RESULT_BIG, 0},
    {"es_avg_float", true, RESULT_FLOAT, 0},  {"es_avg_d0", true, RESULT_DECIMAL, 0},
    {"es_avg_d1", true, RESULT_DECIMAL, 1},   {"es_avg_d2", true, RESULT_DECIMAL, 2},
    {"es_avg_d3", true, RESULT_DECIMAL, 3},   {"es_avg_d4", true, RESULT_DECIMAL, 4},
    {"es_avg_d5", true, RESULT_DECIMAL, 5},   {"es_avg_d6", true, RESULT_DECIMAL, 6},
};

/* One registration: the session and the kind. SQLite frees it. */
typedef struct registered {
    engine_session *s;
    const kind *k;
} registered;

/* SQLite aligns an aggregate's memory to 8 bytes, not to the 16 of the plain type. */
typedef __int128 digits128 __attribute__((aligned(8)));

typedef struct sum_state {
    int64_t count;
    double f;
    digits128 total; /* of the stored integers or the decimals' digits */
    bool overflow;
} sum_state;

static bool read_digits(sqlite3_value *v, __int128 *ret)
{
    sqlvalue d;
    if (sqlite3_value_type(v) == SQLITE_INTEGER) {
        *ret = sqlite3_value_int64(v);
        return true;
    }
    if (engine_store_read(v, sqltype_decimal(38, 0), &d) != ENTRASQL_OK)
        return false;
    *ret = d.u.dec.negative ? -(__int128)d.u.dec.magnitude : (__int128)d.u.dec.magnitude;
    return true;
}

static void add(sqlite3_context *context, sqlite3_value *v, int sign)
{
    const registered *r = sqlite3_user_data(context);
    sum_state *state = sqlite3_aggregate_context(context, sizeof *state);
    __int128 digits;
    if (state == NULL) {
        sqlite3_result_error_nomem(context);
        return;
    }
    if (sqlite3_value_type(v) == SQLITE_NULL)
        return;
    state->count += sign;
    if (r->k->type == RESULT_FLOAT)
        state->f += sign * sqlite3_value_double(v);
    else if (!read_digits(v, &digits) ||
             __builtin_add_overflow(state->total, sign > 0 ? digits : -digits, &state->total))
        state->overflow = true;
}

static void on_sum_step(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    (void)argc;
    add(context, argv[0], 1);
}

static void on_sum_inverse(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    (void)argc;
    add(context, argv[0], -1);
}

static void overflow(sqlite3_context *context, const char *type)
{
    const registered *r = sqlite3_user_data(context);
    entrasql_error err;
    engine_error(&err, 8115, 2, "Arithmetic overflow error converting expression to data type %s.",
                 type);
    engine_function_fail(r->s, context, ENTRASQL_SQL_ERROR, &err);
}

static void give_decimal(sqlite3_context *context, __int128 total)
{
    sqlvalue v = {.type = sqltype_decimal(38, 0)};
    v.u.dec.negative = total < 0;
    v.u.dec.magnitude = total < 0 ? 0 - (sqltype_u128)total : (sqltype_u128)total;
    if (sqldecimal_digits(v.u.dec.magnitude) > 38)
        overflow(context, "numeric");
    else
        engine_store_result(context, &v);
}

/* The quotient with more digits after the point, cut. */
static bool average(const kind *k, const sum_state *state, __int128 *ret)
{
    __int128 total = state->total;
    if (k->shift != 0 &&
        __builtin_mul_overflow(total, (__int128)sqldecimal_power(k->shift), &total))
        return false;
    *ret = total / state->count;
    return true;
}

static void give_sum(sqlite3_context *context, const sum_state *state)
{
    const kind *k = ((const registered *)sqlite3_user_data(context))->k;
    if (state == NULL || state->count <= 0) {
        sqlite3_result_null(context);
        return;
    }
    if (k->type == RESULT_FLOAT) {
        double f = k->is_avg ? state->f / (double)state->count : state->f;
        if (!isfinite(f))
            overflow(context, "float");
        else
            sqlite3_result_double(context, f);
        return;
    }
    __int128 total = state->total;
    bool fits = !state->overflow && (!k->is_avg || average(k, state, &total));
    if (k->type == RESULT_DECIMAL && fits)
        give_decimal(context, total);
    else if (!fits || total > (k->type == RESULT_INT ? INT32_MAX : INT64_MAX) ||
             total < (k->type == RESULT_INT ? INT32_MIN : INT64_MIN))
        overflow(context, k->type == RESULT_INT ? "int" : "bigint");
    else
        sqlite3_result_int64(context, (int64_t)total);
}

static void on_sum_value(sqlite3_context *context)
{
    give_sum(context, sqlite3_aggregate_context(context, 0));
}

/* ---- STDEV and VAR: Welford's running mean ---- */

typedef struct spread_state {
    int64_t count;
    double mean;
    double squares;
} spread_state;

static void on_spread_step(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    spread_state *state = sqlite3_aggregate_context(context, sizeof *state);
    (void)argc;
    if (state == NULL || sqlite3_value_type(argv[0]) == SQLITE_NULL)
        return;
    double x = sqlite3_value_double(argv[0]);
    double delta = x - state->mean;
    state->count++;
    state->mean += delta / (double)state->count;
    state->squares += delta * (x - state->mean);
}

static void give_spread(sqlite3_context *context, bool population, bool root)
{
    const spread_state *state = sqlite3_aggregate_context(context, 0);
    int64_t divisor = state == NULL ? 0 : population ? state->count : state->count - 1;
    if (divisor <= 0) {
        sqlite3_result_null(context);
        return;
    }
    double variance = state->squares / (double)divisor;
    sqlite3_result_double(context, root ? sqrt(variance) : variance);
}

static void on_stdev(sqlite3_context *context)
{
    give_spread(context, false, true);
}

static void on_stdevp(sqlite3_context *context)
{
    give_spread(context, true, true);
}

static void on_var(sqlite3_context *context)
{
    give_spread(context, false, false);
}

static void on_varp(sqlite3_context *context)
{
    give_spread(context, true, false);
}

/* ---- STRING_AGG ---- */

typedef struct text_state {
    es_buf text;
    bool begun;
    bool failed;
} text_state;

static void on_text_step(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    text_state *state = sqlite3_aggregate_context(context, sizeof *state);
    (void)argc;
    if (state == NULL || sqlite3_value_type(argv[0]) == SQLITE_NULL)
        return;
    if (!state->begun)
        es_buf_init(&state->text, TEXT_CEILING);
    const void *text = sqlite3_value_text(argv[0]);
    const void *between = sqlite3_value_text(argv[1]);
    entrasql_status status = ENTRASQL_OK;
    if (state->begun && between != NULL)
        status = es_buf_add(&state->text, between, (size_t)sqlite3_value_bytes(argv[1]));
    if (status == ENTRASQL_OK && text != NULL)
        status = es_buf_add(&state->text, text, (size_t)sqlite3_value_bytes(argv[0]));
    state->begun = true;
    state->failed = state->failed || status != ENTRASQL_OK;
}

static void on_text_final(sqlite3_context *context)
{
    text_state *state = sqlite3_aggregate_context(context, 0);
    if (state == NULL || !state->begun) {
        sqlite3_result_null(context);
        return;
    }
    if (state->failed)
        sqlite3_result_error_nomem(context);
    else
        sqlite3_result_text64(context, state->text.data != NULL ? (char *)state->text.data : "",
                              state->text.len, SQLITE_TRANSIENT, SQLITE_UTF8);
    es_buf_done(&state->text);
}

/* ---- the only row of a subquery ---- */

typedef struct one_state {
    sqlite3_value *value;
    bool seen;
} one_state;

static void on_one_step(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    engine_session *s = sqlite3_user_data(context);
    one_state *state = sqlite3_aggregate_context(context, sizeof *state);
    entrasql_error err;
    (void)argc;
    if (state == NULL)
        return;
    if (state->seen) {
        engine_error(&err, 512, 1,
                     "Subquery returned more than 1 value. This is not permitted when the subquery "
                     "follows =, !=, <, <= , >, >= or when the subquery is used as an "
                     "expression.");
        engine_function_fail(s, context, ENTRASQL_SQL_ERROR, &err);
        return;
    }
    state->seen = true;
    state->value = sqlite3_value_dup(argv[0]);
    if (state->value == NULL)
        sqlite3_result_error_nomem(context);
}

static void on_one_final(sqlite3_context *context)
{
    one_state *state = sqlite3_aggregate_context(context, 0);
    if (state == NULL || state->value == NULL) {
        sqlite3_result_null(context);
        return;
    }
    sqlite3_result_value(context, state->value);
    sqlite3_value_free(state->value);
    state->value = NULL;
}

/* ---- registration ---- */

static int register_sums(engine_session *s)
{
    int rc = SQLITE_OK;
    for (size_t i = 0; rc == SQLITE_OK && i < ES_COUNT_OF(kinds); i++) {
        registered *r = es_malloc(sizeof *r);
        if (r == NULL)
            return SQLITE_NOMEM;
        *r = (registered){.s = s, .k = &kinds[i]};
        rc = sqlite3_create_window_function(
            s->db, kinds[i].name, 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY, r,
            on_sum_step, on_sum_value, on_sum_value, on_sum_inverse, es_free);
    }
    return rc;
}

int engine_aggregates_register(engine_session *s)
{
    static const struct {
        const char *name;
        int args;
        void (*step)(sqlite3_context *, int, sqlite3_value **);
        void (*final)(sqlite3_context *);
    } plain[] = {
        {"es_stdev", 1, on_spread_step, on_stdev},
        {"es_stdevp", 1, on_spread_step, on_stdevp},
        {"es_var", 1, on_spread_step, on_var},
        {"es_varp", 1, on_spread_step, on_varp},
        {"es_string_agg", 2, on_text_step, on_text_final},
        {"es_one", 1, on_one_step, on_one_final},
    };
    int rc = register_sums(s);
    for (size_t i = 0; rc == SQLITE_OK && i < ES_COUNT_OF(plain); i++)
        rc = sqlite3_create_function_v2(s->db, plain[i].name, plain[i].args,
                                        SQLITE_UTF8 | SQLITE_DIRECTONLY, s, NULL, plain[i].step,
                                        plain[i].final, NULL);
    if (rc == SQLITE_OK)
        rc = engine_aggregate_order_register(s);
    return rc == SQLITE_OK ? engine_aggregate_json_register(s) : rc;
}
