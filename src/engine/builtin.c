/* SPDX-License-Identifier: MIT */
/* Finding built-in functions. */
#include "engine/builtin.h"

#include "base/mem.h"
#include "base/str.h"

#include <string.h>

static const engine_builtins *const lists[] = {
    &engine_builtins_inner,  &engine_builtins_string, &engine_builtins_date,
    &engine_builtins_number, &engine_builtins_system, &engine_builtins_security,
    &engine_builtins_json,   &engine_builtins_more,
};

/* Numbers are a list's place and a row's place together. */
enum { ROWS_MAX = 1000 };

const engine_builtin *engine_builtin_find(const char *name, bool inner)
{
    for (size_t l = 0; l < ES_COUNT_OF(lists); l++) {
        for (size_t i = 0; i < lists[l]->count; i++) {
            const engine_builtin *f = &lists[l]->items[i];
            if (((f->flags & ENGINE_INNER) != 0) == inner && es_strcaseeq(f->name, name))
                return f;
        }
    }
    return NULL;
}

size_t engine_builtin_number(const engine_builtin *builtin)
{
    for (size_t l = 0; l < ES_COUNT_OF(lists); l++) {
        const engine_builtin *items = lists[l]->items;
        if (builtin >= items && builtin < items + lists[l]->count)
            return l * ROWS_MAX + (size_t)(builtin - items);
    }
    return SIZE_MAX;
}

const engine_builtin *engine_builtin_at(size_t number)
{
    size_t l = number / ROWS_MAX;
    size_t i = number % ROWS_MAX;
    return l < ES_COUNT_OF(lists) && i < lists[l]->count ? &lists[l]->items[i] : NULL;
}

void engine_builtin_arity(const engine_builtin *builtin, size_t *ret_min, size_t *ret_max)
{
    size_t count = 0;
    bool optional = false;
    *ret_min = 0;
    *ret_max = 0;
    for (const char *p = builtin->signature; *p != ':' && *p != '\0'; p++) {
        if (*p == '?') {
            optional = true;
        } else if (*p == '*') {
            *ret_max = SIZE_MAX;
            return;
        } else {
            count++;
            *ret_max = count;
            if (!optional)
                *ret_min = count;
        }
    }
}

entrasql_status engine_call_text(engine_call *call, const char *s, size_t n, sqlvalue *ret)
{
    return sqlvalue_own(call->type, s, n, ret) == ENTRASQL_OK ? ENTRASQL_OK : es_nomem(call->err);
}

entrasql_status engine_call_take(engine_call *call, es_buf *b, sqlvalue *ret)
{
    size_t n = 0;
    char *data = es_buf_take(b, &n);
    if (data == NULL)
        return es_nomem(call->err);
    *ret = sqlvalue_lend(call->type, data, n);
    ret->owned = true;
    return ENTRASQL_OK;
}
