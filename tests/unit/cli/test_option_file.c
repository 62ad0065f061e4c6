/* SPDX-License-Identifier: MIT */
/* cli: options from a file. */
#include "cli/option_file.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const conf_option options[] = {
    {.name = "app", .type = CONF_OPTION_TEXT, .value_name = "NAME"},
    {.name = "number", .type = CONF_OPTION_NUMBER, .min = 1, .max = 9},
    {.name = "sticky", .type = CONF_OPTION_FLAG},
    {.name = "config", .type = CONF_OPTION_FILE},
    {0},
};
static const conf_command command = {.name = "test", .options = options};

static const char sample[] =
    "# a comment\r\n[migrate]\n\n app = a = b ; c \nnumber=3\nsticky = yes\n";

static void lines_become_arguments(void **state)
{
    (void)state;
    char own[] = "--number=4";
    char *argv[] = {own, NULL};
    cli_option_file f;
    conf_args args;
    entrasql_error err;
    assert_int_equal(
        cli_option_file_parse(&command, "f", sample, sizeof sample - 1, 1, argv, &f, &err),
        ENTRASQL_OK);
    assert_int_equal(conf_args_parse(&command, f.argc, f.argv, &args, &err), ENTRASQL_OK);
    assert_string_equal(conf_args_text(&args, "app"), "a = b ; c");
    assert_int_equal(conf_args_number(&args, "number"), 4); /* the command line wins */
    assert_true(conf_args_flag(&args, "sticky"));
    cli_option_file_done(&f);
}

static void what_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *message;
    } cases[] = {
        {"app", "line 1: it is not of the form"},
        {"app = x\nnope = 1\n", "line 2: there is no option 'nope'"},
        {"app = x\n# and\napp = x\n", "line 3: 'app' is given twice"},
        {"config = x\n", "line 1: there is no option 'config'"},
        {"sticky = maybe\n", "line 1: this option is yes or no"},
        {"app = \xff\n", "not UTF-8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cli_option_file f;
        entrasql_error err;
        assert_int_equal(cli_option_file_parse(&command, "f", cases[i].text, strlen(cases[i].text),
                                               0, NULL, &f, &err),
                         ENTRASQL_CONFIG);
        if (strstr(err.message, cases[i].message) == NULL)
            fail_msg("'%s' does not say '%s'", err.message, cases[i].message);
    }
}

static void cut_at_each_byte_and_without_memory(void **state)
{
    (void)state;
    for (size_t n = 0; n < sizeof sample; n++) {
        cli_option_file f;
        entrasql_error err;
        if (cli_option_file_parse(&command, "f", sample, n, 0, NULL, &f, &err) == ENTRASQL_OK)
            cli_option_file_done(&f);
        else
            assert_int_equal(err.status, ENTRASQL_CONFIG);
    }
    for (unsigned long at = 1;; at++) {
        cli_option_file f;
        entrasql_error err;
        es_mem_fail_from(at);
        entrasql_status status =
            cli_option_file_parse(&command, "f", sample, sizeof sample - 1, 0, NULL, &f, &err);
        es_mem_fail_from(0);
        if (status == ENTRASQL_OK) {
            cli_option_file_done(&f);
            break;
        }
        assert_int_equal(status, ENTRASQL_NOMEM);
        assert_true(at < 1000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_become_arguments),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(cut_at_each_byte_and_without_memory),
    };
    return cmocka_run_group_tests_name("cli option_file", tests, NULL, NULL);
}
