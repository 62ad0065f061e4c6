/* SPDX-License-Identifier: MIT */
/* Words, and what they mean at a statement's beginning. */
#include "proxy/admin_command.h"

#include "base/str.h"

#include <string.h>

#define NUMBER_MAX INT64_MAX

typedef enum word_kind {
    WORD_END, /* of the statement */
    WORD_PLAIN,
    WORD_QUOTED,
    WORD_SIGN /* any other character */
} word_kind;

typedef struct word {
    word_kind kind;
    const char *s; /* without its quotes */
    size_t n;
    char quote; /* that a doubled one of stands for itself */
} word;

typedef struct reader {
    const char *at;
    const char *end;
} reader;

/* ---- words ---- */

static bool is_word_char(char c)
{
    return es_is_digit(c) || (es_ascii_lower(c) >= 'a' && es_ascii_lower(c) <= 'z') || c == '_' ||
           c == '@' || c == '.' || c == '-' || (unsigned char)c >= 0x80;
}

static bool is_comment(const reader *r, const char *mark)
{
    return r->end - r->at >= 2 && r->at[0] == mark[0] && r->at[1] == mark[1];
}

static void skip_comment(reader *r)
{
    bool is_line = r->at[0] == '-';
    r->at += 2;
    while (r->at < r->end && (is_line ? *r->at != '\n' : !is_comment(r, "*/")))
        r->at++;
    if (!is_line && r->at < r->end)
        r->at += 2;
}

/* True when a line ended on the way. */
static bool skip_blanks(reader *r)
{
    bool has_line = false;
    for (;;) {
        while (r->at < r->end && (es_is_space(*r->at) || *r->at == '\0')) {
            has_line = has_line || *r->at == '\n' || *r->at == '\r';
            r->at++;
        }
        if (!is_comment(r, "--") && !is_comment(r, "/*"))
            return has_line;
        skip_comment(r);
    }
}

static word take_quoted(reader *r, char close)
{
    word w = {.kind = WORD_QUOTED, .s = ++r->at, .quote = close};
    while (r->at < r->end && (*r->at != close || (r->at + 1 < r->end && r->at[1] == close)))
        r->at += *r->at == close ? 2 : 1;
    w.n = (size_t)(r->at - w.s);
    if (r->at < r->end)
        r->at++;
    return w;
}

static word take_word(reader *r)
{
    (void)skip_blanks(r);
    if (r->at == r->end || *r->at == ';')
        return (word){.kind = WORD_END};
    if (*r->at == '[')
        return take_quoted(r, ']');
    if (*r->at == '\'' || *r->at == '"')
        return take_quoted(r, *r->at);
    word w = {.kind = WORD_PLAIN, .s = r->at};
    while (r->at < r->end && is_word_char(*r->at) && !is_comment(r, "--"))
        r->at++;
    if (r->at == w.s) {
        w.kind = WORD_SIGN;
        r->at++;
    }
    w.n = (size_t)(r->at - w.s);
    return w;
}

static bool is(const word *w, const char *text)
{
    return w->kind == WORD_PLAIN && w->n == strlen(text) && es_strncaseeq(w->s, text, w->n);
}

/* ---- statements ---- */

static entrasql_status parse_show(reader *r, proxy_command *ret, entrasql_error *err);
static entrasql_status parse_select(reader *r, proxy_command *ret, entrasql_error *err);
static entrasql_status parse_target(reader *r, proxy_command *ret, entrasql_error *err);
static entrasql_status parse_kill(reader *r, proxy_command *ret, entrasql_error *err);
static entrasql_status parse_use(reader *r, proxy_command *ret, entrasql_error *err);

static const struct statement {
    const char *name;
    proxy_verb verb;
    /* NULL: the rest of the statement does not matter */
    entrasql_status (*rest)(reader *r, proxy_command *ret, entrasql_error *err);
} statements[] = {
    {"SHOW", PROXY_VERB_SHOW, parse_show},
    {"SELECT", PROXY_VERB_SELECT, parse_select},
    {"PAUSE", PROXY_VERB_PAUSE, parse_target},
    {"RESUME", PROXY_VERB_RESUME, parse_target},
    {"RECONNECT", PROXY_VERB_RECONNECT, parse_target},
    {"KILL", PROXY_VERB_KILL, parse_kill},
    {"RELOAD", PROXY_VERB_RELOAD, parse_target},
    {"HELP", PROXY_VERB_SHOW, parse_target},
    {"USE", PROXY_VERB_NOTHING, parse_use},
    {"SET", PROXY_VERB_NOTHING, NULL},
    {"IF", PROXY_VERB_NOTHING, NULL},
    {"BEGIN", PROXY_VERB_NOTHING, NULL},
    {"COMMIT", PROXY_VERB_NOTHING, NULL},
    {"ROLLBACK", PROXY_VERB_NOTHING, NULL},
    {"SAVE", PROXY_VERB_NOTHING, NULL},
    {"GO", PROXY_VERB_NOTHING, NULL},
};

static const struct statement *find_statement(const word *w)
{
    for (size_t i = 0; i < ES_COUNT_OF(statements); i++)
        if (is(w, statements[i].name))
            return &statements[i];
    return NULL;
}

static entrasql_status syntax(const word *w, entrasql_error *err)
{
    char shown[60];
    es_printable(shown, sizeof shown, w->kind != WORD_END ? w->s : "", w->n);
    if (w->kind == WORD_END)
        es_fail(err, ENTRASQL_INVALID, "the command ends too early");
    else
        es_fail(err, ENTRASQL_INVALID, "'%s' is not understood here", shown);
    es_hint(err, "this is the admin database of the entrasql proxy: SHOW HELP lists its commands");
    return ENTRASQL_INVALID;
}

/* A statement ends at ';', at the batch's end, or where the next line begins with a command. */
static bool at_end(const reader *r)
{
    reader ahead = *r;
    bool has_line = skip_blanks(&ahead);
    if (ahead.at == ahead.end || *ahead.at == ';')
        return true;
    word w = take_word(&ahead);
    return has_line && find_statement(&w) != NULL;
}

static entrasql_status expect_end(const reader *r, entrasql_error *err)
{
    if (at_end(r))
        return ENTRASQL_OK;
    reader ahead = *r;
    word w = take_word(&ahead);
    return syntax(&w, err);
}

static entrasql_status parse_show(reader *r, proxy_command *ret, entrasql_error *err)
{
    static const struct {
        const char *name;
        proxy_show show;
    } shows[] = {
        {"HELP", PROXY_SHOW_HELP},       {"POOLS", PROXY_SHOW_POOLS},
        {"CLIENTS", PROXY_SHOW_CLIENTS}, {"SERVERS", PROXY_SHOW_SERVERS},
        {"STATS", PROXY_SHOW_STATS},     {"IDENTITIES", PROXY_SHOW_IDENTITIES},
        {"CONFIG", PROXY_SHOW_CONFIG},
    };
    word w = take_word(r);
    for (size_t i = 0; i < ES_COUNT_OF(shows); i++) {
        if (is(&w, shows[i].name)) {
            ret->show = shows[i].show;
            return expect_end(r, err);
        }
    }
    return syntax(&w, err);
}

static entrasql_status parse_select(reader *r, proxy_command *ret, entrasql_error *err)
{
    static const struct {
        const char *name;
        proxy_select select;
    } selects[] = {
        {"@@VERSION", PROXY_SELECT_VERSION},     {"@@SPID", PROXY_SELECT_SPID},
        {"@@TRANCOUNT", PROXY_SELECT_TRANCOUNT}, {"@@SERVERNAME", PROXY_SELECT_SERVER},
        {"DB_NAME", PROXY_SELECT_DATABASE},
    };
    word w = take_word(r);
    if (w.kind == WORD_PLAIN && es_parse_u64(w.s, w.n, INT32_MAX, &ret->number) == ENTRASQL_OK) {
        ret->select = PROXY_SELECT_NUMBER;
        return expect_end(r, err);
    }
    for (size_t i = 0; i < ES_COUNT_OF(selects); i++) {
        if (!is(&w, selects[i].name))
            continue;
        ret->select = selects[i].select;
        if (selects[i].select == PROXY_SELECT_DATABASE) {
            word open = take_word(r);
            word close = take_word(r);
            if (open.kind != WORD_SIGN || *open.s != '(' || close.kind != WORD_SIGN ||
                *close.s != ')')
                return syntax(&open, err);
        }
        return expect_end(r, err);
    }
    return syntax(&w, err);
}

/* Doubled quotes stand for one. */
static entrasql_status copy_argument(const word *w, char ret[PROXY_ADMIN_ARGUMENT_SIZE],
                                     entrasql_error *err)
{
    size_t used = 0;
    for (size_t i = 0; i < w->n; i++) {
        if (used == PROXY_ADMIN_ARGUMENT_SIZE - 1 || w->s[i] == '\0')
            return es_fail(err, ENTRASQL_INVALID, "no target has such a name");
        ret[used++] = w->s[i];
        if (w->kind == WORD_QUOTED && w->s[i] == w->quote)
            i++;
    }
    ret[used] = '\0';
    return ENTRASQL_OK;
}

static entrasql_status parse_target(reader *r, proxy_command *ret, entrasql_error *err)
{
    if (at_end(r))
        return ENTRASQL_OK;
    word w = take_word(r);
    /* RELOAD and HELP take none. */
    if ((w.kind != WORD_PLAIN && w.kind != WORD_QUOTED) || ret->verb == PROXY_VERB_RELOAD ||
        ret->verb == PROXY_VERB_SHOW || w.n == 0)
        return syntax(&w, err);
    ES_TRY(copy_argument(&w, ret->argument, err));
    return expect_end(r, err);
}

static entrasql_status parse_kill(reader *r, proxy_command *ret, entrasql_error *err)
{
    word w = take_word(r);
    if (w.kind != WORD_PLAIN || es_parse_u64(w.s, w.n, NUMBER_MAX, &ret->number) != ENTRASQL_OK)
        return syntax(&w, err);
    return expect_end(r, err);
}

static entrasql_status parse_use(reader *r, proxy_command *ret, entrasql_error *err)
{
    word w = take_word(r);
    if (w.kind != WORD_PLAIN && w.kind != WORD_QUOTED)
        return syntax(&w, err);
    ES_TRY(copy_argument(&w, ret->argument, err));
    if (!es_strcaseeq(ret->argument, PROXY_ADMIN_DATABASE)) {
        es_fail(err, ENTRASQL_INVALID, "there is no other database here");
        es_hint(err, "connect again without naming " PROXY_ADMIN_DATABASE
                     " to reach those of the server");
        return ENTRASQL_INVALID;
    }
    return expect_end(r, err);
}

static void skip_rest(reader *r)
{
    while (!at_end(r))
        (void)take_word(r);
}

entrasql_status proxy_command_next(const char **text, const char *end, proxy_command *ret,
                                   entrasql_error *err)
{
    reader r = {.at = *text, .end = end};
    *ret = (proxy_command){.verb = PROXY_VERB_NOTHING};
    (void)skip_blanks(&r);
    while (r.at < r.end && *r.at == ';') {
        r.at++;
        (void)skip_blanks(&r);
    }
    if (r.at == r.end)
        return ENTRASQL_NOT_FOUND;
    word w = take_word(&r);
    const struct statement *s = find_statement(&w);
    if (s == NULL)
        return syntax(&w, err);
    ret->verb = s->verb;
    if (s->rest != NULL)
        ES_TRY(s->rest(&r, ret, err));
    else
        skip_rest(&r);
    *text = r.at;
    return ENTRASQL_OK;
}
