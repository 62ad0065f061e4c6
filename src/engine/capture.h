/* SPDX-License-Identifier: MIT */
/* INSERT ... EXEC: the rows that an EXEC would send, kept instead. */
#ifndef ENGINE_CAPTURE_H
#define ENGINE_CAPTURE_H

#include "engine/plan.h"
#include "engine/run.h"

/* Every result set has to have so many columns: 213. Messages go on to the client. */
entrasql_status engine_capture_exec(engine_run *run, const tsql_exec_stmt *exec, size_t columns,
                                    engine_row_set *ret) ES_MUST_USE;

#endif
