/* SPDX-License-Identifier: MIT */
/*
 * The rows of Persons by ODBC alone: nothing of entrasql is called. The
 * connection string names the driver and says who signs in, if anything:
 *
 *   persons_odbc "Driver={entrasql};Server=tcp:localhost,1433;Database=persons"
 *
 * Build: cc persons_odbc.c -lodbc
 */
#include <sql.h>
#include <sqlext.h>

#include <stdio.h>

static int fail(SQLSMALLINT type, SQLHANDLE handle)
{
    SQLCHAR state[6] = "";
    SQLCHAR text[1024] = "";
    SQLINTEGER native = 0;
    SQLSMALLINT number = 1;

    while (SQL_SUCCEEDED(
        SQLGetDiagRec(type, handle, number++, state, &native, text, sizeof text, NULL)))
        fprintf(stderr, "%s %d %s\n", (const char *)state, (int)native, (const char *)text);
    return 1;
}

static int print_rows(SQLHSTMT stmt)
{
    SQLCHAR query[] = "SELECT ID, FirstName, LastName FROM Persons ORDER BY ID";
    SQLINTEGER id = 0;
    SQLCHAR names[2][256];
    SQLLEN lengths[3];
    SQLRETURN rc;

    if (!SQL_SUCCEEDED(SQLExecDirect(stmt, query, SQL_NTS)) ||
        !SQL_SUCCEEDED(SQLBindCol(stmt, 1, SQL_C_SLONG, &id, 0, &lengths[0])) ||
        !SQL_SUCCEEDED(SQLBindCol(stmt, 2, SQL_C_CHAR, names[0], sizeof names[0], &lengths[1])) ||
        !SQL_SUCCEEDED(SQLBindCol(stmt, 3, SQL_C_CHAR, names[1], sizeof names[1], &lengths[2])))
        return fail(SQL_HANDLE_STMT, stmt);
    while (SQL_SUCCEEDED(rc = SQLFetch(stmt)))
        printf("%d\t%s\t%s\n", (int)id, lengths[1] == SQL_NULL_DATA ? "" : (const char *)names[0],
               lengths[2] == SQL_NULL_DATA ? "" : (const char *)names[1]);
    return rc == SQL_NO_DATA ? 0 : fail(SQL_HANDLE_STMT, stmt);
}

static int run(SQLHDBC dbc, char *string)
{
    SQLHSTMT stmt = SQL_NULL_HSTMT;
    if (!SQL_SUCCEEDED(SQLDriverConnect(dbc, NULL, (SQLCHAR *)string, SQL_NTS, NULL, 0, NULL,
                                        SQL_DRIVER_NOPROMPT)))
        return fail(SQL_HANDLE_DBC, dbc);
    int code = SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_STMT, dbc, &stmt))
                   ? print_rows(stmt)
                   : fail(SQL_HANDLE_DBC, dbc);
    SQLFreeHandle(SQL_HANDLE_STMT, stmt);
    SQLDisconnect(dbc);
    return code;
}

int main(int argc, char **argv)
{
    SQLHENV env = SQL_NULL_HENV;
    SQLHDBC dbc = SQL_NULL_HDBC;

    if (argc != 2) {
        fprintf(stderr, "usage: persons_odbc CONNECTION-STRING\n");
        return 2;
    }
    if (!SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_ENV, SQL_NULL_HANDLE, &env)) ||
        !SQL_SUCCEEDED(SQLSetEnvAttr(env, SQL_ATTR_ODBC_VERSION, (SQLPOINTER)SQL_OV_ODBC3, 0)) ||
        !SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_DBC, env, &dbc)))
        return 1;
    int code = run(dbc, argv[1]);
    SQLFreeHandle(SQL_HANDLE_DBC, dbc);
    SQLFreeHandle(SQL_HANDLE_ENV, env);
    return code;
}
