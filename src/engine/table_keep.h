/* SPDX-License-Identifier: MIT */
/*
 * Table variables are outside of transactions: what they hold stays when the
 * transaction is rolled back. In SQLite they are temporary tables, which a
 * ROLLBACK takes along, so their content is put aside before and back after.
 */
#ifndef ENGINE_TABLE_KEEP_H
#define ENGINE_TABLE_KEEP_H

#include "engine/internal.h"

typedef struct engine_kept_table engine_kept_table;

/* NULL when there are none, or when there is no memory: then they are lost. */
engine_kept_table *engine_tables_keep(engine_session *s);
/* Frees what was kept. */
void engine_tables_restore(engine_session *s, engine_kept_table *kept);

#endif
