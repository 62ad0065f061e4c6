/* SPDX-License-Identifier: MIT */
/* Connection strings to the running emulator, each in the words of one driver. */
#include "internal.h"

#include "base/mem.h"

#include <string.h>

#define MAX_STRING_BYTES (64 * 1024)

typedef struct place {
    unsigned port;
    const char *database;
    const char *driver;    /* ODBC's name or file; NULL: each one's own */
    const char *ca_file;   /* PEM */
    const char *cert_file; /* PEM, the server's own first */
    const char *client_id; /* of a user-assigned identity; NULL: none */
} place;

/* ---- quoting ---- */

static bool is_plain(const char *s)
{
    if (*s == 0)
        return false;
    for (; *s != 0; s++) {
        char c = es_ascii_lower(*s);
        if (!(c >= 'a' && c <= 'z') && !es_is_digit(c) && strchr("._-/", c) == NULL)
            return false;
    }
    return true;
}

/* ODBC and JDBC: braces, the closing one doubled. */
static entrasql_status add_braced(es_buf *out, const char *value, bool always)
{
    if (!always && is_plain(value))
        return es_buf_add_str(out, value);
    ES_TRY(es_buf_add_str(out, "{"));
    for (; *value != 0; value++)
        ES_TRY(es_buf_add(out, *value == '}' ? "}}" : value, *value == '}' ? 2 : 1));
    return es_buf_add_str(out, "}");
}

/* ADO.NET: double quotes, doubled inside. */
static entrasql_status add_quoted(es_buf *out, const char *value)
{
    if (is_plain(value))
        return es_buf_add_str(out, value);
    ES_TRY(es_buf_add_str(out, "\""));
    for (; *value != 0; value++)
        ES_TRY(es_buf_add(out, *value == '"' ? "\"\"" : value, *value == '"' ? 2 : 1));
    return es_buf_add_str(out, "\"");
}

/* RFC 3986: what is not unreserved in percent signs. */
static entrasql_status add_url(es_buf *out, const char *value)
{
    for (; *value != 0; value++) {
        char c = es_ascii_lower(*value);
        if ((c >= 'a' && c <= 'z') || es_is_digit(c) || strchr("._-~", c) != NULL)
            ES_TRY(es_buf_add(out, value, 1));
        else
            ES_TRY(es_buf_printf(out, "%%%02X", (unsigned)(unsigned char)*value));
    }
    return ENTRASQL_OK;
}

/* ---- one function a driver ---- */

/* The tutorial's string; the token is an attribute that the program sets. */
static entrasql_status write_odbc(const place *p, es_buf *out)
{
    ES_TRY(es_buf_add_str(out, "Driver="));
    ES_TRY(add_braced(out, p->driver != NULL ? p->driver : "ODBC Driver 18 for SQL Server", true));
    ES_TRY(es_buf_printf(out, ";Server=tcp:localhost,%u;Database=", p->port));
    ES_TRY(add_braced(out, p->database, false));
    return es_buf_add_str(out, ";Encrypt=yes;TrustServerCertificate=no;Connection Timeout=30");
}

/* FreeTDS has no tokens: for a SQL login, or through entrasql's tunnel. */
static entrasql_status write_tdsodbc(const place *p, es_buf *out)
{
    ES_TRY(es_buf_add_str(out, "Driver="));
    ES_TRY(add_braced(out, p->driver != NULL ? p->driver : "FreeTDS", true));
    ES_TRY(es_buf_printf(out, ";Server=localhost;Port=%u;Database=", p->port));
    ES_TRY(add_braced(out, p->database, false));
    return es_buf_add_str(out, ";TDS_Version=7.4;ClientCharset=UTF-8");
}

static entrasql_status write_sqlalchemy(const place *p, es_buf *out)
{
    ES_CLEANUP(es_buf_done) es_buf odbc = ES_BUF_INIT(MAX_STRING_BYTES);
    ES_TRY(write_odbc(p, &odbc));
    const char *text = es_buf_cstr(&odbc);
    ES_TRY(es_buf_add_str(out, "mssql+pyodbc:///?odbc_connect="));
    return text != NULL ? add_url(out, text) : ENTRASQL_NOMEM;
}

static entrasql_status write_mssql_python(const place *p, es_buf *out)
{
    ES_TRY(es_buf_printf(out, "Server=tcp:localhost,%u;Database=", p->port));
    ES_TRY(add_braced(out, p->database, false));
    ES_TRY(es_buf_add_str(out, ";Encrypt=yes;TrustServerCertificate=no;"
                               "Authentication=ActiveDirectoryDefault"));
    return p->client_id != NULL ? es_buf_printf(out, ";UID=%s", p->client_id) : ENTRASQL_OK;
}

/* Java reads no PEM authorities; under strict encryption it takes the server's own certificate. */
static entrasql_status write_jdbc(const place *p, es_buf *out)
{
    ES_TRY(es_buf_printf(out, "jdbc:sqlserver://localhost:%u;databaseName=", p->port));
    ES_TRY(add_braced(out, p->database, false));
    ES_TRY(es_buf_add_str(out, ";encrypt=strict;serverCertificate="));
    ES_TRY(add_braced(out, p->cert_file, false));
    ES_TRY(es_buf_add_str(out, ";authentication=ActiveDirectoryDefault"));
    return p->client_id != NULL ? es_buf_printf(out, ";user=%s", p->client_id) : ENTRASQL_OK;
}

static entrasql_status write_go(const place *p, es_buf *out)
{
    ES_TRY(es_buf_printf(out, "sqlserver://localhost:%u?database=", p->port));
    ES_TRY(add_url(out, p->database));
    ES_TRY(es_buf_add_str(out, "&encrypt=true&certificate="));
    ES_TRY(add_url(out, p->ca_file));
    ES_TRY(es_buf_add_str(out, "&fedauth=ActiveDirectoryDefault"));
    return p->client_id != NULL ? es_buf_printf(out, "&user+id=%s", p->client_id) : ENTRASQL_OK;
}

static entrasql_status write_dotnet(const place *p, es_buf *out)
{
    ES_TRY(es_buf_printf(out, "Server=tcp:localhost,%u;Database=", p->port));
    ES_TRY(add_quoted(out, p->database));
    ES_TRY(es_buf_add_str(out, ";Encrypt=True;TrustServerCertificate=False;"
                               "Authentication=Active Directory Default"));
    return p->client_id != NULL ? es_buf_printf(out, ";User Id=%s", p->client_id) : ENTRASQL_OK;
}

static entrasql_status write_tiberius(const place *p, es_buf *out)
{
    ES_TRY(es_buf_printf(out, "server=tcp:localhost,%u;database=", p->port));
    ES_TRY(add_quoted(out, p->database));
    ES_TRY(es_buf_add_str(out, ";encrypt=true;TrustServerCertificateCA="));
    return add_quoted(out, p->ca_file);
}

/* NODE_EXTRA_CA_CERTS, which env sets, makes Node trust the authority. */
static entrasql_status write_tedious(const place *p, es_buf *out)
{
    json_writer j;
    json_writer_init(&j, out);
    json_begin_object(&j);
    json_member_put_string(&j, "server", "localhost");
    json_name(&j, "authentication");
    json_begin_object(&j);
    json_member_put_string(&j, "type", "azure-active-directory-default");
    json_name(&j, "options");
    json_begin_object(&j);
    if (p->client_id != NULL)
        json_member_put_string(&j, "clientId", p->client_id);
    json_end_object(&j);
    json_end_object(&j);
    json_name(&j, "options");
    json_begin_object(&j);
    json_member_put_i64(&j, "port", p->port);
    json_member_put_string(&j, "database", p->database);
    json_member_put_bool(&j, "encrypt", true);
    json_member_put_bool(&j, "trustServerCertificate", false);
    json_end_object(&j);
    json_end_object(&j);
    return json_writer_end(&j);
}

/* Arguments of pytds.connect(); access_token_callable is the program's. */
static entrasql_status write_pytds(const place *p, es_buf *out)
{
    json_writer j;
    json_writer_init(&j, out);
    json_begin_object(&j);
    json_member_put_string(&j, "dsn", "localhost");
    json_member_put_i64(&j, "port", p->port);
    json_member_put_string(&j, "database", p->database);
    json_member_put_string(&j, "cafile", p->ca_file);
    json_member_put_bool(&j, "validate_host", true);
    json_end_object(&j);
    return json_writer_end(&j);
}

typedef struct driver {
    const char *name;
    entrasql_status (*write)(const place *p, es_buf *out);
} driver;

static const driver drivers[] = {
    {"odbc", write_odbc},         {"tdsodbc", write_tdsodbc},
    {"pyodbc", write_odbc},       {"sqlalchemy", write_sqlalchemy},
    {"jdbc", write_jdbc},         {"mssql-python", write_mssql_python},
    {"go-mssqldb", write_go},     {"tedious", write_tedious},
    {"dotnet", write_dotnet},     {"python-tds", write_pytds},
    {"tiberius", write_tiberius},
};

/* ---- printing ---- */

static entrasql_status print_all(const place *p, bool json, es_buf *out)
{
    json_writer j;
    json_writer_init(&j, out);
    if (json)
        json_begin_object(&j);
    for (size_t i = 0; i < ES_COUNT_OF(drivers); i++) {
        ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(MAX_STRING_BYTES);
        ES_TRY(drivers[i].write(p, &text));
        const char *string = es_buf_cstr(&text);
        if (string == NULL)
            return ENTRASQL_NOMEM;
        if (json)
            json_member_put_string(&j, drivers[i].name, string);
        else
            ES_TRY(es_buf_printf(out, "%s\t%s\n", drivers[i].name, string));
    }
    if (!json)
        return ENTRASQL_OK;
    json_end_object(&j);
    ES_TRY(json_writer_end(&j));
    return es_buf_add_str(out, "\n");
}

static entrasql_status no_such_driver(const char *name, entrasql_error *err)
{
    char known[256] = "";
    for (size_t i = 0; i < ES_COUNT_OF(drivers); i++) {
        size_t n = strlen(known);
        es_strlcpy_utf8(known + n, sizeof known - n, i != 0 ? ", " : "");
        n = strlen(known);
        es_strlcpy_utf8(known + n, sizeof known - n, drivers[i].name);
    }
    (void)es_fail(err, ENTRASQL_INVALID, "there is no connection string for '%s'", name);
    es_hint(err, "There is one for %s; \"all\" prints each.", known);
    return ENTRASQL_INVALID;
}

static entrasql_status print(const emulator_env_options *o, const place *p, es_buf *out,
                             entrasql_error *err)
{
    if (es_streq(o->connstr, "all"))
        return print_all(p, o->format == EMULATOR_ENV_JSON, out) == ENTRASQL_OK ? ENTRASQL_OK
                                                                                : es_nomem(err);
    for (size_t i = 0; i < ES_COUNT_OF(drivers); i++) {
        if (!es_streq(o->connstr, drivers[i].name))
            continue;
        return drivers[i].write(p, out) == ENTRASQL_OK && es_buf_add_str(out, "\n") == ENTRASQL_OK
                   ? ENTRASQL_OK
                   : es_nomem(err);
    }
    return no_such_driver(o->connstr, err);
}

static entrasql_status print_for(const emulator_env_options *o, const world *w, unsigned port,
                                 es_buf *out, entrasql_error *err)
{
    const world_principal *who = o->as != NULL ? world_principal_find(w, o->as) : NULL;
    place p = {
        .port = port,
        .database = o->database,
        .driver = o->driver,
        .ca_file = world_ca_file(w),
        .cert_file = world_cert_file(w),
    };
    if (o->as != NULL && who == NULL)
        return es_fail(err, ENTRASQL_NOT_FOUND, "the emulator knows no '%s', or more than one",
                       o->as);
    if (who != NULL && who->kind == WORLD_IDENTITY && !who->system_assigned)
        p.client_id = who->client_id;
    if (p.database == NULL)
        p.database = world_database_count(w) != 0 ? world_database_name(w, 0) : "master";
    return print(o, &p, out, err);
}

entrasql_status emulator_connstr(const emulator_env_options *options, es_buf *out,
                                 entrasql_error *err)
{
    emulator_info info;
    world *w = NULL;
    ES_TRY(emulator_status(options->data_dir, &info, err));
    ES_TRY(world_load(options->data_dir, NULL, false, &w, err));
    entrasql_status status = print_for(options, w, info.sql_port, out, err);
    world_free(w);
    return status;
}

entrasql_status emulator_write_odbc_string(const emulator_env_options *options, const world *w,
                                           uint16_t port, es_buf *out)
{
    place p = {.port = port, .database = options->database, .driver = options->driver};
    if (p.database == NULL)
        p.database = world_database_count(w) != 0 ? world_database_name(w, 0) : "master";
    return write_odbc(&p, out);
}
