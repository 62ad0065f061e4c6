/* SPDX-License-Identifier: MIT */
/* conf: command lines against an option table, and its help text. */
#include "base/str.h"
#include "conf/option.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const conf_option options[] = {
    {"server", 'S', CONF_OPTION_TEXT, .value_name = "HOST", .help = "the server"},
    {"port", 0, CONF_OPTION_NUMBER, .value_name = "N", .min = 1, .max = 65535,
     .default_value = "1433", .help = "its port"},
    {"encrypt", 0, CONF_OPTION_CHOICE, .choices = "on|strict", .help = "how"},
    {"trust", 'C', CONF_OPTION_FLAG, .help = "trust it"},
    {"verbose", 'v', CONF_OPTION_FLAG, .help = "say more"},
    {"a-name-that-is-much-too-long-for-the-column", 0, CONF_OPTION_FLAG, .help = "long"},
    {0},
};

static const conf_command command = {
    .name = "prog sub",
    .summary = "Does it.",
    .positionals = "[FILE]",
    .max_positionals = 1,
    .options = options,
    .notes = "Notes.",
};

static entrasql_status parse(const char *line, conf_args *ret, entrasql_error *err)
{
    static char storage[300];
    static char *argv[16];
    int argc = 0;
    snprintf(storage, sizeof storage, "%s", line);
    char *at = storage;
    while (*at != '\0') {
        argv[argc++] = at;
        at += strcspn(at, " ");
        if (*at == ' ')
            *at++ = '\0';
    }
    return conf_args_parse(&command, argc, argv, ret, err);
}

static void good_lines(void **state)
{
    (void)state;
    conf_args a;
    assert_int_equal(parse("", &a, NULL), ENTRASQL_OK);
    assert_null(conf_args_text(&a, "server"));
    assert_int_equal(conf_args_number(&a, "port"), 1433);
    assert_false(conf_args_flag(&a, "trust"));
    static const char *const forms[] = {
        "-S h --port 5 -Cv --encrypt strict file", "-Sh --port=5 -C -v --encrypt=strict -- file",
        "file --server h --port=5 --trust --verbose --trust --encrypt strict",
        "-vCSh --port 5 file --encrypt strict"};
    for (size_t i = 0; i < ES_COUNT_OF(forms); i++) {
        entrasql_error err;
        if (parse(forms[i], &a, &err) != ENTRASQL_OK)
            fail_msg("%s: %s", forms[i], err.message);
        assert_string_equal(conf_args_text(&a, "server"), "h");
        assert_int_equal(conf_args_number(&a, "port"), 5);
        assert_true(conf_args_flag(&a, "trust"));
        assert_true(conf_args_flag(&a, "verbose"));
        assert_string_equal(conf_args_text(&a, "encrypt"), "strict");
        assert_int_equal(a.positional_count, 1);
        assert_string_equal(a.positionals[0], "file");
    }
    assert_int_equal(parse("-", &a, NULL), ENTRASQL_OK);
    assert_string_equal(a.positionals[0], "-");
    assert_int_equal(parse("-- -S", &a, NULL), ENTRASQL_OK);
    assert_string_equal(a.positionals[0], "-S");
    assert_int_equal(parse("--server=--port", &a, NULL), ENTRASQL_OK);
    assert_string_equal(conf_args_text(&a, "server"), "--port");
    assert_int_equal(parse("--server -- file", &a, NULL), ENTRASQL_OK);
    assert_string_equal(conf_args_text(&a, "server"), "--");
    assert_int_equal(parse("--server=", &a, NULL), ENTRASQL_OK);
    assert_string_equal(conf_args_text(&a, "server"), "");
}

static void bad_lines(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        const char *says;
        const char *hint;    /* NULL: "prog sub --help shows the options" */
        const char *unknown; /* the argument, of an option that is not in the table */
    } cases[] = {
        {"--nope", "unknown option --nope", NULL, "--nope"},
        {"--serve h", "unknown option --serve",
         "Did you mean --server? prog sub --help shows the options.", "--serve"},
        {"--sevrer=h", "unknown option --sevrer",
         "Did you mean --server? prog sub --help shows the options.", "--sevrer=h"},
        {"-x", "unknown option -x", NULL, "-x"},
        {"-Cx", "unknown option -x", NULL, "-Cx"},
        {"-port 5", "unknown option -p", "Did you mean --port? prog sub --help shows the options.",
         "-port"},
        {"-\xC3\xA9x", "unknown option -\xC3\xA9", NULL, "-\xC3\xA9x"},
        {"-S", "-S, --server needs a value", NULL, NULL},
        {"--server", "--server needs a value", NULL, NULL},
        {"--server --port 5", "--server needs a value, and the option --port follows",
         "A value that begins with -- is written --server=VALUE.", NULL},
        {"-S --port=5", "--server needs a value, and the option --port follows",
         "A value that begins with -- is written --server=VALUE.", NULL},
        {"--port 0", "--port: '0' is not a number from 1 to 65535", NULL, NULL},
        {"--port 65536", "--port: '65536' is", NULL, NULL},
        {"--port x", "--port: 'x' is", NULL, NULL},
        {"--encrypt o", "--encrypt: 'o' is none of on, strict", NULL, NULL},
        {"--encrypt stirct", "'stirct' is none of on, strict", "Did you mean strict?", NULL},
        {"--encrypt STRICT", "'STRICT' is none of on, strict", "Did you mean strict?", NULL},
        {"--encrypt=", "'' is none of", NULL, NULL},
        {"--trust=1", "--trust takes no value", NULL, NULL},
        {"-S a -S b", "-S, --server is given twice",
         "an option takes one value; lists have ',' between their parts", NULL},
        {"-Sa --server a", "-S, --server is given twice",
         "an option takes one value; lists have ',' between their parts", NULL},
        {"--port=6 --port 5", "--port is given twice",
         "an option takes one value; lists have ',' between their parts", NULL},
        {"a b", "unexpected argument 'b'", NULL, NULL},
    };
    for (size_t i = 0; i < ES_COUNT_OF(cases); i++) {
        conf_args a;
        entrasql_error err;
        assert_int_equal(parse(cases[i].line, &a, &err), ENTRASQL_INVALID);
        if (strstr(err.message, cases[i].says) == NULL)
            fail_msg("'%s' gave: %s", cases[i].line, err.message);
        assert_string_equal(err.hint, cases[i].hint != NULL ? cases[i].hint
                                                            : "prog sub --help shows the options");
        if (cases[i].unknown == NULL)
            assert_null(a.unknown);
        else
            assert_string_equal(a.unknown, cases[i].unknown);
    }
}

static void a_command_name_ends_the_options(void **state)
{
    (void)state;
    char *argv[] = {(char[]){"-S"}, (char[]){"h"}, (char[]){"query"}, (char[]){"--nope"}};
    conf_command outer = command;
    outer.stops_at_positional = true;
    conf_args a;
    assert_int_equal(conf_args_parse(&outer, 4, argv, &a, NULL), ENTRASQL_OK);
    assert_int_equal(a.used, 2);
    assert_int_equal(a.positional_count, 0);
    assert_string_equal(conf_args_text(&a, "server"), "h");
}

static void help_text(void **state)
{
    (void)state;
    es_buf out = ES_BUF_INIT(4000);
    assert_int_equal(conf_command_help(&command, 80, &out), ENTRASQL_OK);
    assert_string_equal(es_buf_cstr(&out),
                        "Usage: prog sub [options] [FILE]\n"
                        "\n"
                        "Does it.\n"
                        "\n"
                        "Options:\n"
                        "  -S, --server HOST               the server\n"
                        "      --port N                    its port (default: 1433)\n"
                        "      --encrypt on|strict         how\n"
                        "  -C, --trust                     trust it\n"
                        "  -v, --verbose                   say more\n"
                        "      --a-name-that-is-much-too-long-for-the-column\n"
                        "                                  long\n"
                        "\n"
                        "Notes.\n");
    es_buf_done(&out);
}

static void many_choices_stand_below(void **state)
{
    (void)state;
    static const conf_option many[] = {
        {.name = "what",
         .type = CONF_OPTION_CHOICE,
         .choices = "alpha-alpha|beta-beta|gamma-gamma|delta-delta|epsilon-epsilon|zeta-zeta|eta",
         .help = "which"},
        {0},
    };
    static const conf_command c = {.name = "prog", .summary = "Does it.", .options = many};
    es_buf out = ES_BUF_INIT(4000);
    assert_int_equal(conf_command_help(&c, 100, &out), ENTRASQL_OK);
    assert_string_equal(es_buf_cstr(&out),
                        "Usage: prog [options]\n"
                        "\n"
                        "Does it.\n"
                        "\n"
                        "Options:\n"
                        "      --what NAME                 which\n"
                        "                                  NAME: alpha-alpha, beta-beta, "
                        "gamma-gamma, delta-delta,\n"
                        "                                  epsilon-epsilon, zeta-zeta, eta\n");
    es_buf_done(&out);
}

/* Below 72 columns the help stands under the names; no line is longer than its longest word. */
static void narrow_help(void **state)
{
    (void)state;
    es_buf out = ES_BUF_INIT(4000);
    assert_int_equal(conf_command_help(&command, 24, &out), ENTRASQL_OK);
    assert_string_equal(es_buf_cstr(&out), "Usage: prog sub [options] [FILE]\n"
                                           "\n"
                                           "Does it.\n"
                                           "\n"
                                           "Options:\n"
                                           "  -S, --server HOST\n"
                                           "          the server\n"
                                           "      --port N\n"
                                           "          its port\n"
                                           "          (default: 1433)\n"
                                           "      --encrypt NAME\n"
                                           "          how\n"
                                           "          NAME: on,\n"
                                           "          strict\n"
                                           "  -C, --trust\n"
                                           "          trust it\n"
                                           "  -v, --verbose\n"
                                           "          say more\n"
                                           "      --a-name-that-is-much-too-long-for-the-column\n"
                                           "          long\n"
                                           "\n"
                                           "Notes.\n");
    es_buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_lines),
        cmocka_unit_test(bad_lines),
        cmocka_unit_test(a_command_name_ends_the_options),
        cmocka_unit_test(help_text),
        cmocka_unit_test(many_choices_stand_below),
        cmocka_unit_test(narrow_help),
    };
    return cmocka_run_group_tests_name("option", tests, NULL, NULL);
}
