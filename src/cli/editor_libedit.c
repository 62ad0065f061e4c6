/* SPDX-License-Identifier: MIT */
/* Line editing and history by libedit. */
#include "cli/editor_inner.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/utf16.h"
#include "cli/history.h"
#include "cli/session.h"
#include "cli/text.h"

#include <errno.h>
#include <histedit.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define COMPLETE "entrasql-complete"

struct cli_keys {
    EditLine *el;
    History *history;
    cli_watch *watch;   /* the editor's */
    const char *prompt; /* of the read that is under way */
    cli_editor_completer *completer;
    void *completer_ctx;
    int in;
    FILE *out;
    bool is_dumb; /* a terminal without movements of its cursor */
    struct sigaction old_winch;
    struct sigaction old_cont;
};

static volatile sig_atomic_t was_resized;
static volatile sig_atomic_t was_continued;

static void on_resize(int number)
{
    (void)number;
    was_resized = 1;
}

static void on_continue(int number)
{
    (void)number;
    was_continued = 1;
}

static char *get_prompt(EditLine *el)
{
    cli_keys *k = NULL;
    static char nothing[] = "";
    if (el_get(el, EL_CLIENTDATA, &k) != 0 || k->prompt == NULL)
        return nothing;
    return (char *)(uintptr_t)k->prompt; /* libedit only reads it */
}

/* libedit draws from the cursor on, as if nothing stood there. */
static void clear_line(const cli_keys *k)
{
    (void)fputs(k->is_dumb ? "\n" : "\r\033[J", k->out);
    (void)fflush(k->out);
}

static void draw_again(EditLine *el, const cli_keys *k)
{
    was_resized = 0;
    clear_line(k);
    el_resize(el);
    (void)el_set(el, EL_REFRESH);
}

/* The shell has had the terminal meanwhile; libedit believes that it is still as it was. */
static void take_terminal_back(EditLine *el, const cli_keys *k)
{
    was_continued = 0;
    (void)el_set(el, EL_PREP_TERM, 0);
    (void)el_set(el, EL_PREP_TERM, 1);
    draw_again(el, k);
}

static void sound_alarm(EditLine *el, cli_keys *k)
{
    clear_line(k);
    k->prompt = cli_editor_raise(k->watch);
    el_resize(el); /* it has to forget where the cursor stood */
    (void)el_set(el, EL_REFRESH);
}

/* One byte; draws again for every SIGWINCH, SIGCONT and alarm that comes while it waits. */
static int get_byte(EditLine *el, cli_keys *k, unsigned char *ret)
{
    for (;;) {
        int got = cli_editor_get_byte(k->in, k->watch, ret);
        if (got < 0 && errno == ENOTCONN) {
            sound_alarm(el, k);
            continue;
        }
        if (got >= 0 || errno != EINTR)
            return got;
        if (was_continued)
            take_terminal_back(el, k);
        if (was_resized)
            draw_again(el, k);
        if (cli_session_was_interrupted()) {
            errno = EINTR;
            return -1;
        }
    }
}

/* A character for libedit: it would wait in read(), where a signal can be missed. */
static int get_character(EditLine *el, wchar_t *ret)
{
    cli_keys *k = NULL;
    char bytes[4];
    uint32_t c = 0;

    if (el_get(el, EL_CLIENTDATA, &k) != 0)
        return -1;
    for (size_t n = 0; n < sizeof bytes; n++) {
        unsigned char byte = 0;
        int got = get_byte(el, k, &byte);
        if (got <= 0)
            return got;
        bytes[n] = (char)byte;
        if (n == 0 && (byte < 0x80 || byte >= 0xF8 || (byte & 0xC0) == 0x80)) {
            *ret = byte < 0x80 ? (wchar_t)byte : L'?';
            return 1;
        }
        if (es_utf8_decode(bytes, n + 1, &c) == n + 1) {
            *ret = (wchar_t)c;
            return 1;
        }
    }
    *ret = L'?';
    return 1;
}

/* ---- the Tab key ---- */

/* Pasted text has more behind its tab, and an indented line nothing before it. */
static bool is_plain_tab(const cli_keys *k, const LineInfo *line)
{
    struct pollfd p = {.fd = k->in, .events = POLLIN};
    const char *at = line->buffer;

    while (at < line->cursor && es_is_space(*at))
        at++;
    return at == line->cursor || k->completer == NULL || poll(&p, 1, 0) > 0;
}

static void list_choices(const cli_keys *k, EditLine *el, const cli_choices *c)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(256 * 1024);
    int columns = 80;
    size_t widest = 0;

    (void)el_get(el, EL_GETTC, "co", &columns, NULL);
    for (size_t i = 0; i < c->count; i++) {
        size_t width = cli_text_width(c->texts[i], strlen(c->texts[i]));
        widest = width > widest ? width : widest;
    }
    size_t across = columns > 0 ? (size_t)columns / (widest + 2) : 1;
    for (size_t i = 0; i < c->count; i++) {
        bool is_last = across == 0 || i % across == across - 1 || i == c->count - 1;
        size_t width = cli_text_width(c->texts[i], strlen(c->texts[i]));
        if (es_buf_add_str(&text, c->texts[i]) != ENTRASQL_OK ||
            (is_last ? es_buf_u8(&text, '\n') : es_buf_fill(&text, ' ', widest + 2 - width)) !=
                ENTRASQL_OK)
            return;
    }
    (void)fputc('\n', k->out);
    (void)fwrite(text.data, 1, text.len, k->out);
    if (c->has_more)
        (void)fprintf(k->out, "... and more: another letter makes them fewer\n");
    (void)fflush(k->out);
}

static unsigned char use_choices(const cli_keys *k, EditLine *el, const LineInfo *line,
                                 const cli_choices *c)
{
    ES_CLEANUP(es_cleanup_free) char *common = NULL;
    size_t typed = (size_t)(line->cursor - line->buffer) - c->start;
    size_t n = cli_choices_common(c);

    if (c->count > 1 && n <= typed) {
        list_choices(k, el, c);
        return CC_REDISPLAY;
    }
    common = es_strndup(c->texts[0], n);
    if (common == NULL)
        return CC_NORM;
    int characters = 0;
    for (const char *p = line->buffer + c->start; p < line->cursor; p++)
        characters += ((unsigned char)*p & 0xC0) != 0x80;
    el_deletestr(el, characters);
    (void)el_insertstr(el, common);
    return CC_REFRESH;
}

static unsigned char complete(EditLine *el, int key)
{
    const LineInfo *line = el_line(el);
    cli_keys *k = NULL;
    cli_choices choices = {0};

    (void)key;
    if (el_get(el, EL_CLIENTDATA, &k) != 0)
        return CC_ERROR;
    if (is_plain_tab(k, line)) {
        (void)el_insertstr(el, "\t");
        return CC_REFRESH;
    }
    k->completer(k->completer_ctx, line->buffer, (size_t)(line->lastchar - line->buffer),
                 (size_t)(line->cursor - line->buffer), &choices);
    unsigned char answer =
        choices.count != 0 ? use_choices(k, el, line, &choices) : CC_REFRESH_BEEP;
    cli_choices_done(&choices);
    return answer;
}

/* libedit counts columns and writes by the locale; the program speaks UTF-8 whatever that is. */
static void choose_locale(void)
{
    if (setlocale(LC_CTYPE, "") == NULL || strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
        (void)setlocale(LC_CTYPE, "C.UTF-8");
}

static bool set_up(cli_keys *k)
{
    HistEvent event;
    if (el_set(k->el, EL_CLIENTDATA, k) != 0 || el_set(k->el, EL_PROMPT, get_prompt) != 0 ||
        el_set(k->el, EL_EDITOR, "emacs") != 0 || el_set(k->el, EL_SIGNAL, 0) != 0 ||
        el_set(k->el, EL_GETCFN, get_character) != 0 ||
        el_set(k->el, EL_HIST, history, k->history) != 0)
        return false;
    if (history(k->history, &event, H_SETSIZE, CLI_HISTORY_MAX_ENTRIES) < 0 ||
        history(k->history, &event, H_SETUNIQUE, 1) < 0)
        return false;
    (void)el_set(k->el, EL_ADDFN, COMPLETE, "complete the word", complete);
    (void)el_set(k->el, EL_BIND, "^I", COMPLETE, NULL);
    (void)el_set(k->el, EL_BIND, "^R", "em-inc-search-prev", NULL);
    (void)el_set(k->el, EL_BIND, "\033[1~", "ed-move-to-beg", NULL);
    (void)el_set(k->el, EL_BIND, "\033[4~", "ed-move-to-end", NULL);
    (void)el_set(k->el, EL_BIND, "\033[3~", "ed-delete-next-char", NULL);
    (void)el_set(k->el, EL_BIND, "\033[1;5C", "em-next-word", NULL);
    (void)el_set(k->el, EL_BIND, "\033[1;5D", "ed-prev-word", NULL);
    (void)el_source(k->el, NULL); /* the person's own ~/.editrc */
    return true;
}

cli_keys *cli_keys_new(const cli_terminal *t, cli_watch *watch)
{
    cli_keys *k = es_calloc(1, sizeof *k);
    if (k == NULL)
        return NULL;
    choose_locale();
    const char *kind = getenv("TERM");
    k->watch = watch;
    k->in = fileno(t->in);
    k->out = t->out;
    k->is_dumb = es_str_is_empty(kind) || es_streq(kind, "dumb");
    k->history = history_init();
    k->el = k->history != NULL ? el_init("entrasql", t->in, t->out, t->err) : NULL;
    if (k->el == NULL || !set_up(k)) {
        cli_keys_free(k);
        return NULL;
    }
    struct sigaction action = {.sa_handler = on_resize};
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGWINCH, &action, &k->old_winch);
    action.sa_handler = on_continue;
    (void)sigaction(SIGCONT, &action, &k->old_cont);
    return k;
}

void cli_keys_free(cli_keys *k)
{
    if (k == NULL)
        return;
    if (k->el != NULL) {
        (void)sigaction(SIGWINCH, &k->old_winch, NULL);
        (void)sigaction(SIGCONT, &k->old_cont, NULL);
        el_end(k->el);
    }
    if (k->history != NULL)
        history_end(k->history);
    es_free(k);
}

void cli_keys_complete_by(cli_keys *k, cli_editor_completer *completer, void *ctx)
{
    k->completer = completer;
    k->completer_ctx = ctx;
}

void cli_keys_remember(cli_keys *k, const char *text)
{
    HistEvent event;
    (void)history(k->history, &event, H_ENTER, text);
}

entrasql_status cli_keys_read(cli_keys *k, const char *prompt, es_buf *ret, cli_line_end *ret_end,
                              entrasql_error *err)
{
    int n = 0;
    k->prompt = prompt;
    errno = 0;
    if (was_resized) { /* while a statement ran */
        was_resized = 0;
        el_resize(k->el);
    }
    was_continued = 0;
    /* el_gets() shows the prompt first: what is typed before its raw mode would be echoed twice. */
    (void)el_set(k->el, EL_PREP_TERM, 1);
    const char *line = el_gets(k->el, &n);
    k->prompt = NULL;
    if (line == NULL || n <= 0) {
        *ret_end = n < 0 && errno == EINTR ? CLI_LINE_INTERRUPTED : CLI_LINE_CLOSED;
        return ENTRASQL_OK;
    }
    size_t length = (size_t)n;
    if (line[length - 1] == '\n')
        length--;
    *ret_end = CLI_LINE_DONE;
    entrasql_status status = es_buf_add(ret, line, length);
    if (status == ENTRASQL_LIMIT)
        return es_fail(err, status, "a line is too long");
    return status == ENTRASQL_OK ? status : es_nomem(err);
}
