/* SPDX-License-Identifier: MIT */
/* The history file. A line end inside of a statement is written as \n, a backslash as \\. */
#include "cli/history.h"

#include "base/mem.h"
#include "base/str.h"
#include "os/file.h"

#include <string.h>

/* In any case of letters, anywhere: rather one statement too few than a secret on disk. */
static const char *const secret_words[] = {
    "password", "passwd", "pwd",        "secret",    "token",
    "sig=",     "apikey", "accountkey", "signature", "private key",
};
static const char jwt_begin[] = "eyJ"; /* base64url of {" */

static bool holds(const char *text, size_t n, const char *word)
{
    size_t length = strlen(word);
    for (size_t i = 0; i + length <= n; i++) {
        if (es_strncaseeq(text + i, word, length))
            return true;
    }
    return false;
}

/* At the beginning of a word: "keyJoin" is none. */
static bool holds_jwt(const char *text, size_t n)
{
    size_t length = sizeof jwt_begin - 1;
    for (size_t i = 0; i + length <= n; i++) {
        char before = i != 0 ? es_ascii_lower(text[i - 1]) : ' ';
        bool in_word = (before >= 'a' && before <= 'z') || es_is_digit(before) || before == '_';
        if (!in_word && memcmp(text + i, jwt_begin, length) == 0)
            return true;
    }
    return false;
}

bool cli_history_may_keep(const char *text, size_t n)
{
    if (n == 0 || n > CLI_HISTORY_MAX_ENTRY || es_is_space(*text) || memchr(text, '\0', n) != NULL)
        return false;
    for (size_t i = 0; i < ES_COUNT_OF(secret_words); i++) {
        if (holds(text, n, secret_words[i]))
            return false;
    }
    return !holds_jwt(text, n);
}

/* ---- the form of an entry ---- */

static entrasql_status add_escaped(es_buf *out, const char *entry)
{
    for (; *entry != '\0'; entry++) {
        if (*entry == '\\')
            ES_TRY(es_buf_add_str(out, "\\\\"));
        else if (*entry == '\n')
            ES_TRY(es_buf_add_str(out, "\\n"));
        else
            ES_TRY(es_buf_u8(out, (uint8_t)*entry));
    }
    return ENTRASQL_OK;
}

/* Any line is an entry: a backslash before another letter stands for itself. */
static entrasql_status add_plain(es_buf *out, const char *line, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char c = line[i];
        if (c == '\\' && i + 1 < n && (line[i + 1] == '\\' || line[i + 1] == 'n'))
            c = line[++i] == 'n' ? '\n' : '\\';
        if (c != '\0' && c != '\r')
            ES_TRY(es_buf_u8(out, (uint8_t)c));
    }
    return ENTRASQL_OK;
}

/* ---- the file ---- */

/* A file that is not there is an empty one; one that is too long is not ours. */
static entrasql_status read_file(const char *path, es_buf *ret, entrasql_error *err)
{
    entrasql_status status = os_file_read_private(path, ret, err);
    return status == ENTRASQL_NOT_FOUND ? ENTRASQL_OK : status;
}

entrasql_status cli_history_read(const char *path, cli_history_visitor *visitor, void *ctx,
                                 entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(2 * CLI_HISTORY_MAX_BYTES);
    ES_CLEANUP(es_buf_done) es_buf entry = ES_BUF_INIT(2 * CLI_HISTORY_MAX_BYTES);

    ES_TRY(read_file(path, &text, err));
    const char *p = (const char *)text.data;
    size_t left = text.len;
    while (left != 0) {
        const char *end = memchr(p, '\n', left);
        size_t n = end != NULL ? (size_t)(end - p) : left;
        es_buf_clear(&entry);
        entrasql_status status = add_plain(&entry, p, n);
        const char *shown = status == ENTRASQL_OK ? es_buf_cstr(&entry) : NULL;
        if (shown == NULL)
            return es_nomem(err);
        if (entry.len != 0)
            ES_TRY(visitor(ctx, shown));
        size_t used = end != NULL ? n + 1 : n;
        p += used;
        left -= used;
    }
    return ENTRASQL_OK;
}

/* How many bytes at the front are to go, so that the rest is within the bounds. */
static size_t surplus(const es_buf *text)
{
    size_t kept_from = text->len;
    for (size_t lines = 0; kept_from != 0 && lines < CLI_HISTORY_MAX_ENTRIES; lines++) {
        size_t start = kept_from - 1; /* its line end */
        while (start != 0 && text->data[start - 1] != '\n')
            start--;
        if (text->len - start > CLI_HISTORY_MAX_BYTES)
            break;
        kept_from = start;
    }
    return kept_from;
}

static bool is_last_line(const es_buf *text, const es_buf *line)
{
    if (text->len < line->len ||
        memcmp(text->data + text->len - line->len, line->data, line->len) != 0)
        return false;
    return text->len == line->len || text->data[text->len - line->len - 1] == '\n';
}

static entrasql_status make_folder(const char *path, entrasql_error *err)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL || slash == path)
        return ENTRASQL_OK;
    ES_CLEANUP(es_cleanup_free) char *folder = es_strndup(path, (size_t)(slash - path));
    return folder != NULL ? os_dir_make(folder, 0700, err) : es_nomem(err);
}

entrasql_status cli_history_add(const char *path, const char *entry, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(4 * CLI_HISTORY_MAX_BYTES);
    ES_CLEANUP(es_buf_done) es_buf line = ES_BUF_INIT(2 * CLI_HISTORY_MAX_ENTRY + 1);

    ES_TRY(make_folder(path, err));
    ES_TRY(read_file(path, &text, err));
    if (text.len != 0 && text.data[text.len - 1] != '\n' && es_buf_u8(&text, '\n') != ENTRASQL_OK)
        return es_nomem(err);
    if (add_escaped(&line, entry) != ENTRASQL_OK || es_buf_u8(&line, '\n') != ENTRASQL_OK)
        return es_fail(err, ENTRASQL_LIMIT, "the statement is too long for the history");
    if (is_last_line(&text, &line))
        return ENTRASQL_OK;
    if (es_buf_add(&text, line.data, line.len) != ENTRASQL_OK)
        return es_nomem(err);
    size_t drop = surplus(&text);
    return os_file_write(path, text.data + drop, text.len - drop, 0600, err);
}
