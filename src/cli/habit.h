/* SPDX-License-Identifier: MIT */
/*
 * The commands of sqlcmd that people's fingers know, ":r FILE" and its kin, and
 * what there is in their place. Pure.
 */
#ifndef CLI_HABIT_H
#define CLI_HABIT_H

#include <stdbool.h>
#include <stddef.h>

typedef enum cli_habit_act {
    CLI_HABIT_INCLUDE, /* the file that is the argument */
    CLI_HABIT_END,
    CLI_HABIT_FORGET, /* what was typed */
    CLI_HABIT_HELP,
    CLI_HABIT_NOTHING, /* it is so anyway */
    CLI_HABIT_REFUSE   /* `advice` says what to do instead */
} cli_habit_act;

typedef struct cli_habit {
    const char *name;
    cli_habit_act act;
    const char *advice; /* of REFUSE and NOTHING */
} cli_habit;

/*
 * The command that the line is; to be asked only outside of texts, quoted names and comments. NULL:
 * it is none, but SQL. An unknown one has the name "" and is refused. *ret: what stands behind it.
 */
const cli_habit *cli_habit_find(const char *line, size_t n, const char **ret, size_t *ret_n);

#endif
