/* SPDX-License-Identifier: MIT */
/* What the emitter's two files share; not for others. */
#ifndef ENGINE_EMIT_INNER_H
#define ENGINE_EMIT_INNER_H

#include "engine/emit.h"

entrasql_status engine_emit_text(engine_emitter *e, const char *text) ES_MUST_USE;
/* The collation that comparisons of the node need; NULL: none. */
const char *engine_emit_collation(const engine_node *n);
/* The node with its collation, for GROUP BY, ORDER BY, DISTINCT. */
entrasql_status engine_emit_collated(engine_emitter *e, const engine_node *n) ES_MUST_USE;
/* " ORDER BY ..."; nothing for none. */
entrasql_status engine_emit_order(engine_emitter *e, const engine_order *order,
                                  size_t count) ES_MUST_USE;
/* k of the SQL name c<k>. */
size_t engine_emit_column_number(const engine_source *source, size_t column);

#endif
