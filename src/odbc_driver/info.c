/* SPDX-License-Identifier: MIT */
/* What is said about the connection: information, functions, transactions. */
#include "base/mem.h"
#include "base/str.h"
#include "handle.h"
#include "text.h"

#include <stddef.h>
#include <string.h>

/* ---- SQLGetInfo ---- */

static bool is_text_info(SQLUSMALLINT type)
{
    static const SQLUSMALLINT texts[] = {
        SQL_ACCESSIBLE_PROCEDURES,
        SQL_ACCESSIBLE_TABLES,
        SQL_CATALOG_NAME,
        SQL_CATALOG_NAME_SEPARATOR,
        SQL_CATALOG_TERM,
        SQL_COLLATION_SEQ,
        SQL_COLUMN_ALIAS,
        SQL_DATA_SOURCE_NAME,
        SQL_DATA_SOURCE_READ_ONLY,
        SQL_DATABASE_NAME,
        SQL_DBMS_NAME,
        SQL_DBMS_VER,
        SQL_DESCRIBE_PARAMETER,
        SQL_DM_VER,
        SQL_DRIVER_NAME,
        SQL_DRIVER_ODBC_VER,
        SQL_DRIVER_VER,
        SQL_EXPRESSIONS_IN_ORDERBY,
        SQL_IDENTIFIER_QUOTE_CHAR,
        SQL_INTEGRITY,
        SQL_KEYWORDS,
        SQL_LIKE_ESCAPE_CLAUSE,
        SQL_MAX_ROW_SIZE_INCLUDES_LONG,
        SQL_MULT_RESULT_SETS,
        SQL_MULTIPLE_ACTIVE_TXN,
        SQL_NEED_LONG_DATA_LEN,
        SQL_ODBC_VER,
        SQL_ORDER_BY_COLUMNS_IN_SELECT,
        SQL_OUTER_JOINS,
        SQL_PROCEDURE_TERM,
        SQL_PROCEDURES,
        SQL_ROW_UPDATES,
        SQL_SCHEMA_TERM,
        SQL_SEARCH_PATTERN_ESCAPE,
        SQL_SERVER_NAME,
        SQL_SPECIAL_CHARACTERS,
        SQL_TABLE_TERM,
        SQL_USER_NAME,
        SQL_XOPEN_CLI_YEAR,
    };
    for (size_t i = 0; i < ES_COUNT_OF(texts); i++) {
        if (texts[i] == type)
            return true;
    }
    return false;
}

/* What the driver underneath would answer with the tunnel's names; NULL: it knows better. */
static const char *own_answer(const drv_dbc *d, SQLUSMALLINT type)
{
    if (type == SQL_DATA_SOURCE_NAME)
        return d->dsn != NULL ? d->dsn : "";
    if (type == SQL_SERVER_NAME && d->tunnelled)
        return d->host;
    return NULL;
}

/* Lengths of this call are bytes in both forms. */
static SQLRETURN put(const char *text, bool wide, SQLPOINTER value, SQLSMALLINT size,
                     SQLSMALLINT *length)
{
    size_t n = 0;
    size_t room = size > 0 ? (size_t)size : 0;
    bool cut = wide ? drv_put_wide(text, value, room / sizeof(SQLWCHAR), &n)
                    : drv_put_ansi(text, value, room, &n);
    n = wide ? n * sizeof(SQLWCHAR) : n;
    if (length != NULL)
        *length = n > INT16_MAX ? INT16_MAX : (SQLSMALLINT)n;
    return cut ? SQL_SUCCESS_WITH_INFO : SQL_SUCCESS;
}

SQLRETURN SQL_API SQLGetInfoW(SQLHDBC dbc, SQLUSMALLINT type, SQLPOINTER value, SQLSMALLINT size,
                              SQLSMALLINT *length)
{
    DRV_ENTER(f, dbc, SQLGetInfoW);
    const char *own = own_answer(dbc, type);
    if (own != NULL)
        return put(own, true, value, size, length);
    return f->SQLGetInfoW(drv_inner(dbc), type, value, size, length);
}

static SQLRETURN info_of_wide(SQLHDBC dbc, const drv_functions *f, SQLUSMALLINT type,
                              SQLPOINTER value, SQLSMALLINT size, SQLSMALLINT *length)
{
    SQLWCHAR text[8192] = {0};
    char *utf8 = NULL;
    SQLRETURN rc = f->SQLGetInfoW(drv_inner(dbc), type, text, (SQLSMALLINT)sizeof text, NULL);
    if (!SQL_SUCCEEDED(rc))
        return rc;
    if (drv_text_from_wide(text, ES_COUNT_OF(text), &utf8) != ENTRASQL_OK)
        return drv_fail_state(dbc, "HY001", "out of memory");
    rc = put(utf8, false, value, size, length);
    es_free(utf8);
    return rc;
}

SQLRETURN SQL_API SQLGetInfo(SQLHDBC dbc, SQLUSMALLINT type, SQLPOINTER value, SQLSMALLINT size,
                             SQLSMALLINT *length)
{
    const drv_functions *base = drv_base(dbc);
    bool has_ansi = base != NULL && base->SQLGetInfo != NULL;
    if (!has_ansi && !is_text_info(type))
        return SQLGetInfoW(dbc, type, value, size, length);
    DRV_ENTER(f, dbc, SQLGetInfoW);
    const char *own = own_answer(dbc, type);
    if (own != NULL)
        return put(own, false, value, size, length);
    if (!has_ansi)
        return info_of_wide(dbc, f, type, value, size, length);
    return f->SQLGetInfo(drv_inner(dbc), type, value, size, length);
}

/* ---- SQLGetFunctions ---- */

/* Done by us, whatever the driver underneath says. */
static const SQLUSMALLINT own_functions[] = {
    SQL_API_SQLALLOCCONNECT,  SQL_API_SQLALLOCENV,       SQL_API_SQLALLOCHANDLE,
    SQL_API_SQLALLOCSTMT,     SQL_API_SQLBROWSECONNECT,  SQL_API_SQLCONNECT,
    SQL_API_SQLDISCONNECT,    SQL_API_SQLDRIVERCONNECT,  SQL_API_SQLERROR,
    SQL_API_SQLFREECONNECT,   SQL_API_SQLFREEENV,        SQL_API_SQLFREEHANDLE,
    SQL_API_SQLFREESTMT,      SQL_API_SQLGETCONNECTATTR, SQL_API_SQLGETCONNECTOPTION,
    SQL_API_SQLGETDIAGFIELD,  SQL_API_SQLGETDIAGREC,     SQL_API_SQLGETENVATTR,
    SQL_API_SQLGETFUNCTIONS,  SQL_API_SQLGETINFO,        SQL_API_SQLGETSTMTATTR,
    SQL_API_SQLGETSTMTOPTION, SQL_API_SQLSETCONNECTATTR, SQL_API_SQLSETCONNECTOPTION,
    SQL_API_SQLSETENVATTR,    SQL_API_SQLSETSTMTATTR,    SQL_API_SQLSETSTMTOPTION,
};

/* Asked for by name, as not every driver says so. */
static bool has_by_table(const drv_functions *f, SQLUSMALLINT function)
{
    return function == SQL_API_SQLCANCELHANDLE && f->SQLCancel != NULL;
}

static void add_to_bitmap(const drv_functions *f, SQLUSMALLINT *supported)
{
    for (size_t i = 0; i < ES_COUNT_OF(own_functions); i++) {
        unsigned id = own_functions[i];
        supported[id >> 4] = (SQLUSMALLINT)(supported[id >> 4] | 1U << (id & 15U));
    }
    if (has_by_table(f, SQL_API_SQLCANCELHANDLE)) {
        unsigned id = SQL_API_SQLCANCELHANDLE;
        supported[id >> 4] = (SQLUSMALLINT)(supported[id >> 4] | 1U << (id & 15U));
    }
}

SQLRETURN SQL_API SQLGetFunctions(SQLHDBC dbc, SQLUSMALLINT function, SQLUSMALLINT *supported)
{
    DRV_ENTER(f, dbc, SQLGetFunctions);
    SQLRETURN rc = f->SQLGetFunctions(drv_inner(dbc), function, supported);
    if (supported == NULL)
        return rc;
    if (function == SQL_API_ODBC3_ALL_FUNCTIONS) {
        if (SQL_SUCCEEDED(rc))
            add_to_bitmap(f, supported);
        return rc;
    }
    for (size_t i = 0; i < ES_COUNT_OF(own_functions); i++) {
        if (function == SQL_API_ALL_FUNCTIONS && own_functions[i] < 100 && SQL_SUCCEEDED(rc))
            supported[own_functions[i]] = SQL_TRUE;
        if (function != own_functions[i])
            continue;
        *supported = SQL_TRUE;
        return SQL_SUCCESS;
    }
    if (has_by_table(f, function)) {
        *supported = SQL_TRUE;
        return SQL_SUCCESS;
    }
    return rc;
}

/* ---- transactions ---- */

static SQLRETURN end_of_env(drv_env *e, SQLSMALLINT completion)
{
    SQLRETURN worst = SQL_SUCCESS;
    (void)pthread_mutex_lock(&e->lock);
    for (const drv_inner_env *i = e->inner; i != NULL; i = i->next) {
        const drv_functions *f = &i->library->functions;
        SQLRETURN rc =
            f->SQLEndTran != NULL ? f->SQLEndTran(SQL_HANDLE_ENV, i->env, completion) : SQL_ERROR;
        if (rc != SQL_SUCCESS)
            worst = rc;
    }
    (void)pthread_mutex_unlock(&e->lock);
    if (worst == SQL_ERROR)
        return drv_fail_state(&e->head, "25S01",
                              "a connection of this environment did not end its transaction");
    return worst;
}

SQLRETURN SQL_API SQLEndTran(SQLSMALLINT type, SQLHANDLE handle, SQLSMALLINT completion)
{
    drv_handle *h = drv_check(handle, type == SQL_HANDLE_ENV ? DRV_ENV : DRV_DBC);
    if (h == NULL)
        return SQL_INVALID_HANDLE;
    if (type == SQL_HANDLE_ENV) {
        drv_begin(h);
        return end_of_env((drv_env *)h, completion);
    }
    DRV_ENTER(f, handle, SQLEndTran);
    return f->SQLEndTran(type, drv_inner(handle), completion);
}

SQLRETURN SQL_API SQLTransact(SQLHENV env, SQLHDBC dbc, SQLUSMALLINT completion)
{
    if (dbc != SQL_NULL_HDBC)
        return SQLEndTran(SQL_HANDLE_DBC, dbc, (SQLSMALLINT)completion);
    return SQLEndTran(SQL_HANDLE_ENV, env, (SQLSMALLINT)completion);
}
