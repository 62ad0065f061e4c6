/* SPDX-License-Identifier: MIT */
/* The terminal, error reports and help texts of all commands. */
#include "cli/cli.h"

#include "base/mem.h"
#include "base/str.h"
#include "cli/suggest.h"
#include "cli/text.h"
#include "conf/exit_code.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define HELP_MAX_BYTES (64 * 1024)
#define HELP_WIDTH 80U
#define HELP_WIDTH_MAX 100U /* longer lines are hard to read */

static char help_option[] = "--help";
static char *help_line[] = {help_option, NULL};

void cli_terminal_init(cli_terminal *t)
{
    /* https://no-color.org: set and not empty */
    bool colour = es_str_is_empty(getenv("NO_COLOR")) && !es_streq(getenv("TERM"), "dumb");
    *t = (cli_terminal){
        .in = stdin,
        .out = stdout,
        .err = stderr,
        .in_is_terminal = isatty(STDIN_FILENO) == 1,
        .out_is_terminal = isatty(STDOUT_FILENO) == 1,
        .out_has_colour = colour && isatty(STDOUT_FILENO) == 1,
        .err_has_colour = colour && isatty(STDERR_FILENO) == 1,
    };
}

size_t cli_terminal_width(FILE *f)
{
    struct winsize size = {0};
    int fd = fileno(f);
    return isatty(fd) == 1 && ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

/* Messages may quote a server or a file: nothing in them may steer the terminal. */
static void print_message(FILE *f, size_t used, const char *text)
{
    ES_CLEANUP(es_buf_done) es_buf shown = ES_BUF_INIT(4 * ENTRASQL_ERROR_MESSAGE_SIZE);
    ES_CLEANUP(es_buf_done) es_buf lines = ES_BUF_INIT(8 * ENTRASQL_ERROR_MESSAGE_SIZE);
    if (cli_text_add(&shown, text, strlen(text), CLI_TEXT_PRINTABLE) == ENTRASQL_OK &&
        cli_text_add_wrapped(&lines, (const char *)shown.data, shown.len, used,
                             cli_terminal_width(f)) == ENTRASQL_OK &&
        es_buf_u8(&lines, '\n') == ENTRASQL_OK)
        (void)fwrite(lines.data, 1, lines.len, f);
}

static void print_named(FILE *f, const char *name, const char *text)
{
    (void)fprintf(f, "%s: ", name);
    print_message(f, strlen(name) + 2, text);
}

void cli_report_hint(const cli_terminal *t, const entrasql_error *err)
{
    (void)fflush(t->out);
    if (err->hint[0] != '\0')
        print_named(t->err, "hint", err->hint);
    (void)fflush(t->err);
}

void cli_remark(const cli_terminal *t, const char *text)
{
    print_message(t->err, 0, text);
}

int cli_report(const cli_terminal *t, const entrasql_error *err)
{
    const char *red = t->err_has_colour ? "\033[31m" : "";
    const char *plain = t->err_has_colour ? "\033[0m" : "";

    if (err->os_errno == EPIPE && ferror(t->out) != 0)
        return CONF_EXIT_READER_GONE;
    (void)fflush(t->out); /* so that both streams keep their order on a terminal */
    (void)fprintf(t->err, "%sentrasql:%s ", red, plain);
    print_message(t->err, strlen("entrasql: "),
                  err->message[0] != '\0' ? err->message : entrasql_status_text(err->status));
    if (err->error_class == ENTRASQL_CLASS_LOGIN && err->number != 0)
        (void)fprintf(t->err, "error: %u, state %u\n", (unsigned)err->number, (unsigned)err->state);
    if (err->correlation_id[0] != '\0')
        print_named(t->err, "correlation id", err->correlation_id);
    if (err->claims[0] != '\0')
        print_named(t->err, "claims", err->claims);
    cli_report_hint(t, err);
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

int cli_end(const cli_terminal *t, int exit_code)
{
    struct pollfd out = {.fd = fileno(t->out), .events = POLLOUT};
    entrasql_error err;

    if (exit_code != 0 || (fflush(t->out) == 0 && ferror(t->out) == 0))
        return exit_code;
    /* Which error it was is forgotten, but a pipe knows that nobody reads it. */
    if (poll(&out, 1, 0) == 1 && (out.revents & POLLERR) != 0)
        return CONF_EXIT_READER_GONE;
    es_fail(&err, ENTRASQL_OS, "cannot write to standard output: a part of it is lost");
    return cli_report(t, &err);
}

int cli_say(const cli_terminal *t, const char *fmt, ...)
{
    ES_CLEANUP(es_buf_done) es_buf line = ES_BUF_INIT(HELP_MAX_BYTES);
    entrasql_error err;
    va_list ap;

    va_start(ap, fmt);
    entrasql_status status = es_buf_vprintf(&line, fmt, ap);
    va_end(ap);
    if (status != ENTRASQL_OK || es_buf_u8(&line, '\n') != ENTRASQL_OK) {
        es_nomem(&err);
        return cli_report(t, &err);
    }
    return cli_write(t, &line, &err) == ENTRASQL_OK ? 0 : cli_report(t, &err);
}

entrasql_status cli_write_prose(const cli_terminal *t, const es_buf *text, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf shown = ES_BUF_INIT(4 * text->len + 4096);
    if (cli_text_add_laid_out(&shown, (const char *)text->data, text->len,
                              cli_terminal_width(t->out)) != ENTRASQL_OK)
        return es_nomem(err);
    return cli_write(t, &shown, err);
}

static size_t help_width(const cli_terminal *t)
{
    const char *columns = getenv("COLUMNS");
    size_t width = cli_terminal_width(t->out);
    uint64_t number = 0;
    if (width == 0 && columns != NULL &&
        es_parse_u64(columns, strlen(columns), 10000, &number) == ENTRASQL_OK)
        width = (size_t)number;
    if (width == 0)
        width = HELP_WIDTH;
    return width < HELP_WIDTH_MAX ? width : HELP_WIDTH_MAX;
}

int cli_help(const cli_terminal *t, const conf_command *command)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(HELP_MAX_BYTES);
    ES_CLEANUP(es_buf_done) es_buf shown = ES_BUF_INIT(4UL * HELP_MAX_BYTES);
    size_t width = help_width(t);
    entrasql_error err;

    if (conf_command_help(command, width, &text) != ENTRASQL_OK ||
        cli_text_add_laid_out(&shown, (const char *)text.data, text.len, width) != ENTRASQL_OK) {
        es_nomem(&err);
        return cli_report(t, &err);
    }
    return cli_write(t, &shown, &err) == ENTRASQL_OK ? 0 : cli_report(t, &err);
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

static bool asks_for_help(const conf_command *command, int argc, char **argv)
{
    return argc == 1 && es_streq(argv[0], "help") && command->max_positionals == 0 &&
           !command->stops_at_positional;
}

entrasql_status cli_parse_only(const conf_command *command, int argc, char **argv, conf_args *ret,
                               entrasql_error *err)
{
    if (asks_for_help(command, argc, argv))
        return conf_args_parse(command, 1, help_line, ret, err);
    entrasql_status status = conf_args_parse(command, argc, argv, ret, err);
    if (status != ENTRASQL_OK && ret->unknown != NULL)
        cli_suggest_option(command, ret->unknown, err);
    return status;
}

bool cli_parse(const cli_terminal *t, const conf_command *command, int argc, char **argv,
               conf_args *ret, int *ret_exit)
{
    entrasql_error err;

    if (cli_is_visit(t, command)) {
        *ret_exit = 0;
        return false;
    }
    if (cli_parse_only(command, argc, argv, ret, &err) != ENTRASQL_OK) {
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
    size_t widest = 10;
    for (size_t i = 0; i < count; i++)
        widest = strlen(commands[i].name) > widest ? strlen(commands[i].name) : widest;
    for (size_t i = 0; i < count; i++)
        ES_TRY(es_buf_printf(out, "%s  %-*s  %s", i != 0 ? "\n" : "", (int)widest, commands[i].name,
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
    bool asked = argc > 0 && (es_streq(argv[0], "--help") || es_streq(argv[0], "-h") ||
                              es_streq(argv[0], "help"));
    if (asked && (argc == 1 || argv[0][0] == '-'))
        return show_words(t, name, summary, words, count);
    const char *word = asked ? argv[1] : argc > 0 ? argv[0] : NULL;
    for (size_t i = 0; word != NULL && i < count; i++) {
        if (es_streq(word, words[i].name))
            return asked ? words[i].run(t, 1, help_line) : words[i].run(t, argc - 1, argv + 1);
    }
    if (word != NULL) {
        (void)cli_refuse_word(name, word, words, count, &err);
        return cli_report(t, &err);
    }
    es_fail(&err, ENTRASQL_INVALID, "%s: a word is missing", name);
    es_hint(&err, "%s --help lists them", name);
    return cli_report(t, &err);
}
