/* SPDX-License-Identifier: MIT */
/* Connection strings to the running emulator, each in the words of one driver. */
#include "internal.h"

#include "base/mem.h"
#include "conf/form.h"

#include <stdio.h>
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

/* Microsoft's ODBC driver takes "localhost" for the machine's own name, whose address may be
   another one; the name in the certificate stays. */
#define MICROSOFTS_HOST "127.0.0.1"

/* ---- one function a driver ---- */

/* "tcp:localhost,<port>" and the database, as ODBC, ADO.NET and tiberius write them. */
static entrasql_status add_server(const place *p, const char *host, conf_connstr *list)
{
    char server[40];
    (void)snprintf(server, sizeof server, "tcp:%s,%u", host, p->port);
    ES_TRY(conf_connstr_append(list, "Server", server));
    return conf_connstr_append(list, "Database", p->database);
}

static entrasql_status add_port(const place *p, const char *keyword, conf_connstr *list)
{
    char port[8];
    (void)snprintf(port, sizeof port, "%u", p->port);
    return conf_connstr_append(list, keyword, port);
}

/* Pairs of keyword and value, ended by NULL. */
static entrasql_status add_all(conf_connstr *list, const char *const *pairs)
{
    for (; *pairs != NULL; pairs += 2)
        ES_TRY(conf_connstr_append(list, pairs[0], pairs[1]));
    return ENTRASQL_OK;
}

static entrasql_status add_client_id(const place *p, const char *keyword, conf_connstr *list)
{
    return p->client_id != NULL ? conf_connstr_append(list, keyword, p->client_id) : ENTRASQL_OK;
}

/* The tutorial's string; the token is an attribute that the program sets. */
static entrasql_status list_odbc(const place *p, conf_connstr *list)
{
    static const char *const rest[] = {"Encrypt",
                                       "yes",
                                       "TrustServerCertificate",
                                       "no",
                                       "HostNameInCertificate",
                                       "localhost",
                                       "Connection Timeout",
                                       "30",
                                       NULL};
    ES_TRY(conf_connstr_append(list, "Driver",
                               p->driver != NULL ? p->driver : "ODBC Driver 18 for SQL Server"));
    ES_TRY(add_server(p, MICROSOFTS_HOST, list));
    return add_all(list, rest);
}

static entrasql_status write_odbc(const place *p, es_buf *out)
{
    ES_CLEANUP(conf_connstr_done) conf_connstr list = {0};
    ES_TRY(list_odbc(p, &list));
    return conf_form_print(CONF_FORM_ODBC, &list, out, NULL);
}

/* FreeTDS has no tokens: for a SQL login, or through entrasql's tunnel. */
static entrasql_status write_tdsodbc(const place *p, es_buf *out)
{
    static const char *const rest[] = {"TDS_Version", "7.4", "ClientCharset", "UTF-8", NULL};
    ES_CLEANUP(conf_connstr_done) conf_connstr list = {0};
    ES_TRY(conf_connstr_append(&list, "Driver", p->driver != NULL ? p->driver : "FreeTDS"));
    ES_TRY(conf_connstr_append(&list, "Server", "localhost"));
    ES_TRY(add_port(p, "Port", &list));
    ES_TRY(conf_connstr_append(&list, "Database", p->database));
    ES_TRY(add_all(&list, rest));
    return conf_form_print(CONF_FORM_ODBC, &list, out, NULL);
}

static entrasql_status write_sqlalchemy(const place *p, es_buf *out)
{
    ES_CLEANUP(es_buf_done) es_buf odbc = ES_BUF_INIT(MAX_STRING_BYTES);
    ES_CLEANUP(conf_connstr_done) conf_connstr list = {0};
    ES_TRY(write_odbc(p, &odbc));
    const char *text = es_buf_cstr(&odbc);
    if (text == NULL)
        return ENTRASQL_NOMEM;
    ES_TRY(conf_connstr_append(&list, "drivername", "mssql+pyodbc"));
    ES_TRY(conf_connstr_append(&list, "odbc_connect", text));
    return conf_form_print(CONF_FORM_SQLALCHEMY, &list, out, NULL);
}

static entrasql_status write_mssql_python(const place *p, es_buf *out)
{
    static const char *const rest[] = {"Encrypt",
                                       "yes",
                                       "TrustServerCertificate",
                                       "no",
                                       "HostNameInCertificate",
                                       "localhost",
                                       "Authentication",
                                       "ActiveDirectoryDefault",
                                       NULL};
    ES_CLEANUP(conf_connstr_done) conf_connstr list = {0};
    ES_TRY(add_server(p, MICROSOFTS_HOST, &list));
    ES_TRY(add_all(&list, rest));
    ES_TRY(add_client_id(p, "UID", &list));
    return conf_form_print(CONF_FORM_ODBC, &list, out, NULL);
}

/* Java reads no PEM authorities; under strict encryption it takes the server's own certificate. */
static entrasql_status write_jdbc(const place *p, es_buf *out)
{
    ES_CLEANUP(conf_connstr_done) conf_connstr list = {0};
    ES_TRY(conf_connstr_append(&list, "serverName", "localhost"));
    ES_TRY(add_port(p, "portNumber", &list));
    ES_TRY(conf_connstr_append(&list, "databaseName", p->database));
    ES_TRY(conf_connstr_append(&list, "encrypt", "strict"));
    ES_TRY(conf_connstr_append(&list, "serverCertificate", p->cert_file));
    ES_TRY(conf_connstr_append(&list, "authentication", "ActiveDirectoryDefault"));
    ES_TRY(add_client_id(p, "user", &list));
    return conf_form_print(CONF_FORM_JDBC, &list, out, NULL);
}

static entrasql_status write_go(const place *p, es_buf *out)
{
    ES_CLEANUP(conf_connstr_done) conf_connstr list = {0};
    ES_TRY(conf_connstr_append(&list, "server", "localhost"));
    ES_TRY(add_port(p, "port", &list));
    ES_TRY(conf_connstr_append(&list, "database", p->database));
    ES_TRY(conf_connstr_append(&list, "encrypt", "true"));
    ES_TRY(conf_connstr_append(&list, "certificate", p->ca_file));
    ES_TRY(conf_connstr_append(&list, "fedauth", "ActiveDirectoryDefault"));
    ES_TRY(add_client_id(p, "user id", &list));
    return conf_form_print(CONF_FORM_GO, &list, out, NULL);
}

static entrasql_status write_dotnet(const place *p, es_buf *out)
{
    static const char *const rest[] = {"Encrypt", "True",           "TrustServerCertificate",
                                       "False",   "Authentication", "Active Directory Default",
                                       NULL};
    ES_CLEANUP(conf_connstr_done) conf_connstr list = {0};
    ES_TRY(add_server(p, "localhost", &list));
    ES_TRY(add_all(&list, rest));
    ES_TRY(add_client_id(p, "User Id", &list));
    return conf_form_print(CONF_FORM_ADO, &list, out, NULL);
}

static entrasql_status write_tiberius(const place *p, es_buf *out)
{
    ES_CLEANUP(conf_connstr_done) conf_connstr list = {0};
    ES_TRY(add_server(p, "localhost", &list));
    ES_TRY(conf_connstr_append(&list, "encrypt", "true"));
    ES_TRY(conf_connstr_append(&list, "TrustServerCertificateCA", p->ca_file));
    return conf_form_print(CONF_FORM_ADO, &list, out, NULL);
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
