/* SPDX-License-Identifier: MIT */
/*
 * From the bound tree to SQLite's SQL. Names in the text are made up here
 * (s3.c1), values are always parameters: nothing that a client wrote becomes
 * text. NOMEM and LIMIT are the only failures.
 */
#ifndef ENGINE_EMIT_H
#define ENGINE_EMIT_H

#include "base/buf.h"
#include "engine/bind.h"

typedef struct engine_emitter {
    engine_binder *b;
    es_buf sql;
    const engine_node **slots; /* what each parameter stands for; in the binder's arena */
    size_t slot_count;
    bool live_variables; /* variables are read again for every row */
} engine_emitter;

void engine_emitter_init(engine_emitter *e, engine_binder *b);
void engine_emitter_done(engine_emitter *e);
entrasql_status engine_emit_query(engine_emitter *e, const engine_query *q) ES_MUST_USE;
entrasql_status engine_emit_node(engine_emitter *e, const engine_node *n) ES_MUST_USE;

#endif
