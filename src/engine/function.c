/* SPDX-License-Identifier: MIT */
/* Scalar functions inside SQLite. */
#include "engine/function.h"

#include "engine/builtin.h"

enum { ARGS_MAX = 64 };

void engine_function_keep(engine_session *s, const entrasql_error *err)
{
    if (s->function_failed)
        return;
    s->function_failed = true;
    s->function_error = *err;
}

void engine_function_fail(engine_session *s, sqlite3_context *context, entrasql_status status,
                          const entrasql_error *err)
{
    if (status == ENTRASQL_NOMEM) {
        sqlite3_result_error_nomem(context);
        return;
    }
    engine_function_keep(s, err);
    sqlite3_result_error(context, "error in a function of the engine", -1);
}

static entrasql_status call(engine_session *s, int argc, sqlite3_value **argv, sqlvalue *ret,
                            entrasql_error *err)
{
    const engine_builtin *f = engine_builtin_at((size_t)sqlite3_value_int64(argv[0]));
    engine_call c = {.s = s, .type = engine_type_decode(sqlite3_value_int64(argv[1])), .err = err};
    sqlvalue args[ARGS_MAX];
    size_t count = (size_t)(argc - 2) / 2;
    bool has_null = false;
    if (f == NULL || count > ARGS_MAX)
        return es_fail(err, ENTRASQL_INTERNAL, "a call of an unknown function");
    for (size_t i = 0; i < count; i++) {
        sqltype type = engine_type_decode(sqlite3_value_int64(argv[2 + i * 2]));
        entrasql_status status = engine_store_read(argv[3 + i * 2], type, &args[i]);
        if (status != ENTRASQL_OK)
            return es_fail(err, status == ENTRASQL_NOMEM ? status : ENTRASQL_INTERNAL,
                           "argument %zu of %s is not of its type %s", i + 1, f->name,
                           sqltype_name(type.id));
        has_null = has_null || args[i].is_null;
    }
    *ret = sqlvalue_null(c.type);
    if (has_null && (f->flags & ENGINE_NULLS) == 0)
        return ENTRASQL_OK;
    return f->run(&c, args, count, ret);
}

/* es_f(number, result type, type, value, type, value ...) */
static void on_call(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    engine_session *s = sqlite3_user_data(context);
    entrasql_error err;
    sqlvalue result;
    if (argc < 2) {
        sqlite3_result_null(context);
        return;
    }
    entrasql_status status = call(s, argc, argv, &result, &err);
    if (status != ENTRASQL_OK) {
        engine_function_fail(s, context, status, &err);
        return;
    }
    engine_store_result(context, &result);
    sqlvalue_done(&result);
}

static void on_variable(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    const engine_session *s = sqlite3_user_data(context);
    size_t index = (size_t)sqlite3_value_int64(argv[0]);
    (void)argc;
    if (index < s->frame->variable_count)
        engine_store_result(context, &s->frame->variables[index].value);
}

int engine_functions_register(engine_session *s)
{
    const int plain = SQLITE_UTF8 | SQLITE_DIRECTONLY;
    int rc = sqlite3_create_function_v2(s->db, "es_f", -1, plain | SQLITE_DETERMINISTIC, s, on_call,
                                        NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_create_function_v2(s->db, "es_v", -1, plain, s, on_call, NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_create_function_v2(s->db, "es_variable", 1, plain, s, on_variable, NULL, NULL,
                                        NULL);
    return rc == SQLITE_OK ? engine_aggregates_register(s) : rc;
}
