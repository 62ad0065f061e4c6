/* SPDX-License-Identifier: MIT */
/* The two ways of reading, for editor.c; each of the three is in editor_libedit.c or
   editor_none.c. */
#ifndef CLI_EDITOR_INNER_H
#define CLI_EDITOR_INNER_H

#include "cli/editor.h"

typedef struct cli_keys cli_keys;

typedef struct cli_watch {
    int fd; /* -1: none */
    cli_editor_alarm *alarm;
    void *ctx;
} cli_watch;

/* NULL: this build has no editing, or the library does not start. */
cli_keys *cli_keys_new(const cli_terminal *t, cli_watch *watch); /* which must stay */
void cli_keys_free(cli_keys *k);
void cli_keys_complete_by(cli_keys *k, cli_editor_completer *completer, void *ctx);
void cli_keys_remember(cli_keys *k, const char *text);
entrasql_status cli_keys_read(cli_keys *k, const char *prompt, es_buf *ret, cli_line_end *ret_end,
                              entrasql_error *err) ES_MUST_USE;

/* Waits for a byte, a signal, or the end, with both signals let in only while it waits.
   1: the byte; 0: the end; -1: errno, EINTR for a signal (also for a Ctrl-C from before), ENOTCONN
   when the watched side went away. */
int cli_editor_get_byte(int fd, const cli_watch *watch, unsigned char *ret);
/* Calls the alarm, and watches no more; the new prompt. */
const char *cli_editor_raise(cli_watch *watch);

#endif
