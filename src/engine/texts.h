/* SPDX-License-Identifier: MIT */
/* The arguments of a system procedure as texts, by name or by place. */
#ifndef ENGINE_TEXTS_H
#define ENGINE_TEXTS_H

#include "engine/procedure.h"

enum { ENGINE_TEXTS_MAX = 8 };

typedef struct engine_texts {
    char *items[ENGINE_TEXTS_MAX]; /* NULL: not given, or NULL */
} engine_texts;

/* 8144, 8145; what is in *ret already is the default of an argument. */
entrasql_status engine_texts_read(const engine_procedure_call *call, const char *const *names,
                                  size_t count, engine_texts *ret, entrasql_error *err) ES_MUST_USE;
void engine_texts_done(engine_texts *t); /* for ES_CLEANUP */

#endif
