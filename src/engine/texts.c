/* SPDX-License-Identifier: MIT */
/* Arguments of system procedures as texts. */
#include "engine/texts.h"

#include "base/mem.h"
#include "base/str.h"
#include "sqltype/convert.h"

void engine_texts_done(engine_texts *t)
{
    for (size_t i = 0; i < ENGINE_TEXTS_MAX; i++)
        es_free(t->items[i]);
}

static entrasql_status read_text(const engine_param *p, char **ret, entrasql_error *err)
{
    const sqltype type = {.id = SQLTYPE_NVARCHAR, .length = SQLTYPE_MAX};
    sqlvalue v;
    if (p->use_default || p->value.is_null)
        return ENTRASQL_OK;
    ES_TRY(sqltype_convert(&p->value, type, NULL, &v, err));
    es_free(*ret);
    *ret = es_strndup(v.u.s.data, v.u.s.len);
    sqlvalue_done(&v);
    return *ret != NULL ? ENTRASQL_OK : es_nomem(err);
}

entrasql_status engine_texts_read(const engine_procedure_call *call, const char *const *names,
                                  size_t count, engine_texts *ret, entrasql_error *err)
{
    for (size_t i = 0; i < call->count; i++) {
        size_t at = i;
        if (call->params[i].name[0] != '\0') {
            for (at = 0; at < count && !es_strcaseeq(names[at], call->params[i].name); at++)
                continue;
            if (at == count)
                return engine_error(err, 8145, 1, "%s is not a parameter for procedure %s.",
                                    call->params[i].name, call->name);
        }
        if (at >= count)
            return engine_error(err, 8144, 2,
                                "Procedure or function %s has too many arguments specified.",
                                call->name);
        ES_TRY(read_text(&call->params[i], &ret->items[at], err));
    }
    return ENTRASQL_OK;
}
