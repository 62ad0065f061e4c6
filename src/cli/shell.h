/* SPDX-License-Identifier: MIT */
/*
 * The prompt of `entrasql query`: lines are collected into a statement, run, and
 * kept in the history; lines that begin with a backslash are shortcuts.
 */
#ifndef CLI_SHELL_H
#define CLI_SHELL_H

#include "cli/session.h"

/* Until the person ends it; the session is connected. Returns the exit code. */
int cli_shell_run(cli_session *s, bool keeps_history);

#endif
