/* SPDX-License-Identifier: MIT */
#include "cli/input.h"

#include "base/str.h"
#include "os/file.h"

#include <string.h>

entrasql_status cli_input_status(entrasql_status status, const char *hint, entrasql_error *err)
{
    if (status != ENTRASQL_LIMIT || err == NULL)
        return status;
    err->error_class = ENTRASQL_CLASS_USAGE;
    es_hint(err, "%s", hint);
    return status;
}

void cli_input_cut_end(es_buf *text)
{
    while (text->len != 0 && es_is_space((char)text->data[text->len - 1]))
        es_buf_truncate(text, text->len - 1);
}

static void trim(es_buf *text)
{
    size_t lead = 0;
    cli_input_cut_end(text);
    while (lead < text->len && es_is_space((char)text->data[lead]))
        lead++;
    es_buf_consume(text, lead);
}

/* RFC 6750, b68token: what stands in a header behind Bearer. */
static bool is_token_character(char c)
{
    char lower = es_ascii_lower(c);
    return es_is_digit(c) || (lower >= 'a' && lower <= 'z') ||
           (c != '\0' && strchr("-._~+/=", c) != NULL);
}

/* NULL: it may be a token. */
static const char *what_else(const es_buf *text)
{
    static const char bearer[] = "bearer";
    const char *p = (const char *)text->data;
    size_t n = sizeof bearer - 1;
    if (text->len == 0)
        return "is empty";
    if (text->len >= n && es_strncaseeq(p, bearer, n) && (text->len == n || es_is_space(p[n])))
        return "begins with the word Bearer, which is the header's and not the token's";
    for (size_t i = 0; i < text->len; i++) {
        if (!is_token_character(p[i]))
            return *p == '{' ? "holds JSON, and not the token alone"
                             : "holds characters that no token has";
    }
    return NULL;
}

entrasql_status cli_read_token(const char *path, es_buf *text, entrasql_error *err)
{
    char shown[300];
    ES_TRY(cli_input_status(os_file_read(path, text, err),
                            "check that the file holds a token and nothing else", err));
    trim(text);
    const char *what = what_else(text);
    if (what == NULL)
        return ENTRASQL_OK;
    es_printable(shown, sizeof shown, path, strlen(path));
    es_fail(err, ENTRASQL_INVALID, "the token file '%s' %s", shown, what);
    es_hint(err, "it holds one access token and nothing else, as entrasql token prints it, or az "
                 "account get-access-token --resource https://database.windows.net/ --query "
                 "accessToken -o tsv");
    return ENTRASQL_INVALID;
}
