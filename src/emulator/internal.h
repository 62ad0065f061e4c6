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
/* bin/az: nobody is signed in; az/<upn>/az: that person is. */
#define EMULATOR_SIGNED_OUT_DIR "bin"
#define EMULATOR_SIGNED_IN_DIR "az"

/* The ports and urls as members of an open object. */
entrasql_status emulator_put_state(const emulator_info *info, const char *data_dir,
                                   json_writer *j) ES_MUST_USE;
/* Writes the ports and urls as a JSON object. */
entrasql_status emulator_write_state(const emulator_info *info, const char *data_dir,
                                     es_buf *out) ES_MUST_USE;
/* While no engine has them open. */
entrasql_status emulator_remove_databases(const char *data_dir, entrasql_error *err) ES_MUST_USE;
/* Links named az to the running program, one a user and one for nobody. */
entrasql_status emulator_make_az_links(const char *data_dir, const world *w,
                                       entrasql_error *err) ES_MUST_USE;
/* "<data_dir>/az/<upn>", or "<data_dir>/bin" for NULL; the caller's. NULL without memory. */
char *emulator_az_dir(const char *data_dir, const world_principal *user) ES_MUST_USE;

#endif
