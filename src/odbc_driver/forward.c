/* SPDX-License-Identifier: MIT */
/*
 * The calls that are handed straight to the driver underneath: one load of the
 * table, one comparison, one indirect jump (the compiler makes each of these
 * functions end in it).
 */
#include "handle.h"

#include <stddef.h>

#define FORWARD(name, handle, params, args)                                                        \
    SQLRETURN SQL_API name params                                                                  \
    {                                                                                              \
        DRV_ENTER(f, handle, name);                                                                \
        return f->name args;                                                                       \
    }

#define H drv_inner(h)

/* ---- statements ---- */

FORWARD(SQLBindCol, h,
        (SQLHSTMT h, SQLUSMALLINT column, SQLSMALLINT type, SQLPOINTER value, SQLLEN size,
         SQLLEN *length),
        (H, column, type, value, size, length))
FORWARD(SQLBindParam, h,
        (SQLHSTMT h, SQLUSMALLINT number, SQLSMALLINT type, SQLSMALLINT sql_type, SQLULEN size,
         SQLSMALLINT digits, SQLPOINTER value, SQLLEN *length),
        (H, number, type, sql_type, size, digits, value, length))
FORWARD(SQLBindParameter, h,
        (SQLHSTMT h, SQLUSMALLINT number, SQLSMALLINT direction, SQLSMALLINT type,
         SQLSMALLINT sql_type, SQLULEN size, SQLSMALLINT digits, SQLPOINTER value, SQLLEN max,
         SQLLEN *length),
        (H, number, direction, type, sql_type, size, digits, value, max, length))
FORWARD(SQLBulkOperations, h, (SQLHSTMT h, SQLSMALLINT operation), (H, operation))
FORWARD(SQLCloseCursor, h, (SQLHSTMT h), (H))
FORWARD(SQLDescribeParam, h,
        (SQLHSTMT h, SQLUSMALLINT number, SQLSMALLINT *type, SQLULEN *size, SQLSMALLINT *digits,
         SQLSMALLINT *nullable),
        (H, number, type, size, digits, nullable))
FORWARD(SQLExecute, h, (SQLHSTMT h), (H))
FORWARD(SQLExtendedFetch, h,
        (SQLHSTMT h, SQLUSMALLINT orientation, SQLLEN offset, SQLULEN *rows, SQLUSMALLINT *status),
        (H, orientation, offset, rows, status))
FORWARD(SQLFetch, h, (SQLHSTMT h), (H))
FORWARD(SQLFetchScroll, h, (SQLHSTMT h, SQLSMALLINT orientation, SQLLEN offset),
        (H, orientation, offset))
FORWARD(SQLGetData, h,
        (SQLHSTMT h, SQLUSMALLINT column, SQLSMALLINT type, SQLPOINTER value, SQLLEN size,
         SQLLEN *length),
        (H, column, type, value, size, length))
FORWARD(SQLMoreResults, h, (SQLHSTMT h), (H))
FORWARD(SQLNumParams, h, (SQLHSTMT h, SQLSMALLINT *count), (H, count))
FORWARD(SQLNumResultCols, h, (SQLHSTMT h, SQLSMALLINT *count), (H, count))
FORWARD(SQLParamData, h, (SQLHSTMT h, SQLPOINTER *value), (H, value))
FORWARD(SQLParamOptions, h, (SQLHSTMT h, SQLULEN rows, SQLULEN *row), (H, rows, row))
FORWARD(SQLPutData, h, (SQLHSTMT h, SQLPOINTER data, SQLLEN length), (H, data, length))
FORWARD(SQLRowCount, h, (SQLHSTMT h, SQLLEN *count), (H, count))
FORWARD(SQLSetParam, h,
        (SQLHSTMT h, SQLUSMALLINT number, SQLSMALLINT type, SQLSMALLINT sql_type, SQLULEN size,
         SQLSMALLINT digits, SQLPOINTER value, SQLLEN *length),
        (H, number, type, sql_type, size, digits, value, length))
FORWARD(SQLSetPos, h, (SQLHSTMT h, SQLSETPOSIROW row, SQLUSMALLINT operation, SQLUSMALLINT lock),
        (H, row, operation, lock))
FORWARD(SQLSetScrollOptions, h,
        (SQLHSTMT h, SQLUSMALLINT concurrency, SQLLEN keyset, SQLUSMALLINT rows),
        (H, concurrency, keyset, rows))

/* ---- statements, UTF-16 ---- */

FORWARD(SQLColAttributeW, h,
        (SQLHSTMT h, SQLUSMALLINT column, SQLUSMALLINT field, SQLPOINTER text, SQLSMALLINT size,
         SQLSMALLINT *length, SQLLEN *number),
        (H, column, field, text, size, length, number))
FORWARD(SQLColumnPrivilegesW, h,
        (SQLHSTMT h, SQLWCHAR *a, SQLSMALLINT na, SQLWCHAR *b, SQLSMALLINT nb, SQLWCHAR *c,
         SQLSMALLINT nc, SQLWCHAR *d, SQLSMALLINT nd),
        (H, a, na, b, nb, c, nc, d, nd))
FORWARD(SQLColumnsW, h,
        (SQLHSTMT h, SQLWCHAR *a, SQLSMALLINT na, SQLWCHAR *b, SQLSMALLINT nb, SQLWCHAR *c,
         SQLSMALLINT nc, SQLWCHAR *d, SQLSMALLINT nd),
        (H, a, na, b, nb, c, nc, d, nd))
FORWARD(SQLDescribeColW, h,
        (SQLHSTMT h, SQLUSMALLINT column, SQLWCHAR *name, SQLSMALLINT size, SQLSMALLINT *length,
         SQLSMALLINT *type, SQLULEN *column_size, SQLSMALLINT *digits, SQLSMALLINT *nullable),
        (H, column, name, size, length, type, column_size, digits, nullable))
FORWARD(SQLExecDirectW, h, (SQLHSTMT h, SQLWCHAR *text, SQLINTEGER length), (H, text, length))
FORWARD(SQLForeignKeysW, h,
        (SQLHSTMT h, SQLWCHAR *a, SQLSMALLINT na, SQLWCHAR *b, SQLSMALLINT nb, SQLWCHAR *c,
         SQLSMALLINT nc, SQLWCHAR *d, SQLSMALLINT nd, SQLWCHAR *e, SQLSMALLINT ne, SQLWCHAR *g,
         SQLSMALLINT ng),
        (H, a, na, b, nb, c, nc, d, nd, e, ne, g, ng))
FORWARD(SQLGetTypeInfoW, h, (SQLHSTMT h, SQLSMALLINT type), (H, type))
FORWARD(SQLPrepareW, h, (SQLHSTMT h, SQLWCHAR *text, SQLINTEGER length), (H, text, length))
FORWARD(SQLPrimaryKeysW, h,
        (SQLHSTMT h, SQLWCHAR *a, SQLSMALLINT na, SQLWCHAR *b, SQLSMALLINT nb, SQLWCHAR *c,
         SQLSMALLINT nc),
        (H, a, na, b, nb, c, nc))
FORWARD(SQLProcedureColumnsW, h,
        (SQLHSTMT h, SQLWCHAR *a, SQLSMALLINT na, SQLWCHAR *b, SQLSMALLINT nb, SQLWCHAR *c,
         SQLSMALLINT nc, SQLWCHAR *d, SQLSMALLINT nd),
        (H, a, na, b, nb, c, nc, d, nd))
FORWARD(SQLProceduresW, h,
        (SQLHSTMT h, SQLWCHAR *a, SQLSMALLINT na, SQLWCHAR *b, SQLSMALLINT nb, SQLWCHAR *c,
         SQLSMALLINT nc),
        (H, a, na, b, nb, c, nc))
FORWARD(SQLSetCursorNameW, h, (SQLHSTMT h, SQLWCHAR *name, SQLSMALLINT length), (H, name, length))
FORWARD(SQLSpecialColumnsW, h,
        (SQLHSTMT h, SQLUSMALLINT type, SQLWCHAR *a, SQLSMALLINT na, SQLWCHAR *b, SQLSMALLINT nb,
         SQLWCHAR *c, SQLSMALLINT nc, SQLUSMALLINT scope, SQLUSMALLINT nullable),
        (H, type, a, na, b, nb, c, nc, scope, nullable))
FORWARD(SQLStatisticsW, h,
        (SQLHSTMT h, SQLWCHAR *a, SQLSMALLINT na, SQLWCHAR *b, SQLSMALLINT nb, SQLWCHAR *c,
         SQLSMALLINT nc, SQLUSMALLINT unique, SQLUSMALLINT reserved),
        (H, a, na, b, nb, c, nc, unique, reserved))
FORWARD(SQLTablePrivilegesW, h,
        (SQLHSTMT h, SQLWCHAR *a, SQLSMALLINT na, SQLWCHAR *b, SQLSMALLINT nb, SQLWCHAR *c,
         SQLSMALLINT nc),
        (H, a, na, b, nb, c, nc))
FORWARD(SQLTablesW, h,
        (SQLHSTMT h, SQLWCHAR *a, SQLSMALLINT na, SQLWCHAR *b, SQLSMALLINT nb, SQLWCHAR *c,
         SQLSMALLINT nc, SQLWCHAR *d, SQLSMALLINT nd),
        (H, a, na, b, nb, c, nc, d, nd))

/* ---- descriptors ---- */

FORWARD(SQLGetDescFieldW, h,
        (SQLHDESC h, SQLSMALLINT record, SQLSMALLINT field, SQLPOINTER value, SQLINTEGER size,
         SQLINTEGER *length),
        (H, record, field, value, size, length))
FORWARD(SQLGetDescRecW, h,
        (SQLHDESC h, SQLSMALLINT record, SQLWCHAR *name, SQLSMALLINT size, SQLSMALLINT *length,
         SQLSMALLINT *type, SQLSMALLINT *subtype, SQLLEN *octets, SQLSMALLINT *precision,
         SQLSMALLINT *scale, SQLSMALLINT *nullable),
        (H, record, name, size, length, type, subtype, octets, precision, scale, nullable))
FORWARD(SQLSetDescFieldW, h,
        (SQLHDESC h, SQLSMALLINT record, SQLSMALLINT field, SQLPOINTER value, SQLINTEGER length),
        (H, record, field, value, length))
FORWARD(SQLSetDescRec, h,
        (SQLHDESC h, SQLSMALLINT record, SQLSMALLINT type, SQLSMALLINT subtype, SQLLEN octets,
         SQLSMALLINT precision, SQLSMALLINT scale, SQLPOINTER data, SQLLEN *length,
         SQLLEN *indicator),
        (H, record, type, subtype, octets, precision, scale, data, length, indicator))

/* ---- connections ---- */

FORWARD(SQLNativeSqlW, h,
        (SQLHDBC h, SQLWCHAR *in, SQLINTEGER in_length, SQLWCHAR *out, SQLINTEGER out_size,
         SQLINTEGER *out_length),
        (H, in, in_length, out, out_size, out_length))

/* ---- from other threads: nothing of the handle is changed ---- */

SQLRETURN SQL_API SQLCancel(SQLHSTMT h)
{
    const drv_functions *f = drv_base(h);
    if (f == NULL || f->SQLCancel == NULL)
        return h == SQL_NULL_HSTMT ? SQL_INVALID_HANDLE : SQL_ERROR;
    return f->SQLCancel(H);
}

SQLRETURN SQL_API SQLCancelHandle(SQLSMALLINT type, SQLHANDLE h)
{
    const drv_functions *f = drv_base(h);
    if (f == NULL)
        return h == SQL_NULL_HANDLE ? SQL_INVALID_HANDLE : SQL_ERROR;
    if (f->SQLCancelHandle == NULL && type == SQL_HANDLE_STMT)
        return SQLCancel(h);
    return f->SQLCancelHandle != NULL ? f->SQLCancelHandle(type, H) : SQL_ERROR;
}

SQLRETURN SQL_API SQLCompleteAsync(SQLSMALLINT type, SQLHANDLE h, SQLRETURN *ret)
{
    DRV_ENTER(f, h, SQLCompleteAsync);
    return f->SQLCompleteAsync(type, H, ret);
}
