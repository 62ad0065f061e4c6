/* SPDX-License-Identifier: MIT */
/*
 * Lines from a person: with editing and history by libedit where the program is
 * built with it and both sides are a terminal, else as the terminal gives them.
 *
 * Reading answers SIGINT, which the caller has to have a handler for (without
 * SA_RESTART), by CLI_LINE_INTERRUPTED, and SIGWINCH by drawing again. One editor a
 * process, one thread.
 */
#ifndef CLI_EDITOR_H
#define CLI_EDITOR_H

#include "cli/cli.h"
#include "cli/complete.h"

#define CLI_LINE_MAX_BYTES (16U * 1024 * 1024)

typedef struct cli_editor cli_editor;

typedef enum cli_line_end {
    CLI_LINE_DONE,
    CLI_LINE_INTERRUPTED, /* Ctrl-C: what was typed is given up */
    CLI_LINE_CLOSED       /* Ctrl-D, or the terminal is gone */
} cli_line_end;

entrasql_status cli_editor_new(const cli_terminal *t, cli_editor **ret,
                               entrasql_error *err) ES_MUST_USE;
void cli_editor_free(cli_editor *e);

/* True: the arrow keys work. */
bool cli_editor_has_keys(const cli_editor *e);
/* What the up arrow shows from now on; may hold line ends. */
void cli_editor_remember(cli_editor *e, const char *text);
/* Where the arrow keys work, the Tab key asks what may stand at the cursor of the line. */
typedef void cli_editor_completer(void *ctx, const char *line, size_t n, size_t cursor,
                                  cli_choices *ret);
void cli_editor_complete_by(cli_editor *e, cli_editor_completer *completer, void *ctx);

/*
 * While lines are read: when the other side of the socket `fd` goes away, `alarm` is called, once.
 * It may write, and returns the prompt from then on, which must stay; the line under edit is drawn
 * again. -1: nothing is watched.
 */
typedef const char *cli_editor_alarm(void *ctx);
void cli_editor_watch(cli_editor *e, int fd, cli_editor_alarm *alarm, void *ctx);

/* One line without its end, into the emptied buffer; with the arrow keys it may hold line ends. */
entrasql_status cli_editor_read(cli_editor *e, const char *prompt, es_buf *ret,
                                cli_line_end *ret_end, entrasql_error *err) ES_MUST_USE;

#endif
