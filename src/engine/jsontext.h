/* SPDX-License-Identifier: MIT */
/*
 * JSON as T-SQL sees it: texts inside a text. Values keep the bytes with which
 * they were written (a number's digits, the blanks of an object), duplicate
 * keys are allowed, and paths are "lax $.a[0]" or "strict $.a". Everything is
 * a span of the caller's text. Pure; any thread.
 */
#ifndef ENGINE_JSONTEXT_H
#define ENGINE_JSONTEXT_H

#include "base/buf.h"
#include "engine/error.h"

#define ENGINE_JSON_DEPTH_MAX 128
/* FOR JSON: between the parts of what es_for_json is told (aggregate_json.c). */
#define ENGINE_JSON_SEPARATOR '\x1f'
#define ENGINE_JSON_COLUMNS_MAX 60

/* The numbers of OPENJSON's column `type`. */
typedef enum engine_json_type {
    ENGINE_JSON_NULL,
    ENGINE_JSON_STRING,
    ENGINE_JSON_NUMBER,
    ENGINE_JSON_BOOL,
    ENGINE_JSON_ARRAY,
    ENGINE_JSON_OBJECT
} engine_json_type;

typedef struct engine_json {
    engine_json_type type;
    const char *text; /* of a string: with its quotes */
    size_t n;
} engine_json;

/* The whole text is one value; false with the place of the first bad byte in *ret_bad. */
bool engine_json_read(const char *text, size_t n, engine_json *ret, size_t *ret_bad);

/* Members of an object, elements of an array. */
typedef struct engine_json_walk {
    const char *at;
    const char *end;
    bool object;
    bool begun;
    engine_json key; /* of a member: a string */
    engine_json value;
} engine_json_walk;

/* container: from engine_json_read() or a walk, so known to be well-formed. */
void engine_json_walk_begin(engine_json_walk *w, const engine_json *container);
bool engine_json_walk_next(engine_json_walk *w);

/* A string without quotes and escapes; other values as they are. */
entrasql_status engine_json_unquote(const engine_json *v, es_buf *ret) ES_MUST_USE;
/* A text with quotes and escapes, as SQL Server writes it. */
entrasql_status engine_json_quote(const char *s, size_t n, es_buf *ret) ES_MUST_USE;
/* True when a key's text is this name. */
bool engine_json_is_key(const engine_json *key, const char *name, size_t n);

enum { ENGINE_JSON_STEPS_MAX = 64 };

typedef struct engine_json_step {
    bool is_index;
    size_t index;
    const char *name; /* with escapes, as in the path */
    size_t n;
} engine_json_step;

typedef struct engine_json_path {
    bool strict;
    bool append;
    size_t count;
    engine_json_step steps[ENGINE_JSON_STEPS_MAX];
} engine_json_path;

/* 13607 for a text that is no path. */
entrasql_status engine_json_path_parse(const char *text, size_t n, engine_json_path *ret,
                                       entrasql_error *err) ES_MUST_USE;
/* Follows the first `count` steps; false: there is nothing. */
bool engine_json_find(const engine_json *root, const engine_json_path *path, size_t count,
                      engine_json *ret);

/* 13609 for a text that is not JSON. */
entrasql_status engine_json_parse(const char *text, size_t n, engine_json *ret,
                                  entrasql_error *err) ES_MUST_USE;

#endif
