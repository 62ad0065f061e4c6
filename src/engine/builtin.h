/* SPDX-License-Identifier: MIT */
/*
 * Scalar functions of T-SQL, written in C on sqlvalues.
 *
 * One row of a table a function (builtin_*.c; the tables are listed in
 * builtin.c). How its arguments and result are typed is its signature:
 *
 *   arguments  s string  i int  l bigint  f float  n number  d date or time
 *              b binary  x any  z any, a bare NULL too  p a bare word
 *              ? what follows may be left out   * the last one may be repeated
 *   ':' result i int  l bigint  f float  t bit  d datetime  7 datetime2(7)
 *              o datetimeoffset(7)  u sysname  S nvarchar(4000)  v varchar(8000)
 *              g uniqueidentifier  b varbinary(8000)  1 as the first argument
 *              M nvarchar(max)  D date  s smallint  y tinyint
 *
 * or, where that does not say it, a bind function. Unless ENGINE_NULLS is set,
 * a NULL argument makes the result NULL without a call.
 */
#ifndef ENGINE_BUILTIN_H
#define ENGINE_BUILTIN_H

#include "base/buf.h"
#include "engine/bound.h"
#include "engine/internal.h"

typedef struct engine_binder engine_binder;

typedef struct engine_call {
    engine_session *s;
    sqltype type; /* of the result */
    entrasql_error *err;
} engine_call;

/*
 * args lend their memory for the call. *ret is NULL of the result's type
 * beforehand; an owned value is freed by the caller.
 */
typedef entrasql_status engine_function(engine_call *call, const sqlvalue *args, size_t n,
                                        sqlvalue *ret);

/* May replace args (bind_cast()); sets the type and nullability of the result. */
typedef entrasql_status engine_bind_function(engine_binder *b, engine_node *call);

enum {
    ENGINE_NULLS = 1,      /* wants to see NULL arguments */
    ENGINE_VOLATILE = 2,   /* depends on more than its arguments */
    ENGINE_NOT_NULL = 4,   /* never gives NULL */
    ENGINE_MAYBE_NULL = 8, /* may give NULL although no argument is */
    ENGINE_INNER = 16      /* not callable by name */
};

struct engine_builtin {
    const char *name; /* upper case */
    const char *signature;
    engine_function *run;
    engine_bind_function *bind;
    unsigned flags;
};

typedef struct engine_builtins {
    const engine_builtin *items;
    size_t count;
} engine_builtins;

extern const engine_builtins engine_builtins_string;
extern const engine_builtins engine_builtins_date;
extern const engine_builtins engine_builtins_number;
extern const engine_builtins engine_builtins_system;
extern const engine_builtins engine_builtins_security;
extern const engine_builtins engine_builtins_json;
extern const engine_builtins engine_builtins_more;
extern const engine_builtins engine_builtins_inner;

/* By name, case ignored; inner ones only when asked for. NULL: none. */
const engine_builtin *engine_builtin_find(const char *name, bool inner);
/* A number for SQL text, and back (NULL: no such). */
size_t engine_builtin_number(const engine_builtin *builtin);
const engine_builtin *engine_builtin_at(size_t number);
/* Fewest and most arguments by the signature; SIZE_MAX: any number. */
void engine_builtin_arity(const engine_builtin *builtin, size_t *ret_min, size_t *ret_max);

/* The value is JSON already: JSON_QUERY, JSON_MODIFY, a subquery with FOR JSON. */
bool engine_json_is_result(const engine_node *node);

/* An owned text result of the call's type. */
entrasql_status engine_call_text(engine_call *call, const char *s, size_t n,
                                 sqlvalue *ret) ES_MUST_USE;
/* The buffer's content as the owned result; empties the buffer. */
entrasql_status engine_call_take(engine_call *call, es_buf *b, sqlvalue *ret) ES_MUST_USE;

#endif
