/* SPDX-License-Identifier: MIT */
/* From the tokens of a statement to what may stand at the cursor. */
#include "cli/complete.h"

#include "base/str.h"
#include "cli/batch.h"
#include "migrate/name.h"
#include "tsql/lexer.h"

#include <string.h>

#define RECENT 8

/* The tokens before the word at the cursor, the latest first. */
typedef struct before {
    tsql_token recent[RECENT];
    size_t count;
    tsql_keyword clause; /* the latest word that begins a part of a statement */
} before;

static bool is_name(const tsql_token *t)
{
    return t->kind == TSQL_TOKEN_QUOTED ||
           (t->kind == TSQL_TOKEN_WORD && t->keyword == TSQL_KW_NONE);
}

static bool is_keyword(const tsql_token *t, tsql_keyword keyword)
{
    return t->kind == TSQL_TOKEN_WORD && t->keyword == keyword;
}

/* Behind these stands a table or view. */
static bool wants_table(tsql_keyword keyword)
{
    switch ((unsigned)keyword) {
    case TSQL_KW_FROM:
    case TSQL_KW_JOIN:
    case TSQL_KW_INTO:
    case TSQL_KW_UPDATE:
    case TSQL_KW_TABLE:
    case TSQL_KW_VIEW:
    case TSQL_KW_REFERENCES:
    case TSQL_KW_DELETE:
    case TSQL_KW_INSERT:
    case TSQL_KW_MERGE:
        return true;
    default:
        return false;
    }
}

static bool is_clause(tsql_keyword keyword)
{
    switch ((unsigned)keyword) {
    case TSQL_KW_SELECT:
    case TSQL_KW_WHERE:
    case TSQL_KW_GROUP:
    case TSQL_KW_ORDER:
    case TSQL_KW_HAVING:
    case TSQL_KW_ON:
    case TSQL_KW_SET:
    case TSQL_KW_VALUES:
        return true;
    default:
        return wants_table(keyword);
    }
}

/* ---- where the cursor is ---- */

/* What is open at the end of the text. */
static cli_batch_mode mode_of(const char *text, size_t n)
{
    cli_batch b;
    uint32_t go = 0;

    cli_batch_init(&b);
    while (n != 0) {
        const char *end = memchr(text, '\n', n);
        size_t length = end != NULL ? (size_t)(end - text) : n;
        if (cli_batch_line(&b, text, length, &go, NULL) != ENTRASQL_OK)
            break;
        text += end != NULL ? length + 1 : length;
        n -= end != NULL ? length + 1 : length;
    }
    cli_batch_mode mode = b.mode;
    cli_batch_done(&b);
    return mode;
}

/* Finds what is completed; false inside of a text or a comment. */
static bool find_word(const char *text, size_t cursor, cli_complete_look *ret)
{
    cli_batch_mode mode = mode_of(text, cursor);
    char mark = mode == CLI_BATCH_BRACKET ? '[' : '"';
    size_t start = cursor;

    if (mode == CLI_BATCH_STRING || mode == CLI_BATCH_COMMENT)
        return false;
    ret->is_quoted = mode != CLI_BATCH_PLAIN;
    if (ret->is_quoted) {
        while (start != 0 && text[start - 1] != mark)
            start--;
        ret->prefix = (cli_slice){text + start, cursor - start};
        ret->start = start - (start != 0);
        return true;
    }
    while (start != 0 &&
           (es_is_digit(text[start - 1]) || text[start - 1] == '_' || text[start - 1] == '#' ||
            text[start - 1] == '$' || text[start - 1] == '@' ||
            (unsigned char)text[start - 1] >= 0x80 ||
            (es_ascii_lower(text[start - 1]) >= 'a' && es_ascii_lower(text[start - 1]) <= 'z')))
        start--;
    ret->prefix = (cli_slice){text + start, cursor - start};
    ret->start = start;
    /* A variable or a number is nothing that is listed anywhere. */
    return start == cursor || (text[start] != '@' && !es_is_digit(text[start]));
}

/* The tokens of text[0..n); false when they end in the middle of one, as in a line comment. */
static bool look_before(const char *text, size_t n, before *ret)
{
    tsql_lexer lexer;
    tsql_token token;

    tsql_lexer_init(&lexer, text, n, false, NULL);
    for (;;) {
        tsql_lexer_next(&lexer, &token);
        if (token.kind == TSQL_TOKEN_END || token.kind == TSQL_TOKEN_ERROR)
            break;
        memmove(&ret->recent[1], &ret->recent[0], (RECENT - 1) * sizeof ret->recent[0]);
        ret->recent[0] = token;
        ret->count++;
        if (token.kind == TSQL_TOKEN_SEMICOLON)
            ret->clause = TSQL_KW_NONE;
        else if (token.kind == TSQL_TOKEN_WORD && is_clause(token.keyword))
            ret->clause = token.keyword;
    }
    return token.kind == TSQL_TOKEN_END;
}

static bool is_in_line_comment(const char *text, size_t n)
{
    /* With a quote at the end a comment swallows it, and anything else is left open by it. */
    size_t line = n;
    while (line != 0 && text[line - 1] != '\n')
        line--;
    for (size_t i = line; i + 1 < n; i++) {
        if (text[i] == '-' && text[i + 1] == '-' && mode_of(text, i) == CLI_BATCH_PLAIN)
            return true;
    }
    return false;
}

/* a.b. before the cursor: from the first part to the last. */
static cli_slice qualifier_of(const before *b)
{
    size_t first = 0;
    for (size_t i = 1; i < RECENT && i < b->count; i += 2) {
        if (!is_name(&b->recent[i]))
            break;
        first = i;
        if (i + 1 >= b->count || i + 1 >= RECENT || b->recent[i + 1].kind != TSQL_TOKEN_DOT)
            break;
    }
    if (first == 0)
        return (cli_slice){NULL, 0};
    const char *from = b->recent[first].text - (b->recent[first].kind == TSQL_TOKEN_QUOTED);
    const tsql_token *last = &b->recent[1];
    const char *to = last->text + last->length + (last->kind == TSQL_TOKEN_QUOTED);
    return (cli_slice){from, (size_t)(to - from)};
}

static unsigned wants_of(const before *b)
{
    const tsql_token *last = &b->recent[0];

    if (b->count == 0 || last->kind == TSQL_TOKEN_SEMICOLON)
        return CLI_COMPLETE_KEYWORDS;
    if (last->kind == TSQL_TOKEN_DOT)
        return CLI_COMPLETE_MEMBERS;
    if (last->kind == TSQL_TOKEN_COMMA && b->clause == TSQL_KW_FROM)
        return CLI_COMPLETE_OBJECTS;
    if (last->kind != TSQL_TOKEN_WORD)
        return CLI_COMPLETE_KEYWORDS | CLI_COMPLETE_COLUMNS;
    if (is_keyword(last, TSQL_KW_DELETE) || is_keyword(last, TSQL_KW_INSERT))
        return CLI_COMPLETE_KEYWORDS | CLI_COMPLETE_OBJECTS;
    if (wants_table(last->keyword))
        return CLI_COMPLETE_OBJECTS;
    if (is_keyword(last, TSQL_KW_EXEC) || is_keyword(last, TSQL_KW_EXECUTE) ||
        is_keyword(last, TSQL_KW_PROC) || is_keyword(last, TSQL_KW_PROCEDURE) ||
        is_keyword(last, TSQL_KW_FUNCTION))
        return CLI_COMPLETE_ROUTINES;
    return CLI_COMPLETE_KEYWORDS | CLI_COMPLETE_COLUMNS;
}

/* ---- the tables ---- */

typedef struct reader {
    tsql_lexer lexer;
    tsql_token token;
    const char *end; /* behind the token before */
} reader;

static void step(reader *r)
{
    const tsql_token *t = &r->token;
    if (t->text != NULL)
        r->end = t->text + t->length + (t->kind == TSQL_TOKEN_QUOTED);
    tsql_lexer_next(&r->lexer, &r->token);
}

static cli_slice take_name(reader *r)
{
    const char *from = r->token.text - (r->token.kind == TSQL_TOKEN_QUOTED);
    step(r);
    const char *to = r->end;
    while (r->token.kind == TSQL_TOKEN_DOT) {
        step(r);
        /* Half a name may be a reserved word. */
        if (!is_name(&r->token) && r->token.kind != TSQL_TOKEN_WORD)
            break;
        step(r);
        to = r->end;
    }
    return (cli_slice){from, (size_t)(to - from)};
}

static void take_table(reader *r, cli_complete_look *ret)
{
    cli_complete_table table = {.name = take_name(r)};

    if (is_keyword(&r->token, TSQL_KW_AS))
        step(r);
    if (is_name(&r->token))
        table.alias = take_name(r);
    if (ret->table_count < CLI_COMPLETE_TABLES)
        ret->tables[ret->table_count++] = table;
}

static void find_tables(const char *text, size_t n, cli_complete_look *ret)
{
    reader r = {0};

    tsql_lexer_init(&r.lexer, text, n, false, NULL);
    step(&r);
    while (r.token.kind != TSQL_TOKEN_END && r.token.kind != TSQL_TOKEN_ERROR) {
        bool is_from = is_keyword(&r.token, TSQL_KW_FROM);
        bool is_wanted = r.token.kind == TSQL_TOKEN_WORD && wants_table(r.token.keyword);
        step(&r);
        if (!is_wanted || !is_name(&r.token))
            continue;
        take_table(&r, ret);
        while (is_from && r.token.kind == TSQL_TOKEN_COMMA) {
            step(&r);
            if (is_name(&r.token))
                take_table(&r, ret);
        }
    }
}

void cli_complete(const char *text, size_t n, size_t cursor, cli_complete_look *ret)
{
    before b = {0};

    *ret = (cli_complete_look){0};
    if (cursor > n || is_in_line_comment(text, cursor) || !find_word(text, cursor, ret) ||
        !look_before(text, ret->start, &b))
        return;
    ret->wants = wants_of(&b);
    if (ret->wants == CLI_COMPLETE_MEMBERS)
        ret->qualifier = qualifier_of(&b);
    if (ret->wants == CLI_COMPLETE_MEMBERS && ret->qualifier.text == NULL)
        ret->wants = 0;
    if (ret->is_quoted)
        ret->wants &= ~(unsigned)CLI_COMPLETE_KEYWORDS;
    find_tables(text, n, ret);
}

/* ---- names ---- */

static char closing(char mark)
{
    if (mark == '[')
        return ']';
    return mark == '"' ? '"' : '\0';
}

/* Where the last part of a name begins. */
static size_t last_part(cli_slice name)
{
    size_t start = 0;
    for (size_t i = 0; i < name.n; i++) {
        char close = closing(name.text[i]);
        if (close != '\0') {
            do
                i++;
            while (i < name.n && name.text[i] != close);
        } else if (name.text[i] == '.') {
            start = i + 1;
        }
    }
    return start;
}

entrasql_status cli_complete_bare(es_buf *out, cli_slice name)
{
    size_t i = last_part(name);
    char close = i < name.n ? closing(name.text[i]) : '\0';

    if (close == '\0')
        return es_buf_add(out, name.text + i, name.n - i);
    for (i++; i < name.n; i++) {
        if (name.text[i] == close && (i + 1 >= name.n || name.text[++i] != close))
            break;
        ES_TRY(es_buf_u8(out, (uint8_t)name.text[i]));
    }
    return ENTRASQL_OK;
}

static bool is_same(cli_slice a, const es_buf *bare)
{
    ES_CLEANUP(es_buf_done) es_buf b = ES_BUF_INIT(4096);
    return a.text != NULL && cli_complete_bare(&b, a) == ENTRASQL_OK && b.len == bare->len &&
           es_strncaseeq((const char *)b.data, (const char *)bare->data, b.len);
}

const cli_complete_table *cli_complete_find(const cli_complete_look *look, cli_slice qualifier)
{
    ES_CLEANUP(es_buf_done) es_buf wanted = ES_BUF_INIT(4096);

    if (cli_complete_bare(&wanted, qualifier) != ENTRASQL_OK || wanted.len == 0)
        return NULL;
    for (size_t i = 0; i < look->table_count; i++) {
        if (is_same(look->tables[i].alias, &wanted))
            return &look->tables[i];
    }
    for (size_t i = 0; i < look->table_count; i++) {
        if (is_same(look->tables[i].name, &wanted))
            return &look->tables[i];
    }
    return NULL;
}

/* Letters, digits and _@#$, not beginning with a digit; other letters than ASCII's are letters. */
static bool is_plain_name(const char *name)
{
    for (const char *p = name; *p != '\0'; p++) {
        char lower = es_ascii_lower(*p);
        bool is_letter = (lower >= 'a' && lower <= 'z') || *p == '_' || (unsigned char)*p >= 0x80;
        if (!is_letter && (p == name || (!es_is_digit(*p) && strchr("@#$", *p) == NULL)))
            return false;
    }
    return *name != '\0' && tsql_keyword_find(name, strlen(name)) == TSQL_KW_NONE;
}

entrasql_status cli_complete_add_name(es_buf *out, const char *name, bool is_quoted)
{
    if (!is_quoted && is_plain_name(name))
        return es_buf_add_str(out, name);
    return migrate_add_identifier(out, name);
}
