/* SPDX-License-Identifier: MIT */
#include "cli/habit.h"

#include "base/str.h"

#include <string.h>

static const cli_habit habits[] = {
    {"r", CLI_HABIT_INCLUDE, NULL},
    {"quit", CLI_HABIT_END, NULL},
    {"exit", CLI_HABIT_END, NULL},
    {"reset", CLI_HABIT_FORGET, NULL},
    {"help", CLI_HABIT_HELP, NULL},
    {"on", CLI_HABIT_NOTHING, "The first batch of a script that fails always ends it."},
    {"setvar", CLI_HABIT_REFUSE,
     "there are no $(NAME) variables: DECLARE @name, or let the shell put values in: envsubst < "
     "FILE | entrasql query"},
    {"listvar", CLI_HABIT_REFUSE, "there are no $(NAME) variables; DECLARE @name makes one of SQL"},
    {"connect", CLI_HABIT_REFUSE,
     "\\c DATABASE connects to another database; another server is another entrasql query -S"},
    {"out", CLI_HABIT_REFUSE, "let the shell do it: entrasql query -i FILE > OUTPUT"},
    {"error", CLI_HABIT_REFUSE, "let the shell do it: entrasql query -i FILE 2> ERRORS"},
    {"perftrace", CLI_HABIT_REFUSE, "\\timing shows the time that each statement takes"},
    {"xml", CLI_HABIT_REFUSE, "entrasql query --json or --csv print the whole text of each value"},
    {"list", CLI_HABIT_REFUSE, "the arrow up brings back what was typed, all of its lines"},
    {"ed", CLI_HABIT_REFUSE, "the arrow up brings back what was typed, all of its lines"},
    {"serverlist", CLI_HABIT_REFUSE, "az sql server list shows the servers of a subscription"},
};
static const cli_habit unknown = {
    "", CLI_HABIT_REFUSE, "\\? at the prompt lists what there is; SQL begins with no colon"};
static const cli_habit shell_command = {"!!", CLI_HABIT_REFUSE,
                                        "commands of the shell have a terminal of their own"};

static bool is_letter(char c)
{
    char lower = es_ascii_lower(c);
    return lower >= 'a' && lower <= 'z';
}

const cli_habit *cli_habit_find(const char *line, size_t n, const char **ret, size_t *ret_n)
{
    const cli_habit *found = &unknown;
    size_t length = 0;

    while (n != 0 && es_is_space(line[n - 1]))
        n--;
    bool is_shell = n >= 2 && memcmp(line, "!!", 2) == 0;
    is_shell = is_shell || (n >= 3 && memcmp(line, ":!!", 3) == 0);
    if (!is_shell && (n < 2 || line[0] != ':' || !is_letter(line[1])))
        return NULL;
    if (is_shell) {
        *ret = line;
        *ret_n = n;
        return &shell_command;
    }
    line++;
    n--;
    while (length < n && is_letter(line[length]))
        length++;
    for (size_t i = 0; i < ES_COUNT_OF(habits); i++) {
        if (strlen(habits[i].name) == length && es_strncaseeq(line, habits[i].name, length))
            found = &habits[i];
    }
    while (length < n && es_is_space(line[length]))
        length++;
    *ret = line + length;
    *ret_n = n - length;
    return found;
}
