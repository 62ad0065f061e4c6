/* SPDX-License-Identifier: MIT */
/* A file of options of any bytes: what it becomes is parsed as a command line is. */
#include "cli/option_file.h"

static const conf_option options[] = {
    {.name = "app", .type = CONF_OPTION_TEXT, .value_name = "NAME"},
    {.name = "number", .type = CONF_OPTION_NUMBER, .min = 1, .max = 9},
    {.name = "flag", .type = CONF_OPTION_FLAG},
    {0},
};
static const conf_command command = {.name = "test", .options = options};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    entrasql_error err;
    cli_option_file f;
    conf_args args;

    if (cli_option_file_parse(&command, "file", (const char *)data, size, 0, NULL, &f, &err) !=
        ENTRASQL_OK)
        return 0;
    (void)!conf_args_parse(&command, f.argc, f.argv, &args, &err);
    cli_option_file_done(&f);
    return 0;
}
