/* SPDX-License-Identifier: MIT */
/* The terminal, error reports and help texts of all commands. */
#include "cli/cli.h"

#include "base/mem.h"
#include "base/str.h"
#include "cli/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HELP_MAX_BYTES (64 * 1024)

void cli_terminal_init(cli_terminal *t)
{
    const char *no_colour = getenv("NO_COLOR");
    *t = (cli_terminal){
        .in = stdin,
        .out = stdout,
        .err = stderr,
        .in_is_terminal = isatty(STDIN_FILENO) == 1,
        .out_is_terminal = isatty(STDOUT_FILENO) == 1,
        .err_has_colour = isatty(STDERR_FILENO) == 1 && es_str_is_empty(no_colour),
    };
}

/* Messages may quote a server or a file: nothing in them may steer the terminal. */
static void print_message(FILE *f, const char *text)
{
    ES_CLEANUP(es_buf_done) es_buf shown = ES_BUF_INIT(4 * ENTRASQL_ERROR_MESSAGE_SIZE);
    if (cli_text_add(&shown, text, strlen(text), CLI_TEXT_PRINTABLE) == ENTRASQL_OK &&
        es_buf_u8(&shown, '\n') == ENTRASQL_OK)
        (void)fwrite(shown.data, 1, shown.len, f);
}

int cli_report(const cli_terminal *t, const entrasql_error *err)
{
    const char *red = t->err_has_colour ? "\033[31m" : "";
    const char *plain = t->err_has_colour ? "\033[0m" : "";

    (void)fflush(t->out); /* so that both streams keep their order on a terminal */
    (void)fprintf(t->err, "%sentrasql:%s ", red, plain);
    print_message(t->err,
                  err->message[0] != '\0' ? err->message : entrasql_status_text(err->status));
    if (err->error_class == ENTRASQL_CLASS_LOGIN && err->number != 0)
        (void)fprintf(t->err, "error: %u, state %u\n", (unsigned)err->number, (unsigned)err->state);
    if (err->correlation_id[0] != '\0') {
        (void)fputs("correlation id: ", t->err);
        print_message(t->err, err->correlation_id);
    }
    if (err->claims[0] != '\0') {
        (void)fputs("claims: ", t->err);
        print_message(t->err, err->claims);
    }
    if (err->hint[0] != '\0') {
        (void)fputs("hint: ", t->err);
        print_message(t->err, err->hint);
    }
    (void)fflush(t->err);
    return err->error_class != ENTRASQL_CLASS_NONE ? (int)err->error_class
                                                   : (int)ENTRASQL_CLASS_INTERNAL;
}

entrasql_status cli_write(const cli_terminal *t, const es_buf *text, entrasql_error *err)
{
    if (text->len != 0 && fwrite(text->data, 1, text->len, t->out) != text->len)
        return es_fail_errno(err, errno, "cannot write to standard output");
    if (fflush(t->out) != 0)
        return es_fail_errno(err, errno, "cannot write to standard output");
    return ENTRASQL_OK;
}

int cli_help(const cli_terminal *t, const conf_command *command)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(HELP_MAX_BYTES);
    entrasql_error err;

    if (conf_command_help(command, &text) != ENTRASQL_OK) {
        es_nomem(&err);
        return cli_report(t, &err);
    }
    return cli_write(t, &text, &err) == ENTRASQL_OK ? 0 : cli_report(t, &err);
}

bool cli_is_visit(const cli_terminal *t, const conf_command *command)
{
    if (t->visit != NULL && t->visit->status == ENTRASQL_OK)
        t->visit->status = t->visit->visitor(t->visit->ctx, command);
    return t->visit != NULL;
}

void cli_visit_words(const cli_terminal *t, const cli_command *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        (void)words[i].run(t, 0, NULL);
}

bool cli_parse(const cli_terminal *t, const conf_command *command, int argc, char **argv,
               conf_args *ret, int *ret_exit)
{
    entrasql_error err;

    if (cli_is_visit(t, command)) {
        *ret_exit = 0;
        return false;
    }
    if (conf_args_parse(command, argc, argv, ret, &err) != ENTRASQL_OK) {
        *ret_exit = cli_report(t, &err);
        return false;
    }
    if (conf_args_flag(ret, "help")) {
        *ret_exit = cli_help(t, command);
        return false;
    }
    return true;
}

entrasql_status cli_list_commands(const cli_command *commands, size_t count, es_buf *out)
{
    for (size_t i = 0; i < count; i++)
        ES_TRY(es_buf_printf(out, "%s  %-10s %s", i != 0 ? "\n" : "", commands[i].name,
                             commands[i].summary));
    return ENTRASQL_OK;
}

static int show_words(const cli_terminal *t, const char *name, const char *summary,
                      const cli_command *words, size_t count)
{
    static const conf_option no_options[] = {CLI_OPTION_HELP, {0}};
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(4096);

    if (es_buf_add_str(&text, "Commands:\n") != ENTRASQL_OK ||
        cli_list_commands(words, count, &text) != ENTRASQL_OK)
        return (int)ENTRASQL_CLASS_SYSTEM;
    const conf_command command = {
        .name = name,
        .summary = summary,
        .positionals = "COMMAND",
        .options = no_options,
        .notes = es_buf_cstr(&text),
    };
    return cli_is_visit(t, &command) ? 0 : cli_help(t, &command);
}

int cli_run_word(const cli_terminal *t, const char *name, const char *summary,
                 const cli_command *words, size_t count, int argc, char **argv)
{
    entrasql_error err;

    if (t->visit != NULL) {
        int exit_code = show_words(t, name, summary, words, count);
        cli_visit_words(t, words, count);
        return exit_code;
    }
    if (argc > 0 && (es_streq(argv[0], "--help") || es_streq(argv[0], "-h")))
        return show_words(t, name, summary, words, count);
    for (size_t i = 0; argc > 0 && i < count; i++) {
        if (es_streq(argv[0], words[i].name))
            return words[i].run(t, argc - 1, argv + 1);
    }
    char shown[80] = "";
    if (argc > 0)
        es_printable(shown, sizeof shown, argv[0], strlen(argv[0]));
    if (argc > 0)
        es_fail(&err, ENTRASQL_INVALID, "'%s' is no word of %s", shown, name);
    else
        es_fail(&err, ENTRASQL_INVALID, "%s: a word is missing", name);
    es_hint(&err, "%s --help lists them", name);
    return cli_report(t, &err);
}
