/* SPDX-License-Identifier: MIT */
#include "cli/catalog_names.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/utf16.h"
#include "migrate/name.h"

#include <string.h>

#define LOGIN_MS 3000
#define QUERY_MS 2000
#define QUERY_MAX_BYTES 8192
#define NAMES_MAX 20000
#define KEPT_MAX 16

/* What was read since the last statement, by its query. */
typedef struct kept {
    char *query;
    cli_names names;
} kept;

struct cli_catalog {
    const cli_connector *connector;
    sql_conn *conn; /* NULL: not opened yet, or not to be had */
    char *database; /* of the connection */
    bool has_failed;
    kept kept[KEPT_MAX];
    size_t kept_count;
};

static void names_done(cli_names *n)
{
    for (size_t i = 0; i < n->count; i++) {
        es_free(n->names[i].schema);
        es_free(n->names[i].name);
    }
    es_free(n->names);
    *n = (cli_names){0};
}

cli_catalog *cli_catalog_new(const cli_connector *connector)
{
    cli_catalog *c = es_calloc(1, sizeof *c);
    if (c != NULL)
        c->connector = connector;
    return c;
}

void cli_catalog_forget(cli_catalog *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < c->kept_count; i++) {
        es_free(c->kept[i].query);
        names_done(&c->kept[i].names);
    }
    c->kept_count = 0;
}

void cli_catalog_close(cli_catalog *c)
{
    if (c == NULL)
        return;
    cli_catalog_forget(c);
    sql_close(c->conn);
    es_free(c->database);
    c->conn = NULL;
    c->database = NULL;
    c->has_failed = false;
}

void cli_catalog_free(cli_catalog *c)
{
    cli_catalog_close(c);
    es_free(c);
}

/* ---- reading ---- */

/* What a terminal would obey is in no list. */
static bool is_printable(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        bool is_c1 = c == 0xC2 && i + 1 < n && (unsigned char)s[i + 1] < 0xA0;
        if (c < 0x20 || c == 0x7F || is_c1)
            return false;
    }
    return es_utf8_is_valid(s, n);
}

static const char *text_of(const sqlvalue *v, size_t *ret_n)
{
    bool is_text = !v->is_null && sqltype_is_string(v->type.id);
    *ret_n = is_text ? v->u.s.len : 0;
    return is_text && v->u.s.data != NULL ? v->u.s.data : "";
}

/* kind, schema, name */
static entrasql_status on_row(void *ctx, const sqlvalue *values, size_t count)
{
    static const char kinds[] = {
        [CLI_NAME_OBJECT] = 'o',   [CLI_NAME_ROUTINE] = 'r',        [CLI_NAME_COLUMN] = 'c',
        [CLI_NAME_DATABASE] = 'd', [CLI_NAME_DEFAULT_SCHEMA] = 's',
    };
    cli_names *names = ctx;
    size_t n = 0;
    size_t schema_n = 0;
    size_t name_n = 0;

    if (count != 3 || names->count == NAMES_MAX)
        return ENTRASQL_OK;
    const char *kind = text_of(&values[0], &n);
    const char *schema = text_of(&values[1], &schema_n);
    const char *name = text_of(&values[2], &name_n);
    const char *found = n == 1 ? memchr(kinds, *kind, sizeof kinds) : NULL;
    if (found == NULL || !is_printable(schema, schema_n) || !is_printable(name, name_n))
        return ENTRASQL_OK;
    cli_name *grown = es_reallocarray(names->names, names->count + 1, sizeof *grown);
    if (grown == NULL)
        return ENTRASQL_NOMEM;
    names->names = grown;
    cli_name *added = &grown[names->count++];
    *added = (cli_name){(cli_name_kind)(found - kinds), es_strndup(schema, schema_n),
                        es_strndup(name, name_n)};
    return added->schema != NULL && added->name != NULL ? ENTRASQL_OK : ENTRASQL_NOMEM;
}

/* Nobody waits long for a word: neither for a server, nor for a lock on the catalog. */
static void open_connection(cli_catalog *c, const char *database)
{
    static const sql_handler nothing = {0};
    cli_connector connector = *c->connector;
    char *name = es_strdup(database);

    c->has_failed = true;
    if (name == NULL)
        return;
    connector.target.database = name;
    connector.login_timeout_ms = LOGIN_MS;
    if (cli_connector_open(&connector, &c->conn, NULL) != ENTRASQL_OK) {
        es_free(name);
        return;
    }
    c->database = name;
    c->has_failed = sql_batch(c->conn,
                              "SET LOCK_TIMEOUT 500; SET TRANSACTION ISOLATION LEVEL READ "
                              "UNCOMMITTED",
                              &nothing, QUERY_MS, NULL) != ENTRASQL_OK;
}

static const cli_names *read_names(cli_catalog *c, const char *database, const char *query)
{
    static const cli_names none = {0};
    cli_names names = {0};
    const sql_handler handler = {.ctx = &names, .row = on_row};

    if (c == NULL || query == NULL)
        return &none;
    if (c->database != NULL && !es_streq(c->database, database))
        cli_catalog_close(c);
    for (size_t i = 0; i < c->kept_count; i++) {
        if (es_streq(c->kept[i].query, query))
            return &c->kept[i].names;
    }
    if (c->conn == NULL && !c->has_failed)
        open_connection(c, database);
    if (c->has_failed)
        return &none;
    if (c->kept_count == KEPT_MAX)
        cli_catalog_forget(c);
    char *key = es_strdup(query);
    if (key == NULL || sql_batch(c->conn, query, &handler, QUERY_MS, NULL) != ENTRASQL_OK) {
        c->has_failed = !sql_is_open(c->conn);
        names_done(&names);
        es_free(key);
        return &none;
    }
    kept *k = &c->kept[c->kept_count++];
    *k = (kept){key, names};
    return &k->names;
}

const cli_names *cli_catalog_objects(cli_catalog *c, const char *database)
{
    return read_names(c, database,
                      "SELECT 's', SCHEMA_NAME(), N'' UNION ALL SELECT CASE WHEN o.type IN ('U', "
                      "'V') THEN 'o' ELSE "
                      "'r' END, s.name, o.name FROM sys.objects o JOIN sys.schemas s ON "
                      "s.schema_id = o.schema_id "
                      "WHERE o.is_ms_shipped = 0 AND o.type IN ('U', 'V', 'P', 'FN', 'IF', 'TF', "
                      "'PC', 'FS', 'FT')");
}

const cli_names *cli_catalog_databases(cli_catalog *c, const char *database)
{
    return read_names(c, database, "SELECT 'd', N'', name FROM sys.databases");
}

static entrasql_status add_columns_query(es_buf *query, cli_slice table)
{
    ES_CLEANUP(es_buf_done) es_buf name = ES_BUF_INIT(QUERY_MAX_BYTES);
    ES_TRY(es_buf_add(&name, table.text, table.n));
    const char *text = es_buf_cstr(&name);
    if (text == NULL)
        return ENTRASQL_NOMEM;
    ES_TRY(es_buf_add_str(
        query, "SELECT 'c', N'', c.name FROM sys.columns c WHERE c.object_id = OBJECT_ID("));
    ES_TRY(migrate_add_text(query, text));
    return es_buf_u8(query, ')');
}

const cli_names *cli_catalog_columns(cli_catalog *c, const char *database, cli_slice table)
{
    ES_CLEANUP(es_buf_done) es_buf query = ES_BUF_INIT(QUERY_MAX_BYTES);
    bool is_whole = add_columns_query(&query, table) == ENTRASQL_OK;
    return read_names(c, database, is_whole ? es_buf_cstr(&query) : NULL);
}
