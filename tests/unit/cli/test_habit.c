/* SPDX-License-Identifier: MIT */
/* cli: commands of sqlcmd among lines of SQL. */
#include "base/str.h"
#include "cli/habit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct habit_case {
    const char *line;
    const char *name; /* NULL: SQL */
    const char *argument;
} habit_cases[] = {
    {":r a file.sql ", "r", "a file.sql"},
    {":R", "r", ""},
    {":setvar a \"b\"\r", "setvar", "a \"b\""},
    {":On Error exit", "on", "Error exit"},
    {":quit", "quit", ""},
    {":exit(SELECT 1)", "exit", "(SELECT 1)"},
    {":nosuch x", "", "x"},
    {":rr", "", ""},
    {"", NULL, NULL},
    {":", NULL, NULL},
    {"::fn_helpcollations()", NULL, NULL},
    {": r", NULL, NULL},
    {" :r x", NULL, NULL},
    {"SELECT 1", NULL, NULL},
};

static void lines_are_told_apart(void **state)
{
    (void)state;
    for (size_t i = 0; i < ES_COUNT_OF(habit_cases); i++) {
        const struct habit_case *c = &habit_cases[i];
        const char *rest = NULL;
        size_t n = 0;
        const cli_habit *h = cli_habit_find(c->line, strlen(c->line), &rest, &n);
        if (c->name == NULL) {
            assert_null(h);
            continue;
        }
        assert_non_null(h);
        assert_string_equal(h->name, c->name);
        assert_int_equal(n, strlen(c->argument));
        assert_memory_equal(rest, c->argument, n);
        assert_true((h->advice != NULL) ==
                    (h->act == CLI_HABIT_REFUSE || h->act == CLI_HABIT_NOTHING));
    }
    const char *rest = NULL;
    size_t n = 0;
    assert_string_equal(cli_habit_find("!! ls", 5, &rest, &n)->name, "!!");
    assert_string_equal(cli_habit_find(":!!ls", 5, &rest, &n)->name, "!!");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(lines_are_told_apart)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
