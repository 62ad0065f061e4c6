/* SPDX-License-Identifier: MIT */
/* odbc_glue: which driver, which string it is handed, and what its records mean. */
#include "base/str.h"
#include "odbc_glue/diag.h"
#include "odbc_glue/rewrite.h"

#include <entrasql/odbc.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[] = "/tmp/entrasql-glue-XXXXXX";

static void write_file(const char *name, const char *text)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

/* An installation of our own: the installer's files are found through the environment. */
static int set_up(void **state)
{
    (void)state;
    if (mkdtemp(directory) == NULL)
        return -1;
    write_file("odbcinst.ini", "[ODBC]\nPooling=Yes\n"
                               "[FreeTDS]\nDriver=libtdsodbc.so\nCPTimeout=\n"
                               "[ODBC Driver 17 for SQL Server]\nDriver=/opt/x/libtdsodbc.so\n"
                               "[ODBC Driver 18 for SQL Server]\n"
                               "Driver=/opt/microsoft/libmsodbcsql-18.so.2\nCPTimeout=60\n"
                               "[Pooled]\nDriver=libother.so\nCPTimeout=10\n");
    write_file("odbc.ini", "[persons]\nDriver=FreeTDS\nServer=srv\nPort=1500\nDatabase=d\n"
                           "Description=none\nTDS_Version=7.4\n[nodriver]\nServer=x\n");
    char path[200];
    snprintf(path, sizeof path, "%s/odbc.ini", directory);
    setenv("ODBCSYSINI", directory, 1);
    setenv("ODBCINI", path, 1);
    unsetenv("ODBCINSTINI");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    char path[200];
    snprintf(path, sizeof path, "%s/odbc.ini", directory);
    unlink(path);
    snprintf(path, sizeof path, "%s/odbcinst.ini", directory);
    unlink(path);
    return rmdir(directory);
}

static void kinds_of_drivers(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *library;
        glue_driver_kind kind;
    } cases[] = {
        {"ODBC Driver 18 for SQL Server", "/opt/lib/libmsodbcsql-18.3.so.2.1",
         GLUE_DRIVER_MICROSOFT},
        {"odbc driver 13 for sql server", NULL, GLUE_DRIVER_MICROSOFT},
        {"ODBC Driver 18 for SQL Server", "/usr/lib/libtdsodbc.so", GLUE_DRIVER_FREETDS},
        {"ODBC Driver  for SQL Server", NULL, GLUE_DRIVER_OTHER},
        {"ODBC Driver 18 for SQL Servers", NULL, GLUE_DRIVER_OTHER},
        {"/x/libmsodbcsql-18.6.so.2.1", "/x/libmsodbcsql-18.6.so.2.1", GLUE_DRIVER_MICROSOFT},
        {"/msodbcsql/libtdsodbc.so", "/msodbcsql/libtdsodbc.so", GLUE_DRIVER_FREETDS},
        {"/tmp/libMSODBCSQL.dylib", "/tmp/libMSODBCSQL.dylib", GLUE_DRIVER_MICROSOFT},
        {"FreeTDS", NULL, GLUE_DRIVER_FREETDS},
        {"mine", "libtdsodbc.so", GLUE_DRIVER_FREETDS},
        {"mine", "libmine.so", GLUE_DRIVER_OTHER},
    };
    for (size_t i = 0; i < ES_COUNT_OF(cases); i++)
        assert_int_equal(glue_driver_kind_of(cases[i].name, cases[i].library), cases[i].kind);
}

static entrasql_status find(const char *text, glue_driver *d, entrasql_error *err)
{
    conf_connstr c;
    assert_int_equal(conf_connstr_parse(text, &c, NULL), ENTRASQL_OK);
    entrasql_status status = glue_driver_find(&c, d, err);
    conf_connstr_done(&c);
    return status;
}

static void the_installer_is_asked(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        glue_driver_kind kind;
        const char *library;
    } good[] = {
        {"Driver={FreeTDS}", GLUE_DRIVER_FREETDS, "libtdsodbc.so"},
        {"DRIVER=ODBC Driver 18 for SQL Server", GLUE_DRIVER_MICROSOFT,
         "/opt/microsoft/libmsodbcsql-18.so.2"},
        {"driver={ODBC Driver 17 for SQL Server}", GLUE_DRIVER_FREETDS, "/opt/x/libtdsodbc.so"},
        {"DSN=persons", GLUE_DRIVER_FREETDS, "libtdsodbc.so"},
        {"Driver=/bin/sh", GLUE_DRIVER_OTHER, "/bin/sh"},
    };
    static const struct {
        const char *text;
        const char *says;
    } bad[] = {
        {"Server=h", "names no driver"},
        {"Driver=", "names no driver"},
        {"DSN=nodriver", "data source 'nodriver'"},
        {"DSN=nobody", "data source 'nobody'"},
        {"Driver=Nobody", "'Nobody' is not registered"},
        {"Driver=/nowhere/lib.so", "'/nowhere/lib.so' cannot be read"},
    };
    glue_driver d;
    entrasql_error err;
    for (size_t i = 0; i < ES_COUNT_OF(good); i++) {
        if (find(good[i].text, &d, &err) != ENTRASQL_OK)
            fail_msg("%s: %s", good[i].text, err.message);
        assert_int_equal(d.kind, good[i].kind);
        assert_string_equal(d.library, good[i].library);
        glue_driver_done(&d);
    }
    for (size_t i = 0; i < ES_COUNT_OF(bad); i++) {
        assert_int_equal(find(bad[i].text, &d, &err), ENTRASQL_CONFIG);
        if (strstr(err.message, bad[i].says) == NULL)
            fail_msg("%s gave: %s", bad[i].text, err.message);
        assert_true(err.hint[0] != '\0');
    }
}

static void pools_are_seen(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool pooled;
    } cases[] = {
        {"Driver=ODBC Driver 18 for SQL Server", true},
        {"Driver=Pooled", true},
        {"Driver=FreeTDS", false},
        {"Driver=/bin/sh", false},
    };
    for (size_t i = 0; i < ES_COUNT_OF(cases); i++) {
        glue_driver d;
        const char *setting = NULL;
        assert_int_equal(find(cases[i].text, &d, NULL), ENTRASQL_OK);
        assert_int_equal(glue_driver_is_pooled(&d, &setting), cases[i].pooled);
        if (cases[i].pooled)
            assert_non_null(strstr(setting, "odbcinst.ini"));
        glue_driver_done(&d);
    }
}

static void a_data_source_fills_the_gaps(void **state)
{
    (void)state;
    conf_connstr c;
    assert_int_equal(conf_connstr_parse("DSN=persons;Database=other", &c, NULL), ENTRASQL_OK);
    assert_int_equal(glue_dsn_merge(&c, NULL), ENTRASQL_OK);
    assert_string_equal(conf_connstr_get(&c, "Server"), "srv");
    assert_string_equal(conf_connstr_get(&c, "Port"), "1500");
    assert_string_equal(conf_connstr_get(&c, "Database"), "other");
    assert_string_equal(conf_connstr_get(&c, "Driver"), "FreeTDS");
    assert_null(conf_connstr_get(&c, "Description"));
    conf_connstr_done(&c);
}

static void another_sign_in_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *keyword; /* NULL: nothing to refuse */
    } cases[] = {
        {"Server=h;Encrypt=yes", NULL},
        {"Trusted_Connection=no", NULL},
        {"trusted_connection=Yes", "trusted_connection="},
        {"Integrated Security=SSPI", "Integrated Security="},
        {"UID=x", "UID="},
        {"User ID=", "User ID="},
        {"PWD=secret-text", "PWD="},
        {"Password=secret-text;UID=x", "UID="},
        {"Authentication=ActiveDirectoryMsi", "Authentication="},
    };
    for (size_t i = 0; i < ES_COUNT_OF(cases); i++) {
        conf_connstr c;
        entrasql_error err;
        assert_int_equal(conf_connstr_parse(cases[i].text, &c, NULL), ENTRASQL_OK);
        entrasql_status status = glue_check_no_other_login(&c, &err);
        conf_connstr_done(&c);
        assert_int_equal(entrasql_odbc_has_own_login(cases[i].text), cases[i].keyword != NULL);
        if (cases[i].keyword == NULL) {
            assert_int_equal(status, ENTRASQL_OK);
            continue;
        }
        assert_int_equal(status, ENTRASQL_CONFIG);
        assert_non_null(strstr(err.message, cases[i].keyword));
        assert_null(strstr(err.message, "secret-text"));
    }
    assert_false(entrasql_odbc_has_own_login(NULL));
    assert_false(entrasql_odbc_has_own_login("UID"));
}

static char warnings[1000];

static void collect_warning(void *context, const char *message)
{
    assert_ptr_equal(context, warnings);
    size_t used = strlen(warnings);
    snprintf(warnings + used, sizeof warnings - used, "%s|", message);
}

static const struct rewrite_case {
    glue_driver_kind kind;
    const char *text;
    const char *result;
    const char *warned;
} rewrite_cases[] = {
    {GLUE_DRIVER_FREETDS,
     "Driver={FreeTDS};Server=tcp:srv.database.windows.net,1433;Database=persons;Encrypt=yes;"
     "TrustServerCertificate=no;Connection Timeout=30",
     "Driver=the driver;Database=persons;Server=127.0.0.1;Port=1234;UID=tunnel;PWD=s3cret;"
     "TDS_Version=7.4;Encryption=off;ClientCharset=UTF-8",
     ""},
    {GLUE_DRIVER_FREETDS,
     "DSN=x;Server=h;Port=5;TDS_Version=7.3;ClientCharset=ISO-8859-1;Encryption=require;"
     "Application Name=a;Initial Catalog=d;HostNameInCertificate=n;TextSize=9;Servername=f",
     "TDS_Version=7.4;ClientCharset=ISO-8859-1;TextSize=9;Driver=the driver;Database=d;APP=a;"
     "Server=127.0.0.1;Port=1234;UID=tunnel;PWD=s3cret;Encryption=off",
     "TDS_Version is 7.4 with a token, not what the connection string says|"},
    {GLUE_DRIVER_FREETDS, "MARS_Connection=yes;ColumnEncryption=Enabled",
     "ColumnEncryption=Enabled;Driver=the driver;Server=127.0.0.1;Port=1234;UID=tunnel;PWD=s3cret;"
     "TDS_Version=7.4;Encryption=off;ClientCharset=UTF-8",
     "MARS_Connection is not available with this driver and a token|"
     "the keyword ColumnEncryption is not known here and is handed to the driver|"},
    {GLUE_DRIVER_OTHER, "Address=h;APP=a;Timeout=3;Trusted_Connection=no",
     "APP=a;Driver=the driver;Server=127.0.0.1,1234;UID=tunnel;PWD=s3cret;Encrypt=no", ""},
};

static void strings_for_the_tunnel(void **state)
{
    (void)state;
    char name[] = "the driver";
    es_secret *secret = es_secret_from_str("s3cret");
    const glue_tunnel_address address = {.port = 1234, .user = "tunnel", .secret = secret};
    const glue_warning warning = {collect_warning, warnings};
    for (size_t i = 0; i < ES_COUNT_OF(rewrite_cases); i++) {
        const struct rewrite_case *r = &rewrite_cases[i];
        const glue_driver driver = {.kind = r->kind, .name = name};
        conf_connstr c;
        es_buf out = ES_BUF_INIT_WIPE(2000);
        warnings[0] = '\0';
        assert_int_equal(conf_connstr_parse(r->text, &c, NULL), ENTRASQL_OK);
        assert_int_equal(glue_rewrite_for_tunnel(&c, &driver, &address, &warning, NULL),
                         ENTRASQL_OK);
        /* The braces of the customary form are conf's business. */
        assert_int_equal(conf_connstr_set(&c, "Driver", "d"), ENTRASQL_OK);
        assert_int_equal(conf_connstr_print(&c, &out), ENTRASQL_OK);
        char expected[1000];
        snprintf(expected, sizeof expected, "%s", r->result);
        char *place = strstr(expected, "Driver=the driver");
        assert_non_null(place);
        memmove(place + 8, place + 17, strlen(place + 17) + 1);
        place[7] = 'd';
        assert_string_equal(es_buf_cstr(&out), expected);
        assert_string_equal(warnings, r->warned);
        es_buf_done(&out);
        conf_connstr_done(&c);
    }
    es_secret_unref(secret);
}

/* Microsoft's driver takes localhost for the machine's own name. */
static void loopback_by_address(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *result;
    } cases[] = {
        {"Server=tcp:localhost,1444;APP=a",
         "APP=a;Server=tcp:127.0.0.1,1444;HostNameInCertificate=localhost"},
        {"APP=a;Data Source=LOCALHOST",
         "APP=a;Server=tcp:127.0.0.1,1433;HostNameInCertificate=localhost"},
        {"Server=localhost;Host Name In Certificate=sql.example",
         "Host Name In Certificate=sql.example;Server=tcp:127.0.0.1,1433"},
        {"Server=localhost.example;APP=a", "Server=localhost.example;APP=a"},
        {"Server=127.0.0.1,5;APP=a", "Server=127.0.0.1,5;APP=a"},
        {"APP=a", "APP=a"},
    };
    for (size_t i = 0; i < ES_COUNT_OF(cases); i++) {
        conf_connstr c;
        conf_target target;
        es_buf out = ES_BUF_INIT_WIPE(2000);
        assert_int_equal(conf_connstr_parse(cases[i].text, &c, NULL), ENTRASQL_OK);
        assert_int_equal(conf_target_from(&c, &target, NULL), ENTRASQL_OK);
        assert_int_equal(glue_name_loopback(&c, &target, NULL), ENTRASQL_OK);
        assert_int_equal(conf_connstr_print(&c, &out), ENTRASQL_OK);
        assert_string_equal(es_buf_cstr(&out), cases[i].result);
        es_buf_done(&out);
        conf_target_done(&target);
        conf_connstr_done(&c);
    }
}

/* The tables of what tdsodbc and Microsoft's driver say are from the drivers themselves. */
static const struct diag_case {
    glue_diag records[3];
    size_t count;
    bool is_connect;
    entrasql_status status;
    uint32_t number;
    const char *starts;
    const char *hint;
} diag_cases[] = {
    {{{"28000", 18456, 1, 14, "Login failed for user '<token-identified principal>'."}},
     1,
     true,
     ENTRASQL_LOGIN_FAILED,
     18456,
     "Login failed for user '<token-identified principal>'. (SQLSTATE 28000, error 18456)",
     "CREATE USER"},
    {{{"42000", 40613, 0, 0, "Database not available"}, {"08001", 0, 0, 0, "Unable to connect"}},
     2,
     true,
     ENTRASQL_LOGIN_FAILED,
     40613,
     "Database not available (SQLSTATE 42000, error 40613); Unable to connect (SQLSTATE 08001)",
     "again"},
    {{{"08001", 0, 0, 0, "Unable to connect"}, {"01000", 20017, 0, 0, "Unexpected EOF"}},
     2,
     true,
     ENTRASQL_NETWORK,
     0,
     "Unable to connect (SQLSTATE 08001); Unexpected EOF",
     ""},
    {{{"01000", 20002, 0, 0, "warned"}, {"08001", 0, 0, 0, "failed"}},
     2,
     true,
     ENTRASQL_NETWORK,
     0,
     "failed (SQLSTATE 08001); warned",
     ""},
    {{{"08S01", 20009, 0, 0, "unavailable"},
      {"08S01", 20009, 0, 0, "unavailable"},
      {"08001", 0, 0, 0, "Unable"}},
     3,
     true,
     ENTRASQL_NETWORK,
     0,
     "unavailable (SQLSTATE 08S01, error 20009); Unable (SQLSTATE 08001)",
     ""},
    {{{"HYT00", 0, 0, 0, "Login timeout expired"},
      {"08001", 10057, 0, 0, "TCP Provider: Error code 0x2749"}},
     2,
     true,
     ENTRASQL_NETWORK,
     0,
     "TCP Provider: Error code 0x2749 (SQLSTATE 08001, error 10057); Login",
     ""},
    {{{"HYT00", 0, 0, 0, "Timeout expired"}, {"08001", 0, 0, 0, "Unable to connect"}},
     2,
     true,
     ENTRASQL_TIMEOUT,
     0,
     "Timeout expired",
     ""},
    {{{"01000", 0, 0, 0, "Can't open lib 'x' : file not found"}},
     1,
     true,
     ENTRASQL_CONFIG,
     0,
     "Can't open lib",
     "odbcinst -q -d"},
    {{{"IM002", 0, 0, 0, "Data source name not found"}},
     1,
     true,
     ENTRASQL_CONFIG,
     0,
     "Data source name",
     "odbcinst -q -d"},
    {{{"08001", -1, 0, 0, "SSL Provider: certificate verify failed:unable to get issuer"}},
     1,
     true,
     ENTRASQL_TLS,
     0,
     "SSL Provider",
     "SSL_CERT_FILE"},
    {{{"42000", 229, 5, 14, "The INSERT permission was denied on the object 'Persons'"}},
     1,
     false,
     ENTRASQL_SQL_ERROR,
     229,
     "The INSERT permission was denied",
     "db_datawriter"},
    {{{"08S01", 0, 0, 0, "Communication link failure"}},
     1,
     false,
     ENTRASQL_NETWORK,
     0,
     "Communication link failure",
     ""},
    {{{"HY008", 0, 0, 0, "Operation canceled"}}, 1, false, ENTRASQL_CANCELLED, 0, "Operation", ""},
    {{{{0}}}, 0, true, ENTRASQL_NETWORK, 0, "the ODBC driver failed", ""},
};

static void records_become_one_error(void **state)
{
    (void)state;
    for (size_t i = 0; i < ES_COUNT_OF(diag_cases); i++) {
        const struct diag_case *d = &diag_cases[i];
        entrasql_error err;
        assert_int_equal(glue_diag_fail(d->records, d->count, d->is_connect, &err), d->status);
        assert_int_equal(err.status, d->status);
        assert_int_equal(err.number, d->number);
        if (!es_starts_with(err.message, d->starts))
            fail_msg("%zu: %s", i, err.message);
        if (strstr(err.hint, d->hint) == NULL)
            fail_msg("%zu: hint %s", i, err.hint);
    }
    assert_true(glue_is_transient(40613));
    assert_false(glue_is_transient(18456));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_of_drivers),         cmocka_unit_test(the_installer_is_asked),
        cmocka_unit_test(pools_are_seen),           cmocka_unit_test(a_data_source_fills_the_gaps),
        cmocka_unit_test(another_sign_in_is_named), cmocka_unit_test(strings_for_the_tunnel),
        cmocka_unit_test(loopback_by_address),      cmocka_unit_test(records_become_one_error),
    };
    return cmocka_run_group_tests_name("rewrite", tests, set_up, tear_down);
}
