/* SPDX-License-Identifier: MIT */
/* The calls of entrasql/odbc.h, on handles of the driver manager. */
#include <entrasql/odbc.h>

#include "base/options.h"
#include "base/utf16.h"
#include "odbc_glue/diag.h"
#include "odbc_glue/login.h"

#include <string.h>

#define PROBE_TIMEOUT_S 5 /* for the answer to a SELECT 1 */

static const glue_calls manager_calls = {
    .driver_connect = SQLDriverConnect,
    .driver_connect_w = SQLDriverConnectW,
    .set_connect_attr = SQLSetConnectAttr,
    .get_connect_attr = SQLGetConnectAttr,
    .get_diag_rec_w = SQLGetDiagRecW,
    .get_diag_field_w = SQLGetDiagFieldW,
};

static entrasql_status read_options(const entrasql_odbc_options *given, glue_login_options *ret,
                                    entrasql_error *err)
{
    entrasql_odbc_options o;
    ES_TRY(es_options_copy(&o, sizeof o, given, err));
    ret->ca_file = o.ca_file;
    ret->login_timeout_ms = o.login_timeout_ms;
    ret->total_timeout_ms = o.total_timeout_ms;
    ret->first_pause_ms = o.first_retry_pause_ms;
    ret->warning = (glue_warning){o.warning, o.warning_context};
    ret->prompt = (glue_prompt){o.device_code_prompt, o.device_code_prompt_context};
    return ENTRASQL_OK;
}

static entrasql_status connect_by_text(const glue_login_options *options, const char *text,
                                       entrasql_error *err)
{
    ES_CLEANUP(conf_connstr_done) conf_connstr written = {0};
    ES_CLEANUP(conf_connstr_done) conf_connstr merged = {0};
    ES_CLEANUP(glue_login_result_done) glue_login_result result = {0};

    ES_TRY(conf_connstr_parse(text, &written, err));
    ES_TRY(conf_connstr_parse(text, &merged, err));
    ES_TRY(glue_dsn_merge(&merged, err));
    return glue_login(options, &written, &merged, &result, err);
}

static entrasql_status check_arguments(SQLHDBC dbc, const void *connection_string,
                                       entrasql_error *err)
{
    if (dbc == SQL_NULL_HDBC)
        return es_fail(err, ENTRASQL_INVALID, "the ODBC connection handle is null");
    if (connection_string == NULL) {
        es_fail(err, ENTRASQL_INVALID, "the connection string is null");
        es_hint(err, "is the environment variable set that holds it?");
        return ENTRASQL_INVALID;
    }
    return ENTRASQL_OK;
}

entrasql_status entrasql_odbc_connect(SQLHDBC dbc, const char *connection_string,
                                      entrasql_credential *credential,
                                      const entrasql_odbc_options *options, entrasql_error *err)
{
    glue_login_options o = {
        .calls = &manager_calls,
        .dbc = dbc,
        .credential = credential,
        .narrow = true,
    };
    ES_TRY(check_arguments(dbc, connection_string, err));
    ES_TRY(read_options(options, &o, err));
    return connect_by_text(&o, connection_string, err);
}

entrasql_status entrasql_odbc_connect_w(SQLHDBC dbc, const SQLWCHAR *connection_string,
                                        entrasql_credential *credential,
                                        const entrasql_odbc_options *options, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT_WIPE(CONF_CONNSTR_MAX_BYTES + 1);
    size_t units = 0;

    ES_TRY(check_arguments(dbc, connection_string, err));
    while (units <= CONF_CONNSTR_MAX_BYTES && connection_string[units] != 0)
        units++;
    entrasql_status status =
        es_utf16le_to_utf8((const uint8_t *)connection_string, 2 * units, &text);
    if (status == ENTRASQL_NOMEM)
        return es_nomem(err);
    if (status != ENTRASQL_OK)
        return es_fail(err, ENTRASQL_CONFIG, "the connection string is longer than %d bytes",
                       CONF_CONNSTR_MAX_BYTES);
    const char *narrow = es_buf_cstr(&text);
    if (narrow == NULL)
        return es_nomem(err);
    return entrasql_odbc_connect(dbc, narrow, credential, options, err);
}

static bool driver_says_dead(SQLHDBC dbc)
{
    SQLUINTEGER dead = SQL_CD_FALSE;
    if (!SQL_SUCCEEDED(
            SQLGetConnectAttr(dbc, SQL_ATTR_CONNECTION_DEAD, &dead, SQL_IS_UINTEGER, NULL)))
        return true; /* a handle that is not connected says so */
    return dead == SQL_CD_TRUE;
}

/*
 * One round trip. Microsoft's driver and FreeTDS's set CONNECTION_DEAD only when
 * a call of the program has failed: without this a connection whose server went
 * away while nobody used it would pass as alive. A SELECT without a table starts
 * no transaction, whatever the autocommit mode.
 */
static bool server_is_gone(SQLHDBC dbc)
{
    SQLCHAR probe[] = "SELECT 1";
    SQLCHAR state[6] = "";
    SQLHSTMT stmt = SQL_NULL_HSTMT;

    if (!SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_STMT, dbc, &stmt)))
        return driver_says_dead(dbc);
    (void)SQLSetStmtAttr(stmt, SQL_ATTR_QUERY_TIMEOUT,
                         (SQLPOINTER)PROBE_TIMEOUT_S, // NOLINT(performance-no-int-to-ptr)
                         SQL_IS_UINTEGER);
    bool is_gone = false;
    if (!SQL_SUCCEEDED(SQLExecDirect(stmt, probe, SQL_NTS))) {
        /* Anything but a lost connection (another statement's rows are on the wire) is alive. */
        (void)SQLGetDiagRec(SQL_HANDLE_STMT, stmt, 1, state, NULL, NULL, 0, NULL);
        is_gone = strncmp((const char *)state, "08", 2) == 0 ||
                  strncmp((const char *)state, "HYT", 3) == 0 || driver_says_dead(dbc);
    }
    (void)SQLFreeHandle(SQL_HANDLE_STMT, stmt);
    return is_gone;
}

bool entrasql_odbc_is_dead(SQLHDBC dbc)
{
    return dbc == SQL_NULL_HDBC || driver_says_dead(dbc) || server_is_gone(dbc);
}

entrasql_status entrasql_odbc_reconnect(SQLHDBC dbc, const char *connection_string,
                                        entrasql_credential *credential,
                                        const entrasql_odbc_options *options, entrasql_error *err)
{
    if (dbc == SQL_NULL_HDBC)
        return es_fail(err, ENTRASQL_INVALID, "the ODBC connection handle is null");
    /* An open transaction keeps a handle connected; it is lost with the connection anyway. */
    if (!SQL_SUCCEEDED(SQLDisconnect(dbc))) {
        (void)SQLEndTran(SQL_HANDLE_DBC, dbc, SQL_ROLLBACK);
        (void)SQLDisconnect(dbc);
    }
    return entrasql_odbc_connect(dbc, connection_string, credential, options, err);
}

entrasql_status entrasql_odbc_failure(SQLSMALLINT handle_type, SQLHANDLE handle,
                                      entrasql_error *err)
{
    return glue_diag_take(&manager_calls, handle_type, handle, false, err);
}
