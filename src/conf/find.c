/* SPDX-License-Identifier: MIT */
/* Finding connection strings with a password in source and configuration files. */
#include "conf/find.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/utf16.h"
#include "conf/login.h"

#include <string.h>

#define LITERAL_MAX_BYTES CONF_CONNSTR_MAX_BYTES

typedef struct finder {
    const char *start;
    const char *at;
    const char *end;
    size_t line;
    bool is_xml;
    size_t found_line; /* the last line on which a literal was one */
    conf_found_handler *handler;
    void *ctx;
} finder;

/* ---- is it one? ---- */

/* Behind the first "keyword =", or NULL. */
static const char *behind_keyword(const char *s, const char *keyword)
{
    size_t n = strlen(keyword);
    for (const char *p = s; *p != '\0'; p++) {
        if (!es_strncaseeq(p, keyword, n))
            continue;
        const char *behind = p + n;
        while (*behind == ' ')
            behind++;
        if (*behind == '=')
            return behind + 1;
    }
    return NULL;
}

static bool has_any(const char *s, const char *const *keywords, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (behind_keyword(s, keywords[i]) != NULL)
            return true;
    }
    return false;
}

static const char *const secrets[] = {"password", "pwd"};

static bool looks_like_pairs(const char *s)
{
    static const char *const places[] = {"server", "data source", "dsn",
                                         "driver", "address",     "addr"};
    return has_any(s, secrets, ES_COUNT_OF(secrets)) && has_any(s, places, ES_COUNT_OF(places)) &&
           strchr(s, ';') != NULL;
}

static bool looks_like_url(conf_form form, const char *s)
{
    if (form == CONF_FORM_JDBC)
        return has_any(s, secrets, ES_COUNT_OF(secrets));
    const char *colon = strstr(s, "://");
    const char *sign = colon != NULL ? strchr(colon, '@') : NULL;
    const char *inner = sign != NULL ? memchr(colon + 3, ':', (size_t)(sign - colon - 3)) : NULL;
    return inner != NULL || has_any(s, secrets, ES_COUNT_OF(secrets)) ||
           strstr(s, "PWD%3D") != NULL || strstr(s, "pwd%3D") != NULL;
}

static bool looks_like_call(const char *s)
{
    return strstr(s, "password='") != NULL || strstr(s, "password=\"") != NULL ||
           strstr(s, "password = '") != NULL || strstr(s, "password = \"") != NULL;
}

static bool looks_like_one(conf_form form, const char *s)
{
    switch (form) {
    case CONF_FORM_ODBC:
    case CONF_FORM_ADO:
        return looks_like_pairs(s);
    case CONF_FORM_PYMSSQL:
        return looks_like_call(s);
    case CONF_FORM_JDBC:
    case CONF_FORM_GO:
    case CONF_FORM_SQLALCHEMY:
        break;
    }
    return looks_like_url(form, s);
}

static bool is_placeholder(const char *password)
{
    size_t n = strlen(password);
    if (n == 0)
        return false;
    static const char *const fronts[] = {
        "<", "${", "$(", "{{", "%(", "%s", "#{", "***", "@Microsoft.KeyVault"};
    for (size_t i = 0; i < ES_COUNT_OF(fronts); i++) {
        if (es_starts_with(password, fronts[i]))
            return true;
    }
    return (password[0] == '{' && password[n - 1] == '}') ||
           (n > 2 && password[0] == '%' && password[n - 1] == '%') ||
           es_strcaseeq(password, "your_password") || es_strcaseeq(password, "yourpassword") ||
           es_strcaseeq(password, "your-password");
}

/* What stands behind "NAME=" of a shell's or docker's argument; NULL: nothing does. */
static const char *behind_name(const char *s)
{
    size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    return n != 0 && s[n] == '=' ? s + n + 1 : NULL;
}

/* *ret_is: the handler was told. */
static entrasql_status consider(finder *f, const char *s, size_t line, bool *ret_is)
{
    ES_CLEANUP(conf_login_done) conf_login login = {0};
    conf_form form = conf_form_detect(s);
    entrasql_error err;
    *ret_is = false;
    if (!looks_like_one(form, s))
        return ENTRASQL_OK;
    conf_found found = {.line = line, .form = form, .text = s};
    entrasql_status status = conf_login_parse(form, s, &login, &err);
    if (status == ENTRASQL_NOMEM)
        return status;
    found.is_readable = status == ENTRASQL_OK;
    if (found.is_readable) {
        const char *password = login.values[CONF_KEY_PASSWORD];
        bool has_place =
            login.values[CONF_KEY_SERVER] != NULL || login.values[CONF_KEY_DSN] != NULL;
        if (!has_place && behind_name(s) != NULL)
            return consider(f, behind_name(s), line, ret_is);
        if (es_str_is_empty(password) || !has_place)
            return ENTRASQL_OK;
        found.is_placeholder = is_placeholder(password);
    } else {
        found.problem = err.message;
        for (size_t i = 0; i < ES_COUNT_OF(secrets) && !found.is_placeholder; i++) {
            const char *password = behind_keyword(s, secrets[i]);
            found.is_placeholder = password != NULL && is_placeholder(password);
        }
    }
    *ret_is = true;
    return f->handler(f->ctx, &found);
}

/* ---- literals ---- */

static void step(finder *f)
{
    if (*f->at == '\n')
        f->line++;
    f->at++;
}

static bool rest_starts_with(const finder *f, const char *text)
{
    size_t n = strlen(text);
    return (size_t)(f->end - f->at) >= n && memcmp(f->at, text, n) == 0;
}

static entrasql_status add_code_point(es_buf *out, uint32_t code)
{
    char text[4];
    if (code == 0 || code > 0x10FFFF)
        return es_buf_u8(out, '?');
    return es_buf_add(out, text, es_utf8_encode(code, text));
}

static int hex_digit(char c)
{
    if (es_is_digit(c))
        return c - '0';
    c = es_ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* f->at is behind "\u" or "\x"; takes at most `digits`. */
static entrasql_status take_hex(finder *f, unsigned digits, es_buf *out)
{
    uint32_t code = 0;
    for (unsigned i = 0; i < digits && f->at < f->end && hex_digit(*f->at) >= 0; i++)
        code = code * 16 + (uint32_t)hex_digit(*f->at++);
    return add_code_point(out, code);
}

/* f->at is at the backslash. What no language knows stays as it is. */
static entrasql_status take_escape(finder *f, es_buf *out)
{
    static const char letters[] = "\\'\"/nrtbf`";
    static const char meanings[] = "\\'\"/\n\r\t\b\f`";
    step(f);
    if (f->at == f->end)
        return es_buf_u8(out, '\\');
    char letter = *f->at;
    const char *known = letter != '\0' ? strchr(letters, letter) : NULL;
    step(f);
    if (known != NULL)
        return es_buf_u8(out, (uint8_t)meanings[known - letters]);
    if (letter == 'u')
        return take_hex(f, 4, out);
    if (letter == 'x')
        return take_hex(f, 2, out);
    if (letter == '\n')
        return ENTRASQL_OK;
    ES_TRY(es_buf_u8(out, '\\'));
    return es_buf_u8(out, (uint8_t)letter);
}

static entrasql_status take_entity(finder *f, es_buf *out)
{
    static const struct {
        const char *entity;
        char meaning;
    } entities[] = {
        {"&quot;", '"'}, {"&apos;", '\''}, {"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}};
    for (size_t i = 0; i < ES_COUNT_OF(entities); i++) {
        if (!rest_starts_with(f, entities[i].entity))
            continue;
        f->at += strlen(entities[i].entity);
        return es_buf_u8(out, (uint8_t)entities[i].meaning);
    }
    if (!rest_starts_with(f, "&#")) {
        f->at++;
        return es_buf_u8(out, '&');
    }
    f->at += 2;
    bool hex = f->at < f->end && (*f->at == 'x' || *f->at == 'X');
    f->at += hex ? 1 : 0;
    uint32_t code = 0;
    for (unsigned i = 0; i < 7 && f->at < f->end && hex_digit(*f->at) >= 0; i++)
        code = code * (hex ? 16 : 10) + (uint32_t)hex_digit(*f->at++);
    if (f->at < f->end && *f->at == ';')
        f->at++;
    return add_code_point(out, code);
}

typedef struct quoting {
    const char *close; /* one quote, or three */
    bool raw;          /* no backslashes */
    bool doubles;      /* a doubled quote stands for one */
    bool many_lines;
} quoting;

/* f->at is behind the opening quote. False in *ret_closed: no literal; f has moved anyway. */
static entrasql_status take_literal(finder *f, const quoting *q, es_buf *out, bool *ret_closed)
{
    size_t n = strlen(q->close);
    *ret_closed = false;
    while (f->at < f->end && out->len < LITERAL_MAX_BYTES) {
        if (rest_starts_with(f, q->close)) {
            f->at += n;
            if (!q->doubles || !rest_starts_with(f, q->close)) {
                *ret_closed = true;
                return ENTRASQL_OK;
            }
            f->at += n;
            ES_TRY(es_buf_add_str(out, q->close));
        } else if (*f->at == '\\' && !q->raw) {
            ES_TRY(take_escape(f, out));
        } else if (*f->at == '&' && f->is_xml) {
            ES_TRY(take_entity(f, out));
        } else if (*f->at == '\0' || (*f->at == '\n' && !q->many_lines)) {
            return ENTRASQL_OK;
        } else {
            ES_TRY(es_buf_u8(out, (uint8_t)*f->at));
            step(f);
        }
    }
    return ENTRASQL_OK;
}

/* How the literal at f->at is quoted; moves behind the opening quote. False: there is none. */
static bool open_literal(finder *f, quoting *q)
{
    char c = *f->at;
    char before = f->at > f->start ? f->at[-1] : '\0';
    if (c != '"' && c != '\'' && c != '`')
        return false;
    *q = (quoting){.close = c == '"' ? "\"" : c == '\'' ? "'" : "`", .raw = f->is_xml};
    if (rest_starts_with(f, "\"\"\"") || rest_starts_with(f, "'''")) {
        q->close = c == '"' ? "\"\"\"" : "'''";
        q->many_lines = true;
        f->at += 3;
        return true;
    }
    f->at++;
    q->doubles = before == '@' && c == '"';
    q->raw = q->raw || q->doubles || before == 'r' || before == 'R' || c == '`';
    q->many_lines = q->doubles || c == '`';
    return true;
}

/* Blanks, line ends and one joining sign, then a quote: the literal goes on. */
static bool goes_on(finder *f)
{
    finder look = *f;
    bool joined = false;
    while (look.at < look.end) {
        char c = *look.at;
        if (c == '"' || c == '\'') {
            *f = look;
            return true;
        }
        if (!es_is_space(c)) {
            bool prefix = (c == 'f' || c == 'r' || c == '@' || c == '$') &&
                          look.at + 1 < look.end && (look.at[1] == '"' || look.at[1] == '\'');
            if (!prefix && (joined || strchr("+.&\\", c) == NULL || c == '\0'))
                return false;
            joined = joined || !prefix;
        }
        step(&look);
    }
    return false;
}

static entrasql_status find_in_literals(finder *f)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT_WIPE(LITERAL_MAX_BYTES + 16);
    quoting q;
    size_t line = f->line;
    if (!open_literal(f, &q)) {
        step(f);
        return ENTRASQL_OK;
    }
    finder behind_quote = *f;
    bool closed = false;
    bool is_one = false;
    ES_TRY(take_literal(f, &q, &text, &closed));
    while (closed && !f->is_xml && goes_on(f) && open_literal(f, &q))
        ES_TRY(take_literal(f, &q, &text, &closed));
    const char *s = es_buf_cstr(&text);
    if (s == NULL)
        return ENTRASQL_NOMEM;
    if (closed)
        ES_TRY(consider(f, s, line, &is_one));
    if (is_one) {
        f->found_line = line;
        return ENTRASQL_OK;
    }
    /* An apostrophe or a quote of the text: what follows may hold a literal of its own. */
    if (!closed) {
        size_t found_line = f->found_line;
        *f = behind_quote;
        f->found_line = found_line;
    }
    return ENTRASQL_OK;
}

/* ---- calls of pymssql ---- */

/* f->at is at "pymssql.connect(": to its closing parenthesis, minding strings. */
static entrasql_status find_in_call(finder *f)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT_WIPE(LITERAL_MAX_BYTES + 16);
    finder look = *f;
    unsigned depth = 0;
    char quote = '\0';
    bool is_one = false;
    while (look.at < look.end && text.len < LITERAL_MAX_BYTES && *look.at != '\0') {
        char c = *look.at;
        ES_TRY(es_buf_u8(&text, (uint8_t)c));
        step(&look);
        if (quote != '\0' && c == '\\' && look.at < look.end) {
            ES_TRY(es_buf_u8(&text, (uint8_t)*look.at));
            step(&look);
        } else if (quote != '\0') {
            quote = c == quote ? '\0' : quote;
        } else if (c == '"' || c == '\'') {
            quote = c;
        } else if (c == '(') {
            depth++;
        } else if (c == ')' && --depth == 0) {
            break;
        }
    }
    const char *s = es_buf_cstr(&text);
    if (s == NULL)
        return ENTRASQL_NOMEM;
    ES_TRY(consider(f, s, f->line, &is_one));
    if (!is_one) {
        step(f);
        return ENTRASQL_OK;
    }
    look.found_line = f->line;
    *f = look;
    return ENTRASQL_OK;
}

/* ---- lines ---- */

/* [p, end) as a text of its own, entities decoded for XML. */
static entrasql_status consider_piece(finder *f, const char *p, const char *end, size_t line,
                                      bool *ret_is)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT_WIPE(LITERAL_MAX_BYTES + 16);
    finder piece = *f;
    *ret_is = false;
    while (p < end && es_is_space(*p))
        p++;
    while (end > p && es_is_space(end[-1]))
        end--;
    if (end - p > LITERAL_MAX_BYTES)
        return ENTRASQL_OK;
    piece.at = p;
    piece.end = end;
    while (piece.at < piece.end) {
        if (*piece.at == '&' && f->is_xml)
            ES_TRY(take_entity(&piece, &text));
        else
            ES_TRY(es_buf_u8(&text, (uint8_t)*piece.at++));
    }
    const char *s = es_buf_cstr(&text);
    return s != NULL ? consider(f, s, line, ret_is) : ENTRASQL_NOMEM;
}

/* "export NAME=value", "  name: value", "- name: value": where the value starts; NULL: nowhere. */
static const char *value_start(const char *p, const char *end)
{
    static const char name_chars[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-[]\"'";
    while (p < end && (es_is_space(*p) || *p == '-'))
        p++;
    if (end - p > 7 && memcmp(p, "export ", 7) == 0)
        p += 7;
    while (p < end && *p != '\0' && strchr(name_chars, *p) != NULL)
        p++;
    while (p < end && (*p == ' ' || *p == '\t'))
        p++;
    return p < end && (*p == '=' || *p == ':') ? p + 1 : NULL;
}

static entrasql_status find_between_tags(finder *f, const char *p, const char *end, size_t line,
                                         bool *ret_is)
{
    while (p < end && !*ret_is) {
        const char *open = memchr(p, '>', (size_t)(end - p));
        const char *start = open != NULL ? open + 1 : p;
        const char *close = memchr(start, '<', (size_t)(end - start));
        ES_TRY(consider_piece(f, start, close != NULL ? close : end, line, ret_is));
        p = close != NULL ? close + 1 : end;
    }
    return ENTRASQL_OK;
}

static entrasql_status find_in_line(finder *f, const char *p, const char *end, size_t line)
{
    bool is_one = false;
    if (f->is_xml)
        return find_between_tags(f, p, end, line, &is_one);
    const char *value = value_start(p, end);
    if (value != NULL)
        ES_TRY(consider_piece(f, value, end, line, &is_one));
    return is_one ? ENTRASQL_OK : consider_piece(f, p, end, line, &is_one);
}

/* ---- the whole ---- */

/* Lines on which literals said nothing are looked at as a whole. */
static entrasql_status find_in_lines(finder *f, const char *text, const char *lines_found)
{
    size_t line = 1;
    const char *p = text;
    while (p < f->end) {
        const char *end = memchr(p, '\n', (size_t)(f->end - p));
        const char *line_end = end != NULL ? end : f->end;
        if (lines_found[(line - 1) / 8] == 0 ||
            (lines_found[(line - 1) / 8] & (1 << ((line - 1) % 8))) == 0)
            ES_TRY(find_in_line(f, p, line_end, line));
        line++;
        p = end != NULL ? end + 1 : f->end;
    }
    return ENTRASQL_OK;
}

static entrasql_status find_all(finder *f, const char *text, char *lines_found)
{
    while (f->at < f->end) {
        size_t first = f->line;
        f->found_line = 0;
        ES_TRY(rest_starts_with(f, "pymssql.connect(") ? find_in_call(f) : find_in_literals(f));
        for (size_t line = first; f->found_line != 0 && line <= f->line; line++)
            lines_found[(line - 1) / 8] |= (char)(1 << ((line - 1) % 8));
    }
    f->at = text;
    f->line = 1;
    return find_in_lines(f, text, lines_found);
}

entrasql_status conf_find(const char *text, size_t n, bool is_xml, conf_found_handler *handler,
                          void *ctx)
{
    size_t lines = 1;
    for (size_t i = 0; i < n; i++)
        lines += text[i] == '\n' ? 1 : 0;
    char *lines_found = es_calloc(lines / 8 + 1, 1);
    if (lines_found == NULL)
        return ENTRASQL_NOMEM;
    finder f = {.start = text,
                .at = text,
                .end = text + n,
                .line = 1,
                .is_xml = is_xml,
                .handler = handler,
                .ctx = ctx};
    entrasql_status status = find_all(&f, text, lines_found);
    es_free(lines_found);
    return status;
}
