/* SPDX-License-Identifier: MIT */
/* A build without libedit (meson -Dline_editing=disabled, or the library is not there). */
#include "cli/editor_inner.h"

cli_keys *cli_keys_new(const cli_terminal *t, cli_watch *watch)
{
    (void)t;
    (void)watch;
    return NULL;
}

void cli_keys_free(cli_keys *k)
{
    (void)k;
}

void cli_keys_complete_by(cli_keys *k, cli_editor_completer *completer, void *ctx)
{
    (void)k;
    (void)completer;
    (void)ctx;
}

void cli_keys_remember(cli_keys *k, const char *text)
{
    (void)k;
    (void)text;
}

entrasql_status cli_keys_read(cli_keys *k, const char *prompt, es_buf *ret, cli_line_end *ret_end,
                              entrasql_error *err)
{
    (void)k;
    (void)prompt;
    (void)ret;
    (void)ret_end;
    return es_fail(err, ENTRASQL_UNSUPPORTED, "this build has no line editing");
}
