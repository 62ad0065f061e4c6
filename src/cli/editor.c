/* SPDX-License-Identifier: MIT */
/* Lines from a person; the plain way, and the choice. */
#include "cli/editor.h"

#include "base/mem.h"
#include "cli/editor_inner.h"
#include "cli/session.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

struct cli_editor {
    const cli_terminal *t;
    cli_keys *keys; /* NULL: the plain way */
    cli_watch watch;
};

entrasql_status cli_editor_new(const cli_terminal *t, cli_editor **ret, entrasql_error *err)
{
    cli_editor *e = es_calloc(1, sizeof *e);
    if (e == NULL)
        return es_nomem(err);
    e->t = t;
    e->watch.fd = -1;
    if (t->in_is_terminal && t->out_is_terminal)
        e->keys = cli_keys_new(t, &e->watch);
    *ret = e;
    return ENTRASQL_OK;
}

void cli_editor_free(cli_editor *e)
{
    if (e == NULL)
        return;
    cli_keys_free(e->keys);
    es_free(e);
}

bool cli_editor_has_keys(const cli_editor *e)
{
    return e->keys != NULL;
}

void cli_editor_remember(cli_editor *e, const char *text)
{
    if (e->keys != NULL)
        cli_keys_remember(e->keys, text);
}

void cli_editor_complete_by(cli_editor *e, cli_editor_completer *completer, void *ctx)
{
    if (e->keys != NULL)
        cli_keys_complete_by(e->keys, completer, ctx);
}

void cli_editor_watch(cli_editor *e, int fd, cli_editor_alarm *alarm, void *ctx)
{
    e->watch = (cli_watch){fd, alarm, ctx};
}

const char *cli_editor_raise(cli_watch *watch)
{
    watch->fd = -1;
    return watch->alarm(watch->ctx);
}

/* A signal between a look at its flag and read() would be slept through: ppoll() lets it in. */
int cli_editor_get_byte(int fd, const cli_watch *watch, unsigned char *ret)
{
    struct pollfd p[2] = {{.fd = fd, .events = POLLIN}, {.fd = watch->fd, .events = POLLRDHUP}};
    sigset_t blocked;
    sigset_t before;

    (void)sigemptyset(&blocked);
    (void)sigaddset(&blocked, SIGINT);
    (void)sigaddset(&blocked, SIGWINCH);
    (void)sigaddset(&blocked, SIGCONT);
    (void)sigprocmask(SIG_BLOCK, &blocked, &before);
    int ready = -1;
    int saved = EINTR;
    if (!cli_session_was_interrupted()) { /* else it came while the last byte was worked on */
        ready = ppoll(p, ES_COUNT_OF(p), NULL, &before);
        saved = errno;
    }
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    errno = saved;
    if (ready < 0)
        return -1;
    if (p[1].revents != 0) {
        errno = ENOTCONN;
        return -1;
    }
    ssize_t n = read(fd, ret, 1);
    return n > 0 ? 1 : (int)n;
}

/* The terminal itself edits the line, and Ctrl-C has emptied it. */
static entrasql_status read_plain(cli_editor *e, const char *prompt, es_buf *ret,
                                  cli_line_end *ret_end, entrasql_error *err)
{
    /* What goes to a file is the result alone. */
    FILE *to = e->t->out_is_terminal ? e->t->out : e->t->err;
    (void)fputs(prompt, to);
    (void)fflush(to);
    for (;;) {
        unsigned char c = 0;
        int got = cli_editor_get_byte(fileno(e->t->in), &e->watch, &c);
        if (got < 0 && errno == ENOTCONN) {
            (void)fputc('\n', to);
            (void)fputs(cli_editor_raise(&e->watch), to);
            (void)fflush(to);
            continue;
        }
        if (got < 0 && errno == EINTR && !cli_session_was_interrupted())
            continue;
        if (got < 0 && errno == EINTR) {
            *ret_end = CLI_LINE_INTERRUPTED;
            return ENTRASQL_OK;
        }
        if (got <= 0 || c == '\n') {
            *ret_end = got <= 0 && ret->len == 0 ? CLI_LINE_CLOSED : CLI_LINE_DONE;
            return ENTRASQL_OK;
        }
        entrasql_status status = es_buf_u8(ret, c);
        if (status == ENTRASQL_LIMIT)
            return es_fail(err, status, "a line is too long");
        if (status != ENTRASQL_OK)
            return es_nomem(err);
    }
}

entrasql_status cli_editor_read(cli_editor *e, const char *prompt, es_buf *ret,
                                cli_line_end *ret_end, entrasql_error *err)
{
    es_buf_clear(ret);
    (void)fflush(e->t->out);
    return e->keys != NULL ? cli_keys_read(e->keys, prompt, ret, ret_end, err)
                           : read_plain(e, prompt, ret, ret_end, err);
}
