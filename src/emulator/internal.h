/* SPDX-License-Identifier: MIT */
/* Names of the data directory's files, and what start, env and az share. */
#ifndef EMULATOR_INTERNAL_H
#define EMULATOR_INTERNAL_H

#include "emulator.h"
#include "emulator/world/world.h"
#include "json/json.h"

#define EMULATOR_LOCK_FILE "lock"
#define EMULATOR_STATE_FILE "emulator.json"
#define EMULATOR_SQL_DIR "sql"
/* bin/<tool>: nobody is signed in; <tool>/<upn>/<tool>: that person is. */
#define EMULATOR_SIGNED_OUT_DIR "bin"

/* The ports and urls as members of an open object. */
entrasql_status emulator_put_state(const emulator_info *info, const char *data_dir,
                                   json_writer *j) ES_MUST_USE;
/* Writes the ports and urls as a JSON object. */
entrasql_status emulator_write_state(const emulator_info *info, const char *data_dir,
                                     es_buf *out) ES_MUST_USE;
/* While no engine has them open. */
entrasql_status emulator_remove_databases(const char *data_dir, entrasql_error *err) ES_MUST_USE;
/* AZURE_SQL_CONNECTIONSTRING: the tutorial's. */
entrasql_status emulator_write_odbc_string(const emulator_env_options *options, const world *w,
                                           uint16_t port, es_buf *out) ES_MUST_USE;
/* Links named as the tools to the running program, one a user, and for nobody. */
entrasql_status emulator_make_tool_links(const char *data_dir, const world *w,
                                         entrasql_error *err) ES_MUST_USE;
/* "<data_dir>/<tool>/<upn>", or "<data_dir>/bin" for NULL; the caller's. NULL without memory. */
char *emulator_tool_dir(const char *data_dir, const char *tool,
                        const world_principal *user) ES_MUST_USE;
/* "az", "azd" and "pwsh". */
bool emulator_tool_is_known(const char *name);

#endif
