/* SPDX-License-Identifier: MIT */
/*
 * The functions of a driver underneath, as a table of pointers.
 *
 * The driver manager, our driver and the one underneath all export the same
 * names. So a function of the driver underneath is only ever called through
 * this table, filled by dlsym() on that driver's own handle (library.h).
 */
#ifndef ODBC_DRIVER_FUNCTIONS_H
#define ODBC_DRIVER_FUNCTIONS_H

#include <sql.h>
#include <sqlext.h>
#include <sqlucode.h>

/* Of ODBC 3.8; not in unixODBC's headers. */
SQLRETURN SQL_API SQLCompleteAsync(SQLSMALLINT type, SQLHANDLE handle, SQLRETURN *ret);

#define DRV_FUNCTIONS(X)                                                                           \
    X(SQLAllocConnect)                                                                             \
    X(SQLAllocEnv)                                                                                 \
    X(SQLAllocHandle)                                                                              \
    X(SQLAllocStmt)                                                                                \
    X(SQLBindCol)                                                                                  \
    X(SQLBindParam)                                                                                \
    X(SQLBindParameter)                                                                            \
    X(SQLBulkOperations)                                                                           \
    X(SQLCancel)                                                                                   \
    X(SQLCancelHandle)                                                                             \
    X(SQLCloseCursor)                                                                              \
    X(SQLColAttribute)                                                                             \
    X(SQLColAttributeW)                                                                            \
    X(SQLColAttributes)                                                                            \
    X(SQLColAttributesW)                                                                           \
    X(SQLColumnPrivileges)                                                                         \
    X(SQLColumnPrivilegesW)                                                                        \
    X(SQLColumns)                                                                                  \
    X(SQLColumnsW)                                                                                 \
    X(SQLCompleteAsync)                                                                            \
    X(SQLCopyDesc)                                                                                 \
    X(SQLDescribeCol)                                                                              \
    X(SQLDescribeColW)                                                                             \
    X(SQLDescribeParam)                                                                            \
    X(SQLDisconnect)                                                                               \
    X(SQLDriverConnect)                                                                            \
    X(SQLDriverConnectW)                                                                           \
    X(SQLEndTran)                                                                                  \
    X(SQLExecDirect)                                                                               \
    X(SQLExecDirectW)                                                                              \
    X(SQLExecute)                                                                                  \
    X(SQLExtendedFetch)                                                                            \
    X(SQLFetch)                                                                                    \
    X(SQLFetchScroll)                                                                              \
    X(SQLForeignKeys)                                                                              \
    X(SQLForeignKeysW)                                                                             \
    X(SQLFreeConnect)                                                                              \
    X(SQLFreeEnv)                                                                                  \
    X(SQLFreeHandle)                                                                               \
    X(SQLFreeStmt)                                                                                 \
    X(SQLGetConnectAttr)                                                                           \
    X(SQLGetConnectAttrW)                                                                          \
    X(SQLGetCursorName)                                                                            \
    X(SQLGetCursorNameW)                                                                           \
    X(SQLGetData)                                                                                  \
    X(SQLGetDescField)                                                                             \
    X(SQLGetDescFieldW)                                                                            \
    X(SQLGetDescRec)                                                                               \
    X(SQLGetDescRecW)                                                                              \
    X(SQLGetDiagField)                                                                             \
    X(SQLGetDiagFieldW)                                                                            \
    X(SQLGetDiagRec)                                                                               \
    X(SQLGetDiagRecW)                                                                              \
    X(SQLGetEnvAttr)                                                                               \
    X(SQLGetFunctions)                                                                             \
    X(SQLGetInfo)                                                                                  \
    X(SQLGetInfoW)                                                                                 \
    X(SQLGetStmtAttr)                                                                              \
    X(SQLGetStmtAttrW)                                                                             \
    X(SQLGetStmtOption)                                                                            \
    X(SQLGetTypeInfo)                                                                              \
    X(SQLGetTypeInfoW)                                                                             \
    X(SQLMoreResults)                                                                              \
    X(SQLNativeSql)                                                                                \
    X(SQLNativeSqlW)                                                                               \
    X(SQLNumParams)                                                                                \
    X(SQLNumResultCols)                                                                            \
    X(SQLParamData)                                                                                \
    X(SQLParamOptions)                                                                             \
    X(SQLPrepare)                                                                                  \
    X(SQLPrepareW)                                                                                 \
    X(SQLPrimaryKeys)                                                                              \
    X(SQLPrimaryKeysW)                                                                             \
    X(SQLProcedureColumns)                                                                         \
    X(SQLProcedureColumnsW)                                                                        \
    X(SQLProcedures)                                                                               \
    X(SQLProceduresW)                                                                              \
    X(SQLPutData)                                                                                  \
    X(SQLRowCount)                                                                                 \
    X(SQLSetConnectAttr)                                                                           \
    X(SQLSetConnectAttrW)                                                                          \
    X(SQLSetCursorName)                                                                            \
    X(SQLSetCursorNameW)                                                                           \
    X(SQLSetDescField)                                                                             \
    X(SQLSetDescFieldW)                                                                            \
    X(SQLSetDescRec)                                                                               \
    X(SQLSetEnvAttr)                                                                               \
    X(SQLSetParam)                                                                                 \
    X(SQLSetPos)                                                                                   \
    X(SQLSetScrollOptions)                                                                         \
    X(SQLSetStmtAttr)                                                                              \
    X(SQLSetStmtAttrW)                                                                             \
    X(SQLSetStmtOption)                                                                            \
    X(SQLSpecialColumns)                                                                           \
    X(SQLSpecialColumnsW)                                                                          \
    X(SQLStatistics)                                                                               \
    X(SQLStatisticsW)                                                                              \
    X(SQLTablePrivileges)                                                                          \
    X(SQLTablePrivilegesW)                                                                         \
    X(SQLTables)                                                                                   \
    X(SQLTablesW)                                                                                  \
    X(SQLTransact)

/* NULL: the driver underneath does not have it. */
typedef struct drv_functions {
/* NOLINTNEXTLINE(bugprone-macro-parentheses) */
#define DRV_MEMBER(name) __typeof__(name) *name;
    DRV_FUNCTIONS(DRV_MEMBER)
#undef DRV_MEMBER
} drv_functions;

#endif
