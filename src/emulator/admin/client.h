/* SPDX-License-Identifier: MIT */
/* Talking to the running emulator's own endpoint from another process. */
#ifndef EMULATOR_ADMIN_CLIENT_H
#define EMULATOR_ADMIN_CLIENT_H

#include "base/buf.h"
#include "base/error.h"

/*
 * One request to the emulator that runs on the data directory: its port from
 * the state file, its certificate checked against its own authority, the
 * secret from its file. path: after ADMIN_PREFIX. Appends the body of the
 * answer. NOT_FOUND: none runs; else what the emulator says.
 */
entrasql_status admin_call(const char *data_dir, const char *method, const char *path,
                           const void *body, size_t body_len, es_buf *out,
                           entrasql_error *err) ES_MUST_USE;

#endif
