/* SPDX-License-Identifier: MIT */
/*
 * Results on their way to the sink. A DONE is held back until it is known
 * whether something follows it. Failing statuses come from the sink: the
 * client is gone and the request ends.
 */
#ifndef ENGINE_OUTPUT_H
#define ENGINE_OUTPUT_H

#include "engine/internal.h"

void engine_output_begin(engine_session *s, const engine_sink *sink, bool in_rpc);
/* Sends the DONE that waits, or one without a count when nothing was sent at all. */
entrasql_status engine_output_end(engine_session *s) ES_MUST_USE;

entrasql_status engine_output_columns(engine_session *s, const engine_column *columns,
                                      size_t count) ES_MUST_USE;
entrasql_status engine_output_row(engine_session *s, const sqlvalue *values,
                                  size_t count) ES_MUST_USE;
/* The count is left out under NOCOUNT. */
entrasql_status engine_output_done(engine_session *s, engine_command command, bool has_count,
                                   uint64_t rows, bool failed) ES_MUST_USE;
entrasql_status engine_output_message(engine_session *s, const engine_message *m) ES_MUST_USE;
/* Severity 0. */
entrasql_status engine_output_info(engine_session *s, uint32_t number, uint8_t state, uint32_t line,
                                   const char *text) ES_MUST_USE;
entrasql_status engine_output_change(engine_session *s, engine_change change, uint64_t id,
                                     const char *new_text, const char *old_text) ES_MUST_USE;

#endif
