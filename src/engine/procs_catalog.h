/* SPDX-License-Identifier: MIT */
/*
 * The catalog procedures that drivers call: sp_tables, sp_columns,
 * sp_datatype_info and kin, each also with _90, _100 ... behind its name. They
 * read the session's picture of the catalog and send one result set of what
 * the user may see.
 *
 * Arguments come as the wire or the executor has them: by position or by name,
 * in any mix that SQL Server takes.
 */
#ifndef ENGINE_PROCS_CATALOG_H
#define ENGINE_PROCS_CATALOG_H

#include "engine/internal.h"

/* name: without schema, case ignored. */
bool engine_catalog_procedure_is(const char *name);

/*
 * Runs it: columns, rows and a DONE go to the session's output. SQL_ERROR: 201,
 * 8144, 8145 and those of the conversion of arguments; nothing was sent then.
 * NOT_FOUND: no procedure of that name. *ret_status: the return status.
 */
entrasql_status engine_catalog_procedure_run(engine_session *s, const char *name,
                                             const engine_param *params, size_t count,
                                             int32_t *ret_status, entrasql_error *err) ES_MUST_USE;

#endif
