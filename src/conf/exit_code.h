/* SPDX-License-Identifier: MIT */
/*
 * What the program's exit codes mean: the error classes of entrasql/status.h, and the few beyond.
 * Help and manual print this table. Static data.
 */
#ifndef CONF_EXIT_CODE_H
#define CONF_EXIT_CODE_H

#include <stddef.h>

/* Beyond the classes. */
#define CONF_EXIT_FOUND 12        /* `connstr scan` found passwords */
#define CONF_EXIT_INTERRUPTED 130 /* 128 + SIGINT, likewise */
#define CONF_EXIT_READER_GONE 141 /* 128 + SIGPIPE, what a shell shows of other programs */

typedef struct conf_exit_code {
    int code;
    const char *meaning; /* one line, no full stop */
} conf_exit_code;

/* In order of the codes. */
extern const conf_exit_code conf_exit_codes[];
extern const size_t conf_exit_code_count;

#endif
