/* SPDX-License-Identifier: MIT */
/* What the Tab key offers at the prompt. */
#include "base/str.h"
#include "cli/catalog_names.h"
#include "cli/shell_inner.h"

#include <string.h>

/* What people type often; all reserved words would hide it. */
static const char *const words[] = {
    "ADD",         "ALL",
    "ALTER",       "AND",
    "ANY",         "APPLY",
    "AS",          "ASC",
    "AVG",         "BEGIN",
    "BETWEEN",     "BY",
    "CASCADE",     "CASE",
    "CAST",        "CATCH",
    "CHECK",       "CLUSTERED",
    "COALESCE",    "COLUMN",
    "COMMIT",      "CONCAT",
    "CONSTRAINT",  "CONVERT",
    "COUNT",       "CREATE",
    "CROSS",       "CURRENT_TIMESTAMP",
    "DATEADD",     "DATEDIFF",
    "DECLARE",     "DEFAULT",
    "DELETE",      "DENSE_RANK",
    "DESC",        "DISTINCT",
    "DROP",        "ELSE",
    "END",         "EXCEPT",
    "EXEC",        "EXISTS",
    "EXTERNAL",    "FETCH",
    "FOREIGN",     "FROM",
    "FULL",        "FUNCTION",
    "GETDATE",     "GETUTCDATE",
    "GRANT",       "GROUP",
    "HAVING",      "IDENTITY",
    "IF",          "IN",
    "INDEX",       "INNER",
    "INSERT",      "INTERSECT",
    "INTO",        "IS",
    "ISNULL",      "JOIN",
    "KEY",         "LEFT",
    "LEN",         "LIKE",
    "LOWER",       "MATCHED",
    "MAX",         "MEMBER",
    "MERGE",       "MIN",
    "NEXT",        "NOT",
    "NULL",        "NULLIF",
    "OFFSET",      "ON",
    "ONLY",        "OR",
    "ORDER",       "OUTER",
    "OUTPUT",      "OVER",
    "PARTITION",   "PRIMARY",
    "PRINT",       "PROCEDURE",
    "PROVIDER",    "RANK",
    "REFERENCES",  "REPLACE",
    "RETURN",      "REVOKE",
    "RIGHT",       "ROLE",
    "ROLLBACK",    "ROWS",
    "ROW_NUMBER",  "SCHEMA",
    "SCHEMA_NAME", "SELECT",
    "SET",         "STRING_AGG",
    "SUBSTRING",   "SUM",
    "SUSER_SNAME", "SYSUTCDATETIME",
    "TABLE",       "THEN",
    "THROW",       "TOP",
    "TRANSACTION", "TRIGGER",
    "TRIM",        "TRUNCATE",
    "TRY",         "UNION",
    "UNIQUE",      "UPDATE",
    "UPPER",       "USER",
    "USER_NAME",   "USING",
    "VALUES",      "VIEW",
    "WAITFOR",     "WHEN",
    "WHERE",       "WHILE",
    "WITH",
};

typedef struct offer {
    cli_shell *sh;
    const cli_complete_look *look;
    cli_choices *ret;
} offer;

static const char *database_of(const offer *o)
{
    return sql_database(o->sh->s->conn);
}

static bool has_prefix(const offer *o, const char *name)
{
    cli_slice p = o->look->prefix;
    return strlen(name) >= p.n && es_strncaseeq(name, p.text, p.n);
}

static void add_name(const offer *o, const char *name, const char *end)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(1024);
    if (!has_prefix(o, name) ||
        cli_complete_add_name(&text, name, o->look->is_quoted) != ENTRASQL_OK)
        return;
    const char *shown = es_buf_cstr(&text);
    if (shown != NULL)
        cli_choices_add(o->ret, shown, end);
}

/* As the person writes it: select, SELECT. */
static void add_word(const offer *o, const char *word)
{
    char text[40];
    size_t n = strlen(word);
    bool is_lower = es_ascii_upper(o->look->prefix.text[0]) != o->look->prefix.text[0];

    if (!has_prefix(o, word) || n >= sizeof text)
        return;
    for (size_t i = 0; i <= n; i++)
        text[i] = is_lower ? es_ascii_lower(word[i]) : word[i];
    cli_choices_add(o->ret, text, " ");
}

static void add_words(const offer *o)
{
    if (o->look->prefix.n == 0)
        return; /* all words of a language are no help */
    for (size_t i = 0; i < ES_COUNT_OF(words); i++)
        add_word(o, words[i]);
}

static void add_columns(const offer *o, const cli_complete_table *t)
{
    const cli_names *columns = cli_catalog_columns(o->sh->catalog, database_of(o), t->name);
    for (size_t i = 0; i < columns->count; i++)
        add_name(o, columns->names[i].name, "");
}

static bool is_of(const offer *o, const cli_name *n)
{
    return (n->kind == CLI_NAME_OBJECT && (o->look->wants & CLI_COMPLETE_OBJECTS) != 0) ||
           (n->kind == CLI_NAME_ROUTINE && (o->look->wants & CLI_COMPLETE_ROUTINES) != 0);
}

/* What lies in the default schema by its name alone, the rest behind its schema. */
static void add_objects(const offer *o)
{
    const cli_names *all = cli_catalog_objects(o->sh->catalog, database_of(o));
    const char *schema = "dbo";

    for (size_t i = 0; i < all->count; i++) {
        if (all->names[i].kind == CLI_NAME_DEFAULT_SCHEMA)
            schema = all->names[i].schema;
    }
    for (size_t i = 0; i < all->count; i++) {
        const cli_name *n = &all->names[i];
        if (!is_of(o, n))
            continue;
        if (es_strcaseeq(n->schema, schema))
            add_name(o, n->name, " ");
        add_name(o, n->schema, ".");
    }
    add_name(o, "sys", ".");
}

static void add_members(const offer *o)
{
    ES_CLEANUP(es_buf_done) es_buf schema = ES_BUF_INIT(1024);
    const cli_complete_table *table = cli_complete_find(o->look, o->look->qualifier);

    if (table != NULL)
        add_columns(o, table);
    if (cli_complete_bare(&schema, o->look->qualifier) != ENTRASQL_OK)
        return;
    const char *name = es_buf_cstr(&schema);
    const cli_names *all = cli_catalog_objects(o->sh->catalog, database_of(o));
    for (size_t i = 0; i < all->count; i++) {
        const cli_name *n = &all->names[i];
        if (n->kind != CLI_NAME_DEFAULT_SCHEMA && es_strcaseeq(n->schema, name))
            add_name(o, n->name, " ");
    }
}

static void add_databases(const offer *o)
{
    const cli_names *all = cli_catalog_databases(o->sh->catalog, database_of(o));
    for (size_t i = 0; i < all->count; i++) {
        if (has_prefix(o, all->names[i].name))
            cli_choices_add(o->ret, all->names[i].name, "");
    }
}

static void add_all(const offer *o)
{
    unsigned wants = o->look->wants;
    bool is_open = o->sh->s->conn != NULL && sql_is_open(o->sh->s->conn);

    if ((wants & CLI_COMPLETE_KEYWORDS) != 0)
        add_words(o);
    if (!is_open)
        return;
    if ((wants & CLI_COMPLETE_COLUMNS) != 0) {
        for (size_t i = 0; i < o->look->table_count; i++)
            add_columns(o, &o->look->tables[i]);
    }
    if ((wants & (CLI_COMPLETE_OBJECTS | CLI_COMPLETE_ROUTINES)) != 0)
        add_objects(o);
    if ((wants & CLI_COMPLETE_MEMBERS) != 0)
        add_members(o);
}

/* A shortcut's argument is no SQL: it is looked at as if it stood behind FROM. */
static void complete_argument(cli_shell *sh, const char *line, size_t at, size_t cursor,
                              unsigned wants, cli_choices *ret)
{
    static const char before[] = "FROM ";
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(64 * 1024);
    const size_t shift = sizeof before - 1;
    cli_complete_look look;

    if (es_buf_add_str(&text, before) != ENTRASQL_OK ||
        es_buf_add(&text, line + at, cursor - at) != ENTRASQL_OK)
        return;
    cli_complete((const char *)text.data, text.len, text.len, &look);
    if ((look.wants & CLI_COMPLETE_OBJECTS) != 0)
        look.wants = wants;
    ret->start = at + look.start - shift;
    add_all(&(offer){sh, &look, ret});
}

static void complete_database(cli_shell *sh, const char *line, size_t at, size_t cursor,
                              cli_choices *ret)
{
    const cli_complete_look look = {.prefix = {line + at, cursor - at}};
    ret->start = at;
    if (sh->s->conn != NULL && sql_is_open(sh->s->conn))
        add_databases(&(offer){sh, &look, ret});
}

static void complete_shortcut(cli_shell *sh, const char *line, size_t from, size_t cursor,
                              cli_choices *ret)
{
    size_t at = from + 1;

    while (at < cursor && !es_is_space(line[at]))
        at++;
    if (at == cursor) {
        ret->start = from + 1;
        cli_shell_list_words(line + from + 1, cursor - from - 1, ret);
        return;
    }
    const char *name = line + from + 1;
    cli_word_argument argument = cli_shell_argument_of(name, at - from - 1);
    while (at < cursor && es_is_space(line[at]))
        at++;
    if (argument == CLI_ARGUMENT_DATABASE)
        complete_database(sh, line, at, cursor, ret);
    else if (argument == CLI_ARGUMENT_OBJECT)
        complete_argument(sh, line, at, cursor, CLI_COMPLETE_OBJECTS, ret);
    else if (argument == CLI_ARGUMENT_ROUTINE)
        complete_argument(sh, line, at, cursor, CLI_COMPLETE_OBJECTS | CLI_COMPLETE_ROUTINES, ret);
}

static void complete_statement(cli_shell *sh, const char *line, size_t n, size_t cursor,
                               cli_choices *ret)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(CLI_BATCH_MAX_BYTES);
    const size_t before = sh->batch.text.len;
    cli_complete_look look;

    if (es_buf_add(&text, sh->batch.text.data, before) != ENTRASQL_OK ||
        es_buf_add(&text, line, n) != ENTRASQL_OK)
        return;
    cli_complete((const char *)text.data, text.len, before + cursor, &look);
    if (look.start < before)
        return; /* a name that goes over lines */
    ret->start = look.start - before;
    add_all(&(offer){sh, &look, ret});
}

void cli_shell_complete(void *ctx, const char *line, size_t n, size_t cursor, cli_choices *ret)
{
    cli_shell *sh = ctx;
    size_t from = 0;

    while (from < cursor && es_is_space(line[from]))
        from++;
    if (sh->batch.mode == CLI_BATCH_PLAIN && from < cursor && line[from] == '\\')
        complete_shortcut(sh, line, from, cursor, ret);
    else
        complete_statement(sh, line, n, cursor, ret);
    cli_choices_sort(ret);
}
