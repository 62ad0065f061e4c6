/* SPDX-License-Identifier: MIT */
/*
 * A command's option table as its manual page, in roff with the man(7) macros;
 * the text is that of the help. Pure text work; any thread.
 */
#ifndef CONF_MANUAL_H
#define CONF_MANUAL_H

#include "conf/option.h"

/* "entrasql-emulator-start" for "entrasql emulator start". NOMEM. */
entrasql_status conf_manual_name(const conf_command *command, es_buf *out) ES_MUST_USE;

/* The page, section 1. version: of the program. also: pages of SEE ALSO, NULL-terminated. NOMEM. */
entrasql_status conf_manual_print(const conf_command *command, const char *version,
                                  const char *const *also, es_buf *out) ES_MUST_USE;

#endif
