/* SPDX-License-Identifier: MIT */
/* Batches between GO lines. */
#include "cli/batch.h"

#include "base/str.h"

#include <string.h>

void cli_batch_init(cli_batch *b)
{
    *b = (cli_batch){.text = ES_BUF_INIT(CLI_BATCH_MAX_BYTES)};
}

void cli_batch_done(cli_batch *b)
{
    es_buf_done(&b->text);
}

void cli_batch_next(cli_batch *b)
{
    es_buf_clear(&b->text);
    b->mode = CLI_BATCH_PLAIN;
    b->comment_depth = 0;
}

bool cli_batch_is_empty(const cli_batch *b)
{
    for (size_t i = 0; i < b->text.len; i++) {
        if (!es_is_space((char)b->text.data[i]))
            return false;
    }
    return true;
}

static bool pair_at(const char *p, size_t n, char first, char second)
{
    return n >= 2 && p[0] == first && p[1] == second;
}

/* A character in plain text; returns how many were used, all of them at a line comment. */
static size_t step_plain(cli_batch *b, const char *p, size_t n)
{
    if (pair_at(p, n, '-', '-'))
        return n;
    if (pair_at(p, n, '/', '*')) {
        b->mode = CLI_BATCH_COMMENT;
        b->comment_depth = 1;
        return 2;
    }
    if (*p == '\'')
        b->mode = CLI_BATCH_STRING;
    else if (*p == '"')
        b->mode = CLI_BATCH_QUOTED;
    else if (*p == '[')
        b->mode = CLI_BATCH_BRACKET;
    return 1;
}

static size_t step_comment(cli_batch *b, const char *p, size_t n)
{
    if (pair_at(p, n, '/', '*')) {
        b->comment_depth++;
        return 2;
    }
    if (!pair_at(p, n, '*', '/'))
        return 1;
    if (--b->comment_depth == 0)
        b->mode = CLI_BATCH_PLAIN;
    return 2;
}

/* A doubled closing character ends and begins again, which comes to the same. */
static size_t step_quoted(cli_batch *b, char c, char close)
{
    if (c == close)
        b->mode = CLI_BATCH_PLAIN;
    return 1;
}

static void follow(cli_batch *b, const char *p, size_t n)
{
    while (n != 0) {
        size_t used = 1;
        switch (b->mode) {
        case CLI_BATCH_PLAIN:
            used = step_plain(b, p, n);
            break;
        case CLI_BATCH_COMMENT:
            used = step_comment(b, p, n);
            break;
        case CLI_BATCH_STRING:
            used = step_quoted(b, *p, '\'');
            break;
        case CLI_BATCH_QUOTED:
            used = step_quoted(b, *p, '"');
            break;
        case CLI_BATCH_BRACKET:
            /* "]]" would look like the start of a new name otherwise. */
            used = pair_at(p, n, ']', ']') ? 2 : step_quoted(b, *p, ']');
            break;
        }
        p += used;
        n -= used;
    }
}

/* True for "GO", perhaps with a count and a line comment; *count points at what follows GO. */
static bool is_go(const char *line, size_t n, const char **ret_rest, size_t *ret_n)
{
    while (n != 0 && es_is_space(*line)) {
        line++;
        n--;
    }
    if (n < 2 || !es_strncaseeq(line, "go", 2))
        return false;
    line += 2;
    n -= 2;
    if (n != 0 && !es_is_space(*line))
        return false;
    while (n != 0 && es_is_space(*line)) {
        line++;
        n--;
    }
    while (n != 0 && es_is_space(line[n - 1]))
        n--;
    *ret_rest = line;
    *ret_n = n;
    return true;
}

static entrasql_status read_count(const char *p, size_t n, uint32_t *ret, entrasql_error *err)
{
    uint64_t count = 1;
    size_t digits = 0;
    while (digits < n && es_is_digit(p[digits]))
        digits++;
    size_t after = digits;
    while (after < n && es_is_space(p[after]))
        after++;
    bool clean = after == n || pair_at(p + after, n - after, '-', '-');
    if (digits != 0 && es_parse_u64(p, digits, CLI_GO_MAX_COUNT, &count) != ENTRASQL_OK)
        clean = false;
    if (!clean || count == 0) {
        char shown[60];
        es_printable(shown, sizeof shown, p, n);
        return es_fail(err, ENTRASQL_INVALID, "after GO stands '%s', not a count from 1 to %d",
                       shown, CLI_GO_MAX_COUNT);
    }
    *ret = (uint32_t)count;
    return ENTRASQL_OK;
}

entrasql_status cli_batch_line(cli_batch *b, const char *line, size_t n, uint32_t *ret_go,
                               entrasql_error *err)
{
    const char *rest = NULL;
    size_t rest_n = 0;

    if (b->mode == CLI_BATCH_PLAIN && is_go(line, n, &rest, &rest_n))
        return read_count(rest, rest_n, ret_go, err);
    follow(b, line, n);
    entrasql_status status = es_buf_add(&b->text, line, n);
    if (status == ENTRASQL_OK)
        status = es_buf_u8(&b->text, '\n');
    if (status == ENTRASQL_LIMIT)
        return es_fail(err, ENTRASQL_LIMIT, "a batch is longer than %u MiB",
                       CLI_BATCH_MAX_BYTES / 1024 / 1024);
    if (status != ENTRASQL_OK)
        return es_nomem(err);
    *ret_go = 0;
    return ENTRASQL_OK;
}
