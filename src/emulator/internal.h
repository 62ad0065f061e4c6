/* SPDX-License-Identifier: MIT */
/* Names of the data directory's files, and what start, env and az share. */
#ifndef EMULATOR_INTERNAL_H
#define EMULATOR_INTERNAL_H

#include "emulator.h"
#include "emulator/world/world.h"

#define EMULATOR_LOCK_FILE "lock"
#define EMULATOR_STATE_FILE "emulator.json"
#define EMULATOR_SQL_DIR "sql"
/* bin/az: nobody is signed in; az/<upn>/az: that person is. */
#define EMULATOR_SIGNED_OUT_DIR "bin"
#define EMULATOR_SIGNED_IN_DIR "az"

/* Writes the ports and urls as a JSON object. */
entrasql_status emulator_write_state(const emulator_info *info, const char *data_dir,
                                     es_buf *out) ES_MUST_USE;
/* Links named az to the running program, one a user and one for nobody. */
entrasql_status emulator_make_az_links(const char *data_dir, const world *w,
                                       entrasql_error *err) ES_MUST_USE;
/* "<data_dir>/az/<upn>", or "<data_dir>/bin" for NULL; the caller's. NULL without memory. */
char *emulator_az_dir(const char *data_dir, const world_principal *user) ES_MUST_USE;

#endif
